#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The load generator's counts beside those of the kernel and of iperf3, over the same way: counts.py BUILD_DIR

Nothing about speed: at a rate that any machine carries, what one counts as sent and
received is what the others count, to the datagram for the kernel's.
"""
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../bench"))
from contenders import Route                                    # noqa: E402
from lab import BULK, ECHO, GUEST, SINK, Lab, cpu_busy          # noqa: E402

RATE, SECONDS, OCTETS = 2000, 2, 100


def udp_counters(lab, ns, family):
    """Datagrams in and out, as /proc/net/snmp has them."""
    if family == 6:
        v = dict(line.split() for line in lab.run(ns, "cat", "/proc/net/snmp6").splitlines())
        return int(v["Udp6InDatagrams"]), int(v["Udp6OutDatagrams"])
    names, values = [line.split() for line in lab.run(ns, "cat", "/proc/net/snmp").splitlines() if line.startswith("Udp:")]
    v = dict(zip(names, values))
    return int(v["InDatagrams"]), int(v["OutDatagrams"])


def same(what, got, want):
    if got != want:
        sys.exit("%s: %s, not %s" % (what, got, want))
    print("%s: %s" % (what, got))


def datagrams(lab, family, argv):
    out, into = udp_counters(lab, "client", family)[1], udp_counters(lab, "guest", family)[0]
    sink = lab.spawn_load("guest", "udp-recv", SINK)
    sent = lab.load("client", "udp-send", "--octets", OCTETS, "--rate", RATE, "--seconds", SECONDS, *argv, GUEST[family], SINK)
    got = json.loads(lab.end(sink))
    same("IPv%d sent, by the kernel" % family, udp_counters(lab, "client", family)[1] - out, sent["sent"])
    same("IPv%d received, by the kernel" % family, udp_counters(lab, "guest", family)[0] - into, got["received"])
    same("IPv%d received of sent" % family, got["received"], sent["sent"])
    same("IPv%d octets" % family, got["octets"], sent["sent"] * OCTETS)
    if not 0 < got["p50_us"] <= got["p99_us"] <= got["max_us"]:
        sys.exit("IPv%d delays are not in order: %s" % (family, got))
    return sent["sent"]


def beside_iperf3(lab, family, sent):
    """iperf3 at the same rate for the same time sends as many, but for what the last burst and its start cost."""
    out = json.loads(lab.run("client", "iperf3", "-J", "-u", "-c", GUEST[family], "-p", BULK, "-b", RATE * OCTETS * 8, "-l", OCTETS,
                             "-t", SECONDS))
    theirs = out["end"]["sum"]["packets"]
    print("IPv%d: iperf3 sent %d, load %d" % (family, theirs, sent))
    if abs(theirs - sent) > RATE * SECONDS * 0.1:
        sys.exit("IPv%d: iperf3 sent %d datagrams, load %d" % (family, theirs, sent))


def connections(lab, family):
    """Each connection that crr calls done was opened by the guest's kernel."""
    def opened():
        names, values = [line.split() for line in lab.run("guest", "cat", "/proc/net/snmp").splitlines() if line.startswith("Tcp:")]
        return int(dict(zip(names, values))["PassiveOpens"])
    before = opened()
    got = lab.load("client", "crr", "--flows", 4, "--seconds", 0.5, GUEST[family], ECHO)
    after = opened() - before
    print("IPv%d: %d connections done, %d opened at the guest" % (family, got["done"], after))
    # Those under way when the time was over were opened, but not done.
    if not got["done"] or got["failed"] or not got["done"] <= after <= got["done"] + 4:
        sys.exit("IPv%d: %s, but the guest opened %d" % (family, got, after))


def work():
    """The machine's CPU seconds have at least what this process worked in them, though it sleeps after each millisecond."""
    busy, began, mine = cpu_busy(), time.monotonic(), time.process_time()
    while time.process_time() - mine < 0.5:
        until = time.process_time() + 0.001
        while time.process_time() < until:
            pass
        time.sleep(0.0005)
    busy, mine, all_of_it = cpu_busy() - busy, time.process_time() - mine, (time.monotonic() - began) * os.cpu_count()
    print("%.2f s of work, %.2f of the machine's, of %.2f" % (mine, busy, all_of_it))
    # Ends are rounded to ticks, for each of three kinds of time; and a hypervisor may steal of ours.
    if not mine / 2 - 0.06 <= busy <= all_of_it + 0.06:
        sys.exit("CPU seconds of the machine: %.2f, not between %.2f and %.2f" % (busy, mine, all_of_it))


def main():
    work()
    lab = Lab(sys.argv[1])
    try:
        lab.up()
        Route().up(lab, None)
        for family in (6, 4):           # IPv6 first: of a network just made nothing is lost, either
            beside_iperf3(lab, family, datagrams(lab, family, ["--flows", 8]))
            datagrams(lab, family, ["--flows", 4096, "--sources", {4: "10.64.0.0", 6: "2001:db8:6400::"}[family]])
            connections(lab, family)
    finally:
        lab.down()


main()
