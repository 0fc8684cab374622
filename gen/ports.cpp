// SPDX-License-Identifier: Apache-2.0

#include "gen/ports.h"

#include <fmt/format.h>

namespace trine::gen {
namespace {

/// Returns the field of an AXI signal: "m_axi_bresp" is "write_response.bresp". Addresses, data and
/// strobes of the master are ports of the core; protection signals of the slave are not connected.
std::string field(const std::string& signal, bool is_input) {
  const bool lite = signal.starts_with("s_axil_");
  if (!lite && !signal.starts_with("m_axi_")) return signal + (is_input ? "_i" : "_o");
  const std::string name = signal.substr(lite ? 7 : 6);
  if (lite && name.ends_with("prot")) return "";
  if (!lite && (name.ends_with("addr") || name.ends_with("data") || name.ends_with("strb")))
    return signal + (is_input ? "_i" : "_o");
  const char* side = lite ? "lite" : name.starts_with("ar") || name[0] == 'r' ? "read" : "write";
  return fmt::format("{}_{}.{}", side, is_input == lite ? "request" : "response", name);
}

}  // namespace

std::vector<Interface> interfaces(const spec::Config& c) {
  const int address = c.axi_addr_bits, data = c.axi_data_bits;
  const auto in = [](const std::string& name, int bits = 1) {
    return Port{true, bits, name + "_i", field(name, true)};
  };
  const auto out = [](const std::string& name, int bits = 1) {
    return Port{false, bits, name + "_o", field(name, false)};
  };
  const auto constant = [](const std::string& name, int bits, const std::string& value) {
    return Port{false, bits, name + "_o", "", "trine_config_pkg::" + value};
  };
  const auto address_channel = [&](const std::string& ch, const Port& id, const char* cache) {
    const std::string p = "m_axi_" + ch;
    return std::vector<Port>{out(p + "valid"),
                             in(p + "ready"),
                             id,
                             out(p + "addr", address),
                             out(p + "len", 8),
                             out(p + "size", 3),
                             out(p + "burst", 2),
                             constant(p + "prot", 3, "AxiProt"),
                             constant(p + "cache", 4, cache),
                             constant(p + "qos", 4, "AxiQos"),
                             constant(p + "user", c.axi_user_bits, "AxiUser")};
  };
  const int ids = c.axi_id_bits;
  const Port bid{true, ids, "m_axi_bid_i", "", ""};
  const Port arid{false, ids, "m_axi_arid_o", "read_request.arid",
                  fmt::format("trine_config_pkg::AxiId | {}'(read_request.arid)", ids)};
  const Port rid{true, ids, "m_axi_rid_i", "read_response.rid", ids > 1 ? "m_axi_rid_i[0]" : ""};
  const Port awid = constant("m_axi_awid", ids, "AxiId");
  std::vector<Port> master;
  for (const std::vector<Port>& channel :
       {address_channel("aw", awid, "AxiWriteCache"),
        {out("m_axi_wvalid"), in("m_axi_wready"), out("m_axi_wdata", data),
         out("m_axi_wstrb", data / 8), out("m_axi_wlast"), in("m_axi_bvalid"), out("m_axi_bready"),
         bid, in("m_axi_bresp", 2)},
        address_channel("ar", arid, "AxiReadCache"),
        {in("m_axi_rvalid"), out("m_axi_rready"), rid, in("m_axi_rdata", data),
         in("m_axi_rresp", 2), in("m_axi_rlast")}})
    master.insert(master.end(), channel.begin(), channel.end());
  std::vector<Interface> all{
      {"", {in("clk"), {true, 1, "rst_ni"}}},
      {"AXI4-Lite slave: registers.md.",
       {in("s_axil_awvalid"), out("s_axil_awready"), in("s_axil_awaddr", 12),
        in("s_axil_awprot", 3), in("s_axil_wvalid"), out("s_axil_wready"), in("s_axil_wdata", 32),
        in("s_axil_wstrb", 4), out("s_axil_bvalid"), in("s_axil_bready"), out("s_axil_bresp", 2),
        in("s_axil_arvalid"), out("s_axil_arready"), in("s_axil_araddr", 12),
        in("s_axil_arprot", 3), out("s_axil_rvalid"), in("s_axil_rready"), out("s_axil_rdata", 32),
        out("s_axil_rresp", 2)}},
      {"AXI4 master. Attributes and IDs are trine_config_pkg's; bit 0 of an ID: a load.", master},
      {"High while an enabled event is pending.", {out("irq")}},
      {"Trace. cause: see CAUSE, bit 3 while running; start, retire: one pulse a RUN and engine.",
       {out("trace_cause", 4), out("trace_start", 4), out("trace_retire", 4)}}};
  if (c.clock_gates)
    all.insert(all.begin() + 1,
               {"High while a scan chain shifts: opens the clock gates.", {in("test_en")}});
  return all;
}

}  // namespace trine::gen
