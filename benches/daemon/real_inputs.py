#!/usr/bin/env python3
"""Whether every real input goes in through the `files` source, with the counts that others counted, and only once.

  real_inputs.py --bluf BLUF --data FOLDER

FOLDER has INDEX.json (what there is) and REFERENCE.json (independent counts). Each input is a source of one daemon, read where it
lies; git bundles are cloned into a folder that is deleted at the end. Where our count is another the line says why, and the
difference must be exactly that. Then everything is pulled again: as it is, by a new process, and with every cursor
forgotten; nothing may change. Fails where anything else is found.
"""
import argparse, hashlib, json, subprocess, sys, tempfile
from pathlib import Path

from home import Home

FEW_SUBJECTS = "letters of one subject that answer one another without saying so are one thread"
SMALL = "the reference passes over names that begin with a small letter"
# What of ours stands beside which of their counts, and why the two are not one number. {kind} counts events of a kind.
MAIL = [("messages", "messages", 0, ""), ("people", "authors", 0, "")]
ROWS = {
    "private/mbox/numpy-discussion-2001-11.mbox": MAIL + [("threads", "threads", -2, FEW_SUBJECTS)],
    "private/mbox/3gpp-nr-mimo-ota.mbox": MAIL + [("threads", "threads", -32, FEW_SUBJECTS)],
    "private/mbox/sa-ilug-2002.mbox": MAIL + [("threads", "threads", -13, FEW_SUBJECTS)],
    "private/maildir/notmuch-default": MAIL + [("threads", "threads", 0, "")],
    "private/maildir/sa-rpm-zzzlist": MAIL + [("threads", "threads", -4, FEW_SUBJECTS)],
    "private/slack/houstondatavis-2016.zip": [
        ("messages", "messages", -10, "nine 'archived the channel' and one 'pinned' are events, not messages"),
        ("roots", "threads", -10, "the same ten; the reference takes every message that answers none for a thread"),
        ("messages + events", "all_messages_incl_system", -2, "one channel holds two notices and no message: set aside, and said")],
    "private/slack/olake-2026-nonhelp.zip": [("messages", "messages", 0, ""), ("roots", "threads", 0, "")],
    "raw/vtt/acde-2026-02-12_230": [("people", "speakers", 4, SMALL), ("threads", None, 1, "")],
    "raw/vtt/acdc-2026-02-19_175": [("people", "speakers", 2, SMALL), ("threads", None, 1, "")],
    "raw/vtt/focil-2026-02-10_028": [("people", "speakers", 0, ""), ("threads", None, 1, "")],
    "private/github/secp256k1": [
        ("threads", "threads", 0, ""),
        ("opened + commented + reviewed", "messages", 0, "comments on code and words of reviews are messages of ours as well")],
    "private/github/ietf-mls-archive.json": [
        ("threads", "threads", 0, ""), ("people", "authors", 0, ""),
        ("archived", "messages", 0, "the reference counts a review once, said or not")],
    "raw/docs/kep-3077.bundle": [("commits of it", "commits", -3, "two merges, and one commit that leaves the document as it was")],
    "raw/docs/pep-0582.bundle": [("commits of it", "commits", 0, "")],
    "raw/docs/rfc-2394.bundle": [("commits of it", "commits", 0, "")],
    "raw/minutes/2019-12-17-did.md": [("threads", None, 1, "")],
    "raw/irc/2009-03-03_10.raw.txt": [("messages + events", "items", 0, "")],
    "private/minutes/tc39-2024-10-october-08.md": [("threads", None, 1, "")],
}


def sources(data, index, folder):
    """The configuration of a source for each input."""
    text = ""
    for number, entry in enumerate(index):
        path, more = data / entry["path"], ""
        if path.suffix == ".bundle":
            clone = folder / path.stem
            subprocess.run(["git", "clone", "-q", path, clone], check=True, stderr=subprocess.DEVNULL)
            path = clone
        if entry["path"].startswith("raw/vtt"):
            more = 'include = ["transcript.vtt"]\n'
        text += f'[source.s{number}]\ntype = "files"\npath = "{path}"\nsettle_secs = 0\n{more}'
    return text


