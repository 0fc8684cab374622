// SPDX-License-Identifier: Apache-2.0

#include "spec/isa.h"

#include <algorithm>
#include <optional>

#include "sw/base/error.h"

namespace trine::isa {
namespace {

constexpr std::uint64_t mask(int width) { return (std::uint64_t{1} << width) - 1; }

bool lists(const FieldList& list, const Field* field) {
  return std::ranges::find(list, field) != list.end();
}

unsigned registers_of(const FieldList& list) {
  unsigned registers = 0;
  for (const Field* field : list) registers |= 1u << field->reg;
  return registers;
}

/// Returns true if only some RUNs of the engine read the field.
bool is_conditional(const Field* field, Engine engine) {
  return std::ranges::any_of(operations_of(engine).codes,
                             [&](const Code& code) { return lists(code.reads, field); }) ||
         std::ranges::any_of(kFlags, [&](const Flag& flag) {
           return (flag.engines & engine_bit(engine)) != 0 && lists(flag.reads, field);
         });
}

/// Returns the registers that all RUNs of the engine read.
unsigned registers_always_read(Engine engine) {
  unsigned registers = 0;
  for (const ListedField& listed : kFields)
    if ((listed.engines & engine_bit(engine)) != 0 && !is_conditional(listed.field, engine))
      registers |= 1u << listed.field->reg;
  return registers;
}

/// The features that a word requires; nothing for a word that no configuration supports.
struct Demand {
  unsigned needs = 0;
  std::string what;

  /// Adds the code of `payload`. @return false if the engine has no such code
  bool add(const CodeSet& set, Engine engine, std::uint64_t payload) {
    const Code* code = set.find(engine, get_field(payload, set.field));
    if (code == nullptr) return false;
    needs |= code->needs;
    what += fmt::format("{}{} {}", what.empty() ? "" : ", ", set.kind, code->name);
    return true;
  }
};

/// Returns false for rounding half to even without single rounding, which requires it.
bool flags_fit(Engine engine, const Run& run) {
  static_assert(compute::kHalfEven == vector::kHalfEven && compute::kSingle == vector::kSingle);
  return (engine_bit(engine) & kLaneEngines) == 0 || !run.has(compute::kHalfEven) ||
         run.has(compute::kSingle);
}

std::optional<Demand> demand_of_run(Engine engine, Word word) {
  Demand demand;
  const Run run = decode_run(word);
  if (!flags_fit(engine, run)) return std::nullopt;
  if (!demand.add(operations_of(engine), engine, word)) return std::nullopt;
  for (const Flag& flag : kFlags) {
    if ((flag.engines & engine_bit(engine)) == 0 || !run.has(flag.bit)) continue;
    if ((flag.codes >> run.op & 1) == 0) return std::nullopt;
    demand.needs |= flag.needs;
    if (flag.needs != 0) demand.what += fmt::format(" with {}", flag.name);
  }
  return demand;
}

/// The largest coordinate that a lane holds.
constexpr std::int64_t kMostCoordinate = (std::int64_t{1} << (limit::kCoordBits - 1)) - 1;

/// Returns true if the machine stores all coordinates of the register without truncating them.
bool coordinates_fit(int reg, std::uint64_t payload) {
  static constexpr const Field* kCoordinates[] = {&agu::kXStart, &agu::kXEnd,   &agu::kYStart,
                                                  &agu::kYEnd,   &agu::kHeight, &agu::kWidth,
                                                  &agu::kTileX,  &agu::kTileY};
  const auto fits = [](std::int64_t n) {
    return n >= -kMostCoordinate - 1 && n <= kMostCoordinate;
  };
  // Lanes store the column as a distance from the end of a row.
  if (reg == agu::kXStart.reg &&
      !fits(get_field(payload, agu::kXEnd) - get_field(payload, agu::kXStart)))
    return false;
  return std::ranges::all_of(kCoordinates, [&](const Field* field) {
    return field->reg != reg || fits(get_field(payload, *field));
  });
}

std::optional<Demand> demand_of_set(Engine engine, int reg, std::uint64_t payload) {
  Demand demand;
  if ((engine_bit(engine) & kLaneEngines) != 0 && !coordinates_fit(reg, payload))
    return std::nullopt;
  if ((engine_bit(engine) & kLaneEngines) == 0 || reg != post::kOutput.reg) return demand;
  if (!demand.add(kOutputs, engine, payload) || !demand.add(kEncodings, engine, payload))
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
      return demand_of_run(engine_of(word), word);
    case Opcode::kBegin:
      break;
  }
  return std::nullopt;
}

std::string_view name_of(Engine engine) { return kEngineNames[static_cast<std::size_t>(engine)]; }

/// Returns, for example, " wait=load,store".
std::string engines_text(const char* title, int engines) {
  std::string text;
  for (std::size_t e = 0; e < kEngines; ++e)
    if ((engines >> e & 1) != 0)
      text += fmt::format("{}{}", text.empty() ? "" : ",", kEngineNames[e]);
  return text.empty() ? text : fmt::format(" {}={}", title, text);
}

std::string run_text(Engine engine, const Run& run) {
  const Code* code = operations_of(engine).find(engine, run.op);
  std::string text = fmt::format("{:<7} RUN {}", name_of(engine), code ? code->name : "?");
  for (const Flag& flag : kFlags)
    if ((flag.engines & engine_bit(engine)) != 0 && run.has(flag.bit))
      text += fmt::format(" {}", flag.name);
  return text + engines_text("wait", run.wait) + engines_text("signal", run.signal);
}

std::string set_text(Engine engine, int reg, std::uint64_t payload) {
  std::string text = fmt::format("{:<7} SET {:>2}", name_of(engine), reg);
  for (const Field& field : fields_of(engine))
    if (field.reg == reg) text += fmt::format(" {}={}", field.name, get_field(payload, field));
  return text;
}

}  // namespace

