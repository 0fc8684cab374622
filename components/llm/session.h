// SPDX-License-Identifier: Apache-2.0
//
// Generates a text token by token, either with the golden layers only, or with the machine, whose
// memory keeps weights and caches from token to token; the golden layers check it.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "components/llm/quantize.h"
#include "sim/arch/simulate.h"
#include "sim/result.h"
#include "sim/rtl/simulate.h"
#include "spec/config.h"

namespace trine::llm {

/// The backend that computes the tokens.
enum class Backend { kGolden, kArch, kRtl };

/// The options of a session.
struct SessionOptions {
  Backend backend = Backend::kRtl;
  spec::Config config;  ///< unused with kGolden
  /// Position of the machine's first token; the golden layers compute the tokens before it.
  int first = 0;
  sim::ArchOptions arch;
  sim::RtlOptions rtl;
};

/// The result of one or several tokens; bytes and cycles are zeros with kGolden.
struct Step {
  Array sums;  ///< sums of the classifier
  std::vector<float> logits;
  std::string difference;  ///< first difference between the machine and the golden layers; "": none
  compiler::Program program;
  sim::RunResult run;
  /// Bytes of weights and caches that the token reads, which no cache on the chip can avoid.
  std::int64_t bytes_needed = 0;
  /// Bytes that the host wrote to DRAM for the step: program, input, and changed constants.
  std::int64_t host_bytes = 0;
};

/// A text in progress.
class Session {
 public:
  /// @param model  outlives the session
  Session(const QuantizedModel& model, SessionOptions options);

  /// Returns the logits after these tokens at the next positions.
  /// @throws Error  the context is full, the model does not fit the machine, or the RTL fails
  Step step(const std::vector<int>& tokens);
  Step step(int token) { return step(std::vector<int>{token}); }
  /// Returns true if the machine has enough memory for the next `count` tokens in one run.
  bool fits(int count);
  int position() const { return position_; }

 private:
  /// Runs step.program.
  void run_machine(const std::vector<Array>& inputs, const std::vector<Array>& golden, Step& step);

  const QuantizedModel& model_;
  SessionOptions options_;
  int position_ = 0;
  std::vector<Array> states_;       ///< golden keys and values of each layer
  std::vector<std::uint8_t> dram_;  ///< the machine's DRAM
  /// Program that fits() compiled for the next step, and its number of tokens.
  std::optional<std::pair<int, compiler::Program>> next_;
};

}  // namespace trine::llm
