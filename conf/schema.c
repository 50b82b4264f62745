/* SPDX-License-Identifier: GPL-2.0-or-later */
/* schema - the shape of the YAML files; schema.h has the contract. */
#include "conf/schema.h"

static const cyaml_schema_value_t text = {
	CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, CONF_TEXT_MAX),
};

#define LIST CYAML_FLAG_POINTER
#define LIST_OPTIONAL (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)

#define RAW(member) __typeof__(((struct conf_raw *)0)->member)
#define RAW_FORWARD(member) __typeof__(((struct conf_raw_forward *)0)->member)

static const cyaml_schema_field_t own_timeout_fields[] = {
#define X(id, key, ...) CYAML_FIELD_STRING_PTR(key, LIST_OPTIONAL, RAW_FORWARD(timeouts), id, 1, CONF_TEXT_MAX),
	CONF_TIMEOUT_LIST(X)
#undef X
	CYAML_FIELD_END
};

static const cyaml_schema_field_t own_limit_fields[] = {
#define X(id, key, ...) CYAML_FIELD_STRING_PTR(key, LIST_OPTIONAL, RAW_FORWARD(limits), id, 1, CONF_TEXT_MAX),
	CONF_OWN_LIMIT_LIST(X)
#undef X
	CYAML_FIELD_END
};

static const cyaml_schema_field_t limit_fields[] = {
#define X(id, key, ...) CYAML_FIELD_STRING_PTR(key, LIST_OPTIONAL, RAW(limits), id, 1, CONF_TEXT_MAX),
	CONF_LIMIT_LIST(X)
#undef X
	CYAML_FIELD_END
};

static const cyaml_schema_field_t forward_fields[] = {
	CYAML_FIELD_STRING_PTR("name", LIST_OPTIONAL, struct conf_raw_forward, name, 1, CONF_TEXT_MAX),
	CYAML_FIELD_STRING_PTR("guest", LIST_OPTIONAL, struct conf_raw_forward, guest, 1, CONF_TEXT_MAX),
	CYAML_FIELD_STRING_PTR("network", LIST_OPTIONAL, struct conf_raw_forward, network, 1, CONF_TEXT_MAX),
	CYAML_FIELD_STRING_PTR("when-off", LIST_OPTIONAL, struct conf_raw_forward, when_off, 1, CONF_TEXT_MAX),
	CYAML_FIELD_STRING_PTR("isolated", LIST_OPTIONAL, struct conf_raw_forward, isolated, 1, CONF_TEXT_MAX),
	CYAML_FIELD_STRING_PTR("source", LIST_OPTIONAL, struct conf_raw_forward, source, 1, CONF_TEXT_MAX),
	CYAML_FIELD_SEQUENCE_COUNT("to", LIST, struct conf_raw_forward, to, n_to, &text, 0, CYAML_UNLIMITED),
	CYAML_FIELD_SEQUENCE_COUNT("publish", LIST, struct conf_raw_forward, publish, n_publish, &text, 0,
				   CYAML_UNLIMITED),
	CYAML_FIELD_SEQUENCE_COUNT("allow", LIST_OPTIONAL, struct conf_raw_forward, allow, n_allow, &text, 0,
				   CYAML_UNLIMITED),
	CYAML_FIELD_MAPPING("limits", CYAML_FLAG_OPTIONAL, struct conf_raw_forward, limits, own_limit_fields),
	CYAML_FIELD_MAPPING("timeouts", CYAML_FLAG_OPTIONAL, struct conf_raw_forward, timeouts, own_timeout_fields),
	CYAML_FIELD_STRING_PTR("mss", LIST_OPTIONAL, struct conf_raw_forward, mss, 1, CONF_TEXT_MAX),
	CYAML_FIELD_END
};

static const cyaml_schema_value_t forward = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct conf_raw_forward, forward_fields),
};

static const cyaml_schema_field_t timeout_fields[] = {
#define X(id, key, ...) \
	CYAML_FIELD_STRING_PTR(key, LIST_OPTIONAL, __typeof__(((struct conf_raw *)0)->timeouts), id, 1, CONF_TEXT_MAX),
	CONF_TIMEOUT_LIST(X)
#undef X
	CYAML_FIELD_END
};

static const cyaml_schema_field_t control_fields[] = {
#define X(id, key, ...) \
	CYAML_FIELD_STRING_PTR(key, LIST_OPTIONAL, __typeof__(((struct conf_raw *)0)->control), id, 1, CONF_TEXT_MAX),
	CONF_CONTROL_LIST(X)
#undef X
	CYAML_FIELD_END
};

static const cyaml_schema_field_t metrics_fields[] = {
#define X(id, key, ...) \
	CYAML_FIELD_STRING_PTR(key, LIST_OPTIONAL, __typeof__(((struct conf_raw *)0)->metrics), id, 1, CONF_TEXT_MAX),
	CONF_METRICS_LIST(X)
#undef X
	CYAML_FIELD_END
};

static const cyaml_schema_field_t libvirt_fields[] = {
	CYAML_FIELD_SEQUENCE_COUNT("uri", LIST_OPTIONAL, __typeof__(((struct conf_raw *)0)->libvirt), uri, n_uri, &text, 0,
				   CYAML_UNLIMITED),
#define X(id, key, ...) \
	CYAML_FIELD_STRING_PTR(key, LIST_OPTIONAL, __typeof__(((struct conf_raw *)0)->libvirt), id, 1, CONF_TEXT_MAX),
	CONF_LIBVIRT_LIST(X)
#undef X
	CYAML_FIELD_END
};

