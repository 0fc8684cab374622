#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws the pictures of the pages with gnuplot from components/benchmarks/results/ (store.py).

usage: pictures.py [--check]
docs/cycles.svg: cycles by cause of networks on edge256; docs/roofline.svg: networks of the literature on edge1024;
docs/buffers.svg: VGG-16's bytes of DRAM against memory on chip; docs/area.svg: area of edge64 by module;
docs/weights.svg: energy of networks against their weights; docs/energy_by_data.svg: energy of an image by kind of data.
--check: exit code 1 if a picture was drawn from other
figures; needs no gnuplot.
"""
import argparse
import hashlib
import re
import subprocess
import sys

import common
import store

# Okabe and Ito: colour-blind readers can distinguish them.
COLOURS = ["#0072b2", "#e69f00", "#d55e00", "#56b4e9", "#009e73", "#cc79a7", "#999999", "#f0e442"]
NAMES = {"pretrainedResnet_quant": "ResNet-8", "kws_ref_model": "DS-CNN kws", "vww_96_int8": "MobileNetV1 0.25",
         "ad01_int8": "autoencoder", "person_detect_qdim0": "person detect", "micro_speech_quantized": "micro speech",
         "str_ww_ref_model": "wake word", "mnist_resnet_q": "MNIST ResNet", "lenet_mnist": "LeNet"}
HEAD = """set terminal svg size {width},{height} font "Helvetica,13" background rgb "#ffffff"
set border lc rgb "#444444"
"""


def rows(name, *columns):
    """Returns the rows of the first table with these columns."""
    for head, lines in store.tables(store.records()[name]):
        if all(column in head for column in columns):
            return [[line[head.index(column)] for column in columns] for line in lines]
    raise KeyError(columns)


def value(text):
    return float(re.match(r"[-+]?[\d,.]+", text)[0].replace(",", ""))


def cycles():
    """Draws stacked bars: the reasons why the array had no step."""
    causes = ["compute", "bank", "drain", "memory", "load", "vector", "store", "control"]
    table = [row for row in rows("networks", "network", "configuration", *causes) if row[1] == "edge256"]
    data = "\n".join(f'"{NAMES[row[0]]}" ' + " ".join(str(value(cell)) for cell in row[2:]) for row in table)
    plots = ", ".join(f'$d using {i + 2}{":xtic(1)" if i == 0 else ""} title "{cause}" lc rgb "{COLOURS[i]}"'
                      for i, cause in enumerate(causes))
    return HEAD.format(width=860, height=430) + f"""set title "Cycles by cause on edge256 (256 MACs a cycle, 64-bit bus)"
set style data histograms
set style histogram rowstacked
set style fill solid 1.0 border rgb "#ffffff"
set boxwidth 0.75
set yrange [0:100]
set ylabel "% of cycles"
set ytics nomirror
set xtics nomirror rotate by -25
set key outside right reverse Left invert
$d << END
{data}
END
plot {plots}
"""


def roofline():
    """Draws networks of the literature: MACs per cycle against MACs per byte."""
    peak, bus = 1024, 16
    points = {}
    for network, macs, took, read, wrote in rows("well_known", "network", "MACs", "cycles", "MB read", "MB written"):
        if network not in points and value(read) >= 1 and not network.endswith("_floor"):  # 0.1 MB has one digit
            points[network] = value(macs) / (value(read) + value(wrote)) / 1e6, value(macs) / value(took)
    labels = "\n".join(f'set label "{name.replace("_", " ")}" at {x:.4g},{y:.4g} offset 0.6,-0.5 rotate by -60 font ",11"'
                       for name, (x, y) in points.items())
    data = "\n".join(f"{x:.5g} {y:.5g}" for x, y in points.values())
    return HEAD.format(width=760, height=430) + f"""set title "Roofline of edge1024: networks of the literature"
