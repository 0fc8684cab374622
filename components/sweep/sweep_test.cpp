// SPDX-License-Identifier: Apache-2.0

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <thread>

#include "components/sweep/engine.h"
#include "components/sweep/front.h"
#include "components/sweep/grid.h"
#include "components/sweep/smallest.h"
#include "components/sweep/table.h"
#include "spec/schema.h"
#include "sw/base/catch.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/process.h"
#include "tools/estimate/area_model.h"

namespace fs = std::filesystem;
using namespace trine;
using namespace trine::sweep;
using Catch::Matchers::ContainsSubstring;

namespace {

struct Scratch : TemporaryFolder {
  Scratch() : TemporaryFolder(fs::temp_directory_path(), "sweep_test") {}
  fs::path operator/(const std::string& name) const { return path() / name; }
};

EngineOptions workers(int jobs) {
  EngineOptions options;
  options.jobs = jobs;
  options.program = TRINE_PROGRAM;
  return options;
}

Task shell(const std::string& name, const std::string& line) {
  return {name, {"/bin/sh", "-c", line}, false};
}

/// Returns tasks that each add a line to a file of their own and take a while; those from `held` on
/// wait for a file "go".
std::vector<Task> counting(const Scratch& scratch, int count, int held) {
  const std::string hold =
      fmt::format("until [ -e {} ]; do sleep 0.05; done;", (scratch / "go").string());
  std::vector<Task> tasks;
  for (int i = 0; i < count; ++i)
    tasks.push_back(shell(
        fmt::format("task{}", i),
        fmt::format("echo run >> {}; sleep 0.05; {} echo {}",
                    (scratch / fmt::format("count{}", i)).string(), i < held ? "" : hold, i * i)));
  return tasks;
}

Point point(const std::string& model, double cycles, double area) {
  Point p;
  p.config = "c";
  p.model = model;
  p.results = {Json{{"cycles", cycles}, {"area_um2", area}}};
  return p;
}

std::vector<bool> fronts(const std::vector<Point>& points) {
  std::vector<bool> all;
  for (const Point& p : points) all.push_back(p.front);
  return all;
}

}  // namespace

TEST_CASE("a grid has every combination, the last key changes fastest", "[sweep][grid]") {
  const auto points = grid({"a=1,2", "b=x,y,z"});
  REQUIRE(points.size() == 6);
  CHECK(points[0] == std::vector<std::string>{"a=1", "b=x"});
  CHECK(points[1] == std::vector<std::string>{"a=1", "b=y"});
  CHECK(points[5] == std::vector<std::string>{"a=2", "b=z"});
  CHECK(grid({}) == std::vector<std::vector<std::string>>{{}});
}

TEST_CASE("commas in brackets and quotes belong to a value", "[sweep][grid]") {
  CHECK(choices(R"(array.precisions=["int8"],["int8","ternary"])") ==
        std::vector<std::string>{R"(array.precisions=["int8"])",
                                 R"(array.precisions=["int8","ternary"])"});
  CHECK(choices("name=\"a,b\"").size() == 1);
  for (const char* bad : {"rows", "=1", "rows=", "rows=1,,2", "rows=1,"})
    CHECK_THROWS_WITH(choices(bad), ContainsSubstring("expected key=value,value"));
  CHECK_THROWS_WITH(grid({"a=1", "a=2"}), ContainsSubstring("set twice"));
}

TEST_CASE("patterns give each file once, in order", "[sweep][grid]") {
  const Scratch scratch;
  for (const char* name : {"b.toml", "a.toml", "c.txt"}) write_file(scratch / name, "");
  const std::string all = scratch / "*.toml", one = scratch / "b.toml";
  CHECK(files_of({one, all}, "--configs") == std::vector<std::string>{one, scratch / "a.toml"});
  CHECK_THROWS_WITH(files_of({scratch / "*.onnx"}, "--models"), ContainsSubstring("no such file"));
  CHECK_THROWS_WITH(files_of({scratch.path()}, "--models"), ContainsSubstring("no such file"));
}

