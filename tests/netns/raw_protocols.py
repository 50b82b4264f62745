#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Protocols that this kernel has no sockets for, as octets: there and back, with every checksum.

usage: raw_protocols.py CLIENT_NS GUEST_NS UP0_MAC VIRBR0_MAC
Called by 37_protocols.sh.
"""
import struct
import sys

from wire import V4, V6, End, add16

PORT, GPORT = 8080, 80
DCCP, GRE, ESP, SCTP, UDPLITE, EXPERIMENT = 33, 47, 50, 132, 136, 253
client = guest = None
next_port = 20000


def need(truth, text):
    if not truth:
        raise AssertionError(text)


def port():
    global next_port
    next_port += 1
    return next_port


def crc32c(data):
    c = 0xffffffff
    for octet in data:
        c ^= octet
        for _ in range(8):
            c = c >> 1 ^ 0x82f63b78 if c & 1 else c >> 1
    return c ^ 0xffffffff


def sctp(sport, dport, chunk, body=b'', tag=0x1234, wrong=0):
    head = struct.pack('!HHI', sport, dport, 0 if chunk == 1 else tag)
    tail = struct.pack('!BBH', chunk, 0, 4 + len(body)) + body
    tail += b'\0' * (-len(tail) % 4)
    return head + struct.pack('<I', crc32c(head + b'\0\0\0\0' + tail) ^ wrong) + tail


def sctp_good(l4):
    return struct.unpack('<I', l4[8:12])[0] == crc32c(l4[:8] + b'\0\0\0\0' + l4[12:])


def covered(f, src, dst, proto, l4, n):
    """What the sum of a protocol with partial coverage adds up to."""
    return add16(f.pseudo(src, dst, proto, len(l4)) + l4[:n] + (b'\0' if n % 2 else b''))


def lite(f, src, dst, sport, dport, payload, coverage):
    l4 = struct.pack('!HHHH', sport, dport, coverage, 0) + payload
    c = 0xffff - covered(f, src, dst, UDPLITE, l4, coverage or len(l4)) or 0xffff
    return l4[:6] + struct.pack('!H', c) + l4[8:]


def dccp(f, src, dst, sport, dport, kind, payload=b''):
    l4 = struct.pack('!HHBBHBBHI', sport, dport, 4, 0, 0, kind << 1 | 1, 0, 0, 7) + payload
    return l4[:6] + struct.pack('!H', 0xffff - covered(f, src, dst, DCCP, l4, len(l4))) + l4[8:]


def through(f, proto, out, back, good):
    """`out` and `back` build a message from two ends; it must arrive with the other ends, good, and else as it was."""
    s = port()
    for here, there, src, dst, sport, dport, wsrc, wdst, wsport, wdport, build in (
            (client, guest, f.client, f.hx, s, PORT, f.client, f.guest, s, GPORT, out),
            (guest, client, f.guest, f.client, GPORT, s, f.hx, f.client, PORT, s, back)):
        sent = build(src, dst, sport, dport)
        here.send(f.ip(src, dst, proto, sent))
        p = there.get(lambda p, a=wsrc, b=wdst: p.proto == proto and (p.src, p.dst) == (a, b), 3.0)
        need(p, 'nothing came from %s' % src)
        need(p.l4 == build(wsrc, wdst, wsport, wdport), 'not what it should be: %s' % p)
        need(good(wsrc, wdst, p.l4), 'wrong checksum: %s' % p)


def t_sctp(f):
    for chunk, answer in ((1, 2), (10, 11), (0, 3), (7, 8)):
        for size in (0, 1, 333, 1400):
            through(f, SCTP, lambda a, b, s, d: sctp(s, d, chunk if chunk == 1 else 0, bytes(size)),
                    lambda a, b, s, d: sctp(s, d, answer, bytes(size)), lambda a, b, l4: sctp_good(l4))


def t_association(f):
    """Every chunk of a life, on one pair of ports."""
    s = port()
    for here, chunk in ((client, 1), (guest, 2), (client, 10), (guest, 11), (client, 0), (guest, 3), (client, 7), (guest, 8),
                        (client, 14)):
        out = here is client
        here.send(f.ip(f.client if out else f.guest, f.hx if out else f.client, SCTP,
                       sctp(s if out else GPORT, PORT if out else s, chunk, b'x' * 20)))
        there = guest if out else client
        p = there.get(lambda p: p.proto == SCTP and p.l4[12] == chunk, 3.0)
        need(p and sctp_good(p.l4), 'chunk %d: %s' % (chunk, p))
        need(struct.unpack('!HH', p.l4[:4]) == ((s, GPORT) if out else (PORT, s)), 'ports: %s' % p)


def t_sctp_refused(f):
    """An ending that belongs to nothing, and INIT with another chunk, open nothing and do not pass."""
    s = port()
    client.send(f.ip(f.client, f.hx, SCTP, sctp(s, PORT, 6)))
    client.send(f.ip(f.client, f.hx, SCTP, sctp(s, PORT, 2)))
    double = sctp(s, PORT, 1, b'x' * 16)[12:] + struct.pack('!BBH', 0, 0, 4)
    head = struct.pack('!HHI', s, PORT, 0)
    client.send(f.ip(f.client, f.hx, SCTP, head + struct.pack('<I', crc32c(head + bytes(4) + double)) + double))
    t_association(f)
    need(not [p for p in guest.heard if p.proto == SCTP and p.sport == s], 'it passed')


def t_lite(f):
    for coverage in (0, 8, 12, 28):
        through(f, UDPLITE, lambda a, b, s, d: lite(f, a, b, s, d, b'twenty octets of it.', coverage),
                lambda a, b, s, d: lite(f, a, b, s, d, b'and back, as many...', coverage),
                lambda a, b, l4: covered(f, a, b, UDPLITE, l4, coverage or len(l4)) == 0xffff)


def t_dccp(f):
    through(f, DCCP, lambda a, b, s, d: dccp(f, a, b, s, d, 0, b'request'), lambda a, b, s, d: dccp(f, a, b, s, d, 1, b'response'),
            lambda a, b, l4: covered(f, a, b, DCCP, l4, len(l4)) == 0xffff)


def t_whole(f):
    """Known by addresses alone: the same octets, other addresses."""
    for proto in (GRE, ESP, EXPERIMENT):
        body = struct.pack('!HH', 0, 0x88b5) + bytes(range(proto))
        through(f, proto, lambda a, b, s, d: body, lambda a, b, s, d: body[::-1], lambda a, b, l4: True)


def main():
    global client, guest
    client_ns, guest_ns, up0, virbr0 = sys.argv[1:5]
    client = End(client_ns, '02:00:00:00:00:77', up0)
    guest = End(guest_ns, '02:00:00:00:00:60', virbr0)
    for name, fn in (('R84_sctp_there_and_back', t_sctp), ('R84_association', t_association), ('R84_refused', t_sctp_refused),
                     ('R85_udplite', t_lite), ('R85_dccp', t_dccp), ('R26_whole_protocols', t_whole)):
        for f in (V4, V6):
            client.clear()
            guest.clear()
            try:
                fn(f)
                print('ok %s_%s' % (name, f.name), flush=True)
            except AssertionError as e:
                print('not ok %s_%s: %s' % (name, f.name, e), flush=True)


if __name__ == '__main__':
    main()
