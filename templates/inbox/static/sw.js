// The worker behind the pages: shows what is pushed, decides what its buttons say, and has a page for when the house
// cannot be reached. SAYSO stands before this text (bot/web/inbox/pwa.py): words, icons, what is kept for that page.
// Nothing of a request is ever kept here.
const DONE = "sayso-done";
const LINGERS = 4000;

self.addEventListener("install", (event) => {
  event.waitUntil((async () => {
    const kept = await caches.open(SAYSO.cache);
    // Past the browser's own cache: what is kept must be of this version.
    await kept.addAll([SAYSO.offline, ...SAYSO.shell].map((path) => new Request(path, { cache: "reload" })));
    await self.skipWaiting();
  })());
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) if (name !== SAYSO.cache) await caches.delete(name);
    await self.clients.claim();
  })());
});

self.addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  // A form that did not get through is the browser's to tell: it still has what was written.
  if (method !== "GET") return;
  if (mode === "navigate") {
    event.respondWith(fetch(event.request).catch(() => caches.match(SAYSO.offline)).then((found) => found || Response.error()));
  } else if (SAYSO.shell.includes(new URL(url).pathname)) {
    event.respondWith(caches.match(event.request).then((found) => found || fetch(event.request)));
  }
});

// One of our own pages, or the inbox: a payload leads nowhere else.
function local(address) {
  try {
    const url = new URL(typeof address === "string" ? address : "/inbox", self.location.origin);
    if (url.origin === self.location.origin) return url.pathname + url.search;
  } catch {
    // No address at all.
  }
  return "/inbox";
}

function read(event) {
  try {
    const told = event.data.json();
    const known = ["ask", "note", "close"].includes(told.kind) && typeof told.tag === "string" && told.tag;
    if (known && (told.kind === "close" || (typeof told.title === "string" && told.title.trim()))) return told;
  } catch {
    // Not ours, or not whole.
  }
  return { kind: "note", tag: "sayso", title: SAYSO.words.waits, body: "", url: "/inbox" };
}

const text = (value) => (typeof value === "string" ? value.slice(0, 300) : "");

async function show(title, options) {
  await self.registration.showNotification(text(title), { icon: SAYSO.icon, badge: SAYSO.badge, ...options });
}

// Only all of them: whoever is offered Approve must be offered Reject as well.
function buttons(given) {
  const offered = (Array.isArray(given) ? given : []).filter(
    (one) => one && ["approve", "reject"].includes(one.action) && text(one.title) && typeof one.token === "string",
  );
  return offered.length <= (self.Notification.maxActions || 0) ? offered : [];
}

async function ask(told) {
  const actions = buttons(told.actions);
  const tokens = Object.fromEntries(actions.map((one) => [one.action, one.token]));
  await show(told.title, {
    body: text(told.body),
    tag: told.tag,
    renotify: true,
    requireInteraction: told.kind === "ask",
    actions: actions.map((one) => ({ action: one.action, title: text(one.title) })),
    data: { url: local(told.url), tokens },
  });
}

// A push has to show something (userVisibleOnly), or browsers take the permission away. Where something of ours is on
// the screen already, closing is enough; elsewhere one quiet line says how it ended, and the next takes its place.
async function close(told) {
  for (const gone of await self.registration.getNotifications({ tag: told.tag })) gone.close();
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  if (windows.some((one) => one.visibilityState === "visible")) return;
  if ((await self.registration.getNotifications()).some((one) => one.tag !== told.tag)) return;
  await show(told.title || SAYSO.words.done, { body: text(told.body), tag: DONE, silent: true, data: { url: local(told.url) } });
}

self.addEventListener("push", (event) => {
  const told = read(event);
  event.waitUntil(told.kind === "close" ? close(told) : ask(told));
});

async function open(path) {
  const url = new URL(path, self.location.origin).href;
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const there = windows.find((one) => one.url.split("#")[0] === url.split("#")[0]);
  await (there ? there.focus() : self.clients.openWindow(url));
}

async function decide(token, pressed, url) {
  const { tag } = pressed;
  // In its place: one that is closed first may take its successor of the same tag along.
  const failed = (why) => show(SAYSO.words.failed, { body: text(why), tag, requireInteraction: true, data: { url } });
  let answer;
  try {
    answer = await fetch("/push/decisions", {
      method: "POST",
      credentials: "same-origin",
      redirect: "error",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token }),
    });
  } catch {
    return failed(SAYSO.words.unsent);
  }
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) return failed(answer.status === 401 ? SAYSO.words.signin : told.said || SAYSO.words.refused);
  pressed.close();
  await show(told.said || SAYSO.words.done, { tag: DONE, silent: true, data: { url } });
  await new Promise((resolve) => { setTimeout(resolve, LINGERS); });
  for (const gone of await self.registration.getNotifications({ tag: DONE })) gone.close();
}

self.addEventListener("notificationclick", (event) => {
  const { data } = event.notification;
  const url = local(data && data.url);
  const token = data && data.tokens && Object.hasOwn(data.tokens, event.action) ? data.tokens[event.action] : null;
  if (!token) event.notification.close();
  event.waitUntil(token ? decide(token, event.notification, url) : open(url));
});

// The browser gave this device another address, or took the old one back.
async function renew() {
  const answer = await fetch("/push/state", { credentials: "same-origin" });
  if (!answer.ok) return;
  const { public_key: key, csrf } = await answer.json();
  if (!key) return;
  const options = { userVisibleOnly: true, applicationServerKey: key };
  const found = await self.registration.pushManager.subscribe(options);
  await fetch("/push/subscriptions", {
    method: "POST",
    credentials: "same-origin",
    headers: { "Content-Type": "application/json", "X-CSRF": csrf },
    body: JSON.stringify(found),
  });
}

self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renew()));
