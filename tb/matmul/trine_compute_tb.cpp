// SPDX-License-Identifier: Apache-2.0
//
// Tests the compute engine against the plain loop nest: every step at the array's input with its
// words, its PMEM row and its flags, and every tile's job and data, while gather and post unit
// stall at random. The last step of a tile enters only when the previous tile has been read. Steps
// are offered and waits reported exactly as the contract states; sometimes everything is dropped in
// the middle.

#include <deque>
#include <random>

#include "Vtrine_compute_ports.h"
#include "sw/base/catch.h"
#include "tb/golden/engine.h"
#include "tb/golden/gather.h"
#include "tb/golden/lanes.h"
#include "tb/golden/parameters.h"
#include "tb/golden/post_cfg.h"

using namespace trine;
using namespace trine::golden;

namespace {

constexpr unsigned kRows = TB_Rows, kAddrBits = TB_AddrBits, kRowBits = TB_PmemAddrBits;
constexpr std::uint32_t kMask = (1u << kAddrBits) - 1;
constexpr int kJobDelay = kPeStages + (TB_Rows - 1) / TB_PipeRows;

struct Job {
  Step step;  ///< the last of its tile and group
  bool first = false, last = false;
  isa::ComputeRegisters registers;
  isa::Run run;
};

struct Input {
  Step step;
  unsigned row = 0, part = 0;
  std::uint32_t pad = 0;
  bool first = false;
  int mode = 0, bits = 0;  ///< mode of the array, and packing of weights
  std::uint8_t act_zero = 0, wgt_zero = 0;
};

bool flag(const isa::Run& run, int bit) { return run.has(bit); }

/// Returns the packing of weights for int8 activations.
int weight_bits_of(isa::compute::Op op) {
  using Op = isa::compute::Op;
  switch (op) {
    case Op::kInt8:
    case Op::kTernary:
    case Op::kBinary:
    case Op::kBinaryInside:
    case Op::kMatmul:
    case Op::kInt16:
    case Op::kMatmul16:
    case Op::kInt8Int16:
      return 0;
    case Op::kInt8Ternary:
      return 1;
    case Op::kInt8Binary:
      return 2;
    case Op::kInt8Int4:
    case Op::kInt8Groups:
      return 4;
  }
  return 0;
}

/// Returns the array's mode.
int mode_of(isa::compute::Op op) {
  using Op = isa::compute::Op;
  return op == Op::kTernary ? 1 : op == Op::kBinary ? 2 : op == Op::kBinaryInside ? 3 : 0;
}

void plan(const isa::ComputeRegisters& r, const isa::Run& run, std::deque<Input>& inputs,
          std::deque<Job>& jobs) {
  const auto op = static_cast<isa::compute::Op>(run.op);
  const int bits = weight_bits_of(op);
  constexpr std::array<unsigned, 5> kParts{1, 4, 8, 1, 2};  // steps per PMEM row
  const unsigned parts = kParts.at(static_cast<std::size_t>(bits));
  const auto pad = 0x01010101u * static_cast<std::uint8_t>(r.get(isa::post::kPadCode));
  const bool matmul = op == isa::compute::Op::kMatmul;
  const auto zero = [&](const isa::LaneField& field) {
    return matmul ? static_cast<std::uint8_t>(r.get(field)) : std::uint8_t{0};
  };
  unsigned row = 0, step_in_row = 0;
  bool first_job = true;
  for (const Step& step : loop_nest(r, kRows)) {
    if (step.first && step.tile_first) row = static_cast<unsigned>(r.get(isa::compute::kRow));
    inputs.push_back({step, row % (1u << kRowBits), step_in_row, pad,
                      step.first && flag(run, isa::compute::kClear), mode_of(op), bits,
                      zero(isa::post::kAddZeroA), zero(isa::post::kAddZeroB)});
    if (++step_in_row == parts || step.last) {
      ++row;
      step_in_row = 0;
    }
    if (!step.last) continue;
    jobs.push_back({step, first_job, step.group_last && step.tile_last, r, run});
    first_job = false;
  }
}

void check(const Vtrine_compute_ports& dut, const Input& input, unsigned row) {
  REQUIRE(row == input.row);
  REQUIRE(dut.array_first_o == input.first);
  REQUIRE(dut.array_last_o == input.step.last);
  REQUIRE(dut.array_mode_o == input.mode);
  REQUIRE(dut.weight_bits_o == input.bits);
  REQUIRE(dut.weight_part_o == input.part);
  REQUIRE(dut.act_zero_o == input.act_zero);
  REQUIRE(dut.wgt_zero_o == input.wgt_zero);
  for (unsigned l = 0; l < kRows; ++l) {
    const bool inside = input.step.inside[l];
    CAPTURE(l, inside);
    REQUIRE(get_bits(dut.array_act_o, 33 * l, 32) ==
            (inside ? memory_word(input.step.address[l] & kMask) : input.pad));
    REQUIRE((get_bits(dut.array_act_o, 33 * l + 32, 1) != 0) ==
            (input.mode == 1 || (input.mode == 3 && !inside)));
  }
}

bool fuses(const isa::Run& run) {
  return flag(run, isa::compute::kFuseAdd) || flag(run, isa::compute::kFuseMax) ||
         flag(run, isa::compute::kAddSums);
}

/// The remaining work of the engine: determines when it offers steps and jobs, waits and runs.
struct Work {
  std::deque<bool>
      lasts;  ///< for each step of the RUN that is not issued: true if it ends its tile
  bool residual = false;
  int waiting = 0;                  ///< issued jobs that the post unit has not taken
  std::size_t steps = 0, jobs = 0;  ///< of the RUN, not done
  int entering = 0;                 ///< steps in front of the array

