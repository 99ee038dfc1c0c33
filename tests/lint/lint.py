#!/usr/bin/env python3
"""The rules of the house as a table, and what refuses a breach with file:line.

    python3 tests/lint/lint.py [--root FOLDER]
    python3 tests/lint/lint.py --fix-spaces          puts the no-break spaces in (part of `make format`)

Each rule prints one line, "ok - sentence" or "not ok - sentence" followed by "# file:line: why". A rule carries a breach
and an innocent example of its own: tests/lint/self_test.py plants them and shows that the rule can fail, and does not
fail for nothing. To add a rule, write its function with the decorator.
"""
import fnmatch
import os
import posixpath
import re
import subprocess
import sys

RULES = []

# ---- the tables ----------------------------------------------------------------------------------------------------------

TOP_LEVEL = {"server", "workflow", "forms", "db", "certs", "tests", "docker", "Makefile", "README.md", "LICENSE", "CHANGELOG.md"}

# Who may include whom: server/base <- forms, db <- workflow <- server, server/pages.
LAYERS = {
    "server/base": {"server/base"},
    "forms": {"forms", "server/base"},
    "db": {"db", "server/base"},
    "workflow": {"workflow", "forms", "db", "server/base"},
    "server": {"server", "server/pages", "workflow", "forms", "db", "server/base"},
    "server/pages": {"server/pages", "server", "workflow", "forms", "db", "server/base"},
}
# These decide and never see the database or the clock.
PURE = ["workflow/table.c", "workflow/guards.c", "workflow/decide.c", "workflow/checks.c", "workflow/deadlines.c",
        "workflow/policy.c"]

# Each library has one home.
HOMES = [
    (r"h2o(/.*)?\.h", ["server/http.c"]),
    (r"libpq-fe\.h|libpq/.*|pg_config.*", ["db/pg.c"]),
    (r"openssl/.*|sodium(/.*)?(\.h)?", ["server/base/crypto*.c", "server/base/crypto_ssl.h"]),
    (r"libxml/.*", ["forms/xml.c"]),
    (r"jansson\.h", ["server/json.c"]),
    (r"curl/.*", ["server/fetch.c"]),
    (r"utf8proc\.h", ["server/base/fold.c"]),
    (r"magic\.h", ["server/piece_check.c"]),
    (r"xlsxwriter(/.*)?\.h", ["server/sheet.c"]),
    (r"systemd/.*", ["server/main.c"]),
    (r"zip\.h", ["server/takeout.c"]),
    (r"zlib\.h", ["server/compress.c", "server/piece_check.c"]),
    (r"cmocka\.h", []),
]

# Function, why, and where it is allowed all the same.
BANNED = [
    (r"strcpy|strcat|stpcpy|sprintf|vsprintf|gets|strtok", "writes without a limit or keeps a hidden state", []),
    (r"atoi|atol|atoll|atof", "cannot tell an error: str_to_i64()", []),
    (r"alloca", "the stack is not a pool", []),
    (r"system|popen", "no shell", []),
    (r"getenv|secure_getenv", "settings.c alone reads the environment", ["server/settings.c", "tests/*"]),
    (r"rand|srand|random|drand48", "crypto_random()", ["tests/*"]),
    (r"crypto_seal|crypto_open", "what is sealed has its place: sealed_make(), sealed_read()",
     ["db/sealed.c", "db/rekey.c", "server/session.c", "server/base/crypto.[ch]", "tests/*"]),
    (r"pthread_cond_(timed|clock)wait", "the machine's clock may be set: wait_until()", ["server/base/wait.c"]),
    (r"localtime|localtime_r|mktime|tzset", "the law's days are Europe/Paris: clock.h", ["tests/*"]),
]

TEXT_FILES = (".c", ".h", ".html", ".xml", ".rng", ".sql", ".sh", ".py", ".mjs", ".scss", ".md", ".json", ".yaml", ".txt",
              "Makefile", "Dockerfile", ".ci/run", ".css", ".js")


# ---- what the rules look at ----------------------------------------------------------------------------------------------

