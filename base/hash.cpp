// SPDX-License-Identifier: Apache-2.0

#include "base/hash.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <xxhash.h>

#include <array>

#include "base/error.h"

namespace trine {

std::uint64_t hash64(std::string_view bytes) { return XXH64(bytes.data(), bytes.size(), 0); }

std::string sha256(const std::vector<std::uint8_t>& bytes) {
  std::array<unsigned char, 32> digest{};
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1)
    throw_error("SHA-256 is not to be had from OpenSSL");
  return fmt::format("{:02x}", fmt::join(digest, ""));
}

}  // namespace trine
