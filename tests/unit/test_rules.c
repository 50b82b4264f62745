/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rules: golden texts, what the real programs think of them, and foreign rules.
 *
 * UPDATE_GOLDEN=1 in the environment writes the golden files anew: read the difference.
 */
#include "nfq/steer/rules.h"


#include "nfq/steer/rules_out.h"
#include "tests/unit/netns.h"

#define GOLDEN "tests/unit/golden/rules/"

static const struct golden {
	const char *what, *file;
	unsigned workers;
	bool conntrack, fragments, headers, refusals;
} goldens[] = {
	{ "one port of one worker",                             "one-port",      1, true, false, false, false },
	{ "without conntrack no rule asks for a state",         "one-port",      1, false, false, false, false },
	{ "both families, all protocols, two workers",          "both-families", 2, true, false, false, false },
	{ "listeners of an address and of a device",            "listeners",     1, true, false, false, false },
	{ "neighbouring ports are merged",                      "merged",        1, true, false, false, false },
	{ "more ports than a multiport match has slots",        "many-ports",    1, true, false, false, false },
	{ "a guest with an unknown way has no hairpin device",  "unknown-way",   1, true, false, false, false },
	{ "open on failure: bypass, one worker",                "bypass",        1, false, false, false, false },
	{ "open on failure: bypass, four workers",              "bypass",        4, true, false, false, false },
	{ "R64_without_conntrack_fragments_are_queued",        "listeners",     1, false, true, false, false },
	{ "R64_fragments_of_both_families_and_all_protocols",  "both-families", 2, false, true, false, false },
	{ "R84_R85_R26_protocols_beside_tcp_and_udp",          "protocols",     1, true, false, false, false },
	{ "R64_protocols_without_conntrack",                   "protocols",     2, false, true, false, false },
	{ "R24_outbound_rules_of_all_kinds",                    "outbound",      1, true, false, false, false },
	{ "R64_outbound_without_conntrack",                     "outbound",      2, false, true, false, false },
	{ "full NAT: every flow to the guest is rewritten in FORWARD", "host-source", 1, true, false, false, false },
	{ "headers of TCP: one port of one worker",             "one-port",      1, true, false, true, false },
	{ "headers of TCP: both families, two workers",         "both-families", 2, true, false, true, false },
	{ "three workers share the clients",                    "one-port",      3, true, false, true, false },
	{ "64 workers share the clients",                       "one-port",     64, true, false, false, false },
	{ "headers of TCP: what is masqueraded, but no prefix", "outbound",      1, true, false, true, false },
	{ "headers of TCP: full NAT changes both ends",         "host-source",   1, true, false, true, false },
	{ "isolated networks: every packet, both ways",         "enclosed",      1, true, false, false, false },
	{ "R64_isolated_networks_without_conntrack",            "enclosed",      2, false, true, false, false },
	{ "R55_refusals_are_logged_of_both_families",         "both-families", 1, true, false, false, true },
	{ "R55_nothing_to_log_without_conntrack",             "one-port",      1, false, false, false, true },
	{ "nothing to forward",                                 "nothing",       1, true, false, false, false },
};

/* The way to any guest is virbr0, but for .99. */
static void way(const struct nat_addr *to, enum nat_family family, char *dev)
{
	snprintf(dev, IFNAMSIZ, "%s", family == NAT_IPV4 && to->octet[15] == 99 ? "" : "virbr0");
}

/* As of a host with the kernel's default of ip_local_port_range. */
static void ranges(const struct conf_out *o, struct out_range range[OUT_RANGES])
{
	static const struct out_range all[OUT_RANGES] = { { 600, 32767 }, { 61000, 65535 } };

	memcpy(range, all, sizeof(all));
	if (o->lo) {
		range[0] = (struct out_range){ o->lo, o->hi };
		range[1] = (struct out_range){ 0, 0 };
	}
}

static char *read_file(const char *path)
{
	FILE *f = fopen(path, "r"), *out;
	char *text = NULL, buf[4096];
	size_t n, octets;

	if (!f)
		return NULL;
	out = open_memstream(&text, &octets);
	while ((n = fread(buf, 1, sizeof(buf), f)))
		fwrite(buf, 1, n, out);
	fclose(out);
	fclose(f);
	return text;
}

