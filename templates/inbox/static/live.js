// Keeps pages fresh; everything works without it. A page on which somebody may decide is never changed under their
// finger: they are told that it changed, and only the distances of time move.
"use strict";
const EVERY = 15000;

async function refresh() {
  const main = document.querySelector("main[data-refresh]");
  if (!main || document.hidden) return;
  // Only a page that was fetched by its own address: the answer to a refused form stands at another one.
  const path = location.pathname.replace(/\/(decisions|resolution)$/, "");
  const answer = await fetch(path, { credentials: "same-origin", redirect: "error" }).catch(() => null);
  if (!answer || !answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const next = fresh.querySelector("main[data-refresh]");
  if (!next) return;
  if (next.dataset.version === main.dataset.version) {
    for (const live of main.querySelectorAll("[data-live]")) {
      const now = next.querySelector(`[data-live="${CSS.escape(live.dataset.live)}"]`);
      if (now) live.textContent = now.textContent;
    }
  } else if (main.dataset.refresh === "swap" && !main.contains(document.activeElement)) {
    main.replaceWith(next);
    document.title = fresh.title;
  } else {
    const notice = document.getElementById("changed");
    if (notice) notice.hidden = false;
  }
}

setInterval(refresh, EVERY);
document.addEventListener("visibilitychange", refresh);
