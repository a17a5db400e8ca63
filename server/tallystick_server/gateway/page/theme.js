// Light or dark before the first paint. A classic script, since modules run too late for that.
"use strict";
try {
  const kept = localStorage.getItem("tallystick-theme");
  if (kept === "light" || kept === "dark") {
    document.documentElement.dataset.theme = kept;
  }
} catch {
  // Storage is off: the system's colours it is.
}
