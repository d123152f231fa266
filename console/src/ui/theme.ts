// Dark or light: as the system is, unless somebody chose.
const key = "weir-theme";

export type Theme = "light" | "dark";

export function theme(): Theme {
  const chosen = localStorage.getItem(key) as Theme | null;
  const now = chosen ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  document.documentElement.dataset.theme = now;
  return now;
}

export function flipTheme(): Theme {
  localStorage.setItem(key, theme() === "dark" ? "light" : "dark");
  const now = theme();
  // Canvases know no style sheet: they are drawn anew.
  dispatchEvent(new Event("weir-theme"));
  return now;
}
