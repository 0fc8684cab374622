// SPDX-License-Identifier: Apache-2.0
//
// Proves the copies of trine_cluster into and out of DMEM, with three cores. Each core that a copy
// names accepts each beat once. The end of a copy is reported once, in the cycle in which the last
// core ends. A word that is read comes from the requested core, in order. Reads of two cores are
// never outstanding at the same time.
//
// The bench counts the ends that a core still has to report, and the words that were requested from
// it. The proof assumes the contract of the load engine: offers hold, the cores of a copy hold
// until its end, and no copy begins before. It also assumes the contract of a core: one end for
// each last beat, one word for each read, and at most four outstanding reads.

module trine_cluster_copies_props (
  input logic       clk_i,
  input logic       rst_ni,
  input logic       clear_i,
  input logic [2:0] cores_i,
  input logic       wvalid_i,
  input logic       wlast_i,
  input logic [2:0] wready_i,
  input logic [2:0] wdone_i,
  input logic [1:0] core_i,
  input logic       rvalid_i,
  input logic [2:0] rready_i,
  input logic [2:0] rdata_valid_i
);

  localparam int unsigned CommandBits  = trine_engine_pkg::CommandBits;
  localparam int unsigned AnswerBits   = trine_engine_pkg::AnswerBits;
  localparam int unsigned StateBits    = trine_engine_pkg::MemoryStateBits;
  localparam int unsigned ParamBits    = trine_engine_pkg::ParamBits;
  localparam int unsigned ActivityBits = trine_engine_pkg::ActivityBits;

  logic       wready, wdone, rready, rdata_valid, pmem_wready, param_ready;
  logic [2:0] wvalid, rvalid, pmem_wvalid;
  logic [1:0] rdata;
  logic [2*AnswerBits-1:0]    answers;
  logic [3*2*CommandBits-1:0] commands;
  logic [3*ParamBits-1:0]     params;
  logic [StateBits-1:0]       state;
  logic [ActivityBits-1:0]    activity;

  // A core's data are its number.
  trine_cluster #(.Cores(3), .DataBits(2)) u_dut (
    .clk_i,
    .rst_ni,
    .clear_i,
    .commands_i         ('0),
    .answers_o          (answers),
    .core_commands_o    (commands),
    .core_answers_i     ('0),
    .dma_cores_i        (cores_i),
    .dma_wvalid_i       (wvalid_i),
    .dma_wready_o       (wready),
    .dma_wlast_i        (wlast_i),
    .dma_wdone_o        (wdone),
    .core_wvalid_o      (wvalid),
    .core_wready_i      (wready_i),
    .core_wdone_i       (wdone_i),
    .dma_core_i         (core_i),
    .dma_rvalid_i       (rvalid_i),
    .dma_rready_o       (rready),
    .dma_rdata_valid_o  (rdata_valid),
    .dma_rdata_o        (rdata),
    .core_rvalid_o      (rvalid),
    .core_rready_i      (rready_i),
    .core_rdata_valid_i (rdata_valid_i),
    .core_rdata_i       ({2'd2, 2'd1, 2'd0}),
    .pmem_wvalid_i      (1'b0),
    .pmem_wready_o      (pmem_wready),
    .core_pmem_wvalid_o (pmem_wvalid),
    .core_pmem_wready_i ('0),
    .param_i            ('0),
    .param_ready_o      (param_ready),
    .core_params_o      (params),
    .core_param_ready_i ('0),
    .core_states_i      ('0),
    .memory_state_o     (state),
    .core_activities_i  ('0),
    .activity_o         (activity)
  );

  // ---------------------------------------------------------------------------------------------
  // Written. A copy is there from its first beat; each core that it names has an end to report.
  // ---------------------------------------------------------------------------------------------
  logic       copy_q, last_q, whole_q, wwaits_q;  // last: its beat was offered; whole: and is taken
  logic [2:0] cores_q, seen_q, owes_q, missing_q, missing, taken;

  assign taken   = wvalid & wready_i;
  assign missing = missing_q & ~wdone_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni)      {copy_q, last_q, whole_q, wwaits_q, seen_q, owes_q, missing_q} <= '0;
    else if (clear_i) {copy_q, last_q, whole_q, wwaits_q, seen_q, owes_q, missing_q} <= '0;
    else begin
      copy_q    <= (copy_q || wvalid_i) && !wdone;
      wwaits_q  <= wvalid_i && !wready;
      last_q    <= wvalid_i && !wready && wlast_i;
      whole_q   <= (whole_q || (wvalid_i && wready && wlast_i)) && !wdone;
      seen_q    <= wvalid_i && !wready ? seen_q | taken : '0;
      owes_q    <= (owes_q & ~wdone_i) | (wlast_i ? taken : '0);
      missing_q <= !copy_q && wvalid_i ? cores_i : missing;
    end
  end

  always_ff @(posedge clk_i) cores_q <= cores_i;

  // ---------------------------------------------------------------------------------------------
  // Read: words that are on their way, by core.
  // ---------------------------------------------------------------------------------------------
  logic       rwaits_q, first_q;  // the first core was read
  logic [1:0] core_q;
  logic [2:0] way_q [3];
  logic [2:0] waits_for;

  always_comb for (int c = 0; c < 3; c++) waits_for[c] = way_q[c] != '0;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      rwaits_q <= 1'b0;
      first_q  <= 1'b0;
      for (int c = 0; c < 3; c++) way_q[c] <= '0;
    end else begin
      rwaits_q <= rvalid_i && !rready && !clear_i;
      first_q  <= first_q || rdata_valid_i[0];
      for (int c = 0; c < 3; c++) begin
        way_q[c] <= clear_i ? '0 : way_q[c] + 3'(rvalid[c] && rready_i[c]) - 3'(rdata_valid_i[c]);
      end
    end
  end

  always_ff @(posedge clk_i) core_q <= core_i;

  always_comb begin
    if ($initstate) assume (!rst_ni);

    // The load engine.
    if (wwaits_q) assume (wvalid_i && wlast_i == last_q);
    if (copy_q || wwaits_q) assume (cores_i == cores_q);
    if (wvalid_i) assume (cores_i != '0);
    if (whole_q) assume (!wvalid_i);
    if (rwaits_q) assume (rvalid_i && core_i == core_q);
    assume (core_i != 2'd3);

    // The cores.
    assume ((wdone_i & ~owes_q) == '0);
    for (int c = 0; c < 3; c++) begin
      assume (!rdata_valid_i[c] || way_q[c] != '0);
      if (way_q[c] == 3'd4) assume (!rready_i[c]);
    end

    if (rst_ni) begin
      a_offered: assert (wvalid == ({3{wvalid_i}} & cores_i & ~seen_q));
      a_beat:    assert (wready == ((cores_i & ~(seen_q | wready_i)) == '0) || !wvalid_i);
      a_end:     assert (wdone == (whole_q && missing == '0));
      a_word:    assert (rdata_valid == (rdata_valid_i != '0));
      if (rdata_valid) a_whose: assert (rdata_valid_i[rdata] && waits_for[rdata]);
      a_one:     assert ((waits_for & (waits_for - 3'd1)) == '0);
      a_asked:   assert (!(rvalid_i && rready) || rvalid == (3'd1 << core_i));
      c_late:    cover (wdone && cores_i == 3'b111);
      c_before:  cover (owes_q == 3'b001 && wvalid_i && wlast_i && !wready && wdone_i[0]);
      c_turns:   cover (first_q && rdata_valid_i[2]);
      c_four:    cover (way_q[1] == 3'd4);
      c_clears:  cover (owes_q != '0 && clear_i);
    end
  end

endmodule
