// SPDX-License-Identifier: Apache-2.0

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <random>

#include "components/llm/deck.h"
#include "components/llm/import/import.h"
#include "components/llm/pair.h"
#include "components/llm/random_token.h"
#include "components/llm/session.h"
#include "components/llm/tokens/codec.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "tools/cli/common.h"
#include "tools/cli/measure/energy_report.h"
#include "tools/cli/run/network.h"
#include "tools/cli/run/rate.h"
#include "tools/cli/run/report.h"

namespace trine::cli {
namespace {

struct GenerateTextArguments {
  Output output;
  Design design;
  BackendOptions backend;
  std::string checkpoint, tokenizer, prompt, text, deck, random, weights;
  int tokens = 64, context = 0, from = 0, chunk = 0;
  bool layers = false;
  double temperature = 0, clock_mhz = 200;
  std::uint32_t seed = 1;
};

/// Draws a token by its probability.
int draw(const std::vector<float>& logits, double temperature, std::mt19937& random) {
  const float most = *std::max_element(logits.begin(), logits.end());
  std::vector<double> weights;
  for (const float v : logits) weights.push_back(std::exp((v - most) / temperature));
  return std::discrete_distribution<int>(weights.begin(), weights.end())(random);
}

/// Returns -log of the probability of `token`.
double surprise(const std::vector<float>& logits, int token) {
  const float most = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float v : logits) sum += std::exp(static_cast<double>(v - most));
  return std::log(sum) - (logits[static_cast<std::size_t>(token)] - most);
}

/// The cost of a text.
struct Totals {
  int golden = 0;    ///< tokens of the golden layers only
  int together = 0;  ///< on the machine, several together
  std::uint64_t together_cycles = 0;
  int tokens = 0;  ///< on the machine, one by one; all following figures are of these
  llm::Step last;
  std::uint64_t cycles = 0, last_cycles = 0;
  double bound_cycles = 0, last_bound = 0;
  std::int64_t host_bytes = 0;
  std::string difference;

  /// @param count  tokens of the step
  void add(llm::Step step, int count, int bus_bytes) {
    if (difference.empty() && !step.difference.empty())
      difference = fmt::format("token {}: {}", golden + together + tokens, step.difference);
    if (step.run.cycles == 0) {
      golden += count;
      return;
    }
    if (count > 1) {
      together += count;
      together_cycles += step.run.cycles;
      last = std::move(step);
      return;
    }
    ++tokens;
    last_cycles = step.run.cycles;
    last_bound = static_cast<double>(step.bytes_needed) / bus_bytes;
    cycles += last_cycles;
    bound_cycles += last_bound;
    host_bytes += step.host_bytes;
    last = std::move(step);
  }
};

class Writer {
 public:
  explicit Writer(const GenerateTextArguments& options)
      : o_(options),
        imported_(llm::read_model(o_.checkpoint)),
        checkpoint_(imported_.checkpoint),
        tokenizer_(llm::read_codec(o_.checkpoint, o_.tokenizer, checkpoint_.dims.vocabulary)),
        begin_(tokenizer_->encode("")),
        codes_(codes()),
        model_(checkpoint_, ranges(), context(), codes_) {
    if (o_.output.quiet || imported_.family.empty()) return;
    for (const std::string& note : imported_.notes)
      fmt::print(stderr, "{}: {}\n", o_.checkpoint, note);
    fmt::print(stderr, "{}: weights {}\n", o_.checkpoint, weights_text());
  }

  int run() {
    if (!o_.text.empty()) return measure();
    const std::vector<int> prompt = encoded_prompt();
    if (!o_.deck.empty()) return write_deck(prompt);
    llm::Session session(model_, session_options());
    std::mt19937 random{o_.seed};
    Json tokens = Json::array(), hashes = Json::array();
    llm::TokenText text(*tokenizer_);
    if (begin_.empty()) o_.output.print(text.next(prompt[0]));
    const auto write = [&](int chosen) {
      o_.output.print(text.next(chosen));
      tokens.push_back(chosen);
    };
    std::vector<int> read = next_of(prompt, session);
    Progress progress("prompt", o_.output.quiet);
    while (session.position() < steps_behind(prompt)) {
      const int before = session.position();
      const llm::Step step = session.step(read);
      totals_.add(step, static_cast<int>(read.size()), bus_bytes());
      for (std::size_t i = 1; i < read.size(); ++i) {
        write(read[i]);
        hashes.push_back(nullptr);
      }
      hashes.push_back(fmt::format("{:08x}", llm::hash_words(step.sums.bytes)));
      read = next_of(prompt, session);
      if (before < std::ssize(prompt) && std::ssize(prompt) > 64)
        progress.update(fmt::format("{} of {} tokens", session.position(), prompt.size()));
      if (read.empty()) {
        read.push_back(choose(step, random));
        if (tokenizer_->ends().contains(read[0])) break;
      }
      write(read[0]);
      std::fflush(stdout);
    }
    const int wanted = static_cast<int>(prompt.size()) - 1 + o_.tokens;
    std::string full;
    if (session.position() == context() && wanted > context())
      full = fmt::format("the context of {} tokens is full (--context), {} more were requested\n",
                         context(), wanted - context());
    o_.output.print("\n");
    print_figures("\n" + full + layers() + summary());
    Json json = to_json();
    json["tokens"] = std::move(tokens);
    json["sums"] = std::move(hashes);
    o_.output.write_json(json, golden() ? nullptr : &config_);
    return result();
  }

