/* SPDX-License-Identifier: GPL-2.0-or-later */
/* world - see world.h */
#include "virt/watch/world.h"

#include <stdio.h>
#include <stdlib.h>

#include "conf/ip.h"
#include "virt/watch/text.h"

bool world_init(struct world *w)
{
	*w = (struct world){ .connections = json_array(), .networks = json_array(), .guests = json_array() };
	return w->connections && w->networks && w->guests;
}

void world_fini(struct world *w)
{
	json_decref(w->connections);
	json_decref(w->networks);
	json_decref(w->guests);
	*w = (struct world){ 0 };
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

void world_add(struct world *w, const char *uri, const json_t *fragment, bool metadata)
{
	json_t *one;
	size_t i;

	json_array_extend(w->connections, json_object_get(fragment, "connections"));
	json_array_foreach(json_object_get(fragment, "networks"), i, one)
		if (json_array_size(w->networks) < VIRT_NETWORKS)
			json_array_append_new(w->networks, json_copy(one));
	json_array_foreach(json_object_get(fragment, "guests"), i, one) {
		json_t *guest;

		if (json_array_size(w->guests) == VIRT_GUESTS)
			return;
		guest = json_deep_copy(one);
		json_object_set_new(guest, "uri", text_json(uri));
		if (!metadata) {
			json_array_clear(json_object_get(guest, "forwards"));
			json_array_clear(json_object_get(guest, "warnings"));
		}
		json_array_append_new(w->guests, guest);
	}
}

void world_bridges(const struct world *w, void (*each)(void *arg, const char *bridge), void *arg)
{
	json_t *net, *earlier;
	size_t i, k;

	json_array_foreach(w->networks, i, net) {
		const char *bridge = text_of(net, "bridge");
		bool again = !*bridge;

		for (k = 0; k < i && !again; k++) {
			earlier = json_array_get(w->networks, k);
			again = !strcmp(text_of(earlier, "bridge"), bridge);
		}
		if (!again)
			each(arg, bridge);
	}
}

/* ---- claims and what they are judged by ---- */

static void bridge_copy(char to[IFNAMSIZ], const char *bridge)
{
	memset(to, 0, IFNAMSIZ);
	memcpy(to, bridge, strnlen(bridge, IFNAMSIZ - 1));
}

static void add_hosts(const json_t *net, struct claims *c)
{
	json_t *host;
	size_t i;

	json_array_foreach(json_object_get(net, "hosts"), i, host) {
		struct claim one = { .source = CLAIM_DHCP_HOST };
		const char *address = text_of(host, "address");
		enum nat_family family;

		if (!text_mac(text_of(host, "mac"), one.mac) || !conf_ip_parse(address, strlen(address), &one.addr, &family))
			continue;
		one.family = (uint8_t)family;
		bridge_copy(one.bridge, text_of(net, "bridge"));
		claims_add(c, &one);
	}
}

static void add_neighbours(const struct kernel *k, struct claims *c)
{
	for (size_t i = 0; i < k->n_neighbours; i++) {
		const struct kernel_neighbour *n = &k->neighbours[i];
		struct claim one = { .source = CLAIM_NEIGHBOUR, .family = n->family, .addr = n->addr, .seen = n->seen,
				     .failed = n->failed };
		const char *name;

		memcpy(one.mac, n->mac, sizeof(one.mac));
		name = kernel_link_name(k, n->index);
		if (!name)
			continue;
		bridge_copy(one.bridge, name);
		claims_add(c, &one);
	}
}

static size_t net_prefixes(const json_t *net, struct claim_prefix *to, size_t room)
{
	json_t *address;
	size_t i, n = 0;

	json_array_foreach(json_object_get(net, "addresses"), i, address) {
		if (n == room || !conf_prefix_parse(json_string_value(address), json_string_length(address), &to[n].prefix))
			continue;
		bridge_copy(to[n].bridge, text_of(net, "bridge"));
		n++;
	}
	return n;
}

static void judge(const struct world *w, struct claims *c, const struct kernel *k)
{
	size_t room = json_array_size(w->networks) * VIRT_NETWORK_ADDRESSES, n = 0, i;
	struct claim_prefix *prefixes = calloc(room ? room : 1, sizeof(*prefixes));
	struct nat_addr *own = calloc(k->n_own ? k->n_own : 1, sizeof(*own));
	json_t *net;

	if (prefixes && own) {
		json_array_foreach(w->networks, i, net)
			n += net_prefixes(net, prefixes + n, room - n);
		for (i = 0; i < k->n_own; i++)
			own[i] = k->own[i].addr;
		claims_judge(c, &(struct claim_judge){ .prefixes = prefixes, .n_prefixes = n, .own = own, .n_own = k->n_own });
	} else {
		claims_clear(c);	/* unjudged claims are not to be believed */
	}
	free(prefixes);
	free(own);
}

/* ---- NICs ---- */

/* Plugged into the LAN past this host: macvtap, a passed-through device. */
static bool is_past_us(const json_t *nic)
{
	return !strcmp(text_of(nic, "type"), "direct") || !strcmp(text_of(nic, "type"), "hostdev");
}

static bool is_networks(const struct world *w, const char *bridge)
{
	json_t *net;
	size_t i;

	json_array_foreach(w->networks, i, net)
		if (!strcmp(text_of(net, "bridge"), bridge))
			return true;
	return false;
}

/* The device by which this host has heard such a NIC, if any. Not a network's bridge: whoever is there has taken its MAC. */
static void heard_by(const struct world *w, const struct kernel *k, json_t *nic)
{
	uint8_t mac[6];

	for (size_t i = 0; i < k->n_neighbours && text_mac(text_of(nic, "mac"), mac); i++) {
		const char *name = kernel_link_name(k, k->neighbours[i].index);

		if (name && !memcmp(k->neighbours[i].mac, mac, sizeof(mac)) && !is_networks(w, name)) {
			json_object_set_new(nic, "bridge", json_string(name));
			return;
		}
	}
}

/* A NIC that names a network has that network's bridge, also while its guest is off. */
static const char *nic_bridge(const struct world *w, const struct kernel *k, const json_t *guest, json_t *nic)
{
	const char *network = text_of(nic, "network");
	json_t *net;
	size_t i;

	if (is_past_us(nic) && !*text_of(nic, "bridge"))
		heard_by(w, k, nic);
	if (*text_of(nic, "bridge") || !*network || is_past_us(nic))
		return text_of(nic, "bridge");
	json_array_foreach(w->networks, i, net)
		if (!strcmp(text_of(net, "name"), network) && !strcmp(text_of(net, "uri"), text_of(guest, "uri"))) {
			json_object_set(nic, "bridge", json_object_get(net, "bridge"));
			break;
		}
	return text_of(nic, "bridge");
}

/*
 * The tap of a guest that ended is gone 0.2 s before libvirt says so. After
 * net-destroy and net-start a tap has no master and nobody reaches the guest.
 * A container's end of a veth that is down takes the carrier from ours.
 */
static bool nic_is_up(const struct kernel *k, const json_t *nic)
{
	const char *target = text_of(nic, "target"), *type = text_of(nic, "type");
	const struct kernel_link *link = kernel_link(k, target);

	if (!json_is_true(json_object_get(nic, "up")))
		return false;
	if (!*target)
		return true;
	return link && link->up && (link->master || (strcmp(type, "network") != 0 && strcmp(type, "bridge") != 0));
}

/* The key of struct joining's macs; @buf takes 15 + 1 + 17 octets and NUL */
static const char *mac_key(char buf[CONF_IP_TEXT], const char *bridge, const json_t *nic)
{
	snprintf(buf, CONF_IP_TEXT, "%.15s %.17s", bridge, text_of(nic, "mac"));
	return buf;
}

static bool has_address(const json_t *addresses, const char *text)
{
	json_t *one;
	size_t i;

	json_array_foreach(addresses, i, one)
		if (!strcmp(text_of(one, "address"), text))
			return true;
	return false;
}

static void warn_of(json_t *guest, const struct claim *c)
{
	char ip[CONF_IP_TEXT], mac[MAC_TEXT], owner[MAC_TEXT];
	json_t *warnings = json_object_get(guest, "warnings");
	const char *name = text_of(guest, "name"), *source = claim_source_name((enum claim_source)c->source);

	conf_ip_print(ip, &c->addr, (enum nat_family)c->family, false);
	text_mac_print(mac, c->mac);
	switch ((enum claim_why)c->why) {
	case CLAIM_GOOD:
	case CLAIM_NO_UNICAST:
	case CLAIM_OUTSIDE:
		break;
	case CLAIM_HOST:
		text_warn(warnings, "domain %.60s: its NIC %s claims %s (%s), which is an address of this host: refused", name, mac,
			  ip, source);
		break;
	case CLAIM_OTHER:
		text_warn(warnings, "domain %.60s: its NIC %s claims %s (%s), which belongs to %s: refused", name, mac, ip, source,
			  text_mac_print(owner, c->owner));
		break;
	}
}

/* What joining one guest takes. */
struct joining {
	const struct world *w;
	const struct claims *c;
	struct kernel *k;
	json_t *macs;		/* "BRIDGE MAC": how many NICs of guests that are on have it there */
};

/*
 * Of neighbours only the newest IPv4 one: the guest has changed its address,
 * and the kernel notices the old one's silence only after 8 s of questions. Of
 * IPv6 all that answer, or if none does, the first.
 */
static json_t *nic_addresses(const struct joining *j, json_t *guest, const json_t *nic, const char *bridge)
{
	json_t *addresses = json_array();
	bool neighbours[2] = { false };		/* one was taken; [1]: of IPv4 */
	const struct claim *found;
	char ip[CONF_IP_TEXT];
	uint8_t mac[6];
	size_t n;

	if ((!*bridge && !is_past_us(nic)) || !text_mac(text_of(nic, "mac"), mac))
		return addresses;
	if (json_integer_value(json_object_get(j->macs, mac_key(ip, bridge, nic))) > 1) {
		text_warn(json_object_get(guest, "warnings"), "domain %.60s: another guest on %s has the same MAC %s: nobody can tell "
			  "whose addresses are whose, so none is used; change one of them", text_of(guest, "name"), bridge,
			  text_of(nic, "mac"));
		return addresses;
	}
	found = claims_find(j->c, bridge, mac, &n);
	for (size_t i = 0; i < n && json_array_size(addresses) < VIRT_NIC_ADDRESSES; i++) {
		const struct claim *c = &found[i];
		bool v4 = c->family == NAT_IPV4;

		conf_ip_print(ip, &c->addr, (enum nat_family)c->family, false);
		if (c->why != CLAIM_GOOD) {
			warn_of(guest, c);
			continue;
		}
		if (c->source == CLAIM_NEIGHBOUR && neighbours[v4] && (v4 || c->failed))
			continue;
		neighbours[v4] |= c->source == CLAIM_NEIGHBOUR;
		if (!has_address(addresses, ip))
			json_array_append_new(addresses, json_pack("{s:s, s:s}", "address", ip, "source",
								   claim_source_name((enum claim_source)c->source)));
	}
	return addresses;
}

static void forget(struct kernel *k, const json_t *nic)
{
	uint8_t mac[6];

	if (text_mac(text_of(nic, "mac"), mac))
		kernel_forget(k, mac);
}

static bool is_on(const json_t *guest)
{
	return !!strcmp(text_of(guest, "state"), "off");
}

static void count_macs(const struct joining *j, const json_t *guest)
{
	char key[CONF_IP_TEXT];
	json_t *nic;
	size_t i;

	json_array_foreach(json_object_get(guest, "nics"), i, nic) {
		const char *bridge = nic_bridge(j->w, j->k, guest, nic);
		json_int_t n;

		if (!is_on(guest) || !*bridge)
			continue;
		n = json_integer_value(json_object_get(j->macs, mac_key(key, bridge, nic)));
		json_object_set_new(j->macs, key, json_integer(n + 1));
	}
}

static void join_guest(const struct joining *j, json_t *guest)
{
	bool on = is_on(guest);
	json_t *nic;
	size_t i;

	json_array_foreach(json_object_get(guest, "nics"), i, nic) {
		const char *bridge = text_of(nic, "bridge");

		json_object_set_new(nic, "addresses", on ? nic_addresses(j, guest, nic, bridge) : json_array());
		json_object_set_new(nic, "up", json_boolean(on && nic_is_up(j->k, nic)));
		if (!on)
			forget(j->k, nic);
	}
}

void world_join(struct world *w, struct claims *c, struct kernel *k, struct agents *a)
{
	struct joining j = { .w = w, .c = c, .k = k, .macs = json_object() };
	json_t *one;
	size_t i;

	json_array_foreach(w->networks, i, one)
		add_hosts(one, c);
	add_neighbours(k, c);
	json_array_foreach(w->guests, i, one)
		count_macs(&j, one);
	agents_join(a, w->guests, c);
	judge(w, c, k);
	json_array_foreach(w->guests, i, one)
		join_guest(&j, one);
	json_decref(j.macs);
	/* What only we need does not travel. */
	json_array_foreach(w->networks, i, one)
		json_object_del(one, "hosts");
	json_array_foreach(w->guests, i, one) {
		json_object_del(one, "run");
		json_object_del(one, "agent");
	}
}

char *world_text(const struct world *w, bool pretty)
{
	json_t *all = json_pack("{s:s, s:O, s:O, s:O}", "type", "world", "connections", w->connections, "networks", w->networks,
				"guests", w->guests);
	char *text = json_dumps(all, pretty ? JSON_INDENT(2) : JSON_COMPACT);

	json_decref(all);
	return text;
}
