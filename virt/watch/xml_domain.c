/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xml_domain - a guest's description; see xml.h. */
#include <string.h>

#include "virt/watch/xml.h"

static const char *nic_type(const xmlNode *nic)
{
	static const char *const known[] = { "network", "bridge", "direct", "hostdev", "user" };
	char type[TEXT_ROOM];

	xml_attr(nic, "type", type);
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!strcmp(type, known[i]))
			return known[i];
	return "other";
}

/* NULL: without an address of its own nothing can be known of it */
static json_t *read_nic(const xmlNode *node)
{
	const xmlNode *source = xml_child(node, "source");
	char mac[TEXT_ROOM], state[TEXT_ROOM], print[MAC_TEXT];
	uint8_t octets[6];

	xml_attr(xml_child(node, "mac"), "address", mac);
	if (!text_mac(mac, octets))
		return NULL;
	xml_attr(xml_child(node, "link"), "state", state);
	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:b}", "mac", text_mac_print(print, octets), "type", nic_type(node),
			 "network", xml_attr_json(source, "network", VIRT_TEXT_OCTETS), "bridge",
			 xml_attr_json(source, "bridge", 15), "target", xml_attr_json(xml_child(node, "target"), "dev", 15), "up",
			 !!strcmp(state, "down"));
}

static void read_nics(const xmlNode *devices, const char *name, json_t *nics, json_t *warnings)
{
	for (const xmlNode *n = devices ? devices->children : NULL; n; n = n->next) {
		json_t *nic;

		if (!xml_is(n, "interface", NULL))
			continue;
		if (json_array_size(nics) == VIRT_NICS) {
			text_warn(warnings, "domain %.60s: more than %d NICs, the rest is ignored", name, VIRT_NICS);
			return;
		}
		nic = read_nic(n);
		if (nic)
			json_array_append_new(nics, nic);
	}
}

/* Does libvirt see QEMU's agent in the guest? */
static bool has_agent(const xmlNode *devices)
{
	char name[TEXT_ROOM], state[TEXT_ROOM];

	for (const xmlNode *n = devices ? devices->children : NULL; n; n = n->next) {
		const xmlNode *target = xml_is(n, "channel", NULL) ? xml_child(n, "target") : NULL;

		xml_attr(target, "name", name);
		xml_attr(target, "state", state);
		if (!strcmp(name, "org.qemu.guest_agent.0") && !strcmp(state, "connected"))
			return true;
	}
	return false;
}

json_t *xml_domain_read(const char *text, size_t len)
{
	xmlDoc *doc = xml_read(text, len);
	const xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;
	json_t *guest = NULL, *nics = json_array(), *forwards = json_array(), *warnings = json_array(), *uuid, *name;

	if (root && !xml_is(root, "domain", NULL))
		root = NULL;
	uuid = xml_text_json(xml_child(root, "uuid"), 36);
	name = xml_text_json(xml_child(root, "name"), VIRT_TEXT_OCTETS);
	if (json_is_string(uuid) && json_is_string(name)) {
		read_nics(xml_child(root, "devices"), json_string_value(name), nics, warnings);
		xml_forwards_read(xml_child(root, "metadata"), json_string_value(name), forwards, warnings);
		guest = json_pack("{s:O, s:O, s:O, s:O, s:O, s:b}", "uuid", uuid, "name", name, "nics", nics, "forwards", forwards,
				  "warnings", warnings, "agent", has_agent(xml_child(root, "devices")));
	}
	json_decref(uuid);
	json_decref(name);
	json_decref(nics);
	json_decref(forwards);
	json_decref(warnings);
	xmlFreeDoc(doc);
	return guest;
}
