// SPDX-License-Identifier: Apache-2.0

#include "components/llm/files/encoding.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace trine::llm {
namespace {

using Byte = std::uint8_t;
constexpr int kBlock = 32;
constexpr int kSuper = 256;  ///< elements of a block of the K types and of ternary types

float from_bits(std::uint32_t bits) { return std::bit_cast<float>(bits); }

std::uint32_t word16(const Byte* at) {
  return static_cast<std::uint32_t>(at[0]) | static_cast<std::uint32_t>(at[1]) << 8;
}

std::uint32_t word32(const Byte* at) { return word16(at) | word16(at + 2) << 16; }

float half(const Byte* at) {
  const std::uint32_t bits = word16(at), sign = (bits & 0x8000) << 16, mantissa = bits & 0x3ff;
  const std::uint32_t exponent = bits >> 10 & 31;
  if (exponent == 31) return from_bits(sign | 0x7f800000 | mantissa << 13);
  if (exponent > 0) return from_bits(sign | (exponent + 112) << 23 | mantissa << 13);
  const float small = static_cast<float>(mantissa) * 0x1p-24f;
  return sign != 0 ? -small : small;
}

// ---- blocks of one element ----

void f32(const Byte* block, float* values) { *values = from_bits(word32(block)); }
void f16(const Byte* block, float* values) { *values = half(block); }
void bf16(const Byte* block, float* values) { *values = from_bits(word16(block) << 16); }
void i8(const Byte* block, float* values) { *values = static_cast<std::int8_t>(*block); }
void u8(const Byte* block, float* values) { *values = *block; }

// ---- blocks of 32: a scale, some a minimum; low halves of all bytes before the high ones ----

/// Returns bits 0..3 of element i of 32.
int nibble(const Byte* codes, int i) { return i < 16 ? codes[i] & 15 : codes[i - 16] >> 4; }

/// Returns the fifth bit.
int fifth(const Byte* high, int i) { return static_cast<int>(word32(high) >> i & 1) << 4; }

/// The product is rounded before the sum: by default the compiler uses no fused operation on
/// x86-64.
void q4_0(const Byte* block, float* values) {
  const float scale = half(block);
  for (int i = 0; i < kBlock; ++i) values[i] = scale * static_cast<float>(nibble(block + 2, i) - 8);
}

void q4_1(const Byte* block, float* values) {
  const float scale = half(block), least = half(block + 2);
  for (int i = 0; i < kBlock; ++i)
    values[i] = scale * static_cast<float>(nibble(block + 4, i)) + least;
}

void q5_0(const Byte* block, float* values) {
  const float scale = half(block);
  for (int i = 0; i < kBlock; ++i)
    values[i] = scale * static_cast<float>((nibble(block + 6, i) | fifth(block + 2, i)) - 16);
}

void q5_1(const Byte* block, float* values) {
  const float scale = half(block), least = half(block + 2);
  for (int i = 0; i < kBlock; ++i)
    values[i] = scale * static_cast<float>(nibble(block + 8, i) | fifth(block + 4, i)) + least;
}

void q8_0(const Byte* block, float* values) {
  const float scale = half(block);
  for (int i = 0; i < kBlock; ++i)
    values[i] = static_cast<float>(static_cast<std::int8_t>(block[2 + i])) * scale;
}

/// Uses twice the value of a float4_e2m1 code; the scale is half of 2^(e - 127).
void mxfp4(const Byte* block, float* values) {
  static constexpr std::array<float, 16> kDoubled = {0, 1,  2,  3,  4,  6,  8,  12,
                                                     0, -1, -2, -3, -4, -6, -8, -12};
  const std::uint32_t e = block[0];
  const float scale = from_bits(e < 2 ? 0x00200000U << e : (e - 1) << 23);
  for (int i = 0; i < kBlock; ++i)
    values[i] = scale * kDoubled[static_cast<std::size_t>(nibble(block + 1, i))];
}

// ---- K: 256 elements, scales of their parts relative to one of the block ----

struct ScaleAndMinimum {
  float scale, minimum;
};

/// Returns six-bit scale and minimum of one of eight parts: the first four are stored whole, the
/// lower halves of the others after them.
ScaleAndMinimum part_of(const Byte* scales, int part) {
  if (part < 4)
    return {static_cast<float>(scales[part] & 63), static_cast<float>(scales[part + 4] & 63)};
  const Byte both = scales[part + 4];
  return {static_cast<float>((both & 15) | (scales[part - 4] >> 2 & 48)),
          static_cast<float>((both >> 4) | (scales[part] >> 2 & 48))};
}

/// Decodes four bits per element: 32 low halves, then the high halves of the same bytes. @param
/// high  a fifth bit
void k_with_minimum(const Byte* block, const Byte* high, const Byte* codes, float* values) {
  const float scale = half(block), minimum = half(block + 2);
  for (int part = 0; part < 8; ++part) {
    const ScaleAndMinimum own = part_of(block + 4, part);
    const float part_scale = scale * own.scale, part_minimum = minimum * own.minimum;
    const Byte* from = codes + part / 2 * 32;
    const int shift = part % 2 * 4;
    for (int i = 0; i < 32; ++i) {
      const int fifth_bit = high == nullptr ? 0 : (high[i] >> part & 1) << 4;
      const int code = (from[i] >> shift & 15) | fifth_bit;
      values[32 * part + i] = part_scale * static_cast<float>(code) - part_minimum;
    }
  }
}

void q4_k(const Byte* block, float* values) { k_with_minimum(block, nullptr, block + 16, values); }

void q5_k(const Byte* block, float* values) {
  k_with_minimum(block, block + 16, block + 48, values);
}

void q6_k(const Byte* block, float* values) {
  const Byte *low = block, *high = block + 128, *scales = block + 192;
  const float scale = half(block + 208);
  for (int i = 0; i < kSuper; ++i) {
    const int place = i / 128 * 64 + i % 64, shift = i % 128 < 64 ? 0 : 4;
    const int code =
        (low[place] >> shift & 15) | (high[i / 128 * 32 + i % 32] >> 2 * (i % 128 / 32) & 3) << 4;
    const float part_scale = scale * static_cast<float>(static_cast<std::int8_t>(scales[i / 16]));
    values[i] = part_scale * static_cast<float>(code - 32);
  }
}

// ---- ternary: 256 elements, one scale ----

/// Returns the first digit of q / 256 in base 3, less 1.
float trit(Byte q) { return static_cast<float>((q * 3 >> 8) - 1); }

/// Decodes `bytes` bytes of `digits` elements each: the first digit of all, the second of all, ..
float* trits(const Byte* from, int bytes, int digits, float scale, float* values) {
  int power = 1;
  for (int digit = 0; digit < digits; ++digit, power *= 3)
    for (int i = 0; i < bytes; ++i) *values++ = scale * trit(static_cast<Byte>(from[i] * power));
  return values;
}

void tq1_0(const Byte* block, float* values) {
  const float scale = half(block + 52);
  values = trits(block, 32, 5, scale, values);
  values = trits(block + 32, 16, 5, scale, values);
  trits(block + 48, 4, 4, scale, values);
}

void tq2_0(const Byte* block, float* values) {
  const float scale = half(block + 64);
  for (int i = 0; i < kSuper; ++i) {
    const int code = block[i / 128 * 32 + i % 32] >> 2 * (i % 128 / 32) & 3;
    values[i] = scale * static_cast<float>(code - 1);
  }
}

struct Numbered {
  std::uint32_t type;
  Encoding encoding;
};
constexpr Numbered kGguf[] = {
    {0, {"F32", 1, 4, f32}},
    {1, {"F16", 1, 2, f16}},
    {30, {"BF16", 1, 2, bf16}},
    {8, {"Q8_0", kBlock, 34, q8_0}},
    {2, {"Q4_0", kBlock, 18, q4_0}},
    {3, {"Q4_1", kBlock, 20, q4_1}},
    {6, {"Q5_0", kBlock, 22, q5_0}},
    {7, {"Q5_1", kBlock, 24, q5_1}},
    {12, {"Q4_K", kSuper, 144, q4_k}},
    {13, {"Q5_K", kSuper, 176, q5_k}},
    {14, {"Q6_K", kSuper, 210, q6_k}},
    {34, {"TQ1_0", kSuper, 54, tq1_0, true}},
    {35, {"TQ2_0", kSuper, 66, tq2_0, true}},
    {39, {"MXFP4", kBlock, 17, mxfp4}},
    {9, {"Q8_1", kBlock, 40, nullptr}},
    {10, {"Q2_K", kSuper, 84, nullptr}},
    {11, {"Q3_K", kSuper, 110, nullptr}},
    {15, {"Q8_K", kSuper, 292, nullptr}},
    {16, {"IQ2_XXS", kSuper, 66, nullptr}},
    {17, {"IQ2_XS", kSuper, 74, nullptr}},
    {18, {"IQ3_XXS", kSuper, 98, nullptr}},
    {19, {"IQ1_S", kSuper, 50, nullptr}},
    {20, {"IQ4_NL", kBlock, 18, nullptr}},
    {21, {"IQ3_S", kSuper, 110, nullptr}},
    {22, {"IQ2_S", kSuper, 82, nullptr}},
    {23, {"IQ4_XS", kSuper, 136, nullptr}},
    {24, {"I8", 1, 1, nullptr}},
    {25, {"I16", 1, 2, nullptr}},
    {26, {"I32", 1, 4, nullptr}},
    {27, {"I64", 1, 8, nullptr}},
    {28, {"F64", 1, 8, nullptr}},
    {29, {"IQ1_M", kSuper, 56, nullptr}},
    {40, {"NVFP4", 64, 36, nullptr}},
    {41, {"Q1_0", 128, 18, nullptr}},
};
constexpr Encoding kSafetensors[] = {
    {"F32", 1, 4, f32},         {"F16", 1, 2, f16},         {"BF16", 1, 2, bf16},
    {"I8", 1, 1, i8},           {"U8", 1, 1, u8},           {"BOOL", 1, 1, nullptr},
    {"F64", 1, 8, nullptr},     {"I16", 1, 2, nullptr},     {"U16", 1, 2, nullptr},
    {"I32", 1, 4, nullptr},     {"U32", 1, 4, nullptr},     {"I64", 1, 8, nullptr},
    {"U64", 1, 8, nullptr},     {"C64", 1, 8, nullptr},     {"F8_E4M3", 1, 1, nullptr},
    {"F8_E5M2", 1, 1, nullptr}, {"F8_E8M0", 1, 1, nullptr},
};

void name(std::string* all, const Encoding& e) {
  if (e.decode == nullptr) return;
  *all += all->empty() ? "" : ", ";
  *all += e.name;
}

}  // namespace

const Encoding* gguf_encoding(std::uint32_t type) {
  const auto* found = std::ranges::find(kGguf, type, &Numbered::type);
  return found == std::end(kGguf) ? nullptr : &found->encoding;
}

const Encoding* safetensors_encoding(std::string_view name) {
  const auto* found = std::ranges::find(kSafetensors, name, &Encoding::name);
  return found == std::end(kSafetensors) ? nullptr : found;
}

std::string gguf_encodings() {
  std::string all;
  for (const Numbered& n : kGguf) name(&all, n.encoding);
  return all;
}

std::string safetensors_encodings() {
  std::string all;
  for (const Encoding& e : kSafetensors) name(&all, e);
  return all;
}

void decode(const Encoding& encoding, std::span<const Byte> bytes, std::span<float> values) {
  const Byte* block = bytes.data();
  for (std::size_t i = 0; i < values.size(); i += static_cast<std::size_t>(encoding.elements)) {
    encoding.decode(block, &values[i]);
    block += encoding.bytes;
  }
}

}  // namespace trine::llm
