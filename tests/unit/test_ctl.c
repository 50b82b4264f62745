/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctl: what requests may say, which flows a filter means, who may ask; words and numbers of nfqnatctl. */
#include <arpa/inet.h>
#include <unistd.h>

#include "ctl/out.h"
#include "ctl/rates.h"
#include "ctl/span.h"
#include "nat/tcp.h"
#include "nfq/ctl/request.h"
#include "nfq/ctl/server.h"
#include "nfq/pcapng.h"
#include "nfq/tally.h"
#include "tests/unit/letters.h"
#include "tests/unit/unit.h"

/* C:40000 -> H:8080 => C:40000 -> G:80, an established TCP flow of "web", guest "vm1" */
static struct nat_flow flow(enum nat_family family)
{
	struct nat_flow f = { .proto = NAT_PROTO_TCP, .family = (uint8_t)family, .tcp = TCP_ESTABLISHED, .idle = IDLE_TCP_ESTABLISHED,
			      .flags = FLOW_ANSWERED };

	f.orig = (struct nat_ends){ letter_addr('C', family), letter_addr('H', family), htons(40000), htons(8080) };
	f.reply = (struct nat_ends){ letter_addr('G', family), letter_addr('C', family), htons(80), htons(40000) };
	return f;
}

static const struct { const char *keys; bool is_meant; } filters[] = {
	{ "", true },
	{ ",\"proto\":\"tcp\"", true },
	{ ",\"proto\":\"TCP\"", true },
	{ ",\"proto\":\"6\"", true },
	{ ",\"proto\":\"udp\"", false },
	{ ",\"family\":4", true },
	{ ",\"family\":6", false },
	{ ",\"state\":\"established\"", true },
	{ ",\"state\":\"answered\"", true },
	{ ",\"state\":\"unanswered\"", false },
	{ ",\"state\":\"CLOSING\"", false },
	{ ",\"port\":8080", true },
	{ ",\"port\":80", true },
	{ ",\"port\":40000", true },
	{ ",\"port\":8081", false },
	{ ",\"address\":\"198.51.100.0/24\"", true },
	{ ",\"address\":\"198.51.100.7\"", true },
	{ ",\"address\":\"10.0.0.0/8\"", false },
	{ ",\"address\":\"::/0\"", false },
	{ ",\"forward\":\"web\"", true },
	{ ",\"forward\":\"we\"", false },
	{ ",\"guest\":\"vm1\"", true },
	{ ",\"guest\":\"vm2\"", false },
	{ ",\"proto\":\"tcp\",\"port\":80,\"guest\":\"vm1\",\"forward\":\"web\"", true },
	{ ",\"proto\":\"tcp\",\"port\":80,\"guest\":\"vm1\",\"forward\":\"other\"", false },
};

static void filter(void **state)
{
	const unsigned long i = (unsigned long)(uintptr_t)*state;
	char line[256], why[CTL_WHY_OCTETS];
	struct nat_flow f = flow(NAT_IPV4);
	struct ctl_filter filter;
	const char *cmd;
	json_t *req;

	snprintf(line, sizeof(line), "{\"cmd\":\"flows\"%s}", filters[i].keys);
	req = ctl_request_parse(line, strlen(line), &cmd, why, sizeof(why));
	assert_non_null(req);
	assert_true(ctl_filter_parse(req, &filter, why, sizeof(why)));
	assert_int_equal(ctl_filter_has(&filter, &f, "web", "vm1"), filters[i].is_meant);
	json_decref(req);
}

static const struct { const char *line, *why; } refused[] = {
	{ "", "not JSON" },
	{ "{", "not JSON" },
	{ "{\"cmd\":\"a\",\"cmd\":\"b\"}", "not JSON" },
	{ "[]", "no \"cmd\"" },
	{ "{\"cmd\":null}", "no \"cmd\"" },
	{ "{\"cmd\":\"flows\",\"port\":0}", "'port' must be a number from 1 to 65535" },
	{ "{\"cmd\":\"flows\",\"port\":65536}", "'port' must be" },
	{ "{\"cmd\":\"flows\",\"port\":\"80\"}", "'port' must be" },
	{ "{\"cmd\":\"flows\",\"port\":99999999999999999999}", "not JSON" },
	{ "{\"cmd\":\"flows\",\"guest\":\"\"}", "'guest' must be a text" },
	{ "{\"cmd\":\"flows\",\"guest\":{}}", "'guest' must be a text" },
	{ "{\"cmd\":\"flows\",\"address\":\"1.2.3.4/33\"}", "is not an address" },
	{ "{\"cmd\":\"flows\",\"address\":\"1.2.3.4/\"}", "is not an address" },
	{ "{\"cmd\":\"flows\",\"address\":\"1.2.3.4/x\"}", "is not an address" },
	{ "{\"cmd\":\"flows\",\"proto\":\"0\"}", "is not known" },
	{ "{\"cmd\":\"flows\",\"proto\":\"256\"}", "is not known" },
	{ "{\"cmd\":\"flows\",\"state\":\"NONE\"}", "is not known" },
	{ "{\"cmd\":\"flows\",\"src\":\"1.2.3.4\"}", "all of src" },
	{ "{\"cmd\":\"flows\",\"src\":\"1.2.3.4\",\"sport\":1,\"dst\":\"::1\",\"dport\":1}", "one family" },
	{ "{\"cmd\":\"flows\",\"src\":\"1.2.3.4\",\"sport\":1,\"dst\":\"1.2.3.5\",\"dport\":1,\"family\":6}", "of 'family'" },
	{ "{\"cmd\":\"flows\",\"family\":5}", "4 or 6" },
};

