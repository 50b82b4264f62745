/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fw_rules - see fw.h: all rules of this host, of every kind, together */
#include <stdlib.h>
#include <string.h>

#include "ctl/doctor/fw.h"
#include "nfq/steer/run.h"

static char *output_of(const char *const *argv)
{
	char *out = NULL, words[256];

	if (run_program(argv, NULL, &out, words, sizeof(words)) == 0)
		return out;
	free(out);
	return NULL;
}

/* A legacy table that nobody uses is not there; asking for it would load its module. */
static bool has_legacy(bool v6)
{
	FILE *f = fopen(v6 ? "/proc/self/net/ip6_tables_names" : "/proc/self/net/ip_tables_names", "re");
	bool any = f && fgetc(f) != EOF;

	if (f)
		fclose(f);
	return any;
}

void fw_rules_read(struct fw_rules *r)
{
	static const char *const save[2][FW_FLAVOURS] = { { "iptables-nft-save", "iptables-legacy-save" },
						       { "ip6tables-nft-save", "ip6tables-legacy-save" } };
	static const char *const nft[] = { "nft", "-j", "list", "ruleset", NULL },
			  *const nft_text[] = { "nft", "-a", "list", "ruleset", NULL };
	char *json = output_of(nft);

	*r = (struct fw_rules){ .nft = json ? json_loads(json, 0, NULL) : NULL, .nft_listing = output_of(nft_text) };
	free(json);
	for (unsigned v6 = 0; v6 < 2; v6++)
		for (unsigned i = 0; i < FW_FLAVOURS; i++) {
			const char *const argv[] = { save[v6][i], NULL };

			if (i == 0 || has_legacy(v6))
				r->xt[v6][i] = output_of(argv);
		}
}

void fw_rules_drop(struct fw_rules *r)
{
	for (unsigned v6 = 0; v6 < 2; v6++)
		for (unsigned i = 0; i < FW_FLAVOURS; i++)
			free(r->xt[v6][i]);
	json_decref(r->nft);
	free(r->nft_listing);
}

enum fw_verdict fw_judge(const struct fw_rules *r, const char *table, const char *chain, const char *hook,
			     const struct fw_packet *p, char *rule)
{
	enum fw_verdict v = FW_PASS;

	for (unsigned i = 0; i < FW_FLAVOURS && v == FW_PASS; i++)
		v = fw_xt(r->xt[p->family == NAT_IPV6][i], table, chain, p, rule);
	if (v == FW_PASS)
		v = fw_nft(r->nft, r->nft_listing, hook, !strcmp(table, "nat") ? "nat" : "filter", p, rule);
	return v;
}
