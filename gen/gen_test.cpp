// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "gen/emit.h"
#include "gen/generate.h"
#include "gen/testing.h"
#include "spec/config.h"
#include "spec/csr.h"
#include "spec/isa.h"
#include "spec/precision.h"
#include "spec/schema.h"
#include "sw/base/catch.h"
#include "sw/base/file.h"
#include "sw/base/process.h"
#include "sw/base/root.h"

namespace fs = std::filesystem;
using namespace trine;
using namespace trine::gen;
using namespace trine::gen::testing;

namespace {

std::map<std::string, std::string> contents(const fs::path& dir) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(dir))
    if (entry.is_regular_file())
      files[fs::relative(entry.path(), dir).string()] = read_text(entry.path());
  return files;
}

}  // namespace

TEST_CASE("bursts have the attributes that the configuration sets", "[gen][emission]") {
  const std::string usual = config_package(spec::load_config("edge64"));
  CHECK_THAT(usual, Catch::Matchers::ContainsSubstring("AxiProt = 3'd2;"));        // non-secure
  CHECK_THAT(usual, Catch::Matchers::ContainsSubstring("AxiWriteCache = 4'd2;"));  // non-bufferable
  const Config config =
      spec::load_config("edge64", {"bus.axi_id_bits=4", "bus.axi_id=6", "bus.axi_prot=5",
                                   "bus.axi_read_cache=11", "bus.axi_write_cache=3",
                                   "bus.axi_qos=9", "bus.axi_user_bits=7", "bus.axi_user=100"});
  const std::string package = config_package(config);
  for (const char* text : {"AxiId = 4'd6;", "AxiProt = 3'd5;", "AxiReadCache = 4'd11;",
                           "AxiWriteCache = 4'd3;", "AxiQos = 4'd9;", "AxiUser = 7'd100;"})
    CHECK_THAT(package, Catch::Matchers::ContainsSubstring(text));
  const std::string top = top_module(config);
  for (const char* text :
       {"output logic [3:0]   m_axi_awid_o", "input  logic [3:0]   m_axi_rid_i",
        "m_axi_arid_o           = trine_config_pkg::AxiId | 4'(read_request.arid);",
        "read_response.rid      = m_axi_rid_i[0];", "output logic [6:0]   m_axi_aruser_o",
        "m_axi_awcache_o        = trine_config_pkg::AxiWriteCache;"})
    CHECK_THAT(top, Catch::Matchers::ContainsSubstring(text));
  // The lowest ID bit marks a load, whatever the number of ID bits.
  CHECK_THAT(top_module(spec::load_config("edge64", {"bus.axi_id_bits=2"})),
             Catch::Matchers::ContainsSubstring("read_response.rid      = m_axi_rid_i[0];"));
  CHECK_THAT(top_module(spec::load_config("edge64", {"bus.axi_id_bits=1"})),
             Catch::Matchers::ContainsSubstring("read_response.rid      = m_axi_rid_i;\n"));
}

