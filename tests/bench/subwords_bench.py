"""Encodes the messages of banking77 and the contexts of xquad with graft and with Hugging Face's tokenizers (Rust), one thread each.

    python subwords_bench.py SUBWORDS_BENCH MODEL_FOLDER DATA_FOLDER [ROUNDS]

SUBWORDS_BENCH is the program of that name, MODEL_FOLDER has a WordPiece tokenizer.json (all-MiniLM-L6-v2), DATA_FOLDER holds banking77/ and qa_xquad_en/.
The byte-level vocabulary of 8,000 tokens is trained here, on the same texts. A round is graft, Rust, Rust, graft; the times are medians over all passes. Rust is
asked text by text (encode) and for all at once (encode_batch), both from Python and without special tokens.
"""
import os

os.environ |= {"RAYON_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
import csv
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import tokenizers
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

PASSES = 5


def texts_of(data):
    sets = {"banking77": [], "xquad": []}
    for part in ("train", "test"):
        with open(data / f"banking77/banking_data/{part}.csv", encoding="utf-8", newline="") as file:
            sets["banking77"] += [row["text"] for row in csv.DictReader(file)]
    for article in json.loads((data / "qa_xquad_en/xquad.en.json").read_text(encoding="utf-8"))["data"]:
        sets["xquad"] += [paragraph["context"] for paragraph in article["paragraphs"]]
    return sets


def byte_level(texts):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=8000, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=False)
    return tokenizer


def timed(work):
    start = time.perf_counter()
    pieces = work()
    return time.perf_counter() - start, pieces


def main():
    program, model, data = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 3
    sets = texts_of(data)
    print(f"tokenizers {tokenizers.__version__}, {rounds} rounds of 2 x {PASSES} passes; milliseconds a pass")
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        wordpiece = Tokenizer.from_file(str(model / "tokenizer.json"))
        wordpiece.no_truncation()
        wordpiece.no_padding()
        for kind, rust in (("WordPiece", wordpiece), ("byte-level BPE", byte_level(sum(sets.values(), [])))):
            rust.save(str(folder / "tokenizer.json"))
            for name, texts in sets.items():
                (folder / "texts.json").write_text(json.dumps(texts))
                times = {"graft": [], "encode": [], "encode_batch": []}
                pieces = set()

                def run_graft():
                    found = json.loads(subprocess.run([program, folder / "tokenizer.json", folder / "texts.json", str(PASSES)], check=True, capture_output=True).stdout)
                    times["graft"] += found["passes"]
                    pieces.add(found["pieces"])

                def run_rust():
                    for way, work in (("encode", lambda: sum(len(rust.encode(text, add_special_tokens=False)) for text in texts)), ("encode_batch", lambda: sum(len(one) for one in rust.encode_batch(texts, add_special_tokens=False)))):
                        for _ in range(PASSES):
                            seconds, count = timed(work)
                            times[way].append(seconds)
                            pieces.add(count)

                for _ in range(rounds):
                    for run in (run_graft, run_rust, run_rust, run_graft):
                        run()
                assert len(pieces) == 1, pieces
                median = {way: 1000 * statistics.median(values) for way, values in times.items()}
                spread = f"{1000 * min(times['graft']):.1f} to {1000 * max(times['graft']):.1f}"
                print(f"{kind}, {name}: {len(texts)} texts, {sum(len(text.encode()) for text in texts)} bytes, {pieces.pop()} pieces: graft {median['graft']:.1f} ({spread}), "
                      f"encode {median['encode']:.1f} = {median['encode'] / median['graft']:.2f} x, encode_batch {median['encode_batch']:.1f} = {median['encode_batch'] / median['graft']:.2f} x")


if __name__ == "__main__":
    main()
