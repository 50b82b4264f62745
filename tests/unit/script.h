/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * script - a scenario on the whole engine, one line per step:
 *
 *     HOOK ENDS [words] -> REASON [ENDS]     a packet, and what becomes of it; without the last ENDS
 *                                            it stays as it was, octet for octet
 *     HOOK err A>B [ENDS] [words] -> ...     an ICMP error from A to B that quotes ENDS
 *     map ROWS | outs RULES                  swap in another table (world.h, outs.h); `sweep` ends what it does not lead
 *     block PORT | unblock PORT              a port that must not be given out
 *     die | mappings COUNT                   the writer dies and the next recovers; mappings in the pool
 *     install | marks COUNT | age            the kernel gets what is wanted and loses what retires; slots that are not free
 *     wait SECONDS | expire COUNT | flows COUNT | state NAME | idle NAME | ended CAUSE | opened COUNT
 *
 * ENDS is `C:40000>H:8080` with the letters of packet.h; a port `$x` takes
 * whatever is there the first time and stands for it from then on. ICMP
 * queries: `C:77>H` is a request with identifier 77, `H>C:77` its answer.
 * A port `$X`, a capital letter, is one of the pool's, any other one of the range for sources of our own.
 * words: TCP flags as letters (FSRPAU), chunk= (SCTP's first, DCCP's type), ttl= seq= ack= len= dev= to= opt=
 * quote= rest=,
 * bad (checksum), badquote, nocsum, partial, gso, trunc, head (all but the last octet, of a queue that
 * gives headers: what it becomes, the kernel makes of it by a mark), mark= (that it carries); of errors: unreach
 * (default), refuse (port), ptb, ttl, param.
 * A packet arrives on BRIDGE if a guest sends it, else from OUTSIDE; it leaves by BRIDGE if it is for a guest.
 *
 * What must come out is built anew from the new ends, so addresses, ports and
 * every checksum are compared octet by octet, and all else must be untouched (R61).
 */
#ifndef TESTS_SCRIPT_H
#define TESTS_SCRIPT_H

#include "nat/proto.h"
#include "nat/tcp.h"
#include "tests/unit/script_read.h"

/* script_is_outbound - a reason of masquerade and prefixes: test_masq.c's, all others are test_nat.c's */
static inline bool script_is_outbound(unsigned reason)
{
	static const enum nat_reason outbound[] = {
		NAT_WHY_PREFIX, NAT_WHY_FILTERED, NAT_WHY_HIDDEN, NAT_WHY_PRIVATE_SOURCE, NAT_WHY_PREFIX_UNMAPPABLE,
		NAT_WHY_NO_OUTSIDE_ADDR, NAT_WHY_NO_OUTSIDE_PORT, NAT_WHY_MAPPING_LIMIT, NAT_WHY_MAPPINGS_FULL,
	};

	for (unsigned i = 0; i < COUNT(outbound); i++)
		if (outbound[i] == reason)
			return true;
	return false;
}

