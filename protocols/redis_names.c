/*
 * Which words are commands. Only these are ever shown: another first word may be anything, a password
 * that was typed or a command that an administrator renamed to a secret.
 * Context: any; constant. Spec: the command references of Redis 8, Valkey 8 and the modules of Redis Stack.
 */
#include "protocols/redis_names.h"

#include "base/bytes.h"
#include "base/str.h"

/* In the order of their bytes. */
static const struct rm_redis_name names[] = {
	{ "ACL", 0 }, { "APPEND", 0 }, { "ASKING", 0 }, { "AUTH", 0 }, { "BF.ADD", 0 },
	{ "BF.CARD", 0 }, { "BF.EXISTS", 0 }, { "BF.INFO", 0 }, { "BF.INSERT", 0 },
	{ "BF.MADD", 0 }, { "BF.MEXISTS", 0 }, { "BF.RESERVE", 0 }, { "BGREWRITEAOF", 0 },
	{ "BGSAVE", 0 }, { "BITCOUNT", 0 }, { "BITFIELD", 0 }, { "BITFIELD_RO", 0 },
	{ "BITOP", 0 }, { "BITPOS", 0 }, { "BLMOVE", 0 }, { "BLMPOP", 0 }, { "BLPOP", 0 },
	{ "BRPOP", 0 }, { "BRPOPLPUSH", 0 }, { "BZMPOP", 0 }, { "BZPOPMAX", 0 },
	{ "BZPOPMIN", 0 }, { "CF.ADD", 0 }, { "CF.ADDNX", 0 }, { "CF.COUNT", 0 }, { "CF.DEL", 0 },
	{ "CF.EXISTS", 0 }, { "CF.INFO", 0 }, { "CF.INSERT", 0 }, { "CF.RESERVE", 0 },
	{ "CLIENT", RM_REDIS_CLIENT }, { "CLUSTER", 0 }, { "CMS.INCRBY", 0 },
	{ "CMS.INITBYDIM", 0 }, { "CMS.INITBYPROB", 0 }, { "CMS.MERGE", 0 }, { "CMS.QUERY", 0 },
	{ "COMMAND", 0 }, { "CONFIG", 0 }, { "COPY", 0 }, { "DBSIZE", 0 }, { "DEBUG", 0 },
	{ "DECR", 0 }, { "DECRBY", 0 }, { "DEL", 0 }, { "DELEX", 0 }, { "DELIFEQ", 0 },
	{ "DIGEST", 0 }, { "DISCARD", RM_REDIS_DISCARD }, { "DUMP", 0 }, { "ECHO", 0 },
	{ "EVAL", 0 }, { "EVALSHA", 0 }, { "EVALSHA_RO", 0 }, { "EVAL_RO", 0 },
	{ "EXEC", RM_REDIS_EXEC }, { "EXISTS", 0 }, { "EXPIRE", 0 }, { "EXPIREAT", 0 },
	{ "EXPIRETIME", 0 }, { "FAILOVER", 0 }, { "FCALL", 0 }, { "FCALL_RO", 0 },
	{ "FLUSHALL", 0 }, { "FLUSHDB", 0 }, { "FT.AGGREGATE", 0 }, { "FT.ALIASADD", 0 },
	{ "FT.ALIASDEL", 0 }, { "FT.ALIASUPDATE", 0 }, { "FT.ALTER", 0 }, { "FT.CONFIG", 0 },
	{ "FT.CREATE", 0 }, { "FT.CURSOR", 0 }, { "FT.DICTADD", 0 }, { "FT.DICTDEL", 0 },
	{ "FT.DICTDUMP", 0 }, { "FT.DROPINDEX", 0 }, { "FT.EXPLAIN", 0 }, { "FT.INFO", 0 },
	{ "FT.PROFILE", 0 }, { "FT.SEARCH", 0 }, { "FT.SPELLCHECK", 0 }, { "FT.SUGADD", 0 },
	{ "FT.SUGDEL", 0 }, { "FT.SUGGET", 0 }, { "FT.SUGLEN", 0 }, { "FT.SYNDUMP", 0 },
	{ "FT.SYNUPDATE", 0 }, { "FT.TAGVALS", 0 }, { "FT._LIST", 0 }, { "FUNCTION", 0 },
	{ "GEOADD", 0 }, { "GEODIST", 0 }, { "GEOHASH", 0 }, { "GEOPOS", 0 }, { "GEORADIUS", 0 },
	{ "GEORADIUSBYMEMBER", 0 }, { "GEORADIUSBYMEMBER_RO", 0 }, { "GEORADIUS_RO", 0 },
	{ "GEOSEARCH", 0 }, { "GEOSEARCHSTORE", 0 }, { "GET", 0 }, { "GETBIT", 0 },
	{ "GETDEL", 0 }, { "GETEX", 0 }, { "GETRANGE", 0 }, { "GETSET", 0 },
	{ "GRAPH.DELETE", 0 }, { "GRAPH.EXPLAIN", 0 }, { "GRAPH.PROFILE", 0 },
	{ "GRAPH.QUERY", 0 }, { "GRAPH.RO_QUERY", 0 }, { "HDEL", 0 }, { "HELLO", RM_REDIS_HELLO },
	{ "HEXISTS", 0 }, { "HEXPIRE", 0 }, { "HEXPIREAT", 0 }, { "HEXPIRETIME", 0 },
	{ "HGET", 0 }, { "HGETALL", 0 }, { "HGETDEL", 0 }, { "HGETEX", 0 }, { "HINCRBY", 0 },
	{ "HINCRBYFLOAT", 0 }, { "HKEYS", 0 }, { "HLEN", 0 }, { "HMGET", 0 }, { "HMSET", 0 },
	{ "HPERSIST", 0 }, { "HPEXPIRE", 0 }, { "HPEXPIREAT", 0 }, { "HPEXPIRETIME", 0 },
	{ "HPTTL", 0 }, { "HRANDFIELD", 0 }, { "HSCAN", 0 }, { "HSET", 0 }, { "HSETEX", 0 },
	{ "HSETNX", 0 }, { "HSTRLEN", 0 }, { "HTTL", 0 }, { "HVALS", 0 }, { "INCR", 0 },
	{ "INCRBY", 0 }, { "INCRBYFLOAT", 0 }, { "INFO", 0 }, { "JSON.ARRAPPEND", 0 },
	{ "JSON.ARRINDEX", 0 }, { "JSON.ARRINSERT", 0 }, { "JSON.ARRLEN", 0 },
	{ "JSON.ARRPOP", 0 }, { "JSON.ARRTRIM", 0 }, { "JSON.CLEAR", 0 }, { "JSON.DEL", 0 },
	{ "JSON.FORGET", 0 }, { "JSON.GET", 0 }, { "JSON.MERGE", 0 }, { "JSON.MGET", 0 },
	{ "JSON.MSET", 0 }, { "JSON.NUMINCRBY", 0 }, { "JSON.NUMMULTBY", 0 },
	{ "JSON.OBJKEYS", 0 }, { "JSON.OBJLEN", 0 }, { "JSON.SET", 0 }, { "JSON.STRAPPEND", 0 },
	{ "JSON.STRLEN", 0 }, { "JSON.TOGGLE", 0 }, { "JSON.TYPE", 0 }, { "KEYS", 0 },
	{ "LASTSAVE", 0 }, { "LATENCY", 0 }, { "LCS", 0 }, { "LINDEX", 0 }, { "LINSERT", 0 },
	{ "LLEN", 0 }, { "LMOVE", 0 }, { "LMPOP", 0 }, { "LOLWUT", 0 }, { "LPOP", 0 },
	{ "LPOS", 0 }, { "LPUSH", 0 }, { "LPUSHX", 0 }, { "LRANGE", 0 }, { "LREM", 0 },
	{ "LSET", 0 }, { "LTRIM", 0 }, { "MEMORY", 0 }, { "MGET", 0 }, { "MIGRATE", 0 },
	{ "MODULE", 0 }, { "MONITOR", RM_REDIS_STREAMS }, { "MOVE", 0 }, { "MSET", 0 },
	{ "MSETEX", 0 }, { "MSETNX", 0 }, { "MULTI", RM_REDIS_MULTI }, { "OBJECT", 0 },
	{ "PERSIST", 0 }, { "PEXPIRE", 0 }, { "PEXPIREAT", 0 }, { "PEXPIRETIME", 0 },
	{ "PFADD", 0 }, { "PFCOUNT", 0 }, { "PFDEBUG", 0 }, { "PFMERGE", 0 }, { "PFSELFTEST", 0 },
	{ "PING", 0 }, { "PSETEX", 0 }, { "PSUBSCRIBE", RM_REDIS_SUBSCRIBE },
	{ "PSYNC", RM_REDIS_STREAMS }, { "PTTL", 0 }, { "PUBLISH", 0 }, { "PUBSUB", 0 },
	{ "PUNSUBSCRIBE", RM_REDIS_UNSUBSCRIBE }, { "QUIT", 0 }, { "RANDOMKEY", 0 },
	{ "READONLY", 0 }, { "READWRITE", 0 }, { "RENAME", 0 }, { "RENAMENX", 0 },
	{ "REPLCONF", RM_REDIS_STREAMS }, { "REPLICAOF", 0 }, { "RESET", RM_REDIS_RESET },
	{ "RESTORE", 0 }, { "RESTORE-ASKING", 0 }, { "ROLE", 0 }, { "RPOP", 0 },
	{ "RPOPLPUSH", 0 }, { "RPUSH", 0 }, { "RPUSHX", 0 }, { "SADD", 0 }, { "SAVE", 0 },
	{ "SCAN", 0 }, { "SCARD", 0 }, { "SCRIPT", 0 }, { "SDIFF", 0 }, { "SDIFFSTORE", 0 },
	{ "SELECT", RM_REDIS_SELECT }, { "SET", 0 }, { "SETBIT", 0 }, { "SETEX", 0 },
	{ "SETNX", 0 }, { "SETRANGE", 0 }, { "SHUTDOWN", 0 }, { "SINTER", 0 },
	{ "SINTERCARD", 0 }, { "SINTERSTORE", 0 }, { "SISMEMBER", 0 }, { "SLAVEOF", 0 },
	{ "SLOWLOG", 0 }, { "SMEMBERS", 0 }, { "SMISMEMBER", 0 }, { "SMOVE", 0 }, { "SORT", 0 },
	{ "SORT_RO", 0 }, { "SPOP", 0 }, { "SPUBLISH", 0 }, { "SRANDMEMBER", 0 }, { "SREM", 0 },
	{ "SSCAN", 0 }, { "SSUBSCRIBE", RM_REDIS_SUBSCRIBE }, { "STRLEN", 0 },
	{ "SUBSCRIBE", RM_REDIS_SUBSCRIBE }, { "SUBSTR", 0 }, { "SUNION", 0 },
	{ "SUNIONSTORE", 0 }, { "SUNSUBSCRIBE", RM_REDIS_UNSUBSCRIBE }, { "SWAPDB", 0 },
	{ "SYNC", RM_REDIS_STREAMS }, { "TIME", 0 }, { "TOPK.ADD", 0 }, { "TOPK.LIST", 0 },
	{ "TOPK.QUERY", 0 }, { "TOPK.RESERVE", 0 }, { "TOUCH", 0 }, { "TS.ADD", 0 },
	{ "TS.ALTER", 0 }, { "TS.CREATE", 0 }, { "TS.CREATERULE", 0 }, { "TS.DECRBY", 0 },
	{ "TS.DEL", 0 }, { "TS.DELETERULE", 0 }, { "TS.GET", 0 }, { "TS.INCRBY", 0 },
	{ "TS.INFO", 0 }, { "TS.MADD", 0 }, { "TS.MGET", 0 }, { "TS.MRANGE", 0 },
	{ "TS.MREVRANGE", 0 }, { "TS.QUERYINDEX", 0 }, { "TS.RANGE", 0 }, { "TS.REVRANGE", 0 },
	{ "TTL", 0 }, { "TYPE", 0 }, { "UNLINK", 0 }, { "UNSUBSCRIBE", RM_REDIS_UNSUBSCRIBE },
	{ "UNWATCH", 0 }, { "VADD", 0 }, { "VCARD", 0 }, { "VDIM", 0 }, { "VEMB", 0 },
	{ "VGETATTR", 0 }, { "VINFO", 0 }, { "VLINKS", 0 }, { "VRANDMEMBER", 0 }, { "VREM", 0 },
	{ "VSETATTR", 0 }, { "VSIM", 0 }, { "WAIT", 0 }, { "WAITAOF", 0 }, { "WATCH", 0 },
	{ "XACK", 0 }, { "XACKDEL", 0 }, { "XADD", 0 }, { "XAUTOCLAIM", 0 }, { "XCLAIM", 0 },
	{ "XDEL", 0 }, { "XDELEX", 0 }, { "XGROUP", 0 }, { "XINFO", 0 }, { "XLEN", 0 },
	{ "XPENDING", 0 }, { "XRANGE", 0 }, { "XREAD", 0 }, { "XREADGROUP", 0 },
	{ "XREVRANGE", 0 }, { "XSETID", 0 }, { "XTRIM", 0 }, { "ZADD", 0 }, { "ZCARD", 0 },
	{ "ZCOUNT", 0 }, { "ZDIFF", 0 }, { "ZDIFFSTORE", 0 }, { "ZINCRBY", 0 }, { "ZINTER", 0 },
	{ "ZINTERCARD", 0 }, { "ZINTERSTORE", 0 }, { "ZLEXCOUNT", 0 }, { "ZMPOP", 0 },
	{ "ZMSCORE", 0 }, { "ZPOPMAX", 0 }, { "ZPOPMIN", 0 }, { "ZRANDMEMBER", 0 },
	{ "ZRANGE", 0 }, { "ZRANGEBYLEX", 0 }, { "ZRANGEBYSCORE", 0 }, { "ZRANGESTORE", 0 },
	{ "ZRANK", 0 }, { "ZREM", 0 }, { "ZREMRANGEBYLEX", 0 }, { "ZREMRANGEBYRANK", 0 },
	{ "ZREMRANGEBYSCORE", 0 }, { "ZREVRANGE", 0 }, { "ZREVRANGEBYLEX", 0 },
	{ "ZREVRANGEBYSCORE", 0 }, { "ZREVRANK", 0 }, { "ZSCAN", 0 }, { "ZSCORE", 0 },
	{ "ZUNION", 0 }, { "ZUNIONSTORE", 0 },
};

