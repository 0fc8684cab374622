// SPDX-License-Identifier: Apache-2.0
//
// Runs programs with operators of the host through the driver, with the architecture simulator as
// its device, and compares with recorded results of LiteRT.

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "sim/arch/simulate.h"
#include "spec/config.h"
#include "spec/csr.h"
#include "sw/base/catch.h"
#include "sw/compiler/compiler.h"
#include "sw/model/import/import.h"
#include "sw/program/reference_ops.h"
#include "sw/program/segments_image.h"
#include "sw/reference/vectors/vectors.h"
#include "sw/runtime/trine_stages.h"
#include "sw/runtime/trine_vmm.h"

namespace {

using namespace trine;

const std::filesystem::path kOperators =
    std::filesystem::path(TRINE_SOURCE_DIR) / "tests" / "operators";
constexpr std::uint64_t kBase = 0x1000;

/// A device that runs a program as soon as it is started.
struct Simulated {
  explicit Simulated(const spec::Config& c) : config(c) {
    put64(csr::kConfigHash, config.hash());
    registers[csr::kId] = csr::kIdValue;
    registers[csr::kVersion] = isa::kVersion;
    registers[csr::kRegistersVersion] = csr::kRegistersVersionValue;
  }

  std::uint64_t get64(std::uint32_t offset) {
    return std::uint64_t{registers[offset + 4]} << 32 | registers[offset];
  }
  void put64(std::uint32_t offset, std::uint64_t value) {
    registers[offset] = static_cast<std::uint32_t>(value);
    registers[offset + 4] = static_cast<std::uint32_t>(value >> 32);
  }
  void start() {
    compiler::Program program;
    program.config = config;
    program.name = "device";
    program.words.resize(registers[csr::kProgramWords]);
    std::memcpy(program.words.data(), memory.data() + get64(csr::kProgram) - kBase,
                8 * program.words.size());
    program.run_layer.assign(program.words.size(), 0);
    program.layers.resize(1);
    const auto base = static_cast<std::ptrdiff_t>(get64(csr::kBase));
    std::vector<std::uint8_t> dram(kBase + memory.size());
    std::ranges::copy(memory, dram.begin() + kBase);
    std::vector<std::uint8_t> seen(dram.begin() + base, dram.end());
    program.dram_bytes = std::ssize(seen);
    sim::run_arch_dram(program, seen);
    std::ranges::copy(seen, dram.begin() + base);
    memory.assign(dram.begin() + kBase, dram.end());
    registers[csr::kStatus] = 2;
    ++runs;
  }
  trine_callbacks callbacks() {
    trine_callbacks c{};
    c.context = this;
    c.read32 = [](void* s, std::uint32_t offset, std::uint32_t* value) {
      *value = static_cast<Simulated*>(s)->registers[offset];
      return 0;
    };
    c.write32 = [](void* s, std::uint32_t offset, std::uint32_t value) {
      auto& self = *static_cast<Simulated*>(s);
      self.registers[offset] = value;
      self.loads += offset == csr::kProgram;
      if (offset == csr::kControl) self.start();
      return 0;
    };
    c.map = [](void* s, std::uint64_t address, std::size_t bytes) -> void* {
      auto& memory = static_cast<Simulated*>(s)->memory;
      const std::uint64_t place = address - kBase;
      return place > memory.size() || bytes > memory.size() - place ? nullptr
                                                                    : memory.data() + place;
    };
    return c;
  }

  spec::Config config;
  std::map<std::uint32_t, std::uint32_t> registers;
  std::vector<std::uint8_t> memory;
  int runs = 0, loads = 0;
};

/// A file of stages at an address that the driver accepts.
struct File {
  explicit File(const compiler::Program& program) {
    const std::string text = program::write_segments(program);
    size = text.size();
    words.resize((size + 7) / 8);
    std::memcpy(words.data(), text.data(), size);
  }
  int read() { return trine_read_stages(words.data(), size, &stages); }
  std::uint32_t& number(std::size_t index) {
    return *(reinterpret_cast<std::uint32_t*>(words.data()) + index);
  }
  void seal() {
    const auto* bytes = reinterpret_cast<const Bytef*>(words.data());
    number(31) =
        static_cast<std::uint32_t>(::crc32_z(::crc32_z(0, bytes, 124), bytes + 128, size - 128));
  }

