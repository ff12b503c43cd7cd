import type { FlowControlKey } from "../../core/flow/flow-key.ts";
import type { NameFigures, QueueFigures } from "../../core/manage/figures.ts";
import type { Histogram, QueueMeasures } from "../../core/manage/stats.ts";
import { outcomeCounters, outcomeNames } from "../../core/store/stats.ts";

export interface Measured extends QueueMeasures {
  readonly queue: string;
  /** Empty unless the request asks for keys. */
  readonly busiestKeys: readonly FlowControlKey[];
}

interface Sample {
  /** Appended to the metric's name, such as `_bucket`. */
  readonly suffix?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Metric {
  readonly type: "counter" | "gauge" | "histogram";
  readonly name: string;
  readonly help: string;
  readonly samples: (measured: Measured) => readonly Sample[];
}

const metric = (type: Metric["type"], name: string, help: string, samples: Metric["samples"]): Metric => ({
  type,
  name,
  help,
  samples,
});

// Named after https://prometheus.io/docs/practices/naming/ and OpenMetrics: base units, and `_total` for counters.
const metrics: readonly Metric[] = [
  metric("gauge", "tidegate_jobs", "Jobs by state.", ({ stats }) => [
    { labels: { state: "scheduled" }, value: stats.scheduledCount },
    { labels: { state: "ready" }, value: stats.readyCount },
    { labels: { state: "running" }, value: stats.runningCount },
    { labels: { state: "dead" }, value: stats.deadLetterCount },
  ]),
  metric("counter", "tidegate_jobs_enqueued_total", "Jobs enqueued.", ({ stats }) => [{ value: stats.totalEnqueued }]),
  ...Object.values(outcomeCounters).map(({ metric: name, help, total }) =>
    metric("counter", name, help, ({ stats }) => [{ value: stats[total] }]),
  ),
  metric("gauge", "tidegate_queue_paused", "1 while the queue is paused.", ({ stats }) => [
    { value: stats.paused ? 1 : 0 },
  ]),
  metric(
    "gauge",
    "tidegate_oldest_ready_job_age_seconds",
    "How long the oldest ready job has been due; 0 if none is ready.",
    ({ stats }) => [{ value: (stats.oldestReadyAgeMs ?? 0) / 1_000 }],
  ),
  metric("gauge", "tidegate_arrivals_per_minute", "Jobs that became due a minute, over the last five.", ({ stats }) => [
    { value: stats.pace.arrivals },
  ]),
  metric("gauge", "tidegate_departures_per_minute", "Jobs that left a minute, over the last five.", ({ stats }) => [
    { value: stats.pace.departures },
  ]),
  metric(
    "gauge",
    "tidegate_empty_in_seconds",
    "Time until the queue is empty at this pace; absent while it grows.",
    ({ stats: { pace } }) => (pace.emptyInMs === null ? [] : [{ value: pace.emptyInMs / 1_000 }]),
  ),
  metric(
    "gauge",
    "tidegate_next_run_timestamp_seconds",
    "When something is due next; absent if nothing is.",
    ({ stats }) => (stats.nextRunAt ? [{ value: stats.nextRunAt.getTime() / 1_000 }] : []),
  ),
  metric("histogram", "tidegate_job_waiting_seconds", "How long attempts waited to start once due.", ({ waiting }) =>
    histogramSamples(waiting),
  ),
  metric("histogram", "tidegate_job_running_seconds", "How long attempts ran.", ({ running }) =>
    histogramSamples(running),
  ),
  metric("counter", "tidegate_name_outcomes_total", "Outcomes of jobs and attempts, by name.", ({ figures }) =>
    allNames(figures).flatMap(({ name, total }) =>
      outcomeNames.map((each) => ({ labels: { name, outcome: outcomeCounters[each].to }, value: total[each] })),
    ),
  ),
  quantilesByName("tidegate_name_waiting_seconds", "How long attempts of the last hour waited, by name.", "waiting"),
  quantilesByName("tidegate_name_running_seconds", "How long attempts of the last hour ran, by name.", "running"),
  ofBusiestKeys("tidegate_flow_control_running_jobs", "Running jobs of the busiest keys.", "running"),
  ofBusiestKeys("tidegate_flow_control_waiting_jobs", "Waiting jobs of the busiest keys.", "waiting"),
];

/** At most 101: a store keeps no more. */
function allNames({ names, other }: QueueFigures): readonly NameFigures[] {
  return other ? [...names, other] : names;
}

function quantilesByName(name: string, help: string, field: "waiting" | "running"): Metric {
  return metric("gauge", name, help, ({ figures }) =>
    allNames(figures).flatMap(({ name, hour: { [field]: times } }) =>
      times
        ? [
            { labels: { name, quantile: "0.5" }, value: times.medianMs / 1_000 },
            { labels: { name, quantile: "0.95" }, value: times.p95Ms / 1_000 },
          ]
        : [],
    ),
  );
}

function ofBusiestKeys(name: string, help: string, field: "running" | "waiting"): Metric {
  return metric("gauge", name, help, ({ busiestKeys }) =>
    busiestKeys.map((each) => ({ labels: { key: each.key }, value: each[field] })),
  );
}

function histogramSamples({ bounds, counts, sumMs }: Histogram): readonly Sample[] {
  let upTo = 0;
  const buckets = counts.map((count, index) => {
    upTo += count;
    const bound = bounds[index];
    return { suffix: "_bucket", labels: { le: bound === undefined ? "+Inf" : String(bound / 1_000) }, value: upTo };
  });
  return [...buckets, { suffix: "_sum", value: sumMs / 1_000 }, { suffix: "_count", value: upTo }];
}

/** Writes metrics of queues in Prometheus' text format (version 0.0.4). Each sample has its queue's name as a label. */
export function metricsText(queues: readonly Measured[]): string {
  const lines = metrics.flatMap(({ name, type, help, samples }) => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...queues.flatMap((measured) =>
      samples(measured).map(
        ({ suffix = "", labels = {}, value }) =>
          `${name}${suffix}${labelsText({ queue: measured.queue, ...labels })} ${value}`,
      ),
    ),
  ]);
  return `${lines.join("\n")}\n`;
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  return `{${Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join(",")}}`;
}

function escaped(value: string): string {
  return value.replace(/[\\"]/g, "\\$&").replace(/\n/g, "\\n");
}
