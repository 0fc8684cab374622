// SPDX-License-Identifier: Apache-2.0
//
// The bench of trine_control: ports, engines and registers in each cycle, and the checks after a
// run.

#pragma once

#include <deque>
#include <numeric>
#include <tuple>

#include "Vtrine_control_ports.h"
#include "tb/control/trine_control_program.h"

namespace trine::tb::control {

/// trine_control between bus, host, memories and engines, all simulated by the bench.
struct Host {
  Vtrine_control_ports dut;
  std::mt19937 random;
  AxiMemory<Vtrine_control_ports> memory;
  State state;                 ///< the on-chip memories; DRAM is in `memory`
  unsigned port_percent = 60;  ///< ready probability of the on-chip ports and the engines
  int read_latency = 3;        ///< maximum read latency of DMEM
  int retire_max = 60;         ///< maximum cycles from a RUN to its retire pulse
  int patience = 400'000 * (1 + (kBeatsPerRow - 1) / 8);  ///< maximum cycles of a program
  bool stands = false;                                    ///< compute and vector never end a RUN
  bool moves = false;                                     ///< they report progress meanwhile
  std::int64_t cycles = 0;
  std::uint64_t base;  ///< BASE: any value for which words can compensate
  int wiping =
      TB_Ecc != 0 ? kWipeCycles : 0;  ///< number of cycles in which zeros are still to be written
  int wipes = 0;
  static constexpr int kWipeCycles = 150;
  static constexpr std::uint64_t kAligned = 128;  ///< alignment of a beat of any bus
  std::vector<Word> program;                      ///< the words that the engines must receive

  explicit Host(unsigned seed)
      : random(seed),
        memory(dut, draw_memory_base(seed), kMemoryBytes, kBusBits, seed + 1),
        base(draw_base()) {
    for (auto& word : memory.words) word = static_cast<std::uint32_t>(random());
    dut.rst_ni = 0;
    tick();
    dut.rst_ni = 1;
    tick();
    while (wiping > 0) tick();
  }

  std::uint64_t draw_base() {
    const std::uint64_t any = std::uint64_t{random()} << 32 | random();
    return (TB_AxiAddrBits > 40 ? memory_base - (any & kDramField >> 1) : any & kAddresses) /
           kAligned * kAligned;
  }

  bool chance(unsigned percent) { return random() % 100 < percent; }

  // -- one cycle --------------------------------------------------------------------------------
  void tick() {
    ++cycles;
    memory.drive();
    drive_ports();
    drive_engines();
    dut.cause_i = static_cast<std::uint8_t>(random() & 7);
    dut.progress_i = moves;
    dut.wiping_i = wiping > 0;
    dut.eval();
    if (dut.rst_ni) {
      memory.sample();
      sample_ports();
      sample_engines();
      wiping = dut.wipe_o ? kWipeCycles : std::max(0, wiping - 1);
      wipes += dut.wipe_o;
      if (dut.wipe_o) REQUIRE(dut.clear_o);
      if (dut.running_o) ++causes.at(dut.cause_i);
      for (unsigned e = 0; e < kEngines; ++e)
        if (dut.running_o && (dut.busy_o >> e & 1)) ++busy.at(e);
    }
    dut.clk_i = 1;
    dut.eval();
    dut.clk_i = 0;
    dut.eval();
  }

  std::array<std::uint64_t, 8> causes{};
  std::array<std::uint64_t, 4> busy{};

  // -- on-chip memories -------------------------------------------------------------------------
  struct Read {
    std::int64_t due;
    int addr;
  };
  std::deque<Read> reads;
  struct Write {
    std::size_t addr;
    std::uint32_t word;
  };
  std::vector<Write> writes;   // taken words of a copy that has not ended
  std::int64_t done_due = -1;  // end of the copy whose last beat was taken

  void drive_ports() {
    dut.dma_wready_i = chance(port_percent);
    dut.dma_rready_i = chance(port_percent);
    dut.pmem_wready_i = chance(port_percent);
    dut.param_ready_i = chance(port_percent);
    dut.dma_wdone_i = done_due == cycles;
    dut.dma_rdata_valid_i = !reads.empty() && reads.front().due <= cycles;
    if (dut.dma_rdata_valid_i)
      for (int w = 0; w < kDataWords; ++w)
        set_word(dut.dma_rdata_i, w,
                 state.dmem.at(static_cast<std::size_t>(reads.front().addr + w)));
  }

