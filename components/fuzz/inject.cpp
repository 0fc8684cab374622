// SPDX-License-Identifier: Apache-2.0
//
// Inverts bits of DMEM and PMEM while a network runs on the RTL and counts the consequences. Each
// run begins with a reset and inverts bits of one word at a random place and cycle.

#include <fmt/format.h>

#include <array>
#include <memory>
#include <random>

#include "sim/arch/simulate.h"
#include "sim/rtl/simulate.h"
#include "spec/csr.h"
#include "sw/base/error.h"
#include "sw/program/host.h"
#include "tools/cli/common.h"
#include "tools/cli/run/network.h"

namespace trine::cli {
namespace {

constexpr int kDataBits = 32, kCodeBits = 39;
constexpr int kTellingFlips = 100;
constexpr int kSpecial = 5;  ///< with ECC, one run of so many corrupts all rows of PMEM
constexpr std::uint32_t kErrorEcc = 12;
static_assert(csr::kErrors[kErrorEcc].name == "ecc");

enum Ending { kCorrected, kDetected, kMasked, kSilent, kWrongStop, kHang, kEndings };
constexpr std::array<const char*, kEndings> kEndingNames{"corrected", "detected",   "masked",
                                                         "silent",    "wrong stop", "hang"};
using Counts = std::array<int, kEndings>;

struct InjectArguments {
  Output output;
  NetworkOptions network;
  int flips = 100, axi_latency = 8, stall = 0;
  std::uint64_t seed = 1;
};

/// A network on a design, with or without ECC.
class Campaign {
 public:
  Campaign(const InjectArguments& options, bool ecc)
      : o_(options), config_(options.network.design.load()) {
    config_.ecc = ecc;
    spec::check(config_);
    const Network network =
        load_network(o_.network, config_, o_.network.policy(reference::kDoublePolicy));
    program_ = network.program;
    before_ = compiler::initial_dram(program_);
    std::mt19937_64 random(o_.seed);
    // Sets the machine's inputs directly, so that no host operator is needed.
    for (const compiler::TensorLayout& input : program_.inputs)
      for (std::int64_t i = 0; i < input.bytes(); ++i)
        before_.at(static_cast<std::size_t>(input.offset + i)) =
            static_cast<std::uint8_t>(random());
    sim::RtlOptions rtl;
    rtl.build.inject = rtl.build.lockstep = true;
    rtl.build.quiet = o_.output.quiet;
    rtl.axi_latency = o_.axi_latency;
    rtl.stall_percent = o_.stall;
    rtl.build.assertions = true;
    rtl.predicted_cycles = 1'000'000;
    runner_ = std::make_unique<sim::RtlRunner>(program_, rtl);
    golden_ = before_;
    const auto clean = runner_->run_injected(golden_, {});
    if (clean.cause != 0 || clean.hung || clean.corrected != 0)
      throw_error("{}: fails even without flips, cause {}", program_.name, clean.cause);
    cycles_ = clean.cycles;
    words_ = clean.written;
  }

  Counts run(int bits) {
    Counts counts{};
    std::mt19937_64 random(o_.seed);
    Progress progress("inject", o_.output.quiet);
    for (int n = 0; n < o_.flips; ++n) {
      progress.update(
          fmt::format("memory.ecc={}, {} bits: {} of {}", config_.ecc, bits, n, o_.flips));
      const bool special = config_.ecc && n % kSpecial == 0;
      ++counts[!special ? one(random, bits) : bits == 1 ? counted(random) : dropped(random)];
    }
    return counts;
  }

  std::uint64_t cycles() const { return cycles_; }

