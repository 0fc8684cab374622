// SPDX-License-Identifier: Apache-2.0
//
// Compiles, runs and compares one network on one configuration. RTL, architecture simulator and
// golden layers must agree in their outputs, and the first two in every byte of DRAM and the number
// of bytes written.

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "components/fuzz/decoders.h"
#include "spec/config.h"
#include "sw/base/npy.h"
#include "sw/compiler/compiler.h"
#include "sw/model/graph/graph.h"
#include "sw/program/program.h"
#include "sw/reference/golden.h"
#include "tools/random/choices.h"
#include "tools/random/networks.h"

namespace trine::fuzz {

/// The choices that make a pair; to_text() and parse_case() convert them for a command line.
struct Case {
  Record config;
  std::uint32_t data_seed = 0;  ///< seed of weights and inputs
  Record network;
  int first = 0, count = 0;  ///< operators to keep; count 0: all
};

std::string to_text(const Case& c);
/// Parses a case. @throws Error
Case parse_case(const std::string& text);

/// A network on a configuration with its inputs and options.
struct Pair {
  Case made;  ///< the choices of its generators
  spec::Config config;
  Family family = Family::kImages;
  model::Graph graph;
  std::string unread;       ///< reason why the importer refuses the network, which is a failure ...
  bool beyond = false;      ///< ... unless the reason is a documented limit
  bool allow_host = false;  ///< the network ends with operators that only the host supports
  std::vector<Array> inputs;
  std::shared_ptr<const Decoder> decoder;  ///< the decoder of kDecoders; graph is its last step
  reference::RoundingPolicy rounding;
  compiler::Ways ways;
  int axi_latency = 32, axi_bytes_per_cycle = 0, stall_percent = 0;
  bool assertions = false;                       ///< checks the RTL's assertions
  std::shared_ptr<const ImportedFile> imported;  ///< file of the graph, or null
};

inline constexpr int kAnyPes = 1 << 30;

/// Draws configuration `k` of a seed and returns it with its choices. If families are given, the
/// configuration supports one of them.
/// @param most_pes  larger configurations are drawn again
std::pair<spec::Config, Record> draw_config(std::uint64_t seed, int k,
                                            const std::vector<Family>& families = {},
                                            int most_pes = kAnyPes);
/// Draws network `n` on configuration `k` of a seed.
/// @param families  none: any family that the configuration supports, except decoders; int16 only
/// on configurations with int16 activations
/// @param config  replaces the drawn configuration
Case draw_case(std::uint64_t seed, int k, int n, const std::vector<Family>& families = {},
               const spec::Config* config = nullptr, int most_pes = kAnyPes);
/// Makes a pair on the case's configuration.
Pair make_pair(const Case& c);
/// Makes a pair with the same network on another configuration.
Pair make_pair(const Case& c, const spec::Config& config);
/// Returns the kind of the network's first output: "codes", "floats" that represent codes, "sums"
/// of the array, or "host" for an operator that only the host supports.
std::string ending_of(const Pair& pair);
/// Returns network, configuration and options of the run as text.
std::string describe(const Pair& pair);

/// The simulator that runs a pair.
enum class Backend { kArch, kRtl };

/// The outcomes of a pair.
enum class Outcome {
  kExact,
  kRefused,  ///< by the compiler, for a documented limit
  kIllegal,  ///< model::check() does not accept the network
  kFailed    ///< any other end: a difference, an error, a crash, a hang
};

/// The result of a pair.
struct Verdict {
  Outcome outcome = Outcome::kFailed;
  std::string text;      ///< explanation, except for kExact
  bool telling = false;  ///< the outputs have many codes, so that an error would show
  bool removed = false;  ///< the compiler removed channels
  bool striped = false;  ///< layers run in cascades
  unsigned streams = 0;  ///< kinds of packed weights: spec::kStreams, a bit each
  std::uint64_t arch_cycles = 0, rtl_cycles = 0;
};

/// Changes the program before it runs, for tests.
using Tamper = std::function<void(compiler::Program&)>;

/// Runs a pair.
Verdict run_pair(const Pair& pair, Backend backend, const Tamper& tamper = {});

/// Runs `work` in a process of its own. Each of these becomes a verdict: a crash, a failed
/// assertion of the RTL (with its text), and a missing result after `seconds` of processor time.
Verdict run_isolated(const std::function<Verdict()>& work, int seconds);
Verdict run_isolated(const Pair& pair, Backend backend, int seconds);

/// Returns a simpler case for which `fails` still returns true: parts of the network are removed
/// and all choices lowered.
/// @param keep_config  true, for example, if another design would take minutes to build
/// @param most  maximum calls of `fails`
Case shrink(Case c, const std::function<bool(const Pair&)>& fails, bool keep_config, int most,
            const spec::Config* config = nullptr);

}  // namespace trine::fuzz
