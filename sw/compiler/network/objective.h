// SPDX-License-Identifier: Apache-2.0
//
// Names the objectives of a plan.

#pragma once

namespace trine::compiler {

/// The objective of a plan: cycles, mainly the bytes of the bus, or energy.
enum class Objective { kCycles, kBytes, kEnergy };

}  // namespace trine::compiler
