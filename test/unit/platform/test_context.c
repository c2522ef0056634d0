/* SPDX-License-Identifier: MIT */
/*
 * The context switch: what it keeps, where contexts begin and end, and that the
 * tools which watch stacks follow it.
 */
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <unwind.h>

#include "context.h"
#include "platform_test.h"
#include "stack.h"

TestSuite(context, .timeout = 120);

enum {
	STACK = 256 << 10,
	MANY = 1000,
};

/* A context on a stack of its own, and whom it goes back to. */
struct fiber {
	struct ski_context context;
	struct ski_stack stack;
	struct ski_context *home;
	void (*run)(struct fiber *self);
	long number;
	long result;
};

static void enter(void *arg)
{
	struct fiber *self = arg;

	self->run(self);
	ski_context_exit(&self->context, self->home);
}

static void open_fiber(struct fiber *f, struct ski_context *home,
		       void (*run)(struct fiber *))
{
	*f = (struct fiber){ .home = home, .run = run };
	cr_assert_eq(ski_stack_map(&f->stack, STACK, 0, 1), 0);
	ski_context_make(&f->context, f->stack.base, f->stack.bytes, enter, f);
}

static void close_fiber(struct fiber *f)
{
	ski_context_drop(&f->context);
	ski_stack_unmap(&f->stack);
}

/* From the context that adopted the thread to the fiber and back. */
static void visit(struct fiber *f)
{
	ski_context_switch(f->home, &f->context);
}

static void leave(struct fiber *self)
{
	ski_context_switch(&self->context, self->home);
}

Test(context, is_about_a_cache_line)
{
	cr_expect_leq(sizeof(struct ski_context), 80);
}

static void count(struct fiber *self)
{
	for (self->result = 0; self->result < 1000; self->result++)
		leave(self);
}

Test(context, to_and_fro)
{
	struct ski_context home;
	struct fiber f;

	ski_context_adopt(&home);
	open_fiber(&f, &home, count);
	for (int i = 0; i < 1000; i++) {
		visit(&f);
		cr_assert_eq(f.result, i);
	}
	visit(&f);
	cr_expect_eq(f.result, 1000);
	close_fiber(&f);
	ski_context_drop(&home);
}

/*
 * A thousand contexts switch to each other at random, each with locals in
 * registers and on the stack that depend on its whole past.
 */
struct crowd {
	struct ski_context home;
	struct fiber fibers[MANY];
	long size;
	uint64_t random;
	long switches_left;
};

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* What wander() must have come to after @steps. */
static long expected_sum(long number, long steps)
{
	uint64_t a = (uint64_t)number;
	double b = (double)number;

	for (long i = 0; i < steps; i++) {
		a = a * 6364136223846793005 + 1;
		b += 0.5;
	}
	return (long)(a >> 8) + (long)(b * 2);
}

static struct crowd *crowd_of(struct fiber *self)
{
	return (struct crowd *)((char *)(self - self->number) -
				offsetof(struct crowd, fibers));
}

static void wander(struct fiber *self)
{
	struct crowd *crowd = crowd_of(self);
	uint64_t a = (uint64_t)self->number;
	double b = (double)self->number;
	volatile uint64_t copies[16];

	for (;;) {
		for (int i = 0; i < 16; i++)
			copies[i] = a + (uint64_t)i;
		struct ski_context *to = &crowd->home;
		if (crowd->switches_left-- > 0)
			to = &crowd->fibers[next_random(&crowd->random) %
					    (uint64_t)crowd->size]
				      .context;
		self->result++;
		if (to != &self->context)
			ski_context_switch(&self->context, to);
		for (int i = 0; i < 16; i++) {
			if (copies[i] != a + (uint64_t)i)
				abort();
		}
		a = a * 6364136223846793005 + 1;
		b += 0.5;
		if (crowd->switches_left < -1)
			break;
	}
	/* Told to finish: what became of the locals, and how many steps. */
	crowd->switches_left = (long)(a >> 8) + (long)(b * 2);
}

