#!/usr/bin/env python3
"""Who may do what, tried: every route and every event, by every kind of person, on one's own file and on another's.

tests/golden/authority.txt says what was answered, reviewed line by line: a change of who may do what shows as a diff.
`GOLDEN_WRITE=1 tests/security/authority.sh` writes it again; FULL=1 tries what is pointless in every state too. A route or an event that is added is tried without a line
more; a path with a new parameter has to be told here (AT).

	public GET /dossiers/:id applicant own 200 200        listener, method, route, who, whose file; as JSON, as HTML
	in_review claim expert=403 holder=422 …               state, event, and each who's answer to it

Beside the file stand rules that no reviewer may wave through: only the roles of routes.txt get in, another's file is 404,
and an event is answered with 200, 201 or 422 exactly where workflow.txt has its line.
"""
import concurrent.futures
import difflib
import functools
import hashlib
import json
import os
import re
import sys
import time
import traceback

import kit
from kit import *

GOLDEN = os.path.join(ROOT, "tests/golden")
LINK = "lien-de-l-employeur-pour-essai-000000000000"  # 43 characters, as links are
NOBODY = "A" * 43


def golden(name):
    with open(os.path.join(GOLDEN, name), encoding="utf-8") as f:
        return f.read()


# ---- people and files ----------------------------------------------------------------------------------------------------

def do(*commands):
    for c in flat(commands):
        c.do(world)


def fid(name):
    return world.person(name).file


def agents():
    """Each kind of agent: name, how it is made, what is taken away from it afterwards."""
    for name in AGENTS:
        house.agent(name)
    house.make_agent("sans_caisse", "delegate", "--caisse", "595")
    house.make_agent("sans_region", "region", "--region", "32")
    house.make_agent("revoque", "delegate", "--caisse", "595")
    house.make_agent("parti", "delegate", "--caisse", "595")
    house.sql("delete from agent_caisse where agent = (select id from agent where email = 'sans_caisse@agents.test');"
              "update agent set region = null where email = 'sans_region@agents.test';"
              "update agent set active = false where email = 'parti@agents.test'")
    house.ctl("cert", "revoke", "--agent", "revoque@agents.test")
    house.people["inconnu"] = house.client(certificate("inconnu", "/CN=Personne+UID=inconnu"))
    house.people["autre_ac"] = house.client(certificate("autre", "/CN=Lea Essai+UID=lea@agents.test",
                                                        (os.path.join(house.home, "other-ca.pem"), os.path.join(house.home, "other-ca.key"))))


def attaches(name, kind):
    return Command("a piece", lambda w: attach(w, name, ["pieces." + kind]))


def signed(name):
    """A file that waits for signatures; what takes long, the convention's PDF, is made once for all that are copied."""
    do(drafts(name, practice_mode="salaried", employer_name="Centre de santé", employer_siret=siret(3), employer_email="patron@exemple.test"),
       submits(name), state(name, "in_review"), approves("lea", name))


def set_up():
    global house, world
    house = kit.house = House()
    world = World(house)
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        made = [pool.submit(agents)] + [pool.submit(house.account, n) for n in ("dora", "remi", "sara", "eli", "zoe")]
        for m in made:
            m.result()
    # names of the registry must be there before a file is sent, so one after the other
    do(drafts("dora", pieces=False), drafts("remi"), submits("remi"), drafts("eli", registry={"first_name": "ANNE"}), submits("eli"))
    signed("sara")
    do(state("remi", "in_review"), state("eli", "expert_review"))
    do(drafts("zoe", pieces=False), attaches("dora", "diploma"))
    world.token = house.mail.wait("patron@exemple.test", r"/convention/([A-Za-z0-9_-]{43})")
    settle(house)
    # every piece was scanned, so that what decides is who asks
    house.sql("update piece set scan = 'clean'")
    house.sql("update file set fnps = null where id = %d" % fid("sara"))


# ---- every route ---------------------------------------------------------------------------------------------------------

