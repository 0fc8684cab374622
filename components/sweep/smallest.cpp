// SPDX-License-Identifier: Apache-2.0

#include "components/sweep/smallest.h"

#include <algorithm>
#include <map>

#include "spec/config.h"
#include "sw/base/error.h"
#include "sw/base/text.h"
#include "tools/estimate/area_model.h"

namespace trine::sweep {
namespace {

/// A design with its points, one for each model.
struct Candidate {
  std::vector<Point*> points;
  estimate::Area area;
  int pes = 0;
  std::string rates;  ///< keys on which the MACs of a PE in a cycle depend
};

/// Returns the legal designs, the smallest first.
std::vector<Candidate> by_area(std::vector<Point>& points) {
  std::map<std::string, Candidate> designs;
  for (Point& p : points) {
    if (!p.failed.empty()) continue;
    Candidate& design = designs[p.design];
    if (design.points.empty()) {
      std::vector<std::string> keys;
      for (const std::string& setting : p.settings)
        if (!setting.starts_with("--")) keys.push_back(setting);
      const spec::Config config = spec::load_config(p.config, keys);
      design.area = estimate::area_of(config);
      design.pes = config.pes();
      for (const char* key : {"array.precisions", "array.weights4", "array.activations16"})
        design.rates += json_text(p.keys.at(key));
    }
    design.points.push_back(&p);
  }
  std::vector<Candidate> sorted;
  for (auto& [identity, design] : designs) sorted.push_back(std::move(design));
  std::ranges::stable_sort(sorted, {}, [](const Candidate& c) { return c.area.total_um2; });
  return sorted;
}

/// Removes designs that violate a condition on the area. @throws Error  none is left
void remove_outside(std::vector<Candidate>& designs, const Goal& goal) {
  if (designs.empty()) return;
  const double least = designs.front().area.total_um2, most = designs.back().area.total_um2;
  for (const Condition& c : goal.where)
    if (c.figure == "area")
      std::erase_if(designs, [&](const Candidate& d) { return !c.holds(d.area.total_um2); });
  if (designs.empty())
    throw_error("--where: the areas of all designs, {} to {} um2, violate a condition",
                grouped(least), grouped(most));
}

/// The least work of each model, learnt from points that ran: cycles at the array's peak, times its
/// PEs. Arrays of other sizes divide the same work if a PE has the same precisions.
class Work {
 public:
  void learn(const Candidate& design) {
    for (const Point* p : design.points) {
      const auto cycles = p->figure("cycles"), share = p->figure("utilization");
      if (cycles && share) {
        const double work = *cycles * *share * design.pes;
        const auto [least, is_new] = of_.try_emplace({p->model, design.rates}, work);
        least->second = std::min(least->second, work);
      }
    }
  }
  /// Returns true if the design is slower than `rate` even at the peak of its array.
  bool exceeds(const Candidate& design, double rate) const {
    if (rate <= 0) return false;
    return std::ranges::any_of(design.points, [&](const Point* p) {
      const auto work = of_.find({p->model, design.rates});
      if (work == of_.end()) return false;
      const double ns = work->second / design.pes * design.area.clock_placed_ns;
      return 1e9 / ns < kMargin * rate;
    });
  }

 private:
  static constexpr double kMargin = 0.95;                     ///< utilization counts whole cycles
  std::map<std::pair<std::string, std::string>, double> of_;  ///< by model and rates
};

}  // namespace

const std::vector<std::string>& searched_keys() {
  static const std::vector<std::string> keys{
      "array.rows=1,2,4,8,16,32", "array.cols=4,8,16,32", "memory.dmem_kib=16,32,64,128,256",
      "memory.pmem_kib=16,32,64,128", "memory.param_channels=512"};
  return keys;
}

Searched search_smallest(std::vector<Point>& points, const Goal& goal,
                         const std::function<void()>& run) {
  constexpr std::size_t kTogether = 8;  // designs that run at the same time
  std::vector<Candidate> designs = by_area(points);
  Searched searched{designs.size()};
  remove_outside(designs, goal);
  Work work;
  std::vector<Point*> done;
  for (Point& p : points) p.chosen = false;
  std::size_t next = 0;
  const auto found = [&] { return std::ranges::any_of(done, &Point::allowed); };
  while (next < designs.size() && !found()) {
    std::vector<const Candidate*> batch;
    for (; next < designs.size() && batch.size() < kTogether; ++next) {
      if (work.exceeds(designs[next], goal.reach)) {
        ++searched.too_slow;
        continue;
      }
      batch.push_back(&designs[next]);
      for (Point* p : designs[next].points) p->chosen = true;
    }
    if (batch.empty()) break;
    run();
    searched.run += batch.size();
    for (const Candidate* design : batch) {
      work.learn(*design);
      done.insert(done.end(), design->points.begin(), design->points.end());
    }
    for (Point* p : done) p->chosen = true;
    goal.judge(points);
    if (!found())
      for (Point* p : done) p->chosen = false;  // they do not run again
  }
  for (Point* p : done) p->chosen = true;
  std::erase_if(points, [](const Point& p) { return !p.chosen && p.failed.empty(); });
  goal.judge(points);
  return searched;
}

}  // namespace trine::sweep
