/* SPDX-License-Identifier: Apache-2.0 */
/* Cases for machine images: the fields that are read, refusals, and what the device receives. */

#include <string.h>

#include "cases.h"
#include "fake.h"
#include "made_image.h"
#include "trine_isa.h"

/* An image whose parts and tensors all end at the last possible byte. */
enum {
  kInputs = 2,
  kTensors = 5,
  kPlanes = 5, /* in a tensor */
  kWords = kHeader + kTensors * kRecord + kCodes,
  kConstants = kWords + 2 * 8,
  kImage = kConstants + 5,
  kLast = kHeader + (kTensors - 1) * kRecord /* the last output */
};
#define DRAM UINT64_C(0x700000100)
#define PLANE 0x10000000u

static unsigned char made[kImage];

/* Returns a value for a field without a special meaning that differs from all others. */
static uint32_t unlike(size_t field, size_t tensor) {
  return (uint32_t)(0x87654300 + field + (tensor << 20));
}

/* Fills a tensor with numbers that differ in each field. Fields without a limit have a high bit
 * set. */
static void make_tensor(size_t i) {
  static const size_t kFields[] = {28, 36, 40, 48, 148};
  unsigned char* to = made + kHeader + kRecord * i;
  size_t field;
  put(to, 8, DRAM - (uint64_t)4 * (PLANE + i) * kPlanes);
  put(to + 8, 8, PLANE + i);
  put(to + 16, 8, UINT64_C(0x3ff8000000000000) + ((uint64_t)i << 52)); /* 1.5 * 2^i */
  put(to + 24, 4, (uint32_t)(-7 - (int)i));
  put(to + 32, 4, 4 * kPlanes - 3); /* of four in a word: the last word holds one */
  put(to + 44, 4, 4);
  put(to + 52, 4, 8);
  for (field = 0; field < 5; ++field) put(to + kFields[field], 4, unlike(kFields[field], i));
  for (field = 56; field < 144; field += 4) put(to + field, 4, unlike(field, i));
  if (i % 2 == 1) put(to + 144, 4, kWords - kCodes - i);
}

static void make(void) {
  size_t i;
  memset(made, 0, sizeof made);
  put_header(made, kInputs, kTensors - kInputs);
  put(made + 24, 8, DRAM);
  put(made + 32, 8, DRAM - 5);
  put(made + 40, 4, kWords);
  put(made + 44, 4, 2);
  put(made + 48, 4, kConstants);
  put(made + 52, 4, 5);
  for (i = 0; i < kTensors; ++i) make_tensor(i);
  for (i = kWords; i < kImage; ++i) made[i] = (unsigned char)i;
  seal(made, kImage);
}

static int read_made(size_t bytes) {
  trine_image image;
  return trine_read_image(made, bytes, &image);
}

static int read_sealed(void) {
  seal(made, kImage);
  return read_made(kImage);
}

static uint64_t wide(size_t field, size_t tensor) {
  return (uint64_t)unlike(field + 4, tensor) << 32 | unlike(field, tensor);
}

static void expect_tensor(const trine_tensor* t, size_t i) {
  size_t d;
  EXPECT_AT(i, t->plane == PLANE + i);
  EXPECT_AT(i, t->bytes == 4 * kPlanes * t->plane);
  EXPECT_AT(i, t->offset == DRAM - t->bytes);
  EXPECT_AT(i, t->scale == 1.5 * (1 << i));
  EXPECT_AT(i, t->zero_point == -7 - (int)i);
  EXPECT_AT(i, t->pitch == unlike(28, i));
  EXPECT_AT(i, t->channels == 17 && t->height == unlike(36, i) && t->width == unlike(40, i));
  EXPECT_AT(i, t->codes_per_word == 4 && t->transposed == unlike(48, i) && t->rank == 8);
  EXPECT_AT(i, t->half_even == unlike(148, i));
  for (d = 0; d < 8; ++d) EXPECT_AT(d, t->extents[d] == unlike(56 + 4 * d, i));
  EXPECT_AT(i, t->fold.rows == unlike(88, i) && t->fold.pixels == unlike(92, i));
  EXPECT_AT(i, t->fold.stride_y == unlike(96, i) && t->fold.stride_x == unlike(100, i));
  EXPECT_AT(i, t->fold.top == unlike(104, i) && t->fold.left == unlike(108, i));
  EXPECT_AT(i, t->fold.height == unlike(112, i) && t->fold.width == unlike(116, i));
  EXPECT_AT(i, t->step_y == wide(120, i) && t->step_x == wide(128, i));
  EXPECT_AT(i, t->step_channel == wide(136, i));
  EXPECT_AT(i, t->codes == (i % 2 == 1 ? made + kWords - kCodes - i : NULL));
}

