// SPDX-License-Identifier: Apache-2.0
//
// A text, token by token: by the golden layers alone, or by the machine, whose memory keeps weights
// and caches from token to token, and which the golden layers check.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "machine/config.h"
#include "sim/arch/run.h"
#include "sim/result.h"
#include "sim/rtl/run.h"
#include "tools/llm/quantize.h"

namespace trine::llm {

enum class Backend { kGolden, kArch, kRtl };

struct SessionOptions {
  Backend backend = Backend::kRtl;
  machine::Config config;  ///< not with kGolden
  int first = 0;  ///< position of the machine's first token: those before by the golden layers
  sim::ArchOptions arch;
  sim::RtlOptions rtl;
};

/// What tokens at once took; zeros with kGolden.
struct Step {
  Array sums;  ///< of the classifier
  std::vector<float> logits;
  std::string difference;  ///< of the machine to the golden layers; "": none
  compiler::Program program;
  sim::RunResult run;
  /// Weights and caches that the token reads, which no cache on chip can avoid.
  std::int64_t bytes_needed = 0;
  /// What the host wrote to DRAM for it: program, input, and constants that had changed.
  std::int64_t host_bytes = 0;
};

class Session {
 public:
  /// @param model  outlives the session
  Session(const QuantizedModel& model, SessionOptions options);

  /// Logits after these tokens at the next positions. @throws Error  the context is full, the model
  /// does not fit the machine, or the RTL fails
  Step step(const std::vector<int>& tokens);
  Step step(int token) { return step(std::vector<int>{token}); }
  /// Whether the machine has room for the next `count` tokens at once.
  bool fits(int count);
  int position() const { return position_; }

 private:
  /// Runs step.program.
  void run_machine(const std::vector<Array>& inputs, const std::vector<Array>& golden, Step& step);

  const QuantizedModel& model_;
  SessionOptions options_;
  int position_ = 0;
  std::vector<Array> states_;       ///< golden: keys and values of each layer
  std::vector<std::uint8_t> dram_;  ///< of the machine
  /// What fits() compiled for the next step, and for how many tokens.
  std::optional<std::pair<int, compiler::Program>> next_;
};

}  // namespace trine::llm
