/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steer - put the rules into the kernel, change them, take them out.
 *
 * Backends: nft (where the kernel has nft `queue`), or the iptables family in
 * either flavour. Each table is replaced in one transaction, so there is no
 * moment without rules; chains and tables of other programs are not touched.
 */
#ifndef NFQ_STEER_H
#define NFQ_STEER_H

#include <stddef.h>

#include "nfq/steer/rules.h"

enum steer_backend {
	STEER_NONE,			/* nothing is installed */
	STEER_NFT,
	STEER_XT,
};

struct steer {
	enum steer_backend backend;
	const char *flavour;		/* STEER_XT: "", "-nft" or "-legacy", as in iptables-nft-restore */
	bool conntrack;			/* the kernel can match it */
	bool no_log;			/* the kernel cannot log refusals to us: they stay as they are */
	bool fragments;			/* without it: fragments are queued and translated one by one */
	char *text[RULES_TABLES][2];	/* what was installed last, by table and family (nft: [0][0]); NULL: nothing known */
};

/**
 * steer_start - choose a backend, install, remove what an earlier run may have left in another
 * @want: what the configuration asks for
 * @r:    rules; r->conntrack is decided here, and r->refusals if the kernel cannot log them
 * @why:  out on error: what failed and what to do
 *
 * Returns 0; -EPERM no CAP_NET_ADMIN; -ENOENT no program or no kernel part for
 * it; -EIO the program refused. On error nothing of ours is left installed.
 * Cost: about ten program runs, 100 ms.
 */
int steer_start(struct steer *s, enum conf_steering want, struct rules *r, char *why, size_t why_octets);

/**
 * steer_replace - install @r in place of what is there
 * @always: also the tables that we have installed just so: somebody may have flushed them
 * Returns 0 or as steer_start(). On error some tables may have the new rules:
 * call again with the old ones.
 * Cost: nothing for tables that stay as they are; one run of nft or one of the
 * iptables family per family that changes, 10 to 20 ms each; four of the
 * latter if @always, or if a family had no rules before.
 */
int steer_replace(struct steer *s, struct rules *r, bool always, char *why, size_t why_octets);

/* steer_stop - remove everything of ours; @s may have been started or not */
void steer_stop(struct steer *s);

/* steer_forget - give back memory, and leave the rules where they are */
void steer_forget(struct steer *s);

/**
 * steer_resume - rules of a run before are there, installed like this
 * Finding it out anew by steer_start() would have the kernel drop what waits
 * in queues: trying nft where it cannot queue registers hooks and removes
 * them, and the kernel lets nothing wait over that.
 * Returns false if @flavour is none that steer_start() chooses.
 */
bool steer_resume(struct steer *s, enum steer_backend backend, const char *flavour, bool conntrack);

/**
 * steer_count - how many of our rules are in the kernel
 * @want: as installed last; @have: now
 * Returns false if nothing is installed or it cannot be found out. Runs a program for each table.
 */
bool steer_count(const struct steer *s, unsigned *want, unsigned *have);

/* steer_is_legacy - are the rules where the kernel tells nobody of changes? */
bool steer_is_legacy(const struct steer *s);

/* steer_clear - remove what any run before may have left, in every backend there is */
void steer_clear(void);

/* steer_name - "nft", "iptables-legacy", ... for logs */
const char *steer_name(const struct steer *s);

#endif
