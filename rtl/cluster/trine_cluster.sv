// SPDX-License-Identifier: Apache-2.0
//
// Connects control and the DMA to all cores: forks commands and writes, routes DMEM reads, merges
// the status.
//
//   instructions      Each core accepts an instruction in its own cycle. A RUN ends when the last
//                     core ends it.
//   DMEM writes       go to the cores in dma_cores_i. A copy ends when all of them report its end.
//   DMEM reads        go to core dma_core_i. The core changes only when no read is outstanding.
//   PMEM writes       go to the cores in dma_cores_i.
//   parameter writes  go to all cores.
//   errors, activity  come from any core. The cause of a cycle comes from core 0.
//
// Timing    Outputs are combinational from registers of this module and of the cores. The retire
//           pulse of a RUN comes one cycle after the last core's pulse. The end of a copy comes in
//           the same cycle as the last core's report.
// Contract  dma_cores_i and dma_core_i hold while a beat is offered. dma_cores_i holds until the
//           copy has ended. All cores accept a table beat in the same cycle, because the ready of a
//           table depends only on the beats. A single core is connected by wires.
// Check     trine_cluster_tb, trine_cluster_copies_props, random_program_test

module trine_cluster #(
  parameter int unsigned Cores    = 2,
  parameter int unsigned DataBits = 64,
  localparam int unsigned CoreBits    = Cores > 1 ? $clog2(Cores) : 1,
  localparam int unsigned CommandBits = trine_engine_pkg::CommandBits,
  localparam int unsigned AnswerBits  = trine_engine_pkg::AnswerBits,
  localparam int unsigned StateBits   = trine_engine_pkg::MemoryStateBits,
  localparam int unsigned ParamBits   = trine_engine_pkg::ParamBits,
  localparam int unsigned ActivityBits = trine_engine_pkg::ActivityBits
) (
  input  logic                              clk_i,
  input  logic                              rst_ni,
  input  logic                              clear_i,

  // Instructions: compute engine in the low bits, vector engine above. The last core is in the high
  // bits.
  input  logic [2*CommandBits-1:0]          commands_i,
  output logic [2*AnswerBits-1:0]           answers_o,
  output logic [Cores*2*CommandBits-1:0]    core_commands_o,
  input  logic [Cores*2*AnswerBits-1:0]     core_answers_i,

  // DMEM, DMA port.
  input  logic [Cores-1:0]                  dma_cores_i,
  input  logic                              dma_wvalid_i,
  output logic                              dma_wready_o,
  input  logic                              dma_wlast_i,   // last beat of a copy
  output logic                              dma_wdone_o,
  output logic [Cores-1:0]                  core_wvalid_o,
  input  logic [Cores-1:0]                  core_wready_i,
  input  logic [Cores-1:0]                  core_wdone_i,
  input  logic [CoreBits-1:0]               dma_core_i,
  input  logic                              dma_rvalid_i,
  output logic                              dma_rready_o,
  output logic                              dma_rdata_valid_o,
  output logic [DataBits-1:0]               dma_rdata_o,
  output logic [Cores-1:0]                  core_rvalid_o,
  input  logic [Cores-1:0]                  core_rready_i,
  input  logic [Cores-1:0]                  core_rdata_valid_i,
  input  logic [Cores*DataBits-1:0]         core_rdata_i,

  // PMEM and the small memories.
  input  logic                              pmem_wvalid_i,
  output logic                              pmem_wready_o,
  output logic [Cores-1:0]                  core_pmem_wvalid_o,
  input  logic [Cores-1:0]                  core_pmem_wready_i,
  input  trine_engine_pkg::param_t          param_i,
  output logic                              param_ready_o,
  output logic [Cores*ParamBits-1:0]        core_params_o,
  input  logic [Cores-1:0]                  core_param_ready_i,

  // Status of the cores, for control.
  input  logic [Cores*StateBits-1:0]        core_states_i,
  output trine_engine_pkg::memory_state_t   memory_state_o,
  input  logic [Cores*ActivityBits-1:0]     core_activities_i,
  output trine_engine_pkg::activity_t       activity_o
);

  // ---------------------------------------------------------------------------------------------
  // Instructions. SETs and RUNs of an engine have separate forks, although they come one at a time.
  // ---------------------------------------------------------------------------------------------
  for (genvar e = 0; e < 2; e++) begin : gen_engine
    localparam int unsigned RunAt = trine_engine_pkg::RunValidAt;
    logic [CommandBits-1:0] command;
    logic [AnswerBits-1:0]  answer;
    logic [Cores-1:0]       cfg_valid, cfg_ready, run_valid, run_ready, retired;

    assign command = commands_i[CommandBits*e +: CommandBits];
    assign answers_o[AnswerBits*e +: AnswerBits] = answer;

    trine_fork #(.Takers(Cores)) u_cfg (
      .clk_i,
      .rst_ni,
      .clear_i,
      .valid_i (command[CommandBits-1]),
      .ready_o (answer[2]),
      .mask_i  ('1),
      .valid_o (cfg_valid),
      .ready_i (cfg_ready)
    );

    trine_fork #(.Takers(Cores)) u_run (
      .clk_i,
      .rst_ni,
      .clear_i,
      .valid_i (command[RunAt]),
      .ready_o (answer[1]),
      .mask_i  ('1),
      .valid_o (run_valid),
      .ready_i (run_ready)
    );

    trine_pulse_join #(.Parties(Cores)) u_retired (
      .clk_i,
      .rst_ni,
      .clear_i,
      .pulse_i (retired),
      .pulse_o (answer[0])
    );

    for (genvar c = 0; c < Cores; c++) begin : gen_core
      assign core_commands_o[CommandBits*(2*c + e) +: CommandBits] =
          {cfg_valid[c], command[CommandBits-2:RunAt+1], run_valid[c], command[RunAt-1:0]};
      assign {cfg_ready[c], run_ready[c], retired[c]} =
          core_answers_i[AnswerBits*(2*c + e) +: AnswerBits];
    end
  end

  // ---------------------------------------------------------------------------------------------
  // Writes to DMEM. A core that has accepted a copy's last beat still has to report the copy's end.
  // ---------------------------------------------------------------------------------------------
  trine_fork #(.Takers(Cores)) u_write (
    .clk_i,
    .rst_ni,
    .clear_i,
    .valid_i (dma_wvalid_i),
    .ready_o (dma_wready_o),
    .mask_i  (dma_cores_i),
    .valid_o (core_wvalid_o),
    .ready_i (core_wready_i)
  );

  if (Cores == 1) begin : gen_done
    assign dma_wdone_o = core_wdone_i;
  end else begin : gen_all_done
    logic [Cores-1:0] writes_left_q, writes_left;

    assign writes_left = writes_left_q & ~core_wdone_i;
    assign dma_wdone_o = writes_left_q != '0 && writes_left == '0 && !dma_wvalid_i;  // all ended

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni)      writes_left_q <= '0;
      else if (clear_i) writes_left_q <= '0;
      else writes_left_q <= writes_left | (core_wvalid_o & core_wready_i & {Cores{dma_wlast_i}});
    end
  end

  // ---------------------------------------------------------------------------------------------
  // Reads of DMEM: only one core at a time has outstanding reads.
  // ---------------------------------------------------------------------------------------------
  if (Cores == 1) begin : gen_read
    assign core_rvalid_o     = dma_rvalid_i;
    assign dma_rready_o      = core_rready_i;
    assign dma_rdata_valid_o = core_rdata_valid_i;
    assign dma_rdata_o       = core_rdata_i;
  end else begin : gen_reads
    logic [CoreBits-1:0] core_q;   // core with outstanding reads
    logic [2:0]          count_q;  // number of outstanding reads
    logic                open;

    assign open              = count_q == '0 || core_q == dma_core_i;
    for (genvar c = 0; c < Cores; c++) begin : gen_core
      assign core_rvalid_o[c] = dma_rvalid_i && open && dma_core_i == CoreBits'(c);
    end
    assign dma_rready_o      = open && core_rready_i[dma_core_i];
    assign dma_rdata_valid_o = |core_rdata_valid_i;  // set only by core_q
    assign dma_rdata_o       = core_rdata_i[DataBits*core_q +: DataBits];

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni)      count_q <= '0;
      else if (clear_i) count_q <= '0;
      else count_q <= count_q + 3'(dma_rvalid_i && dma_rready_o) - 3'(dma_rdata_valid_o);
    end

    always_ff @(posedge clk_i) begin
      if (dma_rvalid_i && dma_rready_o) core_q <= dma_core_i;
    end

