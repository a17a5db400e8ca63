// Which colour a name has. The colours themselves are in style.css; tests hold that colour-blind eyes tell them apart.

export const HUES = 10;
const given = new Map();

/** The class of a name's colour: the same name keeps its colour in every chart and table of its kind. */
export function hue(kind, name) {
  if (name === "other" || name === "") {
    return "hue-other";
  }
  const known = given.get(kind);
  return known?.has(name) ? `hue-${known.get(name)}` : "hue-other";
}

/** Gives colours to the names of a chart, its largest first. A name that had one keeps it where nobody here has the same. */
export function paint(kind, names) {
  const before = given.get(kind) ?? new Map();
  const now = new Map();
  const free = new Set(Array.from({ length: HUES }, (_, at) => at));
  for (const name of names) {
    const old = before.get(name);
    if (name !== "other" && old !== undefined && free.delete(old)) {
      now.set(name, old);
    }
  }
  for (const name of names) {
    const [next] = free;
    if (name !== "other" && !now.has(name) && next !== undefined) {
      free.delete(next);
      now.set(name, next);
    }
  }
  given.set(kind, now);
}

/** What fills a window, from the bottom: what is the same in each request first, what grows above it. */
export const FAMILIES = ["system", "tools", "rules", "map", "files", "prompt", "history", "tool_output", "reasoning", "output", "other"];
const FAMILY_HUES = { system: 5, tools: 1, rules: 4, map: 8, files: 2, prompt: 3, history: 0, tool_output: 6, reasoning: 7, output: 9 };

export function familyHue(family) {
  return Object.hasOwn(FAMILY_HUES, family) ? `hue-${FAMILY_HUES[family]}` : "hue-other";
}
