/* JSON lines; see jsonl.h. A file that cannot be written is reported once, at the end of the run. */
#include "relay/jsonl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "exporters/otlp_json.h"
#include "exporters/otlp_logs.h"
#include "exporters/places.h"

struct line {
	const struct rm_record *resource; /* borrowed */
	uint32_t count;
	void *record[RM_JSONL_RECORDS_MAX];
};

struct rm_jsonl {
	int fd, error;
	struct line line[RM_SIGNAL_COUNT];
	struct rm_places places;
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

static void forget(struct line *line)
{
	while (line->count > 0)
		free(line->record[--line->count]);
}

static void encode(struct rm_json *text, const struct line *line, enum rm_signal signal)
{
	struct rm_batch_group group = { .resource = line->resource };
	struct rm_batch batch = { .groups = &group, .group_count = 1, .signal = signal };

	if (signal == RM_SIGNAL_LOGS) {
		group.logs = (const struct rm_log *const *)line->record;
		group.log_count = batch.log_count = line->count;
		rm_otlp_json_logs(text, &batch);
	} else {
		group.spans = (const struct rm_span *const *)line->record;
		group.span_count = batch.span_count = line->count;
		rm_otlp_json(text, &batch);
	}
}

static void write_line(struct rm_jsonl *j, enum rm_signal signal)
{
	struct line *line = &j->line[signal];
	struct rm_json text;

	if (line->count == 0)
		return;
	rm_json_init(&text);
	encode(&text, line, signal);
	if (text.failed)
		j->error = j->error ? j->error : ENOMEM;
	else
		put(j, text.p, text.n);
	rm_json_free(&text);
	forget(line);
}

void rm_jsonl_write(struct rm_jsonl *j)
{
	for (int i = 0; i < RM_SIGNAL_COUNT; i++)
		write_line(j, (enum rm_signal)i);
}

void rm_jsonl_add(struct rm_jsonl *j, const struct rm_record *resource, const struct rm_record *record)
{
	enum rm_signal signal = record->type == RM_RECORD_LOG ? RM_SIGNAL_LOGS : RM_SIGNAL_TRACES;
	struct line *line = &j->line[signal];
	void *copy = j->error ? NULL : rm_places_name(&j->places, record);

	if (!copy && !j->error) {
		copy = malloc(record->bytes);
		if (copy)
			memcpy(copy, record, record->bytes);
	}
	if (!copy) {
		j->error = j->error ? j->error : ENOMEM;
		return;
	}
	if (line->resource != resource)
		write_line(j, signal);
	line->resource = resource;
	line->record[line->count++] = copy;
	if (line->count == RM_JSONL_RECORDS_MAX)
		write_line(j, signal);
}

int rm_jsonl_error(const struct rm_jsonl *j)
{
	return j->error;
}

void rm_jsonl_close(struct rm_jsonl *j)
{
	for (int i = 0; i < RM_SIGNAL_COUNT; i++)
		forget(&j->line[i]);
	close(j->fd);
	rm_places_fini(&j->places);
	free(j);
}
