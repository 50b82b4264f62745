/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine against a second NAT, slow and obvious: a list of flows searched from
 * the first to the last, a TCP that remembers what each side has said instead of a
 * state table, no hash, no queues, no epochs. Random packets of a few clients and
 * guests, with time passing and tables swapped; after each packet both must have
 * given the same reason and the same packet.
 *
 * Kept small on purpose: forwards from outside, no hairpin and no host-local flows
 * (scenarios of test_nat.c have them), and room for all flows. Where the engine may
 * choose a port (R23), the model only judges whether it had to.
 */
#include "nat/nat.h"
#include "tests/unit/unit.h"
#include "tests/unit/world.h"

enum { STEPS = 200000, FLOWS = 4096, ORIG = 0, REPLY = 1 };

/* The second of a table: a port range of H or of any address, to a guest, for whom. */
struct rule {
	uint8_t proto;
	char listen;			/* '*': any */
	unsigned lo, hi;
	char to;
	unsigned to_lo;
	const char *allow;		/* letters; NULL: everyone */
};

#define TABLES 3
static const struct rule table[TABLES][8] = {
	{ { NAT_PROTO_TCP, '*', 8080, 8089, 'G', 80, NULL }, { NAT_PROTO_TCP, 'H', 8080, 8080, 'F', 90, NULL },
	  { NAT_PROTO_UDP, '*', 53, 53, 'G', 53, "C" }, { NAT_PROTO_ICMP, '*', 0, 0, 'G', 0, NULL } },
	{ { NAT_PROTO_TCP, '*', 8080, 8084, 'G', 80, "CD" }, { NAT_PROTO_UDP, '*', 53, 60, 'F', 53, NULL } },
	{ { NAT_PROTO_TCP, '*', 8080, 8089, 'F', 80, NULL }, { NAT_PROTO_UDP, 'K', 53, 53, 'G', 53, NULL },
	  { NAT_PROTO_ICMP, 'H', 0, 0, 'G', 0, "D" }, { NAT_PROTO_TCP, 'K', 8085, 8090, 'G', 80, "C" } },
};
static const char *const text[TABLES] = {
	"tcp *:8080-8089 > G:80; tcp H:8080 > F:90; udp *:53 > G:53 allow=C; icmp * > G",
	"tcp *:8080-8084 > G:80 allow=CD; udp *:53-60 > F:53",
	"tcp *:8080-8089 > F:80; udp K:53 > G:53; icmp H > G allow=D; tcp K:8085-8090 > G:80 allow=C",
};

/* What each side of a TCP flow has said so far. */
struct talk {
	bool syn[2], synack, open, fin[2], rst, mid_stream, doubt;
	bool unheard;			/* it was the guest that was picked up, and the initiator has not been heard since */
	bool has_ack[2];
	uint32_t ack[2];
};

struct flow {
	bool used, answered, swept;	/* swept: the table was swapped, and nobody has looked at this flow since */
	uint8_t proto;
	struct nat_ends orig, reply;
	struct talk t;
	double last, limit;		/* seconds */
};

struct model {
	struct flow flow[FLOWS];
	unsigned n, table;
	double now;
};

static struct model model;

static bool same_proto(uint8_t rule, uint8_t proto)
{
	return rule == proto || (rule == NAT_PROTO_ICMP && proto == NAT_PROTO_ICMPV6);
}

static bool lets_in(const struct rule *r, const struct nat_addr *src, enum nat_family family)
{
	for (const char *a = r->allow; a && *a; a++) {
		struct nat_addr one = letter_addr(*a, family);

		if (nat_addr_eq(&one, src))
			return true;
	}
	return !r->allow;
}

static bool covers(const struct rule *r, const struct nat_ends *e, uint8_t proto, enum nat_family family)
{
	unsigned port = wire_host(e->dport);
	struct nat_addr listen;

	if (!r->proto || !same_proto(r->proto, proto))
		return false;
	if (r->listen != '*') {
		listen = letter_addr(r->listen, family);
		if (!nat_addr_eq(&listen, &e->dst))
			return false;
	}
	return r->proto == NAT_PROTO_ICMP || (port >= r->lo && port <= r->hi);
}

