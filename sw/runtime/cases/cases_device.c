/* SPDX-License-Identifier: Apache-2.0 */
/* Cases for opening, running, waiting, errors and counters. They use register numbers instead of
 * names, so that they also check the map that the driver includes. */

#include <string.h>

#include "cases.h"
#include "fake.h"
#include "trine_csr.h"
#include "trine_isa.h"

enum { kLong = 1000000 }; /* polls */

static uint32_t* at(opened* o, uint32_t offset) { return &o->fake.registers[offset / 4]; }

static int same(const char* a, const char* b) { return strcmp(a, b) == 0; }

/* Returns a device with a loaded program that runs for `polls` polls. */
static opened* running(int polls) {
  opened* o = open_fake(0);
  EXPECT(load_program(o) == TRINE_OK);
  o->fake.polls_left = polls;
  EXPECT(trine_start(o->device) == TRINE_OK);
  return o;
}

void case_open(void) {
  opened* o = open_fake(0);
  trine_device* device = NULL;
  EXPECT(trine_open(NULL, 512, &o->callbacks, &device) == TRINE_E_ARGUMENT);
  EXPECT(trine_open(&o->storage, 8, &o->callbacks, &device) == TRINE_E_STORAGE);
  o->device = NULL;
  *at(o, 0x04) = TRINE_ISA_VERSION + 1;
  EXPECT(open_again(o) == TRINE_E_VERSION);
  *at(o, 0x2c) = 2; /* before the ISA version, whose address may differ */
  EXPECT(open_again(o) == TRINE_E_REGISTERS);
  *at(o, 0x2c) = 0;
  EXPECT(open_again(o) == TRINE_E_REGISTERS);
  EXPECT(same(trine_strerror(TRINE_E_REGISTERS), "another version of the registers"));
  *at(o, 0x00) = 0;
  EXPECT(open_again(o) == TRINE_E_ID);
  o->fake.fails = 1;
  EXPECT(open_again(o) == TRINE_E_ACCESS);
  o->callbacks.read32 = NULL;
  EXPECT(open_again(o) == TRINE_E_ARGUMENT);
  EXPECT(device == NULL && o->device == NULL);
}

void case_callbacks(void) {
  opened* o = open_fake(0);
  const trine_callbacks all = o->callbacks;
  const size_t size = trine_device_size();
  trine_device* device = NULL;
  int missing;
  o->fake.reads = o->fake.writes = 0;
  for (missing = 0; missing < 3; ++missing) {
    trine_callbacks some = all;
    if (missing == 0) some.read32 = NULL;
    if (missing == 1) some.write32 = NULL;
    if (missing == 2) some.map = NULL;
    EXPECT_AT(missing,
              trine_open(&o->storage, sizeof o->storage, &some, &device) == TRINE_E_ARGUMENT);
  }
  EXPECT(trine_open(&o->storage, sizeof o->storage, NULL, &device) == TRINE_E_ARGUMENT);
  EXPECT(trine_open(&o->storage, sizeof o->storage, &all, NULL) == TRINE_E_ARGUMENT);
  EXPECT(trine_open(&o->storage, size - 1, &all, &device) == TRINE_E_STORAGE);
  EXPECT(device == NULL && o->fake.reads == 0 && o->fake.writes == 0);
  /* Whatever the storage contained, nothing is loaded and nothing runs. */
  memset(&o->storage, 0xff, sizeof o->storage);
  if (!EXPECT(trine_open(&o->storage, size, &all, &device) == TRINE_OK)) return;
  EXPECT(trine_start(device) == TRINE_E_STATE);
  EXPECT(trine_wait(device, 1) == TRINE_E_STATE);
  EXPECT(trine_interrupted(device) == 0);
}

