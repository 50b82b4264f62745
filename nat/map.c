/* SPDX-License-Identifier: GPL-2.0-or-later */
/* map - see map.h */
#include "nat/map.h"

#include <stddef.h>

#include "nat/tuple.h"
#include "nat/wire.h"

enum { OVERLAP_MAX = 256 };	/* rows that may share one port */

static size_t round8(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

/* One place that knows the order of the arrays in an area. */
static size_t map_layout(struct map *m, uint8_t *mem, uint32_t max_rows, uint32_t max_allow)
{
	size_t row = round8(sizeof(struct map_head));
	size_t span = row + round8(sizeof(struct map_row) * max_rows);
	size_t cand = span + round8(sizeof(struct map_span) * 2 * max_rows);
	size_t allow = cand + round8(sizeof(uint32_t) * 4 * max_rows);

	if (m) {
		m->head = (void *)mem;
		m->row = (void *)(mem + row);
		m->span = (void *)(mem + span);
		m->cand = (void *)(mem + cand);
		m->allow = (void *)(mem + allow);
	}
	return allow + round8(sizeof(struct nat_prefix) * max_allow);
}

size_t map_size(uint32_t max_rows, uint32_t max_allow)
{
	return map_layout(NULL, NULL, max_rows, max_allow);
}

struct map map_at(void *mem)
{
	const struct map_head *h = mem;
	struct map m;

	map_layout(&m, mem, h->max_rows, h->max_allow);
	return m;
}

static void map_clear(struct map_head *h)
{
	h->n_rows = h->n_allow = h->n_cands = h->n_frozen = 0;
	memset(h->first, 0, sizeof(h->first));
}

void map_init(void *mem, uint32_t max_rows, uint32_t max_allow)
{
	struct map_head *h = mem;

	h->max_rows = max_rows;
	h->max_allow = max_allow;
	map_clear(h);
}

enum map_class map_class_of(uint8_t family, uint8_t proto)
{
	static const struct { uint8_t proto; enum map_class v4; } known[] = {
		{ NAT_PROTO_TCP, MAP_TCP4 }, { NAT_PROTO_UDP, MAP_UDP4 }, { NAT_PROTO_SCTP, MAP_SCTP4 },
		{ NAT_PROTO_DCCP, MAP_DCCP4 }, { NAT_PROTO_UDPLITE, MAP_UDPLITE4 },
	};
	bool v4 = family == NAT_IPV4;

	if (!v4 && family != NAT_IPV6)
		return MAP_NO_CLASS;
	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].proto == proto)
			return v4 ? known[i].v4 : known[i].v4 + MAP_TCP6;
	if (proto == NAT_PROTO_ICMP)
		return v4 ? MAP_ICMP4 : MAP_NO_CLASS;
	if (proto == NAT_PROTO_ICMPV6)
		return v4 ? MAP_NO_CLASS : MAP_ICMP6;
	return v4 ? MAP_OTHER4 : MAP_OTHER6;
}

static bool is_icmp_class(enum map_class c)
{
	return c == MAP_ICMP4 || c == MAP_ICMP6;
}

static bool is_other_class(enum map_class c)
{
	return c == MAP_OTHER4 || c == MAP_OTHER6;
}

/* R27: an address says more than a device, a device more than nothing. */
static unsigned row_rank(const struct map_row *r)
{
	return (r->flags & MAP_REST ? 0u : 4u) + (nat_addr_is_any(&r->listen) ? 0u : 2u) + (r->dev ? 1u : 0u);
}

static bool addr_good(const struct nat_addr *a, uint8_t family)
{
	return nat_addr_is_any(a) || nat_addr_fits(a, family);
}

static bool row_good(const struct map_row *r, uint32_t n_allow)
{
	return addr_good(&r->listen, r->family) && addr_good(&r->near, r->family) && r->action <= MAP_HOLD &&
	       (r->action != MAP_FORWARD || nat_addr_fits(&r->to, r->family)) &&
	       map_class_of(r->family, r->proto) != MAP_NO_CLASS && r->inside_bits <= (r->family == NAT_IPV4 ? 32 : 128) &&
	       (!is_other_class(map_class_of(r->family, r->proto)) || (r->lo == r->proto && r->hi == r->proto)) &&
	       r->lo <= r->hi && r->to_lo + (r->hi - r->lo) <= 65535 &&
	       r->allow <= n_allow && r->n_allow <= n_allow - r->allow;
}

static bool prefix_good(const struct nat_prefix *p)
{
	return p->family == NAT_IPV4 ? p->bits <= 32 : p->family == NAT_IPV6 && p->bits <= 128;
}

/* Rows that cover the port at hand, most specific first. */
struct active {
	uint32_t row[OVERLAP_MAX];
	uint32_t n;
};

