// One tip for everything that has data-tip: on hover, and on focus for those
// who use the keyboard.
export function tips(): void {
  const tip = Object.assign(document.createElement("div"), { className: "floating-tip", hidden: true });
  tip.setAttribute("role", "tooltip");
  document.body.append(tip);
  const show = (e: Event) => {
    const el = (e.target as Element | null)?.closest?.("[data-tip]");
    tip.hidden = !el;
    if (!el) return;
    tip.textContent = el.getAttribute("data-tip");
    const r = el.getBoundingClientRect();
    const t = tip.getBoundingClientRect();
    const left = Math.max(8, Math.min(innerWidth - t.width - 8, r.left + r.width / 2 - t.width / 2));
    tip.style.left = left + "px";
    tip.style.top = (r.top - t.height - 6 > 0 ? r.top - t.height - 6 : r.bottom + 6) + "px";
  };
  for (const kind of ["pointerover", "focusin"]) document.addEventListener(kind, show);
  document.addEventListener("keydown", (e) => {
    if (e.key === "Escape") tip.hidden = true;
  });
}
