"""Makes fcos.json: what torchvision's FCOS assigns, loses and answers on small grids, in float64.

    python make_fcos.py OUT_DIR           (OUT_DIR is tests/golden)

Two pictures of 64 x 96 pixels, grids of 8, 16 and 32 pixels whose places are the middles of their cells (torchvision's own anchors lie at
their corners; its functions take any), three classes.
objects    for each picture: boxes [M, 4] and labels [M]
places     for each picture: the class of every place or -1, and for places of objects the four sides in strides
losses     the sums over places: focal loss of the classes, 1 - GIoU, binary cross-entropy of the centerness; inputs beside them
answers    boxes, scores and labels after suppression, best first

Tian, Shen, Chen, He: FCOS: Fully Convolutional One-Stage Object Detection, 2019.
Needs torch 2.11, torchvision 0.26.
"""
import argparse
import os

import torch
from torch import nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.fcos import FCOS, FCOSHead

from golden_files import write_json

H, W, STRIDES, CLASSES = 64, 96, (8, 16, 32), 3
OBJECTS = [
    ([[5, 6, 30, 28], [8, 4, 60, 62], [70, 40, 95, 63], [40, 10, 47, 17]], [0, 1, 2, 0]),
    ([[0, 0, 96, 64], [33, 20, 80, 55]], [2, 1]),
]


def anchors():
    parts = []
    for s in STRIDES:
        y, x = torch.meshgrid(torch.arange(H // s) + 0.5, torch.arange(W // s) + 0.5, indexing="ij")
        c = torch.stack([x, y], -1).view(-1, 2).double() * s
        parts.append(torch.cat([c - s / 2, c + s / 2], 1))
    return parts


class Backbone(nn.Module):
    out_channels = 32


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    out = parser.parse_args().out
    torch.manual_seed(3)
    sizes = tuple((s,) for s in STRIDES)
    net = FCOS(Backbone(), CLASSES, anchor_generator=AnchorGenerator(sizes, ((1.0,),) * 3), head=FCOSHead(32, 1, CLASSES, 1),
               score_thresh=0.05, nms_thresh=0.6, detections_per_img=100)
    levels = anchors()
    counts, places = [len(a) for a in levels], torch.cat(levels)
    head = dict(cls_logits=torch.randn(2, len(places), CLASSES).double() * 2 - 1, bbox_regression=(torch.rand(2, len(places), 4) * 3).double(),
                bbox_ctrness=torch.randn(2, len(places), 1).double())
    targets = [dict(boxes=torch.tensor(b).double(), labels=torch.tensor(l)) for b, l in OBJECTS]
    matched = {}
    inner = net.head.compute_loss
    net.head.compute_loss = lambda t, h, a, m: (matched.update(m=m), inner(t, h, a, m))[1]
    losses = net.compute_loss(targets, head, [places, places], counts)
    objects = sum(int((m >= 0).sum()) for m in matched["m"])
    described = []
    for target, match in zip(targets, matched["m"]):
        rows = []
        center, size = (places[:, :2] + places[:, 2:]) / 2, places[:, 2:] - places[:, :2]
        for i, m in enumerate(match.tolist()):
            if m < 0:
                continue
            box = target["boxes"][m]
            sides = torch.cat([center[i] - box[:2], box[2:] - center[i]]) / size[i, 0]
            rows.append([i, int(target["labels"][m])] + sides.tolist())
        described.append(rows)
    split = {k: list(v.split(counts, 1)) for k, v in head.items()}
    answers = net.postprocess_detections(split, [levels, levels], [(H, W)] * 2)
    write_json(os.path.join(out, "fcos.json"), {
        "objects": [{"boxes": b, "labels": l} for b, l in OBJECTS], "places": described,
        "inputs": {"class_logits": head["cls_logits"].tolist(), "sides": head["bbox_regression"].tolist(),
                   "center_logits": head["bbox_ctrness"][..., 0].tolist()},
        "losses": {"class": float(losses["classification"]) * objects, "box": float(losses["bbox_regression"]) * objects,
                   "center": float(losses["bbox_ctrness"]) * objects, "objects": objects},
        "answers": [{k: v.tolist() for k, v in a.items()} for a in answers]})


if __name__ == "__main__":
    main()
