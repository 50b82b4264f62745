/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mark: rewrites by the kernel. The table by itself, and what the engine does with headers alone (script.h: `head`). */
#include "nat/mark.h"

#include "tests/unit/script.h"

#define FLOW								\
	"pre C:1>H:8080 S seq=100 -> OPENED C:1>G:80\n"			\
	"post G:80>C:1 SA seq=700 ack=101 -> TRANSLATED H:8080>C:1\n"	\
	"pre C:1>H:8080 A seq=101 ack=701 -> TRANSLATED C:1>G:80\n"
#define OUT_FLOW							\
	"post G:15000>C:80 S seq=100 -> OPENED H:15000>C:80\n"		\
	"pre C:80>H:15000 SA seq=700 ack=101 -> TRANSLATED C:80>G:15000\n" \
	"post G:15000>C:80 A seq=101 ack=701 -> TRANSLATED H:15000>C:80\n"
#define OUT_60K	"post G:15000>C:80 A gso len=60000 -> TRANSLATED H:15000>C:80\n"
#define OUT_300K OUT_60K OUT_60K OUT_60K OUT_60K OUT_60K

static const struct script scripts[] = {
	{ .name = "wanted_then_installed_then_used", .protos = "t", .steps = "install\n" FLOW
		"pre C:1>H:8080 A head len=1400 -> HEADERS_ONLY\nmarks 1\npre C:1>H:8080 A head len=1400 -> HEADERS_ONLY\nmarks 1\n"
		"install\npre C:1>H:8080 A head len=1400 -> TRANSLATED C:1>G:80\n"
		"post G:80>C:1 A head len=1400 -> HEADERS_ONLY\nmarks 2\ninstall\n"
		"post G:80>C:1 A head len=1400 -> TRANSLATED H:8080>C:1" },
	{ .name = "one_rewrite_serves_every_client", .protos = "t", .steps = "install\n" FLOW
		"pre C:1>H:8080 A head -> HEADERS_ONLY\ninstall\npre D:9>H:8080 S -> OPENED D:9>G:80\n"
		"post G:80>D:9 SA -> TRANSLATED H:8080>D:9\npre D:9>H:8080 A head -> TRANSLATED D:9>G:80\nmarks 1" },
	{ .name = "nothing_is_wanted_while_closed", .protos = "t", .steps = FLOW "pre C:1>H:8080 A head -> HEADERS_ONLY\nmarks 0" },
	{ .name = "no_flow_no_mark", .protos = "t", .steps = "install\n"
		"pre C:1>H:8080 A head -> HEADERS_ONLY\npre C:1>H:8080 head -> HEADERS_ONLY\nflows 0\nmarks 0" },
	{ .name = "what_begins_or_ends_comes_whole", .protos = "t", .steps = "install\n" FLOW
		"pre C:1>H:8080 A head -> HEADERS_ONLY\ninstall\npre C:1>H:8080 FA head -> HEADERS_ONLY\nstate ESTABLISHED\n"
		"pre C:1>H:8080 RA head -> HEADERS_ONLY\npre C:1>H:8080 S head -> HEADERS_ONLY\nstate ESTABLISHED\n"
		"pre C:1>H:8080 A head -> TRANSLATED C:1>G:80" },
	{ .name = "a_mark_on_it_already_comes_whole", .protos = "t", .steps = "install\n" FLOW
		"pre C:1>H:8080 A head -> HEADERS_ONLY\ninstall\npre C:1>H:8080 A head mark=7 -> HEADERS_ONLY\n"
		"pre C:1>H:8080 A mark=7 -> TRANSLATED C:1>G:80" },
	{ .name = "other_hooks_come_whole", .protos = "t", .steps = "install\nout H:1>H:8080 S -> OPENED H:1>G:80\n"
		"in G:80>H:1 SA -> TRANSLATED H:8080>H:1\nout H:1>H:8080 A head -> HEADERS_ONLY\nin G:80>H:1 A head -> HEADERS_ONLY\nmarks 0" },
	{ .name = "two_ends_at_once_come_whole", .protos = "t", .steps = "install\n"
		"pre F:40000>H:8080 S -> OPENED F:$s>G:80\npre F:40000>H:8080 A head -> HEADERS_ONLY\nmarks 0\n"
		"pre F:40000>H:8080 A -> TRANSLATED F:$s>G:80" },
	{ .name = "not_of_this_host_is_left_alone", .protos = "t", .steps = "install\npre C:1>H:22 S head -> HEADERS_ONLY\n" FLOW
		"post G:80>D:5 A head -> HEADERS_ONLY\nmarks 0" },
	{ .name = "prefixes_come_whole", .protos = "t", .outs = "masq H", .steps = "install\npost G:1>C:2 A head -> HEADERS_ONLY\nflows 0" },
	{ .name = "masqueraded_flows_only_when_they_are_large", .protos = "t", .outs = "masq H", .steps = "install\n" OUT_FLOW
		OUT_300K OUT_300K OUT_300K "post G:15000>C:80 A head gso len=60000 -> HEADERS_ONLY\nmarks 0\n" OUT_300K
		"post G:15000>C:80 A head gso len=60000 -> HEADERS_ONLY\nmarks 1\npre C:80>H:15000 A head -> HEADERS_ONLY\nmarks 1\n"
		"install\npost G:15000>C:80 A head gso len=60000 -> TRANSLATED H:15000>C:80" },
	{ .name = "idle_ones_retire", .protos = "t", .steps = "install\n" FLOW
		"pre C:1>H:8080 A head -> HEADERS_ONLY\ninstall\nwait 119\nage\npre C:1>H:8080 A head -> TRANSLATED C:1>G:80\n"
		"wait 119\nage\npre C:1>H:8080 A head -> TRANSLATED C:1>G:80\nwait 121\nage\nmarks 1\n"
		"pre C:1>H:8080 A head -> HEADERS_ONLY\ninstall\nmarks 1\npre C:1>H:8080 A head -> HEADERS_ONLY\nage\nmarks 0\n"
		"pre C:1>H:8080 A head -> HEADERS_ONLY\nmarks 1\ninstall\npre C:1>H:8080 A head -> TRANSLATED C:1>G:80" },
	{ .name = "a_forward_that_moves_ends_its_flows", .protos = "t", .steps = "install\n" FLOW
		"pre C:1>H:8080 A head -> HEADERS_ONLY\ninstall\nmap tcp *:8080 > F:80\n"
		"pre C:1>H:8080 A head -> FORWARD_ENDED\nflows 0\npre C:1>H:8080 S -> OPENED C:1>F:80\n"
		"pre C:1>H:8080 A head -> HEADERS_ONLY\nmarks 2\ninstall\npre C:1>H:8080 A head -> TRANSLATED C:1>F:80" },
	{ .name = "R88_marks_outlive_the_writer", .protos = "t", .steps = "install\n" FLOW
		"pre C:1>H:8080 A head -> HEADERS_ONLY\ninstall\ndie\npre C:1>H:8080 A head -> TRANSLATED C:1>G:80" },
};

