"""ONNX files of every form, and what onnxruntime and this script make of them. Needs torch, onnx,
onnxruntime, numpy and Pillow.

    python tools/onnx_golden.py crates/sdvp-modules/tests/golden/onnx

writes small files that look for red, green and blue in the cells of a picture, each with its
description, the picture, and in expected.json the boxes (in parts of the picture's sides) and
probabilities that are to be seen, best first.
"""

import json
import pathlib
import sys

import numpy
import onnxruntime
import torch
from PIL import Image
from torch import nn

COLORS = ["red", "green", "blue"]
SIDE, CELL = 64, 16
CELLS = SIDE // CELL


def picture():
    """Wider than high, so that letterboxes have borders: coloured squares on a dull red."""
    pixels = numpy.full((60, 120, 3), [100, 90, 80], numpy.uint8)
    pixels[4:28, 8:32] = [230, 20, 30]
    pixels[32:56, 68:92] = [20, 220, 40]
    pixels[30:58, 4:28] = [30, 40, 240]
    return pixels


class Cells(nn.Module):
    """Logits of every colour in every cell, by means of its pixels: [images, colours, rows, columns]."""

    def __init__(self, spread=12.0):
        super().__init__()
        self.pool = nn.AvgPool2d(CELL)
        self.mix = nn.Conv2d(3, 3, 1)
        with torch.no_grad():
            self.mix.weight[:] = (torch.eye(3) * 1.5 - 0.5)[:, :, None, None] * spread
            self.mix.bias[:] = -3.0
        x = (torch.arange(CELLS) + 0.5) * CELL
        centers = torch.stack([x.repeat(CELLS), x.repeat_interleave(CELLS)])
        self.register_buffer("centers", centers[None])
        self.register_buffer("sizes", torch.full((1, 2, CELLS * CELLS), float(CELL)))

    def logits(self, pixels):
        return self.mix(self.pool(pixels)).flatten(2)


class Yolo(Cells):
    def forward(self, images):
        scores = self.logits(images).sigmoid()
        boxes = torch.cat([self.centers, self.sizes], 1).expand(images.shape[0], -1, -1)
        return torch.cat([boxes, scores], 1)


class YoloFive(Cells):
    def forward(self, images):
        scores = self.logits(images).sigmoid().transpose(1, 2)
        boxes = torch.cat([self.centers, self.sizes], 1).expand(images.shape[0], -1, -1).transpose(1, 2)
        own = scores.amax(2, keepdim=True)
        return torch.cat([boxes, own, scores], 2)


class Detr(Cells):
    def forward(self, pixels):
        logits = self.logits(pixels).transpose(1, 2)
        logits = torch.cat([logits, torch.zeros_like(logits[:, :, :1])], 2)
        boxes = torch.cat([self.centers, self.sizes], 1).expand(pixels.shape[0], -1, -1).transpose(1, 2)
        return boxes / SIDE, logits


class Ssd(Cells):
    def forward(self, pixels):
        scores, classes = self.logits(pixels).sigmoid()[0].max(0)
        low, high = self.centers[0].T - CELL / 2, self.centers[0].T + CELL / 2
        # Boxes that do not depend on the picture are no output of a network.
        return torch.cat([low, high], 1) + pixels.mean() * 0, classes + 1, scores


class Dense(Cells):
    """Channels last, top before left, a background class."""

    def forward(self, pixels):
        logits = self.logits(pixels.permute(0, 3, 1, 2)).transpose(1, 2)
        logits = torch.cat([torch.zeros_like(logits[:, :, :1]), logits], 2)
        low, high = self.centers[0].flip(0).T - CELL / 2, self.centers[0].flip(0).T + CELL / 2
        boxes = torch.cat([low, high], 1)[None] / SIDE
        return boxes + pixels.mean((1, 2, 3))[:, None, None] * 0, logits.softmax(2)


class Classes(Cells):
    def forward(self, pixels):
        return self.logits(pixels).mean(2)


