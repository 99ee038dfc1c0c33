#!/usr/bin/env python3
"""The psychologist's side: the account, its links and its locks, pieces, messages, signing codes, the directory profile."""
import concurrent.futures

from lib import *


def asks(w, method, path, gives, *args, **more):
    a = getattr(w.house.client(), method)(path, *args, **more)
    right(a.status == gives, "%s %s gives %r, not %s" % (method, path, a, gives))
    return a


def mine(w, name, method, path, gives, *args, **more):
    a = w.house.ask(name, method, path.format(w.person(name).file), *args, **more)
    right(a.status == gives, "%s %s gives %r, not %s" % (method, path, a, gives))
    return a


def link(w, address, where, after=0):
    return w.house.mail.wait(address, r"/%s/([\w-]{43})" % where, after)


# ---- the account ---------------------------------------------------------------------------------------------------------

def nobody_learns(w):
    """The same answer whether the address has an account or not; only the mail differs."""
    w.house.account("anna")
    new = asks(w, "post", "/compte", 200, {"email": "neuve@exemple.test", "password": PASSWORD})
    old = asks(w, "post", "/compte", 200, {"email": mail_of("anna"), "password": "un autre mot de passe"})
    right(new.json == old.json, "two answers: %r, %r" % (new, old))
    w.house.mail.wait(mail_of("anna"), "(avez déjà un)")
    right(asks(w, "post", "/compte/mot-de-passe", 200, {"email": mail_of("anna")}).json ==
          asks(w, "post", "/compte/mot-de-passe", 200, {"email": "inconnue@exemple.test"}).json, "two answers")
    asks(w, "post", "/connexion", 401, {"email": mail_of("anna"), "password": "un autre mot de passe"})


def confirms(w):
    asks(w, "post", "/connexion", 401, {"email": "neuve@exemple.test", "password": PASSWORD})
    token = link(w, "neuve@exemple.test", "compte/confirmation")
    for _ in range(3):  # mail scanners follow links
        asks(w, "get", "/compte/confirmation/" + token, 200)
    asks(w, "post", "/compte/confirmation/" + token, 200)
    asks(w, "post", "/compte/confirmation/" + token, 404)
    for gone in (token, "A" * 43):  # used, never given: in the same words, with the two ways on
        page = asks(w, "get", "/compte/confirmation/" + gone, 404, Accept="text/html").text
        right("Ce lien a déjà servi ou n’est plus valable</h1>" in page and 'href="/connexion">Se connecter' in page and
              'href="/compte">Demander un nouveau lien' in page, page)
    asks(w, "post", "/connexion", 200, {"email": "NEUVE@exemple.test", "password": PASSWORD})


def own_password(w):
    """A link confirms the password typed when it was asked for, not one that somebody else typed before or after."""
    address = "visee@exemple.test"
    asks(w, "post", "/compte", 200, {"email": address, "password": "celui de la personne"})
    token = link(w, address, "compte/confirmation")
    asks(w, "post", "/compte", 200, {"email": address, "password": "celui de quelqu'un d'autre"})
    asks(w, "post", "/compte/confirmation/" + token, 200)
    asks(w, "post", "/connexion", 200, {"email": address, "password": "celui de la personne"})
    asks(w, "post", "/connexion", 401, {"email": address, "password": "celui de quelqu'un d'autre"})


def resets(w):
    c = w.house.client()
    c.token = asks(w, "post", "/connexion", 200, {"email": "neuve@exemple.test", "password": PASSWORD}).json["token"]
    right(c.get("/dossiers").status == 200, "the session does not open")
    asks(w, "post", "/compte/mot-de-passe", 200, {"email": "neuve@exemple.test"})
    token = link(w, "neuve@exemple.test", "compte/mot-de-passe")
    asks(w, "post", "/compte/mot-de-passe/" + token, 422, {"password": "court"})
    asks(w, "post", "/compte/mot-de-passe/" + token, 200, {"password": "une nouvelle phrase"})
    asks(w, "post", "/compte/mot-de-passe/" + token, 404, {"password": "une nouvelle phrase"})
    right(c.get("/dossiers").status == 401, "the old session still opens")
    asks(w, "post", "/connexion", 401, {"email": "neuve@exemple.test", "password": PASSWORD})
    asks(w, "post", "/connexion", 200, {"email": "neuve@exemple.test", "password": "une nouvelle phrase"})


def changes(w):
    """Who is signed in changes it with the old one: this session goes on under another token, all else ends."""
    where, address, new = "/compte/changer-mot-de-passe", "changeante@exemple.test", "quatre mots sans lien"
    w.house.ctl("account", "create", "--email", address, "--password-stdin", stdin=PASSWORD + "\n")

    def session(password=PASSWORD):
        c = w.house.client()
        c.token = asks(w, "post", "/connexion", 200, {"email": address, "password": password}).json["token"]
        return c

    def tried(c, gives, current, chosen, **more):
        a = c.post(where, {"current_password": current, "password": chosen}, **more)
        right(a.status == gives, "%r, not %d" % (a, gives))
        return a
    here, elsewhere = session(), session()
    asks(w, "post", where, 401, {"current_password": PASSWORD, "password": new})
    right(here.get(where).json == {"email": address} and here.get("/compte").json == {"email": address}, "whose it is")
    right(code_of(tried(here, 422, "à côté", new)) == [("current_password", "wrong")], "any old one")
    right(code_of(tried(here, 422, "", "court")) == [("current_password", "missing"), ("password", "length")], "what is not there")
    right(code_of(tried(here, 422, PASSWORD, "Motdepasse2026!")) == [("password", "common")], "what is tried first")
    page = tried(here, 422, "à côté", new, Accept="text/html").text
    right(re.search('id="current_password-error".*Ce n’est pas votre mot de passe actuel', page) and "à côté" not in page and new not in page, page)
    before = len(w.house.mail.to(address))
    asks(w, "post", "/compte/mot-de-passe", 200, {"email": address})
    mailed = link(w, address, "compte/mot-de-passe", before)
    old, token = here.token, tried(here, 200, PASSWORD, new).json["token"]
    right(token != old and here.get("/dossiers").status == elsewhere.get("/dossiers").status == 401, "an old session still opens")
    here.token = token
    right(here.get("/dossiers").status == 200, "this session does not go on")
    asks(w, "post", "/compte/mot-de-passe/" + mailed, 404, {"password": "encore une autre phrase"})
    asks(w, "post", "/connexion", 401, {"email": address, "password": PASSWORD})
    session(new)
    w.house.mail.wait(address, "(mot de passe vient d’être changé)", before)
    for _ in range(5):
        tried(here, 422, PASSWORD, new)
    right(0 < int(tried(here, 429, new, PASSWORD).headers["retry-after"]) <= 900, "five guesses do not close it")
    right("n’accepte plus de mot de passe" in tried(here, 429, new, PASSWORD, Accept="text/html").text, "nor say so")
    asks(w, "post", "/connexion", 429, {"email": address, "password": new})
    right(here.get("/dossiers").status == 200, "its owner is put out")


