/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the firmware needs of a LiteX system: console, clock, interrupts, and the callbacks by which
 * the driver reaches each machine. */

#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

#include "trine_runtime.h"

enum { kMachines = SOC_MACHINES }; /* in the system */

/* Console and interrupts; SDRAM where there is one. */
void board_init(void);

/* The next byte that the console receives; waits for it. */
char board_get(void);

/* Of the system's clock, from reset on. */
uint64_t board_cycles(void);

/* The driver's callbacks for machine `index`. */
trine_callbacks board_machine(int index);

/* From now on the interrupt of machine `index` goes to this device's handler. */
void board_take_interrupts(int index, trine_device* device);

/* When the machine's interrupt came, by board_cycles(). */
uint64_t board_interrupt_at(int index);

/* Where machine `index` has its part of the main memory, and how large it is. */
uint64_t board_memory(int index, uint64_t* bytes);

/* The bytes of `trine soc --data`, for an app (`--app`). */
extern const unsigned char* const soc_data;
extern const size_t soc_data_bytes;

/* Ends the simulation with this exit code; on a board the light is out. */
void board_end(int code) __attribute__((noreturn));

#endif
