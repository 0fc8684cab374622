// SPDX-License-Identifier: Apache-2.0
//
// Options of a stream, and the states that pass from run to run.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "sw/base/error.h"
#include "sw/base/index.h"
#include "sw/program/host.h"
#include "tools/cli/run/stream.h"

namespace trine::cli {
namespace {

bool is_whole(const Array& a) { return a.dtype == "i4" || a.dtype == "i8"; }

/// Returns the initial value of a state: the code of 0.
Array zeros(const Array& shape, int zero_point) {
  Array array = shape;
  const bool bytes = array.element_bytes() == 1;
  array.bytes.assign(byte_count(array), bytes ? static_cast<std::uint8_t>(zero_point & 0xff) : 0);
  return array;
}

template <typename Element>
void put(Array& array, std::int64_t place, Element element) {
  std::memcpy(&array.bytes[static_cast<std::size_t>(place) * sizeof element], &element,
              sizeof element);
}

/// Returns the code of 1. @param lowest, highest  limits of the input's type
std::int64_t code_of_one(InputCodes codes, std::int64_t lowest, std::int64_t highest) {
  return std::clamp<std::int64_t>(std::llround(1 / codes.scale) + codes.zero_point, lowest,
                                  highest);
}

/// Returns 1 at `symbol` and 0 elsewhere; for an input of a whole number, the symbol itself.
Array fed(const Array& shape, InputCodes codes, std::int64_t symbol) {
  Array array = zeros(shape, codes.zero_point);
  if (shape.dtype == "i8")
    put(array, 0, symbol);
  else if (shape.dtype == "i4")
    put(array, 0, static_cast<std::int32_t>(symbol));
  else if (shape.dtype == "f4")
    put(array, symbol, 1.0f);
  else if (shape.dtype == "i2")
    put(array, symbol, static_cast<std::int16_t>(code_of_one(codes, -32768, 32767)));
  else if (shape.dtype == "i1")
    put(array, symbol, static_cast<std::int8_t>(code_of_one(codes, -128, 127)));
  else
    put(array, symbol, static_cast<std::uint8_t>(code_of_one(codes, 0, 255)));
  return array;
}

int number_of(const std::string& text, std::size_t count, const std::string& option,
              const char* allowed) {
  int number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0 || at(number) >= count)
    throw_error("{}: '{}', allowed {} with numbers from 0, below {}", option, text, allowed, count);
  return number;
}

/// Finds the '=' in an option. @param option  with its value, for messages
std::size_t sign_of(const std::string& text, const std::string& option, const char* allowed) {
  const std::size_t sign = text.find('=');
  if (sign == std::string::npos) throw_error("{}: allowed {}, counted from 0", option, allowed);
  return sign;
}

model::Carry parse_carry(const char* name, const std::string& text, std::size_t inputs,
                         std::size_t outputs) {
  constexpr const char* kAllowed = "INPUT=OUTPUT";
  const std::string option = fmt::format("{} {}", name, text);
  const std::size_t sign = sign_of(text, option, kAllowed);
  return {number_of(text.substr(0, sign), inputs, option, kAllowed),
          number_of(text.substr(sign + 1), outputs, option, kAllowed)};
}

/// @throws Error  the input is neither one whole number nor an array of codes or floats as large as
/// the output
void require_feed(model::Carry carry, const Array& to, const Array& from, InputCodes codes) {
  const std::string option = fmt::format("--feed {}={}", carry.input, carry.output);
  const std::string ends =
      fmt::format("the input is {}, the output is {}", type_and_shape(to), type_and_shape(from));
  if (from.shape.empty() || from.shape.back() != from.elements())
    throw_error("{}: {}, allowed one row of symbols", option, ends);
  if (is_whole(to)) {
    if (to.elements() != 1) throw_error("{}: {}, allowed one whole number", option, ends);
    return;
  }
  const bool is_code = to.dtype == "i1" || to.dtype == "u1" || to.dtype == "i2";
  if (to.elements() != from.elements() || !(is_code || to.dtype == "f4"))
    throw_error("{}: {}, allowed as many elements as the output, or one whole number", option,
                ends);
  if (is_code && codes.scale <= 0) throw_error("{}: the input has no scale", option);
}

}  // namespace