TEST_CASE("each key changes its own constants of a design, and no other", "[gen][emission]") {
  using Constants = std::map<std::string, std::string>;
  const auto constants = [](const Config& config) {
    Constants all;
    const std::string text = config_package(config);
    static const std::regex line("localparam [^=;]* (\\w+) = ([^;]*);");
    for (std::sregex_iterator it(text.begin(), text.end(), line), end; it != end; ++it)
      all[(*it)[1]] = (*it)[2];
    return all;
  };
  const Config base = spec::load_config(
      "edge256", {"array.precisions=[\"int8\"]", "bus.axi_id_bits=4", "bus.axi_user_bits=8"});
  const Constants before = constants(base);
  CHECK(before.size() == 39);
  CHECK(before.at("Rows") == "8");
  CHECK((before.at("Int8") == "1'b1" && before.at("Ternary") == "1'b0"));
  const std::string hash = fmt::format("{:016X}", base.hash());
  CHECK(before.at("ConfigHash") == "64'h" + hash.substr(0, 4) + "_" + hash.substr(4, 4) + "_" +
                                       hash.substr(8, 4) + "_" + hash.substr(12, 4));
  struct Row {
    const char* setting;
    Constants changed;
  };
  for (const Row& row : std::vector<Row>{
           {"array.rows=16", {{"Rows", "16"}}},
           {"array.cols=16", {{"Cols", "16"}, {"PmemRows", "1024"}}},
           {"array.cols=3", {{"Cols", "3"}, {"PmemRows", "5460"}, {"Window", "1'b0"}}},
           {"array.precisions=[\"ternary\"]",
            {{"Int8", "1'b0"}, {"Ternary", "1'b1"}, {"Window", "1'b0"}, {"ZeroPoints", "1'b0"}}},
           {"array.precisions=[\"int8\",\"binary\"]", {{"Binary", "1'b1"}}},
           {"memory.dmem_kib=64", {{"DmemWords", "16384"}}},
           {"memory.pmem_kib=32", {{"PmemRows", "1024"}}},
           {"array.weights4=true", {{"Weights4", "1'b1"}}},
           {"post.partial_sums=false", {{"Sums", "1'b0"}}},
           {"memory.packed_weights=true", {{"Packed", "1'b1"}}},
           {"array.activations16=true", {{"Int16", "1'b1"}}},
           {"array.acc_bits=24", {{"AccBits", "24"}}},
           {"memory.param_channels=64", {{"ParamChannels", "64"}}},
           {"memory.ecc=true", {{"Ecc", "1'b1"}}},
           {"memory.imem_kib=16", {{"ImemWords", "2048"}}},
           {"post.columns_per_cycle=2", {{"Drain", "2"}}},
           {"vector.enable=false", {{"Vector", "1'b0"}, {"Softmax", "1'b0"}}},
           {"vector.table=false", {{"Table", "1'b0"}}},
           {"vector.softmax=false", {{"Softmax", "1'b0"}}},
           {"depthwise.enable=false", {{"Window", "1'b0"}}},
           {"matmul.enable=false", {{"ZeroPoints", "1'b0"}}},
           {"bus.axi_data_bits=32", {{"AxiDataBits", "32"}}},
           {"bus.axi_addr_bits=40", {{"AxiAddrBits", "40"}}},
           {"bus.axi_id_bits=7", {{"AxiIdBits", "7"}, {"AxiId", "7'd0"}}},
           {"bus.axi_id=10", {{"AxiId", "4'd10"}}},
           {"bus.axi_prot=1", {{"AxiProt", "3'd1"}}},
           {"bus.axi_read_cache=15", {{"AxiReadCache", "4'd15"}}},
           {"bus.axi_write_cache=14", {{"AxiWriteCache", "4'd14"}}},
           {"bus.axi_qos=13", {{"AxiQos", "4'd13"}}},
           {"bus.axi_user_bits=9", {{"AxiUserBits", "9"}, {"AxiUser", "9'd0"}}},
           {"bus.axi_user=200", {{"AxiUser", "8'd200"}}},
           {"pipeline.rows=5", {{"PipeRows", "5"}}},
           {"pipeline.cols=6", {{"PipeCols", "6"}}},
           {"pipeline.pe=1", {{"PeStages", "1"}}},
           {"clock.gates=true", {{"ClockGates", "1'b1"}}},
           {"cluster.cores=5", {{"Cores", "5"}}}}) {
    const std::string setting = row.setting;
    CAPTURE(setting);
    const std::vector<std::string> settings{"array.precisions=[\"int8\"]", "bus.axi_id_bits=4",
                                            "bus.axi_user_bits=8", setting};
    Constants after = constants(spec::load_config("edge256", settings)), changed;
    for (const auto& [name, value] : after)
      if (value != before.at(name) && name != "ConfigHash") changed[name] = value;
    CHECK(changed == row.changed);
  }
  const std::vector<std::string> formats{"array.activations16=true", "array.formats=true"};
  CHECK(constants(spec::load_config("edge256", formats)).at("Formats") == "1'b1");
  CHECK(before.at("Formats") == "1'b0");
}

TEST_CASE("only designs with clock gates have a test pin, which trine_axi_top ties low",
          "[gen][emission]") {
  const auto config = [](const std::string& gates) {
    return spec::load_config("edge256", {"clock.gates=" + gates});
  };
  const std::string tied = ".test_en_i (1'b0)";
  CHECK_THAT(top_module(config("true")), Catch::Matchers::ContainsSubstring("test_en_i,\n") &&
                                             !Catch::Matchers::ContainsSubstring(tied));
  CHECK_THAT(vendor_top(config("true")), Catch::Matchers::ContainsSubstring(tied));
  CHECK_THAT(constraints(config("true")),
             Catch::Matchers::ContainsSubstring("set_case_analysis 0 [get_ports test_en_i]"));
  CHECK_THAT(top_module(config("false")), Catch::Matchers::ContainsSubstring(tied));
  CHECK_THAT(vendor_top(config("false")), !Catch::Matchers::ContainsSubstring("test_en"));
  CHECK_THAT(constraints(config("false")), !Catch::Matchers::ContainsSubstring("test_en"));
}

