/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * run - run a program with text as its input and keep what it says.
 *
 * No shell is involved. Used for nft and the iptables family, by the main
 * process only; the data path never waits for it.
 */
#ifndef NFQ_RUN_H
#define NFQ_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Text that is being written for a program, in memory. */
struct run_text {
	FILE *out;			/* NULL: no memory */
	char *text;
	size_t octets;
};

/* run_text_open - where to write; false: no memory, and nothing is to be closed */
bool run_text_open(struct run_text *t);

/* run_text_close - all that was written, NUL-terminated, to be freed by the caller; NULL: there was no memory for some of it */
char *run_text_close(struct run_text *t);

/**
 * run_program - run and wait
 * @argv:  NULL-terminated; argv[0] is looked up in PATH
 * @input: what it reads; NULL: nothing
 * @out:   its standard output, NUL-terminated, to be freed by the caller; NULL: not wanted
 * @err:   @err_octets; the beginning of its standard error, on one line
 *
 * Returns its exit status (127: not found), or -errno if it could not be run at all.
 */
int run_program(const char *const *argv, const char *input, char **out, char *err, size_t err_octets);

/* run_nft - `nft -f -` with @text. Returns 0; -ENOENT: there is no such program; -EIO: it refused; @why: out on error: what it said */
int run_nft(const char *text, char *why, size_t octets);

/* run_was - was @pid one of our programs of the last half minute? It is the netlink port of nft and iptables-nft as well. Never true of 0 */
bool run_was(uint32_t pid);

#endif
