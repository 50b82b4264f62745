#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Conversations told segment by segment, and packets no stack would send.

usage: raw.py CLIENT_NS GUEST_NS UP0_MAC VIRBR0_MAC LOG
Called by 95_raw.sh, which sets up neighbours and the daemon. Each test is one
function of one family; its first line says what must hold.
"""
import random
import re
import struct
import sys
import time

from wire import (ACK, DSTOPT, FIN, FRAGMENT, HOPOPT, PSH, ROUTING, RST, SYN, TCP, UDP, URG, V4, V6, End, add16,
                  Packet)

TESTS = []
PORT = 8080         # of the host
GPORT = 80          # of the guest
client = guest = log_path = None
next_port = 20000


def test(name, families=(V4, V6)):
    def put(fn):
        for f in families:
            TESTS.append((name + '_' + f.name, fn, f))
        return fn
    return put


def port():
    """A source port no test used before."""
    global next_port
    next_port += 1
    return next_port


def need(truth, text):
    if not truth:
        raise AssertionError(text)


def at_guest(f, sport, proto, src=None):
    return lambda p: (p.proto, p.src, p.dst, p.sport, p.dport) == (proto, src or f.client, f.guest, sport, GPORT)


def at_client(f, dport, proto):
    return lambda p: (p.proto, p.src, p.dst, p.sport, p.dport) == (proto, f.hx, f.client, PORT, dport)


def to_guest(f, packet, sport, proto, **more):
    """Send from the client; the guest must get it, translated and with right checksums."""
    client.send(packet)
    p = guest.get(at_guest(f, sport, proto, **more))
    need(p, 'the guest got nothing')
    need(p.right, 'wrong checksum at the guest: %s' % p)
    return p


def to_client(f, packet, dport, proto):
    guest.send(packet)
    p = client.get(at_client(f, dport, proto))
    need(p, 'the client got nothing')
    need(p.right, 'wrong checksum at the client: %s' % p)
    return p


def nothing_at(end, want, f):
    """No packet that want() came; known when a marker sent after it has come, and a little later."""
    s = port()
    if end is guest:
        client.send(f.udp(f.client, f.hx, s, PORT, b'marker'))
        marker = at_guest(f, s, UDP)
    else:
        to_guest(f, f.udp(f.client, f.hx, s, PORT, b'marker'), s, UDP)
        guest.send(f.udp(f.guest, f.client, GPORT, s, b'marker'))
        marker = at_client(f, s, UDP)
    found = end.get(lambda p: want(p) or marker(p))
    need(found, 'the marker did not come')
    need(not want(found), 'came: %s' % found)
    # Another queue may be a little slower than the marker's.
    late = end.get(want, 0.05)
    need(not late, 'came: %s' % late)


def log_lines():
    with open(log_path, errors='replace') as log:
        return log.readlines()


def flow_of(f, sport, proto='tcp'):
    """Number of the newest flow from this port, as the log tells it."""
    src = '%s:%d' % (f.client, sport) if f is V4 else '[%s]:%d' % (f.client, sport)
    found = None
    for line in log_lines():
        m = re.search(r'flow (\d+) new %s %s > ' % (proto, re.escape(src)), line)
        if m:
            found = int(m.group(1))
    return found


def states_of(number):
    """Every state the flow went to, in order, since its newest beginning."""
    states = []
    for line in log_lines():
        if re.search(r'flow %d new ' % number, line):
            states = []
        m = re.search(r'flow %d state \S+ -> (\S+)' % number, line)
        if m:
            states.append(m.group(1))
    return states


def state_becomes(number, want, seconds=2.0):
    deadline = time.monotonic() + seconds
    while True:
        states = states_of(number)
        if states and want(states[-1]):
            return
        need(time.monotonic() < deadline, 'states of flow %d: %s' % (number, states))
        time.sleep(0.02)


class Conversation:
    """A TCP conversation through the forward, both ends ours. Sequence numbers start near their end (R50)."""

    def __init__(self, f, sport=None):
        self.f, self.sport = f, sport or port()
        self.c, self.g = 0xfffffff0, 0xffffff00     # next number of client and guest

    def client_says(self, flags, payload=b'', seq=None, arrives=True, **more):
        f = self.f
        packet = f.tcp(f.client, f.hx, self.sport, PORT, flags, self.c if seq is None else seq,
                       self.g if flags & ACK else 0, payload, **more)
        if seq is None:
            self.c += len(payload) + bool(flags & SYN) + bool(flags & FIN)
        if not arrives:
            client.send(packet)
            return None
        p = to_guest(f, packet, self.sport, TCP)
        need(p.flags == flags and p.payload == payload, 'changed on the way: %s' % p)
        return p

    def guest_says(self, flags, payload=b'', seq=None, **more):
        f = self.f
        packet = f.tcp(f.guest, f.client, GPORT, self.sport, flags, self.g if seq is None else seq,
                       self.c if flags & ACK else 0, payload, **more)
        if seq is None:
            self.g += len(payload) + bool(flags & SYN) + bool(flags & FIN)
        p = to_client(f, packet, self.sport, TCP)
        need(p.flags == flags and p.payload == payload, 'changed on the way: %s' % p)
        return p

    def open(self):
        self.client_says(SYN)
        self.guest_says(SYN | ACK)
        self.client_says(ACK)
        return self

    def talk(self):
        self.client_says(ACK | PSH, b'question')
        self.guest_says(ACK | PSH, b'answer')
        return self

    def flow(self):
        n = flow_of(self.f, self.sport)
        need(n is not None, 'the log tells of no flow from port %d' % self.sport)
        return n


# ---- headers: nothing changes but addresses, ports, checksums and one hop ----

@test('R61_one_hop_and_nothing_else')
def _(f):
    s = port()
    for frag in (0x4000, 0):
        p = to_guest(f, f.udp(f.client, f.hx, s, PORT, b'hello', frag=frag), s, UDP)
        need(p.ttl == 56, 'hop limit %d, not 56' % p.ttl)
        need(p.tos == 0xb9, 'traffic class %#x' % p.tos)
        need(f is V6 or (p.id, p.frag) == (0x1234, frag), 'id or DF changed: %s' % p)
        need(f is V4 or p.flow == 0xabcde, 'flow label changed: %s' % p)
        need(p.payload == b'hello', 'payload changed')
    p = to_client(f, f.udp(f.guest, f.client, GPORT, s, b'answer', ttl=33, tos=0x2e << 2), s, UDP)
    need((p.ttl, p.tos, p.payload) == (32, 0x2e << 2, b'answer'), 'changed: %s' % p)
    need(f is V6 or (p.id, p.frag) == (0x1234, 0x4000), 'id or DF changed: %s' % p)


@test('R28_answers_that_may_be_cut_up', (V4,))
def _(f):
    """Behind one address all are numbered by the host; who cannot be cut up keeps his number (RFC 6864 4.1)."""
    s = port()
    to_guest(f, f.udp(f.client, f.hx, s, PORT, b'x'), s, UDP)
    ids = [to_client(f, f.udp(f.guest, f.client, GPORT, s, b'answer', frag=0), s, UDP).id for _ in range(20)]
    need(len(set(ids)) == 20, 'one identification twice: %s' % ids)


@test('R49_tcp_header_untouched')
def _(f):
    s = port()
    options = bytes.fromhex('020405b4 0402 080a00000001 00000000 01 030307 1e0c 01 0203040506070809 fd04f989'.replace(
        ' ', '')) + b'\x22\x02'
    options += b'\0' * (-len(options) % 4)
    sent = f.tcp(f.client, f.hx, s, PORT, SYN | PSH | 0xc0, 7, 0, b'early data', options, urgent=99, reserved=0xe,
                 window=12345)
    p = to_guest(f, sent, s, TCP)
    before = sent[20 if f is V4 else 40:]
    need(p.l4[:2] == before[:2] and p.l4[4:16] == before[4:16] and p.l4[18:] == before[18:],
         'more than port and checksum changed: %s' % p)


@test('R15_every_length')
def _(f):
    s = port()
    for n in list(range(0, 40)) + [255, 256, 257, 1399, 1400]:
        data = bytes(random.randrange(256) for _ in range(n))
        need(to_guest(f, f.udp(f.client, f.hx, s, PORT, data), s, UDP).payload == data, 'length %d' % n)
        need(to_client(f, f.udp(f.guest, f.client, GPORT, s, data), s, UDP).payload == data, 'length %d' % n)
    c = Conversation(f).open()
    for n in range(1, 40):
        data = bytes(random.randrange(256) for _ in range(n))
        c.client_says(ACK, data)
        c.guest_says(ACK, data)


@test('R14_udp_without_checksum', (V4,))
def _(f):
    s = port()
    need(to_guest(f, f.udp(f.client, f.hx, s, PORT, b'x', zero=True), s, UDP).sum == 0, 'a checksum was made')
    need(to_client(f, f.udp(f.guest, f.client, GPORT, s, b'x', zero=True), s, UDP).sum == 0, 'a checksum was made')


@test('R14_udp_without_checksum', (V6,))
def _(f):
    """Illegal, so dropped or left zero; never made right."""
    s = port()
    client.send(f.udp(f.client, f.hx, s, PORT, b'x', zero=True))
    p = guest.get(at_guest(f, s, UDP), 0.1)
    need(not p or p.sum == 0, 'a checksum was made: %s' % p)


@test('R14_udp_checksum_that_becomes_zero')
def _(f):
    """0 would mean "none": it is sent as 0xffff."""
    s = port()
    there = struct.pack('!HHHH', s, GPORT, 10, 0) + b'\0\0'
    word = 0xffff - f.l4_sum(f.client, f.guest, UDP, there)
    p = to_guest(f, f.udp(f.client, f.hx, s, PORT, struct.pack('!H', word)), s, UDP)
    need(p.sum == 0xffff, 'checksum %#06x' % p.sum)


@test('R15_wrong_checksum_stays_wrong')
def _(f):
    s = port()
    to_guest(f, f.udp(f.client, f.hx, s, PORT, b'right'), s, UDP)
    to_client(f, f.udp(f.guest, f.client, GPORT, s, b'right'), s, UDP)
    c = Conversation(f).open()
    for wrong in (1, 0x1234, 0xfffe):
        for packet, end, want in (
                (f.udp(f.client, f.hx, s, PORT, b'bad', wrong=wrong), guest, at_guest(f, s, UDP)),
                (f.udp(f.guest, f.client, GPORT, s, b'bad', wrong=wrong), client, at_client(f, s, UDP)),
                (f.tcp(f.client, f.hx, c.sport, PORT, ACK, c.c, c.g, b'bad', wrong=wrong), guest,
                 at_guest(f, c.sport, TCP)),
                (f.tcp(f.guest, f.client, GPORT, c.sport, ACK, c.g, c.c, b'bad', wrong=wrong), client,
                 at_client(f, c.sport, TCP))):
            (client if end is guest else guest).send(packet)
            p = end.get(want, 0.1)
            need(not p or not p.right, 'made right: %s' % p)
    client.send(f.ping(f.client, f.hx, s, wrong=77))
    p = guest.get(lambda p: p.proto == f.icmp and p.type == f.echo, 0.1)
    need(not p or not p.right, 'made right: %s' % p)


@test('R16_ip_options', (V4,))
def _(f):
    s = port()
    for words in (1, 2, 10):
        options = b'\x01' * (words * 4 - 1) + b'\0'
        p = to_guest(f, f.udp(f.client, f.hx, s, PORT, b'opt', options=options), s, UDP)
        need(p.options == options and p.payload == b'opt', 'changed: %s' % p)
        p = to_client(f, f.udp(f.guest, f.client, GPORT, s, b'back', options=options), s, UDP)
        need(p.options == options and p.payload == b'back', 'changed: %s' % p)
        c = Conversation(f)
        c.client_says(SYN, options=b'\x02\x04\x05\xb4')


PADN = b'\0\x01\x04\0\0\0\0'      # length 0 (8 octets), PadN of 4


@test('R72_extension_headers', (V6,))
def _(f):
    s = port()
    for chain in ([(HOPOPT, PADN)], [(DSTOPT, PADN)], [(HOPOPT, PADN), (DSTOPT, PADN)],
                  [(DSTOPT, PADN), (DSTOPT, b'\x01\x01\x0c' + b'\0' * 12)],
                  [(DSTOPT, PADN)] * 7):
        p = to_guest(f, f.udp(f.client, f.hx, s, PORT, b'chain', chain=chain), s, UDP)
        need([n for n, _ in p.ext] == [n for n, _ in chain] and p.payload == b'chain', 'changed: %s' % p)
        p = to_client(f, f.udp(f.guest, f.client, GPORT, s, b'chain', chain=chain), s, UDP)
        need(p.payload == b'chain', 'changed: %s' % p)


@test('R73_routing_header', (V6,))
def _(f):
    """Type 0, or segments left: not translated."""
    s = port()
    for body in (b'\x02\x00\x01\0\0\0\0' + f.octets(f.guest), b'\x02\x02\x01\0\0\0\0' + f.octets(f.guest)):
        client.send(f.udp(f.client, f.hx, s, PORT, b'routed', chain=[(ROUTING, body)]))
    nothing_at(guest, at_guest(f, s, UDP), f)


@test('R69_atomic_fragment', (V6,))
def _(f):
    s = port()
    p = to_guest(f, f.udp(f.client, f.hx, s, PORT, b'atomic', chain=[(FRAGMENT, b'\0' + struct.pack('!HI', 0, 99))]), s,
                 UDP)
    need(p.payload == b'atomic', 'changed: %s' % p)


def fragments(f, whole_l4, proto, src, dst, size, ident):
    """The pieces of one datagram."""
    pieces = []
    for at in range(0, len(whole_l4), size):
        piece, more = whole_l4[at:at + size], at + size < len(whole_l4)
        if f is V4:
            pieces.append(f.ip(src, dst, proto, piece, ident=ident, frag=at // 8 | (0x2000 if more else 0)))
        else:
            pieces.append(f.ip(src, dst, proto, piece,
                               chain=[(FRAGMENT, b'\0' + struct.pack('!HI', at | more, ident))]))
    return pieces


def whole_at(end, f, src, dst, length):
    """Collect fragments until all `length` octets of the datagram are there."""
    have = {}
    while sum(len(x) for x in have.values()) < length:
        p = end.get(lambda p: p.proto == UDP and p.src == src and p.dst == dst and (p.fragment or len(p.l4) == length),
                    1.0)
        need(p, 'have only %s of %d octets' % (sorted((k, len(v)) for k, v in have.items()), length))
        have[p.offset] = p.l4
    return b''.join(have[k] for k in sorted(have))


@test('R64_fragments_in_any_order')
def _(f):
    s = port()
    data = bytes(i % 251 for i in range(3001))
    for n, order in enumerate(([0, 1, 2, 3], [3, 2, 1, 0], [1, 0, 3, 2], [2, 3, 0, 1])):
        for src, dst, sport, dport, here, there, want_src, want_dst, ports in (
                (f.client, f.hx, s, PORT, client, guest, f.client, f.guest, (s, GPORT)),
                (f.guest, f.client, GPORT, s, guest, client, f.hx, f.client, (PORT, s))):
            whole = f.udp(src, dst, sport, dport, data)[20 if f is V4 else 40:]
            pieces = fragments(f, whole, UDP, src, dst, 800, 0x4000 + n)
            for i in order:
                here.send(pieces[i])
            got = whole_at(there, f, want_src, want_dst, len(whole))
            need(struct.unpack('!HH', got[:4]) == ports, 'ports %s' % (struct.unpack('!HH', got[:4]),))
            need(got[8:] == data, 'payload changed')
            need(f.l4_sum(want_src, want_dst, UDP, got) == 0xffff, 'wrong checksum')


@test('R51_echo_keeps_its_identity')
def _(f):
    for src in (f.client, f.client2):     # the same identifier from two clients
        client.send(f.ping(src, f.hx, 0x7777, 9, b'who'))
        p = guest.get(lambda p, src=src: p.proto == f.icmp and p.type == f.echo and p.src == src and p.dst == f.guest)
        need(p and p.right, 'the guest got %s' % p)
        need(p.rest == struct.pack('!HH', 0x7777, 9) and p.payload == b'who', 'changed: %s' % p)
        need(p.ttl == 56, 'hop limit %d' % p.ttl)
    for dst in (f.client2, f.client):
        guest.send(f.ping(f.guest, dst, 0x7777, 9, b'who', kind=f.reply))
        p = client.get(lambda p, dst=dst: p.proto == f.icmp and p.type == f.reply and p.dst == dst)
        need(p and p.right and p.src == f.hx, 'the client got %s' % p)
        need(p.rest == struct.pack('!HH', 0x7777, 9) and p.payload == b'who', 'changed: %s' % p)


# ---- TCP ----

@test('R38_open_talk_close')
def _(f):
    c = Conversation(f).open().talk()
    n = c.flow()
    state_becomes(n, lambda s: s == 'ESTABLISHED')
    c.client_says(FIN | ACK)
    c.guest_says(ACK)
    c.guest_says(ACK | PSH, b'still sending')       # R41
    c.guest_says(FIN | ACK)
    c.client_says(ACK)
    state_becomes(n, lambda s: s != 'ESTABLISHED')


@test('R39_simultaneous_open')
def _(f):
    c = Conversation(f)
    c.client_says(SYN)
    c.guest_says(SYN)
    c.client_says(SYN | ACK, seq=c.c - 1)
    c.guest_says(SYN | ACK, seq=c.g - 1)
    c.client_says(ACK)
    c.guest_says(ACK)
    c.talk()
    state_becomes(c.flow(), lambda s: s == 'ESTABLISHED')


@test('R40_retransmissions')
def _(f):
    """SYN and SYN-ACK twice, data before the third ACK, FIN twice."""
    c = Conversation(f)
    c.client_says(SYN)
    c.client_says(SYN, seq=c.c - 1)
    c.guest_says(SYN | ACK)
    c.guest_says(SYN | ACK, seq=c.g - 1)
    c.client_says(ACK | PSH, b'no ACK before this')
    c.talk()
    state_becomes(c.flow(), lambda s: s == 'ESTABLISHED')
    c.client_says(FIN | ACK)
    c.client_says(FIN | ACK, seq=c.c - 1)
    c.guest_says(ACK)


def closed(f, how):
    c = Conversation(f).open().talk()
    if how == 'fin':
        c.client_says(FIN | ACK)
        c.guest_says(FIN | ACK)
        c.client_says(ACK)
    else:
        c.client_says(RST)
    return c


@test('R42_port_reused_after_close')
def _(f):
    for how in ('fin', 'rst'):
        old = closed(f, how)
        c = Conversation(f, old.sport)
        c.c, c.g = 5000, 9000
        c.open().talk()
        state_becomes(c.flow(), lambda s: s == 'ESTABLISHED')


@test('R43_syn_in_an_open_flow')
def _(f):
    """Passed, so that the guest can answer with a challenge ACK; the flow stays open."""
    c = Conversation(f).open().talk()
    n = c.flow()
    c.client_says(SYN, seq=123456)
    c.guest_says(ACK)
    c.talk()
    need(states_of(n)[-1] == 'ESTABLISHED', 'states %s' % states_of(n))
    need(c.flow() == n, 'another flow was made')


@test('R44_rst_with_a_wrong_number')
def _(f):
    """Passed on, but only the exact one ends the flow."""
    c = Conversation(f).open().talk()
    n = c.flow()
    for off in (1, 1000, 100000, -1):
        c.client_says(RST, seq=(c.c + off) % 2**32)
    c.talk()
    need(states_of(n)[-1] == 'ESTABLISHED', 'states %s' % states_of(n))
    c.client_says(RST)
    state_becomes(n, lambda s: s != 'ESTABLISHED')
    c.client_says(RST, seq=c.c)                     # R45: retransmitted, still translated
    c.guest_says(ACK | PSH, b'crossed on the way')


@test('R44_rst_of_the_guest')
def _(f):
    c = Conversation(f)
    c.client_says(SYN)
    c.guest_says(RST | ACK, seq=0)
    state_becomes(c.flow(), lambda s: s not in ('SYN_SENT', 'SYN_RECV', 'ESTABLISHED'))


@test('R47_old_syn_ack')
def _(f):
    """An acknowledgement of something never sent does not open the flow; the right one does."""
    c = Conversation(f)
    c.client_says(SYN)
    right = c.c
    c.c = 0x1000
    c.guest_says(SYN | ACK, seq=77)
    c.c = right
    need('ESTABLISHED' not in states_of(c.flow()), 'states %s' % states_of(c.flow()))
    c.guest_says(SYN | ACK)
    c.client_says(ACK)
    c.talk()
    state_becomes(c.flow(), lambda s: s == 'ESTABLISHED')


@test('R48_flags_no_stack_sends')
def _(f):
    for flags in (SYN | FIN, SYN | RST, FIN | RST, 0, FIN | PSH | URG, SYN | FIN | ACK, 0x3f, PSH, URG):
        c = Conversation(f)
        c.client_says(flags, arrives=False)
        nothing_at(guest, at_guest(f, c.sport, TCP), f)
        need(flow_of(f, c.sport) is None, 'flags %#x made a flow' % flags)


@test('R31_picked_up_in_mid_stream')
def _(f):
    c = Conversation(f)
    c.client_says(ACK | PSH, b'since long ago')
    c.guest_says(ACK)
    c.talk()


@test('R31_rst_is_not_picked_up')
def _(f):
    c = Conversation(f)
    c.client_says(RST, arrives=False)
    nothing_at(guest, at_guest(f, c.sport, TCP), f)
    need(flow_of(f, c.sport) is None, 'a RST made a flow')


# ---- who may begin ----

@test('R12_what_the_guest_begins_is_not_ours')
def _(f):
    """From the forwarded port to somebody never heard of: no flow, and never as if it were the host."""
    s = port()
    guest.send(f.udp(f.guest, f.client, GPORT, s, b'unasked'))
    nothing_at(client, lambda p: p.proto == UDP and p.dport == s and p.src == f.hx, f)
    need(flow_of(f, s, 'udp') is None, 'a flow was made')


@test('R83_inside_source_from_outside')
def _(f):
    """A spoofed source of the guests' network makes no state and does not reach the guest."""
    s = port()
    src = '192.168.122.51' if f is V4 else 'fd00:122::51'
    client.send(f.udp(src, f.hx, s, PORT, b'spoofed'))
    nothing_at(guest, lambda p: p.proto == UDP and p.sport == s and p.dport == GPORT, f)
    need(not any('%d > ' % s in line and 'new' in line for line in log_lines()), 'a flow was made')


