"use strict";
// Rates, traces of watched neurons, histograms of weights.
Spike.Rates = class {
  constructor(canvas, axes) { this.canvas = canvas; this.axes = axes; this.top = 0; }

  draw() {
    const { g, scale, width, height, left } = Spike.fit(this.canvas), axes = this.axes, store = axes.store;
    const plot = { left, width: width - left, height: height - Spike.BOTTOM * scale };
    g.clearRect(0, 0, width, height);
    // A point for every 6 pixels at most, of whole bins.
    const bins = (axes.t1 - axes.t0) / store.width;
    const wide = this.wide = Math.max(1, Math.ceil(bins / (plot.width / (6 * scale))));
    const from = Math.floor(axes.t0 / store.width / wide) * wide, to = Math.ceil(axes.t1 / store.width);
    const shown = store.populations.map((p, i) => [p, i]).filter(([p]) => p.shown);
    const lines = shown.map(([, i]) => {
      const values = [];
      for (let b = from; b < to; b += wide) values.push(store.rate(i, b, b + wide));
      return values;
    });
    const largest = Math.max(1, ...lines.flat().filter(v => v === v));
    if (largest > this.top || largest < 0.5 * this.top) this.top = largest * 1.15;
    const ticks = Spike.ticks(0, this.top, 4), y = v => plot.height * (1 - v / this.top);
    g.font = `${11 * scale}px system-ui, sans-serif`; g.textAlign = "right"; g.textBaseline = "middle";
    for (const t of ticks.found) {
      g.fillStyle = Spike.css("--line"); g.fillRect(left, Math.round(y(t)), plot.width, 1);
      g.fillStyle = Spike.css("--soft");
      if (y(t) > 8 * scale) g.fillText(`${ticks.text(t)} Hz`, left - 6 * scale, Math.min(y(t), plot.height - 5 * scale));
    }
    g.save(); g.beginPath(); g.rect(left, 0, plot.width, plot.height); g.clip();
    g.lineWidth = 1.5 * scale; g.lineJoin = "round";
    shown.forEach(([p], k) => {
      g.strokeStyle = p.css; g.beginPath();
      let pen = false;
      lines[k].forEach((v, i) => {
        const x = left + ((from + (i + 0.5) * wide) * store.width - axes.t0) / (axes.t1 - axes.t0) * plot.width;
        if (v !== v) { pen = false; return; }
        if (pen) g.lineTo(x, y(v)); else g.moveTo(x, y(v));
        pen = true;
      });
      g.stroke();
    });
    g.restore();
    Spike.drawTime(g, axes, plot, scale, height);
  }
};

