// SPDX-License-Identifier: Apache-2.0

#include "gen/isa.h"

#include <cassert>

namespace trine::isa {
namespace {

constexpr std::uint64_t mask(int width) { return (std::uint64_t{1} << width) - 1; }

std::uint64_t insert(std::uint64_t word, const Field& field, std::int64_t v) {
  [[maybe_unused]] const std::int64_t low =
      field.is_signed ? -(std::int64_t{1} << (field.width - 1)) : 0;
  [[maybe_unused]] const std::int64_t high = low + static_cast<std::int64_t>(mask(field.width));
  assert(v >= low && v <= high);
  const std::uint64_t bits = static_cast<std::uint64_t>(v) & mask(field.width);
  return (word & ~(mask(field.width) << field.lsb)) | bits << field.lsb;
}

std::int64_t extract(std::uint64_t word, const Field& field) {
  const std::uint64_t bits = word >> field.lsb & mask(field.width);
  if (field.is_signed && (bits >> (field.width - 1)) != 0)
    return static_cast<std::int64_t>(bits) - (std::int64_t{1} << field.width);
  return static_cast<std::int64_t>(bits);
}

}  // namespace

std::vector<Field> fields_of(Engine engine) {
  if (engine == Engine::kLoad || engine == Engine::kStore)
    return {dma::kFields.begin(), dma::kFields.end()};
  std::vector<Field> fields{kLaneFields.begin(), kLaneFields.end()};
  if (engine == Engine::kCompute)
    fields.insert(fields.end(), compute::kFields.begin(), compute::kFields.end());
  else
    fields.insert(fields.end(), vector::kFields.begin(), vector::kFields.end());
  return fields;
}

void Registers::set(const Field& field, std::int64_t v) {
  auto& word = value[static_cast<std::size_t>(field.reg)];
  word = insert(word, field, v);
}

std::int64_t Registers::get(const Field& field) const {
  return extract(value[static_cast<std::size_t>(field.reg)], field);
}

Word encode_set(Engine engine, int reg, std::uint64_t payload) {
  assert(reg >= 0 && reg < kRegisters && payload <= mask(kPayloadBits));
  return Word{1} << 62 | static_cast<Word>(engine) << 60 | static_cast<Word>(reg) << 56 | payload;
}

Word encode_run(Engine engine, const Run& run) {
  Word word = Word{2} << 62 | static_cast<Word>(engine) << 60;
  word = insert(word, run::kWait, run.wait);
  word = insert(word, run::kSignal, run.signal);
  word = insert(word, run::kOp, run.op);
  return insert(word, run::kFlags, run.flags);
}

Opcode opcode_of(Word word) { return static_cast<Opcode>(word >> 62); }
Engine engine_of(Word word) { return static_cast<Engine>(word >> 60 & 3); }
int register_of(Word word) { return static_cast<int>(word >> 56 & 15); }
std::uint64_t payload_of(Word word) { return word & mask(kPayloadBits); }

Run decode_run(Word word) {
  const auto field = [word](const Field& f) { return static_cast<int>(extract(word, f)); };
  return {field(run::kWait), field(run::kSignal), field(run::kOp), field(run::kFlags)};
}

}  // namespace trine::isa
