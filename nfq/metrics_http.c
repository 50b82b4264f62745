/* SPDX-License-Identifier: GPL-2.0-or-later */
/* metrics_http - see metrics_http.h */
#include "nfq/metrics_http.h"

#include <arpa/inet.h>
#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <jansson.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nfq/ctl/server.h"
#include "nfq/log.h"
#include "nfq/only.h"

enum {
	CONNECTIONS_MAX = 16,
	CONNECTION_TIMEOUT_S = 10,
	BACKLOG = 16,
	FILES_MAX = 64,
	NOBODY = 65534,
};

static const double AGAIN_S = 1.0;
static const char content_type[] = "application/openmetrics-text; version=1.0.0; charset=utf-8";

static struct {
	struct ev_loop *loop;
	ev_child child;
	ev_timer again;
	int listen_fd;
	pid_t pid;
	struct sandbox user;
	char listen_at[64];
	bool told;			/* that it cannot listen */
} self = { .listen_fd = -1 };

/* ---- the child ---- */

/* The whole text from main, NUL-terminated, freed by the caller; NULL: main is gone or makes no sense. */
static char *ask_main(FILE *in, int fd)
{
	static const char request[] = "{\"cmd\":\"metrics\"}\n";
	char *line = NULL, *text = NULL;
	size_t room = 0, octets = 0;
	FILE *out = open_memstream(&text, &octets);
	bool good = out && send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) == sizeof(request) - 1, done = false;

	while (good && !done && getline(&line, &room, in) > 0) {
		json_t *o = json_loads(line, 0, NULL);
		const char *piece = json_string_value(json_object_get(o, "text"));

		if (piece)
			fputs(piece, out);
		done = json_object_get(o, "end");
		good = o && !json_object_get(o, "error");
		json_decref(o);
	}
	free(line);
	if (out)
		fclose(out);
	if (good && done)
		return text;
	free(text);
	return NULL;
}

struct line_to_main {
	FILE *in;
	int fd;
};

static enum MHD_Result answer(struct MHD_Connection *c, unsigned status, const char *type, char *text, enum MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(strlen(text), text, mode);
	enum MHD_Result ret;

	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	ret = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return ret;
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *c, const char *url, const char *method, const char *version,
				  const char *upload, size_t *upload_octets, void **state)
{
	static char not_found[] = "404: metrics are at /metrics\n", not_allowed[] = "405: only GET\n";
	static int seen;
	const struct line_to_main *line = ctx;
	char *text;

	(void)version;
	(void)upload;
	if (*upload_octets) {
		*upload_octets = 0;	/* what is sent to us is not read */
		return MHD_YES;
	}
	if (!*state) {
		*state = &seen;		/* the headers are here; answer when all is */
		return MHD_YES;
	}
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return answer(c, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain", not_allowed, MHD_RESPMEM_PERSISTENT);
	if (strcmp(url, "/metrics") != 0)
		return answer(c, MHD_HTTP_NOT_FOUND, "text/plain", not_found, MHD_RESPMEM_PERSISTENT);
	text = ask_main(line->in, line->fd);
	if (!text)
		_exit(1);		/* out of step with main: it starts another */
	return answer(c, MHD_HTTP_OK, content_type, text, MHD_RESPMEM_MUST_FREE);
}

static bool shed(void)
{
	const struct rlimit files = { FILES_MAX, FILES_MAX }, none = { 0, 0 };
	uid_t uid = self.user.uid ? self.user.uid : NOBODY;
	gid_t gid = self.user.gid ? self.user.gid : NOBODY;

	sandbox_empty_root();
	setrlimit(RLIMIT_NOFILE, &files);
	setrlimit(RLIMIT_CORE, &none);
	/* Without CAP_SETUID we stay who we are, without any capability. */
	if (!setgroups(0, NULL) && (setresgid(gid, gid, gid) || setresuid(uid, uid, uid)))
		return false;
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_apply(CAPNG_SELECT_BOTH) < 0 && capng_apply(CAPNG_SELECT_CAPS) < 0)
		return false;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return false;
	sandbox_landlock();
	return true;
}

static int child_main(int fd, int listen_fd, pid_t parent)
{
	struct line_to_main line = { .in = fdopen(fd, "r"), .fd = fd };
	struct pollfd gone = { .fd = fd, .events = POLLRDHUP };
	struct MHD_Daemon *d;
	sigset_t none;

	prctl(PR_SET_NAME, "nfqnat-metrics");
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	signal(SIGTERM, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (!line.in || !shed())
		return 1;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		return 1;
	d = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0, NULL, NULL, on_request, &line,
			     MHD_OPTION_LISTEN_SOCKET, listen_fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
			     MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)CONNECTION_TIMEOUT_S, MHD_OPTION_END);
	if (!d)
		return 1;
	/* The line is read by the other thread; here only its end counts. */
	while (poll(&gone, 1, -1) >= 0 || errno == EINTR)
		if (gone.revents & (POLLRDHUP | POLLHUP | POLLERR))
			break;
	return 0;
}

