/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dynamic: forwards that come at run time, claims on listeners, and file and lists as one configuration. */
#include "conf/dynamic.h"

#include <errno.h>
#include <netinet/in.h>

#include "tests/unit/unit.h"

#define FILE_YAML "forwards: [{ name: web, to: 192.168.122.50, publish: ['80-89', '203.0.113.5:443', '%eth0:22', 53/udp] }]"

static struct conf *conf_of(const char *yaml)
{
	struct conf *c = NULL;

	assert_int_equal(conf_parse("test.yaml", yaml, strlen(yaml), &c, stderr), 0);
	return c;
}

static struct conf_row row_of(const char *publish)
{
	char yaml[256];
	struct conf *c;
	struct conf_row row;

	snprintf(yaml, sizeof(yaml), "forwards: [{ to: 192.168.122.60, publish: '%s' }]", publish);
	c = conf_of(yaml);
	row = c->rows[0];
	conf_free(c);
	return row;
}

/* Claims against FILE_YAML, one after the other. */
static const struct claim {
	const char *publish;
	int err;
} claims_wanted[] = {
	{ "79",              0 },
	{ "80",              -EEXIST },
	{ "89",              -EEXIST },
	{ "90",              0 },
	{ "90",              -EEXIST },		/* claimed by the row before */
	{ "70-100",          -EEXIST },		/* around it */
	{ "80/udp",          0 },
	{ "53/udp",          -EEXIST },
	{ "443",             0 },		/* of all addresses: another listener than one address's */
	{ "203.0.113.5:443", -EEXIST },
	{ "203.0.113.6:443", 0 },
	{ "%eth0:22",        -EEXIST },
	{ "%eth1:22",        0 },
	{ "icmp",            0 },
	{ "icmp",            -EEXIST },
};

static void claims_are_kept_apart(void **state)
{
	struct conf *c = conf_of(FILE_YAML);
	struct conf_claims claims;

	(void)state;
	assert_int_equal(conf_claims_init(&claims, c), 0);
	for (size_t i = 0; i < COUNT(claims_wanted); i++) {
		struct conf_row row = row_of(claims_wanted[i].publish);

		if (conf_claims_has(&claims, &row) != (claims_wanted[i].err == -EEXIST) ||
		    conf_claims_add(&claims, &row) != claims_wanted[i].err)
			unit_fail("claim %zu, %s", i, claims_wanted[i].publish);
	}
	conf_claims_free(&claims);
	conf_free(c);
}

/* Whatever is claimed in whatever order: a claim is taken if and only if no port of it was. */
static void claims_against_a_bitmap(void **state)
{
	static bool taken[4096];
	struct conf_claims claims = { 0 };
	struct rng rng = rng_start("claims", 7);

	(void)state;
	memset(taken, 0, sizeof(taken));
	for (unsigned i = 0; i < 3000; i++) {
		uint16_t lo = (uint16_t)(rng_next(&rng) % 4000), hi = (uint16_t)(lo + rng_next(&rng) % 20);
		struct conf_row row = { .family = NAT_IPV4, .proto = IPPROTO_TCP, .lo = lo, .hi = hi };
		bool free_ports = true;

		for (unsigned p = lo; p <= hi; p++)
			free_ports &= !taken[p];
		assert_int_equal(conf_claims_add(&claims, &row), free_ports ? 0 : -EEXIST);
		for (unsigned p = lo; p <= hi && free_ports; p++)
			taken[p] = true;
	}
	conf_claims_free(&claims);
}

static void file_and_lists_become_one(void **state)
{
	struct conf *file = conf_of(FILE_YAML), *c;
	struct nat_prefix allow = { .family = NAT_IPV4, .bits = 8 };
	struct conf_dynamic lists[2] = { 0 };
	struct conf_row row = row_of("7000:70");

	(void)state;
	assert_int_equal(conf_dynamic_forward(&lists[1], "first", NULL, 0), 0);
	assert_int_equal(conf_dynamic_forward(&lists[1], "web1", &allow, 1), 1);
	row.forward = 1;
	row.action = CONF_REJECT;
	assert_int_equal(conf_dynamic_row(&lists[1], &row), 0);
	assert_int_equal(conf_compose(file, lists, 2, &c), 0);

	assert_int_equal(c->n_forwards, 3);
	assert_string_equal(c->forwards[0].name, "web");
	assert_string_equal(c->forwards[2].name, "web1");
	assert_int_equal(c->forwards[2].n_allow, 1);
	assert_int_equal(c->n_rows, file->n_rows + 1);
	assert_int_equal(c->max_flows, file->max_flows);
	for (unsigned i = 0; i < c->n_rows; i++) {
		bool ours = c->rows[i].lo == 7000;

		assert_int_equal(c->rows[i].forward, ours ? 2 : 0);
		assert_int_equal(c->rows[i].action, ours ? CONF_REJECT : CONF_FORWARD);
		if (i && c->rows[i].proto == c->rows[i - 1].proto)
			assert_true(c->rows[i].lo >= c->rows[i - 1].lo);
	}
	conf_free(c);
	conf_dynamic_free(&lists[1]);
	conf_free(file);
}

static void more_rows_than_there_may_be(void **state)
{
	struct conf *file = conf_of(FILE_YAML), *c = NULL;
	struct conf_dynamic list = { 0 };
	struct conf_row row = row_of("7000");

	(void)state;
	assert_int_equal(conf_dynamic_forward(&list, "many", NULL, 0), 0);
	for (unsigned i = 0; i < 131072; i++)
		assert_int_equal(conf_dynamic_row(&list, &row), 0);
	assert_int_equal(conf_compose(file, &list, 1, &c), -E2BIG);
	assert_null(c);
	conf_dynamic_free(&list);
	conf_free(file);
}

int main(void)
{
	unit_add("claims on one listener never overlap", claims_are_kept_apart, NULL);
	unit_add("claims agree with a bitmap", claims_against_a_bitmap, NULL);
	unit_add("file and lists become one configuration", file_and_lists_become_one, NULL);
	unit_add("too many rows are refused", more_rows_than_there_may_be, NULL);
	return unit_run("dynamic");
}
