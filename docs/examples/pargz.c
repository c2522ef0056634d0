/* SPDX-License-Identifier: MIT */
/*
 * pargz: gzip on all processors.
 *
 *	pargz [-p N] [-k] FILE...	FILE becomes FILE.gz
 *	tar c . | pargz >a.tar.gz
 *
 * The input is cut into blocks of 128 KiB, which go through a pipeline of three
 * stages: read, in order; deflate, several at a time, each with the 32 KiB before
 * it as its dictionary, so that hardly any ratio is lost; write, in order. As
 * many blocks are under way as there are in a ring: so memory is bounded and a
 * slow disk slows the reader down. Blocks end at a byte boundary; joined they are
 * one deflate stream in one gzip member (RFC 1951 and 1952), as any gunzip reads
 * it.
 *
 * All that uses Skua stands under "Blocks" and in write_member(). In all else
 * pargz is as careful as gzip, and ends as gzip does: with 0, or 1 after an
 * error, 2 after a warning; an error in the middle of a file ends it at once.
 */
#define _XOPEN_SOURCE 700

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <skua/skua.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

enum {
	BLOCK_BYTES = 128 * 1024,
	PRIMER_BYTES = 32 * 1024, /* as far back as deflate can refer */
	/* What does not compress grows, by less than this eighth. */
	ROOM_BYTES = BLOCK_BYTES + BLOCK_BYTES / 8
};

static struct {
	int level;
	unsigned workers; /* 0: as many as there are processors for us */
	bool force, keep, to_stdout;
} opt = { .level = 6 };

/* Complaints and progress, both on stderr. */

enum exit_status {
	DONE,
	ERROR,
	WARNING
};

static enum exit_status exit_status;
static bool progress_shown;
static char unfinished_path[PATH_MAX];
static volatile sig_atomic_t unfinished; /* that file is there, not whole */

static void show_progress(const char *name, uint64_t done, uint64_t total)
{
	static int64_t shown_ms = INT64_MIN / 2;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	int64_t now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
	if (now_ms - shown_ms < 100 || !isatty(STDERR_FILENO))
		return;
	shown_ms = now_ms;
	progress_shown = true;
	fprintf(stderr, "\r%.40s: %.0f MiB", name, (double)done / (1 << 20));
	if (total > 0)
		fprintf(stderr, ", %.0f %%",
			100. * (double)done / (double)total);
	fputs("\033[K", stderr);
}

static void clear_progress(void)
{
	if (progress_shown)
		fputs("\r\033[K", stderr);
	progress_shown = false;
}

static void complain(enum exit_status status, const char *name,
		     const char *what)
{
	clear_progress();
	fprintf(stderr, "pargz: %s: %s\n", name, what);
	if (exit_status != ERROR)
		exit_status = status;
}

/* The end, whatever the workers are doing, and with nothing half written. */
static noreturn void die(const char *name, const char *what)
{
	complain(ERROR, name, what);
	if (unfinished)
		unlink(unfinished_path);
	_exit(ERROR);
}

static void check(int error, const char *what)
{
	if (error)
		die(what, skua_strerror(error));
}

/* Blocks: the part that uses Skua. */

struct block {
	z_stream deflate; /* set up once, then reset */
	uLong crc;
	size_t in_bytes;
	size_t out_bytes;
	bool primed; /* input[0, PRIMER_BYTES) is the end of the block before */
	bool last;
	unsigned char input[PRIMER_BYTES + BLOCK_BYTES];
	unsigned char output[ROOM_BYTES];
};

/* Block n is blocks[n % size]; size are under way at most. */
struct press {
	struct skua_pool *pool;
	struct block *blocks;
	size_t size;
};

static void press_open(struct press *press)
{
	struct skua_pool_options options = SKUA_POOL_OPTIONS;

	options.workers = opt.workers;
	options.name = "pargz";
	check(skua_pool_open(&press->pool, &options), "cannot start");

	/* For each worker one block in work and one waiting; two more, to be
	 * read and to be written meanwhile. */
	press->size = 2 * (size_t)skua_pool_workers(press->pool) + 2;
	press->blocks = calloc(press->size, sizeof(*press->blocks));
	if (!press->blocks)
		die("cannot start", strerror(ENOMEM));
}

static void press_close(struct press *press)
{
	check(skua_pool_close(press->pool, SKUA_CLOSE_WAIT), "cannot end");
	for (size_t i = 0; i < press->size; i++)
		deflateEnd(&press->blocks[i].deflate);
	free(press->blocks);
}