/* ---- main's side ---- */

static void spawn(void)
{
	pid_t parent = getpid();
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		log_warn("metrics: %s", strerror(errno));
		return;
	}
	self.pid = fork();
	if (self.pid == 0) {
		int own[] = { pair[1], self.listen_fd };

		only_these(own, sizeof(own) / sizeof(own[0]));
		_exit(child_main(pair[1], self.listen_fd, parent));
	}
	close(pair[1]);
	if (self.pid < 0 || ctl_server_adopt(pair[0], "metrics") < 0) {
		log_warn("metrics over HTTP: no process for them, or no place at the control socket");
		close(pair[0]);		/* and the child goes by itself */
	}
	if (self.pid <= 0)
		return;
	ev_child_set(&self.child, self.pid, 0);
	ev_child_start(self.loop, &self.child);
}

static void again(void)
{
	ev_timer_stop(self.loop, &self.again);
	ev_timer_set(&self.again, AGAIN_S, 0.);
	ev_timer_start(self.loop, &self.again);
}

static void on_child(struct ev_loop *loop, ev_child *w, int events)
{
	(void)events;
	ev_child_stop(loop, w);
	self.pid = 0;
	log_warn("metrics over HTTP: the process ended (status %d); starting another", w->rstatus);
	again();
}

/* @listen was checked when the configuration was read. Returns a socket, or -errno. */
static int open_listener(const char *listen_at)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in in4 = { .sin_family = AF_INET };
	const char *colon = strrchr(listen_at, ':');
	bool v6 = *listen_at == '[';
	char addr[INET6_ADDRSTRLEN] = "";
	const int on = 1;
	uint16_t port;
	int fd, err;

	if (!colon)
		return -EINVAL;
	memcpy(addr, listen_at + v6, (size_t)(colon - listen_at) - (v6 ? 2u : 0u));
	port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
	in4.sin_port = in6.sin6_port = port;
	if (inet_pton(v6 ? AF_INET6 : AF_INET, addr, v6 ? (void *)&in6.sin6_addr : (void *)&in4.sin_addr) != 1)
		return -EINVAL;
	fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, v6 ? (const struct sockaddr *)&in6 : (const struct sockaddr *)&in4, v6 ? sizeof(in6) : sizeof(in4)) < 0 ||
	    listen(fd, BACKLOG) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

static void begin(void)
{
	int fd = self.listen_fd >= 0 ? self.listen_fd : open_listener(self.listen_at);

	if (fd >= 0) {
		if (self.listen_fd < 0)
			log_info("metrics at http://%s/metrics", self.listen_at);
		self.listen_fd = fd;
		spawn();
		return;
	}
	/* The process of a daemon before us may take a moment to die; an address may come later. */
	if (!self.told)
		log_warn("metrics: cannot listen at %s: %s; trying again, see `metrics: { listen: ... }`", self.listen_at,
			 strerror(-fd));
	self.told = true;
	again();
}

static void on_again(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop;
	(void)w;
	(void)events;
	begin();
}

void metrics_http_open(struct ev_loop *loop, const char *listen_at, const struct sandbox *user)
{
	if (!strcmp(listen_at, "off"))
		return;
	snprintf(self.listen_at, sizeof(self.listen_at), "%s", listen_at);
	self.loop = loop;
	self.user = *user;
	ev_child_init(&self.child, on_child, 0, 0);
	ev_timer_init(&self.again, on_again, 0., 0.);
	begin();
}

void metrics_http_close(void)
{
	if (!self.loop)
		return;
	ev_child_stop(self.loop, &self.child);
	ev_timer_stop(self.loop, &self.again);
	if (self.pid > 0) {
		kill(self.pid, SIGKILL);
		waitpid(self.pid, NULL, 0);
	}
	if (self.listen_fd >= 0)
		close(self.listen_fd);
	self.listen_fd = -1;
	self.pid = 0;
	self.loop = NULL;
	self.told = false;
}

void metrics_http_move(struct ev_loop *loop, const char *listen_at, const struct sandbox *user)
{
	if (!strcmp(listen_at, self.loop ? self.listen_at : "off"))
		return;
	if (self.loop)
		log_info("metrics are not at http://%s/metrics any more", self.listen_at);
	metrics_http_close();
	metrics_http_open(loop, listen_at, user);
}
