/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Classifies a digit on a bare RISC-V processor. Registers and memory are in the processor's
 * address space, the model is in flash; there is an interrupt, and a data cache that the
 * accelerator does not see.
 *
 *   trine generate --config edge32 --out design
 *   trine compile --config edge32 models/lenet_mnist.tflite --c lenet_mnist.h
 *   riscv64-unknown-elf-gcc -std=c99 -march=rv32imc_zicsr -mabi=ilp32 -ffreestanding -Os \
 *     -I design -I . -c bare_metal.c design/trine_runtime.c design/trine_tensor.c
 *
 * The system defines TRINE_REGISTERS and NONCOHERENT_CACHE. Its start-up code sets the stack and
 * the trap vector, which calls accelerator_interrupt().
 */

#include "lenet_mnist.h"
#include "trine_runtime.h"

#ifndef TRINE_REGISTERS
#define TRINE_REGISTERS 0x90000000u
#endif

void accelerator_interrupt(void);
int classify(const unsigned char picture[LENET_MNIST_INPUT_0_BYTES], char* error, size_t size);

/* The accelerator's memory: activations, weights and program. Aligned to the widest bus. */
static uint64_t memory[(LENET_MNIST_MEMORY_BYTES + 7) / 8] __attribute__((aligned(64)));

static trine_storage storage;
static trine_device* device;
static trine_image image;

/* Orders memory accesses before the register that starts the accelerator, and after the register
 * that shows its end. */
static void fence(void) { __asm__ volatile("fence iorw, iorw" ::: "memory"); }

static int read32(void* context, uint32_t offset, uint32_t* value) {
  const volatile uint32_t* registers = context;
  *value = registers[offset / 4];
  fence();
  return 0;
}

static int write32(void* context, uint32_t offset, uint32_t value) {
  volatile uint32_t* registers = context;
  fence();
  registers[offset / 4] = value;
  return 0;
}

/* Maps an address of the accelerator. The processor uses the bus addresses; the accelerator may use
 * only `memory`. */
static void* map(void* context, uint64_t address, size_t bytes) {
  const uint64_t place = address - (uintptr_t)memory;
  (void)context;
  if (place > sizeof memory || bytes > sizeof memory - place) return NULL;
  return (unsigned char*)memory + (size_t)place;
}

#ifdef NONCOHERENT_CACHE /* Zicbom, with cache lines of this many bytes */
static void clean(void* context, const void* at, size_t bytes) {
  uintptr_t line = (uintptr_t)at & ~(uintptr_t)(NONCOHERENT_CACHE - 1);
  (void)context;
  for (; line < (uintptr_t)at + bytes; line += NONCOHERENT_CACHE)
    __asm__ volatile(".insn i 0x0f, 2, x0, %0, 1" ::"r"(line) : "memory"); /* cbo.clean */
}

static void invalidate(void* context, void* at, size_t bytes) {
  uintptr_t line = (uintptr_t)at & ~(uintptr_t)(NONCOHERENT_CACHE - 1);
  (void)context;
  for (; line < (uintptr_t)at + bytes; line += NONCOHERENT_CACHE)
    __asm__ volatile(".insn i 0x0f, 2, x0, %0, 0" ::"r"(line) : "memory"); /* cbo.inval */
}
#endif

/* Sleeps until an interrupt. None is missed: an interrupt before wfi is pending, and ends it. */
static int wait_interrupt(void* context) {
  (void)context;
  __asm__ volatile("csrci mstatus, 8" ::: "memory");
  if (!trine_interrupted(device)) __asm__ volatile("wfi" ::: "memory");
  __asm__ volatile("csrsi mstatus, 8" ::: "memory"); /* the handler runs here */
  return 0;
}

void accelerator_interrupt(void) { (void)trine_interrupt(device); }

/* Opens the device on the first call. */
static int start_up(void) {
  static int done = 0;
  const uint64_t base = (uintptr_t)memory;
  trine_callbacks callbacks = {0};
  int result;
  if (done) return TRINE_OK;
  callbacks.context = (void*)(uintptr_t)TRINE_REGISTERS;
  callbacks.read32 = read32;
  callbacks.write32 = write32;
  callbacks.map = map;
#ifdef NONCOHERENT_CACHE
  callbacks.clean = clean;
  callbacks.invalidate = invalidate;
#endif
  callbacks.wait_interrupt = wait_interrupt;
  result = trine_open(&storage, sizeof storage, &callbacks, &device);
  if (result == TRINE_OK) result = trine_set_window(device, base, base + sizeof memory - 1);
  if (result == TRINE_OK)
    result = trine_read_image(lenet_mnist_model, LENET_MNIST_IMAGE_BYTES, &image);
  if (result == TRINE_OK) result = trine_load_image(device, &image, base);
  done = result == TRINE_OK;
  return result;
}

/* Returns the digit in a picture, or a negative code and its text. */
int classify(const unsigned char picture[LENET_MNIST_INPUT_0_BYTES], char* error, size_t size) {
  signed char scores[LENET_MNIST_OUTPUT_0_ELEMENTS];
  int digit, best = 0;
  int result = start_up();
  if (result == TRINE_OK) result = trine_input(device, &image, 0, picture);
  if (result == TRINE_OK) result = trine_run(device, 0);
  if (result == TRINE_OK) result = trine_output(device, &image, 0, scores);
  if (result != TRINE_OK) {
    (void)trine_describe(device, result, error, size);
    return result;
  }
  for (digit = 1; digit < LENET_MNIST_OUTPUT_0_ELEMENTS; ++digit)
    if (scores[digit] > scores[best]) best = digit;
  return best;
}