TEST_CASE("the top module has its bus ports in the widths that the keys set", "[gen][emission]") {
  const std::string top = top_module(spec::load_config(
      "edge256", {"bus.axi_data_bits=128", "bus.axi_addr_bits=40", "bus.axi_id_bits=5",
                  "bus.axi_user_bits=3", "bus.axi_user=6", "bus.axi_id=8"}));
  std::string ports;
  static const std::regex port("(in|out)put +logic (?:\\[(\\d+):0\\])? *(\\w+),?\n");
  for (std::sregex_iterator it(top.begin(), top.end(), port), end; it != end; ++it)
    ports += fmt::format("{}{} {}\n", (*it)[1].str() == "in" ? "<" : ">",
                         (*it)[2].matched ? std::stoi((*it)[2]) + 1 : 1, (*it)[3].str());
  const auto channel = [](const std::string& ch) {
    const std::string p = "m_axi_" + ch;
    return fmt::format(
        ">1 {0}valid_o\n<1 {0}ready_i\n>5 {0}id_o\n>40 {0}addr_o\n>8 {0}len_o\n>3 {0}size_o\n"
        ">2 {0}burst_o\n>3 {0}prot_o\n>4 {0}cache_o\n>4 {0}qos_o\n>3 {0}user_o\n",
        p);
  };
  CHECK(ports ==
        "<1 clk_i\n<1 rst_ni\n"
        "<1 s_axil_awvalid_i\n>1 s_axil_awready_o\n<12 s_axil_awaddr_i\n<3 s_axil_awprot_i\n"
        "<1 s_axil_wvalid_i\n>1 s_axil_wready_o\n<32 s_axil_wdata_i\n<4 s_axil_wstrb_i\n"
        ">1 s_axil_bvalid_o\n<1 s_axil_bready_i\n>2 s_axil_bresp_o\n"
        "<1 s_axil_arvalid_i\n>1 s_axil_arready_o\n<12 s_axil_araddr_i\n<3 s_axil_arprot_i\n"
        ">1 s_axil_rvalid_o\n<1 s_axil_rready_i\n>32 s_axil_rdata_o\n>2 s_axil_rresp_o\n" +
            channel("aw") +
            ">1 m_axi_wvalid_o\n<1 m_axi_wready_i\n>128 m_axi_wdata_o\n>16 m_axi_wstrb_o\n"
            ">1 m_axi_wlast_o\n<1 m_axi_bvalid_i\n>1 m_axi_bready_o\n<5 m_axi_bid_i\n"
            "<2 m_axi_bresp_i\n" +
            channel("ar") +
            "<1 m_axi_rvalid_i\n>1 m_axi_rready_o\n<5 m_axi_rid_i\n<128 m_axi_rdata_i\n"
            "<2 m_axi_rresp_i\n<1 m_axi_rlast_i\n>1 irq_o\n>4 trace_cause_o\n>4 trace_start_o\n"
            ">4 trace_retire_o\n");
  for (const char* text :
       {"assign m_axi_awid_o           = trine_config_pkg::AxiId;",
        "assign m_axi_arid_o           = trine_config_pkg::AxiId | 5'(read_request.arid);",
        "assign m_axi_awcache_o        = trine_config_pkg::AxiWriteCache;",
        "assign m_axi_arcache_o        = trine_config_pkg::AxiReadCache;",
        "assign m_axi_awprot_o         = trine_config_pkg::AxiProt;",
        "assign m_axi_arprot_o         = trine_config_pkg::AxiProt;",
        "assign m_axi_awqos_o          = trine_config_pkg::AxiQos;",
        "assign m_axi_arqos_o          = trine_config_pkg::AxiQos;",
        "assign m_axi_awuser_o         = trine_config_pkg::AxiUser;",
        "assign m_axi_aruser_o         = trine_config_pkg::AxiUser;",
        "assign read_response.rid      = m_axi_rid_i[0];", ".s_axil_o      (lite_response),",
        "assign lite_request.wstrb     = s_axil_wstrb_i;",
        "assign s_axil_bresp_o         = lite_response.bresp;",
        "assign m_axi_awlen_o          = write_request.awlen;",
        "assign write_response.bresp   = m_axi_bresp_i;", "    .m_axi_wdata_o,\n",
        ".Multiplier    (Multiplier)\n"})
    CHECK_THAT(top, Catch::Matchers::ContainsSubstring(text));
  static const std::regex parameter("\\.(\\w+) +\\(trine_config_pkg::(\\w+)\\)");
  int parameters = 0;
  for (std::sregex_iterator it(top.begin(), top.end(), parameter), end; it != end; ++it) {
    ++parameters;
    CHECK((*it)[1] == (*it)[2]);
  }
  CHECK(parameters == 31);
  CHECK_THAT(top_module(spec::load_config("edge64")),
             Catch::Matchers::ContainsSubstring("read_response.rid      = m_axi_rid_i;\n"));
  CHECK_THAT(top_module(spec::load_config("edge64", {"array.rows=3", "array.cols=5"})),
             Catch::Matchers::ContainsSubstring("// 3 x 5 PEs, 60 int8 MACs per cycle."));
}

