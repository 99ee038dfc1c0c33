#!/usr/bin/env python3
"""What everyone may read: figures and directory, on both faces, for each role. tests/scenarios/lib.py says how to read this."""
from lib import *


def get(w, path, who=None, html=False):
    c = w.house.who(who) if who else w.house.client()
    return c.get(path, **({"Accept": "text/html"} if html else {}))


@command("{path} answers {status} on both faces")
def answers(w, path, status):
    for html in (False, True):
        a = get(w, path, html=html)
        right(a.status == status, "%s: %r" % ("HTML" if html else "JSON", a))
        right("{{" not in a.text, "a slot was left open")


@command("{who} sees {level}: {codes}, published figures: {suppressed}")
def scope(w, who, level, codes, suppressed=False):
    a = get(w, "/statistiques?niveau=" + level, who)
    right(a.status == 200 and a.json["suppressed"] == suppressed, "%r" % a)
    right([i["code"] for i in a.json["items"]][:len(codes)] == codes, [i["code"] for i in a.json["items"]])
    right(suppressed or len(a.json["items"]) == len(codes), "more than its own: %d" % len(a.json["items"]))


@command("the figures of {who} as {kind}")
def sheet(w, who, kind):
    for c, level in ((w.house.who(who), "caisse"), (w.house.client(), "region")):
        a = c.get("/statistiques.%s?niveau=%s" % (kind, level))
        right(a.status == 200, "%r" % a)
        if kind == "csv":
            right(a.body.startswith(b"\xef\xbb\xbfas_of;level;code;") and a.body.endswith(b"\r\n"), a.text[:200])
        else:
            right(a.body.startswith(b"PK\3\4"), "no archive")


def country(w, who=None):
    return get(w, "/statistiques?niveau=pays", who).json["items"][0]


def nowhere(w):
    """D7: the file of an unknown commune is somewhere in every level, and the sums are those of the country."""
    sums = []
    for level in ("caisse", "departement", "region"):
        items = get(w, "/statistiques?niveau=" + level, "ada").json["items"]
        none = next(i for i in items if i["code"] == "non_rattache")
        right(none["states"]["unrouted"] == 1, none["states"])
        right(none["submitted"] == 1, none)
        sums.append(sum(i["submitted"] for i in items))
    return sums == [country(w, "ada")["submitted"]] * 3 or sums


def month_end(w):
    """A month end closes: small cells are hidden, the stock never is, and that day's answer stays the same."""
    before = country(w)
    right(before["submitted"] is None and before["conventioned"] == 1, before)
    later = (w.house.today().replace(day=28) + datetime.timedelta(days=8)).replace(day=2)
    w.house.move_to(datetime.datetime.combine(later, datetime.time(12)))
    a = get(w, "/statistiques?niveau=pays").json
    right(a["published"] is not None, a)
    item = a["items"][0]
    right(item["submitted"] is None and item["hidden"] and item["conventioned"] == 1, item)
    right(country(w, "ada")["submitted"] == 2, "an agent sees all")
    right(item["states"]["conventioned"] == 1 and item["states"]["suspended"] == 0, item["states"])
    day = "/statistiques?niveau=caisse&au=" + a["published"]
    first = get(w, day, "ada").json
    right(first["closed"], "the day is closed")
    w.house.move(days=3)
    return get(w, day, "ada").json == first or "that day's figures changed"


def change(w):
    """D4: what the person changes is what visitors read within the second."""
    path = "/annuaire?commune=59350"
    before = get(w, path)
    right(before.json["total"] == 1 and not get(w, path + "&public=children").json["items"], before)
    right(get(w, path).body == before.body, "read twice")
    sql = "update enroll.profile set public = '{children}', unavailable_until = current_date + 400"
    socket_folder = next(f for f in (os.path.join(w.house.home, "pg/socket"),) if os.path.isdir(f))
    subprocess.run(["psql", "-qX", "-h", socket_folder, "-U", "enroll_owner", "-d", "enroll", "-c", sql], check=True,
                   capture_output=True)
    after = listed(w, "commune=59350&public=children", lambda items: items)
    right(after["total"] == 1 and after["items"][0]["public"] == ["children"], after)
    right(not after["items"][0]["available"], after)
    listed(w, "commune=59350", lambda items: items[0]["public"] == ["children"])


def shown(w):
    item = get(w, "/annuaire?commune=59350").json["items"][0]
    right(item["places"][0]["km"] < 1 and item["places"][0]["commune"] == "Lille", item)
    right(item["email"] == mail_of("anna") and "phone" not in item, item)
    return item["remote"] is True or item


