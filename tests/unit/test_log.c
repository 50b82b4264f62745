/* SPDX-License-Identifier: GPL-2.0-or-later */
/* log: what reaches standard error, with and without a journal behind it. */
#include "nfq/log.h"

#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static int saved = -1, file = -1;

/* From here on standard error is a file. */
static void capture(bool journal)
{
	FILE *f = tmpfile();
	char stream[64];
	struct stat st;

	assert_non_null(f);
	file = dup(fileno(f));
	fclose(f);
	saved = dup(STDERR_FILENO);
	dup2(file, STDERR_FILENO);
	unsetenv("JOURNAL_STREAM");
	if (journal) {
		assert_int_equal(fstat(STDERR_FILENO, &st), 0);
		snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
		setenv("JOURNAL_STREAM", stream, 1);
	}
	log_open(LOG_TO_STDERR, 1);
}

static const char *captured(void)
{
	static char text[65536];
	ssize_t n = pread(file, text, sizeof(text) - 1, 0);

	dup2(saved, STDERR_FILENO);
	close(saved);
	close(file);
	text[n < 0 ? 0 : n] = '\0';
	return text;
}

static void say_all(void)
{
	log_error("one %d", 1);
	log_warn("two %s", "2");
	log_info("three");
	log_debug("four");
}

static void levels_have_names(void **state)
{
	(void)state;
	capture(false);
	say_all();
	assert_string_equal(captured(), "nfqnatd: error: one 1\nnfqnatd: warning: two 2\nthree\nfour\n");
}

static void journal_gets_numbers(void **state)
{
	(void)state;
	capture(true);
	say_all();
	assert_string_equal(captured(), "<3>one 1\n<4>two 2\n<6>three\n<7>four\n");
}

static void foreign_journal_is_not_ours(void **state)
{
	(void)state;
	capture(false);
	setenv("JOURNAL_STREAM", "1:2", 1);
	log_open(LOG_TO_STDERR, 0);
	log_info("plain");
	assert_string_equal(captured(), "plain\n");
}

/* However long, it is one line with an end. */
static void long_lines_are_cut(void **state)
{
	(void)state;
	for (unsigned n = 900; n < 1200; n++) {
		char *x = malloc(n + 1);
		const char *text;
		size_t len;

		assert_non_null(x);
		memset(x, 'x', n);
		x[n] = '\0';
		capture(n % 2);
		log_warn("%s", x);
		text = captured();
		len = strlen(text);
		assert_true(len <= 1024);
		assert_ptr_equal(strchr(text, '\n'), text + len - 1);
		if (n < 900 + 64)
			assert_int_equal(len, n + strlen(n % 2 ? "<4>" : "nfqnatd: warning: ") + 1);
		free(x);
	}
}

static void rate_is_held(void **state)
{
	struct log_rate r = { 0 };
	uint64_t held = 99;

	(void)state;
	assert_true(log_rate_pass(&r, 60000, &held));
	assert_int_equal(held, 0);
	for (unsigned i = 0; i < 5; i++)
		assert_false(log_rate_pass(&r, 60000, &held));
	r.next_ns = 0;			/* a minute later */
	assert_true(log_rate_pass(&r, 60000, &held));
	assert_int_equal(held, 5);
	assert_false(log_rate_pass(&r, 60000, &held));
}

int main(void)
{
	unit_add("levels have names on a terminal", levels_have_names, NULL);
	unit_add("a journal gets the numbers of sd-daemon(3)", journal_gets_numbers, NULL);
	unit_add("somebody else's journal is not ours", foreign_journal_is_not_ours, NULL);
	unit_add("long lines are cut and still end", long_lines_are_cut, NULL);
	unit_add("a warning that comes too often is held back and counted", rate_is_held, NULL);
	return unit_run("log");
}
