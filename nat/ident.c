/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ident - see ident.h */
#include "nat/ident.h"

#include "nat/csum.h"
#include "nat/nat.h"
#include "nat/wire.h"

enum {
	V4_ID = 4, V4_CSUM = 10,	/* RFC 791 3.1 */
	V6_FRAG_ID = 4,				/* in the fragment header: RFC 8200 4.5 */
	SEGMENT_LEAST = 512,			/* octets: an aggregate is cut into no more pieces than of this size */
};

static uint32_t ident_of(const uint8_t *data, const struct pkt_view *v)
{
	return v->tuple.family == NAT_IPV4 ? wire_get16(data + V4_ID) : wire_get32(data + v->frag_header + V6_FRAG_ID);
}

/* What a number must be unique among. IPv6 does not compare the protocol: RFC 8200 4.5. */
static uint64_t ends_hash(const struct nat *n, const struct nat_tuple *t)
{
	uint64_t w[5];

	memcpy(w, t->ends.src.octet, 16);
	memcpy(w + 2, t->ends.dst.octet, 16);
	w[4] = 0x69640000u | (t->family == NAT_IPV4 ? t->proto : 0u);
	return siphash_words(&n->block->flows.key, w, 5);
}

static uint32_t tag_of(uint64_t hash)
{
	return (uint32_t)(hash >> 10) | 1;
}

static struct ident_note *note_of(const struct nat *n, uint32_t tag, uint32_t id)
{
	return &n->idents->note[(tag + id) & (IDENT_NOTES - 1)];
}

void ident_write(uint8_t *data, struct pkt_view *v, uint32_t id)
{
	uint16_t was, is = wire_port((uint16_t)id);

	v->frag_id = id;
	if (v->tuple.family == NAT_IPV6) {
		wire_put16(data + v->frag_header + V6_FRAG_ID, (uint16_t)(id >> 16));
		wire_put16(data + v->frag_header + V6_FRAG_ID + 2, (uint16_t)id);
		return;
	}
	was = wire_getbe16(data + V4_ID);
	wire_putbe16(data + V4_ID, is);
	wire_putbe16(data + V4_CSUM, csum_update(wire_getbe16(data + V4_CSUM), csum_diff16(was, is)));
}

void ident_give(struct nat *n, struct nat_pkt *p)
{
	struct pkt_view *v = &p->view;
	uint32_t *counter, was, is;
	uint64_t hash;

	if (!ident_is_needed(p->data, v))
		return;
	hash = ends_hash(n, &v->tuple);
	counter = &n->idents->counter[hash & (IDENT_COUNTERS - 1)];
	was = ident_of(p->data, v);
	is = (uint32_t)(hash >> 32) + *counter;
	if (v->tuple.family == NAT_IPV4)
		is &= 0xffff;
	*counter += p->gso ? v->end / SEGMENT_LEAST + 1 : 1;	/* the kernel counts on from ours: inet_gso_segment() */
	*note_of(n, tag_of(hash), is) = (struct ident_note){ tag_of(hash), is, was };
	ident_write(p->data, v, is);
}

void ident_restore(const struct nat *n, uint8_t *quote, struct pkt_view *v)
{
	const struct ident_note *note;
	uint32_t tag, is;

	if (!ident_is_needed(quote, v))
		return;
	tag = tag_of(ends_hash(n, &v->tuple));
	is = ident_of(quote, v);
	note = note_of(n, tag, is);
	if (note->tag == tag && note->is == is)
		ident_write(quote, v, note->was);
}