 private:
  /// Draws one bit, or two bits of one word.
  std::vector<sim::MemoryFlip> draw(std::mt19937_64& random, int bits) const {
    const auto below = [&](std::uint64_t n) { return static_cast<std::uint32_t>(random() % n); };
    const auto word_bits = static_cast<std::uint32_t>(config_.ecc ? kCodeBits : kDataBits);
    sim::MemoryFlip flip{};
    flip.cycle = random() % cycles_;
    flip.pmem = static_cast<std::int32_t>(below(2));
    if (flip.pmem != 0) {
      flip.bank = below(2);
      flip.row = below(static_cast<std::uint64_t>(config_.pmem_rows() / 2));
      if (config_.cores > 1) flip.core = below(static_cast<std::uint64_t>(config_.cores));
    } else {
      const auto words = static_cast<std::uint32_t>(config_.dmem_words());
      const std::uint32_t of_all = words_[below(words_.size())], word = of_all % words;
      flip.core = of_all / words;
      flip.bank = static_cast<std::uint32_t>(config_.bank_of()(word));
      flip.row = word / static_cast<std::uint32_t>(config_.banks());
    }
    const std::uint32_t column =
        flip.pmem != 0 ? below(static_cast<std::uint64_t>(config_.cols)) : 0;
    const std::uint32_t first = below(word_bits);
    flip.bit = column * word_bits + first;
    std::vector<sim::MemoryFlip> flips{flip};
    if (bits == 2) {
      flip.bit = column * word_bits + (first + 1 + below(word_bits - 1)) % word_bits;
      flips.push_back(flip);
    }
    return flips;
  }

  /// Returns the flips of a column of PMEM, repeated in every row.
  std::vector<sim::MemoryFlip> in_all_rows(const std::vector<sim::MemoryFlip>& flips) const {
    std::vector<sim::MemoryFlip> all;
    for (sim::MemoryFlip flip : flips)
      for (std::int64_t row = 0; row < config_.pmem_rows(); ++row) {
        flip.pmem = 1;
        flip.bank = static_cast<std::uint32_t>(row % 2);
        flip.row = static_cast<std::uint32_t>(row / 2);
        flip.bit %= kCodeBits;
        all.push_back(flip);
      }
    return all;
  }

  /// Returns the expected ERROR_ADDRESS.
  std::uint64_t address_of(const sim::MemoryFlip& flip) const {
    const std::uint64_t core = std::uint64_t{flip.core} << 34;
    if (flip.pmem == 0) {
      const std::int64_t row = std::int64_t{flip.row} * config_.banks();
      return core +
             static_cast<std::uint64_t>(row + config_.bank_of()(row + flip.bank));  // inverts it
    }
    return core + (std::uint64_t{1} << 32) + 256 * (2 * std::uint64_t{flip.row} + flip.bank) +
           flip.bit / kCodeBits;
  }

  /// Returns true if the next program is exact after a soft reset, which clears the memories.
  bool recovers() {
    std::vector<std::uint8_t> dram = before_;
    const auto end = runner_->run_injected(dram, {}, true);
    return !end.hung && end.cause == 0 && end.corrected == 0 && dram == golden_;
  }

  /// Applies a soft reset soon after the flips: words that wait in the machine may be corrupted,
  /// but nothing reads them.
  Ending dropped(std::mt19937_64& random) {
    const std::vector<sim::MemoryFlip> flips = in_all_rows(draw(random, 2));
    runner_->begin_injected(before_, flips, flips[0].cycle + 1 + random() % 8);
    return recovers() ? kMasked : kWrongStop;
  }

  /// Corrupts one bit in the first two words of every row, or in the only one. The design reads and
  /// writes both together, so it must count a multiple of two.
  Ending counted(std::mt19937_64& random) {
    std::vector<sim::MemoryFlip> flips = in_all_rows(draw(random, 1));
    const std::size_t rows = flips.size();
    for (std::size_t row = 0; row < rows && config_.cols > 1; ++row) {
      flips.push_back(flips[row]);
      flips.back().bit += kCodeBits;
    }
    return after(flips, flips.size() / rows);
  }

  Ending one(std::mt19937_64& random, int bits) { return after(draw(random, bits), 1); }

