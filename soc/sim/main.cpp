// SPDX-License-Identifier: Apache-2.0
//
// Runs a verilated system (soc/trine_litex/simulation.py): a clock, the UART on standard output,
// the firmware's exit code.
//
//   trine_soc_sim [--cycles N]
//
// Memories are read from trine_soc_*.init in the current folder. Exit code: the firmware's; 124
// when it has not ended after N cycles.

#include <verilated.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "Vtrine_soc.h"

namespace {

constexpr std::uint64_t kResetCycles = 8;
constexpr int kLate = 124;  // as timeout(1)

class Simulation {
 public:
  Simulation() { soc_.serial_source_ready = 1; }

  /// @return whether the firmware ended
  bool cycle(bool reset) {
    soc_.rst = static_cast<unsigned char>(reset);
    soc_.clk = 0;
    soc_.eval();
    if (soc_.serial_source_valid != 0) put(static_cast<char>(soc_.serial_source_data));
    soc_.clk = 1;
    soc_.eval();
    return soc_.finish != 0;
  }
  int exit_code() const { return soc_.exit_code; }

 private:
  static void put(char byte) {
    std::fputc(byte, stdout);
    std::fflush(stdout);  // as it comes
  }

  VerilatedContext context_;
  Vtrine_soc soc_{&context_};
};

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t cycles = UINT64_MAX;
  if (argc == 3 && std::string_view(argv[1]) == "--cycles")
    cycles = std::strtoull(argv[2], nullptr, 10);
  Simulation simulation;
  int code = kLate;
  for (std::uint64_t cycle = 0; cycle < cycles && code == kLate; ++cycle)
    if (simulation.cycle(cycle < kResetCycles)) code = simulation.exit_code();
  std::fflush(stdout);
  return code;
}
