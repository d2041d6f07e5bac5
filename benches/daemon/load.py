#!/usr/bin/env python3
"""How long answers take while many ask and the daemon reads in the background (Debian: wrk).

  load.py --bluf BLUF --home FOLDER [--clients 32] [--seconds 30] [--pause-ms 0] [--models] [--only NAME] [--idle]

FOLDER is a home with a full store (first_import.py --keep); it is copied. Threads without a summary are read first, without models.
Then every thread is made unread, so that reading goes on behind every measurement: without models, or with --models. --idle: nothing is unread.
For each route and a mix of all: answers a second, milliseconds at the median, p99, p99.9 and the longest, answers other than
200, lost connections, and how many threads were read meanwhile. Clients ask without a pause unless one is given (its mean).
"""
import argparse, os, random, shutil, subprocess, tempfile
from pathlib import Path

from home import Home, cpu_seconds, resident_mib

SEARCHES = ["order", "the", "depot friday", "order delivery depot pumps", "\"back door\" depot", "ledgers -canteen", "time*", "ferry office signature",
            "{n}", "order {n}", "order {n} depot", "{n} lanterns", "zeppelin", "zeppelin depot order", "42 kilograms", "\"delivery note says {k}\""]


def paths(home, rng):
    keys = [row[0] for row in home.sql("SELECT key FROM thread ORDER BY id")]
    rng.shuffle(keys)
    cursors = ["", "?limit=20", "?limit=200", "?sort=added", "?kind=chat", "?kind=email&limit=20", "?since=2025-06-01&limit=20"]
    search = [q.format(n=rng.randint(40_000, 44_999), k=rng.randint(2, 19)) for q in SEARCHES for _ in range(40)]
    quoted = [f"/api/v1/search?q={q.replace(' ', '+').replace(chr(34), '%22')}&limit=20" for q in search]
    routes = {"threads": [f"/api/v1/threads{c}" for c in cursors], "summary": [f"/api/v1/threads/{key}/summary" for key in keys], "search": quoted}
    routes["mix"] = [rng.choice(routes[name]) for name in ("threads", "summary", "search") for _ in range(2000)]
    return routes


def ask(home, daemon, asks, asked):
    file = home.folder / "paths"
    file.write_text("\n".join(asks) + "\n")
    read, cpu = home.count("SELECT count(*) FROM change WHERE kind = 'summary.made'"), cpu_seconds(daemon.pid)
    command = ["wrk", "-t1", f"-c{asked.clients}", f"-d{asked.seconds}", "-s", Path(__file__).with_name("asks.lua"), home.url]
    env = {**os.environ, "BLUF_PATHS": str(file), "BLUF_PAUSE_MS": str(asked.pause_ms)}
    said = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout
    figures = next(line.split()[1:] for line in said.splitlines() if line.startswith("RESULT"))
    figures += [home.count("SELECT count(*) FROM change WHERE kind = 'summary.made'") - read, round(cpu_seconds(daemon.pid) - cpu, 1)]
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bluf", required=True)
    parser.add_argument("--home", required=True)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--pause-ms", type=int, default=0)
    parser.add_argument("--models", action="store_true")
    parser.add_argument("--idle", action="store_true")
    parser.add_argument("--only")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bluf-load-"))
    shutil.copy(Path(asked.home) / "bluf.db", folder / "bluf.db")
    home = Home(asked.bluf, folder)
    if home.unread():
        with home.serve("--no-model") as daemon:
            daemon.wait("all threads to be read", lambda: home.unread() == 0)
    routes = paths(home, random.Random(7))
    print(f"{'':8} {'asked':>7} {'/s':>6} {'p50 ms':>7} {'p99 ms':>7} {'p99.9':>7} {'most':>7} {'not 200':>7} {'lost':>5} {'read':>5} {'cpu s':>6}")
    for name, asks in routes.items():
        if asked.only and name != asked.only:
            continue
        if not asked.idle:
            home.change("UPDATE thread SET read_version = 0, changed_ms = 0, unread_ms = 0, next_read_ms = 0")
        with home.serve(*([] if asked.models else ["--no-model"])) as daemon:
            if not asked.idle:
                made = home.count("SELECT count(*) FROM change WHERE kind = 'summary.made'")
                daemon.wait("reading", lambda: home.count("SELECT count(*) FROM change WHERE kind = 'summary.made'") > made)
            requests, rate, p50, p99, p999, most, others, lost, read, cpu = ask(home, daemon, asks, asked)
            print(f"{name:8} {requests:>7} {rate:>6} {p50:>7} {p99:>7} {p999:>7} {most:>7} {others:>7} {lost:>5} {read:>5} {cpu:>6}  "
                  f"{resident_mib(daemon.pid):.0f} MiB  {home.unread()} unread", flush=True)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
