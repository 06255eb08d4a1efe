/*
 * A server that is sent a larger head than it takes answers 431 or 400, to a request that it would have
 * answered without us. The limits here are the defaults of widespread servers; a head that is beyond one
 * already is refused by that server anyway, and only has to stay below the next.
 *
 * Servers count differently: all bytes, those behind the request line, or names and values only. What
 * any of them counts lies between the last and the first of these.
 * Context: any, signal-safe.
 */
#include "agent/headroom.h"

/*
 * CPython's http.client and http.server, whose hundred lines include the blank one; Apache, gunicorn, Tomcat,
 * hyper; HAProxy; Node, of HTTP/2.
 */
static const size_t field_limits[] = { 99, 100, 101, 128 };

/* uWSGI; Tomcat, Jetty, lighttpd; HAProxy, whose buffer has to have a kilobyte left; Node; and doubles. */
static const size_t byte_limits[] = { 4096, 8192, 15360, 16384, 32768, 65536 };

/* What HTTP/2 has instead of a request line. */
enum { PSEUDO_FIELDS = 4 };

/* A name, a value, and what stands between them and behind, in either form. */
enum { LINE_MIN_BYTES = 5 };

/* True when one of the limits takes `least` and may not take `most`. */
static bool between(size_t least, size_t most, const size_t *limits, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (least <= limits[i] && limits[i] < most)
			return true;
	return false;
}

/*
 * The bytes of all names and values; of a head whose fields are not all listed, those of its lines, or
 * for HTTP/2 the least that they could be.
 */
static size_t least_bytes(const struct rm_head *head)
{
	const char *first_end = head->block ? NULL : memchr(head->raw.p, '\n', head->raw.n);
	size_t n = 0;

	if (head->fields_cut && head->block)
		return 0;
	if (head->fields_cut)
		return first_end ? head->raw.n - (size_t)(first_end + 1 - head->raw.p) : head->raw.n;
	for (uint32_t i = 0; i < head->field_count; i++)
		n += head->fields[i].name.n + head->fields[i].value.n;
	return n;
}

bool rm_headroom(const struct rm_head *head, struct rm_str lines)
{
	return rm_headroom_beside(head, lines, 0);
}

bool rm_headroom_beside(const struct rm_head *head, struct rm_str lines, size_t grown)
{
	size_t whole = head->text_bytes + strlen("\r\n") + grown, added = 0;
	size_t count = head->field_count + (head->block ? PSEUDO_FIELDS : 0);

	/* Most heads are below the least of them, however many lines these are. */
	if (whole + lines.n <= byte_limits[0] && !head->fields_cut && count + lines.n / LINE_MIN_BYTES <= field_limits[0])
		return true;
	for (size_t i = 0; i < lines.n; i++)
		added += lines.p[i] == (head->block ? '\0' : '\n');
	return !between(least_bytes(head), whole + lines.n, byte_limits,
			sizeof(byte_limits) / sizeof(byte_limits[0])) &&
	       (head->fields_cut || !between(count, count + added, field_limits,
					     sizeof(field_limits) / sizeof(field_limits[0])));
}
