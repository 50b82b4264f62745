/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent - see agent.h */
#include "virt/watch/agent.h"

#include <jansson.h>

#include "conf/ip.h"
#include "virt/watch/text.h"

static bool read_pair(const json_t *address, struct agent_pair *p)
{
	const json_t *ip = json_object_get(address, "ip-address");
	enum nat_family family;

	if (!json_is_string(ip) || !conf_ip_parse(json_string_value(ip), json_string_length(ip), &p->addr, &family) ||
	    conf_ip_kind(&p->addr, family) != CONF_IP_UNICAST)
		return false;
	p->family = (uint8_t)family;
	return true;
}

static int read_interface(const json_t *interface, struct agent_pair *pairs, int room)
{
	const char *mac = json_string_value(json_object_get(interface, "hardware-address"));
	json_t *address;
	int n = 0;
	size_t i;

	if (!mac)
		return 0;
	json_array_foreach(json_object_get(interface, "ip-addresses"), i, address) {
		struct agent_pair one;

		if (n == room)
			break;
		if (text_mac(mac, one.mac) && read_pair(address, &one))
			pairs[n++] = one;
	}
	return n;
}

int agent_read(const char *text, size_t len, struct agent_pair pairs[AGENT_PAIRS])
{
	json_t *all = len <= AGENT_OCTETS ? json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL) : NULL, *interface;
	const json_t *list = json_object_get(all, "return");
	int n = 0;
	size_t i;

	if (!json_is_array(list)) {
		json_decref(all);
		return -1;
	}
	json_array_foreach(list, i, interface)
		n += read_interface(interface, pairs + n, AGENT_PAIRS - n);
	json_decref(all);
	return n;
}
