"""The linear voice: class-balanced logistic regression on hashed words and on the dense row of `src/classify/features.rs`.

It is trained until it no longer improves, and so gets to the rare heads, which few words give away; the encoder, which shares
its passes among all heads, does not. The dense row is that of `features.rs` without its cues: vectors of the sentence and its
surroundings times SCALE, then 20 numbers about length, place, speaker and kind. The vectors are the approximate plain ones.
"""

import numpy as np
from scipy.optimize import minimize

import words
from corpus import HEADS

NEAR, AROUND = 2, 8
FULL_WEIGHT_WORDS = 10
SCALE = 16.0
DIM, PLACES = 384, 20
DENSE = 4 * DIM + PLACES
# The place of a thread's kind in `domain::Kind`.
KINDS = {"EmailIntent": 1, "BC3": 1, "convosumm_email": 1, "docs": 4, "AMI": 5, "w3c_minutes": 5}
# How far a weight may go, as a variance: a dense number's, then a word's.
REACH = (5e-4, 1.0)
LOOKS = 60
MEMORY = 8


def rows(lines: list, vectors: np.ndarray, kind: int) -> np.ndarray:
    """[sentences, DENSE] of one thread; `vectors` [sentences, DIM] of length 1."""
    count, at = len(lines), np.arange(len(lines))
    lengths = np.array([len(line.text.split()) for line in lines])
    weight = np.clip(lengths, 1, FULL_WEIGHT_WORDS).astype(np.float32)[:, None]
    weighted = vectors * weight
    sums = np.concatenate([np.zeros((1, DIM), np.float32), np.cumsum(weighted, 0, dtype=np.float64).astype(np.float32)])
    totals = np.concatenate([np.zeros((1, 1), np.float32), np.cumsum(weight, 0)])

    def mean(low, high, without=False):
        total = totals[high] - totals[low] - (weight if without else 0)
        some = np.where(total > 0, sums[high] - sums[low] - (weighted if without else 0), 0)
        return some / np.maximum(total, 1)

    before = mean(np.maximum(at - NEAR, 0), at)
    after = mean(np.minimum(at + 1, count), np.minimum(at + 1 + NEAR, count))
    around = mean(np.maximum(at - AROUND, 0), np.minimum(at + 1 + AROUND, count), without=True)
    middle = np.broadcast_to(sums[-1] / totals[-1], vectors.shape)
    share = (at + 0.5) / count
    follows = lambda of: np.array([i > 0 and of(lines[i]) == of(lines[i - 1]) for i in range(count)])
    same, joined = follows(lambda line: line.author), follows(lambda line: line.message)
    next_ = lambda flags: np.append(flags[1:], False)
    places = np.zeros((count, PLACES), np.float32)
    numbers = [np.log1p(lengths) - 2, lengths <= 2, share, share < 0.05, share > 0.95, share > 0.85, same, next_(same), joined, next_(joined),
               *(cosine(vectors, other) for other in (before, after, around, middle))]
    places[:, : len(numbers)] = np.stack(numbers, 1)
    places[:, len(numbers) + kind] = 1
    return np.concatenate([SCALE * vectors, SCALE * before, SCALE * after, SCALE * around, places], 1).astype(np.float32)


def cosine(a, b):
    lengths = np.sqrt((a * a).sum(1) * (b * b).sum(1))
    return np.where(lengths > 1e-9, (a * b).sum(1) / np.maximum(lengths, 1e-9), 0)


def dense(threads: list, vectors: np.ndarray) -> np.ndarray:
    """The rows of all threads, one after the other."""
    made, low = [], 0
    for thread in threads:
        high = low + len(thread.lines)
        if thread.lines:
            made.append(rows(thread.lines, vectors[low:high], KINDS[thread.source]))
        low = high
    return np.concatenate(made)


class Linear:
    """Weights of dense numbers [DENSE, heads] and of words [BUCKETS, heads], and the bias [heads]."""

    def __init__(self, seen, bags, labels):
        """Fits all heads side by side; `labels` [n, heads] has nan where nothing is known."""
        known, true = ~np.isnan(labels), np.nan_to_num(labels)
        wanted, all_ = true.sum(0), known.sum(0)
        # Class-balanced: true and false labels of a head weigh the same in all.
        counts = (known * np.where(true > 0, all_ / (2 * wanted), all_ / (2 * (all_ - wanted)))).astype(np.float32)
        reach = np.sqrt(REACH).astype(np.float32)
        seen, turned = seen * reach[0], bags.T.tocsr()
        shape = (DENSE + words.BUCKETS + 1, len(HEADS))

        def loss(flat):
            at = flat.reshape(shape).astype(np.float32)
            z = seen @ at[:DENSE] + bags @ at[DENSE:-1] * reach[1] + at[-1]
            wrong = counts * (1 / (1 + np.exp(-z)) - true)
            slope = np.concatenate([seen.T @ wrong, turned @ wrong * reach[1], wrong.sum(0)[None]])
            slope[:-1] += at[:-1]
            cost = (counts * np.logaddexp(0, np.where(true > 0, -z, z))).sum(dtype=np.float64) + 0.5 * (at[:-1].astype(np.float64) ** 2).sum()
            return cost, slope.astype(np.float64).ravel()

        options = {"maxiter": LOOKS, "maxcor": MEMORY}
        found = minimize(loss, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B", options=options).x.reshape(shape).astype(np.float32)
        self.dense, self.words, self.bias = found[:DENSE] * reach[0], found[DENSE:-1] * reach[1], found[-1]

    def logits(self, seen, bags) -> np.ndarray:
        return seen @ self.dense + bags @ self.words + self.bias
