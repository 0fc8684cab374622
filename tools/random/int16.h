// SPDX-License-Identifier: Apache-2.0
//
// Makes networks with int16 activations and int8 weights from int8 networks.

#pragma once

#include "tools/random/builder.h"

namespace trine::fuzz {

/// Turns the network's activations into int16: its codes gain eight bits.
/// @param onnx  biases remain int32
void widen(Builder& b, bool onnx = false);

/// Adds an operator that moves codes, or TRANSPOSE_CONV.
/// @param codes  true if borders may contain codes other than 0
int random_movement(Builder& b, int x, bool codes);
/// Adds an operator of the vector unit.
int random_vector(Builder& b, int x);

/// The operators between products.
enum class Between { kNothing, kMovement, kVectors, kAny };

/// Adds one to four products in a chain, some with other operators before them. The network is not
/// yet widened.
/// @param codes  true if borders may contain codes other than 0
void random_chain(Builder& b, Between between, bool codes);
/// Adds the same after tensor x, which has four axes.
void random_chain(Builder& b, int x, Between between, bool codes);

}  // namespace trine::fuzz