 private:
  /// Returns the codes of the weights. Ternary weights of a file stay ternary.
  llm::WeightCodes codes() const {
    if (!o_.weights.empty()) return llm::weight_codes(o_.weights);
    return imported_.ternary ? llm::WeightCodes::kTernary : llm::WeightCodes::kInt8;
  }

  std::string weights_text() const {
    const std::string name = llm::weight_names()[static_cast<std::size_t>(codes_)];
    if (imported_.ternary && codes_ == llm::WeightCodes::kTernary) return "ternary, as in the file";
    return fmt::format("requantized to {}, the classifier's to int8 (--weights)", name);
  }

  llm::Ranges ranges() const {
    const std::set<int>& ends = tokenizer_->ends();
    const int begin = !begin_.empty() ? begin_.back() : ends.empty() ? 0 : *ends.begin();
    return llm::calibrate(checkpoint_, 3, 256, begin % checkpoint_.dims.vocabulary, ends);
  }

  /// Prints figures to stderr, so that stdout contains only the text.
  void print_figures(const std::string& text) const {
    flush_stdout();
    if (!o_.output.quiet) fmt::print(stderr, "{}", text);
  }

  int context() const {
    return o_.context > 0 ? o_.context : std::min(checkpoint_.dims.positions, 256);
  }

  std::vector<int> encoded_prompt() const {
    std::vector<int> prompt = tokenizer_->encode(o_.prompt);
    if (prompt.empty())
      throw_error("--prompt: is required: {} has no token that begins a text", o_.checkpoint);
    if (static_cast<int>(prompt.size()) > context())
      throw_error("--prompt: {} tokens, the context has room for {}", prompt.size() - 1,
                  context() - 1);
    return prompt;
  }

  /// Returns the next tokens of the prompt, as many as the machine reads together; none of them
  /// exceeds --from.
  std::vector<int> next_of(const std::vector<int>& prompt, llm::Session& session) const {
    const int read = session.position();
    const auto first = prompt.begin() + std::min<std::ptrdiff_t>(read, std::ssize(prompt));
    constexpr int kChunk = 64;
    int count = std::min(o_.chunk > 0 ? o_.chunk : kChunk, static_cast<int>(prompt.end() - first));
    if (read < o_.from) count = std::min(count, o_.from - read);
    while (count > 1 && !session.fits(count)) count /= 2;
    return {first, first + count};
  }

  /// Returns the number of tokens that the model reads: all but the last one.
  int steps_behind(const std::vector<int>& prompt) const {
    return std::min(static_cast<int>(prompt.size()) - 1 + o_.tokens, context());
  }

  int choose(const llm::Step& step, std::mt19937& random) const {
    return o_.temperature == 0 ? model_.most_likely(step.sums)
                               : draw(step.logits, o_.temperature, random);
  }

  int write_deck(const std::vector<int>& prompt) {
    config_ = o_.design.load();
    const int steps = steps_behind(prompt);
    Progress progress("deck", o_.output.quiet);
    const llm::Deck deck = llm::write_deck(
        model_, *tokenizer_, {config_, prompt, steps, [&](int step) {
                                progress.update(fmt::format("step {} of {}", step, steps));
                              }});
    write_file(o_.deck, deck.bytes);
    o_.output.print(fmt::format("{}: {} steps on {}, {} bytes, {} of the machine's memory\n",
                                o_.deck, steps, config_.name, grouped(deck.bytes.size()),
                                grouped(deck.memory_bytes)));
    o_.output.write_json(Json{{"model", o_.checkpoint},
                              {"steps", steps},
                              {"bytes", deck.bytes.size()},
                              {"memory_bytes", deck.memory_bytes}},
                         &config_);
    return kSuccess;
  }