class Tree:
    def __init__(self, root):
        self.root = root
        try:
            out = subprocess.run(["git", "-C", root, "ls-files", "-z", "-co", "--exclude-standard"], check=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode()
            paths = [p for p in out.split("\0") if p and os.path.isfile(os.path.join(root, p))]
        except subprocess.CalledProcessError:
            paths = [os.path.relpath(os.path.join(d, f), root) for d, _, files in os.walk(root) for f in files]
        self.paths = sorted(paths)
        self.cache = {}

    def text(self, path):
        if path not in self.cache:
            with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as f:
                self.cache[path] = f.read()
        return self.cache[path]

    def files(self, *patterns):
        return [p for p in self.paths if any(fnmatch.fnmatch(p, g) for g in patterns)]

    def c_files(self):
        return self.files("*.c", "*.h")


def blank(match):
    return re.sub(r"[^\n]", " ", match.group(0))


def without_comments(c):
    """C with its comments blanked, line numbers kept."""
    return re.sub(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|/\*.*?\*/|//[^\n]*',
                  lambda m: m.group(0) if m.group(0)[0] in "\"'" else blank(m), c, flags=re.S)


def code_only(c):
    """C with comments and the inside of texts blanked."""
    return re.sub(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', lambda m: m.group(0)[0] + " " * (len(m.group(0)) - 2) + m.group(0)[0],
                  without_comments(c))


FRENCH = ["server/pages/*.html", "server/mail/*", "server/text/*.xml", "forms/definitions/*.xml"]
PLAIN_SPACE = re.compile(r"(?<=[^\s\x01]) [:;!?»]|« ")


def words_only(markup):
    """A template or an XML file with its tags, slots and comments blanked, character for character."""
    return re.sub(r"\{\{.*?\}\}|<!--.*?-->|<[^>]*>", lambda m: re.sub(r"[^\n]", "\x01", m.group(0)), markup, flags=re.S)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def layer(path):
    folder = posixpath.dirname(path)
    while folder:
        if folder in LAYERS:
            return folder
        folder = posixpath.dirname(folder)
    return None


def includes(tree, path):
    """(line, text, path inside the repository or None) of each include."""
    text = without_comments(tree.text(path))
    for m in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', text, flags=re.M):
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), m.group(2))) if m.group(1) == '"' else None
        yield line_of(text, m.start()), m.group(2), target


def rule(sentence, breach, fine):
    """breach: {path: text} in which `sentence` is broken; fine: {path: text} in which it is not."""
    def keep(check):
        RULES.append((sentence, check, breach, fine))
        return check
    return keep


# ---- the rules -----------------------------------------------------------------------------------------------------------

@rule("the top level holds only what newcomers are told to expect",
      {"src/main.c": "int x;\n"}, {"server/main.c": "int x;\n", ".gitignore": "a\n"})
def top_level(tree):
    for path in tree.paths:
        first = path.split("/")[0]
        if not first.startswith(".") and first not in TOP_LEVEL:
            yield path, 1, f"{first} is not one of the top level's names"


@rule("includes run one way: server/base, then forms and db, then workflow, then server",
      {"forms/a.c": '#include "../db/db.h"\n', "db/db.h": "\n"}, {"workflow/a.c": '#include "../db/db.h"\n', "db/db.h": "\n"})
def one_way(tree):
    for path in tree.c_files():
        mine = layer(path)
        if mine is None:
            continue
        for line, text, target in includes(tree, path):
            if target is None:
                continue
            theirs = layer(target)
            if theirs is None:
                yield path, line, f"includes {text}, which is in no layer (write it relative to this file)"
            elif theirs not in LAYERS[mine]:
                yield path, line, f"{mine} may not include {theirs} ({text})"


@rule("what decides sees neither database nor clock, not even through a header",
      {"workflow/decide.c": '#include "a.h"\n', "workflow/a.h": '#include "../db/db.h"\n', "db/db.h": "\n"},
      {"workflow/decide.c": '#include "a.h"\n', "workflow/a.h": '#include "../server/base/clock.h"\n', "server/base/clock.h": "\n"})
