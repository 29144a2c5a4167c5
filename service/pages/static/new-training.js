// The form of a training.

import { post, showProblem } from "./api.js";
import { collect, markFields } from "./form.js";

const at = (id) => document.getElementById(id);
const form = at("training");

function spec() {
  const found = collect(form);
  if (!at("prove").checked) delete found.evaluation;
  else if (found.config?.epsilon !== undefined) found.evaluation.epsilon = found.config.epsilon;
  return found;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  at("submit").disabled = true;
  try {
    const training = await post("/v1/trainings", spec());
    location.assign(`/trainings/${training.id}`);
  } catch (problem) {
    at("submit").disabled = false;
    showProblem(at("problem"), problem);
    (markFields(form, problem) || at("submit")).focus();
  }
});
