/* SPDX-License-Identifier: GPL-2.0-or-later */
/* steer - see steer.h */
#include "nfq/steer/steer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nfq/log.h"
#include "nfq/steer/rules_out.h"
#include "nfq/steer/run.h"

enum { NAME_OCTETS = 40, WORDS_OCTETS = 512, WHY_OCTETS = 640 };

static const enum nat_family families[] = { NAT_IPV4, NAT_IPV6 };

static void program(char *name, enum nat_family family, const char *flavour, const char *verb)
{
	snprintf(name, NAME_OCTETS, "%s%s-%s", family == NAT_IPV4 ? "iptables" : "ip6tables", flavour, verb);
}

static int xt_load(enum nat_family family, const char *flavour, const char *text, char *why, size_t octets)
{
	char name[NAME_OCTETS], words[WORDS_OCTETS];
	const char *const argv[] = { name, "--noflush", "--wait=10", NULL };
	int ret;

	program(name, family, flavour, "restore");
	ret = run_program(argv, text, NULL, words, sizeof(words));
	if (!ret)
		return 0;
	snprintf(why, octets, "%s: %s", name, words);
	return ret == 127 ? -ENOENT : -EIO;
}

/* A legacy table that nobody uses is not there; asking for it would load its module. */
static bool legacy_table_exists(enum nat_family family, enum rules_table t)
{
	FILE *f = fopen(family == NAT_IPV4 ? "/proc/net/ip_tables_names" : "/proc/net/ip6_tables_names", "re");
	char line[64];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		found = !strcmp(line, rules_table_name(t));
	}
	if (f)
		fclose(f);
	return found;
}

/* What is in a table now; "" if it cannot be read. To be freed. */
static char *xt_saved(enum nat_family family, const char *flavour, enum rules_table t)
{
	char name[NAME_OCTETS], words[WORDS_OCTETS], *text = NULL;
	const char *const argv[] = { name, "-t", rules_table_name(t), NULL };

	if (!strcmp(flavour, "-legacy") && !legacy_table_exists(family, t))
		return strdup("");
	program(name, family, flavour, "save");
	if (run_program(argv, NULL, &text, words, sizeof(words)) != 0) {
		free(text);
		return strdup("");
	}
	return text;
}

static void xt_clear(enum nat_family family, const char *flavour, enum rules_table t)
{
	char *saved = xt_saved(family, flavour, t), *text = NULL, why[WHY_OCTETS] = "no memory";
	struct run_text clear;
	bool any = true;

	if (saved && run_text_open(&clear)) {
		any = rules_clear_xt(t, saved, clear.out);
		text = run_text_close(&clear);
	}
	if (any && (!text || xt_load(family, flavour, text, why, sizeof(why)) < 0))
		log_warn("rules of %s could not be removed: %s", rules_table_name(t), why);
	free(text);
	free(saved);
}

/* Destinations first, so that nothing is queued any more when sources are no longer rewritten. */
static void xt_clear_all(const char *flavour)
{
	for (unsigned t = 0; t < RULES_TABLES; t++)
		for (unsigned f = 0; f < 2; f++)
			xt_clear(families[f], flavour, t);
}

static void nft_clear(void)
{
	char why[WHY_OCTETS];

	/* Where there is no nft, or none in the kernel, there is nothing of ours in it either. */
	run_nft("table inet nfqnat\ndelete table inet nfqnat\n", why, sizeof(why));
}

/* Has the kernel a queue for nft's rules? Asked by one alone, or each kind of ours would be refused in turn, twice. */
static bool nft_has_queue(char *why, size_t octets)
{
	return !run_nft("table inet nfqnat-trial\nadd chain inet nfqnat-trial trial\nadd rule inet nfqnat-trial trial queue num 0\n"
			"delete table inet nfqnat-trial\n", why, octets);
}

static bool rules_have(const struct rules *r, enum nat_family family)
{
	for (unsigned i = 0; i < r->n_listeners; i++)
		if (r->listener[i].family == family)
			return true;
	return rules_outs_have(r, family);
}

void steer_forget(struct steer *s)
{
	for (unsigned t = 0; t < RULES_TABLES; t++)
		for (unsigned f = 0; f < 2; f++) {
			free(s->text[t][f]);
			s->text[t][f] = NULL;
		}
}

/* Is @text what *@last says was installed? Else it takes its place, as not installed yet. */
static bool text_known(char **last, const char *text, bool always)
{
	if (!always && *last && !strcmp(*last, text))
		return true;
	free(*last);
	*last = NULL;
	return false;
}