  void start(const std::deque<Input>& inputs, std::size_t jobs_of_run, const isa::Run& run) {
    for (const Input& input : inputs) lasts.push_back(input.step.last);
    steps = inputs.size();
    jobs = jobs_of_run;
    residual = fuses(run);
  }
  void check(const Vtrine_compute_ports& dut) const {
    const bool last = !lasts.empty() && lasts.front();
    const bool allowed = dut.fetch_busy_i == 0 && (waiting == 0 || (waiting == 1 && !residual));
    REQUIRE((dut.g_valid_o != 0) == (!lasts.empty() && (!last || allowed)));
    REQUIRE((dut.last_wait_o != 0) == (last && !allowed));
    REQUIRE((dut.job_valid_o != 0) == (waiting > 0));
    REQUIRE((dut.running_o != 0) == (steps > 0 || jobs > 0));
    REQUIRE(dut.array_valid_o + dut.drain_wait_o == (entering > 0 ? 1 : 0));
    REQUIRE(entering <= 3);
  }
  void clock(const Vtrine_compute_ports& dut) {
    if (dut.job_valid_o != 0 && dut.job_ready_i != 0) {
      --waiting;
      --jobs;
    }
    if (dut.g_valid_o != 0 && dut.g_ready_i != 0) {
      waiting += lasts.front() ? 1 : 0;
      lasts.pop_front();
    }
    if (dut.array_valid_o != 0) --steps;
    entering += dut.rsp_done_i - dut.array_valid_o;
  }
};

void check(const Vtrine_compute_ports& dut, const Job& job) {
  REQUIRE(dut.job_tile_first_o == job.step.tile_first);
  REQUIRE(dut.job_tile_last_o == job.step.group_last);
  REQUIRE(dut.job_new_o == job.first);
  REQUIRE(dut.job_final_o == job.last);
  REQUIRE((dut.job_drain_o != 0) == flag(job.run, isa::compute::kDrain));
  for (unsigned l = 0; l < kRows; ++l) {
    const bool active = job.step.active[l];
    REQUIRE(get_bits(dut.job_active_o, l, 1) == active);
    if (active)
      REQUIRE(get_bits(dut.job_out_o, l * kAddrBits, kAddrBits) == (job.step.out[l] & kMask));
  }
  const auto& r = job.registers;
  const auto field = [&](cfg::Field f, std::int64_t value) {
    CAPTURE(f);
    REQUIRE(get_cfg(dut.job_cfg_o, f) ==
            (static_cast<std::uint64_t>(value) & ((std::uint64_t{1} << cfg::kWidths[f]) - 1)));
  };
  const bool max = flag(job.run, isa::compute::kFuseMax);
  const bool fused = max || flag(job.run, isa::compute::kFuseAdd);
  const std::int64_t output = r.get(isa::post::kOutput);
  field(cfg::kKind, output == 1   ? cfg::kThreshold
                    : output == 2 ? cfg::kRaw
                    : fused       ? cfg::kFused
                                  : cfg::kRequant);
  field(cfg::kMax, max ? 1 : 0);
  field(cfg::kSums, flag(job.run, isa::compute::kAddSums) ? 1 : 0);
  field(cfg::kLookup, output == 3 ? 1 : 0);
  field(cfg::kEncoding, r.get(isa::post::kEncoding));
  field(cfg::kPassesLast, r.get(isa::post::kPassesLast));
  field(cfg::kLow, r.get(isa::post::kLow));
  field(cfg::kWindow, 0);
  field(cfg::kHalfEven, flag(job.run, isa::compute::kHalfEven) ? 1 : 0);
  field(cfg::kSingle, flag(job.run, isa::compute::kSingle) ? 1 : 0);
  field(cfg::kStaticScale, flag(job.run, isa::compute::kPerTensor) ? 1 : 0);
  field(cfg::kStaticBias, 0);
  field(cfg::kZeroPoint, r.get(isa::post::kZeroPoint));
  field(cfg::kActMin, r.get(isa::post::kActMin));
  field(cfg::kActMax, r.get(isa::post::kActMax));
  field(cfg::kMultiplier, r.get(isa::post::kMultiplier));
  field(cfg::kShift, r.get(isa::post::kShift));
  field(cfg::kAddOperandMultiplier, r.get(isa::post::kAddOperandMultiplier));
  field(cfg::kAddOperandShift, r.get(isa::post::kAddOperandShift));
  field(cfg::kAddAIsHalf, r.get(isa::post::kAddAIsHalf));
  field(cfg::kAddZeroA, r.get(isa::post::kAddZeroA));
  field(cfg::kAddZeroB, r.get(isa::post::kAddZeroB));
  field(cfg::kAddMultiplier, r.get(isa::post::kAddMultiplier));
  field(cfg::kAddShift, r.get(isa::post::kAddShift));
  field(cfg::kAddZeroPoint, r.get(isa::post::kAddZeroPoint));
  field(cfg::kAddActMin, r.get(isa::post::kAddActMin));
  field(cfg::kAddActMax, r.get(isa::post::kAddActMax));
  field(cfg::kResidualDelta, r.get(isa::post::kResidualDelta));
  field(cfg::kOutPlane, r.get(isa::agu::kOutPlane) & kMask);
  field(cfg::kParam, r.get(isa::compute::kParam));
  field(cfg::kChannels, r.get(isa::compute::kChannels));
  field(cfg::kPosition, r.get(isa::post::kPosition));
}

}  // namespace

