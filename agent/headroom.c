/*
 * A server that is sent a larger head than it takes answers 431 or 400, to a request that it would have
 * answered without us. The limits here are the defaults of widespread servers; a head that is beyond one
 * already is refused by that server anyway, and only has to stay below the next.
 * Context: any, signal-safe.
 */
#include "agent/headroom.h"

/* CPython's http.client and http.server, Apache, gunicorn, Tomcat, hyper; HAProxy. */
static const uint32_t field_limits[] = { 100, 101 };

/* uWSGI; Tomcat, Jetty, lighttpd; HAProxy, whose buffer has to have a kilobyte left; Node; and doubles. */
static const size_t byte_limits[] = { 4096, 8192, 15360, 16384, 32768, 65536 };

static bool crosses(size_t before, size_t after, size_t limit)
{
	return before <= limit && after > limit;
}

bool rm_headroom(const struct rm_head *head, struct rm_str lines)
{
	size_t whole = head->raw.n + strlen("\r\n"), added = 0, fields;
	const char *first_end = memchr(head->raw.p, '\n', head->raw.n);

	/* Some count the request line in, and some do not. */
	fields = first_end ? whole - (size_t)(first_end + 1 - head->raw.p) : whole;
	for (size_t i = 0; i < sizeof(byte_limits) / sizeof(byte_limits[0]); i++)
		if (crosses(whole, whole + lines.n, byte_limits[i]) ||
		    crosses(fields, fields + lines.n, byte_limits[i]))
			return false;
	for (size_t i = 0; i < lines.n; i++)
		added += lines.p[i] == '\n';
	for (size_t i = 0; i < sizeof(field_limits) / sizeof(field_limits[0]) && !head->fields_cut; i++)
		if (crosses(head->field_count, head->field_count + added, field_limits[i]))
			return false;
	return true;
}