TEST_CASE("conditions compare numbers", "[sweep][front]") {
  CHECK(parse_condition("area_um2<2e6").holds(1'999'999));
  CHECK_FALSE(parse_condition("area_um2<2e6").holds(2'000'000));
  CHECK(parse_condition("cycles<=5").holds(5));
  CHECK(parse_condition("array.rows>=5").holds(5));
  CHECK_FALSE(parse_condition("cycles>5").holds(5));
  CHECK(parse_condition("cycles=5").holds(5));
  CHECK(parse_condition("cycles!=5").holds(6));
  for (const char* bad : {"cycles", "<5", "cycles<", "cycles<x", "cycles<5x", "cycles=<5",
                          "cycles<nan", "cycles<5<6"})
    CHECK_THROWS_WITH(parse_condition(bad), ContainsSubstring("--where"));
}

TEST_CASE("the front contains the points that no other point beats", "[sweep][front]") {
  using Front = std::vector<bool>;
  CHECK(pareto_front({{1, 5}, {2, 4}, {2, 5}, {3, 3}, {4, 3}}) ==
        Front{true, true, false, true, false});
  CHECK(pareto_front({{1, 1}, {1, 1}}) == Front{true, true});
  CHECK(pareto_front({{3}, {1}, {2}}) == Front{false, true, false});
  CHECK(pareto_front({}).empty());
}

TEST_CASE("a random front matches the definition", "[sweep][front]") {
  std::uint32_t state = 1;
  const auto draw = [&] {
    return static_cast<double>((state = state * 1664525 + 1013904223) >> 28);
  };
  std::vector<std::vector<double>> costs(60);
  for (auto& row : costs) row = {draw(), draw(), draw()};
  const auto front = pareto_front(costs);
  for (std::size_t a = 0; a < costs.size(); ++a) {
    bool beaten = false;
    for (const auto& b : costs) {
      int worse = 0, better = 0;
      for (std::size_t i = 0; i < 3; ++i) {
        worse += b[i] > costs[a][i] ? 1 : 0;
        better += b[i] < costs[a][i] ? 1 : 0;
      }
      beaten = beaten || (worse == 0 && better > 0);
    }
    CHECK(front[a] != beaten);
  }
}

TEST_CASE("points are compared with points of their model within the conditions",
          "[sweep][front]") {
  std::vector<Point> points{point("m", 10, 5), point("m", 5, 10), point("m", 11, 6),
                            point("n", 100, 100), point("m", 1, 99)};
  Goal goal{{parse_condition("area_um2<=50")}, {"cycles", "area_um2"}, {}};
  goal.where[0].bound = 100;
  goal.judge(points);
  CHECK(fronts(points) == std::vector<bool>{true, true, false, true, true});
  for (Point& p : points) p.front = p.allowed = false;
  goal.where[0].bound = 50;
  goal.judge(points);
  CHECK(fronts(points) == std::vector<bool>{true, true, false, false, false});
  CHECK_FALSE(points[3].allowed);
}

TEST_CASE("the smallest design of a search is that of all designs", "[sweep][front]") {
  std::mt19937 random(87);
  std::size_t too_slow = 0, run = 0, designs = 0;
  for (int trial = 0; trial < 40; ++trial) {
    CAPTURE(trial);
    // Work in cycles of a PE. A design that lacks ternary takes four times as long.
    const std::map<std::string, double> work{{"a", 1e6}, {"b", 4e5}};
    std::vector<Point> points;
    std::vector<Json> figures;
    for (const auto& settings :
         grid({"array.rows=1,2,4,8", "array.cols=4,8,16", "memory.pmem_kib=16,64",
               R"(array.precisions=["int8"],["int8","ternary"])"})) {
      const spec::Config config = spec::load_config("edge64", settings);
      const estimate::Area area = estimate::area_of(config);
      for (const auto& [model, cycles] : work) {
        Point p;
        p.config = "edge64";
        p.settings = settings;
        p.model = model;
        p.keys = spec::all_keys(config);
        p.design = fmt::format("0x{:016x}", config.identity());
        const double share = 0.3 + 0.7 * static_cast<double>(random() % 1000) / 1000;
        figures.push_back({{"cycles", cycles * (config.ternary ? 1 : 4) / config.pes() / share},
                           {"utilization", share},
                           {"clock_placed_ns", area.clock_placed_ns},
                           {"total_um2", area.total_um2}});
        points.push_back(std::move(p));
      }
    }
    Goal goal;
    goal.minimize = {"area"};
    goal.sum = {"microseconds"};
    goal.reach = 200 + static_cast<double>(random() % 20000);
    std::vector<Point> all = points;
    for (std::size_t i = 0; i < all.size(); ++i) all[i].results = {figures[i]};
    goal.judge(all);
    const Searched searched = search_smallest(points, goal, [&] {
      for (std::size_t i = 0; i < points.size(); ++i)
        if (points[i].chosen) points[i].results.push_back(figures[i]);
    });
    const auto front = [](const std::vector<Point>& of) {
      std::set<std::string> found;
      for (const Point& p : of)
        if (p.front) found.insert(p.design);
      return found;
    };
    CHECK(front(points) == front(all));
    for (const Point& p : points) CHECK(p.results.size() == 1);
    too_slow += searched.too_slow;
    run += searched.run;
    designs += searched.designs;
  }
  CHECK(too_slow > 50);
  CHECK(run < designs / 2);
}

