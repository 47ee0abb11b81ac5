"""Trains small byte-level vocabularies and writes what Hugging Face's `tokenizers` makes of hard strings with them.

    python make_byte_pairs.py OUT_DIR         (OUT_DIR is tests/golden)

  tiny_bpe/vocab.json, merges.txt     600 tokens of RoBERTa's kind, trained on the strings of make_tokens.py and the sentences below
  tiny_bpe/tokenizer.json             the same, as `tokenizers` saves it, with RoBERTa's frame
  byte_pairs.json                     ids and offsets (bytes of UTF-8) of every string in several settings, pairs cut to a length, and
                                      strings of bytes that are not UTF-8 (in hexadecimal), read as Python's "replace" reads them

All texts are our own.
"""
import json
import sys
from pathlib import Path

import tokenizers
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from make_tokens import STRINGS

SENTENCES = [
    "the red lamp on the long table is the one that they're looking for, isn't it?",
    "We'll meet at 10:30, and I'd say that she's late; you've been warned, I'm sure.",
    "  indented line\n\tand a tab\n\n\nand three ends of lines   \n",
    "Numbers: 3.14159, 1,000,000, 2026-11-26, 1st 2nd 3rd, ½ of ٣٤٥ and Ⅷ.",
    "DON'T SHOUT 'S 'T 'RE 'VE; 'start 'tis '' 's's 'dlls 'mmm 'vex",
    "emoji 😀😀 👩‍🚀 and flags 🇩🇪🇫🇷, combining e\u0301 a\u0308\u0323, \u200bzero\u200bwidth",
    "中文和日本語、한국어 ไทย עברית العربية हिन्दी",
    "code: for (int i = 0; i < n; ++i) { total += values[i]; }  // sum",
]

SPACES = [
    " ", "  ", "   ", "\n", " \n", "\n ", "\n\n", " \n\n a", "a ", "a  ", "a \n", "a\n b", "a\t\tb", "a \u00a0 b", "\u3000a\u3000\u3000b", "a\u2003 b",
    " a", "  a", "\u00a0a", "a\u0085b", "\r\na\r\n", "a\u2028\u2029b", "\u180ea", "a \u200b b", " '", " 's", "  's", "a' s", "'", "''", "'s", "x'll'd",
    "\u00ad", "\u0000\u0001 \u007f", "\uFEFFa", "1a1 a1a", "a1!a 1! !1", "_a_ -1", "²³¹ ½", "\U0002EBF0\U0002EBF1 \U000116D0", "a\u0301\u0302b",
]

ADDED = [
    "<mask>", "a<mask>b", "a <mask> b", "a  \n<mask>  b", " <mask>", "<mask> ", "<mask><mask>", "<mask> <mask>é", "<s>a</s>", "< s> <s", "<mask",
    "é<mask>é", "\u3000<mask>\u3000a", "<pad><unk>", "x <unk> y", "<s> <s>", "a</s></s>b", "<mask>\n", "<s>é<s>\u3000é",
    "x<new>y", "x <new>  y", "<new> <mask> <new>", " <new>é", "<newer>a",
]

BROKEN = [
    b"\xff", b"a\xffb", b"\xe2\x82", b"\xe2\x82 a", b"\xf0\x9f\x98", b"\xf0\x9f\x98a", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80", b"\xe0\x80\x80",
    b"\xc3", b"caf\xe9 au lait", b"\x80\x80 \x80", b"\xf1\x80\x80 \xf1\x80 \xf1", b"\xff<mask>\xfe", b" \xff", b"\xf0\x90\x80\xc3\xa9",
]


def train(size):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<s>", "<pad>", "</s>", "<unk>", AddedToken("<mask>", lstrip=True, special=True)]
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(4 * SENTENCES + STRINGS, trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=False)
    return tokenizer


def variant(tokenizer, prefix, processor):
    other = Tokenizer.from_str(tokenizer.to_str())
    other.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    if processor is not None:
        other.post_processor = processor
    return other


def with_added(tokenizer):
    other = Tokenizer.from_str(tokenizer.to_str())
    other.add_tokens([AddedToken("<new>", rstrip=True, lstrip=True, normalized=True), AddedToken("<newer>", normalized=True)])
    return other


def encode(tokenizer, text, byte=None):
    encoding = tokenizer.encode(text, add_special_tokens=False)
    byte = byte or [len(text[:i].encode()) for i in range(len(text) + 1)]
    return {"ids": encoding.ids, "begin": [byte[begin] for begin, _ in encoding.offsets], "end": [byte[end] for _, end in encoding.offsets]}


def places(data):
    """For each character that "replace" reads, and the end: where it begins in the bytes."""
    found, text = [], data.decode("utf-8", "replace")
    at = 0
    for character in text:
        found.append(at)
        real = character.encode()
        if data[at:at + len(real)] == real:
            at += len(real)
        else:  # as many bytes as leave the same text behind them
            rest = text[len(found):]
            at += next(n for n in (3, 2, 1) if at + n <= len(data) and data[at + n:].decode("utf-8", "replace") == rest)
    return found + [len(data)]


def main():
    out = Path(sys.argv[1])
    (out / "tiny_bpe").mkdir(exist_ok=True)
    tokenizer = train(600)
    tokenizer.save(str(out / "tiny_bpe/tokenizer.json"), pretty=False)
    tokenizer.model.save(str(out / "tiny_bpe"))
    variants = {
        "roberta": tokenizer,
        "prefix": variant(tokenizer, True, processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=True)),
        "whole": variant(tokenizer, True, processors.ByteLevel(trim_offsets=False)),
        "keeps": variant(tokenizer, False, processors.ByteLevel(trim_offsets=True)),
        "added": with_added(tokenizer),
    }
    (out / "tiny_bpe/added.json").write_text(variants["added"].to_str())
    strings = [{"text": text} | {name: encode(one, text) for name, one in variants.items()} for text in STRINGS + SENTENCES + SPACES + ADDED]
    broken = [{"bytes": data.hex()} | encode(tokenizer, data.decode("utf-8", "replace"), places(data)) for data in BROKEN]
    pairs = []
    for max_length in (6, 7, 9):
        tokenizer.enable_truncation(max_length)
        for first in ("a", "a b c", "a b c d e f"):
            for second in ("", "x", "u v w x y z"):
                pairs.append([first, second, max_length, tokenizer.encode(first, second).ids])
    with open(out / "byte_pairs.json", "w", encoding="utf-8") as file:
        lines = lambda values: ",\n".join(json.dumps(value, separators=(",", ":")) for value in values)
        file.write(f'{{"made_with": "tokenizers {tokenizers.__version__}",\n"strings": [\n{lines(strings)}],\n"broken": [\n{lines(broken)}],\n"pairs": [\n{lines(pairs)}]}}\n')


if __name__ == "__main__":
    main()
