// The keyboard, in the queue and on a request's own page. Every key presses a link or a button that stands there, so it
// can do nothing that a hand cannot; none counts while somebody types, or with Ctrl, Alt or Meta.
"use strict";
(() => {
  const dialog = document.getElementById("keys");
  if (!dialog) return;
  // A page that is brought up to date has another main than the one it came with.
  const main = () => document.getElementById("main");
  const KEPT = "sayso.keys";
  const ORDER = "sayso.order";
  const store = { get: (name) => { try { return localStorage.getItem(name); } catch { return null; } } };
  let single = store.get(KEPT) !== "off";
  let gone = 0;

  const rows = () => [...document.querySelectorAll("#list > [data-request], #list > [data-heap]")];
  const link = (row) => row.querySelector("a");
  const current = () => rows().find((row) => link(row).getAttribute("aria-current") === "true");
  const shown = (element) => element && element.checkVisibility() && !element.disabled;
  const find = (root, selector) => root && [...root.querySelectorAll(selector)].find(shown);

  // Where a decision is made: the reading pane, only while it shows the selected row as the list knows it, or the page.
  function desk() {
    if (main().dataset.request) return main().querySelector("#changed:not([hidden])") ? null : main();
    const pane = document.getElementById("pane");
    const sheet = pane && pane.getAttribute("aria-busy") !== "true" && pane.querySelector("[data-request]");
    const row = current();
    if (!sheet || !row || !sheet.checkVisibility() || sheet.querySelector("#changed:not([hidden])")) return null;
    const same = sheet.dataset.request === row.dataset.request && sheet.dataset.version === row.dataset.shown;
    return same ? sheet : null;
  }

  function select(row) {
    if (!row) return;
    link(row).focus();
    row.scrollIntoView({ block: "nearest" });
    row.dispatchEvent(new CustomEvent("chosen", { bubbles: true }));
  }

  // On a request's own page: the one after or before it in the list it was opened from.
  function leaf(by) {
    let order = [];
    try { order = JSON.parse(sessionStorage.getItem(ORDER)) || []; } catch { /* Nothing was kept. */ }
    const next = order[order.indexOf(main().dataset.request) + by];
    if (order.includes(main().dataset.request) && next) location.assign(`/requests/${encodeURIComponent(next)}`);
  }

  function move(by) {
    const all = rows();
    if (main().dataset.request) return leaf(by);
    const at = all.indexOf(current());
    if (all.length) select(at < 0 ? all[0] : all[Math.min(Math.max(at + by, 0), all.length - 1)]);
  }

  function openForm(root, name) {
    const opener = find(root, `a[href="#${name}"]`);
    const form = root && root.querySelector(`#${name}`);
    if (!opener && !shown(form)) return;
    if (opener) opener.click();
    // The form stands open only once the address has changed, which is after the click.
    requestAnimationFrame(() => find(form || root, "input:not([type=hidden]), textarea, select")?.focus());
  }

  function approve() {
    const root = desk();
    const button = find(root, '#decide button[name="decision"][value="approve"]');
    if (button) button.form.requestSubmit(button);
    else openForm(root, "approve");
  }

  // A decision is never guessed at: where nothing is shown whole to decide on, the key says so instead.
  function here(act) {
    if (desk()) return act();
    const teller = document.getElementById("hint");
    if (!current() || main().dataset.request) return;
    const pane = document.getElementById("pane");
    const why = pane && pane.checkVisibility() ? teller.dataset.loading : teller.dataset.closed;
    teller.textContent = why;
    setTimeout(() => { if (teller.textContent === why) teller.textContent = ""; }, 3000);
  }

  function tick(row) {
    const box = row && row.querySelector('input[name="pick"]');
    if (box) { box.checked = !box.checked; box.dispatchEvent(new Event("change", { bubbles: true })); }
  }

  function tickAll() {
    const boxes = rows().map((row) => row.querySelector('input[name="pick"]')).filter(Boolean);
    const on = !boxes.every((box) => box.checked);
    for (const box of boxes) box.checked = on;
    if (boxes[0]) boxes[0].dispatchEvent(new Event("change", { bubbles: true }));
  }

  function back() {
    const open = location.hash.length > 1 && document.querySelector(".forms .form:target");
    if (open) {
      location.hash = "#decide";
      // What opened it is there again once the address has changed; it has the focus back.
      requestAnimationFrame(() => find(main(), `a[href="#${open.id}"]`)?.focus());
    }
    else if (main().dataset.request) location.assign("/inbox");
    else document.activeElement?.blur();
  }

  const actions = {
    j: () => move(1),
    k: () => move(-1),
    o: () => { const row = current(); if (row) location.assign(link(row).href); },
    a: () => here(approve),
    e: () => here(() => openForm(desk(), "edit")),
    r: () => here(() => openForm(desk(), "reject")),
    s: () => here(() => openForm(desk(), "ask")),
    u: () => find(document, '#toast form[action$="/undo"] button, main form[action$="/undo"] button')?.click(),
    x: () => tick(current()),
    X: tickAll,
    "*": tickAll,
    "/": () => document.getElementById("q")?.focus(),
    g: () => { gone = Date.now(); },
    i: () => { if (Date.now() - gone < 1500) location.assign("/inbox"); },
    "?": () => dialog.showModal(),
  };

  const typing = (at) => at instanceof Element && (at.isContentEditable
    || at.matches('textarea, select, input:not([type="checkbox"]):not([type="radio"])'));

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
    if (dialog.open) return;
    if (event.key === "Escape") return typing(event.target) ? event.target.blur() : back();
    if (!single || typing(event.target) || event.repeat && !"jk".includes(event.key)) return;
    // Enter presses what has the focus; where nothing has, it opens the row.
    const idle = event.target === document.body || event.target === main();
    const action = event.key === "Enter" ? idle && actions.o : Object.hasOwn(actions, event.key) && actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });

  const box = document.getElementById("keys-on");
  box.checked = single;
  box.addEventListener("change", () => {
    single = box.checked;
    try { localStorage.setItem(KEPT, single ? "on" : "off"); } catch { /* It holds for this page, then. */ }
  });
  const opener = document.getElementById("show-keys");
  opener.hidden = false;
  opener.addEventListener("click", () => dialog.showModal());
  if (document.getElementById("list")) {
    addEventListener("pagehide", () => {
      const ids = rows().map((row) => row.dataset.request).filter(Boolean);
      try { sessionStorage.setItem(ORDER, JSON.stringify(ids)); } catch { /* Then j and k stay on the page. */ }
    });
  }
  window.sayso = { ...window.sayso, select, current, rows };
})();
