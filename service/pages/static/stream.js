// The events of a job. Browsers come back by themselves after a lost connection, and resume where they were.

export function follow(section, handlers) {
  const source = new EventSource(section.dataset.events);
  const lost = document.getElementById("connection");
  source.addEventListener("open", () => { lost.hidden = true; });
  source.addEventListener("error", () => {
    lost.hidden = false;
    if (source.readyState === EventSource.CLOSED) setTimeout(() => { source.close(); follow(section, handlers); }, 5000);
  });
  for (const [name, handle] of Object.entries(handlers)) {
    source.addEventListener(name, (event) => {
      lost.hidden = true;
      if (name === "terminal") source.close();
      handle(JSON.parse(event.data));
    });
  }
  window.addEventListener("pagehide", () => source.close());
}

// Seconds that are left, from how fast it went since this page was opened, or since it began.
export class Pace {
  constructor(created) {
    this.created = created;
    this.first = null;
  }

  left(done, planned) {
    const now = Date.now() / 1000;
    if (!planned || !done) return null;
    if (!this.first) this.first = { at: now, done };
    const { at, done: before } = this.first;
    const seen = done > before && now - at > 5;
    const rate = seen ? (done - before) / (now - at) : done / Math.max(now - this.created, 1);
    return (planned - done) / rate;
  }
}

export function duration(seconds) {
  if (seconds === null || !Number.isFinite(seconds)) return "–";
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds < 600 ? `${Math.round(seconds % 60)} s` : ""}`.trim();
  const hours = Math.floor(seconds / 3600);
  if (hours < 48) return `${hours} h ${Math.round((seconds % 3600) / 60)} min`;
  return `${Math.round(hours / 24)} d`;
}
