"""Writes detection.json: objects found in pictures and what pycocotools (COCOeval, bbox) makes of them, with the average precision of Pascal
VOC beside, computed here from its definition. Random cases with groups (crowds), equal scores, small and large objects, empty pictures,
classes without objects and more than a hundred predictions.

    pip install pycocotools numpy
    python3 make_detection_metrics.py OUT_DIR
"""
import argparse
import contextlib
import io
import json
import os
from fractions import Fraction

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

NAMES = ["ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large", "ar1", "ar10", "ar100"]


def quarters(values):
    """Sums and differences of quarters are exact, so that no tool rounds another way."""
    return [round(4 * float(v)) / 4 for v in values]


def draw_case(rng, pictures, classes, objects, scores, extra=2, crowds=0.1):
    """Boxes as [x1, y1, x2, y2, label, ignored, area] and [x1, y1, x2, y2, label, score]."""
    case = []
    for _ in range(pictures):
        truth, found = [], []
        for _ in range(int(rng.integers(0, objects + 1))):
            side = float(rng.choice([12, 40, 150]))
            x, y = rng.uniform(0, 300, 2)
            w, h = rng.uniform(0.6, 1.6, 2) * side
            x1, y1, x2, y2 = quarters([x, y, x + w, y + h])
            label = str(rng.choice(classes))
            share = 1 if rng.random() < 0.5 else float(rng.choice([0.5, 0.75]))
            ignored = bool(rng.random() < crowds)
            truth.append([x1, y1, x2, y2, label, ignored, share * (x2 - x1) * (y2 - y1)])
            for _ in range(int(rng.integers(0, 3 + 3 * ignored))):
                noise = rng.normal(0, 1, 4) * side * float(rng.choice([0.01, 0.05, 0.15]))
                if rng.random() < 0.15:
                    noise = np.array([0, 0, -(x2 - x1) / 2 if rng.random() < 0.5 else 0, 0])  # exactly half
                a1, b1, a2, b2 = quarters(np.array([x1, y1, x2, y2]) + noise)
                if a2 > a1 and b2 > b1:
                    found.append([a1, b1, a2, b2, label if rng.random() < 0.9 else str(rng.choice(classes)), 0.0])
        for _ in range(int(rng.integers(0, extra + 1))):
            x, y, w, h = quarters(np.concatenate([rng.uniform(0, 300, 2), rng.uniform(5, 120, 2)]))
            found.append([x, y, x + w, y + h, str(rng.choice(classes + ["nothing"])), 0.0])
        order = rng.permutation(len(found))
        found = [found[i] for i in order]
        for box in found:
            box[5] = float(rng.choice(scores)) if scores else round(float(rng.random()), 6)
        case.append({"truth": truth, "found": found})
    return case


def coco_values(case):
    names = sorted({box[4] for p in case for box in p["truth"] + p["found"]})
    ids = {name: i + 1 for i, name in enumerate(names)}
    truth, found = [], []
    for image, picture in enumerate(case, 1):
        for x1, y1, x2, y2, label, ignored, area in picture["truth"]:
            truth.append({"id": len(truth) + 1, "image_id": image, "category_id": ids[label], "bbox": [x1, y1, x2 - x1, y2 - y1],
                          "iscrowd": int(ignored), "area": area})
        for x1, y1, x2, y2, label, score in picture["found"]:
            found.append({"image_id": image, "category_id": ids[label], "bbox": [x1, y1, x2 - x1, y2 - y1], "score": score})
    gold = COCO()
    gold.dataset = {"images": [{"id": i + 1} for i in range(len(case))], "annotations": truth,
                    "categories": [{"id": i, "name": name} for name, i in ids.items()]}
    gold.createIndex()
    run = COCOeval(gold, gold.loadRes(found), "bbox")
    run.evaluate()
    run.accumulate()
    run.summarize()
    values = {name: float(run.stats[i]) for i, name in enumerate(NAMES)}
    precision = run.eval["precision"][:, :, :, 0, 2]
    each = {name: [float(precision[:, :, i].mean()), float(precision[0, :, i].mean())] for i, name in enumerate(names)
            if (precision[:, :, i] > -1).any()}
    return values, each


def iou(a, b):
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    area = lambda box: (box[2] - box[0]) * (box[3] - box[1])
    return w * h / (area(a) + area(b) - w * h) if w > 0 and h > 0 else 0.0


def voc_values(case, label):
    """(all points, eleven points) of one class, or None where it has no object that counts."""
    truth = [[box for box in p["truth"] if box[4] == label] for p in case]
    objects = sum(not box[5] for boxes in truth for box in boxes)
    if objects == 0:
        return None
    found = [(i, box) for i, p in enumerate(case) for box in p["found"] if box[4] == label]
    found.sort(key=lambda pair: -pair[1][5])
    taken, marks = set(), []
    for image, box in found:
        overlaps = [iou(box, t) for t in truth[image]]
        best = int(np.argmax(overlaps)) if overlaps else -1
        if best >= 0 and overlaps[best] >= 0.5:
            if truth[image][best][5]:
                continue
            marks.append((image, best) not in taken)
            taken.add((image, best))
        else:
            marks.append(False)
    right = np.cumsum(marks).tolist()
    precision = [r / (i + 1) for i, r in enumerate(right)]
    best_from = [max(precision[i:]) for i in range(len(precision))]
    whole = sum((r - (right[i - 1] if i else 0)) / objects * best_from[i] for i, r in enumerate(right))
    eleven = 0.0
    for step in range(11):
        at = next((i for i, r in enumerate(right) if Fraction(r, objects) >= Fraction(step, 10)), None)
        eleven += 0.0 if at is None else best_from[at] / 11
    return whole, eleven


def describe(case):
    with contextlib.redirect_stdout(io.StringIO()):
        values, each = coco_values(case)
    voc = {label: voc_values(case, label) for label in each}
    values["voc_ap50"] = float(np.mean([v[0] for v in voc.values()])) if voc else -1
    values["voc07_ap50"] = float(np.mean([v[1] for v in voc.values()])) if voc else -1
    return {"pictures": case, "values": values, "classes": {label: each[label] + [voc[label][0]] for label in each}}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out_dir")
    out = parser.parse_args().out_dir
    rng = np.random.default_rng(5)
    cases = [
        draw_case(rng, 12, ["cat", "dog", "bird"], 8, None),
        draw_case(rng, 12, ["cat", "dog"], 6, [0.25, 0.5, 0.75]),  # many equal scores
        draw_case(rng, 8, ["cat"], 10, None, extra=10, crowds=0.5),
        draw_case(rng, 1, ["cat"], 30, None, extra=0, crowds=0.0)
    ]
    crowd = draw_case(rng, 2, ["cat"], 12, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9], extra=0)
    for picture in crowd:  # more than a hundred predictions of one class
        while len(picture["found"]) < 130:
            x, y = quarters(rng.uniform(0, 300, 2))
            picture["found"].insert(0, [x, y, x + 30, y + 30, "cat", 0.4])
    cases.append(crowd)
    only_small = draw_case(rng, 6, ["cat", "dog"], 5, None)
    for picture in only_small:
        for box in picture["truth"]:
            box[6] = min(box[6], 1000.0)
    cases.append(only_small)
    cases.append([{"truth": [], "found": draw_case(rng, 1, ["cat"], 0, None, extra=9)[0]["found"] + [[0, 0, 4, 4, "cat", 0.5]]}])
    with open(os.path.join(out, "detection.json"), "w") as file:
        json.dump([describe(case) for case in cases], file, allow_nan=False, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
