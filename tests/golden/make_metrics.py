"""Makes metrics.json, solver.json, optimizers.json, regression.json and multilabel.json: small references from scikit-learn, SciPy and
PyTorch in float64.

    python make_metrics.py OUT_DIR           (OUT_DIR is tests/golden)

metrics.json     three classification problems: logits, labels, and what sklearn.metrics says about the argmax (all
                 classes listed, zero_division=0; confusion matrix with the truth in rows), and cross-entropies of
                 torch.nn.functional.cross_entropy, each as mean and sum. In the second problem a class is never
                 predicted; in the third a class is predicted but never true. "smoothing" is label_smoothing=0.1. The
                 mean with class weights divides by the weights of the labels; with soft targets by the rows.
solver.json      multinomial logistic regression: the minimum over W [4, 6] and b [4] of
                 mean_i CE_i + l2 / 2 * |W|^2 (b free), on the raw and on the standardized features ((x - mean) /
                 population standard deviation). b is shifted to sum 0: the loss fixes it only up to a constant.
optimizers.json  five steps of torch.optim on two tensors: the given gradients and the values after each step.
regression.json  truths and predictions of two targets far from 0, with mse, mae and R2 of sklearn.metrics and Pearson's correlation of
                 SciPy for each; features and the ridge regression of the truths on them (sklearn.linear_model.Ridge on standardized
                 features and truths): the minimum of (mean over rows and targets of squared errors) + l2 / 2 * |W|^2 (b free).
multilabel.json  logits and 0/1 labels, one label never true and one never predicted, with what sklearn.metrics says about logits > 0 and
                 torch.nn.functional.binary_cross_entropy_with_logits, with and without pos_weight, as mean and sum.

Needs torch 2.11, numpy, scikit-learn and SciPy.
"""
import argparse
import json
import os
import warnings

import numpy as np
import torch
from scipy.stats import pearsonr
from sklearn import metrics
from sklearn.linear_model import Ridge
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

warnings.simplefilter("ignore")  # scikit-learn warns of top-3 among three classes


def write_json(path, value):
    with open(path, "w") as file:
        json.dump(value, file, allow_nan=False, separators=(",", ":"))
        file.write("\n")


# --- metrics --------------------------------------------------------------------------------------------------------


def make_problem(rng, name, rows, classes, never_predicted=None, never_true=None):
    allowed = [c for c in range(classes) if c != never_true]
    labels = rng.choice(allowed, rows, p=rng.dirichlet([4.0] * len(allowed)))
    logits = rng.normal(0, 1.5, (rows, classes))
    logits[np.arange(rows), labels] += 1.5
    if never_predicted is not None:
        logits[:, never_predicted] -= 12
    return describe(rng, name, np.round(logits, 6), labels)


def describe(rng, name, logits, labels):
    rows, classes = logits.shape
    every = list(range(classes))
    predicted = logits.argmax(1)
    top = lambda k: metrics.top_k_accuracy_score(labels, logits, k=k, labels=every)
    scores = lambda average: metrics.precision_recall_fscore_support(labels, predicted, labels=every, average=average,
                                                                     zero_division=0)
    averages = {average: dict(zip(("precision", "recall", "f1"), map(float, scores(average))))
                for average in ("micro", "macro", "weighted")}
    per_class = dict(zip(("precision", "recall", "f1", "support"), (values.tolist() for values in scores(None))))

    x, y = torch.tensor(logits), torch.tensor(labels)
    weights = torch.tensor(np.round(rng.uniform(0.2, 3, classes), 2))
    soft = torch.tensor(rng.multinomial(20, rng.dirichlet([1.0] * classes, rows)) / 20)
    losses = {}
    for key, target, options in (
        ("plain", y, {}),
        ("weighted", y, {"weight": weights}),
        ("smoothing", y, {"label_smoothing": 0.1}),
        ("weighted_smoothing", y, {"weight": weights, "label_smoothing": 0.1}),
        ("soft_targets", soft, {}),
        ("weighted_soft_targets", soft, {"weight": weights}),
    ):
        losses[key] = {r: cross_entropy(x, target, reduction=r, **options).item() for r in ("mean", "sum")}
    return {
        "name": name, "classes": classes, "logits": logits.tolist(), "labels": labels.tolist(),
        "predictions": predicted.tolist(),
        "accuracy": float(metrics.accuracy_score(labels, predicted)),
        "top2_accuracy": float(top(2)), "top3_accuracy": float(top(3)),
        "averages": averages, "per_class": per_class,
        "confusion": metrics.confusion_matrix(labels, predicted, labels=every).tolist(),
        "class_weights": weights.tolist(), "label_smoothing": 0.1, "soft_targets": soft.tolist(),
        "cross_entropy": losses,
    }


