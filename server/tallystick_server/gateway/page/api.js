// The gateway's API and its token. Owns no view; the token is in this tab's storage, and in no address and no log.

const KEY = "tallystick-token";

/** What went wrong, in the gateway's words, and what to do about it. */
export class ApiError extends Error {
  constructor(message, { status = 0, code = "", remedy = "" } = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.remedy = remedy;
  }
}

let held = null;

export function token() {
  try {
    return held ?? sessionStorage.getItem(KEY);
  } catch {
    return held;
  }
}

export function keepToken(value) {
  held = value;
  try {
    if (value === null) {
      sessionStorage.removeItem(KEY);
    } else {
      sessionStorage.setItem(KEY, value);
    }
  } catch {
    // Storage is off: it lasts as long as the page does.
  }
}

/** Takes the token out of the address, where `tallystick gateway` put it behind the #: that part is never sent. */
export function takeToken() {
  const found = /^#token=([^&]+)/.exec(location.hash);
  if (!found) {
    return false;
  }
  let value = found[1];
  try {
    value = decodeURIComponent(value);
  } catch {
    // Not encoded, then.
  }
  keepToken(value.trim());
  history.replaceState(null, "", `${location.pathname}#/rankings`);
  return true;
}

/** Asks each address once, for as long as a view lasts. */
export function asker(signal) {
  const asked = new Map();
  return (path, parameters = {}) => {
    const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== "" && value !== null && value !== undefined));
    const address = query.size > 0 ? `${path}?${query}` : path;
    if (!asked.has(address)) {
      const answer = get(address, signal);
      answer.catch(() => asked.delete(address));
      asked.set(address, answer);
    }
    return asked.get(address);
  };
}

async function get(address, signal) {
  let response;
  try {
    response = await fetch(address, { signal, headers: { Authorization: `Bearer ${token() ?? ""}`, Accept: "application/json" }, cache: "no-store", credentials: "omit" });
  } catch (error) {
    if (error?.name === "AbortError") {
      throw error;
    }
    throw new ApiError("The gateway does not answer.", { remedy: "Start it again with: tallystick gateway" });
  }
  const text = await response.text();
  let body = null;
  try {
    body = JSON.parse(text);
  } catch {
    // Said below, if it matters.
  }
  if (!response.ok) {
    throw wrong(response.status, body);
  }
  if (body === null) {
    throw new ApiError("The gateway's answer is not JSON.", { status: response.status, remedy: "Look at what runs at this address: it may be another program." });
  }
  return body;
}

function wrong(status, body) {
  const error = body?.error ?? body ?? {};
  const said = typeof error === "string" ? error : error.message ?? error.detail;
  const given = typeof error === "object" ? error.remedy ?? body?.remedy ?? error.metadata?.remedy : undefined;
  const remedy = given ?? (status === 401 || status === 403 ? "Open the link that `tallystick gateway` prints: it holds the token." : "");
  return new ApiError(said ? String(said) : `The gateway answered ${status}.`, { status, code: String(error.code ?? ""), remedy: String(remedy) });
}
