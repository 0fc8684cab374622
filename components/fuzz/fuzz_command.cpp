// SPDX-License-Identifier: Apache-2.0

#include "components/fuzz/fuzz_command.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <regex>

#include "components/fuzz/case_file.h"
#include "components/fuzz/pair.h"
#include "sim/rtl/build.h"
#include "spec/packed.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/hash.h"
#include "sw/base/npy.h"
#include "tools/random/configs.h"
#include "tools/random/onnx/exported.h"

namespace trine::cli {
namespace {

using fuzz::Backend;
using fuzz::Outcome;

constexpr int kShrinkRuns = 3000, kShrinkRunsRtl = 300;
constexpr int kFewPairs = 20;                    ///< with fewer pairs, no share is required
constexpr int kSeconds = 60, kSecondsRtl = 900;  ///< per pair, before it counts as a hang

constexpr std::pair<Outcome, const char*> kOutcomes[] = {{Outcome::kExact, "exact"},
                                                         {Outcome::kRefused, "refused"},
                                                         {Outcome::kIllegal, "illegal"},
                                                         {Outcome::kFailed, "failed"}};

std::string_view stream_name(isa::dma::Target target) {
  return isa::kTargets.find(isa::Engine::kLoad, static_cast<int>(target))->name;
}

/// Reduces a reason to its kind, so that equal reasons are counted together: "op 3 SUB: tensor 7
/// 't7': 40 classes" -> "SUB: ... N classes".
std::string reason_of(const std::string& text) {
  std::string line = text.substr(0, text.find('\n'));
  line = std::regex_replace(line, std::regex("(random|lowbit)[.a-z]*: op [0-9]+ "), "");
  line = std::regex_replace(line, std::regex("tensor [0-9]+ '[^']*':? ?"), "");
  return std::regex_replace(line, std::regex("-?[0-9][0-9.e-]*"), "N");
}

class Fuzzer {
 public:
  explicit Fuzzer(const FuzzArguments& options)
      : o_(options),
        backend_(o_.backend == "rtl" ? Backend::kRtl : Backend::kArch),
        deadline_(o_.duration) {
    if (o_.new_seed)  // processes that start together see the same time
      o_.seed = static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch() /
                                               std::chrono::microseconds(1) +
                                           getpid());
    for (const std::string& design : o_.designs)
      designs_.push_back(spec::load_config(design, o_.settings));
    const auto& names = fuzz::family_names();
    for (const std::string& name : o_.families)
      drawn_.push_back(static_cast<fuzz::Family>(std::ranges::find(names, name) - names.begin()));
  }

  int run() {
    o_.output.check({}, {});
    // Turns on the compiler's verifiers, also in decoders' sessions.
    setenv("TRINE_VERIFY", "1", 0);
    if (o_.new_seed) fmt::print(stderr, "seed {}; again: {}\n", o_.seed, again());
    if (o_.programs && (o_.engine.asked() || !o_.families.empty()))
      throw_error("--programs: not allowed with --family, --engine, --jobs and --out");
    if (o_.programs) return fuzz_programs(o_, designs_);
    if (!o_.replay.empty()) return run_files();
    if (!o_.one.empty()) return run_one();
    if (!o_.onnx.empty()) return write_files();
    const int configs = designs_.empty() ? o_.configs : static_cast<int>(designs_.size());
    if (o_.only >= configs) throw_error("--only {}: allowed 0..{}", o_.only, configs - 1);
    if (o_.engine.asked())
      run_parts(configs);
    else
      run_here(configs);
    o_.output.print(summary());
    o_.output.write_json(to_json(), designs_.size() == 1 ? &designs_[0] : nullptr);
    return failed_ > 0 || too_few_exact() ? kWrongResult : kSuccess;
  }

 private:
  void run_here(int configs) {
    Progress progress("fuzz", o_.output.quiet);
    for (int k = std::max(0, o_.only); go_on() && (deadline_.set() || k < configs); ++k) {
      ++configs_;
      const int pairs = (o_.pairs + configs - 1 - k % configs) / configs;
      for (int n = 0; n < pairs && go_on(); ++n) {
        progress.update(fmt::format("configuration {} of {}, pair {} of {}, {} failed", k + 1,
                                    configs, n + 1, pairs, failed_));
        draw(k, n, pairs, configs);
      }
      if (k == o_.only) break;
    }
  }

