// The queue on a wide screen: the selected request is read and decided beside the list. The list changes piece by piece,
// so that what has the focus, what is ticked and what is scrolled to stay where they are. Without this file a row is a
// link to the request's page.
"use strict";
(() => {
  const pane = document.getElementById("pane");
  const list = document.getElementById("list");
  const form = document.getElementById("picks");
  const toast = document.getElementById("toast");
  const main = document.getElementById("main");
  if (!pane || !list || !window.htmx) return;
  const { fetched, watchRead, soon, tick, rows, current, select } = window.sayso;
  const wide = () => getComputedStyle(pane).display !== "none";
  const link = (row) => row.querySelector("a");
  const keyOf = (row) => row.dataset.request || row.dataset.heap;
  const rowOf = (id) => list.querySelector(`[data-request="${CSS.escape(id)}"]`);
  const sheet = () => pane.querySelector("[data-request]");
  let wanted = 0;
  let pressed = false;

  // --- The reading pane -----------------------------------------------------------------------------------------------

  // A page has one main; in the pane it is an article. No text of an agent's can hold this tag: all of it is escaped.
  function asArticle(html) {
    return html.replace(/<main id="main"/, '<article id="sheet"').replace("</main>", "</article>");
  }

  function load(path, options = {}) {
    pane.setAttribute("aria-busy", "true");
    return htmx.ajax(options.verb || "GET", path, {
      source: options.source || pane, target: "#pane", select: "#sheet", swap: "innerHTML", values: options.values,
    });
  }

  document.body.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target !== pane) return;
    const call = event.detail.xhr;
    const at = new URL(call.responseURL || location.href, location.href).pathname;
    if (at.startsWith("/sign-in")) { event.detail.shouldSwap = false; location.assign(location.href.split("#")[0]); return; }
    const row = current();
    const asked = event.detail.requestConfig.verb === "get";
    // The answer for a row that was left meanwhile comes too late.
    if (asked && row && row.dataset.request && at !== `/requests/${row.dataset.request}`) { event.detail.shouldSwap = false; return; }
    event.detail.serverResponse = asArticle(event.detail.serverResponse);
  });

  document.body.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target !== pane) return;
    pane.setAttribute("aria-busy", "false");
    const shown = pane.firstElementChild;
    if (!shown) return fail(null);
    pane.scrollTop = 0;
    // An answer at the address of a form, such as a refusal, names its request all the same.
    const id = /^\/requests\/([^/]+)/.exec(event.detail.pathInfo.requestPath);
    if (id && !shown.dataset.request) shown.dataset.request = id[1];
    history.replaceState(null, "", location.pathname + location.search);
    if (event.detail.requestConfig.verb !== "get") return after(event, shown);
    watchRead(shown);
  });

  for (const name of ["htmx:sendError", "htmx:timeout", "htmx:swapError"]) document.body.addEventListener(name, fail);

  function fail(event) {
    if (event && event.detail.target && event.detail.target !== pane) return;
    const said = document.createElement("p");
    said.className = "none";
    said.setAttribute("role", "alert");
    said.textContent = pane.dataset.failed;
    // What was typed into a form that could not be sent stays.
    const sent = event && event.detail.requestConfig && event.detail.requestConfig.verb !== "get";
    if (sent) { said.className = "banner bad"; pane.prepend(said); } else pane.replaceChildren(said);
    pane.setAttribute("aria-busy", "false");
  }

  // Forms in the pane, and Undo anywhere on the page, are sent from here.
  document.addEventListener("submit", (event) => {
    const sent = event.target;
    const undo = sent.matches('[action$="/undo"]') && main.contains(sent);
    if (event.defaultPrevented || sent.method !== "post" || !(pane.contains(sent) || undo && wide())) return;
    event.preventDefault();
    if (pane.getAttribute("aria-busy") === "true") return;
    const values = Object.fromEntries(new FormData(sent, event.submitter));
    // What is taken back is shown next, whichever row was being read.
    if (undo) mark(rowOf(sent.getAttribute("action").split("/")[2]));
    // The form's own fields are all in `values`; the pane as the source adds none.
    load(sent.getAttribute("action"), { verb: "POST", values });
  });

  // Links to the very request that is shown, such as the way back out of a form, stay in the pane.
  pane.addEventListener("click", (event) => {
    const to = event.target.closest("a[href]");
    const shown = sheet();
    if (!to || !shown || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    if (to.origin !== location.origin || to.pathname !== `/requests/${shown.dataset.request}` || to.search) return;
    event.preventDefault();
    if (to.hash) location.hash = to.hash;
    else load(to.pathname);
  });

  // What a form's answer means: a refusal stays before the reader's eyes, what was decided gives way to the next row.
  async function after(event, shown) {
    soon();
    if (event.detail.xhr.status >= 400) {
      (shown.querySelector("[autofocus], [aria-invalid=true]") || pane).focus();
      return;
    }
    const id = shown.dataset.request;
    const left = current();
    const all = rows();
    const next = left && (all[all.indexOf(left) + 1] || all[all.indexOf(left) - 1]);
    await renew(id);
    if (event.detail.pathInfo.requestPath.endsWith("/undo")) { select(rowOf(id)); return; }
    // A row that changed is another element by now.
    const anew = (row) => row && rows().find((one) => keyOf(one) === keyOf(row));
    const now = anew(left);
    const over = !now || now.classList.contains("gone");
    // Who may still decide it, as after an escalation, stays with it.
    if (!over && now.querySelector("input[name=pick]")) { pane.focus(); return; }
    if (over && now) now.remove();
    const then = anew(next) || rows()[0];
    if (then) select(then);
    else pane.focus();
  }

  // --- Selecting rows -------------------------------------------------------------------------------------------------

  function mark(row) {
    for (const one of rows()) {
      if (one === row) continue;
      link(one).removeAttribute("aria-current");
      if (one.classList.contains("gone")) one.remove();
    }
    if (row) link(row).setAttribute("aria-current", "true");
  }

  function open(row, wait = 0) {
    mark(row);
    clearTimeout(wanted);
    if (!wide() || !row.dataset.request) return;
    wanted = setTimeout(() => {
      const shown = sheet();
      if (shown && shown.dataset.request === row.dataset.request && shown.dataset.version === row.dataset.shown) return;
      load(`/requests/${row.dataset.request}`);
    }, wait);
  }

  list.addEventListener("chosen", (event) => open(event.target.closest("li"), 80));
  list.addEventListener("click", (event) => {
    const row = event.target.closest("a.entry")?.closest("li");
    const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
    // Enter, and whatever presses a link without a pointer, opens the page.
    if (!row || !plain || !event.detail || !wide() || !row.dataset.request) return;
    event.preventDefault();
    open(row);
  });
  list.addEventListener("focusin", (event) => {
    const row = event.target.closest("li");
    if (row && event.target.matches("a.entry:focus-visible") && link(row).getAttribute("aria-current") !== "true") open(row, 120);
  });
  document.addEventListener("read", (event) => {
    const row = rowOf(event.detail.request);
    if (!row || row.dataset.revision !== event.detail.revision) return;
    row.classList.remove("unread");
    row.querySelectorAll(".title > .dot, .title > .say").forEach((mark) => mark.remove());
    row.dataset.version = row.dataset.version.replace(/1$/, "0");
  });

  // --- Ticking --------------------------------------------------------------------------------------------------------

  function tell() {
    const n = form.querySelectorAll('[name="pick"]:checked').length;
    const said = document.getElementById("picked");
    said.textContent = n === 1 ? said.dataset.one : said.dataset.many.replace("{n}", n);
  }
  form.addEventListener("change", tell);
  form.addEventListener("reset", () => setTimeout(tell));
  tell();

  // --- Bringing the list up to date -----------------------------------------------------------------------------------

  function merge(next) {
    const before = new Map([...list.children].map((row) => [keyOf(row), row]));
    const fresh = [...next.querySelectorAll("#list > li")];
    const names = new Set(fresh.map(keyOf));
    const held = current();
    const focus = document.activeElement;
    const mine = list.contains(focus) ? focus.closest("li") : held;
    const high = mine ? mine.getBoundingClientRect().top : -1;
    // Those that go, first: a row that is moved loses the focus, and none has to be moved where others only leave.
    for (const [key, row] of before) {
      if (names.has(key)) continue;
      // The row that somebody reads stays until they move on; it can be decided no more.
      if (row === held) { row.classList.add("gone"); row.querySelector('[name="pick"]')?.remove(); } else row.remove();
    }
    let at = null;
    for (const row of fresh) {
      const old = before.get(keyOf(row));
      let kept = old;
      if (!old) kept = row;
      else if (old.dataset.version !== row.dataset.version || old.classList.contains("gone")) kept = exchanged(old, row);
      let place = at ? at.nextElementSibling : list.firstElementChild;
      if (place && place === held && !names.has(keyOf(held))) place = place.nextElementSibling;
      if (place !== kept) list.insertBefore(kept, place);
      at = kept;
    }
    const now = mine && rows().find((row) => keyOf(row) === keyOf(mine));
    if (now && mine.contains(focus) && !now.contains(document.activeElement)) {
      now.querySelector(focus.matches("a") ? "a" : "input")?.focus({ preventScroll: true });
    }
    // What somebody is at stays where it is on the screen, whatever comes or goes above it.
    if (now && high >= 0 && high < innerHeight) scrollBy(0, now.getBoundingClientRect().top - high);
    tell();
  }

  function exchanged(old, row) {
    const box = old.querySelector('[name="pick"]');
    const ticked = box && box.checked;
    const here = old.contains(document.activeElement) && document.activeElement.matches("a") ? "a" : "input";
    const focus = old.contains(document.activeElement);
    if (link(old).getAttribute("aria-current")) link(row).setAttribute("aria-current", "true");
    old.replaceWith(row);
    const fresh = row.querySelector('[name="pick"]');
    if (fresh) fresh.checked = Boolean(ticked);
    if (focus) row.querySelector(here)?.focus({ preventScroll: true });
    return row;
  }

  function put(next, title) {
    merge(next);
    for (const part of main.querySelectorAll("[data-part]")) {
      const fresh = next.querySelector(`[data-part="${part.dataset.part}"]`);
      if (fresh && fresh.innerHTML !== part.innerHTML && !part.contains(document.activeElement)) part.innerHTML = fresh.innerHTML;
    }
    main.dataset.version = next.dataset.version;
    document.title = title;
    tick();
    changed();
  }

  // What is read in the pane is never swapped while it may be decided there; its reader is told.
  function changed() {
    const shown = sheet();
    const row = current();
    if (!shown || !row || shown.dataset.request !== row.dataset.request || pane.getAttribute("aria-busy") === "true") return;
    if (row.classList.contains("gone") ? !shown.querySelector("#decide") : shown.dataset.version === row.dataset.shown) return;
    const notice = shown.querySelector("#changed");
    if (notice) notice.hidden = false;
  }

  main.addEventListener("fresh", (event) => {
    event.preventDefault();
    const { next, title } = event.detail;
    if (pressed) { addEventListener("pointerup", () => setTimeout(() => put(next, title)), { once: true }); return; }
    put(next, title);
  });
  addEventListener("pointerdown", () => { pressed = true; });
  for (const name of ["pointerup", "pointercancel", "blur"]) addEventListener(name, () => { pressed = false; });

  document.addEventListener("moved", (event) => {
    const shown = sheet();
    if (shown && event.detail.id === shown.dataset.request) soon();
  });

  // --- What was just decided ------------------------------------------------------------------------------------------

  async function renew(id) {
    const address = new URL(location.href);
    address.hash = "";
    address.searchParams.set("done", id);
    const fresh = await fetched(address.pathname + address.search);
    const next = fresh && fresh.querySelector("main[data-refresh]");
    if (!next) return;
    const said = next.querySelector("#toast");
    toast.innerHTML = said ? said.innerHTML : "";
    countDown();
    put(next, fresh.title);
  }

  function countDown() {
    const undo = toast.querySelector("form[data-until]");
    const left = undo && undo.querySelector(".left");
    if (!left) return;
    const skew = Date.parse(document.getElementById("live").dataset.now) - loaded;
    const step = () => {
      if (!undo.isConnected) return;
      const seconds = Math.ceil((Date.parse(undo.dataset.until) - Date.now() - skew) / 1000);
      if (seconds <= 0) { undo.remove(); return; }
      // Read out once, with the message; not every second.
      left.setAttribute("aria-hidden", "true");
      left.textContent = left.dataset.left.replace("{seconds}", seconds);
      setTimeout(step, 500);
    };
    step();
  }
  const loaded = performance.timeOrigin + performance.now();
  toast.addEventListener("click", (event) => { if (event.target.closest("[data-close]")) toast.replaceChildren(); });
  countDown();
})();
