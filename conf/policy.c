/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy - what one forward has of its own: limits, timeouts, segment size; build.h has the contract. */
#include "conf/build.h"

const struct conf_key conf_policy_keys[] = {
#define X(id, text, member, least, most)                                                                      \
	{ .section = "limits", .name = (text), .type = CONF_LIMIT, .field = offsetof(struct conf_policy, member), \
	  .raw = offsetof(struct conf_raw_forward, limits.id), .min = (least), .max = (most), .why = "" },
	CONF_OWN_LIMIT_LIST(X)
#undef X
#define X(id, text, least, most, otherwise, rfc)                                                              \
	{ .section = "timeouts", .name = (text), .type = CONF_SPAN,                                           \
	  .field = offsetof(struct conf_policy, timeouts.id), .raw = offsetof(struct conf_raw_forward, timeouts.id), \
	  .min = (least), .max = (most), .why = (rfc) },
	CONF_TIMEOUT_LIST(X)
#undef X
	{ .name = "mss", .type = CONF_MSS, .field = offsetof(struct conf_policy, mss),
	  .raw = offsetof(struct conf_raw_forward, mss), .min = 536, .max = 65495, .why = "" },
};
const unsigned conf_policy_keys_n = sizeof(conf_policy_keys) / sizeof(*conf_policy_keys);

void conf_policy_read(struct conf_build *b, const struct conf_raw_forward *raw, struct conf_doc *doc, const yaml_node_t *node,
		      struct conf_policy *p)
{
	for (unsigned i = 0; i < conf_policy_keys_n; i++) {
		const struct conf_key *k = &conf_policy_keys[i];
		const yaml_node_t *map = node;
		const char *text;

		memcpy(&text, (const char *)raw + k->raw, sizeof(text));
		if (!text)
			continue;
		if (k->section)
			map = conf_doc_key(doc, map, k->section);
		conf_key_read(k, text, p, b->errs, conf_doc_at(doc, conf_doc_key(doc, map, k->name)));
	}
}

void conf_policy_print(const struct conf_policy *p, FILE *out)
{
	for (unsigned i = 0; i < conf_policy_keys_n; i++) {
		const struct conf_key *k = &conf_policy_keys[i];
		uint32_t value;

		memcpy(&value, (const char *)p + k->field, sizeof(value));
		if (!value)
			continue;
		fprintf(out, ", %s ", k->name);
		conf_key_print_value(k, p, out);
	}
}
