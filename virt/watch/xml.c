/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xml - see xml.h */
#include "virt/watch/xml.h"

#include <libxml/parser.h>
#include <string.h>

xmlDoc *xml_read(const char *text, size_t len)
{
	xmlDoc *doc;

	if (len > XML_OCTETS)
		return NULL;
	/* Without XML_PARSE_HUGE libxml2's own limits on depth and length hold. */
	doc = xmlReadMemory(text, (int)len, "libvirt.xml", NULL,
			    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA);
	if (doc && (doc->intSubset || doc->extSubset)) {
		xmlFreeDoc(doc);
		return NULL;
	}
	return doc;
}

bool xml_is(const xmlNode *node, const char *name, const char *ns)
{
	if (node->type != XML_ELEMENT_NODE || strcmp((const char *)node->name, name) != 0)
		return false;
	return !node->ns || !node->ns->href || (ns && !strcmp((const char *)node->ns->href, ns));
}

xmlNode *xml_child(const xmlNode *parent, const char *name)
{
	for (xmlNode *n = parent ? parent->children : NULL; n; n = n->next)
		if (xml_is(n, name, NULL))
			return n;
	return NULL;
}

bool xml_attr(const xmlNode *node, const char *name, char buf[TEXT_ROOM])
{
	xmlChar *value = node ? xmlGetNoNsProp(node, (const xmlChar *)name) : NULL;

	buf[0] = '\0';
	if (!value)
		return false;
	text_clip(buf, (const char *)value);
	xmlFree(value);
	return true;
}

json_t *xml_attr_json(const xmlNode *node, const char *name, size_t max)
{
	char buf[TEXT_ROOM];

	if (!xml_attr(node, name, buf) || !buf[0] || strlen(buf) > max)
		return json_null();
	return json_string(buf);
}

json_t *xml_text_json(const xmlNode *node, size_t max)
{
	xmlChar *value = node ? xmlNodeGetContent(node) : NULL;
	json_t *text = json_null();

	if (value && *value && strlen((const char *)value) <= max)
		text = text_json((const char *)value);
	xmlFree(value);
	return text;
}