/* Where a rule leads: s -> g for c -> h. */
static struct nat_ends led(const struct rule *r, const struct nat_ends *e, enum nat_family family)
{
	struct nat_ends to = *e;

	to.dst = letter_addr(r->to, family);
	if (r->proto != NAT_PROTO_ICMP)
		to.dport = wire_port((uint16_t)(r->to_lo + wire_host(e->dport) - r->lo));
	return to;
}

/* R27: the rule for one address of the host wins. */
static const struct rule *rule_for(const struct nat_ends *e, uint8_t proto, enum nat_family family)
{
	const struct rule *best = NULL;

	for (unsigned i = 0; i < 8; i++) {
		const struct rule *r = &table[model.table][i];

		if (covers(r, e, proto, family) && (!best || (r->listen != '*' && best->listen == '*')))
			best = r;
	}
	return best;
}

/* R87: does a rule still lead the flow where it goes, and let its source in? */
static bool still_led(const struct flow *f, enum nat_family family)
{
	for (unsigned i = 0; i < 8; i++) {
		const struct rule *r = &table[model.table][i];
		struct nat_ends to, has = nat_ends_inverse(&f->reply);

		if (!covers(r, &f->orig, f->proto, family) || !lets_in(r, &f->orig.src, family))
			continue;
		to = led(r, &f->orig, family);
		if (nat_addr_eq(&to.dst, &has.dst) && to.dport == has.dport)
			return true;
	}
	return false;
}

static struct flow *flow_of(const struct nat_ends *e, uint8_t proto, unsigned *dir)
{
	for (unsigned i = 0; i < model.n; i++) {
		struct flow *f = &model.flow[i];

		if (!f->used || f->proto != proto)
			continue;
		if (model.now - f->last >= f->limit) {		/* R36 */
			f->used = false;
			continue;
		}
		if (!nat_ends_eq(e, &f->orig) && !nat_ends_eq(e, &f->reply))
			continue;
		*dir = nat_ends_eq(e, &f->orig) ? ORIG : REPLY;
		return f;
	}
	return NULL;
}

/* ---- TCP, as what was said ---- */

enum word { W_SYN, W_SYNACK, W_ACK, W_FIN, W_RST, W_NONSENSE };

static enum word word_of(uint8_t flags)
{
	bool s = flags & TCP_F_SYN, a = flags & TCP_F_ACK, f = flags & TCP_F_FIN, r = flags & TCP_F_RST, u = flags & TCP_F_URG;

	if (s + f + r > 1 || (!s && !a && !r) || (u && (r || (s && a))))
		return W_NONSENSE;
	if (r)
		return W_RST;
	if (s)
		return a ? W_SYNACK : W_SYN;
	return f ? W_FIN : W_ACK;
}

static bool closed(const struct talk *t)
{
	return t->rst || (t->fin[ORIG] && t->fin[REPLY]);
}

static double tcp_limit(const struct talk *t)
{
	if (closed(t) || t->fin[ORIG] || t->fin[REPLY])
		return 240;
	if (t->open)
		return t->doubt ? 300 : 7440;
	return t->mid_stream ? 300 : 240;
}

static void hear_open(struct talk *t, unsigned dir, enum word w)
{
	t->doubt = false;
	if (w == W_FIN)
		t->fin[dir] = true;
}

static void hear_mid_stream(struct talk *t, unsigned dir, enum word w)
{
	if (dir == ORIG) {
		if (w == W_FIN)
			t->mid_stream = false, t->open = t->fin[ORIG] = true;
		return;
	}
	if (w == W_SYNACK)
		t->mid_stream = false, t->syn[ORIG] = t->synack = true;
	else if (w != W_SYN)
		t->mid_stream = false, t->open = true, t->fin[REPLY] = w == W_FIN;
}

