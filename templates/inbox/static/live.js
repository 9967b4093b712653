// Keeps pages fresh; everything works without it. The house tells of changes by one stream a page; where it cannot, the
// page asks by itself now and then. A page on which somebody may decide is never changed under their finger: they are
// told that it changed, and only the distances of time move.
"use strict";
const POLL = 15000;
const REOPEN = 60000;
const PATIENCE = 3000;
const READ_AFTER = 1000;

const live = { stream: null, opened: false, dirty: false, timer: 0, poller: 0, parting: 0, busy: false, took: 0, ended: 0 };
const teller = document.getElementById("live");
const skew = teller ? Date.parse(teller.dataset.now) - Date.now() : 0;

function page() {
  return document.querySelector("main[data-refresh]");
}

function say(what) {
  if (teller) teller.textContent = what ? teller.dataset[what] : "";
}

function requestOf(sheet) {
  return sheet.dataset.request || (/^\/requests\/([^/]+)/.exec(location.pathname) || [])[1];
}

// Only a page that was fetched by its own address: the answer to a refused form stands at another one. A link out of a
// mail says for whom it was made; that is not asked for again.
function address(main) {
  const path = location.pathname.replace(/\/(decisions|resolution|undo)$/, "");
  return path.startsWith("/requests/") ? path : path + location.search;
}

