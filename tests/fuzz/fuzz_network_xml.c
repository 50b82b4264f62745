/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_network_xml - any octets as a network's description: each address in it is a prefix. */
#include <assert.h>
#include <string.h>

#include "conf/ip.h"
#include "virt/watch/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *net = xml_network_read((const char *)data, size), *one;
	struct nat_prefix prefix;
	size_t i;

	if (!net)
		return 0;
	assert(json_array_size(json_object_get(net, "addresses")) <= VIRT_NETWORK_ADDRESSES);
	json_array_foreach(json_object_get(net, "addresses"), i, one)
		assert(conf_prefix_parse(json_string_value(one), json_string_length(one), &prefix));
	json_array_foreach(json_object_get(net, "hosts"), i, one)
		assert(json_string_length(json_object_get(one, "mac")) == 17);
	json_decref(net);
	return 0;
}
