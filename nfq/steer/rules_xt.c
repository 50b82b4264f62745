/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rules_xt - rules as text for iptables-restore and ip6tables-restore; see rules.h */
#include "nfq/steer/rules.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "nat/tuple.h"
#include "nat/wire.h"
#include "nfq/steer/rules_out.h"
#include "nfq/steer/rules_target.h"

enum { MULTIPORT_SLOTS = 15 };		/* XT_MULTI_PORTS; a range takes two */

/* Our chains: where they are jumped to from, and for which packets. */
static const struct {
	const char *name, *from, *match;
	enum rules_table table;
} chains[] = {
	{ "nfqnat-pre",  "PREROUTING",  " -m addrtype --dst-type LOCAL", RULES_RAW },
	{ "nfqnat-out",  "OUTPUT",      " -m addrtype --dst-type LOCAL", RULES_RAW },
	{ "nfqnat-fwd",  "FORWARD",     "",                              RULES_MANGLE },
	{ "nfqnat-post", "POSTROUTING", "",                              RULES_MANGLE },
	{ "nfqnat-in",   "INPUT",       "",                              RULES_MANGLE },
	{ "nfqnat-said", NULL,          "",                              RULES_MANGLE },	/* from nfqnat-post */
};

enum { N_CHAINS = sizeof(chains) / sizeof(chains[0]), ALL_CHAINS = N_CHAINS + RULES_TARGET_CHAINS };

/* Everything about one rule but its ports and its target. */
struct rule {
	const char *chain;
	char addr_flag;			/* 's' or 'd' */
	const struct group *group;
	const char *ports;		/* "--dports" or "--sports" */
	const char *in, *out;		/* devices, "" for any */
	bool hairpin;			/* only with a port of ours as source (FORWARD) or destination (PREROUTING) */
	const char *own_port;		/* "--sport" or "--dport" of it */
	bool fresh;			/* only packets that begin a flow, as conntrack sees it */
	bool answer;			/* ICMP: the answer, not the request */
	bool pieces;			/* fragments of any port */
	enum rules_set tcp;		/* where packets of TCP go */
};

const char *rules_table_name(enum rules_table t)
{
	return t == RULES_RAW ? "raw" : "mangle";
}

static const char *proto_name(const struct group *g)
{
	static char number[8];

	if (g->proto == IPPROTO_ICMP)
		return g->family == NAT_IPV4 ? "icmp" : "ipv6-icmp";
	switch (g->proto) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case NAT_PROTO_SCTP:
		return "sctp";
	case NAT_PROTO_UDPLITE:
		return "udplite";
	}
	snprintf(number, sizeof(number), "%u", g->proto);
	return number;
}

static void write_match(const struct rules *r, const struct rule *u, FILE *out)
{
	const struct group *g = u->group;
	char addr[INET6_ADDRSTRLEN];

	fprintf(out, "-A %s", u->chain);
	if (u->in[0])
		fprintf(out, " -i %s", u->in);
	if (u->out[0])
		fprintf(out, " -o %s", u->out);
	if (!nat_addr_is_any(&g->addr)) {
		inet_ntop(g->family == NAT_IPV4 ? AF_INET : AF_INET6, nat_addr_wire(&g->addr, g->family), addr,
			  sizeof(addr));
		fprintf(out, " -%c %s", u->addr_flag, addr);
	}
	/* A later piece of IPv6 whose fragment header names destination options has no protocol: ipv6_find_hdr() finds none. */
	if (!u->pieces || g->family == NAT_IPV4)
		fprintf(out, " -p %s", proto_name(g));
	if (u->hairpin && (g->proto == IPPROTO_TCP || g->proto == IPPROTO_UDP))
		fprintf(out, " -m %s %s %u:%u", proto_name(g), u->own_port, r->source_lo, r->source_hi);
	else if (u->hairpin && nat_proto_has_ports(g->proto))
		fprintf(out, " -m multiport %ss %u:%u", u->own_port, r->source_lo, r->source_hi);
}

