// SPDX-License-Identifier: Apache-2.0
//
// The front end of a microphone: log-mel energies of a frame of samples, in float32. docs/speech.md
// has the formula, models/train_wakeword.py the same in NumPy.

#pragma once

#include <complex>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace trine::cli {

/// "mel:N" or "mel:N:OFFSET:SCALE".
struct Features {
  int mels = 0;
  float offset = 0, scale = 1;
};

/// @throws Error
Features parse_features(const std::string& text);

class FrontEnd {
 public:
  /// @param rate  of the samples, in Hz  @param frame  samples of a spectrum
  /// @throws Error  more filters than the spectrum tells apart
  FrontEnd(const Features& features, int rate, int frame);
  std::size_t frame() const { return window_.size(); }
  std::size_t mels() const { return filters_.size(); }
  /// (ln(energy + 1e-6) + offset) * scale of each filter. @pre samples.size() == frame()
  std::vector<float> operator()(std::span<const std::int16_t> samples) const;

 private:
  /// A triangle: weights of the spectrum from a bin on.
  struct Filter {
    std::size_t first = 0;
    std::vector<float> weights;
  };
  /// |FFT|^2 of the windowed samples, from bin 0 to the half of the rate.
  std::vector<float> power(std::span<const std::int16_t> samples) const;

  Features features_;
  std::vector<float> window_;
  std::vector<std::complex<float>> roots_;  ///< e^(-2 pi i k / N), k below N / 2
  std::vector<Filter> filters_;
};

}  // namespace trine::cli