  std::vector<std::uint64_t> words;
  std::size_t size;
  trine_stages stages;
};

compiler::Program compiled(const std::string& name, const spec::Config& config,
                           reference::RoundingPolicy rounding = {}) {
  compiler::CompileOptions options;
  options.rounding = rounding;
  options.host = compiler::HostPart::kAnywhere;
  return compiler::compile(model::import_tflite(kOperators / (name + ".tflite"), true), config,
                           options);
}

struct Loaded {
  Simulated device;
  File file;
  trine_storage storage;
  trine_callbacks callbacks = device.callbacks();
  trine_device* handle = nullptr;
  std::vector<std::uint64_t> arena;

  explicit Loaded(const compiler::Program& program) : device(program.config), file(program) {
    REQUIRE(file.read() == TRINE_OK);
    device.memory.resize(file.stages.memory_bytes);
    arena.resize(file.stages.arena_bytes / 8);
    REQUIRE(trine_open(&storage, sizeof storage, &callbacks, &handle) == TRINE_OK);
  }
  int run(const trine_host_function* functions, std::size_t count) {
    return trine_run_stages(handle, &file.stages, kBase, arena.data(), functions, count, 1);
  }
};

}  // namespace

TEST_CASE("operators of the host are called between the stages, with results as recorded",
          "[runtime][stages]") {
  const spec::Config config = spec::load_config("edge32");
  std::vector<std::string> names{"lstm_sequence", "../lstm/network", "../lstm/network16"};
  for (const auto& entry : std::filesystem::directory_iterator(kOperators)) {
    const std::string name = entry.path().stem();
    if (entry.path().extension() == ".tflite" && name.starts_with("host_")) names.push_back(name);
  }
  int several = 0, checked = 0;
  for (const std::string& name : names) {
    CAPTURE(name);
    const reference::VectorSet vectors = reference::read_vectors(kOperators / name);
    const compiler::Program program = compiled(name, config, vectors.policy);
    Loaded loaded(program);
    for (const reference::VectorCase& c : vectors.cases) {
      trine_host_tensor tensor;
      REQUIRE(c.inputs.size() == loaded.file.stages.inputs);
      for (std::uint32_t i = 0; i < c.inputs.size(); ++i) {
        REQUIRE(trine_stages_input(&loaded.file.stages, loaded.arena.data(), i, &tensor) ==
                TRINE_OK);
        REQUIRE(tensor.bytes == c.inputs[i].bytes.size());
        std::memcpy(tensor.data, c.inputs[i].bytes.data(), tensor.bytes);
      }
      REQUIRE(loaded.run(&program::kReferenceOps, 1) == TRINE_OK);
      REQUIRE(c.outputs.size() == loaded.file.stages.outputs);
      for (std::uint32_t i = 0; i < c.outputs.size(); ++i) {
        REQUIRE(trine_stages_output(&loaded.file.stages, loaded.arena.data(), i, &tensor) ==
                TRINE_OK);
        REQUIRE(tensor.bytes == c.outputs[i].bytes.size());
        CHECK(std::memcmp(tensor.data, c.outputs[i].bytes.data(), tensor.bytes) == 0);
      }
    }
    const auto stages = static_cast<int>(program.rest.size()) + 1;
    const auto cases = static_cast<int>(vectors.cases.size());
    CHECK(loaded.device.runs == stages * cases);
    CHECK(loaded.device.loads == (stages == 1 ? 1 : stages * cases));
    several += stages > 1;
    ++checked;
  }
  CHECK(checked == 13);
  CHECK(several > 2);
}