class Who:
    """Somebody on a listener. `own` and `other`: names whose files are theirs to see, and not."""

    def __init__(self, name, listener, role, client, own=None, other=None, refused=0):
        self.name, self.listener, self.role, self.client = name, listener, role, client
        self.own, self.other, self.refused = own, other, refused


def everybody():
    def agent(name):
        return lambda: Client(house.agent_port, house.people[name].ca, house.people[name].certificate)

    def person(name):
        def made():
            c = house.client()
            c.token = c.post("/connexion", {"email": mail_of(name), "password": PASSWORD}).json["token"]
            return c
        return made

    def token_of_nobody():
        c = house.client()
        c.token = NOBODY
        return c

    def no_certificate():
        c = house.client()
        c.port = house.agent_port
        return c

    return [
        Who("visitor", "public", "visitor", house.client, None, "sara", 401),
        Who("token_of_nobody", "public", "visitor", token_of_nobody, None, "sara", 401),
        Who("applicant", "public", "applicant", person("sara"), "sara", "remi"),
        Who("applicant_with_draft", "public", "applicant", person("dora"), "dora", "zoe"),
        Who("no_certificate", "agents", "visitor", no_certificate, None, "sara", 401),
        Who("certificate_of_another_ca", "agents", "visitor", agent("autre_ac"), None, "sara", 403),
        Who("certificate_unknown", "agents", "visitor", agent("inconnu"), None, "sara", 403),
        Who("certificate_revoked", "agents", "visitor", agent("revoque"), None, "sara", 403),
        Who("agent_gone", "agents", "visitor", agent("parti"), None, "sara", 403),
        Who("delegate_without_caisse", "agents", "visitor", agent("sans_caisse"), None, "sara", 403),
        Who("region_without_region", "agents", "visitor", agent("sans_region"), None, "sara", 403),
        Who("holder", "agents", "delegate", agent("lea"), "sara", "eli"),
        Who("delegate", "agents", "delegate", agent("marc"), "sara", "eli"),
        Who("delegate_of_another_caisse", "agents", "delegate", agent("nadia"), None, "sara"),
        Who("expert", "agents", "expert", agent("eva"), "eli", "sara"),
        Who("region", "agents", "region", agent("rene"), None, "sara"),
        Who("admin", "agents", "admin", agent("ada"), "sara", None),
    ]


# An event that the role may fire in some state, for the route of events.
EVENT_OF = {"applicant": "withdraw", "delegate": "recall", "expert": "find_eligible", "admin": "transfer"}
INSTEAD = {("/dossiers", "region")}  # an observer is led to the figures, and told so as JSON
AT = {":step": "identite", ":code": "59350", "*": "absent.css"}


@functools.lru_cache(None)
def pieces_of(name, kind):
    return house.sql("select id from piece where file = %d and kind = '%s' and removed_at is null order by id" % (fid(name), kind))


@functools.lru_cache(None)
def upload_of(name):
    """One that has begun, where the file is open."""
    a = house.who(name).post("/dossiers/%d/envois" % fid(name), {"kind": "rib", "name": "a.pdf"}, **{"Upload-Length": "1000"})
    return a.json["id"] if a.status == 201 else 1


@functools.lru_cache(None)
def messages_of(name):
    return house.sql("select m.id from message m join account a on a.id = m.account where a.email = '%s' order by m.id" % mail_of(name))


def piece_of(name, path, method, whose):
    """A piece of that file; what deletes gets one of its own; `bank` is what an expert never sees."""
    if name == "dora" and ("supprimer" in path or method == "DELETE"):
        a = house.who("dora").upload("/dossiers/%d/pieces" % fid("dora"), {"kind": "diploma_extra"}, "a.pdf", pdf("x" + method))
        right(a.status == 201, a)
        return a.json["id"]
    found = pieces_of(name, "rib" if whose == "bank" else "diploma")
    return int(found[0][0]) if found else 1


