// SPDX-License-Identifier: Apache-2.0
//
// XXH64 (xxHash): identifies configurations and guards program files against damage. Not a
// signature.

#pragma once

#include <cstdint>
#include <string_view>

namespace trine {

std::uint64_t hash64(std::string_view bytes);

}  // namespace trine
