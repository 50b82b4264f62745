/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pcapng - see pcapng.h */
#include "nfq/pcapng.h"

#include <endian.h>
#include <string.h>

enum {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 6,		/* enhanced packet block */
	BLOCK_ENDS = 12,		/* octets of a block's type and its two lengths */
	OPT_END = 0,
	OPT_COMMENT = 1,
	OPT_NAME = 2,			/* of an interface */
	OPT_DESCRIPTION = 3,		/* of an interface */
	OPT_APPLICATION = 4,		/* of a section: shb_userappl */
	OPT_TSRESOL = 9,		/* of an interface: ten to the minus n */
	OPTION_HEAD = 4,		/* octets of an option's code and length */
	OPTION_MAX = 2048,
};

static uint32_t padded(uint32_t n)
{
	return (n + 3) & ~3u;
}

static bool put(FILE *to, const void *octets, size_t n)
{
	return fwrite(octets, 1, n, to) == n;
}

static bool put16(FILE *to, uint16_t n)
{
	n = htole16(n);
	return put(to, &n, sizeof(n));
}

static bool put32(FILE *to, uint32_t n)
{
	n = htole32(n);
	return put(to, &n, sizeof(n));
}

static bool put_padded(FILE *to, const void *octets, uint32_t n)
{
	return put(to, octets, n) && put(to, "\0\0\0", padded(n) - n);
}

static uint32_t option_octets(uint32_t n)
{
	return n ? OPTION_HEAD + padded(n) : 0;
}

static bool option(FILE *to, uint16_t code, const void *octets, uint32_t n)
{
	return !n || (put16(to, code) && put16(to, (uint16_t)n) && put_padded(to, octets, n));
}

static uint32_t text_octets(const char *text)
{
	return (uint32_t)strnlen(text, OPTION_MAX);
}

static bool head(FILE *to, uint32_t type, uint32_t octets)
{
	return put32(to, type) && put32(to, octets);
}

static bool tail(FILE *to, uint32_t octets)
{
	return put16(to, OPT_END) && put16(to, 0) && put32(to, octets);
}

bool pcapng_begin(FILE *to, const char *application)
{
	uint32_t n = text_octets(application), octets = BLOCK_ENDS + 16 + option_octets(n) + OPTION_HEAD;

	/* byte order, version 1.0, a length that is not known */
	return head(to, BLOCK_SECTION, octets) && put32(to, 0x1a2b3c4d) && put16(to, 1) && put16(to, 0) &&
	       put32(to, UINT32_MAX) && put32(to, UINT32_MAX) && option(to, OPT_APPLICATION, application, n) && tail(to, octets);
}

bool pcapng_interface(FILE *to, uint16_t link, const char *name, const char *description)
{
	const uint8_t nanoseconds = 9;
	uint32_t a = text_octets(name), b = text_octets(description);
	uint32_t octets = BLOCK_ENDS + 8 + option_octets(a) + option_octets(b) + option_octets(1) + OPTION_HEAD;

	/* link type, reserved, no limit to a packet's length */
	return head(to, BLOCK_INTERFACE, octets) && put16(to, link) && put16(to, 0) && put32(to, 0) &&
	       option(to, OPT_NAME, name, a) && option(to, OPT_DESCRIPTION, description, b) &&
	       option(to, OPT_TSRESOL, &nanoseconds, 1) && tail(to, octets);
}

bool pcapng_packet(FILE *to, uint32_t interface, uint64_t when_ns, const void *octets, uint32_t kept, uint32_t len,
		   const char *comment)
{
	uint32_t n = text_octets(comment), total = BLOCK_ENDS + 20 + padded(kept) + option_octets(n) + OPTION_HEAD;

	return head(to, BLOCK_PACKET, total) && put32(to, interface) && put32(to, (uint32_t)(when_ns >> 32)) &&
	       put32(to, (uint32_t)when_ns) && put32(to, kept) && put32(to, len) && put_padded(to, octets, kept) &&
	       option(to, OPT_COMMENT, comment, n) && tail(to, total);
}