@test('R83_to_the_guest_directly')
def _(f):
    """Routed by the kernel, so not ours: no flow, and the answer is not translated."""
    s = port()
    client.send(f.udp(f.client, f.guest, s, GPORT, b'direct'))
    guest.get(at_guest(f, s, UDP), 0.2)
    need(flow_of(f, s, 'udp') is None, 'a flow was made')
    guest.send(f.udp(f.guest, f.client, GPORT, s, b'direct'))
    nothing_at(client, lambda p: p.proto == UDP and p.dport == s and p.src == f.hx, f)


# ---- ICMP errors ----

def quoted(f, p):
    """The packet inside an error, which may be cut off."""
    q = p.payload
    size = (q[0] & 15) * 4 if f is V4 else 40
    a, b = (q[12:16], q[16:20]) if f is V4 else (q[8:24], q[24:40])
    import socket
    sport, dport = struct.unpack('!HH', q[size:size + 4])
    return q, size, socket.inet_ntop(f.af, a), socket.inet_ntop(f.af, b), sport, dport


@test('R55_errors_of_the_guest')
def _(f):
    """From the guest or a router behind the host: from HX, and quoting what the client sent."""
    s = port()
    sent = f.udp(f.client, f.hx, s, PORT, b'q' * 64)
    got = to_guest(f, sent, s, UDP)
    for who in (f.guest, f.inside_router):
        for what in ('unreachable', 'too-big', 'expired', 'parameter'):
            for cut in (len(got.octets), got.header + 8):
                guest.send(f.error(who, f.client, what, got.octets[:cut]))
                p = client.get(lambda p: p.proto == f.icmp and p.dst == f.client and p.type not in (f.echo, f.reply))
                need(p, '%s from %s: the client got nothing' % (what, who))
                need(p.right, 'wrong checksum: %s' % p)
                need(p.src == f.hx, 'from %s, not from HX' % p.src)
                q, size, src, dst, sport, dport = quoted(f, p)
                need((src, dst, sport, dport) == (f.client, f.hx, s, PORT), 'quotes %s' % ((src, dst, sport, dport),))
                need(f is V6 or add16(q[:size]) == 0xffff, 'wrong checksum in the quoted IP header')
                need(len(q) == cut, 'the quote has another length')
                need(q[size + 4:size + 8] == sent[size + 4:size + 8], 'the quoted datagram is not the one sent')
                need(p.rest == f.error(who, f.client, what, b'')[-4:], 'MTU or pointer changed')


