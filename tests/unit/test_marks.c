/* SPDX-License-Identifier: GPL-2.0-or-later */
/* marks: the kernel's rules for rewrites: as text, and what the kernel makes of it. */
#include "nfq/steer/marks.h"

#include <errno.h>

#include "tests/unit/netns.h"
#include "tests/unit/world.h"

static struct {
	struct world w;
	struct marks *m;
} own;

static nat_tick now(void)
{
	return nat_tick_of(own.w.now);
}

/* Wanted: what is sent to or comes from @port of the host's address. */
static void want(uint16_t port, enum nat_family family, bool back)
{
	struct nat_pkt p = { .hook = back ? NAT_POST : NAT_PRE };
	struct nat_ends *is = &p.view.tuple.ends, to = { 0 };
	struct nat_addr host = letter_addr('H', family), guest = letter_addr('G', family);

	p.view.tuple.family = (uint8_t)family;
	*(back ? &is->src : &is->dst) = back ? guest : host;
	*(back ? &is->sport : &is->dport) = wire_port(port);
	to = *is;
	*(back ? &to.src : &to.dst) = back ? host : guest;
	*(back ? &to.sport : &to.dport) = wire_port((uint16_t)(port + 1));
	assert_int_equal(mark_take(own.m, &p, &to, true, now()), 0);
}

static int setup(void **state)
{
	struct nat_params p = world_params(16);

	(void)state;
	own.w = world_new(&p);
	own.m = &own.w.nat.marks;
	mark_set_open(own.m, true);
	want(8080, NAT_IPV4, false);
	want(80, NAT_IPV6, true);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (netns_state > 0)
		marks_stop();
	world_free(&own.w);
	return 0;
}

static char *text_of(void (*write)(const struct marks *m, uint32_t i, FILE *out), uint32_t i)
{
	char *text;
	size_t octets;
	FILE *f = open_memstream(&text, &octets);

	write(own.m, i, f);
	fclose(f);
	return text;
}

static void text_is_as_it_should_be(void **state)
{
	char *add = text_of(marks_write_add, 1), *six = text_of(marks_write_add, 2), *del = text_of(marks_write_del, 2);

	(void)state;
	assert_string_equal(add, "add chain inet nfqnat-headers m1\nflush chain inet nfqnat-headers m1\n"
		"add rule inet nfqnat-headers m1 ip daddr 203.0.113.1 tcp dport 8080 ip daddr set 192.168.122.50 tcp dport set 8081 "
		"meta mark set 0\nadd element inet nfqnat-headers pre { 0x4e460001 : goto m1 }\n");
	assert_non_null(strstr(six, " tcp sport 80 ip6 saddr set "));
	assert_non_null(strstr(six, "post { 0x4e460002 : goto m2 }"));
	assert_non_null(strstr(del, "delete element inet nfqnat-headers post { 0x4e460002 : goto m2 }\n"
				    "flush chain inet nfqnat-headers m2\ndelete chain inet nfqnat-headers m2\n"));
	free(add);
	free(six);
	free(del);
}

static bool table_has(const char *words)
{
	char line[256];

	snprintf(line, sizeof(line), "nft list table inet nfqnat-headers 2>/dev/null | grep -qF -- '%s'", words);
	return netns_sh(line) == 0;
}

static unsigned states(enum mark_state s)
{
	return mark_count(own.m, s);
}

#define begin_or_skip()                                                 \
	do {                                                            \
		char why_not[512];                                      \
		netns_enter();                                          \
		if (marks_start(why_not, sizeof(why_not)))              \
			skip();                                         \
	} while (0)

static void from_wanted_to_gone(void **state)
{
	char why[512];

	(void)state;
	begin_or_skip();
	assert_true(table_has("meta mark vmap @pre"));
	assert_false(table_has("goto"));
	assert_false(table_has("trial"));
	assert_int_equal(marks_attach(own.m, why, sizeof(why)), 0);
	assert_int_equal(states(MARK_INSTALLED), 2);
	assert_true(table_has("ip daddr 203.0.113.1 tcp dport 8080 ip daddr set 192.168.122.50 tcp dport set 8081 meta mark set 0x00000000"));
	want(443, NAT_IPV6, false);
	marks_update(own.m, now());
	assert_int_equal(states(MARK_INSTALLED), 3);
	assert_true(table_has("0x4e460003 : goto m3"));
	marks_update(own.m, now());
	/* Long after, one of them in use: the others retire, and go when nothing can be under way with them. */
	own.w.now += NAT_SEC(1000);
	own.m->slot[1].used = now();
	mark_age(own.m, now());
	assert_int_equal(states(MARK_RETIRING), 2);
	marks_update(own.m, now());
	assert_true(table_has("goto m3"));
	own.w.now += NAT_SEC(3);
	marks_update(own.m, now());
	assert_int_equal(states(MARK_GONE), 2);
	assert_false(table_has("m3"));
	assert_false(table_has("m2"));
	assert_true(table_has("goto m1"));
	mark_age(own.m, now());
	assert_null(mark_check(own.m));
	assert_int_equal(own.m->head->slots, 1);
	marks_stop();
	assert_false(table_has("chain"));
}

