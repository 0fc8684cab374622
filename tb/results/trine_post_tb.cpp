// SPDX-License-Identifier: Apache-2.0
//
// Tests the post unit against plain loops over channels: random instructions of both engines at
// once, every kind of result and encoding, residuals, partial words, while all neighbours stall.
// The array's registers are overwritten as early as drain_ok_o permits. An instruction's words are
// compared when it retires; sometimes everything is dropped in the middle. Separate tests use short
// tiles, softmax RUNs of a word or two between their columns, and a scatter port that waits; and a
// single tile, whose promises and words must come in the cycles that the headers name.

#include <algorithm>
#include <cstring>
#include <deque>
#include <map>
#include <type_traits>
#include <vector>

#include "Vtrine_post.h"
#include "sw/base/catch.h"
#include "tb/golden/ports.h"
#include "tb/results/trine_post_work.h"

using namespace trine::golden;
using namespace trine::tb::post;

namespace {

/// The post unit and its neighbours.
struct Bench : Work {
  using Work::Work;
  Vtrine_post dut;

  unsigned percent = 100;  ///< percent of cycles in which a neighbour moves
  unsigned scatter_percent = 100;
  int scatter_conflicts = 0;    ///< above 0: additional cycles of every word
  bool scatter_varies = false;  ///< up to that many
  int scatter_left = 0;
  bool go() { return chance(random, percent); }

  /// An offer of a port: until it is taken, none of its bits change.
  template <typename Port>
  struct Offer {
    bool waits = false;
    std::remove_reference_t<Port> data{};
    void check(bool valid, bool ready, const Port& now) {
      if (waits) REQUIRE((valid && std::memcmp(&now, &data, sizeof now) == 0));
      waits = valid && !ready;
      data = now;
    }
  };
  Offer<decltype(dut.s_word_o)> word_offer;
  Offer<decltype(dut.r_lanes_o)> residual_offer;

  // The compute engine: it offers a job, and its data follow.
  bool offered = false, granted = false;
  int jobs_taken = 0, data_taken = 0;
  std::deque<Job> coming;  // offered or taken jobs whose last step has not entered the array
  bool data = false;       // results in the drain registers, not taken
  int entering = 0;        // cycles until the next job's results are offered
  unsigned steps = 0;      // cycles in which the array is still busy with the next job
  // PEs of later blocks show a step later, by a cycle for each block before them, and the job is
  // offered when the last row shows its results.
  unsigned pipe_rows = kRows, pipe_cols = kMaxCols;
  struct Overwrite {
    unsigned cycles = 0;  ///< since the last step entered
    std::vector<Lanes> columns;
  };
  std::deque<Overwrite> overwrites;
  std::vector<Lanes> columns = std::vector<Lanes>(kMaxCols, Lanes(kRows));
  // The vector engine.
  bool vector_offered = false, vector_reading = false;
  int vector_ends = -1;       // cycles until its slots must have been read; -1: not reported
  bool tile_open = false;     // the compute engine's previous job did not end its tile
  unsigned between = 0;       // vector jobs taken in the meantime
  unsigned read_channel = 0;  // channel whose parameters were read last
  int overtaken = 0;          // times that the compute engine was first while it waited
  // The scatter port, parameters, residuals.
  struct Fetch {
    std::bitset<kRows> pending = std::bitset<kRows>{}.set();  ///< lanes that have not arrived
    Lanes data = Lanes(kRows);
  };
  struct Write {
    std::uint32_t address, data, mask;
  };
  bool scatter_busy = false;
  std::vector<Write> on_port;  // a word that the port has taken and not yet written
  std::deque<Fetch> fetches;   // requested residual words
  std::bitset<kRows> rsp_lanes;
  int words = 0;
  bool loaded = false;          // the table
  int since_results = 100;      // cycles, of compute's requantized columns
  std::size_t interleaved = 0;  // codes of a softmax that were taken between them
  // The last cycle: promises to the array, whether a word left, whether a residual was requested.
  bool drain_ok = false, drain_soon = false, word_leaves = false, residual_asked = false;
  std::map<std::uint32_t, std::uint32_t> written_before;  // bits of words
  // The softmax in front: codes or products taken, and whether its tile's last word has not left
  // yet.
  std::size_t issued = 0;
  bool leaving = false;
  std::deque<std::pair<Lanes, Lanes>> products;  // in progress

