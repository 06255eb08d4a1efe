// plain: compiled with -fno-exceptions; what the library throws all the same ends it.
#include <cstdio>
#include <vector>

int main(int argc, char **)
{
	std::vector<int> none;

	std::puts("as ever");
	std::fflush(stdout);
	return none.at(static_cast<size_t>(argc));
}
