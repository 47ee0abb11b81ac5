"""Makes roc.json, squad.json and entities.json: small references from scikit-learn, transformers and seqeval.

    python make_language_metrics.py OUT_DIR           (OUT_DIR is tests/golden)

roc.json        scores of positives and negatives, with ties and without, and sklearn.metrics.roc_auc_score of them.
squad.json      normalized answers; predictions with gold answers, written by hand and drawn at random, each with a no-answer
                probability and its exact match and F1: "v2" by transformers' form of evaluate-v2.0.py, "v1" by the formula
                of evaluate-v1.1.py; what both say of all of them, in percent, and the best thresholds.
entities.json   random tag sequences, illegal ones included, with the entities that seqeval reads from them and its scores in its
                default and its strict mode (IOB2).

Needs numpy, scikit-learn, transformers 4 and seqeval.
"""
import argparse
import json
import os
import warnings
from collections import Counter
from types import SimpleNamespace

import numpy as np
from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.metrics.sequence_labeling import get_entities, precision_recall_fscore_support
from seqeval.metrics.v1 import precision_recall_fscore_support as strict_scores
from seqeval.scheme import IOB2, Tokens
from sklearn.metrics import roc_auc_score
from transformers.data.metrics.squad_metrics import get_raw_scores, normalize_answer, squad_evaluate

warnings.simplefilter("ignore")  # seqeval warns of types that are never predicted


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


# --- answers --------------------------------------------------------------------------------------------------------

TEXTS = ["The  Cat!", "", "a", "An the", "the-an", "a-n", "a b", "Theory of the A-team", "don't", "“The” end", "the’s", "l’a", "«a»",
         "a\u0301 b", "à la", "İstanbul", "ΟΔΟΣ", "ΟΔΟΣ ΑΣ.Β", "Σ", "ΑΣ'", "Α\u0301Σ\u0301 x", "STRASSE straße ẞ", "ＡＢＣ　ａ", "Ა Ꭰ ꭰ",
         "ǅ ǆ", "naïve\u00a0the\u2003cafe\u0301", "a\u0085the\x1cb\u200bc", "50% of $3,000.00", "the_a", "①the²", "the٣", "日本のa", "the 日本",
         "\u202fthe\u3000", "tab\tand\nnewline", "£5–€6 — “quoted”", "🙂 the 🙂", "a.a.a", "U.S.A.", "THE", "anthe"]

HAND = [  # prediction, gold answers
    ("the cat", ["Cat"]), ("", []), ("cat", []), ("", ["cat"]), ("the", ["a"]), ("the", []), ("!", ["?"]), ("a", ["the", "dog"]),
    ("dog", ["the", "dog"]), ("cat", ["the"]), ("", [""]), ("a red dog dog", ["dog red", "the dog dog cat"]), ("ΟΔΟΣ", ["οδος"]),
    ("“Zürich”", ["zürich"]), ("ZÜRICH", ["zürich"]), ("4,000", ["4000"]), ("in 1999.", ["1999", "1998"]),
]
WORDS = "the a an red Dog dog, DOG Zürich zürich 日本 3,000 3000 “cat” cat. of — Σ ς".split()


def draw_answer(rng):
    return " ".join(rng.choice(WORDS, rng.integers(0, 5)))


def v1_scores(prediction, golds):
    """By the formula of evaluate-v1.1.py, which does not look for empty answers."""
    def f1(gold):
        given, wanted = normalize_answer(prediction).split(), normalize_answer(gold).split()
        shared = sum((Counter(given) & Counter(wanted)).values())
        return 0 if shared == 0 else 2 * (shared / len(given)) * (shared / len(wanted)) / (shared / len(given) + shared / len(wanted))
    return max(normalize_answer(prediction) == normalize_answer(gold) for gold in golds), max(f1(gold) for gold in golds)


