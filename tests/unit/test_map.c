/* SPDX-License-Identifier: GPL-2.0-or-later */
/* map: the lookup beside a search through all rows, the errors of map_build(), and damaged tables. */
#include "nat/map.h"

#include "tests/unit/packet.h"
#include "tests/unit/unit.h"
#include "tests/unit/world.h"

enum { ROWS = 40, ALLOW = 8 };

/* A table in memory of exactly its size. */
static struct map table_new(uint32_t max_rows, uint32_t max_allow)
{
	uint8_t *mem = malloc(map_size(max_rows, max_allow));

	if (!mem)
		abort();
	memset(mem, 0xa5, map_size(max_rows, max_allow));
	map_init(mem, max_rows, max_allow);
	return map_at(mem);
}

static void table_free(struct map *m)
{
	free(m->head);
}

static struct nat_ends to_port(char c, enum nat_family family, uint16_t port)
{
	return (struct nat_ends){ .src = letter_addr('C', family), .dst = letter_addr(c, family), .dport = wire_port(port) };
}

static struct map_row row_of(uint8_t family, uint8_t proto, uint16_t lo, uint16_t hi, uint16_t to_lo)
{
	return (struct map_row){ .family = family, .proto = proto, .lo = lo, .hi = hi, .to_lo = to_lo,
				 .to = letter_addr('G', family) };
}

static void empty_table_has_nothing(void **state)
{
	struct map m = table_new(4, 0);
	struct nat_ends e = to_port('H', 4, 80);
	uint32_t bad;

	(void)state;
	assert_null(map_check(&m));
	assert_int_equal(map_find(&m, &e, 6, 4, 0), NAT_NONE);
	assert_int_equal(map_build(&m, NULL, 0, NULL, 0, &bad), MAP_OK);
	assert_null(map_check(&m));
	assert_int_equal(map_find(&m, &e, 6, 4, 0), NAT_NONE);
	table_free(&m);
	m = table_new(0, 0);
	assert_null(map_check(&m));
	assert_int_equal(map_find(&m, &e, 6, 4, 0), NAT_NONE);
	table_free(&m);
}

/* R27, as rows: a table, a packet, and the guest it leads to (0: none). */
static const struct lookup { const char *name, *table; char dst; uint16_t port; uint32_t dev; char to; uint16_t to_port; } lookups[] = {
	{ "R27_port", "tcp *:80 > G:8080", 'H', 80, 0, 'G', 8080 },
	{ "R27_port_below", "tcp *:80 > G:8080", 'H', 79, 0, 0, 0 },
	{ "R27_port_above", "tcp *:80 > G:8080", 'H', 81, 0, 0, 0 },
	{ "R27_range_first", "tcp *:100-200 > G:1100", 'H', 100, 0, 'G', 1100 },
	{ "R27_range_last", "tcp *:100-200 > G:1100", 'H', 200, 0, 'G', 1200 },
	{ "R27_range_shifted_down", "tcp *:5000-5009 > G:1", 'H', 5009, 0, 'G', 10 },
	{ "R27_whole_range", "tcp *:0-65535 > G:0", 'H', 65535, 0, 'G', 65535 },
	{ "R27_last_port", "tcp *:65535 > G:65535", 'H', 65535, 0, 'G', 65535 },
	{ "R27_listen_address", "tcp H:80 > G:80", 'H', 80, 0, 'G', 80 },
	{ "R27_other_address", "tcp H:80 > G:80", 'K', 80, 0, 0, 0 },
	{ "R27_address_first", "tcp *:80 > F:1; tcp H:80 > G:2", 'H', 80, 0, 'G', 2 },
	{ "R27_address_first_other_order", "tcp H:80 > G:2; tcp *:80 > F:1", 'K', 80, 0, 'F', 1 },
	{ "R27_device", "tcp *:80 > G:2 dev=7", 'H', 80, 7, 'G', 2 },
	{ "R27_other_device", "tcp *:80 > G:2 dev=7", 'H', 80, 8, 0, 0 },
	{ "R27_no_device_at_output", "tcp *:80 > G:2 dev=7", 'H', 80, 0, 0, 0 },
	{ "R27_device_over_none", "tcp *:80 > F:1; tcp *:80 > G:2 dev=7", 'H', 80, 7, 'G', 2 },
	{ "R27_address_over_device", "tcp *:80 > F:1 dev=7; tcp H:80 > G:2", 'H', 80, 7, 'G', 2 },
	{ "R27_address_and_device_over_all", "tcp H:80 > F:1; tcp H:80 > G:2 dev=7", 'H', 80, 7, 'G', 2 },
	{ "R27_inside_a_wider_range", "tcp *:1-1000 > F:1; tcp H:500-600 > G:500", 'H', 550, 0, 'G', 550 },
	{ "R27_before_the_inner_range", "tcp *:1-1000 > F:1; tcp H:500-600 > G:500", 'H', 499, 0, 'F', 499 },
	{ "R27_after_the_inner_range", "tcp *:1-1000 > F:1; tcp H:500-600 > G:500", 'H', 601, 0, 'F', 601 },
	{ "R27_adjoining_ranges", "tcp *:1-9 > F:1; tcp *:10-19 > G:10", 'H', 10, 0, 'G', 10 },
};

