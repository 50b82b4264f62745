/* SPDX-License-Identifier: GPL-2.0-or-later */
/* link - see link.h */
#include "replay/link.h"

#include <pcap/dlt.h>
#include <stddef.h>

#include "nat/wire.h"

/* Ethertypes, IEEE 802 numbers. */
enum {
	ETHER_IPV4 = 0x0800,
	ETHER_IPV6 = 0x86dd,
	ETHER_VLAN = 0x8100,		/* 802.1Q */
	ETHER_QINQ = 0x88a8,		/* 802.1ad */
	VLAN_OCTETS = 4,
};

/*
 * What stands before the packet: how much, and where in it the protocol is
 * named; NO_FIELD: nowhere, the packet itself says its version.
 */
#define NO_FIELD UINT32_MAX
static const struct link {
	int type;
	uint32_t octets;
	uint32_t field;			/* offset of the ethertype */
} links[] = {
	{ DLT_EN10MB,      14, 12 },
	{ DLT_LINUX_SLL,   16, 14 },
	{ DLT_LINUX_SLL2,  20, 0 },
	{ DLT_RAW,         0,  NO_FIELD },
	{ DLT_IPV4,        0,  NO_FIELD },
	{ DLT_IPV6,        0,  NO_FIELD },
	{ DLT_NULL,        4,  NO_FIELD },
	{ DLT_LOOP,        4,  NO_FIELD },
};

static const struct link *link_of(int type)
{
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (links[i].type == type)
			return &links[i];
	return NULL;
}

bool link_known(int type)
{
	return link_of(type);
}

const char *link_known_list(void)
{
	return "Ethernet, raw IP, Linux cooked (-i any) and BSD loopback";
}

int32_t link_ip(int type, const uint8_t *frame, uint32_t len)
{
	const struct link *l = link_of(type);
	uint16_t ether;
	uint32_t at;

	if (!l || len <= l->octets)
		return -1;
	at = l->octets;
	if (l->field == NO_FIELD)
		return (int32_t)at;
	ether = wire_get16(frame + l->field);
	/* A tag stands before the real type, as often as there are VLANs around each other. */
	while (ether == ETHER_VLAN || ether == ETHER_QINQ) {
		at += VLAN_OCTETS;
		if (len <= at)
			return -1;
		ether = wire_get16(frame + at - 2);
	}
	return ether == ETHER_IPV4 || ether == ETHER_IPV6 ? (int32_t)at : -1;
}
