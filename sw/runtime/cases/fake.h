/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device of software: registers in an array, a program that ends after a number of status reads.
 */

#ifndef FAKE_H
#define FAKE_H

#include "trine_runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { kFakeBytes = 2048, kFakeRegisters = 64, kFakeWrites = 8 };

#define FAKE_HASH UINT64_C(0x123456789abcdef0)

typedef struct fake_device {
  uint32_t registers[kFakeRegisters]; /* at offset / 4 */
  /* What it sees; the processor sees its caches, which only clean() and invalidate() tell of it. */
  unsigned char *memory, *caches;
  size_t bytes;     /* of each */
  int polls_left;   /* of STATUS until the program ends */
  int ends_badly;   /* with a load error at 0x1_0000_0040 */
  int fails;        /* every access */
  int fails_at;     /* the access that fails, counted from here; 0: none */
  int answers;      /* calls of fake_interrupt() until one does not say "not yet" */
  int last_answer;  /* what that one says */
  int interrupts;   /* calls of it */
  int reads;        /* of registers */
  int status_reads; /* of which are STATUS */
  int writes;       /* of registers: offset and value of the n-th are written[n % kFakeWrites] */
  uint32_t written[kFakeWrites][2];
  int gives_up;    /* a soft reset, on its bus */
  int lets_go;     /* of its bus, when it is told that this was reset */
  int counts;      /* CYCLES goes on by 2^31 + 1 with each access */
  uint64_t cycles; /* by now */
} fake_device;

/* After a reset; what its memory holds is the caller's. */
void fake_init(fake_device* fake, unsigned char* memory, unsigned char* caches, size_t bytes);

/* Without wait_interrupt. */
trine_callbacks fake_callbacks(fake_device* fake);

/* For wait_interrupt. */
int fake_interrupt(void* fake);

/* A program comes to its end without being asked. */
void fake_end(fake_device* fake);

/* A device that was opened. */
typedef struct opened {
  fake_device fake;
  trine_storage storage;
  trine_callbacks callbacks;
  trine_device* device;
} opened;

/* The first or second of two, anew. */
opened* open_fake(int which);

/* Opens it again, by its callbacks. */
int open_again(opened* o);

/* A program of three words to 0x100, with the base address 0x1_0000_0200. */
extern const uint64_t fake_program[3];
int load_program(opened* o);

#ifdef __cplusplus
}
#endif

#endif
