// Notifications on this device, the worker that shows them, and forms that are not sent into nowhere.
"use strict";
const TOLD = document.currentScript.dataset;
const DONE = "sayso-done";
const ready = "serviceWorker" in navigator
  ? navigator.serviceWorker.register("/sw.js", { updateViaCache: "none" }).then(() => navigator.serviceWorker.ready)
  : new Promise(() => {});
ready.then(async (worker) => {
  // Whoever is here again has seen what was done.
  for (const seen of await worker.getNotifications({ tag: DONE }).catch(() => [])) seen.close();
}, () => {});

// A form that cannot get through is not sent: what was written stays where it is.
document.addEventListener("submit", (event) => {
  if (navigator.onLine) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const said = document.getElementById("unsent") || document.createElement("p");
  said.id = "unsent";
  said.className = "banner bad unsent";
  said.setAttribute("role", "alert");
  said.textContent = "";
  event.target.append(said);
  said.textContent = TOLD.unsent;
}, true);
addEventListener("online", () => document.getElementById("unsent")?.remove());

const section = () => document.getElementById("notifications");

const hex = (bytes) => Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
const idOf = async (found) => hex(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(found.endpoint)));
const bytesOf = (key) => Uint8Array.from(atob(key.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));

function state(name) {
  for (const said of section().querySelectorAll("[data-state]")) said.hidden = said.dataset.state !== name;
  section().querySelector("[data-do=on]").hidden = !["off", "failed"].includes(name);
  for (const does of ["off", "show"]) section().querySelector(`[data-do=${does}]`).hidden = name !== "on";
  section().querySelector(".send").hidden = !["on", "off", "failed"].includes(name);
}

// iPhones and iPads offer push to what stands on the Home Screen alone; an iPad says that it is a Mac.
function onApple() {
  return /iPhone|iPad/.test(navigator.userAgent) || (/Macintosh/.test(navigator.userAgent) && navigator.maxTouchPoints > 1);
}

async function look() {
  if (!section()?.dataset.key) return;
  if (!("serviceWorker" in navigator && "PushManager" in window && "Notification" in window)) {
    return state(onApple() && !navigator.standalone ? "apple" : "unsupported");
  }
  if (Notification.permission === "denied") return state("blocked");
  const found = await (await ready).pushManager.getSubscription();
  const here = found && section().querySelector(`[data-device="${await idOf(found)}"]`);
  if (here) here.querySelector(".here").hidden = false;
  state(here && Notification.permission === "granted" ? "on" : "off");
}

async function redraw(answer) {
  const page = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("notifications");
  if (!answer.ok || !page) throw new Error(String(answer.status));
  section().replaceWith(page);
  await look();
  page.querySelector("h2").focus();
}

async function turnOn() {
  // First of all: browsers ask only as long as the click is fresh.
  const allowed = await Notification.requestPermission();
  if (allowed !== "granted") return state(allowed === "denied" ? "blocked" : "off");
  const { pushManager } = await ready;
  const key = bytesOf(section().dataset.key);
  let found = await pushManager.getSubscription();
  // One that was made for another key is deaf to this house.
  if (found && hex(found.options.applicationServerKey) !== hex(key)) found = await found.unsubscribe() && null;
  found ||= await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  const kept = await fetch("/push/subscriptions", {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF": section().dataset.csrf },
    body: JSON.stringify(found),
  });
  if (!kept.ok) throw new Error(String(kept.status));
  await redraw(await fetch("/account"));
}

async function turnOff() {
  const found = await (await ready).pushManager.getSubscription();
  if (!found) return look();
  const path = `/push/subscriptions/${await idOf(found)}/end`;
  const answer = await fetch(path, { method: "POST", body: new URLSearchParams({ csrf: section().dataset.csrf }) });
  await found.unsubscribe();
  await redraw(answer);
}

async function sample() {
  const { title, body, icon } = section().dataset;
  await (await ready).showNotification(title, { body, icon, tag: DONE, data: { url: "/account" } });
}

const DOES = { on: turnOn, off: turnOff, show: sample };
document.addEventListener("click", async (event) => {
  const pressed = event.target.closest("#notifications [data-do]");
  if (!pressed) return;
  pressed.disabled = true;
  await DOES[pressed.dataset.do]().catch(() => state("failed"));
  pressed.disabled = false;
});
look().catch(() => state("failed"));
