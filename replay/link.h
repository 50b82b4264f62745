/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * link - where the IP packet begins in a captured frame.
 *
 * Pure: sees only octets and a length. Types are those of libpcap,
 * pcap-linktype(7): Ethernet (VLAN tags included), raw IP, Linux cooked v1
 * and v2, and BSD loopback.
 */
#ifndef REPLAY_LINK_H
#define REPLAY_LINK_H

#include <stdbool.h>
#include <stdint.h>

/* link_known - can frames of this type (pcap_datalink()) be read? */
bool link_known(int type);

/* link_known_list - the types that can be read, for a message */
const char *link_known_list(void);

/**
 * link_ip - octets before the IP header
 * @type:  one that link_known() is true for
 * @frame: @len octets, any
 *
 * Returns the offset, < @len, or -1: it carries something else (ARP, STP,
 * ...) or ends before it. O(VLAN tags).
 */
int32_t link_ip(int type, const uint8_t *frame, uint32_t len);

#endif
