// SPDX-License-Identifier: Apache-2.0

#include "components/llm/files/safetensors.h"

#include <algorithm>
#include <map>
#include <set>

#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/json.h"
#include "sw/base/little_endian.h"
#include "sw/base/text.h"

namespace trine::llm {
namespace {

constexpr std::uint64_t kMostHeader = 100'000'000;  // limit of the reference library

class Header {
 public:
  Header(std::span<const std::uint8_t> bytes, const std::string& file) : file_(file) {
    if (bytes.size() < 8)
      throw_error("{}: {} bytes are not a safetensors file", file, bytes.size());
    const std::uint64_t size = little_endian(bytes.first(8));
    if (size > kMostHeader)
      throw_error("{}: a header of {} bytes, allowed 2..{}", file, size, kMostHeader);
    if (size > bytes.size() - 8)
      throw_error("{}: ends at byte {}, within its header of {} bytes", file, bytes.size(), size);
    data_at_ = 8 + size;
    data_ = bytes.subspan(data_at_);
    json_ = parse_sorted_json({reinterpret_cast<const char*>(bytes.data() + 8), size}, file);
    if (!json_.is_object()) throw_error("{}: the header is not an object", file);
  }

  StoredTensors run() {
    for (const auto& [name, entry] : json_.items())
      if (name != "__metadata__") read(name, entry);
    place();
    return std::move(tensors_);
  }

 private:
  struct Placed {
    std::uint64_t begin, end;
    std::string name;
  };

  [[noreturn]] void refuse(const std::string& name, const std::string& what) const {
    throw_error("{}: tensor '{}': {}", file_, printable(name), what);
  }

  const SortedJson& part(const std::string& name, const SortedJson& entry, const char* key) const {
    const auto found = entry.find(key);
    if (found == entry.end()) refuse(name, fmt::format("no {}", key));
    return *found;
  }

  std::vector<std::int64_t> numbers(const std::string& name, const SortedJson& entry,
                                    const char* key) const {
    const SortedJson& list = part(name, entry, key);
    std::vector<std::int64_t> all;
    if (!list.is_array()) refuse(name, fmt::format("{} is not a list", key));
    for (const SortedJson& v : list) {
      if (!v.is_number_unsigned() || v.get<std::uint64_t>() >> 62 != 0)
        refuse(name, fmt::format("{}: {}, allowed whole numbers below 2^62", key,
                                 printable(sorted_json_text(v))));
      all.push_back(v.get<std::int64_t>());
    }
    return all;
  }

  void read(const std::string& name, const SortedJson& entry) {
    if (!entry.is_object()) refuse(name, "is not an object");
    StoredTensor t;
    const SortedJson& dtype = part(name, entry, "dtype");
    const std::string type = dtype.is_string() ? dtype.get<std::string>() : sorted_json_text(dtype);
    t.encoding = safetensors_encoding(type);
    if (t.encoding == nullptr)
      refuse(name, fmt::format("type {}, allowed {}", printable(type), safetensors_encodings()));
    t.shape = numbers(name, entry, "shape");
    const auto offsets = numbers(name, entry, "data_offsets");
    if (offsets.size() != 2) refuse(name, "data_offsets are not two numbers");
    const auto begin = static_cast<std::uint64_t>(offsets[0]);
    const auto end = static_cast<std::uint64_t>(offsets[1]);
    if (begin > end || end > data_.size())
      refuse(name, fmt::format("data_offsets {} to {}, but the file has {} bytes of data", begin,
                               end, data_.size()));
    const std::int64_t elements = t.elements();
    if (elements < 0 || static_cast<std::uint64_t>(elements) > data_.size() ||
        static_cast<std::uint64_t>(elements) * static_cast<std::uint64_t>(t.encoding->bytes) !=
            end - begin)
      refuse(name, fmt::format("{} bytes do not fit {} of shape {}", end - begin, type,
                               shape_text(t.shape)));
    t.place = data_at_ + begin;
    t.bytes = data_.subspan(begin, end - begin);
    t.file = file_;
    tensors_.add(name, std::move(t));
    placed_.push_back({begin, end, name});
  }

  /// Checks that tensors follow each other without gaps.
  void place() {
    std::ranges::sort(placed_, {}, [](const Placed& p) { return std::pair(p.begin, p.end); });
    std::uint64_t free = 0;
    for (const Placed& p : placed_) {
      if (p.begin != free)
        refuse(p.name, fmt::format("begins at byte {} of the data, the previous one ends at {}",
                                   p.begin, free));
      free = p.end;
    }
    if (free != data_.size())
      throw_error("{}: {} bytes of data, but its header describes {}", file_, data_.size(), free);
  }

  const std::string& file_;
  std::uint64_t data_at_ = 0;
  std::span<const std::uint8_t> data_;
  SortedJson json_;
  std::vector<Placed> placed_;
  StoredTensors tensors_;
};

}  // namespace

StoredTensors parse_safetensors(std::span<const std::uint8_t> bytes, const std::string& file) {
  return Header(bytes, file).run();
}

StoredTensors read_safetensors(const std::filesystem::path& path) {
  const auto mapped = std::make_shared<MappedFile>(path);
  StoredTensors result = parse_safetensors(mapped->bytes(), path.string());
  result.keep(mapped);
  return result;
}

StoredTensors read_safetensors_folder(const std::filesystem::path& folder) {
  const auto whole = folder / "model.safetensors", index = folder / "model.safetensors.index.json";
  if (std::filesystem::exists(whole)) return read_safetensors(whole);
  if (!std::filesystem::exists(index))
    throw_error("{}: contains neither model.safetensors nor model.safetensors.index.json",
                folder.string());
  const SortedJson json = parse_sorted_json(read_text(index), index.string());
  const auto map = json.is_object() ? json.find("weight_map") : json.end();
  if (map == json.end() || !map->is_object())
    throw_error("{}: no object weight_map", index.string());
  std::map<std::string, StoredTensors> shards;
  StoredTensors all;
  for (const auto& [name, shard] : map->items()) {
    const std::string file = shard.is_string() ? shard.get<std::string>() : "";
    if (file.empty() || file.find('/') != std::string::npos || file == "..")
      throw_error("{}: tensor '{}': {}, allowed the name of a file next to it", index.string(),
                  printable(name), printable(sorted_json_text(shard)));
    if (!shards.contains(file)) shards[file] = read_safetensors(folder / file);
    const StoredTensor* tensor = shards[file].find(name);
    if (tensor == nullptr)
      throw_error("{}: no tensor '{}', although {} lists it", (folder / file).string(),
                  printable(name), index.filename().string());
    all.add(name, *tensor);
  }
  for (const auto& [file, shard] : shards) all.keep(shard);
  return all;
}

}  // namespace trine::llm
