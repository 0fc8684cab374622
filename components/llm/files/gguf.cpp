// SPDX-License-Identifier: Apache-2.0

#include "components/llm/files/gguf.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>

#include "sw/base/error.h"
#include "sw/base/little_endian.h"
#include "sw/base/text.h"

namespace trine::llm {
namespace {

using Bytes = std::span<const std::uint8_t>;

enum Type : std::uint32_t {
  kUint8,
  kInt8,
  kUint16,
  kInt16,
  kUint32,
  kInt32,
  kFloat32,
  kBool,
  kText,
  kArray,
  kUint64,
  kInt64,
  kFloat64,
  kTypes
};
constexpr std::array<std::size_t, kTypes> kBytes = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
constexpr std::array<const char*, kTypes> kNames = {
    "uint8", "int8", "uint16", "int16",  "uint32", "int32",  "float32",
    "bool",  "text", "array",  "uint64", "int64",  "float64"};

constexpr std::uint64_t kMostKey = 65535;  ///< bytes of a key, from the specification
constexpr std::uint64_t kMostName = 1024;  ///< of a tensor's name: llama.cpp allows 64
constexpr std::uint32_t kMostAxes = 4;
constexpr std::uint64_t kMostAlignment = 1 << 20;

bool is_integer(std::uint32_t type) { return type <= kInt32 || type == kUint64 || type == kInt64; }

/// Reads an integer. @return nothing if it exceeds int64
std::optional<std::int64_t> integer_at(std::uint32_t type, const std::uint8_t* at) {
  const std::size_t bytes = kBytes[type];
  const std::uint64_t value = little_endian({at, bytes});
  if (type == kInt8 || type == kInt16 || type == kInt32) {
    const auto unused = static_cast<int>(64 - 8 * bytes);
    return static_cast<std::int64_t>(value << unused) >> unused;
  }
  if (type == kUint64 && value > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) return {};
  return static_cast<std::int64_t>(value);
}

double number_at(std::uint32_t type, const std::uint8_t* at) {
  const std::uint64_t bits = little_endian({at, kBytes[type]});
  if (type == kFloat32) return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
  return std::bit_cast<double>(bits);
}

std::string text_at(const std::uint8_t* at) {
  return {reinterpret_cast<const char*>(at + 8), static_cast<std::size_t>(little_endian({at, 8}))};
}

}  // namespace

class GgufFile::Parser {
 public:
  Parser(Bytes bytes, GgufFile* file) : bytes_(bytes), of_(*file) {}

  void run() {
    if (bytes_.size() < 4 || std::memcmp(bytes_.data(), "GGUF", 4) != 0)
      throw_error("{}: is not a GGUF file: it does not begin with the letters GGUF", of_.file_);
    at_ = 4;
    where_ = "the header";
    const std::uint64_t version = number(4);
    if (version != 2 && version != 3)
      throw_error("{}: GGUF version {}{}, allowed 2 and 3", of_.file_, version,
                  version != 0 && (version & 0xffff) == 0 ? " (big endian)" : "");
    const std::uint64_t tensors = number(8), keys = number(8);
    require_room(tensors, 8 + 4 + 4 + 8, "tensors");
    require_room(keys, 8 + 4 + 1, "keys");
    for (std::uint64_t i = 0; i < keys; ++i) read_key(i, keys);
    for (std::uint64_t i = 0; i < tensors; ++i) read_tensor(i, tensors);
    place();
  }

 private:
  struct Placed {
    std::string name;
    StoredTensor tensor;
    std::uint64_t size;
  };

  [[noreturn]] void end() const {
    throw_error("{}: ends at byte {}, within {}", of_.file_, bytes_.size(), where_);
  }

  /// Skips `count` bytes. @return their start
  const std::uint8_t* take(std::uint64_t count) {
    if (bytes_.size() - at_ < count) end();
    const std::uint8_t* from = bytes_.data() + at_;
    at_ += static_cast<std::size_t>(count);
    return from;
  }

  std::uint64_t number(std::size_t bytes) { return little_endian({take(bytes), bytes}); }

  /// Checks the size before memory is allocated.
  void require_room(std::uint64_t count, std::uint64_t least, const char* what) const {
    if ((bytes_.size() - at_) / least < count)
      throw_error("{}: ends at byte {}, but its header lists {} {}", of_.file_, bytes_.size(),
                  count, what);
  }

  std::string name(std::uint64_t most, const char* what) {
    const std::size_t from = at_;
    const std::uint64_t length = number(8);
    if (length > most)
      throw_error("{}: byte {}: {} has a name of {} bytes, allowed 0..{}", of_.file_, from, where_,
                  length, most);
    const auto* text = reinterpret_cast<const char*>(take(length));
    std::string result(text, static_cast<std::size_t>(length));
    where_ = fmt::format("{} '{}'", what, printable(result));
    return result;
  }

