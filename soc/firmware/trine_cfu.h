/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine's registers by a custom instruction (soc/trine_litex/cfu.py): systems whose processor
 * is VexRiscv in a variant with `cfu`, for which generated/soc.h has TRINE_BY_CFU. */

#ifndef TRINE_CFU_H
#define TRINE_CFU_H

#include <stdint.h>

/* The function field names the machine, so each has an instruction of its own. */
#define TRINE_CFU(function, machine, offset, data)                         \
  __asm__ volatile(".insn r 0x0B, " #function ", " #machine ", %0, %1, %2" \
                   : "=r"(result)                                          \
                   : "r"(offset), "r"(data)                                \
                   : "memory")

/* Part of the mask of interrupts, always (VexRiscv's CSR 0xBC0): else the instruction is illegal.
 */
#define TRINE_CFU_ENABLE (1u << 31)

static inline uint32_t trine_cfu_read(int machine, uint32_t offset) {
  uint32_t result;
  if (machine == 0)
    TRINE_CFU(0, 0, offset, 0);
  else
    TRINE_CFU(0, 1, offset, 0);
  return result;
}

static inline void trine_cfu_write(int machine, uint32_t offset, uint32_t data) {
  uint32_t result;
  if (machine == 0)
    TRINE_CFU(1, 0, offset, data);
  else
    TRINE_CFU(1, 1, offset, data);
  (void)result;
}

#endif
