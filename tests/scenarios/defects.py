#!/usr/bin/env python3
"""Defects that real systems of this kind had, each one impossible here; their numbers are those of the feature list."""
import hashlib
import io
import re
import zipfile

from lib import *
from journeys import amendment, asks, corrects, send_amendment, sums_are_equal

SCENARIOS.clear()


# ---- D1

def checked_twice(w):
    rows = w.house.sql("select count(distinct seq), count(*) from check_result where file = %d and code = 'experience'" % w.person("anna").file)
    right(rows == [("2", "2")], "runs of the experience check: %s" % rows)
    results = [c["result"] for c in w.file("anna")["checks"] if c["code"] == "experience"]
    right(results == ["pass"], "%s" % results)


SHORT = [{"from": "2023-01-01", "to": "2024-12-31", "structure": "Clinique", "function": "Psychologue", "clinical": "yes", "share": 100}]
LONG = [{**SHORT[0], "from": "2019-01-01"}]

scenario("D1 a corrected file is checked again", [
    applies("anna", experience=SHORT),
    state("anna", "correction"),
    corrects("anna", experience=LONG),
    state("anna", "in_review"),
    holds("both results are kept, the second one counts", checked_twice),
])


# ---- D2

def nowhere(w):
    """NIR and IBAN of bea are in no dump, log, export, page or mail."""
    house, p = w.house, w.person("bea")
    full = answers_of(p)
    marks = [full["nir"], full["iban"]]
    out = os.path.join(house.home, "backup")
    house.ctl("backup", out)
    restore = sorted(glob.glob("/usr/lib/postgresql/*/bin/pg_restore"))[-1]
    places = {"dump": subprocess.run([restore, "-f", "-", os.path.join(out, "database.dump")], capture_output=True, check=True).stdout}
    shutil.rmtree(out)
    with open(house.log, "rb") as f:
        places["log"] = f.read()
    with open(os.path.realpath(os.path.join(house.home, "pg/log")), "rb") as f:
        places["log of PostgreSQL"] = f.read()
    places["mails"] = "\n".join(m["text"] for m in house.mail.mails).encode()
    paths = ["/dossiers/%d" % p.file, "/dossiers/%d/historique.json" % p.file, "/dossiers/%d/resume" % p.file]
    for path in paths + ["/dossiers", "/messages"]:
        for accept in ("text/html", "application/json"):
            places["applicant %s %s" % (path, accept)] = house.ask("bea", "get", path, Accept=accept).body
    for who in ("lea", "eva", "ada"):
        for path in ("/dossiers/%d" % p.file, "/dossiers", "/dossiers.csv"):
            for accept in ("text/html", "application/json"):
                places["%s %s %s" % (who, path, accept)] = house.ask(who, "get", path, Accept=accept).body
    archive = zipfile.ZipFile(io.BytesIO(house.ask("bea", "get", "/mes-donnees.zip").body))
    for name in archive.namelist():
        places["archive " + name] = archive.read(name)
    for place, content in places.items():
        right(content, "nothing to look at in " + place)
        for mark in marks:
            spaced = re.sub(rb"[ \xc2\xa0\xe2\x80\xaf]", b"", content) if len(content) < 1 << 20 else content
            right(mark.encode() not in content and mark.encode() not in spaced, "a number is in clear in " + place)


scenario("D2 NIR and IBAN are nowhere in clear", [
    applies("bea"), state("bea", "in_review"), fires("lea", "claim", "bea"),
    holds("not in the dump, the logs, the exports, the pages, the mails", nowhere),
])


# ---- D3

def refused_as_duplicate(w):
    a = w.fire("cleo2", "submit", "cleo2")
    right(a.status == 422 and any(p["field"] == "rpps" for p in a.json["problems"]), "%r" % a)


def at_once(w):
    answers = []
    bodies = [("dora", w.file("dora")["version"]), ("dora2", w.file("dora2")["version"])]
    threads = [threading.Thread(target=lambda n=n, v=v: answers.append(w.fire(n, "submit", n, version=v).status)) for n, v in bodies]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    right(sorted(answers) == [200, 422], "%s" % answers)


def index_is_there(w):
    rows = w.house.sql("select count(*) from pg_indexes where schemaname = 'enroll' and tablename = 'file' and indexdef like 'CREATE UNIQUE%'"
                       " and (indexdef like '%rpps%' or indexdef like '%nir_hmac%')")
    right(int(rows[0][0]) >= 2, "unique indexes: %s" % rows)


SAME = dict(rpps=rpps(90001), nir=nir(90001))
SAME2 = dict(rpps=rpps(90002), nir=nir(90002))

scenario("D3 one live file a person, by unique index", [
    applies("cleo", **SAME), state("cleo", "in_review"),
    drafts("cleo2", **SAME),
    holds("a second one is refused where it can be corrected", refused_as_duplicate),
    drafts("dora", **SAME2), drafts("dora2", registered=False, **SAME2),
    holds("two sent at the same moment: one is refused", at_once),
    holds("the database has the unique indexes", index_is_there),
])


