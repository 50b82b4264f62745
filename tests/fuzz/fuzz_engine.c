/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stream of commands for one engine: packets from small alphabets, so that
 * flows really match, time, other tables, expiry, a writer's death. After each
 * command all invariants are checked; whole conversations must come back to
 * where they began, whatever happened before.
 *
 * Input: one octet of command, then its arguments.
 */
#include "nat/tcp.h"
#include "tests/fuzz/judge.h"
#include "tests/unit/fragments.h"
#include "tests/unit/outs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { COMMANDS_MAX = 120, BLOCK_ROOM = 1 << 19, OTHER = 7 };

struct input {
	const uint8_t *at, *end;
};

static uint8_t take(struct input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}

static const char *const tables[] = {
	"tcp *:10-12 > G:20; udp *:10-12 > G:20; icmp * > G",
	"tcp H:11 > F:21; tcp *:10 > G:20; tcp K:10-12 > G:20 respect; udp *:10-12 > G:20 allow=CFG; icmp * > F; udp K:11 > F:21",
	"tcp *:10-12 > G:20 dev=2; udp *:1-100 > G:1; udp *:12 > F:20 near=-; icmp H > G; icmp K > G",
	"tcp *:0-65535 > G:0; udp *:0-65535 > F:0",
	"udp *:99 > G:99; tcp *:10-12 > G:20 inside; udp *:10-12 > G:20 inside",
	"tcp *:10-11 > G:20 frozen; udp *:10-11 > G:20 frozen life=1; tcp *:12 > G:22 host; udp *:12 > G:22 reject; icmp * > G hold",
	"tcp *:10-12 > G:20 policy=1; udp *:10-12 > G:20 policy=2; icmp * > G policy=1",
	"sctp *:10-12 > G:20; dccp *:10-12 > G:20; lite *:10-12 > G:20; gre * > G; tcp *:1-65535 > F:1 rest; udp *:1-65535 > G:1 rest",
};

static const char *const rules[] = {
	"",
	"masq H ports=10-12 ports=20-22 filter=endpoint",
	"masq HK ports=10-11 max=2 pick; masq D dev=5",
	"one G K; masq H ports=1-12 filter=both except=D respect",
	"masq K ports=10-22 filter=endpoint; one C D dev=5",
};

enum { TABLES = sizeof(tables) / sizeof(tables[0]) };

static struct world world;
static uint8_t octets[PACKET_ROOM];

static uint16_t port_of(uint8_t n)
{
	static const uint16_t ports[] = { 10, 11, 12, 20, 21, 22, 1, 2, SOURCE_LO, SOURCE_LO + 1, SOURCE_LO + 2, SOURCE_LO + 3 };

	return wire_port(ports[n % (sizeof(ports) / sizeof(ports[0]))]);
}

static struct packet packet_of(struct input *in)
{
	static const char letters[] = "CDHKGFBLCHGF";
	static const uint8_t flags[] = { TCP_F_SYN, TCP_F_SYN | TCP_F_ACK, TCP_F_ACK, TCP_F_FIN | TCP_F_ACK, TCP_F_RST, TCP_F_ACK,
					 TCP_F_RST | TCP_F_ACK, TCP_F_SYN | TCP_F_FIN };
	uint8_t a = take(in), b = take(in), c = take(in), d = take(in);
	struct packet p = { .family = a & 1 ? NAT_IPV6 : NAT_IPV4 };

