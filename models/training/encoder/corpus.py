"""Labelled sentences by thread, in order, and which part of the work each thread belongs to.

The same rules as `models/training/heads/corpus.rs`, so that figures compare: of each seven meeting groups, in the order of
the sha256 of their names, one is for testing and the others are each in one of six parts; lone mail sentences go by their
own sha256; a thread that is not in `ami.jsonl.gz` or `bc3.jsonl.gz` is `dev` and is never trained on.
"""

import gzip
import hashlib
import itertools
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

HEADS = ["request", "suggest", "offer", "elicit", "inform", "assess", "hear", "stall", "answer", "action", "decision", "salience"]
HEAD = {name: at for at, name in enumerate(HEADS)}
# Dialogue acts of AMI, told apart in training only: what an act is not helps to learn what it is.
ACTS = ["inf", "ass", "sug", "off", "el.inf", "el.sug", "el.off", "el.ass", "el.und", "bck", "und", "stl", "fra", "be.pos", "be.neg", "oth"]
ANSWER_WITHIN = 3
FOLDS = 7
SIXTHS = FOLDS - 1
MAIL_TEST = 0.18
# Threads of other kinds, without labels: on them too a sentence's vector has to lead back to MiniLM's own. How much of each.
OTHERS = ["convosumm_email", "w3c_minutes", "docs"]
OTHER_THREADS, OTHER_SENTENCES, OTHER_TEST = 25, 50, 5
ALWAYS = -1  # the sixth of what is never held out


@dataclass
class Line:
    """One sentence. `labels`: a bool a head, or None where the data does not say."""

    text: str
    author: str | None
    message: int
    labels: list
    act: str = ""


@dataclass
class Thread:
    source: str  # EmailIntent, BC3, AMI or one of OTHERS
    name: str
    part: str  # train, test or dev
    sixth: int
    lines: list = field(default_factory=list)
    gold: dict | None = None  # of the whole thread, where it is ours to train on


def items(file: Path) -> list:
    opened = gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else open(file, encoding="utf-8")
    with opened as lines:
        return [json.loads(line) for line in lines]


def read(folder: Path) -> list:
    """All threads, in a fixed order: lone mail sentences, mail threads, meetings, others."""
    threads = email_intent(folder) + bc3(folder) + ami(folder) + others(folder)
    for thread in threads:
        thread.lines = [line for line in thread.lines if line.text]
    return threads


def email_intent(folder: Path) -> list:
    threads = []
    for item in items(folder / "acts_emailintent.jsonl"):
        text = item["text"].strip()
        labels = [None] * len(HEADS)
        labels[HEAD["request"]] = item["intent"]
        digest = hashlib.sha256(text.encode()).digest()
        test = int.from_bytes(digest[:4], "big") / 0xFFFF_FFFF < MAIL_TEST
        line = Line(text, None, 0, labels)
        threads.append(Thread("EmailIntent", item["id"], "test" if test else "train", digest[4] % SIXTHS, [line]))
    return threads


def bc3(folder: Path) -> list:
    ours = {item["id"]: item["gold"] for item in items(folder / "bc3.jsonl.gz")}
    threads = []
    trained = 0
    for name, group in itertools.groupby(items(folder / "acts_bc3.jsonl"), lambda item: item["id"].split("#")[0]):
        thread = Thread("BC3", name, "train" if name in ours else "dev", trained % SIXTHS, gold=ours.get(name))
        trained += name in ours
        for item in group:
            labels = [None] * len(HEADS)
            labels[HEAD["request"]] = item["acts"].get("request", 0) >= 1
            labels[HEAD["suggest"]] = item["acts"].get("propose", 0) >= 1
            votes = item.get("extractive_votes")
            labels[HEAD["salience"]] = None if votes is None else votes >= 2
            message = int(item["id"].split("#")[1].split(".")[0])
            thread.lines.append(Line(item["text"].strip(), None, message, labels))
        threads.append(thread)
    return threads


def ami(folder: Path) -> list:
    ours = {item["title"]: item["gold"] for item in items(folder / "ami.jsonl.gz")}
    utterances = items(folder / "acts_ami.jsonl.gz")
    groups = sorted({item["group"] for item in utterances}, key=lambda name: hashlib.sha256(name.encode()).digest())
    threads = []
    for name, meeting in itertools.groupby(utterances, lambda item: item["meeting"]):
        meeting = list(meeting)
        nth = groups.index(meeting[0]["group"]) % FOLDS
        part, sixth = ("test", 0) if nth == 0 else ("train", nth - 1)
        thread = Thread("AMI", name, part if name in ours else "dev", sixth, gold=ours.get(name))
        for at, item in enumerate(meeting):
            act = item["da"] or ""
            thread.lines.append(Line(item["text"].strip(), item["author"], at, speech(act, item["links"]), act))
        answers(thread.lines)
        threads.append(thread)
    return threads


def speech(act: str, links: list) -> list:
    """Labels of an utterance from its dialogue act and the sections of the summary that point to it."""
    labels = [None] * len(HEADS)
    if act:
        labels[HEAD["suggest"]] = act == "sug"
        labels[HEAD["offer"]] = act == "off"
        labels[HEAD["elicit"]] = act.startswith("el.")
        labels[HEAD["inform"]] = act == "inf"
        labels[HEAD["assess"]] = act in ("ass", "be.pos", "be.neg")
        labels[HEAD["hear"]] = act in ("bck", "und")
        labels[HEAD["stall"]] = act in ("stl", "fra")
    labels[HEAD["action"]] = "actions" in links
    labels[HEAD["decision"]] = "decisions" in links
    labels[HEAD["salience"]] = bool(links)
    return labels


def answers(lines: list) -> None:
    """An utterance that informs or judges answers when another person elicited shortly before."""
    for at, line in enumerate(lines):
        says = line.act in ("inf", "ass", "sug", "be.pos", "be.neg")
        before = lines[max(0, at - ANSWER_WITHIN) : at]
        line.labels[HEAD["answer"]] = says and any(b.act.startswith("el.") and b.author != line.author for b in before)


def others(folder: Path) -> list:
    """Threads of other kinds; every fifth is for testing."""
    threads = []
    for source in OTHERS:
        for nth, item in enumerate(items(folder / f"{source}.jsonl.gz")[:OTHER_THREADS]):
            lines = [Line(text, message["author"], at, [None] * len(HEADS)) for at, message in enumerate(item["messages"])
                     for text in sentences(message["text"])]
            threads.append(Thread(source, item["id"], "train" if nth % OTHER_TEST else "test", ALWAYS, lines[:OTHER_SENTENCES]))
    return threads


def sentences(text: str) -> list:
    """Roughly the sentences of a message, without what it quotes."""
    return [s.strip() for s in re.split(r"(?<=[.!?])\s+|\n+", text) if len(s.split()) > 1 and not s.lstrip().startswith(">")]
