// SPDX-License-Identifier: Apache-2.0
//
// Imports Spiking, an operator of the domain `trine` that no runtime supports (docs/spikes.md). Its
// currents are between int16 quantizers, weights that feed spikes back are optional, and its
// outputs are spikes, 0 or 1, or the membrane.

#include <algorithm>
#include <cmath>

#include "sw/base/error.h"
#include "sw/base/index.h"
#include "sw/model/graph/spiking.h"
#include "sw/model/onnx/import/importer.h"

namespace trine::model::onnx_file {
namespace {

using spiking::Neuron;
using spiking::Reset;

Reset reset_of(const std::string& text) {
  if (text == "none") return Reset::kNone;
  if (text == "zero") return Reset::kZero;
  if (text == "subtract") return Reset::kSubtract;
  throw_error("reset '{}', allowed none, subtract, zero", text);
}

/// Returns a leak in units of 2^-14.
std::int32_t leak_of(const char* name, float leak) {
  if (!(leak >= 0 && leak <= 1)) throw_error("{} {}, allowed 0..1", name, leak);
  return static_cast<std::int32_t>(std::nearbyint(std::ldexp(double{leak}, spiking::kLeakBits)));
}

Neuron neuron_of(const Node& node, float scale) {
  Neuron n;
  n.leak = leak_of("leak", node.real("leak", 1.0f));
  if (node.attributes.contains("synapse"))
    n.synapse = leak_of("synapse", node.real("synapse", 0.0f));
  n.reset = reset_of(node.text("reset", "subtract"));
  n.delay = node.integer("delay", 0) != 0;
  if (n.reset == Reset::kNone) return n;
  const double codes = double{node.real("threshold", 1.0f)} / double{scale};
  if (!(codes >= 1 && codes <= spiking::kMostDrop))
    throw_error("threshold of {:.6g} codes of its input, allowed 1..{}", codes, spiking::kMostDrop);
  n.drop = static_cast<std::int32_t>(std::nearbyint(codes));
  n.level = static_cast<std::int32_t>(node.integer("strict", 1) != 0 ? std::floor(codes) + 1
                                                                     : std::ceil(codes));
  return n;
}

}  // namespace

/// Adds the weights [N, N] that feed spikes back.
int Importer::returned_weights(int neurons) {
  const Constant& c = constant(1);
  if (c.codes.empty()) throw_error("recurrent weights are float, allowed int8");
  if (c.shape != std::vector<int>{neurons, neurons})
    throw_error("recurrent weights do not fit {} neurons", neurons);
  Quantization q;
  std::vector<std::int8_t> codes;
  for (std::size_t i = 0; i < c.codes.size(); ++i) {
    const int code = c.codes[i] - c.zero_points[i];
    if (i % at(neurons) == 0) q.scale.push_back(c.scales[i]);
    if (c.zero_points[i] != 0 || code < -128 || code > 127 || c.scales[i] != q.scale.back() ||
        !(c.scales[i] > 0))
      throw_error("recurrent weights: allowed int8 with a scale for each row");
    codes.push_back(static_cast<std::int8_t>(code));
  }
  q.zero_point.assign(q.scale.size(), 0);
  return emit_.add_constant(node_->inputs[1], DataType::kInt8, c.shape, codes, std::move(q));
}

Value Importer::spiking() {
  if (node_->domain != "trine") throw_error("domain '{}', allowed trine", node_->domain);
  Value x = any_codes(0);
  if (!is_wide(x)) throw_error("its currents are not int16 codes");
  if (x.shape.size() < 2) throw_error("input of rank {}, allowed 2 and above", x.shape.size());
  Op op = this->op(OpKind::kSpiking, {x.tensor});
  const float scale = emit_.tensor(x.tensor).scale();
  const Neuron neuron = neuron_of(*node_, scale);
  spiking::set_neuron(&op, neuron);
  if (has(1)) {
    if (x.shape.size() != 2)
      throw_error("input of rank {} with recurrent weights, allowed 2", x.shape.size());
    op.inputs.push_back(returned_weights(x.shape[1]));
  }
  const std::vector<int> shape = emit_.tensor(x.tensor).shape;
  const bool membrane = neuron.reset == Reset::kNone;
  const int output = emit_.add_tensor(out(), membrane ? DataType::kInt16 : DataType::kInt8, shape,
                                      {{membrane ? scale : 1.0f}, {0}});
  return x.made(emit_.add_op(std::move(op), output));
}

}  // namespace trine::model::onnx_file
