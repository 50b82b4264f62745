/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pcapng - write a capture with comments: draft-ietf-opsawg-pcapng, section 4.
 *
 * libpcap writes no pcapng; of the format this is what `nfqnatctl capture`
 * and `nfqnatd --replay --write` need: one section, interfaces, nanoseconds,
 * and a comment for each packet. Numbers are little endian on every machine,
 * so that the same packets give the same octets.
 */
#ifndef NFQ_PCAPNG_H
#define NFQ_PCAPNG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/*
 * An IP packet without a link header: DLT_RAW. Its number in files is 101, LINKTYPE_RAW; but libpcap (1.10) compares the
 * DLT_ of the first interface with the LINKTYPE_ of the next, and so refuses two interfaces of 101. It reads 12 as
 * the same, and so does Wireshark; the other types have one number for both.
 */
enum { PCAPNG_RAW = 12 };

/* pcapng_begin - the section header; @application: who writes it. All return false on a write error. */
bool pcapng_begin(FILE *to, const char *application);

/* pcapng_interface - the next interface; the first is number 0; @link: type of its frames: DLT_ */
bool pcapng_interface(FILE *to, uint16_t link, const char *name, const char *description);

/**
 * pcapng_packet - one packet
 * @interface: its number
 * @when_ns:   since 1970
 * @octets:    @kept of them; the packet had @len
 * @comment:   "" for none; UTF-8, may have several lines
 */
bool pcapng_packet(FILE *to, uint32_t interface, uint64_t when_ns, const void *octets, uint32_t kept, uint32_t len,
		   const char *comment);

#endif
