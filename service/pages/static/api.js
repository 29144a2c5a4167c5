// The HTTP API, and its problems in words. The session's cookie goes along by itself.

export class Problem extends Error {
  constructor(body) {
    super(body.detail);
    this.title = body.title;
    this.code = body.code;
    this.errors = body.errors || [];
  }
}

const AWAY = { title: "No answer", code: "no-answer", detail: "The service does not answer. Try again in a moment." };

export async function readAnswer(status, text) {
  const body = text ? JSON.parse(text) : null;
  if (status >= 400) {
    if (status === 401) location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
    throw new Problem(body);
  }
  return body;
}

async function request(path, options) {
  let answer;
  try {
    answer = await fetch(path, { ...options, headers: { Accept: "application/json", ...options.headers } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(AWAY);
  }
  return readAnswer(answer.status, await answer.text());
}

export function get(path) {
  return request(path, {});
}

export function post(path, value, signal) {
  if (value === undefined) return request(path, { method: "POST", signal });
  const headers = { "Content-Type": "application/json" };
  return request(path, { method: "POST", signal, headers, body: JSON.stringify(value) });
}

export function showProblem(place, problem) {
  const box = Object.assign(document.createElement("div"), { className: "problem" });
  box.append(Object.assign(document.createElement("h2"), { textContent: problem.title || "That did not work" }));
  box.append(Object.assign(document.createElement("p"), { textContent: problem.message }));
  if (problem.code) {
    const code = Object.assign(document.createElement("code"), { textContent: problem.code });
    const note = Object.assign(document.createElement("p"), { className: "note" });
    note.append(code);
    box.append(note);
  }
  place.replaceChildren(box);
}
