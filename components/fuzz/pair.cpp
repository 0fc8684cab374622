// SPDX-License-Identifier: Apache-2.0

#include "components/fuzz/pair.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <sstream>

#include "sim/arch/simulate.h"
#include "sim/rtl/simulate.h"
#include "spec/packed.h"
#include "spec/runs.h"
#include "sw/base/error.h"
#include "sw/base/hash.h"
#include "sw/compiler/compiler.h"
#include "sw/model/check/check.h"
#include "sw/model/graph/refusal.h"
#include "sw/program/host.h"
#include "tools/random/configs.h"

namespace trine::fuzz {
namespace {

/// With int16 support, one of so many networks uses it.
constexpr int kInt16Share = 6;
/// One of so many networks belongs to the families that draw parts of inputs, gates, exchanges or
/// TOSA.
constexpr int kFurtherShare = 4;

bool needs_int16(Family family) {
  return family == Family::kInt16 || family == Family::kCells || family == Family::kFormats ||
         family == Family::kSpikes;
}

/// Returns true if the design supports networks of the family.
bool has(const spec::Config& config, Family family) {
  if (family == Family::kDecoders)
    return config.vector && config.table && config.softmax && config.matmul &&
           config.cols >= config.data_words();
  if (family == Family::kLowBit) return config.ternary || config.binary;
  if (family == Family::kFormats) return config.formats && config.vector;
  if (family == Family::kExchange) return config.cores > 1;
  return !needs_int16(family) ||
         (config.activations16 && (family == Family::kInt16 ||
                                   (config.vector && (config.table || family == Family::kSpikes))));
}

/// Returns true for refusals that the compiler may give: limits in docs/operators.md, hardware that
/// the configuration lacks, too small memories. All drawn operators, types and shapes are
/// supported.
bool is_limit(model::Reason reason) {
  using model::Reason;
  return reason == Reason::kConfiguration || reason == Reason::kMemory ||
         reason == Reason::kLayout || reason == Reason::kRange || reason == Reason::kRounding;
}

/// Returns true for refusals that model::check() may give: combinations of operators, but never an
/// operator itself.
bool is_illegal(model::Reason reason) {
  return reason != model::Reason::kOperator && reason != model::Reason::kOther;
}

Verdict refusal(const model::Refusal& e, Outcome outcome, bool (*allowed)(model::Reason)) {
  const auto& reasons = e.reasons();
  if (!std::all_of(reasons.begin(), reasons.end(), allowed)) outcome = Outcome::kFailed;
  return {outcome, fmt::format("{}: {}", model::name_of(reasons[0]), e.what())};
}

Verdict failure(const std::string& text) { return {Outcome::kFailed, text}; }

/// Returns true if the outputs contain many different codes. @param most  number that they could
/// contain
bool distinguishes(const std::vector<Array>& outputs, std::size_t most = 8) {
  std::size_t bytes = 0;
  std::set<std::uint8_t> codes;
  for (const Array& a : outputs) {
    bytes += a.bytes.size();
    codes.insert(a.bytes.begin(), a.bytes.end());
  }
  return codes.size() >= std::min(most, bytes / 4 + 1);
}

/// Fills memory that is not initialized with arbitrary bytes.
std::vector<std::uint8_t> memory_of(const compiler::Program& program,
                                    const std::vector<Array>& inputs) {
  std::vector<std::uint8_t> dram = compiler::initial_dram(program);
  const auto image = static_cast<std::size_t>(program.image_offset);
  for (std::size_t i = 0; i < dram.size(); ++i)
    if (i < image || i >= image + program.image.size())
      dram[i] = static_cast<std::uint8_t>(0x5a + 31 * i);
  compiler::write_inputs(program, inputs, dram.data());
  return dram;
}

std::optional<std::size_t> first_difference(const std::vector<std::uint8_t>& a,
                                            const std::vector<std::uint8_t>& b) {
  const auto at = std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first;
  if (at == a.end() && a.size() == b.size()) return std::nullopt;
  return static_cast<std::size_t>(at - a.begin());
}

sim::RtlOptions rtl_options(const Pair& pair) {
  sim::RtlOptions options;
  options.build.optimization = std::min(1, options.build.optimization);
  options.build.quiet = true;
  options.build.assertions = pair.assertions;
  options.axi_latency = pair.axi_latency;
  options.axi_bytes_per_cycle = pair.axi_bytes_per_cycle;
  options.stall_percent = pair.stall_percent;
  options.seed = pair.made.data_seed;
  return options;
}

/// Runs the RTL on the same memory as the architecture simulator. A program that is kept on the
/// chip runs a second time with its words in place. DMEM then contains results of the first run,
/// which are stored between the rows of a map, so only the outputs are compared.
/// @param arrays  the outputs  @return "" or the difference
std::string run_rtl(const Pair& pair, const compiler::Program& program,
                    const std::vector<std::uint8_t>& before,
                    const std::vector<std::uint8_t>& expected, const std::vector<Array>& arrays,
                    const sim::RunResult& arch, Verdict& verdict) {
  sim::RtlOptions options = rtl_options(pair);
  // The prediction applies to the second run; the first one fetches the words.
  options.predicted_cycles = arch.cycles + 4 * static_cast<std::uint64_t>(pair.axi_latency);
  sim::RtlRunner rtl(program, options);
  std::vector<std::uint8_t> dram = before;
  sim::RunResult result = rtl.run_dram(dram);
  if (const auto at = first_difference(expected, dram))
    return fmt::format("RTL: byte 0x{:x} of DRAM is {}, expected {}", *at, dram[*at],
                       expected[*at]);
  if (program.config.imem_kib > 0) {
    dram = before;
    result = rtl.run_dram(dram);
    const std::vector<Array> again = compiler::read_outputs(program, dram.data());
    for (std::size_t o = 0; o < arrays.size(); ++o)
      if (const auto at = first_difference(arrays[o].bytes, again.at(o).bytes))
        return fmt::format("RTL, again: byte {} of output {} is {}, expected {}", *at, o,
                           again[o].bytes.at(*at), arrays[o].bytes.at(*at));
  }
  verdict.rtl_cycles += result.cycles;
  // Reads transfer whole beats.
  if (result.dram_bytes_read < arch.dram_bytes_read ||
      result.dram_bytes_written != arch.dram_bytes_written)
    return fmt::format("RTL: {} bytes read, {} written; expected {} or more read, {} written",
                       result.dram_bytes_read, result.dram_bytes_written, arch.dram_bytes_read,
                       arch.dram_bytes_written);
  return "";
}

/// Runs both simulators on one segment. @param arrays  its inputs, then its outputs
/// @return "" or the difference between them
std::string run_segment(const Pair& pair, const compiler::Program& segment, Backend backend,
                        std::vector<Array>& arrays, Verdict& verdict) {
  const std::vector<std::uint8_t> before = memory_of(segment, arrays);
  std::vector<std::uint8_t> dram = before;
  sim::ArchOptions options;
  options.bus.latency = pair.axi_latency;
  options.bus.bytes_per_cycle = pair.axi_bytes_per_cycle;
  options.again = true;
  const sim::RunResult arch = sim::run_arch_dram(segment, dram, options);
  verdict.arch_cycles += arch.cycles;
  arrays = compiler::read_outputs(segment, dram.data());
  if (backend == Backend::kArch) return "";
  return run_rtl(pair, segment, before, dram, arrays, arch, verdict);
}

/// Returns how a program's weights are packed, as one bit for each entry of spec::kStreams.
unsigned streams_of(const std::vector<const compiler::Program*>& segments) {
  unsigned all = 0;
  for (const compiler::Program* segment : segments)
    isa::for_each_run(segment->words, [&](std::size_t, isa::Engine engine, const isa::Registers&,
                                          const isa::Run& run) {
      for (std::size_t i = 0; i < spec::kStreams.size(); ++i)
        if (engine == isa::Engine::kLoad && run.op == static_cast<int>(spec::kStreams.at(i)))
          all |= 1U << i;
    });
  return all;
}

Verdict run_program(const Pair& pair, const compiler::Program& program,
                    const std::vector<Array>& golden, Backend backend) {
  const auto segments = compiler::segments(program);
  const auto striped = [](const compiler::Program* segment) {
    return std::ranges::any_of(segment->layers, [](const auto& l) { return l.stripes > 1; });
  };
  Verdict verdict{Outcome::kExact,
                  "",
                  distinguishes(golden, pair.family == Family::kSpikes ? 2 : 8),
                  program.removed.filters > 0,
                  std::ranges::any_of(segments, striped),
                  streams_of(segments)};
  std::vector<Array> arrays = pair.inputs;
  std::string text;
  for (const compiler::Program* segment : segments)
    if (text.empty()) text = run_segment(pair, *segment, backend, arrays, verdict);
  if (!text.empty()) return failure(text);
  text = compiler::first_difference(program, arrays, golden);
  return text.empty() ? verdict : failure("architecture simulator: " + text);
}

/// @param c  contains the operators that remain
Pair pair_of(Choices& network, const spec::Config& config, const Case& c = {}) {
  Pair p;
  p.config = config;
  Builder b(network);
  b.groups = config.groups;
  b.packed = config.packed;
  try {
    p.family = make_network(b);
  } catch (const Error& e) {
    p.family = Family::kExported;  // other families are not files
    p.unread = e.what();
    const auto* refused = dynamic_cast<const model::Refusal*>(&e);
    p.beyond = refused != nullptr && std::ranges::all_of(refused->reasons(), is_limit);
    p.made.network = network.made();
    p.made.data_seed = network.data_seed();
    return p;
  }
  // With a single rounding, few int16 products and no LSTM are supported.
  const int single = needs_int16(p.family) ? 6 : 2;
  p.rounding = once_in(b, single) && p.family != Family::kCells ? reference::kSinglePolicy
                                                                : reference::kDoublePolicy;
  static const std::vector<int> kLatencies{32, 1, 100, 1000}, kBytes{0, 1, 3}, kStalls{0, 30, 80};
  if (once_in(b, 3)) {
    p.axi_latency = any(b, kLatencies);
    p.axi_bytes_per_cycle = any(b, kBytes);
    p.stall_percent = any(b, kStalls);
  }
  if (!once_in(b, 5)) p.ways.cascading = compiler::Cascading::kAlways;
  static const std::vector<compiler::Sharing> kSharing{
      compiler::Sharing::kAlways, compiler::Sharing::kEstimated, compiler::Sharing::kNever};
  if (config.cores > 1) p.ways.sharing = any(b, kSharing);
  if (p.family == Family::kDecoders) {
    p.rounding = reference::kDoublePolicy;
    p.ways = {};
    p.decoder = std::make_shared<const Decoder>(any_decoder(b, config));
    b.graph = last_step(*p.decoder);
  } else if (c.count > 0 && b.imported == nullptr) {
    keep_operators(b.graph, c.first, c.count);
  }
  p.allow_host = b.host_at_end;
  for (const int t : b.graph.inputs)
    if (p.decoder == nullptr) p.inputs.push_back(random_codes(b, t));
  p.graph = std::move(b.graph);
  p.imported = std::move(b.imported);
  p.made.data_seed = network.data_seed();
  p.made.network = network.made();
  p.made.first = c.first;
  p.made.count = c.count;
  return p;
}

}  // namespace

std::string to_text(const Case& c) {
  const std::string all =
      fmt::format("{}/{}/{}", to_text(c.config), c.data_seed, to_text(c.network));
  return c.count > 0 ? fmt::format("{}/{},{}", all, c.first, c.count) : all;
}

Case parse_case(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, '/');) parts.push_back(part);
  if (parts.size() != 3 && parts.size() != 4)
    throw_error("'{}': not a case (CONFIGURATION/SEED/NETWORK, /FIRST,COUNT)", text);
  Case c;
  c.config = parse_record(parts[0]);
  const char *begin = parts[1].data(), *end = begin + parts[1].size();
  const auto [at, error] = std::from_chars(begin, end, c.data_seed);
  if (error != std::errc() || at != end) throw_error("'{}': its seed is not a number", text);
  c.network = parse_record(parts[2]);
  if (parts.size() == 3) return c;
  const Record kept = parse_record(parts[3]);
  if (kept.size() != 2 || kept[0] < 0 || kept[1] < 1)
    throw_error("'{}': FIRST,COUNT of the operators, allowed FIRST 0 or more, COUNT 1 or more",
                text);
  c.first = kept[0];
  c.count = kept[1];
  return c;
}

