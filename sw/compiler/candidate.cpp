// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/candidate.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "sw/compiler/partition/partition.h"
#include "sw/compiler/rewrite/rewrite.h"
#include "sw/compiler/verify/verify.h"
#include "sw/model/check/check.h"

namespace trine::compiler {
namespace {

void plan_segments(Candidate& candidate, const spec::Config& config, const CompileOptions& options,
                   int cores) {
  for (LoweredSegment& segment :
       partition(candidate.graph, config, options.rounding, options.host)) {
    segment.network.cores = cores;
    segment.network.objective = options.objective;
    Verifier(config, options.verify).verify(segment.network, "lower");
    std::string lowered = options.print_after == "lower" ? to_text(segment.network) : "";
    candidate.segments.push_back({std::move(segment.graph), std::move(lowered),
                                  search(std::move(segment.network), config, options.ways,
                                         options.print_after, options.verify)});
  }
}

bool same_order(const model::Graph& a, const model::Graph& b) {
  return std::ranges::equal(a.ops, b.ops, [](const model::Op& x, const model::Op& y) {
    return x.index == y.index && x.inputs == y.inputs && x.outputs == y.outputs;
  });
}

/// Two plans whose estimates differ by less than this factor count as equally good.
constexpr double kAsGood = 1.005;

/// Returns the best candidate of batch_rooms(). The order with fewer planned cycles wins; if both
/// are as good, groups win.
Candidate best_order(const model::Graph& graph, const spec::Config& config,
                     const CompileOptions& options, int cores, bool rows) {
  std::optional<Candidate> best;
  for (const BatchRoom& room : batch_rooms(config)) {
    if (best && !has_batch(graph)) break;
    Candidate next;
    next.graph = rewritten(graph, options.rounding, &next.removed, rows, room);
    if (best && same_order(next.graph, best->graph)) continue;
    plan_segments(next, config, options, cores);
    if (!best || next.cycles() <= kAsGood * best->cycles()) best = std::move(next);
  }
  return std::move(*best);
}

/// Returns true if the machine computes LSTMs as tflite-micro does, which rounds each product
/// twice.
bool rounds_twice(const reference::RoundingPolicy& rounding) {
  return rounding.fully_connected == reference::Rounding::kDouble &&
         rounding.others == reference::Rounding::kDouble;
}

bool has_lstm(const spec::Config& config, const reference::RoundingPolicy& rounding) {
  return config.activations16 && config.table && config.vector && rounds_twice(rounding) &&
         rounding.lstm == reference::LstmKernel::kMicro;
}

bool has_memories(const spec::Config& config, const reference::RoundingPolicy& rounding) {
  return config.activations16 && config.vector && config.zero_points() && rounds_twice(rounding);
}

}  // namespace

/// Treats a batch whose operators mix along axis 0 as rows, or as images if the machine cannot
/// compute the rows.
Candidate best_order(const model::Graph& graph, const spec::Config& config,
                     const CompileOptions& options, int cores) {
  try {
    return best_order(graph, config, options, cores, true);
  } catch (const model::Refusal&) {
    if (!has_batch(graph)) throw;
  }
  return best_order(graph, config, options, cores, false);
}

model::Graph prepared(const model::Graph& graph, const spec::Config& config,
                      const CompileOptions& options) {
  model::check(graph);
  reference::check_policy(graph, options.rounding);
  model::Graph written =
      has_lstm(config, options.rounding) ? with_steps(graph, config.rows / 2) : graph;
  if (config.activations16 && config.vector) written = with_spikes(std::move(written));
  if (has_memories(config, options.rounding)) written = with_memories(std::move(written));
  if (config.activations16) written = with_narrow_products(std::move(written));
  return written;
}

}  // namespace trine::compiler
