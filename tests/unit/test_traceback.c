/* Stacks as languages print them, taken apart: each text below was printed by the language itself, then shortened. */
#include "exporters/traceback.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "tests/rmtest.h"

static struct rm_traceback t;
static char shown[16384];

/* All that was found, in one line for each thing. */
static struct rm_str read_text(const char *text)
{
	size_t n = 0;

	if (!rm_traceback_read(rm_str_c(text), &t))
		return RM_STR("nothing");
	n += (size_t)snprintf(shown, sizeof(shown), "%s\n", t.language);
	for (uint32_t i = 0; i < t.raised_count; i++) {
		const struct rm_traceback_raised *r = &t.raised[i];

		n += (size_t)snprintf(shown + n, sizeof(shown) - n, "%.*s|%.*s\n", (int)r->type.n, r->type.p, (int)r->message.n,
				      r->message.p);
		for (uint32_t k = 0; k < r->count; k++) {
			const struct rm_traceback_frame *f = &t.frame[r->first + k];

			n += (size_t)snprintf(shown + n, sizeof(shown) - n, "  %.*s|%u|%u|%.*s|%.*s\n", (int)f->path.n, f->path.p,
					      f->line, f->column, (int)f->function.n, f->function.p, (int)f->code.n, f->code.p);
		}
	}
	return (struct rm_str){ shown, n };
}

static const char python[] =
	"Traceback (most recent call last):\n"
	"  File \"/app/shop.py\", line 12, in home\n"
	"    return inner({})\n"
	"           ^^^^^^^^^\n"
	"  File \"/app/shop.py\", line 8, in inner\n"
	"    def inner(d): return d['k']\n"
	"                         ~^^^^^\n"
	"KeyError: 'k'\n"
	"\n"
	"The above exception was the direct cause of the following exception:\n"
	"\n"
	"Traceback (most recent call last):\n"
	"  File \"/usr/lib/flask/app.py\", line 1511, in wsgi_app\n"
	"    response = self.full_dispatch_request()\n"
	"  [Previous line repeated 3 more times]\n"
	"  File \"<string>\", line 14, in <module>\n"
	"shop.errors.NoHome: no: home\n"
	"second line\n";

RM_TEST("Python: the last one raised comes first, each with its innermost frame first")
{
	RM_CHECK_STR(read_text(python), "python\n"
					"shop.errors.NoHome|no: home\n"
					"  <string>|14|0|<module>|\n"
					"  /usr/lib/flask/app.py|1511|0|wsgi_app|response = self.full_dispatch_request()\n"
					"KeyError|'k'\n"
					"  /app/shop.py|8|0|inner|def inner(d): return d['k']\n"
					"  /app/shop.py|12|0|home|return inner({})\n");
}

RM_TEST("Python: an exception without a message, and frames without a beginning")
{
	RM_CHECK_STR(read_text("  File \"a.py\", line 1, in f\nKeyboardInterrupt\n"), "python\nKeyboardInterrupt|\n  a.py|1|0|f|\n");
	RM_CHECK_STR(read_text("  File \"a.py\", line 1, in f"), "python\n|\n  a.py|1|0|f|\n");
}

static const char java[] = "Exception in thread \"main\" java.lang.IllegalStateException: no home\n"
			   "\tat Shop.home(Shop.java:9)\n"
			   "\tat java.base/java.lang.Thread.run(Thread.java:840)\n"
			   "\tat jdk.internal.Foo.bar(Native Method)\n"
			   "\tat Shop$$Lambda$14.run(Unknown Source)\n"
			   "Caused by: java.lang.NullPointerException: Cannot read field \"k\": it is null\n"
			   "\tat Shop.inner(Shop.java:4)\n"
			   "\t... 3 more\n";

