"""Rules that reword one note as one plain sentence: openers and fillers dropped, the first person turned into names.

Only sentences that a rule fully understands come through; anything left in the first or second person does not. What a rule
makes is still held against `checks.py` by whoever calls it. Present tense stays present, past stays past.
"""

import re

from english import (
    ADVERB, BASE, BROKEN, CLAUSE, DANGLING, EXPANSIONS, EXPLETIVE, FILLERS, IMPERATIVE, MODAL, NO_OPENER, ODD, OPENER, OWN, PARENTHESIS,
    PERSON, VERB, lower, others, third, verb_after,
)

MOST_WORDS = 30
RESOLVES = frozenset(
    """publish accept approve request create adopt defer mark rewrite invite replace rename allow document clarify extend disallow
    require transition include postpone resolve recharter turn improve integrate convert bring link retain revert split switch explain
    restrict be confirm delay rely forbid deprecate upgrade restore""".split()
)
"""What resolutions begin with, beside the verbs of `BASE`."""
# How minutes and mail announce what was decided, proposed or is to be done.
DECIDED = r"(?:agreed|decided|resolved|approved|concluded|chose|voted|settled)"
FORMULA = re.compile(
    r"^(proposed resolution|proposal|proposed|resolved|resolution|decision|agreed|action)\b[^:]{0,6}: ?(.+)$", re.I
)

def cleaned(note):
    """The note without openers, fillers and asides, contractions written out; None where it is no whole sentence."""
    text = re.sub(r"\s+", " ", note.replace("’", "'")).strip()
    text = re.sub(r" '(?=s\b|re\b|ve\b|ll\b|d\b|m\b)", "'", text)
    text = re.sub(r" n't\b", "n't", text)
    text = re.sub(r"(?: \+1)+$", "", re.sub(r"(?: <?https?://\S+>?)+$", "", PARENTHESIS.sub("", text)))
    text = re.sub(r"^(?:\+1 )+", "", text)
    if FORMULA.match(text):
        text = re.sub(r"\s+<?https?://\S+", "", re.split(r"\s\+1\b", text)[0])
        text = text if text.endswith((".", "?", "!")) else text + "."
    text = re.sub(r"\s+([.,;:?!])", r"\1", text)
    broken = re.search(r"\w+://|[.!?]\s+[A-Z]|\?.", text) if FORMULA.match(text) else BROKEN.search(text)
    if broken or text.count('"') % 2 or not text.endswith((".", "?", "!")):
        return None
    for pattern, replacement in EXPANSIONS:
        text = pattern.sub(replacement, text)
    for _ in range(3):
        if not NO_OPENER.match(text):
            text = OPENER.sub("", text)
    for pattern, replacement in FILLERS:
        text = pattern.sub(replacement, text)
    text = re.sub(r",(?:\s*,)+", ",", re.sub(r"\s+", " ", text)).strip(" ,;-–")
    return text if len(text.split()) >= 4 else None


def question(text, name):
    """"Do we need X?" as "NAME asked if they need X."; None for questions of another build."""
    who = name or "They"
    body = text[:-1].strip()
    vocative = re.match(r"([A-Z][a-z]+), (?:can|could|would|will) you (?:please )?(.+)$", body)
    if vocative:
        return name and ending(f"{who} asked {vocative.group(1)} to {vocative.group(2)}", name)
    can = re.match(r"(?:can|could|would|will) (?:you|someone|somebody|anyone|anybody)(?: guys| all)? (?:please )?([a-z].+)$", body, re.I)
    if can:
        return name and ending(f"{who} asked if they {body.split()[0].lower()} {can.group(1)}", name)
    wh = r"(what|which|how|when|where|why|who|how many \w+|how much \w+|what kind of \w+|which \w+|what \w+|how (?:long|often|far|soon))"
    subject = r"(we|i|you|it|this|that|there|they|the \w+|these|those|this \w+|that \w+|your \w+|our \w+)"
    auxiliary = r"(am|is|are|was|were|do|does|did|can|could|should|would|will|has|have)"
    match = re.match(rf"(?:{wh} )?{auxiliary} {subject}\b ?(.*)$", body, re.I)
    if not match:
        return None
    wh, auxiliary, subject, rest = match.group(1), match.group(2).lower(), match.group(3), match.group(4)
    link = wh.lower() if wh else "if"
    subject = {"we": "they", "you": "they", "i": "they"}.get(subject.lower(), subject[0].lower() + subject[1:])
    subject = re.sub(r"^(?:your|our) ", "their ", subject)
    if " " in subject and not rest or not rest and auxiliary in ("do", "does", "did"):
        return None
    if subject in ("it", "this", "that", "these", "those") and len(rest.split()) < 3:
        return None
    # "is the parser ready" is fine; "is the new parser ready" would be cut in the wrong place.
    if " " in subject and (auxiliary in ("is", "are", "was", "were", "has", "have") and not re.match(
            r"(?:going|ready|still|already|supposed|able|not|[a-z]+ing|[a-z]+ed|correct|possible|required|needed|the|a|in|on|at)\b", rest)):
        return None
    if " " in subject and auxiliary in MODAL | {"do", "does", "did"} and rest.split()[0] not in BASE | {"be", "work", "support"}:
        return None
    if auxiliary in ("do", "does"):
        verb, _, tail = rest.partition(" ")
        if verb == "not" or not verb.isalpha() or re.match(rf"{ADVERB}$|even$|ever$", verb):
            return None
        clause = f"{subject} {third(verb) if auxiliary == 'does' else verb} {tail}"
    elif auxiliary == "did":
        verb, _, tail = rest.partition(" ")
        if verb not in BASE:
            return None
        clause = f"{subject} did {verb} {tail}"
    else:
        if subject == "they" and auxiliary in ("is", "was", "am"):
            auxiliary = {"is": "are", "was": "were", "am": "are"}[auxiliary]
        clause = f"{subject} {auxiliary} {rest}"
    return name and ending(f"{who} asked {link} {clause}", name)


