// Ticking many at once, and how many that is in the buttons' own words; every form works without it.
"use strict";
const picks = document.querySelector("form.picks");
const ticks = [...picks?.querySelectorAll(".tick input") ?? []];
const turns = [...picks?.querySelectorAll(".turn input") ?? []];

function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

function count() {
  // What is marked as the opposite counts as that, ticked or not.
  const m = turns.filter((box) => box.checked).length;
  const n = ticks.filter((box, at) => box.checked && !turns[at].checked).length;
  const tally = picks.querySelector(".tally");
  tally.textContent = filled(tally.dataset.text, { n, all: ticks.length });
  for (const button of picks.querySelectorAll("button[data-alone]")) {
    button.textContent = filled(m ? button.dataset.mixed : button.dataset.alone, { n, m });
  }
  turns.forEach((box) => box.closest(".pick").classList.toggle("turned", box.checked));
}

let last = null;
function among(event) {
  // With Shift held, all between this box and the one before it become alike.
  const at = ticks.indexOf(event.target);
  if (at < 0) return;
  if (event.shiftKey && last !== null) {
    const [from, to] = [Math.min(at, last), Math.max(at, last)];
    for (const box of ticks.slice(from, to + 1)) box.checked = event.target.checked;
  }
  last = at;
}

function change(event) {
  const at = ticks.indexOf(event.target), turned = turns.indexOf(event.target);
  if (at >= 0 && event.target.checked) turns[at].checked = false;
  if (turned >= 0 && event.target.checked) ticks[turned].checked = false;
  count();
}

// Only while a row's box has the focus, so that no letter acts from elsewhere.
function move(event) {
  const step = { j: 1, k: -1 }[event.key];
  if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
  const all = event.target.closest(".turn") ? turns : ticks;
  const at = all.indexOf(event.target);
  if (at < 0) return;
  event.preventDefault();
  let next = at + step;
  while (all[next] && !all[next].checkVisibility()) next += step;
  all[next]?.focus();
}

if (picks) {
  picks.querySelector(".all").hidden = false;
  picks.addEventListener("click", among);
  picks.addEventListener("change", change);
  picks.addEventListener("keydown", move);
  for (const button of picks.querySelectorAll("[data-tick]")) {
    button.addEventListener("click", () => {
      const wanted = button.dataset.tick;
      ticks.forEach((box, at) => { if (!turns[at].checked) box.checked = wanted === "invert" ? !box.checked : wanted === "all"; });
      count();
    });
  }
  // A browser that goes back restores the boxes after scripts ran.
  window.addEventListener("pageshow", count);
  count();
}