def closes(w, address, password):
    """5 failures in 15 minutes close it for 15, told in the same words for an address without an account."""
    told = set()
    for _ in range(5):
        told.add(asks(w, "post", "/connexion", 401, {"email": address, "password": "à côté"}).json["detail"])
    a = asks(w, "post", "/connexion", 429, {"email": address, "password": password})
    right(0 < int(a.headers["retry-after"]) <= 900, "retry-after %s" % a.headers["retry-after"])
    return told, a.json["detail"]


def guesses(w):
    address = "serree@exemple.test"
    w.house.ctl("account", "create", "--email", address, "--password-stdin", stdin=PASSWORD + "\n")
    right(closes(w, address, PASSWORD) == closes(w, "personne@exemple.test", PASSWORD), "known and unknown are told apart")
    w.house.move(minutes=16)
    asks(w, "post", "/connexion", 200, {"email": address, "password": PASSWORD})


def guesses_at_once(w):
    """Twenty guesses sent at once, the right one among the last: it does not help."""
    address = "pressee@exemple.test"
    w.house.ctl("account", "create", "--email", address, "--password-stdin", stdin=PASSWORD + "\n")
    got = []

    def guess(password):
        got.append(w.house.client().post("/connexion", {"email": address, "password": password}).status)
    threads = [threading.Thread(target=guess, args=("essai %d" % i,)) for i in range(20)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    right(got.count(401) == 5 and got.count(429) == 15, "answers %s" % sorted(got))


def mails_are_bounded(w):
    for _ in range(5):
        asks(w, "post", "/compte/mot-de-passe", 200, {"email": "souvent@exemple.test"})
    asks(w, "post", "/compte/mot-de-passe", 429, {"email": "souvent@exemple.test"})


def signs_out(w):
    c = w.house.client()
    c.token = asks(w, "post", "/connexion", 200, {"email": mail_of("anna"), "password": PASSWORD}).json["token"]
    a = c.post("/deconnexion")
    right(a.status == 200 and c.get("/dossiers").status == 401, "the session is still open")
    right(a.headers["clear-site-data"] == '"cache", "storage"', "the browser keeps what it saw: %s" % a.headers)


scenario("the account", [
    holds("nobody learns who has an account", nobody_learns),
    holds("a link confirms when its button is pressed, once", confirms),
    holds("a link confirms the password typed with it", own_password),
    holds("a new password ends every session", resets),
    holds("who is signed in changes the password with the old one, and every other session ends", changes),
    holds("five failures close an account for 15 minutes", guesses),
    holds("guesses sent at once are five", guesses_at_once),
    holds("messages to one address are bounded", mails_are_bounded),
    holds("signing out ends the session", signs_out),
])


# ---- pieces --------------------------------------------------------------------------------------------------------------

def code_of(a):
    return [(p["field"], p["code"]) for p in a.json["problems"]]


def send(w, name, gives, fields, content=None, filename="a.pdf"):
    return mine(w, name, "upload", "/dossiers/{}/pieces", gives, fields, filename, pdf("essai") if content is None else content)


def pieces(w):
    a = send(w, "bea", 201, {"kind": "diploma"}, filename="diplôme été.pdf")
    right(a.headers["location"] == "/dossiers/%d/pieces/%d" % (w.person("bea").file, a.json["id"]), a.headers["location"])
    right(a.json["name"] == "diplôme été.pdf" and a.json["scan"] == "waiting", repr(a))
    back = mine(w, "bea", "get", a.headers["location"], 200)
    right(back.body == pdf("essai") and back.headers["content-type"] == "application/pdf", "not the bytes that were sent")
    right(back.headers["x-content-type-options"] == "nosniff", "browsers may guess its type")
    right(send(w, "bea", 201, {"kind": "diploma"}).json["id"] == a.json["id"], "the same file twice is two pieces")
    b = send(w, "bea", 201, {"kind": "diploma"}, pdf("un autre"))
    right([p["id"] for p in w.file("bea")["pieces"] if p["kind"] == "diploma"] == [b.json["id"]], "the old one is still there")
    mine(w, "bea", "get", a.headers["location"], 404)
    for content, why in ((b"", "empty"), (b"MZ" + b"x" * 500, "type"), (b"%PDF-1.4" + b"x" * (10 << 20), "size")):
        right(code_of(send(w, "bea", 422, {"kind": "rib"}, content)) == [("file", why)], why)
    right(code_of(send(w, "bea", 422, {"kind": "selfie"})) == [("kind", "choice")], "an unknown kind")
    right(code_of(send(w, "bea", 422, {"kind": "experience"})) == [("for", "missing")], "a proof without its period")
    right(code_of(send(w, "bea", 422, {"kind": "experience", "for": "experience[99]"})) == [("for", "wrong")], "a period too far")


def not_mine(w):
    p = w.file("bea")["pieces"][0]["id"]
    where = "/dossiers/%d/pieces" % w.person("bea").file
    w.house.account("zoe")
    for a in (w.house.ask("zoe", "get", "%s/%d" % (where, p)), w.house.ask("zoe", "ask", "DELETE", "%s/%d" % (where, p)),
              w.house.ask("zoe", "post", "%s/%d/supprimer" % (where, p)),
              w.house.ask("zoe", "upload", where, {"kind": "rib"}, "a.pdf", pdf("x"))):
        right(a.status == 404, repr(a))


def away(w):
    p = send(w, "bea", 201, {"kind": "diploma_extra"}).json["id"]
    where = "/dossiers/%d/pieces/%d" % (w.person("bea").file, p)
    right(w.house.ask("bea", "ask", "DELETE", where).status == 200, "removing")
    right(w.house.ask("bea", "ask", "DELETE", where).status == 404, "removing again")


def forty(w):
    for n in range(len(w.file("bea")["pieces"]), 40):
        send(w, "bea", 201, {"kind": "diploma_extra"}, pdf("complément %d" % n))
    right(code_of(send(w, "bea", 422, {"kind": "diploma_extra"}, pdf("de trop"))) == [("file", "many")], "the 41st")


# ---- pieces in slices

BIG = big_pdf((10 << 20) - 2000)
STEP = 1 << 20  # the largest slice


def begun(w, name, fields, content, gives=201):
    a = w.house.ask(name, "upload_begin", w.person(name).file, fields, len(content))
    right(a.status == gives, "beginning: %r" % a)
    return a


def slices(w, name, at, content, offset, until):
    """What it gives to the last of the slices from one offset to another."""
    while offset < until:
        end = min(offset + STEP, until)
        a = w.house.ask(name, "upload_slice", at, offset, content[offset:end], end == len(content))
        right(a.status == (201 if end == len(content) else 204), "the slice at %d: %r" % (offset, a))
        right(int(a.headers["Upload-Offset"]) == end, "it says %s, not %d" % (a.headers["Upload-Offset"], end))
        offset = end
    return a


def where_is(w, name, at):
    a = w.house.ask(name, "ask", "HEAD", at)
    right(a.status == 200 and not a.body, "HEAD: %r" % a)
    return int(a.headers["Upload-Offset"]), a.headers["Upload-Complete"]


def resumed(w):
    """Cut inside a slice, killed between two: what was acknowledged is there, and nothing else."""
    at = begun(w, "rosa", {"kind": "rib"}, BIG).headers["Location"]
    right(where_is(w, "rosa", at) == (0, "?0"), "before the first slice")
    slices(w, "rosa", at, BIG, 0, 3 * STEP)
    c = w.house.who("rosa")
    head = "PATCH %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n%s\r\n" % (
        at, c.token, STEP, "".join("%s: %s\r\n" % h for h in slice_head(3 * STEP).items()))
    for sent in (0, 1, STEP // 2, STEP - 1):
        with socket.create_connection(("localhost", w.house.port)) as raw, c.context.wrap_socket(raw, server_hostname="localhost") as s:
            s.sendall(head.encode() + BIG[3 * STEP:3 * STEP + sent])
        right(where_is(w, "rosa", at) == (3 * STEP, "?0"), "after a slice cut at %d bytes" % sent)
    slices(w, "rosa", at, BIG, 3 * STEP, 5 * STEP)
    w.house.stop(signal.SIGKILL)
    c.close()
    w.house.start()
    right(where_is(w, "rosa", at) == (5 * STEP, "?0"), "after SIGKILL")
    a = slices(w, "rosa", at, BIG, 5 * STEP, len(BIG))
    right(a.headers["Upload-Complete"] == "?1" and a.json["kind"] == "rib" and a.json["name"] == "grande.pdf" and a.json["scan"] == "waiting", repr(a))
    right(mine(w, "rosa", "get", a.headers["Location"], 200).body == BIG, "not the bytes that were sent")
    right([p["id"] for p in w.file("rosa")["pieces"] if p["kind"] == "rib"] == [a.json["id"]], "it is not the one piece of its place")
    # the answer was lost: it is told again, and nothing is asked for twice
    right(where_is(w, "rosa", at) == (len(BIG), "?1"), "once it is a piece")
    again = w.house.ask("rosa", "upload_slice", at, len(BIG), b"", True)
    right(again.status == 200 and again.json["piece"] == a.json["id"] and again.headers["Location"] == a.headers["Location"], repr(again))
    number = int(at.rsplit("/", 1)[1])
    right(w.house.sql("select count(*) from upload_chunk where upload = %d" % number) == [("0",)], "its slices are kept twice")


def between(w, hold, change, ask):
    """What ask() gives when its request waits for what `hold` locks, and `change` is committed before it goes on."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        done = pool.submit(w.house.sql, """do $$ begin
            %s;
            perform pg_advisory_xact_lock(77);
            for i in 1..1000 loop
                exit when exists (select from pg_locks where not granted and pg_backend_pid() = any (pg_blocking_pids(pid)));
                perform pg_sleep(0.01);
            end loop;
            %s;
        end $$""" % (hold, change))
        until = time.monotonic() + 10
        while not w.house.sql("select 1 from pg_locks where locktype = 'advisory' and objid = 77"):
            right(time.monotonic() < until and not done.done(), "the change never began")
        a = ask()
        done.result()
    return a


def completed_between(w):
    content = big_pdf(200000)
    at = begun(w, "rosa", {"kind": "identity"}, content).headers["Location"]
    slices(w, "rosa", at, content, 0, 100000)
    right(w.house.ask("rosa", "upload_slice", at, 100000, content[100000:]).status == 204, "all is there, and it was not said to be the last")
    number, other = int(at.rsplit("/", 1)[1]), int(w.house.sql("select max(id) from piece where file = %d" % w.person("rosa").file)[0][0])
    a = between(w, "lock table upload_chunk", "update upload set piece = %d where id = %d; delete from upload_chunk where upload = %d" % (other, number, number),
                lambda: w.house.ask("rosa", "upload_slice", at, len(content), b"", True))
    right(a.status == 200 and a.json["piece"] == other, repr(a))


def erased_between(w):
    p = send(w, "rosa", 201, {"kind": "diploma_extra"}, pdf("effacée")).json["id"]
    at = "/dossiers/%d/pieces/%d" % (w.person("rosa").file, p)
    a = between(w, "lock table piece_chunk", "update piece set erased_at = enroll_now() where id = %d; delete from piece_chunk where piece = %d" % (p, p),
                lambda: w.house.ask("rosa", "get", at))
    right(a.status == 404 and "effacée" in a.json["detail"], repr(a))
    right(w.house.ask("rosa", "ask", "DELETE", at).status in (200, 404), "taking it away")


def begun_between(w):
    """An upload whose draft is discarded, or whose person signs out, while it begins."""
    w.house.account("lily")
    w.person("lily").file = file = w.house.ask("lily", "post", "/dossiers").json["id"]

    def begin():
        return w.house.who("lily").upload_begin(file, {"kind": "identity"}, 1000)  # signs in by itself no more
    a = between(w, "alter sequence upload_id_seq cache 1", "delete from session where account = (select id from account where email = '%s')" % mail_of("lily"), begin)
    right(a.status == 401, "signed out: %r" % a)
    w.file("lily")  # signs in again
    a = between(w, "lock table upload in share mode", "delete from file where id = %d" % file, begin)
    right(a.status == 409 and a.json["detail"], "discarded: %r" % a)


def started_between(w):
    """Pressed twice: both lead to the one draft."""
    w.house.account("lucy")
    a = between(w, "insert into file (kind, account) select 'convention', id from account where email = '%s'" % mail_of("lucy"), "null",
                lambda: w.house.ask("lucy", "post", "/dossiers"))
    right(a.status == 200 and w.house.sql("select id from file where account = (select id from account where email = '%s')" % mail_of("lucy")) == [(str(a.json["id"]),)], repr(a))


def sealed_slices(w):
    """At rest no slice can be read, and none is what it was under another key, place or number."""
    content = big_pdf(300000)
    at = begun(w, "rosa", {"kind": "rights"}, content).headers["Location"]
    slices(w, "rosa", at, content, 0, 100000)
    number = int(at.rsplit("/", 1)[1])
    (name, data), = w.house.sql("select encode(u.name, 'hex'), encode(c.data, 'hex') from upload u join upload_chunk c on c.upload = u.id where u.id = %d" % number)
    right("grande.pdf".encode().hex() not in name and content[:16].hex() not in data and len(data) // 2 > 100000, "it is there in clear")
    slices(w, "rosa", at, content, 100000, 200000)
    # moved to another offset it does not open: ours, told as such, and nothing becomes a piece
    w.house.sql("update upload_chunk set data = (select data from upload_chunk where upload = %d and at = 100000) where upload = %d and at = 0" % (number, number))
    a = w.house.ask("rosa", "upload_slice", at, 200000, content[200000:], True)
    right(a.status == 500 and not [p for p in w.file("rosa")["pieces"] if p["kind"] == "rights"], repr(a))


def slices_refused(w):
    content = big_pdf(400000)
    file = w.person("rosa").file
    for size, why in (((10 << 20) + 1, "size"), (0, "empty")):
        a = w.house.ask("rosa", "upload_begin", file, {"kind": "diploma"}, size)
        right(a.status == 422 and code_of(a) == [("file", why)], repr(a))
    right(code_of(begun(w, "rosa", {"kind": "selfie"}, content, 422)) == [("kind", "choice")], "an unknown kind")
    right(code_of(begun(w, "rosa", {"kind": "experience"}, content, 422)) == [("for", "missing")], "a proof without its period")
    for size in ("", "-1", "x", "1.5", "99999999999999999999"):
        a = w.house.ask("rosa", "post", "/dossiers/%d/envois" % file, {"kind": "diploma"}, **{"Upload-Length": size})
        right(a.status == 400, "a length of %r: %r" % (size, a))
    at = begun(w, "rosa", {"kind": "diploma"}, content).headers["Location"]
    send_slice = lambda *args, **more: w.house.ask("rosa", "upload_slice", at, *args, **more)
    slices(w, "rosa", at, content, 0, 100000)
    for offset in (0, 99999, 100001, 400000):
        a = send_slice(offset, content[offset:offset + 70000])
        right(a.status == 409 and a.headers["Upload-Offset"] == "100000" and a.json["detail"], "at %d: %r" % (offset, a))
    for status, args, more in (
            (400, (100000, content[100000:100010]), {}), (400, (100000, b""), {}), (400, (100000, content[100000:200000], True), {}),
            (400, (100000, content[100000:] + b"x", True), {}), (400, ("", content[100000:200000]), {}),
            (400, (100000, content[100000:200000]), {"Upload-Complete": "1"}), (413, (100000, content[:1] * (STEP + 1)), {}),
            (415, (100000, content[100000:200000]), {"Content-Type": "application/pdf"}), (415, (100000, b"{}"), {"Content-Type": "application/json"})):
        a = send_slice(*args, **more)
        right(a.status == status and a.json["detail"], "%s: %r" % (more, a))
    right(where_is(w, "rosa", at) == (100000, "?0"), "what was refused moved it")
    # two at once: one is written, the other is told where it stands
    others = [w.house.client() for _ in range(6)]
    for c in others:
        c.token = w.house.who("rosa").token
    with concurrent.futures.ThreadPoolExecutor(len(others)) as pool:
        got = [t.result() for t in [pool.submit(c.upload_slice, at, 100000, content[100000:200000]) for c in others]]
    right(sorted(a.status for a in got) == [204] + [409] * 5 and {a.headers["Upload-Offset"] for a in got} == {"200000"}, "at once: %s" % got)
    slices(w, "rosa", at, content, 200000, 300000)
    a = send_slice(300000, content[300000:])
    right(a.status == 204 and where_is(w, "rosa", at) == (len(content), "?0"), "all is there, and it was not said to be the last: %r" % a)
    # completed by several at once: one piece; two of them are looked at, more are asked to come back
    with concurrent.futures.ThreadPoolExecutor(len(others)) as pool:
        got = [t.result() for t in [pool.submit(c.upload_slice, at, len(content), b"", True) for c in others]]
    right({a.status for a in got} <= {200, 201, 409, 429} and [a.status for a in got].count(201) == 1, "completed at once: %s" % got)
    found = w.house.sql("select count(*) from piece where file = %d and kind = 'diploma'" % file)
    right(found == [("1",)], "pieces: %s" % found)
    # content that is refused takes the upload with it
    bad = b"MZ" + b"x" * 1000
    at = begun(w, "rosa", {"kind": "identity"}, bad).headers["Location"]
    a = w.house.ask("rosa", "upload_slice", at, 0, bad, True)
    right(a.status == 422 and code_of(a) == [("file", "type")], repr(a))
    right(w.house.ask("rosa", "get", at).status == 404, "what was refused is kept")
    # nobody sends a film to its end to be told: the first slice says what it is
    film = b"\x00\x00\x00\x18ftypmp42" + b"x" * 399988
    at = begun(w, "rosa", {"kind": "identity"}, film).headers["Location"]
    a = w.house.ask("rosa", "upload_slice", at, 0, film[:100000])
    right(a.status == 422 and code_of(a) == [("file", "type")] and w.house.ask("rosa", "get", at).status == 404, repr(a))
    # one that only begins well is found out at its end
    feint = b"\xFF\xD8\xFF" + film[3:]
    at = begun(w, "rosa", {"kind": "identity"}, feint).headers["Location"]
    slices(w, "rosa", at, feint, 0, 100000)
    a = w.house.ask("rosa", "upload_slice", at, 100000, feint[100000:], True)
    right(a.status == 201 and a.json["problem"] == "unreadable", repr(a))
    right(w.house.ask("rosa", "post", "/dossiers/%d/pieces/%d/supprimer" % (file, a.json["id"])).status == 200, "taking it away")


def upload_is_mine(w):
    content = big_pdf(200000)
    at = begun(w, "rosa", {"kind": "identity"}, content).headers["Location"]
    slices(w, "rosa", at, content, 0, 100000)
    zoe = w.house.account("zoe")
    own = zoe.post("/dossiers").json["id"]
    under_own = "/dossiers/%d/envois/%s" % (own, at.rsplit("/", 1)[1])
    for a in (zoe.get(at), zoe.upload_slice(at, 100000, content[100000:], True), zoe.get(under_own), zoe.upload_slice(under_own, 100000, content[100000:], True),
              zoe.upload_begin(w.person("rosa").file, {"kind": "identity"}, 1000)):
        right(a.status == 404, repr(a))
    for c, gives in ((w.house.client(), (401,)), (w.house.agent("lea"), (404,))):
        for a in (c.get(at), c.upload_slice(at, 100000, content[100000:], True)):
            right(a.status in gives, repr(a))
    # the database says the same to whoever asks it in an agent's name
    for role in ("delegate", "expert", "admin", "region", "employer", "visitor", ""):
        seen = w.house.sql("set role enroll_service; select set_config('enroll.role', '%s', false), set_config('enroll.account', '1', false),"
                           " set_config('enroll.agent', '1', false), set_config('enroll.caisses', '595', false), set_config('enroll.file', '%d', false);"
                           " select count(*), (select count(*) from upload_chunk) from upload" % (role, w.person("rosa").file))
        right(seen[-1] == ("0", "0"), "%s sees %s" % (role, seen))
    right(where_is(w, "rosa", at) == (100000, "?0"), "somebody else moved it")


def few_uploads(w):
    """Three unfinished ones of a file; the one that was left longest gives way."""
    content = big_pdf(200000)
    made = [begun(w, "rosa", {"kind": "diploma_extra"}, content).headers["Location"] for _ in range(2)]
    slices(w, "rosa", made[0], content, 0, 100000)
    made += [begun(w, "rosa", {"kind": "diploma_extra"}, content).headers["Location"] for _ in range(2)]
    right([w.house.ask("rosa", "get", m).status for m in made] == [200, 404, 200, 200], "not the one that was left longest")


def uploads_forgotten(w):
    """A day without a slice: gone with what it held, by the pass that forgets; one that goes on stays."""
    content = big_pdf(200000)
    old, new = (begun(w, "rosa", {"kind": "diploma_extra"}, content).headers["Location"] for _ in range(2))
    for at in (old, new):
        slices(w, "rosa", at, content, 0, 100000)
    w.house.sql("update upload set touched_at = enroll_now() - interval '25 hours' where id = %s" % old.rsplit("/", 1)[1])
    w.house.ctl("tick")
    right([w.house.ask("rosa", "get", at).status for at in (old, new)] == [404, 200], "after a day")
    right(w.house.sql("select count(*) from upload_chunk where upload = %s" % old.rsplit("/", 1)[1]) == [("0",)], "its slices are there")


def upload_closed(w):
    """Sent meanwhile: no slice comes in, and a whole upload becomes no piece."""
    content = big_pdf(200000)
    at = begun(w, "rosa", {"kind": "diploma_extra"}, content).headers["Location"]
    slices(w, "rosa", at, content, 0, 100000)
    attach(w, "rosa", [k for k in w.file("rosa")["missing"] if k.startswith("pieces.")])
    a = w.fire("rosa", "submit", "rosa")
    right(a.status == 200, "submit: %r" % a)
    open_ones = w.house.sql("select '/dossiers/' || file || '/envois/' || id, got from upload where piece is null and file = %d" % w.person("rosa").file)
    right((at, "100000") in open_ones, open_ones)
    for at, got in open_ones:
        got = int(got)
        for a in (w.house.ask("rosa", "upload_slice", at, got, content[got:], True), w.house.ask("rosa", "upload_slice", at, got, content[got:got + 70000])):
            right(a.status == 409 and int(a.headers["Upload-Offset"]) == got, repr(a))
    begun(w, "rosa", {"kind": "diploma_extra"}, content, 409)


def rows_move(w):
    """A period taken away takes its proof with it; the others keep theirs."""
    path = "/dossiers/{}/reponses"
    row = answers_of(w.person("cleo"))["experience"][0]
    mine(w, "cleo", "post", path, 200, {"experience": [{**row, "structure": s} for s in "ABC"]})
    for n in range(3):
        send(w, "cleo", 201, {"kind": "experience", "for": "experience[%d]" % n}, pdf("preuve %d" % n), "%d.pdf" % n)
    mine(w, "cleo", "post", path, 200, form=[("experience[%d].%s" % (n, k), v) for n in (1, 2) for k, v in {**row, "structure": "ABC"[n]}.items()])
    right([(p["for"], p["name"]) for p in w.file("cleo")["pieces"] if p["kind"] == "experience"] ==
          [("experience[0]", "1.pdf"), ("experience[1]", "2.pdf")], w.file("cleo")["pieces"])


def typo_then_right(w):
    """What saves while one types: a wrong answer is refused, the rest is saved, and one's own next saving is no other tab's."""
    path, now = "/dossiers/{}/reponses", w.file("cleo")["revision"]
    a = mine(w, "cleo", "post", path, 422, {"revision": now, "rpps": "99900300008", "diploma_place": "Paris"})
    right(w.file("cleo")["answers"]["diploma_place"] == "Paris" and a.json["revision"] == w.file("cleo")["revision"], a.json)
    mine(w, "cleo", "post", path, 409, {"revision": now, "diploma_place": "Lyon"})
    mine(w, "cleo", "post", path, 200, {"revision": a.json["revision"], "diploma_place": "Lyon"})


def locked(w):
    right(send(w, "dora", 409, {"kind": "rib"}).json["status"] == 409, "a piece came into a file that was sent")
    p = w.file("dora")["pieces"][0]["id"]
    right(w.house.ask("dora", "ask", "DELETE", "/dossiers/%d/pieces/%d" % (w.person("dora").file, p)).status == 409, "a piece left")
    try:  # even a program that forgets to ask
        w.house.sql("insert into piece (file, kind, name, type, size, sha256) values (%d, 'rib', '', 'image/png', 1, '')" % w.person("dora").file)
    except Wrong as wrong:
        right("sent already" in str(wrong), wrong)
    else:
        raise Wrong("the database let a piece in")


def unlocked(w):
    page = lambda path: w.house.ask("dora", "get", "/dossiers/%d/etapes/%s" % (w.person("dora").file, path), Accept="text/html").text
    for path, on in (("exercice", 'href="/dossiers/%d#points"' % w.person("dora").file), ("diplome", "Voir les pièces de cette étape</a>"),
                     ("diplome/pieces", "Revenir au dossier</a>")):  # nothing to change there: the way on, no button that saves
        locked = page(path)
        right(on in locked and "Enregistrer et" not in locked and "Envoyer ce fichier" not in locked and "Revenir plus tard" not in locked, path)
    # a page that was open since before it was sent: what it would change is refused, and what is kept is shown
    a = w.house.ask("dora", "post", "/dossiers/%d/etapes/identite" % w.person("dora").file, Accept="text/html",
                    form=[("first_name", "Autreprénom"), ("birth_date.day", "1"), ("birth_date.month", "2"), ("birth_date.year", "1980")])
    kept = answers_of(w.person("dora"))
    right(a.status == 422 and "ne fait pas partie" in a.text and "Autreprénom" not in a.text and kept["first_name"] in a.text
          and "Non renseigné" not in a.text.split('id="birth_date"')[1][:300], repr(a))
    right("Envoyer ce fichier" in page("identite/pieces") and "Revenir plus tard" in page("identite/pieces"), "what was asked for")
    right(code_of(send(w, "dora", 422, {"kind": "rib"}, pdf("autre rib"))) == [("kind", "locked")], "what was not asked for")
    shown = lambda: w.house.ask("dora", "get", "/dossiers/%d" % w.person("dora").file, Accept="text/html").text
    right("Corrigé, à renvoyer" not in shown() and "il reste à renvoyer" not in shown(), "nothing was corrected yet")
    send(w, "dora", 201, {"kind": "identity"}, pdf("nouvelle pièce"))
    right("Corrigé, à renvoyer" in shown() and "il reste à renvoyer le dossier" in shown(), "what was corrected says so")


def one_bad(w):
    send(w, "lise", 201, {"kind": "identity"}, b"%PDF-1.4\n" + b"abc " * 200, "verso flou.pdf")


def one_named(w):
    """Which file, and what is wrong with it: in the letter, on the page, in JSON, beside the place where it is replaced."""
    said = "Le fichier «\u00a0verso flou.pdf\u00a0» ne s’ouvre pas correctement."
    right([i["text"].startswith(said) for i in w.file("lise")["items"]] == [True], w.file("lise")["items"])
    for path in ("", "/etapes/identite/pieces", "/evenements/resubmit"):
        page = w.house.ask("lise", "get", "/dossiers/%d%s" % (w.person("lise").file, path), Accept="text/html").text
        right(page.count(said) == 1, "%s: %s" % (path, re.findall(".*verso flou.*", page)))
    settle(w.house)
    letter = [m for m in mine(w, "lise", "get", "/messages", 200).json["items"] if m["kind"] == "correction"][0]
    told = mine(w, "lise", "get", "/messages/%d" % letter["id"], 200).json["text"]
    right("Pièce d’identité" in told and "l" + said[1:] in told, told)


def one_taken(w):
    """Of two identity files one cannot be read: taking it away corrects the point, as long as one remains."""
    page = lambda: w.house.ask("lise", "get", "/dossiers/%d/evenements/resubmit" % w.person("lise").file, Accept="text/html").text
    sends = lambda gives: fires("lise", "resubmit", "lise", gives).do(w)
    good, bad = (p["id"] for p in w.file("lise")["pieces"] if p["kind"] == "identity")
    right("Corrigé</strong>" not in page(), "nothing changed yet")
    sends(422)
    mine(w, "lise", "post", "/dossiers/{}/pieces/%d/supprimer" % bad, 200)
    right("Corrigé</strong>" in page(), "the bad file is gone")
    mine(w, "lise", "post", "/dossiers/{}/pieces/%d/supprimer" % good, 200)
    right(("pieces.identity", "piece_missing") in code_of(w.fire("lise", "resubmit", "lise")), "none remains")
    send(w, "lise", 201, {"kind": "identity"})
    extra = send(w, "lise", 201, {"kind": "identity"}, pdf("un de trop")).json["id"]
    mine(w, "lise", "post", "/dossiers/{}/pieces/%d/supprimer" % extra, 200)
    sends(200)


def gently(w):
    """A step left blank lets one go on, and says what it lacks; a step that lacks nothing says nothing."""
    path = "/dossiers/%d/etapes/" % w.person("olga").file
    a = w.house.ask("olga", "post", path + "inscription", form={"rpps": "", "adeli": "", "name_note": ""}, Accept="text/html")
    right(a.status == 303 and a.headers["location"].endswith("/etapes/exercice?avant=inscription"), "%r %s" % (a, a.headers))
    page = w.house.ask("olga", "get", a.headers["location"], Accept="text/html").text
    told = re.search('id="manque".*?</div>', page, re.S)
    right(told and "Numéro RPPS" in told.group(0) and path + "inscription#rpps" in told.group(0), page[:400])
    a = w.house.ask("olga", "post", path + "inscription", form={"rpps": rpps(4242), "adeli": "", "name_note": ""}, Accept="text/html")
    right(a.status == 303 and a.headers["location"].endswith("/etapes/exercice"), "%s" % a.headers)
    right('id="manque"' not in w.house.ask("olga", "get", path + "exercice?avant=inscription", Accept="text/html").text, "it lacks nothing")
    page = w.house.ask("olga", "get", "/dossiers/%d" % w.person("olga").file, Accept="text/html").text
    right("Personne ne l’a ouverte" not in page, "who would open the pieces of a draft?")
    right(re.search(r'id="etat-inscription">Complet', page), "its state is not in the list of steps")


def holder(w):
    """An account in another's name: a remark beside it, no refusal; the employer's is no other's."""
    file = "/dossiers/%d" % w.person("olga").file
    last = w.file("olga")["answers"]["last_name"]
    for typed, employer, told in (("SCI des Lilas", None, True), ("M. ou Mme %s" % last.upper(), None, False), ("CENTRE DE SANTE D'ESSAI", "Centre de santé d’Essai", False)):
        if employer:
            mine(w, "olga", "post", file + "/reponses", 200, {"practice_mode": "both", "employer_name": employer})
        a = w.house.ask("olga", "post", file + "/etapes/banque", form={"iban_holder": typed, "iban": iban(7777), "bic": "AGRIFRPP"}, Accept="text/html")
        right(a.status == 303, "%r" % a)
        for page in ("/etapes/banque", "/etapes/banque/pieces"):
            right(('id="autre-titulaire"' in w.house.ask("olga", "get", file + page, Accept="text/html").text) == told, "%s on %s" % (typed, page))


def too_little(w):
    """Three years that are not there are told before it is sent, with the way to them."""
    file = "/dossiers/%d" % w.person("olga").file
    resume = lambda: w.house.ask("olga", "get", file + "/resume", Accept="text/html").text
    rows = w.file("olga")["answers"]["experience"]
    right("Vos périodes comptent" not in resume(), "enough, and a remark all the same")
    short = {**rows[0], "to": rows[0]["from"][:4] + "-12-31"}
    mine(w, "olga", "post", file + "/reponses", 200, {"experience": [short]})
    said = re.search('id="a-verifier".*?href="%s/etapes/([a-z]+)[^"]*">Vos périodes comptent ([0-9]+) jours' % file, resume(), re.S)
    right(said and said.group(1) == "experience" and int(said.group(2)) == w.file("olga")["experience"]["days"], said)
    mine(w, "olga", "post", file + "/reponses", 200, {"experience": rows})


def unlike(w):
    """A postcode that the commune does not have is said beside it, once; what is meant goes on. CEDEX and what nobody knows pass."""
    file = "/dossiers/%d" % w.person("olga").file
    page = lambda path: w.house.ask("olga", "get", file + path, Accept="text/html").text
    given = {k: w.file("olga")["answers"][k] or "" for k in ("practice_mode", "address_street")}

    def give(postcode, commune, told, path="/etapes/exercice", kept=None):
        a = w.house.ask("olga", "post", file + path, form={**given, "address_postcode": postcode, "address_commune": commune}, Accept="text/html")
        said = re.search('id="address_postcode-error".*?</p>', a.text, re.S)
        right((a.status, bool(said)) == ((422, True) if told else (303, False)), "%s %s: %d %s" % (postcode, commune, a.status, said and said.group(0)))
        now = w.file("olga")["answers"]
        right((now["address_postcode"], now["address_commune"]) == (postcode, kept or commune), now)
        return a
    give("59000", "59350", False)
    mine(w, "olga", "post", file + "/reponses", 200, {"address_postcode": "75011"})  # as a page saves while one types
    a = give("75011", "59350", True)
    right("Lille (59000, 59160, 59260…) n’a pas le code postal 75011." in a.text and 'value="59350" checked' in a.text, "%d %s" % (a.status, re.findall("address_[a-z]+-error.*", a.text)))
    right("Lille (59000, 59160, 59260…) n’a pas le code postal 75011." in page("/etapes/exercice"), "the page of the step does not say it")
    right(re.search('id="a-verifier".*href="%s/etapes/exercice#address_postcode"' % file, page("/resume"), re.S), "nor the summary, with the way to it")
    give("75012", "59350", True, re.search('action="%s(/etapes/exercice[^"]*)"' % file, a.text).group(1))
    give("75011", "59350", False, re.search('action="%s(/etapes/exercice[^"]*)"' % file, a.text).group(1))
    for postcode, commune in (("59037", "59350"), ("59000", "59998"), ("97133", "97701"), ("59800", "59350")):
        give(postcode, commune, False)
    right("a-verifier" not in page("/resume"), "nothing is to be checked")
    a = w.house.ask("olga", "post", file + "/etapes/exercice", form={**given, "address_postcode": "59047", "address_commune": ""}, Accept="text/html")
    right(a.status == 422 and "CEDEX" in a.text, "%d %s" % (a.status, a.text))
    give("59047", "lille", False, kept="59350")
    for typed in ("59 000", "59\u00a0000", "59\u202f000"):  # as people write it, as a telephone fills it in
        for commune in ("", "Lille"):
            a = w.house.ask("olga", "post", file + "/etapes/exercice", form={**given, "address_postcode": typed, "address_commune": commune}, Accept="text/html")
            now = w.file("olga")["answers"]
            right((a.status, now["address_postcode"], now["address_commune"]) == (303, "59000", "59350"), "%r, %r: %d %s" % (typed, commune, a.status, now))
    give("59000", "59350", False)


def row_more(w):
    """A period is added by a page of its own address, with what was typed saved; what is wrong comes back as it was typed."""
    path = "/dossiers/%d/etapes/experience" % w.person("olga").file
    rows = w.file("olga")["answers"]["experience"]
    page = lambda at: w.house.ask("olga", "get", at, Accept="text/html").text
    typed = {"experience[0].from": "2014-01-01", "experience[0].structure": "Centre typé", "experience[1].structure": "", "add_row": "experience"}
    a = w.house.ask("olga", "post", path, form=typed, Accept="text/html")
    right(a.status == 303 and a.headers["location"] == path + "?lignes=3", "%r %s" % (a, a.headers))
    shown = page(a.headers["location"])
    right("Centre typé" in shown and shown.count("msp-row\">") == 3 and 'name="experience[2].structure"' in shown, "three rows")
    right(page(path).count("msp-row\">") == len(rows) == 1, "an empty row is not kept")
    for odd in ("0", "-1", "x", "99999999999"):
        right(page(path + "?lignes=" + odd).count("msp-row\">") == 1, odd)
    a = w.house.ask("olga", "post", path, form={**typed, "experience[0].from": "31/02/2014"}, Accept="text/html")
    right(a.status == 200 and 'value="31"' in a.text and 'name="experience[2].structure"' in a.text, "%d" % a.status)
    right(w.file("olga")["answers"]["experience"][0]["from"] == "2014-01-01", "what is wrong is not saved")
    mine(w, "olga", "post", "/dossiers/{}/reponses", 200, {"experience": rows})


def too_young(w):
    """A diploma before fifteen is told at its own step: the birth date is on another."""
    path = "/dossiers/%d/etapes/diplome" % w.person("olga").file
    given = {"diploma_kind": "master", "diploma_place": "Lille"}
    a = w.house.ask("olga", "post", path, form={**given, "diploma_date": "30/06/1990"}, Accept="text/html")
    right(a.status == 422 and "vient avant vos 15 ans" in a.text and "1990" in a.text, "%d" % a.status)
    a = w.house.ask("olga", "post", path, form={**given, "diploma_date": "30/06/2012"}, Accept="text/html")
    right(a.status == 303, "%r" % a)


def half_proven(w):
    """Of two periods, one is without its proof: said on the page of its step, on the next one, in the list of steps and in the summary."""
    file = "/dossiers/%d" % w.person("vera").file
    page = lambda path: w.house.ask("vera", "get", file + path, Accept="text/html").text
    row = answers_of(w.person("vera"))["experience"][0]
    mine(w, "vera", "post", file + "/reponses", 200, form=[("experience[]", "")])
    right("décrivez d’abord vos périodes" in page("/etapes/experience/pieces"), "a page of pieces without a place says nothing")
    right(re.search("Vous n’avez pas encore répondu.*etapes/experience", page("/resume")), "an empty step says nothing in the summary")
    mine(w, "vera", "post", file + "/reponses", 200, {"experience": [row, {**row, "structure": "Cabinet"}]})
    right('id="pieces-manquantes"' not in page("/etapes/experience/pieces"), "nothing was given yet, nothing is forgotten")
    send(w, "vera", 201, {"kind": "experience", "for": "experience[0]"})
    where = file + "/etapes/experience/pieces"
    link = 'href="%s#piece-experience-1">Justificatif de la période 2<' % where
    here = page("/etapes/experience/pieces")
    told = re.search('id="pieces-manquantes".*?</div>', here, re.S)
    right(told and link in told.group(0) and told.group(0).count("<li>") == 1, told and told.group(0))
    slots = re.findall(r'id="(piece-experience-\d)".*?</h2>(.*?)</form>', here, re.S)
    right([(i, "À joindre" in text) for i, text in slots] == [("piece-experience-0", False), ("piece-experience-1", True)], slots)
    after = re.search(r'href="(%s[^"]*avant=experience)"' % file, here)
    right(after and link in w.house.ask("vera", "get", after.group(1), Accept="text/html").text, "the next page says nothing")
    right(link in page("/resume"), "the summary says nothing")
    right('href="%s"' % where in page(""), "the list of steps does not lead there")
    send(w, "vera", 201, {"kind": "experience", "for": "experience[1]"})
    right('id="pieces-manquantes"' not in page("/etapes/experience/pieces") and link not in page("/resume"), "still said")


scenario("the form, step by step", [
    drafts("olga"),
    holds("a blank step says what it lacks, and blocks nothing", gently),
    holds("an account in another's name is remarked", holder),
    holds("a postcode that is not its commune's is remarked, once", unlike),
    holds("too little experience is told before it is sent", too_little),
    holds("a period is added by a page that one may come Back to", row_more),
    holds("a diploma before fifteen is told at its step", too_young),
    drafts("vera", pieces=False),
    holds("of two periods, the one without its proof is told wherever one looks", half_proven),
])

scenario("pieces in slices", [
    drafts("rosa", pieces=False),
    holds("ten megabytes cut at every stage, and by SIGKILL, are resumed where they were, and come back byte for byte", resumed),
    holds("slices are sealed, each in its place", sealed_slices),
    holds("what another completion ended meanwhile is answered with that one's piece", completed_between),
    holds("an upload that begins as its draft goes, or its person signs out, is told so", begun_between),
    holds("two that start a file at once get the same one", started_between),
    holds("a piece that is erased while it is read is told to be erased", erased_between),
    holds("what is too large, out of place or of another kind is refused, and of two at once one loses clearly", slices_refused),
    holds("an upload is its person's alone: another's is not there, agents see none", upload_is_mine),
    holds("a file has three unfinished uploads at most", few_uploads),
    holds("an upload that nobody touched for a day is forgotten", uploads_forgotten),
    holds("once its file is sent an upload is closed", upload_closed),
])

scenario("pieces", [
    drafts("bea", pieces=False),
    holds("in, out, replaced, refused beside their field", pieces),
    holds("another person's pieces do not exist", not_mine),
    holds("a piece is taken away once", away),
    holds("a file holds 40 at most", forty),
    drafts("cleo", pieces=False),
    holds("a period's proof follows it", rows_move),
    holds("a typo while it saves by itself makes no other tab", typo_then_right),
    applies("dora"),
    state("dora", "in_review"),
    holds("a file that was sent is closed", locked),
    fires("lea", "claim", "dora"),
    fires("lea", "ask_correction", "dora", items=[{"piece": "identity", "code": "piece_unreadable", "text": "Le verso est flou."}]),
    state("dora", "correction"),
    holds("a correction opens what it asks for, nothing else", unlocked),
    drafts("lise"),
    holds("a second identity file cannot be read", one_bad),
    submits("lise"),
    state("lise", "correction"),
    holds("the letter and the pages name the file that cannot be read", one_named),
    holds("taking the bad file away corrects the point", one_taken),
    state("lise", "in_review"),
])


# ---- messages, codes, profile --------------------------------------------------------------------------------------------

def given_again(w):
    right(mine(w, "emma", "post", "/dossiers", 200).json["id"] == w.person("emma").file, "a second file was begun")


def inbox(w):
    settle(w.house)
    a = mine(w, "emma", "get", "/messages", 200).json
    right(a["total"] == len(a["items"]) and a["unread"] == a["total"], a)
    first = a["items"][-1]
    right(first["kind"] == "receipt" and first["file"] == w.person("emma").file, first)
    one = mine(w, "emma", "get", "/messages/%d" % first["id"], 200).json
    right(first["subject"] == one["subject"] and w.person("emma").name.capitalize() in one["text"], one)
    after = mine(w, "emma", "get", "/messages", 200).json
    right([m["opened_at"] for m in after["items"] if m["id"] == first["id"]] != [None], "it is still unread")
    right(after["unread"] == after["total"] - 1, after)
    w.house.account("zoe")
    right(w.house.ask("zoe", "get", "/messages/%d" % first["id"]).status == 404, "another person reads it")


def opening_notifies(w):
    """Opening the letter of a decision is its notification."""
    known = "select notified_at is not null from file where id = %d" % w.person("emma").file
    right(w.house.sql(known) == [("f",)], "notified before it was opened")
    settle(w.house)
    letter = [m for m in mine(w, "emma", "get", "/messages", 200).json["items"] if m["kind"] == "refusal"][0]
    mine(w, "emma", "get", "/messages/%d" % letter["id"], 200)
    right(w.house.sql(known) == [("t",)], "opened, and not notified")


def codes(w):
    mine(w, "fanny", "post", "/dossiers/{}/code", 200)
    old = w.house.mail.wait(mail_of("fanny"), r"(?<![-\d])(\d{6})(?![-\d])")
    before = len(w.house.mail.to(mail_of("fanny")))
    mine(w, "fanny", "post", "/dossiers/{}/code", 200)
    new = w.house.mail.wait(mail_of("fanny"), r"(?<![-\d])(\d{6})(?![-\d])", before)
    settle(w.house)
    text = str([mine(w, "fanny", "get", "/messages/%d" % m["id"], 200).json for m in mine(w, "fanny", "get", "/messages", 200).json["items"]])
    right(old not in text and new not in text, "a code stands in the inbox of the session it protects")
    if old != new:
        right(w.fire("fanny", "sign", "fanny", {"code": old}).status == 422, "an old code signs")
    for _ in range(4):
        right(w.fire("fanny", "sign", "fanny", {"code": "000000" if new != "000000" else "111111"}).status == 422, "any code signs")
    right(w.fire("fanny", "sign", "fanny", {"code": new}).status == 422, "a code can be guessed more than 5 times")
    mine(w, "fanny", "post", "/dossiers/{}/code", 200)
    for _ in range(3):
        mine(w, "fanny", "post", "/dossiers/{}/code", 200)
    mine(w, "fanny", "post", "/dossiers/{}/code", 429)
    w.house.move(minutes=61)
    before = len(w.house.mail.to(mail_of("fanny")))
    mine(w, "fanny", "post", "/dossiers/{}/code", 200)
    late = w.house.mail.wait(mail_of("fanny"), r"(?<![-\d])(\d{6})(?![-\d])", before)
    w.house.move(minutes=11)
    right(w.fire("fanny", "sign", "fanny", {"code": late}).status == 422, "a code of 11 minutes signs")


def profile(w):
    mine(w, "emma", "get", "/dossiers/{}/profil", 404)
    a = mine(w, "fanny", "get", "/dossiers/{}/profil", 200).json
    right(a["published"] and a["public"] == ["adults", "teens"], a)
    a = mine(w, "fanny", "post", "/dossiers/{}/profil", 200, {"languages": ["breton"], "show_phone": True, "unavailable_until": "2099-01-31"}).json
    right(a["languages"] == ["breton"] and a["unavailable_until"] == "2099-01-31" and a["public"] == ["adults", "teens"], a)
    found = listed(w, "commune=59350&langue=breton", lambda items: items and "Fanny" in items[0]["name"])["items"]
    page = w.house.client().get("/annuaire?commune=59350", Accept="text/html").text
    right(re.search(r'tel:0612345678">06.12.34.56.78<', page), re.findall("tel:.*", page))
    right( not found[0]["available"] and found[0].get("phone"), found)
    a = mine(w, "fanny", "post", "/dossiers/{}/profil", 422, {"website": "pas un site", "public": []})
    right({f for f, _ in code_of(a)} >= {"website"}, a)
    w.house.move(days=40)
    a = mine(w, "fanny", "post", "/dossiers/{}/profil", 200, {"confirm": True}).json
    right(a["confirmed_on"] == today(w) and a["languages"] == ["breton"], a)
    right(w.house.ask("emma", "post", "/dossiers/%d/profil" % w.person("fanny").file, {"confirm": True}).status == 404, "another person's")


scenario("messages, codes, profile", [
    applies("emma"),
    state("emma", "in_review"),
    holds("who has an open file is given it again, not a second one", given_again),
    holds("the inbox is theirs, and counts what is unread", inbox),
    fires("lea", "claim", "emma"),
    fires("lea", "refuse", "emma", reasons=["bank_mismatch"], text="Le RIB est à un autre nom."),
    holds("opening the letter notifies", opening_notifies),
    applies("fanny"),
    state("fanny", "in_review"),
    approves("lea", "fanny"),
    holds("codes are one at a time, five guesses, six an hour, 10 minutes", codes),
    days_pass(1),
    signs("fanny"),
    countersigns("lea", "fanny"),
    state("fanny", "conventioned"),
    holds("the profile reaches the directory at once", profile),
])

run()
