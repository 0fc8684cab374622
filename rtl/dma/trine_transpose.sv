// SPDX-License-Identifier: Apache-2.0
//
// Transposes four words of four codes into four columns of a PMEM row: byte a of word b goes to
// byte b of column a. The mask marks the words that belong to the row. Codes of all other words
// become zero.
//
//   DataWords = 2   two beats form a block; at the row's end the second beat may be missing
//   otherwise       a beat contains DataWords / 4 blocks; blocks without words of the row are
//                   skipped
//
// Timing    The output is combinational from the beat. Only the first half of a block of two beats
//           is a register. Throughput is one block, or one half of a block, per cycle.
// Contract  The mask has no gaps and starts with the beat's first word.

module trine_transpose #(
  parameter int unsigned DataWords = 4,
  localparam int unsigned DataBits = 32 * DataWords
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  input  logic                 clear_i,

  input  logic                 valid_i,
  output logic                 beat_taken_o,  // the beat is consumed
  input  logic [DataBits-1:0]  data_i,
  input  logic [DataWords-1:0] mask_i,
  input  logic                 last_i,        // last of its row

  output logic                 valid_o,
  input  logic                 ready_i,
  output logic [127:0]         columns_o
);

  logic [DataBits-1:0] kept;
  logic [127:0]        block;

  always_comb begin
    for (int unsigned w = 0; w < DataWords; w++) begin
      kept[32*w +: 32] = mask_i[w] ? data_i[32*w +: 32] : 32'd0;
    end
    for (int unsigned a = 0; a < 4; a++) begin
      for (int unsigned b = 0; b < 4; b++) columns_o[32*a + 8*b +: 8] = block[32*b + 8*a +: 8];
    end
  end

  if (DataWords == 2) begin : gen_halves
    logic        second_d, second_q, step;
    logic [63:0] first_q;

    assign block        = second_q ? {kept, first_q} : {64'd0, kept};
    assign valid_o      = valid_i && (second_q || last_i);
    assign step         = valid_i && (!valid_o || ready_i);
    assign beat_taken_o = step;
    assign second_d     = step ? !valid_o : second_q;

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) second_q <= 1'b0;
      else if (clear_i) second_q <= 1'b0;
      else second_q <= second_d;
    end
    always_ff @(posedge clk_i) begin
      if (step) first_q <= kept;
    end
  end else if (DataWords == 4) begin : gen_whole
    assign block        = kept;
    assign valid_o      = valid_i;
    assign beat_taken_o = valid_i && ready_i;

    logic unused_control;
    assign unused_control = ^{clk_i, rst_ni, clear_i, last_i};
  end else begin : gen_blocks
    localparam int unsigned Blocks    = DataWords / 4;
    localparam int unsigned PlaceBits = $clog2(Blocks);

    logic [PlaceBits-1:0] place_d, place_q;
    logic [Blocks-1:0]    used;  // blocks with words of the row
    logic                 last;

    for (genvar k = 0; k < Blocks; k++) begin : gen_used
      assign used[k] = mask_i[4*k];
    end

    assign last         = (used >> place_q) == Blocks'(1);
    assign block        = kept[128*place_q +: 128];
    assign valid_o      = valid_i;
    assign beat_taken_o = valid_i && ready_i && last;
    assign place_d      = last ? '0 : place_q + PlaceBits'(1);

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) place_q <= '0;
      else if (clear_i) place_q <= '0;
      else if (valid_i && ready_i) place_q <= place_d;
    end

    logic unused_control;
    assign unused_control = last_i;
  end

`ifdef TRINE_ASSERT
  logic         live_q, waits_q;
  logic [127:0] held_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {live_q, waits_q} <= '0;
    end else begin
      live_q  <= 1'b1;
      waits_q <= valid_o && !ready_i && !clear_i;
    end
  end

  always_ff @(posedge clk_i) begin
    held_q <= columns_o;
    if (live_q) begin
      if (valid_i) begin
        m_mask: assume (mask_i[0] && (mask_i & (mask_i + DataWords'(1))) == '0);
      end
      // When the program stops, the bus withdraws a beat (stop_i of trine_axi_read).
      if (waits_q) a_held: assert (valid_o ? columns_o == held_q : !valid_i);
    end
  end
`endif

endmodule
