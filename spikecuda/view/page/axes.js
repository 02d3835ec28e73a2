"use strict";
// What part is shown, and how it is moved: steps [t0, t1) and a part [y0, y1) of the stack of populations.
Spike.Axes = class {
  constructor(store) {
    this.store = store;
    this.t0 = 0; this.t1 = 1; this.y0 = 0; this.y1 = 1;
    this.follow = true; this.playing = false; this.span = null;
    this.dirty = true;
  }

  get defaultSpan() { return 1000 / this.store.dt; }

  // Populations from top to bottom: small ones get more than their share.
  layout() {
    const shown = this.store.populations.filter(p => p.shown);
    const heights = shown.map(p => Math.pow(p.size, 0.75));
    const whole = heights.reduce((a, b) => a + b, 0) || 1, least = 0.5 / Math.max(8, shown.length);
    const parts = heights.map(h => Math.max(least, h / whole));
    const sum = parts.reduce((a, b) => a + b, 0) || 1;
    let top = 0;
    shown.forEach((p, i) => { p.top = top; top += parts[i] / sum; p.bottom = top; });
    return shown;
  }

  update(seconds) {
    const s = this.store;
    if (this.span === null) this.span = this.defaultSpan;
    if (this.follow) {
      const end = Math.max(s.last, this.span + (s.start ?? 0));
      if (end !== this.t1 || this.t1 - this.t0 !== this.span) this.dirty = true;
      this.t1 = end; this.t0 = end - this.span;
    } else if (this.playing) {
      const left = s.last - this.t1, by = Math.max(0, Math.min((this.t1 - this.t0) * seconds / 4, left));
      this.t0 += by; this.t1 += by; this.dirty = true;
      if (left <= 0) this.playing = false;
    }
  }

  set(t0, t1, follow = false) {
    const least = 20, most = Math.max(this.defaultSpan * 10, (this.store.last - (this.store.first ?? 0)) * 1.2);
    const span = Math.min(most, Math.max(least, t1 - t0)), middle = (t0 + t1) / 2;
    this.t0 = middle - span / 2; this.t1 = middle + span / 2; this.span = span;
    this.follow = follow; this.playing = false; this.dirty = true;
  }

  pan(part) {
    const by = part * (this.t1 - this.t0);
    const first = (this.store.first ?? 0) - 0.5 * this.span, last = this.store.last + 0.5 * this.span;
    const shift = Math.min(Math.max(by, Math.min(0, first - this.t0)), Math.max(0, last - this.t1));
    this.set(this.t0 + shift, this.t1 + shift);
  }

  zoom(factor, at = 1) {
    if (this.follow) { this.set(this.t1 - this.span * factor, this.t1, true); return; }
    const t = this.t0 + at * (this.t1 - this.t0);
    this.set(t - (t - this.t0) * factor, t + (this.t1 - t) * factor);
  }

  panRows(part) {
    const by = part * (this.y1 - this.y0), shift = Math.min(Math.max(by, -this.y0), 1 - this.y1);
    this.y0 += shift; this.y1 += shift; this.dirty = true;
  }

  zoomRows(factor, at = 0.5) {
    const size = Math.min(1, Math.max(1e-6, (this.y1 - this.y0) * factor));
    const y = this.y0 + at * (this.y1 - this.y0);
    this.y0 = Math.min(Math.max(0, y - at * size), 1 - size); this.y1 = this.y0 + size;
    this.dirty = true;
  }

  reset() {
    this.y0 = 0; this.y1 = 1; this.span = this.defaultSpan;
    const s = this.store;
    if (s.live) { this.follow = true; this.t1 = -1; }
    else this.set(s.first ?? 0, (s.first ?? 0) + this.span);
    this.dirty = true;
  }

  home() { const f = this.store.first ?? 0; this.set(f, f + (this.t1 - this.t0)); }
  end() {
    if (this.store.live) { this.follow = true; this.dirty = true; }
    else this.set(this.store.last - (this.t1 - this.t0), this.store.last);
  }

  toggle() {
    if (!this.store.live) {
      this.playing = !this.playing;
      if (this.playing && this.t1 >= this.store.last) { this.home(); this.playing = true; }
    } else { this.follow = !this.follow; this.span = this.t1 - this.t0; }
    this.dirty = true;
  }

  // The neuron at a height in [0, 1) of the plot; null: none.
  neuronAt(part) {
    const y = this.y0 + part * (this.y1 - this.y0);
    const p = this.layout().find(q => y >= q.top && y < q.bottom);
    return p ? p.offset + Math.min(p.size - 1, Math.floor((y - p.top) / (p.bottom - p.top) * p.size)) : null;
  }
};

// Round steps of an axis: so many at most.
Spike.ticks = function (low, high, most) {
  const rough = (high - low) / Math.max(1, most), power = Math.pow(10, Math.floor(Math.log10(rough)));
  const step = [1, 2, 5, 10].map(f => f * power).find(s => s >= rough) ?? 10 * power;
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) found.push(k * step);
  return { step, found, text: v => v.toFixed(Math.max(0, -Math.floor(Math.log10(step) + 1e-9))) };
};
