/* SPDX-License-Identifier: GPL-2.0-or-later */
/* firewall - checks of other people's rules: what they reject, and what they forward themselves */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "conf/ip.h"
#include "ctl/doctor/doctor.h"
#include "ctl/doctor/fw.h"
#include "nfq/route.h"

enum { ROWS_MAX = 64 };

/* Of the protocols that the readers of rules know. */
static bool has_ports(const struct conf_row *row)
{
	return row->lo && (row->proto == IPPROTO_TCP || row->proto == IPPROTO_UDP);
}

/* Three packets of a forwarded connection, at FORWARD. */
enum step { STEP_FIRST, STEP_IN, STEP_BACK, STEPS };

static struct fw_packet packet_of(const struct doctor *d, const struct conf_row *row, const char *inside,
				  enum step step)
{
	const char *outside = row->dev[0] ? row->dev : net_default(&d->net, (enum nat_family)row->family);
	const struct conf_forward *f = &d->conf->forwards[row->forward];
	struct fw_packet p = { .family = row->family, .proto = row->proto, .fresh = step == STEP_FIRST };

	if (step == STEP_BACK) {
		p.in = inside;
		p.out = outside;
		p.src = row->to;
		p.sport = row->to_lo;
		p.any_dst = true;
		return p;
	}
	p.in = outside;
	p.out = inside;
	p.dst = row->to;
	p.dport = row->to_lo;
	p.any_src = !f->n_allow;
	if (f->n_allow)
		p.src = f->allow[0].addr;
	return p;
}

static void check_row(struct doctor *d, const struct fw_rules *r, const struct conf_row *row, const char *inside)
{
	static const char *const what[STEPS] = { "new connections to", "packets of open connections to",
						 "answers from" };
	static const char why_first[] =
		"`firewall: respect` leaves new connections to the host's rules, and these do not let them pass.";
	static const char why_open[] =
		"nfqnat lets the first packet pass by itself; the rest of a connection is for the host's rules.";
	char rule[FW_RULE_OCTETS], ip[CONF_IP_TEXT];

	conf_ip_print(ip, &row->to, (enum nat_family)row->family, false);
	for (enum step s = d->conf->respect_firewall ? STEP_FIRST : STEP_IN; s < STEPS; s++) {
		struct fw_packet p = packet_of(d, row, inside, s);
		enum fw_verdict v = fw_judge(r, "filter", "FORWARD", "forward", &p, rule);

		if (v != FW_DROP && v != FW_REJECT)
			continue;
		doctor_say(d, DOCTOR_PROBLEM, s == STEP_FIRST ? why_first : why_open, "%s %s port %u are %s by %s",
			   what[s], ip, row->to_lo, v == FW_DROP ? "dropped" : "rejected", rule);
		if (s == STEP_FIRST)
			doctor_mend(d, "write `firewall: pass` in %s, or a rule that accepts them before that one",
				    d->conf_path);
		else
			doctor_mend(d, "%s -I FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
				    row->family == NAT_IPV4 ? "iptables" : "ip6tables");
		return;		/* one for each forward: the others have the same cause */
	}
}

void doctor_firewall(struct doctor *d)
{
	const struct conf_row *row;
	uint32_t last = UINT32_MAX;
	uint8_t last_family = 0;
	struct fw_rules r;

	fw_rules_read(&r);
	for (unsigned i = 0, n = 0; n < ROWS_MAX && i < d->conf->n_rows && (row = &d->conf->rows[i]); i++) {
		const struct net_link *link;
		struct route way;

		if ((row->forward == last && row->family == last_family) || row->action != CONF_FORWARD ||
		    !has_ports(row) || route_get(&row->to, (enum nat_family)row->family, &way) < 0 ||
		    !(link = net_link(&d->net, way.oif)))
			continue;
		last = row->forward;
		last_family = row->family;
		check_row(d, &r, row, link->name);
		n++;
	}
	fw_rules_drop(&r);
}

void doctor_rivals(struct doctor *d)
{
	static const char why[] =
		"nfqnat sees packets before kernel NAT does, so its forward wins while nfqnatd runs; the other "
		"program may believe that it forwards the port.";
	const struct conf_row *row;
	char rule[FW_RULE_OCTETS];
	struct fw_rules r;

	fw_rules_read(&r);
	for (unsigned i = 0; i < ROWS_MAX && (row = doctor_row(d, i)); i++) {
		struct fw_packet p = { .family = row->family,
				       .proto = row->proto,
				       .fresh = true,
				       .dport = row->lo,
				       .out = "",
				       .in = row->dev[0] ? row->dev
							 : net_default(&d->net, (enum nat_family)row->family),
				       .dst = row->listen,
				       .any_dst = nat_addr_is_any(&row->listen),
				       .any_src = true,
				       .dst_local = true };

		if (!has_ports(row) || row->rest ||
		    fw_judge(&r, "nat", "PREROUTING", "prerouting", &p, rule) != FW_ELSEWHERE)
			continue;
		doctor_say(d, DOCTOR_WARNING, why, "port %u of %s is forwarded by a rule of somebody else too: %s",
			   row->lo, d->conf->forwards[row->forward].name, rule);
		doctor_mend(d, "nfqnatctl import iptables shows what it does; delete the rule, or the port in %s:%u",
			    d->conf->forwards[row->forward].file, row->line);
	}
	fw_rules_drop(&r);
}
