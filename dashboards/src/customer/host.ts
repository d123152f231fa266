// The machine: utilization, saturation, errors, and when its disks are full.
import { build, even, row } from "../board";
import { fewIsGood, filling } from "../look";
import { bars, limits, lines, stat } from "../panels";
import { q } from "../query";
import { edgeMetrics } from "../variables";
import { deploys, policy } from "./shared";

const busy = `1 - avg(system_cpu_utilization_ratio{state="idle"})`;
const cpus = `count(count by (cpu) (system_cpu_utilization_ratio))`;
const none = "no host metrics";

export const host = () =>
  build({
    uid: "weir-customer-host", title: "Weir / Host", set: "weir-customer",
    text: "The machine that Weir runs on: how busy, how crowded, what fails, and when its disks are full.",
    variables: [edgeMetrics],
    annotations: [deploys, policy],
    rows: [
      row(
        "Now",
        even(
          4,
          stat({ title: "Processor", text: "Share of all processors that is busy: everything but idle.", unit: "percentunit", none }, filling, q(busy, "busy")),
          stat({ title: "Memory", text: "Share of memory in use, caches not counted.", unit: "percentunit", none }, ["green", [0.85, "orange"], [0.95, "red"]],
            q(`sum(system_memory_utilization_ratio{state="used"})`, "used")),
          stat({ title: "Fullest disk", text: "How full the fullest file system is.", unit: "percentunit", none }, filling, q(`max(system_filesystem_utilization_ratio)`, "full")),
          stat({ title: "Load a processor", text: "Load of the last minute for each processor; beyond 1, work waits.", none }, ["green", [1, "orange"], [2, "red"]],
            q(`sum(system_cpu_load_average_1m) / ${cpus}`, "load")),
          stat({ title: "First disk full in", text: "At the pace of the last six hours the first disk is full after this time. Nothing stands here while no disk fills up.", unit: "s", none: "none fills up" },
            ["red", [86400, "orange"], [345600, "green"]], q(`min(weir:disk:full_in_seconds)`, "full in")),
          stat({ title: "Network errors", text: "Packets that were sent or received with errors, or dropped, in the time shown.", none: "0" }, fewIsGood,
            q(`sum(increase(system_network_errors_total[$__range])) + sum(increase(system_network_dropped_total[$__range]))`, "packets")),
        ),
      ),
      row(
        "Utilization",
        even(
          8,
          lines({ title: "Processor by state", text: "Share of all processors by what they do.", unit: "percentunit", none },
            q(`avg by (state) (system_cpu_utilization_ratio{state!="idle"})`, "{{state}}")).max(1),
          lines({ title: "Memory by use", text: "Share of memory by use.", unit: "percentunit", none },
            q(`sum by (state) (system_memory_utilization_ratio{state!="free"})`, "{{state}}")).max(1),
          lines({ title: "Network", text: "Bytes a second by device and direction.", unit: "Bps", none },
            q(`sum by (device, direction) (rate(system_network_io_bytes_total{device!="lo"}[$__rate_interval]))`, "{{device}} {{direction}}")),
        ),
      ),
      row(
        "Saturation",
        even(
          8,
          limits(lines({ title: "Load for each processor", text: "Load averages divided by the number of processors; beyond 1, work waits.", none },
            q(`sum(system_cpu_load_average_1m) / ${cpus}`, "1 min"), q(`sum(system_cpu_load_average_5m) / ${cpus}`, "5 min"), q(`sum(system_cpu_load_average_15m) / ${cpus}`, "15 min")),
            ["transparent", [1, "orange"]]),
          lines({ title: "Disk busy", text: "Share of the time in which a device had at least one operation under way.", unit: "percentunit", none },
            q(`max by (device) (rate(system_disk_io_time_seconds_total[$__rate_interval]))`, "{{device}}")).max(1),
          lines({ title: "Operations waiting", text: "Operations that each device has not finished.", none }, q(`max by (device) (system_disk_pending_operations)`, "{{device}}")),
          lines({ title: "Paging", text: "Page faults a second that had to read from disk, and pages moved to and from swap.", unit: "ops", none },
            q(`sum(rate(system_paging_faults_total{type="major"}[$__rate_interval]))`, "major faults"),
            q(`sum by (direction) (rate(system_paging_operations_total{type="major"}[$__rate_interval]))`, "{{direction}}")),
        ),
      ),
      row(
        "Disks",
        even(
          8,
          bars({ title: "Disks", text: "How full each file system is.", unit: "percentunit", none }, filling, 1, q(`max by (mountpoint) (system_filesystem_utilization_ratio)`, "{{mountpoint}}")),
          bars({ title: "Inodes", text: "Share of each file system's inodes that is in use. A disk without inodes is full, whatever its bytes say.", unit: "percentunit", none }, filling, 1,
            q(`max by (mountpoint) (system_filesystem_inodes_usage{state="used"} / ignoring (state) sum without (state) (system_filesystem_inodes_usage))`, "{{mountpoint}}")),
          limits(lines({ title: "Forecast", text: "How full each file system is, and how full it will be in four days at the pace of the last six hours; that takes half an hour of them.", unit: "percentunit", none },
            q(`max by (mountpoint) (system_filesystem_utilization_ratio)`, "{{mountpoint}} now"),
            q(`clamp(max by (mountpoint) (predict_linear(system_filesystem_utilization_ratio[6h], 4 * 86400) and system_filesystem_utilization_ratio offset 30m), 0, 1.2)`, "{{mountpoint}} in four days")),
            ["transparent", [1, "red"]]),
          lines({ title: "Reads and writes", text: "Bytes a second by device and direction.", unit: "Bps", none },
            q(`sum by (device, direction) (rate(system_disk_io_bytes_total[$__rate_interval]))`, "{{device}} {{direction}}")),
        ),
      ),
      row(
        "Errors",
        even(
          7,
          lines({ title: "Network errors by device", text: "Packets a second that were sent or received with errors.", unit: "cps", none: "none" },
            q(`sum by (device, direction) (rate(system_network_errors_total[$__rate_interval])) > 0`, "{{device}} {{direction}}")),
          lines({ title: "Packets dropped", text: "Packets a second that a device dropped.", unit: "cps", none: "none" },
            q(`sum by (device, direction) (rate(system_network_dropped_total[$__rate_interval])) > 0`, "{{device}} {{direction}}")),
          lines({ title: "Connections", text: "TCP connections by state. Many that wait to close point at a peer that does not.", none },
            q(`sum by (state) (system_network_connections) > 0`, "{{state}}")),
        ),
      ),
    ],
  });
