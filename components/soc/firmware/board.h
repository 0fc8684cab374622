/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The firmware's view of a LiteX system: console, clock, interrupts, and the callbacks by which
 * the driver accesses each machine. */

#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

#include "trine_runtime.h"

enum { kMachines = SOC_MACHINES }; /* machines in the system */

/* Initializes console, interrupts and, if there is one, SDRAM. */
void board_init(void);

/* Waits for the next byte from the console and returns it. */
char board_get(void);

/* Returns the cycles of the system's clock since reset. */
uint64_t board_cycles(void);

/* Returns the driver's callbacks for machine `index`. */
trine_callbacks board_machine(int index);

/* From now on, passes the interrupt of machine `index` to the handler of this device. */
void board_take_interrupts(int index, trine_device* device);

/* Returns the time of the machine's last interrupt, by board_cycles(). */
uint64_t board_interrupt_at(int index);

/* Returns the address and the size of machine `index`'s part of the main memory. */
uint64_t board_memory(int index, uint64_t* bytes);

/* The bytes of `trine soc --data`, for an app (`--app`). */
extern const unsigned char* const soc_data;
extern const size_t soc_data_bytes;

/* Ends the simulation with this exit code; on a board, switches the light off. */
void board_end(int code) __attribute__((noreturn));

#endif
