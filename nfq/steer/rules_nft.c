/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rules_nft - rules as text for nft -f; see rules.h */
#include "nfq/steer/rules.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "nat/tuple.h"
#include "nfq/steer/rules_out.h"
#include "nfq/steer/rules_target.h"

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
	case NAT_PROTO_DCCP:
		return "dccp";
	case NAT_PROTO_UDPLITE:
		return "udplite";
	}
	snprintf(number, sizeof(number), "%u", g->proto);
	return number;
}

enum { SINGLE_PORTS = 256 };

/*
 * Of a set without any range the kernel makes a bitmap, and looks through all
 * of its elements for each that is added: 25,000 ports take 3 s. A range makes
 * it a tree. Nobody sends from or to ports 0 and 1; whoever does goes on as if
 * he had not been asked for (NO_FORWARD).
 */
static bool needs_range(const struct group *g)
{
	for (unsigned i = 0; i < g->n_ports; i++)
		if (g->ports[i].hi != g->ports[i].lo)
			return false;
	return g->n_ports > SINGLE_PORTS && g->ports[0].lo > 1;
}

/* "tcp dport { 80, 443, 5000-5100 }" or "icmp type echo-request" */
static void write_what(const struct group *g, const char *port, bool answer, FILE *out)
{
	if (g->proto == IPPROTO_ICMP) {
		if (g->family == NAT_IPV6)
			fprintf(out, " icmpv6 type echo-%s", answer ? "reply" : "request");
		else
			fprintf(out, " icmp type { echo-%s, timestamp-%s }", answer ? "reply" : "request",
				answer ? "reply" : "request");
		return;
	}
	if (!nat_proto_has_ports(g->proto)) {
		fprintf(out, " meta l4proto %s", proto_name(g));
		return;
	}
	fprintf(out, " %s %s { %s", proto_name(g), port, needs_range(g) ? "0-1, " : "");
	for (unsigned i = 0; i < g->n_ports; i++) {
		fprintf(out, "%s%u", i ? ", " : "", g->ports[i].lo);
		if (g->ports[i].hi != g->ports[i].lo)
			fprintf(out, "-%u", g->ports[i].hi);
	}
	fputs(" }", out);
}

static bool has_pieces(const struct rules *r, const struct group *g)
{
	return r->fragments && !g->rest && (g->proto == IPPROTO_ICMP || nat_proto_has_ports(g->proto));
}

/* What comes behind address and devices to catch every piece of a datagram, the first one too. */
static void write_fragments(const struct rules *r, const struct group *g, FILE *out)
{
	/* IPv6: of any protocol, see write_match() in rules_xt.c */
	if (g->family == NAT_IPV4)
		fprintf(out, " meta l4proto %s ip frag-off & 0x3fff != 0", proto_name(g));
	else
		fputs(" exthdr frag exists", out);
	rules_target_nft(r, RULES_REST, RULES_CLIENT_FROM, r->bypass, out);
}

static void write_addr(const struct group *g, const char *side, FILE *out)
{
	char addr[INET6_ADDRSTRLEN];
	bool v4 = g->family == NAT_IPV4;

	fprintf(out, "\t\tmeta nfproto %s", v4 ? "ipv4" : "ipv6");
	if (nat_addr_is_any(&g->addr))
		return;
	inet_ntop(v4 ? AF_INET : AF_INET6, nat_addr_wire(&g->addr, g->family), addr, sizeof(addr));
	fprintf(out, " %s %s %s", v4 ? "ip" : "ip6", side, addr);
}

/* As in rules_xt.c: errors to this host go on to it if nobody listens. */
static void write_errors(const struct rules *r, bool leaving, FILE *out)
{
	fputs("\t\ticmp type { destination-unreachable, source-quench, time-exceeded, parameter-problem }", out);
	rules_target_nft(r, RULES_REST, RULES_CLIENT_FROM, r->bypass || !leaving, out);
	fputs("\t\ticmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem }", out);
	rules_target_nft(r, RULES_REST, RULES_CLIENT_FROM, r->bypass || !leaving, out);
}

/* As in rules_xt.c: the kernel would drop errors about a first packet rather than queue them. */
static void write_errors_leaving(const struct rules *r, FILE *out)
{
	if (r->conntrack)
		fputs("\t\tmeta l4proto { icmp, ipv6-icmp } ct state related ct status & confirmed == 0 return\n", out);
	write_errors(r, true, out);
}

