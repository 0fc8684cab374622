// SPDX-License-Identifier: Apache-2.0
//
// The readers of files, by name: any bytes are read or refused by trine::Error, nothing else. What
// a reader accepts is put to use: models are compiled and run, programs run, within bounds.

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
  /// Changes a part of the file where chance says, so that sizes and checksum still fit.
  void (*mutate)(Bytes*, const Change&, unsigned seed);
};

/// @return null without such a reader
const Reader* find_reader(std::string_view name);

/// @throws anything but trine::Error, the one answer to bad input
void read_or_refuse(const Reader& reader, const Bytes& bytes);

}  // namespace trine::hostile
