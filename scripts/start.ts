// npm start: runs the demo Worker in workerd, ticks its cron trigger each minute, and says what to do next.
import { parseArgs } from "node:util";
import { checkPort, LocalWorker } from "./start/local-worker.ts";

const MINUTE_MS = 60_000;
const DEFAULT_PORT = "8787";
const SHOW_PROGRESS_AFTER_MS = 1_000;

/** @throws {Error} for an unknown option or an invalid port. */
function readOptions(args: readonly string[]) {
  const options = { port: { type: "string" }, qstash: { type: "boolean", default: false } } as const;
  const { values } = parseArgs({ args: [...args], options });
  const text = values.port ?? process.env["PORT"] ?? DEFAULT_PORT;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Error(`${text} is not a port: 1 to 65535.`);
  return { port, qstash: values.qstash };
}

/** Shows how long the start has taken so far, if there is a terminal. Returns a function that erases the line. */
function showProgress(): () => void {
  if (!process.stderr.isTTY) return () => {};
  const start = performance.now();
  const timer = setInterval(() => {
    const seconds = Math.round((performance.now() - start) / 1_000);
    process.stderr.write(`\rStarting workerd ... ${seconds} s`);
  }, SHOW_PROGRESS_AFTER_MS);
  return () => {
    clearInterval(timer);
    process.stderr.write("\r\x1b[K");
  };
}

/**
 * Does what Cloudflare does once deployed: fires the cron trigger on each minute, whether or not the last run has
 * ended.
 */
function tick(url: string): void {
  // The Worker logs failures; a request that is cut off here means that the Worker is stopping.
  fetch(`${url}/cdn-cgi/handler/scheduled?cron=*+*+*+*+*`).then(
    (response) => response.text(),
    () => {},
  );
  // A timer may fire just before its time, and the next one must not follow at once.
  const wait = MINUTE_MS - ((Date.now() + 500) % MINUTE_MS) + 500;
  setTimeout(() => tick(url), wait).unref();
}

async function run(worker: LocalWorker): Promise<void> {
  const hideProgress = showProgress();
  await worker.ready().finally(hideProgress);
  const welcome = await fetch(worker.url);
  console.log(`${await welcome.text()}\nPress Ctrl-C to stop. The log of running jobs follows:\n`);
  tick(worker.url);
  await worker.died();
}

/** Runs until the Worker ends, or a signal stops it. */
export async function main(args: readonly string[]): Promise<void> {
  const { port, qstash } = readOptions(args);
  await checkPort(port);
  const worker = new LocalWorker(port, qstash ? "local.ts" : "worker.ts");
  const stopped = new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, resolve);
    // The reader has gone, as in `npm start | head`.
    process.stdout.once("error", resolve);
  });
  try {
    await Promise.race([run(worker), stopped]);
  } finally {
    await worker.stop();
  }
}
