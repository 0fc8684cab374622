// SPDX-License-Identifier: Apache-2.0
//
// Proves the order of reads and words in trine_post, with an array that overwrites its drain
// registers as soon as a grant allows it. Each column is read after its own results have reached
// its register, and before the results of the next tile overwrite them. Each RUN retires once,
// after its last word has left. No word of another RUN leaves in between. The properties are stated
// at the ports: each code carries marks that describe its origin, and the marks are checked when
// the word leaves.
//
// Data are abstracted: the module trine_lanes below is a pipeline of marks. The proof covers one
// row and requantized int8 codes with parameters for each channel. It covers any channels,
// positions, tiles and RUNs, also RUNs without results, softmax RUNs of any words between them, and
// a scatter port that waits for any time. The proof does not cover vector jobs, operations with
// another latency, normalized values, and clear_i.

// trine_lanes without its data: codes leave six cycles later, and their lowest bits are the marks
// that entered.
module trine_lanes #(
  parameter int unsigned Rows       = 1,
  parameter bit          Ternary    = 1'b0,
  parameter bit          Binary     = 1'b0,
  parameter bit          Table      = 1'b0,
  parameter bit          Groups     = 1'b0,
  parameter bit          Int16      = 1'b0, Formats = 1'b0,
  parameter bit          Softmax    = 1'b0,
  parameter bit          Sums       = 1'b0,
  parameter int unsigned Drain      = 1,
  parameter int          Multiplier = 0
) (
  input  logic                          clk_i,
  input  logic                          rst_ni,
  input  trine_post_pkg::issue_t        issue_i,
  input  trine_post_pkg::column_t       column_i,
  input  trine_job_pkg::cfg_t          cfg_i,
  input  trine_post_pkg::kind_t         kind_i,
  input  trine_post_pkg::cfg_pair_t     cfg_pair_i,
  input  logic [Drain*Rows*32-1:0]      acc_i,
  input  logic [Rows*96-1:0]            v_slots_i,
  input  logic [Drain*Rows*32-1:0]      softmax_acc_i,
  input  logic [Rows*37-1:0]            factors_i,
  input  trine_job_pkg::cfg_t          softmax_cfg_i,
  input  logic                          softmax_in_two_i,
  input  logic                          softmax_out_i,
  input  logic [Drain*69-1:0]           params_i,
  input  logic                          channel_params_i,
  input  trine_post_pkg::table_write_t  table_i,
  input  logic [Rows-1:0]               rsp_lanes_i,
  input  logic [Rows*32-1:0]            rsp_data_i,
  input  logic                          rsp_place_i,
  input  logic                          residual_place_i,
  input  logic                          keep_i,
  input  logic                          from_keep_i,
  output logic                          valid_o,
  output logic [Drain*Rows*8-1:0]       code_o,
  output logic [Rows*32-1:0]            word_o,
  output logic                          product_valid_o,
  output logic [Drain*Rows*42-1:0]      product_o,
  output logic [Rows*trine_post_pkg::PointBits-1:0] point_req_o
);

  localparam int unsigned Latency = 6;

  logic [Latency-1:0]   valid_q;
  logic [Drain*3-1:0]   marks, out;
  logic [Latency*6-1:0] marks_q;

  for (genvar d = 0; d < Drain; d++) begin : gen_marks
    assign marks[3*d +: 3] = issue_i.softmax ? softmax_acc_i[32*d +: 3] : acc_i[32*d +: 3];
    assign code_o[8*d +: 8] = {5'd0, out[3*d +: 3]};
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) valid_q <= '0;
    else valid_q <= {valid_q[Latency-2:0], issue_i.column || issue_i.softmax};
  end

  always_ff @(posedge clk_i) begin
    marks_q[5:0] <= 6'(marks);
    // The second lane takes part in a pair.
    if (!(issue_i.softmax || column_i.pair)) marks_q[5:3] <= '0;
    for (int unsigned k = 1; k < Latency; k++) marks_q[6*k +: 6] <= marks_q[6*(k-1) +: 6];
  end

  assign out             = marks_q[6*(Latency-1) +: Drain*3];
  assign valid_o         = valid_q[Latency-1];
  assign word_o          = '0;
  assign product_valid_o = 1'b0;
  assign product_o       = '0;
  assign point_req_o     = '0;

