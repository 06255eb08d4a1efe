import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.lettuce.core.RedisClient;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.async.RedisAsyncCommands;
import java.net.URI;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.concurrent.CompletableFuture;
import redis.clients.jedis.ConnectionPoolConfig;
import redis.clients.jedis.JedisPooled;
import redis.clients.jedis.exceptions.JedisDataException;

/** Drivers of databases. The one at DB refuses each question with a code that is made of the number. */
class Databases {
	interface Question {
		CompletableFuture<Void> ask(int number) throws Exception;
	}

	private static final String NOTE = "return redis.error_reply('Z' .. ARGV[1] .. ' noted')";
	private static Question question;

	static CompletableFuture<Void> ask(String driver, String number) throws Exception {
		Question q = open(driver);
		int n = Integer.parseInt(number);
		CompletableFuture<Void> last = q.ask(n);
		for (int turn = 0; turn < n % 3; turn++)
			last = last.thenCompose(nothing -> {
				try {
					return q.ask(n);
				} catch (Exception e) {
					return CompletableFuture.failedFuture(e);
				}
			});
		return last;
	}

	private static synchronized Question open(String driver) {
		if (question == null)
			question = driver.equals("jedis") ? jedis() : driver.startsWith("lettuce") ? lettuce() : jdbc(driver);
		return question;
	}

	private static String code(int number) {
		return ("000" + Integer.toString(number, 36).toUpperCase()).replaceFirst("^.*(.{4})$", "$1");
	}

	private static CompletableFuture<Void> refused(boolean as_told, Exception e) {
		return as_told ? CompletableFuture.completedFuture(null) : CompletableFuture.failedFuture(e);
	}

	private static Question jdbc(String driver) {
		HikariConfig config = new HikariConfig();
		URI db = URI.create(System.getenv("DB"));
		String[] user = db.getUserInfo() == null ? new String[0] : db.getUserInfo().split(":");
		boolean pg = driver.equals("pg");
		config.setJdbcUrl((pg ? "jdbc:postgresql://" : "jdbc:mariadb://") + db.getHost() + ":" + db.getPort() + db.getPath()
			+ (db.getQuery() == null ? "" : "?" + db.getQuery()));
		if (user.length > 0)
			config.setUsername(user[0]);
		if (user.length > 1)
			config.setPassword(user[1]);
		config.setMaximumPoolSize(4);
		HikariDataSource pool = new HikariDataSource(config);
		return number -> {
			try (Connection c = pool.getConnection();
			     PreparedStatement s = c.prepareStatement(pg ? "SELECT note(?)" : "CALL note(?)")) {
				if (pg)
					s.setString(1, "Z" + code(number));
				else
					s.setInt(1, 20000 + number);
				s.execute();
			} catch (SQLException e) {
				return refused(pg ? e.getSQLState().equals("Z" + code(number)) : e.getErrorCode() == 20000 + number, e);
			}
			throw new IllegalStateException("not refused");
		};
	}

	private static Question jedis() {
		URI db = URI.create(System.getenv("DB"));
		ConnectionPoolConfig four = new ConnectionPoolConfig();
		four.setMaxTotal(4);
		JedisPooled pool = new JedisPooled(four, db.getHost(), db.getPort());
		return number -> {
			try {
				pool.eval(NOTE, 0, code(number));
			} catch (JedisDataException e) {
				return refused(e.getMessage().contains(code(number)), e);
			}
			throw new IllegalStateException("not refused");
		};
	}

	private static Question lettuce() {
		RedisAsyncCommands<String, String> one = RedisClient.create(System.getenv("DB")).connect().async();
		return number -> one.eval(NOTE, ScriptOutputType.INTEGER, new String[0], code(number)).toCompletableFuture()
			.handle((answer, error) -> {
				if (error == null || !error.getMessage().contains(code(number)))
					throw new IllegalStateException(error);
				return null;
			});
	}
}
