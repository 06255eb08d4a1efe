import java.io.FileInputStream;
import java.security.KeyStore;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/** With a KEYSTORE the servers speak HTTPS. */
class Keys {
	static final String STORE = System.getenv("KEYSTORE"), PASSWORD = "hunter2";

	static KeyManagerFactory managers() throws Exception {
		KeyStore store = KeyStore.getInstance("PKCS12");
		try (FileInputStream in = new FileInputStream(STORE)) {
			store.load(in, PASSWORD.toCharArray());
		}
		KeyManagerFactory keys = KeyManagerFactory.getInstance("SunX509");
		keys.init(store, PASSWORD.toCharArray());
		return keys;
	}

	static SSLContext context() throws Exception {
		SSLContext context = SSLContext.getInstance("TLS");
		context.init(managers().getKeyManagers(), null, null);
		return context;
	}
}