std::pair<spec::Config, Record> draw_config(std::uint64_t seed, int k,
                                            const std::vector<Family>& families, int most_pes) {
  std::string text = fmt::format("{} {}", seed, k);
  for (;; text += " again") {
    Choices choices{hash64(text)};
    const spec::Config config = any_config(choices);
    const auto fits = [&](Family family) { return has(config, family); };
    if (config.pes() <= most_pes && (families.empty() || std::ranges::any_of(families, fits)))
      return {config, choices.made()};
  }
}

Case draw_case(std::uint64_t seed, int k, int n, const std::vector<Family>& families,
               const spec::Config* config, int most_pes) {
  const auto [drawn_config, record] = draw_config(seed, k, families, most_pes);
  const spec::Config& its = config != nullptr ? *config : drawn_config;
  const auto fitting = [&](std::vector<Family> some) {
    std::erase_if(some, [&](Family family) { return !has(its, family); });
    return some;
  };
  const std::vector<Family> wide =
      fitting({Family::kInt16, Family::kCells, Family::kSpikes, Family::kFormats});
  const std::vector<Family> further =
      fitting({Family::kParts, Family::kGates, Family::kExchange, Family::kTosa});
  const std::uint64_t drawn = hash64(fmt::format("{} {} {}", seed, k, n));
  // If a given design supports none of the families, the compiler reports that.
  std::vector<Family> asked = fitting(families);
  if (asked.empty()) asked = families;
  if (asked.empty() && !wide.empty() && drawn % kInt16Share == 0) asked = wide;
  if (asked.empty() && drawn % kFurtherShare == 1) asked = further;
  Choices network{drawn, choice_of(asked, drawn / 64)};
  const Pair p = pair_of(network, its);
  return {record, p.made.data_seed, p.made.network};
}

