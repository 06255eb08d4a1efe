/* Names of programs, from their command lines. */
#include "agent/program.h"

#include "tests/rmtest.h"

static struct rm_program program;

/* Splits a command line at blanks. */
static struct rm_str name_of(const char *line)
{
	char copy[1024], *argv[80], *save = NULL;
	int argc = 0;

	RM_CHECK(strlen(line) < sizeof(copy));
	strcpy(copy, line);
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	rm_program_copy(&program, argc, argv);
	return rm_program_name(&program);
}

struct row {
	const char *line, *name;
};

static void check(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		RM_CHECK_STR(name_of(rows[i].line), rows[i].name);
}
#define CHECK(rows) check(rows, sizeof(rows) / sizeof(rows[0]))

RM_TEST("a plain executable is called after its file")
{
	static const struct row rows[] = {
		{ "nginx -g daemon", "nginx" },
		{ "/usr/sbin/apache2 -k start", "apache2" },
		{ "./shop --port 1", "shop" },
		{ "-bash", "bash" },
		{ "/usr/sbin/php-fpm8.2 -F", "php-fpm" },
		{ "/opt/app2.1", "app2.1" },
	};

	CHECK(rows);
	rm_program_copy(&program, 1, (char *[]){ "php-fpm: pool www" });
	RM_CHECK_STR(rm_program_name(&program), "php-fpm");
	rm_program_copy(&program, 1, (char *[]){ "nginx: master process /usr/sbin/nginx" });
	RM_CHECK_STR(rm_program_name(&program), "nginx");
	rm_program_copy(&program, 0, NULL);
	RM_CHECK_STR(rm_program_name(&program), "unknown_service");
}

RM_TEST("Python programs are called after the script or module")
{
	static const struct row rows[] = {
		{ "python3 app.py", "app" },
		{ "/usr/bin/python3.11 -u -X dev -W ignore /srv/shop.py --x", "shop" },
		{ "python -Wignore -Xdev a.py", "a" },
		{ "python3 -m http.server 8000", "http.server" },
		{ "python3 -um http.server", "http.server" },
		{ "python3 -mhttp.server", "http.server" },
		{ "python3 -c pass x.py", "python3" },
		{ "python3 -uc pass x.py", "python3" },
		{ "python3", "python3" },
		{ "python3 -", "python3" },
		{ "python3 -V", "python3" },
		{ "python3 /srv/shop/__main__.py", "shop" },
		{ "python3 /srv/shop/", "shop" },
		{ "python3 .", "python3" },
		{ "python3 -- -x.py", "-x" },
		{ "python3 --check-hash-based-pycs always a.py", "a" },
		{ "pypy3 a.py", "a" },
		{ "python3 /usr/local/bin/certbot renew", "certbot" },
		{ "python3 -W", "python3" },
	};

	CHECK(rows);
}

RM_TEST("Python application servers are called after their application")
{
	static const struct row rows[] = {
		{ "python3 /usr/bin/gunicorn shop.wsgi:app", "shop" },
		{ "/venv/bin/python /venv/bin/gunicorn -w 4 -b 127.0.0.1:8000 app:app", "app" },
		{ "python3 gunicorn -b unix:/run/x.sock -b [::1]:80 -k gthread app:create_app()",
		  "app" },
		{ "python3 gunicorn -b localhost:8000 --access-logfile - shop.wsgi:app --reload",
		  "shop" },
		{ "python3 gunicorn -c python:conf shop:app", "shop" },
		{ "python3 gunicorn -w 4 shop.wsgi", "shop" },
		{ "python3 gunicorn shop", "shop" },
		{ "python3 gunicorn -c conf.py", "gunicorn" },
		{ "python3 gunicorn -k gevent", "gunicorn" },
		{ "python3 gunicorn", "gunicorn" },
		{ "python3 -m gunicorn app:app", "app" },
		{ "python3 /usr/bin/uvicorn api.main:app --port 1", "api" },
		{ "python3 -m uvicorn main:app", "main" },
		{ "python3 hypercorn x.y:z", "x" },
		{ "python3 /usr/bin/flask --app shop run", "shop" },
		{ "python3 -m flask --app=shop.py run", "shop" },
		{ "python3 flask run", "flask" },
		{ "python3 celery -A proj.tasks worker", "proj" },
		{ "python3 client.py a:b", "client" },
	};

	CHECK(rows);
}