	p.proto = a >> 1 & 1 ? NAT_PROTO_UDP : NAT_PROTO_TCP;
	p.ends = (struct nat_ends){ letter_addr(letters[(b & 15) % 12], p.family), letter_addr(letters[(b >> 4) % 12], p.family),
				    port_of(c & 15), port_of(c >> 4) };
	if ((a >> 2 & 3) == 3) {
		p.proto = p.family == NAT_IPV4 ? NAT_PROTO_ICMP : NAT_PROTO_ICMPV6;
		*(a & 2 ? &p.ends.sport : &p.ends.dport) = wire_port(p.family == NAT_IPV4 ? 8 : 128);
	}
	if ((a >> 2 & 3) == 2) {
		static const uint8_t others[] = { NAT_PROTO_SCTP, NAT_PROTO_DCCP, NAT_PROTO_UDPLITE, NAT_PROTO_GRE };
		static const uint8_t chunks[] = { 0, 1, 2, 10, 11, 7, 14, 6 };

		p.proto = others[d >> 6];
		p.chunk = chunks[d & 7];
		if (p.proto == NAT_PROTO_GRE)
			p.ends.sport = p.ends.dport = 0;
	}
	p.tcp_flags = flags[d & 7];
	p.seq = (d >> 3 & 3) * 100 - 100;
	p.ack = (d >> 5 & 3) * 100 - 100;
	p.options = d >> 7 ? 4 : 0;
	p.payload = a >> 4 & 7;
	p.salt = c;
	return p;
}

static uint32_t outdev_of(const struct nat_ends *e, enum nat_family family)
{
	struct nat_addr g = letter_addr('G', family), f = letter_addr('F', family);

	return nat_addr_eq(&e->dst, &g) || nat_addr_eq(&e->dst, &f) ? BRIDGE : OUTSIDE;
}

/* What of it the packet must look like afterwards. */
static void give(const struct packet *in, uint8_t hook, uint32_t indev, struct nat_pkt *p)
{
	static uint8_t want[PACKET_ROOM], was[PACKET_ROOM];
	struct packet out = *in;
	uint32_t len = packet_build(in, octets);

	*p = (struct nat_pkt){ .hook = hook, .indev = indev, .csum_partial = in->partial,
			       .outdev = hook == NAT_POST ? outdev_of(&in->ends, in->family) : 0 };
	judge(&world.nat, p, octets, len, world.now);
	if (!p->changed || in->quote)
		return;
	out.ends = p->after;
	out.partial = false;
	packet_build(&out, want);
	packet_build(in, was);
	packet_take_id(was, octets, want);
	MUST(!memcmp(want, octets, len));
}

static uint32_t indev_of(const struct nat_ends *e, enum nat_family family, uint8_t hook)
{
	struct nat_addr g = letter_addr('G', family), f = letter_addr('F', family);

	if (hook == NAT_OUT)
		return 0;
	return nat_addr_eq(&e->src, &g) || nat_addr_eq(&e->src, &f) ? BRIDGE : OUTSIDE;
}

/* At @hook the packet is translated to @want (or already is what it must be). */
static void must_become(struct packet *p, uint8_t hook, const struct nat_ends *want)
{
	struct nat_pkt pkt;

	give(p, hook, hook == NAT_PRE ? OTHER : BRIDGE, &pkt);
	MUST(nat_reason_verdict(pkt.reason) != NAT_DROP);
	if (pkt.changed)
		p->ends = pkt.after;
	if (want)
		MUST(!memcmp(&p->ends, want, sizeof(*want)));
}

/* A conversation: what went in as ORIG reaches the guest, and its answer comes back from where the initiator called. */
static void round_trip(const struct nat_pkt *first, struct packet p)
{
	const struct nat_flow *f = &world.nat.flows.flow[first->flow];
	struct nat_ends xlat = flow_xlat(f), back = flow_back(f);
	bool local = f->flags & FLOW_LOCAL;

	p.partial = false;
	p.ends = first->after;
	if (!local)
		must_become(&p, NAT_FWD, &xlat);
	MUST(!memcmp(&p.ends, &xlat, sizeof(xlat)));
	p.ends = f->reply;
	p.tcp_flags = TCP_F_SYN | TCP_F_ACK;		/* fits every state */
	p.chunk = 0;					/* so does DATA */
	p.ack = p.seq + 1;
	must_become(&p, NAT_PRE, NULL);
	if (!local)
		must_become(&p, NAT_FWD, NULL);
	must_become(&p, local ? NAT_IN : NAT_POST, &back);
}

/* The same of a masqueraded guest: the answer comes back to where it called from. */
static void out_and_back(const struct nat_pkt *first, struct packet p)
{
	const struct nat_flow *f = &world.nat.flows.flow[first->flow];
	struct nat_ends back = flow_back(f);

	if (!(f->flags & FLOW_OUT) || first->dir != NAT_ORIG)
		return;
	p.partial = false;
	p.ends = f->reply;
	p.tcp_flags = TCP_F_SYN | TCP_F_ACK;
	must_become(&p, NAT_PRE, &back);
	must_become(&p, NAT_FWD, &back);
}