TEST_CASE("trine_compute feeds the array every step of the loop nest", "[tb][compute]") {
  const auto seed = GENERATE(1u, 2u);
  const auto gather_percent = GENERATE(100u, 50u);
  const auto longest_read = GENERATE(1, 40);
  std::mt19937 random{seed};
  Vtrine_compute_ports dut;
  Gather gather(kRows, kAddrBits);
  Issue issue;
  std::deque<Input> inputs;
  std::deque<Job> jobs;
  std::deque<int> lasts;  // cycles in which tiles entered whose data are not taken yet
  const auto edge = [&dut] {
    dut.clk_i = 1;
    dut.eval();
    dut.clk_i = 0;
    dut.eval();
  };
  dut.rst_ni = 0;
  dut.eval();  // the first evaluation sets the level before the edge
  edge();
  dut.rst_ni = 1;
  edge();

  constexpr int kRuns = 40;
  int runs = 0, steps = 0, reading = 0, fetching = 0, drops = 0;
  Work work;
  isa::Run run;                          // the last one offered
  constexpr int kMeets = 1 + kPeStages;  // cycles of reading that the next last step may overlap
  bool granted = false;                  // granted in an earlier cycle
  bool awaiting = false;                 // a job was taken, but not its data
  bool soon = false;                     // data must be available in this cycle
  bool early = false;                    // granted in the cycle before data are available
  // Tiles that entered while data were taken, of all sections.
  static int close = 0;
  int ahead = 0;                  // SETs taken before the previous RUN ended
  unsigned fetched = 0, row = 0;  // row that PMEM has read, row at its output
  for (int cycle = 0; runs < kRuns || !issue.done() || !jobs.empty() || awaiting; ++cycle) {
    CAPTURE(seed, gather_percent, longest_read, cycle, runs, steps);
    REQUIRE(cycle < 400'000);
    if (issue.done() && runs < kRuns) {
      ++runs;
      isa::ComputeRegisters r(random_geometry(random, kRows, 3));
      if (chance(random, 30)) {  // short tiles: last steps follow each other closely
        for (const auto* field : {&isa::agu::kRLast, &isa::agu::kWordsLast}) r.set(*field, 0);
        r.set(isa::agu::kSLast, random() % 3);
      }
      random_post(r, random);
      r.set(isa::compute::kRow, random() % (1u << kRowBits));
      r.set(isa::compute::kParam, random() % 65'536);
      r.set(isa::compute::kChannels, random() % 65'536);
      r.set(isa::post::kOutput, random() % 4);
      run.op = static_cast<int>(random() % 7);
      if (run.op == static_cast<int>(isa::compute::Op::kInt16))
        run.op = static_cast<int>(chance(random, 50) ? isa::compute::Op::kInt8Int4
                                                     : isa::compute::Op::kBinaryInside);
      run.flags = static_cast<int>(random() % 512) & ~(1 << isa::compute::kWindow);
      issue.start(r, run, random);
      plan(r, run, inputs, jobs);
    }
    issue.drive_word(dut);
    gather.answer(dut);
    dut.drain_ok_i = reading == 0 || (reading <= kMeets + 1 && chance(random, 50));
    dut.fetch_busy_i = fetching > 0;
    dut.eval();
    // The post unit takes one job, then its data; without results both together.
    const bool bare = dut.job_drain_o == 0;
    const bool take = !awaiting && reading == 0 && chance(random, 70);
    dut.job_ready_i = take && (!bare || dut.data_valid_o != 0);
    dut.data_ready_i = awaiting || (dut.job_ready_i != 0 && dut.job_valid_o != 0);
    const int next_reading = early
                                 ? static_cast<int>(random() % kPeStages) + 1
                                 : static_cast<int>(random() % static_cast<unsigned>(longest_read));
    const bool data_taken = dut.data_valid_o != 0 && dut.data_ready_i != 0;
    if (early) REQUIRE(data_taken);
    early = dut.data_soon_o != 0 && dut.data_ready_i != 0 && !bare && chance(random, 70);
    dut.drain_soon_i = early || (data_taken && next_reading <= kMeets && chance(random, 70));
    if (soon) REQUIRE(dut.data_valid_o != 0);
    soon = dut.data_soon_o != 0;
    const bool grants = dut.drain_soon_i != 0 || (dut.drain_ok_i != 0 && lasts.empty());
    dut.eval();
    gather.serve(dut, random, gather_percent, dut.g_hold_o != 0);
    dut.eval();
    work.check(dut);
    if (dut.drain_wait_o != 0) REQUIRE(inputs.front().step.last);
    if (dut.running_o != 0 && dut.cfg_valid_i != 0 && dut.cfg_ready_o != 0) ++ahead;

    if (dut.array_valid_o != 0) {
      REQUIRE(!inputs.empty());
      check(dut, inputs.front(), row);
      if (inputs.front().step.last) {
        REQUIRE((lasts.empty() || (lasts.size() == 1 && data_taken)));
        REQUIRE(granted);
        close += lasts.empty() ? 0 : 1;
        REQUIRE(reading <= kMeets);
        lasts.push_back(cycle);
      }
      const Step& step = inputs.front().step;  // no row is read after the last step of a RUN
      if (step.last && step.group_last && step.tile_last) REQUIRE(dut.w_en_o == 0);
      inputs.pop_front();
      ++steps;
    }
    if (dut.g_valid_o != 0 && (dut.g_tag_o >> 1 & 1) != 0)
      REQUIRE(fetching == 0);  // a last step would block the residuals
    granted = (granted || grants) && !(!lasts.empty() && lasts.back() == cycle);
    if (reading > 0) --reading;
    if (fetching > 0) --fetching;
    if (dut.data_valid_o != 0) {
      REQUIRE(!lasts.empty());
      REQUIRE(cycle >= lasts.front() + kJobDelay);
    }
    if (dut.job_valid_o != 0) {
      REQUIRE(!jobs.empty());
      check(dut, jobs.front());
    }
    if (dut.job_valid_o != 0 && dut.job_ready_i != 0) {
      if (fuses(jobs.front().run) && !bare) fetching = static_cast<int>(random() % 20);
      awaiting = true;
      jobs.pop_front();
    }
    if (data_taken) {
      reading = next_reading;
      awaiting = false;
      lasts.pop_front();
    }
    if (dut.w_next_o != 0) row = fetched;
    if (dut.w_en_o != 0) fetched = dut.w_row_o;
    // The first time early with certainty, then rarely.
    const bool dropped = drops == 0 ? steps > 100 && chance(random, 2) : random() % 2'000 == 0;
    dut.clear_i = dropped;
    work.clock(dut);
    if (issue.clock(dut)) work.start(inputs, jobs.size(), run);
    gather.clock(dut);
    edge();
    if (!dropped) continue;
    dut.clear_i = 0;
    ++drops;
    gather = Gather(kRows, kAddrBits);
    issue = Issue();
    work = Work();
    inputs.clear();
    jobs.clear();
    lasts.clear();
    reading = fetching = 0;
    granted = awaiting = soon = early = false;
  }
  if (kJobDelay > 1 && seed == 2) CHECK(close > 0);
  CHECK(inputs.empty());
  CHECK(steps > 500);
  CHECK(ahead > kRuns);
  CHECK(drops > 0);
}
