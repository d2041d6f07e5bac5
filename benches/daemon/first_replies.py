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

BARE = "; a letter that is named without angle brackets is named"
BY_SUBJECT = "a reply (Re:) that names no letter joins the letter before it of its subject, if that is at most 60 days older"
BY_GAP = "talk in a channel outside Slack's threads is one conversation until nobody has written for four hours, and bots do not answer"
ON_CODE = "a remark on code counts when it was written, not when its review was handed in"
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
    if not waits:
        return {"threads": len(threads), "answered": 0, "median": None, "between": None, "p90": None, "above": None, "max": None}
    rank = lambda share: waits[max(-(-len(waits) * share // 100), 1) - 1]
    # bluf's percentiles are the nearest rank. Of an even number the reference takes the mean of the two in the middle, and for
    # the ninth of ten the tenth.
    between, above = (waits[(len(waits) - 1) // 2] + waits[len(waits) // 2] + 1) // 2, waits[len(waits) * 9 // 10]
    return {"threads": len(threads), "answered": len(waits), "median": rank(50), "between": between, "p90": rank(90), "above": above,
            "max": waits[-1]}


# ---- mail

def letters(path):
    if path.is_dir():
        return [email.message_from_bytes(file.read_bytes()) for file in sorted(path.rglob("*")) if file.is_file()]
    return list(mailbox.mbox(path, create=False))


def subject_of(letter):
    text = str(email.header.make_header(email.header.decode_header(letter.get("Subject") or ""))).strip().strip("'")
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
        bare = lambda name: re.findall(r"^\s*<?([^\s<>]+@[^\s<>]+)>?\s*$", str(letter.get(name) or ""))
        own, chain = bare("Message-ID"), ids("References") + ids("In-Reply-To")
        if by_subject:
            chain += bare("In-Reply-To")
        when = email.utils.parsedate_to_datetime(letter["Date"]) if letter["Date"] else None
        sets.root(number)
        for name in own + chain:
            sets.join(number, name)
        sender = letter["From"] or ""
        who = (re.findall(r"[^\s<>\"]+@[^\s<>\"]+", sender.replace(" at ", "@")) or [sender])[-1].lower()
        read.append((number, when and int(when.timestamp()), who, subject_of(letter), bool(chain)))
    if by_subject:
        by = collections.defaultdict(list)
        for one in read:
            if one[3][0] and one[1] is not None:
                by[one[3][0]].append(one)
        for same in by.values():
            same.sort(key=lambda one: (one[1], -one[0]))
            for before, reply in zip(same, same[1:]):
                if reply[3][1] and not reply[4] and reply[1] - before[1] <= SUBJECT_SECS:
                    sets.join(before[0], reply[0])
    threads = collections.defaultdict(list)
    for number, at, who, _, _ in read:
        if at is not None:
            threads[sets.root(number)].append((at, who))
    return list(threads.values())


# ---- chat

def chat(path, by_gap):
    """Slack's own threads; all other messages of a channel each by itself, or in conversations."""
    threads, kinds = [], (None, "file_share", "file_comment") + (() if by_gap else ("channel_archive", "pinned_item"))
    with zipfile.ZipFile(path) as archive:
        channels = collections.defaultdict(list)
        bots = {one["id"] for one in json.loads(archive.read("users.json")) if one.get("is_bot")}
        for name in archive.namelist():
            if name.endswith(".json") and "/" in name:
                channels[Path(name).parent.name] += json.loads(archive.read(name))
    for said in channels.values():
        said = [one for one in said if one.get("type") == "message" and one.get("subtype") in kinds and not (by_gap and one.get("user") in bots)]
        said.sort(key=lambda one: float(one["ts"]))
        own, last = collections.defaultdict(list), None
        for one in said:
            at, root = int(float(one["ts"])), one.get("thread_ts")
            if root or not by_gap:
                own[root or one["ts"]].append((at, one.get("user")))
                continue
            if last is None or at - last > GAP_SECS:
                talk = one["ts"] + " talk"
            own[talk].append((at, one.get("user")))
            last = at
        threads += own.values()
    return threads


# ---- changes

def archive(path, _):
    threads, whole = [], json.loads(path.read_text())
    for change in whole["issues"] + whole["pulls"]:
        thread = [(seconds(change["createdAt"]), change["author"])]
        thread += [(seconds(one["createdAt"]), one["author"]) for one in change["comments"]]
        for review in change.get("reviews", []):
            thread.append((seconds(review["createdAt"]), review["author"]))
        threads.append(thread)
    return threads


def backup(folder, on_code):
    threads = []
    for file in sorted(folder.rglob("*.json")):
        change = json.loads(file.read_text())
        opened = change.get("issue") or change["pull"]
        told = [one for one in change["events"] if one["event"] in ("commented", "reviewed")]
        told += change.get("comments", []) if on_code else []
        when = lambda one: seconds(one.get("created_at") or one["submitted_at"])
        threads.append([(when(one), (one.get("user") or one["actor"])["login"]) for one in [opened, *told]])
    return threads


# Each input: how it is read, by the reference's rule and by ours, and what is ours.
INPUTS = {
    "private/mbox/numpy-discussion-2001-11.mbox": (mail, BY_SUBJECT),
    "private/mbox/3gpp-nr-mimo-ota.mbox": (mail, BY_SUBJECT + BARE),
    "private/mbox/sa-ilug-2002.mbox": (mail, BY_SUBJECT),
    "private/maildir/notmuch-default": (mail, BY_SUBJECT),
    "private/maildir/sa-rpm-zzzlist": (mail, BY_SUBJECT),
    "private/slack/houstondatavis-2016.zip": (chat, BY_GAP),
    "private/slack/olake-2026-nonhelp.zip": (chat, BY_GAP),
    "private/github/secp256k1": (backup, ON_CODE),
    "private/github/ietf-mls-archive.json": (archive, None),
}


def reported(bluf, path):
    out = subprocess.run([bluf, "sla", "report", "--no-model", "--json", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    found = json.loads(out)["first_replies"]
    names = {"threads": "threads", "answered": "answered", "median": "median_wall_secs", "p90": "p90_wall_secs", "max": "longest_wall_secs"}
    return {name: found[of] for name, of in names.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bluf", required=True)
    parser.add_argument("--data", required=True)
    asked = parser.parse_args()
    data, wrong = Path(asked.data).resolve(), []
    reference = json.loads((data / "REFERENCE.json").read_text())
    for name, (read, rule) in INPUTS.items():
        theirs, plain = reference[name], figures(read(data / name, False))
        counted = {"threads": theirs["threads"], "answered": theirs["threads_with_reply_by_other"], "between": theirs["first_response_s"]["median"],
                   "above": theirs["first_response_s"]["p90"], "max": theirs["first_response_s"]["max"]}
        ours, ruled = reported(asked.bluf, data / name), figures(read(data / name, True))
        same = {what: plain[what] for what in counted} == counted
        kept = {what: ruled[what] for what in ours} == ours
        print(f"{name}\n  reference {counted}\n  read here by its rules: {'the same' if same else plain}")
        print(f"  bluf      {ours}\n  read here by its rule ({rule or 'the same'}): {'the same' if kept else ruled}")
        wrong += [] if same and kept else [name]
    for name in wrong:
        print("WRONG:", name)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
