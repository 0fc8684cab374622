/* SPDX-License-Identifier: Apache-2.0 */

#include "trine_cases.h"

#include "trine_csr.h"
#include "trine_isa.h"
#include "trine_runtime.h"

/* ---- what fails */

static void (*listener)(const char* text);
static int failures;

static void fail(const char* what) {
  ++failures;
  listener(what);
}

#define TEXT_OF(line) #line
#define LINE(line) TEXT_OF(line)
#define CHECK(condition)                                            \
  do {                                                              \
    if (!(condition)) fail("line " LINE(__LINE__) ": " #condition); \
  } while (0)

static int same(const void* a, const void* b, size_t bytes) {
  const unsigned char *left = a, *right = b;
  while (bytes > 0 && *left == *right) ++left, ++right, --bytes;
  return bytes == 0;
}

/* ---- a device: registers, memory, and a cache that only the hooks tell of it */

enum { kMemory = 1024 };

typedef struct fake {
  uint32_t registers[64];
  uint64_t memory[kMemory / 8], cache[kMemory / 8];
  int polls_left; /* of STATUS until the program ends */
  int ends_badly; /* with a load error at 0x1_0000_0040 */
  int fails_at;   /* the access that fails, counted from here; 0: none */
  int sleeps;     /* calls of wait_interrupt() */
  trine_callbacks callbacks;
  trine_storage storage;
  trine_device* device;
} fake;

static uint32_t* reg(fake* f, uint32_t offset) { return &f->registers[offset / 4]; }

static void end(fake* f) {
  const int resetting = (*reg(f, TRINE_CSR_STATUS) & TRINE_CSR_STATUS_RESET) != 0;
  *reg(f, TRINE_CSR_STATUS) = resetting       ? 0
                              : f->ends_badly ? TRINE_CSR_STATUS_ERROR
                                              : TRINE_CSR_STATUS_DONE;
  if (resetting) return;
  *reg(f, TRINE_CSR_IRQ_STATUS) = *reg(f, TRINE_CSR_STATUS) / 2; /* done, error */
  if (!f->ends_badly) return;
  *reg(f, TRINE_CSR_ERROR_CAUSE) = TRINE_ERROR_LOAD;
  *reg(f, TRINE_CSR_ERROR_ADDRESS) = 0x40;
  *reg(f, TRINE_CSR_ERROR_ADDRESS + 4) = 1;
  *reg(f, TRINE_CSR_ERROR_RUN) = 7;
}

static int refuses(fake* f) { return f->fails_at > 0 && --f->fails_at == 0; }

static int fake_read(void* context, uint32_t offset, uint32_t* value) {
  fake* f = context;
  const uint32_t occupied = TRINE_CSR_STATUS_BUSY | TRINE_CSR_STATUS_RESET;
  if (refuses(f)) return 1;
  if (offset == TRINE_CSR_STATUS && (*reg(f, offset) & occupied) != 0 && --f->polls_left <= 0)
    end(f);
  *value = *reg(f, offset);
  return 0;
}

static int fake_write(void* context, uint32_t offset, uint32_t value) {
  fake* f = context;
  if (refuses(f)) return 1;
  if (offset == TRINE_CSR_IRQ_STATUS) {
    *reg(f, offset) &= ~value;
    return 0;
  }
  if (offset == TRINE_CSR_CONTROL && value == TRINE_CSR_CONTROL_START)
    *reg(f, TRINE_CSR_STATUS) = TRINE_CSR_STATUS_BUSY;
  if (offset == TRINE_CSR_CONTROL &&
      (value & (TRINE_CSR_CONTROL_SOFT_RESET | TRINE_CSR_CONTROL_SCRUB)) != 0)
    *reg(f, TRINE_CSR_STATUS) = TRINE_CSR_STATUS_RESET;
  if (offset == TRINE_CSR_CONTROL && value == TRINE_CSR_CONTROL_BUS_WAS_RESET)
    *reg(f, TRINE_CSR_STATUS) &= ~(uint32_t)TRINE_CSR_STATUS_BUS_DIRTY;
  *reg(f, offset) = value;
  return 0;
}

static void* fake_map(void* context, uint64_t address, size_t bytes) {
  fake* f = context;
  if (refuses(f) || address > kMemory || bytes > kMemory - address) return NULL;
  return (unsigned char*)f->cache + (size_t)address;
}

static void move(void* to, const void* from, size_t bytes) {
  unsigned char* left = to;
  const unsigned char* right = from;
  while (bytes > 0) *left++ = *right++, --bytes;
}

static void fake_clean(void* context, const void* at, size_t bytes) {
  fake* f = context;
  const size_t place = (size_t)((const unsigned char*)at - (const unsigned char*)f->cache);
  move((unsigned char*)f->memory + place, at, bytes);
}

static void fake_invalidate(void* context, void* at, size_t bytes) {
  fake* f = context;
  const size_t place = (size_t)((const unsigned char*)at - (const unsigned char*)f->cache);
  move(at, (const unsigned char*)f->memory + place, bytes);
}

/* Sleeps until the handler has run. */
static int fake_wait(void* context) {
  fake* f = context;
  if (trine_interrupted(f->device)) return 0;
  ++f->sleeps;
  end(f);
  CHECK(trine_interrupt(f->device) == 1);
  return 0;
}

static void begin(fake* f) {
  const fake nothing = {{0}, {0}, {0}, 0, 0, 0, 0, {0, 0, 0, 0, 0, 0, 0}, {0}, NULL};
  *f = nothing;
  *reg(f, TRINE_CSR_ID) = TRINE_CSR_ID_VALUE;
  *reg(f, TRINE_CSR_VERSION) = TRINE_ISA_VERSION;
  *reg(f, TRINE_CSR_CONFIG_HASH) = 0x9abcdef0u;
  *reg(f, TRINE_CSR_CONFIG_HASH + 4) = 0x12345678u;
  f->callbacks.context = f;
  f->callbacks.read32 = fake_read;
  f->callbacks.write32 = fake_write;
  f->callbacks.map = fake_map;
  f->callbacks.clean = fake_clean;
  f->callbacks.invalidate = fake_invalidate;
}

static int open_fake(fake* f) {
  return trine_open(&f->storage, sizeof f->storage, &f->callbacks, &f->device);
}

static const uint64_t kProgram[3] = {1, 2, UINT64_C(0x300000004)};
static const uint64_t kBase = UINT64_C(0x100000200);

static int load(fake* f) { return trine_load_program(f->device, kProgram, 3, 0x100, kBase); }

static void opened(fake* f) {
  begin(f);
  CHECK(open_fake(f) == TRINE_OK);
  CHECK(load(f) == TRINE_OK);
}

/* Too large for a small stack. */
static fake one, two;

/* ---- cases */

static void opening(void) {
  trine_info info;
  begin(&one);
  *reg(&one, TRINE_CSR_ID) = 0;
  CHECK(open_fake(&one) == TRINE_E_ID);
  *reg(&one, TRINE_CSR_ID) = TRINE_CSR_ID_VALUE;
  *reg(&one, TRINE_CSR_VERSION) = TRINE_ISA_VERSION + 1;
  CHECK(open_fake(&one) == TRINE_E_VERSION);
  *reg(&one, TRINE_CSR_VERSION) = TRINE_ISA_VERSION;
  CHECK(trine_device_size() <= sizeof(trine_storage));
  CHECK(trine_open(&one.storage, trine_device_size() - 1, &one.callbacks, &one.device) ==
        TRINE_E_STORAGE);
  one.callbacks.map = NULL;
  CHECK(open_fake(&one) == TRINE_E_ARGUMENT);
  one.callbacks.map = fake_map;
  one.fails_at = 1;
  CHECK(open_fake(&one) == TRINE_E_ACCESS);
  CHECK(one.device == NULL);
  CHECK(open_fake(&one) == TRINE_OK);
  CHECK(*reg(&one, TRINE_CSR_IRQ_ENABLE) == 3);
  CHECK(trine_get_info(one.device, &info) == TRINE_OK);
  CHECK(info.configuration_hash == UINT64_C(0x123456789abcdef0));
  CHECK(trine_check_configuration(one.device, UINT64_C(0x123456789abcdef1)) ==
        TRINE_E_CONFIGURATION);
}

static void loading(void) {
  opened(&one);
  CHECK(same((unsigned char*)one.memory + 0x100, kProgram, sizeof kProgram));
  CHECK(*reg(&one, TRINE_CSR_PROGRAM) == 0x100 && *reg(&one, TRINE_CSR_PROGRAM_WORDS) == 3);
  CHECK(*reg(&one, TRINE_CSR_BASE) == 0x200 && *reg(&one, TRINE_CSR_BASE + 4) == 1);
  CHECK(trine_load_program(one.device, kProgram, 0, 0, 0) == TRINE_E_ARGUMENT);
  CHECK(trine_load_program(one.device, kProgram, 3, 4, 0) == TRINE_E_ARGUMENT);
  CHECK(trine_load_program(one.device, kProgram, SIZE_MAX, 0, 0) == TRINE_E_ARGUMENT);
  CHECK(trine_load_program(one.device, kProgram, 3, kMemory - 16, 0) == TRINE_E_ACCESS);
  CHECK(trine_start(one.device) == TRINE_E_STATE);
}

static void running(void) {
  trine_status status;
  begin(&one);
  CHECK(open_fake(&one) == TRINE_OK);
  CHECK(trine_start(one.device) == TRINE_E_STATE);
  CHECK(load(&one) == TRINE_OK);
  CHECK(trine_poll(one.device) == TRINE_E_STATE);
  one.polls_left = 6;
  CHECK(trine_start(one.device) == TRINE_OK);
  CHECK(trine_start(one.device) == TRINE_E_BUSY);
  CHECK(load(&one) == TRINE_E_BUSY);
  CHECK(trine_poll(one.device) == TRINE_RUNNING);
  CHECK(trine_wait(one.device, 2) == TRINE_E_TIMEOUT);
  CHECK(trine_wait(one.device, 1) == TRINE_OK);
  CHECK(trine_get_status(one.device, &status) == TRINE_OK);
  CHECK(status.done && !status.busy && !status.error);
  CHECK(trine_wait(one.device, 1) == TRINE_E_STATE);
}

static void interrupts(void) {
  opened(&one);
  one.callbacks.wait_interrupt = fake_wait;
  CHECK(open_fake(&one) == TRINE_OK && load(&one) == TRINE_OK);
  one.polls_left = 1000000;
  CHECK(trine_start(one.device) == TRINE_OK);
  CHECK(trine_interrupt(one.device) == 0); /* another device's */
  CHECK(trine_wait(one.device, 0) == TRINE_OK && one.sleeps == 1);
  CHECK(trine_start(one.device) == TRINE_OK);
  CHECK(!trine_interrupted(one.device));
  end(&one);
  CHECK(trine_interrupt(one.device) == 1); /* before anybody sleeps */
  CHECK(trine_wait(one.device, 0) == TRINE_OK && one.sleeps == 1);
}

/* That the whole text and each beginning of it are written. */
static void check_text(int code, const char* expected) {
  char text[160];
  size_t length = 0, size;
  while (expected[length] != '\0') ++length;
  for (size = 0; size <= length + 2 && size < sizeof text; ++size) {
    const size_t kept = length < size ? length : size - 1;
    text[size] = '#';
    CHECK(trine_describe(one.device, code, text, size) == length);
    CHECK(text[size] == '#');
    CHECK(size == 0 || (same(text, expected, kept) && text[kept] == '\0'));
  }
}

static void errors(void) {
  opened(&one);
  one.ends_badly = 1;
  CHECK(trine_run(one.device, 9) == TRINE_E_DEVICE);
  check_text(TRINE_E_DEVICE,
             "the accelerator stopped with an error: a read of the load engine answered with an "
             "error, at address 0x100000040, RUN 7");
  *reg(&one, TRINE_CSR_ERROR_CAUSE) = TRINE_ERROR_ILLEGAL;
  *reg(&one, TRINE_CSR_ERROR_ADDRESS + 4) = 0;
  check_text(TRINE_E_DEVICE,
             "the accelerator stopped with an error: illegal instruction, at byte 0x40");
  one.fails_at = 1;
  CHECK(trine_set_watchdog(one.device, 1) == TRINE_E_ACCESS);
  check_text(TRINE_E_ACCESS, "the device or its memory cannot be reached: register 0x58");
  check_text(TRINE_E_TIMEOUT, "the accelerator did not finish in time");
}

static int all_calls(fake* f) {
  trine_counters counters;
  int result = open_fake(f);
  if (result == TRINE_OK) result = trine_set_window(f->device, 0, kMemory - 1);
  if (result == TRINE_OK) result = trine_set_watchdog(f->device, 1000);
  if (result == TRINE_OK) result = load(f);
  if (result == TRINE_OK) result = trine_run(f->device, 9);
  if (result == TRINE_OK) result = trine_get_counters(f->device, &counters);
  if (result == TRINE_OK) result = trine_reset(f->device, 9);
  return result == TRINE_OK ? trine_scrub(f->device, 9) : result;
}

static void failing_accesses(void) {
  int accesses, at;
  begin(&one);
  one.fails_at = 1000;
  CHECK(all_calls(&one) == TRINE_OK);
  accesses = 1000 - one.fails_at;
  CHECK(accesses > 50);
  for (at = 1; at <= accesses; ++at) {
    begin(&one);
    one.fails_at = at;
    CHECK(all_calls(&one) == TRINE_E_ACCESS);
  }
}

static void resets(void) {
  opened(&one);
  one.polls_left = 1000000;
  CHECK(trine_start(one.device) == TRINE_OK);
  CHECK(trine_scrub(one.device, 9) == TRINE_E_BUSY);
  one.polls_left = 3;
  CHECK(trine_reset(one.device, 2) == TRINE_E_TIMEOUT);
  CHECK(trine_reset(one.device, 9) == TRINE_OK);
  CHECK(trine_wait(one.device, 9) == TRINE_E_STATE);
  *reg(&one, TRINE_CSR_STATUS) = TRINE_CSR_STATUS_ERROR | TRINE_CSR_STATUS_BUS_DIRTY;
  CHECK(trine_start(one.device) == TRINE_E_BUS);
  CHECK(trine_bus_was_reset(one.device) == TRINE_OK);
  CHECK(trine_run(one.device, 9) == TRINE_OK);
}

static void counting(void) {
  trine_counters c;
  uint32_t offset;
  int i, good = 1;
  opened(&one);
  for (offset = TRINE_CSR_CYCLES; offset < TRINE_CSR_BYTES_WRITTEN + 8; offset += 4)
    *reg(&one, offset) = offset;
  CHECK(trine_get_counters(one.device, &c) == TRINE_OK);
  CHECK(c.cycles == UINT64_C(0x8400000080));
  for (i = 0; i < 8; ++i) good &= (uint32_t)c.causes[i] == TRINE_CSR_CAUSE + 8 * (uint32_t)i;
  CHECK(good && c.engine_busy[3] == UINT64_C(0xe4000000e0));
  CHECK(c.bytes_written == UINT64_C(0xf4000000f0));
}

static void several_devices(void) {
  opened(&one);
  opened(&two);
  one.polls_left = 3;
  two.polls_left = 2;
  two.ends_badly = 1;
  CHECK(trine_start(one.device) == TRINE_OK && trine_start(two.device) == TRINE_OK);
  one.polls_left = 3;
  two.polls_left = 2;
  CHECK(trine_poll(one.device) == TRINE_RUNNING && trine_poll(two.device) == TRINE_RUNNING);
  CHECK(trine_poll(one.device) == TRINE_RUNNING && trine_poll(two.device) == TRINE_E_DEVICE);
  CHECK(trine_poll(one.device) == TRINE_OK && trine_poll(two.device) == TRINE_E_STATE);
}

/* ---- images: an input of 2 x 3 pixels of 5 channels as bytes, which lie with the channels first
 * (transposed axes), and an output of the same codes elsewhere. docs/program-file.md */

enum { kWords = 64 + 2 * 160, kConstants = kWords + 16, kImage = kConstants + 8 };
enum { kRows = 2, kColumns = 3, kChannels = 5, kPitch = 4, kPlane = 9, kElements = 30 };
enum { kInput = 64, kOutput = 64 + 4 * kPlane * 2 + 16, kDram = 256, kZeroPoint = -3 };

static unsigned char image_bytes[kImage];

static void put32(size_t at, uint32_t value) {
  int i;
  for (i = 0; i < 4; ++i) image_bytes[at + (size_t)i] = (unsigned char)(value >> 8 * i);
}

/* CRC-32, a bit at a time. */
static void seal(void) {
  uint32_t crc = ~(uint32_t)0;
  size_t i;
  int bit;
  for (i = 0; i < kImage; ++i)
    for (bit = 0; bit < 8 && (i < 60 || i >= 64); ++bit)
      crc = crc >> 1 ^ (((crc ^ (uint32_t)image_bytes[i] >> bit) & 1) != 0 ? 0xedb88320u : 0);
  put32(60, ~crc);
}

static void put_record(size_t at, uint32_t offset, uint32_t half_even) {
  put32(at, offset);
  put32(at + 8, kPlane);
  put32(at + 20, 0x3fd00000u); /* the scale: 0.25 */
  put32(at + 24, (uint32_t)kZeroPoint);
  put32(at + 28, kPitch);
  put32(at + 32, kChannels);
  put32(at + 36, kRows);
  put32(at + 40, kColumns);
  put32(at + 44, 4);
  put32(at + 52, 3);
  put32(at + 56, kChannels);
  put32(at + 60, kRows);
  put32(at + 64, kColumns);
  put32(at + 88, 1);
  put32(at + 92, 1);
  put32(at + 120, kColumns);
  put32(at + 128, 1);
  put32(at + 136, kRows * kColumns);
  put32(at + 148, half_even);
}

static void make_image(uint32_t half_even) {
  size_t i;
  for (i = 0; i < kImage; ++i) image_bytes[i] = i >= kWords ? (unsigned char)(i * 7) : 0;
  put32(0, 0x4e495254u);
  put32(4, 0x474d4945u);
  put32(8, 2);
  put32(12, TRINE_ISA_VERSION);
  put32(16, 0x9abcdef0u);
  put32(20, 0x12345678u);
  put32(24, kDram);
  put32(32, 8);
  put32(40, kWords);
  put32(44, 2);
  put32(48, kConstants);
  put32(52, 8);
  put32(56, 1 | 1u << 16);
  put_record(64, kInput, half_even);
  put_record(64 + 160, kOutput, 0);
  seal();
}

static void images(void) {
  trine_image image;
  size_t at;
  make_image(0);
  CHECK(trine_read_image(image_bytes, kImage, &image) == TRINE_OK);
  for (at = 0; at < kImage; ++at) {
    const int expected = at >= 12 && at < 16 ? TRINE_E_VERSION : TRINE_E_IMAGE;
    CHECK(trine_read_image(image_bytes, at, &image) == TRINE_E_IMAGE); /* truncated */
    image_bytes[at] ^= 0x20;
    CHECK(trine_read_image(image_bytes, kImage, &image) == expected);
    image_bytes[at] ^= 0x20;
  }
  CHECK(trine_read_image(image_bytes, kImage, &image) == TRINE_OK);
  opened(&one);
  *reg(&one, TRINE_CSR_CONFIG_HASH) = 1;
  CHECK(open_fake(&one) == TRINE_OK);
  CHECK(trine_load_image(one.device, &image, 128) == TRINE_E_CONFIGURATION);
  opened(&one);
  CHECK(trine_load_image(one.device, &image, kMemory - kDram) == TRINE_E_ACCESS);
  CHECK(trine_load_image(one.device, &image, 128) == TRINE_OK);
  CHECK(same((unsigned char*)one.memory + 128 + 8, image_bytes + kConstants, 8));
  CHECK(same((unsigned char*)one.memory + 128 + kDram, image_bytes + kWords, 16));
  CHECK(*reg(&one, TRINE_CSR_PROGRAM) == 128 + kDram && *reg(&one, TRINE_CSR_BASE) == 128);
}

/* Where the code of element (c, y, x) lies in the device's memory. */
static unsigned char* code_at(fake* f, size_t tensor, size_t c, size_t y, size_t x) {
  return (unsigned char*)f->memory + 128 + tensor + 4 * (c / 4 * kPlane + y * kPitch + x) + c % 4;
}

/* Whether the codes of a tensor in the device's memory are these, C order. */
static int has_codes(fake* f, size_t tensor, const signed char* codes) {
  size_t c, y, x;
  for (c = 0; c < kChannels; ++c)
    for (y = 0; y < kRows; ++y)
      for (x = 0; x < kColumns; ++x)
        if (*code_at(f, tensor, c, y, x) != (unsigned char)*codes++) return 0;
  return 1;
}

static void tensors(void) {
  trine_image image;
  signed char codes[kElements], back[kElements];
  size_t i;
  make_image(0);
  CHECK(trine_read_image(image_bytes, kImage, &image) == TRINE_OK);
  opened(&one);
  for (i = 0; i < kElements; ++i) codes[i] = (signed char)((int)(i * 53 % 256) - 128);
  CHECK(trine_input(one.device, &image, 0, codes) == TRINE_E_STATE);
  CHECK(trine_load_image(one.device, &image, 128) == TRINE_OK);
  CHECK(trine_input(one.device, &image, 0, codes) == TRINE_OK);
  CHECK(has_codes(&one, kInput, codes));
  CHECK(trine_input(one.device, &image, 1, codes) == TRINE_E_ARGUMENT);
  one.polls_left = 2;
  CHECK(trine_start(one.device) == TRINE_OK);
  CHECK(trine_input(one.device, &image, 0, codes) == TRINE_E_BUSY);
  CHECK(trine_output(one.device, &image, 0, back) == TRINE_E_BUSY);
  move(code_at(&one, kOutput, 0, 0, 0), code_at(&one, kInput, 0, 0, 0), 4 * kPlane * 2);
  CHECK(trine_wait(one.device, 9) == TRINE_OK);
  CHECK(trine_output(one.device, &image, 0, back) == TRINE_OK);
  CHECK(same(back, codes, sizeof codes));
}

/* Steps of 0.25, zero point -3. */
static void floats(void) {
  static const float values[] = {0.0f,   0.125f, -0.125f, 0.375f, -0.375f, 0.12f,
                                 -0.13f, 40.0f,  -40.0f,  1e30f,  -1e30f,  7.75f};
  static const signed char away[] = {-3, -2, -4, -1, -5, -3, -4, 127, -128, 127, -128, 28};
  static const signed char even[] = {-3, -3, -3, -1, -5, -3, -4, 127, -128, 127, -128, 28};
  uint32_t half_even;
  for (half_even = 0; half_even < 2; ++half_even) {
    trine_image image;
    float in[kElements], out[kElements];
    signed char codes[kElements];
    size_t i;
    int good = 1;
    make_image(half_even);
    for (i = 0; i < kElements; ++i) {
      in[i] = values[i % 12];
      codes[i] = half_even ? even[i % 12] : away[i % 12];
    }
    CHECK(trine_read_image(image_bytes, kImage, &image) == TRINE_OK);
    opened(&one);
    CHECK(trine_load_image(one.device, &image, 128) == TRINE_OK);
    CHECK(trine_input_float(one.device, &image, 0, in) == TRINE_OK);
    CHECK(has_codes(&one, kInput, codes));
    move(code_at(&one, kOutput, 0, 0, 0), code_at(&one, kInput, 0, 0, 0), 4 * kPlane * 2);
    CHECK(trine_output_float(one.device, &image, 0, out) == TRINE_OK);
    for (i = 0; i < kElements; ++i) {
      const float expected = 0.25f * (float)(codes[i] - kZeroPoint);
      good &= !(out[i] < expected) && !(out[i] > expected);
    }
    CHECK(good);
  }
}

int trine_cases(void (*say)(const char* text)) {
  static const struct {
    const char* name;
    void (*run)(void);
  } kCases[] = {
      {"opening", opening},       {"loading", loading},   {"running", running},
      {"interrupts", interrupts}, {"errors", errors},     {"failing accesses", failing_accesses},
      {"resets", resets},         {"counting", counting}, {"several devices", several_devices},
      {"images", images},         {"tensors", tensors},   {"floats", floats}};
  size_t i;
  listener = say;
  failures = 0;
  for (i = 0; i < sizeof kCases / sizeof kCases[0]; ++i) {
    const int before = failures;
    kCases[i].run();
    if (failures == before) say(kCases[i].name);
  }
  return failures;
}
