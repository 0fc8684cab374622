// SPDX-License-Identifier: Apache-2.0
//
// Drives the AXI memory model cycle by cycle without a design.

#include "sim/rtl/memory.h"

#include <numeric>
#include <random>

#include "sw/base/catch.h"

using namespace trine::sim;

namespace {

constexpr std::uint64_t kBase = 0x10000;

struct Bench {
  std::vector<std::uint8_t> bytes = std::vector<std::uint8_t>(64 * 1024);
  AxiMemory memory;
  AxiRequest request;
  int cycle = 0;

  explicit Bench(AxiMemory::Settings settings = {}) : memory(settings) {
    std::iota(bytes.begin(), bytes.end(), std::uint8_t{1});
    memory.attach(bytes.data(), bytes.size(), kBase);
    request.arsize = request.awsize = 3;
    request.arburst = request.awburst = 1;
    request.rready = request.bready = true;
    tick();
  }
  bool tick() {
    ++cycle;
    return memory.step(request);
  }
  void read_address(std::uint64_t address, int beats, int id = 0) {
    request.arvalid = true;
    request.araddr = address;
    request.arlen = static_cast<std::uint8_t>(beats - 1);
    request.arid = static_cast<std::uint8_t>(id);
    while (!memory.reply().arready) tick();
    tick();
    request.arvalid = false;
  }
  /// Returns the cycles until a beat is on the bus; the beat is not taken yet.
  int wait_beat() {
    const int start = cycle;
    while (!memory.reply().rvalid && cycle < start + 10'000) tick();
    return cycle - start;
  }
};

}  // namespace

TEST_CASE("the first beat comes after the latency, the others follow without gaps", "[rtl][axi]") {
  const auto latency = GENERATE(1, 2, 32);
  CAPTURE(latency);
  Bench bench({8, latency});
  bench.read_address(kBase + 256, 4);
  CHECK(bench.wait_beat() == latency);
  for (int beat = 0; beat < 4; ++beat) {
    const AxiReply& reply = bench.memory.reply();
    REQUIRE(reply.rvalid);
    CHECK(reply.rresp == 0);
    CHECK(reply.rlast == (beat == 3));
    CHECK(std::equal(reply.rdata, reply.rdata + 8, bench.bytes.data() + 256 + 8 * beat));
    bench.tick();
  }
  CHECK_FALSE(bench.memory.reply().rvalid);
  CHECK(bench.memory.bytes_read() == 32);
}

TEST_CASE("latencies of outstanding bursts overlap", "[rtl][axi]") {
  Bench bench({8, 20});
  for (int i = 0; i < 4; ++i) bench.read_address(kBase + 64u * static_cast<unsigned>(i), 8);
  const int start = bench.cycle;
  while (bench.memory.bytes_read() < 4 * 64) bench.tick();
  CHECK(bench.cycle - start <= 20 + 32);
}

TEST_CASE("a budget below the bus width spreads the beats", "[rtl][axi]") {
  Bench bench({8, 1, 2});
  bench.read_address(kBase, 16);
  bench.wait_beat();
  const int start = bench.cycle;
  while (bench.memory.bytes_read() < 16 * 8) bench.tick();
  CHECK(bench.cycle - start == 15 * 4 + 1);
}

TEST_CASE("a later burst of another ID does not wait for a queue", "[rtl][axi]") {
  Bench bench({8, 4});
  for (int i = 0; i < 3; ++i) bench.read_address(kBase, 32, 1);
  bench.read_address(kBase, 1, 0);
  int cycles = 0;
  while (bench.memory.reply().rid != 0 || !bench.memory.reply().rvalid) {
    bench.tick();
    REQUIRE(++cycles < 3 * 32);
  }
  CHECK(cycles <= 4 + 32);  // latency plus the burst in progress
}

TEST_CASE("writes change the bytes under the strobe and are answered", "[rtl][axi]") {
  Bench bench({8, 5});
  const std::uint8_t beat[8] = {100, 101, 102, 103, 104, 105, 106, 107};
  bench.request.awvalid = true;
  bench.request.awaddr = kBase + 16;
  while (!bench.memory.reply().awready) bench.tick();
  bench.tick();
  bench.request.awvalid = false;
  bench.request.wvalid = bench.request.wlast = true;
  bench.request.wstrb = 0x81;
  bench.request.wdata = beat;
  while (!bench.memory.reply().wready) bench.tick();
  bench.tick();
  bench.request.wvalid = false;
  const int start = bench.cycle;
  while (!bench.memory.reply().bvalid) bench.tick();
  CHECK(bench.cycle - start == 5);
  CHECK(bench.memory.reply().bresp == 0);
  CHECK(bench.bytes[16] == 100);
  CHECK(bench.bytes[17] == 18);
  CHECK(bench.bytes[23] == 107);
  CHECK(bench.memory.bytes_written() == 2);
}

TEST_CASE("a beat of the widest bus has a strobe for each byte", "[rtl][axi]") {
  constexpr std::size_t kBytes = 128;
  Bench bench({kBytes, 5});
  const std::vector<std::uint8_t> before(bench.bytes.begin(), bench.bytes.begin() + kBytes);
  std::vector<std::uint8_t> beat(kBytes);
  for (std::size_t i = 0; i < kBytes; ++i) beat[i] = static_cast<std::uint8_t>(before[i] + 1);
  bench.request.awsize = 7;
  bench.request.awvalid = true;
  bench.request.awaddr = kBase;
  while (!bench.memory.reply().awready) bench.tick();
  bench.tick();
  bench.request.awvalid = false;
  bench.request.wvalid = bench.request.wlast = true;
  for (const std::size_t i : {0, 63, 64, 127}) bench.request.wstrb.set(i);
  bench.request.wdata = beat.data();
  while (!bench.memory.reply().wready) bench.tick();
  bench.tick();
  bench.request.wvalid = false;
  CHECK(bench.memory.protocol_error().empty());
  for (std::size_t i = 0; i < kBytes; ++i) {
    CAPTURE(i);
    CHECK(bench.bytes[i] == (bench.request.wstrb[i] ? beat[i] : before[i]));
  }
  CHECK(bench.memory.bytes_written() == 4);
}

TEST_CASE("injected errors and addresses outside are answered as errors", "[rtl][axi][error]") {
  Bench bench;
  bench.memory.inject_error(kBase + 72, kBase + 72, 2);
  bench.read_address(kBase + 64, 3);
  for (const int expected : {0, 2, 0}) {
    bench.wait_beat();
    CHECK(bench.memory.reply().rresp == expected);
    bench.tick();
  }
  bench.read_address(kBase + 64 * 1024, 1);
  bench.wait_beat();
  CHECK(bench.memory.reply().rresp == 3);
  CHECK(bench.memory.protocol_error().empty());
}

TEST_CASE("violations of the protocol are named", "[rtl][axi][error]") {
  Bench bench;
  const auto text = [&bench] { return bench.memory.protocol_error(); };
  SECTION("4 KiB") {
    bench.read_address(kBase + 4096 - 8, 2);
    CHECK(text().find("crosses a 4 KiB boundary (address 0x10ff8") != std::string::npos);
  }
  SECTION("length") {
    bench.read_address(kBase, 65);
    CHECK(text().find("longer than 64") != std::string::npos);
  }
  SECTION("alignment") {
    bench.read_address(kBase + 4, 1);
    CHECK(text().find("full beat") != std::string::npos);
  }
  SECTION("withdrawn address") {
    AxiMemory full({8, 100, 0, 0, 1, 1});
    full.attach(bench.bytes.data(), 4096, kBase);
    full.step(bench.request);
    bench.request.arvalid = true;
    bench.request.araddr = kBase;
    full.step(bench.request);  // takes the only burst that it accepts
    full.step(bench.request);
    CHECK(full.protocol_error().empty());
    bench.request.arvalid = false;
    full.step(bench.request);
    CHECK(full.protocol_error().find("withdrawn") != std::string::npos);
  }
  SECTION("changed length") {
    AxiMemory full({8, 100, 0, 0, 1, 1});
    full.attach(bench.bytes.data(), 4096, kBase);
    full.step(bench.request);
    bench.request.arvalid = true;
    bench.request.araddr = kBase;
    full.step(bench.request);
    full.step(bench.request);
    bench.request.arlen = 1;
    full.step(bench.request);
    CHECK(full.protocol_error().find("read request was withdrawn or changed") != std::string::npos);
  }
  SECTION("changed beat") {
    std::uint8_t beat[8] = {};
    bench.memory.stand(AxiMemory::kW);  // waits
    bench.request.awvalid = bench.request.wvalid = true;
    bench.request.awaddr = kBase;
    bench.request.wstrb = 0x0f;
    bench.request.wdata = beat;
    bench.tick();
    beat[4] = 1;  // not written
    bench.tick();
    CHECK(text().empty());
    beat[3] = 1;
    bench.tick();
    CHECK(text().find("write beat was withdrawn or changed") != std::string::npos);
  }
  SECTION("data before their address") {
    const std::uint8_t beat[8] = {};
    bench.request.wvalid = true;
    bench.request.wdata = beat;
    bench.tick();
    CHECK(text().find("data are offered before their address") != std::string::npos);
  }
  SECTION("WLAST") {
    const std::uint8_t beat[8] = {};
    bench.request.awvalid = true;
    bench.request.awaddr = kBase;
    bench.request.awlen = 1;
    bench.tick();
    bench.request.awvalid = false;
    bench.request.wvalid = bench.request.wlast = true;
    bench.request.wdata = beat;
    bench.tick();
    bench.tick();
    CHECK(text().find("WLAST") != std::string::npos);
  }
}

TEST_CASE("random stalls change the time, not the data", "[rtl][axi]") {
  const auto seed = GENERATE(1u, 2u, 3u);
  CAPTURE(seed);
  Bench bench({8, 7, 0, 40, seed});
  std::mt19937 random{seed};
  for (int burst = 0; burst < 50; ++burst) {
    const int beats = 1 + static_cast<int>(random() % 16);
    const std::uint64_t offset = random() % 16 * 256;
    bench.read_address(kBase + offset, beats);
    for (int beat = 0; beat < beats; ++beat) {
      bench.wait_beat();
      const AxiReply reply = bench.memory.reply();
      CAPTURE(burst, beat);
      REQUIRE(reply.rvalid);
      REQUIRE(*reply.rdata == bench.bytes[offset + 8 * static_cast<unsigned>(beat)]);
      REQUIRE(reply.rlast == (beat == beats - 1));
      bench.request.rready = false;
      while (random() % 3 == 0) {
        bench.tick();
        REQUIRE(bench.memory.reply().rvalid);  // held until taken
        REQUIRE(bench.memory.reply().rdata == reply.rdata);
      }
      bench.request.rready = true;
      bench.tick();
    }
  }
  CHECK(bench.memory.protocol_error().empty());
}

/// Returns the beats of two writes in the order that the memory accepts them; addresses are offered
/// together with data.
TEST_CASE("memories accept addresses and data in their own order", "[rtl][axi]") {
  const auto at = GENERATE(range(std::size_t{0}, kAxiSlaves.size()));
  const AxiSlave& slave = kAxiSlaves.at(at);
  CAPTURE(std::string(slave.name));
  AxiMemory::Settings settings{8, 3};
  settings.slave = slave;
  Bench bench(settings);
  std::vector<std::uint8_t> beats(8 * 8);
  std::iota(beats.begin(), beats.end(), std::uint8_t{100});
  std::string order;
  int sent = 0, addresses = 0;
  bench.request.awvalid = true;
  bench.request.awaddr = kBase + 512;
  bench.request.awlen = 3;
  bench.request.wstrb = 0xff;
  while (sent < 8 || addresses < 2 || !bench.memory.idle()) {
    REQUIRE(bench.cycle < 2000);
    bench.request.wvalid = sent < 4 * (addresses + (bench.request.awvalid ? 1 : 0));
    bench.request.wdata = beats.data() + 8 * std::min(sent, 7);
    bench.request.wlast = sent % 4 == 3;
    const bool aw = bench.request.awvalid && bench.memory.reply().awready;
    const bool w = bench.request.wvalid && bench.memory.reply().wready;
    bench.tick();
    if (aw) order += 'A', ++addresses;
    if (w) order += 'w', ++sent;
    if (aw) bench.request.awaddr += 32;
    bench.request.awvalid = addresses < 2 && sent >= 4 * addresses;
  }
  CHECK(bench.memory.protocol_error().empty());
  CHECK(std::equal(beats.begin(), beats.end(), bench.bytes.begin() + 512));
  if (slave.write_order == WriteOrder::kAddressFirst) CHECK(order.substr(0, 2) == "Aw");
  if (slave.write_order == WriteOrder::kTogether) CHECK(order.substr(0, 2) == "Aw");
  if (slave.write_order == WriteOrder::kDataFirst) CHECK(order == "wwwwAwwwwA");
}

TEST_CASE("a memory that needs an address with its data does not accept only one", "[rtl][axi]") {
  AxiMemory::Settings settings{8, 3};
  settings.slave = kAxiSlaves[1];
  REQUIRE(settings.slave.write_order == WriteOrder::kTogether);
  Bench bench(settings);
  bench.request.awvalid = true;
  bench.request.awaddr = kBase;
  for (int i = 0; i < 100; ++i) {
    bench.tick();
    REQUIRE(!(bench.memory.reply().awready || bench.memory.reply().wready));
  }
}

TEST_CASE("reads of different IDs come out of order or interleaved", "[rtl][axi]") {
  const bool interleaved = GENERATE(false, true);
  AxiMemory::Settings settings{8, 3};
  settings.slave = kAxiSlaves[interleaved ? 6 : 5];
  REQUIRE(settings.slave.read_order ==
          (interleaved ? ReadOrder::kInterleaved : ReadOrder::kShuffled));
  int overtaken = 0, mixed = 0;
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    settings.seed = seed;
    Bench bench(settings);
    bench.read_address(kBase, 8, 0);
    bench.read_address(kBase + 512, 8, 1);
    std::string order;
    while (!bench.memory.idle()) {
      const AxiReply& reply = bench.memory.reply();
      if (reply.rvalid) order += static_cast<char>('0' + reply.rid);
      bench.tick();
    }
    overtaken += order.front() == '1';
    mixed += order != "0000000011111111" && order != "1111111100000000";
  }
  CHECK(overtaken > 0);
  CHECK((mixed > 0) == interleaved);
}
