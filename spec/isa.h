// SPDX-License-Identifier: Apache-2.0
//
// The instruction set: its types and instruction words. spec/isa.def contains its tables.
// Semantics: docs/architecture.md.
//
// An instruction word has 64 bits. SET writes 56 bits to one of the 16 registers of an engine,
// which keep their values. RUN starts an engine with its registers. END ends the program.
//   63:62 opcode | 61:60 engine | 59:56 register | 55:0 payload
//
// The first word of a program, BEGIN, is the hash of the configuration that the program was
// compiled for (spec::Config::hash(), whose bits 63:62 are BEGIN's opcode). A machine with
// another configuration refuses the program.

#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace trine::isa {

inline constexpr int kVersion = 15;

/// Kinds of instruction words.
enum class Opcode : int { kEnd = 0, kSet = 1, kRun = 2, kBegin = 3 };
enum class Engine : int { kLoad = 0, kCompute = 1, kVector = 2, kStore = 3 };
inline constexpr int kEngines = 4;
inline constexpr int kRegisters = 16;
inline constexpr int kPayloadBits = 56;
inline constexpr std::array<std::string_view, kEngines> kEngineNames{"load", "compute", "vector",
                                                                     "store"};

/// The limits of the hardware's counters and memories. The RTL package contains the same table.
namespace limit {
#define LIMIT(id, name, value, ...) inline constexpr int id = value;
#include "spec/isa.def"
/// A limit of the hardware.
struct Limit {
  std::string_view name;
  int value;
  std::string_view doc;
};
inline constexpr Limit kAll[] = {
#define LIMIT(id, ...) {__VA_ARGS__},
#include "spec/isa.def"
};
}  // namespace limit
using limit::kAddressBits, limit::kTokenBits;

/// Returns an engine as a bit of a set of engines.
constexpr unsigned engine_bit(Engine engine) { return 1u << static_cast<int>(engine); }
inline constexpr unsigned kLoads = engine_bit(Engine::kLoad),
                          kTransfers = kLoads | engine_bit(Engine::kStore),
                          kCompute = engine_bit(Engine::kCompute),
                          kVector = engine_bit(Engine::kVector), kLaneEngines = kCompute | kVector;

/// The features that a configuration may lack, one bit each.
namespace feature {
#define FEATURE(id, bit, ...) inline constexpr unsigned id = 1u << bit;
#include "spec/isa.def"
/// A feature with its name in messages.
struct Feature {
  std::string_view name;
  std::string_view keys;  ///< the configuration keys that enable it
};
inline constexpr Feature kAll[] = {
#define FEATURE(id, bit, name, keys) {name, keys},
#include "spec/isa.def"
};
}  // namespace feature

// ---- fields -------------------------------------------------------------------------------------
/// Bits [lsb + width - 1 : lsb] of register `reg`. Signed fields are in two's complement.
struct Field {
  std::string_view name;
  int reg;
  int lsb;
  int width;
  bool is_signed;
  std::string_view doc;

  /// Returns the smallest value of the field.
  constexpr std::int64_t low() const { return is_signed ? -(std::int64_t{1} << (width - 1)) : 0; }
  /// Returns the largest value of the field.
  constexpr std::int64_t high() const { return low() + (std::int64_t{1} << width) - 1; }
};

// Types of fields by the engines whose registers contain them. Load and store share all fields,
// compute and vector most of theirs.
struct TransferField : Field {
  static constexpr unsigned kOf = kTransfers;
};
struct LaneField : Field {
  static constexpr unsigned kOf = kLaneEngines;
};
struct ComputeField : Field {
  static constexpr unsigned kOf = kCompute;
};
struct VectorField : Field {
  static constexpr unsigned kOf = kVector;
};
/// A field of a RUN's payload.
struct RunField : Field {
  static constexpr unsigned kOf = 0;
};

#define FIELD(group, type, id, ...)         \
  namespace group {                         \
  inline constexpr type id = {__VA_ARGS__}; \
  }
#include "spec/isa.def"

