/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ports - a set of port ranges: add, seal, then ask.
 *
 * Memory   grows by realloc(); conf_ports_fini() gives it back
 * Invariant after conf_ports_seal(): sorted, disjoint, not adjacent
 */
#ifndef CONF_PORTS_H
#define CONF_PORTS_H

#include <stdbool.h>
#include <stdint.h>

struct conf_range {
	uint16_t lo, hi;		/* inclusive */
};

struct conf_ports {
	struct conf_range *range;
	unsigned n, room;
};

/* conf_ports_add - 0, or -1: no memory, the set is as before */
int conf_ports_add(struct conf_ports *set, uint16_t lo, uint16_t hi);

/* conf_ports_seal - sort and join; once, after the last add and before the first question */
void conf_ports_seal(struct conf_ports *set);

/* conf_ports_first - the lowest range that ends at @port or above; NULL: none. O(log n) */
const struct conf_range *conf_ports_first(const struct conf_ports *set, uint16_t port);

/* conf_ports_overlap - is any port of lo..hi in the set? O(log n) */
bool conf_ports_overlap(const struct conf_ports *set, uint16_t lo, uint16_t hi);

void conf_ports_fini(struct conf_ports *set);

#endif
