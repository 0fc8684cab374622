// SPDX-License-Identifier: Apache-2.0

#include "spec/isa.h"

#include <concepts>
#include <map>
#include <set>

#include "spec/config.h"
#include "sw/base/catch.h"

namespace trine {
namespace {

using isa::Engine;

template <typename Registers, typename Field>
concept Takes = requires(Registers r, const Field& f) {
  r.set(f, r.get(f));
};

// Setting a post field on a load, or a field of another engine, does not compile.
static_assert(Takes<isa::TransferRegisters, isa::TransferField>);
static_assert(!Takes<isa::TransferRegisters, isa::LaneField>);
static_assert(!Takes<isa::LaneRegisters, isa::ComputeField>);
static_assert(Takes<isa::ComputeRegisters, isa::LaneField>);
static_assert(Takes<isa::ComputeRegisters, isa::ComputeField>);
static_assert(!Takes<isa::ComputeRegisters, isa::VectorField>);
static_assert(!Takes<isa::ComputeRegisters, isa::TransferField>);
static_assert(Takes<isa::VectorRegisters, isa::LaneField>);
static_assert(Takes<isa::VectorRegisters, isa::VectorField>);
static_assert(!Takes<isa::VectorRegisters, isa::ComputeField>);
static_assert(!Takes<isa::VectorRegisters, isa::Field>);
static_assert(!Takes<isa::Registers, isa::LaneField>);

TEST_CASE("coordinates that the machine would cut are illegal", "[isa]") {
  namespace agu = isa::agu;
  const auto fault = [](isa::Engine engine, const isa::Field& field, std::int64_t value) {
    std::uint64_t payload = isa::with_field(0, field, value, "test");
    if (&field == &agu::kXStart)  // a row of no columns
      payload = isa::with_field(payload, agu::kXEnd, value, "test");
    return isa::fault_of(isa::encode_set(engine, field.reg, payload), ~0U);
  };
  const auto span = [&](std::int64_t start, std::int64_t end) {
    const std::uint64_t payload = isa::with_field(0, agu::kXStart, start, "test");
    return isa::fault_of(isa::encode_set(isa::Engine::kVector, agu::kXEnd.reg,
                                         isa::with_field(payload, agu::kXEnd, end, "test")),
                         ~0U);
  };
  CHECK(span(-1, 8190) == isa::Fault::kNone);
  CHECK(span(-1, 8191) == isa::Fault::kIllegal);
  CHECK(span(8191, -1) == isa::Fault::kNone);
  CHECK(span(8191, -2) == isa::Fault::kIllegal);
  for (const isa::Engine engine : {isa::Engine::kCompute, isa::Engine::kVector})
    for (const isa::Field* field : std::initializer_list<const isa::Field*>{
             &agu::kXStart, &agu::kXEnd, &agu::kYStart, &agu::kYEnd, &agu::kHeight, &agu::kWidth,
             &agu::kTileX, &agu::kTileY}) {
      CAPTURE(field->name);
      CHECK(fault(engine, *field, 8191) == isa::Fault::kNone);
      CHECK(fault(engine, *field, 8192) == isa::Fault::kIllegal);
      if (field->is_signed) CHECK(fault(engine, *field, -8192) == isa::Fault::kNone);
      if (field->is_signed) CHECK(fault(engine, *field, -8193) == isa::Fault::kIllegal);
    }
  CHECK(isa::fault_text(isa::encode_set(isa::Engine::kVector, agu::kWidth.reg,
                                        isa::with_field(0, agu::kWidth, 9000, "test")),
                        ~0U) == "a coordinate, or x_end - x_start, is outside of -8192..8191");
}

TEST_CASE("a value that does not fit its field is an error in every build",
          "[machine][isa][error]") {
  isa::LaneRegisters r;
  for (const std::int64_t fits : {-32, 31}) {
    r.set(isa::post::kShift, fits);
    CHECK(r.get(isa::post::kShift) == fits);
  }
  CHECK_THROWS_WITH(r.set(isa::post::kShift, 32, "layer 3"),
                    "layer 3: shift would be 32, but the instruction holds -32..31");
  CHECK_THROWS_WITH(r.set(isa::agu::kHalo, -1),
                    "instruction: halo would be -1, but the instruction holds 0..255");
  CHECK(r.get(isa::post::kShift) == 31);
  CHECK_THROWS_WITH(isa::encode_run(Engine::kLoad, {0, 0, 256, 0}),
                    "instruction: op would be 256, but the instruction holds 0..255");
  CHECK_THROWS_WITH(isa::encode_set(Engine::kStore, 16, 0),
                    "register 16 of the store engine cannot hold 0x0");
  CHECK_THROWS_WITH(isa::encode_set(Engine::kStore, 3, std::uint64_t{1} << 56),
                    "register 3 of the store engine cannot hold 0x100000000000000");
}

TEST_CASE("addresses are taken modulo 2^24", "[machine][isa]") {
  isa::LaneRegisters r;
  r.set_address(isa::agu::kBase, -1);
  r.set_address(isa::agu::kRowWrap, (1 << 24) + 5);
  CHECK(r.value[0] == (std::uint64_t{5} << 24 | 0xffffff));
}

/// Spells out which registers above 9 a RUN reads.
TEST_CASE("a RUN reads the registers of its operation and flags", "[machine][isa]") {
  const auto read = [](Engine engine, int op, int flags) {
    std::set<int> all;
    const unsigned mask = isa::registers_read(engine, {}, {0, 0, op, flags});
    for (int reg = 0; reg < isa::kRegisters; ++reg)
      if ((mask >> reg & 1) != 0) all.insert(reg);
    for (int reg = 0; reg < 10 && engine != Engine::kLoad && engine != Engine::kStore; ++reg)
      CHECK(all.erase(reg) == 1);
    return all;
  };
  using Regs = std::set<int>;
  const std::map<int, Regs> vector{{0, {10}},
                                   {1, {10, 11, 15}},
                                   {2, {10, 12, 13, 14}},
                                   {3, {10}},
                                   {4, {10}},
                                   {6, {10, 11, 12}},
                                   {7, {10}},
                                   {8, {10, 15}},
                                   {9, {10, 11, 12}},
                                   {10, {10, 11, 12, 14, 15}}};
  for (const auto& [op, registers] : vector) {
    CAPTURE(op);
    CHECK(read(Engine::kVector, op, 0) == registers);
    CHECK(read(Engine::kVector, op, 0b11110110) == registers);
  }
  CHECK(read(Engine::kVector, 19, 0) == Regs{10});
  CHECK(read(Engine::kVector, 19, 1) == Regs{10, 15});  // max16 of all channels
  CHECK(read(Engine::kVector, 23, 0) == Regs{10, 11, 14, 15});
  CHECK(read(Engine::kVector, 24, 0) == Regs{10, 14, 15});
  CHECK(read(Engine::kVector, 8, 1 << 3) == Regs{10, 11, 15});
  for (int op = 0; op <= 5; ++op) {
    CAPTURE(op);
    const Regs plain = op == 5 ? Regs{10, 12, 15} : Regs{10, 15};
    const auto with = [&](Regs more) {
      more.insert(plain.begin(), plain.end());
      return more;
    };
    CHECK(read(Engine::kCompute, op, 0b11010011) == plain);
    CHECK(read(Engine::kCompute, op, 1 << 2) == with({12, 13, 14}));
    CHECK(read(Engine::kCompute, op, 1 << 3) == with({11}));
    CHECK(read(Engine::kCompute, op, 1 << 5) == with({14}));
  }
  for (const Engine engine : {Engine::kLoad, Engine::kStore}) {
    CHECK(read(engine, 0, 0) == Regs{0, 1, 2});
    isa::TransferRegisters rows;
    rows.set(isa::dma::kRowsLast, 1);
    CHECK(isa::registers_read(engine, rows, {}) == 0b1111);
  }
}

TEST_CASE("codes, flags and the fields they read belong to their engines", "[machine][isa]") {
  const auto engines_of = [](const isa::Field* field) {
    for (const isa::ListedField& listed : isa::kFields)
      if (listed.field == field) return listed.engines;
    return 0u;
  };
  const auto check = [&](unsigned engines, const isa::FieldList& reads) {
    for (const isa::Field* field : reads) {
      CAPTURE(field->name);
      CHECK((engines_of(field) & engines) == engines);
    }
  };
  for (const isa::CodeSet* set :
       {&isa::kTargets, &isa::kComputeOps, &isa::kVectorOps, &isa::kOutputs, &isa::kEncodings}) {
    std::set<int> codes;
    for (const isa::Code& code : set->codes) {
      CAPTURE(set->prefix, code.name);
      CHECK(codes.insert(code.code).second);
      CHECK(code.code <= set->field.high());
      check(code.engines, code.reads);
    }
  }
  std::set<std::pair<std::string_view, int>> bits;
  for (const isa::Flag& flag : isa::kFlags) {
    CAPTURE(flag.group, flag.name);
    CHECK(bits.insert({flag.group, flag.bit}).second);
    check(flag.engines, flag.reads);
  }
}

TEST_CASE("words are printed by name", "[machine][isa]") {
  const auto run = [](Engine engine, const isa::Run& r) {
    return isa::disassemble(isa::encode_run(engine, r));
  };
  CHECK(run(Engine::kCompute, {9, 4, 5, 0x0b}) ==
        "compute RUN matmul clear drain per_tensor wait=load,store signal=vector");
  CHECK(run(Engine::kVector, {0, 0, 10, 0x14}) == "vector  RUN normalize center single");
  CHECK(run(Engine::kVector, {0, 0, 5, 0}) == "vector  RUN ?");
  CHECK(run(Engine::kStore, {0, 1, 0, 0}) == "store   RUN dmem signal=load");
  isa::VectorRegisters r;
  r.set(isa::vector::kBias, -3);
  r.set(isa::vector::kChannels, 7);
  CHECK(isa::disassemble(isa::encode_set(Engine::kVector, 15, r.value[15])) ==
        "vector  SET 15 bias=-3 channels=7");
  CHECK(isa::disassemble(isa::kEndWord) == "END");
}

TEST_CASE("an encoder sets only registers that a RUN reads and that have changed",
          "[machine][isa]") {
  isa::TransferRegisters r;
  r.set(isa::dma::kWords, 3);
  r.set(isa::dma::kDramStride, 8);  // of a single row: not read
  isa::Encoder encoder(isa::encode_begin(1));
  encoder.run(Engine::kLoad, r, {});
  r.set(isa::dma::kLocal, 5);
  encoder.run(Engine::kLoad, r, {});
  encoder.run(Engine::kStore, r, {});
  std::string text;
  for (const isa::Word word : encoder.end()) text += isa::disassemble(word) + "\n";
  CHECK(text == R"(BEGIN configuration=c000000000000001
load    SET  0 dram=0
load    SET  1 local=0 words=3
load    SET  2 rows_last=0 local_stride=0 cores=0 from_core=0
load    RUN dmem
load    SET  1 local=5 words=3
load    RUN dmem
store   SET  0 dram=0
store   SET  1 local=5 words=3
store   SET  2 rows_last=0 local_stride=0 cores=0 from_core=0
store   RUN dmem
END
)");
}

/// Spells out what each key switches off: all other users share one table.
TEST_CASE("the keys of a configuration decide which words it does not support", "[machine][isa]") {
  const auto load = [](int target, int flags = 0) {
    return isa::encode_run(Engine::kLoad, {0, 0, target, flags});
  };
  const auto compute = [](int op, int flags = 0) {
    return isa::encode_run(Engine::kCompute, {0, 0, op, flags});
  };
  const auto vector = [](int op) { return isa::encode_run(Engine::kVector, {0, 0, op, 0}); };
  const auto behind = [](const isa::CodeSet& set) { return set.codes.back().code + 1; };
  const auto post = [](Engine engine, std::uint64_t output, std::uint64_t encoding) {
    return isa::encode_set(engine, 10, output << 32 | encoding << 34);
  };
  const isa::Word window = compute(0, 1 << 6), table = load(4), exponentials = load(5),
                  transposed = load(6), from_dmem = load(1, 1), from_both = load(6, 1),
                  matmul = compute(5), softmax = vector(8), normalize = vector(10),
                  lookup = post(Engine::kCompute, 3, 0),
                  vector_lookup = post(Engine::kVector, 3, 0),
                  thresholds = post(Engine::kCompute, 1, 0), raw = post(Engine::kCompute, 2, 0),
                  to_ternary = post(Engine::kCompute, 1, 1),
                  to_binary = post(Engine::kCompute, 1, 2);
  const std::set<isa::Word> ternary{compute(1), compute(3), vector(3), to_ternary},
      binary{compute(2), compute(4), vector(4), to_binary},
      int8{compute(0), compute(3), compute(4), matmul, window, from_dmem, transposed, from_both},
      maps{matmul, from_dmem, transposed, from_both};
  std::set<isa::Word> all{load(0),       load(1),       load(2),
                          load(3),       table,         exponentials,
                          raw,           thresholds,    lookup,
                          vector_lookup, isa::kEndWord, isa::encode_run(Engine::kStore, {})};
  for (const auto& more : {ternary, binary, int8, maps}) all.insert(more.begin(), more.end());
  std::set<isa::Word> vectors, low_bit = ternary;
  for (const int op : {0, 1, 2, 3, 4, 6, 7, 8, 9, 10}) vectors.insert(vector(op));
  all.insert(vectors.begin(), vectors.end());
  vectors.insert(exponentials);
  low_bit.insert(binary.begin(), binary.end());
  low_bit.insert(thresholds);
  const std::vector<std::pair<std::string, std::set<isa::Word>>> cases{
      {"memory.ecc=true", {}},
      {"array.precisions=[\"int8\",\"binary\"]", ternary},
      {"array.precisions=[\"int8\",\"ternary\"]", binary},
      {"array.precisions=[\"ternary\",\"binary\"]", int8},
      {"array.precisions=[\"int8\"]", low_bit},
      {"vector.enable=false", vectors},
      {"vector.table=false", {table, lookup, vector_lookup}},
      {"vector.softmax=false", {exponentials, softmax, normalize}},
      {"depthwise.enable=false", {window}},
      {"matmul.enable=false", maps},
      {"array.cols=3", {window, transposed, from_both}}};
  for (const auto& [setting, lacking] : cases) {
    const unsigned features = spec::load_config("edge256", {setting}).features();
    for (const isa::Word word : all) {
      CAPTURE(setting, word);
      CHECK((isa::fault_of(word, features) == isa::Fault::kLacking) == (lacking.count(word) == 1));
      CHECK(isa::fault_of(word, features) != isa::Fault::kIllegal);
    }
  }
  for (const isa::Word word :
       {load(behind(isa::kTargets)), load(0, 1), load(2, 1), compute(behind(isa::kComputeOps)),
        vector(5), vector(behind(isa::kVectorOps)), isa::encode_begin(0),
        isa::encode_run(Engine::kStore, {0, 0, 1, 0}),
        isa::encode_run(Engine::kStore, {0, 0, 0, 1}),
        isa::encode_run(Engine::kCompute, {0, 0, 0, 1 << isa::compute::kHalfEven}),
        isa::encode_run(Engine::kVector, {0, 0, 0, 1 << isa::vector::kHalfEven}),
        post(Engine::kCompute, 0, 3), post(Engine::kVector, 1, 0), post(Engine::kVector, 2, 0)}) {
    CAPTURE(word);
    CHECK(isa::fault_of(word, ~0U) == isa::Fault::kIllegal);
  }
  // Features that were added later: a design without them does not decode their codes.
  const spec::Config without = spec::load_config("edge256"),
                     with = spec::load_config("edge256", {"array.activations16=true"});
  for (const isa::Word word :
       {load(7), compute(6), vector(11), vector(12), vector(13), vector(14), vector(15), vector(16),
        isa::encode_run(Engine::kStore, {0, 0, 7, 0})}) {
    CHECK(isa::fault_of(word, without.features()) == isa::Fault::kIllegal);
    CHECK(isa::fault_of(word, with.features()) == isa::Fault::kNone);
  }
  const spec::Config narrow = spec::load_config("edge256", {"array.weights4=true"});
  CHECK(isa::fault_of(compute(8), without.features()) == isa::Fault::kIllegal);
  CHECK(isa::fault_of(compute(8), with.features()) == isa::Fault::kIllegal);
  CHECK(isa::fault_of(compute(8), narrow.features()) == isa::Fault::kNone);
  CHECK(isa::fault_text(compute(8), without.features()) ==
        "precision int8_int4: the configuration lacks int4 (array.weights4)");
  const spec::Config groups =
      spec::load_config("edge256", {"array.weights4=true", "array.groups=true"});
  CHECK(isa::fault_of(compute(9), narrow.features()) == isa::Fault::kIllegal);
  CHECK(isa::fault_of(compute(9), groups.features()) == isa::Fault::kNone);
  CHECK(isa::fault_text(compute(9), narrow.features()) ==
        "precision int8_groups: the configuration lacks groups (array.groups)");
  const spec::Config packed = spec::load_config("edge256", {"memory.packed_weights=true"});
  for (const isa::Word word : {load(9), load(10), load(11), load(12)}) {
    CHECK(isa::fault_of(word, without.features()) == isa::Fault::kIllegal);
    CHECK(isa::fault_of(word, packed.features()) == isa::Fault::kNone);
  }
  CHECK(isa::fault_text(load(9), without.features()) ==
        "target short: the configuration lacks streams (memory.packed_weights, "
        "bus.axi_data_bits: 32 or 64)");
  const spec::Config wide =
      spec::load_config("edge256", {"memory.packed_weights=true", "bus.axi_data_bits=128",
                                    "array.precisions=[\"int8\", \"ternary\"]"});
  CHECK(isa::fault_of(load(9), wide.features()) == isa::Fault::kIllegal);
  CHECK(isa::fault_of(load(10), wide.features()) == isa::Fault::kNone);
  CHECK(isa::fault_text(compute(6), without.features()) ==
        "precision int16: the configuration lacks int16 (array.activations16)");
  CHECK(isa::fault_text(matmul, spec::load_config("edge256", {"matmul.enable=false"}).features()) ==
        "precision matmul: the configuration lacks maps (matmul.enable, array.precisions: int8)");
  // Only features that the instruction needs are named.
  CHECK(isa::fault_text(
            matmul, spec::load_config("edge256", {"matmul.enable=false", "vector.enable=false",
                                                  "vector.softmax=false", "depthwise.enable=false"})
                        .features()) ==
        "precision matmul: the configuration lacks maps (matmul.enable, array.precisions: int8)");
}

TEST_CASE("no field of a register overlaps another or exceeds 56 bits", "[machine][isa]") {
  for (int engine = 0; engine < isa::kEngines; ++engine) {
    std::map<int, std::uint64_t> used;
    for (const isa::Field& field : isa::fields_of(static_cast<isa::Engine>(engine))) {
      CAPTURE(engine, field.name);
      CHECK(field.lsb + field.width <= isa::kPayloadBits);
      const std::uint64_t bits = ((std::uint64_t{1} << field.width) - 1) << field.lsb;
      CHECK((used[field.reg] & bits) == 0);
      used[field.reg] |= bits;
    }
  }
}

}  // namespace
}  // namespace trine
