// What every page does: moments in the reader's own time, and a question before something is canceled.

import { post, showProblem } from "./api.js";

const MINUTE_S = 60;
const STEPS = [[MINUTE_S, "second", 1], [3600, "minute", MINUTE_S], [86400, "hour", 3600], [7 * 86400, "day", 86400]];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const absolute = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });

function inWords(moment) {
  const seconds = (Date.now() - moment) / 1000;
  const step = STEPS.find(([limit]) => seconds < limit);
  if (!step) return absolute.format(moment);
  return seconds < 5 ? "just now" : relative.format(-Math.floor(seconds / step[2]), step[1]);
}

export function localTimes(root = document) {
  for (const time of root.querySelectorAll("time")) {
    const moment = new Date(time.dateTime);
    time.title = absolute.format(moment);
    time.textContent = inWords(moment);
  }
}

// For people who hear the page.
export function say(text) {
  document.getElementById("said").textContent = text;
}

function ask(question) {
  const dialog = document.createElement("dialog");
  const text = Object.assign(document.createElement("p"), { textContent: question, id: "question" });
  const form = Object.assign(document.createElement("form"), { method: "dialog", className: "actions" });
  const no = Object.assign(document.createElement("button"), { value: "no", textContent: "Keep it running" });
  const yes = Object.assign(document.createElement("button"), { value: "yes", textContent: "Cancel it", className: "danger" });
  dialog.setAttribute("aria-labelledby", "question");
  form.append(no, yes);
  dialog.append(text, form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}

async function cancel(button) {
  if (!(await ask(button.dataset.question))) return;
  button.disabled = true;
  try {
    await post(button.dataset.cancel);
    location.reload();
  } catch (problem) {
    button.disabled = false;
    const place = document.createElement("div");
    button.closest(".head").after(place);
    showProblem(place, problem);
  }
}

document.querySelector("[data-cancel]")?.addEventListener("click", (event) => cancel(event.currentTarget));
localTimes();
setInterval(localTimes, 1000 * MINUTE_S / 4);
