/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flow_text - see flow_text.h */
#include "ctl/flow_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "ctl/json.h"

static void one_end(char *buf, size_t octets, const json_t *ends, const char *addr, const char *port)
{
	const char *a = json_text(ends, addr);
	bool v6 = strchr(a, ':');

	if (json_object_get(ends, port))
		snprintf(buf, octets, "%s%s%s:%" JSON_INTEGER_FORMAT, v6 ? "[" : "", a, v6 ? "]" : "", json_number(ends, port));
	else
		snprintf(buf, octets, "%s", a);
}

void flow_ends(char buf[FLOW_TEXT_OCTETS], const json_t *ends)
{
	char src[56], dst[56];

	one_end(src, sizeof(src), ends, "src", "sport");
	one_end(dst, sizeof(dst), ends, "dst", "dport");
	if (json_object_get(ends, "id"))
		snprintf(buf, FLOW_TEXT_OCTETS, "%s > %s id %" JSON_INTEGER_FORMAT, src, dst, json_number(ends, "id") & 0xffff);
	else
		snprintf(buf, FLOW_TEXT_OCTETS, "%s > %s", src, dst);
}

void flow_client(char buf[FLOW_TEXT_OCTETS], const json_t *flow)
{
	flow_ends(buf, json_object_get(flow, "orig"));
}

void flow_guest(char buf[FLOW_TEXT_OCTETS], const json_t *flow)
{
	const json_t *xlat = json_object_get(flow, "xlat");
	const char *name = json_text(flow, "guest");

	if (!*name)
		one_end(buf, FLOW_TEXT_OCTETS, xlat, "dst", "dport");
	else if (json_object_get(xlat, "dport"))
		snprintf(buf, FLOW_TEXT_OCTETS, "%.63s:%" JSON_INTEGER_FORMAT, name, json_number(xlat, "dport"));
	else
		snprintf(buf, FLOW_TEXT_OCTETS, "%.63s", name);
}

const char *flow_state(const json_t *flow)
{
	if (!strcmp(json_text(flow, "proto"), "tcp"))
		return json_text(flow, "state");
	return json_is_true(json_object_get(flow, "answered")) ? "answered" : "unanswered";
}

void flow_line(char buf[FLOW_LINE_OCTETS], const json_t *flow)
{
	char client[FLOW_TEXT_OCTETS], xlat[FLOW_TEXT_OCTETS];
	const json_t *in = json_object_get(flow, "sent"), *out = json_object_get(flow, "answers");
	const char *forward = json_text(flow, "forward");

	flow_client(client, flow);
	flow_ends(xlat, json_object_get(flow, "xlat"));
	snprintf(buf, FLOW_LINE_OCTETS,
		 "%s %s %s => %s%s%s sent %" JSON_INTEGER_FORMAT " packets %" JSON_INTEGER_FORMAT
		 " octets, answered %" JSON_INTEGER_FORMAT " packets %" JSON_INTEGER_FORMAT " octets, %" JSON_INTEGER_FORMAT
		 " s left", json_text(flow, "proto"), flow_state(flow), client, xlat, *forward ? " forward " : "", forward,
		 json_number(in, "packets"), json_number(in, "octets"), json_number(out, "packets"), json_number(out, "octets"),
		 json_number(flow, "left_s"));
}
