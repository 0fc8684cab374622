// SPDX-License-Identifier: Apache-2.0
//
// Runs a stream through a model whose states pass from run to run: one frame after the other, or
// one symbol after the other, each of which the previous run generates.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sw/model/rewrite/states.h"
#include "tools/cli/run/front_end.h"
#include "tools/cli/run/network.h"
#include "tools/cli/run/report.h"

namespace trine::cli {

/// Returns the bytes of an array.
inline std::size_t byte_count(const Array& array) {
  return static_cast<std::size_t>(array.elements()) * array.element_bytes();
}

/// Options of a command that runs streams.
struct StreamOptions {
  std::vector<std::string> frames;   ///< a file for each input without a state; empty: no stream
  std::vector<std::string> carries;  ///< "INPUT=OUTPUT"
  /// "INPUT=OUTPUT": the input is the index of the output's largest element.
  std::vector<std::string> feeds;
  std::vector<std::string> begins;  ///< "INPUT=F.npy"
  int count = 0;                    ///< number of runs, if no input has frames
  int until = -1;                   ///< the symbol that ends the stream
  bool reset = false;               ///< states begin again with each frame
  bool pcm = false;                 ///< stdin contains 16-bit samples
  int hop = 0;                      ///< samples from frame to frame; 0: a whole frame
  std::string features;             ///< features to compute from samples; "": none
  int rate = 0, window = 0;         ///< Hz, default 16000; samples of a spectrum, default 25 ms

  void declare(Command command);
  /// Returns true if a stream was requested.
  bool given() const { return !frames.empty() || count > 0; }
  /// Checks the options.
  /// @param cases  recorded cases may be the stream
  /// @throws Error  an option requires another one
  void check(bool cases = false) const;
  /// Returns the files that the options name, for Output::check.
  std::vector<NamedFile> read() const;
};

/// The quantization of an input; a float input represents itself.
struct InputCodes {
  double scale = 0;
  int zero_point = 0;
};

/// Returns the quantization of an input.
InputCodes codes_of(const Network& network, std::size_t input);

/// Returns index and value of the largest element, the first one among equals.
std::pair<std::int64_t, double> largest(const Array& array);

/// The inputs without frames: states that pass from run to run, and constant inputs.
class States {
 public:
  /// Sets the initial values. @throws Error  tensors or files that do not fit, or two for an input
  States(const StreamOptions& options, const Network& network);
  /// Returns true if the input is a state.
  bool holds(int input) const;
  /// Returns the input and output of each state.
  std::vector<model::Carry> carries() const;
  /// Writes the states into the inputs of the next run.
  void put(std::vector<Array>& inputs) const;
  /// Reads the states from the outputs of a run.
  void take(const std::vector<Array>& outputs);
  /// Returns the symbol that the first --feed read from the last run; -1: none.
  std::int64_t symbol() const { return symbol_; }

 private:
  struct State {
    model::Carry carry;   ///< output -1: the input is constant
    bool is_fed = false;  ///< true if the input is the index of the output's largest element
    InputCodes codes;
    Array value;
    bool has_begun = false;  ///< true if a file gives the initial value
  };
  void add(const Network& network, model::Carry carry, bool is_fed);
  void begin(const std::string& text, const Network& network);

  std::vector<State> states_;
  std::int64_t symbol_ = -1;
};

/// The inputs without states, one frame after the other.
class Frames {
 public:
  /// Opens the frames. @throws Error  files that are not frames of the inputs
  Frames(const StreamOptions& options, const Network& network, const States& states,
         const std::string& model);
  /// Returns the inputs of the next run without its states, or nothing after the last frame.
  /// @throws Error  stdin ends with an incomplete frame or sample
  std::optional<std::vector<Array>> next();

 private:
  struct File {
    int input;
    Array frames;
  };
  Array from_stdin(const Array& shape) const;
  /// Checks the live input. @throws Error  its type does not fit samples, or its shape does not fit
  /// features
  void expect_samples(const StreamOptions& options, const Network& network,
                      const std::string& model);
  void expect_features(const StreamOptions& options, const std::string& model);
  bool read_samples(std::size_t size);
  Array from_samples(const Array& shape);

  std::vector<Array> shapes_;  ///< shapes of all inputs
  std::vector<File> files_;    ///< empty: stdin is `live_`
  int live_ = -1;
  bool pcm_ = false;
  std::size_t hop_ = 0;
  InputCodes codes_;                  ///< quantization of the live input
  std::vector<std::int16_t> window_;  ///< samples of the previous frame
  std::optional<FrontEnd> front_end_;
  std::vector<float> features_;  ///< features of the previous frames, the newest last
  std::int64_t count_ = 0, next_ = 0;
};

/// Runs all frames on the machine and through the golden layers, each with their own states, and
/// prints a line per frame as soon as it is complete.
/// @param answers  for --json: for each frame its cycles, the largest value of the first output,
/// and the symbol that it feeds to the next frame
/// @param outputs  files for the outputs of all frames, [frames, ...]
/// @return the first difference, or ""
std::string run_stream(const StreamOptions& options, const Network& network,
                       const reference::RoundingPolicy& policy, const BackendOptions& backend,
                       const std::vector<std::string>& outputs, const std::string& model,
                       const Output& output, Execution& execution, Json& answers);

}  // namespace trine::cli