Pair make_pair(const Case& c) {
  Choices choices{c.config, 0};
  const spec::Config config = any_config(choices);
  Pair p = make_pair(c, config);
  p.made.config = choices.made();
  return p;
}

Pair make_pair(const Case& c, const spec::Config& config) {
  Choices network{c.network, c.data_seed};
  return pair_of(network, config, c);
}

std::string ending_of(const Pair& pair) {
  if (pair.allow_host) return "host";
  const model::Graph& graph = pair.graph;
  if (graph.outputs.empty()) return "none";
  int t = graph.outputs[0];
  if (graph.tensor(t).type != model::DataType::kFloat32) return "codes";
  for (auto op = graph.ops.rbegin(); op != graph.ops.rend(); ++op)
    if (op->outputs[0] == t && graph.tensor(t).type != model::DataType::kInt32) t = op->input(0);
  return graph.tensor(t).type == model::DataType::kInt32 ? "sums" : "floats";
}

namespace {

std::string to_text(const compiler::Ways& ways, int cores) {
  using compiler::Sharing;
  const std::string_view shared = ways.sharing == Sharing::kAlways  ? "; cores share all they can"
                                  : ways.sharing == Sharing::kNever ? "; cores share nothing"
                                                                    : "; cores share what pays";
  return fmt::format(
      "{}{}",
      ways.cascading == compiler::Cascading::kAlways ? "cascades everywhere" : "cascades that pay",
      cores > 1 ? shared : "");
}

}  // namespace

