// SPDX-License-Identifier: Apache-2.0
//
// The engines' timeline of a run in Chrome's trace format, for ui.perfetto.dev: a track for the
// layers, one or more (where RUNs overlap) for each engine. The format counts in microseconds; here
// one is one cycle.

#pragma once

#include "sim/result.h"
#include "sw/program/program.h"
#include "tools/cli/common.h"

namespace trine::cli {

/// @param run  of one inference, from `backend`
Json trace_of(const compiler::Program& program, const sim::RunResult& run,
              const std::string& backend);

}  // namespace trine::cli
