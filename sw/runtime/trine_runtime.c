/* SPDX-License-Identifier: Apache-2.0 */

#include "trine_runtime.h"

#include "trine_csr.h"
#include "trine_isa.h"

enum { kIrqAll = TRINE_CSR_IRQ_STATUS_DONE | TRINE_CSR_IRQ_STATUS_ERROR };
enum { kStatusOccupied = TRINE_CSR_STATUS_BUSY | TRINE_CSR_STATUS_RESET };

struct trine_device {
  trine_callbacks callbacks;
  trine_info info;
  int loaded, started;
};

/* Not memset(): a freestanding compiler has no string.h. */
static const trine_status kNoStatus = {0};

static int read32(trine_device* device, uint32_t offset, uint32_t* value) {
  return device->callbacks.read32(device->callbacks.context, offset, value) == 0 ? TRINE_OK
                                                                                 : TRINE_E_ACCESS;
}

static int write32(trine_device* device, uint32_t offset, uint32_t value) {
  return device->callbacks.write32(device->callbacks.context, offset, value) == 0 ? TRINE_OK
                                                                                  : TRINE_E_ACCESS;
}

/* Low half first: it keeps the high half of a counter. */
static int read64(trine_device* device, uint32_t offset, uint64_t* value) {
  uint32_t low = 0, high = 0;
  if (read32(device, offset, &low) != TRINE_OK || read32(device, offset + 4, &high) != TRINE_OK)
    return TRINE_E_ACCESS;
  *value = (uint64_t)high << 32 | low;
  return TRINE_OK;
}

static int write64(trine_device* device, uint32_t offset, uint64_t value) {
  const int result = write32(device, offset, (uint32_t)value);
  return result != TRINE_OK ? result : write32(device, offset + 4, (uint32_t)(value >> 32));
}

size_t trine_device_size(void) { return sizeof(trine_device); }

/* Zeros are written after a reset of a design with memory.ecc: for some thousand cycles. */
static int only_zeros(uint32_t status) {
  return (status & (kStatusOccupied | TRINE_CSR_STATUS_BUS_DIRTY)) == TRINE_CSR_STATUS_RESET;
}
static int occupied(uint32_t status) { return (status & kStatusOccupied) != 0; }
static int dirty(uint32_t status) { return (status & TRINE_CSR_STATUS_BUS_DIRTY) != 0; }
static int resetting(uint32_t status) { return occupied(status) && !dirty(status); }

/* Reads STATUS as long as it says so: at most `attempts` times, 0: no limit. */
static int wait_while(trine_device* device, int (*waits)(uint32_t), uint64_t attempts) {
  uint64_t attempt;
  for (attempt = 0; attempts == 0 || attempt < attempts; ++attempt) {
    uint32_t status = 0;
    if (read32(device, TRINE_CSR_STATUS, &status) != TRINE_OK) return TRINE_E_ACCESS;
    if (!waits(status)) return TRINE_OK;
  }
  return TRINE_E_TIMEOUT;
}

int trine_open(void* storage, size_t storage_size, const trine_callbacks* callbacks,
               trine_device** device) {
  uint32_t id = 0;
  int result;
  trine_device* opened = storage;
  if (storage == NULL || callbacks == NULL || device == NULL || callbacks->read32 == NULL ||
      callbacks->write32 == NULL || callbacks->copy_to == NULL || callbacks->copy_from == NULL)
    return TRINE_E_ARGUMENT;
  if (storage_size < sizeof(trine_device)) return TRINE_E_STORAGE;
  opened->callbacks = *callbacks;
  opened->loaded = 0;
  opened->started = 0;
  if (read32(opened, TRINE_CSR_ID, &id) != TRINE_OK) return TRINE_E_ACCESS;
  if (id != TRINE_CSR_ID_VALUE) return TRINE_E_ID;
  if (read32(opened, TRINE_CSR_VERSION, &opened->info.version) != TRINE_OK) return TRINE_E_ACCESS;
  if (opened->info.version != TRINE_ISA_VERSION) return TRINE_E_VERSION;
  if (read64(opened, TRINE_CSR_CONFIG_HASH, &opened->info.configuration_hash) != TRINE_OK ||
      write32(opened, TRINE_CSR_IRQ_STATUS, kIrqAll) != TRINE_OK ||
      write32(opened, TRINE_CSR_IRQ_ENABLE, kIrqAll) != TRINE_OK)
    return TRINE_E_ACCESS;
  result = wait_while(opened, only_zeros, 0);
  if (result == TRINE_OK) *device = opened;
  return result;
}