/* Counters are those of the packet, not of what came of it. */
static void octets_are_of_the_whole(void **state)
{
	static const struct script flow = { .protos = "t" };
	struct nat_params params = world_params(64);
	struct run r = { .script = &flow, .family = NAT_IPV4, .proto = NAT_PROTO_TCP, .flow = NAT_NONE };
	uint8_t buf[256];
	struct packet p = { .family = NAT_IPV4, .proto = NAT_PROTO_TCP, .payload = 9, .tcp_flags = TCP_F_ACK };
	struct nat_pkt pkt = { .data = buf, .hook = NAT_PRE, .indev = OUTSIDE, .truncated = true, .headers = true };
	struct nat_flow *f;

	(void)state;
	r.w = world_new(&params);
	r.w.nat.event = world_event;
	r.w.nat.ctx = &r.w;
	outs_swap(&r.w, SCRIPT_MAP, "");
	for (const char *s = FLOW; *s; s = strchr(s, '\n') + 1) {
		snprintf(r.line, sizeof(r.line), "%.*s", (int)strcspn(s, "\n"), s);
		script_line(&r);
	}
	script_install(&r.w.nat);
	f = &r.w.nat.flows.flow[r.flow];
	p.ends = f->orig;
	for (unsigned round = 0; round < 3; round++) {
		uint64_t before = f->octets[NAT_ORIG];

		pkt.len = packet_build(&p, buf);
		/* 65,000 octets; round 2: BIG TCP, whose length field is 0 */
		wire_put16(buf + 2, round == 2 ? 0 : 65000);
		pkt.whole = round == 2 ? 200000 : 65000;
		nat_packet(&r.w.nat, &pkt, r.w.now);
		script_install(&r.w.nat);
		assert_int_equal(pkt.reason, round ? NAT_WHY_TRANSLATED : NAT_WHY_HEADERS_ONLY);
		assert_int_equal(f->octets[NAT_ORIG] - before, round ? pkt.whole : 0);
	}
	/* A length that is not the packet's: whole, where it is told what it is. */
	wire_put16(buf + 2, 999);
	nat_packet(&r.w.nat, &pkt, r.w.now);
	assert_int_equal(pkt.reason, NAT_WHY_HEADERS_ONLY);
	assert_int_equal(r.w.nat.marks.head->packets, 2);
	world_free(&r.w);
}

