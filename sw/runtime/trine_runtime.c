/* SPDX-License-Identifier: Apache-2.0 */

#include "trine_runtime.h"

#include "trine_csr.h"
#include "trine_isa.h"

enum { kIrqAll = TRINE_CSR_IRQ_STATUS_DONE | TRINE_CSR_IRQ_STATUS_ERROR };
enum { kStatusOccupied = TRINE_CSR_STATUS_BUSY | TRINE_CSR_STATUS_RESET };

struct trine_device {
  trine_callbacks callbacks;
  trine_info info;
  uint64_t base;              /* of the image that is loaded */
  const unsigned char* image; /* its bytes, null: none */
  const char* failed;         /* the access that failed last, null: none */
  uint64_t failed_at;         /* its address */
  int loaded, started;
  volatile int interrupted; /* by the handler */
};

/* Does not compile if the storage is too small for a handle. */
typedef char handle_fits[sizeof(struct trine_device) <= sizeof(trine_storage) ? 1 : -1];

/* A freestanding compiler has no string.h, but it needs memcpy() for its own use. */
void* memcpy(void* to, const void* from, size_t bytes);

static const trine_status kNoStatus = {0};

static int access_failed(trine_device* device, const char* what, uint64_t at) {
  device->failed = what;
  device->failed_at = at;
  return TRINE_E_ACCESS;
}

static int read32(trine_device* device, uint32_t offset, uint32_t* value) {
  const trine_callbacks* callbacks = &device->callbacks;
  if (callbacks->read32(callbacks->context, offset, value) == 0) return TRINE_OK;
  return access_failed(device, ": register ", offset);
}

static int write32(trine_device* device, uint32_t offset, uint32_t value) {
  const trine_callbacks* callbacks = &device->callbacks;
  if (callbacks->write32(callbacks->context, offset, value) == 0) return TRINE_OK;
  return access_failed(device, ": register ", offset);
}

/* Reads the low half first, which latches the high half of a counter. */
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

/* Returns true while zeros are written after a reset, which takes some thousand cycles in a design
 * with memory.ecc. */
static int only_zeros(uint32_t status) {
  return (status & (kStatusOccupied | TRINE_CSR_STATUS_BUS_DIRTY)) == TRINE_CSR_STATUS_RESET;
}
static int occupied(uint32_t status) { return (status & kStatusOccupied) != 0; }
static int dirty(uint32_t status) { return (status & TRINE_CSR_STATUS_BUS_DIRTY) != 0; }
static int resetting(uint32_t status) { return occupied(status) && !dirty(status); }

/* Reads STATUS while `waits` is true, at most `attempts` times, 0: no limit. */
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
      callbacks->write32 == NULL || callbacks->map == NULL)
    return TRINE_E_ARGUMENT;
  if (storage_size < sizeof(trine_device)) return TRINE_E_STORAGE;
  opened->callbacks = *callbacks;
  opened->loaded = 0;
  opened->started = 0;
  opened->image = NULL;
  opened->failed = NULL;
  opened->interrupted = 0;
  if (read32(opened, TRINE_CSR_ID, &id) != TRINE_OK) return TRINE_E_ACCESS;
  if (id != TRINE_CSR_ID_VALUE) return TRINE_E_ID;
  if (read32(opened, TRINE_CSR_REGISTERS_VERSION, &opened->info.registers_version) != TRINE_OK)
    return TRINE_E_ACCESS;
  if (opened->info.registers_version != TRINE_CSR_REGISTERS_VERSION_VALUE) return TRINE_E_REGISTERS;
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

int trine_map(trine_device* device, uint64_t address, size_t bytes, void** at) {
  if (device == NULL || at == NULL) return TRINE_E_ARGUMENT;
  *at = device->callbacks.map(device->callbacks.context, address, bytes);
  return *at != NULL ? TRINE_OK : access_failed(device, ": memory at ", address);
}

int trine_clean(trine_device* device, const void* at, size_t bytes) {
  if (device == NULL || at == NULL) return TRINE_E_ARGUMENT;
  if (device->callbacks.clean != NULL)
    device->callbacks.clean(device->callbacks.context, at, bytes);
  return TRINE_OK;
}

int trine_invalidate(trine_device* device, void* at, size_t bytes) {
  if (device == NULL || at == NULL) return TRINE_E_ARGUMENT;
  if (device->callbacks.invalidate != NULL)
    device->callbacks.invalidate(device->callbacks.context, at, bytes);
  return TRINE_OK;
}

