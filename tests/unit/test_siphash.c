/* SPDX-License-Identifier: GPL-2.0-or-later */
/* siphash: the paper's vectors, and a second implementation for any number of rounds. */
#include "nat/siphash.h"

#include "nat/tuple.h"
#include "tests/unit/packet.h"
#include "tests/unit/unit.h"

/* k = 00 01 .. 0f, as in the paper's appendix A */
static const struct siphash_key key = { { 0x0706050403020100u, 0x0f0e0d0c0b0a0908u } };

/* SipHash-2-4 of 00 01 .. (n - 1); rows of the reference's vectors.h, and n = 15 of the paper. */
static const struct { const char *name; size_t n; uint64_t hash; } vectors[] = {
	{ "siphash24_of_0_octets", 0, 0x726fdb47dd0e0e31u },
	{ "siphash24_of_1_octet", 1, 0x74f839c593dc67fdu },
	{ "siphash24_of_2_octets", 2, 0x0d6c8009d9a94f5au },
	{ "siphash24_of_3_octets", 3, 0x85676696d7fb7e2du },
	{ "siphash24_of_4_octets", 4, 0xcf2794e0277187b7u },
	{ "siphash24_of_5_octets", 5, 0x18765564cd99a68du },
	{ "siphash24_of_6_octets", 6, 0xcbc9466e58fee3ceu },
	{ "siphash24_of_7_octets", 7, 0xab0200f58b01d137u },
	{ "siphash24_of_8_octets", 8, 0x93f5f5799a932462u },
	{ "siphash24_of_15_octets_as_in_the_paper", 15, 0xa129ca6149be45e5u },
};

static void vector(void **state)
{
	size_t row = (size_t)((const char *)*state - (const char *)vectors) / sizeof(vectors[0]);
	uint8_t data[64];

	for (uint8_t i = 0; i < sizeof(data); i++)
		data[i] = i;
	assert_true(siphash_24(&key, data, vectors[row].n) == vectors[row].hash);
}

/* SipHash-c-d straight from the paper's section 2. */
static uint64_t rotate(uint64_t x, int b)
{
	return (x << b) | (x >> (64 - b));
}

static void rounds(uint64_t v[4], int n)
{
	while (n--) {
		v[0] += v[1]; v[2] += v[3];
		v[1] = rotate(v[1], 13); v[3] = rotate(v[3], 16);
		v[1] ^= v[0]; v[3] ^= v[2];
		v[0] = rotate(v[0], 32);
		v[2] += v[1]; v[0] += v[3];
		v[1] = rotate(v[1], 17); v[3] = rotate(v[3], 21);
		v[1] ^= v[2]; v[3] ^= v[0];
		v[2] = rotate(v[2], 32);
	}
}

static uint64_t naive_siphash(int c, int d, const uint8_t *m, size_t len)
{
	uint64_t v[4] = { key.k[0] ^ 0x736f6d6570736575u, key.k[1] ^ 0x646f72616e646f6du,
			  key.k[0] ^ 0x6c7967656e657261u, key.k[1] ^ 0x7465646279746573u };

	for (size_t at = 0; at <= len / 8 * 8; at += 8) {
		uint64_t word = at + 8 <= len ? 0 : (uint64_t)(len & 0xff) << 56;

		for (size_t i = at; i < len && i < at + 8; i++)
			word |= (uint64_t)m[i] << (8 * (i - at));
		v[3] ^= word;
		rounds(v, c);
		v[0] ^= word;
	}
	v[2] ^= 0xff;
	rounds(v, d);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static void any_length_equals_second_implementation(void **state)
{
	uint8_t data[200];

	(void)state;
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 37);
	for (size_t n = 0; n <= sizeof(data); n++)
		assert_true(siphash_24(&key, data, n) == naive_siphash(2, 4, data, n));
}

static void words_are_siphash13(void **state)
{
	uint64_t w[8];
	uint8_t data[64];

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		w[i] = (i + 1) * 0x9e3779b97f4a7c15u;
		for (unsigned o = 0; o < 8; o++)
			data[i * 8 + o] = (uint8_t)(w[i] >> (8 * o));
	}
	for (size_t n = 0; n <= 8; n++)
		assert_true(siphash_words(&key, w, n) == naive_siphash(1, 3, data, n * 8));
	assert_true(siphash_words(&key, w, 0) == 0xabac0158050fc4dcu);	/* of nothing, known from other libraries */
}

/* The tuple as its 13 or 37 octets, hashed as any other message. */
static void tuple_hash_is_siphash13(void **state)
{
	(void)state;
	for (unsigned family = 4; family <= 6; family += 2) {
		struct nat_ends e = { letter_addr('C', family), letter_addr('H', family), 0x1234, 0x5678 };
		size_t a = family == NAT_IPV4 ? 4 : 16;
		uint8_t m[37];

		memcpy(m, nat_addr_wire(&e.src, family), a);
		memcpy(m + a, nat_addr_wire(&e.dst, family), a);
		memcpy(m + 2 * a, (const uint8_t[]){ 0x34, 0x12, 0x78, 0x56, 6 }, 5);
		assert_true(nat_tuple_hash(&key, &e, 6, (uint8_t)family) == naive_siphash(1, 3, m, 2 * a + 5));
	}
}

static uint64_t hash_of(const struct siphash_key *k, const struct nat_ends *e, uint8_t proto, uint8_t family)
{
	return nat_tuple_hash(k, e, proto, family);
}

/* R80: everything that makes a tuple must reach the hash, and so must the key. */
static void R80_every_octet_of_a_tuple_counts(void **state)
{
	(void)state;
	for (unsigned f = 0; f < 2; f++) {
		enum nat_family family = f ? NAT_IPV6 : NAT_IPV4;
		struct nat_ends e = { letter_addr('C', family), letter_addr('H', family), 0x1234, 0x5678 };
		struct siphash_key other = key;
		uint64_t was = hash_of(&key, &e, 6, (uint8_t)family);

		assert_true(was != hash_of(&key, &e, 17, (uint8_t)family));
		other.k[0] ^= 1;
		assert_true(was != hash_of(&other, &e, 6, (uint8_t)family));
		for (unsigned at = 0; at < sizeof(e); at++) {
			struct nat_ends changed = e;
			bool prefix = at < 32 && at % 16 < 12;

			((uint8_t *)&changed)[at] ^= 0x40;
			/* The mapped prefix of IPv4 is the same in all and is left out. */
			assert_int_equal(was == hash_of(&key, &changed, 6, (uint8_t)family), family == NAT_IPV4 && prefix);
		}
		assert_true(was != hash_of(&key, &(struct nat_ends){ e.dst, e.src, e.dport, e.sport }, 6, (uint8_t)family));
	}
}

int main(void)
{
	for (unsigned i = 0; i < COUNT(vectors); i++)
		unit_add(vectors[i].name, vector, &vectors[i]);
	unit_add("any_length_equals_second_implementation", any_length_equals_second_implementation, NULL);
	unit_add("words_are_siphash13", words_are_siphash13, NULL);
	unit_add("tuple_hash_is_siphash13", tuple_hash_is_siphash13, NULL);
	unit_add("R80_every_octet_of_a_tuple_counts", R80_every_octet_of_a_tuple_counts, NULL);
	return unit_run("siphash");
}
