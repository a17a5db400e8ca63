// Numbers, money and days in words. Pure: no document, no time of its own. What nobody knows is null, and never 0.

const UNITS = ["", "K", "M", "B", "T", "P"];
const NANOS = 1_000_000_000n;

/** A whole number as the API writes it (a decimal string, so that no digit is lost), or null. */
export function whole(value) {
  if (value === null || value === undefined || value === "") {
    return null;
  }
  if (typeof value === "number" && !Number.isSafeInteger(value)) {
    return null;
  }
  try {
    return BigInt(value);
  } catch {
    return null;
  }
}

/** Every digit: 1,234,567. */
export function exact(value) {
  const number = whole(value);
  return number === null ? "unknown" : number.toString().replace(/\B(?=(\d{3})+$)/g, ",");
}

/** A number with its word: 1 request, 2 requests. */
export function counted(value, word) {
  return `${exact(value)} ${word}${whole(value) === 1n ? "" : "s"}`;
}

/** 1.2B: one decimal below 100 of a unit, rounded half up. */
export function brief(value) {
  const number = whole(value);
  if (number === null) {
    return "unknown";
  }
  const sign = number < 0n ? "−" : "";
  const size = number < 0n ? -number : number;
  if (size < 1000n) {
    return `${sign}${size}`;
  }
  let unit = 1;
  while (unit < UNITS.length - 1 && size >= 1000n ** BigInt(unit + 1)) {
    unit += 1;
  }
  for (;;) {
    const base = 1000n ** BigInt(unit);
    const tenths = (size * 10n + base / 2n) / base;
    const rounded = (size + base / 2n) / base;
    if (rounded >= 1000n && unit < UNITS.length - 1) {
      unit += 1;
    } else if (tenths < 1000n) {
      return `${sign}${tenths / 10n}.${tenths % 10n}${UNITS[unit]}`;
    } else {
      return `${sign}${exact(rounded)}${UNITS[unit]}`;
    }
  }
}

/** Nano-dollars of a decimal string; null for what is no amount. */
export function nanos(text) {
  const found = /^(-?)(\d+)(?:\.(\d{1,9})0*)?$/.exec(text ?? "");
  if (!found) {
    return null;
  }
  const size = BigInt(found[2]) * NANOS + BigInt((found[3] ?? "").padEnd(9, "0"));
  return found[1] ? -size : size;
}

/** Every digit of an amount, at least two after the point. */
export function dollars(text) {
  const amount = nanos(text);
  if (amount === null) {
    return "unknown";
  }
  const size = amount < 0n ? -amount : amount;
  const part = (size % NANOS).toString().padStart(9, "0").replace(/0+$/, "").padEnd(2, "0");
  return `${amount < 0n ? "−" : ""}$${exact(size / NANOS)}.${part}`;
}

/** Cents from a dollar on, four decimals below; what is smaller is no 0. */
export function briefDollars(text) {
  const amount = nanos(text);
  if (amount === null) {
    return "unknown";
  }
  const size = amount < 0n ? -amount : amount;
  const sign = amount < 0n ? "−" : "";
  if (size === 0n) {
    return "$0";
  }
  if (size < 50_000n) {
    return `${sign || "<"}$0.0001`;
  }
  const step = size >= NANOS ? 10_000_000n : 100_000n;
  const rounded = ((size + step / 2n) / step) * step;
  const places = size >= NANOS ? 2 : 4;
  return `${sign}$${exact(rounded / NANOS)}.${(rounded % NANOS).toString().padStart(9, "0").slice(0, places)}`;
}

/** A share (0 … 1, a string or a number) in percent; 0 and 100 are said of nothing and of all alone. */
export function percent(value) {
  const part = value === null || value === undefined || value === "" ? Number.NaN : Number(value);
  if (!Number.isFinite(part)) {
    return "–";
  }
  if (part > 0 && part < 0.001) {
    return "<0.1%";
  }
  if (part > 0.999 && part < 1) {
    return ">99.9%";
  }
  return part >= 0.1 && part < 0.995 ? `${(part * 100).toFixed(0)}%` : `${Number((part * 100).toFixed(1))}%`;
}

/** A part of a whole as a number for drawing, exact to a millionth however large both are. */
export function ratio(part, all) {
  const [above, below] = [whole(part), whole(all)];
  return above === null || !below ? 0 : Number((above * 1_000_000n) / below) / 1_000_000;
}

/** Growth against what was before: +12%, ×3.4, new; null where there is nothing to compare. */
export function change(now, before) {
  const [after, earlier] = [whole(now), whole(before)];
  if (after === null || earlier === null) {
    return null;
  }
  if (earlier === 0n) {
    return after > 0n ? { text: "new", up: true } : null;
  }
  const times = ratio(after, earlier);
  const off = Math.round((times - 1) * 100);
  return { text: times >= 10 ? `×${times.toFixed(0)}` : `${off > 0 ? "+" : off < 0 ? "−" : "±"}${Math.abs(off)}%`, up: off > 0, down: off < 0 };
}

function utc(day, options) {
  return new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", ...options }).format(new Date(`${day}T00:00:00Z`));
}

/** 16 Nov, of a UTC day such as 2026-11-16. */
export function dayName(day) {
  return utc(day, { day: "numeric", month: "short" });
}

/** A period by its first day and its kind, for tooltips and headings. */
export function periodName(first, last) {
  if (!last || first === last) {
    return utc(first, { weekday: "short", day: "numeric", month: "short", year: "numeric" });
  }
  return `${dayName(first)} – ${utc(last, { day: "numeric", month: "short", year: "numeric" })}`;
}

export function shiftDay(day, by) {
  const moved = new Date(`${day}T00:00:00Z`);
  moved.setUTCDate(moved.getUTCDate() + by);
  return moved.toISOString().slice(0, 10);
}

/** The same day some months away, or that month's last. */
export function shiftMonth(day, by) {
  const [year, month, date] = day.split("-").map(Number);
  const last = new Date(Date.UTC(year, month - 1 + by + 1, 0)).getUTCDate();
  return new Date(Date.UTC(year, month - 1 + by, Math.min(date, last))).toISOString().slice(0, 10);
}

/** A moment in the reader's own zone. */
export function moment(ms) {
  return new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" }).format(new Date(ms));
}

/** snake_case or kebab-case as a person would write it. */
export function words(name) {
  const text = String(name).replace(/[_-]+/g, " ").trim();
  return text ? text[0].toUpperCase() + text.slice(1) : "Not known";
}

const SPELT = { php: "PHP", sql: "SQL", html: "HTML", css: "CSS", javascript: "JavaScript", typescript: "TypeScript", "objective-c": "Objective-C", latex: "LaTeX", json: "JSON", yaml: "YAML", toml: "TOML", xml: "XML", matlab: "MATLAB" };

/** A programming language as its people spell it. */
export function codeName(name) {
  return Object.hasOwn(SPELT, name) ? SPELT[name] : name ? name[0].toUpperCase() + name.slice(1) : "";
}

/** Which of model names is the author's part, and which is the model's. */
export function modelParts(model) {
  const at = String(model).indexOf("/");
  return at < 0 ? { author: "", name: String(model) } : { author: model.slice(0, at), name: model.slice(at + 1) };
}
