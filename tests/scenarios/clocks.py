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
    until = (house.now() + datetime.timedelta(days=31 + 40)).date().isoformat()
    right(w.fire(by, "suspend", name, {"text": "Motif.", "until": until}).status == 422, "suspended on the same day")
    house.move(days=31)
    a = w.fire(by, "suspend", name, {"text": "Motif.", "until": until})
    right(a.status == 200, "suspend: %r" % a)
    house.registry()


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
    refused("cleo", "appeal", "cleo", 422, text="Encore."),
])

def presumed_notified(w):
    """Nobody opened the decision for 20 days: the limit runs from the 15th day, on the page as for the appeal itself."""
    decided = datetime.datetime.fromisoformat(w.house.sql("select decided_at at time zone 'UTC' from file where id = %d" % w.person("dora").file)[0][0])
    w.file("dora")  # signs in again: opening it now comes too late to move the day
    page = w.house.ask("dora", "get", "/dossiers/%d" % w.person("dora").file, Accept="text/html").text
    day = decided + datetime.timedelta(days=15, hours=1)
    months = ["janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"]
    wanted = "La vôtre l’est depuis le %s\u00a0%s\u00a0%d" % ("1er" if day.day == 1 else day.day, months[day.month - 1], day.year)
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
    days_pass(57), state("edith", "leaving"),
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
])

scenario("a claim that sleeps is taken over", [
    applies("ines"), state("ines", "in_review"), fires("lea", "claim", "ines"),
    refused("marc", "take_over", "ines", 422),
    days_pass(10), fires("marc", "take_over", "ines"),
])


def erased(w):
    a = w.file("judith")
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