void case_arguments(void) {
  opened* o = open_fake(0);
  trine_device* device = o->device;
  trine_info info;
  trine_status status;
  trine_counters counters;
  trine_image image = {0};
  trine_tensor tensor = {0};
  uint64_t word = 1;
  uint32_t* planes = NULL;
  float real = 0;
  void* to = NULL;
  /* A program may have this many words, though no memory holds them. */
  const size_t most = SIZE_MAX / 8 < UINT32_MAX ? SIZE_MAX / 8 : UINT32_MAX;
  size_t row;
  image.inputs = image.outputs = 1;
  o->fake.reads = o->fake.writes = 0;
  {
    const int codes[] = {trine_get_info(NULL, &info),
                         trine_get_info(device, NULL),
                         trine_check_configuration(NULL, 0),
                         trine_load_program(NULL, &word, 1, 0, 0),
                         trine_load_program(device, NULL, 1, 0, 0),
                         trine_load_program(device, &word, most + 1, 0, 0),
                         trine_read_image(NULL, 0, NULL),
                         trine_image_input(NULL, 0, &tensor),
                         trine_image_input(&image, 0, NULL),
                         trine_image_output(NULL, 0, &tensor),
                         trine_image_output(&image, 0, NULL),
                         trine_load_image(NULL, &image, 0),
                         trine_load_image(device, NULL, 0),
                         trine_set_window(NULL, 0, 1),
                         trine_set_watchdog(NULL, 1),
                         trine_set_progress_limit(NULL, 1),
                         trine_set_cycles_limit(NULL, 1),
                         trine_map(NULL, 0, 1, &to),
                         trine_map(device, 0, 1, NULL),
                         trine_clean(NULL, &word, 1),
                         trine_clean(device, NULL, 1),
                         trine_invalidate(NULL, &word, 1),
                         trine_invalidate(device, NULL, 1),
                         trine_planes(NULL, &image, &tensor, &planes),
                         trine_planes(device, NULL, &tensor, &planes),
                         trine_planes(device, &image, NULL, &planes),
                         trine_planes(device, &image, &tensor, NULL),
                         trine_input(device, NULL, 0, &word),
                         trine_input(device, &image, 1, &word),
                         trine_output(device, NULL, 0, &word),
                         trine_output(device, &image, 1, &word),
                         trine_input_float(device, &image, 1, &real),
                         trine_output_float(device, &image, 1, &real),
                         trine_input_zeros(device, &image, 1),
                         trine_carry(device, &image, 1, 0, &word),
                         trine_start(NULL),
                         trine_poll(NULL),
                         trine_interrupt(NULL),
                         trine_wait(NULL, 1),
                         trine_run(NULL, 1),
                         trine_get_status(NULL, &status),
                         trine_get_status(device, NULL),
                         trine_get_counters(NULL, &counters),
                         trine_get_counters(device, NULL),
                         trine_bus_was_reset(NULL),
                         trine_reset(NULL, 1),
                         trine_scrub(NULL, 1)};
    for (row = 0; row < sizeof codes / sizeof codes[0]; ++row)
      EXPECT_AT(row, codes[row] == TRINE_E_ARGUMENT);
  }
  EXPECT(o->fake.reads == 0 && o->fake.writes == 0);
  EXPECT(trine_load_program(device, &word, most, 0, 0) == TRINE_E_ACCESS);
}

/* Returns true if the call timed out after `reads` reads of STATUS, and read nothing else. */
static int gave_up_after(opened* o, int reads, int code) {
  const int reported = code == TRINE_E_TIMEOUT && o->fake.reads == reads;
  const int only_status = o->fake.status_reads == o->fake.reads;
  o->fake.reads = o->fake.status_reads = 0;
  return reported && only_status;
}

void case_attempts(void) {
  opened* o = running(kLong);
  trine_status status = {0};
  o->fake.reads = o->fake.status_reads = 0;
  EXPECT(gave_up_after(o, 1, trine_wait(o->device, 1)));
  EXPECT(gave_up_after(o, 3, trine_wait(o->device, 3)));
  EXPECT(trine_get_status(o->device, &status) == TRINE_OK);
  EXPECT(status.busy == 1 && status.done == 0 && status.error == 0 && status.bus_dirty == 0);
  o->fake.reads = o->fake.status_reads = 0;
  EXPECT(gave_up_after(o, 1, trine_reset(o->device, 1)));
  EXPECT(gave_up_after(o, 4, trine_reset(o->device, 4)));
  EXPECT(trine_get_status(o->device, &status) == TRINE_OK);
  EXPECT(status.busy == 1); /* it is being reset */
}

