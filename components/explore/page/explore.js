// SPDX-License-Identifier: Apache-2.0
// Connects controls, requests and pictures, and keeps the state in the address.
"use strict";

let shown = null;  // the point that is on the screen

/** Returns the values at which a slider stops: powers of two and their halves in between, and the start's own value. */
function stopsOf(control, start) {
  const [low, high] = control.values;
  const stops = new Set([low, high, start]);
  for (let value = 1; value <= high; value *= 2)
    for (const stop of [value, 1.5 * value]) if (stop >= low && stop <= high && Number.isInteger(stop)) stops.add(stop);
  if (high - low < 16) for (let value = low; value <= high; value++) stops.add(value);
  return [...stops].sort((a, b) => a - b);
}

function nearestStop(stops, value) {
  return stops.reduce((best, stop, i) => Math.abs(stop - value) < Math.abs(stops[best] - value) ? i : best, 0);
}

function change(key, value) {
  state.keys = {...state.keys, [key]: value};
  refresh();
}

/** Makes the control of a key. */
function controlOf(control, withSlider) {
  const key = control.name, id = `key-${key}`;
  const box = element("div", "", {class: "key", "data-key": key, title: `${control.doc}; ${control.allowed}`});
  const label = element("label", key, {for: id});
  if (control.type === "switch") {
    box.classList.add("switch");
    const input = element("input", "", {type: "checkbox", id});
    input.addEventListener("change", () => change(key, input.checked));
    box.append(input, label);
    box.show = value => { input.checked = value; };
  } else if (control.type === "precisions") {
    box.append(element("span", key));
    const group = element("div", "", {class: "choices", role: "group", "aria-label": key});
    const inputs = ["int8", "ternary", "binary"].map(name => {
      const input = element("input", "", {type: "checkbox", id: `${id}-${name}`, value: name});
      const choice = element("label");
      choice.append(input, ` ${name}`);
      group.append(choice);
      input.addEventListener("change", () => change(key, inputs.filter(i => i.checked).map(i => i.value)));
      return input;
    });
    box.style.gridTemplateColumns = "1fr";
    box.append(group);
    box.show = value => { for (const input of inputs) input.checked = value.includes(input.value); };
  } else if (control.type === "choice") {
    const input = element("select", "", {id});
    for (const value of control.values) input.append(element("option", value, {value}));
    input.addEventListener("change", () => change(key, Number(input.value)));
    box.append(label, input);
    box.show = value => { input.value = value; };
  } else {
    const [low, high] = control.values;
    const input = element("input", "", {type: "number", id, min: low, max: high, step: 1});
    input.addEventListener("change", () => change(key, Number(input.value)));
    box.append(label, input);
    let slider = null;
    if (withSlider) {
      slider = element("input", "", {type: "range", id: `slide-${key}`, min: 0, step: 1, "aria-label": `${key}, in steps`});
      slider.addEventListener("input", () => change(key, slider.stops[Number(slider.value)]));
      box.append(slider);
    }
    box.show = value => {
      input.value = value;
      if (!slider) return;
      slider.stops = stopsOf(control, known.configs[state.config].keys[key]);
      slider.max = slider.stops.length - 1;
      slider.value = nearestStop(slider.stops, value);
      slider.setAttribute("aria-valuetext", String(value));
    };
  }
  return box;
}

const controlBoxes = [];

function makeControls() {
  for (const name of mainKeys) {
    const control = known.controls.find(c => c.name === name);
    if (control) controlBoxes.push(controlOf(control, true));
  }
  byId("main-controls").append(...controlBoxes);
  const others = known.controls.filter(c => !mainKeys.includes(c.name)).map(c => controlOf(c, false));
  byId("more-controls").append(...others);
  controlBoxes.push(...others);
  const fill = (select, names) => select.append(...names.map((name, i) => element("option", name, {value: i})));
  fill(byId("model"), known.models);
  fill(byId("config"), known.configs.map(config => config.name));
  for (const id of ["x-axis", "y-axis"]) byId(id).append(...axes.map(name => element("option", figureTitle(name), {value: name})));
  byId("model").addEventListener("change", event => { state.model = Number(event.target.value); refresh(); });
  byId("config").addEventListener("change", event => { startFrom(Number(event.target.value)); refresh(); });
  byId("reset").addEventListener("click", () => { startFrom(state.config); refresh(); });
  byId("hold").addEventListener("click", () => {
    state.held = state.held ? null : {config: state.config, model: state.model, keys: {...state.keys}};
    refresh();
  });
  for (const [id, name] of [["x-axis", "x"], ["y-axis", "y"]])
    byId(id).addEventListener("change", event => { state[name] = event.target.value; refresh(); });
}

function showControls() {
  byId("model").value = state.model;
  byId("config").value = state.config;
  byId("x-axis").value = state.x;
  byId("y-axis").value = state.y;
  byId("hold").textContent = state.held ? "let go" : "hold this design";
  const start = known.configs[state.config].keys;
  for (const box of controlBoxes) {
    const key = box.dataset.key;
    box.show(state.keys[key]);
    box.classList.toggle("changed", tomlValue(start[key]) !== tomlValue(state.keys[key]));
  }
}

