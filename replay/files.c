/* SPDX-License-Identifier: GPL-2.0-or-later */
/* files - replay_files() of replay.h: the files of a replay by name */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "replay/replay.h"

/* Opening a file to write empties it: not the capture itself. */
static bool is_same_file(FILE *in, const char *write)
{
	struct stat a, b;

	return !fstat(fileno(in), &a) && !stat(write, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int replay_files(const char *in, const char *write, int verbose, const struct conf *c)
{
	struct replay r = { .name = in, .out = stdout, .err = stderr, .verbose = verbose };

	r.in = fopen(in, "rbe");
	if (!r.in) {
		fprintf(stderr, "%s: %s; --replay needs a capture, as tcpdump -w makes them\n", in, strerror(errno));
		return 1;
	}
	if (write && is_same_file(r.in, write)) {
		fprintf(stderr, "%s: is the capture itself; write the translated packets elsewhere\n", write);
		fclose(r.in);
		return 1;
	}
	if (write && !(r.write = fopen(write, "wbe"))) {
		fprintf(stderr, "%s: %s\n", write, strerror(errno));
		fclose(r.in);
		return 1;
	}
	return replay_run(&r, c);
}
