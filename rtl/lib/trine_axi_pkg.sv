// SPDX-License-Identifier: Apache-2.0
//
// Defines structs for the AXI4-Lite and AXI4 channels between the top and the modules that drive
// them. A request contains the signals of the master, and a response contains the signals of the
// slave. Addresses and data of the AXI4 master are separate ports, because their widths are
// parameters.

package trine_axi_pkg;

  // AXI4-Lite.
  typedef struct packed {
    logic        awvalid;
    logic [11:0] awaddr;
    logic        wvalid;
    logic [31:0] wdata;
    logic [3:0]  wstrb;
    logic        bready;
    logic        arvalid;
    logic [11:0] araddr;
    logic        rready;
  } lite_request_t;

  typedef struct packed {
    logic        awready;
    logic        wready;
    logic        bvalid;
    logic [1:0]  bresp;
    logic        arready;
    logic        rvalid;
    logic [31:0] rdata;
    logic [1:0]  rresp;
  } lite_response_t;

  // AXI4, channels AR and R.
  typedef struct packed {
    logic        arvalid;
    logic        arid;
    logic [7:0]  arlen;
    logic [2:0]  arsize;
    logic [1:0]  arburst;
    logic        rready;
  } read_request_t;

  typedef struct packed {
    logic        arready;
    logic        rvalid;
    logic        rid;
    logic [1:0]  rresp;
    logic        rlast;
  } read_response_t;

  // AXI4, channels AW, W and B.
  typedef struct packed {
    logic        awvalid;
    logic [7:0]  awlen;
    logic [2:0]  awsize;
    logic [1:0]  awburst;
    logic        wvalid;
    logic        wlast;
    logic        bready;
  } write_request_t;

  typedef struct packed {
    logic        awready;
    logic        wready;
    logic        bvalid;
    logic [1:0]  bresp;
  } write_response_t;

endpackage
