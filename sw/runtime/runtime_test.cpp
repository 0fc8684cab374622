// SPDX-License-Identifier: Apache-2.0
//
// The driver against a device of software: registers in a map, a program that ends after a number
// of status reads.

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "machine/config.h"
#include "machine/csr.h"
#include "sim/arch/run.h"
#include "sw/compiler/compiler.h"
#include "sw/program/host.h"
#include "sw/program/image.h"
#include "sw/program/layout.h"
#include "sw/reference/vectors.h"
#include "sw/runtime/trine_cases.h"
#include "sw/runtime/trine_runtime.h"
#include "trine_csr.h"
#include "trine_isa.h"

namespace {

struct FakeDevice {
  std::map<std::uint32_t, std::uint32_t> registers{
      {0x00, 0x5452494e}, {0x04, TRINE_ISA_VERSION}, {0x08, 0x9abcdef0}, {0x0c, 0x12345678}};
  /// What it sees; the processor sees its caches, which only clean() and invalidate() tell of it.
  std::vector<std::uint8_t> memory = std::vector<std::uint8_t>(4096), caches = memory;
  int polls_left = 0;       ///< of STATUS until the program ends
  bool ends_badly = false;  ///< with a load error at 0x1_0000_0040
  bool fails = false;       ///< every access
  int fails_at = 0;         ///< the access that fails, counted from here; 0: none
  int answers = 0;          ///< calls of wait_interrupt() until one does not say "not yet"
  int interrupts = 0;       ///< calls of it
  std::vector<std::pair<std::uint32_t, std::uint32_t>> writes;
  std::vector<std::uint32_t> reads;
  bool gives_up = false;  ///< a soft reset, on its bus
  bool lets_go = false;   ///< of its bus, when it is told that this was reset
  bool counts = false;    ///< CYCLES goes on by 2^31 + 1 with each access
  std::uint64_t cycles = 0;

  trine_callbacks callbacks() {
    trine_callbacks c{};
    c.context = this;
    c.read32 = [](void* context, std::uint32_t offset, std::uint32_t* value) {
      return static_cast<FakeDevice*>(context)->read(offset, value);
    };
    c.write32 = [](void* context, std::uint32_t offset, std::uint32_t value) {
      return static_cast<FakeDevice*>(context)->write(offset, value);
    };
    c.map = [](void* context, std::uint64_t address, std::size_t bytes) -> void* {
      auto& fake = *static_cast<FakeDevice*>(context);
      const std::size_t size = fake.caches.size();
      if (fake.refuses() || address > size || bytes > size - address) return nullptr;
      return fake.caches.data() + address;
    };
    c.clean = [](void* context, const void* at, std::size_t bytes) {
      auto& fake = *static_cast<FakeDevice*>(context);
      std::memcpy(fake.memory.data() + fake.place(at), at, bytes);
    };
    c.invalidate = [](void* context, void* at, std::size_t bytes) {
      auto& fake = *static_cast<FakeDevice*>(context);
      std::memcpy(at, fake.memory.data() + fake.place(at), bytes);
    };
    return c;
  }

  /// With interrupts: "not yet" some times, then `last`.
  template <int last>
  static int interrupt(void* context) {
    auto& fake = *static_cast<FakeDevice*>(context);
    ++fake.interrupts;
    return fake.answers-- > 0 ? 1 : last;
  }

  /// A program comes to its end without being asked.
  void end_now() { end(); }

  void resize(std::size_t bytes) {
    memory.resize(bytes);
    caches.resize(bytes);
  }

 private:
  std::ptrdiff_t place(const void* at) const {
    return static_cast<const std::uint8_t*>(at) - caches.data();
  }
  bool refuses() { return fails || (fails_at > 0 && --fails_at == 0); }
  int read(std::uint32_t offset, std::uint32_t* value) {
    if (refuses()) return 1;
    reads.push_back(offset);
    if (counts) {  // a read of the low half keeps the high half
      cycles += 0x80000001;
      if (offset == 0x80) registers[0x84] = static_cast<std::uint32_t>(cycles >> 32);
      if (offset == 0x80) registers[0x80] = static_cast<std::uint32_t>(cycles);
    }
    if (offset == 0x14 && (registers[0x14] & 9) != 0 && --polls_left <= 0) end();
    *value = registers[offset];
    return 0;
  }
  void end() {
    const bool resetting = (registers[0x14] & 8) != 0;
    registers[0x14] = resetting ? (gives_up ? 24u : 0u) : ends_badly ? 4u : 2u;
    if (!resetting) registers[0x28] |= ends_badly ? 2u : 1u;
    if (!ends_badly || resetting) return;
    registers[0x18] = 2;
    registers[0x68] = 0x40;
    registers[0x6c] = 1;
    registers[0x5c] = 7;
  }
  int write(std::uint32_t offset, std::uint32_t value) {
    if (refuses()) return 1;
    writes.emplace_back(offset, value);
    if (offset == 0x10 && (value & 1) != 0) registers[0x14] = 1;
    if (offset == 0x10 && (value & 6) != 0) registers[0x14] = 8;
    if (offset == 0x10 && (value & 8) != 0 && lets_go) registers[0x14] &= ~16u;
    const bool locked = offset >= 0x30 && offset < 0x58;
    if (locked && (registers[0x14] & 9) != 0) return 2;
    registers[offset] = offset == 0x28 ? registers[0x28] & ~value : value;
    return 0;
  }
};

struct Opened {
  FakeDevice fake;
  trine_storage storage;
  trine_callbacks callbacks = fake.callbacks();
  trine_device* device = nullptr;
  const std::vector<std::uint64_t> program{1, 2, 3};

  Opened() {
    REQUIRE(trine_device_size() <= sizeof storage);
    REQUIRE(trine_open(&storage, sizeof storage, &callbacks, &device) == TRINE_OK);
  }
  int load() {
    return trine_load_program(device, program.data(), program.size(), 0x100, 0x1'0000'0200);
  }
};

}  // namespace

TEST_CASE("open checks identity and version before anything else", "[runtime][error]") {
  FakeDevice fake;
  trine_storage storage;
  trine_device* device = nullptr;
  auto callbacks = fake.callbacks();
  CHECK(trine_open(nullptr, 512, &callbacks, &device) == TRINE_E_ARGUMENT);
  CHECK(trine_open(&storage, 8, &callbacks, &device) == TRINE_E_STORAGE);
  fake.registers[0x04] = TRINE_ISA_VERSION + 1;
  CHECK(trine_open(&storage, sizeof storage, &callbacks, &device) == TRINE_E_VERSION);
  fake.registers[0x00] = 0;
  CHECK(trine_open(&storage, sizeof storage, &callbacks, &device) == TRINE_E_ID);
  fake.fails = true;
  CHECK(trine_open(&storage, sizeof storage, &callbacks, &device) == TRINE_E_ACCESS);
  callbacks.read32 = nullptr;
  CHECK(trine_open(&storage, sizeof storage, &callbacks, &device) == TRINE_E_ARGUMENT);
  CHECK(device == nullptr);
}

TEST_CASE(
    "each callback but those of interrupt and caches is needed, and room for the whole handle",
    "[runtime][error]") {
  FakeDevice fake;
  trine_storage storage;
  trine_device* device = nullptr;
  const auto all = fake.callbacks();
  for (int missing = 0; missing < 3; ++missing) {
    auto callbacks = all;
    if (missing == 0) callbacks.read32 = nullptr;
    if (missing == 1) callbacks.write32 = nullptr;
    if (missing == 2) callbacks.map = nullptr;
    CAPTURE(missing);
    CHECK(trine_open(&storage, sizeof storage, &callbacks, &device) == TRINE_E_ARGUMENT);
  }
  CHECK(trine_open(&storage, sizeof storage, nullptr, &device) == TRINE_E_ARGUMENT);
  CHECK(trine_open(&storage, sizeof storage, &all, nullptr) == TRINE_E_ARGUMENT);
  const std::size_t size = trine_device_size();
  CHECK(trine_open(&storage, size - 1, &all, &device) == TRINE_E_STORAGE);
  CHECK((device == nullptr && fake.reads.empty() && fake.writes.empty()));
  // Whatever the storage held, nothing is loaded and nothing runs.
  std::memset(&storage, 0xff, sizeof storage);
  REQUIRE(trine_open(&storage, size, &all, &device) == TRINE_OK);
  CHECK(trine_start(device) == TRINE_E_STATE);
  CHECK(trine_wait(device, 1) == TRINE_E_STATE);
  CHECK(trine_interrupted(device) == 0);
}

