"""Writes pictures/: small files of every kind that graft reads, drawn here, and pictures.json: what PIL makes of them.

    python make_pictures.py [BCCD] > pictures.json      (needs pillow before 13 and numpy; run in this folder)

Pillow 13 resizes columns before rows where that is less work, and so rounds otherwise. BCCD is the folder JPEGImages of that data set:
of its files only sums are written. Pixels are written as hexadecimal digits, row by row.
"""
import io
import json
import pathlib
import struct
import sys
import zlib

import numpy as np
import PIL
from PIL import Image, ImageEnhance, ImageOps

HERE = pathlib.Path(__file__).parent / "pictures"
FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def drawn(height, width, seed=0):
    """Smooth colours, a hard edge and some noise."""
    y, x = np.mgrid[0:height, 0:width]
    noise = np.random.default_rng(seed).integers(0, 40, (height, width, 3))
    waves = np.stack([127 + 120 * np.sin(x / 3), 127 + 120 * np.cos(y / 4), 127 + 120 * np.sin((x + y) / 5)], 2)
    waves[height // 3:, : width // 3] = [250, 10, 60]
    return np.clip(waves + noise - 20, 0, 255).astype(np.uint8)


def entry(image):
    pixels = np.asarray(image.convert("RGB"))
    return {"height": pixels.shape[0], "width": pixels.shape[1], "pixels": pixels.tobytes().hex()}


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(height, width, depth, colour, rows, extra=b""):
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    data = b"".join(b"\0" + row for row in rows)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def files():
    """Name, content, and what PIL makes of it (None: ask PIL)."""
    rgb = Image.fromarray(drawn(13, 19))
    grey = rgb.convert("L")

    def saved(image, kind, **options):
        out = io.BytesIO()
        image.save(out, kind, **options)
        return out.getvalue()

    yield "colour.jpg", saved(rgb, "JPEG", quality=90), None
    yield "progressive.jpg", saved(rgb, "JPEG", quality=80, progressive=True, subsampling="4:4:4"), None
    yield "grey.jpg", saved(grey, "JPEG"), None
    cmyk = saved(rgb.convert("CMYK"), "JPEG", quality=95)
    yield "cmyk.jpg", cmyk, None
    mark = cmyk.index(b"Adobe") + 11  # its last byte says how colours are stored: 2 is YCCK
    yield "ycck.jpg", cmyk[:mark] + b"\2" + cmyk[mark + 1:], None
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        small = rgb.crop((0, 0, 9, 6))
        yield f"turned_{orientation}.jpg", saved(small, "JPEG", quality=95, exif=exif), None
    exif = Image.Exif()
    exif[0x0112] = 6
    yield "turned.png", saved(rgb, "PNG", exif=exif), None
    alpha = Image.fromarray(drawn(13, 19, 1)).convert("L")
    rgba = rgb.copy()
    rgba.putalpha(alpha)
    yield "rgb.png", saved(rgb, "PNG"), None
    yield "rgba.png", saved(rgba, "PNG"), None
    yield "grey.png", saved(grey, "PNG"), None
    yield "grey_alpha.png", saved(Image.merge("LA", (grey, alpha)), "PNG"), None
    palette = rgb.quantize(17)
    yield "palette.png", saved(palette, "PNG"), None
    yield "palette_2_bits.png", saved(rgb.quantize(4), "PNG", bits=2), None
    yield "palette_transparent.png", saved(palette, "PNG", transparency=bytes(range(17))), None
    yield "bits.png", saved(rgb.convert("1"), "PNG"), None
    wide = np.random.default_rng(2).integers(0, 65536, (13, 19, 3)).astype(">u2")
    # PIL does not read 16 bits of grey as a picture; its three colours are what it keeps of 16 bits.
    yield "wide.png", png(13, 19, 16, 2, [row.tobytes() for row in wide]), Image.fromarray((wide >> 8).astype(np.uint8))
    yield "wide_grey.png", png(13, 19, 16, 0, [row[:, 0].tobytes() for row in wide]), Image.fromarray((wide[:, :, 0] >> 8).astype(np.uint8))
    four = np.random.default_rng(3).integers(0, 256, (13, 10)).astype(np.uint8)
    nibbles = np.stack([four >> 4, four & 15], 2).reshape(13, 20)[:, :19]
    yield "grey_4_bits.png", png(13, 19, 4, 0, [row.tobytes() for row in four]), Image.fromarray((nibbles * 17).astype(np.uint8))
    yield "rgb.bmp", saved(rgb, "BMP"), None
    yield "grey.bmp", saved(grey, "BMP"), None
    yield "bits.bmp", saved(rgb.convert("1"), "BMP"), None
    yield "rgba.bmp", saved(rgba, "BMP"), None
    yield "bits.pbm", saved(rgb.convert("1"), "PPM"), None
    yield "grey.pgm", saved(grey, "PPM"), None
    yield "rgb.ppm", saved(rgb, "PPM"), None
    values = np.asarray(rgb)
    text = "P3 # a remark\n19\n13 255\n" + "\n".join(" ".join(str(v) for v in row.flatten()) for row in values)
    yield "text.ppm", text.encode(), None
    yield "text.pbm", b"P1\n3 2\n010\n1 1 0\n", None
    yield "seventh.ppm", b"P6\n19 13\n7\n" + (values >> 5).tobytes(), None
    yield "wide.ppm", b"P6\n19 13\n65535\n" + wide.tobytes(), None


def resized():
    source = drawn(29, 37, 5)
    cases = []
    for name, resample in FILTERS.items():
        for height, width in [(11, 16), (29, 20), (17, 37), (40, 61), (3, 2), (1, 1), (58, 9), (5, 30)]:
            out = Image.fromarray(source).resize((width, height), resample)
            cases.append({"interpolation": name, **entry(out)})
    return {"source": entry(Image.fromarray(source)), "cases": cases}


def cut(image, height, width, share, resample):
    """torchvision's Resize of the shorter side and CenterCrop."""
    side = int(height / share)
    w, h = image.size
    size = (side, int(side * h / w)) if w <= h else (int(side * w / h), side)
    image = image.resize(size, resample)
    left, top = int(round((size[0] - width) / 2)), int(round((size[1] - height) / 2))
    return image.crop((left, top, left + width, top + height))


def fitted():
    source = Image.fromarray(drawn(29, 37, 5))
    return [{"interpolation": name, "share": share, "turned": turned, **entry(cut(image, size, size, share, resample))}
            for name, resample in FILTERS.items() for size, share in [(16, 0.875), (12, 1.0), (33, 0.9)]
            for turned, image in [(False, source), (True, source.transpose(Image.Transpose.TRANSPOSE))]]


def with_hue(image, shift):
    """torchvision's adjust_hue."""
    h, s, v = image.convert("HSV").split()
    turned = (np.asarray(h).astype(np.int64) + int(shift * 255)) % 256
    return Image.merge("HSV", (Image.fromarray(turned.astype(np.uint8)), s, v)).convert("RGB")


def coloured():
    source = Image.fromarray(drawn(17, 19, 6) // 2 + 30)
    kinds = {"brightness": ImageEnhance.Brightness, "contrast": ImageEnhance.Contrast, "saturation": ImageEnhance.Color,
             "sharpness": ImageEnhance.Sharpness}
    cases = [{"kind": kind, "by": factor, **entry(make(source).enhance(factor))} for kind, make in kinds.items() for factor in (0.0, 0.4, 1.0, 1.7)]
    cases += [{"kind": "hue", "by": shift, **entry(with_hue(source, shift))} for shift in (-0.5, -0.1, 0.0, 0.3)]
    cases += [{"kind": "posterize", "by": bits, **entry(ImageOps.posterize(source, bits))} for bits in (4, 7, 8)]
    cases += [{"kind": "solarize", "by": level, **entry(ImageOps.solarize(source, level))} for level in (0, 100.5, 255)]
    cases += [{"kind": "autocontrast", "by": 0, **entry(ImageOps.autocontrast(source))}, {"kind": "equalize", "by": 0, **entry(ImageOps.equalize(source))}]
    return {"source": entry(source), "cases": cases}


def warped():
    """Each with the map from places in the result to places in the source."""
    source = Image.fromarray(drawn(21, 17, 8))
    maps = [(1, 0, 0, 0, 1, 0), (1, 0, 3.25, 0, 1, -2.5), (1, 0.3, 0, 0, 1, 0), (0.9, -0.4, 2, 0.35, 1.1, -1), (0.5, 0, 4, 0, 0.25, 6)]
    return {"source": entry(source), "cases": [
        {"map": data, **entry(source.transform(source.size, Image.Transform.AFFINE, data, Image.Resampling.BILINEAR, fillcolor=(9, 80, 200)))}
        for data in maps] + [{"degrees": degrees, **entry(source.rotate(degrees, Image.Resampling.BILINEAR, fillcolor=(9, 80, 200)))}
                             for degrees in (90, 30, -7.5)]}


def sums(folder):
    found = {}
    for path in sorted(pathlib.Path(folder).glob("*.jpg"))[:3]:
        image = Image.open(path).convert("RGB")
        small = image.resize((416, 320), FILTERS["bilinear"])
        found[path.name] = {name: {"sum": int(np.asarray(part, np.int64).sum()), "crc32": zlib.crc32(part.tobytes())}
                            for name, part in [("whole", image), ("small", small)]}
    return found


def main():
    HERE.mkdir(exist_ok=True)
    golden = {"made_with": f"pillow {PIL.__version__}", "files": {}}
    for name, content, expected in files():
        (HERE / name).write_bytes(content)
        golden["files"][name] = entry(expected or ImageOps.exif_transpose(Image.open(io.BytesIO(content))))
    golden["resized"] = resized()
    golden["fitted"] = fitted()
    golden["coloured"] = coloured()
    golden["warped"] = warped()
    golden["bccd"] = sums(sys.argv[1]) if len(sys.argv) > 1 else {}
    json.dump(golden, sys.stdout, indent=0)
    print()


if __name__ == "__main__":
    main()
