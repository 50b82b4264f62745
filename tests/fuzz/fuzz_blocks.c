/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_blocks - any octets as the file of port blocks that an earlier process left.
 *
 * Whatever is taken of it: no block reaches past the last port, no slot is
 * given twice, every block is found again, and what is written reads back the same.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "virt/blocks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *text_of(struct virt_blocks *b)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	virt_blocks_write(b, out);
	fclose(out);
	return text;
}

static void check(const struct virt_blocks *b)
{
	for (unsigned i = 0; i < b->n; i++) {
		const struct virt_block *k = &b->block[i];

		assert(k->lo && k->width && k->lo + (k->slot + 1ull) * k->width <= 65536);
		assert(memchr(k->uuid, '\0', sizeof(k->uuid)));
		assert(virt_blocks_find(b, k->lo, k->width, k->uuid) == k->slot);
		for (unsigned j = 0; j < i; j++)
			assert(b->block[j].lo != k->lo || b->block[j].width != k->width || b->block[j].slot != k->slot);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct virt_blocks b = { 0 }, again = { 0 };
	FILE *in = size && size < 16384 ? fmemopen((void *)(uintptr_t)data, size, "r") : NULL;
	char *first, *second;

	if (!in)
		return 0;
	virt_blocks_read(&b, in);
	fclose(in);
	check(&b);

	first = text_of(&b);
	if (*first) {
		in = fmemopen(first, strlen(first), "r");
		assert(virt_blocks_read(&again, in) == 0 && again.n == b.n);
		fclose(in);
		second = text_of(&again);
		assert(!strcmp(first, second));
		free(second);
	}
	free(first);
	virt_blocks_free(&b);
	virt_blocks_free(&again);
	return 0;
}
