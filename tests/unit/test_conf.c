/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole configurations: what becomes of a text, and what no text can do.
 * The words of refusals are pinned down in tests/golden.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf/conf.h"

#define TO4 "forwards: [{ to: 192.168.122.50, publish: "
#define TO6 "forwards: [{ to: \"fd00:122::50\", publish: "
#define BOTH "forwards: [{ to: [192.168.122.50, \"fd00:122::50\"], publish: "
#define END " }]\n"

struct text {
	char *octets;
	size_t len;
};

static int parse(const char *text, size_t len, struct conf **c, struct text *said)
{
	FILE *err = open_memstream(&said->octets, &said->len);
	int ret;

	assert_non_null(err);
	*c = NULL;
	ret = conf_parse("t.yaml", text, len, c, err);
	fclose(err);
	assert_true(ret ? said->len && !*c : !said->len && *c);
	return ret;
}

static char *print(const struct conf *c)
{
	struct text t = { 0 };
	FILE *f = open_memstream(&t.octets, &t.len);

	assert_non_null(f);
	conf_print(c, f);
	fclose(f);
	return t.octets;
}

/* The rows as printed, without their padding. */
static void rows_of_a_forward(void **state)
{
	static const struct { const char *what, *yaml, *rows; } rows[] = {
		{ "nothing is a configuration too", "forwards: []\n", "" },
		{ "one port", TO4 "80" END, "forward 192.168.122.50 tcp any address:80 -> 192.168.122.50:80\n" },
		{ "one family per row", BOTH "8080:80" END,
		  "forward 192.168.122.50 tcp any address:8080 -> 192.168.122.50:80\n"
		  "forward 192.168.122.50 tcp any address:8080 -> [fd00:122::50]:80\n" },
		{ "an IPv6 target alone has no IPv4 row", TO6 "8080:80" END,
		  "forward fd00:122::50 tcp any address:8080 -> [fd00:122::50]:80\n" },
		{ "a listener decides the family", BOTH "[\"203.0.113.5:1:2\", \"[2001:db8::1]:3:4\", \"[::]:5\"]" END,
		  "forward 192.168.122.50 tcp 203.0.113.5:1 -> 192.168.122.50:2\n"
		  "forward 192.168.122.50 tcp [2001:db8::1]:3 -> [fd00:122::50]:4\n"
		  "forward 192.168.122.50 tcp any address:5 -> [fd00:122::50]:5\n" },
		{ "a hole shifts the guest ports with it", TO4 "[5000-5100:6000-6100, ~5050]" END,
		  "forward 192.168.122.50 tcp any address:5000-5049 -> 192.168.122.50:6000-6049\n"
		  "forward 192.168.122.50 tcp any address:5051-5100 -> 192.168.122.50:6051-6100\n" },
		{ "holes at both ends", TO4 "[10-20, ~1-10, ~20-30]" END,
		  "forward 192.168.122.50 tcp any address:11-19 -> 192.168.122.50:11-19\n" },
		{ "holes that touch are one", TO4 "[10-20, ~12-13, ~14-15]" END,
		  "forward 192.168.122.50 tcp any address:10-11 -> 192.168.122.50:10-11\n"
		  "forward 192.168.122.50 tcp any address:16-20 -> 192.168.122.50:16-20\n" },
		{ "a hole up to the last port", "source-ports: 2000-3000\n" TO4 "[65000-65535, ~65001-65535]" END,
		  "forward 192.168.122.50 tcp any address:65000 -> 192.168.122.50:65000\n" },
		{ "a hole of one protocol", TO4 "[10-12, 10-12/udp, ~11/udp]" END,
		  "forward 192.168.122.50 tcp any address:10-12 -> 192.168.122.50:10-12\n"
		  "forward 192.168.122.50 udp any address:10 -> 192.168.122.50:10\n"
		  "forward 192.168.122.50 udp any address:12 -> 192.168.122.50:12\n" },
		{ "ping has no ports", BOTH "[icmp, 203.0.113.5/icmp]" END,
		  "forward 192.168.122.50 icmp 203.0.113.5 -> 192.168.122.50\n"
		  "forward 192.168.122.50 icmp any address -> 192.168.122.50\n"
		  "forward 192.168.122.50 icmp any address -> fd00:122::50\n" },
		{ "the most specific comes first", TO4 "[80, \"%e:80\", \"1.2.3.4:80\", \"1.2.3.4%e:80\"]" END,
		  "forward 192.168.122.50 tcp 1.2.3.4:80 on e -> 192.168.122.50:80\n"
		  "forward 192.168.122.50 tcp 1.2.3.4:80 -> 192.168.122.50:80\n"
		  "forward 192.168.122.50 tcp any address:80 on e -> 192.168.122.50:80\n"
		  "forward 192.168.122.50 tcp any address:80 -> 192.168.122.50:80\n" },
		{ "53:80 is not base 60", TO4 "[53:80, 1:30]" END,
		  "forward 192.168.122.50 tcp any address:1 -> 192.168.122.50:30\n"
		  "forward 192.168.122.50 tcp any address:53 -> 192.168.122.50:80\n" },
		{ "allow is printed as prefixes", TO4 "80, allow: [1.2.3.4, \"::/0\"]" END,
		  "forward 192.168.122.50 tcp any address:80 -> 192.168.122.50:80 allow 1.2.3.4/32, ::/0\n" },
		{ "a byte order mark is skipped", "\xef\xbb\xbf" TO4 "80" END,
		  "forward 192.168.122.50 tcp any address:80 -> 192.168.122.50:80\n" },
		{ "line ends of other systems", "forwards:\r\n- to: 192.168.122.50\r\n  publish: 80\r\n",
		  "forward 192.168.122.50 tcp any address:80 -> 192.168.122.50:80\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct text said = { 0 };
		struct conf *c;
		char *out, *w, *from;

		if (parse(rows[i].yaml, strlen(rows[i].yaml), &c, &said))
			fail_msg("%s: %s", rows[i].what, said.octets);
		out = print(c);
		from = strstr(out, "forward ");
		from = w = from ? from : out + strlen(out);
		for (char *r = from; *r; r++)
			if (*r != ' ' || r[1] != ' ')
				*w++ = *r;
		*w = '\0';
		if (strcmp(from, rows[i].rows) != 0)
			fail_msg("%s: got\n%s", rows[i].what, from);
		free(out);
		free(said.octets);
		conf_free(c);
	}
}

/* Refused, with a line that has this in it, and that many lines in all. */
static void refusals(void **state)
{
	static const struct { const char *what, *yaml, *word; unsigned lines; } rows[] = {
		{ "no octet", "", "says nothing", 1 },
		{ "all mistakes at once", "queue: x\nwrkers: 1\n" TO4 "[0, 80:0]" END, "t.yaml:3:50: ", 4 },
		{ "the same listener twice, in two families", BOTH "[80, 80]" END, "already forwarded at t.yaml:1", 1 },
		{ "0.0.0.0 is every address", TO4 "[80, \"0.0.0.0:80\"]" END, "already forwarded", 1 },
		{ "default source ports", TO4 "60000-61000" END, "port 61000/tcp is among source-ports", 1 },
		{ "queue numbers end at 65535", "queue: 65343\nworkers: 64\nforwards: []\n", NULL, 0 },
		{ "queue numbers end at 65535", "queue: 65345\nworkers: 64\nforwards: []\n", "write 65344 or less", 1 },
		{ "a wide hole leaves nothing", TO4 "[80, ~1-65535]" END, "every port of '80' is excluded", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct text said = { 0 };
		unsigned lines = 0;
		struct conf *c;

		parse(rows[i].yaml, strlen(rows[i].yaml), &c, &said);
		for (size_t k = 0; k < said.len; k++)
			lines += said.octets[k] == '\n';
		if (lines != rows[i].lines || (rows[i].word && !strstr(said.octets, rows[i].word)))
			fail_msg("%s: %s", rows[i].what, said.octets);
		free(said.octets);
		conf_free(c);
	}
}

/* @head, then @n times @unit, then @tail: all must end, soon and without a crash. */
static void hostile_texts(void **state)
{
	static const struct { const char *what, *head, *unit; unsigned n; const char *tail, *word; } rows[] = {
		{ "open brackets",  "forwards: ", "[", 100000, "\n", "t.yaml:" },
		{ "open braces",    "", "{a: ", 100000, "\n", "t.yaml:" },
		{ "deep indent",    "", "- ", 50000, "x\n", "t.yaml:" },
		{ "aliases",        "a: &a x\nb: [", "*a, ", 100000, "]\n", "aliases (*name) are not used" },
		{ "unknown keys",   "", "x: 1\n", 100000, "", "99900 more mistakes" },
		{ "more than 4 MiB", "# ", "0123456789abcdef", (4 << 20) / 16, "\nforwards: []\n", "larger than 4 MiB" },
		{ "one long line",  "queue: '", "1", 1000000, "'\n", "queue is too long" },
		{ "documents",      "", "--- {}\n", 50000, "", "a second document" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct text said = { 0 }, yaml = { 0 };
		FILE *f = open_memstream(&yaml.octets, &yaml.len);
		struct conf *c;

		assert_non_null(f);
		fputs(rows[i].head, f);
		for (unsigned k = 0; k < rows[i].n; k++)
			fputs(rows[i].unit, f);
		fputs(rows[i].tail, f);
		fclose(f);
		if (!parse(yaml.octets, yaml.len, &c, &said) || !strstr(said.octets, rows[i].word))
			fail_msg("%s: %.300s", rows[i].what, said.octets);
		free(yaml.octets);
		free(said.octets);
	}
}

/* Holes multiply rows: 40 ranges of 2 families with 2000 holes each are more than the limit. */
static void too_many_rows(void **state)
{
	struct text said = { 0 }, yaml = { 0 };
	FILE *f = open_memstream(&yaml.octets, &yaml.len);
	struct conf *c;

	(void)state;
	assert_non_null(f);
	fputs(BOTH "[", f);
	for (unsigned port = 2; port <= 4000; port += 2)
		fprintf(f, "~%u, ", port);
	for (unsigned i = 0; i < 40; i++)
		fputs("1-4001, ", f);
	fputs("]" END, f);
	fclose(f);
	parse(yaml.octets, yaml.len, &c, &said);
	if (!strstr(said.octets, "this is more than 131072 forwarded ranges"))
		fail_msg("%.300s", said.octets);
	free(yaml.octets);
	free(said.octets);
	conf_free(c);
}

/* Every octet of a good text, changed: accepted or refused, but never a crash or a leak. */
static void one_octet_changed(void **state)
{
	static const char good[] =
		"queue: 1\ntimeouts: {udp: 300s}\n"
		BOTH "[80-90:180-190, ~85, \"[::1]:1\", icmp], allow: ::1" END;
	static const char values[] = { '\0', '\n', '\t', ' ', '"', '[', '&', '*', ':', '-', '0', '9', '\x7f', '\xff' };
	char text[sizeof(good)];

	(void)state;
	for (size_t i = 0; i + 1 < sizeof(good); i++)
		for (size_t v = 0; v < sizeof(values); v++) {
			struct text said = { 0 };
			struct conf *c;

			memcpy(text, good, sizeof(good));
			text[i] = values[v];
			parse(text, sizeof(good) - 1, &c, &said);
			free(said.octets);
			conf_free(c);
		}
}

static void rows_tell_where_they_were_written(void **state)
{
	static const char yaml[] = "forwards:\n  - to: 192.168.122.50\n    publish:\n      - 80\n      - 81\n";
	struct text said = { 0 };
	struct conf *c;

	(void)state;
	assert_int_equal(parse(yaml, sizeof(yaml) - 1, &c, &said), 0);
	assert_int_equal(c->n_rows, 2);
	assert_int_equal(c->rows[1].line, 5);
	assert_int_equal(c->rows[1].col, 9);
	assert_int_equal(c->rows[1].forward, 0);
	assert_string_equal(c->forwards[0].file, "t.yaml");
	assert_int_equal(c->forwards[0].line, 2);
	free(said.octets);
	conf_free(c);
}

static void put(const char *dir, const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void load(const char *dir, const char *name, int want, const char *word)
{
	struct text said = { 0 };
	struct conf *c = NULL;
	char path[128];
	FILE *err = open_memstream(&said.octets, &said.len);

	assert_non_null(err);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(conf_load(path, &c, err), want);
	fclose(err);
	if (!strstr(said.octets, word))
		fail_msg("%s: %s", name, said.octets);
	free(said.octets);
	conf_free(c);
}

static void files_and_dropins(void **state)
{
	char dir[] = "/tmp/nfqnat-test-XXXXXX", sub[64], cmd[64];

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(sub, sizeof(sub), "%s/forwards.d", dir);
	put(dir, "a.yaml", TO4 "80" END);
	put(dir, "empty.yaml", "");

	load(dir, "none.yaml", -1, "none.yaml: cannot be read: No such file");
	load(dir, "", -1, "cannot be read: Is a directory");
	load(dir, "empty.yaml", -1, "empty.yaml:1:1: the file says nothing");
	load(dir, "a.yaml", 0, "");

	put(dir, "forwards.d", "not a directory");
	load(dir, "a.yaml", -1, "forwards.d beside it cannot be read");
	assert_int_equal(unlink(sub), 0);

	assert_int_equal(mkdir(sub, 0700), 0);
	load(dir, "a.yaml", 0, "");
	put(sub, "b.yaml", TO4 "81" END);
	put(sub, ".c.yaml", "[");
	put(sub, "d.yaml~", "[");
	load(dir, "a.yaml", 0, "");
	put(sub, "e.yaml", TO4 "80" END);
	load(dir, "a.yaml", -1, "forwards.d/e.yaml:1:43: port 80/tcp is already forwarded at ");

	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	assert_int_equal(system(cmd), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_of_a_forward),
		cmocka_unit_test(refusals),
		cmocka_unit_test(hostile_texts),
		cmocka_unit_test(too_many_rows),
		cmocka_unit_test(one_octet_changed),
		cmocka_unit_test(rows_tell_where_they_were_written),
		cmocka_unit_test(files_and_dropins),
	};

	return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
