/*
 * A program in which tokio is looked for: adapters/tokio/places.c. The input is how much of it is code, the code, and words of
 * its data: addresses of either, or numbers. The program lies in memory of exactly its size, so that nothing else is read; what is found lies in
 * its data, whole and aligned.
 */
#include <stdlib.h>
#include <string.h>

#include "adapters/tokio/places.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { HEAD_BYTES = 4, WORD = sizeof(uintptr_t), WORD_INPUT_BYTES = 3, DATA_MAX = 2048 * WORD };
enum { NUMBER, OF_CODE, OF_DATA, KINDS };

static void check(bool condition)
{
	if (!condition)
		abort();
}

/* A number, or an address of the program's that may lie just outside of what it names. */
static uintptr_t word_of(const uint8_t *p, uintptr_t code, uintptr_t data)
{
	uintptr_t value = (uintptr_t)(p[1] | p[2] << 8);

	switch (p[0] % KINDS) {
	case OF_CODE:
		return code + value;
	case OF_DATA:
		return data + value;
	default:
		return value;
	}
}

static void check_tables(uintptr_t *const *tables, unsigned count, unsigned words, uintptr_t low, uintptr_t high)
{
	for (unsigned i = 0; i < count; i++) {
		uintptr_t at = (uintptr_t)tables[i];

		check(at % WORD == 0 && at >= low && at <= high && high - at >= words * WORD);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct rm_tokio_places found;
	size_t code_bytes, data_bytes = 0;
	uint8_t *image;
	uintptr_t base;

	if (n < HEAD_BYTES)
		return 0;
	code_bytes = (size_t)data[0] * WORD < n - HEAD_BYTES ? (size_t)data[0] * WORD : 0;
	data_bytes = (n - HEAD_BYTES - code_bytes) / WORD_INPUT_BYTES * WORD;
	data_bytes = data_bytes < DATA_MAX ? data_bytes : DATA_MAX;
	image = malloc(code_bytes + data_bytes + 1);
	base = (uintptr_t)image;
	memcpy(image, data + HEAD_BYTES, code_bytes);
	for (size_t i = 0; i < data_bytes / WORD; i++) {
		uintptr_t word = word_of(data + HEAD_BYTES + code_bytes + i * WORD_INPUT_BYTES, base, base + code_bytes);

		memcpy(image + code_bytes + i * WORD, &word, WORD);
	}
	{
		/* The last one says what it likes. */
		ElfW(Phdr) segments[] = {
			{ .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_filesz = code_bytes, .p_memsz = code_bytes },
			{ .p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_vaddr = code_bytes, .p_filesz = data_bytes, .p_memsz = data_bytes },
			{ .p_type = PT_GNU_RELRO, .p_flags = PF_R, .p_vaddr = code_bytes + data[1], .p_filesz = data[2],
			  .p_memsz = (size_t)data[2] << 8 | data[3] },
		};
		struct rm_object o = { .base = base, .path = "", .segments = segments, .segment_count = data[1] == UINT8_MAX ? 2 : 3 };

		memset(&found, 0, sizeof(found));
		rm_tokio_find(&o, &found);
	}
	check(found.table_count <= RM_TOKIO_TABLES_MAX && found.waker_count <= RM_TOKIO_WAKERS_MAX);
	check_tables(found.tables, found.table_count, RM_TOKIO_TABLE_WORDS, base + code_bytes, base + code_bytes + data_bytes);
	check_tables(found.wakers, found.waker_count, RM_TOKIO_WAKER_WORDS, base + code_bytes, base + code_bytes + data_bytes);
	free(image);
	return 0;
}
