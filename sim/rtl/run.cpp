// SPDX-License-Identifier: Apache-2.0

#include "sim/rtl/run.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstring>

#include "base/error.h"
#include "machine/csr.h"
#include "sim/rtl/lockstep.h"
#include "sw/program/host.h"
#include "sw/runtime/trine_runtime.h"

namespace trine::sim {
namespace {

constexpr std::uint64_t kIdleLimit = 1'000'000;
constexpr std::uint64_t kResetAttempts = 1'000'000;
constexpr std::uint64_t kNoLimit = std::uint64_t{1} << 40;

BuildOptions build_options(const RtlOptions& options) {
  BuildOptions build = options.build;
  build.trace |= !options.trace_file.empty();
  build.lockstep |= options.lockstep;
  return build;
}

/// Numbers of the RUNs of each engine, in program order.
std::array<std::vector<int>, isa::kEngines> runs_by_engine(const compiler::Program& program) {
  std::array<std::vector<int>, isa::kEngines> runs;
  int n = 0;
  for (const isa::Word word : program.words)
    if (isa::opcode_of(word) == isa::Opcode::kRun)
      runs[static_cast<std::size_t>(isa::engine_of(word))].push_back(n++);
  return runs;
}

}  // namespace

struct RtlRunner::State {
  State(const compiler::Program& p, const RtlOptions& o)
      : program(p),
        options(o),
        model(build_model(p.config, build_options(o))),
        runs(runs_by_engine(p)),
        memory(static_cast<std::size_t>(p.program_offset()) +
               (p.words.size() * 8 + 4095) / 4096 * 4096) {
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
    api().attach(instance, memory.data(), memory.size(), options.base_address);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { api().destroy(instance); }

  const ModelApi& api() const { return model.api(); }

  void open() {
    const trine_callbacks callbacks = this->callbacks();
    expect(trine_open(storage, sizeof storage, &callbacks, &device));
    expect(trine_check_configuration(device, program.config_hash));
    expect(trine_load_program(
        device, program.words.data(), program.words.size(),
        options.base_address + static_cast<std::uint64_t>(program.program_offset()),
        options.base_address));
    expect(
        trine_set_window(device, options.base_address, options.base_address + memory.size() - 1));
  }

  /// The driver's way to the design: AXI-Lite accesses, and memory that both see.
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
    c.copy_to = [](void* s, std::uint64_t address, const void* data, std::size_t bytes) {
      std::uint8_t* to = static_cast<State*>(s)->at(address, bytes);
      if (to == nullptr) return -1;
      std::memcpy(to, data, bytes);
      return 0;
    };
    c.copy_from = [](void* s, std::uint64_t address, void* data, std::size_t bytes) {
      const std::uint8_t* from = static_cast<State*>(s)->at(address, bytes);
      if (from == nullptr) return -1;
      std::memcpy(data, from, bytes);
      return 0;
    };
    c.wait_interrupt = [](void* s) {
      State& state = *static_cast<State*>(s);
      state.stop = state.api().run(state.instance, state.cycle_limit(), kIdleLimit);
      return state.stop == kStopInterrupt ? 0 : -1;
    };
    return c;
  }

  std::uint8_t* at(std::uint64_t address, std::size_t bytes) {
    if (address < options.base_address || address - options.base_address + bytes > memory.size())
      return nullptr;
    return memory.data() + (address - options.base_address);
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
    if (o.protocol_error != nullptr) throw_error("{}: RTL: {}", program.name, o.protocol_error);
    if (code == TRINE_E_DEVICE) throw_error("{}: RTL: {}", program.name, device_error());
    if (code == TRINE_E_ACCESS && stop != kStopInterrupt)
      throw_error("{}: RTL: {}", program.name, hang(o));
    throw_error("{}: RTL: {}", program.name, trine_strerror(code));
  }

  std::string device_error() {
    trine_status status{};
    trine_get_status(device, &status);
    return fmt::format("stopped: {}, at 0x{:x} (BASE is 0x{:x}){}",
                       trine_error_text(status.error_cause), status.error_address,
                       options.base_address, failing_run(status) + failing_word(status));
  }

  /// What the word is that the program stopped at, or what each engine waits for.
  std::string failing_word(const trine_status& status) const {
    if (status.error_cause == code_of("deadlock")) return engines(observed());
    if (status.error_cause != code_of("illegal") && status.error_cause != code_of("feature"))
      return "";
    const std::size_t at = status.error_address / 8;
    if (at >= program.words.size()) return "";
    const isa::Word word = program.words[at];
    std::string text = ": " + isa::fault_text(word, program.config.features());
    if (isa::opcode_of(word) != isa::Opcode::kRun) return text;
    const auto run = std::count_if(
        program.words.begin(), program.words.begin() + static_cast<std::ptrdiff_t>(at),
        [](isa::Word w) { return isa::opcode_of(w) == isa::Opcode::kRun; });
    return text + ", in " + compiler::describe_run(program, static_cast<int>(run));
  }

  static std::uint32_t code_of(std::string_view cause) {
    for (const csr::Code& code : csr::kErrors)
      if (code.name == cause) return static_cast<std::uint32_t>(code.value);
    assert(false);
    return 0;
  }

