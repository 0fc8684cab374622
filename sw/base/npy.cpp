// SPDX-License-Identifier: Apache-2.0

#include "sw/base/npy.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <functional>
#include <map>
#include <numeric>
#include <string_view>

#include "sw/base/error.h"
#include "sw/base/file.h"

namespace trine {
namespace {

constexpr std::string_view kMagic{"\x93NUMPY", 6};
constexpr std::array<std::string_view, 11> kTypes{"i1", "u1", "i2", "u2", "i4", "u4",
                                                  "i8", "u8", "f4", "f8", "b1"};

/// Returns the text after `'key':` in a header dictionary, without leading blanks.
std::string_view value_of(std::string_view header, std::string_view key, const std::string& file) {
  const std::size_t at = header.find(fmt::format("'{}':", key));
  if (at == std::string_view::npos) throw_error("{}: npy header lacks '{}'", file, key);
  const std::string_view rest = header.substr(at + key.size() + 3);
  return rest.substr(std::min(rest.find_first_not_of(' '), rest.size()));
}

std::vector<std::int64_t> parse_shape(std::string_view text, const std::string& file) {
  std::vector<std::int64_t> shape;
  if (!text.starts_with('(')) throw_error("{}: npy shape is not a tuple", file);
  for (text.remove_prefix(1); !text.empty() && text.front() != ')';) {
    std::uint64_t value = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (value > (std::uint64_t{1} << 40) || fault == std::errc::result_out_of_range)
      throw_error("{}: npy shape is too large", file);
    if (fault == std::errc())
      shape.push_back(static_cast<std::int64_t>(value));
    else if (text.front() != ',' && text.front() != ' ')
      throw_error("{}: npy shape has a bad character '{}'", file, text.front());
    text.remove_prefix(fault == std::errc() ? end - text.data() : 1);
  }
  return shape;
}

}  // namespace

std::int64_t Array::elements() const {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies());
}

std::string type_and_shape(const Array& array) {
  static const std::map<char, std::string_view> kKinds{
      {'i', "int"}, {'u', "uint"}, {'f', "float"}, {'b', "bool"}};
  const char kind = array.dtype.at(0);
  const std::string bits =
      kind == 'b' ? "" : fmt::format("{}", std::size_t{8} * array.element_bytes());
  return fmt::format("{}{} [{}]", kKinds.at(kind), bits, fmt::join(array.shape, ", "));
}

std::size_t Array::element_bytes() const { return static_cast<std::size_t>(dtype.at(1) - '0'); }

double Array::value(std::size_t i) const {
  const auto element = [&](auto value) {
    std::memcpy(&value, &bytes[i * sizeof value], sizeof value);
    return static_cast<double>(value);
  };
  return dtype == "i1"   ? element(std::int8_t{})
         : dtype == "i2" ? element(std::int16_t{})
         : dtype == "i4" ? element(std::int32_t{})
         : dtype == "i8" ? element(std::int64_t{})
         : dtype == "f4" ? element(float{})
         : dtype == "f8" ? element(double{})
         : dtype == "u2" ? element(std::uint16_t{})
         : dtype == "u4" ? element(std::uint32_t{})
         : dtype == "u8" ? element(std::uint64_t{})
                         : element(std::uint8_t{});
}

Array read_npy(const std::filesystem::path& path) {
  const std::string file = path.string();
  const std::string text = read_text(path);
  const std::string_view all{text};
  if (all.size() < 10 || all.substr(0, 6) != kMagic) throw_error("{}: is not a .npy file", file);
  const int version = all[6];
  const std::size_t prefix = version == 1 ? 10 : 12;
  if (version < 1 || version > 3 || all.size() < prefix)
    throw_error("{}: npy version {} is not 1..3", file, version);
  std::size_t length = 0;
  for (std::size_t i = prefix; i-- > 8;) length = length << 8 | static_cast<std::uint8_t>(all[i]);
  if (all.size() - prefix < length) throw_error("{}: npy header is truncated", file);
  const std::string_view header = all.substr(prefix, length);

  const std::string_view descr = value_of(header, "descr", file);
  if (descr.size() < 5 || descr[0] != '\'' || (descr[1] != '<' && descr[1] != '|'))
    throw_error("{}: npy dtype is not little endian", file);
  Array array;
  array.dtype = descr.substr(2, 2);
  if (std::find(kTypes.begin(), kTypes.end(), array.dtype) == kTypes.end() || descr[4] != '\'')
    throw_error("{}: npy dtype is '{}', allowed {}", file, descr.substr(1, 4),
                fmt::join(kTypes, " "));
  if (value_of(header, "fortran_order", file).substr(0, 5) != "False")
    throw_error("{}: npy is in Fortran order, expected C order", file);
  array.shape = parse_shape(value_of(header, "shape", file), file);

  // Divide instead of multiplying: a hostile shape must not overflow the product.
  const std::string_view data = all.substr(prefix + length);
  std::size_t expected = array.element_bytes();
  for (const std::int64_t extent : array.shape) {
    const auto n = static_cast<std::size_t>(extent);
    if (n != 0 && expected > data.size() / n)
      throw_error("{}: contains {} bytes, but its shape needs more", file, data.size());
    expected *= n;
  }
  if (expected != data.size())
    throw_error("{}: contains {} bytes, but its shape needs {}", file, data.size(), expected);
  array.bytes.assign(data.begin(), data.end());
  return array;
}

void write_npy(const std::filesystem::path& path, const Array& array) {
  const std::string shape =
      fmt::format("{}{}", fmt::join(array.shape, ", "), array.shape.size() == 1 ? "," : "");
  std::string header = fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': ({}), }}",
                                   array.element_bytes() == 1 ? '|' : '<', array.dtype, shape);
  header.resize((10 + header.size() + 1 + 63) / 64 * 64 - 10 - 1, ' ');
  header += '\n';
  std::string bytes{kMagic};
  bytes += {1, 0, static_cast<char>(header.size() & 0xff), static_cast<char>(header.size() >> 8)};
  bytes += header;
  bytes.append(array.bytes.begin(), array.bytes.end());
  write_file(path, bytes);
}

}  // namespace trine
