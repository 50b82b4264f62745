/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xml - libvirt's XML, read by libxml2 with limits.
 *
 * Names and metadata in it are written by people who may manage one guest
 * and should not get at the host: no file and no network is touched, a
 * document type (so, any entity) is refused, and what is too long is cut.
 */
#ifndef VIRT_WATCH_XML_H
#define VIRT_WATCH_XML_H

#include <libxml/tree.h>

#include "virt/watch/text.h"

enum { XML_OCTETS = 4 << 20 };		/* of one description */

/* xml_read - NULL: not well-formed, too long, or with a document type; xmlFreeDoc() the result */
xmlDoc *xml_read(const char *text, size_t len);

/* xml_is - an element @name, of no namespace or of @ns (NULL: of none only) */
bool xml_is(const xmlNode *node, const char *name, const char *ns);

/* xml_child - the first element @name (of no namespace) in @parent, which may be NULL; NULL: none */
xmlNode *xml_child(const xmlNode *parent, const char *name);

/* xml_attr - the attribute @name of @node (may be NULL) clipped into @buf; false: not there, and @buf is "" */
bool xml_attr(const xmlNode *node, const char *name, char buf[TEXT_ROOM]);

/* xml_attr_json - the same as a new JSON string of at most @max octets; null if it is not there or longer */
json_t *xml_attr_json(const xmlNode *node, const char *name, size_t max);

/* xml_text_json - the text inside @node (may be NULL) as a new JSON string of at most @max octets; null if not */
json_t *xml_text_json(const xmlNode *node, size_t max);

/**
 * xml_domain_read - a guest from what virDomainGetXMLDesc() says
 * Returns a new object with uuid, name, nics (without addresses; `up' is what
 * `<link state>' says), forwards and warnings as in protocol.h, and "agent":
 * is QEMU's agent in it connected? Or NULL if it is no description of a domain with uuid and name.
 */
json_t *xml_domain_read(const char *text, size_t len);

/**
 * xml_network_read - a network from what virNetworkGetXMLDesc() says
 * Returns a new object with uuid, name, mode, ipv6_nat, bridge and addresses
 * as in protocol.h, and "hosts": [{"mac","address"}] of its `<dhcp><host>'; or
 * NULL if it is no description of a network with uuid and name.
 */
json_t *xml_network_read(const char *text, size_t len);

/**
 * xml_forwards_read - the forwards in a domain's metadata
 * @metadata: its `<metadata>' element, or NULL
 * @name:     of the domain, for warnings
 * Appends what is good to the array @forwards, and to @warnings a sentence
 * for each `<portForward>' that is not: the whole of it is refused then, for
 * half of one could publish what it was meant to exclude.
 */
void xml_forwards_read(const xmlNode *metadata, const char *name, json_t *forwards, json_t *warnings);

#define XML_FORWARDS_NS "urn:nfqnat:forwards:1"

#endif
