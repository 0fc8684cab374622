// SPDX-License-Identifier: Apache-2.0

#include "components/llm/whole_token.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include "sw/base/division.h"
#include "sw/base/error.h"
#include "sw/base/index.h"
#include "sw/program/host.h"
#include "sw/reference/golden.h"

namespace trine::llm {
namespace {

constexpr std::int64_t kPage = 4096;

/// Adds the processor time of its lifetime, in seconds.
class Clock {
 public:
  explicit Clock(double* seconds) : seconds_(seconds), begin_(std::clock()) {}
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  ~Clock() { *seconds_ += static_cast<double>(std::clock() - begin_) / CLOCKS_PER_SEC; }

 private:
  double* seconds_;
  std::clock_t begin_;
};

/// Returns a move of a whole tensor.
program::Move moved(const compiler::TensorLayout& layout, std::int64_t to) {
  return {layout.offset, layout.offset + layout.bytes(), to};
}

}  // namespace

WholeToken::Compiled::Compiled(compiler::ProgramTemplate p)
    : shared(std::move(p)), program(shared.program()) {
  image_bytes = std::ssize(program.image);
  program.image = {};
}

WholeToken::WholeToken(const RandomModel& model, WholeTokenOptions options)
    : model_(model), options_(std::move(options)) {
  {
    const Clock clock(&seconds_.compile);
    const auto compiled = [&](const model::Graph& graph) {
      return Compiled(compiler::ProgramTemplate(graph, options_.config));
    };
    layer_.emplace(compiled(model_.block(model_.weights(0), options_.position, options_.count)));
    norm_.emplace(compiled(model_.norm(options_.count)));
    classifier_.emplace(compiled(model_.classifier(model_.classifier(0))));
    lay_out();
    predict();
  }
  const std::uint64_t end = options_.rtl_options.base_address + at(memory_bytes());
  const int bits = options_.config.axi_addr_bits;
  if (bits < 64 && end > std::uint64_t{1} << bits)
    throw_error(
        "needs {} bytes of memory from {:#x} on, but bus.axi_addr_bits = {} reaches only {} "
        "(--set)",
        memory_bytes(), options_.rtl_options.base_address, bits, std::uint64_t{1} << bits);
  memory_ = std::make_unique<MappedMemory>(options_.folder, at(memory_bytes()));
  x_ = model_.embedding(options_.count);
}

WholeToken::~WholeToken() = default;

std::vector<std::size_t> WholeToken::program_words() const {
  return {layer_->program.words.size(), norm_->program.words.size(),
          classifier_->program.words.size()};
}

std::int64_t WholeToken::bytes_needed() const {
  return model_.weight_bytes(options_.config) + std::int64_t{2} * model_.layers() *
                                                    (options_.position + options_.count) *
                                                    model_.dims().kv_dim();
}

std::int64_t WholeToken::macs() const {
  const Dimensions& d = model_.dims();
  const std::int64_t D = d.dim, n = options_.count;
  const std::int64_t block = 2 * D * D + 2 * D * d.kv_dim() + 3 * D * d.hidden;
  const std::int64_t seen = n * options_.position + n * (n + 1) / 2;
  return model_.layers() * (n * block + 2 * D * seen) + classifier_macs();
}

std::int64_t WholeToken::classifier_macs() const {
  return std::int64_t{model_.dims().dim} * model_.dims().vocabulary;
}

// ---- places -------------------------------------------------------------------------------------

/// Returns room for `bytes` bytes, at the same offset in a page as in the program, so that bursts
/// are split at the same places.
std::int64_t WholeToken::take(std::int64_t bytes, std::int64_t like) {
  const std::int64_t place = dram_bytes_ + like % kPage;
  dram_bytes_ = round_up(place + bytes, kPage);
  return place;
}

void WholeToken::lay_out() {
  for (const Compiled* c : {&*layer_, &*norm_, &*classifier_}) {
    dram_bytes_ = std::max(dram_bytes_, round_up(c->program.image_offset, kPage));
    // A program may have some words more if a register has changed.
    words_bytes_ = std::max(words_bytes_, round_up(16 * std::ssize(c->program.words), kPage));
  }
  const auto& in = layer_->program.inputs;
  const auto& out = layer_->program.outputs;
  for (std::int64_t& place : vectors_) place = take(out[0].bytes(), out[0].offset);
  codes_ = take(norm_->program.outputs[0].bytes(), norm_->program.outputs[0].offset);
  const compiler::TensorLayout& sums = classifier_->program.outputs[0];
  sums_ = take(model_.parts() * sums.bytes(), sums.offset);
  for (int layer = 0; layer < model_.layers(); ++layer)
    for (const std::size_t k : {0u, 1u})
      caches_[k].push_back(take(out[k + 1].bytes(), out[k + 1].offset));
  const auto constants = [&](const Compiled& c) {
    constants_.push_back(take(c.image_bytes, c.program.image_offset));
  };
  for (int layer = 0; layer < model_.layers(); ++layer) constants(*layer_);
  constants(*norm_);
  for (int part = 0; part < model_.parts(); ++part) constants(*classifier_);
  if (moved(in[0], 0).begin < moved(out[0], 0).end && moved(out[0], 0).begin < moved(in[0], 0).end)
    throw_error("{}: input and output are at the same address", layer_->program.name);
}

void WholeToken::predict() {
  const auto cycles = [&](const Compiled& c) {
    return sim::run_timing(c.program, options_.arch.bus).cycles;
  };
  predicted_ = static_cast<std::uint64_t>(model_.layers()) * cycles(*layer_) + cycles(*norm_) +
               static_cast<std::uint64_t>(model_.parts()) * cycles(*classifier_);
}

compiler::Program WholeToken::placed(const Inputs& inputs) const {
  compiler::Program p = inputs.compiled->program;
  p.name = inputs.name;
  p.words = program::relocated(inputs.compiled->program, inputs.moves);
  p.dram_bytes = dram_bytes_;
  for (auto* layouts : {&p.inputs, &p.outputs})
    for (compiler::TensorLayout& layout : *layouts)
      for (const program::Move& m : inputs.moves)
        if (layout.offset >= m.begin && layout.offset < m.end) {
          layout.offset += m.to - m.begin;
          break;
        }
  return p;
}

// ---- steps --------------------------------------------------------------------------------------

WholeToken::Inputs WholeToken::layer(int index) {
  Inputs step{fmt::format("layer {}", index + 1), &*layer_, {}, {x_}, {}};
  step.graph = model_.block(model_.weights(index), options_.position, options_.count);
  for (const bool values : {false, true})
    if (options_.position > 0)
      step.values.push_back(model_.cache(index, values, options_.position));
  const compiler::Program& p = layer_->program;
  step.moves = {
      moved(p.inputs[0], vectors_[index % 2]), moved(p.outputs[0], vectors_[(index + 1) % 2]),
      moved(p.outputs[1], caches_[0][at(index)]), moved(p.outputs[2], caches_[1][at(index)])};
  return step;
}

WholeToken::Inputs WholeToken::norm() {
  Inputs step{"norm", &*norm_, model_.norm(options_.count), {x_}, {}};
  step.moves = {moved(norm_->program.inputs[0], vectors_[model_.layers() % 2]),
                moved(norm_->program.outputs[0], codes_)};
  return step;
}

WholeToken::Inputs WholeToken::classifier(int part) {
  Inputs step{fmt::format("classifier {}", part + 1), &*classifier_, {}, {x_}, {}};
  step.graph = model_.classifier(model_.classifier(part));
  const compiler::TensorLayout& sums = classifier_->program.outputs[0];
  step.moves = {moved(classifier_->program.inputs[0], codes_),
                moved(sums, sums_ + part * sums.bytes())};
  return step;
}

sim::RunResult WholeToken::run(const compiler::Program& program) {
  const Clock clock(&seconds_.machine);
  if (!options_.rtl)
    return sim::run_arch_dram(program, memory_->bytes().first(at(dram_bytes_)), options_.arch);
  if (runner_)
    runner_->use(program);
  else
    runner_ = std::make_unique<sim::RtlRunner>(program, memory_->bytes(), options_.rtl_options);
  return runner_->run_in_place(options_.go_on);
}

WholeToken::Step WholeToken::next() {
  const int layers = model_.layers(), index = step_++;
  Inputs inputs = index < layers    ? layer(index)
                  : index == layers ? norm()
                                    : classifier(index - layers - 1);
  const std::int64_t offset = inputs.compiled->program.image_offset, place = constants_[at(index)];
  inputs.moves.push_back({offset, offset + inputs.compiled->image_bytes, place});
  std::uint8_t* memory = memory_->bytes().data();
  Step step{inputs.name, {}, {}, {}};
  std::vector<Array> golden;
  {
    const Clock clock(&seconds_.golden);
    golden = reference::outputs_of(
        inputs.graph, reference::run_graph(inputs.graph, inputs.values, reference::kDoublePolicy));
  }
  {
    const Clock clock(&seconds_.compile);
    step.program = placed(inputs);
    std::ranges::copy(inputs.compiled->shared.image_of(std::move(inputs.graph)), memory + place);
  }
  // The host writes the first vector and the previous contents of the cache; later vectors come
  // from the machine.
  for (std::size_t i = index == 0 ? 0 : 1; i < inputs.values.size(); ++i)
    compiler::to_planar(inputs.values[i].bytes.data(), step.program.inputs[i], memory);
  last_ = step.program;
  step.run = run(*last_);
  step.run.outputs = compiler::read_outputs(step.program, memory);
  step.difference = compiler::first_difference(step.program, step.run.outputs, golden);
  if (index <= layers)
    x_ = std::move(golden[0]);
  else
    hash_ = hash_words(step.run.outputs[0].bytes, hash_);
  memory_->let_go();
  return step;
}

}  // namespace trine::llm
