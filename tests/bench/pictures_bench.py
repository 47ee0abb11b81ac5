"""What pictures_bench measures, by PIL and numpy on one thread.

    python pictures_bench.py FOLDER
"""
import pathlib
import sys
import time

import numpy as np
from PIL import Image

MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)


def scaled(image):
    return (np.asarray(image, np.float32) / 255 - MEAN) / STD


def decoded(path):
    return np.asarray(Image.open(path).convert("RGB"))


def stretched(path):
    return scaled(Image.open(path).convert("RGB").resize((416, 320), Image.Resampling.BILINEAR))


def cut(path):
    image = Image.open(path).convert("RGB")
    w, h = image.size
    image = image.resize((256, 256 * h // w) if w <= h else (256 * w // h, 256), Image.Resampling.BILINEAR)
    left, top = (image.width - 224) // 2, (image.height - 224) // 2
    return scaled(image.crop((left, top, left + 224, top + 224)))


def main():
    paths = sorted(pathlib.Path(sys.argv[1]).iterdir())[:150]
    for what, work in [("decoded", decoded), ("stretched to 416 x 320", stretched), ("cut to 224 x 224", cut)]:
        best = 1e9
        for _ in range(3):
            start = time.perf_counter()
            for path in paths:
                work(path)
            best = min(best, time.perf_counter() - start)
        print(f"{what:24} {len(paths) / best:7.0f} pictures a second")


if __name__ == "__main__":
    main()
