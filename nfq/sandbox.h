/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sandbox - what the process that reads foreign packets cannot do any more.
 *
 * In order of what an attacker who owns that process would want:
 *   files      an empty root (mount namespace, where CAP_SYS_ADMIN is held) and Landlock without a single
 *              rule (where the kernel has it); either alone is enough
 *   programs   no exec, no new process, no memory that is both written and run: seccomp
 *   kernel     an allow-list of system calls; of capabilities CAP_NET_ADMIN only, which verdicts need;
 *              no new privileges; the bounding set is empty
 *   others     a user of its own (`nfqnat`, where it exists and main may change to it); no signals, no ptrace
 *   resources  limits on descriptors, processes and core files
 *
 * What stays: the descriptors that were open before. The queue sockets are
 * netlink sockets of CAP_NET_ADMIN, so an owned worker could still change
 * netfilter rules; SECURITY.md says what that means.
 *
 * Threads  before any thread is made: they inherit it
 */
#ifndef NFQ_SANDBOX_H
#define NFQ_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define SANDBOX_USER "nfqnat"

struct sandbox {
	uid_t uid;		/* 0: stays who it is */
	gid_t gid;
	const void *lock;	/* memory to keep from being swapped out, as its pages come into use; NULL: none */
	size_t lock_octets;
};

/* What could not be had; each is less protection and no reason to stop. */
enum sandbox_lacks {
	SANDBOX_NO_EMPTY_ROOT = 1 << 0,
	SANDBOX_NO_LANDLOCK = 1 << 1,
	SANDBOX_NO_USER = 1 << 2,	/* one was wanted */
	SANDBOX_NO_LOCK = 1 << 3,	/* RLIMIT_MEMLOCK is too small */
};

/**
 * sandbox_user - look for the worker's user
 * @s: out; uid and gid, 0 if there is no such user or we are it
 * Asks the name service, which may take a while: once, in the main process.
 */
void sandbox_user(struct sandbox *s);

/**
 * sandbox_enter - give everything up that handling packets does not need
 * @s: see there
 *
 * Returns a set of enum sandbox_lacks, or -errno if capabilities or system
 * calls could not be limited: then the process must end, handling nothing.
 */
int sandbox_enter(const struct sandbox *s);

/* Two of its steps, each enough to hide all files. false: this host or process cannot have it. */

/* sandbox_empty_root - a root with nothing in it, seen by this process only; needs CAP_SYS_ADMIN */
bool sandbox_empty_root(void);

/* sandbox_landlock - deny everything the running kernel's Landlock can deny; needs no_new_privs or CAP_SYS_ADMIN */
bool sandbox_landlock(void);

/* sandbox_lack_name - what a single bit of enum sandbox_lacks stands for, for the log */
const char *sandbox_lack_name(enum sandbox_lacks bit);

#endif
