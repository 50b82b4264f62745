/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lease - see lease.h */
#include "virt/watch/lease.h"

#include <jansson.h>

#include "conf/ip.h"
#include "virt/watch/text.h"

/* false: not one that says whose address it is */
static bool read_one(const json_t *lease, struct claim *c, int64_t *ends_s)
{
	const json_t *address = json_object_get(lease, "ip-address"), *ends = json_object_get(lease, "expiry-time");
	const char *mac = json_string_value(json_object_get(lease, "mac-address"));
	enum nat_family family;

	if (!mac || !text_mac(mac, c->mac) || !json_is_string(address) ||
	    !conf_ip_parse(json_string_value(address), json_string_length(address), &c->addr, &family))
		return false;
	c->family = (uint8_t)family;
	/* 0: for ever. */
	*ends_s = json_is_integer(ends) && json_integer_value(ends) > 0 ? json_integer_value(ends) : INT64_MAX;
	return true;
}

int lease_read(const char *text, size_t len, const char *bridge, int64_t now_s, int64_t *next_s, struct claims *c)
{
	json_t *all, *lease;
	int added = 0;
	size_t i;

	if (!len)
		return 0;
	all = len <= LEASE_OCTETS ? json_loadb(text, len, 0, NULL) : NULL;
	if (!json_is_array(all) || json_array_size(all) > LEASE_MAX) {
		json_decref(all);
		return -1;
	}
	json_array_foreach(all, i, lease) {
		struct claim one = { .source = CLAIM_LEASE };
		int64_t ends_s;

		if (!read_one(lease, &one, &ends_s) || ends_s <= now_s)
			continue;
		memcpy(one.bridge, bridge, strnlen(bridge, sizeof(one.bridge) - 1));
		if (ends_s < *next_s)
			*next_s = ends_s;
		added += claims_add(c, &one);
	}
	json_decref(all);
	return added;
}
