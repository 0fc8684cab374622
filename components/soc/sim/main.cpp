// SPDX-License-Identifier: Apache-2.0
//
// Runs a Verilated system (components/soc/trine_litex/simulation.py) with a clock. Prints the
// UART's output and returns the firmware's exit code.
//
//   trine_soc_sim [--cycles N] [--uart FILE]
//
// The UART receives the bytes of FILE, each when the system accepts it. Memories are read from
// trine_soc_*.init in the current folder. The exit code is the firmware's, or 124 if it has not
// ended after N cycles.

#include <verilated.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "Vtrine_soc.h"

namespace {

constexpr std::uint64_t kResetCycles = 8;
constexpr int kLate = 124;  // as timeout(1)

class Simulation {
 public:
  explicit Simulation(std::string received) : received_(std::move(received)) {
    soc_.serial_source_ready = 1;
  }

  /// @return true if the firmware ended
  bool cycle(bool reset) {
    soc_.rst = static_cast<unsigned char>(reset);
    const bool more = !reset && at_ < received_.size();
    soc_.serial_sink_valid = static_cast<unsigned char>(more);
    soc_.serial_sink_data = more ? static_cast<unsigned char>(received_[at_]) : 0;
    soc_.clk = 0;
    soc_.eval();
    if (more && soc_.serial_sink_ready != 0) ++at_;
    if (soc_.serial_source_valid != 0) put(static_cast<char>(soc_.serial_source_data));
    soc_.clk = 1;
    soc_.eval();
    return soc_.finish != 0;
  }
  int exit_code() const { return soc_.exit_code; }

 private:
  static void put(char byte) {
    std::fputc(byte, stdout);
    std::fflush(stdout);  // shows each character immediately
  }

  std::string received_;
  std::size_t at_ = 0;
  VerilatedContext context_;
  Vtrine_soc soc_{&context_};
};

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t cycles = UINT64_MAX;
  std::string received;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::string_view(argv[i]) == "--cycles") cycles = std::strtoull(argv[i + 1], nullptr, 10);
    if (std::string_view(argv[i]) == "--uart") {
      std::ifstream file(argv[i + 1], std::ios::binary);
      received.assign(std::istreambuf_iterator<char>(file), {});
    }
  }
  Simulation simulation(std::move(received));
  int code = kLate;
  for (std::uint64_t cycle = 0; cycle < cycles && code == kLate; ++cycle)
    if (simulation.cycle(cycle < kResetCycles)) code = simulation.exit_code();
  std::fflush(stdout);
  return code;
}