def further(w):
    """Who is too far for a first session is under a heading of their own, and not in the number of those near."""
    lille, brest = (get(w, "/annuaire?commune=" + c, html=True).text for c in ("59350", "29019"))
    right("1\u00a0psychologue à moins de 50\u00a0km de Lille</h2>" in lille and 'id="plus-loin"' not in lille, re.findall("<h2.*", lille))
    titles = re.findall(r"<h2[^>]*>(.*?)</h2>", brest)
    right(titles[:2] == ["Aucun psychologue à moins de 50\u00a0km de Brest", "Plus loin, à plus de 50\u00a0km"], titles)
    right(brest.index('id="plus-loin"') < brest.index("govuk-summary-card__title"), "the heading is not before who is far")


def reconciled(leaving, listed):
    """The stock, who leaves, who waits, who is hidden: what the page says adds up to what the directory holds, to the unit."""
    def check(w):
        page = get(w, "/statistiques", "ada", html=True).text
        said = re.search(r'id="annuaire">(.*?)</p>', page).group(1)
        number = lambda words: int((re.search(words, said) or ["", "0"])[1])  # what is none is not written
        shown, stock = number(r"(?:en présente aujourd’hui|présente ces) (\d+)"), country(w, "ada")["conventioned"]
        more, later, hidden = number(r"(\d+)\u00a0en préavis"), number(r"(\d+) dont la convention"), number(r"(\d+) dont la fiche")
        if "ce psychologue" in said:
            shown = 1
        right(shown == stock + more - later - hidden and all(int(n) for n in re.findall(r"\d+", said)), said)
        right((shown, more) == (listed, leaving) and ("conventionné" not in said or number(r"(\d+)\u00a0conventionné") == stock), said)
        right(shown == int(w.house.sql("select count(*) from published")[0][0]) == get(w, "/annuaire?commune=59350").json["total"], said)
        public = re.search(r'id="annuaire">(.*?)</p>', get(w, "/statistiques", html=True).text).group(1)
        right(re.findall(r"\d+", public) == ([str(listed)] if leaving else re.findall(r"\d+", said)), "a small number in public: " + public)
        right('id="annuaire"' not in get(w, "/statistiques", "lea", html=True).text, "the country's count under a caisse's figures")
    return holds("the directory's count follows from the stock, %d leaving" % leaving, check)


scenario("asked of nobody yet", [
    answers("/annuaire", 200), answers("/annuaire?commune=59350", 200), answers("/annuaire?cp=59000", 200),
    answers("/annuaire?lat=50.6&lon=3.06", 200), answers("/annuaire?q=Saint-Denis", 200), answers("/annuaire?commune=lille&page=3", 200),
    answers("/annuaire?public=adults&langue=anglais&distance=1&disponible=1", 200),
    answers("/annuaire?commune=99999", 422), answers("/annuaire?cp=5900", 422), answers("/annuaire?q=zzzzz", 422),
    answers("/annuaire?lat=50.6", 422), answers("/annuaire?lat=nan&lon=inf", 422), answers("/annuaire?public=x", 422),
    answers("/annuaire?page=-1", 422), answers("/annuaire?distance=x", 422), answers("/annuaire?q=%27%3B--", 422),
    answers("/communes?q=59000", 200), answers("/communes?q=x", 422),
    answers("/statistiques", 200), answers("/statistiques?niveau=caisse&au=2025-02-28", 200), answers("/statistiques?niveau=x", 422),
    answers("/statistiques?au=2025-02-30", 422), answers("/statistiques?au=2999-01-01", 422),
])

scenario("one in the directory, one without a caisse", [
    conventioned("anna"),
    holds("place, distance and only what was agreed are shown", shown),
    holds("who is beyond 50 km stands apart", further),
    applies("lise", commune="97701", postcode="97133", registry={"departement": "97"}),
    state("lise", "unrouted"),
    holds("it is counted as non rattaché everywhere (D7)", nowhere),
    scope("rene", "region", ["32"]), scope("rene", "pays", ["FR"], suppressed=True),
    scope("lea", "caisse", ["595"]), scope("lea", "region", ["01"], suppressed=True),
    scope("ada", "pays", ["FR"]),
    holds("the desk names the region", lambda w: "Hauts-de-France" in get(w, "/", "rene", True).text),
    sheet("rene", "csv"), sheet("lea", "xlsx"),
    holds("a month end is published once", month_end),
    holds("a change of profile is in the directory within a second (D4)", change),
    reconciled(leaving=0, listed=1), fires("anna", "resign", "anna"), reconciled(leaving=1, listed=1),
])

run()
