// The shell: who I am, the pages, and the one that the address names.
import { useEffect, useState } from "preact/hooks";
import { about, dashboards, type About } from "./api/weir";
import { setScrape } from "./dashboard/step";
import { AboutPage } from "./pages/AboutPage";
import { AllowlistPage } from "./pages/AllowlistPage";
import { DashboardPage } from "./pages/DashboardPage";
import { LeavesPage } from "./pages/LeavesPage";
import { LogsPage } from "./pages/LogsPage";
import { MetricsPage } from "./pages/MetricsPage";
import { SourcesPage } from "./pages/SourcesPage";
import { zone } from "./format/time";
import { carried, href, useRoute, type Route } from "./route";
import { flipTheme, theme } from "./ui/theme";
import { useLoad } from "./ui/useLoad";
import { Verdict } from "./ui/Verdict";

interface Page {
  path: string;
  name: string;
  needs?: string;
  edge?: boolean;
}

const pages: Page[] = [
  { path: "/logs", name: "Logs" },
  { path: "/metrics", name: "Metrics" },
  { path: "/leaves", name: "What leaves", needs: "ledger" },
  { path: "/allowlist", name: "Allowlist", needs: "policy" },
  { path: "/sources", name: "Sources", edge: true },
  { path: "/about", name: "About" },
];

export function App() {
  const route = useRoute();
  const me = useLoad(about, []);
  const boards = useLoad(dashboards, []);
  const [, redraw] = useState(0);
  const [dark, setDark] = useState(theme() === "dark");
  const [open, setOpen] = useState(false); // the list of pages, where there is no room for it beside the page
  useEffect(() => setOpen(false), [route]);
  useEffect(() => {
    const again = () => redraw((n) => n + 1);
    addEventListener("weir-theme", again);
    return () => removeEventListener("weir-theme", again);
  }, []);

  const failed = me.error || boards.error;
  if (failed) return <main><p class="failure" role="alert">{failed}</p><button type="button" onClick={() => (me.again(), boards.again())}>Try again</button></main>;
  if (!me.value || !boards.value) return <main><p class="loading">Loading</p></main>;
  setScrape(me.value.interval_seconds * 1000);
  const own = pages.filter((p) => (!p.needs || me.value!.pages.includes(p.needs)) && (!p.edge || me.value!.role === "edge"));
  const keep = carried(route.params);
  const uid = route.path.startsWith("/d/") ? route.path.slice(3) : route.path === "/" ? boards.value[0]?.uid : undefined;
  const link = (path: string, name: string, on: boolean) => (
    <li><a href={href(path, keep)} aria-current={on ? "page" : undefined}>{name}</a></li>
  );
  return (
    <>
      <a class="skip" href="#main" onClick={(e) => (e.preventDefault(), document.getElementById("main")!.focus())}>To the page's content</a>
      <nav aria-label="Pages">
        <a class="brand" href={href("/", keep)}>Weir <small>{me.value.role}</small></a>
        <button type="button" class="menu" aria-expanded={open} aria-controls="pages" onClick={() => setOpen(!open)}>Pages</button>
        <div id="pages" class={open ? "open" : ""}>
          <h2 id="nav-dashboards">Dashboards</h2>
          <ul aria-labelledby="nav-dashboards">{boards.value.map((d) => link("/d/" + d.uid, d.title.replace(/^Weir \/ /, ""), d.uid === uid))}</ul>
          <h2 id="nav-tools">Look closer</h2>
          <ul aria-labelledby="nav-tools">{own.map((p) => link(p.path, p.name, route.path === p.path))}</ul>
          <p class="zone" title="all times are shown in this zone">{zone()}</p>
          <button type="button" class="theme" onClick={() => setDark(flipTheme() === "dark")}>{dark ? "Light" : "Dark"}</button>
        </div>
      </nav>
      <main id="main" tabIndex={-1} key={dark ? "dark" : "light"}>
        {uid ? <DashboardPage route={route} uid={uid} above={uid.endsWith("-overview") && me.value.role === "edge" && <Verdict />} /> : <Tool route={route} me={me.value} />}
      </main>
    </>
  );
}

function Tool({ route, me }: { route: Route; me: About }) {
  switch (route.path) {
    case "/logs": return <LogsPage route={route} />;
    case "/metrics": return <MetricsPage route={route} />;
    case "/leaves": return <LeavesPage route={route} />;
    case "/allowlist": return <AllowlistPage me={me} />;
    case "/sources": return <SourcesPage route={route} />;
    case "/about": return <AboutPage me={me} />;
    default: return <p class="failure" role="alert">There is no page {route.path}. <a href="#/">To the overview</a></p>;
  }
}

