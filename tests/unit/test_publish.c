/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The publish grammar: what is read, what is refused and where, and that it prints back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "conf/publish.h"

/* Read as the full form: nothing left to defaults. */
static const struct { const char *text, *full; } good[] = {
	{ "8080:80",                        "8080:80/tcp" },
	{ "443",                            "443:443/tcp" },
	{ "53/udp",                         "53:53/udp" },
	{ "1",                              "1:1/tcp" },
	{ "65535",                          "65535:65535/tcp" },
	{ "5000-5100:6000-6100/udp",        "5000-5100:6000-6100/udp" },
	{ "5000-5100",                      "5000-5100:5000-5100/tcp" },
	{ "80-80:81-81",                    "80:81/tcp" },
	{ "1-65535",                        "1-65535:1-65535/tcp" },
	{ "203.0.113.5:25:25/tcp",          "203.0.113.5:25:25/tcp" },
	{ "203.0.113.5:25",                 "203.0.113.5:25:25/tcp" },
	{ "127.0.0.1:8080:80",              "127.0.0.1:8080:80/tcp" },
	{ "0.0.0.0:8080:80",                "0.0.0.0:8080:80/tcp" },
	{ "[2001:db8::1]:2222:22",          "[2001:db8::1]:2222:22/tcp" },
	{ "[2001:DB8:0:0::1]:2222",         "[2001:db8::1]:2222:2222/tcp" },
	{ "[::1]:53/udp",                   "[::1]:53:53/udp" },
	{ "[::]:80",                        "[::]:80:80/tcp" },
	{ "%eth0:9000-9010",                "%eth0:9000-9010:9000-9010/tcp" },
	{ "%br-lan.100:80",                 "%br-lan.100:80:80/tcp" },
	{ "%abcdefghijklmno:80",            "%abcdefghijklmno:80:80/tcp" },
	{ "203.0.113.5%eth0:9000:90",       "203.0.113.5%eth0:9000:90/tcp" },
	{ "[2001:db8::1]%eth0:9000:90/udp", "[2001:db8::1]%eth0:9000:90/udp" },
	{ "20000+20",                       "20000+20/tcp" },
	{ "20000+20:8000/udp",              "20000+20:8000/udp" },
	{ "203.0.113.5:20000+1:22",         "203.0.113.5:20000+1:22/tcp" },
	{ "%eth0:65516+20",                 "%eth0:65516+20/tcp" },
	{ "~8050",                          "~8050" },
	{ "~8050-8060/tcp",                 "~8050-8060/tcp" },
	{ "~53/udp",                        "~53/udp" },
	{ "icmp",                           "icmp" },
	{ "5060/sctp",                      "5060:5060/sctp" },
	{ "5060-5061:60-61/udplite",        "5060-5061:60-61/udplite" },
	{ "203.0.113.5:5060/dccp",          "203.0.113.5:5060:5060/dccp" },
	{ "gre",                            "gre" },
	{ "203.0.113.5/esp",                "203.0.113.5/esp" },
	{ "proto-50",                       "esp" },
	{ "proto-253",                      "proto-253" },
	{ "%eth0/proto-99",                 "%eth0/proto-99" },
	{ "all",                            "all" },
	{ "[2001:db8::1]%eth0/all",         "[2001:db8::1]%eth0/all" },
	{ "203.0.113.5/icmp",               "203.0.113.5/icmp" },
	{ "[2001:db8::1]/icmp",             "[2001:db8::1]/icmp" },
	{ "%eth0/icmp",                     "%eth0/icmp" },
	{ "203.0.113.5%eth0/icmp",          "203.0.113.5%eth0/icmp" },
};

