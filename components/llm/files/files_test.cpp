// SPDX-License-Identifier: Apache-2.0
//
// Reads files that PyPI's gguf and safetensors wrote (tests/formats/weights.py), and damaged files.

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <string>

#include "components/llm/files/gguf.h"
#include "components/llm/files/safetensors.h"
#include "sw/base/catch.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/npy.h"

using namespace trine;
using namespace trine::llm;
using Catch::Matchers::ContainsSubstring;

namespace {

using FileBytes = std::vector<std::uint8_t>;

const std::string kFormats = TRINE_SOURCE_DIR "/tests/formats/";

/// Replaces the first `from` by a text of the same length.
FileBytes replaced(FileBytes bytes, const std::string& from, const std::string& to) {
  const auto place = std::search(bytes.begin(), bytes.end(), from.begin(), from.end(),
                                 [](std::uint8_t a, char b) { return static_cast<char>(a) == b; });
  REQUIRE(place != bytes.end());
  std::ranges::copy(to, place);
  return bytes;
}

FileBytes set_number(FileBytes bytes, std::size_t place, std::uint64_t value, std::size_t count) {
  std::memcpy(&bytes.at(place), &value, count);
  return bytes;
}

/// Returns the offset after a text.
std::size_t behind(const FileBytes& bytes, const std::string& text) {
  const auto found = std::search(bytes.begin(), bytes.end(), text.begin(), text.end());
  REQUIRE(found != bytes.end());
  return static_cast<std::size_t>(found - bytes.begin()) + text.size();
}

void parse_gguf(const FileBytes& bytes) { GgufFile::parse(bytes, "m.gguf"); }

FileBytes safetensors_bytes(const std::string& header, std::size_t data) {
  FileBytes bytes(8 + header.size() + data);
  const std::uint64_t size = header.size();
  std::memcpy(bytes.data(), &size, 8);
  std::ranges::copy(header, bytes.begin() + 8);
  return bytes;
}

/// Requires that every truncation of a file is refused.
template <typename Parse>
void refuse_beginnings(const FileBytes& bytes, Parse parse) {
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CAPTURE(size);
    const FileBytes cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    REQUIRE_THROWS_AS(parse(cut), Error);
  }
}

}  // namespace

TEST_CASE("values of files equal the values of their formats' libraries", "[llm][files]") {
  const Array recorded = read_npy(kFormats + "weights.npy");
  const GgufFile gguf = GgufFile::read(kFormats + "weights.gguf");
  const StoredTensors others = read_safetensors(kFormats + "weights.safetensors");
  std::size_t place = 0;
  for (const StoredTensors* tensors : {&gguf.tensors(), &others})
    for (const auto& [name, tensor] : tensors->all()) {
      CAPTURE(name);
      CHECK(name == "t." + std::string(tensor.encoding->name));
      const std::vector<float> values = values_of(name, tensor);
      REQUIRE(recorded.bytes.size() >= place + 4 * values.size());
      CHECK(std::memcmp(values.data(), &recorded.bytes[place], 4 * values.size()) == 0);
      place += 4 * values.size();
    }
  CHECK(gguf.tensors().all().size() == 14);
  CHECK(others.all().size() == 5);
  CHECK(place == recorded.bytes.size());
  CHECK(others.find("t.BF16")->shape == std::vector<std::int64_t>{3, 5});
}

