#!/usr/bin/env python3
"""Plants each rule's breach in an empty tree and shows that the rule refuses it, there and only there."""
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import lint


def plant(files):
    folder = tempfile.TemporaryDirectory()
    for path, text in files.items():
        full = os.path.join(folder.name, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as f:
            f.write(text)
    return folder


failed = 0
for sentence, check, breach, fine in lint.RULES:
    with plant(breach) as root:
        found = list(check(lint.Tree(root)))
    with plant(fine) as root:
        innocent = list(check(lint.Tree(root)))
    ok = found and all(path in breach and line >= 1 for path, line, _ in found) and not innocent
    print(("ok" if ok else "not ok") + f" - the rule can fail: {sentence}")
    if not found:
        print("# its breach was not seen")
    for path, line, why in innocent:
        print(f"# {path}:{line}: refused for nothing: {why}")
    failed += not ok
sys.exit(1 if failed else 0)
