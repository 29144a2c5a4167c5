(() => {
  "use strict";
  const data = JSON.parse(document.getElementById("replay-data").textContent);
  const video = document.getElementById("replay-video");
  const play = document.getElementById("play");
  const slider = document.getElementById("timeline");
  const readout = document.getElementById("readout");
  let step = 0;

  const shown = (value) => value.toLocaleString("en", { maximumFractionDigits: 2 });
  const scoreAt = (scores) => (step === 0 ? 0 : scores[Math.min(step, scores.length) - 1] || 0);
  const ended = (scores) => (step >= scores.length ? " (over)" : "");

  const describe = () => {
    const parts = [
      `Step ${step.toLocaleString("en")}`,
      `without attack ${shown(scoreAt(data.clean))}${ended(data.clean)}`,
      `under attack ${shown(scoreAt(data.attacked))}${ended(data.attacked)}`,
    ];
    if (step < data.moved.length) parts.push(`${data.measure} ${shown(data.moved[step])}`);
    if (data.flips[step]) parts.push("most likely action changed");
    return parts.join(" · ");
  };

  const draw = () => {
    for (const track of slider.querySelectorAll(".track")) {
      const { start, end } = track.dataset;
      const place = Number(start) + (Number(end) - Number(start)) * (step / Math.max(1, data.steps));
      track.querySelector(".cursor").style.left = `${100 * place}%`;
    }
    readout.textContent = describe();
    slider.setAttribute("aria-valuenow", String(step));
    slider.setAttribute("aria-valuetext", readout.textContent);
  };

  const seek = (wanted) => {
    const last = Math.floor(data.steps / data.stride);
    const frame = Math.min(last, Math.max(0, Math.round(wanted / data.stride)));
    step = frame * data.stride;
    if (video) video.currentTime = (frame + 0.5) / data.pace;
    draw();
  };

  const follow = () => {
    step = Math.min(data.steps, Math.floor(video.currentTime * data.pace) * data.stride);
    draw();
    play.textContent = video.paused ? "Play" : "Pause";
    if (!video.paused) requestAnimationFrame(follow);
  };

  const toggle = () => (video.paused ? video.play() : video.pause());

  const pointed = (event) => {
    const track = [...slider.querySelectorAll(".track")].find((each) => each.offsetWidth);
    const box = track.getBoundingClientRect();
    const { start, end } = track.dataset;
    seek((((event.clientX - box.left) / box.width - Number(start)) / (Number(end) - Number(start))) * data.steps);
  };

  const moves = {
    ArrowRight: () => step + data.stride,
    ArrowUp: () => step + data.stride,
    ArrowLeft: () => step - data.stride,
    ArrowDown: () => step - data.stride,
    PageUp: () => step + data.steps / 10,
    PageDown: () => step - data.steps / 10,
    Home: () => 0,
    End: () => data.steps,
  };

  slider.addEventListener("keydown", (event) => {
    if (event.key === " " && video) toggle();
    else if (moves[event.key]) seek(moves[event.key]());
    else return;
    event.preventDefault();
  });
  slider.addEventListener("pointerdown", (event) => {
    pointed(event);
    slider.setPointerCapture(event.pointerId);
  });
  slider.addEventListener("pointermove", (event) => {
    if (event.buttons) pointed(event);
  });
  for (const button of document.querySelectorAll("button[data-step]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      if (video) video.pause();
      seek(Number(button.dataset.step));
      (video || slider).scrollIntoView({ block: "center" });
      slider.focus({ preventScroll: true });
    });
  }
  if (video) {
    video.controls = false; // they would cover the game; without this script they are there
    play.hidden = false;
    for (const target of [play, video]) target.addEventListener("click", toggle);
    for (const name of ["play", "seeked", "pause"]) video.addEventListener(name, follow);
  }

  slider.tabIndex = 0;
  slider.setAttribute("role", "slider");
  slider.setAttribute("aria-valuemin", "0");
  slider.setAttribute("aria-valuemax", String(data.steps));
  slider.classList.add("live");
  draw();
})();
