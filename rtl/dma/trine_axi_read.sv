// SPDX-License-Identifier: Apache-2.0
//
// Implements the AXI4 read master, shared by two clients: client 0 is the instruction fetch, client
// 1 the load engine. The client's number is the AXI ID.
//
// A client requests a burst of beats of DataBits bits. On a 32-bit bus, the burst has twice as many
// bus beats, and each pair of bus beats is joined to one beat. The pairs of each ID are joined
// separately, because responses of different IDs may interleave. While stop_i is high, the module
// accepts no requests and drops responses. idle_o is high when nothing is outstanding. clear_i
// drops the record of outstanding bursts after a reset of the bus. A response other than OKAY is an
// error. A client knows the lengths of its bursts, so the client checks rsp_last_o.
//
// Timing    Requests and responses pass through one register. Throughput is one request and one
//           beat per cycle. The ready of a request depends on m_axi_arready_i. m_axi_rready_o comes
//           from a register.
// Contract  A burst does not cross a 4 KiB boundary. Client 0 accepts responses without delay, so
//           it never blocks client 1. Client 1 may block the responses of client 0. This causes no
//           deadlock, because client 1 waits only for a memory's port, which never depends on the
//           next program words.
// Check     trine_control_tb, trine_axi_read_props

module trine_axi_read #(
  parameter int unsigned AxiDataBits    = 64,
  parameter int unsigned AxiAddrBits    = 32,
  parameter int unsigned MaxOutstanding = 16,  // bursts of a client
  localparam int unsigned DataBits = AxiDataBits < 64 ? 64 : AxiDataBits
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  // the bus forgot all outstanding bursts; only during stop_i
  input  logic                     clear_i,
  input  logic                     stop_i,
  output logic                     idle_o,
  output logic                     load_outstanding_o,  // client 1 has outstanding bursts
  output logic                     outstanding_o,  // the bus owes a handshake or a response
  output logic                     progress_o,     // a handshake happens
  output logic                     beat_o,  // a beat of AxiDataBits arrived (byte counter)

  // Requests of both clients: byte address, beats - 1.
  input  logic [1:0]               req_valid_i,
  output logic [1:0]               req_ready_o,
  input  logic [2*AxiAddrBits-1:0] req_addr_i,
  input  logic [15:0]              req_len_i,

  // Responses.
  output logic [1:0]               rsp_valid_o,
  input  logic [1:0]               rsp_ready_i,
  output logic [DataBits-1:0]      rsp_data_o,
  output logic                     rsp_error_o,
  output logic                     rsp_last_o,  // last of its burst, by the slave's flag

  output logic                     m_axi_arvalid_o,
  input  logic                     m_axi_arready_i,
  output logic                     m_axi_arid_o,
  output logic [AxiAddrBits-1:0]   m_axi_araddr_o,
  output logic [7:0]               m_axi_arlen_o,
  output logic [2:0]               m_axi_arsize_o,
  output logic [1:0]               m_axi_arburst_o,
  input  logic                     m_axi_rvalid_i,
  output logic                     m_axi_rready_o,
  input  logic                     m_axi_rid_i,
  input  logic [AxiDataBits-1:0]   m_axi_rdata_i,
  input  logic [1:0]               m_axi_rresp_i,
  input  logic                     m_axi_rlast_i
);

  localparam int unsigned CountBits = $clog2(MaxOutstanding + 1);

  // ---------------------------------------------------------------------------------------------
  // Requests: round robin into the AR register.
  // ---------------------------------------------------------------------------------------------
  logic                   ar_valid_d, ar_valid_q, ar_id_q, ar_free, grant, accept;
  logic [AxiAddrBits-1:0] ar_addr_q;
  logic [7:0]             ar_len_q, len;
  logic [1:0]             eligible, full;

  assign ar_free  = !ar_valid_q || m_axi_arready_i;
  assign eligible = req_valid_i & ~full;
  assign grant    = (&eligible) ? !ar_id_q : eligible[1];  // alternate
  assign accept   = ar_free && !stop_i && (|eligible);
  assign len      = grant ? req_len_i[15:8] : req_len_i[7:0];

  assign req_ready_o[0] = ar_free && !stop_i && !full[0] && !(grant && eligible[1]);
  assign req_ready_o[1] = ar_free && !stop_i && !full[1] && !(!grant && eligible[0]);
  assign ar_valid_d     = accept || (ar_valid_q && !m_axi_arready_i);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      ar_valid_q <= 1'b0;
      ar_id_q    <= 1'b0;
    end else if (clear_i) begin
      ar_valid_q <= 1'b0;
    end else begin
      ar_valid_q <= ar_valid_d;
      if (accept) ar_id_q <= grant;
    end
  end

  always_ff @(posedge clk_i) begin
    if (accept) begin
      ar_addr_q <= grant ? req_addr_i[AxiAddrBits +: AxiAddrBits] : req_addr_i[0 +: AxiAddrBits];
      ar_len_q  <= AxiDataBits < DataBits ? {len[6:0], 1'b1} : len;
    end
  end

  assign m_axi_arvalid_o = ar_valid_q;
  assign m_axi_arid_o    = ar_id_q;
  assign m_axi_araddr_o  = ar_addr_q;
  assign m_axi_arlen_o   = ar_len_q;
  assign m_axi_arsize_o  = 3'($clog2(AxiDataBits / 8));
  assign m_axi_arburst_o = 2'b01;   // INCR

  // ---------------------------------------------------------------------------------------------
  // Outstanding bursts of each client.
  // ---------------------------------------------------------------------------------------------
  logic       take, bus_error;  // a beat from the bus, unless it came too late
  logic [1:0] some;  // bursts outstanding

  assign take      = m_axi_rvalid_i && m_axi_rready_o && some[m_axi_rid_i];
  assign load_outstanding_o = some[1];
  assign outstanding_o = (ar_valid_q && !m_axi_arready_i) ||
                         (some != 2'b00 && m_axi_rready_o && !m_axi_rvalid_i);
  assign progress_o = (ar_valid_q && m_axi_arready_i) || take;
  assign beat_o     = take;
  assign bus_error  = m_axi_rresp_i != 2'b00;

  for (genvar id = 0; id < 2; id++) begin : gen_count
    logic [CountBits-1:0] count_d, count_q;
    logic                 more, less;

    assign more     = accept && grant == 1'(id);
    assign less     = take && m_axi_rlast_i && m_axi_rid_i == 1'(id);
    assign count_d  = count_q + (more ? CountBits'(1) : {CountBits{1'b1}});
    assign full[id] = count_q == CountBits'(MaxOutstanding);
    assign some[id] = count_q != '0;

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        count_q <= '0;
      end else if (clear_i) begin
        count_q <= '0;
      end else if (more != less) begin
        count_q <= count_d;
      end
    end
  end

  // ---------------------------------------------------------------------------------------------
  // Joining pairs on a 32-bit bus.
  // ---------------------------------------------------------------------------------------------
  logic                beat_valid, beat_error;
  logic [DataBits-1:0] beat_data;

  if (AxiDataBits < DataBits) begin : gen_join
    logic [1:0]             half_q, error_q;  // the low half has arrived
    logic [AxiDataBits-1:0] low0_q, low1_q;

    // A burst that ends with a low half has ended too early.
    assign beat_valid = take && (half_q[m_axi_rid_i] || m_axi_rlast_i);
    assign beat_error = bus_error || !half_q[m_axi_rid_i] || error_q[m_axi_rid_i];
    assign beat_data  = {m_axi_rdata_i, m_axi_rid_i ? low1_q : low0_q};

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        half_q  <= '0;
        error_q <= '0;
      end else if (clear_i) begin
        half_q  <= '0;
        error_q <= '0;
      end else if (take) begin
        half_q[m_axi_rid_i]  <= !half_q[m_axi_rid_i] && !m_axi_rlast_i;
        error_q[m_axi_rid_i] <= bus_error;
      end
    end
    always_ff @(posedge clk_i) begin
      if (take && !m_axi_rid_i) low0_q <= m_axi_rdata_i;
      if (take && m_axi_rid_i)  low1_q <= m_axi_rdata_i;
    end
  end else begin : gen_wide
    assign beat_valid = take;
    assign beat_error = bus_error;
    assign beat_data  = m_axi_rdata_i;
  end

  // ---------------------------------------------------------------------------------------------
  // A buffer of two places: ready is a register, and the throughput is still one beat per cycle.
  // ---------------------------------------------------------------------------------------------
  localparam int unsigned PlaceBits = DataBits + 3;

  logic [PlaceBits-1:0] place0_q, place1_q, head;
  logic                 write_q, read_q, leaves, head_id;  // place written, read next
  logic [1:0]           used_d, used_q;

  assign head        = read_q ? place1_q : place0_q;
  assign head_id     = head[PlaceBits-1];
  assign rsp_data_o  = head[DataBits-1:0];
  assign rsp_error_o = head[DataBits];
  assign rsp_last_o  = head[DataBits+1];
  assign rsp_valid_o = used_q == 2'd0 || stop_i ? 2'b00 : {head_id, !head_id};
  assign leaves      = used_q != 2'd0 && (stop_i || rsp_ready_i[head_id]);
  assign used_d      = used_q + 2'(beat_valid) - 2'(leaves);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      write_q <= 1'b0;
      read_q  <= 1'b0;
      used_q  <= 2'd0;
    end else begin
      write_q <= write_q ^ beat_valid;
      read_q  <= read_q ^ leaves;
      used_q  <= used_d;
    end
  end

  always_ff @(posedge clk_i) begin
    if (beat_valid && !write_q) place0_q <= {m_axi_rid_i, m_axi_rlast_i, beat_error, beat_data};
    if (beat_valid && write_q)  place1_q <= {m_axi_rid_i, m_axi_rlast_i, beat_error, beat_data};
  end

  assign m_axi_rready_o = !used_q[1];
  assign idle_o         = some == 2'b00 && used_q == 2'd0 && !ar_valid_q;

  logic unused_len;
  assign unused_len = ^req_len_i;

`ifdef TRINE_ASSERT
  logic live_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else         live_q <= 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      if (rsp_valid_o[0]) m_fetch_takes: assume (rsp_ready_i[0]);
      a_one_client: assert (rsp_valid_o != 2'b11);
    end
  end
`endif

endmodule