@test('R55_errors_about_tcp')
def _(f):
    c = Conversation(f).open()
    n = c.flow()
    got = c.client_says(ACK, b'x' * 32)
    guest.send(f.error(f.guest, f.client, 'unreachable', got.octets[:got.header + 8]))
    p = client.get(lambda p: p.proto == f.icmp and p.dst == f.client)
    need(p and p.right and p.src == f.hx, 'the client got %s' % p)
    need(quoted(f, p)[2:] == (f.client, f.hx, c.sport, PORT), 'quotes %s' % (quoted(f, p)[2:],))
    c.talk()                                        # R57: the flow is as it was
    need(states_of(n)[-1] == 'ESTABLISHED', 'states %s' % states_of(n))


@test('R56_quoted_options', (V4,))
def _(f):
    s = port()
    options = b'\x01' * 39 + b'\0'
    got = to_guest(f, f.udp(f.client, f.hx, s, PORT, b'q', options=options), s, UDP)
    guest.send(f.error(f.guest, f.client, 'unreachable', got.octets))
    p = client.get(lambda p: p.proto == f.icmp and p.dst == f.client)
    need(p and p.right, 'the client got %s' % p)
    q, size, src, dst, sport, dport = quoted(f, p)
    need((size, src, dst, sport, dport) == (60, f.client, f.hx, s, PORT), 'quotes %s' % ((size, src, dst, sport, dport),))
    need(add16(q[:size]) == 0xffff, 'wrong checksum in the quoted IP header')