void case_fields(void) {
  trine_image image = {0};
  trine_tensor t = {0};
  uint32_t i;
  make();
  if (!EXPECT(trine_read_image(made, kImage, &image) == TRINE_OK)) return;
  EXPECT(image.configuration_hash == FAKE_HASH);
  EXPECT(image.dram_bytes == DRAM);
  EXPECT(image.constants_address == DRAM - 5);
  EXPECT(image.words == made + kWords);
  EXPECT(image.constants == made + kConstants);
  EXPECT(image.word_count == 2 && image.constants_bytes == 5);
  EXPECT(image.inputs == 2 && image.outputs == 3);
  EXPECT(trine_image_input(&image, 2, &t) == TRINE_E_ARGUMENT);
  EXPECT(trine_image_output(&image, 3, &t) == TRINE_E_ARGUMENT);
  for (i = 0; i < kTensors; ++i) {
    EXPECT_AT(i, (i < kInputs ? trine_image_input(&image, i, &t)
                              : trine_image_output(&image, i - kInputs, &t)) == TRINE_OK);
    expect_tensor(&t, i);
  }
}

static const struct {
  size_t at, bytes;
  uint64_t value;
  int expected;
} kEdges[] = {{24, 8, DRAM - 1, TRINE_E_IMAGE}, /* constants and tensors need it all */
              {24, 8, DRAM + 1, TRINE_OK},
              {32, 8, DRAM - 4, TRINE_E_IMAGE},
              {32, 8, DRAM + 1, TRINE_E_IMAGE},
              {32, 8, DRAM - 6, TRINE_OK},
              {40, 4, kHeader + kTensors* kRecord - 8, TRINE_E_IMAGE}, /* in the last record */
              {kLast + 144, 4, kWords - kCodes, TRINE_OK},
              {kLast + 144, 4, kWords - kCodes + 1, TRINE_E_IMAGE}, /* a table */
              {kLast + 144, 4, 0xffffffff, TRINE_E_IMAGE},
              {40, 4, kWords + 4, TRINE_E_IMAGE},
              {40, 4, kWords + 8, TRINE_E_IMAGE},
              {44, 4, 1, TRINE_OK},
              {44, 4, 3, TRINE_E_IMAGE},
              {48, 4, kConstants - 1, TRINE_E_IMAGE},
              {48, 4, kConstants + 1, TRINE_E_IMAGE},
              {52, 4, 6, TRINE_E_IMAGE},
              {56, 2, 3, TRINE_E_IMAGE},
              {58, 2, 4, TRINE_E_IMAGE},
              {kLast, 8, DRAM + 1, TRINE_E_IMAGE},
              {kLast, 8, DRAM - UINT64_C(20) * 0x10000004 + 1, TRINE_E_IMAGE},
              {kLast + 8, 8, 0x10000005, TRINE_E_IMAGE},
              {kLast + 8, 8, UINT64_C(0x100000000), TRINE_E_IMAGE},
              {kLast + 8, 8, 0, TRINE_OK},
              {kLast + 32, 4, 20, TRINE_OK},
              {kLast + 32, 4, 21, TRINE_E_IMAGE},
              {kLast + 32, 4, 0, TRINE_E_IMAGE},
              {kLast + 44, 4, 0, TRINE_E_IMAGE},
              {kLast + 44, 4, 1, TRINE_E_IMAGE}, /* 17 planes */
              {kLast + 44, 4, 2, TRINE_OK},      /* four channels a plane, too */
              {kLast + 44, 4, 3, TRINE_E_IMAGE},
              {kLast + 44, 4, 8, TRINE_E_IMAGE},
              {kLast + 44, 4, 16, TRINE_OK},
              {kLast + 44, 4, 17, TRINE_E_IMAGE},
              {kLast + 44, 4, 32, TRINE_OK},
              {kLast + 44, 4, 33, TRINE_E_IMAGE},
              {kLast + 52, 4, 9, TRINE_E_IMAGE}};

/* Checks tensors with many channels but without words, and planes that are as far apart as
 * possible. */
