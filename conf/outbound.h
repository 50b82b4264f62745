/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * outbound - what guests' own traffic becomes on its way out: `masquerade:`, `nptv6:` and `one-to-one:`.
 */
#ifndef CONF_OUTBOUND_H
#define CONF_OUTBOUND_H

#include <net/if.h>
#include <stdio.h>

#include "nat/addr.h"

enum { CONF_OUTS = 64, CONF_OUT_TO = 4, CONF_OUT_EXCEPT = 4 };

/* The order in which a packet is held against them: stateless ones first. */
enum conf_out_kind {
	CONF_ONE_TO_ONE,
	CONF_NPTV6,
	CONF_MASQUERADE,
};

enum conf_out_filter {
	CONF_FILTER_ADDRESS,		/* R29; RFC 4787 5 */
	CONF_FILTER_ENDPOINT,
	CONF_FILTER_BOTH,
};

/* One inside prefix and what becomes of it. */
struct conf_out {
	uint8_t kind;			/* enum conf_out_kind */
	uint8_t filter;			/* enum conf_out_filter */
	bool pick_up;			/* mid-stream: pick-up */
	struct nat_prefix inside;	/* host bits zero */
	struct nat_prefix outside;	/* not masquerade: of the same length */
	char out[IFNAMSIZ];		/* device it leaves by; "": any but its own (one-to-one) */
	struct nat_addr to[CONF_OUT_TO];	/* outside addresses; none: those of the device */
	unsigned n_to;
	struct nat_prefix except[CONF_OUT_EXCEPT];	/* destinations that are left alone */
	unsigned n_except;
	uint16_t lo, hi;		/* ports that may be taken; 0: all but the host's own */
	uint32_t max_mappings;		/* per guest and outside address */
	unsigned line, col;
};

/* conf_out_same - do they say the same, wherever they stand in a file? */
bool conf_out_same(const struct conf_out *a, const struct conf_out *b);

/* conf_out_print - one line, as `nfqnatd --check` shows it */
void conf_out_print(const struct conf_out *o, FILE *out);

/* conf_out_name - "masquerade fd00:122::/64", for logs; returns @buf, 64 octets */
const char *conf_out_name(char *buf, const struct conf_out *o);

#endif
