/* SPDX-License-Identifier: GPL-2.0-or-later */
/* why - `nfqnatctl why`: what would happen to a packet, and what decides it */
#include <getopt.h>
#include <string.h>

#include "ctl/filter.h"
#include "ctl/flow_text.h"
#include "ctl/json.h"
#include "ctl/link.h"
#include "ctl/out.h"
#include "ctl/doctor/fw.h"
#include "nfq/ctl/request.h"

static void step(struct ctl *c, const char *title, const json_t *p)
{
	bool drop = !strcmp(json_text(p, "verdict"), "drop");
	char ends[FLOW_TEXT_OCTETS];

	flow_ends(ends, json_object_get(p, "before"));
	fprintf(c->out, "%-8s %s", title, ends);
	if (json_object_get(p, "after")) {
		flow_ends(ends, json_object_get(p, "after"));
		fprintf(c->out, " =>\n         %s", ends);
	}
	fprintf(c->out, "\n         at %s%s%s%s%s: %s%s%s%s\n", json_text(p, "hook"), *json_text(p, "in") ? " from " : "", json_text(p, "in"),
		*json_text(p, "out") ? " to " : "", json_text(p, "out"), out_on(c, drop ? OUT_RED : OUT_GREEN), drop ? "dropped, " : "",
		json_text(p, "words"), out_off(c));
}

static void flow(struct ctl *c, const json_t *w)
{
	const json_t *f = json_object_get(w, "flow");
	char span[16];

	if (f)
		fprintf(c->out, "flow     %" JSON_INTEGER_FORMAT ", %s, %s left if nothing comes\n",
			json_integer_value(json_object_get(f, "flow")), flow_state(f),
			out_span(span, (long)json_integer_value(json_object_get(f, "left_s"))));
	else
		fprintf(c->out, "flow     none yet%s\n", json_object_get(w, "new_flow") ? "; this packet opens one" : "");
	if (!*json_text(w, "forward"))
		fprintf(c->out, "forward  none\n");
	else if (*json_text(w, "file"))
		fprintf(c->out, "forward  %s, %s:%" JSON_INTEGER_FORMAT "\n", json_text(w, "forward"), json_text(w, "file"),
			json_integer_value(json_object_get(w, "line")));
	else
		fprintf(c->out, "forward  %s\n", json_text(w, "forward"));
}

/* The packet as it goes on after translation, for the readers of rules. False: of no protocol that they know. */
static bool fw_packet_of(const json_t *w, bool fresh, struct fw_packet *p)
{
	const json_t *step = json_object_get(w, "at_forward"), *ends = json_object_get(step, "before");
	uint8_t family;

	*p = (struct fw_packet){ .in = json_text(step, "in"), .out = json_text(w, "way_out"), .fresh = fresh };
	p->proto = ctl_proto_of(json_text(json_object_get(w, "new_flow"), "proto"));
	p->sport = (uint16_t)json_integer_value(json_object_get(ends, "sport"));
	p->dport = (uint16_t)json_integer_value(json_object_get(ends, "dport"));
	return (p->proto == NAT_PROTO_TCP || p->proto == NAT_PROTO_UDP) && ctl_addr_of(json_text(ends, "src"), &p->src, &p->family) &&
	       ctl_addr_of(json_text(ends, "dst"), &p->dst, &family);
}

/*
 * Which rule of this host's FORWARD would stop it? The first packet is theirs to
 * judge only with `firewall: respect`; what follows always is. Adds what was found to @w.
 */
static void ask_firewall(json_t *w)
{
	bool respected = json_is_true(json_object_get(w, "firewall_respected"));
	char rule[FW_RULE_OCTETS] = "";
	enum fw_verdict v = FW_PASS;
	struct fw_packet p;
	struct fw_rules r;
	bool fresh = respected;

	if (!json_object_get(w, "at_forward") || !fw_packet_of(w, fresh, &p))
		return;
	fw_rules_read(&r);
	v = fw_judge(&r, "filter", "FORWARD", "forward", &p, rule);
	if (v != FW_DROP && v != FW_REJECT && fresh) {
		p.fresh = fresh = false;
		v = fw_judge(&r, "filter", "FORWARD", "forward", &p, rule);
	}
	fw_rules_drop(&r);
	if (v == FW_DROP || v == FW_REJECT)
		json_object_set_new(w, "firewall", json_pack("{s:s, s:s, s:s}", "packets", fresh ? "new" : "established", "verdict",
							     v == FW_DROP ? "drop" : "reject", "rule", rule));
	else
		json_object_set_new(w, "firewall", json_object());
}

static void firewall(struct ctl *c, const json_t *f)
{
	if (!f)
		return;
	if (!*json_text(f, "rule"))
		fprintf(c->out, "firewall no rule of this host is known to stop it\n");
	else
		fprintf(c->out, "firewall %s%s %s by%s %s\n", out_on(c, OUT_RED),
			!strcmp(json_text(f, "packets"), "new") ? "new connections are" : "packets of the open connection are",
			!strcmp(json_text(f, "verdict"), "drop") ? "dropped" : "rejected", out_off(c), json_text(f, "rule"));
}

static void show(struct ctl *c, const json_t *w)
{
	step(c, "packet", json_object_get(w, "packet"));
	flow(c, w);
	if (json_object_get(w, "at_forward"))
		step(c, "then", json_object_get(w, "at_forward"));
	firewall(c, json_object_get(w, "firewall"));
	if (!json_is_true(json_object_get(w, "to_this_host")) && !json_object_get(w, "flow") && !*json_text(w, "forward"))
		fprintf(c->out, "note     the destination is not an address of this host: no rule of nfqnat looks at it\n");
}

int cmd_why(struct ctl *c, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "in", required_argument, NULL, 'i' }, { "hook", required_argument, NULL, 'k' }, { 0 },
	};
	json_t *req = json_pack("{s:s}", "cmd", "why"), *end;
	int opt, used, ret;

	while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if ((opt == 'i' || opt == 'k') &&
		    !json_object_set_new(req, opt == 'i' ? "in" : "hook", json_string(optarg)))
			continue;
		json_decref(req);
		return cmd_usage(argv[0]);
	}
	used = filter_tuple(req, argv + optind, argc - optind);
	if (!used || optind + used != argc || !json_object_get(req, "proto")) {
		json_decref(req);
		return cmd_usage(argv[0]);
	}
	ret = link_ask(c, req, NULL, NULL, &end);
	if (ret)
		return ret;
	ask_firewall(json_object_get(end, "why"));
	if (c->json)
		link_print(c, json_object_get(end, "why"));
	else
		show(c, json_object_get(end, "why"));
	json_decref(end);
	return CMD_OK;
}