RM_TEST("Java: causes follow what they caused")
{
	RM_CHECK_STR(read_text(java), "java\n"
				      "java.lang.IllegalStateException|no home\n"
				      "  Shop.java|9|0|Shop.home|\n"
				      "  Thread.java|840|0|java.base/java.lang.Thread.run|\n"
				      "  |0|0|jdk.internal.Foo.bar|\n"
				      "  |0|0|Shop$$Lambda$14.run|\n"
				      "java.lang.NullPointerException|Cannot read field \"k\": it is null\n"
				      "  Shop.java|4|0|Shop.inner|\n");
}

static const char node[] = "/app/shop.js:3\n"
			   "    throw new TypeError('no: home');\n"
			   "    ^\n"
			   "\n"
			   "TypeError [ERR_HOME]: no: home\n"
			   "    at Shop.home (/app/shop.js:3:11)\n"
			   "    at async Promise.all (index 0)\n"
			   "    at async /app/main.mjs:20:5\n"
			   "    at new Box (file:///app/box.mjs:1:2)\n"
			   "    at node:internal/main/run_main_module:23:47 {\n"
			   "  code: 'ERR_HOME',\n"
			   "  [cause]: Error: deeper\n"
			   "      at f (/app/shop.js:9:1)\n"
			   "}\n"
			   "\n"
			   "Node.js v18.19.0\n";

RM_TEST("Node: functions, files and columns, also without a function")
{
	RM_CHECK_STR(read_text(node), "javascript\n"
				      "TypeError|no: home\n"
				      "  /app/shop.js|3|11|Shop.home|\n"
				      "  /app/main.mjs|20|5||\n"
				      "  file:///app/box.mjs|1|2|new Box|\n"
				      "Error|deeper\n"
				      "  /app/shop.js|9|1|f|\n");
}

static const char ruby[] = "/app/shop.rb:4:in `inner': no home (Shop::NoHome)\n"
			   "\tfrom /app/shop.rb:9:in `block in home'\n"
			   "\tfrom /app/shop.rb:12:in `<main>'\n"
			   "/app/shop.rb:2:in `fetch': key not found: :k (KeyError)\n"
			   "\tfrom /app/shop.rb:3:in `inner'\n";

RM_TEST("Ruby: what was raised stands behind the first frame")
{
	RM_CHECK_STR(read_text(ruby), "ruby\n"
				      "Shop::NoHome|no home\n"
				      "  /app/shop.rb|4|0|inner|\n"
				      "  /app/shop.rb|9|0|block in home|\n"
				      "  /app/shop.rb|12|0|<main>|\n"
				      "KeyError|key not found: :k\n"
				      "  /app/shop.rb|2|0|fetch|\n"
				      "  /app/shop.rb|3|0|inner|\n");
	RM_CHECK_STR(read_text("a.rb:1:in 'Integer#/': divided by 0 (ZeroDivisionError)\n"), "ruby\nZeroDivisionError|divided by 0\n"
											      "  a.rb|1|0|Integer#/|\n");
}

static const char php[] = "PHP Fatal error:  Uncaught LogicException: deeper in /app/shop.php:3\n"
			  "Stack trace:\n"
			  "#0 [internal function]: call(Array)\n"
			  "#1 /app/shop.php(8): inner(Array)\n"
			  "#2 {main}\n"
			  "\n"
			  "Next RuntimeException: no home in /app/shop.php:10\n"
			  "Stack trace:\n"
			  "#0 /app/index.php(2): Shop->home('a): b')\n"
			  "#1 {main}\n"
			  "  thrown in /app/shop.php on line 10\n";

RM_TEST("PHP: where it was thrown is the first frame, and the next one was raised for it")
{
	RM_CHECK_STR(read_text(php), "php\n"
				     "RuntimeException|no home\n"
				     "  /app/shop.php|10|0||\n"
				     "  /app/index.php|2|0|Shop->home|\n"
				     "  |0|0|{main}|\n"
				     "LogicException|deeper\n"
				     "  /app/shop.php|3|0||\n"
				     "  |0|0|call|\n"
				     "  /app/shop.php|8|0|inner|\n"
				     "  |0|0|{main}|\n");
}

