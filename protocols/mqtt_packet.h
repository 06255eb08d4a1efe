/*
 * Packets of MQTT 3.1, 3.1.1 and 5: their lengths, the properties of version 5, and the head of a PUBLISH with more of them.
 * Context: any, signal-safe.
 * Spec: MQTT Version 5.0, sections 1.5, 2.1.4 and 2.2.2.
 */
#ifndef RM_PROTOCOLS_MQTT_PACKET_H
#define RM_PROTOCOLS_MQTT_PACKET_H

#include "protocols/proto.h"

enum rm_mqtt_type {
	RM_MQTT_CONNECT = 1, RM_MQTT_CONNACK, RM_MQTT_PUBLISH, RM_MQTT_PUBACK, RM_MQTT_PUBREC, RM_MQTT_PUBREL,
	RM_MQTT_PUBCOMP, RM_MQTT_SUBSCRIBE, RM_MQTT_AUTH = 15,
};

enum { RM_MQTT_FIELDS = 32, RM_MQTT_LENGTH_MAX = 268435455, RM_MQTT_VERSION_5 = 5 };

/* A number of one to four bytes. Returns how many they are: 0 when it is not whole, -1 when it is none. */
int rm_mqtt_varint(struct rm_str bytes, uint32_t *ret);

/* What properties tell; the fields are user properties that may carry context. */
struct rm_mqtt_properties {
	struct rm_field fields[RM_MQTT_FIELDS];
	uint32_t count;
	uint32_t max_packet;    /* 0: not told */
	uint16_t topic_alias;   /* 0: none */
	struct rm_str client;   /* the name that the server gave */
	bool whole;             /* they can be read, and all such fields are there */
};

void rm_mqtt_properties_read(struct rm_str properties, struct rm_mqtt_properties *ret);

/* A PUBLISH, as far as it is not the payload. */
struct rm_mqtt_publish {
	uint32_t fixed_bytes;   /* type, flags and length */
	uint32_t left;          /* bytes of the packet behind these */
	uint8_t qos;
	struct rm_str topic;
	uint16_t id;            /* of the packet, with QoS 1 and 2 */
	uint32_t properties_at; /* of version 5: their length, counted from the packet's first byte; 0: none */
	struct rm_str properties;
	uint32_t head_bytes;    /* all up to the payload */
};

/*
 * Reads what is here of a PUBLISH. Returns how many bytes at least are needed to go on, 0 when the head is whole, -1 when it is
 * none. Ownership: slices of `bytes`.
 */
int64_t rm_mqtt_publish_read(struct rm_str bytes, bool version_5, struct rm_mqtt_publish *ret);

struct rm_mqtt_envelope {
	struct rm_envelope base;
	const struct rm_mqtt_publish *publish;
};

enum { RM_MQTT_EXTRA_BYTES = 6 /* lengths that need more bytes */ };

/* rm_envelope.put and write. */
void rm_mqtt_put(struct rm_strbuf *out, struct rm_str name, struct rm_str value);
bool rm_mqtt_write(const struct rm_envelope *envelope, struct rm_str fields, struct rm_strbuf *out);

#endif
