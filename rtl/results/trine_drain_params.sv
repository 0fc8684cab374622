// SPDX-License-Identifier: Apache-2.0
//
// Requests the parameters of the next column's channel from bias and scale memory, one column
// ahead. The request comes when the previous column is issued, or when the column's job is
// accepted, so that the parameters arrive with the column. A normalized value has no column. Its
// parameters are read one cycle after the value enters, and are used one cycle after that.
//
//   cycle          0      1      2      3
//   issue_i        col    col    value         cycle 0 reads the parameters of the
//   p_channel_o    n+1           -      m      next column
//   value_params_o                             1 in cycle 4: the value uses m's parameters
//
// Timing    ready_o comes one cycle after a read. p_* are combinational from issue_i and
//           job_taken_i.
// Contract  Values come in the order of their channels. The first channel is v_first_i, which is
//           valid in the cycle of a product. No column is read while a value waits.
//
// Check     trine_post_tb; random_program_test (whole core)

module trine_drain_params #(
  parameter bit          Groups   = 1'b0,
  parameter int unsigned Channels = 512,
  localparam int unsigned ChannelBits = $clog2(Channels)
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  // Columns.
  input  logic                     job_taken_i,       // a job is taken
  input  logic                     c_job_taken_i,     // it is a compute job
  input  trine_post_pkg::column_t  column_i,
  input  trine_post_pkg::issue_t   issue_i,
  input  logic [ChannelBits-1:0]   channel_i,         // of the next column
  input  logic                     channel_rewind_i,  // channel_i goes back
  output logic                     ready_o,           // the column's parameters are there

  // A normalization: v_first_i is the channel of its first value, in the cycles of products.
  input  logic                     reciprocal_i,
  input  logic [15:0]              v_first_i,
  output logic                     value_params_o,  // a value's parameters are there

  output logic                     p_valid_o,
  output logic                     p_next_o,  // p_channel_o follows the channel read last
  output logic [ChannelBits-1:0]   p_channel_o
);

  logic                   ready_q, pass;
  logic                   entered_q, value_params_q;  // a value came one, two cycles ago
  logic [ChannelBits-1:0] v_channel_q;

  assign ready_o = ready_q;
  assign pass    = issue_i.pass && !(Groups && issue_i.part);  // not with factors

  // While a column's parameters are available, they are the parameters that were read last.
  assign p_next_o = ready_q && !c_job_taken_i && !entered_q && !channel_rewind_i;
  assign value_params_o = value_params_q;

  always_comb begin
    p_valid_o   = c_job_taken_i || (column_i.valid && !column_i.from_vector &&
                                    (pass ? !issue_i.done : !ready_q));
    p_channel_o = channel_i;
    if (entered_q) begin
      p_valid_o   = 1'b1;
      p_channel_o = v_channel_q;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      entered_q      <= 1'b0;
      value_params_q <= 1'b0;
    end else begin
      entered_q      <= issue_i.value;
      value_params_q <= entered_q;
    end
  end

  always_ff @(posedge clk_i) begin
    if (reciprocal_i) v_channel_q <= v_first_i[ChannelBits-1:0];
    else if (entered_q) v_channel_q <= v_channel_q + ChannelBits'(1);
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) ready_q <= 1'b0;
    else if (p_valid_o) ready_q <= !entered_q;
    else if (pass || job_taken_i) ready_q <= 1'b0;
  end

  logic unused_params;
  assign unused_params = ^{column_i, issue_i, v_first_i};

  // ---------------------------------------------------------------------------------------------
`ifdef TRINE_ASSERT
  logic live_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else         live_q <= 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      if (issue_i.value) m_one_client: assume (!issue_i.pass);
      c_prefetch: cover (p_valid_o && issue_i.pass);
    end
  end
`endif

endmodule
