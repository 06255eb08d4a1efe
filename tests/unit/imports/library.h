#ifndef RM_TESTS_IMPORTS_LIBRARY_H
#define RM_TESTS_IMPORTS_LIBRARY_H

#define NAME_(prefix, name) prefix##_##name
#define NAME_OF(prefix, name) NAME_(prefix, name)
#define NAME(name) NAME_OF(PREFIX, name)

int linked_anchor(void);
int linked_add(int a, int b);
int linked_negate(int a);
int opened_anchor(void);
int opened_add(int a, int b);
int opened_negate(int a);

/* What an importer shows of itself. */
struct importer {
	int (*call_add)(int a, int b);
	int (*call_negate)(int a);
	int (*(*add_address)(void))(int a, int b);
	int (*const *const_table)(int a, int b);
	int (**variable)(int a, int b);
};

#endif
