/* SPDX-License-Identifier: GPL-2.0-or-later */
/* csum: the vectors of the RFCs, then a naive second implementation as the judge. */
#include "nat/csum.h"

#include "nat/wire.h"
#include "tests/unit/packet.h"
#include "tests/unit/unit.h"

/* Sums are in machine order; the RFCs write them in network order. */
static uint16_t be(uint16_t v)
{
	return wire_port(v);
}

static void R13_rfc1624_vector(void **state)
{
	(void)state;
	/* RFC 1624 4: eqn 3 gives 0x0000 where eqn 2 of RFC 1141 gave 0xffff. */
	assert_int_equal(csum_update(be(0xdd2f), csum_diff16(be(0x5555), be(0x3285))), be(0x0000));
}

static void rfc1071_example(void **state)
{
	/* RFC 1071 3: 00 01 f2 03 f4 f5 f6 f7 sums to ddf2. */
	static const uint8_t data[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };

	(void)state;
	assert_int_equal(csum_fold(csum_add(0, data, sizeof(data))), be(0xddf2));
	assert_int_equal(csum_fold(csum_add_plain(0, data, sizeof(data))), be(0xddf2));
}

static void rfc1071_odd_last_octet_is_high(void **state)
{
	static const uint8_t data[] = { 0x12, 0x34, 0x56 };

	(void)state;
	assert_int_equal(csum_fold(csum_add(0, data, sizeof(data))), be(0x1234 + 0x5600));
}

static void fold_carries_all_the_way(void **state)
{
	static const struct { csum_sum s; uint16_t folded; } rows[] = {
		{ 0, 0 },
		{ 0xffff, 0xffff },
		{ 0x10000, 1 },
		{ 0x1fffe, 0xffff },
		{ 0xffffffff, 0xffff },
		{ 0x100000000, 1 },
		{ 0xffffffffffffffff, 0xffff },
		{ 0xfffffffffffffffe, 0xfffe },
		{ 0x0001ffff0000ffff, 1 },
		{ 0xffff0000ffff0001, 1 },
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(rows); i++)
		assert_int_equal(csum_fold(rows[i].s), rows[i].folded);
}

static void check_both(const uint8_t *data, size_t len)
{
	uint16_t want = be(naive_sum(0, data, len));

	if (csum_fold(csum_add(0, data, len)) != want || csum_fold(csum_add_plain(0, data, len)) != want)
		unit_fail("%zu octets: %04x, plain %04x, naive %04x", len, csum_fold(csum_add(0, data, len)),
			  csum_fold(csum_add_plain(0, data, len)), want);
}

static void every_length_to_2000(void **state)
{
	struct rng r = rng_start("csum lengths", 1071);
	uint8_t data[2000];

	(void)state;
	rng_fill(&r, data, sizeof(data));
	for (size_t len = 0; len <= sizeof(data); len++) {
		uint8_t *exact = unit_exact(data + sizeof(data) - len, len);

		check_both(exact, len);
		free(exact);
	}
}

static void lengths_and_alignments_at_random(void **state)
{
	struct rng r = rng_start("csum alignment", 1141);
	static uint8_t data[65535 + 64];

	(void)state;
	rng_fill(&r, data, sizeof(data));
	for (unsigned i = 0; i < 300; i++) {
		uint32_t at = rng_below(&r, 64), len = rng_below(&r, i % 3 ? 3000 : 65535);

		check_both(data + at, len);
	}
	check_both(data, 65535);
	check_both(data + 1, 65535);
	check_both(data + 3, 65534);
}

static void all_ones_never_overflow(void **state)
{
	static uint8_t data[65535];

	(void)state;
	memset(data, 0xff, sizeof(data));
	for (size_t len = 65400; len <= sizeof(data); len++)
		check_both(data, len);
	check_both(data, 64);
	check_both(data, 256);
}

static void sums_go_on_from_sums(void **state)
{
	struct rng r = rng_start("csum pieces", 768);
	uint8_t data[1024];

	(void)state;
	rng_fill(&r, data, sizeof(data));
	for (unsigned i = 0; i < 1000; i++) {
		uint32_t cut = rng_below(&r, 512) * 2;
		csum_sum s = csum_add(0, data, cut);

		s = csum_add(s, data + cut, sizeof(data) - cut);
		assert_int_equal(csum_fold(s), be(naive_sum(0, data, sizeof(data))));
	}
}

