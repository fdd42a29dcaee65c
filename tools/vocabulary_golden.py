"""How transformers reads tokenizers that are a vocabulary and its settings, for the tests of sdvp-models.

    python tools/vocabulary_golden.py crates

makes, in `sdvp-models/tests/golden/vocabularies`, small vocabularies in the files that checkpoints without a `tokenizer.json` have: `clip/` and
`owlvit/` (`vocab.json`, `merges.txt`; the latter pads with "!"), `bert/` and `cased/` (`vocab.txt`), and
in `expected.json` the ids that `CLIPTokenizer` and `BertTokenizer` give each text, and the texts of the
ids. Needs tokenizers and transformers.
"""

import json
import shutil
import sys
from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.trainers import BpeTrainer
from transformers import BertTokenizer, CLIPTokenizer

SEEN = """A photo of a cat, a dog and 2 red cars. What's in the picture? It isn't the dog's ball!
The people who're left of the woman's umbrella haven't seen it; they'll look. I'd say I've 10 apples."""
TEXTS = [
    "a photo of a cat",
    "What's  the\tdog's colour?!",
    "  2010 RED cars, isn't it…  ",
    "Café naïve ÀÉÎ straße İstanbul",
    "caf\u0065\u0301 \u00a0 no-break",
    "猫と犬 の 写真",
    "😀 cat😀dog",
    "they'll we've I'd I'm you're 'tis ''s",
    "<|endoftext|> in a text <|startoftext|>",
    "[SEP] in a text [MASK] [cls]",
    "wow!!! a!b",
    "under_score e-mail@example.com http://x.y/z?a=1&b=2",
    "\u200bzero\u200dwidth\ufeff and \x07bell \ufffd",
    "[DEC] a polka dot cat, Polka Dot [dec]",
    "",
    "supercalifragilisticexpialidocious" * 4,
]


def byte_pairs(folder, special):
    """Byte-pair parts learned of a few sentences; a part that ends a word says so."""
    tokenizer = Tokenizer(BPE(end_of_word_suffix="</w>", continuing_subword_prefix=""))
    tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    letters = sorted(ByteLevel.alphabet())
    trainer = BpeTrainer(vocab_size=10_000, min_frequency=2, initial_alphabet=letters, end_of_word_suffix="</w>")
    tokenizer.train_from_iterator([line.replace(" ", "") for line in SEEN.split()], trainer)
    model = json.loads(tokenizer.to_str())["model"]
    merges = [pair for pair in model["merges"]]
    parts = letters + [f"{letter}</w>" for letter in letters] + ["".join(pair) for pair in merges]
    # "!" has id 0, as published.
    parts.remove("!")
    words = ["!", *dict.fromkeys(parts), "<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(parents=True)
    (folder / "vocab.json").write_text(json.dumps({word: at for at, word in enumerate(words)}, ensure_ascii=False))
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n")
    (folder / "special_tokens_map.json").write_text(json.dumps(special))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "CLIPTokenizer", **special}))


def whole_words(folder, lower, added=()):
    seen = SEEN.lower() if lower else SEEN
    words = sorted({word.strip(".,?!;'") for word in seen.split()} | {"cafe", "naive", "猫"})
    letters = sorted({letter for text in [seen, *TEXTS] for letter in text if letter.isascii() and letter.isprintable()})
    parts = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters), "##s", *words]
    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("\n".join(dict.fromkeys(part for part in parts if part.strip())) + "\n")
    if added:
        known = len((folder / "vocab.txt").read_text().splitlines())
        (folder / "added_tokens.json").write_text(json.dumps({word: known + at for at, word in enumerate(added)}))
        (folder / "special_tokens_map.json").write_text(json.dumps({"additional_special_tokens": [added[0]]}))
    settings = {"tokenizer_class": "BertTokenizer", "do_lower_case": lower, "tokenize_chinese_chars": True, "strip_accents": None}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


def main(folder):
    for name in ["clip", "owlvit", "bert", "cased"]:
        shutil.rmtree(folder / name, ignore_errors=True)
    clip = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>", "pad_token": "<|endoftext|>"}
    whole = {"content": "<|startoftext|>", "lstrip": False, "normalized": True, "rstrip": False, "single_word": False}
    byte_pairs(folder / "clip", clip)
    byte_pairs(folder / "owlvit", {**clip, "bos_token": whole, "pad_token": "!"})
    whole_words(folder / "bert", True, ["[DEC]", "polka dot"])
    whole_words(folder / "cased", False)
    expected = {"texts": TEXTS, "ids": {}, "written": {}}
    for name, kind in [("clip", CLIPTokenizer), ("owlvit", CLIPTokenizer), ("bert", BertTokenizer), ("cased", BertTokenizer)]:
        tokenizer = kind.from_pretrained(folder / name)
        ids = [tokenizer(text)["input_ids"] for text in TEXTS]
        expected["ids"][name] = ids
        expected["written"][name] = [tokenizer.decode(row, skip_special_tokens=True) for row in ids]
    (folder / "expected.json").write_text(json.dumps(expected, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python tools/vocabulary_golden.py CRATES")
    main(Path(sys.argv[1]) / "sdvp-models/tests/golden/vocabularies")
