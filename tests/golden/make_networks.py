"""Makes the small networks and reference outputs that the tests read.

    python make_networks.py OUT_DIR          (OUT_DIR is tests/golden)

Files made, all with fixed random weights:
  tiny_bert/config.json, model.safetensors, vocab.txt
                            a BERT of 32 channels and 2 layers, as transformers saves it, with its unused pooler
  tiny_bert_trace.pt        traced in eval mode, (input_ids, attention_mask) -> last_hidden_state; no pooler inside
  tiny_bert_trace_tuple.pt  the same, -> (last_hidden_state, pooler_output)
  text_script.pt            a scripted text encoder, (input_ids, attention_mask=None) -> [B, L, 24], in train mode
  vision_script.pt          a scripted convolutional network, (x) -> [B, 16], in train mode
  vision_trace.pt           the same weights, traced in eval mode
  mlp_dict_script.pt        (x, scale=1.0) -> {"hidden": [B, 8], "logits": [B, 3]}, in train mode
  networks.json             for each network: the names of its inputs and outputs in order, the kind of its result
                            (tensor, tuple or dict), the number of parameters, and two cases with inputs and outputs
                            in eval mode (an input of null: None, or leave it out)

Needs torch 2.11 and transformers 5. float32 values in the JSON have nine digits, which give back the same float32.
"""
import argparse
import os
import shutil
import sys
import warnings
from typing import Dict, Optional

import torch
from torch import Tensor, nn
from transformers import BertConfig, BertModel
from transformers.utils import logging

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from golden_files import plain, randomize, save_stripped, write_json  # noqa: E402

WORDS = """the of and to in is it you that he was for on are with as his they be at one have this or had by not but
what some we can out other were all there when up use your how said an each she which do their time if will way about
many then them write would like so these her long make thing see him two has look more day could go come did number no
most people my over than first water""".split()
PUNCTUATION = [".", ",", "!", "?", "'", "-", ":"]


# --- networks -------------------------------------------------------------------------------------------------------


class BertLastHidden(nn.Module):
    def __init__(self, bert):
        super().__init__()
        self.bert = bert

    def forward(self, input_ids, attention_mask):
        return self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state


class BertTuple(nn.Module):
    def __init__(self, bert):
        super().__init__()
        self.bert = bert

    def forward(self, input_ids, attention_mask):
        out = self.bert(input_ids=input_ids, attention_mask=attention_mask)
        return out.last_hidden_state, out.pooler_output


class TextBlock(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.linear = nn.Linear(width, width)
        self.dropout = nn.Dropout(0.1)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x + self.dropout(nn.functional.gelu(self.linear(x))))


class TextEncoder(nn.Module):
    """Adds the mean over the unmasked tokens to every token, so that the mask matters at every position."""

    def __init__(self, vocab: int = 160, width: int = 24):
        super().__init__()
        self.embedding = nn.Embedding(vocab, width)
        self.blocks = nn.ModuleList([TextBlock(width), TextBlock(width)])

    def forward(self, input_ids: Tensor, attention_mask: Optional[Tensor] = None) -> Tensor:
        x = self.embedding(input_ids)
        if attention_mask is None:
            mean = x.mean(dim=1, keepdim=True)
        else:
            mask = attention_mask.unsqueeze(-1).to(x.dtype)
            mean = (x * mask).sum(dim=1, keepdim=True) / mask.sum(dim=1, keepdim=True).clamp(min=1.0)
        x = x + mean
        for block in self.blocks:
            x = block(x)
        return x


class ResidualBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        if stride == 1 and inputs == outputs:
            self.downsample = nn.Identity()
        else:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return torch.relu(y + self.downsample(x))


class VisionNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.layer1 = nn.Sequential(ResidualBlock(8, 8, 1), ResidualBlock(8, 8, 1))
        self.layer2 = nn.Sequential(ResidualBlock(8, 16, 2), ResidualBlock(16, 16, 1))
        self.dropout = nn.Dropout(0.2)
        self.pool = nn.AdaptiveAvgPool2d(1)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.bn1(self.conv1(x)))
        x = self.layer2(self.layer1(x))
        return torch.flatten(self.pool(self.dropout(x)), 1)


class MlpDict(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(5, 8)
        self.fc2 = nn.Linear(8, 3)

    def forward(self, x: Tensor, scale: float = 1.0) -> Dict[str, Tensor]:
        hidden = torch.relu(self.fc1(x) * scale)
        return {"hidden": hidden, "logits": self.fc2(hidden)}


# --- helpers --------------------------------------------------------------------------------------------------------


def describe(reference, path, inputs, outputs, kind, cases, training):
    """Runs the cases on the eager reference and on the saved file, which must agree, and returns the JSON entry."""
    loaded = torch.jit.load(path)
    assert loaded.training == training, path
    loaded.eval()
    reference.eval()
    entry = {
        "file": os.path.basename(path),
        "inputs": inputs,
        "outputs": outputs,
        "kind": kind,
        "parameter_tensors": len(list(loaded.parameters())),
        "parameter_count": sum(p.numel() for p in loaded.parameters()),
        "training_mode_in_file": training,
        "cases": [],
    }
    with torch.no_grad():
        for case in cases:
            results = []
            for module in (reference, loaded, loaded, loaded):  # three runs: the optimizing executor changes its code
                result = module(*case)
                if kind == "dict":
                    assert sorted(result) == sorted(outputs)
                    result = tuple(result[name] for name in outputs)
                results.append((result,) if kind == "tensor" else result)
            for result in results[1:]:
                for a, b in zip(results[0], result, strict=True):
                    torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-6)
            entry["cases"].append({
                "inputs": {name: plain(value) for name, value in zip(inputs, case)},
                "outputs": {name: plain(value) for name, value in zip(outputs, results[0], strict=True)},
            })
    return entry


