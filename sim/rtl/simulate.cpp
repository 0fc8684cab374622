// SPDX-License-Identifier: Apache-2.0

#include "sim/rtl/simulate.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <functional>
#include <map>
#include <numeric>
#include <span>

#include "sim/rtl/lockstep.h"
#include "spec/csr.h"
#include "sw/base/division.h"
#include "sw/base/error.h"
#include "sw/program/host.h"
#include "sw/runtime/trine_runtime.h"

namespace trine::sim {
namespace {

constexpr std::uint64_t kIdleLimit = 1'000'000;
constexpr std::uint64_t kResetAttempts = 1'000'000;
constexpr std::uint64_t kPauseCycles = 100'000;  ///< between two checks whether to continue
constexpr std::uint64_t kNoLimit = std::uint64_t{1} << 40;

BuildOptions build_options(const RtlOptions& options) {
  BuildOptions build = options.build;
  const bool ports = options.trace_file.extension() == ".vcd";
  build.trace_ports |= ports;
  build.trace |= !options.trace_file.empty() && !ports;
  build.lockstep |= options.lockstep;
  return build;
}

std::uint64_t cycles_of(const Observed& o) {
  return std::accumulate(std::begin(o.causes), std::end(o.causes), std::uint64_t{0});
}

/// Returns the RUN numbers of each engine, in program order.
std::array<std::vector<int>, isa::kEngines> runs_by_engine(const compiler::Program& program) {
  std::array<std::vector<int>, isa::kEngines> runs;
  int n = 0;
  for (const isa::Word word : program.words)
    if (isa::opcode_of(word) == isa::Opcode::kRun)
      runs[static_cast<std::size_t>(isa::engine_of(word))].push_back(n++);
  return runs;
}

/// Returns the times of all RUNs: the n-th start and retire pulse of an engine belong to its n-th
/// RUN in the program.
std::vector<RunTiming> timings(const std::array<std::vector<int>, isa::kEngines>& runs,
                               const Observed& o, const std::string& name) {
  std::size_t count = 0;
  for (const auto& of_engine : runs) count += of_engine.size();
  std::vector<RunTiming> timing(count);
  std::array<std::array<std::size_t, isa::kEngines>, 2> seen{};
  for (const TraceEvent& event : std::span(o.events, o.event_count)) {
    const std::int32_t engine = event.engine;
    const std::size_t n = seen[event.retire][engine]++;
    if (n >= runs[engine].size())
      throw_error("{}: RTL: more RUNs of the {} engine on the trace port than in the program", name,
                  isa::kEngineNames[engine]);
    RunTiming& run = timing[runs[engine][n]];
    run.engine = static_cast<isa::Engine>(engine);
    (event.retire ? run.end : run.start) = event.retire ? event.cycle + 1 : event.cycle;
  }
  for (std::size_t engine = 0; engine < isa::kEngines; ++engine)
    for (const auto& pulses : seen)
      if (pulses[engine] != runs[engine].size())
        throw_error("{}: RTL: {} RUNs of the {} engine on the trace port, but {} in the program",
                    name, pulses[engine], isa::kEngineNames[engine], runs[engine].size());
  return timing;
}

void check_counters(const trine_counters& counters, const Observed& o, const std::string& name) {
  static_assert(std::size(trine_counters{}.causes) == kCauses);
  for (std::size_t i = 0; i < kCauses; ++i)
    if (counters.causes[i] != o.causes[i])
      throw_error("{}: RTL: the counter of cause {} says {}, but the trace port says {}", name,
                  csr::kCauses[i].name, counters.causes[i], o.causes[i]);
  const std::uint64_t sum = cycles_of(o);
  if (sum != counters.cycles)
    throw_error("{}: RTL: the causes add up to {} cycles, but CYCLES is {}", name, sum,
                counters.cycles);
  if (counters.bytes_read != o.bytes_read || counters.bytes_written != o.bytes_written)
    throw_error(
        "{}: RTL: the counters say {} bytes read and {} written, but the bus transferred {} and {}",
        name, counters.bytes_read, counters.bytes_written, o.bytes_read, o.bytes_written);
}

/// Returns the causes of the cycles of each span, which begins and ends with the start or the end
/// of a RUN or of the program.
std::vector<CauseCycles> causes_of(const std::vector<LayerSpan>& spans, const Observed& o) {
  constexpr std::uint64_t kNone[kCauses] = {};
  // Counts by cause up to a cycle.
  std::map<std::uint64_t, const std::uint64_t*> counted{{0, kNone}};
  for (const TraceEvent& event : std::span(o.events, o.event_count))
    counted[event.cycle + static_cast<std::uint64_t>(event.retire)] = event.causes;
  if (!spans.empty()) counted[spans.back().end] = o.causes;
  std::vector<CauseCycles> causes;
  for (const LayerSpan& span : spans)
    std::transform(counted.at(span.end), counted.at(span.end) + kCauses, counted.at(span.begin),
                   causes.emplace_back().begin(), std::minus());
  return causes;
}

}  // namespace

struct RtlRunner::State {
  /// @param shared  empty: allocates a memory of its own
  State(const compiler::Program& p, std::span<std::uint8_t> shared, const RtlOptions& o)
      : current(&p),
        options(o),
        model(build_model(p.config, build_options(o))),
        runs(runs_by_engine(p)),
        own(shared.empty() ? static_cast<std::int64_t>(compiler::dram_size(p)) + room_of_words(p)
                           : 0),
        memory(shared.empty() ? std::span(own) : shared) {
    ModelSettings settings{};
    settings.axi_latency = static_cast<std::uint32_t>(o.axi_latency);
    settings.axi_bytes_per_cycle = static_cast<std::uint32_t>(o.axi_bytes_per_cycle);
    settings.stall_percent = static_cast<std::uint32_t>(o.stall_percent);
    settings.slave = static_cast<std::uint32_t>(o.axi_slave);
    settings.seed = o.seed;
    settings.x_seed = o.x_seed;
    const std::string trace = o.trace_file.string();
    settings.trace_file = trace.empty() ? nullptr : trace.c_str();
    instance = api().create(&settings);
    if (instance == nullptr) throw_error("{}: not enough memory for the RTL model", p.name);
    api().attach(instance, memory.data(), memory.size(), options.base_address);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { api().destroy(instance); }

  static std::int64_t room_of_words(const compiler::Program& p) {
    return static_cast<std::int64_t>(round_up(p.words.size() * 8, 4096));
  }

  const ModelApi& api() const { return model.api(); }
  const compiler::Program& program() const { return *current; }

  void use(const compiler::Program& p) {
    assert(p.program_offset() + 8 * std::ssize(p.words) <= std::ssize(memory));
    current = &p;
    runs = runs_by_engine(p);
    load();
  }

  void open() {
    const trine_callbacks callbacks = this->callbacks();
    expect(trine_open(&storage, sizeof storage, &callbacks, &device));
    expect(trine_check_configuration(device, program().config_hash));
    load();
  }

  void load() {
    const std::uint64_t base = options.base_address;
    expect(trine_load_program(device, program().words.data(), program().words.size(),
                              base + program().program_offset(), base));
    expect(trine_set_window(device, base, base + memory.size() - 1));
  }

  /// Fills the memory for the next run and clears the observations.
  void fill(const std::vector<std::uint8_t>& dram) {
    std::ranges::copy(dram, memory.begin());
    forget();
  }
  void forget() {
    api().clear_observed(instance);
    stop = kStopInterrupt;
  }

  void flip(const std::vector<MemoryFlip>& flips) {
    for (const MemoryFlip& one : flips)
      if (api().flip(instance, &one) != 0)
        throw_error("{}: RTL: cannot inject into {} bank {}, which does not exist", program().name,
                    one.pmem != 0 ? "PMEM" : "DMEM", one.bank);
  }

  /// Copies the memory after the run.
  void read_back(std::vector<std::uint8_t>& dram) const {
    std::copy_n(memory.begin(), dram.size(), dram.begin());
  }

  /// Returns the driver's access to the design: AXI-Lite and shared memory.
  trine_callbacks callbacks() {
    trine_callbacks c{};
    c.context = this;
    c.read32 = [](void* s, std::uint32_t offset, std::uint32_t* value) -> int {
      const State& state = *static_cast<State*>(s);
      return state.api().read32(state.instance, offset, value);
    };
    c.write32 = [](void* s, std::uint32_t offset, std::uint32_t value) -> int {
      const State& state = *static_cast<State*>(s);
      return state.api().write32(state.instance, offset, value);
    };
    c.map = [](void* s, std::uint64_t address, std::size_t bytes) -> void* {
      return static_cast<State*>(s)->at(address, bytes);
    };
    c.wait_interrupt = [](void* s) {
      State& state = *static_cast<State*>(s);
      state.stop = state.run();
      return state.stop == kStopInterrupt ? 0 : -1;
    };
    return c;
  }

  std::uint8_t* at(std::uint64_t address, std::size_t bytes) {
    if (address < options.base_address || address - options.base_address + bytes > memory.size())
      return nullptr;
    return memory.data() + (address - options.base_address);
  }

  std::int32_t run() {
    std::uint64_t left = cycle_limit();
    for (; go_on && left > kPauseCycles; left -= kPauseCycles) {
      const std::int32_t reason = api().run(instance, kPauseCycles, kIdleLimit);
      if (reason != kStopLimit || !go_on()) return reason;
    }
    return api().run(instance, left, kIdleLimit);
  }

  std::uint64_t cycle_limit() const {
    if (options.max_cycles != 0) return options.max_cycles;
    return options.predicted_cycles != 0 ? 50 * options.predicted_cycles : kNoLimit;
  }

  Observed observed() const {
    Observed o{};
    api().observe(instance, &o);
    return o;
  }

  void expect(int code) {
    if (code == TRINE_OK) return;
    const Observed o = observed();
    if (o.protocol_error != nullptr) throw_error("{}: RTL: {}", program().name, o.protocol_error);
    if (code == TRINE_E_DEVICE) throw_error("{}: RTL: {}", program().name, device_error());
    if (code == TRINE_E_ACCESS && stop != kStopInterrupt)
      throw_error("{}: RTL: {}", program().name, hang(o));
    throw_error("{}: RTL: {}", program().name, trine_strerror(code));
  }

  std::string device_error() {
    trine_status status{};
    trine_get_status(device, &status);
    return fmt::format("stopped: {}, at 0x{:x} (BASE is 0x{:x}){}",
                       trine_error_text(status.error_cause), status.error_address,
                       options.base_address, failing_run(status) + failing_word(status));
  }

  /// Describes the word at which the program stopped, or what each engine waits for.
  std::string failing_word(const trine_status& status) const {
    if (status.error_cause == code_of("deadlock")) return engines(observed());
    if (status.error_cause != code_of("illegal") && status.error_cause != code_of("feature"))
      return "";
    const std::size_t at = status.error_address / 8;
    if (at >= program().words.size()) return "";
    const isa::Word word = program().words[at];
    std::string text = ": " + isa::fault_text(word, program().config.features());
    if (isa::opcode_of(word) != isa::Opcode::kRun) return text;
    const auto run =
        std::ranges::count(std::span(program().words).first(at), isa::Opcode::kRun, isa::opcode_of);
    return text + ", in " + compiler::describe_run(program(), static_cast<int>(run));
  }

  static std::uint32_t code_of(std::string_view cause) {
    for (const csr::Code& code : csr::kErrors)
      if (code.name == cause) return static_cast<std::uint32_t>(code.value);
    assert(false);
    return 0;
  }

  /// Returns ", RUN of ..." for errors of the load and store engines.
  std::string failing_run(const trine_status& status) const {
    const std::string_view cause =
        status.error_cause < csr::kErrors.size() ? csr::kErrors[status.error_cause].name : "";
    for (const isa::Engine engine : {isa::Engine::kLoad, isa::Engine::kStore}) {
      const auto e = static_cast<std::size_t>(engine);
      const auto& of_engine = runs[e];
      const bool is_of = cause.starts_with(isa::kEngineNames[e]) ||  // "load", "load_window", ..
                         (engine == isa::Engine::kLoad && cause == "stream");
      if (is_of && status.error_run < of_engine.size())
        return ", in " + compiler::describe_run(program(), of_engine[status.error_run]);
    }
    return "";
  }

  /// Describes the state of the engines when nothing moved any more.
  std::string hang(const Observed& o) const {
    const std::uint64_t cycles = cycles_of(o);
    return (stop == kStopLimit
                ? fmt::format("not finished after {} cycles", cycles)
                : fmt::format("no progress for {} cycles, up to cycle {}", kIdleLimit, cycles)) +
           engines(o);
  }

  /// Describes how many RUNs each engine has executed.
  std::string engines(const Observed& o) const {
    std::array<std::size_t, isa::kEngines> started{}, retired{};
    for (std::uint64_t i = 0; i < o.event_count; ++i)
      ++(o.events[i].retire ? retired : started)[o.events[i].engine];
    std::string text;
    for (std::size_t e = 0; e < isa::kEngines; ++e) {
      text += fmt::format("; {} {}/{} of {} RUNs started/ended", isa::kEngineNames[e], started[e],
                          retired[e], runs[e].size());
      if (retired[e] < runs[e].size())
        text += ", next " + compiler::describe_run(program(), runs[e][retired[e]]);
    }
    return text;
  }

  const compiler::Program* current;
  const RtlOptions options;
  LoadedModel model;
  std::array<std::vector<int>, isa::kEngines> runs;
  std::vector<std::uint8_t> own;
  std::span<std::uint8_t>
      memory;  ///< from options.base_address: the program's DRAM, then its words
  std::function<bool()> go_on;
  void* instance = nullptr;
  trine_storage storage;
  trine_device* device = nullptr;
  std::int32_t stop = kStopInterrupt;
};

RtlRunner::RtlRunner(const compiler::Program& program, const RtlOptions& options)
    : RtlRunner(program, {}, options) {}

RtlRunner::RtlRunner(const compiler::Program& program, std::span<std::uint8_t> memory,
                     const RtlOptions& options)
    : state_(std::make_unique<State>(program, memory, options)) {
  state_->open();
}

void RtlRunner::use(const compiler::Program& program) { state_->use(program); }

RtlRunner::~RtlRunner() = default;

void RtlRunner::load() { state_->load(); }

void RtlRunner::reset() {
  state_->api().reset(state_->instance);
  state_->open();
}

void RtlRunner::inject_error(std::uint64_t first, std::uint64_t last, int response) {
  state_->api().inject_error(state_->instance, state_->options.base_address + first,
                             state_->options.base_address + last, response);
}

RunResult RtlRunner::run_dram(std::vector<std::uint8_t>& dram) {
  State& s = *state_;
  assert(std::ssize(dram) == s.program().dram_bytes);
  std::ranges::copy(dram, s.memory.begin());
  RunResult result = run_in_place();
  s.read_back(dram);
  return result;
}

RunResult RtlRunner::run_in_place(const std::function<bool()>& go_on) {
  State& s = *state_;
  std::vector<ExpectedByte> expected;
  if (s.options.lockstep) {
    const auto dram = s.memory.first(static_cast<std::size_t>(s.program().dram_bytes));
    expected = expected_writes(s.program(), {dram.begin(), dram.end()});
  }
  s.forget();
  s.go_on = go_on;
  const int code = trine_run(s.device, 1);
  s.go_on = {};
  const Observed o = s.observed();
  if (s.options.lockstep && o.protocol_error == nullptr && code != TRINE_E_DEVICE) {
    const Difference d = first_difference(std::move(expected), o.writes, o.write_count);
    // After a hang, missing writes are not an error.
    if (d.found && (code == TRINE_OK || !d.missing))
      throw_error("{}: lockstep: {}", s.program().name, describe(d, s.program()));
  }
  s.expect(code);

  trine_counters counters{};
  s.expect(trine_get_counters(s.device, &counters));
  check_counters(counters, o, s.program().name);
  RunResult result;
  result.cycles = counters.cycles;
  std::ranges::copy(counters.causes, result.causes.begin());
  std::ranges::copy(counters.engine_busy, result.engine_busy.begin());
  result.dram_bytes_read = counters.bytes_read;
  result.dram_bytes_written = counters.bytes_written;
  result.fetched_bytes = o.bytes_fetched;
  result.dmem_reads = o.dmem_reads;
  result.dmem_writes = o.write_count;
  result.pmem_reads = o.pmem_reads;
  result.runs = timings(s.runs, o, s.program().name);
  const std::vector<LayerSpan> spans = layer_spans(s.program(), result.runs, result.cycles);
  result.layers = layer_results(s.program(), spans, causes_of(spans, o));
  return result;
}

void RtlRunner::begin_injected(const std::vector<std::uint8_t>& dram,
                               const std::vector<MemoryFlip>& flips, std::uint64_t cycles) {
  State& s = *state_;
  reset();
  s.fill(dram);
  s.flip(flips);
  s.expect(trine_start(s.device));
  s.api().run(s.instance, cycles, kIdleLimit);
}

RtlRunner::Injected RtlRunner::run_injected(std::vector<std::uint8_t>& dram,
                                            const std::vector<MemoryFlip>& flips, bool soft_reset) {
  State& s = *state_;
  if (soft_reset)
    s.expect(trine_reset(s.device, kResetAttempts));
  else
    reset();
  s.fill(dram);
  s.flip(flips);
  const int code = trine_run(s.device, 1);
  s.read_back(dram);
  Injected result;
  const Observed o = s.observed();
  result.cycles = cycles_of(o);
  for (std::uint64_t i = 0; i < o.write_count; ++i) result.written.push_back(o.writes[i].address);
  result.hung = s.stop != kStopInterrupt;
  if (result.hung) return result;
  trine_status status{};
  trine_get_status(s.device, &status);
  if (code == TRINE_E_DEVICE) {
    result.cause = status.error_cause;
    result.address = status.error_address;
  } else {
    s.expect(code);
  }
  std::vector<std::uint32_t> counters;
  if (s.program().config.ecc) counters = {csr::kEccCorrected, csr::kEccCorrected + 4};
  if (s.program().config.ecc && s.program().config.imem_kib > 0)
    counters.push_back(csr::kImemCorrected);
  for (const std::uint32_t counter : counters) {
    std::uint32_t words = 0;
    s.api().read32(s.instance, counter, &words);
    result.corrected += words;
  }
  return result;
}

RtlRunner::Stopped RtlRunner::run_any(const std::vector<isa::Word>& words,
                                      std::vector<std::uint8_t>& dram, std::uint32_t progress_limit,
                                      std::uint32_t cycles_limit) {
  State& s = *state_;
  assert(words.size() <= s.program().words.size());
  s.fill(dram);
  s.expect(trine_load_program(s.device, words.data(), words.size(),
                              s.options.base_address + s.program().program_offset(),
                              s.options.base_address));
  s.expect(trine_set_progress_limit(s.device, progress_limit));
  s.expect(trine_set_cycles_limit(s.device, cycles_limit));
  s.api().check(s.instance, 0);
  const int code = trine_run(s.device, 1);
  Stopped result;
  const Observed o = s.observed();
  for (std::uint64_t i = 0; i < o.event_count; ++i)
    if (o.events[i].retire == 0) ++result.begun[static_cast<std::size_t>(o.events[i].engine)];
  result.cycles = cycles_of(o);
  result.hung = s.stop != kStopInterrupt;
  if (o.protocol_error != nullptr) result.protocol_error = o.protocol_error;
  if (result.hung) return result;
  s.read_back(dram);
  trine_status status{};
  s.expect(trine_get_status(s.device, &status));
  result.cause = status.error_cause;
  result.address = status.error_address;
  if (code != TRINE_E_DEVICE) s.expect(code);
  s.expect(trine_set_progress_limit(s.device, csr::kWatchdogReset));
  s.expect(trine_set_cycles_limit(s.device, 0));
  return result;
}

RunResult RtlRunner::run(const std::vector<Array>& inputs) {
  std::vector<std::uint8_t> dram = compiler::initial_dram(state_->program());
  compiler::write_inputs(state_->program(), inputs, dram.data());
  RunResult result = run_dram(dram);
  result.outputs = compiler::read_outputs(state_->program(), dram.data());
  return result;
}

RunResult run_rtl(const compiler::Program& program, const std::vector<Array>& inputs,
                  const RtlOptions& options) {
  return RtlRunner(program, options).run(inputs);
}

}  // namespace trine::sim
