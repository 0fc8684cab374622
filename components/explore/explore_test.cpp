// SPDX-License-Identifier: Apache-2.0

#include <httplib.h>

#include <random>
#include <thread>

#include "components/explore/server.h"
#include "spec/config.h"
#include "sw/base/catch.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/process.h"
#include "sw/base/root.h"
#include "tools/cli/measure/estimate.h"

namespace trine::explore {
namespace {

using Catch::Matchers::ContainsSubstring;

Scope lenet() {
  return {{"edge64", "edge256"},
          read_models({(project_root() / "models" / "lenet_mnist.tflite").string(),
                       (project_root() / "models" / "shapes" / "alexnet.csv").string()})};
}

/// A server that answers while the object lives.
struct Running {
  Server server;
  int port;
  std::thread thread;
  httplib::Client client;

  explicit Running(const Scope& scope)
      : server(scope, page_of(scope, Json::array(), true, "/*charts*/")),
        port(server.bind(0)),
        thread([this] { server.listen(); }),
        client("127.0.0.1", port) {}
  ~Running() {
    server.stop();
    thread.join();
  }
  Json get(const std::string& path) {
    const auto answer = client.Get(path);
    REQUIRE(answer);
    return parse_json(answer->body, path);
  }
};

TEST_CASE("the explorer's figures are those of estimate", "[explore]") {
  const Scope scope = lenet();
  std::mt19937 random(87);
  const auto one_of = [&](const char* key, std::initializer_list<int> values) {
    return fmt::format("{}={}", key, *(values.begin() + random() % values.size()));
  };
  for (int i = 0; i < 12; ++i) {
    const std::vector<std::string> settings{
        one_of("array.rows", {1, 2, 4, 8, 16}), one_of("array.cols", {4, 8, 12, 16}),
        one_of("memory.dmem_kib", {32, 64, 256}), one_of("memory.pmem_kib", {16, 64, 128})};
    const std::string config = scope.configs[i % 2];
    const Json point = figures_of(scope.models[0], config, settings);
    REQUIRE(!point.contains("error"));
    cli::NetworkOptions options;
    options.model = scope.models[0].name;
    const Json report = cli::to_json(cli::estimate_of(scope.models[0].bytes, options, {}, {},
                                                      spec::load_config(config, settings)));
    for (const auto& [name, value] : point["figures"].items()) {
      const Json& from = name == "dram_pj" ? report.at("energy") : report;
      CHECK(value == from.at(name));
    }
    CHECK(point["figures"].contains("total_um2"));
    CHECK(point["layers"].size() == report["layers"].size());
    double um2 = 0;
    for (const Json& part : point["parts"]) um2 += part["area_um2"].get<double>();
    CHECK(std::abs(um2 - point["figures"]["total_um2"].get<double>()) < 1);
  }
}

TEST_CASE("a table of shapes is a model of the explorer", "[explore]") {
  const Scope scope = lenet();
  const Json point = figures_of(scope.models[1], "edge64", {});
  CHECK(point["figures"]["cycles"].get<double>() > 0);
  CHECK(!point["layers"].empty());
}

TEST_CASE("designs around one are halves and doubles that are allowed", "[explore]") {
  const auto all = around("edge64", {"array.rows=1"});
  CHECK(std::ranges::find(all, std::vector<std::string>{"array.rows=2"}) != all.end());
  CHECK(std::ranges::find(all, std::vector<std::string>{"array.rows=0"}) == all.end());
  CHECK(all.size() == 7);
}

TEST_CASE("the explorer's server answers this computer only, for its designs and models",
          "[explore]") {
  const Scope scope = lenet();
  Running running(scope);
  CHECK_THAT(running.client.Get("/")->body, ContainsSubstring("\"configs\":[{\"name\":\"edge64\""));
  const Json point = running.get("/estimate?model=0&config=edge256&set=array.rows%3D4");
  CHECK(point == figures_of(scope.models[0], "edge256", {"array.rows=4"}));
  const auto error = [&](const std::string& query) {
    return running.get("/estimate?" + query).at("error").get<std::string>();
  };
  CHECK_THAT(error("model=0&config=edge64&set=array.rows%3D999"),
             ContainsSubstring("allowed 1..256"));
  CHECK_THAT(error("model=2&config=edge64"), ContainsSubstring("2 models"));
  CHECK_THAT(error("model=0&config=/etc/passwd"), ContainsSubstring("is not a design"));
  const auto foreign = running.client.Get("/", {{"Host", "example.org"}});
  CHECK(foreign->status == 400);
  CHECK_THROWS_AS(Server(scope, "").bind(running.port), Error);
}

TEST_CASE("the page contains its points and loads nothing", "[explore]") {
  Scope scope = lenet();
  scope.configs.resize(1);
  Json point = figures_of(scope.models[0], "edge64", {});
  point["config"] = "edge64";
  point["model"] = 0;
  point["notes"].push_back("</script><b>");
  const std::string page = page_of(scope, Json::array({point}), false, "/*charts*/");
  CHECK_THAT(page, ContainsSubstring("\"served\":false") && ContainsSubstring("/*charts*/") &&
                       ContainsSubstring("\\u003c/script>\\u003cb>"));
  for (const char* loaded : {"src=", "@import", "url(", "<link", "<!--data-->"})
    CHECK_THAT(page, !ContainsSubstring(loaded));
}

TEST_CASE("explore writes a page of the designs of --set and of those around them", "[explore]") {
  const TemporaryFolder folder(std::filesystem::temp_directory_path());
  const auto run = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {TRINE_PROGRAM, "explore", "--models",
                                 (project_root() / "models" / "lenet_mnist.tflite").string()});
    return run_process(words, folder.path(), folder.path() / "log");
  };
  CHECK(run({"--set", "array.rows=2,3", "--out", "page.html", "--json", "points.json"}) == 0);
  const Json points = parse_json(read_text(folder.path() / "points.json"), "points").at("points");
  CHECK(points.size() == 2 + 8 + 8);
  for (const Json& point : points) CHECK(point.at("figures").at("cycles") > 0);
  CHECK_THAT(read_text(folder.path() / "page.html"), ContainsSubstring("Chart.js v3"));
  const auto error = [&](const std::vector<std::string>& words) {
    CHECK(run(words) == 2);
    return last_line_of(folder.path() / "log");
  };
  CHECK_THAT(error({}), ContainsSubstring("--serve or --out FILE is required"));
  CHECK_THAT(error({"--serve", "--out", "x"}), ContainsSubstring("not both"));
  CHECK_THAT(error({"--serve", "--set", "array.rows=2"}), ContainsSubstring("--set: not allowed"));
  CHECK_THAT(error({"--serve", "--json", "j"}), ContainsSubstring("--json: not allowed"));
  CHECK_THAT(error({"--port", "80", "--out", "x"}), ContainsSubstring("--port: needs --serve"));
  CHECK_THAT(error({"--config", "edge7", "--out", "x"}), ContainsSubstring("edge7"));
  CHECK_THAT(error({"--out", "x", "--charts", "none.js"}), ContainsSubstring("none.js"));
  CHECK(!std::filesystem::exists(folder.path() / "x"));
}

}  // namespace
}  // namespace trine::explore