static bool active_add(struct active *a, const struct map_row *rows, uint32_t row)
{
	uint32_t i = a->n;

	if (a->n == OVERLAP_MAX)
		return false;
	for (; i && row_rank(&rows[a->row[i - 1]]) < row_rank(&rows[row]); i--)
		a->row[i] = a->row[i - 1];
	a->row[i] = row;
	a->n++;
	return true;
}

/* Drop those that end before @port. */
static void active_pass(struct active *a, const struct map_row *rows, uint32_t port)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < a->n; i++)
		if (rows[a->row[i]].hi >= port)
			a->row[kept++] = a->row[i];
	a->n = kept;
}

/* The last port from @port on for which the same rows are active. */
static uint32_t active_until(const struct active *a, const struct map_row *rows, uint32_t next_lo)
{
	uint32_t until = next_lo - 1;

	for (uint32_t i = 0; i < a->n; i++)
		if (rows[a->row[i]].hi < until)
			until = rows[a->row[i]].hi;
	return until;
}

static bool span_add(struct map *m, uint32_t *n_spans, uint32_t lo, uint32_t hi, const struct active *a)
{
	struct map_head *h = m->head;

	if (*n_spans >= 2 * h->max_rows || a->n > 4 * h->max_rows - h->n_cands)
		return false;
	m->span[(*n_spans)++] = (struct map_span){ .lo = (uint16_t)lo, .hi = (uint16_t)hi, .cand = h->n_cands,
						   .n_cand = a->n };
	for (uint32_t i = 0; i < a->n; i++)
		m->cand[h->n_cands++] = a->row[i];
	return true;
}

/* Sweep the rows [@from, @to) of one class by port and write the spans between their edges. */
static bool class_build(struct map *m, uint32_t from, uint32_t to, uint32_t *n_spans)
{
	struct active a = { .n = 0 };
	uint32_t port = 0;

	while (from < to || a.n) {
		uint32_t until;

		if (!a.n)
			port = m->row[from].lo;
		for (; from < to && m->row[from].lo == port; from++)
			if (!active_add(&a, m->row, from))
				return false;
		until = active_until(&a, m->row, from < to ? m->row[from].lo : 65536);
		if (!span_add(m, n_spans, port, until, &a))
			return false;
		port = until + 1;
		active_pass(&a, m->row, port);
	}
	return true;
}

static enum map_err rows_verify(const struct map_row *rows, uint32_t n_rows, uint32_t n_allow, uint32_t *bad)
{
	for (uint32_t i = 0; i < n_rows; i++) {
		enum map_class c = map_class_of(rows[i].family, rows[i].proto);

		*bad = i;
		if (!row_good(&rows[i], n_allow))
			return MAP_BAD_ROW;
		if (i && (c < map_class_of(rows[i - 1].family, rows[i - 1].proto) ||
			  (c == map_class_of(rows[i - 1].family, rows[i - 1].proto) && rows[i].lo < rows[i - 1].lo)))
			return MAP_ORDER;
	}
	return MAP_OK;
}

enum map_err map_build(struct map *m, const struct map_row *rows, uint32_t n_rows, const struct nat_prefix *allow,
		       uint32_t n_allow, uint32_t *bad)
{
	struct map_head *h = m->head;
	uint32_t from = 0, to, n_spans = 0;
	enum map_err err;

	map_clear(h);
	if (n_rows > h->max_rows || n_allow > h->max_allow)
		return MAP_TOO_MANY;
	err = rows_verify(rows, n_rows, n_allow, bad);
	if (err)
		return err;
	for (uint32_t i = 0; i < n_allow; i++)
		if (!prefix_good(&allow[i])) {
			*bad = i;
			return MAP_BAD_ALLOW;
		}
	if (n_rows)
		memcpy(m->row, rows, n_rows * sizeof(*rows));
	if (n_allow)
		memcpy(m->allow, allow, n_allow * sizeof(*allow));

	for (unsigned c = 0; c < MAP_CLASSES; c++, from = to) {
		for (to = from; to < n_rows && map_class_of(rows[to].family, rows[to].proto) == c; to++)
			;
		h->first[c] = n_spans;
		if (!class_build(m, from, to, &n_spans)) {
			map_clear(h);
			return MAP_TOO_MANY;
		}
	}
	h->first[MAP_CLASSES] = n_spans;
	for (uint32_t i = 0; i < n_rows; i++)
		h->n_frozen += !!(rows[i].flags & MAP_FROZEN);
	h->n_rows = n_rows;
	h->n_allow = n_allow;
	return MAP_OK;
}

