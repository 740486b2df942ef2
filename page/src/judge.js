// Asks the worker, one request at a time. A worker that fails or takes too long is replaced by a new one.

const PATIENCE = 60_000; // milliseconds; a slow phone needs a few seconds for a large config

export class Judge {
  constructor(onState) {
    this.onState = onState;
    this.waiting = new Map();
    this.last = 0;
    this.start();
  }

  start() {
    // A worker made of a blob inherits this page's Content-Security-Policy, so it cannot send a text anywhere either.
    const url = new URL("worker.js", document.baseURI).href;
    const blob = new Blob([`import ${JSON.stringify(url)};`], { type: "text/javascript" });
    const address = URL.createObjectURL(blob);
    this.onState("loading");
    this.worker = new Worker(address, { type: "module" });
    this.worker.onmessage = ({ data }) => this.onMessage(data);
    this.worker.onerror = (event) => this.onState("broken", event.message || "the worker did not start");
  }

  onMessage(data) {
    if (data.ready) return this.onState("ready");
    if (data.broken) return this.onState("broken", data.broken);
    const waiting = this.waiting.get(data.id);
    this.waiting.delete(data.id);
    clearTimeout(waiting?.timer);
    if (data.failed) this.replace();
    if (data.failed) waiting?.reject(new Error(data.failed));
    else waiting?.resolve(data.answer);
  }

  ask(request) {
    const id = ++this.last;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiting.delete(id);
        this.replace();
        reject(new Error("no answer within a minute"));
      }, PATIENCE);
      this.waiting.set(id, { resolve, reject, timer });
      this.worker.postMessage({ id, request });
    });
  }

  replace() {
    this.worker.terminate();
    for (const { reject, timer } of this.waiting.values()) {
      clearTimeout(timer);
      reject(new Error("the judge was started again"));
    }
    this.waiting.clear();
    this.start();
  }
}
