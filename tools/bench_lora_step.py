"""A training step of an OWL-ViT-B/32 of random weights with low-rank additions, with PyTorch,
transformers and peft on the CPU: 8 pictures, 4 texts, a focal loss of every patch for every text and
the distance of some boxes. `cargo run --release -p xtask -- bench lora-step` starts this, as it does
bench_training_step.py. Needs torch, transformers and peft.
"""

import argparse
import json
import re
import sys
import time

import peft
import torch
import transformers

BATCH, TEXTS, LENGTH = 8, 4, 5


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--rank", type=int, default=8)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(0)

    model = transformers.OwlViTForObjectDetection(transformers.OwlViTConfig())
    last = "|".join(str(layer) for layer in range(12 - given.layers, 12))
    names = re.compile(rf".*vision_model\.encoder\.layers\.({last})\.(self_attn\.\w+_proj|mlp\.fc\d)")
    targets = [name for name, _ in model.named_modules() if names.fullmatch(name)]
    config = peft.LoraConfig(r=given.rank, lora_alpha=2 * given.rank, lora_dropout=0.0, target_modules=targets)
    model = peft.get_peft_model(model, config).train()
    learning = [value for value in model.parameters() if value.requires_grad]
    optimizer = torch.optim.AdamW(learning, lr=3e-4)

    side = model.config.vision_config.image_size
    pixels = torch.randn(BATCH, 3, side, side)
    ids = torch.randint(1, 1000, (BATCH * TEXTS, LENGTH))
    ids[:, -1] = 49407
    patches = (side // model.config.vision_config.patch_size) ** 2
    wanted = torch.zeros(BATCH, patches, TEXTS)
    wanted[:, :2, 0] = 1
    boxes = torch.rand(BATCH, 2, 4)

    def step():
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        found = model(input_ids=ids, pixel_values=pixels, attention_mask=torch.ones_like(ids))
        said = torch.nn.functional.binary_cross_entropy_with_logits(found.logits, wanted, reduction="none")
        focal = (said * (wanted - torch.sigmoid(found.logits)).abs() ** 2).sum() / BATCH
        (focal + (found.pred_boxes[:, :2] - boxes).abs().mean()).backward()
        torch.nn.utils.clip_grad_norm_(learning, 1.0)
        optimizer.step()
        return (time.perf_counter() - start) * 1e3

    def say(what):
        print(json.dumps(what), flush=True)

    count = sum(value.numel() for value in learning)
    say({"torch": torch.__version__, "parameters": count, "threads": torch.get_num_threads()})
    for line in sys.stdin:
        say({"milliseconds": [step() for _ in range(int(line))]})


if __name__ == "__main__":
    main()
