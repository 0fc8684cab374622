// SPDX-License-Identifier: Apache-2.0

#include "tests/programs/simulated_device.h"

#include <cstring>
#include <regex>

#include "gen/emit.h"
#include "sim/arch/simulate.h"
#include "sw/base/error.h"
#include "trine_csr.h"

namespace trine::tests {

trine_design design_of(const spec::Config& config) {
  const std::string header = gen::design_header(config);
  static const std::regex number("UINT64_C\\((0x[0-9a-f]+)\\)|, (\\d+)");
  std::vector<std::uint64_t> n;
  const std::size_t value = header.find("#define TRINE_DESIGN \\");
  if (value == std::string::npos) throw_error("trine_design.h has no TRINE_DESIGN");
  for (std::sregex_iterator
           it(header.begin() + static_cast<std::ptrdiff_t>(value), header.end(), number),
       end;
       it != end; ++it)
    n.push_back((*it)[1].matched ? std::stoull((*it)[1], nullptr, 16) : std::stoull((*it)[2]));
  const auto word = [&](std::size_t i) { return static_cast<std::uint32_t>(n.at(i)); };
  return {n.at(0), word(1), word(2), word(3), word(4), word(5), word(6), word(7), word(8)};
}

SimulatedDevice::SimulatedDevice(const spec::Config& config, std::size_t memory_bytes,
                                 const std::optional<sim::RtlOptions>& rtl)
    : memory(memory_bytes), config_(config), rtl_(rtl) {
  share();
  registers_[TRINE_CSR_ID] = TRINE_CSR_ID_VALUE;
  registers_[TRINE_CSR_VERSION] = isa::kVersion;
  registers_[TRINE_CSR_REGISTERS_VERSION] = TRINE_CSR_REGISTERS_VERSION_VALUE;
  registers_[TRINE_CSR_CONFIG_HASH] = static_cast<std::uint32_t>(config.hash());
  registers_[TRINE_CSR_CONFIG_HASH + 4] = static_cast<std::uint32_t>(config.hash() >> 32);
  trine_callbacks callbacks{};
  callbacks.context = this;
  callbacks.read32 = [](void* device, std::uint32_t offset, std::uint32_t* value) {
    return static_cast<SimulatedDevice*>(device)->read(offset, value);
  };
  callbacks.write32 = [](void* device, std::uint32_t offset, std::uint32_t value) {
    return static_cast<SimulatedDevice*>(device)->write(offset, value);
  };
  callbacks.map = [](void* device, std::uint64_t address, std::size_t bytes) {
    return static_cast<SimulatedDevice*>(device)->map(address, bytes);
  };
  callbacks.clean = [](void* context, const void* at, std::size_t bytes) {
    auto& device = *static_cast<SimulatedDevice*>(context);
    device.clean(
        static_cast<std::size_t>(static_cast<const std::uint8_t*>(at) - device.cache_.data()),
        bytes);
  };
  callbacks.invalidate = [](void* context, void* at, std::size_t bytes) {
    auto& device = *static_cast<SimulatedDevice*>(context);
    device.invalidate(
        static_cast<std::size_t>(static_cast<std::uint8_t*>(at) - device.cache_.data()), bytes);
  };
  if (const int code = trine_open(&storage_, sizeof storage_, &callbacks, &device_);
      code != TRINE_OK)
    throw_error("trine_open: {}", trine_strerror(code));
}

int SimulatedDevice::read(std::uint32_t offset, std::uint32_t* value) {
  *value = registers_[offset];
  return 0;
}

int SimulatedDevice::write(std::uint32_t offset, std::uint32_t value) {
  if (offset == TRINE_CSR_CONTROL)
    start();
  else
    registers_[offset] = value;
  return 0;
}

void* SimulatedDevice::map(std::uint64_t address, std::size_t bytes) {
  const bool inside = address <= memory.size() && bytes <= memory.size() - address;
  return inside ? cache_.data() + address : nullptr;
}

/// Writes back everything that the processor has written.
void SimulatedDevice::clean(std::size_t at, std::size_t bytes) {
  for (std::size_t i = at; i < at + bytes; ++i)
    if (cache_[i] != clean_[i]) memory[i] = clean_[i] = cache_[i];
}

void SimulatedDevice::invalidate(std::size_t at, std::size_t bytes) {
  for (std::size_t i = at; i < at + bytes; ++i) cache_[i] = clean_[i] = memory[i];
}

void SimulatedDevice::start() {
  compiler::Program program;
  program.name = "words";
  program.config = config_;
  program.config_hash = config_.hash();
  program.dram_bytes = static_cast<std::int64_t>(memory.size());
  program.words.resize(registers_[TRINE_CSR_PROGRAM_WORDS]);
  program.layers.resize(1);
  const std::size_t bytes = 8 * program.words.size();
  try {
    const std::size_t at = registers_[TRINE_CSR_PROGRAM];
    if (map(at, bytes) == nullptr || registers_[TRINE_CSR_BASE] != 0) throw_error("no such memory");
    std::memcpy(program.words.data(), &memory[at], bytes);
    program.run_layer.resize(program.words.size());  // at most one RUN per word
    last = rtl_ ? sim::RtlRunner(program, *rtl_).run_dram(memory)
                : sim::run_arch_dram(program, memory);
    ++programs;
    cycles += last.cycles;
    registers_[TRINE_CSR_STATUS] = TRINE_CSR_STATUS_DONE;
  } catch (const Error& e) {
    error = e.what();
    registers_[TRINE_CSR_STATUS] = TRINE_CSR_STATUS_ERROR;
  }
}

}  // namespace trine::tests
