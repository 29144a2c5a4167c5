// A training: its progress and its learning curve as they are told.

import { drawCurve } from "./curve.js";
import { duration, follow, Pace } from "./stream.js";

const at = (id) => document.getElementById(id);
const section = at("progress");
const had = section.dataset.status;
const pace = new Pace(new Date(section.dataset.created) / 1000);
const number = new Intl.NumberFormat("en");
const points = new Map();

function show({ status, progress }) {
  const badge = at("status");
  badge.textContent = status;
  badge.className = `status ${status}`;
  const { steps_done: done, steps_planned: planned, curve } = progress;
  const bar = section.querySelector("progress");
  bar.max = planned || 1;
  bar.value = done;
  at("done").textContent = number.format(done);
  const left = pace.left(done, planned);
  at("left").textContent = status === "processing" && left !== null ? `, about ${duration(left)} left` : "";
  for (const point of curve) points.set(point.update, point);
  drawCurve(at("curve"), [...points.values()], planned);
}

follow(section, {
  progress: show,
  terminal: (training) => {
    if (training.status !== had) location.reload();
    else show(training);
  },
});