/* What comes after the ports: state and target. */
static void write_end(const struct rules *r, const struct rule *u, FILE *out)
{
	bool ours_is_source = !strcmp(u->ports, "--sports");

	if (u->fresh)
		fputs(" -m conntrack --ctstate NEW", out);
	rules_target_xt(r, rules_set_of(u->group, u->tcp), ours_is_source ? RULES_CLIENT_TO : RULES_CLIENT_FROM, r->bypass, out);
}

static void write_icmp(const struct rules *r, const struct rule *u, FILE *out)
{
	static const char *const types4[2][2] = { { "8", "13" }, { "0", "14" } };
	static const char *const types6[2] = { "128", "129" };

	if (u->group->family == NAT_IPV6) {
		write_match(r, u, out);
		fprintf(out, " -m icmp6 --icmpv6-type %s", types6[u->answer]);
		write_end(r, u, out);
		return;
	}
	for (unsigned i = 0; i < 2; i++) {
		write_match(r, u, out);
		fprintf(out, " -m icmp --icmp-type %s", types4[u->answer][i]);
		write_end(r, u, out);
	}
}

/*
 * Every piece of a datagram, the first one too: only u32 sees "more
 * fragments" of IPv4 (octet 6 of the header); ip6tables tells the last from
 * the others, and takes a whole datagram with a fragment header for a last one.
 */
static void write_pieces(const struct rules *r, const struct rule *u, FILE *out)
{
	static const char *const v4[] = { " -m u32 --u32 4&0x3FFF=1:0x3FFF" };
	static const char *const v6[] = { " -m frag --fragmore", " -m frag --fraglast" };
	bool is4 = u->group->family == NAT_IPV4;

	for (unsigned i = 0; i < (is4 ? 1 : 2); i++) {
		write_match(r, u, out);
		fputs(is4 ? v4[i] : v6[i], out);
		rules_target_xt(r, RULES_REST, RULES_CLIENT_FROM, r->bypass, out);
	}
}

/* One rule per 15 slots of ports. */
static void write_rule(const struct rules *r, const struct rule *u, FILE *out)
{
	const struct group *g = u->group;
	unsigned i = 0;

	if (u->pieces) {
		write_pieces(r, u, out);
		return;
	}
	if (g->proto == IPPROTO_ICMP) {
		write_icmp(r, u, out);
		return;
	}
	if (!nat_proto_has_ports(g->proto)) {
		write_match(r, u, out);
		write_end(r, u, out);
		return;
	}
	while (i < g->n_ports) {
		unsigned slots = 0;

		write_match(r, u, out);
		fprintf(out, " -m multiport %s ", u->ports);
		for (; i < g->n_ports; i++) {
			bool range = g->ports[i].lo != g->ports[i].hi;

			if (slots + 1 + range > MULTIPORT_SLOTS)
				break;
			fprintf(out, "%s%u", slots ? "," : "", g->ports[i].lo);
			if (range)
				fprintf(out, ":%u", g->ports[i].hi);
			slots += 1 + range;
		}
		write_end(r, u, out);
	}
}

/*
 * ICMP errors of any origin: they may be about a flow of ours (R52). Those to
 * this host go on to it if nobody listens: its own path MTU discovery must not
 * depend on us. Those that leave might show a guest's address: they do not.
 */
static void write_errors(const struct rules *r, enum nat_family family, const char *chain, bool leaving, FILE *out)
{
	static const char *const types4[] = { "3", "4", "11", "12" }, *const types6[] = { "1", "2", "3", "4" };
	bool v4 = family == NAT_IPV4;

	for (unsigned i = 0; i < 4; i++) {
		fprintf(out, "-A %s -p %s", chain, v4 ? "icmp -m icmp --icmp-type " : "ipv6-icmp -m icmp6 --icmpv6-type ");
		fputs(v4 ? types4[i] : types6[i], out);
		rules_target_xt(r, RULES_REST, RULES_CLIENT_FROM, r->bypass || !leaving, out);
	}
}

