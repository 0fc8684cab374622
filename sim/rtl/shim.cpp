// SPDX-License-Identifier: Apache-2.0
//
// One Verilated trine_top with its memory and its AXI-Lite master, as the C interface of abi.h.
// sim/rtl/build.cpp compiles this file once for each design; it is not part of the tool itself.
//
// The inner loop, cycle(), has two evaluations: the rising edge with the settled inputs, then the
// falling edge with the new inputs.

#include <array>
#include <cstring>
#include <memory>
#include <utility>

#include "Vtrine_top.h"
#include "sim/rtl/abi.h"
#include "sim/rtl/memory.h"
#include "verilated.h"
#ifdef TRINE_INJECT
#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <tuple>

#include "verilated_syms.h"
#endif
#if VM_COVERAGE
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "verilated_cov.h"
#endif
#if VM_TRACE_FST
#include "verilated_fst_c.h"
using TraceFile = VerilatedFstC;
#elif VM_TRACE
#include "verilated_vcd_c.h"
using TraceFile = VerilatedVcdC;
#endif

using namespace trine::sim;

namespace {

#ifdef TRINE_LOCKSTEP
class Model;
// The model that this thread evaluates: a process may contain several models, and threads run them
// at the same time.
thread_local Model* running_model = nullptr;
#endif

/// Clears the test pin, which exists in designs with clock gates.
template <class Top>
void leave_test_mode(Top& top) {
  if constexpr (requires { top.test_en_i; }) top.test_en_i = 0;
}

class Model {
 public:
  explicit Model(const ModelSettings& s)
      : memory_({static_cast<int>(sizeof(top().m_axi_rdata_i)), static_cast<int>(s.axi_latency),
                 static_cast<int>(s.axi_bytes_per_cycle), static_cast<int>(s.stall_percent), s.seed,
                 32, kAxiSlaves.at(s.slave)}) {
    context_.randReset(s.x_seed == 0 ? 0 : 2);
    if (s.x_seed != 0) context_.randSeed(static_cast<int>(s.x_seed));
#if VM_TRACE
    context_.traceEverOn(s.trace_file != nullptr);
#endif
    top_ = std::make_unique<Vtrine_top>(&context_, "trine_top");
#if VM_TRACE
    if (s.trace_file != nullptr) {
      trace_ = std::make_unique<TraceFile>();
      top_->trace(trace_.get(), 99);
      trace_->open(s.trace_file);
    }
#endif
    reset();
  }
  ~Model() {
    // The scopes leave this context, not one of a deleted model.
    Verilated::threadContextp(&context_);
#if VM_TRACE
    if (trace_ != nullptr) trace_->close();
#endif
    top_->final();
#if VM_COVERAGE
    if (const char* folder = std::getenv("TRINE_RTL_COVERAGE"); folder != nullptr) {
      std::string file = std::string(folder) + "/XXXXXX.dat";
      const int descriptor = mkstemps(file.data(), 4);  // each model gets its own file
      if (descriptor < 0) return;
      close(descriptor);
      context_.coveragep()->write(file.c_str());
    }
#endif
  }

  AxiMemory& memory() { return memory_; }

  void reset() {
    Vtrine_top& t = *top_;
    memory_.reset();
    t.rst_ni = 0;
    t.clk_i = 0;
    leave_test_mode(t);
    t.s_axil_awvalid_i = t.s_axil_wvalid_i = t.s_axil_bready_i = 0;
    t.s_axil_arvalid_i = t.s_axil_rready_i = 0;
    drive();
    for (int i = 0; i < 4; ++i) edge();
    t.rst_ni = 1;
    t.eval();
    for (int i = 0; i < 2; ++i) cycle();
  }

  std::int32_t read32(std::uint32_t offset, std::uint32_t* value) {
    Vtrine_top& t = *top_;
    t.s_axil_araddr_i = offset & 0xfff;
    t.s_axil_arprot_i = 0;
    t.s_axil_arvalid_i = 1;
    t.s_axil_rready_i = 1;
    t.eval();
    for (int i = 0; i < kAnswerCycles; ++i) {
      const bool accepted = t.s_axil_arvalid_i && t.s_axil_arready_o;
      const bool answered = t.s_axil_rvalid_o;
      const std::uint32_t data = t.s_axil_rdata_o;
      const std::int32_t response = t.s_axil_rresp_o;
      cycle();
      if (accepted) t.s_axil_arvalid_i = 0;
      if (answered) t.s_axil_rready_i = 0;
      if (accepted || answered) t.eval();
      if (!answered) continue;
      *value = data;
      return response;
    }
    t.s_axil_arvalid_i = t.s_axil_rready_i = 0;
    return -1;
  }

