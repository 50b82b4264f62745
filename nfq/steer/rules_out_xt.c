/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rules_out_xt - outbound rules as text for iptables-restore and ip6tables-restore; see rules_out.h */
#include "nfq/steer/rules_out.h"

#include "nfq/steer/rules_target.h"

enum { PAIRS = 7 };		/* ranges in one multiport match: XT_MULTI_PORTS is 15, a range takes two */

/* @match and every protocol, TCP to @tcp. */
static void queue_all(const struct rules *r, enum rules_set tcp, enum rules_client client, const char *match, FILE *out)
{
	fprintf(out, "%s -p tcp", match);
	rules_target_xt(r, tcp, client, false, out);
	fputs(match, out);
	rules_target_xt(r, RULES_REST, RULES_CLIENT_FROM, false, out);
}

/* @match and the ports of mappings, those of TCP to @tcp. */
static void queue_ports(const struct rules *r, enum rules_set tcp, enum rules_client client, const struct rules_out *ro, const char *match,
			const char *side, FILE *out)
{
	static const char *const protos[2] = { "tcp", "udp" };

	for (unsigned p = 0; p < 2; p++)
		for (unsigned i = 0; i < ro->n_ports[p];) {
			fprintf(out, "%s -p %s -m multiport %s ", match, protos[p], side);
			for (unsigned k = 0; k < PAIRS && i < ro->n_ports[p]; k++, i++)
				fprintf(out, "%s%u:%u", k ? "," : "", ro->port[p][i].lo, ro->port[p][i].hi);
			rules_target_xt(r, p ? RULES_REST : tcp, client, false, out);
		}
}

/* @match and the types of ICMP in @v4 or @v6, each ended by NULL. */
static void queue_icmp(const struct rules *r, bool is4, const char *match, const char *const *v4, const char *const *v6,
		       FILE *out)
{
	for (const char *const *type = is4 ? v4 : v6; *type; type++) {
		fprintf(out, "%s -p %s %s", match, is4 ? "icmp -m icmp --icmp-type" : "ipv6-icmp -m icmp6 --icmpv6-type", *type);
		rules_target_xt(r, RULES_REST, RULES_CLIENT_FROM, false, out);
	}
}

/* Pieces of datagrams, where nobody else puts them together; see rules_xt.c for the matches. */
static void queue_pieces(const struct rules *r, bool is4, const char *match, FILE *out)
{
	static const char *const how[2][2] = { { "-m frag --fragmore", "-m frag --fraglast" }, { "-m u32 --u32 4&0x3FFF=1:0x3FFF", NULL } };

	for (unsigned i = 0; i < 2 && r->fragments && how[is4][i]; i++) {
		fprintf(out, "%s %s", match, how[is4][i]);
		rules_target_xt(r, RULES_REST, RULES_CLIENT_FROM, false, out);
	}
}

static void queue_answers(const struct rules *r, const struct rules_out *ro, const char *match, FILE *out)
{
	static const char *const v4[] = { "0", "14", NULL }, *const v6[] = { "129", NULL };
	/* R26: one inside host for each remote, but for SCTP, DCCP (33) and UDP-Lite; 4, 41, 115: IP in IP, L2TP */
	static const char *const others[] = { "gre", "esp", "sctp", "udplite", "4", "33", "41", "115" };
	bool is4 = ro->conf.inside.family == NAT_IPV4;

	queue_ports(r, RULES_HEADERS, RULES_CLIENT_FROM, ro, match, "--dports", out);
	queue_icmp(r, is4, match, v4, v6, out);
	for (unsigned i = 0; i < sizeof(others) / sizeof(*others); i++) {
		fprintf(out, "%s -p %s", match, others[i]);
		rules_target_xt(r, RULES_REST, RULES_CLIENT_FROM, false, out);
	}
	queue_pieces(r, is4, match, out);
}