/*
 * Errors that leave. The kernel drops a packet rather than queue it while its
 * connection is unconfirmed and shared (nf_ct_drop_unconfirmed() of
 * nfnetlink_queue.c), and an error made by this host shares that of the packet
 * it is about. So errors about a connection's first packet, such as those of
 * any REJECT, are not queued: they would be lost, and most are not ours.
 */
static void write_errors_leaving(const struct rules *r, enum nat_family family, FILE *out)
{
	if (r->conntrack)
		fprintf(out, "-A nfqnat-post -p %s -m conntrack --ctstate RELATED ! --ctstatus CONFIRMED -j RETURN\n",
			family == NAT_IPV4 ? "icmp" : "ipv6-icmp");
	write_errors(r, family, "nfqnat-post", true, out);
}

/* The same for fragments, where nobody else puts them together. */
static void write_also_pieces(const struct rules *r, struct rule u, FILE *out)
{
	u.pieces = true;
	u.hairpin = u.fresh = false;
	if (r->fragments && !u.group->rest && (u.group->proto == IPPROTO_ICMP || nat_proto_has_ports(u.group->proto)))
		write_rule(r, &u, out);
}

static void write_raw(const struct rules *r, enum nat_family family, FILE *out)
{
	for (unsigned i = 0; i < r->n_listeners; i++) {
		const struct group *g = &r->listener[i];
		struct rule u = { .chain = "nfqnat-pre", .addr_flag = 'd', .group = g, .ports = "--dports",
				  .in = g->dev, .out = "", .tcp = RULES_HEADERS };

		if (g->family != family)
			continue;
		if (g->rest) {
			write_match(r, &u, out);
			fputs(" -m socket --nowildcard -j RETURN\n", out);	/* this host uses it itself */
		}
		write_rule(r, &u, out);
		write_also_pieces(r, u, out);
		if (g->dev[0] || g->rest)
			continue;		/* this host's own packets arrive on no device */
		u.chain = "nfqnat-out";
		u.tcp = RULES_TCP;
		write_rule(r, &u, out);
	}
	for (unsigned i = 0; i < r->n_guests; i++) {
		const struct group *g = &r->guest[i];
		struct rule u = { .chain = "nfqnat-pre", .addr_flag = 's', .group = g, .ports = "--sports",
				  .in = g->dev, .out = "", .hairpin = true, .own_port = "--dport", .answer = true };

		if (g->family != family)
			continue;
		write_rule(r, &u, out);
		write_also_pieces(r, u, out);
	}
	rules_out_write_xt(r, family, RULES_RAW, out);
	write_errors(r, family, "nfqnat-pre", false, out);
	write_errors(r, family, "nfqnat-out", false, out);
}

/* At POSTROUTING: what goes back to another guest changes at both ends. */
static void write_answers_to_guests(const struct rules *r, struct rule u, FILE *out)
{
	u.out = u.group->dev;
	u.hairpin = true;
	u.own_port = "--dport";
	u.tcp = RULES_TCP;
	if (rules_has_hairpins(r, u.group))
		write_rule(r, &u, out);
}

/* What goes to a guest passes here: flows that begin, hairpins; of an enclosed one everything, both ways, errors beside it. */
static void write_forward(const struct rules *r, const struct group *g, FILE *out)
{
	struct rule u = { .chain = "nfqnat-fwd", .addr_flag = 'd', .group = g, .ports = "--dports", .in = "", .out = "" };

	if (g->enclosed) {
		write_rule(r, &u, out);
		write_also_pieces(r, u, out);
		u.addr_flag = 's';
		u.ports = "--sports";
		u.answer = true;
		write_rule(r, &u, out);
		write_also_pieces(r, u, out);
		return;
	}
	if (g->dev[0] || g->host_source) {
		struct rule h = u;

		h.in = g->host_source ? "" : g->dev;
		h.out = g->dev;
		h.hairpin = true;
		h.own_port = "--sport";
		write_rule(r, &h, out);
		write_also_pieces(r, h, out);
	}
	u.fresh = true;
	if (r->conntrack)
		write_rule(r, &u, out);
}

