/* SPDX-License-Identifier: MIT */
/*
 * Threads as fibers, and which of them goes on.
 *
 * A fiber is made once, by makecontext(), and then entered and left by
 * _setjmp() and _longjmp(), which cost a few instructions and no system call.
 * Each waits at the top of its stack for the next execution, so an execution
 * can be given up anywhere.
 *
 * Thread 0 runs setup, then sleeps until all others have ended, then runs check.
 */
#include <stdarg.h>
#include <string.h>
#include <ucontext.h>

#include <skua/error.h>

#include "engine.h"

enum {
	BUCKETS = 16
};

/* What a thread can be made to do. */
enum how {
	GO_ON,
	STRAY_WAKE,
	TIME_OUT,
	LATE_TIME_OUT
};

struct option {
	uint8_t thread, how;
};

/* Futex words that were used: what the wakes of them knew. */
struct bucket {
	uintptr_t word;
	unsigned wakes;
	struct ex_view view;
};

struct ex_engine ex;
static struct bucket buckets[BUCKETS];
static unsigned bucket_count;
static ucontext_t creator;
static unsigned created;

/* Below what the caller has on its stack. */
__attribute__((noinline)) static unsigned char *stack_pointer(void)
{
	return __builtin_frame_address(0);
}

static void switch_to(struct ex_thread *to)
{
	struct ex_thread *from = ex.now;

	if (from == to)
		return;
	from->stack = stack_pointer();
	ex_locals_switch(from->number, to->number);
	ex.now = to;
	if (!_setjmp(from->context))
		_longjmp(to->context, 1);
}

_Noreturn void ex_end_execution(enum ex_end how)
{
	_longjmp(ex.runner, (int)how);
}

_Noreturn void ex_fail(enum ex_fault fault, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(ex.message, sizeof(ex.message), format, arguments);
	va_end(arguments);
	ex.fault = fault;
	ex_end_execution(EX_FAULTY);
}

_Noreturn void ex_violated(const struct ex_site *site)
{
	ex_fail(EX_ASSERTION, "thread %u: %s, %s:%d", ex.now->number,
		site->text, site->file, site->line);
}

/* Daemons are no hang: all others have ended, and the execution is complete. */
static bool only_daemons_left(void)
{
	for (unsigned i = 1; i < ex.threads; ++i)
		if (ex.thread[i].status != EX_ENDED &&
		    !(ex.scenario->daemons >> i & 1))
			return false;
	return true;
}

_Noreturn void ex_give_up(void)
{
	ex_end_execution(EX_CUT);
}

/* A store that a spinning thread has not seen. */
static bool sees_news(const struct ex_thread *t)
{
	for (unsigned i = 0; i < t->reads && i < EX_READS; ++i)
		if (t->read[i].at->last != t->read[i].store)
			return true;
	return false;
}

static unsigned options_of(const struct ex_thread *t, struct option *out)
{
	unsigned n = 0;

	switch ((enum ex_status)t->status) {
	case EX_SPINNING:
		if (!sees_news(t))
			break;
		out[n++] = (struct option){ t->number, GO_ON };
		break;
	case EX_READY:
		out[n++] = (struct option){ t->number, GO_ON };
		break;
	case EX_SLEEPING:
		if (ex.stray)
			out[n++] = (struct option){ t->number, STRAY_WAKE };
		if (ex.timeouts && t->deadline_ns >= 0)
			out[n++] = (struct option){ t->number, TIME_OUT };
		break;
	case EX_WAITING:
	case EX_ENDED:
		break;
	}
	return n;
}

static unsigned late_timeouts(struct option *out)
{
	unsigned n = 0;

	if (!ex.scenario->timeouts_end_hangs)
		return 0;
	for (unsigned i = 1; i < ex.threads; ++i)
		if (ex.thread[i].status == EX_SLEEPING &&
		    ex.thread[i].deadline_ns >= 0)
			out[n++] = (struct option){ (uint8_t)i, LATE_TIME_OUT };
	return n;
}

static _Noreturn void hang(void)
{
	static const char *const names[] = {
		[EX_READY] = "is ready",
		[EX_SPINNING] = "spins",
		[EX_SLEEPING] = "sleeps",
		[EX_WAITING] = "waits for readers",
	};
	char text[sizeof(ex.message)] = "nothing can run:";
	size_t used = strlen(text);

	for (unsigned i = 1; i < ex.threads; ++i) {
		const struct ex_thread *t = &ex.thread[i];
		if (t->status != EX_ENDED && used < sizeof(text))
			used += (size_t)snprintf(text + used,
						 sizeof(text) - used,
						 " thread %u %s at %s:%d (%s);",
						 i, names[t->status],
						 t->site->file, t->site->line,
						 t->site->text);
	}
	ex_fail(EX_HANG, "%s", text);
}

