"""Threads to windows of word pieces: `[CLS] halo core halo [SEP]`, deterministic and greedy.

A window's core is as many whole sentences as fit into CORE word pieces (at least one; a sentence is cut at LONGEST). The
halo is the HALO word pieces of the thread before the core and the HALO after it: they lend context and get no vector. So
each sentence is in exactly one core, and a long thread costs (CORE + 2 HALO + 2) / CORE = 1.13 times its word pieces.
"""

from dataclasses import dataclass

import numpy as np
import torch
from tokenizers import Tokenizer

CORE = 208
HALO = 12
LONGEST = 126
# Speakers of a window are numbered as they first speak in it; more than these share the last number.
SPEAKERS = 8
CLS, SEP, UNK, MASK = 101, 102, 100, 103
# What is added to the first word piece of a sentence: nothing elsewhere, one row where the speaker goes on, one where another starts.
NO_START, GOES_ON, STARTS = 0, 1, 2


@dataclass
class Window:
    ids: np.ndarray  # word pieces
    starts: np.ndarray  # NO_START, GOES_ON or STARTS, by word piece
    speakers: np.ndarray  # 0 for [CLS] and [SEP], else 1 + the speaker's number
    spans: list  # of the core's sentences: (sentence of the thread, from, to)


class Pieces:
    """Sentences to word pieces, without special tokens."""

    def __init__(self, file):
        self.tokenizer = Tokenizer.from_file(str(file))
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()

    def of(self, texts: list) -> list:
        encoded = self.tokenizer.encode_batch(texts, add_special_tokens=False)
        return [e.ids[:LONGEST] or [UNK] for e in encoded]


def speakers_of(lines: list) -> list:
    """Who speaks, by sentence: the author, or the message where no author is known."""
    return [line.author if line.author is not None else f"message {line.message}" for line in lines]


def windows(pieces: list, speakers: list, first: int = CORE) -> list:
    """`pieces` and `speakers` by sentence; `first` is the room of the first core (training moves the cuts with it)."""
    flat = [piece for sentence in pieces for piece in sentence]
    begins = np.cumsum([0] + [len(sentence) for sentence in pieces])
    of_piece = np.repeat(np.arange(len(pieces)), [len(sentence) for sentence in pieces])
    made, at, room = [], 0, first
    while at < len(pieces):
        end = at + 1
        while end < len(pieces) and begins[end + 1] - begins[at] <= room:
            end += 1
        low, high = max(0, begins[at] - HALO), min(len(flat), begins[end] + HALO)
        numbers, marks, who = {}, [NO_START], [0]
        for place in range(low, high):
            sentence = of_piece[place]
            speaker = numbers.setdefault(speakers[sentence], min(len(numbers), SPEAKERS - 1))
            who.append(1 + speaker)
            same = sentence > 0 and speakers[sentence] == speakers[sentence - 1]
            marks.append(NO_START if place > begins[sentence] else GOES_ON if same else STARTS)
        ids = np.array([CLS, *flat[low:high], SEP], dtype=np.int64)
        spans = [(s, int(begins[s] - low + 1), int(begins[s + 1] - low + 1)) for s in range(at, end)]
        made.append(Window(ids, np.array(marks + [NO_START]), np.array(who + [0]), spans))
        at, room = end, CORE
    return made


@dataclass
class Batch:
    """Padded windows. `pool` [windows, sentences, pieces] has 1 / length on a sentence's word pieces."""

    ids: torch.Tensor
    starts: torch.Tensor
    speakers: torch.Tensor
    types: torch.Tensor
    mask: torch.Tensor
    pool: torch.Tensor
    real: torch.Tensor  # [windows, sentences]: is there a sentence


def batch(made: list) -> Batch:
    longest = max(len(w.ids) for w in made)
    most = max(len(w.spans) for w in made)
    ids = torch.zeros(len(made), longest, dtype=torch.long)
    starts, speakers, types = torch.zeros_like(ids), torch.zeros_like(ids), torch.zeros_like(ids)
    mask = torch.zeros(len(made), longest, dtype=torch.bool)
    pool = torch.zeros(len(made), most, longest)
    real = torch.zeros(len(made), most, dtype=torch.bool)
    for row, window in enumerate(made):
        size = len(window.ids)
        ids[row, :size] = torch.from_numpy(window.ids)
        starts[row, :size] = torch.from_numpy(window.starts)
        speakers[row, :size] = torch.from_numpy(window.speakers)
        mask[row, :size] = True
        for at, (_, low, high) in enumerate(window.spans):
            pool[row, at, low:high] = 1 / (high - low)
            real[row, at] = True
    return Batch(ids, starts, speakers, types, mask, pool, real)
