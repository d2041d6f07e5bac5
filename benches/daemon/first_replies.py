#!/usr/bin/env python3
"""Whether bluf's first-response figures are those that others counted, and where not, by which one rule they differ.

  first_replies.py --bluf BLUF --data FOLDER

FOLDER has REFERENCE.json (independent counts). Each input is read here a second time, with Python's own parsers. Read by the
reference's rules it must give the reference's figures; with the one rule named beside it that bluf goes by instead, it must give
what `bluf sla report` says, to the second. Fails where anything else is found.
"""
import argparse, collections, email, email.policy, email.utils, json, mailbox, re, subprocess, sys, zipfile
from datetime import datetime
from pathlib import Path

BY_SUBJECT = "a reply (Re:) that names no letter joins the letter before it of its subject, if that is at most 60 days older"
BY_GAP = "talk in a channel outside Slack's threads is one conversation until nobody has written for four hours"
SAID = "an account that is a bot's gives no response"
SUBJECT_SECS, GAP_SECS = 60 * 86_400, 4 * 3_600
REPLY = re.compile(r"^(?:re|aw|sv|vs|antw|antwort|ref|res|rif|odp|fwd?|wg|tr|enc|rv)\s*(?:\[\d+\]|\(\d+\))?\s*:\s*", re.I)


class Sets:
    """Disjoint sets of anything."""
    def __init__(self):
        self.above = {}

    def root(self, one):
        self.above.setdefault(one, one)
        while self.above[one] != one:
            one = self.above[one]
        return one

    def join(self, one, other):
        self.above[self.root(other)] = self.root(one)


def seconds(text):
    return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())


def figures(threads):
    """Of threads as lists of (second, who): those answered by somebody else, and their waits."""
    waits = []
    for thread in threads:
        thread = sorted(thread, key=lambda said: said[0])
        others = [at for at, who in thread if who != thread[0][1]]
        if others:
            waits.append(others[0] - thread[0][0])
    waits.sort()
    rank = lambda share: waits[max(-(-len(waits) * share // 100), 1) - 1] if waits else None
    return {"threads": len(threads), "answered": len(waits), "median": rank(50), "p90": rank(90), "max": waits[-1] if waits else None,
            "upper": waits[len(waits) // 2] if waits else None}


# ---- mail

def letters(path):
    if path.is_dir():
        return [email.message_from_bytes(file.read_bytes()) for file in sorted(path.rglob("*")) if file.is_file() and file.parent.name in ("cur", "new")]
    return [letter for letter in mailbox.mbox(path, create=False)]


def subject_of(letter):
    text = str(email.header.make_header(email.header.decode_header(letter.get("Subject") or ""))).strip()
    tags, reply = re.compile(r"^\[[^\]]{1,40}\]\s*"), False
    while True:
        before = text
        if REPLY.match(text):
            text, reply = REPLY.sub("", text, count=1), True
        text = tags.sub("", text)
        if text == before:
            return " ".join(re.sub(r"\(fwd\)$", "", text).lower().split()), reply


def mail(path, by_subject):
    sets, read = Sets(), []
    for number, letter in enumerate(letters(path)):
        ids = lambda name: re.findall(r"<([^<>\s]+)>", str(letter.get(name) or ""))
        own, chain = ids("Message-ID"), ids("References") + ids("In-Reply-To")
        when = email.utils.parsedate_to_datetime(letter["Date"]) if letter["Date"] else None
        sets.root(number)
        for name in own + chain:
            sets.join(number, name)
        sender = letter["From"] or ""
        who = email.utils.parseaddr(sender.replace(" at ", "@"))[1].lower() or sender
        read.append((number, when and int(when.timestamp()), who, subject_of(letter), bool(chain)))
    joined = []
    if by_subject:
        by = collections.defaultdict(list)
        for one in read:
            if one[3][0] and one[1] is not None:
                by[one[3][0]].append(one)
        for same in by.values():
            same.sort(key=lambda one: (one[1], -one[0]))
            for before, reply in zip(same, same[1:]):
                if reply[3][1] and not reply[4] and reply[1] - before[1] <= SUBJECT_SECS:
                    joined += [] if sets.root(before[0]) == sets.root(reply[0]) else [(before[0], reply[0])]
                    sets.join(before[0], reply[0])
    threads = collections.defaultdict(list)
    for number, at, who, _, _ in read:
        if at is not None:
            threads[sets.root(number)].append((at, who))
    return list(threads.values()), joined


# ---- chat

def chat(path, by_gap):
    """Slack's own threads; all other messages of a channel each by itself, or in conversations."""
    threads = []
    with zipfile.ZipFile(path) as archive:
        channels = collections.defaultdict(list)
        for name in archive.namelist():
            if name.endswith(".json") and "/" in name:
                channels[Path(name).parent.name] += json.loads(archive.read(name))
    for said in channels.values():
        said = [one for one in said if one.get("type") == "message" and one.get("subtype") in PEOPLE and one.get("user")]
        said.sort(key=lambda one: float(one["ts"]))
        own, last = collections.defaultdict(list), None
        for one in said:
            at, root = int(float(one["ts"])), one.get("thread_ts")
            if root or not by_gap:
                own[root or one["ts"]].append((at, one["user"]))
                continue
            if last is None or at - last > GAP_SECS:
                talk = one["ts"] + " talk"
            own[talk].append((at, one["user"]))
            last = at
        threads += own.values()
    return threads


# ---- changes

def archive(path, silent_reviews):
    threads, whole = [], json.loads(path.read_text())
    for change in whole["issues"] + whole["pulls"]:
        thread = [(seconds(change["createdAt"]), change["author"])]
        thread += [(seconds(one["createdAt"]), one["author"]) for one in change["comments"]]
        for review in change.get("reviews", []):
            said = [(seconds(one["createdAt"]), review["author"]) for one in review["comments"]]
            thread += said + ([(seconds(review["createdAt"]), review["author"])] if review["body"] or silent_reviews else [])
        threads.append(thread)
    return threads