static void refuse(void **state)
{
	const unsigned long i = (unsigned long)(uintptr_t)*state;
	char why[CTL_WHY_OCTETS] = "";
	uint8_t *exact = unit_exact((const uint8_t *)refused[i].line, strlen(refused[i].line));
	struct ctl_filter f;
	const char *cmd;
	json_t *req = ctl_request_parse((const char *)exact, strlen(refused[i].line), &cmd, why, sizeof(why));

	if (req)
		assert_false(ctl_filter_parse(req, &f, why, sizeof(why)));
	if (!strstr(why, refused[i].why))
		unit_fail("%s: said: %s", refused[i].line, why);
	json_decref(req);
	free(exact);
}

static void who_may_ask(void **state)
{
	const gid_t groups[] = { 5, 7, 9 };

	(void)state;
	assert_true(ctl_may(0, 0, NULL, 0, (gid_t)-1));
	assert_false(ctl_may(1000, 0, NULL, 0, (gid_t)-1));
	assert_false(ctl_may(1000, 7, groups, 3, (gid_t)-1));
	assert_true(ctl_may(1000, 1, groups, 3, 7));
	assert_true(ctl_may(1000, 7, NULL, 0, 7));
	assert_false(ctl_may(1000, 1, groups, 3, 8));
	assert_true(ctl_may(geteuid(), 1, NULL, 0, (gid_t)-1));
}

static const struct { const char *text; uint32_t seconds; } spans[] = {
	{ "1s", 1 }, { "90s", 90 }, { "20m", 1200 }, { "8h", 28800 }, { "2d", 172800 }, { "366d", 366 * 86400 },
	{ "0s", 0 }, { "", 0 }, { "5", 0 }, { "m", 0 }, { "-1s", 0 }, { "+1s", 0 }, { "1ms", 0 }, { "367d", 0 },
	{ "99999999999999999999s", 0 }, { " 1s", 0 },
};

static void span(void **state)
{
	const unsigned long i = (unsigned long)(uintptr_t)*state;
	uint32_t seconds = 0;

	assert_int_equal(span_parse(spans[i].text, &seconds), spans[i].seconds != 0);
	assert_int_equal(seconds, spans[i].seconds);
}

static void numbers(void **state)
{
	static const struct { double n; const char *count, *octets; } rows[] = {
		{ 0, "0", "0B" },		{ 999, "999", "999B" },		{ 1024, "1024", "1.0KiB" },
		{ 99999, "99999", "97.7KiB" },	{ 100000, "100k", "97.7KiB" },	{ 1e6, "1.0M", "977KiB" },
		{ 12345678, "12.3M", "11.8MiB" }, { 1e18, "1.0E", "888PiB" },
	};
	static const struct { long s; const char *text; } times[] = {
		{ -5, "0s" }, { 59, "59s" }, { 60, "1m00s" }, { 3599, "59m59s" }, { 7440, "2h04m" }, { 90000, "1d01h" },
	};
	char buf[16];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_string_equal(out_count(buf, rows[i].n), rows[i].count);
		assert_string_equal(out_octets(buf, rows[i].n), rows[i].octets);
	}
	for (size_t i = 0; i < COUNT(times); i++)
		assert_string_equal(out_span(buf, times[i].s), times[i].text);
}

static void table(void **state)
{
	static const char *const head[] = { "name", ">n", "last" };
	const char *const a[] = { "x", "5", "" }, *const b[] = { "\xc3\xa4ngstlich", "12345", "z" };
	char *text = NULL;
	size_t octets;
	struct ctl c = { .out = open_memstream(&text, &octets) };
	struct out_table t = { .columns = 3, .head = head };

	(void)state;
	out_row(&t, OUT_RED, a);
	out_row(&t, OUT_PLAIN, b);
	out_table_print(&c, &t);
	fclose(c.out);
	assert_string_equal(text, "name          n last\n"
				  "x             5\n"
				  "\xc3\xa4ngstlich 12345 z\n");
	free(text);
}

