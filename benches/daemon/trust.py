#!/usr/bin/env python3
"""Whether a daemon says of a file of threads what `bluf summarize` says, and whether both can be trusted.

  trust.py --bluf BLUF --threads THREADS.jsonl [--python PYTHON --score SCORE.py] [--seconds 900]

The threads lie in a folder of their own that a daemon watches; when all are read, every summary is fetched over HTTP. They are
compared with the one-shot ones, all but what a reading cost and when it was, and given to SCORE.py's `summaries`, which
counts what is claimed and not borne out. Fails where anything differs. Nothing stays on the disk.
"""
import argparse, json, os, subprocess, sys, tempfile, time
from pathlib import Path

from home import Home

COSTS = ("read_ms", "prefill_ms", "decode_ms", "made_at")


def plain(summary):
    """A summary as it must come out whoever makes it."""
    made = {name: value for name, value in summary["provenance"].items() if name not in COSTS}
    thread = {name: value for name, value in summary["thread"].items() if name != "source"}
    # Flags say how things stand at an instant: now in a daemon, at the last message of a recorded thread.
    return {**summary, "provenance": made, "thread": thread, "flags": []}


def through_the_daemon(bluf, threads, folder, seconds):
    (folder / "in").mkdir()
    os.link(threads, folder / "in/threads.jsonl") if os.stat(threads).st_dev == os.stat(folder).st_dev else \
        (folder / "in/threads.jsonl").write_bytes(Path(threads).read_bytes())
    home = Home(bluf, folder, f'[source.dev]\ntype = "files"\npath = "{folder}/in"\nsettle_secs = 0\ngit = false\n')
    with home.serve() as daemon:
        daemon.wait("the pull", lambda: home.count("SELECT pulled_ms FROM source") > 0)
        took = daemon.wait("every thread to be read", lambda: home.unread() == 0, seconds)
        summaries, cursor = {}, ""
        while cursor is not None:
            page = daemon.json(f"/api/v1/threads?sort=added&limit=200{cursor}")
            for listed in page["threads"]:
                status, body = daemon.get(f"/api/v1/threads/{listed['id']}/summary")
                assert status == 200, (listed["id"], status, body)
                summary = json.loads(body)
                summaries[summary["thread"]["id"]] = summary
            cursor = f"&cursor={page['next']}" if page.get("next") else None
    return summaries, took


def score(asked, folder, name, summaries):
    out = folder / f"{name}.jsonl"
    out.write_text("".join(json.dumps(one) + "\n" for one in summaries))
    command = [asked.python, asked.score, "summaries", asked.threads, out, "--json", folder / f"{name}.json"]
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)
    return json.loads((folder / f"{name}.json").read_text())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bluf", required=True)
    parser.add_argument("--threads", required=True)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--score")
    parser.add_argument("--seconds", type=int, default=900)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bluf-trust-") as place:
        folder = Path(place)
        start = time.monotonic()
        home = Home(asked.bluf, folder / "one-shot")
        done = home.run("summarize", asked.threads, "--format", "jsonl", "--json", "--quiet")[2]
        assert done.returncode in (0, 4), done.returncode
        once = {s["thread"]["id"]: s for s in map(json.loads, done.stdout.splitlines())}
        print(f"one-shot: {len(once)} threads in {time.monotonic() - start:.0f} s")
        summaries, took = through_the_daemon(asked.bluf, asked.threads, folder, asked.seconds)
        print(f"daemon:   {len(summaries)} threads in {took:.0f} s")
        lines = [i for i in once if once[i]["bottom_line"] != summaries.get(i, {}).get("bottom_line")]
        others = [i for i in once if i in summaries and plain(once[i]) != plain(summaries[i])]
        print(f"bottom lines that differ: {len(lines)}; summaries that differ in anything: {len(others)}; missing: {len(once.keys() - summaries.keys())}")
        for i in others[:3]:
            print("  ", i, [name for name in once[i] if plain(once[i])[name] != plain(summaries[i])[name]])
        if asked.score:
            by_once, by_daemon = (score(asked, folder, n, s.values()) for n, s in (("once", once), ("daemon", summaries)))
            print("TRUST, daemon: ", json.dumps(by_daemon["trust"]))
            print("TRUST, one-shot", "the same" if by_once["trust"] == by_daemon["trust"] else json.dumps(by_once["trust"]))
        if lines or others or once.keys() != summaries.keys():
            sys.exit(1)


if __name__ == "__main__":
    main()