/* The guest's address where an ICMP error quotes it as destination: 8 octets of ICMP before the quoted header. */
static void write_quoted(const struct nat_addr *a, enum nat_family family, FILE *out)
{
	const uint8_t *octet = nat_addr_wire(a, family);

	fprintf(out, "\t\tmeta l4proto %s @th,%s 0x", family == NAT_IPV4 ? "icmp" : "ipv6-icmp",
		family == NAT_IPV4 ? "192,32" : "256,128");
	for (unsigned i = 0; i < (family == NAT_IPV4 ? 4 : 16); i++)
		fprintf(out, "%02x", octet[i]);
}

/* What the host's rules say of a guest's first packets: to us instead, see refused.h. */
static void write_refusals(const struct rules *r, FILE *out)
{
	if (!r->refusals || !r->conntrack)
		return;
	fputs("\tchain refusals {\n", out);
	for (enum nat_family f = NAT_IPV4; f <= NAT_IPV6; f += NAT_IPV6 - NAT_IPV4) {
		unsigned n;
		struct nat_addr *a = rules_guests(r, f, &n);

		for (unsigned i = 0; i < n; i++) {
			const struct group g = { .family = (uint8_t)f, .addr = a[i] };

			write_addr(&g, "saddr", out);
			fprintf(out, " meta l4proto tcp log group %d drop\n", RULES_LOG_GROUP);
			write_quoted(&a[i], f, out);
			fprintf(out, " log group %d drop\n", RULES_LOG_GROUP);
		}
		free(a);
	}
	fputs("\t}\n", out);
}

/* Chains are named after their hooks: short names of our own may be words of nft's language, as "fwd" is. */
static void chain_begin(const char *hook, const char *priority, FILE *out)
{
	fprintf(out, "\tchain %s {\n\t\ttype filter hook %s priority %s; policy accept;\n", hook, hook, priority);
}

static void write_listeners(const struct rules *r, bool own, FILE *out)
{
	for (unsigned i = 0; i < r->n_listeners; i++) {
		const struct group *g = &r->listener[i];

		if (own && (g->dev[0] || g->rest))
			continue;		/* this host's own packets arrive on no device */
		if (g->rest) {
			write_addr(g, "daddr", out);
			if (g->dev[0])
				fprintf(out, " iifname \"%s\"", g->dev);
			fprintf(out, " meta l4proto %s socket wildcard { 0, 1 } return\n", proto_name(g));
		}
		write_addr(g, "daddr", out);
		if (g->dev[0])
			fprintf(out, " iifname \"%s\"", g->dev);
		write_what(g, "dport", false, out);
		rules_target_nft(r, rules_set_of(g, own ? RULES_TCP : RULES_HEADERS), RULES_CLIENT_FROM, r->bypass, out);
		if (!has_pieces(r, g) || own)
			continue;		/* what this host sends is cut up later */
		write_addr(g, "daddr", out);
		if (g->dev[0])
			fprintf(out, " iifname \"%s\"", g->dev);
		write_fragments(r, g, out);
	}
}

static void write_own_port(const struct rules *r, const struct group *g, const char *port, FILE *out)
{
	if (nat_proto_has_ports(g->proto))
		fprintf(out, " %s %s %u-%u", proto_name(g), port, r->source_lo, r->source_hi);
}

/* Packets from guests' ports, those of TCP to @tcp; at PREROUTING only those to a source port of ours. */
static void write_answers(const struct rules *r, bool hairpin, enum rules_set tcp, FILE *out)
{
	for (unsigned i = 0; i < r->n_guests; i++) {
		const struct group *g = &r->guest[i];

		if (tcp == RULES_HEADERS && rules_has_hairpins(r, g)) {
			write_addr(g, "saddr", out);
			fprintf(out, " oifname \"%s\"", g->dev);
			write_what(g, "sport", true, out);
			write_own_port(r, g, "dport", out);
			rules_target_nft(r, RULES_TCP, RULES_CLIENT_TO, r->bypass, out);
		}
		write_addr(g, "saddr", out);
		if (hairpin && g->dev[0])
			fprintf(out, " iifname \"%s\"", g->dev);
		write_what(g, "sport", true, out);
		if (hairpin)
			write_own_port(r, g, "dport", out);
		rules_target_nft(r, rules_set_of(g, tcp), RULES_CLIENT_TO, r->bypass, out);
		if (!has_pieces(r, g))
			continue;
		write_addr(g, "saddr", out);
		if (hairpin && g->dev[0])
			fprintf(out, " iifname \"%s\"", g->dev);
		write_fragments(r, g, out);
	}
}

