/* SPDX-License-Identifier: Apache-2.0 */
/* Converts tensors from the caller's C order to the planes that the device reads, and back. */

#include "trine_runtime.h"

/* A tensor as both loops use it. Rows and columns are those of the host's tensor. */
typedef struct layout {
  size_t rows, columns, channels, words;
  size_t next_row, next_column;        /* words of the planes */
  size_t step_y, step_x, step_channel; /* bytes of the host's tensor */
  size_t codes;                        /* in a channel word */
  size_t unit;                         /* words of a pixel in a channel word */
  uint32_t bits;                       /* in a code */
  int floats;                          /* the host has real numbers, with a step of */
  float scale;
} layout;

static size_t channels_of(const trine_tensor* t) {
  return (size_t)t->channels / ((size_t)t->fold.rows * t->fold.pixels);
}

/* Returns true if each index is inside of the host's tensor and of the planes. */
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
  return last < elements && (uint64_t)(t->height - 1) * t->pitch + l->unit * t->width <= t->plane;
}

uint32_t trine_element_bytes(const trine_tensor* tensor) {
  return tensor->codes_per_word == 1 ? 4 : tensor->codes_per_word == 2 ? 2 : 1;
}

static int layout_of(const trine_tensor* t, int floats, layout* l) {
  size_t size;
  if (t->codes_per_word == 0 || t->fold.rows - 1 > 254 || t->fold.pixels - 1 > 254 ||
      channels_of(t) == 0)
    return TRINE_E_IMAGE;
  size = floats ? sizeof(float) : trine_element_bytes(t);
  l->unit = t->codes_per_word == 2 ? 2 : 1;
  l->codes = l->unit * t->codes_per_word;
  l->rows = t->transposed ? t->width : t->height;
  l->columns = t->transposed ? t->height : t->width;
  l->channels = channels_of(t);
  l->words = ((size_t)t->channels + l->codes - 1) / l->codes;
  l->next_row = t->transposed ? l->unit : t->pitch;
  l->next_column = t->transposed ? t->pitch : l->unit;
  l->step_y = size * (size_t)t->step_y;
  l->step_x = size * (size_t)t->step_x;
  l->step_channel = size * (size_t)t->step_channel;
  l->bits = 32 / t->codes_per_word;
  l->floats = floats;
  l->scale = (float)t->scale;
  return fits(t, l) ? TRINE_OK : TRINE_E_IMAGE;
}

enum { kPlaces = 3 }; /* a format: E4M3 */

/* Rounds to the nearest integer. */
static int32_t rounded(float value, int half_even) {
  int32_t whole;
  float rest;
  if (!(value > -1e9f)) return -1000000000; /* also if it is not a number */
  if (value > 1e9f) return 1000000000;
  whole = (int32_t)value;
  rest = value - (float)whole;
  if (rest < 0.0f) rest = -rest;
  if (rest < 0.5f || (rest == 0.5f && half_even && whole % 2 == 0)) return whole;
  return value > 0.0f ? whole + 1 : whole - 1;
}

/* Returns the nearest value of a format in fixed point: 1 E3M4, 2 posit<8,0>. */
static int32_t formatted(float steps, unsigned format) {
  const int32_t most = format == 1 ? 992 : 4096;
  const float size = steps < 0.0f ? -steps : steps;
  int32_t begin = format == 1 ? 32 : 64, unit = 1, whole;
  if (!(size > 0.0f)) return 0; /* also if it is not a number */
  for (; size >= (float)begin && begin < 4096; begin *= 2) unit *= format == 1 || unit == 1 ? 2 : 4;
  whole = rounded(size / (float)unit, 1) * unit;
  if (format == 2 && size == 3072.0f) whole = 2048;
  if (whole == 0 && format == 2) whole = 1;
  if (whole > most || size > (float)most) whole = most;
  return steps < 0.0f ? -whole : whole;
}

/* Returns the value of an E4M3 code, in units of 2^-9. Codes number the values in ascending
 * order. */
