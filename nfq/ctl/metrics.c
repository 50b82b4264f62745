/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctl_metrics - `metrics`: OpenMetrics text in lines {"text":"..."} */
#include <stdlib.h>
#include <string.h>

#include "nfq/ctl/request.h"
#include "nfq/metrics.h"

enum { PIECE_OCTETS = 32 << 10 };

struct metrics_job {
	char *text;
	size_t octets, at;
};

static void drop(void *arg)
{
	struct metrics_job *job = arg;

	free(job->text);
	free(job);
}

static enum ctl_more more(struct ctl_client *c, void *arg)
{
	struct metrics_job *job = arg;
	size_t n = job->octets - job->at;

	if (!n) {
		ctl_end(c, NULL);
		return CTL_DONE;
	}
	n = n < PIECE_OCTETS ? n : PIECE_OCTETS;
	ctl_line(c, json_pack("{s:s%}", "text", job->text + job->at, n));
	job->at += n;
	return CTL_MORE;
}

void ctl_run_metrics(struct ctl_client *c, json_t *req)
{
	static const char *const known[] = { NULL };
	struct metrics_job *job;
	char why[CTL_WHY_OCTETS];
	FILE *out;

	if (!ctl_request_known(req, known, why, sizeof(why))) {
		ctl_error(c, "%s", why);
		return;
	}
	job = calloc(1, sizeof(*job));
	out = job ? open_memstream(&job->text, &job->octets) : NULL;
	if (!out) {
		free(job);
		ctl_error(c, "nfqnatd has no memory for this");
		return;
	}
	metrics_write(out);
	if (fclose(out) == EOF) {
		drop(job);
		ctl_error(c, "nfqnatd has no memory for this");
		return;
	}
	ctl_job(c, more, drop, job);
}