@test('R56_quoted_extension_headers', (V6,))
def _(f):
    s = port()
    got = to_guest(f, f.udp(f.client, f.hx, s, PORT, b'q', chain=[(DSTOPT, PADN)]), s, UDP)
    guest.send(f.error(f.guest, f.client, 'unreachable', got.octets))
    p = client.get(lambda p: p.proto == f.icmp and p.dst == f.client and p.type == 1)
    need(p and p.right, 'the client got %s' % p)
    need(struct.unpack('!HH', p.payload[48:52]) == (s, PORT), 'quoted ports')


@test('R56_quoted_checksum_of_zero', (V4,))
def _(f):
    s = port()
    got = to_guest(f, f.udp(f.client, f.hx, s, PORT, b'q', zero=True), s, UDP)
    guest.send(f.error(f.guest, f.client, 'unreachable', got.octets))
    p = client.get(lambda p: p.proto == f.icmp and p.dst == f.client)
    need(p and p.right, 'the client got %s' % p)
    need(p.payload[26:28] == b'\0\0', 'a checksum was made in the quote')


@test('R54_errors_to_the_guest')
def _(f):
    """From the client or a router outside: to the guest, quoting what the guest sent; the router stays visible."""
    s = port()
    to_guest(f, f.udp(f.client, f.hx, s, PORT, b'x'), s, UDP)
    sent = f.udp(f.guest, f.client, GPORT, s, b'r' * 64)
    got = to_client(f, sent, s, UDP)
    for who in (f.client, f.outside_router):
        for what in ('unreachable', 'too-big', 'expired'):
            for cut in (len(got.octets), got.header + 8):
                client.send(f.error(who, f.hx, what, got.octets[:cut]))
                p = guest.get(lambda p: p.proto == f.icmp and p.dst == f.guest and p.type not in (f.echo, f.reply))
                need(p, '%s from %s: the guest got nothing' % (what, who))
                need(p.right, 'wrong checksum: %s' % p)
                need(p.src == who, 'from %s' % p.src)
                q, size, src, dst, sport, dport = quoted(f, p)
                need((src, dst, sport, dport) == (f.guest, f.client, GPORT, s),
                     'quotes %s' % ((src, dst, sport, dport),))
                need(f is V6 or add16(q[:size]) == 0xffff, 'wrong checksum in the quoted IP header')


