"""CLINC150's data_small.json as CSV files for graft train: text,intent; records without an intent have "oos". Usage: DATA.json OUT_FOLDER"""
import csv, json, os, sys

data = json.load(open(sys.argv[1]))
for part in ("train", "val", "test"):
    with open(os.path.join(sys.argv[2], part + ".csv"), "w", newline="") as out:
        csv.writer(out).writerows([("text", "intent"), *data[part], *data["oos_" + part]])
