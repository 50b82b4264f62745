/* SPDX-License-Identifier: GPL-2.0-or-later */
/* source - see source.h */
#include "virt/watch/source.h"

#include <errno.h>
#include <fcntl.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "virt/watch/status.h"
#include "virt/watch/xml.h"

enum {
	WORK_MS = 4,			/* events come in bunches: read once for all of them */
	OPEN_FIRST_MS = 100,		/* between two tries to connect, */
	OPEN_LAST_MS = 1000,		/* doubled up to this: the table is right within 2 s of libvirtd's return */
	POLL_MS = 30 * 1000,		/* a net for what nobody tells */
	KEEPALIVE_S = 5,		/* libvirt: dead after (count + 1) intervals without an answer */
	KEEPALIVE_COUNT = 3,
	EVENTS = 6,
};

struct source {
	const char *uri;
	int fd;
	virConnectPtr conn;		/* NULL: not connected */
	bool lost;			/* it was closed; conn is still to be given back */
	bool over;			/* the hub is gone */
	bool all;			/* list everything again */
	bool nets;			/* list networks again */
	json_t *guests;			/* by UUID, as sent */
	json_t *networks;		/* array, as sent */
	json_t *dirty;			/* UUIDs to read again */
	char why[VIRT_TEXT_OCTETS + 1];
	int open_ms;
	int t_work, t_open;
	int ids[EVENTS], net_id;
	int status, status_watch;	/* see status.h; -1: none */
};

/* ---- to the hub ---- */

/* The hub always reads; if it does not, it is about to end us. */
static void put(struct source *s, json_t *message)
{
	char *text = json_dumps(message, JSON_COMPACT);
	size_t len = text ? strlen(text) : 0, at = 0;

	json_decref(message);
	if (text)
		text[len++] = '\n';	/* over the NUL */
	while (at < len) {
		ssize_t n = send(s->fd, text + at, len - at, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR) {
			s->over = true;
			break;
		}
		at += n > 0 ? (size_t)n : 0;
	}
	free(text);
}

static json_t *connection(const struct source *s, bool up)
{
	return json_pack("[{s:o, s:b, s:o}]", "uri", text_json(s->uri), "up", up, "why", text_json(up ? "" : s->why));
}

static void put_down(struct source *s)
{
	put(s, json_pack("{s:s, s:o}", "type", "world", "connections", connection(s, false)));
}

static void put_world(struct source *s)
{
	json_t *guests = json_array(), *guest;
	const char *uuid;

	json_object_foreach(s->guests, uuid, guest)
		json_array_append(guests, guest);
	put(s, json_pack("{s:s, s:o, s:O, s:o}", "type", "world", "connections", connection(s, true), "networks", s->networks,
			 "guests", guests));
}

static void put_log(struct source *s, const char *level, json_t *text)
{
	put(s, json_pack("{s:s, s:s, s:o}", "type", "log", "level", level, "text", text));
}

static void keep_why(struct source *s)
{
	const char *said = virGetLastErrorMessage();

	text_clip(s->why, said && *said ? said : "no reason given");
}

/* ---- reading ---- */

static const char *state_name(int state, bool active)
{
	switch (state) {
	case VIR_DOMAIN_SHUTOFF:
	case VIR_DOMAIN_CRASHED:
		return "off";
	case VIR_DOMAIN_PAUSED:
	case VIR_DOMAIN_PMSUSPENDED:
		return "paused";
	default:
		return active ? "running" : "off";
	}
}

/* A domain that cannot be read stays as it was known, unless libvirt says that it is gone. */
static void keep_or_drop(struct source *s, const char *uuid, json_t *known)
{
	if (known && virGetLastErrorCode() != VIR_ERR_NO_DOMAIN)
		json_object_set(s->guests, uuid, known);
	else
		json_object_del(s->guests, uuid);
}

