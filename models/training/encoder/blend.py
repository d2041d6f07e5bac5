"""How far each head's two voices are believed, and from which probability it speaks up.

Chosen on groups that neither voice was trained on: probability = sigmoid(net * n + linear * l + bias), by logistic
regression, which calibrates at the same time.
"""

import numpy as np
from scipy.optimize import minimize

import measure
from corpus import HEADS

# Keeps beliefs finite where a voice is always right.
RIDGE = 0.01


def home(head: int) -> str:
    """The data that taught a head most."""
    return "EmailIntent" if HEADS[head] == "request" else "AMI"


def sigmoid(x):
    return 1 / (1 + np.exp(-np.clip(x, -60, 60)))


def logit(chance: float) -> float:
    return float(np.log(chance / (1 - chance)))


def belief(voices, truth) -> np.ndarray:
    """One number for each of `voices` [n, k], and the bias; no voice is believed backwards."""
    design = np.concatenate([voices, np.ones((len(voices), 1))], 1).astype(np.float64)

    def loss(at):
        z = design @ at
        return np.logaddexp(0, np.where(truth, -z, z)).sum() + 0.5 * RIDGE * at @ at, design.T @ (sigmoid(z) - truth) + RIDGE * at

    bounds = [(0, None)] * voices.shape[1] + [(None, None)]
    return minimize(loss, np.zeros(design.shape[1]), jac=True, bounds=bounds, method="L-BFGS-B").x


def choose(net, linear, labels, sources, rates) -> tuple:
    """Beliefs [heads, 3] and thresholds [heads], from the logits [n, heads] of both voices on held-out sentences.

    Groups differ in how often something is said, and those held out are few: `rates` [heads], how often it is said in the whole of the
    training part, moves the bias, and the threshold with it.
    """
    beliefs, thresholds = np.zeros((len(HEADS), 3)), np.zeros(len(HEADS))
    for head in range(len(HEADS)):
        own = ~np.isnan(labels[:, head]) & (sources == home(head))
        truth = labels[own, head] > 0
        beliefs[head] = belief(np.stack([net[own, head], linear[own, head]], 1), truth)
        best = measure.best_f1(chances(net, linear, beliefs)[own, head], truth)[1]
        moved = logit(rates[head]) - logit(truth.mean())
        beliefs[head, 2] += moved
        thresholds[head] = sigmoid(logit(best) + moved)
    return beliefs.astype(np.float32), thresholds.astype(np.float32)


def chances(net, linear, beliefs):
    """Probabilities [n, heads]."""
    return sigmoid(net * beliefs[:, 0] + linear * beliefs[:, 1] + beliefs[:, 2])
