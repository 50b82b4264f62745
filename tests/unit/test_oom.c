/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * No memory for the main process: each single allocation of a reload fails, alone and with all that follow. What ran goes on
 * running, table and configuration agree, nothing leaks, and the next reload works.
 *
 * Linked with --wrap (Makefile): allocations of our own code go through here, those of libraries do not.
 */
#include "nfq/live.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "nfq/log.h"
#include "nfq/steer/run.h"
#include "tests/unit/netns.h"

static struct {
	unsigned long seen, fail_at;	/* 0: none fails */
	bool and_after;
} heap;

static bool fails(void)
{
	bool now = heap.fail_at && (++heap.seen == heap.fail_at || (heap.and_after && heap.seen > heap.fail_at));

	if (now)
		errno = ENOMEM;
	return now;
}

#define WRAP(type, name, params, args) \
	type __real_##name params;     \
	type __wrap_##name params;     \
	type __wrap_##name params      \
	{                              \
		return fails() ? NULL : __real_##name args; \
	}

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker's names */
WRAP(void *, malloc, (size_t n), (n))
WRAP(void *, calloc, (size_t n, size_t each), (n, each))
WRAP(void *, realloc, (void *p, size_t n), (p, n))
WRAP(char *, strdup, (const char *s), (s))
WRAP(FILE *, open_memstream, (char **text, size_t *octets), (text, octets))

/* No program is run: each says that it did what it was told. */
int __wrap_run_program(const char *const *argv, const char *input, char **out, char *err, size_t err_octets);
int __wrap_run_program(const char *const *argv, const char *input, char **out, char *err, size_t err_octets)
{
	(void)argv;
	(void)input;
	snprintf(err, err_octets, "-");
	if (out && !(*out = __wrap_strdup("")))
		return -ENOMEM;
	return 0;
}

int __wrap_run_nft(const char *text, char *why, size_t octets);
int __wrap_run_nft(const char *text, char *why, size_t octets)
{
	(void)text;
	snprintf(why, octets, "-");
	return 0;
}
/* NOLINTEND(bugprone-reserved-identifier) */

static const char *const files[2] = {
	"max-flows: 1024\nsteering: iptables-legacy\nforwards:\n"
	"  - { name: web, to: [10.9.0.3, \"fd00:9::3\"], publish: [\"8080:80\", \"8080:80/udp\", icmp] }\n",
	"max-flows: 1024\nsteering: iptables-legacy\nlimits: { source-flows: 100 }\nmss: clamp\nforwards:\n"
	"  - { name: web, to: [10.9.0.4, \"fd00:9::3\"], publish: [\"8080:80\", \"5000-5100:6000-6100\", \"~5050\"], allow: [198.51.100.0/24] }\n"
	"  - { name: more, to: 10.9.0.5, publish: \"127.0.0.1:9000:9\", limits: { flows: 10 }, source: host }\n"
	"masquerade:\n  - { from: 10.9.0.0/24, out: lo, except: 10.0.0.0/8 }\n",
};
static char path[2][64];
static struct live live;

static void asked(uint32_t area)
{
	(void)area;
}

static void tidy(void)
{
}

/* As nfqnatctl add would. */
static int contribute(void *ctx, const struct conf *file, struct conf_claims *claims, struct conf_dynamic *out)
{
	struct conf_row row = file->rows[0];
	int at, err;

	(void)ctx;
	row.lo = row.hi = row.to_lo = 12345;
	err = conf_claims_add(claims, &row);
	at = err ? err : conf_dynamic_forward(out, "added", NULL, 0);
	row.forward = (uint32_t)at;
	return at < 0 ? at : conf_dynamic_row(out, &row);
}

/* Configuration, table and what the worker sees say the same. */
static void whole(void)
{
	const struct nat *n = &live.state.nat;

	assert_non_null(live.conf);
	assert_non_null(live.file);
	assert_false(live.change.under_way);
	assert_int_equal(live.table.n_rows, live.conf->n_rows);
	assert_int_equal(n->map[n->block->active & 1].head->n_rows, live.table.n_rows);
	assert_int_equal(live.conf->n_rows, live.file->n_rows + 1);
}

static void reload(unsigned file)
{
	live.path = path[file];
	live_reload(&live);
	while (live.change.under_way) {
		nat_swap_map(&live.state.nat);
		nat_sweep(&live.state.nat, state_clock(), UINT32_MAX);
		live_swapped(&live, live.change.area, 0);
	}
}

static bool up(void)
{
	static bool done;
	int fd;

	if (!netns_is_inside())
		return false;
	if (done)
		return true;
	for (unsigned i = 0; i < 2; i++) {
		snprintf(path[i], sizeof(path[i]), "/tmp/nfqnat-oom-%d-%u.yaml", getpid(), i);
		fd = open(path[i], O_WRONLY | O_CREAT | O_EXCL, 0600);
		assert_true(fd >= 0);
		assert_int_equal(write(fd, files[i], strlen(files[i])), strlen(files[i]));
		close(fd);
	}
	live = (struct live){ .path = path[0], .threads = 1, .ask_swap = asked, .ask_tidy = tidy };
	live.source[LIVE_ADDED].contribute = contribute;
	assert_int_equal(conf_load(path[0], &live.file, stderr), 0);
	assert_int_equal(live_open(&live, -1), 0);
	assert_int_equal(live_steer(&live), 0);
	whole();
	done = true;
	return true;
}

static void every_allocation(void **state)
{
	const bool *and_after = *state;
	unsigned long n = 0, gave_up = 0;
	bool fired;

	if (!up())
		skip();
	do {
		heap.seen = 0;
		heap.and_after = *and_after;
		heap.fail_at = ++n;
		reload(1);
		fired = heap.seen >= n;
		heap.fail_at = 0;
		whole();
		gave_up += live.file->n_rows != 0 && !live.file->n_outs;
		/* Whatever became of it: with memory everything can be changed again. */
		reload(1);
		whole();
		assert_int_equal(live.file->n_outs, 1);
		reload(0);
		whole();
		assert_int_equal(live.file->n_outs, 0);
	} while (fired);
	print_message("# %lu allocations, %lu of them made the reload fail\n", n - 1, gave_up);
	assert_true(n > 50 && gave_up > 20);
}

int main(void)
{
	static const bool alone = false, and_after = true;
	int status;

	log_open(LOG_TO_STDERR, 0);
	unit_add("one allocation of a reload fails", every_allocation, &alone);
	unit_add("one allocation of a reload fails, and all that follow", every_allocation, &and_after);
	status = unit_run("oom");
	if (live.conf) {
		steer_forget(&live.steer);
		live_close(&live);
		conf_free(live.file);
		unlink(path[0]);
		unlink(path[1]);
	}
	return status;
}
