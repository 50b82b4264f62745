/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virt_child - see virt_child.h */
#include "nfq/virt_child.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nfq/log.h"
#include "virt/protocol.h"

enum {
	READ_OCTETS = 256 << 10,	/* read before anything else gets its turn */
	STOP_WAIT_MS = 1000,
	LONG_LIFE_S = 60,		/* who lived so long is started again at once */
};

/* ---- the child ---- */

/* Beside ourselves, if it is there; else execvp() looks in PATH. */
static const char *program(char path[PATH_MAX])
{
	const char *named = getenv("NFQNAT_VIRT");
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - sizeof("nfqnat-virt"));
	char *slash;

	if (named && *named)
		return named;
	if (n > 0) {
		path[n] = '\0';
		slash = strrchr(path, '/');
		if (slash) {
			memcpy(slash + 1, "nfqnat-virt", sizeof("nfqnat-virt"));
			if (!access(path, X_OK))
				return path;
		}
	}
	return "nfqnat-virt";
}

static void child(const char *path, bool agents, int fd, pid_t parent)
{
	char *const argv[] = { (char *)"nfqnat-virt", agents ? (char *)"--agents" : NULL, NULL };
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (fd == VIRT_FD ? fcntl(fd, F_SETFD, 0) < 0 : dup2(fd, VIRT_FD) < 0)
		_exit(126);
	syscall(SYS_close_range, VIRT_FD + 1, ~0U, 0);
	execvp(path, argv);
	_exit(errno == ENOENT ? 127 : 126);
}

/* What it is told, as a line; to be freed. NULL: no memory. */
static char *order(const struct conf_libvirt *c)
{
	json_t *uris = json_array(), *m;
	char *text = NULL, *line = NULL;

	for (unsigned i = 0; i < c->n_uris; i++)
		json_array_append_new(uris, json_string(c->uri[i]));
	m = json_pack("{s:s, s:o, s:b, s:s, s:b}", "type", "configure", "uris", uris, "metadata", c->metadata, "lease_dir",
		      c->lease_dir, "agent", c->agent);
	if (m)
		text = json_dumps(m, JSON_COMPACT);
	json_decref(m);
	if (text && asprintf(&line, "%s\n", text) < 0)
		line = NULL;
	free(text);
	return line;
}

static int tell(struct virt_child *w)
{
	size_t len = strlen(w->order);

	return send(w->fd, w->order, len, MSG_NOSIGNAL) == (ssize_t)len ? 0 : -EAGAIN;
}

static void end_io(struct virt_child *w)
{
	ev_timer_stop(w->loop, &w->silence);
	if (w->fd < 0)
		return;
	ev_io_stop(w->loop, &w->io);
	close(w->fd);
	w->fd = -1;
	free(w->line);
	w->line = NULL;
	w->line_octets = w->line_room = 0;
}

/* It hangs or talks nonsense: on_child() has the rest. */
static void discard(struct virt_child *w, const char *why)
{
	log_warn("the libvirt watcher %s: it is ended and started again; forwards stay as they are", why);
	end_io(w);
	kill(w->pid, SIGKILL);
}

static void again_later(struct virt_child *w)
{
	ev_timer_set(&w->again, w->pause_s, 0.);
	ev_timer_start(w->loop, &w->again);
	w->pause_s = w->pause_s < 1. ? 1. : w->pause_s * 2;
	if (w->pause_s > VIRT_CHILD_PAUSE_MAX_S)
		w->pause_s = VIRT_CHILD_PAUSE_MAX_S;
}

static void start(struct virt_child *w)
{
	char path[PATH_MAX];
	const char *name = program(path);
	pid_t parent = getpid();
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		log_error("no libvirt watcher: %s; trying again", strerror(errno));
		again_later(w);
		return;
	}
	w->pid = fork();
	if (!w->pid)
		child(name, w->agents, pair[1], parent);
	close(pair[1]);
	if (w->pid < 0) {
		log_error("no libvirt watcher: %s; trying again", strerror(errno));
		w->pid = 0;
		close(pair[0]);
		again_later(w);
		return;
	}
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	w->fd = pair[0];
	w->since = ev_now(w->loop);
	ev_io_set(&w->io, w->fd, EV_READ);
	ev_io_start(w->loop, &w->io);
	ev_child_set(&w->child, w->pid, 0);
	ev_child_start(w->loop, &w->child);
	ev_timer_again(w->loop, &w->silence);
	if (tell(w) < 0)
		discard(w, "does not listen");
}

static void on_child(struct ev_loop *loop, ev_child *c, int events)
{
	struct virt_child *w = c->data;

	(void)events;
	ev_child_stop(loop, c);
	end_io(w);
	w->pid = 0;
	if (WIFSIGNALED(c->rstatus))
		log_warn("the libvirt watcher %d was killed by signal %d; starting another", c->rpid, WTERMSIG(c->rstatus));
	else if (WEXITSTATUS(c->rstatus) == 127 && !w->missing)
		log_error("nfqnat-virt was not found beside nfqnatd or in PATH: guests cannot be followed; install it");
	else if (WEXITSTATUS(c->rstatus) != 127)
		log_warn("the libvirt watcher %d ended with status %d; starting another", c->rpid, WEXITSTATUS(c->rstatus));
	w->missing = WIFEXITED(c->rstatus) && WEXITSTATUS(c->rstatus) == 127;	/* said once */
	if (ev_now(loop) - w->since >= LONG_LIFE_S)
		w->pause_s = 0.;
	again_later(w);
}

