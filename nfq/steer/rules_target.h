/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rules_target - to which worker's queue a packet goes that a rule has matched; the end of each rule.
 *
 * All but TCP goes to the queue of the CPU that it is on. TCP goes by bits of
 * the address of its client (the end that is not ours), so both directions of
 * a connection are one worker's, in order. The kernel's own hash of both
 * addresses (nfqueue_hash() of include/net/netfilter/nf_queue.h) sends the two
 * ways wherever they fall, as translation changes one of the two.
 * docs/decisions/0005, 0032.
 *
 * With several workers a rule for TCP jumps to one of four chains, each for one
 * set of queues and one end of the packet; there the last worker takes what
 * the others leave, so nothing is missed. A packet is compared with twice as
 * many values as there are workers, at most four times; nft has them in sets.
 */
#ifndef NFQ_RULES_TARGET_H
#define NFQ_RULES_TARGET_H

#include "nfq/steer/rules.h"

/* Which end of a packet is the client of its connection, or the remote of what a guest has opened? */
enum rules_client { RULES_CLIENT_FROM, RULES_CLIENT_TO };

/**
 * rules_target_xt, rules_target_nft - the end of a rule, and of its line
 * @client: of TCP; ignored else
 * @bypass: the kernel goes on without us if nobody listens. Of TCP only what differs from r->bypass goes by the
 *          kernel's hash: the chains have r->bypass
 */
void rules_target_xt(const struct rules *r, enum rules_set set, enum rules_client client, bool bypass, FILE *out);
void rules_target_nft(const struct rules *r, enum rules_set set, enum rules_client client, bool bypass, FILE *out);

/* The chains that they jump to. For iptables each is in one table or in both. */
enum { RULES_TARGET_CHAINS = 4 };

const char *rules_target_chain(unsigned i);

/* rules_target_has - is chain @i in table @t, with these rules? */
bool rules_target_has(const struct rules *r, enum rules_table t, unsigned i);

/* rules_target_fill_xt - the rules in chain @i; it was named before */
void rules_target_fill_xt(const struct rules *r, enum nat_family family, unsigned i, FILE *out);

/* rules_target_chains_nft - all chains with their rules; nothing if there is one worker */
void rules_target_chains_nft(const struct rules *r, FILE *out);

#endif
