"use strict";
// What holds it together: draws whenever something changed, and takes keys and gestures.
Spike.start = function () {
  const $ = Spike.$, store = new Spike.Store(), axes = new Spike.Axes(store);
  const raster = new Spike.Raster($("raster"), axes), rates = new Spike.Rates($("rates"), axes);
  const traces = new Spike.Traces($("traces"), axes);
  const speed = { frames: 0, points: 0 };
  let status = { state: "connecting" }, fresh = false;

  const link = new Spike.Link({
    open: () => { fresh = true; if ($("learned").open) link.say("weights", { shown: true }); },
    text: message => {
      if (message.kind === "hello") {
        const before = JSON.stringify(store.populations.map(p => [p.name, p.size]));
        const after = JSON.stringify(message.populations.map(p => [p.name, p.size]));
        if (fresh || before !== after || store.title !== message.title) { store.lay(message); axes.reset(); panels.groups = ""; panels.layOut(); }
        fresh = false;
      } else if (message.kind === "controls") panels.controls(message.found, message.more);
      else if (message.kind === "watched") panels.watched(message.found, traces);
      else if (message.kind === "weights") panels.weights(message.found);
      else if (message.kind === "status") { status = message; panels.status(status, speed); }
      else if (message.kind === "note") panels.note(message.text);
    },
    closed: (over, reason) => {
      status = { ...status, state: over ? "closed" : "connecting" };
      $("stop").disabled = true;
      $("state").textContent = over ? "the run is over" : reason || "no connection; trying again";
      $("state").className = "chip gone";
    },
  });
  const panels = new Spike.Panels(store, axes, (kind, values) => link.say(kind, values));

  // Drawing.
  let behind = false, untold = false, frames = 0, points = 0, since = performance.now(), last = since, described = 0;
  const draw = now => {
    requestAnimationFrame(draw);
    axes.update((now - last) / 1000);
    last = now;
    link.take(data => {
      const found = Spike.parse(data, store.populations.length);
      const empty = store.first === null;
      store.add(...found);
      if (empty && !store.live) axes.reset();
      points += found[0].points;
      axes.dirty = true;
    });
    axes.update(0);
    frames++;
    if (now - since > 1000) {
      speed.frames = 1000 * frames / (now - since); speed.points = 1000 * points / (now - since);
      frames = points = 0; since = now;
      if (store.live) panels.status(status, speed); else panels.facts({}, speed);
      if (status.state === "connecting") $("state").className = "chip gone";
    }
    if (axes.dirty) {
      axes.dirty = false;
      const begin = performance.now();
      raster.draw();
      behind = untold = true;
      speed.every = raster.every;
      speed.draw = 0.9 * (speed.draw ?? 0) + 0.1 * (performance.now() - begin);
    }
    // While it moves by itself, the other plots are drawn at every third frame.
    if (behind && (!(axes.follow || axes.playing) || frames % 3 === 0)) { behind = false; rates.draw(); traces.draw(); buttons(); }
    if (untold && now - described > 1000) { untold = false; described = now; describe(); }
  };

  const buttons = () => {
    const still = store.live ? !axes.follow : !axes.playing;
    const words = store.live ? (still ? "Follow" : "Pause") : (still ? "Play" : "Pause");
    if ($("follow").textContent !== words) { $("follow").textContent = words; $("follow").setAttribute("aria-pressed", String(still)); }
    $("window").textContent = `${Spike.number(axes.t0 * store.dt)} to ${Spike.number(axes.t1 * store.dt)} ms` + (still && store.live ? ", paused" : "");
    $("width").textContent = `in bins of ${Spike.number((rates.wide ?? 1) * store.width * store.dt)} ms`;
  };

  // What the pictures show, in words.
  const describe = () => {
    panels.rates();
    const from = `${Spike.number(axes.t0 * store.dt)} to ${Spike.number(axes.t1 * store.dt)} ms`;
    const each = store.populations.map((p, i) => `${p.name} ${panels.rateCells[i].textContent} Hz`).slice(0, 12).join(", ");
    $("raster").setAttribute("aria-label", `Raster: ${raster.drawn.toLocaleString("en")} spikes from ${from}. ${each}`);
    $("rates").setAttribute("aria-label", `Rates from ${from}: ${each}`);
    $("traces").setAttribute("aria-label", "Traces of " + traces.watched.map(w => `${w.population} ${w.neuron} ${w.variable}`).join(", "));
  };

  // Buttons and keys.
  $("follow").onclick = () => axes.toggle();
  $("fit").onclick = () => axes.reset();
  $("stop").onclick = () => link.say("stop");
  $("help").onclick = () => $("keys").showModal();
  const themes = () => { Spike.styles.clear(); Spike.colours(store.populations); panels.layOut(); panels.groups = ""; axes.dirty = true;
    panels.controls(...panels.shownControls); panels.rates();
    if (panels.shownWeights && $("learned").open) panels.weights(panels.shownWeights); };
  $("theme").onclick = () => {
    const chosen = Spike.isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = chosen;
    try { localStorage.setItem("spikecuda-theme", chosen); } catch { /* a file has no storage */ }
    themes();
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", themes);
  const keys = {
    " ": () => axes.toggle(), ArrowLeft: () => axes.pan(-0.2), ArrowRight: () => axes.pan(0.2),
    ArrowUp: () => axes.panRows(-0.2), ArrowDown: () => axes.panRows(0.2),
    "+": () => axes.zoom(0.7, 0.5), "=": () => axes.zoom(0.7, 0.5), "-": () => axes.zoom(1 / 0.7, 0.5),
    "[": () => axes.zoomRows(0.7), "]": () => axes.zoomRows(1 / 0.7),
    "0": () => axes.reset(), Home: () => axes.home(), End: () => axes.end(), "?": () => $("keys").showModal(),
  };
  addEventListener("keydown", event => {
    const inside = event.target.closest("input, select, button, summary, dialog");
    if (event.ctrlKey || event.metaKey || event.altKey || inside || !(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  });

  // Gestures on the raster.
  const canvas = $("raster"), fingers = new Map();
  let clicked = 0;
  const place = event => {
    const box = canvas.getBoundingClientRect(), plot = raster.plot, left = plot.left / plot.scale;
    return { x: (event.clientX - box.left - left) / (plot.width / plot.scale), y: (event.clientY - box.top) / (plot.height / plot.scale), label: event.clientX - box.left < left };
  };
  canvas.addEventListener("wheel", event => {
    event.preventDefault();
    const at = place(event), factor = Math.exp((event.deltaY || event.deltaX) * 0.0015);
    if (event.shiftKey || at.label) axes.zoomRows(factor, Math.min(1, Math.max(0, at.y))); else axes.zoom(factor, at.x);
  }, { passive: false });
  canvas.addEventListener("pointerdown", event => {
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, { ...place(event), begin: place(event), moved: false });
  });
  canvas.addEventListener("pointermove", event => {
    const finger = fingers.get(event.pointerId), at = place(event);
    if (!finger) return;
    finger.moved ||= Math.hypot((at.x - finger.begin.x) * raster.plot.width, (at.y - finger.begin.y) * raster.plot.height) > 6 * raster.plot.scale;
    if (fingers.size === 2) {
      const other = [...fingers].find(([id]) => id !== event.pointerId)[1];
      const before = Math.abs(finger.x - other.x), after = Math.abs(at.x - other.x);
      if (before > 0.05 && after > 0.05) axes.zoom(before / after, (at.x + other.x) / 2);
      other.moved = true;
    } else if (finger.moved) {
      axes.pan(finger.x - at.x);
      if (event.pointerType === "mouse") axes.panRows(finger.y - at.y);
    }
    Object.assign(finger, at);
  });
  const lift = event => {
    const finger = fingers.get(event.pointerId);
    fingers.delete(event.pointerId);
    if (!finger || finger.moved || event.type !== "pointerup" || !store.live) return;
    const neuron = axes.neuronAt(finger.y);
    if (neuron === null || finger.x < 0) return;
    // The spike that is nearest, within 6 pixels, or else the neuron at this height.
    const { width, height, scale } = raster.plot, p = store.populationOf(neuron);
    const perPixel = p.size / ((p.bottom - p.top) / (axes.y1 - axes.y0) * height);
    const step = axes.t0 + finger.x * (axes.t1 - axes.t0);
    const near = store.nearest(step, neuron, 6 * scale / width * (axes.t1 - axes.t0), Math.max(1, 6 * scale * perPixel));
    clearTimeout(clicked);                                    // a double click is no click
    clicked = setTimeout(() => panels.watchNeuron(near ?? neuron), 250);
  };
  for (const type of ["pointerup", "pointercancel"]) canvas.addEventListener(type, lift);
  canvas.addEventListener("dblclick", () => { clearTimeout(clicked); axes.reset(); });
  new ResizeObserver(() => { axes.dirty = true; }).observe(document.body);

  window.spikecuda = { store, axes, raster, speed, link, panels, traces, status: () => status };
  link.begin();
  if (!store.live) { status = { state: "recorded" }; $("state").textContent = "recorded"; }
  requestAnimationFrame(draw);
};
try {
  const chosen = localStorage.getItem("spikecuda-theme");
  if (chosen) document.documentElement.dataset.theme = chosen;
} catch { /* a file has no storage */ }
addEventListener("DOMContentLoaded", Spike.start);