static inline void script_packet(struct run *r, uint8_t hook, const char *s)
{
	static uint8_t in[PACKET_ROOM], out[PACKET_ROOM], want[PACKET_ROOM];
	struct step st = { .pkt = { .hook = hook } };
	struct nat_pkt *p = &st.pkt;
	uint32_t len, l4;
	uint8_t proto;

	s = script_read(r, s, &st);
	p->len = len = packet_build(&st.in, in);
	memcpy(out, in, len);
	p->data = out;
	if (p->headers) {
		p->whole = len;
		p->len = len - 1;
	}
	nat_enter(&r->w.nat);
	nat_packet(&r->w.nat, p, r->w.now);
	nat_leave(&r->w.nat);
	script_seen[p->reason]++;
	if (p->flow != NAT_NONE)
		r->flow = p->flow;
	script_expect(r, s, &st);
	if (strcmp(nat_reason_name(p->reason), st.why))
		run_fail(r, "reason is %s", nat_reason_name(p->reason));
	nat_finish(p);
	if (p->headers) {
		if (p->changed || memcmp(in, out, len))
			run_fail(r, "headers were changed");
		if (!p->mark != !st.changes || (p->mark && !nat_ends_eq(&p->after, &st.out.ends)))
			run_fail(r, "its mark is %08x", p->mark);
		return;
	}
	if (p->changed != st.changes)
		run_fail(r, "%s", st.changes ? "it was not changed" : "it was changed");
	if (!st.changes) {
		if (memcmp(in, out, len))
			run_fail(r, "octets were changed");
		return;
	}
	assert_memory_equal(&p->after, st.err ? &st.out_quote.ends : &st.out.ends, sizeof(p->after));
	assert_int_equal(packet_build(&st.out, want), len);
	if (hook != NAT_IN)
		packet_take_id(in, out, want);
	if (p->gso && p->csum_partial && hook == NAT_POST && r->proto == NAT_PROTO_TCP) {
		l4 = naive_l4(in, len, &proto, &len);
		memcpy(want + l4 + 16, in + l4 + 16, 2);	/* R6 (b): the kernel writes it anew */
	} else if (naive_good(out, len) == st.in.bad_csum) {
		run_fail(r, "%s", st.in.bad_csum ? "a wrong checksum was made good" : "a checksum is wrong");
	}
	if (st.in.bad_csum) {
		l4 = naive_l4(out, len, &proto, &len) + packet_csum_at(r->proto);
		memcpy(want + l4, out + l4, r->proto == NAT_PROTO_SCTP ? 4 : 2);			/* R15: wrong by another number */
	}
	for (uint32_t i = 0; i < len; i++)
		if (out[i] != want[i])
			run_fail(r, "octet %u is %02x, not %02x", i, out[i], want[i]);
}

/* What main would do. */
static inline void script_install(struct nat *n)
{
	mark_set_open(&n->marks, true);
	for (uint32_t i = 1; i < MARK_SLOTS; i++) {
		if (n->marks.slot[i].state == MARK_WANTED)
			mark_told(&n->marks.slot[i], MARK_INSTALLED);
		if (n->marks.slot[i].state == MARK_RETIRING)
			mark_told(&n->marks.slot[i], MARK_GONE);
	}
}

static inline void script_other(struct run *r, const char *s)
{
	static const char *const causes[] = { "IDLE", "ROOM", "REOPENED", "FLUSHED", "FORWARD" };
	struct nat *n = &r->w.nat;
	const struct nat_flow *f = r->flow == NAT_NONE ? NULL : &n->flows.flow[r->flow];
	char verb[16] = "", arg[64] = "";
	unsigned got;

	sscanf(s, "%15s %63s", verb, arg);
	if (!strcmp(verb, "map")) {
		world_map(&r->w, s + 4);
	} else if (!strcmp(verb, "outs")) {
		outs_swap(&r->w, r->script->map ? r->script->map : SCRIPT_MAP, s + 5);
	} else if (!strcmp(verb, "block") || !strcmp(verb, "unblock")) {
		for (unsigned proto = 0; proto < POOL_PROTOS; proto++)
			pool_block(&n->pool, proto, (uint16_t)atoi(arg), *verb == 'b');
	} else if (!strcmp(verb, "die")) {
		nat_enter(n);
		if (nat_recover(n, r->w.now))
			run_fail(r, "flows were lost");
	} else if (!strcmp(verb, "mappings")) {
		if (n->pool.head->mappings.used != strtoul(arg, NULL, 10))
			run_fail(r, "there are %u", n->pool.head->mappings.used);
	} else if (!strcmp(verb, "install")) {
		script_install(n);
	} else if (!strcmp(verb, "age")) {
		mark_age(&n->marks, nat_tick_of(r->w.now));
	} else if (!strcmp(verb, "marks")) {
		if (n->marks.head->slots != strtoul(arg, NULL, 10))
			run_fail(r, "there are %u", n->marks.head->slots);
	} else if (!strcmp(verb, "wait")) {
		r->w.now += (nat_ns)(atof(arg) * 1e9);
	} else if (!strcmp(verb, "sweep")) {
		while (!nat_sweep(n, r->w.now, 1))
			;
	} else if (!strcmp(verb, "expire")) {
		got = nat_expire(n, r->w.now, 1000);
		if (got != strtoul(arg, NULL, 10))
			run_fail(r, "%u flows ended", got);
	} else if (!strcmp(verb, "flows")) {
		if (n->flows.head->used != strtoul(arg, NULL, 10))
			run_fail(r, "there are %u", n->flows.head->used);
	} else if (!strcmp(verb, "opened")) {
		if (r->w.events[NAT_EV_NEW] != strtoul(arg, NULL, 10) || n->block->opened != r->w.events[NAT_EV_NEW])
			run_fail(r, "%u were", r->w.events[NAT_EV_NEW]);
	} else if (!strcmp(verb, "state")) {
		if (strcmp(proto_state_name(f->proto, f->tcp), arg))
			run_fail(r, "it is %s", proto_state_name(f->proto, f->tcp));
	} else if (!strcmp(verb, "idle")) {
		if (strcmp(idle_class_name(f->idle), arg))
			run_fail(r, "it is %s", idle_class_name(f->idle));
	} else if (!strcmp(verb, "ended")) {
		if (!r->w.events[NAT_EV_END] || strcmp(causes[r->w.last_end.cause], arg))
			run_fail(r, "the last one ended for %s", causes[r->w.last_end.cause]);
	} else {
		run_fail(r, "what is this line?");
	}
}

