/* SPDX-License-Identifier: GPL-2.0-or-later */
/* steer: rules in a real kernel: they come, are replaced without a gap, and go. No queue is bound: what is queued is lost. */
#include "nfq/steer/steer.h"

#include <sys/wait.h>

#include "tests/unit/rig.h"

static int client, host;

static bool up(void)
{
	static bool done;

	if (!netns_is_inside())
		return false;
	if (!done && netns_sh("ip link set lo up; for n in 1 2 3; do ip addr add 10.9.0.$n/32 dev lo; done"))
		return false;
	if (!done) {
		client = rig_udp(RIG_CLIENT, 0);
		host = rig_udp(RIG_HOST, RIG_LISTEN);
	}
	done = true;
	return true;
}

static void way(const struct nat_addr *to, enum nat_family family, char *dev)
{
	(void)to;
	(void)family;
	dev[0] = '\0';
}

static struct rules rules_of(const char *yaml)
{
	struct conf *c = NULL;
	struct rules r;

	assert_int_equal(conf_parse("test.yaml", yaml, strlen(yaml), &c, stderr), 0);
	assert_int_equal(rules_make(c, 1, way, &r), 0);
	conf_free(c);
	return r;
}

static int start(struct steer *s, enum conf_steering want, const char *yaml)
{
	struct rules r = rules_of(yaml);
	char why[1024] = "";
	int err = steer_start(s, want, &r, why, sizeof(why));

	assert_true(err ? why[0] && s->backend == STEER_NONE : s->backend != STEER_NONE);
	rules_free(&r);
	return err;
}

static int replace(struct steer *s, const char *yaml, bool always)
{
	struct rules r = rules_of(yaml);
	char why[1024];
	int err = steer_replace(s, &r, always, why, sizeof(why));

	rules_free(&r);
	return err;
}

static void send_one(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(RIG_LISTEN) };

	inet_pton(AF_INET, RIG_HOST, &sa.sin_addr);
	sendto(client, "x", 1, 0, (struct sockaddr *)&sa, sizeof(sa));
}

static unsigned host_got(void)
{
	unsigned n = 0;
	char c;

	while (recv(host, &c, 1, 0) == 1)
		n++;
	return n;
}

static bool is_forwarded(void)
{
	send_one();
	return !host_got();
}

/* A child that sends all the time. */
static pid_t sender(void)
{
	pid_t pid = rig_child();

	if (!pid)
		for (;; usleep(200))
			send_one();
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Lines about us in any backend. */
static int traces(void)
{
	return netns_sh("for p in iptables ip6tables; do for f in nft legacy; do for t in raw mangle; do"
			" if $p-$f-save -t $t 2>/dev/null | grep nfqnat; then exit 1; fi; done; done; done;"
			" if nft list tables 2>/dev/null | grep nfqnat; then exit 1; fi");
}

#define OURS RIG_YAML
#define OTHER "forwards: [{ to: " RIG_INSIDE ", publish: ['" RIG_HOST ":5300:5301/udp', 8081-8083:80-82] }]"

static const struct way_in {
	const char *name;
	enum conf_steering want;
} ways[] = {
	{ "auto", CONF_STEER_AUTO },
	{ "nft", CONF_STEER_NFT },
	{ "iptables", CONF_STEER_IPTABLES },
	{ "iptables-nft", CONF_STEER_IPTABLES_NFT },
	{ "iptables-legacy", CONF_STEER_IPTABLES_LEGACY },
};

static void come_and_go(void **state)
{
	const struct way_in *w = *state;
	struct steer s;

	up_or_skip();
	assert_false(is_forwarded());
	if (start(&s, w->want, OURS))
		skip();
	assert_true(is_forwarded());
	assert_int_equal(replace(&s, "forwards: []", false), 0);
	assert_false(is_forwarded());
	assert_int_equal(replace(&s, OURS, false), 0);
	assert_true(is_forwarded());
	steer_stop(&s);
	assert_false(is_forwarded());
	assert_int_equal(traces(), 0);
}

/* Not one packet to a forwarded port reaches this host itself while rules are replaced. */
static void replaced_without_gap(void **state)
{
	const struct way_in *w = *state;
	struct steer s;
	pid_t pid;

	up_or_skip();
	if (start(&s, w->want, OURS))
		skip();
	host_got();
	pid = sender();
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(replace(&s, i % 2 ? OURS : OTHER, false), 0);
	end(pid);
	assert_int_equal(host_got(), 0);
	steer_stop(&s);
	assert_int_equal(traces(), 0);
}

/* Nor while a new daemon takes over the rules of one that was killed. */
static void taken_over_without_gap(void **state)
{
	const struct way_in *w = *state;
	struct steer dead, s;
	pid_t pid;

	up_or_skip();
	if (start(&dead, w->want, OURS))
		skip();
	host_got();
	pid = sender();
	assert_int_equal(start(&s, w->want, OURS), 0);
	end(pid);
	assert_int_equal(host_got(), 0);
	steer_stop(&s);
	steer_forget(&dead);
	assert_int_equal(traces(), 0);
}

/* What is installed already is not installed again: changes of other tables must be quick. Unless asked to. */
static void same_rules_are_left_alone(void **state)
{
	const struct way_in *w = *state;
	struct steer s;

	up_or_skip();
	if (start(&s, w->want, OURS))
		skip();
	for (unsigned always = 0; always < 2; always++) {
		netns_sh("for i in iptables-nft iptables-legacy; do $i -t raw -F; done; nft flush table inet nfqnat 2>/dev/null; true");
		assert_false(is_forwarded());
		assert_int_equal(replace(&s, OURS, always), 0);
		assert_int_equal(is_forwarded(), always);
	}
	steer_stop(&s);
	assert_int_equal(traces(), 0);
}

/* Whatever backend the killed one used, nothing of it is left by any other. */
static void leftovers_of_any_backend_go(void **state)
{
	const struct way_in *w = *state;

	up_or_skip();
	for (size_t i = 0; i < COUNT(ways); i++) {
		struct steer dead, s;

		if (start(&dead, ways[i].want, OURS) || start(&s, w->want, OURS)) {
			steer_forget(&dead);
			assert_int_equal(traces(), 0);		/* who cannot start leaves nothing, of nobody */
			continue;
		}
		assert_true(is_forwarded());
		steer_stop(&s);
		steer_forget(&dead);
		assert_int_equal(traces(), 0);
	}
}

int main(void)
{
	static const struct { const char *what; CMUnitTestFunction run; } rules[] = {
		{ "rules come and go", come_and_go },
		{ "rules are replaced without a gap", replaced_without_gap },
		{ "a killed daemon's rules are taken over without a gap", taken_over_without_gap },
		{ "rules that are there already are not touched, unless asked", same_rules_are_left_alone },
		{ "what another backend left goes", leftovers_of_any_backend_go },
	};
	static char names[COUNT(rules) * COUNT(ways)][96];

	for (size_t i = 0; i < COUNT(rules); i++)
		for (size_t w = 0; w < COUNT(ways); w++) {
			char *name = names[i * COUNT(ways) + w];

			snprintf(name, sizeof(names[0]), "%s: %s", ways[w].name, rules[i].what);
			unit_add(name, rules[i].run, &ways[w]);
		}
	return unit_run("steer");
}
