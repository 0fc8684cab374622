/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accesses the machine's registers by a custom instruction (components/soc/trine_litex/cfu.py), in
 * systems whose processor is VexRiscv in a variant with `cfu`. Their generated/soc.h defines
 * TRINE_BY_CFU. */

#ifndef TRINE_CFU_H
#define TRINE_CFU_H

#include <stdint.h>

/* The instruction. Its function field selects the machine, so each machine has its own
 * instruction. */
#define TRINE_CFU(function, machine, offset, data)                         \
  __asm__ volatile(".insn r 0x0B, " #function ", " #machine ", %0, %1, %2" \
                   : "=r"(result)                                          \
                   : "r"(offset), "r"(data)                                \
                   : "memory")

/* Bit of the interrupt mask (VexRiscv's CSR 0xBC0) that must always be set; otherwise the
 * instruction is illegal. */
#define TRINE_CFU_ENABLE (1u << 31)

/* Returns the register at `offset`. */
static inline uint32_t trine_cfu_read(int machine, uint32_t offset) {
  uint32_t result;
  if (machine == 0)
    TRINE_CFU(0, 0, offset, 0);
  else
    TRINE_CFU(0, 1, offset, 0);
  return result;
}

/* Writes the register at `offset`. */
static inline void trine_cfu_write(int machine, uint32_t offset, uint32_t data) {
  uint32_t result;
  if (machine == 0)
    TRINE_CFU(1, 0, offset, data);
  else
    TRINE_CFU(1, 1, offset, data);
  (void)result;
}

#endif
