# SPDX-License-Identifier: GPL-2.0-or-later
"""What is measured. A scenario gives named values of one run of one contender."""
import json
import os
import re
import signal
import time

import beside
from contenders import Setup
from lab import BULK, ECHO, SINK, SOURCES, BenchError, cpu_busy

IP_OCTETS = {4: 28, 6: 48}          # IP and UDP header
LOSS = 0.001                        # of datagrams, that a rate may have


class Scenario:
    def __init__(self, name, what, values, measure, families=(4, 6), udp=False, setup=None, quick=False, only=None, cost=2.0):
        self.name, self.what, self.values, self.measure = name, what, values, measure
        self.families, self.udp, self.quick, self.only, self.cost = families, udp, quick, only, cost
        self.setup = setup or Setup()

    def suits(self, contender):
        if self.only is not None and contender.name not in self.only:
            return False
        return (contender.udp or not self.udp) and (contender.rows or not self.setup.rows)


# ---- TCP bulk ----

def bulk(streams, down):
    def measure(lab, contender, family, seconds):
        address, port = contender.to(family, BULK)
        before = cpu_busy()
        out = lab.run("client", "iperf3", "-J", "-c", address, "-p", port, "-t", seconds, "-P", streams, *(["-R"] if down else []),
                      check=False, timeout=60)
        busy = cpu_busy() - before
        got = json.loads(out).get("end", {}).get("sum_received")
        if not got or not got["bytes"]:
            raise BenchError("iperf3: %s" % json.loads(out).get("error", "nothing was received"))
        return {"": got["bits_per_second"] / 1e9, "cpu": busy / (got["bytes"] / 1e9)}
    return measure


BULK_VALUES = {"": ("Gbit/s", True), "cpu": ("CPU s/GB", False)}


# ---- UDP ----

def udp_once(lab, contender, family, octets, rate, seconds, flows=16, sources=False):
    """One run at a rate; returns what was sent and what the receiver says."""
    address, port = contender.to(family, SINK)
    sink = lab.spawn_load(contender.ns, "udp-recv", SINK)
    argv = ["udp-send", "--octets", octets - IP_OCTETS[family], "--rate", rate, "--seconds", seconds, "--flows", flows]
    if sources:
        argv += ["--sources", SOURCES[family]]
    sent = lab.load("client", *argv, address, port)
    return sent, json.loads(lab.end(sink))


def udp_lanes(lab, contender, family, octets, rate, seconds):
    """The same on two CPUs at once: on each a sender and a receiver of its own. Returns the sums."""
    lanes = []
    try:
        for lab.cpus, port in (("0", SINK), ("1", BULK)):
            lanes.append((port, lab.cpus, lab.spawn_load(contender.ns, "udp-recv", port)))
        senders = []
        for port, lab.cpus, _ in lanes:
            address, to = contender.to(family, port)
            senders.append(lab.spawn("client", lab.tool("loadgen"), "udp-send", "--octets", octets - IP_OCTETS[family], "--rate", rate / 2,
                                     "--seconds", seconds, "--flows", 16, address, to))
        sent = []
        for p in senders:
            out, _ = p.communicate(timeout=60)
            lab.running.remove(p)
            sent.append(json.loads(out))
    finally:
        lab.cpus = None
        got = [json.loads(lab.end(sink)) for _, _, sink in lanes]
    return ({"sent": sum(s["sent"] for s in sent), "seconds": max(s["seconds"] for s in sent)},
            {"received": sum(g["received"] for g in got)})


def udp_rate(octets, once=udp_once):
    """The highest rate with less than LOSS lost, found by halving."""
    def measure(lab, contender, family, seconds):
        step = seconds / 2
        sent, got = once(lab, contender, family, octets, 0, step)
        low, high = 0.0, min(got["received"] * 1.3, sent["sent"]) / sent["seconds"]
        cpu = 0.0
        for _ in range(7):
            middle = (low + high) / 2
            before = cpu_busy()
            sent, got = once(lab, contender, family, octets, middle, step)
            if got["received"] and got["received"] >= sent["sent"] * (1 - LOSS):
                low, cpu = got["received"] / sent["seconds"], (cpu_busy() - before) / (got["received"] / 1e6)
            else:
                high = middle
        if not low:
            raise BenchError("no rate without loss was found")
        return {"": low / 1e3, "cpu": cpu}
    return measure