@test('R54_errors_about_echo')
def _(f):
    client.send(f.ping(f.client, f.hx, 0x5151, 1, b'e' * 16))
    p = guest.get(lambda p: p.proto == f.icmp and p.type == f.echo and p.ident == 0x5151)
    need(p, 'the guest got no ping')
    guest.send(f.error(f.inside_router, f.client, 'expired', p.octets))
    p = client.get(lambda p: p.proto == f.icmp and p.dst == f.client and p.type not in (f.echo, f.reply))
    need(p and p.right and p.src == f.hx, 'the client got %s' % p)
    size = 20 if f is V4 else 40
    need(p.payload[size - (4 if f is V4 else 16):size] == f.octets(f.hx), 'quotes another address')
    need(p.payload[size + 4:size + 6] == b'\x51\x51', 'quotes another identifier')


@test('R52_errors_about_nothing')
def _(f):
    """No flow for the quote: the guest does not get it, and no state comes of it (R57)."""
    s = port()
    quote = f.udp(f.hx, f.client, PORT, s, b'never sent')
    client.send(f.error(f.client, f.hx, 'unreachable', quote))
    nothing_at(guest, lambda p: p.proto == f.icmp and p.type not in (f.echo, f.reply), f)
    need(flow_of(f, s, 'udp') is None, 'an error made a flow')


