"""Makes the training pairs: notes as the summarizer would give them, and the one sentence they are to become.

`python pairs.py --notes notes.jsonl --data FOLDER --out FOLDER` writes `train.jsonl`, `test.jsonl` and,
with whatever people wrote of the held-back threads, `human.jsonl`. A pair:
{task, title, names, notes: [[speaker, text]], answer, quote: [speaker, text], from, group}. Every answer passes `checks.py`
against the quote of the note that it rewords. Held back for testing is every tenth group by the sha256 of its name.
"""

import argparse
import collections
import gzip
import hashlib
import json
import random
import re

import noise
import templates
from checks import borne_out, content_stems
from english import DANGLING, learn_lower
from human import human_sentences
from prompt import NOTHING
from reword import FORMULA, reword

SEED = 20
TENTH = 10
# How many notes of one thread are reworded by rule, by set: many sets, so that not all becomes a remote control.
PER_THREAD = {"ami": 6, "bc3": 20, "convosumm_email": 4, "docs": 2, "ethpm_notes": 8, "irc_answered": 2, "qmsum_academic": 8,
              "qmsum_committee": 14, "qmsum_product": 0, "stalled_proposals": 1, "w3c_minutes": 8}
FROM_TEMPLATES = 420
EMPTY = 130
# Roles in place of names are given names in this share of threads, so that names are copied and not known.
RENAMED = 0.8
ROLE = re.compile(r"project manager|marketing|industrial designer|user interface|professor|phd|grad|postdoc|undergrad", re.I)
FEWEST_STEMS = 4
# This share of the notes that only point back.
POINTING = 0.35
OUTRIGHT = [
    "RESOLVED: ", "Resolved: ", "Resolution: ", "RESOLUTION: ", "Resolution #1: ", "Resolution #3: ", "Decision: ", "Agreed: ", "AGREED: "
]


def held_back(group):
    return int(hashlib.sha256(group.encode()).hexdigest(), 16) % TENTH == 0


def renamed(thread, draw):
    """The thread with people's names for roles and without what stands in brackets behind a name."""
    new = {}
    for name in dict.fromkeys(thread["names"] + [u["author"] or "" for u in thread["units"]]):
        plain = re.sub(r"\s*\(.*$", "", name).strip()
        if ROLE.search(plain):
            plain = None
        new[name] = plain
    pool = draw.sample(templates.FIRST, min(len(new), len(templates.FIRST)))
    rename = draw.random() < RENAMED
    for name, given in zip(new, pool):
        if new[name] is None:
            new[name] = (f"{given} {draw.choice(templates.LAST)}" if draw.random() < 0.6 else given) if rename else name
    for unit in thread["units"]:
        unit["speaker"] = unit["speaker"] and new[unit["speaker"]]
    thread["names"] = [new[n] for n in thread["names"]]
    thread["renamed"] = new
    if thread["set"] in ("ami", "qmsum_product", "qmsum_academic") and draw.random() < 0.7:
        thread["title"] = templates.title(draw)


def kind_of(unit, answer):
    """The task that a unit is for."""
    if unit["shown"].rstrip().endswith("?") and " asked if they c" not in answer:
        return "question"
    if re.search(r"\b(?:agreed|decided|resolved|decision is|resolution is)\b", answer):
        return "decision"
    if re.search(r"\basked (?:if they c|them to|[A-Z]\w+ to)|\b(?:will|is going to|is to) [a-z]+|\bneeds? to\b", answer):
        return "ask"
    return "bottom line"


def fits(unit, thread, dangling=False):
    """The rule's wording of a unit, if it is one to learn from."""
    shown = unit["shown"]
    if not 6 <= len(shown.split()) <= 45 or (unit["speaker"] or "").count(","):
        return None
    if thread["kind"] in ("email", "document", "issue") and not shown[0].isupper() or "[commit]" in shown:
        return None
    answer = reword(shown, unit["speaker"], dangling)
    if answer is None or len(answer.split()) < 6:
        return None
    name = unit["speaker"] or ""
    if len(content_stems(answer.replace(name, ""))) < FEWEST_STEMS or len(re.findall(r"\b(?:it|this|that|there)\b", answer)) > 2 + dangling:
        return None
    quote = [unit["speaker"], " ".join(unit["quotes"])]
    return None if borne_out(answer, [quote], thread["names"] + [thread["title"]]) else answer


def example(task, thread, unit, answer, before, after, source):
    notes = [[u["speaker"], u["shown"]] for u in [*before, unit, *after]]
    quote = [unit["speaker"], " ".join(unit["quotes"])]
    return {"task": task, "title": thread["title"], "names": thread["names"], "notes": notes, "answer": answer, "quote": quote,
            "at": len(before), "from": source, "set": thread["set"], "group": thread["group"]}


