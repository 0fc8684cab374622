// SPDX-License-Identifier: Apache-2.0
//
// A stand-in for TensorFlow Lite Micro: what the kernel and the example use, for models of which
// every operator is "trine". tflm_test.py puts this file in the place of TensorFlow's headers,
// except with --tflm, which names the headers of a checkout.

#ifndef TRINE_TFLM_STUB_H
#define TRINE_TFLM_STUB_H

#include <algorithm>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <memory>
#include <vector>

#include "tflite_generated.h"

enum TfLiteStatus { kTfLiteOk = 0, kTfLiteError = 1 };
enum TfLiteType { kTfLiteFloat32 = 1, kTfLiteUInt8 = 3, kTfLiteInt16 = 7, kTfLiteInt8 = 9 };

union TfLitePtrUnion {
  void* raw_pointer;
  char* raw;
  const char* raw_const;
  float* f;
};
struct TfLiteIntArray {
  int size;
  const int* data;
};
struct TfLiteTensor {
  TfLiteType type;
  TfLitePtrUnion data;
  std::size_t bytes;
};
using TfLiteEvalTensor = TfLiteTensor;
struct TfLiteNode {
  TfLiteIntArray *inputs, *outputs;
  void* user_data;
  const void* custom_initial_data;
  int custom_initial_data_size;
};
struct TfLiteContext {
  void* impl;
  void* (*AllocatePersistentBuffer)(TfLiteContext* context, std::size_t bytes);
};
struct TFLMRegistration {
  void* (*init)(TfLiteContext* context, const char* buffer, std::size_t length);
  TfLiteStatus (*prepare)(TfLiteContext* context, TfLiteNode* node);
  TfLiteStatus (*invoke)(TfLiteContext* context, TfLiteNode* node);
};

inline void MicroPrintf(const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  std::vfprintf(stderr, format, arguments);
  std::fputc('\n', stderr);
  va_end(arguments);
}

#define TF_LITE_ENSURE(context, condition) \
  do {                                     \
    (void)(context);                       \
    if (!(condition)) return kTfLiteError; \
  } while (false)
#define TF_LITE_ENSURE_STATUS(status)               \
  do {                                              \
    if ((status) != kTfLiteOk) return kTfLiteError; \
  } while (false)

namespace tflite {

using trine::model::format::GetModel;
using trine::model::format::Model;

class MicroContext {
 public:
  void* external_context() const { return external_; }
  TfLiteTensor* AllocateTempInputTensor(const TfLiteNode* node, int index) {
    return &tensors_[static_cast<std::size_t>(node->inputs->data[index])];
  }
  TfLiteTensor* AllocateTempOutputTensor(const TfLiteNode* node, int index) {
    return &tensors_[static_cast<std::size_t>(node->outputs->data[index])];
  }
  void DeallocateTempTfLiteTensor(TfLiteTensor* /*tensor*/) {}

  void* external_ = nullptr;
  std::vector<TfLiteTensor> tensors_;
};

inline MicroContext* GetMicroContext(const TfLiteContext* context) {
  return static_cast<MicroContext*>(context->impl);
}

namespace micro {

inline TFLMRegistration RegisterOp(decltype(TFLMRegistration::init) init,
                                   decltype(TFLMRegistration::prepare) prepare,
                                   decltype(TFLMRegistration::invoke) invoke) {
  return {init, prepare, invoke};
}
inline const TfLiteEvalTensor* GetEvalInput(const TfLiteContext* context, const TfLiteNode* node,
                                            int index) {
  return GetMicroContext(context)->AllocateTempInputTensor(node, index);
}
inline TfLiteEvalTensor* GetEvalOutput(const TfLiteContext* context, const TfLiteNode* node,
                                       int index) {
  return GetMicroContext(context)->AllocateTempOutputTensor(node, index);
}

}  // namespace micro

class MicroOpResolver {
 public:
  const TFLMRegistration* trine_ = nullptr;
};

/// Knows only the custom operator.
template <int kOperators>
class MicroMutableOpResolver : public MicroOpResolver {
 public:
  void AddCustom(const char* name, const TFLMRegistration* registration) {
    if (std::strcmp(name, "trine") == 0) trine_ = registration;
  }
#define TRINE_STUB_OPERATOR(name) \
  void Add##name() {}
  TRINE_STUB_OPERATORS
#undef TRINE_STUB_OPERATOR
};

class MicroInterpreter {
 public:
  MicroInterpreter(const Model* model, const MicroOpResolver& resolver, std::uint8_t* arena,
                   std::size_t bytes)
      : model_(model), resolver_(resolver), arena_(arena), room_(bytes) {
    context_ = {&micro_, [](TfLiteContext*, std::size_t size) {
                  return static_cast<void*>(new std::uint64_t[size / 8 + 1]());
                }};
  }
  void SetMicroExternalContext(void* machine) { micro_.external_ = machine; }