int trine_get_info(trine_device* device, trine_info* info) {
  if (device == NULL || info == NULL) return TRINE_E_ARGUMENT;
  *info = device->info;
  return TRINE_OK;
}

int trine_check_configuration(trine_device* device, uint64_t hash) {
  if (device == NULL) return TRINE_E_ARGUMENT;
  return hash == device->info.configuration_hash ? TRINE_OK : TRINE_E_CONFIGURATION;
}

static int refuse_while_busy(trine_device* device) {
  uint32_t status = 0;
  if (read32(device, TRINE_CSR_STATUS, &status) != TRINE_OK) return TRINE_E_ACCESS;
  if ((status & TRINE_CSR_STATUS_BUS_DIRTY) != 0) return TRINE_E_BUS;
  return occupied(status) ? TRINE_E_BUSY : TRINE_OK;
}

int trine_load_program(trine_device* device, const uint64_t* words, size_t word_count,
                       uint64_t program_address, uint64_t base_address) {
  int result;
  if (device == NULL || words == NULL || word_count == 0 || word_count > UINT32_MAX ||
      program_address % 8 != 0 || base_address % 8 != 0)
    return TRINE_E_ARGUMENT;
  result = refuse_while_busy(device);
  if (result != TRINE_OK) return result;
  device->loaded = 0;
  result = trine_copy_to(device, program_address, words, word_count * sizeof words[0]);
  if (result != TRINE_OK) return result;
  if (write64(device, TRINE_CSR_PROGRAM, program_address) != TRINE_OK ||
      write32(device, TRINE_CSR_PROGRAM_WORDS, (uint32_t)word_count) != TRINE_OK ||
      write64(device, TRINE_CSR_BASE, base_address) != TRINE_OK)
    return TRINE_E_ACCESS;
  device->loaded = 1;
  return TRINE_OK;
}

int trine_set_window(trine_device* device, uint64_t first, uint64_t last) {
  int result;
  if (device == NULL || first > last) return TRINE_E_ARGUMENT;
  result = refuse_while_busy(device);
  if (result != TRINE_OK) return result;
  result = write64(device, TRINE_CSR_WINDOW_FIRST, first);
  return result != TRINE_OK ? result : write64(device, TRINE_CSR_WINDOW_LAST, last);
}

int trine_set_watchdog(trine_device* device, uint32_t cycles) {
  if (device == NULL || cycles >> 24 != 0) return TRINE_E_ARGUMENT;
  return write32(device, TRINE_CSR_WATCHDOG, cycles);
}

int trine_copy_to(trine_device* device, uint64_t address, const void* data, size_t bytes) {
  if (device == NULL || (data == NULL && bytes != 0)) return TRINE_E_ARGUMENT;
  if (bytes == 0) return TRINE_OK;
  return device->callbacks.copy_to(device->callbacks.context, address, data, bytes) == 0
             ? TRINE_OK
             : TRINE_E_ACCESS;
}

int trine_copy_from(trine_device* device, uint64_t address, void* data, size_t bytes) {
  if (device == NULL || (data == NULL && bytes != 0)) return TRINE_E_ARGUMENT;
  if (bytes == 0) return TRINE_OK;
  return device->callbacks.copy_from(device->callbacks.context, address, data, bytes) == 0
             ? TRINE_OK
             : TRINE_E_ACCESS;
}

int trine_start(trine_device* device) {
  int result;
  if (device == NULL) return TRINE_E_ARGUMENT;
  if (!device->loaded) return TRINE_E_STATE;
  result = refuse_while_busy(device);
  if (result != TRINE_OK) return result;
  if (write32(device, TRINE_CSR_IRQ_STATUS, kIrqAll) != TRINE_OK ||
      write32(device, TRINE_CSR_CONTROL, TRINE_CSR_CONTROL_START) != TRINE_OK)
    return TRINE_E_ACCESS;
  device->started = 1;
  return TRINE_OK;
}

