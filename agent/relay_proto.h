/*
 * How a process joins the relay that `remora run` hosts: one SOCK_SEQPACKET exchange on a Unix
 * socket, after which both hold the same memory and the process keeps no descriptor.
 *
 *   REMORA_RELAY=<absolute socket path>,<32 hex digits of token>
 *   process -> relay: struct rm_relay_hello, with the segment's memfd (sealed: no shrink, no grow)
 *   relay -> process: struct rm_relay_welcome, with the memfd of the relay's doorbell page, behind which, where
 *                     the relay fetches sampling rules, those are: struct rm_relay_page
 *
 * The name of the socket is as secret as the token: it cannot be listed, and is not the one that it
 * was bound to. The relay admits a peer that knows the token and whose uid (SO_PEERCRED) is the relay's own, or
 * anything when the relay runs as root: servers drop privileges. A hello that is refused gets no
 * answer, only a closed socket. The process in its turn says hello only to a relay of its own uid or
 * of root, and says in the segment whether it goes by the answer (`reader`): the relay reads only then,
 * or when the process died before it could. From then on the relay treats the segment as untrusted
 * bytes. When it ends before the process does, it says so in the doorbell page, and reads no more.
 */
#ifndef RM_AGENT_RELAY_PROTO_H
#define RM_AGENT_RELAY_PROTO_H

#include <stdint.h>

#include "agent/rules.h"
#include "base/segment.h"

enum { RM_RELAY_ABI = 2, RM_RELAY_TOKEN_BYTES = 16 };
#define RM_RELAY_MAGIC 0x796c6572u /* "rely" */

struct rm_relay_hello {
	uint32_t magic;
	uint32_t abi;           /* RM_RELAY_ABI */
	uint32_t segment_abi;   /* RM_SEGMENT_ABI */
	uint32_t segment_bytes; /* sizeof(struct rm_segment) */
	uint8_t token[RM_RELAY_TOKEN_BYTES];
};

struct rm_relay_welcome {
	uint32_t magic;
	uint32_t abi;
};

/* The processes read the rules and count by them; only the relay writes them. */
struct rm_relay_page {
	struct rm_doorbell bell;
	_Alignas(64) struct rm_rules rules;
};

#endif
