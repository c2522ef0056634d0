/* SPDX-License-Identifier: MIT */
#include "ready_fd.h"

#include <fcntl.h>
#include <unistd.h>

#include <skua/error.h>

static int set_flags(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
	       fcntl(fd, F_SETFD, FD_CLOEXEC) < 0;
}

int ski_ready_fd_open(struct ski_ready_fd *fd)
{
	int ends[2];

	if (pipe(ends))
		return SKUA_ENOMEM;
	*fd = (struct ski_ready_fd){ ends[0], ends[1] };
	if (!set_flags(ends[0]) && !set_flags(ends[1]))
		return 0;
	ski_ready_fd_close(*fd);
	return SKUA_ENOMEM;
}

void ski_ready_fd_close(struct ski_ready_fd fd)
{
	close(fd.read);
	close(fd.write);
}

/* These cannot fail: the pipe holds one byte, or none. */
void ski_ready_fd_raise(struct ski_ready_fd fd)
{
	(void)!write(fd.write, "", 1);
}

void ski_ready_fd_lower(struct ski_ready_fd fd)
{
	char byte;

	(void)!read(fd.read, &byte, 1);
}
