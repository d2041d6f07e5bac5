#!/usr/bin/env python3
"""Measures bluf and llama.cpp on the same GGUF files, taking turns in one run, so that both meet the same machine.

  versus_llama_cpp.py --bluf BLUF (--llama-bench PATH | --build DIR) [--rounds 5] [--threads 1] [--threads2]
                      [--prefill 512,2048,4096] [--decode 0,4096] [--flash better|auto|on|off] [--clock both|cpu|wall]
                      [--formats DIR] [--json FILE] MODEL.gguf...

--build DIR makes llama.cpp from the source that the Python package llama-cpp-python carries, for this very CPU, or takes
what is there already (needs pip and a C++ compiler; four minutes on two cores). --threads2 measures two threads as well,
and what they gain. --formats DIR measures llama.cpp also on DIR's files of the same model, told by its number of
parameters, and compares us with the fastest of them, measure by measure. Without --bluf: llama.cpp alone.

"cpu" is tokens per second of the process's CPU time, summed over its threads (cpu_clock_shim.c, preloaded under
llama-bench); "wall" is by the clock on the wall, in llama-bench runs of its own, and says little on a busy machine.
Rates are medians over the rounds, the ratio is that of the medians, and least and most are ratios within one round.
--flash better tries flash attention on and off once for each model, prefill and decode apart, and gives llama.cpp the
better; llama.cpp's own default (auto) is on. A short prompt that is not counted warms each run. Linux only.
"""
import argparse, json, os, shutil, statistics, subprocess, sys, tarfile
from pathlib import Path

PACKAGE = "llama-cpp-python==0.3.36"
WARM_PROMPT, DECODED = 64, 32


def build(folder):
    """The llama-bench (and llama-quantize beside it) in `folder`, made there unless it is there."""
    folder = Path(folder).resolve()
    made = folder / "build" / "bin" / "llama-bench"
    if made.exists():
        return made
    folder.mkdir(parents=True, exist_ok=True)
    pip, env, cmake = [sys.executable, "-m", "pip", "-q"], dict(os.environ), shutil.which("cmake")
    if cmake is None:
        subprocess.run([*pip, "install", "--target", folder / "tools", "cmake"], check=True)
        cmake, env["PYTHONPATH"] = folder / "tools" / "bin" / "cmake", str(folder / "tools")
    # Only this package from source: with ":all:" pip would first compile cmake.
    subprocess.run([*pip, "download", "--no-deps", "--no-binary", PACKAGE.split("==")[0], "-d", folder, PACKAGE], check=True)
    with tarfile.open(next(folder.glob("llama_cpp_python-*.tar.gz"))) as archive:
        archive.extractall(folder)
    source = next(folder.glob("llama_cpp_python-*/vendor/llama.cpp"))
    options = ["-DCMAKE_BUILD_TYPE=Release", "-DGGML_NATIVE=ON", "-DBUILD_SHARED_LIBS=OFF", "-DLLAMA_CURL=OFF"]
    for step in (["-S", source, "-B", folder / "build", *options],
                 ["--build", folder / "build", f"-j{os.cpu_count()}", "--target", "llama-bench", "llama-quantize"]):
        subprocess.run([cmake, *step], env=env, check=True, stdout=sys.stderr)
    return made


def shim(bench):
    """cpu_clock_shim.c, compiled beside llama-bench."""
    made, source = Path(bench).resolve().with_name("cpu_clock_shim.so"), Path(__file__).with_name("cpu_clock_shim.c")
    if not made.exists() or made.stat().st_mtime < source.stat().st_mtime:
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", made, source], check=True)
    return str(made)


def listed(numbers):
    return ",".join(map(str, numbers))