/// An entry in the table of all fields.
struct ListedField {
  const Field* field;
  std::string_view group;  ///< prefix of its constants: dma, agu, post, compute, vector, run
  unsigned engines;
};
inline constexpr ListedField kFields[] = {
#define FIELD(group, type, id, ...) {&group::id, #group, type::kOf},
#include "spec/isa.def"
};

/// Returns all fields of an engine's registers.
std::vector<Field> fields_of(Engine engine);

// ---- codes and flags of a RUN -------------------------------------------------------------------
namespace dma {
enum class Target : int {
#define TARGET(id, name, code, ...) id = code,
#include "spec/isa.def"
};
using limit::kTableWords, limit::kExponentialWords, limit::kSoftmaxWords;
}  // namespace dma

namespace compute {
enum class Op : int {
#define COMPUTE_OP(id, name, code, ...) id = code,
#include "spec/isa.def"
};
}  // namespace compute

namespace vector {
enum class Op : int {
#define VECTOR_OP(id, name, code, ...) id = code,
#include "spec/isa.def"
};
}  // namespace vector

namespace post {
enum class Output : int {
#define OUTPUT(id, name, code, ...) id = code,
#include "spec/isa.def"
};
enum class Encoding : int {
#define ENCODING(id, name, code, ...) id = code,
#include "spec/isa.def"
};
}  // namespace post

/// Bit indices of a RUN's flags: compute::kClear, ...
#define FLAG(group, id, name, bit, ...) \
  namespace group {                     \
  inline constexpr int id = bit;        \
  }
#include "spec/isa.def"

/// The fields that a code or a flag makes a RUN read; only the first `count` entries are valid.
/// (The count replaces null entries, because g++ 12 under UBSan cannot compare addresses in
/// constant expressions.)
struct FieldList {
  std::array<const Field*, 12> field{};
  std::size_t count = 0;

  constexpr const Field* const* begin() const { return field.data(); }
  constexpr const Field* const* end() const { return field.data() + count; }
};

/// A code of a RUN's `op`, or of a register field that selects hardware.
struct Code {
  std::string_view name;
  int code;
  unsigned engines;  ///< engines that support it
  unsigned needs;    ///< required features
  FieldList reads;
  int taps;  ///< window taps that it requires; 0: any number
  std::string_view doc;
};

/// A flag of a RUN.
struct Flag {
  std::string_view group;  ///< prefix of its constant: dma, compute, vector
  std::string_view name;
  int bit;
  unsigned engines;
  unsigned needs;  ///< required features
  FieldList reads;
  unsigned codes;  ///< codes of `op` that it may be combined with, one bit each
  std::string_view doc;
};

namespace table {

template <typename... Fields>
constexpr FieldList fields(const Fields&... list) {
  return {{&list...}, sizeof...(list)};
}
constexpr FieldList operator+(FieldList a, const FieldList& b) {
  for (const Field* field : b) a.field.at(a.count++) = field;
  return a;
}
template <typename Enum>
constexpr unsigned code_bit(Enum code) {
  return 1u << static_cast<int>(code);
}
inline constexpr unsigned kAnyCode = ~0u;

inline constexpr FieldList kNone{};
inline constexpr FieldList kScale = fields(post::kMultiplier, post::kShift);
inline constexpr FieldList kZeroPoints = fields(post::kAddZeroA, post::kAddZeroB);
inline constexpr FieldList kOperands =
    kZeroPoints + fields(post::kAddOperandMultiplier, post::kAddOperandShift, post::kAddAIsHalf);
inline constexpr FieldList kSum = fields(post::kAddMultiplier, post::kAddShift, post::kAddZeroPoint,
                                         post::kAddActMin, post::kAddActMax);
inline constexpr FieldList kResidual = fields(post::kResidualDelta);

inline constexpr Code kTargets[] = {
#define TARGET(id, ...) {__VA_ARGS__},
#include "spec/isa.def"
};
inline constexpr Code kComputeOps[] = {
#define COMPUTE_OP(id, ...) {__VA_ARGS__},
#include "spec/isa.def"
};
inline constexpr Code kVectorOps[] = {
#define VECTOR_OP(id, ...) {__VA_ARGS__},
#include "spec/isa.def"
};
inline constexpr Code kOutputs[] = {
#define OUTPUT(id, ...) {__VA_ARGS__},
#include "spec/isa.def"
};
inline constexpr Code kEncodings[] = {
#define ENCODING(id, ...) {__VA_ARGS__},
#include "spec/isa.def"
};
inline constexpr Flag kFlags[] = {
#define FLAG(group, id, ...) {#group, __VA_ARGS__},
#include "spec/isa.def"
};

}  // namespace table
using table::kFlags;

