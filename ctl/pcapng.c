/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pcapng - see pcapng.h; numbers are in the byte order of this machine, which the section header tells */
#include "ctl/pcapng.h"

#include <string.h>

enum {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 6,		/* enhanced packet block */
	LINKTYPE_RAW = 101,
	OPT_END = 0,
	OPT_COMMENT = 1,
	OPT_NAME = 2,			/* of an interface */
	OPT_DESCRIPTION = 3,		/* of an interface */
	OPT_APPLICATION = 4,		/* of a section: shb_userappl */
	OPT_TSRESOL = 9,		/* of an interface: ten to the minus n */
	OPTION_MAX = 1024,
};

static uint32_t padded(uint32_t n)
{
	return (n + 3) & ~3u;
}

static bool put(FILE *to, const void *octets, size_t n)
{
	return fwrite(octets, 1, n, to) == n;
}

static bool put_padded(FILE *to, const void *octets, uint32_t n)
{
	return put(to, octets, n) && put(to, "\0\0\0", padded(n) - n);
}

static uint32_t option_octets(uint32_t n)
{
	return n ? 4 + padded(n) : 0;
}

static bool option(FILE *to, uint16_t code, const void *octets, uint32_t n)
{
	const uint16_t head[2] = { code, (uint16_t)n };

	return !n || (put(to, head, sizeof(head)) && put_padded(to, octets, n));
}

static uint32_t text_octets(const char *text)
{
	return (uint32_t)strnlen(text, OPTION_MAX);
}

static bool head(FILE *to, uint32_t type, uint32_t octets)
{
	const uint32_t h[2] = { type, octets };

	return put(to, h, sizeof(h));
}

static const uint16_t option_end[2] = { OPT_END, 0 };

bool pcapng_begin(FILE *to, const char *application)
{
	uint32_t n = text_octets(application), octets = 28 + option_octets(n) + 4;
	const struct {
		uint32_t magic;
		uint16_t major, minor;
		int64_t length;		/* not known */
	} body = { 0x1a2b3c4d, 1, 0, -1 };

	return head(to, BLOCK_SECTION, octets) && put(to, &body, sizeof(body)) && option(to, OPT_APPLICATION, application, n) &&
	       put(to, option_end, sizeof(option_end)) && put(to, &octets, 4);
}

bool pcapng_interface(FILE *to, const char *name, const char *description)
{
	const uint8_t nanoseconds = 9;
	const struct {
		uint16_t link, reserved;
		uint32_t snaplen;	/* 0: no limit */
	} body = { LINKTYPE_RAW, 0, 0 };
	uint32_t a = text_octets(name), b = text_octets(description);
	uint32_t octets = 20 + option_octets(a) + option_octets(b) + option_octets(1) + 4;

	return head(to, BLOCK_INTERFACE, octets) && put(to, &body, sizeof(body)) && option(to, OPT_NAME, name, a) &&
	       option(to, OPT_DESCRIPTION, description, b) && option(to, OPT_TSRESOL, &nanoseconds, 1) &&
	       put(to, option_end, sizeof(option_end)) && put(to, &octets, 4);
}

bool pcapng_packet(FILE *to, uint32_t interface, uint64_t when_ns, const void *octets, uint32_t kept, uint32_t len,
		   const char *comment)
{
	uint32_t n = text_octets(comment), total = 32 + padded(kept) + option_octets(n) + 4;
	const uint32_t body[5] = { interface, (uint32_t)(when_ns >> 32), (uint32_t)when_ns, kept, len };

	return head(to, BLOCK_PACKET, total) && put(to, body, sizeof(body)) && put_padded(to, octets, kept) &&
	       option(to, OPT_COMMENT, comment, n) && put(to, option_end, sizeof(option_end)) && put(to, &total, 4);
}
