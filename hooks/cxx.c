/*
 * Hook of __cxa_throw, by which code that a C++ compiler made throws: of the slots through which programs and libraries call
 * it, and of the C++ library's own, in which vector::at, stoi and new throw. __cxa_rethrow and std::rethrow_exception are
 * left alone: what they throw has been thrown before. The hook jumps on (abi/shim_<cpu>.S), so that the frames that the
 * unwinder walks are those that it finds without us.
 * Context: hook.
 */
#include "agent/hookapi.h"
#include "agent/throws.h"
#include "hooks/abi/shim.h"
#include "hooks/imports.h"
#include "hooks/lookout.h"

/* As the Itanium C++ ABI has it; std::type_info is a class there. */
void __cxa_throw(void *object, void *type, void (*destroy)(void *object));

RM_LIBRARY cxx = { .name = "the C++ library", .anchor = RM_LOOKOUT_CXX, .has_own = true, .unwanted = true };

RM_IMPORT_ROW(rm_import_row_, cxx, __cxa_throw, "__cxa_throw", "rm_hook_cxa_throw - .", 0);

void rm_cxx_watch(void)
{
	if (rm_throws_wanted())
		cxx.unwanted = false;
}

rm_cxa_throw_fn rm_hook_thrown(void *object, void *type)
{
	struct rm_scope s;

	if (rm_enter(&s)) {
		rm_thrown(&s, object, type);
		rm_leave(&s);
	}
	return __atomic_load_n(&real___cxa_throw, __ATOMIC_RELAXED);
}
