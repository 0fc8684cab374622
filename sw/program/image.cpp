// SPDX-License-Identifier: Apache-2.0

#include "sw/program/image.h"

#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <type_traits>

#include "sw/base/division.h"
#include "sw/base/error.h"

namespace trine::program {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they are");

/// The type of a number in the image: flags have 32 bits.
template <typename T>
using Stored = std::conditional_t<std::is_same_v<T, bool>, std::uint32_t, T>;

/// Writes the numbers that a visitor shows, one after the other.
struct Put {
  std::uint8_t* to;
  template <typename T>
  void operator()(const char*, const T& value, const char*) {
    const auto stored = static_cast<Stored<T>>(value);
    std::memcpy(to, &stored, sizeof stored);
    to += sizeof stored;
  }
};

/// Reads the numbers that a visitor shows. @pre there are enough bytes
struct Get {
  const std::uint8_t* from;
  template <typename T>
  void operator()(const char* name, T& value, const char*) {
    Stored<T> stored;
    std::memcpy(&stored, from, sizeof stored);
    from += sizeof stored;
    if (std::is_same_v<T, bool> && stored > Stored<T>{1})
      throw_error("image: {} is neither 0 nor 1", name);
    value = static_cast<T>(stored);
  }
};

constexpr std::size_t kChecksumAt = kImageHeader - 4;

std::uint32_t checksum_of(std::span<const std::uint8_t> image) {
  const auto behind = image.subspan(kImageHeader);
  const auto before = ::crc32_z(0, image.data(), kChecksumAt);
  return static_cast<std::uint32_t>(::crc32_z(before, behind.data(), behind.size()));
}

/// Returns the offset of the n-th table of codes, or the end of the tables.
std::uint64_t codes_offset(const ImageHeader& h, std::size_t n) {
  const std::uint64_t records = std::uint64_t{kImageRecord} * (h.inputs + h.outputs);
  return round_up(kImageHeader + records, kImageAlignment) + kImageCodes * n;
}

/// Computes the offsets of words and constants from the sizes of the parts.
void place(ImageHeader* h, std::size_t tables) {
  const std::uint64_t words = codes_offset(*h, tables);
  const std::uint64_t constants = round_up(words + 8 * std::uint64_t{h->words}, kImageAlignment);
  if (constants + h->constants_bytes > std::numeric_limits<std::uint32_t>::max())
    throw_error("an image of {} bytes, allowed at most 2^32 - 1", constants + h->constants_bytes);
  h->words_offset = static_cast<std::uint32_t>(words);
  h->constants_offset = static_cast<std::uint32_t>(constants);
}

template <typename T>
T count(std::size_t size, const char* what) {
  if (size > std::numeric_limits<T>::max()) throw_error("{} {} do not fit an image", size, what);
  return static_cast<T>(size);
}

/// Returns how the n-th input's floats are rounded to codes by the model's QUANTIZE, if there is
/// one: bit 0 is 1 for halves to even, the bits above are the format.
std::uint32_t rounding(const Program& segment, std::size_t input) {
  const model::Graph& before = segment.before;
  if (input >= before.outputs.size()) return 0;
  const auto format = static_cast<std::uint32_t>(before.tensor(before.outputs[input]).format) << 1;
  for (const model::Op& op : before.ops)
    if (op.kind == model::OpKind::kQuantize && op.outputs.at(0) == before.outputs[input])
      return format | (op.half_even ? 1 : 0);
  return format;
}

/// Returns the format of the n-th output, at the same bits, if floats are made of its codes.
std::uint32_t format_of(const Program& segment, std::size_t output) {
  const model::Graph& after = segment.after;
  return output < after.inputs.size()
             ? static_cast<std::uint32_t>(after.tensor(after.inputs[output]).format) << 1
             : 0;
}

constexpr int kWideCodes = 2;  ///< per_word of a record of int16 codes

void put_record(std::uint8_t* to, TensorLayout layout, ImageRecord record) {
  record.rank = static_cast<std::int32_t>(layout.extents.size());
  if (record.rank > kImageRank)
    throw_error("'{}' has {} axes, allowed {}", layout.name, record.rank, kImageRank);
  layout.extents.resize(kImageRank);
  if (layout.shape.wide) layout.shape.per_word = kWideCodes;
  visit_record(layout, record, Put{to});
}

/// Returns the tables of inputs and outputs, in order.
std::vector<const std::vector<std::uint8_t>*> tables_of(const Program& segment) {
  std::vector<const std::vector<std::uint8_t>*> tables;
  for (const auto* edge : {&segment.inputs, &segment.outputs})
    for (const TensorLayout& layout : *edge)
      if (!layout.codes.empty()) tables.push_back(&layout.codes);
  return tables;
}

void put_records(std::uint8_t* to, const Program& segment, const ImageHeader& header) {
  std::size_t table = 0;
  const auto put = [&](const TensorLayout& layout, std::uint32_t half_even) {
    ImageRecord record;
    record.half_even = half_even;
    if (!layout.codes.empty())
      record.codes = static_cast<std::uint32_t>(codes_offset(header, table++));
    put_record(to, layout, record);
    to += kImageRecord;
  };
  for (std::size_t i = 0; i < segment.inputs.size(); ++i)
    put(segment.inputs[i], rounding(segment, i));
  for (std::size_t i = 0; i < segment.outputs.size(); ++i)
    put(segment.outputs[i], format_of(segment, i));
}

ImageHeader header_of(const Program& segment) {
  ImageHeader header;
  header.isa_version = isa::kVersion;
  header.configuration_hash = segment.config_hash;
  header.dram_bytes = segment.dram_bytes;
  header.constants_address = segment.image_offset;
  header.words = count<std::uint32_t>(segment.words.size(), "instructions");
  header.constants_bytes = count<std::uint32_t>(segment.image.size(), "bytes of constants");
  header.inputs = count<std::uint16_t>(segment.inputs.size(), "inputs");
  header.outputs = count<std::uint16_t>(segment.outputs.size(), "outputs");
  place(&header, tables_of(segment).size());
  return header;
}

/// @param tables  number of tables read so far
TensorLayout record_of(std::span<const std::uint8_t> image, const ImageHeader& header,
                       std::size_t at, std::size_t* tables) {
  TensorLayout layout;
  ImageRecord record;
  layout.extents.resize(kImageRank);
  visit_record(layout, record, Get{&image[at]});
  layout.shape.wide = layout.shape.per_word == kWideCodes;
  if (layout.shape.wide) layout.shape.per_word = 4;
  if (record.rank < 0 || record.rank > kImageRank)
    throw_error("image: a tensor of {} axes, allowed 0..8", record.rank);
  layout.extents.resize(static_cast<std::size_t>(record.rank));
  if (record.codes == 0) return layout;
  const std::uint64_t from = codes_offset(header, (*tables)++);
  if (record.codes != from || image.size() < from + kImageCodes)
    throw_error("image: a table of codes has a wrong offset");
  const auto codes = image.subspan(from, kImageCodes);
  layout.codes.assign(codes.begin(), codes.end());
  return layout;
}

/// Fills the layouts. @return the number of tables @pre the words follow the records
std::size_t read_records(std::span<const std::uint8_t> image, const ImageHeader& h,
                         Program* segment) {
  std::size_t tables = 0;
  for (int i = 0; i < h.inputs + h.outputs; ++i)
    (i < h.inputs ? segment->inputs : segment->outputs)
        .push_back(record_of(image, h, kImageHeader + kImageRecord * static_cast<std::size_t>(i),
                             &tables));
  return tables;
}

}  // namespace