  bool go_on() const { return failed_ < o_.most_failures && !deadline_.over(); }

  /// Draws pair n of the k-th turn. With --duration, further turns draw new configurations, or use
  /// the given ones again with new networks.
  void draw(int k, int n, int pairs, int configs) {
    if (designs_.empty())
      return count(fuzz::draw_case(o_.seed, k, n, drawn_, nullptr, most_pes()), k);
    const int design = k % configs;
    count(fuzz::draw_case(o_.seed, design, n + k / configs * pairs, drawn_,
                          &designs_.at(static_cast<std::size_t>(design))),
          design);
  }

  int most_pes() const { return backend_ == Backend::kRtl ? kMostPesRtl : fuzz::kAnyPes; }

  /// Returns the command that draws the same pairs.
  std::string again() const {
    std::string text = fmt::format("trine fuzz --seed {} --pairs {}", o_.seed, o_.pairs);
    if (o_.programs) text += " --programs";
    if (o_.backend == "rtl") text += " --backend rtl";
    if (designs_.empty()) text += fmt::format(" --configs {}", o_.configs);
    for (const std::string& design : o_.designs) text += " --config " + design;
    for (const std::string& setting : o_.settings) text += " --set '" + setting + "'";
    if (!o_.families.empty()) text += fmt::format(" --family {}", fmt::join(o_.families, ","));
    if (o_.duration > 0) text += fmt::format(" --duration {}", o_.duration);
    return text;
  }

  /// Runs each configuration as a separate task: `trine fuzz --only K`.
  void run_parts(int configs) {
    if (deadline_.set()) throw_error("--duration: not allowed with --engine, --jobs and --out");
    if (o_.only >= 0)
      throw_error("--only: not allowed with --engine, --jobs and --out, which use it");
    std::vector<sweep::Task> tasks;
    for (int k = 0; k < configs; ++k) tasks.push_back(part(k));
    for (const sweep::Outcome& outcome : run_tasks(tasks, o_.engine, "fuzz", o_.output.quiet)) {
      if (outcome.result.is_null()) throw_error("trine fuzz: a part failed: {}", outcome.reason());
      fmt::print(stderr, "{}", outcome.text);
      add(outcome.result);
    }
  }

  sweep::Task part(int k) const {
    std::vector<std::string> words{"fuzz", "--backend", o_.backend};
    const auto option = [&](const char* name, const auto& value) {
      words.insert(words.end(), {name, fmt::format("{}", value)});
    };
    std::string designs;
    for (const std::string& design : o_.designs) option("--config", design);
    for (const std::string& setting : o_.settings) option("--set", setting);
    for (const spec::Config& design : designs_) designs += design.to_toml();
    for (const std::string& family : o_.families) option("--family", family);
    option("--pairs", o_.pairs);
    option("--configs", o_.configs);
    option("--seed", o_.seed);
    option("--failures", o_.most_failures);
    option("--least-exact", 0);  // applies to all parts together
    if (o_.seconds > 0) option("--seconds", o_.seconds);
    if (o_.as_drawn) words.push_back("--as-drawn");
    if (o_.no_assertions) words.push_back("--no-assertions");
    option("--only", k);
    const std::string name = task_name(fmt::format("{} {}", fmt::join(words, " "), designs));
    if (!o_.keep.empty()) option("--keep", std::filesystem::absolute(o_.keep).string());
    return trine_task(name, words);
  }

