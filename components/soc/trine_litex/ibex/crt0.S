/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ibex comes out of reset 0x80 bytes behind its boot address, which is the ROM's. Its vectors are 4 bytes each, from a
 * multiple of 256 on, so nothing here is compressed. */

.option norvc
.section .text.start, "ax", @progbits
.global _start
.space 0x80
_start:
  la sp, _fstack
  la t0, vectors
  csrw mtvec, t0
  la a0, _fdata
  la a1, _edata
  la a2, _fdata_rom
  j 2f
1:lw t0, 0(a2)
  sw t0, 0(a0)
  addi a0, a0, 4
  addi a2, a2, 4
2:bltu a0, a1, 1b
  la a0, _fbss
  la a1, _ebss
  j 4f
3:sw zero, 0(a0)
  addi a0, a0, 4
4:bltu a0, a1, 3b
  call main
5:j 5b

.balign 256
vectors:
.rept 32
  j trap
.endr

/* What a C function may change. */
.macro each_register do
  \do ra, 0(sp)
  \do t0, 4(sp)
  \do t1, 8(sp)
  \do t2, 12(sp)
  \do a0, 16(sp)
  \do a1, 20(sp)
  \do a2, 24(sp)
  \do a3, 28(sp)
  \do a4, 32(sp)
  \do a5, 36(sp)
  \do a6, 40(sp)
  \do a7, 44(sp)
  \do t3, 48(sp)
  \do t4, 52(sp)
  \do t5, 56(sp)
  \do t6, 60(sp)
.endm

trap:
  addi sp, sp, -64
  each_register sw
  call isr
  each_register lw
  addi sp, sp, 64
  mret