/* On a network that lets nothing in or out: everything, both ways. */
static void write_enclosed(const struct rules *r, const struct group *g, FILE *out)
{
	for (unsigned back = 0; back < 2; back++) {
		write_addr(g, back ? "saddr" : "daddr", out);
		write_what(g, back ? "sport" : "dport", back, out);
		rules_target_nft(r, rules_set_of(g, RULES_TCP), back ? RULES_CLIENT_TO : RULES_CLIENT_FROM, r->bypass, out);
		if (!has_pieces(r, g))
			continue;
		write_addr(g, back ? "saddr" : "daddr", out);
		write_fragments(r, g, out);
	}
}

static void write_forward(const struct rules *r, FILE *out)
{
	for (unsigned i = 0; i < r->n_guests; i++) {
		const struct group *g = &r->guest[i];
		enum rules_set set = rules_set_of(g, RULES_TCP);

		if (g->enclosed) {
			write_enclosed(r, g, out);
			continue;
		}
		if (g->dev[0] || g->host_source) {
			write_addr(g, "daddr", out);
			if (!g->host_source)
				fprintf(out, " iifname \"%s\"", g->dev);
			if (g->dev[0])
				fprintf(out, " oifname \"%s\"", g->dev);
			write_what(g, "dport", false, out);
			write_own_port(r, g, "sport", out);
			rules_target_nft(r, set, RULES_CLIENT_FROM, r->bypass, out);
		}
		if (g->dev[0] && has_pieces(r, g)) {
			write_addr(g, "daddr", out);
			fprintf(out, " iifname \"%s\" oifname \"%s\"", g->dev, g->dev);
			write_fragments(r, g, out);
		}
		if (r->conntrack) {
			write_addr(g, "daddr", out);
			write_what(g, "dport", false, out);
			fputs(" ct state new", out);
			rules_target_nft(r, set, RULES_CLIENT_FROM, r->bypass, out);
		}
	}
}

void rules_write_nft(const struct rules *r, FILE *out)
{
	/* The first line makes sure that there is one to delete: one transaction for any state before. */
	fputs("table inet nfqnat\nflush table inet nfqnat\ntable inet nfqnat {\n", out);

	rules_target_chains_nft(r, out);
	chain_begin("prerouting", "-300", out);
	rules_out_write_nft(r, RULES_OUT_FAR, out);
	fputs("\t\tfib daddr type != local return\n", out);
	rules_out_write_nft(r, RULES_OUT_NEAR, out);
	write_listeners(r, false, out);
	write_answers(r, true, RULES_TCP, out);
	write_errors(r, false, out);
	fputs("\t}\n", out);

	chain_begin("output", "-300", out);
	fputs("\t\tfib daddr type != local return\n", out);
	write_listeners(r, true, out);
	write_errors(r, false, out);
	fputs("\t}\n", out);

	chain_begin("forward", "-150", out);
	write_forward(r, out);
	if (rules_has_enclosed(r, NAT_IPV4) || rules_has_enclosed(r, NAT_IPV6))
		write_errors(r, false, out);
	rules_out_write_nft(r, RULES_OUT_FORWARD, out);
	fputs("\t}\n", out);

	write_refusals(r, out);
	chain_begin("postrouting", "-150", out);
	if (r->refusals && r->conntrack)
		fputs("\t\tmeta l4proto { tcp, icmp, ipv6-icmp } ct state related ct status & confirmed == 0 jump refusals\n", out);
	write_answers(r, false, RULES_HEADERS, out);
	rules_out_write_nft(r, RULES_OUT_LEAVING, out);
	write_errors_leaving(r, out);
	fputs("\t}\n", out);

	chain_begin("input", "-150", out);
	write_answers(r, false, RULES_TCP, out);
	write_errors(r, false, out);
	fputs("\t}\n}\n", out);
}
