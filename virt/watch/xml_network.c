/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xml_network - a network's description; see xml.h. */
#include <string.h>

#include "conf/ip.h"
#include "virt/watch/xml.h"

enum { HOSTS = 4096 };		/* `<dhcp><host>' of one network */

/* No `<forward>' is an isolated network; one without mode means nat. */
static const char *network_mode(const xmlNode *forward)
{
	static const char *const known[][2] = {
		{ "nat", "nat" }, { "route", "route" }, { "open", "open" }, { "bridge", "bridge" }, { "private", "macvtap" },
		{ "vepa", "macvtap" }, { "passthrough", "macvtap" }, { "hostdev", "hostdev" },
	};
	char mode[TEXT_ROOM];

	if (!forward)
		return "isolated";
	if (!xml_attr(forward, "mode", mode))
		return "nat";
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!strcmp(mode, known[i][0]))
			return known[i][1];
	return "other";
}

/* "255.255.255.0" -> 24; false: holes, or no mask */
static bool mask_bits(const char *text, unsigned *bits)
{
	enum nat_family family;
	struct nat_addr a;
	const uint8_t *o;
	uint32_t mask;

	if (!conf_ip_parse(text, strlen(text), &a, &family) || family != NAT_IPV4)
		return false;
	o = nat_addr_wire(&a, family);
	mask = (uint32_t)o[0] << 24 | (uint32_t)o[1] << 16 | (uint32_t)o[2] << 8 | o[3];
	for (*bits = 0; *bits < 32 && mask & 0x80000000u >> *bits; (*bits)++)
		;
	return mask == (*bits ? 0xffffffffu << (32 - *bits) : 0);
}

/* The host's address in the network; NULL: nothing that we understand */
static json_t *read_address(const xmlNode *ip)
{
	char address[TEXT_ROOM], buf[TEXT_ROOM], print[CONF_IP_TEXT];
	enum nat_family family;
	struct nat_addr a;
	unsigned bits;

	if (!xml_attr(ip, "address", address) || !conf_ip_parse(address, strlen(address), &a, &family))
		return NULL;
	bits = family == NAT_IPV4 ? 32 : 128;
	if (xml_attr(ip, "prefix", buf)) {
		if (!text_number(buf, bits, &bits))
			return NULL;
	} else if (xml_attr(ip, "netmask", buf)) {
		if (!mask_bits(buf, &bits))
			return NULL;
	} else if (family == NAT_IPV4) {
		/* libvirt's own rule for an address without either: its class */
		uint8_t first = nat_addr_wire(&a, family)[0];

		bits = first < 128 ? 8 : first < 192 ? 16 : 24;
	}
	return json_sprintf("%s/%u", conf_ip_print(print, &a, family, false), bits);
}

/*
 * A host entry names its guest by MAC; for DHCPv6 by DUID, of which two kinds
 * end with the MAC (RFC 8415 11.2 and 11.4: DUID-LLT, DUID-LL, hardware type 1).
 */
static bool host_mac(const xmlNode *host, uint8_t mac[6])
{
	static const char *const prefixes[] = { "0:3:0:1:", "00:03:00:01:", "0:1:0:1:", "00:01:00:01:" };
	char buf[TEXT_ROOM];
	size_t len;

	if (xml_attr(host, "mac", buf))
		return text_mac(buf, mac);
	if (!xml_attr(host, "id", buf))
		return false;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		const char *at;
		int colons = 0;

		if (strncmp(buf, prefixes[i], strlen(prefixes[i])) != 0)
			continue;
		/* the last six octets */
		for (len = strlen(buf), at = buf + len; at > buf; at--)
			if (at[-1] == ':' && ++colons == 6)
				break;
		return at > buf && text_mac(at, mac);
	}
	return false;
}

static void read_hosts(const xmlNode *dhcp, json_t *hosts)
{
	for (const xmlNode *n = dhcp ? dhcp->children : NULL; n; n = n->next) {
		char ip[TEXT_ROOM], print[MAC_TEXT];
		enum nat_family family;
		struct nat_addr a;
		uint8_t mac[6];

		if (json_array_size(hosts) == HOSTS)
			return;
		if (xml_is(n, "host", NULL) && host_mac(n, mac) && xml_attr(n, "ip", ip) &&
		    conf_ip_parse(ip, strlen(ip), &a, &family))
			json_array_append_new(hosts, json_pack("{s:s, s:s}", "mac", text_mac_print(print, mac), "address", ip));
	}
}

static void read_ips(const xmlNode *root, json_t *addresses, json_t *hosts)
{
	for (const xmlNode *n = root->children; n; n = n->next) {
		json_t *address;

		if (!xml_is(n, "ip", NULL))
			continue;
		address = read_address(n);
		if (address && json_array_size(addresses) < VIRT_NETWORK_ADDRESSES)
			json_array_append(addresses, address);
		json_decref(address);
		read_hosts(xml_child(n, "dhcp"), hosts);
	}
}

json_t *xml_network_read(const char *text, size_t len)
{
	xmlDoc *doc = xml_read(text, len);
	const xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL, *forward;
	json_t *network = NULL, *addresses = json_array(), *hosts = json_array(), *uuid, *name;
	char ipv6[TEXT_ROOM];

	if (root && !xml_is(root, "network", NULL))
		root = NULL;
	uuid = xml_text_json(xml_child(root, "uuid"), 36);
	name = xml_text_json(xml_child(root, "name"), VIRT_TEXT_OCTETS);
	if (root && json_is_string(uuid) && json_is_string(name)) {
		forward = xml_child(root, "forward");
		xml_attr(xml_child(forward, "nat"), "ipv6", ipv6);
		read_ips(root, addresses, hosts);
		network = json_pack("{s:O, s:O, s:s, s:b, s:o, s:O, s:O}", "uuid", uuid, "name", name, "mode",
				    network_mode(forward), "ipv6_nat", !strcmp(ipv6, "yes"), "bridge",
				    xml_attr_json(xml_child(root, "bridge"), "name", 15), "addresses", addresses, "hosts", hosts);
	}
	json_decref(uuid);
	json_decref(name);
	json_decref(addresses);
	json_decref(hosts);
	xmlFreeDoc(doc);
	return network;
}
