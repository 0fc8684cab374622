// SPDX-License-Identifier: Apache-2.0
// Designs: the chosen keys, the designs that are known, and requests for others.
"use strict";

const known = JSON.parse(document.getElementById("data").textContent);

/** Keys whose controls are always visible. */
const mainKeys = ["array.rows", "array.cols", "array.precisions", "memory.dmem_kib", "memory.pmem_kib", "bus.axi_data_bits",
  "post.columns_per_cycle"];

/** The state of the page: {model, config, keys}. `keys` holds the values of all keys but the name. */
const state = {model: 0, config: 0, keys: {...known.configs[0].keys}, x: "mm2", y: "milliseconds", held: null};

/** Sets the keys to those of a starting point. */
function startFrom(config) {
  state.config = config;
  state.keys = {...known.configs[config].keys};
}

/** Returns a value as TOML. */
const tomlValue = value => Array.isArray(value) ? `[${value.map(v => `"${v}"`).join(",")}]` : String(value);

/** Returns the settings (--set) in which the keys differ from their starting point. */
function settingsOf(config, keys) {
  const start = known.configs[config].keys;
  return known.controls.map(control => control.name)
    .filter(key => tomlValue(keys[key]) !== tomlValue(start[key])).map(key => `${key}=${tomlValue(keys[key])}`);
}

/** Returns the identity of a design and a model. */
const idOf = (model, keys) => `${model} ` + known.controls.map(control => tomlValue(keys[control.name])).join(" ");

/** All points: id -> {config, model, keys, figures, parts, layers, notes, toml, error}. */
const points = new Map();

function addPoint(point, config, model) {
  const made = {...point, config, model};
  if (made.figures) Object.assign(made.figures, derived(made.figures, made.keys));
  points.set(idOf(model, made.keys), made);
  return made;
}

/** Returns figures that follow from those of `trine estimate`. */
function derived(f, keys) {
  return {
    mm2: f.total_um2 / 1e6,
    mhz: 1e3 / f.clock_placed_ns,
    milliseconds: f.cycles * f.clock_placed_ns / 1e6,
    microjoules: f.energy_pj / 1e6,
    dram_microjoules: f.dram_pj / 1e6,
    dram_megabytes: (f.dram_bytes_read + f.dram_bytes_written) / 1e6,
    gates_per_mac: f.gate_equivalents / (4 * keys["array.rows"] * keys["array.cols"] * keys["cluster.cores"]),
  };
}

/** Numbers of points that are being estimated, and of those that wait. */
const work = {running: 0, waiting: []};
const mostRunning = 2;

/** Asks for a design. Requests with `first` overtake the others, which are those around an older design. */
function request(config, model, keys, first, done) {
  if (first) work.waiting = [];
  work.waiting[first ? "unshift" : "push"]({config, model, keys, done});
  next();
}

async function next() {
  if (work.running >= mostRunning || work.waiting.length === 0) return;
  const job = work.waiting.shift();
  const id = idOf(job.model, job.keys);
  if (points.has(id)) {
    job.done(points.get(id));
    return next();
  }
  work.running++;
  try {
    const query = new URLSearchParams({model: job.model, config: known.configs[job.config].name});
    for (const setting of settingsOf(job.config, job.keys)) query.append("set", setting);
    const answer = await (await fetch(`/estimate?${query}`)).json();
    job.done(addPoint({...answer, keys: answer.keys ?? {...job.keys}}, job.config, job.model));
  } catch (error) {
    job.done({error: `the server does not answer (${error.message}): start trine explore --serve again`, keys: job.keys});
  } finally {
    work.running--;
    next();
  }
}

/** Returns keys of the designs around one: four keys, each halved and doubled, within the allowed values. */
function around(keys) {
  const all = [];
  for (const name of ["array.rows", "array.cols", "memory.dmem_kib", "memory.pmem_kib"]) {
    const [low, high] = known.controls.find(control => control.name === name).values;
    for (const value of [Math.floor(keys[name] / 2), 2 * keys[name]])
      if (value >= low && value <= high) all.push({...keys, [name]: value});
  }
  return all;
}

/** Returns the points of a model that no other point beats in both figures, from left to right. */
function frontOf(model, x, y) {
  const sign = {x: largerIsBetter.has(x) ? -1 : 1, y: largerIsBetter.has(y) ? -1 : 1};
  const usable = [...points.values()].filter(p => p.model === model && p.figures && [x, y].every(n => Number.isFinite(p.figures[n])));
  usable.sort((a, b) => sign.x * (a.figures[x] - b.figures[x]) || sign.y * (a.figures[y] - b.figures[y]));
  let best = Infinity;
  const front = [];
  for (const point of usable) {
    const value = sign.y * point.figures[y];
    if (value < best) front.push(point);
    best = Math.min(best, value);
  }
  return {usable, front};
}

const largerIsBetter = new Set(["mhz", "inferences_per_second_placed", "utilization"]);
