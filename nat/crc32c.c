/* SPDX-License-Identifier: GPL-2.0-or-later */
/* crc32c - see crc32c.h */
#include "nat/crc32c.h"

#include <assert.h>

/* The polynomial 0x1edc6f41 of RFC 9260 appendix A, lowest bit first. */
#define POLY 0x82f63b78u

/* What four bits do to the sum. */
static const uint32_t nibble[16] = {
	0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
	0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75
};

/* x^(8 * 2^k) modulo the polynomial: 2^k octets of zeros. test_crc32c.c computes them anew. */
static const uint32_t zeros[17] = {
	0x00800000, 0x00008000, 0x82f63b78, 0x6ea2d55c, 0x18b8ea18, 0x510ac59a, 0xb82be955, 0xb8fdb1e7,
	0x88e56f72, 0x74c360a4, 0xe4172b16, 0x0d65762a, 0x35d73a62, 0x28461564, 0xbf455269, 0xe2ea32dc,
	0xfe7740e6
};

static uint32_t step(uint32_t c, uint8_t octet)
{
	c ^= octet;
	c = c >> 4 ^ nibble[c & 15];
	return c >> 4 ^ nibble[c & 15];
}

uint32_t crc32c_add(uint32_t c, const uint8_t *data, size_t len)
{
	while (len--)
		c = step(c, *data++);
	return c;
}

/* The product of two polynomials modulo POLY. */
static uint32_t product(uint32_t a, uint32_t b)
{
	uint32_t p = 0;

	for (uint32_t bit = 1u << 31; bit; bit >>= 1) {
		if (a & bit)
			p ^= b;
		b = b & 1 ? b >> 1 ^ POLY : b >> 1;
	}
	return p;
}

uint32_t crc32c_difference(const uint8_t *difference, size_t len, uint32_t behind_octets)
{
	uint32_t c = crc32c_add(0, difference, len);

	assert(behind_octets < 1u << 17);
	for (unsigned k = 0; k < 17; k++)
		if (behind_octets >> k & 1)
			c = product(c, zeros[k]);
	return c;
}