UDP_VALUES = {"": ("kpps", True), "cpu": ("CPU s/Mpacket", False)}


def udp_new(lab, contender, family, seconds):
    """Each datagram is a new flow."""
    sent, got = udp_once(lab, contender, family, 64, 0, seconds, flows=1 << 20, sources=True)
    if not got["received"]:
        raise BenchError("nothing arrived of %d datagrams" % sent["sent"])
    return {"": got["per_second"] / 1e3}


PERCENTILES = ("p50", "p90", "p99", "p999")


def requests(lab, contender, family, seconds, udp=False, flows=1):
    """Percentiles of request and response, in us. Of no answer at all they would be 0, the best of all: that is an error."""
    got = lab.load("client", "rr", "--flows", flows, "--seconds", seconds, *(["--udp"] if udp else []), *contender.to(family, ECHO))
    if not got["answered"]:
        raise BenchError("no request was answered; %d were lost" % got["lost"])
    return {k: got[k + "_us"] for k in PERCENTILES}


def many_flows(flows):
    """Fill the table, then see what a packet and an answer of a known flow cost."""
    def measure(lab, contender, family, seconds):
        fill = flows / 60e3
        sink = lab.spawn_load(contender.ns, "udp-recv", SINK)
        address, port = contender.to(family, SINK)
        lab.load("client", "udp-send", "--octets", 64 - IP_OCTETS[family], "--rate", 60000, "--seconds", fill, "--flows", flows,
                 "--sources", SOURCES[family], address, port)
        lab.end(sink)
        sent, got = udp_once(lab, contender, family, 64, 0, seconds, flows, True)
        rr = requests(lab, contender, family, seconds)
        return {"": got["per_second"] / 1e3, "rr_p50": rr["p50"], "rr_p99": rr["p99"]}
    return measure


FLOW_VALUES = {"": ("kpps", True), "rr_p50": ("us", False), "rr_p99": ("us", False)}


# ---- latency and connections ----

def wait_answer(lab, contender, family, udp=False):
    """Until it answers: nginx has no connection left until those of many datagrams time out."""
    def answers():
        try:
            return requests(lab, contender, family, 0.05, udp)
        except BenchError:
            return None
    lab.wait("an answer through %s" % contender.name, answers)


def latency(udp=False, flows=1):
    def measure(lab, contender, family, seconds):
        wait_answer(lab, contender, family, udp)
        return requests(lab, contender, family, seconds, udp, flows)
    return measure


def latency_loaded(lab, contender, family, seconds):
    """Beside one bulk stream."""
    address, port = contender.to(family, BULK)
    bulk_run = lab.spawn("client", "iperf3", "-c", address, "-p", port, "-t", seconds + 2, log=os.path.join(lab.dir, "loaded"))
    try:
        lab.wait("the bulk stream", lambda: ":%d" % port in lab.run("client", "ss", "-tnH", "state", "established"))
        return requests(lab, contender, family, seconds)
    finally:
        lab.end(bulk_run)


LATENCY_VALUES = {k: ("us", False) for k in PERCENTILES}


def connections(lab, contender, family, seconds):
    got = lab.load("client", "crr", "--flows", 64, "--seconds", seconds, *contender.to(family, ECHO))
    if got["failed"] > got["done"] / 100:
        raise BenchError("%d connections failed, %d did not; last error: %s" % (got["failed"], got["done"], os.strerror(got["last_errno"])))
    return {"": got["per_second"] / 1e3}


def flood(lab, contender, family, seconds):
    """Latency of a known flow while datagrams of unknown tuples arrive, 100,000 a second; and without, for the ratio."""
    calm = requests(lab, contender, family, seconds)
    address, port = contender.to(family, SINK)
    sink = lab.spawn_load(contender.ns, "udp-recv", SINK)
    send = lab.spawn("client", lab.tool("loadgen"), "udp-send", "--rate", 100000, "--seconds", seconds + 2, "--flows", 1 << 20, "--octets", 16,
                     "--sources", SOURCES[family], address, port)
    try:
        got = requests(lab, contender, family, seconds)
    finally:
        lab.end(send)
        lab.end(sink)
    return {"p99": got["p99"], "p99_by_calm": got["p99"] / calm["p99"]}


