"""One training step of a small vision transformer in PyTorch eager mode, on the CPU.

`cargo run --release -p xtask -- bench training-step` starts this, reads one JSON line that says
what runs, then writes a number of steps to standard input for every JSON line of times it wants.
The network is that of xtask/src/bench/vit.rs.
"""

import argparse
import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

BATCH, SIDE, PATCH, CLASSES = 64, 64, 8, 100
DIM, HEADS, INNER, LAYERS = 128, 4, 512, 4


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1 = nn.LayerNorm(DIM)
        self.qkv = nn.Linear(DIM, 3 * DIM)
        self.out = nn.Linear(DIM, DIM)
        self.norm2 = nn.LayerNorm(DIM)
        self.mlp_in = nn.Linear(DIM, INNER)
        self.mlp_out = nn.Linear(INNER, DIM)

    def attention(self, x):
        batch, tokens, _ = x.shape
        packed = self.qkv(x).reshape(batch, tokens, 3, HEADS, DIM // HEADS)
        q, k, v = packed.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v)
        return self.out(mixed.transpose(1, 2).reshape(batch, tokens, DIM))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp_out(F.gelu(self.mlp_in(self.norm2(x))))


class Vit(nn.Module):
    def __init__(self):
        super().__init__()
        self.patches = nn.Linear(3 * PATCH * PATCH, DIM)
        self.cls = nn.Parameter(torch.randn(1, 1, DIM) * 0.02)
        self.positions = nn.Parameter(torch.randn(1, (SIDE // PATCH) ** 2 + 1, DIM) * 0.02)
        self.layers = nn.Sequential(*(Layer() for _ in range(LAYERS)))
        self.norm = nn.LayerNorm(DIM)
        self.head = nn.Linear(DIM, CLASSES)

    def forward(self, pixels):
        batch, cells = pixels.shape[0], SIDE // PATCH
        patches = pixels.reshape(batch, 3, cells, PATCH, cells, PATCH).permute(0, 2, 4, 1, 3, 5)
        x = self.patches(patches.reshape(batch, cells * cells, 3 * PATCH * PATCH))
        x = torch.cat([self.cls.expand(batch, -1, -1), x], 1) + self.positions
        return self.head(self.norm(self.layers(x)[:, 0]))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    torch.set_num_threads(parser.parse_args().threads)
    torch.manual_seed(0)

    vit = Vit()
    optimizer = torch.optim.AdamW(vit.parameters(), lr=3e-4, weight_decay=0.05)
    pixels = torch.randn(BATCH, 3, SIDE, SIDE)
    labels = torch.arange(BATCH) % CLASSES

    def step():
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(vit(pixels), labels).backward()
        nn.utils.clip_grad_norm_(vit.parameters(), 1.0)
        optimizer.step()
        return (time.perf_counter() - start) * 1e3

    def say(what):
        print(json.dumps(what), flush=True)

    count = sum(p.numel() for p in vit.parameters())
    say({"torch": torch.__version__, "parameters": count, "threads": torch.get_num_threads()})
    for line in sys.stdin:
        say({"milliseconds": [step() for _ in range(int(line))]})


if __name__ == "__main__":
    main()
