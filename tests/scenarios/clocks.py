#!/usr/bin/env python3
"""Every deadline, by moving the clock. Their own house: time never goes back."""
from lib import *


@command("{by} warns, states findings and suspends {name}, 30 days apart")
def suspends(w, by, name):
    house = w.house
    refused_early = w.fire(by, "state_findings", name, {"text": "Constats."})
    right(refused_early.status == 422, "findings without a warning: %r" % refused_early)
    right(w.fire(by, "warn", name, {"text": "Avertissement."}).status == 200, "warn")
    right(w.fire(by, "state_findings", name, {"text": "Constats."}).status == 422, "findings on the same day")
    house.move(days=31)
    right(w.fire(by, "state_findings", name, {"text": "Constats."}).status == 200, "findings")
    until = house.today(31 + 40).isoformat()
    right(w.fire(by, "suspend", name, {"text": "Motif.", "until": until}).status == 422, "suspended on the same day")
    house.move(days=31)
    a = w.fire(by, "suspend", name, {"text": "Motif.", "until": until})
    right(a.status == 200, "suspend: %r" % a)
    house.registry()


def last_day(w):
    """The running year ends on the eve of the anniversary, in the letter as on the page."""
    first = datetime.date.fromisoformat(str(w.house.sql("select effective_date from file where id = %d" % w.person("hana").file)[0][0]))
    eve = first.replace(year=first.year + 2) - datetime.timedelta(days=1)
    said = w.house.mail.wait(mail_of("hana"), r"tacitement pour un an.*?jusqu’au ([0-9a-zéû\s]+?)\.").split()
    right(said == french(eve).split(), "%s, not %s" % (said, eve))


@command("{by} states findings twice, suspends {name} with the first and excludes with the second")
def two_findings(w, by, name):
    house = w.house

    def fires_now(event, status, **body):
        a = w.fire(by, event, name, {"text": "Motif.", **body})
        right(a.status == status, "%s: %r" % (event, a))
    def page(who):
        return w.house.ask(who, "get", "/dossiers/%d" % w.person(name).file, Accept="text/html").text
    fires_now("warn", 200)
    right("Adresser un relevé de constatations\u00a0: " in page(by) and "Possible dès le " + french(house.today(30)) in page(by), "the day of findings is not told")
    house.move(days=31)
    fires_now("state_findings", 200)
    w.file(name)  # signs in again
    right("Possible dès le " + french(house.today(30)) in page(by) and "une mesure dès le " + french(house.today(30)) in page(by), "the day of a measure is not told")
    right("n’est possible avant le " + french(house.today(30)) in page(name), "nor to the psychologist")
    fires_now("warn", 200)
    house.move(days=31)
    fires_now("state_findings", 200)
    fires_now("suspend", 200, until=house.today(90).isoformat())
    fires_now("exclude", 422)  # the second findings are of today
    house.move(days=31)
    fires_now("exclude", 200)


def excluded_before(w):
    page = w.house.ask("lea", "get", "/dossiers/%d" % w.person("lola").file, Accept="text/html").text
    first = w.house.sql("select min(number) from file where account = (select id from account where email = '%s')" % mail_of("lola"))[0][0]
    right(re.search(r"Dossier précédent de cette personne.*>%s</a>, Convention terminée .*Exclusion" % first, page), re.findall("Dossier précédent.*", page))


scenario("each findings serve once, also for who is suspended", [
    conventioned("lola"), two_findings("lea", "lola"), state("lola", "ended"),
    applies("lola"), state("lola", "in_review"),
    holds("who was excluded and applies again is told to the caisse", excluded_before),
])

scenario("nobody answered who proposed: whoever proposed may judge the appeal", [
    applies("milo", registry={"last_name": "AUTRENOM"}), state("milo", "expert_review"),
    fires("eva", "propose_ineligible", "milo", reasons=["identity_mismatch"], text="Pas établie."),
    days_pass(125, fired=[("milo", "lapse")]), state("milo", "refused"),
    fires("milo", "appeal", "milo", text="Personne ne m'a répondu."),
    fires("eva", "uphold", "milo", text="Après examen, non."), state("milo", "refused"),
])

scenario("a correction that never comes", [
    applies("anna", registry={"profession": "72"}), state("anna", "correction"),
    days_pass(29), state("anna", "correction"),
    days_pass(3, fired=[("anna", "lapse")]), state("anna", "closed"),
])

scenario("a signature that never comes", [
    applies("bea"), state("bea", "in_review"), approves("lea", "bea"),
    days_pass(58), state("bea", "to_sign"),
    days_pass(4, fired=[("bea", "lapse")]), state("bea", "closed"),
])

scenario("four months without an answer are a refusal that can be appealed", [
    applies("cleo", registry={"last_name": "AUTRENOM"}), state("cleo", "expert_review"),
    days_pass(100), state("cleo", "expert_review"),
    days_pass(25, fired=[("cleo", "lapse")]), state("cleo", "refused"),
    fires("cleo", "appeal", "cleo", text="Personne ne m'a répondu."), state("cleo", "appealed"),
    days_pass(64, fired=[("cleo", "lapse")]), state("cleo", "refused"),
    holds("the letter tells of the appeal, not of the four months", letter("cleo", r"votre recours est réputé rejeté")),
    refused("cleo", "appeal", "cleo", 422, text="Encore."),
])