  /// ", RUN of ..." for errors of the load and store engines.
  std::string failing_run(const trine_status& status) const {
    const auto is_of = [&](isa::Engine engine) {  // "load", "load_window", ..
      const auto cause = static_cast<std::size_t>(status.error_cause);
      const std::string_view name = isa::kEngineNames[static_cast<std::size_t>(engine)];
      return cause < csr::kErrors.size() && csr::kErrors[cause].name.substr(0, name.size()) == name;
    };
    const bool load = is_of(isa::Engine::kLoad), store = is_of(isa::Engine::kStore);
    if (!load && !store) return "";
    const auto& of_engine =
        runs[static_cast<std::size_t>(load ? isa::Engine::kLoad : isa::Engine::kStore)];
    if (status.error_run >= of_engine.size()) return "";
    return ", in " + compiler::describe_run(program, of_engine[status.error_run]);
  }

  /// What the engines were at when nothing moved any more.
  std::string hang(const Observed& o) const {
    std::uint64_t cycles = 0;
    for (const std::uint64_t c : o.causes) cycles += c;
    return (stop == kStopLimit
                ? fmt::format("not finished after {} cycles", cycles)
                : fmt::format("no progress for {} cycles, in cycle {}", kIdleLimit, cycles)) +
           engines(o);
  }

  /// How far each engine came.
  std::string engines(const Observed& o) const {
    std::array<std::size_t, isa::kEngines> started{}, retired{};
    for (std::uint64_t i = 0; i < o.event_count; ++i)
      ++(o.events[i].retire ? retired : started)[static_cast<std::size_t>(o.events[i].engine)];
    std::string text;
    for (std::size_t e = 0; e < isa::kEngines; ++e) {
      text += fmt::format("; {} {}/{} of {} RUNs started/ended", isa::kEngineNames[e], started[e],
                          retired[e], runs[e].size());
      if (retired[e] < runs[e].size())
        text += ", next " + compiler::describe_run(program, runs[e][retired[e]]);
    }
    return text;
  }

  const compiler::Program& program;
  const RtlOptions options;
  LoadedModel model;
  std::array<std::vector<int>, isa::kEngines> runs;
  std::vector<std::uint8_t>
      memory;  ///< from options.base_address: the program's DRAM, then its words
  void* instance = nullptr;
  alignas(std::max_align_t) unsigned char storage[512];
  trine_device* device = nullptr;
  std::int32_t stop = kStopInterrupt;
  bool ran = false;
};

namespace {

/// The n-th start and retire pulse of an engine belong to its n-th RUN in the program.
std::vector<RunTiming> timings(const std::array<std::vector<int>, isa::kEngines>& runs,
                               const Observed& o, const std::string& name) {
  std::size_t count = 0;
  for (const auto& of_engine : runs) count += of_engine.size();
  std::vector<RunTiming> timing(count);
  std::array<std::array<std::size_t, isa::kEngines>, 2> seen{};
  for (std::uint64_t i = 0; i < o.event_count; ++i) {
    const TraceEvent& event = o.events[i];
    const auto engine = static_cast<std::size_t>(event.engine);
    const std::size_t n = seen[static_cast<std::size_t>(event.retire)][engine]++;
    if (n >= runs[engine].size())
      throw_error("{}: RTL: more RUNs of the {} engine on the trace port than in the program", name,
                  isa::kEngineNames[engine]);
    RunTiming& run = timing[static_cast<std::size_t>(runs[engine][n])];
    run.engine = static_cast<isa::Engine>(engine);
    (event.retire ? run.end : run.start) = event.retire ? event.cycle + 1 : event.cycle;
  }
  for (std::size_t engine = 0; engine < isa::kEngines; ++engine)
    for (const auto& pulses : seen)
      if (pulses[engine] != runs[engine].size())
        throw_error("{}: RTL: {} RUNs of the {} engine on the trace port, {} in the program", name,
                    pulses[engine], isa::kEngineNames[engine], runs[engine].size());
  return timing;
}

void check_counters(const trine_counters& counters, const Observed& o, const std::string& name) {
  static_assert(std::size(trine_counters{}.causes) == kCauses);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kCauses; ++i) {
    sum += counters.causes[i];
    if (counters.causes[i] != o.causes[i])
      throw_error("{}: RTL: counter of cause {} says {}, the trace port {}", name,
                  csr::kCauses[i].name, counters.causes[i], o.causes[i]);
  }
  if (sum != counters.cycles)
    throw_error("{}: RTL: the causes add up to {} cycles, CYCLES is {}", name, sum,
                counters.cycles);
}

/// Causes counted up to cycle `end`, which is the end of a RUN or of the program.
CauseCycles causes_until(std::uint64_t end, const Observed& o) {
  const std::uint64_t* causes = o.causes;
  for (std::uint64_t i = 0; i < o.event_count; ++i)
    if (o.events[i].retire && o.events[i].cycle + 1 == end) causes = o.events[i].causes;
  CauseCycles result{};
  std::copy(causes, causes + kCauses, result.begin());
  return result;
}

std::vector<LayerResult> layer_results(const std::vector<std::uint64_t>& ends, const Observed& o) {
  std::vector<LayerResult> layers;
  std::uint64_t before = 0;
  CauseCycles causes_before{};
  for (std::size_t i = 0; i < ends.size(); ++i) {
    CauseCycles causes = causes_before;
    if (i + 1 == ends.size())
      std::copy(o.causes, o.causes + kCauses, causes.begin());
    else if (ends[i] != before)
      causes = causes_until(ends[i], o);
    LayerResult layer;
    layer.cycles = ends[i] - before;
    for (std::size_t c = 0; c < kCauses; ++c) layer.causes[c] = causes[c] - causes_before[c];
    layers.push_back(layer);
    before = ends[i];
    causes_before = causes;
  }
  return layers;
}

}  // namespace