/* Copies a piece of an image, or a program, to memory that the device reads. */
static int write_memory(trine_device* device, uint64_t address, const void* data, size_t bytes) {
  void* at;
  const int result = trine_map(device, address, bytes, &at);
  if (result != TRINE_OK) return result;
  if (at != data) memcpy(at, data, bytes);
  return trine_clean(device, at, bytes);
}

static int load_words(trine_device* device, const void* words, size_t word_count,
                      uint64_t program_address, uint64_t base_address) {
  int result;
  if (device == NULL || words == NULL || word_count == 0 || word_count > UINT32_MAX ||
      word_count > SIZE_MAX / sizeof(uint64_t) || program_address % 8 != 0 || base_address % 8 != 0)
    return TRINE_E_ARGUMENT;
  result = refuse_while_busy(device);
  if (result != TRINE_OK) return result;
  device->loaded = 0;
  device->image = NULL;
  result = write_memory(device, program_address, words, word_count * sizeof(uint64_t));
  if (result != TRINE_OK) return result;
  if (write64(device, TRINE_CSR_PROGRAM, program_address) != TRINE_OK ||
      write32(device, TRINE_CSR_PROGRAM_WORDS, (uint32_t)word_count) != TRINE_OK ||
      write64(device, TRINE_CSR_BASE, base_address) != TRINE_OK)
    return TRINE_E_ACCESS;
  device->loaded = 1;
  return TRINE_OK;
}

int trine_load_program(trine_device* device, const uint64_t* words, size_t word_count,
                       uint64_t program_address, uint64_t base_address) {
  return load_words(device, words, word_count, program_address, base_address);
}

/* ---- machine images: docs/program-file.md has the offsets */

enum { kHeaderBytes = 64, kRecordBytes = 160, kCodesBytes = 256, kChecksumAt = 60 };