/* The middle stage. It runs on several workers and touches nothing but its
 * block. */
static int deflate_block(skua_here here, void **item, void *context)
{
	struct block *b = *item;
	z_stream *z = &b->deflate;
	int flush = b->last ? Z_FINISH : Z_SYNC_FLUSH;

	(void)here;
	(void)context;
	z->next_in = b->input + PRIMER_BYTES;
	z->avail_in = (uInt)b->in_bytes;
	z->next_out = b->output;
	z->avail_out = sizeof(b->output);
	b->crc = crc32(0, z->next_in, z->avail_in);
	/* A raw stream (-15); memory level 8 is zlib's default. */
	int error = z->state ? deflateReset(z) :
			       deflateInit2(z, opt.level, Z_DEFLATED, -15, 8,
					    Z_DEFAULT_STRATEGY);
	if (error == Z_OK && b->primed)
		error = deflateSetDictionary(z, b->input, PRIMER_BYTES);
	if (error == Z_OK)
		error = deflate(z, flush);
	if (error != (b->last ? Z_STREAM_END : Z_OK) || z->avail_out == 0)
		die("deflate", zError(error < 0 ? error : Z_BUF_ERROR));
	b->out_bytes = sizeof(b->output) - z->avail_out;
	return 0;
}

/* A gzip member, from a descriptor to a descriptor. */

struct member {
	int in, out;
	const char *in_name, *out_name;
	struct stat st; /* of the input */
	/* The first stage's. */
	const struct press *press;
	const struct block *newest; /* NULL: none yet */
	size_t blocks;
	/* The last stage's. */
	uint64_t bytes;
	uLong crc;
};

/* Reads a whole block, or up to the end of the input. */
static void read_block(const struct member *m, struct block *b)
{
	for (b->in_bytes = 0; b->in_bytes < BLOCK_BYTES;) {
		ssize_t n = read(m->in, b->input + PRIMER_BYTES + b->in_bytes,
				 BLOCK_BYTES - b->in_bytes);
		if (n == 0)
			break;
		if (n > 0)
			b->in_bytes += (size_t)n;
		else if (errno != EINTR)
			die(m->in_name, strerror(errno));
	}
}

static void write_all(const struct member *m, const void *data, size_t bytes)
{
	for (const unsigned char *p = data; bytes > 0;) {
		ssize_t n = write(m->out, p, bytes);
		if (n < 0 && errno != EINTR)
			die(m->out_name, strerror(errno));
		if (n > 0) {
			p += n;
			bytes -= (size_t)n;
		}
	}
}

static void put_le32(unsigned char *to, uint64_t value)
{
	for (int i = 0; i < 4; i++)
		to[i] = (unsigned char)(value >> 8 * i);
}

/* As gzip writes it: no name for a pipe, no time that 32 bits cannot hold. */
static void write_header(const struct member *m)
{
	unsigned char header[10] = { 0x1f, 0x8b, 8, [9] = 3 /* Unix */ };
	const char *slash = strrchr(m->in_name, '/');
	const char *name = slash ? slash + 1 : m->in_name;
	int64_t mtime = S_ISREG(m->st.st_mode) ? m->st.st_mtime : 0;

	header[3] = m->in == STDIN_FILENO ? 0 : 8; /* a name follows */
	if (mtime > 0 && mtime <= UINT32_MAX)
		put_le32(header + 4, (uint64_t)mtime);
	header[8] = opt.level == 9 ? 2 : opt.level == 1 ? 4 : 0;
	write_all(m, header, sizeof(header));
	if (header[3])
		write_all(m, name, strlen(name) + 1);
}

static void write_trailer(const struct member *m)
{
	unsigned char trailer[8];

	put_le32(trailer, m->crc);
	put_le32(trailer + 4, m->bytes);
	write_all(m, trailer, sizeof(trailer));
}

/* The first stage: the block after the newest, whose place is not used again
 * before this one has been written. */
static int next_block(skua_here here, void **item, void *context)
{
	struct member *m = context;
	const struct block *before = m->newest;
	struct block *b;

	(void)here;
	if (before && before->last)
		return SKUA_ENONE;
	b = &m->press->blocks[m->blocks++ % m->press->size];
	b->primed = before != NULL;
	if (before) /* is full: only the last is short */
		memcpy(b->input, before->input + BLOCK_BYTES, PRIMER_BYTES);
	read_block(m, b);
	b->last = b->in_bytes < BLOCK_BYTES; /* and empty if need be */
	m->newest = b;
	*item = b;
	return 0;
}

