import { defineJob } from "tidegate";
import { readRows, storeRow, transcode } from "../services.ts";
import { sender } from "./store.ts";

interface Video {
  readonly video: string;
}

// #region define
export const addVideo = defineJob({
  name: "add_video",
  async perform({ video }: Video, job) {
    const scenes = await readRows(`scenes of ${video}`, job.signal); // how many is known only now
    const thumbnails = scenes.map((scene) => ({ job: drawThumbnail, payload: { scene } }));
    job.enqueue(
      publish,
      { video },
      {
        waitFor: "completed",
        children: [
          { job: encode, payload: { video } },
          { job: makeContactSheet, payload: { video }, children: thumbnails },
        ],
      },
    );
  },
});

export const makeContactSheet = defineJob({
  name: "make_contact_sheet",
  async perform({ video }: Video, job) {
    const { jobs } = await sender.listChildren(job.id, { limit: 1_000 });
    const images = jobs.filter(({ state }) => state === "completed").map(({ result }) => result);
    await storeRow(`contact sheet of ${video}`, images.join(" "));
  },
});
// #endregion

export const drawThumbnail = defineJob({
  name: "draw_thumbnail",
  perform: ({ scene }: { readonly scene: string }) => `https://images.example.com/${encodeURIComponent(scene)}.png`,
});

export const encode = defineJob({
  name: "encode",
  perform: ({ video }: Video, { signal }) => transcode(video, { signal, onProgress: async () => {} }),
});

export const publish = defineJob({
  name: "publish",
  async perform({ video }: Video) {
    await storeRow(`published ${video}`, "now");
  },
});
