// A model's Markdown as a tree: the part of the language that models use. Pure; makes no HTML, and none is understood.

export type Inline =
  | { kind: "text"; text: string }
  | { kind: "code"; text: string }
  | { kind: "strong" | "em" | "del"; children: Inline[] }
  | { kind: "link"; address: string; children: Inline[] }
  | { kind: "break" };

export type Node =
  | { kind: "paragraph"; raw: string; children: Inline[] }
  | { kind: "heading"; raw: string; level: number; children: Inline[] }
  | { kind: "code"; raw: string; language: string; text: string }
  | { kind: "list"; raw: string; ordered: boolean; start: number; items: { checked: boolean | null; children: Node[] }[] }
  | { kind: "quote"; raw: string; children: Node[] }
  | { kind: "table"; raw: string; head: Inline[][]; rows: Inline[][][] }
  | { kind: "rule"; raw: string };

const DEEPEST = 8;
const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([^`]*)$/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])(\s+|$)/;
const QUOTE = /^ {0,3}> ?/;
const TABLE_RULE = /^ {0,3}\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

export function parse(text: string): Node[] {
  return blocks(text.replace(/\r\n?/g, "\n").replace(/\t/g, "    ").split("\n"), 0);
}

function blocks(lines: readonly string[], depth: number): Node[] {
  const found: Node[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at] ?? "";
    if (!line.trim()) {
      at += 1;
      continue;
    }
    const [node, next] = block(lines, at, depth);
    found.push(node);
    at = next;
  }
  return found;
}

/** The block that begins at a line, and the line after it. */
function block(lines: readonly string[], at: number, depth: number): [Node, number] {
  const line = lines[at] ?? "";
  const fence = FENCE.exec(line);
  if (fence) {
    return fenced(lines, at, fence);
  }
  const heading = HEADING.exec(line);
  if (heading) {
    return [{ kind: "heading", raw: line, level: heading[1]?.length ?? 1, children: inline(heading[2] ?? "") }, at + 1];
  }
  if (RULE.test(line)) {
    return [{ kind: "rule", raw: line }, at + 1];
  }
  if (QUOTE.test(line) && depth < DEEPEST) {
    const next = end(lines, at, (one) => !QUOTE.test(one));
    const inner = lines.slice(at, next).map((one) => one.replace(QUOTE, ""));
    return [{ kind: "quote", raw: lines.slice(at, next).join("\n"), children: blocks(inner, depth + 1) }, next];
  }
  if (ITEM.test(line) && depth < DEEPEST) {
    return list(lines, at, depth);
  }
  if (line.includes("|") && TABLE_RULE.test(lines[at + 1] ?? "") && (lines[at + 1] ?? "").includes("-")) {
    return table(lines, at);
  }
  const next = end(lines, at + 1, begins);
  const raw = lines.slice(at, next).join("\n");
  return [{ kind: "paragraph", raw, children: inline(raw.trim()) }, next];
}

/** Whether a line ends the paragraph before it. */
function begins(line: string): boolean {
  return !line.trim() || FENCE.test(line) || HEADING.test(line) || RULE.test(line) || QUOTE.test(line) || ITEM.test(line);
}

function end(lines: readonly string[], from: number, ends: (line: string) => boolean): number {
  let at = from;
  while (at < lines.length && !ends(lines[at] ?? "")) {
    at += 1;
  }
  return at;
}

function fenced(lines: readonly string[], at: number, fence: RegExpExecArray): [Node, number] {
  const marks = fence[1] ?? "```";
  const closing = new RegExp(`^ {0,3}\\${marks[0]}{${marks.length},}\\s*$`);
  const close = end(lines, at + 1, (line) => closing.test(line));
  const raw = lines.slice(at, close + 1).join("\n");
  return [{ kind: "code", raw, language: (fence[2] ?? "").trim().split(/\s/)[0] ?? "", text: lines.slice(at + 1, close).join("\n") }, close + 1];
}

function list(lines: readonly string[], at: number, depth: number): [Node, number] {
  const first = ITEM.exec(lines[at] ?? "")?.[2] ?? "-";
  const ordered = /\d/.test(first);
  const items: { checked: boolean | null; children: Node[] }[] = [];
  let next = at;
  for (;;) {
    const mark = ITEM.exec(lines[next] ?? "");
    if (!mark || /\d/.test(mark[2] ?? "") !== ordered || RULE.test(lines[next] ?? "")) {
      break;
    }
    const [item, after] = content(lines, next, mark[0].length);
    const task = /^\[([ xX~])\] /.exec(item[0] ?? "");
    const inner = task ? [(item[0] ?? "").slice(4), ...item.slice(1)] : item;
    items.push({ checked: task ? /x/i.test(task[1] ?? "") : null, children: blocks(inner, depth + 1) });
    next = after;
    const further = end(lines, next, (line) => Boolean(line.trim()));
    if (ITEM.test(lines[further] ?? "")) {
      next = further;
    }
  }
  return [{ kind: "list", raw: lines.slice(at, next).join("\n"), ordered, start: ordered ? Number.parseInt(first, 10) : 1, items }, next];
}

/** The lines of one item without their indentation, and the line after it. */
function content(lines: readonly string[], at: number, width: number): [string[], number] {
  const found = [(lines[at] ?? "").slice(width)];
  let next = at + 1;
  let blank = false;
  while (next < lines.length) {
    const line = lines[next] ?? "";
    const indent = line.length - line.trimStart().length;
    if (!line.trim()) {
      blank = true;
    } else if (indent >= Math.min(width, 2)) {
      blank = false;
    } else if (blank || begins(line)) {
      break;
    }
    found.push(line.slice(Math.min(width, indent)));
    next += 1;
  }
  while (found.length > 1 && !found.at(-1)?.trim()) {
    found.pop();
    next -= 1;
  }
  return [found, next];
}

function table(lines: readonly string[], at: number): [Node, number] {
  const next = end(lines, at + 2, (line) => !line.includes("|"));
  const rows = lines.slice(at + 2, next).map(cells);
  return [{ kind: "table", raw: lines.slice(at, next).join("\n"), head: cells(lines[at] ?? ""), rows }, next];
}

function cells(line: string): Inline[][] {
  const bare = line.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "");
  return bare.split(/(?<!\\)\|/).map((cell) => inline(cell.trim().replaceAll("\\|", "|")));
}

