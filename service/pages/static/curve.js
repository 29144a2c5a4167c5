// A learning curve: mean return against steps.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 900;
const HEIGHT = 280;
const MARGIN = { left: 56, right: 60, top: 14, bottom: 34 };
const MOST_POINTS = 600;
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

function element(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

// Round numbers between two, about `count` of them.
function ticks(low, high, count) {
  const rough = (high - low || 1) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= rough * 0.999);
  const found = [];
  for (let index = Math.ceil(low / step - 1e-9) || 0; index * step <= high + step * 1e-9; index += 1) found.push(index * step);
  return found;
}

function thinned(points) {
  const every = Math.ceil(points.length / MOST_POINTS);
  return points.filter((_, index) => index % every === 0 || index === points.length - 1);
}

export function drawCurve(place, all, planned) {
  const points = thinned(all.filter((point) => point.mean_return !== null).sort((a, b) => a.steps - b.steps));
  if (!points.length) return;
  const returns = points.map((point) => point.mean_return);
  let [low, high] = [Math.min(...returns), Math.max(...returns)];
  if (low === high) [low, high] = [low - 1, high + 1];
  const most = Math.max(planned, points.at(-1).steps, 1);
  const x = (steps) => MARGIN.left + (steps / most) * (WIDTH - MARGIN.left - MARGIN.right);
  const y = (value) => HEIGHT - MARGIN.bottom - ((value - low) / (high - low)) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const last = points.at(-1);
  const title = `Learning curve: mean return ${compact.format(returns[0])} at the first of ${all.length} points, `
    + `${compact.format(last.mean_return)} after ${compact.format(last.steps)} steps, highest ${compact.format(high)}.`;
  const svg = element("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": title });
  for (const value of ticks(low, high, 4)) {
    svg.append(element("line", { class: "gridline", x1: MARGIN.left, x2: WIDTH - MARGIN.right, y1: y(value), y2: y(value) }));
    svg.append(element("text", { x: MARGIN.left - 8, y: y(value) + 4, "text-anchor": "end" }, compact.format(value)));
  }
  for (const steps of ticks(0, most, 5)) {
    svg.append(element("text", { x: x(steps), y: HEIGHT - 12, "text-anchor": "middle" }, compact.format(steps)));
  }
  svg.append(element("polyline", { class: "line-of", points: points.map((point) => `${x(point.steps)},${y(point.mean_return)}`).join(" ") }));
  svg.append(element("circle", { class: "now", cx: x(last.steps), cy: y(last.mean_return), r: 4.5 }));
  svg.append(element("text", { class: "value", x: x(last.steps) + 9, y: y(last.mean_return) + 4 }, compact.format(last.mean_return)));
  place.replaceChildren(svg);
}
