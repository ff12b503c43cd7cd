import type { Spending } from "../../core/drain/usage.ts";
import type { FlowControlKey } from "../../core/flow/flow-keys.ts";
import type { NameFigures, QueueFigures } from "../../core/manage/figures.ts";
import type { Histogram, QueueMeasures } from "../../core/manage/stats.ts";

/** What is measured of a queue. */
export interface Measured extends QueueMeasures {
  readonly queue: string;
  /** Empty unless they were asked for. */
  readonly busiestKeys: readonly FlowControlKey[];
  readonly spending: Spending;
}

interface Sample {
  /** Appended to the metric's name, such as `_bucket`. */
  readonly suffix?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Metric {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly samples: (measured: Measured) => readonly Sample[];
}

const states = ["scheduled", "ready", "running", "deadLetter"] as const;

// Named after https://prometheus.io/docs/practices/naming/ and OpenMetrics: base units, and `_total` for counters.
const metrics: readonly Metric[] = [
  {
    name: "tidegate_jobs",
    type: "gauge",
    help: "Jobs by state.",
    samples: ({ stats }) =>
      states.map((state) => ({
        labels: { state: state === "deadLetter" ? "dead" : state },
        value: stats[`${state}Count`],
      })),
  },
  counter("tidegate_jobs_enqueued_total", "Jobs enqueued.", "totalEnqueued"),
  counter("tidegate_jobs_completed_total", "Jobs completed.", "totalProcessed"),
  counter("tidegate_jobs_dead_total", "Jobs that died.", "totalFailed"),
  counter("tidegate_job_retries_total", "Failed attempts that are retried.", "totalRetried"),
  {
    name: "tidegate_queue_paused",
    type: "gauge",
    help: "1 while the queue is paused.",
    samples: ({ stats }) => [{ value: stats.paused ? 1 : 0 }],
  },
  {
    name: "tidegate_oldest_ready_job_age_seconds",
    type: "gauge",
    help: "How long the oldest ready job has been due; 0 if none is ready.",
    samples: ({ stats }) => [{ value: (stats.oldestReadyAgeMs ?? 0) / 1_000 }],
  },
  {
    name: "tidegate_next_run_timestamp_seconds",
    type: "gauge",
    help: "When something is due next; absent if nothing is.",
    samples: ({ stats }) => (stats.nextRunAt ? [{ value: stats.nextRunAt.getTime() / 1_000 }] : []),
  },
  {
    name: "tidegate_job_waiting_seconds",
    type: "histogram",
    help: "How long attempts waited between falling due and starting.",
    samples: ({ waiting }) => histogramSamples(waiting),
  },
  {
    name: "tidegate_job_running_seconds",
    type: "histogram",
    help: "How long attempts ran.",
    samples: ({ running }) => histogramSamples(running),
  },
  {
    name: "tidegate_name_outcomes_total",
    type: "counter",
    help: "Completed jobs, retried attempts and dead jobs by name.",
    samples: ({ figures }) =>
      allNames(figures).flatMap(({ name, total }) => [
        { labels: { name, outcome: "completed" }, value: total.processed },
        { labels: { name, outcome: "retried" }, value: total.retried },
        { labels: { name, outcome: "dead" }, value: total.dead },
      ]),
  },
  quantilesByName("tidegate_name_waiting_seconds", "How long attempts of the last hour waited, by name.", "waiting"),
  quantilesByName("tidegate_name_running_seconds", "How long attempts of the last hour ran, by name.", "running"),
  {
    name: "tidegate_billed_commands_total",
    type: "counter",
    help: "Commands billed for what this process has done and read, since it started.",
    samples: ({ spending: { commands, lookCommands } }) => [
      { labels: { for: "work" }, value: commands - lookCommands },
      { labels: { for: "looks" }, value: lookCommands },
    ],
  },
  ofBusiestKeys("tidegate_flow_control_running_jobs", "Jobs that run, of the busiest keys.", "running"),
  ofBusiestKeys("tidegate_flow_control_waiting_jobs", "Jobs that wait, of the busiest keys.", "waiting"),
];

/** At most 101, since a store keeps no more names. */
function allNames({ names, other }: QueueFigures): readonly NameFigures[] {
  return other ? [...names, other] : names;
}

function quantilesByName(name: string, help: string, field: "waiting" | "running"): Metric {
  const samples: Metric["samples"] = ({ figures }) =>
    allNames(figures).flatMap(({ name, hour: { [field]: times } }) =>
      times
        ? [
            { labels: { name, quantile: "0.5" }, value: times.medianMs / 1_000 },
            { labels: { name, quantile: "0.95" }, value: times.p95Ms / 1_000 },
          ]
        : [],
    );
  return { name, type: "gauge", help, samples };
}

function ofBusiestKeys(name: string, help: string, field: "running" | "waiting"): Metric {
  const samples: Metric["samples"] = ({ busiestKeys }) =>
    busiestKeys.map((each) => ({ labels: { key: each.key }, value: each[field] }));
  return { name, type: "gauge", help, samples };
}

type Total = "totalEnqueued" | "totalProcessed" | "totalFailed" | "totalRetried";

function counter(name: string, help: string, total: Total): Metric {
  return { name, type: "counter", help, samples: ({ stats }) => [{ value: stats[total] }] };
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

/**
 * Writes what is measured of queues in the text format of Prometheus (version 0.0.4). Each sample carries its queue's
 * name.
 */
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
