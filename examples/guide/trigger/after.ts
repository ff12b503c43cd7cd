// #region define
import { defineJob, PermanentError, type Queue } from "tidegate";
import { mail, transcode } from "../services.ts";

interface Video {
  readonly video: string;
  readonly customer: string;
}

export const encode = defineJob({
  name: "encode",
  maxRetries: 3,
  timeout: "2m",
  flowControl: { key: ({ customer }: Video) => `encode-${customer}`, concurrency: 2 },
  async perform({ video }: Video, job) {
    if (!video.endsWith(".mp4")) throw new PermanentError("This is no video.");
    const onProgress = (percent: number) => job.progress({ percent });
    return { address: await transcode(video, { signal: job.signal, onProgress }) };
  },
});

export const report = defineJob({
  name: "report",
  schedule: { cron: "0 9 * * *", timeZone: "Europe/Paris" },
  async perform(_: undefined, job) {
    await mail("team@example.com", "Report", { key: job.id });
  },
});
// #endregion

export async function uploaded(queue: Queue) {
  // #region enqueue
  const { id } = await queue.enqueue(encode, { video: "cat.mp4", customer: "acme" }, { id: "encode-cat", delay: "5m" });
  // #endregion
  return id;
}
