/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel - links, neighbours and own addresses of this host, kept true by rtnetlink.
 *
 * Links tell 0.2 s before libvirt that a guest's NIC is gone. Neighbours are
 * the only source for guests with SLAAC or an address set by hand. One that
 * the kernel forgets (it collects those not used for a minute once it has more
 * than net.ipv4.neigh.default.gc_thresh1) or that does not answer (a
 * suspended guest) is kept here until another MAC takes the address or
 * kernel_forget() says the guest is off.
 *
 * Memory   tables that grow; a MAC has at most KERNEL_PER_MAC neighbours, so a
 *          guest cannot fill them. Threads  none
 */
#ifndef VIRT_WATCH_KERNEL_H
#define VIRT_WATCH_KERNEL_H

#include "virt/watch/rtnl.h"

enum { KERNEL_PER_MAC = 64, KERNEL_NEIGHBOURS = 65536 };

struct kernel_link {
	uint32_t index, master;
	bool up;
	char name[IFNAMSIZ];
};

struct kernel_neighbour {
	uint32_t index;		/* of the bridge */
	uint8_t family;
	uint8_t mac[6];
	bool failed;		/* did not answer the last question */
	bool gone;		/* the kernel has forgotten it */
	bool marked;		/* seen in the dump that is being read */
	struct nat_addr addr;
	uint64_t seen;		/* grows: when this MAC was first seen with it */
};

struct kernel_own {
	uint32_t index;
	struct nat_addr addr;
};

struct kernel {
	struct mnl_socket *nl;
	int fd;			/* readable: kernel_read() */
	uint64_t counter;
	struct kernel_link *links;
	struct kernel_neighbour *neighbours;
	struct kernel_own *own;
	size_t n_links, room_links, n_neighbours, room_neighbours, n_own, room_own;
};

/* kernel_open - subscribe, then ask for all there is; 0 or -errno. No privilege needed. */
int kernel_open(struct kernel *k);
void kernel_close(struct kernel *k);

/* kernel_read - take what has been told; true: something changed here. Asks for all anew after an overrun. */
bool kernel_read(struct kernel *k);

/* kernel_refresh - ask for all anew; 0, or -errno and the tables are as before. Blocks for the kernel's answer only. */
int kernel_refresh(struct kernel *k);

/* kernel_link - NULL: there is none of this name */
const struct kernel_link *kernel_link(const struct kernel *k, const char *name);

/* kernel_link_name - NULL: there is none of this index */
const char *kernel_link_name(const struct kernel *k, uint32_t index);

/* kernel_forget - the guest of @mac is off: what the kernel no longer knows, or what no longer answered, is dropped */
void kernel_forget(struct kernel *k, const uint8_t mac[6]);

#endif
