"""Makes schedules.json: ten steps under each learning-rate schedule in PyTorch, against which the tests compare graft.

    python make_schedules.py OUT_DIR

Two parameters, [2, 2] and [3], in float64. The gradient of step s (0..9) is curvature * (parameter - target),
elementwise, that of the loss sum(curvature * (parameter - target)^2) / 2. Every schedule runs with AdamW and with SGD;
a run holds the rate that each step used and the parameters after it.

The schedules are PyTorch's classes, "options" are graft's ScheduleOptions for the same course. A warm-up of W steps
has the factors (s + 1) / W: LambdaLR, followed in a SequentialLR by the class of the schedule over the other steps.
PolynomialLR falls to 0 alone; with an end e LambdaLR has the formula e + (1 - e) * (1 - s / 10)^power instead.
ReduceLROnPlateau is told the losses of "validation" one by one after every second step, and gets eps=0: it would leave
out reductions of less than 1e-8 otherwise. OneCycleLR leaves the momentum alone.

Needs torch 2.11. Numbers are written so that they give back the same float64.
"""
import argparse
import os
import warnings

import torch
from torch.optim import lr_scheduler

from golden_files import write_json

STEPS = 10
LR = 0.05
START = [[[0.8, -1.3], [0.25, 2.1]], [-0.6, 1.7, 0.05]]
TARGET = [[[-0.4, 0.9], [1.1, 0.3]], [0.7, -0.2, 1.4]]
CURVATURE = [[[1.0, 0.3], [2.5, 0.7]], [4.0, 0.15, 1.2]]
OPTIMIZERS = {
    "adamw": {"betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.1},
    "sgd": {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
}


def warm(optimizer, steps, make):
    """Warm-up of so many steps, then make(optimizer)."""
    rise = lr_scheduler.LambdaLR(optimizer, lambda step: (step + 1) / steps)
    return lr_scheduler.SequentialLR(optimizer, [rise, make(optimizer)], milestones=[steps])


def constant(optimizer):
    return lr_scheduler.ConstantLR(optimizer, factor=1.0)


def linear(optimizer, steps=STEPS, end=0.0):
    return lr_scheduler.LinearLR(optimizer, start_factor=1.0, end_factor=end, total_iters=steps)


def cosine(optimizer, steps=STEPS, end=0.0):
    return lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps, eta_min=end * LR)


def restarts(optimizer, steps, end=0.0):
    return lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=steps, eta_min=end * LR)


def polynomial(optimizer, power, steps=STEPS):
    return lr_scheduler.PolynomialLR(optimizer, total_iters=steps, power=power)


def polynomial_to(optimizer, power, end):
    return lr_scheduler.LambdaLR(optimizer, lambda t: end + (1 - end) * (1 - t / STEPS) ** power)


def one_cycle(optimizer, **options):
    return lr_scheduler.OneCycleLR(optimizer, max_lr=LR, total_steps=STEPS, cycle_momentum=False, **options)


def plateau(optimizer, decay, patience, threshold, floor):
    return lr_scheduler.ReduceLROnPlateau(optimizer, factor=decay, patience=patience, threshold=threshold,
                                          min_lr=floor * LR, eps=0)


SCHEDULES = {
    "constant": (dict(kind="constant", warmup=0), constant),
    "constant_warm": (dict(kind="constant", warmup=0.3), lambda o: warm(o, 3, constant)),
    "linear": (dict(kind="linear", warmup=0), linear),
    "linear_warm": (dict(kind="linear", warmup=0.3), lambda o: warm(o, 3, lambda o: linear(o, 7))),
    "linear_warm_end": (dict(kind="linear", warmup=0.2, end=0.25), lambda o: warm(o, 2, lambda o: linear(o, 8, 0.25))),
    "cosine": (dict(kind="cosine", warmup=0), cosine),
    "cosine_warm_end": (dict(kind="cosine", warmup=0.3, end=0.1), lambda o: warm(o, 3, lambda o: cosine(o, 7, 0.1))),
    "cosine_2_cycles": (dict(kind="cosine", warmup=0, cycles=2), lambda o: restarts(o, 5)),
    "cosine_warm_3_cycles": (dict(kind="cosine", warmup=0.1, end=0.05, cycles=3),
                             lambda o: warm(o, 1, lambda o: restarts(o, 3, 0.05))),
    "polynomial": (dict(kind="polynomial", warmup=0, power=2), lambda o: polynomial(o, 2.0)),
    "polynomial_warm": (dict(kind="polynomial", warmup=0.3, power=0.5),
                        lambda o: warm(o, 3, lambda o: polynomial(o, 0.5, 7))),
    "polynomial_end": (dict(kind="polynomial", warmup=0, power=3, end=0.2), lambda o: polynomial_to(o, 3.0, 0.2)),
    "one_cycle": (dict(kind="one-cycle"), one_cycle),
    "one_cycle_between": (dict(kind="one-cycle", rise=0.45, div=10, final_div=100),  # its peak lies between two steps
                          lambda o: one_cycle(o, pct_start=0.45, div_factor=10.0, final_div_factor=100.0)),
    "plateau": (dict(kind="plateau", warmup=0, decay=0.1, patience=1, threshold=1e-4, floor=0),
                lambda o: plateau(o, 0.1, 1, 1e-4, 0.0)),
    "plateau_floor": (dict(kind="plateau", warmup=0, decay=0.3, patience=0, threshold=0.1, floor=0.2),
                      lambda o: plateau(o, 0.3, 0, 0.1, 0.2)),
}
VALIDATION = {"plateau": [1.0, 1.2, 0.99995, 0.7, 0.8], "plateau_floor": [1.0, 0.95, 0.8, 0.79, 0.9]}


def make_optimizer(name, parameters):
    make = {"adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}[name]
    return make(parameters, lr=LR, **OPTIMIZERS[name])


def run(optimizer_name, schedule_name):
    """Returns the rates of the steps, and the parameters after each."""
    double = lambda values: torch.tensor(values, dtype=torch.float64)
    parameters = [double(values).requires_grad_() for values in START]
    optimizer = make_optimizer(optimizer_name, parameters)
    schedule = SCHEDULES[schedule_name][1](optimizer)
    losses = VALIDATION.get(schedule_name)
    rates, after = [], []
    for step in range(STEPS):
        rates.append(optimizer.param_groups[0]["lr"])
        for parameter, target, curvature in zip(parameters, TARGET, CURVATURE):
            parameter.grad = double(curvature) * (parameter.detach() - double(target))
        optimizer.step()
        after.append([parameter.tolist() for parameter in parameters])
        if losses is None:
            schedule.step()
        elif step % 2 == 1:
            schedule.step(losses[step // 2])
    return {"learning_rates": rates, "after": after}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out_dir")
    args = parser.parse_args()
    # SequentialLR itself steps its schedules with an epoch, which warns.
    warnings.filterwarnings("ignore", message="The epoch parameter in `scheduler.step")
    torch.set_num_threads(1)
    schedules = {}
    for name, (options, _) in SCHEDULES.items():
        schedules[name] = {"options": options, **{optimizer: run(optimizer, name) for optimizer in OPTIMIZERS}}
        if name in VALIDATION:
            schedules[name]["validation"] = VALIDATION[name]
        print(f"{name:20}", *(f"{rate / LR:.6f}" for rate in schedules[name]["sgd"]["learning_rates"]))
    write_json(os.path.join(args.out_dir, "schedules.json"), {
        "lr": LR, "start": START, "target": TARGET, "curvature": CURVATURE, "optimizers": OPTIMIZERS,
        "schedules": schedules})


if __name__ == "__main__":
    main()