TEST_CASE("the file lists of a design name each file in order and its manifest each key",
          "[gen][emission]") {
  const Scratch scratch;
  const Config config = spec::load_config("edge64", {"name=mine"});
  generate(config, scratch.path / "d", "soc");
  const auto files = contents(scratch.path / "d");
  std::istringstream list(files.at("soc_trine.f"));
  std::vector<std::string> order;
  std::string memories;
  for (std::string line; std::getline(list, line);) {
    if (line.starts_with("//   ")) memories += line.substr(5) + ";";
    if (!line.starts_with("//")) order.push_back(line);
  }
  CHECK_THAT(memories,
             Catch::Matchers::StartsWith("8 x 32 x 4096  feature maps, banks: bits;2 x "));
  const auto kind = [](const std::string& name) { return name.ends_with("_pkg.sv") ? 0 : 1; };
  std::size_t sources = 0;
  for (const auto& [name, text] : files)
    if (name.ends_with(".sv")) ++sources;
  CHECK(order.size() == sources - 1);  // the bench is not part of the design
  for (std::size_t i = 0; i < order.size(); ++i) {
    CAPTURE(order[i]);
    CHECK(files.count(order[i]) == 1);
    if (i > 0) CHECK((kind(order[i - 1]) <= kind(order[i])));
    CHECK_THAT(files.at("soc_trine.core"),
               Catch::Matchers::ContainsSubstring("      - " + order[i] + "\n"));
    CHECK_THAT(files.at("README.md"), Catch::Matchers::ContainsSubstring("- `" + order[i] + "`\n"));
  }
  CHECK_THAT(
      files.at("component.xml"),
      Catch::Matchers::ContainsSubstring(
          "soc_trine_sram.sv</ipxact:name><ipxact:fileType>systemVerilogSource</ipxact:fileType>"
          "<ipxact:define><ipxact:name>SOC_TRINE_BLOCK_RAM</ipxact:name>"));
  const auto manifest = nlohmann::json::parse(files.at("manifest.json"));
  CHECK(manifest["name"] == "mine");
  CHECK(manifest["top"] == "soc_trine_top");
  CHECK(manifest["instruction_set"] == isa::kVersion);
  CHECK(manifest["registers"] == csr::kRegistersVersionValue);
  CHECK(manifest["configuration_hash"] == fmt::format("0x{:016x}", config.hash()));
  CHECK(manifest["design_hash"] == fmt::format("0x{:016x}", config.identity()));
  CHECK(manifest["configuration"].size() == spec::schema().size());
  CHECK(manifest["configuration"]["array.rows"] == 2);
  CHECK(manifest["memories"][0] == nlohmann::json{{"name", "feature maps, banks"},
                                                  {"instances", 8},
                                                  {"width", 32},
                                                  {"depth", 4096},
                                                  {"mask_bits", 1}});
  // The licence or title stays first, the design comes second, in each file's own comments.
  const std::string stamp =
      fmt::format("Trine design mine, configuration 0x{:016x}", config.hash());
  for (const auto& [name, line] : {std::pair{"soc_trine_top.sv", "// " + stamp},
                                   {"soc_trine.f", "// " + stamp},
                                   {"soc_trine.core", "# " + stamp},
                                   {"soc_trine.sdc", "# " + stamp},
                                   {"soc_trine_axi_top.v", "// " + stamp},
                                   {"Bender.yml", "# " + stamp},
                                   {"component.xml", "<!-- " + stamp + " -->"},
                                   {"config.toml", "# " + stamp},
                                   {"soc_trine_csr.h", "/* " + stamp + " */"},
                                   {"soc_trine_runtime.c", "/* " + stamp + " */"}}) {
    CAPTURE(name);
    const std::string& text = files.at(name);
    const std::size_t first = text.find('\n') + 1;
    CHECK(text.substr(first, text.find('\n', first) - first) == line);
    CHECK_THAT(text.substr(0, first),
               Catch::Matchers::ContainsSubstring("SPDX-License-Identifier: Apache-2.0") ||
                   Catch::Matchers::Equals("CAPI=2:\n") || Catch::Matchers::StartsWith("<?xml "));
  }
  CHECK_THAT(files.at("README.md"),
             Catch::Matchers::StartsWith("# mine\n\n<!-- " + stamp + " -->\n"));
}