  std::int32_t write32(std::uint32_t offset, std::uint32_t value) {
    Vtrine_top& t = *top_;
    t.s_axil_awaddr_i = offset & 0xfff;
    t.s_axil_awprot_i = 0;
    t.s_axil_wdata_i = value;
    t.s_axil_wstrb_i = 15;
    t.s_axil_awvalid_i = t.s_axil_wvalid_i = t.s_axil_bready_i = 1;
    t.eval();
    for (int i = 0; i < kAnswerCycles; ++i) {
      const bool address = t.s_axil_awvalid_i && t.s_axil_awready_o;
      const bool data = t.s_axil_wvalid_i && t.s_axil_wready_o;
      const bool answered = t.s_axil_bvalid_o;
      const std::int32_t response = t.s_axil_bresp_o;
      cycle();
      if (address) t.s_axil_awvalid_i = 0;
      if (data) t.s_axil_wvalid_i = 0;
      if (answered) t.s_axil_bready_i = 0;
      if (address || data || answered) t.eval();
      if (answered) return response;
    }
    t.s_axil_awvalid_i = t.s_axil_wvalid_i = t.s_axil_bready_i = 0;
    return -1;
  }

  std::int32_t run(std::uint64_t limit, std::uint64_t idle_limit) {
    for (std::uint64_t idle = 0, i = 0; i < limit; ++i) {
      if (top_->irq_o) return kStopInterrupt;
      if (++idle > idle_limit) return kStopStuck;
      if (cycle()) idle = 0;
      if (!memory_.protocol_error().empty()) return kStopProtocol;
    }
    return top_->irq_o ? kStopInterrupt : kStopLimit;
  }

  void check(bool on) { context_.assertOn(on); }

  void clear_observed() {
    events_.clear();
    writes_.clear();
    dmem_reads_ = pmem_reads_ = 0;
    std::fill(std::begin(causes_), std::end(causes_), 0);
    running_cycles_ = 0;
    memory_.clear_counters();
#ifdef TRINE_INJECT
    flips_.clear();
#endif
  }

#ifdef TRINE_INJECT
  std::int32_t flip(const MemoryFlip& flip) {
    if (banks_.empty()) find_banks();
    const auto bank = banks_.find({flip.core, flip.pmem, flip.bank});
    if (bank == banks_.end()) return -1;
    flips_.push_back({flip.cycle,
                      bank->second.bytes + flip.row * bank->second.row_bytes + flip.bit / 8,
                      static_cast<std::uint8_t>(1U << flip.bit % 8)});
    return 0;
  }
#endif

  void observe(Observed* o) const {
    o->events = events_.data();
    o->event_count = events_.size();
    o->writes = writes_.data();
    o->write_count = writes_.size();
    o->dmem_reads = dmem_reads_;
    o->pmem_reads = pmem_reads_;
    std::copy(std::begin(causes_), std::end(causes_), o->causes);
    o->bytes_read = memory_.bytes_read();
    o->bytes_fetched = memory_.bytes_fetched();
    o->bytes_written = memory_.bytes_written();
    o->total_cycles = total_cycles_;
    o->protocol_error =
        memory_.protocol_error().empty() ? nullptr : memory_.protocol_error().c_str();
  }

  void record_write(std::uint32_t address, std::uint32_t data, std::uint32_t mask) {
    writes_.push_back({running_cycles_, address, data, mask});
  }
  void count_reads(std::uint64_t dmem, std::uint64_t pmem) {
    dmem_reads_ += dmem;
    pmem_reads_ += pmem;
  }

 private:
  static constexpr int kAnswerCycles = 100'000;

  /// Used only to name a member's type before an object exists.
  static Vtrine_top& top();

  /// Runs one clock cycle. @return true if something moved: a bus transfer, a step of the array, a
  /// RUN's end
  bool cycle() {
    const bool moved = memory_.step(request()) | observe_cycle();
#ifdef TRINE_INJECT
    apply_flips();
#endif
    edge();
    return moved;
  }

