/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device's side of MLPerf Tiny's runner. Commands arrive over the UART, each ended by '%'.
 * Answers are lines that begin with "m-"; after "m-ready" the next command may follow.
 *
 *   name%  profile%  help%  timestamp%      identification; the time
 *   db load N%  db HEX%                     the input, N bytes, in any number of pieces
 *   infer N [W]%                            W runs to warm up, N runs between two time stamps
 *   results%                                the outputs of the last run
 *   mode latency|energy%                    energy: time stamps are for a meter, no text (EE_CFG)
 *   quit%                                   an extension: the simulation ends
 *
 * components/soc/mlperf.py is the host's side:
 *   trine soc --config edge64 --app components/soc/firmware/mlperf.c --data model.image --uart
 * commands.txt
 *
 * Exit code: 0, or 1 when the machine failed, after a line "e-[...]". */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board.h"

enum {
  kMostInput = 1 << 15,
  kMostOutput = 1 << 12,
  kLine = 512,
  kAttempts = 10000000,
  kWatchdog = 50000,
  kCyclesPerMicrosecond = 50
};

static trine_storage storage;
static trine_device* device;
static trine_image image;
static trine_tensor input, output;
static unsigned char elements[kMostInput], codes[kMostOutput];
static uint32_t expected, filled;
static int is_energy, has_run;

static void fail(const char* what, int code) {
  char text[160];
  (void)trine_describe(device, code, text, sizeof text);
  printf("e-[%s: %s]\n", what, device != NULL ? text : trine_strerror(code));
  board_end(1);
}

static void check(const char* what, int code) {
  if (code != TRINE_OK) fail(what, code);
}

static uint32_t bytes_of(const trine_tensor* tensor) {
  uint32_t bytes = trine_element_bytes(tensor), i;
  for (i = 0; i < tensor->rank; ++i) bytes *= tensor->extents[i];
  return bytes;
}

static void open_machine(void) {
  const trine_callbacks callbacks = board_machine(0);
  uint64_t bytes;
  const uint64_t base = board_memory(0, &bytes);
  check("open", trine_open(&storage, sizeof storage, &callbacks, &device));
  board_take_interrupts(0, device);
  check("watchdog", trine_set_watchdog(device, kWatchdog));
  check("image", trine_read_image(soc_data, soc_data_bytes, &image));
  if (image.dram_bytes + 8 * (uint64_t)image.word_count > bytes) fail("memory", TRINE_E_STORAGE);
  check("window", trine_set_window(device, base, base + bytes - 1));
  check("load", trine_load_image(device, &image, base));
  check("input", trine_image_input(&image, 0, &input));
  check("output", trine_image_output(&image, 0, &output));
  if (bytes_of(&input) > kMostInput || bytes_of(&output) > kMostOutput ||
      trine_element_bytes(&output) != 1)
    fail("sizes", TRINE_E_STORAGE);
}

static void timestamp(void) {
  if (!is_energy)
    printf("m-lap-us-%" PRIu32 "\n", (uint32_t)(board_cycles() / kCyclesPerMicrosecond));
}

static void run_once(void) {
  check("input", trine_input(device, &image, 0, elements));
  check("start", trine_start(device));
  check("run", trine_wait(device, kAttempts));
  check("output", trine_output(device, &image, 0, codes));
  has_run = 1;
}

/* Thousandths of a code's value, rounded; the library's printf knows no floats. */
static void print_value(int code) {
  const double value = output.scale * (code - output.zero_point) * 1000;
  const int32_t thousandths = (int32_t)(value < 0 ? value - 0.5 : value + 0.5);
  const uint32_t size = (uint32_t)(thousandths < 0 ? -thousandths : thousandths);
  printf("%s%" PRIu32 ".%03" PRIu32, thousandths < 0 ? "-" : "", size / 1000, size % 1000);
}

