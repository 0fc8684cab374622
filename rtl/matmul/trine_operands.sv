// SPDX-License-Identifier: Apache-2.0
//
// Buffers the gather's answers in a ring of three slots and passes complete steps to the array, one
// per cycle. The lanes of a slot are filled as their answers arrive. The last step of a tile
// overwrites the array's drain registers, so it waits at the front for a grant. A register stores
// the grant, which lets one last step pass.
//
//   cycle         0         1         2         3         4
//   rsp_done_i    A         B (last)  C         D
//   at the front            A         B         B         B
//   pass_o                  A                             B
//   grant_i                                     x
//   hold_o                            x         x
//
// In this example, C and D were in flight when B began to wait, and they find free slots. The
// gather holds the next step.
//
// If a last step waits without a grant, hold_o limits the number of steps in flight to the number
// of free slots. hold_o depends only on registers, and on rsp_done_next_i and rsp_done_i, which
// show the two steps in flight.
//
// With Binary, the word of a lane has one more bit, which is bit 0 of the lane's mode
// (trine_array). In a RUN of mode 3, a masked lane has mode 3 and all other lanes have mode 2.
//
// Timing    Throughput is one step per cycle. A step is at the front in the cycle after its answer
//           is complete.
// Contract  Answers come in order, one step at a time. The gather keeps the step that hold_o stops.
// Check     trine_compute_tb

module trine_operands #(
  parameter int unsigned Lanes   = 8,
  parameter int unsigned TagBits = 4,
  parameter int unsigned LastBit = 1,  // bit of the tag: the step ends a tile
  parameter bit          Int16   = 1'b0,
  parameter bit          Binary  = 1'b0,
  localparam int unsigned ActBits = Binary ? 33 : 32
) (
  input  logic                clk_i,
  input  logic                rst_ni,
  input  logic                clear_i,

  // The gather's answers.
  input  logic [Lanes-1:0]    rsp_lanes_i,
  input  logic [Lanes*33-1:0] rsp_data_i,  // {masked lanes, words}
  input  logic [TagBits-1:0]  rsp_tag_i,
  input  logic                rsp_done_i,
  input  logic                rsp_done_next_i,  // rsp_done_i comes one cycle later
  output logic                hold_o,
  input  logic                int16_i,  // odd lanes hold low bytes: subtract 128
  input  logic [1:0]          mode_i,

  // The step at the front. It passes into the array when its weights are there.
  output logic [TagBits-1:0]  tag_o,
  output logic [Lanes*ActBits-1:0] act_o,
  input  logic                weights_i,
  output logic                pass_o,

  // grant_i: the next last step may pass. drain_wait_o: a last step waits for grant_i.
  input  logic                grant_i,
  output logic                drain_wait_o
);

  localparam int unsigned Slots = 3;

  logic [Slots-1:0]   full_q, push_q, pop_q, second, third;  // one-hot, except full_q
  logic [TagBits-1:0] tag_q [Slots];
  logic [Slots-1:0]   slots_last;  // the slot holds a tile's last step
  logic               granted_q, valid, last;

  assign second  = {pop_q[Slots-2:0], pop_q[Slots-1]};
  assign third   = {second[Slots-2:0], second[Slots-1]};
  assign valid   = (full_q & pop_q) != '0;

  always_comb begin
    tag_o      = '0;
    slots_last = '0;
    for (int unsigned s = 0; s < Slots; s++) begin
      if (pop_q[s]) tag_o = tag_o | tag_q[s];
      slots_last[s] = full_q[s] && tag_q[s][LastBit];
    end
  end

  assign last         = tag_o[LastBit];
  assign pass_o       = valid && weights_i && (!last || granted_q);
  assign drain_wait_o = valid && last && !granted_q;

  // steps: the steps after the front step, oldest first. last_steps: steps among the three oldest
  // that end a tile. ungranted: steps among these that have no grant.
  logic [4:1] steps;
  logic [2:0] last_steps, ungranted;

  assign steps      = {rsp_done_next_i, rsp_done_i, (full_q & third) != '0,
                       (full_q & second) != '0};
  assign last_steps = {(slots_last & third) != '0, (slots_last & second) != '0,
                       (slots_last & pop_q) != '0};
  assign ungranted  = last_steps & ({3{!granted_q}} |
                                    {last_steps[1] || last_steps[0], last_steps[0], 1'b0});

  // Returns true for two or more steps. After a waiting last step, two steps find free slots.
  function automatic logic several(input logic [3:0] some);
    several = (some & (some - 4'd1)) != '0;
  endfunction
  assign hold_o = (ungranted[0] && several(steps[4:1])) ||
                  (ungranted[1] && several({1'b0, steps[4:2]})) ||
                  (ungranted[2] && steps[4] && steps[3]);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      full_q    <= '0;
      push_q    <= Slots'(1);
      pop_q     <= Slots'(1);
      granted_q <= 1'b0;
    end else if (clear_i) begin
      full_q    <= '0;
      push_q    <= Slots'(1);
      pop_q     <= Slots'(1);
      granted_q <= 1'b0;
    end else begin
      full_q    <= (full_q & ~({Slots{pass_o}} & pop_q)) | ({Slots{rsp_done_i}} & push_q);
      if (rsp_done_i) push_q <= {push_q[Slots-2:0], push_q[Slots-1]};
      if (pass_o)     pop_q  <= second;
      granted_q <= !(pass_o && last) && (granted_q || grant_i);
    end
  end

  always_ff @(posedge clk_i) begin
    for (int unsigned s = 0; s < Slots; s++) begin
      if (rsp_done_i && push_q[s]) tag_q[s] <= rsp_tag_i;
    end
  end

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    logic [31:0] act_q [Slots];
    logic [31:0] act, word;
    assign word = rsp_data_i[l*32 +: 32] ^
                  {4{Int16 && l % 2 != 0 && int16_i, 7'd0}};
    always_ff @(posedge clk_i) begin
      for (int unsigned s = 0; s < Slots; s++) begin
        if (rsp_lanes_i[l] && push_q[s]) act_q[s] <= word;
      end
    end
    always_comb begin
      act = '0;
      for (int unsigned s = 0; s < Slots; s++) act = act | (act_q[s] & {32{pop_q[s]}});
    end
    assign act_o[l*ActBits +: 32] = act;

    if (Binary) begin : gen_masked
      logic [Slots-1:0] masked_q;
      always_ff @(posedge clk_i) begin
        for (int unsigned s = 0; s < Slots; s++) begin
          if (rsp_lanes_i[l] && push_q[s]) masked_q[s] <= rsp_data_i[Lanes*32 + l];
        end
      end
      assign act_o[l*ActBits + 32] = mode_i[0] && (!mode_i[1] || (masked_q & pop_q) != '0);
    end
  end

  logic unused_bits;
  assign unused_bits = ^{int16_i, mode_i, rsp_data_i[Lanes*32 +: Lanes]};

`ifdef TRINE_ASSERT
  logic live_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else         live_q <= 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      // Operands find a free slot.
      if (rsp_lanes_i != '0) a_slot_free: assert ((full_q & push_q) == '0);
      if (rsp_done_i) a_soon: assert (full_q != '1);
      if (valid) a_weights_there: assert (weights_i);
      a_one_slot: assert ($onehot(push_q) && $onehot(pop_q));
      c_full: cover (full_q == '1 && ungranted[0]);
    end
  end
`endif

endmodule