void case_former_error(void) {
  opened* o = open_fake(0);
  trine_status status = {0};
  EXPECT(load_program(o) == TRINE_OK);
  o->fake.ends_badly = 1;
  EXPECT(trine_run(o->device, 9) == TRINE_E_DEVICE);
  o->fake.ends_badly = 0;
  EXPECT(trine_run(o->device, 9) == TRINE_OK);
  o->fake.reads = o->fake.status_reads = 0;
  EXPECT(trine_get_status(o->device, &status) == TRINE_OK);
  EXPECT(o->fake.reads == 1 && o->fake.status_reads == 1);
  EXPECT(status.error_cause == 0 && status.error_address == 0 && status.error_run == 0);
  /* A failed load removes the program; the next load restores it. */
  EXPECT(trine_load_program(o->device, fake_program, 3, kFakeBytes - 8, 0) == TRINE_E_ACCESS);
  EXPECT(trine_run(o->device, 9) == TRINE_E_STATE);
  EXPECT(load_program(o) == TRINE_OK);
  EXPECT(trine_run(o->device, 9) == TRINE_OK);
}

void case_configuration(void) {
  opened* o = open_fake(0);
  EXPECT(trine_check_configuration(o->device, FAKE_HASH) == TRINE_OK);
  EXPECT(trine_check_configuration(o->device, FAKE_HASH + 1) == TRINE_E_CONFIGURATION);
  EXPECT(trine_check_configuration(o->device, FAKE_HASH ^ UINT64_C(1) << 63) ==
         TRINE_E_CONFIGURATION);
}

void case_load(void) {
  opened* o = open_fake(0);
  EXPECT(load_program(o) == TRINE_OK);
  EXPECT(memcmp(o->fake.memory + 0x100, fake_program, 24) == 0);
  EXPECT(*at(o, 0x30) == 0x100);
  EXPECT(*at(o, 0x38) == 3);
  EXPECT(*at(o, 0x40) == 0x200);
  EXPECT(*at(o, 0x44) == 1);
  EXPECT(trine_load_program(o->device, fake_program, 0, 0, 0) == TRINE_E_ARGUMENT);
  EXPECT(trine_load_program(o->device, fake_program, 3, 4, 0) == TRINE_E_ARGUMENT);
  EXPECT(trine_load_program(o->device, fake_program, 3, 0, 4) == TRINE_E_ARGUMENT);
  EXPECT(trine_load_program(o->device, fake_program, 3, kFakeBytes - 8, 0) == TRINE_E_ACCESS);
  EXPECT(trine_start(o->device) == TRINE_E_STATE); /* the failed load left no program */
}

void case_start(void) {
  opened* o = open_fake(0);
  trine_status status = {0};
  EXPECT(trine_start(o->device) == TRINE_E_STATE);
  EXPECT(load_program(o) == TRINE_OK);
  EXPECT(trine_wait(o->device, 1) == TRINE_E_STATE);
  o->fake.polls_left = 5;
  EXPECT(trine_start(o->device) == TRINE_OK);
  EXPECT(trine_start(o->device) == TRINE_E_BUSY);
  EXPECT(load_program(o) == TRINE_E_BUSY);
  EXPECT(trine_wait(o->device, 2) == TRINE_E_TIMEOUT);
  EXPECT(trine_wait(o->device, 0) == TRINE_OK);
  EXPECT(trine_get_status(o->device, &status) == TRINE_OK);
  EXPECT(status.done == 1 && status.busy == 0 && status.error == 0);
  EXPECT(trine_wait(o->device, 1) == TRINE_E_STATE); /* it has ended */
}

static int written(const opened* o, int n, uint32_t offset, uint32_t value) {
  const uint32_t* write = o->fake.written[n % kFakeWrites];
  return write[0] == offset && write[1] == value;
}

void case_interrupts(void) {
  opened* o = open_fake(0);
  EXPECT(o->fake.writes == 2);
  EXPECT(written(o, 0, TRINE_CSR_IRQ_STATUS, 3)); /* done, error */
  EXPECT(written(o, 1, TRINE_CSR_IRQ_ENABLE, 3));
  EXPECT(load_program(o) == TRINE_OK);
  o->fake.writes = 0;
  o->fake.polls_left = 2;
  EXPECT(trine_run(o->device, 9) == TRINE_OK);
  EXPECT(o->fake.writes == 3);
  EXPECT(written(o, 0, TRINE_CSR_IRQ_STATUS, 3));
  EXPECT(written(o, 1, TRINE_CSR_CONTROL, TRINE_CSR_CONTROL_START));
  EXPECT(written(o, 2, TRINE_CSR_IRQ_STATUS, 3));
}