  void edge() {
#ifdef TRINE_LOCKSTEP
    running_model = this;
#endif
    Vtrine_top& t = *top_;
    t.clk_i = 1;
    t.eval();
#if VM_TRACE
    if (trace_ != nullptr) trace_->dump(10 * total_cycles_);
#endif
    t.clk_i = 0;
    drive();
    t.eval();
#if VM_TRACE
    if (trace_ != nullptr) trace_->dump(10 * total_cycles_ + 5);
#endif
    ++total_cycles_;
  }

  bool observe_cycle() {
    const Vtrine_top& t = *top_;
    const unsigned cause = t.trace_cause_o;
    const bool running = cause >> 3 & 1;
    const unsigned start = t.trace_start_o, retire = t.trace_retire_o;
    if (start != 0) record_events(start, 0);
    if (running) ++causes_[cause & 7];
    if (retire != 0) record_events(retire, 1);
    if (running) ++running_cycles_;
    return (running && (cause & 7) == 0) || retire != 0;
  }

  void record_events(unsigned engines, int is_retire) {
    for (int engine = 0; engine < 4; ++engine)
      if (engines >> engine & 1) push_event(engine, is_retire);
  }
  void push_event(int engine, int is_retire) {
    TraceEvent e{running_cycles_, {}, engine, is_retire};
    std::copy(std::begin(causes_), std::end(causes_), e.causes);
    events_.push_back(e);
  }

  AxiRequest request() const {
    const Vtrine_top& t = *top_;
    AxiRequest r;
    r.arvalid = t.m_axi_arvalid_o;
    r.rready = t.m_axi_rready_o;
    r.awvalid = t.m_axi_awvalid_o;
    r.wvalid = t.m_axi_wvalid_o;
    r.bready = t.m_axi_bready_o;
    if (r.arvalid) {
      r.arid = t.m_axi_arid_o & 1;  // the other bits are bus.axi_id
      r.araddr = t.m_axi_araddr_o;
      r.arlen = t.m_axi_arlen_o;
      r.arsize = t.m_axi_arsize_o;
      r.arburst = t.m_axi_arburst_o;
    }
    if (r.awvalid) {
      r.awid = t.m_axi_awid_o & 1;
      r.awaddr = t.m_axi_awaddr_o;
      r.awlen = t.m_axi_awlen_o;
      r.awsize = t.m_axi_awsize_o;
      r.awburst = t.m_axi_awburst_o;
    }
    if (r.wvalid) {
      r.wdata = reinterpret_cast<const std::uint8_t*>(&t.m_axi_wdata_o);
      std::array<std::uint64_t, 2> strobes{};
      std::memcpy(strobes.data(), &t.m_axi_wstrb_o, sizeof t.m_axi_wstrb_o);
      r.wstrb = Strobes(strobes[1]) << 64 | Strobes(strobes[0]);
      r.wlast = t.m_axi_wlast_o;
    }
    return r;
  }

  void drive() {
    Vtrine_top& t = *top_;
    const AxiReply& m = memory_.reply();
    t.m_axi_arready_i = m.arready;
    t.m_axi_awready_i = m.awready;
    t.m_axi_wready_i = m.wready;
    t.m_axi_rvalid_i = m.rvalid;
    t.m_axi_bvalid_i = m.bvalid;
    if (m.rvalid) {
      t.m_axi_rid_i = m.rid;
      t.m_axi_rresp_i = m.rresp;
      t.m_axi_rlast_i = m.rlast;
      std::memcpy(&t.m_axi_rdata_i, m.rdata, sizeof t.m_axi_rdata_i);
    }
    if (m.bvalid) {
      t.m_axi_bid_i = m.bid;
      t.m_axi_bresp_i = m.bresp;
    }
  }

#ifdef TRINE_INJECT
  struct Bank {
    std::uint8_t* bytes;
    std::size_t row_bytes;
  };
  struct Flip {
    std::uint64_t cycle;
    std::uint8_t* byte;
    std::uint8_t mask;
  };

  /// Finds the words of DMEM and PMEM by Verilator's names:
  /// "..gen_core[0]..u_dmem.gen_bank[3]..u_sram".
  void find_banks() {
    for (const auto& [name, scope] : *context_.scopeNameMap()) {
      const std::string text = name;
      const std::size_t at = text.find("gen_bank"), end = text.rfind("u_sram");
      const bool dmem = text.find("u_dmem") < at, pmem = text.find("u_pmem") < at;
      unsigned core = 0, bank = 0;
      if (at == std::string::npos || end != text.size() - 6 || !(dmem || pmem)) continue;
      if (std::sscanf(text.c_str() + text.find_first_of("0123456789", at), "%u", &bank) != 1)
        continue;
      if (const std::size_t of = text.find("gen_core"); of != std::string::npos)
        std::sscanf(text.c_str() + text.find_first_of("0123456789", of), "%u", &core);
      VerilatedVar* words = scope->varFind("mem");
      if (words == nullptr) continue;
      banks_[{core, pmem ? 1 : 0, bank}] = {static_cast<std::uint8_t*>(words->datap()),
                                            words->entSize()};
    }
  }

