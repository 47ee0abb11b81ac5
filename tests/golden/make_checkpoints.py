"""Makes small networks in the forms in which people meet TorchScript files, and what they give in eval and in train mode.

    python make_checkpoints.py OUT_DIR          (OUT_DIR is tests/golden/checkpoints)

Each of six networks (resnet, mobilenet, vit, bert, lstm, functional) in four forms:
  NAME_script.pt        torch.jit.script, in train mode
  NAME_trace_eval.pt    torch.jit.trace of the network in eval mode
  NAME_trace_train.pt   torch.jit.trace of the network in train mode
  NAME_frozen.pt        torch.jit.freeze of the scripted network in eval mode
and one file for each other thing that may be wrong with one:
  vit_fused.pt          traced without gradients, so that the encoder's fused inference kernel is recorded
  detach.pt             the gradient stops in the middle; one layer is used by nothing
  fixed.pt              the batch size is recorded as a number
  stateful.pt           keeps its last state, with a method that clears it
  tied.pt               embedding and output layer share a weight; half of the parameters do not require gradients
  half.pt, quantized.pt weights of 16 bits; linear layers with packed weights of 8 bits
  whole.pt              a convolutional network of 3 channels with a classifier of 5 classes and two outputs in a dictionary
checkpoints.json        for each network: inputs, outputs in eval mode, outputs in train mode after torch.manual_seed(3), and the running
                        mean of its first batch norm after that step, all of the scripted network run by Python

Needs torch 2.11. float32 values have nine digits, which give back the same float32.
"""
import argparse
import copy
import os
import sys
import warnings
from typing import Dict, Optional, Tuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from golden_files import plain, randomize, save_stripped, write_json  # noqa: E402


class BasicBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return self.relu(y + self.downsample(x))


class ResNet(nn.Module):
    def __init__(self, classes: int = 5):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.relu = nn.ReLU(inplace=True)
        self.layer1 = nn.Sequential(BasicBlock(8, 8, 1), BasicBlock(8, 8, 1))
        self.layer2 = nn.Sequential(BasicBlock(8, 16, 2))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(0.2)
        self.fc = nn.Linear(16, classes)

    def features(self, x: Tensor) -> Tensor:
        x = self.layer1(self.relu(self.bn1(self.conv1(x))))
        return self.layer2(x)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.flatten(self.avgpool(self.features(x)), 1)
        return self.fc(self.dropout(x))


class InvertedResidual(nn.Module):
    def __init__(self, width: int, inner: int):
        super().__init__()
        self.expand = nn.Sequential(nn.Conv2d(width, inner, 1, bias=False), nn.BatchNorm2d(inner), nn.Hardswish(inplace=True))
        self.depthwise = nn.Sequential(nn.Conv2d(inner, inner, 3, 1, 1, groups=inner, bias=False), nn.BatchNorm2d(inner), nn.ReLU6())
        self.squeeze = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(inner, 4, 1), nn.ReLU(), nn.Conv2d(4, inner, 1), nn.Hardsigmoid())
        self.project = nn.Sequential(nn.Conv2d(inner, width, 1, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        y = self.depthwise(self.expand(x))
        return x + self.project(y * self.squeeze(y))


class MobileNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.Hardswish())
        self.blocks = nn.Sequential(InvertedResidual(8, 16), InvertedResidual(8, 16))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(8, 5))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.blocks(self.stem(x)).mean(dim=[2, 3]))


class ViT(nn.Module):
    def __init__(self, width: int = 16):
        super().__init__()
        self.patches = nn.Conv2d(3, width, 4, 4)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(torch.zeros(1, 5, width))
        layer = nn.TransformerEncoderLayer(width, 2, 32, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(x.size(0), -1, -1), x], 1) + self.positions
        return self.head(self.norm(self.encoder(x)[:, 0]))