def make_squad(rng):
    cases = HAND + [(draw_answer(rng), [draw_answer(rng) for _ in range(rng.integers(0, 4))]) for _ in range(120)]
    probabilities = rng.permutation(len(cases)) / len(cases) * 0.9 + 0.05
    examples = [SimpleNamespace(qas_id=i, answers=[{"text": gold} for gold in golds]) for i, (_, golds) in enumerate(cases)]
    predictions = {i: prediction for i, (prediction, _) in enumerate(cases)}
    exact, f1 = get_raw_scores(examples, predictions)
    v1 = {i: v1_scores(prediction, golds) for i, (prediction, golds) in enumerate(cases) if golds}
    # The official search counts any prediction of some characters as an answer; one that is nothing once normalized is no case for it.
    searched = [i for i, (prediction, golds) in enumerate(cases) if normalize_answer(prediction) or not prediction]
    searched = [i for i in searched if not cases[i][1] or any(map(normalize_answer, cases[i][1]))]
    found = squad_evaluate([examples[i] for i in searched], predictions, {i: float(probabilities[i]) for i in searched})
    return {
        "normalized": [[text, normalize_answer(text)] for text in TEXTS],
        "cases": [{"prediction": prediction, "golds": golds, "v2": [exact[i], f1[i]], "no_answer": float(probabilities[i])}
                  | ({"v1": [int(v1[i][0]), v1[i][1]]} if golds else {}) for i, (prediction, golds) in enumerate(cases)],
        "v2": dict(squad_evaluate(examples, predictions)),
        "v1": {"exact": 100 * float(np.mean([e for e, _ in v1.values()])), "f1": 100 * float(np.mean([f for _, f in v1.values()]))},
        "searched": searched,
        "best": {key: found[key] for key in ("best_exact", "best_exact_thresh", "best_f1", "best_f1_thresh")},
    }


# --- entities -------------------------------------------------------------------------------------------------------


def draw_tags(rng, prefixes, types, length):
    tags = ["O"]
    for _ in range(length):
        if rng.random() < 0.4 and tags[-1] != "O":
            tags.append("I-" + tags[-1][2:])  # so that entities of several words are met
        else:
            prefix = rng.choice(prefixes)
            tags.append("O" if prefix == "O" else f"{prefix}-{rng.choice(types)}")
    return tags[1:]


def disturb(rng, tags, prefixes, types):
    return [draw_tags(rng, prefixes, types, 1)[0] if rng.random() < 0.2 else tag for tag in tags]


def describe(sentences, strict):
    truth, predicted = [s[0] for s in sentences], [s[1] for s in sentences]
    options = {"mode": "strict", "scheme": IOB2} if strict else {}
    if strict:
        read = [[[e.tag, e.start, e.end] for e in Tokens(s[1], IOB2).entities] for s in sentences]
    else:
        read = [[[label, begin, end + 1] for label, begin, end in get_entities(s[1])] for s in sentences]
    types = sorted({tag[2:] for s in sentences for tags in s for tag in tags if tag != "O"})
    if strict:
        each = strict_scores(truth, predicted, average=None, scheme=IOB2)
    else:
        each = precision_recall_fscore_support(truth, predicted, average=None)
    assert len(each[0]) == len(types)
    return {"entities": read, "precision": float(precision_score(truth, predicted, **options)),
            "recall": float(recall_score(truth, predicted, **options)), "f1": float(f1_score(truth, predicted, **options)),
            "macro_f1": float(f1_score(truth, predicted, average="macro", **options)),
            "types": {name: [float(each[k][i]) for k in range(4)] for i, name in enumerate(types)}}


def make_entities(rng):
    problems = []
    for prefixes in ("OOBI", "OOBIES"):
        types = ["person", "creative-work", "place"]
        sentences = []
        for _ in range(40):
            truth = draw_tags(rng, list(prefixes), types, int(rng.integers(1, 12)))
            sentences.append([truth, disturb(rng, truth, list(prefixes), types)])
        problems.append({"sentences": sentences, "default": describe(sentences, False)}
                        | ({"strict": describe(sentences, True)} if "E" not in prefixes else {}))
    return {"problems": problems}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out_dir")
    out = parser.parse_args().out_dir
    rng = np.random.default_rng(7)
    write_json(os.path.join(out, "roc.json"), make_roc(rng))
    write_json(os.path.join(out, "squad.json"), make_squad(rng))
    write_json(os.path.join(out, "entities.json"), make_entities(rng))


if __name__ == "__main__":
    main()
