/* SPDX-License-Identifier: GPL-2.0-or-later */
/* text - see text.h */
#include "virt/watch/text.h"

#include <stdio.h>
#include <string.h>

/* How many octets the well-formed UTF-8 character at @s takes; 0: it is none. RFC 3629 section 4. */
static size_t utf8_len(const uint8_t *s)
{
	static const struct {
		uint8_t lo, hi, second_lo, second_hi, len;
	} forms[] = {
		{ 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	if (s[0] >= 0x20 && s[0] < 0x7f)
		return 1;
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		if (s[0] < forms[i].lo || s[0] > forms[i].hi)
			continue;
		if (s[1] < forms[i].second_lo || s[1] > forms[i].second_hi)
			return 0;
		for (size_t k = 2; k < forms[i].len; k++)
			if ((s[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].len;
	}
	return 0;
}

void text_clip(char to[TEXT_ROOM], const char *from)
{
	const uint8_t *s = (const uint8_t *)from;
	size_t n = 0;

	while (*s) {
		size_t len = utf8_len(s);

		if (n + (len ? len : 1) >= TEXT_ROOM)
			break;
		if (len)
			memcpy(to + n, s, len);
		else
			to[n] = '?';
		n += len ? len : 1;
		s += len ? len : 1;
	}
	to[n] = '\0';
}

json_t *text_json(const char *from)
{
	char clipped[TEXT_ROOM];

	if (!from)
		return json_null();
	text_clip(clipped, from);
	return json_string(clipped);
}

static json_t *text_vformat(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));
static json_t *text_vformat(const char *fmt, va_list ap)
{
	char text[1024];

	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	return text_json(text);
}

json_t *text_format(const char *fmt, ...)
{
	va_list ap;
	json_t *t;

	va_start(ap, fmt);
	t = text_vformat(fmt, ap);
	va_end(ap);
	return t;
}

void text_warn(json_t *warnings, const char *fmt, ...)
{
	json_t *text, *there;
	va_list ap;
	size_t i;

	if (json_array_size(warnings) >= VIRT_WARNINGS)
		return;
	va_start(ap, fmt);
	text = text_vformat(fmt, ap);
	va_end(ap);
	json_array_foreach(warnings, i, there)
		if (json_equal(there, text)) {
			json_decref(text);
			return;
		}
	json_array_append_new(warnings, text);
}

bool text_number(const char *text, unsigned max, unsigned *n)
{
	unsigned v = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		v = v * 10 + (unsigned)(*text - '0');
		if (v > max)
			return false;
	}
	*n = v;
	return true;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool text_mac(const char *text, uint8_t mac[6])
{
	uint8_t m[6];

	for (unsigned i = 0; i < 6; i++) {
		int v = hex(*text);

		if (v < 0)
			return false;
		text++;
		if (hex(*text) >= 0)
			v = v * 16 + hex(*text++);
		m[i] = (uint8_t)v;
		if (*text++ != (i < 5 ? ':' : '\0'))
			return false;
	}
	memcpy(mac, m, 6);
	return true;
}

const char *text_mac_print(char buf[MAC_TEXT], const uint8_t mac[6])
{
	snprintf(buf, MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	return buf;
}
