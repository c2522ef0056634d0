/* SPDX-License-Identifier: MIT */
/*
 * Allocation and plain accesses.
 *
 * Each thread allocates from an arena of its own, and nothing is used twice, so
 * an address does not depend on the schedule. A cell stands for 4 bytes of
 * memory and knows its last plain store and each thread's last plain load and
 * atomic accesses, as in FastTrack (Flanagan and Freund, PLDI 2009). An
 * allocation counts as a plain store to the block and so does its end: whoever
 * touches a block must have been told of it, and whoever ends it must know that
 * nobody touches it any more, whatever the order in which this execution
 * happens to run.
 *
 * A point of a thread is the number of its next event, since that is the first
 * that can publish what comes before.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "engine.h"

enum {
	ARENA_BYTES = 1 << 20, /* of a thread: blocks, then its stack */
	STACK_BYTES = 128 << 10,
	CELL_BYTES = 4,
	BLOCKS = 256,
	OTHER_CELLS = 1 << 14, /* of statics: a power of two */
	NOWHERE = 4096, /* below: NULL, or a member of what is there */
};

enum state {
	UNKNOWN,
	ALIVE,
	DEAD
};

struct ex_cell {
	uint32_t generation, epoch;
	uint8_t state;
	uint8_t writer, write_mask;
	bool atomic; /* an atomic object begins here */
	uint16_t written;
	/* Points of each thread's last access of a kind; 0: none. */
	uint16_t read[EX_THREADS];
	uint16_t atomic_load[EX_THREADS];
	uint16_t atomic_store[EX_THREADS];
	uint8_t read_mask[EX_THREADS];
};

struct block {
	uintptr_t start;
	size_t bytes;
	uint16_t event;
	bool freed;
	const struct ex_site *site;
};

static unsigned char *arena;
static struct ex_cell *arena_cells;
static struct block blocks[EX_THREADS][BLOCKS];
static unsigned block_count[EX_THREADS];
static uintptr_t top[EX_THREADS];
static struct {
	uintptr_t address;
	struct ex_cell cell;
} other[OTHER_CELLS];

/* The same address in each run, so that traces mean the same. */
static void *map(uintptr_t address, size_t bytes)
{
	void *p = mmap((void *)address, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED) {
		perror("explore: mmap");
		exit(2);
	}
	return p;
}

void ex_memory_init(void)
{
	const size_t bytes = (size_t)EX_THREADS * ARENA_BYTES;
	uintptr_t raw = (uintptr_t)map(0x100000000000, bytes + ARENA_BYTES);

	raw = (raw + ARENA_BYTES - 1) & ~(uintptr_t)(ARENA_BYTES - 1);
	arena = (unsigned char *)raw;
	arena_cells = map(0, bytes / CELL_BYTES * sizeof(*arena_cells));
}

void *ex_memory_stack(unsigned thread, size_t *bytes)
{
	*bytes = STACK_BYTES;
	return arena + (size_t)(thread + 1) * ARENA_BYTES - STACK_BYTES;
}

void ex_memory_reset(void)
{
	for (unsigned i = 0; i < EX_THREADS; ++i) {
		block_count[i] = 0;
		top[i] = (uintptr_t)arena + (size_t)i * ARENA_BYTES;
	}
}

/* Cells and what was freed are in the undo log. */
void ex_memory_keep(void)
{
	ex_keep(block_count, sizeof(block_count));
	ex_keep(top, sizeof(top));
	for (unsigned i = 0; i < EX_THREADS; ++i) {
		unsigned char *start = arena + (size_t)i * ARENA_BYTES;
		ex_keep(start, (size_t)(top[i] - (uintptr_t)start));
	}
}

/* The block that @address is in, or NULL. */
static struct block *find_block(uintptr_t address)
{
	size_t owner = (address - (uintptr_t)arena) / ARENA_BYTES;
	unsigned low = 0, high = block_count[owner];

