// SPDX-License-Identifier: Apache-2.0
//
// Verifies a plan. Maps and buffers must be inside of DMEM and must not overlap. Maps that the DMA
// moves must be placed so that transfers are whole beats.

#include <fmt/format.h>

#include <algorithm>

#include "sw/compiler/plan/plan_facts.h"
#include "sw/compiler/verify/first_fault.h"
#include "sw/compiler/verify/verify.h"

namespace trine::compiler {
namespace {

class PlanVerifier : FirstFault {
 public:
  PlanVerifier(const Plan& plan, const Network& network, const spec::Config& config)
      : plan_(plan),
        net_(network),
        config_(config),
        facts_(network, config),
        beat_(config.data_words()) {}

  std::optional<std::string> run() {
    where_ = "plan: ";
    require(plan_.maps.size() == net_.maps.size() && plan_.tilings.size() == net_.layers.size() &&
                plan_.scratch.size() == net_.layers.size(),
            "{} maps and {} layers, but the network has {} and {}", plan_.maps.size(),
            plan_.tilings.size(), net_.maps.size(), net_.layers.size());
    if (fault_) return fault_;
    for (int m = 0; m < count() && !fault_; ++m) verify_map(m);
    verify_dmem();
    for (int i = 0; i < std::ssize(net_.layers) && !fault_; ++i) verify_layer(i);
    return fault_;
  }

 private:
  int count() const { return static_cast<int>(net_.maps.size()); }
  const Map& map(int m) const { return net_.maps[at(m)]; }
  const Placement& place(int m) const { return plan_.maps[at(m)]; }
  std::string name_of(int m) const { return fmt::format("map {} '{}'", m, map(m).name); }

  // ---- maps -------------------------------------------------------------------------------------

  void verify_map(int m) {
    where_ = name_of(m) + ": ";
    const Placement& p = place(m);
    if (!facts_.used(m)) return;
    require(p.resident || p.in_dram, "neither in DMEM nor in DRAM");
    if (facts_.is_view(m)) return;
    if (p.resident) verify_room(m);
    if (p.in_dram) verify_dram(m);
    if (p.resident && p.in_dram) verify_transfers(m);
    if (p.in_dram && !p.resident) verify_planes(m, p.dram, "DRAM");  // its parts are moved
  }

  /// Checks that all words of a resident map are in the range that the planner reserved.
  void verify_room(int m) {
    const Placement& p = place(m);
    const std::int64_t first = p.dmem.origin - std::int64_t{rows_above(m)} * p.dmem.pitch;
    const std::int64_t end = first + p.dmem.plane * map(m).shape.channel_words();
    require(p.room.first >= 0 && p.room.end <= config_.dmem_words(),
            "reserved DMEM words {}..{}, allowed 0..{}", p.room.first, p.room.end - 1,
            config_.dmem_words() - 1);
    require(first >= p.room.first && end <= p.room.end,
            "uses DMEM words {}..{}, but reserved are {}..{}", first, end - 1, p.room.first,
            p.room.end - 1);
  }

  /// Returns the number of neighbours' rows above a core's rows, which is the same for all maps of
  /// a layout.
  int rows_above(int m) const {
    if (map(m).core.rows == 0 || place(m).in_dram) return 0;
    int rows = 0;
    for (const int k : facts_.members(facts_.leader(m)))
      rows = std::max(rows, map(k).core.rows_above);
    return rows;
  }

  void verify_dram(int m) {
    const View& dram = place(m).dram;
    const Shape shape = map(m).capacity.value_or(map(m).shape);
    require(dram.origin >= 0, "begins at DRAM word {}, allowed 0 and above", dram.origin);
    if (map(net_.source_of(m)).constant() || facts_.is_head(m)) return;
    const std::int64_t end = dram.origin + dram.plane * shape.channel_words();
    require(end <= plan_.core_words, "uses DRAM words up to {}, but a core has {}", end,
            plan_.core_words);
    require(dram.pitch >= map(m).width_in_dram() * shape.pixel_words() || shape.H == 1,
            "rows of {} words in DRAM are only {} words apart",
            map(m).width_in_dram() * shape.pixel_words(), dram.pitch);
  }

  /// Checks a map that moves between DRAM and DMEM: both sides, and their rows and planes, begin at
  /// the same position in a beat.
  void verify_transfers(int m) {
    const View &dram = place(m).dram, &dmem = place(m).dmem;
    const Shape& shape = map(m).shape;
    require((dram.origin - dmem.origin) % beat_ == 0,
            "DRAM word {} and DMEM word {} are not congruent modulo a beat of {} words",
            dram.origin, dmem.origin, beat_);
    verify_planes(m, dram, "DRAM");
    if (shape.channel_words() > 1 && shape.pixels() == 1)
      require(dram.plane % beat_ == dmem.plane % beat_,
              "planes of {} words in DRAM and {} in DMEM end at different positions in a beat",
              dram.plane, dmem.plane);
    else
      verify_planes(m, dmem, "DMEM");
    require(shape.H == 1 || (dram.pitch - dmem.pitch) % beat_ == 0,
            "rows {} words apart in DRAM, {} in DMEM: not congruent modulo a beat of {} words",
            dram.pitch, dmem.pitch, beat_);
  }

  void verify_planes(int m, const View& view, const char* memory) {
    const Shape shape = map(m).capacity.value_or(map(m).shape);
    require(shape.channel_words() == 1 || shape.pixels() == 1 || view.plane % beat_ == 0,
            "planes are {} words apart in {}, allowed whole beats of {} words", view.plane, memory,
            beat_);
  }