/* Asks once: *ended says whether done or error is set. */
static int poll(trine_device* device, int* ended) {
  const trine_callbacks* callbacks = &device->callbacks;
  trine_status status;
  int result;
  *ended = 0;
  if (callbacks->wait_interrupt != NULL) {
    const int answer = callbacks->wait_interrupt(callbacks->context);
    if (answer == 1) return TRINE_OK;
    if (answer != 0) return TRINE_E_ACCESS;
  }
  result = trine_get_status(device, &status);
  if (result != TRINE_OK) return result;
  *ended = status.done || status.error;
  return status.error ? TRINE_E_DEVICE : TRINE_OK;
}

int trine_wait(trine_device* device, uint64_t attempts) {
  uint64_t attempt;
  if (device == NULL) return TRINE_E_ARGUMENT;
  if (!device->started) return TRINE_E_STATE;
  for (attempt = 0; attempts == 0 || attempt < attempts; ++attempt) {
    int ended = 0;
    const int result = poll(device, &ended);
    if (ended) {
      device->started = 0;
      if (write32(device, TRINE_CSR_IRQ_STATUS, kIrqAll) != TRINE_OK) return TRINE_E_ACCESS;
    }
    if (result != TRINE_OK || ended) return result;
  }
  return TRINE_E_TIMEOUT;
}

int trine_run(trine_device* device, uint64_t attempts) {
  const int result = trine_start(device);
  return result != TRINE_OK ? result : trine_wait(device, attempts);
}

int trine_get_status(trine_device* device, trine_status* status) {
  uint32_t bits = 0;
  if (device == NULL || status == NULL) return TRINE_E_ARGUMENT;
  if (read32(device, TRINE_CSR_STATUS, &bits) != TRINE_OK) return TRINE_E_ACCESS;
  *status = kNoStatus;
  status->busy = (bits & kStatusOccupied) != 0;
  status->done = (bits & TRINE_CSR_STATUS_DONE) != 0;
  status->error = (bits & TRINE_CSR_STATUS_ERROR) != 0;
  status->bus_dirty = (bits & TRINE_CSR_STATUS_BUS_DIRTY) != 0;
  if (!status->error) return TRINE_OK;
  if (read32(device, TRINE_CSR_ERROR_CAUSE, &status->error_cause) != TRINE_OK ||
      read32(device, TRINE_CSR_ERROR_RUN, &status->error_run) != TRINE_OK)
    return TRINE_E_ACCESS;
  return read64(device, TRINE_CSR_ERROR_ADDRESS, &status->error_address);
}

int trine_get_counters(trine_device* device, trine_counters* counters) {
  int i, result;
  if (device == NULL || counters == NULL) return TRINE_E_ARGUMENT;
  result = read64(device, TRINE_CSR_CYCLES, &counters->cycles);
  for (i = 0; i < 8 && result == TRINE_OK; ++i)
    result = read64(device, TRINE_CSR_CAUSE + 8u * (uint32_t)i, &counters->causes[i]);
  for (i = 0; i < 4 && result == TRINE_OK; ++i)
    result = read64(device, TRINE_CSR_ENGINE_BUSY + 8u * (uint32_t)i, &counters->engine_busy[i]);
  if (result == TRINE_OK) result = read64(device, TRINE_CSR_BYTES_READ, &counters->bytes_read);
  if (result == TRINE_OK)
    result = read64(device, TRINE_CSR_BYTES_WRITTEN, &counters->bytes_written);
  return result;
}