TEST_CASE("designs that run the same programs have different names in FuseSoC", "[gen][core]") {
  const auto core = [](const char* pipeline) {
    const std::string text = core_file(spec::load_config("edge64", {pipeline}), {});
    return text.substr(0, text.find('\n', text.find("name")));
  };
  CHECK(core("pipeline.rows=1") != core("pipeline.rows=8"));
  CHECK(spec::load_config("edge64", {"pipeline.rows=1"}).hash() ==
        spec::load_config("edge64", {"pipeline.rows=8"}).hash());
}

TEST_CASE("a prefix is checked and added to the names in each language", "[gen][prefix]") {
  for (const char* good : {"", "a", "soc_1", "a2345678901234567890123456789012"})
    CHECK_NOTHROW(with_prefix({}, good));
  for (const char* bad : {"A", "1a", "_a", "a-b", "a.b", "a23456789012345678901234567890123"})
    CHECK_THROWS_WITH(with_prefix({}, bad),
                      Catch::Matchers::ContainsSubstring(fmt::format("--prefix: '{}' is", bad)));
  CHECK((prefixed("trine_x", "") == "trine_x" && prefixed("trine_x", "p") == "p_trine_x"));
  const std::string text =
      "trine_a trine.f trine.sdc trine.core trine.toml xtrine_a tb/trine_b .trine_c (trine_d) "
      "TRINE_E XTRINE_F trine\n";
  const Files files{{"trine_a.sv", text}, {"trine.h", text}, {"README.md", text}};
  CHECK(with_prefix(files, "") == files);
  const std::string lower =
      "p1_trine_a p1_trine.f p1_trine.sdc p1_trine.core trine.toml xtrine_a tb/trine_b .trine_c "
      "(p1_trine_d) ";
  CHECK(with_prefix(files, "p1") == Files{{"p1_trine_a.sv", lower + "TRINE_E XTRINE_F trine\n"},
                                          {"p1_trine.h", lower + "P1_TRINE_E XTRINE_F trine\n"},
                                          {"README.md", lower + "P1_TRINE_E XTRINE_F trine\n"}});
}

TEST_CASE("a design without the vector unit has no softmax", "[gen][emission]") {
  const auto package = [](const char* vector) {
    return config_package(spec::load_config("edge64", {vector, "vector.softmax=true"}));
  };
  CHECK_THAT(package("vector.enable=true"), Catch::Matchers::ContainsSubstring("Softmax = 1'b1;"));
  CHECK_THAT(package("vector.enable=false"), Catch::Matchers::ContainsSubstring("Softmax = 1'b0;"));
}

