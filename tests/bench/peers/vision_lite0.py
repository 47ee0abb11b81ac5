"""W4 peer: the frozen pass of EfficientNet-Lite0 over random pictures in Python.
Usage: vision_lite0.py WEIGHTS.pth trace OUT.pt | default|tuned|tuned_bf16 [PICTURES [SIDE [BATCH]]]
default: NCHW, gradients on as in a training loop that only freezes; tuned: channels last, inference mode (start it with THP_MEM_ALLOC_ENABLE=1), in
float32 or in bfloat16."""
import json, math, sys, time
import torch, torch.nn as nn, torch.nn.functional as F

torch.set_num_threads(2)


class SameConv(nn.Conv2d):  # TensorFlow's SAME: stride 2 pads more at the end
    def forward(self, x):
        k, s = self.kernel_size[0], self.stride[0]
        if s == 1:
            return F.conv2d(x, self.weight, None, 1, k // 2, 1, self.groups)
        pad = [max((math.ceil(n / s) - 1) * s + k - n, 0) for n in x.shape[-2:]]
        return F.conv2d(F.pad(x, [pad[1] // 2, pad[1] - pad[1] // 2, pad[0] // 2, pad[0] - pad[0] // 2]), self.weight, None, s, 0, 1, self.groups)


def bn(c):
    return nn.BatchNorm2d(c, eps=1e-3, momentum=0.01)


class Block(nn.Module):
    def __init__(self, i, o, k, stride, expand):
        super().__init__()
        m = i * expand
        self.skip, self.expand = stride == 1 and i == o, expand > 1
        if self.expand:
            self._expand_conv, self._bn0 = SameConv(i, m, 1, bias=False), bn(m)
        self._depthwise_conv, self._bn1 = SameConv(m, m, k, stride, groups=m, bias=False), bn(m)
        self._project_conv, self._bn2 = SameConv(m, o, 1, bias=False), bn(o)

    def forward(self, x):
        y = F.relu6(self._bn0(self._expand_conv(x))) if self.expand else x
        y = self._bn2(self._project_conv(F.relu6(self._bn1(self._depthwise_conv(y)))))
        return x + y if self.skip else y


STAGES = [(1, 3, 1, 1, 32, 16), (2, 3, 2, 6, 16, 24), (2, 5, 2, 6, 24, 40), (3, 3, 2, 6, 40, 80), (3, 5, 1, 6, 80, 112), (4, 5, 2, 6, 112, 192), (1, 3, 1, 6, 192, 320)]


class Lite0(nn.Module):
    def __init__(self):
        super().__init__()
        self._conv_stem, self._bn0 = SameConv(3, 32, 3, 2, bias=False), bn(32)
        blocks = []
        for n, k, stride, expand, i, o in STAGES:
            blocks += [Block(i if r == 0 else o, o, k, stride if r == 0 else 1, expand) for r in range(n)]
        self._blocks = nn.ModuleList(blocks)
        self._conv_head, self._bn1, self._fc = SameConv(320, 1280, 1, bias=False), bn(1280), nn.Linear(1280, 1000)

    def forward(self, x):
        x = F.relu6(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        return F.relu6(self._bn1(self._conv_head(x))).mean((2, 3))


def main():
    weights, task = sys.argv[1:3]
    net = Lite0()
    net.load_state_dict(torch.load(weights, map_location="cpu"))
    net.eval().requires_grad_(False)
    if task == "trace":
        del net._fc
        torch.jit.trace(net, torch.randn(1, 3, 224, 224)).save(sys.argv[3])
        return
    pictures, side, batch = (int(sys.argv[i]) if len(sys.argv) > i else d for i, d in ((3, 256), (4, 224), (5, 32)))
    torch.manual_seed(0)
    x = torch.randn(pictures, 3, side, side)
    tuned = task.startswith("tuned")
    if tuned:
        net, x = net.to(memory_format=torch.channels_last), x.contiguous(memory_format=torch.channels_last)
    if task == "tuned_bf16":
        net, x = net.bfloat16(), x.bfloat16()
    with torch.inference_mode(tuned):
        net(x[:batch])
        start = time.time()
        for i in range(0, pictures, batch):
            net(x[i : i + batch])
        seconds = time.time() - start
    print(json.dumps(dict(workload="W4", form=task, images_per_second=pictures / seconds, seconds=seconds, batch=batch)))


if __name__ == "__main__":
    main()
