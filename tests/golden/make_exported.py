"""Makes small files of torch.export, of the networks of make_checkpoints.py, and what Python gets from them.

    python make_exported.py OUT_DIR          (OUT_DIR is tests/golden/exported)

  NAME.pt2              exported in eval mode, batch size and length left open
  resnet_train.pt2      exported in train mode: training flags and updates of statistics are in the graph
  resnet_core.pt2       the same, decomposed to core operators: statistics are outputs
  bert_fixed.pt2        every size a number
  bert_bf16.pt2         weights of 16 bits
  pair.pt2              two inputs, a number, two outputs; one module called twice
  branch.pt2            torch.cond, which is refused
exported.json           for each: inputs, outputs, and the sum of the absolute gradient of mean(output^2) for each parameter

Needs torch 2.11; without it the script makes a virtual environment of its own. float32 values have nine digits."""
import io
import json
import os
import subprocess
import sys
import venv
import warnings
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)


def ensure_torch():
    try:
        import torch  # noqa: F401
    except ImportError:
        folder = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "graft", "golden")
        python = os.path.join(folder, "bin", "python")
        if sys.executable == python:
            raise
        if not os.path.exists(python):
            venv.create(folder, with_pip=True)
            wheels = ["torch==2.11.0", "nvidia-cuda-runtime==13.0.*", "nvidia-cuda-cupti==13.0.*"]
            subprocess.run([python, "-m", "pip", "-q", "install", "--no-deps", *wheels], check=True)
            subprocess.run([python, "-m", "pip", "-q", "install", "numpy", "filelock", "typing-extensions", "sympy", "networkx", "jinja2", "fsspec", "setuptools"], check=True)
        os.execv(python, [python, *sys.argv])


ensure_torch()
import torch  # noqa: E402
from torch import nn  # noqa: E402

import make_checkpoints as networks  # noqa: E402
from golden_files import plain, randomize, write_json  # noqa: E402


class Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.shared, self.second = nn.Linear(6, 6), nn.Linear(6, 3)

    def forward(self, left, right, scale: int):
        left, right = torch.relu(self.shared(left)), torch.relu(self.shared(right)) * scale
        return {"scores": self.second(left - right), "distance": (left - right).square().sum(1)}


class Branch(nn.Module):
    def forward(self, x):
        return torch.cond(x.sum() > 0, lambda v: v.sin(), lambda v: v.cos(), (x,))


def keep_module_stacks(value):
    """Of the metadata of all nodes, those of graphs within graphs too."""
    if isinstance(value, list):
        for element in value:
            keep_module_stacks(element)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key == "metadata" and isinstance(inner, dict):
                value[key] = {name: text for name, text in inner.items() if name == "nn_module_stack"}
            else:
                keep_module_stacks(inner)


def save(program, path):
    """torch.export.save without stack traces, which hold paths of this machine, the example's tensors and the shapes of
    values in between."""
    full = io.BytesIO()
    torch.export.save(program, full)
    with zipfile.ZipFile(full) as source, zipfile.ZipFile(path, "w") as target:
        for old in source.infolist():
            data = source.read(old)
            if "/data/sample_inputs/" in old.filename or "/extra/" in old.filename:
                continue
            if old.filename.endswith("serialization_id"):
                data = b"0" * 40
            if old.filename.endswith("/models/model.json"):
                model = json.loads(data)
                keep_module_stacks(model)
                model.pop("guards_code", None)
                graph = model["graph_module"]["graph"]
                given = {entry["as_tensor"]["name"] for entry in graph["inputs"] if "as_tensor" in entry}
                graph["tensor_values"] = {name: value for name, value in graph["tensor_values"].items() if name in given and not name.startswith(("p_", "b_"))}
                data = json.dumps(model, separators=(",", ":")).encode()
            name = "archive/" + old.filename.split("/", 1)[1]
            target.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_STORED)


def gradients(network, outputs):
    network.zero_grad()
    first = next(iter(outputs.values())) if isinstance(outputs, dict) else outputs
    first.float().pow(2).mean().backward()
    return {name: plain(p.grad.float().abs().sum()) if p.grad is not None else None for name, p in network.named_parameters()}


def described(network, case):
    torch.manual_seed(3)  # dropout, in train mode
    outputs = network(*case)
    given = {name: plain(value.detach().float()) for name, value in (outputs.items() if isinstance(outputs, dict) else [("output", outputs)])}
    return {"inputs": [plain(value) for value in case if isinstance(value, torch.Tensor)], "outputs": given, "gradients": gradients(network, outputs)}


def main():
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(5)
    path = lambda name: os.path.join(out, name + ".pt2")
    batch, auto = {0: torch.export.Dim.AUTO}, {0: torch.export.Dim.AUTO, 1: torch.export.Dim.AUTO}
    images, ids = networks.images, networks.ids
    found = {}
    for name, network, case, example, dims in (
        ("resnet", networks.ResNet(), images(generator, 3, 3, 12, 12), images(generator, 2, 3, 12, 12), (batch,)),
        ("mobilenet", networks.MobileNet(), images(generator, 3, 3, 12, 12), images(generator, 2, 3, 12, 12), (batch,)),
        ("vit", networks.ViT(), images(generator, 3, 3, 8, 8), images(generator, 2, 3, 8, 8), (batch,)),
        ("bert", networks.Bert(), networks.masked_ids(generator, 3, 7), networks.masked_ids(generator, 2, 5), (auto, auto)),
        ("lstm", networks.Lstm(), ids(generator, 3, 7), ids(generator, 2, 5), (auto,)),
        ("whole", networks.Whole(), images(generator, 3, 3, 12, 12), images(generator, 2, 3, 12, 12), (batch,)),
    ):
        network = randomize(network, 0.3).eval()
        save(torch.export.export(network, example, dynamic_shapes=dims), path(name))
        found[name] = described(network, case)
        if name == "resnet":
            network.train()
            program = torch.export.export(network, example, dynamic_shapes=dims)
            save(program, path("resnet_train"))
            save(program.run_decompositions(), path("resnet_core"))
            found["resnet_train"] = described(network, case)
        if name == "bert":
            save(torch.export.export(network, example), path("bert_fixed"))
            half = network.bfloat16()
            save(torch.export.export(half, example, dynamic_shapes=dims), path("bert_bf16"))
            found["bert_bf16"] = described(half, case)
    pair = randomize(Pair(), 0.3).eval()
    case = (images(generator, 4, 6)[0], images(generator, 4, 6)[0], 3)
    save(torch.export.export(pair, case, dynamic_shapes=(batch, batch, None)), path("pair"))
    found["pair"] = described(pair, case)
    save(torch.export.export(Branch(), (torch.ones(3),)), path("branch"))
    write_json(os.path.join(out, "exported.json"), found)


if __name__ == "__main__":
    main()