static void write_said(bool last, FILE *out)
{
	if (last)
		fputs(" -j DROP\n", out);
	else
		fprintf(out, " -j NFLOG --nflog-group %d\n", RULES_LOG_GROUP);
}

/* The guest's address where an ICMP error quotes it as destination: 8 octets of ICMP before the quoted header. */
static void write_quoted(const struct nat_addr *a, enum nat_family family, FILE *out)
{
	if (family == NAT_IPV4)
		fprintf(out, "0>>22&0x3C@24=0x%08X", (unsigned)wire_get32(nat_addr_wire(a, NAT_IPV4)));
	for (unsigned i = 0; family == NAT_IPV6 && i < 4; i++)
		fprintf(out, "%s%u=0x%08X", i ? "&&" : "", 72 + 4 * i, (unsigned)wire_get32(a->octet + (size_t)4 * i));
}

/* What the host's rules say of a guest's first packets: to us instead, see refused.h. */
static void write_refusals(const struct rules *r, enum nat_family family, FILE *out)
{
	const char *icmp = family == NAT_IPV4 ? "icmp" : "ipv6-icmp", *protos[] = { "tcp", icmp };
	char addr[INET6_ADDRSTRLEN];
	struct nat_addr *a;
	unsigned n;

	if (!r->refusals || !r->conntrack)
		return;
	a = rules_guests(r, family, &n);
	for (unsigned i = 0; n && i < 2; i++)
		fprintf(out, "-A nfqnat-post -p %s -m conntrack --ctstate RELATED ! --ctstatus CONFIRMED -j nfqnat-said\n", protos[i]);
	for (unsigned i = 0; i < 2 * n; i++) {
		bool last = i & 1;	/* each match twice: to log, and to drop */

		inet_ntop(family == NAT_IPV4 ? AF_INET : AF_INET6, nat_addr_wire(&a[i / 2], family), addr, sizeof(addr));
		fprintf(out, "-A nfqnat-said -s %s -p tcp", addr);
		write_said(last, out);
		fprintf(out, "-A nfqnat-said -p %s -m u32 --u32 ", icmp);
		write_quoted(&a[i / 2], family, out);
		write_said(last, out);
	}
	free(a);
}

static void write_mangle(const struct rules *r, enum nat_family family, FILE *out)
{
	write_refusals(r, family, out);
	for (unsigned i = 0; i < r->n_guests; i++) {
		const struct group *g = &r->guest[i];
		struct rule u = { .chain = "nfqnat-post", .addr_flag = 's', .group = g, .ports = "--sports",
				  .in = "", .out = "", .answer = true, .tcp = RULES_HEADERS };

		if (g->family != family)
			continue;
		write_answers_to_guests(r, u, out);
		write_rule(r, &u, out);
		write_also_pieces(r, u, out);
		u.chain = "nfqnat-in";
		u.tcp = RULES_TCP;
		write_rule(r, &u, out);
		write_also_pieces(r, u, out);
		write_forward(r, g, out);
	}
	rules_out_write_xt(r, family, RULES_MANGLE, out);
	if (rules_has_enclosed(r, family))
		write_errors(r, family, "nfqnat-fwd", false, out);
	write_errors_leaving(r, family, out);
	write_errors(r, family, "nfqnat-in", false, out);
}

/* These, and those that rules for TCP jump to. */
static const char *chain_name(unsigned i)
{
	return i < N_CHAINS ? chains[i].name : rules_target_chain(i - N_CHAINS);
}

