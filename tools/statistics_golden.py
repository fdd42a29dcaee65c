"""Golden numbers for the statistics of sdvp-eval. Needs numpy, scipy, statsmodels, pycocotools.

Prints the constants in crates/sdvp-eval/src/{mcnemar,seeds,calibration,average_precision}.rs.
"""

import contextlib
import io

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar

for gained, lost in [(0, 0), (9, 2), (31, 31), (140, 101), (900, 700)]:
    found = mcnemar([[5, gained], [lost, 7]], exact=True)
    print(f"    ({gained}, {lost}, {found.pvalue:.12e}),")

seeds = np.array([31.6, 30.2, 29.5, 33.1, 28.4])
low, high = stats.t.interval(0.95, len(seeds) - 1, loc=seeds.mean(), scale=stats.sem(seeds))
print(f"const GOLDEN_SEEDS: Interval = [{low:.10f}, {high:.10f}];")

i = np.arange(400)
confidence = (i * 37 % 100 + 0.5) / 100
right = (i * 53 % 97) / 97 < confidence**1.5
bins = np.minimum((confidence * 15).astype(int), 14)
error = sum(
    abs(right[bins == b].mean() - confidence[bins == b].mean()) * (bins == b).mean()
    for b in np.unique(bins)
)
print(f"const GOLDEN_ERROR: f64 = {error:.12f};")


def pictures():
    """Thirty calls: true boxes on a row, found ones moved by more and more, some invented."""
    for call in range(30):
        truth = [(40.0 * k, 10.0, 30.0, 30.0) for k in range(call % 4)]
        found = [
            (x + (call * 7 + k * 5) % 17, y, w, h, ((call * 31 + k * 17) % 97 + 1) / 100)
            for k, (x, y, w, h) in enumerate(truth)
        ]
        if call % 3 == 0:
            found.append((200.0, 50.0, 30.0, 30.0, ((call * 13) % 89 + 1) / 150))
        yield truth, found


images, annotations, results = [], [], []
for call, (truth, found) in enumerate(pictures(), start=1):
    images.append({"id": call, "width": 400, "height": 400})
    for box in truth:
        annotations.append(
            {
                "id": len(annotations) + 1,
                "image_id": call,
                "category_id": 1,
                "bbox": list(box),
                "area": box[2] * box[3],
                "iscrowd": 0,
            }
        )
    results += [
        {"image_id": call, "category_id": 1, "bbox": list(box), "score": score}
        for *box, score in found
    ]
with contextlib.redirect_stdout(io.StringIO()):
    truth = COCO()
    truth.dataset = {
        "info": {},
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 1, "name": "it"}],
    }
    truth.createIndex()
    evaluation = COCOeval(truth, truth.loadRes(results), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
precision = evaluation.eval["precision"][:, :, 0, 0, 2]
recall = evaluation.eval["recall"][:, 0, 0, 2]
print(f"const GOLDEN_AP: f64 = {precision.mean():.10f};")
print(f"const GOLDEN_AP50: f64 = {precision[0].mean():.10f};")
print(f"const GOLDEN_AP75: f64 = {precision[5].mean():.10f};")
print(f"const GOLDEN_RECALL50: f64 = {recall[0]:.10f};")
