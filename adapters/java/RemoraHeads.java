package java.util.concurrent;

import java.util.List;
import java.util.Map;
import sun.net.www.MessageHeader;

/** What heads of requests are like, and whether they take a header more: see Remora. */
final class RemoraHeads {
	/* A head that is larger, or may be, stays as it is: servers have limits. */
	private static final int FIELDS_MAX = 90, BYTES_MAX = 3500;

	private static int bytes(Object text) {
		return text instanceof String ? ((String) text).length() + 4 : 4;
	}

	/** Of a map from names to lists of values that was asked for before it is changed. */
	static boolean hasRoom(Map<?, ?> headers) {
		int fields = 0, bytes = 0;
		for (Map.Entry<?, ?> field : headers.entrySet()) {
			for (Object value : (List<?>) field.getValue()) {
				bytes += bytes(field.getKey()) + bytes(value);
				if (++fields > FIELDS_MAX || bytes > BYTES_MAX)
					return false;
			}
		}
		return !headers.containsKey("traceparent");
	}

	/** Of HttpURLConnection, whose first field is the request line. */
	static boolean takesIt(MessageHeader head) {
		String line = head.getKey(0);
		if (line == null || line.startsWith("CONNECT ") || head.findValue("traceparent") != null)
			return false;
		int fields = 0, bytes = 0;
		while (fields < FIELDS_MAX && head.getKey(fields) != null) {
			bytes += bytes(head.getKey(fields)) + bytes(head.getValue(fields));
			fields++;
		}
		return fields < FIELDS_MAX && bytes < BYTES_MAX;
	}

	/** Is a class a request, as it is read or written? */
	private static final class Requests extends ClassValue<Boolean> {
		@Override
		protected Boolean computeValue(Class<?> c) {
			for (; c != null; c = c.getSuperclass())
				for (Class<?> one : c.getInterfaces())
					if (one.getName().equals("io.netty.handler.codec.http.HttpRequest") ||
					    one.getName().startsWith("io.netty.") && computeValue(one))
						return Boolean.TRUE;
			return Boolean.FALSE;
		}
	}

	private static final Requests REQUESTS = new Requests();

	/** One more line of a head that is being made: true, if it may yet get ours. */
	static boolean grows(RemoraTasks.Held held, CharSequence name, CharSequence value) {
		held.bytes += name.length() + value.length() + 4;
		return held.bytes < BYTES_MAX && !name.toString().equalsIgnoreCase("traceparent");
	}

	static boolean isRequest(Object message) {
		return message != null && REQUESTS.get(message.getClass());
	}

	private RemoraHeads() {
	}
}