static void expect_wide_tensors(void) {
  make();
  put(made + kLast, 8, 0);
  put(made + kLast + 8, 8, 0);
  put(made + kLast + 32, 4, 65535);
  put(made + kLast + 44, 4, 1);
  EXPECT(read_sealed() == TRINE_OK);
  put(made + kLast, 8, DRAM);
  EXPECT(read_sealed() == TRINE_OK); /* without words, at the end */
  put(made + kLast + 32, 4, 65536);
  EXPECT(read_sealed() == TRINE_E_IMAGE);
  put(made + 24, 8, ~UINT64_C(0));
  put(made + kLast, 8, 0);
  put(made + kLast + 8, 8, 0xffffffff);
  put(made + kLast + 32, 4, 1);
  EXPECT(read_sealed() == TRINE_OK);
  put(made + kLast + 8, 8, UINT64_C(0x100000000));
  EXPECT(read_sealed() == TRINE_E_IMAGE);
}

void case_full_image(void) {
  unsigned char kept[8];
  size_t i;
  make();
  for (i = 0; i < sizeof kEdges / sizeof kEdges[0]; ++i) {
    unsigned char* at = made + kEdges[i].at;
    memcpy(kept, at, 8);
    put(at, kEdges[i].bytes, kEdges[i].value);
    EXPECT_AT(i, read_sealed() == kEdges[i].expected);
    memcpy(at, kept, 8);
  }
  for (i = 0; i < 8; i += 7) { /* the magic, and its last letter */
    make();
    made[i] ^= 1;
    EXPECT_AT(i, read_sealed() == TRINE_E_IMAGE);
  }
  make(); /* words that would fit, but not in steps of 8 */
  put(made + 44, 4, 1);
  put(made + 40, 4, kWords + 4);
  EXPECT(read_sealed() == TRINE_E_IMAGE);
  expect_wide_tensors();
  make(); /* no constants, at the end of the memory */
  put(made + 52, 4, 0);
  put(made + 32, 8, DRAM);
  seal(made, kConstants);
  EXPECT(read_made(kConstants) == TRINE_OK);
}

void case_busy_image(void) {
  enum { kBase = 1024 };
  opened* o = open_fake(0);
  trine_image image = {0};
  size_t i, changed = 0;
  make();
  if (!EXPECT(trine_read_image(made, kImage, &image) == TRINE_OK)) return;
  image.dram_bytes = 64;
  image.constants_address = 8;
  EXPECT(load_program(o) == TRINE_OK);
  memset(o->fake.memory + kBase, 0xa5, kFakeBytes - kBase);
  o->fake.polls_left = 1000000;
  EXPECT(trine_start(o->device) == TRINE_OK);
  EXPECT(trine_load_image(o->device, &image, kBase) == TRINE_E_BUSY);
  for (i = kBase; i < kFakeBytes; ++i) changed += o->fake.memory[i] != 0xa5;
  EXPECT(changed == 0);
  EXPECT(memcmp(o->fake.memory + 0x100, fake_program, 24) == 0);
  o->fake.polls_left = 0;
  EXPECT(trine_wait(o->device, 9) == TRINE_OK);
  EXPECT(trine_load_image(o->device, &image, kBase) == TRINE_OK);
  EXPECT(memcmp(o->fake.memory + kBase + 8, made + kConstants, 5) == 0);
  EXPECT(memcmp(o->fake.memory + kBase + 64, made + kWords, 16) == 0);
  EXPECT(o->fake.registers[0x30 / 4] == kBase + 64 && o->fake.registers[0x38 / 4] == 2);
}

static const trine_tensor kOneCode = {.plane = 1,
                                      .pitch = 1,
                                      .channels = 1,
                                      .height = 1,
                                      .width = 1,
                                      .codes_per_word = 4,
                                      .fold = {.rows = 1, .pixels = 1}};

/* Returns the result for an input, which must be the same for an output. */
static int of_both(opened* o, const trine_image* image) {
  unsigned char element = 0;
  const int to = trine_input(o->device, image, 0, &element);
  EXPECT(trine_output(o->device, image, 0, &element) == to);
  return to;
}

