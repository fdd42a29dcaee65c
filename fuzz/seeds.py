"""Writes a few small files for each target into fuzz/corpus: what a fuzzer starts from.

Needs Python 3.11, Pillow (images) and pyarrow (one table); without either, their files are left out, which is said.
"""

import io
import json
import pathlib
import struct
import tomllib
import zlib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent


def write(target, name, data):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)


def programs():
    write("visprog", "vqa", "BOX0=LOC(image=IMAGE,object='dog')\nIMAGE0=CROP(image=IMAGE,box=BOX0)\nANSWER0=VQA(image=IMAGE0,question='What color is the dog?')\nFINAL_RESULT=RESULT(var=ANSWER0)")
    write("visprog", "eval", "Program:\nBOX0=LOC(image=LEFT,object='a \"b\"')\nANSWER0=COUNT(box=BOX0)\nANSWER1=VQA(image=RIGHT,question='Disney's?')\nANSWER2=EVAL(expr=\"'yes' if {ANSWER0} > 1 and {ANSWER1} == 'no' else 'no'\")\nFINAL_ANSWER=RESULT(var=ANSWER2)\n")
    write("visprog", "crops", "```\n1. BOX0=LOC(image=IMAGE,object='TOP')\nIMAGE0=CROP_LEFTOF(image=IMAGE,box=BOX0)\nIMAGE1=CROP_ABOVE(image=IMAGE0,box=BOX0)\nANSWER0=VQA(Image=IMAGE1,question=\"Is it?\")\nF=RESULT(var=ANSWER0)\n```")
    write("viper", "prose", "Here you are:\n```python\ndef execute_command(left, right) -> str:\n    try:\n        return bool_to_yesno(left.exists('cat') and not right.exists('cat'))\n    except Exception as error:\n        return [x for x in (1, 2) if x]\n```\nGood luck!")
    # The programs that language models are shown.
    for path in sorted((ROOT / "crates/sdvp-language/data").glob("*.toml")):
        framework = path.stem.partition("-")[0]
        for number, example in enumerate(tomllib.loads(path.read_text())["example"]):
            write(framework, f"{path.stem}-{number}", example["program"])


