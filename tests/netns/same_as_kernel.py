#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The same packets through the kernel's nf_nat and through nfqnat: what comes out at either end?

    same_as_kernel.py record FILE CLIENT_NS GUEST_NS UP0_MAC VIRBR0_MAC    say every dialog, note what is heard
    same_as_kernel.py compare KERNEL NFQNAT                                octet by octet; result lines

Dialogs do not depend on answers, so both runs say the same. Where nfqnat means to differ, DIFFERENT has the
reason, which is also in docs/kernel-nat.md; a difference that is not there, or not there any more, is a failure.
"""
import json
import random
import struct
import sys
import time

from wire import ACK, DSTOPT, FIN, FRAGMENT, HOPOPT, PSH, RST, SYN, UDP, URG, V4, V6, End

PORT, GPORT = 8080, 80
DIALOGS = {}
DIFFERENT = {
    'tcp_wrong_checksum': 'nfqnat translates and leaves it wrong (R15); to the kernel it is INVALID and goes to the host itself',
    'udp_wrong_checksum': 'as tcp_wrong_checksum',
    'tcp_rst_outside_the_window': 'nfqnat passes every RST (R44); to the kernel it is INVALID',
    'tcp_data_outside_the_window': 'nfqnat drops nothing for its sequence number (R46); to the kernel it is INVALID',
    'tcp_impossible_flags': 'nfqnat drops them (R48); to the kernel they are INVALID, and the host itself answers with a RST',
    'tcp_syn_in_an_open_flow_from_the_guest': 'nfqnat passes it so that the client can challenge it (R43); to the kernel it is INVALID',
}


def dialog(fn):
    DIALOGS[fn.__name__] = fn
    return fn


class Tcp:
    """One connection's words; every method gives (side, packet)."""

    def __init__(self, f, s):
        self.f, self.s, self.c, self.g = f, s, 0xffffff00, 1000

    def client(self, flags, payload=b'', seq=None, **more):
        p = self.f.tcp(self.f.client, self.f.hx, self.s, PORT, flags, self.c if seq is None else seq, self.g if flags & ACK else 0,
                       payload, **more)
        if seq is None:
            self.c += len(payload) + bool(flags & SYN) + bool(flags & FIN)
        return 'client', p

    def guest(self, flags, payload=b'', seq=None, **more):
        p = self.f.tcp(self.f.guest, self.f.client, GPORT, self.s, flags, self.g if seq is None else seq, self.c if flags & ACK else 0,
                       payload, **more)
        if seq is None:
            self.g += len(payload) + bool(flags & SYN) + bool(flags & FIN)
        return 'guest', p

    def opened(self):
        return [self.client(SYN), self.guest(SYN | ACK), self.client(ACK)]


def udp_pair(f, s, payload=b'question', **more):
    return [('client', f.udp(f.client, f.hx, s, PORT, payload, **more)), ('guest', f.udp(f.guest, f.client, GPORT, s, payload, **more))]


# ---- TCP ----

@dialog
def tcp_open_talk_close(f, s):
    t = Tcp(f, s)
    return t.opened() + [t.client(ACK | PSH, b'question'), t.guest(ACK | PSH, b'answer'), t.client(FIN | ACK), t.guest(ACK),
                         t.guest(ACK | PSH, b'still sending'), t.guest(FIN | ACK), t.client(ACK)]


@dialog
def tcp_reset_by_client(f, s):
    t = Tcp(f, s)
    return t.opened() + [t.client(RST | ACK)]


@dialog
def tcp_reset_by_guest(f, s):
    t = Tcp(f, s)
    return t.opened() + [t.guest(RST | ACK)]


@dialog
def tcp_refused(f, s):
    t = Tcp(f, s)
    return [t.client(SYN), t.guest(RST | ACK)]


@dialog
def tcp_retransmissions(f, s):
    t = Tcp(f, s)
    return [t.client(SYN), t.client(SYN, seq=t.c - 1), t.guest(SYN | ACK), t.guest(SYN | ACK, seq=t.g - 1),
            t.client(ACK | PSH, b'no ACK before'), t.client(FIN | ACK), t.client(FIN | ACK, seq=t.c - 1), t.guest(ACK)]


@dialog
def tcp_simultaneous_open(f, s):
    t = Tcp(f, s)
    return [t.client(SYN), t.guest(SYN), t.client(SYN | ACK, seq=t.c - 1), t.guest(SYN | ACK, seq=t.g - 1), t.client(ACK), t.guest(ACK),
            t.client(ACK | PSH, b'question'), t.guest(ACK | PSH, b'answer')]


@dialog
def tcp_options_and_urgent(f, s):
    t = Tcp(f, s)
    options = bytes.fromhex('020405b40402080a0000000100000000010303071e0c01020304050607080900') + b'\0' * 4
    return [t.client(SYN, options=options[:32]), t.guest(SYN | ACK, options=options[:32]), t.client(ACK),
            t.client(ACK | PSH | URG, b'urgent', urgent=3), t.guest(ACK | PSH, b'x' * 1001)]


