// SPDX-License-Identifier: Apache-2.0
//
// A token of a model too large to be held, or several at once: a program for all layers, one for
// the norm behind them, one for all parts of the classifier. Each runs with the constants of its
// layer on the one memory of the machine, a file, and is checked by the golden layers; then the
// next layer comes.
//
//   byte 0      what the programs have between their layers, one after the other
//               two vectors that layers hand on, in turns; the norm's codes; sums of all words
//               keys and values of each layer
//               constants of each layer, of the norm, of each part of the classifier
//   dram_bytes  the words of the program that runs

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mapped.h"
#include "machine/config.h"
#include "sim/arch/run.h"
#include "sim/result.h"
#include "sim/rtl/run.h"
#include "sw/compiler/shared.h"
#include "sw/program/relocate.h"
#include "tools/llm/deck.h"
#include "tools/llm/random_model.h"

namespace trine::llm {

struct WholeTokenOptions {
  bool rtl = true;  ///< else the architecture simulator
  machine::Config config;
  int position = 0;  ///< of the token; those before have random keys and values
  int count = 1;     ///< tokens at once from there on; the classifier reads the last one
  sim::ArchOptions arch;
  sim::RtlOptions rtl_options;
  std::filesystem::path folder;  ///< for the memory's file
  std::function<bool()> go_on;   ///< asked now and then, unless empty
};

/// Processor seconds.
struct Seconds {
  double compile = 0, golden = 0, machine = 0;
};

class WholeToken {
 public:
  /// Compiles. @param model  outlives it
  /// @throws Error  what does not fit the machine, its addresses or the disk
  WholeToken(const RandomModel& model, WholeTokenOptions options);
  ~WholeToken();

  int steps() const { return model_.layers() + 1 + model_.parts(); }
  /// By the simulator, without data.
  std::uint64_t predicted_cycles() const { return predicted_; }
  std::int64_t memory_bytes() const { return dram_bytes_ + words_bytes_; }
  /// Weights and caches.
  std::int64_t bytes_needed() const;
  /// Multiplications of all programs, those with rotations and scores of later tokens left out.
  std::int64_t macs() const;
  std::int64_t classifier_macs() const;
  const Seconds& seconds() const { return seconds_; }
  /// Programs that were compiled: instructions of each.
  std::vector<std::size_t> program_words() const;

  struct Step {
    std::string name;  ///< "layer 3"
    sim::RunResult run;
    std::string difference;  ///< to the golden layers; "": none
    compiler::Program program;
  };
  /// The next one. @pre not all are done. @throws Error  the RTL fails, or go_on() said no
  Step next();
  /// FNV-1a of all words' sums so far.
  std::uint32_t hash() const { return hash_; }

 private:
  /// A compiled program, and where what it has lies for one of the layers.
  struct Compiled {
    explicit Compiled(compiler::SharedProgram p);
    compiler::SharedProgram shared;
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
  std::int64_t vectors_[2] = {}, codes_ = 0, sums_ = 0;  ///< places
  std::vector<std::int64_t> caches_[2], constants_;      ///< of each layer, of each step
  std::uint64_t predicted_ = 0;
  std::unique_ptr<MappedMemory> memory_;
  std::unique_ptr<sim::RtlRunner> runner_;
  std::optional<compiler::Program> last_;  ///< that the runner has
  int step_ = 0;
  Array x_;  ///< golden: what the next step reads
  std::uint32_t hash_ = hash_words({});
};

}  // namespace trine::llm
