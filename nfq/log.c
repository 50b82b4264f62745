/* SPDX-License-Identifier: GPL-2.0-or-later */
/* log - see log.h */
#include "nfq/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#if !defined(NO_JOURNAL) && __has_include(<systemd/sd-journal.h>)
#include <systemd/sd-journal.h>
#else				/* no systemd, as on Alpine: nobody takes it */
static int sd_journal_sendv(const struct iovec *iov, int n)
{
	(void)iov;
	(void)n;
	return -1;
}
#endif

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

/* ---- fields ---- */

enum { FIELDS = 20, FIELD_OCTETS = 288, MESSAGE_OCTETS = 1024 };

static _Thread_local struct {
	unsigned n;
	char text[FIELDS][FIELD_OCTETS];	/* "NAME=value" */
} fields;

static int journal_fd = -1;		/* of a child that will not reach the journal by its name */

static void journal_open(void)
{
	const struct sockaddr_un sa = { .sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/socket" };

	journal_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (journal_fd >= 0 && connect(journal_fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0) {
		close(journal_fd);
		journal_fd = -1;
	}
}

/* A line break would be another field. */
static void one_line(char *text)
{
	for (; *text; text++)
		if (*text == '\n')
			*text = ' ';
}

void log_field(const char *name, const char *fmt, ...)
{
	char *text = fields.text[fields.n];
	size_t n;
	va_list ap;

	if (!log_prefix || fields.n == FIELDS)
		return;
	n = (size_t)snprintf(text, FIELD_OCTETS, "%s=", name);
	va_start(ap, fmt);
	vsnprintf(text + n, FIELD_OCTETS - n, fmt, ap);
	va_end(ap);
	one_line(text);
	fields.n += text[n] != '\0';
}

/* As systemd's JOURNAL_NATIVE_PROTOCOL has it: a line for each. False: nobody took it. */
static bool send_native(struct iovec *iov, unsigned n)
{
	static char newline[] = "\n";
	struct iovec lines[2 * (FIELDS + 3)], *line = lines;
	struct msghdr m = { .msg_iov = lines };

	for (unsigned i = 0; i < n; i++) {
		*line++ = iov[i];
		*line++ = (struct iovec){ .iov_base = newline, .iov_len = 1 };
	}
	m.msg_iovlen = (size_t)(line - lines);
	return sendmsg(journal_fd, &m, MSG_NOSIGNAL) >= 0;
}

/* The line with its fields. False: it has none, or the journal is not there. */
static bool to_journal(int level, const char *fmt, va_list ap) LOG_FORMAT(2, 0);
static bool to_journal(int level, const char *fmt, va_list ap)
{
	char message[MESSAGE_OCTETS] = "MESSAGE=", priority[16], name[] = "SYSLOG_IDENTIFIER=nfqnatd";
	struct iovec iov[FIELDS + 3] = { { message, 0 }, { priority, 0 }, { name, sizeof(name) - 1 } };
	const size_t head = strlen(message);
	unsigned n = 2;

	if (!fields.n)
		return false;
	vsnprintf(message + head, sizeof(message) - head, fmt, ap);
	one_line(message);
	iov[0].iov_len = strlen(message);
	iov[1].iov_len = (size_t)snprintf(priority, sizeof(priority), "PRIORITY=%d", level);
	if (journal_fd >= 0)
		n = 3;			/* sd_journal_sendv() adds the name itself */
	for (unsigned i = 0; i < fields.n; i++)
		iov[n++] = (struct iovec){ .iov_base = fields.text[i], .iov_len = strlen(fields.text[i]) };
	fields.n = 0;
	return journal_fd >= 0 ? send_native(iov, n) : sd_journal_sendv(iov, (int)n) >= 0;
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
	journal_fd = -1;
	if (log_prefix)
		journal_open();
	if (log_to != LOG_TO_SYSLOG)
		return;
	closelog();
	log_open(log_to, log_verbose);
}

static void log_line(int level, const char *fmt, va_list ap) LOG_FORMAT(2, 0);
static void log_line(int level, const char *fmt, va_list ap)
{
	char line[MESSAGE_OCTETS];
	size_t n = 0;
	va_list again;
	bool sent;
	int len;

	va_copy(again, ap);
	sent = to_journal(level, fmt, again);
	va_end(again);
	if (sent)
		return;
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
