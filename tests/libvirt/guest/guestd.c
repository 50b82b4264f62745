/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guestd - what a guest needs and Debian's busybox lacks. Linked statically.
 *
 *   guestd dhcp6 DEVICE   one address by SOLICIT, ADVERTISE, REQUEST, REPLY (RFC 8415 18.2.1, 18.2.2);
 *                         prints it; status 1 after 30 s without one
 *   guestd agent KIND     a bad guest agent in /dev/vportXp1. KIND is what it is like: hang: no answer to the question for
 *                         addresses; huge: an answer without end; ADDRESS@MAC,...: it lies
 *   guestd panic          what a kernel that panics tells its machine, by the port of QEMU's device pvpanic
 *   guestd power          wait for the power button, then power off; status 1 if there is none
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/input.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	SOLICIT = 1, ADVERTISE = 2, REQUEST = 3, REPLY = 7,
	OPT_CLIENTID = 1, OPT_SERVERID = 2, OPT_IA_NA = 3, OPT_IAADDR = 5, OPT_ELAPSED = 8,
	TRIES = 100, WAIT_MS = 300,
};

struct option {
	const uint8_t *data;
	uint16_t len;
};

struct client {
	int fd;
	struct sockaddr_in6 to;
	uint8_t duid[10];	/* DUID-LL: RFC 8415 11.4 */
	uint8_t xid[3];
	uint8_t server[256], ia[512];
	uint16_t server_len, ia_len;
};

static uint8_t *put(uint8_t *p, uint16_t code, const void *data, uint16_t len)
{
	const uint8_t head[4] = { (uint8_t)(code >> 8), (uint8_t)code, (uint8_t)(len >> 8), (uint8_t)len };

	memcpy(p, head, 4);
	memcpy(p + 4, data, len);
	return p + 4 + len;
}

static struct option get(const uint8_t *p, const uint8_t *end, uint16_t code)
{
	while (end - p >= 4) {
		struct option o = { p + 4, (uint16_t)(p[2] << 8 | p[3]) };

		if (o.len > end - o.data)
			break;
		if ((p[0] << 8 | p[1]) == code)
			return o;
		p = o.data + o.len;
	}
	return (struct option){ NULL, 0 };
}

static int client_open(struct client *c, const char *device)
{
	struct sockaddr_in6 me = { .sin6_family = AF_INET6, .sin6_port = htons(546) };
	struct ifreq ifr = { 0 };
	int one = 1;

	*c = (struct client){ .duid = { 0, 3, 0, 1 }, .fd = socket(AF_INET6, SOCK_DGRAM, 0) };
	c->to = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(547),
				       .sin6_scope_id = if_nametoindex(device) };
	inet_pton(AF_INET6, "ff02::1:2", &c->to.sin6_addr);
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", device);
	if (c->fd < 0 || ioctl(c->fd, SIOCGIFHWADDR, &ifr) < 0)
		return -1;
	memcpy(c->duid + 4, ifr.ifr_hwaddr.sa_data, 6);
	memcpy(c->xid, c->duid + 7, 3);
	c->xid[0] ^= (uint8_t)getpid();
	setsockopt(c->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(c->fd, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device));
	return bind(c->fd, (struct sockaddr *)&me, sizeof(me));
}

static void client_ask(const struct client *c)
{
	uint8_t out[1024] = { c->server_len ? REQUEST : SOLICIT }, new_ia[12] = { 0, 0, 0, 1 }, *p = out + 4;

	memcpy(out + 1, c->xid, 3);
	p = put(p, OPT_CLIENTID, c->duid, sizeof(c->duid));
	if (c->server_len)
		p = put(p, OPT_SERVERID, c->server, c->server_len);
	p = c->server_len ? put(p, OPT_IA_NA, c->ia, c->ia_len) : put(p, OPT_IA_NA, new_ia, sizeof(new_ia));
	p = put(p, OPT_ELAPSED, "\0\0", 2);
	/* Fails until the device has its link-local address: tried again. */
	sendto(c->fd, out, (size_t)(p - out), 0, (const struct sockaddr *)&c->to, sizeof(c->to));
}

/* 1: an address was printed; 0: go on */
static int client_take(struct client *c, const uint8_t *in, size_t n)
{
	struct option server, ia, address;
	char text[INET6_ADDRSTRLEN];

	if (n < 4 || memcmp(in + 1, c->xid, 3))
		return 0;
	server = get(in + 4, in + n, OPT_SERVERID);
	ia = get(in + 4, in + n, OPT_IA_NA);
	if (!server.data || server.len > sizeof(c->server) || ia.len < 12 || ia.len > sizeof(c->ia))
		return 0;
	address = get(ia.data + 12, ia.data + ia.len, OPT_IAADDR);
	if (address.len < 24)
		return 0;
	if (in[0] == ADVERTISE && !c->server_len) {
		memcpy(c->server, server.data, server.len);
		memcpy(c->ia, ia.data, ia.len);
		c->server_len = server.len;
		c->ia_len = ia.len;
		client_ask(c);
	} else if (in[0] == REPLY && c->server_len) {
		puts(inet_ntop(AF_INET6, address.data, text, sizeof(text)));
		return 1;
	}
	return 0;
}