static void rates(void **state)
{
	struct rates a = { 0 }, b = { 0 };

	(void)state;
	assert_true(rates_line(&a, "nfqnat_forward_octets_total{forward=\"web\",guest=\"192.0.2.1\",direction=\"in\"} 1000"));
	assert_true(rates_line(&a, "nfqnat_packets_total{reason=\"X\",verdict=\"drop\"} 5"));
	assert_true(rates_line(&b, "# TYPE nfqnat_flows gauge"));
	assert_true(rates_line(&b, "nfqnat_flows 7"));
	assert_true(rates_line(&b, "nfqnat_forward_flows{forward=\"web\",guest=\"192.0.2.1\"} 2"));
	assert_true(rates_line(&b, "nfqnat_forward_flows{forward=\"web\",guest=\"2001:db8::1\"} 1"));
	assert_true(rates_line(&b, "nfqnat_forward_octets_total{forward=\"web\",guest=\"192.0.2.1\",direction=\"in\"} 3000"));
	assert_true(rates_line(&b, "nfqnat_forward_octets_total{forward=\"new\",guest=\"192.0.2.1\",direction=\"out\"} 8000"));
	assert_true(rates_line(&b, "nfqnat_packets_total{reason=\"X\",verdict=\"drop\"} 25"));
	assert_true(rates_line(&b, "nfqnat_packets_total{reason=\"Y\",verdict=\"accept\"} 99"));
	assert_true(rates_line(&b, "garbage"));
	rates_step(&b, &a, 2);
	rates_sort(&b);
	assert_int_equal(b.n, 2);
	assert_string_equal(b.row[0].name, "new");
	assert_true(b.row[0].out == 4000);
	assert_string_equal(b.row[1].name, "web");
	assert_true(b.row[1].in == 1000 && b.row[1].flows == 3);
	assert_true(b.flows == 7 && b.drops == 10);
	rates_fini(&a);
	rates_fini(&b);
}

/* A counter never goes to another's row, however many there are; the rest is kept together. */
static void tally(void **state)
{
	struct tally *t = calloc(1, sizeof(*t));
	struct nat_flow f = flow(NAT_IPV4);
	uint64_t flows = 0, octets = 0;
	char name[16];

	(void)state;
	assert_non_null(t);
	f.octets[NAT_ORIG] = 10;
	f.octets[NAT_REPLY] = 100;
	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < 2 * TALLY_ROWS; i++) {
			snprintf(name, sizeof(name), "f%u", i);
			tally_add(t, name, &f);
		}
	for (unsigned i = 0; i < TALLY_ROWS; i++) {
		if (i < TALLY_ROWS - 1 && t->row[i].used)
			assert_int_equal(t->row[i].flows, 2);
		flows += t->row[i].flows;
		octets += t->row[i].octets[TALLY_IN];
	}
	assert_int_equal(flows, 4 * TALLY_ROWS);
	assert_int_equal(octets, 40 * TALLY_ROWS);
	/* Of a masquerade's flow the initiator is the guest: what it sends goes out. */
	memset(t, 0, sizeof(*t));
	f.flags |= FLOW_MASQ | FLOW_OUT;
	tally_add(t, "masq", &f);
	for (unsigned i = 0; i < TALLY_ROWS; i++)
		if (t->row[i].used) {
			assert_int_equal(t->row[i].octets[TALLY_OUT], 10);
			assert_true(nat_addr_eq(&t->row[i].guest, &f.orig.src));
		}
	free(t);
}

/* Every block is as long as it says, at both ends, and a multiple of four: for all lengths of packet and comment. */
static void pcapng_blocks(void **state)
{
	static const char comment[] = "a comment";
	uint8_t packet[16] = { 0x45 };

	(void)state;
	for (uint32_t kept = 0; kept <= sizeof(packet); kept++)
		for (size_t skip = 0; skip < sizeof(comment); skip++) {
			char *file = NULL;
			size_t octets = 0, at = 0;
			unsigned blocks = 0;
			FILE *out = open_memstream(&file, &octets);

			assert_true(pcapng_begin(out, "unit") && pcapng_interface(out, PCAPNG_RAW, "before", "") &&
				    pcapng_packet(out, 0, 1234567890123456789u, packet, kept, 1500, comment + skip));
			fclose(out);
			for (; at < octets; blocks++) {
				uint32_t len, again;

				assert_true(octets - at >= 12);
				memcpy(&len, file + at + 4, 4);
				assert_true(len % 4 == 0 && len >= 12 && len <= octets - at);
				memcpy(&again, file + at + len - 4, 4);
				assert_int_equal(len, again);
				at += len;
			}
			assert_int_equal(at, octets);
			assert_int_equal(blocks, 3);
			free(file);
		}
}

int main(void)
{
	for (size_t i = 0; i < COUNT(filters); i++)
		unit_add(*filters[i].keys ? filters[i].keys + 1 : "no filter", filter, (const void *)(uintptr_t)i);
	for (size_t i = 0; i < COUNT(refused); i++)
		unit_add(*refused[i].line ? refused[i].line : "nothing", refuse, (const void *)(uintptr_t)i);
	for (size_t i = 0; i < COUNT(spans); i++)
		unit_add(*spans[i].text ? spans[i].text : "no span", span, (const void *)(uintptr_t)i);
	unit_add("who_may_ask", who_may_ask, NULL);
	unit_add("numbers", numbers, NULL);
	unit_add("table", table, NULL);
	unit_add("rates", rates, NULL);
	unit_add("tally", tally, NULL);
	unit_add("pcapng_blocks", pcapng_blocks, NULL);
	return unit_run("ctl");
}