/// Codes of one field, of which a RUN or register selects one.
struct CodeSet {
  std::string_view prefix;  ///< prefix of the constants
  std::string_view kind;    ///< name of such a code in messages
  const Field& field;       ///< the field that contains the code
  std::span<const Code> codes;

  /// Returns the code, or null if the engine does not support it.
  const Code* find(Engine engine, std::int64_t code) const;
};
inline constexpr CodeSet kTargets{"dma_target", "target", run::kOp, table::kTargets},
    kComputeOps{"compute_op", "precision", run::kOp, table::kComputeOps},
    kVectorOps{"vector_op", "operation", run::kOp, table::kVectorOps},
    kOutputs{"post_output", "output", post::kOutput, table::kOutputs},
    kEncodings{"post_encoding", "encoding", post::kEncoding, table::kEncodings};

/// Returns the operations that a RUN of the engine may select.
const CodeSet& operations_of(Engine engine);

// ---- words --------------------------------------------------------------------------------------
using Word = std::uint64_t;

/// Returns the value of a field in a payload.
std::int64_t get_field(std::uint64_t payload, const Field& field);
/// Returns the payload with a new value of the field.
/// @throws Error  begins with `what`: the value does not fit
std::uint64_t with_field(std::uint64_t payload, const Field& field, std::int64_t value,
                         std::string_view what = "instruction");

/// The registers of one engine, as the hardware stores them.
struct Registers {
  std::array<std::uint64_t, kRegisters> value{};

  bool operator==(const Registers& other) const = default;

  template <typename F>
  static constexpr bool kHas = false;
};

/// The registers of one engine, or those that two engines share. Access to a field of another
/// engine does not compile.
template <typename Own, typename Common = Registers>
struct RegistersOf : Common {
  template <typename F>
  static constexpr bool kHas = std::same_as<F, Own> || Common::template kHas<F>;

  RegistersOf() = default;
  explicit RegistersOf(const Registers& registers) : Common(registers) {}

  template <typename F>
  requires kHas<F> std::int64_t get(const F& field)
  const { return get_field(this->value[static_cast<std::size_t>(field.reg)], field); }
  /// Sets a field. @throws Error  begins with `what`: the value does not fit the field
  template <typename F>
  requires kHas<F>
  void set(const F& field, std::int64_t v, std::string_view what = "instruction") {
    auto& payload = this->value[static_cast<std::size_t>(field.reg)];
    payload = with_field(payload, field, v, what);
  }
  /// Sets an address, or a difference of addresses, modulo 2^width.
  template <typename F>
  requires kHas<F>
  void set_address(const F& field, std::int64_t v) { set(field, v & field.high()); }
};
using TransferRegisters = RegistersOf<TransferField>;
using LaneRegisters = RegistersOf<LaneField>;
using ComputeRegisters = RegistersOf<ComputeField, LaneRegisters>;
using VectorRegisters = RegistersOf<VectorField, LaneRegisters>;

/// A decoded RUN word.
struct Run {
  int wait = 0, signal = 0, op = 0, flags = 0;

  /// Returns true if the RUN has the flag with this bit index.
  bool has(int flag) const { return (flags >> flag & 1) != 0; }
};

/// Returns the BEGIN word of a configuration hash.
inline constexpr Word encode_begin(std::uint64_t hash) { return hash | Word{3} << 62; }
/// Returns a SET word. @throws Error  the register does not exist, or the payload is too wide
Word encode_set(Engine engine, int reg, std::uint64_t payload);
/// Returns a RUN word. @throws Error  a number does not fit its field
Word encode_run(Engine engine, const Run& run);
inline constexpr Word kEndWord = 0;

