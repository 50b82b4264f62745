/* SPDX-License-Identifier: GPL-2.0-or-later */
/* filter - see filter.h */
#include "ctl/filter.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/cmd.h"
#include "nfq/ctl/request.h"

static bool number_option(json_t *req, const char *key, const char *value, long min, long max)
{
	char *end;
	long n = strtol(value, &end, 10);

	if (*end || end == value || n < min || n > max) {
		cmd_error("--%s %s: write a number from %ld to %ld", key, value, min, max);
		return false;
	}
	json_object_set_new(req, key, json_integer(n));
	return true;
}

bool filter_option(json_t *req, int opt, const char *value)
{
	static const struct { int opt; const char *key; } texts[] = {
		{ 'g', "guest" }, { 'f', "forward" }, { 'a', "address" }, { 'P', "proto" }, { 's', "state" },
	};

	if (opt == 'p')
		return number_option(req, "port", value, 1, 65535);
	if (opt == 'F')
		return number_option(req, "family", value, 4, 6);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (texts[i].opt == opt) {
			json_t *v = json_string(value);

			if (!v)
				cmd_error("--%s: its value is not text in UTF-8", texts[i].key);
			return v && !json_object_set_new(req, texts[i].key, v);
		}
	return false;
}

/* "198.51.100.2:80", "[2001:db8::1]:80", "198.51.100.2" (port 0) */
static bool end_of(const char *text, char *addr, size_t octets, long *port)
{
	const char *colon = *text == '[' ? strstr(text, "]:") : strchr(text, ':'), *start = text + (*text == '[');
	struct nat_addr a;
	uint8_t family;
	size_t len;
	char *end;

	*port = 0;
	if (*text == '[' && !colon && text[strlen(text) - 1] == ']')
		len = strlen(start) - 1;
	else if (colon && (*text == '[' || !strchr(colon + 1, ':'))) {
		len = (size_t)(colon - start);
		colon += *colon == ']' ? 2 : 1;
		*port = strtol(colon, &end, 10);
		if (*end || end == colon || *port < 0 || *port > 65535)
			return false;
	} else {
		len = strlen(start);
	}
	if (len >= octets)
		return false;
	memcpy(addr, start, len);
	addr[len] = '\0';
	return ctl_addr_of(addr, &a, &family);
}

int filter_tuple(json_t *req, char **word, int n)
{
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
	long sport, dport;
	int at = 0;

	if (n && ctl_proto_of(word[0]))
		json_object_set_new(req, "proto", json_string(word[at++]));
	if (at < n && end_of(word[at], src, sizeof(src), &sport)) {
		int to = at + 1;

		to += to < n && (!strcmp(word[to], ">") || !strcmp(word[to], "->"));
		if (to < n && end_of(word[to], dst, sizeof(dst), &dport)) {
			json_object_update_new(req, json_pack("{s:s, s:I, s:s, s:I}", "src", src, "sport", (json_int_t)sport, "dst",
							      dst, "dport", (json_int_t)dport));
			return to + 1;
		}
	}
	cmd_error("a tuple is two ends, for example: tcp 198.51.100.2:40000 198.51.100.1:8080, or udp [2001:db8::2]:5000 "
		  "[2001:db8::1]:53");
	return 0;
}
