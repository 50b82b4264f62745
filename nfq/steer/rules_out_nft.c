/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rules_out_nft - outbound rules as text for nft -f; see rules_out.h */
#include "nfq/steer/rules_out.h"

#include "nfq/steer/rules_target.h"

static const char *family_word(const struct rules_out *ro)
{
	return ro->conf.inside.family == NAT_IPV4 ? "ip" : "ip6";
}

/* @match and every protocol, TCP to @tcp. */
static void queue_all(const struct rules *r, enum rules_set tcp, enum rules_client client, const char *match, FILE *out)
{
	fprintf(out, "\t\t%s meta l4proto tcp", match);
	rules_target_nft(r, tcp, client, false, out);
	fprintf(out, "\t\t%s", match);
	rules_target_nft(r, RULES_REST, RULES_CLIENT_FROM, false, out);
}

/* @match and the ports of mappings, those of TCP to @tcp. */
static void queue_ports(const struct rules *r, enum rules_set tcp, enum rules_client client, const struct rules_out *ro, const char *match,
			const char *side, FILE *out)
{
	static const char *const protos[2] = { "tcp", "udp" };

	for (unsigned p = 0; p < 2; p++) {
		if (!ro->n_ports[p])
			continue;
		fprintf(out, "\t\t%s %s %s { ", match, protos[p], side);
		for (unsigned i = 0; i < ro->n_ports[p]; i++)
			fprintf(out, "%s%u-%u", i ? ", " : "", ro->port[p][i].lo, ro->port[p][i].hi);
		fputs(" }", out);
		rules_target_nft(r, p ? RULES_REST : tcp, client, false, out);
	}
}

static void queue_answers(const struct rules *r, const struct rules_out *ro, const char *match, FILE *out)
{
	bool v4 = ro->conf.inside.family == NAT_IPV4;

	queue_ports(r, RULES_HEADERS, RULES_CLIENT_FROM, ro, match, "dport", out);
	fprintf(out, "\t\t%s %s", match, v4 ? "icmp type { echo-reply, timestamp-reply }" : "icmpv6 type echo-reply");
	rules_target_nft(r, RULES_REST, RULES_CLIENT_FROM, false, out);
	/* R26: one inside host for each remote, but for SCTP, DCCP (33) and UDP-Lite; 4, 41, 115: IP in IP, L2TP */
	fprintf(out, "\t\t%s meta l4proto { gre, esp, sctp, udplite, 4, 33, 41, 115 }", match);
	rules_target_nft(r, RULES_REST, RULES_CLIENT_FROM, false, out);
	if (!r->fragments)
		return;
	fprintf(out, "\t\t%s %s", match, v4 ? "ip frag-off & 0x3fff != 0" : "exthdr frag exists");
	rules_target_nft(r, RULES_REST, RULES_CLIENT_FROM, false, out);
}

static void write_far(const struct rules *r, const struct rules_out *ro, FILE *out)
{
	const struct conf_out *o = &ro->conf;
	enum nat_family family = (enum nat_family)o->inside.family;
	const char *ip = family_word(ro);
	char text[64], match[160], dev[40] = "";

	if (*o->out)
		snprintf(dev, sizeof(dev), "iifname \"%s\" ", o->out);
	if (o->kind != CONF_MASQUERADE) {
		snprintf(match, sizeof(match), "%s%s daddr %s", dev, ip,
			 rules_out_text(text, &o->outside.addr, o->outside.bits, family));
		queue_all(r, RULES_TCP, RULES_CLIENT_FROM, match, out);
		return;
	}
	rules_out_text(text, &o->inside.addr, o->inside.bits, family);
	snprintf(match, sizeof(match), "%s%s saddr %s", dev, ip, text);
	queue_all(r, RULES_TCP, RULES_CLIENT_FROM, match, out);
	snprintf(match, sizeof(match), "%s%s daddr %s", dev, ip, text);
	queue_all(r, RULES_TCP, RULES_CLIENT_FROM, match, out);
	for (unsigned i = 0; i < o->n_to; i++) {
		snprintf(match, sizeof(match), "%s daddr %s", ip,
			 rules_out_text(text, &o->to[i], family == NAT_IPV4 ? 32 : 128, family));
		queue_answers(r, ro, match, out);
		fprintf(out, "\t\t%s %s", match, family == NAT_IPV4 ?
			"icmp type { destination-unreachable, source-quench, time-exceeded, parameter-problem }" :
			"icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem }");
		rules_target_nft(r, RULES_REST, RULES_CLIENT_FROM, false, out);
	}
}

