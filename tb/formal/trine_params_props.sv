// SPDX-License-Identifier: Apache-2.0
//
// Proves that a read of trine_params returns the value that was last written to its channel. This
// includes reads of a row that was read before and is not read again, and reads while a write
// waits.
//
// The proof follows one channel. It assumes the contract (r_next_i, m_bias_written,
// m_scale_written).

module trine_params_props (
  input logic        clk_i,
  input logic        rst_ni,
  input logic        r_valid_i,
  input logic        r_next_i,
  input logic [2:0]  r_channel_i,
  input logic        bias_we_i,
  input logic [1:0]  bias_addr_i,
  input logic        scale_we_i,
  input logic [2:0]  scale_addr_i,
  input logic [63:0] wdata_i,
  input logic [2:0]  follow_i
);

  localparam int unsigned DataWords = 2, DataBits = 32 * DataWords;

  logic        w_ready;
  logic [31:0] bias;
  logic [30:0] multiplier;
  logic [5:0]  shift;

  trine_params #(
    .Channels  (8),
    .DataWords (DataWords),
    .Drain     (1)
  ) u_dut (
    .clk_i        (clk_i),
    .rst_ni       (rst_ni),
    .clear_i      (1'b0),
    .r_valid_i    (r_valid_i),
    .r_next_i     (r_next_i),
    .r_channel_i  (r_channel_i),
    .bias_o       (bias),
    .multiplier_o (multiplier),
    .shift_o      (shift),
    .w_ready_o    (w_ready),
    .bias_we_i    (bias_we_i),
    .bias_addr_i  (bias_addr_i),
    .scale_we_i   (scale_we_i),
    .scale_addr_i (scale_addr_i),
    .wdata_i      (wdata_i)
  );

  // The registers of the module, for the invariant.
  (* hierconn *) logic                  \u_dut.u_skid.held_q ;
  (* hierconn *) logic [DataBits+6:0]   \u_dut.u_skid.data_q ;
  (* hierconn *) logic                  \u_dut.gen_bank[0].bias_valid_q ,
      \u_dut.gen_bank[0].scale_valid_q , \u_dut.gen_bank[0].bias_at_q ,
      \u_dut.gen_bank[0].scale_at_q ;
  (* hierconn *) logic [1:0]            \u_dut.gen_bank[0].bias_row_q ,
      \u_dut.gen_bank[0].scale_row_q ;
  (* hierconn *) logic [63:0]           \u_dut.gen_bank[0].u_bias.rdata_q ,
      \u_dut.gen_bank[0].u_bias.mem[0] , \u_dut.gen_bank[0].u_bias.mem[1] ,
      \u_dut.gen_bank[0].u_bias.mem[2] , \u_dut.gen_bank[0].u_bias.mem[3] ;
  (* hierconn *) logic [61:0]           \u_dut.gen_bank[0].u_multiplier.rdata_q ,
      \u_dut.gen_bank[0].u_multiplier.mem[0] , \u_dut.gen_bank[0].u_multiplier.mem[1] ,
      \u_dut.gen_bank[0].u_multiplier.mem[2] , \u_dut.gen_bank[0].u_multiplier.mem[3] ;
  (* hierconn *) logic [11:0]           \u_dut.gen_bank[0].u_shift.rdata_q ,
      \u_dut.gen_bank[0].u_shift.mem[0] , \u_dut.gen_bank[0].u_shift.mem[1] ,
      \u_dut.gen_bank[0].u_shift.mem[2] , \u_dut.gen_bank[0].u_shift.mem[3] ;

  // The channel that is followed: its values, and whether they were written; of the channel
  // that was read last: which one, its values then, and whether they were known.
  logic [2:0]  follow_q, last_q;
  logic [31:0] bias_q, bias_then_q;
  logic [36:0] scale_q, scale_then_q;  // {shift, multiplier}
  logic        bias_known_q, scale_known_q, bias_read_q, scale_read_q, seen_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      follow_q <= follow_i;
      {bias_known_q, scale_known_q, bias_read_q, scale_read_q, seen_q} <= '0;
    end else begin
      if (w_ready && bias_we_i && bias_addr_i == follow_q[2:1]) begin
        bias_q       <= wdata_i[{follow_q[0], 5'd0} +: 32];
        bias_known_q <= 1'b1;
      end
      if (w_ready && scale_we_i && scale_addr_i == follow_q) begin
        scale_q       <= wdata_i[36:0];
        scale_known_q <= 1'b1;
      end
      if (r_valid_i) begin
        seen_q       <= 1'b1;
        last_q       <= r_channel_i;
        bias_read_q  <= r_channel_i == follow_q && bias_known_q;
        scale_read_q <= r_channel_i == follow_q && scale_known_q;
        bias_then_q  <= bias_q;
        scale_then_q <= scale_q;
      end
    end
  end

  // The write that waits: {we_bias, we_scale, bias_addr, scale_addr, data}.
  logic                we_bias, we_scale, bias_waits, scale_waits;
  logic [1:0]          bias_addr;
  logic [2:0]          scale_addr;
  logic [DataBits-1:0] wdata;

  assign {we_bias, we_scale, bias_addr, scale_addr, wdata} = \u_dut.u_skid.data_q ;
  assign bias_waits  = \u_dut.u_skid.held_q && we_bias && bias_addr == follow_q[2:1];
  assign scale_waits = \u_dut.u_skid.held_q && we_scale && scale_addr == follow_q;

  // The followed channel's part of a row.
  function automatic [31:0] bias_of(input [63:0] row);
    bias_of = follow_q[0] ? row[63:32] : row[31:0];
  endfunction

  function automatic [36:0] scale_of(input [61:0] multipliers, input [11:0] shifts);
    scale_of = follow_q[0] ? {shifts[11:6], multipliers[61:31]} : {shifts[5:0], multipliers[30:0]};
  endfunction

  logic [31:0] bias_mem, bias_rdata;
  logic [36:0] scale_mem, scale_rdata;

  always_comb begin
    case (follow_q[2:1])
      2'd0: begin
        bias_mem  = bias_of(\u_dut.gen_bank[0].u_bias.mem[0] );
        scale_mem = scale_of(\u_dut.gen_bank[0].u_multiplier.mem[0] ,
                             \u_dut.gen_bank[0].u_shift.mem[0] );
      end
      2'd1: begin
        bias_mem  = bias_of(\u_dut.gen_bank[0].u_bias.mem[1] );
        scale_mem = scale_of(\u_dut.gen_bank[0].u_multiplier.mem[1] ,
                             \u_dut.gen_bank[0].u_shift.mem[1] );
      end
      2'd2: begin
        bias_mem  = bias_of(\u_dut.gen_bank[0].u_bias.mem[2] );
        scale_mem = scale_of(\u_dut.gen_bank[0].u_multiplier.mem[2] ,
                             \u_dut.gen_bank[0].u_shift.mem[2] );
      end
      default: begin
        bias_mem  = bias_of(\u_dut.gen_bank[0].u_bias.mem[3] );
        scale_mem = scale_of(\u_dut.gen_bank[0].u_multiplier.mem[3] ,
                             \u_dut.gen_bank[0].u_shift.mem[3] );
      end
    endcase
    bias_rdata  = bias_of(\u_dut.gen_bank[0].u_bias.rdata_q );
    scale_rdata = scale_of(\u_dut.gen_bank[0].u_multiplier.rdata_q ,
                           \u_dut.gen_bank[0].u_shift.rdata_q );
  end

  always_comb begin
    if ($initstate) assume (!rst_ni);
    if (r_valid_i && r_next_i) m_next: assume (seen_q && r_channel_i == last_q + 3'd1);
    // Writes that wait, or come, for the channel that is read.
    if (r_valid_i && \u_dut.u_skid.held_q )
      m_held: assume (!(we_bias && bias_addr == r_channel_i[2:1]) &&
                      !(we_scale && scale_addr == r_channel_i));
    if (r_valid_i && !\u_dut.u_skid.held_q )
      m_comes: assume (!(bias_we_i && bias_addr_i == r_channel_i[2:1]) &&
                       !(scale_we_i && scale_addr_i == r_channel_i));
    if (rst_ni) begin
      a_ready: assert (w_ready == !\u_dut.u_skid.held_q );
      if (bias_known_q && !bias_waits) a_bias_mem: assert (bias_mem == bias_q);
      if (bias_waits) a_bias_waits: assert (bias_known_q &&
                                           wdata[{follow_q[0], 5'd0} +: 32] == bias_q);
      if (scale_known_q && !scale_waits) a_scale_mem: assert (scale_mem == scale_q);
      if (scale_waits) a_scale_waits: assert (scale_known_q && wdata[36:0] == scale_q);
      // A row that is there is the memory's.
      if (\u_dut.gen_bank[0].bias_valid_q && \u_dut.gen_bank[0].bias_row_q == follow_q[2:1])
        a_bias_there: assert (bias_rdata == bias_mem);
      if (\u_dut.gen_bank[0].scale_valid_q && \u_dut.gen_bank[0].scale_row_q == follow_q[2:1])
        a_scale_there: assert (scale_rdata == scale_mem);
      if (seen_q) a_rows: assert (\u_dut.gen_bank[0].bias_row_q == last_q[2:1] &&
                                  \u_dut.gen_bank[0].scale_row_q == last_q[2:1] &&
                                  \u_dut.gen_bank[0].bias_at_q == last_q[0] &&
                                  \u_dut.gen_bank[0].scale_at_q == last_q[0]);
      a_seen: assert (seen_q || !(bias_read_q || scale_read_q));
      if (bias_read_q || scale_read_q) a_last: assert (last_q == follow_q);
      // The data of a read.
      if (bias_read_q) a_bias: assert (bias == bias_then_q);
      if (scale_read_q) a_scale: assert ({shift, multiplier} == scale_then_q);
      c_again: cover (scale_read_q && \u_dut.gen_bank[0].scale_valid_q && r_valid_i && r_next_i &&
                      r_channel_i[0]);
      c_waits: cover (scale_waits && r_valid_i && r_next_i);
      c_old: cover (bias_read_q && bias_then_q != bias_q && multiplier == 31'd5);
    end
  end

endmodule