/*
 * Chains stay and only their rules are replaced: when a base chain goes, the
 * kernel drops everything that waits in any queue. But for chains of another
 * version, with other priorities, the table has to be made anew.
 */
static int nft_load_over(const char *text, char *why, size_t octets)
{
	char *anew = NULL;
	int err = run_nft(text, why, octets);

	if (err != -EIO || asprintf(&anew, "table inet nfqnat\ndelete table inet nfqnat\n%s", text) < 0)
		return err;
	if (!run_nft(anew, why, octets))
		err = 0;
	free(anew);
	return err;
}

static int nft_install(struct steer *s, const struct rules *r, bool always, char *why, size_t octets)
{
	struct run_text t;
	char *text;
	int err = 0;

	if (!run_text_open(&t))
		return -ENOMEM;
	rules_write_nft(r, t.out);
	text = run_text_close(&t);
	if (!text)
		return -ENOMEM;
	if (!text_known(&s->text[0][0], text, always)) {
		err = nft_load_over(text, why, octets);
		if (!err) {
			s->text[0][0] = text;
			return 0;
		}
	}
	free(text);
	return err;
}

/* The rules of one table as text; @saved: see rules_write_xt(). NULL: no memory. */
static char *xt_text(const struct rules *r, enum nat_family family, enum rules_table t, const char *saved)
{
	struct run_text text;

	if (!run_text_open(&text))
		return NULL;
	rules_write_xt(r, family, t, saved, text.out);
	return run_text_close(&text);
}

static int xt_install_table(const struct rules *r, enum nat_family family, const char *flavour, enum rules_table t,
			    char *why, size_t octets)
{
	char *saved, *text = NULL;
	int err = -ENOMEM;

	if (!rules_have(r, family)) {
		xt_clear(family, flavour, t);
		return 0;
	}
	saved = xt_saved(family, flavour, t);
	if (saved)
		text = xt_text(r, family, t, saved);
	if (text)
		err = xt_load(family, flavour, text, why, octets);
	free(text);
	free(saved);
	return err;
}

/* Fill our chains anew, where they are: one run for all tables of a family that change. */
static int xt_refill(const struct rules *r, enum nat_family family, const char *flavour, const bool *change, char *why,
		     size_t octets)
{
	struct run_text all;
	char *text;
	int err;

	if (!run_text_open(&all))
		return -ENOMEM;
	for (unsigned t = RULES_TABLES; t--;)
		if (change[t])
			rules_write_xt(r, family, t, NULL, all.out);
	text = run_text_close(&all);
	if (!text)
		return -ENOMEM;
	err = xt_load(family, flavour, text, why, octets);
	free(text);
	return err;
}

/* Each table that changes from the ground up. */
static int xt_rebuild(const struct rules *r, enum nat_family family, const char *flavour, const bool *change, char *why,
		      size_t octets)
{
	for (unsigned t = RULES_TABLES; t--;) {
		int err = change[t] ? xt_install_table(r, family, flavour, t, why, octets) : 0;

		if (err)
			return err;
	}
	return 0;
}

/* One family, if anything changes. Sources first, so that the answers to the first packet find their rules. */
static int xt_install_family(struct steer *s, const struct rules *r, unsigned f, bool always, char *why, size_t octets)
{
	bool have = rules_have(r, families[f]), refill = have && !always, change[RULES_TABLES];
	char *text[RULES_TABLES] = { NULL };
	int err = 0;

	for (unsigned t = 0; t < RULES_TABLES; t++) {
		text[t] = have ? xt_text(r, families[f], t, "") : strdup("");
		if (!text[t]) {
			err = -ENOMEM;
			goto out;
		}
		refill &= s->text[t][f] && *s->text[t][f];
		change[t] = !text_known(&s->text[t][f], text[t], always);
	}
	if (change[RULES_RAW] || change[RULES_MANGLE])
		err = refill ? xt_refill(r, families[f], s->flavour, change, why, octets)
			     : xt_rebuild(r, families[f], s->flavour, change, why, octets);
out:
	for (unsigned t = 0; t < RULES_TABLES; t++) {
		if (err || s->text[t][f])
			free(text[t]);
		else
			s->text[t][f] = text[t];
	}
	return err;
}

