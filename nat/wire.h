/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire - read and write network-order numbers at any address.
 *
 * Packet octets have no alignment; these compile to one load and a swap.
 * Functions with `be` in the name leave the octets in network order.
 */
#ifndef NAT_WIRE_H
#define NAT_WIRE_H

#include <stdint.h>
#include <string.h>

static inline uint16_t wire_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t wire_get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void wire_put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* wire_getbe16 - two octets as they are, for tuples and one's-complement sums */
static inline uint16_t wire_getbe16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline void wire_putbe16(uint8_t *p, uint16_t v)
{
	memcpy(p, &v, sizeof(v));
}

/* wire_port - host-order port <-> the form that tuples hold */
static inline uint16_t wire_port(uint16_t v)
{
	uint8_t p[2] = { (uint8_t)(v >> 8), (uint8_t)v };

	return wire_getbe16(p);
}

static inline uint16_t wire_host(uint16_t be)
{
	uint8_t p[2];

	memcpy(p, &be, sizeof(p));
	return wire_get16(p);
}

#endif
