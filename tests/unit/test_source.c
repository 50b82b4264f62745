/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the process of one connection tells the hub, with libvirt's own test driver.
 *
 * The driver's state belongs to a process, so source_run() is a thread here,
 * and the test changes the world by a connection of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fcntl.h>
#include <libvirt/libvirt.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "virt/watch/lines.h"
#include "virt/watch/source.h"

#define URI "test:///default"
#define NS "urn:nfqnat:forwards:1"

struct fixture {
	int hub, source;
	pthread_t thread;
	struct lines lines;
	json_t *world;
	virConnectPtr conn;
	virDomainPtr dom;
};

static void *run(void *arg)
{
	struct fixture *f = arg;

	source_run(URI, f->source);
	close(f->source);
	return NULL;
}

static void take(void *arg, json_t *message)
{
	struct fixture *f = arg;

	if (strcmp(json_string_value(json_object_get(message, "type")), "world"))
		return;
	json_decref(f->world);
	f->world = json_incref(message);
}

static json_t *guest(const struct fixture *f, const char *name)
{
	json_t *g;
	size_t i;

	json_array_foreach(json_object_get(f->world, "guests"), i, g)
		if (!strcmp(json_string_value(json_object_get(g, "name")), name))
			return g;
	return NULL;
}

typedef bool condition(const struct fixture *f);

static void expect(struct fixture *f, const char *what, condition *is)
{
	struct pollfd p = { .fd = f->hub, .events = POLLIN };

	while (!f->world || !is(f)) {
		if (poll(&p, 1, 10000) <= 0 || lines_read(&f->lines, f->hub, take, f))
			fail_msg("not told: %s; %s", what, json_dumps(f->world, 0));
	}
}

static bool state_is(const struct fixture *f, const char *state)
{
	json_t *g = guest(f, "test");

	return g && !strcmp(json_string_value(json_object_get(g, "state")), state);
}

static bool is_running(const struct fixture *f)
{
	return state_is(f, "running");
}

static bool is_paused(const struct fixture *f)
{
	return state_is(f, "paused");
}

static bool is_off(const struct fixture *f)
{
	return state_is(f, "off") && !json_integer_value(json_object_get(guest(f, "test"), "run"));
}

static bool has_forward(const struct fixture *f)
{
	return json_array_size(json_object_get(guest(f, "test"), "forwards")) == 1;
}

static bool has_no_forward(const struct fixture *f)
{
	return !has_forward(f);
}

static bool network_is(const struct fixture *f, bool active)
{
	json_t *n = json_array_get(json_object_get(f->world, "networks"), 0);

	return n && json_is_true(json_object_get(n, "active")) == active;
}

static bool network_up(const struct fixture *f)
{
	return network_is(f, true);
}

static bool network_down(const struct fixture *f)
{
	return network_is(f, false);
}

static bool is_renamed(const struct fixture *f)
{
	return guest(f, "other") && !guest(f, "test");
}

static bool is_gone(const struct fixture *f)
{
	return !guest(f, "other");
}

static int set_up(void **state)
{
	static struct fixture f;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return -1;
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	f.hub = pair[0];
	f.source = pair[1];
	if (pthread_create(&f.thread, NULL, run, &f))
		return -1;
	*state = &f;
	/* Its event loop is registered before any connection is opened. */
	expect(&f, "the first world", is_running);
	f.conn = virConnectOpen(URI);
	f.dom = virDomainLookupByName(f.conn, "test");
	return f.dom ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	virDomainFree(f->dom);
	virConnectClose(f->conn);
	close(f->hub);
	pthread_join(f->thread, NULL);
	json_decref(f->world);
	lines_fini(&f->lines);
	return 0;
}

static void metadata(void **state)
{
	struct fixture *f = *state;
	static const char xml[] = "<forwards><portForward proto='tcp'><range start='2222' to='22'/></portForward></forwards>";

	assert_int_equal(virDomainSetMetadata(f->dom, VIR_DOMAIN_METADATA_ELEMENT, xml, "nfqnat", NS, VIR_DOMAIN_AFFECT_LIVE), 0);
	expect(f, "metadata set", has_forward);
	assert_int_equal(virDomainSetMetadata(f->dom, VIR_DOMAIN_METADATA_ELEMENT, NULL, "nfqnat", NS, VIR_DOMAIN_AFFECT_LIVE), 0);
	expect(f, "metadata removed", has_no_forward);
}

static void life(void **state)
{
	struct fixture *f = *state;
	json_int_t run = json_integer_value(json_object_get(guest(f, "test"), "run"));

	virDomainSuspend(f->dom);
	expect(f, "suspended", is_paused);
	virDomainResume(f->dom);
	expect(f, "resumed", is_running);
	assert_int_equal(json_integer_value(json_object_get(guest(f, "test"), "run")), run);
	virDomainDestroy(f->dom);
	expect(f, "destroyed", is_off);
	virDomainCreate(f->dom);
	expect(f, "started", is_running);
	assert_int_not_equal(json_integer_value(json_object_get(guest(f, "test"), "run")), run);
}

static void network(void **state)
{
	struct fixture *f = *state;
	virNetworkPtr net = virNetworkLookupByName(f->conn, "default");

	virNetworkDestroy(net);
	expect(f, "network destroyed", network_down);
	virNetworkCreate(net);
	expect(f, "network started", network_up);
	virNetworkFree(net);
}

static void rename_and_undefine(void **state)
{
	struct fixture *f = *state;

	virDomainDestroy(f->dom);
	expect(f, "destroyed", is_off);
	assert_int_equal(virDomainRename(f->dom, "other", 0), 0);
	expect(f, "renamed", is_renamed);
	virDomainUndefine(f->dom);
	expect(f, "undefined", is_gone);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(metadata),
		cmocka_unit_test(life),
		cmocka_unit_test(network),
		cmocka_unit_test(rename_and_undefine),
	};

	return cmocka_run_group_tests_name("source", tests, set_up, tear_down);
}
