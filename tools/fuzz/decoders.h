// SPDX-License-Identifier: Apache-2.0
//
// Random decoders like LLaMA and a text of each: a prompt at once, then token by token, by the
// session that writes texts (tools/llm/session.h), which the golden layers check.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "machine/config.h"
#include "sw/model/refusal.h"
#include "tools/fuzz/builder.h"
#include "tools/llm/quantize.h"
#include "tools/llm/session.h"

namespace trine::fuzz {

struct Decoder {
  llm::Dimensions dims;
  bool shared = true;  ///< the classifier is the embedding
  llm::WeightCodes codes = llm::WeightCodes::kInt8;
  int context = 1;
  int first = 0;                ///< tokens that the golden layers read alone
  int prompt = 1, chunk = 1;    ///< tokens behind those, and how many at once
  std::vector<int> tokens;      ///< the first ones, the prompt, and what follows one by one
  std::uint32_t data_seed = 0;  ///< of the weights

  llm::QuantizedModel model() const;
};

/// "2 layers of 64 channels, 4 heads of 16 (2 of keys), ..."
std::string to_text(const Decoder& d);

/// Any, with weights that the design has.
Decoder any_decoder(Builder& b, const machine::Config& config);

/// The network of its last step.
model::Graph last_step(const Decoder& d);

struct TextRun {
  std::string difference;  ///< the first one to the golden layers; "": none
  Array sums;              ///< of the last token
  std::uint64_t cycles = 0;
  std::optional<model::Refusal> halved;  ///< why fewer tokens were read at once
};

/// Reads the text. Each step's sums and caches must be the golden layers', and what tokens at once
/// give what they give one by one.
/// @param options  where; its first is set here. @throws Error  as Session, also for what is too
/// much at once but for no Refusal
TextRun run_text(const Decoder& d, llm::SessionOptions options);

}  // namespace trine::fuzz
