"""Writes pairs.json: what Hugging Face's `tokenizers` makes of pairs of texts that must be cut.

    python make_pairs.py VOCAB > pairs.json        (VOCAB is tiny_bert/vocab.txt)

The texts are the first letters of the alphabet, each of which is a token: 0 to 5 in the first text, and in the second from the end of
the alphabet on, cut "longest_first" to several lengths. A case is [letters of the first, of the second, max_length, ids, type ids].
"""
import json
import sys

import tokenizers
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        vocab = {line.rstrip("\n"): i for i, line in enumerate(file)}
    tokenizer = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", vocab["[SEP]"]), ("[CLS]", vocab["[CLS]"]))
    cases = []
    for max_length in (5, 6, 7, 9):
        tokenizer.enable_truncation(max_length, strategy="longest_first")
        for first in range(6):
            for second in range(6):
                pair = tokenizer.encode(" ".join(LETTERS[:first]), " ".join(LETTERS[26 - second:]))
                cases.append([first, second, max_length, pair.ids, pair.type_ids])
    print(f'{{"made_with": "tokenizers {tokenizers.__version__}", "cases": [')
    print(",\n".join(json.dumps(case, separators=(",", ":")) for case in cases))
    print("]}")


if __name__ == "__main__":
    main()
