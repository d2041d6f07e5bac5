"""What may be shown of a model's wording: `src/summarize/ground.rs` and `src/text/words.rs`, in Python, check for check.

`test_checks.py` holds both to the same answers. Change one, change the other.
"""

import re

COMMON = frozenset(
    """the a an of to in on for and or is are was were be been being it this that these those i you he she they we as with by
    at from not but if so do does did have has had will would can could should may might must there here their its his her
    our your my me us them what which who whom when where why how then than also just about into over more most some any no
    yes uh um oh okay ok yeah well like really very only too such each other both all up out off now still get got go going
    one im ive id ill youre thats its dont doesnt didnt isnt arent wasnt cant couldnt wont wouldnt lets""".split()
)
ENDINGS = ("ing", "ed", "es", "ly", "s")
SHORTEST_STEM = 3

REPORTING = (
    "say said tell told ask asked mention mentioned note noted report reported write wrote explain explained describe "
    "described state stated discuss discussed talk talked"
).split()
NEGATIONS = frozenset(
    "not no never cannot without none nobody nothing neither nor dont wont cant unable "
    "didnt doesnt isnt arent wasnt werent wouldnt couldnt shouldnt hasnt havent hadnt".split()
)
NUMBER_WORDS = frozenset(
    """two three four five six seven eight nine ten eleven twelve twenty thirty hundred thousand million first second third
    half double twice monday tuesday wednesday thursday friday saturday sunday january february march april june july august
    september october november december today tomorrow yesterday""".split()
)
CERTAIN = (
    ("must", ("must", "have", "need", "required", "requir")),
    ("will", ("will", "going", "gonna", "shall", "ill", "well", "youll", "theyll", "hell", "shell", "itll", "wont")),
)
HEDGES = frozenset("might may maybe could perhaps probably should would".split())
ASKING = frozenset("ask asks asked whether wonders".split())
FEWEST_WORDS, MOST_WORDS, IN_ORDER = 5, 40, 0.8

NUMBER = re.compile(r"\d[\d.,:/-]*\d|\d")
ABOUT_TEXT = re.compile(
    r"\b(?:the|this) (?:thread|conversation|discussion|notes?|text|passage|speaker|author|summary|message)s?\b"
    r"|\bbottom line\b|\bas an ai\b",
    re.I,
)


def words(text):
    """Runs of letters and digits, lower case; an apostrophe inside a word is dropped."""
    found, word = [], ""
    for n, c in enumerate(text):
        if c.isalnum():
            word += c.lower()
        elif c in "'’" and word and text[n + 1 : n + 2].isalpha():
            pass
        elif word:
            found.append(word)
            word = ""
    return found + [word] if word else found


def stem(word):
    """Lengths are in bytes, as in Rust."""
    size = lambda w: len(w.encode())
    for ending in ENDINGS:
        if word.endswith(ending) and size(word) >= size(ending) + SHORTEST_STEM:
            word = word[: -len(ending)]
            break
    return word[:-1] if word.endswith("e") and size(word) > SHORTEST_STEM else word


def content_stems(text):
    return [stem(w) for w in words(text) if w not in COMMON]


REPORTING_STEMS = frozenset(stem(w) for w in REPORTING)


def borne_out(sentence, quotes, names):
    """None when one of `quotes` [(speaker or None, text)] bears the sentence out, else why not. `names`: participants, title."""
    count = len(sentence.split())
    if not FEWEST_WORDS <= count <= MOST_WORDS:
        return f"length {count}"
    if not sentence.endswith((".", "!")):
        return "no statement"
    if ABOUT_TEXT.search(sentence):
        return "about the text"
    claim = content_stems(sentence)
    share = [sum(s in known for s in claim) for known in (set(content_stems(text)) for _, text in quotes)]
    if not share or max(share) == 0:
        return f"word {claim[0] if claim else ''}"
    speaker, quote = quotes[share.index(max(share))]
    named = [*names, speaker] if speaker is not None else list(names)
    return (
        _numbers(sentence, quote, names)
        or _vocabulary(claim, quote, named)
        or _capitals(sentence, quote, named)
        or _order(claim, quote)
        or _certainty(sentence, quote)
        or ("negation" if denies(sentence) != denies(quote) else None)
        or _speaker(sentence, speaker, quote, names)
    )


def _numbers(sentence, quote, names):
    allowed = {m for text in (quote, *names) for m in NUMBER.findall(text)}
    for number in NUMBER.findall(sentence):
        if number not in allowed:
            return f"number {number}"
    quoted = set(words(quote))
    return next((f"number {w}" for w in words(sentence) if w in NUMBER_WORDS and w not in quoted), None)


def _vocabulary(claim, quote, named):
    known = set(content_stems(quote)).union(REPORTING_STEMS, *(content_stems(n) for n in named))
    return next((f"word {s}" for s in claim if s not in known), None)


def _capitals(sentence, quote, named):
    known = {w for text in (quote, *named) for w in words(text)}
    tokens = [t for t in re.split(r"[^\w'’]|_", sentence) if t][1:]
    return next((f"word {w}" for t in tokens if t[0].isupper() for w in words(t) if w not in known), None)


def _order(claim, quote):
    quoted = content_stems(quote)
    shared = [s for s in claim if s in quoted]
    row = [0] * (len(quoted) + 1)
    for word in shared:
        diagonal = 0
        for n, other in enumerate(quoted):
            above = row[n + 1]
            row[n + 1] = diagonal + 1 if word == other else max(above, row[n])
            diagonal = above
    return None if row[-1] >= IN_ORDER * len(shared) else "order"


def _certainty(sentence, quote):
    said, quoted = words(sentence), words(quote)
    for word, grounds in CERTAIN:
        if any(w.startswith(word) for w in said) and not any(w.startswith(grounds) for w in quoted):
            return f"certainty {word}"
    reports = any(w in ASKING for w in said)
    if quote.rstrip().endswith("?") and not reports:
        return "certainty ?"
    if HEDGES & set(quoted) and not HEDGES & set(said) and not reports:
        return "certainty hedge"
    return None


def denies(text):
    return sum(w in NEGATIONS for w in words(text)) % 2 == 1


def _speaker(sentence, speaker, quote, names):
    opening = re.split(r"[\W_]", sentence, maxsplit=1)[0].lower()
    for name in names:
        first = (name.split() or [""])[0].lower()
        if len(first.encode()) > 1 and first == opening:
            said_it = speaker is not None and first in speaker.lower()
            return None if said_it or first in quote.lower() else f"speaker {name}"
    return None
