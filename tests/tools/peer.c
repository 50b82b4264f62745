/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer - the asking end of a test conversation.
 *
 *   peer tcp [OPTION...] ADDR PORT     connect, pump stdin or octets of our own, print what comes back
 *   peer udp [OPTION...] ADDR PORT     send one datagram, print the answer
 *   peer burst [OPTION...] ADDR PORT   datagrams of many sizes to an echo service, each compared
 *   peer gen OCTETS                    the octets every source sends, to stdout
 *
 * An unlucky end is one line on stderr, "error NAME", and a status of its own,
 * so that a test can tell a refused conversation from a silent one.
 */
#include <fcntl.h>
#include <getopt.h>
#include <linux/errqueue.h>
#include <netinet/udp.h>
#include <poll.h>
#include <signal.h>
#include <time.h>

#include "wire.h"

struct options {
	const char *bind_addr, *text;
	uint16_t bind_port;
	int timeout_ms;
	bool pump_stdin, from_gen, only_read, explain, no_checksum;
	uint64_t gen_octets, octets_per_s;
	unsigned size_from, size_to, size_step;
};

static uint8_t chunk[CHUNK];

static int fail(int err)
{
	const char *name = strerrorname_np(err);

	fprintf(stderr, "error %s\n", name ? name : "?");
	switch (err) {
	case ECONNREFUSED:	return REFUSED;
	case ETIMEDOUT:		return TIMED_OUT;
	case ECONNRESET:
	case EPIPE:		return RESET;
	default:		return FAILED;
	}
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int client_socket(const struct options *o, int type, const union addr *to)
{
	int fd = socket(to->sa.sa_family, type, 0);
	int on = 1;

	if (fd < 0)
		die("socket");
	if (o->bind_addr || o->bind_port) {
		const char *any = to->sa.sa_family == AF_INET ? "0.0.0.0" : "::";
		union addr from;

		if (!addr_parse(o->bind_addr ? o->bind_addr : any, o->bind_port, &from))
			die("address to bind (ours)");
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (bind(fd, &from.sa, addr_len(&from)))
			die("bind");
	}
	if (o->no_checksum) {
		setsockopt(fd, SOL_SOCKET, SO_NO_CHECK, &on, sizeof(on));
		if (to->sa.sa_family == AF_INET6)
			setsockopt(fd, IPPROTO_UDP, UDP_NO_CHECK6_TX, &on, sizeof(on));
	}
	return fd;
}

/* client_connect - nonblocking with a limit; returns 0 or errno */
static int client_connect(int fd, const union addr *to, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int err = 0;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	if (connect(fd, &to->sa, addr_len(to)) && errno != EINPROGRESS)
		return errno;
	if (poll(&p, 1, timeout_ms) == 0)
		return ETIMEDOUT;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	return err;
}

/* What is to be sent next; 0 octets when there is no more for now. */
struct feed {
	const struct options *o;
	uint64_t done;		/* octets taken so far */
	int64_t start_ms;
	uint8_t *buf;
	size_t at, have;	/* buf[at..have) waits to be sent */
	bool ended;
};

static bool feed_may_go(const struct feed *f)
{
	if (!f->o->octets_per_s)
		return true;
	return f->done / 1000 * 1000 <= f->o->octets_per_s * (uint64_t)(now_ms() - f->start_ms) / 1000;
}

static void feed_fill(struct feed *f, bool stdin_ready)
{
	if (f->at < f->have || f->ended || !feed_may_go(f))
		return;
	f->at = f->have = 0;
	if (f->o->from_gen) {
		uint64_t left = f->o->gen_octets - f->done;

		f->have = left < CHUNK ? (size_t)left : CHUNK;
		gen_fill(f->buf, f->have, f->done);
		f->ended = !f->have;
	} else if (f->o->pump_stdin && stdin_ready) {
		ssize_t n = read(STDIN_FILENO, f->buf, CHUNK);

		f->have = n > 0 ? (size_t)n : 0;
		f->ended = n <= 0;
	} else if (!f->o->pump_stdin) {
		f->ended = true;
	}
	f->done += f->have;
}

/*
 * pump - send the feed, print what comes, until the other side ends.
 * Without a feed the first pause after something came ends it too (-t), so
 * that a service which keeps the line open can be asked.
 */
static int pump(int fd, const struct options *o)
{
	static uint8_t out[CHUNK];
	bool feeding = o->from_gen || o->pump_stdin, shut = false;
	struct feed f = { .o = o, .start_ms = now_ms(), .buf = out };
	int64_t heard = now_ms();

	if (o->text) {
		f.have = strlen(o->text);
		memcpy(out, o->text, f.have);
	}
	for (;;) {
		bool wait_rate = f.at == f.have && !f.ended && !feed_may_go(&f);
		bool want_stdin = o->pump_stdin && !f.ended && f.at == f.have && !wait_rate;
		bool want_out = f.at < f.have || (o->from_gen && !f.ended && !wait_rate);
		struct pollfd p[2] = {
			{ .fd = fd, .events = (short)(POLLIN | (want_out ? POLLOUT : 0)) },
			{ .fd = want_stdin ? STDIN_FILENO : -1, .events = POLLIN },
		};
		ssize_t n;

		if (poll(p, 2, wait_rate ? 1 : 50) < 0 && errno != EINTR)
			return fail(errno);
		if (p[0].revents & (POLLIN | POLLHUP | POLLERR)) {
			n = read(fd, chunk, CHUNK);
			if (n == 0)
				return OK;
			if (n < 0 && errno != EAGAIN)
				return fail(errno);
			if (n > 0 && write_all(STDOUT_FILENO, chunk, (size_t)n))
				return fail(EPIPE);
			heard = now_ms();
		}
		feed_fill(&f, p[1].revents != 0);
		if (f.at < f.have) {
			n = send(fd, out + f.at, f.have - f.at, MSG_NOSIGNAL);
			if (n < 0 && errno != EAGAIN)
				return fail(errno);
			if (n > 0) {
				f.at += (size_t)n;
				heard = now_ms();
			}
		}
		if (feeding && f.ended && f.at == f.have && !shut) {
			shutdown(fd, SHUT_WR);
			shut = true;
		}
		if (!(feeding && o->pump_stdin && !shut) && now_ms() - heard > o->timeout_ms)
			return fail(ETIMEDOUT);
	}
}

/* tcp_ask - with no feed: the first line that comes is the answer, and we end the conversation */
static int tcp_ask(int fd, const struct options *o)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char line[512];
	size_t have = 0;

	if (o->text && send(fd, o->text, strlen(o->text), MSG_NOSIGNAL) < 0)
		return fail(errno);
	while (have < sizeof(line)) {
		ssize_t n;

		if (poll(&p, 1, o->timeout_ms) == 0)
			return fail(ETIMEDOUT);
		n = read(fd, line + have, sizeof(line) - have);
		if (n < 0)
			return fail(errno);
		have += (size_t)n;
		if (!n || memchr(line, '\n', have))
			break;
	}
	write_all(STDOUT_FILENO, (const uint8_t *)line, have);
	return OK;
}