  void sample_ports() {
    if (dut.dma_rdata_valid_i) reads.pop_front();
    if (dut.clear_o) reads.clear();
    // Words are stored when their copy is done, and no earlier; a clear does not revoke any.
    if (dut.clear_o || dut.dma_wdone_i) {
      for (const Write& write : writes) state.dmem.at(write.addr) = write.word;
      writes.clear();
      done_due = -1;
    }
    if (dut.dma_rvalid_o && dut.dma_rready_i && !dut.clear_o) {
      REQUIRE(dut.dma_raddr_o % kDataWords == 0);
      reads.push_back(
          {cycles + 1 + static_cast<int>(random() % static_cast<unsigned>(read_latency)),
           dut.dma_raddr_o});
      REQUIRE(reads.size() <= 12);  // 4 of the store engine, 8 of a copy
    }
    if (dut.dma_wvalid_o && dut.dma_wready_i) {
      REQUIRE(dut.dma_waddr_o % kDataWords == 0);
      for (int w = 0; w < kDataWords; ++w)
        if (get_bit(dut.dma_wmask_o, w))
          writes.push_back(
              {static_cast<std::size_t>(dut.dma_waddr_o + w), get_word(dut.dma_wdata_o, w)});
      if (dut.dma_wlast_o && !dut.clear_o) {
        REQUIRE(done_due < 0);
        done_due = cycles + 1 + (port_percent == 100 ? 0 : random() % 32);
      }
    }
    if (dut.pmem_wvalid_o && dut.pmem_wready_i)
      for (int c = 0; c < kCols; ++c)
        if (get_bit(dut.pmem_wquads_o, c / 4))
          state.pmem.at(dut.pmem_wrow_o)[static_cast<std::size_t>(c)] =
              get_word(dut.pmem_wdata_o, c);
    for (int w = 0; w < kDataWords; ++w) {
      const auto place = [w](unsigned row) { return row * kDataWords + static_cast<unsigned>(w); };
      if (dut.bias_we_o) state.bias.at(place(dut.bias_addr_o)) = get_word(dut.param_wdata_o, w);
      if (dut.scale_we_o) state.scale.at(place(dut.scale_addr_o)) = get_word(dut.param_wdata_o, w);
      if (dut.table_valid_o && dut.param_ready_i)
        state.table.at(place(dut.table_addr_o)) = get_word(dut.param_wdata_o, w);
      if (dut.exp_valid_o && dut.param_ready_i)
        (dut.exp_points_o ? state.points : state.exponentials).at(place(dut.exp_addr_o)) =
            get_word(dut.param_wdata_o, w);
    }
  }

  // -- engines: the bench simulates compute and vector, and checks all four ----------------------
  std::array<std::size_t, 4> next{};  ///< the engine's next word in `program`
  std::array<std::deque<isa::Run>, 4> in_flight;
  std::array<std::deque<std::int64_t>, 4> retire_due;  ///< due retire pulses of compute and vector
  std::array<std::array<int, 4>, 4> tokens{};          ///< [from][to]

  void forget_engines() {
    next.fill(0);
    tokens = {};
    for (auto& queue : in_flight) queue.clear();
    for (auto& queue : retire_due) queue.clear();
  }

  bool retires(int e) const {
    const auto& due = retire_due[static_cast<std::size_t>(e)];
    return !stands && !due.empty() && due.front() <= cycles;
  }

  void drive_engines() {
    dut.compute_cfg_ready_i = chance(port_percent);
    dut.compute_run_ready_i = chance(port_percent);
    dut.compute_retire_i = retires(1);
    dut.vector_cfg_ready_i = chance(port_percent);
    dut.vector_run_ready_i = chance(port_percent);
    dut.vector_retire_i = retires(2);
  }

  /// Returns the engine's next word, which must be the offered one.
  Word expect(int e) {
    auto& at = next.at(static_cast<std::size_t>(e));
    const auto is_of_engine = [e](Word word) {
      const isa::Opcode opcode = isa::opcode_of(word);
      return (opcode == isa::Opcode::kSet || opcode == isa::Opcode::kRun) &&
             static_cast<int>(isa::engine_of(word)) == e;
    };
    while (at < program.size() && !is_of_engine(program[at])) ++at;
    REQUIRE(at < program.size());
    return program[at++];
  }

