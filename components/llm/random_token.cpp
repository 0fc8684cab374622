// SPDX-License-Identifier: Apache-2.0

#include "components/llm/random_token.h"

#include <fmt/ranges.h>
#include <malloc.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <sstream>

#include "components/llm/whole_token.h"
#include "sw/base/error.h"
#include "sw/base/interrupt.h"
#include "tools/cli/run/report.h"

namespace trine::cli {
namespace {

/// Returns the approximate cycles per second of a Verilated design on one core, by its multipliers.
double rtl_cycles_per_second(const spec::Config& config) {
  return 1 / (2e-6 + 2.4e-9 * config.peak_macs_per_cycle());
}
/// Multiply-accumulates per second of the architecture simulator, and of the other work of a run:
/// random weights, their constants, the golden layers.
constexpr double kArchRate = 2e8, kHostRate = 5e7;

/// Parses a positive number. @return 0 if it is not one
int number_of(const std::string& text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::max(value, 0) : 0;
}

/// Parses a name of estimate's, optionally with a number of layers, or six numbers of a LLaMA-like
/// model.
estimate::Transformer shape_of(const std::string& text) {
  if (text.find(',') == std::string::npos) {
    const std::size_t colon = text.find(':');
    estimate::Transformer t = estimate::transformer(text.substr(0, colon));
    const int layers = colon == std::string::npos ? t.layers : number_of(text.substr(colon + 1));
    if (layers < 1 || layers > t.layers)
      throw_error("--random {}: number of layers, allowed 1..{}", text, t.layers);
    t.layers = layers;
    return t;
  }
  std::vector<int> n;
  std::istringstream in(text);
  for (std::string field; std::getline(in, field, ',');) n.push_back(number_of(field));
  if (std::ranges::find(n, 0) != n.end()) n.clear();
  constexpr std::size_t kNumbers = 6;
  if (n.size() != kNumbers || n[1] % n[3] != 0 || n[1] / n[3] % 4 != 0 || n[3] % n[4] != 0)
    throw_error(
        "--random {}: allowed {}, or layers,channels,inner,heads,heads of keys,words with "
        "heads of a multiple of 4 channels",
        text, random_shapes());
  estimate::Transformer t{text, n[0], n[1], n[3], n[2], n[5]};
  t.key_heads = n[4];
  t.biases = t.input_biases = t.tied = false;
  t.gate = estimate::Gate::kSilu;
  return t;
}

std::string megabytes(std::int64_t bytes) {
  return fmt::format("{} MB", grouped(static_cast<std::uint64_t>((bytes + 500'000) / 1'000'000)));
}

class RandomToken {
 public:
  RandomToken(const RandomTokenOptions& o, const spec::Config& config,
              const BackendOptions& backend, const Output& output)
      : o_(o),
        shape_(shape_of(o.shape)),
        weights_(o.weights.empty() ? shape_.weights : o.weights),
        config_(config),
        backend_(backend),
        output_(output),
        model_(shape_, llm::weight_codes(weights_), o.context, o.seed) {
    if (o.position >= o.context)
      throw_error("--from {}: the context has room for {} tokens (--context)", o.position,
                  o.context);
    if (o.count > o.context - o.position)
      throw_error("--chunk {}: the context has room for {} tokens, --from {} (--context)", o.count,
                  o.context, o.position);
  }

  int run() {
    output_.print(description());
    // All layers allocate blocks of the same sizes: the process keeps them.
    ::mallopt(M_MMAP_THRESHOLD, 1 << 30);
    ::mallopt(M_TRIM_THRESHOLD, 1 << 30);
    const Interruption interruption;
    llm::WholeToken token(model_, token_options());
    output_.print(outlook(token));
    for (int i = 0; i < token.steps() && Interruption::signal() == 0; ++i)
      if (!step(token)) break;
    output_.print(layers_ + summary(token));
    output_.write_json(to_json(token), &config_);
    if (!difference_.empty()) {
      fmt::print(stderr, "{}: differs from the golden layers: {}\n", o_.shape, difference_);
      return kWrongResult;
    }
    return Interruption::signal() == 0 ? int{kSuccess} : int{kInterrupted};
  }

 private:
  llm::WholeTokenOptions token_options() const {
    llm::WholeTokenOptions t;
    t.rtl = backend_.backend == "rtl";
    t.config = config_;
    t.position = o_.position;
    t.count = o_.count;
    t.arch.bus = {backend_.axi_latency, static_cast<double>(backend_.axi_bytes_per_cycle)};
    t.rtl_options = backend_.rtl(output_.quiet);
    t.folder = std::filesystem::temp_directory_path();
    t.go_on = [] { return Interruption::signal() == 0; };
    return t;
  }

  std::string description() const {
    const llm::Dimensions& d = model_.dims();
    std::string text = fmt::format(
        "{}, random weights ({}): {} layers of {} channels, {} inside, {} heads of {}, {} of keys, "
        "{} words\n",
        o_.shape, weights_, model_.layers(), grouped(static_cast<std::uint64_t>(d.dim)),
        grouped(static_cast<std::uint64_t>(d.hidden)), d.heads, d.head(), d.kv_heads,
        grouped(static_cast<std::uint64_t>(d.vocabulary)));
    if (shape_.inner_norms)
      text += "the block is what estimate --table " + o_.shape +
              " counts: squared ReLU, inner norms; not BitNet's own, whose\n"
              "activations have a scale for each token\n";
    if (const int parts = llm::norm_parts(d.hidden); shape_.inner_norms && parts > 1)
      text +=
          fmt::format("its norm over {} channels is computed as {} norms over {} channels each\n",
                      grouped(static_cast<std::uint64_t>(d.hidden)), parts,
                      grouped(static_cast<std::uint64_t>(d.hidden / parts)));
    return text;
  }

  bool rtl() const { return backend_.backend == "rtl"; }
  std::uint64_t bus_bytes() const { return static_cast<std::uint64_t>(config_.axi_data_bits / 8); }
  double bound(const llm::WholeToken& token) const {
    return static_cast<double>(token.bytes_needed()) / static_cast<double>(bus_bytes());
  }

  /// Returns the share of the array's peak that the model's multiplications use.
  double utilization(const llm::WholeToken& token) const {
    return static_cast<double>(token.macs()) /
           (config_.peak_macs_per_cycle() * static_cast<double>(cycles_));
  }

  std::string outlook(const llm::WholeToken& token) const {
    const auto macs = static_cast<double>(token.macs());
    const double host = macs / kHostRate, arch = macs / kArchRate,
                 on_rtl =
                     static_cast<double>(token.predicted_cycles()) / rtl_cycles_per_second(config_);
    std::string text = fmt::format(
        "about {} cycles, {:.1f} minutes on one core; {} of weights and caches; memory: {} as a "
        "file in {}\n",
        grouped(token.predicted_cycles()), (host + (rtl() ? on_rtl : arch)) / 60,
        megabytes(token.bytes_needed()), megabytes(token.memory_bytes()),
        std::filesystem::temp_directory_path().string());
    if (rtl() && on_rtl > 60)
      text +=
          fmt::format("--backend arch takes {:.1f} minutes: cycles within about 1 %, exact sums\n",
                      (host + arch) / 60);
    return text;
  }

  /// @return false if the time limit ended it
  bool step(llm::WholeToken& token) {
    const auto begin = std::chrono::steady_clock::now();
    llm::WholeToken::Step done;
    try {
      done = token.next();
    } catch (const Error&) {
      if (Interruption::signal() != 0) return false;
      throw;
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    ++steps_;
    cycles_ += done.run.cycles;
    bytes_read_ += done.run.dram_bytes_read;
    if (done.name == "layer 1" && o_.layers) set_layers(done);
    rows_.push_back({{"name", done.name}, {"cycles", done.run.cycles}});
    if (!output_.quiet)
      fmt::print(stderr, "{} of {}: {} cycles, {:.1f} s, {}\n", done.name,
                 done.name.starts_with("layer") ? model_.layers() : model_.parts(),
                 grouped(done.run.cycles), took.count(),
                 done.difference.empty() ? "exact" : "differs");
    if (done.difference.empty()) return true;
    difference_ = done.name + ": " + done.difference;
    return false;
  }

  void set_layers(const llm::WholeToken::Step& step) {
    Execution e;
    e.add(step.run, step.difference.empty());
    e.clock_ns = 1000 / o_.clock_mhz;
    layers_ = to_text(step.program, e, backend_.backend, {.details = true}) + "\n";
  }

  std::string summary(const llm::WholeToken& token) const {
    const bool all = steps_ == token.steps();
    const std::string share =
        o_.count > 1 ? fmt::format("{:.1f} % of the array's peak", 100 * utilization(token))
                     : fmt::format("{:.1f} % of what the bus allows",
                                   100 * bound(token) / static_cast<double>(cycles_));
    std::string text =
        all ? fmt::format("{} on {} ({}): {} cycles, {:.2f} tokens/s at {:g} MHz, {}\n",
                          o_.count > 1 ? fmt::format("{} tokens at once", o_.count) : "one token",
                          config_.name, backend_.backend, grouped(cycles_),
                          o_.count * o_.clock_mhz * 1e6 / static_cast<double>(cycles_),
                          o_.clock_mhz, share)
            : fmt::format("{} of {} programs on {} ({}): {} cycles\n", steps_, token.steps(),
                          config_.name, backend_.backend, grouped(cycles_));
    const llm::Seconds& s = token.seconds();
    text += fmt::format(
        "{} read; seconds of one core: {:.1f} compile, {:.1f} golden layers, {:.1f} {}; at most {} "
        "in "
        "memory\n",
        megabytes(static_cast<std::int64_t>(bytes_read_)), s.compile, s.golden, s.machine,
        backend_.backend, megabytes(peak_bytes()));
    if (difference_.empty() && steps_ > 0)
      text += all ? "all sums and caches equal the golden layers'\n"
                  : "all sums and caches so far equal the golden layers'\n";
    return text;
  }

  Json to_json(const llm::WholeToken& token) const {
    Json json;
    json["model"] = o_.shape;
    json["weights"] = weights_;
    json["backend"] = backend_.backend;
    json["position"] = o_.position;
    json["tokens"] = o_.count;
    json["macs"] = token.macs();
    json["classifier_macs"] = token.classifier_macs();
    json["utilization"] = cycles_ > 0 ? utilization(token) : 0;
    json["programs"] = token.steps();
    json["programs_done"] = steps_;
    json["exact"] = difference_.empty();
    json["cycles"] = cycles_;
    json["predicted_cycles"] = token.predicted_cycles();
    json["bytes_needed"] = token.bytes_needed();
    json["bus_bound_cycles"] = bound(token);
    json["dram_bytes_read"] = bytes_read_;
    json["memory_bytes"] = token.memory_bytes();
    json["process_bytes"] = peak_bytes();
    json["compile_seconds"] = token.seconds().compile;
    json["golden_seconds"] = token.seconds().golden;
    json["machine_seconds"] = token.seconds().machine;
    json["program_words"] = token.program_words();
    json["sums"] = fmt::format("{:08x}", token.hash());
    json["clock_mhz"] = o_.clock_mhz;
    json["steps"] = rows_;
    return json;
  }

  const RandomTokenOptions& o_;
  const estimate::Transformer shape_;
  const std::string weights_;
  const spec::Config& config_;
  const BackendOptions& backend_;
  const Output& output_;
  const llm::RandomModel model_;
  int steps_ = 0;
  std::uint64_t cycles_ = 0, bytes_read_ = 0;
  std::string difference_, layers_;
  Json rows_ = Json::array();
};

}  // namespace

std::string random_shapes() {
  std::vector<std::string> names;
  for (const estimate::Transformer& t : estimate::transformers())
    if (t.gate != estimate::Gate::kNone && t.positions == 0) names.push_back(t.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

int run_random_token(const RandomTokenOptions& options, const spec::Config& config,
                     const BackendOptions& backend, const Output& output) {
  return RandomToken(options, config, backend, output).run();
}

}  // namespace trine::cli
