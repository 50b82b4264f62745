/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crowd - many conversations at once, each checked octet by octet.
 *
 *   crowd serve PORT                             echo over TCP and UDP, one process for all; prints "serving"
 *   crowd ask [-t N] [-u N] [-i MS] ADDR[,ADDR] PORT    N TCP and N UDP conversations, to one and the other address in
 *                                                turn; each asks every MS, 500 if not given
 *
 * `ask` opens all, prints "talking" when each has been answered once, and goes on until SIGTERM. Then it waits for what
 * is under way and prints one line:
 *     tcp ALIVE of N, wrong W, udp ALIVE of N, lost L of SENT, silence MS ms
 * lost: UDP questions that were never answered. silence: the longest time in which no conversation at all was answered.
 * On SIGUSR1 it prints "all N after MS ms, silence MS ms, lost L" as soon as each living conversation has been answered
 * anew, L being the datagrams that were skipped so far, and begins to measure silence from there on.
 */
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>

#include "wire.h"

enum { TALKS_MAX = 20000, ADDRS_MAX = 2, MESSAGE = 64, LAST_WAIT_MS = 2500, EVENTS = 256 };

struct talk {
	int fd;
	bool tcp, dead;
	uint64_t sent, answered;	/* messages; UDP: the highest number */
	uint64_t answers;		/* UDP: how many, not counting one twice */
	uint64_t mark;			/* answers needed for this round */
	uint8_t in[MESSAGE];
	size_t have;
};

static struct talk talk[TALKS_MAX];
static unsigned n_talks, n_tcp, n_udp, open_rounds;
static uint64_t wrong, gaps;
static int64_t round_from, last_answer, silence;
static bool round_on;

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void many_files(void)
{
	struct rlimit r;

	getrlimit(RLIMIT_NOFILE, &r);
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
}

/* Message @number of conversation @who. */
static void message(uint8_t *out, uint32_t who, uint64_t number)
{
	gen_fill(out, MESSAGE, (uint64_t)who << 32 | number * MESSAGE);
	memcpy(out, &number, sizeof(number));
	memcpy(out + sizeof(number), &who, sizeof(who));
}

/* ---- serve ---- */

static int listener(int family, int type, uint16_t port)
{
	int fd = socket(family, type | SOCK_NONBLOCK, 0), on = 1, big = 4 << 20;
	union addr a;

	addr_parse(family == AF_INET ? "0.0.0.0" : "::", port, &a);
	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof(big));
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, &a.sa, addr_len(&a)) || (type == SOCK_STREAM && listen(fd, 4096)))
		die("bind");
	return fd;
}

static void watch(int ep, int fd, uint64_t data)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u64 = data };

	if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e))
		die("epoll_ctl");
}

static void echo_tcp(int fd)
{
	static uint8_t buf[CHUNK];
	ssize_t n = recv(fd, buf, CHUNK, MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0 || write_all(fd, buf, (size_t)n))
		close(fd);
}

static void echo_udp(int fd)
{
	uint8_t buf[MESSAGE];
	union addr a;
	socklen_t len = sizeof(a);
	ssize_t n;

	while ((n = recvfrom(fd, buf, sizeof(buf), 0, &a.sa, &len)) >= 0) {
		if (sendto(fd, buf, (size_t)n, 0, &a.sa, len) < 0)
			return;
		len = sizeof(a);
	}
}

static _Noreturn void serve(uint16_t port)
{
	struct epoll_event e[EVENTS];
	int ep = epoll_create1(0), fd[4] = { listener(AF_INET, SOCK_STREAM, port), listener(AF_INET6, SOCK_STREAM, port),
					      listener(AF_INET, SOCK_DGRAM, port), listener(AF_INET6, SOCK_DGRAM, port) };

	for (unsigned i = 0; i < 4; i++)
		watch(ep, fd[i], (uint64_t)fd[i]);
	puts("serving");
	fflush(stdout);
	for (;;) {
		int n = epoll_wait(ep, e, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			int from = (int)e[i].data.u64, got;

			if (from == fd[0] || from == fd[1]) {
				while ((got = accept4(from, NULL, NULL, 0)) >= 0)
					watch(ep, got, (uint64_t)got);
			} else if (from == fd[2] || from == fd[3]) {
				echo_udp(from);
			} else {
				echo_tcp(from);
			}
		}
	}
}

