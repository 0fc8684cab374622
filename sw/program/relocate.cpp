// SPDX-License-Identifier: Apache-2.0

#include "sw/program/relocate.h"

#include <algorithm>
#include <cstdlib>

#include "spec/runs.h"
#include "sw/base/error.h"

namespace trine::program {
namespace {

struct Reach {
  std::int64_t first, bytes;
};

/// Returns the DRAM bytes of a transfer. They end after the first word of the highest row for a
/// load, and after the whole row for a store: a PMEM row may hold more words than DRAM does.
Reach reach_of(isa::Engine engine, const isa::TransferRegisters& r, const isa::Run& run) {
  const std::int64_t words = engine == isa::Engine::kStore ? r.get(isa::dma::kWords) : 1;
  const std::int64_t rows = (isa::dram_rows(r, run) - 1) * r.get(isa::dma::kDramStride);
  return {r.get(isa::dma::kDram) + std::min<std::int64_t>(rows, 0), std::abs(rows) + 4 * words};
}

/// Returns the distance by which a transfer's bytes move.
std::int64_t distance(const Program& program, std::span<const Move> moves, const Reach& reach) {
  const auto [first, bytes] = reach;
  for (const Move& m : moves) {
    if (first >= m.end || first + bytes <= m.begin) continue;
    if (first >= m.begin && first + bytes <= m.end) return m.to - m.begin;
    throw_error("{}: a RUN transfers bytes {}..{}, but only bytes {}..{} are relocated",
                program.name, first, first + bytes - 1, m.begin, m.end - 1);
  }
  return 0;
}

}  // namespace

std::vector<isa::Word> relocated(const Program& program, std::span<const Move> moves) {
  isa::Encoder encoder(program.config_hash);
  isa::for_each_run(program.words, [&](std::size_t, isa::Engine engine,
                                       const isa::Registers& registers, const isa::Run& run) {
    isa::TransferRegisters r(registers);
    const bool transfer = engine == isa::Engine::kLoad || engine == isa::Engine::kStore;
    if (transfer && !isa::reads_dmem(run)) {
      const std::int64_t moved = distance(program, moves, reach_of(engine, r, run));
      r.set(isa::dma::kDram, r.get(isa::dma::kDram) + moved, "an address in DRAM");
    }
    encoder.run(engine, r, run);
  });
  return encoder.end();
}

}  // namespace trine::program
