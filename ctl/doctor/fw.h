/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fw - what a host's rules would do to one packet.
 *
 * Two readers of rules, for what iptables-save and `nft -j list ruleset`
 * print. Each walks the rules as the kernel would. A rule with a condition
 * that is not understood is taken not to match: what is named as the culprit
 * is one for sure, what is not found may still be there.
 *
 * The packet's source may be unknown (any client): then rules for particular
 * sources do not match.
 */
#ifndef DOCTOR_FW_H
#define DOCTOR_FW_H

#include <jansson.h>

#include "nat/addr.h"

struct fw_packet {
	uint8_t family;			/* enum nat_family */
	uint8_t proto;			/* IPPROTO_TCP or IPPROTO_UDP */
	const char *in, *out;		/* device names; "": not known, or none at this hook */
	struct nat_addr src, dst;
	bool any_src, any_dst;		/* not known */
	bool dst_local;			/* to an address of this host */
	uint16_t sport, dport;		/* host order; 0: not known */
	bool fresh;			/* it begins a connection; else it belongs to one */
};

enum fw_verdict {
	FW_PASS,
	FW_DROP,
	FW_REJECT,
	FW_ELSEWHERE,			/* DNAT or REDIRECT */
};

enum { FW_RULE_OCTETS = 320 };

/**
 * fw_xt - by a chain of an iptables-save text
 * @rule: out, FW_RULE_OCTETS; which rule decided, if the verdict is not FW_PASS
 */
enum fw_verdict fw_xt(const char *saved, const char *table, const char *chain, const struct fw_packet *p, char *rule);

/**
 * fw_nft - by all base chains of a hook
 * @ruleset: of nft -j; the tables that iptables-nft made are skipped: fw_xt() reads them
 * @listing: the same of nft -a, to name a rule as people write it; NULL, or it has changed: then as JSON
 * @hook, @type: "forward", "filter"; "prerouting", "nat"
 */
enum fw_verdict fw_nft(const json_t *ruleset, const char *listing, const char *hook, const char *type,
		       const struct fw_packet *p, char *rule);

/* All rules of this host: iptables in both flavours, by family, and nft. */
enum { FW_FLAVOURS = 2 };

struct fw_rules {
	char *xt[2][FW_FLAVOURS];	/* by family and flavour; NULL: none */
	json_t *nft;			/* NULL: none */
	char *nft_listing;		/* the same as text; NULL: none */
};

/* fw_rules_read - run the programs that print them; what cannot be read is as if there were none. About 50 ms. */
void fw_rules_read(struct fw_rules *r);
void fw_rules_drop(struct fw_rules *r);

/**
 * fw_judge - by every kind of rules; the first that does not let it pass decides
 * @table, @chain: of iptables; @hook: the same of nft
 * @rule: out, FW_RULE_OCTETS; which rule decided, if the verdict is not FW_PASS
 */
enum fw_verdict fw_judge(const struct fw_rules *r, const char *table, const char *chain, const char *hook,
			 const struct fw_packet *p, char *rule);

#endif
