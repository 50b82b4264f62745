/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cpus: on which CPU a thread runs, by what it had to do; on this machine's own. */
#include "nfq/cpus.h"

#include "tests/unit/unit.h"

/* What a thread had since the last look, and whether it then stays on its CPU. */
static const struct row {
	const char *what;
	uint64_t by_cpu, by_hash;
	bool was, pinned;
} rows[] = {
	{ "TCP alone lets it go",                     0, 10, true,  false },
	{ "more TCP than others lets it go",          9, 10, true,  false },
	{ "others alone bring it back",              10,  0, false, true  },
	{ "others as many as TCP bring it back",     10, 10, false, true  },
	{ "nothing at all leaves it pinned",          0,  0, true,  true  },
	{ "nothing at all leaves it free",            0,  0, false, false },
	{ "TCP and again TCP",                        0, 10, false, false },
};

static void get(cpu_set_t *s)
{
	assert_return_code(sched_getaffinity(0, sizeof(*s), s), 0);
}

static void looks(void **state)
{
	const struct row *r = *state;
	cpu_set_t before, now, own;
	struct cpus c;

	get(&before);
	cpus_init(&c, 0);
	get(&own);
	assert_true(c.pinned);
	assert_int_equal(CPU_COUNT(&own), 1);
	c.by_hash = !r->was;
	cpus_look(&c);
	assert_int_equal(c.pinned, r->was);
	c.by_cpu = r->by_cpu;
	c.by_hash = r->by_hash;
	cpus_look(&c);
	assert_int_equal(c.pinned, r->pinned);
	assert_int_equal(c.by_cpu + c.by_hash, 0);
	get(&now);
	assert_true(CPU_EQUAL(&now, r->pinned ? &own : &before));
	assert_return_code(sched_setaffinity(0, sizeof(before), &before), 0);
}

/* taskset(1) or CPUAffinity= may leave fewer CPUs than there are threads. */
static void more_threads_than_cpus(void **state)
{
	cpu_set_t before, now;
	struct cpus c;

	(void)state;
	get(&before);
	cpus_init(&c, (unsigned)CPU_COUNT(&before));
	c.by_cpu = 1;
	cpus_look(&c);
	get(&now);
	assert_false(c.pinned);
	assert_true(CPU_EQUAL(&now, &before));
}

/* The admin's choice is kept when the thread is let go, and its CPU is one of those. */
static void within_what_is_allowed(void **state)
{
	cpu_set_t before, last, now;
	struct cpus c;
	size_t cpu = CPU_SETSIZE;

	(void)state;
	get(&before);
	while (!CPU_ISSET(--cpu, &before))
		;
	CPU_ZERO(&last);
	CPU_SET(cpu, &last);
	assert_return_code(sched_setaffinity(0, sizeof(last), &last), 0);
	cpus_init(&c, 0);
	assert_int_equal(c.own, (int)cpu);
	c.by_hash = 1;
	cpus_look(&c);
	get(&now);
	assert_true(CPU_EQUAL(&now, &last));
	assert_return_code(sched_setaffinity(0, sizeof(before), &before), 0);
}

int main(void)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		unit_add(rows[i].what, looks, &rows[i]);
	unit_add("more threads than CPUs", more_threads_than_cpus, NULL);
	unit_add("the admin's CPUs and no other", within_what_is_allowed, NULL);
	return unit_run("cpus");
}