TEST_CASE("an unknown figure is neither zero nor within the conditions", "[sweep][front]") {
  std::vector<Point> points{point("m", 10, 5), point("m", 9, 4)};
  points[1].results[0]["area_um2"] = nullptr;
  Goal goal{{}, {"cycles", "area_um2"}, {}};
  goal.judge(points);
  CHECK(fronts(points) == std::vector<bool>{true, false});
  CHECK_THAT(to_csv(points, goal), ContainsSubstring("c,,m,,9,,0,0,\n"));
  CHECK(to_json(points, goal)["points"][1]["area_um2"].is_null());
  goal.minimize = {"energy_pj"};
  CHECK_THROWS_WITH(goal.judge(points),
                    ContainsSubstring("--minimize energy_pj: no point has this figure"));
}

TEST_CASE("a point that was left out is on no front", "[sweep][front]") {
  std::vector<Point> points{point("m", 10, 5), point("m", 9, 4)};
  Goal goal{{}, {"cycles"}, {}};
  goal.judge(points);
  CHECK(fronts(points) == std::vector<bool>{false, true});
  points[1].chosen = false;
  goal.judge(points);
  CHECK(fronts(points) == std::vector<bool>{true, false});
  goal = {{}, {}, {"cycles"}};
  points[1].chosen = true;
  goal.judge(points);
  CHECK(fronts(points) == std::vector<bool>{true, false});
}

TEST_CASE("a table is as wide as the terminal", "[sweep][table]") {
  std::vector<Point> points{point("models/a_long_name_of_a_model.tflite", 1e9, 5)};
  points[0].config = "a/long/path/to/a/configuration_of_many_letters.toml";
  points[0].settings = {"array.rows=16", "array.cols=16"};
  for (const char* figure : {"gate_equivalents", "clock_ns", "energy_pj", "utilization"})
    points[0].results[0][figure] = 1234567;
  Goal goal{{}, {"cycles", "energy_pj"}, {}};
  goal.judge(points);
  for (const std::size_t width : {60U, 80U, 100U}) {
    std::istringstream lines(to_text(points, goal, width));
    for (std::string line; std::getline(lines, line);) CHECK(line.size() <= width);
    CHECK_THAT(to_text(points, goal, width),
               ContainsSubstring("energy_pj") && ContainsSubstring("1,000,000,000"));
  }
  CHECK_THAT(to_text(points, goal, 200),
             ContainsSubstring("clock_ns") && ContainsSubstring("of_many_letters"));
}

TEST_CASE("a table shows only differing columns, uncut and with short names", "[sweep][table]") {
  std::vector<Point> points;
  for (const int rows : {2, 4})
    for (const std::string model : {"models/a_very_long_name_of_a_network_of_1.tflite",
                                    "models/a_very_long_name_of_a_network_of_2.tflite"}) {
      points.push_back(point(model, 100.0 / rows, 7));
      points.back().config = "spec/presets/edge64.toml";
      points.back().settings = {fmt::format("array.rows={}", rows), "memory.pmem_kib=64"};
    }
  Goal goal;
  goal.judge(points);
  CHECK(to_text(points, goal, 60) ==
        "all points: edge64, memory.pmem_kib=64\n"
        "rows  model                               cycles\n"
        "2     a_very_long_name_of_a_network_of_1      50\n"
        "2     a_very_long_name_of_a_network_of_2      50\n"
        "4     a_very_long_name_of_a_network_of_1      25\n"
        "4     a_very_long_name_of_a_network_of_2      25\n"
        "\n4 points, 0 failed\n");
  // A requested key already has a column.
  Goal by_rows{{}, {"cycles", "array.rows"}, {}};
  for (Point& p : points) p.keys["array.rows"] = 4;
  by_rows.judge(points);
  CHECK_THAT(to_text(points, by_rows, 60),
             ContainsSubstring("rows  model  ") && !ContainsSubstring("array.rows"));
  // Keys with the same end are shown with their groups, files with the same name with their
  // folders.
  points[0].settings = {"pipeline.rows=8", "array.rows=2"};
  points[1].config = "mine/edge64.toml";
  CHECK_THAT(to_text(points, goal, 200), ContainsSubstring("array.rows  ") &&
                                             ContainsSubstring("pipeline.rows  ") &&
                                             ContainsSubstring("mine/edge64.toml"));
}