def presumed_notified(w):
    """Nobody opened the decision for 20 days: the limit runs from the 15th day, on the page as for the appeal itself."""
    decided = datetime.datetime.fromisoformat(w.house.sql("select decided_at at time zone 'Europe/Paris' from file where id = %d" % w.person("dora").file)[0][0])
    w.file("dora")  # signs in again: opening it now comes too late to move the day
    page = w.house.ask("dora", "get", "/dossiers/%d" % w.person("dora").file, Accept="text/html").text
    wanted = "La vôtre l’est depuis le " + french(decided + datetime.timedelta(days=15))
    right("réputée l’être 15 jours après son envoi" in page and wanted in page, "no %r in %s" % (wanted, re.findall("Pour quand.*", page)))


scenario("an appeal that comes too late", [
    applies("dora"), state("dora", "in_review"), fires("lea", "claim", "dora"),
    fires("lea", "refuse", "dora", reasons=["other"], text="Motif."),
    days_pass(20), holds("unopened, it counts as notified after 15 days", presumed_notified),
    days_pass(70), refused("dora", "appeal", "dora", 422, text="Trop tard."),
])

scenario("resigned, and two months later ended", [
    conventioned("edith"), directory("edith"),
    fires("edith", "resign", "edith"), state("edith", "leaving"), directory("edith"),
    days_pass(28), holds("identity paper and health card are there", lambda w: proofs(w, "edith", "diploma", "identity", "rights")),
    days_pass(3), holds("30 days after the countersignature they are gone", lambda w: proofs(w, "edith", "diploma")),
    state("edith", "leaving"), directory("edith"),
    days_pass(26), state("edith", "leaving"),
    days_pass(6, fired=[("edith", "lapse")]), state("edith", "ended"), directory("edith", there=False),
])

scenario("suspended, and reinstated by the clock", [
    conventioned("flora"), directory("flora"),
    suspends("lea", "flora"), state("flora", "suspended"), directory("flora", there=False),
    days_pass(45, fired=[("flora", "reinstate")]), state("flora", "conventioned"), directory("flora"),
])

scenario("suspended, and reinstated by the delegate", [
    conventioned("gina"), suspends("lea", "gina"), state("gina", "suspended"),
    fires("lea", "reinstate", "gina"), state("gina", "conventioned"), directory("gina"),
])

scenario("renewed after a year", [
    conventioned("hana"),
    days_pass(362), state("hana", "conventioned"),
    days_pass(8, fired=[("hana", "renew")]), state("hana", "conventioned"),
    holds("the letter names the last day of the new year", last_day),
])

scenario("a claim that sleeps is taken over", [
    applies("ines"), state("ines", "in_review"), fires("lea", "claim", "ines"),
    refused("marc", "take_over", "ines", 422),
    days_pass(10), fires("marc", "take_over", "ines"),
])


EVIDENCE = "select count(*), count(evidence), count(nullif(evidence_hash, '')), count(nullif(reason, '')) from check_result where file = %d"


def proofs(w, name, *kinds):
    """Whose content is still there of the three kinds that matter here."""
    rows = w.house.sql("select distinct p.kind from piece p join piece_chunk c on c.piece = p.id where p.file = %d"
                       " and p.kind in ('identity', 'rights', 'diploma') order by 1" % w.person(name).file)
    right([r[0] for r in rows] == sorted(kinds), "%s" % rows)


def erased(w):
    a = w.file("judith")
    right(a["checks"] and all(c["evidence"] is None and c["result"] and c["reason"] for c in a["checks"]), "%s" % a["checks"])
    n, left, hashes, reasons = map(int, w.house.sql(EVIDENCE % w.person("judith").file)[0])
    right(left == 0 and n == hashes == reasons > 0, "checks: %d, evidence %d, hashes %d, reasons %d" % (n, left, hashes, reasons))
    got = [w.house.ask("judith", "get", "/dossiers/%d/pieces/%d" % (w.person("judith").file, p["id"]), Accept="application/pdf").status
           for p in a["pieces"]]
    right(200 not in got, "pieces still open: %s" % got)


def backs_up(name):
    return lambda w: w.house.ctl("backup", os.path.join(w.house.out, name)) and None


def erased_again(w):
    """A backup from before the erasing, told what was erased since: the erased is erased there too."""
    with Restored(w.house, os.path.join(w.house.out, "before"), "--purges", os.path.join(w.house.out, "after", "purges.txt")) as other:
        other.ctl("invariants")
        said = other.ctl("audit", "verify", "--json")
        right(jsonlib.loads(said)["erased"] > 0, "nothing was erased: " + said)
        f = other.file(w.person("judith").file, "lea", 60).json
        right(f["checks"] and all(c["evidence"] is None for c in f["checks"]), "%s" % f["checks"])


scenario("what was withdrawn is erased after six months, and its history still verifies", [
    applies("judith"), state("judith", "in_review"), fires("judith", "withdraw", "judith", text="Je renonce pour raison personnelle."),
    holds("a backup is made", backs_up("before")),
    days_pass(150), days_pass(60),
    holds("no piece can be read any more", erased),
    holds("another backup is made", backs_up("after")),
    holds("the first one, restored, has it erased again", erased_again),
])


def gone(w):
    a = w.house.ask("kim", "get", "/dossiers/%d" % w.person("kim").file)
    right(a.status == 404, "%r" % a)


scenario("a draft that nobody touches", [
    drafts("kim"), days_pass(80), state("kim", "draft"), days_pass(15), holds("it is gone", gone),
])

if __name__ == "__main__":
    run()
