// Money, tokens and shares in words, as the server's chat documents write them. Pure.

/** `null` is a price that nobody knows: it says so, and is never shown as 0. */
export function money(nanos: number | null | undefined): string {
  if (nanos === null || nanos === undefined) {
    return "price unknown";
  }
  return nanos > 0 && nanos < 100_000 ? "<$0.0001" : `$${(nanos / 1e9).toFixed(4)}`;
}

/** What a turn cost: the provider's word before our own price. */
export function nanosOf(cost: { provider_nanos?: number | null; priced_nanos?: number | null }): number | null {
  return cost.provider_nanos ?? cost.priced_nanos ?? null;
}

export function count(tokens: number): string {
  return tokens.toLocaleString("en-US");
}

export function brief(tokens: number): string {
  if (tokens < 1_000) {
    return String(tokens);
  }
  return tokens < 1_000_000 ? `${trim(tokens / 1_000)}k` : `${trim(tokens / 1_000_000)}M`;
}

/** A share in whole percent that says 0 of nothing alone. */
export function share(part: number, whole: number): string {
  const percent = (100 * part) / whole;
  return percent > 0 && percent < 1 ? "<1%" : `${Math.round(percent)}%`;
}

function trim(value: number): string {
  return value.toFixed(1).replace(/\.0$/, "");
}