static void lookup(void **state)
{
	const struct lookup *l = *state;
	struct rows t = rows_of(l->table);
	struct map m = table_new(ROWS, ALLOW);
	uint32_t bad;

	assert_int_equal(map_build(&m, t.row, t.n, t.allow, t.n_allow, &bad), MAP_OK);
	assert_null(map_check(&m));
	for (unsigned f = 4; f <= 6; f += 2) {
		struct nat_ends e = to_port(l->dst, f, l->port);
		uint32_t row = map_find(&m, &e, 6, (uint8_t)f, l->dev);
		struct nat_addr to;

		assert_int_equal(map_find(&m, &e, 17, (uint8_t)f, l->dev), NAT_NONE);
		assert_int_equal(row != NAT_NONE, l->to != 0);
		if (row == NAT_NONE)
			continue;
		to = letter_addr(l->to, f);
		assert_true(nat_addr_eq(&m.row[row].to, &to));
		assert_int_equal(wire_host(map_guest_port(&m.row[row], e.dport)), l->to_port);
	}
	table_free(&m);
}

static void protocols_and_families_are_apart(void **state)
{
	struct rows t = rows_of("tcp *:80 > G:1; udp *:80 > G:2; icmp * > G");
	struct map m = table_new(ROWS, ALLOW);
	struct nat_ends e4 = to_port('H', 4, 80), e6 = to_port('H', 6, 80);
	uint32_t bad;

	(void)state;
	assert_int_equal(map_build(&m, t.row, t.n, NULL, 0, &bad), MAP_OK);
	for (unsigned proto = 0; proto < 256; proto++)
		for (unsigned family = 0; family < 10; family++) {
			uint32_t row = map_find(&m, family == 4 ? &e4 : &e6, (uint8_t)proto, (uint8_t)family, 0);
			bool known = (family == 4 || family == 6) &&
				     (proto == 6 || proto == 17 || proto == (family == 4 ? 1u : 58u));

			assert_int_equal(row != NAT_NONE, known);
			assert_true(!known || (m.row[row].proto == proto && m.row[row].family == family));
		}
	table_free(&m);
}

/* --- what map_build() refuses --- */