TEST_CASE("a kit describes the bits of each register that a write keeps on its design",
          "[gen][kit]") {
  const auto described = [](const std::vector<std::string>& settings) {
    const Files files = kit_files(spec::load_config("edge64", settings), "left");
    const nlohmann::json json = nlohmann::json::parse(files.at("description.json"));
    CHECK(json["top"] == "left_trine_axi_top");
    std::map<std::string, nlohmann::json> registers;
    for (const auto& r : json["registers"]) registers[r["name"]] = r;
    return registers;
  };
  auto plain = described({});
  CHECK(plain.size() + 2 == csr::registers().size());
  CHECK(plain["window_last"]["reset"] == "0xffffffff");  // of a 32-bit address
  CHECK(plain["watchdog"]["kept"] == "0xffffff");
  CHECK(plain["status"]["kept"] == "0x0");
  CHECK(plain["base"]["multiple"] == 8);
  auto other = described(
      {"memory.ecc=true", "memory.imem_kib=4", "bus.axi_addr_bits=40", "bus.axi_data_bits=256"});
  CHECK(other.size() == csr::registers().size());
  CHECK(other["window_last"]["reset"] == "0xffffffffff");
  CHECK(other["base"]["multiple"] == 32);
  CHECK(other["window_first"]["multiple"] == 1);
}

TEST_CASE("a kit contains all Python files and marks the operations of its design", "[gen][kit]") {
  const TemporaryFolder scratch(fs::temp_directory_path(), "trine-kit");
  generate_kit(spec::load_config("edge64", {"matmul.enable=false"}), scratch.path() / "kit");
  const auto files = contents(scratch.path() / "kit");
  for (const auto& entry : fs::directory_iterator(project_root() / "components" / "kit"))
    if (entry.is_regular_file()) CHECK(files.count(entry.path().filename().string()) == 1);
  const nlohmann::json json = nlohmann::json::parse(files.at("description.json"));
  for (const auto& code : json["instructions"]["codes"]["compute_op"])
    CHECK(code["available"] == (code["code"] <= 4 || code["name"] == "binary_inside"));
}

TEST_CASE("registers of the map do not overlap", "[gen][csr]") {
  std::uint32_t end = 0;
  for (const csr::Register& r : csr::registers()) {
    CAPTURE(r.name);
    CHECK(r.offset >= end);
    end = r.offset + static_cast<std::uint32_t>(r.bits / 8 * r.entries);
  }
  CHECK(end <= 0x1000);
}

TEST_CASE("registers and codes of version 1 of the register map never move", "[gen][csr]") {
  // A line that must change here requires another version of the register map: see
  // docs/registers.md. New registers and codes are added at the end.
  struct Row {
    std::uint32_t offset;
    std::string_view name;
    int bits, entries;
    std::string_view access;
  };
  REQUIRE(csr::kRegistersVersionValue == 1);
  const Row rows[] = {{0x00, "id", 32, 1, "R"},
                      {0x04, "version", 32, 1, "R"},
                      {0x08, "config_hash", 64, 1, "R"},
                      {0x10, "control", 32, 1, "W"},
                      {0x14, "status", 32, 1, "R"},
                      {0x18, "error_cause", 32, 1, "R"},
                      {0x1C, "error_address_alias", 32, 2, "R"},
                      {0x24, "irq_enable", 32, 1, "RW"},
                      {0x28, "irq_status", 32, 1, "R, W1C"},
                      {0x2C, "registers_version", 32, 1, "R"},
                      {0x30, "program", 64, 1, "RW"},
                      {0x38, "program_words", 32, 1, "RW"},
                      {0x40, "base", 64, 1, "RW"},
                      {0x48, "window_first", 64, 1, "RW"},
                      {0x50, "window_last", 64, 1, "RW"},
                      {0x58, "watchdog", 32, 1, "RW"},
                      {0x5C, "error_run", 32, 1, "R"},
                      {0x60, "ecc_corrected", 32, 2, "R"},
                      {0x68, "error_address", 64, 1, "R"},
                      {0x70, "imem_corrected", 32, 1, "R"},
                      {0x74, "progress_limit", 32, 1, "RW"},
                      {0x78, "cycles_limit", 32, 1, "RW"},
                      {0x80, "cycles", 64, 1, "R"},
                      {0x88, "cause", 64, 8, "R"},
                      {0xC8, "engine_busy", 64, 4, "R"},
                      {0xE8, "bytes_read", 64, 1, "R"},
                      {0xF0, "bytes_written", 64, 1, "R"}};
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const auto& all = csr::registers();
    const auto r = std::ranges::find(all, row.name, &csr::Register::name);
    REQUIRE(r != all.end());
    CHECK((r->offset == row.offset && r->bits == row.bits && r->entries == row.entries));
    CHECK(r->access == row.access);
  }
  const std::string_view codes[] = {
      "none",         "fetch",         "load",        "store",         "illegal",
      "token",        "fetch_window",  "load_window", "store_window",  "fetch_timeout",
      "load_timeout", "store_timeout", "ecc",         "configuration", "feature",
      "deadlock",     "progress",      "cycles",      "stream"};
  for (std::size_t i = 0; i < std::size(codes); ++i) CHECK(csr::kErrors.at(i).name == codes[i]);
  CHECK(csr::kErrors.size() <= std::size_t{1} << csr::kErrorCauseBits);
}

