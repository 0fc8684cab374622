// SPDX-License-Identifier: Apache-2.0
//
// Verifies the emitted instructions. Each must stay inside of its layer's maps, or inside of one of
// the buffers that the plan reserves for the layer. Each transfer of a map must be whole beats.

#include <fmt/format.h>

#include <algorithm>

#include "spec/runs.h"
#include "sw/compiler/verify/first_fault.h"
#include "sw/compiler/verify/verify.h"

namespace trine::compiler {
namespace {

/// A range of DMEM words that a layer may use, and its name.
struct Allowed {
  std::int64_t first = 0, end = 0;
  std::string name;
};

class EmitVerifier : FirstFault {
 public:
  EmitVerifier(const std::vector<Instruction>& instructions, const Plan& plan,
               const Network& network, const spec::Config& config)
      : instructions_(instructions), plan_(plan), net_(network), config_(config) {}

  std::optional<std::string> run() {
    int layer = -1;
    std::vector<Allowed> allowed;
    for (const Instruction& i : instructions_) {
      if (i.layer != layer) allowed = allowed_of(layer = i.layer);
      const Layer& l = net_.layers[at(layer)];
      where_ = fmt::format("layer {} {} '{}': ", layer, l.op, l.name);
      for (const Region& r : i.reads) verify_region(r, "reads", allowed);
      for (const Region& r : i.writes) verify_region(r, "writes", allowed);
      verify_transfer(i);
      if (fault_) break;
    }
    return fault_;
  }

 private:
  /// Returns the ranges of the layer's resident maps and of its buffers.
  std::vector<Allowed> allowed_of(int layer) const {
    const Layer& l = net_.layers[at(layer)];
    std::vector<Allowed> all;
    for (const int m : {l.input, l.second, l.output, l.weights_map}) {
      if (m < 0) continue;
      const Placement& p = plan_.maps[at(m)];
      if (p.resident) all.push_back({p.room.first, p.room.end, fmt::format("map {}", m)});
    }
    const Tiling& t = plan_.tilings[at(layer)];
    std::int64_t first = plan_.scratch[at(layer)];
    for (const auto& [words, name] :
         {std::pair{t.input_words, "input"}, std::pair{t.second_words, "second"},
          std::pair{t.output_words, "output"}})
      for (int k = 0; k < t.buffers && words > 0; ++k, first += words)
        all.push_back({first, first + words, fmt::format("{} buffer {}", name, k)});
    if (t.sum_words > 0) all.push_back({first, first + t.sum_words, "sums"});
    return all;
  }

  void verify_region(const Region& r, const char* what, const std::vector<Allowed>& allowed) {
    if (r.space != Space::kDmem || r.count <= 0 || r.length <= 0) return;
    const auto holds = [&](const Allowed& a) { return r.start >= a.first && r.end() <= a.end; };
    if (std::ranges::any_of(allowed, holds)) return;
    const auto begins = std::ranges::find_if(
        allowed, [&](const Allowed& a) { return r.start >= a.first && r.start < a.end; });
    require(false, "{} DMEM words {}..{}, {}", what, r.start, r.end() - 1,
            begins == allowed.end() ? "which begin outside of its maps and buffers"
                                    : fmt::format("planned for its {}: {}..{}", begins->name,
                                                  begins->first, begins->end - 1));
  }

  /// Checks that the DMA can move each row of a transfer.
  void verify_transfer(const Instruction& i) {
    namespace dma = isa::dma;
    if ((i.engine != isa::Engine::kLoad && i.engine != isa::Engine::kStore) ||
        !isa::is_of_maps(i.run))
      return;
    const isa::TransferRegisters r(i.registers);
    const std::int64_t beat = config_.data_words();
    const std::int64_t dram = r.get(dma::kDram) / 4, local = r.get(dma::kLocal);
    require((dram - local) % beat == 0,
            "DRAM word {} and DMEM word {} are not congruent modulo a beat of {} words", dram,
            local, beat);
    require(r.get(dma::kRowsLast) == 0 ||
                (r.get(dma::kDramStride) % (4 * beat) == 0 && r.get(dma::kLocalStride) % beat == 0),
            "strides of {} and {} words are not whole beats of {} words",
            r.get(dma::kDramStride) / 4, r.get(dma::kLocalStride), beat);
  }

  const std::vector<Instruction>& instructions_;
  const Plan& plan_;
  const Network& net_;
  const spec::Config& config_;
};

}  // namespace

std::optional<std::string> fault_of(const std::vector<Instruction>& instructions, const Plan& plan,
                                    const Network& network, const spec::Config& config) {
  return EmitVerifier(instructions, plan, network, config).run();
}

}  // namespace trine::compiler
