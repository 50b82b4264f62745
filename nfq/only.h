/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * only - a child of the main process keeps the descriptors that it is for.
 *
 * The main process has sockets that a child which reads foreign octets must
 * not have: raw sockets, netlink, the control socket. What it may keep is
 * named, so that one more in the main process is never one more in a child.
 */
#ifndef NFQ_ONLY_H
#define NFQ_ONLY_H

#include <stddef.h>

/**
 * only_these - close every descriptor but @fd and standard input, output and error
 * @fd: @n of them, in any order; sorted here; negative ones are ignored
 * syslog is opened anew if that is where the log goes. Cost: n + 1 system calls.
 */
void only_these(int *fd, size_t n);

#endif
