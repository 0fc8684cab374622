// SPDX-License-Identifier: Apache-2.0

#include "tools/random/configs.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <variant>

#include "spec/precision.h"
#include "spec/schema.h"
#include "sw/base/division.h"
#include "sw/base/error.h"

namespace trine::fuzz {
namespace {

constexpr int kPresetShare = 6;  ///< one configuration in so many is a preset

int side(Choices& choices) {
  // 31, 63 and 127: column counters overflow there first.
  static const std::vector<int> kUsual{4, 8, 16, 1, 2, 24, 32, 64, 31, 63, 127};
  return choices.number(0, 1) == 0 ? any(choices, kUsual) : choices.number(1, 20);
}

/// Returns a value of an integer key: the value of the preset, a neighbour of it, half or twice the
/// value, or a count that is odd or one below a power of two.
int other_value(Choices& choices, const spec::IntKey& key, int value) {
  if (key.choices) return any(choices, key.allowed);
  const std::vector<int> values{value, value / 2, 2 * value, value - 1, value + 1, 1, 31, 63, 127};
  return std::clamp(any(choices, values), key.allowed[0], key.allowed[1]);
}

/// Changes one key, unless the changed configuration is invalid.
void change_key(Choices& choices, spec::Config& config) {
  const auto& keys = spec::schema();
  const spec::Key& key =
      keys[static_cast<std::size_t>(choices.number(0, static_cast<int>(keys.size()) - 1))];
  spec::Config changed = config;
  if (const auto* number = std::get_if<spec::IntKey>(&key.type))
    changed.*number->member = other_value(choices, *number, changed.*number->member);
  else if (const auto* flag = std::get_if<spec::BoolKey>(&key.type))
    changed.*flag->member = !(changed.*flag->member);
  try {
    spec::check(changed);
    config = changed;
  } catch (const Error&) {
  }
}

/// Returns a shipped preset with up to two changed keys.
spec::Config any_preset(Choices& choices) {
  static std::map<std::string, spec::Config> read;
  const std::string name = any(choices, drawn_presets());
  if (!read.contains(name)) read[name] = spec::load_config(name);
  spec::Config config = read[name];
  for (int keys = choices.number(0, 2); keys > 0; --keys) change_key(choices, config);
  return config;
}

spec::Config any_design(Choices& choices) {
  static const std::vector<int> kBuses{64, 32, 128, 256, 512, 1024}, kTimes{16, 4, 2, 1};
  spec::Config c;
  c.name = "fuzz";
  c.rows = side(choices);
  c.cols = side(choices);
  c.axi_data_bits = any(choices, kBuses);
  c.axi_addr_bits = once_in(choices, 4) ? choices.number(33, 64) : 32;
  // At least 4 whole rows of all banks, and 8 vectors twice.
  const int unit = std::max(1, c.banks() / 256);
  const int dmem = std::max({8, c.banks() / 64, (16 * c.rows + 255) / 256});
  c.dmem_kib = round_up(dmem * any(choices, kTimes), unit);
  c.pmem_kib = (c.cols * 16 + 255) / 256 * any(choices, kTimes);
  while (c.pmem_rows() < 16) ++c.pmem_kib;
  const int params = std::max(std::max(16, c.cols), 2 * c.data_words());
  c.param_channels = round_up(params, c.data_words()) * any(choices, kTimes);
  for (const spec::Precision& p : spec::kPrecisions)
    if (&p != &spec::kInt8) c.*p.enabled = once_in(choices, 2);
  c.vector = !once_in(choices, 10);
  c.table = !once_in(choices, 10);
  c.softmax = !once_in(choices, 10);
  c.depthwise = !once_in(choices, 6);
  c.matmul = !once_in(choices, 10);
  c.pipeline_rows = once_in(choices, 2) ? choices.number(1, c.rows) : 8;
  c.pipeline_cols = once_in(choices, 2) ? choices.number(1, c.cols) : 8;
  c.pipeline_pe = once_in(choices, 3) ? 1 : 2;
  c.columns_per_cycle = once_in(choices, 3) && c.pipeline_cols >= 2 ? 2 : 1;
  c.ecc = once_in(choices, 3);
  c.acc_bits = once_in(choices, 4) ? choices.number(22, 31) : 32;
  c.clock_gates = once_in(choices, 4);
  c.imem_kib = once_in(choices, 3) ? choices.number(1, 8) : 0;
  c.activations16 = once_in(choices, 2) && c.rows % 2 == 0;
  c.formats = c.activations16 && once_in(choices, 2);
  c.weights4 = once_in(choices, 3);
  c.groups = c.weights4 && !c.ecc && !once_in(choices, 4);
  c.packed = c.can_pack() && !once_in(choices, 3);
  c.cores = once_in(choices, 4) ? choices.number(2, 8) : 1;
  spec::check(c);
  return c;
}

}  // namespace

// Presets are listed here so that records keep their meaning: further presets follow the last one.
const std::vector<std::string>& drawn_presets() {
  static const std::vector<std::string> kPresets{
      "edge32",     "edge64",        "edge128",       "edge256",   "edge512",
      "edge1024",   "attention256",  "cluster4x1024", "text1536",  "vision256",
      "vision1024", "braintta-size", "eyeriss-size",  "tpuv1-size"};
  return kPresets;
}

spec::Config any_config(Choices& choices) {
  // New choices follow the others, so that records without them keep their meaning.
  spec::Config config = any_design(choices);
  if (once_in(choices, kPresetShare)) config = any_preset(choices);
  config.partial_sums |= once_in(choices, 2);
  return config;
}

std::string settings_of(const spec::Config& config) {
  std::string text;
  for (const spec::Key& key : spec::schema()) {
    const std::string value = spec::value_text(key, config);
    if (key.name == "name" || value == spec::value_text(key, spec::Config{})) continue;
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", key.name, value);
  }
  return text;
}

}  // namespace trine::fuzz
