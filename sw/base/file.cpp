// SPDX-License-Identifier: Apache-2.0

#include "sw/base/file.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <system_error>

#include "sw/base/error.h"
#include "sw/base/interrupt.h"

namespace trine {
namespace fs = std::filesystem;
namespace {

constexpr int kMostLinks = 40;  // the kernel's limit

[[noreturn]] void cannot_write(const fs::path& path, int reason) {
  throw_error("{}: cannot write: {}", path.string(), std::strerror(reason));
}

/// Calls stat(). @return true if the file exists
bool status_of(const fs::path& path, struct stat& status) {
  return ::stat(path.c_str(), &status) == 0;
}

bool same_inode(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/// Returns stdout or stderr if it goes to this file, else -1. If the file were opened again,
/// writing would start at offset 0, and a replacement would not be the file that the shell reads.
int standard_stream(const struct stat& file) {
  for (const int stream : {STDOUT_FILENO, STDERR_FILENO}) {
    struct stat status {};
    if (::fstat(stream, &status) == 0 && same_inode(status, file)) return stream;
  }
  return -1;
}

/// Turns a write to a FIFO without readers into an error instead of a fatal signal.
class NoSigpipe {
 public:
  NoSigpipe() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  NoSigpipe(const NoSigpipe&) = delete;
  NoSigpipe& operator=(const NoSigpipe&) = delete;
  ~NoSigpipe() {
    const timespec at_once{};
    if (sigismember(&before_, SIGPIPE) == 0) sigtimedwait(&pipe_, nullptr, &at_once);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t pipe_{}, before_{};
};

/// @return 0 or an errno
int write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) return errno;
    if (written > 0) bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

/// Writes and closes. @return 0 or an errno
int write_and_close(int descriptor, std::string_view bytes) {
  const int failed = write_all(descriptor, bytes);
  return ::close(descriptor) != 0 && failed == 0 ? errno : failed;
}

/// Overwrites the existing file without a temporary file.
void write_through(const fs::path& path, std::string_view bytes) {
  const NoSigpipe guard;
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOCTTY);
  const int failed = descriptor < 0 ? errno : write_and_close(descriptor, bytes);
  if (failed != 0) cannot_write(path, failed);
}

void write_stream(const fs::path& path, int stream, std::string_view bytes) {
  const NoSigpipe guard;
  std::fflush(stream == STDOUT_FILENO ? stdout : stderr);
  const int failed = write_all(stream, bytes);
  if (failed != 0) cannot_write(path, failed);
}

/// A temporary file in the folder of `target`.
class Temporary {
 public:
  /// @param mode  of the file, before the umask
  Temporary(const fs::path& target, mode_t mode) {
    static std::atomic<unsigned> count{0};
    do {
      path_ = target;
      path_ += fmt::format(".{}.{}.tmp", ::getpid(), count++);
      descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    } while (descriptor_ < 0 && errno == EEXIST);
    failed_ = descriptor_ < 0 ? errno : 0;
    if (failed_ == 0) unfinished_.emplace(path_);
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  ~Temporary() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (failed_ == 0) ::unlink(path_.c_str());
  }

  int failed() const { return failed_; }  ///< errno if the file could not be made, else 0
  /// @return 0 or an errno
  int fill(std::string_view bytes, const mode_t* mode) {
    if (mode != nullptr && ::fchmod(descriptor_, *mode & 07777) != 0) return errno;
    const int descriptor = descriptor_;
    descriptor_ = -1;
    return write_and_close(descriptor, bytes);
  }
  /// @return 0 or an errno
  int become(const fs::path& target) {
    if (::rename(path_.c_str(), target.c_str()) != 0) return errno;
    failed_ = ENOENT;  // nothing is left to remove
    unfinished_.reset();
    return 0;
  }

