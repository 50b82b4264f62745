# SPDX-License-Identifier: GPL-2.0-or-later
"""What is compared: each forwards the host's ports 8080 (bulk), 8081 (echo) and 8082 (sink) to the guest.

A contender says why it is missing, starts, stops, and names where the client sends to.
"""
import os
import shutil

from lab import BULK, ECHO, GUEST, HOST, SHIFT, SINK

PORTS = (BULK, ECHO, SINK)
TCP_PORTS = (BULK, ECHO)


class Setup:
    """What a group of scenarios needs: all contenders are started anew for it."""

    def __init__(self, one_cpu=False, flows=0, rows=0):
        self.one_cpu, self.flows, self.rows = one_cpu, flows, rows

    def key(self):
        return (self.one_cpu, self.flows, self.rows)


class Contender:
    name = what = ""
    udp = True              # carries UDP too
    rows = False            # can have a large mapping table
    packages = ()           # Debian's, for who wants it
    programs = ()           # on the PATH, or it is missing
    ns = "guest"            # where its packets end

    def missing(self, lab):
        gone = [p for p in self.programs if not shutil.which(p)]
        return "no %s; apt-get install %s" % (", ".join(gone), " ".join(self.packages)) if gone else None

    def to(self, family, port):
        return HOST[family], port + SHIFT

    def up(self, lab, setup):
        pass

    def down(self, lab):
        pass


class Program(Contender):
    """One that is a process."""

    def start(self, lab, *argv):
        self.log = os.path.join(lab.dir, self.name + ".log")
        self.process = lab.spawn("host", *argv, log=self.log)

    def wait_listen(self, lab):
        for port in TCP_PORTS:
            lab.wait_listen("host", port + SHIFT, self.log)

    def down(self, lab):
        lab.end(self.process)

    def write(self, lab, name, text):
        path = os.path.join(lab.dir, name)
        with open(path, "w") as f:
            f.write(text)
        return path


