"""Golden numbers for Qwen3-VL. Needs torch, transformers and Pillow.

    python tools/qwen3_vl_golden.py crates PHOTOGRAPHS.tar...

writes `sdvp-models/tests/golden/qwen3_vl.safetensors`: a tiny network with random weights under the
names of published checkpoints (`weight/…`), the patches of a picture that is no square and ids of
two conversations about it (`input/…`), and transformers' logits of each (`output/…`), what it writes
greedily (`written/…`), and the gradients of all weights (`gradient/…`) of the sum of the first one's
logits times as many numbers (`probe/…`). Its metadata has a `config.json`.

It also writes `sdvp-modules/tests/golden/published/qwen3_vl`: a folder as it is downloaded (half
precision, several files), and in `said.json` there what transformers answers to questions about a
picture, and with which probability. And it writes `sdvp-models/tests/golden/patch_processor.json`:
for every photograph and two limits of pixels, what some of the network's pixels are before they are
normalised (0 to 255), as transformers computes them with Pillow.
"""

import json
import sys
from pathlib import Path

import numpy
import tokenizers
import torch
import transformers
from processor_golden import photographs, points
from safetensors.torch import save_file
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

WORDS, IMAGE, VIDEO, VISION_START, VISION_END, TURN_END, TEXT_END = 40, 30, 31, 32, 33, 34, 35
PATCH, MERGE = 4, 2
SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>"]
SPECIALS += ["<|image_pad|>", "<|video_pad|>"]
INSTRUCTION = "Answer with a single word or short phrase."
QUESTIONS = ["what is this", "Is it red?", "who <|im_end|> asks"]


def config(words, ids, tied):
    """As published: rotation in `rope_scaling` and `rope_theta`."""
    image, video, start, end = ids
    text = {
        "vocab_size": words, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3,
        "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "hidden_act": "silu",
        "max_position_embeddings": 512, "rms_norm_eps": 1e-6, "attention_bias": False,
        "model_type": "qwen3_vl_text", "tie_word_embeddings": tied, "rope_theta": 5000000,
        "rope_scaling": {"mrope_interleaved": True, "mrope_section": [4, 2, 2], "rope_type": "default"},
    }
    # Positions of 5 × 5 places, so that those of most grids lie between them.
    vision = {
        "depth": 3, "hidden_size": 16, "intermediate_size": 24, "num_heads": 2, "in_channels": 3,
        "patch_size": PATCH, "spatial_merge_size": MERGE, "temporal_patch_size": 2,
        "out_hidden_size": 32, "num_position_embeddings": 25, "deepstack_visual_indexes": [0, 2],
        "hidden_act": "gelu_pytorch_tanh", "model_type": "qwen3_vl",
    }
    return {
        "architectures": ["Qwen3VLForConditionalGeneration"], "model_type": "qwen3_vl",
        "text_config": text, "vision_config": vision, "tie_word_embeddings": tied,
        "image_token_id": image, "video_token_id": video,
        "vision_start_token_id": start, "vision_end_token_id": end,
    }


def network(config):
    """With larger weights than fresh ones, which show what differs."""
    model = transformers.Qwen3VLForConditionalGeneration(transformers.Qwen3VLConfig(**json.loads(json.dumps(config))))
    with torch.no_grad():
        for value in model.parameters():
            value.add_(0.25 * torch.randn_like(value))
    return model.eval()


def given(ids, image, patches, grid):
    ids = torch.tensor([ids])
    return {
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "mm_token_type_ids": (ids == image).int(),
        "pixel_values": patches,
        "image_grid_thw": torch.tensor([[1, *grid]]),
    }


def written(model, inputs, ends, longest):
    """What it writes, its probability, and how far each word was ahead of the next likely one."""
    model.model.rope_deltas = None
    found = model.generate(
        **inputs, max_new_tokens=longest, do_sample=False, eos_token_id=ends, pad_token_id=ends[0],
        output_scores=True, return_dict_in_generate=True,
    )
    words = found.sequences[0, inputs["input_ids"].shape[1] :].tolist()
    steps = [torch.softmax(scores[0].float(), -1) for scores in found.scores]
    probability, ahead = 1.0, 1.0
    for word, likely in zip(words, steps):
        probability *= float(likely[word])
        first, second = torch.topk(likely, 2).values.tolist()
        ahead = min(ahead, first - second)
    return words, probability, ahead


