/*
 * SipHash-2-4 (Aumasson and Bernstein): a hash for tables whose keys other processes choose. Who does not
 * know the key cannot make texts that fall into one place. Context: any, signal-safe.
 */
#ifndef RM_BASE_SIPHASH_H
#define RM_BASE_SIPHASH_H

#include <stdint.h>

#include "base/str.h"

uint64_t rm_siphash(const uint64_t key[2], struct rm_str s);

#endif
