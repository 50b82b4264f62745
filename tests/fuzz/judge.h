/* SPDX-License-Identifier: GPL-2.0-or-later */
/* judge - give the engine a packet, and check what must hold whatever the packet is. */
#ifndef TESTS_FUZZ_JUDGE_H
#define TESTS_FUZZ_JUDGE_H

#include "tests/unit/world.h"

/* not assert(): it must hold in every build */
#define MUST(x) ((x) ? (void)0 : (fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #x), abort()))

static inline void judge_changed(const struct nat_pkt *p, const uint8_t *was, bool error)
{
	struct pkt_view v;
	bool partial = p->csum_partial && !p->view.is_fragment && !(p->gso && p->hook == NAT_POST);
	uint32_t after;			/* what follows ports and checksum */

	/* It is still a packet of the same kind, and says what nat_packet() says it says. */
	MUST(pkt_parse_ip(p->data, p->len, false, &v) == NAT_WHY_UNDECIDED);
	MUST(v.is_error == error && v.l4 == p->view.l4 && v.end == p->view.end);
	MUST(error || !memcmp(&v.tuple.ends, &p->after, sizeof(p->after)));
	/* Right checksums stay right; a missing one is written. Later fragments have none. */
	if (!p->csum_partial && !p->view.is_later && naive_good(was, p->len))
		MUST(naive_good(p->data, p->len));
	if (partial && !error && v.tuple.family == NAT_IPV6 && (v.tuple.proto == NAT_PROTO_TCP || v.tuple.proto == NAT_PROTO_ICMPV6))
		MUST(naive_good(p->data, p->len));
	/* R61: TTL, TOS, lengths and whatever is behind the checksums. R28: the identification, unless the source was changed. */
	if (v.tuple.family == NAT_IPV4) {
		MUST(!memcmp(p->data, was, 4) && !memcmp(p->data + 6, was + 6, 4));
		if (!memcmp(p->data + 12, was + 12, 4) || (wire_get16(was + 6) & 0x7fff) == 0x4000)
			MUST(!memcmp(p->data + 4, was + 4, 2));
	} else {
		uint32_t id = v.is_fragment && memcmp(p->data + 8, was + 8, 16) ? v.frag_header + 4u : v.l4;

		MUST(!memcmp(p->data, was, 8) && !memcmp(p->data + 40, was + 40, id - 40));
		if (id < v.l4)
			MUST(!memcmp(p->data + id + 4, was + id + 4, v.l4 - id - 4));
	}
	after = v.l4 + (v.is_later || !v.has_ports ? 0 : v.tuple.proto == NAT_PROTO_TCP ? 18 : v.tuple.proto == NAT_PROTO_SCTP ? 12 : 8);
	if (!error)
		MUST(!memcmp(p->data + after, was + after, p->len - after));
}

/* What fuzzers begin each input with, so that it does the same again. */
static struct nat_recent judge_recent;

static inline void judge_begin(void)
{
	memset(&judge_recent, 0, sizeof(judge_recent));
}

/* judge - @p has all but data and len; they are @octets, of which a copy of exactly @len is given away and written back */
static inline void judge(struct nat *n, struct nat_pkt *p, uint8_t *octets, uint32_t len, nat_ns now)
{
	uint8_t *exact = malloc(len ? len : 1);

	if (!exact)
		abort();
	memcpy(exact, octets, len);
	p->data = exact;
	p->len = len;
	/* Looked at before its turn, or not, and with a memory of those before or without: the octets choose. */
	p->recent = len && (octets[len - 1] & 2) ? &judge_recent : NULL;
	if (len && (octets[len - 1] & 1))
		nat_look(n, p);
	nat_enter(n);
	if (p->looked)
		nat_warm(n, p);
	nat_packet(n, p, now);
	nat_leave(n);
	MUST(p->reason < NAT_REASONS);
	nat_finish(p);
	if (!p->changed)
		MUST(!memcmp(exact, octets, len));
	else
		judge_changed(p, octets, p->view.is_error);
	if (nat_reason_verdict(p->reason) == NAT_DROP || nat_reason_verdict(p->reason) == NAT_HOLD ||
	    nat_reason_verdict(p->reason) == NAT_WHOLE || p->mark)
		MUST(!p->changed);
	MUST(p->reason != NAT_WHY_HEADERS_ONLY || (p->truncated && p->headers && !p->mark));
	MUST(!p->mark || (mark_is_ours(p->mark) && p->truncated && p->headers));
	MUST(!p->release || p->datagram);
	memcpy(octets, exact, len);
	free(exact);
}

static inline void judge_tables(const struct nat *n)
{
	const char *bad = nat_check(n);

	if (bad)
		fprintf(stderr, "%s\n", bad);
	MUST(!bad);
	MUST(n->block->opened - n->block->ended == n->flows.head->used);
}

#endif
