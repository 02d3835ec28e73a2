"use strict";
// Everything beside the plots: populations, controls, weights, devices, notes.
Spike.$ = id => document.getElementById(id);

// An element with attributes (properties where there are some) and children; texts are never HTML.
Spike.make = function (tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (name in made) made[name] = value; else made.setAttribute(name, value);
  made.append(...children);
  return made;
};

Spike.row = (cells, tag = "td") => Spike.make("tr", {}, ...cells.map(c => Spike.make(tag, {}, c)));

Spike.Panels = class {
  constructor(store, axes, say) {
    this.store = store; this.axes = axes; this.say = say;
    this.inputs = new Map(); this.groups = ""; this.open = new Set(); this.shownControls = [[], 0];
    Spike.$("watching").onsubmit = event => {
      event.preventDefault();
      this.watch(Spike.$("of").value, Spike.$("neuron").valueAsNumber, Spike.$("variable").value);
    };
    Spike.$("of").onchange = () => this.variables();
    Spike.$("learned").ontoggle = () => this.say("weights", { shown: Spike.$("learned").open });
  }

  watch(population, neuron, variable) {
    const p = this.store.populations.find(q => q.name === population);
    if (p && Number.isInteger(neuron) && neuron >= 0 && neuron < p.size && variable)
      this.say("watch", { population, neuron, variable });
    else this.note(`${population} has neurons 0 to ${(p?.size ?? 1) - 1}`);
  }

  // A neuron that was clicked: its membrane, or its first variable.
  watchNeuron(id) {
    const p = this.store.populationOf(id), names = Object.keys(p?.variables ?? {});
    if (names.length) this.watch(p.name, id - p.offset, names.includes("v") ? "v" : names[0]);
  }

  layOut() {
    const all = this.store.populations;
    Spike.colours(all);
    this.rateCells = [];
    const rows = all.map((p, i) => {
      const box = Spike.make("input", { type: "checkbox", checked: p.shown, onchange: () => { p.shown = box.checked; this.axes.dirty = true; } });
      const dot = Spike.make("i");
      dot.style.background = p.css;
      this.rateCells[i] = Spike.make("td", {}, "–");
      const row = Spike.row([Spike.make("label", { className: "dot", title: p.about }, box, dot, p.name), p.size.toLocaleString("en")]);
      row.append(this.rateCells[i]);
      return row;
    });
    Spike.$("types").replaceChildren(Spike.row(["", "neurons", "Hz"], "th"), ...rows);
    Spike.$("of").replaceChildren(...all.map(p => Spike.make("option", { value: p.name }, p.name)));
    Spike.$("title").textContent = this.store.title;
    document.title = `${this.store.title} – spikecuda`;
    document.documentElement.classList.toggle("recorded", !this.store.live);
    this.variables();
  }

  variables() {
    const p = this.store.populations.find(q => q.name === Spike.$("of").value);
    Spike.$("variable").replaceChildren(...Object.entries(p?.variables ?? {}).map(([name, unit]) =>
      Spike.make("option", { value: name }, unit ? `${name} (${unit})` : name)));
    if (p) Spike.$("neuron").max = p.size - 1;
  }

  // Rates over the last 200 ms, or over what is shown where the display stands still.
  rates() {
    const { store, axes } = this, bins = Math.max(1, Math.round(200 / store.dt / store.width));
    const end = axes.follow ? store.bin1 ?? 0 : Math.floor(axes.t1 / store.width);
    const from = axes.follow ? end - bins : Math.floor(axes.t0 / store.width);
    store.populations.forEach((p, i) => { this.rateCells[i].textContent = Spike.number(store.rate(i, from, end), 3); });
  }

  controls(found, more) {
    this.shownControls = [found, more];
    Spike.$("more").textContent = more ? `and ${more.toLocaleString("en")} more, from Python only` : "";
    const key = found.map(c => c.name).join("\n");
    Spike.$("change").hidden = !found.length;
    if (key !== this.groups) { this.groups = key; this.makeControls(found); }
    for (const c of found) {
      const [range, box] = this.inputs.get(c.name);
      range.min = c.low; range.max = c.high; range.step = (c.high - c.low) / 200;
      if (document.activeElement !== box && !range.held) { range.value = c.value; box.value = Spike.plain(c.value); }
    }
  }

  makeControls(found) {
    const groups = new Map();
    this.inputs.clear();
    for (const c of found) {
      if (!groups.has(c.group)) groups.set(c.group, [[], []]);
      const id = `control-${this.inputs.size}`;
      const range = Spike.make("input", { type: "range", id }), box = Spike.make("input", { type: "number", step: "any", "aria-label": `${c.group} ${c.label}` });
      const send = value => { if (Number.isFinite(value)) this.say("set", { control: c.name, value }); };
      range.oninput = () => { range.held = true; box.value = Spike.plain(range.valueAsNumber); send(range.valueAsNumber); };
      range.onchange = () => { range.held = false; };
      box.onchange = () => { range.value = box.value; send(box.valueAsNumber); };
      this.inputs.set(c.name, [range, box]);
      groups.get(c.group)[c.name.startsWith("drive") ? 0 : 1].push(Spike.make("div", { className: "control" },
        Spike.make("label", { htmlFor: id }, c.label), range, box, Spike.make("span", { className: "soft" }, c.unit)));
    }
    Spike.$("controls").replaceChildren(...[...groups].map(([name, [drives, parameters]]) => {
      const inner = parameters.length ? [Spike.make("details", { open: !drives.length && groups.size === 1 },
        Spike.make("summary", {}, "parameters"), ...parameters)] : [];
      const p = this.store.populations.find(q => q.name === name);
      const title = Spike.make("summary", {}, name);
      if (p) title.style.color = p.css;
      const outer = Spike.make("details", { open: this.open.has(name) || groups.size <= 2 || (drives.length && groups.size <= 4) }, title, ...drives, ...inner);
      outer.ontoggle = () => { if (outer.open) this.open.add(name); else this.open.delete(name); };
      return outer;
    }));
  }

  watched(found, traces) {
    traces.watched = found;
    Spike.$("traced").hidden = !found.length;
    Spike.$("chips").replaceChildren(...found.map(w => Spike.make("span", {}, `${w.population} ${w.neuron}: ${w.variable} `,
      ...(this.store.live ? [Spike.make("button", { type: "button", className: "remove", title: "no longer",
        "aria-label": `Trace ${w.population} ${w.neuron} ${w.variable} no longer`,
        onclick: () => this.say("unwatch", { watched: w.number }) }, "✕")] : []))));
    for (const number of [...this.store.samples.keys()])
      if (!found.some(w => w.number === number)) this.store.samples.delete(number);
    this.axes.dirty = true;
  }

  weights(found) {
    const box = Spike.$("weights");
    if (!found.length) { box.textContent = "no projection learns"; return; }
    box.replaceChildren(...found.map(h => {
      const synapses = h.counts.reduce((a, b) => a + b, 0), mean = `mean ${Spike.number(h.mean)} ${h.unit}`;
      const canvas = Spike.make("canvas", { role: "img", "aria-label": `Weights of ${h.name}: ${mean}, from ${Spike.number(h.low)} to ${Spike.number(h.high)}` });
      return Spike.make("div", { className: "histogram" }, Spike.make("div", {}, h.name),
        Spike.make("div", { className: "soft" }, `${mean}, ${synapses.toLocaleString("en")} synapses`), canvas);
    }));
    found.forEach((h, i) => Spike.histogram(box.querySelectorAll("canvas")[i], h));
    this.shownWeights = found;
  }

  status(s, speed) {
    const state = Spike.$("state"), ended = s.ended && s.state === "idle" ? s.ended : "";
    state.textContent = s.state === "running" ? "running" : ["closed", "recorded"].includes(s.state) ? s.state : ended || "waiting for a run";
    state.className = `chip ${s.state === "running" ? "running" : s.state === "closed" ? "gone" : ""}`;
    Spike.$("stop").disabled = s.state !== "running";
    Spike.$("progress").value = s.total ? s.done / s.total : 0;
    this.facts(s, speed);
    const rows = (s.devices ?? []).map(d => Spike.row([d.name, d.neurons.toLocaleString("en"),
      d.busy === null ? "–" : `${Math.round(100 * d.busy)} %`, Spike.bytes(d.held)]));
    const m = s.machine ?? {};
    const machine = m.cpu === undefined ? [] : [
      Spike.row(["machine", "", `${Math.round(m.cpu)} %`, Spike.bytes(m.ram)]),
      Spike.row(["this process", "", `${Math.round(m.process)} %`, Spike.bytes(m.own)]),
      ...m.gpus.map(gpu => Spike.row([gpu.name, "", `${Spike.number(gpu.percent, 3)} %`, gpu.memory === null ? "–" : Spike.bytes(gpu.memory)]))];
    Spike.$("devices").replaceChildren(Spike.row(["", "neurons", "busy", "memory"], "th"), ...rows, ...machine);
  }

  facts(s, speed) {
    const { store } = this, facts = [];
    const time = s.time ?? store.last * store.dt;
    facts.push(["model time", `${Spike.number(time, 6)} ms`]);
    if (s.total) facts.push(["done", `${Math.floor(100 * s.done / s.total)} %`]);
    if (s.factor) facts.push(["real-time factor", `${Spike.number(s.factor, 3)} (${s.factor <= 1 ? `${Spike.number(1 / s.factor, 3)} × faster than` : `${Spike.number(s.factor, 3)} × slower than`} real time)`]);
    facts.push(["spikes", store.total.toLocaleString("en")]);
    if (store.lost) facts.push(["not sent, as this page is too slow", store.lost.toLocaleString("en"), "bad"]);
    if (speed.every > 1) facts.push(["of the spikes", `one in ${speed.every} shown`, "bad"]);
    facts.push(["display", `${Math.round(speed.frames)} frames/s, ${Spike.number(speed.points, 3)} points/s`]);
    Spike.$("facts").replaceChildren(...facts.map(([name, value, kind]) =>
      Spike.make("span", { className: kind ?? "" }, `${name} `, Spike.make("b", {}, value))));
  }

  note(words) {
    const box = Spike.$("notes"), note = Spike.make("div", {}, Spike.make("span", {}, words));
    note.append(Spike.make("button", { type: "button", className: "remove", "aria-label": "Close this note", onclick: () => note.remove() }, "✕"));
    for (const other of [...box.children]) if (other.textContent === note.textContent) other.remove();
    box.append(note);
    while (box.children.length > 3) box.firstChild.remove();
    setTimeout(() => note.remove(), 12000);
  }
};

Spike.plain = v => String(Number(v.toPrecision(6)));
