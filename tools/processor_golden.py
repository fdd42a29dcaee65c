"""Golden numbers for image processing. Needs torch, transformers and Pillow.

    python tools/processor_golden.py crates PHOTOGRAPHS.tar...

prints, for every photograph and every published way of preparing it, what some of the network's
pixels are before they are normalised (0 to 255), as transformers computes them with Pillow.
"""

import io
import json
import sys
import tarfile
from pathlib import Path

import numpy
from PIL import Image
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.dpt.image_processing_pil_dpt import DPTImageProcessorPil
from transformers.models.owlv2.image_processing_pil_owlv2 import Owlv2ImageProcessorPil
from transformers.models.owlvit.image_processing_pil_owlvit import OwlViTImageProcessorPil
from transformers.models.vilt.image_processing_pil_vilt import ViltImageProcessorPil

CLIP = {"size": {"shortest_edge": 224}, "crop_size": {"height": 224, "width": 224}, "do_center_crop": True}
WAYS = {
    "clip": (CLIPImageProcessorPil, {**CLIP, "resample": 3}),
    "owlvit": (OwlViTImageProcessorPil, {"size": {"height": 768, "width": 768}, "resample": 3}),
    "owlv2": (Owlv2ImageProcessorPil, {"size": {"height": 960, "width": 960}}),
    "owlv2_small": (Owlv2ImageProcessorPil, {"size": {"height": 100, "width": 100}}),
    "blip": (BlipImageProcessorPil, {"size": {"height": 384, "width": 384}, "resample": 3}),
    "vilt": (ViltImageProcessorPil, {"size": {"shortest_edge": 384}, "size_divisor": 32, "resample": 3}),
    "depth_anything": (
        DPTImageProcessorPil,
        {"size": {"height": 518, "width": 518}, "keep_aspect_ratio": True, "ensure_multiple_of": 14, "resample": 3},
    ),
    "bilinear": (BlipImageProcessorPil, {"size": {"height": 96, "width": 96}, "resample": 2}),
}
POINTS = 24


def points(width, height):
    """Places spread over the whole input, edges included: column, row."""
    spread = [((37 * i * i + 11 * i) % width, (53 * i * i + 7 * i) % height) for i in range(POINTS - 1)]
    return spread + [(width - 1, height - 1)]


def photographs(paths):
    for path in paths:
        with tarfile.open(path) as tar:
            for member in sorted(tar.getmembers(), key=lambda member: member.name):
                if member.name.endswith(".jpg"):
                    yield member.name, Image.open(io.BytesIO(tar.extractfile(member).read())).convert("RGB")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: python tools/processor_golden.py CRATES PHOTOGRAPHS.tar...")
    ways = {
        name: {**settings, "image_processor_type": processor.__name__.removesuffix("Pil")}
        for name, (processor, settings) in WAYS.items()
    }
    golden = {"ways": ways, "photographs": {}}
    for name, photograph in photographs(sys.argv[2:]):
        said = {}
        for way, (processor, settings) in WAYS.items():
            prepare = processor(**settings, do_normalize=False)
            pixels = numpy.asarray(prepare(photograph, return_tensors="np")["pixel_values"][0])
            _, height, width = pixels.shape
            said[way] = [int(round(255 * float(v))) for x, y in points(width, height) for v in pixels[:, y, x]]
        golden["photographs"][name] = said
    file = Path(sys.argv[1]) / "sdvp-models/tests/golden/processor.json"
    file.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