  void sample_engines() {
    if (dut.clear_o) return forget_engines();
    if (dut.compute_cfg_valid_o && dut.compute_cfg_ready_i)
      CHECK(expect(1) ==
            isa::encode_set(Engine::kCompute, dut.compute_cfg_reg_o, dut.compute_cfg_payload_o));
    if (dut.vector_cfg_valid_o && dut.vector_cfg_ready_i)
      CHECK(expect(2) ==
            isa::encode_set(Engine::kVector, dut.vector_cfg_reg_o, dut.vector_cfg_payload_o));
    for (int e = 0; e < kEngines; ++e) {
      if (dut.trace_start_o >> e & 1) start(e);
    }
    for (int e = 0; e < kEngines; ++e) {
      if (dut.trace_retire_o >> e & 1) retire(e);
    }
  }

  void start(int e) {
    Word word = expect(e);
    while (e % 3 == 0 && isa::opcode_of(word) == isa::Opcode::kSet) word = expect(e);
    REQUIRE(isa::opcode_of(word) == isa::Opcode::kRun);
    const isa::Run run = isa::decode_run(word);
    if (e == 1) {
      CHECK(run.op == dut.compute_run_op_o);
      CHECK(run.flags == dut.compute_run_flags_o);
    }
    if (e == 2) {
      CHECK(run.op == dut.vector_run_op_o);
      CHECK(run.flags == dut.vector_run_flags_o);
    }
    for (int from = 0; from < kEngines; ++from)
      if (run.wait >> from & 1)
        REQUIRE(--tokens[static_cast<std::size_t>(from)][static_cast<std::size_t>(e)] >= 0);
    auto& queue = in_flight[static_cast<std::size_t>(e)];
    queue.push_back(run);
    REQUIRE(queue.size() <= 4);
    auto& due = retire_due[static_cast<std::size_t>(e)];
    if (e % 3 == 0) return;
    const std::int64_t earliest = due.empty() ? cycles + 1 : std::max(due.back(), cycles) + 1;
    due.push_back(earliest +
                  static_cast<std::int64_t>(random() % static_cast<unsigned>(retire_max)));
  }

  void retire(int e) {
    auto& queue = in_flight[static_cast<std::size_t>(e)];
    REQUIRE(!queue.empty());
    for (int to = 0; to < kEngines; ++to)
      if (queue.front().signal >> to & 1)
        ++tokens[static_cast<std::size_t>(e)][static_cast<std::size_t>(to)];
    queue.pop_front();
    if (e % 3 != 0) retire_due[static_cast<std::size_t>(e)].pop_front();
  }

  // -- registers: each access is answered at once, in any state ----------------------------------
  static constexpr int kWriteBound = 2, kReadBound = 17;  ///< maximum cycles of an access

  int write(std::uint32_t offset, std::uint32_t value, unsigned strobes = 15) {
    bool address = true, data = true;
    int waits = 0;
    const auto skew =
        static_cast<int>(random() % 5) - 2;  // address and data need not come together
    dut.s_axil_awaddr_i = static_cast<std::uint16_t>(offset);
    dut.s_axil_wdata_i = value;
    dut.s_axil_wstrb_i = static_cast<std::uint8_t>(strobes);
    for (int i = 0;; ++i) {
      REQUIRE(i < 1000);
      REQUIRE(waits <= kWriteBound);
      dut.s_axil_awvalid_i = address && i >= skew;
      dut.s_axil_wvalid_i = data && i >= -skew;
      dut.s_axil_bready_i = chance(50);
      dut.eval();
      const bool address_taken = dut.s_axil_awvalid_i && dut.s_axil_awready_o;
      const bool data_taken = dut.s_axil_wvalid_i && dut.s_axil_wready_o;
      const bool done = dut.s_axil_bvalid_o && dut.s_axil_bready_i;
      const int response = dut.s_axil_bresp_o;
      REQUIRE((address || dut.s_axil_bvalid_o));  // the cycle after it was taken
      waits += dut.s_axil_awvalid_i && dut.s_axil_wvalid_i && !address_taken;
      tick();
      if (address_taken) address = false;
      if (data_taken) data = false;
      if (done) {
        dut.s_axil_bready_i = 0;
        return response;
      }
    }
  }

