// SPDX-License-Identifier: Apache-2.0
//
// Feeds files to a reader, unchanged and damaged: the part of hostile_test.py that the short suite
// runs without clang.
//
// usage: hostile_replay READER DAMAGED FOLDER      DAMAGED: versions of each file, some bytes
// changed or the end cut off
//
// Prints the number of inputs. Exit code 1, with the name of the input, if one is neither read nor
// refused within 10 s and 2 GB.

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <exception>
#include <filesystem>
#include <random>

#include "sw/base/file.h"
#include "tests/hostile/readers.h"

namespace {

using trine::hostile::Bytes;

constexpr unsigned kSeconds = 10;
constexpr rlim_t kMemory = rlim_t{2} << 30;

char current[512];  // the input, for the handler that ends this process

extern "C" void name_and_end(int signal) {
  const char* what = signal == SIGALRM ? ": takes too long\n" : ": crashes\n";
  if (write(2, current, std::strlen(current)) < 0 || write(2, what, std::strlen(what)) < 0)
    _exit(2);
  _exit(1);
}

void limit() {
  const rlimit memory{kMemory, kMemory};
  setrlimit(RLIMIT_AS, &memory);
  for (const int signal : {SIGALRM, SIGSEGV, SIGABRT, SIGFPE, SIGILL, SIGBUS})
    std::signal(signal, name_and_end);
}

/// Changes up to eight bytes, and sometimes truncates.
void damage(Bytes* bytes, std::mt19937& random) {
  if (bytes->empty()) return;
  if (random() % 4 == 0) bytes->resize(random() % bytes->size());
  for (auto changes = 1 + random() % 8; changes > 0 && !bytes->empty(); --changes)
    (*bytes)[random() % bytes->size()] = static_cast<std::uint8_t>(random());
}

Bytes damaged(const trine::hostile::Reader& reader, Bytes bytes, std::mt19937& random) {
  reader.mutate(
      &bytes, [&](Bytes* part) { damage(part, random); }, static_cast<unsigned>(random()));
  return bytes;
}

/// Returns the number of inputs. @throws the reader's exception
std::size_t replay(const trine::hostile::Reader& reader, int versions,
                   const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files(std::filesystem::directory_iterator{folder}, {});
  std::sort(files.begin(), files.end());
  std::size_t inputs = 0;
  for (const auto& file : files) {
    const Bytes bytes = trine::read_file(file);
    std::mt19937 random(static_cast<unsigned>(inputs));
    for (int version = 0; version <= versions; ++version, ++inputs) {
      *fmt::format_to_n(current, sizeof current - 1, "{} ({})", file.string(), version).out = 0;
      alarm(kSeconds);
      trine::hostile::read_or_refuse(reader, version == 0 ? bytes : damaged(reader, bytes, random));
    }
  }
  return inputs;
}

}  // namespace

int main(int argc, char** argv) try {
  const auto* reader = argc == 4 ? trine::hostile::find_reader(argv[1]) : nullptr;
  if (reader == nullptr) {
    fmt::print(stderr, "usage: hostile_replay READER DAMAGED FOLDER\n");
    return 2;
  }
  limit();
  fmt::print("{}\n", replay(*reader, std::stoi(argv[2]), argv[3]));
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "{}: {}\n", current, error.what());
  return 1;
}
