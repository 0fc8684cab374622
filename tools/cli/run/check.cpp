// SPDX-License-Identifier: Apache-2.0

#include "tools/cli/run/check.h"

#include <fmt/format.h>

#include <cmath>

#include "sw/base/error.h"
#include "sw/program/host.h"

namespace trine::cli {
namespace {

struct CaseDifference {
  reference::Deviation all;  ///< outputs of one case
  std::string first;         ///< describes the first difference
};

CaseDifference difference_of(const compiler::Program& program, const reference::VectorCase& one,
                             const std::vector<Array>& actual) {
  const model::Graph& last = compiler::segments(program).back()->after;
  CaseDifference total;
  if (actual.size() < one.outputs.size())
    throw_error("case {}: {} outputs, but {} has {}", one.id, one.outputs.size(), program.name,
                actual.size());
  for (std::size_t o = 0; o < one.outputs.size(); ++o) {
    if (actual[o].dtype != one.outputs[o].dtype ||
        actual[o].bytes.size() != one.outputs[o].bytes.size())
      throw_error("case {}: {}", one.id, compiler::first_difference(program, actual, one.outputs));
    const reference::Deviation d = reference::deviation(
        actual[o], one.outputs[o], reference::float_output(last, last.outputs.at(o)));
    if (total.first.empty() && d.first >= 0)
      total.first = compiler::difference_at(program, o, static_cast<std::size_t>(d.first),
                                            actual[o], one.outputs[o]);
    total.all.add(d);
  }
  return total;
}

}  // namespace

std::string differ_text(const reference::Deviation& d) {
  if (!std::isfinite(d.largest)) return "values differ";
  return fmt::format("codes differ, by up to {}", d.largest);
}

Execution run_cases(const compiler::Program& program, const reference::VectorSet& vectors,
                    const Runner& runner, bool quiet, Comparison& comparison) {
  Execution execution;
  Progress progress(fmt::format("{}: running", program.name), quiet);
  const Stopwatch watch;
  for (const reference::VectorCase& one : vectors.cases) {
    progress.update(fmt::format("vector {} of {}", execution.vectors + 1, vectors.cases.size()));
    sim::RunResult result = runner(one.inputs);
    const auto [d, first] = difference_of(program, one, result.outputs);
    comparison.codes.add(d);
    if (d.differ > 0) {
      comparison.differing.push_back(static_cast<std::size_t>(execution.vectors));
      comparison.differences.push_back(fmt::format("{}: {} of {} {}; first {}", one.id,
                                                   grouped(d.differ), grouped(d.elements),
                                                   differ_text(d), first));
      comparison.outputs.push_back(result.outputs);
    }
    if (!one.labels.empty()) {
      ++comparison.labelled;
      comparison.right += reference::is_right(result.outputs.at(0), one.labels) ? 1 : 0;
      comparison.recorded_right += reference::is_right(one.outputs.at(0), one.labels) ? 1 : 0;
    }
    execution.add(std::move(result), d.differ == 0);
  }
  execution.seconds = watch.seconds();
  return execution;
}

}  // namespace trine::cli
