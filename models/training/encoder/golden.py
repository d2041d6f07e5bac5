"""A made-up thread and made-up claims, and what PyTorch says of them with the tensors as they ship."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

import blend
import linear
import vectors
import words
from corpus import HEADS
from pairs import pair_batch
from windows import Pieces, batch, speakers_of, windows

# Numbers of a vector that are written down; the length says the rest.
SHOWN = 16


@dataclass
class Said:
    author: str | None
    text: str
    message: int = 0


THREAD = [Said(author, text, at) for at, (author, text) in enumerate([
    ("Ana", "Good morning, everyone."), ("Ana", "The import of the March invoices failed again last night."),
    ("Bogdan", "Hmm."), ("Bogdan", "Do we know why?"), ("Chiara", "The supplier changed the date format, so the parser gave up after row 214."),
    ("Bogdan", "Okay."), ("Ana", "Could you send me the log by noon, Chiara?"), ("Chiara", "Yes, I'll do that right after this call."),
    ("Bogdan", "Maybe we should accept both formats for a while."), ("Ana", "I like that."), ("Ana", "Um but"),
    ("Chiara", "It would take about two days, because every column has its own rule and there are forty-one of them."),
    ("Bogdan", "Then let's do it, and drop the old format in June."), ("Ana", "So we've decided: both formats until June, and Chiara writes the change."),
    ("Chiara", "Fine with me."), ("Bogdan", "I can review it on Thursday."), ("Ana", "Thanks."),
    ("Ana", "Next is the office move, which I know nobody wants to talk about, but the lease ends in nine weeks and the landlord has asked twice whether we want to renew it."),
    ("Bogdan", "What does the other place cost?"), ("Chiara", "About 4,200 euros a month, heating included."), ("Bogdan", "That's rather a lot."),
    ("Chiara", "Right."), ("Ana", "Let's postpone it until the budget is known."), ("Bogdan", "Agreed."), ("Ana", "…"),
    ("Ana", "That's all; have a good day."), ("Chiara", "Bye.")])]
LONE = [Said(None, "Please let me know by Friday whether the room is free."), Said(None, "The report is attached.")]
PAIRS = [
    ("The group will accept both date formats until June.", "Bogdan: Then let's do it, and drop the old format in June. Ana: So we've decided: both formats until June, and Chiara writes the change."),
    ("The group will not accept both date formats until June.", "Bogdan: Then let's do it, and drop the old format in June. Ana: So we've decided: both formats until June, and Chiara writes the change."),
    ("Chiara will send the log to Ana by noon.", "Ana: Could you send me the log by noon, Chiara? Chiara: Yes, I'll do that right after this call."),
    ("Bogdan will send the log to Ana by noon.", "Ana: Could you send me the log by noon, Chiara? Chiara: Yes, I'll do that right after this call."),
    ("Chiara will send the log to Ana by noon.", "Chiara: About 4,200 euros a month, heating included."),
]


def rounded(numbers, digits: int = 5) -> list:
    return [round(float(n), digits) for n in numbers]


def judged(model, tensors: dict, lines: list, pieces: list, kind: int) -> list:
    """The windows of a thread, and by sentence its vectors, buckets and probabilities."""
    cut = windows(pieces, speakers_of(lines))
    found = np.concatenate([model.sentences(batch([window])).numpy() for window in cut])
    embeddings = model.encoder.word_embeddings.numpy()
    seen = np.concatenate([found, np.stack([embeddings[own].mean(0) for own in pieces])], 1)
    plain = vectors.back(seen, (tensors["projection.weight"], tensors["projection.bias"]))
    dense = linear.rows(lines, plain, kind)
    made = []
    for window in cut:
        sentences = []
        for at, low, high in window.spans:
            buckets = words.bag(lines[at].text)
            logits = tensors["heads.weight"] @ found[at] + tensors["heads.bias"] + tensors["dense.weight"] @ dense[at]
            logits = logits + tensors["words.weight"][buckets].sum(0) / max(len(buckets), 1) ** 0.5
            sentences.append({"sentence": at, "from": low, "to": high, "buckets": buckets, "vector": rounded(found[at, :SHOWN]), "length": rounded([np.linalg.norm(found[at])])[0],
                              "plain": rounded(plain[at, :SHOWN]), "places": rounded(dense[at, -linear.PLACES :]), "probabilities": rounded(blend.sigmoid(logits))})
        made.append({"ids": window.ids.tolist(), "starts": window.starts.tolist(), "speakers": window.speakers.tolist(), "sentences": sentences})
    return made


def dump(model, support, tensors: dict, encoder: Path) -> str:
    pieces = Pieces(encoder / "tokenizer.json")
    threads, scores = [], []
    with torch.inference_mode():
        for lines, kind in ((THREAD, "AMI"), (LONE[:1], "EmailIntent"), (LONE[1:], "EmailIntent")):
            said = [{"author": line.author, "text": line.text, "message": line.message} for line in lines]
            made = judged(model, tensors, lines, pieces.of([line.text for line in lines]), linear.KINDS[kind])
            threads.append({"kind": "transcript" if kind == "AMI" else "email", "lines": said, "windows": made})
        for claim, evidence in PAIRS:
            pair = pair_batch([(pieces.of([claim])[0], pieces.of([evidence])[0])])
            score = {"ids": pair.ids[0].tolist(), "types": pair.types[0].tolist(), "marks": pair.starts[0].tolist(), "probability": rounded([torch.sigmoid(support(pair)).item()])[0]}
            scores.append({"claim": claim, "evidence": evidence} | score)
    whole = {"heads": HEADS, "shown": SHOWN, "threads": threads, "support": scores}
    lines = json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
    for start in ('{"sentence":', '{"claim":', '{"ids":', '{"kind":'):
        lines = lines.replace(start, "\n" + start)
    return lines + "\n"
