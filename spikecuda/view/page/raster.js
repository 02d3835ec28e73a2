"use strict";
// Canvases in the pixels of the screen, and the raster.
Spike.LEFT = 84; Spike.BOTTOM = 22;

Spike.fit = function (canvas) {
  const scale = window.devicePixelRatio || 1, box = canvas.getBoundingClientRect();
  const width = Math.max(1, Math.round(box.width * scale)), height = Math.max(1, Math.round(box.height * scale));
  if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
  const left = Math.round((box.width < 520 ? 56 : Spike.LEFT) * scale);
  return { g: canvas.getContext("2d"), scale, width, height, left };
};

Spike.styles = new Map();                                     // emptied when the theme changes
Spike.css = function (name) {
  if (!Spike.styles.has(name)) Spike.styles.set(name, getComputedStyle(document.documentElement).getPropertyValue(name).trim());
  return Spike.styles.get(name);
};

// Colours: excitatory populations are blue, inhibitory ones red, others of all hues.
Spike.colours = function (populations) {
  const dark = Spike.isDark(), of = { E: [], I: [], "": [] };
  for (const p of populations) of[p.colour in of ? p.colour : ""].push(p);
  const lightness = (i, n) => (dark ? 68 : 42) + (n > 1 ? (i / (n - 1) - 0.5) * (dark ? 24 : 22) : 0);
  of.E.forEach((p, i) => { p.hsl = [205 + 30 * i / Math.max(1, of.E.length), 75, lightness(i, of.E.length)]; });
  of.I.forEach((p, i) => { p.hsl = [2 + 28 * i / Math.max(1, of.I.length), 75, lightness(i, of.I.length)]; });
  of[""].forEach((p, i) => { p.hsl = [(215 + 137.5 * i) % 360, 70, dark ? 66 : 42]; });
  for (const p of populations) {
    p.css = `hsl(${p.hsl[0].toFixed(0)} ${p.hsl[1]}% ${p.hsl[2].toFixed(0)}%)`;
    p.rgb = Spike.rgb(p.css);
  }
};
Spike.isDark = () => {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
};
Spike.rgb = function (css) {
  const g = Spike.dot ?? (Spike.dot = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true }));
  g.fillStyle = css; g.fillRect(0, 0, 1, 1);
  return [...g.getImageData(0, 0, 1, 1).data].slice(0, 3);
};

Spike.drawTime = function (g, axes, plot, scale, height) {
  const dt = axes.store.dt, low = axes.t0 * dt, high = axes.t1 * dt;
  const ticks = Spike.ticks(low, high, plot.width / (90 * scale));
  g.fillStyle = Spike.css("--soft"); g.textAlign = "center"; g.textBaseline = "top";
  g.font = `${11 * scale}px system-ui, sans-serif`;
  for (const t of ticks.found) {
    const x = plot.left + (t - low) / (high - low) * plot.width;
    g.fillRect(Math.round(x), plot.height, scale, 4 * scale);
    const words = ticks.text(t), half = g.measureText(words).width / 2;
    if (x + half < plot.left + plot.width && t >= 0) g.fillText(words, x, plot.height + 6 * scale);
  }
  g.textAlign = "left"; g.fillText("ms", 6 * scale, plot.height + 6 * scale);
};