def padded_batch(generator, lengths, vocab=160):
    """[CLS] random ids [SEP], padded on the right with [PAD]; and the mask."""
    ids = torch.zeros(len(lengths), max(lengths), dtype=torch.int64)
    for row, length in enumerate(lengths):
        ids[row, :length] = torch.randint(5, vocab, (length,), generator=generator)
        ids[row, 0], ids[row, length - 1] = 2, 3
    return ids, (torch.arange(ids.shape[1]) < torch.tensor(lengths)[:, None]).to(torch.int64)


# --- files ----------------------------------------------------------------------------------------------------------


def make_tiny_bert(folder):
    config = BertConfig(vocab_size=160, hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
                        intermediate_size=64, max_position_embeddings=64, layer_norm_eps=1e-12, hidden_act="gelu",
                        initializer_range=0.15)
    shutil.rmtree(folder, ignore_errors=True)
    randomize(BertModel(config, add_pooling_layer=True), 0.15).save_pretrained(folder)
    os.chmod(os.path.join(folder, "model.safetensors"), 0o644)
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *("##" + c for c in letters),
             *(str(d) for d in range(10)), *PUNCTUATION]
    vocab += WORDS[: 160 - len(vocab)]
    assert len(vocab) == len(set(vocab)) == 160
    with open(os.path.join(folder, "vocab.txt"), "w") as file:
        file.write("\n".join(vocab) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out_dir")
    out = parser.parse_args().out_dir
    if os.environ.get("PYTHONHASHSEED") != "0":  # torch.jit.script writes some names in the order of a Python set
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "PYTHONHASHSEED": "0"})
    os.makedirs(out, exist_ok=True)
    path = lambda name: os.path.join(out, name)
    warnings.simplefilter("ignore")
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(5)
    networks = {}

    make_tiny_bert(path("tiny_bert"))
    text_cases = [padded_batch(generator, [9, 6, 3]), padded_batch(generator, [5])]
    example = padded_batch(generator, [7, 4])  # another shape than those of the cases
    names = ["input_ids", "attention_mask"]
    for name, wrapper, pooler, outputs in (
        ("tiny_bert_trace", BertLastHidden, False, ["last_hidden_state"]),
        ("tiny_bert_trace_tuple", BertTuple, True, ["last_hidden_state", "pooler_output"]),
    ):
        bert = BertModel.from_pretrained(path("tiny_bert"), add_pooling_layer=pooler, attn_implementation="sdpa")
        reference = wrapper(bert).eval()
        traced = torch.jit.trace(reference, example)
        save_stripped(traced, path(f"{name}.pt"))
        kind = "tensor" if len(outputs) == 1 else "tuple"
        more = [padded_batch(generator, lengths) for lengths in ([64, 30], [2], [4] * 11)]  # checked, not kept
        entry = describe(reference, path(f"{name}.pt"), names, outputs, kind, text_cases + more, False)
        entry["cases"] = entry["cases"][:2]
        networks[name] = entry

    text = randomize(TextEncoder(), 0.3)
    save_stripped(torch.jit.script(text.train()), path("text_script.pt"))
    cases = [text_cases[0], (text_cases[1][0], None)]
    networks["text_script"] = describe(text, path("text_script.pt"), names, ["hidden"], "tensor", cases, True)

    vision = randomize(VisionNet(), 0.2)
    save_stripped(torch.jit.script(vision.train()), path("vision_script.pt"))
    images = [(torch.randint(-200, 201, shape, generator=generator) / 100,) for shape in ((2, 3, 8, 8), (1, 3, 12, 9))]
    save_stripped(torch.jit.trace(vision.eval(), torch.zeros(3, 3, 10, 10)), path("vision_trace.pt"))
    for name in ("vision_script", "vision_trace"):
        networks[name] = describe(vision, path(f"{name}.pt"), ["x"], ["features"], "tensor", images, "script" in name)

    mlp = randomize(MlpDict(), 0.5)
    save_stripped(torch.jit.script(mlp.train()), path("mlp_dict_script.pt"))
    rows = lambda n: torch.randint(-200, 201, (n, 5), generator=generator) / 100
    networks["mlp_dict_script"] = describe(mlp, path("mlp_dict_script.pt"), ["x", "scale"], ["hidden", "logits"],
                                           "dict", [(rows(4), 1.0), (rows(2), 0.5)], True)
    write_json(path("networks.json"), networks)


if __name__ == "__main__":
    main()