@test('R53_errors_to_somebody_else')
def _(f):
    """Sent to another address of the host than the one it quotes: not translated."""
    s = port()
    to_guest(f, f.udp(f.client, f.hx, s, PORT, b'x'), s, UDP)
    got = to_client(f, f.udp(f.guest, f.client, GPORT, s, b'r'), s, UDP)
    client.send(f.error(f.client, f.hy, 'unreachable', got.octets))
    nothing_at(guest, lambda p: p.proto == f.icmp and p.type not in (f.echo, f.reply), f)


@test('R15_errors_with_a_wrong_checksum')
def _(f):
    s = port()
    to_guest(f, f.udp(f.client, f.hx, s, PORT, b'x'), s, UDP)
    got = to_client(f, f.udp(f.guest, f.client, GPORT, s, b'r'), s, UDP)
    client.send(f.error(f.client, f.hx, 'unreachable', got.octets, wrong=5))
    p = guest.get(lambda p: p.proto == f.icmp and p.dst == f.guest and p.type not in (f.echo, f.reply), 0.1)
    need(not p or not p.right, 'made right: %s' % p)


@test('R58_error_about_an_error')
def _(f):
    s = port()
    to_guest(f, f.udp(f.client, f.hx, s, PORT, b'x'), s, UDP)
    got = to_client(f, f.udp(f.guest, f.client, GPORT, s, b'r'), s, UDP)
    inner = f.error(f.hx, f.client, 'unreachable', got.octets)
    client.send(f.error(f.client, f.hx, 'expired', inner))
    nothing_at(guest, lambda p: p.proto == f.icmp and p.type not in (f.echo, f.reply), f)


