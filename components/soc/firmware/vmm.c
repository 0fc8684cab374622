/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Multiplies a matrix by some vectors, each product with one call of trine_vmm, and with the
 * processor's own loops. The sums must be equal. In a system with the custom instruction
 * (trine_cfu.h), trine_vmm's driver accesses the machine only by that instruction.
 *
 *   trine soc --config edge64 --cpu-variant full+cfu --app components/soc/firmware/vmm.c
 */

#include <generated/soc.h>
#include <inttypes.h>
#include <stdio.h>

#include "board.h"
#include "trine_design.h"
#include "trine_vmm.h"

enum { kOutputs = 24, kInputs = 40, kVectors = 3, kZeroPoint = -7 };

static trine_storage storage;
static trine_device* device;
static int8_t weights[kOutputs * kInputs], inputs[kVectors * kInputs];
static int32_t bias[kOutputs], sums[kVectors * kOutputs];

static void check(const char* what, int code) {
  if (code == TRINE_OK) return;
  printf("error: %s: %s\n", what, trine_strerror(code));
  board_end(1);
}

static uint32_t drawn(void) {
  static uint32_t state = 1;
  state = state * 1664525u + 1013904223u;
  return state >> 8;
}

static void fill(void) {
  uint32_t i;
  for (i = 0; i < sizeof weights; ++i) weights[i] = (int8_t)drawn();
  for (i = 0; i < sizeof inputs; ++i) inputs[i] = (int8_t)drawn();
  for (i = 0; i < kOutputs; ++i) bias[i] = (int32_t)drawn() % 100000;
}

/* Packs the matrix into the machine's memory. */
static void prepare(trine_vmm_weights* layer) {
  static const trine_design design = TRINE_DESIGN;
  trine_vmm_matrix matrix = {0};
  uint64_t bytes;
  const uint64_t base = board_memory(0, &bytes);
  size_t needed;
  matrix.weights = weights;
  matrix.outputs = kOutputs;
  matrix.inputs = kInputs;
  matrix.vectors = 1;
  matrix.bias = bias;
  matrix.input_zero_point = kZeroPoint;
  check("bytes", trine_vmm_bytes(&design, &matrix, &needed));
  check("prepare", trine_vmm_prepare(device, &design, &matrix, base, needed, layer));
}

/* How many of the machine's sums are not the processor's. */
static uint32_t wrong_sums(void) {
  uint32_t wrong = 0, n, m, k;
  for (n = 0; n < kVectors; ++n)
    for (m = 0; m < kOutputs; ++m) {
      int32_t sum = bias[m];
      for (k = 0; k < kInputs; ++k)
        sum += weights[m * kInputs + k] * (inputs[n * kInputs + k] - kZeroPoint);
      wrong += sums[n * kOutputs + m] != sum;
    }
  return wrong;
}

int main(void) {
  static trine_vmm_weights layer;
  trine_callbacks callbacks;
  uint64_t begin;
  uint32_t n, took, wrong;
  board_init();
  callbacks = board_machine(0);
  check("open", trine_open(&storage, sizeof storage, &callbacks, &device));
  board_take_interrupts(0, device);
  fill();
  prepare(&layer);
  begin = board_cycles();
  for (n = 0; n < kVectors; ++n)
    check("vmm", trine_vmm(device, inputs + n * kInputs, &layer, sums + n * kOutputs, 1, 0));
  took = (uint32_t)(board_cycles() - begin);
  wrong = wrong_sums();
#ifdef TRINE_BY_CFU
  printf("by the custom instruction: ");
#endif
  printf("%d calls of trine_vmm, %d x %d, %" PRIu32 " cycles, %" PRIu32 " of %d sums wrong\n",
         kVectors, kOutputs, kInputs, took, wrong, kVectors * kOutputs);
  board_end(wrong == 0 ? 0 : 1);
}
