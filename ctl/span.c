/* SPDX-License-Identifier: GPL-2.0-or-later */
/* span - see span.h */
#include "ctl/span.h"

#include <stdlib.h>

enum { SPAN_MAX = 366 * 86400 };

bool span_parse(const char *text, uint32_t *seconds)
{
	static const struct { char unit; uint32_t seconds; } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	char *end;
	unsigned long n;

	if (*text < '0' || *text > '9')
		return false;
	n = strtoul(text, &end, 10);
	for (unsigned i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (end[0] == units[i].unit && !end[1] && n >= 1 && n <= SPAN_MAX / units[i].seconds) {
			*seconds = (uint32_t)n * units[i].seconds;
			return true;
		}
	return false;
}
