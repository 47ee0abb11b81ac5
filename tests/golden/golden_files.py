"""What the scripts that make golden files share: fixed random weights, archives without paths of the machine, numbers in JSON."""
import io
import json
import zipfile

import torch
from torch import Tensor


def randomize(module, std):
    """Every parameter gets normal noise of this std, in norm layers around 1; running statistics are drawn too."""
    generator = torch.Generator().manual_seed(11)
    noise = lambda t: torch.randn(t.shape, generator=generator)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            is_scale = parameter.dim() == 1 and name.endswith("weight")
            parameter.copy_(noise(parameter) * std + (1.0 if is_scale else 0.0))
        for name, buffer in module.named_buffers():
            if name.endswith("running_mean"):
                buffer.copy_(noise(buffer) * 0.3)
            elif name.endswith("running_var"):
                buffer.copy_(torch.rand(buffer.shape, generator=generator) + 0.5)
    return module


def save_stripped(module, path):
    """torch.jit.save without its debug records and its hash over them: large, and they hold paths of this machine."""
    full = io.BytesIO()
    torch.jit.save(module, full)
    with zipfile.ZipFile(full) as source, zipfile.ZipFile(path, "w") as target:
        for old in source.infolist():
            if old.filename.endswith(".debug_pkl") or "/traced_inputs" in old.filename:
                continue
            data = source.read(old)
            if old.filename.endswith("/.data/serialization_id"):
                data = b"0" * 40
            new = zipfile.ZipInfo(old.filename)
            new.compress_type = old.compress_type
            if old.compress_type == zipfile.ZIP_STORED:  # starts at a multiple of 64 bytes, as torch does it
                padding = -(target.fp.tell() + 30 + len(new.filename) + 4) % 64
                new.extra = b"FB" + padding.to_bytes(2, "little") + b"Z" * padding
            target.writestr(new, data)


def plain(value):
    """Tensors to nested lists; a float32 as the nine digits that give it back."""
    if isinstance(value, Tensor):
        return plain(value.tolist()) if value.dtype != torch.float32 else nine_digits(value.tolist())
    return value


def nine_digits(value):
    return [nine_digits(v) for v in value] if isinstance(value, list) else float(f"{value:.9g}")


def write_json(path, value):
    with open(path, "w") as file:
        json.dump(value, file, allow_nan=False, separators=(",", ":"))
        file.write("\n")
