#!/usr/bin/env python3
"""Writes threads that nobody ever had, as many as are asked for, always the same ones: a Maildir or JSON Lines.

  workload.py maildir|jsonl PLACE [--messages 100000] [--threads 5000] [--seed 7]

Every sentence is made here out of the lists below. Threads are of very unequal length, as real ones are; half of the
letters quote the one that they answer; words are common ("order", "depot") or rare (a number that one thread has).
"""
import argparse, itertools, json, os, random
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

PEOPLE = ["Mira Solberg", "Tom Achterberg", "Ana Quintero", "Raj Bhandari", "Lotte Visser", "Ivo Marchetti", "Signe Dahl",
          "Pavel Horak", "Noor Haddad", "Ewa Lis", "Bram Claes", "Yuki Arai"]
PLACES = ["the tram depot", "the print shop", "the ferry office", "the north yard", "the pump house", "the archive", "the canteen"]
THINGS = ["pumps", "labels", "valves", "timetables", "ledgers", "lanterns", "cables", "crates", "gaskets", "tickets", "keys", "maps"]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"]
SAID = [
    "Where shall order {n} for {place} be delivered?",
    "We decided to deliver order {n} to the back door of {place}.",
    "{who}, could you tell {place} about the {things} by {day}?",
    "The {things} arrived this morning and half of them were wet.",
    "I counted the {things} twice and came to {m}, which is {k} fewer than we paid for.",
    "Nobody has answered the question about the {things} yet.",
    "I will write to {place} on {day} and ask for the missing {things}.",
    "Until the {things} are here we cannot open {place}.",
    "The invoice says {m} and the delivery note says {k}, so one of them is wrong.",
    "Can we move the meeting to {day}, since {who} is away until then?",
    "It rained again, and the cellar of {place} has water in it.",
    "The old {things} went to {place} last year; I have the receipt somewhere.",
    "Let us keep the {things} that we have until the end of the month.",
    "Thanks, that helps.",
    "I do not mind either way as long as it is done before {day}.",
    "The price went up by {k} per cent since order {n} was placed.",
    "Please do not send anything to {place} before {who} has confirmed it.",
    "There is a second entrance behind {place}, and it is open until six.",
    "My proposal is to return the {things} and to ask for newer ones.",
    "The driver waited for {k} minutes and then left without unloading.",
    "We agreed on {day} that {who} keeps the list of {things}.",
    "Has anybody seen the key to {place}?",
    "The lift at {place} takes {m} kilograms, so the {things} must go up in parts.",
    "I was told that {place} closes early on {day}.",
    "As far as I can see, everything in order {n} is complete now.",
    "That is blocked by the missing signature from {place}.",
]
EPOCH = datetime(2025, 1, 6, 8, 0, tzinfo=timezone.utc)


def lengths(rng, threads, messages):
    """How many messages each thread has: at least one, a few very many, `messages` in all."""
    weights = [rng.paretovariate(1.5) for _ in range(threads)]
    spare = messages - threads
    counts = [1 + int(spare * w / sum(weights)) for w in weights]
    for at in range(messages - sum(counts)):
        counts[at % threads] += 1
    return counts


def text(rng, n):
    fill = lambda: dict(n=n, place=rng.choice(PLACES), things=rng.choice(THINGS), who=rng.choice(PEOPLE).split()[0],
                        day=rng.choice(DAYS), m=rng.randint(20, 900), k=rng.randint(2, 19))
    said = [template.format(**fill()) for template in rng.sample(SAID, rng.randint(2, 7))]
    cut = len(said) // 2
    return " ".join(said[:cut]) + ("\n\n" if cut else "") + " ".join(said[cut:])


def threads(count, messages, seed=7):
    """Each as (number, title, [(author, moment, text)])."""
    rng = random.Random(seed)
    for number, length in enumerate(lengths(rng, count, messages)):
        order = 40_000 + number
        at = EPOCH + timedelta(minutes=rng.randint(0, 500_000))
        people = rng.sample(PEOPLE, rng.randint(2, 5))
        said = []
        for _ in range(length):
            said.append((rng.choice(people), at, text(rng, order)))
            at += timedelta(minutes=rng.randint(1, 600))
        yield number, f"Order {order} of {rng.choice(THINGS)} for {rng.choice(PLACES)}", said


def as_jsonl(thread):
    """A `bluf.thread/1` object."""
    number, title, said = thread
    messages = [{"id": str(at), "author": author, "ts": when.isoformat(), "text": words}
                for at, (author, when, words) in enumerate(said)]
    return json.dumps({"source": "orders", "kind": "chat", "id": f"order-{number}", "title": title, "messages": messages})


def as_letters(thread):
    """(name of the file, bytes of the letter), each answering the one before."""
    number, title, said = thread
    before = None
    for at, (author, when, words) in enumerate(said):
        this = f"<{number}.{at}@orders.example>"
        address = author.lower().replace(" ", ".") + "@orders.example"
        head = [f"From: {author} <{address}>", "To: orders@orders.example", f"Date: {format_datetime(when)}",
                f"Message-ID: {this}", f"Subject: {'Re: ' if before else ''}{title}"]
        body = words
        if before:
            head += [f"In-Reply-To: {before[0]}", f"References: {before[0]}"]
            if at % 2:
                quoted = "\n".join("> " + line for line in before[2].splitlines())
                body = f"{words}\n\nOn {before[3]:%d %b %Y}, {before[1]} wrote:\n{quoted}"
        head += ["MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "", body, ""]
        yield f"{int(when.timestamp())}.{number}_{at}.orders:2,S", "\n".join(head).encode()
        before = (this, author, words, when)


def write(form, place, made):
    if form == "jsonl":
        with open(place, "w", encoding="utf-8") as file:
            file.writelines(as_jsonl(thread) + "\n" for thread in made)
        return
    for folder in ("cur", "new", "tmp"):
        os.makedirs(os.path.join(place, folder), exist_ok=True)
    for name, letter in itertools.chain.from_iterable(map(as_letters, made)):
        with open(os.path.join(place, "cur", name), "wb") as file:
            file.write(letter)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("form", choices=["maildir", "jsonl"])
    parser.add_argument("place")
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--threads", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    write(asked.form, asked.place, threads(asked.threads, asked.messages, asked.seed))
