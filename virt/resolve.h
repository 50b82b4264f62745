/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * resolve - guests, networks, addresses and configuration become forwards.
 *
 * The whole decision is here, and it is pure: the same world, configuration
 * and time always give the same forwards, each active or inactive with its
 * reason. No libvirt, no I/O, no clock.
 *
 * Order, where two want one port: forwards of the file that name a guest, in
 * the order of the file; those with a pattern, guests that are there first;
 * then what guests publish by their metadata, likewise.
 *
 * A guest never gets what is not its own: an address of this host, one that
 * a better source gives to another guest, or one outside its network.
 */
#ifndef VIRT_RESOLVE_H
#define VIRT_RESOLVE_H

#include "conf/dynamic.h"
#include "virt/blocks.h"
#include "virt/model.h"

/*
 * Why a forward is active or not, for one family. From where most is missing
 * to where all is there: of several interfaces the one that came farthest speaks.
 */
#define VIRT_WHY_LIST(X)                                                                                             \
	X(WAITING,         "libvirt has not answered yet")                                                           \
	X(NO_LIBVIRT,      "libvirt cannot be reached, and the guest is not known from before")                      \
	X(UNKNOWN,         "libvirt has no such guest; see `virsh list --all`")                                      \
	X(OFF,             "the guest is off")                                                                       \
	X(NO_NIC,          "the guest has no interface; see `virsh domiflist`")                                      \
	X(OTHER_NETWORK,   "the guest has no interface in that network; see `network:`")                             \
	X(UNREACHABLE_NIC, "its interface is of a kind that this host cannot reach; give it one in a network")       \
	X(NETWORK_UNKNOWN, "its network is not known to libvirt; see `virsh net-list --all`")                        \
	X(NETWORK_OFF,     "its network is not active; see `virsh net-start`")                                       \
	X(ISOLATED,        "its network is isolated; write `isolated: allow` if that is meant")                      \
	X(NEEDS_HOST,      "it is on a bridge or device of the LAN, its answers would not come back through here; "  \
			   "write `source: host`")                                                                   \
	X(NIC_DOWN,        "its link is down or unplugged")                                                          \
	X(NO_ADDRESS,      "no address yet")                                                                         \
	X(ADDRESS_BAD,     "its address is none that can be forwarded to")                                           \
	X(ADDRESS_FOREIGN, "address refused: it is not of its network")                                              \
	X(ADDRESS_HOST,    "address refused: it is this host's own")                                                 \
	X(ADDRESS_OTHER,   "address refused: it is another guest's")                                                 \
	X(PORT_REFUSED,    "a port is outside `metadata-ports`")                                                     \
	X(NO_BLOCK,        "no block of ports is left")                                                              \
	X(CLASH,           "its port is forwarded already")                                                          \
	X(SUSPENDED,       "active, the guest is suspended")                                                         \
	X(ACTIVE,          "active")

enum virt_why {
#define X(id, text) VIRT_WHY_##id,
	VIRT_WHY_LIST(X)
#undef X
	VIRT_WHYS
};

/* For people; "no address yet" */
const char *virt_why_text(enum virt_why why);

/* For machines; "NO_ADDRESS" */
const char *virt_why_name(enum virt_why why);

static inline bool virt_why_is_active(enum virt_why why)
{
	return why >= VIRT_WHY_SUSPENDED;
}

/* A forward for one family. */
struct virt_way {
	enum virt_why why;
	struct nat_addr to;		/* the guest; with ADDRESS_*: what was refused; else all zero */
	enum virt_source source;	/* who says that it is there */
	bool enclosed;			/* it is on an isolated network */
};

enum { VIRT_IPV4, VIRT_IPV6, VIRT_FAMILIES };

/* One forward of one guest. */
struct virt_entry {
	char *name;			/* of the forward, for logs: the name in the file, or the guest's */
	char *guest, *uri;		/* guest: as libvirt calls it; NULL: none matches. uri: NULL likewise */
	char uuid[VIRT_UUID_TEXT];	/* "": none matches */
	uint32_t forward;		/* in the file; NAT_NONE: from the guest's metadata */
	struct virt_way way[VIRT_FAMILIES];
	uint16_t block_lo, block_hi;	/* its block of ports, of the first item that has one; 0: none */
	unsigned clashes, refused_ports;	/* items that were left out */
};

struct virt_status {
	struct virt_entry *entry;	/* by virt_entry_order() */
	unsigned n, room;
	nat_ns wake;			/* ask again then, even if nothing changed; 0: no need */
};

/* virt_entry_order - for qsort() and bsearch(): by forward, then by guest */
int virt_entry_order(const void *x, const void *y);

void virt_status_free(struct virt_status *s);

struct virt_input {
	const struct conf *file;
	const struct virt_world *world;	/* NULL: none yet */
	const struct nat_prefix *host;	/* addresses of this host, host bits kept */
	unsigned n_host;
	const struct virt_status *before;	/* of the last call; NULL: the first */
	nat_ns now, started;		/* started: when the daemon began to ask libvirt */
};

/**
 * virt_resolve - decide on all forwards of guests
 * @blocks: guests that are new get their blocks here
 * @claims: what is taken; all rows of @out are added to it
 * @out:    forwards and rows, for live.h
 * @status: out; one entry per forward and guest; to be freed by the caller
 * Returns 0 or -ENOMEM; then @status is empty.
 */
int virt_resolve(const struct virt_input *in, struct virt_blocks *blocks, struct conf_claims *claims,
		 struct conf_dynamic *out, struct virt_status *status);

#endif
