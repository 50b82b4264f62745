# SPDX-License-Identifier: GPL-2.0-or-later
"""Three namespaces and what runs in them.

    client 198.51.100.2 ---- host 198.51.100.1 | 192.168.122.1 ---- guest 192.168.122.50
           2001:db8:100::2        2001:db8:100::1    fd00:122::1         fd00:122::50

The guest serves: 80 iperf3, 81 echo (TCP, UDP), 82 a sink of datagrams. Each is
reached through the host at 8000 more than that. Programs are ended by their pid.
"""
import glob
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HOST = {4: "198.51.100.1", 6: "2001:db8:100::1"}
GUEST = {4: "192.168.122.50", 6: "fd00:122::50"}
SOURCES = {4: "10.64.0.0", 6: "2001:db8:6400::"}       # of which many flows take theirs
SOURCES_NET = {4: "10.64.0.0/12", 6: "2001:db8:6400::/64"}
BULK, ECHO, SINK = 80, 81, 82
SHIFT = 8000
CONNTRACK_MAX = "/proc/sys/net/netfilter/nf_conntrack_max"


class BenchError(Exception):
    """Something does not work; the text says what and what to do."""


class Lab:
    def __init__(self, build):
        self.build = build
        self.prefix = "nb%d" % os.getpid()
        while glob.glob(self.netns("*")):
            self.prefix += "x"          # a killed run's, whose pid we have
        self.dir = tempfile.mkdtemp(prefix="nfqnat-bench.")
        self.running = []
        self.cpus = None                # a list for taskset, or None: all
        self.conntrack_max = None

    # ---- programs ----

    def argv(self, ns, argv):
        pin = ["taskset", "-c", self.cpus] if self.cpus else []
        return ["nsenter", "--net=" + self.netns(ns)] + pin + [str(a) for a in argv]

    def run(self, ns, *argv, stdin=None, timeout=120, check=True):
        done = subprocess.run(self.argv(ns, argv), input=stdin, capture_output=True, text=True, timeout=timeout)
        if check and done.returncode:
            raise BenchError("%s: status %d: %s" % (" ".join(map(str, argv)), done.returncode, (done.stderr or done.stdout).strip()))
        return done.stdout

    def spawn(self, ns, *argv, log=None):
        """Start in the background. Standard output is a pipe, or goes to @log with standard error."""
        out = open(log, "w") if log else subprocess.PIPE
        p = subprocess.Popen(self.argv(ns, argv), stdin=subprocess.DEVNULL, stdout=out, stderr=out if log else None, text=True)
        if log:
            out.close()
        self.running.append(p)
        return p

    def end(self, p, timeout=20):
        """Ask a program to stop; returns what it printed."""
        if p.poll() is None:
            p.send_signal(signal.SIGTERM)
        try:
            out, _ = p.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            p.kill()
            out, _ = p.communicate()
        if p in self.running:
            self.running.remove(p)
        return out or ""

    def tool(self, name):
        """A program of the bench: built in the tree, or installed beside this file."""
        built = os.path.join(self.build, "bench", name)
        return built if os.path.exists(built) else os.path.join(os.path.dirname(os.path.realpath(__file__)), name)

    def program(self, name):
        built = os.path.join(self.build, name)
        return built if os.path.exists(built) else shutil.which(name)

    def nfqnatd(self):
        return self.program("nfqnatd")

    def nfqnatctl(self):
        return self.program("nfqnatctl")

    def load(self, ns, *argv, timeout=120):
        return json.loads(self.run(ns, self.tool("loadgen"), *argv, timeout=timeout))

    def spawn_load(self, ns, *argv):
        p = self.spawn(ns, self.tool("loadgen"), *argv)
        self.wait("load %s" % argv[0], lambda: select.select([p.stdout], [], [], 0)[0])
        if p.stdout.readline() != "ready\n":
            raise BenchError("load %s did not start" % argv[0])
        return p

    @staticmethod
    def wait(what, true, seconds=20):
        end = time.monotonic() + seconds
        while not true():
            if time.monotonic() > end:
                raise BenchError("%s: not in %d s" % (what, seconds))
            time.sleep(0.01)

    def wait_log(self, log, word, seconds=30):
        def said():
            with open(log) as f:
                return word in f.read()
        try:
            self.wait("'%s' in %s" % (word, log), said, seconds)
        except BenchError:
            raise BenchError("no '%s' in time; the log says:\n%s" % (word, self.tail(log))) from None

    @staticmethod
    def tail(log):
        if not log:
            return "(no log)"
        with open(log) as f:
            return f.read()[-2000:]

    def wait_listen(self, ns, port, log=None):
        try:
            self.wait("a listener on port %d" % port, lambda: ":%d " % port in self.run(ns, "ss", "-ltnH"))
        except BenchError as e:
            raise BenchError("%s; the log says:\n%s" % (e, self.tail(log))) from None

    # ---- the network ----

    def netns(self, ns):
        return "/run/netns/%s-%s" % (self.prefix, ns)

    def namespace(self, ns):
        subprocess.run(["ip", "netns", "add", "%s-%s" % (self.prefix, ns)], check=True)
        self.ip(ns, "link", "set", "lo", "up")
        self.run(ns, "sysctl", "-qw", "net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0")
        # The same for all; one that paces, as bbr does, would measure itself. A namespace may not take every one: reno always.
        if subprocess.run(self.argv(ns, ["sysctl", "-qw", "net.ipv4.tcp_congestion_control=cubic"]), capture_output=True).returncode:
            self.run(ns, "sysctl", "-qw", "net.ipv4.tcp_congestion_control=reno")

    def namespace_del(self, ns):
        subprocess.run(["ip", "netns", "del", "%s-%s" % (self.prefix, ns)], stderr=subprocess.DEVNULL)

    def serve(self, ns):
        """The guest's services; returns their processes."""
        iperf = self.spawn(ns, "iperf3", "-s", "-p", BULK, log=os.path.join(self.dir, "iperf3." + ns))
        echo = self.spawn_load(ns, "echo", ECHO)
        self.wait_listen(ns, BULK)
        return iperf, echo

    def ip(self, ns, *argv):
        self.run(ns, "ip", *argv)

    def up(self):
        for n in ("client", "host", "guest"):
            self.namespace(n)
        for a, dev_a, b, dev_b in (("client", "c0", "host", "up0"), ("guest", "g0", "host", "virbr0")):
            subprocess.run(["ip", "link", "add", dev_a, "netns", "%s-%s" % (self.prefix, a), "type", "veth",
                            "peer", "name", dev_b, "netns", "%s-%s" % (self.prefix, b)], check=True)
        for ns, dev, v4, v6 in (("client", "c0", "198.51.100.2/24", "2001:db8:100::2/64"),
                                ("host", "up0", "198.51.100.1/24", "2001:db8:100::1/64"),
                                ("host", "virbr0", "192.168.122.1/24", "fd00:122::1/64"),
                                ("guest", "g0", "192.168.122.50/24", "fd00:122::50/64")):
            self.ip(ns, "addr", "add", v4, "dev", dev)
            self.ip(ns, "addr", "add", v6, "dev", dev, "nodad")
            self.ip(ns, "link", "set", dev, "up")
        self.run("host", "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1",
                 "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.up0.rp_filter=0")
        for ns, v4, v6 in (("client", "198.51.100.1", "2001:db8:100::1"), ("guest", "192.168.122.1", "fd00:122::1")):
            self.ip(ns, "route", "add", "default", "via", v4)
            self.ip(ns, "-6", "route", "add", "default", "via", v6)
        for f, via in ((4, "198.51.100.2"), (6, "2001:db8:100::2")):
            self.ip("client", "-%d" % f, "route", "add", "local", SOURCES_NET[f], "dev", "lo")
            self.ip("host", "-%d" % f, "route", "add", SOURCES_NET[f], "via", via)
        self.run("client", "sysctl", "-qw", "net.ipv6.ip_nonlocal_bind=1")
        for v, via in (("-4", "198.51.100.2"), ("-6", "2001:db8:100::2")):
            self.ip("host", v, "route", "add", "default", "via", via)
        self.serve("guest")
        for address in GUEST.values():
            self.wait("an answer from %s" % address, lambda: self.answers(address))

    def answers(self, address):
        """IPv6 needs a second until neighbours hear of each other: what is measured before is lost."""
        try:
            return self.load("client", "rr", "--seconds", 0.02, address, ECHO)["answered"]
        except BenchError:
            return False

    def allow_conntrack(self, flows):
        """Room for many flows in the kernel's table, too; put back at the end. It is one number for all namespaces."""
        if not os.path.exists(CONNTRACK_MAX):
            return
        with open(CONNTRACK_MAX) as f:
            now = int(f.read())
        if now >= flows:
            return
        try:
            with open(CONNTRACK_MAX, "w") as f:
                f.write(str(flows))
            self.conntrack_max = self.conntrack_max or now
        except OSError as e:            # a container's view of it
            print("conntrack's table stays at %d: %s" % (now, e), file=sys.stderr)

    def forget(self):
        """What the kernel tracked for one contender would meet the next one's packets as strangers with the same answers, and drop them."""
        if shutil.which("conntrack"):
            self.run("host", "conntrack", "-F", check=False)

    def down(self):
        for p in list(self.running):
            self.end(p)
        for n in ("client", "host", "guest"):
            self.namespace_del(n)
        if self.conntrack_max:
            with open(CONNTRACK_MAX, "w") as f:
                f.write(str(self.conntrack_max))
        shutil.rmtree(self.dir, ignore_errors=True)


def cpu_busy():
    """CPU seconds that the whole machine has worked, from some beginning: time less what was idle or stolen.

    The kernel measures idle time, but samples work, once a tick: what always works between ticks, as a sender at a steady
    rate does, may count twice or not at all.
    """
    with open("/proc/stat") as f:
        cpus = [line.split() for line in f if line.startswith("cpu")]
    idle, iowait, steal = (int(cpus[0][i]) for i in (4, 5, 8))
    return time.monotonic() * (len(cpus) - 1) - (idle + iowait + steal) / os.sysconf("SC_CLK_TCK")