TEST_CASE("every function refuses to go without what it needs", "[runtime][error]") {
  Opened o;
  trine_info info{};
  trine_status status{};
  trine_counters counters{};
  trine_image image{};
  trine_tensor tensor{};
  std::uint64_t word = 1;
  std::uint32_t* planes = nullptr;
  float real = 0;
  void* at = nullptr;
  image.inputs = image.outputs = 1;
  const std::size_t reads = o.fake.reads.size(), writes = o.fake.writes.size();
  const int codes[] = {trine_get_info(nullptr, &info),
                       trine_get_info(o.device, nullptr),
                       trine_check_configuration(nullptr, 0),
                       trine_load_program(nullptr, &word, 1, 0, 0),
                       trine_load_program(o.device, nullptr, 1, 0, 0),
                       trine_load_program(o.device, &word, std::size_t{1} << 32, 0, 0),
                       trine_read_image(nullptr, 0, nullptr),
                       trine_image_input(nullptr, 0, &tensor),
                       trine_image_input(&image, 0, nullptr),
                       trine_image_output(nullptr, 0, &tensor),
                       trine_image_output(&image, 0, nullptr),
                       trine_load_image(nullptr, &image, 0),
                       trine_load_image(o.device, nullptr, 0),
                       trine_set_window(nullptr, 0, 1),
                       trine_set_watchdog(nullptr, 1),
                       trine_map(nullptr, 0, 1, &at),
                       trine_map(o.device, 0, 1, nullptr),
                       trine_clean(nullptr, &word, 1),
                       trine_clean(o.device, nullptr, 1),
                       trine_invalidate(nullptr, &word, 1),
                       trine_invalidate(o.device, nullptr, 1),
                       trine_planes(nullptr, &image, &tensor, &planes),
                       trine_planes(o.device, nullptr, &tensor, &planes),
                       trine_planes(o.device, &image, nullptr, &planes),
                       trine_planes(o.device, &image, &tensor, nullptr),
                       trine_input(o.device, nullptr, 0, &word),
                       trine_input(o.device, &image, 1, &word),
                       trine_output(o.device, nullptr, 0, &word),
                       trine_output(o.device, &image, 1, &word),
                       trine_input_float(o.device, &image, 1, &real),
                       trine_output_float(o.device, &image, 1, &real),
                       trine_start(nullptr),
                       trine_poll(nullptr),
                       trine_interrupt(nullptr),
                       trine_wait(nullptr, 1),
                       trine_run(nullptr, 1),
                       trine_get_status(nullptr, &status),
                       trine_get_status(o.device, nullptr),
                       trine_get_counters(nullptr, &counters),
                       trine_get_counters(o.device, nullptr),
                       trine_bus_was_reset(nullptr),
                       trine_reset(nullptr, 1),
                       trine_scrub(nullptr, 1)};
  int row = 0;
  for (const int code : codes) {
    CAPTURE(row++);
    CHECK(code == TRINE_E_ARGUMENT);
  }
  CHECK((o.fake.reads.size() == reads && o.fake.writes.size() == writes));
  // 2^32 - 1 words are a program, though no memory holds them.
  CHECK(trine_load_program(o.device, &word, 0xffff'ffff, 0, 0) == TRINE_E_ACCESS);
}

TEST_CASE("the device is asked as often as was said, and no oftener", "[runtime]") {
  Opened o;
  REQUIRE(o.load() == TRINE_OK);
  o.fake.polls_left = 1'000'000;
  REQUIRE(trine_start(o.device) == TRINE_OK);
  const auto status_reads = [&](int expected, auto call) {
    o.fake.reads.clear();
    CHECK(call() == TRINE_E_TIMEOUT);
    CHECK(o.fake.reads == std::vector<std::uint32_t>(static_cast<std::size_t>(expected), 0x14));
  };
  status_reads(1, [&] { return trine_wait(o.device, 1); });
  status_reads(3, [&] { return trine_wait(o.device, 3); });
  trine_status status;
  REQUIRE(trine_get_status(o.device, &status) == TRINE_OK);
  CHECK((status.busy == 1 && status.done == 0 && status.error == 0 && status.bus_dirty == 0));
  status_reads(1, [&] { return trine_reset(o.device, 1); });
  status_reads(4, [&] { return trine_reset(o.device, 4); });
  REQUIRE(trine_get_status(o.device, &status) == TRINE_OK);
  CHECK(status.busy == 1);  // it resets
}

TEST_CASE("an error of the run before is none of this one", "[runtime][error]") {
  Opened o;
  REQUIRE(o.load() == TRINE_OK);
  o.fake.ends_badly = true;
  CHECK(trine_run(o.device, 9) == TRINE_E_DEVICE);
  o.fake.ends_badly = false;
  CHECK(trine_run(o.device, 9) == TRINE_OK);
  trine_status status;
  o.fake.reads.clear();
  REQUIRE(trine_get_status(o.device, &status) == TRINE_OK);
  CHECK(o.fake.reads == std::vector<std::uint32_t>{0x14});
  CHECK((status.error_cause == 0 && status.error_address == 0 && status.error_run == 0));
  // A failed load takes the program away, and the next one brings it back.
  CHECK(trine_load_program(o.device, o.program.data(), 3, 4088, 0) == TRINE_E_ACCESS);
  CHECK(trine_run(o.device, 9) == TRINE_E_STATE);
  REQUIRE(o.load() == TRINE_OK);
  CHECK(trine_run(o.device, 9) == TRINE_OK);
}

TEST_CASE("a program for another configuration is refused", "[runtime][error]") {
  Opened o;
  CHECK(trine_check_configuration(o.device, 0x123456789abcdef0) == TRINE_OK);
  CHECK(trine_check_configuration(o.device, 0x123456789abcdef1) == TRINE_E_CONFIGURATION);
}

TEST_CASE("load_program copies the words and sets addresses", "[runtime]") {
  Opened o;
  REQUIRE(o.load() == TRINE_OK);
  CHECK(std::memcmp(o.fake.memory.data() + 0x100, o.program.data(), 24) == 0);
  CHECK(o.fake.registers[0x30] == 0x100);
  CHECK(o.fake.registers[0x38] == 3);
  CHECK(o.fake.registers[0x40] == 0x200);
  CHECK(o.fake.registers[0x44] == 1);
  CHECK(trine_load_program(o.device, o.program.data(), 0, 0, 0) == TRINE_E_ARGUMENT);
  CHECK(trine_load_program(o.device, o.program.data(), 3, 4, 0) == TRINE_E_ARGUMENT);
  CHECK(trine_load_program(o.device, o.program.data(), 3, 0, 4) == TRINE_E_ARGUMENT);
  CHECK(trine_load_program(o.device, o.program.data(), 3, 4088, 0) == TRINE_E_ACCESS);
  CHECK(trine_start(o.device) == TRINE_E_STATE);  // the failed load left no program
}

TEST_CASE("start returns at once and wait sees the end", "[runtime]") {
  Opened o;
  CHECK(trine_start(o.device) == TRINE_E_STATE);
  REQUIRE(o.load() == TRINE_OK);
  CHECK(trine_wait(o.device, 1) == TRINE_E_STATE);
  o.fake.polls_left = 5;
  REQUIRE(trine_start(o.device) == TRINE_OK);
  CHECK(trine_start(o.device) == TRINE_E_BUSY);
  CHECK(o.load() == TRINE_E_BUSY);
  CHECK(trine_wait(o.device, 2) == TRINE_E_TIMEOUT);
  CHECK(trine_wait(o.device, 0) == TRINE_OK);
  trine_status status;
  REQUIRE(trine_get_status(o.device, &status) == TRINE_OK);
  CHECK((status.done == 1 && status.busy == 0 && status.error == 0));
  CHECK(trine_wait(o.device, 1) == TRINE_E_STATE);  // it has ended
}

TEST_CASE("interrupts are enabled once, and cleared before a start and behind an end",
          "[runtime]") {
  Opened o;
  using Writes = std::vector<std::pair<std::uint32_t, std::uint32_t>>;
  CHECK(o.fake.writes ==
        Writes{{TRINE_CSR_IRQ_STATUS, 3}, {TRINE_CSR_IRQ_ENABLE, 3}});  // done, error
  REQUIRE(o.load() == TRINE_OK);
  o.fake.writes.clear();
  o.fake.polls_left = 2;
  REQUIRE(trine_run(o.device, 9) == TRINE_OK);
  CHECK(o.fake.writes == Writes{{TRINE_CSR_IRQ_STATUS, 3},
                                {TRINE_CSR_CONTROL, TRINE_CSR_CONTROL_START},
                                {TRINE_CSR_IRQ_STATUS, 3}});
}

TEST_CASE("wait asks the interrupt first, and STATUS only behind it", "[runtime]") {
  Opened o;
  REQUIRE(o.load() == TRINE_OK);
  o.callbacks.wait_interrupt = FakeDevice::interrupt<0>;
  REQUIRE(trine_open(&o.storage, sizeof o.storage, &o.callbacks, &o.device) == TRINE_OK);
  REQUIRE(o.load() == TRINE_OK);
  o.fake.polls_left = 1;
  o.fake.answers = 3;
  REQUIRE(trine_start(o.device) == TRINE_OK);
  CHECK(trine_wait(o.device, 2) == TRINE_E_TIMEOUT);  // "not yet", twice
  CHECK(o.fake.polls_left == 1);
  CHECK(trine_wait(o.device, 0) == TRINE_OK);
  CHECK(o.fake.interrupts == 4);
  o.callbacks.wait_interrupt = FakeDevice::interrupt<2>;
  REQUIRE(trine_open(&o.storage, sizeof o.storage, &o.callbacks, &o.device) == TRINE_OK);
  REQUIRE(o.load() == TRINE_OK);
  CHECK(trine_run(o.device, 0) == TRINE_E_ACCESS);
}

TEST_CASE("poll asks once, and tells an end once", "[runtime]") {
  Opened o;
  CHECK(trine_poll(o.device) == TRINE_E_STATE);
  REQUIRE(o.load() == TRINE_OK);
  CHECK(trine_poll(o.device) == TRINE_E_STATE);
  o.fake.polls_left = 3;
  REQUIRE(trine_start(o.device) == TRINE_OK);
  o.fake.reads.clear();
  CHECK(trine_poll(o.device) == TRINE_RUNNING);
  CHECK(o.fake.reads == std::vector<std::uint32_t>{0x14});
  CHECK(trine_poll(o.device) == TRINE_RUNNING);
  CHECK(trine_poll(o.device) == TRINE_OK);
  CHECK(o.fake.registers[0x28] == 0);
  CHECK(trine_poll(o.device) == TRINE_E_STATE);
  o.fake.ends_badly = true;
  REQUIRE(trine_start(o.device) == TRINE_OK);
  CHECK(trine_poll(o.device) == TRINE_E_DEVICE);
  CHECK(trine_wait(o.device, 1) == TRINE_E_STATE);
}

namespace {

/// A processor that sleeps until the interrupt, and then runs the handler.
struct Sleeper {
  Opened* opened;
  int sleeps = 0, others = 0;  ///< so many interrupts are other devices'

  static int wait(void* context) {
    auto& self = *static_cast<Sleeper*>(context);
    if (trine_interrupted(self.opened->device) != 0) return 0;
    ++self.sleeps;
    const bool other = self.others-- > 0;
    if (!other) self.opened->fake.end_now();
    CHECK(trine_interrupt(self.opened->device) == (other ? 0 : 1));
    return 0;
  }
};

}  // namespace

TEST_CASE("the handler takes the interrupt back, and whoever waits sees the end", "[runtime]") {
  Opened o;
  CHECK(trine_interrupted(nullptr) == 0);
  static Sleeper sleeper;
  sleeper = {.opened = &o, .others = 2};
  o.callbacks.wait_interrupt = [](void*) { return Sleeper::wait(&sleeper); };
  REQUIRE(trine_open(&o.storage, sizeof o.storage, &o.callbacks, &o.device) == TRINE_OK);
  REQUIRE(o.load() == TRINE_OK);
  for (const bool early : {false, true}) {
    CAPTURE(early);
    o.fake.polls_left = 1'000'000;
    sleeper.sleeps = 0;
    REQUIRE(trine_start(o.device) == TRINE_OK);
    CHECK(trine_interrupted(o.device) == 0);
    CHECK(trine_interrupt(o.device) == 0);  // another device's
    CHECK(trine_interrupted(o.device) == 0);
    if (early) {  // it comes before anybody sleeps
      o.fake.end_now();
      CHECK(trine_interrupt(o.device) == 1);
      CHECK(o.fake.registers[0x28] == 0);
    }
    CHECK(trine_wait(o.device, 0) == TRINE_OK);
    CHECK(sleeper.sleeps == (early ? 0 : 3));
    CHECK(trine_interrupted(o.device) == 1);
  }
  o.fake.fails = true;
  CHECK(trine_interrupt(o.device) == TRINE_E_ACCESS);
}

TEST_CASE("devices do not know of each other", "[runtime]") {
  Opened a, b;
  const std::vector<std::uint64_t> other{7, 8};
  REQUIRE(a.load() == TRINE_OK);
  CHECK(trine_start(b.device) == TRINE_E_STATE);
  REQUIRE(trine_load_program(b.device, other.data(), 2, 0x80, 0x400) == TRINE_OK);
  a.fake.polls_left = 4;
  b.fake.polls_left = 2;
  b.fake.ends_badly = true;
  REQUIRE(trine_start(a.device) == TRINE_OK);
  REQUIRE(trine_start(b.device) == TRINE_OK);
  CHECK((trine_poll(a.device) == TRINE_RUNNING && trine_poll(b.device) == TRINE_RUNNING));
  CHECK((trine_poll(a.device) == TRINE_RUNNING && trine_poll(b.device) == TRINE_E_DEVICE));
  CHECK((trine_poll(a.device) == TRINE_RUNNING && trine_poll(b.device) == TRINE_E_STATE));
  CHECK(trine_wait(a.device, 1) == TRINE_OK);
  CHECK((a.fake.registers[0x38] == 3 && b.fake.registers[0x38] == 2));
  CHECK((a.fake.memory[0x80] == 0 && b.fake.memory[0x80] == 7 && b.fake.memory[0x100] == 0));
}

TEST_CASE("an error is told with cause and place", "[runtime][error]") {
  Opened o;
  const auto text = [&](int code, std::size_t size = 200) {
    std::string buffer(size, '#');
    const std::size_t length = trine_describe(o.device, code, buffer.data(), size);
    if (size > 0) buffer.resize(buffer.find('\0'));
    CHECK(buffer.size() == (size == 0 ? 0 : std::min(length, size - 1)));
    CHECK(length == trine_describe(o.device, code, nullptr, 0));
    return buffer;
  };
  REQUIRE(o.load() == TRINE_OK);
  CHECK(text(TRINE_E_TIMEOUT) == trine_strerror(TRINE_E_TIMEOUT));
  CHECK(text(TRINE_E_ACCESS) == trine_strerror(TRINE_E_ACCESS));
  CHECK(text(TRINE_E_DEVICE) == trine_strerror(TRINE_E_DEVICE));  // it has none
  o.fake.ends_badly = true;
  CHECK(trine_run(o.device, 9) == TRINE_E_DEVICE);
  const std::string stopped = "the accelerator stopped with an error: ";
  CHECK(text(TRINE_E_DEVICE) == stopped +
                                    "a read of the load engine answered with an error, at address "
                                    "0x100000040, RUN 7");
  CHECK(text(TRINE_E_DEVICE, 10) == "the accel");
  CHECK(text(TRINE_E_DEVICE, 1).empty());
  CHECK(text(TRINE_E_DEVICE, 0).empty());
  const auto error = [&](std::uint32_t cause, std::uint32_t low, std::uint32_t run) {
    o.fake.registers[0x18] = cause;
    o.fake.registers[0x68] = low;
    o.fake.registers[0x6c] = 0;
    o.fake.registers[0x5c] = run;
    return text(TRINE_E_DEVICE);
  };
  CHECK(error(11, 0xabcd'ef00, 10'203) ==
        stopped +
            "a write of the store engine was not answered in time, at address 0xabcdef00, "
            "RUN 10203");
  CHECK(error(8, 0, 0) ==
        stopped + "a burst of the store engine would leave the window, at address 0x0, RUN 0");
  CHECK(error(6, 8, 9) == stopped + "an instruction lies outside of the window, at address 0x8");
  CHECK(error(4, 0x128, 9) == stopped + "illegal instruction, at byte 0x128");
  CHECK(error(12, 5, 9) ==
        stopped + "a word of DMEM or PMEM with two wrong bits was read, word 0x5");
  const std::string unreachable = "the device or its memory cannot be reached: ";
  CHECK(trine_load_program(o.device, o.program.data(), 3, 4088, 0) == TRINE_E_ACCESS);
  CHECK(text(TRINE_E_ACCESS) == unreachable + "memory at 0xff8");
  o.fake.fails = true;
  CHECK(trine_set_watchdog(o.device, 1) == TRINE_E_ACCESS);
  CHECK(text(TRINE_E_ACCESS) == unreachable + "register 0x58");
  CHECK(text(TRINE_E_DEVICE) + "." ==
        "the accelerator stopped with an error.");  // no more is known
  o.fake.fails = false;
  o.fake.ends_badly = false;
  o.callbacks.wait_interrupt = FakeDevice::interrupt<-1>;
  REQUIRE(trine_open(&o.storage, sizeof o.storage, &o.callbacks, &o.device) == TRINE_OK);
  CHECK(text(TRINE_E_ACCESS) == trine_strerror(TRINE_E_ACCESS));
  REQUIRE(o.load() == TRINE_OK);
  CHECK(trine_run(o.device, 9) == TRINE_E_ACCESS);
  CHECK(text(TRINE_E_ACCESS) == unreachable + "wait_interrupt() gave 0xffffffff");
  CHECK(trine_describe(nullptr, TRINE_E_DEVICE, nullptr, 0) == stopped.size() - 2);
}

TEST_CASE("an access that fails is told, whichever it is", "[runtime][error]") {
  const auto calls = [](Opened& o) {
    trine_counters counters;
    trine_status status;
    void* at = nullptr;
    o.fake.ends_badly = true;
    for (const auto call : {+[](Opened& x) { return trine_bus_was_reset(x.device); },
                            +[](Opened& x) { return trine_set_window(x.device, 0, 1); },
                            +[](Opened& x) { return trine_set_watchdog(x.device, 1); },
                            +[](Opened& x) { return x.load(); },
                            +[](Opened& x) {
                              const int result = trine_run(x.device, 9);
                              return result == TRINE_E_DEVICE ? TRINE_OK : result;
                            },
                            +[](Opened& x) { return trine_reset(x.device, 9); },
                            +[](Opened& x) { return trine_scrub(x.device, 9); }})
      if (const int result = call(o); result != TRINE_OK) return result;
    if (const int result = trine_get_status(o.device, &status); result != TRINE_OK) return result;
    if (const int result = trine_map(o.device, 0, 1, &at); result != TRINE_OK) return result;
    return trine_get_counters(o.device, &counters);
  };
  Opened whole;
  whole.fake.fails_at = 1'000'000;
  REQUIRE(calls(whole) == TRINE_OK);
  const int accesses = 1'000'000 - whole.fake.fails_at;
  CHECK(accesses > 60);
  for (int at = 1; at <= accesses; ++at) {
    Opened o;
    o.fake.fails_at = at;
    CAPTURE(at);
    CHECK(calls(o) == TRINE_E_ACCESS);
  }
}

TEST_CASE("memory is where the callback says, and what is in caches is told", "[runtime]") {
  Opened o;
  void* at = nullptr;
  REQUIRE(trine_map(o.device, 4093, 3, &at) == TRINE_OK);
  REQUIRE(at == &o.fake.caches[4093]);
  CHECK(trine_map(o.device, 4094, 3, &at) == TRINE_E_ACCESS);
  REQUIRE(trine_map(o.device, 8, 3, &at) == TRINE_OK);
  std::memcpy(at, "abcd", 4);
  REQUIRE(trine_clean(o.device, at, 3) == TRINE_OK);
  CHECK(std::memcmp(&o.fake.memory[8], "abc\0", 4) == 0);
  o.fake.memory[9] = 'x';
  REQUIRE(trine_invalidate(o.device, at, 3) == TRINE_OK);
  CHECK(std::memcmp(at, "axcd", 4) == 0);
  o.callbacks.clean = nullptr;
  o.callbacks.invalidate = nullptr;
  REQUIRE(trine_open(&o.storage, sizeof o.storage, &o.callbacks, &o.device) == TRINE_OK);
  CHECK(trine_clean(o.device, at, 4) == TRINE_OK);
  CHECK(trine_invalidate(o.device, at, 3) == TRINE_OK);
  CHECK((o.fake.memory[11] == 0 && o.fake.caches[11] == 'd'));
}

TEST_CASE("the driver knows the design that it has opened", "[runtime]") {
  Opened o;
  trine_info info;
  REQUIRE(trine_get_info(o.device, &info) == TRINE_OK);
  CHECK(info.version == TRINE_ISA_VERSION);
  CHECK(info.configuration_hash == 0x123456789abcdef0);
}

TEST_CASE("window and watchdog are set while the device is idle", "[runtime]") {
  Opened o;
  CHECK(trine_set_window(o.device, 0x1'0000'0000, 0x1'0000'0fff) == TRINE_OK);
  CHECK((o.fake.registers[0x48] == 0 && o.fake.registers[0x4c] == 1));
  CHECK((o.fake.registers[0x50] == 0xfff && o.fake.registers[0x54] == 1));
  CHECK(trine_set_window(o.device, 2, 1) == TRINE_E_ARGUMENT);
  CHECK(trine_set_window(o.device, 1, 1) == TRINE_OK);  // one byte
  CHECK((o.fake.registers[0x48] == 1 && o.fake.registers[0x50] == 1));
  CHECK(trine_set_watchdog(o.device, (1 << 24) - 1) == TRINE_OK);
  CHECK(o.fake.registers[0x58] == (1 << 24) - 1);
  CHECK(trine_set_watchdog(o.device, 1 << 24) == TRINE_E_ARGUMENT);
  REQUIRE(o.load() == TRINE_OK);
  o.fake.polls_left = 5;
  REQUIRE(trine_start(o.device) == TRINE_OK);
  CHECK(trine_set_window(o.device, 0, 1) == TRINE_E_BUSY);
  CHECK(o.fake.registers[0x48] == 1);
  CHECK(trine_set_watchdog(o.device, 77) == TRINE_OK);  // what may end a soft reset
  CHECK(o.fake.registers[0x58] == 77);
}

TEST_CASE("open waits for the zeros of memories with codes, not for a program", "[runtime]") {
  FakeDevice fake;
  trine_storage storage;
  trine_device* device = nullptr;
  const auto callbacks = fake.callbacks();
  fake.registers[0x14] = 8;
  fake.polls_left = 5;
  REQUIRE(trine_open(&storage, sizeof storage, &callbacks, &device) == TRINE_OK);
  CHECK(fake.polls_left == 0);
  fake.registers[0x14] = 9;  // a soft reset on a dead bus: the caller is to end it
  fake.polls_left = 1'000'000;
  REQUIRE(trine_open(&storage, sizeof storage, &callbacks, &device) == TRINE_OK);
}

TEST_CASE("scrub is refused while busy, and waits for its end", "[runtime]") {
  Opened o;
  CHECK(trine_scrub(nullptr, 1) == TRINE_E_ARGUMENT);
  REQUIRE(o.load() == TRINE_OK);
  o.fake.polls_left = 1'000'000;
  REQUIRE(trine_start(o.device) == TRINE_OK);
  o.fake.registers[0x10] = 0;
  CHECK(trine_scrub(o.device, 9) == TRINE_E_BUSY);
  CHECK(o.fake.registers[0x10] == 0);
  o.fake.polls_left = 1;
  CHECK(trine_wait(o.device, 9) == TRINE_OK);
  o.fake.polls_left = 3;
  CHECK(trine_scrub(o.device, 2) == TRINE_E_TIMEOUT);
  CHECK(o.fake.registers[0x10] == 4);
  CHECK(trine_reset(o.device, 9) == TRINE_OK);
  o.fake.polls_left = 3;
  CHECK(trine_scrub(o.device, 9) == TRINE_OK);
  CHECK(trine_run(o.device, 9) == TRINE_OK);
}

TEST_CASE("a counter that goes on between its two halves is read as one", "[runtime]") {
  Opened o;
  o.fake.counts = true;
  trine_counters c;
  for (int i = 0; i < 8; ++i) {
    const std::uint64_t before = o.fake.cycles;
    REQUIRE(trine_get_counters(o.device, &c) == TRINE_OK);
    CHECK(c.cycles == before + 0x80000001);
  }
}

TEST_CASE("every cause of an error has a text, that of the register map", "[runtime][error]") {
  for (const trine::csr::Code& code : trine::csr::kErrors)
    CHECK(trine_error_text(static_cast<std::uint32_t>(code.value)) == std::string(code.doc));
  CHECK(trine_error_text(99) == std::string("unknown cause"));
}

TEST_CASE("wait reports an error of the device with cause and address", "[runtime][error]") {
  Opened o;
  REQUIRE(o.load() == TRINE_OK);
  o.fake.ends_badly = true;
  CHECK(trine_run(o.device, 10) == TRINE_E_DEVICE);
  trine_status status;
  REQUIRE(trine_get_status(o.device, &status) == TRINE_OK);
  CHECK(status.error == 1);
  CHECK(status.error_cause == 2);
  CHECK(status.error_address == 0x1'0000'0040);
  CHECK(status.error_run == 7);
  // It is the end as well: the interrupt is cleared, and nobody waits any more.
  CHECK(o.fake.writes.back() == std::pair{0x028u, 3u});
  CHECK(trine_wait(o.device, 1) == TRINE_E_STATE);
}

TEST_CASE("reset waits until the device has let go", "[runtime]") {
  Opened o;
  REQUIRE(o.load() == TRINE_OK);
  o.fake.polls_left = 1'000'000;
  REQUIRE(trine_start(o.device) == TRINE_OK);
  o.fake.polls_left = 3;
  CHECK(trine_reset(o.device, 2) == TRINE_E_TIMEOUT);
  CHECK(trine_reset(o.device, 9) == TRINE_OK);
  CHECK(trine_wait(o.device, 9) == TRINE_E_STATE);  // nothing is under way any more
  CHECK(trine_run(o.device, 9) == TRINE_OK);
}

TEST_CASE("nothing starts on a bus that owes answers, until it has given them or was reset",
          "[runtime][error]") {
  Opened o;
  REQUIRE(o.load() == TRINE_OK);
  std::uint32_t& status_bits = o.fake.registers[0x14];
  status_bits = TRINE_CSR_STATUS_ERROR | TRINE_CSR_STATUS_BUS_DIRTY;
  o.fake.registers[0x10] = 0;
  CHECK(trine_start(o.device) == TRINE_E_BUS);
  CHECK(o.load() == TRINE_E_BUS);
  CHECK(trine_set_window(o.device, 0, 1) == TRINE_E_BUS);
  CHECK(o.fake.registers[0x10] == 0);  // not even asked
  trine_status status;
  REQUIRE(trine_get_status(o.device, &status) == TRINE_OK);
  CHECK((status.bus_dirty == 1 && status.busy == 0 && status.error == 1));
  o.fake.reads.clear();
  CHECK(trine_bus_was_reset(o.device) == TRINE_E_BUS);  // it does not let go
  CHECK(o.fake.reads.size() == 17);
  o.fake.lets_go = true;
  CHECK(trine_bus_was_reset(o.device) == TRINE_OK);
  CHECK(o.fake.registers[0x10] == TRINE_CSR_CONTROL_BUS_WAS_RESET);
  status_bits = TRINE_CSR_STATUS_BUSY;
  o.fake.polls_left = 2;
  CHECK(trine_bus_was_reset(o.device) == TRINE_E_BUSY);
  SECTION("a soft reset says that the watchdog gave up") {
    o.fake.gives_up = true;
    CHECK(trine_reset(o.device, 0) == TRINE_E_BUS);
    o.fake.gives_up = false;
    o.fake.polls_left = 2;
    CHECK(trine_bus_was_reset(o.device) == TRINE_OK);  // the reset still goes on
  }
  SECTION("once it has answered") {
    status_bits = TRINE_CSR_STATUS_ERROR;
    CHECK(o.load() == TRINE_OK);
    CHECK(trine_run(o.device, 9) == TRINE_OK);
  }
}

TEST_CASE("counters are 64 bits, low half first", "[runtime]") {
  Opened o;
  for (std::uint32_t offset = 0x80; offset < 0xf8; offset += 4) o.fake.registers[offset] = offset;
  trine_counters c;
  o.fake.reads.clear();
  REQUIRE(trine_get_counters(o.device, &c) == TRINE_OK);
  const auto read_at = [](std::uint64_t offset) { return (offset + 4) << 32 | offset; };
  CHECK(c.cycles == 0x84'0000'0080);
  for (std::uint64_t i = 0; i < 8; ++i) CHECK(c.causes[i] == read_at(0x88 + 8 * i));
  for (std::uint64_t i = 0; i < 4; ++i) CHECK(c.engine_busy[i] == read_at(0xc8 + 8 * i));
  CHECK(o.fake.reads.size() == 30);
  CHECK(c.bytes_read == 0xec'0000'00e8);
  CHECK(c.bytes_written == 0xf4'0000'00f0);
}

TEST_CASE("every code has a text of its own", "[runtime]") {
  CHECK(std::string(trine_strerror(TRINE_OK)) == "success");
  CHECK(std::string(trine_strerror(-99)) == "unknown error");
  std::set<std::string> texts{"success", "unknown error", trine_strerror(TRINE_RUNNING)};
  CHECK(texts.size() == 3);
  for (int code = TRINE_E_SIZE; code < 0; ++code) {
    CAPTURE(code);
    CHECK(texts.insert(trine_strerror(code)).second);
  }
}

TEST_CASE("the cases for processors without a library hold on the host, too", "[runtime]") {
  static std::vector<std::string> said;
  said.clear();
  const int failures = trine_cases([](const char* text) { said.push_back(text); });
  CAPTURE(said);
  CHECK(failures == 0);
  CHECK(said.size() == 12);
}

// ---- machine images

namespace {

using Bytes = std::vector<std::uint8_t>;

const std::filesystem::path kModels = std::filesystem::path(TRINE_SOURCE_DIR) / "models";

trine::compiler::Program shipped(const char* model) {
  return trine::compiler::compile(trine::model::import_model(kModels / model),
                                  trine::machine::load_config("edge64"));
}

Bytes image_of(const trine::compiler::Program& program) {
  const std::string image = trine::compiler::write_image(program);
  return {image.begin(), image.end()};
}

/// Where the value of that index among [y][x][channel] lies, by what the driver says alone.
std::uint8_t* value_at(const trine_tensor& t, Bytes& memory, std::uint64_t base,
                       std::size_t index) {
  const std::size_t c = index % t.channels, x = index / t.channels % t.width,
                    y = index / t.channels / t.width;
  return &memory[base + t.offset + 4 * (c / 4 * t.plane + y * t.pitch + x) + c % 4];
}

}  // namespace

TEST_CASE("a shipped model's image is loaded, and runs with what the driver knows of it",
          "[runtime][image]") {
  const trine::compiler::Program program = shipped("lenet_mnist.tflite");
  Bytes bytes = image_of(program);
  bytes.resize(bytes.size() + 100);  // the rest of a page of flash
  trine_image image;
  REQUIRE(trine_read_image(bytes.data(), bytes.size(), &image) == TRINE_OK);
  CHECK(image.configuration_hash == program.config_hash);
  CHECK((image.inputs == 1 && image.outputs == 1));
  constexpr std::uint64_t kBase = 0x1000;
  Opened o;
  o.fake.resize(kBase + image.dram_bytes + 8 * image.word_count);
  CHECK(trine_load_image(o.device, &image, kBase) == TRINE_E_CONFIGURATION);
  o.fake.registers[0x08] = static_cast<std::uint32_t>(program.config_hash);
  o.fake.registers[0x0c] = static_cast<std::uint32_t>(program.config_hash >> 32);
  REQUIRE(trine_open(&o.storage, sizeof o.storage, &o.callbacks, &o.device) == TRINE_OK);
  REQUIRE(trine_load_image(o.device, &image, kBase) == TRINE_OK);
  CHECK(o.fake.registers[0x30] == kBase + image.dram_bytes);
  CHECK(o.fake.registers[0x38] == program.words.size());
  CHECK(o.fake.registers[0x40] == kBase);
  CHECK(std::memcmp(&o.fake.memory[kBase + image.dram_bytes], program.words.data(),
                    8 * program.words.size()) == 0);

  trine_tensor input, output;
  REQUIRE(trine_image_input(&image, 0, &input) == TRINE_OK);
  REQUIRE(trine_image_output(&image, 0, &output) == TRINE_OK);
  CHECK(trine_image_input(&image, 1, &input) == TRINE_E_ARGUMENT);
  CHECK(trine_image_output(&image, 1, &output) == TRINE_E_ARGUMENT);
  CHECK(input.scale == program.inputs[0].scale);
  CHECK(input.zero_point == program.inputs[0].zero_point);
  CHECK((input.rank == 4 && input.extents[1] == 28 && input.extents[4] == 0));
  CHECK((output.codes_per_word == 4 && output.transposed == 0 && output.fold.pixels == 1));

  const auto vectors = trine::reference::read_vectors(kModels / "lenet_mnist" / "vectors");
  REQUIRE(trine_input(o.device, &image, 0, vectors.cases.at(0).inputs.at(0).bytes.data()) ==
          TRINE_OK);
  Bytes dram;
  dram.assign(o.fake.memory.begin() + kBase,
              o.fake.memory.begin() + static_cast<std::ptrdiff_t>(kBase + image.dram_bytes));
  trine::sim::run_arch_dram(program, dram);
  std::copy(dram.begin(), dram.end(), o.fake.memory.begin() + kBase);
  const Bytes& expected = vectors.cases.at(0).outputs.at(0).bytes;
  REQUIRE(expected.size() == std::size_t{output.channels} * output.height * output.width);
  for (std::size_t i = 0; i < expected.size(); ++i)
    CHECK(*value_at(output, o.fake.memory, kBase, i) == expected[i]);
  Bytes result(expected.size());
  REQUIRE(trine_output(o.device, &image, 0, result.data()) == TRINE_OK);
  CHECK(result == expected);
}

namespace {

using trine::program::TensorLayout;

/// Of a tensor of random extents in any order of its axes.
TensorLayout random_layout(std::mt19937& random, bool folds) {
  const auto number = [&](int low, int high) {
    return low + static_cast<int>(random() % static_cast<unsigned>(high - low + 1));
  };
  TensorLayout l;
  const int widths[] = {1, 4, 4, 4, 16, 32}, H = number(1, 6), W = number(1, 7), C = number(1, 40);
  l.shape = {C, H, W, widths[number(0, 5)]};
  l.transposed = number(0, 1) == 1;
  if (folds && number(0, 1) == 1) {
    l.fold = {
        number(1, 3), number(2, 3), number(1, 3), number(1, 3), number(0, 2), number(0, 2), H, W};
    l.shape = {l.fold.size() * number(1, 3), number(1, 5), number(1, 5), 4};
  }
  l.pitch = l.shape.W + number(0, 3);
  l.plane = l.pitch * l.shape.H + number(0, 5);
  std::array<std::pair<int, std::int64_t*>, 3> axes{
      {{l.rows(), &l.steps.y}, {l.columns(), &l.steps.x}, {l.channels(), &l.steps.channel}}};
  std::ranges::shuffle(axes, random);
  std::int64_t step = 1;
  for (const auto& [extent, to] : axes) {
    *to = step;
    step *= extent;
    l.extents.insert(l.extents.begin(), extent);
  }
  if (l.element_bytes() == 1 && number(0, 1) == 1)
    for (int i = 0; i < 256; ++i) l.codes.push_back(static_cast<std::uint8_t>(random()));
  l.zero_point = number(-128, 127);
  return l;
}

/// As the driver reads it from an image.
trine_tensor driver_tensor(const TensorLayout& layout, Bytes* bytes) {
  trine::compiler::Program program = shipped("plus_filter.tflite");
  program.inputs = program.outputs = {layout};
  program.dram_bytes = 1 << 20;
  *bytes = image_of(program);
  trine_image image;
  trine_tensor tensor;
  REQUIRE(trine_read_image(bytes->data(), bytes->size(), &image) == TRINE_OK);
  REQUIRE(trine_image_input(&image, 0, &tensor) == TRINE_OK);
  return tensor;
}

}  // namespace

TEST_CASE("the driver lays tensors out as the host's library does, and reads them back",
          "[runtime][layout]") {
  std::mt19937 random{1};
  int folded = 0, looked_up = 0;
  for (int i = 0; i < 200; ++i) {
    const TensorLayout layout = random_layout(random, true);
    folded += layout.fold.folded();
    looked_up += !layout.codes.empty();
    Bytes bytes;
    const trine_tensor tensor = driver_tensor(layout, &bytes);
    CAPTURE(i, layout.shape.per_word, layout.transposed, layout.fold.size(), layout.codes.size());
    Bytes host(static_cast<std::size_t>(layout.elements() * layout.element_bytes()));
    for (std::uint8_t& byte : host) byte = static_cast<std::uint8_t>(random());
    Bytes expected(static_cast<std::size_t>(layout.bytes()));
    trine::program::to_planar(host.data(), layout, expected.data());
    REQUIRE(tensor.bytes == expected.size());
    std::vector<std::uint32_t> planes(expected.size() / 4, 0xdead'beef);
    REQUIRE(trine_to_planes(&tensor, host.data(), planes.data()) == TRINE_OK);
    REQUIRE(std::memcmp(planes.data(), expected.data(), expected.size()) == 0);
    Bytes back(host.size()), golden(host.size());
    const int result = trine_from_planes(&tensor, planes.data(), back.data());
    REQUIRE(result == (layout.fold.folded() ? TRINE_E_IMAGE : TRINE_OK));
    if (layout.fold.folded()) continue;
    trine::program::from_planar(expected.data(), layout, golden.data());
    REQUIRE(back == golden);
  }
  CHECK((folded > 20 && looked_up > 20));
}

namespace {

/// As operator QUANTIZE, in double.
std::int32_t nearest_code(float value, const trine_tensor& t) {
  const float steps = value / static_cast<float>(t.scale);
  if (t.codes_per_word == 32) return steps > 0 ? 1 : -1;
  const double whole = t.half_even != 0 ? std::nearbyint(double{steps}) : std::round(double{steps});
  const double low = t.codes_per_word == 4    ? -128
                     : t.codes_per_word == 16 ? -1
                                              : -2147483648.0,
               high = -low - 1 + (t.codes_per_word == 16);
  if (std::isnan(steps)) return static_cast<std::int32_t>(std::max(-1e9 + t.zero_point, low));
  return static_cast<std::int32_t>(
      std::clamp(std::clamp(whole, -1e9, 1e9) + t.zero_point, low, high));
}

/// A device with an image of nothing but that tensor, as input and as output.
struct LoadedTensor {
  Opened opened;
  Bytes bytes;
  trine_image image;
  trine_tensor tensor;

  LoadedTensor(const TensorLayout& layout, std::uint32_t half_even) {
    static const trine::compiler::Program plus = shipped("plus_filter.tflite");
    trine::compiler::Program program = plus;
    program.inputs = program.outputs = {layout};
    program.dram_bytes = 1 << 16;
    program.config_hash = 0x123456789abcdef0;
    bytes = image_of(program);
    std::memcpy(&bytes[64 + 148], &half_even, 4);
    trine::program::seal_image(bytes);
    REQUIRE(trine_read_image(bytes.data(), bytes.size(), &image) == TRINE_OK);
    REQUIRE(trine_image_input(&image, 0, &tensor) == TRINE_OK);
    opened.fake.resize(image.dram_bytes + 8 * image.word_count);
    REQUIRE(trine_load_image(opened.device, &image, 0) == TRINE_OK);
  }
  std::uint8_t* memory() { return &opened.fake.memory[tensor.offset]; }
};

/// A machine code as the host's layout library wants it.
void put_code(std::int32_t code, const TensorLayout& layout, std::size_t at, Bytes* host) {
  std::memcpy(&(*host)[at * static_cast<std::size_t>(layout.element_bytes())], &code,
              static_cast<std::size_t>(layout.element_bytes()));
}

}  // namespace

TEST_CASE("real numbers become the nearest codes, and come back in steps of the scale",
          "[runtime][layout]") {
  std::mt19937 random{3};
  const float edges[] = {0.0F,  -0.0F,         1e30F,     -1e30F,     4e9F,
                         -4e9F, std::nanf(""), HUGE_VALF, -HUGE_VALF, 1e-40F};
  for (int i = 0; i < 200; ++i) {
    TensorLayout layout = random_layout(random, true);
    layout.codes.clear();  // floats are of the machine's codes
    layout.scale = i % 2 == 0 ? 0.25 : double{0.0078431377F};
    LoadedTensor loaded(layout, static_cast<std::uint32_t>(i) / 2 % 2);
    const trine_tensor& tensor = loaded.tensor;
    CAPTURE(i, layout.shape.per_word, layout.fold.size(), layout.zero_point);
    std::vector<float> values(static_cast<std::size_t>(layout.elements()));
    Bytes host(values.size() * static_cast<std::size_t>(layout.element_bytes()));
    for (std::size_t e = 0; e < values.size(); ++e) {
      const int eighths = static_cast<int>(random() % 4096) - 2048;  // halves of a step, too
      values[e] = random() % 50 == 0 ? edges[random() % std::size(edges)]
                                     : static_cast<float>(eighths) * 0x1p-6F;
      put_code(nearest_code(values[e], tensor), layout, e, &host);
    }
    Bytes expected(static_cast<std::size_t>(layout.bytes()));
    trine::program::to_planar(host.data(), layout, expected.data());
    REQUIRE(trine_input_float(loaded.opened.device, &loaded.image, 0, values.data()) == TRINE_OK);
    REQUIRE(std::memcmp(loaded.memory(), expected.data(), expected.size()) == 0);
    std::vector<float> back(values.size());
    const int result = trine_output_float(loaded.opened.device, &loaded.image, 0, back.data());
    REQUIRE(result == (layout.fold.folded() ? TRINE_E_IMAGE : TRINE_OK));
    if (layout.fold.folded()) continue;
    for (std::size_t e = 0; e < back.size(); ++e) {
      CAPTURE(e, values[e]);
      const std::int32_t code = nearest_code(values[e], tensor);
      REQUIRE(back[e] ==
              static_cast<float>(tensor.scale * (std::int64_t{code} - tensor.zero_point)));
    }
  }
}

TEST_CASE("sums of more digits than a float has become the nearest float", "[runtime][layout]") {
  std::mt19937 random{4};
  TensorLayout layout;
  layout.shape = {.C = 1, .H = 1, .W = 1000, .per_word = 1};
  layout.pitch = 1000;
  layout.plane = 1000;
  layout.steps = {1000, 1, 1};
  layout.extents = {1, 1000};
  layout.scale = double{0.0078431377F};
  layout.zero_point = -3;
  LoadedTensor loaded(layout, 0);
  std::vector<std::int32_t> sums(1000);
  for (std::int32_t& sum : sums) sum = static_cast<std::int32_t>(random() >> random() % 24);
  std::memcpy(loaded.memory(), sums.data(), 4 * sums.size());
  std::vector<float> values(sums.size());
  REQUIRE(trine_output_float(loaded.opened.device, &loaded.image, 0, values.data()) == TRINE_OK);
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const auto steps = static_cast<std::int32_t>(static_cast<std::uint32_t>(sums[i]) + 3);
    CAPTURE(i, sums[i]);
    REQUIRE(values[i] == static_cast<float>(layout.scale * steps));
  }
}

TEST_CASE("a tensor that contradicts itself is not laid out", "[runtime][layout][error]") {
  std::mt19937 random{2};
  const TensorLayout layout = random_layout(random, false);
  Bytes bytes;
  const trine_tensor good = driver_tensor(layout, &bytes);
  Bytes host(4 * static_cast<std::size_t>(layout.elements()));
  std::vector<std::uint32_t> planes(good.bytes / 4);
  const auto both = [&](trine_tensor t) {
    const int to = trine_to_planes(&t, host.data(), planes.data());
    CHECK(trine_from_planes(&t, planes.data(), host.data()) == to);
    return to;
  };
  CHECK(both(good) == TRINE_OK);
  CHECK(trine_to_planes(nullptr, host.data(), planes.data()) == TRINE_E_ARGUMENT);
  CHECK(trine_to_planes(&good, nullptr, planes.data()) == TRINE_E_ARGUMENT);
  CHECK(trine_to_planes(&good, host.data(), nullptr) == TRINE_E_ARGUMENT);
  CHECK(trine_from_planes(nullptr, planes.data(), host.data()) == TRINE_E_ARGUMENT);
  CHECK(trine_from_planes(&good, nullptr, host.data()) == TRINE_E_ARGUMENT);
  CHECK(trine_from_planes(&good, planes.data(), nullptr) == TRINE_E_ARGUMENT);
  const auto bad = [&](auto change) {
    trine_tensor t = good;
    change(t);
    CHECK(both(t) == TRINE_E_IMAGE);
  };
  bad([](trine_tensor& t) { t.height = 0; });
  bad([](trine_tensor& t) { t.width = 32768; });
  bad([](trine_tensor& t) { t.plane = t.pitch * (t.height - 1) + t.width - 1; });
  bad([](trine_tensor& t) { t.extents[0] = 0; });
  bad([](trine_tensor& t) { t.step_y = ~std::uint64_t{0}; });
  bad([](trine_tensor& t) { t.step_channel += 1; });
  bad([](trine_tensor& t) { t.codes_per_word = 0; });
  bad([](trine_tensor& t) { t.fold.rows = 0; });
  bad([](trine_tensor& t) { t.fold.pixels = 256; });
}

namespace {

/// CRC-32 a bit at a time.
std::uint32_t crc_of(const Bytes& bytes) {
  std::uint32_t crc = 0xffff'ffff;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i >= 60 && i < 64) continue;
    for (int bit = 0; bit < 8; ++bit) {
      const bool odd = ((crc ^ bytes[i] >> bit) & 1) != 0;
      crc = odd ? crc >> 1 ^ 0xedb8'8320 : crc >> 1;
    }
  }
  return ~crc;
}

/// An image whose parts and tensors all end where there is no byte more, by the table of
/// docs/program-file.md alone.
struct HandMade {
  static constexpr std::uint64_t kDram = 0x7'0000'0100, kConstantsAddress = kDram - 5;
  static constexpr std::size_t kWords = 64 + 5 * 160 + 256, kConstants = kWords + 2 * 8;
  Bytes bytes = Bytes(kConstants + 5);

  HandMade() {
    put(0, std::uint64_t{0x474d49454e495254});
    put(8, std::uint32_t{2});
    put(12, std::uint32_t{TRINE_ISA_VERSION});
    put(16, std::uint64_t{0x123456789abcdef0});
    put(24, kDram);
    put(32, kConstantsAddress);
    put(40, static_cast<std::uint32_t>(kWords));
    put(44, std::uint32_t{2});
    put(48, static_cast<std::uint32_t>(kConstants));
    put(52, std::uint32_t{5});
    put(56, std::uint16_t{2});  // inputs
    put(58, std::uint16_t{3});  // outputs
    for (std::uint32_t i = 0; i < 5; ++i) tensor(i);
    for (std::size_t i = kWords; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i);
    seal();
  }
  template <typename T>
  void put(std::size_t at, T value) {
    for (std::size_t i = 0; i < sizeof value; ++i)
      bytes[at + i] = static_cast<std::uint8_t>(value >> 8 * i);
  }
  /// Numbers that differ in each field, with a high bit where it is a field's own.
  void tensor(std::uint32_t i) {
    const std::size_t at = 64 + 160 * i;
    const std::uint32_t plane = 0x1000'0000 + i, planes = 5;
    put(at, kDram - std::uint64_t{4} * plane * planes);
    put(at + 8, std::uint64_t{plane});
    put(at + 16, std::uint64_t{0x3ff8'0000'0000'0000} + (std::uint64_t{i} << 52));  // 1.5 * 2^i
    put(at + 24, static_cast<std::uint32_t>(-7 - static_cast<int>(i)));
    put(at + 32, 4 * planes - 3);  // of four in a word: the last word holds one
    put(at + 44, std::uint32_t{4});
    put(at + 52, std::uint32_t{8});
    for (const std::size_t field : {28, 36, 40, 48, 148}) put(at + field, unlike(field, i));
    for (std::size_t field = 56; field < 144; field += 4) put(at + field, unlike(field, i));
    if (i % 2 == 1) put(at + 144, static_cast<std::uint32_t>(kWords - 256 - i));
  }
  static std::uint32_t unlike(std::size_t field, std::uint32_t tensor) {
    return 0x8765'4300 + static_cast<std::uint32_t>(field) + (tensor << 20);
  }
  void seal() { put(60, crc_of(bytes)); }
  int read() const {
    trine_image image;
    return trine_read_image(bytes.data(), bytes.size(), &image);
  }
};

}  // namespace

TEST_CASE("each field of an image is read from its place in the table", "[runtime][image]") {
  const HandMade made;
  trine_image image;
  REQUIRE(trine_read_image(made.bytes.data(), made.bytes.size(), &image) == TRINE_OK);
  CHECK(image.configuration_hash == 0x123456789abcdef0);
  CHECK(image.dram_bytes == HandMade::kDram);
  CHECK(image.constants_address == HandMade::kConstantsAddress);
  CHECK(image.words == made.bytes.data() + HandMade::kWords);
  CHECK(image.constants == made.bytes.data() + HandMade::kConstants);
  CHECK((image.word_count == 2 && image.constants_bytes == 5));
  CHECK((image.inputs == 2 && image.outputs == 3));
  trine_tensor t;
  CHECK(trine_image_input(&image, 2, &t) == TRINE_E_ARGUMENT);
  CHECK(trine_image_output(&image, 3, &t) == TRINE_E_ARGUMENT);
  for (std::uint32_t i = 0; i < 5; ++i) {
    CAPTURE(i);
    REQUIRE((i < 2 ? trine_image_input(&image, i, &t) : trine_image_output(&image, i - 2, &t)) ==
            TRINE_OK);
    const auto field = [i](std::size_t at) { return HandMade::unlike(at, i); };
    CHECK(t.plane == 0x1000'0000 + i);
    CHECK(t.bytes == 20 * t.plane);
    CHECK(t.offset == HandMade::kDram - t.bytes);
    CHECK(t.scale == 1.5 * (1 << i));
    CHECK(t.zero_point == -7 - static_cast<int>(i));
    CHECK(t.pitch == field(28));
    CHECK((t.channels == 17 && t.height == field(36) && t.width == field(40)));
    CHECK((t.codes_per_word == 4 && t.transposed == field(48) && t.rank == 8));
    CHECK(t.half_even == field(148));
    for (std::size_t d = 0; d < 8; ++d) CHECK(t.extents[d] == field(56 + 4 * d));
    CHECK((t.fold.rows == field(88) && t.fold.pixels == field(92)));
    CHECK((t.fold.stride_y == field(96) && t.fold.stride_x == field(100)));
    CHECK((t.fold.top == field(104) && t.fold.left == field(108)));
    CHECK((t.fold.height == field(112) && t.fold.width == field(116)));
    const auto wide = [&](std::size_t at) {
      return std::uint64_t{field(at + 4)} << 32 | field(at);
    };
    CHECK((t.step_y == wide(120) && t.step_x == wide(128) && t.step_channel == wide(136)));
    CHECK(t.codes == (i % 2 == 1 ? made.bytes.data() + HandMade::kWords - 256 - i : nullptr));
  }
}

TEST_CASE("an image may be full to the last byte, not more", "[runtime][image][error]") {
  struct Row {
    std::size_t at, bytes;
    std::uint64_t value;
    int expected;
  };
  constexpr std::uint64_t kDram = HandMade::kDram, kLast = 64 + 4 * 160;  // the last output
  for (const Row& row :
       std::vector<Row>{{24, 8, kDram - 1, TRINE_E_IMAGE},  // constants and tensors need it all
                        {24, 8, kDram + 1, TRINE_OK},
                        {32, 8, kDram - 4, TRINE_E_IMAGE},
                        {32, 8, kDram + 1, TRINE_E_IMAGE},
                        {32, 8, kDram - 6, TRINE_OK},
                        {40, 4, 64 + 5 * 160 - 8, TRINE_E_IMAGE},  // in the last record
                        {kLast + 144, 4, HandMade::kWords - 256, TRINE_OK},
                        {kLast + 144, 4, HandMade::kWords - 255, TRINE_E_IMAGE},  // a table
                        {kLast + 144, 4, ~0U, TRINE_E_IMAGE},
                        {40, 4, HandMade::kWords + 4, TRINE_E_IMAGE},
                        {40, 4, HandMade::kWords + 8, TRINE_E_IMAGE},
                        {44, 4, 1, TRINE_OK},
                        {44, 4, 3, TRINE_E_IMAGE},
                        {48, 4, HandMade::kConstants - 1, TRINE_E_IMAGE},
                        {48, 4, HandMade::kConstants + 1, TRINE_E_IMAGE},
                        {52, 4, 6, TRINE_E_IMAGE},
                        {56, 2, 3, TRINE_E_IMAGE},
                        {58, 2, 4, TRINE_E_IMAGE},
                        {kLast, 8, kDram + 1, TRINE_E_IMAGE},
                        {kLast, 8, kDram - 20 * 0x1000'0004ULL + 1, TRINE_E_IMAGE},
                        {kLast + 8, 8, 0x1000'0005, TRINE_E_IMAGE},
                        {kLast + 8, 8, 0x1'0000'0000, TRINE_E_IMAGE},
                        {kLast + 8, 8, 0, TRINE_OK},
                        {kLast + 32, 4, 20, TRINE_OK},
                        {kLast + 32, 4, 21, TRINE_E_IMAGE},
                        {kLast + 32, 4, 0, TRINE_E_IMAGE},
                        {kLast + 44, 4, 0, TRINE_E_IMAGE},
                        {kLast + 44, 4, 1, TRINE_E_IMAGE},  // 17 planes
                        {kLast + 44, 4, 2, TRINE_E_IMAGE},
                        {kLast + 44, 4, 8, TRINE_E_IMAGE},
                        {kLast + 44, 4, 16, TRINE_OK},
                        {kLast + 44, 4, 17, TRINE_E_IMAGE},
                        {kLast + 44, 4, 32, TRINE_OK},
                        {kLast + 44, 4, 33, TRINE_E_IMAGE},
                        {kLast + 52, 4, 9, TRINE_E_IMAGE}}) {
    HandMade made;
    for (std::size_t i = 0; i < row.bytes; ++i)
      made.bytes[row.at + i] = static_cast<std::uint8_t>(row.value >> 8 * i);
    made.seal();
    CAPTURE(row.at, row.value);
    CHECK(made.read() == row.expected);
  }
  for (const std::size_t at : {0, 7}) {  // the magic, and its last letter
    HandMade other;
    other.bytes[at] ^= 1;
    other.seal();
    CHECK(other.read() == TRINE_E_IMAGE);
  }
  HandMade odd;  // words that would fit, but not in steps of 8
  odd.put(44, std::uint32_t{1});
  odd.put(40, static_cast<std::uint32_t>(HandMade::kWords + 4));
  odd.seal();
  CHECK(odd.read() == TRINE_E_IMAGE);
  HandMade made;  // many channels of nothing, and planes as far apart as they can be
  made.put(kLast, std::uint64_t{0});
  made.put(kLast + 8, std::uint64_t{0});
  made.put(kLast + 32, std::uint32_t{65535});
  made.put(kLast + 44, std::uint32_t{1});
  made.seal();
  CHECK(made.read() == TRINE_OK);
  made.put(kLast, HandMade::kDram);
  made.seal();
  CHECK(made.read() == TRINE_OK);  // nothing, at the end
  made.put(kLast + 32, std::uint32_t{65536});
  made.seal();
  CHECK(made.read() == TRINE_E_IMAGE);
  made.put(24, ~std::uint64_t{0});
  made.put(kLast, std::uint64_t{0});
  made.put(kLast + 8, std::uint64_t{0xffff'ffff});
  made.put(kLast + 32, std::uint32_t{1});
  made.seal();
  CHECK(made.read() == TRINE_OK);
  made.put(kLast + 8, std::uint64_t{0x1'0000'0000});
  made.seal();
  CHECK(made.read() == TRINE_E_IMAGE);
  // No constants, at the end of the memory.
  HandMade bare;
  bare.put(52, std::uint32_t{0});
  bare.put(32, HandMade::kDram);
  bare.bytes.resize(HandMade::kConstants);
  bare.seal();
  CHECK(bare.read() == TRINE_OK);
}

TEST_CASE("an image is not loaded while a program runs", "[runtime][image][error]") {
  Opened o;
  const HandMade made;
  trine_image image;
  REQUIRE(trine_read_image(made.bytes.data(), made.bytes.size(), &image) == TRINE_OK);
  image.dram_bytes = 64;
  image.constants_address = 8;
  REQUIRE(o.load() == TRINE_OK);
  o.fake.polls_left = 1'000'000;
  REQUIRE(trine_start(o.device) == TRINE_OK);
  const std::vector<std::uint8_t> before = o.fake.memory;
  CHECK(trine_load_image(o.device, &image, 1024) == TRINE_E_BUSY);
  CHECK(o.fake.memory == before);
  o.fake.polls_left = 0;
  REQUIRE(trine_wait(o.device, 9) == TRINE_OK);
  REQUIRE(trine_load_image(o.device, &image, 1024) == TRINE_OK);
  CHECK(std::memcmp(&o.fake.memory[1024 + 8], &made.bytes[HandMade::kConstants], 5) == 0);
  CHECK(std::memcmp(&o.fake.memory[1024 + 64], &made.bytes[HandMade::kWords], 16) == 0);
  CHECK((o.fake.registers[0x30] == 1024 + 64 && o.fake.registers[0x38] == 2));
}

TEST_CASE("tensors go only to the image that is loaded, and not while it runs",
          "[runtime][image][error]") {
  Opened o;
  const trine::compiler::Program program = shipped("plus_filter.tflite");
  const Bytes bytes = image_of(program), copy = bytes;
  trine_image image, other;
  REQUIRE(trine_read_image(bytes.data(), bytes.size(), &image) == TRINE_OK);
  REQUIRE(trine_read_image(copy.data(), copy.size(), &other) == TRINE_OK);
  image.configuration_hash = 0x123456789abcdef0;
  o.fake.resize(image.dram_bytes + 8 * image.word_count);
  const auto elements = [](const TensorLayout& l) {
    return Bytes(static_cast<std::size_t>(l.elements() * l.element_bytes()));
  };
  Bytes input = elements(program.inputs[0]), output = elements(program.outputs[0]);
  const auto both = [&](const trine_image& of) {
    const int to = trine_input(o.device, &of, 0, input.data());
    CHECK(trine_output(o.device, &of, 0, output.data()) == to);
    return to;
  };
  CHECK(both(image) == TRINE_E_STATE);
  CHECK(trine_input(nullptr, &image, 0, input.data()) == TRINE_E_ARGUMENT);
  CHECK(trine_output(nullptr, &image, 0, output.data()) == TRINE_E_ARGUMENT);
  REQUIRE(trine_load_image(o.device, &image, 0) == TRINE_OK);
  CHECK(both(image) == TRINE_OK);
  CHECK(both(other) == TRINE_E_STATE);
  CHECK(trine_input(o.device, &image, 0, nullptr) == TRINE_E_ARGUMENT);
  CHECK(trine_output(o.device, &image, 0, nullptr) == TRINE_E_ARGUMENT);
  REQUIRE(trine_start(o.device) == TRINE_OK);
  CHECK(both(image) == TRINE_E_BUSY);
  REQUIRE(trine_wait(o.device, 9) == TRINE_OK);
  CHECK(both(image) == TRINE_OK);
  o.fake.resize(image.dram_bytes - 1);
  CHECK(trine_load_image(o.device, &image, 0) == TRINE_E_ACCESS);
  CHECK(both(image) == TRINE_E_STATE);
}

TEST_CASE("damaged images are refused by a code", "[runtime][image][error]") {
  const Bytes good = image_of(shipped("plus_filter.tflite"));
  trine_image image;
  const auto read = [&](const Bytes& bytes) {
    return trine_read_image(bytes.data(), bytes.size(), &image);
  };
  CHECK(trine_read_image(nullptr, 64, &image) == TRINE_E_ARGUMENT);
  CHECK(trine_read_image(good.data(), good.size(), nullptr) == TRINE_E_ARGUMENT);
  REQUIRE(read(good) == TRINE_OK);
  for (std::size_t size = 1; size < good.size(); size += size < 512 ? 1 : 61)
    CHECK(read({good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)}) == TRINE_E_IMAGE);
  for (std::size_t at = 0; at < good.size(); at += at < 512 ? 1 : 61) {
    Bytes bad = good;
    bad[at] ^= 0x40;
    CAPTURE(at);
    CHECK(read(bad) == (at >= 12 && at < 16 ? TRINE_E_VERSION : TRINE_E_IMAGE));
  }
  // With a checksum that fits, nothing is read or written outside of it.
  const auto resealed = [&](std::size_t at, std::uint32_t value) {
    Bytes bad = good;
    std::memcpy(&bad[at], &value, 4);
    trine::compiler::seal_image(bad);
    return read(bad);
  };
  CHECK(resealed(8, 1) == TRINE_E_IMAGE);     // format
  CHECK(resealed(24, 0) == TRINE_E_IMAGE);    // dram_bytes
  CHECK(resealed(36, ~0U) == TRINE_E_IMAGE);  // constants_address
  CHECK(resealed(40, 64) == TRINE_E_IMAGE);   // words among the records
  CHECK(resealed(44, 0) == TRINE_E_IMAGE);    // no words
  CHECK(resealed(44, ~0U) == TRINE_E_IMAGE);
  CHECK(resealed(52, ~0U) == TRINE_E_IMAGE);          // constants_bytes
  CHECK(resealed(56, 0xffff'ffff) == TRINE_E_IMAGE);  // tensors
  CHECK(resealed(64, 2) == TRINE_E_IMAGE);            // offset inside of a word
  CHECK(resealed(64 + 4, 1) == TRINE_E_IMAGE);        // offset beyond the memory
  CHECK(resealed(64 + 12, ~0U) == TRINE_E_IMAGE);     // plane
  CHECK(resealed(64 + 32, ~0U) == TRINE_E_IMAGE);     // channels
  CHECK(resealed(64 + 44, 0) == TRINE_E_IMAGE);       // codes in a word
  CHECK(resealed(64 + 52, 9) == TRINE_E_IMAGE);       // rank
  CHECK(resealed(64 + 24, 1) == TRINE_OK);            // a zero point may be anything
}
