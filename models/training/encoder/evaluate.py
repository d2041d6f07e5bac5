"""Fits what stands on top of the trained encoder (way back, linear voice, beliefs, thresholds), and prints the figures of the tests.

`python evaluate.py --data … --encoder … --work … --held 0` judges the run that left out that sixth, and leaves `chosen-0.npz` and
`figures-0.json` for `export.py`.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch

import blend
import examples
import measure
import pairs
import vectors
import words
from corpus import HEADS, OTHERS
from linear import Linear, dense
from model import WIDTH, Model, Support
from train import SEED

WANTED = {"request": 0.82, "suggest": 0.58, "offer": 0.58, "elicit": 0.80, "action": 0.36, "decision": 0.12}
SOURCES = ("EmailIntent", "AMI", "BC3")
# Threads of other kinds are few beside meetings, so the way back hears them this often.
OTHERS_TIMES = 4


def arguments():
    args = argparse.ArgumentParser()
    for name in ("data", "encoder", "work"):
        args.add_argument(f"--{name}", type=Path, required=True)
    args.add_argument("--held", default="0")
    args.add_argument("--threads", type=int, default=2)
    return args


def load(args, what: str):
    """The sentence model (`held`) or the support score (`support`) of a run."""
    saved = torch.load(args.work / f"{what}-{args.held}.pt")
    model = (Model if what == "held" else Support)(args.encoder, saved["rank"])
    model.load_state_dict(saved["model"])
    return model.eval()


class Judge:
    """Both voices on every sentence of the corpus, and what they were fitted with."""

    def __init__(self, args, sentences):
        self.sentences, self.args = sentences, args
        self.source = np.concatenate([[t.source] * len(t.lines) for t in sentences.threads])
        self.part = np.concatenate([["held" if str(t.sixth) == args.held and t.part == "train" else t.part] * len(t.lines) for t in sentences.threads])
        model = load(args, "held")
        seen, training = self.read(model), self.part == "train"
        often = np.concatenate([np.flatnonzero(training), *[np.flatnonzero(training & np.isin(self.source, OTHERS))] * (OTHERS_TIMES - 1)])
        self.projection = vectors.way_back(seen[often], sentences.plain[often].astype(np.float32))
        self.plain = vectors.back(seen, self.projection)
        rows, bags = dense(sentences.threads, self.plain), words.bags([line.text for t in sentences.threads for line in t.lines])
        self.voice = Linear(rows[training], bags[training], sentences.labels[training])
        self.linear = self.voice.logits(rows, bags)
        with torch.inference_mode():
            self.net = model.heads(torch.from_numpy(seen[:, :WIDTH])).numpy()
        held = self.part == "held" if args.held != "none" else training
        self.beliefs, self.thresholds = blend.choose(self.net[held], self.linear[held], sentences.labels[held], self.source[held], self.rates(training | held))
        self.chances = blend.chances(self.net, self.linear, self.beliefs)

    def read(self, model) -> np.ndarray:
        """Vectors of the corpus; kept between runs, until the model is newer."""
        run, file = self.args.work / f"held-{self.args.held}.pt", self.args.work / f"vectors-{self.args.held}.npy"
        if not file.exists() or file.stat().st_mtime < run.stat().st_mtime:
            np.save(file, vectors.contextual(model, self.sentences.threads, self.sentences.pieces))
        return np.load(file)

    def rates(self, own) -> list:
        """The share of sentences that carry a head's label, at its home."""
        return [float(np.nanmean(self.sentences.labels[own & (self.source == blend.home(head)), head])) for head in range(len(HEADS))]

    def figures(self) -> dict:
        """By head and test; prints a row for each."""
        found = {}
        print(f"{'head':<10} {'test':<16} {'n':>6} {'true':>5}  {'P':>5} {'R':>5} {'F1':>5}  {'best':>5}  {'AP':>5}  {'net':>5} {'line.':>5}  {'ECE':>5}")
        for part, source, head in ((p, s, h) for p in ("held", "test", "dev") for s in SOURCES for h in range(len(HEADS))):
            labels = self.sentences.labels[:, head]
            own = (self.part == part) & (self.source == source) & ~np.isnan(labels)
            if own.any():
                figure = self.figure(own, head)
                found[f"{HEADS[head]} {source} {part}"] = figure
                print(f"{HEADS[head]:<10} {source + ' ' + part:<16} {figure['n']:>6} {figure['true']:>5}  {figure['precision']:5.3f} {figure['recall']:5.3f} "
                      f"{figure['f1']:5.3f}  {figure['best']:5.3f}  {figure['ap']:5.3f}  {figure['net']:5.3f} {figure['linear']:5.3f}  {figure['ece']:5.3f}{mark(figure, part, source, HEADS[head])}")
        for part in ("test", "dev"):
            for source in (*SOURCES, *OTHERS):
                own = (self.part == part) & (self.source == source)
                if own.any():
                    found[f"plain {source} {part}"] = cosines(self.plain[own], self.sentences.plain[own])
        for name in (name for name in found if name.startswith("plain ")):
            print(f"cosine to MiniLM, {name}: {found[name]}")
        return found

    def figure(self, own, head: int) -> dict:
        truth, chance = self.sentences.labels[own, head] > 0, self.chances[own, head]
        precision, recall, f1 = measure.f1_at(chance, truth, self.thresholds[head])
        found = {"precision": precision, "recall": recall, "f1": f1, "best": measure.best_f1(chance, truth)[0],
                 "ap": measure.average_precision(chance, truth), "net": measure.average_precision(self.net[own, head], truth),
                 "linear": measure.average_precision(self.linear[own, head], truth), "ece": measure.calibration_error(chance, truth)}
        return {"n": int(own.sum()), "true": int(truth.sum())} | {name: round(float(number), 4) for name, number in found.items()}