  int read(std::uint32_t offset, std::uint32_t& value) {
    bool address = true;
    dut.s_axil_araddr_i = static_cast<std::uint16_t>(offset);
    for (int i = 0;; ++i) {
      REQUIRE(i < 1000);
      REQUIRE((!address || i <= kReadBound + 1));
      dut.s_axil_arvalid_i = address;
      dut.s_axil_rready_i = chance(50);
      dut.eval();
      const bool taken = address && dut.s_axil_arready_o;
      const bool done = dut.s_axil_rvalid_o && dut.s_axil_rready_i;
      const int response = dut.s_axil_rresp_o;
      REQUIRE((address || dut.s_axil_rvalid_o));
      value = dut.s_axil_rdata_o;
      tick();
      if (taken) address = false;
      if (done) {
        dut.s_axil_rready_i = 0;
        return response;
      }
    }
  }

  std::uint32_t read(std::uint32_t offset) {
    std::uint32_t value = 0;
    REQUIRE(read(offset, value) == 0);
    return value;
  }
  std::uint64_t read64(std::uint32_t offset) {
    const std::uint64_t low = read(offset);
    return low | std::uint64_t{read(offset + 4)} << 32;
  }

  // -- programs -----------------------------------------------------------------------------------
  void start_program(const Program& p, std::uint32_t words) {
    program = p.words;
    for (const std::size_t at : p.dram_sets)
      program.at(at) =
          isa::encode_set(isa::engine_of(program.at(at)), isa::dma::kDram.reg,
                          (isa::payload_of(program.at(at)) + memory_base - base) & kDramField);
    REQUIRE(8 * program.size() <= kProgramBytes);
    for (std::size_t i = 0; i < program.size(); ++i) {
      memory.words[2 * i] = static_cast<std::uint32_t>(program[i]);
      memory.words[2 * i + 1] = static_cast<std::uint32_t>(program[i] >> 32);
    }
    forget_engines();
    causes.fill(0);
    busy.fill(0);
    memory.clear_counters();
    write64(csr::kProgram, memory_base);
    REQUIRE(write(csr::kProgramWords, words) == 0);
    write64(csr::kBase, base);
    write64(csr::kWindowFirst, memory.window_first);
    write64(csr::kWindowLast, memory.window_last);
    REQUIRE(write(csr::kIrqEnable, 3) == 0);
    REQUIRE(write(csr::kControl, 1) == 0);
  }
  void write64(std::uint32_t offset, std::uint64_t value) {
    REQUIRE(write(offset, static_cast<std::uint32_t>(value)) == 0);
    REQUIRE(write(offset + 4, static_cast<std::uint32_t>(value >> 32)) == 0);
  }
  void start_program(const Program& p) {
    start_program(p, static_cast<std::uint32_t>(p.words.size()));
  }

  void wait_irq() {
    for (int i = 0; !dut.irq_o; ++i) {
      if (i > patience) FAIL("the program hangs");
      tick();
    }
    CHECK(memory.idle());
  }

  /// Starts the last program again from IMEM: the driver writes none of its words.
  void start_again() {
    forget_engines();
    causes.fill(0);
    busy.fill(0);
    memory.clear_counters();
    REQUIRE(write(csr::kControl, 1) == 0);
  }
  void wait_done() {
    wait_irq();
    CHECK(read(csr::kStatus) == 2);
    check_counters();
    write(csr::kIrqStatus, 1);
  }
  void wait_reset() {
    for (int i = 0; (read(csr::kStatus) & 9) != 0; ++i) REQUIRE(i < 5000);
  }

  /// Returns the bytes that a start reads of the program: all of them, except for kept bursts.
  std::uint64_t to_fetch(std::size_t words, bool again) const {
    constexpr std::uint64_t kBurst = 256, kPage = 4096;
    const std::uint64_t end = 8 * words;
    std::uint64_t kept = 0;
    while (again && kept < end) {
      const std::uint64_t page = kPage - (memory_base + kept) % kPage;
      const std::uint64_t next = std::min({kept + kBurst, kept + page, end});
      if (next > 8 * TB_ImemWords) break;
      kept = next;
    }
    return kept == end ? 0 : (end - kept + kBeatBytes - 1) / kBeatBytes * kBeatBytes;
  }

