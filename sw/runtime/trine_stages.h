/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a whole program of `trine compile --stages`: stages on the device, and operators of the
 * host before, between and after them. The caller provides a table of functions for the
 * operators.
 *
 *   trine_stages stages;
 *   trine_host_tensor input, output;
 *   trine_read_stages(bytes, size, &stages);
 *   trine_stages_input(&stages, arena, 0, &input);    // arena: stages.arena_bytes of memory
 *   copy(input.data, picture, input.bytes);
 *   trine_run_stages(device, &stages, base_address, arena, functions, count, 0);
 *   trine_stages_output(&stages, arena, 0, &output);  // output.data
 *
 * The device needs stages.memory_bytes from base_address on. `bytes` and `arena` are aligned to
 * 8.
 */

#ifndef TRINE_STAGES_H
#define TRINE_STAGES_H

#include "trine_runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Element types of a host's tensor. */
enum {
  TRINE_INT8 = 0,
  TRINE_UINT8 = 1,
  TRINE_INT16 = 2,
  TRINE_INT32 = 3,
  TRINE_INT64 = 4,
  TRINE_FLOAT32 = 5,
  TRINE_BOOL = 6
};

/* A valid program. It points into the caller's bytes. */
typedef struct trine_stages {
  const unsigned char* bytes;
  size_t size;
  uint64_t configuration_hash;
  uint64_t arena_bytes;  /* host memory for tensors */
  uint64_t memory_bytes; /* device memory */
  uint32_t tensors, steps, inputs, outputs;
  trine_image image; /* image of the stage that ran last; bytes null: none */
} trine_stages;

/* A tensor in C order. real value = scale * (code - zero_point); if there are several scales,
 * the index along `axis` selects one. Without scales the tensor is not quantized. */
typedef struct trine_host_tensor {
  void* data; /* read-only for a constant */
  size_t bytes;
  uint32_t type; /* TRINE_INT8 .. */
  uint32_t rank, extents[8];
  uint32_t constant;
  uint32_t axis, scale_count;
  const float* scales;
  const int32_t* zero_points;
  uint32_t encoding; /* int8 codes: 0: any, 1: ternary, 2: binary, 3: 2-bit, 4: 4-bit */
} trine_host_tensor;

/* An attribute of an operator: numbers or a text. */
typedef struct trine_host_attribute {
  const char* name; /* "stride_h", "beta", "onnx:axis" */
  uint32_t count;
  const double* numbers;
  const char* text; /* null: numbers */
} trine_host_attribute;

/* An operator of the host. */
typedef struct trine_host_op {
  const char* kind; /* "SOFTMAX"; for ONNX "Gather" */
  uint32_t inputs, outputs, attributes;
  const trine_stages* stages;
  void* arena;
  const uint32_t *tensors, *attribute_words;
} trine_host_op;

/* Describes an input, output or attribute of an operator. Returns TRINE_E_ARGUMENT if it does not
 * exist, as for an omitted optional input. */
int trine_host_input(const trine_host_op* op, uint32_t index, trine_host_tensor* tensor);
int trine_host_output(const trine_host_op* op, uint32_t index, trine_host_tensor* tensor);
int trine_host_attribute_at(const trine_host_op* op, uint32_t index,
                            trine_host_attribute* attribute);

/* Returns the first number of an attribute, or `otherwise` without it. Programs omit attributes
 * that have their usual value: sw/model/graph/graph.h of Trine's repository lists these values. */
double trine_host_number(const trine_host_op* op, const char* name, double otherwise);

/* A function for an operator of the host. run() reads the inputs' data and writes the outputs'.
 * It returns TRINE_OK, or the code that trine_run_stages() shall return. */
typedef struct trine_host_function {
  const char* kind; /* null: any */
  int (*run)(void* context, const trine_host_op* op);
  void* context;
} trine_host_function;

/* Checks a program and describes its requirements. Returns TRINE_E_IMAGE or TRINE_E_VERSION like
 * trine_read_image(). */
int trine_read_stages(const void* bytes, size_t size, trine_stages* stages);

/* Describes the network's own tensors. Returns TRINE_E_ARGUMENT if the tensor does not exist. */
int trine_stages_input(const trine_stages* stages, void* arena, uint32_t index,
                       trine_host_tensor* tensor);
int trine_stages_output(const trine_stages* stages, void* arena, uint32_t index,
                        trine_host_tensor* tensor);

/* Runs the whole program. Loads a stage's image unless it is already loaded at this
 * base_address, so that programs may alternate, also with trine_vmm(). Calls for each operator
 * the first function of its kind; returns TRINE_E_OPERATOR if there is none. `attempts` applies
 * to each stage as in trine_wait(). */
int trine_run_stages(trine_device* device, trine_stages* stages, uint64_t base_address, void* arena,
                     const trine_host_function* functions, size_t count, uint64_t attempts);

#ifdef __cplusplus
}
#endif

#endif
