"""The words of a sentence, word pairs and its opening, hashed as `src/classify/features.rs` hashes them."""

import numpy as np
from scipy import sparse

BUCKETS = 1 << 15
MAX_WORDS = 60
MARKS = "?!:@$#"


def tokens(text: str) -> list:
    """Lower-case words, numbers as `0`, and the marks that carry meaning."""
    found, inside = [], False
    for c in text:
        if c.isalnum() or c in "'’":
            if inside:
                found[-1] += c.lower()
            else:
                found.append(c.lower())
            inside = True
        else:
            inside = False
            if c in MARKS:
                found.append(c)
        if len(found) > MAX_WORDS:
            break
    return ["0" if word.isascii() and word.isdigit() else word for word in found][:MAX_WORDS]


def bucket(*parts: str) -> int:
    """FNV-1a over the parts, each closed by a zero byte."""
    value = 0xCBF2_9CE4_8422_2325
    for part in parts:
        for byte in part.encode() + b"\0":
            value = ((value ^ byte) * 0x0100_0000_01B3) & 0xFFFF_FFFF_FFFF_FFFF
    return (value ^ (value >> 32)) % BUCKETS


def bag(text: str) -> list:
    """The buckets of a sentence, each once, in order; each weighs 1 / sqrt(how many)."""
    words = tokens(text)
    found = set()
    for at, word in enumerate(words):
        following = words[at + 1] if at + 1 < len(words) else "$"
        found.update((bucket("w", word), bucket("b", word, following)))
        if at == 0:
            third = words[2] if len(words) > 2 else "$"
            found.update((bucket("f", word), bucket("g", word, following, third)))
    return sorted(found)


def bags(texts: list) -> sparse.csr_matrix:
    """[sentences, BUCKETS]"""
    rows = [bag(text) for text in texts]
    ends = np.cumsum([0] + [len(row) for row in rows])
    columns = np.array([b for row in rows for b in row], dtype=np.int32)
    weights = np.concatenate([np.full(len(row), 1 / np.sqrt(max(len(row), 1)), dtype=np.float32) for row in rows])
    return sparse.csr_matrix((weights, columns, ends), shape=(len(texts), BUCKETS))
