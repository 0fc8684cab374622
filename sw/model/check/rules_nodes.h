// SPDX-License-Identifier: Apache-2.0
//
// Rules of operators as ONNX and TOSA name them, and the integer scales of TOSA, which any operator
// may have.

#pragma once

#include "sw/model/check/context.h"

namespace trine::model::rules {

/// Requires TOSA's integer scales, zero points and explicit borders.
/// @pre Op::of_tosa != 0
void require_tosa_attributes(const Context& ctx);

/// The rule of TABLE, which replaces each code by any other code.
void table(const Context& ctx);
/// The rule of a node of ONNX or TOSA. The shapes of ONNX are compared when the node is evaluated.
void onnx(const Context& ctx);
/// Refuses an operator that Trine does not define.
[[noreturn]] void unknown(const Context& ctx);

}  // namespace trine::model::rules
