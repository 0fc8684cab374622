/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Classifies digits by a network 784-1000-1000-10, each product with one call of AcceleratorVMM,
 * and again with the processor's own loops (sw/runtime/examples/accelerator_vmm.h). Prints the
 * cycles of both, and the cycles that the bus needs.
 *
 *   trine soc --config edge64 --app components/soc/firmware/mlp.c \
 *     --app sw/runtime/examples/accelerator_vmm.c --data models/mnist_mlp.bin --main-kib 8192
 *
 * On a simulated processor, packing 1.8 million weights takes a minute, as do the processor's
 * loops. */

#include <inttypes.h>
#include <stdio.h>

#include "../../../sw/runtime/examples/accelerator_vmm.h"
#include "board.h"
#include "trine_design.h"

enum { kPixels = 784, kHidden = 1000, kDigits = 10, kSide = 28 };

static trine_storage storage;
static trine_device* device;

/* A one, as anybody writes it: rows of ink in the middle. */
static const unsigned char* picture(void) {
  static unsigned char pixels[kPixels];
  int y, x;
  for (y = 4; y < 24; ++y)
    for (x = 13; x < 16; ++x) pixels[kSide * y + x] = 255;
  return pixels;
}

static uint32_t now(void) { return (uint32_t)board_cycles(); }

static void check(const char* what, int code) {
  if (code >= 0) return;
  printf("error: %s: %s\n", what, trine_strerror(code));
  board_end(1);
}

static void open_machine(void) {
  const trine_callbacks callbacks = board_machine(0);
  check("open", trine_open(&storage, sizeof storage, &callbacks, &device));
  board_take_interrupts(0, device);
}

/* The digit; *cycles is what it took. */
static int classify(int by, uint32_t* cycles) {
  static const trine_design design = TRINE_DESIGN;
  uint64_t bytes;
  const uint64_t base = board_memory(0, &bytes);
  uint32_t begin = now();
  int digit;
  check("open", mlp_open(soc_data, soc_data_bytes, by, 0, device, &design, base, (size_t)bytes));
  printf("prepared in %" PRIu32 " cycles\n", now() - begin);
  begin = now();
  digit = mlp_classify(picture());
  *cycles = now() - begin;
  check("classify", digit);
  return digit;
}

int main(void) {
  const uint32_t weights = kPixels * kHidden + kHidden * kHidden + kHidden * kDigits;
  uint32_t by_machine = 0, by_core = 0;
  int machine, core;
  board_init();
  open_machine();
  machine = classify(MLP_INT8, &by_machine);
  printf("AcceleratorVMM: digit %d, %" PRIu32 " cycles; the bus takes %" PRIu32 "\n", machine,
         by_machine, weights / 8);
  core = classify(MLP_CORE, &by_core);
  printf("on the core: digit %d, %" PRIu32 " cycles, %" PRIu32 " times as many\n", core, by_core,
         by_core / by_machine);
  board_end(machine == core ? 0 : 1);
}
