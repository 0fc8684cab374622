// SPDX-License-Identifier: Apache-2.0
//
// The front end of a microphone: log-mel energies of a frame of samples, in float32. docs/speech.md
// defines the formula; components/zoo/train_wakeword.py implements it in NumPy.

#pragma once

#include <complex>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace trine::cli {

/// The features to compute: "mel:N" or "mel:N:OFFSET:SCALE".
struct Features {
  int mels = 0;
  float offset = 0, scale = 1;
};

/// Parses features. @throws Error
Features parse_features(const std::string& text);

/// Computes features of samples.
class FrontEnd {
 public:
  /// Prepares the filters.
  /// @param rate  samples per second
  /// @param frame  samples of a spectrum
  /// @throws Error  there are more filters than the spectrum can distinguish
  FrontEnd(const Features& features, int rate, int frame);
  /// Returns the samples of a frame.
  std::size_t frame() const { return window_.size(); }
  /// Returns the number of filters.
  std::size_t mels() const { return filters_.size(); }
  /// Returns (ln(energy + 1e-6) + offset) * scale of each filter. @pre samples.size() == frame()
  std::vector<float> operator()(std::span<const std::int16_t> samples) const;

 private:
  /// A triangular filter: weights of the spectrum's bins from `first` on.
  struct Filter {
    std::size_t first = 0;
    std::vector<float> weights;
  };
  /// Returns |FFT|^2 of the windowed samples, from bin 0 to half of the rate.
  std::vector<float> power(std::span<const std::int16_t> samples) const;

  Features features_;
  std::vector<float> window_;
  std::vector<std::complex<float>> roots_;  ///< e^(-2 pi i k / N), k below N / 2
  std::vector<Filter> filters_;
};

}  // namespace trine::cli
