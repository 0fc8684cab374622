// SPDX-License-Identifier: Apache-2.0
//
// One network on one configuration: compiled, run, compared. RTL = architecture simulator = golden
// layers: outputs of all three, every byte of DRAM and what is written of the first two.

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/npy.h"
#include "machine/config.h"
#include "sw/compiler/compiler.h"
#include "sw/model/graph.h"
#include "sw/program/program.h"
#include "sw/reference/run.h"
#include "tools/fuzz/choices.h"
#include "tools/fuzz/decoders.h"
#include "tools/fuzz/networks.h"

namespace trine::fuzz {

/// What a pair is made of; to_text() and parse_case() keep it on a command line.
struct Case {
  Record config;
  std::uint32_t data_seed = 0;  ///< of weights and inputs
  Record network;
  int first = 0, count = 0;  ///< operators that are left of the network; count 0: all of them
};

std::string to_text(const Case& c);
/// @throws Error
Case parse_case(const std::string& text);

struct Pair {
  Case made;  ///< what its generators asked for
  machine::Config config;
  Family family = Family::kImages;
  model::Graph graph;
  std::string unread;       ///< why the importer refuses the network, which it has to read ...
  bool beyond = false;      ///< ... unless it is for a documented limit
  bool allow_host = false;  ///< the network ends with operators that only the host has
  std::vector<Array> inputs;
  std::shared_ptr<const Decoder> decoder;  ///< if that is the family; graph is its last step
  reference::RoundingPolicy rounding;
  compiler::Ways ways;
  int axi_latency = 32, axi_bytes_per_cycle = 0, stall_percent = 0;
  bool assertions = false;  ///< of the RTL are checked
  std::shared_ptr<const ImportedFile>
      imported;  ///< the graph is this file's, if that is the family
};

inline constexpr int kAnyPes = 1 << 30;

/// Configuration `k` of a seed, and what it is made of: one that has one of the families, if any is
/// named. @param most_pes  larger ones are drawn again
std::pair<machine::Config, Record> draw_config(std::uint64_t seed, int k,
                                               const std::vector<Family>& families = {},
                                               int most_pes = kAnyPes);
/// Network `n` on configuration `k` of a seed. @param families  none: of any that the
/// configuration may have, but decoders; int16 alone: on configurations that have it
/// @param config  instead of the drawn one
Case draw_case(std::uint64_t seed, int k, int n, const std::vector<Family>& families = {},
               const machine::Config* config = nullptr, int most_pes = kAnyPes);
Pair make_pair(const Case& c);
/// The same network on that configuration.
Pair make_pair(const Case& c, const machine::Config& config);
/// What the network's first output is: "codes", "floats" that stand for codes, "sums" of the
/// array, or what an operator that the "host" alone has computes.
std::string ending_of(const Pair& pair);
/// Network, configuration and what they are run with, for people.
std::string describe(const Pair& pair);

enum class Backend { kArch, kRtl };

enum class Outcome {
  kExact,
  kRefused,  ///< by the compiler, for a documented limit
  kIllegal,  ///< the network is none that model::check() accepts
  kFailed    ///< everything else: a difference, an error, a crash, a hang
};

struct Verdict {
  Outcome outcome = Outcome::kFailed;
  std::string text;      ///< of anything but kExact
  bool telling = false;  ///< the outputs have many codes: an error would show
  bool removed = false;  ///< the compiler left channels out
  bool striped = false;  ///< layers run in cascades
  unsigned streams = 0;  ///< weights are packed so: machine::kStreams, a bit each
  std::uint64_t arch_cycles = 0, rtl_cycles = 0;
};

/// For tests: changes the program before it runs.
using Tamper = std::function<void(compiler::Program&)>;

Verdict run_pair(const Pair& pair, Backend backend, const Tamper& tamper = {});

/// Runs `work` in a process of its own. A crash is a verdict, and so is an assertion of the RTL
/// that fails, with its text, or no result after `seconds` of processor time.
Verdict run_isolated(const std::function<Verdict()>& work, int seconds);
Verdict run_isolated(const Pair& pair, Backend backend, int seconds);

/// A simpler case for which `fails` still holds: parts of the network are left out, everything is
/// lowered. @param keep_config  e.g. because another design takes minutes to build
/// @param most  calls of `fails`
Case shrink(Case c, const std::function<bool(const Pair&)>& fails, bool keep_config, int most,
            const machine::Config* config = nullptr);

}  // namespace trine::fuzz
