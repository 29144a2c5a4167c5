// Keeps a part of a page fresh: the server renders it anew, and it is exchanged where it has changed.

import { localTimes } from "./app.js";

const AGAIN_MS = 5000;

export async function refresh(id) {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (answer.redirected) return location.reload();
  if (!answer.ok) return null;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(id);
  const part = document.getElementById(id);
  if (!fresh || part.dataset.shown === fresh.innerHTML) return part;
  const focused = document.activeElement?.getAttribute("href");
  fresh.dataset.shown = fresh.innerHTML;
  part.replaceWith(fresh);
  localTimes(fresh);
  if (focused) fresh.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus();
  return fresh;
}

async function loop(part) {
  let current = part;
  try {
    if (!document.hidden) current = (await refresh(part.id)) || part;
  } catch {
    setTimeout(loop, AGAIN_MS, part);
    return;
  }
  setTimeout(loop, Number(current.dataset.refresh), current);
}

const part = document.querySelector("[data-refresh]");
if (part) setTimeout(loop, Number(part.dataset.refresh), part);
