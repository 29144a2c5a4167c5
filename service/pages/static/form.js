// What a form says, as the JSON of a specification: names are paths, and what is left empty is left out.

const READERS = {
  text: (text) => text,
  number: Number,
  integer: Number,
  numbers: (text) => text.split(",").map((part) => Number(part.trim())),
  integers: (text) => text.split(",").map((part) => Number(part.trim())),
};

function put(target, path, value) {
  const names = path.split(".");
  const last = names.pop();
  let inner = target;
  for (const name of names) inner = inner[name] ??= {};
  inner[last] = value;
}

export function collect(form) {
  const found = {};
  for (const control of form.querySelectorAll("[data-control]")) {
    if (control.disabled || (control.type === "radio" && !control.checked)) continue;
    if (control.dataset.control === "flag") {
      if (String(control.checked) !== control.dataset.default) put(found, control.name, control.checked);
    } else if (control.value.trim()) {
      put(found, control.name, READERS[control.dataset.control](control.value.trim()));
    }
  }
  return found;
}

// Marks the controls that a problem names, and leads to the first of them.
export function markFields(form, problem) {
  for (const control of form.querySelectorAll("[aria-invalid]")) control.removeAttribute("aria-invalid");
  const named = (problem?.errors || []).map(({ location }) => location);
  const controls = [...form.elements].filter((control) => control.name
    && named.some((location) => location === control.name || control.name.startsWith(`${location}.`) || location.startsWith(`${control.name}.`)));
  for (const control of controls) control.setAttribute("aria-invalid", "true");
  controls[0]?.closest("details")?.setAttribute("open", "");
  return controls[0];
}