static void write_pre(const struct rules *r, const struct rules_out *ro, FILE *out)
{
	const struct conf_out *o = &ro->conf;
	enum nat_family family = (enum nat_family)o->inside.family;
	char text[64], match[160], dev[40] = "";

	if (*o->out)
		snprintf(dev, sizeof(dev), " -i %s", o->out);
	if (o->kind != CONF_MASQUERADE) {
		snprintf(match, sizeof(match), "-A nfqnat-pre%s -d %s", dev,
			 rules_out_text(text, &o->outside.addr, o->outside.bits, family));
		queue_all(r, RULES_TCP, RULES_CLIENT_FROM, match, out);
		return;
	}
	rules_out_text(text, &o->inside.addr, o->inside.bits, family);
	snprintf(match, sizeof(match), "-A nfqnat-pre%s -s %s", dev, text);
	queue_all(r, RULES_TCP, RULES_CLIENT_FROM, match, out);
	snprintf(match, sizeof(match), "-A nfqnat-pre%s -d %s", dev, text);
	queue_all(r, RULES_TCP, RULES_CLIENT_FROM, match, out);
	for (unsigned i = 0; i < o->n_to; i++) {
		snprintf(match, sizeof(match), "-A nfqnat-pre -d %s",
			 rules_out_text(text, &o->to[i], family == NAT_IPV4 ? 32 : 128, family));
		queue_answers(r, ro, match, out);
	}
	if (o->n_to)
		return;
	snprintf(match, sizeof(match), "-A nfqnat-pre%s", dev);
	queue_answers(r, ro, match, out);
	if (o->filter == CONF_FILTER_BOTH)
		return;
	snprintf(match, sizeof(match), "-A nfqnat-pre -s %s", rules_out_text(text, &o->inside.addr, o->inside.bits, family));
	queue_ports(r, RULES_TCP, RULES_CLIENT_FROM, ro, match, "--dports", out);
}

static void write_forward(const struct rules *r, const struct rules_out *ro, FILE *out)
{
	const struct conf_out *o = &ro->conf;
	char text[64], match[200];

	if (o->kind != CONF_MASQUERADE)
		return;
	rules_out_text(text, &o->inside.addr, o->inside.bits, (enum nat_family)o->inside.family);
	if (r->conntrack) {
		snprintf(match, sizeof(match), "-A nfqnat-fwd -i %s -d %s -m conntrack --ctstate NEW", o->out, text);
		queue_all(r, RULES_TCP, RULES_CLIENT_FROM, match, out);
	}
	if (o->filter == CONF_FILTER_BOTH)
		return;
	snprintf(match, sizeof(match), "-A nfqnat-fwd -s %s -d %s", text, text);
	queue_ports(r, RULES_TCP, RULES_CLIENT_FROM, ro, match, "--sports", out);
}

static void write_leaving(const struct rules *r, const struct rules_out *ro, FILE *out)
{
	const struct conf_out *o = &ro->conf;
	enum nat_family family = (enum nat_family)o->inside.family;
	char text[64], except[64], match[200], dev[40] = "";

	if (*o->out)
		snprintf(dev, sizeof(dev), " -o %s", o->out);
	rules_out_text(text, &o->inside.addr, o->inside.bits, family);
	for (unsigned i = 0; i < o->n_except; i++)
		fprintf(out, "-A nfqnat-post%s -s %s -d %s -j RETURN\n", dev, text,
			rules_out_text(except, &o->except[i].addr, o->except[i].bits, family));
	snprintf(match, sizeof(match), "-A nfqnat-post%s -s %s", dev, text);
	queue_all(r, o->kind == CONF_MASQUERADE ? RULES_HEADERS : RULES_TCP, RULES_CLIENT_TO, match, out);
	if (o->kind != CONF_MASQUERADE || o->filter == CONF_FILTER_BOTH)
		return;
	snprintf(match, sizeof(match), "-A nfqnat-post -s %s -d %s", text, text);
	queue_ports(r, RULES_TCP, RULES_CLIENT_TO, ro, match, "--dports", out);
}

void rules_out_write_xt(const struct rules *r, enum nat_family family, enum rules_table t, FILE *out)
{
	for (unsigned i = 0; i < r->n_outs; i++) {
		if (r->out[i].conf.inside.family != family)
			continue;
		if (t == RULES_RAW) {
			write_pre(r, &r->out[i], out);
		} else {
			write_forward(r, &r->out[i], out);
			write_leaving(r, &r->out[i], out);
		}
	}
}

void rules_out_jumps_xt(const struct rules *r, enum nat_family family, FILE *out)
{
	for (unsigned i = 0; i < r->n_outs; i++) {
		const struct conf_out *o = &r->out[i].conf;
		char text[64], dev[40] = "";

		if (o->inside.family != family)
			continue;
		if (*o->out)
			snprintf(dev, sizeof(dev), " -i %s", o->out);
		if (o->kind != CONF_MASQUERADE) {
			fprintf(out, "-A PREROUTING%s -d %s -j nfqnat-pre\n", dev,
				rules_out_text(text, &o->outside.addr, o->outside.bits, family));
			continue;
		}
		rules_out_text(text, &o->inside.addr, o->inside.bits, family);
		fprintf(out, "-A PREROUTING%s -s %s -j nfqnat-pre\n", dev, text);
		fprintf(out, "-A PREROUTING%s -d %s -j nfqnat-pre\n", dev, text);
		for (unsigned k = 0; k < o->n_to; k++)
			fprintf(out, "-A PREROUTING -d %s -j nfqnat-pre\n",
				rules_out_text(text, &o->to[k], family == NAT_IPV4 ? 32 : 128, family));
	}
}
