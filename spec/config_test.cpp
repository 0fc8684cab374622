// SPDX-License-Identifier: Apache-2.0
//
// Tests every key at its limits, every size that follows from keys, and every memory. The expected
// tables were computed by hand from docs/architecture.md.

#include "spec/config.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "spec/isa.h"
#include "spec/memories.h"
#include "spec/schema.h"
#include "sw/base/catch.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/process.h"

namespace trine::spec {
namespace {

using Settings = std::vector<std::string>;

std::string error_of(const Settings& settings) {
  try {
    load_config("edge256", settings);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("each number is accepted from its lowest to its highest value",
          "[machine][config][error]") {
  struct Row {
    const char* key;
    long low, high;
    Settings others = {};
  };
  for (const Row& row : std::vector<Row>{{"array.rows", 1, 256, {"memory.dmem_kib=16"}},
                                         {"array.cols", 1, 256},
                                         {"array.acc_bits", 20, 32},
                                         {"memory.dmem_kib", 8, 65536},
                                         {"memory.pmem_kib", 1, 65536, {"array.cols=16"}},
                                         {"memory.param_channels", 16, 65536},
                                         {"post.columns_per_cycle", 1, 2},
                                         {"bus.axi_id_bits", 1, 16},
                                         {"bus.axi_id", 0, 65534, {"bus.axi_id_bits=16"}},
                                         {"bus.axi_prot", 0, 7},
                                         {"bus.axi_qos", 0, 15},
                                         {"bus.axi_user_bits", 1, 32},
                                         {"bus.axi_user", 0, 2147483647, {"bus.axi_user_bits=31"}},
                                         {"bus.axi_addr_bits", 32, 64},
                                         {"pipeline.rows", 1, 256},
                                         {"pipeline.cols", 1, 256},
                                         {"pipeline.pe", 1, 2}}) {
    const auto with = [&row](long value) {
      Settings settings = row.others;
      settings.push_back(fmt::format("{}={}", row.key, value));
      return error_of(settings);
    };
    const auto refused = [&row](long value, const char* why) {
      return fmt::format("--set {0}={1}: {0}: {1} is {2}, allowed {3}..{4}", row.key, value, why,
                         row.low, row.high);
    };
    CAPTURE(row.key);
    CHECK(with(row.low).empty());
    CHECK(with(row.high).empty());
    CHECK(with(row.low - 1) == refused(row.low - 1, "too small"));
    CHECK(with(row.high + 1) == refused(row.high + 1, "too large"));
  }
  for (const char* key : {"bus.axi_read_cache", "bus.axi_write_cache"})
    for (int code = -1; code <= 16; ++code) {
      CAPTURE(key, code);
      const bool reserved = code < 0 || code > 15 || (code & 12) == 12
                                ? code != 14 && code != 15
                                : (code & 12) != 0 && (code & 2) == 0;
      CHECK(error_of({fmt::format("{}={}", key, code)}).empty() == !reserved);
    }
  for (const int bits : {16, 32, 64, 96, 128, 256, 512, 1024, 2048}) {
    CAPTURE(bits);
    CHECK(error_of({fmt::format("bus.axi_data_bits={}", bits)}).empty() ==
          (bits >= 32 && bits <= 1024 && bits != 96));
  }
}

TEST_CASE("combinations of keys are accepted up to their limits", "[machine][config][error]") {
  struct Row {
    Settings settings;
    const char* error;  // the message; null: legal
  };
  for (const Row& row : std::vector<Row>{
           {{"array.rows=256", "memory.dmem_kib=16"}, nullptr},
           {{"array.rows=256", "memory.dmem_kib=18"}, nullptr},
           {{"array.rows=256", "memory.dmem_kib=17"}, "allowed multiples of 2, at least 8"},
           {{"array.rows=128", "memory.dmem_kib=9"}, nullptr},
           {{"array.rows=129", "memory.dmem_kib=9"}, "allowed multiples of 2, at least 8"},
           {{"array.rows=129", "memory.dmem_kib=10"}, nullptr},
           {{"array.rows=200", "memory.dmem_kib=12"}, "allowed at least 13"},
           {{"array.cols=64", "memory.pmem_kib=4"}, nullptr},
           {{"array.cols=65", "memory.pmem_kib=4"}, "allowed at least 5 KiB (16 rows)"},
           {{"array.cols=1", "memory.pmem_kib=4096"}, nullptr},
           {{"array.cols=2", "memory.pmem_kib=8192"}, nullptr},
           {{"array.cols=2", "memory.pmem_kib=8193"}, "allowed at most 8192 KiB (2^20 rows)"},
           {{"array.cols=32", "memory.param_channels=32"}, nullptr},
           {{"array.cols=34", "memory.param_channels=32"}, "allowed at least 34"},
           {{"memory.param_channels=17"}, "allowed multiples of 2, at least 4"},
           {{"bus.axi_data_bits=256", "memory.param_channels=16"}, nullptr},
           {{"bus.axi_data_bits=256", "memory.param_channels=20"},
            "allowed multiples of 8, at least 16"},
           {{"bus.axi_data_bits=512", "memory.param_channels=32"}, nullptr},
           {{"bus.axi_data_bits=512", "memory.param_channels=16"},
            "allowed multiples of 16, at least 32"},
           {{"post.columns_per_cycle=2", "pipeline.cols=2"}, nullptr},
           {{"post.columns_per_cycle=2", "pipeline.cols=1"},
            "2 columns per cycle require at least as many pipeline.cols, but it is 1, allowed 1"},
           {{"bus.axi_id=14", "bus.axi_id_bits=4"}, nullptr},
           {{"bus.axi_id=16", "bus.axi_id_bits=4"}, "allowed even numbers of 0..14"},
           {{"bus.axi_id=5", "bus.axi_id_bits=4"}, "allowed even numbers of 0..14"},
           {{"bus.axi_user=7", "bus.axi_user_bits=3"}, nullptr},
           {{"bus.axi_user=8", "bus.axi_user_bits=3"}, "allowed 0..7"},
           {{"bus.axi_user=2147483647", "bus.axi_user_bits=32"}, nullptr}}) {
    CAPTURE(row.settings);
    const std::string error = error_of(row.settings);
    if (row.error == nullptr)
      CHECK(error.empty());
    else
      CHECK_THAT(error, Catch::Matchers::EndsWith(row.error));
  }
}

TEST_CASE("settings are read as TOML, or as a bare word", "[machine][config][error]") {
  const auto ends = [](const std::string& setting, const std::string& error) {
    CAPTURE(setting);
    CHECK_THAT(error_of({setting}), Catch::Matchers::EndsWith(error));
  };
  const std::string x64(64, 'x');
  CHECK(load_config("edge256", {"name=" + x64}).name == x64);
  CHECK(load_config("edge256", {"name=\"A-z_0.9\""}).name == "A-z_0.9");
  ends("name=" + x64 + "x", ", allowed 1..64 of a-z A-Z 0-9 _ - .");
  ends("name=\"\"", "\"\", allowed 1..64 of a-z A-Z 0-9 _ - .");
  for (const char* letter : {"/", ":", "@", "[", "`", "{", ","})
    ends(fmt::format("name=\"a{}\"", letter), "allowed 1..64 of a-z A-Z 0-9 _ - .");
  ends("array.rows=99999999999999999999", "99999999999999999999 is too large, allowed 1..256");
  ends("array.rows=+99999999999999999999", "+99999999999999999999 is too large, allowed 1..256");
  ends("array.rows=-99999999999999999999", "-99999999999999999999 is too small, allowed 1..256");
  ends("array.rows=-", "is a string, allowed 1..256");
  ends("array.rows=1x", "is a string, allowed 1..256");
  ends("array.rows=true", "is a boolean, allowed 1..256");
  ends("array.rows=[1]", "is a list, allowed 1..256");
  ends("array.rows={a=1}", "is a table, allowed 1..256");
  ends("array.rows=2020-01-01", "is a date or time, allowed 1..256");
  ends("vector.enable=yes", "is a string, allowed true or false");
  ends("=3", "--set: =3: expected key=value, as in array.rows=16");
  ends("array={rows=4}", "array: is a group of keys, as in array.rows");
  ends("array.precisions=int8",
       "is a string, allowed a list of \"int8\", \"ternary\", \"binary\", as in --set "
       "'array.precisions=[\"int8\", \"ternary\"]'");
  ends("array.precisions=[\"int8\", 3]",
       "an integer is not available, allowed a list of \"int8\", \"ternary\", \"binary\"");
  for (const auto& [unknown, meant] : {std::pair{"array.row", "array.rows"},
                                       {"array.cos", "array.cols"},
                                       {"pipeline.col", "pipeline.cols"},
                                       {"memory.pmen_kib", "memory.pmem_kib"},
                                       {"bus.axi_qso", "bus.axi_qos"},
                                       {"nam", "name"}})
    ends(fmt::format("{}=3", unknown),
         fmt::format("{}: unknown key, did you mean {}? (all keys: trine generate --help)", unknown,
                     meant));
  CHECK(load_config("edge256", {"array.rows=4", "array.rows=0x10"}).rows == 16);  // the last wins
}

TEST_CASE("presets are listed by kind, name and size", "[machine][config]") {
  CHECK(preset_names() ==
        std::vector<std::string>{"edge32", "edge64", "edge128", "edge256", "edge512", "edge1024",
                                 "attention256", "cluster4x1024", "text1536", "vision256",
                                 "vision1024", "braintta-size", "eyeriss-size", "tpuv1-size"});
}

TEST_CASE("presets for one use differ from the general ones only in features left out",
          "[machine][config]") {
  struct Use {
    const char* name;
    const char* all;
    std::vector<std::string> without;
  };
  for (const Use& use :
       {Use{"vision256", "edge256", {"vector.softmax=false", "matmul.enable=false"}},
        Use{"vision1024", "edge1024", {"vector.softmax=false", "matmul.enable=false"}},
        Use{"attention256", "edge256", {"depthwise.enable=false"}}}) {
    CAPTURE(use.name);
    std::vector<std::string> keys = use.without;
    keys.push_back("array.precisions=[\"int8\"]");
    keys.push_back(std::string("name=") + use.name);
    CHECK(load_config(use.name, {}).to_toml() == load_config(use.all, keys).to_toml());
  }
}

TEST_CASE("every key keeps its value through canonical TOML", "[machine][config]") {
  const Config other = load_config("edge256", {"name=other",
                                               "array.rows=6",
                                               "array.cols=6",
                                               "array.precisions=[\"int8\", \"binary\"]",
                                               "array.weights4=true",
                                               "array.activations16=true",
                                               "array.formats=true",
                                               "memory.dmem_kib=16",
                                               "memory.pmem_kib=7",
                                               "memory.param_channels=48",
                                               "memory.imem_kib=3",
                                               "memory.ecc=true",
                                               "post.columns_per_cycle=2",
                                               "vector.enable=false",
                                               "vector.table=false",
                                               "vector.softmax=false",
                                               "depthwise.enable=false",
                                               "matmul.enable=false",
                                               "bus.axi_data_bits=128",
                                               "bus.axi_addr_bits=48",
                                               "bus.axi_id_bits=5",
                                               "bus.axi_id=6",
                                               "bus.axi_prot=5",
                                               "bus.axi_read_cache=11",
                                               "bus.axi_write_cache=7",
                                               "bus.axi_qos=3",
                                               "bus.axi_user_bits=4",
                                               "bus.axi_user=9",
                                               "pipeline.rows=3",
                                               "pipeline.cols=2",
                                               "pipeline.pe=1",
                                               "clock.gates=true",
                                               "cluster.cores=3",
                                               "array.acc_bits=25"});
  const TemporaryFolder folder(std::filesystem::temp_directory_path());
  const std::string file = (folder.path() / "x.toml").string();
  write_file(file, other.to_toml());
  const Config again = load_config(file);
  Config grouped = other;  // codes exclude groups, wide buses exclude packed weights
  grouped.ecc = false;
  grouped.groups = true;
  grouped.packed = true;
  grouped.partial_sums = true;
  grouped.cols = 4;
  grouped.axi_data_bits = 32;
  write_file(file, grouped.to_toml());
  const Config also = load_config(file);
  for (const Key& key : schema()) {
    CAPTURE(key.name);
    CHECK(value_text(key, again) == value_text(key, other));
    CHECK(value_text(key, also) == value_text(key, grouped));
    CHECK((value_text(key, again) != value_text(key, Config{}) ||
           value_text(key, also) != value_text(key, Config{})));
  }
  write_file(file, "[array]\nrows = 4\n");
  CHECK(load_config(file).name == "x");  // the file's name
}

TEST_CASE("sizes follow from keys as the architecture says", "[machine][config]") {
  struct Row {
    int rows, cols, bus, pmem_kib;
    int banks, pmem_rows, rows_per_beat, beats_per_row, dram_words_of_48, steps;
  };
  for (const Row& row :
       {Row{1, 1, 32, 1, 8, 256, 2, 1, 48, 0}, Row{4, 2, 64, 3, 8, 384, 1, 1, 96, 0},
        Row{5, 3, 64, 1, 16, 84, 1, 2, 192, 0}, Row{8, 3, 256, 1, 16, 84, 2, 1, 192, 0},
        Row{9, 5, 512, 2, 32, 102, 3, 1, 256, 1}, Row{1, 8, 256, 3, 8, 96, 1, 1, 384, 2},
        Row{2, 16, 512, 4, 16, 64, 1, 1, 768, 4}, Row{3, 17, 512, 4, 16, 60, 1, 2, 1536, 4},
        Row{128, 31, 128, 8, 256, 66, 1, 8, 1536, 7}, Row{129, 32, 128, 8, 512, 64, 1, 8, 1536, 8},
        Row{256, 33, 128, 8, 512, 62, 1, 9, 1728, 8}}) {
    Config c;
    c.rows = row.rows;
    c.cols = row.cols;
    c.axi_data_bits = row.bus;
    c.pmem_kib = row.pmem_kib;
    CAPTURE(row.rows, row.cols, row.bus);
    CHECK(c.data_words() == std::max(row.bus, 64) / 32);
    CHECK(c.banks() == row.banks);
    CHECK(c.bank_rows() == 128 * 256 / row.banks);
    CHECK(c.pmem_rows() == row.pmem_rows);
    CHECK(c.rows_per_beat() == row.rows_per_beat);
    CHECK(c.beats_per_row() == row.beats_per_row);
    CHECK(c.pmem_dram_words(48) == row.dram_words_of_48);
    CHECK(c.window_steps_per_row() == row.steps);
    CHECK(c.peak_macs_per_cycle() == 4 * row.rows * row.cols);
  }
}

TEST_CASE("neighbours and words at strides 2 and 4 are in different banks", "[machine][config]") {
  for (const int banks : {8, 16, 64}) {
    const BankOf bank_of(banks);
    const auto all_differ = [&](int start, int stride, int words) {
      std::set<int> taken;
      for (int k = 0; k < words; ++k) taken.insert(bank_of(start + k * stride));
      return std::ssize(taken) == words;
    };
    for (int start = 0; start < 4 * banks; ++start) {
      CAPTURE(banks, start);
      CHECK(all_differ(start, 1, banks - 1));
      CHECK(all_differ(start, 2, banks));
      // The same holds for any other stride that is twice an odd number.
      CHECK(all_differ(start, 6, banks));
      CHECK(all_differ(start, 4, banks / 2));
    }
    CHECK(bank_of(banks) == 1);
    CHECK(bank_of(2 * banks + 3) == 3);
  }
}

/// A program names its design by the hash: a new key leaves the hash of designs that do not set it
/// unchanged.
TEST_CASE("a key that was added later changes the hash only where it is set", "[machine][config]") {
  const Settings formats{"array.activations16=true", "array.formats=true"};
  CHECK(load_config("edge256", formats).hash() !=
        load_config("edge256", {"array.activations16=true"}).hash());
  const Settings later{"array.activations16=true"}, narrow{"array.weights4=true"},
      groups{"array.weights4=true", "array.groups=true"}, packed{"memory.packed_weights=true"};
  const Settings before{"post.partial_sums=false"};
  CHECK(load_config("edge256", before).hash() == 0xd44e4424d3096e3b);
  CHECK(load_config("edge256", {"post.partial_sums=false", "array.activations16=false"}).hash() ==
        0xd44e4424d3096e3b);
  CHECK(load_config("edge256", before).hash() != load_config("edge256").hash());
  CHECK(load_config("edge256", later).hash() != load_config("edge256").hash());
  CHECK(load_config("edge256", narrow).hash() != load_config("edge256").hash());
  CHECK(load_config("edge256", narrow).hash() != load_config("edge256", later).hash());
  CHECK(load_config("edge256", narrow).hash() != load_config("edge256", groups).hash());
  CHECK(load_config("edge256", packed).hash() != load_config("edge256").hash());
}

TEST_CASE("each feature comes from its own keys", "[machine][config]") {
  namespace f = isa::feature;
  const Settings bare{"array.precisions=[\"binary\"]",
                      "vector.enable=false",
                      "vector.table=false",
                      "vector.softmax=false",
                      "depthwise.enable=false",
                      "matmul.enable=false",
                      "post.partial_sums=false",
                      "array.cols=3"};
  struct Row {
    Settings settings;
    unsigned features;
  };
  constexpr unsigned kLow = f::kBinary | f::kThresholds;
  for (const Row& row : std::vector<Row>{
           {{}, kLow},
           {{"array.precisions=[\"int8\"]"}, f::kInt8},
           {{"array.precisions=[\"ternary\"]"}, f::kTernary | f::kThresholds},
           {{"array.precisions=[\"int8\",\"binary\"]"}, f::kInt8 | kLow},
           {{"vector.enable=true"}, kLow | f::kVector},
           {{"vector.table=true"}, kLow | f::kTable},
           {{"vector.softmax=true"}, kLow},
           {{"vector.softmax=true", "vector.enable=true"}, kLow | f::kVector | f::kSoftmax},
           {{"array.cols=4"}, kLow | f::kQuad},
           {{"depthwise.enable=true", "array.cols=4"}, kLow | f::kQuad},
           {{"depthwise.enable=true", "array.precisions=[\"int8\"]"}, f::kInt8},
           {{"depthwise.enable=true", "array.precisions=[\"int8\"]", "array.cols=4"},
            f::kInt8 | f::kQuad | f::kWindow},
           {{"matmul.enable=true"}, kLow},
           {{"matmul.enable=true", "array.precisions=[\"int8\"]"}, f::kInt8 | f::kMaps},
           {{"array.activations16=true", "array.precisions=[\"int8\"]"}, f::kInt8 | f::kInt16},
           {{"array.weights4=true", "array.precisions=[\"int8\"]"}, f::kInt8 | f::kInt4},
           {{"array.weights4=true", "array.groups=true", "array.precisions=[\"int8\"]"},
            f::kInt8 | f::kInt4 | f::kGroups},
           {{"memory.packed_weights=true", "array.cols=4", "array.precisions=[\"int8\"]"},
            f::kInt8 | f::kQuad | f::kPacked | f::kStreams},
           {{"memory.packed_weights=true", "array.cols=4", "bus.axi_data_bits=256",
             "array.precisions=[\"ternary\"]"},
            f::kTernary | f::kThresholds | f::kQuad | f::kPacked},
           {{"cluster.cores=2"}, kLow | f::kCluster},
           {{"post.partial_sums=true"}, kLow | f::kSums},
           {{"array.activations16=true", "array.formats=true", "array.precisions=[\"int8\"]",
             "vector.enable=true"},
            f::kInt8 | f::kVector | f::kInt16 | f::kFormats}}) {
    Settings settings = bare;
    settings.insert(settings.end(), row.settings.begin(), row.settings.end());
    CAPTURE(row.settings);
    const Config config = load_config("edge256", settings);
    CHECK(config.features() == row.features);
    CHECK((!config.packed || config.can_pack()));
  }
}

TEST_CASE("memories have the sizes that the architecture names", "[machine][memories]") {
  const auto text = [](const Settings& settings) {
    std::string all;
    for (const Memory& m : memories(load_config("edge256", settings)))
      all += fmt::format("{}: {} x {} x {}\n", m.name, m.instances, m.width, m.depth);
    return all;
  };
  const Settings base{"array.rows=4",
                      "array.cols=8",
                      "memory.dmem_kib=8",
                      "memory.pmem_kib=8",
                      "memory.param_channels=64",
                      "bus.axi_data_bits=64",
                      "pipeline.cols=8"};
  const auto with = [&](const Settings& more) {
    Settings all = base;
    all.insert(all.end(), more.begin(), more.end());
    return text(all);
  };
  CHECK(with({}) ==
        "feature maps, banks: 8 x 32 x 256\nweights, even and odd rows: 2 x 256 x 128\n"
        "biases: 1 x 64 x 32\nmultipliers: 1 x 62 x 32\nshifts: 1 x 12 x 32\n"
        "instruction queues: 4 x 61 x 64\nfetch buffer: 1 x 64 x 64\n"
        "lookup tables: 4 x 8 x 256\nexponentials: 4 x 32 x 256\n"
        "words of a softmax: 4 x 32 x 256\n");
  CHECK(with({"memory.ecc=true", "bus.axi_data_bits=256", "post.columns_per_cycle=2",
              "memory.imem_kib=3"}) ==
        "feature maps, banks: 8 x 39 x 256\nweights, even and odd rows: 2 x 312 x 128\n"
        "biases: 2 x 128 x 8\nmultipliers: 2 x 62 x 16\nshifts: 2 x 12 x 16\n"
        "instruction queues: 4 x 61 x 64\nfetch buffer: 1 x 256 x 16\n"
        "instructions: 1 x 312 x 96\n"
        "lookup tables: 4 x 8 x 256\nexponentials: 8 x 32 x 256\n"
        "words of a softmax: 4 x 32 x 256\n");
  CHECK(with({"vector.table=false", "vector.enable=false", "post.columns_per_cycle=2"}) ==
        "feature maps, banks: 8 x 32 x 256\nweights, even and odd rows: 2 x 256 x 128\n"
        "biases: 2 x 64 x 16\nmultipliers: 2 x 62 x 16\nshifts: 2 x 12 x 16\n"
        "instruction queues: 4 x 61 x 64\nfetch buffer: 1 x 64 x 64\n");
}

}  // namespace trine::spec