# ---- who else is busy with nfqnatd ----

def queued(lab):
    return sum(int(line.split()[2]) for line in lab.run("host", "cat", "/proc/net/netfilter/nfnetlink_queue").splitlines())


def seen_by_packets(lab, contender, family, seconds):
    """What datagrams and requests see: the rate without loss, losses of 30,000 a second, latency."""
    sent, got = udp_once(lab, contender, family, 64, 30000, seconds)
    rr = requests(lab, contender, family, seconds)
    rate = udp_rate(64)(lab, contender, family, seconds)
    lab.wait("an empty queue", lambda: not queued(lab))
    return rate[""], sent["sent"] - got["received"], rr["p50"], rr["p99"]


def with_others(others):
    """The same alone and beside @others, and how they compare."""
    def measure(lab, contender, family, seconds):
        kpps0, lost0, p50_0, p99_0 = seen_by_packets(lab, contender, family, seconds)
        running = others(lab, contender)
        try:
            kpps, lost, p50, p99 = seen_by_packets(lab, contender, family, seconds)
        finally:
            for p in running:
                lab.end(p)
        beside.watchers(lab, contender, 0)
        return {"kpps_by_alone": kpps / kpps0, "lost_alone": lost0, "lost": lost, "p50_by_alone": p50 / p50_0, "p99_by_alone": p99 / p99_0}
    return measure


OTHERS_VALUES = {"kpps_by_alone": ("times", True), "lost_alone": ("datagrams", False), "lost": ("datagrams", False),
                 "p50_by_alone": ("times", False), "p99_by_alone": ("times", False)}


# ---- what only some can do ----

