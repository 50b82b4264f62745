/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of conf/ that stand alone: addresses, prefixes, port sets, settings, the list of mistakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "conf/ip.h"
#include "conf/keys.h"
#include "conf/outbound.h"
#include "conf/ports.h"

static void kinds_of_addresses(void **state)
{
	static const struct { const char *text; enum conf_ip_kind kind; } rows[] = {
		{ "192.168.122.50",     CONF_IP_UNICAST },
		{ "2001:db8::1",        CONF_IP_UNICAST },
		{ "fd00:122::50",       CONF_IP_UNICAST },
		{ "0.0.0.0",            CONF_IP_ANY },
		{ "0.1.2.3",            CONF_IP_ANY },
		{ "::",                 CONF_IP_ANY },
		{ "127.255.0.1",        CONF_IP_LOOPBACK },
		{ "::1",                CONF_IP_LOOPBACK },
		{ "169.254.0.1",        CONF_IP_LINKLOCAL },
		{ "fe80::1",            CONF_IP_LINKLOCAL },
		{ "febf::1",            CONF_IP_LINKLOCAL },
		{ "fec0::1",            CONF_IP_UNICAST },
		{ "223.255.255.255",    CONF_IP_UNICAST },
		{ "224.0.0.0",          CONF_IP_MULTICAST },
		{ "255.255.255.255",    CONF_IP_MULTICAST },
		{ "ff02::1",            CONF_IP_MULTICAST },
		{ "::ffff:192.0.2.1",   CONF_IP_MAPPED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[CONF_IP_TEXT];
		enum nat_family family;
		struct nat_addr a;

		assert_true(conf_ip_parse(rows[i].text, strlen(rows[i].text), &a, &family));
		if (conf_ip_kind(&a, family) != rows[i].kind)
			fail_msg("%s is of another kind", rows[i].text);
		assert_string_equal(conf_ip_print(text, &a, family, false), rows[i].text);
	}
}

static void texts_that_are_no_address(void **state)
{
	static const char *const rows[] = {
		"", " ", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.4 ", "256.1.1.1", "fe80::1%eth0", "[::1]", ":::", "1::2::3",
		"web", "1.2.3.4/24", "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		enum nat_family family;
		struct nat_addr a;

		if (conf_ip_parse(rows[i], strlen(rows[i]), &a, &family))
			fail_msg("'%s' was taken", rows[i]);
	}
}

/* A prefix, and what is left of it without host bits; NULL: refused. */
static void prefixes(void **state)
{
	static const struct { const char *text, *trimmed; } rows[] = {
		{ "198.51.100.0/24",   "198.51.100.0/24" },
		{ "198.51.100.7/24",   "198.51.100.0/24" },
		{ "198.51.100.255/25", "198.51.100.128/25" },
		{ "198.51.100.7",      "198.51.100.7/32" },
		{ "198.51.100.7/0",    "0.0.0.0/0" },
		{ "255.255.255.255/1", "128.0.0.0/1" },
		{ "2001:db8::1",       "2001:db8::1/128" },
		{ "2001:db8::1/64",    "2001:db8::/64" },
		{ "2001:db8::ff/127",  "2001:db8::fe/127" },
		{ "ffff::/1",          "8000::/1" },
		{ "::/0",              "::/0" },
		{ "198.51.100.0/33",   NULL },
		{ "::/129",            NULL },
		{ "198.51.100.0/",     NULL },
		{ "198.51.100.0/024",  NULL },
		{ "198.51.100.0/2 ",   NULL },
		{ "198.51.100.0/-1",   NULL },
		{ "198.51.100.0/4294967320", NULL },
		{ "198.51.100.0/24/24", NULL },
		{ "/24",               NULL },
		{ "",                  NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[CONF_IP_TEXT];
		struct nat_prefix p;
		bool good = conf_prefix_parse(rows[i].text, strlen(rows[i].text), &p);

		if (good != !!rows[i].trimmed)
			fail_msg("'%s' was %s", rows[i].text, good ? "taken" : "refused");
		if (!good)
			continue;
		p = conf_prefix_trim(&p);
		assert_string_equal(conf_prefix_print(text, &p), rows[i].trimmed);
	}
}

/* Against a bitmap: sets of random ranges answer alike for every port. */
static void port_sets_agree_with_a_bitmap(void **state)
{
	static bool bitmap[65536 + 1];
	uint32_t seed = 1;

	(void)state;
	for (unsigned round = 0; round < 40; round++) {
		struct conf_ports set = { 0 };

		memset(bitmap, 0, sizeof(bitmap));
		for (unsigned i = 0; i < round; i++) {
			uint32_t lo, hi;

			seed = seed * 1664525 + 1013904223;
			lo = i ? seed >> 16 : 0;
			hi = lo + (seed >> (round % 2 ? 20 : 28)) % 4096;
			if (hi > 65535)
				hi = 65535;
			assert_int_equal(conf_ports_add(&set, (uint16_t)lo, (uint16_t)hi), 0);
			memset(bitmap + lo, 1, hi - lo + 1);
		}
		conf_ports_seal(&set);
		for (unsigned i = 1; i < set.n; i++)
			assert_true(set.range[i].lo > set.range[i - 1].hi + 1);
		for (uint32_t p = 0; p < 65536; p++)
			assert_int_equal(conf_ports_overlap(&set, (uint16_t)p, (uint16_t)p), bitmap[p]);
		conf_ports_fini(&set);
	}
}

static const struct conf_key *find_key(const char *name)
{
	for (unsigned i = 0; i < conf_keys_n; i++)
		if (!strcmp(conf_keys[i].name, name))
			return &conf_keys[i];
	return NULL;
}

/* A value, and how it is printed; NULL: refused and the default stays. */
static void settings(void **state)
{
	static const struct { const char *key, *text, *printed; } rows[] = {
		{ "queue",           "0",           "0" },
		{ "queue",           "65535",       "65535" },
		{ "queue",           "65536",       NULL },
		{ "queue",           "4294967296",  NULL },
		{ "queue",           "18446744073709551617", NULL },
		{ "queue",           "",            NULL },
		{ "queue",           "+1",          NULL },
		{ "queue",           "1 ",          NULL },
		{ "queue",           "00",          NULL },
		{ "workers",         "auto",        "auto" },
		{ "workers",         "1",           "1" },
		{ "workers",         "64",          "64" },
		{ "workers",         "0",           NULL },
		{ "workers",         "65",          NULL },
		{ "max-flows",       "1024",        "1024" },
		{ "max-flows",       "1023",        NULL },
		{ "max-flows",       "16777217",    NULL },
		{ "steering",        "auto",        "auto" },
		{ "steering",        "nft",         "nft" },
		{ "steering",        "iptables",    "iptables" },
		{ "steering",        "iptables-nft", "iptables-nft" },
		{ "steering",        "iptables-legacy", "iptables-legacy" },
		{ "steering",        "iptables-",   NULL },
		{ "firewall",        "pass",        "pass" },
		{ "firewall",        "respect",     "respect" },
		{ "firewall",        "true",        NULL },
		{ "fail",            "closed",      "closed" },
		{ "fail",            "open",        "open" },
		{ "source-ports",    "1024-1087",   "1024-1087" },
		{ "source-ports",    "1024-1086",   NULL },
		{ "source-ports",    "1023-65535",  NULL },
		{ "source-ports",    "1024-65536",  NULL },
		{ "source-ports",    "2000-1024",   NULL },
		{ "source-ports",    "61000",       NULL },
		{ "source-ports",    "61000-65535-", NULL },
		{ "udp",             "120s",        "120s" },
		{ "udp",             "2m",          "120s" },
		{ "udp",             "24h",         "86400s" },
		{ "udp",             "119s",        NULL },
		{ "udp",             "25h",         NULL },
		{ "udp",             "300",         NULL },
		{ "udp",             "300S",        NULL },
		{ "udp",             "5min",        NULL },
		{ "udp",             "1193047h",    NULL },	/* 2^32 s and a bit */
		{ "tcp-opening",     "10s",         "10s" },
		{ "tcp-opening",     "9s",          NULL },
		{ "tcp-established", "7440s",       "7440s" },
		{ "tcp-established", "7439s",       NULL },
		{ "tcp-doubt",       "10s",         "10s" },
		{ "tcp-doubt",       "9s",          NULL },
		{ "tcp-closing",     "240s",        "240s" },
		{ "tcp-closing",     "239s",        NULL },
		{ "icmp",            "1m",          "60s" },
		{ "icmp",            "59s",         NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct conf_key *k = find_key(rows[i].key);
		struct conf_errors errs = { 0 };
		char *text = NULL, line[64];
		struct conf c = { 0 };
		size_t len = 0;
		FILE *f;

		assert_non_null(k);
		conf_keys_default(&c);
		conf_key_read(k, rows[i].text, &c, &errs, (struct conf_at){ "x", 1, 1 });
		if (conf_errors_any(&errs) != !rows[i].printed)
			fail_msg("%s: %s was %s", rows[i].key, rows[i].text, rows[i].printed ? "refused" : "taken");
		f = open_memstream(&text, &len);
		assert_non_null(f);
		conf_keys_print(&c, f);
		fclose(f);
		snprintf(line, sizeof(line), "%s: %s\n", rows[i].key, rows[i].printed ? rows[i].printed : k->def);
		assert_non_null(strstr(text, line));
		free(text);
		conf_errors_fini(&errs);
	}
}

/* What struct conf promises in its comments. */
static void defaults(void **state)
{
	struct conf c = { 0 };

	(void)state;
	conf_keys_default(&c);
	assert_int_equal(c.queue, 0);
	assert_int_equal(c.workers, 0);
	assert_int_equal(c.max_flows, 262144);
	assert_int_equal(c.steering, CONF_STEER_AUTO);
	assert_false(c.respect_firewall);
	assert_false(c.fail_open);
	assert_int_equal(c.source_lo, 61000);
	assert_int_equal(c.source_hi, 65535);
	assert_int_equal(c.timeouts.udp, 300);
	assert_int_equal(c.timeouts.tcp_opening, 240);
	assert_int_equal(c.timeouts.tcp_established, 7440);
	assert_int_equal(c.timeouts.tcp_doubt, 300);
	assert_int_equal(c.timeouts.tcp_closing, 240);
	assert_int_equal(c.timeouts.icmp, 60);
}

static void mistakes_are_sorted_bounded_and_said_once(void **state)
{
	struct conf_errors errs = { 0 };
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	(void)state;
	assert_non_null(f);
	conf_error_add(&errs, (struct conf_at){ "b", 1, 1 }, "five");
	conf_error_add(&errs, (struct conf_at){ "a", 10, 1 }, "four");
	conf_error_add(&errs, (struct conf_at){ "a", 9, 2 }, "three");
	conf_error_add(&errs, (struct conf_at){ "a", 9, 1 }, "two");
	conf_error_add(&errs, (struct conf_at){ "a", 9, 2 }, "three");
	conf_error_add(&errs, (struct conf_at){ "a", 0, 0 }, "one");
	conf_error_add(NULL, (struct conf_at){ "a", 0, 0 }, "nobody listens");
	conf_errors_print(&errs, f);
	fclose(f);
	assert_string_equal(text, "a: one\na:9:1: two\na:9:2: three\na:10:1: four\nb:1:1: five\n");
	free(text);

	for (unsigned i = errs.n; i < CONF_ERRORS_MAX + 5; i++)
		conf_error_add(&errs, (struct conf_at){ "c", i, 1 }, "more");
	assert_int_equal(errs.n, CONF_ERRORS_MAX);
	assert_int_equal(errs.more, 5);
	conf_errors_fini(&errs);
}

/* Where a rule stands does not matter, and neither does what lies behind the end of its lists. */
static void outbound_rules_that_say_the_same(void **state)
{
	const struct conf_out a = { .kind = CONF_MASQUERADE, .out = "up0", .n_to = 1, .to = { { .octet = { 1 } } }, .line = 3 };
	struct conf_out b = a;

	(void)state;
	b.line = 9;
	b.col = 4;
	b.to[1].octet[0] = 7;
	b.except[0].bits = 8;
	assert_true(conf_out_same(&a, &b));
	b.n_to = 2;
	assert_false(conf_out_same(&a, &b));
	b = a;
	b.to[0].octet[0] = 2;
	assert_false(conf_out_same(&a, &b));
	b = a;
	b.out[0] = 'x';
	assert_false(conf_out_same(&a, &b));
	b = a;
	b.inside.bits = 24;
	assert_false(conf_out_same(&a, &b));
}

static void quotes_are_safe_to_show(void **state)
{
	static const struct { const char *text, *shown; } rows[] = {
		{ "",           "''" },
		{ "80:80",      "'80:80'" },
		{ "a\nb\x1b[m", "'a?b?[m'" },
		{ "\xc3\xbc",   "'?" "?'" },
		{ "12345678901234567890123456789012345678901234567890",
		  "'12345678901234567890123456789012345678901234567890'" },
		{ "123456789012345678901234567890123456789012345678901",
		  "'12345678901234567890123456789012345678901234567890...'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char buf[CONF_QUOTE_MAX];

		assert_string_equal(conf_quote(buf, rows[i].text, strlen(rows[i].text)), rows[i].shown);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_of_addresses),
		cmocka_unit_test(texts_that_are_no_address),
		cmocka_unit_test(prefixes),
		cmocka_unit_test(port_sets_agree_with_a_bitmap),
		cmocka_unit_test(settings),
		cmocka_unit_test(defaults),
		cmocka_unit_test(mistakes_are_sorted_bounded_and_said_once),
		cmocka_unit_test(outbound_rules_that_say_the_same),
		cmocka_unit_test(quotes_are_safe_to_show),
	};

	return cmocka_run_group_tests_name("conf_parts", tests, NULL, NULL);
}