  bool golden() const { return o_.backend.backend == "golden"; }
  int bus_bytes() const { return golden() ? 1 : config_.axi_data_bits / 8; }

  llm::SessionOptions session_options() {
    llm::SessionOptions s;
    if (golden()) {
      s.backend = llm::Backend::kGolden;
      return s;
    }
    config_ = o_.design.load();
    s.config = config_;
    s.first = o_.from;
    s.backend = o_.backend.backend == "arch" ? llm::Backend::kArch : llm::Backend::kRtl;
    s.arch.bus = {o_.backend.axi_latency, static_cast<double>(o_.backend.axi_bytes_per_cycle)};
    s.rtl = o_.backend.rtl(o_.output.quiet);
    return s;
  }

  /// Measures the perplexity of a text, in windows of the context's size.
  int measure() {
    const std::vector<int> tokens = tokenizer_->encode(read_text(o_.text));
    if (tokens.size() < 2) throw_error("{}: contains no text", o_.text);
    llm::FloatModel floats(checkpoint_);
    std::unique_ptr<llm::Session> session;
    double sum = 0, float_sum = 0;
    int count = 0;
    Progress progress("perplexity", o_.output.quiet);
    for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
      if (i % static_cast<std::size_t>(context()) == 0) {
        floats.clear();
        session = std::make_unique<llm::Session>(model_, session_options());
      }
      const llm::Step step = session->step(tokens[i]);
      totals_.add(step, 1, bus_bytes());
      sum += surprise(step.logits, tokens[i + 1]);
      float_sum += surprise(floats.step(tokens[i]), tokens[i + 1]);
      ++count;
      progress.update(fmt::format("{} of {} tokens", count, tokens.size() - 1));
    }
    const double perplexity = std::exp(sum / count), float_perplexity = std::exp(float_sum / count);
    o_.output.print(fmt::format(
        "{}: {} tokens, windows of {}: perplexity {:.3f}, float32 {:.3f} ({:+.1f} %)\n{}", o_.text,
        count, context(), perplexity, float_perplexity, 100 * (perplexity / float_perplexity - 1),
        summary()));
    Json json = to_json();
    json["perplexity"] = perplexity;
    json["perplexity_float32"] = float_perplexity;
    o_.output.write_json(json, golden() ? nullptr : &config_);
    return result();
  }

  double per_second(double cycles) const { return cycles > 0 ? o_.clock_mhz * 1e6 / cycles : 0; }

  std::string summary() const {
    const std::string exact =
        totals_.difference.empty() ? "all sums and caches equal the golden layers'\n" : "";
    std::string text;
    if (totals_.together > 0)
      text = fmt::format(
          "prompt: {} tokens at once ({}, {}): {} cycles, {} a token\n", totals_.together,
          config_.name, o_.backend.backend, grouped(totals_.together_cycles),
          grouped(totals_.together_cycles / static_cast<std::uint64_t>(totals_.together)));
    if (totals_.tokens == 0)
      return text + (text.empty() ? fmt::format("{} tokens by the golden layers\n", totals_.golden)
                                  : exact);
    const double mean = static_cast<double>(totals_.cycles) / totals_.tokens;
    return text + fmt::format(
                      "{} tokens on {} ({}): {} cycles a token, {:.0f} tokens/s at {:g} MHz, "
                      "{:.1f} % of what the bus allows\n"
                      "last token: {} cycles, {:.1f} % of what the bus allows, {} on {}; the host "
                      "wrote {} "
                      "bytes a token\n{}",
                      totals_.tokens, config_.name, o_.backend.backend,
                      grouped(static_cast<std::uint64_t>(mean)), per_second(mean), o_.clock_mhz,
                      100 * totals_.bound_cycles / static_cast<double>(totals_.cycles),
                      grouped(totals_.last_cycles),
                      100 * totals_.last_bound / static_cast<double>(totals_.last_cycles),
                      energy_text(energy().sum.total()), EnergyOptions().table,
                      grouped(static_cast<std::uint64_t>(totals_.host_bytes / totals_.tokens)),
                      exact);
  }

  /// Returns the chip's energy for the last token.
  EnergyReport energy() const {
    const EnergyOptions options;
    return energy_report(totals_.last.program, totals_.last.run, options, options.read());
  }

