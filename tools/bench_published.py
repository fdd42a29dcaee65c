"""Checkpoints of published size with random weights, and how fast transformers runs them on the CPU.
Needs torch, transformers, tokenizers and Pillow. `cargo run --release -p xtask -- bench published`
starts it.

    python tools/bench_published.py make DIR [PHOTOGRAPHS.tar] --images N

writes `owlvit/` (google/owlvit-base-patch32's sizes), `blip/` (Salesforce/blip-vqa-base's) and N
photographs as PNG; of noise where no archive is given.

    python tools/bench_published.py run DIR --threads N --batch N

reads `calls.json`, lists of [photograph, name, question], and prints one JSON line: what loading and each
list took, the memory at most, and what was said. `first` in place of `run` goes through the first list
only, and `load` through none.
"""

import argparse
import io
import json
import tarfile
import time
from pathlib import Path

import numpy
import tokenizers
import torch
import transformers
from PIL import Image
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil
from transformers.models.owlvit.image_processing_pil_owlvit import OwlViTImageProcessorPil

WORDS = "is there a dog cat car person chair what color the how many are of this kind in picture left".split()


def tokenizer(folder, start, end, size):
    """Known words first; every other id has a word, too."""
    ids = {word: at + 1000 for at, word in enumerate(WORDS)}
    ids |= {"[START]": start, "[END]": end, "[UNK]": 100, "[PAD]": 0}
    taken = set(ids.values())
    ids |= {f"w{at}": at for at in range(size) if at not in taken}
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(ids, unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    ends = [("[START]", start), ("[END]", end)]
    made.post_processor = tokenizers.processors.TemplateProcessing(single="[START] $A [END]", special_tokens=ends)
    made.add_special_tokens(["[START]", "[END]", "[PAD]"])
    made.save(str(folder / "tokenizer.json"))


def make(folder, archive, images):
    torch.manual_seed(0)
    for name, model, processor, words in [
        ("owlvit", transformers.OwlViTForObjectDetection(transformers.OwlViTConfig()), OwlViTImageProcessorPil(), (49406, 49407, 49408)),
        ("blip", transformers.BlipForQuestionAnswering(transformers.BlipConfig()), BlipImageProcessorPil(), (101, 102, 30524)),
    ]:
        model.save_pretrained(folder / name)
        processor.save_pretrained(folder / name)
        tokenizer(folder / name, *words)
    pictures = folder / "photographs"
    pictures.mkdir()
    if archive is None:
        numbers = numpy.random.default_rng(0)
        for at in range(images):
            small = numbers.integers(0, 256, (12, 16, 3), dtype=numpy.uint8)
            Image.fromarray(small).resize((640, 480), Image.BICUBIC).save(pictures / f"{at:03}.png")
        return
    with tarfile.open(archive) as tar:
        members = sorted((m for m in tar.getmembers() if m.name.endswith(".jpg")), key=lambda m: m.name)
        for at, member in enumerate(members[:images]):
            Image.open(io.BytesIO(tar.extractfile(member).read())).convert("RGB").save(pictures / f"{at:03}.png")


class Models:
    def __init__(self, folder):
        self.owlvit = transformers.OwlViTForObjectDetection.from_pretrained(folder / "owlvit").eval()
        self.blip = transformers.BlipForQuestionAnswering.from_pretrained(folder / "blip").eval()
        self.processors = {
            "owlvit": OwlViTImageProcessorPil.from_pretrained(folder / "owlvit"),
            "blip": BlipImageProcessorPil.from_pretrained(folder / "blip"),
        }
        self.tokenizers = {
            name: tokenizers.Tokenizer.from_file(str(folder / name / "tokenizer.json")) for name in ("owlvit", "blip")
        }

    def read(self, name, texts):
        made = self.tokenizers[name]
        made.enable_padding(pad_id=0, pad_token="[PAD]")
        found = made.encode_batch(texts)
        return torch.tensor([one.ids for one in found]), torch.tensor([one.attention_mask for one in found])

    @torch.inference_mode()
    def find(self, pictures, names):
        """The surest box of every picture for its name: score, then centre and size."""
        pixels = self.processors["owlvit"](pictures, return_tensors="pt")["pixel_values"]
        ids, mask = self.read("owlvit", names)
        found = self.owlvit(input_ids=ids, pixel_values=pixels, attention_mask=mask)
        scores = torch.sigmoid(found.logits[:, :, 0])
        best = scores.argmax(-1)
        return [[float(scores[row, at]), *found.pred_boxes[row, at].tolist()] for row, at in enumerate(best)]

    @torch.inference_mode()
    def answer(self, pictures, questions):
        pixels = self.processors["blip"](pictures, return_tensors="pt")["pixel_values"]
        ids, mask = self.read("blip", questions)
        given = {"input_ids": ids, "pixel_values": pixels, "attention_mask": mask}
        written = self.blip.generate(**given, max_length=20, do_sample=False)
        # Without what every answer begins with, which has a word here.
        return [self.tokenizers["blip"].decode(row[1:].tolist(), skip_special_tokens=True) for row in written]


def run(folder, threads, batch, lists):
    torch.set_num_threads(threads)
    start = time.perf_counter()
    models = Models(folder)
    said = {"load_s": time.perf_counter() - start, "torch": torch.__version__, "transformers": transformers.__version__}
    pictures = {path.name: Image.open(path).convert("RGB") for path in sorted((folder / "photographs").iterdir())}
    said["rounds"] = []
    for calls in json.loads((folder / "calls.json").read_text())[:lists]:
        start, boxes, answers = time.perf_counter(), [], []
        for at in range(0, len(calls), batch):
            some = calls[at : at + batch]
            seen = [pictures[name] for name, _, _ in some]
            boxes += models.find(seen, [name for _, name, _ in some])
            answers += models.answer(seen, [question for _, _, question in some])
        said["rounds"].append({"seconds": time.perf_counter() - start, "boxes": boxes, "answers": answers})
    # Not ru_maxrss, which begins with what the process that started this one had.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    said["peak_mib"] = int(status["VmHWM"].split()[0]) / 1024
    print(json.dumps(said), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["make", "load", "first", "run"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("archive", type=Path, nargs="?")
    parser.add_argument("--images", type=int, default=16)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=8)
    given = parser.parse_args()
    if given.what == "make":
        make(given.folder, given.archive, given.images)
    else:
        run(given.folder, given.threads, given.batch, {"load": 0, "first": 1}.get(given.what))