	while (low < high) {
		unsigned middle = (low + high) / 2;
		if (blocks[owner][middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	struct block *b = &blocks[owner][low - 1];
	return address - b->start < b->bytes ? b : NULL;
}

/* It is about to change. */
static inline void edit(struct ex_cell *c)
{
	ex_undo_note(c, sizeof(*c), &c->epoch);
}

/* The first touch in this execution: the cell is as its allocation left it. */
static void renew(struct ex_cell *c, uintptr_t address)
{
	uintptr_t offset = address - (uintptr_t)arena;

	memset(c, 0, sizeof(*c));
	c->epoch = ex_undo_epoch;
	c->generation = ex.generation;
	c->state = ALIVE;
	if (offset >= (uintptr_t)EX_THREADS * ARENA_BYTES ||
	    offset % ARENA_BYTES >= ARENA_BYTES - STACK_BYTES)
		return;
	struct block *b = find_block(address);
	if (!b) {
		c->state = UNKNOWN;
		return;
	}
	c->writer = (uint8_t)(offset / ARENA_BYTES);
	c->written = b->event;
	c->write_mask = 15;
	c->state = b->freed ? DEAD : ALIVE;
}

static struct ex_cell *find_other(uintptr_t address)
{
	size_t i = ex_mix(0, address) & (OTHER_CELLS - 1);

	if (address < NOWHERE)
		ex_fail(EX_USE_AFTER_FREE, "thread %u: an access to %p",
			ex.now->number, (void *)address);
	for (unsigned tries = 0; tries < OTHER_CELLS; ++tries) {
		struct ex_cell *c = &other[i].cell;
		if (c->generation != ex.generation) {
			other[i].address = address;
			return c;
		}
		if (other[i].address == address)
			return c;
		i = (i + 1) & (OTHER_CELLS - 1);
	}
	ex_fail(EX_LIMIT, "too much memory outside of blocks is used");
}

struct ex_cell *ex_cell_of(uintptr_t address)
{
	uintptr_t offset;
	struct ex_cell *c;

	address &= ~(uintptr_t)(CELL_BYTES - 1);
	offset = address - (uintptr_t)arena;
	if (ex_likely(offset < (uintptr_t)EX_THREADS * ARENA_BYTES))
		c = &arena_cells[offset / CELL_BYTES];
	else
		c = find_other(address);
	edit(c);
	if (c->generation != ex.generation)
		renew(c, address);
	return c;
}

static bool is_in_arena(uintptr_t address)
{
	return address - (uintptr_t)arena < (uintptr_t)EX_THREADS * ARENA_BYTES;
}

/* A thread and how to name the place of its access. */
struct access {
	const struct ex_thread *t;
	uintptr_t address;
	const void *code; /* or NULL: t->site */
	const char *what;
	enum ex_fault conflict;
};

static _Noreturn void report(const struct access *a, const char *with,
			     unsigned other_thread)
{
	char code[256];

	ex_print_code(code, sizeof(code), a->code);
	ex_fail(a->conflict,
		"thread %u's %s of %p%s and thread %u's %s: neither happens "
		"before the other",
		a->t->number, a->what, (void *)a->address, code, other_thread,
		with);
}

static inline void check_life(const struct ex_cell *c, const struct access *a)
{
	char code[256];

	if (ex_likely(c->state == ALIVE))
		return;
	ex_print_code(code, sizeof(code), a->code);
	ex_fail(EX_USE_AFTER_FREE, "thread %u's %s of %p%s: it is %s",
		a->t->number, a->what, (void *)a->address, code,
		c->state == DEAD ? "freed" : "in no block");
}

static inline bool before(const struct ex_thread *t, unsigned thread,
			  uint16_t point)
{
	return point <= t->view.clock[thread] || thread == t->number;
}

static inline void check_write(const struct ex_cell *c, const struct access *a,
			       unsigned mask)
{
	if ((c->write_mask & mask) && !before(a->t, c->writer, c->written))
		report(a, "plain store or allocation", c->writer);
}

static inline void check_reads(const struct ex_cell *c, const struct access *a,
			       unsigned mask)
{
	for (unsigned i = 0; i < ex.threads; ++i) {
		if ((c->read_mask[i] & mask) && !before(a->t, i, c->read[i]))
			report(a, "plain load", i);
	}
}

static inline void check_atomic(const struct ex_cell *c, const struct access *a,
				bool loads)
{
	for (unsigned i = 0; i < ex.threads; ++i) {
		if (!before(a->t, i, c->atomic_store[i]))
			report(a, "atomic store", i);
		if (loads && !before(a->t, i, c->atomic_load[i]))
			report(a, "atomic load", i);
	}
}

/* The part of [@address, @end) that is in its first cell. */
static inline unsigned mask_of(uintptr_t address, uintptr_t end)
{
	unsigned first = address % CELL_BYTES;
	uintptr_t bytes = end - (address - first);

	return 15u << first & (bytes >= CELL_BYTES ? 15u : (1u << bytes) - 1);
}

static inline void set_writer(struct ex_cell *c, const struct ex_thread *t,
			      unsigned point, unsigned mask)
{
	c->writer = t->number;
	c->written = (uint16_t)point;
	c->write_mask = (uint8_t)mask;
}

static inline void plain_access(uintptr_t address, size_t bytes, bool write,
				const void *code)
{
	struct ex_thread *t = ex.now;
	struct access a = { t, address, code,
			    write ? "plain store" : "plain load", EX_RACE };
	uintptr_t end = address + bytes;

	if (!t || ex_is_local(address))
		return;
	if (write && ex_undo_epoch && address >= NOWHERE &&
	    !is_in_arena(address))
		ex_undo_log((void *)address, bytes);
	for (; a.address < end;
	     a.address = (a.address | (CELL_BYTES - 1)) + 1) {
		struct ex_cell *c = ex_cell_of(a.address);
		unsigned mask = mask_of(a.address, end);

		check_life(c, &a);
		check_write(c, &a, mask);
		check_atomic(c, &a, write);
		if (write) {
			check_reads(c, &a, mask);
			set_writer(c, t, t->event + 1, mask);
			if (c->atomic)
				ex_location_rewritten(
					a.address &
					~(uintptr_t)(CELL_BYTES - 1));
		} else {
			c->read[t->number] = t->event + 1;
			c->read_mask[t->number] = (uint8_t)mask;
		}
	}
	ex_order_plain(t);
}

/* Who stored to @c last without an atomic access, so that an atomic object
 * that was not accessed before has its value from there. */
void ex_cell_writer(const struct ex_cell *c, uint8_t *thread, uint16_t *point)
{
	*thread = c->writer;
	*point = c->written;
}

/* The event t->event is an atomic access, or an atomic_init(), which is a plain
 * store. */
void ex_atomic_access(struct ex_thread *t, struct ex_cell *c, uintptr_t address,
		      size_t size, enum ex_access kind)
{
	static const char *const names[] = { "atomic load", "atomic store",
					     "atomic_init()" };
	struct access a = { t, address, NULL, names[kind], EX_RACE };
	unsigned mask = mask_of(address, address + size);

	check_life(c, &a);
	check_write(c, &a, mask);
	edit(c);
	c->atomic = true;
	if (kind != EX_LOAD)
		check_reads(c, &a, mask);
	if (kind == EX_INIT) {
		check_atomic(c, &a, true);
		set_writer(c, t, t->event, mask);
		return;
	}
	if (kind == EX_STORE)
		c->atomic_store[t->number] = t->event;
	c->atomic_load[t->number] = t->event;
}

/* All accesses of a cell so far must happen before; none may follow. */
static void end_cell(struct ex_cell *c, const struct access *a)
{
	check_life(c, a);
	check_write(c, a, 15);
	check_reads(c, a, 15);
	check_atomic(c, a, true);
	edit(c);
	c->state = DEAD;
	set_writer(c, a->t, a->t->event + 1u, 15);
}

/* Cells but the first that nobody has touched are as the first: renew() will
 * find them dead. */
static void end_block(const struct ex_thread *t, const struct block *b)
{
	struct access a = { t, b->start, NULL, "free()", EX_USE_AFTER_FREE };

	end_cell(ex_cell_of(a.address), &a);
	while ((a.address += CELL_BYTES) < b->start + b->bytes) {
		uintptr_t offset = a.address - (uintptr_t)arena;
		struct ex_cell *c = &arena_cells[offset / CELL_BYTES];

		if (c->generation == ex.generation)
			end_cell(c, &a);
	}
}

void ex_forget(const void *start, size_t bytes)
{
	uintptr_t first = (uintptr_t)start & ~(uintptr_t)(CELL_BYTES - 1);
	struct access a = { ex.now, first, NULL, "end", EX_USE_AFTER_FREE };

	for (; a.address < (uintptr_t)start + bytes; a.address += CELL_BYTES)
		end_cell(ex_cell_of(a.address), &a);
}

void ex_revive(const void *start, size_t bytes)
{
	uintptr_t first = (uintptr_t)start & ~(uintptr_t)(CELL_BYTES - 1);

	for (; first < (uintptr_t)start + bytes; first += CELL_BYTES) {
		struct ex_cell *c = ex_cell_of(first);
		c->state = ALIVE;
		set_writer(c, ex.now, ex.now->event + 1u, 15);
		if (c->atomic)
			ex_location_rewritten(first);
	}
}

void *ex_alloc(const struct ex_site *site, size_t align, size_t count,
	       size_t size)
{
	struct ex_thread *t = ex.now;
	unsigned owner = t->number, n = block_count[owner];
	uintptr_t start, end;

	t->site = site;
	if (ex.phase == EX_RUN && ex.alloc_failures) {
		unsigned fails = ex_pick(2);
		t->hash = ex_mix(t->hash, 0xa110c + fails);
		if (fails) {
			--ex.alloc_failures;
			ex_trace(t, site, "fails");
			return NULL;
		}
	}
	align = align < 16 ? 16 : align;
	start = (top[owner] + align - 1) & ~(uintptr_t)(align - 1);
	end = (uintptr_t)arena + (size_t)(owner + 1) * ARENA_BYTES -
	      STACK_BYTES - 16;
	if (n == BLOCKS || size > ARENA_BYTES || count > ARENA_BYTES ||
	    start > end || count * size > end - start)
		ex_fail(EX_LIMIT, "the arena of thread %u is full", owner);
	blocks[owner][n] = (struct block){ start, count * size, t->event + 1u,
					   false, site };
	block_count[owner] = n + 1;
	/* A gap, so that what is behind the block is found to be so. */
	top[owner] = start + count * size + 16;
	memset((void *)start, 0, count * size);
	ex_trace(t, site, "%zu bytes at %p", count * size, (void *)start);
	return (void *)start;
}

void ex_free(const struct ex_site *site, void *p)
{
	struct ex_thread *t = ex.now;
	uintptr_t start = (uintptr_t)p;
	struct block *b = NULL;

	if (!p)
		return;
	t->site = site;
	ex_trace(t, site, "%p", p);
	if (start - (uintptr_t)arena < (uintptr_t)EX_THREADS * ARENA_BYTES)
		b = find_block(start);
	if (!b || b->start != start)
		ex_fail(EX_BAD_FREE, "%p was not allocated", p);
	if (b->freed)
		ex_fail(EX_BAD_FREE, "%p is already freed", p);
	end_block(t, b);
	if (ex_undo_epoch)
		ex_undo_log(&b->freed, sizeof(b->freed));
	b->freed = true;
}

void ex_memory_leaks(void)
{
	for (unsigned i = 0; i < EX_THREADS; ++i) {
		for (unsigned j = 0; j < block_count[i]; ++j) {
			const struct block *b = &blocks[i][j];
			if (!b->freed)
				ex_fail(EX_LEAK,
					"%zu bytes at %p, allocated by thread "
					"%u at %s:%d, are never freed",
					b->bytes, (void *)b->start, i,
					b->site->file, b->site->line);
		}
	}
}

void ex_plain_read(const void *start, size_t bytes)
{
	plain_access((uintptr_t)start, bytes, false, NULL);
}

void ex_plain_write(const void *start, size_t bytes)
{
	plain_access((uintptr_t)start, bytes, true, NULL);
}

/*
 * What the compiler calls for -fsanitize=thread, in place of TSan's own.
 */
#define PLAIN(name, bytes, write)                          \
	void __tsan_##name(void *p);                       \
	void __tsan_##name(void *p)                        \
	{                                                  \
		plain_access((uintptr_t)p, bytes, write,   \
			     __builtin_return_address(0)); \
	}
PLAIN(read1, 1, false)
PLAIN(read2, 2, false)
PLAIN(read4, 4, false)
PLAIN(read8, 8, false)
PLAIN(read16, 16, false)
PLAIN(write1, 1, true)
PLAIN(write2, 2, true)
PLAIN(write4, 4, true)
PLAIN(write8, 8, true)
PLAIN(write16, 16, true)
PLAIN(unaligned_read2, 2, false)
PLAIN(unaligned_read4, 4, false)
PLAIN(unaligned_read8, 8, false)
PLAIN(unaligned_read16, 16, false)
PLAIN(unaligned_write2, 2, true)
PLAIN(unaligned_write4, 4, true)
PLAIN(unaligned_write8, 8, true)
PLAIN(unaligned_write16, 16, true)

void __tsan_read_range(void *p, size_t bytes);
void __tsan_read_range(void *p, size_t bytes)
{
	plain_access((uintptr_t)p, bytes, false, __builtin_return_address(0));
}

void __tsan_write_range(void *p, size_t bytes);
void __tsan_write_range(void *p, size_t bytes)
{
	plain_access((uintptr_t)p, bytes, true, __builtin_return_address(0));
}

void __tsan_init(void);
void __tsan_init(void)
{
}

void __tsan_func_entry(void *caller);
void __tsan_func_entry(void *caller)
{
	(void)caller;
}

void __tsan_func_exit(void);
void __tsan_func_exit(void)
{
}