  /// Returns the layers of the last step.
  std::string layers() const {
    if (!o_.layers || totals_.tokens + totals_.together == 0) return "";
    Execution e;
    e.add(totals_.last.run, totals_.last.difference.empty());
    e.clock_ns = 1000 / o_.clock_mhz;
    return to_text(totals_.last.program, e, o_.backend.backend, {.details = true}) + "\n";
  }

  Json to_json() const {
    Json json;
    json["model"] = o_.checkpoint;
    json["backend"] = o_.backend.backend;
    json["steps"] = totals_.tokens;
    json["golden_steps"] = totals_.golden;
    json["prompt_tokens"] = totals_.together;
    json["prompt_cycles"] = totals_.together_cycles;
    if (totals_.tokens + totals_.together > 0) json["exact"] = totals_.difference.empty();
    if (totals_.tokens == 0) return json;
    json["cycles"] = totals_.cycles;
    json["bus_bound_cycles"] = totals_.bound_cycles;
    json["last_cycles"] = totals_.last_cycles;
    json["last_bus_bound_cycles"] = totals_.last_bound;
    json["last_program_bytes"] = 8 * totals_.last.program.words.size();
    json["last_dram_bytes_read"] = totals_.last.run.dram_bytes_read;
    json["last_energy_pj"] = energy().sum.total();
    json["clock_mhz"] = o_.clock_mhz;
    json["tokens_per_second"] = per_second(static_cast<double>(totals_.cycles) / totals_.tokens);
    return json;
  }

  int result() const {
    if (totals_.difference.empty()) return kSuccess;
    fmt::print(stderr, "{}: differs from the golden layers: {}\n", o_.checkpoint,
               totals_.difference);
    return kWrongResult;
  }

  const GenerateTextArguments& o_;
  const llm::ImportedModel imported_;
  const llm::Checkpoint& checkpoint_;
  const std::unique_ptr<llm::TokenCodec> tokenizer_;
  const std::vector<int> begin_;  ///< tokens before a text
  const llm::WeightCodes codes_;
  const llm::QuantizedModel model_;
  spec::Config config_;
  Totals totals_;
};

/// Runs a token of a random model of that shape instead of a text.
int run_random(const GenerateTextArguments& o) {
  for (const auto& [name, value] :
       {std::pair("MODEL", o.checkpoint), std::pair("--tokenizer", o.tokenizer),
        std::pair("--prompt", o.prompt), std::pair("--perplexity", o.text),
        std::pair("--deck", o.deck)})
    if (!value.empty())
      throw_error("--random: not allowed with {}, because it writes no text", name);
  if (o.backend.backend == "golden")
    throw_error("--random: not allowed with --backend golden, allowed arch and rtl");
  o.backend.check();
  o.output.check({}, {{"--config", o.design.config}});
  const int chunk = std::max(o.chunk, 1), context = std::max(256, chunk);
  return run_random_token({o.random, o.weights, o.context > 0 ? o.context : context, o.from, chunk,
                           o.layers, o.seed, o.clock_mhz},
                          o.design.load(), o.backend, o.output);
}

/// Runs a folder with an encoder and a decoder instead of a language model.
int run_line(const GenerateTextArguments& o) {
  const std::pair<const char*, bool> others[] = {{"--tokenizer", !o.tokenizer.empty()},
                                                 {"--perplexity", !o.text.empty()},
                                                 {"--deck", !o.deck.empty()},
                                                 {"--weights", !o.weights.empty()},
                                                 {"--temperature", o.temperature != 0},
                                                 {"--from", o.from != 0},
                                                 {"--chunk", o.chunk != 0}};
  for (const auto& [name, is_given] : others)
    if (is_given)
      throw_error("{}: not allowed for an encoder and a decoder, as in {}", name, o.checkpoint);
  o.output.check({}, {{"--config", o.design.config}});
  return run_pair(
      {o.checkpoint, o.prompt, o.tokens, o.context > 0 ? o.context : 256, o.clock_mhz, o.layers},
      o.design, o.backend, o.output);
}

int run(const GenerateTextArguments& options) {
  if (!options.random.empty()) return run_random(options);
  if (options.checkpoint.empty())
    throw_error("trine generate-text: MODEL is required, or --random SHAPE");
  if (options.backend.backend != "golden") options.backend.check();
  if (options.backend.backend != "golden" && options.design.config.empty())
    throw_error("trine generate-text: --config is required, or --backend golden");
  if (!options.backend.trace_file.empty())
    throw_error("--trace: not supported, because each token is a separate run; use trine run");
  if (is_pair(options.checkpoint)) return run_line(options);
  if (!options.deck.empty() && (options.backend.backend == "golden" || !options.text.empty() ||
                                options.temperature != 0 || options.from != 0))
    throw_error("--deck: not allowed with --backend golden, --perplexity, --temperature or --from");
  options.output.check({{"--deck", options.deck}}, {{"MODEL", options.checkpoint},
                                                    {"--tokenizer", options.tokenizer},
                                                    {"--perplexity", options.text},
                                                    {"--config", options.design.config}});
  return Writer(options).run();
}

}  // namespace

