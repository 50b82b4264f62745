/* SPDX-License-Identifier: GPL-2.0-or-later */
/* show - see show.h */
#include "nfq/show.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>

#include "nat/proto.h"
#include "nat/tcp.h"
#include "nat/wire.h"

/* Text that grows in a buffer and stops at its end. */
struct text {
	char *at;
	size_t left;
};

static void text_add(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void text_add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->at, t->left, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n >= t->left)
		n = t->left ? (int)t->left - 1 : 0;
	t->at += n;
	t->left -= (size_t)n;
}

void show_proto(char *buf, size_t octets, uint8_t proto)
{
	static const struct { uint8_t proto; const char *name; } known[] = {
		{ NAT_PROTO_TCP, "tcp" }, { NAT_PROTO_UDP, "udp" }, { NAT_PROTO_ICMP, "icmp" }, { NAT_PROTO_ICMPV6, "icmp6" },
		{ NAT_PROTO_SCTP, "sctp" }, { NAT_PROTO_DCCP, "dccp" }, { NAT_PROTO_UDPLITE, "udplite" },
		{ NAT_PROTO_GRE, "gre" }, { NAT_PROTO_ESP, "esp" },
	};

	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].proto == proto) {
			snprintf(buf, octets, "%s", known[i].name);
			return;
		}
	snprintf(buf, octets, "proto-%u", proto);
}

static void text_addr(struct text *t, const struct nat_addr *a, uint8_t family)
{
	char s[INET6_ADDRSTRLEN];

	inet_ntop(family == NAT_IPV4 ? AF_INET : AF_INET6, nat_addr_wire(a, family), s, sizeof(s));
	text_add(t, "%s", s);
}

static void text_end(struct text *t, const struct nat_addr *a, uint16_t port, uint8_t family)
{
	text_add(t, family == NAT_IPV6 ? "[" : "");
	text_addr(t, a, family);
	text_add(t, family == NAT_IPV6 ? "]:%u" : ":%u", wire_host(port));
}

static bool has_id(uint8_t proto)
{
	return proto == NAT_PROTO_ICMP || proto == NAT_PROTO_ICMPV6;
}

/* Which of the two is an ICMP query's identifier: its type stands in for the other (tuple.h). */
static uint16_t query_id(const struct nat_ends *e)
{
	uint16_t s = wire_host(e->sport), d = wire_host(e->dport);

	return d == 8 || d == 13 || d == 128 ? s : d;
}

void show_ends(char *buf, size_t octets, const struct nat_ends *e, uint8_t proto, uint8_t family)
{
	struct text t = { buf, octets };

	if (nat_proto_has_ports(proto)) {
		text_end(&t, &e->src, e->sport, family);
		text_add(&t, " > ");
		text_end(&t, &e->dst, e->dport, family);
		return;
	}
	text_addr(&t, &e->src, family);
	text_add(&t, " > ");
	text_addr(&t, &e->dst, family);
	if (has_id(proto))
		text_add(&t, " id %u", query_id(e));
}

static void text_ends(struct text *t, const struct nat_ends *e, uint8_t proto, uint8_t family)
{
	char s[SHOW_ENDS_OCTETS];

	show_ends(s, sizeof(s), e, proto, family);
	text_add(t, "%s", s);
}

static void text_flags(struct text *t, uint8_t flags)
{
	static const char letters[] = "FSRPAUEC";

	text_add(t, " [");
	for (unsigned i = 0; i < 8; i++)
		if (flags & 1u << i)
			text_add(t, "%c", letters[i]);
	text_add(t, "]");
}

static void text_forward(struct text *t, uint32_t forward, show_forward_fn name)
{
	if (forward != NAT_NONE)
		text_add(t, " forward %s", name(forward));
}

static char *(*device_name)(unsigned ifindex, char *buf) = if_indextoname;

void show_devices(char *(*name)(unsigned ifindex, char *buf))
{
	device_name = name;
}

static void text_dev(struct text *t, const char *what, uint32_t ifindex)
{
	char name[IF_NAMESIZE];

	if (ifindex && device_name(ifindex, name))
		text_add(t, " %s=%s", what, name);
	else if (ifindex)
		text_add(t, " %s=#%" PRIu32, what, ifindex);
}

