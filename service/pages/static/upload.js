// Uploads by choice or by drop: how far the file is, then what the validator says of it.

import { get, Problem, readAnswer, showProblem } from "./api.js";
import { collect } from "./form.js";
import { refresh } from "./refresh.js";

const KINDS = { "nature-cnn": "a Nature CNN", mlp: "an MLP", onnx: "a network" };
const ASK_AGAIN_MS = 1000;
const at = (id) => document.getElementById(id);
const form = at("upload-form");
const state = at("upload-state");
const drop = at("drop");

function send(file, onProgress) {
  const body = new FormData();
  const hints = collect(form);
  if (Object.keys(hints).length) body.append("card", JSON.stringify(hints));
  body.append("policy", file, file.name);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", "/v1/policies");
    request.setRequestHeader("Accept", "application/json");
    request.upload.addEventListener("progress", (event) => onProgress(event.loaded, event.total));
    request.addEventListener("load", () => readAnswer(request.status, request.responseText).then((found) => resolve(found), reject));
    request.addEventListener("error", () => reject(new Problem({ title: "No answer", code: "no-answer", detail: "The connection was lost. Send the file again." })));
    request.send(body);
  });
}

async function verdict(answer) {
  let found = answer;
  while (found.status === "validating") {
    await new Promise((resolve) => { setTimeout(resolve, ASK_AGAIN_MS); });
    found = await get(found.links.self);
  }
  return found;
}

function working(text) {
  const bar = document.createElement("progress");
  bar.setAttribute("aria-label", "upload");
  const words = Object.assign(document.createElement("p"), { className: "line" });
  words.append(bar, text);
  state.replaceChildren(words);
  return bar;
}

function accepted(card) {
  const name = card.name || `Policy ${card.id.slice(0, 8)}`;
  const box = document.createElement("div");
  const words = Object.assign(document.createElement("p"), { id: "accepted" });
  words.append(Object.assign(document.createElement("b"), { textContent: `${name} is taken. ` }));
  words.append(`The ${card.format} file holds ${KINDS[card.architecture] || card.architecture} for observations of ${card.observation.shape.join(" × ")} and ${card.actions} actions, with ${card.parameters.toLocaleString("en")} parameters.`);
  const links = Object.assign(document.createElement("p"), { className: "actions" });
  links.append(
    Object.assign(document.createElement("a"), { className: "button primary", href: `/evaluations/new?policy=${card.id}`, textContent: "Evaluate it" }),
    Object.assign(document.createElement("a"), { className: "button", href: `/policies/${card.id}`, textContent: "What was inside" }),
  );
  box.append(words, links);
  state.replaceChildren(box);
  refresh("yours");
}

async function upload(file) {
  if (!file) return;
  const bar = working(`Sending ${file.name}…`);
  try {
    const answer = await send(file, (loaded, total) => {
      bar.max = total;
      bar.value = loaded;
      if (loaded === total) working(`Looking at ${file.name}…`);
    });
    accepted(await verdict(answer));
  } catch (problem) {
    showProblem(state, problem);
  }
  at("file").value = "";
}

form.addEventListener("submit", (event) => event.preventDefault());
at("file").addEventListener("change", (event) => upload(event.target.files[0]));
for (const name of ["dragenter", "dragover"]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
for (const name of ["dragleave", "drop"]) {
  drop.addEventListener(name, () => drop.classList.remove("over"));
}
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  upload(event.dataTransfer.files[0]);
});
