// JDBC as its users use it: prepared statements, a batch, a result read in steps, an error.
// Usage: Main JDBC-URL
import java.sql.*;

public class Main {
	public static void main(String[] args) throws Exception {
		try (Connection c = DriverManager.getConnection(args[0])) {
			try (PreparedStatement s = c.prepareStatement("SELECT ?::int + 1")) {
				for (int i = 0; i < 8; i++) { // by name from the fifth on
					s.setInt(1, i);
					ResultSet r = s.executeQuery();
					r.next();
					System.out.print(r.getInt(1) + " ");
				}
			}
			c.setAutoCommit(false);
			try (PreparedStatement s = c.prepareStatement("INSERT INTO orders (id, note) VALUES (?, ?)")) {
				for (int i = 0; i < 20; i++) {
					s.setInt(1, 100 + i);
					s.setString(2, "hunter2");
					s.addBatch();
				}
				System.out.print(s.executeBatch().length + " ");
			}
			c.commit();
			try (PreparedStatement s = c.prepareStatement("SELECT id FROM orders")) {
				int n = 0;
				s.setFetchSize(8);
				for (ResultSet r = s.executeQuery(); r.next();)
					n++;
				System.out.print(n + " ");
			}
			try (Statement s = c.createStatement()) {
				s.executeQuery("SELECT * FROM nowhere");
			} catch (SQLException e) {
				System.out.println(e.getSQLState());
			}
			c.rollback();
		}
	}
}