TEST_CASE("keys of a GGUF file have their types", "[llm][files]") {
  const GgufFile file = GgufFile::read(kFormats + "weights.gguf");
  CHECK(file.text("general.architecture") == "llama");
  CHECK(file.text("general.name") == "ünder");
  CHECK(file.integer("a.u8") == 200);
  CHECK(file.integer("a.i8") == -7);
  CHECK(file.integer("a.u16") == 65535);
  CHECK(file.integer("a.i16") == -32768);
  CHECK(file.integer("a.u32") == 4'000'000'000);
  CHECK(file.integer("a.i32") == -5);
  CHECK(file.integer("a.u64") == std::int64_t{1} << 40);
  CHECK(file.integer("a.i64") == -(std::int64_t{1} << 40));
  CHECK(file.number("a.f32") == 0.5);
  CHECK(file.number("a.f64") == 0.1);
  CHECK(file.flag("a.bool"));
  CHECK(file.texts("a.texts") == std::vector<std::string>{"<s>", "", "é"});
  CHECK(file.numbers("a.numbers") == std::vector<float>{1.5, -2});
  CHECK(file.integers("a.integers") == std::vector<std::int64_t>{3, -4});
  CHECK(file.integer("b", 3) == 3);
  CHECK_THROWS_WITH(file.integer("b"),
                    ContainsSubstring("weights.gguf: no key 'b', expected an integer"));
  CHECK_THROWS_WITH(file.integer("a.f32"),
                    ContainsSubstring("key 'a.f32' is float32, expected an integer"));
  CHECK_THROWS_WITH(file.text("a.texts"),
                    ContainsSubstring("key 'a.texts' is an array of text, expected a text"));
}

TEST_CASE("a GGUF file's faults are named", "[llm][files]") {
  const FileBytes good = read_file(kFormats + "weights.gguf");
  constexpr std::size_t kPadding = 24;  // after the last tensor
  refuse_beginnings({good.begin(), good.end() - kPadding}, parse_gguf);
  CHECK_THROWS_WITH(parse_gguf({'G', 'G', 'U', 'E'}),
                    ContainsSubstring("m.gguf: is not a GGUF file"));
  CHECK_THROWS_WITH(parse_gguf(set_number(good, 4, 1, 4)),
                    ContainsSubstring("GGUF version 1, allowed"));
  CHECK_THROWS_WITH(parse_gguf(set_number(good, 4, 3 << 24, 4)), ContainsSubstring("(big endian)"));
  CHECK_THROWS_WITH(parse_gguf(set_number(good, 8, std::uint64_t{1} << 60, 8)),
                    ContainsSubstring("but its header lists 1152921504606846976 tensors"));
  const std::size_t name = behind(good, "t.Q4_K");
  CHECK_THROWS_WITH(parse_gguf(set_number(good, name, 9, 4)),
                    ContainsSubstring("tensor 't.Q4_K': 9 axes, allowed 1..4"));
  CHECK_THROWS_WITH(
      parse_gguf(set_number(good, name + 4, 255, 8)),
      ContainsSubstring("tensor 't.Q4_K': rows of 255 are not whole blocks of 256 (Q4_K)"));
  CHECK_THROWS_WITH(parse_gguf(set_number(good, name + 12, std::uint64_t{1} << 62, 8)),
                    ContainsSubstring("tensor 't.Q4_K': shape "));
  CHECK_THROWS_WITH(parse_gguf(set_number(good, name + 20, 99, 4)),
                    ContainsSubstring("tensor 't.Q4_K': type 99, allowed F32, F16, BF16, Q8_0"));
  CHECK_THROWS_WITH(parse_gguf(set_number(good, name + 24, 1, 8)),
                    ContainsSubstring("begins at byte 1 of the data, allowed multiples of 32"));
  CHECK_THROWS_WITH(parse_gguf(set_number(good, name + 24, 0, 8)),
                    ContainsSubstring("within the previous tensor"));
  CHECK_THROWS_WITH(
      parse_gguf(set_number(good, name + 24, 1 << 20, 8)),
      ContainsSubstring("m.gguf: ends at byte 5024, within tensor 't.Q4_K' of bytes"));
  CHECK_THROWS_WITH(parse_gguf(set_number(good, behind(good, "a.u16"), 13, 4)),
                    ContainsSubstring("key 'a.u16': type 13, allowed 0..12"));
  CHECK_THROWS_WITH(parse_gguf(replaced(good, "a.u16", "a.u64")),
                    ContainsSubstring("key 'a.u64' occurs twice"));
  CHECK_THROWS_WITH(parse_gguf(replaced(good, "t.Q5_K", "t.Q6_K")),
                    ContainsSubstring("tensor 't.Q6_K' occurs twice"));
  // Q2_K's blocks are smaller: the type is known but not supported.
  const FileBytes other = set_number(good, name + 20, 10, 4);
  const GgufFile file = GgufFile::parse(other, "m.gguf");
  CHECK_THROWS_WITH(values_of("t.Q4_K", *file.tensors().find("t.Q4_K")),
                    ContainsSubstring("type Q2_K, allowed F32"));
  const std::size_t data = GgufFile::parse(good, "m.gguf").tensors().find("t.F32")->place;
  const FileBytes infinite = set_number(good, data + 40, 0x7f800000, 4);
  CHECK_THROWS_WITH(
      values_of("t.F32", *GgufFile::parse(infinite, "m.gguf").tensors().find("t.F32")),
      ContainsSubstring(
          fmt::format("tensor 't.F32': the value at byte {} is not finite", data + 40)));
}

TEST_CASE("a safetensors header is read in proportion to its tensors", "[llm][files]") {
  const auto seconds = [](int tensors) {
    std::string header = "{";
    for (int i = 0; i < tensors; ++i)
      header += "\"t" + std::to_string(i) +
                R"(": {"dtype": "U8", "shape": [1], "data_offsets": [)" + std::to_string(i) + ", " +
                std::to_string(i + 1) + "]}" + (i + 1 < tensors ? "," : "}");
    const FileBytes bytes = safetensors_bytes(header, static_cast<std::size_t>(tensors));
    const std::clock_t start = std::clock();
    CHECK(parse_safetensors(bytes, "m.safetensors").all().size() ==
          static_cast<std::size_t>(tensors));
    return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  };
  CHECK(seconds(20'000) < 40 * seconds(2'000) + 0.2);  // 100 if look-ups were linear
}

TEST_CASE("a safetensors file's faults are named", "[llm][files]") {
  const auto parse = [](const FileBytes& bytes) { parse_safetensors(bytes, "m.safetensors"); };
  const auto with = [&](const std::string& entry, std::size_t data) {
    parse(safetensors_bytes("{\"w\": " + entry + "}", data));
  };
  refuse_beginnings(read_file(kFormats + "weights.safetensors"), parse);
  with(R"({"dtype": "F16", "shape": [2, 3], "data_offsets": [0, 12]})", 12);
  CHECK_THROWS_WITH(parse({1, 2}),
                    ContainsSubstring("m.safetensors: 2 bytes are not a safetensors file"));
  CHECK_THROWS_WITH(with("3", 0), ContainsSubstring("tensor 'w': is not an object"));
  CHECK_THROWS_WITH(with(R"({"shape": []})", 0), ContainsSubstring("tensor 'w': no dtype"));
  CHECK_THROWS_WITH(with(R"({"dtype": "F4", "shape": [2], "data_offsets": [0, 1]})", 1),
                    ContainsSubstring("tensor 'w': type F4, allowed F32, F16, BF16, I8, U8"));
  CHECK_THROWS_WITH(with(R"({"dtype": "U8", "shape": [-2], "data_offsets": [0, 2]})", 2),
                    ContainsSubstring("tensor 'w': shape: -2, allowed whole numbers"));
  CHECK_THROWS_WITH(with(R"({"dtype": "U8", "shape": [3], "data_offsets": [0, 2]})", 2),
                    ContainsSubstring("tensor 'w': 2 bytes do not fit U8 of shape [3]"));
  CHECK_THROWS_WITH(with(R"({"dtype": "U8", "shape": [3], "data_offsets": [0, 3]})", 2),
                    ContainsSubstring("tensor 'w': data_offsets 0 to 3, but the file has 2 bytes"));
  CHECK_THROWS_WITH(
      with(R"({"dtype": "U8", "shape": [2], "data_offsets": [1, 3]})", 3),
      ContainsSubstring("tensor 'w': begins at byte 1 of the data, the previous one ends at 0"));
  CHECK_THROWS_WITH(with(R"({"dtype": "U8", "shape": [2], "data_offsets": [0, 2]})", 3),
                    ContainsSubstring("3 bytes of data, but its header describes 2"));
  CHECK_THROWS_WITH(parse(safetensors_bytes("{\"w\": ", 0)),
                    ContainsSubstring("is not valid JSON: line 1"));
}

TEST_CASE("a model of several safetensors files is one", "[llm][files]") {
  const auto folder =
      std::filesystem::temp_directory_path() / fmt::format("trine_shards_{}", ::getpid());
  std::filesystem::create_directories(folder);
  const auto write = [&](const std::string& name, const std::string& text) {
    write_file(folder / name, text);
  };
  const auto shard = [&](const std::string& file, const std::string& tensor) {
    const FileBytes bytes = safetensors_bytes(
        "{\"" + tensor + R"(": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]}})", 2);
    write(file, {bytes.begin(), bytes.end()});
  };
  CHECK_THROWS_WITH(read_safetensors_folder(folder),
                    ContainsSubstring("neither model.safetensors nor"));
  shard("1.safetensors", "a");
  shard("2.safetensors", "b");
  const std::string index = "model.safetensors.index.json";
  write(index, R"({"weight_map": {"a": "1.safetensors", "b": "2.safetensors"}})");
  CHECK(read_safetensors_folder(folder).all().size() == 2);
  write(index, R"({"weight_map": {"a": "../1.safetensors"}})");
  CHECK_THROWS_WITH(read_safetensors_folder(folder),
                    ContainsSubstring("allowed the name of a file next to"));
  write(index, R"({"weight_map": {"a": "2.safetensors"}})");
  CHECK_THROWS_WITH(read_safetensors_folder(folder),
                    ContainsSubstring("2.safetensors: no tensor 'a'"));
  std::filesystem::remove_all(folder);
}
