/* SPDX-License-Identifier: Apache-2.0 */
/* Cases for tensors and their planes: each code by the formulas of docs/program-file.md. */

#include <string.h>

#include "cases.h"
#include "fake.h"
#include "made_image.h"

enum { kElements = 640, kPlaneWords = 480, kAt = 8 /* address of a tensor in its image */ };

static uint32_t host[kElements], back[kElements]; /* an element has one byte, two or four */
static float reals[kElements], real_back[kElements];
static uint32_t planes[kPlaneWords], golden[kPlaneWords];
static unsigned char table[256];

static uint32_t seed;

/* xorshift */
static uint32_t random_bits(void) {
  seed ^= seed << 13;
  seed ^= seed >> 17;
  seed ^= seed << 5;
  return seed;
}

static uint32_t number(uint32_t low, uint32_t high) {
  return low + (random_bits() >> 8) % (high - low + 1);
}

static uint32_t blocks(const trine_tensor* t) { return t->fold.rows * t->fold.pixels; }
static uint32_t host_channels(const trine_tensor* t) { return t->channels / blocks(t); }
static uint32_t element_count(const trine_tensor* t) {
  return t->extents[0] * t->extents[1] * t->extents[2];
}

/* Makes the axis the next slower one after those that already have a step. Updates `*step`. */
static void order_axis(trine_tensor* t, int axis, uint32_t* step) {
  const int folded = blocks(t) > 1;
  const uint32_t rows = t->transposed ? t->width : t->height;
  const uint32_t columns = t->transposed ? t->height : t->width;
  const uint32_t extents[3] = {folded ? t->fold.height : rows, folded ? t->fold.width : columns,
                               host_channels(t)};
  uint64_t* const steps[3] = {&t->step_y, &t->step_x, &t->step_channel};
  *steps[axis] = *step;
  *step *= extents[axis];
  t->extents[--t->rank] = extents[axis];
}

static void fold_pixels(trine_tensor* t) {
  t->fold.height = t->height;
  t->fold.width = t->width;
  t->fold.rows = number(1, 3);
  t->fold.pixels = number(2, 3);
  t->fold.stride_y = number(1, 3);
  t->fold.stride_x = number(1, 3);
  t->fold.top = number(0, 2);
  t->fold.left = number(0, 2);
  t->codes_per_word = 4;
  t->channels = blocks(t) * number(1, 3);
  t->height = number(1, 5);
  t->width = number(1, 5);
}

/* Returns the words of a pixel: two, with four channels, for int16. */
static uint32_t words_of_pixel(const trine_tensor* t) { return t->codes_per_word == 2 ? 2 : 1; }

/* Returns a tensor of random extents with its axes in any order. */
static trine_tensor random_tensor(void) {
  static const uint32_t kWidths[] = {1, 2, 4, 4, 16, 32};
  trine_tensor t = {0};
  uint32_t step = 1, codes;
  const int first = (int)number(0, 2), next = (int)number(1, 2);
  t.codes_per_word = kWidths[number(0, 5)];
  t.height = number(1, 4);
  t.width = number(1, 4);
  t.channels = number(1, t.codes_per_word == 1 ? 12 : t.codes_per_word == 2 ? 28 : 40);
  t.transposed = number(0, 1);
  t.fold.rows = t.fold.pixels = 1;
  if (number(0, 2) == 0) fold_pixels(&t);
  t.rank = 3;
  order_axis(&t, first, &step);
  order_axis(&t, (first + next) % 3, &step);
  order_axis(&t, (first + 3 - next) % 3, &step);
  t.rank = 3;
  t.pitch = words_of_pixel(&t) * t.width + number(0, 3);
  t.plane = t.pitch * t.height + number(0, 5);
  codes = words_of_pixel(&t) * t.codes_per_word;
  t.offset = kAt;
  t.bytes = 4 * t.plane * ((t.channels + codes - 1) / codes);
  t.zero_point = (int32_t)number(0, 255) - 128;
  t.scale = 1;
  EXPECT(element_count(&t) <= kElements && t.bytes <= sizeof planes);
  return t;
}

/* Returns the element that is channel k of pixel (y, x) of the image, or -1 outside of the
 * tensor. */
static int element_of(const trine_tensor* t, uint32_t k, uint32_t y, uint32_t x) {
  const uint32_t pixel = k / host_channels(t), channel = k % host_channels(t);
  int row = (int)(t->transposed ? x : y), column = (int)(t->transposed ? y : x);
  if (blocks(t) > 1) {
    row = row * (int)t->fold.stride_y - (int)t->fold.top + (int)(pixel / t->fold.pixels);
    column = column * (int)t->fold.stride_x - (int)t->fold.left + (int)(pixel % t->fold.pixels);
    if (row < 0 || column < 0 || row >= (int)t->fold.height || column >= (int)t->fold.width)
      return -1;
  }
  return row * (int)t->step_y + column * (int)t->step_x + (int)channel * (int)t->step_channel;
}