static void hear_handshake(struct talk *t, unsigned dir, enum word w)
{
	if (!t->synack) {
		if (w == W_SYNACK && (dir == REPLY || t->syn[REPLY]))
			t->synack = true;
		else if (w == W_SYN)
			t->syn[dir] = true;
		return;
	}
	if (dir == ORIG && (w == W_ACK || w == W_FIN))
		t->open = true, t->fin[ORIG] = w == W_FIN;
	else if (dir == REPLY && w == W_FIN)
		t->open = t->fin[REPLY] = true;
}

/* false: refused */
static bool hear(struct talk *t, unsigned dir, enum word w, uint32_t seq)
{
	bool exact = t->has_ack[!dir] && t->ack[!dir] == seq;

	if (closed(t)) {
		if (w == W_SYN && dir == REPLY)
			return false;
		if (w == W_SYN)
			*t = (struct talk){ .syn[ORIG] = true };
		else if (w == W_RST)
			t->rst = true;
	} else if (w == W_RST) {
		if (t->open && !t->fin[ORIG] && !t->fin[REPLY] && !exact)
			t->doubt = true;			/* R44 */
		else
			t->rst = true;
	} else if (t->mid_stream) {
		hear_mid_stream(t, dir, w);
	} else if (!t->open) {
		hear_handshake(t, dir, w);
	} else {
		hear_open(t, dir, w);
	}
	return true;
}

static void remember_ack(struct talk *t, unsigned dir, uint8_t flags, uint32_t ack)
{
	if (!(flags & TCP_F_ACK) || (flags & TCP_F_RST))
		return;
	if (!t->has_ack[dir] || (int32_t)(ack - t->ack[dir]) > 0)
		t->ack[dir] = ack;
	t->has_ack[dir] = true;
}

/* What class of limit the flow is in: a change of it begins the limit anew. */
static unsigned stage(const struct talk *t)
{
	if (closed(t))
		return 5;
	if (t->fin[ORIG] || t->fin[REPLY])
		return 4;
	return t->open ? (t->doubt ? 3 : 2) : t->mid_stream ? 1 : 0;
}

static enum nat_reason track_tcp(struct flow *f, unsigned dir, const struct packet *p)
{
	enum word w = word_of(p->tcp_flags);
	unsigned was = stage(&f->t);
	bool unanswered, restarted;

	if (f->t.unheard && dir == REPLY) {
		remember_ack(&f->t, dir, p->tcp_flags, p->ack);
		return NAT_WHY_TRANSLATED;
	}
	f->t.unheard = false;
	if (w == W_NONSENSE)
		return NAT_WHY_TCP_FLAGS;
	restarted = closed(&f->t) && w == W_SYN && dir == ORIG;
	if (!hear(&f->t, dir, w, p->seq))
		return NAT_WHY_TCP_STATE;
	if (restarted)
		f->answered = false;
	remember_ack(&f->t, dir, p->tcp_flags, p->ack);
	unanswered = dir == ORIG && !f->t.open && !closed(&f->t) && !f->t.synack && !f->t.syn[REPLY];
	if (stage(&f->t) != was || restarted || (!unanswered && !f->t.rst && w != W_RST))
		f->last = model.now;
	f->limit = tcp_limit(&f->t);
	return NAT_WHY_TRANSLATED;
}

static enum nat_reason track(struct flow *f, unsigned dir, const struct packet *p)
{
	if (f->proto == NAT_PROTO_TCP)
		return track_tcp(f, dir, p);
	f->last = model.now;
	return NAT_WHY_TRANSLATED;
}

static enum nat_reason open_flow(const struct packet *p, struct flow **out)
{
	const struct rule *r = rule_for(&p->ends, p->proto, p->family);
	enum word w = word_of(p->tcp_flags);
	struct nat_ends to;

