/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ident - identifications of datagrams whose source is rewritten (R28).
 *
 * Behind one outside address several sources number their datagrams, each for
 * itself. RFC 6864 5.3.1: whoever rewrites sources must see to it that
 * (source, destination, protocol, identification) is unambiguous again, or a
 * receiver puts pieces of two datagrams together. So a datagram that is, or
 * may yet be, in pieces gets a number of ours: keyed offset of its ends plus
 * a counter shared by few destinations (RFC 7739 5.3), which is neither
 * guessed nor repeated before 65,536 others have gone to that destination.
 *
 *     IPv4   all but atomic datagrams (DF set, whole): these keep theirs, RFC 6864 4.1
 *     IPv6   pieces only; an atomic fragment (RFC 6946) keeps its own
 *
 * All pieces of a datagram get one number: frag.h keeps it. What the last
 * datagrams were called before is kept too, for the ICMP errors that quote
 * them: best effort, no receiver needs it (RFC 5508 REQ-4 does not ask for it).
 *
 * This host's own datagrams are numbered by its kernel, which we do not see:
 * one of its numbers meets one of ours by chance only, 1 in 65,536.
 *
 * Memory      one area inside the state block; nothing in it can be invalid
 * Threads     none: the caller holds one lock per batch
 */
#ifndef NAT_IDENT_H
#define NAT_IDENT_H

#include "nat/pkt.h"
#include "nat/wire.h"

struct nat;

enum { IDENT_COUNTERS = 1024, IDENT_NOTES = 1024 };	/* powers of two */

/* What one of the last datagrams was called. */
struct ident_note {
	uint32_t tag;			/* of its ends; 0: not used */
	uint32_t is, was;
};

struct idents {
	uint32_t counter[IDENT_COUNTERS];
	struct ident_note note[IDENT_NOTES];
};

/* ident_is_needed - is it not atomic (RFC 6864 4: whole, and must stay so)? IPv6 has numbers in pieces only. */
static inline bool ident_is_needed(const uint8_t *data, const struct pkt_view *v)
{
	return v->tuple.family == NAT_IPV4 ? (wire_get16(data + 6) & 0x7fff) != 0x4000 : v->is_fragment;
}

/* ident_give - the datagram of @p, whose source has been rewritten, gets its own identification if it needs one; about 15 ns */
void ident_give(struct nat *n, struct nat_pkt *p);

/* ident_renew - the same after rewrite_packet(), if that changed the source and somebody may put pieces together after us */
static inline void ident_renew(struct nat *n, struct nat_pkt *p)
{
	if (ident_is_needed(p->data, &p->view) && p->hook != NAT_IN && !nat_addr_eq(&p->before.src, &p->after.src))
		ident_give(n, p);
}

/* ident_write - a datagram, or a piece of one, is to be called @id; @v: of the same octets, is updated */
void ident_write(uint8_t *data, struct pkt_view *v, uint32_t id);

/**
 * ident_restore - a quoted datagram gets back the identification that its sender gave it, if that is still known
 * @v: of the quote, whose source is still the outside address
 */
void ident_restore(const struct nat *n, uint8_t *quote, struct pkt_view *v);

#endif
