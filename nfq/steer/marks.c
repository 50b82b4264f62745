/* SPDX-License-Identifier: GPL-2.0-or-later */
/* marks - see marks.h */
#include "nfq/steer/marks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "nfq/log.h"
#include "nfq/steer/run.h"

enum {
	WHY_OCTETS = 640,
	DRAIN_S = 2,			/* what a worker decided is out long before */
	AGAIN_S = 5,			/* after a refusal */
};

#define T "inet " MARKS_TABLE

static const char *const map_name[MARK_SIDES] = { "pre", "post" };

static struct {
	bool doubted;
	nat_tick refused;		/* 0: not */
} marks;

static void write_rule(const struct mark *s, FILE *out)
{
	const char *ip = s->family == NAT_IPV4 ? "ip" : "ip6", *addr = s->side == MARK_DST ? "daddr" : "saddr",
		   *port = s->side == MARK_DST ? "dport" : "sport";
	int af = s->family == NAT_IPV4 ? AF_INET : AF_INET6;
	char old[INET6_ADDRSTRLEN], new[INET6_ADDRSTRLEN];

	inet_ntop(af, nat_addr_wire(&s->old, s->family), old, sizeof(old));
	inet_ntop(af, nat_addr_wire(&s->new, s->family), new, sizeof(new));
	fprintf(out, "%s %s %s tcp %s %u %s %s set %s tcp %s set %u meta mark set 0\n", ip, addr, old, port, ntohs(s->old_port),
		ip, addr, new, port, ntohs(s->new_port));
}

static void write_element(const struct marks *m, const char *verb, uint32_t i, FILE *out)
{
	fprintf(out, "%s element " T " %s { 0x%08" PRIx32 " : goto m%" PRIu32 " }\n", verb, map_name[m->slot[i].side % MARK_SIDES],
		MARK_BASE | i, i);
}

void marks_write_add(const struct marks *m, uint32_t i, FILE *out)
{
	fprintf(out, "add chain " T " m%" PRIu32 "\nflush chain " T " m%" PRIu32 "\nadd rule " T " m%" PRIu32 " ", i, i, i);
	write_rule(&m->slot[i], out);
	write_element(m, "add", i, out);
}

/* Made first, so that it can be deleted whether or not it is there. */
void marks_write_del(const struct marks *m, uint32_t i, FILE *out)
{
	fprintf(out, "add chain " T " m%" PRIu32 "\n", i);
	write_element(m, "add", i, out);
	write_element(m, "delete", i, out);
	fprintf(out, "flush chain " T " m%" PRIu32 "\ndelete chain " T " m%" PRIu32 "\n", i, i);
}

static void write_hooks(FILE *out)
{
	fprintf(out, "table " T " {\n");
	for (unsigned s = 0; s < MARK_SIDES; s++)
		fprintf(out, "\tmap %s {\n\t\ttype mark : verdict\n\t\tsize %d\n\t}\n", map_name[s], MARK_SLOTS);
	/* raw and mangle, where packets are queued, and one. */
	fputs("\tchain prerouting {\n\t\ttype filter hook prerouting priority -299; policy accept;\n\t}\n"
	      "\tchain postrouting {\n\t\ttype filter hook postrouting priority -149; policy accept;\n\t}\n}\n", out);
}

/* Both families and both ends, once: who can do these can do all. */
static void write_trial(FILE *out)
{
	fputs("add chain " T " trial\n"
	      "add rule " T " trial ip daddr 192.0.2.1 tcp dport 1 ip daddr set 192.0.2.2 tcp dport set 2 meta mark set 0\n"
	      "add rule " T " trial ip6 saddr 2001:db8::1 tcp sport 1 ip6 saddr set 2001:db8::2 tcp sport set 2 meta mark set 0\n"
	      "flush chain " T " trial\ndelete chain " T " trial\n", out);
}

static bool has_rule(const struct mark *s)
{
	enum mark_state state = mark_state(s);

	return state == MARK_WANTED || state == MARK_INSTALLED || state == MARK_RETIRING;
}

void marks_write(const struct marks *m, bool fresh, FILE *out)
{
	if (fresh)
		fputs("table " T "\ndelete table " T "\n", out);
	write_hooks(out);
	if (fresh)
		write_trial(out);
	fputs("flush table " T "\nflush map " T " pre\nflush map " T " post\n"
	      "add rule " T " prerouting meta mark != 0 meta mark vmap @pre\nadd rule " T " postrouting meta mark != 0 meta mark vmap @post\n", out);
	for (uint32_t i = 1; m && i < MARK_SLOTS; i++)
		if (has_rule(&m->slot[i]))
			marks_write_add(m, i, out);
}

/* The whole table, as marks_write() has it. */
static int load_all(const struct marks *m, bool fresh, char *why, size_t octets)
{
	struct run_text t;
	char *text = NULL;
	int err = -ENOMEM;

	snprintf(why, octets, "no memory");
	if (run_text_open(&t)) {
		marks_write(m, fresh, t.out);
		text = run_text_close(&t);
	}
	if (text)
		err = run_nft(text, why, octets);
	free(text);
	return err;
}

int marks_start(char *why, size_t octets)
{
	int err = load_all(NULL, true, why, octets);

	if (err)
		marks_stop();
	return err;
}

