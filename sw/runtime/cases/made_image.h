/* SPDX-License-Identifier: Apache-2.0 */
/* Machine images made by hand, by the table of docs/program-file.md alone. */

#ifndef MADE_IMAGE_H
#define MADE_IMAGE_H

#include "trine_runtime.h"

enum { kHeader = 64, kRecord = 160, kCodes = 256 };

/* A little-endian number of so many bytes. */
void put(unsigned char* to, size_t bytes, uint64_t value);

/* The checksum of an image of so many bytes. */
void seal(unsigned char* image, size_t bytes);

/* Magic, versions, hash of the fake device, counts; memory, parts and records are the caller's. */
void put_header(unsigned char* image, uint32_t inputs, uint32_t outputs);

enum { kTensorImage = kHeader + 2 * kRecord + 8 + 4 };

/* An image of one word and four bytes of constants, with this tensor as input and as output; its
 * codes are left out. The constants lie at the beginning of the memory. */
void image_of_tensor(const trine_tensor* tensor, uint64_t dram_bytes,
                     unsigned char image[kTensorImage]);

/* The same of two tensors. */
void image_of_tensors(const trine_tensor* input, const trine_tensor* output, uint64_t dram_bytes,
                      unsigned char image[kTensorImage]);

#endif
