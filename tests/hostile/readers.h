// SPDX-License-Identifier: Apache-2.0
//
// The readers of files, by name: any bytes are read or refused by trine::Error, nothing else.

#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace trine::hostile {

using Bytes = std::vector<std::uint8_t>;
using Reader = void (*)(const Bytes&);

/// @return null without such a reader
Reader find_reader(std::string_view name);

/// @throws anything but trine::Error, the one answer to bad input
void read_or_refuse(Reader reader, const Bytes& bytes);

}  // namespace trine::hostile
