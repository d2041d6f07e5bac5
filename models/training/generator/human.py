"""Sentences that people wrote of a thread, each with the units that may bear it out: linked ones, or those that share most words."""

import re

from checks import content_stems
from english import BASE, BROKEN, DANGLING, OPENER, PERSON

# A person's verb of report, which the quote itself rarely has, becomes one that claims nothing.
VERB = re.compile(
    r"\b(?:suggested|proposed|recommended|believed|thought|argued|stressed|commented|added|claimed|pointed out|stated|mentioned|"
    r"indicated|emphasized|announced|clarified|replied|responded|noted)(?: that)? (?=\w+ )"
)
NOW = re.compile(r"\b(?:suggests|proposes|recommends|argues|states|mentions|points out|replies|responds|notes|adds|claims|explains)(?: that)? ")
SENTENCE = re.compile(r"(?<=[.!])\s+(?=[A-Z])")
IMPERATIVE = BASE | set("publish accept approve request create adopt defer mark rewrite invite replace".split())
# Linked utterances in the neighbourhood are looked at too.
MOST_UNITS = 4


def human_sentences(thread, item):
    """[(section, sentence, [units])] of one thread; `item` is its line of the data, with the gold."""
    gold = item.get("gold", {})
    links = [(link["section"], link["sentence"], link["msg"]) for link in gold.get("evidence_links") or []]
    linked = {}
    for section, sentence, message in links:
        linked.setdefault((section, sentence), set()).add(message)
    found = [(section, text, messages) for (section, text), messages in linked.items()]
    if not found:
        texts = list(gold.get("summaries") or [gold.get("summary") or ""])
        texts += [q["answer"] for q in gold.get("queries") or []]
        found = [("summary", s.strip(), None) for t in texts for s in SENTENCE.split(t.replace("\n", " "))]
        found += [("decisions", s, None) for s in gold.get("decisions") or [] if isinstance(s, str)]
        found += [("actions", s, None) for s in gold.get("actions") or [] if isinstance(s, str)]
    stems = [(u, set(content_stems(" ".join(u["quotes"])))) for u in thread["units"]] if found else []
    out = []
    for section, text, messages in found:
        for sentence in variants(text, thread):
            claim = content_stems(sentence)
            near = [(sum(s in known for s in claim), n) for n, (u, known) in enumerate(stems)
                    if messages is None or any(abs(m - o) <= 1 for m in u["messages"] for o in messages)]
            near.sort(key=lambda pair: (-pair[0], pair[1]))
            out.append((section, sentence, [stems[n][0] for _, n in near[:MOST_UNITS]]))
    return out


def variants(text, thread):
    """The sentence as written and with its verb of report made plain, roles given the names that the thread was given."""
    for old, new in sorted(thread["renamed"].items(), key=lambda pair: -len(pair[0])):
        if old and new and old != new:
            text = re.sub(rf"(?:\b[Tt]he )?\b{re.escape(old)}\b", new, text, flags=re.I)
    text = re.sub(r"\s+", " ", text).strip()
    text = text if text.endswith(".") else text + "."
    text = text[0].upper() + text[1:] if text else text
    if not 5 <= len(text.split()) <= 30 or PERSON.search(text) or DANGLING.match(text) or OPENER.match(text) or BROKEN.search(text):
        return []
    if text.split()[0].lower().rstrip("s") in IMPERATIVE:  # "Close #12" is how minutes tell what was only proposed
        return []
    they = re.sub(r"\bThe (?:team|group) (?=will|decided|agreed|discussed)", "They ", text)
    plain = [VERB.sub("said ", text), NOW.sub("said ", text), they]
    return list(dict.fromkeys([text, *plain]))
