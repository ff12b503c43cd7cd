import { defineJob } from "tidegate";

export const greet = defineJob({
  name: "greet",
  perform: ({ who }: { readonly who: string }) => `Hello, ${who}`,
});

export const cleanUp = defineJob({
  name: "clean_up",
  schedule: { cron: "0 0 3 * * *", timeZone: "Europe/Paris" },
  async perform() {},
});

export const jobs = [greet, cleanUp];