InputCodes codes_of(const Network& network, std::size_t input) {
  if (const model::Graph* graph = edge_graph(network, true)) {
    const model::Tensor& tensor = graph->tensor(graph->inputs.at(input));
    return {tensor.scale(), tensor.zero_point()};
  }
  const compiler::TensorLayout& layout = network.program.inputs.at(input);
  return {layout.scale, layout.zero_point};
}

std::pair<std::int64_t, double> largest(const Array& array) {
  std::int64_t place = 0;
  for (std::int64_t i = 1; i < array.elements(); ++i)
    if (array.value(static_cast<std::size_t>(i)) > array.value(static_cast<std::size_t>(place)))
      place = i;
  return {place, array.value(static_cast<std::size_t>(place))};
}

void StreamOptions::declare(Command command) {
  add_value(command, "--stream F.npy", frames,
            "run one frame after the other; states of LSTM and SVDF persist from\n"
            "run to run. F.npy is [frames, shape of the input], one file for each\n"
            "input that is not a state; - reads the bytes of one input from stdin")
      ->allow_extra_args(false);
  add_value(command, "--frames N", count,
            "instead of --stream: N runs of a model; --carry, --feed or --begin must\n"
            "provide all of its inputs")
      ->check(range(1, 1'000'000));
  add_value(command, "--carry INPUT=OUTPUT", carries,
            "with --stream or --frames: an output of a run is an input of the next,\n"
            "for models whose states are inputs and outputs; counted from 0")
      ->allow_extra_args(false);
  add_value(command, "--feed INPUT=OUTPUT", feeds,
            "as --carry, but the next input is 1 at the output's largest element and\n"
            "0 elsewhere, or the number of that element if the input is one whole\n"
            "number; zeros in the first run")
      ->allow_extra_args(false);
  add_value(command, "--begin INPUT=F.npy", begins,
            "with --stream or --frames: value of an input in the first run; in all\n"
            "runs if neither --carry nor --feed provides this input")
      ->allow_extra_args(false);
  add_value(command, "--until N", until, "with --feed: stop after the run whose output is symbol N")
      ->check(range(0, 1'000'000));
  command.add_flag("--pcm", pcm,
                   "with --stream -: stdin has samples of a microphone, signed, 16 bits,\n"
                   "little endian; elements are sample / 32768 in the input's type and scale");
  add_value(command, "--hop N", hop,
            "with --pcm: samples from one frame to the next (as many as a frame has;\n"
            "with --features 10 ms)")
      ->check(range(1, 1'000'000));
  add_value(command, "--features F", features,
            "with --pcm: mel:N or mel:N:OFFSET:SCALE: N log-mel energies of each\n"
            "window of samples, (ln(energy + 1e-6) + OFFSET) * SCALE, computed on\n"
            "the host in float32 (formula in docs/speech.md); an input of [.., K, N]\n"
            "gets the energies of the last K windows");
  add_value(command, "--rate HZ", rate, "with --features: rate of the samples (16000)")
      ->check(range(1, 1'000'000));
  add_value(command, "--window N", window, "with --features: number of samples in a window (25 ms)")
      ->check(range(2, 65'536));
  command.add_flag("--reset-states", reset, "with --stream: reset the states before each frame");
}

void StreamOptions::check(bool cases) const {
  if (hop > 0 && !pcm) throw_error("--hop: needs --pcm");
  if (!features.empty() && !pcm) throw_error("--features: needs --pcm");
  if (features.empty() && rate > 0) throw_error("--rate: needs --features");
  if (features.empty() && window > 0) throw_error("--window: needs --features");
  if (pcm && frames.empty()) throw_error("--pcm: needs --stream -");
  if (until >= 0 && feeds.empty()) throw_error("--until: needs --feed");
  if (count > 0 && !frames.empty())
    throw_error("--frames: not allowed with --stream, whose files determine the number of frames");
  if (reset && !feeds.empty()) throw_error("--reset-states: not allowed with --feed");
  if (given() || cases) return;
  const std::pair<const char*, bool> others[] = {
      {"--carry", !carries.empty()}, {"--feed", !feeds.empty()}, {"--begin", !begins.empty()}};
  for (const auto& [name, is_there] : others)
    if (is_there) throw_error("{}: needs --stream or --frames", name);
  if (reset) throw_error("--reset-states: needs --stream");
}

std::vector<NamedFile> StreamOptions::read() const {
  std::vector<NamedFile> files;
  for (const std::string& file : frames)
    if (file != "-") files.push_back({"--stream", file});
  for (const std::string& text : begins)
    if (const std::size_t sign = text.find('='); sign != std::string::npos)
      files.push_back({"--begin", text.substr(sign + 1)});
  return files;
}

States::States(const StreamOptions& options, const Network& network) {
  const std::size_t inputs = input_shapes(network).size(), outputs = output_shapes(network).size();
  for (const model::Carry& carry : network.carries) add(network, carry, false);
  for (const std::string& text : options.carries)
    add(network, parse_carry("--carry", text, inputs, outputs), false);
  for (const std::string& text : options.feeds)
    add(network, parse_carry("--feed", text, inputs, outputs), true);
  for (const std::string& text : options.begins) begin(text, network);
  if (options.until < 0) return;
  const State& first = *std::ranges::find_if(states_, &State::is_fed);
  const std::int64_t symbols = output_shapes(network).at(at(first.carry.output)).elements();
  if (options.until >= symbols)
    throw_error("--until {}: output {} has symbols below {}", options.until, first.carry.output,
                symbols);
}

void States::add(const Network& network, model::Carry carry, bool is_fed) {
  const Array to = input_shapes(network).at(at(carry.input));
  const Array from = output_shapes(network).at(at(carry.output));
  const InputCodes codes = codes_of(network, at(carry.input));
  const char* option = is_fed ? "--feed" : "--carry";
  if (holds(carry.input)) throw_error("{}: input {} is already a state", option, carry.input);
  if (is_fed)
    require_feed(carry, to, from, codes);
  else if (to.dtype != from.dtype || to.shape != from.shape)
    throw_error("--carry {}={}: the input is {}, but the output is {}", carry.input, carry.output,
                type_and_shape(to), type_and_shape(from));
  states_.push_back({carry, is_fed, codes, zeros(to, codes.zero_point)});
}

/// Parses "INPUT=F.npy".
void States::begin(const std::string& text, const Network& network) {
  constexpr const char* kAllowed = "INPUT=F.npy";
  const std::vector<Array> inputs = input_shapes(network);
  const std::string option = "--begin " + text;
  const std::size_t sign = sign_of(text, option, kAllowed);
  const int input = number_of(text.substr(0, sign), inputs.size(), option, kAllowed);
  Array value = read_npy(text.substr(sign + 1));
  const Array& shape = inputs.at(at(input));
  if (value.dtype != shape.dtype || value.shape != shape.shape)
    throw_error("{}: is {}, but the input is {}", option, type_and_shape(value),
                type_and_shape(shape));
  const auto state =
      std::ranges::find(states_, input, [](const State& s) { return s.carry.input; });
  if (state != states_.end() && state->has_begun)
    throw_error("{}: input {} already has a first value", option, input);
  if (state == states_.end())
    states_.push_back({{input, -1}, false, {}, std::move(value), true});
  else
    state->value = std::move(value), state->has_begun = true;
}

bool States::holds(int input) const {
  return std::ranges::any_of(states_, [&](const State& s) { return s.carry.input == input; });
}

std::vector<model::Carry> States::carries() const {
  std::vector<model::Carry> all;
  for (const State& s : states_) all.push_back(s.carry);
  return all;
}

void States::put(std::vector<Array>& inputs) const {
  for (const State& s : states_) inputs.at(at(s.carry.input)) = s.value;
}

void States::take(const std::vector<Array>& outputs) {
  symbol_ = -1;
  for (State& s : states_) {
    if (s.carry.output < 0) continue;
    const Array& output = outputs.at(at(s.carry.output));
    if (!s.is_fed) {
      s.value.bytes = output.bytes;
      continue;
    }
    const std::int64_t symbol = largest(output).first;
    s.value = fed(s.value, s.codes, symbol);
    if (symbol_ < 0) symbol_ = symbol;
  }
}

}  // namespace trine::cli
