/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ctl_why - `why`: {"cmd":"why","proto","src","sport","dst","dport"} and, if the
 * guess is not right, "hook" and "in".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nfq/ctl/json.h"
#include "nfq/ctl/request.h"
#include "nfq/ctl/world.h"
#include "nfq/peek.h"
#include "nfq/route.h"
#include "nfq/why.h"

/* Is it one of this host's? The kernel binds a socket to no other (unless ip_nonlocal_bind is on). */
static bool is_own(const struct nat_addr *a, enum nat_family family)
{
	struct sockaddr_in in4 = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	bool v4 = family == NAT_IPV4;
	int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool own;

	if (fd < 0)
		return false;
	memcpy(&in4.sin_addr, nat_addr_wire(a, NAT_IPV4), 4);
	memcpy(&in6.sin6_addr, a->octet, 16);
	own = !bind(fd, v4 ? (const struct sockaddr *)&in4 : (const struct sockaddr *)&in6, v4 ? sizeof(in4) : sizeof(in6));
	close(fd);
	return own;
}

static uint32_t way_to(const struct nat_addr *a, enum nat_family family)
{
	struct route r;

	return route_get(a, family, &r) < 0 ? 0 : r.oif;
}

/* Where would a packet of this tuple be seen first, by nfqnat's rules? */
static void guess(struct why_question *q, const struct nat *n)
{
	enum nat_family family = (enum nat_family)q->family;
	struct nat_flow f;

	q->tcp_flags = TCP_F_SYN;
	q->hook = is_own(&q->ends.src, family) ? NAT_OUT : NAT_PRE;
	if (peek_find(n, &q->ends, q->proto, q->family, &f) != NAT_NONE) {
		q->tcp_flags = TCP_F_ACK;
		if (!(f.flags & FLOW_MASQ) && nat_ends_eq(&f.reply, &q->ends))
			q->hook = f.flags & FLOW_LOCAL ? NAT_IN : NAT_POST;
	}
	if (q->hook != NAT_OUT)
		q->indev = way_to(&q->ends.src, family);
	if (q->hook == NAT_POST)
		q->outdev = way_to(&q->ends.dst, family);
}

static bool read_hook(const char *word, uint8_t *hook)
{
	for (unsigned h = 0; h < NAT_HOOKS; h++)
		if (!strcmp(nat_hook_name((enum nat_hook)h), word)) {
			*hook = (uint8_t)h;
			return true;
		}
	return false;
}

/* What is wrong with the question, or NULL. */
static const char *read_question(json_t *req, struct why_question *q, char *why, size_t why_octets)
{
	const struct nat *n = &ctl_world()->live->state.nat;
	const char *hook, *in;
	struct ctl_filter f;

	if (!ctl_filter_parse(req, &f, why, why_octets) || !ctl_request_text(req, "hook", &hook, why, why_octets) ||
	    !ctl_request_text(req, "in", &in, why, why_octets))
		return why;
	if (!f.has_ends || !f.proto)
		return "a question has proto, src, sport, dst and dport";
	*q = (struct why_question){ .ends = f.ends, .proto = f.proto, .family = f.family };
	if (q->proto == NAT_PROTO_ICMP && q->family == NAT_IPV6)
		q->proto = NAT_PROTO_ICMPV6;
	if (q->proto == NAT_PROTO_ICMP || q->proto == NAT_PROTO_ICMPV6)
		q->ends.dport = htons(q->family == NAT_IPV4 ? 8 : 128);	/* an echo request: tuple.h */
	guess(q, n);
	if (hook && !read_hook(hook, &q->hook))
		return "'hook' must be pre, in, fwd, out or post";
	if (in && !(q->indev = if_nametoindex(in)))
		return "there is no such device";
	return NULL;
}

