#!/usr/bin/env python3
"""Memory of a daemon with a full store that has nothing to do.

  idle.py --bluf BLUF --home FOLDER [--no-model]

FOLDER is a home with a full store (first_import.py --keep); it is copied. Resident memory (RssAnon: its own; RssFile: of the program
and of files, which the kernel takes back when it likes): just started; after 32 clients have asked for ten seconds (Debian: wrk);
after everything was read anew without models; after twenty threads were read with models; and once those are put away.
"""
import argparse, os, random, shutil, subprocess, tempfile, time
from pathlib import Path

import load
from home import Home, resident_mib

MODEL_IDLE_SECS = 5
# Housekeeping comes once a minute.
PUT_AWAY_SECS = 75


def tell(what, daemon):
    own, files = resident_mib(daemon.pid, "RssAnon"), resident_mib(daemon.pid, "RssFile")
    print(f"{what:45} {own + files:6.1f} MiB  ({own:.1f} own, {files:.1f} of files)", flush=True)


def unread(home, most):
    home.change("UPDATE thread SET read_version = 0, changed_ms = 0, unread_ms = 0, next_read_ms = 0 WHERE id IN "
                "(SELECT id FROM thread WHERE messages < 60 ORDER BY id LIMIT ?)", most)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bluf", required=True)
    parser.add_argument("--home", required=True)
    parser.add_argument("--no-model", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bluf-idle-") as place:
        folder = Path(place)
        shutil.copy(Path(asked.home) / "bluf.db", folder / "bluf.db")
        home = Home(asked.bluf, folder, idle_secs=MODEL_IDLE_SECS)
        home.change("UPDATE thread SET read_version = version")
        (folder / "paths").write_text("\n".join(load.paths(home, random.Random(7))["mix"]) + "\n")
        with home.serve("--no-model") as daemon:
            time.sleep(2)
            tell("just started", daemon)
            command = ["wrk", "-t1", "-c32", "-d10", "-s", Path(__file__).with_name("asks.lua"), home.url]
            subprocess.run(command, env={**os.environ, "BLUF_PATHS": str(folder / "paths")}, check=True, stdout=subprocess.DEVNULL)
            tell("32 clients have asked", daemon)
            time.sleep(PUT_AWAY_SECS)
            tell("a minute later", daemon)
        home.change("UPDATE thread SET read_version = 0, changed_ms = 0, unread_ms = 0, next_read_ms = 0")
        with home.serve("--no-model") as daemon:
            daemon.wait("reading", lambda: home.unread() == 0)
            tell("everything was read without models", daemon)
            time.sleep(PUT_AWAY_SECS)
            tell("a minute later", daemon)
        if asked.no_model:
            return
        unread(home, 20)
        with home.serve() as daemon:
            daemon.wait("reading with models", lambda: home.unread() == 0)
            tell("twenty threads were read with models", daemon)
            time.sleep(PUT_AWAY_SECS)
            tell("the models are put away", daemon)


if __name__ == "__main__":
    main()
