"""A daemon's home for the measurements in this folder: its configuration, its database, the process and what it costs."""
import http.client, json, os, resource, signal, socket, sqlite3, subprocess, time
from pathlib import Path


def resident_mib(pid, what="VmRSS"):
    """Memory of a process: VmRSS now, VmHWM at most so far; Rss* say of which sort."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(what + ":"):
            return int(line.split()[1]) / 1024
    return 0.0


def cpu_seconds(pid):
    """Processor time of a process and its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def timed(command, **options):
    """Seconds of the wall and of the processor that a command takes, and its standard output."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, text=True, **options)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - start, cpu, done


class Home:
    """A folder with `bluf.toml`; no setting of whoever measures reaches it."""

    def __init__(self, bluf, folder, sources="", quiet_secs=0, idle_secs=600, database=None):
        self.bluf, self.folder = Path(bluf).resolve(), Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.config, self.database = self.folder / "bluf.toml", Path(database or self.folder / "bluf.db")
        self.config.write_text(
            f'[store]\npath = "{self.database}"\n[web]\nlisten = ["127.0.0.1:{self.port}"]\n'
            f"[summarize]\nquiet_secs = {quiet_secs}\n[model]\nidle_secs = {idle_secs}\n{sources}")
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("BLUF_")}

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def run(self, *words, **options):
        return timed([self.bluf, *words, "--config", self.config], env=self.env, **options)

    def serve(self, *words):
        return Daemon(self, words)

    def sql(self, query, *values):
        """Rows of the database, beside the daemon; none where there is no database yet."""
        if not self.database.exists():
            return []
        base = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10)
        try:
            return base.execute(query, values).fetchall()
        except sqlite3.OperationalError:
            return []
        finally:
            base.close()

    def count(self, query, *values):
        rows = self.sql(query, *values)
        return rows[0][0] if rows and rows[0][0] is not None else 0

    def change(self, query, *values):
        """Changes the database while no daemon has it."""
        base = sqlite3.connect(self.database)
        base.execute(query, values)
        base.commit()
        base.close()

    def unread(self):
        return self.count("SELECT count(*) FROM thread WHERE version <> read_version")


class Daemon:
    """`bluf serve`; its log lies in the home's `log`."""

    def __init__(self, home, words):
        self.home, self.log = home, open(home.folder / "log", "ab")
        self.process = subprocess.Popen([home.bluf, "serve", *words, "--config", home.config], env=home.env,
                                        stdout=self.log, stderr=self.log)

    def __enter__(self):
        until = time.monotonic() + 60
        while self.get("/healthz")[0] != 200:
            if self.process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"the daemon did not start; see {self.home.folder}/log")
            time.sleep(0.02)
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()

    @property
    def pid(self):
        return self.process.pid

    def get(self, path, accept="application/json"):
        """Status and body; status 0 where nobody answers."""
        try:
            line = http.client.HTTPConnection("127.0.0.1", self.home.port, timeout=30)
            line.request("GET", path, headers={"Accept": accept})
            answer = line.getresponse()
            return answer.status, answer.read()
        except OSError:
            return 0, b""
        finally:
            line.close()

    def json(self, path):
        return json.loads(self.get(path)[1])

    def wait(self, what, done, seconds=170):
        """Seconds until `done` says so."""
        start = time.monotonic()
        while not done():
            if self.process.poll() is not None:
                raise SystemExit(f"the daemon ended while {what} was waited for; see {self.home.folder}/log")
            if time.monotonic() - start > seconds:
                raise SystemExit(f"waited {seconds} s for {what}")
            time.sleep(0.05)
        return time.monotonic() - start
