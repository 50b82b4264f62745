/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctl_server: a client whose own request takes its right away; a file where the socket should be. */
#include "nfq/ctl/server.h"

#include <errno.h>
#include <ev.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/unit.h"

enum { STRANGER = 65534 };		/* a user */

static char dir[] = "/tmp/nfqnat-ctl-XXXXXX", path[64];

/* What `add` of a forward may lead to, if the group has another number by now. */
static void run_move(struct ctl_client *c, json_t *req)
{
	char why[256];

	(void)req;
	assert_int_equal(ctl_server_move(path, "root", why, sizeof(why)), 0);
	ctl_end(c, NULL);
}

static const struct ctl_command table[] = { { "move", run_move }, { NULL, NULL } };

/* A connection of somebody who may ask as one of the group daemon. */
static int stranger(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), err;
	const struct group *daemon = getgrnam("daemon");

	assert_non_null(daemon);
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	assert_true(fd >= 0);
	assert_int_equal(setegid(daemon->gr_gid) | seteuid(STRANGER), 0);
	err = connect(fd, (const struct sockaddr *)&sa, sizeof(sa));
	assert_int_equal(seteuid(0) | setegid(0), 0);
	assert_int_equal(err, 0);
	return fd;
}

static void request_that_ends_its_client(void **state)
{
	static const char ask[] = "{\"cmd\":\"move\"}\n";
	struct ev_loop *loop;
	char why[256] = "", got;
	int fd;

	(void)state;
	if (geteuid())
		skip();
	loop = ev_loop_new(EVFLAG_AUTO);
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chmod(dir, 0755), 0);
	snprintf(path, sizeof(path), "%s/sock", dir);
	if (ctl_server_open(loop, path, "daemon", table, why, sizeof(why)))
		unit_fail("%s", why);
	fd = stranger();
	ev_run(loop, EVRUN_ONCE);
	assert_int_equal(ctl_server_counts().clients, 1);
	assert_int_equal(write(fd, ask, sizeof(ask) - 1), sizeof(ask) - 1);
	ev_run(loop, EVRUN_ONCE);
	assert_int_equal(ctl_server_counts().requests, 1);
	assert_int_equal(ctl_server_counts().clients, 0);
	while (read(fd, &got, 1) > 0)
		;				/* an answer or none, but then the end */
	close(fd);
	ctl_server_close();
	ev_loop_destroy(loop);
	rmdir(dir);
}

/* `control: { socket: ... }` may name a file by mistake: that is nobody's to remove. */
static void file_in_its_place_stays(void **state)
{
	char file[] = "/tmp/nfqnat-ctl-file-XXXXXX", why[256] = "";
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	int fd = mkstemp(file);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(ctl_server_open(loop, file, "root", table, why, sizeof(why)), -EEXIST);
	assert_non_null(strstr(why, "is no socket"));
	assert_int_equal(unlink(file), 0);
	ev_loop_destroy(loop);
}

int main(void)
{
	unit_add("a request that ends its client", request_that_ends_its_client, NULL);
	unit_add("a file in its place stays", file_in_its_place_stays, NULL);
	return unit_run("ctl_server");
}
