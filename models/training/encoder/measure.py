"""Figures: F1, average precision, area under ROC and expected calibration error."""

import numpy as np


def f1_at(chance, truth, threshold) -> tuple:
    """Precision, recall and F1 at a threshold."""
    said, right = (chance >= threshold).sum(), ((chance >= threshold) & truth).sum()
    return right / max(said, 1), right / max(truth.sum(), 1), 2 * right / max(said + truth.sum(), 1)


def best_f1(chance, truth) -> tuple:
    """The highest F1 that a threshold reaches, and that threshold."""
    order = np.argsort(-chance, kind="stable")
    right = np.cumsum(truth[order])
    scores = 2 * right / (np.arange(1, len(order) + 1) + truth.sum())
    best = int(np.argmax(scores))
    return float(scores[best]), float(chance[order][best])


def average_precision(chance, truth) -> float:
    """The mean of the precision at each true item, most probable first."""
    ranked = truth[np.argsort(-chance, kind="stable")]
    right = np.cumsum(ranked)
    return float((right / np.arange(1, len(ranked) + 1))[ranked].sum() / max(ranked.sum(), 1))


def area(score, truth) -> float:
    """Area under the ROC curve; ties count half."""
    order = np.sort(score)
    ranks = (np.searchsorted(order, score, "left") + np.searchsorted(order, score, "right") + 1) / 2
    true, false = truth.sum(), (~truth).sum()
    return float((ranks[truth].sum() - true * (true + 1) / 2) / max(true * false, 1))


def calibration_error(chance, truth, bins: int = 15) -> float:
    """Expected calibration error: how far a probability is from the share that came true, over equal steps of probability."""
    which = np.minimum((chance * bins).astype(int), bins - 1)
    gaps = [abs(chance[which == b].sum() - truth[which == b].sum()) for b in range(bins)]
    return float(sum(gaps) / max(len(chance), 1))