void case_loaded_image(void) {
  static unsigned char bytes[kTensorImage], copy[kTensorImage];
  opened* o = open_fake(0);
  trine_image image = {0}, other = {0};
  unsigned char element = 0;
  image_of_tensor(&kOneCode, 64, bytes);
  memcpy(copy, bytes, sizeof copy);
  if (!EXPECT(trine_read_image(bytes, kTensorImage, &image) == TRINE_OK) ||
      !EXPECT(trine_read_image(copy, kTensorImage, &other) == TRINE_OK))
    return;
  EXPECT(of_both(o, &image) == TRINE_E_STATE);
  EXPECT(trine_input(NULL, &image, 0, &element) == TRINE_E_ARGUMENT);
  EXPECT(trine_output(NULL, &image, 0, &element) == TRINE_E_ARGUMENT);
  EXPECT(trine_load_image(o->device, &image, 0) == TRINE_OK);
  EXPECT(of_both(o, &image) == TRINE_OK);
  EXPECT(of_both(o, &other) == TRINE_E_STATE);
  EXPECT(trine_input(o->device, &image, 0, NULL) == TRINE_E_ARGUMENT);
  EXPECT(trine_output(o->device, &image, 0, NULL) == TRINE_E_ARGUMENT);
  EXPECT(trine_start(o->device) == TRINE_OK);
  EXPECT(of_both(o, &image) == TRINE_E_BUSY);
  EXPECT(trine_wait(o->device, 9) == TRINE_OK);
  EXPECT(of_both(o, &image) == TRINE_OK);
  o->fake.bytes = 64 - 1;
  EXPECT(trine_load_image(o->device, &image, 0) == TRINE_E_ACCESS);
  EXPECT(of_both(o, &image) == TRINE_E_STATE);
}

/* Checks that with a correct checksum nothing is read or written outside of the image. */
static const struct {
  size_t at;
  uint32_t value;
  int expected;
} kDamages[] = {{8, 1, TRINE_E_IMAGE},           /* format */
                {24 + 4, 0, TRINE_E_IMAGE},      /* dram_bytes */
                {36, 0xffffffff, TRINE_E_IMAGE}, /* constants_address */
                {40, 64, TRINE_E_IMAGE},         /* words among the records */
                {44, 0, TRINE_E_IMAGE},          /* no words */
                {44, 0xffffffff, TRINE_E_IMAGE},
                {52, 0xffffffff, TRINE_E_IMAGE},           /* constants_bytes */
                {56, 0xffffffff, TRINE_E_IMAGE},           /* tensors */
                {kHeader, 2, TRINE_E_IMAGE},               /* offset inside of a word */
                {kHeader + 4, 8, TRINE_E_IMAGE},           /* offset beyond the memory */
                {kHeader + 12, 0xffffffff, TRINE_E_IMAGE}, /* plane */
                {kHeader + 32, 0xffffffff, TRINE_E_IMAGE}, /* channels */
                {kHeader + 44, 0, TRINE_E_IMAGE},          /* codes in a word */
                {kHeader + 52, 9, TRINE_E_IMAGE},          /* rank */
                {kHeader + 24, 1, TRINE_OK}};              /* a zero point may be anything */

/* Checks that the checksum of a short image depends on each byte. */
static void expect_damage_seen(void) {
  enum { kEach = kHeader + kRecord, kStep = 13 }; /* a simulated processor is slow */
  unsigned char bytes[kTensorImage];
  trine_image image;
  size_t i;
  image_of_tensor(&kOneCode, 64, bytes);
  EXPECT(trine_read_image(bytes, kTensorImage, &image) == TRINE_OK);
  for (i = 0; i < kTensorImage; i += i < kEach ? 1 : kStep) {
    const int expected = i >= 12 && i < 16 ? TRINE_E_VERSION : TRINE_E_IMAGE;
    bytes[i] ^= 0x40;
    EXPECT_AT(i, trine_read_image(bytes, kTensorImage, &image) == expected);
    bytes[i] ^= 0x40;
  }
}

void case_damaged_image(void) {
  trine_image image = {0};
  size_t i;
  make();
  EXPECT(trine_read_image(NULL, 64, &image) == TRINE_E_ARGUMENT);
  EXPECT(trine_read_image(made, kImage, NULL) == TRINE_E_ARGUMENT);
  EXPECT(read_made(kImage) == TRINE_OK);
  for (i = 1; i < kImage; ++i) EXPECT_AT(i, read_made(i) == TRINE_E_IMAGE);
  expect_damage_seen();
  for (i = 0; i < sizeof kDamages / sizeof kDamages[0]; ++i) {
    make();
    put(made + kDamages[i].at, 4, kDamages[i].value);
    EXPECT_AT(i, read_sealed() == kDamages[i].expected);
  }
}
