"""Claims made wrong in one thing: a number, a name, negation, who said it, or when. Each function returns None where it finds nothing to alter."""

import random
import re

NUMBERS = "one two three four five six seven eight nine ten eleven twelve fifteen twenty thirty forty fifty hundred thousand million".split()
AIDS = r"will|would|can|could|should|must|may|might|is|are|was|were|has|have|had|do|does|did"
STOP = set("about after again against because been before being between could doing during every first further group having "
           "itself might never other project really should since still their there these thing things those through under until "
           "using where whether which while whose would already decided discussed meeting people sure going think maybe".split())


def number(text: str, dice: random.Random) -> str | None:
    found = list(re.finditer(rf"\d+(?:[.,]\d+)*|\b(?:{'|'.join(NUMBERS)})\b", text, re.I))
    if not found:
        return None
    hit = dice.choice(found)
    old = hit.group()
    if old[0].isdigit():
        whole = int(re.match(r"\d+", old).group())
        new = str(dice.choice([n for n in (whole + 1, whole + 2, whole * 2, whole + 10, max(0, whole - 1), whole // 2) if n != whole]))
        new += old[len(str(whole)):] if dice.random() < 0.5 else ""
    else:
        new = dice.choice([n for n in NUMBERS if n != old.lower()])
        new = new.capitalize() if old[0].isupper() else new
    return text[: hit.start()] + new + text[hit.end() :] if new != old else None


def name(text: str, others: list, dice: random.Random) -> str | None:
    """Another name or thing in place of one; `others` are the texts to take it from."""
    proper = lambda t: [m for m in re.finditer(r"(?<=[a-z,] )[A-Z][\w-]+(?: [A-Z][\w-]+)*", t)]
    things = lambda t: [m for m in re.finditer(r"\b[a-z][a-z-]{4,}\b", t) if m.group() not in STOP]
    for kind in (proper, things):
        new = [m.group() for t in others for m in kind(t) if m.group().lower() not in text.lower()]
        found = kind(text)
        if kind is things:
            ending = lambda w: w[-2:] if w[-2:] in ("ed", "ly", "ng", "es") else w[-1:] == "s"
            pairs = [(m, n) for m in found for n in new if ending(m.group()) == ending(n)]
        else:
            pairs = [(m, n) for m in found for n in new]
        if pairs:
            hit, word = dice.choice(pairs)
            return text[: hit.start()] + word + text[hit.end() :]
    return None


def negation(text: str, dice: random.Random) -> str | None:
    for pattern, new in ((r"\bcannot\b", "can"), (r"\b(can|wo|do|does|did|is|are|was|were|has|have|had|would|could|should)n['’]t\b", None),
                         (rf"\b({AIDS}) not\b", r"\1"), (r"\bnever ", "always "), (r"\bno longer\b", "still"), (r"\b[Nn]o\b(?= \w)", "some"), (r"\bnot ", "")):
        if new is None:
            changed = re.sub(pattern, lambda m: {"wo": "will", "ca": "can"}.get(m.group(1), m.group(1)), text, count=1, flags=re.I)
        else:
            changed = re.sub(pattern, new, text, count=1)
        if changed != text:
            return changed
    found = list(re.finditer(rf"\b(?:{AIDS})\b(?! not)(?=\s+\w)", text))
    if found:
        hit = found[0]
        return f"{text[: hit.end()]} not{text[hit.end() :]}"
    past = re.search(r"\b(decided|agreed|wanted|chose|planned|intends?|wants?|plans?) to\b", text)
    return text[: past.end(1)] + " not" + text[past.end(1) :] if past else None


def tense(text: str, dice: random.Random) -> str | None:
    for pattern, new in ((r"\b(will|'ll|is going to|are going to|should|must) be\b", "has already been"), (r"\b(?:will|'ll|is going to|are going to|should) not\b", "did not"),
                         (r"(?:\bwill|'ll|\bis going to|\bare going to) (?=[a-z])", " used to "), (r"\b(?:was|were)\b", "will be"), (r"\b(?:has|have) been\b", "will be"),
                         (r"\b(decid|discuss|present|mention|explain|suggest|prepar|agre)ed\b", None), (r"\b(?:is|are)\b", "had once been")):
        how = new or (lambda m: "will " + {"decid": "decide", "prepar": "prepare", "agre": "agree"}.get(m.group(1), m.group(1)))
        changed = re.sub(r" +", " ", re.sub(pattern, how, text, count=1)).strip()
        if changed != text:
            return changed
    return None


def speaker(text: str, people: list, dice: random.Random) -> str | None:
    for person in people:
        if person in text and (others := [p for p in people if p != person and p not in text]):
            return text.replace(person, dice.choice(others))
    return None


KINDS = ("number", "name", "negation", "speaker", "tense")


def alter(kind: str, text: str, people: list, others: list, dice: random.Random) -> str | None:
    made = {"number": lambda: number(text, dice), "name": lambda: name(text, others, dice), "negation": lambda: negation(text, dice),
            "speaker": lambda: speaker(text, people, dice), "tense": lambda: tense(text, dice)}[kind]()
    return made if made and made != text else None