static int xt_install(struct steer *s, const struct rules *r, bool always, char *why, size_t octets)
{
	for (unsigned f = 0; f < 2; f++) {
		int err = xt_install_family(s, r, f, always, why, octets);

		if (err)
			return err;
	}
	return 0;
}

static int install_once(struct steer *s, const struct rules *r, bool always, char *why, size_t octets)
{
	return s->backend == STEER_NFT ? nft_install(s, r, always, why, octets) : xt_install(s, r, always, why, octets);
}

/* The same; if the kernel does not take rules that log refusals, without those from now on. */
static int install_logging(struct steer *s, struct rules *r, bool always, char *why, size_t octets)
{
	char first[WHY_OCTETS];
	int err;

	r->refusals &= !s->no_log;
	err = install_once(s, r, always, why, octets);
	if (!err || !r->refusals || !r->conntrack)
		return err;
	snprintf(first, sizeof(first), "%s", why);
	r->refusals = false;
	err = install_once(s, r, always, why, octets);
	if (err) {
		r->refusals = true;	/* it was not that */
		return err;
	}
	s->no_log = true;
	log_warn("what the host's firewall refuses of forwards is said in the guest's name: no rule can log it (%s)", first);
	return 0;
}

int steer_replace(struct steer *s, struct rules *r, bool always, char *why, size_t why_octets)
{
	r->conntrack = s->conntrack;
	r->fragments = s->fragments;
	return install_logging(s, r, always, why, why_octets);
}

/* With conntrack's help if the kernel has it; DESIGN: nothing but the host's stateful rules needs it. */
static int install_first(struct steer *s, struct rules *r, char *why, size_t octets)
{
	char second[WHY_OCTETS];
	int err;

	r->conntrack = s->conntrack = true;
	r->fragments = s->fragments = false;	/* conntrack puts them together before us */
	err = install_logging(s, r, true, why, octets);
	if (!err)
		return 0;
	r->conntrack = s->conntrack = false;
	r->fragments = s->fragments = true;
	if (install_once(s, r, true, second, sizeof(second))) {
		r->fragments = s->fragments = false;
		if (install_once(s, r, true, second, sizeof(second)))
			return err;
		log_warn("no match for fragments in this kernel (load xt_u32 and ip6t_frag): they are not translated");
	}
	log_info("no conntrack in this kernel (%s): new flows are not passed by the host's FORWARD rules", why);
	return 0;
}

static int try_backend(struct steer *s, enum steer_backend backend, const char *flavour, struct rules *r, char *why,
		       size_t octets)
{
	int err;

	s->backend = backend;
	s->flavour = flavour;
	err = install_first(s, r, why, octets);
	if (err)
		steer_stop(s);
	return err;
}

/* Which of the two iptables is meant where none is named? Ancient ones do not say: they are legacy. */
static const char *xt_flavour(enum nat_family family, const char *flavour)
{
	const char *const argv[] = { family == NAT_IPV4 ? "iptables" : "ip6tables", "--version", NULL };
	char *text = NULL, words[WORDS_OCTETS];

	if (*flavour)
		return flavour;
	if (!run_program(argv, NULL, &text, words, sizeof(words)) && strstr(text, "nf_tables"))
		flavour = "-nft";
	else
		flavour = "-legacy";
	free(text);
	return flavour;
}

/*
 * What an earlier run may have left, in any backend but the one in use: there
 * its rules have been replaced. They are never removed before ours are in, so
 * that no packet finds a moment without rules after a daemon that was killed.
 */
static void clear_leftovers(const struct steer *s)
{
	static const char *const flavours[] = { "-nft", "-legacy" };

	if (s->backend != STEER_NFT)
		nft_clear();
	for (unsigned f = 0; f < 2; f++) {
		const char *own = s->backend == STEER_XT ? xt_flavour(families[f], s->flavour) : "";

		for (unsigned i = 0; i < 2; i++)
			if (strcmp(flavours[i], own) != 0)
				for (unsigned t = 0; t < RULES_TABLES; t++)
					xt_clear(families[f], flavours[i], t);
	}
}

bool steer_resume(struct steer *s, enum steer_backend backend, const char *flavour, bool conntrack)
{
	static const char *const known[] = { "", "-nft", "-legacy" };

	if (backend != STEER_NFT && backend != STEER_XT)
		return false;
	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i], flavour) != 0)
			continue;
		*s = (struct steer){ .backend = backend, .flavour = known[i], .conntrack = conntrack,
				     .fragments = !conntrack };	/* refused if the kernel cannot match them */
		return true;
	}
	return false;
}

