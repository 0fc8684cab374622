/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a machine image on an accelerator that Linux exports as a UIO device (registers,
 * interrupt) and a buffer for DMA (u-dma-buf, or any memory that both can access and that mmap()
 * supports).
 *
 *   cc -std=c99 -I design linux_uio.c design/trine_runtime.c design/trine_tensor.c -o linux_uio
 *   d=/sys/class/u-dma-buf/udmabuf0
 *   linux_uio /dev/uio0 /dev/udmabuf0 $(cat $d/phys_addr) $(cat $d/size) model.img input output
 *
 * `trine compile --image` writes `model.img`. `input` contains the codes of its inputs one after
 * the other in C order; the program writes the codes of its outputs to `output`. An eighth
 * argument is the device that reports interrupts, if it is not the first one. Exit code 1 on any
 * error.
 */

#define _POSIX_C_SOURCE 200809L

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "trine_runtime.h"

#ifndef SECONDS /* after which a program counts as dead */
#define SECONDS 10
#endif

enum { kRegisterBytes = 4096 };

typedef struct board {
  volatile uint32_t* registers;
  unsigned char* buffer;
  uint64_t address; /* of the buffer, on the accelerator's bus */
  size_t bytes;
  int interrupt;
} board;

/* Orders the buffer's writes before the register that starts the accelerator, and its reads after
 * the register that shows its end. */
static void fence(void) { __sync_synchronize(); }

static int read32(void* context, uint32_t offset, uint32_t* value) {
  const board* b = context;
  *value = b->registers[offset / 4];
  fence();
  return 0;
}

static int write32(void* context, uint32_t offset, uint32_t value) {
  const board* b = context;
  fence();
  b->registers[offset / 4] = value;
  return 0;
}

/* Maps an address of the buffer, which was opened with O_SYNC: it is not cached, and needs neither
 * clean nor invalidate. */
static void* map(void* context, uint64_t address, size_t bytes) {
  const board* b = context;
  const uint64_t place = address - b->address;
  if (place > b->bytes || bytes > b->bytes - place) return NULL;
  return b->buffer + place;
}

/* Waits at most a second. The kernel has masked the interrupt since the last one. */
static int wait_interrupt(void* context) {
  const board* b = context;
  struct pollfd wanted;
  uint32_t count = 1;
  int ready;
  if (write(b->interrupt, &count, sizeof count) != (ssize_t)sizeof count) return -1;
  wanted.fd = b->interrupt;
  wanted.events = POLLIN;
  ready = poll(&wanted, 1, 1000);
  if (ready <= 0) return ready == 0 ? 1 : -1;
  return read(b->interrupt, &count, sizeof count) == (ssize_t)sizeof count ? 0 : -1;
}

static int failed(const char* what) {
  perror(what);
  return 1;
}

static void* mapped(int file, size_t bytes) {
  void* at = file < 0 ? MAP_FAILED : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  return at == MAP_FAILED ? NULL : at;
}

static void* contents(const char* path, size_t* size) {
  FILE* file = fopen(path, "rb");
  unsigned char* bytes = NULL;
  long end = -1;
  if (file == NULL) return NULL;
  if (fseek(file, 0, SEEK_END) == 0) end = ftell(file);
  if (end >= 0) bytes = malloc((size_t)end + 1);
  rewind(file);
  if (bytes != NULL && fread(bytes, 1, (size_t)end, file) != (size_t)end) {
    free(bytes);
    bytes = NULL;
  }
  *size = (size_t)end;
  (void)fclose(file);
  return bytes;
}

/* Returns the bytes of the host's tensor. */
static size_t bytes_of(const trine_tensor* tensor) {
  size_t bytes = tensor->codes_per_word == 1 ? 4 : 1;
  uint32_t i;
  for (i = 0; i < tensor->rank; ++i) bytes *= tensor->extents[i];
  return bytes;
}