	if (!r || packet_is_answer(p))
		return NAT_WHY_NO_FORWARD;
	if (p->proto == NAT_PROTO_TCP && w == W_NONSENSE)
		return NAT_WHY_TCP_FLAGS;
	if (p->proto == NAT_PROTO_TCP && (w == W_SYNACK || w == W_RST))
		return NAT_WHY_TCP_NO_FLOW;
	if (!lets_in(r, &p->ends.src, p->family))
		return NAT_WHY_NOT_ALLOWED;
	assert_true(model.n < FLOWS);
	*out = &model.flow[model.n++];
	to = led(r, &p->ends, p->family);
	**out = (struct flow){ .used = true, .proto = p->proto, .orig = p->ends, .reply = nat_ends_inverse(&to), .last = model.now };
	(*out)->limit = p->proto == NAT_PROTO_UDP ? 300 : 60;
	if (p->proto == NAT_PROTO_TCP) {
		(*out)->t = w == W_SYN ? (struct talk){ .syn[ORIG] = true } : w == W_ACK ? (struct talk){ .mid_stream = true } :
			    (struct talk){ .open = true, .fin[ORIG] = true };
		(*out)->limit = tcp_limit(&(*out)->t);
	}
	return w == W_SYN || p->proto != NAT_PROTO_TCP ? NAT_WHY_OPENED : NAT_WHY_PICKED_UP;
}

/* R42: is it a SYN on a flow that is over, which today's rules lead elsewhere or do not let in? */
static bool begins_anew(const struct flow *f, unsigned dir, const struct packet *p)
{
	const struct rule *r = rule_for(&f->orig, f->proto, p->family);
	struct nat_ends to, has = nat_ends_inverse(&f->reply);

	if (f->proto != NAT_PROTO_TCP || dir != ORIG || word_of(p->tcp_flags) != W_SYN || !closed(&f->t))
		return false;
	if (!r || !lets_in(r, &f->orig.src, p->family))
		return true;
	to = led(r, &f->orig, p->family);
	return !nat_addr_eq(&to.dst, &has.dst) || to.dport != has.dport;
}

/*
 * R31: connections that guests have opened themselves, and how often the table was searched for a guest's segment at this time.
 * Which of them a newer one makes the engine forget is its own affair, so its places are taken over.
 */
static struct nat_ends own[INVERSE_OWN];
static unsigned searched;
static double searched_at;

static struct nat_ends *own_place(const struct packet *p)
{
	const struct siphash_key key = world_params(1).key;

	return &own[nat_tuple_hash(&key, &p->ends, p->proto, (uint8_t)p->family) >> 20 & (INVERSE_OWN - 1)];
}

/* A guest's segment of no flow: whose connection is it, if it is one that a forward led in? */
static enum nat_reason placed(const struct packet *p, struct flow **out)
{
	enum word w = word_of(p->tcp_flags);
	const struct rule *only = NULL;

	if (p->proto != NAT_PROTO_TCP)
		return NAT_WHY_NO_FLOW;
	if (w == W_SYN || w == W_SYNACK)
		*own_place(p) = p->ends;
	if ((w != W_ACK && w != W_FIN) || nat_ends_eq(own_place(p), &p->ends))
		return NAT_WHY_NO_FLOW;
	if (searched_at != model.now)
		searched_at = model.now, searched = 0;
	if (searched++ >= 64)
		return NAT_WHY_UNPLACED;
	for (unsigned i = 0; i < 8; i++) {
		const struct rule *r = &table[model.table][i];
		unsigned port = wire_host(p->ends.sport);
		struct nat_addr to = letter_addr(r->proto ? r->to : 'G', p->family);

		if (r->proto != NAT_PROTO_TCP || !nat_addr_eq(&to, &p->ends.src) || port < r->to_lo || port - r->to_lo > r->hi - r->lo ||
		    !lets_in(r, &p->ends.dst, p->family))
			continue;
		if (r->listen == '*' || only)
			return NAT_WHY_UNPLACED;		/* nobody has said what addresses this host has */
		only = r;
	}
	if (!only)
		return NAT_WHY_NO_FLOW;
	if (wire_host(p->ends.dport) >= SOURCE_LO && wire_host(p->ends.dport) <= SOURCE_HI)
		return NAT_WHY_UNPLACED;
	assert_true(model.n < FLOWS);
	*out = &model.flow[model.n++];
	**out = (struct flow){ .used = true, .proto = p->proto, .reply = p->ends, .orig = nat_ends_inverse(&p->ends), .last = model.now,
			       .t = { .mid_stream = true, .unheard = true } };
	(*out)->orig.dst = letter_addr(only->listen, p->family);
	(*out)->orig.dport = wire_port((uint16_t)(only->lo + wire_host(p->ends.sport) - only->to_lo));
	(*out)->limit = tcp_limit(&(*out)->t);
	return NAT_WHY_PICKED_UP;
}

