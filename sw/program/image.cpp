// SPDX-License-Identifier: Apache-2.0

#include "sw/program/image.h"

#include <zlib.h>

#include <bit>
#include <cstring>
#include <limits>
#include <type_traits>

#include "base/error.h"
#include "base/rounding.h"

namespace trine::program {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they are");

/// What a number is in the image: flags have 32 bits.
template <typename T>
using Stored = std::conditional_t<std::is_same_v<T, bool>, std::uint32_t, T>;

/// Writes the numbers that a visitor shows, one behind the other.
struct Put {
  std::string* out;
  template <typename T>
  void operator()(const char*, const T& value, const char*) const {
    const auto stored = static_cast<Stored<T>>(value);
    out->append(reinterpret_cast<const char*>(&stored), sizeof stored);
  }
};

/// Reads them. @pre there are as many bytes
struct Get {
  const std::uint8_t* from;
  template <typename T>
  void operator()(const char* name, T& value, const char*) {
    Stored<T> stored;
    std::memcpy(&stored, from, sizeof stored);
    from += sizeof stored;
    if (std::is_same_v<T, bool> && stored > Stored<T>{1}) throw_error("image: {} is no flag", name);
    value = static_cast<T>(stored);
  }
};

constexpr std::size_t kChecksumAt = kImageHeader - 4;

std::uint32_t checksum_of(std::span<const std::uint8_t> image) {
  const auto behind = image.subspan(kImageHeader);
  const auto before = ::crc32_z(0, image.data(), kChecksumAt);
  return static_cast<std::uint32_t>(::crc32_z(before, behind.data(), behind.size()));
}

/// Where words and constants lie follows from what there is.
void place(ImageHeader* h) {
  const std::uint64_t records = std::uint64_t{kImageRecord} * (h->inputs + h->outputs);
  const std::uint64_t words = round_up(kImageHeader + records, kImageAlignment);
  const std::uint64_t constants = round_up(words + 8 * std::uint64_t{h->words}, kImageAlignment);
  if (constants + h->constants_bytes > std::numeric_limits<std::uint32_t>::max())
    throw_error("an image of {} bytes, allowed 2^32 - 1", constants + h->constants_bytes);
  h->words_offset = static_cast<std::uint32_t>(words);
  h->constants_offset = static_cast<std::uint32_t>(constants);
}

template <typename T>
T count(std::size_t size, const char* what) {
  if (size > std::numeric_limits<T>::max()) throw_error("{} {} in an image", size, what);
  return static_cast<T>(size);
}

void put_record(std::string* out, TensorLayout layout) {
  auto rank = static_cast<std::int32_t>(layout.extents.size());
  if (rank > kImageRank) throw_error("'{}' has {} axes, allowed {}", layout.name, rank, kImageRank);
  layout.extents.resize(kImageRank);
  const std::size_t end = out->size() + kImageRecord;
  visit_record(layout, rank, Put{out});
  out->resize(end);
}

TensorLayout record_of(const std::uint8_t* from) {
  TensorLayout layout;
  std::int32_t rank = 0;
  layout.extents.resize(kImageRank);
  visit_record(layout, rank, Get{from});
  if (rank < 0 || rank > kImageRank) throw_error("image: a tensor of {} axes", rank);
  layout.extents.resize(static_cast<std::size_t>(rank));
  return layout;
}

}  // namespace

void seal_image(std::span<std::uint8_t> image) {
  const std::uint32_t checksum = checksum_of(image);
  std::memcpy(&image[kChecksumAt], &checksum, sizeof checksum);
}

std::string write_image(const Program& stage) {
  ImageHeader header;
  header.isa_version = isa::kVersion;
  header.configuration_hash = stage.config_hash;
  header.dram_bytes = stage.dram_bytes;
  header.constants_address = stage.image_offset;
  header.words = count<std::uint32_t>(stage.words.size(), "instructions");
  header.constants_bytes = count<std::uint32_t>(stage.image.size(), "bytes of constants");
  header.inputs = count<std::uint16_t>(stage.inputs.size(), "inputs");
  header.outputs = count<std::uint16_t>(stage.outputs.size(), "outputs");
  place(&header);
  std::string out;
  visit_header(header, Put{&out});
  for (const TensorLayout& layout : stage.inputs) put_record(&out, layout);
  for (const TensorLayout& layout : stage.outputs) put_record(&out, layout);
  out.resize(header.words_offset);
  out.append(reinterpret_cast<const char*>(stage.words.data()), 8 * stage.words.size());
  out.resize(header.constants_offset);
  out.append(stage.image.begin(), stage.image.end());
  seal_image({reinterpret_cast<std::uint8_t*>(out.data()), out.size()});
  return out;
}

void read_image(std::span<const std::uint8_t> image, Program* stage) {
  if (image.size() < kImageHeader) throw_error("image: truncated");
  ImageHeader h;
  visit_header(h, Get{image.data()});
  if (h.magic != kImageMagic || h.format != kImageFormat) throw_error("image: no machine image");
  if (h.isa_version != isa::kVersion)
    throw_error("compiled for version {} of the instruction set, not for {}", h.isa_version,
                isa::kVersion);
  if (h.checksum != checksum_of(image)) throw_error("image: damaged: the checksum does not fit");
  ImageHeader expected = h;
  place(&expected);
  if (h.words_offset != expected.words_offset || h.constants_offset != expected.constants_offset ||
      image.size() - h.constants_offset != h.constants_bytes || h.constants_offset > image.size())
    throw_error("image: parts are missing or left over");
  stage->config_hash = h.configuration_hash;
  stage->dram_bytes = h.dram_bytes;
  stage->image_offset = h.constants_address;
  for (int i = 0; i < h.inputs + h.outputs; ++i)
    (i < h.inputs ? stage->inputs : stage->outputs)
        .push_back(record_of(&image[kImageHeader + kImageRecord * static_cast<std::size_t>(i)]));
  stage->words.resize(h.words);
  if (h.words > 0)
    std::memcpy(stage->words.data(), &image[h.words_offset], std::size_t{8} * h.words);
  const auto constants = image.subspan(h.constants_offset);
  stage->image.assign(constants.begin(), constants.end());
}

}  // namespace trine::program