static void do_packet(struct input *in, bool partial)
{
	struct packet p = packet_of(in);
	uint8_t how = take(in), hook = (how & 7) % NAT_HOOKS;
	struct nat_pkt pkt;

	p.partial = partial;
	give(&p, hook, indev_of(&p.ends, p.family, hook), &pkt);
	if ((how & 0x40) && (how & 0x80) && pkt.flow != NAT_NONE && hook == NAT_POST && pkt.changed && p.tcp_flags != TCP_F_RST)
		out_and_back(&pkt, p);
	if ((how & 0x80) && pkt.flow != NAT_NONE && pkt.dir == NAT_ORIG && (hook == NAT_PRE || hook == NAT_OUT) &&
	    nat_reason_verdict(pkt.reason) == NAT_ACCEPT && pkt.changed && p.tcp_flags != TCP_F_RST)
		round_trip(&pkt, p);
}

/* An ICMP error about a live flow, as one of its packets looks somewhere, from and to somebody. */
static void do_error(struct input *in)
{
	uint8_t slot = take(in), what = take(in), who = take(in), hook = (what >> 5) % NAT_HOOKS;
	const struct nat_flow *f = &world.nat.flows.flow[slot % world.nat.block->max_flows];
	struct packet quote = { .proto = f->proto, .family = f->family, .payload = what & 3 ? 12 : 0 }, err;
	struct nat_pkt pkt;
	uint32_t used = world.nat.flows.head->used;
	struct nat_flow before = *f;

	if (f->idle == IDLE_FREE || f->family == 0)
		return;
	switch (what >> 2 & 7) {
	case 0: quote.ends = f->orig; break;
	case 1: quote.ends = flow_back(f); break;
	case 2: quote.ends = f->reply; break;
	case 3: quote.ends = flow_xlat(f); break;
	case 4: quote.ends = flow_mid(f); break;
	default:
		quote.ends = flow_mid(f);
		quote.ends = nat_ends_inverse(&quote.ends);
	}
	err = (struct packet){ .family = f->family, .proto = f->family == NAT_IPV4 ? NAT_PROTO_ICMP : NAT_PROTO_ICMPV6,
			       .icmp_type = f->family == NAT_IPV4 ? 3 : 1, .quote = &quote, .options = who & 0x40 ? 4 : 0,
			       .quote_octets = who & 0x80 ? 48 : 0, .bad_csum = (who & 0x30) == 0x30,
			       .ends = { letter_addr("CHGFKRXB"[who & 7], f->family), quote.ends.src, 0, 0 } };
	quote.options = who & 8 ? 4 : 0;
	if (slot & 0x80)
		err.ends.dst = letter_addr("CHGF"[slot >> 5 & 3], f->family);
	give(&err, hook, OUTSIDE, &pkt);
	MUST(used == world.nat.flows.head->used && !memcmp(&before, f, sizeof(before)));	/* R57 */
	if (pkt.reason == NAT_WHY_ERROR && !err.quote_octets && !err.bad_csum) {
		uint32_t end, at;
		uint8_t proto;

		at = naive_l4(octets, pkt.len, &proto, &end) + 8;
		MUST(naive_good(octets + at, end - at));	/* the quote's own checksums fit its new ends */
	}
}

/*
 * A datagram in pieces, in any order, some twice, some never. Pieces that pass
 * go where the first of their datagram went, and only later ones are held.
 */
