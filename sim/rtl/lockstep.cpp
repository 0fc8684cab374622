// SPDX-License-Identifier: Apache-2.0

#include "sim/rtl/lockstep.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sim/arch/cluster.h"
#include "spec/runs.h"

namespace trine::sim {
namespace {

/// The expected values of one byte, and the position of the RTL in them.
struct Sequence {
  std::size_t begin = 0, end = 0, next = 0;
};

void append_bytes(std::vector<ExpectedByte>& bytes, const DmemWrite& write) {
  for (unsigned b = 0; b < 4; ++b)
    if ((write.mask >> 8 * b & 0xff) != 0)
      bytes.push_back({4 * write.address + b, static_cast<std::uint8_t>(write.data >> 8 * b),
                       static_cast<std::int32_t>(write.run)});
}

/// Sorts by address, keeps the program order of each byte, and drops repeated values.
void group_by_byte(std::vector<ExpectedByte>& bytes) {
  std::ranges::stable_sort(bytes, {}, &ExpectedByte::byte_address);
  const auto repeats = [](const ExpectedByte& a, const ExpectedByte& b) {
    return a.byte_address == b.byte_address && a.value == b.value;
  };
  bytes.erase(std::unique(bytes.begin(), bytes.end(), repeats), bytes.end());
}

std::vector<Sequence> index(const std::vector<ExpectedByte>& bytes, std::uint32_t byte_count) {
  std::vector<Sequence> sequences(byte_count);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    Sequence& s = sequences[bytes[i].byte_address];
    if (s.end == 0) s.begin = s.next = i;
    s.end = i + 1;
  }
  return sequences;
}

}  // namespace

std::vector<ExpectedByte> expected_writes(const compiler::Program& program,
                                          std::vector<std::uint8_t> dram) {
  std::vector<ExpectedByte> bytes;
  Cluster cores(program.config, dram);
  cores.on_dmem_write([&bytes](const DmemWrite& write) { append_bytes(bytes, write); });
  int index = 0;
  isa::for_each_run(program.words,
                    [&](std::size_t, isa::Engine engine, const isa::Registers& registers,
                        const isa::Run& run) { cores.execute(engine, registers, run, index++); });
  return bytes;
}

Difference first_difference(std::vector<ExpectedByte> expected, const ObservedWrite* writes,
                            std::uint64_t count) {
  std::uint32_t last_word = 0;
  for (std::uint64_t i = 0; i < count; ++i) last_word = std::max(last_word, writes[i].address);
  for (const ExpectedByte& e : expected) last_word = std::max(last_word, e.byte_address / 4);
  group_by_byte(expected);
  std::vector<Sequence> sequences = index(expected, 4 * (last_word + 1));

  // Masks are per bit: a byte's value is known only after applying the write.
  std::vector<std::uint32_t> memory(last_word + 1);
  Difference d;
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint32_t& word = memory[writes[i].address];
    word = (word & ~writes[i].mask) | (writes[i].data & writes[i].mask);
    for (unsigned b = 0; b < 4; ++b) {
      if ((writes[i].mask >> 8 * b & 0xff) == 0) continue;
      Sequence& s = sequences[4 * writes[i].address + b];
      const auto actual = static_cast<std::uint8_t>(word >> 8 * b);
      if (s.next > s.begin && expected[s.next - 1].value == actual) continue;
      if (s.next < s.end && expected[s.next].value == actual) {
        ++s.next;
        continue;
      }
      d.found = true;
      d.unexpected = s.next == s.end;
      d.cycle = writes[i].cycle;
      d.word_address = writes[i].address;
      d.byte = static_cast<int>(b);
      d.actual = actual;
      if (d.unexpected) return d;
      d.run = expected[s.next].run;
      d.expected = expected[s.next].value;
      return d;
    }
  }
  for (const Sequence& s : sequences) {
    if (s.next == s.end || (d.found && expected[s.next].run >= d.run)) continue;
    const ExpectedByte& e = expected[s.next];
    d.found = d.missing = true;
    d.word_address = e.byte_address / 4;
    d.byte = static_cast<int>(e.byte_address % 4);
    d.run = e.run;
    d.expected = e.value;
  }
  return d;
}

std::string describe(const Difference& d, const compiler::Program& program) {
  const std::string place = fmt::format("DMEM word 0x{:x} byte {}", d.word_address, d.byte);
  if (d.unexpected)
    return fmt::format(
        "cycle {}: {}: the RTL writes 0x{:02x}, but the program writes nothing (more) there",
        d.cycle, place, d.actual);
  const std::string run = compiler::describe_run(program, d.run);
  if (d.missing)
    return fmt::format("RUN {}: {}: {}: the RTL never writes the expected 0x{:02x}", d.run, run,
                       place, d.expected);
  return fmt::format("cycle {}: RUN {}: {}: {}: expected 0x{:02x}, actual 0x{:02x}", d.cycle, d.run,
                     run, place, d.expected, d.actual);
}

}  // namespace trine::sim