def pure(tree):
    known = set(tree.paths)
    for path in PURE:
        if path not in known:
            continue
        seen, todo = set(), [(path, None)]
        while todo:
            current, first = todo.pop()
            for line, text, target in includes(tree, current):
                at = first or line
                if target is None and re.fullmatch(r"libpq-fe\.h|sys/time\.h|time\.h", text):
                    yield path, at, f"reaches <{text}>"
                if target is None or target in seen or target not in known:
                    continue
                seen.add(target)
                if layer(target) == "db":
                    yield path, at, f"reaches {target}"
                else:
                    todo.append((target, at))
        text = code_only(tree.text(path))
        for m in re.finditer(r"\b(clock_monotonic|clock_gettime|gettimeofday|time)\s*\(", text):
            yield path, line_of(text, m.start()), f"asks what time it is: {m.group(1)}()"


@rule("each library has one home",
      {"server/a.c": "#include <libpq-fe.h>\n"}, {"db/pg.c": "#include <libpq-fe.h>\n", "tests/db/a_test.c": "#include <cmocka.h>\n"})
def homes(tree):
    for path in tree.c_files():
        if path.startswith("tests/"):
            continue
        for line, text, target in includes(tree, path):
            for library, allowed in HOMES:
                if target is None and re.fullmatch(library, text) and not any(fnmatch.fnmatch(path, a) for a in allowed):
                    yield path, line, f"<{text}> belongs to {' '.join(allowed) or 'the tests'}"


@rule("no banned function is called",
      {"db/a.c": "/* strcpy( */\nvoid f(char *a) {\n\tstrcpy (a, \"x\");\n}\n"},
      {"db/a.c": "/* strcpy(a) */\nconst char *s = \"system(\";\nint my_system(int x);\n", "server/settings.c": "x = getenv(\"A\");\n"})
def banned(tree):
    for path in tree.c_files():
        text = code_only(tree.text(path))
        for names, why, allowed in BANNED:
            if any(fnmatch.fnmatch(path, a) for a in allowed):
                continue
            for m in re.finditer(r"(?<![\w.>])(" + names + r")\s*\(", text):
                yield path, line_of(text, m.start()), f"{m.group(1)}(): {why}"


@rule("handlers free nothing: their pool does",
      {"server/pages/a.c": "void f(void *p)\n{\n\tfree(p);\n}\n"}, {"server/pages/a.c": "void f(void *p)\n{\n\tpool_free(p);\n}\n"})
def no_free(tree):
    for path in tree.files("server/pages/*.c"):
        text = code_only(tree.text(path))
        for m in re.finditer(r"\b(free|malloc|calloc|realloc|strdup|asprintf)\s*\(", text):
            yield path, line_of(text, m.start()), f"{m.group(1)}() in a handler"


@rule("only server/ speaks: the layers below neither log nor print",
      {"db/a.c": "void f(void)\n{\n\tfprintf(stderr, \"x\");\n}\n"}, {"server/a.c": "void f(void)\n{\n\tlog_event(LOG_INFO, \"x\", NULL);\n}\n"})
def quiet(tree):
    for path in tree.files("forms/*.c", "db/*.c", "workflow/*.c", "server/base/*.c"):
        if path in ("server/base/log.c",):
            continue
        text = code_only(tree.text(path))
        for m in re.finditer(r"\b(fprintf\s*\(\s*stderr|printf\s*\(|puts\s*\(|perror\s*\()", text):
            if not re.search(r"[\w]$", text[:m.start()]):
                yield path, line_of(text, m.start()), "prints"


@rule("SQL is written under db/ only",
      {"server/pages/a.c": "const char *q = \"SELECT a FROM b\";\n"}, {"db/a.c": "const char *q = \"SELECT a FROM b\";\n"})
def sql_home(tree):
    for path in tree.files("server/*.c", "server/*.h", "forms/*.c", "workflow/*.c", "server/pages/*.c", "server/base/*.c"):
        text = without_comments(tree.text(path))
        for m in re.finditer(r'"(?:\\.|[^"\\\n])*"', text):
            if re.search(r"\b(SELECT\s.+\sFROM\s|INSERT\s+INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s)", m.group(0)):
                yield path, line_of(text, m.start()), "a statement outside db/"


@rule("nothing is left to do later",
      {"db/a.c": "int x; /* " + "TO" + "DO: y */\n"}, {"db/a.c": "char t[] = \"/tmp/a.XXXXXX\"; /* todos */\n"})
