"""Claims with evidence that bears them out, and with evidence that does not.

Human pairs: sentences of summaries and the utterances that people linked them to (AMI decisions, actions and problems; BC3).
Made pairs: a sentence said by someone, told in the third person, with the passage that it stands in. Of each true pair come
two false ones: the claim altered (`alter.py`; or the evidence altered under it), and other evidence of the same thread.
"""

import random
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

import alter
import corpus
import measure
from windows import CLS, SEP, Pieces, Window, batch

LONGEST_CLAIM, LONGEST_EVIDENCE = 64, 96
# Rows that are added to a word piece that the other part has too, or has not.
SHARED, ALONE = 1, 2
MOST_LINKED = 12
# Threads whose sentences are told in the third person; none of them is a meeting of AMI.
TOLD = ["convosumm_email", "w3c_minutes", "ethpm_notes", "qmsum_academic", "qmsum_committee"]
TOLD_EACH = 60  # sentences of a thread
FILLERS = re.compile(r"\b(?:um+|uh+|er+m*|hmm+|you know|i mean|sort of|kind of|well|so|okay|yeah|basically|actually)\b,? ?", re.I)


@dataclass
class Talk:
    """Who said what, in order, and the claims with the sentences that bear them out."""

    said: list  # (author, text)
    claims: list  # (claim, [places in said])
    people: list
    human: bool


def talks_of(thread) -> Talk:
    """The human links of a thread of the corpus."""
    by_claim: dict = {}
    if thread.source == "AMI":
        # Links count messages as the meeting has them; empty ones are dropped from `lines`.
        place = {line.message: at for at, line in enumerate(thread.lines)}
        for link in thread.gold["evidence_links"]:
            by_claim.setdefault(link["sentence"], set()).add(place.get(link["msg"]))
        said = [(line.author, line.text) for line in thread.lines]
    else:
        sentences = thread.gold["sentences"]
        names = list(sentences)
        said = [(None, sentences[name]) for name in names]
        for summary in thread.gold["linked_summaries"]:
            for part in summary:
                places = {names.index(link.strip()) for link in part["links"] if link.strip() in sentences}
                by_claim.setdefault(part["text"], set()).update(places)
    claims = [(claim, sorted(p for p in places if p is not None)) for claim, places in by_claim.items() if len(claim.split()) > 2]
    return Talk(said, [c for c in claims if c[1]], sorted({a for a, _ in said if a}), True)


def told(data: Path) -> list:
    """Threads of other corpora, as talks whose claims are their own sentences told in the third person."""
    talks = []
    for name in TOLD:
        for item in corpus.items(data / f"{name}.jsonl.gz"):
            said = [(m["author"], s) for m in item["messages"] for s in corpus.sentences(m["text"]) if len(s.split()) < 60]
            talks.append(third_person(said, item["id"]))
    return [talk for talk in talks if talk.claims]


def third_person(said: list, seed) -> Talk:
    dice = random.Random(str(seed))
    places = [at for at, (author, text) in enumerate(said) if author and 6 <= len(text.split()) <= 35 and not text.endswith("?")]
    places = sorted(dice.sample(places, min(TOLD_EACH, len(places))))
    return Talk(said, [(tell(*said[at]), [at]) for at in places], sorted({a for a, _ in said if a}), False)


def tell(author: str, text: str) -> str:
    """What `author` said as others would report it."""
    text = FILLERS.sub("", text).strip(" ,-")
    for pattern, new in ((r"\bI['’]ll\b", f"{author} will"), (r"\bI['’]m\b|\bI am\b", f"{author} is"), (r"\bI['’]ve\b|\bI have\b", f"{author} has"),
                         (r"\bI['’]d\b", f"{author} would"), (r"\bI\b|\bme\b", author), (r"\b[Mm]y\b", "their"), (r"\b[Ww]e['’]ll\b", "they will"),
                         (r"\b[Ww]e['’]re\b", "they are"), (r"\b[Ww]e['’]ve\b", "they have"), (r"\b[Ww]e\b", "they"), (r"\b[Oo]ur\b", "their")):
        text = re.sub(pattern, new, text)
    return text[:1].upper() + text[1:]


