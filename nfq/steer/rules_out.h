/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rules_out - which of the guests' own packets, and of the answers to them, the kernel hands to us.
 *
 *     raw PREROUTING      masquerade: to a port that a mapping may have; from outside with an inside address (R83)
 *                         prefixes: to an outside address
 *     mangle FORWARD      what a mapping lets in, to pass the host's firewall; hairpins
 *     mangle POSTROUTING  everything with an inside source that leaves: nothing of it may slip by (R24)
 *
 * Ports that this host or a forward listens on are left out, so that the
 * host's own services are not queued. Never with bypass: while nobody
 * translates, nothing may leave.
 */
#ifndef NFQ_RULES_OUT_H
#define NFQ_RULES_OUT_H

#include "nfq/outside.h"
#include "nfq/steer/rules.h"

/* One outbound rule and the ports that answers to it come to. */
struct rules_out {
	struct conf_out conf;
	struct ports *port[2];		/* TCP, UDP: disjoint, ordered */
	unsigned n_ports[2];
};

/**
 * rules_outs - add a configuration's outbound rules to rules made by rules_make()
 * @taken:  ports that are not to be queued; they must be blocked in the pool as well
 * @ranges: outside_ranges()
 * Returns 0 or -ENOMEM; freed by rules_free().
 */
int rules_outs(struct rules *r, const struct conf *c, const struct outside_taken *taken,
	       void (*ranges)(const struct conf_out *o, struct out_range range[OUT_RANGES]));

void rules_outs_free(struct rules *r);

/* rules_outs_have - is there one of this family? */
bool rules_outs_have(const struct rules *r, enum nat_family family);

/* rules_out_text - "fd00:122::/64", as both programs write it; returns @buf */
const char *rules_out_text(char buf[64], const struct nat_addr *a, unsigned bits, enum nat_family family);

/* Where a piece of nft's text belongs. */
enum rules_out_place {
	RULES_OUT_FAR,			/* PREROUTING, whatever the destination */
	RULES_OUT_NEAR,			/* PREROUTING, to this host */
	RULES_OUT_FORWARD,
	RULES_OUT_LEAVING,		/* POSTROUTING */
};

void rules_out_write_nft(const struct rules *r, enum rules_out_place place, FILE *out);

/* rules_out_write_xt - the rules of one table; rules_out_jumps_xt - raw: jumps to nfqnat-pre for what is not for this host */
void rules_out_write_xt(const struct rules *r, enum nat_family family, enum rules_table t, FILE *out);
void rules_out_jumps_xt(const struct rules *r, enum nat_family family, FILE *out);

#endif
