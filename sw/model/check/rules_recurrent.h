// SPDX-License-Identifier: Apache-2.0
//
// Rules of operators that run in steps and keep a state.

#pragma once

#include "sw/model/check/context.h"

namespace trine::model::rules {

/// The rule of an LSTM without peepholes, projection and layer normalization, but with an input
/// gate.
void lstm(const Context& ctx);
/// The rule of SVDF, whose inputs are the data, features [filters, elements], time weights
/// [filters, memory], bias and state.
void svdf(const Context& ctx);
/// The rule of neurons, whose inputs are currents and optional weights that feed spikes back
/// (spiking.h).
void spiking(const Context& ctx);

}  // namespace trine::model::rules
