/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xml_forwards - `<portForward>' in a domain's metadata; see xml.h.
 *
 * The grammar is the one libvirt has for its passt backend (formatdomain,
 * "Userspace connection using passt"), so people know it:
 *
 *   <portForward proto='tcp|udp' [address='IP'] [dev='DEVICE']>
 *     <range start='N' [end='N'] [to='N'] [exclude='yes|no']/>...
 *   </portForward>
 *
 * But not all of it: there no range means all ports, and only excluded ones all
 * but those. Here the ports are this host's, for all guests: they must be named.
 */
#include <stdio.h>
#include <string.h>

#include "conf/ip.h"
#include "virt/watch/xml.h"

struct reader {
	const char *name;	/* of the domain */
	unsigned number;	/* of this portForward, from 1 */
	long line;		/* of its description */
	json_t *warnings;
};

static void refuse(const struct reader *r, const char *why, const char *value)
{
	text_warn(r->warnings, "domain %.60s: portForward %u (line %ld of virsh dumpxml) is ignored: %s%.40s", r->name,
		  r->number, r->line, why, value);
}

/* An attribute that this grammar does not have may be meant to restrict: better nothing than too much. */
static bool known_attrs(const struct reader *r, const xmlNode *node, const char *const known[])
{
	for (const xmlAttr *a = node->properties; a; a = a->next) {
		const char *const *k = known;

		while (*k && strcmp(*k, (const char *)a->name) != 0)
			k++;
		if (!*k) {
			refuse(r, "unknown attribute ", (const char *)a->name);
			return false;
		}
	}
	return true;
}

/* @port: out; 0 if the attribute is not there. False: refused */
static bool port_attr(const struct reader *r, const xmlNode *range, const char *name, unsigned *port)
{
	char buf[TEXT_ROOM], why[48];

	*port = 0;
	if (!xml_attr(range, name, buf))
		return true;
	if (text_number(buf, 65535, port) && *port)
		return true;
	snprintf(why, sizeof(why), "range %s must be 1 to 65535, not ", name);
	refuse(r, why, buf);
	return false;
}

static bool exclude_attr(const struct reader *r, const xmlNode *range, bool *exclude)
{
	char buf[TEXT_ROOM];

	*exclude = false;
	if (!xml_attr(range, "exclude", buf) || !strcmp(buf, "no"))
		return true;
	*exclude = true;
	if (!strcmp(buf, "yes"))
		return true;
	refuse(r, "exclude must be yes or no, not ", buf);
	return false;
}

static json_t *port_json(unsigned port)
{
	return port ? json_integer(port) : json_null();
}

static json_t *read_range(const struct reader *r, const xmlNode *node)
{
	static const char *const known[] = { "start", "end", "to", "exclude", NULL };
	unsigned start, end, to;
	bool exclude;

	if (!known_attrs(r, node, known) || !port_attr(r, node, "start", &start) || !port_attr(r, node, "end", &end) ||
	    !port_attr(r, node, "to", &to) || !exclude_attr(r, node, &exclude))
		return NULL;
	if (!start) {
		refuse(r, "a range needs start", "");
	} else if (end && end < start) {
		refuse(r, "a range ends before it starts", "");
	} else if (to && exclude) {
		refuse(r, "an excluded range goes nowhere: no `to'", "");
	} else if (to && end && to + (end - start) > 65535) {
		refuse(r, "a range goes to ports above 65535", "");
	} else {
		return json_pack("{s:i, s:o, s:o, s:b}", "start", (int)start, "end", port_json(end), "to", port_json(to),
				 "exclude", exclude);
	}
	return NULL;
}

static bool names_ports(const json_t *ranges)
{
	const json_t *one;
	size_t i;

	json_array_foreach(ranges, i, one)
		if (json_is_false(json_object_get(one, "exclude")))
			return true;
	return false;
}