static inline void script_line(struct run *r)
{
	const char *bad, *s = r->line + strspn(r->line, " \t"), *packet;
	uint8_t hook;

	if (!*s)
		return;
	packet = script_hook(s, &hook);
	if (packet)
		script_packet(r, hook, packet);
	else
		script_other(r, s);
	bad = nat_check(&r->w.nat);
	if (bad)
		run_fail(r, "%s", bad);
	assert_int_equal(r->w.nat.block->opened - r->w.nat.block->ended, r->w.nat.flows.head->used);
	assert_int_equal(r->w.events[NAT_EV_NEW], r->w.nat.block->opened);
	assert_int_equal(r->w.events[NAT_EV_END], r->w.nat.block->ended);
}

static inline void script_once(const struct script *script, enum nat_family family, char proto)
{
	struct nat_params p = world_params(script->max_flows ? script->max_flows : 64);
	struct run r = { .script = script, .family = family, .flow = NAT_NONE };

	if (script->outs) {
		p.max_outs = OUTS_ROOM;
		p.max_mappings = script->max_mappings ? script->max_mappings : 64;
		p.max_peers = p.max_flows;
	}
	if (script->source_lo) {
		p.source_lo = script->source_lo;
		p.source_hi = script->source_hi;
	}
	r.proto = world_proto(proto, family);
	r.w = world_new(&p);
	r.w.nat.event = world_event;
	r.w.nat.ctx = &r.w;
	outs_swap(&r.w, script->map ? script->map : SCRIPT_MAP, script->outs ? script->outs : "");
	for (const char *s = script->steps; *s; s += *s == '\n') {
		size_t n = strcspn(s, "\n");

		snprintf(r.line, sizeof(r.line), "%.*s", (int)n, s);
		script_line(&r);
		s += n;
	}
	for (unsigned v = 0; v < COUNT(r.var); v++)
		assert_true(!r.var[v] || (v >= 'A' && v <= 'Z') || (r.var[v] >= p.source_lo && r.var[v] <= p.source_hi));
	world_free(&r.w);
}

/* script_run - a cmocka test; its state is the script */
static inline void script_run(void **state)
{
	const struct script *script = *state;

	for (const char *c = script->protos; *c; c++) {
		script_once(script, NAT_IPV4, *c);
		script_once(script, NAT_IPV6, *c);
	}
}

#endif
