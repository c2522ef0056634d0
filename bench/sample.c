/* SPDX-License-Identifier: MIT */
/*
 * A measurement: fork, measure there, send the sample through a pipe. The
 * parent has no threads, so the child may do all that a fresh process may.
 */
#include "sample.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void measure(const struct trial *trial, int to_parent)
{
	struct sample sample = { 0 };
	bool sent;

	/* Not to outlive a parent that was killed. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	trial->workload->measure(trial, &sample);
	sent = write(to_parent, &sample, sizeof(sample)) == sizeof(sample);
	_exit(!sent);
}

static int poll_for(int file, int timeout_ms)
{
	struct pollfd ready = { .fd = file, .events = POLLIN };
	int count;

	do {
		count = poll(&ready, 1, timeout_ms);
	} while (count < 0 && errno == EINTR);
	return count;
}

/* False: the child ended without a word, or has to be ended. */
static bool receive(int from_child, pid_t child, struct sample *sample)
{
	ssize_t bytes;

	if (poll_for(from_child, SAMPLE_LIMIT_SECONDS * 1000) < 1) {
		sample_fail(sample, "no end after %d s: it hangs",
			    SAMPLE_LIMIT_SECONDS);
		kill(child, SIGKILL);
		return false;
	}
	bytes = read(from_child, sample, sizeof(*sample));
	return bytes == (ssize_t)sizeof(*sample);
}

/* Read while the child has not been waited for, so a late hang is ended too. */
static int end_of(pid_t child)
{
	int status = 0;

	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

static void explain(int status, struct sample *sample)
{
	if (WIFSIGNALED(status))
		sample_fail(sample, "died of signal %d (%s)", WTERMSIG(status),
			    strsignal(WTERMSIG(status)));
	else
		sample_fail(sample, "ended early with status %d",
			    WEXITSTATUS(status));
}

struct sample sample_take(const struct trial *trial)
{
	struct sample sample = { 0 };
	int ends[2];
	pid_t child;

	if (pipe(ends)) {
		sample_fail(&sample, "pipe: %s", strerror(errno));
		return sample;
	}
	fflush(NULL); /* or the child would print it once more */
	child = fork();
	if (child == 0)
		measure(trial, ends[1]);
	close(ends[1]);
	if (child < 0) {
		sample_fail(&sample, "fork: %s", strerror(errno));
	} else {
		bool received = receive(ends[0], child, &sample);
		int status = end_of(child);

		if (!received)
			explain(status, &sample);
	}
	close(ends[0]);
	return sample;
}
