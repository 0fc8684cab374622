// SPDX-License-Identifier: Apache-2.0
//
// Implements a ready/valid FIFO queue in a single-port memory.
//
// The words leave in the order in which they entered. In addition to the memory, the memory's
// output register and out_q store one word each.
//
// Writes have priority: in_ready_o depends only on free entries. A burst of writes therefore delays
// reads by its length, at most Depth cycles.
//
// Timing    The latency is 3 cycles. The memory performs one write or one read per cycle.
//           in_ready_o is a register. After an output transfer, the next word is valid in the next
//           cycle, unless a write delays its read.
// Check     trine_queue_tb

module trine_queue #(
  parameter int unsigned Width = 61,
  parameter int unsigned Depth = 64  // a power of two
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic             clear_i,

  input  logic             in_valid_i,
  output logic             in_ready_o,
  input  logic [Width-1:0] in_data_i,

  output logic             out_valid_o,
  input  logic             out_ready_i,
  output logic [Width-1:0] out_data_o,

  output logic             empty_o
);

  localparam int unsigned AddrBits = $clog2(Depth);

  if (Depth < 2 || Depth != 1 << AddrBits) begin : gen_bad_depth
    $error("trine_queue: Depth must be a power of two, at least 2");
  end

  // Pointers have one more bit: equal means empty; equal except for that bit means full.
  logic [AddrBits:0] head_d, head_q, tail_d, tail_q;
  logic              read_d, read_q, valid_d, valid_q;  // rdata, out_data_o is valid
  logic              full, write, read, moves;
  logic [Width-1:0]  rdata, out_q;

  assign full       = head_q == {~tail_q[AddrBits], tail_q[AddrBits-1:0]};
  assign in_ready_o = !full;
  assign write      = in_valid_i && !full;
  assign moves      = !valid_q || out_ready_i;
  assign read       = !write && head_q != tail_q && (!read_q || moves);

  assign tail_d  = tail_q + (AddrBits + 1)'(write);
  assign head_d  = head_q + (AddrBits + 1)'(read);
  assign read_d  = read || (read_q && !moves);
  assign valid_d = read_q || (valid_q && !out_ready_i);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      head_q  <= '0;
      tail_q  <= '0;
      read_q  <= 1'b0;
      valid_q <= 1'b0;
    end else if (clear_i) begin
      head_q  <= '0;
      tail_q  <= '0;
      read_q  <= 1'b0;
      valid_q <= 1'b0;
    end else begin
      head_q  <= head_d;
      tail_q  <= tail_d;
      read_q  <= read_d;
      valid_q <= valid_d;
    end
  end

  always_ff @(posedge clk_i) begin
    if (read_q && moves) out_q <= rdata;
  end

  trine_sram #(
    .Width    (Width),
    .Depth    (Depth),
    .MaskBits (Width)
  ) u_mem (
    .clk_i   (clk_i),
    .en_i    (write || read),
    .we_i    (write),
    .addr_i  (write ? tail_q[AddrBits-1:0] : head_q[AddrBits-1:0]),
    .mask_i  ({Width{1'b1}}),
    .wdata_i (in_data_i),
    .rdata_o (rdata)
  );

  assign out_valid_o = valid_q;
  assign out_data_o  = out_q;
  assign empty_o     = !valid_q && !read_q && head_q == tail_q;

`ifdef TRINE_ASSERT
  logic             live_q, stalled_q;  // a word was offered and not taken
  logic [Width-1:0] held_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      live_q    <= 1'b0;
      stalled_q <= 1'b0;
    end else begin
      live_q    <= 1'b1;
      stalled_q <= out_valid_o && !out_ready_i && !clear_i;
    end
  end

  always_ff @(posedge clk_i) begin
    held_q <= out_data_o;
    if (live_q && stalled_q) begin
      a_valid_held: assert (out_valid_o);
      a_data_held:  assert (out_data_o == held_q);
    end
  end
`endif

endmodule
