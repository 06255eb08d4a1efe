/* What captures cannot say of MQTT: who is recognised, numbers, and packets that end anywhere. */
#include <stdlib.h>

#include "protocols/mqtt_packet.h"
#include "tests/replay/watch.h"
#include "tests/rmtest.h"

extern const struct rm_proto rm_proto_mqtt;

static enum rm_sniff sniff(const char *p, size_t n)
{
	return rm_proto_mqtt.sniff((const uint8_t *)p, n);
}

RM_TEST("each version is recognised by its first packet, and nothing else is")
{
	static const char v5[] = "\x10\x80\x02\0\4MQTT\5", v31[] = "\x10\x14\0\6MQIsdp\3";

	for (size_t n = 1; n < sizeof(v5) - 1; n++)
		RM_CHECK(sniff(v5, n) == RM_SNIFF_MORE);
	RM_CHECK(sniff(v5, sizeof(v5) - 1) == RM_SNIFF_YES && sniff(v31, sizeof(v31) - 1) == RM_SNIFF_YES);
	RM_CHECK(sniff("\x10\x10\0\4MQTT\4", 9) == RM_SNIFF_YES);
	RM_CHECK(sniff("\x10\x10\0\4MQTT\6", 9) == RM_SNIFF_NO && sniff("\x10\x10\0\4MQTT\2", 9) == RM_SNIFF_NO);
	RM_CHECK(sniff("\x10\x09\0\4MQTT\4", 9) == RM_SNIFF_NO && sniff("\x30\x10\0\4MQTT\4", 9) == RM_SNIFF_NO);
	RM_CHECK(sniff("\x10\xff\xff\xff\xff", 5) == RM_SNIFF_NO && sniff("\x10\x10\0\5", 4) == RM_SNIFF_NO);
}

RM_TEST("numbers of one to four bytes")
{
	uint32_t v = 7;

	RM_CHECK(rm_mqtt_varint(RM_STR("\x7f"), &v) == 1 && v == 127);
	RM_CHECK(rm_mqtt_varint(RM_STR("\x80\x01"), &v) == 2 && v == 128);
	RM_CHECK(rm_mqtt_varint(RM_STR("\xff\xff\xff\x7f"), &v) == 4 && v == RM_MQTT_LENGTH_MAX);
	RM_CHECK(rm_mqtt_varint(RM_STR("\xff\xff\xff\xff"), &v) == -1);
	RM_CHECK(rm_mqtt_varint(RM_STR("\xff\xff"), &v) == 0 && rm_mqtt_varint(RM_STR(""), &v) == 0);
}

RM_TEST("a length of properties that goes on behind its packet is none, however much is here")
{
	struct rm_mqtt_publish p;

	RM_CHECK(rm_mqtt_publish_read(RM_STR("\x30\5\0\1t\x80\x80"), true, &p) == -1);
	RM_CHECK(rm_mqtt_publish_read(RM_STR("\x30\5\0\1t\x80\x80\1"), true, &p) == -1);
	RM_CHECK(rm_mqtt_publish_read(RM_STR("\x30\5\0\1t\x80"), true, &p) == 7);
}

RM_TEST("of a packet that goes on, what is needed next; nothing is read past its end")
{
	static const char packet[] = "\x32\x0f\0\1t\0\7\5\x26\0\0\0\0body";
	struct rm_mqtt_publish p;

	for (size_t n = 0; n < 13; n++) {
		char *copy = malloc(n + 1); /* its end is known to sanitizers */
		int64_t need;

		memcpy(copy, packet, n);
		need = rm_mqtt_publish_read((struct rm_str){ copy, n }, true, &p);
		RM_CHECK(need > (int64_t)n && need <= 13);
		free(copy);
	}
	RM_CHECK(rm_mqtt_publish_read((struct rm_str){ packet, 13 }, true, &p) == 0);
	RM_CHECK(p.head_bytes == 13 && p.id == 7 && p.qos == 1 && p.properties.n == 5 && p.left == 15);
	RM_CHECK_STR(p.topic, "t");
}