static void results(void) {
  const uint32_t count = bytes_of(&output);
  uint32_t i;
  if (!has_run) {
    printf("e-[results: no run]\n");
    return;
  }
  printf("m-results-[");
  for (i = 0; i < count; ++i) {
    if (i > 0) printf(",");
    print_value(output.codes != NULL ? codes[i] : (signed char)codes[i]);
  }
  printf("]\n");
}

static void mode(const char* name) {
  const int energy = strcmp(name, "energy") == 0;
  if (!energy && strcmp(name, "latency") != 0) {
    printf("e-[mode: latency or energy]\n");
    return;
  }
  is_energy = energy;
  printf("m-mode-%s\n", name);
}

static void infer(const char* arguments) {
  char* end;
  const unsigned long runs = strtoul(arguments, &end, 10), warmups = strtoul(end, NULL, 10);
  unsigned long i;
  const int is_none = runs == 0 || strchr(arguments, '-') != NULL;
  if (is_none || filled < bytes_of(&input)) {
    printf("e-[infer: %s]\n", is_none ? "no runs" : "the input is not loaded");
    return;
  }
  if (warmups > 0) {
    printf("m-warmup-start-%lu\n", warmups);
    for (i = 0; i < warmups; ++i) run_once();
    printf("m-warmup-done\n");
  }
  printf("m-infer-start-%lu\n", runs);
  timestamp();
  for (i = 0; i < runs; ++i) run_once();
  timestamp();
  printf("m-infer-done\n");
  results();
}

static int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static void buffer(const char* text) {
  if (strncmp(text, "load ", 5) == 0) {
    expected = (uint32_t)strtoul(text + 5, NULL, 10);
    filled = 0;
    if (expected == bytes_of(&input)) {
      printf("m-[Expecting %" PRIu32 " bytes]\n", expected);
      return;
    }
    printf("e-[db load: %" PRIu32 " bytes, the model takes %" PRIu32 "]\n", expected,
           bytes_of(&input));
    expected = 0;
    return;
  }
  for (; text[0] != '\0' && text[1] != '\0' && filled < expected; text += 2) {
    const int high = digit_of(text[0]), low = digit_of(text[1]);
    if (high < 0 || low < 0) break;
    elements[filled++] = (unsigned char)(16 * high + low);
  }
  if (text[0] != '\0')
    printf("e-[db: no hexadecimal digits, or more than were expected]\n");
  else if (filled == expected && expected > 0)
    printf("m-load-done\n");
}

/* Returns true if the line begins with the command; its arguments follow. */
static const char* after(const char* line, const char* command) {
  const size_t length = strlen(command);
  return strncmp(line, command, length) == 0 ? line + length : NULL;
}

static void answer(const char* line) {
  const char* rest;
  if (strcmp(line, "name") == 0)
    printf("m-name-dut-[trine]\n");
  else if (strcmp(line, "profile") == 0)
    printf("m-profile-[ULPMark for tinyML Firmware V0.0.1]\nm-model-[trine]\n");
  else if (strcmp(line, "help") == 0)
    printf("m-[name profile help timestamp db infer results mode quit]\n");
  else if (strcmp(line, "timestamp") == 0)
    timestamp();
  else if (strcmp(line, "results") == 0)
    results();
  else if ((rest = after(line, "mode ")) != NULL)
    mode(rest);
  else if ((rest = after(line, "db ")) != NULL)
    buffer(rest);
  else if ((rest = after(line, "infer ")) != NULL)
    infer(rest);
  else
    printf("e-[Unknown command: %s]\n", line);
}

/* A command without its '%'; ends of lines and what does not fit are left out. */
static void read_line(char* line) {
  size_t length = 0;
  for (;;) {
    const char c = board_get();
    if (c == '%') break;
    if (c != '\r' && c != '\n' && length + 1 < kLine) line[length++] = c;
  }
  line[length] = '\0';
}

int main(void) {
  static char line[kLine];
  board_init();
  open_machine();
  printf("m-timestamp-mode-performance\nm-init-done\nm-ready\n");
  for (read_line(line); strcmp(line, "quit") != 0; read_line(line)) {
    answer(line);
    printf("m-ready\n");
  }
  board_end(0);
}
