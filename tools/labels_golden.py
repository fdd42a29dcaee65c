"""Files of labels as Python writes them: the same labels as JSON lines and as Parquet files of every
compression that is read, and Parquet files that are to be refused. Needs pyarrow.

    python tools/labels_golden.py crates/sdvp-modules/tests/golden/labels

The picture that they are about is 24 by 16 pixels, of the colour (x, y, 7); the test draws it.
"""

import json
import pathlib
import sys

import pyarrow
import pyarrow.parquet

PICTURE = "a4e73042d72714bba348687515663fc8374b49d1e6aa086f7c321e883b866715"
WHOLE, PART = [0, 0, 24, 16], [3, 2, 20, 14]


def call(kind, region, text):
    return {"kind": kind, "image": f"images/{PICTURE}.png", "region": region, "text": text}


def found(box, score):
    return {"box": box, "score": score}


def weighed(answer, probability):
    return {"answer": answer, "probability": probability}


RECORDS = [
    # Not in falling order, and one of them reaches over the edge.
    call("locate", WHOLE, "dog")
    | {"boxes": [found([2.0, 1.0, 9.5, 8.0], 0.25), found([20.0, 4.0, 31.0, 12.0], 0.75)]},
    call("locate", WHOLE, "cat") | {"boxes": []},
    # Named by its id alone.
    {
        "id": "0e09e2a7a7d672a2a22bbc69c735047598732415bef66b504ac19b2a5b440e24",
        "kind": "locate",
        "boxes": [found([0.0, 0.0, 5.0, 5.0], 0.5)],
        "believed": 0.5,
    },
    call("answer", PART, "What color is it?")
    | {"answers": [weighed("Red", 0.25), weighed("blue", 0.625), weighed("plaid", 0.0625)]},
    call("answer", PART, "Is it a hat?") | {"answer": "no", "confidence": 0.875},
    call("match", WHOLE, "a red dog") | {"probability": 0.5},
    # Nobody has labelled it.
    call("match", WHOLE, "a blue dog"),
]


def schema(number, whole, text):
    return pyarrow.schema(
        {
            "id": text,
            "kind": text,
            "image": text,
            "region": pyarrow.list_(whole),
            "text": text,
            "boxes": pyarrow.list_(
                pyarrow.struct({"box": pyarrow.list_(number), "score": number})
            ),
            "believed": number,
            "answer": text,
            "confidence": number,
            "answers": pyarrow.list_(pyarrow.struct({"answer": text, "probability": number})),
            "probability": number,
        }
    )


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)

    def write(name, records, as_schema=None, **how):
        table = pyarrow.Table.from_pylist(records, schema=as_schema)
        pyarrow.parquet.write_table(table, folder / f"{name}.parquet", **how)

    lines = "".join(json.dumps(record) + "\n" for record in RECORDS)
    (folder / "labels.jsonl").write_text(lines)
    usual = schema(pyarrow.float64(), pyarrow.int64(), pyarrow.string())
    narrow = schema(pyarrow.float32(), pyarrow.int32(), pyarrow.large_string())
    write("none", RECORDS, usual, compression="none")
    # As types are guessed when nothing is said; a column that numbers the rows, as pandas has it.
    guessed = [record | {"__index_level_0__": at} for at, record in enumerate(RECORDS)]
    keys = {key: None for record in guessed for key in record}
    write("snappy", [{key: record.get(key) for key in keys} for record in guessed])
    write(
        "zstd", RECORDS, narrow, compression="zstd", row_group_size=2, data_page_version="2.0"
    )

    # What a detector saw in the picture, whatever was asked.
    seen = [
        {"label": "dog", "box": [4, 2, 8, 12], "score": 0.75},
        {"label": "hot dog", "box": [20, 12, 30, 20], "score": 0.25},
    ]
    write("detections", [{"image": PICTURE, "detections": seen, "believed": 0.25}])

    write("gzip", RECORDS, usual, compression="gzip")
    write("column", [RECORDS[5] | {"proba": 0.5}])
    write("nan", [RECORDS[5], RECORDS[6] | {"probability": float("nan")}])
    write("number", [RECORDS[5] | {"probability": "0.5"}])
    write("flat", [call("locate", WHOLE, "dog") | {"boxes": [2.0, 1.0, 9.5, 8.0]}])


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
