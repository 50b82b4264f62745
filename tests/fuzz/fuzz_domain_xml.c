/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_domain_xml - any octets as a guest's description: what is read keeps the protocol's limits. */
#include <assert.h>
#include <string.h>

#include "virt/watch/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const json_t *text, size_t max)
{
	assert(json_is_null(text) || (json_is_string(text) && json_string_length(text) <= max));
}

static void check_forward(const json_t *f)
{
	json_t *ranges = json_object_get(f, "ranges"), *r;
	size_t i;

	assert(json_array_size(ranges) <= VIRT_RANGES);
	json_array_foreach(ranges, i, r) {
		json_int_t start = json_integer_value(json_object_get(r, "start")), end = json_integer_value(json_object_get(r, "end"));
		json_int_t to = json_integer_value(json_object_get(r, "to"));

		assert(start >= 1 && start <= 65535 && (!end || (end >= start && end <= 65535)));
		assert(to + (end ? end - start : 0) <= 65535);
		assert(!to || !json_is_true(json_object_get(r, "exclude")));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *guest = xml_domain_read((const char *)data, size), *one;
	size_t i;

	if (!guest)
		return 0;
	check_text(json_object_get(guest, "uuid"), 36);
	check_text(json_object_get(guest, "name"), VIRT_TEXT_OCTETS);
	assert(json_array_size(json_object_get(guest, "nics")) <= VIRT_NICS);
	assert(json_array_size(json_object_get(guest, "forwards")) <= VIRT_FORWARDS);
	assert(json_array_size(json_object_get(guest, "warnings")) <= VIRT_WARNINGS);
	json_array_foreach(json_object_get(guest, "nics"), i, one) {
		assert(json_string_length(json_object_get(one, "mac")) == 17);
		check_text(json_object_get(one, "network"), VIRT_TEXT_OCTETS);
		check_text(json_object_get(one, "bridge"), 15);
		check_text(json_object_get(one, "target"), 15);
	}
	json_array_foreach(json_object_get(guest, "warnings"), i, one)
		check_text(one, VIRT_TEXT_OCTETS);
	json_array_foreach(json_object_get(guest, "forwards"), i, one)
		check_forward(one);
	json_decref(guest);
	return 0;
}
