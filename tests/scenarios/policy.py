#!/usr/bin/env python3
"""What an operator decides otherwise, while the service runs. Their own house: others are judged by the defaults."""
from lib import *


def listed(w):
    return {p["name"]: p for p in jsonlib.loads(w.house.ctl("policy", "--json"))}


def defaults(w):
    rows = listed(w)
    said = w.house.ctl("policy")
    right(len(rows) == 10 and all(p["value"] == p["default"] and p["since"] is None for p in rows.values()), "%s" % rows)
    right(rows["correction_days"]["value"] == 30 and rows["two_experts"]["value"] == 1, "%s" % rows)
    right(all(name in said and p["what"] in said for name, p in rows.items()), said)


def refusals(w):
    """1, with a sentence in the language of commands, and nothing is changed."""
    for name, value, wanted in (("correction_days", "0", "correction_days is a number from 1 to 365, not 0$"),
                                ("correction_days", "-3", "not -3$"), ("correction_days", "366", "not 366$"),
                                ("correction_days", "dix", "not dix$"), ("correction_days", "99999999999999999999", "not 9"),
                                ("two_experts", "2", "from 0 to 1, not 2$"), ("convention_years", "0", "from 1 to 10"),
                                ("appeal_months", "3", "there is no policy appeal_months")):
        p = subprocess.run([w.house.enrollctl, "policy", "set", name, value], env=w.house.environment, capture_output=True, text=True)
        right(p.returncode == 1 and re.search(wanted, p.stderr, re.M) and not p.stdout, "%s %s: %d %s" % (name, value, p.returncode, p.stderr))
    p = subprocess.run([w.house.enrollctl, "policy", "set", "sign_days"], env=w.house.environment, capture_output=True, text=True)
    right(p.returncode == 2 and "usage: enrollctl policy set NAME VALUE" in p.stderr, "%d %s" % (p.returncode, p.stderr))
    defaults(w)


@command("the operator sets {name} to {value}")
def sets(w, name, value):
    before = listed(w)[name]["value"]
    said = jsonlib.loads(w.house.ctl("policy", "set", name, str(value), "--json"))
    right(said == {"name": name, "value": value, "was": before}, "%s" % said)
    row = listed(w)[name]
    right(row["value"] == value and row["since"] and row["by"], "%s" % row)
    until = time.monotonic() + 20
    while True:
        with open(w.house.log, encoding="utf-8", errors="replace") as f:
            said = [e for e in map(jsonlib.loads, (line for line in f if line.startswith("{"))) if e["event"] == "policy.now" and e["name"] == name]
        if said and said[-1]["value"] == str(value):
            return
        right(time.monotonic() < until, "the service does not know")
        time.sleep(0.1)


@command("{by} asks {name} to correct {field}")
def asks(w, by, name, field):
    a = w.fire(by, "ask_correction", name, {"items": [{"field": field, "code": "other", "text": "Corrigez ce point."}]})
    right(a.status == 200, "%r" % a)


def deadline_in(name, days):
    """At the end of that day in Paris, as the trigger wrote it."""
    def fact(w):
        found = w.house.sql("select paris_day(deadline - interval '1 second') - paris_day(state_since) from file where id = %d" % w.person(name).file)
        return found == [(str(days),)] or "%s" % found
    return fact


def reminded(name, days):
    """Of days that it was given; fourteen of ten is nothing to be told."""
    def fact(w):
        found = w.house.sql("select kind from notice where file = %d and kind like 'reminder:%%' order by id" % w.person(name).file)
        return {kind for kind, in found} == {"reminder:%d" % n for n in days} or "%s" % found
    return fact


def nobody_waits(w):
    right(w.house.sql("select count(*) from event where file = %d and event in ('confirm_ineligible', 'object')" % w.person("dan").file) == [("0",)],
          "a second expert was there")


scenario("the policies are those of the domain, and nothing senseless takes their place", [
    holds("each has its default", defaults), holds("what is wrong is refused with a sentence", refusals),
])

scenario("a correction has the days that the policy gives when it is asked", [
    applies("anna"), state("anna", "in_review"), fires("lea", "claim", "anna"), asks("lea", "anna", "phone"),
    holds("thirty days", deadline_in("anna", 30)),
    applies("bea"), state("bea", "in_review"), fires("lea", "claim", "bea"),
    sets("correction_days", 10),
    asks("lea", "bea", "phone"),
    holds("ten days", deadline_in("bea", 10)),
    holds("what was fixed before stays", deadline_in("anna", 30)),
    days_pass(1), holds("no reminder yet", reminded("bea", [])),
    days_pass(2), holds("reminded a week before", reminded("bea", [7])),
    days_pass(6), state("bea", "correction"),
    days_pass(2, fired=[("bea", "lapse")]), state("bea", "closed"), state("anna", "correction"),
])

REASONS = {"reasons": ["identity_mismatch"], "text": "Motif de l'expert."}

scenario("an expert decides alone where the policy of two is off", [
    applies("cleo", registry={"last_name": "AUTRENOM"}), state("cleo", "expert_review"),
    fires("eva", "propose_ineligible", "cleo", **REASONS), state("cleo", "expert_review"),
    sets("two_experts", 0),
    applies("dan", registry={"last_name": "AUTRENOM"}), state("dan", "expert_review"),
    fires("eva", "propose_ineligible", "dan", **REASONS), state("dan", "refused"),
    holds("nobody confirmed it", nobody_waits),
    sets("two_experts", 1),
    applies("ed", registry={"last_name": "AUTRENOM"}), state("ed", "expert_review"),
    fires("eva", "propose_ineligible", "ed", **REASONS), state("ed", "expert_review"),
    fires("emile", "confirm_ineligible", "ed", text="Je confirme."), state("ed", "refused"),
])

if __name__ == "__main__":
    run()