std::string describe(const Pair& p) {
  const std::string settings = settings_of(p.config);
  return fmt::format(
      "{}: {}\n{}{} bus: latency {}, {} bytes a cycle, {} % stalls; {}; {}\n{}", p.config.name,
      settings.empty() ? "the defaults" : settings,
      family_names()[static_cast<std::size_t>(p.family)], p.allow_host ? ", --allow-host;" : "",
      p.axi_latency, p.axi_bytes_per_cycle > 0 ? std::to_string(p.axi_bytes_per_cycle) : "all",
      p.stall_percent,
      p.rounding.others == reference::Rounding::kSingle ? "one rounding" : "two roundings",
      to_text(p.ways, p.config.cores),
      p.decoder != nullptr ? to_text(*p.decoder) : text_of(p.graph));
}

namespace {

/// Runs a text on the architecture simulator and optionally on the RTL.
Verdict run_decoder(const Pair& pair, Backend backend) {
  llm::SessionOptions options;
  options.config = pair.config;
  options.backend = llm::Backend::kArch;
  options.arch.bus.latency = pair.axi_latency;
  options.arch.bus.bytes_per_cycle = pair.axi_bytes_per_cycle;
  options.rtl = rtl_options(pair);
  TextRun run = run_text(*pair.decoder, options);
  Verdict verdict{Outcome::kExact, "", distinguishes({run.sums})};
  verdict.arch_cycles = run.cycles;
  if (run.halved) {
    const Verdict halved = refusal(*run.halved, Outcome::kExact, is_limit);
    if (halved.outcome != Outcome::kExact) return halved;
    verdict.text = "fewer tokens at once: " + halved.text;
  }
  if (!run.difference.empty()) return failure("architecture simulator: " + run.difference);
  if (backend == Backend::kArch) return verdict;
  options.backend = llm::Backend::kRtl;
  run = run_text(*pair.decoder, options);
  verdict.rtl_cycles = run.cycles;
  return run.difference.empty() ? verdict : failure("RTL: " + run.difference);
}

}  // namespace

