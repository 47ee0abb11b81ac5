"""Compares graft's tokenizers with Hugging Face's on vocabularies that are trained here, on real texts and on random ones.

    check_subwords.py train FOLDER [DATA]     trains them and writes FOLDER/texts.json, FOLDER/NAME/ and FOLDER/NAME.json
    (test_text '[python]', with GRAFT_CHECK_DIR=FOLDER, then writes NAME/graft.json and NAME/pieces.json)
    check_subwords.py check FOLDER            compares; prints a line a vocabulary, exits 1 if one differs

DATA holds banking77/ and qa_xquad_en/; without it the random texts are all there is. Ids and offsets must be equal, both where graft read
Hugging Face's files and where Hugging Face reads the tokenizer.json that graft wrote; pairs too.
"""
import csv
import json
import random
import sys
import unicodedata
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

BYTES = pre_tokenizers.ByteLevel.alphabet()


def real_texts(data):
    with open(data / "banking77/banking_data/test.csv", encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    articles = json.loads((data / "qa_xquad_en/xquad.en.json").read_text(encoding="utf-8"))["data"]
    return texts + [paragraph["context"] for article in articles for paragraph in article["paragraphs"]]


def random_texts(count):
    """Of all kinds of characters, common and rare ones, white space, contractions and special tokens in any order."""
    generator = random.Random(7)
    rare = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000 and unicodedata.category(chr(c)) != "Cn"]
    common = [*"abcdefghijklmnopqrstuvwxyzTHE0123456789", *".,;:!?'\"-_()[]<>/", "é", "ß", "Ж", "中", "가", "א", "م", "😀", "\u0301"]
    spaces = [" ", " ", " ", "  ", "\n", "\t", "\r\n", "\u00a0", "\u3000", "\u2009", "\u200b"]
    parts = ["'s", "'re", "n't", "'LL", "<mask>", "<s>", "</s>", "<new>", "[SEP]", "[MASK]", "the", " and", "ing"]
    kinds = [common, common, common, spaces, spaces, parts, rare]
    return ["".join(generator.choice(generator.choice(kinds)) for _ in range(generator.randint(0, 40))) for _ in range(count)]


def byte_level(texts, prefix):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<s>", "<pad>", "</s>", "<unk>", AddedToken("<mask>", lstrip=True, special=True)]
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=4000, special_tokens=special, initial_alphabet=BYTES, show_progress=False))
    return tokenizer


def vocabularies(texts):
    roberta = byte_level(texts, False)
    roberta.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=False)
    yield "roberta", roberta
    prefixed = byte_level(texts, True)
    prefixed.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=True)
    prefixed.add_tokens([AddedToken("<new>", lstrip=True, rstrip=True, normalized=True)])
    yield "prefixed", prefixed
    gpt2 = Tokenizer(models.BPE())
    gpt2.pre_tokenizer, gpt2.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    gpt2.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=1000, special_tokens=["<|endoftext|>"], initial_alphabet=BYTES, show_progress=False))
    gpt2.post_processor = processors.ByteLevel(trim_offsets=False)
    yield "gpt2", gpt2
    bert = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    bert.normalizer, bert.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    bert.train_from_iterator(texts, trainers.WordPieceTrainer(vocab_size=2000, special_tokens=special, show_progress=False))
    bert.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    yield "bert", bert


def train(folder, data):
    texts = random_texts(4000) + (real_texts(data) if data else [])
    (folder / "texts.json").write_text(json.dumps(texts))
    names = []
    for name, tokenizer in vocabularies(texts):
        (folder / name).mkdir()
        tokenizer.model.save(str(folder / name))
        tokenizer.save(str(folder / name / "tokenizer.json"))
        names.append(name)
    (folder / "names.json").write_text(json.dumps(names))


def encoded(tokenizer, text):
    encoding = tokenizer.encode(text, add_special_tokens=False)
    byte = [0]
    for character in text:
        byte.append(byte[-1] + len(character.encode()))
    return [[i, byte[begin], byte[end]] for i, (begin, end) in zip(encoding.ids, encoding.offsets)]


def check(folder):
    texts, failed = json.loads((folder / "texts.json").read_text()), False
    for name in json.loads((folder / "names.json").read_text()):
        published = Tokenizer.from_file(str(folder / name / "tokenizer.json"))
        written = Tokenizer.from_file(str(folder / name / "graft.json"))
        written.no_truncation()
        pieces = json.loads((folder / name / "pieces.json").read_text())
        wrong = [text for text, found in zip(texts, pieces) if not encoded(published, text) == found == encoded(written, text)]
        pairs = list(zip(texts[::7], texts[3::7]))
        wrong += [pair for pair in pairs if (one := published.encode(*pair), other := written.encode(*pair)) and (one.ids, one.type_ids) != (other.ids, other.type_ids)]
        failed |= bool(wrong) or len(pieces) != len(texts)
        print(f"{name}: {len(texts)} texts, {sum(map(len, pieces))} pieces, {len(pairs)} pairs, {len(wrong)} differ" + "".join(f"\n  {text!a}" for text in wrong[:5]))
    return failed


if __name__ == "__main__":
    if sys.argv[1] == "train":
        train(Path(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) > 3 else None)
    else:
        sys.exit(check(Path(sys.argv[2])))
