// SPDX-License-Identifier: Apache-2.0
// Draws a design: figures, charts (Chart.js) and tables. Each chart has a table with the same numbers.
"use strict";

/** The figures of the tiles and of the axes: name -> [title, unit, digits]. */
const figureTitles = {
  mm2: ["area with memories", "mm²", 3], mhz: ["clock, placed", "MHz", 0], cycles: ["cycles", "", 0],
  milliseconds: ["latency", "ms", 3], inferences_per_second_placed: ["inferences", "1/s", 0],
  utilization: ["utilization", "%", 1], microjoules: ["energy of the chip", "µJ", 1],
  dram_microjoules: ["energy of DRAM", "µJ", 1], dram_megabytes: ["DRAM traffic", "MB", 3],
  gate_equivalents: ["logic, no memories", "GE", 0], gates_per_mac: ["logic a MAC", "GE", 0],
};
const axes = ["mm2", "milliseconds", "cycles", "microjoules", "dram_megabytes", "gate_equivalents", "gates_per_mac", "utilization",
  "inferences_per_second_placed", "mhz"];

const byId = id => document.getElementById(id);
const cssColour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const causeColour = i => cssColour(`--c${i % 8}`);

/** Returns a number with thousands separated. */
function numberText(value, digits = 0) {
  if (!Number.isFinite(value)) return "–";
  return value.toLocaleString("en", {minimumFractionDigits: digits, maximumFractionDigits: digits});
}
const figureText = (name, f) => numberText(name === "utilization" ? 100 * f[name] : f[name], figureTitles[name][2]);
const figureTitle = name => figureTitles[name][0] + (figureTitles[name][1] ? ` (${figureTitles[name][1]})` : "");

