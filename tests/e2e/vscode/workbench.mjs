// VS Code's window as a person uses it: files, editors, commands, the chat view. Knows nothing of what is tested.

/** An editor shows its lines in any order, and its spaces as no-break spaces. */
export async function editorText(page) {
  const lines = await page.locator(".editor-instance .view-line").evaluateAll((elements) =>
    elements.map((one) => [Number.parseInt(one.style.top, 10), one.textContent.replaceAll("\u00a0", " ")]),
  );
  return lines.sort((one, other) => one[0] - other[0]).map(([, text]) => text).join("\n");
}

export async function until(what, holds, timeout = 45_000) {
  const end = Date.now() + timeout;
  for (;;) {
    const found = await holds();
    if (found) {
      return found;
    }
    if (Date.now() > end) {
      throw new Error(`timed out waiting for ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
}

/** The window's field for commands and files. A key may come while the window is busy with another thing: it is pressed anew. */
async function quickInput(page, key) {
  const input = page.locator(".quick-input-widget input.input");
  await until(`the field of ${key}`, async () => {
    await page.keyboard.press(key);
    return input.waitFor({ timeout: 3_000 }).then(() => true, () => false);
  });
  return input;
}

export async function command(page, title) {
  const input = await quickInput(page, "F1");
  await input.fill(`>${title}`);
  // One command's title may begin another's; a row's own name is the whole of one.
  const row = page.locator(".quick-input-list .monaco-list-row").filter({ has: page.locator(".label-name", { hasText: new RegExp(`^${title}$`) }) });
  await row.first().click();
  await page.locator(".quick-input-widget").waitFor({ state: "hidden" });
}

export async function openFile(page, name) {
  const input = await quickInput(page, "Control+p");
  await input.fill(name);
  // The list may still be that of the files seen last: Enter would take its first.
  const label = page.locator(".label-name", { hasText: new RegExp(`^${name.replaceAll(".", "\\.")}$`) });
  await page.locator(".quick-input-list .monaco-list-row").filter({ has: label }).first().click();
  await page.locator(`.tab.active[data-resource-name="${name}"]`).waitFor();
  await page.locator(".editor-instance .view-line").first().waitFor();
}

export async function typeAtStart(page, text) {
  await page.locator(".editor-instance .view-line").first().click();
  await page.keyboard.press("Control+Home");
  await page.keyboard.type(text);
}

/** The text of our status bar item, as it is shown and as a screen reader reads it. */
export async function statusBar(page) {
  const item = page.locator('[id="tallystick.tallystick.status"]');
  if ((await item.count()) === 0) {
    return { text: "", label: "" };
  }
  const label = await item.locator("a").first().getAttribute("aria-label").catch(() => "");
  return { text: (await item.textContent()).trim(), label: label ?? "" };
}

/** The frame of our page: a view's page lies in a frame in a frame. */
export async function chatFrame(page) {
  return until("the chat view", async () => {
    for (const frame of page.frames()) {
      if (await frame.locator("#composer").count().catch(() => 0)) {
        return frame;
      }
    }
    return undefined;
  });
}
