// What is wrong with this page for people who do not see it, or do not use a mouse; a list of sentences.
() => {
  const found = [];
  const say = (element, what) => found.push(`${what}: ${element.outerHTML.replace(/\s+/g, " ").slice(0, 120)}`);
  const shown = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const named = (element) => [element.getAttribute("aria-label"), element.textContent, element.title, element.alt,
    ...(element.getAttribute("aria-labelledby") || "").split(" ").map((id) => document.getElementById(id)?.textContent)]
    .some((text) => text && text.trim());

  if (!document.documentElement.lang) found.push("no language");
  if (!document.title.trim()) found.push("no title");
  if (document.querySelectorAll("main").length !== 1) found.push("not one main");
  if (document.querySelectorAll("h1").length !== 1) found.push("not one h1");
  let level = 0;
  for (const heading of document.querySelectorAll("h1, h2, h3, h4")) {
    const next = Number(heading.tagName[1]);
    if (next > level + 1) say(heading, `a heading of level ${next} after one of ${level}`);
    level = next;
  }
  for (const control of document.querySelectorAll("input:not([type=hidden]), select, textarea")) {
    if (!control.labels?.length && !control.getAttribute("aria-label")) say(control, "no label");
  }
  for (const element of document.querySelectorAll("a[href], button, summary, progress, [role=img], [role=region]")) {
    if (!named(element)) say(element, "no name");
  }
  for (const image of document.querySelectorAll("img:not([alt])")) say(image, "no alternative text");
  for (const element of document.querySelectorAll("[tabindex]")) if (element.tabIndex > 0) say(element, "an order of its own");
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  for (const id of new Set(ids.filter((one, index) => ids.indexOf(one) !== index))) found.push(`two with the id ${id}`);
  for (const element of document.querySelectorAll("[aria-describedby], [aria-labelledby]")) {
    const named = `${element.getAttribute("aria-describedby") || ""} ${element.getAttribute("aria-labelledby") || ""}`;
    for (const id of named.split(" ").filter(Boolean)) if (!document.getElementById(id)) say(element, `nothing has the id ${id}`);
  }
  for (const cell of document.querySelectorAll("thead th")) if (!cell.scope) say(cell, "no scope");

  // WCAG 2.2, 1.4.3: 4.5 to 1, and 3 to 1 for large text.
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return { r, g, b, a: a / 255 };
  };
  const over = (top, below) => Object.fromEntries([..."rgb"].map((part) => [part, top[part] * top.a + below[part] * (1 - top.a)]));
  const behind = (element) => {
    const layers = [];
    for (let one = element; one; one = one.parentElement) layers.push(rgba(getComputedStyle(one).backgroundColor));
    const page = matchMedia("(prefers-color-scheme: dark)").matches ? { r: 18, g: 18, b: 18 } : { r: 255, g: 255, b: 255 };
    return layers.reverse().reduce((below, layer) => over(layer, below), page);
  };
  const luminance = (colour) => {
    const [r, g, b] = [colour.r, colour.g, colour.b].map((part) => part / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.textContent.trim() || !shown(element) || element.closest("svg, option, datalist, noscript, :disabled")) continue;
    const style = getComputedStyle(element);
    const back = behind(element);
    const [light, dark] = [luminance(over(rgba(style.color), back)), luminance(back)].sort((a, b) => b - a);
    const contrast = (light + 0.05) / (dark + 0.05);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);
    if (contrast < (large ? 3 : 4.5)) say(element, `a contrast of ${contrast.toFixed(2)}`);
  }
  return found;
}
