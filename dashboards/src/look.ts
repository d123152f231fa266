// What panels have in common: colours from thresholds on, names of values.
import { Builder } from "@grafana/grafana-foundation-sdk/cog";
import * as common from "@grafana/grafana-foundation-sdk/common";
import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";

/** A panel that can still be given its number and its place. */
export interface Panel extends Builder<dashboard.Panel> {
  id(id: number): this;
  gridPos(at: dashboard.GridPos): this;
}

export type Levels = [base: string, ...from: [number, string][]];

/** Colours: the base below the first bound, then from each bound on. */
export function thresholds([base, ...from]: Levels): dashboard.ThresholdsConfigBuilder {
  return new dashboard.ThresholdsConfigBuilder()
    .mode(dashboard.ThresholdsMode.Absolute)
    .steps([{ value: null, color: base }, ...from.map(([value, color]) => ({ value, color }))]);
}

export const byLevel = () => new dashboard.FieldColorBuilder().mode(dashboard.FieldColorModeId.Thresholds);
export const byName = () => new dashboard.FieldColorBuilder().mode(dashboard.FieldColorModeId.PaletteClassic);

/** Words in the place of values: {"0": "silent", "1": "alive"}. */
export function words(of: Record<string, string>): dashboard.ValueMapping {
  return {
    type: dashboard.MappingType.ValueToText,
    options: Object.fromEntries(Object.entries(of).map(([value, text]) => [value, { text }])),
  } as dashboard.ValueMapping;
}

export const lastValue = () => new common.ReduceDataOptionsBuilder().calcs(["lastNotNull"]).fields("").values(false);

export const legend = () =>
  new common.VizLegendOptionsBuilder().showLegend(true).displayMode(common.LegendDisplayMode.List).placement(common.LegendPlacement.Bottom).calcs([]);

/** Bounds that several panels share. */
export const failing: Levels = ["green", [0.01, "orange"], [0.05, "red"]];
export const filling: Levels = ["green", [0.8, "orange"], [0.9, "red"]];
export const silence: Levels = ["green", [180, "orange"], [900, "red"]];
export const noneIsGood: Levels = ["green", [1, "red"]];
export const fewIsGood: Levels = ["green", [1, "orange"]];
export const plain: Levels = ["blue"];
