// SPDX-License-Identifier: Apache-2.0
//
// Lowers pools.

#pragma once

#include "sw/compiler/lower/lowering.h"

namespace trine::compiler {

Problem max_pool_problem(const Lowering& ctx, const Op& o);
void max_pool(Lowering& ctx, const Op& o);
Problem average_pool_problem(const Lowering& ctx, const Op& o);
void average_pool(Lowering& ctx, const Op& o);

}  // namespace trine::compiler