/** Quotes an argument for a shell. */
const quoted = text => /^[\w./=:@+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;

function showCommands(point) {
  const config = known.configs[point.config].name, model = known.models[point.model];
  const settings = settingsOf(point.config, point.keys).map(setting => ` --set ${quoted(setting)}`).join("");
  const design = `--config ${quoted(config)}${settings}`;
  const lines = [`./trine estimate ${design} ${quoted(model)}`];
  if (!model.endsWith(".csv")) lines.push(`./trine run ${design} ${quoted(model)}`);
  lines.push(`./trine generate ${design} --out design`, `./trine synth ${design} --place`);
  byId("commands").textContent = lines.join("\n");
  byId("toml").textContent = point.toml ?? "";
}

/** Shows what is known of the chosen design. */
function show() {
  const point = points.get(idOf(state.model, state.keys));
  const held = state.held && points.get(idOf(state.model, state.held.keys));
  byId("results").classList.toggle("stale", !point?.figures);
  byId("refused").hidden = !point?.error;
  byId("refused").textContent = point?.error ?? "";
  if (!point?.figures) {
    if (shown) showFront(null, held, open);
    return;
  }
  shown = point;
  showFigures(point, held);
  showFront(point, held, open);
  showLayers(point, held);
  showEnergy(point);
  showParts(point, held);
  showRoofline(point);
  showCommands(point);
}

function open(point) {
  Object.assign(state, {config: point.config, model: point.model, keys: Object.fromEntries(known.controls.map(c => [c.name, point.keys[c.name]]))});
  refresh();
}

/** Shows how much is being estimated. */
function showWork(text = "") {
  const count = work.running + work.waiting.length;
  byId("state").textContent = text || (count ? `estimating ${count} design${count > 1 ? "s" : ""} ...` : `${points.size} points known`);
}

let drawing = 0;
/** Draws once for all answers that arrive within a frame. */
function showSoon() {
  cancelAnimationFrame(drawing);
  drawing = requestAnimationFrame(() => { show(); showWork(); });
}

/** Called after each change: shows the controls, and asks for the design and for those around it. */
function refresh() {
  showControls();
  history.replaceState(null, "", `#${new URLSearchParams(addressOf())}`);
  show();
  if (!known.served) {
    const point = points.get(idOf(state.model, state.keys));
    showWork(point ? "" : "not in this page: trine explore --serve estimates any design");
    return;
  }
  const {model, config, keys} = state;
  const answered = answer => {
    if (!answer.keys || !points.has(idOf(model, answer.keys))) showWork(answer.error);
    showSoon();
  };
  request(config, model, keys, true, answered);
  if (state.held) request(state.held.config, model, state.held.keys, false, answered);
  for (const other of around(keys)) request(config, model, other, false, answered);
  showWork();
}

/** Returns the state as parameters of the address. */
function addressOf() {
  const list = [["model", known.models[state.model]], ["config", known.configs[state.config].name], ["x", state.x], ["y", state.y]];
  for (const setting of settingsOf(state.config, state.keys)) list.push(["set", setting]);
  if (state.held) {
    list.push(["held", known.configs[state.held.config].name]);
    for (const setting of settingsOf(state.held.config, state.held.keys)) list.push(["heldset", setting]);
  }
  return list;
}

/** Returns the keys of a starting point with settings. Unknown keys and values of a wrong type are left out. */
function keysWith(config, settings) {
  const keys = {...known.configs[config].keys};
  for (const setting of settings) {
    const cutAt = setting.indexOf("="), key = setting.slice(0, cutAt);
    try {
      const value = JSON.parse(setting.slice(cutAt + 1));
      if (key in keys && typeof value === typeof keys[key] && Array.isArray(value) === Array.isArray(keys[key])) keys[key] = value;
    } catch { /* not a value */ }
  }
  return keys;
}

/** Takes the state from the address. */
function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  const place = (list, name) => Math.max(0, list.indexOf(name));
  state.model = place(known.models, given.get("model"));
  state.config = place(known.configs.map(c => c.name), given.get("config"));
  state.keys = keysWith(state.config, given.getAll("set"));
  for (const name of ["x", "y"]) if (axes.includes(given.get(name))) state[name] = given.get(name);
  const held = known.configs.findIndex(c => c.name === given.get("held"));
  state.held = held < 0 ? null : {config: held, model: state.model, keys: keysWith(held, given.getAll("heldset"))};
}

for (const point of known.points) addPoint(point, known.configs.findIndex(c => c.name === point.config), point.model);
byId("footer").textContent = `Trine ${known.revision}. The numbers are those of trine estimate.`;
makeControls();
readAddress();
refresh();
window.addEventListener("hashchange", () => { readAddress(); refresh(); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