  void skip(std::uint32_t type, std::uint64_t count) {
    if (type != kText) {
      if (count > bytes_.size()) end();
      const std::uint8_t* from = take(count * kBytes[type]);
      if (type == kBool && std::any_of(from, from + count, [](std::uint8_t b) { return b > 1; }))
        throw_error("{}: {}: a bool that is neither 0 nor 1", of_.file_, where_);
      return;
    }
    for (; count > 0; --count) take(number(8));
  }

  std::uint32_t type(bool is_element) {
    const std::size_t from = at_;
    const auto value = static_cast<std::uint32_t>(number(4));
    if (value >= kTypes || (is_element && value == kArray))
      throw_error("{}: byte {}: {}: type {}, allowed 0..12{}", of_.file_, from, where_, value,
                  is_element ? " without arrays (9)" : "");
    return value;
  }

  void read_key(std::uint64_t i, std::uint64_t keys) {
    where_ = fmt::format("key {} of {}", i, keys);
    const std::string key = name(kMostKey, "key");
    GgufValue value;
    value.type = type(false);
    value.is_array = value.type == kArray;
    if (value.is_array) {
      value.type = type(true);
      value.count = number(8);
    }
    const std::size_t from = at_;
    skip(value.type, value.count);
    value.bytes = bytes_.subspan(from, at_ - from);
    if (!of_.values_.try_emplace(key, value).second)
      throw_error("{}: {} occurs twice", of_.file_, where_);
  }

  void read_tensor(std::uint64_t i, std::uint64_t tensors) {
    where_ = fmt::format("tensor {} of {}", i, tensors);
    Placed p;
    p.name = name(kMostName, "tensor");
    const std::uint64_t axes = number(4);
    if (axes < 1 || axes > kMostAxes)
      throw_error("{}: {}: {} axes, allowed 1..{}", of_.file_, where_, axes, kMostAxes);
    for (std::uint64_t a = 0; a < axes; ++a)
      p.tensor.shape.insert(p.tensor.shape.begin(), static_cast<std::int64_t>(number(8)));
    const auto encoding = static_cast<std::uint32_t>(number(4));
    p.tensor.encoding = gguf_encoding(encoding);
    if (p.tensor.encoding == nullptr)
      throw_error("{}: {}: type {}, allowed {}", of_.file_, where_, encoding, gguf_encodings());
    p.tensor.place = number(8);
    p.size = size_of(p.tensor);
    placed_.push_back(std::move(p));
  }

  /// Returns the size in bytes. @throws Error  not a whole number of blocks
  std::uint64_t size_of(const StoredTensor& t) const {
    const std::int64_t elements = t.elements(), row = t.shape.back();
    if (elements < 1) throw_error("{}: {}: shape {}", of_.file_, where_, shape_text(t.shape));
    if (row % t.encoding->elements != 0)
      throw_error("{}: {}: rows of {} are not whole blocks of {} ({})", of_.file_, where_, row,
                  t.encoding->elements, t.encoding->name);
    const std::int64_t blocks = elements / t.encoding->elements;
    if (static_cast<std::uint64_t>(blocks) > bytes_.size())  // a block has at least one byte
      throw_error("{}: {}: shape {} of {} exceeds the file's {} bytes", of_.file_, where_,
                  shape_text(t.shape), t.encoding->name, bytes_.size());
    return static_cast<std::uint64_t>(blocks) * static_cast<std::uint64_t>(t.encoding->bytes);
  }

  void place() {
    const std::int64_t alignment = of_.integer("general.alignment", 32);
    if (alignment < 1 || alignment > std::int64_t{kMostAlignment} ||
        !std::has_single_bit(static_cast<std::uint64_t>(alignment)))
      throw_error("{}: general.alignment: {}, allowed powers of two up to {}", of_.file_, alignment,
                  kMostAlignment);
    const auto step = static_cast<std::uint64_t>(alignment);
    const std::uint64_t data = (at_ + step - 1) / step * step;
    std::ranges::sort(placed_, {}, [](const Placed& p) { return p.tensor.place; });
    std::uint64_t free = 0;  // offset of the data
    for (Placed& p : placed_) {
      const std::uint64_t place = p.tensor.place;
      if (place % step != 0)
        throw_error("{}: tensor '{}' begins at byte {} of the data, allowed multiples of {}",
                    of_.file_, printable(p.name), place, step);
      if (place < free)
        throw_error("{}: tensor '{}' begins at byte {} of the data, within the previous tensor",
                    of_.file_, printable(p.name), place);
      if (data > bytes_.size() || bytes_.size() - data < place ||
          bytes_.size() - data - place < p.size)
        throw_error("{}: ends at byte {}, within tensor '{}' of bytes {}..{}", of_.file_,
                    bytes_.size(), printable(p.name), data + place, data + place + p.size - 1);
      free = place + p.size;
      p.tensor.file = of_.file_;
      p.tensor.place = data + place;
      p.tensor.bytes = bytes_.subspan(data + place, p.size);
      of_.tensors_.add(p.name, std::move(p.tensor));
    }
  }

