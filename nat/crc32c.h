/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crc32c - the checksum of SCTP: whole (RFC 9260 appendix A) and by difference.
 *
 * A CRC is linear: two messages of one length that differ in some octets have
 * sums that differ by the CRC of the difference, begun and ended with zero.
 * So new ports cost no look at the message, and a wrong sum stays wrong (R15).
 */
#ifndef NAT_CRC32C_H
#define NAT_CRC32C_H

#include <stddef.h>
#include <stdint.h>

#define CRC32C_BEGIN 0xffffffffu	/* the sum of nothing; at the end all bits are inverted */

/* crc32c_add - go on with @len octets; O(len), about 5 ns an octet */
uint32_t crc32c_add(uint32_t c, const uint8_t *data, size_t len);

/**
 * crc32c_difference - what a changed message's sum differs by
 * @difference:    old octets xor new ones, @len
 * @behind_octets: unchanged octets that follow, below 2^17
 * Returns what is to be xored to the sum. About 0.5 us.
 */
uint32_t crc32c_difference(const uint8_t *difference, size_t len, uint32_t behind_octets);

#endif
