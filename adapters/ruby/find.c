/* Where Ruby is: in the program itself, or in libruby; and its sockets, an extension. Context: app. */
#include <string.h>

#include "adapters/ruby/api.h"
#include "base/objects.h"

/* One behind the other. */
static const char names[] =
#define RM_RUBY_NAME(result, name, takes) #name "\0"
	RM_RUBY_FUNCTIONS(RM_RUBY_NAME)
	RM_RUBY_OTHER_FUNCTIONS(RM_RUBY_NAME)
#undef RM_RUBY_NAME
	;

enum { COUNT = sizeof(struct rm_ruby) / sizeof(void *), OTHERS = 6 };

struct rm_ruby rm_rb;

struct search {
	void *found[COUNT];
	bool has_ruby, has_sockets;
};

/* An extension that is part of the interpreter says nothing: it is there before Ruby has started. */
static bool look_at(const struct rm_object *o, void *arg)
{
	struct search *s = arg;
	void *found[COUNT];

	if (rm_object_functions(o, names, COUNT, COUNT - OTHERS, found)) {
		memcpy(s->found, found, sizeof(found));
		s->has_ruby = true;
	} else if (rm_object_function(o, "Init_socket")) {
		s->has_sockets = true;
	}
	return s->has_ruby && s->has_sockets;
}

bool rm_ruby_find(void)
{
	struct search s = { 0 };

	if (!rm_objects_each(look_at, &s) || !s.has_ruby || !s.has_sockets)
		return false;
	memcpy(&rm_rb, s.found, sizeof(rm_rb));
	return true;
}

struct code {
	const void *at;
	bool is_ruby;
};

static bool holds(const struct rm_object *o, void *arg)
{
	struct code *c = arg;
	const ElfW(Phdr) *segment = rm_object_segment(o, (uintptr_t)c->at, 1);

	if (!segment)
		return false;
	c->is_ruby = (segment->p_flags & PF_X) && rm_object_function(o, names);
	return true;
}

bool rm_ruby_is_code(const void *at)
{
	struct code c = { .at = at };

	rm_objects_each(holds, &c);
	return c.is_ruby;
}
