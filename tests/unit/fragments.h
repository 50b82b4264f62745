/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fragments - datagrams in pieces for tests: cut, given to the engine in any
 * order with what it holds kept as nfq/ would, and put together again.
 */
#ifndef TESTS_FRAGMENTS_H
#define TESTS_FRAGMENTS_H

#include "tests/unit/unit.h"
#include "tests/unit/world.h"

enum { PIECES_MAX = 160 };

struct piece {
	uint8_t octets[2048];
	uint32_t len;
	struct nat_pkt pkt;		/* as the engine left it the last time */
	unsigned times;			/* how often it was passed on */
};

struct pieces {
	struct piece piece[PIECES_MAX];
	unsigned n;
	unsigned held[PIECES_MAX], n_held;	/* pieces that wait, in order of arrival */
};

/* pieces_header - octets before the part that is cut: IPv6 gets a fragment header there */
static inline uint32_t pieces_header(const uint8_t *whole)
{
	return whole[0] >> 4 == 4 ? (whole[0] & 15u) * 4 : 40;
}

/* piece_write - octets [@at, @at + @octets) of the datagram @whole as one fragment */
static inline void piece_write(struct piece *p, const uint8_t *whole, uint32_t len, uint32_t at, uint32_t octets, uint32_t id)
{
	uint32_t head = pieces_header(whole), body = len - head;
	bool more = at + octets < body;

	*p = (struct piece){ .len = 0 };
	memcpy(p->octets, whole, head);
	if (whole[0] >> 4 == 4) {
		wire_put16(p->octets + 2, (uint16_t)(head + octets));
		wire_put16(p->octets + 4, (uint16_t)id);
		wire_put16(p->octets + 6, (uint16_t)(at / 8 | (more ? 0x2000 : 0)));
		wire_put16(p->octets + 10, 0);
		wire_put16(p->octets + 10, (uint16_t)~naive_sum(0, p->octets, head));
	} else {
		uint8_t *h = p->octets + head;

		wire_put16(p->octets + 4, (uint16_t)(8 + octets));
		h[0] = p->octets[6];
		p->octets[6] = NAT_PROTO_FRAGMENT;
		h[1] = 0;
		wire_put16(h + 2, (uint16_t)(at | more));
		wire_put16(h + 4, (uint16_t)(id >> 16));
		wire_put16(h + 6, (uint16_t)id);
		head += 8;
	}
	memcpy(p->octets + head, whole + pieces_header(whole) + at, octets);
	p->len = head + octets;
}

/* pieces_cut - @whole in pieces of @size octets (a multiple of 8) */
static inline void pieces_cut(struct pieces *s, const uint8_t *whole, uint32_t len, uint32_t size, uint32_t id)
{
	uint32_t body = len - pieces_header(whole);

	s->n = s->n_held = 0;
	for (uint32_t at = 0; at < body; at += size) {
		if (s->n == PIECES_MAX)
			abort();
		piece_write(&s->piece[s->n++], whole, len, at, body - at < size ? body - at : size, id);
	}
}

static inline enum nat_reason piece_ask(struct world *w, struct piece *p, uint8_t hook, uint32_t indev)
{
	uint8_t was[sizeof(p->octets)];

	memcpy(was, p->octets, sizeof(was));
	p->pkt = (struct nat_pkt){ .data = p->octets, .len = p->len, .hook = hook, .indev = indev,
				 .outdev = hook == NAT_POST ? OUTSIDE : 0 };
	nat_enter(&w->nat);
	nat_packet(&w->nat, &p->pkt, w->now);
	nat_leave(&w->nat);
	nat_finish(&p->pkt);
	if (!p->pkt.changed)
		assert_memory_equal(was, p->octets, sizeof(was));
	if (nat_check(&w->nat))
		unit_fail("%s", nat_check(&w->nat));
	return p->pkt.reason;
}

/* pieces_give - one piece, as nfq/batch.c does: held ones are given again when a packet says so, the first before others */
static inline enum nat_reason pieces_give(struct world *w, struct pieces *s, unsigned i, uint8_t hook, uint32_t indev)
{
	enum nat_reason why = piece_ask(w, &s->piece[i], hook, indev);
	unsigned n = s->n_held;

	if (why == NAT_WHY_FRAGMENT_HELD)
		s->held[s->n_held++] = i;
	else
		s->piece[i].times++;
	if (!s->piece[i].pkt.release)
		return why;
	n = s->n_held;
	s->n_held = 0;
	for (unsigned later = 0; later < 2; later++)
		for (unsigned k = 0; k < n; k++) {
			struct piece *p = &s->piece[s->held[k]];

			if (p->pkt.view.is_later != later)
				continue;
			assert_int_not_equal(piece_ask(w, p, hook, indev), NAT_WHY_FRAGMENT_HELD);
			p->times++;
		}
	return why;
}

/* pieces_join - what a receiver puts together; returns its length. The pieces say who they are from and to. */
static inline uint32_t pieces_join(const struct pieces *s, uint8_t *whole)
{
	uint32_t head = pieces_header(s->piece[0].octets), body = 0;

	for (unsigned i = 0; i < s->n; i++) {
		const struct piece *p = &s->piece[i];
		uint32_t skip = head + (p->octets[0] >> 4 == 6 ? 8 : 0), at;

		at = p->octets[0] >> 4 == 4 ? (wire_get16(p->octets + 6) & 0x1fffu) * 8 : wire_get16(p->octets + head + 2) & 0xfff8u;
		memcpy(whole + head + at, p->octets + skip, p->len - skip);
		if (at + p->len - skip > body)
			body = at + p->len - skip;
	}
	memcpy(whole, s->piece[0].octets, head);
	if (whole[0] >> 4 == 4) {
		wire_put16(whole + 2, (uint16_t)(head + body));
		wire_put16(whole + 6, 0);
		wire_put16(whole + 10, 0);
		wire_put16(whole + 10, (uint16_t)~naive_sum(0, whole, head));
	} else {
		whole[6] = s->piece[0].octets[head];
		wire_put16(whole + 4, (uint16_t)body);
	}
	return head + body;
}

#endif
