// What the customer's dashboards have in common: they read an edge, and all
// their data is in the customer's own environment.
import type { Annotation } from "../board";

/** A service that has said nothing for this long is silent. */
export const silentAfter = "300";

/** The services that the viewer chose. */
export const own = `service_name=~"$service"`;

export const deploys: Annotation = {
  name: "Deploys", colour: "blue",
  expr:
    `(weir_service_version unless on (service_name, service_version) weir_service_version offset 5m)` +
    ` and on (service_name) weir_service_version offset 5m`,
  title: "{{service_name}} {{service_version}}", text: "A version that was not running five minutes earlier",
};

export const policy: Annotation = {
  name: "Policy", colour: "orange",
  expr: `(weir_policy_state == 1) unless on (state) (weir_policy_state offset 5m == 1)`,
  title: "policy {{state}}", text: "The policy came into this state",
};

export const revision: Annotation = {
  name: "Revision", colour: "purple",
  expr: `max(weir_policy_revision) != max(weir_policy_revision offset 5m)`,
  title: "another revision of the policy", text: "It came into force within five minutes before",
};

export const failedShare = (by: string, window: string) =>
  `sum by (${by}) (rate(weir_service_errors_total{${own}}[${window}])) / sum by (${by}) (rate(weir_service_requests_total{${own}}[${window}]))`;

export const severities = {
  fatal: "dark-red", error: "red", warn: "orange", info: "green", debug: "blue", trace: "purple", unspecified: "text",
};
