// Colours for PromQL and LogQL. Not a parser: the server's word on an error is
// the one that counts.
export interface Token {
  kind: "comment" | "string" | "duration" | "number" | "keyword" | "function" | "label" | "operator" | "variable" | "other";
  text: string;
}

export const aggregations = ["sum", "avg", "min", "max", "count", "stddev", "stdvar", "topk", "bottomk", "quantile", "group", "count_values", "sort", "sort_desc"];
const keywords = new Set([...aggregations, "by", "without", "on", "ignoring", "group_left", "group_right", "offset", "bool", "and", "or", "unless", "json", "logfmt", "pattern", "regexp", "unpack", "line_format", "label_format", "unwrap", "decolorize", "drop", "keep"]);

const rules: [Token["kind"], RegExp][] = [
  ["comment", /^#[^\n]*/],
  ["string", /^"(?:\\.|[^"\\\n])*"?|^`[^`]*`?|^'(?:\\.|[^'\\\n])*'?/],
  ["variable", /^\$\{?\w+\}?/],
  ["duration", /^\d+(?:\.\d+)?(?:ms|[smhdwy])(?:\d+(?:ms|[smhdwy]))*\b/],
  ["number", /^\d+(?:\.\d+)?(?:e[+-]?\d+)?/i],
  ["operator", /^(?:\|=|\|~|!=|!~|=~|==|>=|<=|[|=<>+\-*/%^!])/],
];

export function tokens(text: string): Token[] {
  const out: Token[] = [];
  let depth = 0; // inside braces names are labels
  for (let rest = text; rest; ) {
    const word = /^[A-Za-z_][\w:]*/.exec(rest);
    let token: Token | undefined;
    if (word) {
      const after = rest.slice(word[0].length);
      const kind = keywords.has(word[0]) ? "keyword" : /^\s*\(/.test(after) ? "function" : depth > 0 ? "label" : "other";
      token = { kind, text: word[0] };
    } else {
      for (const [kind, rule] of rules) {
        const m = rule.exec(rest);
        if (m) {
          token = { kind, text: m[0] };
          break;
        }
      }
    }
    token ??= { kind: "other", text: rest[0]! };
    if (token.text === "{") depth++;
    if (token.text === "}") depth--;
    out.push(token);
    rest = rest.slice(token.text.length);
  }
  return out;
}