def whole(folder):
    grid, ends = (4, 6), [TURN_END, TEXT_END]
    sizes = config(WORDS, (IMAGE, VIDEO, VISION_START, VISION_END), False)
    image = [VISION_START] + [IMAGE] * (grid[0] * grid[1] // MERGE**2) + [VISION_END]
    # Most random decoders say one word forever: the first seed whose texts differ and end.
    for seed in range(2000):
        torch.manual_seed(seed)
        model = network(sizes)
        patches = torch.randn(grid[0] * grid[1], 3, 1, PATCH, PATCH)
        both = patches.expand(-1, -1, 2, -1, -1).reshape(grid[0] * grid[1], -1)
        prompts = [[3, 7, *image, 11, 2, 19, 36], [5, *image, 23, 4, 1, 8, 28, 36]]
        with torch.no_grad():
            found = [written(model, given(ids, IMAGE, both, grid), ends, 8) for ids in prompts]
        texts = [words for words, _, _ in found]
        different = texts[0] != texts[1] and all(len(set(text)) > 2 for text in texts)
        ended = sum(text[-1] in ends for text in texts)
        if different and ended == 1 and min(ahead for _, _, ahead in found) > 0.02:
            break
    else:
        raise RuntimeError("no seed gives different texts")
    tensors = {f"weight/{name}": value.detach() for name, value in model.named_parameters()}
    tensors["input/patches"] = patches.reshape(grid[0] * grid[1], -1)
    tensors["input/grid"] = torch.tensor(grid)
    for at, (ids, (words, probability, _)) in enumerate(zip(prompts, found)):
        model.model.rope_deltas = None
        with torch.no_grad():
            tensors[f"output/logits {at}"] = model(**given(ids, IMAGE, both, grid)).logits[0]
        tensors[f"input/ids {at}"] = torch.tensor(ids)
        tensors[f"written/ids {at}"] = torch.tensor(words)
        tensors[f"written/probability {at}"] = torch.tensor([probability])
    # The gradients of a sum that weighs every logit of the first conversation in its own way.
    model.model.rope_deltas = None
    logits = model(**given(prompts[0], IMAGE, both, grid)).logits[0]
    probe = torch.randn(logits.shape, generator=torch.Generator().manual_seed(1))
    (logits * probe).sum().backward()
    tensors["probe/logits 0"] = probe
    for name, value in model.named_parameters():
        tensors[f"gradient/{name}"] = value.grad
    tensors = {name: value.contiguous().clone() for name, value in tensors.items()}
    metadata = {"config": json.dumps(sizes), "transformers": transformers.__version__}
    save_file(tensors, folder / "qwen3_vl.safetensors", metadata)


def tokenizer(folder):
    """Bytes and a few words of them, as the published one has it; special words last."""
    letters = [chr(code) for code in range(32, 127)] + ["\n"]
    symbols = sorted({symbol for letter in letters for symbol in byte_symbols(letter)})
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=len(symbols) + 12, initial_alphabet=symbols, show_progress=False, min_frequency=1
    )
    made.train_from_iterator(["what is this red dog", "is it red what is this", "red dog is this"], trainer)
    made.add_special_tokens([tokenizers.AddedToken(word, special=True, normalized=False) for word in SPECIALS])
    made.save(str(folder / "tokenizer.json"))
    return made


def byte_symbols(text):
    pre = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    return pre.pre_tokenize_str(text)[0][0]


def picture():
    rows, columns = torch.meshgrid(torch.arange(30), torch.arange(40), indexing="ij")
    return torch.stack([rows * 8 % 256, columns * 6 % 256, rows * columns % 256], -1).to(torch.uint8).numpy()


def prompt(made, question, tokens):
    """Ids of the chat template's text; what a question says is never a special word."""
    ids = {word: made.token_to_id(word) for word in SPECIALS}

    def plain(text):
        made.encode_special_tokens = True
        found = made.encode(text, add_special_tokens=False).ids
        made.encode_special_tokens = False
        return found

    image = [ids["<|vision_start|>"]] + [ids["<|image_pad|>"]] * tokens + [ids["<|vision_end|>"]]
    start, end = ids["<|im_start|>"], ids["<|im_end|>"]
    said = [start, *plain("user\n"), *image, *plain(f"{question}\n{INSTRUCTION}"), end, *plain("\n")]
    said += [start, *plain("assistant\n")]
    if not any(word in question for word in SPECIALS):
        # The same as the whole text at once.
        text = f"<|im_start|>user\n<|vision_start|>{'<|image_pad|>' * tokens}<|vision_end|>{question}\n"
        text += f"{INSTRUCTION}<|im_end|>\n<|im_start|>assistant\n"
        assert made.encode(text, add_special_tokens=False).ids == said
    return said


