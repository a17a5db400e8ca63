// Uses the web page as a person would, in Debian's Chromium, and prints as one JSON object what that person saw.
//   node drive.mjs '{"url", "token", "shots", "modules", "chromium", "empty", "huge", "broken", "pictured", "calls"}'
// It judges nothing but that each step comes to its end; the test that starts it does the rest.

import { createRequire } from "node:module";

const given = JSON.parse(process.argv[2]);
const { chromium } = createRequire(`${given.modules}/`)("playwright-core");
const seen = { problems: [], foreign: [], views: {}, wide: {} };
const VIEWS = { rankings: "#/rankings", model: `#/model/${encodeURIComponent(given.model)}`, app: `#/app/${encodeURIComponent(given.app)}`, usage: "#/usage", sessions: "#/sessions", session: `#/session/${encodeURIComponent(given.session)}`, keys: "#/keys" };
const browser = await chromium.launch({ executablePath: given.chromium, args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });

/** A page in a browser of its own, watched for whatever a person would not see. `expected` are errors that a step makes on purpose. */
async function open({ width = 1280, height = 860, scheme = "light", expected = null } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, locale: "en-GB", timezoneId: "UTC" });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const note = (text) => (page.expected ?? expected)?.test(text) || seen.problems.push(text.slice(0, 300));
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && note(message.text()));
  page.on("pageerror", (error) => note(`uncaught: ${error.message}`));
  page.on("request", (request) => request.url().startsWith("http://127.0.0.1:") || seen.foreign.push(request.url()));
  await page.addInitScript(() => document.addEventListener("securitypolicyviolation", (event) => console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`)));
  return page;
}

async function drawn(page, hash) {
  await page.waitForFunction((wanted) => document.getElementById("main").dataset.drawn === wanted, hash);
}

async function go(page, hash) {
  await page.evaluate((to) => { location.hash = to; }, hash);
  await drawn(page, hash);
}

const enter = async (page, url = given.url) => {
  await page.goto(`${url}/#token=${given.token}`);
  await drawn(page, "#/rankings");
};

const text = (page, selector) => page.locator(selector).first().innerText();
const lines = (said) => said.split("\n").filter(Boolean);
const panel = (page, title) => page.locator(".panel").filter({ has: page.locator("h2", { hasText: new RegExp(`^${title}$`) }) });
/** How far the page can be pushed to the left. */
const overflow = (page) => page.evaluate(() => {
  scrollTo(400, scrollY);
  const found = scrollX;
  scrollTo(0, scrollY);
  return found;
});

/** Nobody gets in without the token, and the token is in no address. */
async function gate() {
  const page = await open({ expected: /401/ });
  await page.goto(given.url);
  const field = page.getByLabel("The gateway's token");
  await field.fill("wrong");
  await field.press("Enter");
  await page.locator(".problem").waitFor();
  seen.refused = await text(page, ".problem");
  await field.fill(`${given.url}/#token=${given.token}`);
  await field.press("Enter");
  await drawn(page, "");
  seen.pasted = await page.locator("h2").allInnerTexts();
  await page.context().close();
}

async function views() {
  const page = await open();
  await enter(page);
  seen.address = await page.evaluate(() => [location.href, history.length, Object.values(sessionStorage), Object.values(localStorage)]);
  for (const [name, hash] of Object.entries(VIEWS)) {
    await go(page, hash);
    seen.views[name] = {
      text: await page.locator("main").innerText(),
      title: await page.title(),
      made: await page.evaluate(() => document.querySelectorAll("main img, main script, main iframe").length),
      problems: await page.locator(".problem").allInnerTexts(),
      nameless: await page.evaluate(() => [...document.querySelectorAll("button, select, input, a[href], svg[role]")].filter((one) => !(one.innerText || one.textContent || one.getAttribute("aria-label"))).map((one) => one.outerHTML.slice(0, 90))),
    };
  }
  seen.hurt = await page.evaluate(() => window.hurt ?? null);
  page.expected = /inline/;
  seen.inline = await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "window.inlineRan = true";
    document.body.append(script);
    return window.inlineRan ?? false;
  });
  await page.context().close();
}

