"""Golden values for the official metrics of sdvp-eval. Needs nothing but Python.

Reimplements the arithmetic of the evaluation scripts of GQA, NLVR, NLVR2 and VQA, in Python and apart
from the Rust code, and writes crates/sdvp-eval/tests/official/golden.json: constructed questions with
predictions and what a script prints for them, and what it prints for predictions constructed over the
records in ../shared/data (the records themselves are not written).

    python3 tools/official_metrics_golden.py [SHARED_DATA] > crates/sdvp-eval/tests/official/golden.json
"""

import json
import random
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path

CONTRACTIONS = """'ow's'at 'twas ain't aren't can't could've couldn't couldn't've didn't doesn't don't
hadn't hadn't've hasn't haven't he'd he'd've he's how'd how'll how's isn't it'd it'd've it'll ma'am
might've mightn't mightn't've must've mustn't needn't not've o'clock oughtn't shan't she'd've should've
shouldn't shouldn't've somebody'd've somebody'll somebody's someone'd someone'd've someone'll someone's
something'd something'd've something'll that's there'd there'd've there're there's they'd they'd've
they'll they're they've wasn't we'd've we've weren't what'll what're what's what've when's where'd
where's where've who'd who'd've who'll who's who've why'll why're why's won't would've wouldn't
wouldn't've y'all y'all'd've y'all'll you'd you'd've you'll you're you've""".split()
FIX = {form[:i] + form[i + 1 :]: form for form in CONTRACTIONS for i, c in enumerate(form) if c == "'"}
FIX["somebody'd"] = "somebodyd"
NUMBERS = dict(zip("none zero one two three four five six seven eight nine ten".split(), "0 0 1 2 3 4 5 6 7 8 9 10".split()))


def vqa(text):
    text = text.replace("\n", " ").replace("\t", " ").strip()
    out = text
    for mark in ';/[]"{}()=+\\_-><@`,?!':
        drop = mark + " " in text or " " + mark in text or re.search(r"(\d)(\,)(\d)", text)
        out = out.replace(mark, "" if drop else " ")
    # The flag lands on the parameter that counts replacements: 32.
    out = re.compile(r"(?!<=\d)(\.)(?!\d)").sub("", out, int(re.UNICODE))
    words = [NUMBERS.get(word, word) for word in out.lower().split()]
    return " ".join(FIX.get(word, word) for word in words if word not in ("a", "an", "the"))


def average(values):
    return float(sum(values)) / len(values) if values else 0


def gqa(questions, predictions, choices=None, consistency=False, attentions=None, scenes=None, side=7):
    lists = {name: [] for name in "binary open accuracy consistency validity plausibility grounding".split()}
    tables = {name: defaultdict(list) for name in ("structural type", "semantic type", "steps number", "words number")}
    gold, guess = defaultdict(Counter), defaultdict(Counter)
    for qid, question in questions.items():
        if not question["isBalanced"]:
            continue
        right = float(predictions[qid] == question["answer"])
        lists["accuracy"].append(right)
        lists["open" if question["types"]["structural"] == "query" else "binary"].append(right)
        steps = [f"{s['operation']}: {s['argument']}" for s in question["semantic"]]
        steps = [s for s in steps if not any(a in s for a in ("exist", "query: name", "choose name"))]
        keys = (question["types"]["structural"], question["types"]["semantic"], len(steps), len(question["question"].split()))
        for table, key in zip(tables.values(), keys):
            table[key].append(right)
        if choices:
            for metric, field in (("validity", "valid"), ("plausibility", "plausible")):
                group = choices[qid][field]
                if "Common" in question["types"]["detailed"]:
                    group = ["color", "material", "shape"]
                lists[metric].append(float(predictions[qid] in group))
        if attentions:
            lists["grounding"].append(grounding(question, scenes[question["imageId"]], attentions[qid], side))
        if question["groups"]["global"] is not None:
            gold[question["groups"]["global"]][question["answer"]] += 1
            guess[question["groups"]["global"]][predictions[qid]] += 1
        follow = [e for e in question["entailed"] if e != qid]
        if consistency and right and follow:
            lists["consistency"].append(average([float(predictions[e] == questions[e]["answer"]) for e in follow]))
    weighed = total = 0
    for group, answers in gold.items():
        score = sum(float(guess[group][answer] - count) ** 2 / count for answer, count in answers.items())
        weighed += score * sum(answers.values())
        total += sum(answers.values())
    lines = []
    wanted = {"consistency": consistency, "grounding": attentions, "validity": choices, "plausibility": choices}
    for metric, scores in lists.items():
        if wanted.get(metric, True):
            lines.append(f"{metric.capitalize()}: {average(scores) * 100:.2f}%")
    if total:
        lines.append(f"Distribution: {weighed / total / 100:.2f} (lower is better)")
    for title, table in tables.items():
        lines.append(f"Accuracy / {title}:")
        for key in sorted(table):
            lines.append(f"  {key}: {average(table[key]) * 100:.2f}% ({len(table[key])} questions)")
    exact = {metric: average(scores) * 100 for metric, scores in lists.items()}
    return {"lines": lines, "exact": {**exact, "distribution": weighed / total / 100}}