# ---- D4

def profile_shows(w):
    p = w.person("edith")
    a = w.house.ask("edith", "post", "/dossiers/%d/profil" % p.file, {"public": ["children"], "languages": ["breton"], "remote": False, "show_phone": True})
    right(a.status == 200, "%r" % a)
    last = answers_of(p)["last_name"]
    found = listed(w, "commune=59350&public=children&langue=breton", lambda items: any(last in i["name"] for i in items))["items"]
    right(found[0].get("phone") and found[0]["public"] == ["children"], "%s" % found)


scenario("D4 a profile change reaches the directory", [conventioned("edith"), holds("within a second", profile_shows)])


# ---- D5

def nothing_seen(w):
    """A delegate whose caisses were taken away."""
    house = w.house
    right(house.ctl("agent", "create", "--role", "delegate", "--name", "Sans", "--email", "sans@agents.test", status=None) == "", "it was made")
    house.make_agent("sans_caisse", "delegate", "--caisse", "595")
    file = w.person("flora").file
    right(house.people["sans_caisse"].get("/dossiers/%d" % file).status == 200, "it sees its caisse's files")
    house.sql("delete from agent_caisse where agent = (select id from agent where email = 'sans_caisse@agents.test')")
    for path in ("/dossiers/%d" % file, "/dossiers", "/statistiques", "/dossiers.csv"):
        a = house.people["sans_caisse"].get(path)
        right(a.status in (401, 403, 404), "%s: %r" % (path, a))
    rows = house.sql("set role enroll_service; select count(*) from file")
    right(rows[-1] == ("0",), "without an identity the service's role sees %s" % rows)


scenario("D5 no office, no rows", [applies("flora"), state("flora", "in_review"), holds("nothing is seen, whoever asks", nothing_seen)])


# ---- D6

def new_address(w):
    p = w.person("gina")
    full = answers_of(p)
    w.house.registry({"rpps": full["rpps"], "last_name": full["last_name"].upper(), "first_name": full["first_name"].upper(), "commune": "62041", "postcode": "62000"})
    a = w.house.ask("gina", "post", "/dossiers/%d/reponses" % p.file,
                    {"address_street": "1 place des Héros", "address_postcode": "62000", "address_commune": "62041"})
    right(a.status == 200, "%r" % a)
    a = w.fire("gina", "resubmit", "gina")
    right(a.status == 200, "%r" % a)


def moved(w):
    f = w.file("gina")
    right(f["caisse"]["code"] == jsonlib.loads(w.house.ctl("routing", "explain", "62041", "--json"))["caisse"], "%s" % f["caisse"])
    right(f["holder"] is None, "still held: %s" % f["holder"])
    told = w.house.sql("select distinct audience from message where file = %d and audience like 'caisse:%%'" % f["id"])
    right({("caisse:595",), ("caisse:" + f["caisse"]["code"],)} <= set(told), "told: %s" % told)


scenario("D6 moving to another département hands over to its caisse", [
    applies("gina"), state("gina", "in_review"), fires("lea", "claim", "gina"),
    asks("lea", "gina", "address_commune", "address_outside"), state("gina", "correction"),
    holds("the address is corrected", new_address), state("gina", "in_review"),
    holds("the other caisse has it, the claim is dropped, both are told", moved),
])


# ---- D7

def not_lost(w):
    items = jsonlib.loads(w.house.ctl("figures", "--level", "caisse", "--json"))["items"]
    nowhere = [i for i in items if i["code"] == "non_rattache"]
    right(nowhere and nowhere[0]["states"].get("unrouted", 0) >= 1, "%s" % nowhere)
    return sums_are_equal(w)


scenario("D7 an unknown commune is counted", [
    applies("hana", commune="59998"), state("hana", "unrouted"),
    holds("as non rattaché, and the sums of every level are equal", not_lost),
])


# ---- D8

def no_ids(w):
    """No address of a real person, no number of somebody's row, no RPPS in the programs' sources."""
    found = []
    for path in subprocess.run(["git", "-C", ROOT, "ls-files", "server", "workflow", "forms", "db"], capture_output=True, text=True).stdout.split():
        if not path.endswith((".c", ".h", ".sql")) or "/data/" in path:
            continue
        text = open(os.path.join(ROOT, path), encoding="utf-8", errors="replace").read()
        for m in re.finditer(r'"[^"\n]*?([\w.+-]+@[\w-]+\.[a-z]{2,})|\b(?:file|account|agent|user|field)_?id\s*==?\s*\d{2,}|\b8?1\d{10}\b', text):
            if not (m.group(1) or "").endswith((".example", "exemple.fr", "example.org", ".test")):
                found.append("%s: %s" % (path, m.group(0)))
    right(not found, "\n".join(found))


