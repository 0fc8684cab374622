// SPDX-License-Identifier: Apache-2.0
//
// A stream: frame after frame through a model, whose states go from run to run, or symbol after
// symbol out of one.

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

inline std::size_t byte_count(const Array& array) {
  return static_cast<std::size_t>(array.elements()) * array.element_bytes();
}

/// Options of a command that runs streams.
struct StreamOptions {
  std::vector<std::string> frames;   ///< a file for each input that is no state; none: no stream
  std::vector<std::string> carries;  ///< "INPUT=OUTPUT"
  std::vector<std::string> feeds;    ///< "INPUT=OUTPUT": the output's largest element
  std::vector<std::string> begins;   ///< "INPUT=F.npy"
  int count = 0;                     ///< runs, where no input has frames
  int until = -1;                    ///< the symbol that ends it
  bool reset = false;                ///< states begin anew with each frame
  bool pcm = false;                  ///< stdin has samples of 16 bits
  int hop = 0;                       ///< of these, from frame to frame; 0: a frame's
  std::string features;              ///< what is made of these; "": nothing
  int rate = 0, window = 0;          ///< Hz; samples of a spectrum; 0: 16000; 25 ms

  void declare(Command command);
  bool given() const { return !frames.empty() || count > 0; }
  /// @param cases  whether recorded ones may be the stream
  /// @throws Error  an option that needs another one
  void check(bool cases = false) const;
  /// The files that they name, for Output::check.
  std::vector<NamedFile> read() const;
};

/// What an input's codes stand for; floats are themselves.
struct InputCodes {
  double scale = 0;
  int zero_point = 0;
};

InputCodes codes_of(const Network& network, std::size_t input);

/// Place and value of the largest element, the first of equal ones.
std::pair<std::int64_t, double> largest(const Array& array);

/// Inputs that no frames are for: what goes from run to run, and what stays.
class States {
 public:
  /// As they begin. @throws Error  tensors or files that do not fit, two for an input
  States(const StreamOptions& options, const Network& network);
  bool holds(int input) const;
  std::vector<model::Carry> carries() const;
  /// Into the inputs of the next run.
  void put(std::vector<Array>& inputs) const;
  /// Out of what the run gave.
  void take(const std::vector<Array>& outputs);
  /// What the first --feed took of the last run; -1: nothing.
  std::int64_t symbol() const { return symbol_; }

 private:
  struct State {
    model::Carry carry;   ///< output -1: it stays
    bool is_fed = false;  ///< the output's largest element says what it is
    InputCodes codes;
    Array value;
    bool has_begun = false;  ///< with a file's values
  };
  void add(const Network& network, model::Carry carry, bool is_fed);
  void begin(const std::string& text, const Network& network);

  std::vector<State> states_;
  std::int64_t symbol_ = -1;
};

/// Inputs that are no states, one frame after the other.
class Frames {
 public:
  /// @throws Error  files that are not the inputs' frames
  Frames(const StreamOptions& options, const Network& network, const States& states,
         const std::string& model);
  /// Inputs of the next run, without its states; nothing behind the last frame.
  /// @throws Error  half a frame, or half a sample, on stdin
  std::optional<std::vector<Array>> next();

 private:
  struct File {
    int input;
    Array frames;
  };
  Array from_stdin(const Array& shape) const;
  /// @throws Error  the live input is of no type that samples have, or of no shape of features
  void expect_samples(const StreamOptions& options, const Network& network,
                      const std::string& model);
  void expect_features(const StreamOptions& options, const std::string& model);
  bool read_samples(std::size_t size);
  Array from_samples(const Array& shape);

  std::vector<Array> shapes_;  ///< of all inputs
  std::vector<File> files_;    ///< none: stdin is `live_`
  int live_ = -1;
  bool pcm_ = false;
  std::size_t hop_ = 0;
  InputCodes codes_;                  ///< the live input's
  std::vector<std::int16_t> window_;  ///< samples of the frame before
  std::optional<FrontEnd> front_end_;
  std::vector<float> features_;  ///< of the frames before, the newest last
  std::int64_t count_ = 0, next_ = 0;
};

/// Runs all frames on the machine and through the golden layers, each with its own states; prints a
/// line each as soon as it is there.
/// @param answers  for --json: of each frame its cycles, the largest value of the first output, and
///                 the symbol that it feeds to the next
/// @param outputs  files for the outputs of all frames, [frames, ...]
/// @return the first difference, "": none
std::string run_stream(const StreamOptions& options, const Network& network,
                       const reference::RoundingPolicy& policy, const BackendOptions& backend,
                       const std::vector<std::string>& outputs, const std::string& model,
                       const Output& output, Execution& execution, Json& answers);

}  // namespace trine::cli