void show_packet(char *buf, size_t octets, const struct nat_pkt *p, show_forward_fn name)
{
	const struct nat_tuple *t = &p->view.tuple;
	struct text out = { buf, octets };
	char proto[16];

	show_proto(proto, sizeof(proto), t->proto);
	text_add(&out, "pkt %s", nat_hook_name(p->hook));
	text_dev(&out, "in", p->indev);
	text_dev(&out, "out", p->outdev);
	if (t->family) {
		text_add(&out, " %s ", proto);
		if (p->view.is_error) {
			show_proto(proto, sizeof(proto), p->ends_proto);
			text_add(&out, "error about %s ", proto);
		}
		text_ends(&out, &p->before, p->ends_proto, t->family);
		if (p->changed || p->mark) {
			text_add(&out, " => ");
			text_ends(&out, &p->after, p->ends_proto, t->family);
		}
	}
	if (t->proto == NAT_PROTO_TCP)
		text_flags(&out, p->tcp_flags);
	text_add(&out, " %" PRIu32 " octets", p->truncated && p->whole ? p->whole : p->len);
	if (p->flow != NAT_NONE)
		text_add(&out, " flow %" PRIu32, p->flow);
	text_forward(&out, p->forward, name);
	text_add(&out, ": %s", nat_reason_words(p->reason));
	if (p->mark)
		text_add(&out, " by mark 0x%08" PRIx32, p->mark);
}

static void text_counts(struct text *t, const struct nat_flow *f)
{
	text_add(t, " sent %" PRIu32 " packets %" PRIu64 " octets, answered %" PRIu32 " packets %" PRIu64 " octets",
		 f->packets[NAT_ORIG], f->octets[NAT_ORIG], f->packets[NAT_REPLY], f->octets[NAT_REPLY]);
}

/* "tcp c > h => s > g": what the initiator sends and what the guest receives */
static void text_flow(struct text *t, const struct nat_flow *f)
{
	struct nat_ends xlat = flow_xlat(f);
	char proto[16];

	show_proto(proto, sizeof(proto), f->proto);
	text_add(t, "%s ", proto);
	text_ends(t, &f->orig, f->proto, f->family);
	text_add(t, " => ");
	text_ends(t, &xlat, f->proto, f->family);
}

const char *show_cause(enum nat_cause cause)
{
	static const char *const causes[] = {
		[NAT_END_IDLE] = "idle",
		[NAT_END_ROOM] = "evicted, table full",
		[NAT_END_REOPENED] = "reopened by a new SYN",
		[NAT_END_FLUSHED] = "by hand",
		[NAT_END_FORWARD] = "its forward was removed",
	};

	return causes[cause];
}

void show_event(char *buf, size_t octets, const struct nat_event *ev, show_forward_fn name)
{
	struct text t = { buf, octets };

	text_add(&t, "flow %" PRIu32 " ", ev->index);
	switch ((enum nat_event_type)ev->type) {
	case NAT_EV_NEW:
		text_add(&t, "new ");
		text_flow(&t, &ev->flow);
		text_forward(&t, ev->forward, name);
		if (ev->flow.flags & FLOW_HAIRPIN)
			text_add(&t, " hairpin");
		if (ev->flow.flags & FLOW_LOCAL)
			text_add(&t, " from this host");
		break;
	case NAT_EV_STATE:
		text_add(&t, "state %s -> %s", proto_state_name(ev->flow.proto, ev->from),
			 proto_state_name(ev->flow.proto, ev->to));
		break;
	case NAT_EV_END:
		text_add(&t, "end (%s) ", show_cause(ev->cause));
		text_flow(&t, &ev->flow);
		text_forward(&t, ev->forward, name);
		text_counts(&t, &ev->flow);
		break;
	}
}

void show_flow(char *buf, size_t octets, const struct nat *n, uint32_t index, nat_ns now, show_forward_fn name)
{
	const struct nat_flow f = n->flows.flow[index];		/* a copy: the worker goes on writing */
	struct text t = { buf, octets };
	int32_t silent = (int32_t)flow_silent(&f, nat_tick_of(now));	/* below 0 if it was used after @now was read */
	int64_t left;

	text_add(&t, "flow %" PRIu32 " ", index);
	if (f.idle >= IDLE_CLASSES || flow_class(&f) >= IDLE_CLASSES || f.tcp >= TCP_STATES)
		return;
	left = ((int64_t)policy_limit(n, &f) - silent) * (1 << 24) / 1000000000;
	text_flow(&t, &f);
	text_add(&t, " %s", proto_has_states(f.proto) ? proto_state_name(f.proto, f.tcp) : idle_class_name(flow_class(&f)));
	if (f.idle == IDLE_FROZEN)
		text_add(&t, " frozen");
	if (!(f.flags & FLOW_ANSWERED))
		text_add(&t, " unanswered");
	text_add(&t, " %" PRId64 " s left", left < 0 ? 0 : left);
	text_forward(&t, nat_forward(n, &f), name);
	text_counts(&t, &f);
}
