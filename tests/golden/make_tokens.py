"""Writes tokens.json: what Hugging Face's `tokenizers` makes of hard strings and of two data sets.

    python make_tokens.py MODEL_FOLDER DATA_FOLDER > tokens.json

MODEL_FOLDER holds the tokenizer.json of all-MiniLM-L6-v2; DATA_FOLDER holds banking77/ and clinc150/.

The strings are our own.  Of the data sets no text is stored: a set has the ids of 200 texts, spread evenly over it, and a digest over
the ids of all its texts: FNV-1a with 64 bits (offset basis 14695981039346656037, prime 1099511628211) over the ids as little-endian int32,
with -1 after each text.  No special tokens are added, nothing is cut or padded.  Offsets are in bytes of UTF-8.
"""
import csv
import json
import struct
import sys
from pathlib import Path

import tokenizers
from tokenizers import Tokenizer, normalizers

STRINGS = [
    # Plain words, case, numbers, punctuation
    "", " ", "The quick brown fox jumps over the lazy dog.", "THE QUICK BROWN FOX", "unaffable uNAFFable UNAFFABLE",
    "don't can't o'clock l'été",
    "state-of-the-art e-mail", "3.14159 1,000,000 0xDEADBEEF 1e-10", "$+<=>^`|~", "a$b+c<d=e>f^g`h|i~j",
    "!\"#$%&'()*+,-./:;<=>?@[\\]^_{|}~",
    "what?!... really??", "snake_case camelCase kebab-case", "user@example.com https://example.com/a?b=c&d=%20e#f",
    "C:\\temp\\file.txt", "## ##ing ##",
    "#hashtag @mention", "antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis", "xqzjkv wvutsr",
    # Accents, composed and not
    "café naïve résumé Zürich Ångström", "cafe\u0301 nai\u0308ve re\u0301sume\u0301", "CAFÉ CAFE\u0301", "e\u0301\u0302\u0323x",
    "\u1E69 s\u0323\u0307 s\u0307\u0323",
    "\u0301", "\u0301a", " \u0301 a", "a \u0301b", "a\u0301", "\u1EAE\u1EAF \u01D6 \u1FA7", "Đặng Thị Ngọc Thịnh",
    "łódź Łódź øre Øre", "\u0344\u0344a",
    # Letters whose lower case is special
    "İstanbul Iğdır ıslak", "I\u0307 i\u0307", "Straße STRASSE \u1E9E", "ΟΔΥΣΣΕΥΣ Σίσυφος σς", "\u01C4 \u01C5 \u01C6",
    "\u212B \u2126 \u212A", "ᏣᎳᎩ ꮳꮃꭹ \u13F8", "\u10A0\u10D0 \u1C90",
    "Ⅷ ⅷ Ⓐ ⓐ", "𐐀𐐨 𞤀𞤢",
    # Ligatures, full width, compatibility characters
    "\uFB01sh \uFB02ow o\uFB03ce", "Æon œuvre Ĳssel", "ＦＵＬＬ　ｗｉｄｔｈ　１２３！？", "ﾊﾝｶｸ ｶﾞ", "x² H₂O ½ ¾ №5 ™ ©",
    "\u2460\u2461 \u33A5 \u3392", "\u1FEF \u037E \u0387 \u2000\u2001",
    # Scripts
    "Привет, мир! ЁЖ ёж й", "Γειά σου Κόσμε", "שָׁלוֹם עולם", "مرحبا بالعالم", "السَّلَامُ عَلَيْكُمْ ۝ ٣",
    "नमस्ते दुनिया। क़ि", "สวัสดีชาวโลก น้ำ", "안녕하세요 세계 각", "\u1100\u1161\u11A8 \u3131",
    "こんにちは世界 がぎぐ か\u3099", "カタカナ・ヒラガナー", "你好，世界。", "漢字\u3400\u9FA5\u9FFF",
    "\U00020000\U0002A6D6\U0002B820\U0002B920 \uF900\uFA0E\U0002F800", "中a文b字1", "中\u0301文",
    "\u3007\u3005\u303B", "ქართული ენა", "Հայերեն լեզու։", "ភាសាខ្មែរ", "မြန်မာဘာသာ", "བོད་སྐད།", "ᠮᠣᠩᠭᠣᠯ\u180E", "አማርኛ።",
    "தமிழ் మళయాళం ਪੰਜਾਬੀ", "ไม้ ເມືອງ", "\u302Ea a\u302Eb",
    # Emoji and symbols
    "😀", "hello😀world 😀😀", "👨\u200D👩\u200D👧\u200D👦 family", "👍🏽 ❤\uFE0F ☺", "🇩🇪🇫🇷", "1\uFE0F\u20E3 #\uFE0F\u20E3",
    "→ ← ∀x∈ℝ: ∑ √2 ≤ ∞", "♠♥♦♣ ☃ ★", "€5 £6 ¥7 ₿8 ¢", "\u2018a\u2019 \u201Cb\u201D «c» „d‟ …",
    "en\u2013dash em\u2014dash \u2015 \u2212", "°C ‰ § ¶ • ·", "\u00BFqué? ¡hola!", "\U0001D400\U0001D41A \U0001D15E",
    "\u2E2E\u2E43 \u166D \U000111C9", "\u07FD\u08D3 \uA8FF \U0001E000",
    # What the clean-up drops or takes for a space
    "soft\u00ADhyphen", "zero\u200Bwidth\u200Cjoin\u200Der \uFEFFbom", "no\u00A0break\u202Fspace",
    "ideo\u3000graphic \u2003em\u2009thin", "tab\there\nline\r\nbreak", "line\u2028para\u2029graph",
    "nul\u0000char", "bell\u0007esc\u001B[0m\u007F", "\u0085next\u0009\u000Bvt\u000Cff", "\u0001\u0002",
    "private\uE000use \U000F0000\U0010FFFD", "re\uFFFDplacement", "\uFFFE\uFFFF non\uFDD0char",
    "left\u200Eto\u200Fright \u202Eoverride\u202C", "\u2060word\u2061join", "unassigned\u0378 \U000E0001tag\U000E0041",
    "  lead and   many  spaces  ", "\u1680ogham\u205Fmath", "var\uFE00sel\U000E0100",
    # Long words
    "a" * 100, "a" * 101, "é" * 100, "e\u0301" * 100, "é" * 101, "中" * 101, "." * 101, "ab " * 60, "x" * 250 + " end",
    "\u200B" * 50 + "a" * 100, "un" * 50, "un" * 50 + "a",
    # Special tokens in the text
    "[SEP]", "a [SEP] b", "a[SEP]b", "[CLS] the [MASK] sat [SEP]", "[MASK][MASK]", "[[MASK]]", "[mask] [sep] [Sep]",
    "[ SEP ] [SEP [SEP", "[UNK] [PAD] [PAD]x", "é[SEP]\u0301a",
    "x [MASK]\u00AD. [unused1] [unused99]", "[SE\u200BP] [SEP\u0301]", "中[MASK]文", "the [MASK]ing ##[SEP]",
    # Mixed
    "Müller's café\tcost €12.50—really? 😀 [SEP] 中文", "Mixed CASE with ÜMLAUT, Ελληνικά, кириллица & עברית!",
]