/* Returns a code as the bits at its position in a word. */
static uint32_t encoded(const trine_tensor* t, int32_t code) {
  if (t->codes_per_word == 32) return code > 0;
  if (t->codes_per_word == 16) return (uint32_t)code & 3;
  if (t->codes_per_word == 2) return (uint32_t)code & 0xffff;
  return t->codes_per_word == 4 ? (uint32_t)code & 0xff : (uint32_t)code;
}
static int32_t decoded(const trine_tensor* t, int32_t code) {
  const int low = code & 3;
  if (t->codes_per_word == 32) return code > 0 ? 1 : -1;
  return t->codes_per_word == 16 ? (low < 2 ? low : low - 4) : code;
}

/* Fills golden[], the planes; code_at(t, element) is the machine's code of an element. */
static void make_golden(const trine_tensor* t, int32_t (*code_at)(const trine_tensor*, uint32_t)) {
  const uint32_t n = t->codes_per_word, bits = 32 / n, wide = words_of_pixel(t);
  uint32_t k, y, x;
  memset(golden, 0, sizeof golden);
  for (k = 0; k < t->channels; ++k)
    for (y = 0; y < t->height; ++y)
      for (x = 0; x < t->width; ++x) {
        const int element = element_of(t, k, y, x);
        const int32_t code = element < 0 ? t->zero_point : code_at(t, (uint32_t)element);
        const uint32_t plane = k / (wide * n) * (uint32_t)t->plane;
        const uint32_t word = plane + y * t->pitch + wide * x + k % (wide * n) / n;
        golden[word] |= encoded(t, code) << k % n * bits;
      }
}

static int32_t as_int8(unsigned char byte) { return byte < 128 ? byte : byte - 256; }

static int32_t code_of_byte(const trine_tensor* t, uint32_t element) {
  const unsigned char byte = ((const unsigned char*)host)[element];
  if (t->codes_per_word == 1) return (int32_t)host[element];
  if (t->codes_per_word == 2) return ((const int16_t*)(const void*)host)[element];
  return as_int8(t->codes != NULL ? t->codes[byte] : byte);
}

static int came_back(const trine_tensor* t, uint32_t element) {
  const int32_t code = decoded(t, code_of_byte(t, element));
  const unsigned char byte = (unsigned char)code;
  if (t->codes_per_word == 1) return (int32_t)back[element] == code;
  if (t->codes_per_word == 2) return ((const int16_t*)(const void*)back)[element] == code;
  return ((unsigned char*)back)[element] == (t->codes != NULL ? t->codes[byte] : byte);
}

void case_planes(void) {
  int i, folded = 0, looked_up = 0;
  uint32_t e;
  seed = 5;
  for (i = 0; i < 2 * case_rounds; ++i) {
    trine_tensor t = random_tensor();
    for (e = 0; e < kElements; ++e) host[e] = random_bits();
    for (e = 0; e < 256; ++e) table[e] = (unsigned char)(random_bits() >> 8);
    if (t.codes_per_word > 2 && number(0, 1) == 1) t.codes = table;
    folded += blocks(&t) > 1;
    looked_up += t.codes != NULL;
    make_golden(&t, code_of_byte);
    memset(planes, 0xa5, sizeof planes);
    EXPECT_AT(i, trine_to_planes(&t, host, planes) == TRINE_OK);
    EXPECT_AT(i, memcmp(planes, golden, (size_t)t.bytes) == 0);
    EXPECT_AT(i,
              trine_from_planes(&t, planes, back) == (blocks(&t) > 1 ? TRINE_E_IMAGE : TRINE_OK));
    if (blocks(&t) > 1) continue;
    for (e = 0; e < element_count(&t); ++e) EXPECT_AT(i, came_back(&t, e));
  }
  EXPECT(folded > case_rounds / 3 && looked_up > case_rounds / 3);
}

/* Returns a device with an image that contains only this tensor, as input and as output. */
static opened* load_tensor(const trine_tensor* t, trine_image* image) {
  static unsigned char bytes[kTensorImage];
  opened* o = open_fake(0);
  image_of_tensor(t, kFakeBytes - 8, bytes);
  EXPECT(trine_read_image(bytes, kTensorImage, image) == TRINE_OK);
  EXPECT(trine_load_image(o->device, image, 0) == TRINE_OK);
  return o;
}

