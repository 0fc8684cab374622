// SPDX-License-Identifier: Apache-2.0
//
// Runs one or several tokens of a model that is too large for memory: one program for all layers,
// one for the final normalization, one for all parts of the classifier. The machine has one memory,
// which is a mapped file. A step runs one program with the constants of one layer. The golden
// layers check each step before the next one begins.
//
//   byte 0      maps of the running program; all programs use this memory in turn
//               two vectors that layers pass on in turn; the normalization's codes; sums of all
//               tokens of the vocabulary
//               keys and values of each layer
//               constants of each layer, of the normalization, of each part of the classifier
//   dram_bytes  the words of the running program

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "components/llm/deck.h"
#include "components/llm/random_model.h"
#include "sim/arch/simulate.h"
#include "sim/result.h"
#include "sim/rtl/simulate.h"
#include "spec/config.h"
#include "sw/base/mapped.h"
#include "sw/compiler/program_template.h"
#include "sw/program/relocate.h"

namespace trine::llm {

/// The options.
struct WholeTokenOptions {
  bool rtl = true;  ///< false: the architecture simulator
  spec::Config config;
  int position = 0;  ///< position of the token; preceding tokens have random keys and values
  int count = 1;  ///< number of tokens from `position` on in one run; the classifier reads the last
  sim::ArchOptions arch;
  sim::RtlOptions rtl_options;
  std::filesystem::path folder;  ///< folder for the memory's file
  std::function<bool()> go_on;   ///< called at intervals, if not empty; false ends the run
};

/// Processor time in seconds.
struct Seconds {
  double compile = 0, golden = 0, machine = 0;
};

/// A token in progress.
class WholeToken {
 public:
  /// Compiles the programs. @param model  outlives this object
  /// @throws Error  the model does not fit the machine, its addresses or the disk
  WholeToken(const RandomModel& model, WholeTokenOptions options);
  ~WholeToken();

  /// Returns the number of steps: layers, normalization, parts of the classifier.
  int steps() const { return model_.layers() + 1 + model_.parts(); }
  /// Returns the cycles that the simulator predicts without data.
  std::uint64_t predicted_cycles() const { return predicted_; }
  /// Returns the bytes of the machine's memory.
  std::int64_t memory_bytes() const { return dram_bytes_ + words_bytes_; }
  /// Returns the bytes of weights and caches.
  std::int64_t bytes_needed() const;
  /// Returns the multiplications of all programs, without rotations and without scores of later
  /// tokens.
  std::int64_t macs() const;
  std::int64_t classifier_macs() const;
  const Seconds& seconds() const { return seconds_; }
  /// Returns the number of instructions of each compiled program.
  std::vector<std::size_t> program_words() const;

  /// The result of a step.
  struct Step {
    std::string name;  ///< "layer 3"
    sim::RunResult run;
    std::string difference;  ///< first difference from the golden layers; "": none
    compiler::Program program;
  };
  /// Runs the next step. @pre not all steps are done. @throws Error  the RTL fails, or go_on()
  /// returned false
  Step next();
  /// Returns FNV-1a of the classifier's sums so far.
  std::uint32_t hash() const { return hash_; }

 private:
  /// A compiled program and the addresses of its data for one of the layers.
  struct Compiled {
    explicit Compiled(compiler::ProgramTemplate p);
    compiler::ProgramTemplate shared;
    compiler::Program program;  ///< without image
    std::int64_t image_bytes = 0;
  };
  struct Inputs {
    std::string name;
    Compiled* compiled = nullptr;
    model::Graph graph;
    std::vector<Array> values;
    std::vector<program::Move> moves;
  };

  void lay_out();
  void predict();
  std::int64_t take(std::int64_t bytes, std::int64_t like);
  Inputs layer(int index);
  Inputs norm();
  Inputs classifier(int part);
  compiler::Program placed(const Inputs& inputs) const;
  sim::RunResult run(const compiler::Program& program);

  const RandomModel& model_;
  WholeTokenOptions options_;
  Seconds seconds_;
  std::optional<Compiled> layer_, norm_, classifier_;
  std::int64_t dram_bytes_ = 0, words_bytes_ = 0;
  std::int64_t vectors_[2] = {}, codes_ = 0, sums_ = 0;  ///< addresses
  std::vector<std::int64_t> caches_[2], constants_;      ///< addresses by layer; by step
  std::uint64_t predicted_ = 0;
  std::unique_ptr<MappedMemory> memory_;
  std::unique_ptr<sim::RtlRunner> runner_;
  std::optional<compiler::Program> last_;  ///< the runner's program
  int step_ = 0;
  Array x_;  ///< golden input of the next step
  std::uint32_t hash_ = hash_words({});
};

}  // namespace trine::llm
