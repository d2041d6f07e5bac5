"""Trains the adapter: `python train.py --gguf FILE --pairs train.jsonl --out FOLDER [--rank 16] [--epochs 1] [--threads 2]`.

Pairs are packed without padding: one row is the prompt's static beginning, once, and after it many pairs, each of which sees
the beginning and itself and counts its positions on from there: the very sums of a single prompt, at less than half the cost.
Loss on the answers only. The same seed gives the same order; a checkpoint (adapter, Adam's moments, step) is written every few
minutes and taken up again by the same command.
"""

import argparse
import json
import math
import os
import random
import time

import torch
import torch.nn.functional as F

from model import ADAPTED, SmolLM2
from prompt import Prompts

SEED = 5
ROW_TOKENS = 400
ROWS_PER_STEP = 2
WARM_UP = 0.05
SAVE_EVERY_SECS = 240


def encoded(prompts, path):
    """[(tail ids, answer ids)] of every pair."""
    pairs = [json.loads(line) for line in open(path)]
    return [(prompts.tail(p["task"], p["title"], p["notes"]), prompts.answer(p["answer"])) for p in pairs]


def packed(pairs, static, seed):
    """Rows of pair numbers, at most ROW_TOKENS each with the static beginning, in an order that `seed` fixes."""
    order = [n for n, (tail, answer) in enumerate(pairs) if len(tail) + len(answer) < ROW_TOKENS - static]
    random.Random(seed).shuffle(order)
    rows, row, used = [], [], static
    for n in order:
        size = len(pairs[n][0]) + len(pairs[n][1])
        if used + size > ROW_TOKENS and row:
            rows.append(row)
            row, used = [], static
        row.append(n)
        used += size
    return rows + [row] if row else rows


def row_tensors(pairs, static, row):
    """ids [1, t], positions [1, t], mask [1, 1, t, t] (true = seen), targets [t] (-1 where nothing is learned)."""
    ids, positions, owner, targets = list(static), list(range(len(static))), [-1] * len(static), [-1] * len(static)
    for n in row:
        tail, answer = pairs[n]
        both = tail + answer
        ids += both
        positions += range(len(static), len(static) + len(both))
        owner += [n] * len(both)
        # The token before the answer's first predicts it; the last predicts nothing.
        targets += [-1] * (len(tail) - 1) + answer + [-1]
    owner = torch.tensor(owner)
    seen = (owner[None, :] == -1) | (owner[None, :] == owner[:, None])
    mask = seen & torch.ones(len(ids), len(ids), dtype=torch.bool).tril()
    return torch.tensor(ids)[None], torch.tensor(positions)[None], mask[None, None], torch.tensor(targets)


def loss_of(model, pairs, static, row):
    """Summed negative log likelihood of a row's answers, and how many tokens those are."""
    ids, positions, mask, targets = row_tensors(pairs, static, row)
    states, _ = model.states(ids, positions, mask)
    at = targets >= 0
    return F.cross_entropy(model.logits(states[0, at]), targets[at], reduction="sum"), int(at.sum()), ids.shape[1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gguf", required=True)
    parser.add_argument("--pairs", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--adapted", default=",".join(ADAPTED))
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    os.makedirs(args.out, exist_ok=True)
    prompts = Prompts(args.gguf)
    pairs = encoded(prompts, args.pairs)
    rows = [row for epoch in range(args.epochs) for row in packed(pairs, len(prompts.static), SEED + epoch)]
    steps = math.ceil(len(rows) / ROWS_PER_STEP)
    model = SmolLM2(args.gguf, args.rank, args.adapted.split(","))
    parameters = list(model.adapter().values())
    optimizer = torch.optim.AdamW(parameters, lr=args.rate, weight_decay=0.0, betas=(0.9, 0.98))
    start, saved = 0, os.path.join(args.out, "checkpoint.pt")
    if os.path.exists(saved):
        state = torch.load(saved)
        model.load_adapter(state["adapter"])
        optimizer.load_state_dict(state["optimizer"])
        start = state["step"]
    print(f"{len(pairs)} pairs, {len(rows)} rows, {steps} steps from {start}, {sum(p.numel() for p in parameters)} weights", flush=True)

    def save(step):
        state = {"adapter": {k: v.detach() for k, v in model.adapter().items()}, "optimizer": optimizer.state_dict(), "step": step}
        torch.save(state | {"rank": args.rank, "adapted": args.adapted}, saved + ".new")
        os.replace(saved + ".new", saved)

    began = last = time.time()
    tokens, shown_loss, shown_count = 0, 0.0, 0
    for step in range(start, steps):
        warm = max(1, int(WARM_UP * steps))
        share = min(1.0, (step + 1) / warm) * (0.5 + 0.5 * math.cos(math.pi * max(0, step - warm) / max(1, steps - warm)))
        optimizer.param_groups[0]["lr"] = args.rate * max(share, 0.02)
        batch = rows[step * ROWS_PER_STEP : (step + 1) * ROWS_PER_STEP]
        answers = sum(len(pairs[n][1]) for row in batch for n in row)
        for row in batch:
            loss, count, size = loss_of(model, pairs, prompts.static, row)
            (loss / answers).backward()
            tokens, shown_loss, shown_count = tokens + size, shown_loss + loss.item(), shown_count + count
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if (step + 1) % 10 == 0:
            rate = tokens / (time.time() - began)
            print(f"step {step + 1}/{steps} loss {shown_loss / shown_count:.3f} {rate:.0f} tokens/s "
                  f"{(time.time() - began) / 60:.1f} min", flush=True)
            shown_loss, shown_count = 0.0, 0
        if time.time() - last > SAVE_EVERY_SECS or step + 1 == steps:
            save(step + 1)
            last = time.time()


if __name__ == "__main__":
    main()