static struct {
	struct world w;
	struct nat_pkt pkt;
	struct nat_ends to;
} table;

static int setup(void **state)
{
	struct nat_params p = world_params(16);

	(void)state;
	memset(&table, 0, sizeof(table));
	table.w = world_new(&p);
	table.pkt.hook = NAT_PRE;
	table.pkt.view.tuple.family = NAT_IPV6;
	mark_set_open(&table.w.nat.marks, true);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_free(&table.w);
	return 0;
}

/* A rewrite of its own for each @n. */
static uint32_t take(uint32_t n, bool want)
{
	memcpy(table.pkt.view.tuple.ends.dst.octet, &n, 4);
	table.to = table.pkt.view.tuple.ends;
	table.to.dst.octet[15] = 1;
	return mark_take(&table.w.nat.marks, &table.pkt, &table.to, want, nat_tick_of(table.w.now));
}

static void good(void)
{
	const char *bad = mark_check(&table.w.nat.marks);

	if (bad)
		unit_fail("%s", bad);
}

static void full_is_full_and_ages_sooner(void **state)
{
	struct marks *m = &table.w.nat.marks;

	(void)state;
	for (uint32_t n = 1; n < MARK_SLOTS; n++)
		assert_int_equal(take(n, true), 0);
	good();
	assert_int_equal(m->head->slots, MARK_SLOTS - 1);
	assert_int_equal(m->head->full, 0);
	take(MARK_SLOTS, true);
	assert_int_equal(m->head->full, 1);
	script_install(&table.w.nat);
	for (uint32_t n = 1; n < MARK_SLOTS; n++) {
		uint32_t mark = take(n, false);

		assert_true(mark_is_ours(mark) && mark != MARK_BASE);
		assert_memory_equal(m->slot[mark & ~(uint32_t)MARK_MASK].old.octet, &n, 4);
	}
	table.w.now += NAT_SEC(4);
	take(5, false);
	table.w.now += NAT_SEC(2);
	mark_age(m, nat_tick_of(table.w.now));
	assert_int_equal(mark_count(m, MARK_INSTALLED), 1);
	script_install(&table.w.nat);
	mark_age(m, nat_tick_of(table.w.now));
	good();
	assert_int_equal(take(5, false) != 0, 1);
}

