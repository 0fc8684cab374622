// SPDX-License-Identifier: Apache-2.0

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "sw/base/cache.h"
#include "sw/base/catch.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/hash.h"
#include "sw/base/interrupt.h"
#include "sw/base/json.h"
#include "sw/base/mapped.h"
#include "sw/base/npy.h"
#include "sw/base/output.h"
#include "sw/base/packages.h"
#include "sw/base/process.h"
#include "sw/base/progress.h"
#include "sw/base/shared_vector.h"
#include "sw/base/text.h"

using namespace trine;
using Catch::Matchers::ContainsSubstring;
namespace fs = std::filesystem;

namespace {

/// A folder of this process only: tests of two builds may run at the same time.
struct Scratch {
  std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("trine_base_test." + std::to_string(::getpid()));

  Scratch() { std::filesystem::create_directories(folder); }
  ~Scratch() { std::filesystem::remove_all(folder); }
};

}  // namespace

TEST_CASE("an output folder exists at any time while it is replaced", "[base][output]") {
  const Scratch scratch;
  const auto folder = scratch.folder / "design";
  const auto write = [&](int i) {
    write_output({{"a", std::to_string(i)}, {"b", std::to_string(i)}}, Json::object(), folder);
  };
  write(0);
  std::atomic<bool> done = false;
  int missing = 0, polls = 0;
  std::thread reader([&] {
    for (; !done; ++polls) missing += fs::exists(folder / "manifest.json") ? 0 : 1;
  });
  for (int i = 1; i < 300; ++i) write(i);
  done = true;
  reader.join();
  CHECK(read_text(folder / "b") == "299");
  CHECK(std::distance(fs::directory_iterator(scratch.folder), fs::directory_iterator()) == 1);
  CAPTURE(polls);
  CHECK(missing == 0);  // on ext4, XFS, Btrfs and tmpfs
}