/* What shall become of @p at @hook; @to: its ends then. */
static enum nat_reason expect(const struct packet *p, enum nat_hook hook, struct nat_ends *to)
{
	enum nat_reason why = NAT_WHY_TRANSLATED, tracked;
	unsigned dir = ORIG;
	struct flow *f = flow_of(&p->ends, p->proto, &dir);

	*to = p->ends;
	if (f && f->swept) {
		f->swept = false;
		if (!still_led(f, p->family)) {
			f->used = false;
			return NAT_WHY_FORWARD_ENDED;
		}
	}
	if (hook == NAT_POST && !f) {
		why = placed(p, &f);
		if (!f)
			return why;
		dir = REPLY;
	}
	if (hook == NAT_POST && dir == ORIG)
		return NAT_WHY_NO_FLOW;
	if (hook == NAT_PRE && f && dir == REPLY)
		return NAT_WHY_LATER;
	if (f && begins_anew(f, dir, p)) {
		f->used = false;
		f = NULL;
	}
	if (!f) {
		why = open_flow(p, &f);
		if (!f)
			return why;
	}
	tracked = track(f, dir, p);
	if (tracked != NAT_WHY_TRANSLATED)
		return tracked;
	*to = dir == ORIG ? nat_ends_inverse(&f->reply) : nat_ends_inverse(&f->orig);
	return why;
}

/* R23: the guest would take two flows for one. The engine keeps the keys of a flow that is over until it ends it. */
static bool clashes(const struct flow *f, bool also_over)
{
	for (unsigned i = 0; i < model.n; i++) {
		const struct flow *other = &model.flow[i];

		if (other != f && other->proto == f->proto && (other->used || also_over) && nat_ends_eq(&other->reply, &f->reply))
			return true;
	}
	return false;
}

/* The client that the guest's segment seems to be for already talks to another guest from that port. */
static bool is_led_elsewhere(const struct flow *f, bool also_over)
{
	for (unsigned i = 0; i < model.n; i++) {
		const struct flow *other = &model.flow[i];

		if (other != f && other->proto == f->proto && (other->used || also_over) && nat_ends_eq(&other->orig, &f->orig))
			return true;
	}
	return false;
}

/* A guest's segment was placed: the engine may only say no if another flow has these ends, and must if one that is not over has. */
static enum nat_reason judge_placed(const struct packet *p, struct nat_ends *to, const struct nat_pkt *pkt)
{
	const struct flow *f = &model.flow[model.n - 1];

	if (pkt->reason == NAT_WHY_PICKED_UP) {
		assert_false(is_led_elsewhere(f, false));
		return NAT_WHY_PICKED_UP;
	}
	assert_true(is_led_elsewhere(f, true));
	model.n--;
	*to = p->ends;
	return NAT_WHY_UNPLACED;
}

/* A flow has been opened: was the source port that the guest sees changed only if it had to be? */
static void judge_port(struct nat_ends *to, const struct nat_pkt *pkt)
{
	struct flow *f = &model.flow[model.n - 1];
	unsigned port = wire_host(pkt->after.sport);

	if (pkt->after.sport == to->sport) {
		assert_false(clashes(f, false));
		return;
	}
	assert_true(clashes(f, true));
	assert_in_range(port, SOURCE_LO, SOURCE_HI);
	f->reply.dport = to->sport = pkt->after.sport;
	assert_false(clashes(f, false));
}

/* ---- random packets ---- */

