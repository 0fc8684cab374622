/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole program, as `trine compile --stages` writes it: what runs on the device in stages, and
 * operators of the host before, between and behind them, which the caller has in a table.
 *
 *   trine_stages stages;
 *   trine_host_tensor input, output;
 *   trine_read_stages(bytes, size, &stages);
 *   trine_stages_input(&stages, arena, 0, &input);    // arena: stages.arena_bytes of memory
 *   copy(input.data, picture, input.bytes);
 *   trine_run_stages(device, &stages, base_address, arena, functions, count, 0);
 *   trine_stages_output(&stages, arena, 0, &output);  // output.data
 *
 * The device needs stages.memory_bytes from base_address on. `bytes` and `arena` are aligned to 8.
 */

#ifndef TRINE_STAGES_H
#define TRINE_STAGES_H

#include "trine_runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Types of a host's tensor. */
enum {
  TRINE_INT8 = 0,
  TRINE_UINT8 = 1,
  TRINE_INT16 = 2,
  TRINE_INT32 = 3,
  TRINE_INT64 = 4,
  TRINE_FLOAT32 = 5,
  TRINE_BOOL = 6
};

/* A program that was found sound. It points into the caller's bytes. */
typedef struct trine_stages {
  const unsigned char* bytes;
  size_t size;
  uint64_t configuration_hash;
  uint64_t arena_bytes;  /* of the host's memory for tensors */
  uint64_t memory_bytes; /* of the device's */
  uint32_t tensors, steps, inputs, outputs;
  trine_image image; /* of the stage that ran last, bytes null: none */
} trine_stages;

/* In C order; real value = scale * (code - zero_point), by index of `axis` if there are several
 * scales, not quantized without. */
typedef struct trine_host_tensor {
  void* data; /* of a constant to be read only */
  size_t bytes;
  uint32_t type; /* TRINE_INT8 .. */
  uint32_t rank, extents[8];
  uint32_t constant;
  uint32_t axis, scale_count;
  const float* scales;
  const int32_t* zero_points;
  uint32_t encoding; /* of int8 codes: 0 any, 1 ternary, 2 binary, 3, 4 of 2 and 4 bits */
} trine_host_tensor;

/* An attribute of an operator: numbers, or a text. */
typedef struct trine_host_attribute {
  const char* name; /* "stride_h", "beta", "onnx:axis" */
  uint32_t count;
  const double* numbers;
  const char* text; /* null: numbers */
} trine_host_attribute;

typedef struct trine_host_op {
  const char* kind; /* "SOFTMAX", of ONNX "Gather" */
  uint32_t inputs, outputs, attributes;
  const trine_stages* stages;
  void* arena;
  const uint32_t *tensors, *attribute_words;
} trine_host_op;

/* TRINE_E_ARGUMENT if there are not so many, or an optional input is absent. */
int trine_host_input(const trine_host_op* op, uint32_t index, trine_host_tensor* tensor);
int trine_host_output(const trine_host_op* op, uint32_t index, trine_host_tensor* tensor);
int trine_host_attribute_at(const trine_host_op* op, uint32_t index,
                            trine_host_attribute* attribute);

/* The first number of an attribute; `otherwise` without it (attributes that have their usual value
 * are left out: sw/model/graph.h of Trine's repository says which that is). */
double trine_host_number(const trine_host_op* op, const char* name, double otherwise);

/* An operator of the host. run() reads the inputs' data and writes the outputs'; it returns
 * TRINE_OK, or what trine_run_stages() shall return. */
typedef struct trine_host_function {
  const char* kind; /* null: any */
  int (*run)(void* context, const trine_host_op* op);
  void* context;
} trine_host_function;

/* Checks a program and says what it needs: TRINE_E_IMAGE, or TRINE_E_VERSION, as
 * trine_read_image(). */
int trine_read_stages(const void* bytes, size_t size, trine_stages* stages);

/* The network's own tensors. TRINE_E_ARGUMENT if there are not so many. */
int trine_stages_input(const trine_stages* stages, void* arena, uint32_t index,
                       trine_host_tensor* tensor);
int trine_stages_output(const trine_stages* stages, void* arena, uint32_t index,
                        trine_host_tensor* tensor);

/* Runs all of it. A stage's image is loaded unless it is the one that the device has loaded, at
 * this base_address: programs may take turns, with trine_vmm(), too. For each operator the first
 * function of its kind is called. TRINE_E_OPERATOR if there is none; `attempts` of each stage as in
 * trine_wait(). */
int trine_run_stages(trine_device* device, trine_stages* stages, uint64_t base_address, void* arena,
                     const trine_host_function* functions, size_t count, uint64_t attempts);

#ifdef __cplusplus
}
#endif

#endif
