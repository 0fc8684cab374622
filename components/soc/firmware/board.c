/* SPDX-License-Identifier: Apache-2.0 */

#include "board.h"

#include <generated/csr.h>
#include <generated/mem.h>
#include <generated/soc.h>
#include <irq.h>
#include <stdio.h>
#include <system.h>

#ifdef CSR_SDRAM_BASE
#include <generated/sdram_phy.h>
#endif
#ifdef TRINE_BY_CFU
#include "trine_cfu.h"
#endif

enum { kPage = 4096 };

static struct machine {
  uintptr_t registers;
  int interrupt;        /* its number */
  trine_device* device; /* whose handler takes it */
  volatile uint64_t arrived_at;
} machines[kMachines] = {
    {TRINE0_REGISTERS_BASE, TRINE0_INTERRUPT, NULL, 0},
#ifdef TRINE1_INTERRUPT
    {TRINE1_REGISTERS_BASE, TRINE1_INTERRUPT, NULL, 0},
#endif
};

static int put(char byte, FILE* file) {
  (void)file;
  if (byte == '\n') put('\r', file);
  while (uart_txfull_read()) {
  }
  uart_rxtx_write((unsigned char)byte);
  return 0;
}
static FILE console = FDEV_SETUP_STREAM(put, NULL, NULL, _FDEV_SETUP_WRITE);
FILE* const stdout = &console;

char board_get(void) {
  char byte;
  while (uart_rxempty_read()) {
  }
  byte = (char)uart_rxtx_read();
  uart_ev_pending_write(1u << CSR_UART_EV_PENDING_RX_OFFSET);
  return byte;
}

uint64_t board_cycles(void) {
  timer0_uptime_latch_write(1);
  return timer0_uptime_cycles_read();
}

/* LiteX's start-up code calls it. */
void isr(void);
void isr(void) {
  const unsigned pending = irq_pending() & irq_getmask();
  int i;
  for (i = 0; i < kMachines; ++i) {
    if ((pending >> machines[i].interrupt & 1) == 0) continue;
    machines[i].arrived_at = board_cycles();
    (void)trine_interrupt(machines[i].device);
  }
}

static int read_register(void* context, uint32_t offset, uint32_t* value) {
  const struct machine* machine = context;
#ifdef TRINE_BY_CFU
  *value = trine_cfu_read((int)(machine - machines), offset);
#else
  *value = *(volatile uint32_t*)(machine->registers + offset);
#endif
  return 0;
}

static int write_register(void* context, uint32_t offset, uint32_t value) {
  const struct machine* machine = context;
#ifdef TRINE_BY_CFU
  trine_cfu_write((int)(machine - machines), offset, value);
#else
  *(volatile uint32_t*)(machine->registers + offset) = value;
#endif
  return 0;
}

/* The machines see main memory where the processor does. */
static void* map(void* context, uint64_t address, size_t bytes) {
  const uint64_t offset = address - MAIN_RAM_BASE;
  (void)context;
  return offset < MAIN_RAM_SIZE && bytes <= MAIN_RAM_SIZE - offset ? (void*)(uintptr_t)address
                                                                   : NULL;
}

#ifndef SOC_NO_CACHE_HOOKS
/* Processors' caches here write through; LiteX's second level does not, and is emptied by reading
 * other addresses, which the processor's cache must not answer. */
static void empty_caches(void) {
  flush_cpu_dcache();
#ifdef CONFIG_L2_SIZE
  flush_l2_cache();
  flush_cpu_dcache();
#endif
}

static void clean(void* context, const void* at, size_t bytes) {
  (void)context, (void)at, (void)bytes;
#ifdef CONFIG_L2_SIZE
  empty_caches();
#endif
}

static void invalidate(void* context, void* at, size_t bytes) {
  (void)context, (void)at, (void)bytes;
  empty_caches();
}
#endif

/* Asked again until the handler has run: wfi is not on every processor here. */
static int wait_interrupt(void* context) {
  return trine_interrupted(((struct machine*)context)->device) ? 0 : 1;
}

#ifdef CSR_SDRAM_BASE
static void init_sdram(void) {
  sdram_dfii_control_write(DFII_CONTROL_CKE | DFII_CONTROL_ODT | DFII_CONTROL_RESET_N);
  init_sequence();
  sdram_dfii_control_write(DFII_CONTROL_SEL);
}
#endif

void board_init(void) {
#ifdef CSR_SDRAM_BASE
  init_sdram();
#endif
#ifdef TRINE_BY_CFU
  irq_setmask(TRINE_CFU_ENABLE);
#else
  irq_setmask(0);
#endif
  irq_setie(1);
}

trine_callbacks board_machine(int index) {
  trine_callbacks callbacks = {0};
  callbacks.context = &machines[index];
  callbacks.read32 = read_register;
  callbacks.write32 = write_register;
  callbacks.map = map;
#ifndef SOC_NO_CACHE_HOOKS
  callbacks.clean = clean;
  callbacks.invalidate = invalidate;
#endif
  callbacks.wait_interrupt = wait_interrupt;
  return callbacks;
}

void board_take_interrupts(int index, trine_device* device) {
  machines[index].device = device;
  irq_setmask(irq_getmask() | 1u << machines[index].interrupt);
}

uint64_t board_interrupt_at(int index) { return machines[index].arrived_at; }

/* Returns the machine's memory; it starts after the firmware's variables if they are in it, too. */
uint64_t board_memory(int index, uint64_t* bytes) {
  extern char _end[];
  const uint64_t used = (uintptr_t)_end < MAIN_RAM_BASE ? 0 : (uintptr_t)_end - MAIN_RAM_BASE;
  const uint64_t first = (used + kPage - 1) / kPage * kPage;
  *bytes = (MAIN_RAM_SIZE - first) / kMachines / kPage * kPage;
  return MAIN_RAM_BASE + first + (uint64_t)index * *bytes;
}

void board_end(int code) {
#ifdef CSR_END_BASE
  end_code_write((uint32_t)code);
#else
  printf("end %d\n", code);
#endif
  for (;;) {
  }
}