static struct conf *conf_of(const char *yaml)
{
	struct conf *c = NULL;

	if (conf_parse("test.yaml", yaml, strlen(yaml), &c, stderr))
		unit_fail("configuration of the test is bad");
	return c;
}

static struct rules rules_of(const char *yaml, unsigned workers, bool conntrack)
{
	struct outside_taken taken = { 0 };
	struct conf *c = conf_of(yaml);
	struct rules r;

	outside_forwards(&taken, c);
	taken.bit[POOL_TCP][22000 / 32] = UINT32_MAX;	/* 22000 is a multiple of 16: 21984 to 22015 */
	assert_int_equal(rules_make(c, workers, way, &r), 0);
	assert_int_equal(rules_outs(&r, c, &taken, ranges), 0);
	r.conntrack = conntrack;
	conf_free(c);
	return r;
}

static struct rules rules_in(const struct golden *g)
{
	char path[128], *yaml;
	struct rules r;

	snprintf(path, sizeof(path), GOLDEN "%s.yaml", g->file);
	yaml = read_file(path);
	if (!yaml)
		unit_fail("no file %s: run this from the top of the tree", path);
	r = rules_of(yaml, g->workers, g->conntrack);
	r.fragments = g->fragments;
	r.headers = g->headers;
	r.refusals = g->refusals;
	for (unsigned i = 0; i < r.n_guests; i++)
		r.guest[i].enclosed = !strcmp(g->file, "enclosed");	/* libvirt tells, not the file */
	free(yaml);
	return r;
}

static char *nft_text(const struct rules *r)
{
	char *text;
	size_t octets;
	FILE *f = open_memstream(&text, &octets);

	rules_write_nft(r, f);
	fclose(f);
	return text;
}

static char *xt_table_text(const struct rules *r, enum nat_family family, enum rules_table t, const char *saved)
{
	char *text;
	size_t octets;
	FILE *f = open_memstream(&text, &octets);

	rules_write_xt(r, family, t, saved, f);
	fclose(f);
	return text;
}

/* Both tables of a family, as one input; sources first, as steer.c does. */
static char *xt_text(const struct rules *r, enum nat_family family)
{
	char *text;
	size_t octets;
	FILE *f = open_memstream(&text, &octets);

	for (unsigned t = RULES_TABLES; t--;)
		rules_write_xt(r, family, t, "", f);
	fclose(f);
	return text;
}

static char *clear_text(enum rules_table t, const char *saved)
{
	char *text;
	size_t octets;
	FILE *f = open_memstream(&text, &octets);
	bool any = rules_clear_xt(t, saved, f);

	fclose(f);
	assert_true(any == (octets > 0));
	return text;
}

static void compare(const struct golden *g, const char *kind, const char *text)
{
	char path[128], *want;

	snprintf(path, sizeof(path), GOLDEN "%s-%u%s%s%s.%s", g->file, g->workers,
		 g->conntrack ? "" : g->fragments ? "-pieces" : "-noct", g->headers ? "-headers" : "",
		 g->refusals && g->conntrack ? "-refusals" : "", kind);
	if (getenv("UPDATE_GOLDEN")) {
		FILE *f = fopen(path, "w");

		assert_non_null(f);
		fputs(text, f);
		fclose(f);
	}
	want = read_file(path);
	if (!want)
		unit_fail("no file %s", path);
	if (strcmp(want, text))
		unit_fail("%s has\n%s\nbut it is\n%s", path, want, text);
	free(want);
}

static void golden_text(void **state)
{
	const struct golden *g = *state;
	struct rules r = rules_in(g);
	char *nft = nft_text(&r), *v4 = xt_text(&r, NAT_IPV4), *v6 = xt_text(&r, NAT_IPV6), *both = NULL;

	compare(g, "nft", nft);
	if (asprintf(&both, "# iptables-restore\n%s# ip6tables-restore\n%s", v4, v6) < 0)
		abort();
	compare(g, "xt", both);
	free(both);
	free(nft);
	free(v4);
	free(v6);
	rules_free(&r);
}