std::vector<Field> fields_of(Engine engine) {
  std::vector<Field> fields;
  for (const ListedField& listed : kFields)
    if ((listed.engines & engine_bit(engine)) != 0) fields.push_back(*listed.field);
  return fields;
}

const Code* CodeSet::find(Engine engine, std::int64_t code) const {
  for (const Code& c : codes)
    if (c.code == code && (c.engines & engine_bit(engine)) != 0) return &c;
  return nullptr;
}

const CodeSet& operations_of(Engine engine) {
  return engine == Engine::kCompute  ? kComputeOps
         : engine == Engine::kVector ? kVectorOps
                                     : kTargets;
}

std::int64_t get_field(std::uint64_t payload, const Field& field) {
  const auto bits = static_cast<std::int64_t>(payload >> field.lsb & mask(field.width));
  return bits > field.high() ? bits - (std::int64_t{1} << field.width) : bits;
}

std::uint64_t with_field(std::uint64_t payload, const Field& field, std::int64_t value,
                         std::string_view what) {
  if (value < field.low() || value > field.high())
    throw_error("{}: {} would be {}, but the instruction holds {}..{}", what, field.name, value,
                field.low(), field.high());
  const std::uint64_t bits = static_cast<std::uint64_t>(value) & mask(field.width);
  return (payload & ~(mask(field.width) << field.lsb)) | bits << field.lsb;
}

Word encode_set(Engine engine, int reg, std::uint64_t payload) {
  if (reg < 0 || reg >= kRegisters || payload > mask(kPayloadBits))
    throw_error("register {} of the {} engine cannot hold {:#x}", reg, name_of(engine), payload);
  return Word{1} << 62 | static_cast<Word>(engine) << 60 | static_cast<Word>(reg) << 56 | payload;
}

Word encode_run(Engine engine, const Run& run) {
  Word word = Word{2} << 62 | static_cast<Word>(engine) << 60;
  word = with_field(word, run::kWait, run.wait);
  word = with_field(word, run::kSignal, run.signal);
  word = with_field(word, run::kOp, run.op);
  return with_field(word, run::kFlags, run.flags);
}

Opcode opcode_of(Word word) { return static_cast<Opcode>(word >> 62); }
Engine engine_of(Word word) { return static_cast<Engine>(word >> 60 & 3); }
int register_of(Word word) { return static_cast<int>(word >> 56 & 15); }
std::uint64_t payload_of(Word word) { return word & mask(kPayloadBits); }

Run decode_run(Word word) {
  const auto field = [word](const Field& f) { return static_cast<int>(get_field(word, f)); };
  return {field(run::kWait), field(run::kSignal), field(run::kOp), field(run::kFlags)};
}

