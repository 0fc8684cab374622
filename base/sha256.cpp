// SPDX-License-Identifier: Apache-2.0

#include "base/sha256.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

#include "base/error.h"

namespace trine {

std::string sha256(const std::vector<std::uint8_t>& bytes) {
  std::array<unsigned char, 32> digest{};
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1)
    throw_error("SHA-256 is not to be had from OpenSSL");
  return fmt::format("{:02x}", fmt::join(digest, ""));
}

}  // namespace trine
