/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Driver of a Trine accelerator, C99, without operating system and without allocation.
 *
 * The caller gives the functions that reach the device (registers, and where the processor sees the
 * memory that the device's AXI master sees) and the storage of the handle.
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
 * Without an image the caller has to know where words and tensors belong:
 *
 *   trine_check_configuration(device, program_hash);
 *   trine_load_program(device, words, word_count, program_address, base_address);
 *   trine_map(device, input_address, input_bytes, &at);  // write the input there, then
 *   trine_clean(device, at, input_bytes);
 *   trine_run(device, 0);
 *   trine_map(device, output_address, output_bytes, &at);
 *   trine_invalidate(device, at, output_bytes);          // then read the output there
 *
 * Every function returns TRINE_OK or a negative code; trine_strerror() names it. Addresses are bus
 * addresses of the device. One handle is for one thread at a time. The processor is little endian.
 *
 * What the processor has written the device must see when write32() starts it: on a processor with
 * a write buffer write32() fences, on one with caches clean() and invalidate() are there.
 * `trine generate` writes this driver beside the design, with the headers of registers and
 * instruction set that it includes; it needs nothing else but a C99 compiler's stddef.h and
 * stdint.h (and, as every freestanding program, memcpy() for the compiler's own use).
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
  TRINE_RUNNING = 1,          /* trine_poll(): not yet */
  TRINE_E_ARGUMENT = -1,      /* null pointer, misaligned address, empty program */
  TRINE_E_STORAGE = -2,       /* storage smaller than trine_device_size() */
  TRINE_E_ACCESS = -3,        /* a callback failed */
  TRINE_E_ID = -4,            /* no Trine at this address */
  TRINE_E_VERSION = -5,       /* another version of the instruction set */
  TRINE_E_CONFIGURATION = -6, /* program compiled for another configuration */
  TRINE_E_BUSY = -7,          /* a program is running */
  TRINE_E_TIMEOUT = -8,       /* wait() ended before the device did */
  TRINE_E_DEVICE = -9,        /* the device stopped with an error: see trine_get_status() */
  TRINE_E_STATE = -10,        /* no program loaded, or none started */
  TRINE_E_BUS = -11,      /* the bus owes what a former program gave up: trine_bus_was_reset() */
  TRINE_E_IMAGE = -12,    /* no machine image, or a damaged one */
  TRINE_E_OPERATOR = -13, /* trine_run_stages(): nobody offers an operator of the host */
  TRINE_E_FEATURE = -14,  /* the design does not have it: trine_vmm.h */
  TRINE_E_SIZE = -15,     /* more than the memory or the accumulators hold: trine_vmm.h */
  TRINE_E_REGISTERS = -16 /* another version of the register map: REGISTERS_VERSION */
};

/* How the caller reaches the device. What has an int returns 0, or anything else on failure. */
typedef struct trine_callbacks {
  void* context; /* handed to each function */
  int (*read32)(void* context, uint32_t offset, uint32_t* value);
  int (*write32)(void* context, uint32_t offset, uint32_t value);
  /* Where the processor sees these bytes of the device's bus, as aligned as the address; null:
   * nowhere. Must stay there as long as the handle is used. */
  void* (*map)(void* context, uint64_t address, size_t bytes);
  /* Optional (null: the device sees the processor's caches, or there are none), of a piece of what
   * map() gave: writes back what the caches hold of it; lets go of what they hold of it. Lines that
   * it begins or ends in may be treated as a whole. */
  void (*clean)(void* context, const void* at, size_t bytes);
  void (*invalidate)(void* context, void* at, size_t bytes);
  /* Optional (null: STATUS is polled): sleeps until an interrupt, any; returns 0 if STATUS is to be
   * read, 1 to be asked again. With trine_interrupt() as handler, so that none is missed:
   *   disable interrupts; if (!trine_interrupted(device)) wfi; enable interrupts; return 0; */
  int (*wait_interrupt)(void* context);
} trine_callbacks;

typedef struct trine_device trine_device; /* opaque */

/* Room for a handle, aligned as it needs. */
typedef union trine_storage {
  uint64_t word;
  void* pointer;
  unsigned char bytes[512];
} trine_storage;

typedef struct trine_info {
  uint32_t version;            /* of the instruction set */
  uint32_t registers_version;  /* of the register map */
  uint64_t configuration_hash; /* of the design */
} trine_info;

typedef struct trine_status {
  int busy, done, error;
  int bus_dirty;          /* the bus owes what the watchdog gave up: nothing can start */
  uint32_t error_cause;   /* TRINE_ERROR_.. of trine_csr.h; trine_error_text() */
  uint64_t error_address; /* bus address, or byte offset of the illegal word in the program */
  uint32_t error_run;     /* errors of load and store: RUNs of that engine before the failing one */
} trine_status;

typedef struct trine_counters {
  uint64_t cycles;    /* each counter is one reading of 64 bits, also while a program runs */
  uint64_t causes[8]; /* compute bank drain memory vector store control load: add up to cycles */
  uint64_t engine_busy[4]; /* load compute vector store */
  uint64_t bytes_read, bytes_written;
} trine_counters;

/* Bytes of storage that trine_open() needs; at most those of trine_storage. */
size_t trine_device_size(void);

/* Checks ID, the version of the registers (before any other of them means something:
 * TRINE_E_REGISTERS) and that of the instruction set, enables the interrupt, waits for the zeros
 * that a design with memory.ecc writes to its memories after a reset. The handle lies in `storage`.
 */
int trine_open(void* storage, size_t storage_size, const trine_callbacks* callbacks,
               trine_device** device);

int trine_get_info(trine_device* device, trine_info* info);

/* TRINE_E_CONFIGURATION unless the design has this hash. */
int trine_check_configuration(trine_device* device, uint64_t hash);

/* Writes the program to `program_address`, if it is not there already, and tells the device.
 * `base_address` is added to every DRAM address in the program; both are multiples of the bus
 * width. The program stays loaded.
 * TRINE_E_BUSY while one runs: the registers are locked. */
int trine_load_program(trine_device* device, const uint64_t* words, size_t word_count,
                       uint64_t program_address, uint64_t base_address);

/* A tensor at the edge of a program, as planar words: docs/program-file.md says how. */
typedef struct trine_tensor {
  uint64_t offset; /* bytes from base_address */
  uint64_t bytes;
  uint64_t plane; /* words from one channel word to the next */
  double scale;   /* real value = scale * (code - zero_point) */
  int32_t zero_point;
  uint32_t pitch; /* words from one row to the next */
  uint32_t channels, height, width;
  uint32_t codes_per_word; /* 2: int16, and two words a pixel for four channels */
  uint32_t transposed;
  uint32_t half_even; /* how floats become codes: 1 halves to even, not away from zero; twice a
                       * format of codes (E3M4, posit<8,0>, E4M3) */
  uint32_t rank, extents[8]; /* of the host's tensor */
  struct {
    uint32_t rows, pixels, stride_y, stride_x, top, left, height, width;
  } fold;
  uint64_t step_y, step_x, step_channel; /* elements of the host's tensor between neighbours */
  const unsigned char* codes;            /* what each of its bytes becomes, null: itself */
} trine_tensor;

/* A machine image that was found sound. It points into the caller's bytes. */
typedef struct trine_image {
  const unsigned char* bytes;
  uint64_t configuration_hash;
  uint64_t dram_bytes;        /* from base_address on, without the words */
  uint64_t constants_address; /* bytes from base_address */
  const unsigned char *words, *constants;
  uint32_t word_count, constants_bytes;
  uint32_t inputs, outputs;
} trine_image;

/* Checks an image and says what is in it: TRINE_E_IMAGE, or TRINE_E_VERSION of one for another
 * version of the instruction set. Bytes behind the image are not looked at. Reads all bytes once,
 * for the checksum. */
int trine_read_image(const void* bytes, size_t size, trine_image* image);

/* Of an image: the CRC-32 of all its bytes but the four from `place` on. @pre place + 4 <= size */
uint32_t trine_checksum(const void* image, size_t size, size_t place);

/* Where a tensor lies. TRINE_E_ARGUMENT if there are not so many. */
int trine_image_input(const trine_image* image, uint32_t index, trine_tensor* tensor);
int trine_image_output(const trine_image* image, uint32_t index, trine_tensor* tensor);

/* Bytes of an element of the host's tensor: 1; of sums 4, of int16 2. */
uint32_t trine_element_bytes(const trine_tensor* tensor);

/* From the host's tensor, in C order, to its planes (tensor->bytes of them), and back. An element
 * has trine_element_bytes(). Axes are turned and codes looked up on the way, so that an image N C H
 * W or uint8 codes go in as they are. TRINE_E_IMAGE if the record contradicts itself. */
int trine_to_planes(const trine_tensor* tensor, const void* elements, uint32_t* planes);
int trine_from_planes(const trine_tensor* tensor, const uint32_t* planes, void* elements);

/* Writes the constants to their place and loads the words behind dram_bytes, so that the device
 * needs dram_bytes + 8 * word_count bytes from base_address on. TRINE_E_CONFIGURATION if the device
 * has another configuration. */
int trine_load_image(trine_device* device, const trine_image* image, uint64_t base_address);

/* 1 if this image is the program that was loaded last, with this base_address; 0 if trine_vmm(),
 * trine_load_program() or another image came behind it. Images are told apart by their place in the
 * caller's memory: one whose bytes were replaced there has to be loaded. */
int trine_image_is_loaded(const trine_device* device, const trine_image* image,
                          uint64_t base_address);

/* An input of the image that is loaded, from the caller's tensor straight to its place in the
 * device's memory, as trine_to_planes() does it; an output from there. Nothing of the image's other
 * tensors changes. TRINE_E_STATE unless this image is loaded, TRINE_E_BUSY between trine_start()
 * and the end that trine_wait() or trine_poll() has seen. */
int trine_input(trine_device* device, const trine_image* image, uint32_t index,
                const void* elements);
int trine_output(trine_device* device, const trine_image* image, uint32_t index, void* elements);

/* The same of real numbers, in the order of the host's tensor: an input's become the nearest codes
 * of its scale and zero point, or the last ones (as operator QUANTIZE does it; what is no number:
 * the lowest), an output's are scale * (code - zero_point), rounded once. */
int trine_input_float(trine_device* device, const trine_image* image, uint32_t index,
                      const float* values);
int trine_output_float(trine_device* device, const trine_image* image, uint32_t index,
                       float* values);

/* States: what a run gives that the next one takes (of LSTMs `trine compile --states` makes inputs
 * and outputs of them). A stream begins with inputs of zeros, the code that stands for 0, and hands
 * each state on behind a run, before the next trine_start():
 *
 *   trine_input_zeros(device, &image, 1);
 *   for (;;) {
 *     trine_input(device, &image, 0, frame);
 *     trine_run(device, 0);
 *     trine_output(device, &image, 0, answer);
 *     trine_carry(device, &image, 1, 1, state);
 *   }
 *
 * trine_carry: output `output` becomes input `input`, code by code. `elements` has room for the
 * host's tensor, whose elements have trine_element_bytes(); it holds the state afterwards, so that
 * a stream can be left and taken up again by trine_input(). TRINE_E_ARGUMENT where the two have
 * other extents, types, scales or zero points: then codes mean something else, and
 * trine_output_float() and trine_input_float() hand real numbers on. Else codes as of
 * trine_input().
 */
int trine_input_zeros(trine_device* device, const trine_image* image, uint32_t index);
int trine_carry(trine_device* device, const trine_image* image, uint32_t output, uint32_t input,
                void* elements);

/* Where the processor sees the planes of a tensor of the image that is loaded, for callers that lay
 * them out themselves: as trine_map(), with the codes of trine_input(). */
int trine_planes(trine_device* device, const trine_image* image, const trine_tensor* tensor,
                 uint32_t** planes);

/* Bytes that the device may touch, both included. A program that asks for others stops with an
 * error, before any transfer. After a reset of the hardware: all. TRINE_E_BUSY while a program
 * runs: the registers are locked. */
int trine_set_window(trine_device* device, uint64_t first, uint64_t last);

/* Cycles without a handshake that the bus owes after which a program stops with an error: at most
 * 2^24 - 1, 0: never. After a reset of the hardware 2^20. May be set at any time, so that a soft
 * reset can give up on a dead bus. After such an error the device waits for what the bus still owes
 * (bus_dirty), drops it, and starts nothing until it has come: else it would reach the next
 * program. */
int trine_set_watchdog(trine_device* device, uint32_t cycles);

/* What ends a program that would not end. Progress: cycles without a step of the array, a word of
 * results, a beat, or a RUN begun or ended, at most 2^24 - 1, 0: never; after a reset of the
 * hardware 2^20. Cycles: of the whole program, 0 (after a reset): never. Both may be set at any
 * time. The program stops with an error (TRINE_ERROR_PROGRESS, TRINE_ERROR_CYCLES); the next one
 * finds the device as after a reset. */
int trine_set_progress_limit(trine_device* device, uint32_t cycles);
int trine_set_cycles_limit(trine_device* device, uint32_t cycles);

/* The callbacks: where the processor sees `bytes` of the device's bus (TRINE_E_ACCESS: nowhere);
 * before the device reads what was written there; before what the device wrote there is read. */
int trine_map(trine_device* device, uint64_t address, size_t bytes, void** at);
int trine_clean(trine_device* device, const void* at, size_t bytes);
int trine_invalidate(trine_device* device, void* at, size_t bytes);

/* Starts the loaded program and returns at once. */
int trine_start(trine_device* device);

/* Asks once, without waiting: TRINE_RUNNING, or how it has ended, once: TRINE_OK, TRINE_E_DEVICE.
 * TRINE_E_STATE if nothing was started. */
int trine_poll(trine_device* device);

/* The interrupt's handler, on the processor that waits: takes the device's interrupt back and
 * remembers it for trine_interrupted(). 1, or 0 if it was another's. */
int trine_interrupt(trine_device* device);

/* 1 if trine_interrupt() took one since trine_start(), else 0. */
int trine_interrupted(const trine_device* device);

/* Waits for the end: at most `attempts` polls of STATUS or calls of wait_interrupt(), 0: no limit.
 * TRINE_E_TIMEOUT leaves the program running; call again or trine_reset(). */
int trine_wait(trine_device* device, uint64_t attempts);

/* trine_start(), then trine_wait(). */
int trine_run(trine_device* device, uint64_t attempts);

int trine_get_status(trine_device* device, trine_status* status);
int trine_get_counters(trine_device* device, trine_counters* counters);

/* After a time-out: tells the device that nothing of a former program comes any more, for which it
 * would wait for ever. To be called while the interconnect is held in reset, as the device still
 * asks. TRINE_E_BUSY while a program runs. */
int trine_bus_was_reset(trine_device* device);

/* Soft reset: outstanding bus transfers end first. The program has to be started again. TRINE_E_BUS
 * if the watchdog gives them up: the reset ends when they have come, or after
 * trine_bus_was_reset(). */
int trine_reset(trine_device* device, uint64_t attempts);

/* Writes zeros to all memories of the device, so that no later program reads what a former one
 * left, and waits for their end as trine_reset() does. TRINE_E_BUSY while a program runs. The
 * program stays loaded. */
int trine_scrub(trine_device* device, uint64_t attempts);

/* Writes a code as text: what it means, of a device's error cause and place, too ("the accelerator
 * stopped with an error: a read of the load engine answered with an error, at address 0x40, RUN
 * 7"), of an access the register or address that could not be reached last. At most `size` bytes,
 * the last one is zero. Returns the length of the whole text without it. Of a device's error to be
 * called before the next start. */
size_t trine_describe(trine_device* device, int code, char* text, size_t size);

/* Text of a code; never null. */
const char* trine_strerror(int code);

/* Text of an error_cause; never null. */
const char* trine_error_text(uint32_t cause);

#ifdef __cplusplus
}
#endif

#endif
