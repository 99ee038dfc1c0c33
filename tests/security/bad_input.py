#!/usr/bin/env python3
"""Bad input, everywhere: every route with every role, and every body, field, header, path and connection that is wrong.

The promise: a clear message (4xx, French, problem+json on the JSON face) or a refusal, never a 500, a crash, a hang or a
half-written file. The routes come from `enrollctl routes print`, the fields from forms/definitions/: what is added to
those tables is tried here without a line more. One sentence sums up many requests; its comment shows the first that fail.
"""
import base64
import concurrent.futures
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
import traceback
import urllib.parse
import uuid
import xml.etree.ElementTree
import zlib

import kit
from kit import *

MARK = "zqxmarqueur"  # stands in what is sent; never in a log


# ---- people, files, certificates -----------------------------------------------------------------------------------------

house = None
world = None


def do(*commands):
    for c in flat(commands):
        c.do(world)


def anyone():
    """Somebody on the public listener who shows nothing; one connection for all of them."""
    if "anyone" not in house.people:
        house.people["anyone"] = house.client()
    return house.people["anyone"]


def forms():
    """{form id: [(flat field name, type)]} and {event: form id}, from the definitions the programs carry."""
    fields, events = {}, {}
    folder = os.path.join(ROOT, "forms/definitions")
    for name in sorted(os.listdir(folder)):
        root = xml.etree.ElementTree.parse(os.path.join(folder, name)).getroot()
        if root.tag != "form":
            continue
        mine = fields[root.get("id")] = []
        for step in root.iter("step"):
            for item in step:
                if item.tag == "field":
                    mine.append((item.get("name"), item.get("type"), item.get("multiple") == "yes"))
                elif item.tag == "repeat":
                    for f in item.iter("field"):
                        mine.append(("%s[0].%s" % (item.get("name"), f.get("name")), f.get("type"), False))
        for e in (root.get("events") or "").split():
            events[e] = root.get("id")
    return fields, events


def set_up():
    global house, world
    house = kit.house = House()
    world = World(house)
    # each waits for programs that start: side by side
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        for made in [pool.submit(house.agent, name) for name in ("lea", "marc", "nadia", "eva", "rene", "ada")] + \
                [pool.submit(house.account, name) for name in ("dora", "remi", "sara")]:
            made.result()
    do(drafts("dora", pieces=False), drafts("remi"), submits("remi"),
       drafts("sara", practice_mode="salaried", employer_name="Centre de santé", employer_siret=siret(3),
              employer_email="patron@exemple.test"), submits("sara"))
    a = house.who("dora").upload("/dossiers/%d/pieces" % fid("dora"), {"kind": "diploma"}, "diplome.pdf", pdf("diplome"))
    right(a.status == 201, "a piece: %r" % a)
    world.person("dora").piece = a.json["id"]
    do(state("remi", "in_review"), fires("lea", "claim", "remi"), state("sara", "in_review"), approves("lea", "sara"))
    world.fives = fives(me("lea").get("/metrics"))
    world.token = house.mail.wait("patron@exemple.test", r"/convention/([A-Za-z0-9_-]{43})")


def fid(name):
    return world.person(name).file


def me(name):
    return house.who(name)


# ---- who may ask what ----------------------------------------------------------------------------------------------------

def filled(path, file, piece, event="withdraw", token=None, message=1):
    return (path.replace("/dossiers/:id", "/dossiers/%d" % file).replace("/messages/:id", "/messages/%d" % message)
            .replace(":piece", str(piece)).replace(":upload", "1").replace(":event", event).replace(":step", "identite")
            .replace("convention/:token", "convention/" + (token or world.token)).replace(":token", "A" * 43)
            .replace(":code", "59350").replace("/*", "/absent.css"))


def authority():
    """Each route with each kind of person, on both listeners."""
    foreign = certificate("foreign", "/CN=Lea Essai+UID=lea@agents.test",
                          (os.path.join(house.home, "bad-ca.pem"), os.path.join(house.home, "bad-ca.key")))
    house.ctl("agent", "create", "--role", "delegate", "--name", "Revoque Essai", "--email", "rev@agents.test", "--caisse", "595")
    issue = lambda who, *more: json.loads(house.ctl("cert", "issue", "--agent", who, "--out", house.out + str(len(more)), "--json", *more))
    revoked, expired = issue("rev@agents.test"), issue("lea@agents.test", "--days", "0")
    house.ctl("cert", "revoke", "--agent", "rev@agents.test")
    unknown = certificate("unknown", "/CN=Personne+UID=inconnu")
    out, until = with_certificate((revoked["pem"], revoked["key"])), time.monotonic() + 30
    while "révoqué" not in out.get("/").text:  # 403 it is from the start: the account has let go of it
        right(time.monotonic() < until, "a newer list of revoked certificates is not noticed")
        time.sleep(0.1)
    stranger = house.client()
    stranger.token = "A" * 43
    public = {"visitor": (house.client(), None), "garbage": (stranger, None), "own": (me("dora"), "applicant"),
              "other": (me("remi"), "applicant")}
    agents = {"no certificate": (agents_client_without(), None, 401), "foreign": (with_certificate(foreign), None, 403),
              "expired": (with_certificate((expired["pem"], expired["key"])), None, 403),
              "revoked": (with_certificate((revoked["pem"], revoked["key"])), None, 403),
              "unknown": (with_certificate(unknown), None, 403),
              "expert": (me("eva"), "expert", 0), "delegate": (me("lea"), "delegate", 0),
              "delegate of another caisse": (me("nadia"), "delegate", 0), "region": (me("rene"), "region", 0),
              "admin": (me("ada"), "admin", 0)}
    table = routes()
    by_path = {}
    for path, method, listener, roles in table:
        for l in ("public", "agents") if listener == "both" else (listener,):
            by_path.setdefault((l, path), {})[method] = roles
    # paths that stand beside a parameter: the pattern of another row would take them
    paths = sorted({path for path, _, _, _ in table})

    def ask(client, method, path):
        if method == "GET":
            return client.get(path)
        if method in ("DELETE", "PATCH"):
            return client.ask(method, path)
        return client.post(path, {"version": 0} if "evenements" in path else {})

    with Group("a visitor and a token of nobody are told to sign in, on every route that needs somebody") as g:
        for who in ("visitor", "garbage"):
            for path in paths:
                for method, roles in by_path.get(("public", path), {}).items():
                    if "visitor" in roles:
                        continue
                    a = ask(public[who][0], method, filled(path, fid("dora"), 1))
                    g.want(a.status == 401 and not unclear(a), "%s %s as %s: %r %s" % (method, path, who, a, unclear(a)))
                    if method == "GET":
                        a = public[who][0].get(filled(path, fid("dora"), 1), Accept="text/html")
                        g.want(a.status == 303 and a.headers["Location"].startswith("/connexion?suite="), "%s as HTML: %r" % (path, a))
    with Group("what another psychologist owns is not there: 404 on every route of a file") as g:
        for path in paths:
            if not path.startswith("/dossiers/:id"):
                continue
            for method, roles in by_path.get(("public", path), {}).items():
                a = ask(public["other"][0], method, filled(path, fid("dora"), world.person("dora").piece))
                g.want(a.status == 404 and not unclear(a), "%s %s: %r %s" % (method, path, a, unclear(a)))
        a = public["other"][0].ask("DELETE", "/dossiers/%d/pieces/%d" % (fid("remi"), world.person("dora").piece))
        g.want(a.status == 404, "another's piece under one's own file: %r" % a)
        a = public["other"][0].get("/dossiers/%d/pieces/%d" % (fid("remi"), world.person("dora").piece))
        g.want(a.status == 404, "another's piece under one's own file: %r" % a)
        mine = {i["id"] for i in public["other"][0].get("/messages").json["items"]}
        g.want(mine, "no message to try")
        for i in range(1, max(mine) + 3):
            if i not in mine:
                a = public["other"][0].get("/messages/%d" % i)
                g.want(a.status == 404 and not unclear(a), "message %d: %r" % (i, a))
        a = public["other"][0].get("/dossiers/%d" % fid("dora"))
        b = public["other"][0].get("/dossiers/999999")
        g.want(a.text == b.text, "absent and another's do not read the same: %r %r" % (a, b))
    with Group("routes of the other listener are not there, for anybody") as g:
        for path in paths:
            for l, people in (("public", public), ("agents", agents)):
                if (l, path) in by_path:
                    continue
                real = filled(path, fid("remi"), 1)
                # "/dossiers/suivant" is "/dossiers/:id" elsewhere
                also = any(re.fullmatch(re.sub(r":\w+|\*", "[^/]+", p), real) for x, p in by_path if x == l)
                for who, entry in people.items():
                    a = entry[0].get(real)
                    g.want(a.status in ((401, 403, 404, 405) if also else (404, 405)) and not unclear(a),
                           "%s on the %s listener as %s: %r" % (path, l, who, a))
    with Group("no certificate is 401, one that is foreign, expired, revoked or nobody's 403, each told which") as g:
        told = {}
        for who, (client, role, status) in agents.items():
            if role:
                continue
            for path in paths:
                for method, roles in by_path.get(("agents", path), {}).items():
                    if "visitor" in roles:
                        continue
                    a = ask(client, method, filled(path, fid("remi"), 1))
                    if g.want(a.status == status and not unclear(a), "%s %s as %s: %r %s" % (method, path, who, a, unclear(a))):
                        told.setdefault(who, set()).add(a.json["detail"])
        g.want(all(len(t) == 1 for t in told.values()) and len({tuple(t) for t in told.values()}) == 5, "what is told: %s" % {w: sorted(x[:50] for x in t) for w, t in told.items()})
    with Group("an agent whose role has no business on a route gets 403 there") as g:
        for who, (client, role, _) in agents.items():
            for path in paths:
                for method, roles in by_path.get(("agents", path), {}).items():
                    if not role or "visitor" in roles or role in roles:
                        continue
                    a = ask(client, method, filled(path, fid("remi"), 1))
                    g.want(a.status == 403 and not unclear(a), "%s %s as %s: %r %s" % (method, path, who, a, unclear(a)))
    with Group("a file of another caisse, or that never came to the experts, is not there") as g:
        piece = me("lea").get("/dossiers/%d" % fid("remi")).json["pieces"][0]["id"]
        world.person("remi").piece = piece
        for who in ("delegate of another caisse", "expert"):
            client, role, _ = agents[who]
            for path in paths:
                for method, roles in by_path.get(("agents", path), {}).items():
                    if path.startswith("/dossiers/:id") and role in roles:
                        a = ask(client, method, filled(path, fid("remi"), piece, "claim"))
                        g.want(a.status == 404 and not unclear(a), "%s %s as %s: %r" % (method, path, who, a))
            for path in ("/dossiers", "/dossiers.csv"):
                a = client.get(path)
                g.want(a.status == 200 and "MSP-" not in a.text, "%s shows %s: %r" % (path, who, a))
            for path in (p for p in paths if p.startswith("/dossiers/:id")):
                a = client.get(filled(path, fid("dora"), 1))
                mine = role in by_path.get(("agents", path), {}).get("GET", {role})
                g.want(a.status in (404, 405) if mine else a.status == 403, "a draft, %s as %s: %r" % (path, who, a))
        a = me("ada").get("/dossiers/%d/pieces/%d" % (fid("remi"), piece))
        g.want(a.status == 403, "a piece as administrator: %r" % a)
        a = me("lea").get("/dossiers/%d/pieces/%d" % (fid("remi"), piece))
        g.want(a.status == 409 and not unclear(a), "a piece not scanned: %r" % a)
        a = me("marc").post("/dossiers/%d/pieces/%d/ouvrir" % (fid("remi"), piece), {"text": "pour voir"})
        g.want(a.status == 403 and not unclear(a), "opening as who does not hold it: %r" % a)
    with Group("who may, gets in: no 401, 403, 404 or 5xx on a GET that is one's own") as g:
        for who, l, client, role in [("own", "public", me("dora"), "applicant"), ("delegate", "agents", me("lea"), "delegate"),
                                     ("admin", "agents", me("ada"), "admin"), ("region", "agents", me("rene"), "region"),
                                     ("expert", "agents", me("eva"), "expert"), ("visitor", "public", house.client(), "visitor")]:
            for path in paths:
                roles = by_path.get((l, path), {}).get("GET", set())
                if role not in roles or (role == "expert" and ":id" in path) or path == "/static/*" or ":token" in path:
                    continue
                # not there yet for a draft: a receipt, a convention, a profile; a piece of remi waits for its scan
                if any(x in path for x in ("recepisse", "convention.pdf", "profil", "/messages/:id", "suivant", "envois")) or (l == "agents" and ":piece" in path):
                    continue
                if role == "region" and path == "/dossiers":
                    continue  # its figures instead
                for accept in (JSON, "text/html"):
                    a = client.get(filled(path, fid("dora" if l == "public" else "remi"), world.person("dora").piece, "withdraw"), Accept=accept)
                    g.want(a.status in (200, 303) or a.status == 422 and "?" not in path, "%s as %s: %r" % (path, who, a))
    with Group("the employer's link opens its convention and nothing else; another token opens nothing") as g:
        v = house.client()
        g.want(v.get("/convention/" + world.token).status == 200, "the link")
        for token in ("A" * 43, world.token[:-1], world.token + "A", world.token[::-1], "x", "%00", world.token + "%00", "é", "A" * 5000):
            for method, path in (("GET", ""), ("GET", "/convention.pdf"), ("POST", "/code"), ("POST", "/evenements/employer_sign")):
                a = ask(v, method, "/convention/" + urllib.parse.quote(token, safe="%") + path)
                g.want(a.status == 404 and not unclear(a), "%s %s: %r" % (method, path, a))
        version = v.get("/convention/" + world.token).json["version"]
        for event in ("sign", "approve", "countersign", "withdraw", "recall", "claim", "purge", "lapse", "checks_passed", "x"):
            a = v.post("/convention/%s/evenements/%s" % (world.token, event), {"version": version, "text": "essai", "code": "123456"})
            g.want(a.status in (403, 404) and not unclear(a), "the employer fires %s: %r" % (event, a))
        for path in ("/dossiers/%d" % fid("sara"), "/messages", "/mes-donnees.zip"):
            v.token = world.token
            g.want(v.get(path).status == 401, "the link's token as a session")
    with Group("an event that is not one's own to fire is 403, one of a machine too, an unknown one 404") as g:
        for who, name in (("remi", "remi"), ("lea", "remi"), ("ada", "remi"), ("dora", "dora")):
            mine = {"remi": ("withdraw",), "lea": ("claim", "release", "take_over", "transfer", "ask_correction", "approve", "refuse", "recall"),
                    "ada": ("transfer",), "dora": ("submit", "discard")}[who]
            version = world.file(name, who)["version"]
            for event in sorted(EVENTS | {"checks_passed", "lapse", "purge", "renew", "replace", "orphan", "checks_failed"}):
                if event in mine:
                    continue
                a = me(who).post("/dossiers/%d/evenements/%s" % (fid(name), event), {"version": version, "text": "essai"})
                g.want(a.status in (403, 422, 409) and not unclear(a) and a.status != 200, "%s by %s: %r" % (event, who, a))
                if event in ("checks_passed", "lapse", "purge", "renew", "replace", "orphan"):
                    g.want(a.status == 403, "%s by %s: %r" % (event, who, a))
            for event in ("x", "deleted", "none", "APPROVE", "approve%20", "approve%00", "%2e%2e", "a" * 500):
                a = me(who).post("/dossiers/%d/evenements/%s" % (fid(name), event), {"version": version})
                g.want(a.status == 404 and not unclear(a), "%s by %s: %r" % (event, who, a))
            g.want(world.file(name, who)["version"] == version, "the file moved")


