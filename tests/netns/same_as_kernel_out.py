#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What guests say to the outside through the kernel's masquerade and through nfqnat's: see same_as_kernel.py."""
import random
import struct

import same_as_kernel as base
from wire import ACK, DSTOPT, FIN, FRAGMENT, HOPOPT, PSH, RST, SYN, UDP, URG, V4, V6

PORT = 8080                     # what guests call, at the client
ESP = 50
DIALOGS = {}
DIFFERENT = {
    'tcp_mid_stream': 'nfqnat masquerades no connection whose beginning it did not see, unless mid-stream: pick-up (R31); the kernel does',
    'tcp_wrong_checksum': 'nfqnat translates and leaves it wrong (R15); to the kernel it is INVALID and leaves with the private source (R24)',
    'udp_wrong_checksum': 'as tcp_wrong_checksum',
    'tcp_wrong_checksum_of_an_answer': 'nfqnat translates and leaves it wrong (R15); to the kernel it is INVALID and for the host itself',
    'tcp_rst_outside_the_window': 'nfqnat passes every RST (R44); to the kernel it is INVALID and leaves with the private source',
    'tcp_data_outside_the_window': 'nfqnat drops nothing for its sequence number (R46); from the kernel it leaves with the private source',
    'tcp_rst_without_a_connection': 'nothing leaves with a private source (R24); from the kernel it does',
    'tcp_impossible_flags': 'nfqnat drops them (R48); from the kernel they leave with the private source',
    'udp_length_lies': 'nfqnat drops it (R82); from the kernel it leaves with the private source',
    'error_of_a_guest_about_nothing': 'nfqnat drops it (R24, R52); from the kernel it leaves with the private source, and quotes one',
    'udp_answer_from_another_port': 'whom the guest called may answer from any port (R29, filter: address-dependent); the kernel takes one port only',
    'udp_two_guests_with_one_port': 'each guest has an outside port of its own toward everybody (R18, R21); the kernel shares one toward different ports',
    'udp_port_of_the_hosts_own_range': 'nfqnat gives no port that the host may take for itself (R22); the kernel preserves it',
    'udp_port_below_600': 'nfqnat gives ports from 600 on (R19, R22), below 1024 to one below 1024; the kernel preserves it',
    'fragments_v4': 'each datagram that leaves in pieces gets a new identification (R28); the kernel keeps that of the guest',
}


def dialog(fn):
    DIALOGS[fn.__name__] = fn
    return fn


class Tcp:
    """A guest's connection from port s; every method gives (side, packet)."""

    def __init__(self, f, s):
        self.f, self.s, self.g, self.c = f, s, 0xffffff00, 1000

    def guest(self, flags, payload=b'', seq=None, **more):
        p = self.f.tcp(self.f.guest, self.f.client, self.s, PORT, flags, self.g if seq is None else seq, self.c if flags & ACK else 0,
                       payload, **more)
        if seq is None:
            self.g += len(payload) + bool(flags & SYN) + bool(flags & FIN)
        return 'guest', p

    def client(self, flags, payload=b'', seq=None, **more):
        p = self.f.tcp(self.f.client, self.f.hx, PORT, self.s, flags, self.c if seq is None else seq, self.g if flags & ACK else 0,
                       payload, **more)
        if seq is None:
            self.c += len(payload) + bool(flags & SYN) + bool(flags & FIN)
        return 'client', p

    def opened(self):
        return [self.guest(SYN), self.client(SYN | ACK), self.guest(ACK)]


def udp_pair(f, s, payload=b'question', **more):
    return [('guest', f.udp(f.guest, f.client, s, PORT, payload, **more)), ('client', f.udp(f.client, f.hx, PORT, s, payload, **more))]


# ---- TCP ----

@dialog
def tcp_open_talk_close(f, s):
    t = Tcp(f, s)
    return t.opened() + [t.guest(ACK | PSH, b'question'), t.client(ACK | PSH, b'answer'), t.guest(FIN | ACK), t.client(ACK),
                         t.client(ACK | PSH, b'still sending'), t.client(FIN | ACK), t.guest(ACK)]


@dialog
def tcp_reset_by_guest(f, s):
    t = Tcp(f, s)
    return t.opened() + [t.guest(RST | ACK)]


@dialog
def tcp_reset_by_client(f, s):
    t = Tcp(f, s)
    return t.opened() + [t.client(RST | ACK)]


@dialog
def tcp_refused(f, s):
    t = Tcp(f, s)
    return [t.guest(SYN), t.client(RST | ACK)]