void case_wait(void) {
  opened* o = open_fake(0);
  o->callbacks.wait_interrupt = fake_interrupt;
  EXPECT(open_again(o) == TRINE_OK);
  EXPECT(load_program(o) == TRINE_OK);
  o->fake.polls_left = 1;
  o->fake.answers = 3;
  EXPECT(trine_start(o->device) == TRINE_OK);
  o->fake.status_reads = 0;
  EXPECT(trine_wait(o->device, 2) == TRINE_E_TIMEOUT); /* "not yet", twice */
  EXPECT(o->fake.polls_left == 1 && o->fake.status_reads == 0);
  EXPECT(trine_wait(o->device, 0) == TRINE_OK);
  EXPECT(o->fake.interrupts == 4);
  o->fake.last_answer = 2;
  EXPECT(open_again(o) == TRINE_OK);
  EXPECT(load_program(o) == TRINE_OK);
  EXPECT(trine_run(o->device, 0) == TRINE_E_ACCESS);
}

void case_poll(void) {
  opened* o = open_fake(0);
  EXPECT(trine_poll(o->device) == TRINE_E_STATE);
  EXPECT(load_program(o) == TRINE_OK);
  EXPECT(trine_poll(o->device) == TRINE_E_STATE);
  o->fake.polls_left = 3;
  EXPECT(trine_start(o->device) == TRINE_OK);
  o->fake.reads = o->fake.status_reads = 0;
  EXPECT(trine_poll(o->device) == TRINE_RUNNING);
  EXPECT(o->fake.reads == 1 && o->fake.status_reads == 1);
  EXPECT(trine_poll(o->device) == TRINE_RUNNING);
  EXPECT(trine_poll(o->device) == TRINE_OK);
  EXPECT(*at(o, 0x28) == 0);
  EXPECT(trine_poll(o->device) == TRINE_E_STATE);
  o->fake.ends_badly = 1;
  EXPECT(trine_start(o->device) == TRINE_OK);
  EXPECT(trine_poll(o->device) == TRINE_E_DEVICE);
  EXPECT(trine_wait(o->device, 1) == TRINE_E_STATE);
}

/* A processor that sleeps until the interrupt, and then runs the handler. */
static struct {
  opened* o;
  int sleeps, others; /* number of interrupts of other devices */
} sleeper;

static int sleep(void* context) {
  int other;
  (void)context;
  if (trine_interrupted(sleeper.o->device)) return 0;
  ++sleeper.sleeps;
  other = sleeper.others > 0;
  if (other)
    --sleeper.others;
  else
    fake_end(&sleeper.o->fake);
  EXPECT_AT(sleeper.sleeps, trine_interrupt(sleeper.o->device) == (other ? 0 : 1));
  return 0;
}

void case_handler(void) {
  opened* o = open_fake(0);
  int early;
  EXPECT(trine_interrupted(NULL) == 0);
  sleeper.o = o;
  sleeper.others = 2;
  o->callbacks.wait_interrupt = sleep;
  EXPECT(open_again(o) == TRINE_OK);
  EXPECT(load_program(o) == TRINE_OK);
  for (early = 0; early < 2; ++early) {
    o->fake.polls_left = kLong;
    sleeper.sleeps = 0;
    EXPECT_AT(early, trine_start(o->device) == TRINE_OK);
    EXPECT_AT(early, trine_interrupted(o->device) == 0);
    EXPECT_AT(early, trine_interrupt(o->device) == 0); /* another device's */
    EXPECT_AT(early, trine_interrupted(o->device) == 0);
    if (early) { /* it comes before the processor sleeps */
      fake_end(&o->fake);
      EXPECT(trine_interrupt(o->device) == 1);
      EXPECT(*at(o, 0x28) == 0);
    }
    EXPECT_AT(early, trine_wait(o->device, 0) == TRINE_OK);
    EXPECT_AT(early, sleeper.sleeps == (early ? 0 : 3));
    EXPECT_AT(early, trine_interrupted(o->device) == 1);
  }
  o->fake.fails = 1;
  EXPECT(trine_interrupt(o->device) == TRINE_E_ACCESS);
}

