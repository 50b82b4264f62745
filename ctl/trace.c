/* SPDX-License-Identifier: GPL-2.0-or-later */
/* trace - `nfqnatctl trace`: a line for each packet that matches */
#include <getopt.h>
#include <net/if.h>
#include <string.h>

#include "ctl/link.h"
#include "ctl/out.h"
#include "ctl/stream.h"
#include "nfq/ctl/json.h"
#include "nfq/show.h"

static json_t *device(uint32_t ifindex)
{
	char name[IF_NAMESIZE];

	return if_indextoname(ifindex, name) ? json_string(name) : json_integer(ifindex);
}

static json_t *packet_json(const struct stream *s, const struct tap_record *r)
{
	const struct nat_pkt *p = &r->pkt;
	json_t *o = json_pack("{s:f, s:s, s:i, s:s, s:s, s:s, s:b}", "time", (double)((int64_t)r->when + s->wall_ns) / 1e9, "hook",
			      nat_hook_name(p->hook), "octets", (int)p->len, "reason", nat_reason_name(p->reason), "words",
			      nat_reason_words(p->reason), "verdict",
			      nat_reason_verdict(p->reason) == NAT_DROP ? "drop" : "accept", "changed", p->changed);
	char proto[16];

	json_object_set_new(o, "latency_us", json_real(r->latency_ns / 1000.0));
	if (r->waited_ns)
		json_object_set_new(o, "waited_us", json_real((double)r->waited_ns / 1000.0));
	if (p->indev)
		json_object_set_new(o, "in", device(p->indev));
	if (p->outdev)
		json_object_set_new(o, "out", device(p->outdev));
	if (p->view.tuple.family) {
		show_proto(proto, sizeof(proto), p->view.tuple.proto);
		json_object_set_new(o, "proto", json_string(proto));
		json_object_set_new(o, "before", ctl_json_ends(&p->before, p->ends_proto, p->view.tuple.family));
		if (p->changed)
			json_object_set_new(o, "after", ctl_json_ends(&p->after, p->ends_proto, p->view.tuple.family));
	}
	if (p->flow != NAT_NONE)
		json_object_set_new(o, "flow", json_integer(p->flow));
	if (*r->forward)
		json_object_set_new(o, "forward", json_string(r->forward));
	return o;
}

static bool take(struct stream *s, const struct tap_record *r)
{
	const struct ctl *c = s->ctl;
	char line[SHOW_LINE_OCTETS], when[24];
	bool dropped;

	if (r->kind != TAP_PACKET || r->pkt.hook >= NAT_HOOKS || r->pkt.reason >= NAT_REASONS)
		return true;
	s->shown++;
	if (c->json) {
		json_t *o = packet_json(s, r);

		link_print(c, o);
		json_decref(o);
		return true;
	}
	dropped = nat_reason_verdict(r->pkt.reason) == NAT_DROP;
	show_packet(line, sizeof(line), &r->pkt, stream_forward);
	fprintf(c->out, "%s%s %s, ", dropped ? out_on(c, OUT_RED) : "", stream_time(s, r, when), line);
	if (r->waited_ns)
		fprintf(c->out, "waited %.0f us, ", (double)r->waited_ns / 1000.0);
	fprintf(c->out, "took %.1f us%s\n", r->latency_ns / 1000.0, dropped ? out_off(c) : "");
	return true;
}

int cmd_trace(struct ctl *c, int argc, char **argv)
{
	static const struct option longs[] = { { "count", required_argument, NULL, 'c' }, { 0 } };
	json_t *req = json_pack("{s:s, s:s}", "cmd", "watch", "what", "packets");
	struct stream s = { .ctl = c };
	int opt;

	while ((opt = getopt_long(argc, argv, "+c:", longs, NULL)) != -1) {
		if (opt == 'c' && stream_count(optarg, &s.most))
			continue;
		json_decref(req);
		return cmd_usage(argv[0]);
	}
	if (!stream_filter(req, argv + optind, argc - optind)) {
		json_decref(req);
		return CMD_USAGE;
	}
	return stream_run(&s, req, take);
}