static void run_crowd(long size, uint64_t seed)
{
	struct crowd *crowd = calloc(1, sizeof(*crowd));

	cr_assert_not_null(crowd);
	crowd->size = size;
	ski_context_adopt(&crowd->home);
	crowd->random = seed;
	crowd->switches_left = 100000;
	for (long i = 0; i < size; i++) {
		open_fiber(&crowd->fibers[i], &crowd->home, wander);
		crowd->fibers[i].number = i;
	}
	visit(&crowd->fibers[0]);
	for (long i = 0; i < size; i++) {
		struct fiber *f = &crowd->fibers[i];
		long steps = f->result;
		if (steps > 0) {
			crowd->switches_left = -2;
			visit(f);
			cr_expect_eq(crowd->switches_left,
				     expected_sum(i, steps), "fiber %ld", i);
		}
		close_fiber(f);
	}
	free(crowd);
}

Test(context, a_thousand)
{
	run_crowd(MANY, 88172645463325252);
}

static void *run_crowd_in_thread(void *arg)
{
	/* TSan's own work for a fiber is large. */
	run_crowd(SKI_TSAN ? MANY / 10 : MANY, (uintptr_t)arg + 1);
	return NULL;
}

Test(context, a_thousand_in_each_thread)
{
	pthread_t threads[3];

	for (uintptr_t i = 0; i < 3; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL,
					    run_crowd_in_thread, (void *)i),
			     0);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
}

static void set_errno(struct fiber *self)
{
	self->result = errno;
	for (int i = 0;; i++) {
		errno = (int)self->number + i;
		leave(self);
		if (errno != (int)self->number + i)
			self->result = -1;
	}
}

Test(context, errno_is_each_context_s_own)
{
	struct ski_context home;
	struct fiber a, b;

	ski_context_adopt(&home);
	open_fiber(&a, &home, set_errno);
	open_fiber(&b, &home, set_errno);
	a.number = 1000;
	b.number = 2000;
	errno = 77;
	for (int i = 0; i < 100; i++) {
		visit(&a);
		cr_expect_eq(errno, 77 + 2 * i);
		errno++;
		visit(&b);
		cr_expect_eq(errno, 78 + 2 * i);
		errno++;
	}
	/* It begins with 0, and nobody has seen another's since. */
	cr_expect_eq(a.result, 0);
	cr_expect_eq(b.result, 0);
	close_fiber(&a);
	close_fiber(&b);
}

/* A context may be made by one thread and run by another. */
static void *visit_from_thread(void *arg)
{
	struct fiber *f = arg;
	struct ski_context home;

	ski_context_adopt(&home);
	f->home = &home;
	errno = 55;
	visit(f);
	visit(f);
	return (void *)(intptr_t)errno;
}

Test(context, runs_where_it_is_first_entered)
{
	struct fiber f;
	pthread_t thread;
	void *thread_errno;

	errno = 66;
	open_fiber(&f, NULL, set_errno);
	f.number = 1000;
	cr_assert_eq(pthread_create(&thread, NULL, visit_from_thread, &f), 0);
	pthread_join(thread, &thread_errno);
	cr_expect_eq((intptr_t)thread_errno, 55);
	cr_expect_eq(errno, 66);
	cr_expect_eq(f.result, 0);
	close_fiber(&f);
}

/* Rounding modes without libm, where fesetround() lives. */
#if defined(__x86_64__)
enum rounding {
	NEAREST = 0,
	DOWN = 1,
	UP = 2,
};

static void set_rounding(enum rounding mode)
{
	uint16_t x87;
	uint32_t mxcsr;

	__asm__ volatile("fnstcw %0\n\tstmxcsr %1" : "=m"(x87), "=m"(mxcsr));
	x87 = (uint16_t)((x87 & ~(3U << 10)) | (unsigned)mode << 10);
	mxcsr = (mxcsr & ~(3U << 13)) | (unsigned)mode << 13;
	__asm__ volatile("fldcw %0\n\tldmxcsr %1" ::"m"(x87), "m"(mxcsr));
}

/* All modes, without the flags of exceptions that have happened. */
static uint64_t control(void)
{
	uint16_t x87;
	uint32_t mxcsr;

	__asm__ volatile("fnstcw %0\n\tstmxcsr %1" : "=m"(x87), "=m"(mxcsr));
	return (uint64_t)x87 << 32 | (mxcsr & ~0x3fU);
}

/* Flush to zero in MXCSR, less precision in the x87 word. */
static void set_odd_modes(void)
{
	uint16_t x87 = 0x027f;
	uint32_t mxcsr = 0x9fc0;

	__asm__ volatile("fldcw %0\n\tldmxcsr %1" ::"m"(x87), "m"(mxcsr));
}
#elif defined(__aarch64__)
enum rounding {
	NEAREST = 0,
	UP = 1,
	DOWN = 2,
};

