// SPDX-License-Identifier: Apache-2.0
//
// Writes the timeline of a run in Chrome's trace format, for ui.perfetto.dev: one track for the
// layers, and one or more (if RUNs overlap) for each engine. The format counts microseconds; here
// one microsecond is one cycle.

#pragma once

#include "sim/result.h"
#include "sw/program/program.h"
#include "tools/cli/common.h"

namespace trine::cli {

/// Returns the trace. @param run  one inference on `backend`
Json trace_of(const compiler::Program& program, const sim::RunResult& run,
              const std::string& backend);

}  // namespace trine::cli
