/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Multiplies a matrix and vectors on a Trine accelerator with one call, without a compiled
 * model:
 *
 *   sum[n][m] = bias[m] + sum over k of weights[m][k] * (inputs[n][k] - input_zero_point)
 *   outputs[n][m] = sum[n][m], an int32; or, requantized as TFLite does it,
 *   clamp(output_zero_point + round(sum[n][m] * multipliers[m] * 2^(shifts[m] - 31)))
 *
 * The weights and the few instructions of the product are packed once into memory of the device.
 * Each call then passes vectors:
 *
 *   static const trine_design design = TRINE_DESIGN;       // trine_design.h, next to the design
 *   static trine_vmm_weights layer;
 *   trine_vmm_matrix matrix = {0};
 *   matrix.weights = weights;                              // int8 [1000][784]
 *   matrix.outputs = 1000;
 *   matrix.inputs = 784;
 *   matrix.vectors = 1;
 *   matrix.multipliers = multipliers;
 *   matrix.shifts = shifts;
 *   matrix.scales = 1000;
 *   matrix.act_min = -128;
 *   matrix.act_max = 127;
 *   trine_vmm_bytes(&design, &matrix, &bytes);             // of device memory
 *   trine_vmm_prepare(device, &design, &matrix, address, bytes, &layer);
 *   trine_vmm(device, inputs, &layer, outputs, 1, 0);      // as often as there are inputs
 *
 * If the array is fast enough, the bus limits a matrix-vector product, because all weights are
 * transferred once. Weights of -1, 0 and 1 take a quarter of the bytes of int8, weights of -1
 * and 1 an eighth. C99, no operating system, no allocation, like trine_runtime.h.
 */

#ifndef TRINE_VMM_H
#define TRINE_VMM_H

#include <stddef.h>
#include <stdint.h>

#include "trine_runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The facts about a design that trine_vmm.c requires. `trine generate` writes them as
 * TRINE_DESIGN into trine_design.h. */
typedef struct trine_design {
  uint64_t hash;           /* CONFIG_HASH, which the device must have */
  uint32_t rows, cols;     /* array size: vectors and outputs computed at once */
  uint32_t data_words;     /* 32-bit words in a beat of the machine */
  uint32_t dmem_words;     /* 32-bit words for inputs and outputs */
  uint32_t pmem_rows;      /* PMEM rows of `cols` words of weights */
  uint32_t param_channels; /* entries for biases and scales */
  uint32_t acc_bits;       /* accumulator width */
  uint32_t precisions;     /* bits 1 << TRINE_VMM_.. of the supported weight precisions */
} trine_design;

/* Precisions of weights. Inputs are int8 with all of them. */
enum { TRINE_VMM_INT8 = 0, TRINE_VMM_TERNARY = 1, TRINE_VMM_BINARY = 2 };

/* Rounding of sums to codes: in two steps like TFLite's kernels and CMSIS-NN, in one step with
 * halves up, or in one step with halves to even like ONNX. */
enum { TRINE_VMM_DOUBLE = 0, TRINE_VMM_SINGLE = 1, TRINE_VMM_HALF_EVEN = 2 };

/* A product as the caller describes it. It is not used after trine_vmm_prepare(). */
typedef struct trine_vmm_matrix {
  const int8_t* weights;    /* [outputs][inputs]; ternary: -1, 0, 1; binary: -1, 1 */
  uint32_t outputs, inputs; /* 1..65535 each, limited by DMEM */
  uint32_t vectors;         /* computed together, at least 1; fewer if they do not fit DMEM */
  uint32_t precision;       /* TRINE_VMM_INT8, .. */
  const int32_t* bias;      /* [outputs], in units of a sum; null: zeros */
  int32_t input_zero_point; /* -128..127 */
  /* [scales], 0..2^31 - 1; null: outputs are the sums, and the following members are ignored. */
  const int32_t* multipliers;
  const int8_t* shifts;      /* [scales], -31..30, positive shifts left */
  uint32_t scales;           /* `outputs`, or 1 for all */
  int32_t output_zero_point; /* -128..127 */
  int32_t act_min, act_max;  /* bounds of an output: -128 <= act_min <= act_max <= 127 */
  uint32_t rounding;         /* TRINE_VMM_DOUBLE, .. */
} trine_vmm_matrix;

/* A prepared matrix for trine_vmm(). The fields are read-only for the caller. */
typedef struct trine_vmm_weights {
  uint64_t input_address, output_address, program_address; /* addresses on the device's bus */
  uint32_t outputs, inputs, vectors;
  uint32_t program_words;
  uint32_t sums; /* 1: outputs are int32, 0: int8 */
} trine_vmm_weights;

/* Returns the bytes of device memory that trine_vmm_prepare() needs: packed weights, program,
 * and room for the vectors. matrix->weights may still be null. Codes:
 * TRINE_E_ARGUMENT: a null pointer, or a value outside of its range.
 * TRINE_E_FEATURE: the design does not multiply int8 inputs by weights of this precision.
 * TRINE_E_SIZE: inputs and outputs of one vector do not fit DMEM, or the bytes do not fit size_t.
 */
int trine_vmm_bytes(const trine_design* design, const trine_vmm_matrix* matrix, size_t* bytes);

/* Packs the matrix into `bytes` of device memory from bus address `address` on, a multiple of 128
 * below 2^40. The memory must remain unchanged as long as `weights` is used. Any number of matrices
 * may be prepared. If matrix->weights is null, only the program is written. The memory must then
 * already contain what an earlier call packed; that call may have had another `address`. Codes:
 * TRINE_E_CONFIGURATION: the device has another design.
 * TRINE_E_ACCESS: map() does not know this memory.
 * TRINE_E_SIZE: more bytes are needed, or sums may exceed the accumulators (acc_bits).
 * TRINE_E_ARGUMENT: a weight is not a code of the precision.
 * It also returns the codes of trine_vmm_bytes(). */
int trine_vmm_prepare(trine_device* device, const trine_design* design,
                      const trine_vmm_matrix* matrix, uint64_t address, size_t bytes,
                      trine_vmm_weights* weights);

/* Computes `count` vectors, weights->vectors at a time, and waits for each of these runs like
 * trine_wait() with `attempts`. `inputs` is [count][inputs], `outputs` [count][outputs] of
 * int8_t, or of int32_t if weights->sums is set; both may be anywhere in the processor's memory.
 * The call loads the program of `weights`. A program that was loaded before must be loaded again
 * before it can run. Returns the codes of trine_load_program() and trine_run(); after
 * TRINE_E_TIMEOUT the device still runs. */
int trine_vmm(trine_device* device, const int8_t* inputs, const trine_vmm_weights* weights,
              void* outputs, uint32_t count, uint64_t attempts);

#ifdef __cplusplus
}
#endif

#endif
