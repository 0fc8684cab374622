// SPDX-License-Identifier: Apache-2.0
//
// Buffers one word in front of a port that may be busy, so that in_ready_o is a register (skid
// buffer).
//
// Timing    The module adds no latency while the port is ready.
// Contract  out_valid_o and out_data_o hold until they are accepted, if the inputs in_* hold while
//           in_ready_o is low.
// Check     trine_dmem_tb; trine_skid_props

module trine_skid #(
  parameter int unsigned Width = 32
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic             clear_i,

  input  logic             in_valid_i,
  output logic             in_ready_o,
  input  logic [Width-1:0] in_data_i,
  output logic             out_valid_o,
  input  logic             out_ready_i,
  output logic [Width-1:0] out_data_o
);

  logic             held_q;
  logic [Width-1:0] data_q;

  assign in_ready_o  = !held_q;
  assign out_valid_o = held_q || in_valid_i;
  assign out_data_o  = held_q ? data_q : in_data_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) held_q <= 1'b0;
    else held_q <= out_valid_o && !out_ready_i && !clear_i;
  end

  always_ff @(posedge clk_i) begin
    if (in_valid_i && !held_q) data_q <= in_data_i;
  end

`ifdef TRINE_ASSERT
  logic             live_q, waits_q;
  logic [Width-1:0] held_out_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {live_q, waits_q} <= '0;
    end else begin
      live_q  <= 1'b1;
      waits_q <= out_valid_o && !out_ready_i && !clear_i;
    end
  end

  always_ff @(posedge clk_i) begin
    held_out_q <= out_data_o;
    if (live_q && waits_q) a_out_held: assert (out_valid_o && out_data_o == held_out_q);
  end
`endif

endmodule
