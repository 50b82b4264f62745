/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peek - read the flow table while the worker writes it.
 *
 * The worker is never stopped and never told. A slot is copied and then the
 * copy is checked: it is one whole flow if both of its tuples lead to this
 * very slot in the hash (flow_add() writes the slot first and enters the hash
 * last, flow_del() leaves the hash first), and if after that the slot still
 * holds the same tuples. What else is in a slot, times and counters, are
 * single words, each true by itself; two of them may be one packet apart.
 * A slot that changes under our eyes is read again a few times and then left
 * out: it just came or is just going.
 */
#ifndef NFQ_PEEK_H
#define NFQ_PEEK_H

#include "nat/nat.h"

/* peek_plausible - can it be a flow? What the worker says one is, is foreign: its numbers are used as indices */
bool peek_plausible(const struct nat_flow *f);

/**
 * peek_flow - copy one flow
 * @n: a view of the engine, of any process
 * Returns false if the slot is free or in the middle of a change. Cost: two lookups.
 */
bool peek_flow(const struct nat *n, uint32_t index, struct nat_flow *out);

/* peek_find - the slot that a tuple leads to now, NAT_NONE if none; its flow in @out */
uint32_t peek_find(const struct nat *n, const struct nat_ends *e, uint8_t proto, uint8_t family, struct nat_flow *out);

/* peek_left_s - seconds until the flow ends if nothing comes; 0: it is over */
long peek_left_s(const struct nat *n, const struct nat_flow *f, nat_ns now);

#endif
