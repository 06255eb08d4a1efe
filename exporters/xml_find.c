/* Elements of XML, by their names alone: of answers that have few. Context: worker. */
#include "exporters/xml_find.h"

#include "base/log.h"

struct rm_str rm_xml_find(struct rm_str text, const char *name)
{
	char tag[64];
	const char *at;

	rm_format(tag, sizeof(tag), "<%s>", name);
	at = rm_str_find(text, rm_str_c(tag));
	if (!at)
		return (struct rm_str){ NULL, 0 };
	text = rm_str_behind(text, (size_t)(at - text.p) + rm_str_c(tag).n);
	return rm_str_trim(rm_str_cut(&text, '<'));
}