int marks_attach(struct marks *m, char *why, size_t octets)
{
	static bool wanted[MARK_SLOTS];
	int err;

	mark_set_open(m, false);
	for (uint32_t i = 1; i < MARK_SLOTS; i++)
		wanted[i] = mark_state(&m->slot[i]) == MARK_WANTED;
	err = load_all(m, false, why, octets);
	marks.doubted = false;
	if (err)
		return err;
	for (uint32_t i = 1; i < MARK_SLOTS; i++)
		if (wanted[i])
			mark_told(&m->slot[i], MARK_INSTALLED);
	mark_set_open(m, true);
	return 0;
}

/* What is to be done with slot @i now; its own state if nothing. */
static enum mark_state next_state(const struct mark *s, nat_tick now)
{
	enum mark_state state = mark_state(s);

	if (state == MARK_WANTED)
		return MARK_INSTALLED;
	if (state == MARK_RETIRING && now - s->used >= nat_tick_span(NAT_SEC(DRAIN_S)) && now - s->used < UINT32_MAX / 2)
		return MARK_GONE;
	return state;
}

/* The text of all changes; @to: out, per slot what it becomes. Returns how many. */
static unsigned write_changes(const struct marks *m, nat_tick now, uint8_t *to, FILE *out)
{
	unsigned n = 0;

	for (uint32_t i = 1; i < MARK_SLOTS; i++) {
		to[i] = (uint8_t)next_state(&m->slot[i], now);
		if (to[i] == MARK_INSTALLED && mark_state(&m->slot[i]) == MARK_WANTED)
			marks_write_add(m, i, out);
		else if (to[i] == MARK_GONE && mark_state(&m->slot[i]) == MARK_RETIRING)
			marks_write_del(m, i, out);
		else
			to[i] = MARK_FREE;	/* nothing to do */
		n += to[i] != MARK_FREE;
	}
	return n;
}

static void refused(struct marks *m, nat_tick now, const char *why)
{
	mark_set_open(m, false);
	if (!marks.refused)
		log_warn("the kernel's rules for large TCP packets: %s; they all come whole meanwhile, trying again", why);
	marks.refused = now | 1;
}

/* Closed after a refusal: from the ground up. */
static void try_again(struct marks *m, nat_tick now)
{
	char why[WHY_OCTETS];

	if (marks.doubted || (marks.refused && now - marks.refused < nat_tick_span(NAT_SEC(AGAIN_S))))
		return;
	if (marks_attach(m, why, sizeof(why)) < 0) {
		refused(m, now, why);
		return;
	}
	log_info("the kernel rewrites large TCP packets again");
	marks.refused = 0;
}

void marks_update(struct marks *m, nat_tick now)
{
	static uint8_t to[MARK_SLOTS];
	char *text, why[WHY_OCTETS];
	struct run_text t;
	unsigned n;
	int err;

	if (!mark_open(m)) {
		try_again(m, now);
		return;
	}
	if (!m->head->slots || !run_text_open(&t))
		return;			/* no memory: the next time */
	n = write_changes(m, now, to, t.out);
	text = run_text_close(&t);
	if (!n || !text) {
		free(text);
		return;
	}
	err = run_nft(text, why, sizeof(why));
	free(text);
	if (err) {
		refused(m, now, why);
		return;
	}
	for (uint32_t i = 1; i < MARK_SLOTS; i++)
		if (to[i] != MARK_FREE)
			mark_told(&m->slot[i], (enum mark_state)to[i]);
}

void marks_doubt(struct marks *m, const char *table, uint32_t who)
{
	if ((table && strcmp(table, MARKS_TABLE) != 0) || run_was(who))
		return;
	mark_set_open(m, false);
	marks.doubted = true;
}

/* Rules and elements as nft lists them, against those that there should be. */
static bool all_there(const struct marks *m)
{
	const char *const argv[] = { "nft", "list", "table", "inet", MARKS_TABLE, NULL };
	char *text = NULL, words[WHY_OCTETS];
	unsigned want = 0, rules = 0, elements = 0;
	bool hooks;

	if (run_program(argv, NULL, &text, words, sizeof(words)) != 0 || !text) {
		free(text);
		return false;
	}
	for (uint32_t i = 1; i < MARK_SLOTS; i++) {
		enum mark_state state = mark_state(&m->slot[i]);

		want += state == MARK_INSTALLED || state == MARK_RETIRING;
	}
	for (const char *p = text; (p = strstr(p, "meta mark set 0x")); p++)
		rules++;
	for (const char *p = text; (p = strstr(p, " : goto m")); p++)
		elements++;
	hooks = strstr(text, "vmap @pre\n") && strstr(text, "vmap @post\n");
	free(text);
	return hooks && rules == want && elements == want;
}

bool marks_look(struct marks *m, nat_tick now)
{
	char why[WHY_OCTETS];

	if (!marks.doubted)
		return false;
	marks.doubted = false;
	if (all_there(m)) {
		mark_set_open(m, true);
		return false;
	}
	if (marks_attach(m, why, sizeof(why)) < 0) {
		refused(m, now, why);
		return false;
	}
	return true;
}

void marks_stop(void)
{
	char why[WHY_OCTETS];

	/* Where there is no nft, or none in the kernel, there is nothing of ours in it either. */
	run_nft("table " T "\ndelete table " T "\n", why, sizeof(why));
}
