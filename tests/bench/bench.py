#!/usr/bin/env python3
"""The bench: speed as ratios against named references, measured in the same run. One table.

	make bench                          all nine
	make bench BENCH_ARGS="B1 B3"       some
	make bench BENCH_ARGS=--json        as a list of {name, reference, ratio, spread, target, met}
	make bench BENCH_ARGS=--write       and tests/bench/RESULTS.md is written again
	BENCH_PART=0.1                      a tenth of the data: to try the bench, not to quote
	BENCH_ROUNDS=5 BENCH_SECONDS=2      alternating rounds, seconds of each
	BENCH_PATIENCE=600                  seconds in all that it may wait for other machines to leave the processors alone

Service and reference take turns; a ratio is that of one pair of turns, and the table has the median and the extremes.
"Each takes" is the processors' time of one request, of PostgreSQL, the program that answered and the load generator; pgbench
connects and plans anew in each turn, which is in its figure. It says where a ratio comes from, and holds on a busy machine,
where a ratio does not: others' work takes most from whoever has the fewest processes, and pgbench has eight.
"""
import datetime
import json
import os
import platform
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import calm
import rows
from house import HERE, ROOT, Wrong, note, run

RESULTS = HERE + "/RESULTS.md"
BEGIN, END = "<!-- table -->", "<!-- end of table -->"


def french_free(n):
    return "%.2f" % n if n < 10 else "%.1f" % n if n < 100 else "%.0f" % n


def table(results):
    head = ("", "what", "reference", "ratio", "spread", "target", "met", "in this run")
    lines = [head] + [(r["name"].split(" ", 1)[0], r["name"].split(" ", 1)[1], r["reference"], french_free(r["ratio"]) + r.get("unit", ""),
                       "%s – %s" % tuple(french_free(x) for x in r["spread"]), r["target"], {True: "yes", False: "NO", None: "–"}[r["met"]], r.get("context", ""))
                      for r in results]
    lines.insert(1, tuple("---" for _ in head))
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def machine():
    model = re.search(r"model name\s*:\s*(.*)", open("/proc/cpuinfo").read())
    memory = int(re.search(r"MemTotal:\s*(\d+)", open("/proc/meminfo").read())[1]) // 1000000
    commit = run("git", "-C", ROOT, "rev-parse", "--short", "HEAD").strip()
    return "%s, %d cores of %s, %d GB, Linux %s, PostgreSQL %s, commit %s" % (
        datetime.date.today().isoformat(), os.cpu_count(), model[1] if model else "?", memory, platform.release(),
        re.search(r"[\d.]+", run("psql", "--version"))[0], commit)


def write(results, broken, load):
    text = open(RESULTS).read()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    about = "%s. Load when it began: %.1f; waited %.0f s for other machines. Data: %s." % (machine(), load, calm.waited, rows.told)
    with open(RESULTS, "w") as f:
        f.write("\n".join([before + BEGIN, about, "", table(results), *["\n%s stopped: %s" % b for b in broken], END + after]))


def main(words):
    chosen = [w.upper() for w in words if not w.startswith("--")] or list(rows.BENCHES)
    unknown = [w for w in chosen if w not in rows.BENCHES] + [w for w in words if w.startswith("--") and w not in ("--json", "--write")]
    if unknown:
        sys.exit("not a bench or an option: %s (benches: %s)" % (" ".join(unknown), " ".join(rows.BENCHES)))
    load, results, broken, began = os.getloadavg()[0], [], [], time.monotonic()
    with rows.Field() as field:
        for name in chosen:
            at = time.monotonic()
            try:
                found = rows.BENCHES[name](field)
            except (Wrong, OSError, subprocess.SubprocessError) as e:  # the others' figures are not lost with it
                broken.append((name, str(e).strip().split("\n")[0]))
                note("%s stopped: %s" % (name, e))
                continue
            note("%s took %.0f s" % (name, time.monotonic() - at))
            results += found
            for r in found:
                note("  %s / %s: %s (%s), target %s" % (r["name"], r["reference"], french_free(r["ratio"]), r.get("context", ""), r["target"]))
    note("%.0f s" % (time.monotonic() - began))
    keys = ("name", "reference", "ratio", "spread", "target", "met")
    print(json.dumps([{k: r[k] for k in keys} for r in results], ensure_ascii=False, indent=1) if "--json" in words else table(results))
    if "--write" in words:
        write(results, broken, load)
    if broken:
        sys.exit("stopped: " + " ".join(name for name, _ in broken))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (Wrong, subprocess.SubprocessError) as e:
        sys.exit("the bench stopped: %s" % e)
