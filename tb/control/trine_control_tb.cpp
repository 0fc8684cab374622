// SPDX-License-Identifier: Apache-2.0
//
// The control and its DMA engines against a sequential model: random programs, stalls everywhere,
// errors and soft resets. Compute and vector engines are played by the bench.

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <functional>
#include <numeric>
#include <tuple>

#include "Vtrine_control_ports.h"
#include "machine/csr.h"
#include "machine/isa.h"
#include "tb/axi_memory.h"
#include "tb/golden/ports.h"

namespace {

using namespace trine;
using namespace trine::tb;
using golden::get_bit;
using golden::get_word;
using golden::set_word;
using isa::Engine;
using isa::Word;
using Target = isa::dma::Target;

constexpr int kCols = TB_Cols;
constexpr int kBusBits = TB_AxiDataBits;
#ifndef TB_AxiAddrBits
#define TB_AxiAddrBits 32
#endif
#ifndef TB_Ecc
#define TB_Ecc 0
#endif
#ifndef TB_ImemWords
#define TB_ImemWords 0
#endif
constexpr std::uint64_t kAddresses = ~std::uint64_t{0} >> (64 - TB_AxiAddrBits);
constexpr std::uint64_t kDramField = (std::uint64_t{1} << 40) - 1;  // of an instruction
constexpr std::uint64_t kCountFrom = 0xfffff000;  // CountFrom: programs count across 2^32
constexpr int kDataWords = std::max(64, kBusBits) / 32;
constexpr int kBeatBytes = 4 * kDataWords;
constexpr int kDmemWords = 1 << TB_DmemAddrBits;
constexpr int kPmemRows = 1 << TB_PmemAddrBits;
constexpr int kParams = TB_ParamChannels;
constexpr int kBeatsPerRow = (kCols + kDataWords - 1) / kDataWords;
constexpr int kRowsPerBeat = kCols < kDataWords ? kDataWords / kCols : 1;
constexpr int kEngines = isa::kEngines;

// Codes of ERROR_CAUSE (machine/csr.h).
constexpr std::uint32_t kFetchError = 1, kLoadError = 2, kStoreError = 3, kIllegalError = 4,
                        kTokenError = 5, kFetchWindow = 6, kLoadWindow = 7, kStoreWindow = 8,
                        kFetchTimeout = 9, kLoadTimeout = 10, kStoreTimeout = 11,
                        kConfigurationError = 13, kDeadlock = 15, kProgress = 16,
                        kCyclesExceeded = 17;

constexpr Word kHash = 0xc123456789abcdef;  // the design's; every program begins with it

// Bits of STATUS and CONTROL.
constexpr std::uint32_t kError = 4, kBusDirty = 16, kBusWasReset = 8;

constexpr int kMemoryBytes = 1 << 20;
constexpr int kProgramBytes = 1 << 18;               // the program lies first,
constexpr int kSourceBytes = (1 << 17) + (1 << 16);  // then what loads read, then what stores write

/// Where DRAM lies on the bus; each Bench draws it, so that all bits of addresses are used. Of wide
/// addresses every second one has a border of 4 GiB in the middle: of the program, what loads read,
/// or what stores write.
std::uint64_t memory_base = 0;

using Words = std::vector<std::uint32_t>;

/// Everything a program changes.
struct State {
  Words dram = Words(kMemoryBytes / 4), dmem = Words(kDmemWords);
  std::vector<std::array<std::uint32_t, kCols>> pmem{kPmemRows};
  Words bias = Words(kParams), scale = Words(2 * kParams);  // scale: two words an entry
  Words table = Words(isa::dma::kTableWords);
  Words exponentials = Words(isa::dma::kExponentialWords);
};

/// A 2-D copy; dram in bytes from the start of the memory.
struct Copy {
  bool store;
  Target target;
  int dram, local, words, rows, dram_stride, local_stride;
  bool from_dmem = false;  ///< then `dram` is a place there
};

/// Row `row` of the copy: byte a of word w is byte w mod 4 of column a; words missing are zero.
void apply_transposed(const Copy& copy, int row, const Words& source, State& state) {
  for (int w = 0; w < (copy.words + 3) / 4 * 4; ++w) {
    const auto from = static_cast<std::size_t>((copy.dram + row * copy.dram_stride) / 4 + w);
    const std::uint32_t word = w < copy.words ? source.at(from) : 0;
    auto& to =
        state.pmem.at(static_cast<std::size_t>(copy.local + row * copy.local_stride + w / 4));
    for (int a = 0; a < 4; ++a) {
      auto& column = to.at(static_cast<std::size_t>(4 * row + a));
      column = (column & ~(0xffU << w % 4 * 8)) | (word >> 8 * a & 0xff) << w % 4 * 8;
    }
  }
}

void apply(const Copy& copy, State& state) {
  for (int row = 0; row < copy.rows; ++row) {
    const int local = copy.local + row * copy.local_stride;
    Words& source = copy.from_dmem ? state.dmem : state.dram;
    if (copy.target == Target::kTransposed) {
      apply_transposed(copy, row, source, state);
      continue;
    }
    for (int w = 0; w < copy.words; ++w) {
      auto& dram =
          source.at(static_cast<std::size_t>((copy.dram + row * copy.dram_stride) / 4 + w));
      const int in_beat = w % kDataWords, beat = w / kDataWords;
      switch (copy.target) {
        case Target::kDmem: {
          auto& word = state.dmem.at(static_cast<std::size_t>(local + w));
          copy.store ? dram = word : word = dram;
          break;
        }
        case Target::kPmem: {
          const int pmem_row =
              local + beat / kBeatsPerRow * kRowsPerBeat + (kRowsPerBeat > 1 ? in_beat / kCols : 0);
          const int col =
              kRowsPerBeat > 1 ? in_beat % kCols : beat % kBeatsPerRow * kDataWords + in_beat;
          const bool padding = in_beat >= kRowsPerBeat * kCols && kRowsPerBeat > 1;
          if (col < kCols && !padding)
            state.pmem.at(static_cast<std::size_t>(pmem_row))[static_cast<std::size_t>(col)] = dram;
          break;
        }
        case Target::kBias:
          state.bias.at(static_cast<std::size_t>(local + w)) = dram;
          break;
        case Target::kScale:
          state.scale.at(static_cast<std::size_t>(2 * local + w)) = dram;
          break;
        case Target::kTable:
          state.table.at(static_cast<std::size_t>(local + w)) = dram;
          break;
        case Target::kExponentials:
          state.exponentials.at(static_cast<std::size_t>(local + w)) = dram;
          break;
        case Target::kTransposed:
          break;
      }
    }
  }
}

struct Program {
  std::vector<Word> words{kHash};
  std::vector<Copy> copies;
  std::vector<std::size_t> dram_sets;  ///< words with a place in DRAM, from the start of the memory

  void run(Engine engine, const isa::Run& run) { words.push_back(isa::encode_run(engine, run)); }
  void copy(const Copy& c, int wait, int signal, bool sets, std::mt19937& random);
  void end() { words.push_back(isa::kEndWord); }
  /// Another program behind this one, in the place of its END.
  void append(const Program& more) {
    if (words.back() == isa::kEndWord) words.pop_back();
    for (const std::size_t at : more.dram_sets) dram_sets.push_back(words.size() - 1 + at);
    words.insert(words.end(), more.words.begin() + 1, more.words.end());
    copies.insert(copies.end(), more.copies.begin(), more.copies.end());
  }
};

void Program::copy(const Copy& c, int wait, int signal, bool sets, std::mt19937& random) {
  const Engine engine = c.store ? Engine::kStore : Engine::kLoad;
  isa::TransferRegisters registers;
  registers.set(isa::dma::kDram, c.dram);
  registers.set(isa::dma::kLocal, c.local);
  registers.set(isa::dma::kWords, c.words);
  registers.set(isa::dma::kRowsLast, c.rows - 1);
  registers.set(isa::dma::kLocalStride, c.local_stride);
  registers.set(isa::dma::kDramStride,
                static_cast<std::uint64_t>(c.dram_stride) & kDramField);  // or backwards
  if (sets) {
    std::array<int, 4> order{0, 1, 2, 3};
    std::shuffle(order.begin(), order.end(), random);
    for (const int reg : order) {
      if (reg == isa::dma::kDram.reg && !c.from_dmem) dram_sets.push_back(words.size());
      words.push_back(isa::encode_set(engine, reg, registers.value[static_cast<std::size_t>(reg)]));
    }
  }
  run(engine,
      {wait, signal, static_cast<int>(c.target), c.from_dmem ? 1 << isa::dma::kFromDmem : 0});
  copies.push_back(c);
}

std::uint64_t draw_memory_base(unsigned seed) {
  std::mt19937_64 random(seed + 17);
  memory_base = (random() & kAddresses) / kMemoryBytes * kMemoryBytes;
  if (TB_AxiAddrBits > 32 && seed % 2 != 0) {
    constexpr std::array<int, 3> kBorders{4096, kProgramBytes + kSourceBytes / 2,
                                          kMemoryBytes - 16 * 4096};
    memory_base = (memory_base >> 32 | 1) << 32;
    memory_base -= static_cast<std::uint64_t>(kBorders[seed / 2 % 3]);
  }
  return memory_base;
}

struct Bench {
  Vtrine_control_ports dut;
  std::mt19937 random;
  AxiMemory<Vtrine_control_ports> memory;
  State state;                 ///< the on-chip memories; DRAM is in `memory`
  unsigned port_percent = 60;  ///< ready of the on-chip ports and the engines
  int read_latency = 3;        ///< of DMEM, at most
  int retire_max = 60;         ///< cycles from a RUN to its retire pulse, at most
  int patience = 400'000;      ///< cycles of a program, at most
  bool stands = false;         ///< compute and vector end no RUN
  bool moves = false;          ///< they say that they get on
  std::int64_t cycles = 0;
  std::uint64_t base;  ///< BASE: any that words can make up for
  int wiping =
      TB_Ecc != 0 ? kWipeCycles : 0;  ///< zeros are still to be written, for so many cycles
  int wipes = 0;
  static constexpr int kWipeCycles = 150;
  static constexpr std::uint64_t kAligned = 128;  ///< of a beat of any bus
  std::vector<Word> program;                      ///< what the engines are to see