Spike.Traces = class {
  constructor(canvas, axes) { this.canvas = canvas; this.axes = axes; this.watched = []; }

  draw() {
    const n = this.watched.length;
    if (!n) return;
    this.canvas.style.height = `${Math.min(n, 8) * 5.5 + 1.6}rem`;
    const { g, scale, width, height, left } = Spike.fit(this.canvas), axes = this.axes, store = axes.store;
    const plot = { left, width: width - left, height: height - Spike.BOTTOM * scale }, high = plot.height / n;
    g.clearRect(0, 0, width, height);
    g.font = `${11 * scale}px system-ui, sans-serif`; g.textBaseline = "middle";
    this.watched.forEach((w, k) => {
      const p = store.populations.find(q => q.name === w.population), top = k * high, inner = high - 8 * scale;
      const parts = (store.samples.get(w.number) ?? []).filter(s =>
        s.first <= axes.t1 && s.first + s.every * s.values.length >= axes.t0);
      let low = Infinity, most = -Infinity;
      const range = s => [Math.max(0, Math.floor((axes.t0 - s.first) / s.every)),
                          Math.min(s.values.length, Math.ceil((axes.t1 - s.first) / s.every) + 1)];
      for (const s of parts) {
        const [a, b] = range(s);
        for (let i = a; i < b; i++) { low = Math.min(low, s.values[i]); most = Math.max(most, s.values[i]); }
      }
      g.fillStyle = Spike.css("--line"); g.fillRect(0, Math.round(top + high), width, 1);
      g.textAlign = "right"; g.fillStyle = p ? p.css : Spike.css("--ink");
      g.fillText(`${w.population} ${w.neuron}`, left - 6 * scale, top + high / 2, left - 8 * scale);
      if (!(low <= most)) {
        g.textAlign = "left"; g.fillStyle = Spike.css("--soft");
        g.fillText("no samples here yet", left + 8 * scale, top + high / 2);
        return;
      }
      if (most - low < 1e-6) { low -= 0.5; most += 0.5; }
      g.fillStyle = Spike.css("--soft");
      const digits = Math.max(0, 2 - Math.floor(Math.log10(most - low)));
      g.fillText(`${most.toFixed(Math.min(6, digits))} ${w.unit}`, left - 6 * scale, top + 9 * scale, left - 8 * scale);
      g.fillText(low.toFixed(Math.min(6, digits)), left - 6 * scale, top + high - 9 * scale, left - 8 * scale);
      const x = t => left + (t - axes.t0) / (axes.t1 - axes.t0) * plot.width;
      const y = v => top + 4 * scale + (1 - (v - low) / (most - low)) * inner;
      g.save(); g.beginPath(); g.rect(left, top, plot.width, high); g.clip();
      g.strokeStyle = p ? p.css : Spike.css("--ink"); g.lineWidth = 1.3 * scale; g.beginPath();
      let end = null;
      for (const s of parts) {
        const [a, b] = range(s), perPixel = (b - a) / Math.max(1, x(s.first + b * s.every) - x(s.first + a * s.every));
        if (end !== s.first + a * s.every) g.moveTo(x(s.first + a * s.every), y(s.values[a]));
        const stride = Math.max(1, Math.floor(perPixel));
        for (let i = a; i < b; i += stride) {                 // the lowest and the highest of a pixel
          let l = s.values[i], h = l;
          for (let j = i + 1; j < Math.min(b, i + stride); j++) { l = Math.min(l, s.values[j]); h = Math.max(h, s.values[j]); }
          g.lineTo(x(s.first + i * s.every), y(h));
          if (l !== h) g.lineTo(x(s.first + i * s.every), y(l));
        }
        end = s.first + b * s.every;
      }
      g.stroke();
      if (p && w.variable === "v") {                          // spikes, as strokes from the top
        const id = p.offset + w.neuron;
        g.fillStyle = Spike.css("--ink");
        for (const block of store.between(axes.t0, axes.t1))
          for (let i = 0; i < block.neuron.length; i++)
            if (block.neuron[i] === id) g.fillRect(x(block.first + block.step[i] + 1), top + 2 * scale, 1.5 * scale, 7 * scale);
      }
      g.restore();
    });
    Spike.drawTime(g, axes, plot, scale, height);
  }
};

Spike.histogram = function (canvas, h) {
  const { g, scale, width, height } = Spike.fit(canvas);
  const most = Math.max(1, ...h.counts), n = h.counts.length, foot = 16 * scale, plot = height - foot;
  g.clearRect(0, 0, width, height);
  g.fillStyle = Spike.css("--accent");
  h.counts.forEach((c, i) => {
    const a = Math.round(i / n * width), b = Math.round((i + 1) / n * width), top = Math.round(plot * (1 - 0.95 * c / most));
    if (c) g.fillRect(a, Math.min(top, plot - 1), Math.max(1, b - a - (b - a > 3 ? 1 : 0)), Math.max(1, plot - top));
  });
  g.fillStyle = Spike.css("--soft"); g.font = `${10 * scale}px system-ui, sans-serif`; g.textBaseline = "bottom";
  g.textAlign = "left"; g.fillText(Spike.number(h.low), 3 * scale, height - 2 * scale);
  g.textAlign = "right"; g.fillText(`${Spike.number(h.high)} ${h.unit}`, width - 3 * scale, height - 2 * scale);
};

Spike.number = function (v, digits = 4) {
  if (v === null || v === undefined || v !== v) return "–";
  return Number(v.toPrecision(digits)).toLocaleString("en", { maximumFractionDigits: 6, useGrouping: true });
};
Spike.bytes = function (n) {
  for (const [unit, size] of [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]])
    if (n >= size) return `${(n / size).toPrecision(3)} ${unit}`;
  return `${n} B`;
};