TEST_CASE("committed packages and pages equal the output of gen/", "[gen][emission]") {
  const Scratch scratch;
  write_packages(scratch.path);
  const auto printed = contents(scratch.path);
  CHECK(printed.size() == 6);
  for (const auto& [name, text] : printed) {
    CAPTURE(name);  // if it differs: trine generate --packages .
    CHECK((read_text(project_root() / name) == text));
  }
}

TEST_CASE("corner designs are legal and meet the ends of each range that sizes the RTL",
          "[gen][corners]") {
  const std::vector<Config> designs = corner_designs(kCornerPes);
  const auto met = [&](const spec::Key& key, const std::string& value) {
    return std::ranges::any_of(
        designs, [&](const Config& design) { return value_text(key, design) == value; });
  };
  for (const Config& design : designs) {
    CHECK_NOTHROW(spec::check(design));
    CHECK(design.rows * design.cols <= kCornerPes);
  }
  for (const spec::Key& key : spec::schema()) {
    const bool attribute = key.name.starts_with("bus.axi_") && key.name != "bus.axi_data_bits" &&
                           key.name != "bus.axi_addr_bits";
    if (attribute) continue;
    CAPTURE(key.name);
    if (std::holds_alternative<spec::BoolKey>(key.type)) {
      CHECK(met(key, "false"));
      CHECK(met(key, "true"));
    } else if (const auto* number = std::get_if<spec::IntKey>(&key.type)) {
      for (const int end : number->allowed) {
        CAPTURE(end);
        CHECK(met(key, std::to_string(end)));
      }
    }
  }
  // Sizes of a power of two less one overflow column counters.
  for (const char* side : {"31", "63", "127", "255"})
    for (const char* name : {"array.rows", "array.cols"})
      CHECK(
          met(*std::ranges::find(spec::schema(), std::string_view(name), &spec::Key::name), side));
}

TEST_CASE("generation is deterministic, replaces its own output and nothing else",
          "[gen][emission]") {
  const Scratch scratch;
  const fs::path a = scratch.path / "a", b = scratch.path / "deep" / "b";
  const Config config = spec::load_config("edge64");
  const auto start = std::chrono::steady_clock::now();
  generate(config, a);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(1));
  generate(config, b);
  const auto files = contents(a);
  CHECK((files == contents(b)));
  CHECK(files.count("trine_top.sv") == 1);
  CHECK(files.count("trine_sram.sv") == 1);
  for (const auto& [name, text] : files) {
    CAPTURE(name);
    CHECK_THAT(text, !Catch::Matchers::ContainsSubstring(project_root().string()));
    // Vivado and other tools define the macro, too; a parameter chooses between simulated and
    // mapped code.
    CHECK_THAT(text, !Catch::Matchers::ContainsSubstring("SYNTHESIS"));
    if (name != "LICENSE" && name != "manifest.json")
      CHECK_THAT(text.substr(0, 250),
                 Catch::Matchers::ContainsSubstring("Trine design edge64, configuration 0x"));
  }
  for (const auto& entry : fs::directory_iterator(scratch.path))
    CHECK_THAT(entry.path().filename().string(), !Catch::Matchers::StartsWith("."));

  fs::create_directory(a / "__pycache__");   // left by a Python run
  generate(spec::load_config("edge32"), a);  // an earlier output: replaced
  CHECK(!fs::exists(a / "__pycache__"));
  CHECK((contents(a) != files));
  write_file(a / "mine.txt", "");
  CHECK_THROWS_WITH(generate(config, a), Catch::Matchers::ContainsSubstring(
                                             "contains mine.txt, which trine did not write"));
  CHECK(fs::exists(a / "mine.txt"));
  CHECK_THROWS_WITH(generate(config, a / "mine.txt"),
                    Catch::Matchers::ContainsSubstring("is a file"));
}
