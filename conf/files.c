/* SPDX-License-Identifier: GPL-2.0-or-later */
/* files - the octets of a configuration; files.h has the contract. */
#include "conf/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/doc.h"

#define DROPINS "forwards.d"
#define CHUNK 65536u

/* All of @fd, but no more than one octet above the limit: conf_doc_open() refuses that. 0 or -errno. */
static int read_all(int fd, char **text, size_t *len)
{
	size_t n = 0, room = 0;
	char *buf = NULL;
	ssize_t got;

	do {
		if (n == room) {
			char *more = realloc(buf, room + CHUNK);

			if (!more) {
				free(buf);
				return -ENOMEM;
			}
			buf = more;
			room += CHUNK;
		}
		got = read(fd, buf + n, room - n);
		if (got > 0)
			n += (size_t)got;
	} while ((got > 0 && n <= CONF_FILE_MAX) || (got < 0 && errno == EINTR));
	if (got < 0) {
		int err = -errno;

		free(buf);
		return err;
	}
	*text = buf;
	*len = n;
	return 0;
}

/* Takes @name. */
static void add(struct conf_files *files, char *name, struct conf_errors *errs)
{
	struct conf_file *more = name ? reallocarray(files->file, files->n + 1ul, sizeof(*more)) : NULL;
	struct conf_file *f;
	int fd, err;

	if (!more) {
		free(name);
		errs->oom = true;
		return;
	}
	files->file = more;
	f = &files->file[files->n++];
	*f = (struct conf_file){ .name = name };

	fd = open(name, O_RDONLY | O_CLOEXEC);
	err = fd < 0 ? -errno : read_all(fd, &f->text, &f->len);
	if (fd >= 0)
		close(fd);
	if (err)
		conf_error_add(errs, (struct conf_at){ name, 0, 0 },
			       "cannot be read: %s; check the name and the permissions", strerror(-err));
}

/* *.yaml, but not the hidden files of editors */
static int is_dropin(const struct dirent *d)
{
	size_t len = strlen(d->d_name);

	return *d->d_name != '.' && len > 5 && !strcmp(d->d_name + len - 5, ".yaml");
}

/* By octets, so that the order does not depend on the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* "a/b" + "c" -> "a/b/c"; "" + "c" -> "c"; NULL: no memory */
static char *join(const char *dir, size_t dir_len, const char *name)
{
	char *path;

	return asprintf(&path, "%.*s%s", (int)dir_len, dir, name) < 0 ? NULL : path;
}

void conf_files_read(const char *path, struct conf_files *files, struct conf_errors *errs)
{
	const char *slash = strrchr(path, '/');
	char *dir = join(path, slash ? (size_t)(slash - path) + 1 : 0, DROPINS "/");
	struct dirent **list = NULL;
	int n;

	*files = (struct conf_files){ 0 };
	add(files, strdup(path), errs);
	if (!dir) {
		errs->oom = true;
		return;
	}
	n = scandir(dir, &list, is_dropin, by_name);
	if (n < 0 && errno != ENOENT)
		conf_error_add(errs, (struct conf_at){ files->n ? files->file[0].name : "", 0, 0 },
			       DROPINS " beside it cannot be read: %s; check what it is and its permissions",
			       strerror(errno));
	for (int i = 0; i < n; i++) {
		add(files, join(dir, strlen(dir), list[i]->d_name), errs);
		free(list[i]);
	}
	free(list);
	free(dir);
}

void conf_files_free(struct conf_files *files)
{
	for (unsigned i = 0; i < files->n; i++) {
		free(files->file[i].name);
		free(files->file[i].text);
	}
	free(files->file);
	*files = (struct conf_files){ 0 };
}
