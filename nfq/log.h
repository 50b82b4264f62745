/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log - what the daemon tells people.
 *
 * In the foreground: lines on standard error. Under systemd (JOURNAL_STREAM
 * names our standard error): the same with the <N> prefix of sd-daemon(3), so
 * the journal knows the level; a line that has fields is sent to it with them. With --syslog: syslog(3).
 * One line is one write(2), so lines of several processes never mix.
 *
 * Threads  all functions may be called by any thread
 */
#ifndef NFQ_LOG_H
#define NFQ_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_to {
	LOG_TO_STDERR,
	LOG_TO_SYSLOG,
};

/* log_open - call once, before any fork. @verbose: 0, 1 (flows) or 2 (packets) */
void log_open(enum log_to to, int verbose);

/* log_again - in a child whose descriptors for syslog and the journal were closed */
void log_again(void);

/* log_is_journal - does the journal read our standard error? Then structured fields may be sent to it. */
bool log_is_journal(void);

/* What -v and -vv ask for; read on the data path, so a plain variable: off costs one predictable branch. */
extern int log_verbose;

#define LOG_FORMAT(a, b) __attribute__((format(printf, a, b)))

/* Four verbs. The one who decides what to do about an event logs it, once. */
void log_error(const char *fmt, ...) LOG_FORMAT(1, 2);	/* something is broken and stays so */
void log_warn(const char *fmt, ...) LOG_FORMAT(1, 2);	/* something is not as it should be; going on */
void log_info(const char *fmt, ...) LOG_FORMAT(1, 2);	/* lifecycle */
void log_debug(const char *fmt, ...) LOG_FORMAT(1, 2);	/* with -v and -vv: flows, packets */

/**
 * log_field - a field for the journal, of the next line that this thread logs: log_field("FORWARD", "%s", name)
 * @name: in capitals. An empty value is no field. Nothing happens, and nothing is kept, if no journal reads us.
 */
void log_field(const char *name, const char *fmt, ...) LOG_FORMAT(2, 3);

/* A warning that may come with every packet: at most one in @every_ms; it says how many were held back. */
struct log_rate {
	uint64_t next_ns;
	uint64_t held;
};

/* log_rate_pass - may it be said now? @held: out; how many were not. CLOCK_MONOTONIC inside. */
bool log_rate_pass(struct log_rate *r, uint64_t every_ms, uint64_t *held);

#endif