void case_devices(void) {
  opened *a = open_fake(0), *b = open_fake(1);
  static const uint64_t other[2] = {7, 8};
  EXPECT(load_program(a) == TRINE_OK);
  EXPECT(trine_start(b->device) == TRINE_E_STATE);
  EXPECT(trine_load_program(b->device, other, 2, 0x80, 0x400) == TRINE_OK);
  a->fake.polls_left = 4;
  b->fake.polls_left = 2;
  b->fake.ends_badly = 1;
  EXPECT(trine_start(a->device) == TRINE_OK);
  EXPECT(trine_start(b->device) == TRINE_OK);
  EXPECT(trine_poll(a->device) == TRINE_RUNNING && trine_poll(b->device) == TRINE_RUNNING);
  EXPECT(trine_poll(a->device) == TRINE_RUNNING && trine_poll(b->device) == TRINE_E_DEVICE);
  EXPECT(trine_poll(a->device) == TRINE_RUNNING && trine_poll(b->device) == TRINE_E_STATE);
  EXPECT(trine_wait(a->device, 1) == TRINE_OK);
  EXPECT(*at(a, 0x38) == 3 && *at(b, 0x38) == 2);
  EXPECT(a->fake.memory[0x80] == 0 && b->fake.memory[0x80] == 7 && b->fake.memory[0x100] == 0);
}

#define UNREACHABLE "the device or its memory cannot be reached"
#define STOPPED "the accelerator stopped with an error"

/* Checks that trine_describe() writes the beginning of the text into `size` bytes. */
static int reports(opened* o, int code, size_t size, const char* expected) {
  char text[200];
  size_t length, whole = strlen(expected);
  memset(text, '#', sizeof text);
  length = trine_describe(o->device, code, text, size);
  if (trine_describe(o->device, code, NULL, 0) != length || length != whole) return 0;
  if (size == 0) return text[0] == '#';
  if (whole > size - 1) whole = size - 1;
  return memcmp(text, expected, whole) == 0 && text[whole] == '\0' && text[whole + 1] == '#';
}

static int reports_error(opened* o, uint32_t cause, uint32_t low, uint32_t run,
                         const char* expected) {
  *at(o, 0x18) = cause;
  *at(o, 0x68) = low;
  *at(o, 0x6c) = 0;
  *at(o, 0x5c) = run;
  return reports(o, TRINE_E_DEVICE, 199, expected);
}

void case_describe(void) {
  opened* o = open_fake(0);
  static const char kLoad[] =
      STOPPED ": a read of the load engine answered with an error, at address 0x100000040, RUN 7";
  EXPECT(load_program(o) == TRINE_OK);
  EXPECT(reports(o, TRINE_E_TIMEOUT, 199, trine_strerror(TRINE_E_TIMEOUT)));
  EXPECT(reports(o, TRINE_E_ACCESS, 199, UNREACHABLE));
  EXPECT(reports(o, TRINE_E_DEVICE, 199, STOPPED)); /* there is no address */
  o->fake.ends_badly = 1;
  EXPECT(trine_run(o->device, 9) == TRINE_E_DEVICE);
  EXPECT(reports(o, TRINE_E_DEVICE, 199, kLoad));
  EXPECT(reports(o, TRINE_E_DEVICE, 10, kLoad));
  EXPECT(reports(o, TRINE_E_DEVICE, 1, kLoad));
  EXPECT(reports(o, TRINE_E_DEVICE, 0, kLoad));
  EXPECT(reports_error(o, 11, 0xabcdef00, 10203,
                       STOPPED ": a write of the store engine was not answered in time, at address "
                               "0xabcdef00, RUN 10203"));
  EXPECT(reports_error(o, 8, 0, 0,
                       STOPPED ": a burst of the store engine would leave the window, at address "
                               "0x0, RUN 0"));
  EXPECT(reports_error(o, 6, 8, 9,
                       STOPPED ": an instruction is outside of the window, at address 0x8"));
  EXPECT(reports_error(o, 4, 0x128, 9, STOPPED ": illegal instruction, at byte 0x128"));
  EXPECT(reports_error(o, 16, 0x128, 9,
                       STOPPED ": no progress for longer than PROGRESS_LIMIT, at byte 0x128"));
  EXPECT(reports_error(o, 17, 0x8, 9,
                       STOPPED ": the program ran for longer than CYCLES_LIMIT, at byte 0x8"));
  EXPECT(reports_error(o, 12, 5, 9,
                       STOPPED
                       ": a word of DMEM, PMEM or IMEM with two wrong bits was read, word 0x5"));
  EXPECT(trine_load_program(o->device, fake_program, 3, 0xff8, 0) == TRINE_E_ACCESS);
  EXPECT(reports(o, TRINE_E_ACCESS, 199, UNREACHABLE ": memory at 0xff8"));
  o->fake.fails = 1;
  EXPECT(trine_set_watchdog(o->device, 1) == TRINE_E_ACCESS);
  EXPECT(reports(o, TRINE_E_ACCESS, 199, UNREACHABLE ": register 0x58"));
  EXPECT(reports(o, TRINE_E_DEVICE, 199, STOPPED)); /* nothing else is known */
  o->fake.fails = 0;
  o->fake.ends_badly = 0;
  o->fake.last_answer = -1;
  o->callbacks.wait_interrupt = fake_interrupt;
  EXPECT(open_again(o) == TRINE_OK);
  EXPECT(reports(o, TRINE_E_ACCESS, 199, UNREACHABLE));
  EXPECT(load_program(o) == TRINE_OK);
  EXPECT(trine_run(o->device, 9) == TRINE_E_ACCESS);
  EXPECT(reports(o, TRINE_E_ACCESS, 199, UNREACHABLE ": wait_interrupt() gave 0xffffffff"));
  EXPECT(trine_describe(NULL, TRINE_E_DEVICE, NULL, 0) == strlen(STOPPED));
}

