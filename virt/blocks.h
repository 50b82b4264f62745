/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * blocks - which block of ports a guest has, for ever.
 *
 * `publish: "20000+20"` gives each guest 20 ports. Which, is decided when the
 * guest is first seen and kept by its UUID, also over restarts: the list is
 * written as text, one assignment per line, by who has files (nfq/guests.c).
 *
 * No I/O here; memory belongs to the list.
 */
#ifndef VIRT_BLOCKS_H
#define VIRT_BLOCKS_H

#include <stdio.h>

#include "virt/model.h"

/* One assignment: of all blocks that begin at @lo and are @width wide, whatever protocol and listener. */
struct virt_block {
	char uuid[VIRT_UUID_TEXT];
	uint16_t lo, width;
	uint16_t slot;			/* its ports begin at lo + slot * width */
};

struct virt_blocks {
	struct virt_block *block;	/* by UUID, then lo and width */
	unsigned n, room;
	bool changed;			/* since it was read or written last */
};

/* virt_blocks_find - the guest's slot, or -ENOENT */
int virt_blocks_find(const struct virt_blocks *b, uint16_t lo, uint16_t width, const char *uuid);

/* virt_blocks_taken - which of the first @slots slots are somebody's; O(assignments) */
void virt_blocks_taken(const struct virt_blocks *b, uint16_t lo, uint16_t width, bool *taken, unsigned slots);

/* virt_blocks_assign - give a slot that is not taken to a guest that has none; 0 or -ENOMEM */
int virt_blocks_assign(struct virt_blocks *b, uint16_t lo, uint16_t width, uint16_t slot, const char *uuid);

/**
 * virt_blocks_forget - take back what guests have that libvirt does not know any more
 * For when no slot is left; as long as there are some, who comes back finds his ports.
 * Returns how many were taken back.
 */
unsigned virt_blocks_forget(struct virt_blocks *b, const struct virt_world *w);

/* virt_blocks_write - "LO+WIDTH SLOT UUID" lines; clears `changed` */
void virt_blocks_write(struct virt_blocks *b, FILE *out);

/* virt_blocks_read - the same back; lines that make no sense or say something twice are skipped; returns how many */
unsigned virt_blocks_read(struct virt_blocks *b, FILE *in);

void virt_blocks_free(struct virt_blocks *b);

#endif