NUM_SAMPLES = 200


def variant(tokenizer, **options):
    other = Tokenizer.from_str(tokenizer.to_str())
    other.normalizer = normalizers.BertNormalizer(**options)
    return other


def encode(tokenizer, text):
    encoding = tokenizer.encode(text, add_special_tokens=False)
    byte = [len(text[:i].encode()) for i in range(len(text) + 1)]
    return {
        "ids": encoding.ids,
        "begin": [byte[begin] for begin, _ in encoding.offsets],
        "end": [byte[end] for _, end in encoding.offsets],
    }


def banking77(folder):
    for part in ("train", "test"):
        with open(folder / "banking77/banking_data" / f"{part}.csv", encoding="utf-8", newline="") as file:
            yield from (row["text"] for row in csv.DictReader(file))


def clinc150(folder):
    lists = json.loads((folder / "clinc150/data_small.json").read_text(encoding="utf-8"))
    for rows in lists.values():
        yield from (row[0] for row in rows)


def digest(all_ids):
    value = 14695981039346656037
    for ids in all_ids:
        for byte in struct.pack(f"<{len(ids) + 1}i", *ids, -1):
            value = (value ^ byte) * 1099511628211 % 2**64
    return f"{value:016x}"


def summarize(tokenizer, texts):
    all_ids = [encoding.ids for encoding in tokenizer.encode_batch(list(texts), add_special_tokens=False)]
    samples = [i * len(all_ids) // NUM_SAMPLES for i in range(NUM_SAMPLES)]
    return {"num_texts": len(all_ids), "digest": digest(all_ids), "samples": [{"index": i, "ids": all_ids[i]} for i in samples]}


def main():
    model, data = Path(sys.argv[1]), Path(sys.argv[2])
    uncased = Tokenizer.from_file(str(model / "tokenizer.json"))
    uncased.no_truncation()
    uncased.no_padding()
    variants = {
        "uncased": uncased,
        "cased": variant(uncased, lowercase=False),
        "accents": variant(uncased, lowercase=True, strip_accents=False),
    }
    strings = [{"text": text} | {name: encode(tokenizer, text) for name, tokenizer in variants.items()} for text in STRINGS]
    sets = {"banking77": summarize(uncased, banking77(data)), "clinc150": summarize(uncased, clinc150(data))}
    # One record a line, so that a change shows as the lines that changed.
    print(f'{{"made_with": "tokenizers {tokenizers.__version__}",\n"strings": [')
    print(",\n".join(json.dumps(string) for string in strings))
    print('],\n"sets": {')
    parts = []
    for name, part in sets.items():
        samples = ",\n".join(json.dumps(sample) for sample in part.pop("samples"))
        parts.append(f'"{name}": {json.dumps(part)[:-1]}, "samples": [\n{samples}]}}')
    print(",\n".join(parts) + "}}")


if __name__ == "__main__":
    main()