  explicit Bench(unsigned seed)
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
    dut.moved_i = moves;
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

  void drive_ports() {
    dut.dma_wready_i = chance(port_percent);
    dut.dma_rready_i = chance(port_percent);
    dut.pmem_wready_i = chance(port_percent);
    dut.param_ready_i = chance(port_percent);
    dut.dma_rdata_valid_i = !reads.empty() && reads.front().due <= cycles;
    if (dut.dma_rdata_valid_i)
      for (int w = 0; w < kDataWords; ++w)
        set_word(dut.dma_rdata_i, w,
                 state.dmem.at(static_cast<std::size_t>(reads.front().addr + w)));
  }

  void sample_ports() {
    if (dut.dma_rdata_valid_i) reads.pop_front();
    if (dut.clear_o) reads.clear();
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
          state.dmem.at(static_cast<std::size_t>(dut.dma_waddr_o + w)) =
              get_word(dut.dma_wdata_o, w);
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
        state.exponentials.at(place(dut.exp_addr_o)) = get_word(dut.param_wdata_o, w);
    }
  }

  // -- engines: compute and vector are played, all four are watched
  // ---------------------------------
  std::array<std::size_t, 4> next{};  ///< the engine's next word in `program`
  std::array<std::deque<isa::Run>, 4> in_flight;
  std::array<std::deque<std::int64_t>, 4> retire_due;  ///< of compute and vector
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

  /// The engine's next word, which must be what it was offered.
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

  // -- registers: each access is answered at once, in any state
  // ------------------------------------
  static constexpr int kWriteBound = 2, kReadBound = 17;  ///< cycles until it is taken

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

  /// The last program once more, as it is in IMEM: the driver writes nothing of it.
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

  /// Bytes that a start reads of the program: all of them, but for bursts that are kept.
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

  /// The program ends well, and DRAM and on-chip memories are what the copies make of them.
  void check_run(const Program& p) {
    State expected = state;
    expected.dram = memory.words;
    start_program(p);
    for (std::size_t i = 0; i < p.words.size(); ++i) {  // they are there only now
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
    CHECK(state.pmem == expected.pmem);
  }

  /// @param beats  of the bus that may differ
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

  /// While the bus owes what was given up.
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

  /// The program stops with this error; afterwards the machine works as before.
  void check_error(std::uint32_t cause, std::uint64_t addr, std::uint32_t run = 0) {
    wait_irq();
    CHECK(read(csr::kErrorRun) == run);
    CHECK(read(csr::kStatus) == 4);
    CHECK(read(csr::kErrorCause) == cause);
    CHECK(read64(csr::kErrorAddress) == addr);
    CHECK(read64(csr::kErrorAddressAlias) == addr);  // drivers from before REGISTERS_VERSION
    CHECK(read(csr::kIrqStatus) == 2);
    write(csr::kIrqStatus, 2);
  }

  // -- random programs
  // ------------------------------------------------------------------------------
  int pick(int low, int high) {
    return low + static_cast<int>(random() % static_cast<unsigned>(high - low + 1));
  }

  /// @param half  0 or 1: loads and stores that may overlap in time use different halves of DMEM
  Copy random_copy(bool store, int half) {
    Copy copy{store, Target::kDmem, 0, 0, 1, pick(1, chance(30) ? 12 : 3), 0, 0};
    if (!store) copy.target = static_cast<Target>(pick(0, kCols >= 4 ? 6 : 5));
    const bool transposed = copy.target == Target::kTransposed;
    copy.from_dmem = (transposed || copy.target == Target::kPmem) && chance(50);
    if (transposed) copy.rows = pick(1, kCols / 4);
    const int region = copy.from_dmem ? 4 * kDmemWords
                       : store        ? kMemoryBytes - kProgramBytes - kSourceBytes
                                      : kSourceBytes;
    int local_first = 0, local_size = 0;  // in local units
    int unit = kDataWords;                // of local addresses and strides
    int beats = pick(1, chance(20) ? 200 : 12);
    switch (copy.target) {
      case Target::kDmem:
        local_first = half * kDmemWords / 2;
        local_size = kDmemWords / 2;
        break;
      case Target::kPmem:
        local_size = kPmemRows;
        unit = 1;
        break;
      case Target::kBias:
        local_size = kParams;
        break;
      case Target::kScale:
        local_size = kParams;
        unit = kDataWords / 2;
        break;
      case Target::kTable:
        local_size = isa::dma::kTableWords;
        break;
      case Target::kExponentials:
        local_size = isa::dma::kExponentialWords;
        break;
      case Target::kTransposed:
        local_size = kPmemRows;
        unit = 1;
        break;
    }
    // Local units of one beat; a PMEM row of several beats counts as one step.
    int per_step = unit;
    int step_words = kDataWords;
    if (copy.target == Target::kPmem) {
      per_step = kRowsPerBeat;
      step_words = kDataWords * kBeatsPerRow;
    } else if (transposed) {
      per_step = std::max(1, kDataWords / 4);
    }
    const int steps = std::max(1, std::min(beats, local_size / per_step / 2));
    copy.words = steps * step_words;
    const int span = steps * per_step;
    copy.local_stride = pick(0, std::max(0, (local_size - span) / copy.rows / unit)) * unit;
    const int local_room = local_size - span - (copy.rows - 1) * copy.local_stride;
    copy.local = local_first + pick(0, local_room / unit) * unit;
    copy.dram_stride = pick(0, std::max(0, (region - 4 * copy.words) / copy.rows / kBeatBytes));
    if (chance(50))
      copy.dram_stride = std::min(copy.dram_stride, steps * step_words / kDataWords + 1);
    copy.dram_stride *= kBeatBytes;
    const int dram_room = region - 4 * copy.words - (copy.rows - 1) * copy.dram_stride;
    copy.dram = (store            ? kProgramBytes + kSourceBytes
                 : copy.from_dmem ? 0
                                  : kProgramBytes) +
                pick(0, dram_room / kBeatBytes) * kBeatBytes;
    if (copy.target == Target::kDmem) {  // rows need not begin or end with a beat
      const int skip = pick(0, std::min(kDataWords, copy.words) - 1);
      copy.local += skip;
      copy.dram += 4 * skip;
      copy.words = std::max(1, copy.words - skip - pick(0, kDataWords - 1));
    }
    if (copy.rows > 1 && !copy.from_dmem && chance(30)) {  // backwards
      copy.dram += (copy.rows - 1) * copy.dram_stride;
      copy.dram_stride = -copy.dram_stride;
    }
    if (transposed) copy.words -= pick(0, std::min(copy.words - 1, 5));
    return copy;
  }

  void sets(Program& p, Engine engine, int count) {
    while (count > 0) {
      const Word word =
          isa::encode_set(engine, pick(0, 15), random() | (random() & 0xffffffull) << 32);
      if (isa::fault_of(word, ~0U) != isa::Fault::kNone) continue;
      p.words.push_back(word);
      --count;
    }
  }

  isa::Run any_run(Engine engine, int wait, int signal) {
    for (;;) {
      const isa::Run run{wait, signal, pick(0, 4), pick(0, 255)};
      if (isa::fault_of(isa::encode_run(engine, run), ~0U) == isa::Fault::kNone) return run;
    }
  }

  /// All RUNs one after the other, ordered by tokens; loads read what stores wrote.
  Program ordered_program(int runs) {
    Program p;
    int last = -1, signal = pick(0, 3);
    bool loaded = false, stored = false;
    Copy load{}, store{};
    for (int i = 0; i < runs; ++i) {
      const int e = signal;
      signal = i + 1 < runs ? pick(0, 3) : -1;
      const int wait_mask = last < 0 ? 0 : 1 << last;
      const int signal_mask = signal < 0 ? 0 : 1 << signal;
      const auto engine = static_cast<Engine>(e);
      if (engine == Engine::kLoad || engine == Engine::kStore) {
        const bool is_store = engine == Engine::kStore;
        Copy& copy = is_store ? store : load;
        bool& have = is_store ? stored : loaded;
        const bool again = have && chance(10);  // registers keep their values
        if (!again) copy = random_copy(is_store, pick(0, 1));
        if (!again && !is_store && stored && copy.target == Target::kDmem && chance(50)) {
          const int shift = (copy.dram - store.dram) % kBeatBytes;
          if (shift == 0 && store.words <= copy.words) {
            copy.dram = store.dram;
            copy.words = store.words;
            copy.dram_stride = store.dram_stride;
            copy.rows = std::min(copy.rows, store.rows);
          }
        }
        have = true;
        p.copy(copy, wait_mask, signal_mask, !again, random);
      } else {
        sets(p, engine, pick(0, 20));
        p.run(engine, any_run(engine, wait_mask, signal_mask));
      }
      last = e;
    }
    p.end();
    return p;
  }

  /// Loads and stores side by side, in different halves, and as many tokens as do no harm.
  Program parallel_program(int runs) {
    Program p;
    std::array<std::array<int, 4>, 4> have{}, given{};
    for (int i = 0; i < runs; ++i) {
      const int e = pick(0, 3);
      const auto engine = static_cast<Engine>(e);
      const auto to = static_cast<std::size_t>(e);
      int wait_mask = 0, signal_mask = 0;
      for (std::size_t o = 0; o < 4; ++o) {
        if (have[o][to] > 0 && chance(60)) {
          --have[o][to];
          wait_mask |= 1 << o;
        }
        if (given[to][o] < 60 && chance(60)) {
          ++given[to][o];
          ++have[to][o];
          signal_mask |= 1 << o;
        }
      }
      if (engine == Engine::kLoad || engine == Engine::kStore) {
        const bool is_store = engine == Engine::kStore;
        p.copy(random_copy(is_store, is_store), wait_mask, signal_mask, true, random);
      } else {
        sets(p, engine, pick(0, 20));
        p.run(engine, any_run(engine, wait_mask, signal_mask));
      }
    }
    p.end();
    return p;
  }
};

/// Latencies, stalls: from an ideal machine to a slow one.
void set_timing(Bench& bench, unsigned kind) {
  bench.memory.timing = {kind == 0 ? 100u : kind == 1 ? 60u : 15u, 0, kind == 0 ? 0 : 40};
  bench.port_percent = kind == 0 ? 100u : kind == 1 ? 60u : 20u;
  bench.read_latency = kind == 0 ? 1 : 4;
}

}  // namespace