#define FORWARDS                                                                                                \
	CYAML_FIELD_SEQUENCE_COUNT("forwards", LIST_OPTIONAL, struct conf_raw, forwards, n_forwards, &forward, 0, \
				   CYAML_UNLIMITED)

static const cyaml_schema_field_t masquerade_fields[] = {
	CYAML_FIELD_SEQUENCE_COUNT("from", LIST_OPTIONAL, struct conf_raw_out, from, n_from, &text, 0, CYAML_UNLIMITED),
	CYAML_FIELD_STRING_PTR("out", LIST_OPTIONAL, struct conf_raw_out, out, 1, CONF_TEXT_MAX),
	CYAML_FIELD_SEQUENCE_COUNT("to", LIST_OPTIONAL, struct conf_raw_out, to, n_to, &text, 0, CYAML_UNLIMITED),
	CYAML_FIELD_SEQUENCE_COUNT("except", LIST_OPTIONAL, struct conf_raw_out, except, n_except, &text, 0, CYAML_UNLIMITED),
	CYAML_FIELD_STRING_PTR("ports", LIST_OPTIONAL, struct conf_raw_out, ports, 1, CONF_TEXT_MAX),
	CYAML_FIELD_STRING_PTR("filter", LIST_OPTIONAL, struct conf_raw_out, filter, 1, CONF_TEXT_MAX),
	CYAML_FIELD_STRING_PTR("mid-stream", LIST_OPTIONAL, struct conf_raw_out, mid_stream, 1, CONF_TEXT_MAX),
	CYAML_FIELD_STRING_PTR("max-mappings", LIST_OPTIONAL, struct conf_raw_out, max_mappings, 1, CONF_TEXT_MAX),
	CYAML_FIELD_END
};

static const cyaml_schema_field_t stateless_fields[] = {
	CYAML_FIELD_STRING_PTR("inside", LIST_OPTIONAL, struct conf_raw_out, inside, 1, CONF_TEXT_MAX),
	CYAML_FIELD_STRING_PTR("outside", LIST_OPTIONAL, struct conf_raw_out, outside, 1, CONF_TEXT_MAX),
	CYAML_FIELD_STRING_PTR("out", LIST_OPTIONAL, struct conf_raw_out, out, 1, CONF_TEXT_MAX),
	CYAML_FIELD_END
};

static const cyaml_schema_value_t masquerade = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct conf_raw_out, masquerade_fields),
};

static const cyaml_schema_value_t stateless = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct conf_raw_out, stateless_fields),
};

#define OUTBOUND(key, member, schema)                                                                                  \
	CYAML_FIELD_SEQUENCE_COUNT(key, LIST_OPTIONAL, struct conf_raw, member, n_##member, schema, 0, CYAML_UNLIMITED)

static const cyaml_schema_field_t main_fields[] = {
#define X(id, key, ...) CYAML_FIELD_STRING_PTR(key, LIST_OPTIONAL, struct conf_raw, id, 1, CONF_TEXT_MAX),
	CONF_SETTING_LIST(X)
#undef X
	CYAML_FIELD_MAPPING("timeouts", CYAML_FLAG_OPTIONAL, struct conf_raw, timeouts, timeout_fields),
	CYAML_FIELD_MAPPING("limits", CYAML_FLAG_OPTIONAL, struct conf_raw, limits, limit_fields),
	CYAML_FIELD_MAPPING("control", CYAML_FLAG_OPTIONAL, struct conf_raw, control, control_fields),
	CYAML_FIELD_MAPPING("metrics", CYAML_FLAG_OPTIONAL, struct conf_raw, metrics, metrics_fields),
	CYAML_FIELD_MAPPING("libvirt", CYAML_FLAG_OPTIONAL, struct conf_raw, libvirt, libvirt_fields),
	OUTBOUND("masquerade", masquerade, &masquerade),
	OUTBOUND("nptv6", nptv6, &stateless),
	OUTBOUND("one-to-one", one_to_one, &stateless),
	FORWARDS,
	CYAML_FIELD_END
};

static const cyaml_schema_field_t dropin_fields[] = { FORWARDS, CYAML_FIELD_END };

static const cyaml_schema_value_t main_file = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct conf_raw, main_fields),
};

static const cyaml_schema_value_t dropin_file = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct conf_raw, dropin_fields),
};

/* No log: whatever libcyaml could say has been said better, with a place. */
static const cyaml_config_t config = {
	.mem_fn = cyaml_mem,
	.log_level = CYAML_LOG_ERROR,
	.flags = CYAML_CFG_NO_ALIAS,
};

const cyaml_schema_value_t *conf_schema(bool dropin)
{
	return dropin ? &dropin_file : &main_file;
}

const char *conf_raw_load(const char *yaml, size_t len, bool dropin, struct conf_raw **raw)
{
	cyaml_data_t *data = NULL;
	cyaml_err_t err = cyaml_load_data((const uint8_t *)yaml, len, &config, conf_schema(dropin), &data, NULL);

	if (err != CYAML_OK)
		return cyaml_strerror(err);
	*raw = data;
	return NULL;
}

void conf_raw_free(struct conf_raw *raw, bool dropin)
{
	cyaml_free(&config, conf_schema(dropin), raw, 0);
}