RtlRunner::RtlRunner(const compiler::Program& program, const RtlOptions& options)
    : state_(std::make_unique<State>(program, options)) {
  state_->open();
}

RtlRunner::~RtlRunner() = default;

void RtlRunner::reset() {
  state_->api().reset(state_->instance);
  state_->open();
}

void RtlRunner::inject_error(std::uint64_t first, std::uint64_t last, int response) {
  state_->api().inject_error(state_->instance, state_->options.base_address + first,
                             state_->options.base_address + last, response);
}

std::uint64_t RtlRunner::simulated_cycles() const { return state_->observed().total_cycles; }

RunResult RtlRunner::run_dram(std::vector<std::uint8_t>& dram) {
  State& s = *state_;
  assert(dram.size() == static_cast<std::size_t>(s.program.dram_bytes));
  if (s.options.reset_between && s.ran) reset();
  s.ran = true;
  std::vector<ExpectedByte> expected;
  if (s.options.lockstep) expected = expected_writes(s.program, dram);

  s.expect(trine_copy_to(s.device, s.options.base_address, dram.data(), dram.size()));
  s.api().clear_observed(s.instance);
  s.stop = kStopInterrupt;
  const int code = trine_run(s.device, 1);
  const Observed o = s.observed();
  if (s.options.lockstep && o.protocol_error == nullptr && code != TRINE_E_DEVICE) {
    const Difference d = first_difference(std::move(expected), o.writes, o.write_count);
    // After a hang, writes that did not happen say nothing.
    if (d.found && (code == TRINE_OK || !d.missing))
      throw_error("{}: lockstep: {}", s.program.name, describe(d, s.program));
  }
  s.expect(code);
  s.expect(trine_copy_from(s.device, s.options.base_address, dram.data(), dram.size()));

  trine_counters counters{};
  s.expect(trine_get_counters(s.device, &counters));
  check_counters(counters, o, s.program.name);
  RunResult result;
  result.cycles = counters.cycles;
  std::copy(std::begin(counters.causes), std::end(counters.causes), result.causes.begin());
  std::copy(std::begin(counters.engine_busy), std::end(counters.engine_busy),
            result.engine_busy.begin());
  result.dram_bytes_read = counters.bytes_read;
  result.dram_bytes_written = counters.bytes_written;
  result.runs = timings(s.runs, o, s.program.name);
  result.layers = layer_results(layer_ends(s.program, result.runs, result.cycles), o);
  return result;
}

RtlRunner::Injected RtlRunner::run_injected(std::vector<std::uint8_t>& dram,
                                            const std::vector<MemoryFlip>& flips, bool soft_reset) {
  State& s = *state_;
  if (soft_reset)
    s.expect(trine_reset(s.device, kResetAttempts));
  else
    reset();
  s.expect(trine_copy_to(s.device, s.options.base_address, dram.data(), dram.size()));
  s.api().clear_observed(s.instance);
  for (const MemoryFlip& flip : flips)
    if (s.api().flip(s.instance, &flip) != 0)
      throw_error("{}: RTL: no {} bank {} to inject into", s.program.name,
                  flip.pmem != 0 ? "PMEM" : "DMEM", flip.bank);
  s.stop = kStopInterrupt;
  const int code = trine_run(s.device, 1);
  s.expect(trine_copy_from(s.device, s.options.base_address, dram.data(), dram.size()));
  Injected result;
  const Observed o = s.observed();
  for (const std::uint64_t c : o.causes) result.cycles += c;
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
  if (s.program.config.ecc)
    for (const std::uint32_t memory : {0U, 4U}) {
      std::uint32_t words = 0;
      s.api().read32(s.instance, csr::kEccCorrected + memory, &words);
      result.corrected += words;
    }
  return result;
}

RunResult RtlRunner::run(const std::vector<Array>& inputs) {
  std::vector<std::uint8_t> dram = compiler::initial_dram(state_->program);
  compiler::write_inputs(state_->program, inputs, dram.data());
  RunResult result = run_dram(dram);
  result.outputs = compiler::read_outputs(state_->program, dram.data());
  return result;
}

RunResult run_rtl(const compiler::Program& program, const std::vector<Array>& inputs,
                  const RtlOptions& options) {
  return RtlRunner(program, options).run(inputs);
}

}  // namespace trine::sim