def records():
    question = {"1": {"question": "Is it?", "imageId": "7", "answer": "yes", "fullAnswer": "Yes.", "isBalanced": True, "groups": {"global": "thing", "local": "x"}, "entailed": ["2"], "equivalent": ["1"], "types": {"structural": "verify", "semantic": "attr", "detailed": "a"}, "annotations": {"answer": {}, "question": {"1": "3"}, "fullAnswer": {"0:2": "3"}}, "semantic": [{"operation": "select", "dependencies": [], "argument": "dog (3)"}], "semanticStr": "select: dog (3)"}}
    graph = {"7": {"width": 9, "height": 8, "objects": {"3": {"name": "dog", "x": 1, "y": 2, "w": 3, "h": 4, "attributes": ["red"], "relations": [{"name": "near", "object": "3"}]}}}}
    write("json", "questions", json.dumps(question))
    write("json", "graphs", json.dumps(graph, indent=1))
    write("json", "choices", json.dumps({"1": {"valid": ["yes", "no"], "plausible": ["yes"]}}))
    write("json", "attention", json.dumps([{"questionId": "1", "attention": [[0.0, 0.0, 0.5, 0.5, 1.0]]}]))
    write("json", "nlvr2", json.dumps({"identifier": "dev-1-0-0", "sentence": "Two dogs.", "label": "True", "validation": {"1": "True"}, "directory": 3}) + "\n")
    write("json", "nlvr", json.dumps({"identifier": "1-0", "sentence": "A box.", "label": "true", "evals": {"r0": "true"}, "structured_rep": [[{"y_loc": 1, "size": 10, "type": "circle", "x_loc": 2, "color": "Blue"}]] * 3}) + "\n")
    write("json", "programs", json.dumps({"id": "1", "query": "Is it?", "program": "A=B"}) + "\n")
    write("json", "manifest", json.dumps({"format": "sdvp-subset-1", "source": {"layout": "gqa", "parts": ["val"], "records": 1, "digest": "0" * 64}, "rule": "1", "seed": 0, "ids": ["1"]}))
    write("tables", "csv", "id,image,question,answer,type\n1,a/b.png,\"What, \"\"now\"\"?\",dog,t\n2,c.png,Is it?,yes,\n")
    write("tables", "tsv", "left\tright\tstatement\tlabel\na.png\tb.png\tTwo dogs.\ttrue\n")
    write("tables", "jsonl", json.dumps({"id": 1, "images": ["a.png", "b.png"], "question": "What?", "answer": "dog"}) + "\n")
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        print("pyarrow is missing: no table in Parquet")
        return
    table = pyarrow.table({"image": ["a.png", "b.png"], "question": ["What?", "Is it?"], "answer": ["dog", None]})
    lists = pyarrow.table({"images": [["a.png"], ["b.png", "c.png"]], "question": ["What?", "Is it?"]})
    for name, made, packed in [("plain", table, "none"), ("snappy", table, "snappy"), ("lists", lists, "zstd")]:
        out = io.BytesIO()
        pyarrow.parquet.write_table(made, out, compression=packed)
        write("tables", f"{name}.parquet", out.getvalue())


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def images():
    try:
        from PIL import Image
    except ImportError:
        print("Pillow is missing: no images")
        return

    def saved(image, kind, **options):
        out = io.BytesIO()
        image.save(out, kind, **options)
        return out.getvalue()

    colors = Image.new("RGB", (9, 7))
    colors.putdata([(x * 28, y * 36, 90) for y in range(7) for x in range(9)])
    exif = Image.Exif()
    exif[0x0112] = 6
    frames = [colors.rotate(90 * n) for n in range(3)]
    for mode in ["RGB", "L", "RGBA", "LA", "P", "1", "I;16"]:
        image = colors.convert("L").convert("I;16") if mode == "I;16" else colors.convert(mode)
        write("image", f"png-{mode.replace(';', '')}", saved(image, "PNG"))
    plain = saved(colors, "PNG")
    packed = b"a\0\0" + zlib.compress(bytes(300))
    for name, data in [(b"iCCP", packed), (b"zTXt", packed), (b"tEXt", b"a\0b"), (b"iTXt", b"a\0\1\0\0\0" + zlib.compress(b"b" * 99))]:
        write("image", f"png-{name.decode()}", plain[:33] + chunk(name, data) + plain[33:])
    write("image", "png-exif", saved(colors, "PNG", exif=exif))
    write("image", "apng", saved(frames[0], "PNG", save_all=True, append_images=frames[1:]))
    write("image", "jpeg", saved(colors, "JPEG", exif=exif))
    write("image", "jpeg-progressive", saved(colors, "JPEG", progressive=True))
    write("image", "jpeg-cmyk", saved(colors.convert("CMYK"), "JPEG"))
    write("image", "webp", saved(colors, "WEBP"))
    write("image", "webp-lossless", saved(colors.convert("RGBA"), "WEBP", lossless=True, exif=exif))
    write("image", "webp-frames", saved(frames[0], "WEBP", save_all=True, append_images=frames[1:]))
    write("image", "gif", saved(frames[0], "GIF", save_all=True, append_images=frames[1:], comment=b"c"))
    write("image", "bmp", saved(colors, "BMP"))
    write("image", "bmp-palette", saved(colors.convert("P"), "BMP"))


def tensors():
    header = {"__metadata__": {"format": "pt"}, "a": {"dtype": "F32", "shape": [2, 1], "data_offsets": [0, 8]}, "b": {"dtype": "BF16", "shape": [3], "data_offsets": [8, 14]}}
    text = json.dumps(header).encode()
    write("safetensors", "two", struct.pack("<Q", len(text)) + text + bytes(14))
    write("safetensors", "none", struct.pack("<Q", 2) + b"{}")
    whole = (ROOT / "crates/sdvp-language/tests/data/tiny.gguf").read_bytes()
    write("gguf", "tiny", whole)

    def text(data):
        return struct.pack("<Q", len(data)) + data

    entries = [
        text(b"general.architecture") + struct.pack("<I", 8) + text(b"llama"),
        text(b"general.alignment") + struct.pack("<II", 4, 32),
        text(b"tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 2) + text(b"a") + text(b"b"),
        text(b"x") + struct.pack("<IIQ", 9, 0, 3) + b"abc",
    ]
    tensor = text(b"t") + struct.pack("<IQQIQ", 2, 4, 2, 0, 0)
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, len(entries)) + b"".join(entries) + tensor
    write("gguf", "small", head + bytes(-len(head) % 32) + bytes(32))


programs()
records()
images()
tensors()
