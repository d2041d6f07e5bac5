#!/usr/bin/env python3
"""What a daemon says and does when its disk is full or becomes read-only, and whether it recovers by itself. Needs root.

  no_room.py --bluf BLUF [--threads 600]

Full: the database lies on a small file system in memory; threads come until there is no room, then the file system grows.
Read-only: a shim (no_writing_shim.c) has every write below the database's folder fail with EROFS while a file is there, as
on a disk that the kernel has remounted after an error, and then lets them through again. Each time /readyz must say what it is,
threads that are kept must still be served, and after the trouble everything must be there that a calm daemon has. At last a
daemon is started on a file system that is mounted read-only: it must say so and end.
"""
import argparse, hashlib, json, subprocess, sys, tempfile, time
from pathlib import Path

import workload
from home import Home

SMALL_MIB, LARGE_MIB = 3, 64


def feed(folder, threads):
    """Files of a few threads each, so that some of them fit."""
    (folder / "in").mkdir()
    made = list(workload.threads(threads, threads * 8))
    for at in range(0, threads, 20):
        (folder / f"in/{at:05}.jsonl").write_text("".join(workload.as_jsonl(t) + "\n" for t in made[at:at + 20]))
    return f'[source.orders]\ntype = "files"\npath = "{folder}/in"\nsettle_secs = 0\ngit = false\npoll_secs = 5\n'


def content(home):
    """Everything that is kept, whenever it came and was read."""
    sums = hashlib.sha256()
    for row in home.sql("SELECT key, title, messages FROM thread ORDER BY key") + home.sql(
            "SELECT key, message.external_id, text FROM message JOIN thread ON thread.id = thread_id ORDER BY 1, 2") + home.sql(
            "SELECT key, bottom_line FROM thread JOIN summary ON summary.id = (SELECT max(id) FROM summary WHERE thread_id = thread.id) ORDER BY 1"):
        sums.update(repr(row).encode())
    return sums.hexdigest()


def ready(daemon):
    status, body = daemon.get("/readyz")
    return status, json.loads(body)["database"] if body else None


def is_done(home, threads):
    return home.count("SELECT count(*) FROM thread") == threads and home.unread() == 0


def through(name, daemon, home, expected, threads, wanted, end_of_trouble):
    """Waits for the trouble, sees that it is told and that reading goes on, ends it, and waits until all is well."""
    took = daemon.wait("the trouble to be said", lambda: ready(daemon)[0] == 503, 90)
    said = set()
    for _ in range(30):
        said.add(ready(daemon))
        time.sleep(0.1)
    kept, listed = home.count("SELECT count(*) FROM thread"), daemon.get("/api/v1/threads?limit=5")[0]
    print(f"{name}: said after {took:.1f} s as {sorted(map(str, said))}; {kept} threads kept meanwhile; GET threads {listed}; alive")
    end_of_trouble()
    took = daemon.wait("everything to be well", lambda: is_done(home, threads) and ready(daemon) == (200, "fine"), 120)
    same = content(home) == expected
    whole = home.sql("PRAGMA integrity_check")[0][0]
    print(f"{name}: well again after {took:.1f} s; everything there as in a calm daemon: {same}; integrity {whole}")
    return same and whole == "ok" and listed == 200 and said == {(503, wanted)}


def full(bluf, folder, sources, expected, threads):
    disk = folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL_MIB}m", "tmpfs", disk], check=True)
    try:
        home = Home(bluf, folder / "full", sources, database=disk / "bluf.db")
        with home.serve("--no-model") as daemon:
            grow = lambda: subprocess.run(["mount", "-o", f"remount,size={LARGE_MIB}m", disk], check=True)
            return through("full", daemon, home, expected, threads, "full", grow)
    finally:
        subprocess.run(["umount", disk], check=True)


def read_only(bluf, folder, sources, expected, threads):
    shim, flag, base = folder / "shim.so", folder / "no-writing", folder / "shimmed"
    base.mkdir()
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", shim, Path(__file__).with_name("no_writing_shim.c")], check=True)
    home = Home(bluf, folder / "read-only", sources, database=base / "bluf.db")
    home.env |= {"LD_PRELOAD": str(shim), "NO_WRITING_FLAG": str(flag), "NO_WRITING_BELOW": str(base)}
    with home.serve("--no-model") as daemon:
        daemon.wait("some threads", lambda: home.count("SELECT count(*) FROM thread") > threads // 10)
        flag.touch()
        return through("read-only", daemon, home, expected, threads, "read_only", flag.unlink)


def mounted_read_only(bluf, folder):
    disk = folder / "closed"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", disk], check=True)
    try:
        done = Home(bluf, folder / "closed-home", database=disk / "bluf.db").run("serve", "--no-model", stderr=subprocess.PIPE, timeout=30)[2]
        print(f"started on a read-only disk: exit {done.returncode}; {done.stderr.strip().splitlines()[-1]}")
        return done.returncode == 1 and "read-only" in done.stderr.lower()
    finally:
        subprocess.run(["umount", disk], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bluf", required=True)
    parser.add_argument("--threads", type=int, default=600)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bluf-no-room-") as place:
        folder = Path(place)
        sources = feed(folder, asked.threads)
        calm = Home(asked.bluf, folder / "calm", sources)
        with calm.serve("--no-model") as daemon:
            daemon.wait("the calm daemon", lambda: is_done(calm, asked.threads))
        expected = content(calm)
        well = [full(asked.bluf, folder, sources, expected, asked.threads),
                read_only(asked.bluf, folder, sources, expected, asked.threads),
                mounted_read_only(asked.bluf, folder)]
    sys.exit(not all(well))


if __name__ == "__main__":
    main()
