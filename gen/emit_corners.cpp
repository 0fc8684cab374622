// SPDX-License-Identifier: Apache-2.0
//
// Prints designs at the ends of the ranges that spec/schema.cpp allows: the sizes of the
// benches' corner suite (tb/corners.cmake).

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <set>

#include "gen/emit.h"
#include "spec/schema.h"
#include "sw/base/error.h"

namespace trine::gen {
namespace {

using spec::BoolKey;
using spec::IntKey;
using spec::Key;

const Key& key_of(std::string_view name) {
  return *std::ranges::find(spec::schema(), name, &Key::name);
}

bool legal(const Config& config) {
  try {
    spec::check(config);
  } catch (const Error&) {
    return false;
  }
  return true;
}

/// Returns the ends of a range and, from 31 on, each power of two less one: counters of such sizes
/// overflow.
std::vector<int> sides(const std::vector<int>& allowed) {
  const auto [low, high] = std::ranges::minmax(allowed);
  std::set<int> values{low, high};
  for (int side = 31; side <= high; side = 2 * side + 1) values.insert(side);
  return {values.begin(), values.end()};
}

/// Returns distances between pipeline registers in PEs: sixteen blocks, one block, each PE.
std::vector<int> steps(const IntKey& key, int size) {
  const auto [low, high] = std::ranges::minmax(key.allowed);
  return {std::clamp((size + 15) / 16, low, high), high, low};
}

/// Returns shapes of at most `most` PEs with a side at a corner of its range: squares, wide ones,
/// tall ones, the smallest. Wide shapes drain as many columns per cycle as the range allows, tall
/// shapes the fewest, so that both process a job with an odd number of columns.
std::vector<Config> shapes(int most) {
  const auto& rows = std::get<IntKey>(key_of("array.rows").type).allowed;
  const auto& cols = std::get<IntKey>(key_of("array.cols").type).allowed;
  const auto& drain = std::get<IntKey>(key_of("post.columns_per_cycle").type).allowed;
  const auto at = [](int r, int c, int columns) {
    Config config;
    config.rows = r;
    config.cols = c;
    config.columns_per_cycle = columns;
    return config;
  };
  int square = 1;
  while ((square + 1) * (square + 1) <= most) ++square;
  std::vector<Config> all{at(square, square, drain[1]), at(square, square, drain[0])};
  for (int side : sides(cols)) all.push_back(at(std::min(most / side, rows[1]), side, drain[1]));
  for (int side : sides(rows)) all.push_back(at(side, std::min(most / side, cols[1]), drain[0]));
  all.push_back(at(rows[0], cols[0], drain[0]));
  return all;
}

/// Draws a number from key and design, the same on every computer (splitmix64).
std::size_t draw(std::size_t design, std::size_t key) {
  constexpr std::uint64_t kSeed = 43;  // with this seed all ends occur: gen_test
  std::uint64_t z = (kSeed * 65536 + design * 256 + key + 1) * 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return (z ^ (z >> 31)) % 5040;
}

/// Returns true for keys on which no size of a module depends.
bool sizes_nothing(std::string_view name) {
  return name == "name" || (name.starts_with("bus.axi_") && name != "bus.axi_data_bits" &&
                            name != "bus.axi_addr_bits");
}

/// Sets one key to its corner number `turn`, and reverts it if the design would be illegal. If
/// another key forbids a value, doubles the value until the design is legal.
void turn_key(const Key& key, std::size_t turn, Config& config) {
  Config changed = config;
  if (const auto* flag = std::get_if<BoolKey>(&key.type)) {
    changed.*flag->member = turn % 2 == 0;
  } else if (const auto* number = std::get_if<IntKey>(&key.type)) {
    std::vector<int> values = number->allowed;
    if (key.name == "pipeline.rows") values = steps(*number, config.rows);
    if (key.name == "pipeline.cols") values = steps(*number, config.cols);
    int& value = changed.*number->member;
    value = values[turn % values.size()];
    while (!legal(changed) && value <= number->allowed.back() / 2) value *= 2;
  } else {  // array.precisions
    changed.int8 = turn % 4 != 3;
    changed.ternary = turn % 4 != 1;
    changed.binary = turn % 2 == 0;
  }
  if (legal(changed)) config = changed;
}

bool is_side(std::string_view name) {
  return name == "array.rows" || name == "array.cols" || name == "post.columns_per_cycle";
}

}  // namespace

std::vector<Config> corner_designs(int most_pes) {
  std::vector<Config> designs = shapes(most_pes);
  for (std::size_t d = 0; d < designs.size(); ++d) {
    Config& config = designs[d];
    config.dmem_kib = std::get<IntKey>(key_of("memory.dmem_kib").type).allowed[1];
    config.pmem_kib = 16 * config.cols;
    for (std::size_t k = 0; k < spec::schema().size(); ++k) {
      const Key& key = spec::schema()[k];
      if (!sizes_nothing(key.name) && !is_side(key.name)) turn_key(key, draw(d, k), config);
    }
    config.name = fmt::format("corner{}", d);
  }
  return designs;
}

std::string corner_table(const std::vector<Config>& designs) {
  const auto bits = [](int n) {
    return static_cast<int>(std::bit_width(static_cast<unsigned>(n - 1)));
  };
  std::string text;
  for (const Config& c : designs) {
    std::vector<spec::Parameter> all;
    for (const spec::Parameter& p : spec::parameters(c))
      if (p.name != "ConfigHash") all.push_back(p);
    const auto derived = [&](const char* name, int value) {
      all.push_back({"int unsigned", name, std::to_string(value), ""});
    };
    derived("Banks", c.banks());
    derived("AddrBits", bits(c.banks()) + (c.bank_rows() > 1 ? bits(c.bank_rows()) : 1));
    derived("PmemAddrBits", bits(c.pmem_rows()));
    derived("Lanes", c.rows + (c.window() ? 3 : 0));
    derived("DataBits", c.data_bits());
    derived("DataWords", c.data_words());
    derived("BeatBytes", c.data_bytes());
    derived("MaxBeats", c.axi_data_bits == 32 || c.axi_data_bits == 1024 ? 32 : 64);
    derived("Streams", c.packed && c.data_bits() == 64);
    derived("Wide", c.packed && c.data_bits() > 64);
    derived("Fours", c.cols / 4);
    derived("Quads", (c.cols + 3) / 4);
    derived("WindowParts", c.window() ? c.window_steps_per_row() : 1);
    derived("MaskBits", c.ternary || c.binary ? 1 : 8);
    if (text.empty())
      for (const spec::Parameter& p : all) text += (&p == &all[0] ? "" : "\t") + p.name;
    text += "\n";
    for (const spec::Parameter& p : all) text += (&p == &all[0] ? "" : "\t") + p.value;
  }
  return text + "\n";
}

}  // namespace trine::gen