/* Where the names of each letter begin, A to Z; and their end. tests/unit/test_redis.c has it that all are found. */
static const uint16_t letters[26 + 1] = {
	0, 4, 27, 45, 55, 65, 96, 117, 146, 150, 172, 173, 190, 200, 200, 201, 218, 219, 234, 273,
	298, 301, 312, 315, 332, 332, 364,
};

_Static_assert(sizeof(names) / sizeof(*names) == 364, "as the letters say");

/* The first bytes as a number that orders as the names do; of the word small letters count as capitals. */
static uint64_t key_of(const char *p, size_t n)
{
	uint64_t word = n < 8 ? rm_bytes_few(p, n) : rm_bytes_word(p);

	return __builtin_bswap64(word & ~(RM_BYTES_ONES * 0x20));
}

const struct rm_redis_name *rm_redis_find(const char *word, size_t n)
{
	size_t from, to;
	uint64_t key;

	if (n == 0 || n >= RM_REDIS_NAME_BYTES || (uint8_t)((word[0] & ~0x20) - 'A') > 'Z' - 'A')
		return NULL;
	from = letters[(word[0] & ~0x20) - 'A'];
	to = letters[(word[0] & ~0x20) - 'A' + 1];
	key = key_of(word, n);
	while (from < to) {
		size_t middle = (from + to) / 2;

		if (key_of(names[middle].name, 8) < key)
			from = middle + 1;
		else
			to = middle;
	}
	/* Other characters may have become the same; and names may differ behind. */
	for (; from < sizeof(names) / sizeof(*names) && key_of(names[from].name, 8) == key; from++)
		if (!names[from].name[n] && rm_str_ieq((struct rm_str){ names[from].name, n }, (struct rm_str){ word, n }))
			return &names[from];
	return NULL;
}

uint16_t rm_redis_number(const struct rm_redis_name *name)
{
	return name ? (uint16_t)(name - names + 1) : 0;
}

const struct rm_redis_name *rm_redis_by_number(uint16_t number)
{
	return number ? &names[number - 1] : NULL;
}