  /// Adds the counts of another process.
  void add(const Json& json) {
    ++configs_;
    outcomes_[Outcome::kExact] += json.at("exact").get<int>();
    outcomes_[Outcome::kRefused] += json.at("refused").get<int>();
    outcomes_[Outcome::kIllegal] += json.at("illegal").get<int>();
    failed_ += json.at("failed").get<int>();
    telling_ += json.at("telling").get<int>();
    removed_ += json.at("removed").get<int>();
    striped_ += json.at("striped").get<int>();
    for (const auto& [name, n] : json.at("streams").items()) streams_[name] += n.get<int>();
    for (const auto& [reason, n] : json.at("reasons").items()) reasons_[reason] += n.get<int>();
    for (const auto& [name, n] : json.at("operators").items()) operators_[name] += n.get<int>();
    const Json endings = json.value("endings", Json::object());
    for (const auto& [ending, counts] : endings.items())
      for (const auto& [outcome, name] : kOutcomes)
        endings_[ending][outcome] += counts.at(name).get<int>();
    const auto& names = fuzz::family_names();
    const Json families = json.value("families", Json::object());
    for (const auto& [name, n] : families.items())
      families_[static_cast<fuzz::Family>(std::ranges::find(names, name) - names.begin())] +=
          n.get<int>();
  }

  fuzz::Pair pair_of(const fuzz::Case& c, int k) const {
    fuzz::Pair p;
    if (designs_.empty()) {
      p = fuzz::make_pair(c);
    } else {
      p = fuzz::make_pair(c, designs_.at(static_cast<std::size_t>(k)));
      p.made.config = c.config;
    }
    p.assertions = !o_.no_assertions;
    return p;
  }

  fuzz::Verdict verdict(fuzz::Pair pair) const {
    pair.assertions = !o_.no_assertions;
    if (backend_ == Backend::kRtl)
      build_checked_model(pair.config, pair.assertions, o_.output.quiet);
    const int seconds = backend_ == Backend::kRtl ? kSecondsRtl : kSeconds;
    return fuzz::run_isolated(pair, backend_, o_.seconds > 0 ? o_.seconds : seconds);
  }

  void count(const fuzz::Case& c, int k) {
    const fuzz::Pair pair = pair_of(c, k);
    const fuzz::Verdict v = verdict(pair);
    ++outcomes_[v.outcome];
    ++families_[pair.family];
    telling_ += v.telling ? 1 : 0;
    removed_ += v.outcome == Outcome::kExact && v.removed ? 1 : 0;
    striped_ += v.outcome == Outcome::kExact && v.striped ? 1 : 0;
    for (std::size_t i = 0; i < spec::kStreams.size(); ++i)
      if (v.outcome == Outcome::kExact && (v.streams >> i & 1) != 0)
        ++streams_[std::string(stream_name(spec::kStreams.at(i)))];
    if (pair.unread.empty()) ++endings_[fuzz::ending_of(pair)][v.outcome];
    for (const model::Op& op : pair.graph.ops)
      if (v.outcome == Outcome::kExact) ++operators_[op.name];
    if (v.outcome != Outcome::kFailed && !v.text.empty()) ++reasons_[reason_of(v.text)];
    if (v.outcome == Outcome::kFailed) report(pair, v, k);
  }

  std::string command(const fuzz::Case& c, int k) const {
    std::string text = fmt::format("trine fuzz --backend {}", o_.backend);
    if (!designs_.empty()) text += " --config " + o_.designs.at(static_cast<std::size_t>(k));
    if (!designs_.empty())
      for (const std::string& s : o_.settings) text += " --set '" + s + "'";
    if (o_.no_assertions) text += " --no-assertions";
    return text + " --case " + fuzz::to_text(c);
  }

  /// Reports the failure, and a simpler one of its kind.
  void report(const fuzz::Pair& pair, const fuzz::Verdict& first, int k) {
    ++failed_;
    fmt::print(stderr, "FAILED {}\n  {}\n", first.text, command(pair.made, k));
    if (o_.as_drawn) {
      fmt::print(stderr, "{}", keep_case(o_, fuzz::case_text(pair, first.text)));
      return;
    }
    const std::string kind = reason_of(first.text).substr(0, 20);
    int runs = 0;
    const auto fails = [&](const fuzz::Pair& p) {
      if (deadline_.over()) return false;
      ++runs;
      const fuzz::Verdict v = verdict(p);
      return v.outcome == Outcome::kFailed && reason_of(v.text).substr(0, 20) == kind;
    };
    const bool rtl = backend_ == Backend::kRtl;
    const fuzz::Case simple =
        fuzz::shrink(pair.made, fails, rtl, rtl ? kShrinkRunsRtl : kShrinkRuns,
                     designs_.empty() ? nullptr : &designs_.at(static_cast<std::size_t>(k)));
    const fuzz::Pair p = pair_of(simple, k);
    const std::string text = verdict(p).text;
    fmt::print(stderr, "made simpler in {} runs:\n{}{}\n  {}\n{}", runs, fuzz::describe(p), text,
               command(simple, k), keep_case(o_, fuzz::case_text(p, text)));
  }

