/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hot - what every packet of a known flow runs through, and what few do.
 *
 * nat_packet() is bounded by the number of its instructions: they are in the
 * cache, and what they read is too (docs/decisions/0012, 0021). A function
 * that is HOT becomes part of its caller, so that a constant argument (is
 * this a quote?) costs nothing; one that is RARE does not, so that the caller
 * saves no registers for it.
 */
#ifndef NAT_HOT_H
#define NAT_HOT_H

#define HOT __attribute__((always_inline)) inline
#define RARE __attribute__((noinline, cold))

#endif