# --- solver ---------------------------------------------------------------------------------------------------------


def solve(features, labels, classes, l2):
    """Newton's method with halved steps; the Hessian is singular along constant shifts of b, hence lstsq."""
    x, y = torch.tensor(features), torch.tensor(labels)
    width = x.shape[1]

    def objective(flat):
        w, b = flat[: classes * width].reshape(classes, width), flat[classes * width:]
        return cross_entropy(x @ w.T + b, y) + l2 / 2 * w.square().sum()

    flat = torch.zeros(classes * width + classes, dtype=torch.float64)
    for _ in range(30):
        gradient = torch.autograd.functional.jacobian(objective, flat)
        if gradient.norm() < 1e-15:
            break
        hessian = torch.autograd.functional.hessian(objective, flat)
        step = torch.tensor(np.linalg.lstsq(hessian.numpy(), gradient.numpy(), rcond=1e-13)[0])
        scale = 1.0
        while scale > 1e-6 and objective(flat - scale * step) > objective(flat) + 1e-14:
            scale /= 2
        flat = flat - scale * step
    gradient = torch.autograd.functional.jacobian(objective, flat)
    assert gradient.norm() < 1e-10, gradient.norm()
    w, b = flat[: classes * width].reshape(classes, width), flat[classes * width:]
    return {"l2": l2, "loss": objective(flat).item(), "gradient_norm": gradient.norm().item(), "W": w.tolist(),
            "b": (b - b.mean()).tolist()}


def make_solver(rng):
    rows, width, classes = 120, 6, 4
    scales = np.array([0.05, 0.4, 1.0, 3.0, 12.0, 40.0])
    features = np.round((rng.normal(0, 1, (rows, width)) + rng.normal(0, 1, width)) * scales, 6)
    mean, std = features.mean(0), features.std(0)
    standardized = (features - mean) / std
    noise = rng.gumbel(0, 1, (rows, classes))
    labels = (standardized @ rng.normal(0, 1, (width, classes)) + noise).argmax(1)
    strengths = (0.001, 0.03, 1.0)
    return {
        "classes": classes, "features": features.tolist(), "labels": labels.tolist(),
        "mean": mean.tolist(), "std": std.tolist(),
        "raw": [solve(features, labels, classes, l2) for l2 in strengths],
        "standardized": [solve(standardized, labels, classes, l2) for l2 in strengths],
    }


# --- optimizers -----------------------------------------------------------------------------------------------------


