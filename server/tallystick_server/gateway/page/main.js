// The page: takes the token, follows the address, draws the view that it names.

import { asker, keepToken, takeToken, token } from "./api.js";
import { announce, h, keepFocus } from "./dom.js";
import { app, model } from "./details.js";
import { DAYS, drawFilters } from "./filters.js";
import { keys } from "./keys.js";
import { shiftDay } from "./format.js";
import { problem } from "./parts.js";
import { rankings } from "./rankings.js";
import { address, parse } from "./route.js";
import { session } from "./session.js";
import { sessions } from "./sessions.js";
import { drawTheme } from "./theme_button.js";
import { usage } from "./usage.js";

const DRAWN = {
  rankings: { title: "Rankings", draw: rankings, filters: ["app", "model", "key"] },
  usage: { title: "Usage", draw: usage, filters: ["app", "model", "key"] },
  sessions: { title: "Sessions", draw: sessions, filters: ["app", "model"] },
  keys: { title: "Keys", draw: keys, filters: [] },
  model: { title: "Model", draw: model, filters: ["key"] },
  app: { title: "App", draw: app, filters: ["key"] },
  session: { title: "Session", draw: session, filters: null },
};
const MENU = ["rankings", "usage", "sessions", "keys"];
/** How long the page waits with what it shows until all of the next is there. */
const PATIENCE_MS = 200;

const main = document.getElementById("main");
/** Names to choose from, as long as they were asked for the same day. */
const choices = { of: null, found: null, now: {} };
let running = null;

function context(route, signal) {
  const today = new Date().toISOString().slice(0, 10);
  const last = route.filters.date || today;
  const here = {
    route, today, waits: [], range: { first: shiftDay(last, 1 - DAYS[route.filters.period]), last },
    ask: asker(signal),
    go: (filters) => { location.hash = address(route.view, route.id, filters); },
    // A chart without titles still tells the apps by their addresses.
    titles: () => named(here).then((found) => new Map(found.app.map(({ value, title }) => [value, title])), () => new Map()),
    refused: (error) => running?.here === here && gate(error),
  };
  return here;
}

/** Apps, models and keys of the last thirty days: what filters offer, and how apps are called. */
async function named(here) {
  const day = here.route.filters.date;
  if (choices.of !== day || !choices.found) {
    const month = { period: "month", date: day };
    choices.of = day;
    choices.found = Promise.all([here.ask("/v1/rankings/apps", { ...month, limit: 200 }), here.ask("/v1/rankings/models", month), here.ask("/v1/keys", month)]).then(([apps, models, keys]) => ({
      app: apps.data.filter(({ name, rank }) => name && rank !== null).map(({ name, title }) => ({ value: name, title, label: title || name })),
      model: models.data.filter(({ rank }) => rank !== null).map(({ name }) => ({ value: name, label: name })),
      key: keys.data.map(({ name }) => ({ value: name, label: name })),
    }));
    choices.found.catch(() => { choices.found = null; });
  }
  return choices.found;
}

function drawBar(here) {
  const place = document.getElementById("filters");
  const { filters } = DRAWN[here.route.view];
  if (running?.here !== here) {
    return;
  }
  if (filters === null) {
    place.hidden = true;
    return;
  }
  drawFilters(place, { filters: here.route.filters, shown: filters, choices: choices.now, today: here.today, change: here.go, range: here.range });
}

async function draw() {
  if (takeToken()) {
    running = null;
  }
  if (!token()) {
    gate(null);
    return;
  }
  const route = parse(location.hash);
  const moved = running?.here.route.view !== route.view || running?.here.route.id !== route.id;
  running?.stop.abort();
  const stop = new AbortController();
  const here = context(route, stop.signal);
  running = { here, stop };
  const view = DRAWN[route.view];
  document.title = `${route.id || view.title} · Tallystick`;
  menu(route);
  drawBar(here);
  if (view.filters) {
    named(here).then((found) => { choices.now = found; drawBar(here); }, () => undefined);
  }
  let parts;
  try {
    parts = view.draw(here);
  } catch (error) {
    parts = [problem(error)];
  }
  main.setAttribute("aria-busy", "true");
  await Promise.race([Promise.allSettled(here.waits), new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);
  if (running?.here !== here) {
    return;
  }
  const focus = keepFocus(main);
  main.replaceChildren(...parts);
  main.removeAttribute("aria-busy");
  if (moved) {
    scrollTo(0, 0);
  }
  await Promise.allSettled(here.waits);
  await frames();
  if (running?.here === here) {
    if (!focus() && document.activeElement === document.body && main.dataset.drawn !== undefined) {
      // Whoever goes on by the keyboard goes on here.
      main.focus({ preventScroll: true });
    }
    document.getElementById("as-of").textContent = `Days begin at 0:00 UTC. Drawn ${new Date().toLocaleTimeString("en-GB")}.`;
    announce(`${view.title} drawn`);
    main.dataset.drawn = location.hash;
  }
}

/** Charts are drawn when they have room, a frame after they are there; in a tab that nobody sees there are no frames. */
function frames() {
  const two = new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  return Promise.race([two, new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);
}

function menu(route) {
  const nav = document.getElementById("nav");
  const { period, date } = route.filters;
  const current = { model: "rankings", app: "rankings", session: "sessions" }[route.view] ?? route.view;
  nav.replaceChildren(...MENU.map((view) => h("a", { href: address(view, "", { period, date }), "aria-current": view === current ? "page" : null }, DRAWN[view].title)));
}

/** Asks for the token where there is none, or the one here was refused. */
function gate(error) {
  running?.stop.abort();
  running = null;
  keepToken(null);
  document.getElementById("filters").hidden = true;
  document.getElementById("nav").replaceChildren();
  const field = h("input", { type: "password", name: "token", "aria-label": "The gateway's token", placeholder: "Token", autocomplete: "off", spellcheck: "false" });
  const form = h("form", { onsubmit: (event) => {
    event.preventDefault();
    const value = /token=([^&\s]+)/.exec(field.value)?.[1] ?? field.value.trim();
    if (value) {
      keepToken(value);
      draw();
    }
  } }, field, h("button", { class: "primary", type: "submit" }, "Open"));
  main.replaceChildren(h("div", { class: "gate" }, error ? problem(error) : null, h("h1", {}, "The gateway's token"), h("p", {}, "These figures are for who runs the gateway. Open the link that ", h("code", {}, "tallystick gateway"), " prints, or paste its token here. It stays in this tab."), form));
  main.removeAttribute("aria-busy");
  document.title = "Tallystick";
  field.focus();
}

addEventListener("hashchange", draw);
document.querySelector(".skip").addEventListener("click", (event) => {
  // The address behind the # is the route's; the jump is made by hand.
  event.preventDefault();
  main.focus();
});
drawTheme(document.getElementById("theme"));
draw();