/* What all threads did, and the modification orders. */
uint64_t ex_graph_hash(void)
{
	uint64_t hash = ex.order_hash;

	for (unsigned i = 1; i < ex.threads; ++i)
		hash = ex_mix(hash, ex.thread[i].hash);
	return hash;
}

/* All that decides how the execution can go on, but for preemptions. */
static uint64_t state_hash(void)
{
	uint64_t allowances = (uint64_t)ex.spurious << 48 |
			      (uint64_t)ex.stray << 32 | ex.timeouts << 16 |
			      ex.alloc_failures;

	return ex_mix(ex_mix(ex_graph_hash(), allowances), ex.stale);
}

/* After what changes the state: until the next point little will. */
void ex_point_comes(void)
{
	if (ex_extending())
		ex_expect_state(state_hash());
}

static void carry_out(struct option o)
{
	struct ex_thread *t = &ex.thread[o.thread];

	t->status = EX_READY;
	switch ((enum how)o.how) {
	case GO_ON:
		break;
	case STRAY_WAKE:
		--ex.stray;
		t->result = 0;
		break;
	case TIME_OUT:
		--ex.timeouts;
		t->result = SKUA_ETIMEDOUT;
		break;
	case LATE_TIME_OUT:
		++ex.late_timeouts;
		t->result = SKUA_ETIMEDOUT;
		ex_see_all(t);
		break;
	}
	switch_to(t);
}

/* Another thread may go on here, for a preemption unless @free. @stays: so may
 * the running one. */
void ex_decide(bool stays, bool free)
{
	struct option options[2 * EX_THREADS];
	struct ex_thread *t = ex.now;
	bool costs = stays && !free;
	unsigned n = 0, taken;

	if (costs)
		options[n++] = (struct option){ t->number, GO_ON };
	if (!costs || ex.preemptions < ex.bound)
		for (unsigned i = 1; i < ex.threads; ++i)
			if (&ex.thread[i] != t || t->status == EX_SLEEPING)
				n += options_of(&ex.thread[i], &options[n]);
	if (stays && free)
		options[n++] = (struct option){ t->number, GO_ON };
	if (!n && only_daemons_left()) {
		switch_to(&ex.thread[0]);
		return;
	}
	if (!n)
		n = late_timeouts(options);
	if (!n)
		hang();

	if (ex_extending() &&
	    ex_known_state(state_hash(), costs ? t->number : 0,
			   ex.bound - ex.preemptions))
		ex_end_execution(EX_KNOWN);
	taken = ex_pick(n);
	if (costs && taken)
		++ex.preemptions;
	carry_out(options[taken]);
}

/* A preemption point, if others @may_act on what the running thread will read. */
static struct ex_thread *point(const struct ex_site *site, bool may_act)
{
	struct ex_thread *t = ex.now;

	t->site = site;
	if (ex.phase != EX_RUN || !may_act)
		return t;
	/* If it has done nothing since it was chosen, it is chosen still. */
	if (!t->chosen)
		ex_decide(true, false);
	t->chosen = false;
	return t;
}

struct ex_thread *ex_point(const struct ex_site *site)
{
	return point(site, true);
}

struct ex_thread *ex_point_to_read(const struct ex_site *site,
				   const volatile void *object)
{
	return point(site,
		     ex.every_point || ex_is_contended((uintptr_t)object));
}

struct ex_thread *ex_point_to_write(const struct ex_site *site)
{
	return point(site, ex.every_point);
}

/*
 * A waiting loop goes round once more. If it has changed nothing and read the
 * same stores as often as it may in vain, it goes on only when it can read
 * something newer, and if it then does not, it might as well have waited.
 */
