// Elements by call. Text is always text: nothing here, and nothing in the page, makes HTML of a string.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) {
      continue;
    }
    if (name.startsWith("on")) {
      element.addEventListener(name.slice(2), value);
    } else {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  element.append(...children.flat(2).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** Short for the eye, every digit on hover, and in its place after a click or a tap. */
export function figure(short, long) {
  if (short === long) {
    return h("span", { class: short === "unknown" ? "unknown" : "" }, short);
  }
  const element = h("span", { class: "figure", title: long, onclick: () => { element.textContent = element.textContent === short ? long : short; } }, short);
  return element;
}

export function dot(hueClass) {
  return h("span", { class: `dot ${hueClass}`, "aria-hidden": "true" });
}

/** A bar as long as its share; its number stands beside it. */
export function meter(share, hueClass = "") {
  const inner = h("span", { class: `meter-fill ${hueClass}` });
  inner.style.width = `${Math.max(0, Math.min(1, Number(share) || 0)) * 100}%`;
  return h("span", { class: "meter", "aria-hidden": "true" }, inner);
}

/** Remembers what inside a place has the focus; call what it gives when the place was drawn anew. */
export function keepFocus(place) {
  const name = place.contains(document.activeElement) ? document.activeElement.dataset.id : undefined;
  return () => {
    const found = name === undefined ? undefined : [...place.querySelectorAll("[data-id]")].find((one) => one.dataset.id === name);
    found?.focus({ preventScroll: true });
    return found !== undefined;
  };
}

/** Says something to who cannot see it. */
export function announce(text) {
  const place = document.getElementById("announce");
  if (place && place.textContent !== text) {
    place.textContent = text;
  }
}

/** Buttons of which one is pressed. `choices` are pairs of value and label. */
export function segmented(label, choices, chosen, choose) {
  return h(
    "div",
    { class: "segmented", role: "group", "aria-label": label },
    choices.map(([value, text]) => h("button", { type: "button", "data-id": `${label}: ${value}`, "aria-pressed": String(value === chosen), onclick: () => value !== chosen && choose(value) }, text)),
  );
}
