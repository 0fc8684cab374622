/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Driver of a Trine accelerator: C99, without operating system and without allocation.
 *
 * The caller provides functions that access the device (its registers, and the memory that the
 * device's AXI master sees) and the storage of the handle.
 *
 *   static trine_storage storage;
 *   trine_device* device;
 *   trine_image image;
 *   trine_open(&storage, sizeof storage, &callbacks, &device);
 *   trine_read_image(bytes, size, &image);       // of `trine compile --image`, say in flash
 *   trine_load_image(device, &image, base_address);
 *   trine_input(device, &image, 0, picture);
 *   trine_run(device, 0);                        // = trine_start() and trine_wait()
 *   trine_output(device, &image, 0, result);
 *
 * Without an image, the caller must know the addresses of words and tensors:
 *
 *   trine_check_configuration(device, program_hash);
 *   trine_load_program(device, words, word_count, program_address, base_address);
 *   trine_map(device, input_address, input_bytes, &at);  // write the input there, then
 *   trine_clean(device, at, input_bytes);
 *   trine_run(device, 0);
 *   trine_map(device, output_address, output_bytes, &at);
 *   trine_invalidate(device, at, output_bytes);          // then read the output there
 *
 * Unless its comment says otherwise, a function returns TRINE_OK or a negative code, which
 * trine_strerror() names. Addresses are bus addresses of the device. A handle may be used by one
 * thread at a time. The processor must be little endian.
 *
 * When write32() starts the device, the device must see everything that the processor wrote
 * before. On a processor with a write buffer, write32() must fence. On a processor with caches
 * that the device does not see, clean() and invalidate() are required.
 *
 * `trine generate` writes this driver next to the design, together with the headers of registers
 * and instruction set that the driver includes. Apart from these, the driver only needs a C99
 * compiler's stddef.h and stdint.h (and, like every freestanding program, memcpy() for the
 * compiler's own use).
 */

#ifndef TRINE_RUNTIME_H
#define TRINE_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  TRINE_OK = 0,
  TRINE_RUNNING = 1,          /* trine_poll(): the program still runs */
  TRINE_E_ARGUMENT = -1,      /* null pointer, misaligned address, empty program */
  TRINE_E_STORAGE = -2,       /* storage smaller than trine_device_size() */
  TRINE_E_ACCESS = -3,        /* a callback failed */
  TRINE_E_ID = -4,            /* no Trine at this address */
  TRINE_E_VERSION = -5,       /* another version of the instruction set */
  TRINE_E_CONFIGURATION = -6, /* program compiled for another configuration */
  TRINE_E_BUSY = -7,          /* a program is running */
  TRINE_E_TIMEOUT = -8,       /* trine_wait() ended before the program did */
  TRINE_E_DEVICE = -9,        /* the device stopped with an error: see trine_get_status() */
  TRINE_E_STATE = -10,        /* no program loaded, or none started */
  TRINE_E_BUS =
      -11, /* the bus has not answered all requests of an earlier program: trine_bus_was_reset() */
  TRINE_E_IMAGE = -12,    /* invalid or damaged machine image */
  TRINE_E_OPERATOR = -13, /* trine_run_stages(): no function for an operator of the host */
  TRINE_E_FEATURE = -14,  /* not supported by the design: trine_vmm.h */
  TRINE_E_SIZE = -15,     /* too large for the memory or the accumulators: trine_vmm.h */
  TRINE_E_REGISTERS = -16 /* another version of the register map: REGISTERS_VERSION */
};

/* The caller's functions to access the device. Functions with an int result return 0, or any
 * other value on failure. */
typedef struct trine_callbacks {
  void* context; /* first argument of each function */
  int (*read32)(void* context, uint32_t offset, uint32_t* value);
  int (*write32)(void* context, uint32_t offset, uint32_t value);
  /* Returns the processor's address of these bytes of the device's bus, as aligned as `address`;
   * null if there is none. The address must remain valid as long as the handle is used. */
  void* (*map)(void* context, uint64_t address, size_t bytes);
  /* Optional: null if the device sees the processor's caches, or there are none. `at` is a part
   * of the bytes that map() returned. clean() writes cached bytes back, invalidate() discards
   * cached bytes. Both may treat the first and the last cache line as a whole. */
  void (*clean)(void* context, const void* at, size_t bytes);
  void (*invalidate)(void* context, void* at, size_t bytes);
  /* Optional: null if STATUS is polled. Sleeps until any interrupt. Returns 0 if STATUS is to be
   * read, 1 to be called again. With trine_interrupt() as the handler, this misses no interrupt:
   *   disable interrupts; if (!trine_interrupted(device)) wfi; enable interrupts; return 0; */
  int (*wait_interrupt)(void* context);
} trine_callbacks;