static int dhcp6(const char *device)
{
	struct client c;

	if (client_open(&c, device) < 0) {
		perror(device);
		return 1;
	}
	for (int try = 0; try < TRIES; try++) {
		struct pollfd p = { .fd = c.fd, .events = POLLIN };
		uint8_t in[2048];

		client_ask(&c);
		while (poll(&p, 1, WAIT_MS) > 0) {
			ssize_t n = recv(c.fd, in, sizeof(in), 0);

			if (n > 0 && client_take(&c, in, (size_t)n))
				return 0;
		}
	}
	return 1;
}

/* ---- the agent: JSON by hand, one line each way ---- */

static void put_address(FILE *out, const char *address, unsigned n)
{
	fprintf(out, "%s{\"ip-address\":\"%s\",\"ip-address-type\":\"ipv%c\",\"prefix\":24}", n ? "," : "", address,
		strchr(address, ':') ? '6' : '4');
}

static void answer_lies(FILE *out, const char *lies)
{
	char copy[256], *save = NULL;
	unsigned n = 0;

	snprintf(copy, sizeof(copy), "%s", lies);
	fputs("{\"return\":[", out);
	for (char *lie = strtok_r(copy, ",", &save); lie; lie = strtok_r(NULL, ",", &save)) {
		char *mac = strchr(lie, '@');

		if (!mac)
			continue;
		*mac++ = '\0';
		fprintf(out, "%s{\"name\":\"x\",\"hardware-address\":\"%s\",\"ip-addresses\":[", n++ ? "," : "", mac);
		put_address(out, lie, 0);
		fputs("]}", out);
	}
	fputs("]}\n", out);
}

static void answer(FILE *out, const char *kind, const char *question)
{
	const char *id = strstr(question, "\"id\":");

	if (strstr(question, "guest-sync")) {
		fprintf(out, "%s{\"return\":%llu}\n", strstr(question, "delimited") ? "\xff" : "", id ? strtoull(id + 5, NULL, 10) : 0);
	} else if (!strstr(question, "guest-network-get-interfaces")) {
		fputs("{\"error\":{\"class\":\"CommandNotFound\",\"desc\":\"no\"}}\n", out);
	} else if (!strcmp(kind, "huge")) {
		while (!ferror(out))
			fputs("{\"return\":[", out);
	} else if (strcmp(kind, "hang") != 0) {
		answer_lies(out, kind);
	}
	fflush(out);
}

static int agent(const char *kind)
{
	char question[4096];
	FILE *in, *out;
	int fd = -1;

	/* The port's number depends on the machine. It can be opened once only. */
	for (int i = 0; i < 4 && fd < 0; i++) {
		snprintf(question, sizeof(question), "/dev/vport%dp1", i);
		fd = open(question, O_RDWR);
	}
	in = fd < 0 ? NULL : fdopen(fd, "r");
	out = in ? fdopen(dup(fd), "w") : NULL;
	if (!out)
		return 1;
	for (;;) {
		if (fgets(question, sizeof(question), in)) {
			answer(out, kind, question);
		} else {
			clearerr(in);		/* nobody is at the other end */
			usleep(50000);
		}
	}
}

static int panic(void)
{
	enum { PORT = 0x505, PANICKED = 1 };

	if (ioperm(PORT, 1, 1)) {
		perror("ioperm");
		return 1;
	}
	outb(PANICKED, PORT);
	return 0;
}

static int power(void)
{
	struct pollfd p[8];
	nfds_t n = 0;

	for (int i = 0; i < 8; i++) {
		char path[32];
		int fd;

		snprintf(path, sizeof(path), "/dev/input/event%d", i);
		fd = open(path, O_RDONLY);
		if (fd >= 0)
			p[n++] = (struct pollfd){ .fd = fd, .events = POLLIN };
	}
	while (n && poll(p, n, -1) > 0)
		for (nfds_t i = 0; i < n; i++) {
			struct input_event e;

			if (p[i].revents && read(p[i].fd, &e, sizeof(e)) == sizeof(e) && e.type == EV_KEY && e.code == KEY_POWER &&
			    e.value)
				reboot(RB_POWER_OFF);
		}
	return 1;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "dhcp6"))
		return dhcp6(argv[2]);
	if (argc == 2 && !strcmp(argv[1], "power"))
		return power();
	if (argc == 3 && !strcmp(argv[1], "agent"))
		return agent(argv[2]);
	if (argc == 2 && !strcmp(argv[1], "panic"))
		return panic();
	fprintf(stderr, "usage: guestd agent KIND | dhcp6 DEVICE | panic | power\n");
	return 2;
}