async function filters() {
  const page = await open();
  await enter(page);
  const models = () => panel(page, "Top models").locator("tbody tr").evaluateAll((rows) => rows.map((row) => row.innerText.replace(/\s+/g, " ")));
  const step = async (act) => {
    const before = await page.evaluate(() => document.getElementById("main").dataset.drawn);
    await act();
    await page.waitForFunction((old) => { const now = document.getElementById("main").dataset.drawn; return now !== old && now === location.hash; }, before);
    return { hash: await page.evaluate(() => location.hash), models: await models(), range: await text(page, ".range") };
  };
  seen.filters = {
    week: { models: await models(), range: await text(page, ".range") },
    month: await step(() => page.getByRole("button", { name: "Month" }).click()),
    back: await step(() => page.getByRole("button", { name: "One month earlier" }).click()),
    day: await step(() => page.getByRole("button", { name: "Day", exact: true }).click()),
    app: await step(async () => {
      await page.getByLabel("Filter by app").focus();
      await page.getByLabel("Filter by app").selectOption(given.app);
    }),
    focused: await page.evaluate(() => document.activeElement?.tagName),
    cleared: await step(() => page.getByRole("button", { name: "Clear" }).click()),
    trending: await step(() => page.getByRole("button", { name: "Trending" }).click()),
    authors: await step(() => page.getByRole("button", { name: "Authors" }).click()),
    stays: await page.evaluate(() => document.activeElement?.textContent),
  };
  seen.filters.back2 = await step(() => page.goBack());
  await page.getByRole("link", { name: given.title, exact: true }).first().click();
  await page.waitForFunction(() => document.getElementById("main").dataset.drawn?.startsWith("#/app/"));
  seen.filters.led = await page.title();
  await page.context().close();
}

async function chart() {
  const page = await open();
  await enter(page);
  const hero = page.locator(".hero");
  const bars = hero.locator(".column");
  await bars.last().hover();
  const tip = hero.locator(".tip");
  seen.chart = { bars: await bars.count(), tip: lines(await tip.innerText()) };
  await page.mouse.move(5, 5);
  seen.chart.gone = await tip.isHidden();
  // By the keyboard alone: one stop for all bars, arrows between them.
  await hero.getByRole("button", { name: "Apps" }).focus();
  await page.keyboard.press("Tab");
  const focused = () => page.evaluate(() => document.activeElement?.getAttribute("aria-label"));
  seen.chart.first = await focused();
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  seen.chart.third = await focused();
  seen.chart.said = await page.locator("#announce").textContent();
  seen.chart.shown = await tip.isVisible();
  await page.keyboard.press("Escape");
  seen.chart.escaped = await tip.isHidden();
  await page.keyboard.press("Home");
  seen.chart.home = await focused();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => location.hash.includes("date=") && document.getElementById("main").dataset.drawn === location.hash);
  seen.chart.picked = await page.evaluate(() => location.hash);
  seen.chart.marked = await hero.locator(".column.picked").evaluateAll((bars) => bars.map((bar) => bar.getAttribute("aria-label")));
  seen.chart.stays = await focused();
  await hero.locator(".legend button").nth(1).click();
  seen.chart.lit = await hero.locator(".piece.on").evaluateAll((pieces) => [...new Set(pieces.map((one) => one.dataset.name))]);
  await hero.locator(".as-table summary").click();
  await hero.locator(".as-table tbody tr").first().waitFor();
  seen.chart.rows = await hero.locator(".as-table tbody tr").count();
  seen.chart.head = await hero.locator(".as-table thead th").allInnerTexts();
  await page.keyboard.press("Control+Home");
  await page.context().close();
}

