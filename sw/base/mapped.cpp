// SPDX-License-Identifier: Apache-2.0

#include "sw/base/mapped.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "sw/base/error.h"

namespace trine {

MappedMemory::MappedMemory(const std::filesystem::path& folder, std::size_t bytes) {
  const auto fail = [&](const std::string& what) {
    throw_error("{}: cannot map {} bytes of memory as a file: {} (set TMPDIR to another folder)",
                folder.string(), bytes, what);
  };
  std::error_code error;
  const auto space = std::filesystem::space(folder, error);
  if (!error && space.available < bytes) fail(fmt::format("{} are free", space.available));
  std::string name = (folder / "trine-memory-XXXXXX").string();
  const int file = ::mkstemp(name.data());
  if (file < 0) fail(std::strerror(errno));
  ::unlink(name.c_str());
  void* at = MAP_FAILED;
  if (::ftruncate(file, static_cast<off_t>(bytes)) == 0)
    at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  const int problem = errno;
  ::close(file);
  if (at == MAP_FAILED) fail(std::strerror(problem));
  bytes_ = {static_cast<std::uint8_t*>(at), bytes};
}

MappedMemory::~MappedMemory() { ::munmap(bytes_.data(), bytes_.size()); }

void MappedMemory::let_go() const { ::madvise(bytes_.data(), bytes_.size(), MADV_DONTNEED); }

MappedFile::MappedFile(const std::filesystem::path& path) {
  const auto fail = [&](const char* what) { throw_error("{}: {}", path.string(), what); };
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) fail(std::strerror(errno));
  struct stat about {};
  if (::fstat(file, &about) != 0 || !S_ISREG(about.st_mode)) {
    ::close(file);
    fail("is not a regular file, so it cannot be mapped");
  }
  const auto size = static_cast<std::size_t>(about.st_size);
  void* at = size > 0 ? ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0) : nullptr;
  const int problem = errno;
  ::close(file);
  if (at == MAP_FAILED) fail(std::strerror(problem));
  bytes_ = {static_cast<const std::uint8_t*>(at), size};
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::uint8_t*>(bytes_.data()), bytes_.size());
}

void MappedFile::let_go() const {
  if (bytes_.empty()) return;
  ::madvise(const_cast<std::uint8_t*>(bytes_.data()), bytes_.size(), MADV_DONTNEED);
}

std::int64_t peak_bytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return std::int64_t{1024} * usage.ru_maxrss;
}

}  // namespace trine
