"""Makes roc.json: a small reference from scikit-learn.

    python make_language_metrics.py OUT_DIR           (OUT_DIR is tests/golden)

roc.json    scores of positives and negatives, with ties and without, and sklearn.metrics.roc_auc_score of them.

Needs numpy and scikit-learn.
"""
import argparse
import json
import os

import numpy as np
from sklearn.metrics import roc_auc_score


def write_json(path, value):
    with open(path, "w") as file:
        json.dump(value, file, allow_nan=False, separators=(",", ":"))
        file.write("\n")


def make_roc(rng):
    problems = []
    for name, positives, negatives, digits in (("no ties", 40, 60, 6), ("many ties", 50, 30, 0), ("one positive", 1, 20, 1)):
        positive, negative = np.round(rng.normal(1, 1.5, positives), digits), np.round(rng.normal(0, 1.5, negatives), digits)
        truth = [1] * positives + [0] * negatives
        problems.append({"name": name, "positive": positive.tolist(), "negative": negative.tolist(),
                         "auroc": float(roc_auc_score(truth, np.concatenate([positive, negative])))})
    return {"problems": problems}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out_dir")
    out = parser.parse_args().out_dir
    rng = np.random.default_rng(7)
    write_json(os.path.join(out, "roc.json"), make_roc(rng))


if __name__ == "__main__":
    main()