async function growth() {
  const page = await open();
  await enter(page);
  await go(page, VIEWS.session);
  const hero = page.locator(".hero");
  const bars = hero.locator(".column:not(.faint)");
  await bars.last().hover();
  seen.growth = { bars: await bars.count(), ahead: await hero.locator(".column.faint").count(), limit: await hero.locator(".limit text").allTextContents(), tip: lines(await hero.locator(".tip").innerText()), legend: await hero.locator(".legend-name").allInnerTexts() };
  await page.getByRole("button", { name: "By what it costs" }).click();
  seen.growth.costs = await hero.locator(".legend-name").allInnerTexts();
  await page.context().close();
}

async function themes() {
  const page = await open({ scheme: "dark" });
  await enter(page);
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const button = page.locator("#theme");
  seen.themes = { dark: await ground() };
  await go(page, VIEWS.sessions);
  await button.click();
  await button.click();
  seen.themes.light = await ground();
  seen.themes.said = await button.getAttribute("aria-label");
  await page.reload();
  await drawn(page, VIEWS.sessions);
  seen.themes.kept = await ground();
  await page.context().close();
}

async function sizes() {
  for (const width of [360, 768, 1600]) {
    const page = await open({ width });
    await enter(page);
    for (const [name, hash] of Object.entries(VIEWS)) {
      await go(page, hash);
      seen.wide[`${name} ${width}`] = await overflow(page);
    }
    await page.context().close();
  }
}

async function states() {
  const page = await open({ expected: /404|500|Failed to load|ERR_/ });
  await enter(page, given.empty);
  seen.empty = {};
  for (const name of ["rankings", "usage", "sessions"]) {
    await go(page, VIEWS[name]);
    seen.empty[name] = await page.locator("main").innerText();
  }
  await enter(page, given.huge);
  const figure = page.locator("td.main .figure").first();
  seen.huge = { short: await figure.innerText(), long: await figure.getAttribute("title") };
  await figure.click();
  seen.huge.tapped = await figure.innerText();
  await page.goto(`${given.broken}/#token=${given.token}`);
  await page.locator(".problem").first().waitFor();
  seen.broken = await text(page, ".problem");
  await page.context().close();
}

/** The pure modules, called in the browser they are for. */
async function calls() {
  const page = await open();
  await page.goto(`${given.url}/`);
  seen.calls = await page.evaluate(async (asked) => {
    const plain = (value) => JSON.parse(JSON.stringify(value ?? null, (_, one) => (typeof one === "bigint" ? `${one}n` : one instanceof Map ? [...one] : one instanceof Set ? [...one] : one)));
    const found = [];
    for (const [module, name, values] of asked) {
      const all = await import(`/assets/${module}.js`);
      found.push(plain(all[name](...values)));
    }
    return found;
  }, given.calls);
  await page.context().close();
}

/** For the documents and for whoever changes the page: every view, light and dark, on a desk and in a hand. */
async function pictures() {
  for (const [name, options] of Object.entries({ light: {}, dark: { scheme: "dark" }, phone: { width: 390, height: 780 } })) {
    const page = await open(options);
    await enter(page, given.pictured);
    for (const [view, hash] of Object.entries(VIEWS)) {
      await go(page, hash);
      if (view === "rankings" && name === "light") {
        await page.locator(".hero .column").nth(7).hover();
      }
      await page.screenshot({ path: `${given.shots}/${view}-${name}.png` });
      await page.mouse.move(2, 2);
      await page.screenshot({ path: `${given.shots}/${view}-${name}-whole.png`, fullPage: true });
    }
    await page.context().close();
  }
}

const steps = { gate, views, filters, chart, growth, themes, sizes, states, calls, ...(given.shots ? { pictures } : {}) };
const begun = Date.now();
seen.took = {};
for (const [name, play] of Object.entries(steps)) {
  if (given.only && !given.only.includes(name)) {
    continue;
  }
  try {
    await play();
  } catch (error) {
    seen.problem = `${name}: ${String(error?.message ?? error).slice(0, 1_500)}`;
    break;
  }
  seen.took[name] = (Date.now() - begun) / 1000;
}
await browser.close().catch(() => undefined);
console.log(JSON.stringify(seen));
process.exitCode = seen.problem === undefined ? 0 : 1;
