// JDBC as its users use it: prepared statements, a batch, a result read in steps, an error.
// Usage: Main JDBC-URL
import java.sql.*;

public class Main {
	public static void main(String[] args) throws Exception {
		try (Connection c = DriverManager.getConnection(args[0], "shop_user", "hunter2")) {
			try (PreparedStatement s = c.prepareStatement("SELECT ? + 1 FROM orders LIMIT 1")) {
				for (int i = 0; i < 8; i++) {
					s.setInt(1, i);
					ResultSet r = s.executeQuery();
					if (r.next())
						System.out.print(r.getInt(1) + " ");
				}
			}
			c.setAutoCommit(false);
			try (PreparedStatement s = c.prepareStatement("INSERT INTO orders (id, note) VALUES (?, ?)")) {
				for (int i = 0; i < 20; i++) {
					s.setInt(1, 100 + i);
					s.setString(2, "it's hunter2");
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
			try (CallableStatement s = c.prepareCall("{call twice()}")) {
				int n = 0;
				for (boolean more = s.execute(); more; more = s.getMoreResults())
					n++;
				System.out.print(n + " ");
			}
			try (Statement s = c.createStatement()) {
				s.executeQuery("SELECT * FROM nowhere");
			} catch (SQLException e) {
				System.out.println(e.getErrorCode());
			}
			c.setCatalog("other");
			c.isValid(5);
			c.createStatement().executeQuery("SELECT 'hunter2'").close();
			c.rollback();
		}
	}
}
