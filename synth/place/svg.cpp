// SPDX-License-Identifier: Apache-2.0

#include "synth/place/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <map>
#include <numeric>

namespace trine::synth {
namespace {

constexpr float kWidth = 1000, kMargin = 12, kLegend = 260, kLine = 20;
/// Along the core: each tile has the colour of its largest module.
constexpr std::size_t kTiles = 160;
constexpr const char* kOthers = "#c8c8c8";
constexpr std::array<const char*, 14> kColours{
    "#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#76b7b2", "#edc948", "#b07aa1",
    "#ff9da7", "#9c755f", "#86bcb6", "#d37295", "#8cd17d", "#499894", "#b6992d"};

/// Returns the module that contains the memory: "u_core.u_pmem.gen_bank[1].u_sram.u_0_0" -> "pmem".
std::string holder_of(const std::string& name) {
  std::string holder;
  std::size_t end = name.rfind('.');
  if (end != std::string::npos && end > 0) end = name.rfind('.', end - 1);
  for (std::size_t at = 0; end != std::string::npos && at < end;) {
    const std::size_t next = std::min(name.find('.', at), end);
    if (name.compare(at, 2, "u_") == 0) holder = name.substr(at + 2, next - at - 2);
    at = next + 1;
  }
  return holder.empty() ? name : holder;
}

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text)
    result += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : std::string(1, c);
  return result;
}

class Picture {
 public:
  Picture(const Netlist& netlist, const Cells& cells, const Placement& placement)
      : netlist_(netlist),
        cells_(cells),
        placement_(placement),
        plan_(placement.plan),
        scale_(kWidth / plan_.die_width) {}

  std::string draw() {
    find_shares();
    const float height = plan_.die_height * scale_;
    const float whole = std::max(height, kLine * (static_cast<float>(kColours.size()) + 4));
    fmt::format_to(out(),
                   "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {:.0f} {:.0f}\" "
                   "font-family=\"sans-serif\" font-size=\"13\">\n"
                   "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
                   kWidth + kLegend + 3 * kMargin, whole + 2 * kMargin);
    rect(0, 0, plan_.die_width, plan_.die_height, "#f4f4f4", "die");
    draw_tiles();
    draw_macros();
    draw_legend();
    return text_ + "</svg>\n";
  }

 private:
  std::back_insert_iterator<std::string> out() { return std::back_inserter(text_); }
  float x(float um) const { return kMargin + um * scale_; }
  // SVG's y axis points down.
  float y(float um) const { return kMargin + (plan_.die_height - um) * scale_; }

  void rect(float x0, float y0, float width, float height, const char* fill,
            const std::string& title) {
    fmt::format_to(out(),
                   "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" "
                   "fill=\"{}\"{}>",
                   x(x0), y(y0 + height), width * scale_, height * scale_, fill,
                   title.empty() ? "" : " stroke=\"#666\"");
    if (!title.empty()) fmt::format_to(out(), "<title>{}</title>", escaped(title));
    text_ += "</rect>\n";
  }

  void find_shares() {
    shares_.assign(netlist_.partitions().size(), 0);
    for (int i = 0; i < placement_.size(); ++i)
      if (!placement_.is_macro(i)) shares_[module_of(i)] += um2(i);
    order_.resize(shares_.size());
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    std::stable_sort(order_.begin(), order_.end(),
                     [this](std::size_t a, std::size_t b) { return shares_[a] > shares_[b]; });
    colours_.assign(shares_.size(), kOthers);
    for (std::size_t k = 0; k < std::min(order_.size(), kColours.size()); ++k)
      colours_[order_[k]] = kColours[k];
  }

  std::size_t module_of(int instance) const {
    return static_cast<std::size_t>(netlist_.instance(instance).partition);
  }
  float um2(int instance) const { return cells_[netlist_.instance(instance).cell].um2; }

