/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fields - see fields.h */
#include "nfq/fields.h"

#include <arpa/inet.h>
#include <inttypes.h>

#include "nfq/log.h"
#include "nfq/show.h"
#include "nfq/tally.h"

static void address(const char *name, const struct nat_addr *a, uint8_t family)
{
	char text[INET6_ADDRSTRLEN] = "";

	inet_ntop(family == NAT_IPV4 ? AF_INET : AF_INET6, nat_addr_wire(a, (enum nat_family)family), text, sizeof(text));
	log_field(name, "%s", text);
}

static void ends(const struct nat_ends *e, uint8_t proto, uint8_t family)
{
	char text[16];

	show_proto(text, sizeof(text), proto);
	log_field("PROTO", "%s", text);
	address("SRC", &e->src, family);
	log_field("SRC_PORT", "%u", ntohs(e->sport));
	address("DST", &e->dst, family);
	log_field("DST_PORT", "%u", ntohs(e->dport));
}

void fields_event(const struct nat_event *ev, const char *forward, const char *guest)
{
	const struct nat_flow *f = &ev->flow;
	bool out = (f->flags & FLOW_MASQ) && (f->flags & FLOW_OUT);
	enum nat_dir in = out ? NAT_REPLY : NAT_ORIG;
	struct nat_addr at = tally_guest(f);

	if (!log_is_journal())
		return;
	log_field("FLOW", "%" PRIu32, ev->index);
	ends(&f->orig, f->proto, f->family);
	address("GUEST", &at, f->family);
	log_field("GUEST_PORT", "%u", ntohs(out ? f->orig.sport : f->reply.sport));
	log_field("GUEST_NAME", "%s", guest);
	log_field("FORWARD", "%s", forward);
	if (ev->type != NAT_EV_END)
		return;
	log_field("REASON", "%s", show_cause((enum nat_cause)ev->cause));
	log_field("PACKETS_IN", "%" PRIu32, f->packets[in]);
	log_field("OCTETS_IN", "%" PRIu64, f->octets[in]);
	log_field("PACKETS_OUT", "%" PRIu32, f->packets[!in]);
	log_field("OCTETS_OUT", "%" PRIu64, f->octets[!in]);
}

/* The guest is the end that this side of the NAT has for another: a destination that was put in, or a source that was taken out. */
static void guest_of(const struct nat_pkt *p)
{
	bool moved = p->changed || p->mark;
	bool to = moved && !nat_addr_eq(&p->before.dst, &p->after.dst);
	bool from = moved && !to && !nat_addr_eq(&p->before.src, &p->after.src);

	if (!to && !from)
		return;
	address("GUEST", to ? &p->after.dst : &p->before.src, p->view.tuple.family);
	log_field("GUEST_PORT", "%u", ntohs(to ? p->after.dport : p->before.sport));
}

void fields_packet(const struct nat_pkt *p, const char *forward)
{
	if (!log_is_journal())
		return;
	if (p->flow != NAT_NONE)
		log_field("FLOW", "%" PRIu32, p->flow);
	log_field("FORWARD", "%s", forward);
	log_field("REASON", "%s", nat_reason_words(p->reason));
	if (!p->view.tuple.family)
		return;
	ends(&p->before, p->ends_proto, p->view.tuple.family);
	guest_of(p);
}

void fields_guest(const struct virt_entry *e)
{
	const struct virt_way *v4 = &e->way[VIRT_IPV4], *v6 = &e->way[VIRT_IPV6], *best = v6->why > v4->why ? v6 : v4;

	if (!log_is_journal())
		return;
	log_field("FORWARD", "%s", e->name);
	log_field("GUEST_NAME", "%s", e->guest ? e->guest : "");
	log_field("REASON", "%s", virt_why_text(best->why));
	if (!nat_addr_is_any(&best->to))
		address("GUEST", &best->to, best == v4 ? NAT_IPV4 : NAT_IPV6);
}
