"""Splits xquad.en.json by article, as the Python reference does: the first 38 train, the last 10 test.

    python xquad_split.py xquad.en.json OUT_FOLDER        writes OUT_FOLDER/train.json and OUT_FOLDER/test.json
"""
import json
import pathlib
import sys

source, out = sys.argv[1], pathlib.Path(sys.argv[2])
out.mkdir(parents=True, exist_ok=True)
articles = json.loads(pathlib.Path(source).read_text(encoding="utf-8"))["data"]
for name, part in (("train", articles[:38]), ("test", articles[38:])):
    (out / f"{name}.json").write_text(json.dumps({"version": "1.1", "data": part}, ensure_ascii=False), encoding="utf-8")
    print(name, sum(len(p["qas"]) for a in part for p in a["paragraphs"]), "questions")
