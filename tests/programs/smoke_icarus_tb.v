// SPDX-License-Identifier: Apache-2.0
//
// Runs one program on trine_top (64-bit bus), as Yosys has converted or mapped it, under Icarus:
// loads the memory from memory.hex (64-bit words from bus address 0 on), starts, waits for the
// interrupt, compares with expected.hex. Prints PASS, or each difference and FAIL.
//
// Four states: from reset on no VALID, READY, interrupt or trace is unknown, nor what goes with a
// VALID; bytes of write data without a strobe are 0. The first such output stops the run.
//
// The AXI memory is as plain as it can be: one burst at a time in each direction.

// Two designs in one system: included twice, with other names of the bench and of the top, and
// Alone = 0, which leaves $finish to who instantiates both and waits for done_o.

`timescale 1ns / 1ps

`ifndef TRINE_BENCH
`define TRINE_BENCH smoke_icarus_tb
`define TRINE_TOP trine_top
`endif

module `TRINE_BENCH (
  output reg done_o
);

  parameter Words        = 4096;  // of the memory
  parameter CompareWords = 1536;
  parameter ProgramAt    = 32'h4000;
  parameter ProgramWords = 1;
  parameter BaseAt       = 32'h0;
  parameter Limit        = 100000;
  parameter Before       = "memory.hex";
  parameter After        = "expected.hex";
  parameter Alone        = 1;

  reg clk = 1'b0, rst_n = 1'b0;
  always #5 clk = !clk;

  reg [63:0] memory [0:Words-1];
  reg [63:0] expected [0:Words-1];

  // AXI-Lite
  reg  [11:0] awaddr = 0, araddr = 0;
  reg  [31:0] wdata = 0;
  reg         awvalid = 0, wvalid = 0, arvalid = 0;
  wire        awready, wready, bvalid, arready, rvalid, irq;
  wire [31:0] rdata;
  wire [1:0]  bresp, rresp;

  // AXI
  wire        m_awid, m_awvalid, m_wlast, m_wvalid, m_bready, m_arid, m_arvalid, m_rready;
  wire [31:0] m_awaddr, m_araddr;
  wire [7:0]  m_awlen, m_arlen, m_wstrb;
  wire [63:0] m_wdata;
  reg         r_busy = 0, w_busy = 0, b_valid = 0, r_id = 0, w_id = 0;
  reg  [31:0] r_word = 0, w_word = 0;
  reg  [7:0]  r_left = 0;

  `TRINE_TOP u_dut (
    .clk_i (clk), .rst_ni (rst_n),
`ifdef TRINE_TEST_EN
    .test_en_i (1'b0),
`endif
    .s_axil_awaddr_i (awaddr), .s_axil_awprot_i (3'd0), .s_axil_awvalid_i (awvalid),
    .s_axil_awready_o (awready), .s_axil_wdata_i (wdata), .s_axil_wstrb_i (4'hf),
    .s_axil_wvalid_i (wvalid), .s_axil_wready_o (wready), .s_axil_bresp_o (bresp),
    .s_axil_bvalid_o (bvalid), .s_axil_bready_i (1'b1),
    .s_axil_araddr_i (araddr), .s_axil_arprot_i (3'd0), .s_axil_arvalid_i (arvalid),
    .s_axil_arready_o (arready), .s_axil_rdata_o (rdata), .s_axil_rresp_o (rresp),
    .s_axil_rvalid_o (rvalid), .s_axil_rready_i (1'b1),
    .m_axi_awid_o (m_awid), .m_axi_awaddr_o (m_awaddr), .m_axi_awlen_o (m_awlen),
    .m_axi_awvalid_o (m_awvalid), .m_axi_awready_i (!w_busy && !b_valid),
    .m_axi_wdata_o (m_wdata), .m_axi_wstrb_o (m_wstrb), .m_axi_wlast_o (m_wlast),
    .m_axi_wvalid_o (m_wvalid), .m_axi_wready_i (w_busy),
    .m_axi_bid_i (w_id), .m_axi_bresp_i (2'd0), .m_axi_bvalid_i (b_valid),
    .m_axi_bready_o (m_bready),
    .m_axi_arid_o (m_arid), .m_axi_araddr_o (m_araddr), .m_axi_arlen_o (m_arlen),
    .m_axi_arvalid_o (m_arvalid), .m_axi_arready_i (!r_busy),
    .m_axi_rid_i (r_id), .m_axi_rdata_i (memory[r_word]), .m_axi_rresp_i (2'd0),
    .m_axi_rlast_i (r_left == 8'd0), .m_axi_rvalid_i (r_busy), .m_axi_rready_o (m_rready),
    .irq_o (irq), .trace_cause_o (cause), .trace_start_o (start), .trace_retire_o (retire)
  );

  wire [3:0] cause, start, retire;

  task known(input [1279:0] name, input [63:0] value);
    if (^value === 1'bx) begin
      $display("unknown %0s: %h at %0t", name, value, $time);
      $display("FAIL");
      $finish;
    end
  endtask

  // Payload is not reset: where nothing is ever unknown, nothing was tested.
  reg unknown = 1'b0;

  integer s;
  always @(negedge clk) begin
    if (rst_n) begin
      if (!m_wvalid && ^m_wdata === 1'bx) unknown <= 1'b1;
      known("handshake", {awready, wready, bvalid, arready, rvalid, m_awvalid, m_wvalid, m_bready,
                          m_arvalid, m_rready});
      known("irq or trace", {irq, cause, start, retire});
      if (rvalid) known("s_axil_r", {rdata, rresp});
      if (bvalid) known("s_axil_b", bresp);
      if (m_awvalid) known("m_axi_aw", {m_awaddr, m_awlen, m_awid});
      if (m_arvalid) known("m_axi_ar", {m_araddr, m_arlen, m_arid});
      if (m_wvalid) begin
        known("m_axi_w", {m_wstrb, m_wlast});
        known("m_axi_wdata", m_wdata);
        for (s = 0; s < 8; s = s + 1)
          if (!m_wstrb[s] && m_wdata[8*s +: 8] != 8'd0) begin
            $display("m_axi_wdata %h, strobes %b at %0t", m_wdata, m_wstrb, $time);
            $display("FAIL");
            $finish;
          end
      end
    end
  end

  integer b;
  always @(posedge clk) begin
    if (m_arvalid && !r_busy) begin
      r_busy <= 1'b1;
      r_id   <= m_arid;
      r_word <= m_araddr >> 3;
      r_left <= m_arlen;
    end else if (r_busy && m_rready) begin
      r_word <= r_word + 1;
      r_left <= r_left - 8'd1;
      if (r_left == 8'd0) r_busy <= 1'b0;
    end
    if (m_awvalid && !w_busy && !b_valid) begin
      w_busy <= 1'b1;
      w_id   <= m_awid;
      w_word <= m_awaddr >> 3;
    end else if (w_busy && m_wvalid) begin
      for (b = 0; b < 8; b = b + 1)
        if (m_wstrb[b]) memory[w_word][8*b +: 8] <= m_wdata[8*b +: 8];
      w_word <= w_word + 1;
      if (m_wlast) begin
        w_busy  <= 1'b0;
        b_valid <= 1'b1;
      end
    end
    if (b_valid && m_bready) b_valid <= 1'b0;
  end

  task write_csr(input [11:0] offset, input [31:0] value);
    begin
      @(negedge clk);
      awaddr = offset; wdata = value; awvalid = 1'b1; wvalid = 1'b1;
      while (awvalid || wvalid) begin : offer
        reg a, w;
        a = awready; w = wready;
        @(negedge clk);
        if (a) awvalid = 1'b0;
        if (w) wvalid = 1'b0;
      end
      while (bvalid) @(negedge clk);
    end
  endtask

  // A design with codes writes zeros first: STATUS.reset.
  task wait_for_zeros;
    reg writing;
    begin
      writing = 1'b1;
      while (writing) begin
        @(negedge clk);
        araddr = 12'h014; arvalid = 1'b1;
        while (!arready) @(negedge clk);
        @(negedge clk);
        arvalid = 1'b0;
        while (!rvalid) @(negedge clk);
        writing = rdata[3];
      end
    end
  endtask

  integer i, cycles, bad;
  initial begin
    done_o = 1'b0;
    $readmemh(Before, memory);
    $readmemh(After, expected);
    repeat (4) @(negedge clk);
    rst_n = 1'b1;
    repeat (2) @(negedge clk);
    wait_for_zeros;
    write_csr(12'h024, 32'd3);
    write_csr(12'h030, ProgramAt);
    write_csr(12'h034, 32'd0);
    write_csr(12'h038, ProgramWords);
    write_csr(12'h040, BaseAt);
    write_csr(12'h044, 32'd0);
    write_csr(12'h010, 32'd1);
    cycles = 0;
    while (irq !== 1'b1 && cycles < Limit) begin
      @(negedge clk);
      cycles = cycles + 1;
    end
    bad = irq !== 1'b1;
    if (bad) $display("no interrupt after %0d cycles", cycles);
    if (!unknown) begin
      bad = 1;
      $display("no register began unknown");
    end
    for (i = 0; i < CompareWords; i = i + 1)
      if (memory[i] !== expected[i]) begin
        bad = bad + 1;
        if (bad < 10) $display("word %0d: expected %h, actual %h", i, expected[i], memory[i]);
      end
    if (bad == 0) $display("PASS after %0d cycles", cycles);
    else $display("FAIL");
    done_o = 1'b1;
    if (Alone) $finish;
  end

endmodule