class LlamaCpp:
    def __init__(self, bench, wanted):
        self.bench, self.shim, self.wanted, self.version = str(bench), shim(bench), wanted, ""
        self.parameters, self.flash = {}, {}

    def run(self, model, threads, clock, flash, *tests):
        env = dict(os.environ, **({"LD_PRELOAD": self.shim} if clock == "cpu" else {}))
        command = [self.bench, "-m", model, "-t", str(threads), "-r", "1", "-o", "jsonl", "-fa", flash, *tests]
        out = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout
        rows = [json.loads(line) for line in out.splitlines()]
        self.parameters[model], self.version = rows[0]["model_n_params"], rows[0]["build_commit"]
        return {("prefill", r["n_prompt"]) if r["n_prompt"] else ("decode", r["n_depth"]): r["avg_ts"] for r in rows}

    def prefill(self, model, threads, clock, flash, lengths):
        rates = self.run(model, threads, clock, flash, "--no-warmup", "-n", "0", "-p", listed([WARM_PROMPT, *lengths]))
        return {(kind, at): rate for (kind, at), rate in rates.items() if at in lengths}

    def decode(self, model, threads, clock, flash, depths, count=DECODED):
        return self.run(model, threads, clock, flash, "-p", "0", "-n", str(count), "-d", listed(depths))

    def same(self, one, other):
        """Whether two files hold the same model."""
        for model in (one, other):
            if model not in self.parameters:
                self.run(model, 1, "cpu", "auto", "--no-warmup", "-p", "1", "-n", "0")
        return self.parameters[one] == self.parameters[other]

    def choose_flash(self, model, flash):
        for kind, trial in (("prefill", lambda way: self.prefill(model, 1, "cpu", way, [2048])),
                            ("decode", lambda way: self.decode(model, 1, "cpu", way, [1024], 16))):
            best = max(("on", "off"), key=lambda way: sum(trial(way).values())) if flash == "better" and self.wanted[kind] else flash
            self.flash[self.parameters[model], kind] = best

    def measure(self, model, threads, clock):
        rates = {}
        for kind, measured in (("prefill", self.prefill), ("decode", self.decode)):
            if self.wanted[kind]:
                rates |= measured(model, threads, clock, self.flash[self.parameters[model], kind], self.wanted[kind])
        return rates


def ours(bluf, model, threads, wanted):
    """Our rates by both clocks, and all that bluf printed."""
    command = [bluf, "bench", "--model", model, "--threads", str(threads), "--json", "--rounds", "1",
               "--no-encoder", "--no-batch"]
    command += [word for kind, at in wanted.items() if at for word in (f"--{kind}", listed(at))]
    said = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
    rates = {clock: {(kind, at): part[kind][str(at)] for kind, all_of in wanted.items() for at in all_of}
             for clock, part in (("cpu", said), ("wall", said["wall"]))}
    return rates, said


def take_turns(args, llama, formats, threads, clocks, wanted):
    """rates[engine, model, threads, clock][measure]: one rate a round. Every other round goes the other way about."""
    rates, said = {}, []

    def note(key, measured):
        for measure, rate in measured.items():
            rates.setdefault(key, {}).setdefault(measure, []).append(rate)

    def theirs(model, n, clock):
        note(("llama.cpp", model, n, clock), llama.measure(model, n, clock))

    def mine(model, n):
        both, printed = ours(args.bluf, model, n, wanted)
        said.append(printed)
        for clock in clocks:
            note(("bluf", model, n, clock), both[clock])

    for turn in range(args.rounds):
        jobs = []
        for n in threads:
            for model in args.models:
                jobs += [(theirs, model, n, clocks[0])] + [(mine, model, n)] * bool(args.bluf)
                jobs += [(theirs, model, n, clock) for clock in clocks[1:]]
            jobs += [(theirs, model, n, clock) for model in formats for clock in clocks]
        for job, *about in jobs if turn % 2 == 0 else reversed(jobs):
            job(*about)
        print(f"round {turn + 1} of {args.rounds}, load {os.getloadavg()[0]:.2f}", file=sys.stderr)
    return rates, said


def compare(llama, rates, model, rivals, n, clock):
    """One row a measure: us, llama.cpp on the same file, llama.cpp on its best file."""
    rows = []
    middle = lambda *key: statistics.median(rates[key][measure])
    for measure in rates["llama.cpp", model, n, clock]:
        best = max(rivals, key=lambda file: middle("llama.cpp", file, n, clock))
        row = {"model": Path(model).name, "threads": n, "clock": clock, "measure": "{} {}".format(*measure),
               "flash": llama.flash[llama.parameters[model], measure[0]], "llama.cpp": middle("llama.cpp", model, n, clock)}
        if ("bluf", model, n, clock) in rates:
            pairs = zip(rates["bluf", model, n, clock][measure], rates["llama.cpp", model, n, clock][measure])
            within = [us / them for us, them in pairs]
            row |= {"bluf": middle("bluf", model, n, clock), "least": min(within), "most": max(within)}
            row |= {"ratio": row["bluf"] / row["llama.cpp"], "best ratio": row["bluf"] / middle("llama.cpp", best, n, clock)}
        rows.append(row | {"best": middle("llama.cpp", best, n, clock), "best file": Path(best).name})
    return rows