/* What others do to the table, and whether it is noticed; each ends with all rules there, open. */
static const struct { const char *what, *line; bool lost; } deeds[] = {
	{ "flush_ruleset", "nft flush ruleset", true },
	{ "delete_table", "nft delete table inet nfqnat-headers", true },
	{ "flush_table", "nft flush table inet nfqnat-headers", true },
	{ "flush_a_chain", "nft flush chain inet nfqnat-headers m1", true },
	{ "flush_a_hook", "nft flush chain inet nfqnat-headers postrouting", true },
	{ "delete_an_element", "nft delete element inet nfqnat-headers pre '{ 0x4e460001 : goto m1 }'", true },
	{ "nothing", "true", false },
};

static void others_take_away(void **state)
{
	const char *const self[] = { "sh", "-c", "echo $$", NULL };
	char why[512], words[64], *pid = NULL;

	(void)state;
	begin_or_skip();
	assert_int_equal(marks_attach(own.m, why, sizeof(why)), 0);
	for (unsigned i = 0; i < COUNT(deeds); i++) {
		assert_int_equal(netns_sh(deeds[i].line), 0);
		assert_false(marks_look(own.m, now()));		/* nobody has said anything yet */
		marks_doubt(own.m, "another", 1);
		assert_true(mark_open(own.m));
		marks_doubt(own.m, MARKS_TABLE, 1);
		assert_false(mark_open(own.m));
		marks_update(own.m, now());			/* while in doubt nothing is tried */
		assert_false(mark_open(own.m));
		if (marks_look(own.m, now()) != deeds[i].lost)
			unit_fail("%s", deeds[i].what);
		assert_true(mark_open(own.m));
		assert_true(table_has("goto m1") && table_has("goto m2") && table_has("vmap @post"));
	}
	/* Our own changes give no doubt, also if another program of ours has run since. */
	assert_int_equal(run_program(self, NULL, &pid, words, sizeof(words)), 0);
	want(7, NAT_IPV4, false);
	marks_update(own.m, now());
	marks_doubt(own.m, MARKS_TABLE, (uint32_t)atoi(pid));
	assert_true(mark_open(own.m));
	free(pid);
}

/* A process that takes over finds rules it knows nothing of, and a state that the kernel has no rules for. */
static void taken_over(void **state)
{
	char why[512];

	(void)state;
	begin_or_skip();
	assert_int_equal(netns_sh("nft add chain inet nfqnat-headers m9; nft add element inet nfqnat-headers post "
				  "'{ 0x4e460009 : goto m9 }'; nft add rule inet nfqnat-headers m9 drop"), 0);
	assert_int_equal(marks_attach(own.m, why, sizeof(why)), 0);
	assert_false(table_has("goto m9"));
	assert_true(table_has("goto m2"));
	assert_int_equal(marks_attach(own.m, why, sizeof(why)), 0);
	assert_true(table_has("goto m2"));
	/* And the next start makes it anew. */
	assert_int_equal(marks_start(why, sizeof(why)), 0);
	assert_false(table_has("m9"));
}

/* Refused: closed, and tried again after a while. */
static void refused_and_tried_again(void **state)
{
	char why[512];

	(void)state;
	begin_or_skip();
	assert_int_equal(marks_attach(own.m, why, sizeof(why)), 0);
	/* A table of the same name that cannot be ours: its hook has another priority. */
	assert_int_equal(netns_sh("nft delete table inet nfqnat-headers; nft 'table inet nfqnat-headers { chain prerouting "
				  "{ type filter hook prerouting priority 5; }; }'"), 0);
	marks_doubt(own.m, MARKS_TABLE, 1);
	marks_look(own.m, now());
	assert_false(mark_open(own.m));
	marks_update(own.m, now());
	assert_false(mark_open(own.m));
	assert_int_equal(netns_sh("nft delete table inet nfqnat-headers"), 0);
	own.w.now += NAT_SEC(6);
	marks_update(own.m, now());
	assert_true(mark_open(own.m));
	assert_true(table_has("goto m1"));
}

static void in_world(const char *name, CMUnitTestFunction run)
{
	unit_add_around(name, run, NULL, setup, teardown);
}

int main(void)
{
	in_world("text_is_as_it_should_be", text_is_as_it_should_be);
	in_world("from_wanted_to_gone", from_wanted_to_gone);
	in_world("others_take_away", others_take_away);
	in_world("R88_taken_over", taken_over);
	in_world("refused_and_tried_again", refused_and_tried_again);
	return unit_run("marks");
}
