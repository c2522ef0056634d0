/* SPDX-License-Identifier: MIT */
#include "ready_fd.h"

#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <skua/error.h>

int ski_ready_fd_open(struct ski_ready_fd *fd)
{
	int both = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (both < 0)
		return SKUA_ENOMEM;
	*fd = (struct ski_ready_fd){ both, both };
	return 0;
}

void ski_ready_fd_close(struct ski_ready_fd fd)
{
	close(fd.read);
}

/* These cannot fail: the count goes from 0 to 1 and back. */
void ski_ready_fd_raise(struct ski_ready_fd fd)
{
	uint64_t count = 1;

	(void)!write(fd.write, &count, sizeof(count));
}

void ski_ready_fd_lower(struct ski_ready_fd fd)
{
	uint64_t count;

	(void)!read(fd.read, &count, sizeof(count));
}