class Pairs:
    def __init__(self, threads, sixths, encoder: Path, seed: int, data: Path):
        self.pieces = Pieces(encoder / "tokenizer.json")
        self.seed, self.threads = seed, [t for t in threads if t.gold]
        ours = [t for t in self.threads if t.part == "train" and t.sixth in sixths]
        human = [talks_of(t) for t in ours]
        self.human = [(talk, claim) for talk in human for claim in talk.claims]
        spoken = [third_person(talk.said, at) for at, talk in enumerate(human) if talk.people]
        self.made = [(talk, claim) for talk in spoken + told(data) for claim in talk.claims]

    def step(self, nth: int, many: int):
        """The batch of a step, the same for the same `nth`: of each three pairs one is true."""
        dice = random.Random(f"{self.seed} pairs {nth}")
        texts = []
        while len(texts) < many:
            pool = self.made if len(texts) % 9 == 0 else self.human
            texts += three(*dice.choice(pool), dice)
        return self.batch(texts), torch.tensor([float(truth) for _, _, truth in texts])

    def batch(self, texts: list):
        claims = self.pieces.of([claim for claim, _, _ in texts])
        evidence = self.pieces.of([evidence for _, evidence, _ in texts])
        return pair_batch(list(zip(claims, evidence)))

    def scores(self, model, texts: list) -> np.ndarray:
        model.eval()
        order = sorted(range(len(texts)), key=lambda at: len(texts[at][0]) + len(texts[at][1]))
        found = np.zeros(len(texts), dtype=np.float32)
        with torch.inference_mode():
            for low in range(0, len(texts), 32):
                some = order[low : low + 32]
                found[some] = model(self.batch([texts[at] for at in some])).numpy()
        return found

    def report(self, model, wanted, title="support"):
        """Areas under ROC on the human pairs of the threads that `wanted` picks: whole evidence, and one utterance of it."""
        found = [talks_of(t) for t in self.threads if t.source == "AMI" and wanted(t)]
        figures = {}
        for what, texts in judged(found, self.seed).items():
            score, truth = self.scores(model, texts), np.array([t for _, _, t in texts])
            figures[what] = (measure.area(score, truth), int(truth.sum()), int((~truth).sum()))
        print(f"{title}: " + "  ".join(f"{what} {area:.3f} ({true}/{false})" for what, (area, true, false) in figures.items()), flush=True)
        return figures


def pair_batch(pairs: list):
    """`[CLS] claim [SEP] evidence [SEP]`, the evidence with token type 1; `starts` marks what both have and what one lacks."""
    made = []
    for claim, evidence in pairs:
        claim, evidence = claim[:LONGEST_CLAIM], evidence[:LONGEST_EVIDENCE]
        ids = np.array([CLS, *claim, SEP, *evidence, SEP], dtype=np.int64)
        first = len(claim) + 2
        spans = [(0, 1, 1 + len(claim)), (1, first, first + len(evidence))]
        inside = lambda own, others: [SHARED if piece in others else ALONE for piece in own]
        marks = [0, *inside(claim, set(evidence)), 0, *inside(evidence, set(claim)), 0]
        made.append(Window(ids, np.array(marks), np.zeros_like(ids), spans))
    padded = batch(made)
    for row, window in enumerate(made):
        padded.types[row, window.spans[1][1] : len(window.ids)] = 1
    return padded


def evidence_text(said: list, places: list) -> str:
    """`Ana: … Ben: …`: the sentences in order, a speaker named where he or she begins."""
    words, before = [], None
    for at in places:
        author, text = said[at]
        words.append(f"{author}: {text}" if author and author != before else text)
        before = author
    return " ".join(words)


