// SPDX-License-Identifier: Apache-2.0
//
// Writes and reads the machine image of a segment: everything that a driver needs, in one flat
// piece (docs/program-file.md).
//
//   header of 64 bytes | a record of 160 bytes for each input, then each output | tables of codes |
//   words | constants
//
// Little endian; each part begins at a multiple of 64 bytes, the widest bus, with zeros between.
// sw/runtime reads it in C.

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "sw/program/program.h"

namespace trine::program {

constexpr std::string_view kImageText = "TRINEIMG";
constexpr std::uint64_t kImageMagic = [] {
  std::uint64_t number = 0;
  for (std::size_t i = 8; i-- > 0;)
    number = number << 8 | static_cast<unsigned char>(kImageText[i]);
  return number;
}();
constexpr std::uint32_t kImageFormat = 2;
constexpr std::size_t kImageHeader = 64, kImageRecord = 160, kImageAlignment = 64;
constexpr std::size_t kImageCodes = 256;  ///< codes of a table
constexpr int kImageRank = 8;             ///< largest number of extents of a tensor

/// The header of an image.
struct ImageHeader {
  std::uint64_t magic = kImageMagic;
  std::uint32_t format = kImageFormat, isa_version = 0;
  std::uint64_t configuration_hash = 0;
  std::int64_t dram_bytes = 0, constants_address = 0;
  std::uint32_t words_offset = 0, words = 0, constants_offset = 0, constants_bytes = 0;
  std::uint16_t inputs = 0, outputs = 0;
  std::uint32_t checksum = 0;
};

/// Calls visit(name, number, meaning) for each field of the header, in the order of the bytes.
template <typename Visit>
void visit_header(ImageHeader& h, Visit visit) {
  visit("magic", h.magic, "the text `TRINEIMG`");
  visit("format", h.format, "2");
  visit("isa_version", h.isa_version,
        "version of the instruction set; the register VERSION must have the same value");
  visit("configuration_hash", h.configuration_hash,
        "the register CONFIG_HASH must have the same value");
  visit("dram_bytes", h.dram_bytes, "bytes of memory, from BASE on, that the program requires");
  visit("constants_address", h.constants_address,
        "address to which the constants are copied, in bytes from BASE");
  visit("words_offset", h.words_offset,
        "position of the instructions, in bytes from the beginning of the image");
  visit("words", h.words, "number of instructions, 8 bytes each");
  visit("constants_offset", h.constants_offset,
        "position of the constants, in bytes from the beginning of the image");
  visit("constants_bytes", h.constants_bytes, "size of the constants; the image ends with them");
  visit("inputs", h.inputs, "number of input records; the first one is at byte 64");
  visit("outputs", h.outputs, "number of output records, which follow the input records");
  visit("checksum", h.checksum, "CRC-32 (as in zlib) of all bytes except these four");
}

/// The fields of a tensor's record that are not in its layout.
struct ImageRecord {
  std::int32_t rank = 0;
  std::uint32_t codes = 0;
  bool half_even = false;
};

/// Calls visit(name, number, meaning) for each field of a tensor's record, in the order of the
/// bytes.
/// @pre layout.extents has kImageRank elements
template <typename Visit>
void visit_record(TensorLayout& l, ImageRecord& record, Visit visit) {
  visit("offset", l.offset, "bytes from BASE");
  visit("plane", l.plane, "words from one channel word to the next");
  visit("scale", l.scale, "a double: real value = scale * (code - zero_point)");
  visit("zero_point", l.zero_point, "see `scale`");
  visit("pitch", l.pitch, "words from one row to the next");
  visit("C", l.shape.C, "channels of the tensor as an image in the machine's memory");
  visit("H", l.shape.H, "rows of that image");
  visit("W", l.shape.W, "columns of that image");
  visit("per_word", l.shape.per_word,
        "codes in a word: 4, 16 or 32; 1: sums of 32 bits; 2: int16, with two words per pixel for "
        "four channels");
  visit("transposed", l.transposed, "1: rows of the tensor are columns of the image");
  visit("rank", record.rank, "rank of the host's tensor, up to 8");
  for (int& extent : l.extents)
    visit("extents", extent,
          "eight extents of the host's tensor, of 4 bytes each; zeros after the last axis");
  visit("fold_rows", l.fold.rows,
        "rows of the block of tensor pixels that becomes one image pixel; 1: no blocks");
  visit("fold_pixels", l.fold.pixels, "columns of the block");
  visit("fold_stride_y", l.fold.stride_y, "rows from one block to the next");
  visit("fold_stride_x", l.fold.stride_x, "columns from one block to the next");
  visit("fold_top", l.fold.top, "rows of the first block that are above the tensor");
  visit("fold_left", l.fold.left, "columns of the first block that are left of the tensor");
  visit("fold_height", l.fold.height, "rows of the tensor; 0 without blocks");
  visit("fold_width", l.fold.width, "columns of the tensor; 0 without blocks");
  visit("step_y", l.steps.y, "elements of the host's tensor from row to row");
  visit("step_x", l.steps.x, "elements from column to column");
  visit("step_channel", l.steps.channel, "elements from channel to channel");
  visit("codes", record.codes,
        "position of the tensor's table of 256 codes, in bytes from the beginning of the image; 0: "
        "no table");
  visit("half_even", record.half_even,
        "rounding from floats to codes: 1 halves to even, 0 halves away from zero");
}

/// Returns the image of a segment.
/// @throws Error  for a rule that the words break (verify.h), or for a program that exceeds the
/// format: 4 GiB, tensors of more than 8 axes
std::string write_image(const Program& segment);

/// Writes the image to memory of image_bytes(segment) bytes.
std::size_t image_bytes(const Program& segment);
void write_image(const Program& segment, std::span<std::uint8_t> to);

/// Returns the image as a C array `NAME_model` with NAME_INPUTS, NAME_INPUT_0_BYTES and so on, to
/// be included in C99 or C++.
std::string write_c(const Program& segment);

/// Fills in words, constants, layouts (without names), hash and sizes. Does not check their
/// meaning.
/// @throws Error
void read_image(std::span<const std::uint8_t> image, Program* segment);

/// Sets the checksum.
/// @pre the image has a header
void seal_image(std::span<std::uint8_t> image);

}  // namespace trine::program