void add_generate_text(Command app, Action& action) {
  const auto [command, options] = add_command<GenerateTextArguments>(
      app, action, "generate-text",
      "generate text on the machine, with a LLaMA or an encoder and a decoder", run);
  add_value(command, "MODEL", options->checkpoint,
            "GGUF, a Hugging Face folder (config.json, safetensors), a\n"
            "checkpoint of llama2.c (.bin), or a folder of encoder.onnx,\n"
            "decoder.onnx (or .tflite) and symbols.txt");
  add_value(command, "--tokenizer F", options->tokenizer,
            "tokenizer, if MODEL has none or to replace it: tokenizer.json\n"
            "(byte-level BPE), .model of SentencePiece, GGUF, or llama2.c's .bin");
  add_value(command, "--random SHAPE", options->random,
            "instead of a text: run one token of a model of this shape with random\n"
            "weights. SHAPE: a name of estimate --table that has a gate, NAME:N for\n"
            "N of its layers, or layers,channels,inner,heads,heads of keys,words");
  options->design.declare(command)->required(false);
  options->backend.declare(command, true);
  options->output.declare(command);
  add_value(command, "--prompt TEXT", options->prompt, "how the text begins");
  add_value(command, "--chunk N", options->chunk,
            "tokens of the prompt that are read together, fewer if they do not\n"
            "fit (64); with --random: tokens computed together (1)")
      ->check(range(1, 1 << 20));
  add_value(command, "--tokens N", options->tokens, "tokens to write after the prompt (64)")
      ->check(range(1, 1 << 20));
  add_value(command, "--weights W", options->weights,
            "int8: a scale for each output channel; int8m: one for each matrix;\n"
            "ternary: -1, 0, 1, for models trained so; int4; int4g32, int4g64,\n"
            "int4g128: a scale for each group of channels (int8, or ternary if MODEL\n"
            "is; with --random: the weights of the shape)")
      ->check(one_of(llm::weight_names()));
  add_value(command, "--context N", options->context, "tokens that the caches have room for (256)")
      ->check(range(1, 1 << 20));
  add_value(command, "--temperature T", options->temperature,
            "temperature of the random choice; 0: always the most likely token (0)")
      ->check(range(0.0, 100.0));
  add_value(command, "--from N", options->from,
            "use only the golden layers for N tokens, then the machine (0); with\n"
            "--random: number of earlier tokens, whose keys and values are random")
      ->check(range(0, 1 << 20));
  command.add_flag("--layers", options->layers,
                   "report the cycles of the last token, layer by layer");
  add_value(command, "--seed N", options->seed, "seed of the random choice of tokens (1)");
  add_value(command, "--clock-mhz F", options->clock_mhz, "clock for the tokens per second (200)")
      ->check(range(0.001, 1e5));
  add_value(command, "--perplexity F.txt", options->text,
            "write no text: report the perplexity of this file's text, and float32's");
  add_value(command, "--deck FILE", options->deck,
            "print no text: write all that firmware needs to print it (docs/soc.md)");
  command.footer(
      "Weights are quantized to int8 per output channel, activations by their ranges in texts that "
      "the\nfloat32 model generates. Every sum and cache is compared with the golden "
      "layers.\n\n"
      "Examples:\n"
      "  trine generate-text model.gguf --config edge256 --prompt \"Once upon\"\n"
      "  trine generate-text folder --config edge256 --prompt \"Once upon\"\n"
      "  trine generate-text model.bin --tokenizer tok.bin --config edge256 --prompt \"Once "
      "upon\"\n"
      "  trine generate-text model.bin --tokenizer tok.bin --backend golden --tokens 200\n"
      "  trine generate-text model.bin --tokenizer tok.bin --config edge64 --deck story.deck\n"
      "  trine generate-text model.bin --tokenizer tok.bin --backend golden --perplexity t.txt\n"
      "  trine generate-text models/writer/onnx --config edge256 --prompt \"fifth of March 2024\"\n"
      "  trine generate-text --random bitnet-2b --config text1536");
}

}  // namespace trine::cli