set logscale xy
set xrange [4:400]
set yrange [64:2048]
set xlabel "MACs for each byte of DRAM traffic"
set ylabel "MACs a cycle"
set grid lc rgb "#dddddd"
unset key
{labels}
set label "128-bit bus" at 7,{7 * bus * 1.3} rotate by 38
set label "peak: {peak:,} MACs a cycle" at 380,{peak * 1.15} right
$d << END
{data}
END
plot (x * {bus} < {peak} ? x * {bus} : {peak}) lc rgb "#444444" lw 2, $d with points pt 7 ps 0.9 lc rgb "{COLOURS[0]}"
"""


def buffers():
    """Draws VGG-16: bytes against memory."""
    data = "\n".join(" ".join(str(value(cell)) for cell in row) for row in
                     rows("buffers", "KiB on chip", "MB of DRAM", "bound by layers", "compulsory", "MB, planned for bytes"))
    return HEAD.format(width=760, height=430) + f"""set title "VGG-16's convolutions: DRAM traffic against memory on chip (edge256)"
set logscale xy
set xrange [20:3600]
set yrange [10:4000]
set xlabel "KiB of DMEM and PMEM"
set ylabel "MB of DRAM, read and written"
set grid lc rgb "#dddddd"
set key top right Left reverse
set arrow from 192,10 to 192,4000 nohead dt 2 lc rgb "#999999"
set label "edge256" at 204,500 tc rgb "#666666"
$d << END
{data}
END
plot $d using 1:2 title "Trine, planned for cycles" with linespoints pt 7 ps 0.9 lw 2 lc rgb "{COLOURS[0]}", \\
  $d using 1:5 title "Trine, planned for bytes" with linespoints pt 5 ps 0.8 lw 2 lc rgb "{COLOURS[3]}", \\
  $d using 1:3 title "bound of one layer after the other" with lines lw 2 lc rgb "{COLOURS[1]}", \\
  $d using 1:4 title "weights, first and last map once" with lines dt 3 lw 2 lc rgb "{COLOURS[2]}"
"""


def treemap(parts, x, y, w, h):
    """Returns [(name, size, x, y, w, h)] of parts, largest first: each cut splits the area into about halves, along
    the longer side."""
    if len(parts) == 1:
        return [(*parts[0], x, y, w, h)]
    whole, first, at = sum(size for _, size in parts), 0.0, 0
    while at < len(parts) - 1 and (at == 0 or first + parts[at][1] / 2 < whole / 2):
        first += parts[at][1]
        at += 1
    share = first / whole
    if w >= h:
        return treemap(parts[:at], x, y, w * share, h) + treemap(parts[at:], x + w * share, y, w * (1 - share), h)
    return treemap(parts[:at], x, y + h * (1 - share), w, h * share) + treemap(parts[at:], x, y, w, h * (1 - share))


def area():
    """Draws a treemap of modules."""
    table = [(module, int(count), value(size)) for module, count, size in rows("area_modules", "module", "instances", "GE total")]
    whole = value(rows("area_modules", "GE, three")[0][0])
    parts = [(f"{module.removeprefix('trine_')}{f' x {count}' if count > 1 else ''}", size) for module, count, size in table
             if size > 0.014 * whole]
    parts.append(("others", whole - sum(size for _, size in parts)))
    lines = []
    for i, (name, size, x, y, w, h) in enumerate(treemap(sorted(parts, key=lambda part: -part[1]), 0, 0, 100, 60)):
        lines.append(f'set object {i + 1} rect from {x:.3f},{y:.3f} to {x + w:.3f},{y + h:.3f} fc rgb "{COLOURS[i % 7]}" '
                     f'fs solid 0.35 border rgb "#ffffff" lw 2')
        text = name.replace("_", " ") + rf"\n{100 * size / whole:.1f} %"
        turned = " rotate by 90" if w < 8 and h > w else ""
        lines.append(f'set label "{text}" at {x + w / 2:.3f},{y + h / 2:.3f} center font ",{13 if w > 1.2 * len(name) + 2 else 10}" '
                     f'tc rgb "#111111" front{turned}')
    boxes = "\n".join(lines)
    return HEAD.format(width=860, height=520) + f"""set title "Area of edge64 by module: {whole:,.0f} GE, memories left out (sg13g2)"