typedef struct trine_device trine_device; /* opaque */

/* Storage of a handle, suitably aligned. */
typedef union trine_storage {
  uint64_t word;
  void* pointer;
  unsigned char bytes[512];
} trine_storage;

/* Facts about the design. */
typedef struct trine_info {
  uint32_t version;            /* version of the instruction set */
  uint32_t registers_version;  /* version of the register map */
  uint64_t configuration_hash; /* hash of the configuration */
} trine_info;

/* The state of the device. */
typedef struct trine_status {
  int busy, done, error;
  int bus_dirty;          /* the bus owes answers that the watchdog gave up: nothing can start */
  uint32_t error_cause;   /* TRINE_ERROR_.. of trine_csr.h; trine_error_text() */
  uint64_t error_address; /* bus address, or byte offset of the illegal word in the program */
  uint32_t error_run;     /* load and store errors: RUNs of that engine before the failing one */
} trine_status;

/* The device's counters. */
typedef struct trine_counters {
  uint64_t cycles;    /* a counter is one 64-bit reading, even while a program runs */
  uint64_t causes[8]; /* compute bank drain memory vector store control load: their sum is cycles */
  uint64_t engine_busy[4]; /* load compute vector store */
  uint64_t bytes_read, bytes_written;
} trine_counters;

/* Returns the bytes of storage that trine_open() needs, at most sizeof(trine_storage). */
size_t trine_device_size(void);

/* Opens a device; the handle is stored in `storage`. Checks the ID, then the version of the
 * registers (TRINE_E_REGISTERS) before it uses any other register, and the version of the
 * instruction set. Enables the interrupt, and waits until a design with memory.ecc has written
 * zeros to its memories, as it does after a reset. */
int trine_open(void* storage, size_t storage_size, const trine_callbacks* callbacks,
               trine_device** device);

/* Returns facts about the design. */
int trine_get_info(trine_device* device, trine_info* info);

/* Returns TRINE_E_CONFIGURATION unless the design has this hash. */
int trine_check_configuration(trine_device* device, uint64_t hash);

/* Writes the program to `program_address`, unless it is already there, and sets the device's
 * registers. `base_address` is added to every DRAM address in the program. Both addresses are
 * multiples of the bus width. The program stays loaded. Returns TRINE_E_BUSY while a program
 * runs, because the registers are locked. */
int trine_load_program(trine_device* device, const uint64_t* words, size_t word_count,
                       uint64_t program_address, uint64_t base_address);

/* A tensor at the edge of a program, stored as planar words: docs/program-file.md. */
typedef struct trine_tensor {
  uint64_t offset; /* bytes from base_address */
  uint64_t bytes;
  uint64_t plane; /* words from one channel word to the next */
  double scale;   /* real value = scale * (code - zero_point) */
  int32_t zero_point;
  uint32_t pitch; /* words from one row to the next */
  uint32_t channels, height, width;
  uint32_t codes_per_word; /* 2: int16, with two words per pixel for four channels */
  uint32_t transposed;
  /* Conversion of floats. Bit 0: halves are rounded to even instead of away from zero. The bits
   * above: the number of a code format (E3M4, posit<8,0>, E4M3). */
  uint32_t half_even;
  uint32_t rank, extents[8]; /* shape of the host's tensor */
  struct {
    uint32_t rows, pixels, stride_y, stride_x, top, left, height, width;
  } fold;
  /* Distances between neighbours in the host's tensor, in elements. */
  uint64_t step_y, step_x, step_channel;
  const unsigned char* codes; /* table by which each byte is replaced; null: none */
} trine_tensor;

/* A valid machine image. It points into the caller's bytes. */
typedef struct trine_image {
  const unsigned char* bytes;
  uint64_t configuration_hash;
  uint64_t dram_bytes;        /* device memory from base_address on, without the words */
  uint64_t constants_address; /* bytes from base_address */
  const unsigned char *words, *constants;
  uint32_t word_count, constants_bytes;
  uint32_t inputs, outputs;
} trine_image;

/* Checks an image and describes it. Reads all bytes of the image once, for the checksum, and
 * ignores the bytes after it. Returns TRINE_E_IMAGE, or TRINE_E_VERSION for another version of
 * the instruction set. */
