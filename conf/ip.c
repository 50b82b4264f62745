/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ip - addresses and prefixes as text; ip.h has the contract. */
#include "conf/ip.h"

#include <arpa/inet.h>
#include <stdio.h>

bool conf_ip_parse(const char *text, size_t len, struct nat_addr *a, enum nat_family *family)
{
	char copy[INET6_ADDRSTRLEN];
	uint8_t octets[16];

	/* A NUL inside would hide what follows it from inet_pton(). */
	if (len >= sizeof(copy) || memchr(text, '\0', len))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';

	if (inet_pton(AF_INET, copy, octets) == 1) {
		*a = nat_addr_v4(octets);
		*family = NAT_IPV4;
		return true;
	}
	if (inet_pton(AF_INET6, copy, octets) == 1) {
		*a = nat_addr_v6(octets);
		*family = NAT_IPV6;
		return true;
	}
	return false;
}

enum conf_ip_kind conf_ip_kind(const struct nat_addr *a, enum nat_family family)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (family == NAT_IPV6 && !memcmp(a->octet, mapped, sizeof(mapped)))
		return CONF_IP_MAPPED;
	/* 0.0.0.0/8 is "this network", never a destination: RFC 1122 3.2.1.3 */
	if (family == NAT_IPV4 ? a->octet[12] == 0 : nat_addr_is_any(a))
		return CONF_IP_ANY;
	if (nat_addr_is_loopback(a, family))
		return CONF_IP_LOOPBACK;
	if (nat_addr_is_linklocal(a, family))
		return CONF_IP_LINKLOCAL;
	if (nat_addr_is_multicast(a, family))
		return CONF_IP_MULTICAST;
	return CONF_IP_UNICAST;
}

const char *conf_ip_print(char buf[CONF_IP_TEXT], const struct nat_addr *a, enum nat_family family, bool bracket)
{
	char text[INET6_ADDRSTRLEN] = "";

	inet_ntop(family == NAT_IPV4 ? AF_INET : AF_INET6, nat_addr_wire(a, family), text, sizeof(text));
	bracket = bracket && family == NAT_IPV6;
	snprintf(buf, CONF_IP_TEXT, "%s%s%s", bracket ? "[" : "", text, bracket ? "]" : "");
	return buf;
}

/* "24" -> 24; false if not one to three digits, or above @max */
static bool parse_bits(const char *text, size_t len, unsigned max, uint8_t *bits)
{
	unsigned n = 0;

	if (!len || len > 3 || (len > 1 && *text == '0'))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		n = n * 10 + (unsigned)(text[i] - '0');
	}
	if (n > max)
		return false;
	*bits = (uint8_t)n;
	return true;
}

bool conf_prefix_parse(const char *text, size_t len, struct nat_prefix *p)
{
	const char *slash = len ? memchr(text, '/', len) : NULL;
	size_t head = slash ? (size_t)(slash - text) : len;
	enum nat_family family;
	struct nat_prefix new;
	unsigned max;

	if (!conf_ip_parse(text, head, &new.addr, &family))
		return false;
	max = family == NAT_IPV4 ? 32 : 128;
	new.family = (uint8_t)family;
	new.bits = (uint8_t)max;
	if (slash && !parse_bits(slash + 1, len - head - 1, max, &new.bits))
		return false;
	*p = new;
	return true;
}

struct nat_prefix conf_prefix_trim(const struct nat_prefix *p)
{
	struct nat_prefix t = *p;
	unsigned first = p->family == NAT_IPV4 ? 12 : 0;

	for (unsigned i = first; i < 16; i++) {
		unsigned before = (i - first) * 8;	/* bits of the prefix ahead of this octet */
		unsigned keep = p->bits <= before ? 0 : p->bits - before;

		if (keep < 8)
			t.addr.octet[i] &= (uint8_t)(0xff00 >> keep);
	}
	return t;
}

const char *conf_prefix_print(char buf[CONF_IP_TEXT], const struct nat_prefix *p)
{
	char ip[CONF_IP_TEXT];

	snprintf(buf, CONF_IP_TEXT, "%.46s/%u", conf_ip_print(ip, &p->addr, (enum nat_family)p->family, false), p->bits);
	return buf;
}
