"""Makes clipping.json: gradients before and after clipping, in float64, from PyTorch and from the definition.

    python make_clipping.py OUT_DIR           (OUT_DIR is tests/golden)

"weights" and "gradients" are those of a linear layer [3, 4] and its bias, a convolution [2, 2, 1, 3], a scalar, and an embedding [5, 2]
of which the rows "rows" have a gradient. One filter of the convolution starts at 0, and one row of the linear layer has no gradient.
"norm" is the joint norm before. Every run has a kind, a limit and the gradients "after":

    norm      torch.nn.utils.clip_grad_norm_; the larger limit changes nothing
    values    torch.nn.utils.clip_grad_value_
    adaptive  equation 3 of Brock et al. (2021), number by number: the unit-wise G_i becomes limit * max(|W_i|, 1e-3) / |G_i| * G_i where
              |G_i| / max(|W_i|, 1e-3) > limit

Needs torch 2.11.
"""
import argparse
import math
import os

import torch
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

from golden_files import plain, write_json

SHAPES = [(3, 4), (3,), (2, 2, 1, 3), (), (5, 2)]
ROWS = [1, 4]
RUNS = [("norm", 0.5), ("norm", 50.0), ("values", 0.3), ("adaptive", 0.1), ("adaptive", 1.0)]


def draw(generator, shape):
    return torch.tensor(torch.randn(shape, generator=generator, dtype=torch.float64).mul(1000).round().tolist(), dtype=torch.float64) / 1000


def length(numbers):
    return math.sqrt(sum(number * number for number in numbers))


def clip_unit(weights, gradients, limit):
    allowed = max(length(weights), 1e-3) * limit
    before = length(gradients)
    return [g * allowed / before for g in gradients] if before > allowed else gradients


def clip_adaptively(weight, gradient, limit):
    if weight.dim() < 2:
        units = [clip_unit(weight.flatten().tolist(), gradient.flatten().tolist(), limit)]
    else:
        units = [clip_unit(w.flatten().tolist(), g.flatten().tolist(), limit) for w, g in zip(weight, gradient)]
    return torch.tensor(units, dtype=torch.float64).reshape(gradient.shape)


def clip(kind, limit, weights, gradients):
    if kind == "adaptive":
        return [clip_adaptively(w, g, limit) for w, g in zip(weights, gradients)]
    parameters = [torch.nn.Parameter(w.clone()) for w in weights]
    for parameter, gradient in zip(parameters, gradients):
        parameter.grad = gradient.clone()
    {"norm": clip_grad_norm_, "values": clip_grad_value_}[kind](parameters, limit)
    return [parameter.grad for parameter in parameters]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out_dir")
    args = parser.parse_args()
    generator = torch.Generator().manual_seed(31)
    weights = [draw(generator, shape) for shape in SHAPES]
    gradients = [draw(generator, shape) for shape in SHAPES]
    weights[2][0] = 0
    gradients[0][1] = 0
    gradients[2][1] *= 0.125  # within some limits
    for row in set(range(SHAPES[4][0])) - set(ROWS):
        gradients[4][row] = 0
    runs = [{"kind": kind, "limit": limit, "after": [plain(g) for g in clip(kind, limit, weights, gradients)]} for kind, limit in RUNS]
    norm = length([number for g in gradients for number in g.flatten().tolist()])
    write_json(os.path.join(args.out_dir, "clipping.json"),
               {"weights": [plain(w) for w in weights], "gradients": [plain(g) for g in gradients], "rows": ROWS, "norm": norm, "runs": runs})


if __name__ == "__main__":
    main()
