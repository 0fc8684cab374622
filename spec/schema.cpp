// SPDX-License-Identifier: Apache-2.0

#include "spec/schema.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <climits>

#include "spec/precision.h"
#include "sw/base/json.h"
#include "sw/base/text.h"

namespace trine::spec {
namespace {

template <typename... Ts>
struct Overload : Ts... {
  using Ts::operator()...;
};
template <typename... Ts>
Overload(Ts...) -> Overload<Ts...>;  // clang 14 lacks deduction guides for aggregates

/// AxCACHE: the other codes are reserved (AXI4, A4.4).
const std::vector<int> kCacheCodes{0, 1, 2, 3, 6, 7, 10, 11, 14, 15};

std::string precisions_text(const Config& config) {
  std::vector<std::string> names;
  for (const Precision& p : kPrecisions)
    if (config.*p.enabled) names.push_back(fmt::format("\"{}\"", p.name));
  return fmt::format("[{}]", fmt::join(names, ", "));
}

}  // namespace

const std::vector<Key>& schema() {
  static const std::vector<Key> keys{
      {"name",
       NameKey{&Config::name},
       {},
       "name of the design in reports; the file's name if absent",
       "only the name in headers and reports",
       Hashed::kNever},
      {"array.rows",
       IntKey{&Config::rows, {1, 256}},
       {"Rows"},
       "lanes: output pixels or tokens computed at once",
       "MACs per cycle and post lanes grow in proportion, the gather more than in proportion; DMEM "
       "gets more banks; maps smaller than a vector leave lanes idle"},
      {"array.cols",
       IntKey{&Config::cols, {1, 256}},
       {"Cols"},
       "output channels computed at once",
       "MACs per cycle grow in proportion; a tile takes longer to drain, so short reductions wait; "
       "PMEM gets wider and shallower"},
      {"array.precisions",
       PrecisionsKey{},
       {},
       "what a PE multiplies: 4 int8, 16 ternary or 32 binary values",
       "ternary and binary together add about 13 % to the area of an int8 PE"},
      {"array.weights4",
       BoolKey{&Config::weights4},
       {"Weights4"},
       "4-bit weights (-8..7) with int8 activations",
       "eight weights a word: half the bytes of int8 weights in DRAM and PMEM, at the same rate; "
       "without it, such weights are stored as int8",
       Hashed::kUnlessDefault},
      {"array.groups",
       BoolKey{&Config::groups},
       {"Groups"},
       "scales of 4-bit weights by groups of 32, 64, 128 input channels",
       "an additional sum of 26 bits for each PE, in the post unit; an eighth, sixteenth or 32nd "
       "more weight bytes; without it, networks with such weights are refused",
       Hashed::kUnlessDefault},
      {"array.activations16",
       BoolKey{&Config::activations16},
       {"Int16"},
       "int16 activations, int8 weights (an even number of rows)",
       "two lanes for each int16 position: half the rate; 40-bit sums and 16-bit codes in every "
       "second post lane; without it, networks with int16 activations are refused",
       Hashed::kUnlessDefault},
      {"array.formats",
       BoolKey{&Config::formats},
       {"Formats"},
       "codes may be E3M4, posit<8,0> or E4M3 (array.activations16)",
       "a rounding to such values in every second post lane; without it, networks with such codes "
       "are refused",
       Hashed::kUnlessDefault},
      {"array.acc_bits",
       IntKey{&Config::acc_bits, {20, 32}},
       {"AccBits"},
       "bits of an accumulator; networks that may need more are refused",
       "each bit costs two flip-flops and one adder bit per PE; with 32 no network is refused"},
      {"memory.dmem_kib",
       IntKey{&Config::dmem_kib, {8, 65536}},
       {"DmemWords", [](const Config& c) { return c.dmem_words(); },
        "32-bit words of feature maps"},
       "feature-map memory, KiB; whole number of rows in each bank",
       "more maps stay on chip between layers: less traffic; area in proportion"},
      {"memory.pmem_kib",
       IntKey{&Config::pmem_kib, {1, 65536}},
       {"PmemRows", [](const Config& c) { return c.pmem_rows(); }, "rows of Cols weight words"},
       "weight memory, KiB",
       "more weights are prefetched, fewer are fetched again; area in proportion"},
      {"memory.param_channels",
       IntKey{&Config::param_channels, {16, 65536}},
       {"ParamChannels"},
       "entries of the bias and scale memories",
       "parameters of more channels are prefetched; 69 bits of memory per entry"},
      {"memory.packed_weights",
       BoolKey{&Config::packed},
       {"Packed"},
       "packed weights in DRAM: short codes, trits, 2:4, 4-bit indices",
       "layers that wait for weights take fewer cycles, in proportion to the packing; an unpacker "
       "in front of PMEM; requires a multiple of 4 columns; a bus of more than 64 bits supports "
       "only trits",
       Hashed::kUnlessDefault},
      {"memory.imem_kib",
       IntKey{&Config::imem_kib, {0, 1024}},
       {"ImemWords", [](const Config& c) { return c.imem_kib * 128; },
        "64-bit words of a program that are kept"},
       "instruction memory, KiB: holds the first words of a program",
       "a second inference fetches less of the program, nothing if it fits; area in proportion",
       Hashed::kNever},
      {"memory.ecc",
       BoolKey{&Config::ecc},
       {"Ecc"},
       "ECC in the memories: corrects single, stops at double errors",
       "22 % more bits in the memories, a corrector for each bank and column; writes of a part of "
       "a word take three cycles; both memories are cleared after a reset",
       Hashed::kNever},
      {"post.columns_per_cycle",
       IntKey{&Config::columns_per_cycle, {1, 2}},
       {"Drain"},
       "columns drained in a cycle",
       "2: two post lanes a row; short reductions (depthwise, 1x1) wait half as long, except with "
       "a residual or a lookup",
       Hashed::kNever},
      {"post.partial_sums",
       BoolKey{&Config::partial_sums},
       {"Sums"},
       "reductions in parts, whose int32 sums wait in DMEM",
       "a group of filters that exceeds PMEM is loaded once for many tiles instead of for each; a "
       "multiplexer of 32 bits in each post lane; not with thresholds, int16 or group scales",
       Hashed::kUnlessDefault},
      {"vector.enable",
       BoolKey{&Config::vector},
       {"Vector"},
       "the vector unit: pooling, addition, requantization",
       "without it, networks with pools or additions that are not fused are refused"},
      {"vector.table",
       BoolKey{&Config::table},
       {"Table"},
       "the lookup table after requantization: any function",
       "2,048 bits of memory a lane; without it, networks with such functions are refused"},
      {"vector.softmax",
       BoolKey{&Config::softmax},
       {"Softmax", [](const Config& c) { return int{c.has_softmax()}; },
        "softmax in the vector unit"},
       "softmax, normalizations over channels (needs vector.enable)",
       "16,384 bits of memory a lane for exponentials and words (24,576 with two columns a cycle); "
       "without it, a softmax at the network's end runs on the host, others are refused"},
      {"depthwise.enable",
       BoolKey{&Config::depthwise},
       {"Window", [](const Config& c) { return int{c.window()}; },
        "the window former of depthwise convolutions"},
       "depthwise: a filter row in one step (int8, 4 columns or more)",
       "adds the window former; without it, depthwise convolutions take a step for each tap"},
      {"matmul.enable",
       BoolKey{&Config::matmul},
       {"ZeroPoints", [](const Config& c) { return int{c.zero_points()}; },
        "sums for products of two maps"},
       "products of two computed maps, both with zero points",
       "an adder and a small multiplier for each row and column; without it, networks with "
       "BATCH_MATMUL are refused"},
      {"bus.axi_data_bits",
       IntKey{&Config::axi_data_bits, {32, 64, 128, 256, 512, 1024}, true},
       {"AxiDataBits"},
       "width of the AXI4 master",
       "more bytes per cycle; wider beats inside the machine"},
      {"bus.axi_addr_bits",
       IntKey{&Config::axi_addr_bits, {32, 64}},
       {"AxiAddrBits"},
       "address width of the AXI4 master",
       "reaches more DRAM; wider address registers",
       Hashed::kNever},
      {"bus.axi_id_bits",
       IntKey{&Config::axi_id_bits, {1, 16}},
       {},
       "ID width of the AXI4 master",
       "wider ID ports",
       Hashed::kNever},
      {"bus.axi_id",
       IntKey{&Config::axi_id, {0, 65534}},
       {},
       "ID of fetches and writes, even; loads use the next ID",
       "another ID on the bus",
       Hashed::kNever},
      {"bus.axi_prot",
       IntKey{&Config::axi_prot, {0, 7}},
       {},
       "AxPROT: bit 0 privileged, 1 non-secure, 2 instruction",
       "2, the default, reaches no secure memory",
       Hashed::kNever},
      {"bus.axi_read_cache",
       IntKey{&Config::axi_read_cache, kCacheCodes, true},
       {},
       "ARCACHE: 2 is normal, non-cacheable, non-bufferable",
       "with allocation bits, a cache on the path keeps the data",
       Hashed::kNever},
      {"bus.axi_write_cache",
       IntKey{&Config::axi_write_cache, kCacheCodes, true},
       {},
       "AWCACHE; bit 0 (bufferable): done may come before the data",
       "3, 7, 11, 15: responses may come earlier, from a point on the path; the host must read "
       "through the same point",
       Hashed::kNever},
      {"bus.axi_qos",
       IntKey{&Config::axi_qos, {0, 15}},
       {},
       "AxQOS",
       "the interconnect may prefer the machine",
       Hashed::kNever},
      {"bus.axi_user_bits",
       IntKey{&Config::axi_user_bits, {1, 32}},
       {},
       "width of AxUSER",
       "wider ports",
       Hashed::kNever},
      {"bus.axi_user",
       IntKey{&Config::axi_user, {0, INT_MAX}},
       {},
       "AxUSER",
       "depends on the interconnect",
       Hashed::kNever},
      {"pipeline.rows",
       IntKey{&Config::pipeline_rows, {1, 256}},
       {"PipeRows"},
       "PEs down a column between two broadcast registers",
       "fewer registers, longer wires: a lower clock on large arrays",
       Hashed::kNever},
      {"pipeline.cols",
       IntKey{&Config::pipeline_cols, {1, 256}},
       {"PipeCols"},
       "PEs along a row between two broadcast registers",
       "fewer registers, longer wires: a lower clock on large arrays",
       Hashed::kNever},
      {"pipeline.pe",
       IntKey{&Config::pipeline_pe, {1, 2}},
       {"PeStages"},
       "stages of a PE: 2 has a register after the products",
       "1: 21 flip-flops fewer in each PE, one cycle less from last step to results, a longer "
       "critical path",
       Hashed::kNever},
      {"clock.gates",
       BoolKey{&Config::clock_gates},
       {"ClockGates"},
       "the clock of PEs and zero points stops while no step is in them",
       "less power with tools that, unlike trine synth, do not turn enables into clock gates; the "
       "same cycles; a gate for each block of pipeline.rows x pipeline.cols PEs",
       Hashed::kNever},
      {"cluster.cores",
       IntKey{&Config::cores, {1, 8}},
       {"Cores"},
       "cores that run one program, each on its images, rows or tokens",
       "arrays, memories and post lanes in proportion, one control and one DMA: weights come once "
       "for all cores",
       Hashed::kUnlessDefault},
  };
  return keys;
}

namespace {

/// Returns the parameters that a key sets.
std::vector<Parameter> parameters_of(const Key& key, const Config& config) {
  const auto bit = [](bool value) { return value ? "1'b1" : "1'b0"; };
  std::vector<Parameter> result;
  if (std::holds_alternative<PrecisionsKey>(key.type))
    for (const Precision& p : kPrecisions)
      result.push_back({"bit", upper_camel(p.name), bit(config.*p.enabled),
                        fmt::format("{} values a word", p.codes_per_word())});
  if (key.verilog.name.empty()) return result;
  const auto value = [&](auto own) { return key.verilog.value ? key.verilog.value(config) : own; };
  const std::string name(key.verilog.name),
      doc(key.verilog.doc.empty() ? key.doc : key.verilog.doc);
  if (const auto* k = std::get_if<IntKey>(&key.type))
    result.push_back({"int unsigned", name, std::to_string(value(config.*k->member)), doc});
  else if (const auto* k = std::get_if<BoolKey>(&key.type))
    result.push_back({"bit", name, bit(value(int{config.*k->member}) != 0), doc});
  return result;
}

}  // namespace

std::vector<Parameter> parameters(const Config& config) {
  std::vector<Parameter> all;
  for (const Key& key : schema())
    for (Parameter& p : parameters_of(key, config)) all.push_back(std::move(p));
  const std::uint64_t hash = config.hash();
  all.push_back({"logic [63:0]", "ConfigHash",
                 fmt::format("64'h{:04X}_{:04X}_{:04X}_{:04X}", hash >> 48, hash >> 32 & 0xFFFF,
                             hash >> 16 & 0xFFFF, hash & 0xFFFF),
                 "hash of the keys that programs depend on; their first word"});
  return all;
}

std::string allowed_text(const Key& key) {
  return std::visit(
      Overload{[](const IntKey& k) {
                 const auto& a = k.allowed;
                 if (k.choices)
                   return fmt::format("{} or {}", fmt::join(a.begin(), a.end() - 1, ", "),
                                      a.back());
                 return a[0] == a[1] ? fmt::format("{}", a[0]) : fmt::format("{}..{}", a[0], a[1]);
               },
               [](const BoolKey&) { return std::string("true or false"); },
               [](const NameKey&) { return std::string("1..64 of a-z A-Z 0-9 _ - ."); },
               [](const PrecisionsKey&) {
                 std::string text = "a list of ";
                 for (const Precision& p : kPrecisions)
                   text += fmt::format("{}\"{}\"", &p == &kInt8 ? "" : ", ", p.name);
                 return text;
               }},
      key.type);
}

std::string value_text(const Key& key, const Config& config) {
  return std::visit(
      Overload{[&](const IntKey& k) { return std::to_string(config.*k.member); },
               [&](const BoolKey& k) { return std::string(config.*k.member ? "true" : "false"); },
               [&](const NameKey& k) { return fmt::format("\"{}\"", config.*k.member); },
               [&](const PrecisionsKey&) { return precisions_text(config); }},
      key.type);
}

Json all_keys(const Config& config) {
  Json json;
  for (const Key& key : schema())
    json[std::string(key.name)] = parse_json(value_text(key, config), std::string(key.name));
  return json;
}

std::string key_table() {
  std::string text = fmt::format("  {:<23}{:<11}{}\n", "key", "default", "meaning; allowed values");
  for (const Key& key : schema())
    text += fmt::format("  {:<23}{:<11}{};\n{:36}{}\n", key.name, value_text(key, Config{}),
                        key.doc, "", allowed_text(key));
  return text;
}

std::string configuration_markdown() {
  std::string text =
      "# Configuration\n\n"
      "<!-- Written by `trine generate --packages .` from spec/schema.cpp; a test compares. "
      "-->\n\n"
      "A configuration is a TOML file. Every key has a default; the defaults are `edge256` with "
      "only int8. `--config` takes a\n"
      "file or the name of a preset in `spec/presets/`, and `--set key=value` changes single keys. "
      "All problems are reported at\n"
      "once, one line each: `edge.toml:4: memory.dmem_kib: 3 is too small, allowed 8..65536`.\n"
      "\n"
      "| key | range | default | meaning | what changes when you raise it | hashed |\n"
      "|---|---|---|---|---|---|\n";
  for (const Key& key : schema())
    text += fmt::format("| `{}` | {} | `{}` | {} | {} | {} |\n", key.name, allowed_text(key),
                        value_text(key, Config{}), key.doc, key.raise,
                        key.hashed == Hashed::kNever ? "" : "yes");
  text +=
      "\nChecks across keys (sizes in `docs/architecture.md`):\n\n"
      "- DMEM has at least 8 banks, 2 banks per row of the array and a bank for each word of a "
      "beat; their number is a power of\n"
      "  two. All banks have the same whole number of rows, at least 4. DMEM holds at least 16 "
      "vectors of `array.rows` words.\n"
      "- PMEM has at least 16 and at most 2^20 rows of 4 * `array.cols` bytes.\n"
      "- `array.weights4` requires int8 in `array.precisions`.\n"
      "- `array.groups` requires `array.weights4`, and excludes `memory.ecc`.\n"
      "- `memory.packed_weights` requires `array.cols` to be a multiple of 4 and "
      "`bus.axi_data_bits` to be at most 512. If\n"
      "  `bus.axi_data_bits` is more than 64, it also requires ternary in `array.precisions`.\n"
      "- `array.formats` requires `array.activations16`.\n"
      "- `array.activations16` requires an even `array.rows`, and int8 in `array.precisions`.\n"
      "- `memory.param_channels` is at least `array.cols` and at least two beats, and a multiple "
      "of the words of a beat.\n"
      "- `bus.axi_id` is even, and this ID and the next one fit `bus.axi_id_bits`. `bus.axi_user` "
      "fits `bus.axi_user_bits`.\n"
      "\n"
      "The first word of a program is a hash of the keys that are marked in the last column and of "
      "the version of the\n"
      "instruction set. If the hash of a program differs from that of the design, the program "
      "stops before anything runs.\n"
      "Changes of the other keys need no new compilation.\n";
  return text;
}

}  // namespace trine::spec
