/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Classifies handwritten digits by three products, 784-1000-1000-10, each of which is one call:
 *
 *   result = AcceleratorVMM(inputs, weights, outputs);
 *
 * For comparison, the processor can compute the same network. The weights are in
 * models/mnist_mlp.bin. The example uses no operating system, no stdio and no allocation; 1.8 MB
 * of static memory contain the weights as int8 for the processor.
 */

#ifndef ACCELERATOR_VMM_H
#define ACCELERATOR_VMM_H

#include "trine_vmm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Ways to compute the network, with the same results: the accelerator with weights in a byte or
 * in two bits, or the processor's plain loops. */
enum { MLP_INT8, MLP_TERNARY, MLP_CORE };

/* Reads the network from the bytes of models/mnist_mlp.bin, which are aligned to 4, and prepares
 * it for `device` in its memory from bus address `address` on. With MLP_CORE, device and design
 * may be null. MLP_INT8 needs 1.9 MB of device memory, MLP_TERNARY 0.5 MB. With `packed`, this
 * memory already contains what an earlier call wrote, possibly on another processor for the same
 * design, so that a simulated processor need not pack 1.8 million weights. Returns the codes of
 * trine_vmm_prepare(), or TRINE_E_IMAGE for invalid bytes. */
int mlp_open(const void* file, size_t size, int by, int packed, trine_device* device,
             const trine_design* design, uint64_t address, size_t bytes);

/* Computes outputs = weights times inputs. Returns the codes of trine_vmm(). */
int AcceleratorVMM(const int8_t* inputs, const trine_vmm_weights* weights, void* outputs);

/* Returns the digit 0..9 on an image of 28 x 28 bytes (0 is paper, 255 is ink), or a negative
 * code. */
int mlp_classify(const uint8_t* image);

/* Functions of the firmware that uses the example. */
typedef struct mlp_platform {
  void (*print)(const char* text);
  uint32_t (*cycles)(void); /* cycles of the processor modulo 2^32 */
} mlp_platform;

/* Classifies images of 784 bytes and prints each answer with its cycles. Returns the number of
 * correct answers, or a negative code, which is printed as well. */
int mlp_run(const mlp_platform* platform, const uint8_t* images, const uint8_t* labels, int count);

#ifdef __cplusplus
}
#endif

#endif