def filled(path, method, who, name, whose):
    at = path
    if path.startswith("/messages/:id"):
        found = messages_of(name)
        at = at.replace(":id", found[0][0] if found else "1")
    if ":piece" in at:
        at = at.replace(":piece", str(piece_of(name, path, method, whose)))
    if ":upload" in at:
        at = at.replace(":upload", str(upload_of(name)))
    at = at.replace(":id", str(fid(name))).replace(":event", "employer_decline" if "convention/:token" in path else EVENT_OF.get(who.role, "withdraw"))
    if ":token" in at:
        at = at.replace(":token", world.token if "convention/" in path and whose == "own" else NOBODY)
    for what, value in AT.items():
        at = at.replace(what, value)
    right(not re.search(r"[:*]", at), "%s has a parameter that authority.py cannot fill" % path)
    return at


def ask(client, method, at, html=False):
    head = {"Accept": "text/html"} if html else {}
    if method == "GET":
        return client.get(at, **head)
    if method in ("DELETE", "PATCH"):
        return client.ask(method, at)
    return client.post(at, {}, **head)


def targets(path, who):
    """[(own | other | bank | -, name)] to try on this path."""
    if "convention/:token" in path:
        return [("own", "sara"), ("other", "sara")]
    if ":id" not in path:
        return [("-", who.own or who.other or "sara")]
    bank = who.own if ":piece" in path and who.listener == "agents" else None
    return [t for t in (("own", who.own), ("other", who.other), ("bank", bank)) if t[1]]


def walk(who, table, lines):
    """Every route of the listener as one kind of person."""
    client, wrong, count = who.client(), [], 0
    for path, method, listener, roles in table:
        if listener not in (who.listener, "both"):
            continue
        for whose, name in targets(path, who):
            at = filled(path, method, who, name, whose)
            a = ask(client, method, at)
            b = ask(client, method, at, True) if method == "GET" else None
            if path == "/deconnexion" and who.role == "applicant":
                client = who.client()
            lines.append("%s %s %s %s %s %d%s" % (who.listener, method, path, who.name, whose, a.status, " %d" % b.status if b else ""))
            count += 1
            open_to_all = "visitor" in roles
            may = open_to_all or who.role in roles
            told = "%s %s as %s, %s: %r" % (method, path, who.name, whose, a)
            if a.status >= 500 or b and b.status >= 500:
                wrong.append("a fault: " + told)
            elif not may and a.status != (who.refused or 403):
                wrong.append("not %d: %s" % (who.refused or 403, told))
            elif not may and b and b.status not in (who.refused or 403, 303) or b and b.status == 303 and not may and not b.headers["Location"].startswith("/connexion?"):
                wrong.append("as HTML: %s %r" % (told, b))
            elif may and not open_to_all and (whose == "other" or whose == "bank" and who.role == "expert") and a.status != 404:
                wrong.append("another's is there: " + told)
            elif may and a.status in (401, 403) and whose == "own" and "pieces/" not in path and (path, who.role) not in INSTEAD:
                wrong.append("its own role is refused: " + told)
            elif a.status >= 400 and unclear(a):
                wrong.append("%s: %s" % (unclear(a), told))
    return wrong, count


def every_route():
    with Group("the routes that are walked are those of routes.txt") as g:
        g.want(house.ctl("routes", "print") == golden("routes.txt"), "make golden")
    table = routes()
    lines, people = [], everybody()
    with Group("every route, as every kind of person, on one's own file and on another's: who has no role there gets 401 or 403, another's is 404") as g:
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            # those who see nothing first, so that nothing they ask for is gone
            for part in ([w for w in people if not w.own], [w for w in people if w.own]):
                for wrong, count in pool.map(lambda w: walk(w, table, lines), part):
                    g.count += count
                    g.bad += wrong
        roles = {r for _, _, _, rs in table for r in rs}
        g.want({w.role for w in people} >= roles - {"employer"}, "a role nobody plays: %s" % roles)
        # the employer's is a link: who holds it is a visitor
        g.want(any("/convention/:token visitor own 200" in l for l in lines), "the employer's link")
    return sorted(lines)


# ---- every state, event and role -----------------------------------------------------------------------------------------

