# SPDX-License-Identifier: GPL-2.0-or-later
"""Who else is busy with nfqnatd while packets are measured: watchers, and clients as they should not be.

Each is a function (lab, contender) -> list of processes, all of which lab.end() ends.
As a program: beside.py SOCKET deaf|watch|flood|crowd, one bad client.
"""
import json
import os
import socket
import sys
import time

WATCH = json.dumps({"cmd": "watch", "what": "packets", "snap": 65535}).encode() + b"\n"


def ask_in(lab, contender, *words):
    return json.loads(lab.run("host", lab.nfqnatctl(), "--json", "--socket", contender.socket, *words).splitlines()[0])


def watchers(lab, contender, n):
    lab.wait("%d watchers" % n, lambda: ask_in(lab, contender, "status")["watchers"]["now"] == n)


def client(lab, contender, what):
    return lab.spawn("host", sys.executable, os.path.realpath(__file__), contender.socket, what, log=os.path.join(lab.dir, "beside." + what))


def ctl(lab, contender, *words):
    p = lab.spawn("host", lab.nfqnatctl(), "--socket", contender.socket, *words, log=os.devnull)
    watchers(lab, contender, 1)
    return [p]


def trace_others(lab, contender):
    """A trace whose filter no packet matches."""
    return ctl(lab, contender, "trace", "port", "9")


def trace_slow(lab, contender):
    """A trace of every packet, whose reader takes a few of them and then sleeps."""
    p = client(lab, contender, "watch")
    watchers(lab, contender, 1)
    return [p]


def capture(lab, contender):
    """Every packet whole, before and after, to a file that keeps nothing."""
    return ctl(lab, contender, "capture", os.devnull)


def abuse(lab, contender):
    """One that never reads, a watcher that hardly does, one that asks nonsense without a pause, and a thousand that only connect.

    What they burn themselves any program could: they have only the CPU time that others leave. What nfqnatd does for them counts.
    """
    p = [client(lab, contender, what) for what in ("deaf", "watch", "flood", "crowd")]
    lab.wait_log(os.path.join(lab.dir, "beside.crowd"), "connected")
    return p


# ---- a bad client ----

def connect(path):
    s = socket.socket(socket.AF_UNIX)
    while True:
        try:
            s.connect(path)
            return s
        except (BlockingIOError, ConnectionRefusedError):
            time.sleep(0.01)


def ask(path, lines, answers):
    """The same question without a pause, again and again when it is hung up on."""
    while True:
        s = connect(path)
        try:
            while True:
                s.sendall(lines)
                if answers:
                    s.recv(65536)
        except OSError:
            time.sleep(0.01)


def deaf(path):
    ask(path, b'{"cmd":"flows"}\n' * 100, False)


def watch(path):
    s = connect(path)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.sendall(WATCH)
    while s.recv(512):
        time.sleep(0.1)


def flood(path):
    ask(path, b'{"cmd":"nonsense"}\n', True)


def crowd(path):
    kept = [connect(path) for _ in range(1000)]
    print("connected", flush=True)
    while kept:
        time.sleep(60)


if __name__ == "__main__":
    os.nice(19)
    {"deaf": deaf, "watch": watch, "flood": flood, "crowd": crowd}[sys.argv[2]](sys.argv[1])
