/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_rules - any text as what iptables-save printed.
 *
 * Whatever it is, our text is ours: it is one table, it deletes only whole
 * lines of the saved text that jump to our chains, and it is the same text
 * as for an empty table otherwise. Clearing touches our chains alone.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "nfq/steer/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct text {
	char *octets;
	size_t len;
};

static void way(const struct nat_addr *to, enum nat_family family, char *dev)
{
	snprintf(dev, IFNAMSIZ, "%s", family == NAT_IPV4 || to->octet[15] ? "virbr0" : "");
}

static struct rules rules_once(void)
{
	static const char yaml[] = "forwards: [{ to: [10.0.0.2, 'fd00::2'], publish: [80, 81, 90-99, 53/udp, icmp] }]";
	struct conf *c = NULL;
	struct rules r;

	if (conf_parse("fuzz.yaml", yaml, strlen(yaml), &c, stderr) || rules_make(c, 2, way, &r))
		abort();
	conf_free(c);
	r.conntrack = true;
	return r;
}

static struct text install(const struct rules *r, enum nat_family family, enum rules_table t, const char *saved)
{
	struct text x = { 0 };
	FILE *f = open_memstream(&x.octets, &x.len);

	rules_write_xt(r, family, t, saved, f);
	fclose(f);
	return x;
}

/* Is it a line of @saved, but for "-A" in place of "-D", that ends with a jump to a chain of ours? */
static void check_deletion(const char *line, size_t len, const char *saved)
{
	static const char *const jumps[] = { " -j nfqnat-pre", " -j nfqnat-out", " -j nfqnat-fwd", " -j nfqnat-post",
					     " -j nfqnat-in", " -j nfqnat-said", " -j nfqnat-tcp-from", " -j nfqnat-tcp-to",
					     " -j nfqnat-headers-from", " -j nfqnat-headers-to" };
	bool ours = false, found = false;

	for (size_t i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++)
		ours |= len >= strlen(jumps[i]) && !memcmp(line + len - strlen(jumps[i]), jumps[i], strlen(jumps[i]));
	assert(ours);
	for (const char *p = saved, *end; *p && !found; p = *end ? end + 1 : end) {
		end = strchrnul(p, '\n');
		found = (size_t)(end - p) == len && !strncmp(p, "-A ", 3) && !memcmp(p + 3, line + 3, len - 3);
	}
	assert(found);
}

/* Cut the deletions out of @x and check each; what is left is returned in place. */
static void without_deletions(struct text *x, const char *saved)
{
	char *w = x->octets;

	for (char *p = x->octets, *end; *p; p = end) {
		end = strchrnul(p, '\n');
		assert(*end);
		if (!strncmp(p, "-D ", 3)) {
			check_deletion(p, (size_t)(end - p), saved);
			end++;
			continue;
		}
		end++;
		memmove(w, p, (size_t)(end - p));
		w += end - p;
	}
	*w = '\0';
	x->len = (size_t)(w - x->octets);
}

/* Cut out the removal of chains that these rules have not, all of which are in @saved. */
static void without_removals(struct text *x, const char *saved)
{
	char *w = x->octets, name[64];

	for (char *p = x->octets, *end; *p; p = end) {
		end = strchr(p, '\n') + 1;
		if (!strncmp(p, "-F ", 3) || !strncmp(p, "-X ", 3)) {
			snprintf(name, sizeof(name), ":%.*s ", (int)(end - p - 4), p + 3);
			assert(strstr(saved, name));
			continue;
		}
		memmove(w, p, (size_t)(end - p));
		w += end - p;
	}
	*w = '\0';
}

static void check_install(const struct rules *r, enum nat_family family, enum rules_table t, const char *saved)
{
	static struct text empty[RULES_TABLES][NAT_IPV6 + 1];
	struct text x = install(r, family, t, saved);

	if (!empty[t][family].octets)
		empty[t][family] = install(r, family, t, "");
	without_deletions(&x, saved);
	without_removals(&x, saved);
	assert(!strcmp(x.octets, empty[t][family].octets));
	free(x.octets);
}

static void check_clear(enum rules_table t, const char *saved)
{
	struct text x = { 0 };
	FILE *f = open_memstream(&x.octets, &x.len);
	bool any = rules_clear_xt(t, saved, f);

	fclose(f);
	assert(any == (x.len > 0));
	if (any) {
		without_deletions(&x, saved);
		assert(!strncmp(x.octets, t == RULES_RAW ? "*raw\n" : "*mangle\n", t == RULES_RAW ? 5 : 8));
		for (const char *p = strchr(x.octets, '\n') + 1; strcmp(p, "COMMIT\n"); p = strchr(p, '\n') + 1)
			assert(!strncmp(p, "-F nfqnat-", 10) || !strncmp(p, "-X nfqnat-", 10));
	}
	free(x.octets);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rules r;
	char *saved = malloc(size + 1);

	if (!r.listener)
		r = rules_once();
	assert(saved);
	if (size)
		memcpy(saved, data, size);
	saved[size] = '\0';
	for (unsigned t = 0; t < RULES_TABLES; t++) {
		check_install(&r, NAT_IPV4, (enum rules_table)t, saved);
		check_install(&r, NAT_IPV6, (enum rules_table)t, saved);
		check_clear((enum rules_table)t, saved);
	}
	free(saved);
	return 0;
}