/* ---- ask ---- */

static void answered(struct talk *t)
{
	int64_t now = now_ms();

	if (now - last_answer > silence)
		silence = now - last_answer;
	last_answer = now;
	if (t->mark && t->answers >= t->mark) {
		t->mark = 0;
		open_rounds--;
	}
}

static void end(struct talk *t)
{
	t->dead = true;
	close(t->fd);
	if (t->mark) {
		t->mark = 0;
		open_rounds--;
	}
}

static void hear_tcp(struct talk *t)
{
	uint8_t want[MESSAGE];
	ssize_t n;

	while ((n = recv(t->fd, t->in + t->have, MESSAGE - t->have, MSG_DONTWAIT)) > 0) {
		t->have += (size_t)n;
		if (t->have < MESSAGE)
			continue;
		t->have = 0;
		message(want, (uint32_t)(t - talk), ++t->answered);
		if (memcmp(want, t->in, MESSAGE) != 0)
			wrong++;
		t->answers++;
		answered(t);
	}
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		end(t);
}

static void hear_udp(struct talk *t)
{
	uint8_t want[MESSAGE];
	uint64_t number;
	ssize_t n;

	while ((n = recv(t->fd, t->in, MESSAGE, MSG_DONTWAIT)) >= 0) {
		memcpy(&number, t->in, sizeof(number));
		message(want, (uint32_t)(t - talk), number);
		if (n != MESSAGE || number > t->sent || memcmp(want, t->in, MESSAGE) != 0) {
			wrong++;
			continue;
		}
		if (number > t->answered) {
			gaps += number - t->answered - 1;
			t->answered = number;
		}
		t->answers++;
		answered(t);
	}
	/* A refusal (ICMP) is for one datagram, not for the conversation. */
}

static void ask_once(struct talk *t)
{
	uint8_t out[MESSAGE];

	if (t->dead)
		return;
	message(out, (uint32_t)(t - talk), t->sent + 1);
	if (send(t->fd, out, MESSAGE, MSG_DONTWAIT | MSG_NOSIGNAL) == MESSAGE)
		t->sent++;
	else if (t->tcp && errno != EAGAIN)
		end(t);
}

static void talk_open(bool tcp, const union addr *a, int ep)
{
	struct talk *t = &talk[n_talks];

	if (n_talks == TALKS_MAX)
		exit(USAGE);
	*t = (struct talk){ .tcp = tcp, .fd = socket(a->sa.sa_family, tcp ? SOCK_STREAM : SOCK_DGRAM, 0) };
	if (t->fd < 0 || connect(t->fd, &a->sa, addr_len(a)))
		die("connect");
	watch(ep, t->fd, n_talks++);
}

static unsigned alive(bool tcp)
{
	unsigned n = 0;

	for (unsigned i = 0; i < n_talks; i++)
		n += talk[i].tcp == tcp && !talk[i].dead;
	return n;
}

static void round_begin(void)
{
	open_rounds = 0;
	round_from = now_ms();
	for (unsigned i = 0; i < n_talks; i++) {
		talk[i].mark = talk[i].dead ? 0 : talk[i].answers + 1;
		open_rounds += talk[i].mark != 0;
	}
	round_on = true;
}

static void round_end(const char *word)
{
	round_on = false;
	if (word)
		puts(word);
	else
		printf("all %u after %lld ms, silence %lld ms, lost %llu\n", alive(true) + alive(false),
		       (long long)(now_ms() - round_from), (long long)silence, (unsigned long long)gaps);
	silence = 0;
	last_answer = now_ms();
	fflush(stdout);
}

static bool all_answered(void)
{
	for (unsigned i = 0; i < n_talks; i++)
		if (!talk[i].dead && talk[i].answers < talk[i].sent)
			return false;
	return true;
}

