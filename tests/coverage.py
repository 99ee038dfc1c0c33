#!/usr/bin/env python3
"""Line coverage by folder and in all, from what gcc counted.

    tests/coverage.py OBJECTS COUNTS      folders of the .gcno, and of the .gcda beside the same path
    tests/coverage.py --files …           each file too, and with --lines the lines that were never run

A line is run when one of the programs ran it. Files that no program ran count with all their lines.
"""
import collections
import json
import os
import subprocess
import sys
import tempfile

FOLDERS = ["server/base", "forms", "db", "workflow", "server", "server/pages"]


def counted(objects, counts):
    """{file: {line: times}}"""
    lines = collections.defaultdict(lambda: collections.defaultdict(int))
    with tempfile.TemporaryDirectory() as scratch:
        for folder, _, names in os.walk(objects):
            for name in names:
                stem, end = os.path.splitext(name)
                at = os.path.relpath(folder, objects)
                if end != ".gcno" or at.startswith("tests"):
                    continue
                for source, suffix in ((os.path.join(folder, name), ".gcno"), (os.path.join(counts, at, stem + ".gcda"), ".gcda")):
                    if os.path.exists(source):
                        os.symlink(os.path.abspath(source), os.path.join(scratch, "x" + suffix))
                out = subprocess.run(["gcov", "--json-format", "--stdout", os.path.join(scratch, "x.gcno")], check=True,
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout
                for left in os.listdir(scratch):
                    os.unlink(os.path.join(scratch, left))
                for f in json.loads(out)["files"]:
                    path = os.path.relpath(f["file"]) if os.path.isabs(f["file"]) else f["file"]
                    for line in f["lines"]:
                        lines[path][line["line_number"]] += line["count"]
    return {path: of for path, of in lines.items() if path.endswith(".c") and os.path.dirname(path) in FOLDERS}


def row(title, runs, most):
    print("%-34s %6d %6d %6.1f %%" % (title, most, runs, 100 * runs / most if most else 0))


def main(words):
    options = [w for w in words if w.startswith("--")]
    objects, counts = [w for w in words if not w.startswith("--")]
    lines = counted(objects, counts)
    print("%-34s %6s %6s" % ("", "lines", "run"))
    all_runs = all_most = 0
    for folder in FOLDERS:
        files = {path: of for path, of in sorted(lines.items()) if os.path.dirname(path) == folder}
        runs, most = sum(1 for of in files.values() for n in of.values() if n), sum(map(len, files.values()))
        row(folder + "/", runs, most)
        all_runs, all_most = all_runs + runs, all_most + most
        for path, of in files.items() if options else ():
            row("  " + path, sum(1 for n in of.values() if n), len(of))
            if "--lines" in options:
                print("    " + " ".join(str(n) for n in sorted(of) if not of[n]))
    row("in all", all_runs, all_most)


main(sys.argv[1:])
