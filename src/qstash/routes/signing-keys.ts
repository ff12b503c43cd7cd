import { route } from "./route.ts";

export const keyRoutes = [
  route("GET keys", ({ settings, documents }) => settings.keys.read(documents)),
  route("POST keys/rotate", ({ settings, documents }) => settings.keys.rotate(documents)),
];