/* Makes all calls that access the device, one after the other, until one fails. */
static int reach_all(opened* o) {
  trine_counters counters;
  trine_status status;
  void* to = NULL;
  int result = trine_bus_was_reset(o->device);
  o->fake.ends_badly = 1;
  if (result == TRINE_OK) result = trine_set_window(o->device, 0, 1);
  if (result == TRINE_OK) result = trine_set_watchdog(o->device, 1);
  if (result == TRINE_OK) result = trine_set_progress_limit(o->device, 1);
  if (result == TRINE_OK) result = trine_set_cycles_limit(o->device, 1);
  if (result == TRINE_OK) result = load_program(o);
  if (result == TRINE_OK) result = trine_run(o->device, 9);
  if (result == TRINE_E_DEVICE) result = TRINE_OK;
  if (result == TRINE_OK) result = trine_reset(o->device, 9);
  if (result == TRINE_OK) result = trine_scrub(o->device, 9);
  if (result == TRINE_OK) result = trine_get_status(o->device, &status);
  if (result == TRINE_OK) result = trine_map(o->device, 0, 1, &to);
  return result != TRINE_OK ? result : trine_get_counters(o->device, &counters);
}

void case_accesses(void) {
  opened* o = open_fake(0);
  int accesses, i;
  o->fake.fails_at = kLong;
  EXPECT(reach_all(o) == TRINE_OK);
  accesses = kLong - o->fake.fails_at;
  EXPECT(accesses > 60 && accesses < 200);
  for (i = 1; i <= accesses; ++i) {
    o = open_fake(0);
    o->fake.fails_at = i;
    EXPECT_AT(i, reach_all(o) == TRINE_E_ACCESS);
  }
}

void case_memory(void) {
  opened* o = open_fake(0);
  void* to = NULL;
  EXPECT(trine_map(o->device, kFakeBytes - 3, 3, &to) == TRINE_OK);
  EXPECT(to == o->fake.caches + kFakeBytes - 3);
  EXPECT(trine_map(o->device, kFakeBytes - 2, 3, &to) == TRINE_E_ACCESS);
  if (!EXPECT(trine_map(o->device, 8, 3, &to) == TRINE_OK)) return;
  memcpy(to, "abcd", 4);
  EXPECT(trine_clean(o->device, to, 3) == TRINE_OK);
  EXPECT(memcmp(o->fake.memory + 8, "abc\0", 4) == 0);
  o->fake.memory[9] = 'x';
  EXPECT(trine_invalidate(o->device, to, 3) == TRINE_OK);
  EXPECT(memcmp(to, "axcd", 4) == 0);
  o->callbacks.clean = NULL;
  o->callbacks.invalidate = NULL;
  EXPECT(open_again(o) == TRINE_OK);
  EXPECT(trine_clean(o->device, to, 4) == TRINE_OK);
  EXPECT(trine_invalidate(o->device, to, 3) == TRINE_OK);
  EXPECT(o->fake.memory[11] == 0 && o->fake.caches[11] == 'd');
}

void case_info(void) {
  opened* o = open_fake(0);
  trine_info info = {0};
  EXPECT(trine_get_info(o->device, &info) == TRINE_OK);
  EXPECT(info.version == TRINE_ISA_VERSION);
  EXPECT(info.registers_version == 1);
  EXPECT(info.configuration_hash == FAKE_HASH);
}