# ---- malformed packets: never a crash, never a flow, and the next good one passes (R82) ----

def bad_packets(f):
    s = port()
    tcp, udp, ping = f.tcp, f.udp, f.ping
    l4 = tcp(f.client, f.hx, s, PORT, SYN)[20 if f is V4 else 40:]
    for n in range(0, 20):
        yield f.ip(f.client, f.hx, TCP, l4[:n])
    for n in range(0, 8):
        yield f.ip(f.client, f.hx, UDP, l4[:n])
        yield f.ip(f.client, f.hx, f.icmp, l4[:n])
    for offset in (0, 1, 4, 6, 15):
        yield tcp(f.client, f.hx, s, PORT, SYN, offset=offset)
    for length in (0, 1, 7, 9, 65535):
        yield udp(f.client, f.hx, s, PORT, b'', length=length)
    good = udp(f.client, f.hx, s, PORT, b'payload')
    for n in range(0, len(good)):
        yield good[:n]
    for proto in range(256):
        yield f.ip(f.client, f.hx, proto, l4)
    for kind in range(256):
        yield f.icmp_packet(f.client, f.hx, kind, 0, b'\0\0\0\0', good[:30])
    if f is V4:
        for first in range(256):
            yield bytes([first]) + good[1:]
        yield f.ip(f.client, f.hx, TCP, b'', frag=0x2000)
        yield f.ip(f.client, f.hx, TCP, l4[:8], frag=0x2000)
        yield f.ip(f.client, f.hx, TCP, l4, frag=0x2001)
        yield f.ip(f.client, f.hx, UDP, l4, frag=0x1fff)
    else:
        for length in (0, 1, 2, 31, 255):
            for number in (HOPOPT, ROUTING, FRAGMENT, 51, DSTOPT, 135, 139, 140, 253):
                yield f.ip(f.client, f.hx, UDP, l4, chain=[(number, bytes([length]) + b'\0' * 6)])
        for many in (8, 16, 17, 64, 170):
            yield f.ip(f.client, f.hx, UDP, l4[:8], chain=[(DSTOPT, PADN)] * many)
        yield f.ip(f.client, f.hx, DSTOPT, b'')
        yield f.ip(f.client, f.hx, FRAGMENT, b'\x11\0\0\x01\0\0\0\x05')


