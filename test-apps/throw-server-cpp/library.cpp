// A library of C++ behind an interface of C, as extensions of Python are: what it throws it catches.
#include <stdexcept>
#include <string>

extern "C" __attribute__((noinline)) int measure(int n)
{
	try {
		if (n > 3)
			throw std::length_error("too long: " + std::to_string(n));
	} catch (const std::length_error &) {
		return -1;
	}
	return n;
}
