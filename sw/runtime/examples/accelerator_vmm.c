/* SPDX-License-Identifier: Apache-2.0 */

#include "accelerator_vmm.h"

enum { kLayers = 3, kPixels = 784, kHidden = 1000, kDigits = 10 };
enum { kWeights = kPixels * kHidden + kHidden * kHidden + kHidden * kDigits };

/* Output zero point, and input zero point after the first layer: TFLite's code for 0 after a
 * ReLU. */
enum { kZero = -128 };

typedef struct mlp_layer {
  trine_vmm_matrix matrix;   /* weights in the processor's memory */
  trine_vmm_weights weights; /* in the device's memory */
  int32_t multiplier;
  int8_t shift;
} mlp_layer;

static mlp_layer layers[kLayers];
static int8_t unpacked[kWeights];
static int computed_by;
static trine_device* accelerator;

/* ---- on the accelerator */

int AcceleratorVMM(const int8_t* inputs, const trine_vmm_weights* weights, void* outputs) {
  return trine_vmm(accelerator, inputs, weights, outputs, 1, 0);
}

/* ---- on the processor */

/* Requantizes with TFLite's two roundings. */
static int8_t requantized(int32_t sum, const mlp_layer* layer) {
  const int64_t product = (int64_t)sum * layer->multiplier;
  const int32_t high = (int32_t)((product + ((int64_t)1 << 30)) >> 31);
  const int shift = -layer->shift;
  const int32_t mask = (int32_t)(((uint32_t)1 << shift) - 1);
  const int32_t code =
      (high >> shift) + ((high & mask) > (mask >> 1) + (high < 0 ? 1 : 0) ? 1 : 0) + kZero;
  return (int8_t)(code < -128 ? -128 : code > 127 ? 127 : code);
}

static void core_vmm(const int8_t* inputs, const mlp_layer* layer, void* outputs) {
  const trine_vmm_matrix* const m = &layer->matrix;
  const int8_t* weights = m->weights;
  uint32_t output, k;
  for (output = 0; output < m->outputs; ++output, weights += m->inputs) {
    int32_t sum = m->bias[output];
    for (k = 0; k < m->inputs; ++k) sum += weights[k] * (inputs[k] - kZero);
    if (m->multipliers == NULL)
      ((int32_t*)outputs)[output] = sum;
    else
      ((int8_t*)outputs)[output] = requantized(sum, layer);
  }
}

/* ---- the network */

/* Reads a layer of the file: outputs, inputs, multiplier, shift, biases, then rows of ternary
 * codes, 16 per word, which are stored in `weights`. Returns the address after the layer, or
 * null. */
static const uint32_t* read_layer(const uint32_t* from, const uint32_t* end, mlp_layer* layer,
                                  int8_t* weights) {
  trine_vmm_matrix* const m = &layer->matrix;
  uint32_t i, k;
  if (end - from < 4) return NULL;
  m->outputs = from[0];
  m->inputs = from[1];
  layer->multiplier = (int32_t)from[2];
  layer->shift = (int8_t)(int32_t)from[3];
  from += 4;
  if (m->outputs > kHidden || m->inputs > kHidden ||
      (size_t)(end - from) < m->outputs * (1 + (m->inputs + 15) / 16))
    return NULL;
  m->bias = (const int32_t*)from;
  from += m->outputs;
  m->weights = weights;
  for (i = 0; i < m->outputs; ++i, from += (m->inputs + 15) / 16)
    for (k = 0; weights != NULL && k < m->inputs; ++k)
      *weights++ = (int8_t)((int32_t)((from[k / 16] >> 2 * (k % 16) & 3) ^ 2) - 2);
  m->vectors = 1;
  m->input_zero_point = kZero;
  if (layer->multiplier == 0) return from; /* the last layer returns sums */
  m->multipliers = &layer->multiplier;
  m->shifts = &layer->shift;
  m->scales = 1;
  m->output_zero_point = m->act_min = kZero;
  m->act_max = 127;
  return from;
}

