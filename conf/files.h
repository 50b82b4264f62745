/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * files - the octets of a configuration: the main file and its drop-ins.
 *
 * Memory   conf_files_free() gives all back; names live until then
 */
#ifndef CONF_FILES_H
#define CONF_FILES_H

#include "conf/errors.h"

struct conf_file {
	char *name;			/* as messages show it */
	char *text;			/* NULL: could not be read, and that was said */
	size_t len;
};

struct conf_files {
	struct conf_file *file;		/* the main file first, then drop-ins in name order */
	unsigned n;
};

/**
 * conf_files_read - read @path and forwards.d/ *.yaml beside it
 * @files: out; must be freed whatever @errs got
 */
void conf_files_read(const char *path, struct conf_files *files, struct conf_errors *errs);

void conf_files_free(struct conf_files *files);

#endif
