"""Being loaded: cost, the object itself, other libcs, word sizes, privileges, tools (cases 1 to 9)."""
from frame import USUAL, case


@case(1, "a program with one exchange is the same in every state of the collector")
def c01_one_exchange(t):
    program = t.compile("one", r'''
#include "torture.h"
int main(void) { printf("%d %d\n", get(), threads()); return 7; }
''')
    t.same([program], (*USUAL, "relay"), spans=1, status=7)
    t.same([program], ("tls",))
