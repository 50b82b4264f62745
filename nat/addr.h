/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * addr - one address type for IPv4 and IPv6.
 *
 * Sixteen octets in network order. An IPv4 address is held IPv4-mapped
 * (::ffff:a.b.c.d, RFC 4291 2.5.5.2), so one comparison and one key serve
 * both families. The family itself is kept beside the address, never guessed
 * from it: a mapped address inside an IPv6 header stays IPv6.
 */
#ifndef NAT_ADDR_H
#define NAT_ADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Values are those on the wire, so that a reader can compare with a capture. */
enum nat_family {
	NAT_IPV4 = 4,
	NAT_IPV6 = 6,
};

struct nat_addr {
	uint8_t octet[16];	/* network order; no alignment, so tuples pack tightly */
};

/*
 * nat_addr_v4 - hold the IPv4 address at @octets (4, network order)
 *
 * Put together in a vector register and stored at once: sixteen octets that
 * were written in pieces cannot be read again as a whole before all pieces
 * have reached the cache, and every address is copied and compared soon.
 */
static inline struct nat_addr nat_addr_v4(const uint8_t *octets)
{
	typedef uint32_t quad __attribute__((vector_size(16)));
	static const uint8_t mapped[4] = { 0, 0, 0xff, 0xff };
	uint32_t prefix, v4;
	struct nat_addr a;
	quad q = { 0 };

	memcpy(&prefix, mapped, 4);
	memcpy(&v4, octets, 4);
	q[2] = prefix;
	q[3] = v4;
	memcpy(a.octet, &q, sizeof(a.octet));
	return a;
}

/* nat_addr_v6 - hold the IPv6 address at @octets (16, network order) */
static inline struct nat_addr nat_addr_v6(const uint8_t *octets)
{
	struct nat_addr a;

	memcpy(a.octet, octets, 16);
	return a;
}

/* nat_addr_wire - the octets as a header of @family holds them: 4 or 16 */
static inline const uint8_t *nat_addr_wire(const struct nat_addr *a, enum nat_family family)
{
	return family == NAT_IPV4 ? a->octet + 12 : a->octet;
}

static inline bool nat_addr_eq(const struct nat_addr *a, const struct nat_addr *b)
{
	uint64_t x[2], y[2];

	memcpy(x, a->octet, sizeof(x));
	memcpy(y, b->octet, sizeof(y));
	return !((x[0] ^ y[0]) | (x[1] ^ y[1]));
}

/* nat_addr_fits - is it one that @family can have? IPv4 must be mapped; IPv6 may be anything. */
static inline bool nat_addr_fits(const struct nat_addr *a, enum nat_family family)
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	return family != NAT_IPV4 || !memcmp(a->octet, prefix, sizeof(prefix));
}

/* nat_addr_is_any - all octets zero: "no address given", of either family */
static inline bool nat_addr_is_any(const struct nat_addr *a)
{
	static const struct nat_addr any;

	return nat_addr_eq(a, &any);
}

/* nat_addr_is_loopback - 127.0.0.0/8 (RFC 1122 3.2.1.3) or ::1 (RFC 4291 2.5.3) */
static inline bool nat_addr_is_loopback(const struct nat_addr *a, enum nat_family family)
{
	static const uint8_t one[16] = { [15] = 1 };

	return family == NAT_IPV4 ? a->octet[12] == 127 : !memcmp(a->octet, one, 16);
}

/* nat_addr_is_linklocal - 169.254.0.0/16 (RFC 3927) or fe80::/10 (RFC 4291 2.5.6) */
static inline bool nat_addr_is_linklocal(const struct nat_addr *a, enum nat_family family)
{
	return family == NAT_IPV4 ? a->octet[12] == 169 && a->octet[13] == 254
				  : a->octet[0] == 0xfe && (a->octet[1] & 0xc0) == 0x80;
}

/* nat_addr_is_multicast - 224.0.0.0/4, 255.255.255.255 or ff00::/8: never translated (R12) */
static inline bool nat_addr_is_multicast(const struct nat_addr *a, enum nat_family family)
{
	return family == NAT_IPV4 ? a->octet[12] >= 224 : a->octet[0] == 0xff;
}

/* A prefix: @bits leading bits of @addr count; 0..32 for IPv4, 0..128 for IPv6. */
struct nat_prefix {
	struct nat_addr addr;
	uint8_t family;		/* enum nat_family */
	uint8_t bits;		/* as written by the admin: of 32 or of 128 */
};

/* nat_prefix_has - is @a, an address of @family, inside @p? O(1) */
static inline bool nat_prefix_has(const struct nat_prefix *p, const struct nat_addr *a, enum nat_family family)
{
	const uint8_t *x, *y;
	unsigned whole = p->bits / 8, rest = p->bits % 8;

	if (p->family != family)
		return false;
	x = nat_addr_wire(&p->addr, family);
	y = nat_addr_wire(a, family);
	if (memcmp(x, y, whole) != 0)
		return false;
	return !rest || !((x[whole] ^ y[whole]) >> (8 - rest));
}

#endif