int trine_read_image(const void* bytes, size_t size, trine_image* image);

/* Returns the CRC-32 of an image without the four bytes at `place`. @pre place + 4 <= size */
uint32_t trine_checksum(const void* image, size_t size, size_t place);

/* Describes an input or an output of an image. Returns TRINE_E_ARGUMENT if it does not exist. */
int trine_image_input(const trine_image* image, uint32_t index, trine_tensor* tensor);
int trine_image_output(const trine_image* image, uint32_t index, trine_tensor* tensor);

/* Returns the bytes of an element of the host's tensor: 1, or 4 for sums, or 2 for int16. */
uint32_t trine_element_bytes(const trine_tensor* tensor);

/* Converts the host's tensor in C order to planes of tensor->bytes bytes, and back. An element
 * has trine_element_bytes(). Axes are transposed and codes looked up on the way, so that
 * an image N C H W or uint8 codes can be passed as they are. Returns TRINE_E_IMAGE if the record
 * contradicts itself. */
int trine_to_planes(const trine_tensor* tensor, const void* elements, uint32_t* planes);
int trine_from_planes(const trine_tensor* tensor, const uint32_t* planes, void* elements);

/* Writes the constants, and the program's words to base_address + dram_bytes. The device thus needs
 * dram_bytes + 8 * word_count bytes from base_address on. Returns TRINE_E_CONFIGURATION if the
 * device has another configuration. */
int trine_load_image(trine_device* device, const trine_image* image, uint64_t base_address);

/* Returns 1 if this image is the program that was loaded last, with this base_address, and 0 if
 * trine_vmm(), trine_load_program() or another image came after it. Images are identified by
 * their address in the caller's memory: an image whose bytes were replaced there must be loaded
 * again. */
int trine_image_is_loaded(const trine_device* device, const trine_image* image,
                          uint64_t base_address);

/* trine_input() copies an input from the caller's tensor directly to the device's memory, like
 * trine_to_planes(). trine_output() copies an output in the other direction. The image's other
 * tensors do not change. Returns TRINE_E_STATE unless this image is loaded, and TRINE_E_BUSY
 * between trine_start() and the end that trine_wait() or trine_poll() reports. */
int trine_input(trine_device* device, const trine_image* image, uint32_t index,
                const void* elements);
int trine_output(trine_device* device, const trine_image* image, uint32_t index, void* elements);

/* Does the same with real numbers in the order of the host's tensor. Inputs become the nearest
 * codes by scale and zero point, limited to the range of codes (like operator QUANTIZE; NaN
 * becomes the lowest code). Outputs are scale * (code - zero_point), rounded once. */
int trine_input_float(trine_device* device, const trine_image* image, uint32_t index,
                      const float* values);
int trine_output_float(trine_device* device, const trine_image* image, uint32_t index,
                       float* values);

/* States are outputs of a run that the next run needs as inputs (`trine compile --states` adds
 * the states of LSTMs to inputs and outputs). At the beginning of a stream, each state is 0:
 * trine_input_zeros() writes the codes for 0. After each run, before the next trine_start(), each
 * state is passed on:
 *
 *   trine_input_zeros(device, &image, 1);
 *   for (;;) {
 *     trine_input(device, &image, 0, frame);
 *     trine_run(device, 0);
 *     trine_output(device, &image, 0, answer);
 *     trine_carry(device, &image, 1, 1, state);
 *   }
 *
 * trine_carry copies output `output` to input `input`, code by code. `elements` has room for the
 * host's tensor, whose elements have trine_element_bytes(). It contains the state afterwards, so
 * that a stream can be continued later by trine_input(). Returns TRINE_E_ARGUMENT if extents,
 * types, scales or zero points differ, because codes then have different meanings;
 * trine_output_float() and trine_input_float() can pass real numbers instead. Otherwise returns
 * the codes of trine_input(). */
int trine_input_zeros(trine_device* device, const trine_image* image, uint32_t index);
int trine_carry(trine_device* device, const trine_image* image, uint32_t output, uint32_t input,
                void* elements);

/* Returns the processor's address of a tensor's planes, for callers that lay them out
 * themselves. The image must be loaded. Works like trine_map() and returns the codes of
 * trine_input(). */
int trine_planes(trine_device* device, const trine_image* image, const trine_tensor* tensor,
                 uint32_t** planes);

/* Sets the bytes that the device may access: `first` to `last`, both included. A program that
 * requests other bytes stops with an error before any transfer. A reset of the hardware allows all
 * bytes. Returns TRINE_E_BUSY while a program runs, because the registers are locked. */