scenario("D8 no person's or field's number in the code", [holds("the sources hold none", no_ids)])


# ---- D9

def cannot_be_forced(w):
    """As the service's own role, with every right of the system: what must never be is refused by the database."""
    file = w.person("ines").file
    attempts = {
        "moving a file without an event": "update file set state = 'conventioned' where id = %d" % file,
        "changing history": "update event set event = 'approve' where file = %d" % file,
        "erasing history": "delete from event where file = %d" % file,
        "an event that is no transition": "insert into event (file, seq, at, event, from_state, to_state, role, actor, eligible, body, prev_hash, hash)"
                                          " values (%d, 99, now(), 'approve', 'draft', 'conventioned', 'delegate', 'agent:1', true, '{}', '', '')" % file,
        "changing the table of transitions": "insert into transition values ('draft', 'approve', 'delegate', 'conventioned')",
    }
    for what, sql in attempts.items():
        try:
            w.house.sql("set role enroll_service; select identity_set('system', null, null, null, null); " + sql)
        except Wrong as e:
            right("syntax" not in str(e) and "does not exist" not in str(e), "%s: %s" % (what, e))
            continue
        raise Wrong(what + " was possible")


scenario("D9 the eight impossible states", [
    applies("ines"), state("ines", "in_review"), holds("the database refuses to be forced", cannot_be_forced),
])


# ---- D11

def same_checks(w):
    def results(name):
        return [(c["code"], c["result"], c["reason"]) for c in w.file(name)["checks"]]
    right(results("judith") == results("kim"), "%s\n%s" % (results("judith"), results("kim")))
    right(not any("adeli" in jsonlib.dumps(c).lower() for c in w.file("kim")["checks"]), "a check speaks of ADELI")


scenario("D11 no ADELI rule", [
    applies("judith", birth_date="1980-01-01"), state("judith", "in_review"),
    applies("kim", birth_date="1981-01-01", adeli="759312345"), state("kim", "in_review"),
    holds("an ADELI number of another département changes no check", same_checks),
])


# ---- D12

def over_the_digest(w):
    f = w.file("lise")
    a = w.house.ask("lise", "get", "/dossiers/%d/convention.pdf" % f["id"], Accept="application/pdf")
    digest = hashlib.sha256(a.body).hexdigest()
    right(f["document"] == digest, "the document is not what was served")
    rows = w.house.sql("select party, actor, method, digest from signature where file = %d" % f["id"])
    right(len(rows) == 1 and rows[0][0] == "applicant" and rows[0][2:] == ("email_code", digest), "%s" % rows)


scenario("D12 a signature is a row over a digest", [
    applies("lise"), state("lise", "in_review"), approves("lea", "lise"), signs("lise"), state("lise", "to_countersign"),
    holds("who, when, how, over the very document", over_the_digest),
])


# ---- D13

def nothing_left(w):
    """What hangs on this file only: the service works on other people's files meanwhile."""
    number = w.file("maya")["id"]

    def count():
        return w.house.sql("select " + ", ".join("(select count(*) from %s where file = %d)" % (table, number)
                                                 for table in ("outbox", "message", "event", "signature", "delta")))
    version = w.file("maya", "lea")["version"]
    settle(w.house)
    before = count()
    for event, body, version_sent in (("approve", {"checklist": CHECKLIST}, version), ("refuse", {"text": "x"}, version),
                                      ("claim", {}, version - 1), ("countersign", {"fnps": "F", "effective_date": today(w)}, version)):
        a = w.fire("lea", event, "maya", body, version=version_sent)
        right(a.status in (409, 422), "%s: %r" % (event, a))
    right(count() == before, "%s then %s" % (before, count()))


scenario("D13 effects come after the commit only", [
    applies("maya"), state("maya", "in_review"), holds("a refused event leaves nothing: no letter, no row, no figure", nothing_left),
])


# ---- D14

class Trap:
    """Listens where an applicant's addresses lead."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.visits = []
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.wait, daemon=True).start()

    def wait(self):
        while True:
            connection, peer = self.socket.accept()
            self.visits.append(peer)
            connection.close()


TRAP = Trap()


def nobody_came(w):
    w.house.client().get("/annuaire?commune=59350")
    time.sleep(2)
    right(not TRAP.visits, "%s" % TRAP.visits)


TYPED = dict(website="http://127.0.0.1:%d/" % TRAP.port, practice_mode="salaried", employer_name="http://127.0.0.1:%d/x" % TRAP.port,
             employer_siret=siret(9), employer_email="piege@127.0.0.1.test")

scenario("D14 nothing is asked of an address that an applicant typed", [
    applies("nora", **TYPED), state("nora", "in_review"), approves("lea", "nora"), signs("nora"),
    holds("nobody called", nobody_came),
])

if __name__ == "__main__":
    run()
