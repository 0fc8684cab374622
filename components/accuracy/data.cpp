// SPDX-License-Identifier: Apache-2.0

#include "components/accuracy/data.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <sstream>

#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/reference/vectors/vectors.h"

namespace trine::cli {
namespace {
namespace fs = std::filesystem;

/// Parses a finite number, or a fraction of two ("1/255").
bool parse_number(std::string_view text, double* value) {
  const auto whole = [](std::string_view part, double* number) {
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), *number);
    return error == std::errc() && end == part.data() + part.size() && std::isfinite(*number);
  };
  const std::size_t slash = text.find('/');
  double below = 1;
  if (slash != std::string_view::npos && (!whole(text.substr(slash + 1), &below) || below == 0))
    return false;
  if (!whole(text.substr(0, slash), value)) return false;
  *value /= below;
  return std::isfinite(*value);
}

bool parse_label(std::string_view text, std::int64_t* label) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *label);
  return error == std::errc() && end == text.data() + text.size();
}

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

/// Calls `line(number, text)` for each line that is not blank, without the blanks at its ends.
template <typename Function>
void each_line(const std::string& file, const Function& line) {
  std::istringstream in(read_text(file));
  int number = 0;
  for (std::string text; std::getline(in, text);) {
    ++number;
    if (const std::string_view rest = trimmed(text); !rest.empty()) line(number, rest);
  }
}

/// Returns the sorted entries of `folder`, without hidden ones.
std::vector<fs::path> entries(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (entry.path().filename().string()[0] != '.') paths.push_back(entry.path());
  if (error) throw_error("{}: cannot be read: {}", folder.string(), error.message());
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::vector<fs::path> arrays_in(const fs::path& folder) {
  std::vector<fs::path> paths = entries(folder);
  std::erase_if(paths, [](const fs::path& path) { return path.extension() != ".npy"; });
  return paths;
}

/// Returns the class of each folder: its name if all names are whole numbers, else its index.
std::vector<std::int64_t> classes_of(const std::vector<fs::path>& folders) {
  std::vector<std::int64_t> numbers(folders.size());
  for (std::size_t i = 0; i < folders.size(); ++i)
    if (!parse_label(folders[i].filename().string(), &numbers[i])) {
      for (std::size_t k = 0; k < folders.size(); ++k) numbers[k] = static_cast<std::int64_t>(k);
      break;
    }
  return numbers;
}

std::vector<std::int64_t> without_ones(const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> rest = shape;
  std::erase(rest, 1);
  return rest;
}

}  // namespace

DataSet::DataSet(const std::string& path) {
  std::error_code ignored;
  const fs::path folder(path);
  const auto there = [&](const char* name) { return fs::exists(folder / name, ignored); };
  if (!fs::exists(folder, ignored)) throw_error("{}: does not exist", path);
  if (!fs::is_directory(folder, ignored))
    read_rows(path);
  else if (there("manifest.json"))
    read_vectors(path);
  else if (there("x.npy"))
    read_stack((folder / "x.npy").string(), there("y.npy") ? (folder / "y.npy").string() : "");
  else if (there("labels.csv"))
    read_list((folder / "labels.csv").string(), path);
  else
    read_files(path);
  if (examples_.empty())
    throw_error(
        "{}: contains no examples, allowed x.npy (and y.npy), labels.csv, a folder of .npy files "
        "for each class, or manifest.json",
        path);
}

void DataSet::read_stack(const std::string& images, const std::string& labels) {
  stack_ = read_npy(images);
  if (stack_.shape.empty()) throw_error("{}: is one number, allowed [N, ...]", images);
  const auto count = static_cast<std::size_t>(stack_.shape[0]);
  for (std::size_t i = 0; i < count; ++i)
    examples_.push_back({fmt::format("{}[{}]", images, i), "", i, {}});
  if (labels.empty()) return;
  const Array array = read_npy(labels);
  const char kind = array.dtype.at(0);
  if ((kind != 'i' && kind != 'u') || array.shape.empty() || array.shape[0] != stack_.shape[0])
    throw_error("{}: is {}, allowed whole numbers [{}], one for each row of {}", labels,
                type_and_shape(array), count, images);
  const std::size_t each = count == 0 ? 0 : static_cast<std::size_t>(array.elements()) / count;
  for (std::size_t i = 0; i < count * each; ++i)
    examples_[i / each].labels.push_back(static_cast<std::int64_t>(array.value(i)));
}