@dialog
def tcp_retransmissions(f, s):
    t = Tcp(f, s)
    return [t.guest(SYN), t.guest(SYN, seq=t.g - 1), t.client(SYN | ACK), t.client(SYN | ACK, seq=t.c - 1),
            t.guest(ACK | PSH, b'no ACK before'), t.guest(FIN | ACK), t.guest(FIN | ACK, seq=t.g - 1), t.client(ACK)]


@dialog
def tcp_simultaneous_open(f, s):
    t = Tcp(f, s)
    return [t.guest(SYN), t.client(SYN), t.guest(SYN | ACK, seq=t.g - 1), t.client(SYN | ACK, seq=t.c - 1), t.guest(ACK), t.client(ACK),
            t.guest(ACK | PSH, b'question'), t.client(ACK | PSH, b'answer')]


@dialog
def tcp_options_and_urgent(f, s):
    t = Tcp(f, s)
    options = bytes.fromhex('020405b40402080a0000000100000000010303071e0c01020304050607080900')
    return [t.guest(SYN, options=options), t.client(SYN | ACK, options=options), t.guest(ACK),
            t.guest(ACK | PSH | URG, b'urgent', urgent=3), t.client(ACK | PSH, b'x' * 1001)]


@dialog
def tcp_port_used_again(f, s):
    t = Tcp(f, s)
    first = t.opened() + [t.guest(FIN | ACK), t.client(FIN | ACK), t.guest(ACK)]
    again = Tcp(f, s)
    again.c, again.g = 0x20000000, 0x30000000
    return first + again.opened() + [again.guest(ACK | PSH, b'again')]


@dialog
def tcp_one_port_to_two_servers(f, s):
    """R18: the same outside port toward both."""
    return [('guest', f.tcp(f.guest, f.client, s, PORT, SYN, 1)), ('guest', f.tcp(f.guest, f.client2, s, PORT, SYN, 1)),
            ('guest', f.tcp(f.guest, f.client, s, PORT + 1, SYN, 1))]


@dialog
def tcp_mid_stream(f, s):
    """Nobody saw the beginning."""
    t = Tcp(f, s)
    return [t.guest(ACK | PSH, b'go on')]


@dialog
def tcp_nobody_asked(f, s):
    return [('client', f.tcp(f.client, f.hx, PORT, s, SYN, 1)), ('client', f.tcp(f.client, f.hx, PORT, s, SYN | ACK, 1, 1))]


@dialog
def tcp_wrong_checksum(f, s):
    t = Tcp(f, s)
    return t.opened() + [t.guest(ACK | PSH, b'bad', wrong=0x1234)]


@dialog
def tcp_wrong_checksum_of_an_answer(f, s):
    t = Tcp(f, s)
    return t.opened() + [t.client(ACK | PSH, b'bad', wrong=0x1234)]


@dialog
def tcp_rst_outside_the_window(f, s):
    t = Tcp(f, s)
    return t.opened() + [t.guest(ACK | PSH, b'x'), t.client(ACK), t.guest(RST, seq=t.g - 0x10000000)]


@dialog
def tcp_data_outside_the_window(f, s):
    t = Tcp(f, s)
    return t.opened() + [t.guest(ACK | PSH, b'x'), t.client(ACK), t.guest(ACK | PSH, b'far away', seq=t.g + 0x10000000)]


@dialog
def tcp_rst_without_a_connection(f, s):
    return [('guest', f.tcp(f.guest, f.client, s, PORT, RST, 1))]


@dialog
def tcp_impossible_flags(f, s):
    t = Tcp(f, s)
    return [t.guest(SYN | FIN), t.guest(0, seq=1), t.guest(FIN | PSH | URG, seq=1)]


# ---- UDP ----

@dialog
def udp_both_ways(f, s):
    return udp_pair(f, s) + udp_pair(f, s, b'') + udp_pair(f, s, b'odd') + udp_pair(f, s, bytes(1400))


@dialog
def udp_no_checksum(f, s):
    return udp_pair(f, s, zero=True) if f is V4 else []


@dialog
def udp_wrong_checksum(f, s):
    return [('guest', f.udp(f.guest, f.client, s, PORT, b'bad', wrong=77))]


@dialog
def udp_length_lies(f, s):
    return [('guest', f.udp(f.guest, f.client, s, PORT, b'short', length=500)), ('guest', f.udp(f.guest, f.client, s, PORT, b'none', length=7))]


@dialog
def udp_answer_from_another_port(f, s):
    return udp_pair(f, s) + [('client', f.udp(f.client, f.hx, PORT + 1, s, b'another port'))]


@dialog
def udp_answer_from_another_host(f, s):
    return udp_pair(f, s) + [('client', f.udp(f.client2, f.hx, PORT, s, b'another host'))]


@dialog
def udp_nobody_asked(f, s):
    return [('client', f.udp(f.client, f.hx, PORT, s, b'nobody asked'))]


