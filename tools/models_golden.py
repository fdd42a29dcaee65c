"""Golden numbers for the networks of sdvp-models. Needs torch and transformers.

    python tools/models_golden.py crates/sdvp-models/tests/golden

writes one file an architecture: a tiny network with random weights under the names of published
checkpoints (`weight/…`), what it is given (`input/…`), what transformers computes (`output/…`), and
the gradients (`gradient/…`) of the sum of the outputs times the numbers in `probe/…`. Sizes are in
the file's metadata, as in a published `config.json`.
"""

import json
import sys
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file

SIZES = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
PICTURES, LENGTH, WORDS, SIDE, PATCH = 2, 5, 12, 12, 4
# Published checkpoints carry these, but finding does not use them.
UNUSED = ["owlvit.visual_projection.weight", "owlvit.logit_scale"]


def texts(count):
    """Ids whose last one is the greatest, where CLIP's text tower is read off, then padding."""
    ids = torch.randint(1, WORDS - 1, (count, LENGTH))
    last = torch.tensor([LENGTH - 1 - i % 2 for i in range(count)])
    for row, end in enumerate(last):
        ids[row, end] = WORDS - 1
        ids[row, end + 1 :] = 0
    return ids, last


def write(folder, name, config, model, inputs, outputs):
    tensors = {}
    probes = {key: torch.randn_like(value) for key, value in outputs.items()}
    sum((outputs[key] * probes[key]).sum() for key in outputs).backward()
    for key, value in model.named_parameters():
        if key not in UNUSED:
            tensors[f"weight/{key}"] = value.detach()
            tensors[f"gradient/{key}"] = value.grad
    for kind, part in [("input", inputs), ("output", outputs), ("probe", probes)]:
        for key, value in part.items():
            tensors[f"{kind}/{key}"] = value.detach()
    tensors = {key: value.contiguous().clone() for key, value in tensors.items()}
    metadata = {"config": json.dumps(config), "transformers": transformers.__version__}
    save_file(tensors, folder / f"{name}.safetensors", metadata)


def enlarge(model):
    """Fresh weights of these classes are small or zero; larger ones show what differs."""
    model.eval()
    with torch.no_grad():
        for value in model.parameters():
            value.add_(0.3 * torch.randn_like(value))
    return model


def towers(activation):
    text = {"vocab_size": WORDS, "max_position_embeddings": LENGTH, "hidden_act": activation}
    vision = {"image_size": SIDE, "patch_size": PATCH, "hidden_act": activation}
    return {
        "text_config": {**SIZES, **text, "layer_norm_eps": 1e-5},
        "vision_config": {**SIZES, **vision, "layer_norm_eps": 1e-5},
        "projection_dim": 8,
    }


def owlvit(folder):
    # Queries have the width of the text tower.
    config = {**towers("quick_gelu"), "projection_dim": SIZES["hidden_size"]}
    model = enlarge(transformers.OwlViTForObjectDetection(transformers.OwlViTConfig(**config)))
    ids, last = texts(3 * PICTURES)
    pixels = torch.randn(PICTURES, 3, SIDE, SIDE)
    found = model(input_ids=ids, pixel_values=pixels, attention_mask=(ids > 0).long())
    inputs = {"ids": ids, "last": last, "pixels": pixels}
    write(folder, "owlvit", config, model, inputs, {"logits": found.logits, "boxes": found.pred_boxes})


def clip(folder):
    config = towers("quick_gelu")
    published = json.loads(json.dumps(config))
    published["text_config"]["eos_token_id"] = WORDS - 1
    model = enlarge(transformers.CLIPModel(transformers.CLIPConfig(**published)))
    ids, last = texts(3)
    pixels = torch.randn(PICTURES, 3, SIDE, SIDE)
    found = model(input_ids=ids, pixel_values=pixels, attention_mask=(ids > 0).long())
    inputs = {"ids": ids, "last": last, "pixels": pixels}
    write(folder, "clip", config, model, inputs, {"logits": found.logits_per_image})


def vilt(folder):
    answers = ["yes", "no", "dog"]
    config = {
        **SIZES,
        "vocab_size": WORDS,
        "max_position_embeddings": LENGTH,
        "image_size": SIDE,
        "patch_size": PATCH,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-12,
        "answers": answers,
    }
    published = {key: value for key, value in config.items() if key != "answers"}
    published = transformers.ViltConfig(
        **published,
        num_labels=len(answers),
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    model = enlarge(transformers.ViltForQuestionAnswering(published))
    ids, last = texts(PICTURES)
    mask = (ids > 0).long()
    pixels = torch.randn(PICTURES, 3, SIDE, SIDE)
    found = model(
        input_ids=ids,
        attention_mask=mask,
        pixel_values=pixels,
        pixel_mask=torch.ones(PICTURES, SIDE, SIDE, dtype=torch.long),
    )
    inputs = {"ids": ids, "mask": mask.float(), "pixels": pixels}
    write(folder, "vilt", config, model, inputs, {"logits": found.logits})


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python tools/models_golden.py FOLDER")
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for make in [owlvit, clip, vilt]:
        torch.manual_seed(0)
        make(folder)