void ex_pause(const struct ex_site *site)
{
	struct ex_thread *t = ex.now;

	t->site = site;
	/* Too many loads were not the loop's own, but before it. */
	if (t->progress || t->reads > EX_READS)
		t->vain = 0;
	else if (t->vain && t->reads_hash == t->reads_before)
		++t->vain;
	else
		t->vain = 1;
	t->hash = ex_mix(t->hash, 0xba5e + t->vain);
	if (t->vain > ex.scenario->spins + 1)
		ex_end_execution(EX_CUT);
	if (t->vain > ex.scenario->spins)
		t->status = EX_SPINNING;
	ex_trace(t, site, t->status == EX_SPINNING ? "spins" : "");
	if (ex.phase == EX_RUN)
		ex_decide(t->status == EX_READY || sees_news(t), true);
	else if (t->status == EX_SPINNING)
		hang();

	t->status = EX_READY;
	t->chosen = true;
	t->reads_before = t->reads_hash;
	t->reads_hash = t->reads = 0;
	t->progress = false;
}

static struct bucket *find_bucket(const void *word)
{
	struct bucket *b = buckets;

	for (unsigned i = 0; i < bucket_count; ++i, ++b)
		if (b->word == (uintptr_t)word)
			return b;
	if (bucket_count == BUCKETS)
		ex_fail(EX_LIMIT, "more than %d futex words", BUCKETS);
	memset(b, 0, sizeof(*b));
	b->word = (uintptr_t)word;
	++bucket_count;
	return b;
}

int ex_futex_wait(const struct ex_site *site, const void *word,
		  uint32_t expected, int64_t deadline_ns)
{
	struct ex_thread *t = ex_point(site);
	struct bucket *b = find_bucket(word);
	uint32_t value;

	ex_read_word(t, (uintptr_t)word, b->view.clock, &value);
	t->hash = ex_mix(t->hash, b->wakes);
	if (value != expected)
		return 0;
	ex_trace(t, site, "sleeps");
	t->progress = true;
	t->status = EX_SLEEPING;
	t->word = (uintptr_t)word;
	t->deadline_ns = deadline_ns;
	t->result = 0;
	if (ex.phase != EX_RUN)
		hang();
	ex_decide(false, true);
	t->chosen = true;
	t->hash = ex_mix(t->hash, 0xf07e + (unsigned)t->result);
	ex_trace(t, site, t->result ? "timed out" : "woke up");
	return t->result;
}

static void wake(struct ex_thread *sleeper, const struct ex_thread *by)
{
	sleeper->status = EX_READY;
	sleeper->hash =
		ex_mix(sleeper->hash, (uint64_t)by->number << 16 | by->event);
	ex_trace(by, by->site, "wakes thread %u", sleeper->number);
}

void ex_futex_wake(const struct ex_site *site, const void *word, int count)
{
	struct ex_thread *t = ex_point(site), *sleepers[EX_THREADS];
	struct bucket *b = find_bucket(word);
	unsigned n = 0;

	ex_begin_event(t);
	ex_trace(t, site, "%p", word);
	t->progress = true;
	++b->wakes;
	ex_join(&b->view, &t->view);
	t->hash = ex_mix(t->hash, (uintptr_t)word);
	for (unsigned i = 1; i < ex.threads; ++i)
		if (ex.thread[i].status == EX_SLEEPING &&
		    ex.thread[i].word == b->word)
			sleepers[n++] = &ex.thread[i];
	for (; n && count > 0; --count) {
		unsigned i = (unsigned)count >= n ? 0 : ex_pick(n);
		t->hash = ex_mix(t->hash, sleepers[i]->number);
		wake(sleepers[i], t);
		sleepers[i] = sleepers[--n];
	}
}

unsigned ex_choose(unsigned count)
{
	unsigned taken = ex_pick(count);

	ex.now->hash = ex_mix(ex.now->hash, taken);
	return taken;
}

void ex_outcome(uint64_t value)
{
	ex.outcome = value;
	ex.has_outcome = true;
}

unsigned ex_self(void)
{
	return ex.now->number;
}

unsigned ex_late_timeouts(void)
{
	return ex.late_timeouts;
}

static void run_scenario(struct ex_thread *t)
{
	const struct ex_scenario *s = ex.scenario;

	if (s->setup)
		s->setup();
	ex_begin_event(t);
	for (unsigned i = 1; i < ex.threads; ++i)
		ex.thread[i].view = t->view;
	ex.phase = EX_RUN;
	t->status = EX_ENDED;
	ex_decide(false, true);

	ex.graph = ex_graph_hash();
	if (ex_extending() && ex_known_end(ex.graph))
		ex_end_execution(EX_KNOWN);
	ex.phase = EX_CHECK;
	t->status = EX_READY;
	for (unsigned i = 1; i < ex.threads; ++i)
		ex_join(&t->view, &ex.thread[i].view);
	if (s->check)
		s->check();
	ex_memory_leaks();
	ex_end_execution(EX_COMPLETE);
}

