// SPDX-License-Identifier: Apache-2.0
//
// Finds attributes that were not read. The importer refuses a node with an unread attribute that
// may change results, so that a new attribute of a known operator is never ignored silently.

#include <algorithm>
#include <string_view>

#include "sw/base/error.h"
#include "sw/host/onnx/node/node.h"

namespace trine::host::onnx {
namespace {

/// Attributes that change no inference result if they are not read. `op` is empty for all
/// operators.
struct Free {
  std::string_view op, name;
};
constexpr Free kFree[] = {{"", "_output_quantized"},  // TFLite_Detection_PostProcess
                          {"", "_support_output_type_float_in_quantized_op"},  // the same
                          {"", "consumed_inputs"},  // before opset 6: buffers
                          {"", "forward"},          // this project's: of negative indices
                          {"", "stash_type"},       // precision of a normalization's sums
                          {"BatchNormalization", "momentum"},  // for training
                          {"BipolarQuant", "rounding_mode"},   // two codes: the sign decides
                          {"DequantizeLinear", "axis"},        // of several scales
                          {"Dropout", "ratio"},                // of training
                          {"Dropout", "seed"},                 // for training
                          {"Gemm", "broadcast"},               // before opset 7: C broadcasts
                          {"GRU", "hidden_size"},              // the weights determine it
                          {"LSTM", "hidden_size"},             // the same
                          {"RNN", "hidden_size"},              // the same
                          {"MatMulNBits", "accuracy_level"},   // how a processor computes it
                          {"MultiThreshold", "out_dtype"},     // out_scale, out_bias decide
                          {"MaxPool", "storage_order"},        // of the indices, if they are read
                          {"Quant", "rounding_mode"},  // of one signed bit: the sign decides
                          {"QuantizeLinear", "axis"},  // of several scales
                          {"QuantizeLinear", "output_dtype"},  // the reader compares it
                          {"Resize", "cubic_coeff_a"},         // of mode cubic
                          {"Resize", "exclude_outside"},       // of mode cubic
                          {"Resize", "extrapolation_value"},   // of tf_crop_and_resize
                          {"Resize", "nearest_mode"},          // of mode nearest
                          {"Softmax", "opset"},                // QLinearSoftmax: only the last axis
                          {"Spiking", "strict"},
                          {"Spiking", "threshold"},  // of neurons that reset
                          {"Split", "num_outputs"},  // the outputs are counted
                          {"TopK", "sorted"}};       // otherwise in any order

/// Attributes that an operator reads in some of its forms, with the value that has no effect.
struct Idle {
  std::string_view name;
  double value;
};
constexpr Idle kIdle[] = {{"allowzero", 0},
                          {"antialias", 0},
                          {"batch_dims", 0},
                          {"ceil_mode", 0},
                          {"channels_last", 0},
                          {"clip", 0},
                          {"count_include_pad", 0},
                          {"fmod", 0},
                          {"input_forget", 0},
                          {"is_test", 1},
                          {"keepdims", 1},
                          {"layout", 0},
                          {"linear_before_reset", 0},
                          {"noop_with_empty_axes", 0},
                          {"pads", 0},
                          {"precision", 0},
                          {"saturate", 1},
                          {"select_last_index", 0},
                          {"spatial", 1},
                          {"training_mode", 0},
                          {"weight_prepacked", 0},
                          {kOneAxis, 0}};

bool is_all(const Attribute& a, double value) {
  const auto is = [&](auto x) { return static_cast<double>(x) == value; };
  if (!a.s.empty() || a.tensor) return false;
  if (!a.ints.empty() || !a.floats.empty())
    return std::ranges::all_of(a.ints, is) && std::ranges::all_of(a.floats, is);
  return is(a.i) || (a.i == 0 && a.f != 0 && is(a.f));
}

bool has_effect(const std::string& op, std::string_view name, const Attribute& a) {
  const auto is_free = [&](const Free& free) {
    return free.name == name && (free.op.empty() || free.op == op);
  };
  if (name == "keep_aspect_ratio_policy" && a.s == "stretch") return false;
  const auto is_idle = [&](const Idle& idle) { return idle.name == name && is_all(a, idle.value); };
  return std::ranges::none_of(kFree, is_free) && std::ranges::none_of(kIdle, is_idle);
}

}  // namespace

void require_all_read(const Node& node) {
  for (const auto& [name, attribute] : node.attributes)
    if (!*attribute.read && has_effect(node.type, name, attribute))
      throw_error("attribute '{}' is not supported", name);
}

}  // namespace trine::host::onnx