/* iptables-restore --test reads all of it and asks the kernel for each match. */
static void xt_is_understood(void **state)
{
	static const char *const programs[][2] = {
		{ "iptables-legacy-restore", "ip6tables-legacy-restore" },
		{ "iptables-nft-restore", "ip6tables-nft-restore" },
	};
	const struct golden *g = *state;
	struct rules r;

	netns_enter();
	r = rules_in(g);
	for (unsigned p = 0; p < COUNT(programs); p++)
		for (unsigned f = 0; f < 2; f++) {
			const char *const argv[] = { programs[p][f], "--noflush", "--wait=10", "--test", NULL };
			char *text = xt_text(&r, f ? NAT_IPV6 : NAT_IPV4);
			int ret = netns_run(argv, text);

			if (ret && ret != 127)
				print_message("# %s\n", text);
			free(text);
			assert_true(ret == 0 || ret == 127);
		}
	rules_free(&r);
}

/* @text with every "queue ..." cut off its line, for kernels that lack that expression. */
static char *without_queue(const char *text)
{
	char *out = strdup(text), *w = out;
	bool skipping = false;

	for (const char *p = text; *p; p++) {
		skipping |= (*p == ' ' || *p == '\t') && !strncmp(p + 1, "queue num ", 10);
		if (*p == '\n' && skipping) {
			memcpy(w, " counter", 8);
			w += 8;
			skipping = false;
		}
		if (!skipping)
			*w++ = *p;
	}
	*w = '\0';
	return out;
}

/* nft --check: all must be language; the kernel may lack nothing but `queue`. */
static void nft_is_understood(void **state)
{
	static const char *const argv[] = { "nft", "--check", "-f", "-", NULL };
	const struct golden *g = *state;
	char *text, *counters, err[512];
	struct rules r;
	int ret;

	netns_enter();
	r = rules_in(g);
	text = nft_text(&r);
	ret = run_program(argv, text, NULL, err, sizeof(err));
	if (ret == 127) {
		free(text);
		rules_free(&r);
		skip();
	}
	if (ret && (strstr(err, "syntax") || !strstr(err, "Could not process rule")))
		unit_fail("nft: %s\n%s", err, text);
	counters = without_queue(text);
	if (netns_run(argv, counters))
		unit_fail("%s", counters);
	free(counters);
	free(text);
	rules_free(&r);
}

/* What iptables-save prints, without comments, counters and chains of no rule. */
static char *rules_lines(const char *const *argv)
{
	char *text = NULL, *w, *end, err[512];

	assert_int_equal(run_program(argv, NULL, &text, err, sizeof(err)), 0);
	w = text;
	for (char *p = text; *p; p = end) {
		end = strchrnul(p, '\n');
		end += *end == '\n';
		if (*p == '-' || !strncmp(p, ":nfqnat-", 8)) {
			memmove(w, p, (size_t)(end - p));
			w += end - p;
		}
	}
	*w = '\0';
	return text;
}

/* What one run leaves must be replaced by the next and removed by the last, with foreign rules untouched. */
static void xt_round(const char *save, const char *restore, enum nat_family family, enum rules_table t)
{
	const char *const save_argv[] = { save, "-t", rules_table_name(t), NULL },
			  *const restore_argv[] = { restore, "--noflush", "--wait=10", NULL };
	struct rules r = rules_of("forwards: [{ to: [10.0.0.2, 'fd00::2'], publish: [80, 53/udp] }]", 1, true);
	const char *from = t == RULES_RAW ? "PREROUTING" : "POSTROUTING";
	char *foreign = NULL, *before, *once, *again, *after, *text;

	if (asprintf(&foreign, "*%s\n:mine - [0:0]\n-A mine -j RETURN\n-A %s -m comment --comment \"as -j nfqnat-pre\" -j mine\n"
		     "COMMIT\n", rules_table_name(t), from) < 0)
		abort();
	assert_int_equal(netns_run(restore_argv, foreign), 0);
	free(foreign);
	before = rules_lines(save_argv);
	text = xt_table_text(&r, family, t, before);
	assert_int_equal(netns_run(restore_argv, text), 0);
	free(text);
	once = rules_lines(save_argv);
	text = xt_table_text(&r, family, t, once);
	assert_int_equal(netns_run(restore_argv, text), 0);
	free(text);
	again = rules_lines(save_argv);
	assert_string_equal(once, again);
	text = clear_text(t, again);
	assert_int_equal(netns_run(restore_argv, text), 0);
	free(text);
	after = rules_lines(save_argv);
	assert_string_equal(before, after);
	assert_non_null(strstr(after, "as -j nfqnat-pre"));
	free(before);
	free(once);
	free(again);
	free(after);
	rules_free(&r);
}