/* read_ranges - a new array, or NULL */
static json_t *read_ranges(const struct reader *r, const xmlNode *forward)
{
	json_t *ranges = json_array(), *one;

	for (const xmlNode *n = forward->children; n; n = n->next) {
		if (n->type != XML_ELEMENT_NODE)
			continue;
		if (!xml_is(n, "range", XML_FORWARDS_NS)) {
			refuse(r, "unknown element ", (const char *)n->name);
			goto refused;
		}
		if (json_array_size(ranges) == VIRT_RANGES) {
			refuse(r, "too many ranges: split it", "");
			goto refused;
		}
		one = read_range(r, n);
		if (!one)
			goto refused;
		json_array_append_new(ranges, one);
	}
	if (names_ports(ranges))
		return ranges;
	refuse(r, "it names no ports: add <range start='N'/>", "");
refused:
	json_decref(ranges);
	return NULL;
}

static bool address_ok(const char *text)
{
	enum nat_family family;
	struct nat_addr a;

	return conf_ip_parse(text, strlen(text), &a, &family);
}

/* A device name as the kernel takes it: 1 to 15 octets, no slash, no space. */
static bool dev_ok(const char *text)
{
	size_t len = strlen(text);

	return len && len <= 15 && !strpbrk(text, "/ \t?") && strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
}

static json_t *read_forward(const struct reader *r, const xmlNode *node)
{
	static const char *const known[] = { "proto", "address", "dev", NULL };
	char proto[TEXT_ROOM], address[TEXT_ROOM], dev[TEXT_ROOM];
	bool has_address = xml_attr(node, "address", address), has_dev = xml_attr(node, "dev", dev);
	json_t *ranges;

	xml_attr(node, "proto", proto);
	if (!known_attrs(r, node, known))
		return NULL;
	if (strcmp(proto, "tcp") != 0 && strcmp(proto, "udp") != 0) {
		refuse(r, "proto must be tcp or udp, not ", *proto ? proto : "missing");
		return NULL;
	}
	if (has_address && !address_ok(address)) {
		refuse(r, "not an address: ", address);
		return NULL;
	}
	if (has_dev && !dev_ok(dev)) {
		refuse(r, "not a device name: ", dev);
		return NULL;
	}
	ranges = read_ranges(r, node);
	if (!ranges)
		return NULL;
	return json_pack("{s:s, s:o, s:o, s:o}", "proto", proto, "address", has_address ? json_string(address) : json_null(),
			 "dev", has_dev ? json_string(dev) : json_null(), "ranges", ranges);
}

static void read_forwards(struct reader *r, const xmlNode *element, json_t *forwards)
{
	for (const xmlNode *n = element->children; n; n = n->next) {
		json_t *forward;

		if (n->type != XML_ELEMENT_NODE)
			continue;
		r->number++;
		r->line = xmlGetLineNo(n);
		if (!xml_is(n, "portForward", XML_FORWARDS_NS)) {
			text_warn(r->warnings, "domain %.60s: element %.40s in its nfqnat metadata (line %ld of virsh dumpxml) "
				  "is ignored: only portForward is known", r->name, (const char *)n->name, r->line);
			continue;
		}
		if (json_array_size(forwards) == VIRT_FORWARDS) {
			refuse(r, "too many: put several ranges into one portForward", "");
			return;
		}
		forward = read_forward(r, n);
		if (forward)
			json_array_append_new(forwards, forward);
	}
}

void xml_forwards_read(const xmlNode *metadata, const char *name, json_t *forwards, json_t *warnings)
{
	struct reader r = { .name = name, .warnings = warnings };

	for (const xmlNode *n = metadata ? metadata->children : NULL; n; n = n->next)
		if (n->type == XML_ELEMENT_NODE && n->ns && n->ns->href &&
		    !strcmp((const char *)n->ns->href, XML_FORWARDS_NS) && xml_is(n, "forwards", XML_FORWARDS_NS))
			read_forwards(&r, n, forwards);
}
