// Logs by logback, log4j 2, log4j 1 (as reload4j), java.util.logging, each as it comes, with an exception in the end.
public class Main {
	static final RuntimeException FAULT = new IllegalStateException("as asked", new RuntimeException("the cause"));

	static void logback() {
		org.slf4j.Logger log = org.slf4j.LoggerFactory.getLogger("shop.Main");
		log.debug("x");
		log.info("x");
		log.warn("x");
		log.error("it broke", FAULT);
	}

	static void log4j() {
		org.apache.logging.log4j.core.config.Configurator.initialize(new org.apache.logging.log4j.core.config.DefaultConfiguration());
		org.apache.logging.log4j.core.config.Configurator.setRootLevel(org.apache.logging.log4j.Level.DEBUG);
		org.apache.logging.log4j.Logger log = org.apache.logging.log4j.LogManager.getLogger("shop.Main");
		log.debug("x");
		log.info("x");
		log.warn("x");
		log.fatal("it broke", FAULT);
	}

	static void log4j1() {
		org.apache.log4j.BasicConfigurator.configure();
		org.apache.log4j.Logger log = org.apache.log4j.Logger.getLogger("shop.Main");
		log.debug("x");
		log.info("x");
		log.warn("x");
		log.error("it broke", FAULT);
	}

	static void jul() {
		java.util.logging.Logger log = java.util.logging.Logger.getLogger("shop.Main");
		log.config("x");
		log.info("x");
		log.warning("x");
		log.log(java.util.logging.Level.SEVERE, "it broke", FAULT);
	}

	public static void main(String[] arguments) {
		switch (arguments[0]) {
		case "logback": logback(); break;
		case "log4j": log4j(); break;
		case "log4j1": log4j1(); break;
		case "jul": jul(); break;
		default: throw FAULT;
		}
	}
}
