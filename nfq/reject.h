/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reject - what the sender of a packet hears when there is nobody for it.
 *
 * The same that a host without a listener on that port would say: a RST to
 * TCP (RFC 9293 3.5.2), ICMP port unreachable to UDP (RFC 1122 4.1.3.1) and
 * others with ports, host unreachable to a ping and protocols without. It comes from the address that was called.
 *
 * No kernel is touched here: octets in, octets out.
 */
#ifndef NFQ_REJECT_H
#define NFQ_REJECT_H

#include <stddef.h>

#include "nat/addr.h"

struct nat_pkt;

enum {
	REJECT_QUOTE = 128,		/* octets of a packet that are enough to answer it */
	REJECT_OCTETS = 40 + 8 + REJECT_QUOTE,
};

enum reject_how {
	REJECT_AS_CLOSED,		/* as above: there is nobody */
	REJECT_UNREACHABLE,		/* ICMP host (IPv6: address) unreachable to all: there is no way now (RFC 6888 REQ-11, RFC 6296 5) */
	REJECT_EXPIRED,			/* time exceeded: its hops end here (RFC 1812 5.3.1, RFC 4443 3.3) */
	REJECT_TOO_BIG,			/* fragmentation needed, packet too big (RFC 1191 4, RFC 4443 3.2) */
	REJECT_CHAIN,			/* IPv6: a first fragment without the whole header chain (RFC 7112 5); nothing over IPv4 */
	REJECT_HOWS
};

/**
 * reject_head - the first octets of a packet that goes on, as its sender knows it: with the ends that it came with
 * @p:    decided by nat_packet(); its data may have been rewritten
 * @head: out
 * Returns how many; 0: its extension headers are longer than that, so nothing can be said of it.
 */
uint32_t reject_head(const struct nat_pkt *p, uint8_t head[REJECT_QUOTE]);

/**
 * reject_build - the answer to a packet
 * @head:   its first @octets, up to REJECT_QUOTE, IP header first; any octets
 * @how:    what it says; @mtu: octets, for REJECT_TOO_BIG
 * @buf:    out; REJECT_OCTETS
 * @dst:    out; whom it is for, and @family
 *
 * Returns the answer's length in octets, IP header included, its checksum left
 * to the kernel (raw(7)); 0: nothing may be said, as to a RST, to an ICMP error
 * or to a source that is no single host.
 */
size_t reject_build(const uint8_t *head, size_t octets, enum reject_how how, uint32_t mtu, uint8_t *buf,
		    struct nat_addr *dst, enum nat_family *family);

#endif