/* Quantizes as operator QUANTIZE does: halves away from zero, or to even. */
static int32_t nearest_code(const trine_tensor* t, uint32_t element) {
  const float steps = reals[element] / (float)t->scale;
  const uint32_t n = t->codes_per_word;
  const double most = n == 2 ? 32767 : n == 4 ? 127 : n == 16 ? 1 : 2147483647.0;
  const double least = n == 16 ? -1 : -most - 1;
  double whole = steps > -1e9f ? (steps < 1e9f ? steps : 1e9) : -1e9; /* also not a number */
  const int32_t toward_zero = (int32_t)whole;
  const double rest = whole < 0 ? toward_zero - whole : whole - toward_zero;
  if (t->codes_per_word == 32) return steps > 0 ? 1 : -1;
  whole = toward_zero;
  if (rest > 0.5 || (rest == 0.5 && (!t->half_even || toward_zero % 2 != 0)))
    whole += steps < 0 ? -1 : 1;
  whole += t->zero_point;
  return (int32_t)(whole < least ? least : whole > most ? most : whole);
}

/* Returns a random number, which may be half a step or an edge case. */
static float random_real(void) {
  static const union {
    uint32_t bits;
    float value;
  } kEdges[] = {{0},          {0x80000000}, {0x7149f2ca}, {0xf149f2ca}, {0x4f6e6b28},
                {0xcf6e6b28}, {0x7fc00000}, {0x7f800000}, {0xff800000}, {71362}};
  if (number(0, 49) == 0) return kEdges[number(0, 9)].value; /* 1e30, 4e9, nan, infinity, 1e-40 */
  return (float)((int)number(0, 4095) - 2048) / 64;
}

void case_floats(void) {
  int i;
  uint32_t e;
  seed = 3;
  for (i = 0; i < case_rounds; ++i) {
    trine_tensor t = random_tensor();
    trine_image image = {0};
    opened* o;
    t.scale = i % 2 == 0 ? 0.25 : (double)0.0078431377f;
    t.half_even = (uint32_t)i / 2 % 2;
    o = load_tensor(&t, &image);
    for (e = 0; e < element_count(&t); ++e) reals[e] = random_real();
    make_golden(&t, nearest_code);
    EXPECT_AT(i, trine_input_float(o->device, &image, 0, reals) == TRINE_OK);
    EXPECT_AT(i, memcmp(o->fake.memory + kAt, golden, (size_t)t.bytes) == 0);
    EXPECT_AT(i, trine_output_float(o->device, &image, 0, real_back) ==
                     (blocks(&t) > 1 ? TRINE_E_IMAGE : TRINE_OK));
    if (blocks(&t) > 1) continue;
    for (e = 0; e < element_count(&t); ++e) {
      const int64_t steps = (int64_t)nearest_code(&t, e) - t.zero_point;
      EXPECT_AT(e, real_back[e] == (float)(t.scale * (double)steps));
    }
  }
}

/* Returns a tensor of the same elements at another address, with rows and columns exchanged. */
static trine_tensor turned(const trine_tensor* t) {
  trine_tensor other = *t;
  other.transposed = !t->transposed;
  other.height = t->width;
  other.width = t->height;
  other.pitch = words_of_pixel(t) * other.width + 1;
  other.plane = other.pitch * other.height + 2;
  other.bytes = t->bytes / t->plane * other.plane;
  other.offset = t->offset + t->bytes;
  return other;
}

/* Checks a carried state: first zeros, then an output's contents. */
static void expect_carried(int i, const trine_tensor* from, const trine_tensor* to) {
  static unsigned char bytes[kTensorImage];
  trine_image image = {0};
  opened* o = open_fake(0);
  uint32_t e;
  image_of_tensors(to, from, kFakeBytes - 8, bytes);
  EXPECT_AT(i, trine_read_image(bytes, kTensorImage, &image) == TRINE_OK);
  EXPECT_AT(i, trine_carry(o->device, &image, 0, 0, back) == TRINE_E_STATE);
  EXPECT_AT(i, trine_carry(o->device, &image, 0, 1, back) == TRINE_E_ARGUMENT);
  EXPECT_AT(i, trine_load_image(o->device, &image, 0) == TRINE_OK);
  memset(reals, 0, sizeof reals);
  make_golden(to, nearest_code);
  EXPECT_AT(i, trine_input_zeros(o->device, &image, 0) == TRINE_OK);
  EXPECT_AT(i, memcmp(o->fake.memory + to->offset, golden, (size_t)to->bytes) == 0);
  for (e = 0; e < kElements; ++e) host[e] = random_bits();
  make_golden(from, code_of_byte);
  memcpy(o->fake.memory + from->offset, golden, (size_t)from->bytes);
  make_golden(to, code_of_byte);
  EXPECT_AT(i, trine_carry(o->device, &image, 0, 0, back) == TRINE_OK);
  EXPECT_AT(i, memcmp(o->fake.memory + to->offset, golden, (size_t)to->bytes) == 0);
  for (e = 0; e < element_count(from); ++e) EXPECT_AT(i, came_back(from, e));
  EXPECT_AT(i, trine_start(o->device) == TRINE_OK);
  EXPECT_AT(i, trine_input_zeros(o->device, &image, 0) == TRINE_E_BUSY);
  EXPECT_AT(i, trine_carry(o->device, &image, 0, 0, back) == TRINE_E_BUSY);
}