endmodule

module trine_post_props #(
  parameter int unsigned Drain    = 1,
  parameter int unsigned PeStages = 2,
  parameter int unsigned JobDelay = 2,  // PeStages, plus one cycle per block of rows
  parameter int unsigned MaxLate  = 0,  // above 0: blocks of Drain columns, as many blocks of rows
  localparam int unsigned Cols     = 4,
  localparam int unsigned PipeCols = MaxLate == 0 ? 4 : Drain,
  localparam int unsigned ColBlocks = (4 - 1) / PipeCols,
  localparam int unsigned AddrBits = 3,
  localparam int unsigned Channels = 16,
  localparam int unsigned WordBits = AddrBits + 33 + 32
) (
  input logic       clk_i,
  input logic       rst_ni,
  input logic       offer_i,          // a job
  input logic       run_ends_i,       // the RUN ends with this tile
  input logic       bare_i,           // a RUN without results
  input logic       step_i,           // a tile's last step would enter the array
  input logic       softmax_i,        // a code, or two
  input logic       pair_i,
  input logic       softmax_ends_i,   // this code ends a word, its tile, its RUN
  input logic       tile_ends_i,
  input logic       softmax_run_i,
  input logic       free_i            // the scatter port has written its whole word
);

  (* anyconst *) trine_job_pkg::cfg_t cfg;

  // ---------------------------------------------------------------------------------------------
  // The compute engine. Each job is one group of a tile.
  // ---------------------------------------------------------------------------------------------
  trine_job_pkg::job_t            c_job;
  trine_job_pkg::results_t        results;
  trine_job_pkg::compute_status_t status;
  trine_post_pkg::vector_status_t  v_status;
  logic                            c_valid, c_ready, data_ready, offered_q, last_q, ends;
  logic                            bare_q, bare;
  logic                            new_q;   // the next job begins a RUN
  logic [4:0]                      rest_q;  // channels of the tile that are not offered yet
  logic [4:0]                      rest, group;

  assign rest    = rest_q == '0 ? cfg.channels[4:0] : rest_q;
  assign group   = rest < 5'(Cols) ? rest : 5'(Cols);
  assign ends    = offered_q ? last_q : run_ends_i;
  assign bare    = new_q && (offered_q ? bare_q : bare_i);
  assign c_valid = offered_q || offer_i;

  always_comb begin
    c_job            = '0;
    c_job.tile_first = rest_q == '0;
    c_job.tile_last  = rest == group || bare;
    c_job.first      = new_q;
    c_job.last       = c_job.tile_last && (ends || bare);
    c_job.drain      = !bare;
    c_job.cfg        = cfg;
  end

  // The job in front, as seen at the ports.
  logic       front_last_q;
  logic [4:0] front_q;  // columns

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      offered_q <= 1'b0;
      rest_q    <= '0;
      new_q     <= 1'b1;
    end else begin
      offered_q <= c_valid && !c_ready;
      if (c_valid && c_ready && !bare) begin
        rest_q <= rest - group;
        new_q  <= c_job.last;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    last_q <= ends;
    bare_q <= bare;
    if (c_valid && c_ready && !bare) begin
      front_last_q <= c_job.last;
      front_q      <= group;
    end
  end

  // ---------------------------------------------------------------------------------------------
  // The array, which behaves like trine_operands, trine_jobs and the PEs.
  // ---------------------------------------------------------------------------------------------
  logic                granted_q, arrived_q, arrived, grant, pass, taken;
  logic [JobDelay:1]   delay_q;
  logic [JobDelay+ColBlocks:1] way_q;    // to the drain registers
  // Parities of the tiles that entered the array and that were accepted. first_q, all_q: parities
  // of the tiles in the drain registers of a block of columns, in the first and in the last row.
  logic                passed_q, read_q;
  logic [ColBlocks:0]  first_q, all_q;

  assign arrived       = arrived_q || delay_q[JobDelay];
  assign grant         = status.drain_soon || (status.drain_ok && delay_q == '0 && !arrived_q);
  assign pass          = granted_q && step_i;
  assign taken         = arrived && data_ready;
  assign results.valid = arrived;
  if (JobDelay > 1) begin : gen_soon
    assign results.valid_next = delay_q[JobDelay-1];
  end else begin : gen_not_soon
    assign results.valid_next = 1'b0;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      granted_q <= 1'b0;
      arrived_q <= 1'b0;
      delay_q   <= '0;
      way_q     <= '0;
      passed_q  <= 1'b0;
      read_q    <= 1'b0;
      first_q   <= '0;
      all_q     <= '0;
    end else begin
      granted_q <= !pass && (granted_q || grant);
      arrived_q <= arrived && !data_ready;
      delay_q   <= JobDelay'({delay_q, pass});
      way_q     <= (JobDelay+ColBlocks)'({way_q, pass});
      passed_q  <= passed_q ^ pass;
      read_q    <= read_q ^ taken;
      for (int unsigned b = 0; b <= ColBlocks; b++) begin
        first_q[b] <= first_q[b] ^ way_q[PeStages+b];
        all_q[b]   <= all_q[b] ^ way_q[JobDelay+b];
      end
    end
  end

  // ---------------------------------------------------------------------------------------------
  // A softmax: RUNs of tiles, tiles of words, words of codes. After a tile it waits.
  // ---------------------------------------------------------------------------------------------
  trine_post_pkg::softmax_t        sm;
  trine_post_pkg::softmax_status_t sm_status;
  logic                            sm_valid, waits_q, word_q;
  logic [1:0]                      slot_q;

  assign sm_valid = softmax_i && !waits_q;

  always_comb begin
    sm            = '0;
    sm.slot       = slot_q;
    sm.pair       = Drain == 2 && !slot_q[0] && pair_i;
    sm.word_first = !word_q;
    sm.tile_end   = tile_ends_i;
    sm.run_end    = tile_ends_i && softmax_run_i;
    // All words except a tile's last word are full.
    sm.word_end   = (slot_q | 2'(sm.pair)) == 2'd3 || (tile_ends_i && softmax_ends_i);
    if (!sm.word_end) sm.tile_end = 1'b0;
    if (!sm.tile_end) sm.run_end = 1'b0;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      waits_q <= 1'b0;
      word_q  <= 1'b0;
      slot_q  <= '0;
    end else begin
      if (sm_status.tile_done) waits_q <= 1'b0;
      if (sm_status.issue) begin
        slot_q <= sm.word_end ? 2'd0 : slot_q + (sm.pair ? 2'd2 : 2'd1);
        if (sm.word_end) word_q <= !sm.tile_end;
        if (sm.tile_end) waits_q <= 1'b1;
      end
    end
  end

  // ---------------------------------------------------------------------------------------------
  // The unit, and the marks. Bit 0: the column belongs to another tile. Bit 1: the code is the last
  // one of a RUN of the compute engine. Bit 2: the code is the last one of a softmax RUN.
  // ---------------------------------------------------------------------------------------------
  logic [1:0]           col;   // the first column that is read
  logic [Cols-1:0]      cols;
  logic [Drain*32-1:0]  column, sm_acc;
  logic                 s_valid, s_ready, busy_q;  // the scatter port has a word
  logic [WordBits-1:0]  s_word;
  logic [31:0]          data, mask;

  assign col = cols[0] ? 2'd0 : cols[1] ? 2'd1 : cols[2] ? 2'd2 : 2'd3;

  for (genvar d = 0; d < Drain; d++) begin : gen_column
    logic last, first_stale, all_stale;
    assign last = 5'(col) + 5'(d) + 5'd1 == front_q;
    assign first_stale = 1'(first_q >> ((3'(col) + 3'(d)) / PipeCols)) != read_q;
    assign all_stale   = 1'(all_q >> ((3'(col) + 3'(d)) / PipeCols)) != read_q;
    assign column[32*d +: 32] = {30'd0, front_last_q && last, first_stale || all_stale};
    assign sm_acc[32*d +: 32] = {29'd0, sm.run_end && (d == 0 ? !sm.pair : sm.pair), 2'd0};
  end
  assign s_ready = !busy_q || free_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) busy_q <= 1'b0;
    else         busy_q <= s_valid || !s_ready;
  end

  assign mask = s_word[31:0];
  assign data = s_word[63:32] & mask;

  trine_job_pkg::job_t         no_job;
  trine_post_pkg::table_write_t no_table;
  logic [Drain*69-1:0]          no_params;
  assign no_job    = '0;
  assign no_table  = '0;
  assign no_params = '0;

  trine_post #(
    .Rows     (1),
    .Cols     (Cols),
    .AddrBits (AddrBits),
    .Channels (Channels),
    .Window   (1'b1),
    .Softmax  (1'b1),
    .Drain    (Drain),
    .PeStages (PeStages),
    .PipeCols (PipeCols),
    .MaxLate  (MaxLate)
  ) u_dut (
    .clk_i           (clk_i),
    .rst_ni          (rst_ni),
    .clear_i         (1'b0),
    .c_valid_i       (c_valid),
    .c_ready_o       (c_ready),
    .c_job_i         (c_job),
    .c_lanes_i       (4'd8),
    .c_results_i     (results),
    .c_data_ready_o  (data_ready),
    .c_status_o      (status),
    .cols_o          (cols),
    .column_i        (column),
    .v_valid_i       (1'b0),
    .v_ready_o       (),
    .v_job_i         (no_job),
    .v_lanes_i       (4'd8),
    .v_slots_i       (96'd0),
    .v_status_o      (v_status),
    .softmax_valid_i (sm_valid),
    .softmax_i       (sm),
    .softmax_o       (sm_status),
    .softmax_acc_i   (sm_acc),
    .factors_i       (37'd0),
    .product_o       (),
    .read_o          (),
    .point_req_o     (),
    .p_valid_o       (),
    .p_next_o        (),
    .p_channel_o     (),
    .params_i        (no_params),
    .table_i         (no_table),
    .r_valid_o       (),
    .r_ready_i       (1'b0),
    .r_lanes_o       (),
    .rsp_lanes_i     (1'b0),
    .rsp_data_i      (32'd0),
    .rsp_done_i      (1'b0),
    .s_valid_o       (s_valid),
    .s_ready_i       (s_ready),
    .s_word_o        (s_word)
  );

  // ---------------------------------------------------------------------------------------------
  // Words that leave. _went_q: the last word of a RUN has left, and the port has not been ready
  // since. _whole_q: the port became ready again one cycle ago.
  // ---------------------------------------------------------------------------------------------
  logic       leaves, stale, c_final, v_final, c_went_q, v_went_q, c_whole_q, v_whole_q;
  logic [2:1] bare_ends_q;  // a RUN without results ended one, two cycles ago

  assign leaves  = s_valid && s_ready;
  assign stale   = data[0] || data[8] || data[16] || data[24];
  assign c_final = data[1] || data[9] || data[17] || data[25];
  assign v_final = data[2] || data[10] || data[18] || data[26];

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      c_went_q    <= 1'b0;
      v_went_q    <= 1'b0;
      c_whole_q   <= 1'b0;
      v_whole_q   <= 1'b0;
      bare_ends_q <= '0;
    end else begin
      c_went_q    <= leaves ? c_final : c_went_q && !s_ready;
      v_went_q    <= leaves ? v_final : v_went_q && !s_ready;
      c_whole_q   <= c_went_q && s_ready;
      v_whole_q   <= v_went_q && s_ready;
      bare_ends_q <= {bare_ends_q[1], c_valid && c_ready && bare};
    end
  end

  // ---------------------------------------------------------------------------------------------
  // Registers of the unit, for the invariants.
  // ---------------------------------------------------------------------------------------------
  localparam int unsigned Latency = 6;
  localparam int unsigned CfgBits = $bits(cfg);
  localparam int unsigned Due     = 2 + PeStages;  // cycles from a grant to new results
  localparam int unsigned Places  = Drain == 2 ? trine_post_pkg::Places2 : trine_post_pkg::Places1;
  localparam int unsigned PlaceBits = 8 + AddrBits + 32 + 32;

  (* hierconn *) logic [CfgBits-1:0] \u_dut.u_drain.cfg_q ;
  (* hierconn *) logic [18:0] \u_dut.u_drain.kind_q ;
  (* hierconn *) logic [5:0]  \u_dut.u_drain.left_q ;
  (* hierconn *) logic [4:0]  \u_dut.u_drain.slot_q ;
  (* hierconn *) logic [15:0] \u_dut.u_drain.channels_q ;
  (* hierconn *) logic        \u_dut.u_drain.data_q , \u_dut.u_drain.vector_q ,
      \u_dut.u_drain.open_q , \u_dut.u_drain.last_q ;
  (* hierconn *) logic        \u_dut.u_arb.drop_q ;
  (* hierconn *) logic [3:0]  \u_dut.u_arb.inflight_q ;
  (* hierconn *) logic [2:0]  \u_dut.u_arb.softmax_q ;
  (* hierconn *) logic [17:0] \u_dut.u_arb.tag_q[7] , \u_dut.u_arb.tag_q[8] ,
      \u_dut.u_arb.tag_q[9] , \u_dut.u_arb.tag_q[10] , \u_dut.u_arb.tag_q[11] ,
      \u_dut.u_arb.tag_q[12] ;
  (* hierconn *) logic [5:0]  \u_dut.u_lanes.valid_q ;
  (* hierconn *) logic [35:0] \u_dut.u_lanes.marks_q ;
  (* hierconn *) logic        \u_dut.u_params.entered_q , \u_dut.u_params.value_params_q ,
      \u_dut.u_params.ready_q ;
  (* hierconn *) logic [31:0] \u_dut.u_pack.mask_q , \u_dut.u_pack.gen_row[0].pack_q ,
      \u_dut.u_pack.gen_row[0].softmax_pack_q ;
  (* hierconn *) logic              \u_dut.u_pack.u_writeback_queue.c_end_q ,
      \u_dut.u_pack.u_writeback_queue.v_end_q , \u_dut.u_pack.u_writeback_queue.no_result_end_q ;
  (* hierconn *) logic [Places-1:0] \u_dut.u_pack.u_writeback_queue.held_q ,
      \u_dut.u_pack.u_writeback_queue.in_q , \u_dut.u_pack.u_writeback_queue.out_q ;
  (* hierconn *) logic [2:0]        \u_dut.u_pack.u_writeback_queue.free_places_q ,
      \u_dut.u_pack.u_writeback_queue.gen_two.words_q ,
      \u_dut.u_pack.u_writeback_queue.gen_two.older_q ;
  (* hierconn *) logic [PlaceBits-1:0]
      \u_dut.u_pack.u_writeback_queue.place_q[0] , \u_dut.u_pack.u_writeback_queue.place_q[1] ,
      \u_dut.u_pack.u_writeback_queue.place_q[2] , \u_dut.u_pack.u_writeback_queue.place_q[3] ,
      \u_dut.u_pack.u_writeback_queue.place_q[4] , \u_dut.u_pack.u_writeback_queue.place_q[5] ;

  logic [5:0]            left;
  logic                  reading, in_array, began_q;
  logic [31:0]           pack, softmax_pack;
  logic [18*Latency-1:0] tags;
  logic [2:0]            age_q;  // cycles since the grant for the next tile

  assign left         = \u_dut.u_drain.left_q ;
  assign reading      = left != '0 && \u_dut.u_drain.data_q ;
  assign in_array     = granted_q || delay_q != '0 || arrived_q;
  assign pack         = \u_dut.u_pack.gen_row[0].pack_q & \u_dut.u_pack.mask_q ;
  assign softmax_pack = \u_dut.u_pack.gen_row[0].softmax_pack_q ;
  assign tags         = {\u_dut.u_arb.tag_q[12] , \u_dut.u_arb.tag_q[11] , \u_dut.u_arb.tag_q[10] ,
                         \u_dut.u_arb.tag_q[9] , \u_dut.u_arb.tag_q[8] , \u_dut.u_arb.tag_q[7] };

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      began_q <= 1'b0;
      age_q   <= '0;
    end else begin
      began_q <= began_q || (c_valid && c_ready && !bare);
      if (!granted_q && grant) age_q <= 3'd1;
      else if (age_q != '1) age_q <= age_q + 3'd1;
    end
  end

  // Codes in the lanes agree with their tags. In order of age, a word of a softmax begins in slot 0
  // after the end of the previous word.
  trine_post_pkg::tag_t tag;
  logic [5:0]           marks;
  logic                 valid, open, tags_right, marks_right, slots_right, order_right, all_began;
  logic [3:0]           codes, softmax_codes;  // codes in the lanes
  logic [3:0]           lane_words, lane_job_words;  // words that end in the lanes

  always_comb begin
    open        = (softmax_pack & 32'h07070707) == '0;
    tags_right  = 1'b1;
    marks_right = 1'b1;
    slots_right = 1'b1;
    order_right = 1'b1;
    all_began   = 1'b1;
    codes         = '0;
    softmax_codes = '0;
    lane_words     = '0;
    lane_job_words = '0;
    for (int k = Latency - 1; k >= 0; k--) begin
      tag   = tags[18*k +: 18];
      valid = \u_dut.u_lanes.valid_q [k];
      marks = \u_dut.u_lanes.marks_q [6*k +: 6];
      if (valid) begin
        if (tag.softmax && tag.pop != tag.word_end) tags_right = 1'b0;
        if (!tag.softmax && !began_q) all_began = 1'b0;
        if (marks[0] || marks[3]) marks_right = 1'b0;
        if (!tag.pair && marks[5:3] != '0) marks_right = 1'b0;
        if ((marks[1] || marks[4]) != (tag.pop && tag.final_word && !tag.softmax)) begin
          marks_right = 1'b0;
        end
        if ((marks[2] || marks[5]) != (tag.pop && tag.final_word && tag.softmax)) begin
          marks_right = 1'b0;
        end
        if (tag.slot > 5'd3 || (tag.pair && tag.slot[0])) slots_right = 1'b0;
        codes = codes + 4'(!tag.softmax);
        softmax_codes = softmax_codes + 4'(tag.softmax);
        lane_words     = lane_words + 4'(tag.pop);
        lane_job_words = lane_job_words + 4'(tag.pop && !tag.softmax);
        if (tag.softmax) begin
          if (tag.slot != '0 && !open) order_right = 1'b0;
          open = !tag.word_end;
        end
      end
    end
  end

  // Words that wait, in the order in which they leave. Each word has its end marks, and none is
  // stale.
  logic [6*PlaceBits-1:0]    places;
  logic [31:0]               waiting;
  logic [3:0]                held_words, held_job_words;
  trine_post_pkg::word_tag_t word_tag;
  logic                      ring_right, words_right;

  assign places[0 +: Places*PlaceBits] = (Places*PlaceBits)'({
      \u_dut.u_pack.u_writeback_queue.place_q[5] , \u_dut.u_pack.u_writeback_queue.place_q[4] ,
      \u_dut.u_pack.u_writeback_queue.place_q[3] , \u_dut.u_pack.u_writeback_queue.place_q[2] ,
      \u_dut.u_pack.u_writeback_queue.place_q[1] , \u_dut.u_pack.u_writeback_queue.place_q[0] });

  always_comb begin
    held_words     = '0;
    held_job_words = '0;
    words_right    = 1'b1;
    ring_right     = one_hot(\u_dut.u_pack.u_writeback_queue.in_q ) &&
                     one_hot(\u_dut.u_pack.u_writeback_queue.out_q );
    for (int p = 0; p < Places; p++) begin
      waiting  = places[PlaceBits*p +: 32] & places[PlaceBits*p + 32 +: 32];
      word_tag = places[PlaceBits*p + 64 + AddrBits +: 8];
      if (\u_dut.u_pack.u_writeback_queue.held_q [p]) begin
        held_words     = held_words + 4'd1;
        held_job_words = held_job_words + 4'(!word_tag.softmax);
        if ((waiting & 32'h01010101) != '0) words_right = 1'b0;
        if (((waiting & 32'h02020202) != '0) != word_tag.c_end) words_right = 1'b0;
        if (((waiting & 32'h04040404) != '0) != word_tag.v_end) words_right = 1'b0;
      end
      if (\u_dut.u_pack.u_writeback_queue.held_q [p] !=
          \u_dut.u_pack.u_writeback_queue.held_q [(p + 1) % Places]) begin
        if (!(\u_dut.u_pack.u_writeback_queue.held_q [p] ?
              \u_dut.u_pack.u_writeback_queue.in_q [(p + 1) % Places] :
              \u_dut.u_pack.u_writeback_queue.out_q [(p + 1) % Places])) begin
          ring_right = 1'b0;
        end
      end
    end
    if (\u_dut.u_pack.u_writeback_queue.held_q == '0 ||
        \u_dut.u_pack.u_writeback_queue.held_q == '1) begin
      if (\u_dut.u_pack.u_writeback_queue.in_q !=
          \u_dut.u_pack.u_writeback_queue.out_q ) ring_right = 1'b0;
    end
  end

  function automatic logic [JobDelay+ColBlocks:1] stages(input int bits);
    stages = (JobDelay+ColBlocks)'((1 << bits) - 1);
  endfunction

  function automatic logic one_hot(input logic [Places-1:0] places_in);
    one_hot = places_in != '0 && (places_in & (places_in - Places'(1))) == '0;
  endfunction

  // The registers of each block hold the tile that has reached them. Columns are read before the
  // next tile reaches them.
  logic blocks_right, read_right;

  always_comb begin
    blocks_right = 1'b1;
    read_right   = 1'b1;
    for (int b = 0; b <= ColBlocks; b++) begin
      if (first_q[b] != (passed_q ^ (^(way_q & stages(PeStages + b))))) blocks_right = 1'b0;
      if (all_q[b] != (passed_q ^ (^(way_q & stages(JobDelay + b))))) blocks_right = 1'b0;
      if (age_q >= 3'(Due + (b < MaxLate ? b : MaxLate)) && reading &&
          3'(col) < 3'((b + 1) * PipeCols)) read_right = 1'b0;
    end
  end

  // ---------------------------------------------------------------------------------------------
  // The contract (assumed), and the properties (proved).
  // ---------------------------------------------------------------------------------------------
  always_comb begin
    if ($initstate) assume (!rst_ni);
    assume (cfg.kind == trine_job_pkg::KindRequant && !cfg.max && !cfg.lookup && !cfg.square &&
            !cfg.words && !cfg.exponential && !cfg.shares);
    assume (cfg.encoding == trine_job_pkg::EncodingInt8 && cfg.position < 5'd4);
    assume (cfg.channels != '0 && cfg.channels < 16'd10);
    assume (cfg.residual_delta == '0);
    if (rst_ni) begin
      // No word contains a code from a register that was overwritten before it was read, or that
      // was not written yet.
      if (s_valid) a_own_tile: assert (!stale);
      // The array overwrites no results before the unit has accepted them.
      if (pass) a_taken: assert (!arrived || data_ready);
      // A RUN retires once, when its last word has been written completely. A RUN without results
      // retires after the RUNs before it.
      a_retires:  assert (status.retire == (c_whole_q || bare_ends_q[2]));
      a_once:     assert (!(c_whole_q && bare_ends_q[2]));
      a_vretires: assert (v_status.retire == v_whole_q);

      // Invariants of the job in front, and of the offered jobs.
      a_engine: assert (!\u_dut.u_drain.vector_q && !\u_dut.u_arb.drop_q &&
                        !\u_dut.u_params.entered_q && !\u_dut.u_params.value_params_q &&
                        \u_dut.u_pack.u_writeback_queue.no_result_end_q == bare_ends_q[1]);
      a_ends: assert (\u_dut.u_pack.u_writeback_queue.c_end_q == c_went_q &&
                      \u_dut.u_pack.u_writeback_queue.v_end_q == v_went_q);
      if (left != '0) a_params: assert (\u_dut.u_params.ready_q );
      // Requantization: in both lanes, in each cycle, with a latency of six cycles.
      if (began_q) a_kind: assert (\u_dut.u_drain.kind_q == {8'b10000000, 2'd0, 1'b1, 4'hf, 4'd6});
      if (began_q) a_cfg: assert (\u_dut.u_drain.cfg_q == cfg);
      else a_new: assert (new_q && rest_q == '0 && left == '0);
      a_left: assert (left <= 6'(Cols) && rest_q < 5'd10);
      a_open: assert (\u_dut.u_drain.open_q == (rest_q != '0) && (rest_q == '0 || !new_q));
      if (left != '0 || rest_q != '0) begin
        a_slot: assert (\u_dut.u_drain.slot_q < 5'd4);
        a_channels: assert (\u_dut.u_drain.channels_q == 16'(left) + 16'(rest_q));
      end
      if (left != '0) begin
        a_front: assert (5'(col) + left[4:0] == front_q);
        a_cols:  assert (cols == Cols'(((1 << Drain) - 1) << col) &&
                         (Drain == 1 || status.odd == col[0]));
        a_front_most: assert (front_q <= 5'(Cols));
        a_last: assert (\u_dut.u_drain.last_q == front_last_q);
      end
      // The tile in the array.
      a_one_tile: assert ((delay_q & (delay_q - JobDelay'(1))) == '0 &&
                          (!arrived_q || delay_q == '0));
      a_way: assert (way_q[JobDelay:1] == delay_q);
      a_parity: assert (passed_q == (read_q ^ (delay_q != '0 || arrived_q)));
      a_blocks: assert (blocks_right);
      if (granted_q) begin
        a_granted: assert (!arrived_q && (delay_q << 1) == '0);
        if (arrived) a_granted_taken: assert (data_ready);
      end
      if (in_array) a_all_read: assert (read_right);
      // Words on their way.
      a_codes: assert (codes == \u_dut.u_arb.inflight_q &&
                       softmax_codes == 4'(\u_dut.u_arb.softmax_q ));
      a_tags: assert (tags_right);
      a_marks: assert (marks_right);
      a_slots: assert (slots_right);
      a_order: assert (order_right);
      a_began: assert (all_began);
      a_pack: assert ((pack & 32'h07070707) == '0);
      a_softmax_slot: assert (slot_q == '0 || open);
      a_ring: assert (ring_right);
      a_words: assert (words_right);
      a_free: assert (4'(\u_dut.u_pack.u_writeback_queue.free_places_q ) + lane_words +
                      held_words == 4'(Places));
      a_job_words: assert (4'(\u_dut.u_pack.u_writeback_queue.gen_two.words_q ) +
                           4'(\u_dut.u_pack.u_writeback_queue.gen_two.older_q ) ==
                           lane_job_words + held_job_words);
      if (bare_ends_q != '0) begin
        a_bare_alone: assert (held_words == '0 && !c_went_q && !v_went_q &&
                              !(c_whole_q && bare_ends_q[2]));
        a_bare_first: assert (\u_dut.u_lanes.valid_q >> (bare_ends_q[2] ? 2 : 1) == '0);
      end
      if (JobDelay > PeStages) c_retires: cover (status.retire);  // late: once is enough
      c_vretires: cover (v_status.retire);
      c_ahead: cover (pass && reading);
      if (JobDelay > 1) c_soon: cover (status.drain_soon && !arrived);
    end
  end

endmodule