int trine_bus_was_reset(trine_device* device) {
  enum { kAttempts = 16 }; /* the device needs some cycles */
  uint32_t status = 0;
  int result;
  if (device == NULL) return TRINE_E_ARGUMENT;
  if (read32(device, TRINE_CSR_STATUS, &status) != TRINE_OK) return TRINE_E_ACCESS;
  if ((status & TRINE_CSR_STATUS_BUSY) != 0) return TRINE_E_BUSY;
  if (write32(device, TRINE_CSR_CONTROL, TRINE_CSR_CONTROL_BUS_WAS_RESET) != TRINE_OK)
    return TRINE_E_ACCESS;
  result = wait_while(device, dirty, kAttempts);
  return result == TRINE_E_TIMEOUT ? TRINE_E_BUS : result;
}

static int reset(trine_device* device, uint32_t command, uint64_t attempts) {
  int result;
  if (write32(device, TRINE_CSR_CONTROL, command) != TRINE_OK) return TRINE_E_ACCESS;
  device->started = 0;
  result = wait_while(device, resetting, attempts);
  if (result == TRINE_OK) result = refuse_while_busy(device); /* TRINE_E_BUS */
  return result != TRINE_OK ? result : write32(device, TRINE_CSR_IRQ_STATUS, kIrqAll);
}

int trine_reset(trine_device* device, uint64_t attempts) {
  if (device == NULL) return TRINE_E_ARGUMENT;
  return reset(device, TRINE_CSR_CONTROL_SOFT_RESET, attempts);
}

int trine_scrub(trine_device* device, uint64_t attempts) {
  int result;
  if (device == NULL) return TRINE_E_ARGUMENT;
  result = refuse_while_busy(device);
  return result != TRINE_OK ? result : reset(device, TRINE_CSR_CONTROL_SCRUB, attempts);
}

const char* trine_strerror(int code) {
  switch (code) {
    case TRINE_OK:
      return "success";
    case TRINE_E_ARGUMENT:
      return "invalid argument";
    case TRINE_E_STORAGE:
      return "storage of the handle is too small";
    case TRINE_E_ACCESS:
      return "the device or its memory cannot be reached";
    case TRINE_E_ID:
      return "no Trine accelerator at this address";
    case TRINE_E_VERSION:
      return "the accelerator has another instruction set version";
    case TRINE_E_CONFIGURATION:
      return "the program was compiled for another configuration";
    case TRINE_E_BUSY:
      return "the accelerator is busy";
    case TRINE_E_TIMEOUT:
      return "the accelerator did not finish in time";
    case TRINE_E_DEVICE:
      return "the accelerator stopped with an error";
    case TRINE_E_STATE:
      return "no program loaded or started";
    case TRINE_E_BUS:
      return "the bus owes answers to a former program";
    default:
      return "unknown error";
  }
}

const char* trine_error_text(uint32_t cause) {
  switch (cause) {
    case TRINE_ERROR_NONE:
      return "no error";
    case TRINE_ERROR_FETCH:
      return "an instruction read answered with an error";
    case TRINE_ERROR_LOAD:
      return "a read of the load engine answered with an error";
    case TRINE_ERROR_STORE:
      return "a write of the store engine answered with an error";
    case TRINE_ERROR_ILLEGAL:
      return "illegal instruction";
    case TRINE_ERROR_TOKEN:
      return "a token counter overflowed";
    case TRINE_ERROR_FETCH_WINDOW:
      return "an instruction lies outside of the window";
    case TRINE_ERROR_LOAD_WINDOW:
      return "a burst of the load engine would leave the window";
    case TRINE_ERROR_STORE_WINDOW:
      return "a burst of the store engine would leave the window";
    case TRINE_ERROR_FETCH_TIMEOUT:
      return "an instruction read was not answered in time";
    case TRINE_ERROR_LOAD_TIMEOUT:
      return "a read of the load engine was not answered in time";
    case TRINE_ERROR_STORE_TIMEOUT:
      return "a write of the store engine was not answered in time";
    case TRINE_ERROR_ECC:
      return "a word of DMEM or PMEM with two wrong bits was read";
    case TRINE_ERROR_CONFIGURATION:
      return "the program was compiled for another configuration: its first word";
    case TRINE_ERROR_FEATURE:
      return "an instruction needs what the configuration lacks";
    case TRINE_ERROR_DEADLOCK:
      return "RUNs wait for tokens that nobody gives";
    default:
      return "unknown cause";
  }
}
