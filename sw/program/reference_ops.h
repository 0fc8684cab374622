// SPDX-License-Identifier: Apache-2.0
//
// Provides the golden layers as host operators of trine_run_stages(), for targets with C++.

#pragma once

#include "sw/runtime/trine_stages.h"

namespace trine::program {

/// Runs an operator of any kind as sw/reference does.
/// @return TRINE_E_OPERATOR if sw/reference refuses it
int run_reference_op(void* context, const trine_host_op* op) noexcept;

/// The table with only this function: `trine_run_stages(.., &kReferenceOps, 1, ..)`.
inline constexpr trine_host_function kReferenceOps{nullptr, run_reference_op, nullptr};

}  // namespace trine::program
