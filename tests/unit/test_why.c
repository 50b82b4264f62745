/* SPDX-License-Identifier: GPL-2.0-or-later */
/* why: the answer is what nat_packet() does with the packet, and asking changes nothing. */
#include "nfq/why.h"

#include <arpa/inet.h>
#include <errno.h>

#include "tests/unit/unit.h"
#include "tests/unit/world.h"

static const char table[] = "tcp *:8080 > G:80; udp *:53 > G:53; icmp * > G; tcp *:9000 > F:90 allow=D; tcp *:9001 > F:91 respect;"
			    "tcp *:9002 > G:92 reject";

/* A packet, asked for before it comes and while its flow lives. */
static const struct row {
	const char *what;
	char proto, src, dst;
	uint16_t sport, dport;
	uint8_t hook;
	uint32_t indev;
	uint32_t blamed;		/* number of the row in the table that turns it away, from 1; 0: none does */
} rows[] = {
	{ "tcp", 't', 'C', 'H', 40000, 8080, NAT_PRE, OUTSIDE, 0 },
	{ "udp", 'u', 'C', 'H', 40000, 53, NAT_PRE, OUTSIDE, 0 },
	{ "ping", 'i', 'C', 'H', 77, 0, NAT_PRE, OUTSIDE, 0 },
	{ "hairpin", 't', 'F', 'H', 40000, 8080, NAT_PRE, BRIDGE, 0 },
	{ "from this host", 't', 'H', 'H', 40000, 8080, NAT_OUT, 0, 0 },
	{ "from its loopback", 't', 'L', 'H', 40000, 8080, NAT_OUT, 0, 0 },
	{ "no forward", 't', 'C', 'H', 40000, 99, NAT_PRE, OUTSIDE, 0 },
	{ "not allowed", 't', 'C', 'H', 40000, 9000, NAT_PRE, OUTSIDE, 4 },
	{ "allowed", 't', 'D', 'H', 40000, 9000, NAT_PRE, OUTSIDE, 0 },
	{ "respected", 't', 'C', 'H', 40000, 9001, NAT_PRE, OUTSIDE, 0 },
	{ "guest is away", 't', 'C', 'H', 40000, 9002, NAT_PRE, OUTSIDE, 6 },
	{ "link-local", 't', 'l', 'H', 40000, 8080, NAT_PRE, OUTSIDE, 0 },
};

static struct why_question question(const struct row *r, enum nat_family family)
{
	struct why_question q = { .proto = world_proto(r->proto, family), .family = (uint8_t)family, .hook = r->hook, .indev = r->indev,
				  .tcp_flags = TCP_F_SYN };

	q.ends = (struct nat_ends){ letter_addr(r->src, family), letter_addr(r->dst, family), htons(r->sport), htons(r->dport) };
	if (r->proto == 'i')
		q.ends.dport = htons(family == NAT_IPV4 ? 8 : 128);
	return q;
}

/* The same packet, by the builder of the tests, through the engine that runs. */
static struct nat_pkt truth(struct world *w, const struct why_question *q)
{
	static uint8_t octets[PACKET_ROOM];
	const struct packet made = { .family = q->family, .proto = q->proto, .ends = q->ends, .tcp_flags = q->tcp_flags };
	struct nat_pkt p = { .data = octets, .hook = q->hook, .indev = q->indev };

	p.len = packet_build(&made, octets);
	nat_packet(&w->nat, &p, w->now);
	return p;
}

static void same(const struct why_answer *a, const struct nat_pkt *p, uint32_t blamed)
{
	assert_string_equal(nat_reason_name(a->pkt.reason), nat_reason_name(p->reason));
	assert_int_equal(a->pkt.changed, p->changed);
	if (blamed)
		assert_int_equal(a->pkt.forward / 2 + 1, blamed);	/* each row is two: of both families */
	else
		assert_int_equal(a->pkt.forward, p->forward);
	assert_true(nat_ends_eq(&a->pkt.before, &p->before));
	/* A port that is rolled is another each time. */
	if (p->changed && p->after.sport == p->before.sport)
		assert_true(nat_ends_eq(&a->pkt.after, &p->after));
}

static void ask(const struct row *r, enum nat_family family)
{
	struct nat_params params = world_params(1024);
	struct world w = world_new(&params);
	struct why_question q = question(r, family);
	struct why_answer a;
	struct nat_pkt p;
	uint8_t *copy;

	world_map(&w, table);
	copy = unit_exact(w.mem, w.octets);
	assert_int_equal(why_ask(&w.nat, &q, w.now, &a), 0);
	assert_memory_equal(copy, w.mem, w.octets);
	p = truth(&w, &q);
	same(&a, &p, r->blamed);
	assert_false(a.has_flow);
	assert_int_equal(a.at_forward, p.reason == NAT_WHY_OPENED && q.hook == NAT_PRE);
	if (a.at_forward)
		assert_int_equal(a.forward.reason, p.forward / 2 == 4 ? NAT_WHY_RESPECTED : NAT_WHY_STOPPED);

	/* Once more, now that it has a flow. */
	assert_int_equal(why_ask(&w.nat, &q, w.now, &a), 0);
	assert_int_equal(a.has_flow, p.flow != NAT_NONE);
	if (a.has_flow)
		assert_int_equal(a.index, p.flow);
	p = truth(&w, &q);
	same(&a, &p, r->blamed);
	free(copy);
	world_free(&w);
}

static void both_families(void **state)
{
	ask(*state, NAT_IPV4);
	ask(*state, NAT_IPV6);
}

static void other_protocols_are_refused(void **state)
{
	struct nat_params params = world_params(1024);
	struct world w = world_new(&params);
	struct why_question q = question(&rows[0], NAT_IPV4);
	struct why_answer a;

	(void)state;
	q.proto = 89;
	assert_int_equal(why_ask(&w.nat, &q, w.now, &a), -EPROTONOSUPPORT);
	world_free(&w);
}

int main(void)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		unit_add(rows[i].what, both_families, &rows[i]);
	unit_add("other_protocols_are_refused", other_protocols_are_refused, NULL);
	return unit_run("why");
}
