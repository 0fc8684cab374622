// SPDX-License-Identifier: Apache-2.0
//
// Implements the AXI4 write master of the store engine: addresses, data and responses.
//
// The store engine requests a burst of beats of DataBits bits. On a 32-bit bus, the burst has twice
// as many bus beats, and each beat is sent as two halves. The data of a burst are offered in the
// same cycle as the address or later. They do not wait for the address handshake, so a slave may
// accept address and data in any order (AXI4, A3.3.1). While stop_i is high, the module accepts no
// requests and completes the open bursts with all strobes low. uncorrectable_i immediately disables
// the strobes of all beats that are not offered yet. clear_i drops the record of all bursts after a
// reset of the bus. Data words without a strobe are 0. A response other than OKAY is an error.
//
// Timing    Addresses pass through a register, and data do not. The first beat of a burst may leave
//           in the cycle after the request, together with the address. Throughput is one beat per
//           cycle, without bubbles between bursts of two beats or more. The ready of data depends
//           on m_axi_wready_i.
// Contract  A burst does not cross a 4 KiB boundary. Beats come in the order of the requests.
//           Requests and beats hold until they are accepted or stop_i comes. uncorrectable_i holds
//           until stop_i comes.
// Check     trine_control_tb, trine_axi_write_props

module trine_axi_write #(
  parameter int unsigned AxiDataBits    = 64,
  parameter int unsigned AxiAddrBits    = 32,
  parameter int unsigned MaxOutstanding = 4,  // bursts without a response; a power of two
  localparam int unsigned DataBits  = AxiDataBits < 64 ? 64 : AxiDataBits,
  localparam int unsigned DataWords = DataBits / 32,
  localparam int unsigned BusWords  = AxiDataBits / 32,
  localparam int unsigned WordsBits = $clog2(BusWords + 1)
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  // the bus forgot all outstanding bursts; only during stop_i
  input  logic                     clear_i,
  input  logic                     stop_i,
  input  logic                     uncorrectable_i,  // data read from now on are wrong
  output logic                     idle_o,         // nothing outstanding
  output logic                     outstanding_o,  // the bus owes a handshake or a response
  output logic                     progress_o,     // a handshake or a response happens
  output logic [WordsBits-1:0]     words_o,        // words written in this cycle

  // A response was an error; the address of its burst.
  output logic                     error_o,
  output logic [AxiAddrBits-1:0]   error_addr_o,

  // Requests: byte address, beats - 1.
  input  logic                     req_valid_i,
  output logic                     req_ready_o,
  input  logic [AxiAddrBits-1:0]   req_addr_i,
  input  logic [7:0]               req_len_i,

  // Beats, with a mask of words.
  input  logic                     data_valid_i,
  output logic                     data_ready_o,
  input  logic [DataBits-1:0]      data_i,
  input  logic [DataWords-1:0]     mask_i,

  output logic                     m_axi_awvalid_o,
  input  logic                     m_axi_awready_i,
  output logic [AxiAddrBits-1:0]   m_axi_awaddr_o,
  output logic [7:0]               m_axi_awlen_o,
  output logic [2:0]               m_axi_awsize_o,
  output logic [1:0]               m_axi_awburst_o,
  output logic                     m_axi_wvalid_o,
  input  logic                     m_axi_wready_i,
  output logic [AxiDataBits-1:0]   m_axi_wdata_o,
  output logic [AxiDataBits/8-1:0] m_axi_wstrb_o,
  output logic                     m_axi_wlast_o,
  input  logic                     m_axi_bvalid_i,
  output logic                     m_axi_bready_o,
  input  logic [1:0]               m_axi_bresp_i
);

  localparam int unsigned BeatShift = $clog2(DataBits / 8);
  localparam int unsigned CountBits = $clog2(MaxOutstanding + 1);

  // ---------------------------------------------------------------------------------------------
  // Bursts. The AW register stores address and length until the slave accepts them. The beats of a
  // burst may begin in the same cycle, or (next_q) after the last beat of the previous burst. While
  // a burst waits with next_q, AW is not loaded again, because it still contains the length of this
  // burst.
  // ---------------------------------------------------------------------------------------------
  logic                   aw_valid_q, next_d, next_q, open_d, open_q;
  logic [AxiAddrBits-1:0] aw_addr_q;
  logic [7:0]             aw_len_q, bus_len, left_d, left_q;  // left: bus beats - 1
  logic                   accept, aw_taken, w_taken, closes, full;

  assign req_ready_o = !stop_i && !full && !aw_valid_q && !next_q;
  assign accept      = req_valid_i && req_ready_o;
  assign bus_len     = AxiDataBits < DataBits ? {req_len_i[6:0], 1'b1} : req_len_i;
  assign aw_taken    = aw_valid_q && m_axi_awready_i;
  assign w_taken     = m_axi_wvalid_o && m_axi_wready_i;
  assign closes      = w_taken && left_q == 8'd0;

  always_comb begin
    open_d = open_q;
    left_d = left_q;
    next_d = next_q;
    if (w_taken) left_d = left_q - 8'd1;
    if (!open_q || closes) begin
      open_d = next_q || accept;
      left_d = next_q ? aw_len_q : bus_len;
      next_d = 1'b0;
    end else if (accept) begin
      next_d = 1'b1;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      aw_valid_q <= 1'b0;
      next_q     <= 1'b0;
      open_q     <= 1'b0;
    end else if (clear_i) begin
      aw_valid_q <= 1'b0;
      next_q     <= 1'b0;
      open_q     <= 1'b0;
    end else begin
      aw_valid_q <= accept || (aw_valid_q && !m_axi_awready_i);
      next_q     <= next_d;
      open_q     <= open_d;
    end
  end

  always_ff @(posedge clk_i) begin
    if (accept) begin
      aw_addr_q <= req_addr_i;
      aw_len_q  <= bus_len;
    end
    left_q <= left_d;
  end

  assign m_axi_awvalid_o = aw_valid_q;
  assign m_axi_awaddr_o  = aw_addr_q;
  assign m_axi_awlen_o   = aw_len_q;
  assign m_axi_awsize_o  = 3'($clog2(AxiDataBits / 8));
  assign m_axi_awburst_o = 2'b01;   // INCR

  // ---------------------------------------------------------------------------------------------
  // Data. Dropping begins between two beats, because an offered beat must not change.
  // ---------------------------------------------------------------------------------------------
  logic                   drop_d, drop_q, waits_q, empty;  // waits_q: offered since the last cycle
  logic [AxiDataBits-1:0] bus_data;
  logic [BusWords-1:0]    bus_mask, strobes;  // words requested, words written

  assign empty          = drop_q || (uncorrectable_i && !waits_q);
  assign drop_d         = (stop_i || uncorrectable_i) &&
                          (empty || !m_axi_wvalid_o || m_axi_wready_i);
  assign m_axi_wvalid_o = open_q && (data_valid_i || drop_q);
  assign m_axi_wlast_o  = left_q == 8'd0;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      drop_q  <= 1'b0;
      waits_q <= 1'b0;
    end else begin
      drop_q  <= drop_d;
      waits_q <= m_axi_wvalid_o && !m_axi_wready_i && !clear_i;
    end
  end

  // left_q counts down to 0, so an odd value selects the low half.
  if (AxiDataBits < DataBits) begin : gen_halves
    assign bus_data     = left_q[0] ? data_i[AxiDataBits-1:0] : data_i[DataBits-1:AxiDataBits];
    assign bus_mask     = left_q[0] ? mask_i[0] : mask_i[1];
    assign data_ready_o = open_q && !drop_q && m_axi_wready_i && !left_q[0];
  end else begin : gen_whole
    assign bus_data     = data_i;
    assign bus_mask     = mask_i;
    assign data_ready_o = open_q && !drop_q && m_axi_wready_i;
  end

  // Words without a strobe leave as zeros, so no unwritten register content reaches the bus.
  assign strobes = empty ? '0 : bus_mask;
  for (genvar w = 0; w < BusWords; w++) begin : gen_strobes
    assign m_axi_wstrb_o[4*w +: 4]   = {4{strobes[w]}};
    assign m_axi_wdata_o[32*w +: 32] = bus_data[32*w +: 32] & {32{strobes[w]}};
  end

  assign words_o = w_taken ? WordsBits'($countones(strobes)) : '0;

  // ---------------------------------------------------------------------------------------------
  // Responses are always accepted. They come in order, because all bursts have the same ID.
  // ---------------------------------------------------------------------------------------------
  logic [CountBits-1:0]             count_d, count_q;
  logic [AxiAddrBits-BeatShift-1:0] burst_addr;
  logic                             answered;

  assign answered       = m_axi_bvalid_i && !idle_o;  // ignores a response that came too late
  assign m_axi_bready_o = 1'b1;
  assign full           = count_q == CountBits'(MaxOutstanding);
  assign count_d        = count_q + CountBits'(accept) - CountBits'(answered);
  assign idle_o         = count_q == '0;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni)      count_q <= '0;
    else if (clear_i) count_q <= '0;
    else              count_q <= count_d;
  end

  trine_fifo #(
    .Width (AxiAddrBits - BeatShift),
    .Depth (MaxOutstanding)
  ) u_addrs (
    .clk_i   (clk_i),
    .rst_ni  (rst_ni),
    .clear_i (clear_i),
    .push_i  (accept),
    .data_i  (req_addr_i[AxiAddrBits-1:BeatShift]),
    .pop_i   (answered),
    .head_o  (burst_addr)
  );

  assign outstanding_o = (aw_valid_q && !m_axi_awready_i) || (m_axi_wvalid_o && !m_axi_wready_i) ||
                         (!idle_o && !aw_valid_q && !open_q && !m_axi_bvalid_i);
  assign progress_o = aw_taken || w_taken || answered;

  assign error_o      = answered && m_axi_bresp_i != 2'b00;
  assign error_addr_o = {burst_addr, {BeatShift{1'b0}}};

  logic unused_len;
  assign unused_len = ^req_len_i;

`ifdef TRINE_ASSERT
  // The assumptions of the proof about the client are checked wherever this module is used.
  logic                     live_q, req_waits_q, data_waits_q, uncorrectable_q, last_q;
  logic [AxiDataBits/8-1:0] strb_q;
  logic [AxiDataBits-1:0]   written;  // bits with a strobe

  for (genvar b = 0; b < AxiDataBits / 8; b++) begin : gen_written
    assign written[8*b +: 8] = {8{m_axi_wstrb_o[b]}};
  end
  logic [AxiAddrBits+7:0]   req_q;
  logic [DataBits-1:0]      data_q;
  logic [DataWords-1:0]     mask_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      live_q          <= 1'b0;
      req_waits_q     <= 1'b0;
      data_waits_q    <= 1'b0;
      uncorrectable_q <= 1'b0;
    end else begin
      live_q          <= 1'b1;
      req_waits_q     <= req_valid_i && !req_ready_o;
      data_waits_q    <= data_valid_i && !data_ready_o;
      uncorrectable_q <= uncorrectable_i && !stop_i;
    end
  end

  always_ff @(posedge clk_i) begin
    strb_q <= m_axi_wstrb_o;
    last_q <= m_axi_wlast_o;
    req_q  <= {req_len_i, req_addr_i};
    data_q <= data_i;
    mask_q <= mask_i;
    if (live_q) begin
      if (waits_q) begin
        a_valid_held: assert (m_axi_wvalid_o);
        a_beat_held:  assert (m_axi_wstrb_o == strb_q && m_axi_wlast_o == last_q);
      end
      if (m_axi_wvalid_o) a_zeros: assert ((m_axi_wdata_o & ~written) == '0);
      // next_q is set only while another burst is open.
      a_place: assert (!next_q || open_q);
      if (req_waits_q && !stop_i) m_req: assume (req_valid_i && {req_len_i, req_addr_i} == req_q);
      if (data_waits_q && !drop_q) begin
        m_data: assume (data_valid_i && data_i == data_q && mask_i == mask_q);
      end
      if (uncorrectable_q) m_broken: assume (uncorrectable_i);
    end
  end
`endif

endmodule