def some_of(talk: Talk, places: list, dice: random.Random) -> list:
    """The evidence, or a part of it, or with its neighbours."""
    if len(places) > MOST_LINKED:
        low = dice.randrange(len(places) - MOST_LINKED + 1)
        places = places[low : low + MOST_LINKED]
    if len(places) > 2 and dice.random() < 0.3:
        places = sorted(dice.sample(places, (len(places) + 1) // 2 + 1))
    if dice.random() < (0.3 if talk.human else 0.6):
        places = sorted({min(max(at + by, 0), len(talk.said) - 1) for at in places for by in (-1, 0, 1)})
    return places


def other(talk: Talk, places: list, dice: random.Random) -> list:
    """Other evidence of the same thread: of another claim, or a run of sentences that say something."""
    rest = [p for _, p in talk.claims if not set(p) & set(places)]
    if rest and dice.random() < 0.5:
        return dice.choice(rest)[:MOST_LINKED]
    length = max(1, min(len(places), 6))
    for _ in range(20):
        low = dice.randrange(max(1, len(talk.said) - length))
        run = [at for at in range(low, min(low + length, len(talk.said))) if at not in places]
        if sum(len(talk.said[at][1].split()) for at in run) >= 6:
            return run
    return rest[0] if rest else [0]


def attributed(talk: Talk, claim: str, places: list, dice: random.Random) -> str:
    """A claim whose evidence is one person's may name that person."""
    authors = {talk.said[at][0] for at in places}
    if not talk.human or len(authors) != 1 or None in authors or any(p in claim for p in talk.people):
        return claim
    how = dice.choice(["The {} says that {}", "{}: {}", "According to the {}, {}"])
    lower = claim[:1].lower() + claim[1:] if claim.split()[0] in ("The", "They", "There", "It", "A", "Their", "Some", "Users") else claim
    return how.format(authors.pop(), lower)


def three(talk: Talk, claim: tuple, dice: random.Random) -> list:
    """A true pair, the same with something altered, and the claim with other evidence."""
    text, linked = claim
    places = some_of(talk, linked, dice)
    kinds = list(alter.KINDS)
    dice.shuffle(kinds)
    if kinds[0] == "speaker" or dice.random() < 0.15:
        text = attributed(talk, text, places, dice)
    bears = evidence_text(talk.said, places)
    elsewhere = [talk.claims[dice.randrange(len(talk.claims))][0] for _ in range(3)]
    found = [(text, bears, True), (text, evidence_text(talk.said, other(talk, linked, dice)), False)]
    for kind in kinds:
        # Evidence altered under a claim keeps the model from knowing altered wording by its looks.
        if kind in ("number", "negation") and dice.random() < 0.3 and len(places) == 1:
            if wrong := alter.alter(kind, bears, talk.people, elsewhere, dice):
                return [*found, (text, wrong, False)]
        if wrong := alter.alter(kind, text, talk.people, elsewhere, dice):
            return [*found, (wrong, bears, False)]
    return [*found, (text, evidence_text(talk.said, other(talk, linked, dice)), False)]


def judged(talks: list, seed: int) -> dict:
    """The pairs to be judged: against the same thread, and against each kind of alteration."""
    dice = random.Random(f"{seed} judged")
    sets: dict = {name: [] for name in ("thread", "thread, one utterance", "altered", *alter.KINDS)}
    for talk in talks:
        for claim, linked in talk.claims:
            bears = evidence_text(talk.said, linked[:MOST_LINKED])
            sets["thread"].append((claim, bears, True))
            longest = max(linked, key=lambda at: len(talk.said[at][1]))
            sets["thread, one utterance"].append((claim, evidence_text(talk.said, [longest]), True))
            for _ in range(6):
                places = other(talk, linked, dice)
                sets["thread"].append((claim, evidence_text(talk.said, places), False))
                longest = max(places, key=lambda at: len(talk.said[at][1]))
                sets["thread, one utterance"].append((claim, evidence_text(talk.said, [longest]), False))
            for kind in alter.KINDS:
                text = attributed(talk, claim, linked, dice) if kind == "speaker" else claim
                others = [talk.claims[dice.randrange(len(talk.claims))][0] for _ in range(3)]
                if wrong := alter.alter(kind, text, talk.people, others, dice):
                    pair = [(text, bears, True), (wrong, bears, False)]
                    sets[kind] += pair
                    sets["altered"] += pair
    return sets