const PAIRS = [
  ["**", "strong"],
  ["__", "strong"],
  ["~~", "del"],
  ["*", "em"],
  ["_", "em"],
] as const;

/** Marks inside a line. Each closing mark is looked for once where there is none, so that long texts stay cheap. */
export function inline(text: string, depth = 0): Inline[] {
  const found: Inline[] = [];
  const absent = new Set<string>();
  let plain = "";
  let at = 0;
  const closing = (mark: string, from: number): number => {
    const place = absent.has(mark) ? -1 : text.indexOf(mark, from);
    if (place < 0) {
      absent.add(mark);
    }
    return place;
  };
  const take = (node: Inline, to: number): void => {
    if (plain) {
      found.push({ kind: "text", text: plain });
      plain = "";
    }
    found.push(node);
    at = to;
  };
  while (at < text.length) {
    const here = text[at] ?? "";
    if (here === "\\" && /[\\`*_{}[\]()#+\-.!|~<>]/.test(text[at + 1] ?? "")) {
      plain += text[at + 1];
      at += 2;
    } else if (here === "`") {
      const marks = /^`+/.exec(text.slice(at, at + 32))?.[0] ?? "`";
      const close = closing(marks, at + marks.length);
      if (close < 0) {
        plain += marks;
        at += marks.length;
      } else {
        take({ kind: "code", text: text.slice(at + marks.length, close).replace(/\n/g, " ").replace(/^ (.+) $/, "$1") }, close + marks.length);
      }
    } else if (here === "\n") {
      // A line break of a model is meant as one more often than not.
      plain = plain.trimEnd();
      take({ kind: "break" }, at + 1);
    } else if (here === "[" && depth < DEEPEST && link(text, at) !== undefined) {
      const [label, address, to] = link(text, at) ?? ["", "", at + 1];
      take({ kind: "link", address, children: inline(label, DEEPEST) }, to);
    } else if (here === "h" && /^https?:\/\//.test(text.slice(at, at + 8)) && !/\w/.test(text[at - 1] ?? "")) {
      const address = (/^[^\s<>"'`)\]]+/.exec(text.slice(at, at + 2_000))?.[0] ?? "").replace(/[.,;:!?]+$/, "");
      take({ kind: "link", address, children: [{ kind: "text", text: address }] }, at + address.length);
    } else {
      const pair = depth < DEEPEST ? PAIRS.find(([mark]) => text.startsWith(mark, at)) : undefined;
      const to = pair === undefined ? -1 : emphasis(text, at, pair[0], closing);
      if (pair === undefined || to < 0) {
        const length = pair?.[0].length ?? 1;
        plain += text.slice(at, at + length);
        at += length;
      } else {
        const [mark, kind] = pair;
        take({ kind, children: inline(text.slice(at + mark.length, to), depth + 1) }, to + mark.length);
      }
    }
  }
  return plain ? [...found, { kind: "text", text: plain }] : found;
}

/** Where the mark that begins at a place is closed; −1 where it is no emphasis. */
function emphasis(text: string, at: number, mark: string, closing: (mark: string, from: number) => number): number {
  const inside = text[at + mark.length] ?? " ";
  if (/\s/.test(inside) || (mark.startsWith("_") && /\w/.test(text[at - 1] ?? ""))) {
    return -1;
  }
  const close = closing(mark, at + mark.length + 1);
  if (close < 0 || /\s/.test(text[close - 1] ?? " ") || (mark.startsWith("_") && /\w/.test(text[close + mark.length] ?? ""))) {
    return -1;
  }
  return close;
}

/** `[label](address)` of the web: what it says, where it leads, and where it ends. */
function link(text: string, at: number): [string, string, number] | undefined {
  const match = /^\[([^\]\n]{1,500})\]\((https?:\/\/[^\s()]{1,1500})\)/.exec(text.slice(at, at + 2_100));
  return match ? [match[1] ?? "", match[2] ?? "", at + match[0].length] : undefined;
}
