// SPDX-License-Identifier: Apache-2.0
//
// Tests an emitted design: sets its registers, serves its bus from a memory and runs one program.
// This bench is the smallest system around trine_axi_top and works for every configuration. It
// compares the identification registers with the configuration, waits for the program's interrupt,
// and checks that each burst matches the configuration. It prints PASS, or the differences and
// FAIL.
//
//   +before=FILE +program_at=N +program_words=N   initial memory contents, one hexadecimal byte per
//                                                 line; BASE is 0. Without +before, the bench runs
//                                                 an empty program.
//   +after=FILE                                   expected memory contents after the program
//
// Timing    The memory serves one burst at a time in each direction.
// Contract  The bench needs trine_axi_top. The memory has Bytes bytes.
// Check     verilator --binary -Wall --top-module trine_tb -f trine.f trine_axi_top.v trine_tb.sv

module trine_tb #(
  parameter int unsigned Bytes = 1 << 24,
  parameter int unsigned Limit = 100_000_000  // maximum number of cycles until the interrupt
);

  localparam int unsigned BeatBytes = trine_config_pkg::AxiDataBits / 8;

  logic clk = 1'b0, rst_n = 1'b0, irq;

  // Registers
  logic [11:0] awaddr = '0, araddr = '0;
  logic [31:0] wdata = '0, rdata;
  logic [1:0]  bresp, rresp;
  logic        awvalid = 1'b0, awready, wvalid = 1'b0, wready, bvalid;
  logic        arvalid = 1'b0, arready, rvalid;

  // Memory
  logic [trine_config_pkg::AxiIdBits-1:0]   m_awid, m_arid, m_bid_q, m_rid_q;
  logic [trine_config_pkg::AxiAddrBits-1:0] m_awaddr, m_araddr;
  logic [trine_config_pkg::AxiUserBits-1:0] m_awuser, m_aruser;
  logic [trine_config_pkg::AxiDataBits-1:0] m_wdata, m_rdata;
  logic [BeatBytes-1:0]                     m_wstrb;
  logic [7:0] m_awlen, m_arlen, write_left_q, read_left_q;
  logic [3:0] m_awcache, m_arcache, m_awqos, m_arqos, m_awregion, m_arregion;
  logic [2:0] m_awsize, m_arsize, m_awprot, m_arprot;
  logic [1:0] m_awburst, m_arburst;
  logic m_awlock, m_arlock, m_awvalid, m_wvalid, m_wlast, m_bready, m_arvalid, m_rready;
  logic writing_q = 1'b0, written_q = 1'b0, reading_q = 1'b0;

  logic [7:0]  mem [Bytes];
  logic [31:0] read_at_q, write_at_q;

  initial forever #5 clk = !clk;

  trine_axi_top u_dut (
    .aclk (clk), .aresetn (rst_n), .irq (irq),
    .s_axi_awaddr (awaddr), .s_axi_awprot (3'd0), .s_axi_awvalid (awvalid),
    .s_axi_awready (awready), .s_axi_wdata (wdata), .s_axi_wstrb (4'hF), .s_axi_wvalid (wvalid),
    .s_axi_wready (wready), .s_axi_bresp (bresp), .s_axi_bvalid (bvalid), .s_axi_bready (1'b1),
    .s_axi_araddr (araddr), .s_axi_arprot (3'd0), .s_axi_arvalid (arvalid),
    .s_axi_arready (arready), .s_axi_rdata (rdata), .s_axi_rresp (rresp), .s_axi_rvalid (rvalid),
    .s_axi_rready (1'b1),
    .m_axi_awid (m_awid), .m_axi_awaddr (m_awaddr), .m_axi_awlen (m_awlen),
    .m_axi_awsize (m_awsize), .m_axi_awburst (m_awburst), .m_axi_awlock (m_awlock),
    .m_axi_awcache (m_awcache), .m_axi_awprot (m_awprot), .m_axi_awqos (m_awqos),
    .m_axi_awregion (m_awregion), .m_axi_awuser (m_awuser), .m_axi_awvalid (m_awvalid),
    .m_axi_awready (!writing_q && !written_q),
    .m_axi_wdata (m_wdata), .m_axi_wstrb (m_wstrb), .m_axi_wlast (m_wlast),
    .m_axi_wvalid (m_wvalid), .m_axi_wready (writing_q),
    .m_axi_bid (m_bid_q), .m_axi_bresp (2'd0), .m_axi_bvalid (written_q),
    .m_axi_bready (m_bready),
    .m_axi_arid (m_arid), .m_axi_araddr (m_araddr), .m_axi_arlen (m_arlen),
    .m_axi_arsize (m_arsize), .m_axi_arburst (m_arburst), .m_axi_arlock (m_arlock),
    .m_axi_arcache (m_arcache), .m_axi_arprot (m_arprot), .m_axi_arqos (m_arqos),
    .m_axi_arregion (m_arregion), .m_axi_aruser (m_aruser), .m_axi_arvalid (m_arvalid),
    .m_axi_arready (!reading_q),
    .m_axi_rid (m_rid_q), .m_axi_rdata (m_rdata), .m_axi_rresp (2'd0),
    .m_axi_rlast (read_left_q == 8'd0), .m_axi_rvalid (reading_q), .m_axi_rready (m_rready)
  );

  for (genvar b = 0; b < BeatBytes; b++) begin : gen_read
    assign m_rdata[8*b +: 8] = mem[(read_at_q + b) % Bytes];
  end

  always_ff @(posedge clk) begin
    if (m_arvalid && !reading_q) begin
      reading_q   <= 1'b1;
      m_rid_q     <= m_arid;
      read_at_q   <= 32'(m_araddr);
      read_left_q <= m_arlen;
    end else if (reading_q && m_rready) begin
      reading_q   <= read_left_q != 8'd0;
      read_at_q   <= read_at_q + BeatBytes;
      read_left_q <= read_left_q - 8'd1;
    end
    if (m_awvalid && !writing_q && !written_q) begin
      writing_q    <= 1'b1;
      m_bid_q      <= m_awid;
      write_at_q   <= 32'(m_awaddr);
      write_left_q <= m_awlen;
    end else if (writing_q && m_wvalid) begin
      write_at_q   <= write_at_q + BeatBytes;
      write_left_q <= write_left_q - 8'd1;
      writing_q    <= !m_wlast;
      written_q    <= m_wlast;
    end else if (m_bready) begin
      written_q <= 1'b0;
    end
  end

  int unsigned bad = 0;

  task automatic wrong(input string what, input logic [63:0] actual, input logic [63:0] expected);
    bad++;
    if (bad < 10) $display("%s: %h, expected %h", what, actual, expected);
  endtask

  // Checks of a burst: full width, INCR, the configured attributes, inside the memory. WLAST must
  // match AWLEN.
  logic [16:0] attributes;
  assign attributes = {3'($clog2(BeatBytes)), 2'd1, 1'b0, 4'd0, trine_config_pkg::AxiProt,
                       trine_config_pkg::AxiQos};

  initial forever begin
    @(negedge clk);
    if (rst_n && m_arvalid) begin
      if ({m_arsize, m_arburst, m_arlock, m_arregion, m_arprot, m_arqos} != attributes ||
          m_arcache != trine_config_pkg::AxiReadCache || m_aruser != trine_config_pkg::AxiUser ||
          64'(m_araddr) + (64'(m_arlen) + 64'd1) * BeatBytes > 64'(Bytes))
        wrong("read burst at", 64'(m_araddr), 64'd0);
    end
    if (rst_n && m_awvalid) begin
      if ({m_awsize, m_awburst, m_awlock, m_awregion, m_awprot, m_awqos} != attributes ||
          m_awcache != trine_config_pkg::AxiWriteCache || m_awuser != trine_config_pkg::AxiUser ||
          64'(m_awaddr) + (64'(m_awlen) + 64'd1) * BeatBytes > 64'(Bytes))
        wrong("write burst at", 64'(m_awaddr), 64'd0);
    end
    if (writing_q && m_wvalid) begin  // accepted at the next clock edge
      if (m_wlast != (write_left_q == 8'd0)) wrong("WLAST", 64'(m_wlast), 64'(!m_wlast));
      for (int unsigned b = 0; b < BeatBytes; b++)
        if (m_wstrb[b]) mem[(write_at_q + b) % Bytes] = m_wdata[8*b +: 8];
    end
  end

  task automatic write_csr(input logic [11:0] offset, input logic [31:0] value);
    logic taken, data_taken;
    @(negedge clk);
    awaddr  = offset;
    wdata   = value;
    awvalid = 1'b1;
    wvalid  = 1'b1;
    while (awvalid || wvalid) begin
      taken      = awready;
      data_taken = wready;
      @(negedge clk);
      if (taken) awvalid = 1'b0;
      if (data_taken) wvalid = 1'b0;
    end
    while (!bvalid) @(negedge clk);
    if (bresp != 2'd0) wrong("write answered", 64'(bresp), 64'd0);
    @(negedge clk);
  endtask

  task automatic read_csr(input logic [11:0] offset, output logic [31:0] value);
    @(negedge clk);
    araddr  = offset;
    arvalid = 1'b1;
    while (!arready) @(negedge clk);
    @(negedge clk);
    arvalid = 1'b0;
    while (!rvalid) @(negedge clk);
    if (rresp != 2'd0) wrong("read answered", 64'(rresp), 64'd0);
    value = rdata;
    @(negedge clk);
  endtask

  task automatic check_csr(input string name, input logic [11:0] offset,
                           input logic [31:0] expected);
    logic [31:0] value;
    read_csr(offset, value);
    if (value != expected) wrong(name, 64'(value), 64'(expected));
  endtask

  logic [31:0] program_at = 32'd0, program_words = 32'd2, value;
  string       before_file, after_file;
  int unsigned cycles, count;
  int          file;
  logic [7:0]  after;

  initial begin
    for (int unsigned i = 0; i < 8; i++) begin  // BEGIN with the hash, then END
      mem[i]     = trine_config_pkg::ConfigHash[8*i +: 8];
      mem[i + 8] = 8'd0;
    end
    mem[7] = {trine_isa_pkg::OpcodeBegin, trine_config_pkg::ConfigHash[61:56]};
    if ($value$plusargs("before=%s", before_file) != 0) begin
      $readmemh(before_file, mem);
      if ($value$plusargs("program_at=%d", program_at) == 0 ||
          $value$plusargs("program_words=%d", program_words) == 0)
        $fatal(1, "+before needs +program_at and +program_words");
    end
    repeat (4) @(negedge clk);
    rst_n = 1'b1;
    check_csr("ID", trine_csr_pkg::CsrIdOffset, trine_csr_pkg::CsrIdValue);
    check_csr("VERSION", trine_csr_pkg::CsrVersionOffset, trine_isa_pkg::IsaVersion);
    check_csr("CONFIG_HASH", trine_csr_pkg::CsrConfigHashOffset,
              trine_config_pkg::ConfigHash[31:0]);
    check_csr("CONFIG_HASH, high", trine_csr_pkg::CsrConfigHashOffset + 12'd4,
              trine_config_pkg::ConfigHash[63:32]);
    // With memory.ecc the design first writes zeros.
    value[trine_csr_pkg::CsrStatusResetBit] = 1'b1;
    while (value[trine_csr_pkg::CsrStatusResetBit])
      read_csr(trine_csr_pkg::CsrStatusOffset, value);
    write_csr(trine_csr_pkg::CsrIrqEnableOffset, 32'd3);
    write_csr(trine_csr_pkg::CsrWindowLastOffset, Bytes - 1);
    write_csr(trine_csr_pkg::CsrWindowLastOffset + 12'd4, 32'd0);
    write_csr(trine_csr_pkg::CsrProgramOffset, program_at);
    write_csr(trine_csr_pkg::CsrProgramWordsOffset, program_words);
    write_csr(trine_csr_pkg::CsrControlOffset, 32'd1 << trine_csr_pkg::CsrControlStartBit);
    cycles = 0;
    while (!irq && cycles < Limit) begin
      @(negedge clk);
      cycles++;
    end
    if (!irq) wrong("interrupt", 64'(irq), 64'd1);
    check_csr("STATUS", trine_csr_pkg::CsrStatusOffset,
              32'd1 << trine_csr_pkg::CsrStatusDoneBit);
    check_csr("ERROR_CAUSE", trine_csr_pkg::CsrErrorCauseOffset, 32'(trine_csr_pkg::ErrorNone));
    write_csr(trine_csr_pkg::CsrIrqStatusOffset, 32'd3);
    if (irq) wrong("interrupt, cleared", 64'(irq), 64'd0);
    if ($value$plusargs("after=%s", after_file) != 0) begin
      file = $fopen(after_file, "r");
      if (file == 0) $fatal(1, "cannot open the file of +after");
      count = 0;
      while ($fscanf(file, "%h", after) == 1) begin
        if (mem[count] != after) wrong($sformatf("byte %0d", count), 64'(mem[count]), 64'(after));
        count++;
      end
      if (count == 0) $fatal(1, "no bytes in the file of +after");
      $display("%0d bytes compared", count);
    end
    if (bad != 0) $fatal(1, "FAIL");
    $display("PASS after %0d cycles", cycles);
    $finish;
  end

endmodule
