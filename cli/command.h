/*
 * The command of `remora run`: its process, and the span that stands for it. The span's context is
 * the TRACEPARENT of the command, so that everything one command does is one trace.
 * Spec: OpenTelemetry semantic conventions, CLI programs.
 */
#ifndef RM_CLI_COMMAND_H
#define RM_CLI_COMMAND_H

#include <signal.h>
#include <sys/types.h>

#include "agent/config.h"
#include "relay/gather.h"

struct rm_command {
	char **argv;
	pid_t pid;
	int status;            /* as wait(2), once `ended` */
	bool ended;
	uint64_t start_ns, end_ns;
	struct rm_spanctx context, parent;
	unsigned propagators;  /* enum rm_propagator: by which it is told of the context */
	int *exec_error;       /* shared with the child: the errno of an exec that failed, else 0 */
	uint32_t resource_bytes;
	_Alignas(8) char resource[RM_SEGMENT_RESOURCE_BYTES];
};

/* Chooses the span's ids and whether it is sampled. `argv` is borrowed, NULL at its end. */
void rm_command_init(struct rm_command *c, const struct rm_env *env, const struct rm_config *config,
		     char **argv);

/*
 * Sets what the command is to find in the environment (ours, which it inherits): the preloaded
 * object last in LD_PRELOAD, the relay's address, our context. Errors: RM_E_NOMEM.
 */
int rm_command_environment(const struct rm_command *c, const char *library, const char *relay);

/*
 * Starts it, with signal mask `mask` and action `chld` for SIGCHLD: what we were started with.
 * Errors: RM_E_IO, with errno.
 */
int rm_command_start(struct rm_command *c, const sigset_t *mask, const struct sigaction *chld);

/* Once ended: hands over its span, if there was a command and it is sampled. */
void rm_command_span(const struct rm_command *c, struct rm_gather *g);

/* Once ended: its exit status as a shell would see it, 128 + n when signal n killed it. */
int rm_command_status(const struct rm_command *c);

#endif
