// SPDX-License-Identifier: Apache-2.0
//
// Arbitrates DMEM's DMA read port between two readers, which take turns, and returns data to the
// reader that requested them. At most Places reads are outstanding. A request stays at the port
// until the port accepts it; then the other reader has its turn. Without Two, reader 0 is connected
// to the port.
//
// Timing    Outputs are combinational. Only the arbitration turn and the owners of the outstanding
//           reads are registers.
// Contract  A reader holds its request until it is accepted.
// Check     trine_control_tb, trine_dma_share_props

module trine_dma_share #(
  parameter int unsigned AddrBits = 15,
  parameter int unsigned Places   = 16,   // a power of two
  parameter bit          Two      = 1'b1
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  input  logic                  clear_i,

  input  logic [1:0]            valid_i,
  output logic [1:0]            ready_o,
  input  logic [2*AddrBits-1:0] addr_i,
  output logic [1:0]            data_valid_o,

  output logic                  dma_rvalid_o,
  input  logic                  dma_rready_i,
  output logic [AddrBits-1:0]   dma_raddr_o,
  input  logic                  dma_rdata_valid_i
);

  if (Two) begin : gen_two
    localparam int unsigned PlaceBits = $clog2(Places);

    logic [Places-1:0]    owner_q;  // of each read under way
    logic [PlaceBits-1:0] head_q, tail_q;
    logic                 turn_q, chosen, take;

    assign chosen       = valid_i[1] && (turn_q || !valid_i[0]);
    assign dma_rvalid_o = valid_i != 2'd0;
    assign dma_raddr_o  = addr_i[AddrBits*chosen +: AddrBits];
    assign ready_o      = {dma_rready_i && chosen, dma_rready_i && !chosen};
    assign take         = dma_rvalid_o && dma_rready_i;
    assign data_valid_o = dma_rdata_valid_i ? 2'd1 << owner_q[head_q] : 2'd0;

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        head_q <= '0;
        tail_q <= '0;
        turn_q <= 1'b0;
      end else if (clear_i) begin
        head_q <= '0;
        tail_q <= '0;
        turn_q <= 1'b0;
      end else begin
        head_q <= head_q + PlaceBits'(dma_rdata_valid_i);
        tail_q <= tail_q + PlaceBits'(take);
        if (dma_rvalid_o) turn_q <= chosen ^ dma_rready_i;
      end
    end

    always_ff @(posedge clk_i) begin
      if (take) owner_q[tail_q] <= chosen;
    end

`ifdef TRINE_ASSERT
    logic                live_q, waits_q;
    logic [AddrBits-1:0] raddr_q;
    logic [PlaceBits:0]  outstanding_q;

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        live_q        <= 1'b0;
        waits_q       <= 1'b0;
        outstanding_q <= '0;
      end else begin
        live_q        <= 1'b1;
        waits_q       <= dma_rvalid_o && !dma_rready_i && !clear_i;
        outstanding_q <= clear_i ? '0 : outstanding_q + (PlaceBits + 1)'(take) -
                                        (PlaceBits + 1)'(dma_rdata_valid_i);
      end
    end

    always_ff @(posedge clk_i) begin
      raddr_q <= dma_raddr_o;
      if (live_q && !clear_i) begin
        if (waits_q) a_held: assert (dma_rvalid_o && dma_raddr_o == raddr_q);
        if (take) m_places: assume (outstanding_q != (PlaceBits + 1)'(Places));
        if (dma_rdata_valid_i) m_data: assume (outstanding_q != '0);
      end
    end
`endif
  end else begin : gen_one
    logic unused;
    assign dma_rvalid_o = valid_i[0];
    assign dma_raddr_o  = addr_i[0 +: AddrBits];
    assign ready_o      = {1'b0, dma_rready_i};
    assign data_valid_o = {1'b0, dma_rdata_valid_i};
    assign unused       = ^{clk_i, rst_ni, clear_i, valid_i, addr_i};
  end

endmodule
