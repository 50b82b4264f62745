/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * outs - outbound tables written as text: rules separated by `;`, each made for both families.
 *
 *     masq HK [words]      the guests' subnet (that of G) leaves by OUTSIDE as H or K
 *     one G K              G and K, one for one
 *
 * words: ports=LO-HI (a range each, up to four), filter=address|endpoint|both,
 * pick, respect, except=LETTERS, max=N, dev=N, fwd=N.
 */
#ifndef TESTS_OUTS_H
#define TESTS_OUTS_H

#include "tests/unit/world.h"

enum { OUTS_ROOM = 16 };

struct outs {
	struct out_rule rule[OUTS_ROOM];
	struct nat_addr addr[4 * OUTS_ROOM];
	struct nat_prefix except[4 * OUTS_ROOM];
	uint32_t n, n_addrs, n_excepts;
};

static inline void outs_word(struct outs *t, struct out_rule *r, const char *word)
{
	const char *value = strchr(word, '=') ? strchr(word, '=') + 1 : "";
	unsigned i = 0, lo, hi;

	if (sscanf(word, "ports=%u-%u", &lo, &hi) == 2) {
		while (r->range[i].lo)
			i++;
		r->range[i] = (struct out_range){ (uint16_t)lo, (uint16_t)hi };
	} else if (!strncmp(word, "filter=", 7)) {
		r->filter = *value == 'a' ? OUT_FILTER_ADDRESS : *value == 'e' ? OUT_FILTER_ENDPOINT : OUT_FILTER_BOTH;
	} else if (!strcmp(word, "pick")) {
		r->flags |= OUT_PICK_UP;
	} else if (!strcmp(word, "respect")) {
		r->flags |= OUT_RESPECT;
	} else if (!strncmp(word, "max=", 4)) {
		r->max_mappings = (uint32_t)atoi(value);
	} else if (!strncmp(word, "dev=", 4)) {
		r->oif = (uint32_t)atoi(value);
	} else if (!strncmp(word, "fwd=", 4)) {
		r->forward = (uint32_t)atoi(value);
	} else if (!strncmp(word, "except=", 7)) {
		for (r->except = t->n_excepts; *value; value++, r->n_except++)
			t->except[t->n_excepts++] = (struct nat_prefix){ letter_addr(*value, r->family), r->family,
									 r->family == NAT_IPV4 ? 32 : 128 };
	} else {
		abort();
	}
}

static inline void outs_add(struct outs *t, const char *text, enum nat_family family)
{
	struct out_rule *r = &t->rule[t->n++];
	char copy[160], *word, *save;

	*r = (struct out_rule){ .family = (uint8_t)family, .bits = family == NAT_IPV4 ? 24 : 64, .oif = OUTSIDE,
				.near = BRIDGE, .forward = 100 + t->n, .addr = t->n_addrs };
	r->inside = letter_addr('G', family);
	snprintf(copy, sizeof(copy), "%s", text);
	word = strtok_r(copy, " ", &save);
	if (!strcmp(word, "one")) {
		r->kind = OUT_ONE_TO_ONE;
		r->bits = family == NAT_IPV4 ? 32 : 128;
		r->inside = letter_addr(*strtok_r(NULL, " ", &save), family);
		r->outside = letter_addr(*strtok_r(NULL, " ", &save), family);
	} else {
		for (word = strtok_r(NULL, " ", &save); *word && *word != '-'; word++, r->n_addr++)
			t->addr[t->n_addrs++] = letter_addr(*word, family);
	}
	for (word = strtok_r(NULL, " ", &save); word; word = strtok_r(NULL, " ", &save))
		outs_word(t, r, word);
	if (!r->range[0].lo && r->kind == OUT_MASQUERADE) {
		r->range[0] = (struct out_range){ 600, 1023 };
		r->range[1] = (struct out_range){ 1024, 32767 };
		r->range[2] = (struct out_range){ 61000, 65535 };
	}
}

static inline struct outs outs_of(const char *text)
{
	struct outs t = { .n = 0 };
	char copy[1024], *rule, *save;

	snprintf(copy, sizeof(copy), "%s", text);
	for (rule = strtok_r(copy, ";", &save); rule; rule = strtok_r(NULL, ";", &save)) {
		rule += strspn(rule, " \t\n");
		outs_add(&t, rule, NAT_IPV4);
		outs_add(&t, rule, NAT_IPV6);
	}
	return t;
}

/* outs_swap - rows @map and rules @text become the active tables */
static inline void outs_swap(struct world *w, const char *map, const char *text)
{
	struct outs t = outs_of(text);
	struct out *spare;

	while (!nat_sweep(&w->nat, w->now, 3))
		;
	spare = nat_spare_out(&w->nat);
	if (!spare || out_build(spare, t.rule, t.n, t.addr, t.n_addrs, t.except, t.n_excepts)) {
		fprintf(stderr, "no such rules: %s: %s\n", text, out_check(spare));
		abort();
	}
	world_map(w, map);
}

#endif
