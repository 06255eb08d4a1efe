/*
 * What a process was aborted for, as its libraries remember it: libc its last words, the C++ library the exception that
 * nobody caught; and what is thrown. Their structures are those of the ABI; every pointer is checked before it is followed. Only functions
 * of the C++ library itself are called, which return what they have.
 * Specification: Itanium C++ ABI, "Exception Handling", "RTTI".
 */
#include <elf.h>

#include "stack/demangle.h"
#include "stack/stack.h"

enum { INNERMOST = 12, BASES_MAX = 16, TEXT_MAX_BYTES = 1024, WHAT_SLOT = 2 };

/* The members of __cxa_exception that are read here, and what follows it. */
enum { EXCEPTION_CLASS_AT = 80, EXCEPTION_BYTES = 112 };

static bool read_word(struct rm_stack *s, uintptr_t at, uintptr_t *ret)
{
	if (at % sizeof(*ret) || !rm_maps_readable(&s->maps, at, sizeof(*ret)))
		return false;
	memcpy(ret, (const void *)at, sizeof(*ret));
	return true;
}

/* A terminated text of the program's, cut at `TEXT_MAX_BYTES`. */
static struct rm_str read_text(struct rm_stack *s, uintptr_t at)
{
	const char *p = (const char *)at;
	size_t n = 0;

	while (n < TEXT_MAX_BYTES && rm_maps_readable(&s->maps, at + n, 1) && p[n])
		n++;
	return (struct rm_str){ p, n };
}

/* ---- types ---- */

static struct rm_str type_name(struct rm_stack *s, uintptr_t type)
{
	uintptr_t name;
	struct rm_str text;

	if (!read_word(s, type + sizeof(uintptr_t), &name))
		return RM_STR("");
	text = read_text(s, name);
	if (text.n > 0 && *text.p == '*') /* of a type that no other module knows */
		text = (struct rm_str){ text.p + 1, text.n - 1 };
	return text;
}

/* What kind of type_info that is: the name of the type of the object itself, which its table of functions leads to. */
static struct rm_str kind_of(struct rm_stack *s, uintptr_t object)
{
	uintptr_t table, type;

	if (!read_word(s, object, &table) || !read_word(s, table - sizeof(uintptr_t), &type))
		return RM_STR("");
	return type_name(s, type);
}

/* The first base class, if an object of the type begins with one; else 0. */
static uintptr_t base_of(struct rm_stack *s, uintptr_t type)
{
	struct rm_str kind = kind_of(s, type);
	uintptr_t base, flags_count, offset_flags;

	if (rm_str_eq(kind, RM_STR("N10__cxxabiv120__si_class_type_infoE")))
		return read_word(s, type + 2 * sizeof(uintptr_t), &base) ? base : 0;
	if (!rm_str_eq(kind, RM_STR("N10__cxxabiv121__vmi_class_type_infoE")))
		return 0;
	/* Offset and flags of the first: neither virtual, nor anywhere but at the start. */
	if (!read_word(s, type + 2 * sizeof(uintptr_t), &flags_count) || !read_word(s, type + 3 * sizeof(uintptr_t), &base) ||
	    !read_word(s, type + 4 * sizeof(uintptr_t), &offset_flags) || offset_flags >> 8 || offset_flags & 1)
		return 0;
	return base;
}

static bool is_std_exception(struct rm_stack *s, uintptr_t type)
{
	for (int i = 0; type && i < BASES_MAX; i++) {
		if (rm_str_eq(type_name(s, type), RM_STR("St9exception")))
			return true;
		type = base_of(s, type);
	}
	return false;
}

/* ---- the exception ---- */