  /// @param words  corrupted words in a row: the count of corrected words is a multiple
  Ending after(const std::vector<sim::MemoryFlip>& flips, std::uint64_t words) {
    std::vector<std::uint8_t> dram = before_;
    const auto end = runner_->run_injected(dram, flips);
    if (end.hung) return kHang;
    if (end.cause != 0) {
      if (end.cause != kErrorEcc || end.address != address_of(flips[0])) return kWrongStop;
      // Everything that was stored until then is correct.
      for (std::size_t i = 0; i < dram.size(); ++i)
        if (dram[i] != golden_[i] && dram[i] != before_[i]) return kSilent;
      return recovers() ? kDetected : kWrongStop;
    }
    if (dram != golden_) return kSilent;
    if (end.corrected % words != 0) return kWrongStop;
    return end.corrected != 0 ? kCorrected : kMasked;
  }

  const InjectArguments& o_;
  spec::Config config_;
  compiler::Program program_;
  std::vector<std::uint8_t> before_, golden_;  // DRAM of a run without flips
  std::vector<std::uint32_t> words_;           // of DMEM, one entry for each write
  std::unique_ptr<sim::RtlRunner> runner_;
  std::uint64_t cycles_ = 0;
};

int run(const InjectArguments& options) {
  options.output.check({}, options.network.read());
  std::string text = fmt::format("{:<11} {:>4} {:>7}", "memory.ecc", "bits", "runs");
  for (const char* name : kEndingNames) text += fmt::format(" {:>10}", name);
  text += "\n";
  Json json;
  bool wrong = false;
  for (const bool ecc : {false, true}) {
    Campaign campaign(options, ecc);
    for (const int bits : {1, 2}) {
      const Counts counts = campaign.run(bits);
      text += fmt::format("{:<11} {:>4} {:>7}", ecc, bits, options.flips);
      Json row{
          {"ecc", ecc}, {"bits", bits}, {"runs", options.flips}, {"cycles", campaign.cycles()}};
      for (int i = 0; i < kEndings; ++i) {
        text += fmt::format(" {:>10}", counts[static_cast<std::size_t>(i)]);
        row[kEndingNames[static_cast<std::size_t>(i)]] = counts[static_cast<std::size_t>(i)];
      }
      text += "\n";
      json["rows"].push_back(row);
      wrong |= counts[kHang] != 0 || counts[kWrongStop] != 0;
      wrong |= ecc && counts[kSilent] != 0;
      wrong |= counts[bits == 1 ? kDetected : kCorrected] != 0;
      // A campaign without any effect proves nothing.
      const Ending telling = !ecc ? kSilent : bits == 1 ? kCorrected : kDetected;
      wrong |= options.flips >= kTellingFlips && counts[telling] == 0;
    }
  }
  options.output.print(text);
  const spec::Config config = options.network.design.load();
  options.output.write_json(json, &config);
  return wrong ? kWrongResult : kSuccess;
}

}  // namespace

void add_inject(Command app, Action& action) {
  const auto [command, options] = add_command<InjectArguments>(
      app, action, "inject", "invert bits of the memories while a network runs", run);
  options->network.declare(command);
  add_value(command, "--flips N", options->flips, "runs per line of the table (100)")
      ->check(range(1, 1 << 24));
  add_value(command, "--seed S", options->seed, "seed of the random places and inputs (1)");
  add_value(command, "--stall P", options->stall,
            "percent of cycles in which the memory's channels pause (0)")
      ->check(range(0, 90));
  options->output.declare(command);
  command.footer(
      "Each run inverts one bit or two bits of one word. In half of the runs it is a DMEM word "
      "that\n"
      "the network writes, in the other half any PMEM word. All runs are done without and with\n"
      "memory.ecc. With memory.ecc, each fifth run instead breaks words in every PMEM row: one bit "
      "in\n"
      "two words of each row, and both must be counted; or two bits in one word of each row, then "
      "a\n"
      "soft reset follows soon after, and the next run must be exact.\n"
      "detected: the run stopped with cause and address, the stored data are right, and after a\n"
      "soft reset the network runs again;\n"
      "masked: the results are right, and nothing was corrected; silent: the results are wrong.\n"
      "Exit code 1: a hang or a wrong stop; with memory.ecc a silent run; 100 or more runs that\n"
      "are all masked.\n\n"
      "Examples:\n"
      "  trine inject --config edge64 --set memory.dmem_kib=8 models/plus_filter.tflite --flips "
      "500");
}

}  // namespace trine::cli
