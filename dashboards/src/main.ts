// All dashboards, by the names of their files under dashboards/.
import { host } from "./customer/host";
import { leaves } from "./customer/leaves";
import { logs } from "./customer/logs";
import { overview } from "./customer/overview";
import { services } from "./customer/service";
import { weir } from "./customer/weir";
import { fleet } from "./fleet/fleet";
import { gateway } from "./fleet/gateway";
import { incidents } from "./fleet/incidents";
import { installBoard } from "./fleet/install";
import { releases } from "./fleet/releases";

export const files: Record<string, () => object> = {
  "customer/overview.json": overview,
  "customer/service.json": services,
  "customer/host.json": host,
  "customer/logs.json": logs,
  "customer/leaves.json": leaves,
  "customer/weir.json": weir,
  "fleet/overview.json": fleet,
  "fleet/releases.json": releases,
  "fleet/install.json": installBoard,
  "fleet/incidents.json": incidents,
  "fleet/gateway.json": gateway,
};
