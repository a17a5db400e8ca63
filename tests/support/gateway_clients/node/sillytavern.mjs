// Types a conversation into SillyTavern's page and prints, as JSON, what was answered.
//   node sillytavern.mjs '{"url", "modules", "chromium", "key", "turns", "shot"}'
import { createRequire } from "node:module";

const given = JSON.parse(process.argv[2]);
const { chromium } = createRequire(`${given.modules}/`)("playwright-core");
const browser = await chromium.launch({ executablePath: given.chromium, args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
page.setDefaultTimeout(60_000);

async function until(what, done) {
  const last = Date.now() + 60_000;
  while (!(await done())) {
    if (Date.now() > last) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function open() {
  await page.goto(given.url, { waitUntil: "domcontentloaded" });
  await page.locator("#preloader").waitFor({ state: "detached" });
}

const said = (mine) => page.locator(`#chat .mes[is_user="${mine}"]`).count();

try {
  await open();
  const status = await page.evaluate(async (value) => {
    const { token } = await (await fetch("/csrf-token")).json();
    const headers = { "Content-Type": "application/json", "X-CSRF-Token": token };
    const body = JSON.stringify({ key: "api_key_custom", value });
    return (await fetch("/api/secrets/write", { method: "POST", headers, body })).status;
  }, given.key);
  if (status !== 200) throw new Error(`the key was not taken: ${status}`);
  await open();
  await page.locator("#send_textarea[placeholder^='Type']").waitFor();
  for (let turn = 1; turn <= given.turns; turn += 1) {
    // What is typed while the last answer is still being put away is swallowed.
    await until("a message to be sent", async () => {
      if ((await said(true)) >= turn) return true;
      await page.locator("#send_textarea").fill(`Question ${turn}: what more is there to tell of tally sticks?`);
      await page.locator("#send_but").click();
      await page.waitForTimeout(300);
      return (await said(true)) >= turn;
    });
    await until("an answer", async () => {
      const busy = await page.evaluate(() => Boolean(document.body.dataset.generating));
      return !busy && (await said(false)) >= turn;
    });
  }
  const answers = await page.locator('#chat .mes[is_user="false"] .mes_text').allTextContents();
  console.log(JSON.stringify(answers.map((text) => text.trim())));
} finally {
  await page.screenshot({ path: given.shot });
  await browser.close();
}
