/* SPDX-License-Identifier: GPL-2.0-or-later */
/* log - see log.h */
#include "nfq/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

int log_verbose;

static enum log_to log_to;
static bool log_prefix;		/* the journal reads our standard error */

/* JOURNAL_STREAM is "device:inode" of what the journal reads: systemd.exec(5). */
static bool stderr_is_journal(void)
{
	const char *env = getenv("JOURNAL_STREAM");
	char mine[64];
	struct stat st;

	if (!env || fstat(STDERR_FILENO, &st) < 0)
		return false;
	snprintf(mine, sizeof(mine), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return !strcmp(env, mine);
}

bool log_is_journal(void)
{
	return log_prefix;
}

void log_open(enum log_to to, int verbose)
{
	log_to = to;
	log_verbose = verbose;
	log_prefix = stderr_is_journal();
	if (to == LOG_TO_SYSLOG) {
		/* At once, with the time zone: a worker cannot open anything later. */
		tzset();
		openlog("nfqnatd", LOG_PID | LOG_NDELAY, LOG_DAEMON);
	}
}

void log_again(void)
{
	if (log_to != LOG_TO_SYSLOG)
		return;
	closelog();
	log_open(log_to, log_verbose);
}

static void log_line(int level, const char *fmt, va_list ap) LOG_FORMAT(2, 0);
static void log_line(int level, const char *fmt, va_list ap)
{
	char line[1024];
	size_t n = 0;
	int len;

	if (log_to == LOG_TO_SYSLOG) {
		vsyslog(level, fmt, ap);
		return;
	}
	if (log_prefix)
		n = (size_t)snprintf(line, sizeof(line), "<%d>", level);
	else if (level <= LOG_WARNING)
		n = (size_t)snprintf(line, sizeof(line), "nfqnatd: %s", level == LOG_WARNING ? "warning: " : "error: ");
	len = vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	if (len < 0)
		return;
	n += (size_t)len;
	if (n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, n) < 0)
		return;		/* nobody to tell */
}

#define LOG_VERB(name, level)                     \
	void log_##name(const char *fmt, ...)     \
	{                                         \
		va_list ap;                       \
                                                  \
		va_start(ap, fmt);                \
		log_line(level, fmt, ap);         \
		va_end(ap);                       \
	}

LOG_VERB(error, LOG_ERR)
LOG_VERB(warn, LOG_WARNING)
LOG_VERB(info, LOG_INFO)
LOG_VERB(debug, LOG_DEBUG)

bool log_rate_pass(struct log_rate *r, uint64_t every_ms, uint64_t *held)
{
	struct timespec ts;
	uint64_t now;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	now = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
	if (now < r->next_ns) {
		r->held++;
		return false;
	}
	*held = r->held;
	r->held = 0;
	r->next_ns = now + every_ms * 1000000u;
	return true;
}
