// SPDX-License-Identifier: Apache-2.0
//
// Bias and scale memories: for each output channel an int32 bias, a Q31 multiplier and a shift.
// A beat of DataWords biases, or of DataWords/2 scales (64 bits each, 37 kept), is written at once.
//
// Timing    a read answers one cycle later and holds until the next read. A write goes first: the
//           read of that cycle is refused (r_ready_o low).
// Contract  channel < Channels; Channels is a multiple of DataWords.
//
// Check     tb/trine_params_tb.cpp

module trine_params #(
  parameter int unsigned Channels  = 512,
  parameter int unsigned DataWords = 2,  // power of two, at least 2
  localparam int unsigned DataBits      = 32 * DataWords,
  localparam int unsigned ScaleWords    = DataWords / 2,
  localparam int unsigned ChannelBits   = $clog2(Channels),
  localparam int unsigned BiasAddrBits  = $clog2(Channels / DataWords),
  localparam int unsigned ScaleAddrBits = $clog2(Channels / ScaleWords)
) (
  input  logic                     clk_i,

  input  logic                     r_valid_i,
  output logic                     r_ready_o,
  input  logic [ChannelBits-1:0]   r_channel_i,
  output logic [31:0]              bias_o,
  output logic [30:0]              multiplier_o,
  output logic [5:0]               shift_o,

  input  logic                     bias_we_i,
  input  logic [BiasAddrBits-1:0]  bias_addr_i,
  input  logic [DataBits-1:0]      bias_wdata_i,
  input  logic                     scale_we_i,
  input  logic [ScaleAddrBits-1:0] scale_addr_i,
  input  logic [DataBits-1:0]      scale_wdata_i
);

  localparam int unsigned ScaleBits  = 37;
  localparam int unsigned BiasSelect = $clog2(DataWords);

  logic                            read;
  logic [DataBits-1:0]             bias_row;
  logic [ScaleWords*ScaleBits-1:0] scale_row, scale_packed;
  logic [BiasSelect-1:0]           select_q;
  logic [ScaleBits-1:0]            scale;

  assign r_ready_o = !bias_we_i && !scale_we_i;
  assign read      = r_valid_i && r_ready_o;

  always_ff @(posedge clk_i) begin
    if (read) select_q <= r_channel_i[BiasSelect-1:0];
  end

  trine_sram #(.Width(DataBits), .Depth(Channels / DataWords)) u_bias (
    .clk_i,
    .en_i    (read || bias_we_i),
    .we_i    (bias_we_i),
    .addr_i  (bias_we_i ? bias_addr_i : r_channel_i[ChannelBits-1:BiasSelect]),
    .mask_i  ('1),
    .wdata_i (bias_wdata_i),
    .rdata_o (bias_row)
  );

  trine_sram #(.Width(ScaleWords * ScaleBits), .Depth(Channels / ScaleWords)) u_scale (
    .clk_i,
    .en_i    (read || scale_we_i),
    .we_i    (scale_we_i),
    .addr_i  (scale_we_i ? scale_addr_i : r_channel_i[ChannelBits-1:BiasSelect-1]),
    .mask_i  ('1),
    .wdata_i (scale_packed),
    .rdata_o (scale_row)
  );

  always_comb begin
    for (int unsigned w = 0; w < ScaleWords; w++) begin
      scale_packed[w*ScaleBits +: ScaleBits] = scale_wdata_i[w*64 +: ScaleBits];
    end
  end

  if (ScaleWords == 1) begin : gen_one
    assign scale = scale_row;
  end else begin : gen_many
    always_comb begin
      scale = '0;
      for (int unsigned w = 0; w < ScaleWords; w++) begin
        if (select_q[BiasSelect-2:0] == (BiasSelect-1)'(w)) begin
          scale = scale_row[w*ScaleBits +: ScaleBits];
        end
      end
    end
  end

  assign bias_o       = bias_row[{select_q, 5'd0} +: 32];
  assign multiplier_o = scale[30:0];
  assign shift_o      = scale[36:31];

  logic unused_scale;  // bits 63:37 of each scale in DRAM
  assign unused_scale = ^scale_wdata_i;

`ifdef TRINE_ASSERT
  always_ff @(posedge clk_i) begin
    if (r_valid_i) m_channel: assume (32'(r_channel_i) < Channels);
    if (read) a_write_first: assert (!bias_we_i && !scale_we_i);
  end
`endif

endmodule
