/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handwritten digits by three products, 784-1000-1000-10, each of which is one call:
 *
 *   result = AcceleratorVMM(inputs, weights, outputs);
 *
 * or, to compare, the same arithmetic by the processor alone. The weights are those of
 * models/mnist_mlp.bin. No operating system, no stdio, no allocation: 1.8 MB of static memory hold
 * the weights as int8 for the processor.
 */

#ifndef ACCELERATOR_VMM_H
#define ACCELERATOR_VMM_H

#include "trine_vmm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* By whom a network is computed: by the accelerator with weights in a byte or in two bits, or by
 * the processor's plain loops. The results are the same. */
enum { MLP_INT8, MLP_TERNARY, MLP_CORE };

/* Reads the network from the bytes of models/mnist_mlp.bin, a multiple of 4 in memory, and prepares
 * it for `device` in its memory from bus address `address` on (not for MLP_CORE, where device and
 * design may be null). MLP_INT8 takes 1.9 MB of device memory, MLP_TERNARY 0.5 MB. With `packed`
 * these hold what an earlier call has written there, or on another processor for the same design:
 * one that is simulated need not pack 1.8 million weights. Codes of trine_vmm_prepare(), and
 * TRINE_E_IMAGE for other bytes. */
int mlp_open(const void* file, size_t size, int by, int packed, trine_device* device,
             const trine_design* design, uint64_t address, size_t bytes);

/* outputs = weights times inputs. Codes of trine_vmm(). */
int AcceleratorVMM(const int8_t* inputs, const trine_vmm_weights* weights, void* outputs);

/* The digit 0..9 on an image of 28 x 28 bytes, 0 is paper, 255 is ink; or a negative code. */
int mlp_classify(const uint8_t* image);

/* What the firmware around it gives. */
typedef struct mlp_platform {
  void (*print)(const char* text);
  uint32_t (*cycles)(void); /* of the processor, modulo 2^32 */
} mlp_platform;

/* Classifies images of 784 bytes and prints each answer with its cycles. Returns how many are
 * their labels, or a negative code, which is printed, too. */
int mlp_run(const mlp_platform* platform, const uint8_t* images, const uint8_t* labels, int count);

#ifdef __cplusplus
}
#endif

#endif
