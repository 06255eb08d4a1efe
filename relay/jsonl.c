/* JSON lines; see jsonl.h. A file that cannot be written is reported once, at the end of the run. */
#include "relay/jsonl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "exporters/otlp_json.h"

struct rm_jsonl {
	int fd, error;
	uint32_t count;
	struct rm_span *span[RM_JSONL_SPANS_MAX];
};

struct rm_jsonl *rm_jsonl_open(const char *path)
{
	struct rm_jsonl *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
	if (j->fd >= 0)
		return j;
	free(j);
	return NULL;
}

/* Regular files take all in one call; a pipe may not. */
static void put(struct rm_jsonl *j, const char *p, size_t n)
{
	while (n > 0 && !j->error) {
		ssize_t done = write(j->fd, p, n);

		if (done < 0 && errno != EINTR)
			j->error = errno;
		if (done > 0) {
			p += done;
			n -= (size_t)done;
		}
	}
}

void rm_jsonl_write(struct rm_jsonl *j, const struct rm_record *resource)
{
	struct rm_batch_group group = { resource, (const struct rm_span *const *)j->span, j->count };
	struct rm_batch batch = { &group, 1, j->count };
	struct rm_json text;

	if (j->count == 0)
		return;
	rm_json_init(&text);
	rm_otlp_json(&text, &batch);
	if (text.failed)
		j->error = j->error ? j->error : ENOMEM;
	else
		put(j, text.p, text.n);
	rm_json_free(&text);
	while (j->count > 0)
		free(j->span[--j->count]);
}

void rm_jsonl_add(struct rm_jsonl *j, const struct rm_record *resource, const struct rm_span *span)
{
	struct rm_span *copy = j->error ? NULL : malloc(span->record.bytes);

	if (!copy) {
		j->error = j->error ? j->error : ENOMEM;
		return;
	}
	memcpy(copy, span, span->record.bytes);
	j->span[j->count++] = copy;
	if (j->count == RM_JSONL_SPANS_MAX)
		rm_jsonl_write(j, resource);
}

int rm_jsonl_error(const struct rm_jsonl *j)
{
	return j->error;
}

void rm_jsonl_close(struct rm_jsonl *j)
{
	while (j->count > 0)
		free(j->span[--j->count]);
	close(j->fd);
	free(j);
}
