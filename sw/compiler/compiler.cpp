// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/compiler.h"

#include <iterator>
#include <string>
#include <utility>

#include "sw/compiler/batch_over_cores.h"
#include "sw/compiler/candidate.h"
#include "sw/compiler/compile_shapes.h"
#include "sw/compiler/segment_program.h"
#include "sw/compiler/transform/passes.h"
#include "sw/model/graph/print.h"

namespace trine::compiler {

std::vector<std::string> stage_names() {
  std::vector<std::string> names{"rewrite", "lower"};
  for (const Pass& pass : kPasses) names.emplace_back(pass.name);
  names.insert(names.end(), {kCascade, kInterleave, "plan", "emit", "schedule"});
  return names;
}

namespace {

/// Plans the candidate as the user's mapping says, and writes the mapping of its plan.
void map(Candidate& candidate, const std::string& model, const spec::Config& config,
         const CompileOptions& options) {
  std::size_t layers = 0;
  std::vector<const Planned*> segments;
  for (PlannedSegment& segment : candidate.segments) {
    if (options.mapping != nullptr) apply(*options.mapping, layers, segment.planned, config);
    layers += segment.planned.network.layers.size();
    segments.push_back(&segment.planned);
  }
  if (options.mapping != nullptr && layers < options.mapping->layers.size())
    throw MappingError(fmt::format("{}:{}: the network has only {} layers", options.mapping->file,
                                   options.mapping->layers[layers].line, layers));
  if (options.mapping_text != nullptr)
    *options.mapping_text = mapping_text(model, segments, config);
}

}  // namespace

Program compile(const model::Graph& graph, const spec::Config& config,
                const CompileOptions& options) {
  spec::check(config);
  const model::Graph whole = prepared(graph, config, options);
  const BatchOverCores shares = batch_over_cores(whole, config);
  Candidate best = best_order(graph_of_one_core(whole, shares), config, options, shares.cores);
  map(best, graph.name, config, options);
  print(options, "rewrite", [&] { return model::to_text(best.graph); });
  std::vector<Program> programs;
  for (const PlannedSegment& segment : best.segments) {
    if (options.printed != nullptr && best.segments.size() > 1 && options.print_after != "rewrite")
      *options.printed +=
          fmt::format("segment {} of {}\n", programs.size() + 1, best.segments.size());
    programs.push_back(compile_segment(segment, config, options));
    if (shares.cores > 1)
      distribute_program(programs.back(), shares, 4 * segment.planned.plan.core_words,
                         &segment == &best.segments.front(), &segment == &best.segments.back());
    verify_own(programs.back());
  }
  Program first = std::move(programs.front());
  first.rest.assign(std::make_move_iterator(programs.begin() + 1),
                    std::make_move_iterator(programs.end()));
  first.removed = best.removed;
  return first;
}

Program compile_shapes(Network network, const spec::Config& config) {
  spec::check(config);
  return program_of(search(std::move(network), config), config, {});
}

}  // namespace trine::compiler
