// Writes the dashboards as the classic JSON that Grafana 9 to 13 load and the
// console draws. Run by `make dashboards`; a file that no source makes goes.
import { readdirSync, unlinkSync, writeFileSync } from "node:fs";
import main from "./node_modules/.weir/main.js";

const here = new URL("./", import.meta.url);
for (const folder of ["customer", "fleet"])
  for (const name of readdirSync(new URL(folder, here)))
    if (name.endsWith(".json") && !(`${folder}/${name}` in main.files)) unlinkSync(new URL(`${folder}/${name}`, here));
for (const [name, build] of Object.entries(main.files)) writeFileSync(new URL(name, here), JSON.stringify(build(), null, 2) + "\n");