  template <typename Port>
  void set_lanes(Port& port, const Job& job) {
    for (unsigned l = 0; l < kRows; ++l) {
      set_bits(port, l * kAddrBits, kAddrBits, job.out[l]);
      set_bits(port, kRows * kAddrBits + l, 1, job.active[l] ? 1 : 0);
    }
  }
  template <typename Port>
  void set_configuration(Port& port, const Job& job) {
    for (unsigned f = 0; f < cfg::kFields; ++f)
      set_cfg(port, static_cast<cfg::Field>(f), instructions[job.instruction].cfg[f]);
  }

  void drive_compute() {
    // A job comes with its tile's last step; earlier jobs leave no time for the vector engine in
    // between.
    if (!offered && !compute_jobs.empty() && coming.size() < 2 && (!kBetween || steps < 4) &&
        (dut.c_status_o & status::kFetchBusy) == 0 && go()) {
      const Job& job = compute_jobs.front();
      coming.push_back(job);
      offered = true;
      set_lanes(dut.c_lanes_i, job);
      set_configuration(dut.c_job_i, job);
      set_job(dut.c_job_i, job::kTileFirst, job.tile_first);
      set_job(dut.c_job_i, job::kTileLast, job.tile_last);
      set_job(dut.c_job_i, job::kFirst, job.first);
      set_job(dut.c_job_i, job::kLast, job.last);
      set_job(dut.c_job_i, job::kDrain, instructions[job.instruction].drain);
    }
    dut.c_valid_i = offered;
    dut.c_results_i = (data ? 2 : 0) | (entering == 1 ? 1 : 0);  // valid, soon
  }
  /// Drives a softmax: the next product, or a code and the one after it. The inputs of the tile's
  /// codes hold until the last word has left, a product's factors until it is finished.
  void drive_operands() {
    const bool offers = !vector_offered && !vector_reading && !vector_jobs.empty() &&
                        !vector_jobs.front().values.empty() && !leaving && products.empty();
    dut.softmax_valid_i = offers && go();
    const std::size_t count = offers ? vector_jobs.front().values.size() : 0;
    const bool normalize = offers && vector_jobs.front().normalize;
    const bool pair = kDrain == 2 && !normalize && issued + 1 < count;
    if (offers) {
      const Job& job = vector_jobs.front();
      const bool word_end = issued + (pair ? 2 : 1) == count, tile_end = word_end && job.tile_end;
      set_lanes(dut.v_lanes_i, job);
      set_configuration(dut.v_job_i, job);
      set_softmax(dut.softmax_i, softmax::kNormalize, normalize ? 1 : 0);
      set_softmax(dut.softmax_i, softmax::kReciprocal, job.reciprocal ? 1 : 0);
      set_softmax(dut.softmax_i, softmax::kSlot, issued & 3);
      set_softmax(dut.softmax_i, softmax::kPair, pair ? 1 : 0);
      set_softmax(dut.softmax_i, softmax::kWordFirst, job.tile_first ? 1 : 0);
      set_softmax(dut.softmax_i, softmax::kWordEnd, word_end ? 1 : 0);
      set_softmax(dut.softmax_i, softmax::kTileEnd, tile_end ? 1 : 0);
      set_softmax(dut.softmax_i, softmax::kRunEnd, tile_end && job.last ? 1 : 0);
    }
    for (unsigned l = 0; l < kRows; ++l) {
      for (unsigned d = 0; d < kDrain; ++d)
        set_bits(dut.softmax_acc_i, 32 * (d * kRows + l), 32,
                 issued + d < count ? vector_jobs.front().values[issued + d][l] : any_word(random));
      if (leaving || !products.empty()) continue;
      set_bits(dut.factors_i, 6 * kRows + 31 * l, 31,
               offers ? vector_jobs.front().factors[issued][l] : any_word(random) >> 1);
      set_bits(dut.factors_i, 6 * l, 6, offers ? vector_jobs.front().shifts[l] & 63 : draw(64));
    }
  }
  void check_products() {
    if ((dut.softmax_o & status::kLeft) != 0) {
      REQUIRE(leaving);
      leaving = false;
      vector_jobs.pop_front();
    }
    if ((dut.softmax_o & status::kIssue) != 0) {
      REQUIRE(dut.softmax_valid_i != 0);
      const Job& job = vector_jobs.front();
      if (job.reciprocal) products.push_back({job.values[issued], job.factors[issued]});
      if (!job.reciprocal && since_results >= 2 && since_results <= 5) ++interleaved;
      issued += !job.reciprocal && get_softmax(dut.softmax_i, softmax::kPair) ? 2 : 1;
      if (issued == job.values.size()) {
        issued = 0;
        leaving = job.tile_end;
        if (!leaving) vector_jobs.pop_front();
      }
    }
    if ((dut.softmax_o & status::kProduct) == 0) return;
    if (products.empty()) return;  // of a dropped program
    for (unsigned l = 0; l < kRows; ++l) {
      const std::int64_t product =
          std::int64_t{static_cast<std::int32_t>(products.front().first[l])} *
          products.front().second[l];
      REQUIRE(get_bits(dut.product_o, 42 * l, 42) ==
              static_cast<std::uint64_t>(product) << 2 >> 22);
    }
    products.pop_front();
  }