@dialog
def udp_two_guests_with_one_port(f, s):
    return [('guest', f.udp(f.guest, f.client, s, PORT, b'first')), ('guest', f.udp(f.inside_router, f.client, s, PORT + 1, b'second'))]


@dialog
def udp_port_of_the_hosts_own_range(f, s):
    return [('guest', f.udp(f.guest, f.client, 40000 + s % 1000, PORT, b'ephemeral'))]


@dialog
def udp_port_below_600(f, s):
    return [('guest', f.udp(f.guest, f.client, 500, PORT, b'low'))]


# ---- ICMP and others ----

@dialog
def ping(f, s):
    return [('guest', f.ping(f.guest, f.client, s)), ('client', f.ping(f.client, f.hx, s, kind=f.reply))]


@dialog
def answer_to_no_ping(f, s):
    return [('client', f.ping(f.client, f.hx, s, kind=f.reply))]


def errors_about(f, there, back):
    """Both directions, from the ends and from routers on the way: @there as the client got it, @back as the guest got it."""
    return [('client', f.error(f.client, f.hx, 'unreachable', there)), ('client', f.error(f.outside_router, f.hx, 'too-big', there)),
            ('client', f.error(f.outside_router, f.hx, 'expired', there[:48 if f is V6 else 28])),
            ('guest', f.error(f.guest, f.client, 'unreachable', back)), ('guest', f.error(f.inside_router, f.client, 'too-big', back)),
            ('guest', f.error(f.inside_router, f.client, 'expired', back[:48 if f is V6 else 28]))]


@dialog
def errors_about_udp(f, s):
    return udp_pair(f, s) + errors_about(f, f.udp(f.hx, f.client, s, PORT, b'question'), f.udp(f.client, f.guest, PORT, s, b'question'))


@dialog
def errors_about_tcp(f, s):
    t = Tcp(f, s)
    return t.opened() + errors_about(f, f.tcp(f.hx, f.client, s, PORT, ACK, t.g, t.c), f.tcp(f.client, f.guest, PORT, s, ACK, t.c, t.g))


@dialog
def error_of_a_guest_about_nothing(f, s):
    return [('guest', f.error(f.guest, f.client, 'unreachable', f.udp(f.client, f.guest, PORT, s, b'never came')))]


@dialog
def error_about_nothing(f, s):
    return [('client', f.error(f.outside_router, f.hx, 'unreachable', f.udp(f.hx, f.client, s, PORT, b'never sent')))]


@dialog
def protocol_without_ports(f, s):
    return [('guest', f.ip(f.guest, f.client, ESP, struct.pack('!II', s, 1) + b'secret')),
            ('client', f.ip(f.client, f.hx, ESP, struct.pack('!II', s + 1, 1) + b'secret'))]


# ---- headers ----

@dialog
def ip_options(f, s):
    return udp_pair(f, s, options=b'\x01' * 7 + b'\0') if f is V4 else []


@dialog
def extension_headers(f, s):
    padn = b'\0\x01\x04\0\0\0\0'
    if f is V4:
        return []
    return udp_pair(f, s, chain=[(HOPOPT, padn)]) + udp_pair(f, s, chain=[(HOPOPT, padn), (DSTOPT, padn)])


@dialog
def fragments(f, s):
    whole = f.udp(f.guest, f.client, s, PORT, bytes(i % 251 for i in range(2500)))[20 if f is V4 else 40:]
    out = []
    for at in (0, 1400):
        piece, more = whole[at:at + 1400], at + 1400 < len(whole)
        if f is V4:
            out.append(('guest', f.ip(f.guest, f.client, UDP, piece, ident=s, frag=at // 8 | (0x2000 if more else 0))))
        else:
            out.append(('guest', f.ip(f.guest, f.client, UDP, piece, chain=[(FRAGMENT, b'\0' + struct.pack('!HI', at | more, s))])))
    return out


@dialog
def long_random_talk(f, s):
    rnd = random.Random(s)
    talks = [Tcp(f, s + 1000 + i) for i in range(3)]
    said = [w for t in talks for w in t.opened()]
    for _ in range(200):
        t, data = rnd.choice(talks), bytes(rnd.randrange(256) for _ in range(rnd.randrange(1, 1300)))
        word = rnd.randrange(6)
        if word < 2:
            said += [t.guest(ACK | PSH, data), t.client(ACK)]
        elif word < 4:
            said += [t.client(ACK | PSH, data, tos=rnd.randrange(256)), t.guest(ACK)]
        else:
            said += udp_pair(f, s + 2000 + word, data, ttl=rnd.randrange(3, 255))
    return said


if __name__ == '__main__':
    base.main('out_as_kernel', DIALOGS, DIFFERENT)
