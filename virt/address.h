/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * address - which address of a guest is its own, and good to forward to.
 * Inside virt/ only; a part of resolve.h, with its promises.
 */
#ifndef VIRT_ADDRESS_H
#define VIRT_ADDRESS_H

#include "virt/resolve.h"

/* Who says that an address is whose. */
struct virt_owner {
	struct nat_addr addr;
	uint8_t family, source;		/* enum virt_source */
	bool running, before;		/* the guest is there; it had this address at the last call */
	const struct virt_guest *guest;
};

/* All of them, by address, the strongest first. */
struct virt_owners {
	struct virt_owner *owner;
	unsigned n;
};

/* virt_owners_make - 0 or -ENOMEM */
int virt_owners_make(const struct virt_input *in, struct virt_owners *o);
void virt_owners_free(struct virt_owners *o);

/**
 * virt_way_of - how a guest is reached, or why not
 * @f:      a forward of the file, or NULL: of the guest's metadata
 * @family: VIRT_IPV4 or VIRT_IPV6
 */
struct virt_way virt_way_of(const struct virt_input *in, const struct virt_owners *o, const struct virt_guest *g,
			    const struct conf_forward *f, unsigned family);

#endif
