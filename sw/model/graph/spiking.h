// SPDX-License-Identifier: Apache-2.0
//
// Describes SPIKING: neurons that leak, fire and are reset, over all steps of a sequence at once
// (docs/numerics.md). Operands:
//
//   currents  int16 [steps, ...], zero point 0
//   weights   int8 constant [N, N] or none: feed back the spikes of the step before, N neurons
//   output    int8 [steps, ...] of scale 1: spikes, 0 or 1. Without a reset, the output is int16:
//             the membrane, at the currents' scale
//
// In Op::numbers, all in codes of the currents:
//
//   leak      share of the membrane that remains after a step, in 2^-14
//   synapse   the same for a current before the membrane; none: currents reach it at once
//   level     smallest membrane value that fires
//   drop      amount by which a spike lowers the membrane
//   reset     Reset
//   delay     1: a spike's drop is subtracted in the next step, after the leak

#pragma once

#include <cstdint>

#include "sw/model/graph/graph.h"

namespace trine::model::spiking {

inline constexpr const char *kLeak = "leak", *kSynapse = "synapse", *kLevel = "level",
                            *kDrop = "drop", *kReset = "reset", *kDelay = "delay";

// The compiler rewrites SPIKING as operators with equal scales and these attributes:
//
//   ADD        leak: of the first operand; SUB: of the second one
//   QUANTIZE   level: {amount that is subtracted, bits of left shift of the rest}

constexpr int kLeakBits = 14;
constexpr int kMostDrop = 1 << 14;

/// The reset of the membrane after a spike.
enum class Reset { kNone = 0, kSubtract = 1, kZero = 2 };

/// The parameters of SPIKING's neurons.
struct Neuron {
  std::int32_t leak = 1 << kLeakBits, synapse = -1;  ///< -1: none
  std::int32_t level = 1, drop = 1;
  Reset reset = Reset::kSubtract;
  bool delay = false;
};

/// Returns the parameters of a SPIKING operator.
/// @pre check() accepts the operator
inline Neuron neuron_of(const Op& op) {
  const auto number = [&](const char* name) {
    return static_cast<std::int32_t>(op.numbers.at(name).at(0));
  };
  Neuron n;
  n.leak = number(kLeak);
  n.synapse = op.numbers.contains(kSynapse) ? number(kSynapse) : -1;
  n.level = number(kLevel);
  n.drop = number(kDrop);
  n.reset = static_cast<Reset>(number(kReset));
  n.delay = number(kDelay) != 0;
  return n;
}

/// Stores the parameters in a SPIKING operator.
inline void set_neuron(Op* op, const Neuron& n) {
  const auto set = [&](const char* name, double value) { op->numbers[name] = {value}; };
  set(kLeak, n.leak);
  if (n.synapse >= 0) set(kSynapse, n.synapse);
  set(kLevel, n.level);
  set(kDrop, n.drop);
  set(kReset, static_cast<double>(n.reset));
  set(kDelay, n.delay ? 1 : 0);
}

}  // namespace trine::model::spiking