`ifdef TRINE_ASSERT
    always_ff @(posedge clk_i) begin
      if (dma_rvalid_i && dma_rready_o) a_room: assert (count_q != '1 || dma_rdata_valid_o);
    end
`endif
  end

  // ---------------------------------------------------------------------------------------------
  // PMEM, biases and scales. Table beats go to all cores in the same cycle, because each core
  // writes one entry per cycle while a beat is offered.
  // ---------------------------------------------------------------------------------------------
  localparam logic [ParamBits-1:0] Valids =
      ParamBits'(1) << trine_engine_pkg::BiasValidAt |
      ParamBits'(1) << trine_engine_pkg::ScaleValidAt;
  logic [Cores-1:0] param_valid;
  logic             params_ready;

  trine_fork #(.Takers(Cores)) u_pmem (
    .clk_i,
    .rst_ni,
    .clear_i,
    .valid_i (pmem_wvalid_i),
    .ready_o (pmem_wready_o),
    .mask_i  (dma_cores_i),
    .valid_o (core_pmem_wvalid_o),
    .ready_i (core_pmem_wready_i)
  );

  trine_fork #(.Takers(Cores)) u_params (
    .clk_i,
    .rst_ni,
    .clear_i,
    .valid_i (param_i.bias_valid || param_i.scale_valid),
    .ready_o (params_ready),
    .mask_i  ('1),
    .valid_o (param_valid),
    .ready_i (core_param_ready_i)
  );

  assign param_ready_o = Cores == 1 ? core_param_ready_i[0] :
                         param_i.entries ? core_param_ready_i[0] : params_ready;

  for (genvar c = 0; c < Cores; c++) begin : gen_param
    assign core_params_o[ParamBits*c +: ParamBits] =
        Cores == 1 || param_valid[c] ? param_i : param_i & ~Valids;
  end

  // ---------------------------------------------------------------------------------------------
  // Merged status.
  // ---------------------------------------------------------------------------------------------
  trine_engine_pkg::memory_state_t state;
  trine_engine_pkg::activity_t     own;

  always_comb begin
    memory_state_o = core_states_i[0 +: StateBits];
    activity_o     = core_activities_i[0 +: ActivityBits];
    state          = '0;
    own            = '0;
    for (int unsigned c = 1; c < Cores; c++) begin
      state = core_states_i[StateBits*c +: StateBits];
      own   = core_activities_i[ActivityBits*c +: ActivityBits];
      if (state.fatal && !memory_state_o.fatal) begin
        memory_state_o.fatal_core = 3'(c);
        memory_state_o.fatal_addr = state.fatal_addr;
      end
      memory_state_o.fatal      = memory_state_o.fatal || state.fatal;
      memory_state_o.wiping     = memory_state_o.wiping || state.wiping;
      memory_state_o.dmem_count = memory_state_o.dmem_count + state.dmem_count;
      memory_state_o.pmem_count = memory_state_o.pmem_count + state.pmem_count;
      activity_o.progress       = activity_o.progress || own.progress;
    end
  end

  // Compares the bit positions of trine_engine_pkg with the structs.
  trine_engine_pkg::command_t first;

  assign first = commands_i[0 +: CommandBits];

  if ($bits(first) != CommandBits || $bits(param_i) != ParamBits ||
      $bits(memory_state_o) != StateBits || $bits(activity_o) != ActivityBits) begin : gen_bad_bits
    $error("trine_cluster: widths of trine_engine_pkg");
  end

  logic unused_cluster;
  assign unused_cluster = ^{dma_cores_i, dma_wlast_i, dma_core_i, params_ready, state, own, first};

`ifdef TRINE_ASSERT
  localparam int unsigned RunAt     = trine_engine_pkg::RunValidAt;
  localparam int unsigned PayloadAt = trine_engine_pkg::CfgPayloadAt;
  logic [ParamBits-1:0] param;

  assign param = param_i;

  always_ff @(posedge clk_i) begin
    a_cfg_at:     assert (first.cfg_valid == commands_i[CommandBits-1]);
    a_run_at:     assert (first.run_valid == commands_i[RunAt]);
    a_payload_at: assert ({first.cfg_reg, first.cfg_payload} == commands_i[PayloadAt +: 60]);
    a_bias_at:    assert (param_i.bias_valid == param[trine_engine_pkg::BiasValidAt]);
    a_scale_at:   assert (param_i.scale_valid == param[trine_engine_pkg::ScaleValidAt]);
  end
`endif

endmodule
