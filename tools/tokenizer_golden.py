"""How byte-level vocabularies of GGUF files cut texts, for the tests of sdvp-language.

    python tools/tokenizer_golden.py crates/sdvp-language/tests/data/pre_tokenizers.json

One small vocabulary, whose merges cross whatever a pre-tokenizer keeps apart, is read under each of
the names that `tokenizer.ggml.pre` may have. Texts are cut by the expressions that llama.cpp has for
that name, one after another, with Python's `regex`, and merged here; where the `tokenizers` library
has a published pre-tokenizer for the name, it must say the same. `llama3` is a conversation in the
form that Llama 3 was taught. Needs regex and tokenizers.
"""

import hashlib
import json
import sys
from pathlib import Path

import regex
from tokenizers import Regex, Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence, Split

GPT_2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)"
LLAMA_3 = (
    r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
EXPRESSIONS = {
    "default": [r"[\p{P}\$\+<=>\^~\|]+", GPT_2, r"\p{N}+", r"[0-9][0-9][0-9]"],
    "gpt-2": [GPT_2],
    "smollm": [r"\p{N}", GPT_2],
    "llama-bpe": [LLAMA_3],
}
# As tokenizer.json of GPT-2, SmolLM and Llama 3 have it; nobody published one for `default`.
PUBLISHED = {
    "gpt-2": ByteLevel(add_prefix_space=False, use_regex=True),
    "smollm": Sequence(
        [Digits(individual_digits=True), ByteLevel(add_prefix_space=False, use_regex=True)]
    ),
    "llama-bpe": Sequence(
        [
            Split(
                Regex(
                    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
                    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
                ),
                behavior="isolated",
            ),
            ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    ),
}
# Llama 3 takes a piece that is a token as a whole, whether or not merges lead to it.
WHOLE = {"llama-bpe"}

TEXTS = [
    "ANSWER1=EVAL(expr=\"'yes' if {ANSWER0} >= 12345 else 'no'\")\nFINAL_RESULT=RESULT(var=ANSWER1)\n",
    "He'll say it isn't so; THEY'VE said IT'S $1234567.50, or 3½ of Ⅷ.",
    "Blanks:  two,   three,\ttab\t\ttabs \n \n\nlines\r\n\r\nand no end   ",
    "Café naïve, 東京で１２３回, Ω≈3.14, عربي ١٢, emoji 😀😀! x_y__z a.b..c",
    "non\u00a0breaking\u3000wide  'tis 'TWAS o'clock <|so|> ~^~ a=>b<=c|d+e",
    "    indented = 007\n\tdef f(x):\n\t\treturn x**2 # done...\n\n\n",
    "it's IT'S we've WE'VE don't DON'T I'm I'M he'd HE'D you'll YOU'LL we're WE'RE 'em",
    "'sword 'SWORD 'tis 'd'are 'DARE 'mend 'MEND 'llama 'LLAMA 'rest 'REST 'verb 'VERB",
    "(word) [word] -word _word /word\n.word;word  (word)   ...word  ---\n\n***\r\n!!\n  ??",
    "a1 1a 12 123 1234 12345 123456 1234567 12,345.67 0x1F ½¾ ²³ Ⅷ ٣٤٥",
    "a \n b\t\n\tc \r\n  d\n   e   \n\n   f",
    "'",
    " ",
    "\n\n",
]
CONTROL = ["<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
CONVERSATION = [
    ("system", "You write programs.\n"),
    ("user", "  Is there a dog, or are there 1234?  "),
    ("assistant", "BOX0=LOC(image=IMAGE,object='dog')\n\n"),
    ("user", "It's wrong <|eot_id|>."),
]


def byte_characters():
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    names = {byte: chr(byte) for byte in printable}
    names |= {byte: chr(0x100 + index) for index, byte in enumerate(others)}
    return [names[byte] for byte in range(256)]


CHARACTERS = byte_characters()


def spelled(text):
    return "".join(CHARACTERS[byte] for byte in text.encode())


def merged(pieces, pair):
    out = []
    for piece in pieces:
        if out and (out[-1], piece) == pair:
            out[-1] += piece
        else:
            out.append(piece)
    return out


def learned():
    """Every two bytes that stand side by side in a text, in an order that has nothing to do with it: so
    whatever is cut in another place is merged otherwise."""
    texts = [spelled(text) for text in [*TEXTS, *(content for _, content in CONVERSATION)]]
    pairs = {pair for text in texts for pair in zip(text, text[1:])}
    digest = lambda pair: hashlib.sha256("".join(pair).encode()).digest()
    return sorted(pairs, key=digest)


def cut(text, expressions):
    """Pieces: what an expression finds, and what is between; each piece goes to the next one."""
    pieces = [text]
    for expression in expressions:
        finer = []
        for piece in pieces:
            at = 0
            for found in regex.finditer(expression, piece):
                finer += [piece[at : found.start()], found.group()]
                at = found.end()
            finer.append(piece[at:])
        pieces = [piece for piece in finer if piece]
    return pieces


def encoded(text, family, ids, ranks):
    out = []
    for piece in cut(text, EXPRESSIONS[family]):
        parts = list(spelled(piece))
        if family in WHOLE and "".join(parts) in ids:
            out.append(ids["".join(parts)])
            continue
        while True:
            pairs = [pair for pair in zip(parts, parts[1:]) if pair in ranks]
            if not pairs:
                break
            parts = merged(parts, min(pairs, key=ranks.get))
        out += [ids[part] for part in parts]
    return out


def main():
    merges = learned()
    # A word that no merge leads to, after a blank as pieces of words have it.
    words = [spelled(" there"), spelled("IMAGE")]
    tokens = CHARACTERS + [left + right for left, right in merges]
    tokens += [word for word in words if word not in tokens] + CONTROL
    ids = {token: number for number, token in enumerate(tokens)}
    assert len(ids) == len(tokens)
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    families = {}
    for family in EXPRESSIONS:
        families[family] = [encoded(text, family, ids, ranks) for text in TEXTS]
        if family in PUBLISHED:
            vocabulary = {token: number for token, number in ids.items() if token not in CONTROL}
            tokenizer = Tokenizer(BPE(vocabulary, merges, ignore_merges=family in WHOLE))
            tokenizer.pre_tokenizer = PUBLISHED[family]
            for text, expected in zip(TEXTS, families[family]):
                found = tokenizer.encode(text).ids
                assert found == expected, (family, text, found, expected)
    different = {json.dumps(cases) for cases in families.values()}
    assert len(different) == len(families), "the texts do not tell the families apart"

    begin, header, header_end, end = (ids[name] for name in CONTROL)
    text = lambda text: encoded(text, "llama-bpe", ids, ranks)
    llama3 = [begin]
    for role, content in CONVERSATION:
        llama3 += [header, *text(role), header_end, *text("\n\n" + content.strip()), end]
    llama3 += [header, *text("assistant"), header_end, *text("\n\n")]
    golden = {
        "tokens": tokens,
        "control": CONTROL,
        "merges": [" ".join(pair) for pair in merges],
        "texts": TEXTS,
        "families": families,
        "conversation": CONVERSATION,
        "llama3": llama3,
    }
    Path(sys.argv[1]).write_text(json.dumps(golden, ensure_ascii=False) + "\n")


main()
