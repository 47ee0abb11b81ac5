"""Makes losses.json: focal losses written out in plain PyTorch, in float64, with their gradients by the logits.

    python make_losses.py OUT_DIR           (OUT_DIR is tests/golden)

classes   logits [N, C], labels [N], soft_targets [N, C] and class_weights [C]; for each gamma and kind of target the sum over rows
          of w_y (1 - p_y)^gamma (-log p_y), p the softmax of the logits; of soft targets t: sum_c t_c w_c (1 - p_c)^gamma (-log p_c).
labels    logits [N, C], labels [N, C] of zeros and ones, shares [N, C] between them and positive_weights [C]; for each gamma and kind
          the sum over all of t w (1 - q)^gamma (-log q) + (1 - t) q^gamma (-log(1 - q)), q the sigmoid of the logits.

Lin, Goyal, Girshick, He, Dollar: Focal loss for dense object detection, 2017, equation 4; the weights take the place of its alpha.
Needs torch 2.11.
"""
import argparse
import os

import torch

from golden_files import write_json

GAMMAS = (0.5, 1.0, 2.0, 5.0)


def focal_softmax(logits, targets, weights, gamma):
    p = logits.exp() / logits.exp().sum(1, keepdim=True)
    return (targets * weights * (1 - p) ** gamma * -p.log()).sum()


def focal_sigmoid(logits, targets, weights, gamma):
    q = 1 / (1 + (-logits).exp())
    return (targets * weights * (1 - q) ** gamma * -q.log() + (1 - targets) * q ** gamma * -(1 - q).log()).sum()


def describe(loss, logits, kinds, weights):
    """For each kind of targets, weighted and not, and each gamma: the sum and its gradient."""
    ones, described = torch.ones_like(weights), []
    for kind, targets in kinds.items():
        for weighted in (False, True):
            for gamma in GAMMAS:
                leaf = logits.clone().requires_grad_()
                total = loss(leaf, targets, weights if weighted else ones, gamma)
                total.backward()
                described.append({"targets": kind, "weighted": weighted, "gamma": gamma, "sum": total.item(),
                                  "gradient": leaf.grad.tolist()})
    return described


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out_dir")
    out = parser.parse_args().out_dir
    generator = torch.Generator().manual_seed(7)
    draw = lambda *shape: torch.rand(shape, generator=generator, dtype=torch.float64)
    rounded = lambda tensor: (tensor * 1e4).round() / 1e4
    rows, classes = 12, 4

    logits = rounded(draw(rows, classes) * 12 - 6)
    labels = torch.randint(classes, (rows,), generator=generator)
    hard = torch.nn.functional.one_hot(labels, classes).double()
    soft = (hard * 3 + torch.eye(classes, dtype=torch.float64)[(labels + 1) % classes]) / 4
    weights = rounded(draw(classes) * 3 + 0.2)
    of_classes = {"logits": logits.tolist(), "labels": labels.tolist(), "soft_targets": soft.tolist(), "class_weights": weights.tolist(),
                  "focal": describe(focal_softmax, logits, {"labels": hard, "soft_targets": soft}, weights)}

    logits = rounded(draw(rows, classes) * 12 - 6)
    truths = (draw(rows, classes) < 0.4).double()
    shares = rounded(draw(rows, classes))
    weights = rounded(draw(classes) * 3 + 0.2)
    of_labels = {"logits": logits.tolist(), "labels": truths.tolist(), "shares": shares.tolist(), "positive_weights": weights.tolist(),
                 "focal": describe(focal_sigmoid, logits, {"labels": truths, "shares": shares}, weights)}
    write_json(os.path.join(out, "losses.json"), {"classes": of_classes, "labels": of_labels})


if __name__ == "__main__":
    main()