static json_t *step_json(const struct nat_pkt *p)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:s}", "hook", nat_hook_name(p->hook), "verdict",
			      nat_reason_verdict(p->reason) == NAT_DROP ? "drop" : "accept", "reason", nat_reason_name(p->reason),
			      "words", nat_reason_words(p->reason));
	char dev[IF_NAMESIZE];

	if (p->indev && if_indextoname(p->indev, dev))
		json_object_set_new(o, "in", json_string(dev));
	if (p->outdev && if_indextoname(p->outdev, dev))
		json_object_set_new(o, "out", json_string(dev));
	if (p->view.tuple.family) {
		json_object_set_new(o, "before", ctl_json_ends(&p->before, p->ends_proto, p->view.tuple.family));
		if (p->changed)
			json_object_set_new(o, "after", ctl_json_ends(&p->after, p->ends_proto, p->view.tuple.family));
	}
	return o;
}

/* The row that decided: where it is written. */
static void add_row(json_t *o, const struct nat_pkt *p)
{
	const struct state *s = &ctl_world()->live->state;
	const struct conf *c = ctl_world()->live->conf;
	uint16_t port = ntohs(p->before.dport);

	if (p->forward == NAT_NONE)
		return;
	json_object_set_new(o, "forward", ctl_json_text(state_name(s, p->forward)));
	for (unsigned i = 0; i < c->n_rows; i++) {
		const struct conf_row *r = &c->rows[i];

		if (r->forward != p->forward || r->family != p->view.tuple.family || port < r->lo || (r->hi && port > r->hi) ||
		    !*c->forwards[r->forward].file)
			continue;
		json_object_set_new(o, "file", ctl_json_text(c->forwards[r->forward].file));
		json_object_set_new(o, "line", json_integer(r->line));
		return;
	}
}

static json_t *answer_json(const struct why_question *q, const struct why_answer *a)
{
	const struct nat *n = &ctl_world()->live->state.nat;
	enum nat_family family = (enum nat_family)q->family;
	json_t *o = json_object();
	char dev[IF_NAMESIZE];
	uint32_t out;

	json_object_set_new(o, "packet", step_json(&a->pkt));
	add_row(o, &a->pkt);
	if (a->has_flow || a->pkt.flow != NAT_NONE) {
		json_t *f = ctl_json_flow(&a->flow);

		if (a->has_flow)
			json_object_set_new(f, "flow", json_integer(a->index));
		if (a->has_flow)
			json_object_set_new(f, "left_s", json_integer(peek_left_s(n, &a->flow, state_clock())));
		json_object_set_new(o, a->has_flow ? "flow" : "new_flow", f);
	}
	/* What rules queue is for addresses of this host; the engine does not ask, the rules do. */
	json_object_set_new(o, "to_this_host", json_boolean(is_own(&q->ends.dst, family)));
	if (a->at_forward) {
		json_object_set_new(o, "at_forward", step_json(&a->forward));
		out = way_to(&a->flow.reply.src, family);
		if (out && if_indextoname(out, dev))
			json_object_set_new(o, "way_out", json_string(dev));
	}
	json_object_set_new(o, "firewall_respected", json_boolean(ctl_world()->live->conf->respect_firewall));
	return o;
}

void ctl_run_why(struct ctl_client *c, json_t *req)
{
	static const char *const known[] = { "proto", "src", "sport", "dst", "dport", "hook", "in", NULL };
	char text[CTL_WHY_OCTETS];
	struct why_question q;
	struct why_answer a;
	const char *wrong = ctl_request_known(req, known, text, sizeof(text)) ? read_question(req, &q, text, sizeof(text)) : text;
	int err = wrong ? 0 : why_ask(&ctl_world()->live->state.nat, &q, state_clock(), &a);

	if (wrong)
		ctl_error(c, "%s", wrong);
	else if (err == -EPROTONOSUPPORT)
		ctl_error(c, "of this protocol no packet can be made here; ask for tcp, udp or icmp");
	else if (err)
		ctl_error(c, "nfqnatd has no memory for this");
	else
		ctl_end(c, json_pack("{s:o}", "why", answer_json(&q, &a)));
}