class Nfqnat(Program):
    name, what, rows = "nfqnat", "nfqnatd, as users run it", True
    settings, workers = "", None            # None: one on each CPU

    def missing(self, lab):
        return None if lab.nfqnatd() else "neither built (make) nor installed"

    def config(self, setup):
        workers = 1 if setup.one_cpu else self.workers or os.cpu_count()
        publish = ['"%d:%d%s"' % (p + SHIFT, p, proto) for p in PORTS for proto in ("", "/udp")]
        text = "workers: %d\n%s" % (workers, self.settings)
        if setup.flows:
            text += "max-flows: %d\n" % (setup.flows * 3 // 2)
        text += "forwards:\n  - name: bench\n    to: [%s, \"%s\"]\n    publish: [%s]\n" % (GUEST[4], GUEST[6], ", ".join(publish))
        if setup.rows:
            # Every second port, so that no two rows can be merged into one.
            rows = ["%d:%d" % (10000 + 2 * (i % 25000), 20000 + i % 1000) + "/%s" % ("tcp", "udp")[i // 25000 % 2]
                    for i in range(setup.rows)]
            text += "  - name: many\n    to: 192.168.122.51\n    publish: [%s]\n" % ", ".join('"%s"' % r for r in rows[:50000])
        return text

    def up(self, lab, setup):
        self.path = self.write(lab, self.name + ".yaml", self.config(setup))
        self.socket = os.path.join(lab.dir, self.name + ".sock")
        self.start(lab, lab.nfqnatd(), "--config", self.path, "--control", self.socket)
        lab.wait_log(self.log, "ready:", 60)


class NfqnatWhole(Nfqnat):
    name, what = "nfqnat-whole", "nfqnatd with `headers-only: off`: every packet of TCP comes whole"
    settings = "headers-only: off\n"


class NfqnatOne(Nfqnat):
    name, what, workers = "nfqnat-one", "nfqnatd with `workers: 1`", 1


class Queue(Program):
    """NFQUEUE programs that are not nfqnat: the same hooks, other hands."""

    def rules(self, lab, verb):
        check = verb == "-A"        # one that did not start has none
        for family, tool in ((4, "iptables"), (6, "ip6tables")):
            lab.run("host", tool, "-w", verb, "FORWARD", "-t", "mangle", "-d", GUEST[family],
                    "-m", "conntrack", "--ctstate", "NEW", "-j", "ACCEPT", check=check)
            for proto, first in (("tcp", 0), ("udp", self.second)):
                queue = ["--queue-num", first] if self.workers == 1 else \
                    ["--queue-balance", "%d:%d" % (first, first + self.workers - 1)] + \
                    (["--queue-cpu-fanout"] if proto == "udp" else [])      # as nfqnatd's: docs/decisions/0005
                for port in PORTS:
                    lab.run("host", tool, "-w", verb, "PREROUTING", "-t", "raw", "-d", self.inbound[family], "-p", proto,
                            "--dport", port + self.shift, "-j", "NFQUEUE", *queue, check=check)
                    lab.run("host", tool, "-w", verb, "POSTROUTING", "-t", "mangle", "-s", GUEST[family], "-p", proto,
                            "--sport", port, "-j", "NFQUEUE", *queue, check=check)

    def down(self, lab):
        self.rules(lab, "-D")
        super().down(lab)


class Accept(Queue):
    name, what = "accept", "an NFQUEUE program with the same queues and flags as nfqnat that changes nothing: the limit of this road"
    packages, programs = ("iptables",), ("iptables", "ip6tables")
    shift, inbound, options = 0, GUEST, ("-h",)

    def to(self, family, port):
        return GUEST[family], port

    def up(self, lab, setup):
        self.workers = self.second = 1 if setup.one_cpu else os.cpu_count()
        self.start(lab, lab.tool("accept"), *self.options, 0, self.workers)
        lab.wait_log(self.log, "ready")
        self.rules(lab, "-A")


class AcceptWhole(Accept):
    name, what = "accept-whole", "the same with whole packets of TCP, each given back: the limit of nfqnat-whole"
    options = ()


class Textbook(Queue):
    name, what = "textbook", "a libnetfilter_queue NAT as one writes it first: one packet, one verdict"
    packages, programs = ("iptables",), ("iptables", "ip6tables")
    shift, inbound = SHIFT, HOST

    def up(self, lab, setup):
        self.workers, self.second = 1, 0
        ports = [p for port in PORTS for p in (port + SHIFT, port)]
        self.start(lab, lab.tool("textbook"), 0, HOST[4], GUEST[4], HOST[6], GUEST[6], *ports)
        lab.wait_log(self.log, "ready")
        self.rules(lab, "-A")


class DnatNft(Contender):
    name, what, rows = "dnat-nft", "the kernel's own DNAT, nft", True
    packages, programs = ("nftables",), ("nft",)

    def up(self, lab, setup):
        lines = []
        for port in PORTS:
            for proto in ("tcp", "udp"):
                lines.append("ip daddr %s %s dport %d dnat ip to %s:%d" % (HOST[4], proto, port + SHIFT, GUEST[4], port))
                lines.append("ip6 daddr %s %s dport %d dnat ip6 to [%s]:%d" % (HOST[6], proto, port + SHIFT, GUEST[6], port))
        text = "table inet bench {\n"
        if setup.rows:
            many = ", ".join("%d : 192.168.122.51 . %d" % (10000 + 2 * (i % 25000), 20000 + i % 1000) for i in range(min(setup.rows, 25000)))
            text += "map many { type inet_service : ipv4_addr . inet_service; elements = { %s } }\n" % many
            lines += ["ip daddr %s dnat ip to tcp dport map @many" % HOST[4]]
        text += "chain pre { type nat hook prerouting priority -100;\n%s\n}\n}\n" % "\n".join(lines)
        lab.run("host", "nft", "-f", "-", stdin=text)

    def down(self, lab):
        lab.run("host", "nft", "delete", "table", "inet", "bench")


class DnatIptables(Contender):
    name, what = "dnat-iptables", "the kernel's own DNAT, iptables"
    packages, programs = ("iptables",), ("iptables", "ip6tables")

    def rules(self, lab, verb):
        for family, tool in ((4, "iptables"), (6, "ip6tables")):
            for port in PORTS:
                for proto in ("tcp", "udp"):
                    to = ("%s:%d" if family == 4 else "[%s]:%d") % (GUEST[family], port)
                    lab.run("host", tool, "-w", "-t", "nat", verb, "PREROUTING", "-d", HOST[family], "-p", proto,
                            "--dport", port + SHIFT, "-j", "DNAT", "--to-destination", to)

    def up(self, lab, setup):
        self.rules(lab, "-A")

    def down(self, lab):
        self.rules(lab, "-D")


class Route(Contender):
    name, what = "route", "no translation at all, conntrack on: the limit of forwarding"
    packages, programs = ("iptables",), ("iptables", "ip6tables")

    def to(self, family, port):
        return GUEST[family], port

    def rules(self, lab, verb):
        for tool in ("iptables", "ip6tables"):
            lab.run("host", tool, "-w", verb, "FORWARD", "-m", "conntrack", "--ctstate", "NEW", "-j", "ACCEPT")

    def up(self, lab, setup):
        self.rules(lab, "-A")

    def down(self, lab):
        self.rules(lab, "-D")


class Socat(Program):
    name, what, udp = "socat", "a process for each connection", False
    packages, programs = ("socat",), ("socat",)

    def up(self, lab, setup):
        self.log, self.processes = os.path.join(lab.dir, "socat.log"), []
        for family in (4, 6):
            for port in TCP_PORTS:
                at = "TCP%d-LISTEN:%d,bind=%s,fork,reuseaddr,backlog=1024" % (family, port + SHIFT, HOST[family] if family == 4 else "[%s]" % HOST[6])
                to = "TCP%d:%s:%d" % (family, GUEST[family] if family == 4 else "[%s]" % GUEST[6], port)
                self.processes.append(lab.spawn("host", "socat", "-b", "131072", at, to, log=self.log))
        self.wait_listen(lab)

    def down(self, lab):
        for p in self.processes:
            lab.end(p)


class Haproxy(Program):
    name, what, udp = "haproxy", "a proxy that splices, tcp mode", False
    packages, programs = ("haproxy",), ("haproxy",)

    def up(self, lab, setup):
        text = "global\n  maxconn 4096\ndefaults\n  mode tcp\n  option splice-auto\n" \
               "  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n"
        for family in (4, 6):
            for port in TCP_PORTS:
                text += "listen f%d_%d\n  bind %s:%d\n  server g %s:%d\n" % (
                    family, port, HOST[family], port + SHIFT, GUEST[family], port)
        self.start(lab, "haproxy", "-db", "-f", self.write(lab, "haproxy.cfg", text))
        self.wait_listen(lab)


class Nginx(Program):
    name, what = "nginx", "a proxy, stream module, TCP and UDP"
    packages, programs = ("nginx-light", "libnginx-mod-stream"), ("nginx",)
    module = "/usr/lib/nginx/modules/ngx_stream_module.so"

    def missing(self, lab):
        return super().missing(lab) or (None if os.path.exists(self.module) else "no stream module; apt-get install libnginx-mod-stream")

    def up(self, lab, setup):
        text = "load_module %s;\ndaemon off;\nuser root;\nworker_processes auto;\nerror_log %s/nginx.err;\npid %s/nginx.pid;\n" \
               "events { worker_connections 16384; }\nstream {\n" % (self.module, lab.dir, lab.dir)
        for family in (4, 6):
            host, guest = (a[family] if family == 4 else "[%s]" % a[family] for a in (HOST, GUEST))
            for port in PORTS:
                text += "server { listen %s:%d udp reuseport; proxy_pass %s:%d; proxy_timeout 5s; }\n" % (host, port + SHIFT, guest, port)
                if port in TCP_PORTS:
                    text += "server { listen %s:%d backlog=4096; proxy_pass %s:%d; }\n" % (host, port + SHIFT, guest, port)
        self.start(lab, "nginx", "-c", self.write(lab, "nginx.conf", text + "}\n"), "-p", lab.dir)
        self.wait_listen(lab)


class Rinetd(Program):
    name, what, udp = "rinetd", "a single-process TCP redirector", False
    packages, programs = ("rinetd",), ("rinetd",)

    def up(self, lab, setup):
        text = "".join("%s %d %s %d\n" % (HOST[f], port + SHIFT, GUEST[f], port) for f in (4, 6) for port in TCP_PORTS)
        self.start(lab, "rinetd", "-f", "-c", self.write(lab, "rinetd.conf", text))
        self.wait_listen(lab)


class SocketProxyd(Program):
    name, what, udp = "socket-proxyd", "systemd-socket-proxyd, which splices", False
    packages, programs = ("systemd",), ("systemd-socket-activate",)
    proxyd = "/lib/systemd/systemd-socket-proxyd"

    def up(self, lab, setup):
        self.log, self.processes = os.path.join(lab.dir, "proxyd.log"), []
        for family in (4, 6):
            host = HOST[family] if family == 4 else "[%s]" % HOST[family]
            for port in TCP_PORTS:
                # It takes the address to be all before the last colon, brackets included.
                self.processes.append(lab.spawn("host", "systemd-socket-activate", "-l", "%s:%d" % (host, port + SHIFT), self.proxyd,
                                                "--connections-max=4096", "%s:%d" % (GUEST[family], port), log=self.log))
        self.wait_listen(lab)

    def down(self, lab):
        for p in self.processes:
            lab.end(p)


class Pasta(Program):
    """passt's pasta puts a tap of its own into a namespace: so it has a guest of its own, with the same services."""
    name, what, ns = "pasta", "passt's pasta: sockets on the host, a tap into a guest of its own", "pasta"
    packages, programs = ("passt",), ("pasta",)

    def up(self, lab, setup):
        tcp = ",".join("%d:%d" % (p + SHIFT, p) for p in TCP_PORTS)
        udp = ",".join("%d:%d" % (p + SHIFT, p) for p in PORTS)
        lab.namespace("pasta")
        self.services = lab.serve("pasta")
        self.start(lab, "pasta", "-f", "-q", "--runas", "0", "--config-net", "-i", "up0", "-I", "pasta0", "-t", tcp, "-u", udp,
                   "--netns", lab.netns("pasta"))
        self.wait_listen(lab)

    def down(self, lab):
        super().down(lab)
        for p in self.services:
            lab.end(p)
        lab.namespace_del("pasta")


CONTENDERS = [Nfqnat(), Accept(), NfqnatOne(), NfqnatWhole(), AcceptWhole(), Textbook(), DnatNft(), DnatIptables(), Route(), Haproxy(), Nginx(),
              Socat(), Rinetd(), SocketProxyd(), Pasta()]
