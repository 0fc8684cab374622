// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/schedule/instruction.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace trine::compiler {

bool overlap(const Region& a, const Region& b) {
  if (a.space != b.space || a.start >= b.end() || b.start >= a.end()) return false;
  const Region& outer = a.count <= b.count ? a : b;
  const Region& inner = a.count <= b.count ? b : a;
  for (std::int64_t i = 0; i < outer.count; ++i) {
    const std::int64_t low = outer.start + i * outer.stride, high = low + outer.length;
    if (inner.count == 1 || inner.stride == 0) {
      if (low < inner.end() && inner.start < high) return true;
      continue;
    }
    // Finds the first range of `inner` that ends after `low`: start + k * stride + length > low.
    const std::int64_t behind = low - inner.start - inner.length;
    const std::int64_t k = behind < 0 ? 0 : behind / inner.stride + 1;
    if (k < inner.count && inner.start + k * inner.stride < high) return true;
  }
  return false;
}

namespace {

bool meet(const std::vector<Region>& a, const std::vector<Region>& b) {
  return std::ranges::any_of(a, [&](const Region& x) {
    return std::ranges::any_of(b, [&](const Region& y) { return overlap(x, y); });
  });
}

}  // namespace

bool conflicts(const Instruction& earlier, const Instruction& later) {
  if (meet(earlier.writes, later.reads)) return true;
  if (earlier.engine == later.engine) return false;
  return meet(earlier.reads, later.writes) || meet(earlier.writes, later.writes);
}

bool independent(const Instruction& a, const Instruction& b) {
  return !meet(a.writes, b.reads) && !meet(a.reads, b.writes) && !meet(a.writes, b.writes);
}

namespace {

std::string text_of(const Region& r) {
  constexpr std::array<const char*, 6> kSpaces{"dmem",  "pmem",         "params",
                                               "table", "exponentials", "dram"};
  std::string text = fmt::format("{} {}", kSpaces[static_cast<std::size_t>(r.space)], r.start);
  if (r.length != 1) text += fmt::format("..{}", r.start + r.length - 1);
  if (r.count > 1) text += fmt::format(" {} times, {} apart", r.count, r.stride);
  return text;
}

}  // namespace

std::string to_text(const std::vector<Instruction>& program) {
  std::string text = fmt::format("runs: {}\n", program.size());
  for (std::size_t i = 0; i < program.size(); ++i) {
    const Instruction& run = program[i];
    text += fmt::format("  {:4} layer {:3} {}\n", i, run.layer,
                        isa::disassemble(isa::encode_run(run.engine, run.run)));
    for (const Region& r : run.reads) text += fmt::format("         reads {}\n", text_of(r));
    for (const Region& r : run.writes) text += fmt::format("         writes {}\n", text_of(r));
  }
  return text;
}

}  // namespace trine::compiler
