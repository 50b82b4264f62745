/* SPDX-License-Identifier: GPL-2.0-or-later */
/* run: what a program reads, says, and how it ends. */
#include "nfq/steer/run.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static const struct row {
	const char *what;
	const char *argv[4];
	const char *input;
	int ret;
	const char *out, *err;
} rows[] = {
	{ "input comes out again", { "cat" }, "one\ntwo\n", 0, "one\ntwo\n", "" },
	{ "no input is an empty input", { "cat" }, NULL, 0, "", "" },
	{ "complaints become one line", { "sh", "-c", "printf 'bad\\n\\tworse\\n\\n' >&2; exit 3" }, NULL, 3, "", "bad  worse" },
	{ "both outputs are kept apart", { "sh", "-c", "echo out; echo err >&2" }, NULL, 0, "out\n", "err" },
	{ "a program that is not there", { "nfqnat-no-such-program" }, NULL, 127, "", "not found in PATH" },
	{ "a program that ends with 127 says why itself", { "sh", "-c", "echo mine >&2; exit 127" }, NULL, 127, "", "mine" },
	{ "a killed program", { "sh", "-c", "kill -9 $$" }, NULL, 128 + SIGKILL, "", "" },
	{ "arguments are not read by a shell", { "echo", "$HOME; *" }, NULL, 0, "$HOME; *\n", "" },
	{ "SIGPIPE kills a program as it should", { "sh", "-c", "kill -PIPE $$" }, NULL, 128 + SIGPIPE, "", "" },
};

static void program_runs(void **state)
{
	const struct row *r = *state;
	char *out = NULL, err[64];

	memset(err, 'x', sizeof(err));
	assert_int_equal(run_program(r->argv, r->input, &out, err, sizeof(err)), r->ret);
	assert_string_equal(out, r->out);
	assert_string_equal(err, r->err);
	free(out);
	assert_int_equal(run_program(r->argv, r->input, NULL, err, sizeof(err)), r->ret);
	assert_string_equal(err, r->err);
}

/* Neither side waits for the other, however much there is. */
static void large_texts_do_not_block(void **state)
{
	enum { OCTETS = 4 << 20 };
	static const char *const argv[] = { "sh", "-c", "cat; cat /proc/self/maps >&2", NULL };
	char *in = malloc(OCTETS + 1), *out = NULL, err[16];

	(void)state;
	assert_non_null(in);
	memset(in, 'a', OCTETS);
	in[OCTETS] = '\0';
	assert_int_equal(run_program(argv, in, &out, err, sizeof(err)), 0);
	assert_true(!strcmp(in, out));
	assert_int_equal(strlen(err), sizeof(err) - 1);
	free(in);
	free(out);
}

/* No descriptor of ours gets into the program, none stays open here, and no signal is blocked or ignored there. */
static void nothing_is_inherited(void **state)
{
	static const char *const fds[] = { "ls", "/proc/self/fd", NULL };	/* the fourth is that directory */
	static const char *const signals[] = { "grep", "-E", "^(SigBlk|SigIgn)", "/proc/self/status", NULL };
	unsigned long long blocked = ~0ull, ignored = ~0ull;
	char *out = NULL, err[64];
	int before = dup(STDIN_FILENO), after;

	(void)state;
	assert_true(before > STDERR_FILENO);
	fcntl(before, F_SETFD, FD_CLOEXEC);
	assert_int_equal(run_program(fds, NULL, &out, err, sizeof(err)), 0);
	assert_string_equal(out, "0\n1\n2\n3\n");
	free(out);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(run_program(signals, NULL, &out, err, sizeof(err)), 0);
	assert_int_equal(sscanf(out, "SigBlk: %llx SigIgn: %llx", &blocked, &ignored), 2);
	assert_true(blocked == 0);
	/* Others may have been ignored before we began: that is their choice. */
	assert_true(!(ignored & 1ull << (SIGPIPE - 1)));
	free(out);
	after = dup(STDIN_FILENO);
	assert_int_equal(after, before + 1);
	close(after);
	close(before);
}

/* Of several that ran one after the other, each is known. */
static void programs_of_ours_are_known(void **state)
{
	const char *const argv[] = { "sh", "-c", "echo $$", NULL };
	char *out[3], err[64];

	(void)state;
	for (unsigned i = 0; i < COUNT(out); i++)
		assert_int_equal(run_program(argv, NULL, &out[i], err, sizeof(err)), 0);
	for (unsigned i = 0; i < COUNT(out); i++) {
		assert_true(run_was((uint32_t)atoi(out[i])));
		free(out[i]);
	}
	assert_false(run_was(0));
	assert_false(run_was((uint32_t)getpid()));
}

int main(void)
{
	/* what the test itself was given by whoever started it */
	for (int fd = STDERR_FILENO + 1; fd < 1024; fd++)
		close(fd);
	for (size_t i = 0; i < COUNT(rows); i++)
		unit_add(rows[i].what, program_runs, &rows[i]);
	unit_add("large texts do not block", large_texts_do_not_block, NULL);
	unit_add("a program inherits three descriptors and no signal settings", nothing_is_inherited, NULL);
	unit_add("programs of ours are known", programs_of_ours_are_known, NULL);
	return unit_run("run");
}
