/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device in software: an array of registers, and a program that ends after a number of status
 * reads.
 */

#ifndef FAKE_H
#define FAKE_H

#include "trine_runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { kFakeBytes = 2048, kFakeRegisters = 64, kFakeWrites = 8 };

#define FAKE_HASH UINT64_C(0x123456789abcdef0)

/* The state of the device, with switches and counters for tests. */
typedef struct fake_device {
  uint32_t registers[kFakeRegisters]; /* register at offset / 4 */
  /* The device's memory, and the processor's caches. Only clean() and invalidate() copy between
   * them. */
  unsigned char *memory, *caches;
  size_t bytes;     /* size of each */
  int polls_left;   /* reads of STATUS until the program ends */
  int ends_badly;   /* true: the program ends with a load error at 0x1_0000_0040 */
  int fails;        /* true: every access fails */
  int fails_at;     /* number of accesses until one fails; 0: none */
  int answers;      /* calls of fake_interrupt() until one does not answer "not yet" */
  int last_answer;  /* answer of that call */
  int interrupts;   /* calls of fake_interrupt() */
  int reads;        /* register reads */
  int status_reads; /* reads of STATUS among them */
  int writes; /* register writes: offset and value of the n-th one are written[n % kFakeWrites] */
  uint32_t written[kFakeWrites][2];
  int gives_up;    /* true: a soft reset gives up on its bus */
  int lets_go;     /* true: it releases the bus when the bus was reset */
  int counts;      /* true: CYCLES advances by 2^31 + 1 with each access */
  uint64_t cycles; /* value of CYCLES */
} fake_device;

/* Initializes the device as after a reset. The caller sets the contents of its memory. */
void fake_init(fake_device* fake, unsigned char* memory, unsigned char* caches, size_t bytes);

/* Returns the device's callbacks without wait_interrupt. */
trine_callbacks fake_callbacks(fake_device* fake);

/* A callback for wait_interrupt. */
int fake_interrupt(void* fake);

/* Ends the device's program without a status read. */
void fake_end(fake_device* fake);

/* A device with an open handle. */
typedef struct opened {
  fake_device fake;
  trine_storage storage;
  trine_callbacks callbacks;
  trine_device* device;
} opened;

/* Opens the first or the second of two new devices. */
opened* open_fake(int which);

/* Opens the device again with its present callbacks. */
int open_again(opened* o);

/* Loads a program of three words to 0x100 with the base address 0x1_0000_0200. */
extern const uint64_t fake_program[3];
int load_program(opened* o);

#ifdef __cplusplus
}
#endif

#endif
