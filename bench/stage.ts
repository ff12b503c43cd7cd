import { countCommands } from "../test/support/command-stats.ts";
import { type RedisServer, startRedis } from "../test/support/redis-server.ts";
import { RespClient } from "../test/support/resp.ts";
import type { DelayState } from "./delay-process.ts";
import { Helper } from "./helper.ts";
import type { ShimState } from "./shim-process.ts";
import { type Connections, sum, type Task, type TaskReport } from "./task.ts";

export type Worker = Helper<Task, TaskReport>;

/** One run, over all processes that took part. CPU times are in ms. */
export interface Run {
  readonly jobs: number;
  readonly ms: number;
  readonly commands: number;
  readonly requests: number;
  readonly cpu: { readonly workers: number; readonly shim: number; readonly redis: number };
  /** From enqueue to start, if that was measured. */
  readonly samplesMs: readonly number[];
  /** How much of the time slots were taken, in each process where jobs take any. */
  readonly busy: readonly NonNullable<TaskReport["busy"]>[];
}

/** One Redis, the REST shim in front of it in its own process, and worker processes. */
export class Stage {
  readonly server: RedisServer;
  readonly connections: Connections;
  readonly #redis: RespClient;
  readonly #shim: Helper<object, ShimState>;
  readonly #workers: Worker[] = [];
  readonly #delays: Helper<object, DelayState>[] = [];

  static async open(): Promise<Stage> {
    const server = await startRedis();
    const shim = new Helper<object, ShimState>("shim-process", { REDIS_PORT: String(server.port) });
    const state = await shim.ask({});
    return new Stage(server, await RespClient.connect(server.port), shim, state);
  }

  private constructor(server: RedisServer, redis: RespClient, shim: Helper<object, ShimState>, state: ShimState) {
    this.server = server;
    this.#redis = redis;
    this.#shim = shim;
    this.connections = { redisPort: server.port, rest: { url: state.url, token: state.token } };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#workers, this.#shim, ...this.#delays].map((helper) => helper.stop()));
    this.#redis.close();
    await this.server.stop();
  }

  /** A worker process. Up to a number of them are kept and reused, so that they are warm. */
  worker(index = 0): Worker {
    const worker = this.#workers[index] ?? this.#newWorker();
    this.#workers[index] = worker;
    return worker;
  }

  /** So many worker processes whose Redis is so far away, over TCP. They are stopped with the stage. */
  async distantWorkers(count: number, distanceMs: number): Promise<readonly Worker[]> {
    const { redisPort } = this.connections;
    const env = { REDIS_PORT: String(redisPort), DELAY_MS: String(distanceMs) };
    const delay = new Helper<object, DelayState>("delay-process", env);
    this.#delays.push(delay);
    const { port } = await delay.ask({});
    const workers = Array.from({ length: count }, () => this.#newWorker(port));
    this.#workers.push(...workers);
    return workers;
  }

  #newWorker(redisPort = this.connections.redisPort): Worker {
    const { rest } = this.connections;
    const env = { REDIS_PORT: String(redisPort), STORE_URL: rest.url, STORE_TOKEN: rest.token };
    return new Helper("worker-process", env);
  }

  async clear(): Promise<void> {
    await this.#redis.send(["FLUSHALL", "SYNC"]);
  }

  async memoryBytes(): Promise<number> {
    return this.#information("memory", "used_memory");
  }

  /** What Redis has received and sent so far. */
  async trafficBytes(): Promise<number> {
    const received = await this.#information("stats", "total_net_input_bytes");
    return received + (await this.#information("stats", "total_net_output_bytes"));
  }

  async keyBytes(key: string): Promise<number> {
    return Number(await this.#redis.send(["MEMORY", "USAGE", key, "SAMPLES", "0"]));
  }

  /** Runs a task in each of the workers at once. */
  async run(task: Task, workers: readonly Worker[] = [this.worker()]): Promise<Run> {
    const before = await this.#state();
    const { result: reports, commands } = await countCommands(this.server.port, () =>
      Promise.all(workers.map((worker) => worker.ask(task))),
    );
    const after = await this.#state();
    return {
      jobs: sum(reports.map(({ jobs }) => jobs)),
      ms: Math.max(...reports.map(({ endedAt }) => endedAt)) - Math.min(...reports.map(({ startedAt }) => startedAt)),
      commands,
      requests: after.requests - before.requests,
      cpu: {
        workers: sum(reports.map(({ cpuMs }) => cpuMs)),
        shim: after.shim - before.shim,
        redis: after.redis - before.redis,
      },
      samplesMs: reports.flatMap(({ samplesMs }) => samplesMs),
      busy: reports.flatMap(({ busy }) => busy ?? []),
    };
  }

  async #state() {
    const { requests, cpuMs } = await this.#shim.ask({});
    const [user, system] = [
      await this.#information("cpu", "used_cpu_user"),
      await this.#information("cpu", "used_cpu_sys"),
    ];
    return { requests, shim: cpuMs, redis: (user + system) * 1_000 };
  }

  async #information(section: string, name: string): Promise<number> {
    const text = String(await this.#redis.send(["INFO", section]));
    return Number(new RegExp(`^${name}:([\\d.]+)`, "m").exec(text)?.[1]);
  }
}

/** Repeats a run. */
export async function repeated<T>(times: number, run: () => Promise<T>): Promise<readonly T[]> {
  const results: T[] = [];
  while (results.length < times) results.push(await run());
  return results;
}

export function perSecond({ jobs, ms }: Run): number {
  return (jobs / ms) * 1_000;
}