static bool chain_is_wanted(const struct rules *r, enum rules_table t, unsigned i)
{
	return i < N_CHAINS ? chains[i].table == t : rules_target_has(r, t, i - N_CHAINS);
}

/* Does a rule end with a jump to a chain of ours? A comment may say anything; the target comes behind it. */
static bool is_our_jump(const char *line, size_t len)
{
	if (strncmp(line, "-A ", 3) != 0 || !strncmp(line, "-A nfqnat-", 10))
		return false;
	for (unsigned i = 0; i < ALL_CHAINS; i++) {
		char jump[32];
		size_t n = (size_t)snprintf(jump, sizeof(jump), " -j %s", chain_name(i));

		if (len > n && !memcmp(line + len - n, jump, n))
			return true;
	}
	return false;
}

/* Our jumps in what iptables-save printed, as deletions: "-A PREROUTING ... -j nfqnat-pre" -> "-D ...". */
static void delete_jumps(const char *saved, FILE *out)
{
	for (const char *line = saved; *line;) {
		const char *end = strchrnul(line, '\n');

		if (is_our_jump(line, (size_t)(end - line)))
			fprintf(out, "-D %.*s\n", (int)(end - line - 3), line + 3);
		line = *end ? end + 1 : end;
	}
}

/* Is there a line ":CHAIN - [0:0]"? */
static bool has_chain(const char *saved, const char *chain)
{
	size_t len = strlen(chain);

	for (const char *p = saved; (p = strstr(p, chain)); p += len)
		if (p > saved && p[-1] == ':' && (p - 1 == saved || p[-2] == '\n') && p[len] == ' ')
			return true;
	return false;
}

static void remove_chain(const char *name, FILE *out)
{
	fprintf(out, "-F %s\n-X %s\n", name, name);
}

void rules_write_xt(const struct rules *r, enum nat_family family, enum rules_table t, const char *saved, FILE *out)
{
	fprintf(out, "*%s\n", rules_table_name(t));
	for (unsigned i = 0; i < ALL_CHAINS; i++)
		if (chain_is_wanted(r, t, i))
			fprintf(out, ":%s - [0:0]\n", chain_name(i));	/* made, or emptied */
	if (saved)
		delete_jumps(saved, out);
	for (unsigned i = N_CHAINS; saved && i < ALL_CHAINS; i++)
		if (!chain_is_wanted(r, t, i) && has_chain(saved, chain_name(i)))
			remove_chain(chain_name(i), out);	/* of a run with more workers */
	for (unsigned i = 0; i < N_CHAINS; i++)
		if (saved && chains[i].from && chains[i].table == t)
			fprintf(out, "-A %s%s -j %s\n", chains[i].from, chains[i].match, chains[i].name);
	for (unsigned i = 0; i < RULES_TARGET_CHAINS; i++)
		if (rules_target_has(r, t, i))
			rules_target_fill_xt(r, family, i, out);
	if (t == RULES_RAW)
		rules_out_jumps_xt(r, family, out);
	if (t == RULES_RAW)
		write_raw(r, family, out);
	else
		write_mangle(r, family, out);
	fputs("COMMIT\n", out);
}

bool rules_clear_xt(enum rules_table t, const char *saved, FILE *out)
{
	bool any = false;

	for (unsigned i = 0; i < ALL_CHAINS; i++)
		any |= (i >= N_CHAINS || chains[i].table == t) && has_chain(saved, chain_name(i));
	if (!any)
		return false;
	fprintf(out, "*%s\n", rules_table_name(t));
	delete_jumps(saved, out);
	for (unsigned i = 0; i < ALL_CHAINS; i++)
		if ((i >= N_CHAINS || chains[i].table == t) && has_chain(saved, chain_name(i)))
			remove_chain(chain_name(i), out);
	fputs("COMMIT\n", out);
	return true;
}
