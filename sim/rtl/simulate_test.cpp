// SPDX-License-Identifier: Apache-2.0
//
// Runs a program written by hand on the RTL: results, counters, errors, hangs.

#include "sim/rtl/simulate.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <future>
#include <numeric>

#include "sim/arch/simulate.h"
#include "spec/csr.h"
#include "sw/base/catch.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/process.h"
#include "sw/runtime/trine_runtime.h"
#include "tests/programs/random_program.h"
#include "tests/programs/tiny_program.h"

using namespace trine;
using namespace trine::sim;
using Catch::Matchers::ContainsSubstring;

namespace {

spec::Config small_config() {
  return spec::load_config("edge256", {"array.rows=2", "array.cols=2", "memory.dmem_kib=8",
                                       "memory.pmem_kib=8", "memory.param_channels=64"});
}

/// Returns the options of the only design here: with assertions and lockstep.
RtlOptions checked_options() {
  RtlOptions options;
  options.build.optimization = 1;
  options.build.assertions = true;
  options.lockstep = true;
  return options;
}

/// The design as the bus sees it, without a driver and a memory.
class BareDesign {
 public:
  explicit BareDesign(std::uint32_t latency = 32)
      : model_(build_model(small_config(), build_options())) {
    ModelSettings settings{};
    settings.axi_latency = latency;
    settings.seed = 1;
    instance_ = model_.api().create(&settings);
  }
  BareDesign(const BareDesign&) = delete;
  BareDesign& operator=(const BareDesign&) = delete;
  ~BareDesign() { model_.api().destroy(instance_); }

  std::int32_t write(std::uint32_t offset, std::uint32_t value) {
    return model_.api().write32(instance_, offset, value);
  }
  std::int32_t try_read(std::uint32_t offset, std::uint32_t* value) {
    return model_.api().read32(instance_, offset, value);
  }
  std::uint32_t read(std::uint32_t offset) {
    std::uint32_t value = 0;
    REQUIRE(try_read(offset, &value) == 0);
    return value;
  }

  /// Starts eight words at 0x10000. @return the cause with which the design stops
  std::uint32_t cause_of_start() {
    write(csr::kProgram, 0x10000);
    write(csr::kProgramWords, 8);
    write(csr::kIrqEnable, 3);
    write(csr::kControl, 1);
    CHECK(model_.api().run(instance_, 100'000, 100'000) == kStopInterrupt);
    return read(csr::kErrorCause);
  }

 protected:
  const ModelApi& api() const { return model_.api(); }
  void* instance() const { return instance_; }

 private:
  static BuildOptions build_options() {
    BuildOptions build = checked_options().build;
    build.lockstep = true;  // uses the same design
    return build;
  }

  LoadedModel model_;
  void* instance_ = nullptr;
};

/// The design with the driver: runs programs one after the other, without a reset between them.
class DrivenDesign : public BareDesign {
 public:
  DrivenDesign() : BareDesign(10) {
    api().attach(instance(), memory_.data(), memory_.size(), kBase);
    trine_callbacks c{};
    c.context = this;
    c.read32 = [](void* d, std::uint32_t offset, std::uint32_t* value) -> int {
      return static_cast<DrivenDesign*>(d)->try_read(offset, value);
    };
    c.write32 = [](void* d, std::uint32_t offset, std::uint32_t value) -> int {
      return static_cast<DrivenDesign*>(d)->write(offset, value);
    };
    c.map = [](void* d, std::uint64_t at, std::size_t) -> void* {
      return static_cast<DrivenDesign*>(d)->memory_.data() + (at - kBase);
    };
    c.wait_interrupt = [](void* d) {
      const DrivenDesign& design = *static_cast<DrivenDesign*>(d);
      return design.api().run(design.instance(), 100'000, 100'000) == kStopInterrupt ? 0 : -1;
    };
    REQUIRE(trine_open(&storage_, sizeof storage_, &c, &device_) == TRINE_OK);
    REQUIRE(trine_set_window(device_, kBase, kBase + memory_.size() - 1) == TRINE_OK);
  }

