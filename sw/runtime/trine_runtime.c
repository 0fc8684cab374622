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

static int load_words(trine_device* device, const void* words, size_t word_count,
                      uint64_t program_address, uint64_t base_address) {
  int result;
  if (device == NULL || words == NULL || word_count == 0 || word_count > UINT32_MAX ||
      program_address % 8 != 0 || base_address % 8 != 0)
    return TRINE_E_ARGUMENT;
  result = refuse_while_busy(device);
  if (result != TRINE_OK) return result;
  device->loaded = 0;
  result = trine_copy_to(device, program_address, words, word_count * sizeof(uint64_t));
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

/* Four bits at a time: a table of 64 bytes. */
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

/* Whether the tensor lies in the program's memory; its size. */
static int measure(trine_tensor* tensor, uint64_t dram_bytes) {
  const uint32_t n = tensor->codes_per_word;
  if ((n != 1 && n != 4 && n != 16 && n != 32) || tensor->channels == 0 ||
      tensor->channels > 65535 || tensor->plane >> 32 != 0 || tensor->rank > 8)
    return TRINE_E_IMAGE;
  tensor->bytes = 4 * tensor->plane * ((tensor->channels + n - 1) / n);
  if (tensor->offset > dram_bytes || tensor->bytes > dram_bytes - tensor->offset)
    return TRINE_E_IMAGE;
  return TRINE_OK;
}

static int read_tensor(const trine_image* image, uint32_t index, trine_tensor* tensor) {
  const unsigned char* from = image->bytes + kHeaderBytes + (size_t)kRecordBytes * index;
  union {
    uint64_t bits;
    double value;
  } scale;
  uint32_t codes;
  int i;
  tensor->offset = get64(from);
  tensor->plane = get64(from + 8);
  scale.bits = get64(from + 16);
  tensor->scale = scale.value;
  tensor->zero_point = (int32_t)get32(from + 24);
  tensor->pitch = get32(from + 28);
  tensor->channels = get32(from + 32);
  tensor->height = get32(from + 36);
  tensor->width = get32(from + 40);
  tensor->codes_per_word = get32(from + 44);
  tensor->transposed = get32(from + 48);
  tensor->rank = get32(from + 52);
  for (i = 0; i < 8; ++i) tensor->extents[i] = get32(from + 56 + 4 * i);
  tensor->fold.rows = get32(from + 88);
  tensor->fold.pixels = get32(from + 92);
  tensor->fold.stride_y = get32(from + 96);
  tensor->fold.stride_x = get32(from + 100);
  tensor->fold.top = get32(from + 104);
  tensor->fold.left = get32(from + 108);
  tensor->fold.height = get32(from + 112);
  tensor->fold.width = get32(from + 116);
  tensor->step_y = get64(from + 120);
  tensor->step_x = get64(from + 128);
  tensor->step_channel = get64(from + 136);
  codes = get32(from + 144);
  tensor->codes = codes == 0 ? NULL : image->bytes + codes;
  if (codes != 0 && (uint64_t)codes + kCodesBytes > (uint64_t)(image->words - image->bytes))
    return TRINE_E_IMAGE;
  return measure(tensor, image->dram_bytes);
}

/* Header, parts and checksum; the tensors come then. */
static int read_header(const unsigned char* from, size_t size, trine_image* image) {
  uint64_t words, constants, end, records;
  uint32_t crc = ~(uint32_t)0;
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
  crc = crc32_of(crc, from, kChecksumAt);
  crc = crc32_of(crc, from + kHeaderBytes, (size_t)end - kHeaderBytes);
  if (~crc != get32(from + kChecksumAt)) return TRINE_E_IMAGE;
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

/* ---- tensors to planes and back */

/* A tensor as both loops see it. Rows and columns are those of the host's. */
typedef struct layout {
  size_t rows, columns, channels, words;
  size_t next_row, next_column; /* words */
  size_t step_y, step_x, step_channel;
} layout;

static size_t channels_of(const trine_tensor* t) {
  return (size_t)t->channels / ((size_t)t->fold.rows * t->fold.pixels);
}

/* Whether each index lies in the host's tensor and in the planes. */
static int fits(const trine_tensor* t, const layout* l) {
  enum { kMost = 32767 };
  const int folded = t->fold.rows * t->fold.pixels > 1;
  const uint64_t rows = folded ? t->fold.height : l->rows,
                 columns = folded ? t->fold.width : l->columns;
  uint64_t elements = 1, last;
  uint32_t i;
  for (i = 0; i < t->rank; ++i) {
    if (t->extents[i] == 0 || elements >> 31 != 0) return 0;
    elements *= t->extents[i];
  }
  if (t->height - 1 >= kMost || t->width - 1 >= kMost || rows - 1 >= kMost ||
      columns - 1 >= kMost || t->step_y > elements || t->step_x > elements ||
      t->step_channel > elements || t->channels % l->channels != 0 ||
      (folded && t->codes_per_word != 4))
    return 0;
  last = (rows - 1) * t->step_y + (columns - 1) * t->step_x + (l->channels - 1) * t->step_channel;
  return last < elements && (uint64_t)(t->height - 1) * t->pitch + t->width <= t->plane;
}

static int layout_of(const trine_tensor* t, layout* l) {
  if (t->codes_per_word == 0 || t->fold.rows - 1 > 254 || t->fold.pixels - 1 > 254 ||
      channels_of(t) == 0)
    return TRINE_E_IMAGE;
  l->rows = t->transposed ? t->width : t->height;
  l->columns = t->transposed ? t->height : t->width;
  l->channels = channels_of(t);
  l->words = ((size_t)t->channels + t->codes_per_word - 1) / t->codes_per_word;
  l->next_row = t->transposed ? 1 : t->pitch;
  l->next_column = t->transposed ? t->pitch : 1;
  l->step_y = (size_t)t->step_y;
  l->step_x = (size_t)t->step_x;
  l->step_channel = (size_t)t->step_channel;
  return fits(t, l) ? TRINE_OK : TRINE_E_IMAGE;
}

/* Codes of one word, from `from` on. */
static uint32_t gathered(const trine_tensor* t, uint32_t bits, const unsigned char* from,
                         size_t step, size_t count) {
  uint32_t word = 0, shift = 0;
  if (bits == 32) return get32(from);
  for (; count > 0; --count, from += step, shift += bits) {
    uint32_t code = t->codes != NULL ? t->codes[*from] : *from;
    if (bits == 1) code = code - 1 < 127;
    if (bits == 2) code &= 3;
    word |= code << shift;
  }
  return word;
}

/* A row of words of up to four bytes each, which most tensors are made of. */
static void gather_row(const trine_tensor* t, const layout* l, const unsigned char* from,
                       size_t count, uint32_t* to) {
  const unsigned char* codes = t->codes;
  const size_t step = l->step_channel, two = 2 * step, three = 3 * step;
  size_t x;
  for (x = l->columns; x > 0; --x, from += l->step_x, to += l->next_column) {
    uint32_t word;
    if (codes == NULL) {
      word = from[0];
      if (count > 1) word |= (uint32_t)from[step] << 8;
      if (count > 2) word |= (uint32_t)from[two] << 16;
      if (count > 3) word |= (uint32_t)from[three] << 24;
    } else {
      word = codes[from[0]];
      if (count > 1) word |= (uint32_t)codes[from[step]] << 8;
      if (count > 2) word |= (uint32_t)codes[from[two]] << 16;
      if (count > 3) word |= (uint32_t)codes[from[three]] << 24;
    }
    *to = word;
  }
}

/* A pixel's channels are a block of pixels. */
static void to_folded(const trine_tensor* t, const layout* l, const unsigned char* from,
                      uint32_t* to, size_t y, size_t x) {
  const size_t top = y * t->fold.stride_y, left = x * t->fold.stride_x;
  const unsigned char* codes = t->codes;
  size_t row, column, channel;
  uint32_t word = 0, shift = 0;
  for (row = top; row < top + t->fold.rows; ++row)
    for (column = left; column < left + t->fold.pixels; ++column) {
      /* Before the tensor's first the difference is large, too. */
      const size_t down = row - t->fold.top, right = column - t->fold.left;
      const int inside = down < t->fold.height && right < t->fold.width;
      const unsigned char* element = inside ? from + down * l->step_y + right * l->step_x : NULL;
      for (channel = l->channels; channel > 0; --channel) {
        uint32_t code = (uint32_t)t->zero_point & 0xff;
        if (inside) {
          code = codes != NULL ? codes[*element] : *element;
          element += l->step_channel;
        }
        word |= code << shift;
        shift += 8;
        if (shift == 32) {
          *to = word;
          to += (size_t)t->plane;
          word = shift = 0;
        }
      }
    }
  if (shift != 0) *to = word;
}

int trine_to_planes(const trine_tensor* tensor, const void* elements, uint32_t* planes) {
  const unsigned char* from = elements;
  layout l;
  uint32_t bits;
  size_t n, i, word, y, x;
  int result;
  if (tensor == NULL || elements == NULL || planes == NULL) return TRINE_E_ARGUMENT;
  result = layout_of(tensor, &l);
  if (result != TRINE_OK) return result;
  n = tensor->codes_per_word;
  bits = 32 / tensor->codes_per_word;
  for (i = 0; i < tensor->bytes / 4; ++i) planes[i] = 0;
  if (l.channels != tensor->channels) {
    for (y = 0; y < l.rows; ++y)
      for (x = 0; x < l.columns; ++x)
        to_folded(tensor, &l, from, planes + y * l.next_row + x * l.next_column, y, x);
    return TRINE_OK;
  }
  for (word = 0; word < l.words; ++word) {
    const size_t left = l.channels - n * word, count = left < n ? left : n, size = n == 1 ? 4 : 1;
    for (y = 0; y < l.rows; ++y) {
      const unsigned char* row = from + size * (n * word * l.step_channel + y * l.step_y);
      uint32_t* to = planes + word * (size_t)tensor->plane + y * l.next_row;
      if (n == 4)
        gather_row(tensor, &l, row, count, to);
      else
        for (x = 0; x < l.columns; ++x)
          to[x * l.next_column] =
              gathered(tensor, bits, row + size * x * l.step_x, l.step_channel, count);
    }
  }
  return TRINE_OK;
}

/* The other way. */
static void scatter_row(const trine_tensor* t, const layout* l, const uint32_t* from, size_t count,
                        unsigned char* to) {
  const unsigned char* codes = t->codes;
  const size_t step = l->step_channel, two = 2 * step, three = 3 * step;
  size_t x;
  for (x = l->columns; x > 0; --x, from += l->next_column, to += l->step_x) {
    const uint32_t word = *from;
    if (codes == NULL) {
      to[0] = (unsigned char)word;
      if (count > 1) to[step] = (unsigned char)(word >> 8);
      if (count > 2) to[two] = (unsigned char)(word >> 16);
      if (count > 3) to[three] = (unsigned char)(word >> 24);
    } else {
      to[0] = codes[word & 0xff];
      if (count > 1) to[step] = codes[word >> 8 & 0xff];
      if (count > 2) to[two] = codes[word >> 16 & 0xff];
      if (count > 3) to[three] = codes[word >> 24];
    }
  }
}

/* Back to the host's tensor. */
static void scatter(const trine_tensor* t, uint32_t bits, uint32_t word, unsigned char* to,
                    size_t step, size_t count) {
  size_t i;
  if (bits == 32) {
    for (i = 0; i < 4; ++i) to[i] = (unsigned char)(word >> 8 * i);
    return;
  }
  for (i = 0; i < count; ++i, word >>= bits) {
    unsigned char code = (unsigned char)word;
    if (bits == 1) code = (word & 1) != 0 ? 1 : 0xff;
    if (bits == 2) code = (unsigned char)(((word & 3) ^ 2) - 2);
    to[i * step] = t->codes != NULL ? t->codes[code] : code;
  }
}

int trine_from_planes(const trine_tensor* tensor, const uint32_t* planes, void* elements) {
  unsigned char* to = elements;
  layout l;
  uint32_t bits;
  size_t n, word, y, x;
  int result;
  if (tensor == NULL || elements == NULL || planes == NULL) return TRINE_E_ARGUMENT;
  result = layout_of(tensor, &l);
  if (result != TRINE_OK) return result;
  n = tensor->codes_per_word;
  bits = 32 / tensor->codes_per_word;
  if (l.channels != tensor->channels) return TRINE_E_IMAGE; /* blocks are of inputs */
  for (word = 0; word < l.words; ++word) {
    const size_t left = l.channels - n * word, count = left < n ? left : n, size = n == 1 ? 4 : 1;
    for (y = 0; y < l.rows; ++y) {
      unsigned char* row = to + size * (n * word * l.step_channel + y * l.step_y);
      const uint32_t* from = planes + word * (size_t)tensor->plane + y * l.next_row;
      if (n == 4)
        scatter_row(tensor, &l, from, count, row);
      else
        for (x = 0; x < l.columns; ++x)
          scatter(tensor, bits, from[x * l.next_column], row + size * x * l.step_x, l.step_channel,
                  count);
    }
  }
  return TRINE_OK;
}

int trine_load_image(trine_device* device, const trine_image* image, uint64_t base_address) {
  int result;
  if (device == NULL || image == NULL) return TRINE_E_ARGUMENT;
  result = trine_check_configuration(device, image->configuration_hash);
  if (result == TRINE_OK) result = refuse_while_busy(device);
  if (result == TRINE_OK)
    result = trine_copy_to(device, base_address + image->constants_address, image->constants,
                           image->constants_bytes);
  if (result != TRINE_OK) return result;
  return load_words(device, image->words, image->word_count, base_address + image->dram_bytes,
                    base_address);
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
    case TRINE_E_IMAGE:
      return "no machine image, or a damaged one";
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
      return "a word of DMEM, PMEM or IMEM with two wrong bits was read";
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
