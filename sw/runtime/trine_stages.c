/* SPDX-License-Identifier: Apache-2.0 */
/* Runs programs of several stages with operators of the host. docs/program-file.md defines the
 * numbers. */

#include "trine_stages.h"

#include "trine_isa.h"

/* Sizes, in 32-bit numbers, of the header, a tensor, a step and an attribute. */
enum { kHeader = 32, kTensor = 20, kStep = 8, kAttribute = 4, kAbsent = -1 };
/* Indices of numbers in the header. */
enum {
  kFormat = 2,
  kIsaVersion,
  kHash,
  kArena = 6,
  kMemory = 8,
  kBytes = 10,
  kTensors,
  kTensorsAt,
  kSteps,
  kStepsAt,
  kLists,
  kListsAt,
  kAttributes,
  kAttributesAt,
  kTextsAt,
  kTextsBytes,
  kInputs,
  kOutputs,
  kChecksum = 31
};

static const uint32_t* numbers_at(const trine_stages* s, uint32_t place) {
  return (const uint32_t*)(const void*)(s->bytes + place);
}
static uint32_t header(const trine_stages* s, int place) { return numbers_at(s, 0)[place]; }
static uint64_t wide(const uint32_t* low) { return low[0] | (uint64_t)low[1] << 32; }

static const uint32_t* tensor_at(const trine_stages* s, uint32_t index) {
  return numbers_at(s, header(s, kTensorsAt)) + (size_t)kTensor * index;
}
static const uint32_t* step_at(const trine_stages* s, uint32_t index) {
  return numbers_at(s, header(s, kStepsAt)) + (size_t)kStep * index;
}
static const uint32_t* lists(const trine_stages* s) { return numbers_at(s, header(s, kListsAt)); }

/* Returns true if `count` pieces of `size` bytes are inside of the file, and aligned. */
static int in_file(const trine_stages* s, uint32_t at, uint32_t count, size_t size,
                   uint32_t alignment) {
  return at % alignment == 0 && at <= s->size && count <= (s->size - at) / size;
}

static int is_text(const trine_stages* s, uint32_t at) {
  const uint32_t from = header(s, kTextsAt);
  return at >= from && at - from < header(s, kTextsBytes);
}

static int check_tensor(const trine_stages* s, const uint32_t* t) {
  static const unsigned char kSizes[] = {1, 1, 2, 4, 8, 4, 1};
  uint64_t bytes;
  uint32_t i;
  if (t[0] >= sizeof kSizes || t[1] > 8 || t[13] > 1) return 0;
  bytes = kSizes[t[0]];
  for (i = 0; i < t[1]; ++i) {
    if (bytes >> 32 != 0) return 0;
    bytes *= t[2 + i];
  }
  if (bytes != t[12] || !in_file(s, t[16], t[15], sizeof(float), 4) ||
      !in_file(s, t[17], t[15], sizeof(int32_t), 4))
    return 0;
  if (t[13] != 0) return t[11] == 0 && in_file(s, t[10], t[12], 1, 8);
  return t[10] % 8 == 0 && wide(t + 10) <= s->arena_bytes && bytes <= s->arena_bytes - wide(t + 10);
}

/* Checks that the numbers of a list are tensors; those that are read may be absent. */
static int check_list(const trine_stages* s, uint32_t at, uint32_t inputs, uint32_t outputs) {
  const uint32_t count = header(s, kLists);
  uint32_t i;
  if (at > count || inputs > count - at || outputs > count - at - inputs) return 0;
  for (i = 0; i < inputs + outputs; ++i) {
    const uint32_t tensor = lists(s)[at + i];
    if (tensor >= s->tensors && (i >= inputs || tensor != (uint32_t)kAbsent)) return 0;
    if (i >= inputs && tensor_at(s, tensor)[13] != 0) return 0; /* a constant is never written */
  }
  return 1;
}