static const struct flavour { const char *what, *programs[2][2]; } flavours[] = {
	{ "legacy: rules come, are replaced and go; foreign rules stay",
	  { { "iptables-legacy-save", "iptables-legacy-restore" }, { "ip6tables-legacy-save", "ip6tables-legacy-restore" } } },
	{ "nft flavour: rules come, are replaced and go; foreign rules stay",
	  { { "iptables-nft-save", "iptables-nft-restore" }, { "ip6tables-nft-save", "ip6tables-nft-restore" } } },
};

static void xt_comes_and_goes(void **state)
{
	const struct flavour *f = *state;
	const char *const probe[] = { f->programs[0][0], NULL };
	char err[512];

	netns_enter();
	if (run_program(probe, NULL, NULL, err, sizeof(err)))
		skip();
	for (unsigned i = 0; i < 2; i++)
		for (unsigned t = 0; t < RULES_TABLES; t++)
			xt_round(f->programs[i][0], f->programs[i][1], i ? NAT_IPV6 : NAT_IPV4, t);
}

/* Text of iptables-save, and which of its lines are deleted when we replace our rules. */
static const struct saved { const char *what, *saved, *deleted; } saveds[] = {
	{ "nothing saved, nothing deleted", "", "" },
	{ "an empty table", "*raw\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n", "" },
	{ "our jump", "*raw\n-A PREROUTING -m addrtype --dst-type LOCAL -j nfqnat-pre\nCOMMIT\n",
	  "-D PREROUTING -m addrtype --dst-type LOCAL -j nfqnat-pre\n" },
	{ "two of them after an accident", "-A PREROUTING -j nfqnat-pre\n-A PREROUTING -j nfqnat-pre\n",
	  "-D PREROUTING -j nfqnat-pre\n-D PREROUTING -j nfqnat-pre\n" },
	{ "our jump from a foreign chain, or our chain could not be removed", "-A mine -s 1.2.3.4/32 -j nfqnat-pre\n",
	  "-D mine -s 1.2.3.4/32 -j nfqnat-pre\n" },
	{ "a text without a newline at its end", "-A PREROUTING -j nfqnat-pre", "-D PREROUTING -j nfqnat-pre\n" },
	{ "our own chains' rules are not jumps", "-A nfqnat-pre -p tcp -j NFQUEUE --queue-num 0\n", "" },
	{ "a comment that mentions a jump", "-A PREROUTING -m comment --comment \"see -j nfqnat-pre\" -j ACCEPT\n", "" },
	{ "a comment at the end that mentions a jump", "-A PREROUTING -m comment --comment \"see -j nfqnat-pre\"\n", "" },
	{ "a chain whose name begins like ours", "-A PREROUTING -j nfqnat-prelude\n", "" },
	{ "a chain with our prefix that is not ours", "-A PREROUTING -j nfqnat-mine\n", "" },
	{ "a chain whose name ends like ours", "-A PREROUTING -j my-nfqnat-pre\n", "" },
	{ "a run with more workers had more chains", "*raw\n:nfqnat-tcp-from - [0:0]\n:nfqnat-tcp-tooth - [0:0]\n-A mine -j nfqnat-tcp-from\nCOMMIT\n",
	  "-D mine -j nfqnat-tcp-from\n-F nfqnat-tcp-from\n-X nfqnat-tcp-from\n" },
	{ "a policy line that mentions a jump", ":x -j nfqnat-pre\n", "" },
};