  /// Draws the tiles of the core; neighbouring tiles of a colour become one rectangle.
  void draw_tiles() {
    const float side = std::max(plan_.core_width, plan_.core_height) / kTiles;
    const auto columns = static_cast<std::size_t>(std::ceil(plan_.core_width / side));
    const auto lines = static_cast<std::size_t>(std::ceil(plan_.core_height / side));
    std::vector<std::map<std::size_t, float>> tiles(columns * lines);
    for (int i = 0; i < placement_.size(); ++i) {
      if (placement_.is_macro(i)) continue;
      const Point at = placement_.middle(i);
      const auto index = [side](float um, std::size_t count) {
        return std::min(count - 1, static_cast<std::size_t>(std::max(0.0f, um / side)));
      };
      tiles[index(at.y - plan_.core_y, lines) * columns + index(at.x - plan_.core_x, columns)]
           [module_of(i)] += um2(i);
    }
    const auto colour = [&](std::size_t tile) -> const char* {
      const auto& modules = tiles[tile];
      if (modules.empty()) return nullptr;
      return colours_[std::max_element(modules.begin(), modules.end(), [](auto& a, auto& b) {
                        return a.second < b.second;
                      })->first];
    };
    for (std::size_t line = 0; line < lines; ++line)
      for (std::size_t begin = 0, end = 0; begin < columns; begin = end) {
        const char* fill = colour(line * columns + begin);
        for (end = begin + 1; end < columns && colour(line * columns + end) == fill;) ++end;
        if (fill != nullptr)
          rect(plan_.core_x + static_cast<float>(begin) * side,
               plan_.core_y + static_cast<float>(line) * side,
               static_cast<float>(end - begin) * side, side, fill, "");
      }
  }

  void draw_macros() {
    for (int i = 0; i < placement_.size(); ++i) {
      if (!placement_.is_macro(i)) continue;
      const std::string& name = netlist_.instance(i).name;
      rect(placement_.at(i).x, placement_.at(i).y, placement_.width(i), placement_.height(i),
           "#e3e9f2", name + ", " + cells_[netlist_.instance(i).cell].name);
      const Point middle = placement_.middle(i);
      fmt::format_to(out(),
                     "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\" "
                     "dominant-baseline=\"middle\" font-size=\"10\">{}</text>\n",
                     x(middle.x), y(middle.y), escaped(holder_of(name)));
    }
  }

  void draw_legend() {
    float whole = 0, others = 0, at = kMargin + kLine;
    for (const float share : shares_) whole += share;
    const auto line = [&](const char* fill, const std::string& label, float share) {
      fmt::format_to(out(),
                     "<rect x=\"{0:.0f}\" y=\"{1:.0f}\" width=\"14\" height=\"14\" fill=\"{2}\"/>\n"
                     "<text x=\"{3:.0f}\" y=\"{4:.0f}\">{5} {6:.1f} %</text>\n",
                     kWidth + 2 * kMargin, at - 12, fill, kWidth + 2 * kMargin + 20, at,
                     escaped(label), 100 * share / whole);
      at += kLine;
    };
    for (std::size_t k = 0; k < order_.size(); ++k) {
      const float share = shares_[order_[k]];
      if (k >= kColours.size())
        others += share;
      else if (share > 0)
        line(colours_[order_[k]], netlist_.partitions()[order_[k]], share);
    }
    if (others > 0) line(kOthers, "others", others);
    fmt::format_to(out(), "<text x=\"{:.0f}\" y=\"{:.0f}\">die {:.0f} x {:.0f} um</text>\n",
                   kWidth + 2 * kMargin, at + 6, plan_.die_width, plan_.die_height);
  }

  const Netlist& netlist_;
  const Cells& cells_;
  const Placement& placement_;
  const Floorplan& plan_;
  const float scale_;
  std::string text_;
  std::vector<float> shares_;  // um2 by module
  std::vector<std::size_t> order_;
  std::vector<const char*> colours_;
};

}  // namespace

std::string floorplan_svg(const Netlist& netlist, const Cells& cells, const Placement& placement) {
  return Picture(netlist, cells, placement).draw();
}

}  // namespace trine::synth
