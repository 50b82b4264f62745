/* SPDX-License-Identifier: GPL-2.0-or-later */
/* capture - `nfqnatctl capture`: each packet twice, as it came and as it went */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <string.h>

#include "ctl/stream.h"
#include "nfq/pcapng.h"
#include "nfq/show.h"

enum { SNAP_OCTETS = 65535, BEFORE = 0, AFTER = 1 };

static FILE *file;

static bool take(struct stream *s, const struct tap_record *r)
{
	const uint8_t *octets = (const uint8_t *)(r + 1);
	uint64_t when = r->when + (uint64_t)s->wall_ns;
	const uint32_t len = r->pkt.truncated && r->pkt.whole ? r->pkt.whole : r->pkt.len;
	char line[SHOW_LINE_OCTETS], comment[SHOW_LINE_OCTETS + 32];
	bool good;

	if (r->kind != TAP_PACKET || r->pkt.hook >= NAT_HOOKS || r->pkt.reason >= NAT_REASONS)
		return true;
	s->shown++;
	show_packet(line, sizeof(line), &r->pkt, stream_forward);
	snprintf(comment, sizeof(comment), "%s: %s", r->after ? "before" : "unchanged", line);
	good = pcapng_packet(file, BEFORE, when, octets, r->before, len, comment);
	if (r->after) {
		snprintf(comment, sizeof(comment), "after: %s", line);
		good = good && pcapng_packet(file, AFTER, when + r->latency_ns, octets + r->before, r->after, len, comment);
	}
	if (!good)
		cmd_error("cannot write the capture: %s", strerror(errno));
	return good;
}

static int run(struct stream *s, const char *path, json_t *req)
{
	bool to_stdout = !strcmp(path, "-");
	int ret;

	file = to_stdout ? stdout : fopen(path, "we");
	if (!file) {
		cmd_error("%s: %s", path, strerror(errno));
		json_decref(req);
		return CMD_NO;
	}
	if (!pcapng_begin(file, "nfqnatctl " NFQNAT_VERSION) || !pcapng_interface(file, PCAPNG_RAW, "before", "as the packet came") ||
	    !pcapng_interface(file, PCAPNG_RAW, "after", "as the packet went")) {
		cmd_error("%s: %s", path, strerror(errno));
		json_decref(req);
		ret = CMD_NO;
	} else {
		ret = stream_run(s, req, take);
	}
	if ((to_stdout ? fflush(file) : fclose(file)) == EOF) {
		cmd_error("%s: %s", path, strerror(errno));
		ret = CMD_NO;
	}
	fprintf(stderr, "%lu packets written to %s, %" PRIu64 " lost\n", s->shown, path, s->lost);
	return ret;
}

int cmd_capture(struct ctl *c, int argc, char **argv)
{
	static const struct option longs[] = { { "count", required_argument, NULL, 'c' }, { 0 } };
	json_t *req = json_pack("{s:s, s:s, s:i}", "cmd", "watch", "what", "packets", "snap", SNAP_OCTETS);
	struct stream s = { .ctl = c };
	int opt;

	while ((opt = getopt_long(argc, argv, "+c:", longs, NULL)) != -1) {
		if (opt == 'c' && stream_count(optarg, &s.most))
			continue;
		json_decref(req);
		return cmd_usage(argv[0]);
	}
	if (optind == argc) {
		json_decref(req);
		return cmd_usage(argv[0]);
	}
	if (!stream_filter(req, argv + optind + 1, argc - optind - 1)) {
		json_decref(req);
		return CMD_USAGE;
	}
	return run(&s, argv[optind], req);
}