static void do_fragments(struct input *in)
{
	static struct pieces s;
	struct packet p = packet_of(in);
	uint8_t how = take(in), hook = (how & 7) % NAT_HOOKS, id = take(in);
	struct nat_pkt k, first = { 0 };

	p.payload = 100;
	p.options = 0;
	pieces_cut(&s, octets, packet_build(&p, octets), 8 * (1 + (how >> 3 & 7u)), id & 3);
	for (unsigned n = 0; n < 2 * s.n; n++) {
		uint8_t step = take(in);
		const struct piece *piece = &s.piece[(step & 15) % s.n];

		if (step & 0x80)
			return;
		memcpy(octets, piece->octets, piece->len);
		k = (struct nat_pkt){ .hook = hook, .indev = step & 0x40 ? BRIDGE : indev_of(&p.ends, p.family, hook) };
		judge(&world.nat, &k, octets, piece->len, world.now);
		MUST(k.reason != NAT_WHY_FRAGMENT_HELD || k.view.is_later || p.proto == NAT_PROTO_SCTP);
		if (k.changed && !k.view.is_later)
			first = k;
		if (k.changed && k.view.is_later && k.datagram == first.datagram)
			MUST(nat_addr_eq(&k.after.dst, &first.after.dst) && nat_addr_eq(&k.after.src, &first.after.src));
	}
}

static void do_time(struct input *in)
{
	uint8_t n = take(in);

	world.now += n & 0x80 ? NAT_SEC(n & 0x7f) * 40 : NAT_SEC(n) / 4;
}

static void command(struct input *in)
{
	uint8_t what = take(in);

	switch (what % 16) {
	case 10:
		do_packet(in, true);
		break;
	case 11:
		do_time(in);
		break;
	case 12:
		nat_expire(&world.nat, world.now, what >> 4);
		break;
	case 13:
		outs_swap(&world, tables[(what >> 4) % TABLES], rules[(what >> 4) / 3 % 5]);
		break;
	case 14:
		nat_sweep(&world.nat, world.now, what >> 4);
		break;
	case 15:
		if (what >> 4 == 15) {
			nat_enter(&world.nat);
			MUST(nat_recover(&world.nat, world.now) <= world.nat.block->max_flows);
			world.nat.block->opened = world.nat.flows.head->used + world.nat.block->ended;
			break;
		}
		do_error(in);
		break;
	case 9:
		do_fragments(in);
		break;
	case 8:
		do_error(in);
		break;
	default:
		do_packet(in, false);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	struct nat_params params;
	uint8_t first = take(&in);

	judge_begin();
	params = world_params(first & 7 ? 3 + (first & 15u) : 1);
	params.half_open = first & 0x20 ? 2 : 0;
	params.source_lo = SOURCE_LO;
	params.lost_until = UINT32_MAX;
	params.source_hi = SOURCE_LO + 3;
	params.max_outs = OUTS_ROOM;
	params.max_mappings = 1 + (first & 15u);
	params.max_peers = params.max_flows;
	if (!world.mem)
		world.mem = world_alloc(BLOCK_ROOM);
	world.octets = block_octets(&params);
	MUST(world.octets <= BLOCK_ROOM);
	memset(world.mem, 0, world.octets);
	block_init(world.mem, &params);
	MUST(!nat_attach(&world.nat, world.mem, world.octets));
	for (unsigned area = 0; area < 2 && (first & 0x40); area++) {
		static const struct nat_policy policies[3] = {
			{ .source_flows = 6, .new_flows = 20, .mss = POLICY_MSS_CLAMP },
			{ .flows = 3, .source_flows = 2, .mss = 600, .limit = { [IDLE_TCP_OPENING] = 60000, [IDLE_ICMP] = 60 } },
			{ .new_flows = 1, .mss = POLICY_MSS_OFF, .limit = { [IDLE_UDP] = 30000, [IDLE_UDP_OPENING] = 600 } },
		};
		const struct nat_link links[] = { { .ifindex = OUTSIDE, .mtu_octets = 1300 }, { .ifindex = BRIDGE, .mtu_octets = 1500 } };

		MUST(policy_set(&world.nat, area, policies, 3, links, 2));
	}
	world.now = first & 0x80 ? ((nat_ns)1 << 56) - NAT_SEC(100) : NAT_SEC(1000);	/* ticks wrap, or not */
	outs_swap(&world, tables[(first >> 4 & 7) % TABLES], rules[(first & 15) % 5]);
	for (unsigned n = 0; in.at < in.end && n < COMMANDS_MAX; n++) {
		command(&in);
		judge_tables(&world.nat);
	}
	return 0;
}
