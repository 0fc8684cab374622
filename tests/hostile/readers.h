// SPDX-License-Identifier: Apache-2.0
//
// The readers of files, by name: any bytes must be read or refused by trine::Error. The tests then
// use the accepted files, within limits: models are compiled and run, and programs are run.

#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace trine::hostile {

using Bytes = std::vector<std::uint8_t>;
/// Changes some bytes, or their number.
using Change = std::function<void(Bytes*)>;

struct Reader {
  std::string_view name;
  void (*read)(const Bytes&);
  /// Applies the change to a random part of the file, or to the whole file. Usually corrects sizes
  /// and checksum afterwards.
  void (*mutate)(Bytes*, const Change&, unsigned seed);
};

/// @return null if there is no such reader
const Reader* find_reader(std::string_view name);

/// @throws any exception except for trine::Error, the only valid answer to bad input
void read_or_refuse(const Reader& reader, const Bytes& bytes);

}  // namespace trine::hostile