  // ---- DMEM -------------------------------------------------------------------------------------

  /// Returns the layers during which the map occupies its words, computed only from the network.
  Life life_of(int m) const {
    const Map& own = map(m);
    const int from = own.written.first >= 0 ? own.written.first : own.read.first;
    Life life{from, std::max({from, own.read.last, own.written.last})};
    return {facts_.together(life.from).first, facts_.together(life.to).last};
  }

  /// Checks that no two maps that are alive at once share words, except maps that one layer
  /// computes in place, which must have the same layout.
  void verify_dmem() {
    std::vector<std::pair<int, int>> order;  // by first layer
    for (int m = 0; m < count(); ++m)
      if (facts_.used(m) && !facts_.is_view(m) && place(m).resident)
        order.emplace_back(life_of(m).from, m);
    std::ranges::sort(order);
    std::vector<int> alive;
    for (const auto& [from, m] : order) {
      std::erase_if(alive, [&, first = from](int k) { return life_of(k).to < first; });
      for (const int k : alive) verify_disjoint(k, m);
      alive.push_back(m);
    }
  }

  void verify_disjoint(int a, int b) {
    const Placement &p = place(a), &q = place(b);
    if (p.room.end <= q.room.first || q.room.end <= p.room.first) return;
    const bool alike = facts_.alias_class(a) == facts_.alias_class(b) &&
                       p.dmem.origin == q.dmem.origin && p.dmem.pitch == q.dmem.pitch &&
                       p.dmem.plane == q.dmem.plane;
    const Life x = life_of(a), y = life_of(b);
    where_ = "DMEM: ";
    require(alike, "{} of layers {}..{} and {} of layers {}..{} share words {}..{}", name_of(a),
            x.from, x.to, name_of(b), y.from, y.to, std::max(p.room.first, q.room.first),
            std::min(p.room.end, q.room.end) - 1);
  }

  // ---- layers -----------------------------------------------------------------------------------

  void verify_layer(int i) {
    const Layer& l = net_.layers[at(i)];
    const Tiling& t = plan_.tilings[at(i)];
    where_ = fmt::format("layer {} {} '{}': ", i, l.op, l.name);
    require(t.rows > 0 && t.cols > 0 && t.chunk > 0 && t.buffers > 0,
            "parts of {}x{} pixels, {} channels, {} buffers, allowed 1 and above of each", t.rows,
            t.cols, t.chunk, t.buffers);
    verify_operands(l, t);
    const std::int64_t words = t.scratch_words(), first = plan_.scratch[at(i)];
    if (words == 0) return;
    const std::int64_t end = first + words;
    require(first % beat_ == 0, "buffers begin at DMEM word {}, which is not the start of a beat",
            first);
    require(first >= 0 && end <= config_.dmem_words(), "buffers in DMEM words {}..{} exceed DMEM",
            first, end - 1);
    if (facts_.together(i).size() == 1) verify_buffers(i, first, end);
  }

  /// Checks that both operands, or residual and output, have the same steps, because one
  /// instruction addresses both.
  void verify_operands(const Layer& l, const Tiling& t) {
    if (l.second < 0 || l.second == l.input || (!l.two_operands() && !l.fuse_add())) return;
    const int first = l.two_operands() ? l.input : l.output;
    const int width = map(l.two_operands() ? first : net_.whole_of(first)).width_in_dram();
    const View a = walked(first, width, t, l.fuse_add()), b = walked(l.second, width, t, false);
    require(place(first).resident == place(l.second).resident && a.pitch == b.pitch &&
                (a.plane == b.plane || t.chunk <= map(first).shape.per_word),
            "{} and {} have rows of {} and {} words, planes of {} and {}, allowed the same, or "
            "only one is in DMEM",
            name_of(first), name_of(l.second), a.pitch, b.pitch, a.plane, b.plane);
  }

  /// Returns a map as an instruction addresses it, in DMEM or in a buffer of the tiling.
  View walked(int m, int width, const Tiling& t, bool is_output) const {
    const Placement& p = place(m);
    if (p.resident) return p.dmem;
    const Part& part = map(m).part;
    if (!is_output || part.whole < 0) return buffer_view(p.dram, width, t.rows, t.cols, config_);
    const Rect rect = rect_of({0, t.rows, 0, t.cols}, part);
    const View whole =
        buffer_view(place(part.whole).dram, width, rect.rows(), rect.cols(), config_);
    return part_of(whole, part, map(m).shape.per_word);
  }

  void verify_buffers(int i, std::int64_t first, std::int64_t end) {
    for (int m = 0; m < count(); ++m) {
      if (!facts_.used(m) || facts_.is_view(m) || !place(m).resident) continue;
      const Placement& p = place(m);
      if (!life_of(m).meets({i, i}) || p.room.end <= first || end <= p.room.first) continue;
      require(false, "buffers in DMEM words {}..{} overlap {} in {}..{}", first, end - 1,
              name_of(m), p.room.first, p.room.end - 1);
    }
  }

  const Plan& plan_;
  const Network& net_;
  const spec::Config& config_;
  const PlanFacts facts_;
  const std::int64_t beat_;
};

}  // namespace

std::optional<std::string> fault_of(const Plan& plan, const Network& network,
                                    const spec::Config& config) {
  return PlanVerifier(plan, network, config).run();
}

}  // namespace trine::compiler
