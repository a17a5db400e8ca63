// A Markdown tree as elements. While an answer streams, only the blocks whose text changed are made anew.

import { button, h } from "./dom";
import { parse, type Inline, type Node as Block } from "./markdown";

export type Copy = (text: string) => void;

/** Makes `into` show the text. What it shows already stays, so that selections and scrolled code do too. */
export function render(into: HTMLElement, text: string, copy: Copy): void {
  const nodes = parse(text);
  nodes.forEach((node, index) => {
    const known = into.children[index];
    if (known instanceof HTMLElement && known.dataset["raw"] === key(node)) {
      return;
    }
    const made = element(node, copy);
    made.dataset["raw"] = key(node);
    if (known === undefined) {
      into.append(made);
    } else {
      known.replaceWith(made);
    }
  });
  while (into.children.length > nodes.length) {
    into.lastElementChild?.remove();
  }
}

function key(node: Block): string {
  return `${node.kind} ${node.raw}`;
}

function element(node: Block, copy: Copy): HTMLElement {
  switch (node.kind) {
    case "paragraph":
      return h("p", {}, ...inlines(node.children));
    case "heading":
      // The view has headings of its own; a model's are smaller.
      return h("div", { class: `heading level-${Math.min(node.level, 4)}`, role: "heading", "aria-level": String(node.level + 2) }, ...inlines(node.children));
    case "code":
      return code(node.text, node.language, copy);
    case "list": {
      const items = node.items.map(({ checked, children }) => {
        const box = checked === null ? null : h("span", { class: "box", role: "img", "aria-label": checked ? "done" : "open" }, checked ? "☑" : "☐");
        return h("li", checked === null ? {} : { class: "task" }, box, ...tight(children, copy));
      });
      return node.ordered ? h("ol", { start: String(node.start) }, ...items) : h("ul", {}, ...items);
    }
    case "quote":
      return h("blockquote", {}, ...node.children.map((child) => element(child, copy)));
    case "table": {
      const row = (cells: readonly Inline[][], tag: "th" | "td"): HTMLElement => h("tr", {}, ...cells.map((cell) => h(tag, {}, ...inlines(cell))));
      const body = h("tbody", {}, ...node.rows.map((cells) => row(cells, "td")));
      return h("div", { class: "scrolled", tabindex: "0" }, h("table", {}, h("thead", {}, row(node.head, "th")), body));
    }
    case "rule":
      return h("hr");
  }
}

/** An item's first paragraph stands beside its mark. */
function tight(children: readonly Block[], copy: Copy): Node[] {
  return children.flatMap((child, index): Node[] => (child.kind === "paragraph" && index === 0 ? inlines(child.children) : [element(child, copy)]));
}

export function code(text: string, language: string, copy: Copy): HTMLElement {
  const head = h("div", { class: "code-head" }, h("span", {}, language), button("Copy", () => copy(text), { class: "quiet", "aria-label": "Copy the code" }));
  return h("div", { class: "code" }, head, h("pre", { tabindex: "0" }, h("code", {}, text)));
}

function inlines(nodes: readonly Inline[]): Node[] {
  return nodes.map((node): Node => {
    switch (node.kind) {
      case "text":
        return document.createTextNode(node.text);
      case "code":
        return h("code", {}, node.text);
      case "strong":
      case "em":
      case "del":
        return h(node.kind, {}, ...inlines(node.children));
      case "link":
        // VS Code asks before it opens an address that the user does not trust.
        return h("a", { href: node.address, title: node.address }, ...inlines(node.children));
      case "break":
        return h("br");
    }
  });
}
