/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctl_json - see ctl_json.h */
#include "nfq/ctl/json.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "nat/proto.h"
#include "nfq/show.h"

json_t *ctl_json_addr(const struct nat_addr *a, uint8_t family)
{
	char text[INET6_ADDRSTRLEN] = "";

	inet_ntop(family == NAT_IPV4 ? AF_INET : AF_INET6, nat_addr_wire(a, family), text, sizeof(text));
	return json_string(text);
}

json_t *ctl_json_text(const char *text)
{
	char clean[256];
	size_t i;

	for (i = 0; text[i] && i + 1 < sizeof(clean); i++)
		clean[i] = (char)((unsigned char)text[i] < 0x20 || (unsigned char)text[i] > 0x7e ? '?' : text[i]);
	clean[i] = '\0';
	return json_string(clean);
}

json_t *ctl_json_line(const char *text)
{
	json_t *plain = json_string(text);

	return plain ? plain : ctl_json_text(text);
}

json_t *ctl_json_ends(const struct nat_ends *e, uint8_t proto, uint8_t family)
{
	json_t *o = json_pack("{s:o, s:o}", "src", ctl_json_addr(&e->src, family), "dst", ctl_json_addr(&e->dst, family));

	if (proto == NAT_PROTO_ICMP || proto == NAT_PROTO_ICMPV6) {
		/* A request has its identifier as source port and its type as destination port: tuple.h. */
		bool request = ntohs(e->dport) == 8 || ntohs(e->dport) == 128 || ntohs(e->dport) == 13;

		json_object_set_new(o, "id", json_integer(ntohs(request ? e->sport : e->dport)));
		return o;
	}
	json_object_set_new(o, "sport", json_integer(ntohs(e->sport)));
	json_object_set_new(o, "dport", json_integer(ntohs(e->dport)));
	return o;
}

static json_t *counts(const struct nat_flow *f, enum nat_dir dir)
{
	return json_pack("{s:I, s:I}", "packets", (json_int_t)f->packets[dir], "octets", (json_int_t)f->octets[dir]);
}

json_t *ctl_json_flow(const struct nat_flow *f)
{
	struct nat_ends xlat = flow_xlat(f);
	char proto[16];

	show_proto(proto, sizeof(proto), f->proto);
	return json_pack("{s:s, s:i, s:s, s:b, s:b, s:b, s:o, s:o, s:o, s:o}", "proto", proto, "family", f->family, "state",
			 proto_has_states(f->proto) ? proto_state_name(f->proto, f->tcp) : idle_class_name(f->idle), "answered",
			 f->flags & FLOW_ANSWERED ? 1 : 0, "hairpin", f->flags & FLOW_HAIRPIN ? 1 : 0, "local",
			 f->flags & FLOW_LOCAL ? 1 : 0, "orig", ctl_json_ends(&f->orig, f->proto, f->family), "xlat",
			 ctl_json_ends(&xlat, f->proto, f->family), "sent", counts(f, NAT_ORIG), "answers", counts(f, NAT_REPLY));
}

json_t *ctl_json_event(const struct nat_event *ev)
{
	static const char *const types[] = { [NAT_EV_NEW] = "new", [NAT_EV_STATE] = "state", [NAT_EV_END] = "end" };
	json_t *o = ctl_json_flow(&ev->flow);

	json_object_set_new(o, "event", json_string(types[ev->type]));
	json_object_set_new(o, "flow", json_integer(ev->index));
	if (ev->type == NAT_EV_STATE)
		json_object_update_new(o, json_pack("{s:s, s:s}", "from", proto_state_name(ev->flow.proto, ev->from), "to",
						   proto_state_name(ev->flow.proto, ev->to)));
	if (ev->type == NAT_EV_END)
		json_object_set_new(o, "cause", json_string(show_cause(ev->cause)));
	return o;
}