unset border
unset tics
unset key
set xrange [0:100]
set yrange [0:60]
{boxes}
plot -1
"""


def weights():
    """Draws networks of the literature: energy of an image against weights."""
    points = [(name, value(count) / 1e6, value(chip), value(both)) for name, count, chip, both in
              rows("book_weights", "network", "weights", "chip, mJ", "both, mJ")]
    labels = "\n".join(f'set label "{name}" at {x:.4g},{both:.4g} offset 0,0.8 center font ",12"'
                       for name, x, _, both in points)
    data = "\n".join(f"{x:.5g} {chip:.5g} {both:.5g}" for _, x, chip, both in points)
    return HEAD.format(width=760, height=430) + f"""set title "Weights against energy: an image on edge1024"
set logscale xy
set xrange [0.8:100]
set yrange [5:100]
set xlabel "millions of weights"
set ylabel "mJ an image"
set grid lc rgb "#dddddd"
set key top left Left reverse
{labels}
$d << END
{data}
END
plot $d using 1:3 title "chip and DRAM (20 pJ a bit)" with points pt 7 ps 0.9 lc rgb "{COLOURS[2]}", \\
  $d using 1:2 title "chip" with points pt 6 ps 0.9 lc rgb "{COLOURS[0]}"
"""


def energy_by_data():
    """Draws a stacked bar for each network and batch: shares of the energy of an image."""
    kinds = ["weights", "inputs", "outputs", "sums", "computation", "control"]
    table = rows("energy_by_data", "network", "batch", "mJ an image", *kinds)
    data = "\n".join(
        f'"{network.replace(", ", chr(92) + "n")}\\nbatch {batch}{"" if energy == "-" else chr(92) + "n" + energy + " mJ"}" '
        + " ".join(str(value(share)) if share != "-" else "0" for share in shares)
        for network, batch, energy, *shares in table)
    plots = ", ".join(f'$d using {i + 2}{":xtic(1)" if i == 0 else ""} title "{kind}" lc rgb "{COLOURS[i]}"'
                      for i, kind in enumerate(kinds))
    return HEAD.format(width=860, height=430) + f"""set title "Energy of an image by kind of data, with DRAM"
set style data histograms
set style histogram rowstacked
set style fill solid 1.0 border rgb "#ffffff"
set boxwidth 0.6
set yrange [0:100]
set ylabel "% of the energy"
set ytics nomirror
set xtics nomirror
set bmargin 5
set key outside right reverse Left invert
$d << END
{data}
END
plot {plots}
"""


PICTURES = {"cycles": cycles, "roofline": roofline, "buffers": buffers, "area": area, "weights": weights, "energy_by_data": energy_by_data}


def digest(text):
    return hashlib.sha1(text.encode()).hexdigest()[:12]


def stale():
    """Returns the pictures that were drawn from other figures, a line each."""
    found = []
    for name, script in PICTURES.items():
        path = common.ROOT / "docs" / f"{name}.svg"
        if not path.exists() or digest(script()) not in path.read_text(encoding="utf-8"):
            found.append(f"docs/{name}.svg: other figures: components/benchmarks/pictures.py draws it")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--check", action="store_true",
                        help="draw nothing; report pictures that were drawn from other figures")
    if parser.parse_args().check:
        print("\n".join(stale()))
        return 1 if stale() else 0
    for name, script in PICTURES.items():
        text = script()
        done = subprocess.run(["gnuplot"], input=text, stdout=subprocess.PIPE, text=True, check=True)
        common.save(common.ROOT / "docs" / f"{name}.svg", f"{done.stdout.rstrip()}\n<!-- components/benchmarks/pictures.py {digest(text)} -->\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
