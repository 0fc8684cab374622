// SPDX-License-Identifier: Apache-2.0
//
// trine formats: prints the ranges of number formats, and which of them the machine computes.
//
//   IEEE float    bias = 2^(exponent - 1) - 1, smallest = 2^(1 - bias - mantissa),
//                 largest = (2 - 2^-mantissa) 2^bias
//   integer       -2^(bits - 1) .. 2^(bits - 1) - 1
//   eight bits    from the values of the codes in spec/minifloat.h

#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "spec/minifloat.h"
#include "spec/precision.h"
#include "tools/cli/common.h"

namespace trine::cli {
namespace {

struct NumberFormat {
  std::string name;
  int bits, sign, exponent, mantissa;  ///< exponent of a posit: es; mantissa of a posit: at 1
  double lowest, smallest, largest;    ///< smallest positive value
  double step;                         ///< from 1 to the next value
  bool machine;                        ///< true if a design can compute it
  std::string how;
};

/// Returns an IEEE 754 format: the largest exponent is for infinity and NaN.
NumberFormat ieee(const std::string& name, int exponent, int mantissa, const std::string& how) {
  const int bias = (1 << (exponent - 1)) - 1;
  const double step = std::ldexp(1, -mantissa), largest = std::ldexp(2 - step, bias);
  return {.name = name,
          .bits = 1 + exponent + mantissa,
          .sign = 1,
          .exponent = exponent,
          .mantissa = mantissa,
          .lowest = -largest,
          .smallest = std::ldexp(step, 1 - bias),
          .largest = largest,
          .step = step,
          .machine = false,
          .how = how};
}

NumberFormat integer(const std::string& name, int bits, double lowest, double largest,
                     const std::string& how) {
  const int sign = lowest < 0 && bits > 1 ? 1 : 0;
  return {.name = name,
          .bits = bits,
          .sign = sign,
          .exponent = 0,
          .mantissa = bits - sign,
          .lowest = lowest,
          .smallest = 1,
          .largest = largest,
          .step = 1,
          .machine = true,
          .how = how};
}

NumberFormat twos_complement(int bits, const std::string& how) {
  const double half = std::ldexp(1, bits - 1);
  return integer(fmt::format("int{}", bits), bits, -half, half - 1, how);
}

NumberFormat precision(const spec::Precision& row, const std::string& how) {
  return integer(std::string(row.name), row.bits, row.lowest, row.highest, how);
}

/// Returns a format of spec/minifloat.h, from the values of its codes.
NumberFormat eight_bits(const spec::FormatRow& row) {
  const auto value = [&](std::uint8_t code) {
    return std::ldexp(static_cast<double>(*spec::fixed_of(row.format, code)), -row.fraction);
  };
  const std::uint8_t one = *spec::code_of(row.format, std::int64_t{1} << row.fraction);
  const double step = value(static_cast<std::uint8_t>(one + 1)) - 1,
               largest = std::ldexp(static_cast<double>(spec::largest(row.format)), -row.fraction);
  const bool machine = row.bytes() <= spec::kMostBytes;
  return {.name = std::string(row.name),
          .bits = 8,
          .sign = 1,
          .exponent = row.exponent,
          .mantissa = -std::ilogb(step),
          .lowest = -largest,
          .smallest = value(1),
          .largest = largest,
          .step = step,
          .machine = machine,
          .how = fmt::format("{}: {}, {} int8 passes", machine ? "array.formats" : "no",
                             row.bytes(), row.bytes() * row.bytes())};
}

std::vector<NumberFormat> formats() {
  std::vector<NumberFormat> all{ieee("FP32", 8, 23, "no: host, at a network's ends"),
                                ieee("FP16", 5, 10, "no"), ieee("bfloat16", 8, 7, "no"),
                                twos_complement(32, "sums and biases"),
                                twos_complement(16, "array.activations16: activations")};
  for (const spec::Precision& row : spec::kPrecisions) {
    all.push_back(
        precision(row, fmt::format("array.precisions: {} MACs per PE", row.codes_per_word())));
    if (row.bits == spec::kInt8.bits)
      all.push_back(precision(spec::kInt4, "array.weights4: weights"));
  }
  for (const spec::FormatRow& row : spec::kFormats)
    if (row.format != spec::Format::kNone) all.push_back(eight_bits(row));
  return all;
}

/// Returns "2^-23", or "1". @pre the value is a power of two
std::string power_text(double value) {
  return value == 1 ? "1" : fmt::format("2^{}", std::ilogb(value));
}

/// Returns "-128 .. 127", or "+-65504" if both limits have the same size.
std::string range_text(const NumberFormat& format) {
  const auto number = [](double value) {
    return value == std::round(value) && std::abs(value) < 1e10 ? fmt::format("{:.0f}", value)
                                                                : fmt::format("{:.5g}", value);
  };
  return format.lowest == -format.largest ? "+-" + number(format.largest)
                                          : number(format.lowest) + " .. " + number(format.largest);
}

std::string to_text(const std::vector<NumberFormat>& all) {
  constexpr const char* kRow = "{:<8} {:>4}  {:<6} {:>8} {:>25} {:>9}  {}\n";
  std::string text =
      fmt::format(kRow, "format", "bits", "s/e/m", "smallest", "range", "step at 1", "machine");
  for (const NumberFormat& f : all)
    text +=
        fmt::format(kRow, f.name, f.bits, fmt::format("{}/{}/{}", f.sign, f.exponent, f.mantissa),
                    power_text(f.smallest), range_text(f), power_text(f.step), f.how);
  return text +
         "s/e/m: bits of sign, exponent and mantissa. A posit has the most mantissa bits at 1.\n"
         "A scale multiplies integers. n, m int8 passes: if only weights, if both operands have "
         "this format.\n";
}

Json to_json(const std::vector<NumberFormat>& all) {
  Json json;
  for (const NumberFormat& f : all)
    json["formats"].push_back({{"name", f.name},
                               {"bits", f.bits},
                               {"sign_bits", f.sign},
                               {"exponent_bits", f.exponent},
                               {"mantissa_bits", f.mantissa},
                               {"lowest", f.lowest},
                               {"smallest", f.smallest},
                               {"largest", f.largest},
                               {"step_at_1", f.step},
                               {"machine", f.machine},
                               {"how", f.how}});
  return json;
}

int run(const Output& output) {
  output.check({}, {});
  const std::vector<NumberFormat> all = formats();
  output.print(to_text(all));
  output.write_json(to_json(all), nullptr);
  return kSuccess;
}

}  // namespace

void add_formats(Command app, Action& action) {
  const auto [command, output] = add_command<Output>(
      app, action, "formats", "ranges of number formats, and which the machine computes", run);
  output->declare(command);
  command.footer(
      "Eight-bit formats have the names of quantize --format and estimate --format\n"
      "(docs/formats.md).\n\n"
      "Examples:\n"
      "  trine formats\n"
      "  trine formats --json -");
}

}  // namespace trine::cli