static int cmd_tcp(const struct options *o, const union addr *to)
{
	int fd = client_socket(o, SOCK_STREAM, to);
	int err = client_connect(fd, to, o->timeout_ms);

	if (err)
		return fail(err);
	return o->from_gen || o->pump_stdin || o->only_read ? pump(fd, o) : tcp_ask(fd, o);
}

/* udp_explain - who sent the ICMP error, and about which of our destinations */
static void udp_explain(int fd)
{
	union { struct cmsghdr align; uint8_t octets[512]; } control;
	union addr about = { 0 };
	uint8_t payload[64];
	struct iovec io = { .iov_base = payload, .iov_len = sizeof(payload) };
	struct msghdr m = { .msg_name = &about, .msg_namelen = sizeof(about), .msg_iov = &io, .msg_iovlen = 1,
			    .msg_control = &control, .msg_controllen = sizeof(control) };
	char from[64], what[64];

	if (recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		struct sock_extended_err e;
		union addr offender = { 0 };

		if (!(c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) &&
		    !(c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
			continue;
		memcpy(&e, CMSG_DATA(c), sizeof(e));
		memcpy(&offender, CMSG_DATA(c) + sizeof(e),
		       about.sa.sa_family == AF_INET ? sizeof(offender.v4) : sizeof(offender.v6));
		printf("icmp type %u code %u mtu %u from %s about %s\n", e.ee_type, e.ee_code, e.ee_info,
		       addr_print(&offender, from, sizeof(from)), addr_print(&about, what, sizeof(what)));
	}
	fflush(stdout);
}

static int cmd_udp(const struct options *o, const union addr *to)
{
	int fd = client_socket(o, SOCK_DGRAM, to);
	const char *text = o->text ? o->text : "?";
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int on = 1;
	ssize_t n;

	if (o->explain) {
		setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
		if (to->sa.sa_family == AF_INET6)
			setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on));
	}
	if (connect(fd, &to->sa, addr_len(to)) || send(fd, text, strlen(text), 0) < 0)
		return fail(errno);
	if (poll(&p, 1, o->timeout_ms) == 0)
		return fail(ETIMEDOUT);
	n = recv(fd, chunk, CHUNK, MSG_DONTWAIT);
	if (n < 0) {
		int err = errno;

		if (o->explain)
			udp_explain(fd);
		return fail(err);
	}
	write_all(STDOUT_FILENO, chunk, (size_t)n);
	return OK;
}