/* Refused for this reason, at this octet. */
static const struct { const char *text; enum publish_err err; size_t at; } bad[] = {
	{ "",                         PUBLISH_EMPTY,     0 },
	{ "/tcp",                     PUBLISH_EMPTY,     0 },
	{ "/icmp",                    PUBLISH_EMPTY,     0 },
	{ "80 :80",                   PUBLISH_CHAR,      2 },
	{ "80:80\n",                  PUBLISH_CHAR,      5 },
	{ "80\xc3\xa4",               PUBLISH_CHAR,      2 },
	{ "80/TCP",                   PUBLISH_PROTO,     3 },
	{ "80/",                      PUBLISH_PROTO,     3 },
	{ "8080:80/tcp+udp",          PUBLISH_PROTO,     8 },
	{ "80/tcp/udp",               PUBLISH_PORT,      0 },
	{ "sctp",                     PUBLISH_NO_PORT,   0 },
	{ "proto-6",                  PUBLISH_NUMBER,    0 },
	{ "proto-0",                  PUBLISH_NUMBER,    0 },
	{ "proto-256",                PUBLISH_NUMBER,    0 },
	{ "proto-047",                PUBLISH_NUMBER,    0 },
	{ "proto-",                   PUBLISH_NUMBER,    0 },
	{ "203.0.113.5/proto-x",      PUBLISH_NUMBER,    12 },
	{ "ah",                       PUBLISH_AH,        0 },
	{ "47/gre",                   PUBLISH_ICMP_PORT, 0 },
	{ "1-1024/all",               PUBLISH_ICMP_PORT, 0 },
	{ "~gre",                     PUBLISH_EXCLUDE,   1 },
	{ "~all",                     PUBLISH_EXCLUDE,   1 },
	{ "/gre",                     PUBLISH_EMPTY,     0 },
	{ "icmp6",                    PUBLISH_ICMP6,     0 },
	{ "[2001:db8::1]/icmpv6",     PUBLISH_ICMP6,     14 },
	{ "8/icmp",                   PUBLISH_ICMP_PORT, 0 },
	{ "203.0.113.5:8/icmp",       PUBLISH_ICMP_PORT, 12 },
	{ "tcp",                      PUBLISH_NO_PORT,   0 },
	{ "203.0.113.5",              PUBLISH_NO_PORT,   11 },
	{ "%eth0",                    PUBLISH_NO_PORT,   5 },
	{ "203.0.113.5::80",          PUBLISH_NO_PORT,   12 },
	{ ":80",                      PUBLISH_NO_PORT,   0 },
	{ "80:",                      PUBLISH_PORT,      3 },
	{ "80-",                      PUBLISH_PORT,      3 },
	{ "-80",                      PUBLISH_PORT,      0 },
	{ "080",                      PUBLISH_PORT,      0 },
	{ "80x",                      PUBLISH_PORT,      0 },
	{ "localhost:80:80",          PUBLISH_PORT,      0 },
	{ "80:80-90-100",             PUBLISH_PORT,      8 },
	{ "0",                        PUBLISH_PORT_ZERO, 0 },
	{ "80:0",                     PUBLISH_PORT_ZERO, 3 },
	{ "65536",                    PUBLISH_PORT_BIG,  0 },
	{ "80:99999999999999999999",  PUBLISH_PORT_BIG,  3 },
	{ "90-80",                    PUBLISH_ORDER,     5 },
	{ "20000+",                   PUBLISH_BLOCK,     6 },
	{ "20000+0",                  PUBLISH_BLOCK,     6 },
	{ "20000+020",                PUBLISH_BLOCK,     6 },
	{ "65517+20",                 PUBLISH_BLOCK,     6 },
	{ "20000+65535",              PUBLISH_BLOCK,     6 },
	{ "20000-20010+20",           PUBLISH_BLOCK,     11 },
	{ "20000+20-30",              PUBLISH_BLOCK,     8 },
	{ "20000+20:8000-8019",       PUBLISH_BLOCK,     13 },
	{ "20000+20:65530",           PUBLISH_BLOCK,     9 },
	{ "20000+20:0",               PUBLISH_PORT_ZERO, 9 },
	{ "20000:80+20",              PUBLISH_PORT,      8 },
	{ "80-90:6000-6005",          PUBLISH_WIDTH,     6 },
	{ "80-90:6000",               PUBLISH_WIDTH,     6 },
	{ "80:80-90",                 PUBLISH_WIDTH,     3 },
	{ "80:80:80",                 PUBLISH_PARTS,     5 },
	{ "2001:db8::1:2222:22",      PUBLISH_BRACKETS,  0 },
	{ "::1/icmp",                 PUBLISH_BRACKETS,  0 },
	{ "[2001:db8::1:80",          PUBLISH_BRACKETS,  15 },
	{ "[2001:db8::1",             PUBLISH_BRACKETS,  12 },
	{ "[203.0.113.5]:80",         PUBLISH_ADDRESS,   1 },
	{ "[2001:db8::1]80",          PUBLISH_ADDRESS,   13 },
	{ "[fe80::1%eth0]:80",        PUBLISH_ADDRESS,   1 },
	{ "203.0.113:80",             PUBLISH_ADDRESS,   0 },
	{ "203.0.113.256:80",         PUBLISH_ADDRESS,   0 },
	{ "example.org:80",           PUBLISH_ADDRESS,   0 },
	{ "0.0.0.1:80",               PUBLISH_ADDRESS,   0 },
	{ "[::ffff:203.0.113.5]:80",  PUBLISH_MAPPED,    1 },
	{ "[::ffff:0:0]:80",          PUBLISH_MAPPED,    1 },
	{ "[fe80::1]:80",             PUBLISH_LINKLOCAL, 1 },
	{ "169.254.1.1:80",           PUBLISH_LINKLOCAL, 0 },
	{ "224.0.0.1:80",             PUBLISH_MULTICAST, 0 },
	{ "255.255.255.255:80",       PUBLISH_MULTICAST, 0 },
	{ "[ff02::1]:80",             PUBLISH_MULTICAST, 1 },
	{ "%:80",                     PUBLISH_DEV,       1 },
	{ "%abcdefghijklmnop:80",     PUBLISH_DEV,       1 },
	{ "%eth+:80",                 PUBLISH_DEV,       1 },
	{ "%..:80",                   PUBLISH_DEV,       1 },
	{ "%et%h0:80",                PUBLISH_DEV,       1 },
	{ "~",                        PUBLISH_EXCLUDE,   1 },
	{ "~icmp",                    PUBLISH_EXCLUDE,   1 },
	{ "~80:80",                   PUBLISH_EXCLUDE,   3 },
	{ "~203.0.113.5:80",          PUBLISH_EXCLUDE,   4 },
	{ "~%eth0:80",                PUBLISH_EXCLUDE,   1 },
	{ "~0",                       PUBLISH_PORT_ZERO, 1 },
	{ "~90-80",                   PUBLISH_ORDER,     6 },
};