  void drive_vector() {
    if (!vector_offered && !vector_reading && !vector_jobs.empty() &&
        vector_jobs.front().values.empty() && go()) {
      const Job& job = vector_jobs.front();
      vector_offered = true;
      set_lanes(dut.v_lanes_i, job);
      set_configuration(dut.v_job_i, job);
      set_job(dut.v_job_i, job::kTileFirst, job.tile_first);
      set_job(dut.v_job_i, job::kTileLast, true);
      set_job(dut.v_job_i, job::kFirst, job.first);
      set_job(dut.v_job_i, job::kLast, job.last);
      set_job(dut.v_job_i, job::kDrain, true);
      for (unsigned l = 0; l < kRows; ++l)
        for (unsigned b = 0; b < 4; ++b)
          set_bits(dut.v_slots_i, 96 * l + 24 * b, 24,
                   job.slots.empty() ? any_word(random) & 0xffffff
                                     : static_cast<std::uint32_t>(job.slots[l][b]) & 0xffffff);
    } else if (!vector_offered && !vector_reading) {  // the slots are ignored now
      for (unsigned l = 0; l < kRows; ++l)
        set_bits(dut.v_slots_i, 96 * l, 64, any_word(random) * 0x100000001ull);
    }
    dut.v_valid_i = vector_offered;
  }
  void drive_ports() {
    const bool conflicts = scatter_conflicts > 0;
    dut.s_ready_i =
        !scatter_busy || (conflicts ? scatter_left == 0 : chance(random, scatter_percent));
    if (scatter_left > 0) --scatter_left;
    dut.r_ready_i = go();
    // A residual's lanes come in pieces, the last one with done.
    rsp_lanes.reset();
    dut.rsp_done_i = 0;
    if (!fetches.empty() && go()) {
      std::bitset<kRows>& pending = fetches.front().pending;
      rsp_lanes = pending;
      if (!chance(random, 60)) rsp_lanes &= any_mask<kRows>(random);
      pending &= ~rsp_lanes;
      if (pending.none()) dut.rsp_done_i = 1;
    }
    set_mask(dut.rsp_lanes_i, rsp_lanes);
    for (unsigned l = 0; l < kRows; ++l)
      set_bits(dut.rsp_data_i, 32 * l, 32,
               rsp_lanes[l] ? fetches.front().data[l] : any_word(random));
  }
  unsigned job_delay() const { return kPeStages + (kRows - 1) / pipe_rows; }
  void overwrite_columns() {
    for (Overwrite& o : overwrites) {
      for (unsigned col = 0; col < kMaxCols; ++col)
        for (unsigned l = 0; l < kRows; ++l)
          if (o.cycles == kPeStages + l / pipe_rows + col / pipe_cols)
            columns[col][l] = col < o.columns.size() ? o.columns[col][l] : any_word(random);
      ++o.cycles;
    }
    const unsigned last = kPeStages + (kRows - 1) / pipe_rows + (kMaxCols - 1) / pipe_cols;
    while (!overwrites.empty() && overwrites.front().cycles > last) overwrites.pop_front();
  }
  /// Returns the lowest column that is read; kCols if the unit reads none.
  unsigned first_read() const {
    unsigned col = 0;
    while (col < kCols && get_bits(dut.cols_o, col, 1) == 0) ++col;
    return col;
  }
  /// Drives the array: column_i follows cols_o, up to two neighbours. There is none after the last
  /// column.
  void drive_column() {
    if (kDrain == 2 && first_read() < kCols)
      REQUIRE(((dut.c_status_o & status::kOdd) != 0) == (first_read() % 2 != 0));
    for (unsigned i = 0; i < kDrain * kRows; ++i) {
      const unsigned col = first_read() + i / kRows;
      const bool read = col < columns.size() && get_bits(dut.cols_o, col, 1) != 0;
      set_bits(dut.column_i, 32 * i, 32, read ? columns[col][i % kRows] : any_word(random));
    }
  }

