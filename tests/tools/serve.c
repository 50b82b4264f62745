/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * serve - the answering end of a test conversation.
 *
 *   serve SPEC...     until killed; prints "serving" when every port is bound
 *
 * A SPEC is (tcp|udp):PORT[-PORT]:SERVICE, on every address of both families.
 *   whoami       "PROTO PEER PEERPORT LOCAL LOCALPORT\n", then echo (udp: one answer per datagram)
 *   http         the same line as the body of an answer to any HTTP request
 *   echo         what came goes back
 *   source:N     N octets of `peer gen`, then end
 *   sink:PATH    what comes is written to PATH (a FIFO or a file); at the end "received N\n"
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>

#include "wire.h"

#define LISTENERS 1024

static uint8_t chunk[CHUNK];

static void whoami_line(const char *proto, const union addr *peer, const union addr *local, char *out, size_t octets)
{
	char p[64], l[64];

	snprintf(out, octets, "%s %s %s\n", proto, addr_print(peer, p, sizeof(p)), addr_print(local, l, sizeof(l)));
}

struct service {
	int fd;
	bool tcp;
	char name[16];
	const char *arg;
};

static struct service services[LISTENERS];
static unsigned n_services;

static void service_open(bool tcp, int family, uint16_t port, const char *name, const char *arg)
{
	struct service *s = &services[n_services++];
	union addr a;
	int on = 1;

	if (n_services > LISTENERS) {
		fprintf(stderr, "serve: more than %d ports\n", LISTENERS);
		exit(USAGE);
	}
	addr_parse(family == AF_INET ? "0.0.0.0" : "::", port, &a);
	s->fd = socket(family, tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
	if (s->fd < 0)
		die("socket");
	setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (family == AF_INET6)
		setsockopt(s->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (!tcp) {
		setsockopt(s->fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
		if (family == AF_INET6)
			setsockopt(s->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	}
	if (bind(s->fd, &a.sa, addr_len(&a)) || (tcp && listen(s->fd, 4096)))
		die("bind");
	s->tcp = tcp;
	snprintf(s->name, sizeof(s->name), "%s", name);
	s->arg = arg;
}

static bool service_parse(const char *spec)
{
	char proto[4], name[16];
	unsigned lo, hi;
	int used = 0;
	bool tcp;

	if (sscanf(spec, "%3[a-z]:%u-%u:%15[a-z]%n", proto, &lo, &hi, name, &used) != 4) {
		if (sscanf(spec, "%3[a-z]:%u:%15[a-z]%n", proto, &lo, name, &used) != 3)
			return false;
		hi = lo;
	}
	tcp = !strcmp(proto, "tcp");
	if ((!tcp && strcmp(proto, "udp")) || hi > 65535 || hi < lo)
		return false;
	for (unsigned port = lo; port <= hi; port++) {
		const char *arg = spec[used] == ':' ? spec + used + 1 : "";

		service_open(tcp, AF_INET, (uint16_t)port, name, arg);
		service_open(tcp, AF_INET6, (uint16_t)port, name, arg);
	}
	return true;
}

static void echo_until_end(int fd)
{
	ssize_t n;

	while ((n = read(fd, chunk, CHUNK)) > 0)
		if (write_all(fd, chunk, (size_t)n))
			return;
}

static void sink_until_end(int fd, const char *path)
{
	uint64_t octets = 0;
	char line[64];
	ssize_t n;
	int to = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (to < 0)
		die(path);
	while ((n = read(fd, chunk, CHUNK)) > 0) {
		if (write_all(to, chunk, (size_t)n))
			die(path);
		octets += (uint64_t)n;
	}
	close(to);
	snprintf(line, sizeof(line), "received %llu\n", (unsigned long long)octets);
	write_all(fd, (const uint8_t *)line, strlen(line));
}

static void http_answer(int fd, const char *body)
{
	char request[4096], answer[512];
	size_t have = 0;

	while (have < sizeof(request) - 1) {
		ssize_t n = read(fd, request + have, sizeof(request) - 1 - have);

		if (n <= 0)
			return;
		have += (size_t)n;
		request[have] = 0;
		if (strstr(request, "\r\n\r\n"))
			break;
	}
	snprintf(answer, sizeof(answer),
		 "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
		 strlen(body), body);
	write_all(fd, (const uint8_t *)answer, strlen(answer));
}

/* serve_tcp - one process per conversation: blocking calls keep it simple */
static void serve_tcp(const struct service *s, int fd, const union addr *peer)
{
	union addr local = { 0 };
	socklen_t len = sizeof(local);
	char line[192];

	getsockname(fd, &local.sa, &len);
	whoami_line("tcp", peer, &local, line, sizeof(line));
	if (!strcmp(s->name, "whoami")) {
		if (!write_all(fd, (const uint8_t *)line, strlen(line)))
			echo_until_end(fd);
	} else if (!strcmp(s->name, "http")) {
		http_answer(fd, line);
	} else if (!strcmp(s->name, "echo")) {
		echo_until_end(fd);
	} else if (!strcmp(s->name, "source")) {
		if (!gen_write(fd, strtoull(s->arg, NULL, 0)))
			shutdown(fd, SHUT_WR);
		while (read(fd, chunk, CHUNK) > 0)
			;
	} else if (!strcmp(s->name, "sink")) {
		sink_until_end(fd, s->arg);
	}
}

static void accept_tcp(const struct service *s)
{
	union addr peer = { 0 };
	socklen_t len = sizeof(peer);
	int fd = accept(s->fd, &peer.sa, &len);

	if (fd < 0)
		return;
	if (!fork()) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve_tcp(s, fd, &peer);
		_exit(OK);
	}
	close(fd);
}

/* The answer leaves from the address that was asked, whatever routing would choose. */
static void answer_udp(const struct service *s)
{
	static uint8_t datagram[DATAGRAM];
	union { struct cmsghdr align; uint8_t octets[256]; } control;
	union addr peer = { 0 }, local = { 0 };
	struct iovec io = { .iov_base = datagram, .iov_len = sizeof(datagram) };
	struct msghdr m = { .msg_name = &peer, .msg_namelen = sizeof(peer), .msg_iov = &io, .msg_iovlen = 1,
			    .msg_control = &control, .msg_controllen = sizeof(control) };
	socklen_t len = sizeof(local);
	ssize_t n = recvmsg(s->fd, &m, MSG_DONTWAIT);
	char line[192];

	if (n < 0)
		return;
	getsockname(s->fd, &local.sa, &len);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo *info = (struct in_pktinfo *)(void *)CMSG_DATA(c);

			local.v4.sin_addr = info->ipi_addr;
			info->ipi_spec_dst = info->ipi_addr;
			info->ipi_ifindex = 0;
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo *info = (struct in6_pktinfo *)(void *)CMSG_DATA(c);

			local.v6.sin6_addr = info->ipi6_addr;
			info->ipi6_ifindex = 0;
		}
	}
	io.iov_len = (size_t)n;
	if (!strcmp(s->name, "whoami")) {
		whoami_line("udp", &peer, &local, line, sizeof(line));
		io.iov_base = line;
		io.iov_len = strlen(line);
	}
	sendmsg(s->fd, &m, 0);
}

int main(int argc, char **argv)
{
	static struct pollfd fds[LISTENERS];

	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	for (int i = 1; i < argc; i++)
		if (!service_parse(argv[i])) {
			fprintf(stderr, "serve: cannot read `%s'\n", argv[i]);
			return USAGE;
		}
	if (!n_services) {
		fputs("usage: serve (tcp|udp):PORT[-PORT]:SERVICE...\n", stderr);
		return USAGE;
	}
	for (unsigned i = 0; i < n_services; i++)
		fds[i] = (struct pollfd){ .fd = services[i].fd, .events = POLLIN };
	puts("serving");
	fflush(stdout);
	while (poll(fds, n_services, -1) >= 0 || errno == EINTR)
		for (unsigned i = 0; i < n_services; i++)
			if (fds[i].revents) {
				if (services[i].tcp)
					accept_tcp(&services[i]);
				else
					answer_udp(&services[i]);
			}
	return FAILED;
}