TEST_CASE("the digest of a file is the digest of its bytes", "[base][hash]") {
  const Scratch scratch;
  const std::string text(200'000, 'x');
  write_file(scratch.folder / "f", text);
  CHECK(sha256_of_file(scratch.folder / "f") == sha256({text.begin(), text.end()}));
  CHECK_THROWS_WITH(sha256_of_file(scratch.folder / "none"),
                    ContainsSubstring("none: cannot be read"));
}

TEST_CASE("npy arrays survive a round trip", "[base][npy]") {
  const auto shape = GENERATE(std::vector<std::int64_t>{}, std::vector<std::int64_t>{3},
                              std::vector<std::int64_t>{1, 2, 3}, std::vector<std::int64_t>{0, 4});
  const Scratch scratch;
  const auto path = scratch.folder / "round.npy";
  Array array{"i2", shape, {}};
  array.bytes.resize(static_cast<std::size_t>(array.elements()) * 2, 0x5a);
  write_npy(path, array);
  const Array back = read_npy(path);
  CHECK(back.dtype == "i2");
  CHECK(back.shape == shape);
  CHECK(back.bytes == array.bytes);
  CHECK(read_text(path).find('\n') % 64 == 63);  // data starts at a multiple of 64
}

TEST_CASE("read_npy refuses damaged files by name", "[base][npy][error]") {
  const Scratch scratch;
  const auto path = scratch.folder / "bad.npy";
  write_npy(path, {"i1", {2, 2}, {1, 2, 3, 4}});
  const std::string good = read_text(path);
  for (std::size_t size = 0; size < good.size(); ++size) {
    write_file(path, good.substr(0, size));
    CHECK_THROWS_WITH(read_npy(path), ContainsSubstring("bad.npy: "));
  }
  std::string big = good;
  big.replace(big.find("(2, 2)"), 6, "(9, 9)");
  write_file(path, big);
  CHECK_THROWS_WITH(read_npy(path), ContainsSubstring("shape needs more"));
  std::string type = good;
  type.replace(type.find("|i1"), 3, "|S1");
  write_file(path, type);
  CHECK_THROWS_WITH(read_npy(path), ContainsSubstring("allowed i1"));
}

TEST_CASE("write_file leaves nothing behind when it fails", "[base][file][error]") {
  CHECK_THROWS_AS(write_file("/nonexistent/folder/file", "x"), Error);
  CHECK_THROWS_WITH(read_file("/nonexistent"), ContainsSubstring("/nonexistent: cannot open"));
  CHECK_THROWS_WITH(read_file("/"), ContainsSubstring("is a folder"));
}

TEST_CASE("write_file writes through links and special files", "[base][file]") {
  const Scratch scratch;
  const auto path = scratch.folder / "link", target = scratch.folder / "target";
  SECTION("a link stays and its target is written even if the target did not exist") {
    std::filesystem::create_symlink("target", path);
    for (const char* text : {"first", "second"}) {
      write_file(path, text);
      CHECK(std::filesystem::is_symlink(path));
      CHECK(read_text(target) == text);
    }
    CHECK(same_file(path, target));
  }
  SECTION("a FIFO stays and its reader gets the bytes") {
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    std::string got;
    std::thread reader([&] { got = read_text(path); });
    write_file(path, "through");
    reader.join();
    CHECK(got == "through");
    CHECK(std::filesystem::is_fifo(path));
  }
  SECTION("a FIFO whose reader leaves causes an error and no signal") {
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    const int end = ::open(path.c_str(), O_RDONLY | O_NONBLOCK);
    std::thread reader([&] {
      char first = 0;
      while (::read(end, &first, 1) <= 0) std::this_thread::yield();
      ::close(end);
    });
    CHECK_THROWS_WITH(write_file(path, std::string(1 << 20, 'x')),
                      ContainsSubstring("Broken pipe"));
    reader.join();
    CHECK(std::filesystem::is_fifo(path));
  }
  SECTION("a full device is reported and stays") {
    // Makes a device node if permitted: if the test replaced the node, /dev/full itself would
    // survive.
    const bool own = ::mknod(path.c_str(), S_IFCHR | 0600, makedev(1, 7)) == 0;
    if (!own) std::filesystem::create_symlink("/dev/full", path);
    CHECK_THROWS_WITH(write_file(path, "x"),
                      ContainsSubstring("cannot write: No space left on device"));
    CHECK(std::filesystem::is_character_file(path));
    CHECK_NOTHROW(check_writable(path));
    CHECK_FALSE(same_file(path, path));  // several processes may write there
  }
  SECTION("circular links are refused") {
    std::filesystem::create_symlink("link", path);
    CHECK_THROWS_WITH(write_file(path, "x"), ContainsSubstring("link: cannot write: Too many"));
    CHECK_THROWS_AS(check_writable(path), Error);
  }
}

TEST_CASE("write_file keeps a file's permissions", "[base][file]") {
  const Scratch scratch;
  const auto path = scratch.folder / "private";
  write_file(path, "old");
  std::filesystem::permissions(path, std::filesystem::perms{0600});
  write_file(path, "new");
  CHECK(std::filesystem::status(path).permissions() == std::filesystem::perms{0600});
  CHECK(read_text(path) == "new");
}

TEST_CASE("check_writable changes nothing", "[base][file]") {
  const Scratch scratch;
  const auto path = scratch.folder / "file";
  check_writable(path);
  check_writable_folder(scratch.folder / "a" / "b");
  CHECK(std::filesystem::is_empty(scratch.folder));
  write_file(path, "kept");
  check_writable(path);
  CHECK(read_text(path) == "kept");
  CHECK_THROWS_WITH(check_writable(scratch.folder), ContainsSubstring("is a folder"));
  CHECK_THROWS_WITH(check_writable("/nonexistent/file"), ContainsSubstring("No such file"));
  CHECK_THROWS_WITH(check_writable_folder(path), ContainsSubstring("is a file, expected a folder"));
  CHECK_THROWS_WITH(check_writable_folder("/proc/x"), ContainsSubstring("/proc/x: cannot write: "));
}

namespace {

/// Returns what a second of work prints on stderr, which is `stream`; `reader` is its other end.
std::string shown_on(int stream, int reader, bool quiet) {
  const int before = ::dup(STDERR_FILENO);
  ::dup2(stream, STDERR_FILENO);
  {
    Progress progress("work", quiet);
    progress.update("half done");
    std::this_thread::sleep_for(std::chrono::milliseconds(700));
  }
  static_cast<void>(::write(STDERR_FILENO, ".", 1));  // ensures that there is a byte to read
  ::dup2(before, STDERR_FILENO);
  ::close(before);
  std::string text;
  for (char c = 0; c != '.' && ::read(reader, &c, 1) == 1;) text += c;
  return text;
}

}  // namespace

TEST_CASE("progress is shown on a terminal, not in a pipe, not when quiet", "[base][progress]") {
  const int reader = ::posix_openpt(O_RDWR | O_NOCTTY);
  REQUIRE(reader >= 0);
  REQUIRE(::grantpt(reader) == 0);
  REQUIRE(::unlockpt(reader) == 0);
  const int terminal = ::open(::ptsname(reader), O_RDWR | O_NOCTTY);
  REQUIRE(terminal >= 0);
  CHECK(shown_on(terminal, reader, true) == ".");
  const std::string shown = shown_on(terminal, reader, false);
  CHECK_THAT(shown, Catch::Matchers::StartsWith("\r\033[Kwork half done (") &&
                        Catch::Matchers::EndsWith("\r\033[K."));
  ::close(terminal);
  ::close(reader);
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  CHECK(shown_on(ends[1], ends[0], false) == ".");
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("hash64 is XXH64 with seed 0", "[base][hash]") {
  CHECK(hash64("") == 0xef46db3751d8e999u);  // published test value
  CHECK(hash64("a") != hash64("b"));
}

TEST_CASE("sha256 gives the standard's digests", "[base][sha256]") {
  const auto of = [](const std::string& text) { return sha256({text.begin(), text.end()}); };
  CHECK(of("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(of(std::string(1'000'000, 'a')) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("a cache makes files once for each key and removes the oldest", "[base][cache]") {
  const Scratch scratch;
  const auto kept = scratch.folder / "kept";
  int made = 0;
  const auto obtain = [&](const std::string& depends, const std::filesystem::path& folder,
                          std::uintmax_t most = 1000) {
    std::filesystem::remove(scratch.folder / "out");
    FileCache(folder, most).obtain(depends, {"out"}, scratch.folder, [&] {
      ++made;
      write_file(scratch.folder / "out", "of " + depends);
    });
    return read_text(scratch.folder / "out");
  };
  const auto entries = [&] { return std::distance(std::filesystem::directory_iterator(kept), {}); };
  CHECK(obtain("a", kept) == "of a");
  CHECK(obtain("a", kept) == "of a");
  CHECK(made == 1);
  CHECK(obtain("b", kept) == "of b");
  CHECK(made == 2);
  CHECK(entries() == 2);
  CHECK(obtain("a", {}) == "of a");  // without a folder
  CHECK(made == 3);
  for (const auto& entry : std::filesystem::directory_iterator(kept))
    write_file(entry.path(), "{\"out\":");  // damaged
  CHECK(obtain("a", kept) == "of a");
  CHECK(made == 4);
  for (const auto& entry : std::filesystem::directory_iterator(kept))
    std::filesystem::last_write_time(entry.path(), entry.last_write_time() - std::chrono::hours(1));
  CHECK(obtain("a", kept, 15) == "of a");  // now the younger one
  CHECK(made == 4);
  CHECK(entries() == 1);
  CHECK(obtain("a", kept) == "of a");
  CHECK(made == 4);
  CHECK(obtain("a", kept / "out" / "x") == "of a");
  write_file(scratch.folder / "file", "");
  CHECK(obtain("a", scratch.folder / "file" / "below") == "of a");  // cannot be kept
  CHECK(made == 6);
}

TEST_CASE("a signal ends tools and removes unfinished files", "[base][process]") {
  const fs::path dir = fs::temp_directory_path() / ("base_test_signal." + std::to_string(getpid()));
  fs::create_directories(dir / "parent");
  const int signal = GENERATE(SIGINT, SIGTERM, SIGHUP);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::signal(signal, SIG_DFL);  // Catch installs a handler of its own
    clean_up_on_signals();
    const TemporaryFolder scratch(dir / "parent", "build");
    const Unfinished file(dir / "half");
    std::ofstream(dir / "half") << "x";
    std::ofstream(scratch.path() / "object.o") << "x";
    run_process({"sh", "-c", "echo $$ > ../pid; exec sleep 60"}, dir / "parent", dir / "log");
    ::_exit(3);
  }
  for (int i = 0; i < 500 && !fs::exists(dir / "pid"); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  ::kill(child, signal);
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == signal);
  CHECK(fs::is_empty(dir / "parent"));
  CHECK_FALSE(fs::exists(dir / "half"));
  const std::string tool = read_text(dir / "pid");
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const fs::path comm = fs::path("/proc") / tool.substr(0, tool.find('\n')) / "comm";
  CHECK((!fs::exists(comm) || read_text(comm) != "sleep\n"));
  fs::remove_all(dir);
}

TEST_CASE("folders that killed processes left in the cache are removed", "[base][cache]") {
  const fs::path cache =
      fs::temp_directory_path() / ("base_test_sweep." + std::to_string(getpid()));
  const auto old = fs::file_time_type::clock::now() - std::chrono::minutes(2);
  const TemporaryFolder owned(cache / "rtl", "build");
  const std::vector<fs::path> left{cache / "rtl" / "build-123456", cache / "rtl" / "design-123456",
                                   cache / "python" / "build-abcdef"};
  for (const fs::path& folder : left) fs::create_directories(folder / "deep");
  fs::create_directories(cache / "rtl" / "build-654321");
  for (const fs::path& folder : left) fs::last_write_time(folder, old);
  fs::last_write_time(owned.path(), old);
  ::setenv("TRINE_CACHE", cache.c_str(), 1);
  sweep_cache();
  ::unsetenv("TRINE_CACHE");
  for (const fs::path& folder : left) CHECK_FALSE(fs::exists(folder));
  CHECK(fs::exists(owned.path()));                    // its process is running
  CHECK(fs::exists(cache / "rtl" / "build-654321"));  // may just have been made
  fs::remove_all(cache);
}

TEST_CASE("elements of arrays are numbers", "[base][npy]") {
  CHECK(Array{"i1", {1}, {0xfe}}.value(0) == -2);
  CHECK(Array{"u1", {1}, {0xfe}}.value(0) == 254);
  CHECK(Array{"b1", {1}, {1}}.value(0) == 1);
  CHECK(Array{"i2", {2}, {0, 0, 0, 0x80}}.value(1) == -32768);
  CHECK(Array{"i4", {1}, {0xff, 0xff, 0xff, 0xff}}.value(0) == -1);
  CHECK(Array{"i8", {1}, {1, 0, 0, 0, 1, 0, 0, 0}}.value(0) == 4294967297.0);
  CHECK(Array{"f4", {1}, {0, 0, 0xc0, 0x3f}}.value(0) == 1.5);
  CHECK(Array{"f8", {1}, {0, 0, 0, 0, 0, 0, 0xf8, 0x3f}}.value(0) == 1.5);
}

TEST_CASE("numbers are grouped, long names lose their middle", "[base][text]") {
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(std::uint64_t{18446744073709551615u}) == "18,446,744,073,709,551,615");
  CHECK(grouped(-123456) == "-123,456");
  CHECK(grouped(-1234567) == "-1,234,567");
  CHECK(grouped(1234.5) == "1,235");
  CHECK(fitted("four", 4) == "four");
  CHECK(fitted("abcdefghijkl", 8) == "ab..ijkl");
  CHECK(cut("abcdefghijkl", 8) == "abcdef..");
}

TEST_CASE("text that is not valid JSON is refused by file and line", "[base][json][error]") {
  const auto refused = [](const std::string& text, const std::string& why) {
    CHECK_THROWS_MATCHES(parse_json(text, "a.json"), Error,
                         Catch::Matchers::Message("a.json: is not valid JSON: " + why));
  };
  refused("{\n\"a\": }", "line 2");
  refused("", "line 1");
  refused("[\"\xe9\"]", "line 1");
  refused(std::string(100000, '['), "line 1");
  refused("1e999", "a number is too large");
}

TEST_CASE("JSON text is valid UTF-8 for strings of any bytes", "[base][json]") {
  CHECK(json_text({{"b", "\xe9"}, {"a", 1}}) == "{\"b\":\"\xef\xbf\xbd\",\"a\":1}");
  CHECK(json_text({{"a", {1}}}, 1) == "{\n \"a\": [\n  1\n ]\n}");
}

TEST_CASE("a mapped file has the file's bytes", "[base][mapped]") {
  const Scratch scratch;
  write_file(scratch.folder / "a", "bytes");
  write_file(scratch.folder / "empty", "");
  const MappedFile file(scratch.folder / "a");
  file.let_go();
  CHECK(std::string(file.bytes().begin(), file.bytes().end()) == "bytes");
  CHECK(MappedFile(scratch.folder / "empty").bytes().empty());
  CHECK_THROWS_WITH(MappedFile(scratch.folder / "b"),
                    ContainsSubstring("b: No such file or directory"));
  CHECK_THROWS_WITH(MappedFile(scratch.folder),
                    ContainsSubstring("is not a regular file, so it cannot be"));
}

TEST_CASE("a file that is not UTF-8 comes out of a cache unchanged", "[base][cache]") {
  const Scratch scratch;
  const FileCache cache(scratch.folder / "cache", 1000);
  for (int i = 0; i < 2; ++i) {
    cache.obtain("it", {"a"}, scratch.folder, [&] { write_file(scratch.folder / "a", "\xe9"); });
    CHECK(read_text(scratch.folder / "a") == "\xe9");
    fs::remove(scratch.folder / "a");
  }
}

TEST_CASE("a shared vector is copied when one of two is changed", "[base][shared]") {
  SharedVector<int> a = std::vector{1, 2, 3};
  SharedVector<int> b = a;
  CHECK(a.data() == b.data());
  const int* before = b.data();
  b.edit()[0] = 7;
  CHECK(std::vector(a.begin(), a.end()) == std::vector{1, 2, 3});
  CHECK(std::vector(b.begin(), b.end()) == std::vector{7, 2, 3});
  CHECK(a.data() == before);
  CHECK_FALSE(a == b);
  before = b.data();
  b.edit().back() = 3;  // no longer shared
  CHECK(b.data() == before);
  SharedVector<int> none;
  CHECK((none.empty() && none == SharedVector<int>()));
  none.edit().push_back(1);
  CHECK(none.size() == 1);
}

TEST_CASE("a missing program is named with its package on this system", "[base][packages]") {
  const Scratch scratch;
  const auto install = [&](const std::string& os_release,
                           const std::vector<std::string>& programs) {
    write_file(scratch.folder / "os-release", os_release);
    return how_to_install(programs, scratch.folder / "os-release");
  };
  CHECK(install("NAME=Debian\nID=debian\n", {"sta", "verilator"}) ==
        "apt-get install opensta verilator");
  CHECK(install("ID=ubuntu\nID_LIKE=debian\n", {"gnuplot"}) == "apt-get install gnuplot-nox");
  CHECK(install("ID=\"rocky\"\nID_LIKE=\"rhel fedora\"\n", {"g++", "yosys"}) ==
        "dnf install gcc-c++ yosys");
  CHECK(install("ID=arch\n", {"g++", "python3"}) == "pacman -S --needed gcc python");
  CHECK(install("ID=fedora\n", {"sta"}) == "building sta (this system provides no package)");
  CHECK(install("ID=fedora\n", {"sta", "g++"}) ==
        "dnf install gcc-c++, and building sta (this system provides no package)");
  CHECK(install("ID=other\n", {"g++"}) == "apt-get install g++");
  CHECK_NOTHROW(need_programs({"sh"}));
  CHECK_THROWS_WITH(need_programs({"sh", "no-such-program"}),
                    ContainsSubstring("not found: no-such-program; get them by: "));
}
