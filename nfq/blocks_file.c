/* SPDX-License-Identifier: GPL-2.0-or-later */
/* blocks_file - see blocks_file.h */
#include "nfq/blocks_file.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nfq/log.h"

/* Of several folders that systemd may name the first is ours. */
static void folder(char path[PATH_MAX])
{
	const char *dir = getenv("STATE_DIRECTORY");

	if (!dir || *dir != '/')
		dir = "/var/lib/nfqnat";
	snprintf(path, PATH_MAX, "%.*s", (int)strcspn(dir, ":"), dir);
}

static void path_of(char path[PATH_MAX], const char *name)
{
	size_t n;

	folder(path);
	n = strlen(path);
	snprintf(path + n, PATH_MAX - n, "/%s", name);
}

void blocks_file_read(struct virt_blocks *b)
{
	char path[PATH_MAX];
	unsigned skipped;
	FILE *f;

	path_of(path, "blocks");
	f = fopen(path, "re");
	if (!f) {
		if (errno != ENOENT)
			log_warn("%s cannot be read: %s; guests may get other blocks of ports than before", path,
				 strerror(errno));
		return;
	}
	skipped = virt_blocks_read(b, f);
	fclose(f);
	if (skipped)
		log_warn("%s: %u lines make no sense and are skipped; those guests get new blocks of ports", path, skipped);
}

void blocks_file_write(struct virt_blocks *b)
{
	char path[PATH_MAX], whole[PATH_MAX];
	FILE *f;
	bool good;

	folder(path);
	mkdir(path, 0700);		/* there already, or fopen() will tell */
	path_of(path, "blocks");
	path_of(whole, "blocks.new");
	f = fopen(whole, "we");
	good = f;
	if (f) {
		virt_blocks_write(b, f);
		good = !fflush(f) && !fsync(fileno(f));
		good &= !fclose(f);
		good = good && !rename(whole, path);
	}
	if (good)
		return;
	b->changed = false;
	log_warn("%s cannot be written: %s; after a restart guests may get other blocks of ports", path, strerror(errno));
}
