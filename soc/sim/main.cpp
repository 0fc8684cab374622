// SPDX-License-Identifier: Apache-2.0
//
// Runs a verilated system (soc/trine_litex/simulation.py): a clock, the UART on standard output, the
// firmware's exit code.
//
//   trine_soc_sim [--cycles N] [--trace F.fst]
//
// Memories are read from trine_soc_*.init in the current folder. Exit code: the firmware's; 124 when
// it has not ended after N cycles.

#include <verilated.h>
#include <verilated_fst_c.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "Vtrine_soc.h"

namespace {

constexpr int kLate = 124;  // as timeout(1)

struct Options {
  std::uint64_t cycles = UINT64_MAX;
  std::string trace;
};

Options options_of(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    if (name == "--cycles") options.cycles = std::strtoull(argv[i + 1], nullptr, 10);
    if (name == "--trace") options.trace = argv[i + 1];
  }
  return options;
}

class Simulation {
 public:
  explicit Simulation(const std::string& trace) {
    if (trace.empty()) return;
    context_.traceEverOn(true);
    fst_ = std::make_unique<VerilatedFstC>();
    soc_.trace(fst_.get(), 99);
    fst_->open(trace.c_str());
  }
  ~Simulation() {
    if (fst_ != nullptr) fst_->close();
  }

  /// @return whether the firmware ended
  bool cycle() {
    half(0);
    if (soc_.serial_source_valid != 0) put(static_cast<char>(soc_.serial_source_data));
    half(1);
    return soc_.finish != 0;
  }
  void reset(bool on) { soc_.rst = on; }
  int exit_code() const { return soc_.exit_code; }

 private:
  void half(int level) {
    soc_.clk = static_cast<unsigned char>(level);
    soc_.serial_source_ready = 1;
    soc_.eval();
    if (fst_ != nullptr) fst_->dump(time_);
    ++time_;
  }
  static void put(char byte) {
    std::fputc(byte, stdout);
    if (byte == '\n') std::fflush(stdout);
  }

  VerilatedContext context_;
  Vtrine_soc soc_{&context_};
  std::unique_ptr<VerilatedFstC> fst_;
  std::uint64_t time_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const Options options = options_of(argc, argv);
  Simulation simulation(options.trace);
  constexpr std::uint64_t kResetCycles = 8;
  for (std::uint64_t cycle = 0; cycle < options.cycles; ++cycle) {
    simulation.reset(cycle < kResetCycles);
    if (simulation.cycle()) {
      std::fflush(stdout);
      return simulation.exit_code();
    }
  }
  std::fflush(stdout);
  return kLate;
}
