/* SPDX-License-Identifier: MIT */
/*
 * The context switch for aarch64, AAPCS64, ELF. Contract: context.h.
 *
 * A context that does not run has, from its stack pointer up:
 *
 *	0 x19 … x28   80 x29   88 x30, signed   96 d8 … d15   160 FPCR
 *	176 its stack
 *
 * The return address is signed with the stack pointer at 176 where the CPU has
 * pointer authentication; paciasp is a landing pad for BTI as well. Written as
 * hints, which older CPUs and assemblers take for no-ops.
 */

#define ERRNO_ADDRESS 8
#define SAVED_ERRNO 16

#define FPCR_SLOT 160
#define FRAME 176

#define BTI_C hint #34
#define PACIA1716 hint #8
#define PACIASP hint #25
#define AUTIASP hint #29

	.text

/* void ski_context_swap(struct ski_context *from, struct ski_context *to) */
	.globl	ski_context_swap
	.hidden	ski_context_swap
	.type	ski_context_swap, %function
	.p2align 4
ski_context_swap:
	.cfi_startproc
	PACIASP
	.cfi_negate_ra_state
	sub	sp, sp, #FRAME
	.cfi_def_cfa_offset FRAME
	stp	x19, x20, [sp, #0]
	stp	x21, x22, [sp, #16]
	stp	x23, x24, [sp, #32]
	stp	x25, x26, [sp, #48]
	stp	x27, x28, [sp, #64]
	stp	x29, x30, [sp, #80]
	stp	d8, d9, [sp, #96]
	stp	d10, d11, [sp, #112]
	stp	d12, d13, [sp, #128]
	stp	d14, d15, [sp, #144]
	.cfi_rel_offset x19, 0
	.cfi_rel_offset x20, 8
	.cfi_rel_offset x21, 16
	.cfi_rel_offset x22, 24
	.cfi_rel_offset x23, 32
	.cfi_rel_offset x24, 40
	.cfi_rel_offset x25, 48
	.cfi_rel_offset x26, 56
	.cfi_rel_offset x27, 64
	.cfi_rel_offset x28, 72
	.cfi_rel_offset x29, 80
	.cfi_rel_offset x30, 88
	.cfi_rel_offset d8, 96
	.cfi_rel_offset d9, 104
	.cfi_rel_offset d10, 112
	.cfi_rel_offset d11, 120
	.cfi_rel_offset d12, 128
	.cfi_rel_offset d13, 136
	.cfi_rel_offset d14, 144
	.cfi_rel_offset d15, 152
	mrs	x9, fpcr
	str	x9, [sp, #FPCR_SLOT]
	ldr	x10, [x0, #ERRNO_ADDRESS]
	ldr	w11, [x10]
	str	w11, [x0, #SAVED_ERRNO]

	mov	x12, sp
	str	x12, [x0]
	ldr	x12, [x1]
	mov	sp, x12

	ldr	w11, [x1, #SAVED_ERRNO]
	str	w11, [x10]
	str	x10, [x1, #ERRNO_ADDRESS]
	ldr	x12, [sp, #FPCR_SLOT]
	cmp	x9, x12
	b.eq	1f /* nearly always, and writing FPCR is slow */
	msr	fpcr, x12
1:
	ldp	x19, x20, [sp, #0]
	ldp	x21, x22, [sp, #16]
	ldp	x23, x24, [sp, #32]
	ldp	x25, x26, [sp, #48]
	ldp	x27, x28, [sp, #64]
	ldp	x29, x30, [sp, #80]
	ldp	d8, d9, [sp, #96]
	ldp	d10, d11, [sp, #112]
	ldp	d12, d13, [sp, #128]
	ldp	d14, d15, [sp, #144]
	add	sp, sp, #FRAME
	.cfi_def_cfa_offset 0
	.cfi_restore x19
	.cfi_restore x20
	.cfi_restore x21
	.cfi_restore x22
	.cfi_restore x23
	.cfi_restore x24
	.cfi_restore x25
	.cfi_restore x26
	.cfi_restore x27
	.cfi_restore x28
	.cfi_restore x29
	.cfi_restore x30
	.cfi_restore d8
	.cfi_restore d9
	.cfi_restore d10
	.cfi_restore d11
	.cfi_restore d12
	.cfi_restore d13
	.cfi_restore d14
	.cfi_restore d15
	AUTIASP
	.cfi_negate_ra_state
	ret
	.cfi_endproc
	.size	ski_context_swap, . - ski_context_swap

/*
 * Where a made context begins: x19(x20). Its return address is undefined, which
 * is how unwinders know the outermost frame.
 */
	.type	start, %function
	.p2align 4
start:
	.cfi_startproc
	.cfi_undefined x30
	BTI_C
	mov	x0, x20
	blr	x19
	brk	#1000
	.cfi_endproc
	.size	start, . - start

/* void *ski_context_frame(void *top, size_t, void (*entry)(void *), void *) */
	.globl	ski_context_frame
	.hidden	ski_context_frame
	.type	ski_context_frame, %function
	.p2align 4
ski_context_frame:
	.cfi_startproc
	BTI_C
	adr	x17, start
	mov	x16, x0
	PACIA1716
	sub	x0, x0, #FRAME
	stp	x2, x3, [x0, #0]
	stp	xzr, x17, [x0, #80]
	mrs	x9, fpcr
	str	x9, [x0, #FPCR_SLOT]
	ret
	.cfi_endproc
	.size	ski_context_frame, . - ski_context_frame

/* GNU_PROPERTY_AARCH64_FEATURE_1_AND: BTI and PAC */
	.section .note.gnu.property, "a", %note
	.p2align 3
	.long	4, 16, 5
	.asciz	"GNU"
	.long	0xc0000000, 4, 3, 0

	.section .note.GNU-stack, "", %progbits