def make_optimizers(rng):
    start = [np.round(rng.normal(0, 1, shape), 3) for shape in ((2, 3), (4,))]
    gradients = [[np.round(rng.normal(0, 0.5, tensor.shape), 3) for tensor in start] for _ in range(5)]
    runs = {}
    for name, make, options in (
        ("adamw", torch.optim.AdamW, {"lr": 0.02, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.1}),
        ("adamw_no_decay", torch.optim.AdamW, {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-6, "weight_decay": 0.0}),
        ("sgd", torch.optim.SGD, {"lr": 0.1, "momentum": 0.0, "nesterov": False, "weight_decay": 0.01}),
        ("sgd_momentum", torch.optim.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": False, "weight_decay": 0.01}),
        ("sgd_nesterov", torch.optim.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ):
        parameters = [torch.tensor(tensor, requires_grad=True) for tensor in start]
        optimizer = make(parameters, **options)
        after = []
        for step in gradients:
            for parameter, gradient in zip(parameters, step):
                parameter.grad = torch.tensor(gradient)
            optimizer.step()
            after.append([parameter.tolist() for parameter in parameters])
        runs[name] = {**options, "after": after}
    return {"start": [t.tolist() for t in start], "gradients": [[g.tolist() for g in step] for step in gradients],
            "runs": runs}


# --- regression and sets of labels ----------------------------------------------------------------------------------


def make_regression(rng):
    rows, width = 80, 5
    features = np.round(rng.normal(0, 1, (rows, width)) * np.array([0.1, 1.0, 2.0, 8.0, 30.0]) + rng.normal(0, 3, width), 4)
    standardized = (features - features.mean(0)) / features.std(0)
    truths = standardized @ rng.normal(0, 1, (width, 2)) + rng.normal(0, 0.5, (rows, 2))
    truths = np.round(truths * np.array([2.0, 300.0]) + np.array([1000.0, -5000.0]), 3)
    predictions = np.round(truths + rng.normal(0, 1, (rows, 2)) * np.array([1.0, 250.0]), 3)
    mean, scale = truths.mean(0), truths.std(0)
    ridges = []
    for l2 in (0.001, 0.1, 1.0):
        ridge = Ridge(alpha=l2 / 2 * truths.size, solver="svd").fit(standardized, (truths - mean) / scale)
        errors = standardized @ ridge.coef_.T + ridge.intercept_ - (truths - mean) / scale
        ridges.append({"l2": l2, "W": ridge.coef_.tolist(), "b": ridge.intercept_.tolist(), "loss": float((errors ** 2).mean())})
    scores = [{"mse": float(metrics.mean_squared_error(truths[:, t], predictions[:, t])),
               "mae": float(metrics.mean_absolute_error(truths[:, t], predictions[:, t])),
               "r2": float(metrics.r2_score(truths[:, t], predictions[:, t])),
               "pearson": float(pearsonr(truths[:, t], predictions[:, t]).statistic)} for t in range(2)]
    return {"truths": truths.tolist(), "predictions": predictions.tolist(), "scores": scores, "features": features.tolist(),
            "mean": mean.tolist(), "scale": scale.tolist(), "ridge": ridges}


def make_multilabel(rng):
    rows, labels = 60, 5
    truths = (rng.uniform(0, 1, (rows, labels)) < np.array([0.5, 0.3, 0.1, 0.0, 0.4])).astype(int)
    logits = np.round(rng.normal(0, 1.2, (rows, labels)) + 2.0 * truths - 1.0, 6)
    logits[:, 4] -= 20
    predictions = (logits > 0).astype(int)
    x, y = torch.tensor(logits), torch.tensor(truths, dtype=torch.float64)
    positive = np.round(rng.uniform(0.5, 4, labels), 2)
    losses = {key: {r: binary_cross_entropy_with_logits(x, y, reduction=r, **options).item() for r in ("mean", "sum")}
              for key, options in (("plain", {}), ("weighted", {"pos_weight": torch.tensor(positive)}))}
    f1 = lambda average: float(metrics.f1_score(truths, predictions, average=average, zero_division=0))
    return {"logits": logits.tolist(), "labels": truths.tolist(), "positive_weights": positive.tolist(),
            "scores": {"micro_f1": f1("micro"), "macro_f1": f1("macro"),
                       "exact_match": float(metrics.accuracy_score(truths, predictions)),
                       "hamming_loss": float(metrics.hamming_loss(truths, predictions))},
            "binary_cross_entropy": losses}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out_dir")
    out = parser.parse_args().out_dir
    torch.set_num_threads(1)
    rng = np.random.default_rng(7)
    problems = [make_problem(rng, "all classes", 60, 4), make_problem(rng, "class 1 never predicted", 40, 3, 1),
                make_problem(rng, "class 4 never true", 80, 6, never_true=4)]
    assert sorted(set(problems[0]["labels"])) == sorted(set(problems[0]["predictions"])) == [0, 1, 2, 3]
    assert 1 in problems[1]["labels"] and 1 not in problems[1]["predictions"]
    assert 4 not in problems[2]["labels"] and 4 in problems[2]["predictions"]
    write_json(os.path.join(out, "metrics.json"), {"problems": problems})
    write_json(os.path.join(out, "solver.json"), make_solver(rng))
    write_json(os.path.join(out, "optimizers.json"), make_optimizers(rng))
    write_json(os.path.join(out, "regression.json"), make_regression(rng))
    write_json(os.path.join(out, "multilabel.json"), make_multilabel(rng))


if __name__ == "__main__":
    main()
