"""Runs ViperGPT programs under CPython with stand-in modules, as a reference for this project's own
interpreter of them.

    python3 tools/viper_oracle.py PROGRAMS.jsonl > ORACLE.jsonl

Every line of PROGRAMS is an object with a `code`. Every line of the output has `ok`, and either
`answer` or `error`, and `calls`: the sub-tasks in the order in which they were asked for. With
`--time`, only the median time per program, in microseconds, is printed: of compiling it, and of
running it.

The API follows the official implementation (image_patch.py of cvlab-columbia/viper) on an image
that is only a size. A stand-in's answer is a hash of what it is asked, so that both sides need
nothing but the hash to agree.
"""

import json
import math
import statistics
import sys
import time

WIDTH, HEIGHT, MARGIN = 400, 300, 10
CALLS = []


def fnv(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    # The last bytes reach the upper bits only.
    return (value ^ (value >> 29)) * 0xBF58476D1CE4E5B9 % 2**64 >> 32


class Pixels:
    """A part of the image: its pixels, origin top-left, half-open."""

    def __init__(self, x0, y0, x1, y1):
        self.box = (x0, y0, x1, y1)
        self.width, self.height = max(x1 - x0, 0), max(y1 - y0, 0)
        self.size = (self.width, self.height)
        self.shape = (3, self.height, self.width)

    def rows_and_columns(self, rows, columns):
        x0, y0 = self.box[:2]
        top, bottom, _ = slice(*rows).indices(self.height)
        left, right, _ = slice(*columns).indices(self.width)
        return Pixels(x0 + left, y0 + top, x0 + right, y0 + bottom)


def ask(kind, pixels, text):
    call = f"{kind}|{','.join(map(str, pixels.box))}|{text}"
    CALLS.append(call)
    return fnv(call)


ANSWERS = ["yes", "no", "red", "left", "2", "a wooden table", "man", "dog"]


def answer(pixels, text):
    return ANSWERS[ask("answer", pixels, text) % len(ANSWERS)]


def score(pixels, text):
    return ask("match", pixels, text) % 1000 / 1000


def boxes(pixels, text):
    """None to three boxes in quarters of the view, best first, that do not overlap."""
    value = ask("locate", pixels, text)
    count, first = value % 4, value // 4 % 4
    for index in range(count):
        quarter = (first + index) % 4
        w, h = pixels.width // 2, pixels.height // 2
        x, y = quarter % 2 * w, quarter // 2 * h
        shrink = value >> (8 + index) & 1
        yield (x, y, x + max(w - shrink, 1), y + max(h - shrink, 1))


class ImagePatch:
    def __init__(self, image, left=None, lower=None, right=None, upper=None, parent_left=0, parent_lower=0):
        if not isinstance(image, Pixels):
            raise TypeError("image")
        if left is None and right is None and upper is None and lower is None:
            self.cropped_image = image
            self.left, self.lower, self.right, self.upper = 0, 0, image.width, image.height
        else:
            rows = (image.height - upper, image.height - lower)
            self.cropped_image = image.rows_and_columns(rows, (left, right))
            self.left, self.right = left + parent_left, right + parent_left
            self.lower, self.upper = lower + parent_lower, upper + parent_lower
        self.width, self.height = self.cropped_image.width, self.cropped_image.height
        self.horizontal_center = (self.left + self.right) / 2
        self.vertical_center = (self.lower + self.upper) / 2
        if self.width == 0 or self.height == 0:
            raise Exception("ImagePatch has no area")

    def find(self, object_name):
        if not isinstance(object_name, str):
            raise TypeError("object_name")
        height = self.height
        found = list(boxes(self.cropped_image, object_name))
        return [self.crop(x0, height - y1, x1, height - y0) for x0, y0, x1, y1 in found]

    def exists(self, object_name):
        if object_name.isdigit() or object_name.lower().startswith("number"):
            raise NotImplementedError
        asked = [patch.simple_query(f"Is this a {object_name}?") for patch in self.find(object_name)]
        return any(["yes" in said for said in asked])

    def verify_property(self, object_name, attribute):
        if not (isinstance(object_name, str) and isinstance(attribute, str)):
            raise TypeError("object_name, attribute")
        return score(self.cropped_image, f"{attribute} {object_name}") > 0.5

    def best_text_match(self, option_list, prefix=None):
        options = list(option_list)
        texts = options if prefix is None else [prefix + " " + option for option in options]
        if not all(isinstance(text, str) for text in texts) or isinstance(option_list, str):
            raise TypeError("option_list")
        scores = [score(self.cropped_image, text) for text in texts]
        return options[scores.index(max(scores))]

    def simple_query(self, question="What is this?"):
        if not isinstance(question, str):
            raise TypeError("question")
        return answer(self.cropped_image, question)

    def compute_depth(self):
        return float(ask("depth", self.cropped_image, "") % 1000)

    def crop(self, left, lower, right, upper):
        left, lower = max(0, int(left) - MARGIN), max(0, int(lower) - MARGIN)
        right, upper = min(self.width, int(right) + MARGIN), min(self.height, int(upper) + MARGIN)
        return ImagePatch(self.cropped_image, left, lower, right, upper, self.left, self.lower)

    def overlaps_with(self, left, lower, right, upper):
        return self.left <= right and self.right >= left and self.lower <= upper and self.upper >= lower

    def llm_query(self, question, long_answer=True):
        return prompt(self.cropped_image, question)

    def print_image(self, size=None):
        pass


def prompt(pixels, text):
    if not isinstance(text, str):
        raise TypeError("query")
    return ANSWERS[ask("prompt", pixels, text) % len(ANSWERS)]


def best_image_match(list_patches, content, return_index=False):
    if len(list_patches) == 0:
        return None
    contents = [content] if isinstance(content, str) else list(content)
    if not contents:
        raise RuntimeError("content")
    totals = [0.0] * len(list_patches)
    for text in contents:
        for index, patch in enumerate(list_patches):
            totals[index] += score(patch.cropped_image, text)
    best = max(range(len(totals)), key=lambda index: round(totals[index], 6))
    return best if return_index else list_patches[best]


def distance(patch_a, patch_b):
    if not (isinstance(patch_a, ImagePatch) and isinstance(patch_b, ImagePatch)):
        return abs(patch_a - patch_b)
    a, b = patch_a, patch_b
    apart = [max(0, a.left - b.right), max(0, a.lower - b.upper), max(0, b.left - a.right), max(0, b.lower - a.upper)]
    gap = math.sqrt(sum(side * side for side in apart))
    if gap > 0:
        return gap
    w = min(a.right, b.right) - max(a.left, b.left)
    h = min(a.upper, b.upper) - max(a.lower, b.lower)
    common = w * h if w > 0 and h > 0 else 0
    areas = sum((p.right - p.left) * (p.upper - p.lower) for p in (a, b))
    return -common / (areas - common)


def bool_to_yesno(bool_answer):
    return "yes" if bool_answer else "no"


def llm_query(query, context=None, long_answer=True):
    return prompt(Pixels(0, 0, WIDTH, HEIGHT), query if context is None else f"{query}\n{context}")


API = {
    function.__name__: function
    for function in [ImagePatch, best_image_match, distance, bool_to_yesno, llm_query]
}


def shown(value):
    """A value as both sides write it."""
    if isinstance(value, ImagePatch):
        return "patch " + ",".join(map(str, value.cropped_image.box))
    if isinstance(value, Pixels):
        return "patch " + ",".join(map(str, value.box))
    if isinstance(value, (list, tuple)):
        return "[" + "; ".join(map(shown, value)) + "]"
    return f"{type(value).__name__} {value}"


def run(code):
    CALLS.clear()
    names = dict(API)
    try:
        exec(compile(code, "program", "exec"), names)
        value = names["execute_command"](Pixels(0, 0, WIDTH, HEIGHT))
        return {"ok": True, "answer": shown(value), "calls": list(CALLS)}
    except Exception as error:
        return {"ok": False, "error": f"{type(error).__name__}: {error}", "calls": list(CALLS)}


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--time"]
    with open(arguments[0]) as lines:
        programs = [json.loads(line)["code"] for line in lines]
    if "--time" in sys.argv:
        took = []
        for code in programs:
            began = time.perf_counter()
            run(code)
            took.append((time.perf_counter() - began) * 1e6)
        print(f"{statistics.median(took):.1f}")
        return
    for code in programs:
        print(json.dumps(run(code)))


if __name__ == "__main__":
    main()
