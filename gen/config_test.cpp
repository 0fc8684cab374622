// SPDX-License-Identifier: Apache-2.0
//
// Checks configurations: refusals and their messages, sizes that follow from the keys, hashes.

#include "spec/config.h"

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "gen/generate.h"
#include "gen/testing.h"
#include "spec/isa.h"
#include "spec/precision.h"
#include "spec/schema.h"
#include "sw/base/catch.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/root.h"

using namespace trine;
using namespace trine::gen;
using namespace trine::gen::testing;

namespace {

std::string error_of(const std::string& file, const std::vector<std::string>& settings = {}) {
  try {
    spec::load_config(file, settings);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a faulty configuration is refused with line, key and allowed values",
          "[gen][config][error]") {
  struct Row {
    std::string toml;
    std::string expected;  // after "<file>:"
  };
  const auto row = GENERATE(
      Row{"[memory]\ndmem_kib = 3\n", "2: memory.dmem_kib: 3 is too small, allowed 8..65536"},
      Row{"array = { rows = 300 }\n", "1: array.rows: 300 is too large, allowed 1..256"},
      Row{"\n\n[array]\nrows = \"8\"\n", "4: array.rows: is a string, allowed 1..256"},
      Row{"array.cols = 8.0\n", "1: array.cols: is a float, allowed 1..256"},
      Row{"array.cols = 99999999999999\n",
          "1: array.cols: 99999999999999 is too large, allowed 1..256"},
      Row{"[bus]\naxi_id = 3\naxi_id_bits = 4\n",
          "2: bus.axi_id: 3 and the next number are not both IDs of 4 bits (bus.axi_id_bits), "
          "allowed even numbers of 0..14"},
      Row{"bus.axi_user = 4\nbus.axi_user_bits = 2\n",
          "1: bus.axi_user: 4 has more than 2 bits (bus.axi_user_bits), allowed 0..3"},
      Row{"bus.axi_write_cache = 4\n",
          "1: bus.axi_write_cache: 4 is not available, allowed 0, 1, 2, 3, 6, 7, 10, 11, 14 or 15"},
      Row{"[bus]\naxi_data_bits = 48\n",
          "2: bus.axi_data_bits: 48 is not available, allowed 32, 64, 128, 256, 512 or 1024"},
      Row{"[vector]\nenable = 1\n", "2: vector.enable: is an integer, allowed true or false"},
      Row{"[post]\ncolumns_per_cycle = 3\n",
          "2: post.columns_per_cycle: 3 is too large, allowed 1..2"},
      Row{"[array]\nprecisions = [\"int8\", \"int4\"]\n",
          "2: array.precisions: \"int4\" is not available, allowed a list of \"int8\", "
          "\"ternary\", \"binary\""},
      Row{"[array]\nprecisions = []\n",
          "2: array.precisions: is empty, allowed a list of \"int8\", \"ternary\", \"binary\""},
      Row{"[array]\nprecisions = \"int8\"\n",
          "2: array.precisions: is a string, allowed a list of \"int8\", \"ternary\", \"binary\""},
      Row{"name = \"a b\"\n", "1: name: \"a b\", allowed 1..64 of a-z A-Z 0-9 _ - ."},
      Row{"[array]\nrosw = 8\n",
          "2: array.rosw: unknown key, did you mean array.rows? (all keys: trine generate --help)"},
      Row{"[memry]\ndmem_kib = 8\n",
          "1: memry: unknown key, did you mean memory? (all keys: trine generate --help)"},
      Row{"[vector]\nenabel = true\n",
          "2: vector.enabel: unknown key, did you mean vector.enable? (all keys: trine generate "
          "--help)"},
      Row{"array = 8\n", "1: array: is a group of keys, as in array.rows"},
      Row{"memory.dmem_kib = 9\narray.rows = 256\n",
          "1: memory.dmem_kib: 9 KiB do not fill 512 banks (array.rows, bus.axi_data_bits) with "
          "the same number of rows, allowed multiples of 2, at least 8\n"
          "<file>:1: memory.dmem_kib: 9 KiB cannot hold 8 vectors of 256 words twice, allowed at "
          "least 16"},
      Row{"array.cols = 64\nmemory.pmem_kib = 3\n",
          "2: memory.pmem_kib: 3 KiB hold 12 rows of 64 words (array.cols), allowed at least 4 KiB "
          "(16 rows)"},
      Row{"array.cols = 1\nmemory.pmem_kib = 4097\n",
          "2: memory.pmem_kib: 4097 KiB hold 1048832 rows of 1 words (array.cols), allowed at most "
          "4096 KiB (2^20 rows)"},
      Row{"array.cols = 128\nmemory.param_channels = 64\n",
          "2: memory.param_channels: 64 is less than array.cols, allowed at least 128"},
      Row{"array.weights4 = true\narray.precisions = [\"binary\"]\n",
          "2: array.precisions: lacks \"int8\", which array.weights4 requires, allowed a list with "
          "\"int8\""},
      Row{"array.groups = true\n", "1: array.groups: true requires array.weights4, allowed false"},
      Row{"array.weights4 = true\narray.groups = true\nmemory.ecc = true\n",
          "2: array.groups: true with memory.ecc, allowed false, because ECC does not protect "
          "factors"},
      Row{"memory.packed_weights = true\narray.cols = 6\n",
          "2: array.cols: 6 with memory.packed_weights, allowed multiples of 4"},
      Row{"memory.packed_weights = true\nbus.axi_data_bits = 1024\n",
          "2: bus.axi_data_bits: 1024 bits with memory.packed_weights, allowed at most 512"},
      Row{"memory.packed_weights = true\narray.precisions = [\"int8\"]\nbus.axi_data_bits = 128\n",
          "2: array.precisions: lacks \"ternary\": on a bus of 128 bits memory.packed_weights "
          "packs only ternary weights, allowed a list with it"},
      Row{"array.activations16 = true\narray.rows = 1\n",
          "2: array.rows: 1 with array.activations16, allowed even numbers of 2..256"},
      Row{"array.activations16 = true\narray.precisions = [\"binary\"]\n",
          "2: array.precisions: lacks \"int8\", which array.activations16 requires, allowed a list "
          "with \"int8\""},
      Row{"array.formats = true\n",
          "1: array.formats: true requires array.activations16, allowed false"},
      Row{"bus.axi_data_bits = 512\nmemory.param_channels = 40\n",
          "2: memory.param_channels: 40 does not fill beats of 16 words (bus.axi_data_bits), "
          "allowed multiples of 16, at least 32"});
  CAPTURE(row.toml);
  const Scratch scratch;
  const std::string file = (scratch.path / "edge.toml").string();
  write_file(file, row.toml);
  std::string expected = file + ":" + row.expected;
  if (const auto at = expected.find("<file>"); at != std::string::npos)
    expected.replace(at, 6, file);
  CHECK(error_of(file) == expected);
}

TEST_CASE("all problems are reported, in the order of the lines", "[gen][config][error]") {
  const Scratch scratch;
  const std::string file = (scratch.path / "edge.toml").string();
  write_file(file, "name = 1\n[memory]\npmem_kib = 0\n[array]\nrows = 0\n");
  CHECK(error_of(file, {"array.cols=-1", "foo"}) ==
        file + ":1: name: is an integer, allowed 1..64 of a-z A-Z 0-9 _ - .\n" +  //
            file + ":3: memory.pmem_kib: 0 is too small, allowed 1..65536\n" +    //
            file + ":5: array.rows: 0 is too small, allowed 1..256\n" +
            "--set array.cols=-1: array.cols: -1 is too small, allowed 1..256\n"
            "--set: foo: expected key=value, as in array.rows=16");
}

TEST_CASE("broken TOML is refused with its line", "[gen][config][error]") {
  const Scratch scratch;
  const std::string file = (scratch.path / "edge.toml").string();
  write_file(file, "name = \"a\"\narray = {\n");
  CHECK_THAT(error_of(file), Catch::Matchers::StartsWith(file + ":2: not TOML: "));
  CHECK_THAT(error_of(file + "x.toml"),
             Catch::Matchers::EndsWith("cannot open: No such file or directory"));
}

TEST_CASE("a damaged configuration is loaded or refused without a crash", "[gen][config][error]") {
  const Scratch scratch;
  const std::string file = (scratch.path / "edge.toml").string();
  const std::string whole = read_text(project_root() / "spec" / "presets" / "edge256.toml");
  const auto seed = GENERATE(1u, 2u, 3u);
  CAPTURE(seed);
  std::mt19937 random{seed};
  int refused = 0;
  for (int i = 0; i < 500; ++i) {
    std::string text = whole.substr(0, random() % (whole.size() + 1));
    for (unsigned n = random() % 8; n > 0 && !text.empty(); --n)
      text[random() % text.size()] = static_cast<char>(random() >> 24);
    write_file(file, text);
    const std::string error = error_of(file);
    refused += error.empty() ? 0 : 1;
    CHECK((error.empty() || error.rfind(file, 0) == 0));
  }
  CHECK(refused > 100);
}

TEST_CASE("settings change keys after the file and before the checks", "[gen][config]") {
  const Config config = spec::load_config(
      "edge256",
      {"array.rows=16", "array.precisions=[\"ternary\"]", "name=tall", "vector.enable=false"});
  CHECK(config.rows == 16);
  CHECK(config.name == "tall");
  CHECK_FALSE(config.int8);
  CHECK(config.ternary);
  CHECK_FALSE(config.vector);
  CHECK(error_of("edge256", {"memory.pmem_kib=0.5"}) ==
        "--set memory.pmem_kib=0.5: memory.pmem_kib: is a float, allowed 1..65536");
}

TEST_CASE("each preset is legal with its precisions and the MACs in its name", "[gen][config]") {
  const std::vector<std::string> names = spec::preset_names();
  REQUIRE(names.size() == 14);
  const std::map<std::string, int> other{{"braintta-size", 128},
                                         {"cluster4x1024", 4096},
                                         {"eyeriss-size", 168},
                                         {"tpuv1-size", 65536}};
  for (const std::string& name : names) {
    CAPTURE(name);
    const Config config = spec::load_config(name);
    CHECK(config.name == name);
    const bool of_a_use = name.starts_with("vision") || name.starts_with("attention");
    CHECK(config.int8);
    CHECK(config.binary == (!of_a_use && !name.starts_with("text")));
    CHECK(config.ternary == !of_a_use);
    const auto at = other.find(name);
    CHECK(config.peak_macs_per_cycle() ==
          (at != other.end() ? at->second
                             : std::stoi(name.substr(name.find_first_of("0123456789")))));
  }
  CHECK(spec::load_config("tpuv1-size").dmem_kib == 24 * 1024);
  CHECK_THAT(error_of("edge257"),
             Catch::Matchers::StartsWith("edge257: no such preset, allowed edge32, "));
}

TEST_CASE("derived sizes follow docs/architecture.md", "[gen][config]") {
  Config config;
  CHECK(config.banks() == 16);
  CHECK(config.bank_rows() == 128 * 256 / 16);
  config.rows = 1;
  config.axi_data_bits = 512;
  CHECK(config.banks() == 16);  // a beat is 16 words
  config.axi_data_bits = 32;
  CHECK(config.data_words() == 2);
  CHECK(config.banks() == 8);
  config.cols = 3;
  CHECK(config.beats_per_row() == 2);
  CHECK(config.pmem_dram_words(5) == 20);
  config.axi_data_bits = 256;
  CHECK(config.rows_per_beat() == 2);
  CHECK(config.pmem_dram_words(6) == 24);
}

TEST_CASE("the hash covers what a program sees, and nothing else", "[gen][config]") {
  const Config base = spec::load_config("edge256");
  CHECK(base.hash() >> 62 == 3);
  std::set<std::uint64_t> hashes{base.hash()};
  const char* const seen[] = {"array.rows=4",
                              "array.cols=4",
                              "memory.dmem_kib=64",
                              "array.precisions=[\"int8\"]",
                              "array.weights4=true",
                              "array.activations16=true",
                              "array.acc_bits=24",
                              "memory.pmem_kib=32",
                              "memory.packed_weights=true",
                              "memory.param_channels=256",
                              "post.partial_sums=false",
                              "vector.enable=false",
                              "vector.table=false",
                              "vector.softmax=false",
                              "depthwise.enable=false",
                              "matmul.enable=false",
                              "cluster.cores=2",
                              "bus.axi_data_bits=128"};
  for (const char* setting : seen) {
    CAPTURE(setting);
    CHECK(hashes.insert(spec::load_config("edge256", {setting}).hash()).second);
  }
  CHECK(
      hashes
          .insert(spec::load_config("edge256", {"array.weights4=true", "array.groups=true"}).hash())
          .second);
  CHECK(spec::load_config("edge256", {"array.activations16=true"}).hash() !=
        spec::load_config("edge256", {"array.activations16=true", "array.formats=true"}).hash());
  const std::vector<std::vector<std::string>> unseen{
      {"name=other"},           {"memory.ecc=true"},      {"post.columns_per_cycle=2"},
      {"bus.axi_addr_bits=64"}, {"bus.axi_id_bits=4"},    {"bus.axi_id=2", "bus.axi_id_bits=2"},
      {"bus.axi_prot=0"},       {"bus.axi_read_cache=3"}, {"bus.axi_write_cache=15"},
      {"bus.axi_qos=7"},        {"bus.axi_user_bits=3"},  {"bus.axi_user=1"},
      {"pipeline.rows=4"},      {"pipeline.cols=4"},      {"pipeline.pe=1"},
      {"clock.gates=true"},     {"memory.imem_kib=4"}};
  for (const auto& settings : unseen) {
    CAPTURE(settings.front());
    CHECK(spec::load_config("edge256", settings).hash() == base.hash());
  }
  CHECK(std::size(seen) + 2 + unseen.size() == spec::schema().size());  // all keys are checked
}

TEST_CASE("each key except the name changes the identity of a design", "[gen][config]") {
  const Config base = spec::load_config("edge256");
  std::set<std::uint64_t> identities{base.identity()};
  std::size_t tried = 0;
  const auto differs = [&](const Config& changed) {
    CHECK(identities.insert(changed.identity()).second);
    ++tried;
  };
  for (const spec::Key& key : spec::schema()) {
    CAPTURE(key.name);
    Config changed = base;  // the changed design need not be legal
    if (const auto* k = std::get_if<spec::IntKey>(&key.type)) {
      ++(changed.*k->member);
      differs(changed);
    } else if (const auto* flag = std::get_if<spec::BoolKey>(&key.type)) {
      changed.*flag->member = !(changed.*flag->member);
      differs(changed);
    } else if (const auto* name = std::get_if<spec::NameKey>(&key.type)) {
      changed.*name->member = "other";
      CHECK(changed.identity() == base.identity());
    } else {
      for (const spec::Precision& p : spec::kPrecisions) {
        changed = base;
        changed.*p.enabled = !(changed.*p.enabled);
        differs(changed);
      }
    }
  }
  CHECK(tried == spec::schema().size() - 2 + std::size(spec::kPrecisions));
}

TEST_CASE("canonical TOML reads back as the same configuration", "[gen][config]") {
  const Scratch scratch;
  const std::string file = (scratch.path / "edge.toml").string();
  const Config config = spec::load_config("eyeriss-size", {"vector.enable=false", "name=x"});
  write_file(file, config.to_toml());
  const Config again = spec::load_config(file);
  CHECK(again.to_toml() == config.to_toml());
  CHECK(again.hash() == config.hash());
}