TEST_CASE("sums over the models of a design are one point of a joint front", "[sweep][front]") {
  const auto of = [](const char* setting, const char* model, double cycles, double area) {
    Point p = point(model, cycles, area);
    p.settings = {setting};
    p.design = setting;
    p.results[0]["clock_ns"] = 1000;  // a cycle takes a microsecond
    return p;
  };
  // Separately, the first design is best for m and the second for n; together the third is faster
  // than both.
  std::vector<Point> points{of("rows=1", "m", 10, 5), of("rows=1", "n", 90, 5),
                            of("rows=2", "m", 90, 6), of("rows=2", "n", 10, 6),
                            of("rows=3", "m", 30, 7), of("rows=3", "n", 30, 7)};
  Goal goal{{}, {"cycles", "area_um2"}, {}};
  goal.sum = {"cycles"};
  goal.judge(points);
  CHECK(fronts(points) == std::vector<bool>{true, true, false, false, true, true});
  CHECK(points[4].figure("sum_cycles") == 60);
  CHECK_THAT(to_text(points, goal),
             ContainsSubstring("rows  sum_cycles  area_um2\n1            100         5\n"
                               "3             60         7\n") &&
                 ContainsSubstring(
                     "6 points, 0 failed, 3 designs, 3 within the conditions, 2 on the front"));
  CHECK(to_json(points, goal)["points"][4]["sum_cycles"] == 60);
  // All models must reach the rate: 1e6 / 50 us.
  goal.sum.clear();
  goal.reach = parse_reach("20000/s");
  goal.judge(points);
  CHECK(fronts(points) == std::vector<bool>{false, false, false, false, true, true});
  CHECK(points[0].figure("slowest_rate") == Approx(1e6 / 90));
  CHECK_FALSE(points[0].allowed);
  goal.minimize = {"cycles"};
  goal.sum = {"area_um2"};
  goal.reach = 0;
  CHECK_THROWS_WITH(goal.judge(points),
                    ContainsSubstring("cycles: differs between the models of a design"));
  for (const char* bad : {"", "x", "30/min", "-1", "0"})
    CHECK_THROWS_WITH(parse_reach(bad), ContainsSubstring("--reach"));
}

TEST_CASE("if no point meets the conditions, the nearest ones and what they miss are printed",
          "[sweep][front]") {
  std::vector<Point> points{point("m", 3000, 5), point("m", 1200, 7), point("m", 900, 20)};
  for (std::size_t i = 0; i < points.size(); ++i)
    points[i].settings = {fmt::format("array.rows={}", i + 1)};
  const Goal goal{{parse_condition("cycles<1000"), parse_condition("area_um2<=6")}, {}, {}};
  goal.judge(points);
  const std::string text = to_text(points, goal);
  CHECK_THAT(text, ContainsSubstring("3 points, 0 failed, 0 within the conditions\n"
                                     "the nearest points:\n"));
  CHECK_THAT(text, ContainsSubstring("array.rows=2, m: cycles 1,200, not < 1,000; area_um2 7, "
                                     "not <= 6\n") &&
                       ContainsSubstring("array.rows=1, m: cycles 3,000, not < 1,000\n"));
  CHECK(text.find("rows=2") < text.find("rows=1, m"));
}

