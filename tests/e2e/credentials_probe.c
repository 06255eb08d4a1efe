/* Seeks credentials of AWS as its environment says, and prints the access key, where it is of, and why there is none. */
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "exporters/aws_credentials.h"

enum { PATIENCE_S = 10 };

int main(void)
{
	static struct rm_env env;
	static struct rm_aws_credentials c = { .env = &env };
	const struct rm_export_io io = { .deadline_ns = rm_clock_mono_ns() + PATIENCE_S * 1000000000ull };
	bool good;

	rm_env_load(&env, environ, NULL);
	good = rm_aws_credentials_get(&c, &io);
	printf("%s\n%s\n%s\n%s\n", c.access_key, c.from, good ? "" : c.why, c.is_final ? "final" : "");
	return 0;
}