def published(folder):
    folder.mkdir(parents=True, exist_ok=True)
    made = tokenizer(folder)
    ids = {word: made.token_to_id(word) for word in SPECIALS}
    words = made.get_vocab_size()
    special = [ids[f"<|{word}|>"] for word in ("image_pad", "video_pad", "vision_start", "vision_end")]
    # More rows than there are words, as published.
    sizes = config(-(-words // 32) * 32, special, True)
    processor = Qwen2VLImageProcessorPil(
        size={"shortest_edge": 64, "longest_edge": 1000}, patch_size=PATCH, merge_size=MERGE,
        temporal_patch_size=2, image_mean=[0.5] * 3, image_std=[0.5] * 3,
    )
    processor.save_pretrained(folder)
    seen = processor(picture(), return_tensors="pt")
    grid = seen["image_grid_thw"][0, 1:].tolist()
    assert grid == [6, 8], grid
    ends = [ids["<|im_end|>"], ids["<|endoftext|>"]]
    for seed in range(20000):
        torch.manual_seed(seed)
        model = network(sizes)
        with torch.no_grad():
            # So that a text comes to its end before long, and one word is likelier than the others.
            model.model.language_model.embed_tokens.weight[ends[0]].mul_(1.8)
            model.model.language_model.norm.weight.mul_(3)
        model = model.to(torch.bfloat16).to(torch.float32)
        said = {}
        for question in QUESTIONS:
            asked = prompt(made, question, grid[0] * grid[1] // MERGE**2)
            inputs = given(asked, special[0], seen["pixel_values"], grid)
            with torch.no_grad():
                found, probability, ahead = written(model, inputs, ends, 16)
            if not 2 < len(found) < 15 or found[-1] not in ends or ahead < 0.03 or max(found) >= words:
                break
            text = made.decode(found).strip()
            if len(set(text)) < 2 or not text.isprintable():
                break
            said[question] = {"text": text, "probability": probability}
        if len({entry["text"] for entry in said.values()}) == len(QUESTIONS):
            break
    else:
        raise RuntimeError("no seed says anything")
    model.to(torch.bfloat16).save_pretrained(folder, max_shard_size="40KB")
    (folder / "generation_config.json").unlink(missing_ok=True)
    (folder / "config.json").write_text(json.dumps(sizes, indent=1) + "\n")
    (folder / "said.json").write_text(json.dumps(said, indent=1) + "\n")


PUBLISHED = {
    "patch_size": 16, "temporal_patch_size": 2, "merge_size": 2,
    "image_mean": [0.5] * 3, "image_std": [0.5] * 3, "resample": 3,
}
LIMITS = {
    "published": {"shortest_edge": 65536, "longest_edge": 16777216},
    "small": {"shortest_edge": 65536, "longest_edge": 70000},
}


def whole_pixels(patches, grid, patch, merge):
    """Channels, rows and columns again, of patches that are read square by square."""
    _, rows, columns = grid
    frames = patches.reshape(rows // merge, columns // merge, merge, merge, 3, 2, patch, patch)
    assert (frames[..., 0, :, :] == frames[..., 1, :, :]).all()
    pixels = frames[..., 0, :, :].transpose(4, 0, 2, 5, 1, 3, 6)
    return pixels.reshape(3, rows * patch, columns * patch)


def prepared(paths, file):
    ways = {way: {**PUBLISHED, "size": size} for way, size in LIMITS.items()}
    golden = {"ways": ways, "photographs": {}}
    for name, photograph in photographs(paths):
        said = {}
        for way, settings in ways.items():
            found = Qwen2VLImageProcessorPil(**settings, do_normalize=False)(photograph, return_tensors="np")
            pixels = whole_pixels(numpy.asarray(found["pixel_values"]), found["image_grid_thw"][0].tolist(), 16, 2)
            _, height, width = pixels.shape
            looked = [int(round(255 * float(v))) for x, y in points(width, height) for v in pixels[:, y, x]]
            said[way] = [height, width, *looked]
        golden["photographs"][name] = said
    file.write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: python tools/qwen3_vl_golden.py CRATES PHOTOGRAPHS.tar...")
    crates = Path(sys.argv[1])
    torch.set_num_threads(1)
    whole(crates / "sdvp-models/tests/golden")
    published(crates / "sdvp-modules/tests/golden/published/qwen3_vl")
    prepared(sys.argv[2:], crates / "sdvp-models/tests/golden/patch_processor.json")
