"use strict";
// What has arrived: spikes in blocks, counts of spikes in bins, samples of watched neurons.
const Spike = {};

Spike.Store = class {
  constructor() {
    this.POINTS = 6e6; this.BINS = 1 << 16; this.SAMPLES = 2e6;
    this.lay({ title: "", dt: 1, bin: 1, populations: [], live: true });
  }

  // Take notice of other populations: everything begins anew.
  lay(hello) {
    this.dt = hello.dt; this.width = hello.bin; this.live = hello.live; this.title = hello.title;
    this.populations = [];
    let offset = 0;
    for (const p of hello.populations) {
      this.populations.push({ ...p, offset, end: offset + p.size, shown: true });
      offset += p.size;
    }
    this.neurons = offset;
    this.received = this.lost = this.total = 0;
    this.clear(0);
  }

  // Forget what was before: time begins anew, as after a reset.
  clear(trial) {
    this.trial = trial;
    this.blocks = []; this.points = 0;
    this.first = null; this.last = 0; this.start = null;
    this.counts = new Int32Array(this.BINS * Math.max(1, this.populations.length)).fill(-1);
    this.bin0 = this.bin1 = null;
    this.samples = new Map();
  }

  add(head, step, neuron, counts, samples) {
    if (head.trial !== this.trial) this.clear(head.trial);
    if (head.points || !this.blocks.length) {
      this.blocks.push({ first: head.first, stop: head.stop, step, neuron, every: head.every });
      this.points += head.points;
    }
    this.received += head.points; this.lost = head.lost; this.total = head.total;
    if (this.start === null) this.start = head.first;
    this.last = Math.max(this.last, head.stop);
    while (this.points > this.POINTS && this.blocks.length > 4) this.thin();
    this.first = this.blocks[0].first;
    this.addCounts(head.bin, head.bins, counts);
    for (const s of samples) {
      if (!this.samples.has(s.watched)) this.samples.set(s.watched, []);
      const list = this.samples.get(s.watched);
      list.push(s);
      let size = list.reduce((sum, part) => sum + part.values.length, 0);
      while (size > this.SAMPLES && list.length > 1) size -= list.shift().values.length;
    }
  }

  // Keep every second point of older blocks, those first that have most; the oldest of few points go.
  thin() {
    const old = this.blocks.slice(0, Math.ceil(0.75 * this.blocks.length));
    const least = old.reduce((found, block) => Math.min(found, block.every), Infinity);
    if (least >= 64) {
      for (const block of this.blocks.splice(0, Math.ceil(old.length / 3))) this.points -= block.step.length;
      return;
    }
    for (const block of old) {
      if (block.every !== least) continue;
      this.points -= block.step.length;
      for (const name of ["step", "neuron"]) block[name] = block[name].filter((_, i) => !(i & 1));
      block.every *= 2;
      this.points += block.step.length;
    }
  }

  addCounts(bin, bins, counts) {
    if (!bins) return;
    const P = this.populations.length;
    if (this.bin0 === null) this.bin0 = this.bin1 = bin;
    for (let b = Math.max(this.bin1, bin - this.BINS); b < bin; b++)          // bins that were left out
      this.counts.fill(-1, (b % this.BINS) * P, (b % this.BINS + 1) * P);
    for (let i = 0; i < bins; i++) {
      const at = ((bin + i) % this.BINS) * P;
      for (let p = 0; p < P; p++) this.counts[at + p] = counts[i * P + p];
    }
    this.bin1 = Math.max(this.bin1, bin + bins);
    this.bin0 = Math.max(this.bin0, this.bin1 - this.BINS);
  }

  // Spikes of a population in bins [from, to), and how many bins are known.
  count(p, from, to) {
    const P = this.populations.length;
    let sum = 0, known = 0;
    for (let b = Math.max(from, this.bin0 ?? 0); b < Math.min(to, this.bin1 ?? 0); b++) {
      const c = this.counts[(b % this.BINS) * P + p];
      if (c >= 0) { sum += c; known++; }
    }
    return [sum, known];
  }

  // Rate of a population in bins [from, to), Hz; NaN if nothing is known.
  rate(p, from, to) {
    const [sum, known] = this.count(p, from, to);
    return known ? sum / (this.populations[p].size * known * this.width * this.dt * 1e-3) : NaN;
  }

  // Blocks that have steps in [from, to).
  *between(from, to) {
    let low = 0, high = this.blocks.length;
    while (low < high) {                                     // blocks are in the order of their ends
      const middle = (low + high) >> 1;
      if (this.blocks[middle].stop <= from) low = middle + 1; else high = middle;
    }
    for (; low < this.blocks.length && this.blocks[low].first < to; low++) yield this.blocks[low];
  }

  // The spike nearest to a step and a neuron, within distances; null: there is none.
  nearest(step, neuron, steps, neurons) {
    let best = null, least = 1;
    for (const block of this.between(step - steps, step + steps))
      for (let i = 0; i < block.step.length; i++) {
        const dx = (block.first + block.step[i] - step) / steps, dy = (block.neuron[i] - neuron) / neurons;
        const far = dx * dx + dy * dy;
        if (far < least) { least = far; best = block.neuron[i]; }
      }
    return best;
  }

  // The number of a neuron's population; -1: there is none.
  indexOf(neuron) {
    let low = 0, high = this.populations.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.populations[middle].end <= neuron) low = middle + 1; else high = middle;
    }
    return low < this.populations.length ? low : -1;
  }

  populationOf(neuron) { return this.populations[this.indexOf(neuron)]; }
};

// A frame: uint32 length of a JSON head, the head, then arrays.
Spike.parse = function (buffer, populations) {
  const size = new DataView(buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, size)));
  let at = 4 + size;
  const take = (Kind, n) => { const a = new Kind(buffer, at, n); at += 4 * n; return a; };
  const step = take(Uint32Array, head.points), neuron = take(Uint32Array, head.points);
  const counts = take(Uint32Array, head.bins * populations);
  const samples = head.samples.map(([watched, first, every, n]) =>
    ({ watched, first, every, values: take(Float32Array, n) }));
  return [head, step, neuron, counts, samples];
};