def grounding(question, scene, attention, side):
    total = 0
    pointers = list(question["annotations"]["question"].values()) + list(question["annotations"]["fullAnswer"].values())
    for pointer in pointers:
        o, w, h = scene["objects"][pointer], scene["width"], scene["height"]
        left, top, right, bottom = o["x"] / w, o["y"] / h, (o["x"] + o["w"]) / w, (o["y"] + o["h"]) / h
        for i in range(side):
            for j in range(side):
                x0, y0, x1, y1 = i / side, j / side, (i + 1) / side, (j + 1) / side
                across = max(0.0, min(x1, right) - max(x0, left))
                down = max(0.0, min(y1, bottom) - max(y0, top))
                total += attention[i][j] * across * down / ((x1 - x0) * (y1 - y0))
    return total


def shares(items):
    """Accuracy and consistency of (sentence, right) pairs."""
    sentences = defaultdict(lambda: True)
    for sentence, right in items:
        sentences[sentence] &= right
    return [f"accuracy={average([float(r) for _, r in items])}", f"consistency={sum(sentences.values()) / len(sentences)}"]


def nlvr2(examples, predictions):
    def sentence(identifier):
        parts = identifier.split("-")
        return "-".join(parts[:2] + [""] + parts[3:])

    return shares([(sentence(i), predictions[i].lower() == str(l).lower()) for i, l in examples])


def nlvr(examples, predictions, pictures):
    ends = [f"-{k}" for k in range(6)] if pictures else [""]
    return shares([(i.split("-")[0], predictions[i + e].lower() == str(l).lower()) for i, l in examples for e in ends])