/* A change by difference gives what a whole new sum gives, unless the data are all zero (then 0 is -0). */
static void R13_update_equals_a_new_sum(void **state)
{
	struct rng r = rng_start("csum update", 1624);
	uint8_t data[40];

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		uint32_t at = rng_below(&r, 20) * 2;
		uint16_t hc, old, new;

		rng_fill(&r, data, sizeof(data));
		if (i % 4 == 0)
			memset(data, i % 8 ? 0xff : 0, sizeof(data) - 1);
		data[39] |= 1;
		if (at == 38)
			at = 36;
		hc = (uint16_t)~csum_fold(csum_add(0, data, sizeof(data)));
		old = wire_getbe16(data + at);
		new = i % 5 ? (uint16_t)rng_next(&r) : (uint16_t)(i % 2 ? 0xffff : 0);
		wire_putbe16(data + at, new);
		assert_int_equal(csum_update(hc, csum_diff16(old, new)),
				 (uint16_t)~csum_fold(csum_add(0, data, sizeof(data))));
	}
}

static void address_differences(void **state)
{
	struct rng r = rng_start("csum addresses", 6145);

	(void)state;
	for (unsigned i = 0; i < 2000; i++) {
		enum nat_family family = i % 2 ? NAT_IPV4 : NAT_IPV6;
		struct nat_addr a, b;
		uint8_t from[33], to[33];
		size_t n = family == NAT_IPV4 ? 4 : 16;
		uint16_t hc;

		rng_fill(&r, &a, sizeof(a));
		rng_fill(&r, &b, sizeof(b));
		rng_fill(&r, from, sizeof(from));
		from[32] = 1;
		memcpy(to, from, sizeof(to));
		memcpy(from, nat_addr_wire(&a, family), n);
		memcpy(to, nat_addr_wire(&b, family), n);
		hc = (uint16_t)~csum_fold(csum_add(0, from, sizeof(from)));
		assert_int_equal(csum_update(hc, csum_diff_addr(&a, &b, family)),
				 (uint16_t)~csum_fold(csum_add(0, to, sizeof(to))));
	}
}

static void pseudo_headers(void **state)
{
	struct nat_addr a4 = letter_addr('C', NAT_IPV4), b4 = letter_addr('H', NAT_IPV4);
	struct nat_addr a6 = letter_addr('C', NAT_IPV6), b6 = letter_addr('H', NAT_IPV6);
	uint8_t p4[12], p6[40] = { 0 };

	(void)state;
	memcpy(p4, a4.octet + 12, 4);
	memcpy(p4 + 4, b4.octet + 12, 4);
	p4[8] = 0;
	p4[9] = 17;
	wire_put16(p4 + 10, 4711);
	assert_int_equal(csum_fold(csum_pseudo(&a4, &b4, NAT_IPV4, 17, 4711)), be(naive_sum(0, p4, sizeof(p4))));

	memcpy(p6, a6.octet, 16);
	memcpy(p6 + 16, b6.octet, 16);
	wire_put16(p6 + 32, 1);		/* 65536 + 5: the length has 32 bits */
	wire_put16(p6 + 34, 5);
	p6[39] = 58;
	assert_int_equal(csum_fold(csum_pseudo(&a6, &b6, NAT_IPV6, 58, 65541)), be(naive_sum(0, p6, sizeof(p6))));
}

int main(void)
{
	unit_add("R13_rfc1624_vector", R13_rfc1624_vector, NULL);
	unit_add("rfc1071_example", rfc1071_example, NULL);
	unit_add("rfc1071_odd_last_octet_is_high", rfc1071_odd_last_octet_is_high, NULL);
	unit_add("fold_carries_all_the_way", fold_carries_all_the_way, NULL);
	unit_add("every_length_to_2000", every_length_to_2000, NULL);
	unit_add("lengths_and_alignments_at_random", lengths_and_alignments_at_random, NULL);
	unit_add("all_ones_never_overflow", all_ones_never_overflow, NULL);
	unit_add("sums_go_on_from_sums", sums_go_on_from_sums, NULL);
	unit_add("R13_update_equals_a_new_sum", R13_update_equals_a_new_sum, NULL);
	unit_add("address_differences", address_differences, NULL);
	unit_add("pseudo_headers", pseudo_headers, NULL);
	return unit_run("csum");
}
