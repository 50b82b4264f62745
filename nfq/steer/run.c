/* SPDX-License-Identifier: GPL-2.0-or-later */
/* run - see run.h; files in memory stand for pipes, so nobody can block anybody */
#include "nfq/steer/run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	WORDS_OCTETS = 512,
	RAN = 32,			/* programs that are remembered, */
	RAN_S = 30,			/* for so long: then their numbers may be somebody else's */
};

static struct { pid_t pid; time_t when; } ran[RAN];	/* a ring */
static unsigned n_ran;

static time_t now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

bool run_text_open(struct run_text *t)
{
	*t = (struct run_text){ 0 };
	t->out = open_memstream(&t->text, &t->octets);
	return t->out;
}

char *run_text_close(struct run_text *t)
{
	bool whole = !ferror(t->out);

	whole &= !fclose(t->out);
	t->out = NULL;
	if (whole)
		return t->text;
	free(t->text);
	return NULL;
}

static int memory_file(const char *text)
{
	int fd = memfd_create("nfqnat-run", MFD_CLOEXEC);
	size_t left = text ? strlen(text) : 0;

	while (fd >= 0 && left) {
		ssize_t n = write(fd, text, left);

		if (n < 0) {
			close(fd);
			return -1;
		}
		text += n;
		left -= (size_t)n;
	}
	if (fd >= 0)
		lseek(fd, 0, SEEK_SET);
	return fd;
}

/* All of a file, NUL-terminated. */
static char *slurp(int fd)
{
	struct stat st;
	char *text;
	ssize_t n;

	if (fstat(fd, &st) < 0 || !(text = malloc((size_t)st.st_size + 1)))
		return NULL;
	n = pread(fd, text, (size_t)st.st_size, 0);
	text[n < 0 ? 0 : n] = '\0';
	return text;
}

/* What a program complained of, as one line that fits into ours. */
static void first_words(int fd, char *err, size_t octets)
{
	ssize_t n = pread(fd, err, octets - 1, 0);

	if (n < 0)
		n = 0;
	while (n && (err[n - 1] == '\n' || err[n - 1] == ' '))
		n--;
	err[n] = '\0';
	for (char *p = err; *p; p++)
		if (*p == '\n' || *p == '\t')
			*p = ' ';
}

static void child(const char *const *argv, int in, int out, int err)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0)
		_exit(126);
	/* execvp does not write to its arguments; its type is older than const. */
	execvp(argv[0], (char *const *)(uintptr_t)argv); /* NOLINT(performance-no-int-to-ptr): only its const goes */
	_exit(127);
}

int run_program(const char *const *argv, const char *input, char **out, char *err, size_t err_octets)
{
	int in_fd = memory_file(input), out_fd = memory_file(NULL), err_fd = memory_file(NULL), status = 0, ret;
	pid_t pid = -1;

	err[0] = '\0';
	if (in_fd < 0 || out_fd < 0 || err_fd < 0) {
		ret = -errno;
		goto close;
	}
	pid = fork();
	if (pid < 0) {
		ret = -errno;
		goto close;
	}
	if (!pid)
		child(argv, in_fd, out_fd, err_fd);
	ran[n_ran % RAN].pid = pid;
	ran[n_ran++ % RAN].when = now_s();
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR) {
			ret = -errno;
			goto close;
		}
	ret = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	first_words(err_fd, err, err_octets);
	if (ret == 127 && !err[0])
		strncat(err, "not found in PATH", err_octets - 1);
	if (out && !(*out = slurp(out_fd)))
		ret = -ENOMEM;
close:
	if (in_fd >= 0)
		close(in_fd);
	if (out_fd >= 0)
		close(out_fd);
	if (err_fd >= 0)
		close(err_fd);
	return ret;
}

int run_nft(const char *text, char *why, size_t octets)
{
	const char *const argv[] = { "nft", "-f", "-", NULL };
	char words[WORDS_OCTETS];
	int ret = run_program(argv, text, NULL, words, sizeof(words));

	if (!ret)
		return 0;
	snprintf(why, octets, "nft: %s", words);
	return ret == 127 ? -ENOENT : -EIO;
}

bool run_was(uint32_t pid)
{
	for (unsigned i = 0; pid && i < RAN; i++)
		if ((uint32_t)ran[i].pid == pid && now_s() - ran[i].when < RAN_S)
			return true;
	return false;
}
