// A query field: a plain textarea over its own coloured text, with completion.
import { useEffect, useRef, useState } from "preact/hooks";
import { complete, type Completion, type Language } from "./complete";
import { tokens } from "./tokens";

interface Props {
  language: Language;
  value: string;
  range: { from: number; to: number };
  placeholder: string;
  onRun: (query: string) => void;
}

export function Editor({ language, value, range, placeholder, onRun }: Props) {
  const [text, setText] = useState(value);
  const [hints, setHints] = useState<Completion | null>(null);
  const [picked, setPicked] = useState(0);
  const field = useRef<HTMLTextAreaElement>(null);
  const asked = useRef(0);
  useEffect(() => setText(value), [value]);

  const suggest = async (t: string, cursor: number) => {
    const n = ++asked.current;
    try {
      const c = await complete(t, cursor, language, range);
      if (n === asked.current) {
        setHints(c.options.length ? c : null);
        setPicked(0);
      }
    } catch {
      setHints(null); // no help is better than a message at every key
    }
  };

  const insert = (option: string) => {
    const el = field.current!;
    const after = text.slice(el.selectionStart);
    const next = text.slice(0, hints!.from) + option + after;
    setText(next);
    setHints(null);
    const cursor = hints!.from + option.length;
    requestAnimationFrame(() => {
      el.focus();
      el.setSelectionRange(cursor, cursor);
    });
  };

  const key = (e: KeyboardEvent) => {
    if (hints) {
      const n = hints.options.length;
      if (e.key === "ArrowDown" || e.key === "ArrowUp") {
        e.preventDefault();
        return setPicked((picked + (e.key === "ArrowDown" ? 1 : n - 1)) % n);
      }
      if (e.key === "Tab" || (e.key === "Enter" && !e.shiftKey && !e.ctrlKey && !e.metaKey)) {
        e.preventDefault();
        return insert(hints.options[picked]!);
      }
      if (e.key === "Escape") return setHints(null);
    }
    if (e.key === "Enter" && !e.shiftKey) {
      e.preventDefault();
      setHints(null);
      onRun(text);
    }
    if (e.key === " " && e.ctrlKey) {
      e.preventDefault();
      void suggest(text, field.current!.selectionStart);
    }
  };

  const list = "hints-" + language;
  return (
    <form
      class="editor"
      onSubmit={(e) => {
        e.preventDefault();
        onRun(text);
      }}
    >
      <div class="editor-field">
        <pre aria-hidden="true">
          {tokens(text).map((t) => <span class={"tok-" + t.kind}>{t.text}</span>)}
          {"\n"}
        </pre>
        <textarea
          ref={field}
          value={text}
          rows={Math.max(1, text.split("\n").length)}
          spellcheck={false}
          autocomplete="off"
          placeholder={placeholder}
          aria-label={language === "logql" ? "LogQL query" : "PromQL query"}
          aria-controls={list}
          aria-autocomplete="list"
          aria-activedescendant={hints ? `${list}-${picked}` : undefined}
          onInput={(e) => {
            setText(e.currentTarget.value);
            void suggest(e.currentTarget.value, e.currentTarget.selectionStart);
          }}
          onKeyDown={key}
          onBlur={() => setTimeout(() => setHints(null), 150)}
        />
        <ul class="hints" id={list} role="listbox" aria-label="Completions" hidden={!hints}>
          {hints?.options.map((o, i) => (
            <li id={`${list}-${i}`} role="option" aria-selected={i === picked} onPointerDown={(e) => (e.preventDefault(), insert(o))}>
              {o}
            </li>
          ))}
        </ul>
      </div>
      <button type="submit">Run</button>
    </form>
  );
}
