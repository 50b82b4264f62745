/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * text - small texts from outside, made fit for the protocol.
 *
 * Threads  none
 */
#ifndef VIRT_WATCH_TEXT_H
#define VIRT_WATCH_TEXT_H

#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "virt/protocol.h"

enum { TEXT_ROOM = VIRT_TEXT_OCTETS + 1, MAC_TEXT = 18 };

/* text_clip - copy @from to @to (TEXT_ROOM): control octets and broken UTF-8 become '?', the rest is cut between characters */
void text_clip(char to[TEXT_ROOM], const char *from);

/* text_json - a new JSON string of @from, clipped as by text_clip(); JSON null if @from is NULL */
json_t *text_json(const char *from);

/* text_format - the same from a format */
json_t *text_format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* text_warn - append a warning to the array @warnings, unless it is full or says so already */
void text_warn(json_t *warnings, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* text_number - decimal digits only, at most @max; false: not that, @n untouched */
bool text_number(const char *text, unsigned max, unsigned *n);

/* text_mac - "52:54:00:ab:cd:ef", one or two digits each; false: not that, @mac untouched */
bool text_mac(const char *text, uint8_t mac[6]);

const char *text_mac_print(char buf[MAC_TEXT], const uint8_t mac[6]);

#endif
