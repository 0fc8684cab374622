// SPDX-License-Identifier: Apache-2.0

#include "machine/isa.h"

#include <cassert>
#include <optional>

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

/// What a word asks for; nothing for a word that no configuration takes.
struct Demand {
  unsigned needs = 0;
  std::string what;

  /// Whether there is such a code.
  template <std::size_t N>
  bool add(const char* kind, const std::array<Choice, N>& choices, std::int64_t code) {
    if (code >= static_cast<std::int64_t>(N)) return false;
    const Choice& choice = choices[static_cast<std::size_t>(code)];
    needs |= choice.needs;
    what += (what.empty() ? "" : ", ") + std::string(kind) + " " + std::string(choice.name);
    return true;
  }
};

std::optional<Demand> demand_of_run(Engine engine, const Run& run) {
  Demand demand;
  const auto flag = [&](int bit) { return (run.flags >> bit & 1) != 0; };
  bool known = false;
  switch (engine) {
    case Engine::kLoad: {
      const auto target = static_cast<dma::Target>(run.op);
      known = demand.add("target", dma::kTargets, run.op);
      if (flag(dma::kFromDmem)) {
        known = target == dma::Target::kPmem || target == dma::Target::kTransposed;
        demand.needs |= feature::kMaps;
        demand.what += " from DMEM";
      }
      break;
    }
    case Engine::kStore:
      known = run.op == static_cast<int>(dma::Target::kDmem) && !flag(dma::kFromDmem);
      break;
    case Engine::kCompute:
      known = demand.add("precision", compute::kOps, run.op);
      if (flag(compute::kWindow)) {
        demand.needs |= feature::kWindow;
        demand.what += " with the window former";
      }
      break;
    case Engine::kVector:
      known = demand.add("operation", vector::kOps, run.op);
      break;
  }
  return known ? std::optional(demand) : std::nullopt;
}

std::optional<Demand> demand_of_set(Engine engine, int reg, std::uint64_t payload) {
  Demand demand;
  if ((engine != Engine::kCompute && engine != Engine::kVector) || reg != post::kOutput.reg)
    return demand;
  const std::int64_t output = extract(payload, post::kOutput);
  demand.add("output", post::kOutputs, output);
  if (engine == Engine::kVector && (output == 1 || output == 2)) return std::nullopt;
  if (!demand.add("encoding", post::kEncodings, extract(payload, post::kEncoding)))
    return std::nullopt;
  return demand;
}

std::optional<Demand> demand_of(Word word) {
  switch (opcode_of(word)) {
    case Opcode::kEnd:
      return Demand{};
    case Opcode::kSet:
      return demand_of_set(engine_of(word), register_of(word), payload_of(word));
    case Opcode::kRun:
      return demand_of_run(engine_of(word), decode_run(word));
    case Opcode::kBegin:
      break;
  }
  return std::nullopt;
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

Fault fault_of(Word word, unsigned features) {
  const std::optional<Demand> demand = demand_of(word);
  if (!demand) return Fault::kIllegal;
  return (demand->needs & ~features) == 0 ? Fault::kNone : Fault::kLacking;
}

std::string fault_text(Word word, unsigned features) {
  const std::optional<Demand> demand = demand_of(word);
  if (!demand && opcode_of(word) == Opcode::kRun)
    return "no operation " + std::to_string(decode_run(word).op) + " of the " +
           std::string(kEngineNames[static_cast<std::size_t>(engine_of(word))]) +
           " engine, with these flags";
  if (!demand) return "no such instruction";
  std::string missing;
  for (std::size_t i = 0; i < feature::kAll.size(); ++i)
    if ((demand->needs & ~features) >> i & 1)
      missing += (missing.empty() ? "" : ", ") + std::string(feature::kAll[i].name) + " (" +
                 std::string(feature::kAll[i].keys) + ")";
  return demand->what + ": the configuration lacks " + missing;
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
