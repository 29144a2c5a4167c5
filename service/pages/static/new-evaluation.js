// The form of an evaluation: what it will take, asked of the server at every change, and its start.

import { post, showProblem } from "./api.js";
import { collect, markFields } from "./form.js";
import { duration } from "./stream.js";

const PAUSE_MS = 400;
const at = (id) => document.getElementById(id);
const form = at("evaluation");
const number = new Intl.NumberFormat("en");
let asked = null;
let timer = null;

function spec() {
  const { each = {}, ...found } = collect(form);
  const kinds = [...form.querySelectorAll("[name=attacks]:checked")].map((box) => box.value);
  found.attacks = kinds.map((kind) => (kind === "none" ? { kind } : { kind, ...each }));
  return found;
}

function fact(name, value) {
  return [Object.assign(document.createElement("dt"), { textContent: name }), Object.assign(document.createElement("dd"), { textContent: value })];
}

function show(estimate) {
  const facts = Object.assign(document.createElement("dl"), { className: "facts" });
  facts.append(...fact("Episodes", number.format(estimate.episodes)));
  facts.append(...fact("Steps", `about ${number.format(estimate.environment_steps)}`));
  facts.append(...fact("Time", `about ${duration(estimate.duration_s)}`));
  facts.append(...fact("Workers", String(estimate.workers)));
  const basis = Object.assign(document.createElement("p"), { className: "note", textContent: `${estimate.basis}.` });
  at("estimate").replaceChildren(facts, basis);
  if (!estimate.workers) {
    at("estimate").append(Object.assign(document.createElement("p"), { className: "warning", textContent: "No worker is there; it will wait for one." }));
  }
  if (estimate.evaluation_id) {
    const link = Object.assign(document.createElement("a"), { href: `/evaluations/${estimate.evaluation_id}`, textContent: "This very evaluation is there already." });
    const note = document.createElement("p");
    note.append(link);
    at("estimate").append(note);
  }
}

async function estimate() {
  asked?.abort();
  asked = new AbortController();
  markFields(form, null);
  if (!at("env").value.trim()) return;
  at("estimate").setAttribute("aria-busy", "true");
  try {
    show(await post("/v1/evaluations?dry_run=true", spec(), asked.signal));
    at("problem").replaceChildren();
  } catch (problem) {
    if (problem.name === "AbortError") return;
    at("estimate").replaceChildren();
    showProblem(at("problem"), problem);
    markFields(form, problem);
  }
  at("estimate").removeAttribute("aria-busy");
}

async function submit(event) {
  event.preventDefault();
  clearTimeout(timer);
  asked?.abort();
  at("submit").disabled = true;
  try {
    const evaluation = await post("/v1/evaluations", spec());
    location.assign(`/evaluations/${evaluation.id}`);
  } catch (problem) {
    at("submit").disabled = false;
    showProblem(at("problem"), problem);
    (markFields(form, problem) || at("submit")).focus();
  }
}

at("policy")?.addEventListener("change", (event) => { if (event.target.value) event.target.form.submit(); });
if (form) {
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(estimate, PAUSE_MS);
  });
  form.addEventListener("submit", submit);
  estimate();
}
