// Plays one person's hour in real VS Code and prints, as one JSON object, what that person saw.
//   node drive.mjs '{"url", "shots", "home", "modules", "chromium", "inline", "settings"}'
// It judges nothing but that each step comes to its end; the test that starts it does the rest.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chatFrame, command, editorText, openFile, statusBar, typeAtStart, until } from "./workbench.mjs";

const given = JSON.parse(process.argv[2]);
const { chromium } = createRequire(`${given.modules}/`)("playwright-core");
const seen = { steps: [], console: [] };
const begun = Date.now();
let shots = 0;

const browser = await chromium.launch({ executablePath: given.chromium, args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
page.setDefaultTimeout(45_000);
page.on("console", (message) => {
  // Of VS Code's own noise nothing is wanted.
  if (message.type() === "error" && /tallystick/i.test(message.text()) && seen.console.length < 50) {
    seen.console.push(message.text().slice(0, 200));
  }
});

async function picture(name) {
  shots += 1;
  await page.screenshot({ path: `${given.shots}/${String(shots).padStart(2, "0")}-${name}.png` });
}

/** The processes that serve this test, and no others. */
function servers() {
  return readdirSync("/proc").filter((name) => {
    try {
      const command = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0");
      const serves = /^\d+$/.test(name) && command.includes("tallystick_server") && command.includes("lsp");
      return serves && readFileSync(`/proc/${name}/environ`, "utf8").split("\0").includes(`TALLYSTICK_HOME=${given.home}`);
    } catch {
      return false;
    }
  }).map(Number);
}

async function trust() {
  await page.goto(given.url, { waitUntil: "domcontentloaded" });
  await page.locator(".explorer-folders-view .monaco-list-row").first().waitFor({ timeout: 90_000 });
  await until("the status bar", async () => (await statusBar(page)).text);
  seen.untrusted = { servers: servers(), status: (await statusBar(page)).text };
  await command(page, "Tallystick: Focus on Chat View");
  const frame = await chatFrame(page);
  await frame.locator("#banner:not([hidden])").waitFor();
  seen.untrusted.banner = await frame.locator("#banner").textContent();
  await picture("untrusted");
  await frame.locator("#banner button").click();
  await page.locator(".workspace-trust-editor").getByRole("button", { name: "Trust", exact: true }).click();
  await until("the server", async () => servers().length === 1);
  await frame.locator("#banner").waitFor({ state: "hidden" });
  const editor = page.locator(".workspace-trust-editor");
  await until("the trust editor to close", async () => {
    await page.keyboard.press("Control+w");
    return editor.waitFor({ state: "hidden", timeout: 1_000 }).then(() => true, () => false);
  });
  await command(page, "Preferences: Toggle between Light/Dark Themes");
}

async function unsavedText() {
  await openFile(page, "a.py");
  await typeAtStart(page, "# unsaved\n");
  await until("the typed text", async () => (await editorText(page)).startsWith("# unsaved"));
}

async function chat() {
  await command(page, "Tallystick: Focus on Chat View");
  let frame = await chatFrame(page);
  await picture("empty-chat");
  await frame.locator("#prompt").fill("make total count the tax too");
  await frame.locator("#prompt").press("Enter");
  const card = frame.locator(".card").filter({ hasText: "edit a.py" });
  await card.waitFor();
  seen.card = { text: await card.locator(".card-title").textContent(), diff: await card.locator(".diff").textContent(), buttons: await card.locator("button").allTextContents() };
  seen.waiting = await until("the waiting status", async () => {
    const status = await statusBar(page);
    return /May I|wait/i.test(status.label) ? status : undefined;
  });
  seen.badge = await page.locator(".activitybar .badge-content").allTextContents();
  await picture("permission");
  // The page is made anew after it was hidden, and asks the same.
  await command(page, "View: Show Explorer");
  await command(page, "Tallystick: Focus on Chat View");
  frame = await chatFrame(page);
  await frame.locator(".card").filter({ hasText: "edit a.py" }).waitFor();
  seen.focused = await frame.evaluate(() => document.activeElement?.tagName);
  // By the keyboard alone, from the field of prompts.
  await frame.locator("#prompt").focus();
  await until("the button, going back by Tab", async () => {
    await page.keyboard.press("Shift+Tab");
    return frame.evaluate(() => document.activeElement?.textContent === "Allow once");
  });
  await page.keyboard.press("Enter");
  const question = frame.locator(".card").filter({ hasText: "Round" });
  await question.getByRole("button", { name: "to cents" }).click();
  await frame.locator(".end").waitFor();
  seen.chat = {
    message: await frame.locator(".message").last().innerText(),
    code: await frame.locator(".message .code pre").allTextContents(),
    html: await frame.locator(".message").last().evaluate((element) => element.querySelectorAll("img, script, b").length),
    calls: await frame.locator(".call-head").allInnerTexts(),
    usage: await frame.locator(".usage summary").textContent(),
    context: await frame.locator("#context").textContent(),
    thoughts: await frame.locator(".thoughts").first().textContent(),
    announced: await frame.locator("#announce").textContent(),
  };
  seen.edited = await until("the edit", async () => {
    const text = await editorText(page);
    return text.includes("tax") ? text : undefined;
  });
  seen.status = await until("the status", async () => {
    const status = await statusBar(page);
    return /\$/.test(status.text) ? status : undefined;
  });
  await picture("answer");
  await frame.locator(".usage summary").click();
  await frame.locator("#log").evaluate((element) => element.scrollTo(0, element.scrollHeight));
  await picture("where-tokens-went");
  return frame;
}

async function undo(frame) {
  await page.locator(".editor-instance .view-line").first().click();
  await page.keyboard.press("Control+z");
  seen.undone = await until("the editor's undo", async () => {
    const text = await editorText(page);
    return text.includes("tax") ? undefined : text;
  });
  await page.keyboard.press("Control+Shift+z");
  await until("the editor's redo", async () => (await editorText(page)).includes("tax"));
  await frame.getByRole("button", { name: "Undo changes" }).first().click();
  seen.takenBack = await until("our undo", async () => {
    const text = await editorText(page);
    return text.includes("tax") ? undefined : text;
  });
}

async function document() {
  await command(page, "Tallystick: New Chat Document");
  await page.locator('.tab.active[data-resource-name$=".tally.md"]').waitFor();
  await until("the heading", async () => (await editorText(page)).includes("## You"));
  await page.keyboard.press("Control+End");
  await page.keyboard.type("say hello to b.py");
  const lens = page.locator(".codelens-decoration a").filter({ hasText: "Send" });
  await lens.waitFor();
  await lens.click();
  const asked = page.locator(".notification-toast").filter({ hasText: "edit b.py" });
  await asked.waitFor();
  seen.asked = { text: await asked.locator(".notification-list-item-message").textContent(), buttons: await asked.locator(".monaco-button").allTextContents() };
  await picture("chat-document-asks");
  await asked.getByRole("button", { name: "Allow once" }).click();
  await until("the end of the turn in the document", async () => /request/.test(await editorText(page)));
  await picture("chat-document");
  // The code action sends too.
  await page.locator(".editor-instance .view-line").first().click();
  await page.keyboard.press("Control+End");
  await page.keyboard.type("and again 🎉");
  await until("the second prompt", async () => (await editorText(page)).includes("and again"));
  await page.keyboard.press("Control+.");
  const action = page.locator(".action-widget .monaco-list-row").filter({ hasText: "Tallystick: Send" });
  await action.waitFor();
  await action.click();
  await until("the second answer", async () => (await editorText(page)).includes("Again it is."));
  await until("the end of the second turn", async () => ((await editorText(page)).match(/requests?,/g) ?? []).length >= 2);
  seen.document = await editorText(page);
}

/** A task on code that takes words: VS Code's own box asks for them. */
async function ask() {
  await openFile(page, "a.py");
  await page.locator(".editor-instance .view-line").first().click();
  await page.keyboard.press("Control+.");
  const action = page.locator(".action-widget .monaco-list-row").filter({ hasText: "Tallystick: Ask…" });
  await action.waitFor();
  await action.click();
  const input = page.locator(".quick-input-widget input.input");
  await input.waitFor();
  seen.box = await page.locator(".quick-input-widget").innerText();
  await input.fill("what is unsaved here?");
  await input.press("Enter");
  await page.locator('.tab.active[data-resource-name*="what-is-unsaved"]').waitFor();
  seen.askedCode = await until("the answer in a new chat", async () => {
    const text = await editorText(page);
    return /request/.test(text) ? text : undefined;
  });
  await picture("ask-code");
}

async function inline() {
  await openFile(page, "b.py");
  await page.locator(".editor-instance .view-line").last().click();
  await page.keyboard.press("Control+End");
  await page.keyboard.type("\nanswer = ");
  const ghost = page.locator(".ghost-text-decoration, .ghost-text, .ghost-text-decoration-preview");
  await ghost.first().waitFor();
  seen.ghost = (await ghost.allTextContents()).join("").replaceAll("\u00a0", " ");
  await picture("ghost-text");
  await page.keyboard.press("Tab");
  seen.completed = await editorText(page);
}

async function kill(frame) {
  const [first] = servers();
  process.kill(first, "SIGKILL");
  seen.after = await until("another server", async () => {
    const now = servers();
    return now.length === 1 && now[0] !== first ? { other: true } : undefined;
  });
  await frame.locator("#banner").waitFor({ state: "hidden" });
  await frame.locator("#prompt").fill("are you there?");
  await frame.locator("#prompt").press("Enter");
  await frame.locator(".message").filter({ hasText: "Still here." }).waitFor();
  await until("the end of its turn", async () => (await frame.locator("#stop").isHidden()) && (await frame.locator("#send").isVisible()));
  // A death in the middle of a turn.
  await frame.locator("#prompt").fill("wait for me");
  await frame.locator("#prompt").press("Enter");
  await until("the request", async () => (await frame.locator("#activity").textContent()).includes("Asking"));
  const [second] = servers();
  process.kill(second, "SIGKILL");
  await frame.locator(".note.warning").filter({ hasText: "ended in the middle" }).waitFor();
  await until("a third server", async () => servers().some((id) => id !== second));
  await frame.locator("#banner").waitFor({ state: "hidden" });
  await picture("recovered");
  await frame.getByRole("button", { name: "Go on with it" }).click();
  await frame.locator(".message").filter({ hasText: "Here I am." }).waitFor();
  await until("its end", async () => frame.locator("#send").isVisible());
  // Stop.
  await frame.locator("#prompt").fill("never answer");
  await frame.locator("#prompt").press("Enter");
  await frame.locator("#stop:not([hidden])").click();
  await frame.locator(".end").filter({ hasText: "Stopped." }).waitFor();
  seen.recovered = { blocks: await frame.locator("#log > *").count(), notes: await frame.locator(".note").allInnerTexts() };
}

/** Another server by the person's own word, in the middle of a turn. */
async function restart(frame) {
  await frame.locator("#prompt").fill("never answer this either");
  await frame.locator("#prompt").press("Enter");
  await until("the request", async () => (await frame.locator("#activity").textContent()).includes("Asking"));
  const [first] = servers();
  const notes = await frame.locator(".note.warning").count();
  await command(page, "Tallystick: Restart the Server");
  await until("the end of the turn", async () => (await frame.locator(".note.warning").count()) > notes);
  await until("another server", () => servers().length === 1 && servers()[0] !== first);
  await frame.locator("#banner").waitFor({ state: "hidden" });
  await frame.locator("#prompt").fill("and now?");
  await frame.locator("#prompt").press("Enter");
  await frame.locator(".message").filter({ hasText: "After the restart." }).waitFor();
  await until("its end", async () => frame.locator("#send").isVisible());
  seen.restarted = (await frame.locator(".note").allInnerTexts()).at(-1);
}

async function anew(frame) {
  await command(page, "Tallystick: New Chat");
  await frame.locator(".welcome").waitFor();
  seen.anew = await frame.locator("#log > *").count();
}

/** The user's setting names a Python without Tallystick, and then none at all. */
async function wrong(frame) {
  const settings = JSON.parse(readFileSync(given.settings, "utf8"));
  const banner = frame.locator("#banner");
  for (const [name, python] of [["stopped", given.python], ["missing", "/not/there/python"]]) {
    writeFileSync(given.settings, JSON.stringify({ ...settings, "tallystick.python": python }));
    await banner.filter({ hasText: name === "stopped" ? "could not be started" : "/not/there" }).waitFor();
    await until(`the end of every server, ${name}`, () => servers().length === 0);
    seen[name] = { banner: await banner.innerText(), status: await statusBar(page) };
  }
  await picture("missing");
  writeFileSync(given.settings, JSON.stringify(settings));
  await until("the server again", async () => servers().length === 1);
  await banner.waitFor({ state: "hidden" });
}

async function light() {
  await command(page, "Preferences: Toggle between Light/Dark Themes");
  await page.waitForTimeout(300);
  await picture("light");
}

async function step(name, play) {
  const result = await play();
  seen.steps.push(`${name} ${((Date.now() - begun) / 1000).toFixed(1)}s`);
  return result;
}

try {
  await step("trust", trust);
  await step("unsaved", unsavedText);
  const frame = await step("chat", chat);
  await step("undo", () => undo(frame));
  await step("document", document);
  await step("ask", ask);
  if (given.inline) {
    await step("inline", inline);
  }
  await step("kill", () => kill(frame));
  await step("restart", () => restart(frame));
  await step("light", light);
  await step("anew", () => anew(frame));
  await step("wrong", () => wrong(frame));
  seen.toasts = await page.locator(".notification-toast").allInnerTexts();
} catch (error) {
  seen.problem = String(error?.message ?? error).slice(0, 1_500);
  await picture("problem").catch(() => undefined);
}
await browser.close().catch(() => undefined);
console.log(JSON.stringify(seen));
process.exitCode = seen.problem === undefined ? 0 : 1;