namespace {

/// A program with its first recorded case.
struct Recorded {
  File file;
  reference::VectorCase first;
  std::vector<std::uint64_t> arena;

  Recorded(const std::string& name, const spec::Config& config)
      : Recorded(name, config, reference::read_vectors(kOperators / name)) {}
  Recorded(const std::string& name, const spec::Config& config, const reference::VectorSet& vectors)
      : file(compiled(name, config, vectors.policy)), first(vectors.cases.front()) {
    REQUIRE(file.read() == TRINE_OK);
    arena.resize(file.stages.arena_bytes / 8);
  }

  /// @return the result of trine_run_stages(). If it is TRINE_OK, the outputs equal the recorded
  /// ones.
  int run(trine_device* device, std::uint64_t base) {
    trine_host_tensor tensor;
    for (std::uint32_t i = 0; i < first.inputs.size(); ++i) {
      REQUIRE(trine_stages_input(&file.stages, arena.data(), i, &tensor) == TRINE_OK);
      std::memcpy(tensor.data, first.inputs[i].bytes.data(), tensor.bytes);
    }
    const int result =
        trine_run_stages(device, &file.stages, base, arena.data(), &program::kReferenceOps, 1, 1);
    for (std::uint32_t i = 0; i < first.outputs.size() && result == TRINE_OK; ++i) {
      REQUIRE(trine_stages_output(&file.stages, arena.data(), i, &tensor) == TRINE_OK);
      CHECK(std::memcmp(tensor.data, first.outputs[i].bytes.data(), tensor.bytes) == 0);
      std::memset(tensor.data, 0, tensor.bytes);
    }
    return result;
  }
};

/// Returns the names of programs of one stage, which need not be loaded again.
std::vector<std::string> of_one_stage(const spec::Config& config) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kOperators)) {
    const std::string name = entry.path().stem();
    if (entry.path().extension() == ".tflite" && name.starts_with("host_") &&
        compiled(name, config).rest.empty())
      names.push_back(name);
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace

TEST_CASE("programs that take turns on a device are loaded only when needed", "[runtime][stages]") {
  const spec::Config config = spec::load_config("edge32");
  const std::vector<std::string> names = of_one_stage(config);
  REQUIRE(names.size() >= 2);
  Recorded a(names[0], config), b(names[1], config);
  a.file.words.resize(std::max(a.file.words.size(), b.file.words.size()));
  REQUIRE(a.file.read() == TRINE_OK);
  constexpr std::uint64_t kVmmAt = kBase + 0x20000, kOther = kBase + 0x40000;
  Simulated device(config), second(config);
  device.memory.resize(0x60000);
  REQUIRE(a.file.stages.memory_bytes < 0x20000);
  REQUIRE(b.file.stages.memory_bytes < 0x20000);
  second.memory.resize(device.memory.size());
  trine_storage storage, second_storage;
  trine_callbacks callbacks = device.callbacks(), second_callbacks = second.callbacks();
  trine_device *handle = nullptr, *second_handle = nullptr;
  REQUIRE(trine_open(&storage, sizeof storage, &callbacks, &handle) == TRINE_OK);
  REQUIRE(trine_open(&second_storage, sizeof second_storage, &second_callbacks, &second_handle) ==
          TRINE_OK);
  int loads = 0;
  const auto run = [&](Recorded& program, std::uint64_t base, bool loaded) {
    CHECK(program.run(handle, base) == TRINE_OK);
    loads += loaded ? 0 : 1;
    CHECK(device.loads == loads);
  };
  run(a, kBase, false);
  run(a, kBase, true);
  run(b, kBase, false);  // overwrites the program
  run(a, kBase, false);
  run(a, kBase, true);

  SECTION("a product of the language models in between") {
    const trine_design design{config.hash(),
                              static_cast<std::uint32_t>(config.rows),
                              static_cast<std::uint32_t>(config.cols),
                              static_cast<std::uint32_t>(config.data_words()),
                              static_cast<std::uint32_t>(config.dmem_words()),
                              static_cast<std::uint32_t>(config.pmem_rows()),
                              static_cast<std::uint32_t>(config.param_channels),
                              static_cast<std::uint32_t>(config.acc_bits),
                              1};
    const std::vector<std::int8_t> weights{1, 2, 3, 4}, inputs{5, 6};
    trine_vmm_matrix matrix{};
    matrix.weights = weights.data();
    matrix.outputs = matrix.inputs = 2;
    matrix.vectors = 1;
    trine_vmm_weights prepared;
    REQUIRE(trine_vmm_prepare(handle, &design, &matrix, kVmmAt, 0x10000, &prepared) == TRINE_OK);
    std::int32_t sums[2] = {};
    REQUIRE(trine_vmm(handle, inputs.data(), &prepared, sums, 1, 1) == TRINE_OK);
    CHECK((sums[0] == 17 && sums[1] == 39));
    ++loads;
    run(a, kBase, false);
    run(a, kBase, true);
  }
  SECTION("at another address") {
    run(a, kOther, false);
    std::fill_n(device.memory.begin(), 0x20000, std::uint8_t{0xa5});
    run(a, kOther, true);
    run(a, kBase, false);
  }
  SECTION("on another device") {
    CHECK(a.run(second_handle, kBase) == TRINE_OK);
    CHECK(second.loads == 1);
    run(a, kBase, true);
  }
  SECTION("another file in the memory of the first") {
    std::ranges::copy(b.file.words, a.file.words.begin());
    a.file.size = b.file.size;
    REQUIRE(a.file.read() == TRINE_OK);
    a.first = b.first;
    a.arena = b.arena;
    run(a, kBase, false);
    run(a, kBase, true);
  }
  SECTION("a load that fails in between") {
    const std::vector<std::uint8_t> memory = device.memory;
    device.memory.resize(1);
    CHECK(b.run(handle, kBase) == TRINE_E_ACCESS);
    device.memory = memory;
    run(a, kBase, false);
  }
}

TEST_CASE("operators are looked up by kind and their return codes are passed on",
          "[runtime][stages]") {
  Loaded loaded(compiled("host_floats", spec::load_config("edge32")));
  static std::vector<std::string> called;
  called.clear();
  const auto note = [](void* context, const trine_host_op* op) {
    called.push_back(op->kind);
    trine_host_tensor tensor;
    CHECK(trine_host_input(op, op->inputs, &tensor) == TRINE_E_ARGUMENT);
    CHECK(trine_host_output(op, op->outputs, &tensor) == TRINE_E_ARGUMENT);
    CHECK(trine_host_number(op, "rounding", -1) >= 0);
    CHECK(trine_host_number(op, "roundin", -7) == -7);
    CHECK(trine_host_number(op, "roundings", -7) == -7);
    return program::run_reference_op(context, op);
  };
  const trine_host_function any{nullptr, note, nullptr};
  REQUIRE(loaded.run(&any, 1) == TRINE_OK);
  REQUIRE(called.size() > 2);
  CHECK(loaded.run(nullptr, 0) == TRINE_E_OPERATOR);
  const trine_host_function first{called[0].c_str(), program::run_reference_op, nullptr};
  CHECK(loaded.run(&first, 1) == TRINE_E_OPERATOR);
  const trine_host_function wrong[] = {
      first, {nullptr, [](void*, const trine_host_op*) { return -77; }, nullptr}};
  CHECK(loaded.run(wrong, 2) == -77);
  CHECK(trine_run_stages(nullptr, &loaded.file.stages, kBase, loaded.arena.data(), &any, 1, 1) ==
        TRINE_E_ARGUMENT);
  CHECK(trine_run_stages(loaded.handle, nullptr, kBase, loaded.arena.data(), &any, 1, 1) ==
        TRINE_E_ARGUMENT);
  CHECK(trine_run_stages(loaded.handle, &loaded.file.stages, kBase, nullptr, &any, 1, 1) ==
        TRINE_E_ARGUMENT);
  CHECK(trine_run_stages(loaded.handle, &loaded.file.stages, kBase, loaded.arena.data(), nullptr, 1,
                         1) == TRINE_E_ARGUMENT);
  trine_host_tensor tensor;
  CHECK(trine_stages_input(&loaded.file.stages, loaded.arena.data(), loaded.file.stages.inputs,
                           &tensor) == TRINE_E_ARGUMENT);
  CHECK(trine_stages_output(&loaded.file.stages, loaded.arena.data(), loaded.file.stages.outputs,
                            &tensor) == TRINE_E_ARGUMENT);
}

TEST_CASE("a stage that the device cannot run ends the run", "[runtime][stages][error]") {
  Loaded loaded(compiled("host_floats", spec::load_config("edge32")));
  loaded.device.memory.resize(loaded.device.memory.size() - 1);
  CHECK(loaded.run(&program::kReferenceOps, 1) == TRINE_E_ACCESS);
  CHECK(loaded.device.runs < 2);
  loaded.device.memory.resize(loaded.device.memory.size() + 1);
  CHECK(loaded.run(&program::kReferenceOps, 1) == TRINE_OK);
  loaded.device.put64(csr::kConfigHash, 1);
  REQUIRE(trine_open(&loaded.storage, sizeof loaded.storage, &loaded.callbacks, &loaded.handle) ==
          TRINE_OK);
  CHECK(loaded.run(&program::kReferenceOps, 1) == TRINE_E_CONFIGURATION);
}

TEST_CASE("a file of stages that contradicts itself is refused", "[runtime][stages][error]") {
  const File good(compiled("host_floats", spec::load_config("edge32")));
  File file = good;
  REQUIRE(file.read() == TRINE_OK);
  const std::size_t tensors = file.number(12) / 4, steps = file.number(14) / 4,
                    lists = file.number(16) / 4, attributes = file.number(18) / 4;
  std::uint32_t map = 0, constant = 0, stage = 0, op = 0;  // one of each
  while (file.number(tensors + 20 * map + 13) != 0) ++map;
  while (file.number(tensors + 20 * constant + 13) == 0) ++constant;
  while (file.number(steps + 8 * stage + 2) == 0) ++stage;
  while (file.number(steps + 8 * op + 2) != 0) ++op;
  const std::size_t of_map = tensors + 20 * map, of_constant = tensors + 20 * constant,
                    of_stage = steps + 8 * stage, of_op = steps + 8 * op;
  const std::uint32_t arena = file.number(6), size = file.number(10),
                      bytes = file.number(of_map + 12), all = file.number(17),
                      good_extent = file.number(of_map + 2);
  const std::size_t op_list = lists + file.number(of_op + 5),
                    stage_list = lists + file.number(of_stage + 5);
  const auto refused = [&](std::size_t at, std::uint32_t value) {
    file = good;
    file.number(at) = value;
    file.seal();
    CAPTURE(at, value);
    CHECK(file.read() == TRINE_E_IMAGE);
  };
  for (const std::size_t hash : {4, 5}) refused(hash, file.number(hash) ^ 1);
  refused(8, file.number(8) - 1);  // memory of the largest stage
  for (const std::size_t table : {12, 14, 16, 18, 19}) refused(table, size);
  for (const std::size_t count : {11, 13, 15, 17, 20}) refused(count, size);
  refused(of_map, 7);      // type
  refused(of_map + 1, 9);  // rank
  refused(of_map + 2, good_extent + 1);
  refused(of_map + 12, bytes + 1);
  refused(of_map + 10, (arena - bytes) / 8 * 8 + 8);
  refused(of_map + 10, file.number(of_map + 10) + 4);
  refused(of_map + 11, 1);
  refused(of_map + 13, 2);
  refused(of_map + 15, size);  // scales
  refused(of_constant + 10, (size - file.number(of_constant + 12)) / 8 * 8 + 8);
  refused(of_constant + 11, 1);
  refused(of_op, 0);            // its kind
  refused(of_op + 6, all + 1);  // attributes
  refused(of_op + 7, all + 1);
  refused(of_op + 5, file.number(15) + 1);  // its list
  refused(of_stage + 1, size);              // its image
  refused(of_stage + 3, file.number(of_stage + 3) + 1);
  refused(op_list, file.number(11));  // no such tensor
  refused(op_list + file.number(of_op + 3), constant);
  refused(op_list + file.number(of_op + 3), ~0U);
  refused(stage_list, ~0U);
  refused(stage_list, constant);  // of another size
  refused(lists, constant);       // an input of the network
  refused(lists, ~0U);
  refused(attributes, 0);  // a name
  refused(attributes + 1, size);
  refused(attributes + 2, 4);
  refused(attributes + 3, 1);  // a text among the doubles
  file = good;
  const std::size_t last = file.number(19) + file.number(20) - 1;
  reinterpret_cast<std::uint8_t*>(file.words.data())[last] = 'x';
  file.seal();
  CHECK(file.read() == TRINE_E_IMAGE);
}

TEST_CASE("a damaged file of stages is refused, whatever its checksum says",
          "[runtime][stages][error]") {
  const compiler::Program program = compiled("host_floats", spec::load_config("edge32"));
  const File good(program);
  File file = good;
  REQUIRE(file.read() == TRINE_OK);
  CHECK(trine_read_stages(nullptr, 128, &file.stages) == TRINE_E_ARGUMENT);
  CHECK(trine_read_stages(file.words.data(), file.size, nullptr) == TRINE_E_ARGUMENT);
  CHECK(trine_read_stages(reinterpret_cast<char*>(file.words.data()) + 4, file.size - 4,
                          &file.stages) == TRINE_E_ARGUMENT);
  for (std::size_t size = 0; size < file.size; size += 97)
    CHECK(trine_read_stages(file.words.data(), size, &file.stages) == TRINE_E_IMAGE);
  for (std::size_t i = 0; i < file.size / 4; i += i < 600 ? 1 : 41) {
    CAPTURE(i);
    file.number(i) ^= 0x400;
    CHECK(file.read() == (i == 3 ? TRINE_E_VERSION : TRINE_E_IMAGE));
    file.number(i) ^= 0x400;
  }
  // After sealing again, nothing outside of file and arena is read or written (under sanitizers).
  std::mt19937 random{1};
  const std::size_t tables = file.number(19) / 4;  // up to the texts
  int refused = 0;
  for (int i = 0; i < 3000; ++i) {
    file = good;
    const std::size_t at = random() % tables;
    const std::uint32_t values[] = {0,
                                    1,
                                    ~0U,
                                    file.number(at) + 1,
                                    file.number(at) - 1,
                                    1U << 31,
                                    static_cast<std::uint32_t>(random())};
    file.number(at) = values[random() % std::size(values)];
    file.seal();
    CAPTURE(i, at, file.number(at));
    const int result = file.read();
    CHECK((result == TRINE_OK || result == TRINE_E_IMAGE || result == TRINE_E_VERSION));
    refused += result != TRINE_OK;
    if (result != TRINE_OK || file.stages.arena_bytes > 1 << 20) continue;
    std::vector<std::uint64_t> arena(file.stages.arena_bytes / 8 + 1);
    trine_host_tensor tensor;
    for (std::uint32_t n = 0; n < file.stages.inputs; ++n) {
      REQUIRE(trine_stages_input(&file.stages, arena.data(), n, &tensor) == TRINE_OK);
      const auto* begin = reinterpret_cast<const std::uint8_t*>(arena.data());
      const auto* data = static_cast<const std::uint8_t*>(tensor.data);
      const bool inside = data >= begin && data + tensor.bytes <= begin + file.stages.arena_bytes;
      CHECK((inside || tensor.constant != 0));
    }
  }
  CHECK(refused > 500);
}