def table(rows, columns):
    """`rows` of a dict each; a column that no row has is left out."""
    shown = lambda row, c: f"{row[c]:.2f}x" if c in RATIOS else f"{row[c]:.1f}" if isinstance(row[c], float) else str(row[c])
    columns = [c for c in columns if all(c in row for row in rows)]
    cells = [columns, *([shown(row, c) for c in columns] for row in rows)]
    for line in cells:
        print("  " + "  ".join(cell.rjust(max(len(other[i]) for other in cells)) for i, cell in enumerate(line)))


RATIOS = ("ratio", "least", "most", "best ratio", "bluf gains", "llama.cpp gains")


def arguments():
    numbers = lambda text: [int(n) for n in text.split(",") if n]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL.gguf")
    parser.add_argument("--bluf")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--llama-bench", metavar="PATH")
    where.add_argument("--build", metavar="DIR")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--threads2", action="store_true")
    parser.add_argument("--prefill", type=numbers, default=[512, 2048, 4096])
    parser.add_argument("--decode", type=numbers, default=[0, 4096])
    parser.add_argument("--flash", choices=["better", "auto", "on", "off"], default="better")
    parser.add_argument("--clock", choices=["both", "cpu", "wall"], default="both")
    parser.add_argument("--formats", metavar="DIR")
    parser.add_argument("--json", metavar="FILE")
    return parser.parse_args()


def main():
    args = arguments()
    wanted = {"prefill": args.prefill, "decode": args.decode}
    llama = LlamaCpp(args.llama_bench or build(args.build), wanted)
    threads = [args.threads] + [2] * (args.threads2 and args.threads != 2)
    clocks = ["cpu", "wall"] if args.clock == "both" else [args.clock]
    files = [str(file) for file in sorted(Path(args.formats).glob("*.gguf"))] if args.formats else []
    files = [file for file in files if Path(file).name not in {Path(model).name for model in args.models}]
    rivals = {model: [model] + [file for file in files if llama.same(model, file)] for model in args.models}
    formats = [file for file in files if any(file in of for of in rivals.values())]
    before = os.getloadavg()
    for model in args.models:
        llama.same(model, model)
        llama.choose_flash(model, args.flash)
    rates, said = take_turns(args, llama, formats, threads, clocks, wanted)
    after = os.getloadavg()

    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        cpu = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown CPU")
    print(f"{cpu}, {os.cpu_count()} cores; load {before[0]:.2f} before, {after[0]:.2f} after; {args.rounds} rounds; "
          f"llama.cpp {llama.version} of {PACKAGE}; decode is {DECODED} tokens after a depth")
    results = []
    for model in args.models:
        for n in threads:
            for clock in clocks:
                rows = compare(llama, rates, model, rivals[model], n, clock)
                results += rows
                print(f"\n{Path(model).name}, threads: {n}, tokens per second of {clock} time")
                columns = ["measure", "flash", "bluf", "llama.cpp", "ratio", "least", "most"]
                table(rows, columns + ["best", "best ratio", "best file"] * bool(formats))
        by = {(row["threads"], row["measure"]): row for row in results if row["model"] == Path(model).name and row["clock"] == "wall"}
        if len(threads) > 1 and by:
            print(f"\n{Path(model).name}, {threads[1]} threads over {threads[0]}, wall time")
            gain = lambda m, who: {f"{who} gains": by[threads[1], m][who] / by[threads[0], m][who]} if who in by[threads[0], m] else {}
            table([{"measure": m} | gain(m, "bluf") | gain(m, "llama.cpp") for n, m in by if n == threads[0]], ["measure", *RATIOS[-2:]])
    if formats:
        print("\nllama.cpp on every file")
        medians = lambda measured: {"{} {}".format(*measure): statistics.median(each) for measure, each in measured.items()}
        table([{"file": Path(file).name, "threads": n, "clock": clock} | medians(measured)
               for (who, file, n, clock), measured in rates.items() if who == "llama.cpp"],
              ["file", "threads", "clock"] + [f"{kind} {at}" for kind, all_of in wanted.items() for at in all_of])
    if args.json:
        raw = [{"engine": who, "model": Path(file).name, "threads": n, "clock": clock, "measure": "{} {}".format(*m), "rounds": r}
               for (who, file, n, clock), measured in rates.items() for m, r in measured.items()]
        report = {"cpu": cpu, "load": [before, after], "rounds": args.rounds, "llama.cpp": llama.version}
        report |= {"results": results, "rates": raw, "bluf": [said_once | {"model": Path(said_once["model"]).name} for said_once in said]}
        Path(args.json).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


main()
