# SPDX-License-Identifier: GPL-2.0-or-later
"""Medians, spread and ratios of what the rounds gave; results.json is a list of the rows made here."""
import json
import statistics

# What the project promises: (scenario, peer, least or most ratio nfqnat / peer, is more better)
GOALS = [
    (s, "accept", 0.97, True) for s in ("tcp_up", "tcp_down", "tcp_up_16", "tcp_down_16", "udp_64", "udp_512", "udp_1400", "connect")
] + [
    (s, peer, least, True) for s in ("tcp_up", "tcp_down")
    for peer, least in (("dnat-nft", 0.6), ("socat", 3), ("rinetd", 3), ("textbook", 3), ("haproxy", 2))
] + [
    ("udp_64_1cpu", "dnat-nft", 0.4, True), ("udp_64_1cpu", "textbook", 1.4, True),
    ("rr.p50", "dnat-nft", 1.9, False), ("rr.p99", "dnat-nft", 2.0, False), ("connect", "dnat-nft", 1.1, True),
]


# The same for the road of whole packets, where it was measured as well: nfqnat-whole / peer
GOALS_WHOLE = [(s, "accept-whole", 0.97, True) for s in ("tcp_up", "tcp_down", "tcp_up_16", "tcp_down_16")]


class Runs:
    """All values of one bench run, in the order they came: rounds of one (scenario, family) are neighbours in time."""

    def __init__(self):
        self.by = {}            # (scenario.value, family) -> contender -> list, None where a run failed
        self.unit = {}          # scenario.value -> (unit, is more better)

    def add(self, scenario, family, contender, values):
        for key, (unit, more) in scenario.values.items():
            name = scenario.name + ("." + key if key else "")
            self.unit[name] = (unit, more)
            self.by.setdefault((name, family), {}).setdefault(contender, []).append(values.get(key) if values else None)

    def rows(self):
        for (name, family), contenders in self.by.items():
            for contender, values in contenders.items():
                runs = [v for v in values if v is not None]
                if runs:
                    yield {"scenario": name, "family": family, "contender": contender, "unit": self.unit[name][0],
                           "more_is_better": self.unit[name][1], "median": statistics.median(runs), "min": min(runs), "max": max(runs),
                           "runs": runs}

    def ratio(self, name, family, peer, of="nfqnat"):
        """of / peer, round by round, then the median: the machine's speed drifts, neighbours in time can be compared."""
        c = self.by.get((name, family), {})
        pairs = [a / b for a, b in zip(c.get(of, []), c.get(peer, [])) if a is not None and b]
        return statistics.median(pairs) if pairs else None

    def goals(self):
        for of, (name, peer, bound, more) in [("nfqnat", g) for g in GOALS] + [("nfqnat-whole", g) for g in GOALS_WHOLE]:
            for family in (4, 6):
                r = self.ratio(name, family, peer, of)
                if r is not None:
                    yield {"scenario": name, "family": family, "peer": peer, "bound": bound, "more_is_better": more, "ratio": r,
                           "reached": r >= bound if more else r <= bound}


def save(path, runs):
    with open(path, "w") as f:
        json.dump(list(runs.rows()), f, indent=1)
