// SPDX-License-Identifier: Apache-2.0

#include "components/llm/session.h"

#include <algorithm>

#include "spec/precision.h"
#include "sw/base/error.h"
#include "sw/compiler/compiler.h"
#include "sw/program/host.h"
#include "sw/reference/golden.h"

namespace trine::llm {
namespace {

std::int64_t bytes_needed(const model::Graph& graph) {
  std::int64_t bytes = 0;
  for (const model::Op& op : graph.ops)
    if (op.kind == model::OpKind::kFullyConnected) {
      const model::Tensor& weights = graph.in(op, 1);
      const spec::Precision* packed = spec::find_precision(
          [&](const spec::Precision& p) { return p.name == model::name_of(weights.encoding); });
      bytes += weights.elements() / (packed == nullptr ? 1 : 8 / packed->bits);
    }
  for (const model::State& state : graph.states) bytes += graph.tensor(state.after).elements();
  return bytes;
}

/// Writes the lines of `image` that differ from memory. @return their bytes
std::int64_t update(const std::vector<std::uint8_t>& image, std::uint8_t* memory) {
  constexpr std::size_t kLine = 64;
  std::int64_t bytes = 0;
  for (std::size_t i = 0; i < image.size(); i += kLine) {
    const std::size_t count = std::min(kLine, image.size() - i);
    if (std::equal(&image[i], &image[i] + count, memory + i)) continue;
    std::copy(&image[i], &image[i] + count, memory + i);
    bytes += static_cast<std::int64_t>(count);
  }
  return bytes;
}

}  // namespace

Session::Session(const QuantizedModel& model, SessionOptions options)
    : model_(model), options_(std::move(options)) {}

bool Session::fits(int count) {
  if (position_ + count > model_.context()) return false;
  if (options_.backend == Backend::kGolden) return true;
  try {
    const model::Graph graph = model_.step_graph(position_, count);
    next_ = {count, compiler::compile(graph, options_.config, {})};
    return true;
  } catch (const Error&) {
    return false;
  }
}

Step Session::step(const std::vector<int>& tokens) {
  const auto count = static_cast<int>(tokens.size());
  if (position_ + count > model_.context())
    throw_error("the context of {} tokens is full (--context)", model_.context());
  const model::Graph graph = model_.step_graph(position_, count);
  position_ += count;
  std::vector<Array> inputs{model_.embedding(tokens)};
  inputs.insert(inputs.end(), states_.begin(), states_.end());
  std::vector<Array> golden =
      reference::outputs_of(graph, reference::run_graph(graph, inputs, reference::kDoublePolicy));
  Step step;
  step.bytes_needed = bytes_needed(graph);
  step.sums = golden[0];
  if (options_.backend != Backend::kGolden && position_ > options_.first) {
    if (next_ && next_->first == count)
      step.program = std::move(next_->second);
    else
      step.program = compiler::compile(graph, options_.config, {});
    run_machine(inputs, golden, step);
  }
  next_.reset();
  step.logits = model_.logits(step.sums);
  states_.assign(std::make_move_iterator(golden.begin() + 1),
                 std::make_move_iterator(golden.end()));
  return step;
}

void Session::run_machine(const std::vector<Array>& inputs, const std::vector<Array>& golden,
                          Step& step) {
  const compiler::Program& program = step.program;
  const bool is_first = dram_.empty();
  // States are at the beginning of memory, at the same place for every token, followed by
  // constants. Memory that is not initialized has arbitrary contents.
  dram_.resize(static_cast<std::size_t>(program.dram_bytes), 0xa5);
  if (is_first) compiler::write_inputs(program, inputs, dram_.data());
  step.host_bytes = update(program.image, dram_.data() + program.image_offset);
  compiler::to_planar(inputs[0].bytes.data(), program.inputs.at(0), dram_.data());
  step.host_bytes += static_cast<std::int64_t>(8 * program.words.size() + inputs[0].bytes.size());
  step.run = options_.backend == Backend::kArch
                 ? sim::run_arch_dram(program, dram_, options_.arch)
                 : sim::RtlRunner(program, options_.rtl).run_dram(dram_);
  step.run.outputs = compiler::read_outputs(program, dram_.data());
  step.difference = compiler::first_difference(program, step.run.outputs, golden);
  step.sums = step.run.outputs[0];
}

}  // namespace trine::llm
