// SPDX-License-Identifier: Apache-2.0
//
// A whole program for drivers: the machine images of its stages and the host's operators before,
// between and behind them, with their tensors (docs/program-file.md). sw/runtime/trine_stages.c
// reads it.
//
//   header | tensors | steps | lists | attributes | numbers, scales, constants | texts | images

#pragma once

#include <string>

#include "sw/program/program.h"

namespace trine::program {

/// Numbers of 32 bits: of the header, a tensor, a step, an attribute.
constexpr std::size_t kStagesHeader = 32, kStagesTensor = 20, kStagesStep = 8, kStagesAttribute = 4;

/// @throws Error  4 GiB, tensors of more than 8 axes
std::string write_stages(const Program& program);

}  // namespace trine::program