/* @known: as it was before, or NULL */
static void read_domain(struct source *s, virDomainPtr dom, const char *uuid, json_t *known)
{
	unsigned id = virDomainGetID(dom);
	bool active = id != (unsigned)-1;
	char *xml = virDomainGetXMLDesc(dom, 0);
	json_t *guest = NULL;
	int state, reason;

	if (xml && virDomainGetState(dom, &state, &reason, 0) == 0) {
		guest = xml_domain_read(xml, strlen(xml));
		if (!guest)
			put_log(s, "warn", text_format("%s: the description of domain %.60s is not understood: ignored", s->uri,
						       virDomainGetName(dom)));
	}
	free(xml);
	if (!guest) {
		keep_or_drop(s, uuid, known);
		return;
	}
	json_object_set_new(guest, "state", json_string(state_name(state, active)));
	json_object_set_new(guest, "run", json_integer(active ? (json_int_t)id : 0));
	json_object_set_new(s->guests, uuid, guest);
}

static bool list_domains(struct source *s)
{
	char uuid[VIR_UUID_STRING_BUFLEN];
	virDomainPtr *all = NULL;
	int n = virConnectListAllDomains(s->conn, &all, 0);
	json_t *known = s->guests;

	if (n < 0)
		return false;
	s->guests = json_object();
	for (int i = 0; i < n; i++) {
		if (i < VIRT_GUESTS && virDomainGetUUIDString(all[i], uuid) == 0)
			read_domain(s, all[i], uuid, json_object_get(known, uuid));
		virDomainFree(all[i]);
	}
	json_decref(known);
	if (n > VIRT_GUESTS)
		put_log(s, "warn", text_format("%s has %d domains: only the first %d are followed", s->uri, n, VIRT_GUESTS));
	free(all);
	return true;
}

static void read_network(struct source *s, virNetworkPtr net)
{
	char *xml = virNetworkGetXMLDesc(net, 0);
	json_t *network = xml ? xml_network_read(xml, strlen(xml)) : NULL;

	free(xml);
	if (!network)
		return;
	json_object_set_new(network, "uri", text_json(s->uri));
	json_object_set_new(network, "active", json_boolean(virNetworkIsActive(net) == 1));
	json_array_append_new(s->networks, network);
}

/* A driver without networks (esx, ...) says so by an error: no networks then. */
static void list_networks(struct source *s)
{
	virNetworkPtr *all = NULL;
	int n = virConnectListAllNetworks(s->conn, &all, 0);

	json_array_clear(s->networks);
	for (int i = 0; i < n; i++) {
		if (i < VIRT_NETWORKS)
			read_network(s, all[i]);
		virNetworkFree(all[i]);
	}
	free(all);
}

static void read_dirty(struct source *s)
{
	const char *uuid;
	json_t *one;

	json_object_foreach(s->dirty, uuid, one) {
		virDomainPtr dom = virDomainLookupByUUIDString(s->conn, uuid);
		json_t *known = json_incref(json_object_get(s->guests, uuid));

		if (dom)
			read_domain(s, dom, uuid, known);
		else
			keep_or_drop(s, uuid, known);
		if (dom)
			virDomainFree(dom);
		json_decref(known);
	}
	json_object_clear(s->dirty);
}

/* ---- events: each says only what to read again ---- */

static void work_soon(struct source *s)
{
	virEventUpdateTimeout(s->t_work, WORK_MS);
}

static void mark(struct source *s, virDomainPtr dom)
{
	char uuid[VIR_UUID_STRING_BUFLEN];

	if (virDomainGetUUIDString(dom, uuid) < 0)
		s->all = true;
	else
		json_object_set_new(s->dirty, uuid, json_true());
	work_soon(s);
}

static int on_lifecycle(virConnectPtr conn, virDomainPtr dom, int event, int detail, void *arg)
{
	(void)conn;
	(void)event;
	(void)detail;
	mark(arg, dom);
	return 0;
}

static void on_reboot(virConnectPtr conn, virDomainPtr dom, void *arg)
{
	(void)conn;
	mark(arg, dom);
}

static void on_device(virConnectPtr conn, virDomainPtr dom, const char *alias, void *arg)
{
	(void)conn;
	(void)alias;
	mark(arg, dom);
}

static void on_metadata(virConnectPtr conn, virDomainPtr dom, int type, const char *ns, void *arg)
{
	(void)conn;
	(void)type;
	(void)ns;
	mark(arg, dom);
}

