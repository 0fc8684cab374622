// SPDX-License-Identifier: Apache-2.0

#include "sw/base/hash.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <xxhash.h>

#include <array>
#include <fstream>
#include <memory>

#include "sw/base/error.h"

namespace trine {

std::uint64_t hash64(std::string_view bytes) { return XXH64(bytes.data(), bytes.size(), 0); }

std::string sha256(const std::vector<std::uint8_t>& bytes) {
  std::array<unsigned char, 32> digest{};
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1)
    throw_error("OpenSSL does not provide SHA-256");
  return fmt::format("{:02x}", fmt::join(digest, ""));
}

std::string sha256_of_file(const std::filesystem::path& file) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  std::ifstream stream(file, std::ios::binary);
  std::vector<char> piece(std::size_t{1} << 16);
  bool fine = context != nullptr && stream.is_open() &&
              EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1;
  while (fine && stream) {
    stream.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    fine = EVP_DigestUpdate(context.get(), piece.data(),
                            static_cast<std::size_t>(stream.gcount())) == 1;
  }
  std::array<unsigned char, 32> digest{};
  if (!fine || stream.bad() || EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) != 1)
    throw_error("{}: cannot be read", file.string());
  return fmt::format("{:02x}", fmt::join(digest, ""));
}

}  // namespace trine
