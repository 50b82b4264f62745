/* SPDX-License-Identifier: GPL-2.0-or-later */
/* retell: who is told once more, and at which look. */
#include "nfq/retell.h"

#include "tests/unit/unit.h"

static struct retell r;
static unsigned told;

static void tell(void *ctx, const struct nat_flow *f)
{
	assert_ptr_equal(ctx, &r);
	assert_int_equal(f->orig.sport, told);	/* in order, each once */
	told++;
}

/* `+`: a connection ends; `.`: a look. @want: how many have been told in all after each look. */
static const struct row {
	const char *what, *steps, *want;
} rows[] = {
	{ "nobody is told of nothing",              "..",        "00" },
	{ "not at the next look, which may be now", "+.",        "0" },
	{ "at the one after it, and once",          "+...",      "011" },
	{ "each at its own",                        "+.++.+..",  "0134" },
};

static void in_steps(void **state)
{
	const struct row *row = *state;
	const char *want = row->want;
	struct nat_flow f = { .proto = NAT_PROTO_TCP };

	r = (struct retell){ 0 };
	told = 0;
	for (const char *s = row->steps; *s; s++) {
		if (*s == '+') {
			retell_add(&r, &f);
			f.orig.sport++;
			continue;
		}
		retell_look(&r, tell, &r);
		assert_int_equal(told, *want++ - '0');
	}
}

static void of_too_many_the_first(void **state)
{
	struct nat_flow f = { .proto = NAT_PROTO_TCP };

	(void)state;
	r = (struct retell){ 0 };
	told = 0;
	for (; f.orig.sport < RETELL + 9; f.orig.sport++)
		retell_add(&r, &f);
	retell_look(&r, tell, &r);
	retell_look(&r, tell, &r);
	assert_int_equal(told, RETELL);
	assert_int_equal(r.n, 0);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		unit_add(rows[i].what, in_steps, &rows[i]);
	unit_add("of too many the first", of_too_many_the_first, NULL);
	return unit_run("retell");
}