# What a file of each state is, beside its state: the same facts that events would have left.
PREPARED = {
    "draft": None,  # zoe's and dora's
    "submitted": "eligible = false, caisse = null, holder = null",
    "expert_review": "eligible = false, caisse = null, holder = null",
    "unrouted": "eligible = true, caisse = null, holder = null",
    "in_review": "eligible = true, caisse = '595', holder = {lea}, holder_since = enroll_now(), holder_acted_at = enroll_now()",
    "to_sign": "eligible = true, caisse = '595', holder = {lea}, document = '{document}'",
    "to_countersign": "eligible = true, caisse = '595', holder = {lea}, document = '{document}'",
    "conventioned": "eligible = true, caisse = '595', holder = null, document = '{document}', effective_date = paris_today()",
    "suspended": "eligible = true, caisse = '595', holder = null, document = '{document}', effective_date = paris_today(), until_date = paris_today() + 30",
    "leaving": "eligible = true, caisse = '595', holder = null, document = '{document}', effective_date = paris_today()",
    "ended": "eligible = true, caisse = '595', holder = null, document = '{document}', effective_date = paris_today()",
    "refused": "eligible = true, caisse = '595', holder = null, refused_by = 'delegate', refused_actor = 'agent:{lea}', decided_at = enroll_now(), notified_at = enroll_now(), appealed = false",
    "appealed": "eligible = true, caisse = '595', holder = null, refused_by = 'delegate', refused_actor = 'agent:{lea}', decided_at = enroll_now(), appealed = true",
    "correction": "eligible = true, caisse = '595', holder = {lea}, return_to = 'in_review', correction_at = enroll_now()",
    "withdrawn": "eligible = true, caisse = '595', holder = null",
    "closed": "eligible = true, caisse = '595', holder = null",
}


WHOLE = {"draft", "in_review", "refused"}  # states in which everybody tries everything
FULL = os.environ.get("FULL")


def prepare(file, wanted):
    """The file into that state, behind the trigger's back: what brings it there by events is for the scenarios."""
    facts = PREPARED[wanted].format(lea=world.lea, document="d" * 64)
    rows = house.sql("set session_replication_role = replica; update file set state = '%s', deadline = null, deadline_event = null, version = greatest(version, 1),"
                     " entered_review = true, %s where id = %d returning version" % (wanted, facts, file))
    return next(int(r[0]) for r in rows if r[0].isdigit())


def link(file, token):
    house.sql("insert into employer_link (file, digest, token) values (%d, '%s', '\\x00') on conflict (file) do update set digest = excluded.digest, void = false"
              % (file, hashlib.sha256(token.encode()).hexdigest()))


def try_events(name, states, lines, allowed):
    """Every event in these states of one file, by everyone who may see it and by some who may not."""
    people = [w for w in everybody() if w.name in ("applicant_with_draft", "expert", "holder", "delegate", "delegate_of_another_caisse", "admin", "region")]
    names = {"applicant_with_draft": "another_applicant"}
    owner = house.client()
    owner.token = owner.post("/connexion", {"email": mail_of(name), "password": PASSWORD}).json["token"]
    who = [("applicant", "applicant", owner), ("employer", "employer", house.client())] + [(names.get(w.name, w.name), w.role, w.client()) for w in people]
    file, token, wrong, count = fid(name), "%s-%s" % (name, LINK), [], 0
    token = token[:43]
    if states != ["draft"]:  # a link keeps its file
        link(file, token)
    ever = {(e, role) for _, e, role in allowed}
    for s in states:
        version = prepare(file, s) if PREPARED[s] else 0
        # what deletes the draft comes last
        for event in sorted(EVENTS, key=lambda e: (e == "discard", e)):
            found = {}
            for role_name, role, client in sorted(who, key=lambda x: x[0] == "applicant"):
                # who never sees the file, and an event that this role fires in no state: tried in some states, or with FULL=1 in all
                usual = s in WHOLE or (event, role) in ever and role_name not in ("another_applicant", "delegate_of_another_caisse")
                if not usual and not FULL:
                    continue
                at = "/convention/%s/evenements/%s" % (token, event) if role == "employer" else "/dossiers/%d/evenements/%s" % (file, event)
                a = client.post(at, {"version": version})
                count += 1
                if usual:
                    found[role_name] = a.status
                told = "%s %s by %s: %r" % (s, event, role_name, a)
                line = (s, event, role) in allowed
                if a.status >= 500:
                    wrong.append("a fault: " + told)
                elif a.status in (200, 201, 422) and not line:
                    wrong.append("workflow.txt has no such line: " + told)
                elif role_name in ("another_applicant", "region") and a.status != (404 if role_name == "another_applicant" else 403):
                    wrong.append("not theirs to see: " + told)
                elif line and a.status not in (200, 201, 422) and role_name in ("applicant", "employer", "expert", "holder", "admin"):
                    wrong.append("workflow.txt has this line: " + told)
                if a.status in (200, 201) and (s, event) != ("draft", "discard"):
                    version = prepare(file, s)
            if any(x in (200, 201, 422) for x in found.values()):
                lines.append("%s %s %s" % (s, event, " ".join("%s=%d" % x for x in sorted(found.items()))))
        if PREPARED[s]:
            now = house.sql("select state, version from file where id = %d" % file)
            if now != [(s, str(version))]:
                wrong.append("%s became %s, version %d" % (s, now, version))
    return wrong, count


