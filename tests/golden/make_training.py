"""Makes training.json: reference training runs in PyTorch, against which the tests compare graft.

    python make_training.py MODEL_DIR OUT_DIR [--attention eager]

MODEL_DIR holds MiniLM (config.json, model.safetensors of all-MiniLM-L6-v2). OUT_DIR is tests/golden: tiny_bert is read
from it, as make_networks.py left it, and training.json is written to it.

Every run: BertModel without its pooler and without dropout (eval mode), float32; mean over the unmasked tokens,
sum(h * mask) / sum(mask); a linear head of 5 classes with bias 0 and weight[i][j] = 0.01 * sin(i * hidden + j),
computed in float64 and rounded; loss = mean cross-entropy; ten steps, each on its own batch. One group holds all
parameters that train, biases and norms too. Learning rate of step s (0..9) = lr * factor(s):
  linear: (s + 1) / 3 when s < 3, else (10 - s) / 7
  cosine: 0.5 * (1 + cos(pi * s / 10))
Clipping is torch.nn.utils.clip_grad_norm_ over these parameters; "grad_norms" are the norms before it. Sequences of
one label draw from a dozen ids of their own, and label 0 is half of the tiny batches, so that ten steps have something
to learn and gradients are long enough to be clipped.

Needs torch 2.11 and transformers 5. float32 values have nine digits, which give back the same float32.
"""
import argparse
import json
import math
import os

import torch
from torch import nn
from transformers import BertModel
from transformers.utils import logging

CLASSES = 5
STEPS = 10
ADAMW = {"name": "adamw", "weight_decay": 0.01, "betas": [0.9, 0.999], "eps": 1e-8}
SGD = {"name": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 1e-4}
FACTORS = {
    "linear": lambda step: (step + 1) / 3 if step < 3 else (STEPS - step) / (STEPS - 3),
    "cosine": lambda step: 0.5 * (1 + math.cos(math.pi * step / STEPS)),
}
RUNS = {
    "tiny_adamw": dict(model="tiny_bert", batches="tiny", train="all", lr=1e-3, optimizer=ADAMW, schedule="linear",
                       clip_norm=1.0),
    "tiny_sgd": dict(model="tiny_bert", batches="tiny", train="all", lr=0.05, optimizer=SGD, schedule="cosine",
                     clip_norm=None),
    "tiny_adamw_last_layer": dict(model="tiny_bert", batches="tiny", train="encoder.layer.1.", lr=1e-3,
                                  optimizer=ADAMW, schedule="linear", clip_norm=1.0),
    "minilm_adamw": dict(model="minilm", batches="minilm", train="all", lr=5e-5, optimizer=ADAMW, schedule="linear",
                         clip_norm=1.0),
}


def nine_digits(value):
    return [nine_digits(v) for v in value] if isinstance(value, list) else float(f"{value:.9g}")


