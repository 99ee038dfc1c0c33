"""The bench's generator makes data that the service could have made."""
from house import OWNER, SIZES, House, Wrong, fill, made

PART = 0.001
STATES = 16
TOTALS = """select count(*) from (select substr(measure, 7) as state, caisse, sum(n) as n from delta where measure like 'state:%' group by 1, 2 having sum(n) <> 0) d
 full join (select state, coalesce(caisse, '') as caisse, count(*) as n from file where state <> 'draft' group by 1, 2) f using (state, caisse) where d.n is distinct from f.n"""


def say(sentence, good, why=""):
    print("%s - %s" % ("ok" if good else "not ok", sentence) + ("" if good else "\n# %s" % why), flush=True)


def asked(house, *words):
    try:
        return True, house.ctl(*words)
    except Wrong as e:
        return False, str(e).replace("\n", "\n# ")


with House(None) as house:
    made(house)
    sizes = {k: max(STATES, int(v * PART)) for k, v in SIZES.items()}
    fill(house, sizes)
    say("the bench's files leave the eight views of impossible states empty", *asked(house, "invariants"))
    say("the history of the bench's files verifies, hash by hash", *asked(house, "audit", "verify"))
    states = house.psql("select count(distinct state) from file")
    say("the bench has files in all %d states" % STATES, states == str(STATES), states)
    wrong = house.psql(TOTALS)
    say("the deltas of the bench's events add up to its files, by caisse and state", wrong == "0", wrong + " cells differ")
    owned = house.psql("select count(*) from file join account a on a.id = account where email = '%s' and state = 'in_review' and version = 2" % OWNER)
    say("the files that the bench fires at are in review and nobody's", owned == str(sizes["load"]), owned)
