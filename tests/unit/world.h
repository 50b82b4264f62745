/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * world - an engine on a block in memory, with mapping tables written as text.
 *
 * A table is rows separated by `;`, each `PROTO LISTEN[:LO[-HI]] > GUEST[:PORT] [words]`
 * with the letters of packet.h (`*`: any address of this host), e.g.
 *
 *     tcp *:8080 > G:80; udp H:5000-5009 > G:6000 allow=CD; icmp * > G
 *
 * words: dev=N, oif=N (default BRIDGE), near=LETTER (default B, - for none),
 * allow=LETTERS, fwd=N, policy=N, respect, rest (MAP_REST), inside (the guests' prefix is known: R83),
 * reject, drop, hold, host (MAP_HOST_SOURCE), enclosed, frozen, life=N.
 * Each row is made for both families.
 */
#ifndef TESTS_WORLD_H
#define TESTS_WORLD_H

#include "nat/nat.h"
#include "tests/unit/packet.h"

enum {
	OUTSIDE = 2, BRIDGE = 5,			/* interfaces */
	SOURCE_LO = 61000, SOURCE_HI = 61999,		/* ports for sources of our own */
	WORLD_ROWS = 64, WORLD_ALLOW = 64,
};

struct world {
	uint8_t *mem;
	uint64_t octets;
	struct nat nat;
	nat_ns now;
	unsigned events[3];			/* per enum nat_event_type */
	struct nat_event last, last_end;
};

static inline void world_event(void *ctx, const struct nat_event *ev)
{
	struct world *w = ctx;

	w->events[ev->type]++;
	w->last = *ev;
	if (ev->type == NAT_EV_END)
		w->last_end = *ev;
}

static inline struct nat_params world_params(uint32_t max_flows)
{
	return (struct nat_params){ .max_policies = 4, .max_flows = max_flows, .max_rows = WORLD_ROWS, .max_allow = WORLD_ALLOW, .frag_sets = 2,
				    .source_lo = SOURCE_LO, .source_hi = SOURCE_HI, .lost_until = UINT32_MAX,
				    .key = { { 0x0123456789abcdefu, 0xfedcba9876543210u } } };
}

static inline void *world_alloc(uint64_t octets)
{
	void *mem = aligned_alloc(64, (octets + 63) / 64 * 64);

	if (!mem)
		abort();
	return memset(mem, 0, octets);
}

static inline struct world world_new(const struct nat_params *p)
{
	struct world w = { .octets = block_octets(p), .now = NAT_SEC(1000) };

	w.mem = world_alloc(w.octets);
	block_init(w.mem, p);
	if (nat_attach(&w.nat, w.mem, w.octets))
		abort();
	return w;
}

static inline void world_free(struct world *w)
{
	free(w->mem);
}

/* The letter of a protocol: tcp udp icmp sctp dccp lite gre */
static inline uint8_t world_proto(char letter, enum nat_family family)
{
	switch (letter) {
	case 't':
		return NAT_PROTO_TCP;
	case 'u':
		return NAT_PROTO_UDP;
	case 's':
		return NAT_PROTO_SCTP;
	case 'd':
		return NAT_PROTO_DCCP;
	case 'l':
		return NAT_PROTO_UDPLITE;
	case 'g':
		return NAT_PROTO_GRE;
	}
	return family == NAT_IPV4 ? NAT_PROTO_ICMP : NAT_PROTO_ICMPV6;
}

static inline int world_row_order(const void *x, const void *y)
{
	const struct map_row *a = x, *b = y;
	int d = (int)map_class_of(a->family, a->proto) - (int)map_class_of(b->family, b->proto);

	return d ? d : a->lo - b->lo;
}

struct rows {
	struct map_row row[WORLD_ROWS];
	struct nat_prefix allow[WORLD_ALLOW];
	uint32_t n, n_allow;
};

static inline void rows_word(struct rows *t, struct map_row *r, const char *word)
{
	const char *value = strchr(word, '=') ? strchr(word, '=') + 1 : "";

	if (!strncmp(word, "policy=", 7)) {
		r->policy = (uint16_t)atoi(value);
	} else if (!strcmp(word, "rest")) {
		r->flags |= MAP_REST;
	} else if (!strcmp(word, "respect")) {
		r->flags |= MAP_RESPECT;
	} else if (!strcmp(word, "inside")) {
		r->inside_bits = r->family == NAT_IPV4 ? 24 : 64;
	} else if (!strcmp(word, "reject")) {
		r->action = MAP_REJECT;
	} else if (!strcmp(word, "drop")) {
		r->action = MAP_DROP;
	} else if (!strcmp(word, "hold")) {
		r->action = MAP_HOLD;
	} else if (!strcmp(word, "host")) {
		r->flags |= MAP_HOST_SOURCE;
	} else if (!strcmp(word, "enclosed")) {
		r->flags |= MAP_ENCLOSED;
	} else if (!strcmp(word, "frozen")) {
		r->flags |= MAP_FROZEN;
	} else if (!strncmp(word, "life=", 5)) {
		r->life = (uint16_t)atoi(value);
	} else if (!strncmp(word, "dev=", 4)) {
		r->dev = (uint32_t)atoi(value);
	} else if (!strncmp(word, "oif=", 4)) {
		r->oif = (uint32_t)atoi(value);
	} else if (!strncmp(word, "fwd=", 4)) {
		r->forward = (uint32_t)atoi(value);
	} else if (!strncmp(word, "near=", 5)) {
		r->near = *value == '-' ? (struct nat_addr){ 0 } : letter_addr(*value, r->family);
	} else if (!strncmp(word, "allow=", 6)) {
		for (r->allow = t->n_allow; *value; value++, r->n_allow++)
			t->allow[t->n_allow++] = (struct nat_prefix){ letter_addr(*value, r->family), r->family,
								      r->family == NAT_IPV4 ? 32 : 128 };
	} else {
		abort();
	}
}

/* `*:8080-8089` or `G:80` or `*`: letter and ports; returns where it ends */
static inline const char *rows_end(const char *s, char *letter, unsigned *lo, unsigned *hi)
{
	*letter = *s++;
	*lo = *hi = 0;
	if (*s == ':')
		*lo = *hi = (unsigned)strtoul(s + 1, (char **)(uintptr_t)&s, 10);
	if (*s == '-')
		*hi = (unsigned)strtoul(s + 1, (char **)(uintptr_t)&s, 10);
	return s + strspn(s, " ");
}

static inline void rows_add(struct rows *t, const char *text, enum nat_family family)
{
	struct map_row *r = &t->row[t->n];
	unsigned lo, hi, to_lo, to_hi;
	char listen, to, *word, *save, words[128];
	const char *s = strchr(text, ' ') + 1;

	*r = (struct map_row){ .family = (uint8_t)family, .oif = BRIDGE, .forward = t->n++ };
	r->proto = world_proto(*text, family);
	s = rows_end(s, &listen, &lo, &hi);
	s = rows_end(s + 1 + strspn(s + 1, " "), &to, &to_lo, &to_hi);
	if (listen != '*')
		r->listen = letter_addr(listen, family);
	r->to = letter_addr(to, family);
	r->near = letter_addr('B', family);
	r->lo = (uint16_t)lo;
	r->hi = (uint16_t)hi;
	r->to_lo = (uint16_t)to_lo;
	if (r->proto == NAT_PROTO_GRE)
		r->lo = r->hi = r->to_lo = NAT_PROTO_GRE;
	snprintf(words, sizeof(words), "%s", s);
	for (word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save))
		rows_word(t, r, word);
}

/* rows_of - read a table's text */
static inline struct rows rows_of(const char *text)
{
	struct rows t = { .n = 0 };
	char copy[2048], *row, *save;

	snprintf(copy, sizeof(copy), "%s", text);
	for (row = strtok_r(copy, ";", &save); row; row = strtok_r(NULL, ";", &save)) {
		row += strspn(row, " \t\n");
		if (!*row)
			continue;
		rows_add(&t, row, NAT_IPV4);
		rows_add(&t, row, NAT_IPV6);
	}
	qsort(t.row, t.n, sizeof(t.row[0]), world_row_order);
	return t;
}

/* world_map - build the table, check it, and swap it in */
static inline void world_map(struct world *w, const char *text)
{
	struct rows t = rows_of(text);
	struct map *spare;
	uint32_t bad = 0;

	while (!nat_sweep(&w->nat, w->now, 3))
		;
	spare = nat_spare_map(&w->nat);
	if (!spare || map_build(spare, t.row, t.n, t.allow, t.n_allow, &bad) || map_check(spare)) {
		fprintf(stderr, "no such table: %s (row %u)\n", text, bad);
		abort();
	}
	nat_swap_map(&w->nat);
}

#endif