static void end_thread(struct ex_thread *t)
{
	/* What it did after its last event happens before check too. */
	ex_begin_event(t);
	ex_trace(t, t->site, "ends");
	t->hash = ex_mix(t->hash, 0xe9d);
	t->status = EX_ENDED;
	for (unsigned i = 1; i < ex.threads; ++i) {
		if (ex.thread[i].status != EX_ENDED) {
			ex_decide(false, true);
			return;
		}
	}
	switch_to(&ex.thread[0]);
}

static void fiber(void)
{
	struct ex_thread *t = &ex.thread[created];

	/* Each execution begins here again. */
	if (!_setjmp(t->start))
		setcontext(&creator);
	if (t->number)
		ex.scenario->run[t->number - 1]();
	else
		run_scenario(t);
	end_thread(t);
}

void ex_schedule_init(void)
{
	static ucontext_t first[EX_THREADS];

	for (created = 0; created < EX_THREADS; ++created) {
		ucontext_t *c = &first[created];
		size_t bytes;

		getcontext(c);
		c->uc_stack.ss_sp = ex_memory_stack(created, &bytes);
		c->uc_stack.ss_size = bytes;
		c->uc_link = NULL;
		makecontext(c, fiber, 0);
		swapcontext(&creator, c);
	}
}

static void reset(void)
{
	const struct ex_scenario *s = ex.scenario;

	++ex.generation;
	ex.phase = EX_SETUP;
	for (ex.threads = 1; ex.threads < EX_THREADS; ++ex.threads)
		if (!s->run[ex.threads - 1])
			break;
	ex.spurious = s->spurious;
	ex.stray = s->stray;
	ex.stale = s->stale;
	ex.timeouts = s->timeouts;
	ex.alloc_failures = s->alloc_failures;
	ex.preemptions = ex.late_timeouts = ex.step = 0;
	ex.order_hash = ex.outcome = 0;
	ex.has_outcome = false;
	bucket_count = 0;
	for (unsigned i = 0; i < ex.threads; ++i) {
		struct ex_thread *t = &ex.thread[i];
		memset(t, 0, offsetof(struct ex_thread, start));
		t->number = (uint8_t)i;
		t->chosen = true;
		memcpy(t->context, t->start, sizeof(t->context));
	}
	if (s->state_bytes)
		memset(s->state, 0, s->state_bytes);
	ex_locals_reset();
	ex_model_reset();
	ex_order_reset();
	ex_rcu_reset();
	ex_memory_reset();
}

/* With what it has read in the round that it is in. */
static void keep_thread(struct ex_thread *t)
{
	unsigned reads = t->reads < EX_READS ? t->reads : EX_READS;

	ex_keep(t, offsetof(struct ex_thread, read) + reads * sizeof(*t->read));
}

/* The running thread's @stack begins there. */
void ex_schedule_keep(unsigned char *stack)
{
	unsigned char *execution = (unsigned char *)&ex.generation;

	ex.now->stack = stack;
	ex_keep(execution, (size_t)((unsigned char *)ex.thread - execution));
	for (unsigned i = 0; i < ex.threads; ++i)
		keep_thread(&ex.thread[i]);
	ex_keep(buckets, bucket_count * sizeof(*buckets));
	ex_keep(&bucket_count, sizeof(bucket_count));
	ex_keep(ex.scenario->state, ex.scenario->state_bytes);
	for (unsigned i = 0; i < ex.threads; ++i) {
		size_t bytes;
		unsigned char *end = ex_memory_stack(i, &bytes);

		end += bytes;
		if (ex.thread[i].stack) /* it has begun */
			ex_keep(ex.thread[i].stack,
				(size_t)(end - ex.thread[i].stack));
	}
}

/* One execution, with the choices that search.c has. */
enum ex_end ex_execute(void)
{
	bool resumes = ex_search_resumes();
	int how;

	if (!resumes) {
		reset();
		ex.now = &ex.thread[0];
	}
	ex.fault = EX_NONE;
	how = _setjmp(ex.runner);
	if (!how && resumes)
		ex_snapshot_resume();
	if (!how)
		_longjmp(ex.thread[0].start, 1);
	ex.now = NULL;
	return (enum ex_end)how;
}