/* cmd_burst - one size after the other; a datagram that does not come back whole is named */
static int cmd_burst(const struct options *o, const union addr *to)
{
	static uint8_t back[DATAGRAM];
	int fd = client_socket(o, SOCK_DGRAM, to);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	unsigned good = 0, all = 0;

	if (connect(fd, &to->sa, addr_len(to)))
		return fail(errno);
	for (unsigned size = o->size_from; size <= o->size_to; size += o->size_step, all++) {
		ssize_t n;

		gen_fill(chunk, size, (uint64_t)size * 8);
		if (send(fd, chunk, size, 0) < 0)
			return fail(errno);
		if (poll(&p, 1, o->timeout_ms) == 0) {
			printf("size %u: no answer\n", size);
			continue;
		}
		n = recv(fd, back, sizeof(back), MSG_DONTWAIT);
		if (n < 0)
			return fail(errno);
		if ((size_t)n != size || memcmp(chunk, back, size))
			printf("size %u: %zd other octets came back\n", size, n);
		else
			good++;
	}
	printf("%u of %u\n", good, all);
	return good == all ? OK : FAILED;
}

static const char usage[] =
	"usage: peer gen OCTETS | peer (tcp|udp|burst) [OPTION...] ADDR PORT\n"
	"  -b ADDR  -p PORT   bind to\n"
	"  -t MS              longest silence, 5000\n"
	"  -m TEXT            send this\n"
	"  -i                 tcp: send stdin, then end our side\n"
	"  -o                 tcp: send nothing, print all that comes\n"
	"  -g OCTETS          tcp: send so many octets of `peer gen'\n"
	"  -r OCTETS          tcp: send no faster than so many a second\n"
	"  -E                 udp: print the ICMP error that came\n"
	"  -z                 udp, burst: no UDP checksum\n"
	"  -s FROM:TO:STEP    burst: sizes in octets\n";

static bool options_parse(int argc, char **argv, struct options *o)
{
	int c;

	while ((c = getopt(argc, argv, "b:p:t:m:iog:r:Ezs:")) != -1)
		switch (c) {
		case 'b': o->bind_addr = optarg; break;
		case 'p': o->bind_port = (uint16_t)atoi(optarg); break;
		case 't': o->timeout_ms = atoi(optarg); break;
		case 'm': o->text = optarg; break;
		case 'i': o->pump_stdin = true; break;
		case 'o': o->only_read = true; break;
		case 'g': o->from_gen = true; o->gen_octets = strtoull(optarg, NULL, 0); break;
		case 'r': o->octets_per_s = strtoull(optarg, NULL, 0); break;
		case 'E': o->explain = true; break;
		case 'z': o->no_checksum = true; break;
		case 's':
			if (sscanf(optarg, "%u:%u:%u", &o->size_from, &o->size_to, &o->size_step) != 3 ||
			    !o->size_step || o->size_to >= DATAGRAM)
				return false;
			break;
		default: return false;
		}
	return argc - optind == 2 && (!o->text || strlen(o->text) < CHUNK);
}

int main(int argc, char **argv)
{
	struct options o = { .timeout_ms = 5000, .size_from = 1, .size_to = 1, .size_step = 1 };
	const char *cmd = argc > 1 ? argv[1] : "";
	union addr to;

	signal(SIGPIPE, SIG_IGN);
	if (!strcmp(cmd, "gen") && argc == 3)
		return gen_write(STDOUT_FILENO, strtoull(argv[2], NULL, 0)) ? FAILED : OK;

	argc--;
	argv++;
	if (argc < 1 || !options_parse(argc, argv, &o) ||
	    !addr_parse(argv[optind], (uint16_t)atoi(argv[optind + 1]), &to)) {
		fputs(usage, stderr);
		return USAGE;
	}
	if (!strcmp(cmd, "tcp"))
		return cmd_tcp(&o, &to);
	if (!strcmp(cmd, "udp"))
		return cmd_udp(&o, &to);
	if (!strcmp(cmd, "burst"))
		return cmd_burst(&o, &to);
	fputs(usage, stderr);
	return USAGE;
}
