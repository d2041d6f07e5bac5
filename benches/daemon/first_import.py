#!/usr/bin/env python3
"""How fast threads come in for the first time, beside `notmuch new` on the same Maildir (Debian: notmuch).

  first_import.py --bluf BLUF [--messages 100000] [--threads 5000] [--rounds 2] [--keep FOLDER]

Each round, one after another on the same files: `notmuch new`; the `files` source of a daemon on the Maildir, from the
start of the process until everything is in its database; the same for JSON Lines; `bluf import` of both. Reading waits
(`quiet_secs`) until nothing is measured any more. "ratio" is notmuch's seconds by bluf's in the same round. On a busy
machine processor time is the surer figure. --keep leaves the database of the Maildir in FOLDER/home, for load.py.
"""
import argparse, os, shutil, tempfile, time
from pathlib import Path

import workload
from home import Home, cpu_seconds, resident_mib, timed

LATER = 86_400


def notmuch(mail, folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "config").write_text(f"[database]\npath={folder}/base\nmail_root={mail}\n[user]\nname=Bench\nprimary_email=bench@orders.example\n"
                                   "[new]\ntags=new\n[search]\nexclude_tags=\n")
    (folder / "base").mkdir()
    env = {**os.environ, "NOTMUCH_CONFIG": str(folder / "config"), "HOME": str(folder)}
    wall, cpu, _ = timed(["notmuch", "new", "--quiet"], env=env, check=True)
    count = timed(["notmuch", "count"], env=env)[2].stdout.strip()
    return wall, cpu, int(count)


def source(bluf, path, folder, expected):
    """The `files` source of a daemon: seconds, processor seconds, messages kept, most memory."""
    shutil.rmtree(folder, ignore_errors=True)
    home = Home(bluf, folder, f'[source.orders]\ntype = "files"\npath = "{path}"\nsettle_secs = 0\ngit = false\n', LATER)
    start = time.monotonic()
    with home.serve("--no-model") as daemon:
        daemon.wait("the first pull", lambda: home.count("SELECT pulled_ms FROM source") > 0)
        figures = time.monotonic() - start, cpu_seconds(daemon.pid)
        most = resident_mib(daemon.pid, "VmHWM")
    kept = home.count("SELECT count(*) FROM message")
    assert kept == expected, f"{kept} messages were kept, not {expected}"
    return *figures, kept, most


def verb(bluf, path, folder, expected):
    """`bluf import`."""
    shutil.rmtree(folder, ignore_errors=True)
    home = Home(bluf, folder, quiet_secs=LATER)
    wall, cpu, _ = home.run("import", path, "--quiet", check=True)
    kept = home.count("SELECT count(*) FROM message")
    assert kept == expected, f"{kept} messages were kept, not {expected}"
    return wall, cpu, kept, None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bluf", required=True)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--threads", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--keep")
    asked = parser.parse_args()
    place = Path(asked.keep or tempfile.mkdtemp(prefix="bluf-import-")).resolve()
    place.mkdir(parents=True, exist_ok=True)
    mail, lines = place / "mail", place / "threads.jsonl"
    if not mail.exists():
        workload.write("maildir", mail, workload.threads(asked.threads, asked.messages))
        workload.write("jsonl", lines, workload.threads(asked.threads, asked.messages))
    (place / "feed").mkdir(exist_ok=True)
    if not (place / "feed/threads.jsonl").exists():
        os.link(lines, place / "feed/threads.jsonl")
    ways = {"files source, Maildir": lambda: source(asked.bluf, mail, place / "home", asked.messages),
            "files source, JSON Lines": lambda: source(asked.bluf, place / "feed", place / "home-lines", asked.messages),
            "bluf import, Maildir": lambda: verb(asked.bluf, mail, place / "home-verb", asked.messages),
            "bluf import, JSON Lines": lambda: verb(asked.bluf, lines, place / "home-verb", asked.messages)}
    for turn in range(asked.rounds):
        theirs = notmuch(mail, place / "notmuch")
        print(f"round {turn + 1}\n  {'notmuch new':26} {theirs[2] / theirs[0]:8.0f}/s  wall {theirs[0]:6.1f} s  cpu {theirs[1]:6.1f} s", flush=True)
        for name, way in ways.items():
            wall, cpu, kept, most = way()
            memory = f"  at most {most:.0f} MiB" if most else ""
            print(f"  {name:26} {kept / wall:8.0f}/s  wall {wall:6.1f} s  cpu {cpu:6.1f} s  ratio {theirs[0] / wall:5.2f} wall "
                  f"{theirs[1] / cpu:5.2f} cpu{memory}", flush=True)
    if not asked.keep:
        shutil.rmtree(place)


if __name__ == "__main__":
    main()