Opcode opcode_of(Word word);
Engine engine_of(Word word);
int register_of(Word word);
std::uint64_t payload_of(Word word);
Run decode_run(Word word);

/// Returns true if a load unpacks a stream, which is a single row in DRAM.
constexpr bool is_packed(const Run& run) {
  return run.op >= static_cast<int>(dma::Target::kShort) &&
         run.op <= static_cast<int>(dma::Target::kPalette);
}
/// Returns true if the on-chip words of a copy are words of maps in DMEM.
constexpr bool is_of_maps(const Run& run) {
  return run.op == static_cast<int>(dma::Target::kDmem) ||
         run.op == static_cast<int>(dma::Target::kDmem16) ||
         run.op == static_cast<int>(dma::Target::kCore);
}
/// Returns true if a load reads DMEM instead of DRAM.
inline bool reads_dmem(const Run& run) {
  return run.has(dma::kFromDmem) || run.op == static_cast<int>(dma::Target::kCore);
}
/// Returns true if a copy concerns only the cores that it names: maps and weights. Parameters and
/// tables are the same in all cores.
constexpr bool is_of_core(const Run& run) {
  constexpr auto bit = [](dma::Target target) { return 1U << static_cast<int>(target); };
  constexpr unsigned kShared = bit(dma::Target::kBias) | bit(dma::Target::kScale) |
                               bit(dma::Target::kTable) | bit(dma::Target::kExponentials) |
                               bit(dma::Target::kPoints);
  return run.op > 31 || (kShared >> run.op & 1) == 0;
}
/// Returns the number of DRAM rows that a load or store transfers.
std::int64_t dram_rows(const TransferRegisters& registers, const Run& run);

/// Returns the registers that the RUN reads, one bit each.
unsigned registers_read(Engine engine, const Registers& registers, const Run& run);
/// Returns the registers, but with 0 in each register that the RUN does not read.
Registers as_read(Engine engine, const Registers& registers, const Run& run);

/// Reasons to refuse a word other than the first one.
enum class Fault { kNone, kIllegal, kLacking };
/// Returns why a configuration refuses a word.
/// @param features  the configuration's features
/// @return kLacking: the word needs features that the configuration lacks; kIllegal: no
/// configuration executes it, or the configuration lacks a feature whose codes look like unused
/// codes without it (int16, 4-bit weights, groups, packed weights, clusters, formats)
Fault fault_of(Word word, unsigned features);
/// Returns the reason for a fault: "operation max_ternary: needs vector (vector.enable), ternary
/// (array.precisions)".
/// @pre fault_of() is not kNone
std::string fault_text(Word word, unsigned features);

/// Returns a word as text: "compute RUN int8 clear drain wait=load signal=store", "vector  SET 15
/// bias=3 channels=0".
std::string disassemble(Word word);

// ---- programs -----------------------------------------------------------------------------------
/// The registers of all engines after the SET words so far.
class RegisterFile {
 public:
  /// Executes a SET word.
  void set(Word word) {
    all_[static_cast<std::size_t>(engine_of(word))]
        .value[static_cast<std::size_t>(register_of(word))] = payload_of(word);
  }
  /// Returns the registers of an engine.
  const Registers& operator[](Engine engine) const {
    return all_[static_cast<std::size_t>(engine)];
  }

 private:
  std::array<Registers, kEngines> all_;
};

/// Writes a program. It emits a SET only for a register that a RUN reads and whose value changes.
class Encoder {
 public:
  explicit Encoder(std::uint64_t config_hash) : words_{config_hash} {}

  /// Appends a RUN and the SET words that it needs.
  void run(Engine engine, const Registers& registers, const Run& run);
  /// Appends a SET of a register, even if it does not change the value.
  void set(Engine engine, int reg, std::uint64_t payload);
  /// Appends END and returns the program.
  std::vector<Word> end();

 private:
  std::vector<Word> words_;
  RegisterFile file_;
  std::array<unsigned, kEngines> known_{};  ///< registers that were set, one bit each
};

}  // namespace trine::isa
