// SPDX-License-Identifier: Apache-2.0

#include "sw/base/file.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

#include "sw/base/error.h"

namespace trine {

std::string read_text(const std::filesystem::path& path) {
  std::error_code code;
  if (std::filesystem::is_directory(path, code))
    throw_error("{}: is a folder, expected a file", path.string());
  std::ifstream in(path, std::ios::binary);
  if (!in) throw_error("{}: cannot open: {}", path.string(), std::strerror(errno));
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (in.bad()) throw_error("{}: cannot read: {}", path.string(), std::strerror(errno));
  return text;
}

std::vector<std::uint8_t> read_file(const std::filesystem::path& path) {
  const std::string text = read_text(path);
  return {text.begin(), text.end()};
}

void write_file(const std::filesystem::path& path, std::string_view bytes) {
  std::filesystem::path temporary = path;
  temporary += fmt::format(".{}.tmp", ::getpid());
  std::error_code ignored;
  {
    std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    out.flush();
    if (!out) {
      const int reason = errno;
      std::filesystem::remove(temporary, ignored);
      throw_error("{}: cannot write: {}", path.string(), std::strerror(reason));
    }
  }
  std::error_code code;
  std::filesystem::rename(temporary, path, code);
  if (code) {
    std::filesystem::remove(temporary, ignored);
    throw_error("{}: cannot write: {}", path.string(), code.message());
  }
}

}  // namespace trine
