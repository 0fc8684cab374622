// SPDX-License-Identifier: Apache-2.0
//
// Checks what needs no framework: units and parts of graphs, options, refused versions.

#include <dlfcn.h>

#include <filesystem>
#include <memory>
#include <set>

#include "components/plugins/options.h"
#include "components/plugins/ort.h"
#include "components/plugins/partition.h"
#include "components/plugins/tflite.h"
#include "sw/base/catch.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/process.h"

namespace trine::abi {
namespace {

/// A graph given by its nodes; tensors from 100 on are floats.
class Drawn : public Source {
 public:
  explicit Drawn(std::vector<Node> nodes) : nodes_(std::move(nodes)) {}
  std::vector<Node> nodes() const override { return nodes_; }
  bool holds_codes(int tensor) const override { return tensor < 100; }
  std::vector<std::uint8_t> file(const Nodes&) const override { return {}; }
  std::vector<Nodes> parts(const Nodes& nodes) const override {
    return convex_parts(nodes_, nodes);
  }

 private:
  std::vector<Node> nodes_;
};

Node node(std::vector<int> inputs, std::vector<int> outputs, bool dequantizes = false) {
  Node made;
  made.inputs = std::move(inputs);
  made.outputs = std::move(outputs);
  made.dequantizes = dequantizes;
  return made;
}

void* symbol(const char* library, const char* name) {
  void* handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  INFO((handle == nullptr ? dlerror() : ""));
  REQUIRE(handle != nullptr);
  return dlsym(handle, name);
}

TEST_CASE("Nodes that hand each other floats are one unit", "[abi]") {
  // 0 -> DQ 100 -> conv 101 -> relu 102 -> Q 1. The floats of the DQ have a second reader after Q.
  const std::vector<Node> nodes = {
      node({0}, {100}, true), node({100}, {101}),      node({101}, {102}), node({102}, {1}),
      node({1}, {103}, true), node({103, 100}, {104}), node({104}, {2})};
  CHECK(units_of(Drawn(nodes), nodes) == std::vector<Nodes>{{0, 1, 2, 3}, {4, 5, 6}});
}

TEST_CASE("No path leaves a part and enters it again", "[abi]") {
  // There are two paths from 0 to 3; one of them contains node 1.
  const std::vector<Node> nodes = {node({0}, {1}), node({1}, {2}), node({1}, {3}),
                                   node({2, 3}, {4})};
  CHECK(convex_parts(nodes, {0, 1, 2, 3}) == std::vector<Nodes>{{0, 1, 2, 3}});
  CHECK(convex_parts(nodes, {0, 2, 3}) == std::vector<Nodes>{{0, 2}, {3}});
  CHECK(convex_parts(nodes, {}).empty());
}

TEST_CASE("A node that reads only constants joins the part of its reader", "[abi]") {
  // Node 0 reads only a constant; node 2, which reads it, follows a node that is not claimed.
  const std::vector<Node> nodes = {node({50}, {100}, true), node({0}, {1}), node({1, 100}, {2}),
                                   node({0}, {3})};
  CHECK(convex_parts(nodes, {0, 2, 3}) == std::vector<Nodes>{{3}, {0, 2}});
}

/// A graph whose nodes cannot be handed over, because of a fault that is not a refusal.
class Faulty : public Drawn {
 public:
  using Drawn::Drawn;
  std::vector<std::uint8_t> file(const Nodes&) const override {
    throw std::out_of_range("vector::_M_range_check");
  }
};

TEST_CASE("An internal error leaves the nodes to the framework", "[abi]") {
  const Faulty source({node({0}, {1}), node({1}, {2})});
  const Partition partition(source, "a framework", options_of({}));
  CHECK(partition.parts().empty());
  CHECK(partition.text().find("internal error: vector::_M_range_check") != std::string::npos);
}

TEST_CASE("A session that ends late leaves the report of a newer one", "[abi]") {
  const TemporaryFolder folder(std::filesystem::temp_directory_path());
  const std::filesystem::path file = folder.path() / "report.json";
  const Options options = options_of({{"report", file.string()}});
  auto old = std::make_unique<Partition>(Faulty({node({0}, {1}), node({1}, {2})}), "a", options);
  const std::string of_old = read_text(file);
  auto recent = std::make_unique<Partition>(Faulty({node({0}, {1})}), "a", options);
  const std::string of_recent = read_text(file);
  REQUIRE(of_old != of_recent);
  old.reset();
  CHECK(read_text(file) == of_recent);
  std::filesystem::remove(file);
  recent.reset();
  CHECK(read_text(file) == of_recent);
}

TEST_CASE("Options are read or refused", "[abi]") {
  const Options options = options_of({{"config", "edge64"},
                                      {"set", "array.rows=4 array.cols=2"},
                                      {"strict", "true"},
                                      {"backend", "rtl"}});
  CHECK(options.config.rows == 4);
  CHECK(options.config.cols == 2);
  CHECK(options.strict);
  CHECK(options.backend.backend == "rtl");
  CHECK(options_of({}).backend.backend == "arch");
  for (const auto& [key, value] :
       std::vector<std::pair<std::string, std::string>>{{"colour", "red"},
                                                        {"strict", "maybe"},
                                                        {"backend", "fpga"},
                                                        {"set", "array.rows=x"},
                                                        {"config", "edge7"},
                                                        {"report", "/nowhere/report.json"}})
    CHECK_THROWS_AS(options_of({{key, value}}), Error);
}

std::string& heard() {
  static std::string text;
  return text;
}
ort::Status* keep(int, const char* text) {
  heard() = text;
  return reinterpret_cast<ort::Status*>(&heard());
}
const void* table_of(std::uint32_t) {
  static const void* const slots[400] = {reinterpret_cast<const void*>(&keep)};
  return slots;
}

TEST_CASE("An unknown ONNX Runtime version is refused by name", "[abi]") {
  using Create = ort::Status* (*)(const char*, const ort::Base*, const ort::Logger*,
                                  ort::EpFactory**, std::size_t, std::size_t*);
  using Release = ort::Status* (*)(ort::EpFactory*);
  const auto create = reinterpret_cast<Create>(symbol(TRINE_PROVIDER, "CreateEpFactories"));
  const auto release = reinterpret_cast<Release>(symbol(TRINE_PROVIDER, "ReleaseEpFactory"));
  ort::EpFactory* factory = nullptr;
  std::size_t count = 0;
  const ort::Base other{&table_of, [] { return "1.30.0"; }};
  CHECK(create("Trine", &other, nullptr, &factory, 1, &count) != nullptr);
  CHECK(heard() == "trine: ONNX Runtime 1.30.0, allowed 1.31.1 1.32.0");
  CHECK(factory == nullptr);
  for (const char* version : ort::kKnown) {
    static const char* now;
    now = version;
    const ort::Base known{&table_of, [] { return now; }};
    REQUIRE(create("Trine", &known, nullptr, &factory, 1, &count) == nullptr);
    CHECK(count == 1);
    CHECK(std::string(factory->name(factory)) == "Trine");
    CHECK(release(factory) == nullptr);
  }
}

TEST_CASE("A delegate is created or its wrong options are reported", "[abi]") {
  using Create = tflite::Delegate* (*)(char**, char**, std::size_t, void (*)(const char*));
  using Destroy = void (*)(tflite::Delegate*);
  const auto create =
      reinterpret_cast<Create>(symbol(TRINE_DELEGATE, "tflite_plugin_create_delegate"));
  const auto destroy =
      reinterpret_cast<Destroy>(symbol(TRINE_DELEGATE, "tflite_plugin_destroy_delegate"));
  std::string key = "backend", value = "fpga";
  char *keys[] = {key.data()}, *values[] = {value.data()};
  CHECK(create(keys, values, 1, [](const char* text) { heard() = text; }) == nullptr);
  CHECK(heard() == "trine: backend: fpga, allowed arch rtl netlist");
  CHECK(create(keys, values, 1, nullptr) == nullptr);
  tflite::Delegate* made = create(nullptr, nullptr, 0, nullptr);
  REQUIRE(made != nullptr);
  CHECK(made->prepare != nullptr);
  CHECK(made->flags == 0);
  destroy(made);
  destroy(nullptr);
}

}  // namespace
}  // namespace trine::abi