  /// Requires that the program ends well, and that DRAM and on-chip memories contain the results of
  /// the copies.
  void check_run(const Program& p) {
    State expected = state;
    expected.dram = memory.words;
    start_program(p);
    for (std::size_t i = 0; i < p.words.size(); ++i) {  // they are available only now
      expected.dram[2 * i] = memory.words[2 * i];
      expected.dram[2 * i + 1] = memory.words[2 * i + 1];
    }
    for (const Copy& copy : p.copies) apply(copy, expected);
    wait_irq();
    CHECK(read(csr::kStatus) == 2);
    CHECK(read(csr::kErrorCause) == 0);
    CHECK(read64(csr::kErrorAddress) == 0);
    CHECK(read(csr::kIrqStatus) == 1);
    check_counters();
    write(csr::kIrqStatus, 1);
    CHECK(!dut.irq_o);
    compare("DRAM", memory.words, expected.dram);
    compare("DMEM", state.dmem, expected.dmem);
    compare("bias", state.bias, expected.bias);
    compare("scale", state.scale, expected.scale);
    compare("table", state.table, expected.table);
    compare("exponentials", state.exponentials, expected.exponentials);
    compare("points", state.points, expected.points);
    CHECK(state.pmem == expected.pmem);
  }

  /// @param beats  number of beats that may differ
  void compare(const char* name, const Words& actual, const Words& expected, int beats = 0) {
    auto [a, e] = std::mismatch(actual.begin(), actual.end(), expected.begin());
    for (; beats > 0 && a != actual.end(); --beats) {
      const std::ptrdiff_t beat = kBusBits / 32, next = (a - actual.begin()) / beat * beat + beat;
      std::tie(a, e) = std::mismatch(actual.begin() + next, actual.end(), expected.begin() + next);
    }
    if (a == actual.end()) return;
    INFO(name << " word " << a - actual.begin());
    REQUIRE(*a == *e);
  }

  void reset_bus() {
    memory.hold_in_reset();
    REQUIRE(write(csr::kControl, kBusWasReset) == 0);
    for (int i = 0; (read(csr::kStatus) & kBusDirty) != 0; ++i) REQUIRE(i < 2);
    memory.stand(memory.kNone);
    while (wiping > 0) tick();
  }

  /// Requires refused starts while the bus owes beats of a cancelled burst.
  void check_start_refused() {
    CHECK(write(csr::kControl, 1) == 2);
    CHECK(!dut.running_o);
    CHECK((read(csr::kStatus) & kBusDirty) != 0);
  }

  void check_counters() {
    for (std::uint32_t i = 0; i < 8; ++i)
      CHECK(read64(csr::kCause + 8 * i) == kCountFrom + causes[i]);
    CHECK(read64(csr::kCycles) == cycles_counted());
    for (std::uint32_t e = 0; e < 4; ++e)
      CHECK(read64(csr::kEngineBusy + 8 * e) == kCountFrom + busy[e]);
    CHECK(read64(csr::kBytesRead) == kCountFrom * kBusBits / 8 + memory.bytes_read());
    CHECK(read64(csr::kBytesWritten) == kCountFrom * 4 + memory.bytes_written());
  }
  std::uint64_t cycles_counted() const {
    return std::accumulate(causes.begin(), causes.end(), kCountFrom);
  }

  /// Requires that the program stops with this error, and that the machine works afterwards.
  void check_error(std::uint32_t cause, std::uint64_t addr, std::uint32_t run = 0) {
    wait_irq();
    CHECK(read(csr::kErrorRun) == run);
    CHECK(read(csr::kStatus) == 4);
    CHECK(read(csr::kErrorCause) == cause);
    CHECK(read64(csr::kErrorAddress) == addr);
    CHECK(read64(csr::kErrorAddressAlias) == addr);  // for drivers from before REGISTERS_VERSION
    CHECK(read(csr::kIrqStatus) == 2);
    write(csr::kIrqStatus, 2);
  }
};

}  // namespace trine::tb::control