static void keys_differ_in_every_part(void **state)
{
	static const struct { size_t at; } parts[] = {
		{ offsetof(struct nat_ends, dst) }, { offsetof(struct nat_ends, dst) + 15 }, { offsetof(struct nat_ends, dport) },
	};
	struct marks *m = &table.w.nat.marks;
	struct nat_ends *is = &table.pkt.view.tuple.ends, to = { 0 };

	(void)state;
	for (unsigned i = 0; i < COUNT(parts); i++)
		for (unsigned side = 0; side < 2; side++) {
			((uint8_t *)(side ? &to : is))[parts[i].at] ^= 1;
			mark_take(m, &table.pkt, &to, true, 0);
			mark_take(m, &table.pkt, &to, true, 0);
			assert_int_equal(m->head->slots, i * 2 + side + 1);
		}
	table.pkt.view.tuple.family = NAT_IPV4;
	mark_take(m, &table.pkt, &to, true, 0);
	assert_int_equal(m->head->slots, 7);
	to.sport = 1;		/* another end changes too */
	mark_take(m, &table.pkt, &to, true, 0);
	assert_int_equal(m->head->slots, 7);
	table.pkt.hook = NAT_POST;
	to = *is;
	to.src.octet[0] = 1;
	to.sport = 1;
	mark_take(m, &table.pkt, &to, true, 0);
	assert_int_equal(m->head->slots, 8);
	assert_int_equal(m->slot[8].side, MARK_SRC);
	good();
}

/* Whatever is damaged is noticed, and made good. */
static void damage_is_noticed(void **state)
{
	static const struct { size_t at; uint8_t value; } damages[] = {
#define HEAD(f) offsetof(struct mark_head, f)
#define SLOT(n, f) sizeof(struct mark_head) + (n) * sizeof(struct mark) + offsetof(struct mark, f)
		{ HEAD(free), 3 }, { HEAD(slots), 9 }, { SLOT(3, state), MARK_STATES }, { SLOT(3, side), 2 }, { SLOT(3, family), 5 },
		{ SLOT(4, state), MARK_FREE }, { SLOT(3, old_port), 77 }, { SLOT(7, state), MARK_WANTED }, { SLOT(7, next), 7 },
	};

	for (unsigned i = 0; i < COUNT(damages); i++) {
		struct marks *m = &table.w.nat.marks;

		mark_init(m);
		mark_set_open(m, true);
		for (uint32_t n = 1; n < 6; n++)
			take(n, true);
		good();
		((uint8_t *)m->head)[damages[i].at] = damages[i].value;
		if (!mark_check(m))
			unit_fail("damage %u was not noticed", i);
		mark_rebuild(m, 0);
		good();
	}
	(void)state;
}

/* Random commands: the table stays good, a mark always stands for what was asked. */
static void random_commands(void **state)
{
	struct rng rng = rng_start("marks", 17);
	struct marks *m = &table.w.nat.marks;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		uint32_t n = 1 + (uint32_t)rng_below(&rng, 300), mark;

		switch (rng_below(&rng, 8)) {
		case 0:
			script_install(&table.w.nat);
			break;
		case 1:
			table.w.now += NAT_SEC(rng_below(&rng, 20));
			mark_age(m, nat_tick_of(table.w.now));
			break;
		default:
			mark = take(n, rng_below(&rng, 4));
			if (mark)
				assert_memory_equal(m->slot[mark & ~(uint32_t)MARK_MASK].old.octet, &n, 4);
		}
		if (i % 97 == 0)
			good();
	}
}

static void in_table(const char *name, CMUnitTestFunction run)
{
	unit_add_around(name, run, NULL, setup, teardown);
}

int main(void)
{
	for (unsigned i = 0; i < COUNT(scripts); i++)
		unit_add(scripts[i].name, script_run, &scripts[i]);
	unit_add("octets_are_of_the_whole", octets_are_of_the_whole, NULL);
	in_table("full_is_full_and_ages_sooner", full_is_full_and_ages_sooner);
	in_table("keys_differ_in_every_part", keys_differ_in_every_part);
	in_table("damage_is_noticed", damage_is_noticed);
	in_table("random_commands", random_commands);
	return unit_run("mark");
}