std::int64_t dram_rows(const TransferRegisters& registers, const Run& run) {
  return is_packed(run) ? 1 : registers.get(dma::kRowsLast) + 1;
}

unsigned registers_read(Engine engine, const Registers& registers, const Run& run) {
  static const std::array<unsigned, kEngines> always{
      registers_always_read(Engine::kLoad), registers_always_read(Engine::kCompute),
      registers_always_read(Engine::kVector), registers_always_read(Engine::kStore)};
  unsigned read = always[static_cast<std::size_t>(engine)];
  const Code* code = operations_of(engine).find(engine, run.op);
  if (code != nullptr) read |= registers_of(code->reads);
  for (const Flag& flag : kFlags)
    if ((flag.engines & engine_bit(engine)) != 0 && run.has(flag.bit))
      read |= registers_of(flag.reads);
  // With a single row the DRAM stride is not read.
  if ((engine_bit(engine) & kTransfers) != 0 &&
      TransferRegisters(registers).get(dma::kRowsLast) == 0)
    read &= ~(1u << dma::kDramStride.reg);
  return read;
}

Registers as_read(Engine engine, const Registers& registers, const Run& run) {
  const unsigned read = registers_read(engine, registers, run);
  Registers result;
  for (std::size_t reg = 0; reg < kRegisters; ++reg)
    if ((read >> reg & 1) != 0) result.value[reg] = registers.value[reg];
  return result;
}

Fault fault_of(Word word, unsigned features) {
  const std::optional<Demand> demand = demand_of(word);
  // These features were added later. A design without one of them does not decode its codes, and
  // reports them as illegal instead of lacking.
  constexpr unsigned kLater = feature::kInt16 | feature::kInt4 | feature::kGroups |
                              feature::kPacked | feature::kStreams | feature::kCluster |
                              feature::kFormats | feature::kSums;
  if (!demand || (demand->needs & ~features & kLater) != 0) return Fault::kIllegal;
  return (demand->needs & ~features) == 0 ? Fault::kNone : Fault::kLacking;
}

std::string fault_text(Word word, unsigned features) {
  const std::optional<Demand> demand = demand_of(word);
  if (!demand && opcode_of(word) == Opcode::kRun)
    return fmt::format("operation {} of the {} engine does not exist with these flags",
                       decode_run(word).op, name_of(engine_of(word)));
  if (!demand && opcode_of(word) == Opcode::kSet &&
      !coordinates_fit(register_of(word), payload_of(word)))
    return fmt::format("a coordinate, or x_end - x_start, is outside of {}..{}",
                       -kMostCoordinate - 1, kMostCoordinate);
  if (!demand) return "the instruction does not exist";
  std::string missing;
  for (std::size_t i = 0; i < std::size(feature::kAll); ++i)
    if ((demand->needs & ~features) >> i & 1)
      missing += fmt::format("{}{} ({})", missing.empty() ? "" : ", ", feature::kAll[i].name,
                             feature::kAll[i].keys);
  return demand->what + ": the configuration lacks " + missing;
}

std::string disassemble(Word word) {
  switch (opcode_of(word)) {
    case Opcode::kEnd:
      return "END";
    case Opcode::kSet:
      return set_text(engine_of(word), register_of(word), payload_of(word));
    case Opcode::kRun:
      return run_text(engine_of(word), decode_run(word));
    case Opcode::kBegin:
      break;
  }
  return fmt::format("BEGIN configuration={:016x}", word);
}

void Encoder::run(Engine engine, const Registers& registers, const Run& run) {
  const unsigned read = registers_read(engine, registers, run);
  const unsigned known = known_[static_cast<std::size_t>(engine)];
  for (int reg = 0; reg < kRegisters; ++reg) {
    const bool same = (known >> reg & 1) != 0 && file_[engine].value[reg] == registers.value[reg];
    if ((read >> reg & 1) != 0 && !same) set(engine, reg, registers.value[reg]);
  }
  words_.push_back(encode_run(engine, run));
}

void Encoder::set(Engine engine, int reg, std::uint64_t payload) {
  words_.push_back(encode_set(engine, reg, payload));
  file_.set(words_.back());
  known_[static_cast<std::size_t>(engine)] |= 1u << reg;
}

std::vector<Word> Encoder::end() {
  words_.push_back(kEndWord);
  return std::move(words_);
}

}  // namespace trine::isa