static struct packet random_packet(struct rng *r, enum nat_family family)
{
	static const uint8_t flags[] = { TCP_F_SYN, TCP_F_SYN | TCP_F_ACK, TCP_F_ACK, TCP_F_ACK | TCP_F_PSH, TCP_F_FIN | TCP_F_ACK,
					 TCP_F_RST, TCP_F_RST | TCP_F_ACK, TCP_F_SYN, TCP_F_ACK };
	struct packet p = { .family = family, .payload = rng_below(r, 60), .salt = (uint8_t)rng_next(r) };
	bool from_guest = rng_below(r, 2);
	char client = "CD"[rng_below(r, 2)], host = "HK"[rng_below(r, 2)], guest = "GF"[rng_below(r, 2)];
	uint16_t cport = wire_port((uint16_t)(40000 + rng_below(r, 2))), hport, gport;

	switch (rng_below(r, 5)) {
	case 0:
		p.proto = family == NAT_IPV4 ? NAT_PROTO_ICMP : NAT_PROTO_ICMPV6;
		hport = gport = wire_port(family == NAT_IPV4 ? 8 : 128);
		break;
	case 1:
		p.proto = NAT_PROTO_UDP;
		hport = wire_port((uint16_t)(53 + rng_below(r, 2)));
		gport = hport;
		break;
	default:
		p.proto = NAT_PROTO_TCP;
		hport = wire_port((uint16_t)(8080 + 5 * rng_below(r, 3)));
		gport = wire_port((uint16_t)(80 + 5 * rng_below(r, 3)));
		p.tcp_flags = rng_below(r, 30) ? flags[rng_below(r, COUNT(flags))] : (uint8_t)rng_next(r);
		p.seq = 1000 + rng_below(r, 3);
		p.ack = 1000 + rng_below(r, 3);
		break;
	}
	p.ends = (struct nat_ends){ letter_addr(client, family), letter_addr(host, family), cport, hport };
	if (from_guest)
		p.ends = (struct nat_ends){ letter_addr(guest, family), letter_addr(client, family), gport, cport };
	if (from_guest && model.n && rng_below(r, 2)) {
		const struct flow *f = &model.flow[rng_below(r, model.n)];

		if (f->proto == p.proto)
			p.ends = f->reply;
	}
	return p;
}

/* R28: no datagram that may be cut up is called as one of the 30,000 before, of its source, destination and protocol, was. */
static void judge_ident(const uint8_t *in, const uint8_t *out)
{
	static uint32_t last[2][2][3][65536], count[2][2][3];
	unsigned src = out[15] == letter_addr('K', NAT_IPV4).octet[15], dst = out[19] == letter_addr('D', NAT_IPV4).octet[15];
	unsigned proto = out[9] == NAT_PROTO_TCP ? 0 : out[9] == NAT_PROTO_UDP ? 1 : 2, id = wire_get16(out + 4);
	uint32_t *when, *now = &count[src][dst][proto];

	if (out[0] >> 4 != 4 || !memcmp(in + 12, out + 12, 4) || (wire_get16(out + 6) & 0x7fff) == 0x4000)
		return;
	when = &last[src][dst][proto][id];
	++*now;
	if (*when && *now - *when < 30000)
		unit_fail("identification %u again after %u datagrams", id, *now - *when);
	*when = *now;
}