def nothing_left(tree):
    words = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b|\bnot " + r"implemented\b|\bun" + r"implemented\b", re.I)
    for path in tree.paths:
        if not path.endswith(TEXT_FILES) or path.endswith("package-lock.json") or path.startswith(("db/data/", "server/static/app.")):
            continue
        text = tree.text(path)
        for m in words.finditer(text):
            if m.group(0).isupper() or " " in m.group(0) or m.group(0).lower().startswith("un"):
                yield path, line_of(text, m.start()), f"“{m.group(0)}”"


@rule("a comment's line is not glued to its star: the formatter breaks an example so when it is too long",
      {"db/x.h": "/*\n * Long.\n *glued\n */\n"}, {"db/x.h": "/*\n * Long.\n *\tcode();\n *\n */\nint x =\n 2\n *y;\n"})
def not_glued(tree):
    for path in tree.c_files():
        text = tree.text(path)
        for m in re.finditer(r"/\*.*?\*/", text, re.S):
            for glued in re.finditer(r"^ \*[^\s*/]", m.group(0), re.M):
                yield path, line_of(text, m.start() + glued.start()), "a space is missing, or the example was broken: write it shorter"


@rule("no path of a machine, no package registry is named",
      {"tests/a.sh": "cd /" + "work/main\n"}, {"tests/a.sh": "cd network/work/\n"})
def no_host(tree):
    words = re.compile(r"(?<![\w.$})])/(?:work|root|home/\w+)/|registry\.npm" + r"js|deb\.deb" + r"ian\.org|\"resolved\"")
    for path in tree.paths:
        if not path.endswith(TEXT_FILES) or path.startswith(("db/data/", "tests/lint/")) or path == "tests/static.sh":
            continue
        text = tree.text(path)
        for m in words.finditer(text):
            yield path, line_of(text, m.start()), f"names {m.group(0)}"


@rule("what a program makes is not kept",
      {"tests/__pycache__/a.cpython-311.pyc": "x"}, {"tests/a.py": "x = 1\n"})
def made(tree):
    for path in tree.paths:
        if path.endswith((".pyc", ".o", ".log")):
            yield path, 1, "is made, not written"


@rule("no id of a person, of a file or of a field of another system is in code",
      {"server/a.c": "if (id == 10008744715)\n"}, {"server/a.c": "size_t max = 10485760;\nlong day = 86400000000;\nint fd = 0x7fffffff;\n"})
def no_ids(tree):
    for path in tree.files("server/*.c", "forms/*.c", "workflow/*.c", "db/*.c"):
        if path.endswith("/demo.c"):  # the home of the invented people
            continue
        text = without_comments(tree.text(path))
        for m in re.finditer(r'"[0-9]{10,}"|(?<![.\w])[1-9][0-9]{9,}L*\b|"[A-Z0-9a-z._-]+@[a-z0-9-]+\.[a-z.]+"|"Q2hhbXAt[^"]*"', text):
            digits = m.group(0).rstrip("L")
            if digits.endswith("000000") or digits == '"0123456789"' or set(digits) == set('"0') or re.search(r"@localhost|\.(invalid|example|test)\"", digits):
                continue
            yield path, line_of(text, m.start()), f"{m.group(0)} looks like somebody's number or address"


@rule("pages hold nothing inline and ask nothing of a third party",
      {"server/pages/a.html": "<p>\n<b style=\"color:red\">x</b></p>\n"},
      {"server/pages/a.html": "<p class=\"style\"><a href=\"https://example.org/\">on = x</a></p>\n"})
def nothing_inline(tree):
    for path in tree.files("server/pages/*.html"):
        text = tree.text(path)
        for m in re.finditer(r"<[a-zA-Z][^>]*?\s(style|on[a-z]+)\s*=|<style\b|<script(?![^>]*\ssrc=)[^>]*>|javascript:|"
                             r"<(?:script|img|link|iframe|source|form)\b[^>]*\s(?:src|href|action)=[\"'](?:https?:)?//", text):
            yield path, line_of(text, m.start()), f"{m.group(0)[:60]!r}"
    for path in tree.files("server/*.c"):
        if path == "server/piece_check.c":  # it looks for these words in what is sent
            continue
        text = without_comments(tree.text(path))
        for m in re.finditer(r'"(?:\\.|[^"\\\n])*"', text):
            if re.search(r"\sstyle=|<style\b|<script\b|\son(click|load|error|change|submit)=", m.group(0)):
                yield path, line_of(text, m.start()), "writes markup with something inline"


