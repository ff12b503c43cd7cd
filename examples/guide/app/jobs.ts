import { defineJob, PermanentError } from "tidegate";
import * as z from "zod";

/** The part of an R2 bucket that the app uses. */
export interface Bucket {
  get(key: string): Promise<{ arrayBuffer(): Promise<ArrayBuffer> } | null>;
  put(key: string, value: ArrayBuffer | Uint8Array): Promise<unknown>;
  delete(key: string): Promise<unknown>;
  list(options: { readonly prefix: string }): Promise<{ readonly objects: readonly { key: string; uploaded: Date }[] }>;
}

const DAY_MS = 86_400_000;

/** The app's jobs. They come from a function, because on Workers bindings arrive with each event. */
export function imageJobs(images: Bucket) {
  const makeThumbnail = defineJob({
    name: "make_thumbnail",
    schema: z.object({ key: z.string(), user: z.int() }),
    maxRetries: 3,
    timeout: "20s",
    async perform({ key, user }) {
      const original = await images.get(`uploads/${key}`);
      if (!original) throw new PermanentError("The upload is gone, so there is nothing to do.");
      const thumbnail = shrink(new Uint8Array(await original.arrayBuffer()));
      await images.put(`thumbnails/${user}/${key}`, thumbnail); // a second attempt writes the same file
      return { thumbnail: `thumbnails/${user}/${key}` };
    },
  });

  const removeOldUploads = defineJob({
    name: "remove_old_uploads",
    schedule: { cron: "0 30 3 * * *", timeZone: "Europe/Paris" },
    async perform(_: undefined) {
      const { objects } = await images.list({ prefix: "uploads/" });
      const old = objects.filter(({ uploaded }) => Date.now() - uploaded.getTime() > 30 * DAY_MS);
      await Promise.all(old.map(({ key }) => images.delete(key)));
      return { removed: old.length };
    },
  });

  return { makeThumbnail, removeOldUploads };
}

/** Stands in for an image library. */
function shrink(image: Uint8Array): Uint8Array {
  return image.filter((_, index) => index % 2 === 0);
}