static void one_packet(struct world *w, const struct packet *p, enum nat_hook hook, unsigned step)
{
	static uint8_t in[PACKET_ROOM], out[PACKET_ROOM], want[PACKET_ROOM];
	static struct nat_recent recent;	/* of all worlds: it may say what it wants */
	bool from_guest = p->ends.src.octet[15] != letter_addr('C', p->family).octet[15] &&
			  p->ends.src.octet[15] != letter_addr('D', p->family).octet[15];
	struct nat_pkt pkt = { .data = out, .len = packet_build(p, out), .hook = (uint8_t)hook };
	struct packet after = *p;
	enum nat_reason why;

	if (hook == NAT_PRE)
		pkt.indev = from_guest ? BRIDGE : OUTSIDE;
	if (step % 2)
		pkt.recent = &recent;
	why = expect(p, hook, &after.ends);
	if (step % 3)
		nat_look(&w->nat, &pkt);
	if (step % 3 == 2)
		nat_warm(&w->nat, &pkt);
	nat_packet(&w->nat, &pkt, w->now);
	nat_finish(&pkt);
	if (why == NAT_WHY_PICKED_UP && hook == NAT_POST)
		why = judge_placed(p, &after.ends, &pkt);
	if (pkt.reason != why)
		unit_fail("step %u, %s: the engine says %s, the model %s", step, nat_hook_name(hook), nat_reason_name(pkt.reason),
			  nat_reason_name(why));
	if (why == NAT_WHY_OPENED || why == NAT_WHY_PICKED_UP)
		judge_port(&after.ends, &pkt);
	assert_int_equal(packet_build(&after, want), pkt.len);
	packet_build(p, in);
	judge_ident(in, out);
	packet_take_id(in, out, want);
	assert_memory_equal(out, want, pkt.len);
}

static void advance(struct world *w, struct rng *r)
{
	/* mostly a little, sometimes past a limit, now and then past the longest */
	static const unsigned most[] = { 2, 2, 20, 70, 250, 310, 8000 };
	unsigned steps = rng_below(r, 1000) * most[rng_below(r, rng_below(r, 30) ? 5 : COUNT(most))] / 7000;

	/* In steps of 7 s, which divide no limit: the engine rounds limits up to its ticks, and so nothing hangs on that. */
	model.now += 7 * steps;
	w->now += NAT_SEC(7 * steps);
}

/* An earlier swap must be swept, every flow looked at, before the next. */
static void swap_tables(struct world *w, struct rng *r, enum nat_family family)
{
	while (!nat_sweep(&w->nat, w->now, 1000))
		;
	for (unsigned i = 0; i < model.n; i++) {
		struct flow *f = &model.flow[i];

		if (f->used && f->swept && !still_led(f, family))
			f->used = false;
		f->swept = true;
	}
	model.table = rng_below(r, TABLES);
	world_map(w, text[model.table]);
}

/* Forget what is over, in both, so that the list stays short. */
static void tidy(struct world *w)
{
	unsigned n = 0;

	while (nat_expire(&w->nat, w->now, 1000))
		;
	for (unsigned i = 0; i < model.n; i++)
		if (model.flow[i].used && model.now - model.flow[i].last < model.flow[i].limit)
			model.flow[n++] = model.flow[i];
	model.n = n;
}

static void random_walk(void **state)
{
	enum nat_family family = *(const enum nat_family *)*state;
	struct rng r = rng_start("nat_model", 1 + family);
	struct nat_params p = world_params(1024);
	struct world w = world_new(&p);

	memset(&model, 0, sizeof(model));
	model.now = 1000;
	memset(own, 0, sizeof(own));
	searched = 0;
	world_map(&w, text[0]);
	for (unsigned step = 0; step < STEPS; step++) {
		struct packet pkt = random_packet(&r, family);

		if (!rng_below(&r, 400))
			swap_tables(&w, &r, family);
		if (!rng_below(&r, 20))
			advance(&w, &r);
		if (!rng_below(&r, 50))
			nat_expire(&w.nat, w.now, rng_below(&r, 20));
		one_packet(&w, &pkt, NAT_PRE, step);
		if (pkt.ends.src.octet[15] >= 0x32)		/* a guest's goes on to POSTROUTING */
			one_packet(&w, &pkt, NAT_POST, step);
		if (step % 500 == 0) {
			tidy(&w);
			assert_null(nat_check(&w.nat));
		}
	}
	world_free(&w);
}

int main(void)
{
	static const enum nat_family family[] = { NAT_IPV4, NAT_IPV6 };

	unit_add("R87_model_random_walk_v4", random_walk, (void *)(uintptr_t)&family[0]);
	unit_add("R89_model_random_walk_v6", random_walk, (void *)(uintptr_t)&family[1]);
	return unit_run("nat_model");
}