/* The module of the C++ library, when it is what ends the process. */
static bool find_library(struct rm_stack *s, struct rm_module *ret)
{
	static const char enders[][24] = { "_ZSt9terminatev", "__cxa_throw", "__cxa_rethrow", "__cxa_call_terminate" };
	uint64_t offset;

	for (uint32_t i = 0; i < s->shown && i < INNERMOST; i++) {
		const struct rm_frame *f = &s->frame[i];
		struct rm_str name, rest;

		if (!rm_module_find(&s->maps, f->pc - f->returns, ret) || !rm_symbols_open(&s->symbols, ret))
			continue;
		rest = rm_symbols_name(&s->symbols, f->pc - f->returns - ret->bias, &offset);
		name = rm_str_cut(&rest, '@');
		for (size_t k = 0; k < sizeof(enders) / sizeof(enders[0]); k++)
			if (rm_str_eq(name, rm_str_c(enders[k])))
				return true;
	}
	return false;
}

/* Not by what it defines: a program may hold a copy of the library, beside functions of its own. */
static bool is_library(const struct rm_module *m)
{
	static const char files[][16] = { "libstdc++.so.", "libc++abi.so.", "libc++.so." };
	struct rm_str name = rm_module_name(m);

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (rm_str_begins(name, rm_str_c(files[i])))
			return true;
	return false;
}

/* what() of an object, where that is the library's own and so no code of the program. */
static struct rm_str what_of(struct rm_stack *s, uintptr_t object)
{
	struct rm_module of_function;
	uintptr_t table, what;
	const char *text;

	if (!read_word(s, object, &table) || !read_word(s, table + WHAT_SLOT * sizeof(uintptr_t), &what) ||
	    !rm_module_find(&s->maps, what, &of_function) || !is_library(&of_function))
		return RM_STR("");
	text = ((const char *(*)(const void *))what)((const void *)object);
	return text ? read_text(s, (uintptr_t)text) : RM_STR("");
}

bool rm_stack_thrown(struct rm_stack *s, uintptr_t object, uintptr_t type, struct rm_strbuf *ret_type,
		     struct rm_strbuf *ret_message)
{
	struct rm_str name = type_name(s, type);

	if (!name.n)
		return false;
	rm_demangle_type(name, ret_type);
	if (is_std_exception(s, type))
		rm_strbuf_str(ret_message, what_of(s, object));
	return true;
}

bool rm_stack_exception(struct rm_stack *s, struct rm_strbuf *ret_type, struct rm_strbuf *ret_message)
{
	struct rm_module library;
	uintptr_t globals, caught, type;
	uint64_t exception_class;

	if (!find_library(s, &library))
		return false;
	globals = rm_module_symbol(&s->maps, &library, "__cxa_get_globals_fast");
	if (!globals || !read_word(s, (uintptr_t)((void *(*)(void))globals)(), &caught) || !caught ||
	    !read_word(s, caught, &type) || !read_word(s, caught + EXCEPTION_CLASS_AT, &exception_class) ||
	    exception_class != 0x474e5543432b2b00ull /* "GNUCC++" and no dependence on another one */)
		return false;
	s->exception = caught + EXCEPTION_BYTES;
	return rm_stack_thrown(s, s->exception, type, ret_type, ret_message);
}

/* ---- libc ---- */

/* struct abort_msg_s of libc: how long it is, then the text; debuggers read it. */
bool rm_stack_abort_message(struct rm_stack *s, struct rm_strbuf *ret)
{
	struct rm_module libc;
	uintptr_t variable, message;
	struct rm_str text;

	for (uint32_t i = 0; i < s->shown && i < INNERMOST; i++) {
		if (!rm_module_find(&s->maps, s->frame[i].pc - s->frame[i].returns, &libc))
			continue;
		variable = rm_module_symbol(&s->maps, &libc, "__abort_msg");
		if (!variable)
			continue;
		if (!read_word(s, variable, &message) || !message)
			return false;
		text = read_text(s, message + sizeof(uint32_t));
		while (text.n > 0 && text.p[text.n - 1] == '\n')
			text.n--;
		rm_strbuf_str(ret, text);
		return text.n > 0;
	}
	return false;
}