Spike.Raster = class {
  constructor(canvas, axes) { this.canvas = canvas; this.axes = axes; this.hits = new Uint8Array(0); this.MOST = 1e6; }

  draw() {
    const { g, scale, width, height, left } = Spike.fit(this.canvas), axes = this.axes, store = axes.store;
    const plot = this.plot = { left, width: Math.max(1, width - left), height: Math.max(1, height - Spike.BOTTOM * scale), scale };
    const W = plot.width, H = plot.height = Math.floor(plot.height);
    const shown = axes.layout();
    if (this.hits.length !== W * H) {
      this.hits = new Uint8Array(W * H); this.image = new ImageData(W, H);
      this.pixels = new Uint32Array(this.image.data.buffer);
    } else this.hits.fill(0);
    this.drawn = this.collect(shown, W, H, scale);
    this.paint(shown, W, H);
    g.clearRect(0, 0, width, height);
    g.putImageData(this.image, left, 0);
    this.label(g, shown, scale, height);
  }

  // Count the spikes on each pixel; returns how many spikes are shown.
  collect(shown, W, H, scale) {
    const { t0, t1, y0, y1, store } = this.axes, hits = this.hits, kx = W / (t1 - t0), all = store.populations;
    const from = all.map(p => p.shown ? (p.top - y0) / (y1 - y0) * H : NaN);
    const by = all.map(p => p.shown ? (p.bottom - p.top) / (y1 - y0) * H / p.size : NaN);
    // Dots that are few are larger, so that they are seen.
    const few = W * H / (40 * scale * scale), before = this.drawn ?? 0;
    this.large = this.large === undefined || before < 0.8 * few ? true : before > 1.25 * few ? false : this.large;
    const dot = Math.max(1, Math.round((this.large ? 2 : 1) * scale));
    const tall = by.map(b => Math.max(dot, Math.min(Math.round(9 * scale), Math.floor(b * 0.8) || 1)));
    const wide = Math.max(dot, Math.min(Math.round(2 * scale), Math.round(kx)));
    // Some blocks have one of several spikes only: then all are drawn so, lest density seems to change.
    let drawn = 0, there = 0, kept = 1;
    for (const block of store.between(t0, t1)) kept = Math.max(kept, block.every);
    for (const block of store.between(t0, t1)) there += block.step.length * block.every / kept;
    // While it moves, so many that each frame is drawn in time; all once it stands still.
    kept *= this.axes.follow || this.axes.playing ? Math.ceil(there / this.MOST) || 1 : 1;
    this.every = kept;
    for (const block of store.between(t0, t1)) {
      const every = Math.max(1, Math.round(kept / block.every));
      const { step, neuron } = block, n = step.length, shift = block.first - t0;
      let p = 0, low = 0, high = -1;
      for (let i = 0; i < n; i += every) {
        const id = neuron[i];
        if (id < low || id >= high) {                        // the next population
          p = store.indexOf(id);
          if (p < 0) { low = 0; high = -1; p = 0; continue; }
          low = all[p].offset; high = all[p].end;
        }
        const x = Math.floor((step[i] + shift) * kx), y = Math.floor(from[p] + (id - low) * by[p]);
        if (!(x >= 0 && x < W && y > -tall[p] && y < H)) continue;
        drawn++;
        const bottom = Math.min(H, y + tall[p]), right = Math.min(W, x + wide);
        for (let yy = Math.max(0, y); yy < bottom; yy++)
          for (let at = yy * W + x, end = yy * W + right; at < end; at++) if (hits[at] < 255) hits[at]++;
      }
    }
    return drawn;
  }

  // Turn counts into colours: rows belong to populations.
  paint(shown, W, H) {
    const { y0, y1 } = this.axes, ground = Spike.rgb(Spike.css("--plot")), pixels = this.pixels, hits = this.hits;
    const pack = c => (255 << 24 | c[2] << 16 | c[1] << 8 | c[0]) >>> 0, blank = pack(ground);
    const dense = this.drawn > 0.25 * W * H;                  // so many that single ones are not seen
    let owner = null, tone = new Uint32Array(256).fill(blank);   // where there is no population
    for (let y = 0; y < H; y++) {
      const at = y0 + (y + 0.5) / H * (y1 - y0), p = shown.find(q => at < q.bottom) ?? shown[shown.length - 1];
      if (p !== owner && p) { owner = p; tone = this.toneOf(p, dense, ground, pack); }
      for (let i = y * W, end = i + W; i < end; i++) pixels[i] = tone[hits[i]];
    }
  }

  // The colours of a population's pixels, by how many spikes are on them; kept while they stay.
  toneOf(p, dense, ground, pack) {
    const key = `${p.css} ${dense} ${ground}`;
    if (p.toneKey !== key) {
      p.toneKey = key;
      p.tone = new Uint32Array(256).fill(pack(ground));
      for (let c = 1; c < 256; c++) {
        const a = Math.min(1, dense ? 0.35 + 0.15 * c : 0.75 + 0.1 * c);
        p.tone[c] = pack(p.rgb.map((v, i) => Math.round(ground[i] + a * (v - ground[i]))));
      }
    }
    return p.tone;
  }

  label(g, shown, scale, height) {
    const { y0, y1 } = this.axes, plot = this.plot, H = plot.height;
    g.font = `${12 * scale}px system-ui, sans-serif`; g.textBaseline = "middle"; g.textAlign = "right";
    for (const p of shown) {
      const top = (p.top - y0) / (y1 - y0) * H, bottom = (p.bottom - y0) / (y1 - y0) * H;
      if (bottom < 0 || top > H) continue;
      if (bottom - top > 4 * scale) { g.fillStyle = Spike.css("--line"); g.fillRect(0, Math.round(bottom) - 1, plot.left + plot.width, 1); }
      const a = Math.max(0, top), b = Math.min(H, bottom);
      g.fillStyle = p.css; g.fillRect(plot.left - 4 * scale, a + 1, 3 * scale, b - a - 2);
      if (b - a < 11 * scale) continue;
      g.fillText(p.name, plot.left - 9 * scale, (a + b) / 2, plot.left - 12 * scale);
      const rows = (y1 - y0) < 0.999 && b - a > 60 * scale;
      if (rows) {                                             // numbers of the first and the last neuron
        g.fillStyle = Spike.css("--soft");
        const number = y => Math.max(0, Math.min(p.size - 1, Math.floor((y0 + y / H * (y1 - y0) - p.top) / (p.bottom - p.top) * p.size)));
        g.fillText(number(a), plot.left - 9 * scale, a + 9 * scale);
        g.fillText(number(b), plot.left - 9 * scale, b - 9 * scale);
      }
    }
    Spike.drawTime(g, this.axes, plot, scale, height);
  }
};