  /// Writes networks of the family "exported", an input of each, and the outputs of the golden
  /// layers.
  int write_files() const {
    for (int n = 0; n < o_.pairs; ++n) {
      fuzz::Choices choices{hash64(fmt::format("{} {}", o_.seed, n))};
      fuzz::Builder b(choices);
      const fuzz::ExportedFile made = fuzz::exported_file(b);
      const model::Graph graph = model::onnx_file::graph_of(made.file, made.host_at_end);
      const auto first = std::ranges::find(graph.ops, model::OpKind::kQuantize, &model::Op::kind);
      const model::Tensor &in = graph.tensor(graph.inputs.at(0)), &codes = graph.out(*first);
      std::vector<float> values(static_cast<std::size_t>(in.elements()));
      for (float& x : values)
        x = codes.scale() * static_cast<float>(b.content(-128, 127) - codes.zero_point());
      Array input{
          "f4", {in.shape.begin(), in.shape.end()}, std::vector<std::uint8_t>(4 * values.size())};
      std::memcpy(input.bytes.data(), values.data(), input.bytes.size());
      const auto outputs = reference::outputs_of(graph, reference::run_graph(graph, {input}));
      const std::string name = fmt::format("{}/{}", o_.onnx, n);
      write_file(name + ".onnx", fuzz::onnx_bytes(made.file));
      write_npy(name + ".x.npy", input);
      write_npy(name + ".y.npy", outputs.at(0));
    }
    return kSuccess;
  }

  int run_one() {
    const fuzz::Case c = fuzz::parse_case(o_.one);
    const fuzz::Pair pair = pair_of(c, 0);
    o_.output.print(fuzz::describe(pair));
    const fuzz::Verdict v = verdict(pair);
    if (v.outcome == Outcome::kFailed) {
      report(pair, v, 0);
      return kWrongResult;
    }
    o_.output.print(
        v.outcome == Outcome::kExact
            ? fmt::format("exact, {} cycles (architecture simulator){}\n", grouped(v.arch_cycles),
                          v.rtl_cycles > 0 ? fmt::format(", {} (RTL)", grouped(v.rtl_cycles)) : "")
            : "refused: " + v.text + "\n");
    return kSuccess;
  }

  /// Runs the pairs and programs of files that --keep wrote.
  int run_files() {
    std::vector<std::filesystem::path> files;
    for (const std::string& path : o_.replay) {
      if (!std::filesystem::is_directory(path))
        files.emplace_back(path);
      else
        for (const auto& entry : std::filesystem::directory_iterator(path))
          if (entry.path().extension() == ".json") files.push_back(entry.path());
    }
    if (files.empty()) throw_error("--replay {}: contains no file that --keep wrote", o_.replay[0]);
    std::ranges::sort(files);
    for (const std::filesystem::path& file : files) {
      const std::string text = read_text(file), name = file.filename().string();
      const fuzz::Verdict v = fuzz::holds_program(text, name)
                                  ? replay_program(fuzz::parse_program_case(text, name))
                                  : verdict(fuzz::parse_pair(text, name));
      ++outcomes_[v.outcome];
      failed_ += v.outcome == Outcome::kFailed ? 1 : 0;
      if (v.outcome == Outcome::kFailed) fmt::print(stderr, "FAILED {}: {}\n", name, v.text);
    }
    o_.output.print(fmt::format("{} cases: {} exact, {} refused, {} failed\n", files.size(),
                                exact(), of(Outcome::kRefused), failed_));
    return failed_ > 0 ? kWrongResult : kSuccess;
  }

  /// Replays a program, which requires --backend rtl.
  fuzz::Verdict replay_program(const fuzz::ProgramCase& c) const {
    if (backend_ != Backend::kRtl) return {Outcome::kRefused, "needs --backend rtl"};
    build_checked_model(c.config, c.assertions, o_.output.quiet);
    return fuzz::run_isolated([&] { return fuzz::run_program(c); }, kSecondsRtl);
  }