static void build_errors(void **state)
{
	struct map_row tcp4 = row_of(4, 6, 80, 90, 80), udp4 = row_of(4, 17, 1, 1, 1), tcp6 = row_of(6, 6, 80, 80, 80);
	struct nat_prefix any4 = { .family = 4 }, bits4 = { .family = 4, .bits = 33 }, bits6 = { .family = 6, .bits = 129 };
	struct nat_prefix family = { .family = 5 };
	struct map_row foreign = { .family = 4, .proto = 6, .to = letter_addr('G', 6) };
	struct map_row inside = { .family = 4, .proto = 6, .to = letter_addr('G', 4), .inside_bits = 33 };
	struct map_row rows[2];
	struct map m = table_new(2, 1);
	uint32_t bad = 9;
	const struct { struct map_row a, b; uint32_t n; const struct nat_prefix *allow; uint32_t n_allow; enum map_err err; uint32_t bad; } t[] = {
		{ tcp4, udp4, 2, NULL, 0, MAP_OK, 0 },
		{ tcp4, tcp4, 2, NULL, 0, MAP_OK, 0 },
		{ udp4, tcp4, 2, NULL, 0, MAP_ORDER, 1 },
		{ tcp6, udp4, 2, NULL, 0, MAP_ORDER, 1 },
		{ tcp4, row_of(4, 6, 79, 79, 1), 2, NULL, 0, MAP_ORDER, 1 },
		{ row_of(4, 6, 90, 80, 1), tcp4, 2, NULL, 0, MAP_BAD_ROW, 0 },
		{ tcp4, row_of(4, 6, 81, 90, 65527), 2, NULL, 0, MAP_BAD_ROW, 1 },
		{ tcp4, row_of(4, 6, 81, 90, 65526), 2, NULL, 0, MAP_OK, 0 },
		{ row_of(5, 6, 1, 1, 1), tcp4, 2, NULL, 0, MAP_BAD_ROW, 0 },
		{ row_of(4, 58, 0, 0, 0), tcp4, 2, NULL, 0, MAP_BAD_ROW, 0 },
		{ row_of(6, 1, 0, 0, 0), tcp4, 2, NULL, 0, MAP_BAD_ROW, 0 },
		{ row_of(4, 132, 1, 1, 1), tcp4, 2, NULL, 0, MAP_ORDER, 1 },
		{ tcp4, row_of(4, 132, 1, 1, 1), 2, NULL, 0, MAP_OK, 0 },
		{ tcp4, row_of(4, 47, 47, 47, 47), 2, NULL, 0, MAP_OK, 0 },
		{ tcp4, row_of(4, 47, 46, 47, 46), 2, NULL, 0, MAP_BAD_ROW, 1 },
		{ foreign, tcp4, 2, NULL, 0, MAP_BAD_ROW, 0 },
		{ inside, tcp4, 2, NULL, 0, MAP_BAD_ROW, 0 },
		{ tcp4, tcp4, 3, NULL, 0, MAP_TOO_MANY, 0 },
		{ tcp4, tcp4, 1, &any4, 2, MAP_TOO_MANY, 0 },
		{ tcp4, tcp4, 1, &any4, 1, MAP_OK, 0 },
		{ tcp4, tcp4, 1, &bits4, 1, MAP_BAD_ALLOW, 0 },
		{ tcp4, tcp4, 1, &bits6, 1, MAP_BAD_ALLOW, 0 },
		{ tcp4, tcp4, 1, &family, 1, MAP_BAD_ALLOW, 0 },
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(t); i++) {
		struct nat_ends e = to_port('H', 4, 85);

		rows[0] = t[i].a;
		rows[1] = t[i].b;
		assert_int_equal(map_build(&m, rows, t[i].n, t[i].allow, t[i].n_allow, &bad), t[i].err);
		assert_null(map_check(&m));
		if (t[i].err == MAP_BAD_ROW || t[i].err == MAP_ORDER || t[i].err == MAP_BAD_ALLOW)
			assert_int_equal(bad, t[i].bad);
		if (t[i].err)		/* on error the table is empty */
			assert_int_equal(map_find(&m, &e, 6, 4, 0), NAT_NONE);
	}
	table_free(&m);
}

