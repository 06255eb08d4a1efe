/*
 * What is read of a shell script is no more than where a command begins, and the words behind `exec` there: quotes are
 * taken off, and a word with anything in it that a shell expands is not known.
 * Spec: execve(2) "Interpreter scripts"; POSIX, Shell Command Language, 2.2 and 2.10.
 */
#include "cli/script.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/locate.h"

enum { TEXT_BYTES = 64 * 1024 };

/* ---- the interpreter ---- */

/* The next blank-separated word of *line, NUL-terminated in place; NULL at its end. */
static char *next_word(char **line)
{
	char *word = *line + strspn(*line, " \t");
	size_t n = strcspn(word, " \t");

	if (n == 0)
		return NULL;
	*line = word + n + (word[n] != '\0');
	word[n] = '\0';
	return word;
}

/* What env(1) would start: the first word that is no option and no assignment. */
static char *after_env(char **line)
{
	char *word;

	while ((word = next_word(line)))
		if (word[0] != '-' && !strchr(word, '='))
			return word;
	return NULL;
}

/* A script is not to write to the terminal. */
static void make_plain(char *text)
{
	for (; *text; text++)
		if (((unsigned char)*text < ' ' && *text != '\t') || *text == '\x7f')
			*text = '?';
}

size_t rm_script_text(const char *path, char *ret, size_t cap)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* what is named may be a FIFO */
	struct stat st;
	ssize_t n = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? pread(fd, ret, cap - 1, 0) : -1;

	if (fd >= 0)
		close(fd);
	n = n < 0 ? 0 : n;
	ret[n] = '\0';
	return (size_t)n;
}

const char *rm_script_interpreter(const char *path, char line[RM_SCRIPT_LINE_BYTES])
{
	size_t n = rm_script_text(path, line, RM_SCRIPT_LINE_BYTES);
	char *word;

	if (n < 3)
		return NULL;
	if (line[0] != '#' || line[1] != '!')
		return line[0] != '\x7f' && strlen(line) == n ? "/bin/sh" : NULL;
	line[strcspn(line, "\n")] = '\0';
	make_plain(line);
	line += 2;
	word = next_word(&line);
	return word && strcmp(rm_base_name(word), "env") == 0 && strchr(word, '/') ? after_env(&line) : word;
}

bool rm_script_is_shell(const char *name)
{
	static const char shells[][6] = { "ash", "bash", "dash", "ksh", "ksh93", "lksh", "mksh", "rbash", "sh", "yash", "zsh" };

	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
		if (strcmp(rm_base_name(name), shells[i]) == 0)
			return true;
	return false;
}

/* ---- exec ---- */

/*
 * Takes the next word of a command off *at, without its quotes. 1: a word; 0: the command ends here; -1: a word that the
 * shell makes when it runs, or that is too long.
 */
static int shell_word(const char **at, char ret[RM_SCRIPT_WORD_BYTES])
{
	const char *p = *at + strspn(*at, " \t");
	char quote = '\0';
	bool known = true;
	size_t n = 0;

	if (!*p || strchr(";&|()\n", *p) || *p == '#')
		return 0;
	for (; *p && *p != '\n' && (quote || !strchr(" \t;&|()", *p)); p++) {
		if (quote ? *p == quote : *p == '"' || *p == '\'') {
			quote = quote ? '\0' : *p;
			continue;
		}
		known &= quote == '\'' || !strchr(quote ? "$`\\" : "$`\\*?[{}~", *p);
		if (n + 1 < RM_SCRIPT_WORD_BYTES)
			ret[n] = *p;
		n++;
	}
	*at = p;
	known &= n + 1 <= RM_SCRIPT_WORD_BYTES && !quote;
	ret[n < RM_SCRIPT_WORD_BYTES ? n : RM_SCRIPT_WORD_BYTES - 1] = '\0';
	make_plain(ret);
	return known ? 1 : -1;
}

static bool is_redirection(const char *word)
{
	word += strspn(word, "0123456789");
	return *word == '<' || *word == '>';
}

static bool is_arguments(const char *word)
{
	return strcmp(word, "$@") == 0 || strcmp(word, "${@}") == 0 || strcmp(word, "$*") == 0;
}

/* What the words behind an exec name. NONE: it only moves descriptors. */
static enum rm_handover handover_of(const char *at, char ret[RM_SCRIPT_WORD_BYTES])
{
	bool env = false;
	int known;

	while ((known = shell_word(&at, ret))) {
		if (known < 0)
			return is_arguments(ret) ? RM_HANDOVER_ARGUMENTS : RM_HANDOVER_UNKNOWN;
		if (strcmp(ret, "-a") == 0 && !env) { /* the name that the program gets */
			shell_word(&at, ret);
			continue;
		}
		if (is_redirection(ret)) {
			if (strpbrk(ret, "<>")[1] == '\0' && shell_word(&at, ret) < 0)
				continue;
			if (*at == '&') { /* 2>&1 */
				at++;
				shell_word(&at, ret);
			}
			continue;
		}
		if (ret[0] == '-' || (env && strchr(ret, '=')))
			continue;
		if (env || strcmp(rm_base_name(ret), "env") != 0)
			return RM_HANDOVER_PROGRAM;
		env = true;
	}
	return env ? RM_HANDOVER_UNKNOWN : RM_HANDOVER_NONE;
}

/* Does a command begin behind `p`, which ends what is before it on its line? */
static bool begins_command(const char *line, const char *p)
{
	static const char words[][5] = { "then", "else", "do", "!" };

	while (p > line && (p[-1] == ' ' || p[-1] == '\t'))
		p--;
	if (p == line || strchr(";&|({)", p[-1]))
		return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t n = strlen(words[i]);

		if ((size_t)(p - line) >= n && memcmp(p - n, words[i], n) == 0 &&
		    ((size_t)(p - line) == n || strchr(" \t;&|({", p[-n - 1])))
			return true;
	}
	return false;
}

/* Adds what one more exec says to what is known of those before. */
static enum rm_handover join(enum rm_handover known, const char *program, enum rm_handover more, const char *another)
{
	if (more == RM_HANDOVER_NONE || known == RM_HANDOVER_NONE)
		return more == RM_HANDOVER_NONE ? known : more;
	return known == more && (more != RM_HANDOVER_PROGRAM || strcmp(program, another) == 0) ? known : RM_HANDOVER_UNKNOWN;
}

enum rm_handover rm_script_handover(const char *path, char ret[RM_SCRIPT_WORD_BYTES])
{
	static char text[TEXT_BYTES];
	enum rm_handover known = RM_HANDOVER_NONE;
	size_t n = rm_script_text(path, text, sizeof(text));

	if (n == sizeof(text) - 1) /* what is behind may say otherwise */
		return RM_HANDOVER_UNKNOWN;
	for (char *line = text, *end; *line; line = end + (*end != '\0')) {
		end = line + strcspn(line, "\n");
		if (line[strspn(line, " \t")] == '#')
			continue;
		for (char *p = line; (p = memmem(p, (size_t)(end - p), "exec", 4)); p += 4) {
			char word[RM_SCRIPT_WORD_BYTES] = "";
			enum rm_handover more;

			if ((p[4] != ' ' && p[4] != '\t') || !begins_command(line, p))
				continue;
			more = handover_of(p + 4, word);
			known = join(known, ret, more, word);
			if (more == RM_HANDOVER_PROGRAM)
				strcpy(ret, word);
		}
	}
	return known;
}
