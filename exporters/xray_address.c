/* Reads the address of the X-Ray daemon. Context: worker. */
#include "exporters/xray_address.h"

#include <string.h>

#include "base/log.h"

static bool host_and_port(struct rm_str s, char ret_host[RM_XRAY_HOST_BYTES], uint16_t *ret_port)
{
	struct rm_str host = s;
	uint64_t port;

	while (host.n > 0 && host.p[host.n - 1] != ':')
		host.n--;
	if (host.n < 2 || !rm_str_u64((struct rm_str){ s.p + host.n, s.n - host.n }, &port) || port == 0 ||
	    port > UINT16_MAX)
		return false;
	host.n--;
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = (struct rm_str){ host.p + 1, host.n - 2 };
	else if (memchr(host.p, ':', host.n))
		return false;
	if (host.n >= RM_XRAY_HOST_BYTES)
		return false;
	memcpy(ret_host, host.p, host.n);
	ret_host[host.n] = '\0';
	*ret_port = (uint16_t)port;
	return true;
}

/* True when `s` begins with `prefix`, which is taken off. */
static bool strip(struct rm_str *s, struct rm_str prefix)
{
	if (s->n < prefix.n || !rm_str_ieq((struct rm_str){ s->p, prefix.n }, prefix))
		return false;
	*s = (struct rm_str){ s->p + prefix.n, s->n - prefix.n };
	return true;
}

bool rm_xray_address(struct rm_str setting, struct rm_xray_address *ret)
{
	struct rm_str rest = rm_str_trim(setting), item;
	unsigned udp = 0, tcp = 0;

	if (!memchr(rest.n > 0 ? rest.p : "", ' ', rest.n))
		return host_and_port(rest, ret->host, &ret->port) && host_and_port(rest, ret->tcp_host, &ret->tcp_port);
	while (rest.n > 0) {
		item = rm_str_trim(rm_str_cut(&rest, ' '));
		rest = rm_str_trim(rest);
		if (strip(&item, RM_STR("udp:"))) {
			udp += host_and_port(item, ret->host, &ret->port);
		} else if (strip(&item, RM_STR("tcp:"))) {
			tcp += host_and_port(item, ret->tcp_host, &ret->tcp_port);
		} else {
			return false;
		}
	}
	return udp == 1 && tcp == 1;
}

void rm_xray_url(struct rm_str setting, char ret[RM_XRAY_URL_BYTES])
{
	struct rm_xray_address a;
	bool v6;

	if (setting.n == 0 || !rm_xray_address(setting, &a)) /* the exporter says so */
		rm_xray_address(RM_STR(RM_XRAY_DAEMON), &a);
	v6 = strchr(a.tcp_host, ':') != NULL;
	rm_format(ret, RM_XRAY_URL_BYTES, "http://%s%s%s:%u", v6 ? "[" : "", a.tcp_host, v6 ? "]" : "", (unsigned)a.tcp_port);
}
