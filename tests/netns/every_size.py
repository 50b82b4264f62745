#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Ping of every size: every_size.py ADDRESS FROM TO STEP. Each must come back as it was; a lost one is asked again.
Some are on the way at once. The kernel's ping sockets: net.ipv4.ping_group_range must let us."""
import os
import select
import socket
import struct
import sys
import time

address, first, last, step = sys.argv[1], *map(int, sys.argv[2:5])
v6 = ":" in address
s = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMPV6 if v6 else socket.IPPROTO_ICMP)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUFFORCE if hasattr(socket, "SO_RCVBUFFORCE") else 33, 8 << 20)
s.connect((address, 0))
octets = os.urandom(last + 1)
todo, waiting, asked_again, done = list(range(first, last + 1, step))[::-1], {}, 0, 0
total = len(todo)
while todo or waiting:
    while todo and len(waiting) < 8:
        n = todo.pop()
        # The sequence number is the size: no two are on the way at once.
        s.send(struct.pack("!BBHHH", 128 if v6 else 8, 0, 0, 0, n) + octets[:n])
        waiting[n] = time.monotonic() + 3
    if select.select([s], [], [], 0.5)[0]:
        got = s.recv(70000)
        n = struct.unpack_from("!H", got, 6)[0]
        if n in waiting:
            if got[8:] != octets[:n]:
                sys.exit("size %d came back as something else" % n)
            del waiting[n]
            done += 1
    now = time.monotonic()
    for n in [n for n, until in waiting.items() if until < now]:
        del waiting[n]
        todo.append(n)
        asked_again += 1
        if asked_again > 50:
            sys.exit("size %d and others are not answered; %d of %d were" % (n, done, total))
print("%d sizes answered, %d asked again" % (done, asked_again))