static int check_attribute(const trine_stages* s, const uint32_t* a) {
  if (!is_text(s, a[0])) return 0;
  return a[3] != 0 ? is_text(s, a[2]) : in_file(s, a[2], a[1], sizeof(double), 8);
}

static int is_stage(const uint32_t* step) { return step[2] != 0; }

/* Returns true if a stage's tensor has the size of the host's tensor. */
static int fits_host(const trine_stages* s, const trine_tensor* tensor, uint32_t host) {
  uint64_t bytes = trine_element_bytes(tensor);
  uint32_t i;
  if (host >= s->tensors) return 0;
  for (i = 0; i < tensor->rank; ++i) {
    if (bytes >> 32 != 0) return 0;
    bytes *= tensor->extents[i];
  }
  return bytes == tensor_at(s, host)[12];
}

static int check_stage(const trine_stages* s, const uint32_t* step) {
  trine_image image;
  trine_tensor tensor;
  uint32_t i;
  int result;
  if (!in_file(s, step[1], step[2], 1, 8)) return TRINE_E_IMAGE;
  result = trine_read_image(s->bytes + step[1], step[2], &image);
  if (result != TRINE_OK) return result;
  if (image.inputs != step[3] || image.outputs != step[4] ||
      image.configuration_hash != s->configuration_hash || image.dram_bytes > s->memory_bytes ||
      8 * (uint64_t)image.word_count > s->memory_bytes - image.dram_bytes)
    return TRINE_E_IMAGE;
  for (i = 0; i < step[3] + step[4] && result == TRINE_OK; ++i) {
    result = i < step[3] ? trine_image_input(&image, i, &tensor)
                         : trine_image_output(&image, i - step[3], &tensor);
    if (result == TRINE_OK && !fits_host(s, &tensor, lists(s)[step[5] + i])) result = TRINE_E_IMAGE;
  }
  return result;
}

static int check_step(const trine_stages* s, const uint32_t* step) {
  const uint32_t attributes = header(s, kAttributes);
  if (!check_list(s, step[5], step[3], step[4])) return TRINE_E_IMAGE;
  if (is_stage(step)) return check_stage(s, step);
  return is_text(s, step[0]) && step[6] <= attributes && step[7] <= attributes - step[6]
             ? TRINE_OK
             : TRINE_E_IMAGE;
}

/* Returns true if the header's tables are inside of the file, and the texts end in it. */
static int check_tables(const trine_stages* s) {
  return in_file(s, header(s, kTensorsAt), s->tensors, 4 * kTensor, 4) &&
         in_file(s, header(s, kStepsAt), s->steps, 4 * kStep, 4) &&
         in_file(s, header(s, kListsAt), header(s, kLists), 4, 4) &&
         in_file(s, header(s, kAttributesAt), header(s, kAttributes), 4 * kAttribute, 4) &&
         header(s, kTextsBytes) != 0 &&
         in_file(s, header(s, kTextsAt), header(s, kTextsBytes), 1, 1) &&
         s->bytes[header(s, kTextsAt) + header(s, kTextsBytes) - 1] == 0;
}

