/* SPDX-License-Identifier: GPL-2.0-or-later */
/* blocks - see blocks.h */
#include "virt/blocks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int block_order(const struct virt_block *a, const struct virt_block *b)
{
	int d = strcmp(a->uuid, b->uuid);

	if (!d)
		d = a->lo - b->lo;
	return d ? d : a->width - b->width;
}

/* How many come before @key. */
static unsigned place_of(const struct virt_blocks *b, const struct virt_block *key)
{
	unsigned lo = 0, hi = b->n;

	while (lo < hi) {
		unsigned mid = lo + (hi - lo) / 2;

		if (block_order(&b->block[mid], key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct virt_block key_of(uint16_t lo, uint16_t width, const char *uuid)
{
	struct virt_block key = { .lo = lo, .width = width };

	snprintf(key.uuid, sizeof(key.uuid), "%s", uuid);
	return key;
}

int virt_blocks_find(const struct virt_blocks *b, uint16_t lo, uint16_t width, const char *uuid)
{
	struct virt_block key = key_of(lo, width, uuid);
	unsigned place = place_of(b, &key);

	return place < b->n && !block_order(&b->block[place], &key) ? b->block[place].slot : -ENOENT;
}

void virt_blocks_taken(const struct virt_blocks *b, uint16_t lo, uint16_t width, bool *taken, unsigned slots)
{
	memset(taken, 0, slots * sizeof(*taken));
	for (unsigned i = 0; i < b->n; i++)
		if (b->block[i].lo == lo && b->block[i].width == width && b->block[i].slot < slots)
			taken[b->block[i].slot] = true;
}

int virt_blocks_assign(struct virt_blocks *b, uint16_t lo, uint16_t width, uint16_t slot, const char *uuid)
{
	struct virt_block new = key_of(lo, width, uuid);
	unsigned place = place_of(b, &new);

	if (b->n == b->room) {
		unsigned room = b->room ? 2 * b->room : 16;
		struct virt_block *more = reallocarray(b->block, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		b->block = more;
		b->room = room;
	}
	new.slot = slot;
	memmove(b->block + place + 1, b->block + place, (b->n - place) * sizeof(*b->block));
	b->block[place] = new;
	b->n++;
	b->changed = true;
	return 0;
}

static bool is_known(const struct virt_world *w, const char *uuid)
{
	for (unsigned i = 0; i < w->n_guests; i++)
		if (!strcmp(w->guest[i].uuid, uuid))
			return true;
	return false;
}

unsigned virt_blocks_forget(struct virt_blocks *b, const struct virt_world *w)
{
	unsigned kept = 0, gone;

	for (unsigned i = 0; i < b->n; i++)
		if (is_known(w, b->block[i].uuid))
			b->block[kept++] = b->block[i];
	gone = b->n - kept;
	b->n = kept;
	b->changed |= gone;
	return gone;
}

void virt_blocks_write(struct virt_blocks *b, FILE *out)
{
	for (unsigned i = 0; i < b->n; i++)
		fprintf(out, "%u+%u %u %s\n", b->block[i].lo, b->block[i].width, b->block[i].slot, b->block[i].uuid);
	b->changed = false;
}

static bool slot_is_taken(const struct virt_blocks *b, unsigned lo, unsigned width, unsigned slot)
{
	for (unsigned i = 0; i < b->n; i++)
		if (b->block[i].lo == lo && b->block[i].width == width && b->block[i].slot == slot)
			return true;
	return false;
}

unsigned virt_blocks_read(struct virt_blocks *b, FILE *in)
{
	char line[128], uuid[VIRT_UUID_TEXT];
	unsigned lo, width, slot, skipped = 0;

	while (fgets(line, sizeof(line), in)) {
		/* NOLINTNEXTLINE(cert-err34-c): five digits cannot be too many */
		bool good = sscanf(line, "%5u+%5u %5u %36[0-9a-fA-F-]\n", &lo, &width, &slot, uuid) == 4;

		good = good && lo && width && lo + (slot + 1ull) * width <= 65536;
		if (!good || slot_is_taken(b, lo, width, slot) ||
		    virt_blocks_find(b, (uint16_t)lo, (uint16_t)width, uuid) >= 0 ||
		    virt_blocks_assign(b, (uint16_t)lo, (uint16_t)width, (uint16_t)slot, uuid) < 0)
			skipped++;
	}
	b->changed = false;
	return skipped;
}

void virt_blocks_free(struct virt_blocks *b)
{
	free(b->block);
	*b = (struct virt_blocks){ 0 };
}