namespace {

/// Compares the golden layers of an imported file with its operators, one by one.
std::string against_file(const Pair& pair, const std::vector<Array>& golden) {
  if (pair.imported == nullptr) return "";
  const std::vector<Array> expected = pair.imported->run(pair.inputs);
  for (std::size_t o = 0; o < expected.size(); ++o)
    if (const auto at = first_difference(expected[o].bytes, golden.at(o).bytes))
      return fmt::format("import: byte {} of output {} is {}, expected {}", *at, o,
                         golden[o].bytes.at(*at), expected[o].bytes.at(*at));
  return "";
}

}  // namespace

Verdict run_pair(const Pair& pair, Backend backend, const Tamper& tamper) {
  if (pair.decoder != nullptr) try {
      return run_decoder(pair, backend);
    } catch (const model::Refusal& e) {
      return refusal(e, Outcome::kRefused, is_limit);
    } catch (const std::exception& e) {
      return failure(e.what());
    }
  compiler::Program program;
  if (!pair.unread.empty())
    return pair.beyond ? Verdict{Outcome::kRefused, pair.unread}
                       : failure("import: " + pair.unread);
  try {
    model::check(pair.graph);
  } catch (const model::Refusal& e) {
    if (pair.family == Family::kExported) return failure(fmt::format("import: {}", e.what()));
    return refusal(e, Outcome::kIllegal, is_illegal);
  }
  try {
    compiler::CompileOptions options{pair.rounding};
    options.ways = pair.ways;
    options.verify = true;
    if (pair.allow_host) options.host = compiler::HostPart::kAnywhere;
    program = compiler::compile(pair.graph, pair.config, options);
  } catch (const model::Refusal& e) {
    return refusal(e, Outcome::kRefused, is_limit);
  } catch (const std::exception& e) {
    return failure(fmt::format("compile: {}", e.what()));
  }
  try {
    const std::string bytes = compiler::serialize(program);
    program = compiler::parse_program({bytes.begin(), bytes.end()}, "fuzz");
    if (tamper) tamper(program);
    const auto golden = reference::outputs_of(
        pair.graph, reference::run_graph(pair.graph, pair.inputs, pair.rounding));
    if (const std::string text = against_file(pair, golden); !text.empty()) return failure(text);
    return run_program(pair, program, golden, backend);
  } catch (const std::exception& e) {
    return failure(e.what());
  }
}

}  // namespace trine::fuzz
