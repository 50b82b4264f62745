#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Medians, spread and ratios of one bench run: raw.tsv in, a table and results.json out."""
import json
import statistics
import sys

UNITS = {"tcp": "Gbit/s", "udp": "kpps"}
# What the project promises: scenario prefix, peer, least ratio.
GOALS = [("tcp", "accept", 0.95), ("tcp", "dnat", 0.45), ("tcp", "socat", 2.0), ("udp", "accept", 0.9)]


def main():
    raw, out, contenders = sys.argv[1], sys.argv[2], sys.argv[3:]
    runs = {}
    for line in open(raw):
        scenario, contender, value = line.split("\t")
        runs.setdefault(scenario, {}).setdefault(contender, []).append(float(value))

    results = []
    print("\n%-10s %-9s %9s %9s %9s   %s" % ("scenario", "contender", "median", "min", "max", "nfqnat / it, median of the rounds"))
    for scenario, by in runs.items():
        unit = UNITS[scenario[:3]]
        for contender in contenders:
            v = by.get(contender)
            if not v:
                continue
            ratio = ""
            if contender != "nfqnat" and "nfqnat" in by:
                # Rounds are neighbours in time: pair them, then take the median.
                pairs = [a / b for a, b in zip(by["nfqnat"], v) if b]
                ratio = "%.2f" % statistics.median(pairs) if pairs else "-"
            print("%-10s %-9s %9.2f %9.2f %9.2f   %s" % (scenario, contender, statistics.median(v), min(v), max(v), ratio))
            results.append({"scenario": scenario, "family": 6 if "6" in scenario[:5] else 4, "contender": contender,
                            "unit": unit, "median": statistics.median(v), "min": min(v), "max": max(v), "runs": v})
    json.dump(results, open(out, "w"), indent=1)

    print("\ngoals (least ratio over the scenarios of that kind)")
    for kind, peer, least in GOALS:
        got = []
        for scenario, by in runs.items():
            if scenario.startswith(kind) and peer in by and "nfqnat" in by:
                got.append((statistics.median([a / b for a, b in zip(by["nfqnat"], by[peer]) if b] or [0]), scenario))
        if got:
            worst, scenario = min(got)
            print("%-4s >= %.2f x %-8s %.2f  (%s)%s" % (kind, least, peer, worst, scenario, "" if worst >= least else "  MISSED"))


main()