TEST_CASE("trine_control runs ordered programs like the sequential model", "[tb][control]") {
  const auto seed = GENERATE(1u, 2u, 3u, 4u);
  const auto timing = GENERATE(0u, 1u, 2u);
  CAPTURE(seed, timing);
  Bench bench(seed);
  set_timing(bench, timing);
  for (int i = 0; i < 3; ++i) bench.check_run(bench.ordered_program(40));
}

TEST_CASE("trine_control runs engines in parallel without losing order", "[tb][control]") {
  const auto seed = GENERATE(11u, 12u, 13u, 14u);
  const auto timing = GENERATE(0u, 1u, 2u);
  CAPTURE(seed, timing);
  Bench bench(seed);
  set_timing(bench, timing);
  for (int i = 0; i < 3; ++i) bench.check_run(bench.parallel_program(60));
}

/// The RUNs of an engine that touch this beat.
std::vector<std::uint32_t> runs_that_touch(const Program& p, bool store, std::uint64_t beat) {
  std::vector<std::uint32_t> runs;
  std::uint32_t run = 0;
  for (const Copy& c : p.copies) {
    if (c.store != store) continue;
    for (int row = 0; !c.from_dmem && row < c.rows; ++row) {
      const auto first = memory_base + static_cast<std::uint64_t>(c.dram + row * c.dram_stride);
      const std::uint64_t end = first + 4 * static_cast<std::uint64_t>(c.words);
      if (beat < first / kBeatBytes * kBeatBytes || beat >= end) continue;
      runs.push_back(run);
      break;
    }
    ++run;
  }
  return runs;
}

TEST_CASE("trine_control works with every memory that AXI allows", "[tb][control]") {
  const auto at = GENERATE(range(std::size_t{0}, sim::kAxiSlaves.size()));
  const auto timing = GENERATE(0u, 1u, 2u);
  const std::string slave{sim::kAxiSlaves.at(at).name};
  CAPTURE(slave, timing);
  Bench bench(131 + static_cast<unsigned>(at));
  set_timing(bench, timing);
  bench.memory.slave = sim::kAxiSlaves.at(at);
  bench.check_run(bench.ordered_program(40));
  bench.check_run(bench.parallel_program(60));
  // An error of a store stops it with what the memory says, whatever the order was.
  Program p = bench.parallel_program(10);
  const int region = kProgramBytes + kSourceBytes;
  p.words.pop_back();
  p.copy({true, Target::kDmem, region, 0, 200 * kDataWords, 2, 200 * kBeatBytes, kDataWords}, 0, 0,
         true, bench.random);
  p.end();
  bench.memory.inject_error(memory_base + region, memory_base + region + 200 * kBeatBytes - 1, 2);
  bench.start_program(p);
  bench.wait_irq();
  const std::uint64_t burst = bench.memory.failure().burst;
  bench.check_error(kStoreError, burst, runs_that_touch(p, true, burst).at(0));
  bench.memory.clear_errors();
  // A soft reset in the midst of it leaves nothing behind.
  bench.start_program(bench.parallel_program(40));
  for (int wait = bench.pick(100, 600); wait > 0; --wait) bench.tick();
  bench.write(csr::kControl, 2);
  for (int i = 0; (bench.read(csr::kStatus) & 9) != 0; ++i) REQUIRE(i < 5000);
  bench.write(csr::kIrqStatus, 3);
  bench.check_run(bench.ordered_program(20));
}

