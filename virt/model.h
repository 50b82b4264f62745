/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * model - the world as the watcher tells it: connections, networks, guests.
 *
 * Plain data behind the protocol (protocol.h) and in front of resolve.h.
 * Nothing in it is trusted further than its form: that a guest says it has an
 * address does not make it its own.
 *
 * Memory   a world owns all below it; virt_world_free() gives it back
 */
#ifndef VIRT_MODEL_H
#define VIRT_MODEL_H

#include <net/if.h>

#include "nat/addr.h"
#include "nat/time.h"
#include "nat/tuple.h"

enum { VIRT_UUID_TEXT = 37, VIRT_MAC_TEXT = 18 };

/* The best first: who says so is the order in which addresses are believed. */
#define VIRT_SOURCE_LIST(X)              \
	X(FILE,      "configuration")    \
	X(DHCP_HOST, "dhcp-host")        \
	X(LEASE,     "lease")            \
	X(NEIGHBOUR, "neighbour")        \
	X(AGENT,     "agent")

enum virt_source {
#define X(id, text) VIRT_SOURCE_##id,
	VIRT_SOURCE_LIST(X)
#undef X
	VIRT_SOURCES
};

#define VIRT_NIC_LIST(X)         \
	X(NETWORK, "network")    \
	X(BRIDGE,  "bridge")     \
	X(DIRECT,  "direct")     \
	X(HOSTDEV, "hostdev")    \
	X(USER,    "user")       \
	X(OTHER,   "other")

enum virt_nic_type {
#define X(id, text) VIRT_NIC_##id,
	VIRT_NIC_LIST(X)
#undef X
	VIRT_NIC_TYPES
};

#define VIRT_MODE_LIST(X)        \
	X(NAT,      "nat")       \
	X(ROUTE,    "route")     \
	X(OPEN,     "open")      \
	X(ISOLATED, "isolated")  \
	X(BRIDGE,   "bridge")    \
	X(MACVTAP,  "macvtap")   \
	X(HOSTDEV,  "hostdev")   \
	X(OTHER,    "other")

enum virt_mode {
#define X(id, text) VIRT_MODE_##id,
	VIRT_MODE_LIST(X)
#undef X
	VIRT_MODES
};

#define VIRT_STATE_LIST(X)       \
	X(RUNNING, "running")    \
	X(PAUSED,  "paused")     \
	X(OFF,     "off")

enum virt_state {
#define X(id, text) VIRT_STATE_##id,
	VIRT_STATE_LIST(X)
#undef X
	VIRT_STATES
};

struct virt_address {
	struct nat_addr addr;
	uint8_t family;			/* enum nat_family */
	uint8_t source;			/* enum virt_source; never FILE */
};

struct virt_nic {
	char mac[VIRT_MAC_TEXT];
	enum virt_nic_type type;
	char *network;			/* libvirt's name; NULL: none */
	char bridge[IFNAMSIZ], target[IFNAMSIZ];	/* "": none */
	bool up;
	struct virt_address *addr;
	unsigned n_addr;
};

struct virt_range {
	uint16_t start, end, to;	/* host order; to: guest port for start */
	bool exclude;
};

/* One <portForward> of a guest's metadata. */
struct virt_published {
	uint8_t proto;			/* IPPROTO_TCP or _UDP */
	uint8_t family;			/* of listen; 0: every address */
	struct nat_addr listen;
	char dev[IFNAMSIZ];
	struct virt_range *range;
	unsigned n_ranges;
};

struct virt_guest {
	char *uri, *name;
	char uuid[VIRT_UUID_TEXT];
	enum virt_state state;
	uint32_t generation;		/* steps when what ran before is gone; a watcher that starts anew may count from lower */
	uint32_t life;			/* the highest of them, set by who keeps worlds */
	nat_ns since;			/* when state, generation or addresses changed last; set by who keeps worlds */
	struct virt_nic *nic;
	unsigned n_nics;
	struct virt_published *published;
	unsigned n_published;
	char **warning;
	unsigned n_warnings;
};

struct virt_network {
	char *uri, *name;
	bool active;
	enum virt_mode mode;
	char bridge[IFNAMSIZ];
	struct nat_prefix *addr;	/* of this host on it, host bits kept */
	unsigned n_addr;
};

struct virt_connection {
	char *uri, *why;
	bool up;
};

struct virt_world {
	struct virt_connection *connection;
	struct virt_network *network;
	struct virt_guest *guest;	/* by name, then uri and uuid */
	unsigned n_connections, n_networks, n_guests;
};

/* virt_source_name - "lease" */
const char *virt_source_name(enum virt_source s);

/* virt_world_free - @w may be NULL */
void virt_world_free(struct virt_world *w);

#endif
