// What a selector's lines have in common: each pattern with its count, and its lines at a click.
import { patterns } from "../api/loki";
import type { Range } from "../format/time";
import { whole } from "../format/units";
import { useLoad } from "./useLoad";

export function Patterns({ selector, range, step, onChoose }: { selector: string; range: Range; step: number; onChoose: (query: string) => void }) {
  const { value, error } = useLoad(() => patterns(selector, range.from, range.to, step), [selector, range.from, range.to]);
  if (error) return <p class="failure" role="alert">{error}</p>;
  if (!value) return <p class="loading">Loading</p>;
  if (!value.length) return <p class="no-data">No pattern: no line, or each is of its own kind.</p>;
  const all = value.reduce((n, p) => n + p.lines, 0);
  return (
    <div class="scroll patterns" tabIndex={0} role="region" aria-label="Patterns">
      <table>
        <thead><tr><th scope="col" class="numeric">Lines</th><th scope="col" class="numeric">Share</th><th scope="col">Level</th><th scope="col">Pattern</th></tr></thead>
        <tbody>
          {value.map((p) => (
            <tr class={"level-" + p.level}>
              <td class="numeric">{whole(p.lines)}</td>
              <td class="numeric">{Math.round((100 * p.lines) / all)} %</td>
              <td><span class="log-level" aria-hidden="true" /> {p.level}</td>
              <td><button type="button" class="pattern" title="show its lines" onClick={() => onChoose(`${selector} |> ${JSON.stringify(p.text)}`)}>{p.text}</button></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