static void deletes_own_jumps_only(void **state)
{
	const struct saved *s = *state;
	struct rules r = rules_of("forwards: []", 1, false);
	char *without = xt_table_text(&r, NAT_IPV4, RULES_RAW, ""), *with = xt_table_text(&r, NAT_IPV4, RULES_RAW, s->saved),
	     *want = NULL;
	static const char jump[] = "-A PREROUTING";
	int at = 0;

	while (without[at] && strncmp(without + at, jump, strlen(jump)) != 0)
		at++;
	assert_int_not_equal(without[at], '\0');
	if (asprintf(&want, "%.*s%s%s", at, without, s->deleted, without + at) < 0)
		abort();
	assert_string_equal(with, want);
	free(without);
	free(with);
	free(want);
	rules_free(&r);
}

static const struct clear { const char *what, *saved, *text; } clears[] = {
	{ "nothing of ours: nothing to clear", "*raw\n:PREROUTING ACCEPT [0:0]\n:mine - [0:0]\nCOMMIT\n", "" },
	{ "chains and jumps go", "*raw\n:nfqnat-pre - [0:0]\n:nfqnat-out - [12:999]\n-A PREROUTING -j nfqnat-pre\n"
	  "-A PREROUTING -j mine\n-A OUTPUT -j nfqnat-out\nCOMMIT\n",
	  "*raw\n-D PREROUTING -j nfqnat-pre\n-D OUTPUT -j nfqnat-out\n-F nfqnat-pre\n-X nfqnat-pre\n-F nfqnat-out\n"
	  "-X nfqnat-out\nCOMMIT\n" },
	{ "half of them, after an accident", "*raw\n:nfqnat-out - [0:0]\nCOMMIT\n",
	  "*raw\n-F nfqnat-out\n-X nfqnat-out\nCOMMIT\n" },
	{ "chains of the other table are not asked for here", "*raw\n:nfqnat-fwd - [0:0]\nCOMMIT\n", "" },
	{ "a chain that begins like ours", "*raw\n:nfqnat-prelude - [0:0]\nCOMMIT\n", "" },
	{ "a comment that mentions our chain", "*raw\n-A PREROUTING -m comment --comment \"a:nfqnat-pre b\" -j ACCEPT\nCOMMIT\n",
	  "" },
	{ "chains of several workers, in either table", "*raw\n:nfqnat-tcp-to - [0:0]\n:nfqnat-headers-from - [0:0]\n-A mine -j nfqnat-tcp-to\nCOMMIT\n",
	  "*raw\n-D mine -j nfqnat-tcp-to\n-F nfqnat-tcp-to\n-X nfqnat-tcp-to\n-F nfqnat-headers-from\n-X nfqnat-headers-from\nCOMMIT\n" },
	{ "a chain in the first line", ":nfqnat-pre - [0:0]", "*raw\n-F nfqnat-pre\n-X nfqnat-pre\nCOMMIT\n" },
};

static void clears_what_is_there(void **state)
{
	const struct clear *c = *state;
	char *text = clear_text(RULES_RAW, c->saved);

	assert_string_equal(text, c->text);
	free(text);
}

/* Every port of every row is in exactly one range of its group, and ranges are ordered and apart. */
static void merging_loses_nothing(void **state)
{
	struct rng rng = rng_start("ranges", 7);

	(void)state;
	for (unsigned round = 0; round < 200; round++) {
		static bool want[65536];
		unsigned lo = 1 + rng_below(&rng, 40), total = 0, seen = 0;
		char yaml[4096] = "source-ports: 61000-65535\nforwards: [{ to: 10.0.0.2, publish: [1024";
		struct rules r;

		memset(want, 0, sizeof(want));
		want[1024] = true;
		for (size_t n = strlen(yaml); lo < 900 && n < sizeof(yaml) - 64; lo += rng_below(&rng, 3)) {
			unsigned hi = lo + rng_below(&rng, 6) * rng_below(&rng, 2);

			n += (size_t)snprintf(yaml + n, sizeof(yaml) - n, ", '%u-%u'", lo, hi);
			for (; lo <= hi; lo++)
				want[lo] = true;
		}
		strcat(yaml, "] }]");
		r = rules_of(yaml, 1, false);
		assert_int_equal(r.n_listeners, 1);
		assert_int_equal(r.n_guests, 1);
		assert_int_equal(r.listener[0].n_ports, r.guest[0].n_ports);
		for (unsigned i = 0; i < 65536; i++)
			total += want[i];
		for (unsigned i = 0; i < r.listener[0].n_ports; i++) {
			struct ports p = r.listener[0].ports[i];

			assert_true(p.lo <= p.hi);
			assert_true(!i || p.lo > r.listener[0].ports[i - 1].hi + 1);
			for (unsigned port = p.lo; port <= p.hi; port++, seen++)
				assert_true(want[port]);
			assert_memory_equal(&p, &r.guest[0].ports[i], sizeof(p));
		}
		assert_int_equal(seen, total);
		rules_free(&r);
	}
}