static void on_agent(virConnectPtr conn, virDomainPtr dom, int state, int reason, void *arg)
{
	(void)conn;
	(void)state;
	(void)reason;
	mark(arg, dom);
}

static void on_network(virConnectPtr conn, virNetworkPtr net, int event, int detail, void *arg)
{
	struct source *s = arg;

	(void)conn;
	(void)net;
	(void)event;
	(void)detail;
	s->nets = true;
	work_soon(s);
}

static void on_close(virConnectPtr conn, int reason, void *arg)
{
	static const char *const reasons[] = {
		[VIR_CONNECT_CLOSE_REASON_ERROR] = "the connection broke",
		[VIR_CONNECT_CLOSE_REASON_EOF] = "libvirtd has ended",
		[VIR_CONNECT_CLOSE_REASON_KEEPALIVE] = "libvirtd does not answer",
		[VIR_CONNECT_CLOSE_REASON_CLIENT] = "closed",
	};
	struct source *s = arg;

	(void)conn;
	if (reason < 0 || (size_t)reason >= sizeof(reasons) / sizeof(*reasons))
		reason = VIR_CONNECT_CLOSE_REASON_ERROR;
	text_clip(s->why, reasons[reason]);
	s->lost = true;
	work_soon(s);
}

/* What libvirt has no event for it still writes down. */
static void on_status_of(void *arg, const char *name)
{
	struct source *s = arg;
	virDomainPtr dom = name && s->conn && !s->lost ? virDomainLookupByName(s->conn, name) : NULL;

	if (dom) {
		mark(s, dom);
		virDomainFree(dom);
	} else if (!name) {
		s->all = true;
		work_soon(s);
	}
}

static void on_status(int watch, int fd, int events, void *arg)
{
	(void)watch;
	(void)events;
	status_read(fd, on_status_of, arg);
}

static void unwatch_status(struct source *s)
{
	if (s->status < 0)
		return;
	virEventRemoveHandle(s->status_watch);
	close(s->status);
	s->status = -1;
}

static void watch_status(struct source *s)
{
	unwatch_status(s);
	s->status = status_open(s->uri);
	if (s->status >= 0)
		s->status_watch = virEventAddHandle(s->status, VIR_EVENT_HANDLE_READABLE, on_status, s, NULL);
}

/* libvirt's callbacks have as many types as events; it calls each as what it is. */
#define EVENT(id, callback) { id, (virConnectDomainEventGenericCallback)(void (*)(void))(callback) }

static void subscribe(struct source *s)
{
	static const struct {
		int id;
		virConnectDomainEventGenericCallback callback;
	} events[EVENTS] = {
		EVENT(VIR_DOMAIN_EVENT_ID_LIFECYCLE, on_lifecycle),
		EVENT(VIR_DOMAIN_EVENT_ID_REBOOT, on_reboot),
		EVENT(VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, on_device),
		EVENT(VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, on_device),
		EVENT(VIR_DOMAIN_EVENT_ID_METADATA_CHANGE, on_metadata),
		EVENT(VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE, on_agent),
	};
	virConnectNetworkEventGenericCallback net = (virConnectNetworkEventGenericCallback)(void (*)(void))on_network;

	/* What a driver does not have it refuses: the poll is there for it. */
	for (size_t i = 0; i < EVENTS; i++)
		s->ids[i] = virConnectDomainEventRegisterAny(s->conn, NULL, events[i].id, events[i].callback, s, NULL);
	s->net_id = virConnectNetworkEventRegisterAny(s->conn, NULL, VIR_NETWORK_EVENT_ID_LIFECYCLE, net, s, NULL);
}

/* Callbacks hold references to the connection: without this it would never be freed. */
static void unsubscribe(struct source *s)
{
	for (size_t i = 0; i < EVENTS; i++)
		if (s->ids[i] >= 0)
			virConnectDomainEventDeregisterAny(s->conn, s->ids[i]);
	if (s->net_id >= 0)
		virConnectNetworkEventDeregisterAny(s->conn, s->net_id);
	virConnectUnregisterCloseCallback(s->conn, on_close);
}