  void check_retired(std::deque<std::size_t>& retires) {
    REQUIRE(!retires.empty());
    const Instruction& i = instructions[retires.front()];
    retires.pop_front();
    for (const auto& [address, data_expected] : i.expected) {
      CAPTURE(i.vector, i.cfg[cfg::kKind], i.cfg[cfg::kMax], i.cfg[cfg::kEncoding], address);
      const std::uint32_t written = i.mask.at(address);
      REQUIRE((memory[address] & written) == data_expected);
      // Bits that were not to be written still have their initial values.
      REQUIRE((memory[address] & ~written) == (memory_word(address + 77) & ~written));
      ++words;
    }
  }

  void cycle() {
    drive_compute();
    drive_vector();
    drive_operands();
    drive_ports();
    dut.eval();
    drive_column();
    dut.eval();
    check_products();
    word_offer.check(dut.s_valid_o != 0, dut.s_ready_i != 0, dut.s_word_o);
    residual_offer.check(dut.r_valid_o != 0, dut.r_ready_i != 0, dut.r_lanes_o);

    // The last step of the next job enters when the registers were free before or, with a promise,
    // when their results are taken.
    const bool taken = data && dut.c_data_ready_o != 0;
    const bool waiting = !coming.empty() && !data && entering == 0;
    const bool pass = !coming.empty() && (!data || taken) && entering == 0 && granted &&
                      steps == 0 && !(offered && coming.size() == 1 && dut.c_valid_i == 0) && go();
    if (steps > 0) --steps;
    const bool promised = (dut.c_status_o & status::kDrainSoon) != 0;
    drain_ok = (dut.c_status_o & status::kDrainOk) != 0;
    drain_soon = promised;
    word_leaves = dut.s_valid_o != 0 && dut.s_ready_i != 0;
    residual_asked = dut.r_valid_o != 0 && dut.r_ready_i != 0;
    const bool soon = !coming.empty() && promised;
    const bool grants = soon || (waiting && drain_ok);
    if (promised_early) REQUIRE(taken);
    promised_early = promised && !data;
    if (promised_early) {
      REQUIRE(entering == 1);
      REQUIRE(jobs_taken + (dut.c_valid_i & dut.c_ready_o) == data_taken + 1);
      ++early;
    }

    if ((dut.c_status_o & status::kRetire) != 0) check_retired(compute_retires);
    if ((dut.v_status_o & status::kVectorRetire) != 0) check_retired(vector_retires);
    // A word is written when the port is ready again.
    if (dut.s_ready_i != 0) {
      for (const auto& [address, data, mask] : on_port) {
        std::uint32_t& word = memory.try_emplace(address, memory_word(address + 77)).first->second;
        word = (word & ~mask) | (data & mask);
      }
      on_port.clear();
    }
    if (word_leaves) {
      const auto mask = static_cast<std::uint32_t>(get_bits(dut.s_word_o, 0, 32));
      for (unsigned l = 0; l < kRows; ++l) {
        if (get_bits(dut.s_word_o, kWordLanes + l, 1) == 0) continue;
        const auto address = static_cast<std::uint32_t>(
            get_bits(dut.s_word_o, kWordAddr + l * kAddrBits, kAddrBits));
        REQUIRE((written_before[address] & mask) == 0);  // bits without a code are unchanged
        written_before[address] |= mask;
        on_port.push_back(
            {address, static_cast<std::uint32_t>(get_bits(dut.s_word_o, kWordData + 32 * l, 32)),
             mask});
      }
      scatter_left = scatter_varies ? uniform(0, scatter_conflicts) : scatter_conflicts;
    }
    if (dut.s_ready_i != 0) scatter_busy = word_leaves;
    const bool parameters = dut.p_valid_o != 0;
    const unsigned channel = static_cast<unsigned>(dut.p_channel_o) % kChannels;
    if (parameters && dut.p_next_o != 0) {  // as trine_params requires
      REQUIRE(channel > read_channel);
      REQUIRE(channel <= read_channel + kDrain);
    }
    if (parameters) read_channel = channel;
    if (dut.rsp_done_i != 0) fetches.pop_front();
    if (dut.r_valid_o != 0 && dut.r_ready_i != 0) {
      REQUIRE(fetches.size() < kDrain);
      Fetch& fetch = fetches.emplace_back();
      for (unsigned l = 0; l < kRows; ++l)
        fetch.data[l] = get_bits(dut.r_lanes_o, kRows * kAddrBits + l, 1) == 0
                            ? 0
                            : memory_word(static_cast<std::uint32_t>(
                                  get_bits(dut.r_lanes_o, l * kAddrBits, kAddrBits)));
    }
    if (since_results < 100) ++since_results;
    const bool job_taken = dut.c_valid_i != 0 && dut.c_ready_o != 0;
    if (taken) {
      REQUIRE(jobs_taken + (job_taken ? 1 : 0) == ++data_taken);  // data never before its job
      data = false;
      since_results = 1;
    }
    if (job_taken) {
      compute_jobs.pop_front();
      offered = false;
      ++jobs_taken;
    }
    // The arbitration is round robin: a waiting tile of the vector engine follows at most one
    // instruction of the compute engine.
    if (job_taken && get_job(dut.c_job_i, job::kFirst) && get_job(dut.c_job_i, job::kDrain) &&
        dut.v_valid_i != 0)
      REQUIRE(++overtaken <= 1);
    if (dut.v_ready_o != 0) overtaken = 0;
    if (job_taken) tile_open = !get_job(dut.c_job_i, job::kTileLast);
    if (dut.v_ready_o != 0 && tile_open) ++between;
    const bool done = (dut.v_status_o & status::kDone) != 0;
    if (kBetween && vector_reading && (dut.v_status_o & status::kSoon) != 0 && vector_ends < 0)
      vector_ends = 2;
    if (vector_ends >= 0) REQUIRE((done || vector_ends-- > 0));
    if (done) {
      REQUIRE(vector_reading);
      vector_reading = false;
      vector_ends = -1;
    }
    if (dut.v_valid_i != 0 && dut.v_ready_o != 0) {
      vector_jobs.pop_front();
      vector_offered = false;
      vector_reading = true;
    }

    dut.clk_i = 1;
    dut.eval();
    dut.clk_i = 0;
    if (parameters) {
      for (unsigned d = 0; d < kDrain; ++d) {
        const unsigned c = (channel + d) % kChannels;
        set_bits(dut.params_i, 37 * kDrain + 32 * d, 32, bias[c]);
        set_bits(dut.params_i, 6 * kDrain + 31 * d, 31, multiplier[c]);
        set_bits(dut.params_i, 6 * d, 6, shift[c]);
      }
    }
    // After the stages of a PE a tile's data are offered; one cycle later, they are in the
    // registers.
    overwrite_columns();
    if (pass) {
      const unsigned tile_steps = instructions[coming.front().instruction].steps;
      steps = tile_steps > 0 ? tile_steps - 1 : chance(random, 50) ? 0 : draw(200);
      overwrites.push_back({1, coming.front().columns});
      coming.pop_front();
      entering = static_cast<int>(job_delay());
      granted = false;
    } else if (grants) {
      granted = true;
    }
    if (entering > 0 && --entering == 0) data = true;
  }

