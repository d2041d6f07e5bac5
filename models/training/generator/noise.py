"""Makes a note harder than it was, its wording the same: fillers, false starts, greetings, and sentences that go on after it.

Real speech and mail have these, but no rule words such notes well. Added to notes whose wording is known, they teach to leave
them out. The quote is changed with the note, and whatever `checks.py` then refuses is given up.
"""

import re

from checks import borne_out

NOISY = 0.36
LONGEST = 60
SOUNDS = ["um,", "uh,", "you know,", "like,", "I mean,", "er,", "basically", "sort of", "kind of", "just", "well,", "actually"]
OPENINGS = [
    "So", "Okay so", "Yeah,", "Right,", "And", "But", "Well,", "So yeah,", "Okay,", "Now", "Alright,", "Mm,", "Oh,",
    "So basically", "I mean,"
]
GREETINGS = [
    "Hi all,", "Hello,", "Hey everyone,", "Hi folks,", "Thanks for the update.", "Good morning,", "Hi there,",
    "Sorry for the late reply.", "FYI,", "Quick note:", "Hello everyone,", "Thanks!", "Great.", "Sounds good.", "Dear all,",
    "+1"
]
CLOSINGS = [
    "Thanks!", "Does that make sense?", "Any thoughts?", "Cheers", "Let me know.", "Best regards", "Just my two cents.",
    "or something like that", "you know", "right?", "so yeah", "if that makes sense", "Thanks in advance.", "I think", ":-)"
]


HOSTS = ["example.org", "lists.example.com", "git.example.net", "docs.example.org"]
PATHS = ["issues", "minutes", "pull", "archive/2019", "drafts", "spec", "wiki"]


def spoken(text, draw):
    """Fillers and repeats among the words."""
    words = text.split()
    for _ in range(draw.randint(1, 3)):
        at = draw.randrange(1, len(words))
        before = words[at - 1].strip(".,")
        kind = draw.random()
        if kind < 0.5:
            words.insert(at, draw.choice(SOUNDS))
        elif kind < 0.8 and before.isalpha():
            words.insert(at, before.lower() if before != "I" else "I")
        elif words[at].isalpha() and len(words[at]) > 3:
            words.insert(at, words[at][: draw.randint(1, 3)])
    if draw.random() < 0.6:
        first = words[0] if words[0] in ("I",) or not words[0][1:].islower() else words[0].lower()
        words = [draw.choice(OPENINGS), first, *words[1:]]
    return " ".join(words)


def written(text, draw):
    """A greeting before it, a closing after it, or both."""
    if draw.random() < 0.65:
        text = f"{draw.choice(GREETINGS)} {text}"
    if draw.random() < 0.4:
        text = f"{text} {draw.choice(CLOSINGS)}"
    return text


def linked(text, draw):
    """An address before it, after it or both, and perhaps votes."""
    link = lambda: f"https://{draw.choice(HOSTS)}/{draw.choice(PATHS)}/{draw.randint(1, 900)}"
    if draw.random() < 0.5:
        text = f"{link()} {text}"
    if draw.random() < 0.6:
        text = f"{text} {draw.choice(['', 'See ', 'Link: '])}{link()}"
    return text + draw.choice(["", "", " +1", " +1 +1"])


def unfinished(text, draw):
    """The note without its full stop, or with a comma for it, as speech is cut."""
    return text.rstrip(".") + draw.choice(["", ",", " and", " so", ", but", " -"]) if text.endswith(".") else text


def longer(thread, unit):
    """The unit and what its speaker says next, as one note."""
    at = next((n for n, u in enumerate(thread["units"]) if u is unit), None)
    follows = thread["units"][at + 1] if at is not None and at + 1 < len(thread["units"]) else None
    if follows and follows["author"] == unit["author"]:
        return unit["shown"] + " " + follows["shown"]
    return None


def added(pair, thread, unit, draw):
    """The pair with a harder note; None where it is left as it is or the checks do not hold any more."""
    if draw.random() > NOISY:
        return None
    if draw.random() < 0.3:
        note = longer(thread, unit)
    elif draw.random() < 0.2:
        note = unfinished(unit["shown"], draw)
    elif draw.random() < 0.25:
        note = linked(unit["shown"], draw)
    elif thread["spoken"] or thread["kind"] == "chat":
        note = spoken(unit["shown"], draw)
    else:
        note = written(unit["shown"], draw)
    if note is None or len(note.split()) > LONGEST:
        return None
    quote = [pair["quote"][0], re.sub(r"\s+", " ", note)]
    if borne_out(pair["answer"], [quote], pair["names"] + [pair["title"]]):
        return None
    notes = [list(n) for n in pair["notes"]]
    notes[pair["at"]][1] = note
    return {**pair, "notes": notes, "quote": quote, "from": "noise"}