def reload_loss(lab, contender, family, seconds):
    """Datagrams lost while nfqnatd takes its configuration anew ten times, at 50,000 a second; how long each took, file
    and rules included; and how long the engine took of that: from being asked to swap the tables until no flow of the
    old one is left."""
    address, port = contender.to(family, SINK)
    sink = lab.spawn_load(contender.ns, "udp-recv", SINK)
    send = lab.spawn("client", lab.tool("loadgen"), "udp-send", "--rate", 50000, "--seconds", max(seconds, 5), "--octets", 16, "--flows", 16, address, port)
    took = []

    def swaps():
        with open(contender.log) as f:
            return [float(ms) for ms in re.findall(r"configuration reloaded: .*, swapped in ([0-9.]+) ms", f.read())]

    def reloads():
        return len(swaps())
    first = reloads()
    while send.poll() is None and len(took) < 10:
        before, begin = reloads(), time.monotonic()
        contender.process.send_signal(signal.SIGHUP)
        lab.wait("a reload", lambda: reloads() > before)
        took.append((time.monotonic() - begin) * 1e3)
    out, _ = send.communicate(timeout=60)
    lab.running.remove(send)
    sent, got = json.loads(out), json.loads(lab.end(sink))
    return {"lost": sent["sent"] - got["received"], "ms": sorted(took)[len(took) // 2], "swap": sorted(swaps()[first:])[len(took) // 2]}


def memory(lab, contender, family, seconds):
    """Octets that one flow takes when the table is full, the hash included."""
    if contender.name == "nfqnat":
        with open(contender.log) as f:
            found = re.search(r"flow table: (\d+) flows, (\d+) MiB", f.read())
        return {"": int(found[2]) * 1048576 / int(found[1])}
    with open("/proc/slabinfo") as f:
        found = re.search(r"^nf_conntrack +\d+ +\d+ +(\d+)", f.read(), re.M)
    if not found:
        raise BenchError("the kernel does not tell the size of nf_conntrack")
    return {"": int(found[1]) + 16}     # and two heads of a hash chain, 8 octets each


ONE = Setup(one_cpu=True)

SCENARIOS = [
    Scenario("tcp_up", "one TCP stream to the guest", BULK_VALUES, bulk(1, False), quick=True),
    Scenario("tcp_down", "one TCP stream from the guest", BULK_VALUES, bulk(1, True), quick=True),
    Scenario("tcp_up_16", "16 TCP streams to the guest", BULK_VALUES, bulk(16, False)),
    Scenario("tcp_down_16", "16 TCP streams from the guest", BULK_VALUES, bulk(16, True)),
    Scenario("udp_64", "datagrams of 64 octets with < 0.1 % loss", UDP_VALUES, udp_rate(64), udp=True, quick=True, cost=8),
    Scenario("udp_512", "datagrams of 512 octets with < 0.1 % loss", UDP_VALUES, udp_rate(512), (4,), udp=True, cost=8),
    Scenario("udp_1400", "datagrams of 1400 octets with < 0.1 % loss", UDP_VALUES, udp_rate(1400), (4,), udp=True, cost=8),
    Scenario("udp_new", "new UDP flows", {"": ("kflows/s", True)}, udp_new, udp=True),
    Scenario("rr", "TCP request and response, idle", LATENCY_VALUES, latency(), quick=True),
    Scenario("rr_udp", "UDP request and response, idle", LATENCY_VALUES, latency(udp=True), udp=True),
    Scenario("rr_loaded", "TCP request and response beside a bulk stream", LATENCY_VALUES, latency_loaded, cost=4),
    Scenario("connect", "whole TCP connections, 64 at once", {"": ("kconn/s", True)}, connections, quick=True),
    Scenario("flood", "a known flow's latency beside 100,000 unknown tuples a second",
             {"p99": ("us", False), "p99_by_calm": ("times", False)}, flood, (4,), udp=True, cost=4),
    Scenario("udp_64_1cpu", "datagrams of 64 octets, all on one CPU", UDP_VALUES, udp_rate(64), (4,), udp=True, setup=ONE, cost=8),
    Scenario("udp_64_2cpus", "the same on two CPUs at once, a sender and a receiver on each", UDP_VALUES, udp_rate(64, udp_lanes), (4,), udp=True,
             only=None if (os.cpu_count() or 1) > 1 else (), cost=8),
    Scenario("rr_1cpu", "TCP request and response, all on one CPU", LATENCY_VALUES, latency(), (4,), setup=ONE),
] + [
    Scenario("beside_%s" % name, "the same " + what, OTHERS_VALUES, with_others(others), (4,), udp=True, only=("nfqnat",), cost=8)
    for name, what, others in (("nobody", "twice", lambda lab, contender: []),
                               ("trace", "beside a trace of other packets", beside.trace_others),
                               ("slow_trace", "beside a trace of every packet that is hardly read", beside.trace_slow),
                               ("capture", "beside a capture of every packet", beside.capture),
                               ("abuse", "beside clients that do what they should not", beside.abuse))
] + [
    Scenario("flows_%s" % n, "%s flows in the table" % n, FLOW_VALUES, many_flows(count), (4,), udp=True, setup=Setup(flows=count),
             only=("nfqnat", "dnat-nft", "route"), cost=4 + count / 60e3)
    for n, count in (("10k", 10000), ("100k", 100000), ("1M", 1000000))
] + [
    Scenario("rows_%s_%s" % (n, kind), "%s with %s mapped ports" % (text, n), values, measure, (4,), udp=udp, setup=Setup(rows=rows))
    for n, rows in (("10", 10), ("1k", 1000), ("10k", 10000), ("50k", 50000))
    for kind, text, values, measure, udp in (("rr", "TCP request and response", LATENCY_VALUES, latency(), False),
                                             ("connect", "connections", {"": ("kconn/s", True)}, connections, False))
] + [
    Scenario("swap_%s" % n, "ten reloads with %s mapped ports at 50,000 datagrams a second" % n,
             {"lost": ("datagrams", False), "ms": ("ms", False), "swap": ("ms", False)}, reload_loss, (4,), udp=True, setup=Setup(rows=rows), only=("nfqnat",), cost=6)
    for n, rows in (("10", 10), ("50k", 50000))
] + [
    Scenario("memory", "one flow", {"": ("octets", False)}, memory, (4,), setup=Setup(flows=1000000), only=("nfqnat", "dnat-nft"), cost=0),
]
