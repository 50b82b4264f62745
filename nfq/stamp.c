/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stamp - see stamp.h */
#include "nfq/stamp.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* A host may be without IPv4, or without IPv6. */
static int any_socket(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0) : fd;
}

int stamp_open(void)
{
	const int on = 1;
	int fd = any_socket(), err;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}