LABELS = 'labels = ["red", "green", "blue"]'
FORMS = {
    "yolo": (Yolo, ["images"], ["output0"], f"""
model = "yolo.onnx"
labels = "colors.txt"
overlap = 1.0
[input]
height = 64
width = 64
fit = "letterbox"
[output]
form = "yolo"
"""),
    "yolo5": (YoloFive, ["images"], ["output0"], f"""
model = "yolo5.onnx"
{LABELS}
overlap = 1.0
[input]
height = 64
width = 64
fit = "letterbox_top_left"
fill = 0
batch = 4
[output]
form = "yolo"
"""),
    "detr": (Detr, ["pixel_values"], ["pred_boxes", "logits"], f"""
model = "detr.onnx"
{LABELS}
overlap = 1.0
[input]
name = "pixel_values"
height = 64
width = 64
mean = [0.5, 0.4, 0.3]
std = [0.5, 0.6, 0.7]
[output]
form = "detr"
logits = "logits"
boxes = "pred_boxes"
"""),
    "ssd": (Ssd, ["image"], ["boxes", "labels", "scores"], f"""
model = "ssd.onnx"
{LABELS}
overlap = 1.0
[input]
height = 64
width = 64
channels = "bgr"
[output]
form = "ssd"
boxes = "boxes"
scores = "scores"
classes = "labels"
first_class = 1
"""),
    "dense": (Dense, ["pixels"], ["detection_boxes", "detection_scores"], f"""
model = "dense.onnx"
{LABELS}
overlap = 1.0
[input]
height = 64
width = 64
layout = "channels_last"
batch = 2
[output]
form = "ssd"
corners = "yxyx"
normalized = true
first_class = 1
"""),
    "classes": (Classes, ["pixels"], ["logits"], f"""
model = "classes.onnx"
{LABELS}
[input]
height = 64
width = 64
[output]
form = "classes"
"""),
}


def resized(pixels, width, height):
    return numpy.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BILINEAR))


def prepared(name, pixels):
    """The input's numbers and where the picture lies in it: left, top, width, height."""
    height, width = pixels.shape[:2]
    if not name.startswith("yolo"):
        inner, place = resized(pixels, SIDE, SIDE), (0, 0, SIDE, SIDE)
        whole = inner.astype(numpy.float32)
    else:
        scale = min(SIDE / width, SIDE / height)
        w, h = round(width * scale), round(height * scale)
        left, top = ((SIDE - w) // 2, (SIDE - h) // 2) if name == "yolo" else (0, 0)
        whole = numpy.full((SIDE, SIDE, 3), 114 if name == "yolo" else 0, numpy.float32)
        whole[top : top + h, left : left + w] = resized(pixels, w, h)
        place = (left, top, w, h)
    whole = whole / numpy.float32(255)
    if name == "detr":
        whole = (whole - numpy.float32([0.5, 0.4, 0.3])) / numpy.float32([0.5, 0.6, 0.7])
    if name == "ssd":
        whole = whole[:, :, ::-1]
    if name != "dense":
        whole = whole.transpose(2, 0, 1)
    return numpy.ascontiguousarray(whole[None]), place


def softmax(logits):
    weights = numpy.exp(logits - logits.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


def corners(boxes):
    return numpy.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], 1)


def read(name, said):
    """Boxes in the input's pixels (corners) and probabilities of the colours."""
    if name == "yolo":
        rows = said["output0"][0].T
        return corners(rows[:, :4]), rows[:, 4:]
    if name == "yolo5":
        rows = said["output0"][0]
        return corners(rows[:, :4]), rows[:, 5:] * rows[:, 4:5]
    if name == "detr":
        return corners(said["pred_boxes"][0]) * SIDE, softmax(said["logits"][0])[:, :3]
    if name == "ssd":
        one_hot = numpy.eye(4, dtype=numpy.float32)[said["labels"]][:, 1:]
        return said["boxes"], one_hot * said["scores"][:, None]
    if name == "dense":
        return said["detection_boxes"][0][:, [1, 0, 3, 2]] * SIDE, said["detection_scores"][0][:, 1:]
    return numpy.float32([[0, 0, SIDE, SIDE]]), softmax(said["logits"])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python tools/onnx_golden.py FOLDER")
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "colors.txt").write_text("red\ngreen\nblue\n")
    pixels = picture()
    Image.fromarray(pixels).save(folder / "picture.png")
    expected = {}
    for name, (network, inputs, outputs, described) in FORMS.items():
        (folder / f"{name}.toml").write_text(described.lstrip())
        numbers, (left, top, width, height) = prepared(name, pixels)
        batched = {} if name == "ssd" else {inputs[0]: {0: "images"}}
        torch.onnx.export(
            network().eval(), (torch.from_numpy(numbers),), folder / f"{name}.onnx", dynamo=False,
            input_names=inputs, output_names=outputs, dynamic_axes=batched, opset_version=17,
        )
        session = onnxruntime.InferenceSession(folder / f"{name}.onnx")
        said = dict(zip(outputs, session.run(outputs, {inputs[0]: numbers})))
        boxes, probabilities = read(name, said)
        boxes = (boxes - numpy.float32([left, top, left, top])) / numpy.float32([width, height, width, height])
        seen = [
            {"bbox": box.tolist(), "names": names.tolist()}
            for box, names in zip(boxes.clip(0, 1), probabilities)
            if names.max() >= 0.02 and (box.clip(0, 1)[2:] > box.clip(0, 1)[:2]).all()
        ]
        expected[name] = sorted(seen, key=lambda one: -max(one["names"]))
    (folder / "expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")