static int read_network(const void* file, size_t size, int packed) {
  static const uint32_t kSizes[kLayers + 1] = {kPixels, kHidden, kHidden, kDigits};
  const mlp_layer none = {0};
  const uint32_t* from = file;
  const uint32_t* const end = from + size / 4;
  int8_t* weights = unpacked;
  int i;
  for (i = 0; i < kLayers; ++i) {
    mlp_layer* const layer = &layers[i];
    *layer = none;
    if ((size_t)(unpacked + kWeights - weights) < (size_t)kSizes[i] * kSizes[i + 1])
      return TRINE_E_IMAGE;
    if (end - from < 2 || from[0] != kSizes[i + 1] || from[1] != kSizes[i]) return TRINE_E_IMAGE;
    from = read_layer(from, end, layer, packed ? NULL : weights);
    if (from == NULL || (layer->multiplier == 0) != (i == kLayers - 1)) return TRINE_E_IMAGE;
    weights += kSizes[i] * kSizes[i + 1];
  }
  return from == end ? TRINE_OK : TRINE_E_IMAGE;
}

int mlp_open(const void* file, size_t size, int by, int packed, trine_device* device,
             const trine_design* design, uint64_t address, size_t bytes) {
  int i, result = file == NULL ? TRINE_E_ARGUMENT : read_network(file, size, packed);
  computed_by = by;
  accelerator = device;
  for (i = 0; i < kLayers && by != MLP_CORE && result == TRINE_OK; ++i) {
    trine_vmm_matrix* const matrix = &layers[i].matrix;
    size_t needed = 0;
    matrix->precision = by == MLP_TERNARY ? TRINE_VMM_TERNARY : TRINE_VMM_INT8;
    result = trine_vmm_bytes(design, matrix, &needed);
    needed = (needed + 127) / 128 * 128; /* the next layer begins there */
    if (result == TRINE_OK && needed > bytes) result = TRINE_E_SIZE;
    if (result == TRINE_OK)
      result = trine_vmm_prepare(device, design, matrix, address, needed, &layers[i].weights);
    address += needed;
    bytes -= needed;
  }
  return result;
}

static int product(const int8_t* inputs, const mlp_layer* layer, void* outputs) {
  if (computed_by != MLP_CORE) return AcceleratorVMM(inputs, &layer->weights, outputs);
  core_vmm(inputs, layer, outputs);
  return TRINE_OK;
}

int mlp_classify(const uint8_t* image) {
  static int8_t pixels[kPixels], first[kHidden], second[kHidden];
  int32_t digits[kDigits];
  int i, result, best = 0;
  for (i = 0; i < kPixels; ++i) pixels[i] = (int8_t)(image[i] + kZero);
  result = product(pixels, &layers[0], first);
  if (result == TRINE_OK) result = product(first, &layers[1], second);
  if (result == TRINE_OK) result = product(second, &layers[2], digits);
  if (result != TRINE_OK) return result;
  for (i = 1; i < kDigits; ++i)
    if (digits[i] > digits[best]) best = i;
  return best;
}

/* ---- its answers */

static void print_number(const mlp_platform* platform, uint32_t number) {
  char text[11];
  int at = 10;
  text[at] = 0;
  do {
    text[--at] = (char)('0' + number % 10);
    number /= 10;
  } while (number > 0);
  platform->print(text + at);
}

int mlp_run(const mlp_platform* platform, const uint8_t* images, const uint8_t* labels, int count) {
  int i, right = 0;
  for (i = 0; i < count; ++i) {
    const uint32_t start = platform->cycles();
    const int digit = mlp_classify(images + (size_t)kPixels * (size_t)i);
    const uint32_t cycles = platform->cycles() - start;
    if (digit < 0) {
      platform->print(trine_strerror(digit));
      platform->print("\n");
      return digit;
    }
    right += digit == labels[i];
    platform->print(digit == labels[i] ? "digit " : "WRONG digit ");
    print_number(platform, (uint32_t)digit);
    platform->print(", ");
    print_number(platform, cycles);
    platform->print(" cycles\n");
  }
  return right;
}