  int of(Outcome outcome) const {
    const auto found = outcomes_.find(outcome);
    return found == outcomes_.end() ? 0 : found->second;
  }

  int exact() const { return of(Outcome::kExact); }
  int pairs() const { return exact() + of(Outcome::kRefused) + of(Outcome::kIllegal) + failed_; }

  /// Returns true if too few pairs are exact: refused pairs prove nothing.
  bool too_few_exact() const {
    if (pairs() < kFewPairs || 100 * exact() >= o_.least_exact * pairs()) return false;
    fmt::print(stderr, "{} of {} pairs are exact, allowed {} % and above (--least-exact)\n",
               exact(), pairs(), o_.least_exact);
    return true;
  }

  std::string summary() const {
    std::string text = fmt::format(
        "{} pairs on {} configurations ({}): {} exact (of these {} with many codes, {} with "
        "channels left out, {} with cascades), {} refused, {} no legal network, {} failed\n",
        pairs(), configs_, o_.backend, exact(), telling_, removed_, striped_, of(Outcome::kRefused),
        of(Outcome::kIllegal), failed_);
    std::multimap<int, std::string, std::greater<>> sorted;
    for (const auto& [reason, n] : reasons_) sorted.emplace(n, reason);
    for (const auto& [n, reason] : sorted) text += fmt::format("  {:5} {}\n", n, reason);
    for (const auto& [ending, counts] : endings_) {
      int all = 0;
      std::string shares;
      for (const auto& [outcome, n] : counts) all += n;
      for (const auto& [outcome, name] : kOutcomes)
        if (const auto found = counts.find(outcome); found != counts.end())
          shares += fmt::format(", {:.1f} % {}", 100.0 * found->second / all, name);
      text += fmt::format("ending in {}: {} pairs{}\n", ending, all, shares);
    }
    if (!streams_.empty()) text += "exact networks with packed weights:";
    for (const auto& [name, n] : streams_) text += fmt::format(" {} {}", name, n);
    if (!streams_.empty()) text += "\n";
    text += "operators of exact networks:";
    for (const auto& [name, n] : operators_) text += fmt::format(" {} {}", name, n);
    return text + "\n";
  }

  Json to_json() const {
    Json json;
    json["backend"] = o_.backend;
    json["seed"] = o_.seed;
    json["exact"] = exact();
    json["telling"] = telling_;
    json["removed"] = removed_;
    json["striped"] = striped_;
    json["streams"] = streams_;
    json["refused"] = of(Outcome::kRefused);
    json["illegal"] = of(Outcome::kIllegal);
    json["failed"] = failed_;
    json["reasons"] = reasons_;
    json["operators"] = operators_;
    for (const auto& [ending, counts] : endings_)
      for (const auto& [outcome, name] : kOutcomes)
        json["endings"][ending][name] = counts.contains(outcome) ? counts.at(outcome) : 0;
    for (const auto& [family, n] : families_)
      json["families"][fuzz::family_names()[static_cast<std::size_t>(family)]] = n;
    return json;
  }

  FuzzArguments o_;
  const Backend backend_;
  const Deadline deadline_;
  std::vector<spec::Config> designs_;
  std::vector<fuzz::Family> drawn_;  ///< none: all
  std::map<Outcome, int> outcomes_;
  std::map<fuzz::Family, int> families_;
  std::map<std::string, int> reasons_, operators_, streams_;  ///< streams: ways of packing weights
  /// By the last operator of the networks.
  std::map<std::string, std::map<Outcome, int>> endings_;
  int configs_ = 0;  ///< number of configurations tried
  int telling_ = 0, removed_ = 0, striped_ = 0, failed_ = 0;
};

}  // namespace

std::string keep_case(const FuzzArguments& options, const std::string& text) {
  if (options.keep.empty()) return "";
  std::filesystem::create_directories(options.keep);
  const auto file = std::filesystem::path(options.keep) / fmt::format("{:016x}.json", hash64(text));
  write_file(file, text);
  return fmt::format("  kept: trine fuzz --replay {}\n", file.string());
}