static void build_refuses_allow_lists_outside(void **state)
{
	struct nat_prefix p[2] = { { .family = 4 }, { .family = 4 } };
	static const struct { uint32_t allow, n_allow; enum map_err err; } rows[] = {
		{ 0, 2, MAP_OK }, { 1, 1, MAP_OK }, { 2, 0, MAP_OK }, { 2, 1, MAP_BAD_ROW }, { 1, 2, MAP_BAD_ROW },
		{ 3, 0, MAP_BAD_ROW }, { 1, UINT32_MAX, MAP_BAD_ROW }, { UINT32_MAX, 1, MAP_BAD_ROW },
	};
	struct map m = table_new(2, 2);
	uint32_t bad;

	(void)state;
	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct map_row r = row_of(4, 6, 1, 1, 1);

		r.allow = rows[i].allow;
		r.n_allow = rows[i].n_allow;
		assert_int_equal(map_build(&m, &r, 1, p, 2, &bad), rows[i].err);
	}
	table_free(&m);
}

static void too_many_overlaps_are_refused(void **state)
{
	static struct map_row rows[300];
	struct map m = table_new(300, 0);
	uint32_t bad;

	(void)state;
	for (unsigned i = 0; i < 300; i++)
		rows[i] = row_of(4, 6, 80, 80, 80);
	assert_int_equal(map_build(&m, rows, 256, NULL, 0, &bad), MAP_OK);
	assert_null(map_check(&m));
	assert_int_equal(map_build(&m, rows, 257, NULL, 0, &bad), MAP_TOO_MANY);
	for (unsigned i = 0; i < 300; i++)
		rows[i].hi = (uint16_t)(400 - i);		/* nested: many candidates each */
	assert_int_equal(map_build(&m, rows, 250, NULL, 0, &bad), MAP_TOO_MANY);
	assert_null(map_check(&m));
	table_free(&m);
}

/* --- against a search through all rows --- */

static bool listens(const struct map_row *r, const struct nat_ends *e, uint8_t proto, uint8_t family, uint16_t port)
{
	static const struct nat_addr any;

	return r->family == family && r->proto == proto && r->lo <= port && port <= r->hi &&
	       (nat_addr_eq(&r->listen, &any) || nat_addr_eq(&r->listen, &e->dst));
}

static unsigned rank_of(const struct map_row *r)
{
	static const struct nat_addr any;

	return 2u * !nat_addr_eq(&r->listen, &any) + (r->dev != 0);
}

/* The most specific row; of equals, the first. */
static uint32_t naive_find(const struct rows *t, const struct nat_ends *e, uint8_t proto, uint8_t family, uint32_t dev)
{
	uint16_t port = proto == 1 || proto == 58 ? 0 : wire_host(e->dport);
	uint32_t best = NAT_NONE;

	for (uint32_t i = 0; i < t->n; i++)
		if (listens(&t->row[i], e, proto, family, port) && (!t->row[i].dev || t->row[i].dev == dev) &&
		    (best == NAT_NONE || rank_of(&t->row[i]) > rank_of(&t->row[best])))
			best = i;
	return best;
}

static bool naive_lets_in(const struct rows *t, const struct map_row *r, const struct nat_addr *src)
{
	for (uint32_t i = r->allow; i < r->allow + r->n_allow; i++)
		if (nat_prefix_has(&t->allow[i], src, r->family))
			return true;
	return !r->n_allow;
}

/* Is there a row that leads this flow where it goes? */
static bool naive_keeps(const struct rows *t, const struct nat_ends *o, const struct nat_ends *b, uint8_t proto, uint8_t family)
{
	bool icmp = proto == 1 || proto == 58;
	uint16_t port = icmp ? 0 : wire_host(o->dport);

	for (uint32_t i = 0; i < t->n; i++) {
		const struct map_row *r = &t->row[i];

		if (listens(r, o, proto, family, port) && nat_addr_eq(&r->to, &b->src) && naive_lets_in(t, r, &o->src) &&
		    (icmp || port - r->lo + r->to_lo == wire_host(b->sport)))
			return true;
	}
	return false;
}

