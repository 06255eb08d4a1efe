/* Finds what is wanted of a backend's XML by name. Context of all: worker. */
#ifndef RM_EXPORTERS_XML_FIND_H
#define RM_EXPORTERS_XML_FIND_H

#include "base/str.h"

/* The text of the first element without attributes of that name, as it stands there; empty if there is none. */
struct rm_str rm_xml_find(struct rm_str text, const char *name);

#endif
