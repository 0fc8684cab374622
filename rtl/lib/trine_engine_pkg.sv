// SPDX-License-Identifier: Apache-2.0
//
// Defines the structs that control, the DMA, the memories and the four engines exchange. The
// constants trine_isa_pkg::Engine... number the engines.

// A design uses only some of these.
// verilator lint_off UNUSEDPARAM
package trine_engine_pkg;

  // From an issue unit to its engine: a SET and a RUN, each with a handshake. In a vector of
  // commands, engine 0 is in the low bits.
  localparam int unsigned CommandBits = 83;
  // Positions of fields of command_t, for modules with a vector of commands.
  localparam int unsigned CfgPayloadAt = 22;
  localparam int unsigned RunValidAt   = 21;

  typedef struct packed {
    logic        cfg_valid;
    logic [3:0]  cfg_reg;
    logic [55:0] cfg_payload;
    logic        run_valid;
    logic [7:0]  run_op;
    logic [8:0]  run_flags;
    logic [3:0]  missing_tokens;  // engines whose token the front RUN still needs
  } command_t;

  // From an engine. retire pulses once a RUN, in order, at least one cycle after the RUN is taken.
  localparam int unsigned AnswerBits = 3;

  typedef struct packed {
    logic        cfg_ready;
    logic        run_ready;
    logic        retire;
  } answer_t;

  // State of the machine; bit e of a vector is engine e.
  typedef struct packed {
    logic        running;      // a program is running
    logic        start;        // a program starts: one pulse
    logic        wipe;         // write zeros to all memories: one pulse
    logic [3:0]  idle;         // nothing queued, offered or in flight
    logic [3:0]  busy;         // a RUN is in flight
    logic [3:0]  run_started;  // a RUN was taken: one pulse
    logic [3:0]  retired;      // a RUN ended: one pulse
  } state_t;

  // Events in the life of a program, for the bus master.
  typedef struct packed {
    logic        start;          // a program starts
    logic        imem_flush;     // drop the kept program: it may have changed, or did not end well
    logic        wipe;           // write zeros to the memories
    logic        stop;           // send no more requests
    logic        bus_was_reset;  // outstanding responses will never come
    logic        uncorrectable;  // a memory word cannot be corrected: send no more data to DRAM
  } life_t;

  // DRAM addresses of a program and its data. The registers hold while a program runs.
  typedef struct packed {
    logic [63:0] program_addr;
    logic [31:0] program_words;  // 64-bit words
    logic [63:0] base;           // added to addresses in instructions
    logic [63:0] first;          // first allowed byte of bursts
    logic [63:0] last;           // last allowed byte
  } dram_t;

  // The program word at the front. It is offered until it is taken.
  typedef struct packed {
    logic        valid;
    logic [63:0] word;
    logic [34:0] offset;         // bytes from the program's start
    logic        out_of_words;   // all words were taken
    logic        error;          // its fetch failed
    logic        outside;        // its fetch is outside the allowed range
  } program_word_t;

  // Data that the bus master moves in this cycle, and addresses for error reports.
  typedef struct packed {
    logic        read_beat;      // a beat of AxiDataBits arrived
    logic [5:0]  write_words;    // 32-bit words that left
    logic [1:0]  progress;       // DMEM gave a beat for a store, or accepted a beat of a load
    logic [63:0] load_beat;      // failed beat of a load
    logic [63:0] load_burst;     // load burst on offer
    logic [63:0] store_answer;   // store burst whose response is next
    logic [63:0] store_burst;    // store burst on offer
  } dma_report_t;

  // Status of one side of the bus master: outstanding work, progress, errors.
  typedef struct packed {
    logic        idle;
    logic        outstanding;         // the bus owes a handshake or a response
    logic        progress;            // a handshake of this side happens
    logic        engine_outstanding;  // bursts of the engine lack a response
    logic        error;               // the engine got an error response,
    logic        stream;              // or a stream of packed weights was invalid
    logic        outside;             // the burst on offer is outside the allowed range
  } bus_event_t;

  // Status of the instruction memory; with memory.ecc, also errors of the words read from it.
  typedef struct packed {
    logic        wiping;
    logic        fatal;       // a word cannot be corrected: until clear
    logic [33:0] fatal_addr;  // its address: 2^33 + word
    logic [31:0] count;       // corrected words
  } imem_t;

  // A load beat for one of the small memories, without its data. It holds until it is taken.
  localparam int unsigned ParamBits    = 55;
  localparam int unsigned BiasValidAt  = 54;
  localparam int unsigned ScaleValidAt = 37;

  typedef struct packed {
    logic        bias_valid;
    logic [15:0] bias_addr;
    logic        scale_valid;
    logic [15:0] scale_addr;
    logic        table_valid;
    logic [7:0]  table_addr;
    logic        exp_valid;
    logic [7:0]  exp_addr;
    logic        entries;  // the target is a table, even without a valid beat
    logic        exp;      // the target is the exponentials or, with `points`, the lookup table
    logic        points;   // entries of the lookup table are points
  } param_t;

  // Activity of a compute engine, for the cause of a cycle.
  typedef struct packed {
    logic running;     // a RUN is in flight
    logic enters;      // a step enters the array
    logic drain_wait;  // a tile's last step waits in front of the array
    logic last_wait;   // that step is not issued yet
  } compute_state_t;

  localparam int unsigned ActivityBits = 4;

  // Activity in this cycle. `progress`: a step entered the array, the vector engine read, or a
  // result word was accepted.
  typedef struct packed {
    logic [2:0] cause;
    logic       progress;
  } activity_t;

  // A client's access to the gather port, without addresses and lanes.
  typedef struct packed {
    logic       valid;
    logic       hold;  // the client's access at the front must wait
    logic [7:0] pad;   // code for inactive lanes
    logic [3:0] tag;   // returned with the answer
  } gather_req_t;

  // Reasons why the compute engine's next access is late, for the cause of a cycle.
  typedef struct packed {
    logic replay;    // the access at the front waits for banks
    logic arb_lost;  // an access of another client was taken
  } gather_stall_t;

  // Write of an entry of the lookup table or of the exponentials.
  typedef struct packed {
    logic        table_we;
    logic        exp_we;
    logic [7:0]  addr;
    logic [31:0] data;  // lookup table: the lowest byte
  } entry_t;

  // State of the memories, for control.
  localparam int unsigned MemoryStateBits = 102;

  typedef struct packed {
    logic        wiping;      // zeros are being written
    logic        fatal;       // with memory.ecc: a word cannot be corrected, until clear
    logic [2:0]  fatal_core;  // core of that word
    logic [32:0] fatal_addr;
    logic [31:0] dmem_count;  // corrected words
    logic [31:0] pmem_count;
  } memory_state_t;

endpackage
// verilator lint_on UNUSEDPARAM