/* The span that the destination of @ends falls into, or NULL. */
static const struct map_span *span_find(const struct map *m, const struct nat_ends *ends, uint8_t proto, uint8_t family)
{
	enum map_class c = map_class_of(family, proto);
	uint16_t port = is_icmp_class(c) ? 0 : is_other_class(c) ? proto : wire_host(ends->dport);
	uint32_t lo, hi;

	if (c == MAP_NO_CLASS)
		return NULL;
	lo = m->head->first[c];
	hi = m->head->first[c + 1];
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (m->span[mid].hi < port)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo == m->head->first[c + 1] || m->span[lo].lo > port ? NULL : &m->span[lo];
}

static bool row_listens(const struct map_row *r, const struct nat_addr *dst)
{
	return nat_addr_is_any(&r->listen) || nat_addr_eq(&r->listen, dst);
}

uint32_t map_find(const struct map *m, const struct nat_ends *ends, uint8_t proto, uint8_t family, uint32_t indev)
{
	const struct map_span *s = span_find(m, ends, proto, family);

	for (uint32_t i = 0; s && i < s->n_cand; i++) {
		const struct map_row *r = &m->row[m->cand[s->cand + i]];

		if (row_listens(r, &ends->dst) && (!r->dev || r->dev == indev) && (indev || !(r->flags & MAP_REST)))
			return m->cand[s->cand + i];
	}
	return NAT_NONE;
}

uint32_t map_keeps(const struct map *m, const struct nat_ends *orig, const struct nat_ends *reply, uint8_t proto,
		   uint8_t family)
{
	const struct map_span *s = span_find(m, orig, proto, family);
	bool ports = nat_proto_has_ports(proto);

	for (uint32_t i = 0; s && i < s->n_cand; i++) {
		const struct map_row *r = &m->row[m->cand[s->cand + i]];

		if (r->action == MAP_FORWARD && row_listens(r, &orig->dst) && nat_addr_eq(&r->to, &reply->src) &&
		    (!ports || map_guest_port(r, orig->dport) == reply->sport) && map_allows(m, r, &orig->src))
			return m->cand[s->cand + i];
	}
	return NAT_NONE;
}

bool map_allows(const struct map *m, const struct map_row *row, const struct nat_addr *src)
{
	for (uint32_t i = 0; i < row->n_allow; i++)
		if (nat_prefix_has(&m->allow[row->allow + i], src, row->family))
			return true;
	return !row->n_allow;
}

bool map_freezes(const struct map *m, const struct nat_addr *guest, uint8_t family)
{
	for (uint32_t i = 0; m->head->n_frozen && i < m->head->n_rows; i++) {
		const struct map_row *r = &m->row[i];

		if ((r->flags & MAP_FROZEN) && r->family == family && nat_addr_eq(&r->to, guest))
			return true;
	}
	return false;
}

uint16_t map_guest_port(const struct map_row *row, uint16_t dport)
{
	return wire_port((uint16_t)(row->to_lo + (wire_host(dport) - row->lo)));
}

static bool span_good(const struct map *m, const struct map_span *s, enum map_class c)
{
	const struct map_head *h = m->head;

	if (s->lo > s->hi || s->cand > h->n_cands || s->n_cand > h->n_cands - s->cand || !s->n_cand)
		return false;
	for (uint32_t i = 0; i < s->n_cand; i++) {
		const struct map_row *r;

		if (m->cand[s->cand + i] >= h->n_rows)
			return false;
		r = &m->row[m->cand[s->cand + i]];
		if (map_class_of(r->family, r->proto) != c || r->lo > s->lo || r->hi < s->hi)
			return false;
		if (i && row_rank(r) > row_rank(&m->row[m->cand[s->cand + i - 1]]))
			return false;
	}
	return true;
}

const char *map_check(const struct map *m)
{
	const struct map_head *h = m->head;

	if (h->n_rows > h->max_rows || h->n_allow > h->max_allow || h->n_cands > 4 * (uint64_t)h->max_rows)
		return "M3: counts are larger than the area";
	for (uint32_t i = 0; i < h->n_rows; i++)
		if (!row_good(&m->row[i], h->n_allow))
			return "M3: a row's addresses, ports or allow list are not good";
	for (uint32_t i = 0; i < h->n_allow; i++)
		if (!prefix_good(&m->allow[i]))
			return "M3: a prefix is longer than its address";
	for (unsigned c = 0; c < MAP_CLASSES; c++) {
		if (h->first[c] > h->first[c + 1] || h->first[c + 1] > 2 * (uint64_t)h->max_rows)
			return "M1: spans lie outside the area";
		for (uint32_t i = h->first[c]; i < h->first[c + 1]; i++) {
			if (i > h->first[c] && m->span[i].lo <= m->span[i - 1].hi)
				return "M1: spans overlap or are not in order";
			if (!span_good(m, &m->span[i], c))
				return "M2: a span's candidates do not cover it or are not in order";
		}
	}
	return NULL;
}
