/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guests_show - forwards of guests for people and for `nfqnatctl status`.
 */
#ifndef NFQ_GUESTS_SHOW_H
#define NFQ_GUESTS_SHOW_H

#include <jansson.h>

#include "nfq/guests.h"

enum { GUESTS_LINE_OCTETS = 640 };

/* guests_words - "forward web1: guest web1, IPv4 active at 192.168.122.50 (lease), IPv6 no address yet" */
void guests_words(char *buf, size_t octets, const struct virt_entry *e);

/* guests_each - guests_words() of each forward of a guest, then what was refused of guests' metadata */
void guests_each(const struct guests *g, void (*line)(void *ctx, const char *text), void *ctx);

/**
 * guests_json - section `guests` of the status
 * @ctx: struct guests
 * A list, one object per forward and guest: names, UUID, reasons by name, addresses, and the line of guests_words().
 * NULL: no guests are followed.
 */
json_t *guests_json(void *ctx);

/* guests_name - libvirt's name of the guest with this address that is forwarded to; "": none is known. @ctx: struct guests */
const char *guests_name(void *ctx, const struct nat_addr *a, uint8_t family);

#endif
