"""Figures of an adapter on held-back pairs: `python evaluate.py --gguf FILE --pairs test.jsonl [--adapter FILE] [--out FILE]`.

Greedy answers, held against `checks.py` as they would be before anything is shown: the best of all the notes' quotes must bear
the sentence out. Without `--adapter` the plain model answers. `--adapter` is a checkpoint of `train.py` or the exported file.
"""

import argparse
import collections
import json

import torch
from rouge_score.rouge_scorer import RougeScorer
from safetensors.torch import load_file

from checks import borne_out, words
from model import SmolLM2, greedy
from prompt import NOTHING, Prompts

MOST_NEW = 56
BATCH = 16


def loaded(gguf, path):
    """The model with the adapter of `path`; without one, plain."""
    if path is None:
        return SmolLM2(gguf, rank=0)
    if path.endswith(".pt"):
        state = torch.load(path)
        model = SmolLM2(gguf, state["rank"], state["adapted"].split(","))
        model.load_adapter(state["adapter"])
    else:
        tensors = {k: v.float() for k, v in load_file(path).items()}
        adapted = sorted({k.split(".")[2] for k in tensors})
        model = SmolLM2(gguf, rank_of(tensors), adapted)
        model.load_adapter(tensors)
    return model


def rank_of(tensors):
    return next(t.shape[0] for name, t in tensors.items() if name.endswith("lora_a"))


def answers(model, prompts, pairs):
    """The greedy answer to each pair's prompt, in order."""
    ids = [prompts.encode(p["task"], p["title"], p["notes"]) for p in pairs]
    order = sorted(range(len(ids)), key=lambda n: len(ids[n]))
    texts = [""] * len(ids)
    for at in range(0, len(order), BATCH):
        some = order[at : at + BATCH]
        for n, answer in zip(some, greedy(model, [ids[n] for n in some], MOST_NEW, prompts.stops)):
            texts[n] = prompts.decode(answer).strip()
    return texts


def judged(pair, text):
    """What the checks say of an answer: None where it passes."""
    if pair["answer"] == NOTHING or text == NOTHING:
        return None if text == pair["answer"] else "nothing, or something"
    # The note that is to be reworded has its quote's own bytes; the others have theirs as shown.
    quotes = [pair["quote"] if n == pair["at"] else note for n, note in enumerate(pair["notes"])]
    return borne_out(text, quotes, pair["names"] + [pair["title"]])


def copied(pair, text):
    return any(words(text) == words(note) for _, note in pair["notes"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gguf", required=True)
    parser.add_argument("--pairs", required=True)
    parser.add_argument("--adapter")
    parser.add_argument("--out")
    parser.add_argument("--most", type=int, default=10**9)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    pairs = [json.loads(line) for line in open(args.pairs)][: args.most]
    texts = answers(loaded(args.gguf, args.adapter), Prompts(args.gguf), pairs)
    why = [judged(p, t) for p, t in zip(pairs, texts)]
    if args.out:
        with open(args.out, "w") as file:
            for pair, text, w in zip(pairs, texts, why):
                file.write(json.dumps({**pair, "said": text, "why": w}, ensure_ascii=False) + "\n")
    scorer = RougeScorer(["rouge1", "rouge2"], use_stemmer=True)
    rows = collections.defaultdict(list)
    for pair, text, w in zip(pairs, texts, why):
        score = scorer.score(pair["answer"], text)
        row = (w is None, text == pair["answer"], copied(pair, text), len(text.split()), score["rouge1"].fmeasure, score["rouge2"].fmeasure)
        for key in ("all", f"from {pair['from']}", f"task {pair['task']}", f"set {pair['set']}"):
            rows[key].append(row)
    print(f"{'':24} {'n':>4} {'passes':>7} {'same':>6} {'copy':>6} {'words':>6} {'R1':>6} {'R2':>6}")
    for key, some in sorted(rows.items()):
        mean = [sum(r[n] for r in some) / len(some) for n in range(6)]
        print(f"{key:24} {len(some):4} {mean[0]:7.3f} {mean[1]:6.3f} {mean[2]:6.3f} {mean[3]:6.1f} {mean[4]:6.3f} {mean[5]:6.3f}")
    print("failed:", dict(collections.Counter((w or "").split(" ")[0] for w in why if w)))


if __name__ == "__main__":
    main()
