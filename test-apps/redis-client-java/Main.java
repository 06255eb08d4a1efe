// Redis as Java programs use it, with jedis: commands, a pipeline, a transaction, a script, a pool of threads, a subscription, an
// error. Usage: Main PORT
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.JedisPool;
import redis.clients.jedis.JedisPubSub;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.Transaction;
import redis.clients.jedis.exceptions.JedisDataException;

class Main {
	private static void commands(Jedis jedis) {
		jedis.set("key", "hunter2");
		System.out.println(jedis.get("key"));
		Pipeline pipeline = jedis.pipelined();
		for (int i = 0; i < 100; i++)
			pipeline.incr("count" + i % 10);
		System.out.println(pipeline.syncAndReturnAll().size());
		Transaction transaction = jedis.multi();
		transaction.incr("a");
		transaction.lpush("list", "hunter2", "hunter3");
		System.out.println(transaction.exec());
		System.out.println(jedis.eval("return redis.call('get', KEYS[1])", 1, "key"));
		try {
			jedis.lpush("key", "x");
		} catch (JedisDataException error) {
			System.out.println(error.getMessage().split(" ")[0]);
		}
		jedis.set("large", "x".repeat(1000000));
		System.out.println(jedis.get("large").length());
		System.out.println(jedis.blpop(1, "nothing"));
	}

	private static void threads(JedisPool pool) throws Exception {
		List<Thread> threads = new ArrayList<>();
		for (int i = 0; i < 4; i++) {
			Thread thread = new Thread(() -> {
				for (int k = 0; k < 25; k++)
					try (Jedis jedis = pool.getResource()) {
						jedis.incr("shared");
					}
			});
			thread.start();
			threads.add(thread);
		}
		for (Thread thread : threads)
			thread.join();
	}

	private static void subscription(JedisPool pool) throws Exception {
		CountDownLatch ready = new CountDownLatch(1);
		Thread thread = new Thread(() -> {
			try (Jedis jedis = pool.getResource()) {
				jedis.subscribe(new JedisPubSub() {
					public void onSubscribe(String channel, int count) {
						ready.countDown();
					}

					public void onMessage(String channel, String message) {
						System.out.println(message);
						unsubscribe(channel);
					}
				}, "news");
			}
		});
		thread.start();
		ready.await();
		try (Jedis jedis = pool.getResource()) {
			jedis.publish("news", "hello");
		}
		thread.join();
	}

	public static void main(String[] a) throws Exception {
		try (JedisPool pool = new JedisPool("127.0.0.1", Integer.parseInt(a[0]))) {
			try (Jedis jedis = pool.getResource()) {
				commands(jedis);
			}
			threads(pool);
			subscription(pool);
			try (Jedis jedis = pool.getResource()) {
				System.out.println(jedis.get("shared"));
			}
		}
	}
}