  bool done() const {
    return compute_jobs.empty() && vector_jobs.empty() && compute_retires.empty() &&
           vector_retires.empty();
  }
  void drop() {
    dut.clear_i = 1;
    dut.c_results_i = dut.rsp_done_i = 0;
    set_mask(dut.rsp_lanes_i, std::bitset<kRows>{});
    dut.eval();
    dut.clk_i = 1;
    dut.eval();
    dut.clk_i = 0;
    dut.clear_i = 0;
    dut.eval();
  }
  /// Loads the table while dropped data may still be moving towards it.
  void load_table() {
    loaded = true;
    for (auto& code : table) code = this->code();
    for (unsigned entry = 0; entry < table.size(); ++entry) {
      const unsigned code = static_cast<std::uint8_t>(table[entry]);
      set_bits(dut.table_i, 0, 25, 1u << 24 | entry << 16 | code << 8 | code);
      cycle();
    }
    set_bits(dut.table_i, 0, 25, 0);
  }
  /// Drops everything in progress, in the unit and in the bench.
  void restart() {
    drop();
    const bool softmax_dropped = std::any_of(vector_jobs.begin(), vector_jobs.end(),
                                             [](const Job& job) { return !job.values.empty(); });
    memory.clear();
    written_before.clear();
    instructions.clear();
    compute_jobs.clear();
    vector_jobs.clear();
    compute_retires.clear();
    vector_retires.clear();
    coming.clear();
    products.clear();
    issued = 0;
    leaving = false;
    offered = granted = data = vector_offered = vector_reading = scatter_busy = false;
    tile_open = false;
    vector_ends = -1;
    on_port.clear();
    word_offer.waits = residual_offer.waits = false;
    fetches.clear();
    overwrites.clear();
    pipe_rows = kBlocks ? kPipeRows : chance(random, 50) ? kRows : 1 + draw(kRows);
    pipe_cols = kBlocks              ? kPipeCols
                : chance(random, 50) ? kMaxCols
                                     : kDrain + draw(kMaxCols - kDrain + 1);
    entering = 0;
    promised_early = false;
    jobs_taken = data_taken = overtaken = 0;
    next_address = draw(kMask + 1);
    far = kRows <= 4 && kCols <= 4 && chance(random, 50);
    // Otherwise the next jobs come at once; the configuration of a softmax holds while it is
    // processed.
    if (!loaded || softmax_dropped || chance(random, 50)) load_table();
  }
};

/// Checks the cycles of the unit if neighbours only wait for banks, with a figure for each seed: a
/// correct result that comes a cycle later is an error, too. A change that moves cycles on purpose
/// changes these figures.
void check_cycles(unsigned seed, unsigned cycles) {
  struct Row {
    unsigned rows, cols, drain, blocks, window;
    std::array<unsigned, 3> cycles;
    bool between = false;
  };
  constexpr Row kMeasured[] = {
      {1, 1, 1, 1, 0, {7'629, 12'260, 20'031}},   {1, 1, 2, 1, 0, {18'574, 17'462, 32'467}},
      {2, 4, 2, 2, 0, {22'239, 16'843, 16'800}},  {3, 2, 2, 3, 0, {23'680, 21'799, 10'897}},
      {3, 3, 2, 3, 0, {11'567, 15'511, 12'301}},  {3, 5, 1, 3, 0, {21'490, 14'600, 15'198}},
      {3, 5, 2, 3, 0, {19'629, 12'943, 19'627}},  {4, 8, 1, 4, 0, {14'149, 14'266, 20'274}},
      {4, 8, 2, 4, 0, {15'379, 15'287, 18'864}},  {2, 9, 2, 1, 0, {19'474, 12'721, 13'430}},
      {4, 9, 1, 2, 0, {13'455, 14'746, 18'021}},  {3, 5, 1, 3, 1, {12'743, 15'898, 13'300}},
      {3, 5, 2, 3, 1, {25'345, 12'179, 14'080}},  {4, 8, 2, 4, 0, {16'753, 19'820, 13'863}, true},
      {4, 16, 2, 1, 0, {26'199, 17'488, 15'329}}, {2, 63, 2, 1, 0, {11'258, 14'426, 10'518}},
  };
  // Excludes the large and wide arrays of the full suite, and its corner designs.
  if (kRows * kCols > 200 || kPipeCols > 31 || kChannels != 64) return;
  const auto row = std::ranges::find_if(kMeasured, [](const Row& r) {
    return r.rows == kRows && r.cols == kCols && r.drain == kDrain && r.blocks == kPipeRows &&
           r.window == kWindow && r.between == kBetween;
  });
  CAPTURE(seed, cycles);
  REQUIRE(row != std::end(kMeasured));
  CHECK(cycles == row->cycles[seed - 1]);
}

}  // namespace

