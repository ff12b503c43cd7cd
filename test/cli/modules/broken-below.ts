import "./broken.ts";

export const jobs = [];
