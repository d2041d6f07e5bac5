"""What the trained encoder makes of every sentence, and the way back from there to plain sentence vectors.

`plain = normalize(P [v, e] + b)`: `v` is the contextual vector, `e` the mean of MiniLM's own word embeddings of the sentence's word
pieces. P is the exact ridge solution on sentences of the training part.
"""

import numpy as np
import torch

from model import WIDTH
from windows import batch, speakers_of, windows

PENALTY = 1.0
BATCH = 16


def contextual(model, threads: list, pieces: list) -> np.ndarray:
    """[sentences, 768], f32: `v` and `e` of every sentence, by position."""
    cut, low = [], 0
    for thread in threads:
        high = low + len(thread.lines)
        cut += [(window, [low + s for s, _, _ in window.spans]) for window in windows(pieces[low:high], speakers_of(thread.lines))]
        low = high
    found = np.zeros((low, 2 * WIDTH), dtype=np.float32)
    cut.sort(key=lambda one: len(one[0].ids))
    with torch.inference_mode():
        for at in range(0, len(cut), BATCH):
            made, positions = zip(*cut[at : at + BATCH])
            found[[p for some in positions for p in some], :WIDTH] = model.sentences(batch(list(made))).numpy()
    embeddings = model.encoder.word_embeddings.numpy()
    for at, own in enumerate(pieces):
        found[at, WIDTH:] = embeddings[own].mean(0)
    return found


def way_back(seen: np.ndarray, plain: np.ndarray) -> tuple:
    """P [384, 768] and b [384]."""
    middle, goal = seen.mean(0), plain.mean(0)
    x, y = (seen - middle).astype(np.float64), (plain - goal).astype(np.float64)
    weight = np.linalg.solve(x.T @ x + PENALTY * np.eye(x.shape[1]), x.T @ y).T
    return weight.astype(np.float32), (goal - weight @ middle).astype(np.float32)


def back(seen: np.ndarray, projection: tuple) -> np.ndarray:
    """The approximate plain vectors [n, 384], of length 1."""
    found = seen @ projection[0].T + projection[1]
    return found / np.linalg.norm(found, axis=1, keepdims=True)
