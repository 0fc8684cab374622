// SPDX-License-Identifier: Apache-2.0
//
// Proves trine_load in a cluster of two cores: all data of a RUN are written to the cores that this
// RUN names. This holds even if the cores of the next RUN are already known while rows of the RUN
// are left. RUNs end in order, each once. Rows have two beats. Copies go to DMEM, PMEM and the
// biases.
//
// The bench has a queue of RUNs that have not ended. The proof assumes that an offered RUN holds,
// and that DMEM reports one end for each last beat. Registers have any values. The bus returns
// beats at any time, also beats that were not requested.

module trine_load_props (
  input logic        clk_i,
  input logic        rst_ni,
  input logic        clear_i,
  input logic        cfg_valid_i,
  input logic [3:0]  cfg_reg_i,
  input trine_isa_pkg::dma_payload_t cfg_payload_i,
  input logic        run_valid_i,
  input logic [7:0]  run_op_i,
  input logic        req_ready_i,
  input logic        rsp_valid_i,
  input logic        dma_wready_i,
  input logic        dma_wdone_i,
  input logic        pmem_wready_i,
  input logic        param_ready_i
);

  localparam logic [7:0] Dmem = 8'(trine_isa_pkg::DmaTargetDmem);
  localparam logic [7:0] Pmem = 8'(trine_isa_pkg::DmaTargetPmem);
  localparam logic [7:0] Bias = 8'(trine_isa_pkg::DmaTargetBias);

  trine_engine_pkg::command_t command;
  trine_engine_pkg::answer_t  answer;
  trine_engine_pkg::param_t   param;
  logic        req_valid, rsp_ready, error, stream, dma_rvalid, dma_wvalid, pmem_wvalid;
  logic [11:0] req_addr, error_addr;
  logic [7:0]  req_len;
  logic [1:0]  cores;
  logic        core, quads;
  logic [4:0]  dma_raddr;
  logic [71:0] dma_wbeat;
  logic [3:0]  pmem_wrow;
  logic [127:0] pmem_wdata;
  logic [63:0] param_wdata;

  always_comb begin
    command             = '0;
    command.cfg_valid   = cfg_valid_i;
    command.cfg_reg     = cfg_reg_i;
    command.cfg_payload = cfg_payload_i;
    command.run_valid   = run_valid_i;
    command.run_op      = run_op_i;
  end

  trine_load #(
    .Cols(4), .DmemAddrBits(5), .PmemAddrBits(4), .ParamChannels(16), .DataBits(64),
    .AxiAddrBits(12), .MaxBeats(4), .Maps(1'b0), .Cores(2)
  ) u_dut (
    .clk_i, .rst_ni, .clear_i,
    .base_i            ('0),
    .command_i         (command),
    .answer_o          (answer),
    .req_valid_o       (req_valid),
    .req_ready_i,
    .req_addr_o        (req_addr),
    .req_len_o         (req_len),
    .rsp_valid_i,
    .rsp_ready_o       (rsp_ready),
    .rsp_data_i        ('0),
    .rsp_error_i       (1'b0),
    .rsp_last_i        (1'b0),
    .error_o           (error),
    .stream_o          (stream),
    .error_addr_o      (error_addr),
    .dma_cores_o       (cores),
    .dma_core_o        (core),
    .dma_rvalid_o      (dma_rvalid),
    .dma_rready_i      (1'b0),
    .dma_raddr_o       (dma_raddr),
    .dma_rdata_valid_i (1'b0),
    .dma_rdata_i       ('0),
    .dma_wvalid_o      (dma_wvalid),
    .dma_wready_i,
    .dma_wbeat_o       (dma_wbeat),
    .dma_wdone_i,
    .pmem_wvalid_o     (pmem_wvalid),
    .pmem_wready_i,
    .pmem_wrow_o       (pmem_wrow),
    .pmem_wdata_o      (pmem_wdata),
    .pmem_wquads_o     (quads),
    .param_o           (param),
    .param_ready_i,
    .param_wdata_o     (param_wdata)
  );

  // ---------------------------------------------------------------------------------------------
  // RUNs that have not ended, the oldest first, each with the cores in its register.
  // ---------------------------------------------------------------------------------------------
  logic [1:0] named_q, first_q, second_q, third_q, first, second, third;
  logic [1:0] count_q, count;  // after the one that ends now
  logic       taken, owes_q, waits_q, set_q, set, moved;  // set: a RUN's cores are known
  logic [7:0] op_q;

  assign taken = run_valid_i && answer.run_ready;
  assign moved = answer.retire;
  assign set   = cfg_valid_i && answer.cfg_ready &&
                 cfg_reg_i == 4'(trine_isa_pkg::DmaRowsLastReg);
  assign count = count_q - 2'(moved);
  assign {first, second, third} = moved ? {second_q, third_q, 2'b00} :
                                          {first_q, second_q, third_q};

  always_ff @(posedge clk_i) begin
    if (set) named_q <= cfg_payload_i.r2.cores[1:0];
    first_q  <= taken && count == 2'd0 ? (named_q == '0 ? '1 : named_q) : first;
    second_q <= taken && count == 2'd1 ? (named_q == '0 ? '1 : named_q) : second;
    third_q  <= taken && count == 2'd2 ? (named_q == '0 ? '1 : named_q) : third;
    op_q     <= run_op_i;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni)      {count_q, owes_q, waits_q, set_q} <= '0;
    else if (clear_i) {count_q, owes_q, waits_q} <= '0;
    else begin
      count_q <= count + 2'(taken);
      owes_q  <= (owes_q && !dma_wdone_i) || (dma_wvalid && dma_wready_i && dma_wbeat[71]);
      set_q   <= set_q || set;
      waits_q <= run_valid_i && !answer.run_ready;
    end
  end

  always_comb begin
    if ($initstate) assume (!rst_ni);
    if (waits_q) assume (run_valid_i && run_op_i == op_q);
    assume (run_op_i == Dmem || run_op_i == Pmem || run_op_i == Bias);
    assume (!run_valid_i || (set_q && !cfg_valid_i));
    assume (!dma_wdone_i || owes_q);
    if (rst_ni && !clear_i) begin
      a_ends:  assert (!moved || count_q != 2'd0);
      a_three: assert (count_q != 2'd3);
      if (pmem_wvalid)      a_rows:  assert (count != 2'd0 && cores == first);
      if (dma_wvalid)       a_beats: assert (count != 2'd0 && cores == first);
      if (param.bias_valid) a_bias:  assert (count != 2'd0 && cores == first);
      c_other:  cover (pmem_wvalid && !pmem_wready_i && count == 2'd2 && second != first);
      c_maps:   cover (dma_wvalid && dma_wbeat[71] && count == 2'd2 && second != first);
    end
  end

endmodule