static int sum_up(void)
{
	uint64_t sent = 0, lost = 0;

	for (unsigned i = 0; i < n_talks; i++)
		if (!talk[i].tcp) {
			sent += talk[i].sent;
			lost += talk[i].sent > talk[i].answers ? talk[i].sent - talk[i].answers : 0;
		}
	printf("tcp %u of %u, wrong %llu, udp %u of %u, lost %llu of %llu, silence %lld ms\n", alive(true), n_tcp,
	       (unsigned long long)wrong, alive(false), n_udp, (unsigned long long)lost, (unsigned long long)sent,
	       (long long)silence);
	return wrong || alive(true) < n_tcp ? FAILED : OK;
}

static void hear(const struct epoll_event *e, int n)
{
	for (int i = 0; i < n; i++) {
		struct talk *t = talk + (e[i].data.u64 < n_talks ? e[i].data.u64 : 0);

		if (e[i].data.u64 >= n_talks || t->dead)
			continue;
		if (t->tcp)
			hear_tcp(t);
		else
			hear_udp(t);
	}
}

/* A share of the conversations asks each time, so that questions are spread over the interval. */
static int ask(unsigned interval_ms, int ep)
{
	enum { SIGNALS = TALKS_MAX, TICKS };
	const unsigned tick_ms = 10, share = n_talks * tick_ms / interval_ms + 1;
	const struct itimerspec every = { { 0, tick_ms * 1000000L }, { 0, tick_ms * 1000000L } };
	struct epoll_event e[EVENTS];
	struct signalfd_siginfo si;
	sigset_t set;
	int64_t until = INT64_MAX;
	unsigned next = 0;
	uint64_t ticks;
	int sfd, tfd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sfd = signalfd(-1, &set, SFD_NONBLOCK);
	tfd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	timerfd_settime(tfd, 0, &every, NULL);
	watch(ep, sfd, SIGNALS);
	watch(ep, tfd, TICKS);
	last_answer = now_ms();
	round_begin();
	for (bool first = true; now_ms() < until;) {
		hear(e, epoll_wait(ep, e, EVENTS, 100));
		if (read(tfd, &ticks, sizeof(ticks)) > 0 && until == INT64_MAX)
			for (unsigned i = 0; i < share; i++)
				ask_once(&talk[next++ % n_talks]);
		if (round_on && !open_rounds) {
			round_end(first ? "talking" : NULL);
			first = false;
		}
		while (read(sfd, &si, sizeof(si)) > 0) {
			if (si.ssi_signo == SIGUSR1)
				round_begin();
			else
				until = now_ms() + LAST_WAIT_MS;
		}
		if (until != INT64_MAX && all_answered())
			break;
	}
	return sum_up();
}

static int usage(void)
{
	fputs("usage: crowd serve PORT | crowd ask [-t N] [-u N] [-i MS] ADDR[,ADDR] PORT\n", stderr);
	return USAGE;
}

int main(int argc, char **argv)
{
	unsigned interval_ms = 500, n = 0;
	union addr a[ADDRS_MAX];
	int c, ep;

	signal(SIGPIPE, SIG_IGN);
	many_files();
	if (argc == 3 && !strcmp(argv[1], "serve"))
		serve((uint16_t)atoi(argv[2]));
	if (argc < 4 || strcmp(argv[1], "ask"))
		return usage();
	optind = 2;
	while ((c = getopt(argc, argv, "t:u:i:")) != -1) {
		if (c == 't')
			n_tcp = (unsigned)atoi(optarg);
		else if (c == 'u')
			n_udp = (unsigned)atoi(optarg);
		else if (c == 'i')
			interval_ms = (unsigned)atoi(optarg);
		else
			return usage();
	}
	if (optind + 2 != argc || !interval_ms)
		return usage();
	for (char *one = strtok(argv[optind], ","); one && n < ADDRS_MAX; one = strtok(NULL, ","))
		if (!addr_parse(one, (uint16_t)atoi(argv[optind + 1]), &a[n++]))
			return usage();
	if (!n)
		return usage();
	ep = epoll_create1(0);
	for (unsigned i = 0; i < n_tcp; i++)
		talk_open(true, &a[i % n], ep);
	for (unsigned i = 0; i < n_udp; i++)
		talk_open(false, &a[i % n], ep);
	return ask(interval_ms, ep);
}