/** Returns an element with text and attributes. */
function element(tag, text = "", attributes = {}) {
  const made = document.createElement(tag);
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function fillTable(table, head, rows) {
  const line = (cells, tag) => {
    const row = document.createElement("tr");
    for (const cell of cells) {
      const place = element(tag, cell instanceof Node ? "" : String(cell ?? "–"));
      if (cell instanceof Node) place.append(cell);
      row.append(place);
    }
    return row;
  };
  const top = document.createElement("thead"), body = document.createElement("tbody");
  top.append(line(head, "th"));
  body.append(...rows.map(row => line(row, "td")));
  table.replaceChildren(top, body);
}

/** Returns the largest error of a predicted figure in designs that the area model has not seen. The clock is that of the few
 * designs that were placed, and decides the times. */
function errorOf(name, errors) {
  const clock = errors?.clock_placed_ns;
  const of = {mm2: errors?.total_um2, gate_equivalents: errors?.area_um2, mhz: clock, milliseconds: clock,
    inferences_per_second_placed: clock}[name];
  if (of === undefined) return "";
  const few = of === clock && errors.placed_designs ? ` on ${errors.placed_designs} placed designs` : "";
  return `predicted, at most ${numberText(100 * of, 0)} % off${few}`;
}

/** Shows the figures of a design, with their ratio to the design that is held. */
function showFigures(point, held) {
  const list = [];
  for (const name of Object.keys(figureTitles)) {
    const [title, unit] = figureTitles[name];
    const value = element("dd", `${figureText(name, point.figures)} `, {id: `figure-${name}`,
      "data-value": point.figures[name] ?? ""});
    value.append(element("span", unit));
    if (held?.figures) {
      const ratio = point.figures[name] / held.figures[name];
      value.append(element("small", `held: ${figureText(name, held.figures)}` +
        (Number.isFinite(ratio) ? ` (x${numberText(ratio, 2)})` : "")));
    }
    const cell = document.createElement("div");
    cell.append(element("dt", title), value);
    const error = errorOf(name, point.errors);
    if (error) value.append(element("small", error));
    list.push(cell);
  }
  byId("figures").replaceChildren(...list);
  byId("notes").replaceChildren(...(point.notes ?? []).map(note => element("li", note)));
}

const charts = {};

/** Draws a chart, or gives an existing one new data. */
function draw(name, config) {
  const ink = cssColour("--ink"), line = cssColour("--line");
  Chart.defaults.color = ink;
  Chart.defaults.borderColor = line;
  Chart.defaults.font.family = "system-ui, sans-serif";
  const options = {animation: false, maintainAspectRatio: false, responsive: true, ...config.options};
  const old = charts[name];
  if (old && old.config.type === config.type && old.theme === ink) {
    old.data = config.data;
    old.options = options;
    old.update();
    return;
  }
  old?.destroy();
  charts[name] = new Chart(byId(name), {...config, options});
  charts[name].theme = ink;
}

const scaleOf = (title, log, more = {}) => ({type: log ? "logarithmic" : "linear", title: {display: true, text: title},
  ticks: {maxTicksLimit: 8, callback: value => shortText(value)}, ...more});

/** Returns a number of three digits for an axis: 12k, 3.4M. */
function shortText(value) {
  for (const [unit, size] of [["G", 1e9], ["M", 1e6], ["k", 1e3]])
    if (Math.abs(value) >= size) return `${+(value / size).toPrecision(3)}${unit}`;
  return String(+value.toPrecision(3));
}

const inNames = ["array.rows", "array.cols", "memory.dmem_kib", "memory.pmem_kib"];

/** Returns a short name of a point, with the other keys that differ from its start: "8 x 8, 128 + 64 KiB". */
function nameOf(point) {
  const [rows, columns, dmem, pmem] = inNames.map(name => point.keys[name]);
  const others = settingsOf(point.config, point.keys).filter(setting => !inNames.includes(setting.split("=")[0]));
  return [`${rows} x ${columns}, ${dmem} + ${pmem} KiB`, ...others].join(", ");
}

/** Draws all known designs of the model, and the front. @param open  called with a point that is clicked */
function showFront(now, held, open) {
  const {usable, front} = frontOf(state.model, state.x, state.y);
  const at = p => ({x: p.figures[state.x] * (state.x === "utilization" ? 100 : 1),
    y: p.figures[state.y] * (state.y === "utilization" ? 100 : 1), point: p});
  const dots = (label, list, colour, style, radius) => ({label, data: list.map(at), backgroundColor: colour, borderColor: colour,
    pointStyle: style, pointRadius: radius, pointHoverRadius: radius + 2});
  const chosen = held?.figures && held.model === state.model ? [held] : [];
  draw("front", {
    type: "scatter",
    data: {datasets: [
      dots("this design", usable.filter(p => p === now), causeColour(5), "rectRot", 9),
      ...(chosen.length ? [dots("held", chosen, causeColour(3), "triangle", 9)] : []),
      {...dots("front", front, causeColour(2), "circle", 4), showLine: true, stepped: false, borderWidth: 2},
      dots("other designs", usable.filter(p => !front.includes(p)), causeColour(7), "circle", 4)]},
    options: {
      scales: {x: scaleOf(figureTitle(state.x)), y: scaleOf(figureTitle(state.y))},
      onClick: (event, hits, chart) => hits.length && open(chart.data.datasets[hits[0].datasetIndex].data[hits[0].index].point),
      plugins: {legend: {labels: {usePointStyle: true}}, tooltip: {callbacks: {
        label: item => `${nameOf(item.raw.point)}: ${shortText(item.raw.x)}, ${shortText(item.raw.y)}`}}},
    },
  });
  fillTable(byId("designs"), ["design", "", ...axes.map(figureTitle)], usable.map(p => {
    const button = element("button", p === now ? "shown" : "open", {type: "button"});
    button.addEventListener("click", () => open(p));
    return [nameOf(p), button, ...axes.map(name => figureText(name, p.figures))];
  }));
}

const layerName = layer => layer.module || layer.name;
const allOf = layer => layer.cycles * (layer.times ?? 1);

/** Draws bars of cycles, by cause where the estimate knows them. */
function showLayers(point, held) {
  const layers = point.layers.filter(layer => layer.cycles > 0);
  const by = layers.every(layer => layer.causes);
  const causes = by ? known.causes.map((cause, i) => [cause, i]).filter(([, i]) => layers.some(l => l.causes[i] > 0)) : [];
  const series = by ? causes.map(([cause, i]) => ({label: cause, data: layers.map(l => l.causes[i]), backgroundColor: causeColour(i),
    stack: "now"})) : [{label: "cycles", data: layers.map(allOf), backgroundColor: causeColour(0), stack: "now"}];
  const other = held?.layers && held.model === point.model
    ? new Map(held.layers.map(layer => [layer.name, allOf(layer)])) : null;
  if (other) series.push({label: "held", data: layers.map(l => other.get(l.name) ?? 0), backgroundColor: cssColour("--held"), stack: "held"});
  byId("layers-box").style.height = `${90 + (other ? 26 : 17) * layers.length}px`;
  draw("layers", {type: "bar", data: {labels: layers.map(layerName), datasets: series}, options: {
    indexAxis: "y", scales: {x: scaleOf("cycles", false, {stacked: true}), y: {stacked: true, ticks: {autoSkip: false,
      callback(value) { return cut(this.getLabelForValue(value), 26); }}}},
  }});
  fillTable(byId("layer-table"), ["layer", "operator", "MACs", "cycles", "utilization (%)", "bound", "DRAM bytes", ...causes.map(c => c[0])],
    point.layers.map(l => [layerName(l), l.op, numberText(l.macs), numberText(allOf(l)), numberText(100 * l.utilization, 1), l.bound,
      l.dram_bytes_read === undefined ? "–" : numberText(l.dram_bytes_read + l.dram_bytes_written),
      ...causes.map(([, i]) => numberText(l.causes[i]))]));
}

/** Cuts a name in the middle: names differ at their ends. */
const cut = (name, most) => name.length <= most ? name : `${name.slice(0, 8)}…${name.slice(9 - most)}`;

/** Draws a bar for weights, inputs and so on, in parts for the places where their energy is spent. */
function showEnergy(point) {
  const uses = Object.keys(point.energy), all = uses.flatMap(use => Object.keys(point.energy[use]));
  const levels = ["dram", "dmem", "pmem", "pe", "lanes", "other"].filter(level => all.includes(level));
  const microjoules = (use, level) => (point.energy[use][level] ?? 0) / 1e6;
  byId("energy-box").style.height = `${90 + 24 * uses.length}px`;
  draw("energy", {type: "bar", data: {labels: uses, datasets: levels.map((level, i) => ({label: level, backgroundColor: causeColour(i),
    data: uses.map(use => microjoules(use, level))}))},
  options: {indexAxis: "y", scales: {x: scaleOf("µJ", false, {stacked: true}), y: {stacked: true}}}});
  fillTable(byId("energy-table"), ["data", ...levels.map(level => `${level} (µJ)`), "all (µJ)"], uses.map(use => {
    const row = levels.map(level => microjoules(use, level));
    return [use, ...row.map(value => numberText(value, 3)), numberText(row.reduce((a, b) => a + b, 0), 3)];
  }));
}

/** Returns the names of the parts of at least 1 % of the area. */
const largeNames = point => point.parts.filter(p => p.area_um2 >= 0.01 * point.figures.total_um2).map(p => p.name);

/** Returns the area of the named parts, and the sum of the others. */
function partsOf(point, names) {
  const parts = names.map(name => ({name, area_um2: point.parts.find(p => p.name === name)?.area_um2 ?? 0}));
  const rest = point.figures.total_um2 - parts.reduce((sum, part) => sum + part.area_um2, 0);
  return [...parts, {name: "other parts", area_um2: rest}];
}

function showParts(point, held) {
  const parts = partsOf(point, largeNames(point)), other = held?.parts ? partsOf(held, largeNames(point)) : null;
  const series = [{label: "this design", data: parts.map(p => p.area_um2 / 1e6), backgroundColor: causeColour(0)}];
  if (other) series.push({label: "held", data: other.map(p => p.area_um2 / 1e6), backgroundColor: cssColour("--held")});
  byId("parts-box").style.height = `${80 + (other ? 30 : 20) * parts.length}px`;
  draw("parts", {type: "bar", data: {labels: parts.map(p => p.name), datasets: series}, options: {indexAxis: "y",
    scales: {x: scaleOf("mm²"), y: {ticks: {autoSkip: false}}}, plugins: {legend: {display: other !== null}}}});
  fillTable(byId("part-table"), ["part", "mm²", "share (%)"], point.parts.map(p =>
    [p.name, numberText(p.area_um2 / 1e6, 4), numberText(100 * p.area_um2 / point.figures.total_um2, 1)]));
}

/** Draws MACs in a cycle over MACs for a byte of DRAM traffic, below the roofs of array and bus. */
function showRoofline(point) {
  const layers = point.layers.filter(l => l.macs > 0 && l.cycles > 0 && l.dram_bytes_read + l.dram_bytes_written > 0);
  const data = layers.map(l => ({x: l.macs / (l.dram_bytes_read + l.dram_bytes_written), y: l.macs / l.cycles, name: layerName(l)}));
  const peak = point.figures.peak_macs_per_cycle, bytes = point.keys["bus.axi_data_bits"] / 8;
  const xs = [...data.map(d => d.x), peak / bytes];
  const low = Math.min(...xs) / 2, high = Math.max(...xs) * 2;
  const roof = [low, peak / bytes, high].map(x => ({x, y: Math.min(peak, x * bytes), name: "roof"}));
  draw("roofline", {type: "scatter", data: {datasets: [
    {label: "layers", data, backgroundColor: causeColour(0), pointRadius: 5},
    {label: `roofs: ${numberText(peak)} int8 MACs, ${bytes} bytes a cycle`, data: roof, showLine: true, pointRadius: 0,
      borderColor: causeColour(5), backgroundColor: causeColour(5)}]},
  options: {scales: {x: scaleOf("MACs for a byte of the bus", true), y: scaleOf("MACs in a cycle", true)},
    plugins: {tooltip: {callbacks: {label: item => `${item.raw.name}: ${shortText(item.raw.y)} MACs in a cycle`}}}}});
}
