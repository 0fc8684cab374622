// SPDX-License-Identifier: Apache-2.0
//
// Serves the explorer's page and its estimates, on the loopback interface only.

#pragma once

#include <functional>
#include <memory>
#include <string>

#include "components/explore/page.h"

namespace trine::explore {

/// An HTTP server for one reader. It answers
///   GET /                                     the page
///   GET /estimate?model=I&config=C&set=K=V..  figures_of(), of the listed models and designs only
class Server {
 public:
  /// @param page  the text of the page
  Server(Scope scope, std::string page);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Takes a port of 127.0.0.1. @param port  0: any free one
  /// @return the port
  /// @throws Error  it is in use
  int bind(int port);
  /// Answers requests until stop().
  void listen();
  void stop();

 private:
  struct Http;
  Scope scope_;
  std::string page_;
  std::unique_ptr<Http> http_;
};

}  // namespace trine::explore