# ---- bodies --------------------------------------------------------------------------------------------------------------

def deep(n):
    return b'{"a":' * n + b"1" + b"}" * n


# (what, bytes, content type, statuses it must get)
UNREADABLE = (400, 413, 415)
BROKEN = [
    ("half an object", b'{"text":', JSON, UNREADABLE),
    ("an array", b"[1,2]", JSON, UNREADABLE),
    ("a text", b'"abc"', JSON, UNREADABLE),
    ("a number", b"42", JSON, UNREADABLE),
    ("null", b"null", JSON, UNREADABLE),
    ("a trailing comma", b'{"text":"a",}', JSON, UNREADABLE),
    ("a comma alone", b"{,}", JSON, UNREADABLE),
    ("a comment", b'{"text":"a" /* b */}', JSON, UNREADABLE),
    ("two objects", b'{"text":"a"}{"text":"b"}', JSON, UNREADABLE),
    ("twice the same key", b'{"version":1,"version":2}', JSON, UNREADABLE),
    ("twice the same key inside", b'{"a":{"b":1,"b":2}}', JSON, UNREADABLE),
    ("bytes that are not UTF-8", b'{"text":"\xff\xfe"}', JSON, UNREADABLE),
    ("Latin-1", '{"text":"é"}'.encode("latin-1"), JSON, UNREADABLE),
    ("UTF-16", '{"text":"e"}'.encode("utf-16"), JSON, UNREADABLE),
    ("a surrogate alone", b'{"text":"\\ud800"}', JSON, UNREADABLE),
    ("a surrogate alone, second half", b'{"text":"\\udfff x"}', JSON, UNREADABLE),
    ("a surrogate in bytes", b'{"text":"\xed\xa0\x80"}', JSON, UNREADABLE),
    ("an overlong slash", b'{"text":"\xc0\xaf"}', JSON, UNREADABLE),
    ("a NUL escaped", b'{"text":"a\\u0000b"}', JSON, UNREADABLE),
    ("a NUL in a key", b'{"te\\u0000xt":"b"}', JSON, UNREADABLE),
    ("a NUL as it is", b'{"text":"a\x00b"}', JSON, UNREADABLE),
    ("a control character as it is", b'{"text":"a\x01b"}', JSON, UNREADABLE),
    ("a number that fits nowhere", b'{"a":1e999}', JSON, UNREADABLE),
    ("an integer that fits nowhere", b'{"a":' + b"9" * 400 + b"}", JSON, UNREADABLE),
    ("NaN", b'{"a":NaN}', JSON, UNREADABLE),
    ("20 objects deep", deep(20), JSON, UNREADABLE),
    ("5 000 objects deep", deep(5000), JSON, UNREADABLE),
    ("100 000 arrays deep", b"[" * 100000, JSON, UNREADABLE),
    ("6 000 fields", json.dumps({"f%d" % i: "1" for i in range(6000)}).encode(), JSON, UNREADABLE),
    ("6 000 values", json.dumps({"public": ["adults"] * 6000}).encode(), JSON, UNREADABLE),
    ("300 kB", json.dumps({"text": "a" * 300000}).encode(), JSON, UNREADABLE),
    ("a form of 6 000 fields", b"&".join(b"f%d=1" % i for i in range(6000)), FORM, UNREADABLE),
    ("a form of 300 kB", b"text=" + b"a" * 300000, FORM, UNREADABLE),
    ("a form that is not UTF-8", b"text=%ff%fe", FORM, UNREADABLE),
    ("a form with a NUL", b"text=a%00b", FORM, UNREADABLE),
    ("a form with a surrogate", b"text=%ed%a0%80", FORM, UNREADABLE),
    ("a form whose names are not UTF-8", b"%c3%28=1", FORM, UNREADABLE),
    ("text/plain", b"text=a", "text/plain", UNREADABLE),
    ("XML", b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>", "application/xml", UNREADABLE),
    ("no type", b"text=a", "", UNREADABLE),
    ("a form told to be JSON", b"text=a&version=1", JSON, UNREADABLE),
    ("JSON and a form after it", b'{"text":"a"}&version=1', JSON, UNREADABLE),
    ("a multipart told to be JSON", b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\na\r\n--x--\r\n', JSON, UNREADABLE),
    ("a type of rubbish", b"text=a", "application/json/;;=\"", UNREADABLE),
    ("a type of 5 kB", b"text=a", "a/" + "b" * 5000, UNREADABLE),
    ("JSON told to be multipart", b'{"text":"a"}', "multipart/form-data; boundary=x", UNREADABLE),
    ("multipart without boundary", b"--x\r\n\r\n", "multipart/form-data", UNREADABLE),
    ("multipart with an empty boundary", b"--\r\n\r\n", 'multipart/form-data; boundary=""', UNREADABLE),
    ("multipart with a boundary of 100", b"--" + b"x" * 100, "multipart/form-data; boundary=" + "x" * 100, UNREADABLE),
    ("an empty multipart", b"", "multipart/form-data; boundary=x", UNREADABLE),
    ("multipart cut in its headers", b'--x\r\nContent-Disposition: form-data; name="te', "multipart/form-data; boundary=x", UNREADABLE),
    ("multipart cut in a part", b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\nabc', "multipart/form-data; boundary=x", UNREADABLE),
    ("a part without a name", b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--\r\n", "multipart/form-data; boundary=x", UNREADABLE),
    ("a part without headers", b"--x\r\n\r\na\r\n--x--\r\n", "multipart/form-data; boundary=x", UNREADABLE),
    ("a part with headers of 9 kB", b"--x\r\nX: " + b"y" * 9000 + b'\r\nContent-Disposition: form-data; name="text"\r\n\r\na\r\n--x--\r\n',
     "multipart/form-data; boundary=x", UNREADABLE),
    ("a part that is not UTF-8", b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\n\xff\r\n--x--\r\n', "multipart/form-data; boundary=x", UNREADABLE),
]
# Readable, and nonsense: refused for what they hold, or harmless.
ODD = [
    ("nothing", b"", JSON), ("nothing, as a form", b"", FORM), ("{}", b"{}", JSON), ("only &", b"&&&&=&=&", FORM),
    ("JSON told to be a form", b'{"text":"a"}', FORM), ("broken percents", b"text=%&a=%zz&b=%4", FORM),
    ("names of nothing", b'{"":1,"..":2,"[":3,"a[":4,"]":5,"a[-1].b":6,"a[99999999999].b":7,"A":8}', JSON),
    ("names of markup", '{"<script>":1,"é":2,"a b":3,"__proto__":{"x":1}}'.encode(), JSON),
    ("a name of 5 000", json.dumps({"a" * 5000: "1"}).encode(), JSON),
    ("10 deep", deep(10), JSON), ("fields of others", json.dumps({"state": "approved", "caisse": "597", "id": 1, "holder": 1, "role": "admin"}).encode(), JSON),
    ("a form twice", b"text=a&text=b&version=1&version=2", FORM), ("empty arrays", b'{"a":[],"items":[],"reasons":[],"checklist":{}}', JSON),
]
VALUES = [  # of any field
    ("a number", 42), ("a negative number", -1), ("a big number", 10 ** 18), ("a real", 1.5e300), ("true", True), ("null", None), ("an array", ["a", "b"]),
    ("an empty array", []), ("an array of arrays", [[["a"]]]), ("an object", {"a": "b"}), ("an array of objects", [{"a": 1}, {"b": [2]}]), ("10 deep", json.loads(deep(10))),
    ("10 000 characters", "a" * 10000), ("10 000 accents", "é" * 10000), ("controls", "a\x01\x08\x1b[31mb\x7f"), ("line ends", "a\r\nb\nc\rd\x0b\x0c"), ("C1 controls", "a\x85\x9bb"),
    ("direction overrides", "a\u202eb\u2066c"), ("not characters", "\ufffe\uffff"), ("an emoji", "👩\u200d⚕️" * 30), ("marks on marks", "e" + "\u0301" * 400), ("markup", "<script>alert(1)</script>\"'`"),
    ("XML", "]]><!--&lt;&#0;&x;<?a ?>"), ("SQL", "'; drop table file; --\\"), ("a template", "{{hidden}}{0}{label}%s%n%d"), ("a path", "../../etc/passwd"), ("spaces", " \u00a0\u2009\t "),
    ("a formula", "=cmd|' /C calc'!A0"), ("a far date", "9999-12-31"), ("a first date", "0001-01-01"), ("no date", "2024-02-30"), ("a year of five digits", "12024-01-01"),
    ("Arabic digits", "٠١٢٣٤٥٦٧٨٩"), ("a mask", "•••••"), ("yes", "true"), ("a minus", "-0"), ("hexadecimal", "0x1F"), ("an exponent", "1e3"), ("18 nines", "9" * 18), ("a mail with a line end", "a@b.fr\r\nBcc: c@d.fr"),
    ("a mark", MARK),
]
EVENTS, EVENT_FORMS, FIELDS = set(), {}, {}


def write_targets():
    """(who, path, what must not change) of each write route with somebody for whom it is open."""
    d, r, s = fid("dora"), fid("remi"), fid("sara")
    piece = world.person("dora").piece
    found = [("dora", "/dossiers/%d/reponses" % d), ("dora", "/dossiers/%d/etapes/identite" % d), ("dora", "/dossiers/%d/pieces" % d),
             ("dora", "/dossiers/%d/evenements/submit" % d), ("dora", "/dossiers/%d/code" % d), ("dora", "/dossiers/%d/profil" % d),
             ("dora", "/compte/changer-mot-de-passe"), ("visitor", "/compte"), ("visitor", "/connexion"), ("visitor", "/compte/mot-de-passe"), ("visitor", "/compte/mot-de-passe/" + "A" * 43),
             ("visitor", "/compte/confirmation/" + "A" * 43), ("visitor", "/deconnexion"), ("visitor", "/convention/%s/evenements/employer_sign" % world.token),
             ("visitor", "/convention/%s/evenements/employer_decline" % world.token),
             ("lea", "/dossiers/%d/evenements/ask_correction" % r), ("lea", "/dossiers/%d/evenements/approve" % r), ("lea", "/dossiers/%d/preparer/approve" % r),
             ("lea", "/dossiers/%d/preparer/ask_correction" % r), ("lea", "/dossiers/%d/pieces/%d/ouvrir" % (r, world.person("remi").piece)),
             ("ada", "/communes/59350"), ("ada", "/dossiers/%d/evenements/transfer" % r)]
    return found


def client_of(who):
    return anyone() if who == "visitor" else me(who)


def bodies():
    with Group("a body that cannot be read is 400, 413 or 415 on every write route, in French, on both faces") as g:
        tried = set()
        for who, path in write_targets() + [("dora", "/dossiers"), ("lea", "/dossiers/suivant"), ("visitor", "/convention/%s/code" % world.token),
                                            ("dora", "/dossiers/%d/pieces/%d/supprimer" % (fid("dora"), world.person("dora").piece))]:
            client, html = client_of(who), False
            tried.add(re.sub(r"\d+", "N", path))
            for what, body, kind, statuses in BROKEN:
                html = not html
                a = client.ask("POST", path, body, {"Accept": "text/html" if html else JSON, **({"Content-Type": kind} if kind else {}),
                                                    "Origin": "https://localhost:%d" % client.port})
                g.want(a.status in statuses and not unclear(a), "%s to %s: %r %s" % (what, path, a, unclear(a)))
    with Group("a readable body of nonsense never is a fault, on every write route") as g:
        for who, path in write_targets():
            client = client_of(who)
            for what, body, kind in ODD:
                a = client.ask("POST", path, body, {"Content-Type": kind, "Origin": "https://localhost:%d" % client.port})
                g.want(sound_answer(a), "%s to %s: %r %s" % (what, path, a, unclear(a)))
    with Group("a version, a revision or a key that is none is told as such, and never passes for another") as g:
        for who, path, field in (("lea", "/dossiers/%d/evenements/release" % fid("remi"), "version"), ("dora", "/dossiers/%d/evenements/discard" % fid("dora"), "version"),
                                 ("visitor", "/convention/%s/evenements/employer_decline" % world.token, "version"), ("dora", "/dossiers/%d/reponses" % fid("dora"), "revision"),
                                 ("dora", "/dossiers/%d/etapes/identite" % fid("dora"), "revision")):
            for value in (-1, -9223372036854775808, 1e99, 1.5, "abc", "1 ", " 1", "+1", "0x1", "1e0", "١", "", None, True, [], [1], {"a": 1}, "9" * 30, 9223372036854775807):
                a = client_of(who).post(path, {field: value, "text": "essai"})
                fine = (409, 422) if value not in ("", None, []) or field == "version" else (200, 422)
                if value == [] and field == "revision":
                    fine = (409, 422)
                g.want(a.status in fine and not (a.status > 299 and unclear(a)), "%s %r to %s: %r %s" % (field, value, path, a, unclear(a)))
                if a.status == 422 and value not in ("", None):
                    g.want(any(p["field"] == field for p in a.json["problems"]) or field == "revision" and isinstance(value, (list, dict)),
                           "%s %r is not named: %r" % (field, value, a))
        for key in ("k" * 201, "k" * 10240, "clé".encode("utf-8").decode("latin-1"), "a\tb"):
            for who, path in (("lea", "/dossiers/%d/evenements/release" % fid("remi")), ("dora", "/dossiers"), ("visitor", "/connexion"), ("dora", "/dossiers/%d/reponses" % fid("dora")),
                              ("ada", "/communes/59350"), ("lea", "/dossiers/suivant"), ("lea", "/dossiers/%d/pieces/%d/ouvrir" % (fid("remi"), world.person("remi").piece))):
                body = {"version": world.file("remi", "lea")["version"]} if "evenements" in path else {"email": "a@b.fr", "password": "x"} if who == "visitor" else {}
                a = client_of(who).ask("POST", path, json.dumps(body), {"Content-Type": JSON, "Idempotency-Key": key})
                g.want(a.status in (400, 422) and not unclear(a) and any(p["field"] == "idempotency_key" for p in a.json["problems"]), "key %r to %s: %r" % (key[:20], path, a))
        g.want(world.file("remi", "lea")["holder"], "it was released")
    with Group("the order is 404, 403, 409, 422: what comes later never shows before") as g:
        bad = {"version": "abc", "items": 3, "reasons": {"a": 1}}
        for who, file, event, version, status in (
                ("nadia", "remi", "approve", "abc", 404), ("nadia", "remi", "approve", 0, 404), ("remi", "dora", "submit", "abc", 404),
                ("remi", "remi", "approve", "abc", 403), ("remi", "remi", "approve", 0, 403), ("remi", "remi", "claim", -1, 403),
                ("lea", "remi", "ask_correction", 0, 409), ("lea", "remi", "refuse", 0, 409), ("lea", "remi", "approve", 0, 409), ("lea", "remi", "approve", 10 ** 15, 409)):
            a = me(who).post("/dossiers/%d/evenements/%s" % (fid(file), event), {**bad, "version": version})
            g.want(a.status == status and not unclear(a), "%s by %s with version %s: %r" % (event, who, version, a))
        a = me("remi").post("/dossiers/%d/reponses" % fid("dora"), {"revision": "abc", "rpps": "x"})
        g.want(a.status == 404, "another's answers: %r" % a)
        a = me("nadia").ask("POST", "/dossiers/%d/evenements/claim" % fid("remi"), b"{}", {"Content-Type": JSON, "Idempotency-Key": "k" * 300})
        g.want(a.status == 404, "a bad key on another's file: %r" % a)
        version = world.file("remi", "lea")["version"]
        a = me("lea").post("/dossiers/%d/evenements/ask_correction" % fid("remi"), {**bad, "version": version})
        g.want(a.status == 422 and {p["field"] for p in a.json["problems"]} >= {"items"}, "at last: %r" % a)
    with Group("a stale version is 409 and says by whom, when and with what event") as g:
        a = me("lea").post("/dossiers/%d/evenements/release" % fid("remi"), {"version": 1})
        g.want(a.status == 409 and a.json.get("by") and a.json.get("at") and a.json.get("event") == "claim" and not unclear(a), a)
        a = me("lea").ask("POST", "/dossiers/%d/evenements/release" % fid("remi"), b'{"version":1}', {"Content-Type": JSON, "Accept": "text/html"})
        g.want(a.status == 409 and not unclear(a), a)
    with Group("a repeated key gives the same answer, with another body 422, before any version is compared") as g:
        version, key = world.file("remi", "lea")["version"], str(uuid.uuid4())
        path = "/dossiers/%d/evenements/release" % fid("remi")
        first = me("lea").post(path, {"version": version, "text": "je libère"}, key=key)
        again = me("lea").post(path, {"version": version, "text": "je libère"}, key=key)
        g.want(first.status == 200 and again.status == 200 and again.json["version"] == version + 1, "%r %r" % (first, again))
        for body in ({"version": version, "text": "autre"}, {"version": version}, {"version": version + 1, "text": "je libère"}, {"version": 0}, {"version": "abc"}):
            a = me("lea").post(path, body, key=key)
            g.want(a.status == 422 and not unclear(a), "%s: %r" % (body, a))
        a = me("lea").post("/dossiers/%d/evenements/claim" % fid("remi"), {"version": version + 1}, key=key)
        g.want(a.status == 422 and not unclear(a), "the same key for another event: %r" % a)
        a = me("marc").post(path, {"version": version, "text": "je libère"}, key=key)
        g.want(a.status == 409, "another's key is another key: %r" % a)
        g.want(world.file("remi", "lea")["version"] == version + 1, "it was done once")
        do(fires("lea", "claim", "remi"))


def nested(name, value):
    """{"experience": [{"from": value}]} of "experience[0].from"."""
    if "[0]." in name:
        group, field = name.split("[0].")
        return {group: [{field: value}]}
    return {name: value}


def fields():
    """Each field of each form with each wrong value, and all of them at once."""
    def merged(form, value):
        body = {}
        for name, _, _ in FIELDS[form]:
            for k, v in nested(name, value).items():
                if isinstance(v, list) and v and isinstance(v[0], dict) and isinstance(body.get(k), list) and "[0]." in name:
                    body[k][0].update(v[0])
                else:
                    body[k] = v
        return body

    with Group("each field of the application with each wrong value: saved or told, never a fault") as g:
        path = "/dossiers/%d/reponses" % fid("dora")
        for what, value in VALUES:
            body = merged("application", value)
            cut = 10 if isinstance(value, str) and len(value) > 5000 else 1  # a whole body has 256 kB at most
            for i in range(cut):
                a = me("dora").post(path, {k: body[k] for n, k in enumerate(body) if n % cut == i})
                g.want(a.status in (200, 422) + (413,) * (cut > 1) and (a.status == 200 or not unclear(a)), "%s everywhere: %r %s" % (what, a, unclear(a)))
            f = me("dora").get("/dossiers/%d" % fid("dora"))
            g.want(f.status == 200 and not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\u202e|\ufffe", json.dumps(f.json, ensure_ascii=False)), "%s is kept: %r" % (what, f))
        for i, (name, kind, multiple) in enumerate(FIELDS["application"]):
            for k in range(3):
                what, value = VALUES[(i * 7 + k * 13) % len(VALUES)]
                a = me("dora").post(path, nested(name, value))
                g.want(a.status in (200, 422) and (a.status == 200 or not unclear(a)), "%s in %s: %r %s" % (what, name, a, unclear(a)))
                if a.status == 422:
                    g.want(all(p["field"].startswith(re.split(r"\W", name)[0]) for p in a.json["problems"]), "%s in %s names others: %r" % (what, name, a))
    with Group("pieces of a period follow it when rows move, and stay when the rows are refused") as g:
        def held():
            return sorted((p["for"], p["id"]) for p in world.file("dora")["pieces"] if p["kind"] == "experience")
        row = answers_of(world.person("dora"))["experience"][0]
        a = me("dora").post(path, {"experience": [{**row, "structure": "Une"}, {**row, "structure": "Deux"}]})
        g.want(a.status == 200, a)
        for i in range(2):
            a = me("dora").upload("/dossiers/%d/pieces" % fid("dora"), {"kind": "experience", "for": "experience[%d]" % i}, "a.pdf", pdf("periode"))
            g.want(a.status == 201, a)
        before = held()
        for rows in ([row] * 30, {"a": 1}, "x", [["x"]], [1], ["x", "y"]):
            a = me("dora").post(path, {"experience": rows})
            g.want(a.status in (422,) and held() == before, "%.40s: %s then %s %r" % (rows, before, held(), a))
        stale = me("dora").post(path, {"experience": [], "revision": world.file("dora")["revision"] - 1})
        g.want(stale.status == 409 and not unclear(stale) and held() == before, "a stale save moved pieces: %r" % stale)
        a = me("dora").ask("POST", path, urllib.parse.urlencode({"experience[1]." + k: v for k, v in row.items()}), {"Content-Type": FORM})
        g.want(a.status == 200 and held() == [("experience[0]", before[1][1])], "the second period is the first now: %s then %s" % (before, held()))
        for p in held():
            me("dora").ask("DELETE", "/dossiers/%d/pieces/%d" % (fid("dora"), p[1]))
    with Group("each step of the application as a browser's form with each wrong value: the page again, whole") as g:
        b = Browser("dora")
        token = b.csrf("/dossiers/%d/etapes/identite" % fid("dora"))
        steps = [s.get("id") for s in xml.etree.ElementTree.parse(os.path.join(ROOT, "forms/definitions/application.xml")).getroot().iter("step")]
        for i, (what, value) in enumerate((w, v) for w, v in VALUES if isinstance(v, str)):
            step = steps[i % len(steps)]
            a = b.post("/dossiers/%d/etapes/%s" % (fid("dora"), step), {"csrf": token, **{n: value for n, _, _ in FIELDS["application"][:4 if len(value) > 5000 else None]}})
            g.want(a.status in (200, 303, 400, 422) and (a.status < 400 or not unclear(a)), "%s on %s: %r %s" % (what, step, a, unclear(a)))
            g.want("<script>alert" not in a.text and "{{" not in re.sub(r"\{\{hidden\}\}", "", a.text), "%s on %s is not escaped" % (what, step))
            for page in ("etapes/" + step, "resume"):
                a = b.ask("GET", "/dossiers/%d/%s" % (fid("dora"), page))
                g.want(a.status == (303 if page == "etapes/employeur" else 200) and "<script>alert" not in a.text, "%s, then %s: %r" % (what, page, a))
        for step in ("x", "identite%00", "..", "IDENTITE", "a" * 3000, "%ff"):
            for path in ("/dossiers/%d/etapes/%s" % (fid("dora"), step), "/dossiers/%d/etapes/%s/pieces" % (fid("dora"), step)):
                a = b.ask("GET", path)
                g.want(a.status == 404 and not unclear(a), "%s: %r" % (path, a))
        for row in ("add_row", "remove_row"):
            for value in ("experience", "experience[99]", "experience[-1]", "x[0]", "experience[0]", "é", "a" * 5000, "[]", "experience[1e3]"):
                a = b.post("/dossiers/%d/etapes/experience" % fid("dora"), {"csrf": token, row: value, "experience[0].from": "2015-01-01", "experience[98].from": "x"})
                g.want(sound_answer(a), "%s %s: %r" % (row, value, a))
    with Group("each field of each event's form with wrong values: told, and the file does not move") as g:
        turn, now = 0, 0
        for who, name, events in (("lea", "remi", ("ask_correction", "approve", "refuse", "transfer")), ("ada", "remi", ("transfer",)), ("dora", "dora", ("submit",)),
                                  ("visitor", "sara", ("employer_sign", "employer_decline"))):
            for event in events:
                form = EVENT_FORMS[event]
                turn += 1
                for i, (what, value) in enumerate(VALUES[turn % 2::2]):
                    now = anyone().get("/convention/" + world.token).json["version"] if who == "visitor" else world.file(name, who)["version"] if i == 0 else now
                    path = "/convention/%s/evenements/%s" % (world.token, event) if who == "visitor" else "/dossiers/%d/evenements/%s" % (fid(name), event)
                    body = {"version": now, **merged(form, value), **BAD_BEYOND.get(event, {})}
                    a = client_of(who).post(path, body)
                    g.want(a.status in (422, 429) and not unclear(a), "%s in %s by %s: %r %s" % (what, event, who, a, unclear(a)))
        for turn, event in enumerate(("approve", "ask_correction", "refuse", "transfer", "claim")):
            for what, value in VALUES[turn % 4::4]:
                a = me("lea").post("/dossiers/%d/preparer/%s" % (fid("remi"), event), {"add_row": value, "remove_row": value, **merged(EVENT_FORMS[event], value)}, Accept="text/html")
                g.want(sound_answer(a) and "<script>alert" not in a.text, "%s in the preparation of %s: %r" % (what, event, a))
        g.want(world.file("remi", "lea")["state"] == "in_review" and anyone().get("/convention/" + world.token).json["state"] == "to_sign", "a file moved")
    with Group("accounts and sign-in with each wrong value: told, no account, no session") as g:
        for what, value in VALUES:
            for path, names in (("/compte", ("email", "password")), ("/compte/mot-de-passe", ("email",)), ("/connexion", ("email", "password")),
                                ("/compte/mot-de-passe/" + "A" * 43, ("password",))):
                a = anyone().post(path, {n: value for n in names})
                g.want(a.status in (400, 404, 422) and not unclear(a), "%s to %s: %r %s" % (what, path, a, unclear(a)))
        for suite in ("//evil.test", "https://evil.test", "/\\evil.test", "javascript:alert(1)", "/a\r\nX: y", "/" + "a" * 3000, "\x00", "/connexion"):
            a = anyone().ask("POST", "/connexion", urllib.parse.urlencode({"email": mail_of("remi"), "password": PASSWORD, "suite": suite}),
                                   {"Accept": "text/html", "Content-Type": FORM, "Origin": "https://localhost:%d" % house.port})
            g.want(a.status == 400 or a.status == 303 and a.headers["Location"].startswith("/") and not re.match(r"//|/\\", a.headers["Location"]) and "X" not in a.headers,
                   "suite %r: %r %s" % (suite, a, a.headers.get("Location")))
            a = anyone().get("/connexion?suite=" + urllib.parse.quote(suite.replace("\x00", "")), Accept="text/html")
            g.want(a.status == 200, "suite %r: %r" % (suite, a))
        for sealed in ("x", "A" * 200, "é", "A" * 200000, base64.urlsafe_b64encode(os.urandom(300)).decode()):
            a = anyone().ask("POST", "/connexion", urllib.parse.urlencode({"email": mail_of("remi"), "password": PASSWORD, "suite_body": sealed}),
                                   {"Accept": "text/html", "Content-Type": FORM, "Origin": "https://localhost:%d" % house.port})
            g.want(a.status in (400, 413, 422) and not unclear(a), "a forged body: %r" % a)
    with Group("the commune, the reason to open a piece and the message with each wrong value: told") as g:
        for what, value in VALUES:
            a = me("ada").post("/communes/59350", {"caisse": value, "text": value})
            g.want(a.status == 422 and not unclear(a), "%s as caisse: %r %s" % (what, a, unclear(a)))
        for code in ("99999", "x", "%00", "59350%20", "5935", "é", "a" * 3000):
            a = me("ada").post("/communes/" + urllib.parse.quote(code, safe="%"), {"caisse": "595", "text": "essai"})
            g.want(a.status in (404, 422) and not unclear(a), "%s as commune: %r %s" % (code, a, unclear(a)))
        for what, value in VALUES:
            if isinstance(value, str) and (len(value) > 2000 or not value.strip()) or isinstance(value, (list, dict)):
                a = me("lea").post("/dossiers/%d/pieces/%d/ouvrir" % (fid("remi"), world.person("remi").piece), {"text": value})
                g.want(a.status == 422 and not unclear(a), "%s as a reason: %r" % (what, a))


# What keeps an event refused whatever the value tried: the point is the other fields.
BAD_BEYOND = {"refuse": {"reasons": ["x"]}, "transfer": {"caisse": "000"}, "employer_sign": {"code": "x"}, "approve": {"checklist": {}}, "employer_decline": {"text": " "},
              "submit": {}, "ask_correction": {"items": []}}


# ---- pieces --------------------------------------------------------------------------------------------------------------

def multipart(parts, mark=b"limite", end=True):
    """parts: (headers, body)"""
    out = b"".join(b"--" + mark + b"\r\n" + h + b"\r\n\r\n" + b + b"\r\n" for h, b in parts)
    return out + (b"--" + mark + b"--\r\n" if end else b""), {"Content-Type": "multipart/form-data; boundary=" + mark.decode(), "Idempotency-Key": str(uuid.uuid4())}


def field(name, value):
    return b'Content-Disposition: form-data; name="%s"' % name.encode(), value if isinstance(value, bytes) else value.encode()


def attached(name, content, kind=b"application/pdf", field_name=b"file"):
    return b'Content-Disposition: form-data; name="%s"; filename="%s"\r\nContent-Type: %s' % (field_name, name, kind), content


def pieces():
    path = "/dossiers/%d/pieces" % fid("dora")
    c = me("dora")

    def send(parts, **more):
        body, head = multipart(parts, **more)
        return c.ask("POST", path, body, head)

    good = pdf("piece")
    encrypted = good.replace(b"/Root 1 0 R >>", b"/Root 1 0 R /Encrypt << /Filter /Standard /V 1 /R 2 /O (%s) /U (%s) /P -4 >> /ID [(a) (a)] >>" % (b"a" * 32, b"b" * 32))
    with Group("a deposit that is wrong is refused with the field that is wrong") as g:
        kind = field("kind", "diploma_extra")
        for what, parts, statuses, name in (
                ("no file", [kind], (422,), "file"), ("no kind", [attached(b"a.pdf", good)], (422,), "kind"), ("an unknown kind", [field("kind", "x"), attached(b"a.pdf", good)], (422,), "kind"),
                ("a kind of messages", [field("kind", "message"), attached(b"a.pdf", good)], (422,), "kind"),
                ("a kind of 10 000", [field("kind", "k" * 10000), attached(b"a.pdf", good)], (422,), "kind"),
                ("no period", [field("kind", "experience"), attached(b"a.pdf", good)], (422,), "for"), ("a period that is none", [field("kind", "experience"), field("for", "experience[99]"), attached(b"a.pdf", good)], (422,), "for"),
                ("a period of another form", [field("kind", "experience"), field("for", "items[0]"), attached(b"a.pdf", good)], (422,), "for"),
                ("an empty file", [kind, attached(b"a.pdf", b"")], (422,), "file"), ("two files", [kind, attached(b"a.pdf", good), attached(b"b.pdf", good)], (422,), "file"),
                ("a file of another field", [kind, attached(b"a.pdf", good, field_name=b"autre")], (422,), "file"),
                ("41 files", [kind] + [attached(b"a%d.pdf" % i, b"%PDF-1.4") for i in range(41)], (400,), None),
                ("10,2 MB", [kind, attached(b"a.pdf", good + b"\n" * 10700000)], (422,), "file"), ("11 MiB", [kind, attached(b"a.pdf", good + b"\n" * (11 << 20))], (413,), None),
                ("an encrypted PDF", [kind, attached(b"a.pdf", encrypted)], (201, 422), "file"), ("a PDF with a script", [kind, attached(b"a.pdf", pdf("x", True))], (201, 422), "file"),
                ("a page that calls itself PDF", [kind, attached(b"a.pdf", b"%PDF-1.4\n<!doctype html><html><script>alert(1)</script></html>")], (201, 422), "file"),
                ("a PDF with a page after it", [kind, attached(b"a.pdf", good + b"<html><script>alert(1)</script></html>")], (201, 422), "file"),
                ("a program", [kind, attached(b"a.pdf", b"\x7fELF\x02\x01\x01" + bytes(500))], (422,), "file"), ("text", [kind, attached(b"a.pdf", b"bonjour")], (422,), "file"),
                ("a page", [kind, attached(b"a.html", b"<html><body>x</body></html>", b"text/html")], (422,), "file"), ("SVG", [kind, attached(b"a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"image/svg+xml")], (422,), "file"),
                ("a ZIP", [kind, attached(b"a.zip", b"PK\x03\x04" + bytes(100))], (422,), "file"), ("half a PNG", [kind, attached(b"a.png", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR")], (201, 422), "file"),
                ("half a JPEG", [kind, attached(b"a.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00")], (201, 422), "file"), ("half a PDF", [kind, attached(b"a.pdf", good[:200])], (201, 422), "file"),
                ("zeros", [kind, attached(b"a.pdf", bytes(100000))], (422,), "file")):
            a = send(parts)
            if g.want(a.status in statuses and (a.status == 201 or not unclear(a)), "%s: %r %s" % (what, a, unclear(a))) and a.status == 422:
                g.want(any(p["field"] == name for p in a.json["problems"]), "%s names another field: %r" % (what, a))
            if a.status == 201:
                g.want(a.json["problem"], "%s has no problem: %r" % (what, a))
                f = c.get(a.headers["Location"])
                g.want(f.status == 200 and f.headers["X-Content-Type-Options"] == "nosniff" and f.headers["Content-Disposition"].startswith("attachment") and "html" not in f.headers["Content-Type"],
                       "%s is shown: %s" % (what, f.headers))
                g.want(c.ask("DELETE", a.headers["Location"]).status == 200, "%s goes away" % what)
    with Group("the name of a file is a name: no folder, no line end, no header of ours") as g:
        for name in (b"../../etc/passwd", b"C:\\Windows\\system.ini", b"a\x01\x1b[31mb.pdf", b"..", b".", b"a\\\"; filename=\\\"b.html", b"a%0d%0aX-Evil: 1.pdf", b"a" * 900 + b".pdf", "é👩‍⚕️\u202efdp.exe".encode(), b"\xff\xfe.pdf",
                     b"<script>.pdf", b"a;b=c.pdf", b"", b"CON", MARK.encode() + b".pdf"):
            a = send([field("kind", "diploma_extra"), attached(name, good)])
            if not g.want(a.status == 201, "%r: %r" % (name, a)):
                continue
            g.want("/" not in a.json["name"] and "\\" not in a.json["name"] and not re.search(r"[\x00-\x1f]", a.json["name"]) and len(a.json["name"]) <= 200, "%r is named %r" % (name, a.json["name"]))
            f = c.get(a.headers["Location"])
            g.want(f.status == 200 and f.body == good and "X-Evil" not in f.headers and re.fullmatch(r"attachment; filename\*=UTF-8''[A-Za-z0-9%._~()!*'-]*", f.headers["Content-Disposition"]), "%r: %s" % (name, f.headers))
            g.want(c.ask("DELETE", a.headers["Location"]).status == 200, "it goes away")
    with Group("a deposit that is no multipart, or a broken one, leaves nothing") as g:
        for body, head in ((b"{}", {"Content-Type": JSON}), (b"kind=diploma&file=abc", {"Content-Type": FORM}), multipart([field("kind", "diploma"), attached(b"a.pdf", good)], end=False),
                           (multipart([field("kind", "diploma"), attached(b"a.pdf", good)])[0][:-200], {"Content-Type": "multipart/form-data; boundary=limite"}),
                           (multipart([field("kind", "diploma"), attached(b"a.pdf", good)])[0], {"Content-Type": "multipart/form-data; boundary=autre"}),
                           (multipart([field("kind", "diploma"), attached(b"a\r\nX-Evil: 1.pdf", good)])[0], {"Content-Type": "multipart/form-data; boundary=limite"}),
                           (multipart([field("f%d" % i, "x") for i in range(6000)])[0], {"Content-Type": "multipart/form-data; boundary=limite"})):
            before = {p["id"] for p in world.file("dora")["pieces"]}
            a = c.ask("POST", path, body, head)
            g.want(refused_well(a) or a.status == 201 and b"X-Evil" in body, "%r: %r %s" % (body[:80], a, unclear(a)))
            after = {p["id"] for p in world.file("dora")["pieces"]}
            g.want(after == before or a.status == 201, "it left a piece")
        kept = world.file("dora")["pieces"]
        for p in kept:
            f = c.get("/dossiers/%d/pieces/%d" % (fid("dora"), p["id"]))
            g.want(f.status == 200 and len(f.body) == p["size"], "piece %s opens whole: %r" % (p, f.status))
    with Group("no more than 40 pieces") as g:
        many = [send([field("kind", "diploma_extra"), attached(b"a.png", png(i), b"image/png")]) for i in range(42 - len(world.file("dora")["pieces"]))]
        g.want(many[-1].status == 422 and not unclear(many[-1]), many[-1])
        g.want(all(a.status == 201 for a in many[:-2]), "before: %s" % [a.status for a in many])
        g.want(len(world.file("dora")["pieces"]) == 40, len(world.file("dora")["pieces"]))


def png(n):
    """One grey point, another for each number."""
    def chunk(kind, data):
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", b"\0\0\0\1\0\0\0\1\x08\0\0\0\0") + chunk(b"IDAT", zlib.compress(b"\0" + bytes([n])))
            + chunk(b"IEND", b""))


# ---- paths, queries, headers ---------------------------------------------------------------------------------------------

QUERY_VALUES = ["", "-1", "0", "1", "abc", "9" * 30, "1e99", "NaN", "inf", "%00", "%ff", "%", "%zz", "..%2f..%2fetc%2fpasswd", "%3Cscript%3Ealert(1)%3C%2Fscript%3E", "'%20or%201=1--", "a" * 10000, "é" * 300, "%e2%80%ae", "9999-12-31",
                "0001-01-01", "-0.0", "91", "2024-02-30", "%25s%25n", "59350", "%f0%9f%91%a9"]
QUERIES = {
    "public": {"/annuaire": ("commune", "cp", "lat", "lon", "q", "public", "langue", "distance", "disponible", "page"), "/communes": ("q",), "/statistiques": ("niveau", "au"), "/statistiques.csv": ("niveau", "au"), "/statistiques.xlsx": ("au",),
               "/eligibilite": ("diplome", "ars", "experience", "parcours", "exercice", "repondu"), "/connexion": ("suite",), "/static/absent.css": ("v",)},
    "dora": {"/messages": ("avant",), "/dossiers/%d/etapes/exercice": ("cherche.address_commune", "bouton"), "/dossiers/%d/evenements/withdraw": ("code",), "/dossiers/%d/profil": ("enregistre",)},
    "lea": {"/dossiers": ("etat", "caisse", "q", "tri", "page", "dit"), "/dossiers.csv": ("etat", "q", "tri"), "/dossiers.xlsx": ("q",), "/statistiques": ("niveau", "au"), "/dossiers/%d": ("action",), "/anomalies": ("page",)},
    "ada": {"/agents": ("q",), "/anomalies": ("q",), "/dossiers": ("q", "caisse")},
}


def addresses():
    with Group("each query parameter with each wrong value, both faces: an answer, never a fault") as g:
        seen = {}
        for who, table in QUERIES.items():
            client, html = anyone() if who == "public" else me(who), False
            for path, names in table.items():
                path = path.replace("%d", str(fid("dora" if who == "dora" else "remi")))
                for name in names:
                    again, seen[name] = seen.get(name, 0), seen.get(name, 0) + 1
                    for value in QUERY_VALUES[again % 5::5] if again or "stat" in path else QUERY_VALUES:
                        html = not html
                        a = client.get("%s?%s=%s" % (path, name, urllib.parse.quote(value, safe="%-.'()=")), Accept="text/html" if html else JSON)
                        g.want(sound_answer(a) and "<script>alert" not in a.text, "%s?%s=%.40s: %r %s" % (path, name, value, a, unclear(a)))
                for value in ("&".join("%s=%s" % (n, "1") for n in names), "&".join("%s=x" % n for n in names), "[]", "&&==&", "a" * 7000, "&".join("x%d=1" % i for i in range(1200)), "niveau[]=x&au[0].a=b"):
                    a = client.get("%s?%s" % (path, value))
                    g.want(sound_answer(a), "%s?%.40s: %r %s" % (path, value, a, unclear(a)))
        a = anyone().get("/annuaire?" + "&".join("x%d=1" % i for i in range(6000)))
        g.want(a.status == 400 and not unclear(a), "6 000 parameters: %r" % a)
    with Group("an id that is none is 404 on every route that takes one") as g:
        table = routes()
        for value in ("0", "-1", "abc", "1.5", "1e3", "0x1", "9" * 30, "9223372036854775807", "9223372036854775808", "%00", "1%00", "%31%00", "%ff", "%20", "+1", "..%2f1", "%2e%2e", "é", "1;2", "a" * 4000, "1%0d%0aX:%201"):
            value = urllib.parse.quote(value, safe="%+;")
            for path, method, listener, roles in table:
                if ":" not in path or ":token" in path and "convention" not in path:
                    continue
                for l, who in (("public", "dora"), ("agents", "lea")):
                    if listener not in (l, "both") or not roles & ({"applicant", "employer"} if who == "dora" else {"delegate"}):
                        continue
                    for name in re.findall(r":(id|piece|token)", path):
                        at = filled(path.replace(":" + name, "\0"), fid("dora" if who == "dora" else "remi"), world.person("dora" if who == "dora" else "remi").piece)
                        if name == "id" and path.startswith("/messages"):
                            at = path.replace(":id", "\0")
                        at = at.replace("\0", value)
                        a = me(who).ask(method, at, b"{}" if method == "POST" else None, {"Content-Type": JSON} if method == "POST" else {})
                        g.want(a.status in (404, 405) and not unclear(a) and "X" not in a.headers, "%s %.60s: %r %s" % (method, at, a, unclear(a)))
        for path in ("/../etc/passwd", "/static/../../server/main.c", "/static/%2e%2e/%2e%2e/etc/passwd", "/static/..%2f..%2fLICENSE", "//", "///dossiers", "/dossiers//1", "/./dossiers", "/dossiers/1/../2", "/%2e", "/static/", "/static/%00", "/static//etc/passwd",
                     "/dossiers/1/", "/%64ossiers", "/DOSSIERS", "/%c3%28", "/.git/config", "/static/src/x"):
            for c in (house.client(), me("lea")):
                a = c.ask("GET", path)
                g.want(a.status in (303, 401, 403, 404, 405) and not (a.status >= 400 and unclear(a)) and "root:" not in a.text, "%s: %r" % (path, a))
    with Group("methods that a route does not have are 405 and say which it has") as g:
        for path, method, listener, roles in routes():
            at = filled(path, fid("remi"), 1)
            for c in [anyone()] * (listener != "agents") + [me("lea")] * (listener != "public"):
                for other in {"PUT", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "X" * 20} - {m for p, m, _, _ in routes() if p == path}:
                    a = c.ask(other, at, b"{}" if other in ("PUT", "PATCH") else None, {"Content-Type": JSON})
                    g.want(a.status == 405 and a.headers.get("Allow") and not unclear(a), "%s %s: %r %s" % (other, at, a, unclear(a)))
    with Group("HEAD has the status and the length of GET, and no body") as g:
        for c, path in ((house.client(), "/"), (house.client(), "/annuaire?commune=59350"), (house.client(), "/dossiers"), (me("dora"), "/dossiers/%d" % fid("dora")), (me("lea"), "/dossiers"), (me("remi"), "/dossiers/%d" % fid("dora")), (house.client(), "/rien")):
            a, b = c.ask("GET", path), c.ask("HEAD", path)
            g.want(b.status == a.status and not b.body and b.headers.get("Content-Length") in (None, a.headers.get("Content-Length")), "%s: %r %r %s" % (path, a.status, b, b.headers))
    with Group("headers of rubbish change nothing: Range, If-None-Match, Accept, Cookie, Authorization, the rest") as g:
        for name, value in [("Range", v) for v in ("bytes=0-0", "bytes=9999999-", "bytes=-1", "bytes=a-b", "x", "bytes=" + ",".join("0-%d" % i for i in range(500)))] + \
                [("If-None-Match", v) for v in ("*", '"', "W/", '"' + "a" * 8000, "\xff")] + [("If-Modified-Since", "hier"), ("If-Match", "x"), ("Expect", "200-ok"), ("Accept-Language", "x" * 5000), ("Accept-Encoding", "\xff;q=9"), ("Content-Encoding", "gzip"),
                 ("X-HTTP-Method-Override", "DELETE"), ("X-Forwarded-For", "1.2.3.4"), ("X-Forwarded-Host", "evil.test"), ("Forwarded", "for=x"), ("X-Original-URL", "/agents"), ("Upgrade", "h2c"), ("Upgrade", "websocket"), ("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA"),
                 ("Referer", "http://[::1"), ("User-Agent", "\xff\xfe"), ("Content-Length", "0"), ("Te", "trailers"), ("Priority", "u=99")]:
            for path in ("/", "/dossiers/%d" % fid("dora"), "/static/absent.css", "/healthz"):
                a = me("dora").get(path, **{name: value})
                g.want(a.status in (200, 304) or path.startswith("/static") and a.status == 404, "%s: %.30r on %s: %r" % (name, value, path, a))
        for accept in ("", "*/*", "x", "application/json;q=0", "text/html,application/json", "application/problem+json", "a/b," * 1000, "\xff"):
            for path in ("/dossiers", "/rien", "/annuaire?page=x"):
                a = anyone().get(path, Accept=accept)
                g.want(sound_answer(a), "Accept %.30r on %s: %r %s" % (accept, path, a, unclear(a)))
        real = Browser("dora").cookie
        for cookie in ("__Host-session=", "__Host-session=x", "__Host-session=" + "A" * 43, "__Host-session=" + "A" * 8000, "__Host-session=\xff", "__Host-session=" + "%00" * 20, ";;;===;", "__Host-session", "=x", "session=" + real.split("=")[1],
                       "; ".join("c%d=%d" % (i, i) for i in range(400)), "__host-session=" + real.split("=")[1], real[:-1], real + "A", '__Host-session="%s"' % real.split("=")[1]):
            a = anyone().ask("GET", "/dossiers", None, {"Cookie": cookie})
            g.want(a.status == 401 and not unclear(a), "cookie %.40r: %r" % (cookie, a))
        for bearer in ("Bearer", "Bearer ", "Bearer x", "Bearer " + "A" * 43, "Bearer " + "A" * 8000, "Basic YTpi", "Bearer \xff", "bearer " + "A" * 42 + "=", "Bearer " + me("dora").token + " x", "Bearer " + me("dora").token[:-1], "Digest x", ""):
            a = anyone().ask("GET", "/dossiers", None, {"Authorization": bearer})
            g.want(a.status == 401 and not unclear(a), "authorization %.40r: %r" % (bearer, a))
        a = anyone().ask("GET", "/dossiers", None, {"Authorization": "Bearer x", "Cookie": real})
        g.want(a.status == 401, "a bad token beside a good cookie: %r" % a)
        for value in ("Bearer " + me("dora").token, "Bearer x"):
            a = agents_client_without().ask("GET", "/dossiers", None, {"Authorization": value, "Cookie": real})
            g.want(a.status == 401, "a psychologist's token on the agents' listener: %r" % a)
    with Group("a write from another site is 403: no origin, another, null, a cross-site fetch, a token of another page") as g:
        b = Browser("dora")
        page = "/dossiers/%d/etapes/identite" % fid("dora")
        token = b.csrf(page)
        before = world.file("dora")["revision"]
        for origin in (None, "null", "https://evil.test", "http://localhost:%d" % house.port, "https://localhost:%d.evil.test" % house.port, "https://localhost", "https://localhost:%d" % house.agent_port, "", "x" * 5000, "\xff"):
            a = b.ask("POST", page, urllib.parse.urlencode({"csrf": token, "last_name": "Autre"}), {"Content-Type": FORM, **({"Origin": origin} if origin is not None else {})})
            g.want(a.status == 403 and not unclear(a), "origin %.40r: %r" % (origin, a))
        for site in ("cross-site", "same-site", "x", ""):
            a = b.post(page, {"csrf": token, "last_name": "Autre"}, Sec_Fetch_Site=site)
            g.want(a.status == 403 and not unclear(a), "site %r: %r" % (site, a))
        for wrong in ("", "x", token[:-1], token + "a", token.swapcase(), Browser("remi").csrf("/dossiers"), "\x00".replace("\x00", "")):
            a = b.post(page, {"csrf": wrong, "last_name": "Autre"})
            g.want(a.status == 403 and not unclear(a), "csrf %.20r: %r" % (wrong, a))
        a = b.post(page, {"last_name": "Autre"})
        g.want(a.status == 403 and not unclear(a), "no csrf: %r" % a)
        a = b.ask("POST", page, b'{"last_name":"Autre"}', {"Content-Type": JSON, "Accept": JSON})
        g.want(a.status == 403 and not unclear(a), "JSON with a cookie and no csrf: %r" % a)
        a = b.ask("DELETE", "/dossiers/%d/pieces/%d" % (fid("dora"), world.person("dora").piece), None, {"Accept": JSON})
        g.want(a.status == 403 and not unclear(a), "DELETE with a cookie and no csrf: %r" % a)
        a = b.ask("POST", "/dossiers", b"", {"Content-Type": FORM, "Origin": b.origin})
        g.want(a.status == 403 and not unclear(a), "a new file without csrf: %r" % a)
        g.want(world.file("dora")["revision"] == before, "an answer was written")
        host = "evil.test:%d" % house.port
        a = b.ask("POST", page, urllib.parse.urlencode({"csrf": token}), {"Content-Type": FORM, "Origin": "https://evil.test", "Host": host})
        g.want(a.status == 403, "another host and its origin: %r" % a)
        # agents: a form needs what its page was given, JSON cannot be sent by another site
        for kind, body in ((FORM, b"version=1"), ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="version"\r\n\r\n1\r\n--x--\r\n'), ("text/plain", b'{"version":1}')):
            for origin in ({}, {"Origin": "https://evil.test"}, {"Origin": "https://localhost:%d" % house.agent_port}):
                a = me("lea").ask("POST", "/dossiers/%d/evenements/release" % fid("remi"), body, {"Content-Type": kind, **origin})
                g.want(a.status in (403, 415) and not unclear(a), "an agent's %s with %s: %r" % (kind, origin, a))
        for site in ("cross-site", "same-site"):
            a = me("lea").ask("POST", "/dossiers/%d/evenements/release" % fid("remi"), b'{"version":1}', {"Content-Type": JSON, "Sec-Fetch-Site": site})
            g.want(a.status == 403, "JSON from another site: %r" % a)
    with Group("a new file that is refused for its origin was not begun") as g:
        house.account("vide")
        b = Browser("vide")
        a = b.ask("POST", "/dossiers", b"csrf=x", {"Content-Type": FORM, "Origin": b.origin})
        g.want(a.status == 403 and not unclear(a), a)
        g.want(me("vide").get("/dossiers").json["total"] == 0, me("vide").get("/dossiers"))


# ---- connections ---------------------------------------------------------------------------------------------------------

def connections():
    host = b"Host: localhost:%d\r\n" % house.port
    auth = b"Authorization: Bearer %s\r\n" % me("dora").token.encode()
    with Group("requests that are no HTTP get a 4xx or a closed connection, at once") as g:
        for what, data in (
                ("no Host", b"GET / HTTP/1.1\r\n\r\n"), ("two Hosts", b"GET / HTTP/1.1\r\n" + host + b"Host: evil.test\r\n\r\n"), ("an empty Host", b"GET / HTTP/1.1\r\nHost:\r\n\r\n"), ("a Host of rubbish", b"GET / HTTP/1.1\r\nHost: a b\xff/\\\r\n\r\n"),
                ("a Host of 5 kB", b"GET / HTTP/1.1\r\nHost: " + b"a" * 5000 + b"\r\n\r\n"), ("HTTP/1.0", b"GET / HTTP/1.0\r\n\r\n"), ("HTTP/0.9", b"GET /\r\n\r\n"), ("HTTP/9.9", b"GET / HTTP/9.9\r\n" + host + b"\r\n"), ("nothing before", b"\r\n\r\nGET / HTTP/1.1\r\n" + host + b"\r\n"),
                ("a long method", b"G" * 5000 + b" / HTTP/1.1\r\n" + host + b"\r\n"), ("a control in the path", b"GET /\x01\x02 HTTP/1.1\r\n" + host + b"\r\n"), ("a NUL in the path", b"GET /a\x00b HTTP/1.1\r\n" + host + b"\r\n"), ("a path of 4 kB", b"GET /" + b"a" * 4000 + b" HTTP/1.1\r\n" + host + b"\r\n"),
                ("a path of 200 kB", b"GET /" + b"a" * 200000 + b" HTTP/1.1\r\n" + host + b"\r\n"), ("no path", b"GET HTTP/1.1\r\n" + host + b"\r\n"), ("a star", b"OPTIONS * HTTP/1.1\r\n" + host + b"\r\n"), ("a path without slash", b"GET dossiers HTTP/1.1\r\n" + host + b"\r\n"),
                ("a whole URL", b"GET https://evil.test/ HTTP/1.1\r\n" + host + b"\r\n"), ("CONNECT", b"CONNECT evil.test:443 HTTP/1.1\r\n" + host + b"\r\n"), ("a NUL in a header", b"GET / HTTP/1.1\r\n" + host + b"X: a\x00b\r\n\r\n"), ("a header without colon", b"GET / HTTP/1.1\r\n" + host + b"abc\r\n\r\n"),
                ("a folded header", b"GET / HTTP/1.1\r\n" + host + b"X: a\r\n b\r\n\r\n"), ("a header of 200 kB", b"GET / HTTP/1.1\r\n" + host + b"X: " + b"a" * 200000 + b"\r\n\r\n"), ("1 000 headers", b"GET / HTTP/1.1\r\n" + host + b"X: a\r\n" * 1000 + b"\r\n"),
                ("a length of -1", b"POST /connexion HTTP/1.1\r\n" + host + b"Content-Length: -1\r\n\r\n"), ("a length of rubbish", b"POST /connexion HTTP/1.1\r\n" + host + b"Content-Length: 1x\r\n\r\n"), ("a length of 20 digits", b"POST /connexion HTTP/1.1\r\n" + host + b"Content-Length: 99999999999999999999\r\n\r\n"),
                ("a length of 2 GB", b"POST /connexion HTTP/1.1\r\n" + host + b"Content-Length: 2000000000\r\n\r\n"), ("two lengths", b"POST /connexion HTTP/1.1\r\n" + host + b"Content-Type: application/json\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}"),
                ("a chunk of rubbish", b"POST /connexion HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n\r\n"), ("a chunk of 2^64", b"POST /connexion HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n"),
                ("another coding", b"POST /connexion HTTP/1.1\r\n" + host + b"Transfer-Encoding: gzip\r\nContent-Length: 0\r\n\r\n"), ("HTTP/2 in clear", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"), ("rubbish", os.urandom(3000))):
            began_at = time.monotonic()
            a = raw(data, wait=3.0)
            status = status_of(a)
            if what == "a chunk of 2^64" and a is None:
                continue  # it waits for the rest, as long as for anybody
            g.want(a is not None and status < 500 and (status or not a or a.startswith(b"HTTP/1") or b"<html" in a[:600] or a.startswith(b"\x00\x00")), "%s: %r after %.1f s" % (what, (a or b"")[:200] if a is not None else "no answer", time.monotonic() - began_at))
        for what, data in (("HTTP in clear", b"GET / HTTP/1.1\r\n" + host + b"\r\n"), ("rubbish", b"\x16\x03\x01\xff\xff" + os.urandom(2000)), ("half a hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), ("SSH", b"SSH-2.0-x\r\n")):
            for port in (house.port, house.agent_port):
                s = socket.create_connection(("localhost", port), timeout=3)
                with contextlib.suppress(OSError):
                    s.sendall(data)
                s.close()
                g.want(house.client().get("/healthz").status == 200, "%s on port %d" % (what, port))
    with Group("HTTP/1.1 without its one Host is 400 and says so; HTTP/1.0 may do without") as g:
        for lines, status in ((b"", 400), (host + b"Host: evil.test\r\n", 400), (host + b"X: a\r\n" + host, 400), (b"X-Host: a\r\n", 400), (b"X: a\r\n hOsT: b\r\n", 400), (b"hOsT: localhost\r\n", 200), (b"X: Host: a\r\n" + host, 200)):
            for accept in (b"text/html", b"application/json"):
                a = raw(b"GET / HTTP/1.1\r\n" + lines + b"Accept: " + accept + b"\r\n\r\n") or b""
                g.want(status_of(a) == status and (status == 200 or "hôte".encode() in a), "%r: %r" % (lines, a[:300]))
        body = b'{"email":"Host: a"}\r\nHost: b\r\n'[:19]
        a = raw(b"POST /connexion HTTP/1.1\r\n" + host + b"Content-Type: application/json\r\nContent-Length: 19\r\n\r\n" + body) or b""
        g.want(status_of(a) == 422, "a body that holds one: %r" % a[:300])
        g.want(status_of(raw(b"GET / HTTP/1.0\r\n\r\n")) == 200, "HTTP/1.0")
    with Group("a client that leaves in the middle of a body, of a header or of an answer leaves nothing behind") as g:
        before = {p["id"] for p in world.file("dora")["pieces"]}, world.file("dora")["revision"]
        body, head = multipart([field("kind", "rib"), attached(b"a.pdf", pdf("coupe"))])
        start = b"POST /dossiers/%d/pieces HTTP/1.1\r\n" % fid("dora") + host + auth + b"Content-Type: %s\r\nContent-Length: %d\r\n\r\n" % (head["Content-Type"].encode(), len(body))
        for data in ([start, body[:300]], [start], [start[:50]], [b"G"], [start, body[:100], 0.2, body[100:200]],
                     [b"POST /dossiers/%d/reponses HTTP/1.1\r\n" % fid("dora") + host + auth + b"Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{\"last_name\":"],
                     [b"POST /dossiers/%d/reponses HTTP/1.1\r\n" % fid("dora") + host + auth + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{\"last_name\":"],
                     [b"GET /mes-donnees.zip HTTP/1.1\r\n" + host + auth + b"\r\n"], [b"GET /statistiques HTTP/1.1\r\n" + host + b"\r\n"] * 3):
            raw(data, cut=True)
        time.sleep(0.3)
        after = {p["id"] for p in world.file("dora")["pieces"]}, world.file("dora")["revision"]
        g.want(before == after, "%s then %s" % (before, after))
    with Group("a write whose reader left is done whole, or not at all") as g:
        for i in range(6):
            body = json.dumps({"address_street": "%d rue des Départs" % i, "diploma_place": "Lieu %d" % i}).encode()
            raw([b"POST /dossiers/%d/reponses HTTP/1.1\r\n" % fid("dora") + host + auth + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body], cut=True)
            time.sleep(0.1)
            answers = world.file("dora")["answers"]
            street, place = re.match(r"(\d) rue des Départs", answers["address_street"]), re.match(r"Lieu (\d)", answers["diploma_place"])
            g.want(bool(street) == bool(place) and (not street or street.group(1) == place.group(1)), answers)
    with Group("a body sent byte by byte arrives") as g:
        body = b'{"email":"lent@exemple.test"}'
        a = raw([b"POST /connexion HTTP/1.1\r\n" + host + b"Accept: application/json\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)] + [x for c in body for x in (bytes([c]), 0.01)])
        g.want(status_of(a) == 422, (a or b"")[:300])
    with Group("60 people who say nothing do not keep others waiting") as g:
        idle = [socket.create_connection(("localhost", house.port)) for _ in range(60)]
        for s in idle[:30]:
            s.sendall(b"\x16\x03\x01\x02\x00\x01")
        started = time.monotonic()
        g.want(house.client().get("/").status == 200 and time.monotonic() - started < 8, "%.1f s" % (time.monotonic() - started))
        for s in idle:
            s.close()


def certificates():
    with Group("a certificate with a strange name is nobody's: 403 and a sentence, whatever its subject") as g:
        lea = openssl("x509", "-in", os.path.join(house.out, [n for n in sorted(os.listdir(house.out)) if n.startswith("lea") and n.endswith(".pem")][0]), "-noout", "-subject", "-nameopt", "RFC2253").decode()
        for i, (subject, utf8) in enumerate((
                ("/CN=Lea Essai", True), ("/CN=" + "a" * 64, True), ("/UID=" + "9" * 200, True), ("/CN=a/UID=1/UID=2", True), ("/CN=a+UID=1+UID=2", True), ("/CN=a+serialNumber=1+UID=2", True), ("/O=Une societe", True), ("/CN=é👩", True), ("/CN=\xe9", False),
                ("/CN=<script>alert(1)<\\/script>", True), ("/CN=a\\/b\\+c,d=e;f\"g", True), ("/CN=x/emailAddress=lea@agents.test", True), ("/CN=  ", True), ("/CN=\x01\x1b[31m", True), ("/CN=lea@agents.test/OU=" + "b" * 64 + "/OU=" + "c" * 64, True))):
            c = with_certificate(certificate("name%d" % i, subject, utf8=utf8))
            for path, accept in (("/dossiers", JSON), ("/", "text/html")):
                a = c.get(path, Accept=accept)
                g.want(a.status == 403 and not unclear(a) and "<script>" not in re.sub(r"<script src[^>]*>", "", a.text), "%s: %r (she is %s)" % (subject, a, lea))


# ---- later states --------------------------------------------------------------------------------------------------------

def later():
    """to_sign → to_countersign → conventioned with sara, correction with remi: what only then may be asked."""
    with Group("codes: wrong ones are counted and close, none is a fault") as g:
        v = house.client()
        for code in ("000000", "12345", "1234567", "abcdef", "", "١٢٣٤٥٦", " 123456", "000000", "000000", "000000", "000000", "000000"):
            version = v.get("/convention/" + world.token).json["version"]
            a = v.post("/convention/%s/evenements/employer_sign" % world.token, {"version": version, "code": code})
            g.want(a.status in (422, 429) and not unclear(a), "code %r: %r" % (code, a))
        version = world.file("sara")["version"]
        for code in ("000000", "x", 1, None, ["1", "2"], "0" * 10000):
            a = me("sara").post("/dossiers/%d/evenements/sign" % fid("sara"), {"version": version, "code": code})
            g.want(a.status == 422 and not unclear(a), "code %r: %r" % (code, a))
        answers = [me("sara").post("/dossiers/%d/code" % fid("remi"), {}), me("remi").post("/dossiers/%d/code" % fid("remi"), {})]
        g.want(answers[0].status == 404 and answers[1].status in (409, 422) and not unclear(answers[1]), answers)
        before = len(house.mail.to("patron@exemple.test"))
        sent = [v.post("/convention/%s/code" % world.token, {}) for _ in range(12)]
        g.want(all(a.status in (200, 429) and (a.status == 200 or not unclear(a)) for a in sent) and sent[-1].status == 429 and sent[-1].headers.get("Retry-After"), sent[-1])
        if not g.want(sent[0].status == 200, sent[0]):
            return
    with Group("to be countersigned: a far date, a past one, a name of 10 000 are told; and so is a wrong caisse") as g:
        until = time.monotonic() + 20
        while len(house.mail.to("patron@exemple.test")) < before + sum(a.status == 200 for a in sent) and time.monotonic() < until:
            time.sleep(0.1)
        # they may arrive in any order: one of them is the last
        codes = [re.search(CODE, m["text"]).group(1) for m in house.mail.to("patron@exemple.test")[before:]]
        for code in reversed(codes):
            a = v.post("/convention/%s/evenements/employer_sign" % world.token, {"version": v.get("/convention/" + world.token).json["version"], "code": code})
            if a.status == 200:
                break
        g.want(a.status == 200, "the employer signs: %r" % a)
        do(signs("sara"), state("sara", "to_countersign"))
        for fnps, date in (("F", "2000-01-01"), ("F", "9999-12-31"), ("F" * 10000, today(world)), ("F", "2099-01-01"), ("F", "x"), ("", ""), (["F"], [today(world), "2099-01-02"]), ({"a": 1}, 20990101), ("F", "2999-12-31")):
            version = world.file("sara", "lea")["version"]
            a = me("lea").post("/dossiers/%d/evenements/countersign" % fid("sara"), {"version": version, "fnps": fnps, "effective_date": date})
            g.want(a.status == 422 and not unclear(a), "countersign %.30r %r: %r" % (fnps, date, a))
            if a.status == 200:
                return
        a = me("marc").post("/dossiers/%d/evenements/countersign" % fid("sara"), {"version": version, "fnps": "F", "effective_date": today(world)})
        g.want(a.status == 422 and not unclear(a), "by who has no right to sign: %r" % a)
        a = me("nadia").post("/dossiers/%d/evenements/countersign" % fid("sara"), {"version": version, "fnps": "F", "effective_date": today(world)})
        g.want(a.status == 404, "by another caisse: %r" % a)
        do(countersigns("lea", "sara"), state("sara", "conventioned"))
        g.want(v.get("/convention/" + world.token).status == 404, "the employer's link has done its work")
    with Group("under convention: each field of profile, amendment, suspension, warning, exclusion with each wrong value") as g:
        shown = me("sara").get("/dossiers/%d/profil" % fid("sara"))
        g.want(shown.status == 200, shown)
        for what, value in VALUES:
            for name, kind, multiple in FIELDS["profile"]:
                a = me("sara").post("/dossiers/%d/profil" % fid("sara"), {name: value})
                g.want(a.status in (200, 422) and (a.status == 200 or not unclear(a)), "%s in %s: %r %s" % (what, name, a, unclear(a)))
        for path in ("/annuaire?commune=59350", "/annuaire?commune=59350&langue=a"):
            for accept in (JSON, "text/html"):
                a = anyone().get(path, Accept=accept)
                g.want(a.status == 200 and "<script>alert" not in a.text, "the directory after it: %r" % a)
        for event, who, body in (("suspend", "lea", {"text": " ", "until": "x"}), ("exclude", "lea", {"text": " "}), ("amend", "sara", {"kind": "x"}), ("amend", "lea", {"kind": "x"}), ("suspend", "lea", {"text": "a"})):
            for what, value in VALUES:
                version = world.file("sara", who)["version"]
                a = me(who).post("/dossiers/%d/evenements/%s" % (fid("sara"), event), {**{n: value for n, _, _ in FIELDS[EVENT_FORMS[event]]}, **body, "version": version})
                g.want(a.status == 422 and not unclear(a), "%s in %s: %r" % (what, event, a))
    with Group("in a correction: what is locked stays, what answers the items is judged") as g:
        a = world.fire("lea", "ask_correction", "remi", {"items": [{"field": "address_street", "code": "address_outside", "text": "Précisez le numéro."}, {"piece": "diploma", "code": "piece_unreadable", "text": "Illisible."}]})
        g.want(a.status == 200, a)
        f = world.file("remi")
        for what, value in VALUES:
            a = me("remi").post("/dossiers/%d/reponses" % fid("remi"), {"last_name": value, "iban": value, "experience": value})
            g.want(a.status in (200, 422) and (a.status == 200 or not unclear(a)), "%s where it is locked: %r" % (what, a))
        g.want({k: v for k, v in world.file("remi")["answers"].items() if k != "address_street"} == {k: v for k, v in f["answers"].items() if k != "address_street"}, "a locked answer changed")
        g.want(sorted(p["id"] for p in f["pieces"]) == sorted(p["id"] for p in world.file("remi")["pieces"]), "a locked piece went away")
        for name, value in (("experience", []), ("public", []), ("public", ["children"]), ("languages", ["anglais"])):
            a = me("remi").post("/dossiers/%d/reponses" % fid("remi"), {name: value})
            g.want(a.status == 422 and a.json["problems"][0]["code"] == "locked", "%s %s is locked: %r" % (name, value, a))
        a = me("remi").post("/dossiers/%d/reponses" % fid("remi"), f["answers"])
        g.want(a.status == 200, "what is sent back as it is: %r" % a)
        for kind, row in (("rib", None), ("experience", "experience[0]"), ("identity", None)):
            a = me("remi").upload("/dossiers/%d/pieces" % fid("remi"), {"kind": kind, **({"for": row} if row else {})}, "a.pdf", pdf("x"))
            g.want(a.status == 422 and not unclear(a), "a locked piece %s: %r" % (kind, a))
        for p in f["pieces"]:
            if p["kind"] != "diploma":
                a = me("remi").ask("DELETE", "/dossiers/%d/pieces/%d" % (fid("remi"), p["id"]))
                g.want(a.status == 422 and not unclear(a), "a locked piece away: %r" % a)
        for what, value in VALUES:
            for body in ({"items": value}, {"items": [{"id": value, "maintained": value, "text": value}]}, {"items": [{"id": f["items"][0]["id"], "maintained": value, "text": " "}], "text": value}):
                a = me("remi").post("/dossiers/%d/evenements/resubmit" % fid("remi"), {"version": f["version"], **body})
                g.want(a.status == 422 and not unclear(a), "%s in resubmit: %r" % (what, a))
        g.want(world.file("remi")["state"] == "correction" and world.file("remi")["version"] == f["version"], "it moved")


CODE = r"(?<![-\d])(\d{6})(?![-\d])"


# ---- afterwards ----------------------------------------------------------------------------------------------------------

def fives(metrics):
    """/readyz says 503 while the service starts."""
    return re.search(r'^enroll_answers_total\{class="5xx"\} (\d+)$', metrics.text, re.M).group(1)


def afterwards():
    with Group("a session that the clock ended is nobody's") as g:
        client = me("dora")
        house.move(hours=3)
        a = client.get("/dossiers")
        g.want(a.status == 401 and not unclear(a), a)
        house.sign_in("dora")
    with Group("every file opens whole, every piece of it too, and its history verifies offline") as g:
        for name in ("dora", "remi", "sara"):
            house.sign_in(name)
            f = world.file(name)
            for p in f["pieces"]:
                a = me(name).get("/dossiers/%d/pieces/%d" % (fid(name), p["id"]))
                g.want(a.status == 200 and len(a.body) == p["size"], "%s: piece %s: %d" % (name, p, a.status))
            a = me(name).get("/dossiers/%d/historique.json" % fid(name))
            g.want(a.status == 200 or name == "dora", a)
            if name != "dora":
                at = os.path.join(house.home, "historique.json")
                with open(at, "wb") as out:
                    out.write(a.body)
                g.want("" != house.ctl("audit", "verify", at), "offline")
            a = me(name).get("/mes-donnees.zip")
            g.want(a.status == 200 and a.body.startswith(b"PK"), a.status)
    with Group("the eight invariants are empty and the audit verifies") as g:
        sound(house)
        g.want(True, "")
    with Group("enrolld lives, counts no fault, and answers") as g:
        g.want(house.process.poll() is None, "status %s: %s" % (house.process.returncode, tail(house.log)))
        for path in ("/readyz", "/healthz", "/"):
            g.want(house.client().get(path).status == 200, path)
        a = me("lea").get("/metrics")
        faults = re.search(r"^enroll_jobs_faults_total (\d+)$", a.text, re.M)
        g.want(faults and faults.group(1) == "0", faults and faults.group(0))
        g.want(fives(a) == world.fives, "5xx: %s at the start, %s now" % (world.fives, fives(a)))
        running = re.search(r"^enroll_jobs_running (\d+)$", a.text, re.M)
        g.want(running and int(running.group(1)) <= 2, "jobs left running: %s" % running)
    status = house.stop()
    if os.environ.get("BAD_INPUT_LOG"):
        shutil.copy(house.log, os.environ["BAD_INPUT_LOG"])
    with open(house.log, encoding="utf-8", errors="replace") as f:
        lines = f.read().splitlines()
    with Group("it ends well; its log has no sanitizer report and no fault") as g:
        g.want(status == 0, "status %s" % status)
        for line in lines:
            bad = "ERROR: " in line or "runtime error" in line or "Sanitizer" in line or ("job.failed" in line and "fault" in line) or re.search(r'"level": ?"(error|fatal)"', line)
            if bad:
                g.want(False, line)
        g.want(len(lines) > 1000, "%d lines" % len(lines))
    with Group("its log holds no name, number, address, token, password or text that somebody sent") as g:
        secret = {MARK, PASSWORD, world.token, "@exemple.test", "@agents.test", "alert(1)", "rue des Essais", "rue des Départs", "etc/passwd"}
        for name in ("dora", "remi", "sara"):
            x = answers_of(world.person(name))
            secret |= {x["nir"], x["nir"][:13], x["iban"], x["rpps"], x["last_name"], x["last_name"].lower(), x["phone"], me(name).token}
        text = "\n".join(lines)
        for s in sorted(secret):
            at = text.find(s)
            g.want(at < 0, "%r in: %s" % (s, text[max(0, at - 200):at + 200]))
    with Group("nothing is left of uploads on the disk") as g:
        strange = [os.path.join(d, n) for d, _, names in os.walk(house.home) for n in names if not re.search(r"/(pg|cluster|data|postgres)[^/]*/", d + "/") and (n.endswith((".tmp", ".new", ".part")) or n.startswith(("upload", "enroll-")))]
        g.want(not strange, strange)


def main():
    global EVENTS, EVENT_FORMS, FIELDS
    FIELDS, EVENT_FORMS = forms()
    EVENTS = set(EVENT_FORMS)
    try:
        set_up()
    except Exception:
        say(False, "the service starts and three files are made", traceback.format_exc())
        sys.exit(1)
    say(True, "the service starts and three files are made")
    for part in (authority, bodies, fields, addresses, certificates, connections, pieces, later, afterwards):
        if sys.argv[1:] and part.__name__ not in sys.argv[1:] + ["afterwards"] and part is not authority:
            continue
        try:
            part()
        except Exception:
            kit.failures += not say(False, "%s is tried whole" % part.__name__, traceback.format_exc()[-2000:])
        if house.process.poll() is not None and part is not afterwards:
            say(False, "enrolld goes on after %s" % part.__name__, "status %s: %s" % (house.process.returncode, tail(house.log)))
            sys.exit(1)
    sys.exit(1 if kit.failures else 0)


if __name__ == "__main__":
    main()