@test('R82_malformed')
def _(f):
    n = 0
    for packet in bad_packets(f):
        if len(packet) > 1500:
            continue
        client.send(packet)
        n += 1
        if n % 64 == 0:
            s = port()
            to_guest(f, f.udp(f.client, f.hx, s, PORT, b'still there'), s, UDP)
    Conversation(f).open().talk()


@test('R82_malformed_from_the_guest')
def _(f):
    s = port()
    to_guest(f, f.udp(f.client, f.hx, s, PORT, b'x'), s, UDP)
    reply = f.udp(f.guest, f.client, GPORT, s, b'r' * 30)
    for n in range(1, len(reply)):
        guest.send(reply[:n])
    error = f.error(f.guest, f.client, 'unreachable', f.udp(f.client, f.guest, s, GPORT, b'x' * 20))
    size = 20 if f is V4 else 40
    for n in range(size, len(error)):
        # The outer header is right: it is the quote that is cut off, at every octet.
        l4 = error[size:n]
        if len(l4) >= 4:
            l4 = f.close(f.guest, f.client, f.icmp, l4, 2)
        guest.send(f.ip(f.guest, f.client, f.icmp, l4))
    to_client(f, f.udp(f.guest, f.client, GPORT, s, b'still there'), s, UDP)


@test('R82_mutations')
def _(f):
    """Good packets with some octets changed, both directions; the seed is fixed."""
    rnd = random.Random(7857)
    s = port()
    to_guest(f, f.udp(f.client, f.hx, s, PORT, b'x'), s, UDP)
    c = Conversation(f).open()
    out = [f.udp(f.client, f.hx, s, PORT, b'y' * 20), f.tcp(f.client, f.hx, c.sport, PORT, ACK, c.c, c.g, b'z' * 9),
           f.ping(f.client, f.hx, 3), f.error(f.client, f.hx, 'too-big', f.udp(f.hx, f.client, PORT, s, b'q' * 20))]
    back = [f.udp(f.guest, f.client, GPORT, s, b'y' * 20),
            f.tcp(f.guest, f.client, GPORT, c.sport, ACK, c.g, c.c, b'z' * 9),
            f.error(f.guest, f.client, 'expired', f.udp(f.client, f.guest, s, GPORT, b'q' * 20))]
    for i in range(1500):
        for end, seeds in ((client, out), (guest, back)):
            packet = bytearray(rnd.choice(seeds))
            for _ in range(rnd.randrange(1, 5)):
                packet[rnd.randrange(len(packet))] = rnd.randrange(256)
            if packet[0] >> 4 == 4 and f is V4:
                size = max(20, (packet[0] & 15) * 4)
                packet[10:12] = b'\0\0'
                packet[10:12] = struct.pack('!H', 0xffff - add16(bytes(packet[:size])))
            end.send(bytes(packet))
        if i % 100 == 0:
            t = port()
            to_guest(f, f.udp(f.client, f.hx, t, PORT, b'still there'), t, UDP)
    Conversation(f).open().talk()


def main():
    global client, guest, log_path
    client_ns, guest_ns, up0, virbr0, log_path = sys.argv[1:6]
    only = sys.argv[6:]
    client = End(client_ns, '02:00:00:00:00:77', up0)
    guest = End(guest_ns, '02:00:00:00:00:60', virbr0)
    for name, fn, family in TESTS:
        if only and not any(o in name for o in only):
            continue
        client.clear()
        guest.clear()
        try:
            fn(family)
            print('ok ' + name, flush=True)
        except AssertionError as e:
            line = e.__traceback__
            while line.tb_next:
                line = line.tb_next
            at = [t for t in [e.__traceback__.tb_next] if t]
            print('not ok %s: line %d: %s' % (name, at[0].tb_lineno if at else line.tb_lineno, e), flush=True)


main()
