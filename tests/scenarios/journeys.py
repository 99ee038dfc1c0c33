#!/usr/bin/env python3
"""The whole life of files, from the first answer to the directory. tests/scenarios/lib.py says how to read this."""
from lib import *

scenario("approved and signed", [
    drafts("anna"),
    submits("anna"),
    state("anna", "in_review"),
    refused("nadia", "claim", "anna", 404),
    fires("lea", "claim", "anna"),
    refused("marc", "approve", "anna", 422, checklist=CHECKLIST),
    opens("lea", "anna"),
    fires("lea", "approve", "anna", checklist=CHECKLIST),
    state("anna", "to_sign"),
    directory("anna", there=False),
    signs("anna"),
    state("anna", "to_countersign"),
    refused("marc", "countersign", "anna", 422, fnps="F1", effective_date="2099-01-01"),
    countersigns("lea", "anna"),
    state("anna", "conventioned"),
    directory("anna"),
])

if __name__ == "__main__":
    run()
