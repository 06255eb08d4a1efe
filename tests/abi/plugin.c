/*
 * A library that can only be found by the RUNPATH of the one that opens it. For calls.c.
 */
int answer(void);

int answer(void)
{
	return 42;
}
