import { LogLines } from "../ui/LogLines";
import { NoData, type ViewProps } from "./Panel";

export function LogsPanel({ panel, data, height }: ViewProps) {
  if (!data.lines.length) return <NoData panel={panel} what="no lines" />;
  return <LogLines lines={data.lines} height={height} label={panel.title} />;
}