static struct rows random_rows(struct rng *r, uint32_t n)
{
	static const uint8_t protos[2][3] = { { 6, 17, 1 }, { 6, 17, 58 } };
	struct rows t = { .n = n, .n_allow = ALLOW };

	for (uint32_t i = 0; i < ALLOW; i++) {
		uint8_t family = rng_below(r, 2) ? 6 : 4;

		t.allow[i] = (struct nat_prefix){ letter_addr("CDFG"[rng_below(r, 4)], family), family,
						  (uint8_t)(rng_below(r, family == 4 ? 33 : 129)) };
	}
	for (uint32_t i = 0; i < n; i++) {
		bool v6 = rng_below(r, 2);
		uint8_t proto = protos[v6][rng_below(r, 3)];
		uint16_t lo = proto == 1 || proto == 58 ? 0 : (uint16_t)rng_below(r, 60);
		uint16_t hi = lo && rng_below(r, 2) ? (uint16_t)(lo + rng_below(r, 30)) : lo;

		t.row[i] = row_of(v6 ? 6 : 4, proto, lo, hi, lo ? (uint16_t)rng_below(r, 60) : 0);
		if (rng_below(r, 2))
			t.row[i].listen = letter_addr("HK"[rng_below(r, 2)], t.row[i].family);
		t.row[i].to = letter_addr("GF"[rng_below(r, 2)], t.row[i].family);
		t.row[i].dev = rng_below(r, 3);
		t.row[i].allow = rng_below(r, ALLOW);
		t.row[i].n_allow = rng_below(r, 2) ? rng_below(r, 3) % (ALLOW + 1 - t.row[i].allow) : 0;
	}
	qsort(t.row, n, sizeof(t.row[0]), world_row_order);
	return t;
}

static void compare_all(const struct map *m, const struct rows *t)
{
	static const uint8_t protos[] = { 6, 17, 1, 58 };

	for (unsigned i = 0; i < 2 * 4 * 2 * 4; i++) {
		uint8_t family = i & 1 ? 6 : 4, proto = protos[i >> 1 & 3];
		uint32_t dev = i >> 4;

		for (uint16_t port = 0; port < 95; port++) {
			struct nat_ends e = to_port(i & 8 ? 'H' : 'K', family, port), back;
			uint32_t row = map_find(m, &e, proto, family, dev), kept;

			assert_int_equal(row, naive_find(t, &e, proto, family, dev));
			if (row != NAT_NONE)
				assert_int_equal(map_allows(m, &m->row[row], &e.src), naive_lets_in(t, &t->row[row], &e.src));
			back = (struct nat_ends){ .src = letter_addr(port % 2 ? 'G' : 'F', family), .dst = e.src,
						  .sport = wire_port((uint16_t)(port * 7 % 60)) };
			if (row != NAT_NONE && port % 3)
				back = (struct nat_ends){ .src = m->row[row].to, .sport = map_guest_port(&m->row[row], e.dport) };
			kept = map_keeps(m, &e, &back, proto, family);
			assert_int_equal(kept != NAT_NONE, naive_keeps(t, &e, &back, proto, family));
		}
	}
}

static void random_tables_equal_a_full_search(void **state)
{
	struct rng r = rng_start("map", 27);
	struct map m = table_new(ROWS, ALLOW);
	unsigned refused = 0;

	(void)state;
	for (unsigned round = 0; round < 60; round++) {
		struct rows t = random_rows(&r, rng_below(&r, ROWS + 1));
		uint32_t bad;
		enum map_err err = map_build(&m, t.row, t.n, t.allow, t.n_allow, &bad);

		assert_null(map_check(&m));
		if (err == MAP_TOO_MANY) {		/* overlaps: there is room for four a row */
			refused++;
			continue;
		}
		assert_int_equal(err, MAP_OK);
		compare_all(&m, &t);
	}
	assert_in_range(refused, 0, 20);
	table_free(&m);
}