TEST_CASE("a figure that no point has is refused with the nearest and all", "[sweep][front]") {
  std::vector<Point> points{point("m", 10, 5)};
  points[0].results[0]["total_um2"] = 9;
  points[0].keys = {{"array.rows", 4}};
  Goal goal{{}, {"cycels"}, {}};
  CHECK_THROWS_WITH(
      goal.judge(points),
      ContainsSubstring("--minimize cycels: no point has this figure, did you mean cycles? ("
                        "there are area, area_um2, cycles, total_um2, and keys"));
  goal.minimize = {"array.row"};
  CHECK_THROWS_WITH(goal.judge(points), ContainsSubstring("did you mean array.rows?"));
  CHECK(points[0].figure("area") == 9);
  goal.minimize = {"cycles"};
  goal.judge(points);
  CHECK_THAT(to_text(points, goal),
             ContainsSubstring("  area\n") && !ContainsSubstring("area_um2"));
}

TEST_CASE("figures come from the last result that has them, are derived or are keys",
          "[sweep][table]") {
  Point p = point("m", 1000, 5);
  p.keys = {{"array.rows", 4}};
  p.results[0]["dram_bytes_read"] = 7;
  CHECK_FALSE(p.figure("dram_bytes"));
  p.results[0]["dram_bytes_written"] = 3;
  CHECK(p.figure("dram_bytes") == 10);
  CHECK_FALSE(p.figure("microseconds"));
  p.results.push_back({{"area_um2", 6}, {"clock_ns", 5}});
  CHECK(p.figure("area_um2") == 6);
  CHECK(p.figure("microseconds") == 5);
  CHECK(p.figure("inferences_per_second") == 2e5);
  p.results.push_back({{"clock_placed_ns", 8}});
  CHECK(p.figure("microseconds") == 8);
  CHECK(p.figure("inferences_per_second") == 1.25e5);
  CHECK(p.figure("array.rows") == 4);
  p.failed = "why";
  CHECK_FALSE(p.figure("cycles"));
}

TEST_CASE("a plot has all points, the front by itself, axes that fit", "[sweep][table]") {
  std::vector<Point> points{point("f/m'", 10, 5), point("f/m'", 1000, 4), point("f/m'", 1000, 6)};
  for (std::size_t i = 0; i < points.size(); ++i)
    points[i].settings = {fmt::format("array.rows={}", i + 1)};
  const Goal goal{{}, {"cycles", "area_um2"}, {}};
  goal.judge(points);
  const std::string script = to_plot(points, goal, "svg", "f.svg");
  CHECK_THAT(script, ContainsSubstring("$all1 << EOD\n10 5 \"rows=1\"\n1000 4 \"rows=2\"\n"));
  CHECK_THAT(script,
             ContainsSubstring("$front1 << EOD\n10 5 \"rows=1\"\n1000 4 \"rows=2\"\nEOD\n"));
  CHECK_THAT(script, ContainsSubstring("set key outside") && ContainsSubstring("with steps") &&
                         ContainsSubstring("using 1:2:3 with labels"));
  CHECK_THAT(script, ContainsSubstring("set logscale x\n") && !ContainsSubstring("set logscale y"));
  CHECK_THAT(script, ContainsSubstring("title 'm'''"));
}

TEST_CASE("failed points are reported", "[sweep][table]") {
  std::vector<Point> points{point("m", 10, 5), point("m,2", 9, 4)};
  points[1].failed = "it is \"broken\"";
  const Goal goal;
  goal.judge(points);
  CHECK_THAT(to_text(points, goal), ContainsSubstring("failed: c: it is \"broken\" (m,2)\n") &&
                                        ContainsSubstring("2 points, 1 failed\n"));
  points[0].failed = points[1].failed;
  CHECK_THAT(to_text(points, goal), ContainsSubstring("failed: c: it is \"broken\" (2 models)\n"));
  points[0].failed = "";
  CHECK_THAT(to_csv(points, goal),
             ContainsSubstring("c,,\"m,2\",,,,0,0,\"it is \"\"broken\"\"\"\n"));
}