async function fetched(url) {
  const answer = await fetch(url, { credentials: "same-origin", redirect: "manual" }).catch(() => null);
  if (answer && answer.type === "opaqueredirect") say("out");
  if (!answer || !answer.ok) return null;
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

function moveTimes(main, next) {
  for (const at of main.querySelectorAll("[data-live]")) {
    const now = next.querySelector(`[data-live="${CSS.escape(at.dataset.live)}"]`);
    if (now) at.textContent = now.textContent;
  }
}

async function refresh() {
  const main = page();
  if (!main) return;
  if (document.hidden || live.busy) { live.dirty = true; return; }
  live.busy = true;
  live.dirty = false;
  const began = Date.now();
  try {
    const fresh = await fetched(address(main));
    const next = fresh && fresh.querySelector("main[data-refresh]");
    if (!next || page() !== main) return;
    if (next.dataset.version === main.dataset.version) moveTimes(main, next);
    // A page that knows how to change piece by piece does it by itself.
    else if (!main.dispatchEvent(new CustomEvent("fresh", { cancelable: true, detail: { next, title: fresh.title } }))) return;
    else if (main.dataset.refresh === "swap" && !main.contains(document.activeElement)) {
      main.replaceWith(next);
      document.title = fresh.title;
    } else {
      const notice = document.getElementById("changed");
      if (notice) notice.hidden = false;
    }
  } finally {
    live.busy = false;
    live.ended = Date.now();
    live.took = live.ended - began;
    if (live.dirty && !document.hidden) soon();
  }
}

// Many pages are told at one moment: each waits a little, and longer the longer its last answer took.
function soon() {
  if (live.timer) return;
  const rest = Math.max(live.ended + 3 * live.took - Date.now(), 0);
  live.timer = setTimeout(() => { live.timer = 0; refresh(); }, 100 + Math.random() * 700 + Math.min(rest, 10000));
}

function concerns(main, moved) {
  const own = requestOf(main);
  // Of very much at once the house names none.
  if (own) return !moved.id || moved.id === own;
  return moved.mine || ["groups", "all"].includes(main.dataset.scope);
}

function moved(event) {
  const main = page();
  const change = JSON.parse(event.data);
  document.dispatchEvent(new CustomEvent("moved", { detail: change }));
  if (main && concerns(main, change)) soon();
}

function listen() {
  if (live.stream && live.stream.readyState !== EventSource.CLOSED) return;
  if (!page() || !("EventSource" in window)) { poll(); return; }
  const stream = new EventSource("/inbox/live");
  live.stream = stream;
  let waiting = 0;
  stream.addEventListener("moved", moved);
  stream.addEventListener("all", moved);
  stream.addEventListener("open", () => {
    clearTimeout(waiting);
    clearInterval(live.poller);
    live.poller = 0;
    say("");
    // What changed while nobody told us.
    document.dispatchEvent(new CustomEvent("moved", { detail: {} }));
    soon();
  });
  stream.addEventListener("error", () => {
    clearTimeout(waiting);
    if (stream.readyState === EventSource.CLOSED) {
      poll();
      setTimeout(listen, REOPEN * (1 + Math.random()));
      waiting = setTimeout(refresh, PATIENCE * Math.random());
    } else waiting = setTimeout(() => say(navigator.onLine ? "again" : "offline"), PATIENCE);
  });
}

function poll() {
  live.poller ||= setInterval(refresh, POLL);
}

// A page that nobody sees hears nothing: over HTTP/1.1 a browser opens six connections to a site, and six pages left
// open in the background would hold them all. Whoever comes back to it finds it brought up to date.
function back() {
  clearTimeout(live.parting);
  if (document.hidden) { live.parting = setTimeout(() => live.stream?.close(), PATIENCE); return; }
  if (live.stream && live.stream.readyState === EventSource.CLOSED && navigator.onLine) listen();
  refresh();
}

// Distances of time move by themselves; the house's clock counts, not this machine's.
function distance(at) {
  const off = at - (Date.now() + skew);
  const seconds = Math.floor(Math.abs(off) / 1000);
  if (seconds < 5) return teller.dataset.just;
  const [m, h, d] = [60, 3600, 86400];
  const two = (big, unit, small, low) => {
    const rest = Math.floor((seconds % big) / small);
    return `${Math.floor(seconds / big)} ${unit}${rest ? ` ${rest} ${low}` : ""}`;
  };
  const span = seconds < m ? `${seconds} s` : seconds < h ? `${Math.floor(seconds / m)} min`
    : seconds < d ? two(h, "h", m, "min") : two(d, "d", h, "h");
  return (off > 0 ? teller.dataset.ahead : teller.dataset.ago).replace("{span}", span);
}

function tick() {
  if (document.hidden || !teller) return;
  for (const at of document.querySelectorAll("[data-live][data-at]")) {
    const text = distance(Date.parse(at.dataset.at));
    if (at.textContent !== text) at.textContent = text;
  }
}

// What was really before somebody's eyes for a moment is read; opening an address alone is not (a scanner does that).
function watchRead(sheet) {
  const request = requestOf(sheet);
  const revision = sheet.dataset.revision || (sheet.dataset.version || "").split("-")[1];
  const csrf = document.querySelector('input[name="csrf"]');
  const title = sheet.querySelector("h1") || sheet;
  if (!request || !revision || !csrf) return;
  let timer = 0;
  const over = new AbortController();
  const read = async () => {
    if (document.hidden || !sheet.isConnected) return;
    watcher.disconnect();
    over.abort();
    const body = new URLSearchParams({ csrf: csrf.value, revision });
    const answer = await fetch(`/requests/${request}/read`, { method: "POST", body, keepalive: true }).catch(() => null);
    if (answer && answer.ok) document.dispatchEvent(new CustomEvent("read", { detail: { request, revision } }));
  };
  const watcher = new IntersectionObserver((seen) => {
    clearTimeout(timer);
    if (seen.some((entry) => entry.isIntersecting)) timer = setTimeout(read, READ_AFTER);
  });
  watcher.observe(title);
  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    watcher.disconnect();
    if (!sheet.isConnected) over.abort();
    else if (!document.hidden) watcher.observe(title);
  }, { signal: over.signal });
}

// A second press while the first is on its way, as on a slow phone, is not sent. Whoever saw to the form otherwise (it is
// read beside the list, or there is no net) has prevented it; a press that came to nothing may be repeated after a while.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if ("sent" in form.dataset) { event.preventDefault(); return; }
  form.dataset.sent = "";
  const free = () => { delete form.dataset.sent; };
  setTimeout(() => { if (event.defaultPrevented) free(); });
  setTimeout(free, 5000);
  addEventListener("pageshow", free, { once: true });
});

window.sayso = { ...window.sayso, fetched, watchRead, soon, tick };
document.addEventListener("visibilitychange", back);
addEventListener("online", () => { say(""); back(); });
addEventListener("offline", () => say("offline"));
addEventListener("pagehide", () => live.stream?.close());
addEventListener("pageshow", (event) => { if (event.persisted) { listen(); refresh(); } });
setInterval(tick, 5000);
listen();
if (page() && /^\/requests\//.test(location.pathname)) watchRead(page());
