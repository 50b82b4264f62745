#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a bench run left: shape.py OUT_DIR; or the same results with nfqnat twice as slow: shape.py --slower RESULTS"""
import json
import os
import sys

FIELDS = {"scenario": str, "family": int, "contender": str, "unit": str, "more_is_better": bool, "median": (int, float),
          "min": (int, float), "max": (int, float), "runs": list}
WANTED = {("rr.p50", 4), ("rr.p99", 6), ("connect", 4), ("connect", 6), ("memory", 4)}


def slower(path):
    with open(path) as f:
        rows = json.load(f)
    for r in rows:
        if r["contender"] == "nfqnat":
            factor = 0.1 if r["more_is_better"] else 10
            r["runs"] = [v * factor for v in r["runs"]]
            r["median"] *= factor
    json.dump(rows, sys.stdout)


def shape(out):
    with open(os.path.join(out, "results.json")) as f:
        rows = json.load(f)
    seen = set()
    for r in rows:
        for field, kind in FIELDS.items():
            if not isinstance(r.get(field), kind):
                sys.exit("%s: no good '%s'" % (r, field))
        if not r["min"] <= r["median"] <= r["max"] or not r["runs"] or min(r["runs"]) != r["min"] or r["min"] <= 0:
            sys.exit("%s: median or spread is not of its runs" % r)
        if r["contender"] == "nfqnat":
            seen.add((r["scenario"], r["family"]))
    if WANTED - seen:
        sys.exit("no result for nfqnat of %s" % sorted(WANTED - seen))
    with open(os.path.join(out, "report.html")) as f:
        page = f.read()
    for word in ("rr.p50", "dnat-nft", "kernel", "commit", "<svg"):
        if word not in page:
            sys.exit("report.html does not have '%s'" % word)


if sys.argv[1] == "--slower":
    slower(sys.argv[2])
else:
    shape(sys.argv[1])
