// Kafka as Java programs use it.
// Main publish SERVER N [COMPRESSION]   sends N messages to orders, every third with a header, and a long one
// Main receive SERVER N                 prints, of the first N messages, how many there were and the bytes of them
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;

class Main {
	private static Properties settings(String server, String name) {
		Properties p = new Properties();
		p.put("bootstrap.servers", server);
		p.put("client.id", name);
		p.put("key.serializer", "org.apache.kafka.common.serialization.ByteArraySerializer");
		p.put("value.serializer", "org.apache.kafka.common.serialization.ByteArraySerializer");
		p.put("key.deserializer", "org.apache.kafka.common.serialization.ByteArrayDeserializer");
		p.put("value.deserializer", "org.apache.kafka.common.serialization.ByteArrayDeserializer");
		return p;
	}

	private static void publish(String server, int count, String compression) throws Exception {
		Properties p = settings(server, "sender");
		p.put("compression.type", compression);
		p.put("linger.ms", "5");
		try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(p)) {
			for (int i = 0; i < count; i++) {
				byte[] value = ("hello " + i).getBytes(StandardCharsets.UTF_8);
				ProducerRecord<byte[], byte[]> record = new ProducerRecord<>("orders", value);
				if (i % 3 == 0)
					record.headers().add("kind", "note".getBytes(StandardCharsets.UTF_8));
				producer.send(record);
				if (i % 7 == 0)
					producer.flush();
			}
			producer.flush();
			producer.send(new ProducerRecord<>("orders", new byte[200000])).get();
		}
	}

	private static void receive(String server, int count) {
		Properties p = settings(server, "receiver");
		p.put("group.id", "workers");
		p.put("auto.offset.reset", "earliest");
		int got = 0, bytes = 0, kinds = 0;
		try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(p)) {
			consumer.subscribe(List.of("orders"));
			while (got < count) {
				for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofSeconds(1))) {
					got++;
					bytes += record.value().length;
					kinds += record.headers().lastHeader("kind") != null ? 1 : 0;
				}
			}
		}
		System.out.println(got + " " + bytes + " " + kinds);
	}

	public static void main(String[] a) throws Exception {
		if (a[0].equals("publish"))
			publish(a[1], Integer.parseInt(a[2]), a.length > 3 ? a[3] : "none");
		else
			receive(a[1], Integer.parseInt(a[2]));
	}
}
