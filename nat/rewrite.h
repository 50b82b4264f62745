/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rewrite - write new ends into a packet, or into one that an ICMP error quotes.
 *
 * Only addresses, ports (ICMP: the identifier) and the checksums over them
 * change; TTL, TOS, flow label and payload never do (R61), the identification only by ident.h.
 * Checksums are updated by difference, so a wrong one stays wrong (R15).
 */
#ifndef NAT_REWRITE_H
#define NAT_REWRITE_H

#include "nat/pkt.h"

/**
 * rewrite_ends - replace the ends of the IP packet at @data
 * @v:       of the same octets; its tuple says what is there now and is updated
 * @to:      what shall be there
 * @l4_csum: update the transport checksum too, if it is there (a quote may end before it)
 *
 * Cost: O(1), about 10 ns.
 */
void rewrite_ends(uint8_t *data, struct pkt_view *v, const struct nat_ends *to, bool l4_csum);

/**
 * rewrite_packet - rewrite_ends() for a packet that the kernel will take back
 *
 * Sets changed and after; and csum_full if the kernel has left the checksum
 * unfinished (R5, R6): after a rewritten payload it regards the field as final.
 */
void rewrite_packet(struct nat_pkt *p, const struct nat_ends *to);

/**
 * rewrite_plain - the same for a plain packet of which one address and both ports change
 * @source: which address
 * @ports:  source and destination port, as they lie in the header
 * Returns false, and changes nothing, if they are what they shall be.
 */
bool rewrite_plain(struct nat_pkt *p, bool source, const struct nat_addr *to, uint32_t ports);

/* rewrite_icmp_csum - write the whole checksum of the ICMP or ICMPv6 message in @data */
void rewrite_icmp_csum(uint8_t *data, const struct pkt_view *v);

/* rewrite_icmp_good - is the checksum of the ICMP or ICMPv6 message right? */
bool rewrite_icmp_good(const uint8_t *data, const struct pkt_view *v);

/* rewrite_full_csum - write the whole checksum of the transport protocol, if it has one; O(packet) */
void rewrite_full_csum(uint8_t *data, const struct pkt_view *v);

#endif
