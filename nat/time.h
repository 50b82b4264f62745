/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * time - the only clock the engine knows: a number its caller passes in.
 *
 * nat_ns counts nanoseconds of CLOCK_BOOTTIME (R35): it does not jump when the
 * wall clock is set, and it goes on while the host sleeps. Flows store ticks
 * of 2^24 ns (16.8 ms) in 32 bits, which wrap after 2.2 years of uptime;
 * ticks are therefore only ever subtracted, never compared.
 */
#ifndef NAT_TIME_H
#define NAT_TIME_H

#include <stdint.h>

typedef uint64_t nat_ns;
typedef uint32_t nat_tick;

#define NAT_SEC(s)	((nat_ns)(s) * 1000000000u)

static inline nat_tick nat_tick_of(nat_ns t)
{
	return (nat_tick)(t >> 24);
}

/* nat_tick_span - a duration in ticks, rounded up and one more for the tick it begins in, so that no flow dies early */
static inline nat_tick nat_tick_span(nat_ns t)
{
	return (nat_tick)((t + (1u << 24) - 1) >> 24) + 1;
}

#endif