static const char go[] = "panic: runtime error: index out of range [5] with length 3\n"
			 "\n"
			 "goroutine 1 [running]:\n"
			 "main.(*Shop).home(0xc000012345, 0x5)\n"
			 "\t/app/shop.go:12 +0x1d\n"
			 "main.main()\n"
			 "\t/app/main.go:5 +0x2a\n"
			 "\n"
			 "goroutine 7 [sleep]:\n"
			 "time.Sleep(0x1)\n"
			 "\t/usr/local/go/src/runtime/time.go:195 +0x125\n";

RM_TEST("Go: only the routine that panicked")
{
	RM_CHECK_STR(read_text(go), "go\n"
				    "panic|runtime error: index out of range [5] with length 3\n"
				    "  /app/shop.go|12|0|main.(*Shop).home|\n"
				    "  /app/main.go|5|0|main.main|\n");
}

static const char native[] = "    at shop::sell(int)+0x1c (/usr/bin/my shop+0x2a31)\n"
			     "    at ?? (/usr/lib/libc.so.6+0x1234)\n"
			     "    at 0x7f0012345678\n"
			     "    ... 17 more ...\n"
			     "build id of /usr/bin/my shop: 0123abcd\n";

RM_TEST("ours: a function makes the offset superfluous")
{
	RM_CHECK_STR(read_text(native), "native\n"
					"|\n"
					"  /usr/bin/my shop|0|0|shop::sell(int)|\n"
					"  /usr/lib/libc.so.6+0x1234|0|0||\n"
					"  |0|0||\n");
}

RM_TEST("text without frames is none")
{
	static const char *const texts[] = { "", "\n\n", "all is well", "at home", "    at home", "File \"a\", line 1", "from here: a (b)",
					     "#1 thing", "\t/a:b", "Traceback (most recent call last):\nKeyError: 'k'\n" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		RM_CHECK_STR(read_text(texts[i]), "nothing");
}

RM_TEST("more than there is room for is told of")
{
	static char text[RM_TRACEBACK_FRAMES * 40 + 4000], *p = text;

	for (int i = 0; i < RM_TRACEBACK_FRAMES + 9; i++)
		p += sprintf(p, "    at f%d (/a.js:%d:1)\n", i, i + 1);
	RM_CHECK(rm_traceback_read(rm_str_c(text), &t) && t.is_cut && t.frame_count == RM_TRACEBACK_FRAMES);
	p = text;
	for (int i = 0; i < RM_TRACEBACK_RAISED + 3; i++)
		p += sprintf(p, "Traceback (most recent call last):\n  File \"a\", line %d, in f\nE: %d\n", i, i);
	RM_CHECK(rm_traceback_read(rm_str_c(text), &t) && t.is_cut && t.raised_count == RM_TRACEBACK_RAISED);
}

RM_TEST("any text is read inside its length")
{
	static const char *const all[] = { python, java, node, ruby, php, go, native };
	struct rm_random random = { { 1, 2, 3, 4 } };

	for (int round = 0; round < 30000; round++) {
		const char *text = all[rm_random_u64(&random) % 7];
		size_t n = rm_random_u64(&random) % (strlen(text) + 1);
		char *copy = malloc(n + !n); /* the sanitizer watches the borders */
		size_t sum = 0;

		memcpy(copy, text, n);
		for (int k = 0; k < 4 && n > 0; k++)
			copy[rm_random_u64(&random) % n] = "\n\t :()'`\"0#"[rm_random_u64(&random) % 11];
		if (rm_traceback_read((struct rm_str){ copy, n }, &t))
			for (uint32_t i = 0; i < t.frame_count; i++) {
				const struct rm_traceback_frame *f = &t.frame[i];

				for (size_t k = 0; k < f->path.n; k++)
					sum += (unsigned char)f->path.p[k];
				for (size_t k = 0; k < f->function.n; k++)
					sum += (unsigned char)f->function.p[k];
				for (size_t k = 0; k < f->code.n; k++)
					sum += (unsigned char)f->code.p[k];
			}
		RM_CHECK(sum != 1);
		free(copy);
	}
}
