/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rows - publish items become rows: one per family and unbroken range. */
#include <netinet/in.h>
#include <stdlib.h>

#include "conf/build.h"
#include "conf/ports.h"
#include "nat/tuple.h"

/* The host ports of one forward, for one protocol. */
struct holes {
	struct conf_ports published;
	struct conf_ports excluded;
	struct conf_ports rest;		/* excluded of `all`: also the ports that nfqnat itself uses */
};

enum { TCP, UDP, HOLES };

static const uint8_t hole_proto[HOLES] = { [TCP] = IPPROTO_TCP, [UDP] = IPPROTO_UDP };

/* Does @p speak of this protocol? An exclusion without one speaks of both, and so does `all`. */
static bool is_of(const struct publish *p, unsigned hole)
{
	return p->proto == hole_proto[hole] || !p->proto;
}

static bool collect(struct holes *holes, const struct conf *c, const struct conf_item *items, unsigned n)
{
	for (unsigned h = 0; h < HOLES; h++) {
		for (unsigned i = 0; i < n; i++) {
			const struct publish *p = &items[i].p;
			struct conf_ports *set = p->exclude ? &holes[h].excluded : &holes[h].published;

			if (is_of(p, h) && !p->block && conf_ports_add(set, p->lo, p->hi))
				return false;
			if (is_of(p, h) && p->exclude && conf_ports_add(&holes[h].rest, p->lo, p->hi))
				return false;
		}
		if (conf_ports_add(&holes[h].rest, c->source_lo, c->source_hi))
			return false;
		conf_ports_seal(&holes[h].published);
		conf_ports_seal(&holes[h].excluded);
		conf_ports_seal(&holes[h].rest);
	}
	return true;
}

static void check_exclusion(struct conf_build *b, const struct holes *holes, const struct conf_item *item)
{
	for (unsigned h = 0; h < HOLES; h++)
		if (is_of(&item->p, h) && conf_ports_overlap(&holes[h].published, item->p.lo, item->p.hi))
			return;
	conf_error_add(b->errs, item->at, "'%s' excludes nothing: no range of this forward has these ports; remove it",
		       item->text);
}

static void add_row(struct conf_build *b, const struct conf_row *row, struct conf_at at)
{
	struct conf *c = b->conf;

	if (b->full)
		return;
	if (c->n_rows == CONF_ROWS_MAX) {
		b->full = true;
		conf_error_add(b->errs, at, "this is more than %d forwarded ranges; join neighbouring ports into ranges",
			       CONF_ROWS_MAX);
		return;
	}
	if (c->n_rows == b->rows_room) {
		unsigned room = b->rows_room ? 2 * b->rows_room : 32;
		struct conf_row *more = reallocarray(c->rows, room, sizeof(*more));

		if (!more) {
			b->errs->oom = true;
			return;
		}
		c->rows = more;
		b->rows_room = room;
	}
	c->rows[c->n_rows++] = *row;
}

/* The pieces of @item that no exclusion takes. Returns how many. */
static unsigned add_pieces(struct conf_build *b, const struct conf_item *item, struct conf_row row,
			   const struct conf_ports *excluded)
{
	uint32_t lo = item->p.lo, hi = item->p.hi;	/* 32 bits: lo may pass 65535 */
	unsigned n = 0;

	while (lo <= hi) {
		const struct conf_range *hole = conf_ports_first(excluded, (uint16_t)lo);
		uint32_t end = hole && hole->lo <= hi ? hole->lo : hi + 1;
		uint32_t next = hole ? hole->hi + 1u : end;

		if (end > lo) {
			row.lo = (uint16_t)lo;
			row.hi = (uint16_t)(end - 1);
			row.to_lo = (uint16_t)(item->p.to_lo + (lo - item->p.lo));
			add_row(b, &row, item->at);
			n++;
		}
		lo = end > hi ? end : next;
	}
	return n;
}

/* `all`: both protocols that have rows of ports, all of them. */
static unsigned add_rest(struct conf_build *b, const struct conf_item *item, struct conf_row row, const struct holes *holes)
{
	unsigned n = 0;

	row.rest = true;
	for (unsigned h = 0; h < HOLES; h++) {
		row.proto = hole_proto[h];
		n += add_pieces(b, item, row, &holes[h].rest);
	}
	return n;
}

static void add_item(struct conf_build *b, uint32_t forward, const struct conf_item *item, const struct holes *holes,
		     const struct conf_targets *to)
{
	const struct publish *p = &item->p;
	static const struct conf_ports none;
	const struct conf_ports *excluded = p->proto == IPPROTO_UDP ? &holes[UDP].excluded :
					    p->proto == IPPROTO_TCP ? &holes[TCP].excluded : &none;
	struct conf_row row = {
		.proto = p->proto, .listen = p->listen, .forward = forward,
		.line = item->at.line, .col = item->at.col, .block = p->block,
		.host_source = forward < b->conf->n_forwards && b->conf->forwards[forward].host_source,
	};
	unsigned n = 0;

	memcpy(row.dev, p->dev, sizeof(row.dev));
	for (unsigned i = 0; i < 2; i++) {
		bool has = i ? to->has6 : to->has4;

		row.family = i ? NAT_IPV6 : NAT_IPV4;
		row.to = i ? to->to6 : to->to4;
		if (!has || (p->family && p->family != row.family))
			continue;
		if (p->rest) {
			n += add_rest(b, item, row, holes);
			continue;
		}
		if (p->block) {
			row.lo = p->lo;
			row.hi = p->hi;
			row.to_lo = p->to_lo;
		} else if (nat_proto_has_ports(p->proto)) {
			n += add_pieces(b, item, row, excluded);
			continue;
		}
		add_row(b, &row, item->at);
		n++;
	}
	if (n || !(to->has4 || to->has6))
		return;
	if (p->family && !(p->family == NAT_IPV4 ? to->has4 : to->has6))
		conf_error_add(b->errs, item->at, "'%s' listens on IPv%u, but `to` has no IPv%u address; add one", item->text,
			       p->family, p->family);
	else
		conf_error_add(b->errs, item->at, "every port of '%s' is excluded; remove it or the exclusion",
			       item->text);
}

void conf_rows_add(struct conf_build *b, uint32_t forward, const struct conf_item *items, unsigned n,
		   const struct conf_targets *to)
{
	struct holes holes[HOLES] = { 0 };

	if (!collect(holes, b->conf, items, n))
		b->errs->oom = true;
	for (unsigned i = 0; i < n && !b->errs->oom; i++) {
		if (items[i].p.exclude)
			check_exclusion(b, holes, &items[i]);
		else
			add_item(b, forward, &items[i], holes, to);
	}
	for (unsigned h = 0; h < HOLES; h++) {
		conf_ports_fini(&holes[h].published);
		conf_ports_fini(&holes[h].excluded);
		conf_ports_fini(&holes[h].rest);
	}
}
