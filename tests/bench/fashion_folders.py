"""Writes subsets of Fashion-MNIST as folders of classes, for graft train: OUT/train/CLASS/*.png and OUT/test/CLASS/*.png.

    python fashion_folders.py OUT TRAIN TEST         (the first TRAIN and TEST records of numpy's RandomState(0).permutation of each part)

Reads Debian's dataset-fashion-mnist, or the folder that FASHION names. Needs numpy and pillow.
"""
import argparse
import gzip
import os

import numpy as np
from PIL import Image

CLASSES = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot")


def read(folder, name, skip):
    with gzip.open(os.path.join(folder, name + ".gz")) as file:
        return np.frombuffer(file.read(), np.uint8)[skip:]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("train", type=int)
    parser.add_argument("test", type=int)
    args = parser.parse_args()
    folder = os.environ.get("FASHION", "/usr/share/datasets/fashion-mnist")
    random = np.random.RandomState(0)
    for part, prefix, count in (("train", "train", args.train), ("test", "t10k", args.test)):
        images = read(folder, prefix + "-images-idx3-ubyte", 16).reshape(-1, 28, 28)
        labels = read(folder, prefix + "-labels-idx1-ubyte", 8)
        for index in random.permutation(len(images))[:count]:
            target = os.path.join(args.out, part, CLASSES[labels[index]])
            os.makedirs(target, exist_ok=True)
            Image.fromarray(images[index]).save(os.path.join(target, f"{index:05d}.png"))


if __name__ == "__main__":
    main()