/* The last stage. */
static int write_block(skua_here here, void **item, void *context)
{
	struct member *m = context;
	const struct block *b = *item;

	(void)here;
	write_all(m, b->output, b->out_bytes);
	m->crc = crc32_combine(m->crc, b->crc, (z_off_t)b->in_bytes);
	m->bytes += b->in_bytes;
	show_progress(m->in_name, m->bytes, (uint64_t)m->st.st_size);
	return 0;
}

static void write_member(const struct press *press, struct member *m)
{
	const struct skua_stage stages[] = {
		{ SKUA_STAGE_IN_ORDER, next_block, m, NULL },
		{ SKUA_STAGE_PARALLEL, deflate_block, NULL, NULL },
		{ SKUA_STAGE_IN_ORDER, write_block, m, NULL },
	};

	m->press = press;
	write_header(m);
	check(skua_pipeline(press->pool, stages, 3, press->size), "deflate");
	write_trailer(m);
	clear_progress();
}

/* Files. */

/* A signal that ends us. The workers of the pool block all signals, so that
 * this runs in the main thread. */
static void on_signal(int number)
{
	if (unfinished)
		unlink(unfinished_path);
	signal(number, SIG_DFL);
	raise(number); /* at the return from here */
}

static void catch_signal(int number)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct sigaction old;

	sigfillset(&action.sa_mask);
	sigaction(number, NULL, &old);
	if (old.sa_handler != SIG_IGN) /* by nohup, or a shell for its jobs */
		sigaction(number, &action, NULL);
}

/* Opens m->out at unfinished_path. If m->out_name is taken and -f, that is a
 * file beside it, so that the old one stays until the new one is whole. */
static bool create_output(struct member *m)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all,
			&old); /* unless the file is not ours */
	strcpy(unfinished_path, m->out_name);
	m->out = open(unfinished_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		      S_IRUSR | S_IWUSR);
	if (m->out < 0 && errno == EEXIST && opt.force)
		m->out = mkstemp(strcat(unfinished_path, ".XXXXXX"));
	int error = errno;
	unfinished = m->out >= 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);

	if (m->out < 0 && error == EEXIST)
		complain(WARNING, m->out_name, "already exists -- kept");
	else if (m->out < 0)
		complain(ERROR, m->out_name, strerror(error));
	return m->out >= 0;
}

/* As far as we may. A group that the file cannot be given to gets no rights. */
static void copy_attributes(const struct member *m)
{
	struct timespec times[] = { m->st.st_atim, m->st.st_mtim };
	mode_t mode = m->st.st_mode & (S_IRWXU | S_IRWXG | S_IRWXO);

	if (fchown(m->out, m->st.st_uid, m->st.st_gid) != 0 &&
	    fchown(m->out, (uid_t)-1, m->st.st_gid) != 0)
		mode &= ~(mode_t)S_IRWXG;
	if (fchmod(m->out, mode) != 0 || futimens(m->out, times) != 0)
		complain(WARNING, m->out_name, strerror(errno));
}

/* Only when the output is whole and on the disk may the input go. */
static void replace_file(const struct press *press, struct member *m)
{
	struct stat now;

	if (!create_output(m))
		return;
	write_member(press, m);
	copy_attributes(m);
	if (fsync(m->out) != 0 || close(m->out) != 0 ||
	    rename(unfinished_path, m->out_name) != 0)
		die(m->out_name, strerror(errno));
	unfinished = 0;

	if (opt.keep)
		return;
	if (stat(m->in_name, &now) != 0 || now.st_ino != m->st.st_ino ||
	    now.st_mtim.tv_sec != m->st.st_mtim.tv_sec ||
	    now.st_mtim.tv_nsec != m->st.st_mtim.tv_nsec ||
	    (uint64_t)now.st_size != m->bytes)
		complain(WARNING, m->in_name, "changed meanwhile -- kept");
	else if (unlink(m->in_name) != 0)
		complain(ERROR, m->in_name, strerror(errno));
}

/* Why not to replace it, as gzip sees it, or NULL. */
static const char *objection(const struct member *m)
{
	const char *dot = strrchr(m->in_name, '.');

	if (S_ISDIR(m->st.st_mode))
		return "is a directory -- ignored";
	if (opt.to_stdout)
		return NULL;
	if (!S_ISREG(m->st.st_mode))
		return "is not a regular file -- ignored";
	if (m->st.st_mode & (S_ISUID | S_ISGID))
		return "is set-user-ID or set-group-ID -- ignored";
	if (!opt.force && m->st.st_nlink > 1)
		return "has other links -- ignored";
	if (!opt.force && dot &&
	    (strcmp(dot, ".gz") == 0 || strcmp(dot, ".tgz") == 0))
		return "is compressed already -- ignored";
	return NULL;
}

