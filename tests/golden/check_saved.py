"""Checks a network that graft saved with plain PyTorch: does it give the same numbers without graft?

    python check_saved.py MODEL.pt EXPECTED.json

EXPECTED.json: {"inputs": ["input_ids", ...],                                  names in the order of the call
                "cases": [{"inputs": {name: nested list}, "logits": nested list}, ...],
                "outputs": ["start_logits", ...]                               optional: a tuple's names, and then each case
                                                                               has {"outputs": {name: nested list}}
                "texts": [{"text": "...", "ids": [...]}, ...]}                 optional
Each case must agree within 1e-5, absolute or relative; a network that returns a dict gives its "logits". The ids of the
texts, special tokens included and padding not, are checked against the file tokenizer.json inside the archive. The
network runs in the mode in which it was saved. Prints a line for each check; the exit code is 1 if one failed.
Needs torch, and tokenizers for the texts.
"""
import argparse
import json
import sys

import torch

TOLERANCE = 1e-5


def compare(output, expected):
    output, expected = output.double(), torch.tensor(expected, dtype=torch.float64)
    if output.shape != expected.shape:
        return False, f"shape {list(output.shape)}, expected {list(expected.shape)}"
    difference = (output - expected).abs()
    good = bool((difference <= TOLERANCE * expected.abs().clamp(min=1.0)).all())  # not true for NaN
    return good, f"largest difference {difference.max().item():.3g}"


def check_case(model, names, output_names, case):
    with torch.no_grad():
        output = model(*(torch.tensor(case["inputs"][name]) for name in names))
    if isinstance(output, tuple):
        given = dict(zip(output_names, output))
        found = {name: compare(given[name], expected) for name, expected in case["outputs"].items()}
        return all(good for good, _ in found.values()), ", ".join(f"{name}: {what}" for name, (_, what) in found.items())
    return compare(output["logits"] if isinstance(output, dict) else output, case["logits"])


def check_text(tokenizer, item):
    ids = tokenizer.encode(item["text"]).ids
    return ids == item["ids"], f"{item['text']!r}" + ("" if ids == item["ids"] else f": {ids}, expected {item['ids']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("expected")
    args = parser.parse_args()
    with open(args.expected, encoding="utf-8") as file:
        expected = json.load(file)
    extra = {"tokenizer.json": ""} if "texts" in expected else {}
    model = torch.jit.load(args.model, map_location="cpu", _extra_files=extra)
    checks = [(f"case {i}", check_case, (model, expected["inputs"], expected.get("outputs", []), case)) for i, case in enumerate(expected["cases"])]
    if "texts" in expected:
        from tokenizers import Tokenizer

        data = extra["tokenizer.json"]
        if data:
            tokenizer = Tokenizer.from_str(data.decode("utf-8") if isinstance(data, bytes) else data)
            tokenizer.no_padding()  # published files may pad every text to a fixed length
            checks += [(f"text {i}", check_text, (tokenizer, item)) for i, item in enumerate(expected["texts"])]
        else:
            checks.append(("tokenizer.json", lambda: (False, "is not in the archive"), ()))
    failed = 0
    for name, check, arguments in checks:
        try:
            good, what = check(*arguments)
        except Exception as error:  # one bad case must not hide the others
            good, what = False, (str(error).strip().splitlines() or [type(error).__name__])[-1]
        failed += not good
        print("ok    " if good else "FAILED", name, what)
    print(f"{len(checks) - failed} passed, {failed} failed")
    sys.exit(1 if failed or not checks else 0)


if __name__ == "__main__":
    main()