int trine_read_stages(const void* bytes, size_t size, trine_stages* stages) {
  uint32_t i;
  int result = TRINE_OK;
  if (bytes == NULL || stages == NULL || (uintptr_t)bytes % 8 != 0) return TRINE_E_ARGUMENT;
  stages->bytes = bytes;
  if (size < 4 * kHeader || wide(numbers_at(stages, 0)) != UINT64_C(0x475453454e495254) ||
      header(stages, kFormat) != 1)
    return TRINE_E_IMAGE;
  if (header(stages, kIsaVersion) != TRINE_ISA_VERSION) return TRINE_E_VERSION;
  stages->size = header(stages, kBytes);
  if (stages->size > size || stages->size < 4 * kHeader ||
      trine_checksum(bytes, stages->size, 4 * kChecksum) != header(stages, kChecksum))
    return TRINE_E_IMAGE;
  stages->configuration_hash = wide(numbers_at(stages, 4 * kHash));
  stages->arena_bytes = wide(numbers_at(stages, 4 * kArena));
  stages->memory_bytes = wide(numbers_at(stages, 4 * kMemory));
  stages->tensors = header(stages, kTensors);
  stages->steps = header(stages, kSteps);
  stages->inputs = header(stages, kInputs);
  stages->outputs = header(stages, kOutputs);
  stages->image.bytes = NULL;
  if (!check_tables(stages)) return TRINE_E_IMAGE;
  for (i = 0; i < stages->tensors; ++i)
    if (!check_tensor(stages, tensor_at(stages, i))) return TRINE_E_IMAGE;
  for (i = 0; i < header(stages, kAttributes); ++i)
    if (!check_attribute(stages,
                         numbers_at(stages, header(stages, kAttributesAt)) + kAttribute * i))
      return TRINE_E_IMAGE;
  for (i = 0; i < stages->steps && result == TRINE_OK; ++i)
    result = check_step(stages, step_at(stages, i));
  if (result == TRINE_OK && (!check_list(stages, 0, 0, stages->inputs) ||
                             !check_list(stages, stages->inputs, stages->outputs, 0)))
    result = TRINE_E_IMAGE;
  return result;
}

static int host_tensor(const trine_stages* s, void* arena, uint32_t index,
                       trine_host_tensor* tensor) {
  const uint32_t* from;
  uint32_t i;
  if (index >= s->tensors) return TRINE_E_ARGUMENT;
  from = tensor_at(s, index);
  tensor->type = from[0];
  tensor->rank = from[1];
  for (i = 0; i < 8; ++i) tensor->extents[i] = from[2 + i];
  tensor->constant = from[13];
  tensor->data = from[13] != 0 ? (void*)(uintptr_t)(s->bytes + from[10])
                               : (unsigned char*)arena + (size_t)wide(from + 10);
  tensor->bytes = from[12];
  tensor->axis = from[14];
  tensor->scale_count = from[15];
  tensor->scales = (const float*)(const void*)(s->bytes + from[16]);
  tensor->zero_points = (const int32_t*)(const void*)(s->bytes + from[17]);
  tensor->encoding = from[18];
  return TRINE_OK;
}

int trine_stages_input(const trine_stages* stages, void* arena, uint32_t index,
                       trine_host_tensor* tensor) {
  if (stages == NULL || arena == NULL || tensor == NULL || index >= stages->inputs)
    return TRINE_E_ARGUMENT;
  return host_tensor(stages, arena, lists(stages)[index], tensor);
}

int trine_stages_output(const trine_stages* stages, void* arena, uint32_t index,
                        trine_host_tensor* tensor) {
  if (stages == NULL || arena == NULL || tensor == NULL || index >= stages->outputs)
    return TRINE_E_ARGUMENT;
  return host_tensor(stages, arena, lists(stages)[stages->inputs + index], tensor);
}

int trine_host_input(const trine_host_op* op, uint32_t index, trine_host_tensor* tensor) {
  if (op == NULL || tensor == NULL || index >= op->inputs) return TRINE_E_ARGUMENT;
  return host_tensor(op->stages, op->arena, op->tensors[index], tensor);
}

int trine_host_output(const trine_host_op* op, uint32_t index, trine_host_tensor* tensor) {
  if (op == NULL || tensor == NULL || index >= op->outputs) return TRINE_E_ARGUMENT;
  return host_tensor(op->stages, op->arena, op->tensors[op->inputs + index], tensor);
}

