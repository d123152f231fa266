import { useEffect, useState } from "preact/hooks";

export interface Loaded<T> {
  value: T | undefined;
  error: string;
  again: () => void;
}

/** Loads when a dependency changes, and every so many milliseconds if asked. */
export function useLoad<T>(load: () => Promise<T>, deps: unknown[], every = 0): Loaded<T> {
  const [value, setValue] = useState<T>();
  const [error, setError] = useState("");
  const [n, setN] = useState(0);
  useEffect(() => {
    let gone = false;
    load().then(
      (v) => {
        if (gone) return;
        setValue(v);
        setError("");
      },
      (e: Error) => !gone && setError(e.message),
    );
    return () => {
      gone = true;
    };
  }, [...deps, n]);
  useEffect(() => {
    if (!every) return;
    const timer = setInterval(() => !document.hidden && setN((x) => x + 1), every);
    return () => clearInterval(timer);
  }, [every]);
  return { value, error, again: () => setN((x) => x + 1) };
}
