/* SPDX-License-Identifier: Apache-2.0 */
/* Builds machine images. The code follows only the table of docs/program-file.md. */

#ifndef MADE_IMAGE_H
#define MADE_IMAGE_H

#include "trine_runtime.h"

enum { kHeader = 64, kRecord = 160, kCodes = 256 };

/* Writes a little-endian number of `bytes` bytes. */
void put(unsigned char* to, size_t bytes, uint64_t value);

/* Writes the checksum of an image. */
void seal(unsigned char* image, size_t bytes);

/* Writes magic, versions, the hash of the fake device, and counts. The caller writes memory,
 * parts and records. */
void put_header(unsigned char* image, uint32_t inputs, uint32_t outputs);

enum { kTensorImage = kHeader + 2 * kRecord + 8 + 4 };

/* Writes an image with one word and four bytes of constants at the beginning of the memory. The
 * tensor is both input and output; its table of codes is not written. */
void image_of_tensor(const trine_tensor* tensor, uint64_t dram_bytes,
                     unsigned char image[kTensorImage]);

/* Writes such an image with two different tensors. */
void image_of_tensors(const trine_tensor* input, const trine_tensor* output, uint64_t dram_bytes,
                      unsigned char image[kTensorImage]);

#endif
