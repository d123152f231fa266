// The few changes that buttons make to a LogQL query.

/** The stream selector, or "" if the query does not begin with one. */
export function selectorOf(query: string): string {
  return /^\s*(\{(?:[^}"`]|"(?:\\.|[^"\\])*"|`[^`]*`)*\})/.exec(query)?.[1] ?? "";
}

/** The query with one more label filter at its end. */
export function withFilter(query: string, name: string, value: string, negative: boolean): string {
  return `${query.trim()} | ${name} ${negative ? "!=" : "="} ${JSON.stringify(value)}`;
}