void DataSet::read_vectors(const std::string& folder) {
  const reference::VectorSet set = reference::read_vectors(folder);
  policy_ = set.policy;
  for (const reference::VectorCase& one : set.cases) {
    if (one.inputs.size() != 1)
      throw_error("{}: case {} has {} inputs, allowed 1", set.file, one.id, one.inputs.size());
    const Array& input = one.inputs[0];
    if (examples_.empty()) stack_ = {input.dtype, input.shape, {}};
    if (input.dtype != stack_.dtype ||
        (!examples_.empty() && !std::equal(input.shape.begin(), input.shape.end(),
                                           stack_.shape.begin() + 1, stack_.shape.end())))
      throw_error("{}: case {} is {}, unlike the cases before it", set.file, one.id,
                  type_and_shape(input));
    if (examples_.empty()) stack_.shape.insert(stack_.shape.begin(), 0);
    stack_.bytes.insert(stack_.bytes.end(), input.bytes.begin(), input.bytes.end());
    ++stack_.shape[0];
    examples_.push_back({set.file + ": " + one.id, "", examples_.size(), one.labels});
  }
}

void DataSet::read_list(const std::string& file, const std::string& folder) {
  each_line(file, [&](int number, std::string_view line) {
    const std::size_t comma = line.rfind(',');
    std::int64_t label = 0;
    const bool good =
        comma != std::string_view::npos && parse_label(trimmed(line.substr(comma + 1)), &label);
    if (!good && number == 1) return;  // the names of the columns
    if (!good) throw_error("{}:{}: is not of the form FILE.npy,label", file, number);
    const std::string name(trimmed(line.substr(0, comma)));
    examples_.push_back({name, (fs::path(folder) / name).string(), 0, {label}});
  });
}

void DataSet::read_rows(const std::string& file) {
  if (fs::path(file).extension() != ".csv")
    throw_error("{}: is neither a folder nor a .csv file", file);
  std::vector<float> values;
  std::size_t width = 0;
  each_line(file, [&](int number, std::string_view line) {
    std::vector<double> row;
    bool good = true;
    for (std::size_t from = 0; from <= line.size() && good;) {
      const std::size_t comma = std::min(line.find(',', from), line.size());
      row.push_back(0);
      good = parse_number(trimmed(line.substr(from, comma - from)), &row.back());
      from = comma + 1;
    }
    if (!good && number == 1) return;  // the header line
    if (!good || row.size() < 2 || row[0] != std::floor(row[0]) || std::abs(row[0]) > 1e9)
      throw_error("{}:{}: is not of the form label,value,value,...", file, number);
    if (width == 0) width = row.size() - 1;
    if (row.size() - 1 != width)
      throw_error("{}:{}: has {} values, allowed {}, as in the lines above", file, number,
                  row.size() - 1, width);
    for (std::size_t i = 1; i < row.size(); ++i) values.push_back(static_cast<float>(row[i]));
    examples_.push_back({fmt::format("{}:{}", file, number),
                         "",
                         examples_.size(),
                         {static_cast<std::int64_t>(row[0])}});
  });
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(values.data());
  stack_ = {"f4",
            {static_cast<std::int64_t>(examples_.size()), static_cast<std::int64_t>(width)},
            {bytes, bytes + sizeof(float) * values.size()}};
}

void DataSet::read_files(const std::string& folder) {
  for (const fs::path& file : arrays_in(folder))
    examples_.push_back({file.filename().string(), file.string(), 0, {}});
  if (!examples_.empty()) return;
  std::vector<fs::path> folders = entries(folder);
  std::erase_if(folders, [](const fs::path& path) { return !fs::is_directory(path); });
  const std::vector<std::int64_t> classes = classes_of(folders);
  for (std::size_t i = 0; i < folders.size(); ++i)
    for (const fs::path& file : arrays_in(folders[i]))
      examples_.push_back(
          {(folders[i].filename() / file.filename()).string(), file.string(), 0, {classes[i]}});
}

Array DataSet::example(std::size_t index) const {
  const Example& one = examples_.at(index);
  if (!one.file.empty()) return read_npy(one.file);
  Array row{stack_.dtype, {stack_.shape.begin() + 1, stack_.shape.end()}, {}};
  const auto bytes = static_cast<std::ptrdiff_t>(stack_.bytes.size() / examples_.size());
  const auto from = stack_.bytes.begin() + static_cast<std::ptrdiff_t>(one.row) * bytes;
  row.bytes.assign(from, from + bytes);
  return row;
}

