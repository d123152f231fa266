// What the fleet's dashboards have in common. They read what the rules of
// dashboards/rules/fleet.yaml recorded, and know nothing of a customer but the
// name it was enrolled under and an install's random id.
import type { Annotation } from "../board";

export const deploys: Annotation = {
  name: "Deploys", colour: "blue",
  expr:
    `(weir:fleet:version_installs unless on (service_name, service_version) weir:fleet:version_installs offset 10m)` +
    ` and on (service_name) weir:fleet:version_installs offset 10m`,
  title: "{{service_name}} {{service_version}}", text: "The first installs that run this version",
};

export const policies: Annotation = {
  name: "Policy", colour: "orange",
  expr: `weir:fleet:policy_revision_installs unless on (revision) weir:fleet:policy_revision_installs offset 10m and on () count(weir:fleet:policy_revision_installs offset 10m)`,
  title: "policy revision {{revision}}", text: "The first installs that report under this revision",
};

/** Where a table's install leads. */
export const toInstall = { weir_install_id: "/d/weir-fleet-install?var-install=${__data.fields.weir_install_id}&${__url_time_range}" };

export const silent = "weir:install:alive == 0";
export const answer = { "0": "no", "1": "yes" };
