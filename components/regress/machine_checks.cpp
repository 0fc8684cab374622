// SPDX-License-Identifier: Apache-2.0

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <set>

#include "components/fuzz/malformed_run.h"
#include "components/fuzz/pair.h"
#include "components/fuzz/program_run.h"
#include "components/regress/checks.h"
#include "sim/arch/simulate.h"
#include "sim/rtl/memory.h"
#include "sim/rtl/simulate.h"
#include "spec/csr.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/hash.h"
#include "sw/base/json.h"
#include "sw/base/process.h"
#include "sw/base/root.h"
#include "tools/random/random_program.h"

namespace trine::regress {
namespace {

namespace fs = std::filesystem;
using fuzz::Outcome;
using fuzz::Verdict;

constexpr int kSeconds = 900;  ///< of processor time for one run, before it counts as a hang

/// Options of the model that all checks on the RTL share.
sim::RtlOptions checked_rtl() {
  sim::RtlOptions options;
  options.build.quiet = true;
  options.build.optimization = std::min(1, options.build.optimization);
  options.build.assertions = true;
  options.max_cycles = 50'000'000;
  return options;
}

Finding run_model(const Context& context) {
  sim::build_model(context.config, checked_rtl().build);
  return {.covered = "Verilator built the design with its assertions"};
}

unsigned seed_of(const Context& context, int n) {
  return static_cast<unsigned>(hash64(fmt::format("{} {}", context.seed, n)));
}

Finding run_programs(const Context& context) {
  Finding finding;
  const int most = context.count(12, 60, 1000);
  std::uint64_t cycles = 0;
  int programs = 0;
  for (int n = 0; n < most && !(n > 0 && context.over()); ++n) {
    ++programs;
    fuzz::ProgramCase c;
    c.config = context.config;
    c.seed = seed_of(context, n);
    c.instructions = fuzz::drawn_length(c.seed);
    const Verdict v = fuzz::run_isolated([&] { return fuzz::run_program(c); }, kSeconds);
    cycles += v.rtl_cycles;
    if (v.outcome == Outcome::kExact) continue;
    const fuzz::ProgramCase simple = fuzz::shortest(c, [](const fuzz::ProgramCase& shorter) {
      return fuzz::run_isolated([&] { return fuzz::run_program(shorter); }, kSeconds).outcome ==
             Outcome::kFailed;
    });
    const fs::path folder = fs::path(context.out) / "failures" / "program";
    fs::create_directories(folder);
    write_file(folder / "program.txt", fuzz::describe(simple) + v.text + "\n");
    finding.failure =
        fmt::format("seed {}, {} instructions: {}", c.seed, simple.instructions, v.text);
    break;
  }
  finding.covered = fmt::format("{} random programs, {} cycles: the memory equals the simulator's",
                                programs, grouped(cycles));
  return finding;
}

Finding run_malformed(const Context& context) {
  Finding finding;
  fuzz::Reached on_arch, on_rtl;
  const auto arch = static_cast<unsigned>(context.count(200, 3000, 100'000));
  const auto rtl = static_cast<unsigned>(context.count(40, 250, 10'000));
  constexpr unsigned kTogether = 25;  // of one legal program
  try {
    for (unsigned n = 0; n < arch && !(n > 0 && context.over()); n += kTogether)
      fuzz::malformed_on_arch(context.config, n, std::min(kTogether, arch - n), on_arch);
    for (unsigned n = 0; n < rtl && !(n > 0 && context.over()); n += kTogether)
      fuzz::malformed_on_rtl(context.config, n, std::min(kTogether, rtl - n), on_rtl);
  } catch (const Error& e) {
    finding.failure = e.what();
  }
  finding.covered = fmt::format(
      "{} malformed programs on the simulator, {} on the RTL: each ends with a cause "
      "({}) in its window, and a good program after it is exact",
      on_arch.programs, on_rtl.programs, on_rtl.causes.size());
  for (const auto& [cause, count] : on_rtl.causes) finding.details["causes"][cause] = count;
  finding.details["operations_and_flags"] = on_arch.operations;
  return finding;
}

/// Runs a program on the RTL. @return "" or the difference from the simulator
std::string against_simulator(const fuzz::RandomProgram& p, const sim::RtlOptions& options) {
  std::vector<std::uint8_t> expected = p.dram, dram = p.dram;
  sim::run_arch_dram(p.program, expected);
  sim::RtlRunner(p.program, options).run_dram(dram);
  const auto at = std::mismatch(expected.begin(), expected.end(), dram.begin()).first;
  return at == expected.end()
             ? ""
             : fmt::format("byte 0x{:x} of the memory differs", at - expected.begin());
}

/// Runs `work` in a process of its own. @return "" or why it failed
std::string isolated(const std::function<std::string()>& work) {
  const Verdict v = fuzz::run_isolated(
      [&]() -> Verdict {
        try {
          const std::string text = work();
          return {text.empty() ? Outcome::kExact : Outcome::kFailed, text};
        } catch (const std::exception& e) {
          return {Outcome::kFailed, e.what()};
        }
      },
      kSeconds);
  return v.outcome == Outcome::kExact ? "" : v.text;
}

/// Runs `work` on some programs, each in a process of its own, until one fails.
/// @return the number of programs
int run_each(const Context& context, Finding& finding,
             const std::function<std::string(unsigned seed)>& work) {
  const int most = context.count(3, 8, 60);
  int n = 0;
  for (; n < most && finding.failure.empty() && !(n > 2 && context.over()); ++n) {
    const unsigned seed = seed_of(context, n);
    finding.failure = isolated([&] { return work(seed); });
  }
  return n;
}

Finding run_bus(const Context& context) {
  Finding finding;
  int runs = 0;
  const int programs = context.count(1, 3, 30);
  for (std::size_t slave = 0; slave < sim::kAxiSlaves.size(); ++slave)
    for (const int stalls : {0, 60})
      for (int n = 0; n < (context.over() ? 1 : programs) && finding.failure.empty(); ++n, ++runs) {
        sim::RtlOptions options = checked_rtl();
        options.axi_slave = slave;
        options.stall_percent = stalls;
        options.seed = seed_of(context, n);
        options.axi_latency = n % 3 == 0 ? 32 : n % 3 == 1 ? 1 : 400;
        const std::string text = isolated([&] {
          return against_simulator(fuzz::random_program(context.config, options.seed, 12), options);
        });
        if (!text.empty())
          finding.failure = fmt::format("slave '{}', {} % stalls, seed {}: {}",
                                        sim::kAxiSlaves.at(slave).name, stalls, options.seed, text);
      }
  finding.covered =
      fmt::format("{} slaves, with and without stalls: {} programs exact, AXI rules kept",
                  sim::kAxiSlaves.size(), runs);
  return finding;
}

/// Fails a transfer at each of some addresses. The program must stop with an error, and the next
/// run must be exact.
std::string bus_errors(const Context& context, int n, std::map<std::string, int>& causes) {
  const fuzz::RandomProgram p = fuzz::random_program(context.config, seed_of(context, n), 12);
  std::vector<std::uint8_t> expected = p.dram;
  sim::run_arch_dram(p.program, expected);
  sim::RtlOptions options = checked_rtl();
  const auto size = static_cast<std::uint64_t>(p.dram.size());
  const std::uint64_t at = size * static_cast<std::uint64_t>(n % 7) / 7;
  sim::RtlRunner runner(p.program, options);
  runner.inject_error(at, at + 63, n % 2 == 0 ? 2 : 3);
  std::vector<std::uint8_t> dram = p.dram;
  try {
    runner.run_dram(dram);
    ++causes["none of its transfers touches the address"];
    if (dram != expected) return "an error was injected, not reported, and the result is wrong";
  } catch (const Error& e) {
    const std::string text = e.what();
    // The causes fetch, load and store say so; a hang or a broken rule of AXI has another text.
    if (text.find("answered with an error") == std::string::npos) return text;
    ++causes["error reported"];
  }
  sim::RtlRunner again(p.program, options);
  dram = p.dram;
  again.run_dram(dram);
  return dram == expected ? "" : "the run after an error is wrong";
}

Finding run_bus_errors(const Context& context) {
  Finding finding;
  std::map<std::string, int> causes;
  const int most = context.count(7, 21, 140);
  int runs = 0;
  for (int n = 0; n < most && finding.failure.empty() && !(n > 4 && context.over()); ++n) try {
      ++runs;
      finding.failure = bus_errors(context, n, causes);
    } catch (const std::exception& e) {
      finding.failure = e.what();
    }
  if (finding.failure.empty() && !causes.contains("error reported"))
    finding.failure = "no injected error was reported";
  finding.covered = fmt::format("{} runs with SLVERR or DECERR at an address: {} report it", runs,
                                causes["error reported"]);
  for (const auto& [cause, count] : causes) finding.details[cause] = count;
  return finding;
}

/// Interrupts a program by a soft reset, and runs it again.
Finding run_soft_reset(const Context& context) {
  Finding finding;
  sim::RtlOptions options = checked_rtl();
  options.build.inject = true;
  sim::build_model(context.config, options.build);
  const int programs = run_each(context, finding, [&](unsigned seed) -> std::string {
    const fuzz::RandomProgram p = fuzz::random_program(context.config, seed, 16);
    std::vector<std::uint8_t> expected = p.dram, dram = p.dram;
    const sim::RunResult whole = sim::run_arch_dram(p.program, expected);
    sim::RtlRunner runner(p.program, options);
    for (int part = 1; part < 5; ++part) {
      runner.begin_injected(p.dram, {}, whole.cycles * static_cast<unsigned>(part) / 5 + 1);
      dram = p.dram;
      const auto end = runner.run_injected(dram, {}, true);
      if (end.hung || end.cause != 0)
        return fmt::format("after a soft reset: hung {}, cause {}", end.hung, end.cause);
      if (dram != expected) return "the run after a soft reset is wrong";
    }
    return "";
  });
  finding.covered =
      fmt::format("{} programs, each interrupted at four cycles, then exact", programs);
  return finding;
}

/// Runs programs from other initial values of registers and memories.
Finding run_initial_values(const Context& context) {
  Finding finding;
  sim::RtlOptions options = checked_rtl();
  options.build.assertions = false;  // they expect registers that start at zero
  options.build.random_init = true;
  sim::build_model(context.config, options.build);
  const int programs = run_each(context, finding, [&](unsigned seed) {
    options.x_seed = options.seed = seed;
    return against_simulator(fuzz::random_program(context.config, seed, 16), options);
  });
  finding.covered =
      fmt::format("{} programs from random values of all registers and memories: exact", programs);
  return finding;
}

/// A design as a host sees it, without a driver.
class BareDesign {
 public:
  BareDesign(const Context& context, std::uint32_t latency)
      : model_(sim::build_model(context.config, checked_rtl().build)) {
    sim::ModelSettings settings{};
    settings.axi_latency = latency;
    settings.seed = 1;
    instance_ = model_.api().create(&settings);
    // With ECC the design first writes all its memories, and refuses writes of registers meanwhile.
    for (int n = 0; n < 1'000'000 && read(csr::kStatus).value_or(0) != 0; ++n) continue;
  }
  BareDesign(const BareDesign&) = delete;
  BareDesign& operator=(const BareDesign&) = delete;
  ~BareDesign() { model_.api().destroy(instance_); }

  /// Returns true if the write was accepted.
  bool write(std::uint32_t offset, std::uint32_t value) {
    return model_.api().write32(instance_, offset, value) == 0;
  }
  std::optional<std::uint32_t> read(std::uint32_t offset) {
    std::uint32_t value = 0;
    if (model_.api().read32(instance_, offset, &value) != 0) return std::nullopt;
    return value;
  }
  /// Starts eight words at 0x10000. @return the cause with which the design stops, or 0
  std::uint32_t cause_of_start() {
    write(csr::kProgram, 0x10000);
    write(csr::kProgramWords, 8);
    write(csr::kIrqEnable, 3);
    write(csr::kControl, 1);
    model_.api().run(instance_, 100'000, 100'000);
    return read(csr::kErrorCause).value_or(0);
  }

 private:
  sim::LoadedModel model_;
  void* instance_ = nullptr;
};

/// Returns the bits that a write of a register's word stores.
std::uint32_t kept_bits(const csr::Register& r, int word, const spec::Config& config) {
  std::uint64_t kept = r.kept;
  if (r.bits == 64 && config.axi_addr_bits < 64)  // an address
    kept &= (std::uint64_t{1} << config.axi_addr_bits) - 1;
  if (r.aligned) kept &= ~static_cast<std::uint64_t>(config.data_bytes() - 1);
  return static_cast<std::uint32_t>(kept >> (32 * word));
}

/// Writes and reads a register. @return "" or what is wrong
std::string check_register(BareDesign& design, const csr::Register& r, const Context& context) {
  for (int word = 0; word < r.bits / 32; ++word) {
    const std::uint32_t offset = r.offset + 4 * static_cast<std::uint32_t>(word);
    const std::uint32_t kept = kept_bits(r, word, context.config);
    if (!design.read(offset)) return fmt::format("{}: a read of 0x{:x} fails", r.name, offset);
    if (kept == 0) continue;
    const std::uint32_t reset = static_cast<std::uint32_t>(r.reset >> (32 * word)) & kept;
    if ((*design.read(offset) & kept) != reset)
      return fmt::format("{}: 0x{:x} after reset, expected 0x{:x}", r.name,
                         *design.read(offset) & kept, reset);
    for (const std::uint32_t value : {0xffffffffU, 0x5a5a5a5aU, 0xa5a5a5a5U, reset}) {
      if (!design.write(offset, value & kept))
        return fmt::format("{}: a write of 0x{:x} fails", r.name, value & kept);
      if ((*design.read(offset) & kept) != (value & kept))
        return fmt::format("{}: 0x{:x} after a write of 0x{:x}", r.name, *design.read(offset),
                           value & kept);
    }
  }
  return "";
}

/// Reads and writes all registers, and all offsets between them.
Finding run_registers(const Context& context) {
  Finding finding;
  BareDesign design(context, 32);
  std::set<std::uint32_t> known;
  for (const csr::Register& r : csr::registers()) {
    // Without these counters a design answers SLVERR.
    if (r.offset == csr::kEccCorrected && !context.config.ecc) continue;
    const bool counts_imem = context.config.ecc && context.config.imem_kib > 0;
    if (r.offset == csr::kImemCorrected && !counts_imem) continue;
    for (int n = 0; n < r.entries * r.bits / 32; ++n)
      known.insert(r.offset + 4 * static_cast<std::uint32_t>(n));
    if (finding.failure.empty()) finding.failure = check_register(design, r, context);
  }
  int unknown = 0;
  for (std::uint32_t offset = 0; offset < 0x1000; offset += 4) {
    if (known.contains(offset)) continue;
    ++unknown;
    if ((design.read(offset) || design.write(offset, 1)) && finding.failure.empty())
      finding.failure = fmt::format("an access to offset 0x{:x}, which has no register", offset);
  }
  const auto stops = [&](std::uint32_t first, std::uint32_t limit, const char* name) {
    BareDesign other(context, 5'000);
    other.write(csr::kWindowFirst, first);
    other.write(csr::kWindowLast, 0x2ffff);
    if (limit > 0) other.write(csr::kWatchdog, limit);
    const auto cause = static_cast<std::size_t>(other.cause_of_start());
    if (finding.failure.empty() && csr::kErrors.at(cause).name != name)
      finding.failure =
          fmt::format("stops with {}, expected {}", csr::kErrors.at(cause).name, name);
  };
  stops(0x20000, 0, "fetch_window");
  stops(0, 100, "fetch_timeout");
  finding.covered = fmt::format(
      "{} words of registers read and written, {} other offsets answer SLVERR, fetch outside of "
      "the window and without an answer",
      known.size(), unknown);
  return finding;
}

Finding run_networks(const Context& context) {
  Finding finding;
  std::map<Outcome, int> outcomes;
  const int most = context.count(40, 100, 1500);
  int pairs = 0;
  std::vector<fuzz::Family> families;
  if (!context.config.int8) families = {fuzz::Family::kLowBit};  // all others have int8 codes
  for (int n = 0; n < most && !(n > 0 && context.over()); ++n) {
    ++pairs;
    const fuzz::Case c = fuzz::draw_case(context.seed, 0, n, families, &context.config);
    fuzz::Pair pair = fuzz::make_pair(c, context.config);
    pair.assertions = true;
    const Verdict v = fuzz::run_isolated(pair, fuzz::Backend::kRtl, kSeconds);
    ++outcomes[v.outcome];
    if (v.outcome != Outcome::kFailed || !finding.failure.empty()) continue;
    const fs::path folder = fs::path(context.out) / "failures" / "network";
    fs::create_directories(folder);
    write_file(folder / "network.txt", fuzz::describe(pair) + v.text + "\n");
    finding.failure = fmt::format("case {}: {}", fuzz::to_text(c), v.text);
  }
  finding.covered = fmt::format(
      "{} random networks: {} exact on simulator and RTL, {} refused for documented limits", pairs,
      outcomes[Outcome::kExact], outcomes[Outcome::kRefused]);
  if (outcomes[Outcome::kExact] == 0 && finding.failure.empty())
    finding.failure = "no random network is exact, because all are refused";
  return finding;
}

/// A shipped model with recorded vectors.
struct Shipped {
  const char *model, *vectors;
};
constexpr Shipped kShipped[] = {
    {"plus_filter.tflite", "plus_filter/vectors"},   {"lenet_mnist.tflite", "lenet_mnist/vectors"},
    {"mnist_ternary.onnx", "mnist_ternary/vectors"}, {"mnist_binary.onnx", "mnist_binary/vectors"},
    {"mnist_mixed.onnx", "mnist_mixed/vectors"},     {"wakeword.onnx", "wakeword/vectors"},
};

/// Verifies a shipped model by a command of its own, as its user would.
Finding run_shipped(const Context& context, const Shipped& shipped) {
  Finding finding;
  const fs::path models = project_root() / "models";
  const TemporaryFolder scratch(fs::temp_directory_path());
  std::vector<std::string> command{fs::read_symlink("/proc/self/exe").string(), "verify",
                                   (models / shipped.model).string(),           "--vectors",
                                   (models / shipped.vectors).string(),         "--json",
                                   (scratch.path() / "json").string(),          "--quiet"};
  for (const std::string& option : context.design_options()) command.push_back(option);
  // The model that all checks share: with assertions, compiled in little time.
  const int code = run_process(command, fs::current_path(), scratch.path() / "log",
                               {"TRINE_RTL_ASSERT=1", "TRINE_RTL_OPT=1"});
  const std::string log = read_text(scratch.path() / "log");
  if (code == cli::kSuccess) {
    const Json json = parse_json(read_text(scratch.path() / "json"), "verify");
    finding.covered = fmt::format("{} of {} recorded vectors bit-exact, {} cycles",
                                  json.value("vectors_exact", 0), json.value("vectors", 0),
                                  grouped(json.value("cycles", std::uint64_t{0})));
  } else if (code == cli::kBadInput) {
    finding.gaps.push_back(fmt::format("{}: {}", shipped.model, log.substr(0, log.find('\n'))));
    finding.covered = "the design does not support it";
  } else {
    finding.failure = log.substr(0, log.find('\n'));
  }
  return finding;
}

/// Flips bits of the memories while a network runs.
Finding run_ecc(const Context& context) {
  Finding finding;
  const TemporaryFolder scratch(fs::temp_directory_path());
  std::vector<std::string> command{fs::read_symlink("/proc/self/exe").string(),
                                   "inject",
                                   (project_root() / "models/plus_filter.tflite").string(),
                                   "--flips",
                                   std::to_string(context.count(30, 100, 1000)),
                                   "--quiet"};
  for (const std::string& option : context.design_options()) command.push_back(option);
  const int code = run_process(command, fs::current_path(), scratch.path() / "log");
  const std::string log = read_text(scratch.path() / "log");
  finding.covered = "single flips corrected, double flips stop the program";
  if (code != cli::kSuccess) finding.failure = log.substr(0, log.find('\n'));
  return finding;
}

Check check(const std::string& name, const std::string& stage, const std::string& purpose,
            std::function<Finding(const Context&)> run, Level least = Level::kQuick) {
  Check c;
  c.name = name;
  c.stage = stage;
  c.purpose = purpose;
  c.run = std::move(run);
  c.least = least;
  return c;
}

}  // namespace

std::vector<Check> machine_checks(const Context& context) {
  std::vector<Check> checks;
  checks.push_back(check("model", "emission", "Verilator compiles the whole design", run_model));
  checks.back().order = 0;
  checks.push_back(check("programs.random", "programs",
                         "random instructions of all engines, RTL against simulator",
                         run_programs));
  checks.push_back(check("programs.malformed", "programs",
                         "arbitrary words end by themselves, with a cause", run_malformed));
  checks.push_back(check("bus.slaves", "bus", "awkward but legal AXI4 slaves", run_bus));
  checks.push_back(check("bus.errors", "bus", "error responses, then a good run", run_bus_errors));
  checks.push_back(check("bus.registers", "bus", "all registers by AXI4-Lite", run_registers));
  checks.push_back(check("reset.soft", "reset", "a soft reset in the middle of a program",
                         run_soft_reset, Level::kDefault));
  checks.push_back(check("reset.values", "reset", "any values of registers before reset",
                         run_initial_values, Level::kDefault));
  for (const Shipped& shipped : kShipped) {
    const bool quick = &shipped == kShipped;
    checks.push_back(check(
        fmt::format("networks.{}", fs::path(shipped.model).stem().string()), "networks",
        "recorded vectors of another runtime, on the RTL",
        [=](const Context& c) { return run_shipped(c, shipped); },
        quick ? Level::kQuick : Level::kDefault));
    if (!fs::exists(project_root() / "models" / shipped.vectors))
      checks.back().excuse = "the model is only in a clone of the repository";
  }
  checks.push_back(check("networks.random", "networks",
                         "random networks: golden layers, simulator, RTL", run_networks));
  Check ecc = check("memories.ecc", "memories", "bit flips while a network runs", run_ecc);
  if (!context.config.ecc) ecc.excuse = "memory.ecc is off";
  checks.push_back(std::move(ecc));
  return checks;
}

}  // namespace trine::regress
