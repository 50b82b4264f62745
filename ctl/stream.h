/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stream - records of packets and events, as they come from the daemon.
 */
#ifndef CTL_STREAM_H
#define CTL_STREAM_H

#include <jansson.h>

#include "ctl/cmd.h"
#include "nfq/tap.h"

struct stream {
	struct ctl *ctl;
	unsigned long most;		/* end after so many records; 0: never */
	unsigned long shown;		/* so many were taken; raised by @take */
	uint64_t lost;
	int64_t wall_ns;		/* wall clock minus the clock of records */
};

/**
 * stream_run - ask, and hand over each record until the end, SIGINT or SIGTERM
 * @req:  a `watch`, given away
 * @take: a record of kind TAP_EVENT or TAP_PACKET with its packet octets behind it; false: stop
 *
 * Lost records are told on standard error (with --json: as {"lost":N}).
 * Returns an exit status; being interrupted is CMD_OK.
 */
int stream_run(struct stream *s, json_t *req, bool (*take)(struct stream *s, const struct tap_record *r));

/**
 * stream_filter - compile words as one filter of pcap-filter(7) into the request
 * Returns false after a line on standard error that says what is wrong.
 */
bool stream_filter(json_t *req, char **word, int n);

/* stream_time - "14:03:59.123456" of a record, local time; returns @buf */
const char *stream_time(const struct stream *s, const struct tap_record *r, char buf[24]);

/* stream_count - read a number of records from an option; false after a line on standard error */
bool stream_count(const char *text, unsigned long *n);

/* stream_forward - the name of the record's forward, for show.h; set by stream_run() before @take */
const char *stream_forward(uint32_t forward);

#endif