def every_event():
    allowed = {tuple(l.split()[:3]) for l in golden("workflow.txt").splitlines()}
    lines = []
    with Group("every state, event and role over HTTP: fired or told what is missing exactly where workflow.txt has its line, else 403, 404 or 409") as g:
        g.want({s for s, _, _ in allowed} <= set(PREPARED) and len(PREPARED) == 16, "states: %s" % sorted(PREPARED))
        g.want({e for _, e, _ in allowed} <= EVENTS and len(EVENTS) == 40, "events: %s" % sorted(EVENTS))
        world.lea = int(house.sql("select id from agent where email = 'lea@agents.test'")[0][0])
        # A file a thread; the states that leave work behind for the service stand last.
        parts = [("zoe", ["draft"]), ("remi", ["submitted", "unrouted", "expert_review", "in_review", "closed"]),
                 ("eli", ["leaving", "ended", "refused", "appealed", "withdrawn", "correction"]), ("sara", ["to_countersign", "to_sign", "suspended", "conventioned"])]
        g.want(sorted(s for _, states in parts for s in states) == sorted(PREPARED), "every state once")
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for wrong, count in pool.map(lambda p: try_events(*p, lines, allowed), parts):
                g.count += count
                g.bad += wrong
    with Group("each line of workflow.txt that is a person's was answered to somebody") as g:
        tried = {tuple(l.split()[:2]) for l in lines}
        for s, event, role in sorted(allowed):
            if role not in ("system", "clock"):
                g.want((s, event) in tried, "%s %s by %s" % (s, event, role))
    return sorted(lines)


def main():
    global EVENTS
    try:
        set_up()
    except Exception:
        say(False, "the service starts with files of each kind", traceback.format_exc())
        sys.exit(1)
    say(True, "the service starts with files of each kind")
    EVENTS = set(re.findall(r'\[EV_\w+\] = "(\w+)"', open(os.path.join(ROOT, "workflow/table.c"), encoding="utf-8").read()))
    lines = []
    for part in (every_route, every_event):
        try:
            lines += part()
        except Exception:
            kit.failures += not say(False, "%s is tried whole" % part.__name__, traceback.format_exc()[-3000:])
    text = "\n".join(lines) + "\n"
    if os.environ.get("GOLDEN_WRITE"):
        with open(os.path.join(GOLDEN, "authority.txt"), "w", encoding="utf-8") as f:
            f.write(text)
    with Group("what each of them was answered is the reviewed list, tests/golden/authority.txt") as g:
        diff = list(difflib.unified_diff(golden("authority.txt").splitlines(), text.splitlines(), "reviewed", "now", lineterm="", n=0))
        g.want(not diff, "\n".join(diff[:60]))
    status = house.stop()
    kit.failures += not say(status == 0, "the service ends well", tail(house.log))
    sys.exit(1 if kit.failures else 0)


if __name__ == "__main__":
    main()
