// SPDX-License-Identifier: Apache-2.0
//
// Networks of int16 activations and int8 weights: those of int8, with eight bits more a code.

#pragma once

#include "tools/fuzz/builder.h"

namespace trine::fuzz {

/// The network of int16 activations: its codes with eight bits more.
/// @param onnx  biases stay int32
void widen(Builder& b, bool onnx = false);

/// What moves codes, and TRANSPOSE_CONV.
/// @param codes  whether borders may be of other codes than 0
int random_movement(Builder& b, int x, bool codes);
/// What the vector unit computes.
int random_vector(Builder& b, int x);

/// Which operators lie between products.
enum class Between { kNothing, kMovement, kVectors, kAny };

/// One to four products, each on the one before; other operators before some. Not widened yet.
/// @param codes  whether borders may be of other codes than 0
void random_chain(Builder& b, Between between, bool codes);
/// The same behind tensor x, of four axes.
void random_chain(Builder& b, int x, Between between, bool codes);

}  // namespace trine::fuzz
