/* SPDX-License-Identifier: MIT */
/*
 * A descriptor that can be made readable and unreadable again, for event
 * loops: ready_fd_linux.c has an eventfd, ready_fd_posix.c a pipe.
 */
#ifndef SKI_READY_FD_H
#define SKI_READY_FD_H

struct ski_ready_fd {
	int read; /* to be waited for */
	int write; /* may be the same */
};

/* Not readable, non-blocking, closed by exec(). Errors: SKUA_ENOMEM (none to be
 * had). */
int ski_ready_fd_open(struct ski_ready_fd *fd);
void ski_ready_fd_close(struct ski_ready_fd fd);

/* In turns, by one at a time: readable, and not. */
void ski_ready_fd_raise(struct ski_ready_fd fd);
void ski_ready_fd_lower(struct ski_ready_fd fd);

#endif
