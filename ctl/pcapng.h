/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pcapng - write a capture with comments: draft-ietf-opsawg-pcapng, section 4.
 *
 * libpcap writes no pcapng; of the format this is what a capture of IP
 * packets needs: one section, interfaces without a link header
 * (LINKTYPE_RAW), nanoseconds, and a comment for each packet.
 */
#ifndef CTL_PCAPNG_H
#define CTL_PCAPNG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* pcapng_begin - the section header; @application: who writes it. All return false on a write error. */
bool pcapng_begin(FILE *to, const char *application);

/* pcapng_interface - the next interface; the first is number 0 */
bool pcapng_interface(FILE *to, const char *name, const char *description);

/**
 * pcapng_packet - one packet
 * @interface: its number
 * @when_ns:   since 1970
 * @octets:    @kept of them; the packet had @len
 * @comment:   "" for none
 */
bool pcapng_packet(FILE *to, uint32_t interface, uint64_t when_ns, const void *octets, uint32_t kept, uint32_t len,
		   const char *comment);

#endif