static void on_again(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)events;
	start(t->data);
}

static void on_silence(struct ev_loop *loop, ev_timer *t, int events)
{
	struct virt_child *w = t->data;
	char why[48];

	(void)events;
	ev_timer_stop(loop, t);
	snprintf(why, sizeof(why), "has said nothing for %d s", VIRT_SILENCE_S);
	discard(w, why);
}

/* ---- what it says ---- */

static void log_text(const struct virt_message *m)
{
	switch (m->level) {
	case VIRT_ERROR:
		log_error("libvirt: %s", m->text);
		break;
	case VIRT_WARN:
		log_warn("libvirt: %s", m->text);
		break;
	case VIRT_INFO:
		log_info("libvirt: %s", m->text);
		break;
	case VIRT_DEBUG:
		if (log_verbose)
			log_debug("libvirt: %s", m->text);
		break;
	}
}

/* False: it must be ended, and @why says for what. */
static bool message(struct virt_child *w, const char *line, size_t octets, char *why, size_t why_octets)
{
	char fault[VIRT_FAULT_OCTETS];
	struct virt_message m;

	if (virt_message_read(line, octets, &m, fault) < 0) {
		/* One message that is wrong does not end it: the next may be right. It counts as a sign of life. */
		log_warn("the libvirt watcher said what cannot be used, %s; the last word stays", fault);
		return true;
	}
	switch (m.type) {
	case VIRT_HELLO:
		snprintf(why, why_octets, "speaks version %d of the protocol, not %d", m.version, VIRT_VERSION);
		return m.version == VIRT_VERSION;
	case VIRT_HEARTBEAT:
		break;
	case VIRT_LOG:
		log_text(&m);
		free(m.text);
		break;
	case VIRT_WORLD:
		w->hear(w->ctx, m.world);
		break;
	}
	return true;
}

/* Take whole lines off the front of what has come. False: it was ended. */
static bool take_lines(struct virt_child *w)
{
	char *at = w->line, *end = w->line + w->line_octets, *newline, why[64];

	while (at < end && (newline = memchr(at, '\n', (size_t)(end - at)))) {
		if (!message(w, at, (size_t)(newline - at), why, sizeof(why))) {
			discard(w, why);
			return false;
		}
		at = newline + 1;
	}
	w->line_octets = (size_t)(end - at);
	memmove(w->line, at, w->line_octets);
	if (w->line_octets < VIRT_LINE_OCTETS)
		return true;
	discard(w, "sent a line that has no end");
	return false;
}

static bool room(struct virt_child *w)
{
	size_t want = w->line_octets + READ_OCTETS;
	char *more;

	if (want <= w->line_room)
		return true;
	more = realloc(w->line, want);
	if (!more)
		return false;
	w->line = more;
	w->line_room = want;
	return true;
}

static void on_io(struct ev_loop *loop, ev_io *io, int events)
{
	struct virt_child *w = io->data;
	ssize_t n;

	(void)events;
	if (!room(w)) {
		discard(w, "says more than there is memory for");
		return;
	}
	n = recv(w->fd, w->line + w->line_octets, READ_OCTETS, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		end_io(w);		/* it ends by itself, or as one that is silent */
		ev_timer_again(loop, &w->silence);
		return;
	}
	w->line_octets += (size_t)n;
	ev_timer_again(loop, &w->silence);
	take_lines(w);
}

/* ---- its life ---- */

void virt_child_init(struct virt_child *w)
{
	w->fd = -1;
	w->pid = 0;
	ev_init(&w->io, on_io);
	ev_init(&w->child, on_child);
	ev_timer_init(&w->silence, on_silence, 0., VIRT_SILENCE_S);
	ev_init(&w->again, on_again);
	w->io.data = w->child.data = w->silence.data = w->again.data = w;
}

void virt_child_configure(struct virt_child *w, const struct conf_libvirt *conf)
{
	char *line = conf->on ? order(conf) : NULL;
	bool same = line && w->order && !strcmp(line, w->order), was;

	/* Whether agents are asked is decided at its start: what asks them needs what it gives up then. */
	if (line && w->order && w->agents != conf->agent)
		virt_child_stop(w);
	w->agents = conf->agent;
	was = w->order;
	free(w->order);
	w->order = line;
	if (same)
		return;
	if (!line) {
		if (conf->on)
			log_error("no memory to follow libvirt");
		virt_child_stop(w);
	} else if (!was) {
		w->pause_s = 0.;
		start(w);
	} else if (w->fd >= 0 && tell(w) < 0) {
		discard(w, "does not listen");
	}
}

void virt_child_stop(struct virt_child *w)
{
	free(w->order);
	w->order = NULL;
	ev_timer_stop(w->loop, &w->again);
	end_io(w);
	if (!w->pid)
		return;
	ev_child_stop(w->loop, &w->child);
	kill(w->pid, SIGTERM);
	for (int waited = 0; waitpid(w->pid, NULL, WNOHANG) == 0; waited += 10) {
		if (waited == STOP_WAIT_MS)
			kill(w->pid, SIGKILL);
		usleep(10000);
	}
	w->pid = 0;
}