class BertLayer(nn.Module):
    def __init__(self, width: int, heads: int, dropout: float):
        super().__init__()
        self.heads = heads
        self.rate = dropout
        self.query, self.key, self.value = nn.Linear(width, width), nn.Linear(width, width), nn.Linear(width, width)
        self.output = nn.Linear(width, width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.inner, self.outer = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.dropout = nn.Dropout(dropout)

    def split(self, x: Tensor) -> Tensor:
        return x.view(x.size(0), x.size(1), self.heads, -1).transpose(1, 2)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        q, k, v = self.split(self.query(x)), self.split(self.key(x)), self.split(self.value(x))
        y = F.scaled_dot_product_attention(q, k, v, mask, dropout_p=self.rate if self.training else 0.0)
        y = y.transpose(1, 2).reshape(x.size(0), x.size(1), -1)
        x = self.norm1(x + self.dropout(self.output(y)))
        return self.norm2(x + self.dropout(self.outer(F.gelu(self.inner(x)))))


class Bert(nn.Module):
    def __init__(self, width: int = 16):
        super().__init__()
        self.words = nn.Embedding(40, width)
        self.places = nn.Embedding(32, width)
        self.layers = nn.ModuleList([BertLayer(width, 2, 0.1) for _ in range(2)])

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        x = self.words(input_ids) + self.places(torch.arange(input_ids.size(1), device=input_ids.device))
        mask = attention_mask.to(torch.bool)[:, None, None, :]
        for layer in self.layers:
            x = layer(x, mask)
        return x


class Lstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(40, 12)
        self.lstm = nn.LSTM(12, 10, num_layers=2, dropout=0.2, bidirectional=True, batch_first=True)
        self.fc = nn.Linear(20, 5)

    def forward(self, input_ids: Tensor) -> Tensor:
        return self.fc(self.lstm(self.words(input_ids))[0].mean(1))


class Functional(nn.Module):
    def __init__(self):
        super().__init__()
        self.kernel = nn.Parameter(torch.zeros(8, 3, 3, 3))
        self.weight, self.bias = nn.Parameter(torch.zeros(5, 8)), nn.Parameter(torch.zeros(5))
        self.bn_weight, self.bn_bias = nn.Parameter(torch.ones(8)), nn.Parameter(torch.zeros(8))
        self.register_buffer("running_mean", torch.zeros(8))
        self.register_buffer("running_var", torch.ones(8))

    def forward(self, x: Tensor) -> Tensor:
        x = F.conv2d(x, self.kernel, stride=2)
        x = F.relu(F.batch_norm(x, self.running_mean, self.running_var, self.bn_weight, self.bn_bias, self.training))
        return F.linear(F.dropout(x.mean([2, 3]), 0.2, self.training), self.weight, self.bias)


class Detach(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.unused = nn.Linear(4, 8), nn.Linear(8, 3), nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(torch.relu(self.first(x)).detach())


class Fixed(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x.reshape(int(x.shape[0]), 6))


class Stateful(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell, self.fc = nn.GRUCell(4, 6), nn.Linear(6, 2)
        self.last = torch.zeros(0)

    @torch.jit.export
    def reset_states(self):
        self.last = torch.zeros(0)

    def forward(self, x: Tensor) -> Tensor:
        if self.last.numel() == 0:
            self.last = torch.zeros(x.size(0), 6)
        self.last = self.cell(x, self.last)
        return self.fc(self.last)


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.hidden, self.out = nn.Embedding(20, 8), nn.Linear(8, 8), nn.Linear(8, 20, bias=False)
        self.out.weight = self.words.weight
        self.hidden.requires_grad_(False)

    def forward(self, input_ids: Tensor) -> Tensor:
        return self.out(torch.tanh(self.hidden(self.words(input_ids))))


class Whole(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = ResNet(5)

    def forward(self, x: Tensor) -> Dict[str, Tensor]:
        hidden = torch.flatten(self.net.avgpool(self.net.features(x)), 1)
        return {"hidden": hidden, "logits": self.net.fc(hidden)}


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(6, 8), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(torch.relu(self.first(x)))


def images(generator, *shape):
    return (torch.randint(-200, 201, shape, generator=generator) / 100,)


def ids(generator, *shape):
    return (torch.randint(0, 40, shape, generator=generator),)


def masked_ids(generator, rows, length):
    mask = torch.ones(rows, length, dtype=torch.int64)
    mask[-1, length // 2:] = 0
    return ids(generator, rows, length)[0], mask


def freeze(network):
    return torch.jit.freeze(torch.jit.script(copy.deepcopy(network).eval()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out_dir")
    out = parser.parse_args().out_dir
    if os.environ.get("PYTHONHASHSEED") != "0":  # torch.jit.script writes some names in the order of a Python set
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "PYTHONHASHSEED": "0"})
    os.makedirs(out, exist_ok=True)
    path = lambda name: os.path.join(out, name + ".pt")
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(5)
    described = {}
    for name, network, case, example in (
        ("resnet", ResNet(), images(generator, 3, 3, 12, 12), images(generator, 2, 3, 10, 10)),
        ("mobilenet", MobileNet(), images(generator, 3, 3, 12, 12), images(generator, 2, 3, 10, 10)),
        ("vit", ViT(), images(generator, 3, 3, 8, 8), images(generator, 2, 3, 8, 8)),
        ("bert", Bert(), masked_ids(generator, 3, 7), masked_ids(generator, 2, 5)),
        ("lstm", Lstm(), ids(generator, 3, 7), ids(generator, 2, 5)),
        ("functional", Functional(), images(generator, 3, 3, 9, 9), images(generator, 2, 3, 8, 8)),
    ):
        randomize(network, 0.3)
        scripted = torch.jit.script(copy.deepcopy(network).train())
        save_stripped(scripted, path(name + "_script"))
        save_stripped(torch.jit.trace(copy.deepcopy(network).eval(), example, check_trace=False), path(name + "_trace_eval"))
        traced = torch.jit.trace(copy.deepcopy(network).train(), example, check_trace=False)
        traced.load_state_dict(network.state_dict())  # the run of the trace moved statistics
        save_stripped(traced, path(name + "_trace_train"))
        save_stripped(freeze(network), path(name + "_frozen"))
        if name == "vit":
            with torch.no_grad():
                save_stripped(torch.jit.trace(copy.deepcopy(network).eval(), example), path("vit_fused"))
        entry = {"inputs": [plain(value) for value in case], "parameters": sum(p.numel() for p in network.parameters())}
        entry["eval"] = plain(network.eval()(*case).detach())  # with gradients on: the encoder's path that trains
        torch.manual_seed(3)
        entry["train"] = plain(scripted(*case).detach())
        means = [value for key, value in scripted.named_buffers() if key.endswith("running_mean")]
        entry["running_mean"] = plain(means[0]) if means else None
        described[name] = entry

    script = lambda network: torch.jit.script(randomize(network, 0.3).eval())
    save_stripped(script(Detach()), path("detach"))
    save_stripped(torch.jit.trace(randomize(Fixed(), 0.3).eval(), torch.zeros(2, 2, 3)), path("fixed"))
    save_stripped(script(Stateful()), path("stateful"))
    save_stripped(script(Tied()), path("tied"))
    save_stripped(script(Whole()), path("whole"))
    save_stripped(script(Mlp()).half(), path("half"))
    save_stripped(torch.jit.script(torch.ao.quantization.quantize_dynamic(randomize(Mlp(), 0.3).eval(), {nn.Linear})), path("quantized"))
    write_json(os.path.join(out, "checkpoints.json"), described)


if __name__ == "__main__":
    main()
