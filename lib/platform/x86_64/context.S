/* SPDX-License-Identifier: MIT */
/*
 * The context switch for x86-64, System V ABI, ELF. Contract: context.h.
 *
 * A context that does not run has, from its stack pointer up:
 *
 *	0 MXCSR   4 x87 control word   8 r15  16 r14  24 r13  32 r12
 *	40 rbx   48 rbp   56 where it goes on   64 its stack
 *
 * Whole MXCSR is kept, so the sticky exception flags of SSE are a context's own
 * too. The last instruction of a switch is a jump, for there may be nobody to
 * return to. It carries a notrack prefix since the place after a call is no
 * landing pad, so it is fit for CET's indirect branch tracking. Shadow stacks
 * are not switched, and the note at the end does not claim them: a process with
 * this object in it does not turn them on.
 */

#define ERRNO_ADDRESS 8
#define SAVED_ERRNO 16

#define MXCSR 0
#define X87_CONTROL 4
#define R13 24
#define R12 32
#define RBP 48
#define RIP 56
#define FRAME 64

	.text

/* void ski_context_swap(struct ski_context *from, struct ski_context *to) */
	.globl	ski_context_swap
	.hidden	ski_context_swap
	.type	ski_context_swap, @function
	.p2align 4
ski_context_swap:
	.cfi_startproc
	endbr64
	pushq	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbp, 0
	pushq	%rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbx, 0
	pushq	%r12
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r12, 0
	pushq	%r13
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r13, 0
	pushq	%r14
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r14, 0
	pushq	%r15
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r15, 0
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	stmxcsr	MXCSR(%rsp)
	fnstcw	X87_CONTROL(%rsp)
	movq	ERRNO_ADDRESS(%rdi), %rax
	movl	(%rax), %edx
	movl	%edx, SAVED_ERRNO(%rdi)

	movq	%rsp, (%rdi)
	movq	(%rsi), %rsp

	movl	SAVED_ERRNO(%rsi), %edx
	movl	%edx, (%rax)
	movq	%rax, ERRNO_ADDRESS(%rsi)
	ldmxcsr	MXCSR(%rsp)
	fldcw	X87_CONTROL(%rsp)
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	popq	%r15
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r15
	popq	%r14
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r14
	popq	%r13
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r13
	popq	%r12
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r12
	popq	%rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbx
	popq	%rbp
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbp
	popq	%rcx
	.cfi_adjust_cfa_offset -8
	.cfi_register %rip, %rcx
	notrack jmp *%rcx
	.cfi_endproc
	.size	ski_context_swap, . - ski_context_swap

/*
 * Where a made context begins: r12(r13). Its return address is undefined, which
 * is how unwinders know the outermost frame.
 */
	.type	start, @function
	.p2align 4
start:
	.cfi_startproc
	.cfi_undefined %rip
	endbr64
	movq	%r13, %rdi
	call	*%r12
	ud2
	.cfi_endproc
	.size	start, . - start

/* void *ski_context_frame(void *top, size_t, void (*entry)(void *), void *) */
	.globl	ski_context_frame
	.hidden	ski_context_frame
	.type	ski_context_frame, @function
	.p2align 4
ski_context_frame:
	.cfi_startproc
	endbr64
	leaq	-FRAME(%rdi), %rax
	leaq	start(%rip), %rsi
	stmxcsr	MXCSR(%rax)
	fnstcw	X87_CONTROL(%rax)
	movq	%rcx, R13(%rax)
	movq	%rdx, R12(%rax)
	movq	$0, RBP(%rax)
	movq	%rsi, RIP(%rax)
	ret
	.cfi_endproc
	.size	ski_context_frame, . - ski_context_frame

/* GNU_PROPERTY_X86_FEATURE_1_AND: IBT */
	.section .note.gnu.property, "a", @note
	.p2align 3
	.long	4, 16, 5
	.asciz	"GNU"
	.long	0xc0000002, 4, 1, 0

	.section .note.GNU-stack, "", @progbits