#if TB_Ecc
/// A fatal word as trine_ecc says it: from some cycle on, until clear_o.
TEST_CASE("trine_control holds its beats when a word cannot be corrected", "[tb][control][error]") {
  const auto seed = GENERATE(range(141u, 165u));
  CAPTURE(seed);
  Bench bench(seed);
  bench.memory.timing = {seed % 2 == 0 ? 15u : 40u, 0, 30};
  bench.memory.slave = sim::kAxiSlaves.at(seed % sim::kAxiSlaves.size());
  bench.port_percent = 100;
  bench.read_latency = 1;
  Program p;
  p.copy({true, Target::kDmem, kProgramBytes + kSourceBytes, 0, 64 * kDataWords, 4, 64 * kBeatBytes,
          kDataWords},
         0, 0, true, bench.random);
  p.end();
  bench.start_program(p);
  for (int i = 0; bench.memory.bytes_written() < 16 * kBeatBytes; ++i) {
    REQUIRE(i < 100'000);
    bench.tick();
  }
  for (int wait = bench.pick(0, 40); wait > 0; --wait) bench.tick();
  bench.dut.ecc_fatal_i = 1;
  bench.dut.ecc_addr_i = 77;
  const std::uint64_t written = bench.memory.bytes_written();
  for (int i = 0; !bench.dut.clear_o; ++i) {
    REQUIRE(i < 100'000);
    bench.tick();
  }
  bench.tick();
  bench.dut.ecc_fatal_i = 0;
  CHECK(bench.memory.bytes_written() - written <= kBusBits / 8);  // the beat on offer
  bench.check_error(12, 77);
  bench.check_run(bench.ordered_program(20));
}
#endif

TEST_CASE("trine_control streams one beat a cycle", "[tb][control]") {
  Bench bench(21);
  bench.memory.timing = {100, 20, 20};
  bench.port_percent = 100;
  bench.read_latency = 2;
  // Rows of eight beats: many bursts, each shorter than the latency.
  const int rows = std::min(64, kDmemWords / (8 * kDataWords));
  const bool store = GENERATE(false, true);
  CAPTURE(store);
  Program p;
  p.copy({store, Target::kDmem, kProgramBytes + (store ? kSourceBytes : 0), 0, 8 * kDataWords, rows,
          8 * kBeatBytes, 8 * kDataWords},
         0, 0, true, bench.random);
  p.end();
  bench.check_run(p);
  const auto engine = static_cast<std::size_t>(store ? Engine::kStore : Engine::kLoad);
  const int bus_beats = 8 * rows * (kBusBits < 64 ? 2 : 1);
  CHECK(static_cast<int>(bench.busy[engine]) <= bus_beats + 40);
}

TEST_CASE("trine_control prefetches the next load", "[tb][control]") {
  Bench bench(22);
  bench.memory.timing = {100, 40, 40};
  bench.port_percent = 100;
  Program p;
  constexpr int kRuns = 12, kBeats = 64;
  for (int i = 0; i < kRuns; ++i)
    p.copy({false, Target::kDmem, kProgramBytes + 512 * i, 0, kBeats * kDataWords, 1, 0, 0}, 0, 0,
           true, bench.random);
  p.end();
  bench.check_run(p);
  const int bus_beats = kBeats * kRuns * (kBusBits < 64 ? 2 : 1);
  CHECK(static_cast<int>(bench.busy[0]) <= bus_beats + 12 * kRuns + 100);
}

/// Rows and strides that random copies do not have; a row left out, or one in a wrong place, leaves
/// other words.
TEST_CASE("trine_control copies rows by the hundred, and far from each other", "[tb][control]") {
  Bench bench(23);
  set_timing(bench, 0);
  const int source = kProgramBytes, target = kProgramBytes + kSourceBytes,
            row = kDataWords * kBeatsPerRow,
            overlapping = std::min(200, (kDmemWords - row) / kDataWords);
  for (const Copy& copy : {Copy{false, Target::kDmem, source, 0, kDataWords, 1500, kBeatBytes, 0},
                           Copy{false, Target::kPmem, 0, 0, row, overlapping, kBeatBytes, 0, true},
                           Copy{true, Target::kDmem, target, 0, kDataWords, 1500, kBeatBytes, 0},
                           Copy{false, Target::kDmem, source, 0, kDataWords, 2, kBeatBytes, 1600},
                           Copy{true, Target::kDmem, target, 0, kDataWords, 2, kBeatBytes, 1600}}) {
    CAPTURE(copy.store, copy.from_dmem, copy.rows, copy.local_stride);
    Program p;
    p.copy(copy, 0, 0, true, bench.random);
    p.end();
    bench.check_run(p);
  }
}

TEST_CASE("trine_control counts millions of bytes", "[tb][control]") {
  Bench bench(24);
  set_timing(bench, 0);
  bench.patience = 4'000'000;
  constexpr int kRowBytes = 4096;
  Program p;
  p.copy({true, Target::kDmem, kProgramBytes + kSourceBytes, 0, kRowBytes / 4, 1100, 0, 0}, 0, 0,
         true, bench.random);
  p.end();
  bench.check_run(p);
  CHECK(bench.memory.bytes_written() >> 22 == 1);
}

TEST_CASE("trine_control has four bursts of writes without a response at most", "[tb][control]") {
  Bench bench(25);
  set_timing(bench, 0);
  Program p;
  p.copy({true, Target::kDmem, kProgramBytes + kSourceBytes, 0, kDataWords, 12, 2 * kBeatBytes, 0},
         0, 0, true, bench.random);
  p.end();
  bench.memory.stand(bench.memory.kB);
  bench.start_program(p);
  for (int i = 0; i < 2000; ++i) bench.tick();
  CHECK(bench.memory.unanswered_writes() == 4);
  bench.memory.stand(bench.memory.kNone);
  bench.wait_irq();
  CHECK(bench.read(csr::kStatus) == 2);
}

TEST_CASE("trine_control ends at END, whatever the number of words", "[tb][control]") {
  const int bit = GENERATE(16, 24, 31);
  Bench bench(26);
  const Program p = bench.ordered_program(20);
  bench.start_program(p, (1u << bit) + static_cast<std::uint32_t>(p.words.size()) / 2);
  bench.wait_irq();
  CHECK(bench.read(csr::kStatus) == 2);
}

bool touches(const Program& p, bool store, std::uint32_t run, std::uint64_t beat) {
  const auto runs = runs_that_touch(p, store, beat);
  return std::find(runs.begin(), runs.end(), run) != runs.end();
}

/// Whether that load copies from DMEM: one that is going on is told for the burst behind it that
/// never comes (docs/registers.md, ERROR_RUN).
bool copies_on_chip(const Program& p, std::uint32_t run) {
  for (const Copy& c : p.copies)
    if (!c.store && run-- == 0) return c.from_dmem;
  return false;
}

TEST_CASE("trine_control reports erroneous responses and recovers", "[tb][control][error]") {
  const auto seed = GENERATE(31u, 32u, 33u, 101u, 102u, 103u);
  const auto timing = GENERATE(0u, 1u, 2u);
  const auto kind = GENERATE(kFetchError, kLoadError, kStoreError);
  CAPTURE(seed, timing, kind);
  Bench bench(seed);
  set_timing(bench, timing);
  Program p;
  std::uint64_t first = memory_base;
  std::uint64_t bytes = kMemoryBytes;
  if (kind == kFetchError) {  // somewhere in the program
    p = bench.ordered_program(30);
    first += static_cast<std::uint64_t>(bench.pick(0, static_cast<int>(p.words.size()) - 1)) * 8 /
             kBeatBytes * kBeatBytes;
    bytes = kBeatBytes;
  } else {  // a beat in a row of a long copy, or all of a row's bursts of writes, among others
    const bool store = kind == kStoreError;
    p = bench.parallel_program(10);
    p.words.pop_back();
    const int region = kProgramBytes + (store ? kSourceBytes : 0);
    p.copy({store, Target::kDmem, region, 0, 200 * kDataWords, 10, 250 * kBeatBytes, kDataWords}, 0,
           0, true, bench.random);
    p.end();
    const int beat = store ? 0 : bench.pick(0, 199);
    first += static_cast<std::uint64_t>(region + (bench.pick(0, 9) * 250 + beat) * kBeatBytes);
    bytes = (store ? 200 : 1) * kBeatBytes;
  }
  bench.memory.inject_error(first, first + bytes - 1, 1 + static_cast<int>(seed % 3));  // EXOKAY
  bench.start_program(p);
  bench.wait_irq();
  const std::uint64_t expected =
      kind == kStoreError ? bench.memory.failure().burst : bench.memory.failure().beat;
  bench.check_error(
      kind, expected,
      kind == kFetchError ? 0 : runs_that_touch(p, kind == kStoreError, expected).at(0));

  bench.memory.clear_errors();
  bench.check_run(bench.ordered_program(20));
}

TEST_CASE("trine_control stops where a burst of reads does not end as it was asked for",
          "[tb][control][error]") {
  const auto seed = GENERATE(231u, 232u, 233u, 234u);
  const bool fetch = GENERATE(false, true), early = GENERATE(false, true);
  CAPTURE(seed, fetch, early);
  Bench bench(seed);
  set_timing(bench, seed % 3);
  REQUIRE(bench.write(csr::kWatchdog, 400) == 0);  // without RLAST a burst is owed for ever
  Program p = bench.ordered_program(10);
  if (fetch) {
    bench.sets(p, Engine::kVector, 300);
    p.words.erase(std::find(p.words.begin(), p.words.end(), isa::kEndWord));
  } else {
    p.words.pop_back();
    p.copy({false, Target::kDmem, kProgramBytes, 0, 100 * kDataWords, 1, 0, 0}, 0, 0, true,
           bench.random);
  }
  p.end();
  // Two beats of the bus, of which one is not a burst's last, or a burst and more.
  const std::uint64_t first =
      memory_base + static_cast<std::uint64_t>((fetch ? 0 : kProgramBytes) +
                                               bench.pick(0, 8) * std::min(kBusBits / 8, 64));
  bench.memory.inject_last(first, first + (early ? kBusBits / 4 : 64 * kBeatBytes) - 1, early);
  bench.start_program(p);
  for (int i = 0; !bench.dut.irq_o; ++i) {
    if (i > bench.patience) FAIL("the program hangs");
    bench.tick();
  }
  const std::uint64_t wrong = bench.memory.failure().beat / kBeatBytes * kBeatBytes;
  CHECK(bench.read(csr::kErrorCause) == (fetch ? kFetchError : kLoadError));
  CHECK(bench.read64(csr::kErrorAddress) == wrong);
  CHECK(bench.read(csr::kStatus) == (early ? kError : kError | kBusDirty));
  if (early) CHECK(bench.memory.idle());
  CHECK(bench.read(csr::kIrqStatus) == 2);
  bench.write(csr::kIrqStatus, 2);
  bench.memory.clear_errors();
  if (!early) bench.reset_bus();
  REQUIRE(bench.write(csr::kWatchdog, csr::kWatchdogReset) == 0);
  bench.check_run(bench.ordered_program(20));
}

TEST_CASE("trine_control issues the words before a response that is wrong",
          "[tb][control][error]") {
  Bench bench(39);
  set_timing(bench, 0);
  bench.port_percent = 5;  // queue and buffer are full when it comes
  Program p;
  bench.sets(p, Engine::kVector, 300);
  p.end();
  const std::uint64_t wrong = memory_base + 250 * 8 / kBeatBytes * kBeatBytes;
  bench.memory.inject_error(wrong, wrong + kBeatBytes - 1, 2);
  bench.start_program(p);
  bench.check_error(kFetchError, wrong);
}

TEST_CASE("trine_control counts the RUNs and words of a long program", "[tb][control][error]") {
  Bench bench(45);
  set_timing(bench, 0);
  constexpr std::uint32_t kRuns = 16400;
  Program p;
  const Copy bias{false, Target::kBias, kProgramBytes, 0, kDataWords, 1, 0, 0};
  for (std::uint32_t i = 0; i < kRuns; ++i) p.copy(bias, 0, 0, i == 0, bench.random);
  SECTION("to a load of a wrong beat") {
    Copy wrong = bias;
    wrong.dram += 16 * kBeatBytes;
    p.copy(wrong, 0, 0, true, bench.random);
    p.end();
    const std::uint64_t beat = memory_base + static_cast<std::uint64_t>(wrong.dram);
    bench.memory.inject_error(beat, beat + kBeatBytes - 1, 2);
    bench.start_program(p);
    bench.check_error(kLoadError, beat, kRuns);
  }
  SECTION("to an illegal word") {
    const std::size_t offset = 8 * p.words.size();
    p.words.push_back(kHash);  // it is the first word's alone
    p.end();
    bench.start_program(p);
    bench.check_error(kIllegalError, offset);
  }
}

TEST_CASE("trine_control keeps its bursts inside of the window", "[tb][control][error]") {
  const auto seed = GENERATE(34u, 35u, 36u, 37u);
  const auto timing = GENERATE(0u, 1u, 2u);
  const auto kind = GENERATE(kFetchWindow, kLoadWindow, kStoreWindow);
  CAPTURE(seed, timing, kind);
  Bench bench(seed);
  set_timing(bench, timing);
  Program p = bench.ordered_program(30);
  std::uint64_t address = 0;
  std::uint32_t run = 0;
  // The program's end lies outside, from the beginning or the end of a burst on.
  if (kind == kFetchWindow) {
    p = {};
    while (p.words.size() < 600) p.words.push_back(isa::encode_set(Engine::kVector, 0, 0));
    p.end();
    constexpr std::uint64_t kBurst = 256;  // half of the buffer
    address = memory_base + kBurst * static_cast<std::uint64_t>(bench.pick(
                                         1, static_cast<int>(8 * p.words.size() / kBurst) - 1));
    bench.memory.window_last =
        address + static_cast<std::uint64_t>(bench.pick(0, 1)) * (kBurst - 1) - 1;
  } else {  // the last copy touches a beat that lies behind all others
    const bool store = kind == kStoreWindow;
    p.words.pop_back();
    const int at = kMemoryBytes - kBeatBytes;
    for (const Copy& c : p.copies) run += c.store == store;
    p.copy({store, Target::kDmem, at, 0, kDataWords, 1, 0, kDataWords}, 0, 0, true, bench.random);
    p.end();
    address = memory_base + static_cast<std::uint64_t>(at);
    bench.memory.window_last = address + static_cast<std::uint64_t>(bench.pick(0, kBeatBytes)) - 2;
  }
  if (bench.pick(0, 1) == 0 && kind != kFetchWindow) bench.memory.window_first = memory_base;
  bench.start_program(p);
  bench.check_error(kind, address, run);
  bench.memory.window_last = memory_base + kMemoryBytes - 1;
  bench.memory.window_first = memory_base;
  bench.check_run(bench.ordered_program(20));
}

TEST_CASE("trine_control refuses what lies before the window", "[tb][control][error]") {
  Bench bench(38);
  Program p = bench.ordered_program(3);
  bench.memory.window_first = memory_base + 1;
  bench.start_program(p);
  bench.check_error(kFetchWindow, memory_base);
}

TEST_CASE("trine_control gives up on a bus that does not answer", "[tb][control][error]") {
  using Memory = decltype(Bench::memory);
  const auto seed = GENERATE(71u, 72u, 73u, 74u, 75u, 76u);
  const auto channel = GENERATE(Memory::kAr, Memory::kR, Memory::kAw, Memory::kW, Memory::kB);
  const bool late = GENERATE(false, true);
  CAPTURE(seed, channel, late);
  Bench bench(seed);
  set_timing(bench, seed % 3);
  constexpr std::uint32_t kLimit = 300;
  REQUIRE(bench.write(csr::kWatchdog, kLimit) == 0);
  Program p;
  while (p.copies.size() < 400) {
    p.append(bench.ordered_program(20));
  }
  bench.start_program(p);
  for (int wait = bench.pick(0, 3000); wait > 0; --wait) bench.tick();
  bench.memory.stand(channel);
  for (int i = 0; !bench.dut.irq_o; ++i) {
    if (i > 400'000) FAIL("the program hangs");
    bench.tick();
  }
  CHECK(bench.read(csr::kStatus) == (kError | kBusDirty));
  const std::uint32_t cause = bench.read(csr::kErrorCause);
  const std::uint64_t address = bench.read64(csr::kErrorAddress);
  const bool write = channel == Memory::kAw || channel == Memory::kW || channel == Memory::kB;
  if (write) {
    CHECK(cause == kStoreTimeout);
    CHECK(touches(p, true, bench.read(csr::kErrorRun), address));
  } else {
    CHECK((cause == kLoadTimeout || cause == kFetchTimeout));
    const std::uint32_t run = bench.read(csr::kErrorRun);
    const bool behind_copy = cause == kLoadTimeout && copies_on_chip(p, run);
    if (cause == kLoadTimeout) CHECK((behind_copy || touches(p, false, run, address)));
    if (channel == Memory::kR && cause == kLoadTimeout && !behind_copy)
      CHECK(bench.memory.oldest_read(1) / kBeatBytes * kBeatBytes == address);
    if (cause == kFetchTimeout) CHECK(!bench.memory.reading(1));
  }
  CHECK(bench.read(csr::kIrqStatus) == 2);
  bench.write(csr::kIrqStatus, 2);
  bench.check_start_refused();
  if (late) {  // it answers after all: that is dropped, and counted
    const Words before = bench.memory.words;
    for (int i = 0; i < 1000; ++i) bench.tick();
    CHECK(bench.read(csr::kStatus) == (kError | kBusDirty));
    bench.memory.stand(Memory::kNone);
    for (int i = 0; (bench.read(csr::kStatus) & kBusDirty) != 0; ++i) REQUIRE(i < 4'000);
    CHECK(bench.memory.idle());
    // The beat on offer is finished; where the address waits, the memory has taken those before it.
    bench.compare("DRAM", bench.memory.words, before, channel == Memory::kAw ? 64 : 1);
  } else {
    bench.reset_bus();
  }
  CHECK(bench.read(csr::kStatus) == kError);
  bench.check_run(bench.ordered_program(20));
}

TEST_CASE("trine_control keeps what comes late from the next program", "[tb][control][error]") {
  using Memory = decltype(Bench::memory);
  const auto seed = GENERATE(77u, 78u, 79u);
  CAPTURE(seed);
  Bench bench(seed);
  set_timing(bench, seed % 3);
  REQUIRE(bench.write(csr::kWatchdog, 200) == 0);
  Program p;
  while (p.copies.size() < 400) p.append(bench.ordered_program(20));
  bench.start_program(p);
  CHECK(bench.write(csr::kControl, kBusWasReset) == 2);  // not while it runs
  for (int wait = bench.pick(0, 3000); wait > 0; --wait) bench.tick();
  bench.memory.stand(Memory::kR);
  for (int i = 0; !bench.dut.irq_o; ++i) {
    REQUIRE(i < 400'000);
    bench.tick();
  }
  bench.write(csr::kIrqStatus, 3);
  // A driver that only tries again: refused as long as a beat may come, exact from the first time
  // on that it is not.
  const Program next = bench.ordered_program(20);
  for (int tries = 0; tries < 20; ++tries) bench.check_start_refused();
  bench.memory.stand(Memory::kNone);
  for (int tries = 0; (bench.read(csr::kStatus) & kBusDirty) != 0; ++tries) {
    REQUIRE(tries < 40'000);
  }
  CHECK(bench.memory.idle());
  bench.check_run(next);
}

TEST_CASE("trine_control ends a soft reset on a bus that does not answer", "[tb][control][error]") {
  using Memory = decltype(Bench::memory);
  const auto channel = GENERATE(Memory::kAr, Memory::kR, Memory::kAw, Memory::kW, Memory::kB);
  const auto seed = GENERATE(81u, 82u, 83u);
  CAPTURE(channel, seed);
  Bench bench(seed);
  bench.write(csr::kWatchdog, 100);
  bench.start_program(bench.parallel_program(40));
  for (int wait = bench.pick(100, 900); wait > 0; --wait) bench.tick();
  bench.memory.stand(channel);
  bench.write(csr::kControl, 2);
  for (int j = 0; (bench.read(csr::kStatus) & 1) != 0; ++j) {
    REQUIRE(j < 500);
  }
  if ((bench.read(csr::kStatus) & kBusDirty) != 0) bench.check_start_refused();
  bench.write(csr::kIrqStatus, 3);
  bench.reset_bus();
  CHECK(bench.read(csr::kStatus) == 0);
  bench.check_run(bench.ordered_program(20));
}

TEST_CASE("trine_control waits for a slow bus, with the watchdog off for ever", "[tb][control]") {
  const std::uint32_t limit = GENERATE(0u, 1100u);
  Bench bench(91);
  REQUIRE(bench.write(csr::kWatchdog, limit) == 0);
  bench.memory.timing = {60, 900, 1000};
  bench.check_run(bench.ordered_program(8));
}

TEST_CASE("trine_control refuses illegal words", "[tb][control][error]") {
  const auto seed = GENERATE(41u, 42u);
  const auto bad = GENERATE(Word{kHash}, isa::encode_run(Engine::kLoad, {0, 0, 7, 0}),
                            isa::encode_run(Engine::kCompute, {0, 0, 6, 0}),
                            isa::encode_run(Engine::kVector, {0, 0, 5, 0}),
                            isa::encode_run(Engine::kVector, {0, 0, 11, 0}),
                            isa::encode_run(Engine::kStore, {0, 0, 1, 0}),
                            isa::encode_run(Engine::kStore, {0, 0, 4, 0}),
                            isa::encode_run(Engine::kLoad, {0, 0, 2, 1 << isa::dma::kFromDmem}),
                            isa::encode_set(Engine::kCompute, isa::post::kEncoding.reg,
                                            std::uint64_t{3} << isa::post::kEncoding.lsb),
                            std::uint64_t{0});
  CAPTURE(seed, bad);
  Bench bench(seed);
  set_timing(bench, 1);
  Program p = bench.parallel_program(20);
  p.words.pop_back();
  const std::size_t offset = 8 * p.words.size();
  if (bad != 0) {  // 0: the program has no END, and the word count ends it
    p.words.push_back(bad);
    p.end();
  }
  bench.start_program(p);
  bench.check_error(kIllegalError, offset);
  bench.check_run(bench.ordered_program(20));
}

TEST_CASE("trine_control runs nothing of another configuration's program", "[tb][control][error]") {
  Bench bench(46);
  set_timing(bench, 0);
  Program p = bench.ordered_program(20);
  const State before = bench.state;
  const auto first = GENERATE(map([](int bit) { return kHash ^ Word { 1 } << bit; }, range(0, 64)),
                              values<Word>({0, isa::encode_set(Engine::kVector, 0, 0)}));
  CAPTURE(first);
  p.words.front() = first;
  bench.start_program(p);
  bench.check_error(kConfigurationError, 0);
  CHECK(bench.next == decltype(bench.next){});  // no engine has seen a word
  CHECK(bench.memory.bytes_written() == 0);
  CHECK(bench.state.pmem == before.pmem);
  CHECK(bench.state.dmem == before.dmem);
  p.words.front() = kHash;
  bench.check_run(p);
}

TEST_CASE("trine_control stops where a token never comes", "[tb][control][error]") {
  const auto seed = GENERATE(47u, 48u, 49u);
  const auto timing = GENERATE(0u, 1u, 2u);
  CAPTURE(seed, timing);
  Bench bench(seed);
  set_timing(bench, timing);
  Program p;
  std::size_t at = 0;  // the word that cannot go on
  enum Place { kBeforeEnd, kBehindQueue, kWaitsItself };
  const auto place = GENERATE(kBeforeEnd, kBehindQueue, kWaitsItself);
  CAPTURE(place);
  if (place == kBeforeEnd) {
    p = bench.ordered_program(8);  // short: no queue is full before END comes
    const auto is_run = [](Word w) { return isa::opcode_of(w) == isa::Opcode::kRun; };
    auto nth = static_cast<std::size_t>(bench.pick(0, 6));
    for (Word& word : p.words) {  // one RUN does not give its token
      if (!is_run(word) || nth-- != 0) continue;
      const isa::Run run = isa::decode_run(word);
      word = isa::encode_run(isa::engine_of(word), {run.wait, 0, run.op, run.flags});
    }
    at = p.words.size() - 1;
  } else if (place == kBehindQueue) {  // the RUN that would give it cannot be fetched
    p.run(Engine::kVector, {1 << static_cast<int>(Engine::kCompute), 0, 0, 0});
    bench.sets(p, Engine::kVector, 100);
    p.run(Engine::kCompute, {0, 1 << static_cast<int>(Engine::kVector), 0, 0});
    p.end();
    at = 1 + 1 + 1 + 64;  // BEGIN, the RUN at the front, the word behind it, a queue of 64
  } else {                // an engine that the others wait for
    for (const Engine engine : {Engine::kStore, Engine::kCompute, Engine::kVector, Engine::kLoad})
      p.run(engine, {1 << (static_cast<int>(engine) + 1) % 4, 15, 0, 0});
    p.end();
    at = p.words.size() - 1;
  }
  bench.start_program(p);
  bench.check_error(kDeadlock, 8 * at);
  CHECK(bench.write(csr::kControl, 2) == 0);  // a soft reset forgets it
  for (int i = 0; (bench.read(csr::kStatus) & 9) != 0; ++i) REQUIRE(i < 3000);
  CHECK(bench.read(csr::kStatus) == 0);
  CHECK(bench.read(csr::kErrorCause) == 0);
  bench.check_run(bench.ordered_program(20));
}

namespace {

/// One RUN of compute, which does not end while the bench stands.
Program one_run() {
  Program p;
  p.run(Engine::kCompute, {0, 0, 0, 0});
  p.end();
  return p;
}

}  // namespace

TEST_CASE("trine_control stops a program in which nothing moves any more", "[tb][control][error]") {
  const auto seed = GENERATE(range(51u, 55u));
  Bench bench(seed);
  set_timing(bench, seed % 3);
  constexpr int kLimit = 300;
  REQUIRE(bench.write(csr::kProgressLimit, kLimit) == 0);
  bench.stands = true;
  const Program p = one_run();
  bench.start_program(p);
  SECTION("behind the limit, not sooner") {
    while (bench.in_flight[1].empty()) bench.tick();
    const std::int64_t begun = bench.cycles;
    while (bench.dut.running_o) bench.tick();
    CHECK(bench.cycles - begun > kLimit);
    CHECK(bench.cycles - begun < kLimit + 60);  // END may be fetched behind the RUN
  }
  SECTION("not while it gets on") {
    for (int i = 0; i < 40'000; ++i) {
      bench.moves = i % (kLimit - 10) == 0;
      bench.tick();
    }
    CHECK(bench.dut.running_o);
    bench.moves = false;
  }
  SECTION("never, with a limit of 0, which may come at any time") {
    REQUIRE(bench.write(csr::kProgressLimit, 0) == 0);
    for (int i = 0; i < 20'000; ++i) bench.tick();
    CHECK(bench.dut.running_o);
    REQUIRE(bench.write(csr::kProgressLimit, kLimit) == 0);
  }
  bench.check_error(kProgress, 8 * (p.words.size() - 1));
  bench.stands = false;
  REQUIRE(bench.write(csr::kProgressLimit, csr::kWatchdogReset) == 0);
  bench.check_run(bench.ordered_program(20));
}

TEST_CASE("a bus that owes an answer is the watchdog's, not a lack of progress",
          "[tb][control][error]") {
  Bench bench(56);
  set_timing(bench, 0);
  REQUIRE(bench.write(csr::kProgressLimit, 200) == 0);
  REQUIRE(bench.write(csr::kWatchdog, 3000) == 0);
  bench.start_program(bench.ordered_program(60));
  bench.memory.stand(bench.memory.kR);
  for (int i = 0; !bench.dut.irq_o; ++i) {
    REQUIRE(i < 8000);
    bench.tick();
  }
  const std::uint32_t cause = bench.read(csr::kErrorCause);
  CHECK(
      (cause == kFetchTimeout || cause == kLoadTimeout));  // a wide beat may hold all that is left
  CHECK((bench.read(csr::kStatus) & kBusDirty) != 0);
  bench.reset_bus();
  REQUIRE(bench.write(csr::kIrqStatus, 3) == 0);
  bench.check_run(bench.ordered_program(5));
}

TEST_CASE("trine_control ends a program at its limit of cycles", "[tb][control][error]") {
  const auto seed = GENERATE(range(57u, 60u));
  Bench bench(seed);
  set_timing(bench, 0);
  constexpr std::uint32_t kLimit = 3000;
  bench.stands = bench.moves = true;
  const Program p = one_run();
  REQUIRE(bench.write(csr::kCyclesLimit, static_cast<std::uint32_t>(kCountFrom) + kLimit) == 0);
  bench.start_program(p);
  bench.check_error(kCyclesExceeded, 8 * (p.words.size() - 1));
  CHECK(bench.read64(csr::kCycles) >= kCountFrom + kLimit);
  CHECK(bench.read64(csr::kCycles) <= kCountFrom + kLimit + 20);
  bench.stands = bench.moves = false;
  // The count of the program before ends none, wherever the counters are when it starts.
  REQUIRE(bench.write(csr::kCyclesLimit, static_cast<std::uint32_t>(kCountFrom) + 2000) == 0);
  Program nothing;
  nothing.end();
  for (int phase = 0; phase < 30; ++phase) {
    bench.check_run(nothing);
    bench.stands = bench.moves = true;
    bench.start_program(p);
    bench.check_error(kCyclesExceeded, 8 * (p.words.size() - 1));
    bench.stands = bench.moves = false;
    for (int wait = phase % 15; wait > 0; --wait) bench.tick();
  }
  REQUIRE(bench.write(csr::kCyclesLimit, 0) == 0);
  bench.check_run(bench.ordered_program(20));
}

TEST_CASE("trine_control takes no long RUN for a deadlock", "[tb][control]") {
  Bench bench(50);
  set_timing(bench, 0);
  bench.retire_max = 20'000;
  Program p;
  for (int i = 0; i < 4; ++i) {
    p.run(Engine::kCompute, {0, 1 << static_cast<int>(Engine::kVector), 0, 0});
    bench.sets(p, Engine::kVector, 60);
    p.run(Engine::kVector, {1 << static_cast<int>(Engine::kCompute), 0, 0, 0});
  }
  p.end();
  bench.check_run(p);
}

TEST_CASE("trine_control refuses an empty program", "[tb][control][error]") {
  Bench bench(43);
  Program p;
  p.end();
  bench.start_program(p, 0);
  bench.check_error(kIllegalError, 0);
  bench.check_run(p);
}

TEST_CASE("trine_control stops when a token counter overflows", "[tb][control][error]") {
  Bench bench(44);
  Program p;
  const Copy copy{false, Target::kBias, kProgramBytes, 0, kDataWords, 1, 0, 0};
  for (int i = 0; i < 63; ++i) p.copy(copy, 0, 2, i == 0, bench.random);
  Program enough = p;
  enough.end();
  bench.check_run(enough);
  p.copy(copy, 0, 2, false, bench.random);
  const bool at_the_end = GENERATE(false, true);
  CAPTURE(at_the_end);
  for (int i = 0; i < (at_the_end ? 0 : 2000); ++i)
    p.words.push_back(isa::encode_set(Engine::kVector, 0, 0));
  p.end();
  bench.start_program(p);
  bench.wait_irq();
  CHECK(bench.read(csr::kErrorCause) == kTokenError);
}

TEST_CASE("trine_control survives a soft reset at any time", "[tb][control]") {
  const auto seed = GENERATE(51u, 52u, 53u, 54u, 55u, 56u, 57u, 58u);
  const auto timing = GENERATE(0u, 1u, 2u);
  CAPTURE(seed, timing);
  Bench bench(seed);
  set_timing(bench, timing);
  for (int i = 0; i < 6; ++i) {
    bench.start_program(bench.parallel_program(40));
    for (int wait = bench.pick(0, 1500); wait > 0; --wait) bench.tick();
    bench.write(csr::kIrqStatus, 3);
    bench.write(csr::kControl, 2);
    const std::uint64_t written = bench.memory.bytes_written();
    // What is on its way, at the slowest: some bursts of a narrow bus that is ready in 15 % of
    // cycles.
    for (int j = 0; (bench.read(csr::kStatus) & 9) != 0; ++j) REQUIRE(j < 5000);
    CHECK(bench.read(csr::kStatus) == 0);
    CHECK(bench.memory.idle());
    CHECK(bench.memory.bytes_written() - written <= kBusBits / 8);  // a beat on offer is finished
    bench.write(csr::kIrqStatus, 3);
  }
  bench.check_run(bench.ordered_program(20));
}

TEST_CASE("trine_csr raises the interrupts that are enabled", "[tb][csr]") {
  Program good, bad;
  good.end();
  bad.words.push_back(kHash);
  for (const bool error : {false, true}) {
    for (const std::uint32_t enabled : {0u, 1u, 2u, 3u}) {
      CAPTURE(error, enabled);
      Bench bench(92 + enabled);
      bench.start_program(error ? bad : good);
      REQUIRE(bench.write(csr::kIrqEnable, enabled) == 0);
      CHECK(bench.read(csr::kIrqEnable) == enabled);
      for (int i = 0; i < 2000; ++i) bench.tick();
      CHECK(bench.read(csr::kIrqStatus) == (error ? 2 : 1));
      CHECK(bench.dut.irq_o == (enabled >> error & 1));
      bench.write(csr::kIrqStatus, error ? 1 : 2);  // the other one
      CHECK(bench.read(csr::kIrqStatus) == (error ? 2 : 1));
      bench.write(csr::kIrqStatus, 3);
      CHECK(bench.read(csr::kIrqStatus) == 0);
      CHECK(!bench.dut.irq_o);
    }
  }
}

TEST_CASE("trine_csr starts nothing with a soft reset, and no program twice", "[tb][csr]") {
  Bench bench(97);
  const Program p = bench.ordered_program(10);
  bench.check_run(p);
  for (const std::uint32_t both : {3u, 5u, 7u}) {
    CHECK(bench.write(csr::kControl, both) == 2);
    for (int i = 0; i < 50; ++i) {
      CHECK(!bench.dut.running_o);
      bench.tick();
    }
    CHECK(bench.read(csr::kStatus) == 2);  // no reset either
  }
  bench.start_program(p);
  for (int i = 0; i < 20; ++i) bench.tick();
  CHECK(bench.write(csr::kControl, 1) == 2);
  bench.wait_irq();
  CHECK(bench.read(csr::kStatus) == 2);
  bench.write(csr::kControl, 0);
  for (int i = 0; i < 50; ++i) {
    CHECK(!bench.dut.running_o);
    bench.tick();
  }
  bench.write(csr::kIrqStatus, 3);
  bench.check_run(p);
}

TEST_CASE("trine_csr answers what is written down", "[tb][csr]") {
  Bench bench(61);
  CHECK(bench.read(csr::kId) == csr::kIdValue);
  CHECK(bench.read(csr::kVersion) == isa::kVersion);
  CHECK(bench.read(csr::kRegistersVersion) == csr::kRegistersVersionValue);
  CHECK(bench.read64(csr::kConfigHash) == kHash);
  CHECK(bench.read(csr::kStatus) == 0);
  CHECK(bench.read64(csr::kWindowFirst) == 0);
  CHECK(bench.read64(csr::kWindowLast) == kAddresses);
  CHECK(bench.read(csr::kWatchdog) == csr::kWatchdogReset);
  for (const auto offset :
       {csr::kProgram, csr::kProgramWords, csr::kBase, csr::kWindowFirst, csr::kWindowLast}) {
    CHECK(bench.write(offset, 0xdeadbe80) == 0);
    CHECK(bench.read(offset) == 0xdeadbe80);
    CHECK(bench.write(offset, 0, 3) == 2);  // partial strobes
    CHECK(bench.read(offset) == 0xdeadbe80);
    if (offset == csr::kProgramWords) continue;
    CHECK(bench.write(offset + 4, 0x12345678) == 0);
    CHECK(bench.read64(offset) == (0x12345678deadbe80 & kAddresses));
  }
  for (const auto offset : {csr::kProgram, csr::kBase}) {
    CHECK(bench.write(offset, kBeatBytes / 2) == 2);  // no multiple of the bus width
    CHECK(bench.read(offset) == 0xdeadbe80);
  }
  CHECK(bench.write(csr::kWatchdog, 0xff234567) == 0);
  CHECK(bench.read(csr::kWatchdog) == 0x234567);
  CHECK(bench.read(csr::kProgressLimit) == csr::kWatchdogReset);
  CHECK(bench.write(csr::kProgressLimit, 0xff345678) == 0);
  CHECK(bench.read(csr::kProgressLimit) == 0x345678);
  CHECK(bench.read(csr::kCyclesLimit) == 0);
  CHECK(bench.write(csr::kCyclesLimit, 0xfedcba98) == 0);
  CHECK(bench.read(csr::kCyclesLimit) == 0xfedcba98);
  CHECK(bench.write(csr::kRegistersVersion, 1) == 2);
  CHECK(bench.write(csr::kErrorAddressAlias, 1) == 2);
  for (const auto offset : {csr::kProgressLimit, csr::kCyclesLimit})
    CHECK(bench.write(offset, 0) == 0);
  CHECK(bench.read(csr::kErrorRun) == 0);
  CHECK(bench.write(csr::kIrqEnable, 0xffffffff) == 0);
  CHECK(bench.read(csr::kIrqEnable) == 3);
  CHECK(bench.write(csr::kId, 0) == 2);
  std::uint32_t value = 0;
  for (const std::uint32_t offset : {0x3cu, 0x7cu, 0xf8u, 0x100u, 0xffcu}) {
    CAPTURE(offset);
    CHECK(bench.read(offset, value) == 2);
    CHECK(bench.write(offset, 0) == 2);
  }
  for (const csr::Register& r : csr::registers()) {
    CAPTURE(r.name);
    if (r.bits == 64) CHECK(r.offset % 8 == 0);
    const bool there = (r.name != "ecc_corrected" || TB_Ecc != 0) &&
                       (r.name != "imem_corrected" || (TB_Ecc != 0 && TB_ImemWords != 0));
    CHECK(bench.read(r.offset, value) == (there ? 0 : 2));
  }
}

#if TB_ImemWords
TEST_CASE("trine_control reads a program's beginning once", "[tb][control][imem]") {
  const auto seed = GENERATE(range(151u, 157u));
  const auto runs = GENERATE(3, 30);  // it fits, or is longer
  CAPTURE(seed, runs);
  Bench bench(seed);
  set_timing(bench, seed % 3);
  bench.memory.slave = sim::kAxiSlaves.at(seed % sim::kAxiSlaves.size());
  Program p;
  bench.sets(p, Engine::kCompute, 1);
  p.append(bench.ordered_program(runs));
  const std::uint64_t all = bench.to_fetch(p.words.size(), false),
                      rest = bench.to_fetch(p.words.size(), true);
  REQUIRE(rest < all);
  REQUIRE((rest == 0) == (p.words.size() <= TB_ImemWords));
  bench.check_run(p);
  CHECK(bench.memory.bytes_fetched() == all);
  const auto again = [&](std::uint64_t bytes) {
    bench.start_again();
    bench.wait_done();
    CHECK(bench.memory.bytes_fetched() == bytes);
  };
  again(rest);
  // Other words at the same place: the old ones run until the driver tells.
  Program other;
  bench.sets(other, Engine::kCompute, 1);
  const Word word = other.words.at(1);
  bench.memory.words[2] = static_cast<std::uint32_t>(word);
  bench.memory.words[3] = static_cast<std::uint32_t>(word >> 32);
  again(rest);
  bench.program.at(1) = word;
  bench.write64(csr::kProgram, memory_base);
  again(all);
  again(rest);
  // Each of them makes it read anew; what it does not know of a program leaves it as it is.
  bench.write64(csr::kBase, bench.base);
  bench.write64(csr::kWindowFirst, 0);
  const std::array<std::uint32_t, 3> names{csr::kProgram, csr::kProgram + 4, csr::kProgramWords};
  for (const std::uint32_t offset : names) {
    CAPTURE(offset);
    REQUIRE(bench.write(offset, bench.read(offset)) == 0);
    again(all);
    again(rest);
  }
  CHECK(bench.write(csr::kProgram, kBeatBytes / 2) == 2);  // refused: nothing changes
  again(rest);
}

TEST_CASE("trine_control keeps nothing of a program that did not end well",
          "[tb][control][imem][error]") {
  const auto seed = GENERATE(range(161u, 167u));
  CAPTURE(seed);
  Bench bench(seed);
  set_timing(bench, seed % 3);
  const Program p = bench.ordered_program(12);
  const std::uint64_t all = bench.to_fetch(p.words.size(), false),
                      rest = bench.to_fetch(p.words.size(), true);
  const auto check_anew = [&] {
    bench.start_again();
    bench.wait_done();
    CHECK(bench.memory.bytes_fetched() == all);
    bench.start_again();
    bench.wait_done();
    CHECK(bench.memory.bytes_fetched() == rest);
  };
  bench.check_run(p);
  // A soft reset, alone, anywhere in a run, and with a scrub.
  REQUIRE(bench.write(csr::kControl, 2) == 0);
  bench.wait_reset();
  check_anew();
  bench.start_again();
  for (int wait = bench.pick(0, 300); wait > 0; --wait) bench.tick();
  REQUIRE(bench.write(csr::kControl, bench.pick(0, 1) == 0 ? 2 : 6) == 0);
  bench.wait_reset();
  REQUIRE(bench.write(csr::kIrqStatus, 3) == 0);
  check_anew();
  // An error of the bus: of the fetch while it fills the memory, or of an engine.
  const std::uint64_t beat =
      memory_base + static_cast<std::uint64_t>(
                        bench.pick(0, static_cast<int>(all) / kBeatBytes - 1) * kBeatBytes);
  bench.memory.inject_error(beat, beat, 2);
  bench.write64(csr::kProgram, memory_base);
  bench.start_again();
  bench.wait_irq();
  CHECK(bench.read(csr::kErrorCause) == kFetchError);
  bench.memory.clear_errors();
  REQUIRE(bench.write(csr::kIrqStatus, 3) == 0);
  check_anew();
  const std::uint64_t source = memory_base + kProgramBytes;
  bench.memory.inject_error(source, source + kSourceBytes + kMemoryBytes / 2, 3);
  bench.start_again();
  bench.wait_irq();
  const bool stopped = bench.read(csr::kStatus) == 4;  // else it copies nothing
  bench.memory.clear_errors();
  REQUIRE(bench.write(csr::kIrqStatus, 3) == 0);
  if (stopped) check_anew();
  // A bus that does not answer, when the program's words are read.
  bench.write64(csr::kProgram, memory_base);
  REQUIRE(bench.write(csr::kWatchdog, 2000) == 0);
  bench.start_again();
  for (const std::uint64_t some = bench.random() % (all / 2); bench.memory.bytes_fetched() < some;)
    bench.tick();
  bench.memory.stand(bench.memory.kR);
  for (int i = 0; !bench.dut.irq_o; ++i) {
    REQUIRE(i < bench.patience);
    bench.tick();
  }
  bench.reset_bus();
  REQUIRE(bench.write(csr::kIrqStatus, 3) == 0);
  REQUIRE(bench.write(csr::kWatchdog, csr::kWatchdogReset) == 0);
  check_anew();
}

TEST_CASE("trine_control looks at the window whatever it has of a program",
          "[tb][control][imem][error]") {
  Bench bench(168);
  const Program p = bench.ordered_program(3);
  bench.check_run(p);
  bench.write64(csr::kWindowFirst, memory_base + 4096);
  bench.start_again();
  bench.check_error(kFetchWindow, memory_base);
  CHECK(bench.memory.bytes_fetched() == 0);
}

TEST_CASE("trine_control runs a kept program not slower than from the bus", "[tb][control][imem]") {
  Bench bench(169);
  bench.memory.timing = {100, 0, 0};
  bench.port_percent = 100;
  Program p;
  bench.sets(p, Engine::kCompute, TB_ImemWords - 2);
  p.end();
  bench.start_program(p);
  bench.wait_done();
  const std::uint64_t first = bench.cycles_counted();
  bench.start_again();
  bench.wait_done();
  CHECK(bench.memory.bytes_fetched() == 0);
  CHECK(bench.cycles_counted() <= first);
}
#endif

TEST_CASE("trine_csr locks what a program must find unchanged", "[tb][csr][error]") {
  Bench bench(62);
  const Program p = bench.ordered_program(10);
  bench.check_run(p);
  constexpr std::array<std::uint32_t, 9> kLocked{
      csr::kProgram,       csr::kProgram + 4, csr::kProgramWords,    csr::kBase,
      csr::kBase + 4,      csr::kWindowFirst, csr::kWindowFirst + 4, csr::kWindowLast,
      csr::kWindowLast + 4};
  const auto check_locked = [&](bool locked) {
    for (const std::uint32_t offset : kLocked) {
      CAPTURE(offset, locked);
      const std::uint32_t before = bench.read(offset);
      CHECK(bench.write(offset, before ^ 128) == (locked ? 2 : 0));
      CHECK(bench.read(offset) ==
            (locked || (offset % 8 == 4 && TB_AxiAddrBits < 40) ? before : before ^ 128));
      CHECK(bench.write(offset, before) == (locked ? 2 : 0));
    }
    CHECK(bench.write(csr::kWatchdog, 12345) == 0);  // always: it may be what ends a soft reset
    CHECK(bench.read(csr::kWatchdog) == 12345);
    CHECK(bench.write(csr::kWatchdog, 0) == 0);
    CHECK(bench.write(csr::kIrqEnable, 0) == 0);
    CHECK(bench.write(csr::kIrqStatus, 3) == 0);
    if (locked) {
      CHECK(bench.write(csr::kControl, 1) == 2);
      CHECK(bench.write(csr::kControl, 4) == 2);
      CHECK(bench.write(csr::kControl, 0) == 0);
    }
  };
  check_locked(false);
  bench.start_program(p);
  bench.memory.stand(bench.memory.kAr);
  check_locked(true);
  CHECK(bench.dut.running_o);
  bench.write(csr::kControl, 2);  // waits for the bus
  check_locked(true);
  CHECK((bench.read(csr::kStatus) & 9) == 9);
  bench.memory.stand(bench.memory.kNone);
  bench.wiping = 0;
  for (int j = 0; (bench.read(csr::kStatus) & 9) != 0; ++j) REQUIRE(j < 500);
  bench.wiping = 10'000;  // zeros are written: of a scrub, or (with codes) after a reset
  bench.tick();
  check_locked(true);
  CHECK(bench.read(csr::kStatus) == 8);
  bench.wiping = 0;
  bench.tick();
  check_locked(false);
  bench.check_run(p);
}

TEST_CASE("trine_csr scrubs the memories behind a soft reset", "[tb][csr]") {
  const bool busy = GENERATE(false, true), twice = GENERATE(false, true);
  CAPTURE(busy, twice);
  Bench bench(63);
  const Program p = bench.ordered_program(10);
  bench.check_run(p);
  if (busy) bench.start_program(p);
  if (busy) CHECK(bench.write(csr::kControl, 4) == 2);  // a program is not dropped by the way
  bench.wipes = 0;
  if (twice) bench.memory.stand(bench.memory.kAll);  // the zeros wait for the bus
  CHECK(bench.write(csr::kControl, busy ? 6 : 4) == 0);
  if (twice) CHECK(bench.write(csr::kControl, 2) == 0);  // another soft reset does not drop them
  bench.memory.stand(bench.memory.kNone);
  for (int i = 0; bench.wipes == 0; ++i) {
    REQUIRE(i < 3000);
    bench.tick();
  }
  CHECK(bench.read(csr::kStatus) == 8);
  if (busy) CHECK(bench.write(csr::kControl, 2) == 0);  // meanwhile a soft reset: the zeros go on
  for (int i = 0; (bench.read(csr::kStatus) & 9) != 0; ++i) REQUIRE(i < 3000);
  CHECK(bench.wiping == 0);
  CHECK(bench.read(csr::kStatus) == 0);
  CHECK(bench.read(csr::kIrqStatus) == 0);
  // The next soft reset leaves the memories alone, without codes.
  bench.wipes = 0;
  CHECK(bench.write(csr::kControl, 2) == 0);
  for (int i = 0; (bench.read(csr::kStatus) & 9) != 0; ++i) REQUIRE(i < 3000);
  CHECK(bench.wipes == TB_Ecc);
  bench.check_run(p);
}

TEST_CASE("trine_csr answers each access while the bus is dead", "[tb][csr][error]") {
  using Memory = decltype(Bench::memory);
  const auto seed = GENERATE(64u, 65u, 66u, 67u);
  const auto channel = GENERATE(Memory::kAr, Memory::kR, Memory::kAw, Memory::kW, Memory::kB);
  CAPTURE(seed, channel);
  Bench bench(seed);
  set_timing(bench, seed % 3);
  REQUIRE(bench.write(csr::kWatchdog, 0) == 0);  // nobody gives up
  bench.start_program(bench.parallel_program(60));
  for (int wait = bench.pick(0, 2000); wait > 0; --wait) bench.tick();
  bench.memory.stand(channel);
  std::uint32_t value = 0;
  for (int i = 0; i < 100; ++i) {  // write() and read() have bounds
    const auto offset = static_cast<std::uint32_t>(bench.pick(0, 0x100 / 4)) * 4;
    bench.read(offset, value);
    // Nor the limits: a program that they have ended counts as one that ended.
    if (offset != csr::kControl && offset != csr::kWatchdog && offset != csr::kProgressLimit &&
        offset != csr::kCyclesLimit)
      bench.write(offset, static_cast<std::uint32_t>(bench.random()));
    if (i % 10 == 9) bench.write(csr::kControl, bench.pick(0, 1) != 0 ? 2 : 6);
  }
  if (!bench.memory.idle()) CHECK((bench.read(csr::kStatus) & 9) == 9);
  REQUIRE(bench.write(csr::kWatchdog, 50) == 0);  // the way out
  REQUIRE(bench.write(csr::kControl, 2) == 0);
  for (int j = 0; (bench.read(csr::kStatus) & 1) != 0; ++j) REQUIRE(j < 5000);  // slow beats
  REQUIRE(bench.write(csr::kWatchdog, csr::kWatchdogReset) == 0);
  bench.write(csr::kIrqStatus, 3);  // on a wide bus the program may have ended
  bench.reset_bus();
  bench.wait_reset();  // IMEM's zeros
  bench.check_run(bench.ordered_program(20));
}

/// Between the two reads the count crosses 2^32.
TEST_CASE("trine_csr keeps the high half of a counter with its low half", "[tb][csr]") {
  Bench bench(68);
  REQUIRE(bench.write(csr::kWatchdog, 0) == 0);
  bench.memory.stand(bench.memory.kAr);
  bench.start_program(bench.ordered_program(10));
  bool crossed = false;
  for (int i = 0; i < 20; ++i) {
    const std::uint64_t before = bench.cycles_counted() - 2;
    const std::uint64_t low = bench.read(csr::kCycles);
    const std::uint64_t after = bench.cycles_counted();
    constexpr std::uint64_t kTurn = std::uint64_t{1} << 32;
    const bool near = after < kTurn && kTurn - after < 1000;
    for (std::uint64_t wait = near ? kTurn - after + 1 : 300; wait > 0; --wait) bench.tick();
    const std::uint64_t value = low | std::uint64_t{bench.read(csr::kCycles + 4)} << 32;
    CHECK(value >= before);
    CHECK(value <= after);
    crossed = crossed || (before >> 32 != bench.cycles_counted() >> 32 && after >> 32 == 0);
  }
  CHECK(crossed);
  CHECK(bench.read64(csr::kCycles) >> 32 == 1);
}