/* No multiport match has more than 15 slots, whatever the ranges. */
static void multiport_never_overflows(void **state)
{
	char yaml[8192] = "source-ports: 61000-65535\nforwards: [{ to: 10.0.0.2, publish: [1";
	struct rules r;
	char *text;

	(void)state;
	for (unsigned port = 3; port < 900; port += 4)
		snprintf(yaml + strlen(yaml), sizeof(yaml) - strlen(yaml), port % 3 ? ", %u" : ", '%u-%u'", port, port + 1);
	strcat(yaml, "] }]");
	r = rules_of(yaml, 1, false);
	text = xt_table_text(&r, NAT_IPV4, RULES_RAW, "");
	for (const char *p = text; (p = strstr(p, "ports ")); ) {
		unsigned slots = 1;

		for (p += 6; *p != ' '; p++)
			slots += *p == ',' || *p == ':';
		assert_true(slots <= 15);
	}
	free(text);
	rules_free(&r);
}

/* Decision 17: the kernel takes a time that grows with the square for many single ports without one range. */
static void large_sets_have_a_range(void **state)
{
	static const struct { unsigned ports; bool range, added; } rows[] = { { 256, false, false }, { 257, false, true }, { 257, true, false } };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char yaml[8192] = "forwards: [{ name: n, to: 192.168.122.50, publish: [";
		struct rules r;
		char *text;

		for (unsigned p = 0; p < rows[i].ports; p++)
			snprintf(yaml + strlen(yaml), sizeof(yaml) - strlen(yaml), "%u, ", 1000 + 2 * p);
		strcat(yaml, rows[i].range ? "'9000-9001'] }]" : "] }]");
		r = rules_of(yaml, 1, false);
		text = nft_text(&r);
		assert_int_equal(strstr(text, "{ 0-1, 1000") != NULL, rows[i].added);
		free(text);
		rules_free(&r);
	}
}

int main(void)
{
	for (size_t i = 0; i < COUNT(goldens); i++)
		unit_add(goldens[i].what, golden_text, &goldens[i]);
	for (size_t i = 0; i < COUNT(saveds); i++)
		unit_add(saveds[i].what, deletes_own_jumps_only, &saveds[i]);
	for (size_t i = 0; i < COUNT(clears); i++)
		unit_add(clears[i].what, clears_what_is_there, &clears[i]);
	unit_add("merging ranges loses and adds no port", merging_loses_nothing, NULL);
	unit_add("large sets have a range", large_sets_have_a_range, NULL);
	unit_add("no multiport match has more than 15 slots", multiport_never_overflows, NULL);
	for (size_t i = 0; i < COUNT(goldens); i++) {
		static char names[COUNT(goldens)][2][128];

		snprintf(names[i][0], sizeof(names[i][0]), "iptables-restore understands: %s", goldens[i].what);
		unit_add(names[i][0], xt_is_understood, &goldens[i]);
		snprintf(names[i][1], sizeof(names[i][1]), "nft understands: %s", goldens[i].what);
		unit_add(names[i][1], nft_is_understood, &goldens[i]);
	}
	for (size_t i = 0; i < COUNT(flavours); i++)
		unit_add(flavours[i].what, xt_comes_and_goes, &flavours[i]);
	return unit_run("rules");
}