static void write_near(const struct rules *r, const struct rules_out *ro, FILE *out)
{
	const struct conf_out *o = &ro->conf;
	char text[64], match[160];

	if (o->kind != CONF_MASQUERADE || o->n_to)
		return;
	snprintf(match, sizeof(match), "iifname \"%s\" meta nfproto %s", o->out,
		 o->inside.family == NAT_IPV4 ? "ipv4" : "ipv6");
	queue_answers(r, ro, match, out);
	if (o->filter == CONF_FILTER_BOTH)
		return;
	snprintf(match, sizeof(match), "%s saddr %s", family_word(ro),
		 rules_out_text(text, &o->inside.addr, o->inside.bits, (enum nat_family)o->inside.family));
	queue_ports(r, RULES_TCP, RULES_CLIENT_FROM, ro, match, "dport", out);
}

static void write_forward(const struct rules *r, const struct rules_out *ro, FILE *out)
{
	const struct conf_out *o = &ro->conf;
	const char *ip = family_word(ro);
	char text[64], match[200];

	if (o->kind != CONF_MASQUERADE)
		return;
	rules_out_text(text, &o->inside.addr, o->inside.bits, (enum nat_family)o->inside.family);
	if (r->conntrack) {
		snprintf(match, sizeof(match), "iifname \"%s\" %s daddr %s ct state new", o->out, ip, text);
		queue_all(r, RULES_TCP, RULES_CLIENT_FROM, match, out);
	}
	if (o->filter == CONF_FILTER_BOTH)
		return;
	snprintf(match, sizeof(match), "%s saddr %s %s daddr %s", ip, text, ip, text);
	queue_ports(r, RULES_TCP, RULES_CLIENT_FROM, ro, match, "sport", out);
}

static void write_leaving(const struct rules *r, const struct rules_out *ro, FILE *out)
{
	const struct conf_out *o = &ro->conf;
	enum nat_family family = (enum nat_family)o->inside.family;
	const char *ip = family_word(ro);
	char text[64], except[64], match[200], dev[40] = "";

	if (*o->out)
		snprintf(dev, sizeof(dev), "oifname \"%s\" ", o->out);
	rules_out_text(text, &o->inside.addr, o->inside.bits, family);
	for (unsigned i = 0; i < o->n_except; i++)
		fprintf(out, "\t\t%s%s saddr %s %s daddr %s return\n", dev, ip, text, ip,
			rules_out_text(except, &o->except[i].addr, o->except[i].bits, family));
	snprintf(match, sizeof(match), "%s%s saddr %s", dev, ip, text);
	queue_all(r, o->kind == CONF_MASQUERADE ? RULES_HEADERS : RULES_TCP, RULES_CLIENT_TO, match, out);
	if (o->kind != CONF_MASQUERADE || o->filter == CONF_FILTER_BOTH)
		return;
	snprintf(match, sizeof(match), "%s saddr %s %s daddr %s", ip, text, ip, text);
	queue_ports(r, RULES_TCP, RULES_CLIENT_TO, ro, match, "dport", out);
}

void rules_out_write_nft(const struct rules *r, enum rules_out_place place, FILE *out)
{
	for (unsigned i = 0; i < r->n_outs; i++)
		switch (place) {
		case RULES_OUT_FAR:
			write_far(r, &r->out[i], out);
			break;
		case RULES_OUT_NEAR:
			write_near(r, &r->out[i], out);
			break;
		case RULES_OUT_FORWARD:
			write_forward(r, &r->out[i], out);
			break;
		case RULES_OUT_LEAVING:
			write_leaving(r, &r->out[i], out);
			break;
		}
}