/* Lines of @text that have @sign and not @but. */
static unsigned lines_with(const char *text, const char *sign, const char *but)
{
	unsigned n = 0;

	while (*text) {
		size_t len = strcspn(text, "\n");
		const char *at = memmem(text, len, sign, strlen(sign));

		n += at && !memmem(text, len, but, strlen(but));
		text += len + (text[len] == '\n');
	}
	return n;
}

static bool nft_count(const struct steer *s, unsigned *want, unsigned *have)
{
	const char *const argv[] = { "nft", "-a", "list", "table", "inet", "nfqnat", NULL };
	char words[WORDS_OCTETS], *text = NULL;
	int ret;

	if (!s->text[0][0])
		return false;
	ret = run_program(argv, NULL, &text, words, sizeof(words));
	*want = lines_with(s->text[0][0], "\t\t", "\t\ttype ");
	*have = ret ? 0 : lines_with(text, " # handle ", "{ # handle ");
	free(text);
	return ret >= 0 && ret != 127;
}

bool steer_count(const struct steer *s, unsigned *want, unsigned *have)
{
	*want = *have = 0;
	if (s->backend == STEER_NFT)
		return nft_count(s, want, have);
	if (s->backend != STEER_XT)
		return false;
	for (unsigned t = 0; t < RULES_TABLES; t++)
		for (unsigned f = 0; f < 2; f++) {
			char *saved;

			if (!s->text[t][f])
				continue;
			saved = xt_saved(families[f], s->flavour, t);
			if (!saved)
				return false;
			*want += lines_with(s->text[t][f], "-A ", ":nfqnat");
			*have += lines_with(saved, "nfqnat", ":nfqnat");
			free(saved);
		}
	return *want != 0;
}

bool steer_is_legacy(const struct steer *s)
{
	static int unnamed = -1;	/* what iptables without a suffix is; asked once */

	if (s->backend != STEER_XT)
		return false;
	if (!*s->flavour && unnamed < 0)
		unnamed = !strcmp(xt_flavour(NAT_IPV4, ""), "-legacy");
	return *s->flavour ? !strcmp(s->flavour, "-legacy") : unnamed;
}

void steer_clear(void)
{
	const struct steer none = { .backend = STEER_NONE, .flavour = "" };

	clear_leftovers(&none);
}

static int start_wanted(struct steer *s, enum conf_steering want, struct rules *r, char *why, size_t why_octets)
{
	char nft_why[WHY_OCTETS] = "";
	int err;

	switch (want) {
	case CONF_STEER_NFT:
		return try_backend(s, STEER_NFT, "", r, why, why_octets);
	case CONF_STEER_IPTABLES:
		return try_backend(s, STEER_XT, "", r, why, why_octets);
	case CONF_STEER_IPTABLES_NFT:
		return try_backend(s, STEER_XT, "-nft", r, why, why_octets);
	case CONF_STEER_IPTABLES_LEGACY:
		return try_backend(s, STEER_XT, "-legacy", r, why, why_octets);
	case CONF_STEER_AUTO:
		break;
	}
	if (nft_has_queue(nft_why, sizeof(nft_why)) && !try_backend(s, STEER_NFT, "", r, nft_why, sizeof(nft_why)))
		return 0;
	err = try_backend(s, STEER_XT, "", r, why, why_octets);
	if (err) {
		size_t n = strlen(why);

		snprintf(why + n, why_octets - n, "; %s", nft_why);
	}
	return err;
}

int steer_start(struct steer *s, enum conf_steering want, struct rules *r, char *why, size_t why_octets)
{
	int err;

	*s = (struct steer){ .backend = STEER_NONE, .flavour = "" };
	err = start_wanted(s, want, r, why, why_octets);
	clear_leftovers(s);
	return err;
}

void steer_stop(struct steer *s)
{
	switch (s->backend) {
	case STEER_NONE:
		break;
	case STEER_NFT:
		nft_clear();
		break;
	case STEER_XT:
		xt_clear_all(s->flavour);
		break;
	}
	s->backend = STEER_NONE;
	steer_forget(s);
}

const char *steer_name(const struct steer *s)
{
	static char name[NAME_OCTETS];

	if (s->backend == STEER_NFT)
		return "nft";
	if (s->backend == STEER_NONE)
		return "the run before";
	snprintf(name, sizeof(name), "iptables%s", s->flavour);
	return name;
}
