#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""STUN (RFC 8489) with NAT behaviour discovery (RFC 5780), as little as that takes.

stun.py serve A1 A2 P1 P2      answer on all four; CHANGE-REQUEST is obeyed. Prints "listening".
stun.py ask A1 A2 P1 P2        print "mapping KIND filter KIND", as RFC 5780 4.3 and 4.4 find out
"""
import os
import select
import socket
import struct
import sys

COOKIE = 0x2112A442
BINDING, SUCCESS = 0x0001, 0x0101
CHANGE_REQUEST, XOR_MAPPED = 0x0003, 0x0020
CHANGE_IP, CHANGE_PORT = 4, 2


def family(a):
    return socket.AF_INET6 if ":" in a else socket.AF_INET


def bound(a, p):
    s = socket.socket(family(a), socket.SOCK_DGRAM)
    s.bind((a, p))
    return s


def xor_mapped(peer, trans):
    raw = socket.inet_pton(family(peer[0]), peer[0])
    key = struct.pack("!I", COOKIE) + trans
    body = bytes(x ^ k for x, k in zip(raw, key))
    value = struct.pack("!BBH", 0, 2 if len(raw) == 16 else 1, peer[1] ^ (COOKIE >> 16)) + body
    return struct.pack("!HH", XOR_MAPPED, len(value)) + value


def attributes(msg):
    at = 20
    while at + 4 <= len(msg):
        kind, size = struct.unpack_from("!HH", msg, at)
        yield kind, msg[at + 4:at + 4 + size]
        at += 4 + (size + 3) // 4 * 4


def serve(addrs, ports):
    socks = {(a, p): bound(addrs[a], ports[p]) for a in (0, 1) for p in (0, 1)}
    print("listening", flush=True)
    while True:
        for s in select.select(list(socks.values()), [], [])[0]:
            msg, peer = s.recvfrom(2048)
            a, p = next(k for k, v in socks.items() if v is s)
            change = 0
            for kind, value in attributes(msg):
                if kind == CHANGE_REQUEST:
                    change = struct.unpack("!I", value)[0]
            out = socks[(a ^ bool(change & CHANGE_IP), p ^ bool(change & CHANGE_PORT))]
            body = xor_mapped(peer, msg[8:20])
            out.sendto(struct.pack("!HHI", SUCCESS, len(body), COOKIE) + msg[8:20] + body, peer[:2])


def ask(s, to, change=0, tries=3, wait=0.7):
    """The address and port the server saw, or None."""
    trans = os.urandom(12)
    body = struct.pack("!HHI", CHANGE_REQUEST, 4, change) if change else b""
    msg = struct.pack("!HHI", BINDING, len(body), COOKIE) + trans + body
    for _ in range(tries):
        s.sendto(msg, to)
        while select.select([s], [], [], wait)[0]:
            got = s.recv(2048)
            if got[8:20] != trans:
                continue
            for kind, value in attributes(got):
                if kind == XOR_MAPPED:
                    port = struct.unpack_from("!H", value, 2)[0] ^ (COOKIE >> 16)
                    key = struct.pack("!I", COOKIE) + trans
                    raw = bytes(x ^ k for x, k in zip(value[4:], key))
                    return socket.inet_ntop(socket.AF_INET6 if len(raw) == 16 else socket.AF_INET, raw), port
    return None


def classify(addrs, ports):
    # 4.4 first, from a socket of its own: asking A2 would let A2 in.
    s = socket.socket(family(addrs[0]), socket.SOCK_DGRAM)
    if ask(s, (addrs[0], ports[0])) is None:
        return "mapping none filter none"
    if ask(s, (addrs[0], ports[0]), CHANGE_IP | CHANGE_PORT):
        filtering = "endpoint-independent"
    elif ask(s, (addrs[0], ports[0]), CHANGE_PORT):
        filtering = "address-dependent"
    else:
        filtering = "address-and-port"
    s = socket.socket(family(addrs[0]), socket.SOCK_DGRAM)
    one = ask(s, (addrs[0], ports[0]))
    two = ask(s, (addrs[1], ports[0]))
    three = ask(s, (addrs[1], ports[1]))
    mapping = ("endpoint-independent" if one == two == three else
               "address-dependent" if two == three else "address-and-port")
    return f"mapping {mapping} filter {filtering}"


if __name__ == "__main__":
    where = (sys.argv[2:4], [int(p) for p in sys.argv[4:6]])
    if sys.argv[1] == "serve":
        serve(*where)
    print(classify(*where))