def ending(text, name):
    """`text` with what is left of the first person turned, its "you" meaning those spoken to, and a full stop."""
    head, tail = (name, text[len(name) :]) if name and text.startswith(name) else ("", text)
    tail = re.sub(r"\byou are\b", "they are", tail)
    tail = re.sub(r"\byoursel(?:f|ves)\b", "themselves", tail)
    tail = re.sub(r"\byour\b", "their", re.sub(r"\byou\b", "they", tail))
    tail = others(tail, name, bool(head))
    return None if tail is None else head + tail.rstrip(" .?!,;:") + "."


def reword(note, speaker, dangling=False):
    """`note` as one plain sentence, or None. `speaker` is the name as shown before the note, None where nobody is named.

    `dangling`: also what begins with "that" or "they", told as what the speaker said; only a note without others is worded so.
    """
    text = cleaned(note)
    if text is None:
        return None
    name = speaker
    if not FORMULA.match(text):
        text = re.sub(r"^[\w|`-]+: (?=\S)", "", text)  # whom a line of chat is for
    if text.endswith("?"):
        return finished(name and question(text, name), name)
    text = text.rstrip("!").rstrip(".") + "."
    first = text.split(" ", 1)
    opening, rest = first[0], first[1] if len(first) > 1 else ""
    if text.lower().startswith("let us "):
        return finished(name and ending(f"{name} said they should {text[7:]}", name), name)
    please = re.match(r"please ([a-z].+)$", text, re.I)
    if please:
        return finished(name and ending(f"{name} asked them to {please.group(1)}", name), name)
    if re.search(r"\byou(?:r|rs|rself)?\b", text, re.I):
        return None
    if opening == "I":
        rest = name and verb_after("S", rest)
        tail = rest and others(" " + rest, name, True)
        return finished(tail and name + tail, name)
    if opening == "We":
        rest = verb_after("P", rest)
        tail = rest and others(" " + rest, name, bool(name))
        decided = re.match(rf" (?:(?:{ADVERB}|have|had|all) )*{DECIDED}\b", tail or "")
        return finished(tail and (f"{name} said they{tail}" if name and not decided else "They" + tail), name)
    if opening == "To":
        return None
    points_back = DANGLING.match(text) and not OWN.match(text) and not EXPLETIVE.match(text)
    if points_back and not (dangling and name):
        return None
    formula = formal(text, name)
    if formula:
        return finished(formula, name)
    if IMPERATIVE.match(text):
        told = name and re.sub(r"^to do not ", "not to ", "to " + text[0].lower() + text[1:])
        return finished(name and ending(f"{name} said {told}", name), name)
    if opening.lower().strip(",") in BASE | {"do", "wondering", "thinking", "hoping"}:
        return None
    if not VERB.search(text):
        return None
    hedged = re.search(r"\b(?:maybe|perhaps|might|probably|could|should|would)\b", text, re.I)
    if name and (hedged or points_back or EXPLETIVE.match(text) or PERSON.search(text) and not re.search(r"\bI\b", text)):
        tail = others(lower(text), name, True)
        return finished(tail and f"{name} said {tail}", name)
    return finished(others(text, name, False), name)


def formal(text, name):
    """"RESOLVED: close the issue" as what it says: decided, proposed, or to be done. None for anything else."""
    match = FORMULA.match(text)
    if not match:
        return None
    word, rest = match.group(1).lower(), re.sub(r"\s*\+1\.?$", "", match.group(2))
    rest = re.sub(r"^(?:[-–] |\(\S+\) |that )", "", rest, flags=re.I)
    first = rest.split(" ", 1)[0].lower()
    link = "to" if first in BASE | RESOLVES else "that"
    rest = (rest[0].lower() + rest[1:]) if link == "to" else lower(rest)
    if link == "to" and rest.startswith("do not "):
        link, rest = "not to", rest[7:]
    elif re.match(r"[\w-]+ to [a-z]+", rest):
        link = "for"
    if word == "action":
        to = re.match(r"(\w+(?: \w+)?) (?:to|will) (.+)$", match.group(2))
        return to and f"{to.group(1)} is to {to.group(2)}"
    if word in ("proposal", "proposed resolution", "proposed"):
        rest = others(rest, name, True)
        if rest is None:
            return None
        verb = "proposed" if word != "proposal" else "said the proposal is"
        return f"{name} {verb} {link} {rest}" if name else f"The {word} is {link} {rest}"
    rest = others(rest, None, True)
    if rest is None:
        return None
    if word in ("resolved", "agreed"):
        return f"They {word} {link} {rest}"
    return f"The {word} is {link} {rest}"


def finished(text, name):
    """The sentence if it is whole: not too long (a last clause may be cut), nobody's "I" left, a capital and a full stop."""
    if not text:
        return None
    text = shortened(re.sub(r"[ ,;:–-]+\.$", ".", re.sub(r"\s+", " ", text).strip()))
    if text is None or PERSON.search(text) or ODD.search(text):
        return None
    return text if name and text.startswith(name) else text[0].upper() + text[1:]


def shortened(text):
    """At most MOST_WORDS words, cut where a clause begins, if that leaves enough."""
    while len(text.split()) > MOST_WORDS:
        cuts = [m.start() for m in CLAUSE.finditer(text) if len(text[: m.start()].split()) >= 8]
        if not cuts:
            return None
        text = text[: cuts[-1]].rstrip(" ,;") + "."
    return text
