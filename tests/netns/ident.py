#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Two guests whose kernels have picked the same identification, and a receiver that puts the pieces together.

usage: ident.py CLIENT_NS GUEST_NS GUEST2_NS NAME
Called by 35_identification.sh. The pieces are sent by turns; the client's own kernel reassembles.
"""
import ctypes
import os
import socket
import struct
import sys

from wire import FRAGMENT, UDP, V4, V6, End

HOST = {V4: '198.51.100.1', V6: '2001:db8:100::1'}
CLIENT = {V4: '198.51.100.2', V6: '2001:db8:100::2'}
GUESTS = {V4: ('192.168.122.50', '192.168.122.51'), V6: ('fd00:122::50', 'fd00:122::51')}
ROUNDS = 20


def need(truth, text):
    if not truth:
        raise AssertionError(text)


def inside(ns, make):
    """What `make` returns, made in another namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    here = os.open('/proc/self/ns/net', os.O_RDONLY)
    there = os.open('/run/netns/' + ns, os.O_RDONLY)
    if libc.setns(there, 0):
        raise OSError(ctypes.get_errno(), 'setns ' + ns)
    try:
        return make()
    finally:
        libc.setns(here, 0)
        os.close(here)
        os.close(there)


def udp_socket(f, port):
    s = socket.socket(f.af, socket.SOCK_DGRAM)
    s.bind(('', port))
    s.settimeout(5)
    return s


def raw_socket(f):
    s = socket.socket(f.af, socket.SOCK_RAW, socket.IPPROTO_RAW)
    if f is V4:
        s.setsockopt(socket.IPPROTO_IP, socket.IP_HDRINCL, 1)
    return s


def pieces(f, src, dst, sport, dport, data, number):
    whole = f.udp(src, dst, sport, dport, data)[20 if f is V4 else 40:]
    for at in range(0, len(whole), 1200):
        body, more = whole[at:at + 1200], at + 1200 < len(whole)
        if f is V4:
            yield f.ip(src, dst, UDP, body, ident=number, frag=at // 8 | (0x2000 if more else 0))
        else:
            yield f.ip(src, dst, UDP, body, chain=[(FRAGMENT, b'\0' + struct.pack('!HI', at | more, number))])


def by_turns(f, raw, sport, dport, data, number):
    """Both guests' pieces, in an order that a receiver who mixes them up does not survive."""
    sent = [list(pieces(f, GUESTS[f][i], CLIENT[f], sport[i], dport, data[i], number)) for i in (0, 1)]
    for pair in zip(*sent):
        for i in (0, 1):
            raw[i].sendto(pair[i], (CLIENT[f], 0))


def identifications(wire, f, count):
    """Identifications of `count` datagrams' first pieces, as they come from the host."""
    seen = []
    while len(seen) < count:
        p = wire.get(lambda p: p.src == HOST[f] and p.proto == UDP and p.fragment and p.offset == 0, 3.0)
        need(p, 'saw only %d of %d first pieces' % (len(seen), count))
        seen.append(p.id)
    return seen


def run(f, client_ns, guest_ns, forwards):
    wire = End(client_ns, '02:00:00:00:00:77', '02:00:00:00:00:78')
    wire.mac = wire.sock.getsockname()[4]       # it only listens
    receiver = inside(client_ns, lambda: udp_socket(f, 5353))
    bound = [inside(ns, lambda: udp_socket(f, 9001)) for ns in guest_ns]
    raw = [inside(ns, lambda: raw_socket(f)) for ns in guest_ns]
    if forwards:
        for i in (0, 1):
            receiver.sendto(b'call', (HOST[f], 9001 + i))
            bound[i].recv(100)
    for n in range(ROUNDS):
        data = [bytes((i + n + 7 * k) % 251 for k in range(5000)) for i in (0, 1)]
        by_turns(f, raw, (9001, 9001) if forwards else (7001, 7002), 5353, data, 0x4242)
        got = {}
        for _ in (0, 1):
            try:
                octets, peer = receiver.recvfrom(65536)
            except TimeoutError:
                raise AssertionError('round %d: only %s arrived' % (n, sorted(got))) from None
            got[peer[1]] = octets
        need(len(got) == 2 and sorted(got.values()) == sorted(data), 'round %d: mixed up' % n)
    ids = identifications(wire, f, 2 * ROUNDS)
    need(len(set(ids)) == 2 * ROUNDS, 'one identification twice: %s' % ids)


def main():
    client_ns, guest1, guest2, name = sys.argv[1:5]
    for what, forwards in (('masqueraded_guests', False), ('guests_behind_one_address', True)):
        for f in (V4, V6):
            test = 'R28_%s_%s_%s' % (what, name, f.name)
            try:
                run(f, client_ns, (guest1, guest2), forwards)
                print('ok', test, flush=True)
            except AssertionError as e:
                print('not ok %s: %s' % (test, e), flush=True)


if __name__ == '__main__':
    main()