def counts(home, name):
    where = "JOIN thread ON thread.id = thread_id JOIN source ON source.id = source_id WHERE source.name = ?"
    of = lambda what, more="": home.sql(f"SELECT count({what}) FROM message {where} {more}", name)[0][0]
    # That a talk went on elsewhere in its channel is our finding, and no event of the source's.
    events = dict(home.sql(f"SELECT event.kind, count(*) FROM event {where} AND event.kind <> 'went_on' GROUP BY 1", name))
    happened = lambda *kinds: sum(events.get(kind, 0) for kind in kinds)
    reviews = happened("reviewed", "approved", "changes_requested", "review_dismissed")
    issues = of("*", "AND message.external_id LIKE 'issue-%'") + of("*", "AND message.external_id LIKE 'issuecomment-%'")
    threads = home.sql("SELECT count(*) FROM thread JOIN source ON source.id = source_id WHERE name = ?", name)[0][0]
    comments = of("*", "AND message.external_id LIKE 'comment-%'")
    return {"threads": threads, "messages": of("*"), "people": of("DISTINCT coalesce(author_id, author)"),
            "roots": of("*", "AND reply_to IS NULL"), "messages + events": of("*") + sum(events.values()),
            "opened + commented + reviewed": issues + reviews, "archived": threads + comments + reviews,
            "commits of it": happened("created", "edited", "renamed")}


def everything(home):
    """What must not change by pulling again: every row that comes from a source, and the number of the last change."""
    sums = hashlib.sha256()
    for query in ("SELECT key, title, kind, url, participants, messages, version, origin FROM thread ORDER BY key",
                  "SELECT thread_id, external_id, ordinal, author, sent_at, text FROM message ORDER BY id",
                  "SELECT thread_id, at, kind, actor, subject FROM event ORDER BY id",
                  "SELECT count(*) FROM message_version", "SELECT max(seq) FROM change",
                  "SELECT source_id, external_id, what FROM quarantine ORDER BY id"):
        for row in home.sql(query):
            sums.update(repr(row).encode())
    return sums.hexdigest()


def pull(home, number, again=0):
    """Pulls every source to its end once; more often in one process where `again` says so. The state after it."""
    # A daemon pulls as soon as it starts, which may be before we look.
    before = dict(home.sql("SELECT name, pulled_ms FROM source"))
    with home.serve("--no-model") as daemon:
        for turn in range(again + 1):
            if turn:
                before = dict(home.sql("SELECT name, pulled_ms FROM source"))
                home.run("sync", "--quiet", check=True)
            new = lambda: [1 for name, at in home.sql("SELECT name, pulled_ms FROM source") if at and at != before.get(name)]
            daemon.wait("every source to be pulled", lambda: len(new()) == number)
    return everything(home)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bluf", required=True)
    parser.add_argument("--data", required=True)
    asked = parser.parse_args()
    data = Path(asked.data).resolve()
    index, reference = (json.loads((data / name).read_text()) for name in ("INDEX.json", "REFERENCE.json"))
    wrong = []
    with tempfile.TemporaryDirectory(prefix="bluf-real-") as place:
        home = Home(asked.bluf, place, sources(data, index, Path(place)), quiet_secs=86_400)
        first = pull(home, len(index))
        for number, entry in enumerate(index):
            path, ours = entry["path"], counts(home, f"s{number}")
            theirs = {**reference.get(path, {}), "items": entry["items"]}
            if path not in ROWS:
                wrong.append(f"{path}: nobody has said what to expect of it")
            for what, of, more, why in ROWS.get(path, []):
                expected = theirs[of] + more if of else more
                told = f"reference {theirs[of]}" if of else "no reference"
                print(f"{path:46} {what:30} {ours[what]:>5}  {told}{'; ' + why if why else ''}")
                if ours[what] != expected:
                    wrong.append(f"{path}: {what} are {ours[what]}, not {expected}")
        aside = home.count("SELECT count(*) FROM quarantine")
        print(f"set aside and said: {aside}")
        again = {"the same process": pull(home, len(index), 1), "another process": pull(home, len(index))}
        home.change("UPDATE source SET cursor = NULL")
        again["no cursor"] = pull(home, len(index))
        for how, state in again.items():
            print(f"pulled again by {how}: {'nothing changed' if state == first else 'SOMETHING CHANGED'}")
            wrong += [f"pulling again by {how} changed something"] if state != first else []
    for what in wrong:
        print("WRONG:", what)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