/* ---- the connection ---- */

static void give_back(struct source *s)
{
	unsubscribe(s);
	virConnectClose(s->conn);
	s->conn = NULL;
	s->lost = false;
	put_down(s);
	s->open_ms = OPEN_FIRST_MS;
	virEventUpdateTimeout(s->t_open, s->open_ms);
}

static void on_work(int timer, void *arg)
{
	struct source *s = arg;

	virEventUpdateTimeout(timer, -1);
	if (!s->conn)
		return;
	if (!s->lost && (s->all || s->nets))
		list_networks(s);
	if (!s->lost && s->all) {
		json_object_clear(s->dirty);
		if (!list_domains(s) && !s->lost) {
			keep_why(s);
			s->lost = true;
		}
	}
	if (!s->lost)
		read_dirty(s);
	s->all = s->nets = false;
	if (!s->lost && virConnectIsAlive(s->conn) != 1) {
		keep_why(s);
		s->lost = true;
	}
	/* What was read while the connection broke is not the truth. */
	if (s->lost)
		give_back(s);
	else
		put_world(s);
}

static void on_open(int timer, void *arg)
{
	struct source *s = arg;

	virEventUpdateTimeout(timer, -1);
	s->conn = virConnectOpenReadOnly(s->uri);
	if (!s->conn) {
		keep_why(s);
		put_down(s);
		virEventUpdateTimeout(timer, s->open_ms);
		s->open_ms = s->open_ms * 2 < OPEN_LAST_MS ? s->open_ms * 2 : OPEN_LAST_MS;
		return;
	}
	s->lost = false;
	/* Drivers in this process have nothing to keep alive. */
	virConnectSetKeepAlive(s->conn, KEEPALIVE_S, KEEPALIVE_COUNT);
	virConnectRegisterCloseCallback(s->conn, on_close, s, NULL);
	subscribe(s);
	watch_status(s);
	s->all = true;
	virEventUpdateTimeout(s->t_work, 0);
}

static void on_heartbeat(int timer, void *arg)
{
	(void)timer;
	put(arg, json_pack("{s:s}", "type", "heartbeat"));
}

static void on_poll(int timer, void *arg)
{
	struct source *s = arg;

	(void)timer;
	s->all = true;
	work_soon(s);
}

static void on_hub(int watch, int fd, int events, void *arg)
{
	struct source *s = arg;
	char octets[64];
	ssize_t n = recv(fd, octets, sizeof(octets), MSG_DONTWAIT);

	(void)watch;
	(void)events;
	if (n > 0) {
		s->all = true;
		work_soon(s);
	} else if (!n || (errno != EAGAIN && errno != EINTR)) {
		s->over = true;
	}
}

/* Errors are told by those who called. */
static void on_error(void *arg, virErrorPtr error)
{
	(void)arg;
	(void)error;
}

int source_run(const char *uri, int fd)
{
	struct source s = {
		.uri = uri, .fd = fd, .open_ms = OPEN_FIRST_MS, .guests = json_object(), .networks = json_array(),
		.dirty = json_object(), .status = -1,
	};

	virSetErrorFunc(NULL, on_error);
	if (virInitialize() < 0 || virEventRegisterDefaultImpl() < 0)
		return 1;
	s.t_work = virEventAddTimeout(-1, on_work, &s, NULL);
	s.t_open = virEventAddTimeout(0, on_open, &s, NULL);
	virEventAddTimeout(SOURCE_HEARTBEAT_S * 1000, on_heartbeat, &s, NULL);
	virEventAddTimeout(POLL_MS, on_poll, &s, NULL);
	virEventAddHandle(fd, VIR_EVENT_HANDLE_READABLE | VIR_EVENT_HANDLE_HANGUP, on_hub, &s, NULL);
	while (!s.over && virEventRunDefaultImpl() == 0)
		;
	unwatch_status(&s);
	if (s.conn) {
		unsubscribe(&s);
		virConnectClose(s.conn);
	}
	json_decref(s.guests);
	json_decref(s.networks);
	json_decref(s.dirty);
	return 0;
}
