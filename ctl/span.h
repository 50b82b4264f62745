/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * span - durations on the command line.
 */
#ifndef CTL_SPAN_H
#define CTL_SPAN_H

#include <stdbool.h>
#include <stdint.h>

/* span_parse - "90s", "20m", "8h", "2d": 1 s to 366 days; false: it is none */
bool span_parse(const char *text, uint32_t *seconds);

#endif