static uint64_t control(void)
{
	uint64_t fpcr;

	__asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
	return fpcr;
}

static void set_rounding(enum rounding mode)
{
	uint64_t fpcr = (control() & ~(3UL << 22)) | (uint64_t)mode << 22;

	__asm__ volatile("msr fpcr, %0" ::"r"(fpcr));
}

/* Flush to zero, default NaN. */
static void set_odd_modes(void)
{
	__asm__ volatile("msr fpcr, %0" ::"r"(control() | 3UL << 24));
}
#endif

/* What the FPU makes of 1/3 tells the mode it is really in. */
static double third(void)
{
	volatile double one = 1, three = 3;

	return one / three;
}

#if defined(__x86_64__) || defined(__aarch64__)
static long double long_third(void)
{
	volatile long double one = 1, three = 3;

	return one / three;
}

static void check_modes(struct fiber *self)
{
	uint64_t modes = control();
	double short_one = third();
	long double long_one = long_third();

	for (int i = 0; i < 10; i++) {
		leave(self);
		self->result += control() == modes && third() == short_one &&
				long_third() == long_one;
	}
}

static void round_up(struct fiber *self)
{
	set_rounding(UP);
	check_modes(self);
}

static void be_odd(struct fiber *self)
{
	set_odd_modes();
	check_modes(self);
}

Test(context, floating_point_modes)
{
	struct ski_context home;
	struct fiber fibers[4];
	double nearest = third();

	ski_context_adopt(&home);
	open_fiber(&fibers[0], &home, round_up);
	open_fiber(&fibers[1], &home, check_modes);
	open_fiber(&fibers[2], &home, be_odd);
	/* A context begins with the modes of its maker. */
	set_rounding(DOWN);
	open_fiber(&fibers[3], &home, check_modes);
	set_rounding(NEAREST);
	uint64_t modes = control();
	for (int i = 0; i < 11; i++) {
		for (int j = 0; j < 4; j++) {
			visit(&fibers[j]);
			cr_expect_eq(control(), modes);
			cr_expect(third() == nearest);
		}
	}
	for (int j = 0; j < 4; j++) {
		cr_expect_eq(fibers[j].result, 10, "fiber %d", j);
		close_fiber(&fibers[j]);
	}
}

static uint64_t modes_inside;

static void note_modes(struct fiber *self)
{
	(void)self;
	modes_inside = control();
}

Test(context, floating_point_modes_of_the_maker)
{
	static const enum rounding modes[] = { NEAREST, DOWN, UP };
	struct ski_context home;
	struct fiber f;

	ski_context_adopt(&home);
	for (int i = 0; i < 3; i++) {
		set_rounding(modes[i]);
		uint64_t maker = control();
		open_fiber(&f, &home, note_modes);
		set_rounding(modes[(i + 1) % 3]);
		visit(&f);
		cr_expect_eq(modes_inside, maker);
		close_fiber(&f);
	}
	set_rounding(NEAREST);
}
#endif

/*
 * The registers that a call keeps, beyond what a compiler happens to use:
 * fill_registers(from, to, in, out) switches with in[] in all of them and
 * stores in out[] what they are after.
 */
#if defined(__x86_64__)
enum {
	REGISTERS = 6,
};
__asm__(".text\n"
	".type fill_registers, @function\n"
	"fill_registers:\n"
	"	.cfi_startproc\n"
	"	endbr64\n"
	"	push %rbp\n	push %rbx\n	push %r12\n"
	"	push %r13\n	push %r14\n	push %r15\n"
	"	push %rcx\n"
	"	.cfi_adjust_cfa_offset 56\n"
	"	mov (%rdx), %rbp\n	mov 8(%rdx), %rbx\n"
	"	mov 16(%rdx), %r12\n	mov 24(%rdx), %r13\n"
	"	mov 32(%rdx), %r14\n	mov 40(%rdx), %r15\n"
	"	call ski_context_swap\n"
	"	pop %rcx\n"
	"	mov %rbp, (%rcx)\n	mov %rbx, 8(%rcx)\n"
	"	mov %r12, 16(%rcx)\n	mov %r13, 24(%rcx)\n"
	"	mov %r14, 32(%rcx)\n	mov %r15, 40(%rcx)\n"
	"	pop %r15\n	pop %r14\n	pop %r13\n"
	"	pop %r12\n	pop %rbx\n	pop %rbp\n"
	"	.cfi_adjust_cfa_offset -56\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size fill_registers, . - fill_registers\n");
