// SPDX-License-Identifier: Apache-2.0

#include "tools/cli/run/stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <type_traits>

#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/program/host.h"
#include "tools/cli/run/check.h"

namespace trine::cli {
namespace {

std::string symbols_of(const Json& answers) {
  std::string text = "symbols:";
  for (const Json& answer : answers)
    text += fmt::format(" {}", answer.at("symbol").get<std::int64_t>());
  return text;
}

/// Collects the frames of all outputs one after the other.
class Collected {
 public:
  explicit Collected(std::vector<std::string> files) : files_(std::move(files)) {}
  void add(const std::vector<Array>& outputs) {
    all_.resize(files_.size());
    for (std::size_t i = 0; i < files_.size(); ++i) {
      if (count_ == 0) all_[i] = {outputs[i].dtype, outputs[i].shape, {}};
      all_[i].bytes.insert(all_[i].bytes.end(), outputs[i].bytes.begin(), outputs[i].bytes.end());
    }
    ++count_;
  }
  void write() {
    for (std::size_t i = 0; i < all_.size(); ++i) {
      all_[i].shape.insert(all_[i].shape.begin(), count_);
      write_npy(files_[i], all_[i]);
    }
  }

 private:
  std::vector<std::string> files_;
  std::vector<Array> all_;
  std::int64_t count_ = 0;
};

}  // namespace

Frames::Frames(const StreamOptions& options, const Network& network, const States& states,
               const std::string& model)
    : shapes_(input_shapes(network)) {
  std::vector<int> inputs;
  for (int i = 0; i < static_cast<int>(shapes_.size()); ++i)
    if (!states.holds(i)) inputs.push_back(i);
  const std::vector<std::string>& names = options.frames;
  count_ = options.count;
  if (options.count > 0 && !inputs.empty())
    throw_error("--frames: nothing provides input {} of {}: use --carry, --feed or --begin",
                inputs[0], model);
  if (names.size() != inputs.size())
    throw_error("--stream: {} files, allowed {}: one for each input of {} that is not a state",
                names.size(), inputs.size(), model);
  if (names.size() == 1 && names[0] == "-") {
    live_ = inputs[0];
    if (options.pcm) expect_samples(options, network, model);
    return;
  }
  if (options.pcm) throw_error("--pcm: needs --stream -");
  for (std::size_t i = 0; i < names.size(); ++i) {
    Array file = read_npy(names[i]);
    const Array& one = shapes_.at(static_cast<std::size_t>(inputs[i]));
    if (file.shape.empty())
      throw_error("{}: is one number, allowed frames along the leading axis", names[i]);
    std::vector<std::int64_t> rest(file.shape.begin() + 1, file.shape.end());
    if (rest != one.shape && !one.shape.empty() && one.shape[0] == 1)
      rest.insert(rest.begin(), 1);  // adds a batch dimension of 1
    if (file.dtype != one.dtype || rest != one.shape)
      throw_error("{}: is {}, allowed frames of {}, input {} of {}", names[i], type_and_shape(file),
                  type_and_shape(one), inputs[i], model);
    if (i > 0 && file.shape[0] != count_)
      throw_error("{}: {} frames, but {} has {}", names[i], file.shape[0], names[0], count_);
    count_ = file.shape[0];
    files_.push_back({inputs[i], std::move(file)});
  }
}

void Frames::expect_samples(const StreamOptions& options, const Network& network,
                            const std::string& model) {
  const auto at = static_cast<std::size_t>(live_);
  const Array& shape = shapes_.at(at);
  if (shape.dtype != "f4" && shape.dtype != "i1" && shape.dtype != "u1" && shape.dtype != "i2")
    throw_error("--pcm: input {} is {}, allowed float32, int8, uint8, int16", live_,
                type_and_shape(shape));
  pcm_ = true;
  hop_ = static_cast<std::size_t>(options.hop > 0 ? options.hop : shape.elements());
  if (!options.features.empty()) expect_features(options, model);
  if (shape.dtype == "f4") return;
  codes_ = codes_of(network, at);
  if (codes_.scale <= 0) throw_error("--pcm: input {} has no scale", live_);
}

void Frames::expect_features(const StreamOptions& options, const std::string& model) {
  constexpr int kRate = 16000, kFramesASecond = 40, kHopsASecond = 100;
  const int rate = options.rate > 0 ? options.rate : kRate;
  const int frame = options.window > 0 ? options.window : std::max(2, rate / kFramesASecond);
  const int hop = options.hop > 0 ? options.hop : std::clamp(rate / kHopsASecond, 1, frame);
  if (hop > frame) throw_error("--hop {}: allowed up to --window, which is {}", hop, frame);
  hop_ = static_cast<std::size_t>(hop);
  front_end_.emplace(parse_features(options.features), rate, frame);
  const Array& shape = shapes_.at(static_cast<std::size_t>(live_));
  std::int64_t innermost = 1;
  for (const std::int64_t extent : shape.shape) innermost = extent > 1 ? extent : innermost;
  const auto mels = static_cast<std::int64_t>(front_end_->mels());
  if (innermost != mels && mels > 1)
    throw_error("--features {}: input {} of {} is {}, allowed [.., frames, {}]", options.features,
                live_, model, type_and_shape(shape), mels);
}

namespace {

/// Converts real numbers to elements of the input.
template <typename Element>
std::vector<std::uint8_t> elements_of(const std::vector<float>& values, InputCodes codes) {
  std::vector<std::uint8_t> bytes(values.size() * sizeof(Element));
  for (std::size_t i = 0; i < values.size(); ++i) {
    double value = values[i];
    if constexpr (std::is_integral_v<Element>)
      value = std::clamp<double>(std::round(value / codes.scale) + codes.zero_point,
                                 std::numeric_limits<Element>::lowest(),
                                 std::numeric_limits<Element>::max());
    const auto element = static_cast<Element>(value);
    std::memcpy(&bytes[i * sizeof element], &element, sizeof element);
  }
  return bytes;
}

std::vector<std::uint8_t> elements_of(const std::string& dtype, const std::vector<float>& values,
                                      InputCodes codes) {
  return dtype == "f4"   ? elements_of<float>(values, codes)
         : dtype == "i2" ? elements_of<std::int16_t>(values, codes)
         : dtype == "i1" ? elements_of<std::int8_t>(values, codes)
                         : elements_of<std::uint8_t>(values, codes);
}

}  // namespace

/// Reads the next hop into the window, the first time the whole window. @return false after the
/// last complete hop: a microphone may end anywhere, but not inside of a sample
bool Frames::read_samples(std::size_t size) {
  std::vector<std::int16_t> more(window_.empty() ? size : hop_);
  const std::size_t bytes = more.size() * sizeof more[0];
  const std::size_t got = std::fread(more.data(), 1, bytes, stdin);
  if (got % sizeof more[0] != 0) throw_error("stdin: ends in the middle of a sample");
  if (got != bytes) return false;
  window_.insert(window_.end(), more.begin(), more.end());
  window_.erase(window_.begin(), window_.end() - static_cast<std::ptrdiff_t>(size));
  return true;
}

/// Returns the next frame, empty after the last one.
Array Frames::from_samples(const Array& shape) {
  const auto size = static_cast<std::size_t>(shape.elements());
  Array frame = shape;
  if (!front_end_) {
    if (!read_samples(size)) return frame;
    std::vector<float> values;
    for (const std::int16_t sample : window_) values.push_back(static_cast<float>(sample) / 32768);
    frame.bytes = elements_of(shape.dtype, values, codes_);
    return frame;
  }
  do {
    if (!read_samples(front_end_->frame())) return frame;
    const std::vector<float> newest = (*front_end_)(window_);
    features_.insert(features_.end(), newest.begin(), newest.end());
  } while (features_.size() < size);
  features_.erase(features_.begin(), features_.end() - static_cast<std::ptrdiff_t>(size));
  frame.bytes = elements_of(shape.dtype, features_, codes_);
  return frame;
}

Array Frames::from_stdin(const Array& shape) const {
  Array frame = shape;
  frame.bytes.resize(byte_count(shape));
  const std::size_t got = std::fread(frame.bytes.data(), 1, frame.bytes.size(), stdin);
  if (got != 0 && got != frame.bytes.size())
    throw_error("stdin: frame {} has {} bytes, allowed {}", next_, got, frame.bytes.size());
  frame.bytes.resize(got);
  return frame;
}

std::optional<std::vector<Array>> Frames::next() {
  std::vector<Array> inputs(shapes_.size());
  if (live_ >= 0) {
    const auto at = static_cast<std::size_t>(live_);
    inputs.at(at) = pcm_ ? from_samples(shapes_.at(at)) : from_stdin(shapes_.at(at));
    if (inputs.at(at).bytes.empty()) return std::nullopt;
  } else if (next_ == count_) {
    return std::nullopt;
  }
  for (const File& file : files_) {
    Array& one = inputs.at(static_cast<std::size_t>(file.input));
    one = shapes_.at(static_cast<std::size_t>(file.input));
    const auto begin =
        file.frames.bytes.begin() + static_cast<std::ptrdiff_t>(byte_count(one)) * next_;
    one.bytes.assign(begin, begin + static_cast<std::ptrdiff_t>(byte_count(one)));
  }
  ++next_;
  return inputs;
}

std::string run_stream(const StreamOptions& options, const Network& network,
                       const reference::RoundingPolicy& policy, const BackendOptions& backend,
                       const std::vector<std::string>& outputs, const std::string& model,
                       const Output& output, Execution& execution, Json& answers) {
  const States begun(options, network);
  States machine = begun, golden = begun;
  Frames frames(options, network, begun, model);
  Runner runner;
  Collected collected(outputs);
  std::string difference;
  const Stopwatch watch;
  int frame = 0;
  const auto is_last = [&] { return options.until >= 0 && machine.symbol() == options.until; };
  for (auto given = frames.next(); given; given = is_last() ? std::nullopt : frames.next()) {
    std::vector<Array>& inputs = *given;
    machine.put(inputs);
    if (!runner) runner = make_runner(network.program, backend, inputs, output.quiet);
    sim::RunResult result;
    try {
      result = runner(inputs);
    } catch (const Error& error) {
      throw_error("frame {}: {}; the states are those after the previous frame", frame,
                  error.what());
    }
    std::string differs;
    if (network.graph) {
      golden.put(inputs);
      const auto right = reference::outputs_of(
          *network.graph, reference::run_graph(*network.graph, inputs, policy));
      differs = compiler::first_difference(network.program, result.outputs, right);
      if (!options.reset) golden.take(right);
    }
    if (!options.reset) machine.take(result.outputs);
    if (difference.empty() && !differs.empty())
      difference = fmt::format("frame {}: {}", frame, differs);
    collected.add(result.outputs);
    const auto [at, value] = largest(result.outputs.at(0));
    output.print(fmt::format("frame {}: {} cycles; element {} of {} is largest: {}{}\n", frame,
                             grouped(static_cast<std::int64_t>(result.cycles)), at,
                             result.outputs[0].elements(), value,
                             differs.empty() ? "" : "; WRONG"));
    flush_stdout();
    answers.push_back({{"frame", frame},
                       {"cycles", result.cycles},
                       {"largest", at},
                       {"value", value},
                       {"exact", network.graph ? Json(differs.empty()) : Json(nullptr)}});
    if (machine.symbol() >= 0) answers.back()["symbol"] = machine.symbol();
    execution.add(std::move(result), differs.empty());
    ++frame;
  }
  if (machine.symbol() >= 0) output.print(symbols_of(answers) + "\n");
  if (frame == 0) throw_error("--stream {}: contains no frame", options.frames[0]);
  execution.seconds = watch.seconds();
  collected.write();
  return difference;
}

}  // namespace trine::cli
