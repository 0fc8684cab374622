// SPDX-License-Identifier: Apache-2.0

#include "trine_kernel.h"

#include <cstddef>

#include "tensorflow/lite/c/common.h"
#include "tensorflow/lite/kernels/kernel_util.h"
#include "tensorflow/lite/micro/kernels/kernel_util.h"
#include "tensorflow/lite/micro/micro_context.h"
#include "tensorflow/lite/micro/micro_log.h"

namespace tflite {
namespace trine {
namespace {

constexpr std::uint8_t kFormat = 1;       // of components/zoo/write_tflite.py
constexpr std::uint64_t kAlignment = 64;  // of device memory: the widest bus

/// An operator of the model.
struct Operator {
  trine_image image;
  std::uint64_t base;  ///< of its part of the device memory
};

TfLiteStatus Fail(Machine* machine, const char* what, int code) {
  machine->error = trine_strerror(code);
  MicroPrintf("trine: %s: %s", what, machine->error);
  return kTfLiteError;
}

Machine* MachineOf(TfLiteContext* context) {
  return static_cast<Machine*>(GetMicroContext(context)->external_context());
}

/// Returns true if the interpreter's tensor has as many elements as the image's, of a type that the
/// driver converts.
bool IsAlike(const TfLiteTensor* tensor, const trine_tensor& of_image) {
  std::size_t elements = 1;
  for (std::uint32_t i = 0; i < of_image.rank; ++i) elements *= of_image.extents[i];
  const bool is_float = tensor->type == kTfLiteFloat32;
  return tensor->bytes == elements * (is_float ? sizeof(float) : trine_element_bytes(&of_image));
}

/// Compares the operator's tensors with the image's. The first input is the image.
TfLiteStatus CheckTensors(TfLiteContext* context, TfLiteNode* node, const trine_image& image) {
  MicroContext* micro = GetMicroContext(context);
  const bool counts = node->inputs->size == 1 + static_cast<int>(image.inputs) &&
                      node->outputs->size == static_cast<int>(image.outputs);
  if (!counts) return Fail(MachineOf(context), "number of tensors", TRINE_E_IMAGE);
  for (std::uint32_t i = 0; i < image.inputs + image.outputs; ++i) {
    const bool is_input = i < image.inputs;
    const std::uint32_t index = is_input ? i : i - image.inputs;
    trine_tensor expected;
    const int result = is_input ? trine_image_input(&image, index, &expected)
                                : trine_image_output(&image, index, &expected);
    TfLiteTensor* tensor = is_input
                               ? micro->AllocateTempInputTensor(node, 1 + static_cast<int>(index))
                               : micro->AllocateTempOutputTensor(node, static_cast<int>(index));
    const bool alike = result == TRINE_OK && tensor != nullptr && IsAlike(tensor, expected);
    if (tensor != nullptr) micro->DeallocateTempTfLiteTensor(tensor);
    if (!alike) return Fail(MachineOf(context), "type or size of a tensor", TRINE_E_IMAGE);
  }
  return kTfLiteOk;
}

void* Init(TfLiteContext* context, const char* /*options*/, std::size_t /*size*/) {
  return context->AllocatePersistentBuffer(context, sizeof(Operator));
}

/// Reads the image that is the operator's first input.
TfLiteStatus ReadImage(TfLiteContext* context, TfLiteNode* node, trine_image* image) {
  const auto* options = static_cast<const std::uint8_t*>(node->custom_initial_data);
  if (node->custom_initial_data_size != 1 || options == nullptr || *options != kFormat)
    return Fail(MachineOf(context), "format of the operator", TRINE_E_VERSION);
  MicroContext* micro = GetMicroContext(context);
  TfLiteTensor* tensor = micro->AllocateTempInputTensor(node, 0);
  TF_LITE_ENSURE(context, tensor != nullptr);
  const int result = tensor->data.raw_const == nullptr
                         ? static_cast<int>(TRINE_E_IMAGE)
                         : trine_read_image(tensor->data.raw_const, tensor->bytes, image);
  micro->DeallocateTempTfLiteTensor(tensor);
  return result == TRINE_OK ? kTfLiteOk : Fail(MachineOf(context), "image", result);
}

/// Reserves device memory for the image: its data, then its instructions.
TfLiteStatus Reserve(Machine* machine, const trine_image& image, std::uint64_t* base) {
  const std::uint64_t bytes = image.dram_bytes + 8 * std::uint64_t{image.word_count};
  const std::uint64_t begin = (machine->used + kAlignment - 1) / kAlignment * kAlignment;
  if (begin > machine->bytes || bytes > machine->bytes - begin) {
    MicroPrintf("trine: the model needs %u more bytes of device memory",
                static_cast<unsigned>(begin + bytes - machine->bytes));
    return Fail(machine, "device memory", TRINE_E_SIZE);
  }
  *base = machine->base + begin;
  machine->used = begin + bytes;
  return kTfLiteOk;
}

TfLiteStatus Prepare(TfLiteContext* context, TfLiteNode* node) {
  auto* op = static_cast<Operator*>(node->user_data);
  Machine* machine = MachineOf(context);
  TF_LITE_ENSURE(context, op != nullptr);
  if (machine == nullptr || machine->device == nullptr) {
    MicroPrintf("trine: SetMicroExternalContext() needs a Machine before AllocateTensors()");
    return kTfLiteError;
  }
  TF_LITE_ENSURE_STATUS(ReadImage(context, node, &op->image));
  TF_LITE_ENSURE_STATUS(CheckTensors(context, node, op->image));
  TF_LITE_ENSURE_STATUS(Reserve(machine, op->image, &op->base));
  const int result = trine_load_image(machine->device, &op->image, op->base);
  return result == TRINE_OK ? kTfLiteOk : Fail(machine, "loading", result);
}

/// Copies the inputs, runs the program and copies the outputs.
int Run(TfLiteContext* context, TfLiteNode* node, const Machine& machine, const Operator& op) {
  int result = TRINE_OK;
  if (!trine_image_is_loaded(machine.device, &op.image, op.base))
    result = trine_load_image(machine.device, &op.image, op.base);
  for (std::uint32_t i = 0; i < op.image.inputs && result == TRINE_OK; ++i) {
    const TfLiteEvalTensor* tensor = micro::GetEvalInput(context, node, 1 + static_cast<int>(i));
    result = tensor->type == kTfLiteFloat32
                 ? trine_input_float(machine.device, &op.image, i, tensor->data.f)
                 : trine_input(machine.device, &op.image, i, tensor->data.raw_const);
  }
  if (result == TRINE_OK) result = trine_run(machine.device, machine.attempts);
  for (std::uint32_t i = 0; i < op.image.outputs && result == TRINE_OK; ++i) {
    TfLiteEvalTensor* tensor = micro::GetEvalOutput(context, node, static_cast<int>(i));
    result = tensor->type == kTfLiteFloat32
                 ? trine_output_float(machine.device, &op.image, i, tensor->data.f)
                 : trine_output(machine.device, &op.image, i, tensor->data.raw);
  }
  return result;
}

TfLiteStatus Eval(TfLiteContext* context, TfLiteNode* node) {
  Machine* machine = MachineOf(context);
  const int result = Run(context, node, *machine, *static_cast<Operator*>(node->user_data));
  return result == TRINE_OK ? kTfLiteOk : Fail(machine, "run", result);
}

}  // namespace

TFLMRegistration* Register() {
  static TFLMRegistration registration = micro::RegisterOp(Init, Prepare, Eval);
  return &registration;
}

}  // namespace trine
}  // namespace tflite
