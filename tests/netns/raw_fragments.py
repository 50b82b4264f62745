#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Fragments in every order, and those that must not pass, where the kernel puts none together.

usage: raw_fragments.py CLIENT_NS GUEST_NS UP0_MAC VIRBR0_MAC LOG
Called by 36_fragments.sh. What arrives is still in pieces: they are compared one by one.
"""
import itertools
import struct
import sys

from wire import FRAGMENT, UDP, V4, V6, End, add16

PORT, GPORT = 8080, 80
client = guest = None
ident = 0x4000


def need(truth, text):
    if not truth:
        raise AssertionError(text)


def piece(f, src, dst, proto, whole, at, octets, number, more=None):
    body = whole[at:at + octets]
    if more is None:
        more = at + octets < len(whole)
    if f is V4:
        return f.ip(src, dst, proto, body, ident=number & 0xffff, frag=at // 8 | (0x2000 if more else 0))
    return f.ip(src, dst, proto, body, chain=[(FRAGMENT, b'\0' + struct.pack('!HI', at | more, number))])


def collect(end, src, dst, length):
    """All pieces between two addresses until `length` octets are there."""
    have = {}
    while sum(len(x) for x in have.values()) < length:
        p = end.get(lambda p: p.src == src and p.dst == dst and p.fragment, 3.0)
        need(p, 'have only %s of %d octets' % (sorted((k, len(v)) for k, v in have.items()), length))
        need(p.v == 6 or add16(p.octets[:p.header]) == 0xffff, 'wrong header checksum: %s' % p)
        have[p.offset] = p.l4
    return b''.join(have[k] for k in sorted(have))


def orders(f):
    """Out and back, all 24 orders of four pieces, UDP."""
    global ident
    data = bytes(i % 251 for i in range(3001))
    for order in itertools.permutations(range(4)):
        ident += 1
        s = 20000 + ident % 1000
        for src, dst, sport, dport, here, there, want_src, want_dst, ports in (
                (f.client, f.hy, s, PORT, client, guest, f.client, f.guest, (s, GPORT)),
                (f.guest, f.client, GPORT, s, guest, client, f.hy, f.client, (PORT, s))):
            whole = f.udp(src, dst, sport, dport, data)[20 if f is V4 else 40:]
            pieces = [piece(f, src, dst, UDP, whole, at, 800, ident) for at in range(0, len(whole), 800)]
            for i in order:
                here.send(pieces[i])
            try:
                got = collect(there, want_src, want_dst, len(whole))
            except AssertionError as e:
                raise AssertionError('order %s from %s: %s' % (order, src, e)) from e
            need(struct.unpack('!HH', got[:4]) == ports, 'ports %s' % (struct.unpack('!HH', got[:4]),))
            need(got[8:] == data, 'payload changed')
            need(f.l4_sum(want_src, want_dst, UDP, got) == 0xffff, 'wrong checksum')


def sizes(f):
    """No piece grows, DF stays on those that had it, and a too-small path MTU is passed on as it is."""
    global ident
    ident += 1
    whole = f.udp(f.client, f.hy, 4443, PORT, bytes(3001))[20 if f is V4 else 40:]
    for at in range(0, len(whole), 800):
        p = piece(f, f.client, f.hy, UDP, whole, at, 800, ident)
        if f is V4:     # RFC 6864: a sender may well cut what it then forbids to cut
            p = f.ip(f.client, f.hy, UDP, whole[at:at + 800], ident=ident, frag=0x4000 | at // 8 | (0x2000 if at + 800 < len(whole) else 0))
        client.send(p)
    got = {}
    while sum(got.values()) < len(whole):
        p = guest.get(lambda p: p.src == f.client and p.dst == f.guest and p.fragment and p.id == ident, 3.0)
        need(p, 'have only %s' % got)
        need(f is V6 or p.frag & 0x4000, 'DF is gone: %s' % p)
        got[p.offset] = len(p.l4)
    need(got == {at: min(800, len(whole) - at) for at in range(0, len(whole), 800)}, 'other sizes: %s' % got)


def options_behind(f):
    """The fragment header names destination options: of later pieces no protocol can be told."""
    global ident
    ident += 1
    data = bytes(i % 249 for i in range(2500))
    body = bytes((UDP, 0, 1, 4, 0, 0, 0, 0)) + f.udp(f.client, f.hy, 4446, PORT, data)[40:]
    for at in range(0, len(body), 800):
        client.send(piece(f, f.client, f.hy, 60, body, at, 800, ident))
    have = {}
    while sum(len(x) for x in have.values()) < len(body):
        p = guest.get(lambda p: p.src == f.client and p.dst == f.guest and p.fragment and p.id == ident, 3.0)
        need(p, 'have only %s of %d octets' % (sorted((k, len(v)) for k, v in have.items()), len(body)))
        have[p.offset] = p.octets[48:]
    got = b''.join(have[k] for k in sorted(have))
    need(got[:8] == body[:8] and struct.unpack('!HH', got[8:12]) == (4446, GPORT) and got[16:] == data, 'changed')


def tiny(f):
    """A first piece of TCP that ends before the flags, and one that would write over them."""
    global ident
    for size in (8, 16):
        ident += 1
        whole = f.tcp(f.client, f.hx, 4444, PORT, 2, 1, 0, b'x' * 40)[20 if f is V4 else 40:]
        for at in range(0, len(whole), size):
            client.send(piece(f, f.client, f.hx, 6, whole, at, size, ident))
    alive(f)
    need(not [p for p in guest.heard if p.proto == 6], 'it passed')
    if f is V6:     # RFC 7112 5: who cuts the chain of headers is told
        p = client.get(lambda p: p.proto == f.icmp and (p.type, p.code) == (4, 3), 3.0)
        need(p and p.src == f.hx and p.right and p.payload[24:40] == f.octets(f.hx), 'no parameter problem: %s' % p)


def overlap(f):
    """A piece that reaches into the first one ends the datagram; what comes after it does not pass."""
    global ident
    ident += 1
    whole = f.udp(f.client, f.hy, 4445, PORT, bytes(400))[20 if f is V4 else 40:]
    client.send(piece(f, f.client, f.hy, UDP, whole, 0, 160, ident))
    client.send(piece(f, f.client, f.hy, UDP, whole, 152, 80, ident))
    client.send(piece(f, f.client, f.hy, UDP, whole, 160, 248, ident))
    alive(f)
    p = guest.get(lambda p: p.fragment and p.offset > 0 and p.src == f.client, 0)
    need(p is None, 'it passed: %s' % p)


def flood(f):
    """Thousands of pieces whose first never comes: whole packets pass, and so does a datagram in order."""
    global ident
    whole = bytes(200)
    for n in range(3000):
        client.send(piece(f, f.client2, f.hy, UDP, whole, 80, 80, 0x8000 + n, True))
        if n % 500 == 0:
            alive(f)
    orders(f)


def alive(f):
    """A whole packet passes; then all that was sent before it has been decided."""
    global ident
    ident += 1
    s = 30000 + ident % 1000
    client.send(f.udp(f.client, f.hy, s, PORT, b'still there'))
    heard = []
    p = guest.get(lambda p: heard.append(p) or (p.proto == UDP and p.sport == s), 5.0)
    need(p and p.dst == f.guest and p.payload == b'still there', 'a whole packet did not pass')
    guest.heard = heard[:-1] + guest.heard


def main():
    global client, guest
    client_ns, guest_ns, up0, virbr0 = sys.argv[1:5]
    client = End(client_ns, '02:00:00:00:00:77', up0)
    guest = End(guest_ns, '02:00:00:00:00:60', virbr0)
    for name, fn in (('R64_fragments_in_every_order', orders), ('R63_pieces_keep_their_size', sizes), ('R72_options_behind_the_fragment_header', options_behind), ('R67_tiny_first_fragments', tiny), ('R68_overlap', overlap),
                     ('R70_fragment_flood', flood)):
        for f in (V4, V6)[fn is options_behind:]:
            client.clear()
            guest.clear()
            try:
                fn(f)
                print('ok %s_%s' % (name, f.name), flush=True)
            except AssertionError as e:
                print('not ok %s_%s: %s' % (name, f.name, e), flush=True)


main()