static int32_t value_of(uint32_t place) {
  const uint32_t exponent = place >> 3, mantissa = place & 7;
  if (place > 126) return 229376;
  return (int32_t)(exponent == 0 ? mantissa : (mantissa + 8) << (exponent - 1));
}

static int32_t place_of(float steps) {
  const float size = steps < 0.0f ? -steps : steps;
  int32_t low = 0, high = 126;
  if (!(size > 0.0f)) return 0; /* also if it is not a number */
  while (low < high) {          /* find the first value up to whose upper border the size is */
    const int32_t middle = (low + high) / 2;
    const float border =
        (float)(value_of((uint32_t)middle) + value_of((uint32_t)middle + 1)) / 2.0f;
    if (size > border || (size == border && middle % 2 != 0))
      low = middle + 1;
    else
      high = middle;
  }
  return steps < 0.0f ? -low : low;
}

static int32_t quantized(const trine_tensor* t, const layout* l, float value) {
  const float steps = value / l->scale;
  const int64_t code = (int64_t)rounded(steps, (t->half_even & 1) != 0) + t->zero_point;
  const int64_t high = l->bits == 2 ? 1 : INT32_MAX >> (32 - l->bits);
  const int64_t low = l->bits == 2 ? -1 : -high - 1;
  if (l->bits == 1) return steps > 0.0f; /* zero has no code */
  if (t->half_even >> 1 == kPlaces) return place_of(steps);
  if (t->half_even > 1) return formatted(steps, t->half_even >> 1);
  return (int32_t)(code < low ? low : code > high ? high : code);
}

/* Returns the code of an element of the host's tensor. */
static uint32_t code_of(const trine_tensor* t, const layout* l, const unsigned char* from) {
  if (l->floats) return (uint32_t)quantized(t, l, *(const float*)(const void*)from);
  if (l->bits == 32) return *(const uint32_t*)(const void*)from;
  if (l->bits == 16) return *(const uint16_t*)(const void*)from;
  return t->codes != NULL ? t->codes[*from] : *from;
}

/* Returns a word of `count` codes, beginning at `from`. */
static uint32_t gathered(const trine_tensor* t, const layout* l, const unsigned char* from,
                         size_t count) {
  uint32_t word = 0, shift = 0;
  for (; count > 0; --count, from += l->step_channel, shift += l->bits) {
    uint32_t code = code_of(t, l, from);
    if (l->bits == 1) code = code - 1 < 127;
    if (l->bits == 2) code &= 3;
    if (l->bits == 8) code &= 0xff;
    if (l->bits == 16) code &= 0xffff;
    word |= code << shift;
  }
  return word;
}

/* Writes the words of one pixel. */
static void gather_pixel(const trine_tensor* t, const layout* l, const unsigned char* from,
                         size_t count, uint32_t* to) {
  const size_t first = count < t->codes_per_word ? count : t->codes_per_word;
  to[0] = gathered(t, l, from, first);
  if (count > first) to[1] = gathered(t, l, from + first * l->step_channel, count - first);
}

/* Writes a row of words of up to four bytes each, which is the form of most tensors. */
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