#elif defined(__aarch64__)
enum {
	REGISTERS = 19,
};
__asm__(".text\n"
	".type fill_registers, %function\n"
	"fill_registers:\n"
	"	stp x29, x30, [sp, #-176]!\n"
	"	stp x19, x20, [sp, #16]\n	stp x21, x22, [sp, #32]\n"
	"	stp x23, x24, [sp, #48]\n	stp x25, x26, [sp, #64]\n"
	"	stp x27, x28, [sp, #80]\n	stp d8, d9, [sp, #96]\n"
	"	stp d10, d11, [sp, #112]\n	stp d12, d13, [sp, #128]\n"
	"	stp d14, d15, [sp, #144]\n	str x3, [sp, #160]\n"
	"	ldp x19, x20, [x2, #0]\n	ldp x21, x22, [x2, #16]\n"
	"	ldp x23, x24, [x2, #32]\n	ldp x25, x26, [x2, #48]\n"
	"	ldp x27, x28, [x2, #64]\n	ldp d8, d9, [x2, #80]\n"
	"	ldp d10, d11, [x2, #96]\n	ldp d12, d13, [x2, #112]\n"
	"	ldp d14, d15, [x2, #128]\n	ldr x29, [x2, #144]\n"
	"	bl ski_context_swap\n"
	"	ldr x3, [sp, #160]\n"
	"	stp x19, x20, [x3, #0]\n	stp x21, x22, [x3, #16]\n"
	"	stp x23, x24, [x3, #32]\n	stp x25, x26, [x3, #48]\n"
	"	stp x27, x28, [x3, #64]\n	stp d8, d9, [x3, #80]\n"
	"	stp d10, d11, [x3, #96]\n	stp d12, d13, [x3, #112]\n"
	"	stp d14, d15, [x3, #128]\n	str x29, [x3, #144]\n"
	"	ldp x19, x20, [sp, #16]\n	ldp x21, x22, [sp, #32]\n"
	"	ldp x23, x24, [sp, #48]\n	ldp x25, x26, [sp, #64]\n"
	"	ldp x27, x28, [sp, #80]\n	ldp d8, d9, [sp, #96]\n"
	"	ldp d10, d11, [sp, #112]\n	ldp d12, d13, [sp, #128]\n"
	"	ldp d14, d15, [sp, #144]\n"
	"	ldp x29, x30, [sp], #176\n"
	"	ret\n"
	".size fill_registers, . - fill_registers\n");
#else
enum {
	REGISTERS = 0,
};
#endif

#if defined(__x86_64__) || defined(__aarch64__)
void fill_registers(struct ski_context *from, struct ski_context *to,
		    const uint64_t in[REGISTERS], uint64_t out[REGISTERS]);

static void switch_with_registers(struct fiber *self, struct ski_context *from,
				  struct ski_context *to)
{
	uint64_t in[REGISTERS], out[REGISTERS] = { 0 };
	uint64_t random = (uint64_t)self->number + 1;

	for (int i = 0; i < REGISTERS; i++)
		in[i] = next_random(&random);
	self->number = (long)random;
	ski_context_leave(from, to, &from->fake_stack);
	fill_registers(from, to, in, out);
	ski_context_arrive(from);
	self->result += memcmp(in, out, sizeof(in)) == 0;
}

static void fill(struct fiber *self)
{
	for (;;)
		switch_with_registers(self, &self->context, self->home);
}

Test(context, registers)
{
	struct ski_context home;
	struct fiber a, b, here;

	ski_context_adopt(&home);
	open_fiber(&a, &home, fill);
	open_fiber(&b, &home, fill);
	a.number = 1;
	b.number = 2;
	here = (struct fiber){ .number = 3 };
	for (int i = 0; i < 100; i++) {
		switch_with_registers(&here, &home, &a.context);
		switch_with_registers(&here, &home, &b.context);
	}
	cr_expect_eq(here.result, 200);
	/* The last switch of each has not come back. */
	cr_expect_eq(a.result, 99);
	cr_expect_eq(b.result, 99);
	close_fiber(&a);
	close_fiber(&b);
}
#endif

