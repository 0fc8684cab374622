// SPDX-License-Identifier: Apache-2.0

#include "components/explore/server.h"

#include <fmt/format.h>
#include <httplib.h>

#include <algorithm>

#include "sw/base/error.h"

namespace trine::explore {
namespace {

constexpr const char* kLoopback = "127.0.0.1";

/// Returns true if a request names this computer itself: a page of another origin cannot send it
/// here by a name that resolves to 127.0.0.1.
bool is_local(const httplib::Request& request) {
  std::string host = request.get_header_value("Host");
  host = host.substr(0, host.rfind(':'));
  return host == kLoopback || host == "localhost";
}

void refuse(httplib::Response& response, const std::string& why) {
  response.status = 400;
  response.set_content(json_text(Json{{"error", why}}), "application/json");
}

}  // namespace

struct Server::Http {
  httplib::Server server;
};

Server::Server(Scope scope, std::string page)
    : scope_(std::move(scope)), page_(std::move(page)), http_(std::make_unique<Http>()) {
  http_->server.set_pre_routing_handler(
      [](const httplib::Request& request, httplib::Response& response) {
        response.set_header("Cache-Control", "no-store");
        if (is_local(request)) return httplib::Server::HandlerResponse::Unhandled;
        refuse(response, "only requests of this computer are answered");
        return httplib::Server::HandlerResponse::Handled;
      });
  // Without this, the library lets two servers share a port.
  http_->server.set_socket_options([](socket_t socket) {
    const int yes = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
  http_->server.Get("/favicon.ico", [](const httplib::Request&, httplib::Response& response) {
    response.status = 204;
  });
  http_->server.Get("/", [this](const httplib::Request&, httplib::Response& response) {
    response.set_content(page_, "text/html; charset=utf-8");
  });
  http_->server.Get(
      "/estimate", [this](const httplib::Request& request, httplib::Response& response) {
        const std::string config = request.get_param_value("config");
        const std::string number = request.get_param_value("model");
        const auto model = std::ranges::find_if(scope_.models, [&, i = 0](const Model&) mutable {
          return std::to_string(i++) == number;
        });
        if (std::ranges::find(scope_.configs, config) == scope_.configs.end())
          return refuse(response, fmt::format("config: '{}' is not a design of this page", config));
        if (model == scope_.models.end())
          return refuse(response,
                        fmt::format("model: {} models, counted from 0", scope_.models.size()));
        std::vector<std::string> settings;
        for (std::size_t i = 0; i < request.get_param_value_count("set"); ++i)
          settings.push_back(request.get_param_value("set", i));
        response.set_content(json_text(figures_of(*model, config, settings)), "application/json");
      });
}

Server::~Server() = default;

int Server::bind(int port) {
  const int bound = port == 0 ? http_->server.bind_to_any_port(kLoopback)
                              : (http_->server.bind_to_port(kLoopback, port) ? port : -1);
  if (bound < 0) throw_error("--port {}: is in use or needs rights", port);
  return bound;
}

void Server::listen() { http_->server.listen_after_bind(); }

void Server::stop() { http_->server.stop(); }

}  // namespace trine::explore
