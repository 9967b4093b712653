// The page that stands in while the house cannot be reached: goes on by itself once it can.
"use strict";
const EVERY = 2000;
let trying = false;

async function again() {
  if (trying || document.hidden) return;
  trying = true;
  // Any answer will do; this one says nothing of anybody.
  const answer = await fetch("/manifest.webmanifest", { cache: "no-store" }).catch(() => null);
  trying = false;
  // Opened by its own address there is nothing to come back to.
  if (answer && answer.ok) location.pathname === "/offline" ? location.replace("/inbox") : location.reload();
}

setInterval(again, EVERY);
addEventListener("online", again);
document.addEventListener("visibilitychange", again);