static void reads_and_prints_in_full(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		char text[PUBLISH_TEXT];
		struct publish p = { 0 };
		size_t at;

		if (publish_parse(good[i].text, strlen(good[i].text), &p, &at))
			fail_msg("'%s' was refused", good[i].text);
		assert_string_equal(publish_print(text, &p), good[i].full);
	}
}

static void full_form_reads_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct publish p = { 0 }, q = { 0 };
		size_t at;

		assert_int_equal(publish_parse(good[i].text, strlen(good[i].text), &p, &at), PUBLISH_OK);
		assert_int_equal(publish_parse(good[i].full, strlen(good[i].full), &q, &at), PUBLISH_OK);
		assert_memory_equal(&p, &q, sizeof(p));
	}
}

static void refuses_with_reason_and_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct publish p = { .lo = 7 };
		size_t at = 999;
		enum publish_err err = publish_parse(bad[i].text, strlen(bad[i].text), &p, &at);

		if (err != bad[i].err || at != bad[i].at)
			fail_msg("'%s': error %u at %zu, not %u at %zu", bad[i].text, err, at, bad[i].err, bad[i].at);
		assert_int_equal(p.lo, 7);
	}
}

/* A cut text is another text: the parser must not look behind its end. */
static void never_reads_past_the_end(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		for (size_t len = 0; len <= strlen(good[i].text); len++) {
			char *exact = malloc(len + !len);
			struct publish p;
			size_t at = 0;

			assert_non_null(exact);
			memcpy(exact, good[i].text, len);
			if (publish_parse(exact, len, &p, &at))
				assert_true(at <= len);
			free(exact);
		}
}

static void every_error_gives_advice(void **state)
{
	(void)state;
	for (unsigned e = PUBLISH_OK + 1; e < PUBLISH_ERRS; e++)
		assert_non_null(strstr(publish_err_text((enum publish_err)e), "; "));
}

/* Each error has a row above, or it could not be told from another. */
static void every_error_is_tested(void **state)
{
	(void)state;
	for (unsigned e = PUBLISH_OK + 1; e < PUBLISH_ERRS; e++) {
		bool found = false;

		for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
			found |= bad[i].err == e;
		if (!found)
			fail_msg("no row for error %u", e);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_prints_in_full),
		cmocka_unit_test(full_form_reads_back),
		cmocka_unit_test(refuses_with_reason_and_place),
		cmocka_unit_test(never_reads_past_the_end),
		cmocka_unit_test(every_error_gives_advice),
		cmocka_unit_test(every_error_is_tested),
	};

	return cmocka_run_group_tests_name("publish", tests, NULL, NULL);
}
