"""Trains the support score: an adapter of its own, which starts from the one that `train.py` left (it has heard speech before).

`python train_support.py --data FOLDER --encoder FOLDER --work FOLDER --held 0`; goes on from its last checkpoint.
"""

import argparse
import math
import os
import time
from pathlib import Path

import torch
from torch.nn import functional as F

import corpus
import pairs
from model import Support
from train import CHECKPOINT_SECONDS, DROPOUT, SEED, WARM, WEIGHT_DECAY

STEPS = 1600
PAIRS = 12  # in one step: four threes
RATE, HEAD_RATE = 5e-4, 1e-3
# The true claim of a three has to come out above the false ones: this much beside the plain logistic loss.
RANKING_SHARE = 0.5
EACH_REPORT = 800


def fresh(args) -> Support:
    """A new score on the adapter of the sentence model, without its rows for starts and speakers."""
    saved = torch.load(args.work / f"held-{args.held}.pt")
    model = Support(args.encoder, saved["rank"])
    adapter = {name: tensor for name, tensor in saved["model"].items() if name.startswith("encoder.layer.")}
    model.load_state_dict(adapter, strict=False)
    return model


def loss_of(logits, truth):
    plain = F.binary_cross_entropy_with_logits(logits, truth)
    threes = logits.view(-1, 3)
    return plain + RANKING_SHARE * F.softplus(threes[:, 1:] - threes[:, :1]).mean()


def main():
    args = argparse.ArgumentParser()
    for name in ("data", "encoder", "work"):
        args.add_argument(f"--{name}", type=Path, required=True)
    args.add_argument("--held", default="0")
    args.add_argument("--threads", type=int, default=2)
    args.add_argument("--steps", type=int, default=STEPS)
    args = args.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(SEED)
    threads = corpus.read(args.data)
    sixths = [s for s in range(corpus.SIXTHS) if str(s) != args.held]
    claims = pairs.Pairs(threads, sixths, args.encoder, SEED, args.data)
    model = fresh(args)
    slow = [p for name, p in model.named_parameters() if name.startswith("encoder.")]
    fast = [p for name, p in model.named_parameters() if not name.startswith("encoder.")]
    adam = torch.optim.AdamW([{"params": slow}, {"params": fast}], weight_decay=WEIGHT_DECAY)
    place, start = args.work / f"support-{args.held}.pt", 0
    if place.exists():
        saved = torch.load(place)
        model.load_state_dict(saved["model"])
        adam.load_state_dict(saved["adam"])
        torch.set_rng_state(saved["dice"])
        start = saved["step"]

    def keep(step):
        state = {"model": model.state_dict(), "adam": adam.state_dict(), "step": step, "dice": torch.get_rng_state(),
                 "rank": model.encoder.layer[0].query.lora_a.shape[0]}
        torch.save(state, f"{place}.new")
        os.replace(f"{place}.new", place)

    held = lambda t: t.part == "train" and str(t.sixth) == args.held
    began = saved_at = time.time()
    total = 0.0
    for step in range(start, args.steps):
        model.train()
        progress = step / args.steps
        rate = min(progress / WARM, 1.0) * 0.5 * (1 + math.cos(math.pi * progress)) + 0.01
        adam.param_groups[0]["lr"], adam.param_groups[1]["lr"] = RATE * rate, HEAD_RATE * rate
        made, truth = claims.step(step, PAIRS)
        loss = loss_of(model(made, DROPOUT), truth)
        adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()
        total += loss.item()
        if step % 50 == 49:
            print(f"step {step + 1}/{args.steps} loss {total / 50:.3f} {time.time() - began:.0f} s", flush=True)
            total = 0.0
        if time.time() - saved_at > CHECKPOINT_SECONDS:
            keep(step + 1)
            saved_at = time.time()
        if step % EACH_REPORT == EACH_REPORT - 1 and args.held != "none":
            claims.report(model, held)
    keep(args.steps)


if __name__ == "__main__":
    main()
