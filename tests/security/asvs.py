#!/usr/bin/env python3
"""The table asvs.md cannot rot: each requirement of ASVS 4.0.3 at level 1 or 2 stands in it once, and each test it names is
there. The ids are the standard's; those it deleted or asks only at level 3 are not among them."""
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
# section: the last number of each requirement
ASKED = {
    "1.1": "1-7", "1.2": "1-4", "1.4": "1 4 5", "1.5": "1-4", "1.6": "1-4", "1.7": "1 2", "1.8": "1 2", "1.9": "1 2", "1.10": "1", "1.11": "1 2", "1.12": "2", "1.14": "1-6",
    "2.1": "1-12", "2.2": "1-3", "2.3": "1-3", "2.4": "1-6", "2.5": "1-7", "2.6": "1-3", "2.7": "1-6", "2.8": "1-7", "2.9": "1-3", "2.10": "1-4",
    "3.1": "1", "3.2": "1-4", "3.3": "1-4", "3.4": "1-5", "3.5": "1-3", "3.7": "1", "4.1": "1-3 5", "4.2": "1 2", "4.3": "1-3",
    "5.1": "1-5", "5.2": "1-8", "5.3": "1-10", "5.4": "1-3", "5.5": "1-4", "6.1": "1-3", "6.2": "1-6", "6.3": "1 2", "6.4": "1 2",
    "7.1": "1-4", "7.2": "1 2", "7.3": "1 3 4", "7.4": "1-3", "8.1": "1-4", "8.2": "1-3", "8.3": "1-8", "9.1": "1-3", "9.2": "1-4", "10.2": "1 2", "10.3": "1-3",
    "11.1": "1-8", "12.1": "1-3", "12.2": "1", "12.3": "1-6", "12.4": "1 2", "12.5": "1 2", "12.6": "1", "13.1": "1 3-5", "13.2": "1-3 5 6", "13.3": "1 2", "13.4": "1 2",
    "14.1": "1-4", "14.2": "1-6", "14.3": "2 3", "14.4": "1-7", "14.5": "1-4"}
STATUS = ("met", "partly", "not met", "n/a")


def numbers(text):
    for part in text.split():
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


def say(wrong, sentence):
    print("%s - %s%s" % ("not ok" if wrong else "ok", sentence, "".join("\n# " + w for w in wrong[:12])))
    return bool(wrong)


def main():
    with open(os.path.join(HERE, "asvs.md"), encoding="utf-8") as f:
        rows = re.findall(r"^\| (\d+\.\d+\.\d+) \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$", f.read(), re.M)
    asked = ["%s.%d" % (s, n) for s, ns in ASKED.items() for n in numbers(ns)]
    found = [r[0] for r in rows]
    failed = say(["%s stands %d times" % (i, found.count(i)) for i in asked if found.count(i) != 1] + ["%s is not asked" % i for i in found if i not in asked],
                 "each requirement of ASVS 4.0.3, levels 1 and 2, stands in asvs.md once (%d)" % len(asked))
    wrong, texts, named = [], {}, 0
    for i, status, how, shown in rows:
        tests = re.findall(r"([\w/.-]+): “([^”]+)”", shown)
        if status not in STATUS or not how.strip() or not tests and not shown.startswith("no test: "):
            wrong.append("%s says %r, %r, %r" % (i, status, how, shown))
        for path, sentence in tests:
            named += 1
            if path not in texts:
                try:
                    with open(os.path.join(HERE, "..", path), encoding="utf-8") as f:
                        texts[path] = f.read()
                except OSError:
                    texts[path] = ""
            if sentence not in texts[path]:
                wrong.append("%s: tests/%s has no “%s”" % (i, path, sentence))
    failed |= say(wrong if named > 200 else wrong + ["only %d tests are named" % named], "each test that asvs.md names is in its file (%d)" % named)
    sys.exit(failed)


if __name__ == "__main__":
    main()
