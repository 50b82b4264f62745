#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients of the control socket as they should not be: abuse.py SOCKET WHAT
Each prints one line that says what came of it, or stays until it is ended."""
import json
import socket
import sys
import time

path, what = sys.argv[1:3]


def connect():
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(20)
    while True:
        try:
            s.connect(path)
            return s
        except BlockingIOError:     # the backlog is full for a moment
            time.sleep(0.01)


def answer(s):
    got = b""
    while not got.endswith(b"\n"):
        piece = s.recv(65536)
        if not piece:
            return None
        got += piece
    return json.loads(got.splitlines()[-1])


def ask(s, octets):
    s.sendall(octets + b"\n")
    return answer(s)


def say(text):
    print(text, flush=True)


if what == "send":          # one line of any octets, then a good one on the same connection
    s = connect()
    bad = ask(s, sys.argv[3].encode("utf-8", "surrogateescape"))
    good = ask(s, b'{"cmd":"status"}')
    say(f"{bad.get('error')} | {'status' in good}")
elif what == "long":        # longer than any request may be
    s = connect()
    try:
        s.sendall(b'{"cmd":"' + b"x" * 200000)
    except OSError:
        pass
    say(answer(s).get("error"))
    try:
        say("hung up" if s.recv(10) == b"" else "still there")
    except ConnectionResetError:
        say("hung up")
elif what == "pipeline":    # many requests in one write, all answered in order
    s = connect()
    s.sendall(b'{"cmd":"status"}\n' * 50 + b'{"cmd":"nosuch"}\n')
    got, n = b"", 0
    while b"nosuch" not in got:
        piece = s.recv(1 << 20)
        if not piece:
            break
        got += piece
    say(f"{sum(1 for l in got.splitlines() if b'status' in l)} answers")
elif what == "flood":       # nonsense, as fast as it is answered, for ever; many in one write
    s = connect()
    say("flooding")
    while True:
        s.sendall(b'{"cmd":"nosuch"}\n' * 100)
        n = 0
        while n < 100:
            n += s.recv(65536).count(b"\n")
elif what == "half":        # half a request, and gone
    s = connect()
    s.sendall(b'{"cmd":"flo')
    s.close()
    say("gone")
elif what == "deaf":        # asks and asks and never reads
    s = connect()
    s.setblocking(False)
    sent = 0
    try:
        while sent < 10 << 20:
            sent += s.send(b'{"cmd":"status"}\n' * 1000)
    except BlockingIOError:
        pass
    say("full")
    s.setblocking(True)
    s.settimeout(None)
    time.sleep(600)
elif what == "deaf-watch":  # wants every octet of every packet and never reads
    s = connect()
    s.sendall(b'{"cmd":"watch","what":"packets","snap":65535}\n')
    s.recv(1, socket.MSG_PEEK)      # the first packet is on its way, and stays unread
    say("watching")
    time.sleep(600)
elif what == "crowd":       # many at once
    n = int(sys.argv[3])
    kept, refused = [], 0
    for _ in range(n):
        s = connect()
        s.setblocking(False)
        kept.append(s)
    deadline = time.monotonic() + 20
    open_now = list(kept)
    while time.monotonic() < deadline and len(open_now) > 64:
        for s in list(open_now):
            try:
                got = s.recv(4096)
            except BlockingIOError:
                continue
            except OSError:
                got = b""
            if b"too many clients" in got:
                refused += 1
            open_now.remove(s)
        time.sleep(0.02)
    say(f"refused {refused} of {n}")
    time.sleep(600)