@dialog
def tcp_port_used_again(f, s):
    t = Tcp(f, s)
    first = t.opened() + [t.client(FIN | ACK), t.guest(FIN | ACK), t.client(ACK)]
    again = Tcp(f, s)
    again.c, again.g = 0x20000000, 0x30000000
    return first + again.opened() + [again.client(ACK | PSH, b'again')]


@dialog
def tcp_mid_stream(f, s):
    """Neither saw the beginning."""
    t = Tcp(f, s)
    return [t.client(ACK | PSH, b'go on'), t.guest(ACK | PSH, b'yes')]


@dialog
def tcp_wrong_checksum(f, s):
    t = Tcp(f, s)
    return t.opened() + [t.client(ACK | PSH, b'bad', wrong=0x1234)]


@dialog
def tcp_rst_outside_the_window(f, s):
    t = Tcp(f, s)
    return t.opened() + [t.client(ACK | PSH, b'x'), t.guest(ACK), t.client(RST, seq=t.c - 0x10000000)]


@dialog
def tcp_data_outside_the_window(f, s):
    t = Tcp(f, s)
    return t.opened() + [t.client(ACK | PSH, b'x'), t.guest(ACK), t.client(ACK | PSH, b'far away', seq=t.c + 0x10000000)]


@dialog
def tcp_syn_in_an_open_flow(f, s):
    t = Tcp(f, s)
    return t.opened() + [t.client(SYN, seq=5)]


@dialog
def tcp_syn_in_an_open_flow_from_the_guest(f, s):
    t = Tcp(f, s)
    return t.opened() + [t.guest(SYN, seq=5)]


@dialog
def tcp_impossible_flags(f, s):
    t = Tcp(f, s)
    return [t.client(SYN | FIN), t.client(0, seq=1), t.client(FIN | PSH | URG, seq=1)]


# ---- UDP ----

@dialog
def udp_both_ways(f, s):
    return udp_pair(f, s) + udp_pair(f, s, b'') + udp_pair(f, s, b'odd') + udp_pair(f, s, bytes(1400))


@dialog
def udp_no_checksum(f, s):
    return udp_pair(f, s, zero=True) if f is V4 else []


@dialog
def udp_wrong_checksum(f, s):
    return [('client', f.udp(f.client, f.hx, s, PORT, b'bad', wrong=77))]


@dialog
def udp_length_lies(f, s):
    return [('client', f.udp(f.client, f.hx, s, PORT, b'short', length=500)), ('client', f.udp(f.client, f.hx, s, PORT, b'none', length=7))]


@dialog
def udp_port_that_is_not_forwarded(f, s):
    return [('client', f.udp(f.client, f.hx, s, PORT + 1, b'nobody'))]


@dialog
def tcp_port_that_is_not_forwarded(f, s):
    return [('client', f.tcp(f.client, f.hx, s, PORT + 1, SYN, 1))]


@dialog
def guest_speaks_first(f, s):
    return [('guest', f.udp(f.guest, f.client, GPORT, s, b'hello?'))]


# ---- ICMP ----

@dialog
def ping(f, s):
    return [('client', f.ping(f.client, f.hx, s)), ('guest', f.ping(f.guest, f.client, s, kind=f.reply))]


def errors_about(f, there, back):
    """Both directions, from the ends and from routers on the way: @there as the guest got it, @back as the client got it."""
    return [('guest', f.error(f.guest, f.client, 'unreachable', there)), ('guest', f.error(f.inside_router, f.client, 'too-big', there)),
            ('guest', f.error(f.inside_router, f.client, 'expired', there[:48 if f is V6 else 28])),
            ('client', f.error(f.client, f.hx, 'unreachable', back)), ('client', f.error(f.outside_router, f.hx, 'too-big', back)),
            ('client', f.error(f.outside_router, f.hx, 'expired', back[:48 if f is V6 else 28]))]


@dialog
def errors_about_udp(f, s):
    return udp_pair(f, s) + errors_about(f, f.udp(f.client, f.guest, s, GPORT, b'question'), f.udp(f.hx, f.client, PORT, s, b'question'))


@dialog
def errors_about_tcp(f, s):
    t = Tcp(f, s)
    return t.opened() + errors_about(f, f.tcp(f.client, f.guest, s, GPORT, ACK, t.c, t.g), f.tcp(f.hx, f.client, PORT, s, ACK, t.g, t.c))


