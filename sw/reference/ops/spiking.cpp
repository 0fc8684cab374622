// SPDX-License-Identifier: Apache-2.0
//
// Computes SPIKING: leaky neurons step by step, docs/numerics.md.

#include "sw/model/graph/spiking.h"

#include <algorithm>

#include "sw/reference/ops/ops.h"
#include "sw/reference/quantized_params.h"

namespace trine::reference {
namespace {

using model::spiking::kLeakBits;
using model::spiking::Neuron;
using model::spiking::Reset;

std::int32_t saturated16(std::int64_t x) {
  return static_cast<std::int32_t>(std::clamp<std::int64_t>(x, INT16_MIN, INT16_MAX));
}

/// Returns the rest of a state after a step, plus a current: rounded once, halves to even.
std::int32_t leaked(std::int32_t state, std::int32_t leak, std::int32_t current) {
  const std::int64_t sum =
      std::int64_t{state} * leak + std::int64_t{current} * (std::int64_t{1} << kLeakBits);
  return saturated16(half_even_divide_by_pot(sum, kLeakBits));
}

/// Returns the currents that result from the previous step's spikes.
Codes returned(const Codes& weights, const std::vector<ChannelScale>& scales,
               const std::vector<bool>& fired) {
  const std::size_t n = fired.size();
  Codes currents(n);
  for (std::size_t i = 0; i < n; ++i) {
    std::int32_t sum = 0;
    for (std::size_t k = 0; k < n; ++k)
      if (fired[k]) sum += weights[i * n + k];
    currents[i] = saturated16(scaled(sum, scales[i], Rounding::kHalfEven));
  }
  return currents;
}

}  // namespace

Codes spiking(const Call& call) {
  const Neuron neuron = model::spiking::neuron_of(call.op);
  const Codes currents = call.codes(0);
  const bool comes_back = call.op.input(1) >= 0;
  const Codes weights = comes_back ? call.codes(1) : Codes{};
  const auto steps = static_cast<std::size_t>(call.in(0).extent(0));
  const std::size_t n = currents.size() / std::max<std::size_t>(steps, 1);
  std::vector<ChannelScale> scales;
  if (comes_back) scales = returned_scales(call.graph, call.op);
  Codes synapse(n), membrane(n), result;
  std::vector<bool> fired(n);
  for (std::size_t t = 0; t < steps; ++t) {
    const Codes back = comes_back ? returned(weights, scales, fired) : Codes(n);
    for (std::size_t i = 0; i < n; ++i) {
      std::int32_t x = saturated16(currents[t * n + i] + back[i]);
      if (neuron.synapse >= 0) x = synapse[i] = leaked(synapse[i], neuron.synapse, x);
      if (neuron.delay && fired[i]) x = saturated16(x - neuron.drop);
      std::int32_t& v = membrane[i];
      v = leaked(v, neuron.leak, x);
      if (neuron.reset == Reset::kNone) {
        result.push_back(v);
        continue;
      }
      fired[i] = v >= neuron.level;
      result.push_back(fired[i] ? 1 : 0);
      if (neuron.reset == Reset::kZero)
        v = fired[i] ? 0 : std::max(v, -INT16_MAX);
      else if (fired[i] && !neuron.delay)
        v = saturated16(v - neuron.drop);
    }
  }
  return result;
}

}  // namespace trine::reference
