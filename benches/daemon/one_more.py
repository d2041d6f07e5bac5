#!/usr/bin/env python3
"""What one more message costs on a thread of 50 messages and on one of 5,000.

  one_more.py --bluf BLUF [--short 50] [--long 5000] [--rounds 7] [--no-model] [--keep FOLDER]

Both threads are pushed to a daemon and read. Then, in turns, one message is pushed to each; the cost is the processor time of
the daemon from before the push until the new summary is kept. Medians, and the ratio of the two; the issue wants it below
1.5. Beside it what the summary itself tells: reading, prompts and wording, by the clock.
"""
import argparse, json, random, shutil, statistics, tempfile, time, urllib.request
from pathlib import Path

import workload
from home import Home, cpu_seconds, resident_mib


def thread(number, length):
    rng = random.Random(number)
    said = [(rng.choice(workload.PEOPLE[:5]), workload.EPOCH + at * workload.timedelta(minutes=7), workload.text(rng, 40_000 + number))
            for at in range(length)]
    return json.loads(workload.as_jsonl((number, f"Order {40_000 + number}", said)))


def push(home, sent):
    request = urllib.request.Request(f"{home.url}/api/v1/ingest?source=orders", json.dumps(sent).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        answer.read()


def until_quiet(pid):
    """The processor time once nothing goes on any more."""
    before = cpu_seconds(pid)
    while True:
        time.sleep(0.3)
        now = cpu_seconds(pid)
        if now - before <= 0.01:
            return now
        before = now


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bluf", required=True)
    parser.add_argument("--short", type=int, default=50)
    parser.add_argument("--long", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--no-model", action="store_true")
    parser.add_argument("--keep", help="a folder for the home, so that the first reading is done only once")
    asked = parser.parse_args()
    folder = Path(asked.keep or tempfile.mkdtemp(prefix="bluf-one-more-"))
    home = Home(asked.bluf, folder, '[source.orders]\ntype = "push"\n')
    threads = {"short": thread(1, asked.short), "long": thread(2, asked.long)}
    costs = {name: [] for name in threads}
    told = {name: [] for name in threads}
    with home.serve(*(["--no-model"] if asked.no_model else [])) as daemon:
        if not home.count("SELECT count(*) FROM thread"):
            for sent in threads.values():
                push(home, sent)
        took = daemon.wait("the first reading", lambda: home.unread() == 0 and home.count("SELECT count(*) FROM summary") > 1, 900)
        print(f"first reading of both: {took:.0f} s of the wall, {until_quiet(daemon.pid):.1f} s of the processor, {resident_mib(daemon.pid):.0f} MiB")
        for turn in range(asked.rounds + 1):
            for name, sent in threads.items():
                words = workload.text(random.Random(time.time_ns()), 50_000 + turn)
                one = {"id": f"more-{time.time_ns()}", "author": workload.PEOPLE[turn % 5], "ts": "2026-11-01T09:00:00+00:00", "text": words}
                before, made = until_quiet(daemon.pid), home.count("SELECT max(id) FROM summary")
                push(home, {**sent, "messages": [one]})
                daemon.wait("the summary", lambda: home.count("SELECT max(id) FROM summary") > made)
                cost = until_quiet(daemon.pid) - before
                provenance = json.loads(home.sql("SELECT json FROM summary ORDER BY id DESC LIMIT 1")[0][0])["provenance"]
                # The first turn loads weights and fills caches.
                if turn:
                    costs[name].append(cost)
                    told[name].append((provenance["read_ms"], provenance["prefill_ms"], provenance["decode_ms"], provenance["prompt_tokens"]))
    for name, seconds in costs.items():
        middle = [statistics.median(column) for column in zip(*told[name])]
        print(f"{name:6} {statistics.median(seconds):6.2f} s of the processor ({min(seconds):.2f} to {max(seconds):.2f}); "
              f"reading {middle[0]:.0f} ms, prompts {middle[1]:.0f} ms ({middle[3]:.0f} tokens), wording {middle[2]:.0f} ms of the wall")
    print(f"ratio  {statistics.median(costs['long']) / statistics.median(costs['short']):.2f}")
    if not asked.keep:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
