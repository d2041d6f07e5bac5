"""What training is fed: sentences with labels and plain vectors, windows in a new cut each pass, everything seeded."""

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

import corpus
from corpus import ACTS, HEADS
from model import Model
from windows import CORE, MASK, Batch, Pieces, batch, speakers_of, windows

# Mail is little beside speech, so each mail thread counts this often in a pass, and each lone mail sentence too.
MAIL_TIMES = 2
# Share of word pieces hidden in training, so that no head leans on one word.
HIDDEN_SHARE = 0.06


@dataclass
class Sentences:
    """All sentences of all threads by position. `labels` [n, heads] has nan where nothing is known."""

    threads: list
    begins: np.ndarray  # of each thread
    pieces: list
    labels: np.ndarray
    acts: np.ndarray  # index into ACTS, or -100
    plain: np.ndarray  # [n, 384] f16: MiniLM of the sentence alone

    def rows(self, source: str, part: str, sixths=range(corpus.SIXTHS)) -> np.ndarray:
        """The positions of the sentences of a source and part; `sixths` counts in training parts only."""
        found = [np.arange(low, low + len(t.lines)) for low, t in zip(self.begins, self.threads)
                 if t.source == source and t.part == part and (part != "train" or t.sixth in sixths)]
        return np.concatenate(found) if found else np.zeros(0, dtype=int)

    def cut(self, at: int, first: int = CORE) -> list:
        """The windows of thread `at`, each with the positions of its sentences."""
        low, high = self.begins[at], self.begins[at] + len(self.threads[at].lines)
        made = windows(self.pieces[low:high], speakers_of(self.threads[at].lines), first)
        return [(window, [low + s for s, _, _ in window.spans]) for window in made]


def load(data: Path, encoder: Path, cache: Path) -> Sentences:
    threads = corpus.read(data)
    lines = [line for thread in threads for line in thread.lines]
    pieces = Pieces(encoder / "tokenizer.json").of([line.text for line in lines])
    labels = np.array([[np.nan if is_ is None else float(is_) for is_ in line.labels] for line in lines], dtype=np.float32)
    acts = np.array([ACTS.index(line.act) if line.act in ACTS else -100 for line in lines])
    begins = np.cumsum([0] + [len(thread.lines) for thread in threads])[:-1]
    return Sentences(threads, begins, pieces, labels, acts, plain_vectors(pieces, encoder, cache))


def plain_vectors(pieces: list, encoder: Path, cache: Path) -> np.ndarray:
    """MiniLM's own vector of each sentence alone, each different sentence once; kept in `cache` between runs."""
    different = sorted({tuple(p) for p in pieces}, key=lambda p: (len(p), p))
    place = {p: at for at, p in enumerate(different)}
    if cache.exists() and len(known := np.load(cache)) == len(different):
        vectors = known
    else:
        model = Model(encoder, 1).eval()
        vectors = np.zeros((len(different), 384), dtype=np.float16)
        with torch.inference_mode():
            for low in range(0, len(different), 64):
                made = [alone(p, everything=True) for p in different[low : low + 64]]
                vectors[low : low + 64] = torch.nn.functional.normalize(model.sentences(batch(made)), dim=-1).numpy()
        cache.parent.mkdir(parents=True, exist_ok=True)
        np.save(cache, vectors)
    return vectors[[place[tuple(p)] for p in pieces]]


def alone(pieces, everything: bool = False):
    """One sentence as a window; with `everything` its vector is the mean over [CLS] and [SEP] too, as MiniLM has it."""
    window = windows([list(pieces)], [""])[0]
    if everything:
        window.spans = [(0, 0, len(window.ids))]
    return window


class Feed:
    """Batches of a training run: windows of threads, and lone mail sentences beside them."""

    def __init__(self, sentences: Sentences, sixths, seed: int, many: int):
        self.all, self.many = sentences, many
        ours = [at for at, t in enumerate(sentences.threads) if t.part == "train" and t.sixth in (*sixths, corpus.ALWAYS)]
        self.threads = [at for at in ours if sentences.threads[at].source != "EmailIntent"]
        self.lone = [at for at in ours if sentences.threads[at].source == "EmailIntent"]
        self.seed = seed

    def one_pass(self, nth: int) -> list:
        """The steps of a pass: (windows with positions, lone sentences with positions)."""
        dice = random.Random(f"{self.seed} {nth}")
        cut = []
        for at in self.threads:
            for _ in range(MAIL_TIMES if self.all.threads[at].source == "BC3" else 1):
                cut += self.all.cut(at, dice.randint(CORE // 8, CORE))
        dice.shuffle(cut)
        lone = [self.all.cut(at)[0] for at in self.lone for _ in range(MAIL_TIMES)]
        dice.shuffle(lone)
        # Sentences of like length go together, or most of a batch would be padding.
        lone.sort(key=lambda one: len(one[0].ids))
        steps = [cut[low : low + self.many] for low in range(0, len(cut), self.many)]
        each = -(-len(lone) // len(steps))
        mails = [lone[low : low + each] for low in range(0, len(lone), each)]
        mails += [[]] * (len(steps) - len(mails))
        dice.shuffle(mails)
        return list(zip(steps, mails))


def hidden(made: Batch, share: float = HIDDEN_SHARE) -> Batch:
    """The same with a share of its word pieces masked."""
    chosen = (torch.rand(made.ids.shape) < share) & (made.speakers > 0)
    made.ids = made.ids.masked_fill(chosen, MASK)
    return made


def targets(sentences: Sentences, rows) -> tuple:
    """Labels, acts and plain vectors of `rows`, as tensors."""
    rows = np.asarray(rows)
    return (torch.from_numpy(sentences.labels[rows]), torch.from_numpy(sentences.acts[rows]),
            torch.from_numpy(sentences.plain[rows].astype(np.float32)))


def judge(model: Model, sentences: Sentences, wanted) -> tuple:
    """What `model` says of the threads that `wanted` picks: positions, logits [n, heads], cosines to plain vectors."""
    rows, logits, cosines = [], [], []
    cut = [one for at, thread in enumerate(sentences.threads) if wanted(thread) for one in sentences.cut(at)]
    cut.sort(key=lambda one: len(one[0].ids))
    model.eval()
    with torch.inference_mode():
        for low in range(0, len(cut), 16):
            made, positions = zip(*cut[low : low + 16])
            vectors = model.sentences(batch(list(made)))
            positions = [p for some in positions for p in some]
            rows += positions
            logits.append(model.heads(vectors).numpy())
            plain = torch.from_numpy(sentences.plain[positions].astype(np.float32))
            cosines.append((model.plain(vectors) * plain).sum(-1).numpy())
    order = np.argsort(rows)
    return np.array(rows)[order], np.concatenate(logits)[order], np.concatenate(cosines)[order]