int trine_set_window(trine_device* device, uint64_t first, uint64_t last);

/* Sets the watchdog: a program stops with an error after this number of cycles without a handshake
 * that the bus owes. At most 2^24 - 1; 0: never; 2^20 after a reset of the hardware. It may be set
 * at any time, so that a soft reset can give up on a dead bus. After such an error the device waits
 * for the answers that the bus still owes (bus_dirty) and drops them. Until then it starts no
 * program, because these answers would reach the next program. */
int trine_set_watchdog(trine_device* device, uint32_t cycles);

/* Sets limits for programs that would not end. Progress: cycles without a step of the array, a
 * word of results, a beat, or the begin or end of a RUN, at most 2^24 - 1; 0: never; 2^20 after
 * a reset of the hardware. Cycles: cycles of the whole program; 0, as after a reset: no limit.
 * Both may be set at any time. The program stops with an error (TRINE_ERROR_PROGRESS,
 * TRINE_ERROR_CYCLES). The next program finds the device as after a reset. */
int trine_set_progress_limit(trine_device* device, uint32_t cycles);
int trine_set_cycles_limit(trine_device* device, uint32_t cycles);

/* Calls the callbacks. trine_map() returns the processor's address of `bytes` of the device's
 * bus, or TRINE_E_ACCESS if there is none. trine_clean() must precede the device's reads of
 * written bytes, trine_invalidate() the processor's reads of bytes that the device wrote. */
int trine_map(trine_device* device, uint64_t address, size_t bytes, void** at);
int trine_clean(trine_device* device, const void* at, size_t bytes);
int trine_invalidate(trine_device* device, void* at, size_t bytes);

/* Starts the loaded program and returns at once. */
int trine_start(trine_device* device);

/* Reads STATUS once without waiting. Returns TRINE_RUNNING while the program runs, then, once, how
 * the program ended: TRINE_OK or TRINE_E_DEVICE. Returns TRINE_E_STATE if nothing was started. */
int trine_poll(trine_device* device);

/* The interrupt handler, on the processor that waits. Clears the device's interrupt and records
 * it for trine_interrupted(). Returns 1, or 0 if the interrupt came from another device. */
int trine_interrupt(trine_device* device);

/* Returns 1 if trine_interrupt() recorded an interrupt since trine_start(), else 0. */
int trine_interrupted(const trine_device* device);

/* Waits for the end with at most `attempts` polls of STATUS or calls of wait_interrupt(); 0: no
 * limit. TRINE_E_TIMEOUT leaves the program running; call again, or call trine_reset(). */
int trine_wait(trine_device* device, uint64_t attempts);

/* Calls trine_start(), then trine_wait(). */
int trine_run(trine_device* device, uint64_t attempts);

/* Reads the state of the device. */
int trine_get_status(trine_device* device, trine_status* status);
/* Reads all counters. */
int trine_get_counters(trine_device* device, trine_counters* counters);

/* Tells the device, after a time-out, that no answers to a former program will arrive; otherwise
 * the device would wait for them forever. Call this function while the interconnect is held in
 * reset, because the device still makes its requests. Returns TRINE_E_BUSY while a program runs. */
int trine_bus_was_reset(trine_device* device);

/* Resets the device after outstanding bus transfers have ended. The program must be started
 * again. Returns TRINE_E_BUS if the watchdog gives the transfers up: the reset then ends when
 * they have arrived, or after trine_bus_was_reset(). */
int trine_reset(trine_device* device, uint64_t attempts);

/* Writes zeros to all memories of the device, so that no later program reads data of a former
 * one, and waits for the end like trine_reset(). The program stays loaded. Returns TRINE_E_BUSY
 * while a program runs. */
int trine_scrub(trine_device* device, uint64_t attempts);

/* Writes the meaning of a code as text. For a device's error it includes cause and place ("the
 * accelerator stopped with an error: a read of the load engine answered with an error, at address
 * 0x40, RUN 7"); for a failed access, the last register or address that could not be accessed.
 * Writes at most `size` bytes, the last one zero. Returns the length of the whole text without this
 * zero. For a device's error, call it before the next start. */
size_t trine_describe(trine_device* device, int code, char* text, size_t size);

/* Returns the text of a code; never null. */
const char* trine_strerror(int code);

/* Returns the text of an error_cause; never null. */
const char* trine_error_text(uint32_t cause);

#ifdef __cplusplus
}
#endif

#endif
