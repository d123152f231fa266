// The little Markdown that our text panels use: paragraphs, lists, headings,
// code, strong, links to https. Everything else is text. Elements are built,
// never parsed from HTML, so that no content can become one.
import type { ComponentChildren } from "preact";

export function Text({ content }: { content: string }) {
  return <div class="text">{content.split(/\n{2,}/).map(block)}</div>;
}

function block(text: string) {
  const lines = text.split("\n");
  if (lines.every((l) => /^\s*[-*] /.test(l))) return <ul>{lines.map((l) => <li>{inline(l.replace(/^\s*[-*] /, ""))}</li>)}</ul>;
  const heading = /^(#{1,4}) (.*)$/.exec(text);
  if (heading) return <h4>{inline(heading[2]!)}</h4>;
  return <p>{inline(text)}</p>;
}

function inline(text: string): ComponentChildren[] {
  const parts = text.split(/(`[^`]+`|\*\*[^*]+\*\*|\[[^\]]+\]\((?:https:\/\/|#)[^)\s]+\))/);
  return parts.map((p) => {
    if (p.startsWith("`")) return <code>{p.slice(1, -1)}</code>;
    if (p.startsWith("**")) return <strong>{p.slice(2, -2)}</strong>;
    const link = /^\[([^\]]+)\]\(([^)]+)\)$/.exec(p);
    if (link) return <a href={link[2]!} rel="noreferrer">{link[1]}</a>;
    return p;
  });
}