static void compress_to_stdout(const struct press *press, struct member *m)
{
	m->out = STDOUT_FILENO;
	m->out_name = "stdout";
	if (isatty(STDOUT_FILENO) && !opt.force)
		die(m->out_name, "compressed data not written to a terminal");
	write_member(press, m);
}

static void compress_stdin(const struct press *press)
{
	struct member m = { .in = STDIN_FILENO, .in_name = "stdin" };

	if (fstat(m.in, &m.st) != 0)
		die(m.in_name, strerror(errno));
	compress_to_stdout(press, &m);
}

static void compress_file(const struct press *press, const char *name)
{
	char out_name[PATH_MAX - sizeof(".XXXXXX")];
	struct member m = { .in_name = name, .out_name = out_name };
	int bytes = snprintf(out_name, sizeof(out_name), "%s.gz", name);
	int flags = O_RDONLY | O_NOCTTY | O_CLOEXEC;

	if (!opt.to_stdout) /* a link is refused, a pipe does not block */
		flags |= O_NONBLOCK | (opt.force ? 0 : O_NOFOLLOW);
	m.in = open(name, flags);
	if (m.in < 0 || fstat(m.in, &m.st) != 0) {
		complain(ERROR, name, strerror(errno));
		return;
	}
	const char *why = objection(&m);
	if (why)
		complain(WARNING, name, why);
	else if (opt.to_stdout)
		compress_to_stdout(press, &m);
	else if (bytes < (int)sizeof(out_name))
		replace_file(press, &m);
	else
		complain(ERROR, name, strerror(ENAMETOOLONG));
	close(m.in);
}

/* The command line. */

static const char usage[] =
	"usage: pargz [-123456789cfhkV] [-p N] [FILE...]\n"
	"Compress each FILE to FILE.gz on all processors, as gzip does.\n"
	"Without FILE, or if it is -, compress standard input to output.\n\n"
	"  -1 ... -9      from fastest to smallest; default: -6\n"
	"  -c             write to standard output, keep FILE\n"
	"  -f             overwrite FILE.gz, compress links, and to a terminal\n"
	"  -k             keep FILE\n"
	"  -p N           N workers; default: as many as there are processors\n"
	"  -h, --help     print this\n"
	"  -V, --version  print the version\n";

static unsigned parse_workers(const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (n < 1 || n > SKUA_WORKERS_MAX || *end != '\0')
		die(text, "is not a number of workers that can be had");
	return (unsigned)n;
}

static void parse_options(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	const char *shorts = "123456789cfhkp:V";

	for (int c; (c = getopt_long(argc, argv, shorts, longs, NULL)) != -1;) {
		opt.to_stdout |= c == 'c';
		opt.force |= c == 'f';
		opt.keep |= c == 'k';
		if (c >= '1' && c <= '9')
			opt.level = c - '0';
		if (c == 'p')
			opt.workers = parse_workers(optarg);
		if (c == 'h')
			fputs(usage, stdout);
		if (c == 'V')
			printf("pargz (Skua %s, zlib %s)\n", skua_version(),
			       zlibVersion());
		if ((c == 'h' || c == 'V') && fflush(stdout) != 0)
			die("stdout", strerror(errno));
		if (c == 'h' || c == 'V' || c == '?') /* getopt said why */
			exit(c == '?' ? ERROR : DONE);
	}
}

int main(int argc, char **argv)
{
	struct press press;

	/* No file of ours shall become a standard stream that was closed. */
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);

	parse_options(argc, argv);
	catch_signal(SIGHUP);
	catch_signal(SIGINT);
	catch_signal(SIGPIPE);
	catch_signal(SIGTERM);
	signal(SIGXFSZ, SIG_IGN); /* write() shall fail with EFBIG instead */

	press_open(&press);
	if (optind == argc)
		compress_stdin(&press);
	for (int i = optind; i < argc; i++)
		if (strcmp(argv[i], "-") == 0)
			compress_stdin(&press);
		else
			compress_file(&press, argv[i]);
	press_close(&press);
	if (close(STDOUT_FILENO) != 0) /* some file systems report here */
		complain(ERROR, "stdout", strerror(errno));
	return (int)exit_status;
}