def make_batch(generator, labels, lengths, ids, cls, sep):
    """Right-padded sequences [CLS] ... [SEP]; label c draws from twelve ids spread over the c-th part of `ids`."""
    rows = len(labels)
    length = torch.randint(lengths[0], lengths[1] + 1, (rows,), generator=generator)
    input_ids = torch.zeros(rows, int(length.max()), dtype=torch.int64)
    part = (ids[1] - ids[0]) // CLASSES
    for row in range(rows):
        n, first = int(length[row]), ids[0] + part * labels[row]
        input_ids[row, :n] = first + torch.randint(0, 12, (n,), generator=generator) * (part // 12)
        input_ids[row, 0], input_ids[row, n - 1] = cls, sep
    mask = (torch.arange(input_ids.shape[1]) < length[:, None]).to(torch.int64)
    return {"input_ids": input_ids, "attention_mask": mask, "labels": torch.tensor(labels)}


def load_bert(folder, attention):
    return BertModel.from_pretrained(folder, add_pooling_layer=False, attn_implementation=attention).eval()


def make_head(width):
    index = torch.arange(CLASSES * width, dtype=torch.float64).reshape(CLASSES, width)
    head = nn.Linear(width, CLASSES)
    with torch.no_grad():
        head.weight.copy_(0.01 * torch.sin(index))
        head.bias.zero_()
    return head


def train(bert, batches, run):
    """Returns the JSON entry: the settings and what was measured."""
    head = make_head(bert.config.hidden_size)
    for name, parameter in bert.named_parameters():
        parameter.requires_grad_(run["train"] == "all" or name.startswith(run["train"]))
    parameters = [p for p in [*bert.parameters(), *head.parameters()] if p.requires_grad]
    options = {key: value for key, value in run["optimizer"].items() if key != "name"}
    make = {"adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}[run["optimizer"]["name"]]
    optimizer = make(parameters, lr=run["lr"], **options)
    losses, rates, norms = [], [], []
    for step, batch in enumerate(batches):
        rates.append(run["lr"] * FACTORS[run["schedule"]](step))
        optimizer.param_groups[0]["lr"] = rates[-1]
        hidden = bert(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).last_hidden_state
        mask = batch["attention_mask"].unsqueeze(-1).to(hidden.dtype)
        logits = head((hidden * mask).sum(1) / mask.sum(1))
        loss = nn.functional.cross_entropy(logits, batch["labels"])
        optimizer.zero_grad()
        loss.backward()
        limit = run["clip_norm"] if run["clip_norm"] is not None else math.inf
        norms.append(nn.utils.clip_grad_norm_(parameters, limit).item())
        optimizer.step()
        losses.append(loss.item())
    count = sum(p.numel() for p in parameters)
    return {**run, "trained_parameters": count, "losses": nine_digits(losses), "learning_rates": rates,
            "grad_norms": nine_digits(norms)}


def minilm_outputs(bert, generator):
    """Eval outputs for one padded batch of three: both ends of the channels at the real positions, and the sum."""
    batch = make_batch(generator, [0, 2, 4], (6, 14), (1000, 20000), 101, 102)
    ids, mask = batch["input_ids"], batch["attention_mask"]
    with torch.no_grad():
        hidden = bert(input_ids=ids, attention_mask=mask).last_hidden_state
    rows = [hidden[row, : int(mask[row].sum())] for row in range(3)]
    return {
        "input_ids": ids.tolist(),
        "attention_mask": mask.tolist(),
        "first_six": [nine_digits(row[:, :6].tolist()) for row in rows],
        "last_six": [nine_digits(row[:, -6:].tolist()) for row in rows],
        "sum_abs_real_positions": sum(row.double().abs().sum().item() for row in rows),
        "sum_abs_all_positions": hidden.double().abs().sum().item(),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model_dir")
    parser.add_argument("out_dir")
    parser.add_argument("--attention", default="sdpa", choices=["sdpa", "eager"])
    args = parser.parse_args()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    generator = torch.Generator().manual_seed(23)
    folders = {"tiny_bert": os.path.join(args.out_dir, "tiny_bert"), "minilm": args.model_dir}
    batches = {
        "tiny": [make_batch(generator, [0, 0, 0, 1, 2, 3 + step % 2], (4, 12), (5, 160), 2, 3)
                 for step in range(STEPS)],
        "minilm": [make_batch(generator, [(row + step) % 5 for row in range(8)], (5, 20), (1000, 20000), 101, 102)
                   for step in range(STEPS)],
    }
    result = {
        "batches": {name: [{k: v.tolist() for k, v in batch.items()} for batch in some]
                    for name, some in batches.items()},
        "minilm_outputs": minilm_outputs(load_bert(folders["minilm"], args.attention), generator),
        "runs": {},
    }
    for name, run in RUNS.items():
        entry = train(load_bert(folders[run["model"]], args.attention), batches[run["batches"]], run)
        result["runs"][name] = entry
        print(name, entry["trained_parameters"], "parameters, losses", *(f"{loss:.6f}" for loss in entry["losses"]))
    with open(os.path.join(args.out_dir, "training.json"), "w") as file:
        json.dump(result, file, allow_nan=False, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
