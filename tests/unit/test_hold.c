/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hold: fragments that wait: order, bounds and time. */
#include "nfq/hold.h"

#include "tests/unit/unit.h"

static struct hold hold;
static struct hold_list list;
static const struct queue queue = { .num = 7 };
static uint8_t octets[HOLD_OCTETS + 1];

static int setup(void **state)
{
	(void)state;
	list.n = 0;
	return hold_init(&hold);
}

static int teardown(void **state)
{
	(void)state;
	hold_fini(&hold);
	return 0;
}

static bool put(uint64_t datagram, bool later, uint8_t mark, nat_ns now)
{
	struct nat_pkt p = { .data = octets, .len = 100, .datagram = datagram };

	p.view.tuple.family = NAT_IPV4;
	p.view.is_later = later;
	octets[0] = mark;
	return hold_put(&hold, &p, &queue, mark, now, &list);
}

static void free_all(void)
{
	for (unsigned i = 0; i < list.n; i++)
		hold_free(&hold, list.place[i]);
	list.n = 0;
}

static void R65_the_first_leaves_first(void **state)
{
	static const uint8_t want[] = { 3, 1, 2, 5 };

	(void)state;
	put(8, true, 1, 0);
	put(8, true, 2, 0);
	put(8, false, 3, 0);
	put(9, true, 4, 0);
	put(8, true, 5, 0);
	hold_take(&hold, 8, &list);
	assert_int_equal(list.n, 4);
	for (unsigned i = 0; i < 4; i++) {
		const struct held *h = &hold.place[list.place[i]];

		assert_int_equal(h->id, want[i]);
		assert_int_equal(h->pkt.data[0], want[i]);	/* its own octets, not the batch's */
		assert_ptr_equal(h->queue, &queue);
	}
	free_all();
	hold_take(&hold, 8, &list);
	assert_int_equal(list.n, 0);
	hold_take(&hold, 9, &list);
	assert_int_equal(list.n, 1);
}

static void R70_the_oldest_makes_room(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		assert_true(put(i, true, (uint8_t)i, 0));
		assert_int_equal(list.n, i >= HOLD_LIMIT);
		if (list.n)
			assert_int_equal(hold.place[list.place[0]].pkt.datagram, i - HOLD_LIMIT);
		free_all();
	}
}

/* Verdicts that are not sent yet keep their places; when all are taken the newcomer is refused, nothing is overwritten. */
static void R70_places_that_leave_are_not_taken(void **state)
{
	unsigned refused = 0;

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		refused += !put(i, true, (uint8_t)i, 0);
	assert_int_equal(list.n, HOLD_PLACES - HOLD_LIMIT);
	assert_int_equal(refused, 1000 - HOLD_PLACES);
	for (unsigned i = 0; i < list.n; i++)
		assert_int_equal(hold.place[list.place[i]].pkt.datagram, i);
	free_all();
	assert_true(put(2000, true, 1, 0));
}

static void R32_time_is_over(void **state)
{
	(void)state;
	put(1, true, 1, NAT_SEC(100));
	put(2, true, 2, NAT_SEC(110));
	hold_expire(&hold, NAT_SEC(129), &list);
	assert_int_equal(list.n, 0);
	hold_expire(&hold, NAT_SEC(130), &list);
	assert_int_equal(list.n, 1);
	assert_int_equal(hold.place[list.place[0]].id, 1);
}

static void R70_too_large(void **state)
{
	struct nat_pkt p = { .data = octets, .len = HOLD_OCTETS + 1, .datagram = 1 };
	struct hold none = { 0 };

	(void)state;
	assert_false(hold_put(&hold, &p, &queue, 1, 0, &list));
	p.len = HOLD_OCTETS;
	assert_true(hold_put(&hold, &p, &queue, 1, 0, &list));
	assert_false(hold_put(&none, &p, &queue, 1, 0, &list));
	hold_take(&none, 1, &list);
	hold_expire(&none, 0, &list);
	assert_int_equal(list.n, 0);
}

int main(void)
{
#define TEST(name) unit_add_around(#name, name, NULL, setup, teardown)
	TEST(R65_the_first_leaves_first);
	TEST(R70_the_oldest_makes_room);
	TEST(R70_places_that_leave_are_not_taken);
	TEST(R32_time_is_over);
	TEST(R70_too_large);
	return unit_run("hold");
}
