// SPDX-License-Identifier: Apache-2.0
//
// Writes the load engine's beats to PMEM, either unchanged (trine_load_rows) or unpacked from a
// packed stream. Packed adds the unpacking. On a bus of up to 64 bits, trine_unpack turns the
// stream into pairs of beats, which pass through trine_load_rows. On a wider bus, trine_unpack_wide
// turns the stream into parts of PMEM rows. Both unpackers generate their own row addresses.
//
// Timing    See trine_load_rows, and for packed copies the unpackers. Beats of the next copy wait
//           until all rows of the current copy have left. pending_o stalls beats to the small
//           memories and DMEM. This module stalls all other beats.
// Contract  See trine_load_rows and the unpackers.
// Check     trine_load_pmem_tb, trine_control_tb

module trine_load_pmem #(
  parameter int unsigned Cols         = 8,
  parameter int unsigned PmemAddrBits = 11,
  parameter int unsigned DataBits     = 64,
  parameter bit          Maps         = 1'b1,  // supports transposed copies
  parameter bit          Packed       = 1'b0,  // supports packed copies: Cols is a multiple of 4
  parameter int unsigned FromBits     = 29,
  localparam int unsigned DataWords = DataBits / 32,
  localparam int unsigned Quads     = (Cols + 3) / 4
) (
  input  logic                    clk_i,
  input  logic                    rst_ni,
  input  logic                    clear_i,

  input  logic                    start_i,  // a copy begins

  // A packed copy: its rows; more of its beats will come.
  input  logic                    packed_i,
  input  logic [1:0]              format_i,  // its target's lowest bits
  input  logic [PmemAddrBits-1:0] local_i,
  input  logic [15:0]             rows_last_i,
  input  logic [FromBits-1:0]     stream_addr_i,
  input  logic                    more_beats_i,
  output logic                    error_o,        // the stream is invalid
  output logic [FromBits-1:0]     stream_addr_o,  // address of that stream

  // As in trine_load_rows.
  input  logic                    valid_i,
  input  logic                    transposed_i,
  input  logic [PmemAddrBits-1:0] addr_i,
  input  logic [DataBits-1:0]     data_i,
  input  logic [DataWords-1:0]    mask_i,
  input  logic                    row_last_i,
  input  logic                    last_i,
  output logic                    beat_taken_o,
  output logic                    row_advance_o,
  output logic                    pending_o,
  output logic                    done_o,

  output logic                    pmem_wvalid_o,
  input  logic                    pmem_wready_i,
  output logic [PmemAddrBits-1:0] pmem_wrow_o,
  output logic [32*Cols-1:0]      pmem_wdata_o,
  output logic [Quads-1:0]        pmem_wquads_o
);

  logic                    beat_valid, beat_last, beat_next, pair_valid, pair_last;
  logic [PmemAddrBits-1:0] beat_addr, pair_addr;
  logic [DataBits-1:0]     beat, second;
  logic                    pairs, row_pending;  // pairs or parts of rows replace beats
  logic                    rows_row_advance, row_done, row_wvalid;
  logic [PmemAddrBits-1:0] row_wrow;
  logic [32*Cols-1:0]      row_wdata;
  logic [Quads-1:0]        row_wquads;

  trine_load_rows #(
    .Cols         (Cols),
    .PmemAddrBits (PmemAddrBits),
    .DataBits     (DataBits),
    .Maps         (Maps),
    .Pairs        (Packed && DataBits == 64)
  ) u_rows (
    .clk_i,
    .rst_ni,
    .clear_i,
    .start_i,
    .valid_i       (beat_valid),
    .transposed_i  (transposed_i && !pairs),  // pairs belong to the previous copy
    .addr_i        (beat_addr),
    .data_i        (beat),
    .pair_i        (pairs && DataBits == 64),
    .second_i      (second),
    .mask_i,
    .row_last_i,
    .last_i        (beat_last),
    .beat_taken_o  (beat_next),
    .row_advance_o (rows_row_advance),
    .pending_o     (row_pending),
    .done_o        (row_done),
    .pmem_wvalid_o (row_wvalid),
    .pmem_wready_i (pmem_wready_i),
    .pmem_wrow_o   (row_wrow),
    .pmem_wdata_o  (row_wdata),
    .pmem_wquads_o (row_wquads)
  );

  assign pending_o     = row_pending || pairs;
  assign row_advance_o = rows_row_advance && !pairs;  // rows of the previous copy do not count
  assign beat_addr     = pairs ? pair_addr : addr_i;
  assign beat_last     = pairs ? pair_last : last_i;

  if (Packed && Cols % 4 != 0) begin : gen_bad
    $error("trine_load_pmem: Packed needs Cols in fours");
  end

  if (Packed && DataBits > 64) begin : gen_wide
    logic                    taken, part_valid, part_last;
    logic [PmemAddrBits-1:0] part_row;
    logic [32*Cols-1:0]      part;
    logic [Quads-1:0]        part_quads;
    logic                    unused_format;

    trine_unpack_wide #(
      .AddrBits    (PmemAddrBits),
      .QuadsPerRow (Quads),
      .DataBits    (DataBits),
      .FromBits    (FromBits)
    ) u_unpack (
      .clk_i,
      .rst_ni,
      .clear_i,
      .start_i      (start_i && packed_i),
      .local_i,
      .rows_last_i,
      .stream_addr_i,
      .busy_o       (pairs),
      .error_o,
      .stream_addr_o,
      .more_beats_i (more_beats_i && packed_i),
      .beat_valid_i (valid_i && packed_i),
      .beat_ready_o (taken),
      .beat_i       (data_i),
      .valid_o      (part_valid),
      .ready_i      (pmem_wready_i && !row_wvalid),
      .data_o       (part),
      .quads_o      (part_quads),
      .addr_o       (part_row),
      .last_o       (part_last)
    );

    // The last row of the previous copy comes first.
    assign pair_valid    = 1'b0;
    assign pair_last     = 1'b0;
    assign pair_addr     = '0;
    assign beat_valid    = valid_i && !packed_i && !pairs;
    assign beat          = data_i;
    assign second        = '0;
    assign beat_taken_o  = packed_i ? valid_i && taken : beat_next && !pairs;
    assign pmem_wvalid_o = row_wvalid || part_valid;
    assign pmem_wrow_o   = row_wvalid ? row_wrow : part_row;
    assign pmem_wdata_o  = row_wvalid ? row_wdata : part;
    assign pmem_wquads_o = row_wvalid ? row_wquads : part_quads;
    assign done_o        = row_done ||
                           (part_valid && part_last && pmem_wready_i && !row_wvalid);
    assign unused_format = ^{format_i, pair_valid};
  end else if (Packed) begin : gen_packed
    logic         taken;
    logic [127:0] pair;

    trine_unpack #(
      .AddrBits    (PmemAddrBits),
      .PairsPerRow (Cols / 4),
      .FromBits    (FromBits)
    ) u_unpack (
      .clk_i,
      .rst_ni,
      .clear_i,
      .start_i      (start_i && packed_i),
      .format_i,
      .local_i,
      .rows_last_i,
      .stream_addr_i,
      .busy_o       (pairs),
      .error_o,
      .stream_addr_o,
      .more_beats_i (more_beats_i && packed_i),
      .beat_valid_i (valid_i && packed_i),
      .beat_ready_o (taken),
      .beat_i       (data_i[63:0]),
      .valid_o      (pair_valid),
      .ready_i      (beat_next),
      .data_o       (pair),
      .addr_o       (pair_addr),
      .last_o       (pair_last)
    );

    assign beat_valid   = pairs ? pair_valid : valid_i && !packed_i;
    assign beat         = pairs ? DataBits'(pair[63:0]) : data_i;
    assign second       = DataBits'(pair[127:64]);
    assign beat_taken_o = packed_i ? valid_i && taken : beat_next && !pairs;
    assign {done_o, pmem_wvalid_o} = {row_done, row_wvalid};
    assign {pmem_wrow_o, pmem_wdata_o, pmem_wquads_o} = {row_wrow, row_wdata, row_wquads};
  end else begin : gen_plain
    logic unused_packed;
    assign pairs         = 1'b0;
    assign pair_valid    = 1'b0;
    assign pair_last     = 1'b0;
    assign pair_addr     = '0;
    assign beat_valid    = valid_i;
    assign beat          = data_i;
    assign second        = '0;
    assign beat_taken_o  = beat_next;
    assign error_o       = 1'b0;
    assign stream_addr_o = '0;
    assign {done_o, pmem_wvalid_o} = {row_done, row_wvalid};
    assign {pmem_wrow_o, pmem_wdata_o, pmem_wquads_o} = {row_wrow, row_wdata, row_wquads};
    assign unused_packed =
        ^{packed_i, format_i, local_i, rows_last_i, stream_addr_i, more_beats_i, pair_valid};
  end

`ifdef TRINE_ASSERT
  logic                    live_q, waits_q, failed_q;
  logic [PmemAddrBits-1:0] held_row_q;
  logic [Quads-1:0]        held_quads_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {live_q, waits_q, failed_q} <= '0;
    end else begin
      live_q   <= 1'b1;
      waits_q  <= pmem_wvalid_o && !pmem_wready_i && !clear_i;
      failed_q <= error_o && !clear_i;
    end
  end

  always_ff @(posedge clk_i) begin
    held_row_q   <= pmem_wrow_o;
    held_quads_q <= pmem_wquads_o;
    if (live_q) begin
      // When the program stops, the bus withdraws a beat (stop_i of trine_axi_read).
      if (waits_q) begin
        a_row_held: assert (pmem_wvalid_o
                            ? pmem_wrow_o == held_row_q && pmem_wquads_o == held_quads_q
                            : !valid_i);
      end
      if (done_o) a_done_written: assert (pmem_wvalid_o && pmem_wready_i);
      if (failed_q) a_error_stays: assert (error_o);
    end
  end
`endif

endmodule