void seal_image(std::span<std::uint8_t> image) {
  const std::uint32_t checksum = checksum_of(image);
  std::memcpy(&image[kChecksumAt], &checksum, sizeof checksum);
}

std::size_t image_bytes(const Program& segment) {
  return header_of(segment).constants_offset + segment.image.size();
}

void write_image(const Program& segment, std::span<std::uint8_t> to) {
  ImageHeader header = header_of(segment);
  std::fill_n(to.begin(), header.constants_offset, std::uint8_t{0});
  visit_header(header, Put{to.data()});
  put_records(&to[kImageHeader], segment, header);
  std::size_t table = 0;
  for (const auto* codes : tables_of(segment))
    std::ranges::copy(*codes, &to[codes_offset(header, table++)]);
  std::memcpy(&to[header.words_offset], segment.words.data(), 8 * segment.words.size());
  std::ranges::copy(segment.image, to.begin() + header.constants_offset);
  seal_image(to);
}

std::string write_image(const Program& segment) {
  require_verified(segment);
  std::string image(image_bytes(segment), '\0');
  write_image(segment, {reinterpret_cast<std::uint8_t*>(image.data()), image.size()});
  return image;
}

void read_image(std::span<const std::uint8_t> image, Program* segment) {
  if (image.size() < kImageHeader) throw_error("image: truncated");
  ImageHeader h;
  visit_header(h, Get{image.data()});
  if (h.magic != kImageMagic || h.format != kImageFormat) throw_error("image: not a machine image");
  if (h.isa_version != isa::kVersion)
    throw_error("compiled for version {} of the instruction set, but this tool reads version {}",
                h.isa_version, isa::kVersion);
  if (h.checksum != checksum_of(image)) throw_error("image: damaged: the checksum does not match");
  const std::uint64_t records_end = codes_offset(h, 0);
  const std::size_t tables =
      h.words_offset < records_end ? 0 : (h.words_offset - records_end) / kImageCodes;
  ImageHeader expected = h;
  place(&expected, tables);
  if (h.words_offset != expected.words_offset || h.constants_offset != expected.constants_offset ||
      image.size() - h.constants_offset != h.constants_bytes || h.constants_offset > image.size())
    throw_error("image: sizes and offsets do not match");
  if (read_records(image, h, segment) != tables)
    throw_error("image: contains tables of codes that no tensor uses");
  segment->config_hash = h.configuration_hash;
  segment->dram_bytes = h.dram_bytes;
  segment->image_offset = h.constants_address;
  segment->words.resize(h.words);
  if (h.words > 0)
    std::memcpy(segment->words.data(), &image[h.words_offset], std::size_t{8} * h.words);
  const auto constants = image.subspan(h.constants_offset);
  segment->image.assign(constants.begin(), constants.end());
}

}  // namespace trine::program