  void apply_flips() {
    if (flips_.empty() || (top_->trace_cause_o >> 3 & 1) == 0) return;
    for (const Flip& flip : flips_)
      if (flip.cycle + 1 == running_cycles_) *flip.byte ^= flip.mask;
  }

  std::map<std::tuple<std::uint32_t, std::int32_t, std::uint32_t>, Bank> banks_;
  std::vector<Flip> flips_;
#endif

  VerilatedContext context_;
  std::unique_ptr<Vtrine_top> top_;
#if VM_TRACE
  std::unique_ptr<TraceFile> trace_;
#endif
  AxiMemory memory_;
  std::vector<TraceEvent> events_;
  std::vector<ObservedWrite> writes_;
  std::uint64_t dmem_reads_ = 0, pmem_reads_ = 0;
  std::uint64_t causes_[8] = {};
  std::uint64_t running_cycles_ = 0, total_cycles_ = 0;
};

Model& of(void* handle) { return *static_cast<Model*>(handle); }

// No exception may cross the C interface: if memory does not suffice for a model, none is created;
// a later shortage ends the process.
const ModelApi kApi = {
    kAbiVersion,
    static_cast<std::int32_t>(8 * sizeof(std::declval<Vtrine_top&>().m_axi_rdata_i)),
    [](const ModelSettings* s) noexcept -> void* {
      try {
        return new Model(*s);
      } catch (...) {
        return nullptr;
      }
    },
    [](void* h) noexcept { delete static_cast<Model*>(h); },
    [](void* h, std::uint8_t* bytes, std::uint64_t size, std::uint64_t address) noexcept {
      of(h).memory().attach(bytes, size, address);
    },
    [](void* h, std::uint64_t first, std::uint64_t last, std::int32_t response) noexcept {
      of(h).memory().inject_error(first, last, response);
    },
    [](void* h) noexcept { of(h).reset(); },
    [](void* h, std::uint32_t offset, std::uint32_t* value) noexcept {
      return of(h).read32(offset, value);
    },
    [](void* h, std::uint32_t offset, std::uint32_t value) noexcept {
      return of(h).write32(offset, value);
    },
    [](void* h) noexcept { of(h).clear_observed(); },
    [](void* h, std::uint64_t limit, std::uint64_t idle) noexcept {
      return of(h).run(limit, idle);
    },
    [](void* h, Observed* o) noexcept { of(h).observe(o); },
#ifdef TRINE_INJECT
    [](void* h, const MemoryFlip* flip) noexcept { return of(h).flip(*flip); },
#else
    [](void*, const MemoryFlip*) noexcept -> std::int32_t { return -1; },
#endif
    [](void* h, std::int32_t on) { of(h).check(on != 0); },
};

}  // namespace

extern "C" const ModelApi* trine_rtl_api() { return &kApi; }

#ifdef TRINE_LOCKSTEP
/// Returns the cluster core whose DMEM calls: ".. gen_core[N] ..".
static std::uint32_t calling_core() {
  const char* name = std::strstr(svGetNameFromScope(svGetScope()), "gen_core[");
  return name == nullptr ? 0 : static_cast<std::uint32_t>(name[9] - '0');
}

// The design calls this (DPI) for each DMEM word that it writes; `words` is the size of a DMEM.
extern "C" void trine_trace_write(int address, int data, int mask, int words) {
  running_model->record_write(
      static_cast<std::uint32_t>(address) + calling_core() * static_cast<std::uint32_t>(words),
      static_cast<std::uint32_t>(data), static_cast<std::uint32_t>(mask));
}

// The design calls these for each word read from a DMEM bank and for each row read from PMEM.
extern "C" void trine_trace_dmem_read() { running_model->count_reads(1, 0); }
extern "C" void trine_trace_pmem_read(int words) {
  running_model->count_reads(0, static_cast<std::uint64_t>(words));
}
#endif