TEST_CASE("outcomes are in the order of the tasks, with code and text", "[sweep][engine]") {
  const Scratch scratch;
  std::vector<Task> tasks = counting(scratch, 5, 5);
  tasks.insert(tasks.begin() + 2, shell("bad", "echo broken; echo more; exit 2"));
  tasks.push_back(tasks[0]);
  int known = 0, failed = 0;
  const auto outcomes = run(tasks, scratch / "out", workers(3), [&](int k, int f, int before) {
    known = k;
    failed = f;
    CHECK(before == 0);
  });
  REQUIRE(outcomes.size() == 7);
  CHECK(outcomes[0].text == "0\n");
  CHECK(outcomes[5].text == "16\n");
  CHECK(outcomes[6].text == "0\n");
  CHECK(outcomes[2].code == 2);
  CHECK(outcomes[2].reason() == "broken");
  CHECK(known == 6);
  CHECK(failed == 1);
  for (const auto& entry : fs::directory_iterator(scratch / "out"))
    CHECK_THAT(entry.path().extension().string(),
               Catch::Matchers::Equals(".json") || Catch::Matchers::Equals(".failed"));
}

TEST_CASE("a failure is kept until --retry but a killed task is not", "[sweep][engine]") {
  const Scratch scratch;
  const auto count = [&](const char* name) { return fs::file_size(scratch / name); };
  const auto line = [&](const char* name, const char* end) {
    return shell(name, fmt::format("printf x >> {}; {}", (scratch / name).string(), end));
  };
  const std::vector<Task> tasks{line("wrong", "exit 1"), line("killed", "kill -9 $$")};
  EngineOptions options = workers(1);
  CHECK(run(tasks, scratch / "out", options, {})[1].code == 128 + 9);
  run(tasks, scratch / "out", options, {});
  CHECK(count("wrong") == 1);
  CHECK(count("killed") == 2);
  options.retry = true;
  run(tasks, scratch / "out", options, {});
  CHECK(count("wrong") == 2);
}

TEST_CASE("killed at any moment and started again, each task runs once", "[sweep][engine]") {
  const int known = GENERATE(0, 3, 9, 10);
  CAPTURE(known);
  const Scratch scratch;
  const std::vector<Task> tasks = counting(scratch, 12, 10);
  const pid_t killed = ::fork();
  REQUIRE(killed >= 0);
  if (killed == 0) {
    run(tasks, scratch / "out", workers(2), [&](int k, int, int) {
      if (k >= known) ::kill(::getpid(), SIGKILL);
    });
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(killed, &status, 0);
  REQUIRE(WIFSIGNALED(status));
  write_file(scratch / "go", "");
  const auto outcomes = run(tasks, scratch / "out", workers(3), {});
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    CHECK(outcomes[i].text == fmt::format("{}\n", i * i));
    CHECK(read_text(scratch / fmt::format("count{}", i)) == "run\n");
  }
}

TEST_CASE("Ctrl-C also ends the Slurm array", "[sweep][engine]") {
  const Scratch scratch;
  const auto tool = [&](const char* name, const std::string& line) {
    write_file(scratch / name, "#!/bin/sh\n" + line + "\n");
    fs::permissions(scratch / name, fs::perms::owner_all);
  };
  tool("sbatch", "echo 4217; touch " + (scratch / "begun").string());
  tool("squeue", "echo 4217_0");
  tool("scancel", "echo $* > " + (scratch / "cancelled").string());
  const int signal = GENERATE(SIGINT, SIGTERM);
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(signal, SIG_DFL);  // Catch installs a handler of its own
    ::setenv("PATH", (scratch.path().string() + ":" + std::getenv("PATH")).c_str(), 1);
    EngineOptions options = workers(1);
    options.engine = Engine::kSlurm;
    run(counting(scratch, 1, 1), scratch / "out", options, {});
    ::_exit(3);
  }
  for (int i = 0; i < 500 && !fs::exists(scratch / "begun"); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  ::kill(child, signal);
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == signal);
  REQUIRE(fs::exists(scratch / "cancelled"));
  CHECK(read_text(scratch / "cancelled") == "4217\n");
}

TEST_CASE("a program that was replaced runs nothing under its old name", "[sweep][engine]") {
  const Scratch scratch;
  const fs::path copy = scratch / "trine";
  fs::copy_file(TRINE_PROGRAM, copy);
  EngineOptions options = workers(1);
  options.program = copy.string();
  const std::vector<Task> tasks{shell("first", "rm '" + copy.string() + "'"),
                                {"second", {copy.string(), "models"}, true}};
  const auto outcomes = run(tasks, scratch / "out", options, {});
  CHECK(outcomes[0].code == 0);
  CHECK_FALSE(outcomes[1].known());
  CHECK_THAT(outcomes[1].text, ContainsSubstring("was replaced while it ran"));
}
