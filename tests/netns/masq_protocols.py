#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Two guests speak SCTP, DCCP and UDP-Lite from one port to one server: it tells them apart, and both are answered.

usage: masq_protocols.py CLIENT_NS GUEST_NS GUEST2_NS
Called by 37_masquerade.sh. Raw sockets: the kernel need not know the protocols.
"""
import socket
import struct
import sys

from ident import CLIENT, GUESTS, HOST, inside, need
from raw_protocols import DCCP, SCTP, UDPLITE, covered, dccp, lite, sctp, sctp_good
from wire import V4, V6

SERVER, PORT = 80, 7000


def open_raw(f, proto):
    s = socket.socket(f.af, socket.SOCK_RAW, proto)
    s.settimeout(5)
    return s


def receive(f, s):
    octets, peer = s.recvfrom(4096)
    return (octets[(octets[0] & 15) * 4:] if f is V4 else octets), peer[0]


def call(f, proto, src, dst, sport, dport, answer):
    if proto == SCTP:
        return sctp(sport, dport, 2 if answer else 1, b'sixteen octets..')
    if proto == DCCP:
        return dccp(f, src, dst, sport, dport, 1 if answer else 0, b'hello')
    return lite(f, src, dst, sport, dport, b'hello, not all of it covered', 16)


def good(f, proto, src, dst, l4):
    if proto == SCTP:
        return sctp_good(l4)
    return covered(f, src, dst, proto, l4, struct.unpack('!H', l4[4:6])[0] if proto == UDPLITE else len(l4)) == 0xffff


def run(f, proto, client_ns, guest_ns):
    server = inside(client_ns, lambda: open_raw(f, proto))
    raw = [inside(ns, lambda: open_raw(f, proto)) for ns in guest_ns]
    ports = []
    for i in (0, 1):
        raw[i].sendto(call(f, proto, GUESTS[f][i], CLIENT[f], PORT, SERVER, False), (CLIENT[f], 0))
        l4, peer = receive(f, server)
        sport, dport = struct.unpack('!HH', l4[:4])
        need(peer == HOST[f] and dport == SERVER, 'came from %s to port %d' % (peer, dport))
        need(good(f, proto, HOST[f], CLIENT[f], l4), 'wrong checksum on the way out')
        ports.append(sport)
    need(ports[0] == PORT, 'port %d is not kept: %d' % (PORT, ports[0]))
    need(ports[1] != PORT, 'both have one port')
    for i in (1, 0):
        server.sendto(call(f, proto, CLIENT[f], HOST[f], SERVER, ports[i], True), (HOST[f], 0))
        l4, peer = receive(f, raw[i])
        need(peer == CLIENT[f] and struct.unpack('!HH', l4[:4]) == (SERVER, PORT), 'the answer came from %s %s' % (peer, l4[:4].hex()))
        need(good(f, proto, CLIENT[f], GUESTS[f][i], l4), 'wrong checksum on the way back')


def main():
    client_ns, guest1, guest2 = sys.argv[1:4]
    for name, proto in (('R18_R84_sctp', SCTP), ('R18_R85_dccp', DCCP), ('R18_R85_udplite', UDPLITE)):
        for f in (V4, V6):
            test = '%s_of_two_guests_%s' % (name, f.name)
            try:
                run(f, proto, client_ns, (guest1, guest2))
                print('ok', test, flush=True)
            except (AssertionError, TimeoutError) as e:
                print('not ok %s: %s' % (test, e), flush=True)


if __name__ == '__main__':
    main()
