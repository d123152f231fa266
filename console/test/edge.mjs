// The real edge on free ports of the loopback, with an accepted policy, a
// product that sends to it and a dependency that it probes, and a fleet that
// takes its reports.
import { execFileSync, spawn } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = new URL("../../", import.meta.url).pathname;
const bin = (name) => join(root, "bin", name);

function freePort() {
  return new Promise((resolve, reject) => {
    const s = createServer().on("error", reject).listen(0, "127.0.0.1", () => {
      const { port } = s.address();
      s.close(() => resolve(port));
    });
  });
}

/** Something that a product depends on, and that can be broken for real. */
async function listening() {
  const open = (port) => new Promise((resolve, reject) => {
    const s = createServer((c) => c.end()).on("error", reject).listen(port, "127.0.0.1", () => resolve(s));
  });
  let server = await open(0);
  const { port } = server.address();
  return {
    port,
    stop: () => new Promise((r) => server.close(r)),
    start: async () => (server = await open(port)),
  };
}

async function until(what, check, seconds = 60) {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await new Promise((r) => setTimeout(r, 250))) {
    try {
      if (await check()) return;
    } catch {
      // not yet
    }
  }
  throw new Error(`${what} did not happen in ${seconds} s`);
}

export async function startEdge() {
  const dir = mkdtempSync(join(tmpdir(), "weir-console-"));
  const [listen, grpc, otlp, fleet, reports] = (await Promise.all([0, 0, 0, 0, 0].map(freePort))).map((p) => "127.0.0.1:" + p);
  const dependency = await listening();
  const probes = join(dir, "probes.yaml");
  writeFileSync(probes, `connectors: {vitals: {probe_interval: 500ms, probes: [{name: database, kind: tcp, target: "127.0.0.1:${dependency.port}"}]}}\n`);
  const policy = join(dir, "allowlist.yaml");
  writeFileSync(policy, readFileSync(join(root, "policies/sample-shop.yaml"), "utf8").replace(/^destination: .*/m, `destination: https://${reports}`));
  const children = [];
  const run = (name, args, env) => {
    const child = spawn(bin(name), args, { cwd: root, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    child.log = "";
    for (const s of [child.stdout, child.stderr]) s.on("data", (d) => (child.log = (child.log + d).slice(-20_000)));
    children.push(child);
    return child;
  };
  const data = join(dir, "edge");
  execFileSync(bin("weir"), ["policy", "accept", policy, "--by", "test", "--reason", "test of the console"], { env: { ...process.env, WEIR_DATA: data } });
  copyFileSync(policy, join(dir, "fleet-policy.yaml"));
  const fleetData = join(dir, "fleet");
  run("weir-collector", ["--config", "config/fleet.yaml"], {
    WEIR_DATA: fleetData, WEIR_FLEET_LISTEN: fleet, WEIR_FLEET_OTLP_HTTP: reports, WEIR_FLEET_POLICIES: join(dir, "fleet-policy.yaml"),
  });
  const url = "http://" + listen;
  const stop = async () => {
    for (const c of children.reverse()) {
      c.kill("SIGTERM");
      await new Promise((r) => (c.exitCode === null && c.signalCode === null ? c.once("exit", r) : r()));
    }
    await dependency.stop();
    rmSync(dir, { recursive: true, force: true });
  };
  const push = async (service, lines) => {
    const values = lines.map((text, i) => [String(BigInt(Date.now()) * 1_000_000n + BigInt(i)), text]);
    const res = await fetch(url + "/loki/api/v1/push", {
      method: "POST", headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ streams: [{ stream: { service_name: service }, values }] }),
    });
    if (!res.ok) throw new Error(`push: ${res.status} ${await res.text()}`);
  };
  // A service that only traces: its durations become native histograms, its versions deploys.
  const trace = async (service, version, n) => {
    const end = BigInt(Date.now()) * 1_000_000n;
    const spans = Array.from({ length: n }, (_, i) => ({
      traceId: (i + 1).toString(16).padStart(32, "0"), spanId: (i + 1).toString(16).padStart(16, "0"), name: "GET /", kind: 2,
      startTimeUnixNano: String(end - BigInt(1_000_000 * (i + 1))), endTimeUnixNano: String(end),
      attributes: [{ key: "http.request.method", value: { stringValue: "GET" } }, { key: "http.response.status_code", value: { intValue: "200" } }],
    }));
    const resource = { attributes: [["service.name", service], ["service.version", version]].map(([key, stringValue]) => ({ key, value: { stringValue } })) };
    const res = await fetch(`http://${otlp}/v1/traces`, {
      method: "POST", headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans }] }] }),
    });
    if (!res.ok) throw new Error(`trace: ${res.status} ${await res.text()}`);
  };
  let edge;
  try {
    await until("the fleet's start", async () => (await fetch(`http://${fleet}/ready`)).ok);
    const token = join(dir, "token");
    writeFileSync(token, execFileSync(bin("weir"), ["fleet", "enroll", "test-customer", "--url", "https://" + reports], { env: { ...process.env, WEIR_DATA: fleetData }, stdio: ["ignore", "pipe", "pipe"] }));
    execFileSync(bin("weir"), ["enroll", "--token-file", token], { env: { ...process.env, WEIR_DATA: data, WEIR_POLICY: policy } });
    edge = run("weir-collector", ["--config", "config/edge.yaml", "--config", probes], {
      WEIR_DATA: data, WEIR_POLICY: policy, WEIR_LISTEN: listen, WEIR_OTLP_GRPC: grpc, WEIR_OTLP_HTTP: otlp, WEIR_LOGS: join(dir, "none/*.log"),
      WEIR_RESPONSIBILITIES: "config/responsibilities/shop.yaml",
    });
    await until("the edge's start", async () => (await fetch(url + "/ready")).ok);
    run("demo-shop", ["-logs", dir], { OTEL_EXPORTER_OTLP_ENDPOINT: "http://" + otlp });
    await push("console-test", Array.from({ length: 60 }, (_, i) => (i === 30 ? "level=error msg=needle" : `level=info msg="line ${i}"`)));
    await push("flood", ["the first"]);
    await trace("console-traced", "1.0.0", 60);
    const has = async (query, base = url) => (await (await fetch(`${base}/api/v1/query?query=${encodeURIComponent(query)}`)).json()).data.result.length > 0;
    await until("a report", () => has('weir_upstream_reports_total{outcome="acknowledged"} > 2'), 90);
    await until("host metrics", () => has("system_cpu_utilization_ratio"), 60);
    await trace("console-traced", "1.1.0", 1);
    await until("a deploy", () => has('weir_service_deploys_total{service_version="1.1.0"} > 0'), 60);
    await until("rates", () => has("rate(weir_service_requests_total[1m])"), 60);
    // The fleet's rules are evaluated each minute, and some build on others; who enrolled is read each minute.
    await until("the fleet's figures", () => has("weir:install:time_to_first_signal_seconds and on () weir:release_ring:error_ratio15m and on () weir_fleet_install_info", "http://" + fleet), 180);
  } catch (err) {
    const log = children.map((c) => c.log.slice(-6000)).join("\n--\n");
    await stop();
    throw new Error(`${err.message}\n${log}`);
  }
  return {
    url, stop, dependency, fleet: "http://" + fleet,
    /** As fast as a tail gives them: a thousand lines every half second. */
    async flood(n) {
      for (let i = 0, next = Date.now(); i < n; i += 400) {
        await push("flood", Array.from({ length: 400 }, (_, k) => `level=info msg="flood ${i + k}" id=${Math.random()}`));
        next += 250;
        await new Promise((r) => setTimeout(r, next - Date.now()));
      }
    },
    widenPolicy() {
      const text = readFileSync(policy, "utf8");
      writeFileSync(policy, text.replace(/^revision: (\d+)/m, (_, n) => `revision: ${Number(n) + 1}`).replace(/max: (\d)/, "max: 1$1"));
    },
  };
}