int trine_host_attribute_at(const trine_host_op* op, uint32_t index,
                            trine_host_attribute* attribute) {
  const uint32_t* from;
  const unsigned char* bytes;
  if (op == NULL || attribute == NULL || index >= op->attributes) return TRINE_E_ARGUMENT;
  from = op->attribute_words + (size_t)kAttribute * index;
  bytes = op->stages->bytes;
  attribute->name = (const char*)(bytes + from[0]);
  attribute->count = from[1];
  attribute->numbers = from[3] != 0 ? NULL : (const double*)(const void*)(bytes + from[2]);
  attribute->text = from[3] != 0 ? (const char*)(bytes + from[2]) : NULL;
  return TRINE_OK;
}

static int same_text(const char* a, const char* b) {
  for (; *a == *b && *a != '\0'; ++a) ++b;
  return *a == *b;
}

double trine_host_number(const trine_host_op* op, const char* name, double otherwise) {
  trine_host_attribute a;
  uint32_t i;
  for (i = 0; trine_host_attribute_at(op, i, &a) == TRINE_OK; ++i)
    if (a.text == NULL && a.count > 0 && same_text(a.name, name)) return a.numbers[0];
  return otherwise;
}

static int run_on_host(const trine_stages* s, const uint32_t* step, void* arena,
                       const trine_host_function* functions, size_t count) {
  trine_host_op op;
  size_t i;
  op.kind = (const char*)(s->bytes + step[0]);
  op.inputs = step[3];
  op.outputs = step[4];
  op.attributes = step[7];
  op.stages = s;
  op.arena = arena;
  op.tensors = lists(s) + step[5];
  op.attribute_words = numbers_at(s, header(s, kAttributesAt)) + (size_t)kAttribute * step[6];
  for (i = 0; i < count; ++i)
    if (functions[i].kind == NULL || same_text(functions[i].kind, op.kind))
      return functions[i].run(functions[i].context, &op);
  return TRINE_E_OPERATOR;
}

/* Loads a stage unless it is loaded. The device reports what is loaded; `s` only records whether
 * the bytes are the same, because a caller may read another file to the same address. */
static int load_stage(trine_device* device, trine_stages* s, const uint32_t* step,
                      uint64_t base_address) {
  const unsigned char* bytes = s->bytes + step[1];
  int result;
  if (s->image.bytes == bytes && trine_image_is_loaded(device, &s->image, base_address))
    return TRINE_OK;
  result = trine_read_image(bytes, step[2], &s->image);
  if (result == TRINE_OK) result = trine_load_image(device, &s->image, base_address);
  if (result != TRINE_OK) s->image.bytes = NULL;
  return result;
}

static int run_on_device(trine_device* device, trine_stages* s, const uint32_t* step,
                         uint64_t base_address, void* arena, uint64_t attempts) {
  const uint32_t* tensors = lists(s) + step[5];
  trine_host_tensor host;
  uint32_t i;
  int result = load_stage(device, s, step, base_address);
  for (i = 0; i < step[3] && result == TRINE_OK; ++i) {
    result = host_tensor(s, arena, tensors[i], &host);
    if (result == TRINE_OK) result = trine_input(device, &s->image, i, host.data);
  }
  if (result == TRINE_OK) result = trine_run(device, attempts);
  for (i = 0; i < step[4] && result == TRINE_OK; ++i) {
    result = host_tensor(s, arena, tensors[step[3] + i], &host);
    if (result == TRINE_OK) result = trine_output(device, &s->image, i, host.data);
  }
  return result;
}

int trine_run_stages(trine_device* device, trine_stages* stages, uint64_t base_address, void* arena,
                     const trine_host_function* functions, size_t count, uint64_t attempts) {
  uint32_t i;
  int result = TRINE_OK;
  if (device == NULL || stages == NULL || arena == NULL || (uintptr_t)arena % 8 != 0 ||
      (functions == NULL && count != 0))
    return TRINE_E_ARGUMENT;
  for (i = 0; i < stages->steps && result == TRINE_OK; ++i) {
    const uint32_t* step = step_at(stages, i);
    result = is_stage(step) ? run_on_device(device, stages, step, base_address, arena, attempts)
                            : run_on_host(stages, step, arena, functions, count);
  }
  return result;
}
