/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ctl_listen - the control socket in the file system: where it is, and whose.
 */
#ifndef NFQ_CTL_LISTEN_H
#define NFQ_CTL_LISTEN_H

#include <stddef.h>
#include <sys/types.h>

/**
 * ctl_listen - a socket at @path that the group @group may connect to
 * @path: its directory is made if absent; a socket that nobody answers at is replaced
 * @gid:  out; of the group, -1: only root, and who we are
 * @why:  out on error; what failed and what to do
 * Returns a descriptor, or -errno; -EADDRINUSE: another daemon answers there; -EEXIST: something that is no socket is there.
 */
int ctl_listen(const char *path, const char *group, gid_t *gid, char *why, size_t why_octets);

/* ctl_listen_group - its number; -1 for "root", who may anyway. 0, or -ENOENT with @why */
int ctl_listen_group(const char *name, gid_t *group, char *why, size_t why_octets);

/* ctl_listen_give - a socket that is there to another group, or back to us alone (@gid -1); 0, or -errno with @why */
int ctl_listen_give(const char *path, const char *group, gid_t gid, char *why, size_t why_octets);

#endif