@dialog
def error_about_nothing(f, s):
    return [('client', f.error(f.outside_router, f.hx, 'unreachable', f.udp(f.hx, f.client, PORT, s, b'never sent')))]


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
    """The kernel makes them whole before either sees them, and cuts again."""
    whole = f.udp(f.client, f.hx, s, PORT, bytes(i % 251 for i in range(2500)))[20 if f is V4 else 40:]
    out = []
    for at in (0, 1400):
        piece, more = whole[at:at + 1400], at + 1400 < len(whole)
        if f is V4:
            out.append(('client', f.ip(f.client, f.hx, UDP, piece, ident=s, frag=at // 8 | (0x2000 if more else 0))))
        else:
            out.append(('client', f.ip(f.client, f.hx, UDP, piece, chain=[(FRAGMENT, b'\0' + struct.pack('!HI', at | more, s))])))
    return out


@dialog
def long_random_talk(f, s):
    """Two hundred words of three connections and two UDP flows, mixed, with whatever a right sender may say."""
    rnd = random.Random(s)
    talks = [Tcp(f, s + 1000 + i) for i in range(3)]
    said = [w for t in talks for w in t.opened()]
    for _ in range(200):
        t, data = rnd.choice(talks), bytes(rnd.randrange(256) for _ in range(rnd.randrange(1, 1300)))
        word = rnd.randrange(6)
        if word < 2:
            said += [t.client(ACK | PSH, data), t.guest(ACK)]
        elif word < 4:
            said += [t.guest(ACK | PSH, data, tos=rnd.randrange(256)), t.client(ACK)]
        else:
            said += udp_pair(f, s + 2000 + word, data, ttl=rnd.randrange(3, 255))
    return said


# ---- saying and hearing ----

def heard(end):
    """What came, but for neighbour discovery."""
    got = [p for p in end.heard if not (p.v == 6 and p.proto == 58 and p.type in range(133, 138))]
    end.heard = []
    return got


def as_octets(p):
    """As hex, but for what the host chooses anew each time: the identification of its own packets and of IPv6 fragments."""
    b = bytearray(p.octets)
    if p.v == 4 and not p.frag & 0x4000 and not p.fragment:
        b[4:6] = b[10:12] = b'\0\0'
    if p.v == 6 and p.fragment:
        b[p.header - 4:p.header] = b'\0' * 4
    return b.hex()


def say(ends, f, s, words):
    """Every word, and what is heard until a marker that followed it has come through both kinds of queue."""
    result = []
    for n, (side, packet) in enumerate(words):
        ends[side].send(packet)
        out = {}
        for proto in ('udp', 'tcp'):
            sport = 50000 + (s + n) % 10000
            if proto == 'udp':
                marker = f.udp(f.client, f.hx, sport, PORT + 9, b'marker')
            else:
                # As long as a word of which only headers come at first (nfqnat asks for it whole), or it would overtake that.
                marker = f.tcp(f.client, f.hx, sport, PORT + 9, SYN, n, payload=bytes(400))
            ends['client'].send(marker)
            kept, found, deadline = [], None, time.monotonic() + 20
            while found is None:
                # What is not for us may wake us, too.
                ends['guest']._read(1)
                for p in heard(ends['guest']):
                    if p.dport == GPORT + 9:
                        found = p
                    else:
                        kept.append(p)
                if found is None and time.monotonic() > deadline:
                    raise SystemExit('the %s marker after word %d did not come' % (proto, n))
            out.setdefault('guest', []).extend(kept)
        ends['client']._read(0.005)
        out['guest'] += [p for p in heard(ends['guest']) if p.dport != GPORT + 9]
        out['client'] = heard(ends['client'])
        result.append({k: [as_octets(p) for p in v] for k, v in out.items()})
    return result


def record(dialogs, path, client_ns, guest_ns, up0, virbr0):
    ends = {'client': End(client_ns, '02:00:00:00:00:77', up0), 'guest': End(guest_ns, '02:00:00:00:00:60', virbr0)}
    found = {}
    for number, (name, fn) in enumerate(dialogs.items()):
        for f in (V4, V6):
            for end in ends.values():
                end.clear()
            s = 20000 + 20 * number
            print('%s_%s' % (name, f.name), flush=True)
            found['%s_%s' % (name, f.name)] = say(ends, f, s, fn(f, s))
    with open(path, 'w') as out:
        json.dump(found, out)


def compare(what, different, kernel_path, nfqnat_path):
    with open(kernel_path) as a, open(nfqnat_path) as b:
        kernel, nfqnat = json.load(a), json.load(b)
    for name in kernel:
        wanted = different.get(name, different.get(name[:-3]))
        at = [n for n, (k, m) in enumerate(zip(kernel[name], nfqnat[name])) if k != m]
        if bool(at) == bool(wanted) or not kernel[name]:
            print('ok %s_%s%s' % (what, name, '_but_for_a_reason' if wanted else ''))
            continue
        print('not ok %s_%s: %s' % (what, name, 'no difference any more, though: ' + wanted if wanted else 'different at word %d' % at[0]))
        for n in at[:1]:
            for who, heard_by in (('kernel', kernel[name][n]), ('nfqnat', nfqnat[name][n])):
                for side, packets in heard_by.items():
                    print('%s, heard by the %s: %s' % (who, side, ' | '.join(packets) or 'nothing'))


def main(what, dialogs, different):
    if sys.argv[1] == 'record':
        record(dialogs, *sys.argv[2:7])
    else:
        compare(what, different, *sys.argv[2:4])


if __name__ == '__main__':
    main('same_as_kernel', DIALOGS, DIFFERENT)