void build_checked_model(const spec::Config& config, bool assertions, bool quiet) {
  sim::BuildOptions build = sim::BuildOptions::from_environment();
  build.optimization = std::min(1, build.optimization);
  build.assertions = assertions;
  build.quiet = quiet;
  sim::build_model(config, build);
}

void add_fuzz(Command app, Action& action) {
  const auto [command, options] = add_command<FuzzArguments>(
      app, action, "fuzz", "compare random networks on random designs with the golden layers",
      [](const FuzzArguments& given) { return Fuzzer(given).run(); });
  add_value(command, "--pairs N", options->pairs, "networks, on all configurations together (200)")
      ->check(range(1, 1 << 24));
  add_value(command, "--configs K", options->configs, "random configurations (20)")
      ->check(range(1, 1 << 20));
  add_value(command, "--config C", options->designs,
            "presets or TOML files instead of random ones");
  add_value(command, "--set KEY=VALUE", options->settings,
            "change a key of --config, as in array.rows=16");
  add_value(command, "--backend B", options->backend,
            "arch: architecture simulator and golden layers; rtl: also the RTL\n"
            "in Verilator, with its assertions, which builds a model for each\n"
            "configuration (arch)")
      ->check(one_of({"arch", "rtl"}));
  add_value(command, "--family F", options->families,
            "kinds of networks, separated by commas (all but decoders): images,\n"
            "matrices, transformers, low-bit, exported, chains, int16, cells,\n"
            "decoders, formats, spikes, parts, gates, exchange, tosa")
      ->delimiter(',')
      ->check(one_of(fuzz::family_names(), false));
  add_value(command, "--seed S", options->seed, "seed of the random pairs (1)");
  command.add_flag("--new-seed", options->new_seed, "take the seed from the clock, and print it");
  command.add_flag("--programs", options->programs,
                   "random programs instead of networks: compare the RTL with the\n"
                   "architecture simulator");
  command.add_flag("--no-assertions", options->no_assertions,
                   "build the RTL without its assertions, which is faster");
  add_value(command, "--duration N", options->duration,
            "run for N seconds; --pairs and --configs then give the number of\n"
            "pairs of each configuration")
      ->check(range(1, 1 << 20));
  add_value(command, "--case CASE", options->one,
            "run only this pair, as a failure printed its name");
  add_value(command, "--keep DIR", options->keep,
            "write each failure, made simpler, into this folder, as a file that\n"
            "stays the same pair when the generators change");
  add_value(command, "--replay PATH", options->replay, "run files of --keep, or all of a folder");
  add_value(command, "--onnx DIR", options->onnx,
            "write exported networks, an input and the golden output of each\n"
            "into this folder, for another runtime; nothing is run");
  add_value(command, "--least-exact %", options->least_exact,
            "with 20 or more pairs: fail if less than this percentage is exact (50)")
      ->check(range(0, 100));
  command.add_flag("--as-drawn", options->as_drawn, "do not make failures simpler");
  add_value(command, "--failures N", options->most_failures, "stop after N failures (5)")
      ->check(range(1, 1 << 20));
  add_value(command, "--seconds N", options->seconds,
            "fail a pair after N seconds of processor time (60; rtl 900)")
      ->check(range(1, 1 << 20));
  add_value(command, "--only K", options->only, "run only configuration K, counted from 0")
      ->check(range(0, 1 << 20));
  options->engine.declare(command);
  options->output.declare(command);
  command.footer(
      "With --jobs, --engine or --out each configuration is a separate run (trine fuzz --only)\n"
      "whose result is stored: the counts are the same, and a killed campaign resumes.\n"
      "A failure is made simpler by itself (fewer operators, smaller shapes, default\n"
      "configuration) and printed with the command that repeats it.\n\n"
      "Examples:\n"
      "  trine fuzz --pairs 2000 --configs 100\n"
      "  trine fuzz --family exported --pairs 500 --configs 25\n"
      "  trine fuzz --family decoders --pairs 500 --configs 25\n"
      "  trine fuzz --backend rtl --config edge64 --config braintta-size --pairs 40\n"
      "  trine fuzz --programs --config edge64 --set array.cols=63 --pairs 40\n"
      "  trine fuzz --new-seed --duration 120");
}

}  // namespace trine::cli