  TfLiteStatus AllocateTensors() {
    const auto& graph = *model_->subgraphs()->Get(0);
    for (const auto* tensor : *graph.tensors()) TF_LITE_ENSURE_STATUS(Add(*tensor));
    for (const auto* op : *graph.operators()) {
      const auto* code = model_->operator_codes()->Get(op->opcode_index());
      if (code->custom_code() == nullptr || code->custom_code()->str() != "trine") {
        MicroPrintf("the stub runs only custom operators");
        return kTfLiteError;
      }
      lists_.push_back({static_cast<int>(op->inputs()->size()), op->inputs()->data()});
      TfLiteIntArray* inputs = &lists_.back();
      lists_.push_back({static_cast<int>(op->outputs()->size()), op->outputs()->data()});
      nodes_.push_back({inputs, &lists_.back(), nullptr, op->custom_options()->data(),
                        static_cast<int>(op->custom_options()->size())});
      nodes_.back().user_data = resolver_.trine_->init(&context_, nullptr, 0);
    }
    for (TfLiteNode& node : nodes_)
      TF_LITE_ENSURE_STATUS(resolver_.trine_->prepare(&context_, &node));
    return kTfLiteOk;
  }
  TfLiteStatus Invoke() {
    for (TfLiteNode& node : nodes_)
      TF_LITE_ENSURE_STATUS(resolver_.trine_->invoke(&context_, &node));
    return kTfLiteOk;
  }
  TfLiteTensor* input(std::size_t i) { return Edge(*Graph().inputs(), i); }
  TfLiteTensor* output(std::size_t i) { return Edge(*Graph().outputs(), i); }
  std::size_t inputs_size() const { return Graph().inputs()->size(); }
  std::size_t outputs_size() const { return Graph().outputs()->size(); }

 private:
  const trine::model::format::SubGraph& Graph() const { return *model_->subgraphs()->Get(0); }
  TfLiteTensor* Edge(const flatbuffers::Vector<int>& list, std::size_t i) {
    const int tensor = list.Get(static_cast<flatbuffers::uoffset_t>(i));
    return &micro_.tensors_[static_cast<std::size_t>(tensor)];
  }
  /// Adds a tensor: a constant stays in the file, others have a place in the arena.
  TfLiteStatus Add(const trine::model::format::Tensor& tensor) {
    const auto type = static_cast<TfLiteType>(tensor.type() == 0 ? 1 : tensor.type());
    std::size_t bytes = type == kTfLiteFloat32 ? 4 : type == kTfLiteInt16 ? 2 : 1;
    for (const int extent : *tensor.shape()) bytes *= static_cast<std::size_t>(extent);
    TfLiteTensor added{type, {nullptr}, bytes};
    const auto* data = model_->buffers()->Get(tensor.buffer())->data();
    if (data != nullptr && data->size() > 0) {
      added.data.raw_const = reinterpret_cast<const char*>(data->data());
    } else {
      const std::size_t place = (bytes + 15) / 16 * 16;
      if (place > room_ - used_) return kTfLiteError;
      added.data.raw_pointer = arena_ + used_;
      used_ += place;
    }
    micro_.tensors_.push_back(added);
    return kTfLiteOk;
  }

  const Model* model_;
  const MicroOpResolver& resolver_;
  std::uint8_t* arena_;
  std::size_t room_, used_ = 0;
  MicroContext micro_;
  TfLiteContext context_;
  std::deque<TfLiteIntArray> lists_;
  std::deque<TfLiteNode> nodes_;
};

}  // namespace tflite

#endif
