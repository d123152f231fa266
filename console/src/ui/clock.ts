// The time that a page shows, and when it asks again.
import { useEffect, useMemo, useState } from "preact/hooks";
import { parseDuration, parseRange, type Range } from "../format/time";

export interface Clock {
  from: string;
  to: string;
  refresh: string;
  range: Range;
  tick: number;
  again: () => void;
}

export function useClock(params: URLSearchParams, own: { from: string; to: string }, ownRefresh = ""): Clock {
  const from = params.get("from") ?? own.from;
  const to = params.get("to") ?? own.to;
  const asked = params.get("refresh") ?? ownRefresh;
  const refresh = asked === "off" ? "" : asked;
  const [tick, setTick] = useState(0);
  const again = () => setTick((t) => t + 1);
  useEffect(() => {
    const every = parseDuration(refresh);
    // A past range does not change.
    if (!every || to !== "now") return;
    const timer = setInterval(() => !document.hidden && again(), Math.max(1000, every));
    return () => clearInterval(timer);
  }, [refresh, to]);
  const range = useMemo(() => parseRange(from, to, Date.now()), [from, to, tick]);
  return { from, to, refresh, range, tick, again };
}
