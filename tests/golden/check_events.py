"""Reads the event files of a folder with TensorBoard's own code: does it see what graft wrote?

    python check_events.py FOLDER                   prints the scalars as JSON: {tag: [[step, value], ...], ...}
    python check_events.py FOLDER EXPECTED.json     compares them with such a file

Values must agree within 1e-6, absolute or relative (they are stored as float32); tags and steps exactly, so that what a
resumed run did again must be there once. With EXPECTED.json prints a line for each tag; the exit code is 1 if one failed
or there is none. Needs tensorboard (no TensorFlow).
"""
import argparse
import json
import logging
import math
import sys

from tensorboard.backend.event_processing.event_accumulator import SCALARS, EventAccumulator

TOLERANCE = 1e-6


def read_scalars(folder):
    logging.getLogger("tensorboard").setLevel(logging.ERROR)  # it tells of each resumed run
    events = EventAccumulator(folder, size_guidance={SCALARS: 0})  # 0: all, no sample
    events.Reload()
    return {tag: [[event.step, event.value] for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def compare(found, expected):
    if [step for step, _ in found] != [step for step, _ in expected]:
        return False, f"steps {[step for step, _ in found]}, expected {[step for step, _ in expected]}"
    for (step, value), (_, wanted) in zip(found, expected):
        if not math.isclose(value, wanted, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
            return False, f"step {step}: {value}, expected {wanted}"
    return True, f"{len(found)} values"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("expected", nargs="?")
    args = parser.parse_args()
    scalars = read_scalars(args.folder)
    if args.expected is None:
        print(json.dumps(scalars, indent=1))
        return
    with open(args.expected, encoding="utf-8") as file:
        expected = json.load(file)
    failed = 0
    for tag in sorted(scalars.keys() | expected.keys()):
        good, what = compare(scalars.get(tag, []), expected.get(tag, []))
        failed += not good
        print("ok    " if good else "FAILED", tag, what)
    print(f"{len(scalars)} tags, {failed} failed")
    sys.exit(1 if failed or not expected else 0)


if __name__ == "__main__":
    main()
