// An evaluation that goes on: its progress as it is told, and finished cells as the server shows them.

import { say } from "./app.js";
import { refresh } from "./refresh.js";
import { duration, follow, Pace } from "./stream.js";

const PHASES = {
  queued: "waits for a worker",
  starting: "a worker loads the policy",
  processing: "episodes are being played",
};
const at = (id) => document.getElementById(id);
const section = at("progress");
const created = new Date(section.dataset.created) / 1000;
const pace = new Pace(created);
const number = new Intl.NumberFormat("en");

function show({ status, progress }) {
  const { episodes_done: done, episodes_planned: planned, environment_steps: steps } = progress;
  const badge = at("status");
  if (badge.textContent !== status) say(`The evaluation is ${status}.`);
  badge.textContent = status;
  badge.className = `status ${status}`;
  at("phase").textContent = PHASES[status] || "";
  const bar = section.querySelector("progress");
  bar.max = planned || 1;
  bar.value = done;
  at("done").textContent = number.format(done);
  at("planned").textContent = planned ? number.format(planned) : "?";
  at("steps").textContent = number.format(steps);
  at("left").textContent = duration(pace.left(done, planned));
  document.title = planned ? `${Math.floor((100 * done) / planned)}% ${document.title.replace(/^\d+% /, "")}` : document.title;
}

follow(section, {
  progress: show,
  cell: () => refresh("cells"),
  terminal: () => location.reload(),
});
function tick() {
  at("elapsed").textContent = duration(Date.now() / 1000 - created);
}

tick();
setInterval(tick, 1000);