/* Checks tensors whose codes have different meanings. */
static void expect_unlike(const trine_tensor* from, trine_tensor to) {
  static unsigned char bytes[kTensorImage];
  trine_image image = {0};
  opened* o = open_fake(0);
  image_of_tensors(&to, from, kFakeBytes - 8, bytes);
  EXPECT(trine_read_image(bytes, kTensorImage, &image) == TRINE_OK);
  EXPECT(trine_load_image(o->device, &image, 0) == TRINE_OK);
  EXPECT(trine_carry(o->device, &image, 0, 0, back) == TRINE_E_ARGUMENT);
}

void case_states(void) {
  trine_tensor t, to;
  int i;
  seed = 6;
  for (i = 0; i < case_rounds; ++i) {
    do {
      t = random_tensor();
      to = turned(&t);
    } while (blocks(&t) > 1 || to.bytes > sizeof planes ||
             to.offset + to.bytes > kFakeBytes - 8 - 8);
    expect_carried(i, &t, &to);
  }
  to = t;
  to.scale = 2;
  expect_unlike(&t, to);
  to = t;
  to.zero_point += 1;
  expect_unlike(&t, to);
  to = t;
  to.rank = 2;
  expect_unlike(&t, to);
  to = t;
  to.extents[2] += 1;
  expect_unlike(&t, to);
}

void case_sums(void) {
  enum { kCount = 50 };
  trine_tensor t = {0};
  trine_image image = {0};
  opened* o;
  int i, n;
  t.offset = kAt;
  t.codes_per_word = t.channels = t.height = 1;
  t.width = t.pitch = kCount;
  t.plane = kCount;
  t.step_y = kCount;
  t.step_x = t.step_channel = 1;
  t.rank = 2;
  t.extents[0] = 1;
  t.extents[1] = kCount;
  t.fold.rows = t.fold.pixels = 1;
  t.scale = (double)0.0078431377f;
  t.zero_point = -3;
  o = load_tensor(&t, &image);
  seed = 4;
  for (n = 0; n < case_rounds; ++n) {
    for (i = 0; i < kCount; ++i) host[i] = random_bits() >> number(0, 23);
    memcpy(o->fake.memory + kAt, host, 4 * kCount);
    EXPECT_AT(n, trine_output_float(o->device, &image, 0, real_back) == TRINE_OK);
    for (i = 0; i < kCount; ++i) {
      const int32_t steps = (int32_t)(host[i] + 3);
      EXPECT_AT(i, real_back[i] == (float)(t.scale * steps));
    }
  }
}

/* Converts in both directions, which must return the same code. */
static int laid_out(const trine_tensor* t) {
  const int to = trine_to_planes(t, host, planes);
  EXPECT(trine_from_planes(t, planes, back) == to);
  return to;
}

void case_contradictions(void) {
  trine_tensor good, t;
  seed = 2;
  do good = random_tensor();
  while (blocks(&good) > 1 || good.height < 2 || good.channels < 2);
  EXPECT(laid_out(&good) == TRINE_OK);
  EXPECT(trine_to_planes(NULL, host, planes) == TRINE_E_ARGUMENT);
  EXPECT(trine_to_planes(&good, NULL, planes) == TRINE_E_ARGUMENT);
  EXPECT(trine_to_planes(&good, host, NULL) == TRINE_E_ARGUMENT);
  EXPECT(trine_from_planes(NULL, planes, back) == TRINE_E_ARGUMENT);
  EXPECT(trine_from_planes(&good, NULL, back) == TRINE_E_ARGUMENT);
  EXPECT(trine_from_planes(&good, planes, NULL) == TRINE_E_ARGUMENT);
#define EXPECT_BAD(change) \
  t = good;                \
  (change);                \
  EXPECT(laid_out(&t) == TRINE_E_IMAGE)
  EXPECT_BAD(t.height = 0);
  EXPECT_BAD(t.width = 32768);
  EXPECT_BAD(t.plane = t.pitch * (t.height - 1) + t.width - 1);
  EXPECT_BAD(t.extents[0] = 0);
  EXPECT_BAD(t.step_y = ~UINT64_C(0));
  EXPECT_BAD(t.step_channel += 1);
  EXPECT_BAD(t.codes_per_word = 0);
  EXPECT_BAD(t.fold.rows = 0);
  EXPECT_BAD(t.fold.pixels = 256);
}