static __attribute__((noinline)) long descend(const char *base, long depth)
{
	volatile char frame[1000];
	char *here = __builtin_frame_address(0);

	/* All of it is used, or it might be smaller; TSan counts frames. */
	frame[depth % 1000] = (char)depth;
	if (here - base < 128 << 10)
		return depth;
	long deepest = descend(base, depth + 1);
	return frame[depth % 1000] == (char)depth ? deepest : -1;
}

static void go_deep(struct fiber *self)
{
	self->result = descend(self->stack.base, 0);
}

Test(context, deep_stack)
{
	struct ski_context home;
	struct fiber f = { .home = &home, .run = go_deep };

	ski_context_adopt(&home);
	cr_assert_eq(ski_stack_map(&f.stack, 8 << 20, 65536, 65536), 0);
	ski_context_make(&f.context, f.stack.base, f.stack.bytes, enter, &f);
	visit(&f);
	cr_expect_gt(f.result, 1000);
	close_fiber(&f);
}

static void overflow(struct fiber *self)
{
	/* No base is ever reached: all memory is above it. */
	self->result = descend((char *)self->stack.base - (1L << 28), 0);
}

static void overflow_a_fiber(void)
{
	struct ski_context home;
	struct fiber f;

	ski_context_adopt(&home);
	open_fiber(&f, &home, overflow);
	visit(&f);
}

Test(context, overflow_meets_the_guard)
{
	cr_expect_eq(fate_of_child(overflow_a_fiber), SIGSEGV);
}

/*
 * What a debugger does: from the depths of a context out to its end. The
 * unwinder of a gcc for glibc does not link with another C library.
 */
#ifdef __GLIBC__
struct trace {
	int frames;
	bool saw_enter;
	void *last;
};

static _Unwind_Reason_Code look_at_frame(struct _Unwind_Context *context,
					 void *arg)
{
	struct trace *trace = arg;
	void *ip = (void *)_Unwind_GetIP(context);

	/* A return address may be behind the last byte of a function. */
	if (ip && _Unwind_FindEnclosingFunction((char *)ip - 1) ==
			  (void *)(uintptr_t)enter)
		trace->saw_enter = true;
	trace->last = ip;
	return ++trace->frames > 1000 ? _URC_NORMAL_STOP : _URC_NO_REASON;
}

static __attribute__((noinline)) int unwind(int depth, struct trace *trace)
{
	volatile int code;

	if (depth > 0)
		code = unwind(depth - 1, trace);
	else
		code = _Unwind_Backtrace(look_at_frame, trace);
	return code;
}

static void unwind_all(struct fiber *self)
{
	struct trace trace = { 0 };
	Dl_info module;
	int code = unwind(20, &trace);

	/* Beyond the outermost frame is nothing, or code of the C library
	 * that says no more; not what happens to lie on the stack. */
	self->result = code == _URC_END_OF_STACK && trace.saw_enter &&
		       (!trace.last || dladdr(trace.last, &module));
	self->number = trace.frames;
}

Test(context, unwinding_ends)
{
	struct ski_context home;
	struct fiber f;

	ski_context_adopt(&home);
	open_fiber(&f, &home, unwind_all);
	visit(&f);
	cr_expect(f.result);
	cr_expect_gt(f.number, 20);
	cr_expect_lt(f.number, 40);
	close_fiber(&f);
}
#endif

static void check_alignment(struct fiber *self)
{
	_Alignas(16) volatile char local[16] = { 1 };
	uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
	char text[64];

	/* Variable arguments with doubles need an aligned stack too. */
	snprintf(text, sizeof(text), "%.3f %Lf", third(), (long double)1);
	/* Above a frame pointer stand the caller's and the return address: 16
	 * bytes, or on i386 the 8 that are missing there. */
	self->result = (uintptr_t)local % 16 == 0 &&
		       (frame + 2 * sizeof(void *)) % 16 == 0 &&
		       strcmp(text, "0.333 1.000000") == 0;
}

