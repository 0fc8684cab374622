// SPDX-License-Identifier: Apache-2.0

#include "components/fuzz/decoders.h"

#include <fmt/format.h>

#include <algorithm>

#include "components/llm/testing.h"
#include "sw/compiler/compiler.h"

namespace trine::fuzz {
namespace {

constexpr int kMostChannels = 320;
const std::vector<int> kHeads{16, 4, 8, 12, 20, 24, 32, 36, 40, 48, 64, 80, 96, 100, 128};

llm::WeightCodes any_codes(Builder& b, const spec::Config& config) {
  using llm::WeightCodes;
  std::vector<WeightCodes> codes{WeightCodes::kInt8};
  if (config.ternary) codes.push_back(WeightCodes::kTernary);
  if (config.weights4) codes.push_back(WeightCodes::kInt4);
  if (config.groups)
    codes.insert(codes.end(),
                 {WeightCodes::kInt4g32, WeightCodes::kInt4g64, WeightCodes::kInt4g128});
  codes.push_back(WeightCodes::kInt8m);
  return any(b, codes);
}

/// Returns possible head sizes for a number of channels; with `whole`, only divisors.
std::vector<int> head_sizes(int channels, bool whole) {
  std::vector<int> sizes;
  for (const int size : kHeads)
    if (size <= channels && (!whole || channels % size == 0)) sizes.push_back(size);
  return sizes;
}

/// Draws heads whose channels are whole groups.
void set_heads_of_groups(Builder& b, int group, int most, llm::Dimensions& d) {
  d.dim = group * b.number(1, std::max(1, most / group));
  d.heads = d.dim / any(b, head_sizes(d.dim, true));
  std::vector<int> divisors;
  for (int n = 1; n <= d.heads; ++n)
    if (d.heads % n == 0) divisors.push_back(n);
  d.kv_heads = any(b, divisors);
}

void set_heads(Builder& b, int most, llm::Dimensions& d) {
  const int size = any(b, head_sizes(most, false));
  d.kv_heads = b.number(1, std::min(4, most / size), 4);
  const int together = b.number(1, std::min(4, most / size / d.kv_heads), 4);
  d.heads = d.kv_heads * together;
  d.dim = d.heads * size;
}

/// @param most  channels
llm::Dimensions any_dimensions(Builder& b, int group, int most) {
  llm::Dimensions d;
  d.layers = b.number(1, 3);
  const bool whole = group > 0 && !once_in(b, 3);
  if (whole)
    set_heads_of_groups(b, group, most, d);
  else
    set_heads(b, most, d);
  const int inner = once_in(b, 3) ? b.number(1, 200) : 4 * b.number(1, 48);
  d.hidden = whole && once_in(b, 2) ? group * (1 + inner / group) : inner;
  d.vocabulary = b.number(2, once_in(b, 6) ? 600 : 64, 600);
  return d;
}

}  // namespace

llm::QuantizedModel Decoder::model() const {
  const llm::Checkpoint checkpoint = llm::parse_checkpoint(
      llm::testing::checkpoint_bytes(dims, data_seed, shared), "random decoder");
  return {checkpoint, llm::calibrate(checkpoint, 1, 16), context, codes};
}

Decoder any_decoder(Builder& b, const spec::Config& config) {
  Decoder d;
  d.codes = any_codes(b, config);
  // The parameter memory must hold a norm's channels: mostly no more channels than it has room for.
  const int most = once_in(b, 16) ? kMostChannels : std::min(kMostChannels, config.param_channels);
  d.dims = any_dimensions(b, llm::group_of(d.codes), most);
  d.shared = !once_in(b, 3);
  // The golden layers reach long contexts quickly.
  if (once_in(b, 3)) d.first = b.number(1, once_in(b, 4) ? 250 : 30, 250);
  d.prompt = b.number(1, once_in(b, 6) ? 70 : 20, 70);
  d.chunk = b.number(1, d.prompt + 2);
  const int read = d.first + d.prompt + b.number(0, 4);
  d.context = d.dims.positions = read + b.number(0, 3);
  for (int i = 0; i < read; ++i) d.tokens.push_back(b.content(0, d.dims.vocabulary - 1));
  d.data_seed = static_cast<std::uint32_t>(b.content(0, 1 << 30));
  return d;
}

model::Graph last_step(const Decoder& d) {
  return d.model().step_graph(static_cast<int>(d.tokens.size()) - 1);
}

namespace {

/// Returns the next tokens, as many of `count` as the session reads together.
std::vector<int> next_tokens(const Decoder& d, const llm::QuantizedModel& model,
                             const spec::Config& config, llm::Session& session, TextRun& run) {
  const int from = session.position(), begin = d.first, end = d.first + d.prompt;
  int count = from < begin ? begin : from < end ? std::min(d.chunk, end - from) : 1;
  for (; from >= begin && count > 1 && !session.fits(count); count /= 2) try {
      compiler::compile(model.step_graph(from, count), config, {});
    } catch (const model::Refusal& e) {
      if (!run.halved) run.halved = e;
    }
  return {d.tokens.begin() + from, d.tokens.begin() + from + count};
}

}  // namespace

TextRun run_text(const Decoder& d, llm::SessionOptions options) {
  const llm::QuantizedModel model = d.model();
  options.first = d.first;
  const spec::Config config = options.config;
  llm::SessionOptions golden;
  golden.backend = llm::Backend::kGolden;
  llm::Session session(model, std::move(options)), alone(model, golden);
  TextRun run;
  while (session.position() < std::ssize(d.tokens) && run.difference.empty()) {
    const std::vector<int> tokens = next_tokens(d, model, config, session, run);
    llm::Step step = session.step(tokens), last;
    for (const int token : tokens) last = alone.step(token);
    run.cycles += step.run.cycles;
    if (!step.difference.empty())
      run.difference = fmt::format("token {}: {}", session.position(), step.difference);
    else if (step.sums.bytes != last.sums.bytes)
      run.difference = fmt::format("token {}: {} tokens at once give other sums than one by one",
                                   session.position(), tokens.size());
    run.sums = std::move(step.sums);
  }
  return run;
}

std::string to_text(const Decoder& d) {
  return fmt::format(
      "decoder: {} layers of {} channels, {} heads of {} ({} of keys), {} inside, {} words{}; {}\n"
      "{} tokens by the golden layers, {} of a prompt, {} at once, {} one by one; context {}\n",
      d.dims.layers, d.dims.dim, d.dims.heads, d.dims.head(), d.dims.kv_heads, d.dims.hidden,
      d.dims.vocabulary, d.shared ? "" : ", a separate classifier",
      llm::weight_names()[static_cast<std::size_t>(d.codes)], d.first, d.prompt, d.chunk,
      static_cast<int>(d.tokens.size()) - d.first - d.prompt, d.context);
}

}  // namespace trine::fuzz
