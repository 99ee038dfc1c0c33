#!/usr/bin/env python3
"""The demonstration, and the journey of README.md as anyone would paste it."""
import re

from lib import *


def journey(w):
    text = open(os.path.join(ROOT, "README.md"), encoding="utf-8").read()
    script = re.search(r"<!-- journey -->\n```sh\n(.*?)```", text, re.S).group(1)
    p = subprocess.run(["bash", "-c", script.replace("build/enrollctl", w.house.enrollctl)], text=True, timeout=180,
                       capture_output=True, cwd=w.house.out, env={**w.house.environment, "HOUSE": w.house.home,
                                                                  "PUBLIC": "https://localhost:%d" % w.house.port,
                                                                  "AGENTS": "https://localhost:%d" % w.house.agent_port})
    said = p.stdout.split("\n")
    wanted = ["submitted", "in_review", "to_sign", "to_countersign", "conventioned"]
    right(p.returncode == 0, "%s\n%s" % (p.stdout, p.stderr))
    right([line for line in said if line in wanted] == wanted, p.stdout)
    right("Marie Nouvelle" in said, "not in the directory: " + p.stdout)
    right("good" in p.stdout, "its history: " + p.stdout)


def gives_up(w):
    """A state that never comes ends the paste with a sentence instead of a loop."""
    text = open(os.path.join(ROOT, "README.md"), encoding="utf-8").read()
    patiently = re.search(r"^patiently\(\) .*$", text, re.M).group(0)
    p = subprocess.run(["bash", "-c", "sleep() { :; }; %s\npatiently false" % patiently], text=True, timeout=20, capture_output=True)
    right(p.returncode == 1 and "gave up: false" in p.stderr, "%d %s" % (p.returncode, p.stderr))
    right(not re.search(r"^(until|while) ", text, re.M), "a loop without an end in README.md")


def coherent(w):
    """No refusal of the demonstration contradicts what the checks of its file found, and its pieces were opened first."""
    contradicted = w.house.sql(
        "with reasons (reason, code) as (values ('not_psychologist', 'rpps'), ('no_ars', 'ars'), ('diploma_insufficient', 'diploma'),"
        " ('experience_insufficient', 'experience'), ('identity_mismatch', 'identity'), ('duplicate', 'duplicate'))"
        " select e.file, r.reason from event e, jsonb_array_elements_text(e.body::jsonb -> 'codes') x join reasons r on r.reason = x"
        " join lateral (select result from check_result c where c.file = e.file and c.code = r.code order by id desc limit 1) c on true"
        " where e.event in ('refuse', 'confirm_ineligible') and c.result = 'pass'")
    right(not contradicted, "refused against their checks: %s" % contradicted)
    refused = w.house.sql("select count(*), count(*) filter (where jsonb_array_length(body::jsonb -> 'codes') > 0) from event where event = 'refuse'")
    right(int(refused[0][0]) >= 10 and refused[0][0] == refused[0][1], "%s refusals" % refused)
    unopened = w.house.sql("select e.file, p.kind from event e join piece p on p.file = e.file where e.event in ('refuse', 'ask_correction')"
                           " and e.actor like 'agent:%' and not exists (select 1 from piece_opening o where o.piece = p.id and o.at <= e.at)")
    right(not unopened, "never opened: %s" % unopened[:5])


def everywhere(w):
    items = jsonlib.loads(w.house.ctl("figures", "--level", "region", "--json"))["items"]
    regions = [i for i in items if i["code"] != "non_rattache"]
    right(len(regions) == 18 and all(i["conventioned"] > 0 for i in regions), "%s" % [(i["code"], i["conventioned"]) for i in items])


def every_state(w):
    states = jsonlib.loads(w.house.ctl("figures", "--level", "pays", "--json"))["items"][0]["states"]
    missing = [s for s in ("submitted", "expert_review", "correction", "unrouted", "in_review", "to_sign", "to_countersign", "conventioned",
                           "suspended", "leaving", "ended", "refused", "appealed", "withdrawn", "closed") if not states.get(s)]
    right(not missing, "nobody is %s" % missing)
    right(sum(states.values()) >= 300, "only %s" % states)


def history_is_long(w):
    past = w.house.today(-100).isoformat()
    then = jsonlib.loads(w.house.ctl("figures", "--level", "pays", "--as-of", past, "--json"))["items"][0]["conventioned"]
    now = jsonlib.loads(w.house.ctl("figures", "--level", "pays", "--json"))["items"][0]["conventioned"]
    right(0 < then < now, "%d then, %d now" % (then, now))


def marked(w):
    for path in ("/", "/annuaire", "/connexion", "/eligibilite"):
        a = w.house.client().get(path, Accept="text/html")
        right(a.status == 200 and "émonstration" in a.text, "%s: %s" % (path, a.text[:300]))


def known_people(w):
    for name in ("delegue", "delegue-sans-signature", "expert", "expert-2", "region", "admin"):
        path = os.path.join(w.house.home, "agents", name)
        a = w.house.client((path + ".pem", path + ".key")).get("/statistiques")
        right(a.status == 200, "%s: %r" % (name, a))
        modes = [oct(os.stat(path + suffix).st_mode & 0o777) for suffix in (".pem", ".key", ".p12")]
        right(modes == ["0o600"] * 3, "%s: %s" % (name, modes))
    for name in ("camille.brouillon", "elise.signature", "anne.convention", "hugo.refus"):
        c = w.house.client()
        a = c.post("/connexion", {"email": name + "@demo.example", "password": "demonstration-2026"})
        right(a.status == 200, "%s: %r" % (name, a))
        c.token = a.json["token"]
        right(len(c.get("/dossiers").json["items"]) == 1, name)


def second_start(w):
    before = w.house.ctl("figures", "--level", "pays")
    w.house.stop()
    w.house.start()
    right(w.house.ctl("figures", "--level", "pays").split("\n")[2:] == before.split("\n")[2:], "it was loaded twice")


scenario("the demonstration", [
    holds("every state is there, for more than 300 people", every_state),
    holds("people practise in all 18 regions", everywhere),
    holds("it has lived: a past date gives other figures", history_is_long),
    holds("no refusal contradicts its file, and its pieces were opened", coherent),
    holds("the known people sign in", known_people),
    holds("every page says that it is a demonstration", marked),
    holds("the journey of README.md works as pasted", journey),
    holds("what never comes is given up, with a sentence", gives_up),
    holds("a second start changes nothing", second_start),
])

if __name__ == "__main__":
    run(ENROLL_DEMO="1", ENROLL_SMTP_URL="")
