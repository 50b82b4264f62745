/* SPDX-License-Identifier: GPL-2.0-or-later */
/* unheard: who is told again, and when. */
#include "nfq/unheard.h"

#include "tests/unit/packet.h"
#include "tests/unit/unit.h"

static unsigned told;

static void tell(void *ctx, const struct nat_flow *f)
{
	assert_ptr_equal(ctx, &told);
	assert_int_equal(f->proto, NAT_PROTO_TCP);
	told++;
}

static struct nat_flow flow_to(char guest, enum nat_family family, uint16_t port)
{
	return (struct nat_flow){ .orig = { letter_addr('C', family), letter_addr('H', family), wire_port(port), wire_port(80) },
				  .reply = { .src = letter_addr(guest, family) }, .proto = NAT_PROTO_TCP, .family = (uint8_t)family };
}

/*
 * A swap for each letter of @steps: the guest is there (t), suspended (s), away
 * (a), another guest is there (o), or it is there by its other family alone (f);
 * `+` ends a flow before. How many are told after each swap: @want.
 */
static const struct row {
	const char *what, *steps, *want;
} rows[] = {
	{ "it was there when it ended: it has heard",          "+ttt",     "000" },
	{ "it comes back",                                      "+at",      "01" },
	{ "it is told once",                                    "+attat",   "01000" },
	{ "it stays away",                                      "+aaaa",    "0000" },
	{ "restored, suspended, then it runs",                  "+ast",     "001" },
	{ "suspended when it ended: it hears when it goes on",  "+st",      "00" },
	{ "each that ended",                                    "++at+at",  "0201" },
	{ "another guest is nobody",                            "+aoat",    "0001" },
	{ "nor is its other family",                            "+afat",    "0001" },
};

static void in_steps(void **state)
{
	static struct unheard u;
	const struct row *r = *state;
	const char *want = r->want;

	u = (struct unheard){ 0 };
	for (const char *s = r->steps; *s; s++) {
		bool four = *s != 'f';
		struct conf_row row = { .family = four ? NAT_IPV4 : NAT_IPV6, .action = *s == 'a' ? CONF_REJECT : CONF_FORWARD,
					.to = letter_addr(*s == 'o' ? 'F' : 'G', four ? NAT_IPV4 : NAT_IPV6), .frozen = *s == 's' };
		const struct conf c = { .rows = &row, .n_rows = 1 };
		struct nat_flow f = flow_to('G', NAT_IPV4, 1);

		if (*s == '+') {
			unheard_add(&u, &f);
			continue;
		}
		told = 0;
		unheard_swapped(&u, &c, tell, &told);
		assert_int_equal(told, *want++ - '0');
	}
	assert_int_equal(*want, 0);
}

static void the_last_ones_are_kept(void **state)
{
	static struct unheard u;
	struct conf_row row = { .family = NAT_IPV4, .action = CONF_FORWARD, .to = letter_addr('G', NAT_IPV4) };
	struct conf c = { .rows = &row };

	(void)state;
	for (uint16_t port = 1; port <= 2 * UNHEARD + 3; port++) {
		struct nat_flow f = flow_to('G', NAT_IPV4, port);

		unheard_add(&u, &f);
	}
	unheard_swapped(&u, &c, tell, &told);
	told = 0;
	c.n_rows = 1;
	unheard_swapped(&u, &c, tell, &told);
	assert_int_equal(told, UNHEARD);
	assert_int_equal(u.n, 0);
}

int main(void)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		unit_add(rows[i].what, in_steps, &rows[i]);
	unit_add("of more than there is room for the last ones are kept", the_last_ones_are_kept, NULL);
	return unit_run("unheard");
}
