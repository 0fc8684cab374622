// SPDX-License-Identifier: Apache-2.0
//
// Simulates a device as Linux shows it to a program, without root: a file of registers and a file
// of memory that both map, and a terminal that reports interrupts like UIO. The architecture
// simulator runs the programs.
//
// usage: simulated_device CONFIG REGISTERS BUFFER ADDRESS BYTES [fails|dead]
// Makes both files, prints the terminal's name, then works until its standard input ends. `fails`:
// each program stops with a load error; `dead`: none ever ends.

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include "sim/arch/simulate.h"
#include "spec/csr.h"
#include "sw/base/error.h"

namespace {

using namespace trine;

constexpr std::size_t kRegisterBytes = 4096;

/// Maps a new file of zeros.
void* shared_file(const char* path, std::size_t bytes) {
  const int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
  void* at = MAP_FAILED;
  if (file >= 0 && ftruncate(file, static_cast<off_t>(bytes)) == 0)
    at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (at == MAP_FAILED) throw_error("{}: cannot be made and mapped", path);
  return at;
}

/// The interrupt: a program writes a number to enable the next one, and then reads a number.
class Terminal {
 public:
  Terminal() : master_(posix_openpt(O_RDWR | O_NOCTTY)) {
    if (master_ < 0 || grantpt(master_) != 0 || unlockpt(master_) != 0)
      throw_error("no pseudo-terminal");
    slave_ = open(ptsname(master_), O_RDWR | O_NOCTTY);
    termios raw{};
    if (slave_ < 0 || tcgetattr(slave_, &raw) != 0) throw_error("no pseudo-terminal");
    cfmakeraw(&raw);
    tcsetattr(slave_, TCSANOW, &raw);
  }
  std::string name() const { return ptsname(master_); }
  /// Reports an interrupt if the program has enabled it. @return true if it was reported
  bool tell() {
    std::uint32_t number = 0;
    pollfd wanted{master_, POLLIN, 0};
    while (poll(&wanted, 1, 0) > 0 && read(master_, &number, sizeof number) > 0)
      wanted_ = number != 0;
    if (!wanted_) return false;
    wanted_ = false;
    return write(master_, &++count_, sizeof count_) == sizeof count_;
  }

 private:
  int master_, slave_ = -1;
  bool wanted_ = false;
  std::uint32_t count_ = 0;
};

class Device {
 public:
  Device(const spec::Config& config, char** arguments)
      : config_(config),
        registers_(static_cast<volatile std::uint32_t*>(shared_file(arguments[0], kRegisterBytes))),
        address_(std::strtoull(arguments[2], nullptr, 0)),
        bytes_(std::strtoull(arguments[3], nullptr, 0)),
        memory_(static_cast<std::uint8_t*>(shared_file(arguments[1], bytes_))),
        mode_(arguments[4] != nullptr ? arguments[4] : "") {
    put(csr::kId, csr::kIdValue);
    put(csr::kVersion, isa::kVersion);
    put(csr::kRegistersVersion, csr::kRegistersVersionValue);
    put64(csr::kConfigHash, config.hash());
    std::puts(terminal_.name().c_str());
    std::fflush(stdout);
  }

  /// Reads what the program has written; is called again after a millisecond.
  void look() {
    const std::uint32_t cleared = get(csr::kIrqStatus);  // it differs if the program wrote
    if (cleared != events_) put(csr::kIrqStatus, events_ &= ~cleared);
    if ((get(csr::kControl) & 1) != 0) {
      put(csr::kControl, 0);
      start();
    }
    if ((events_ & get(csr::kIrqEnable)) != 0 && !told_) told_ = terminal_.tell();
  }

 private:
  std::uint32_t get(std::uint32_t offset) const {
    const std::uint32_t value = registers_[offset / 4];
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return value;
  }
  void put(std::uint32_t offset, std::uint32_t value) {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    registers_[offset / 4] = value;
  }
  std::uint64_t get64(std::uint32_t offset) const {
    return std::uint64_t{get(offset + 4)} << 32 | get(offset);
  }
  void put64(std::uint32_t offset, std::uint64_t value) {
    put(offset, static_cast<std::uint32_t>(value));
    put(offset + 4, static_cast<std::uint32_t>(value >> 32));
  }

  void start() {
    put(csr::kStatus, 1);
    if (mode_ == "dead") return;
    if (mode_ == "fails")
      fail(2, get64(csr::kBase) + 0x40);
    else
      run();
    put(csr::kIrqStatus, events_ = get(csr::kStatus) / 2);  // done or error
    told_ = false;
  }
  void fail(std::uint32_t cause, std::uint64_t address) {
    put(csr::kErrorCause, cause);
    put64(csr::kErrorAddress, address);
    put(csr::kErrorRun, 3);
    put(csr::kStatus, 4);
  }
  /// Runs the program whose words and data are at the addresses in the registers.
  void run() {
    compiler::Program program;
    program.config = config_;
    program.name = "device";
    const std::uint64_t words = get64(csr::kProgram) - address_,
                        base = get64(csr::kBase) - address_;
    program.words.resize(get(csr::kProgramWords));
    if (words > bytes_ || 8 * program.words.size() > bytes_ - words || base > bytes_)
      return fail(6, words + address_);
    std::memcpy(program.words.data(), memory_ + words, 8 * program.words.size());
    program.run_layer.assign(program.words.size(), 0);
    program.layers.resize(1);
    std::vector<std::uint8_t> dram(memory_ + base, memory_ + bytes_);
    program.dram_bytes = std::ssize(dram);
    const sim::RunResult result = sim::run_arch_dram(program, dram);
    std::ranges::copy(dram, memory_ + base);
    put64(csr::kCycles, result.cycles);
    put(csr::kStatus, 2);
  }

  const spec::Config& config_;
  volatile std::uint32_t* registers_;
  std::uint64_t address_, bytes_;
  std::uint8_t* memory_;
  std::string mode_;
  Terminal terminal_;
  std::uint32_t events_ = 0;
  bool told_ = false;
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 6 && count != 7) return 2;
  try {
    const spec::Config config = spec::load_config(arguments[1]);
    Device device(config, arguments + 2);
    pollfd input{0, POLLIN, 0};
    while (poll(&input, 1, 1) == 0) device.look();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "simulated_device: %s\n", error.what());
    return 2;
  }
  return 0;
}
