# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets as octets: built, read, sent and received on both sides of the host.

One process holds a packet socket in the client's namespace and one in the
guest's. Addresses and MACs used here belong to nobody's kernel, so no stack
answers by itself and each test says every word of the conversation.
"""
import ctypes
import os
import select
import socket
import struct
import time

ETH_P_ALL, ETH_P_IP, ETH_P_IPV6 = 3, 0x0800, 0x86DD
TCP, UDP, ICMP, ICMP6 = 6, 17, 1, 58
HOPOPT, ROUTING, FRAGMENT, AH, NONE, DSTOPT = 0, 43, 44, 51, 59, 60
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32


def add16(data):
    if len(data) % 2:
        data += b'\0'
    n = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while n >> 16:
        n = (n & 0xffff) + (n >> 16)
    return n


def checksum(data):
    return 0xffff - add16(data)


class Family:
    """Addresses of one family and the headers that differ between the two."""

    def __init__(self, v):
        self.v = v
        self.af = socket.AF_INET if v == 4 else socket.AF_INET6
        four = v == 4
        self.client = '198.51.100.77' if four else '2001:db8:100::77'
        self.client2 = '198.51.100.78' if four else '2001:db8:100::78'
        self.outside_router = '192.0.2.99' if four else '2001:db8:99::1'
        self.hx = '198.51.100.1' if four else '2001:db8:100::1'
        self.hy = '203.0.113.5' if four else '2001:db8:203::5'
        self.guest = '192.168.122.60' if four else 'fd00:122::60'
        self.inside_router = '192.168.122.99' if four else 'fd00:122::99'
        self.icmp = ICMP if four else ICMP6
        self.echo, self.reply = (8, 0) if four else (128, 129)
        self.name = 'v%d' % v

    def octets(self, a):
        return socket.inet_pton(self.af, a)

    def pseudo(self, src, dst, proto, length):
        if self.v == 4:
            return self.octets(src) + self.octets(dst) + struct.pack('!BBH', 0, proto, length)
        return self.octets(src) + self.octets(dst) + struct.pack('!IHBB', length, 0, 0, proto)

    def l4_sum(self, src, dst, proto, l4):
        """What the checksum adds up to over a right packet: 0xffff."""
        if proto == ICMP:
            return add16(l4)
        return add16(self.pseudo(src, dst, proto, len(l4)) + l4)

    def close(self, src, dst, proto, l4, at, wrong=0):
        """Put the checksum at octet `at`; `wrong` is added to it."""
        l4 = l4[:at] + b'\0\0' + l4[at + 2:]
        c = 0xffff - self.l4_sum(src, dst, proto, l4)
        if proto == UDP and c == 0:
            c = 0xffff
        if wrong:
            c = (c + wrong) % 0xffff or 1
        return l4[:at] + struct.pack('!H', c) + l4[at + 2:]

    def ip(self, src, dst, proto, l4, ttl=57, tos=0xb9, ident=0x1234, frag=0x4000, options=b'', flow=0xabcde,
           chain=()):
        """`chain`: IPv6 extension headers, (number, octets from the length field on)."""
        if self.v == 4:
            ihl = 5 + len(options) // 4
            h = struct.pack('!BBHHHBBH', 0x40 | ihl, tos, ihl * 4 + len(l4), ident, frag, ttl, proto, 0)
            h += self.octets(src) + self.octets(dst) + options
            return h[:10] + struct.pack('!H', checksum(h)) + h[12:] + l4
        first, ext = proto, b''
        for number, body in reversed(chain):
            ext = bytes([first]) + body + ext
            first = number
        h = struct.pack('!IHBB', 6 << 28 | tos << 20 | flow, len(ext) + len(l4), first, ttl)
        return h + self.octets(src) + self.octets(dst) + ext + l4

    def udp(self, src, dst, sport, dport, payload=b'', wrong=0, zero=False, length=None, **ip):
        l4 = struct.pack('!HHHH', sport, dport, 8 + len(payload) if length is None else length, 0) + payload
        if not zero:
            l4 = self.close(src, dst, UDP, l4, 6, wrong)
        return self.ip(src, dst, UDP, l4, **ip)

    def tcp(self, src, dst, sport, dport, flags, seq=0, ack=0, payload=b'', options=b'', wrong=0, window=65535,
            urgent=0, reserved=0, offset=None, **ip):
        off = 5 + len(options) // 4 if offset is None else offset
        l4 = struct.pack('!HHIIBBHHH', sport, dport, seq % 2**32, ack % 2**32, off << 4 | reserved, flags, window, 0,
                         urgent)
        return self.ip(src, dst, TCP, self.close(src, dst, TCP, l4 + options + payload, 16, wrong), **ip)

    def icmp_packet(self, src, dst, kind, code, rest, payload=b'', wrong=0, **ip):
        l4 = struct.pack('!BBH', kind, code, 0) + rest + payload
        return self.ip(src, dst, self.icmp, self.close(src, dst, self.icmp, l4, 2, wrong), **ip)

    def ping(self, src, dst, ident, seq=1, payload=b'ping', kind=None, **more):
        return self.icmp_packet(src, dst, self.echo if kind is None else kind, 0,
                                struct.pack('!HH', ident, seq), payload, **more)

    def error(self, src, dst, what, quote, **more):
        """`what`: unreachable, too-big, expired."""
        kind, code, rest = {
            (4, 'unreachable'): (3, 3, b'\0\0\0\0'), (6, 'unreachable'): (1, 4, b'\0\0\0\0'),
            (4, 'too-big'): (3, 4, b'\0\0\x05\x78'), (6, 'too-big'): (2, 0, b'\0\0\x05\x78'),
            (4, 'expired'): (11, 0, b'\0\0\0\0'), (6, 'expired'): (3, 0, b'\0\0\0\0'),
            (4, 'parameter'): (12, 0, b'\x14\0\0\0'), (6, 'parameter'): (4, 1, b'\0\0\0\x06'),
        }[self.v, what]
        return self.icmp_packet(src, dst, kind, code, rest, quote, **more)


class Packet:
    """What came, read field by field; `right`: every checksum that can be judged is right."""

    def __init__(self, octets):
        self.octets = octets
        self.v = octets[0] >> 4
        self.family = f = V4 if self.v == 4 else V6
        self.right = True
        self.ext = []
        if self.v == 4:
            self.header = (octets[0] & 15) * 4
            total, self.id, self.frag = struct.unpack('!HHH', octets[2:8])
            self.tos, self.ttl, self.proto = octets[1], octets[8], octets[9]
            self.flow = None
            a, b = octets[12:16], octets[16:20]
            self.options = octets[20:self.header]
            self.right &= add16(octets[:self.header]) == 0xffff
            self.fragment = bool(self.frag & 0x3fff)
            self.offset, self.more = (self.frag & 0x1fff) * 8, bool(self.frag & 0x2000)
            octets = octets[:total]
        else:
            word, length, nh, self.ttl = struct.unpack('!IHBB', octets[:8])
            self.tos, self.flow = word >> 20 & 0xff, word & 0xfffff
            a, b = octets[8:24], octets[24:40]
            octets = octets[:40 + length]
            self.header, self.fragment, self.offset, self.more = 40, False, 0, False
            while nh in (HOPOPT, ROUTING, FRAGMENT, DSTOPT) and len(octets) >= self.header + 8:
                size = 8 if nh == FRAGMENT else 8 * (octets[self.header + 1] + 1)
                body = octets[self.header:self.header + size]
                self.ext.append((nh, body[1:]))
                if nh == FRAGMENT:
                    off, self.id = struct.unpack('!HI', body[2:8])
                    self.offset, self.more = off & 0xfff8, bool(off & 1)
                    self.fragment = self.offset > 0 or self.more
                nh, self.header = body[0], self.header + size
            self.proto = nh
        self.src, self.dst = socket.inet_ntop(f.af, a), socket.inet_ntop(f.af, b)
        self.l4 = l4 = octets[self.header:]
        self.sport = self.dport = self.flags = self.type = None
        self.payload = b''
        if self.fragment:
            self.right = None
            return
        if self.proto == TCP and len(l4) >= 20:
            self.sport, self.dport, self.seq, self.ack = struct.unpack('!HHII', l4[:12])
            self.flags, self.payload = l4[13], l4[(l4[12] >> 4) * 4:]
        elif self.proto == UDP and len(l4) >= 8:
            self.sport, self.dport, _, self.sum = struct.unpack('!HHHH', l4[:8])
            self.payload = l4[8:]
            if self.sum == 0:
                return
        elif self.proto == f.icmp and len(l4) >= 8:
            self.type, self.code = l4[0], l4[1]
            self.ident, self.rest, self.payload = struct.unpack('!H', l4[4:6])[0], l4[4:8], l4[8:]
        else:
            return
        self.right &= f.l4_sum(self.src, self.dst, self.proto, l4) == 0xffff

    def __str__(self):
        return '%s > %s proto %d ports %s > %s flags %s type %s ttl %d right %s %s' % (
            self.src, self.dst, self.proto, self.sport, self.dport, self.flags, self.type, self.ttl, self.right,
            self.octets.hex())


V4, V6 = Family(4), Family(6)


class End:
    """One side of the host: a packet socket on eth0 of a namespace."""

    def __init__(self, ns, mac, gateway_mac):
        libc = ctypes.CDLL(None, use_errno=True)
        here = os.open('/proc/self/ns/net', os.O_RDONLY)
        there = os.open('/run/netns/' + ns, os.O_RDONLY)
        if libc.setns(there, 0):
            raise OSError(ctypes.get_errno(), 'setns ' + ns)
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.sock.bind(('eth0', 0))
        libc.setns(here, 0)
        os.close(here)
        os.close(there)
        self.mac, self.gateway_mac = (bytes.fromhex(m.replace(':', '')) for m in (mac, gateway_mac))
        self.heard = []

    def send(self, ip):
        kind = ETH_P_IP if ip[:1] and ip[0] >> 4 == 4 else ETH_P_IPV6
        self.sock.send(self.gateway_mac + self.mac + struct.pack('!H', kind) + ip)

    def _read(self, seconds):
        """Take everything that came; wait for it `seconds` at most."""
        if not select.select([self.sock], [], [], seconds)[0]:
            return
        while select.select([self.sock], [], [], 0)[0]:
            frame, (_, _, kind, _, _) = self.sock.recvfrom(70000)
            if kind == socket.PACKET_OUTGOING or frame[:6] != self.mac:
                continue
            if struct.unpack('!H', frame[12:14])[0] in (ETH_P_IP, ETH_P_IPV6):
                self.heard.append(Packet(frame[14:]))

    def get(self, want, seconds=2.0):
        """The next packet for which want(packet); None if there is none in time. Earlier ones are forgotten."""
        deadline = time.monotonic() + seconds
        while True:
            while self.heard:
                p = self.heard.pop(0)
                if want(p):
                    return p
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self._read(left)

    def clear(self):
        self._read(0)
        self.heard = []