RM_TEST("Node programs are called after the script")
{
	static const struct row rows[] = {
		{ "node server.js", "server" },
		{ "/usr/bin/node dist/server.js", "server" },
		{ "nodejs -r dotenv/config --inspect --import ./x.mjs app.cjs -r", "app" },
		{ "node --require ./t.js --max-old-space-size=100 a.ts", "a" },
		{ "node -e code", "node" },
		{ "node -p 1", "node" },
		{ "node --eval code x.js", "node" },
		{ "node .", "node" },
		{ "node /usr/bin/npm start", "npm" },
		{ "node", "node" },
	};

	CHECK(rows);
}

RM_TEST("Java programs are called after the archive or class")
{
	static const struct row rows[] = {
		{ "java -jar x-1.2.jar", "x" },
		{ "java -Xmx1g -jar /srv/shop-service-1.2.3-SNAPSHOT.jar --p", "shop-service" },
		{ "java a.b.Main", "Main" },
		{ "/usr/lib/jvm/j/bin/java -cp a:b.jar -Dx=y -ea com.shop.Main x", "Main" },
		{ "java --module-path mods -m com.shop/com.shop.Main", "Main" },
		{ "java -m com.shop", "shop" },
		{ "java Hello.java", "Hello" },
		{ "java -jar app.war", "app" },
		{ "java -version", "java" },
		{ "java -classpath x --add-opens a/b=c Main", "Main" },
	};

	CHECK(rows);
}

RM_TEST("Ruby, Perl and PHP programs are called after the script")
{
	static const struct row rows[] = {
		{ "ruby -I lib -rjson -w app.rb", "app" },
		{ "ruby3.1 -Ilib /usr/bin/puma -C c.rb", "puma" },
		{ "ruby -e 1 x", "ruby" },
		{ "ruby -C /srv -r json a.rb", "a" },
		{ "perl -I lib -MJSON -w app.pl", "app" },
		{ "perl -e 1", "perl" },
		{ "perl -ne print x.pl", "perl" },
		{ "perl -Ilib script", "script" },
		{ "php -S 0.0.0.0:80 -t public router.php", "router" },
		{ "php -S localhost:80 -t public", "php" },
		{ "php -S localhost:80", "php" },
		{ "php artisan serve", "artisan" },
		{ "php8.2 -d a=b -f job.php", "job" },
		{ "php -r code", "php" },
		{ "php -c x.ini -n a.php", "a" },
	};

	CHECK(rows);
}

RM_TEST("the copy outlives the arguments and keeps to its limits")
{
	char room[300] = "python3", *argv[RM_ARGV_MAX + 3];

	for (int i = 0; i < RM_ARGV_MAX + 3; i++)
		argv[i] = room;
	rm_program_copy(&program, RM_ARGV_MAX + 3, argv);
	room[0] = 'x';
	RM_CHECK(program.arg_count == RM_ARGV_MAX);
	RM_CHECK_STR(rm_program_arg(&program, RM_ARGV_MAX - 1), "python3");
	RM_CHECK(rm_program_arg(&program, RM_ARGV_MAX).n == 0);
	memset(room, 'a', sizeof(room) - 1);
	rm_program_copy(&program, RM_ARGV_MAX, argv);
	RM_CHECK(program.arg_count == RM_ARGV_BYTES / RM_ARG_BYTES);
	RM_CHECK(rm_program_arg(&program, 0).n == RM_ARG_BYTES - 1 &&
		 strlen(program.exe) == RM_ARG_BYTES - 1);
	rm_program_copy(&program, 5, (char *[]){ "a", NULL });
	RM_CHECK(program.arg_count == 1);
}

RM_TEST("runtimes are named where the executable tells")
{
	name_of("/usr/bin/python3.11 x.py");
	RM_CHECK_STR(rm_program_runtime(&program), "cpython");
	name_of("node x.js");
	RM_CHECK_STR(rm_program_runtime(&program), "nodejs");
	name_of("java X");
	RM_CHECK(rm_program_runtime(&program).n == 0);
	name_of("nginx");
	RM_CHECK(rm_program_runtime(&program).n == 0);
}