static uint32_t get32(const unsigned char* from) {
  return from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

static uint64_t get64(const unsigned char* from) {
  return get32(from) | (uint64_t)get32(from + 4) << 32;
}

/* Computes the CRC four bits at a time, with a table of 64 bytes. */
static uint32_t crc32_of(uint32_t crc, const unsigned char* bytes, size_t size) {
  static const uint32_t kTable[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
                                      0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
                                      0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                      0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
  size_t i;
  for (i = 0; i < size; ++i) {
    crc ^= bytes[i];
    crc = crc >> 4 ^ kTable[crc & 15];
    crc = crc >> 4 ^ kTable[crc & 15];
  }
  return crc;
}

uint32_t trine_checksum(const void* image, size_t size, size_t place) {
  const unsigned char* bytes = image;
  const uint32_t before = crc32_of(~(uint32_t)0, bytes, place);
  return ~crc32_of(before, bytes + place + 4, size - place - 4);
}

/* Sets the tensor's size. Fails if the tensor is not inside of the program's memory. */
static int measure(trine_tensor* tensor, uint64_t dram_bytes) {
  const uint32_t width = tensor->codes_per_word, n = width == 2 ? 4 : width; /* in a plane */
  if ((n != 1 && n != 4 && n != 16 && n != 32) || tensor->offset % 4 != 0 ||
      tensor->channels == 0 || tensor->channels > 65535 || tensor->plane >> 32 != 0 ||
      tensor->rank > 8)
    return TRINE_E_IMAGE;
  tensor->bytes = 4 * tensor->plane * ((tensor->channels + n - 1) / n);
  if (tensor->offset > dram_bytes || tensor->bytes > dram_bytes - tensor->offset)
    return TRINE_E_IMAGE;
  return TRINE_OK;
}

/* Fields of a record from byte 24 on: eight before and eight after the extents. */
static const unsigned char kFields[] = {
    offsetof(trine_tensor, zero_point),    offsetof(trine_tensor, pitch),
    offsetof(trine_tensor, channels),      offsetof(trine_tensor, height),
    offsetof(trine_tensor, width),         offsetof(trine_tensor, codes_per_word),
    offsetof(trine_tensor, transposed),    offsetof(trine_tensor, rank),
    offsetof(trine_tensor, fold.rows),     offsetof(trine_tensor, fold.pixels),
    offsetof(trine_tensor, fold.stride_y), offsetof(trine_tensor, fold.stride_x),
    offsetof(trine_tensor, fold.top),      offsetof(trine_tensor, fold.left),
    offsetof(trine_tensor, fold.height),   offsetof(trine_tensor, fold.width)};

static void set32(trine_tensor* tensor, int field, uint32_t value) {
  *(uint32_t*)(void*)((unsigned char*)tensor + kFields[field]) = value;
}

static int read_tensor(const trine_image* image, uint32_t index, trine_tensor* tensor) {
  const unsigned char* from = image->bytes + kHeaderBytes + (size_t)kRecordBytes * index;
  union {
    uint64_t bits;
    double value;
  } scale;
  uint32_t codes;
  int i;
  for (i = 0; i < 8; ++i) {
    set32(tensor, i, get32(from + 24 + 4 * i));
    tensor->extents[i] = get32(from + 56 + 4 * i);
    set32(tensor, 8 + i, get32(from + 88 + 4 * i));
  }
  tensor->offset = get64(from);
  tensor->plane = get64(from + 8);
  scale.bits = get64(from + 16);
  tensor->scale = scale.value;
  tensor->step_y = get64(from + 120);
  tensor->step_x = get64(from + 128);
  tensor->step_channel = get64(from + 136);
  codes = get32(from + 144);
  tensor->half_even = get32(from + 148);
  tensor->codes = codes == 0 ? NULL : image->bytes + codes;
  if (codes != 0 && (uint64_t)codes + kCodesBytes > (uint64_t)(image->words - image->bytes))
    return TRINE_E_IMAGE;
  return measure(tensor, image->dram_bytes);
}

/* Reads and checks header, parts and checksum; tensors are read later. */
static int read_header(const unsigned char* from, size_t size, trine_image* image) {
  uint64_t words, constants, end, records;
  if (size < kHeaderBytes || get64(from) != UINT64_C(0x474d49454e495254) || get32(from + 8) != 2)
    return TRINE_E_IMAGE;
  if (get32(from + 12) != TRINE_ISA_VERSION) return TRINE_E_VERSION;
  image->bytes = from;
  image->configuration_hash = get64(from + 16);
  image->dram_bytes = get64(from + 24);
  image->constants_address = get64(from + 32);
  words = get32(from + 40);
  image->word_count = get32(from + 44);
  constants = get32(from + 48);
  image->constants_bytes = get32(from + 52);
  image->inputs = get32(from + 56) & 0xffff;
  image->outputs = get32(from + 56) >> 16;
  records = kRecordBytes * ((uint64_t)image->inputs + image->outputs);
  end = constants + image->constants_bytes;
  if (image->word_count == 0 || words % 8 != 0 || kHeaderBytes + records > words ||
      words + 8 * (uint64_t)image->word_count > constants || end > size ||
      image->constants_address > image->dram_bytes ||
      image->constants_bytes > image->dram_bytes - image->constants_address)
    return TRINE_E_IMAGE;
  if (trine_checksum(from, (size_t)end, kChecksumAt) != get32(from + kChecksumAt))
    return TRINE_E_IMAGE;
  image->words = from + words;
  image->constants = from + constants;
  return TRINE_OK;
}

int trine_read_image(const void* bytes, size_t size, trine_image* image) {
  trine_tensor tensor;
  uint32_t i;
  int result;
  if (bytes == NULL || image == NULL) return TRINE_E_ARGUMENT;
  result = read_header(bytes, size, image);
  for (i = 0; result == TRINE_OK && i < image->inputs + image->outputs; ++i)
    result = read_tensor(image, i, &tensor);
  return result;
}

int trine_image_input(const trine_image* image, uint32_t index, trine_tensor* tensor) {
  if (image == NULL || tensor == NULL || index >= image->inputs) return TRINE_E_ARGUMENT;
  return read_tensor(image, index, tensor);
}

int trine_image_output(const trine_image* image, uint32_t index, trine_tensor* tensor) {
  if (image == NULL || tensor == NULL || index >= image->outputs) return TRINE_E_ARGUMENT;
  return read_tensor(image, image->inputs + index, tensor);
}

int trine_load_image(trine_device* device, const trine_image* image, uint64_t base_address) {
  int result;
  if (device == NULL || image == NULL) return TRINE_E_ARGUMENT;
  result = trine_check_configuration(device, image->configuration_hash);
  if (result == TRINE_OK) result = refuse_while_busy(device);
  if (result == TRINE_OK) device->image = NULL; /* its constants may be overwritten from now on */
  if (result == TRINE_OK && image->constants_bytes != 0)
    result = write_memory(device, base_address + image->constants_address, image->constants,
                          image->constants_bytes);
  if (result == TRINE_OK)
    result = load_words(device, image->words, image->word_count, base_address + image->dram_bytes,
                        base_address);
  if (result != TRINE_OK) return result;
  device->base = base_address;
  device->image = image->bytes;
  return TRINE_OK;
}

int trine_image_is_loaded(const trine_device* device, const trine_image* image,
                          uint64_t base_address) {
  return device != NULL && image != NULL && device->image != NULL &&
         device->image == image->bytes && device->base == base_address;
}

int trine_planes(trine_device* device, const trine_image* image, const trine_tensor* tensor,
                 uint32_t** planes) {
  void* at;
  int result;
  if (device == NULL || image == NULL || tensor == NULL || planes == NULL) return TRINE_E_ARGUMENT;
  if (device->image == NULL || device->image != image->bytes) return TRINE_E_STATE;
  if (device->started) return TRINE_E_BUSY;
  if (tensor->bytes > SIZE_MAX) return TRINE_E_ACCESS;
  result = trine_map(device, device->base + tensor->offset, (size_t)tensor->bytes, &at);
  if (result == TRINE_OK) *planes = at;
  return result;
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

int trine_set_progress_limit(trine_device* device, uint32_t cycles) {
  if (device == NULL || cycles >> 24 != 0) return TRINE_E_ARGUMENT;
  return write32(device, TRINE_CSR_PROGRESS_LIMIT, cycles);
}

int trine_set_cycles_limit(trine_device* device, uint32_t cycles) {
  if (device == NULL) return TRINE_E_ARGUMENT;
  return write32(device, TRINE_CSR_CYCLES_LIMIT, cycles);
}

int trine_start(trine_device* device) {
  int result;
  if (device == NULL) return TRINE_E_ARGUMENT;
  if (!device->loaded) return TRINE_E_STATE;
  result = refuse_while_busy(device);
  if (result != TRINE_OK) return result;
  if (write32(device, TRINE_CSR_IRQ_STATUS, kIrqAll) != TRINE_OK) return TRINE_E_ACCESS;
  device->interrupted = 0;
  if (write32(device, TRINE_CSR_CONTROL, TRINE_CSR_CONTROL_START) != TRINE_OK)
    return TRINE_E_ACCESS;
  device->started = 1;
  return TRINE_OK;
}

int trine_poll(trine_device* device) {
  const uint32_t ended = TRINE_CSR_STATUS_DONE | TRINE_CSR_STATUS_ERROR;
  uint32_t status = 0;
  if (device == NULL) return TRINE_E_ARGUMENT;
  if (!device->started) return TRINE_E_STATE;
  if (read32(device, TRINE_CSR_STATUS, &status) != TRINE_OK) return TRINE_E_ACCESS;
  if ((status & ended) == 0) return TRINE_RUNNING;
  device->started = 0;
  if (write32(device, TRINE_CSR_IRQ_STATUS, kIrqAll) != TRINE_OK) return TRINE_E_ACCESS;
  return (status & TRINE_CSR_STATUS_ERROR) != 0 ? TRINE_E_DEVICE : TRINE_OK;
}

int trine_interrupt(trine_device* device) {
  uint32_t events = 0;
  if (device == NULL) return TRINE_E_ARGUMENT;
  if (read32(device, TRINE_CSR_IRQ_STATUS, &events) != TRINE_OK) return TRINE_E_ACCESS;
  if ((events & kIrqAll) == 0) return 0;
  device->interrupted = 1;
  return write32(device, TRINE_CSR_IRQ_STATUS, kIrqAll) != TRINE_OK ? TRINE_E_ACCESS : 1;
}

int trine_interrupted(const trine_device* device) { return device != NULL && device->interrupted; }

/* Waits for the interrupt. Returns 0 if STATUS is to be read, or 1 if not yet. */
static int interrupt_comes(trine_device* device) {
  const trine_callbacks* callbacks = &device->callbacks;
  const int answer =
      callbacks->wait_interrupt != NULL ? callbacks->wait_interrupt(callbacks->context) : 0;
  return answer == 0 || answer == 1
             ? answer
             : access_failed(device, ": wait_interrupt() gave ", (uint32_t)answer);
}

int trine_wait(trine_device* device, uint64_t attempts) {
  uint64_t attempt;
  if (device == NULL) return TRINE_E_ARGUMENT;
  if (!device->started) return TRINE_E_STATE;
  for (attempt = 0; attempts == 0 || attempt < attempts; ++attempt) {
    int result = interrupt_comes(device);
    if (result == TRINE_OK) result = trine_poll(device);
    if (result != TRINE_RUNNING) return result;
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
  if (result == TRINE_OK) result = refuse_while_busy(device); /* returns TRINE_E_BUS */
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
    case TRINE_RUNNING:
      return "running";
    case TRINE_E_ARGUMENT:
      return "invalid argument";
    case TRINE_E_STORAGE:
      return "too little storage";
    case TRINE_E_ACCESS:
      return "the device or its memory cannot be reached";
    case TRINE_E_ID:
      return "no Trine at this address";
    case TRINE_E_VERSION:
      return "another version of the instruction set";
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
      return "the bus has not answered all requests of an earlier program";
    case TRINE_E_IMAGE:
      return "not a machine image, or a damaged one";
    case TRINE_E_OPERATOR:
      return "a host operator is missing";
    case TRINE_E_FEATURE:
      return "the design does not support it";
    case TRINE_E_SIZE:
      return "too large";
    case TRINE_E_REGISTERS:
      return "another version of the registers";
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
      return "an instruction is outside of the window";
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
      return "a word of DMEM, PMEM or IMEM with two wrong bits was read";
    case TRINE_ERROR_CONFIGURATION:
      return "the program was compiled for another configuration, as its first word shows";
    case TRINE_ERROR_FEATURE:
      return "an instruction needs a feature that this design lacks";
    case TRINE_ERROR_DEADLOCK:
      return "RUNs wait for tokens that no RUN gives";
    case TRINE_ERROR_PROGRESS:
      return "no progress for longer than PROGRESS_LIMIT";
    case TRINE_ERROR_CYCLES:
      return "the program ran for longer than CYCLES_LIMIT";
    case TRINE_ERROR_STREAM:
      return "packed weights are invalid or do not end with their rows";
    default:
      return "unknown cause";
  }
}

/* ---- an error as a text */

typedef struct writer {
  char* text;
  size_t size, length; /* length includes text that did not fit */
} writer;

static void put(writer* to, char c) {
  if (to->length < to->size) to->text[to->length] = c;
  ++to->length;
}

static void put_text(writer* to, const char* text) {
  while (*text != '\0') put(to, *text++);
}

static void put_number(writer* to, uint32_t number, uint32_t base, size_t least_digits) {
  char digits[10];
  size_t n = 0;
  while (number != 0 || n < least_digits) {
    digits[n] = "0123456789abcdef"[number % base];
    ++n;
    number /= base;
  }
  while (n > 0) put(to, digits[--n]);
}

static void put_place(writer* to, const char* before, uint64_t number) {
  const uint32_t high = (uint32_t)(number >> 32);
  put_text(to, before);
  put_text(to, "0x");
  if (high != 0) put_number(to, high, 16, 1);
  put_number(to, (uint32_t)number, 16, high != 0 ? 8 : 1);
}

/* Causes that belong to a RUN; these and some others have a bus address. */
static const uint32_t kOfRuns = 1u << TRINE_ERROR_LOAD | 1u << TRINE_ERROR_STORE |
                                1u << TRINE_ERROR_LOAD_WINDOW | 1u << TRINE_ERROR_STORE_WINDOW |
                                1u << TRINE_ERROR_LOAD_TIMEOUT | 1u << TRINE_ERROR_STORE_TIMEOUT |
                                1u << TRINE_ERROR_STREAM;
static const uint32_t kOfFetches =
    1u << TRINE_ERROR_FETCH | 1u << TRINE_ERROR_FETCH_WINDOW | 1u << TRINE_ERROR_FETCH_TIMEOUT;

static void put_device_error(writer* to, trine_device* device) {
  trine_status status;
  uint32_t cause;
  if (trine_get_status(device, &status) != TRINE_OK || !status.error) return;
  put_text(to, ": ");
  put_text(to, trine_error_text(status.error_cause));
  cause = status.error_cause < 32 ? 1u << status.error_cause : 0;
  put_place(to,
            (cause & (kOfRuns | kOfFetches)) != 0 ? ", at address "
            : cause == 1u << TRINE_ERROR_ECC      ? ", word "
                                                  : ", at byte ",
            status.error_address);
  if ((cause & kOfRuns) == 0) return;
  put_text(to, ", RUN ");
  put_number(to, status.error_run, 10, 1);
}

size_t trine_describe(trine_device* device, int code, char* text, size_t size) {
  writer to;
  to.text = text;
  to.size = text != NULL ? size : 0;
  to.length = 0;
  put_text(&to, trine_strerror(code));
  if (device != NULL && code == TRINE_E_DEVICE) put_device_error(&to, device);
  if (device != NULL && code == TRINE_E_ACCESS && device->failed != NULL)
    put_place(&to, device->failed, device->failed_at);
  if (to.size > 0) text[to.length < to.size ? to.length : to.size - 1] = '\0';
  return to.length;
}