/* Wherever the memory begins and ends. */
Test(context, stack_is_aligned)
{
	struct ski_context home;
	struct fiber f = { .home = &home, .run = check_alignment };

	ski_context_adopt(&home);
	cr_assert_eq(ski_stack_map(&f.stack, STACK, 0, 1), 0);
	for (size_t i = 0; i < 64; i++) {
		f.result = 0;
		ski_context_make(&f.context, (char *)f.stack.base + i % 7,
				 f.stack.bytes - 64 - i, enter, &f);
		visit(&f);
		cr_expect_eq(f.result, 1, "%zu", i);
		ski_context_drop(&f.context);
	}
	ski_stack_unmap(&f.stack);
}

static __attribute__((noinline)) void fill_array(volatile char *array, int n)
{
	for (int i = 0; i < n; i++)
		array[i] = (char)i;
}

/* Arrays, so that ASan has something to poison; left in the midst of calls. */
static __attribute__((noinline)) void nest(struct fiber *self, int depth)
{
	volatile char array[100];

	fill_array(array, 100);
	if (depth > 0)
		nest(self, depth - 1);
	else if (self->number)
		leave(self);
	else
		ski_context_exit(&self->context, self->home);
	self->result += array[3];
}

static void nest_deep(struct fiber *self)
{
	nest(self, 30);
}

/* The same stack again and again, however it was left. */
Test(context, stack_is_reused)
{
	struct ski_context home;
	struct fiber f;

	ski_context_adopt(&home);
	open_fiber(&f, &home, nest_deep);
	for (int i = 0; i < 200; i++) {
		f.number = i % 2;
		visit(&f);
		ski_context_drop(&f.context);
		memset(f.stack.base, 0x5a, f.stack.bytes);
		ski_context_make(&f.context, f.stack.base, f.stack.bytes, enter,
				 &f);
	}
	close_fiber(&f);
}

static void jump(struct fiber *self)
{
	for (volatile int i = 0; i < 10; i++) {
		jmp_buf back;
		if (setjmp(back) == 0) {
			leave(self);
			longjmp(back, 1);
		}
		self->result++;
	}
}

Test(context, longjmp_within)
{
	struct ski_context home;
	struct fiber a, b;

	ski_context_adopt(&home);
	open_fiber(&a, &home, jump);
	open_fiber(&b, &home, jump);
	for (int i = 0; i < 11; i++) {
		visit(&a);
		visit(&b);
	}
	cr_expect_eq(a.result, 10);
	cr_expect_eq(b.result, 10);
	close_fiber(&a);
	close_fiber(&b);
}

static volatile sig_atomic_t handler_stack_is_ours;
static struct fiber *signalled;

static void on_signal(int number)
{
	char *here = __builtin_frame_address(0);
	char *base = signalled->stack.base;

	(void)number;
	handler_stack_is_ours = here > base &&
				here < base + signalled->stack.bytes;
}

static void raise_signal(struct fiber *self)
{
	self->result = raise(SIGUSR1);
}

Test(context, signal_handlers_run)
{
	struct ski_context home;
	struct fiber f;

	signal(SIGUSR1, on_signal);
	ski_context_adopt(&home);
	open_fiber(&f, &home, raise_signal);
	signalled = &f;
	visit(&f);
	cr_expect_eq(f.result, 0);
	cr_expect(handler_stack_is_ours);
	close_fiber(&f);
}

/* Contexts of contexts: each is switched to from the one before. */
static void chain(struct fiber *self)
{
	struct fiber next;

	if (self->number > 0) {
		open_fiber(&next, &self->context, chain);
		next.number = self->number - 1;
		visit(&next);
		self->result = next.result + 1;
		close_fiber(&next);
	}
}

Test(context, nested)
{
	struct ski_context home;
	struct fiber f;

	ski_context_adopt(&home);
	open_fiber(&f, &home, chain);
	f.number = 100;
	visit(&f);
	cr_expect_eq(f.result, 100);
	close_fiber(&f);
}

/* Contexts that were made but never ran leave nothing behind. */
static void never(struct fiber *self)
{
	self->result = 1;
}

Test(context, never_run)
{
	struct ski_context home;
	struct fiber f;

	ski_context_adopt(&home);
	for (int i = 0; i < 500; i++) {
		open_fiber(&f, &home, never);
		close_fiber(&f);
		cr_expect_eq(f.result, 0);
	}
	ski_context_drop(&home);
	ski_context_adopt(&home);
	open_fiber(&f, &home, never);
	visit(&f);
	cr_expect_eq(f.result, 1);
	close_fiber(&f);
}