/* Writes a pixel whose channels are a block of pixels. */
static void to_folded(const trine_tensor* t, const layout* l, const unsigned char* from,
                      uint32_t* to, size_t y, size_t x) {
  const size_t top = y * t->fold.stride_y, left = x * t->fold.stride_x;
  size_t row, column, channel;
  uint32_t word = 0, shift = 0;
  for (row = top; row < top + t->fold.rows; ++row)
    for (column = left; column < left + t->fold.pixels; ++column) {
      /* Above and left of the tensor the unsigned difference is large, too. */
      const size_t down = row - t->fold.top, right = column - t->fold.left;
      const int inside = down < t->fold.height && right < t->fold.width;
      const unsigned char* element = inside ? from + down * l->step_y + right * l->step_x : NULL;
      for (channel = l->channels; channel > 0; --channel) {
        uint32_t code = (uint32_t)t->zero_point;
        if (inside) {
          code = code_of(t, l, element);
          element += l->step_channel;
        }
        word |= (code & 0xff) << shift;
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

static int to_planes(const trine_tensor* tensor, const unsigned char* from, int floats,
                     uint32_t* planes) {
  layout l;
  size_t n, i, word, y, x;
  int result;
  if (tensor == NULL || from == NULL || planes == NULL) return TRINE_E_ARGUMENT;
  result = layout_of(tensor, floats, &l);
  if (result != TRINE_OK) return result;
  n = l.codes;
  for (i = 0; i < tensor->bytes / 4; ++i) planes[i] = 0;
  if (l.channels != tensor->channels) {
    for (y = 0; y < l.rows; ++y)
      for (x = 0; x < l.columns; ++x)
        to_folded(tensor, &l, from, planes + y * l.next_row + x * l.next_column, y, x);
    return TRINE_OK;
  }
  for (word = 0; word < l.words; ++word) {
    const size_t left = l.channels - n * word, count = left < n ? left : n;
    for (y = 0; y < l.rows; ++y) {
      const unsigned char* row = from + n * word * l.step_channel + y * l.step_y;
      uint32_t* to = planes + word * (size_t)tensor->plane + y * l.next_row;
      if (l.bits == 8 && !floats)
        gather_row(tensor, &l, row, count, to);
      else
        for (x = 0; x < l.columns; ++x, row += l.step_x, to += l.next_column)
          gather_pixel(tensor, &l, row, count, to);
    }
  }
  return TRINE_OK;
}

int trine_to_planes(const trine_tensor* tensor, const void* elements, uint32_t* planes) {
  return to_planes(tensor, elements, 0, planes);
}

/* Reads a row of words back to the host's tensor. */
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

/* Writes the codes of one word back to the host's tensor. */
static void scatter(const trine_tensor* t, const layout* l, uint32_t word, unsigned char* to,
                    size_t count) {
  const uint32_t half = (uint32_t)1 << (l->bits - 1);
  for (; count > 0; --count, to += l->step_channel, word >>= l->bits & 31) {
    uint32_t code = ((word & (2 * half - 1)) ^ half) - half;
    if (l->bits == 1) code = (word & 1) != 0 ? 1 : (uint32_t)-1;
    if (l->floats) {
      int32_t steps = (int32_t)(code - (uint32_t)t->zero_point);
      if (t->half_even >> 1 == kPlaces && l->bits == 8)
        steps = steps < 0 ? -value_of((uint32_t)-steps) : value_of((uint32_t)steps);
      /* A sum may have more digits than a float. */
      *(float*)(void*)to =
          l->bits == 32 ? (float)(t->scale * (double)steps) : l->scale * (float)steps;
    } else if (l->bits == 32) {
      *(uint32_t*)(void*)to = code;
    } else if (l->bits == 16) {
      *(uint16_t*)(void*)to = (uint16_t)code;
    } else {
      *to = t->codes != NULL ? t->codes[code & 0xff] : (unsigned char)code;
    }
  }
}

static void scatter_pixel(const trine_tensor* t, const layout* l, const uint32_t* from,
                          unsigned char* to, size_t count) {
  const size_t first = count < t->codes_per_word ? count : t->codes_per_word;
  scatter(t, l, from[0], to, first);
  if (count > first) scatter(t, l, from[1], to + first * l->step_channel, count - first);
}

static int from_planes(const trine_tensor* tensor, const uint32_t* planes, int floats,
                       unsigned char* to) {
  layout l;
  size_t n, word, y, x;
  int result;
  if (tensor == NULL || to == NULL || planes == NULL) return TRINE_E_ARGUMENT;
  result = layout_of(tensor, floats, &l);
  if (result != TRINE_OK) return result;
  n = l.codes;
  if (l.channels != tensor->channels) return TRINE_E_IMAGE; /* only inputs have blocks */
  for (word = 0; word < l.words; ++word) {
    const size_t left = l.channels - n * word, count = left < n ? left : n;
    for (y = 0; y < l.rows; ++y) {
      unsigned char* row = to + n * word * l.step_channel + y * l.step_y;
      const uint32_t* from = planes + word * (size_t)tensor->plane + y * l.next_row;
      if (l.bits == 8 && !floats)
        scatter_row(tensor, &l, from, count, row);
      else
        for (x = 0; x < l.columns; ++x, row += l.step_x, from += l.next_column)
          scatter_pixel(tensor, &l, from, row, count);
    }
  }
  return TRINE_OK;
}

int trine_from_planes(const trine_tensor* tensor, const uint32_t* planes, void* elements) {
  return from_planes(tensor, planes, 0, elements);
}

static int write_planes(trine_device* device, const trine_image* image, const trine_tensor* tensor,
                        const void* elements, int floats) {
  uint32_t* planes = NULL;
  int result = trine_planes(device, image, tensor, &planes);
  if (result == TRINE_OK) result = to_planes(tensor, elements, floats, planes);
  return result != TRINE_OK ? result : trine_clean(device, planes, (size_t)tensor->bytes);
}

static int input(trine_device* device, const trine_image* image, uint32_t index,
                 const void* elements, int floats) {
  trine_tensor tensor;
  const int result = trine_image_input(image, index, &tensor);
  return result != TRINE_OK ? result : write_planes(device, image, &tensor, elements, floats);
}

static int output(trine_device* device, const trine_image* image, uint32_t index, void* elements,
                  int floats) {
  trine_tensor tensor;
  uint32_t* planes = NULL;
  int result = trine_image_output(image, index, &tensor);
  if (result == TRINE_OK) result = trine_planes(device, image, &tensor, &planes);
  if (result == TRINE_OK) result = trine_invalidate(device, planes, (size_t)tensor.bytes);
  return result != TRINE_OK ? result : from_planes(&tensor, planes, floats, elements);
}

int trine_input(trine_device* device, const trine_image* image, uint32_t index,
                const void* elements) {
  return input(device, image, index, elements, 0);
}

int trine_output(trine_device* device, const trine_image* image, uint32_t index, void* elements) {
  return output(device, image, index, elements, 0);
}

int trine_input_float(trine_device* device, const trine_image* image, uint32_t index,
                      const float* values) {
  return input(device, image, index, values, 1);
}

int trine_output_float(trine_device* device, const trine_image* image, uint32_t index,
                       float* values) {
  return output(device, image, index, values, 1);
}

int trine_input_zeros(trine_device* device, const trine_image* image, uint32_t index) {
  const float zero = 0.0f;
  trine_tensor tensor;
  const int result = trine_image_input(image, index, &tensor);
  if (result != TRINE_OK) return result;
  tensor.step_y = tensor.step_x = tensor.step_channel = 0; /* the other axes have one index */
  return write_planes(device, image, &tensor, &zero, 1);
}

/* Returns 1 if each code of `a` is a code of `b` and stands for the same number. An element of one
 * byte may be a code of int8 or of a format, and has fewer bits where a word holds more codes. */
static int alike(const trine_tensor* a, const trine_tensor* b) {
  uint32_t i;
  if (a->rank != b->rank || trine_element_bytes(a) != trine_element_bytes(b) ||
      a->scale != b->scale || a->zero_point != b->zero_point ||
      a->codes_per_word < b->codes_per_word || a->half_even / 2 != b->half_even / 2 ||
      (a->codes == NULL) != (b->codes == NULL))
    return 0;
  for (i = 0; i < a->rank; ++i)
    if (a->extents[i] != b->extents[i]) return 0;
  return 1;
}

int trine_carry(trine_device* device, const trine_image* image, uint32_t output, uint32_t input,
                void* elements) {
  trine_tensor from, to;
  int result = trine_image_output(image, output, &from);
  if (result == TRINE_OK) result = trine_image_input(image, input, &to);
  if (result == TRINE_OK && !alike(&from, &to)) result = TRINE_E_ARGUMENT;
  if (result == TRINE_OK) result = trine_output(device, image, output, elements);
  return result != TRINE_OK ? result : trine_input(device, image, input, elements);
}