TEST_CASE("trine_post packs and scatters the result of each channel's sum", "[tb][post]") {
  const auto seed = GENERATE(1u, 2u, 3u);
  const auto percent = GENERATE(100u, 60u, 25u);
  const auto source = GENERATE(1, 2, 3);  // bit 0: compute, bit 1: vector
  Bench b(seed);
  b.percent = percent;
  b.dut.rst_ni = 0;
  b.drop();
  b.dut.rst_ni = 1;
  unsigned cycles = 0;
  for (int episode = 0; episode < 16; ++episode) {
    b.scatter_percent = chance(b.random, 30) ? 8 : percent;
    b.scatter_conflicts = chance(b.random, 25) ? b.uniform(1, 9) : 0;
    b.restart();
    // After a drop, often only one of them.
    const int now = source == 3 && chance(b.random, 40) ? b.uniform(1, 2) : source;
    for (int n = 0; n < 8; ++n) {
      if ((now & 1) != 0) b.add_compute();
      if ((now & 2) != 0) b.add_vector();
    }
    const int end = chance(b.random, 40) ? b.uniform(1, 300) : 100'000;
    for (int cycle = 0; !b.done() && cycle < end; ++cycle) {
      CAPTURE(seed, percent, source, episode, cycle, b.compute_jobs.size(), b.vector_jobs.size());
      REQUIRE(cycle < 30'000);
      b.cycle();
      ++cycles;
    }
  }
  CHECK(b.words > 80);
  if (percent == 100 && source == 3) check_cycles(seed, cycles);
  static unsigned between = 0;  // of all seeds
  between += b.between;
  if (seed == 3 && percent == 25 && source == 3) CHECK((between > 20) == kBetween);
  // A window's groups follow each other closely if nothing blocks them.
  if (kWindow && kDrain == 2 && source == 1 && percent == 100) CHECK(b.early > 0);
}

/// Tests what a promise to the array must foresee. Tiles of 1 to 20 steps make the next results
/// arrive while columns are read. Words between the columns end a RUN, and each stops the lanes
/// until the scatter port, which waits for banks, has taken it.
TEST_CASE("trine_post reads short tiles in time during softmax RUNs", "[tb][post]") {
  const auto seed = GENERATE(Catch::Generators::range(1u, kShortSeeds + 1));
  Bench b(seed);
  b.percent = chance(b.random, 90) ? 100 : 60;
  b.scatter_conflicts = b.uniform(1, 8);
  b.scatter_varies = true;
  b.dut.rst_ni = 0;
  b.drop();
  b.dut.rst_ni = 1;
  b.restart();
  b.far = false;
  for (int cycle = 0; cycle < kShortCycles || !b.done(); ++cycle) {
    CAPTURE(seed, b.percent, b.scatter_conflicts, b.pipe_rows, b.pipe_cols, cycle);
    REQUIRE(cycle < 30'000);
    if (cycle < kShortCycles && b.compute_jobs.empty()) b.add_short_tiles();
    if (cycle < kShortCycles && kSoftmax && b.vector_jobs.empty()) b.add_softmax(true);
    b.cycle();
  }
  CHECK(b.words > 10);
  static unsigned mixed = 0;  // seeds in which a softmax's codes were between columns
  if (b.interleaved > 0) ++mixed;
  // Tiles with more words than places block a softmax while their results come.
  if (kSoftmax && kCols <= 64 && seed == kShortSeeds) CHECK(mixed > kShortSeeds / 8);
}

/// Tests an unobstructed tile: when its first residuals are requested (trine_drain_residual), when
/// the array is promised its registers (trine_drain_grant), and when its last word leaves
/// (trine_post_kind's table).
TEST_CASE("promises and words of a single tile come as early as trine_post's headers say",
          "[tb][post]") {
  struct Case {
    cfg::Kind kind;
    unsigned passes;
    bool lookup;
    int latency;
  };
  const auto [kind, passes, lookup, latency] =
      GENERATE(Case{cfg::kRequant, 1, false, 6}, Case{cfg::kRequant, 1, true, 7},
               Case{cfg::kThreshold, 1, false, 2}, Case{cfg::kThreshold, 3, false, 2},
               Case{cfg::kRaw, 1, false, 1}, Case{cfg::kFused, 1, false, 13});
  const auto channels = GENERATE(Catch::Generators::range(1u, kCols + 1));
  if ((lookup && !kTable) || (kind == cfg::kThreshold && !kTernary && !kBinary) ||
      channels * passes > kChannels) {
    SUCCEED("no table, no thresholds, or not as many parameters");
    return;
  }
  Bench b(channels);
  b.dut.rst_ni = 0;
  b.drop();
  b.dut.rst_ni = 1;
  b.restart();
  for (int cycle = 0; cycle < 20 + static_cast<int>(channels); ++cycle)
    b.cycle();  // dropped words have left the lanes
  b.add_groups(kind, channels, passes, lookup, 1);

  const bool fused = kind == cfg::kFused;
  const bool pairs = kDrain == 2 && kind != cfg::kRaw && !fused && passes == 1 && !lookup;
  const int issues = static_cast<int>(pairs ? (channels + 1) / 2 : channels * passes);
  // Issues that end before new results come: they come later in the block of the last column, or of
  // the first of kDrain columns that may be issued together.
  const unsigned blocks = std::min((kRows - 1) / kPipeRows, (kCols - 1) / kPipeCols);
  const unsigned column = channels - std::min(channels, kDrain);
  const int reach = 2 + kPeStages + static_cast<int>(std::min(blocks, column / kPipeCols));
  int taken = -1, last_word = -1;  // cycles
  for (int cycle = 0; !b.done(); ++cycle) {
    const bool awaited = b.data_taken == 0, soon = b.entering == 1;
    CAPTURE(kind, channels, passes, lookup, issues, reach, cycle, taken);
    REQUIRE(cycle < 200 + 4 * static_cast<int>(kCols));
    b.cycle();
    const bool second = cycle == 2 && kDrain == 2 && channels > 4;
    if (cycle <= 2) REQUIRE(b.residual_asked == (fused && (cycle == 1 || second)));
    if (awaited && b.data_taken == 1) taken = cycle;
    const bool sure = kind == cfg::kRequant;
    if (taken == cycle) {
      REQUIRE(b.drain_soon == (sure && issues < reach));
    } else if (taken < 0) {
      REQUIRE(b.drain_soon == (sure && soon && issues + 1 < reach));
    } else if (!fused) {
      const int left = issues - (cycle - taken - 1);
      REQUIRE(b.drain_ok == (left <= 1 || (sure && left <= reach)));
      REQUIRE_FALSE(b.drain_soon);
    }
    if (b.word_leaves) last_word = cycle;
  }
  if (!fused) CHECK(last_word == taken + issues + latency);
}

/// Tests that the tiles of an instruction follow each other without obstruction: like the columns
/// of one tile, as fast as the array produces results, or as fast as words leave, whose addresses
/// are kept for two tiles.
TEST_CASE("trine_post reads tiles of an instruction without gaps", "[tb][post]") {
  const auto channels = GENERATE(Catch::Generators::range(1u, kCols + 1));
  Bench b(channels);
  b.dut.rst_ni = 0;
  b.drop();
  b.dut.rst_ni = 1;
  b.restart();
  b.pipe_rows = kPipeRows;
  b.pipe_cols = kPipeCols;
  constexpr int kTiles = 24, kFirst = 8;
  b.add_groups(cfg::kRequant, channels, 1, false, kTiles);
  const int issues = static_cast<int>((channels + kDrain - 1) / kDrain);
  const int array = 2 + static_cast<int>(b.job_delay());
  int first = 0, last = 0;  // cycles
  for (int cycle = 0; b.data_taken < kTiles; ++cycle) {
    CAPTURE(channels, issues, array, cycle);
    REQUIRE(cycle < 1000);
    b.cycle();
    if (b.data_taken < kFirst) first = cycle;
    last = cycle;
  }
  const int two_tiles = std::max({2 * (issues + 1), 2 * array, issues + 7});
  CHECK(2 * (last - first - 1) <= (kTiles - kFirst) * two_tiles);
}