@rule("French has its no-break spaces before « : ; ! ? » and inside the quotes",
      {"server/pages/a.html": "<p>Bonjour\n!</p><p>Bonjour !</p>\n"},
      {"server/pages/a.html": "{{! a : b }}<p class=\"a : b\">Bonjour\u00a0! {{#a}}; {{/a}}à 10:30 http://x</p>\n"})
def no_break(tree):
    for path in tree.files(*FRENCH):
        text = words_only(tree.text(path))
        for m in PLAIN_SPACE.finditer(text):
            yield path, line_of(text, m.start()), f"“{text[max(0, m.start() - 12):m.end()].replace(chr(1), '')}”"


@rule("every test asserts something",
      {"tests/db/a_test.c": "static void it_works(void **state)\n{\n\tint x = 1;\n\t(void)x;\n}\n"},
      {"tests/db/a_test.c": "static void same(int a)\n{\n\tassert_int_equal(a, 1);\n}\nstatic void it_works(void **state)\n{\n\tsame(1);\n}\n"})
def tests_assert(tree):
    helpers = set()
    for path in tree.files("tests/lib/*"):
        helpers |= set(re.findall(r"\b(\w+)\s*\(", code_only(tree.text(path))))
    for path in tree.files("tests/*_test.c"):
        text = code_only(tree.text(path))
        body = {}
        for m in re.finditer(r"^(?:[A-Za-z_][\w \t\*]*?)\b(\w+)\(([^;{}]*)\)\s*\n\{\n(.*?)^\}", text, flags=re.S | re.M):
            body[m.group(1)] = (m.group(2), m.group(3), line_of(text, m.start()))
        good = {name for name, (_, inside, _) in body.items() if re.search(r"\b(assert_|expect_|fail_?)\w*\s*\(|\bassert\w*\(", inside)}
        macros = set(re.findall(r"#\s*define\s+(\w+)\(", text))
        changed = True
        while changed:
            changed = False
            for name, (_, inside, _) in body.items():
                called = set(re.findall(r"\b(\w+)\s*\(", inside))
                if name not in good and called & (good | helpers | macros):
                    good.add(name)
                    changed = True
        for name, (args, _, line) in body.items():
            if re.fullmatch(r"\s*void\s*\*\*\s*\w*\s*", args) and name not in good and not re.search(r"setup|teardown|set_up|tear_down|start|stop|open|close", name):
                yield path, line, f"{name}() asserts nothing"


@rule("each migration has a number of its own",
      {"db/migrations/0007_a.sql": "select 1;\n", "db/migrations/0007_b.sql": "select 1;\n"},
      {"db/migrations/0007_a.sql": "select 1;\n", "db/migrations/0008_a.sql": "select 1;\n"})
def one_number(tree):
    first = {}
    for path in sorted(tree.files("db/migrations/*.sql")):
        number = os.path.basename(path)[:4]
        if number in first:
            yield path, 1, "its number is that of " + first[number]
        first.setdefault(number, path)


def fix_spaces(root):
    tree = Tree(root)
    for path in tree.files(*FRENCH):
        text = tree.text(path)
        fixed = list(text)
        for m in PLAIN_SPACE.finditer(words_only(text)):
            fixed[m.start() + m.group(0).index(" ")] = "\u00a0"
        if "".join(fixed) != text:
            with open(os.path.join(root, path), "w", encoding="utf-8") as f:
                f.write("".join(fixed))
            print("no-break spaces:", path)


def run(root):
    tree = Tree(root)
    breaches = 0
    for sentence, check, _, _ in RULES:
        found = list(check(tree))
        print(("not ok - " if found else "ok - ") + sentence)
        for path, line, why in found:
            print(f"# {path}:{line}: {why}")
        breaches += len(found)
    return breaches


if __name__ == "__main__":
    where = sys.argv[sys.argv.index("--root") + 1] if "--root" in sys.argv else os.path.join(os.path.dirname(__file__), "../..")
    if "--fix-spaces" in sys.argv:
        sys.exit(fix_spaces(where))
    sys.exit(1 if run(where) else 0)