def company(thread, unit, wordings, draw, task):
    """Notes before and after the one to reword: before it only such as no rule can word, after it any. Best first, five at most."""
    alone = draw.random() < (0.8 if task == "bottom line" else 0.85)
    if alone:
        return [], []
    near = [n for n in thread["evidence"] if thread["units"][n] is not unit]
    near += draw.sample(range(len(thread["units"])), min(12, len(thread["units"])))
    others = [thread["units"][n] for n in dict.fromkeys(near) if thread["units"][n] is not unit]
    others = [u for u in others if 5 <= len(u["shown"].split()) <= 40]
    unfit = [u for u in others if wordings.get(id(u)) is None]
    before = draw.sample(unfit, min(len(unfit), draw.choice([0, 0, 0, 1, 1, 2])))
    rest = [u for u in others if not any(u is b for b in before)]
    after = draw.sample(rest[:10], min(len(rest[:10]), draw.randint(1, 4 - len(before))))
    return before, after


def by_rule(thread, draw):
    """Pairs of one thread made by `reword`: the most telling units first."""
    wordings = {id(u): fits(u, thread) for u in thread["units"]}
    fit = [u for u in thread["units"] if wordings[id(u)]]
    fit.sort(key=lambda u: -u["score"])
    most = PER_THREAD[thread["set"]]
    # A quarter questions and requests, a third the best, the rest of any rank, so that the plain and the odd are both seen.
    copies = lambda u: wordings[id(u)] == u["shown"]
    keep = [u for u in fit if not copies(u) or draw.random() < 0.35]
    asks = [u for u in keep if " asked " in wordings[id(u)] or " said to " in wordings[id(u)]]
    asks.sort(key=lambda u: " said to " not in wordings[id(u)])
    chosen = asks[: (most + 3) // 4]
    keep = [u for u in keep if not any(u is c for c in chosen)]
    chosen += keep[: (most + 2) // 3]
    rest = keep[(most + 2) // 3 :]
    chosen += draw.sample(rest, min(len(rest), max(0, most - len(chosen))))
    for unit in chosen:
        task = kind_of(unit, wordings[id(unit)])
        if draw.random() < 0.55:
            task = "bottom line"
        before, after = company(thread, unit, wordings, draw, task)
        pair = example(task, thread, unit, wordings[id(unit)], before, after, "rule")
        yield noise.added(pair, thread, unit, draw) or pair


def by_pointing(thread, draw):
    """Notes that point back ("That is too slow"), alone: the summarizer may have nothing better."""
    units = [u for u in thread["units"] if DANGLING.match(u["shown"]) and u["speaker"]]
    for unit in draw.sample(units, min(len(units), 6)):
        answer = fits(unit, thread, dangling=True)
        if answer and fits(unit, thread) is None and draw.random() < POINTING:
            pair = example("bottom line", thread, unit, answer, [], [], "rule")
            yield noise.added(pair, thread, unit, draw) or pair


def by_formula(thread, draw):
    """Proposals of minutes as they stand, and as if they had been resolved, decided or agreed: few minutes of the data say so outright."""
    for unit in thread["units"]:
        match = FORMULA.match(unit["shown"])
        if not match or len(unit["shown"].split()) > 50:
            continue
        for said in (match.group(0)[: match.start(2)], *draw.sample(OUTRIGHT, 2)):
            note = said + match.group(2)
            made = {**unit, "shown": note, "quotes": [note]}
            answer = fits(made, thread)
            if answer:
                task = draw.choice(["decision", "bottom line"])
                before, after = company(thread, unit, {}, draw, task) if said.startswith("P") else ([], [])
                yield example(task, thread, made, answer, [], after, "rule")


def by_people(thread, item, draw):
    """Pairs of one thread whose sentence a person wrote, where one unit bears it out."""
    wordings = {id(u): None if len(u["shown"].split()) > 25 else u["shown"] for u in thread["units"]}
    names = thread["names"] + [thread["title"]]
    for section, sentence, units in human_sentences(thread, item):
        for unit in units:
            quote = [unit["speaker"], " ".join(unit["quotes"])]
            if faithful(sentence, quote, names) and len(unit["shown"].split()) <= 60:
                task = {"decisions": "decision", "actions": "ask"}.get(section, "bottom line")
                before, after = company(thread, unit, {**wordings, id(unit): sentence}, draw, task)
                yield example(task, thread, unit, sentence, [], after, "people")
                break


def for_rouge(thread, item, draw):
    """What people wrote of a thread beside the unit that has most of its words, whether or not the checks would let it pass."""
    found = []
    for section, sentence, units in human_sentences(thread, item):
        claim = set(content_stems(sentence))
        if units and len(claim & set(content_stems(" ".join(units[0]["quotes"])))) >= 0.5 * len(claim) and len(units[0]["shown"].split()) >= 6:
            task = {"decisions": "decision", "actions": "ask"}.get(section, "bottom line")
            found.append(example(task, thread, units[0], sentence, [], [], "people"))
    return draw.sample(found, min(len(found), 4))


def faithful(sentence, quote, names):
    """What people wrote passes if the checks do, it takes enough from the quote, and nothing proposed comes out as decided."""
    known = set(content_stems(quote[1]))
    shared = sum(s in known for s in set(content_stems(sentence)))
    proposed = lambda text: re.search(r"\b(?:propos|suggest)", text, re.I)
    return shared >= 3 and not (proposed(quote[1]) and not proposed(sentence)) and borne_out(sentence, [quote], names) is None


def by_hand(draw, count):
    """Pairs of `templates.py`, each among other filled notes."""
    made = 0
    while made < count:
        task, speaker, note, answer, names = templates.fill(draw)
        title = templates.title(draw)
        if borne_out(answer, [(speaker, note)], names + [title]):
            continue
        unit = {"speaker": speaker, "shown": note, "quotes": [note]}
        empties = [{"speaker": draw.choice(names), "shown": t} for t in draw.sample(templates.EMPTY, 3)]
        more = [templates.fill(draw) for _ in range(draw.randint(0, 3))]
        before = draw.sample(empties, draw.choice([0, 0, 0, 1, 2]))
        after = [{"speaker": s, "shown": n} for _, s, n, _, _ in more]
        names = names + [u["speaker"] for u in after if u["speaker"]]
        thread = {"title": title, "names": names, "set": "templates", "group": f"templates-{draw.randrange(200)}"}
        yield example(task, thread, unit, answer, before, after if draw.random() < 0.7 else [], "hand")
        made += 1


def of_nothing(threads, draw, count):
    """Notes that tell nothing, real ones and written ones, and no notes at all."""
    for n in range(count):
        thread = draw.choice(threads)
        small = [u for u in thread["units"] if len(u["shown"].split()) <= 5 and not content_stems(u["shown"])]
        real = [[u["speaker"], u["shown"]] for u in draw.sample(small, min(len(small), draw.randint(1, 4)))]
        name = lambda: draw.choice(thread["names"] or ["Ana"])
        written = [[name(), t] for t in draw.sample(templates.EMPTY, draw.randint(1, 4))]
        notes = [] if n % 12 == 0 else real if real and n % 3 == 0 else written
        task = draw.choice(["bottom line", "bottom line", "decision", "ask", "question"])
        yield {"task": task, "title": thread["title"], "names": thread["names"], "notes": notes, "answer": NOTHING, "quote": None,
               "at": 0, "from": "nothing", "set": thread["set"], "group": thread["group"]}


def items(folder, name):
    """The lines of one set by their id."""
    with gzip.open(f"{folder}/{name}.jsonl.gz", "rt") as file:
        return {i["id"]: i for i in map(json.loads, file)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--notes", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    draw = random.Random(SEED)
    threads = [json.loads(line) for line in open(args.notes)]
    learn_lower(u["shown"] for t in threads for u in t["units"])
    gold, pairs, human = {}, [], []
    for thread in threads:
        if thread["set"] not in gold:
            gold[thread["set"]] = items(args.data, thread["set"])
        thread["group"] = thread["group"] or thread["id"]
        renamed(thread, draw)
        item = gold[thread["set"]].get(thread["id"], {})
        if held_back(thread["group"]):
            human += for_rouge(thread, item, random.Random(SEED))
        pairs += by_people(thread, item, draw)
        pairs += by_rule(thread, draw)
        pairs += by_formula(thread, draw)
        pairs += by_pointing(thread, draw)
    pairs += by_hand(draw, FROM_TEMPLATES)
    pairs += of_nothing(threads, draw, EMPTY)
    unique = list({(p["answer"], str(p["notes"][:1])): p for p in pairs}.values())
    draw.shuffle(unique)
    parts = {"train": [p for p in unique if not held_back(p["group"])], "test": [p for p in unique if held_back(p["group"])], "human": human}
    for part, rows in parts.items():
        with open(f"{args.out}/{part}.jsonl", "w") as file:
            file.writelines(json.dumps(p, ensure_ascii=False) + "\n" for p in rows)
        print(part, len(rows), *(dict(collections.Counter(p[by] for p in rows)) for by in ("from", "set", "task")))


if __name__ == "__main__":
    main()
