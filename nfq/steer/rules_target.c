/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rules_target - see rules_target.h */
#include "nfq/steer/rules_target.h"

enum { SPREAD = 2 };			/* more classes of addresses than workers, if they cannot be shared out evenly */

static const struct {
	const char *name;
	enum rules_set set;
	enum rules_client client;
	bool in[RULES_TABLES];
} chains[RULES_TARGET_CHAINS] = {
	{ "nfqnat-tcp-from",     RULES_TCP,     RULES_CLIENT_FROM, { true, true } },
	{ "nfqnat-tcp-to",       RULES_TCP,     RULES_CLIENT_TO,   { true, true } },
	{ "nfqnat-headers-from", RULES_HEADERS, RULES_CLIENT_FROM, { [RULES_RAW] = true } },
	{ "nfqnat-headers-to",   RULES_HEADERS, RULES_CLIENT_TO,   { [RULES_MANGLE] = true } },
};

const char *rules_target_chain(unsigned i)
{
	return chains[i].name;
}

bool rules_target_has(const struct rules *r, enum rules_table t, unsigned i)
{
	return r->workers > 1 && chains[i].in[t] && (chains[i].set == RULES_TCP || r->headers);
}

/* The chain for such packets; NULL: they go to a queue by the kernel's choice. */
static const char *chain_for(const struct rules *r, enum rules_set set, enum rules_client client, bool bypass)
{
	if (set == RULES_HEADERS && !r->headers)
		set = RULES_TCP;
	for (unsigned i = 0; r->workers > 1 && bypass == r->bypass && i < RULES_TARGET_CHAINS; i++)
		if (chains[i].set == set && chains[i].client == client)
			return chains[i].name;
	return NULL;
}

void rules_target_xt(const struct rules *r, enum rules_set set, enum rules_client client, bool bypass, FILE *out)
{
	const char *chain = chain_for(r, set, client, bypass);
	unsigned first = rules_first(r, set);

	if (chain) {
		fprintf(out, " -j %s\n", chain);
		return;
	}
	if (r->workers == 1)
		fprintf(out, " -j NFQUEUE --queue-num %u", first);
	else
		fprintf(out, " -j NFQUEUE --queue-balance %u:%u%s", first, first + r->workers - 1,
			set == RULES_REST ? " --queue-cpu-fanout" : "");
	fputs(bypass ? " --queue-bypass\n" : "\n", out);
}

void rules_target_nft(const struct rules *r, enum rules_set set, enum rules_client client, bool bypass, FILE *out)
{
	static const char *const how[2][2] = { { "", " bypass" }, { " fanout", " bypass,fanout" } };
	const char *chain = chain_for(r, set, client, bypass);
	unsigned first = rules_first(r, set);

	if (chain)
		fprintf(out, " goto %s\n", chain);
	else if (r->workers == 1)
		fprintf(out, " queue num %u%s\n", first, bypass ? " bypass" : "");
	else
		fprintf(out, " queue num %u-%u%s\n", first, first + r->workers - 1, how[set == RULES_REST][bypass]);
}

/* How many classes of addresses there are, by their lowest bits. Class c is worker c % workers'. */
static unsigned classes(unsigned workers)
{
	unsigned n = 2;

	while (n < workers)
		n *= 2;
	return n == workers ? n : n * SPREAD;
}

/* An address of these lowest bits alone: a value, or a mask. Seven at most, of 64 workers. */
static void write_low(enum nat_family family, unsigned bits, FILE *out)
{
	fprintf(out, family == NAT_IPV4 ? "0.0.0.%u" : "::%x", bits);
}

void rules_target_fill_xt(const struct rules *r, enum nat_family family, unsigned i, FILE *out)
{
	unsigned first = rules_first(r, chains[i].set), n = classes(r->workers);

	for (unsigned c = 0; c < n; c++) {
		unsigned worker = c % r->workers;

		if (worker == r->workers - 1)
			continue;
		fprintf(out, "-A %s -%c ", chains[i].name, chains[i].client == RULES_CLIENT_FROM ? 's' : 'd');
		write_low(family, c, out);
		fputc('/', out);
		write_low(family, n - 1, out);
		fprintf(out, " -j NFQUEUE --queue-num %u%s\n", first + worker, r->bypass ? " --queue-bypass" : "");
	}
	fprintf(out, "-A %s -j NFQUEUE --queue-num %u%s\n", chains[i].name, first + r->workers - 1, r->bypass ? " --queue-bypass" : "");
}

static void fill_nft(const struct rules *r, enum nat_family family, unsigned i, FILE *out)
{
	unsigned first = rules_first(r, chains[i].set), n = classes(r->workers);

	for (unsigned worker = 0; worker + 1 < r->workers; worker++) {
		fprintf(out, "\t\t%s %caddr & ", family == NAT_IPV4 ? "ip" : "ip6", chains[i].client == RULES_CLIENT_FROM ? 's' : 'd');
		write_low(family, n - 1, out);
		fputs(" { ", out);
		for (unsigned c = worker; c < n; c += r->workers) {
			fputs(c == worker ? "" : ", ", out);
			write_low(family, c, out);
		}
		fprintf(out, " } queue num %u%s\n", first + worker, r->bypass ? " bypass" : "");
	}
}

void rules_target_chains_nft(const struct rules *r, FILE *out)
{
	for (unsigned i = 0; i < RULES_TARGET_CHAINS; i++) {
		if (!rules_target_has(r, RULES_RAW, i) && !rules_target_has(r, RULES_MANGLE, i))
			continue;
		fprintf(out, "\tchain %s {\n", chains[i].name);
		fill_nft(r, NAT_IPV4, i, out);
		fill_nft(r, NAT_IPV6, i, out);
		fprintf(out, "\t\tqueue num %u%s\n\t}\n", rules_first(r, chains[i].set) + r->workers - 1, r->bypass ? " bypass" : "");
	}
}