def mark(figure: dict, part: str, source: str, name: str) -> str:
    if part != "test" or source != ("EmailIntent" if name == "request" else "AMI") or name not in WANTED:
        return ""
    got = figure["ap"] if name in ("action", "decision") else figure["f1"]
    return f"  {'reached' if got >= WANTED[name] else 'missed'} {WANTED[name]}"


def cosines(ours, theirs) -> dict:
    found = (ours * theirs.astype(np.float32)).sum(1)
    return {"mean": round(float(found.mean()), 3), "5th percentile": round(float(np.quantile(found, 0.05)), 3)}


def judge_support(args, sentences, figures: dict) -> np.ndarray:
    """Adds the figures of the support score; returns what calibrates it on the held-out sixth: scale, bias, threshold."""
    claims = pairs.Pairs(sentences.threads, [], args.encoder, SEED, args.data)
    model = load(args, "support")

    def asked(wanted) -> tuple:
        talks = [pairs.talks_of(t) for t in claims.threads if t.source == "AMI" and wanted(t)]
        sets = pairs.judged(talks, SEED)
        texts = sets["thread"] + sets["altered"]
        return claims.scores(model, texts), np.array([truth for _, _, truth in texts])

    score, truth = asked(lambda t: t.part == "train" and (str(t.sixth) == args.held or args.held == "none"))
    scale, bias = blend.belief(score[:, None], truth)
    threshold = measure.best_f1(blend.sigmoid(scale * score + bias), truth)[1]
    found = claims.report(model, lambda t: t.part == "test", "support, test")
    figures |= {f"support {what} test": {"area": round(area, 4), "true": true, "false": false} for what, (area, true, false) in found.items()}
    score, truth = asked(lambda t: t.part == "test")
    chance = blend.sigmoid(scale * score + bias)
    error, f1 = measure.calibration_error(chance, truth), measure.f1_at(chance, truth, threshold)[2]
    figures["support test"] = {"ece": round(error, 4), "f1": round(float(f1), 4)}
    print(f"support, test: ECE {error:.3f}, F1 {f1:.3f} at {threshold:.3f}")
    return np.array([scale, bias, threshold], dtype=np.float32)


def main():
    args = arguments().parse_args()
    torch.set_num_threads(args.threads)
    sentences = examples.load(args.data, args.encoder, args.work / "plain.npy")
    judge = Judge(args, sentences)
    for name, (net, linear, bias) in zip(HEADS, judge.beliefs):
        print(f"{name:<10} net {net:.2f} linear {linear:.2f} bias {bias:.2f}")
    figures = judge.figures()
    support = judge_support(args, sentences, figures) if (args.work / f"support-{args.held}.pt").exists() else np.zeros(3)
    (args.work / f"figures-{args.held}.json").write_text(json.dumps(figures, indent=1))
    np.savez(args.work / f"chosen-{args.held}.npz", beliefs=judge.beliefs, thresholds=judge.thresholds, support=support, weight=judge.projection[0],
             bias=judge.projection[1], dense=judge.voice.dense, words=judge.voice.words, voice_bias=judge.voice.bias)


if __name__ == "__main__":
    main()
