"""Trains the adapter, the heads and the projection together.

`python train.py --data FOLDER --encoder FOLDER --work FOLDER --held 0` leaves out one sixth of the training groups, on which
thresholds and calibration are chosen; `--held none` takes all of them. A run goes on from its last checkpoint.
"""

import argparse
import math
import os
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

import examples
import measure
from corpus import HEADS, SIXTHS
from model import Model
from windows import batch

SEED = 20_260_101
RANK = 32
PASSES = 5
WINDOWS = 8  # in one step
RATE, HEADS_RATE = 7e-4, 1.5e-3
WARM = 0.06
DROPOUT = 0.1
WEIGHT_DECAY = 0.02
# A true label of a rare head counts the square root of how rare it is, at most this much.
MOST_WEIGHT = 8.0
RARE = {"offer": 2.0, "action": 2.0, "decision": 2.0}
ACTS_SHARE, PLAIN_SHARE = 0.5, 2.0
CHECKPOINT_SECONDS = 240


def weights(labels: np.ndarray) -> tuple:
    """How much a true label counts against a false one, and each head against the others."""
    share = np.nanmean(labels, 0)
    true = np.minimum(np.sqrt((1 - share) / np.maximum(share, 1e-6)), MOST_WEIGHT)
    return torch.tensor(true, dtype=torch.float32), torch.tensor([RARE.get(head, 1.0) for head in HEADS])


def heads_loss(logits, labels, true_weight, head_weight):
    """Logistic loss of the labels that are known: a mean a head, summed over the heads."""
    known = ~labels.isnan()
    each = F.binary_cross_entropy_with_logits(logits, labels.nan_to_num(), pos_weight=true_weight, reduction="none")
    return ((each * known).sum(0) / known.sum(0).clamp(min=1) * head_weight).sum()


def sentence_loss(model, sentences, cut, counts):
    made, positions = zip(*cut)
    labels, acts, plain = examples.targets(sentences, [p for some in positions for p in some])
    vectors = model.sentences(examples.hidden(batch(list(made))), DROPOUT)
    loss = PLAIN_SHARE * (1 - (model.plain(vectors) * plain).sum(-1)).mean()
    seen = F.dropout(vectors, DROPOUT)
    loss = loss + heads_loss(model.heads(seen), labels, *counts)
    if (acts >= 0).any():
        loss = loss + ACTS_SHARE * F.cross_entropy(model.acts(seen), acts, ignore_index=-100)
    return loss


def optimizer(model):
    slow = [p for name, p in model.named_parameters() if name.startswith("encoder.")]
    fast = [p for name, p in model.named_parameters() if not name.startswith("encoder.")]
    return torch.optim.AdamW([{"params": slow, "lr": RATE}, {"params": fast, "lr": HEADS_RATE}], weight_decay=WEIGHT_DECAY)


def report(model, sentences, held, title):
    """AP and best F1 of the heads on the part that is held out."""
    rows, logits, cosines = examples.judge(model, sentences, held)
    line = []
    for head, name in enumerate(HEADS):
        source = "EmailIntent" if name == "request" else "AMI"
        own = np.isin(rows, np.concatenate([np.arange(b, b + len(t.lines)) for b, t in zip(sentences.begins, sentences.threads)
                                            if t.source == source]))
        labels = sentences.labels[rows[own], head]
        known = ~np.isnan(labels)
        chance, truth = logits[own, head][known], labels[known] > 0
        line.append(f"{name} {measure.best_f1(chance, truth)[0]:.3f}/{measure.average_precision(chance, truth):.3f}")
    print(f"{title}: " + "  ".join(line) + f"  cosine {cosines.mean():.3f}/{np.quantile(cosines, 0.05):.3f}", flush=True)


def main():
    args = argparse.ArgumentParser()
    for name in ("data", "encoder", "work"):
        args.add_argument(f"--{name}", type=Path, required=True)
    args.add_argument("--held", default="0", help="the sixth that is left out, or none")
    args.add_argument("--threads", type=int, default=2)
    args.add_argument("--passes", type=int, default=PASSES)
    args.add_argument("--rank", type=int, default=RANK)
    args = args.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(SEED)
    sentences = examples.load(args.data, args.encoder, args.work / "plain.npy")
    sixths = [s for s in range(SIXTHS) if str(s) != args.held]
    feed = examples.Feed(sentences, sixths, SEED, WINDOWS)
    counts = weights(sentences.labels[np.concatenate([sentences.rows(s, "train", sixths) for s in ("AMI", "EmailIntent")])])
    model = Model(args.encoder, args.rank)
    adam = optimizer(model)
    place = args.work / f"held-{args.held}.pt"
    start, step = 0, 0
    if place.exists():
        saved = torch.load(place)
        model.load_state_dict(saved["model"])
        adam.load_state_dict(saved["adam"])
        start, step = saved["pass"], saved["step"]
        torch.set_rng_state(saved["dice"])
        print(f"going on at pass {start + 1}, step {step}", flush=True)
    saved_at, began = time.time(), time.time()
    held = lambda t: t.part == "train" and str(t.sixth) == args.held and t.source != "BC3"

    def keep(at_pass, at_step):
        state = {"model": model.state_dict(), "adam": adam.state_dict(), "pass": at_pass, "step": at_step,
                 "dice": torch.get_rng_state(), "rank": args.rank}
        torch.save(state, f"{place}.new")
        os.replace(f"{place}.new", place)

    for nth in range(start, args.passes):
        steps = feed.one_pass(nth)
        sums = np.zeros(2)
        model.train()
        for at in range(step, len(steps)):
            progress = (nth + at / len(steps)) / args.passes
            rate = min(progress / WARM, 1.0) * 0.5 * (1 + math.cos(math.pi * progress)) + 0.01
            for group, most in zip(adam.param_groups, (RATE, HEADS_RATE)):
                group["lr"] = most * rate
            cut, lone = steps[at]
            losses = [sentence_loss(model, sentences, some, counts) for some in (cut, lone) if some]
            adam.zero_grad()
            sum(losses).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            adam.step()
            sums[: len(losses)] += [loss.item() for loss in losses]
            if at % 50 == 49:
                print(f"pass {nth + 1} step {at + 1}/{len(steps)} losses {sums / 50} {time.time() - began:.0f} s", flush=True)
                sums[:] = 0
            if time.time() - saved_at > CHECKPOINT_SECONDS:
                keep(nth, at + 1)
                saved_at = time.time()
        step = 0
        keep(nth + 1, 0)
        if args.held != "none":
            report(model, sentences, held, f"after pass {nth + 1}")


if __name__ == "__main__":
    main()
