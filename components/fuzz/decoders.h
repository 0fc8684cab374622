// SPDX-License-Identifier: Apache-2.0
//
// Makes random decoders like LLaMA and a text for each: a prompt in one run, then token by token.
// The session that generates texts (components/llm/session.h) runs them, and the golden layers
// check them.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "components/llm/quantize.h"
#include "components/llm/session.h"
#include "spec/config.h"
#include "sw/model/graph/refusal.h"
#include "tools/random/builder.h"

namespace trine::fuzz {

/// A decoder and its text.
struct Decoder {
  llm::Dimensions dims;
  bool shared = true;  ///< the classifier is the embedding
  llm::WeightCodes codes = llm::WeightCodes::kInt8;
  int context = 1;
  int first = 0;                ///< number of tokens that only the golden layers read
  int prompt = 1, chunk = 1;    ///< number of prompt tokens after them, and tokens per run
  std::vector<int> tokens;      ///< first tokens, prompt, and the tokens that follow one by one
  std::uint32_t data_seed = 0;  ///< seed of the weights

  /// Returns the decoder's model.
  llm::QuantizedModel model() const;
};

/// Returns "2 layers of 64 channels, 4 heads of 16 (2 of keys), ...".
std::string to_text(const Decoder& d);

/// Draws any decoder whose weights the design supports.
Decoder any_decoder(Builder& b, const spec::Config& config);

/// Returns the network of the text's last step.
model::Graph last_step(const Decoder& d);

/// The result of a text.
struct TextRun {
  std::string difference;  ///< first difference from the golden layers; "": none
  Array sums;              ///< sums of the last token
  std::uint64_t cycles = 0;
  std::optional<model::Refusal> halved;  ///< reason why fewer tokens were read in a run
};

/// Runs the text. Sums and caches of each step must equal those of the golden layers. Several
/// tokens in one run must give the same results as one token per run.
/// @param options  the backend; `first` is set here
/// @throws Error  as Session, and if several tokens do not fit in one run for a reason that is not
/// a Refusal
TextRun run_text(const Decoder& d, llm::SessionOptions options);

}  // namespace trine::fuzz