/* M1-M3: a damaged table is refused, or searching it stays inside its area (the sanitizer sees it). */
static void damaged_tables_do_no_harm(void **state)
{
	struct rng r = rng_start("map damage", 66);
	unsigned refused = 0;

	(void)state;
	for (unsigned round = 0; round < 3000; round++) {
		struct rows t = random_rows(&r, 20);
		struct map m = table_new(ROWS, ALLOW);
		size_t octets = map_size(ROWS, ALLOW);
		uint32_t bad;

		if (map_build(&m, t.row, t.n, t.allow, t.n_allow, &bad)) {
			table_free(&m);
			continue;
		}
		for (unsigned n = 1 + rng_below(&r, 4); n; n--) {
			size_t at = rng_below(&r, (uint32_t)octets);
			size_t max = offsetof(struct map_head, max_rows);

			if (at < max || at >= max + 8)		/* these two block_verify() compares */
				((uint8_t *)m.head)[at] ^= (uint8_t)(1u << rng_below(&r, 8));
		}
		if (map_check(&m)) {
			refused++;
		} else {
			for (unsigned i = 0; i < 300; i++) {
				uint8_t family = rng_below(&r, 2) ? 6 : 4;
				struct nat_ends e = to_port('H', family, (uint16_t)rng_below(&r, 95));
				uint8_t proto = i % 3 ? 6 : 17;
				uint32_t row = map_find(&m, &e, proto, family, 1);

				map_keeps(&m, &e, &e, proto, family);
				if (row != NAT_NONE) {
					assert_true(row < ROWS);
					map_allows(&m, &m.row[row], &e.src);
				}
			}
			for (uint32_t i = 0; i < m.head->n_rows; i++) {
				struct nat_addr *src = malloc(sizeof(*src));

				*src = letter_addr('C', m.row[i].family == 6 ? 6 : 4);
				map_allows(&m, &m.row[i], src);
				free(src);
			}
		}
		table_free(&m);
	}
	assert_true(refused > 300);
}

static void area_may_be_moved(void **state)
{
	struct rows t = rows_of("tcp *:80 > G:1; tcp H:80 > F:2; udp *:1-9 > G:1 allow=CD");
	struct map m = table_new(ROWS, ALLOW), moved;
	uint32_t bad;

	(void)state;
	assert_int_equal(map_build(&m, t.row, t.n, t.allow, t.n_allow, &bad), MAP_OK);
	moved = map_at(unit_exact((uint8_t *)m.head, map_size(ROWS, ALLOW)));
	memset(m.head, 0xee, map_size(ROWS, ALLOW));
	table_free(&m);
	assert_null(map_check(&moved));
	compare_all(&moved, &t);
	table_free(&moved);
}

int main(void)
{
	unit_add("empty_table_has_nothing", empty_table_has_nothing, NULL);
	for (unsigned i = 0; i < COUNT(lookups); i++)
		unit_add(lookups[i].name, lookup, &lookups[i]);
	unit_add("protocols_and_families_are_apart", protocols_and_families_are_apart, NULL);
	unit_add("build_errors", build_errors, NULL);
	unit_add("build_refuses_allow_lists_outside", build_refuses_allow_lists_outside, NULL);
	unit_add("too_many_overlaps_are_refused", too_many_overlaps_are_refused, NULL);
	unit_add("random_tables_equal_a_full_search", random_tables_equal_a_full_search, NULL);
	unit_add("damaged_tables_do_no_harm", damaged_tables_do_no_harm, NULL);
	unit_add("area_may_be_moved", area_may_be_moved, NULL);
	return unit_run("map");
}