 private:
  fs::path path_;
  std::optional<Unfinished> unfinished_;
  int descriptor_ = -1, failed_ = 0;
};

/// Describes a path that is to be written.
struct Destination {
  fs::path target;          ///< after all links
  struct stat status {};    ///< of the existing file
  bool there = false;       ///< true if the file exists
  bool replaceable = true;  ///< true for a regular file or none: a rename may replace it
  int stream = -1;          ///< stdout or stderr if the path is that stream, else -1
};

Destination destination_of(const fs::path& path) {
  Destination d;
  d.there = status_of(path, d.status);
  if (d.there && S_ISDIR(d.status.st_mode))
    throw_error("{}: is a folder, expected a file", path.string());
  if (d.there) d.stream = standard_stream(d.status);
  d.target = path;
  if (d.there && !S_ISREG(d.status.st_mode)) {
    d.replaceable = false;
    return d;
  }
  d.target = followed(path);
  struct stat behind {};
  // The file that /proc/self/fd/3 refers to may have lost its name.
  if (d.there) d.replaceable = status_of(d.target, behind) && same_inode(behind, d.status);
  return d;
}

/// Returns true if writing in place may work after this error of the temporary file: a mount of a
/// single file cannot be replaced by a rename, and a folder may refuse new files.
bool write_in_place_after(int reason) {
  return reason == EACCES || reason == EPERM || reason == EROFS || reason == EBUSY ||
         reason == EXDEV;
}

}  // namespace

namespace {

template <typename Bytes>
Bytes read_whole(const fs::path& path) {
  std::error_code code;
  if (fs::is_directory(path, code)) throw_error("{}: is a folder, expected a file", path.string());
  std::ifstream in(path, std::ios::binary);
  if (!in) throw_error("{}: cannot open: {}", path.string(), std::strerror(errno));
  Bytes bytes;
  const std::uintmax_t size = fs::file_size(path, code);
  if (!code) bytes.reserve(size);  // the size of a pipe is unknown
  std::array<char, 1 << 16> piece;
  while (in.read(piece.data(), std::ssize(piece)), in.gcount() > 0)
    bytes.insert(bytes.end(), piece.begin(), piece.begin() + in.gcount());
  if (in.bad()) throw_error("{}: cannot read: {}", path.string(), std::strerror(errno));
  return bytes;
}

}  // namespace

std::string read_text(const fs::path& path) { return read_whole<std::string>(path); }

std::vector<std::uint8_t> read_file(const fs::path& path) {
  return read_whole<std::vector<std::uint8_t>>(path);
}

fs::path followed(const fs::path& path) {
  fs::path at = path;
  std::error_code code;
  for (int links = 0; fs::is_symlink(fs::symlink_status(at, code)); ++links) {
    if (links == kMostLinks) cannot_write(path, ELOOP);
    const fs::path to = fs::read_symlink(at, code);
    if (code) cannot_write(path, code.value());
    at = to.is_absolute() ? to : at.parent_path() / to;
  }
  return at;
}

bool same_file(const fs::path& a, const fs::path& b) {
  struct stat first {
  }, second{};
  const bool there = status_of(a, first);
  if (there != status_of(b, second)) return false;
  if (there) return S_ISREG(first.st_mode) && same_inode(first, second);
  std::error_code code;
  const auto place = [&](const fs::path& path) {
    return fs::weakly_canonical(fs::absolute(followed(path)), code);
  };
  return place(a) == place(b);
}

void write_file(const fs::path& path, std::string_view bytes) {
  const Destination d = destination_of(path);
  if (d.stream >= 0) return write_stream(path, d.stream, bytes);
  if (!d.replaceable) return write_through(path, bytes);
  Temporary temporary(d.target, 0666);
  int failed = temporary.failed();
  if (failed == 0) {
    failed = temporary.fill(bytes, d.there ? &d.status.st_mode : nullptr);
    if (failed != 0) cannot_write(path, failed);
    failed = temporary.become(d.target);
  }
  if (failed == 0) return;
  if (!d.there || !write_in_place_after(failed)) cannot_write(path, failed);
  write_through(path, bytes);
}

void check_writable(const fs::path& path) {
  const Destination d = destination_of(path);
  if (d.stream >= 0) return;
  if (d.there && ::access(path.c_str(), W_OK) != 0) cannot_write(path, errno);
  if (!d.replaceable) return;
  const Temporary temporary(d.target, 0666);
  const int failed = temporary.failed();
  if (failed != 0 && !(d.there && write_in_place_after(failed))) cannot_write(path, failed);
}

void check_writable_folder(const fs::path& path) {
  std::error_code code;
  fs::path there = fs::absolute(followed(path));
  if (fs::exists(there, code) && !fs::is_directory(there, code))
    throw_error("{}: is a file, expected a folder", path.string());
  while (!fs::exists(there, code) && there.has_relative_path()) there = there.parent_path();
  std::string probe = (there / ".trine-XXXXXX").string();
  if (::mkdtemp(probe.data()) == nullptr) cannot_write(path, errno);
  ::rmdir(probe.c_str());
}

}  // namespace trine