static int put_inputs(trine_device* device, const trine_image* image, const char* path) {
  trine_tensor tensor;
  size_t size = 0, at = 0;
  uint32_t i;
  int result = TRINE_OK;
  unsigned char* codes = contents(path, &size);
  if (codes == NULL) return failed(path);
  for (i = 0; i < image->inputs && result == TRINE_OK; ++i) {
    result = trine_image_input(image, i, &tensor);
    if (result == TRINE_OK && bytes_of(&tensor) > size - at) result = TRINE_E_ARGUMENT;
    if (result == TRINE_OK) result = trine_input(device, image, i, codes + at);
    at += bytes_of(&tensor);
  }
  free(codes);
  if (result == TRINE_OK && at == size) return 0;
  (void)fprintf(stderr, "%s: not the inputs' bytes: %s\n", path, trine_strerror(result));
  return 1;
}

static int get_outputs(trine_device* device, const trine_image* image, const char* path) {
  trine_tensor tensor;
  uint32_t i;
  int result = TRINE_OK, written = 1;
  FILE* file = fopen(path, "wb");
  if (file == NULL) return failed(path);
  for (i = 0; i < image->outputs && result == TRINE_OK && written; ++i) {
    unsigned char* codes;
    result = trine_image_output(image, i, &tensor);
    if (result != TRINE_OK) break;
    codes = malloc(bytes_of(&tensor));
    result = codes == NULL ? TRINE_E_ARGUMENT : trine_output(device, image, i, codes);
    if (result == TRINE_OK) written = fwrite(codes, bytes_of(&tensor), 1, file) == 1;
    free(codes);
  }
  if (fclose(file) != 0 || !written) return failed(path);
  if (result == TRINE_OK) return 0;
  (void)fprintf(stderr, "outputs: %s\n", trine_strerror(result));
  return 1;
}

static int report_error(trine_device* device, const char* what, int code) {
  char text[200];
  (void)trine_describe(device, code, text, sizeof text);
  (void)fprintf(stderr, "%s: %s\n", what, text);
  return 1;
}

static int run(board* b, const char* image_path, const char* input, const char* output) {
  static trine_storage storage;
  trine_callbacks callbacks = {0};
  trine_device* device = NULL;
  trine_image image;
  trine_counters counters;
  size_t size = 0;
  int result;
  const void* bytes = contents(image_path, &size);
  if (bytes == NULL) return failed(image_path);
  callbacks.context = b;
  callbacks.read32 = read32;
  callbacks.write32 = write32;
  callbacks.map = map;
  callbacks.wait_interrupt = wait_interrupt;
  result = trine_open(&storage, sizeof storage, &callbacks, &device);
  if (result != TRINE_OK) return report_error(device, "open", result);
  result = trine_set_window(device, b->address, b->address + b->bytes - 1);
  if (result != TRINE_OK) return report_error(device, "window", result);
  result = trine_read_image(bytes, size, &image);
  if (result == TRINE_OK) result = trine_load_image(device, &image, b->address);
  if (result != TRINE_OK) return report_error(device, image_path, result);
  if (put_inputs(device, &image, input) != 0) return 1;
  result = trine_run(device, SECONDS);
  if (result != TRINE_OK) return report_error(device, "run", result);
  result = trine_get_counters(device, &counters);
  if (result != TRINE_OK) return report_error(device, "counters", result);
  (void)printf("%" PRIu64 " cycles\n", counters.cycles);
  return get_outputs(device, &image, output);
}

int main(int count, char** arguments) {
  board b;
  int registers, buffer;
  if (count != 8 && count != 9) {
    (void)fputs("usage: linux_uio UIO BUFFER ADDRESS BYTES IMAGE INPUT OUTPUT [INTERRUPT]\n",
                stderr);
    return 1;
  }
  registers = open(arguments[1], O_RDWR | O_SYNC);
  b.registers = mapped(registers, kRegisterBytes);
  if (b.registers == NULL) return failed(arguments[1]);
  b.address = strtoull(arguments[3], NULL, 0);
  b.bytes = (size_t)strtoull(arguments[4], NULL, 0);
  buffer = open(arguments[2], O_RDWR | O_SYNC);
  b.buffer = mapped(buffer, b.bytes);
  if (b.buffer == NULL) return failed(arguments[2]);
  b.interrupt = count == 9 ? open(arguments[8], O_RDWR | O_NOCTTY) : registers;
  if (b.interrupt < 0) return failed(arguments[8]);
  return run(&b, arguments[5], arguments[6], arguments[7]);
}
