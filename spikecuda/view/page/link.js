"use strict";
// Where data come from: a WebSocket, or what is in the page.
Spike.Link = class {
  constructor(on) { this.on = on; this.waiting = []; this.retries = 0; this.over = false; }

  begin() {
    const recorded = document.getElementById("recorded");
    if (recorded) { this.replay(JSON.parse(recorded.textContent)); return; }
    const url = new URL("socket", location.href);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = this.socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => { this.retries = 0; this.on.open(); };
    socket.onmessage = event => {
      if (typeof event.data !== "string") { this.waiting.push(event.data); return; }
      const message = JSON.parse(event.data);
      if (message.state === "closed") this.over = true;
      this.on.text(message);
    };
    socket.onclose = event => {
      this.on.closed(this.over, event.reason);
      if (!this.over && this.retries < 30) setTimeout(() => this.begin(), Math.min(5000, 250 * 2 ** this.retries++));
    };
  }

  replay(recorded) {
    recorded.texts.forEach(this.on.text);
    this.waiting = recorded.frames.map(text => {
      const raw = atob(text), bytes = new Uint8Array(raw.length);
      for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
      return bytes.buffer;
    });
  }

  say(kind, values = {}) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ kind, ...values }));
  }

  // Take what has arrived since the last drawing; the run is told so, and sends more.
  take(each) {
    const found = this.waiting, now = performance.now();
    this.waiting = [];
    for (const data of found) each(data);
    for (let i = 0; i < found.length; i++) this.say("ack", { seconds: (performance.now() - now) / 1000 });
    return found.length;
  }
};
