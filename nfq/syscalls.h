/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * syscalls - the system calls a packet worker may make, by seccomp(2).
 *
 * What it never does by itself and an intruder would do at once ends the
 * process (SIGSYS); main starts another on the same flows. Anything else
 * that is not in the list fails with EPERM, so that a C library which tries
 * something new falls back to what is.
 *
 * Calls of the data path have no condition on their arguments: the kernel
 * (5.11 and later) then allows them from a bitmap without running the filter.
 */
#ifndef NFQ_SYSCALLS_H
#define NFQ_SYSCALLS_H

/* syscalls_limit - for this thread and all it makes; needs no_new_privs. 0 or -errno: -EINVAL: no seccomp in this kernel */
int syscalls_limit(void);

#endif
