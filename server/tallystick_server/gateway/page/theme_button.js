// The button for light, dark, or as the system has it. `theme.js` reads what it keeps before the first paint.

const KEY = "tallystick-theme";
const NEXT = { "": "dark", dark: "light", light: "" };
const SAID = { "": "Auto", dark: "Dark", light: "Light" };

export function drawTheme(button) {
  const root = document.documentElement;
  const show = () => {
    const now = root.dataset.theme ?? "";
    button.textContent = SAID[now];
    button.setAttribute("aria-label", `Colours: ${SAID[now].toLowerCase()}`);
  };
  button.addEventListener("click", () => {
    const next = NEXT[root.dataset.theme ?? ""];
    if (next) {
      root.dataset.theme = next;
    } else {
      delete root.dataset.theme;
    }
    try {
      localStorage.setItem(KEY, next);
    } catch {
      // Storage is off: it lasts as long as the page does.
    }
    show();
  });
  show();
}