void case_window(void) {
  opened* o = open_fake(0);
  const uint32_t most = ((uint32_t)1 << 24) - 1;
  EXPECT(trine_set_window(o->device, UINT64_C(0x100000000), UINT64_C(0x100000fff)) == TRINE_OK);
  EXPECT(*at(o, 0x48) == 0 && *at(o, 0x4c) == 1);
  EXPECT(*at(o, 0x50) == 0xfff && *at(o, 0x54) == 1);
  EXPECT(trine_set_window(o->device, 2, 1) == TRINE_E_ARGUMENT);
  EXPECT(trine_set_window(o->device, 1, 1) == TRINE_OK); /* one byte */
  EXPECT(*at(o, 0x48) == 1 && *at(o, 0x50) == 1);
  EXPECT(trine_set_watchdog(o->device, most) == TRINE_OK);
  EXPECT(*at(o, 0x58) == most);
  EXPECT(trine_set_watchdog(o->device, most + 1) == TRINE_E_ARGUMENT);
  EXPECT(trine_set_progress_limit(o->device, most) == TRINE_OK);
  EXPECT(*at(o, 0x74) == most);
  EXPECT(trine_set_progress_limit(o->device, most + 1) == TRINE_E_ARGUMENT);
  EXPECT(trine_set_cycles_limit(o->device, UINT32_MAX) == TRINE_OK);
  EXPECT(*at(o, 0x78) == UINT32_MAX);
  EXPECT(load_program(o) == TRINE_OK);
  o->fake.polls_left = 5;
  EXPECT(trine_start(o->device) == TRINE_OK);
  EXPECT(trine_set_window(o->device, 0, 1) == TRINE_E_BUSY);
  EXPECT(*at(o, 0x48) == 1);
  EXPECT(trine_set_watchdog(o->device, 77) == TRINE_OK); /* which may end a soft reset */
  EXPECT(*at(o, 0x58) == 77);
  EXPECT(trine_set_progress_limit(o->device, 78) == TRINE_OK); /* which may end the program */
  EXPECT(trine_set_cycles_limit(o->device, 79) == TRINE_OK);
  EXPECT(*at(o, 0x74) == 78 && *at(o, 0x78) == 79);
}

void case_zeros(void) {
  opened* o = open_fake(0);
  *at(o, 0x14) = 8;
  o->fake.polls_left = 5;
  EXPECT(open_again(o) == TRINE_OK);
  EXPECT(o->fake.polls_left == 0);
  *at(o, 0x14) = 9; /* a soft reset on a dead bus, which the caller must end */
  o->fake.polls_left = kLong;
  EXPECT(open_again(o) == TRINE_OK);
}

void case_scrub(void) {
  opened* o = running(kLong);
  EXPECT(trine_scrub(NULL, 1) == TRINE_E_ARGUMENT);
  *at(o, 0x10) = 0;
  EXPECT(trine_scrub(o->device, 9) == TRINE_E_BUSY);
  EXPECT(*at(o, 0x10) == 0);
  o->fake.polls_left = 1;
  EXPECT(trine_wait(o->device, 9) == TRINE_OK);
  o->fake.polls_left = 3;
  EXPECT(trine_scrub(o->device, 2) == TRINE_E_TIMEOUT);
  EXPECT(*at(o, 0x10) == 4);
  EXPECT(trine_reset(o->device, 9) == TRINE_OK);
  o->fake.polls_left = 3;
  EXPECT(trine_scrub(o->device, 9) == TRINE_OK);
  EXPECT(trine_run(o->device, 9) == TRINE_OK);
}

void case_halves(void) {
  opened* o = open_fake(0);
  trine_counters counters = {0};
  int i;
  o->fake.counts = 1;
  for (i = 0; i < 8; ++i) {
    const uint64_t before = o->fake.cycles;
    EXPECT_AT(i, trine_get_counters(o->device, &counters) == TRINE_OK);
    EXPECT_AT(i, counters.cycles == before + 0x80000001);
  }
}

void case_error(void) {
  opened* o = open_fake(0);
  trine_status status = {0};
  EXPECT(load_program(o) == TRINE_OK);
  o->fake.ends_badly = 1;
  EXPECT(trine_run(o->device, 10) == TRINE_E_DEVICE);
  EXPECT(trine_get_status(o->device, &status) == TRINE_OK);
  EXPECT(status.error == 1);
  EXPECT(status.error_cause == 2);
  EXPECT(status.error_address == UINT64_C(0x100000040));
  EXPECT(status.error_run == 7);
  /* The program has ended as well: the interrupt is cleared, and waiting fails. */
  EXPECT(written(o, o->fake.writes - 1, 0x28, 3));
  EXPECT(trine_wait(o->device, 1) == TRINE_E_STATE);
}