  const Bytes bytes_;
  GgufFile& of_;
  std::size_t at_ = 0;
  std::string where_;
  std::vector<Placed> placed_;
};

GgufFile GgufFile::parse(Bytes bytes, const std::string& file) {
  GgufFile result;
  result.file_ = file;
  Parser(bytes, &result).run();
  return result;
}

GgufFile GgufFile::read(const std::filesystem::path& path) {
  const auto mapped = std::make_shared<MappedFile>(path);
  GgufFile result = parse(mapped->bytes(), path.string());
  result.tensors_.keep(mapped);
  return result;
}

std::vector<std::string> GgufFile::keys() const {
  std::vector<std::string> all;
  for (const auto& [key, value] : values_) all.push_back(key);
  return all;
}

void GgufFile::refuse(const std::string& key, const char* wanted) const {
  const auto found = values_.find(key);
  if (found == values_.end())
    throw_error("{}: no key '{}', expected {}", file_, printable(key), wanted);
  throw_error("{}: key '{}' is {}{}, expected {}", file_, printable(key),
              found->second.is_array ? "an array of " : "", kNames[found->second.type], wanted);
}

const GgufValue* GgufFile::find(const std::string& key, bool is_array, const char* wanted) const {
  const auto found = values_.find(key);
  if (found == values_.end()) return nullptr;
  if (found->second.is_array != is_array) refuse(key, wanted);
  return &found->second;
}

const GgufValue& GgufFile::require(const std::string& key, bool is_array,
                                   const char* wanted) const {
  const GgufValue* value = find(key, is_array, wanted);
  if (value == nullptr) refuse(key, wanted);
  return *value;
}

std::string GgufFile::text(const std::string& key, std::optional<std::string> otherwise) const {
  const GgufValue* value = find(key, false, "a text");
  if (value == nullptr && otherwise) return *otherwise;
  if (value == nullptr || value->type != kText) refuse(key, "a text");
  return text_at(value->bytes.data());
}

std::int64_t GgufFile::integer(const std::string& key,
                               std::optional<std::int64_t> otherwise) const {
  const GgufValue* value = find(key, false, "an integer");
  if (value == nullptr && otherwise) return *otherwise;
  if (value == nullptr || !is_integer(value->type)) refuse(key, "an integer");
  const auto result = integer_at(value->type, value->bytes.data());
  if (!result) refuse(key, "an integer below 2^63");
  return *result;
}

double GgufFile::number(const std::string& key, std::optional<double> otherwise) const {
  const GgufValue* value = find(key, false, "a number");
  if (value == nullptr && otherwise) return *otherwise;
  if (value == nullptr || (value->type != kFloat32 && value->type != kFloat64))
    refuse(key, "a number");
  return number_at(value->type, value->bytes.data());
}

bool GgufFile::flag(const std::string& key, std::optional<bool> otherwise) const {
  const GgufValue* value = find(key, false, "a bool");
  if (value == nullptr && otherwise) return *otherwise;
  if (value == nullptr || value->type != kBool) refuse(key, "a bool");
  return value->bytes[0] != 0;
}

std::vector<std::string> GgufFile::texts(const std::string& key) const {
  const GgufValue& value = require(key, true, "an array of texts");
  if (value.type != kText) refuse(key, "an array of texts");
  std::vector<std::string> all;
  for (const std::uint8_t* from = value.bytes.data(); all.size() < value.count;) {
    all.push_back(text_at(from));
    from += 8 + all.back().size();
  }
  return all;
}

std::vector<std::int64_t> GgufFile::integers(const std::string& key) const {
  const GgufValue& value = require(key, true, "an array of integers");
  if (!is_integer(value.type)) refuse(key, "an array of integers");
  std::vector<std::int64_t> all;
  for (std::size_t i = 0; i < value.count; ++i) {
    const auto element = integer_at(value.type, &value.bytes[i * kBytes[value.type]]);
    if (!element) refuse(key, "integers below 2^63");
    all.push_back(*element);
  }
  return all;
}

std::vector<float> GgufFile::numbers(const std::string& key) const {
  const GgufValue& value = require(key, true, "an array of numbers");
  if (value.type != kFloat32 && value.type != kFloat64) refuse(key, "an array of numbers");
  std::vector<float> all;
  for (std::size_t i = 0; i < value.count; ++i)
    all.push_back(static_cast<float>(number_at(value.type, &value.bytes[i * kBytes[value.type]])));
  return all;
}

}  // namespace trine::llm
