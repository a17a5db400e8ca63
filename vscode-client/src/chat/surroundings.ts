// What the model should know of the editor besides the prompt: unsaved files, and where the user looks. Pure.

export interface Looking {
  path: string;
  /** Lines from 1, both included; the same line twice where nothing is selected. */
  from: number;
  to: number;
  selected: boolean;
}

export function surroundings(unsaved: readonly string[], looking: Looking | undefined): string {
  const lines: string[] = [];
  if (unsaved.length > 0) {
    const names = [...unsaved].sort().join(", ");
    lines.push(`Open in the editor with unsaved changes: ${names}. Reading and editing use that text; commands see the saved files.`);
  }
  if (looking !== undefined) {
    const where = looking.from === looking.to ? `line ${looking.from}` : `lines ${looking.from}-${looking.to}`;
    lines.push(`The user ${looking.selected ? "selected" : "looks at"} ${looking.path}, ${where}.`);
  }
  return lines.join("\n");
}
