/* SPDX-License-Identifier: Apache-2.0 */

#include "made_image.h"

#include <string.h>

#include "fake.h"
#include "trine_isa.h"

void put(unsigned char* to, size_t bytes, uint64_t value) {
  for (; bytes > 0; --bytes, value >>= 8) *to++ = (unsigned char)value;
}

/* Returns the effect of a byte on a CRC-32. */
static uint32_t crc_of(uint32_t byte) {
  int bit;
  for (bit = 0; bit < 8; ++bit) byte = byte % 2 != 0 ? byte >> 1 ^ 0xedb88320 : byte >> 1;
  return byte;
}

void seal(unsigned char* image, size_t bytes) {
  static uint32_t table[256];
  uint32_t crc = 0xffffffff, byte;
  size_t i;
  if (table[1] == 0)
    for (byte = 0; byte < 256; ++byte) table[byte] = crc_of(byte);
  for (i = 0; i < bytes; ++i)
    if (i < 60 || i >= 64) crc = crc >> 8 ^ table[(crc ^ image[i]) & 0xff];
  put(image + 60, 4, ~crc);
}

void put_header(unsigned char* image, uint32_t inputs, uint32_t outputs) {
  memcpy(image, "TRINEIMG", 8);
  put(image + 8, 4, 2);
  put(image + 12, 4, TRINE_ISA_VERSION);
  put(image + 16, 8, FAKE_HASH);
  put(image + 56, 2, inputs);
  put(image + 58, 2, outputs);
}

static void put_record(unsigned char* to, const trine_tensor* t) {
  const uint32_t fold[8] = {t->fold.rows, t->fold.pixels, t->fold.stride_y, t->fold.stride_x,
                            t->fold.top,  t->fold.left,   t->fold.height,   t->fold.width};
  uint64_t scale;
  size_t i;
  memset(to, 0, kRecord);
  memcpy(&scale, &t->scale, sizeof scale);
  put(to, 8, t->offset);
  put(to + 8, 8, t->plane);
  put(to + 16, 8, scale);
  put(to + 24, 4, (uint32_t)t->zero_point);
  put(to + 28, 4, t->pitch);
  put(to + 32, 4, t->channels);
  put(to + 36, 4, t->height);
  put(to + 40, 4, t->width);
  put(to + 44, 4, t->codes_per_word);
  put(to + 48, 4, t->transposed);
  put(to + 52, 4, t->rank);
  for (i = 0; i < 8; ++i) put(to + 56 + 4 * i, 4, t->extents[i]);
  for (i = 0; i < 8; ++i) put(to + 88 + 4 * i, 4, fold[i]);
  put(to + 120, 8, t->step_y);
  put(to + 128, 8, t->step_x);
  put(to + 136, 8, t->step_channel);
  put(to + 148, 4, t->half_even);
}

void image_of_tensor(const trine_tensor* tensor, uint64_t dram_bytes,
                     unsigned char image[kTensorImage]) {
  image_of_tensors(tensor, tensor, dram_bytes, image);
}

void image_of_tensors(const trine_tensor* input, const trine_tensor* output, uint64_t dram_bytes,
                      unsigned char image[kTensorImage]) {
  enum { kWords = kHeader + 2 * kRecord };
  memset(image, 0, kTensorImage);
  put_header(image, 1, 1);
  put(image + 24, 8, dram_bytes);
  put(image + 40, 4, kWords);
  put(image + 44, 4, 1);
  put(image + 48, 4, kWords + 8);
  put(image + 52, 4, 4);
  put_record(image + kHeader, input);
  put_record(image + kHeader + kRecord, output);
  seal(image, kTensorImage);
}