def constructed():
    rng = random.Random(7)
    structural, semantic = "query verify choose logical compare".split(), "obj attr cat rel global".split()
    detailed, groups = "existRelS relS twoCommon materialChoose".split(), ["color", "food", "animal", None]
    answers = "yes no red blue dog cat left right color shape".split()
    scenes = {}
    for n in range(4):
        width, height = rng.randint(200, 640), rng.randint(200, 640)
        objects = {}
        for o in range(5):
            x, y = rng.randint(0, width - 20), rng.randint(0, height - 20)
            objects[str(o)] = {"name": "thing", "x": x, "y": y, "w": rng.randint(1, width - x), "h": rng.randint(1, height - y), "attributes": [], "relations": []}
        scenes[str(n)] = {"width": width, "height": height, "objects": objects}
    questions, predictions, choices, attentions = {}, {}, {}, {}
    ids = [f"{n:03}" for n in range(37)]
    for n, qid in enumerate(ids):
        answer = rng.choice(answers)
        questions[qid] = {
            "question": " ".join(["word"] * rng.randint(3, 7)) + rng.choice(["?", " ?", "\u00a0really?"]),
            "imageId": str(rng.randrange(4)),
            "answer": answer,
            "isBalanced": rng.random() < 0.8,
            "types": {"structural": rng.choice(structural), "semantic": rng.choice(semantic), "detailed": rng.choice(detailed)},
            "groups": {"global": rng.choice(groups), "local": None},
            "entailed": rng.sample(ids, rng.randrange(4)) + ([qid] if n % 5 == 0 else []),
            "equivalent": [qid],
            "semantic": [{"operation": rng.choice(["select", "exist", "filter color", "query", "choose name"]), "dependencies": [], "argument": rng.choice(["dog (1)", "name", "color", "?"])} for _ in range(rng.randint(1, 5))],
            "annotations": {"answer": {}, "question": {str(k): str(rng.randrange(5)) for k in range(rng.randrange(3))}, "fullAnswer": {"1:3": str(rng.randrange(5))} if n % 2 else {}},
        }
        predictions[qid] = answer if rng.random() < 0.6 else rng.choice(answers)
        choices[qid] = {"valid": rng.sample(answers, 6), "plausible": rng.sample(answers, 4)}
        raw = [[rng.random() for _ in range(3)] for _ in range(3)]
        attentions[qid] = [[v / sum(map(sum, raw)) for v in column] for column in raw]
    pairs = [(f"dev-{s}-{p}-{k}", rng.random() < 0.5) for s in range(9) for p in range(4) for k in range(2)]
    boxes = [(f"{s}-{p}", rng.random() < 0.5) for s in range(11) for p in range(3)]
    word = lambda label: rng.choice([str, lambda l: str(l).lower()])(label if rng.random() < 0.9 else not label)
    of_pairs = {i: word(l) for i, l in pairs}
    of_boxes = {i + e: word(l) for i, l in boxes for e in ["", "-0", "-1", "-2", "-3", "-4", "-5"]}
    texts = ["The dog.", "two", "None", "1,000 dogs", "red, white", "red,white", "U.S.A.", "3.5", ".5 miles", "its", "dont", "Don't!", "couldnt've",
             "couldn'tve", "somebody'd", "thered", "Im", "t-shirt", "t - shirt", "a", "an apple", "yes?", "what's up/down", " a\tb\nc ", "o clock oclock",
             "x" + "." * 40, "\"quoted\"", "[1]", "ten (10)", "it's 5:30", "", "the", "A.M", "no.1", "5.", "back`tick", "semi;colon", "ÉCOLE"]
    return {
        "gqa": {"questions": questions, "predictions": predictions, "choices": choices, "attentions": attentions, "scenes": scenes,
                "all": gqa(questions, predictions, choices, True, attentions, scenes, 3), "plain": gqa(questions, predictions)},
        "nlvr2": {"labels": dict(pairs), "predictions": of_pairs, "lines": nlvr2(pairs, of_pairs)},
        "nlvr": {"labels": dict(boxes), "predictions": of_boxes, "statements": nlvr(boxes, of_boxes, False), "pictures": nlvr(boxes, of_boxes, True)},
        "vqa": [[text, vqa(text)] for text in texts],
    }


def of_shared(folder):
    """Predictions by rule, so that the tests can make the same."""
    records = json.loads((folder / "gqa/full_records_50.json").read_text())
    n, answers = len(records), [r["answer"] for r in records]
    ids = [str(r["question_id"]) for r in records]
    questions, predictions, choices = {}, {}, {}
    for i, record in enumerate(records):
        entailed = [e for e in record["entailed"] if e in ids] + [ids[(i + 7) % n]]
        questions[ids[i]] = {**record, "entailed": entailed}
        predictions[ids[i]] = answers[(i + 1) % n] if i % 3 == 1 else answers[i]
        choices[ids[i]] = {"valid": [answers[(i + k) % n] for k in (0, 1, 2)], "plausible": [answers[(i + k) % n] for k in (0, 2)]}
    lines = lambda file: [json.loads(line) for line in (folder / file).read_text().splitlines() if line]
    pairs = [(r["identifier"], r["label"] == "True") for r in lines("nlvr2/dev.json")]
    of_pairs = {i: str(l if n % 5 != 2 else not l) for n, (i, l) in enumerate(pairs)}
    boxes = [(r["identifier"], r["label"] == "true") for r in lines("nlvr/dev.jsonl")]
    of_boxes = {i: str(l if n % 11 != 4 else not l) for n, (i, l) in enumerate(boxes)}
    of_pictures = {f"{i}-{k}": str(l if (n * 6 + k) % 17 != 3 else not l) for n, (i, l) in enumerate(boxes) for k in range(6)}
    return {
        "gqa": gqa(questions, predictions, choices, True),
        "nlvr2": nlvr2(pairs, of_pairs),
        "nlvr_statements": nlvr(boxes, of_boxes, False),
        "nlvr_pictures": nlvr(boxes, of_pictures, True),
    }


shared = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[1] / "../shared/data"
print(json.dumps({"constructed": constructed(), "shared": of_shared(shared)}, separators=(",", ":")))