  /// @return `dram` after the program
  std::vector<std::uint8_t> run(const std::vector<isa::Word>& words,
                                std::vector<std::uint8_t> dram) {
    REQUIRE(dram.size() <= kWordsAt);
    std::ranges::copy(dram, memory_.begin());
    REQUIRE(trine_load_program(device_, words.data(), words.size(), kBase + kWordsAt, kBase) ==
            TRINE_OK);
    REQUIRE(trine_run(device_, 1) == TRINE_OK);
    std::copy_n(memory_.begin(), dram.size(), dram.begin());
    return dram;
  }
  void scrub() { REQUIRE(trine_scrub(device_, 100'000) == TRINE_OK); }

 private:
  static constexpr std::uint64_t kBase = 0x10000, kWordsAt = 0x8000;
  std::vector<std::uint8_t> memory_ = std::vector<std::uint8_t>(0x10000);
  trine_storage storage_;
  trine_device* device_ = nullptr;
};

bool is_load(isa::Word word) {
  return isa::opcode_of(word) == isa::Opcode::kRun && isa::engine_of(word) == isa::Engine::kLoad;
}

/// Removes the load into `target`; the load before it gives its tokens.
std::vector<isa::Word> without_load(const std::vector<isa::Word>& words, isa::dma::Target target) {
  std::vector<isa::Word> result;
  std::size_t last = 0;  // load
  for (const isa::Word word : words) {
    if (!is_load(word) || isa::decode_run(word).op != static_cast<int>(target)) {
      if (is_load(word)) last = result.size();
      result.push_back(word);
    } else if (isa::decode_run(word).signal != 0) {
      isa::Run run = isa::decode_run(result.at(last));
      run.signal |= isa::decode_run(word).signal;
      result[last] = isa::encode_run(isa::Engine::kLoad, run);
    }
  }
  return result;
}

/// Returns a program that stores all of DMEM to the start of DRAM.
std::vector<isa::Word> dump_program(const std::vector<isa::Word>& words) {
  std::vector<isa::Word> result;
  for (const isa::Word word : words) {  // copies the words that every program begins with
    const isa::Opcode opcode = isa::opcode_of(word);
    if (opcode == isa::Opcode::kSet || opcode == isa::Opcode::kRun) break;
    result.push_back(word);
  }
  isa::TransferRegisters registers;
  registers.set(isa::dma::kWords, 8 * 1024 / 4);
  for (int reg = 0; reg < 4; ++reg)
    result.push_back(
        isa::encode_set(isa::Engine::kStore, reg, registers.value[static_cast<std::size_t>(reg)]));
  result.push_back(isa::encode_run(isa::Engine::kStore, {}));
  result.push_back(isa::kEndWord);
  return result;
}

std::uint64_t sum(const CauseCycles& causes) {
  return std::accumulate(causes.begin(), causes.end(), std::uint64_t{0});
}

/// A fake verilator that copies a built result and counts its calls.
struct CopyingVerilator {
  TemporaryFolder folder{std::filesystem::temp_directory_path()};
  std::string path = std::getenv("PATH");

  explicit CopyingVerilator(const std::filesystem::path& model) {
    const auto program = folder.path() / "bin" / "verilator";
    std::filesystem::create_directory(program.parent_path());
    write_file(program,
               fmt::format("#!/bin/sh\n"
                           "[ \"$1\" = --version ] && PATH='{1}' exec verilator --version\n"
                           "echo asked >>'{0}/asked'\n"
                           "while [ \"$1\" != --Mdir ]; do shift; done\n"
                           "mkdir -p \"$2\" && cp '{2}' \"$2/model.so\"\n"
                           "touch \"$2/Vtrine_top_classes.mk\"\n"
                           "printf 'all:\\n' >\"$2/Vtrine_top.mk\"\n",
                           folder.path().string(), path, model.string()));
    std::filesystem::permissions(program, std::filesystem::perms{0755});
    ::setenv("PATH", (program.parent_path().string() + ":" + path).c_str(), 1);
    ::setenv("TRINE_CACHE", (folder.path() / "cache").c_str(), 1);
  }
  ~CopyingVerilator() {
    ::setenv("PATH", path.c_str(), 1);
    ::unsetenv("TRINE_CACHE");
    if (!cache_before.empty()) ::setenv("TRINE_CACHE", cache_before.c_str(), 1);
  }
  std::size_t asked() const { return read_text(folder.path() / "asked").size() / 6; }

 private:
  std::string cache_before =
      std::getenv("TRINE_CACHE") != nullptr ? std::getenv("TRINE_CACHE") : "";
};

}  // namespace

TEST_CASE("a damaged model in the cache is built again and leftovers are removed", "[rtl][cache]") {
  namespace fs = std::filesystem;
  BuildOptions options = checked_options().build;
  options.lockstep = options.quiet = true;
  const CopyingVerilator verilator(build_model(small_config(), options));
  const auto model = build_model(small_config(), options);
  REQUIRE(build_model(small_config(), options) == model);
  REQUIRE(verilator.asked() == 1);
  const std::string whole = read_text(model);

  const std::string damage =
      GENERATE(as<std::string>{}, "cut short", "changed", "without its checksum");
  CAPTURE(damage);
  if (damage == "cut short") {
    fs::resize_file(model, whole.size() / 2);
  } else if (damage == "changed") {
    std::string changed = whole;
    changed[whole.size() / 2] = static_cast<char>(changed[whole.size() / 2] ^ 1);
    write_file(model, changed);
  } else {
    fs::remove(fs::path(model) += ".xxh64");
  }
  const fs::path cache = model.parent_path();
  const auto old = fs::file_time_type::clock::now() - std::chrono::hours(2);
  const TemporaryFolder owned(cache, "build");
  for (const char* name : {"build-123456", "design-123456", "build-654321"})
    fs::create_directory(cache / name);
  write_file(cache / "build-123456" / "object.o", "x");
  for (const fs::path& path : {cache / "build-123456", cache / "design-123456", owned.path()})
    fs::last_write_time(path, old);

  CHECK(build_model(small_config(), options) == model);
  CHECK(verilator.asked() == 2);
  CHECK((read_text(model) == whole));
  CHECK_FALSE(fs::exists(cache / "build-123456"));
  CHECK_FALSE(fs::exists(cache / "design-123456"));
  CHECK(fs::exists(cache / "build-654321"));  // may be in use: it is new
  CHECK(fs::exists(owned.path()));
}

TEST_CASE("the tiny program gives the expected DRAM on the RTL", "[rtl][run]") {
  const auto seed = GENERATE(1u, 2u);
  CAPTURE(seed);
  const TinyProgram tiny = tiny_program(small_config(), seed);
  RtlRunner runner(tiny.program, checked_options());
  std::uint64_t first_cycles = 0;
  for (int repeat = 0; repeat < 3; ++repeat) {  // consecutive runs without a reset
    CAPTURE(repeat);
    std::vector<std::uint8_t> dram = tiny.dram;
    const RunResult result = runner.run_dram(dram);
    CHECK(dram == tiny.expected);
    CHECK(sum(result.causes) == result.cycles);
    CHECK(result.layers.size() == 2);
    CHECK(result.layers[0].cycles + result.layers[1].cycles == result.cycles);
    CHECK(sum(result.layers[0].causes) == result.layers[0].cycles);
    CHECK(sum(result.layers[1].causes) == result.layers[1].cycles);
    CHECK(result.dram_bytes_written == (2 * 2 * 15 - 1) * 4);
    // A convolution of 15 pixels and 6 channels on 2x2: 8 tiles, 3 groups, 9 steps.
    CHECK(result.causes[static_cast<std::size_t>(Cause::kCompute)] == 8 * 3 * 9);
    if (repeat == 0) first_cycles = result.cycles;
    CHECK(result.cycles == first_cycles);
  }
}

TEST_CASE("actions counted from the words equal the counts of the RTL memories", "[rtl][actions]") {
  spec::Config config = small_config();  // the window former takes two steps per row
  config.cols = 8;
  config.activations16 = true;
  tests::check_accesses(config, 20);
}

TEST_CASE("RUN times follow the tokens", "[rtl][run]") {
  const TinyProgram tiny = tiny_program(small_config(), 1);
  std::vector<std::uint8_t> dram = tiny.dram;
  const RunResult result = RtlRunner(tiny.program, checked_options()).run_dram(dram);
  REQUIRE(result.runs.size() == 8);
  for (const RunTiming& run : result.runs) CHECK(run.start < run.end);
  CHECK(result.runs[4].start >= result.runs[3].end);  // compute after the last load
  CHECK(result.runs[5].start >= result.runs[4].end);  // vector after compute
  CHECK(result.runs[7].start >= result.runs[5].end);  // second store after vector
  CHECK(result.runs[6].start < result.runs[5].end);   // first store overlaps vector
}

TEST_CASE("slow and stalling memory changes the cycles, not the result", "[rtl][run]") {
  const TinyProgram tiny = tiny_program(small_config(), 3);
  const auto cycles_with = [&tiny](const RtlOptions& options) {
    std::vector<std::uint8_t> dram = tiny.dram;
    const RunResult result = RtlRunner(tiny.program, options).run_dram(dram);
    CHECK(dram == tiny.expected);
    return result.cycles;
  };
  RtlOptions options = checked_options();
  const std::uint64_t usual = cycles_with(options);
  options.axi_latency = 100;
  CHECK(cycles_with(options) > usual);
  options.axi_latency = 32;
  options.axi_bytes_per_cycle = 1;
  CHECK(cycles_with(options) > usual);
  options.axi_bytes_per_cycle = 0;
  for (const std::uint32_t seed : {1u, 2u, 3u}) {
    CAPTURE(seed);
    options.stall_percent = 50;
    options.seed = seed;
    CHECK(cycles_with(options) > usual);
  }
}

TEST_CASE("errors on the bus are reported with cause and address", "[rtl][run][error]") {
  const TinyProgram tiny = tiny_program(small_config(), 1);
  RtlRunner runner(tiny.program, checked_options());
  std::vector<std::uint8_t> dram = tiny.dram;
  SECTION("load") {
    runner.inject_error(8, 8, 2);
    CHECK_THROWS_WITH(runner.run_dram(dram), ContainsSubstring("load engine") &&
                                                 ContainsSubstring("0x10008") &&
                                                 ContainsSubstring("in run 0 of layer"));
  }
  SECTION("store") {
    runner.inject_error(8192, 8192, 3);
    CHECK_THROWS_WITH(runner.run_dram(dram),
                      ContainsSubstring("store engine") && ContainsSubstring("0x12000") &&
                          ContainsSubstring("in run 6 of layer 1 maximum: store "));
  }
  SECTION("fetch") {
    const auto words = static_cast<std::uint64_t>(tiny.program.program_offset());
    runner.inject_error(words, words, 2);
    CHECK_THROWS_WITH(runner.run_dram(dram), ContainsSubstring("instruction read"));
  }
}

TEST_CASE("a program is stopped before it accesses memory outside of its window",
          "[rtl][run][error]") {
  for (const isa::Engine engine : {isa::Engine::kLoad, isa::Engine::kStore}) {
    TinyProgram tiny = tiny_program(small_config(), 1);
    for (isa::Word& word : tiny.program.words)
      if (isa::opcode_of(word) == isa::Opcode::kSet && isa::engine_of(word) == engine &&
          isa::register_of(word) == isa::dma::kDram.reg)
        word = isa::encode_set(engine, isa::dma::kDram.reg, 0x100000);
    RtlOptions options = checked_options();
    options.lockstep = false;  // the architecture simulator refuses the copy as well
    options.build.lockstep = true;
    std::vector<std::uint8_t> dram = tiny.dram;
    const std::string name(isa::kEngineNames[static_cast<std::size_t>(engine)]);
    CHECK_THROWS_WITH(RtlRunner(tiny.program, options).run_dram(dram),
                      ContainsSubstring(name + " engine would leave the window, at 0x110000") &&
                          ContainsSubstring("in run "));
  }
}

TEST_CASE("an illegal word stops the design at its offset", "[rtl][run][error]") {
  TinyProgram tiny = tiny_program(small_config(), 1);
  tiny.program.words[3] = ~isa::Word{0};
  RtlOptions options = checked_options();
  options.lockstep = false;  // the architecture simulator refuses the word as well
  options.build.lockstep = true;
  std::vector<std::uint8_t> dram = tiny.dram;
  CHECK_THROWS_WITH(RtlRunner(tiny.program, options).run_dram(dram),
                    ContainsSubstring("illegal instruction, at 0x18"));
}

/// The design has two columns, so it has neither a window former nor transposed loads.
TEST_CASE("a RUN that the configuration does not support stops design and simulator",
          "[rtl][run][error]") {
  using isa::Engine;
  const auto [engine, op, flags, name] = GENERATE(table<Engine, int, int, std::string>(
      {{Engine::kLoad, 6, 0, "target transposed"},
       {Engine::kLoad, 6, 1, "target transposed with from_dmem"},
       {Engine::kCompute, 0, 1 << isa::compute::kWindow, "precision int8 with window"}}));
  CAPTURE(name);
  TinyProgram tiny = tiny_program(small_config(), 1);
  const auto run = std::find_if(
      tiny.program.words.begin(), tiny.program.words.end(), [e = engine](isa::Word word) {
        return isa::opcode_of(word) == isa::Opcode::kRun && isa::engine_of(word) == e;
      });
  const auto at = 8 * (run - tiny.program.words.begin());
  isa::Run lacking = isa::decode_run(*run);
  lacking.op = op;
  lacking.flags |= flags;
  *run = isa::encode_run(engine, lacking);
  RtlOptions options = checked_options();
  options.lockstep = false;
  options.build.lockstep = true;
  std::vector<std::uint8_t> dram = tiny.dram;
  CHECK_THROWS_WITH(RtlRunner(tiny.program, options).run_dram(dram),
                    ContainsSubstring(fmt::format(
                        "an instruction needs a feature that this design lacks, at 0x{:x}", at)) &&
                        ContainsSubstring(name + ": the configuration lacks ") &&
                        ContainsSubstring("array.cols: 4 or more") &&
                        ContainsSubstring(", in run "));
  CHECK_THROWS_WITH(run_arch_dram(tiny.program, dram), ContainsSubstring(name));
}

TEST_CASE("a deadlock ends with a message, not with a hang", "[rtl][run][error]") {
  TinyProgram tiny = tiny_program(small_config(), 1);
  for (isa::Word& word : tiny.program.words)  // the last load no longer gives its token
    if (isa::opcode_of(word) == isa::Opcode::kRun && isa::engine_of(word) == isa::Engine::kLoad)
      word = isa::encode_run(isa::Engine::kLoad, {0, 0, isa::decode_run(word).op, 0});
  std::vector<std::uint8_t> dram = tiny.dram;
  const auto end = 8 * (tiny.program.words.size() - 1);
  CHECK_THROWS_WITH(
      run_arch_dram(tiny.program, dram),
      ContainsSubstring("RUN 4: compute waits for a token of load that no earlier RUN gives"));
  RtlOptions options = checked_options();
  CHECK_THROWS_WITH(
      RtlRunner(tiny.program, options).run_dram(dram),
      ContainsSubstring(fmt::format("RUNs wait for tokens that no RUN gives, at 0x{:x}", end)) &&
          ContainsSubstring("compute 0/0 of 1 RUNs started/ended, next run 4 of layer"));
  options.max_cycles = 50;  // the runner's own limit, which is shorter
  CHECK_THROWS_WITH(
      RtlRunner(tiny.program, options).run_dram(dram),
      ContainsSubstring("not finished after") && ContainsSubstring("compute 0/0 of 1 RUNs"));
}

/// Memories of a new design are zero here. After a scrub a program sees the same values, but after
/// another program it sees different ones.
TEST_CASE("a scrub leaves nothing of a program to the next one", "[rtl][run][scrub]") {
  const TinyProgram tiny = tiny_program(small_config(), 1);
  const std::vector<isa::Word>& words = tiny.program.words;
  DrivenDesign used;
  const auto check = [&](const char* what, const std::vector<isa::Word>& probe) {
    CAPTURE(what);
    DrivenDesign fresh;
    const std::vector<std::uint8_t> zeros = fresh.run(probe, tiny.dram);
    CHECK(used.run(words, tiny.dram) == tiny.expected);
    CHECK(used.run(probe, tiny.dram) != zeros);  // shows that the probe works
    CHECK(used.run(words, tiny.dram) == tiny.expected);
    used.scrub();
    CHECK(used.read(csr::kStatus) == 0);
    CHECK(used.run(probe, tiny.dram) == zeros);
  };
  check("a store of DMEM", dump_program(words));
  check("a convolution of DMEM", without_load(words, isa::dma::Target::kDmem));
  check("a convolution with weights", without_load(words, isa::dma::Target::kPmem));
  check("biases", without_load(words, isa::dma::Target::kBias));
  check("scales", without_load(words, isa::dma::Target::kScale));
}

TEST_CASE("registers read what was written, and unknown ones answer with an error",
          "[rtl][run][csr]") {
  BareDesign design;
  CHECK(design.read(csr::kId) == csr::kIdValue);
  CHECK(design.read(csr::kStatus) == 0);
  CHECK(design.read(csr::kWatchdog) == csr::kWatchdogReset);
  const std::pair<std::uint32_t, std::uint32_t> values[] = {
      {csr::kIrqEnable, 2},        {csr::kProgram, 0x12345680}, {csr::kProgramWords, 77},
      {csr::kBase, 0x2bcdef00},    {csr::kWindowFirst, 0x1000}, {csr::kWindowLast, 0x7ffff},
      {csr::kWatchdog, 0x00abcdef}};
  for (const auto& [offset, value] : values) REQUIRE(design.write(offset, value) == 0);
  for (const auto& [offset, value] : values) {
    CAPTURE(offset);
    CHECK(design.read(offset) == value);
  }
  for (const std::uint32_t high : {csr::kProgram, csr::kBase, csr::kWindowFirst, csr::kWindowLast})
    CHECK(design.read(high + 4) == 0);
  CHECK(design.read(csr::kIrqStatus) == 0);
  CHECK(design.read(csr::kErrorRun) == 0);
  std::uint32_t value = 0;
  CHECK(design.try_read(0xf00, &value) > 0);
  CHECK(design.write(0xf00, 1) > 0);
  CHECK(design.write(csr::kId, 1) > 0);
  CHECK(design.write(csr::kBase, 0x10001) > 0);  // not a multiple of the bus width
  CHECK(design.read(csr::kBase) == 0x2bcdef00);
}

TEST_CASE("a fetch outside of the window and one that is not answered are told apart",
          "[rtl][run][error]") {
  BareDesign design(5'000);
  SECTION("window") {
    design.write(csr::kWindowFirst, 0x20000);
    design.write(csr::kWindowLast, 0x2ffff);
    CHECK(design.cause_of_start() == 6);
  }
  SECTION("timeout") {
    design.write(csr::kWindowLast, 0x2ffff);
    design.write(csr::kWatchdog, 100);
    CHECK(design.cause_of_start() == 9);
  }
  CHECK(design.read(csr::kErrorAddress) == 0x10000);
}

TEST_CASE("a program for another configuration is refused by driver, design and simulator",
          "[rtl][run][error]") {
  spec::Config other = small_config();
  other.pmem_kib *= 2;
  TinyProgram tiny = tiny_program(other, 1);
  tiny.program.config = small_config();
  CHECK_THROWS_WITH(RtlRunner(tiny.program, checked_options()),
                    ContainsSubstring("compiled for another configuration"));
  tiny.program.config_hash = small_config().hash();  // as if the driver had not checked it
  std::vector<std::uint8_t> dram = tiny.dram;
  RtlOptions options = checked_options();
  options.lockstep = false;
  options.build.lockstep = true;
  CHECK_THROWS_WITH(
      RtlRunner(tiny.program, options).run_dram(dram),
      ContainsSubstring("compiled for another configuration, as its first word shows, at 0x0"));
  CHECK(dram == tiny.dram);
  CHECK_THROWS_WITH(
      run_arch_dram(tiny.program, dram),
      ContainsSubstring("compiled for another configuration, as its first word shows"));
  tiny.program.words.front() = small_config().hash();
  RtlRunner(tiny.program, options).run_dram(dram);
  CHECK(dram == tiny.expected);
}

TEST_CASE("a program runs on a design with another pipeline", "[rtl][run]") {
  spec::Config compiled_for = small_config();
  compiled_for.pipeline_rows = compiled_for.pipeline_cols = 1;
  compiled_for.name = "before";
  TinyProgram tiny = tiny_program(compiled_for, 1);
  compiler::set_configuration(tiny.program, small_config());
  std::vector<std::uint8_t> dram = tiny.dram;
  RtlRunner(tiny.program, checked_options()).run_dram(dram);
  CHECK(dram == tiny.expected);
}

TEST_CASE("lockstep names the instruction that the RTL executes differently", "[rtl][lockstep]") {
  // The design has already loaded the program when the zero point of the convolution changes for
  // the simulator only.
  TinyProgram tiny = tiny_program(small_config(), 1);
  RtlRunner runner(tiny.program, checked_options());
  for (isa::Word& word : tiny.program.words)
    if (isa::opcode_of(word) == isa::Opcode::kSet &&
        isa::engine_of(word) == isa::Engine::kCompute &&
        isa::register_of(word) == isa::post::kZeroPoint.reg)
      word ^= isa::Word{4} << isa::post::kZeroPoint.lsb;
  std::vector<std::uint8_t> dram = tiny.dram;
  CHECK_THROWS_WITH(runner.run_dram(dram),
                    ContainsSubstring("lockstep: cycle ") && ContainsSubstring("RUN 4: ") &&
                        ContainsSubstring("DMEM word 0x8") && ContainsSubstring("expected 0x"));
}

TEST_CASE("lockstep in two threads compares each model's own writes", "[rtl][lockstep]") {
  const auto run = [](std::uint32_t seed) {
    const TinyProgram tiny = tiny_program(small_config(), seed);
    RtlRunner runner(tiny.program, checked_options());
    for (int i = 0; i < 50; ++i) {
      std::vector<std::uint8_t> dram = tiny.dram;
      runner.run_dram(dram);  // throws at a write to another state
      if (dram != tiny.expected) return false;
    }
    return true;
  };
  CHECK(run(1));  // the design is built
  std::future<bool> one = std::async(std::launch::async, run, 1),
                    other = std::async(std::launch::async, run, 2);
  CHECK(one.get());
  CHECK(other.get());
}