void Preparation::declare(Command command) {
  add_value(command, "--mean M[,M...]", mean_text,
            "value = (x - mean) * scale; one number, or one for each\nchannel: 0.485,0.456,0.406")
      ->delimiter(',')
      ->allow_extra_args(false);
  add_value(command, "--scale S[,S...]", scale_text, "the factor: 1/255 maps 0..255 to 0..1")
      ->delimiter(',')
      ->allow_extra_args(false);
}

void Preparation::parse() {
  const auto numbers = [](const char* option, const std::vector<std::string>& texts) {
    std::vector<double> values;
    for (const std::string& text : texts) {
      values.push_back(0);
      if (!parse_number(text, &values.back()))
        throw_error("{}: {} is not a number, allowed numbers such as 0.5 or 1/255", option, text);
    }
    return values;
  };
  mean_ = numbers("--mean", mean_text);
  scale_ = numbers("--scale", scale_text);
}

std::vector<double> Preparation::values(const Array& example, bool channels_first,
                                        const std::string& name) const {
  const auto count = static_cast<std::size_t>(example.elements());
  std::vector<double> values(count);
  const auto extent = [&](bool first) {
    return example.shape.empty() ? 1 : first ? example.shape.front() : example.shape.back();
  };
  // A batch dimension of one may precede.
  const auto channels = static_cast<std::size_t>(
      !channels_first                                      ? extent(false)
      : example.shape.size() == 4 && example.shape[0] == 1 ? example.shape[1]
                                                           : extent(true));
  for (const auto& [option, numbers] : {std::pair{"--mean", &mean_}, {"--scale", &scale_}})
    if (numbers->size() > 1 && numbers->size() != channels)
      throw_error("{}: {} numbers, allowed 1, or {} (channels), because {} is {}", option,
                  numbers->size(), channels, name, type_and_shape(example));
  const std::size_t plane = channels == 0 ? 1 : count / channels;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t c = channels_first ? i / plane : i % channels;
    const auto of = [&](const std::vector<double>& numbers, double none) {
      return numbers.empty() ? none : numbers[numbers.size() == 1 ? 0 : c];
    };
    values[i] = (example.value(i) - of(mean_, 0)) * of(scale_, 1);
  }
  return values;
}

Array Preparation::prepared(const Array& example, const model::Tensor& input, bool channels_first,
                            const std::string& name) const {
  Array result{
      std::string(model::npy_code(input.type)), {input.shape.begin(), input.shape.end()}, {}};
  // A line of a CSV file lists its values in the model's order.
  const bool flat = example.shape.size() == 1 && example.elements() == result.elements();
  if (!flat && without_ones(example.shape) != without_ones(result.shape))
    throw_error("{}: is {}, the model's input '{}' is {}", name, type_and_shape(example),
                input.name, type_and_shape(result));
  if (!given() && example.dtype == result.dtype) {
    result.bytes = example.bytes;
    return result;
  }
  const bool floats = input.type == model::DataType::kFloat32;
  if (!given() && example.dtype.at(0) != 'f')
    throw_error(
        "{}: is {}, the model's input '{}' is {}: --mean and --scale say what its values "
        "mean (--scale 1: unchanged)",
        name, type_and_shape(example), input.name, type_and_shape(result));
  if (!floats && input.quantization.scale.size() != 1)
    throw_error("{}: the model's input '{}' is {} without a scale, allowed its own codes", name,
                input.name, type_and_shape(result));
  const std::vector<double> reals = values(example, channels_first, name);
  if (floats) {
    std::vector<float> single(reals.begin(), reals.end());
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(single.data());
    result.bytes.assign(bytes, bytes + sizeof(float) * single.size());
    return result;
  }
  const auto size = static_cast<std::size_t>(model::bytes_of(input.type));
  const bool is_signed = result.dtype.at(0) == 'i';
  const double codes = std::ldexp(1.0, static_cast<int>(8 * size));
  const double low = is_signed ? -codes / 2 : 0;
  for (const double real : reals) {
    const double code =
        std::nearbyint(real / static_cast<double>(input.scale())) + input.zero_point();
    const auto clamped = static_cast<std::int64_t>(
        std::isnan(code) ? input.zero_point() : std::clamp(code, low, low + codes - 1));
    for (std::size_t b = 0; b < size; ++b)
      result.bytes.push_back(static_cast<std::uint8_t>((clamped >> (8 * b)) & 0xff));
  }
  return result;
}

}  // namespace trine::cli
