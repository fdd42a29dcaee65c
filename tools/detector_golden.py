"""What a published detector sees in photographs, by onnxruntime, for a test of sdvp-modules.

    python tools/detector_golden.py 320n.onnx PHOTOGRAPHS.tar > crates/sdvp-modules/tests/golden/detector.json

The detector is the YOLOv8n that the PyPI package nudenet carries (`pip download --no-deps nudenet==3.4.2`,
then unzip): it finds faces, feet and other parts of people. Its licence (AGPL) does not let it be part of
this repository. Boxes are left, top, right, bottom in a photograph's pixels; of boxes of a class that overlap
by more than half the likeliest stays. Needs onnxruntime, numpy, Pillow and, for its archives, what
processor_golden.py needs.
"""

import json
import sys

import numpy
import onnxruntime
from PIL import Image
from processor_golden import photographs

SIDE, KEPT, OVERLAP = 320, 0.25, 0.5


def prepared(photograph):
    """Made to fit into the top left corner of a black square."""
    scale = SIDE / max(photograph.size)
    size = [min(SIDE, max(1, round(side * scale))) for side in photograph.size]
    square = Image.new("RGB", (SIDE, SIDE))
    square.paste(photograph.resize(size, Image.BILINEAR))
    numbers = numpy.asarray(square, dtype=numpy.float32).transpose(2, 0, 1)[None] / 255
    return numbers, [photograph.size[at] / size[at] for at in range(2)]


def overlap(one, other):
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    both = max(width, 0) * max(height, 0)
    area = lambda box: (box[2] - box[0]) * (box[3] - box[1])
    return both / (area(one) + area(other) - both)


def seen(session, photograph):
    numbers, (across, down) = prepared(photograph)
    rows = session.run(None, {session.get_inputs()[0].name: numbers})[0][0].T
    found = []
    for x, y, width, height, *scores in rows.tolist():
        kind, score = max(enumerate(scores), key=lambda it: it[1])
        if score >= KEPT:
            box = [(x - width / 2) * across, (y - height / 2) * down, (x + width / 2) * across, (y + height / 2) * down]
            limits = [*photograph.size, *photograph.size]
            found.append((score, kind, [min(max(edge, 0), limit) for edge, limit in zip(box, limits)]))
    found.sort(reverse=True)
    kept = []
    for score, kind, box in found:
        if all(kind != other or overlap(box, there) <= OVERLAP for _, other, there in kept):
            kept.append((score, kind, box))
    return [{"class": kind, "score": round(score, 5), "box": [round(edge, 3) for edge in box]} for score, kind, box in kept]


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: python tools/detector_golden.py 320n.onnx PHOTOGRAPHS.tar...")
    session = onnxruntime.InferenceSession(sys.argv[1])
    golden = {name: seen(session, photograph) for name, photograph in photographs(sys.argv[2:])}
    json.dump({name: found for name, found in golden.items() if found}, sys.stdout, separators=(",", ":"))
    print()
