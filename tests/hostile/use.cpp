// SPDX-License-Identifier: Apache-2.0

#include "tests/hostile/use.h"

#include <algorithm>
#include <stdexcept>

#include "sim/arch/simulate.h"
#include "spec/runs.h"
#include "sw/base/error.h"
#include "sw/compiler/compiler.h"
#include "sw/reference/golden.h"

namespace trine::hostile {
namespace {

constexpr std::int64_t kMostWork = std::int64_t{1} << 22;  ///< approximate steps of a loop
constexpr std::int64_t kMostBytes = std::int64_t{1} << 22;
constexpr int kMostKib = 1024;
constexpr std::size_t kMostOps = 64;

/// Returns an estimate of the elements and products of all operators.
std::int64_t work_of(const model::Graph& graph) {
  std::int64_t work = 0;
  for (const model::Tensor& t : graph.tensors) work = std::min(kMostWork, work + t.elements());
  for (const model::Op& op : graph.ops) {
    const std::int64_t window = std::int64_t{op.filter_h} * op.filter_w;
    const std::int64_t macs = model::macs(graph, op);
    work = std::min(kMostWork, work + std::min(kMostWork, macs));
    work = std::min(kMostWork, work + graph.out(op).elements() * std::min(kMostWork, window));
  }
  return work;
}

/// Returns the words moved, or the steps of all lanes and columns.
std::int64_t work_of(isa::Engine engine, const isa::Registers& registers,
                     const spec::Config& config) {
  namespace agu = isa::agu;
  if (engine == isa::Engine::kLoad || engine == isa::Engine::kStore) {
    const isa::TransferRegisters r(registers);
    return (r.get(isa::dma::kRowsLast) + 1) * r.get(isa::dma::kWords);
  }
  const isa::LaneRegisters r(registers);
  const bool compute = engine == isa::Engine::kCompute;
  std::int64_t work = config.rows;
  for (const isa::LaneField& field : {agu::kWordsLast, agu::kRLast, agu::kSLast, agu::kTilesLast})
    work = std::min(kMostWork, work * (r.get(field) + 1));
  return compute ? work * (r.get(agu::kGroupsLast) + 1) * config.cols : 4 * work;
}

std::int64_t work_of(const compiler::Program& program) {
  std::int64_t work = work_of(program.before) + work_of(program.after);
  isa::for_each_run(program.words, [&](std::size_t, isa::Engine engine,
                                       const isa::Registers& registers, const isa::Run&) {
    work = std::min(kMostWork, work + work_of(engine, registers, program.config));
  });
  return work;
}

bool is_small(const compiler::Program& program) {
  return program.dram_bytes <= kMostBytes && program.config.dmem_kib <= kMostKib &&
         program.config.pmem_kib <= kMostKib && work_of(program) < kMostWork;
}

Array zeros(const model::Tensor& t) {
  Array array{std::string(model::npy_code(t.type)), {t.shape.begin(), t.shape.end()}, {}};
  array.bytes.resize(static_cast<std::size_t>(t.elements() * model::bytes_of(t.type)));
  return array;
}

/// Returns a configuration with all features, and one with few.
std::vector<spec::Config> configurations() {
  spec::Config large, small;
  large.ternary = large.binary = true;
  large.activations16 = true;
  large.columns_per_cycle = 2;
  small.rows = small.cols = 4;
  small.dmem_kib = 16;
  small.pmem_kib = 4;
  small.param_channels = 64;
  small.axi_data_bits = 32;
  small.vector = small.table = small.softmax = small.depthwise = small.matmul = false;
  return {large, small};
}

}  // namespace

void run_program(const compiler::Program& program) {
  const auto segments = compiler::segments(program);
  if (!std::all_of(segments.begin(), segments.end(), [](const auto* s) { return is_small(*s); }))
    return;
  std::vector<Array> arrays;
  for (const int t : program.before.inputs) arrays.push_back(zeros(program.before.tensor(t)));
  for (const compiler::Program* segment : segments)
    arrays = sim::run_arch(*segment, arrays).outputs;
}

void compile_and_run(const model::Graph& graph) {
  if (graph.ops.size() > kMostOps || work_of(graph) >= kMostWork) return;
  std::vector<Array> inputs;
  for (const int t : graph.inputs) inputs.push_back(zeros(graph.tensor(t)));
  try {
    reference::run_graph(graph, inputs);
  } catch (const Error&) {
    return;  // because of the data: for example an index out of range
  }
  for (const spec::Config& config : configurations()) {
    compiler::Program program;
    try {
      program = compiler::compile(graph, config, {.host = compiler::HostPart::kAnywhere});
    } catch (const Error&) {
      continue;
    }
    try {
      const std::string file = compiler::serialize(program);
      run_program(compiler::parse_program({file.begin(), file.end()}, "x.trine"));
    } catch (const Error& error) {
      throw std::logic_error(std::string("of our own compiler: ") + error.what());
    }
  }
}

}  // namespace trine::hostile
