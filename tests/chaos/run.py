#!/usr/bin/python3
"""`make chaos`: breaks the service on purpose and says what it survived.

    tests/chaos/run.py                    every program of the table, its long form, one after the other
    tests/chaos/run.py --short            the short forms, two at a time: a step of `make test` (tests/chaos/short.sh)
    tests/chaos/run.py races --seed 7     one program; the same seed chooses the same events, people and moments of a kill
    tests/chaos/run.py races --pairs 100000    that many pairs, however long it takes
    tests/chaos/run.py --write            also writes tests/chaos/RESULTS.md, with date and machine (of each program its last
                                          long run, which build/chaos/ keeps)

A program is tests/chaos/NAME.py, run with `--seed N` and, for its short form, `--short`. It prints "ok - sentence" /
"not ok - sentence", and what it survived as "= count what" lines (lib.py: survived()), of which the table at the end is
made. It ends with 0 when nothing failed, and in its seconds: a program that takes longer is killed and has failed. To
add one: write it, add its line to PROGRAMS.

The programs of TOGETHER share one process and one house in their short form, because a house takes long to make:
`main(c)` of each is called in turn (`run.py --inside NAME…`).
"""
import argparse
import contextlib
import datetime
import importlib
import json
import os
import platform
import random
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))

# name, seconds at most of the short (0: there is none) and of the long form, what it does
PROGRAMS = (
    ("races", 90, 480, "pairs of contradictory decisions on the same version, at the same moment"),
    ("faults", 180, 360, "scanner, mail server, PDF process, disk gone and back; slow clients, cut uploads, the clock, backup and restore"),
    ("history", 120, 330, "random events by many people while the service and PostgreSQL are killed, then the whole log is checked"),
    ("clock", 0, 240, "the clock of the machine set an hour and a day forward and back under load"),
    ("machines", 420, 600, "two instances behind haproxy killed in turn, a rolling upgrade, the primary lost with a synchronous standby"),
)
TOGETHER = ("races", "faults", "history")

KEPT = os.path.join(HERE, "../../build/chaos")
PRINTING = threading.Lock()


def run(names, seconds, seed, short, more=()):
    """Gives the lines, whether all was well, and how long it took."""
    began, lines, name = time.monotonic(), [], names[0]
    what = [os.path.join(HERE, name + ".py")] if len(names) == 1 else [os.path.abspath(__file__), "--inside", *names]
    command = [sys.executable, "-u", *what, "--seed", str(seed), *(["--short"] if short else []), *more]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    ended_late = threading.Event()

    def stop():
        ended_late.set()
        process.terminate()  # its houses end with it
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
    timer = threading.Timer(seconds, stop)
    timer.start()
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        with PRINTING:
            print(line, end="", flush=True)
    status = process.wait()
    timer.cancel()
    failed = sum(line.startswith("not ok - ") for line in lines)
    if ended_late.is_set() or (status and not failed) or not any(line.startswith("ok - ") for line in lines):
        why = "still running after %d s" % seconds if ended_late.is_set() else "it ended with status %s" % status
        line = "not ok - %s: the program runs to its end\n# %s" % (" ".join(names), why)
        lines.append(line)
        failed += 1
        with PRINTING:
            print(line, flush=True)
    return {"name": " ".join(names), "lines": lines, "failed": failed, "passed": sum(line.startswith("ok - ") for line in lines),
            "seconds": time.monotonic() - began}


def survived(result):
    """The "= count what" lines of a program, in their order."""
    return [tuple(line[2:].split(" ", 1)) for line in result["lines"] if line.startswith("= ")]


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        model = next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), platform.machine())
    with open("/proc/meminfo", encoding="utf-8") as f:
        memory = int(f.readline().split()[1]) / 1048576
    return "%s, %d cores, %.0f GB, Linux %s" % (model, os.cpu_count(), memory, platform.release())


def keep(result, seed):
    """The last result of each program, so that a table can be made of programs run one at a time."""
    os.makedirs(KEPT, exist_ok=True)
    when = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    with open(os.path.join(KEPT, result["name"] + ".json"), "w", encoding="utf-8") as f:
        json.dump({**result, "when": when, "seed": seed, "machine": machine()}, f)


def kept():
    for name in (p[0] for p in PROGRAMS):
        with contextlib.suppress(OSError), open(os.path.join(KEPT, name + ".json"), encoding="utf-8") as f:
            yield json.load(f)


def table(results):
    out = ["# What the service survived", "",
           "Written by `make chaos CHAOS_ARGS=--write`; tests/chaos/run.py says what each program does. A seed chooses the same people,",
           "events and kills again.", ""]
    for r in results:
        out += ["## " + r["name"], "",
                "%s, %d s, seed %d, %s: %d checks passed, %d failed." % (r["when"], r["seconds"], r["seed"], r["machine"], r["passed"], r["failed"]), "",
                "| count | what |", "|---:|---|"] + ["| %s | %s |" % line for line in survived(r)] + [""]
        out += ["- " + line.replace("ok - ", "", 1) if line.startswith("ok - ") else "- **" + line + "**"
                for line in r["lines"] if line.startswith(("ok - ", "not ok - "))]
        out.append("")
    return "\n".join(out)


def inside(given):
    import chaos
    c = chaos.Chaos(given)
    for name in given.names:
        c.called(name)
        importlib.import_module(name).main(c)
    c.end()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1000000))
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--pairs", type=int, default=0)
    parser.add_argument("--inside", action="store_true")
    given = parser.parse_args()
    if given.inside:
        inside(given)
    unknown = set(given.names) - {p[0] for p in PROGRAMS}
    if unknown:
        parser.error("no such program: " + ", ".join(sorted(unknown)))
    chosen = [p for p in PROGRAMS if (not given.names or p[0] in given.names) and (p[1] or not given.short)]
    print("# seed %d" % given.seed, flush=True)
    left = [([name], short if given.short else long) for name, short, long, _ in chosen]
    shared = [x for x in left if x[0][0] in TOGETHER]
    if given.short and len(shared) > 1:
        left = [(sum((x[0] for x in shared), []), sum(x[1] for x in shared))] + [x for x in left if x not in shared]
    began, results = time.monotonic(), []

    def work():
        while left:
            names, seconds = left.pop(0)
            more = ["--pairs", str(given.pairs)] if given.pairs and names == ["races"] else []
            result = run(names, seconds + given.pairs // 20 if more else seconds, given.seed, given.short, more)
            results.append(result)
            if not given.short:
                keep(result, given.seed)
            if given.write:  # after each: what comes later may be interrupted
                with open(os.path.join(HERE, "RESULTS.md"), "w", encoding="utf-8") as f:
                    f.write(table(list(kept())))
    workers = [threading.Thread(target=work) for _ in range(2 if given.short else 1)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    results.sort(key=lambda r: [p[0] for p in PROGRAMS].index(r["name"].split()[0]))
    seconds = time.monotonic() - began
    print()
    for r in results:
        print("%s: %d passed, %d failed, %d s" % (r["name"], r["passed"], r["failed"], r["seconds"]))
        for count, what in survived(r):
            print("%12s  %s" % (count, what))
    failed = sum(r["failed"] for r in results)
    print("in %d s, seed %d: %s" % (seconds, given.seed, "%d failed" % failed if failed else "all survived"))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