void case_reset(void) {
  opened* o = running(kLong);
  o->fake.polls_left = 3;
  EXPECT(trine_reset(o->device, 2) == TRINE_E_TIMEOUT);
  EXPECT(trine_reset(o->device, 9) == TRINE_OK);
  EXPECT(trine_wait(o->device, 9) == TRINE_E_STATE); /* nothing runs any more */
  EXPECT(trine_run(o->device, 9) == TRINE_OK);
}

/* Returns a device whose bus was reset while responses were outstanding, and which a program or a
 * reset now uses. */
static opened* owing(void) {
  opened* o = open_fake(0);
  trine_status status = {0};
  EXPECT(load_program(o) == TRINE_OK);
  *at(o, 0x14) = TRINE_CSR_STATUS_ERROR | TRINE_CSR_STATUS_BUS_DIRTY;
  *at(o, 0x10) = 0;
  EXPECT(trine_start(o->device) == TRINE_E_BUS);
  EXPECT(load_program(o) == TRINE_E_BUS);
  EXPECT(trine_set_window(o->device, 0, 1) == TRINE_E_BUS);
  EXPECT(*at(o, 0x10) == 0); /* not even asked */
  EXPECT(trine_get_status(o->device, &status) == TRINE_OK);
  EXPECT(status.bus_dirty == 1 && status.busy == 0 && status.error == 1);
  o->fake.reads = 0;
  EXPECT(trine_bus_was_reset(o->device) == TRINE_E_BUS); /* the bus is not released */
  EXPECT(o->fake.reads == 17);
  o->fake.lets_go = 1;
  EXPECT(trine_bus_was_reset(o->device) == TRINE_OK);
  EXPECT(*at(o, 0x10) == TRINE_CSR_CONTROL_BUS_WAS_RESET);
  *at(o, 0x14) = TRINE_CSR_STATUS_BUSY;
  o->fake.polls_left = 2;
  EXPECT(trine_bus_was_reset(o->device) == TRINE_E_BUSY);
  return o;
}

void case_dirty_bus(void) {
  opened* o = owing();
  /* A soft reset reports that the watchdog gave up. */
  o->fake.gives_up = 1;
  EXPECT(trine_reset(o->device, 0) == TRINE_E_BUS);
  o->fake.gives_up = 0;
  o->fake.polls_left = 2;
  EXPECT(trine_bus_was_reset(o->device) == TRINE_OK); /* the reset is still running */
  /* After it has responded. */
  o = owing();
  *at(o, 0x14) = TRINE_CSR_STATUS_ERROR;
  EXPECT(load_program(o) == TRINE_OK);
  EXPECT(trine_run(o->device, 9) == TRINE_OK);
}

static uint64_t counter_at(uint32_t offset) { return (uint64_t)(offset + 4) << 32 | offset; }

void case_counters(void) {
  opened* o = open_fake(0);
  trine_counters counters = {0};
  uint32_t i;
  for (i = 0x80; i < 0xf8; i += 4) *at(o, i) = i;
  o->fake.reads = 0;
  EXPECT(trine_get_counters(o->device, &counters) == TRINE_OK);
  EXPECT(counters.cycles == counter_at(0x80));
  for (i = 0; i < 8; ++i) EXPECT_AT(i, counters.causes[i] == counter_at(0x88 + 8 * i));
  for (i = 0; i < 4; ++i) EXPECT_AT(i, counters.engine_busy[i] == counter_at(0xc8 + 8 * i));
  EXPECT(o->fake.reads == 30);
  EXPECT(counters.bytes_read == counter_at(0xe8));
  EXPECT(counters.bytes_written == counter_at(0xf0));
}

void case_texts(void) {
  int code, other;
  EXPECT(same(trine_strerror(TRINE_OK), "success"));
  EXPECT(same(trine_strerror(-99), "unknown error"));
  for (code = TRINE_E_REGISTERS; code <= TRINE_RUNNING; ++code) {
    EXPECT_AT(code, !same(trine_strerror(code), "unknown error"));
    for (other = TRINE_E_REGISTERS; other < code; ++other)
      EXPECT_AT(code, !same(trine_strerror(code), trine_strerror(other)));
  }
}
